"""Results: laboratory values and measurements in one unit per concept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from hcc.gaps.evidence.common import column_or_null, with_members, within
from hcc.gaps.evidence.values import COMPARATORS, FINDINGS, read_values
from hcc.rules.lab_units import CANDIDATES, bounds, candidates, clean_unit, conversions, plausible
from hcc.rules.valuesets import ValueSets

USES = pl.Enum(["include", "support", "fallback", "range", "unverified", "exclude", "unread"])
_TEXTS = ["loinc", "raw_unit", "raw_value"]
_COLUMNS = [
    *("concept", "use", "value", "low", "high", "comparator", "finding", "unit", "raw_value", "raw_unit", "loinc"),
    "reason",
]
_PRECISION = 4  # decimals kept after a conversion: 11.1 mmol/L of glucose is 200, not 199.9999998


def results(
    observations: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    concepts: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
    unread: bool = False,
) -> pl.LazyFrame:
    """Usable results: one row per observation. ``unread``: those that cannot be used as well, with the reason (of
    ``unused_results``) and, but for what was cancelled, ``use`` unread: a test was done, whatever it said. Their value is
    0, which no other use lets be seen.

    Columns: member_id or member_index; observation_date Date; concept Enum; use Enum (include, support, fallback,
    range, unverified; excluded codes never come out); value Float64 in the canonical unit, as written (null for
    ranges and findings; 15 for '<15', whose high is 14.9); low, high Float64 (see the package); comparator Enum (=, <, <=, >, >=,
    range, text); finding Enum (positive, negative, indeterminate; null where the test has none); unit String;
    raw_value, raw_unit, loinc String.
    """
    judged = _judged(observations, valuesets, concepts, since, until)
    if not unread:
        return with_members(judged.filter(pl.col("reason").is_null()).drop("reason"), members)
    blank = pl.col("reason").is_not_null()
    zero = [pl.when(blank).then(0.0).otherwise(name).alias(name) for name in ("value", "low", "high")]
    done = blank & (pl.col("reason") != "STATUS")
    return with_members(
        judged.with_columns(
            *zero, pl.when(done).then(pl.lit("unread", USES)).otherwise("use").alias("use"),
            pl.when(blank).then(pl.lit("=").cast(COMPARATORS)).otherwise("comparator").alias("comparator"),
        ),
        members,
    )  # fmt: skip


def unused_results(
    observations: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    concepts: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Results of our concepts that were not used: concept, reason, count (UInt32).

    Reasons: STATUS (cancelled, entered in error), EXCLUDED_CODE, NO_VALUE, UNKNOWN_UNIT (also a unit in the value that
    contradicts the unit beside it), NO_UNIT (no unit, and plausible in none or in several), IMPLAUSIBLE.
    """
    judged = _judged(observations, valuesets, concepts, since, until).filter(pl.col("reason").is_not_null())
    return with_members(judged, members).group_by("concept", "reason").agg(count=pl.len())


def preferred_results(frame: pl.LazyFrame) -> pl.LazyFrame:
    """``results`` without the fallback rows of members who have a better code of the same concept (RULINGS 24)."""
    member = "member_index" if "member_index" in frame.collect_schema().names() else "member_id"
    better = frame.filter(pl.col("use") == "include").select(member, "concept").unique()
    fallback = frame.filter(pl.col("use") == "fallback").join(better, on=[member, "concept"], how="anti")
    return pl.concat([frame.filter(pl.col("use") != "fallback"), fallback])


def _judged(
    observations: pl.LazyFrame,
    valuesets: ValueSets,
    concepts: Collection[str] | None,
    since: date | None,
    until: date | None,
) -> pl.LazyFrame:
    """Every result of our codes with ``reason``, null where it is used."""
    codes = valuesets.loinc
    if concepts is not None:
        codes = codes.filter(pl.col("concept").is_in(sorted(concepts)))
    names = observations.collect_schema().names()
    rows = observations.filter(
        pl.col("loinc").is_in(codes["loinc"].implode()) & within("observation_date", since, until)
    ).select(
        "member_id",
        "observation_date",
        pl.col("loinc").cast(pl.String),
        raw_value=pl.col("value").cast(pl.String),
        raw_unit=column_or_null(names, "unit"),
        dropped=_status(column_or_null(names, "status"), valuesets),
    )
    meanings = _meanings(rows.select(_TEXTS).unique(), codes, valuesets)
    judged = rows.join(meanings, on=_TEXTS, nulls_equal=True)
    reason = pl.when("dropped").then(pl.lit("STATUS")).otherwise(pl.col("reason"))
    return judged.with_columns(reason=reason).select("member_id", "observation_date", *_COLUMNS)


def _status(status: pl.Expr, valuesets: ValueSets) -> pl.Expr:
    """True for results that were cancelled, entered in error and the like; a missing status is no fault."""
    unused = valuesets.table("unused_statuses")["status"]
    return status.str.to_lowercase().str.strip_chars().is_in(unused.implode()).fill_null(False)


