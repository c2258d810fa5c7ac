"""Diagnosis codes that map in no model of the run, counted (RULINGS 14)."""

from __future__ import annotations

import numpy as np
import polars as pl

_CODE_BITS = 20


def unmapped_codes(diagnoses: pl.LazyFrame, lines: pl.LazyFrame, mapped: pl.Series) -> pl.DataFrame:
    """diagnosis_code, rows (as they came, repeated lines included), members; most members first.

    Only codes outside ``mapped``. ``diagnoses``: claim_id, diagnosis_code and, where known, member_id; ``lines`` give
    the member else. Members are told apart by 44 bits of a hash: a million of them are miscounted by one about once in
    thirty-five runs, which a count for people to read can bear, and memory stays at eight bytes a row.
    """
    names = diagnoses.collect_schema().names()
    # All codes are counted and the mapped ones then left out: cheaper than asking every row.
    every = diagnoses.group_by("diagnosis_code").agg(pl.len().cast(pl.Int64).alias("rows")).collect(engine="streaming")
    counted = every.filter(~pl.col("diagnosis_code").is_in(mapped.implode()))
    if counted.height > 2**_CODE_BITS:  # nothing but noise: the codes most often met are told
        counted = counted.top_k(2**_CODE_BITS, by="rows")
    if counted.is_empty():
        return counted.with_columns(pl.lit(0, dtype=pl.Int64).alias("members"))
    kind = pl.Enum(counted["diagnosis_code"])
    code = pl.col("diagnosis_code").cast(kind, strict=False).to_physical().cast(pl.UInt64).alias("code")
    if "member_id" in names:
        told = diagnoses.select(code, pl.col("member_id").hash().alias("member"))
    else:
        owner = lines.select(
            pl.col("claim_id").hash().alias("claim"), pl.col("member_id").hash().alias("member")
        ).unique()
        told = (
            diagnoses.select(pl.col("claim_id").hash().alias("claim"), code)
            .filter(pl.col("code").is_not_null())
            .join(owner, on="claim")
        )
    pair = (pl.col("member") // 2**_CODE_BITS) * 2**_CODE_BITS + pl.col("code")
    pairs = told.select(pair.alias("pair")).filter(pl.col("pair").is_not_null())
    ordered = np.sort(pairs.collect(engine="streaming")["pair"].to_numpy())
    distinct = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
    members = np.bincount((distinct % 2**_CODE_BITS).astype(np.int64), minlength=counted.height)
    return counted.with_columns(pl.Series("members", members.astype(np.int64))).sort(
        "members", "diagnosis_code", descending=[True, False]
    )
