"""Diagnosis codes that map in no model of the run, counted (RULINGS 14)."""

from __future__ import annotations

import polars as pl


def unmapped_codes(diagnoses: pl.LazyFrame, lines: pl.LazyFrame, mapped: pl.Series) -> pl.DataFrame:
    """diagnosis_code, rows (distinct claims with it), members; codes outside ``mapped`` only, most members first.

    ``diagnoses``: claim_id, diagnosis_code and, where known, member_id; ``lines`` give the member else.
    """
    names = diagnoses.collect_schema().names()
    rest = diagnoses.filter(pl.col("diagnosis_code").is_not_null() & ~pl.col("diagnosis_code").is_in(mapped.implode()))
    if "member_id" not in names:
        owner = lines.select("claim_id", "member_id").unique()
        rest = rest.select("claim_id", "diagnosis_code").join(owner, on="claim_id", how="left")
    return (
        rest.select("claim_id", "member_id", "diagnosis_code")
        .group_by("diagnosis_code")
        .agg(
            pl.col("claim_id").n_unique().cast(pl.Int64).alias("rows"),
            pl.col("member_id").n_unique().cast(pl.Int64).alias("members"),
        )
        .sort("members", "diagnosis_code", descending=[True, False])
        .collect(engine="streaming")
    )
