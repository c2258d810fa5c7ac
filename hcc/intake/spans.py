"""Layouts whose members come as enrolment spans: the status on 1 January of the payment year (RULINGS 12)."""

from __future__ import annotations

from datetime import date

import polars as pl

from hcc.intake.canonical import RAW

_OPEN_END = date(9999, 12, 31)
LATER = "STATUS_FROM_LATER_SPAN"
DIFFER = {"birth_date": "SPANS_DIFFER_IN_BIRTH_DATE", "sex": "SPANS_DIFFER_IN_SEX"}
"""Flags of members whose spans contradict each other in what no span can change."""


def usable_spans(spans: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Spans whose days make sense, and the others as faults (position, column, value, reason). Adds no column.

    ``spans`` has ``_start`` and ``_end`` (null end = still enrolled) and their text as it came.
    """
    start, end = pl.col("_start"), pl.col("_end")
    bad_end = end.is_null() & pl.col(RAW + "_end").is_not_null()
    bad = start.is_null() | bad_end | (end < start).fill_null(False)
    value = pl.concat_str(RAW + "_start", RAW + "_end", separator=" to ", ignore_nulls=True)
    fault = spans.filter(bad).select(
        "_part", "_row", column=pl.lit("enrollment span"), value=value, reason=pl.lit("BAD_ENROLLMENT_SPAN")
    )
    return spans.filter(~bad).with_columns(end.fill_null(_OPEN_END)), [fault]


def status_rows(spans: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """One row per member: the span that covers 1 January, else the latest earlier one (``status_carried_forward``).

    Where a member has later spans only, the earliest of them is taken and flagged. Of two spans that cover the day the
    one that began last counts. A death date may stand on any span. Spans that differ in birth date or sex are flagged:
    the one taken counts. Rows without member_id all stay: each is set aside
    by itself.
    """
    first = pl.lit(date(payment_year, 1, 1))
    start, end = pl.col("_start"), pl.col("_end")
    day = {name: pl.col(name).to_physical().cast(pl.Int64) for name in ("_start", "_end")}
    rank = pl.when(end < first).then(1).when(start > first).then(2).otherwise(0)
    recent = pl.when(rank == 1).then(day["_end"]).when(rank == 2).then(-day["_start"]).otherwise(day["_start"])
    placed = spans.with_columns(rank.alias("_rank"), recent.alias("_recent"))
    if "death_date" in placed.columns:
        placed = placed.with_columns(pl.col("death_date").max().over("member_id"))
    known = pl.col("member_id").is_not_null()
    differ = [
        pl.when(known & (pl.col(name).min() != pl.col(name).max()).over("member_id")).then(pl.lit(flag))
        for name, flag in DIFFER.items()
        if name in placed.columns
    ]
    if differ:
        flags = pl.concat_str("_more_flags", *differ, separator=",", ignore_nulls=True)
        placed = placed.with_columns(pl.when(flags != "").then(flags).alias("_more_flags"))
    chosen = (
        placed.filter(pl.col("member_id").is_not_null())
        .sort(
            ["member_id", "_rank", "_recent", "_end", "_part", "_row"],
            descending=[False, False, True, True, True, True],
        )
        .unique("member_id", keep="first", maintain_order=True)
    )
    rows = pl.concat([chosen, placed.filter(pl.col("member_id").is_null())])
    later = pl.concat_str(pl.lit(LATER), "_more_flags", separator=",", ignore_nulls=True)
    return rows.with_columns(
        (pl.col("_rank") == 1).alias("status_carried_forward"),
        pl.when(pl.col("_rank") == 2).then(later).otherwise("_more_flags").alias("_more_flags"),
    ).drop("_rank", "_recent")


def months(spans: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """One row per member and month of the payment year whose first day a span covers, with the span's columns.

    Of two spans the one that began last counts. Adds ``month`` and its text.
    """
    days = pl.DataFrame({"month": [date(payment_year, m, 1) for m in range(1, 13)]})
    covered = spans.filter(pl.col("member_id").is_not_null()).join_where(
        days, pl.col("_start") <= pl.col("month"), pl.col("_end") >= pl.col("month")
    )
    latest = covered.sort("_start", "_part", "_row").unique(["member_id", "month"], keep="last", maintain_order=True)
    return latest.with_columns(pl.col("month").dt.to_string("%Y-%m-%d").alias(RAW + "month"))
