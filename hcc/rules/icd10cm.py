"""``icd10cm/mapped_codes.csv``: description and validity of every ICD-10-CM code that a Medicare model maps."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import polars as pl

from hcc.rules.folders import find, model_folders, roots


def mapped_codes(mappings: str | Path | None = None) -> pl.DataFrame:
    """One row per code: diagnosis_code, valid_from, valid_to (dates, both included), description, basis (text).

    An empty date means unknown or open and counts as valid (SPEC R-4.1); ``basis`` says how the dates were told. A
    code without a description had none in any release: show the code (RULINGS 36). Sorted by code.
    """
    return _mapped_codes(find("icd10cm", "mapped_codes.csv", mappings=mappings))


def every_mapped_code(mappings: str | Path | None = None) -> pl.Series:
    """Codes that any model of any payment year maps, in the tables that came along and the user's own; sorted."""
    folders = [folder for root in roots(mappings) for folder in model_folders(root)]
    frames = [
        pl.read_csv(folder / "diagnosis_to_hcc.csv", columns=["diagnosis_code"], infer_schema=False)
        for folder in folders
    ]
    return pl.concat([mapped_codes(mappings).select("diagnosis_code"), *frames]).to_series().unique().sort()


@lru_cache(maxsize=4)
def _mapped_codes(path: Path) -> pl.DataFrame:
    dates = [pl.col(name).str.to_date("%Y-%m-%d") for name in ("valid_from", "valid_to")]
    return pl.read_csv(path, infer_schema=False).with_columns(dates).sort("diagnosis_code")
