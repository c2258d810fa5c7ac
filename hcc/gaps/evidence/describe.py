"""Evidence in words."""

from __future__ import annotations

from typing import Literal

import polars as pl

from hcc.rules.valuesets import ValueSets


def described(
    frame: pl.LazyFrame,
    kind: Literal["fill", "result", "procedure", "diagnosis"],
    valuesets: ValueSets,
    *,
    labels: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """``frame`` (of fills, results, procedures, diagnosis_concepts) with ``description`` and ``shown_value`` (String).

    Apply it to the few rows that are shown, not to all. ``labels`` (diagnosis_code, description) from mappings/icd10cm.
    """
    raise NotImplementedError
