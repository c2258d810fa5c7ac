"""The tables ``scores`` and ``member_scores`` of a range of members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.pipeline.frames import Frames, millionths, thousandths
from hcc.pipeline.paying import NO_PROGRAM, UNPAID_PART, PaidRows, part_scores, year_scores
from hcc.pipeline.plan import Plan
from hcc.pipeline.population import ModelResult
from hcc.pipeline.statuses import Statuses
from hcc.scores import Profiles


def scores_frame(
    frames: Frames,
    plan: Plan,
    status: Statuses,
    found: dict[str, ModelResult],
    paid: list[PaidRows],
    start: int,
    stop: int,
) -> pl.DataFrame:
    pieces = []
    here = status.rows_of(start, stop)
    lost = no_segment_reason(status, here)
    monthly = None
    if status.monthly is not None:
        monthly = (
            status.monthly.filter(pl.col("status").is_between(here.start, here.stop - 1))
            .with_columns((pl.col("status") - here.start).alias("row"))
            .select("row", "month", "payable")
        )
    for one in paid:
        payment, rows = one.payment, one.rows
        size = len(rows)
        if size == 0:
            continue
        member = status.member[here][rows]
        result = found.get(payment.model)
        has = one.placed & (one.paid is not None)
        zeros = np.zeros(size, dtype=np.int64)
        why_no_score = np.full(size, None, dtype=object)
        if not one.placed.all():
            why_no_score[~one.placed] = "MODEL_NOT_AVAILABLE" if result is None else lost[rows[~one.placed]]
        why_no_pay = why_no_score
        if not has.all():
            why_no_pay = why_no_score.copy()
            why_no_pay[one.placed & ~has] = payment.no_payment_reason or None
        weight = zeros if payment.weight is None else np.full(size, int(payment.weight * 1_000_000), dtype=np.int64)
        disagree = np.zeros(size, bool) if result is None else result.disagree[member - np.uint32(start)]
        frame = pl.DataFrame(
            {
                **frames.start(member),
                **frames.model(payment.model, size),
                "part": frames.same("part", payment.part, size),
                "program": frames.same("program", payment.program, size),
                "segment": frames.coded("segment", result.segment[rows], result.model.scores.segments)
                if result is not None
                else frames.coded("segment", np.full(size, -1), []),
                "raw_score": thousandths(one.raw, one.placed),
                "normalized_score": thousandths(zeros if one.normalized is None else one.normalized, has),
                "payment_score": thousandths(zeros if one.paid is None else one.paid, has),
                "blend_weight": millionths(weight, np.full(size, payment.weight is not None)),
                "payable": status.payable[here][rows] > 0,
                "unverified": np.full(size, payment.unverified),
                "no_score_reason": _words(why_no_score, one.placed),
                "no_payment_reason": _words(why_no_pay, has),
                "hierarchy_modes_disagree": disagree,
                **({} if monthly is not None else {"month": pl.repeat(None, size, dtype=pl.Date, eager=True)}),
            }
        )
        if monthly is not None:
            frame = (
                frame.drop("payable")
                .with_columns(pl.Series("row", rows.astype(np.uint32)))
                .join(monthly.with_columns(pl.col("row").cast(pl.UInt32)), on="row", how="inner")
                .drop("row")
            )
        pieces.append(frame)
    return pl.concat(pieces, how="vertical_relaxed") if pieces else pl.DataFrame()


def _words(why: NDArray[Any], there: NDArray[np.bool_]) -> pl.Series:
    """Reasons as text; null where something is ``there``. No word of these is looked at."""
    lost = np.flatnonzero(~there)
    if not len(lost):
        return pl.repeat(None, len(there), dtype=pl.String, eager=True)
    words = pl.Series(why[lost].tolist(), dtype=pl.String).replace("", None)
    if len(lost) == len(there):
        return words
    place = np.full(len(there), len(lost), dtype=np.uint32)  # behind the last: null
    place[lost] = np.arange(len(lost), dtype=np.uint32)
    return words.extend_constant(None, 1).gather(pl.Series(place))


def no_segment_reason(status: Statuses, rows: slice) -> NDArray[Any]:
    """Why a status row without a segment has none."""
    of_profile = why_no_segment(status.profiles, np.arange(status.profiles.count))
    return of_profile.take(status.profile[rows])


def why_no_segment(profiles: Profiles, profile: NDArray[np.integer]) -> NDArray[Any]:
    """Why rows of these profiles have no segment where they have none."""
    facts = profiles.facts
    graft = (facts["esrd"][profile] == 3) & (facts["graft_month"][profile] == 0)
    return np.where(graft, "GRAFT_MONTHS_MISSING", "NO_SEGMENT").astype(object)


def member_scores_frames(
    frames: Frames, plan: Plan, status: Statuses, paid: list[PaidRows], start: int, stop: int
) -> Iterator[pl.DataFrame]:
    here = status.rows_of(start, stop)
    member = status.member[here].astype(np.int64) - start
    frailty = None if status.frailty is None else status.frailty[here]
    parts = part_scores(paid, len(member), no_segment_reason(status, here))
    why_not = status.not_payable_reason[start:stop].to_numpy().astype(object)
    paid_for = np.zeros(stop - start, dtype=bool)
    for part, scores in parts.items():
        year = year_scores(scores, member, status.payable[here], stop - start, why_not, frailty)
        paid_for |= year.concerned
        who = np.nonzero(year.concerned)[0]
        yield pl.DataFrame(
            {
                **frames.start(who + start),
                "payment_year": plan.options.payment_year,
                "part": frames.same("part", part, len(who)),
                "risk_score": thousandths(year.score[who], year.known[who]),
                "payable_months": year.months[who],
                "frailty": millionths(year.frailty[who]),
                "unverified": year.unverified[who],
                "no_score_reason": _words(year.reason[who], year.known[who]),
            }
        )
    who = np.nonzero(~paid_for)[0]
    if len(who):
        yield _unpaid(frames, plan, who + start, np.where(why_not[who] == "", NO_PROGRAM, why_not[who]))


def _unpaid(frames: Frames, plan: Plan, member: NDArray[np.integer], why: NDArray[Any]) -> pl.DataFrame:
    """A row for each member whom no programme pays: nobody is left out without a word."""
    none, nothing = np.zeros(len(member), dtype=bool), np.zeros(len(member), dtype=np.int64)
    return pl.DataFrame(
        {
            **frames.start(member),
            "payment_year": plan.options.payment_year,
            "part": frames.same("part", UNPAID_PART, len(member)),
            "risk_score": thousandths(nothing, none),
            "payable_months": nothing,
            "frailty": millionths(nothing, ~none),
            "unverified": none,
            "no_score_reason": _words(why, none),
        }
    )
