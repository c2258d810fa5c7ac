"""From raw scores of status rows to payment scores, blends and the year; used for the population and for scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hcc.pipeline.plan import Payment
from hcc.scores import blended, mean_of_months, payment_scores

_MILLIONTHS = 1_000  # in a thousandth
NO_PROGRAM = "NO_PROGRAM"
UNPAID_PART = "C"  # the part under which a member is listed whom no programme of any part pays

Raw = Mapping[str, tuple[NDArray[np.int32], NDArray[np.bool_]]]
"""Per model: raw score in thousandths and whether there is one, per row."""


@dataclass(frozen=True, eq=False)
class PaidRows:
    """Rows one (programme, model) pair is about. ``normalized``/``payment`` are None where no factor is known."""

    payment: Payment
    rows: NDArray[np.int64]
    raw: NDArray[np.int64]
    placed: NDArray[np.bool_]
    normalized: NDArray[np.int64] | None
    paid: NDArray[np.int64] | None


@dataclass(frozen=True, eq=False)
class PartScores:
    """Blended payment score per row of one part; ``known`` false where there is none, ``reason`` says why."""

    part: str
    paid: NDArray[np.int64]
    known: NDArray[np.bool_]
    concerned: NDArray[np.bool_]
    unverified: NDArray[np.bool_]
    reason: NDArray[np.object_]

    def sums(self, payable: NDArray[np.int64], frailty: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """Per row, the scores of its ``payable`` months: Part C's with the ``frailty`` (thousandths) of these months,
        which is added after the blend (SPEC 2.0)."""
        paid = self.paid * payable
        return paid if frailty is None else paid + self.frailty(frailty)

    def frailty(self, months: NDArray[np.int64]) -> NDArray[np.int64]:
        """What of the rows' frailty is in this part's scores."""
        return np.where(self.known & self.concerned, months, 0) if self.part == "C" else np.zeros_like(months)


def paid_rows(payments: Sequence[Payment], profile: NDArray[np.int32], raw: Raw) -> list[PaidRows]:
    """Normalise and adjust the raw scores of each programme's rows; ``profile`` is the profile of each row."""
    found = []
    for payment in payments:
        rows = np.nonzero(payment.pays[profile])[0]
        if payment.model in raw and payment.available:
            scores, placed = raw[payment.model]
            own, have = scores[rows].astype(np.int64), placed[rows]
        else:
            own, have = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=bool)
        normalized = paid = None
        if payment.normalization is not None and payment.coding_adjustment is not None:
            normalized, paid = payment_scores(own, payment.normalization, payment.coding_adjustment)
        found.append(PaidRows(payment, rows, own, have, normalized, paid))
    return found


def part_scores(
    paid: Sequence[PaidRows],
    size: int,
    no_segment: NDArray[np.object_] | None = None,
) -> dict[str, PartScores]:
    """Blend each programme's models per row, without frailty."""
    parts: dict[str, PartScores] = {}
    for part in sorted({one.payment.part for one in paid}):
        score = np.zeros(size, dtype=np.int64)
        known, concerned, unverified = (np.zeros(size, dtype=bool) for _ in range(3))
        reason = np.full(size, "", dtype=object)
        programs = dict.fromkeys(one.payment.program for one in paid if one.payment.part == part)
        for program in programs:
            mine = [one for one in paid if one.payment.part == part and one.payment.program == program]
            rows = mine[0].rows
            concerned[rows] = True
            good = np.ones(len(rows), dtype=bool)
            for one in mine:
                unverified[rows] |= one.payment.unverified
                if one.paid is None:
                    good[:] = False
                    reason[rows] = one.payment.no_payment_reason
                elif not one.placed.all():
                    good &= one.placed
                    lost = rows[~one.placed]
                    reason[lost] = "NO_SEGMENT" if no_segment is None else no_segment[lost]
            usable = [one for one in mine if one.paid is not None and one.payment.weight is not None]
            if good.any() and usable:
                total = blended(
                    [one.paid for one in usable if one.paid is not None],
                    [one.payment.weight for one in usable if one.payment.weight is not None],
                )
                score[rows[good]] = total[good]
                known[rows[good]] = True
        parts[part] = PartScores(part, score, known, concerned, unverified, reason)
    return parts


@dataclass(frozen=True, eq=False)
class YearScores:
    """Per member of one part: ``score`` (thousandths) where ``known``; ``concerned``: the part pays for the member;
    ``frailty``: what of it is in the score, in millionths, since a mean of months has more digits than its factors."""

    score: NDArray[np.int64]
    known: NDArray[np.bool_]
    concerned: NDArray[np.bool_]
    unverified: NDArray[np.bool_]
    months: NDArray[np.int64]
    reason: NDArray[np.object_]
    frailty: NDArray[np.int64]


def year_scores(
    part: PartScores,
    member: NDArray[np.integer],
    payable: NDArray[np.integer],
    members: int,
    why_not: NDArray[np.object_],
    frailty: NDArray[np.int64] | None = None,
) -> YearScores:
    """Mean of the payable months' scores per member (RULINGS 5), each with its month's frailty; ``frailty`` is the sum
    over a row's payable months. A payable month without a score leaves none for the
    year; months in which the part does not pay for the member do not count."""
    weight = np.where(part.concerned, payable, 0).astype(np.int64)
    months = np.bincount(member, weights=weight, minlength=members).astype(np.int64)
    total = np.zeros(members, dtype=np.int64)
    np.add.at(total, member, part.sums(weight, frailty))
    lost = part.concerned & ~part.known & (weight > 0)
    known = months > 0
    known[member[lost]] = False
    concerned = np.zeros(members, dtype=bool)
    concerned[member[part.concerned]] = True
    unverified = np.zeros(members, dtype=bool)
    unverified[member[part.unverified & part.concerned]] = True
    reason = np.where(months > 0, "", np.where(why_not == "", "NO_PAYABLE_MONTH", why_not)).astype(object)
    reason[member[lost]] = part.reason[lost]
    known &= concerned
    added = np.zeros(members, dtype=np.int64)
    if frailty is not None:
        np.add.at(added, member, part.frailty(frailty) * _MILLIONTHS)
        added = np.where(known, mean_of_months(added, months), 0)
    return YearScores(mean_of_months(total, months), known, concerned, unverified, months, reason, added)
