"""What has to be worked out from several results: the two eGFR of CKD-1 and indices such as FIB-4."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.events import Events, concept_codes
from hcc.gaps.needs import CONCEPTS_OF_INDEX
from hcc.gaps.plan import Measure, Plan
from hcc.rules.gap_terms import CkdStageTerm, IndexTerm

_EMPTY = pl.DataFrame(
    schema={
        "member_index": pl.UInt32, "measure": pl.UInt16, "count": pl.UInt32, "first": pl.Date, "last": pl.Date,
        "first_value": pl.Float64, "last_value": pl.Float64, "lowest": pl.Float64, "highest": pl.Float64,
        "lowest_on": pl.Date, "highest_on": pl.Date, "first_sign": pl.UInt8, "last_sign": pl.UInt8,
        "lowest_sign": pl.UInt8, "highest_sign": pl.UInt8,
    }
)  # fmt: skip
_SIGNAL = tuple(_EMPTY.columns)


def ckd_stages(context: GapContext, plan: Plan, found: Events) -> pl.DataFrame:
    """Signals of all ckd_stage measures: first = day of v2, last = day of v1, count 2 (RULINGS 24)."""
    bases: dict[object, list[Measure]] = {}
    for measure in plan.measures_of_kind("ckd_stage"):
        term = measure.term
        assert isinstance(term, CkdStageTerm)
        base = term.model_copy(update={"words": "", "at_least": 0.0, "below": term.limit})
        bases.setdefault(base, []).append(measure)
    parts = [_EMPTY]
    for measures in bases.values():
        pairs = ckd_pairs(context, found, measures)
        worst = pl.max_horizontal("high1", "high2")
        later = pl.col("high1") <= pl.col("high2")  # v1, the later one, is the lower

        def either(of: str, when: pl.Expr) -> pl.Expr:
            return pl.when(when).then(f"{of}1").otherwise(f"{of}2")

        for measure in measures:
            term = measure.term
            assert isinstance(term, CkdStageTerm)
            parts.append(
                pairs.filter(worst >= term.at_least, worst < term.below).select(
                    "member_index",
                    pl.lit(measure.id, pl.UInt16).alias("measure"),
                    pl.lit(2, pl.UInt32).alias("count"),
                    pl.col("date2").alias("first"),
                    pl.col("date1").alias("last"),
                    pl.col("value2").alias("first_value"),
                    pl.col("value1").alias("last_value"),
                    either("value", later).alias("lowest"),
                    either("value", ~later).alias("highest"),
                    either("date", later).alias("lowest_on"),
                    either("date", ~later).alias("highest_on"),
                    pl.col("sign2").alias("first_sign"),
                    pl.col("sign1").alias("last_sign"),
                    either("sign", later).alias("lowest_sign"),
                    either("sign", ~later).alias("highest_sign"),
                )
            )
    return pl.concat([part.select(_SIGNAL) for part in parts])


def ckd_pairs(context: GapContext, found: Events, measures: Sequence[Measure]) -> pl.DataFrame:
    """Per member v1 and v2 where both are below the limit, nothing between reaches it, and the term's other conditions hold.

    Columns: member_index, date1, value1, high1, sign1, date2, value2, high2, sign2.
    """
    term = measures[0].term
    assert isinstance(term, CkdStageTerm)
    daily = valid_results(context, found, measures[0])
    latest = daily.group_by("member_index", maintain_order=True).last()
    first = latest.filter(pl.col("high") < term.limit).select(
        "member_index", date1="date", value1="value", high1="high", sign1="sign"
    )
    earlier = (
        daily.join(first, on="member_index")
        .filter((pl.col("date1") - pl.col("date")).dt.total_days() >= term.days_apart)
        .group_by("member_index", maintain_order=True)
        .last()
        .filter(pl.col("high") < term.limit)
        .select("member_index", date2="date", value2="value", high2="high", sign2="sign")
    )
    pairs = first.join(earlier, on="member_index")
    between = (
        daily.join(pairs.select("member_index", "date1", "date2"), on="member_index")
        .filter(pl.col("date") > pl.col("date2"), pl.col("date") < pl.col("date1"), pl.col("high") >= term.limit)
        .select("member_index")
        .unique()
    )
    pairs = pairs.join(between, on="member_index", how="anti")
    if term.also_in is not None:
        since, until = term.also_in.fixed(context.year_start, context.year_end, context.as_of)
        low = daily.filter(pl.col("date").is_between(since, until), pl.col("high") < term.limit)
        pairs = pairs.join(low.select("member_index").unique(), on="member_index", how="semi")
    return _not_after(context, found, term, pairs)


def _not_after(context: GapContext, found: Events, term: CkdStageTerm, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs without ``not_after`` and ``not_after_services`` up to v1; that day too: blood is drawn at dialysis."""
    days = []
    if term.not_after and "diagnosis" in found.frames:
        codes = concept_codes(context, term.not_after)
        days.append(found.frames["diagnosis"].filter(pl.col("diagnosis_code").cast(pl.String).is_in(codes)))
    if term.not_after_services and "procedure" in found.frames:
        done = pl.col("concept").cast(pl.String).is_in(term.not_after_services)
        days.append(found.frames["procedure"].filter(done, pl.col("grade").cast(pl.String) != "excluded"))
    for frame in days:
        first = frame.group_by("member_index").agg(pl.col("date").min().alias("since"))
        pairs = (
            pairs.join(first, on="member_index", how="left")
            .filter(~(pl.col("since") <= pl.col("date1")).fill_null(False))
            .drop("since")
        )
    return pairs


