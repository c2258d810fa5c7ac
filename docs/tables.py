"""Tables that the documents show: three of one invented member, and what is covered, from mappings/."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from hcc.results.equation import figure

ROOT = Path(__file__).resolve().parents[1]
_NUMBERS = ("INT", "DECIMAL", "DOUBLE", "HUGEINT", "FLOAT")
# A member about whom all three tables have something to tell, and not too much of it.
_EXAMPLE = """
WITH hcc AS (
  SELECT member_id, count(*) FILTER (WHERE dropped_by_hcc IS NULL) AS kept,
    count(*) FILTER (WHERE dropped_by_hcc IS NOT NULL) AS displaced
  FROM member_hccs WHERE model = $model GROUP BY ALL
), factor AS (
  SELECT member_id, count(*) FILTER (WHERE variable NOT SIMILAR TO 'HCC[0-9]+|D[0-9]+P?|[FM][0-9_]+.*|Orig.*')
    AS joint
  FROM factors WHERE model = $model GROUP BY ALL
), code AS (
  SELECT d.member_id, count(*) AS rows, count(*) FILTER (WHERE NOT d.counted) AS lost
  FROM diagnoses d SEMI JOIN diagnosis_hccs m ON m.diagnosis_code = d.diagnosis_code AND m.model = $model GROUP BY ALL
), gap AS (
  SELECT member_id, count(DISTINCT rule_id) FILTER (WHERE direction = 'missing') AS missing,
    count(DISTINCT rule_id) FILTER (WHERE direction = 'unsupported') AS unsupported
  FROM gaps WHERE status = 'open' GROUP BY ALL
)
SELECT member_id FROM hcc JOIN factor USING (member_id) JOIN code USING (member_id) JOIN gap USING (member_id)
WHERE kept BETWEEN 2 AND 5 AND displaced = 1 AND joint BETWEEN 1 AND 3 AND rows <= 12 AND lost >= 1 AND missing >= 1
  AND unsupported >= 1
ORDER BY joint DESC, rows, member_id LIMIT 1"""
_LEADING = """
SELECT model::VARCHAR FROM scores WHERE part = 'C' AND raw_score IS NOT NULL
GROUP BY ALL ORDER BY count(DISTINCT member_id) DESC LIMIT 1"""
_CLAIMS = """
SELECT d.claim_id, d.thru_date, d.claim_type, string_agg(d.diagnosis_code, ', ' ORDER BY d.diagnosis_code) AS codes,
  CASE WHEN d.counted THEN 'yes' ELSE 'no: ' || any_value(r.meaning) END AS counts
FROM diagnoses d SEMI JOIN diagnosis_hccs m ON m.diagnosis_code = d.diagnosis_code AND m.model = $model
JOIN reasons r ON r.reason = d.reason
WHERE d.member_id = $member GROUP BY d.claim_id, d.thru_date, d.claim_type, d.counted
ORDER BY d.thru_date, d.claim_id, d.counted"""
_HCCS = """
SELECT h.hcc, any_value(l.label) AS label,
  string_agg(DISTINCT d.diagnosis_code, ', ' ORDER BY d.diagnosis_code) AS codes,
  any_value(h.claims) AS claims, any_value(h.last_date) AS last_date,
  any_value(coalesce('displaced by HCC ' || h.dropped_by_hcc::VARCHAR, 'counts')) AS outcome
