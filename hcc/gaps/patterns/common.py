"""What every pattern is given and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.events import Events
from hcc.gaps.hccs import Hccs
from hcc.gaps.plan import Plan
from hcc.rules.gap_grammar import Rule

T = TypeVar("T")
Schema = dict[str, pl.DataType | type[pl.DataType]]
ROW: Schema = {
    "member_index": pl.UInt32,
    "target": pl.UInt16,
    "m": pl.UInt8,
    "hcc": pl.UInt16,
    "codes": pl.String,
    "told": pl.String,
    "claims": pl.UInt32,
    "first": pl.Date,
    "last": pl.Date,
    "verdict": pl.UInt8,
    "detail": pl.String,
    "falls": pl.Boolean,
    "status": pl.String,
    "status_reason": pl.String,
    "inert": pl.Boolean,
}
"""A gap before its words. ``codes``: the diagnoses in question, sorted, joined by commas (text: a list in each of
millions of rows is copied with every step); ``told``: what is written, where candidates can differ from it; ``falls``:
without them the HCC is gone (null: to be worked out from the codes); ``status``: set by patterns that decide it
themselves, else null; ``inert``: adding the HCC changes nothing."""

EVIDENCE: Schema = {
    "member_index": pl.UInt32,
    "target": pl.UInt16,
    "m": pl.UInt8,
    "hcc": pl.UInt16,
    "stance": pl.String,
    "kind": pl.String,
    "evidence_date": pl.Date,
    "claim_id": pl.String,
    "code": pl.String,
    "description": pl.String,
    "value": pl.String,
}
"""A piece of evidence; ``m`` and ``hcc`` null: it belongs to every row of the member and target."""


@dataclass(frozen=True, eq=False)
class Found:
    """Everything a pattern may look at."""

    context: GapContext
    plan: Plan
    events: Events
    hccs: Hccs
    memo: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for all contexts of a run: it must not depend on the members."""
        if name not in self.memo:
            self.memo[name] = make()
        made: T = self.memo[name]
        return made


CLAIMS: Schema = {
    "member_index": pl.UInt32,
    "target": pl.UInt16,
    "claim_id": pl.String,
    "diagnosis_code": pl.String,
}
"""Counted diagnoses in question where a rule means single claims: the code stays on the member's other claims."""

CREDITS: Schema = {
    "member_index": pl.UInt32,
    "target": pl.UInt16,
    "m": pl.UInt8,
    "hcc": pl.UInt16,
    "credit": pl.UInt16,
}
"""HCCs (``credit``) that the evidence of a row supports in place of the row's own."""


@dataclass(frozen=True, eq=False)
class PatternRows:
    """Rows (``ROW``) of one rule and evidence (``EVIDENCE``) beyond the claims that carry the codes.

    ``claims`` (``CLAIMS``): what is in question, of patterns that mean single claims; None: all claims of the codes.
    ``credits`` (``CREDITS``): see there.
    """

    rows: pl.DataFrame
    evidence: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EVIDENCE))
    claims: pl.DataFrame | None = None
    credits: pl.DataFrame | None = None


CODES = pl.col("diagnosis_code").unique().sort().str.join(",").alias("codes")
"""Of a group of rows: its diagnosis codes as ``ROW`` has them."""

_HCC = ("member_index", "m", "hcc")
_BITS = {"member_index": 24, "target": 16, "m": 8, "hcc": 16, "rule": 16}


def with_codes(frame: pl.DataFrame, by: Sequence[str], *aggregates: pl.Expr) -> pl.DataFrame:
    """``frame`` grouped by some of member_index, target or rule, m and hcc: ``codes`` of each group, and ``aggregates``.

    The groups of one number, and only those of several different codes put together code by code: a third of the time.
    """
    first = frame["member_index"].min() or 0
    key = pl.lit(0, pl.UInt64)
    for name in by:
        value = pl.col(name) - first if name == "member_index" else pl.col(name)
        key = key * 2 ** _BITS[name] + value.cast(pl.UInt64).fill_null(0)  # a remark has no HCC; none is 0
    keyed = frame.with_columns(key.alias("_key"))
    code = pl.col("diagnosis_code")
    found = keyed.group_by("_key").agg(
        *(pl.col(name).first() for name in by), code.min().alias("_first"), code.max().alias("_last"), *aggregates
    )
    several = found.filter(pl.col("_first") != pl.col("_last")).select("_key")
    codes = keyed.join(several, on="_key", how="semi").group_by("_key").agg(CODES)
    return (
        found.join(codes, on="_key", how="left")
        .with_columns(pl.coalesce("codes", "_first").alias("codes"))
        .drop("_key", "_first", "_last")
    )


