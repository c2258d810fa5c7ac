"""The claims as a payer would send them: canonical columns (hcc/tables/inputs.py), one row per line."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from hcc.demo.draw import day, stream, text_series
from hcc.demo.faults import Claims
from hcc.demo.members import People
from hcc.demo.mentions import MOST_CODES
from hcc.demo.mix import Mix

_PREVIOUS_ORGANIZATION = "Another Plan"


def _visit_columns(mix: Mix) -> pl.DataFrame:
    def text(key: str) -> pl.Series:
        return text_series([visit.get(key) for visit in mix.visits])

    return pl.DataFrame(
        {
            "visit": pl.Series(range(len(mix.visits)), dtype=pl.Int64),
            "claim_type": text("claim_type"),
            "bill_type": text("bill_type"),
            "place_of_service": text("place"),
            "modifier_1": text("modifier"),
            "days": pl.Series([visit.get("days", 0) for visit in mix.visits], dtype=pl.Int64),
        }
    )


def claim_name(row: pl.Expr) -> pl.Expr:
    """The claim_id of a row number."""
    return pl.format("DC{}", row.cast(pl.String).str.zfill(8))


def _diagnoses(told: Claims) -> pl.DataFrame:
    wide = told.mentions.pivot(on="rank", index="claim", values="code")
    missing = [
        pl.lit(None, dtype=pl.String).alias(str(i)) for i in range(1, MOST_CODES + 1) if str(i) not in wide.columns
    ]
    return wide.with_columns(missing).select(
        "claim", *(pl.col(str(i)).alias(f"diagnosis_{i}") for i in range(1, MOST_CODES + 1))
    )


def _providers(told: Claims, who: People, seed: int) -> pl.Series:
    """The member's own physician for about half of the claims, else another one of the same invented list."""
    rng = stream(seed, "providers")
    own = who.table["pcp_npi"][told.heads["member"]]
    others = own[rng.permutation(len(own))]
    return (
        pl.DataFrame({"own": own, "other": others, "mine": rng.random(len(own)) < 0.5})
        .select(pl.when("mine").then("own").otherwise("other").alias("rendering_npi"))
        .to_series()
    )


def claim_lines(mix: Mix, told: Claims, who: People, payment_year: int, seed: int) -> pl.DataFrame:
    """All lines, columns of ``claims`` and two of our own (``year`` 1 or 2, ``claim``)."""
    switched = np.zeros(len(who), dtype=bool)
    rng = stream(seed, "switchers")
    switched[rng.random(len(who)) < mix.numbers["switched"]] = True
    named = told.heads.with_columns(
        member_id=text_series(who.ids[told.heads["member"].to_numpy()]),
        rendering_npi=_providers(told, who, seed),
        submitting_organization=who.table["parent_organization"][told.heads["member"]],
        switched=pl.Series(switched[told.heads["member"].to_numpy()]),
    )
    table = named.join(_visit_columns(mix), on="visit", maintain_order="left").join(
        _diagnoses(told), on="claim", how="left"
    )
    stay_days = pl.duration(days="days")
    table = table.with_columns(
        from_date=pl.col("thru_date") - stay_days,
        claim_id=claim_name(pl.col("claim")),
        original_claim_id=claim_name(pl.col("original")),
        linked_claim_id=claim_name(pl.col("linked")),
        frequency_code=pl.when(pl.col("bill_type").is_null()).then("frequency_code"),
        parent_organization_at_service=pl.when("switched")
        .then(pl.lit(_PREVIOUS_ORGANIZATION))
        .otherwise("submitting_organization"),
    )
    return (
        told.lines.join(table, on="claim", maintain_order="left")
        .sort("thru_date", "claim", "line_number")
        .select(
            "claim",
            "year",
            "claim_id",
            "line_number",
            "member_id",
            "claim_type",
            "bill_type",
            "from_date",
            "thru_date",
            "hcpcs",
            "modifier_1",
            "place_of_service",
            "rendering_npi",
            "specialty",
            "frequency_code",
            "original_claim_id",
            "linked_claim_id",
            "record_type",
            "submitting_organization",
            "parent_organization_at_service",
            "submission_date",
            "accepted",
            "risk_adjustment_flag",
            "claim_status",
            *(f"diagnosis_{i}" for i in range(1, MOST_CODES + 1)),
        )
    )


def with_bad_lines(table: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """A few rows that no reader can use: nobody's claim, no date, a date far in the future, no claim number."""
    sample = table.filter(pl.col("claim_type") == "professional").head(5)
    size = len(sample)
    number = pl.int_range(pl.len())
    future = day(payment_year, 1, 1).astype(object) + timedelta(days=36_500)
    bad = sample.with_columns(
        claim_id=pl.when(number == 4).then(None).otherwise(pl.format("DCBAD{}", number)),
        member_id=pl.when(number < 2).then(pl.lit("DEMOUNKNOWN")).otherwise("member_id"),
        thru_date=pl.when(number == 2).then(None).when(number == 3).then(pl.lit(future)).otherwise("thru_date"),
        from_date=pl.when(number == 2).then(None).otherwise("from_date"),
    )
    return pl.concat([table, bad]) if size else table


def with_bad_members(table: pl.DataFrame) -> pl.DataFrame:
    """A row twice, a member without sex, one without birth date, and one whose two rows contradict each other."""
    number = pl.int_range(pl.len())
    extra = table.tail(5).with_columns(
        member_id=pl.when(number == 0)
        .then("member_id")
        .when(number == 4)
        .then(pl.lit("DEMOBAD3"))
        .otherwise(pl.format("DEMOBAD{}", number)),
        sex=pl.when(number == 1).then(None).otherwise("sex"),
        birth_date=pl.when(number == 2).then(None).otherwise("birth_date"),
    )
    return pl.concat([table, extra])
