"""Scores with an HCC removed or added, for many scenarios of a range of members at once.

The same steps as a run's: removals, hierarchies, raw score, payment factors, blend, mean of the payable months. Only the
models that a scenario touches are worked out anew; the others keep the member's own raw scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hcc.conditions import after_hierarchies, after_removals
from hcc.gaps import Scenarios, Worths
from hcc.kernel.arrays import WORD
from hcc.pipeline.paying import Raw, paid_rows, part_scores
from hcc.pipeline.population import ModelResult
from hcc.pipeline.run import Scored
from hcc.scores import mean_of_months, raw_scores

Ints = NDArray[np.int64]
Known = tuple[Ints, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class _Range:
    """Status rows of the members ``start`` to ``stop``; the arrays of ``found`` begin with the member ``base``."""

    scored: Scored
    found: dict[str, ModelResult]
    start: int
    stop: int
    rows: slice
    frailty: Ints | None

    @property
    def owner(self) -> Ints:
        """Member of each status row, counted from the first of the range."""
        return self.scored.statuses.member[self.rows].astype(np.int64) - self.start

    def own_raw(self, base: int) -> Raw:
        """Each model's own raw scores of the status rows."""
        first = self.scored.statuses.rows_of(base, base).start
        here = slice(self.rows.start - first, self.rows.stop - first)
        return {name: (result.raw[here], result.placed[here]) for name, result in self.found.items()}


def worths(
    scored: Scored, found: dict[str, ModelResult], base: int, start: int, stop: int, asked: Scenarios
) -> Worths:
    """What the scenarios of the members ``start`` to ``stop`` (exclusive) make of their scores.

    ``found``: the results of a range that holds them and begins with the member ``base``. All scores in thousandths.
    """
    rows = scored.statuses.rows_of(start, stop)
    frailty = scored.statuses.frailty
    here = _Range(scored, found, start, stop, rows, None if frailty is None else frailty[rows])
    own_raw, owner = here.own_raw(base), here.owner
    own = _risk(here, own_raw, np.arange(len(owner)), owner, stop - start)
    row, scenario = _scenario_rows(owner, asked.member - start)
    after = {name: (raw[row], placed[row]) for name, (raw, placed) in own_raw.items()}
    raw_before, raw_after = np.zeros(asked.alone, np.int64), np.zeros(asked.alone, np.int64)
    raw_known = np.zeros(asked.alone, dtype=bool)
    for m, (name, result) in enumerate(found.items()):
        mine = asked.m == m
        if not mine.any():
            continue
        changed, place = _changed(result, asked, mine, base)
        tables = result.model.conditions
        kept = after_hierarchies(tables, after_removals(tables, changed), scored.plan.options.hierarchy_mode)
        at = np.nonzero(place[scenario] >= 0)[0]
        profile = scored.statuses.profile[rows][row[at]]
        raw, placed = raw_scores(result.model.scores, result.profile_scores, profile, kept[place[scenario[at]]])
        one = (scenario[at] < asked.alone) & placed
        which, kind = scenario[at][one], at[one]
        # Status rows are in order: of several with a segment the latest stays.
        raw_before[which], raw_after[which], raw_known[which] = after[name][0][kind], raw[one], True
        after[name][0][at] = raw
    risk = _risk(here, after, row, scenario, asked.count)
    part_of = [result.model.rules.part for result in found.values()]
    score, known = np.zeros(asked.alone, np.int64), np.zeros(asked.alone, dtype=bool)
    model_of = asked.m[: asked.alone]  # the first entries are the scenarios of one HCC, in order
    who = asked.member[: asked.alone] - start
    for part, (value, there) in risk.items():
        mine = np.array([one == part for one in part_of])[model_of]
        score[mine] = (value[: asked.alone] - own[part][0][who])[mine]
        known[mine] = (there[: asked.alone] & own[part][1][who])[mine]
    together = {part: (value[asked.alone :], there[asked.alone :]) for part, (value, there) in risk.items()}
    return Worths((score, known), (raw_after - raw_before, raw_known), own, together)


def _scenario_rows(owner: Ints, member: Ints) -> tuple[Ints, Ints]:
    """Status row and scenario: one entry per scenario and status of its member."""
    first = np.searchsorted(owner, member)
    size = np.searchsorted(owner, member, side="right") - first
    scenario = np.repeat(np.arange(len(member)), size)
    offset = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    return np.repeat(first, size) + offset, scenario


def _changed(
    result: ModelResult, asked: Scenarios, mine: NDArray[np.bool_], base: int
) -> tuple[NDArray[np.uint64], Ints]:
    """HCC bits of the scenarios that touch the model, and the place of each scenario in them (-1: none).

    HCCs that the model does not have are ignored.
    """
    bit_of = np.full(1 << 16, -1, dtype=np.int64)
    bit_of[np.array([int(hcc) for hcc in result.model.conditions.hccs])] = np.arange(len(result.model.conditions.hccs))
    scenario, bit, add = asked.scenario[mine], bit_of[asked.hcc[mine]], asked.add[mine]
    touched = np.zeros(asked.count, dtype=bool)
    touched[scenario] = True
    place = np.where(touched, np.cumsum(touched) - 1, -1)
    changed = result.found[asked.member[touched] - base]
    real = bit >= 0
    where, bit, add = place[scenario][real], bit[real], add[real]
    mask = np.left_shift(np.uint64(1), (bit % WORD).astype(np.uint64))
    np.bitwise_or.at(changed, (where[add], bit[add] // WORD), mask[add])
    np.bitwise_and.at(changed, (where[~add], bit[~add] // WORD), ~mask[~add])
    return changed, place


def _risk(here: _Range, raw: Raw, row: Ints, who: Ints, size: int) -> dict[str, Known]:
    """By part: the year's risk score of each of ``size`` members or scenarios, and whether there is one."""
    status = here.scored.statuses
    profile, payable = status.profile[here.rows][row], status.payable[here.rows][row]
    frailty = None if here.frailty is None else here.frailty[row]
    found: dict[str, Known] = {}
    for part, scores in part_scores(paid_rows(here.scored.plan.payments, profile, raw), len(row)).items():
        weight = np.where(scores.concerned, payable, 0).astype(np.int64)
        months = np.bincount(who, weights=weight, minlength=size).astype(np.int64)
        sums = scores.sums(weight, frailty)
        total = np.bincount(who, weights=sums, minlength=size).astype(np.int64)
        known = months > 0
        known[who[scores.concerned & ~scores.known & (weight > 0)]] = False
        found[part] = mean_of_months(total, months), known
    return found


__all__ = ["worths"]