PatternFunction = Callable[[Found, Rule, int], PatternRows]


def number_of_codes() -> pl.Expr:
    """How many codes ``codes`` holds; null stays null."""
    return pl.col("codes").str.count_matches(",", literal=True) + 1


def each_code(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per code of ``codes``, which becomes ``diagnosis_code``."""
    return frame.with_columns(pl.col("codes").str.split(",")).explode("codes").rename({"codes": "diagnosis_code"})


def plural(value: pl.Expr, one: str, many: str) -> pl.Expr:
    """'one claim', '3 claims'."""
    return pl.when(value == 1).then(pl.lit(f"one {one}")).otherwise(pl.format("{} " + many, value.fill_null(0)))


def shaped(frame: pl.DataFrame, schema: Mapping[str, object]) -> pl.DataFrame:
    """``frame`` with exactly the columns of ``schema``; absent ones are null."""
    missing = [pl.lit(None).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(missing).select(schema.keys()).cast(schema)  # type: ignore[arg-type]


def rows_of_codes(found: Found, frame: pl.DataFrame, target: int) -> pl.DataFrame:
    """Rows from members' counted codes in question.

    ``frame``: member_index, diagnosis_code, claims, first, last, detail. One row per captured HCC that they give.
    """
    mapped = found.hccs.counted_hccs(frame.with_columns(pl.col("diagnosis_code").cast(pl.String)))
    captured = found.hccs.captured.select("member_index", "m", "hcc")
    rows = (
        with_codes(
            mapped.join(captured, on=_HCC, how="semi"), _HCC,
            pl.col("claims").max(),
            pl.col("first").min(),
            pl.col("last").max(),
            pl.col("detail").drop_nulls().unique().sort().str.join("; ").alias("detail"),
        )
        .with_columns(pl.lit(target).alias("target"), pl.lit(2).alias("verdict"))
    )
    return shaped(rows, ROW)


def claim_rows(found: Found, claims: pl.DataFrame, target: int) -> PatternRows:
    """Rows from counted claims in question; the HCC falls where nothing else gives it: no other claim, and no other
    diagnosis of these claims.

    ``claims``: member_index, claim_id, diagnosis_code, date, detail.
    """
    claims = claims.with_columns(pl.col("diagnosis_code", "claim_id").cast(pl.String))
    mapped = found.hccs.counted_hccs(claims)
    captured = found.hccs.captured.select(_HCC)
    rows = with_codes(
        mapped.join(captured, on=_HCC, how="semi"), _HCC,
        pl.col("claim_id").n_unique().cast(pl.UInt32).alias("claims"),
        pl.struct("claim_id", "diagnosis_code").n_unique().alias("asked"),
        pl.col("date").min().alias("first"),
        pl.col("date").max().alias("last"),
        pl.col("detail").drop_nulls().unique().sort().str.join("; ").alias("detail"),
    )  # fmt: skip
    rows = rows.join(number_behind(found, rows), on=_HCC, how="left").with_columns(
        (pl.col("asked") >= pl.col("behind").fill_null(0)).alias("falls"),
        pl.lit(target).alias("target"),
        pl.lit(2).alias("verdict"),
    )
    return PatternRows(
        shaped(rows, ROW), claims=shaped(claims.with_columns(pl.lit(target).alias("target")), CLAIMS).unique()
    )


def number_behind(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """member_index, m, hcc, behind: how many counted diagnoses (claim and code) give the HCCs of ``rows``."""
    behind = found.hccs.behind.join(rows.select(_HCC).unique(), on=_HCC, how="semi")
    return behind.group_by(_HCC).agg(pl.col("claims").sum().alias("behind"))


def counted_claims(found: Found) -> pl.DataFrame:
    """Counted diagnoses of the year up to ``as_of``: member_index, claim_id, diagnosis_code, date, claim_type …"""
    context = found.context
    return context.diagnoses.filter("counted", pl.col("thru_date") <= context.as_of).rename({"thru_date": "date"})


def dotted(code: pl.Expr) -> pl.Expr:
    """ICD-10-CM code as people write it: E11.22."""
    return pl.when(code.str.len_chars() > 3).then(code.str.slice(0, 3) + "." + code.str.slice(3)).otherwise(code)
