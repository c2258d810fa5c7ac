"""What all evidence frames share: dates in a window, members as numbers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl


def within(column: str, since: date | None, until: date | None) -> pl.Expr:
    """True where the date lies in [since, until]; a missing date never does."""
    inside = pl.col(column).is_not_null()
    if since is not None:
        inside &= pl.col(column) >= since
    if until is not None:
        inside &= pl.col(column) <= until
    return inside


def with_members(frame: pl.LazyFrame, members: pl.LazyFrame | None) -> pl.LazyFrame:
    """``member_id`` swapped for ``member_index`` as the first column; rows of unknown members are dropped."""
    if members is None:
        return frame
    columns = [name for name in frame.collect_schema().names() if name != "member_id"]
    known = members.select("member_id", pl.col("member_index").cast(pl.UInt32))
    return frame.join(known, on="member_id").select("member_index", *columns)


def column_or_null(names: Collection[str], column: str, dtype: pl.DataType | type[pl.DataType] = pl.String) -> pl.Expr:
    """The column where the frame has it, else nulls of that name."""
    if column in names:
        return pl.col(column).cast(dtype)
    return pl.lit(None, dtype).alias(column)
