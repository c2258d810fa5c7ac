"""Reason codes and flags in words, from ``mappings/reasons.csv``."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from hcc.rules.folders import find
from hcc.tables import RESULT_TABLES


def reasons(mappings: str | Path | None = None) -> pl.DataFrame:
    """The table ``reasons``: one row per reason code or flag, with its meaning and where the rule comes from."""
    frame = pl.read_csv(find("reasons.csv", mappings=mappings), infer_schema=False)
    return frame.select(RESULT_TABLES["reasons"].names)