FROM member_hccs h JOIN hccs l ON l.model = h.model AND l.hcc = h.hcc
LEFT JOIN hcc_diagnoses d ON d.member_id = h.member_id AND d.model = h.model AND d.hcc = h.hcc
WHERE h.member_id = $member AND h.model = $model
GROUP BY h.hcc ORDER BY h.hcc::INTEGER"""
_FACTORS = """
SELECT f.variable, CASE WHEN label = variable::VARCHAR THEN '' ELSE label END AS label, f.coefficient
FROM why f WHERE f.member_id = $member AND f.model = $model AND f.variable IS NOT NULL AND f.coefficient <> 0
ORDER BY hcc IS NOT NULL, hcc::INTEGER, coefficient DESC"""
_SCORE = """
SELECT s.segment, s.raw_score, p.normalization, s.normalized_score, p.coding_adjustment, s.payment_score
FROM scores s JOIN payment_factors p USING (part, program, model, calibration)
WHERE s.member_id = $member AND s.model = $model LIMIT 1"""


def example_member(con: duckdb.DuckDBPyConnection) -> str:
    """The member shown in the documents."""
    found = con.execute(_EXAMPLE, {"model": _model(con)}).fetchall()
    if not found:
        raise SystemExit("No member of the demo is fit to be shown; loosen docs/tables.py.")
    return str(found[0][0])


def _model(con: duckdb.DuckDBPyConnection) -> str:
    ((model,),) = con.execute(_LEADING).fetchall()  # drained: DuckDB 2 keeps a connection busy otherwise
    return str(model)


def markdown(
    columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]], *, limit: int | None = None
) -> str:
    """A Markdown table; numbers are set flush right, rows above ``limit`` are counted."""
    shown = rows if limit is None or len(rows) <= limit + 1 else rows[:limit]
    marks = ["--:" if kind.startswith(_NUMBERS) or "INT" in kind else "---" for kind in types]
    lines = [f"| {' | '.join(columns)} |", f"|{'|'.join(marks)}|"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in shown]
    rest = f"\n{len(rows) - len(shown):,} rows more.\n" if len(shown) < len(rows) else ""
    return "\n".join(lines) + f"\n{rest}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}" if value >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, Decimal):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _text(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return markdown(columns, ["VARCHAR"] * len(columns), rows)


def _dotted(codes: str) -> str:
    return ", ".join(f"{code[:3]}.{code[3:]}" if len(code) > 3 else code for code in codes.split(", "))


def claims(con: duckdb.DuckDBPyConnection, member: str, folder: Path) -> str:
    """What came in, with the decision on each diagnosis."""
    rows = con.execute(_CLAIMS, {"member": member, "model": _model(con)}).fetchall()
    body = [[claim, day, kind, _dotted(codes), counts] for claim, day, kind, codes, counts in rows]
    return _text(["claim", "date", "type", "diagnoses", "counts"], body)


def hccs(con: duckdb.DuckDBPyConnection, member: str, folder: Path) -> str:
    """What it makes, with the evidence."""
    rows = con.execute(_HCCS, {"member": member, "model": _model(con)}).fetchall()
    body = [[hcc, label, _dotted(codes), number, last, outcome] for hcc, label, codes, number, last, outcome in rows]
    return _text(["HCC", "condition", "from", "claims", "last", "outcome"], body)


def score(con: duckdb.DuckDBPyConnection, member: str, folder: Path) -> str:
    """What it is worth, adding up."""
    asked = {"member": member, "model": _model(con)}
    rows = [[name, words, f"{value:+}"] for name, words, value in con.execute(_FACTORS, asked).fetchall()]
    ((segment, raw, norm, normalized, coding, paid),) = con.execute(_SCORE, asked).fetchall()
    rows.append(["**raw score**", f"segment {segment}", f"**{raw}**"])
    rows.append([f"÷ {figure(norm)}", "normalization", normalized])
    rows.append([f"× (1 − {figure(coding)})", "coding adjustment", f"**{paid}**"])
    return markdown(["variable", "condition", "score"], ["VARCHAR", "VARCHAR", "DECIMAL"], rows)


def coverage(con: duckdb.DuckDBPyConnection, member: str, folder: Path) -> str:
    """Models by payment year: edition of the tables, and how sure their payment factors are."""
    found = _manifests()
    years = sorted({year for _, year in found})
    confidence = _confidence(years)
    body = []
    for model in sorted({model for model, _ in found}):
        cells = [_status(found.get((model, year)), confidence.get((model, year), set())) for year in years]
        body.append([f"`{model}`", *cells])
    return _text(["model", *(f"PY {year}" for year in years)], body)


def verified(con: duckdb.DuckDBPyConnection, member: str, folder: Path) -> str:
    """What each model's tables come from and agree with, latest verified year."""
    found = _manifests()
    body = []
    for model in sorted({model for model, _ in found}):
        years = [year for name, year in found if name == model]
        full = [
            year for year in years if found[model, year]["edition"] == "midyear_final" and _scored(found[model, year])
        ]
        year = max(full or years)
        manifest = found[model, year]
        parts = {table["file"]: table for table in manifest.get("table", [])}
        mapping, factors = parts.get("diagnosis_to_hcc.csv", {}), _factor_tables(manifest)
        said = [f"mapping ({mapping.get('rows', 0):,} rows): {_compared(mapping)}"]
        for name, table in factors.items():
            said.append(f"{f'factors {name}'.strip()} ({table['rows']:,}): {_compared(table)}")
        body.append([f"`{model}`", year, "; ".join(said)])
    return _text(["model", "year", "compared with"], body)


def _compared(table: dict[str, Any]) -> str:
    return str(table.get("agrees_with") or table.get("source", ""))


def covered_on(con: duckdb.DuckDBPyConnection, member: str, folder: Path) -> str:
    """The day of the latest comparison, from the manifests."""
    days = [table["retrieved"] for manifest in _manifests().values() for table in manifest.get("table", [])]
    latest = max(day for day in days if isinstance(day, date))
    return f"As of {latest.day} {latest:%B %Y}; `hcc rules list` says it of the tables that you have.\n"


def _manifests() -> dict[tuple[str, int], dict[str, Any]]:
    found = {}
    for path in sorted((ROOT / "mappings").glob("*/*/manifest.toml")):
        with path.open("rb") as file:
            manifest = tomllib.load(file)
        if "model" in manifest and path.parent.name.isdigit():
            found[path.parent.parent.name, int(path.parent.name)] = manifest
    return found


def _factor_tables(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        table["file"].removesuffix("coefficients.csv").strip("/"): table
        for table in manifest.get("table", [])
        if table["file"].endswith("coefficients.csv")
    }


def _scored(manifest: dict[str, Any]) -> bool:
    return bool(_factor_tables(manifest))


def _confidence(years: Sequence[int]) -> dict[tuple[str, int], set[str]]:
    """Model and year → letters of the programmes that pay by it."""
    found: dict[tuple[str, int], set[str]] = {}
    for year in years:
        path = ROOT / "mappings" / "programs" / f"{year}.toml"
        if not path.exists():
            continue
        with path.open("rb") as file:
            programs = tomllib.load(file).get("program", [])
        for model in (model for program in programs for model in program.get("model", [])):
            letter = model.get("confidence") or "?"
            found.setdefault((model["model"], year), set()).add(letter if model.get("normalization") else "?")
    return found


def _status(manifest: dict[str, Any] | None, letters: set[str]) -> str:
    if manifest is None:
        return ""
    if not _scored(manifest):
        return "no factors"
    edition = {"midyear_final": "final", "initial": "initial"}.get(manifest["edition"], manifest["edition"])
    return f"{edition}, {'/'.join(sorted(letters)) or 'not paid'}"


TABLES: dict[str, Callable[[duckdb.DuckDBPyConnection, str, Path], str]] = {
    "claims": claims, "hccs": hccs, "score": score,
    "coverage": coverage, "verified": verified, "covered on": covered_on,
}  # fmt: skip
