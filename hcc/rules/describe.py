"""What one diagnosis code means in one model and year, as a coder would ask."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from hcc.rules.folders import calibrations, find, model_folder, models, years
from hcc.rules.manifest import Manifest, read_manifest
from hcc.rules.releases.found import COLUMNS, Table, read_table


@dataclass(frozen=True)
class HccDescription:
    """One HCC of a code. ``coefficients``: (segment, its label) → calibration → text, blank where it pays nothing."""

    hcc: str
    label: str
    is_chronic: str
    only_by_edit: bool
    dropped_by: tuple[str, ...]
    drops: tuple[str, ...]
    kept_only_with: str | None
    interactions: tuple[str, ...]
    coefficients: dict[tuple[str, str], dict[str, str]]


@dataclass(frozen=True)
class CodeDescription:
    """One code in one model and year; ``hccs`` empty where the model does not map it."""

    code: str
    description: str
    valid_from: str
    valid_to: str
    validity_basis: str
    is_known: bool
    hccs: tuple[HccDescription, ...]
    edits: tuple[str, ...]
    other_models: tuple[tuple[str, str], ...]
    manifest: Manifest
    calibrations: tuple[str, ...]


def plain_code(text: str) -> str:
    """A code as the tables keep it: no dot, no spaces, upper case."""
    return "".join(text.split()).replace(".", "").upper()


def dotted(code: str) -> str:
    """A code as people write it: E1122 is E11.22."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def describe_code(model: str, payment_year: int, code: str, mappings: str | Path | None = None) -> CodeDescription:
    """Everything the tables say about a code. Raises UnknownModel, UnknownYear, RulesError."""
    code = plain_code(code)
    folder = model_folder(model, payment_year, mappings=mappings)
    manifest = read_manifest(folder)
    tables = {name: _table(folder, name) for name in COLUMNS}
    facts = _facts(code, mappings)
    edits = [row for row in tables["diagnosis_edits"] if row["diagnosis_code"] == code]
    mapped = [row["hcc"] for row in tables["diagnosis_to_hcc"] if row["diagnosis_code"] == code]
    by_edit = list(dict.fromkeys(row["hcc"] for row in edits if row["hcc"] and row["hcc"] not in mapped))
    return CodeDescription(
        code=code,
        description=facts.get("description", ""),
        valid_from=facts.get("valid_from", ""),
        valid_to=facts.get("valid_to", ""),
        validity_basis=facts.get("basis", ""),
        is_known=bool(facts),
        hccs=tuple(_hcc(hcc, hcc in by_edit, folder, manifest.hcc_prefix, tables) for hcc in (*mapped, *by_edit)),
        edits=tuple(_edit_in_words(row) for row in edits),
        other_models=tuple(_elsewhere(code, model, payment_year, mappings)),
        manifest=manifest,
        calibrations=tuple(calibrations(folder)) or ("",),
    )


def _table(folder: Path, name: str) -> list[dict[str, str]]:
    path = folder / f"{name}.csv"
    return (read_table(path) if path.is_file() else Table(COLUMNS[name], ())).records()


def _facts(code: str, mappings: str | Path | None) -> dict[str, str]:
    with find("icd10cm", "mapped_codes.csv", mappings=mappings).open(encoding="utf-8", newline="") as file:
        return next((row for row in csv.DictReader(file) if row["diagnosis_code"] == code), {})


def codes_below(code: str, mappings: str | Path | None = None) -> list[str]:
    """Mapped codes that begin with ``code`` (plain), which is a header where there are any; sorted."""
    with find("icd10cm", "mapped_codes.csv", mappings=mappings).open(encoding="utf-8", newline="") as file:
        codes = [row["diagnosis_code"] for row in csv.DictReader(file)]
    return sorted(one for one in codes if one.startswith(code) and one != code)


def _hcc(
    hcc: str, only_by_edit: bool, folder: Path, prefix: str, tables: dict[str, list[dict[str, str]]]
) -> HccDescription:
    row = next((row for row in tables["hccs"] if row["hcc"] == hcc), {"label": "", "is_chronic": ""})
    groups = {entry["group"] for entry in tables["groups"] if entry["hcc"] == hcc}
    names = groups | {f"{prefix}{hcc}"}
    removal = next((entry for entry in tables["removals"] if entry["drops_hcc"] == hcc), None)
    coefficients: dict[tuple[str, str], dict[str, str]] = {
        (segment["segment"], segment["label"]): {}
        for segment in tables["segments"]
        if segment["uses_diagnoses"] == "true"
    }
    labels = {segment: (segment, label) for segment, label in coefficients}
    for calibration in calibrations(folder) or [""]:
        path = folder / calibration / "coefficients.csv"
        for entry in read_table(path).records() if path.is_file() else []:
            if entry["variable"] == f"{prefix}{hcc}" and entry["segment"] in labels:
                coefficients[labels[entry["segment"]]][calibration] = entry["coefficient"]
    return HccDescription(
        hcc=hcc,
        label=row["label"],
        is_chronic=row["is_chronic"],
        only_by_edit=only_by_edit,
        dropped_by=tuple(entry["hcc"] for entry in tables["hierarchies"] if entry["drops_hcc"] == hcc),
        drops=tuple(entry["drops_hcc"] for entry in tables["hierarchies"] if entry["hcc"] == hcc),
        kept_only_with=removal["unless_any_of"] if removal else None,
        interactions=tuple(
            f"{entry['variable']} ({entry['requires'].replace('&', ' and ')})"
            for entry in tables["interactions"]
            if names & set(entry["requires"].split("&"))
        ),
        coefficients=coefficients,
    )


def _edit_in_words(row: dict[str, str]) -> str:
    who = {"F": "women", "M": "men"}.get(row["sex"], "")
    low, high = row["age_from"], row["age_to"]
    if low and high:
        ages = f"age {low}" if low == high else f"age {low} to {high}"
    else:
        ages = f"age {low} or older" if low else (f"age {high} or younger" if high else "")
    when = ", ".join(filter(None, (who, ages))) or "always"
    what = f"HCC {row['hcc']} instead" if row["action"] == "override" else "does not count"
    return f"{when}: {what}" + (" (Medicare Code Editor)" if row["kind"] == "mce_age" else "")


def _elsewhere(code: str, model: str, payment_year: int, mappings: str | Path | None) -> list[tuple[str, str]]:
    """Other models of the year that map the code, each with its HCCs."""
    found = []
    for other in models(mappings):
        if other != model and payment_year in years(other, mappings):
            rows = _table(model_folder(other, payment_year, mappings=mappings), "diagnosis_to_hcc")
            hccs = [row["hcc"] for row in rows if row["diagnosis_code"] == code]
            if hccs:
                found.append((other, ", ".join(hccs)))
    return found
