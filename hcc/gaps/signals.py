"""Signals: per member and measure how many events there are, the first and last day, and the values.

One join and one group-by per kind of evidence, whatever the number of rules. A row exists only where the measure's
own test holds (count, days apart, value): a member without a row has no such evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.derived import ckd_stages, indices
from hcc.gaps.events import Events
from hcc.gaps.plan import Measure, Plan
from hcc.rules.gap_terms import DiagnosisTerm, ResultTerm

_DAY_ZERO, _DAY_BITS = 1 << 20, 24  # days are counted from far enough back to be positive
SCHEMA = {
    "member_index": pl.UInt32,
    "measure": pl.UInt16,
    "count": pl.UInt32,
    "first": pl.Date,
    "last": pl.Date,
    "first_value": pl.Float64,
    "last_value": pl.Float64,
    "lowest": pl.Float64,
    "highest": pl.Float64,
    "lowest_on": pl.Date,
    "highest_on": pl.Date,
    "first_sign": pl.UInt8,
    "last_sign": pl.UInt8,
    "lowest_sign": pl.UInt8,
    "highest_sign": pl.UInt8,
}
"""A value has the sign of its comparator (hcc/gaps/shown.py) beside it."""
_VALUES = ("first_value", "last_value", "lowest", "highest")
_SIGNS = ("first_sign", "last_sign", "lowest_sign", "highest_sign")
_OF_VALUES = (*_VALUES, "lowest_on", "highest_on", *_SIGNS)
_NO_VALUES = [pl.lit(None, SCHEMA[name]).alias(name) for name in _OF_VALUES]


def paired(one: str, other: str) -> pl.Expr:
    """Two whole numbers, the second below 65,536, as one (``pair``, UInt64): joins and groups on it are cheap."""
    return (pl.col(one).cast(pl.UInt64) * 2**16 + pl.col(other).cast(pl.UInt64)).alias("pair")


def signals(context: GapContext, plan: Plan, found: Events, anchors: pl.DataFrame | None = None) -> pl.DataFrame:
    """The satisfied measures of all members (columns of ``SCHEMA``).

    ``anchors`` (member_index, rule, first, last: days of the diagnoses in question) moves the windows counted from a
    diagnosis; without it those measures are left out.
    """
    parts = [pl.DataFrame(schema=SCHEMA)]
    for kind in ("fill", "procedure", "problem", "diagnosis", "result"):
        if kind not in found.frames:
            continue
        measures = [measure for measure in plan.measures_of_kind(kind) if not _selects(measure)]
        matched = matching_events(plan, found, kind, measures, anchors)
        if matched is not None:
            parts.append(_counted(matched, measures, kind))
    if "result" in found.frames:
        chosen = [measure for measure in plan.measures_of_kind("result") if _selects(measure)]
        matched = matching_events(plan, found, "result", chosen, anchors, test_values=False)
        if matched is not None:
            parts.append(_selected(matched, chosen))
        parts.append(ckd_stages(context, plan, found))
        parts.append(indices(context, plan, found))
    return pl.concat([part.select(SCHEMA.keys()).cast(SCHEMA) for part in parts])  # type: ignore[arg-type]


def _selects(measure: Measure) -> bool:
    return isinstance(measure.term, ResultTerm) and measure.term.take != "any"


def matching_events(
    plan: Plan,
    found: Events,
    kind: str,
    measures: Sequence[Measure],
    anchors: pl.DataFrame | None,
    *,
    test_values: bool = True,
) -> pl.DataFrame | None:
    """Events of one kind, a row per measure they count for: the event's columns and ``measure``."""
    if not measures:
        return None
    frame, keys = found.frames[kind], found.keys[kind]
    fixed = [measure for measure in measures if measure.rule < 0]
    moving = [measure for measure in measures if measure.rule >= 0]
    on = [name for name in keys.columns if name != "measure"]
    parts = []
    if fixed:
        limits = _limits(fixed)
        wanted = keys.join(limits, on="measure")
        matched = frame.lazy().join(wanted.lazy(), on=on).filter(pl.col("date").is_between("from_day", "to_day"))
        parts.append(matched.drop("from_day", "to_day"))
    if moving and anchors is not None and anchors.height:
        limits = _limits(moving).with_columns(
            rule=pl.Series([m.rule for m in moving], dtype=pl.UInt16),
            reach_from=pl.Series([m.window.reach[0] if m.window else 0 for m in moving], dtype=pl.Int32),
            reach_to=pl.Series([m.window.reach[1] if m.window else 0 for m in moving], dtype=pl.Int32),
        )
        wanted = keys.join(limits, on="measure")
        begins = pl.col("since" if "since" in frame.columns else "date")  # a stay counts where it overlaps the window
        days = anchors.select(
            "member_index", "rule", pl.col("first").alias("anchor_first"), pl.col("last").alias("anchor_last")
        )
        matched = (
            frame.lazy()
            .join(anchors.lazy().select("member_index").unique(), on="member_index", how="semi")
            .join(wanted.lazy(), on=on)
            .join(days.lazy(), on=["member_index", "rule"])
            .filter(
                pl.col("date") >= pl.col("anchor_first") + pl.duration(days="reach_from"),
                begins <= pl.col("anchor_last") + pl.duration(days="reach_to"),
                pl.col("date") <= pl.col("to_day"),
            )
        )
        parts.append(
            matched.drop("from_day", "to_day", "rule", "reach_from", "reach_to", "anchor_first", "anchor_last")
        )
    if not parts:
        return None
    matched = pl.concat(parts)
    if kind == "diagnosis":
        matched = _diagnosis_conditions(matched, measures)
    if kind == "result" and test_values:
        matched = _value_conditions(matched, measures)
    return matched.collect()


