"""``gaps/retired_codes.csv``: what an ICD-10-CM code that ended could be coded as since (SPEC R-5.12)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from hcc.rules.folders import find, model_folders
from hcc.rules.icd10cm import mapped_codes

FILE = "gaps/retired_codes.csv"
_COLUMNS = ["diagnosis_code", "retired_on", "could_be", "source"]


def retired_codes(mappings: str | Path | None = None) -> pl.DataFrame:
    """diagnosis_code, retired_on (the first day it is not valid), could_be (one row per successor)."""
    table = pl.read_csv(find("gaps", "retired_codes.csv", mappings=mappings), infer_schema=False)
    day = pl.col("retired_on").str.to_date("%Y-%m-%d")
    return table.select("diagnosis_code", day, pl.col("could_be").str.split("|")).explode("could_be")


def retired_faults(root: Path) -> list[str]:
    """Faults of ``root``'s table: rows that say nothing, and codes that left a model's mapping without a row.

    A code leaves because it ended (``icd10cm/mapped_codes.csv`` knows when, or the next year maps codes below it) or
    because CMS took it out of the model; only the first kind needs a row.
    """
    table = pl.read_csv(root / FILE, infer_schema=False)
    if table.columns != _COLUMNS:
        return [f"the columns are {', '.join(table.columns)}; expected {', '.join(_COLUMNS)}"]
    faults = [fault for row in table.iter_rows() for fault in _row_faults(*row)]
    codes = table["diagnosis_code"].to_list()
    faults += [f"{code} stands there twice" for code in sorted({code for code in codes if codes.count(code) > 1})]
    return faults + list(_missing(root, set(codes)))


def _row_faults(code: str, retired_on: str | None, could_be: str | None, source: str | None) -> Iterator[str]:
    try:
        date.fromisoformat(retired_on or "")
    except ValueError:
        yield f"{code}: retired_on {retired_on!r} is no date like 2025-10-01"
    others = (could_be or "").split("|")
    if not all(others) or code in others:
        yield f"{code}: could_be names the codes in its place, joined by |"
    if not source:
        yield f"{code} has no source"


def _missing(root: Path, known: set[str]) -> Iterator[str]:
    ended = set(mapped_codes(root).filter(pl.col("valid_to").is_not_null())["diagnosis_code"])
    by_model: dict[str, list[Path]] = {}
    for folder in model_folders(root):
        if folder.name.isdigit():
            by_model.setdefault(folder.parent.name, []).append(folder)
    gone: dict[str, str] = {}
    for model, folders in by_model.items():
        for before, after in itertools.pairwise(sorted(folders, key=lambda one: int(one.name))):
            now = _mapped(after)
            for code in _mapped(before) - now:
                below = sorted(other for other in now if other.startswith(code))
                if (code in ended or below) and code not in known:
                    where = f"{code} left {model} in {after.name} and has no row"
                    gone.setdefault(code, f"{where}; it could be {'|'.join(below)}" if below else where)
    yield from (gone[code] for code in sorted(gone))


def _mapped(folder: Path) -> set[str]:
    table = pl.read_csv(folder / "diagnosis_to_hcc.csv", columns=["diagnosis_code"], infer_schema=False)
    return set(table["diagnosis_code"])