def _meanings(texts: pl.LazyFrame, codes: pl.DataFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """What each different code, unit and value text means; the columns of ``results`` and ``reason``."""
    read = _converted(_with_meaning(texts, codes, valuesets)).join(bounds(valuesets).lazy(), on="concept", how="left")
    return read.with_columns(
        pl.col("concept").cast(valuesets.words("lab_concept")),
        pl.col("use").cast(USES),
        finding=_finding(),
        reason=_reason(),
    ).select(_COLUMNS)


def _with_meaning(texts: pl.LazyFrame, codes: pl.DataFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """Code, unit and value text read; nothing decided yet. A chain without branches: the input is read once."""
    units = conversions(valuesets).lazy()
    stated = units.select(
        "concept", stated_unit="clean", s_factor="factor", s_offset="offset", s_log10="log10", s_unit="unit"
    )
    known = codes.lazy().select(
        "loinc", "concept", "use", "kind", "canonical_unit", code_log10=pl.col("scale") == "log10"
    )
    coded = (
        texts.join(known, on="loinc")
        .with_columns(clean=clean_unit(pl.col("raw_unit")), text="raw_value")
        .join(units, on=["concept", "clean"], how="left")
        .join(candidates(valuesets).lazy(), on="concept", how="left")
        .with_columns(unit_given=pl.col("clean").is_not_null())
        .drop("clean")
    )
    return (
        read_values(coded, valuesets)
        .with_columns(clean_unit(pl.col("stated_unit")))
        .join(stated, on=["concept", "stated_unit"], how="left")
    )


def _converted(read: pl.LazyFrame) -> pl.LazyFrame:
    """``low``, ``high`` and ``value`` in the canonical unit, with ``unit_fault`` where no unit could be told."""
    number = pl.coalesce("value", "high", "low")
    fits = [plausible(number, place) for place in range(CANDIDATES)]
    unstated = ~pl.col("unit_given") & pl.col("stated_unit").is_null()
    # A code that reports a logarithm needs no unit: its numbers are exponents.
    assumed_log10 = unstated & pl.col("code_log10")
    alone = unstated & ~pl.col("code_log10") & (pl.sum_horizontal(*(fit.cast(pl.UInt8) for fit in fits)) == 1)

    def assumed(name: str) -> pl.Expr:
        return pl.coalesce(*(pl.when(fit).then(pl.col(f"{name}_{place}")) for place, fit in enumerate(fits)))

    given_known = pl.col("unit_given") & pl.col("factor").is_not_null()
    stated_known = pl.col("stated_unit").is_not_null() & pl.col("s_factor").is_not_null()
    agree = (
        (pl.col("factor") == pl.col("s_factor")) & (pl.col("offset") == pl.col("s_offset"))
        & (pl.col("log10") == pl.col("s_log10"))
    )  # fmt: skip
    by_given = given_known & (pl.col("stated_unit").is_null() | (stated_known & agree))
    by_stated = ~pl.col("unit_given") & stated_known
    fault = (
        pl.when(by_given | by_stated | alone | assumed_log10).then(None)
        .when(unstated).then(pl.lit("NO_UNIT"))
        .otherwise(pl.lit("UNKNOWN_UNIT"))
    )  # fmt: skip
    factor = pl.when(by_given).then("factor").when(by_stated).then("s_factor").when(assumed_log10).then(1.0)
    offset = pl.when(by_given).then("offset").when(by_stated).then("s_offset").when(assumed_log10).then(0.0)
    log10 = pl.when(by_given).then("log10").when(by_stated).then("s_log10").otherwise(assumed_log10)
    unit = pl.when(by_given).then("unit").when(by_stated).then("s_unit").otherwise("canonical_unit")

    def canonical(column: str) -> pl.Expr:
        linear = pl.col(column) * pl.col("use_factor") + pl.col("use_offset")
        exponent = pl.when(pl.col("use_log10")).then(linear.clip(upper_bound=30.0))
        exact = (pl.col("use_factor") == 1.0) & (pl.col("use_offset") == 0.0) & ~pl.col("use_log10")
        return (
            pl.when(exact).then(pl.col(column))
            .when("use_log10").then(pl.lit(10.0).pow(exponent).round(_PRECISION))
            .otherwise(linear.round(_PRECISION))
            .alias(column)
        )  # fmt: skip

    return (
        read.with_columns(
            unit_fault=fault, use_factor=factor.otherwise(assumed("factor")),
            use_offset=offset.otherwise(assumed("offset")), use_log10=log10, unit=unit,
        )
        .with_columns(canonical("low"), canonical("high"), canonical("value"))
    )  # fmt: skip


def _finding() -> pl.Expr:
    """Positive or negative: as said; for a viral load also from the number (below the limit is negative)."""
    number = pl.coalesce("value", "low", "high")
    counted = (
        pl.when(pl.col("comparator").is_in(["<", "<="])).then(pl.lit("negative"))
        .when(number > 0).then(pl.lit("positive"))
        .when(number == 0).then(pl.lit("negative"))
    )  # fmt: skip
    derived = pl.when(pl.col("kind") == "viral_load").then(counted.cast(FINDINGS))
    return pl.when(pl.col("kind") != "number").then(pl.coalesce("said", derived))


def _reason() -> pl.Expr:
    in_words = pl.col("comparator") == "text"
    has_number = pl.col("comparator").is_not_null() & ~in_words
    takes_words = pl.col("kind") != "number"
    usable = pl.when(pl.col("kind") == "finding").then(in_words).otherwise(has_number | (in_words & takes_words))
    nearest = pl.coalesce("high", "low")
    outside = ~(nearest.is_between(pl.col("least"), pl.col("most")))
    numeric = has_number & (pl.col("kind") != "finding")
    return (
        pl.when(pl.col("use") == "exclude").then(pl.lit("EXCLUDED_CODE"))
        .when(~usable.fill_null(False)).then(pl.lit("NO_VALUE"))
        .when(numeric & pl.col("unit_fault").is_not_null()).then(pl.col("unit_fault"))
        .when(numeric & outside).then(pl.lit("IMPLAUSIBLE"))
    )  # fmt: skip
