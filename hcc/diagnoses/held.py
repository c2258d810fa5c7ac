"""Which records hold a diagnosis: joined by the claim and by all else that the diagnoses know of their record."""

from __future__ import annotations

from typing import Literal

import polars as pl

from hcc.diagnoses.lines import VERSION_COLUMNS, version


def held_by(diagnoses: pl.LazyFrame, records: pl.LazyFrame, how: Literal["inner", "left"] = "inner") -> pl.LazyFrame:
    """``diagnoses`` (claim_id, … and, where known, member_id and version) beside the columns of ``records`` (claim_id,
    member_id, version, …) that hold them.

    A claim_id may be shared by members and by versions of a claim. A diagnosis that does not say whose it is belongs to
    every record of its claim_id.
    """
    names = diagnoses.collect_schema().names()
    told = [name for name in ("member_id", "version") if name in names]
    if "member_id" not in names:
        return diagnoses.join(records, on=["claim_id", *told], how=how)
    blank = pl.col("member_id").is_null()
    untold = diagnoses.filter(blank).drop("member_id")
    frames = [
        diagnoses.filter(~blank).join(records, on=["claim_id", *told], how=how),
        untold.join(records, on=["claim_id", *(name for name in told if name != "member_id")], how=how),
    ]
    return pl.concat(frames, how="diagonal")


def with_version(diagnoses: pl.LazyFrame, lines: pl.LazyFrame) -> pl.LazyFrame:
    """Tell the versions of a claim apart among its diagnoses too, where these carry what the lines carry for it."""
    needed = [c for c in VERSION_COLUMNS if c in lines.collect_schema().names()]
    told_apart = version(needed)
    if told_apart is None or not set(needed) <= set(diagnoses.collect_schema().names()):
        return diagnoses
    return diagnoses.with_columns(told_apart.alias("version"))