def _limits(measures: Sequence[Measure]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "measure": [m.id for m in measures],
            "from_day": [m.first_day for m in measures],
            "to_day": [m.last_day for m in measures],
        },
        schema={"measure": pl.UInt16, "from_day": pl.Date, "to_day": pl.Date},
    )


def _diagnosis_conditions(frame: pl.LazyFrame, measures: Sequence[Measure]) -> pl.LazyFrame:
    """Claim types, places and 'counted' of diagnosis terms, as a filter over a handful of different demands."""
    demands: dict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], bool | None], list[int]] = {}
    for measure in measures:
        term = measure.term
        if isinstance(term, DiagnosisTerm):
            demand = (term.claim_types, term.places_of_service, term.places_elsewhere, term.counted)
            demands.setdefault(demand, []).append(measure.id)
    keep = pl.lit(False)
    for (types, places, elsewhere, counted), ids in demands.items():
        holds = pl.col("measure").is_in(ids)
        if types:
            holds = holds & pl.col("claim_type").is_in(types)
        if places:
            holds = holds & pl.col("place_of_service").is_in(places)
        if elsewhere:
            holds = holds & ~pl.col("place_of_service").is_in(elsewhere).fill_null(False)
        if counted is not None:
            holds = holds & (pl.col("counted").fill_null(False) == counted)
        keep = keep | holds
    return frame.filter(keep)


def bounds(op: str, bound: float) -> tuple[float | None, float | None]:
    """A comparison as (least ``low``, greatest ``high``), both included; None = not asked."""
    if op == ">=":
        return bound, None
    if op == ">":
        return math.nextafter(bound, math.inf), None
    if op == "<=":
        return None, bound
    return None, math.nextafter(bound, -math.inf)


def _value_frame(measures: Sequence[Measure]) -> pl.DataFrame:
    rows = []
    for measure in measures:
        term = measure.term
        assert isinstance(term, ResultTerm)
        low, high = bounds(*term.comparison) if term.comparison else (None, None)
        rows.append((measure.id, low, high, term.finding or None))
    return pl.DataFrame(
        rows,
        schema={"measure": pl.UInt16, "least": pl.Float64, "greatest": pl.Float64, "asked": pl.String},
        orient="row",
    )


def _value_conditions(frame: pl.LazyFrame, measures: Sequence[Measure]) -> pl.LazyFrame:
    """A missing bound of the result satisfies nothing: '>60' is never below 65, nor known to be at least 65."""
    return (
        frame.join(_value_frame(measures).lazy(), on="measure")
        .filter(
            pl.col("least").is_null() | (pl.col("low") >= pl.col("least")).fill_null(False),
            pl.col("greatest").is_null() | (pl.col("high") <= pl.col("greatest")).fill_null(False),
            pl.col("asked").is_null() | (pl.col("finding") == pl.col("asked")).fill_null(False),
        )
        .drop("least", "greatest", "asked")
    )


