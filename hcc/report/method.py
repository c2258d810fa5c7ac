"""Chapter: method and versions, so that a reader can repeat every figure."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from hcc.report.cells import SMALLEST, model_words
from hcc.report.html import Html, details, joined, listed, section, table, tag
from hcc.report.source import Source, parsed
from hcc.results.equation import figure, weight

_FACTORS = """
SELECT part::VARCHAR AS part, program::VARCHAR AS program, model::VARCHAR AS model, calibration::VARCHAR AS calibration,
  normalization, coding_adjustment, blend_weight, unverified, source
FROM payment_factors ORDER BY part, program, blend_weight DESC NULLS LAST"""


def method(source: Source) -> Html:
    """The chapter."""
    latest = source.run
    told = [
        f"Payment year {latest['payment_year']}, {latest['run']} run: paid on the diagnoses of the collection window of this run.",
        "A diagnosis counts by CMS's filter (claim form, procedure code, dates, replaced and deleted records); HCCs, "
        "hierarchies, interactions and coefficients are CMS's tables of the year.",
        "Scores are exact in thousandths; the raw score is normalised and adjusted in CMS's order, rounded half away "
        "from zero, then blended.",
        "What a gap is worth is the member's score made again with the HCC taken out or put in.",
        "Dollars are a Part C score change times the member's monthly benchmark times the payable months; Part D is "
        "given in score only.",
    ]
    if source.cells.show:
        told.append(
            "Small cells are shown: this page may point at single persons and must be kept like the data itself."
        )
    else:
        told.append(
            f"Counts of 1 to {SMALLEST - 1} members are not shown, nor figures from which one follows; small groups "
            "are put together."
        )
    return section(
        "method", "Method and versions", listed(told), _unverified(source), _notes(source), _factors(source),
        _rules(source), _inputs(source), _runs(source),
    )  # fmt: skip


def _unverified(source: Source) -> Html:
    rows = [row for row in source.rows(_FACTORS) if row["unverified"]]
    if not rows:
        return tag("p", "Every payment factor of this run was verified against a source.")
    points = [
        f"{row['program']}, {model_words(row['model'], row['calibration'])}: normalization {figure(row['normalization'])}, "
        f"weight {weight(row['blend_weight'])} – {row['source']}"
        for row in rows
    ]
    return joined((tag("h3", "Payment factors nobody could verify"), listed(points)))


def _notes(source: Source) -> Html:
    notes = list(dict.fromkeys(str(note) for run in source.runs for note in _listed(run["notes"])))
    return joined((tag("h3", "Notes of the run"), listed(notes))) if notes else Html("")


def _listed(told: Any) -> list[Any]:
    found = parsed(told)
    return found if isinstance(found, list) else [found] if found else []


def _factors(source: Source) -> Html:
    rows = source.rows(_FACTORS)
    if not rows:
        return Html("")
    body = [
        [row["program"] or "–", row["part"], model_words(row["model"], row["calibration"]), figure(row["normalization"]) or None,
         figure(row["coding_adjustment"]) or None, weight(row["blend_weight"]) or None, row["source"]]
        for row in rows
    ]  # fmt: skip
    headings = ["Programme", "Part", "Model", "Normalization", "Coding adjustment", "Weight", "Source"]
    words = ["Part", "Model", "Source"]
    return details("Payment factors", table("Payment factors of the run", headings, body, words=words))


def _rules(source: Source) -> Html:
    seen: dict[str, list[object]] = {}
    for run in source.runs:
        for rule in _listed(run["rules"]):
            if not isinstance(rule, dict) or "sha256" not in rule:
                continue
            other = next((key for key in rule if key not in ("sha256", "edition", "payment_year", "model")), "rules")
            named = rule.get("model") or f"{other} {rule.get(other, '')}".replace("_", " ").strip()
            year = rule.get("payment_year", "")
            seen[str(rule["sha256"])] = [named, year, rule.get("edition", ""), tag("code", rule["sha256"])]
    if not seen:
        return Html("")
    headings = ["Rules", "Year", "Edition", "SHA-256"]
    return details(
        "Rule sets and their fingerprints", table("Rule sets used", headings, seen.values(), words=headings[1:])
    )


def _inputs(source: Source) -> Html:
    """Names of files without their folders: a path may name a person or a client."""
    body = []
    for run in source.runs:
        for one in _listed(run["inputs"]):
            if isinstance(one, dict):
                names = ", ".join(PurePath(str(path)).name for path in one.get("paths", []))
                rows = one.get("rows")
                said = f"{rows:,}" if isinstance(rows, int) else rows
                body.append([one.get("table", ""), names, said, tag("code", one.get("sha256", ""))])
    unique = {tuple(row): row for row in body}
    headings = ["Input", "Files", "Rows", "SHA-256"]
    return (
        details("Inputs and their fingerprints", table("Inputs", headings, unique.values(), words=["Files", "SHA-256"]))
        if body
        else Html("")
    )


def _runs(source: Source) -> Html:
    body = [
        [run["run_id"], f"{run['started_at']:%Y-%m-%d %H:%M} UTC", run["engine_version"], run["schema_version"],
         run["models"].replace(",", ", ") if run["models"] else None, run["as_of"]]
        for run in source.runs
    ]  # fmt: skip
    headings = ["Run", "Started", "Engine", "Schema", "Models", "Gaps as of"]
    return details("Runs", table("Runs that made the results file", headings, body, words=headings[1:]))
