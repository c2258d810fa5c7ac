"""Stable identifiers of gaps, and the clocks that start with them (RULINGS 22; SPEC R-6.10)."""

from __future__ import annotations

import polars as pl

DAYS_TO_RETURN = 60  # 42 CFR 422.326: report and return within 60 days of identification
ID_LENGTH = 20  # 80 bits of MD5: two in ten million gaps meet with a chance below 1 in 10^10


def with_gap_ids(rows: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """``rows`` with ``gap_id``: the first 20 hex digits of MD5 over member_id, payment year, model, calibration, HCC,
    direction and rule, joined by the unit separator. The same gap has the same id in every run and on every machine."""
    import duckdb

    keys = rows.select(
        pl.concat_str(
            [
                pl.col("member_id"), pl.lit(str(payment_year)),
                *(pl.col(name).cast(pl.String).fill_null("") for name in ("model", "calibration", "hcc")),
                pl.col("direction", "rule_id").cast(pl.String),
            ],
            separator="\x1f",
        ).alias("key")
    )  # fmt: skip
    if rows.is_empty():
        return rows.with_columns(pl.lit(None, pl.String).alias("gap_id"))
    with duckdb.connect() as con:
        con.register("keys", keys.to_arrow())
        ids = con.sql(f"select substr(md5(key), 1, {ID_LENGTH}) as gap_id from keys").pl()
    return rows.with_columns(ids["gap_id"])


def with_clocks(
    gaps: pl.DataFrame, as_of: pl.Expr, previous: pl.DataFrame | None, reviews: pl.DataFrame | None
) -> pl.DataFrame:
    """``gaps`` (gap_id) with decision, flagged_on, identified_on, return_by, flagged_return_by.

    ``previous``: gap_id, flagged_on of an earlier run. ``reviews``: gap_id, decision, decided_at; the latest holds.
    ``identified_on``: the day of the first not_supported after the last supported; deferring a question or asking the
    provider later does not stop the clock (SPEC R-6.10).
    """
    frame = gaps.with_columns(as_of.alias("_today"))
    if previous is not None and not previous.is_empty():
        known = previous.filter(pl.col("flagged_on").is_not_null()).group_by("gap_id").agg(pl.col("flagged_on").min())
        frame = frame.join(known, on="gap_id", how="left")
    else:
        frame = frame.with_columns(pl.lit(None, pl.Date).alias("flagged_on"))
    if reviews is not None and not reviews.is_empty():
        frame = frame.join(_decisions(reviews), on="gap_id", how="left")
    else:
        frame = frame.with_columns(
            pl.lit(None, pl.String).alias("decision"), pl.lit(None, pl.Date).alias("identified_on")
        )
    frame = frame.with_columns(pl.coalesce("flagged_on", "_today").alias("flagged_on"))
    unsupported = pl.col("direction") == "unsupported"
    return (
        frame.with_columns(
            pl.when(unsupported).then(pl.col("identified_on")).alias("identified_on"),
        )
        .with_columns(
            (pl.col("identified_on") + pl.duration(days=DAYS_TO_RETURN)).alias("return_by"),
            pl.when(unsupported)
            .then(pl.col("flagged_on") + pl.duration(days=DAYS_TO_RETURN))
            .alias("flagged_return_by"),
        )
        .drop("_today")
    )


def _decisions(reviews: pl.DataFrame) -> pl.DataFrame:
    """gap_id, decision (the latest), identified_on (the first not_supported after the last supported)."""
    ordered = reviews.select(
        "gap_id", pl.col("decision").cast(pl.String), pl.col("decided_at").cast(pl.Datetime("us"))
    ).sort("decided_at", maintain_order=True)
    supported = (
        ordered.filter(pl.col("decision") == "supported")
        .group_by("gap_id")
        .agg(pl.col("decided_at").max().alias("supported_at"))
    )
    standing = (
        ordered.filter(pl.col("decision") == "not_supported")
        .join(supported, on="gap_id", how="left")
        .filter(pl.col("supported_at").is_null() | (pl.col("decided_at") > pl.col("supported_at")))
        .group_by("gap_id")
        .agg(pl.col("decided_at").min().dt.date().alias("identified_on"))
    )
    latest = ordered.group_by("gap_id", maintain_order=True).agg(pl.col("decision").last())
    return latest.join(standing, on="gap_id", how="left")