def _days_counted(matched: pl.DataFrame) -> pl.DataFrame:
    """member_index, measure, count (different days), first, last: one sort of one number per event."""
    if matched.is_empty():
        return matched.select("member_index", "measure", pl.lit(0, pl.UInt32).alias("count"), first="date", last="date")
    start = matched["member_index"].min()
    assert isinstance(start, int)
    member = matched["member_index"].to_numpy().astype(np.uint64) - np.uint64(start)
    measure = matched["measure"].to_numpy().astype(np.uint64)
    day = matched["date"].to_physical().to_numpy().astype(np.int64) + _DAY_ZERO
    keys = pl.Series((((member << np.uint64(16)) | measure) << np.uint64(_DAY_BITS)) | day.astype(np.uint64)).sort().to_numpy()
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])]
    pair = keys >> np.uint64(_DAY_BITS)
    starts = np.nonzero(np.concatenate([[True], pair[1:] != pair[:-1]]))[0]
    ends = np.concatenate([starts[1:], [len(keys)]]) - 1

    def days(at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
        return pl.Series(((keys[at] & np.uint64(2**_DAY_BITS - 1)).astype(np.int64) - _DAY_ZERO).astype(np.int32)).cast(pl.Date)

    return pl.DataFrame(
        {
            "member_index": ((pair[starts] >> np.uint64(16)) + np.uint64(start)).astype(np.uint32),
            "measure": (pair[starts] & np.uint64(2**16 - 1)).astype(np.uint16),
            "count": (ends - starts + 1).astype(np.uint32),
            "first": days(starts),
            "last": days(ends),
        }
    )


def _counted(matched: pl.DataFrame, measures: Sequence[Measure], kind: str) -> pl.DataFrame:
    """Count different days (claims for diagnoses) and keep what reaches the measure's numbers."""
    unit = "claim_id" if kind == "diagnosis" else "date"
    needs = pl.DataFrame(
        {
            "measure": [m.id for m in measures],
            "at_least": [getattr(m.term, "at_least", 1) for m in measures],
            "days_apart": [getattr(m.term, "days_apart", 0) for m in measures],
        },
        schema={"measure": pl.UInt16, "at_least": pl.UInt32, "days_apart": pl.Int64},
    )
    values = _NO_VALUES
    if kind == "result":
        matched = matched.select(
            "member_index", "measure", "date", pl.coalesce("high", "low").alias("order"),
            pl.coalesce("value", "high", "low").alias("value"), "sign",
        )  # fmt: skip
        # Neighbours lie together: a third of the time of sorting by day.
        matched = matched.sort(paired("member_index", "measure"), "date", "order", "sign")
        value, sign, day = pl.col("value"), pl.col("sign"), pl.col("date")
        least, most = pl.col("order").arg_min(), pl.col("order").arg_max()
        values = [
            value.first().alias("first_value"), value.last().alias("last_value"),
            value.get(least).alias("lowest"), value.get(most).alias("highest"),
            day.get(least).alias("lowest_on"), day.get(most).alias("highest_on"),
            sign.first().alias("first_sign"), sign.last().alias("last_sign"),
            sign.get(least).alias("lowest_sign"), sign.get(most).alias("highest_sign"),
        ]  # fmt: skip
    if kind in ("fill", "procedure", "problem"):
        counted = _days_counted(matched).lazy().with_columns(_NO_VALUES)
    else:
        counted = (
            matched.lazy()
            .with_columns(paired("member_index", "measure"))
            .group_by("pair")
            .agg(
                pl.col("member_index", "measure").first(),
                pl.col(unit).n_unique().cast(pl.UInt32).alias("count"),
                pl.col("date").min().alias("first"),
                pl.col("date").max().alias("last"),
                *values,
            )
            .drop("pair")
        )
    return (
        counted.join(needs.lazy(), on="measure")
        .filter(
            pl.col("count") >= pl.col("at_least"),
            (pl.col("last") - pl.col("first")).dt.total_days() >= pl.col("days_apart"),
        )
        .collect()
    )


def _selected(matched: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
    """latest, lowest, highest (of the last n days): one result is chosen, then tested. On one day the highest is taken,
    and of findings the positive one, whatever the order of the rows."""
    parts = []
    daily = matched.filter(pl.col("low").is_not_null() | pl.col("high").is_not_null() | pl.col("finding").is_not_null())
    measured = pl.when(pl.col("value").is_not_null()).then(pl.coalesce("high", "low"))
    daily = daily.select(
        "member_index", "measure", "date", "value", "low", "high", "finding", "sign", paired("member_index", "measure")
    ).sort("pair", "date", measured.fill_null(-math.inf), "finding", "sign", nulls_last=False)
    for take in sorted({m.term.take for m in measures if isinstance(m.term, ResultTerm)}):
        chosen = [m for m in measures if isinstance(m.term, ResultTerm) and m.term.take == take]
        rows = daily.filter(pl.col("measure").is_in([m.id for m in chosen]))
        parts.append(_value_conditions(_chosen(rows, take).lazy(), chosen).collect())
    one, day = pl.coalesce("value", "high", "low"), pl.col("date")
    return pl.concat(parts).select(
        "member_index", "measure", pl.lit(1, pl.UInt32).alias("count"),
        *(day.alias(name) for name in ("first", "last", "lowest_on", "highest_on")),
        *(one.alias(name) for name in _VALUES),
        *(pl.col("sign").alias(name) for name in _SIGNS),
    )  # fmt: skip


def _chosen(rows: pl.DataFrame, take: str) -> pl.DataFrame:
    by = "pair"
    if take == "latest":
        return rows.group_by(by, maintain_order=True).last()
    words = take.split()
    if len(words) > 1:
        # The last days with a result: one that was delivered twice, or of several values, is one.
        days = rows.select(by, "date").unique(maintain_order=True).group_by(by, maintain_order=True)
        since = days.tail(int(words[-1])).group_by(by).agg(pl.col("date").min().alias("since"))
        rows = rows.join(since, on=by, maintain_order="left").filter(pl.col("date") >= pl.col("since")).drop("since")
    least = words[0] == "lowest"
    key = pl.col("low").fill_null(-math.inf) if least else pl.col("high").fill_null(math.inf)
    return rows.sort(key, descending=not least, maintain_order=True).group_by(by, maintain_order=True).first()