def valid_results(context: GapContext, found: Events, measure: Measure) -> pl.DataFrame:
    """One result per member and day, the highest; none near a stay of ``not_near``. Fallback codes are gone already.

    ``high`` is infinite for results without an upper bound ('>60'). Sorted by member and day.
    """
    term = measure.term
    assert isinstance(term, CkdStageTerm)
    frame = found.frames["result"].filter(
        pl.col("concept").cast(pl.String).is_in(term.concepts),
        pl.col("date").is_between(measure.first_day, measure.last_day),
        pl.col("low").is_not_null() | pl.col("high").is_not_null(),
    )
    usable = frame.filter(pl.col("use").cast(pl.String).is_in(("include", "fallback"))).with_columns(
        pl.col("high").fill_null(float("inf")), pl.coalesce("value", "high", "low").alias("value")
    )
    usable = _not_near_a_stay(context, found, term, usable)
    return (
        usable.sort("member_index", "date", "high", "sign", "value")
        .group_by("member_index", "date", maintain_order=True)
        .last()
        .select("member_index", "date", "value", "high", "sign")
    )


def _not_near_a_stay(context: GapContext, found: Events, term: CkdStageTerm, frame: pl.DataFrame) -> pl.DataFrame:
    if not term.not_near or "diagnosis" not in found.frames:
        return frame
    codes = concept_codes(context, term.not_near)
    stays = (
        found.frames["diagnosis"]
        .filter(pl.col("diagnosis_code").cast(pl.String).is_in(codes), pl.col("claim_type") == "inpatient")
        .select("member_index", pl.col("since").alias("stay_from"), pl.col("date").alias("stay_to"))
        .unique()
    )
    margin = pl.duration(days=term.not_near_days)
    near = (
        frame.select("member_index", "date")
        .unique()
        .join(stays, on="member_index")
        .filter(pl.col("date").is_between(pl.col("stay_from") - margin, pl.col("stay_to") + margin))
        .select("member_index", "date")
        .unique()
    )
    return frame.join(near, on=["member_index", "date"], how="anti")


def indices(context: GapContext, plan: Plan, found: Events) -> pl.DataFrame:
    """Signals of index measures: FIB-4 = age × AST ÷ (platelets × √ALT), from the latest of each."""
    parts = [_EMPTY]
    for measure in plan.measures_of_kind("index"):
        term = measure.term
        assert isinstance(term, IndexTerm)
        scored = _fib4(context, found, measure)
        op, bound = term.comparison
        value = pl.col("last_value")
        holds = {">=": value >= bound, ">": value > bound, "<=": value <= bound, "<": value < bound}[op]
        parts.append(scored.filter(holds).with_columns(pl.lit(measure.id, pl.UInt16).alias("measure")).select(_SIGNAL))
    return pl.concat([part.select(_SIGNAL) for part in parts])


def _fib4(context: GapContext, found: Events, measure: Measure) -> pl.DataFrame:
    latest = (
        found.frames["result"]
        .filter(
            pl.col("date").is_between(measure.first_day, measure.last_day),
            pl.col("concept").cast(pl.String).is_in(CONCEPTS_OF_INDEX["fib4"]),
            pl.col("value").is_not_null(),
        )
        .with_columns(pl.coalesce("high", "low").alias("value"))
        .sort("date", "value")
        .group_by("member_index", pl.col("concept").cast(pl.String), maintain_order=True)
        .agg(pl.col("value").last(), pl.col("date").last())
    )
    wide = latest.pivot(on="concept", on_columns=list(CONCEPTS_OF_INDEX["fib4"]), index="member_index", values="value")
    days = latest.group_by("member_index").agg(pl.col("date").min().alias("first"), pl.col("date").max().alias("last"))
    ages = context.members.select("member_index", (pl.lit(context.year) - pl.col("birth_date").dt.year()).alias("age"))
    value = pl.col("age") * pl.col("ast") / (pl.col("platelets") * pl.col("alt").sqrt())
    return (
        wide.join(days, on="member_index")
        .join(ages, on="member_index")
        .with_columns(value.alias("last_value"))
        .filter(pl.col("last_value").is_not_null())
        .with_columns(
            pl.lit(3, pl.UInt32).alias("count"),
            *(pl.col("last_value").alias(name) for name in ("first_value", "lowest", "highest")),
            *(pl.col("last").alias(name) for name in ("lowest_on", "highest_on")),
            *(pl.lit(0, pl.UInt8).alias(name) for name in _EMPTY.columns if name.endswith("_sign")),
        )
    )
