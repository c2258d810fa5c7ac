"""HCCs and scores of a population from decided diagnoses: the arrays that frames, gaps and scenarios are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hcc import kernel
from hcc.conditions import (
    MemberHccs,
    after_hierarchies,
    after_removals,
    edit_class,
    member_hccs,
    modes_disagree,
    pair_bits,
)
from hcc.diagnoses import COUNTED, FLAGS, REASONS, Decisions, between, run_starts
from hcc.kernel.arrays import Bits, Evidence
from hcc.pipeline.plan import Model, Plan
from hcc.pipeline.statuses import Statuses
from hcc.rules.condition_tables import EDIT_KINDS
from hcc.scores import Factors, ProfileScores, factors, raw_scores

_NO_HCCS = MemberHccs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int16))
_NO_EVIDENCE = Evidence(np.zeros(0, np.uint32), np.zeros(0, np.int16), np.zeros(0, np.uint32))
_RAPS = np.uint16(1 << FLAGS.index("RAPS"))


@dataclass(frozen=True, eq=False)
class ModelResult:
    """One model over a range of members: ``found`` before removals and hierarchies, ``kept`` after, per member."""

    model: Model
    found: Bits
    kept: Bits
    hccs: MemberHccs
    raw: NDArray[np.int32]  # per status row, thousandths
    placed: NDArray[np.bool_]  # per status row: it has a segment
    segment: NDArray[np.int16]  # per status row
    disagree: NDArray[np.bool_]  # per member
    evidence: Evidence
    profile_scores: ProfileScores


def sexes_and_ages(statuses: Statuses, members: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sex and age of each member, from the member's first status (they do not change within a year)."""
    profile = statuses.profile
    if len(profile) != members:  # else one each
        profile = profile[np.searchsorted(statuses.member, np.arange(members, dtype=statuses.member.dtype))]
    return statuses.profiles.sex[profile].astype(np.int64), statuses.profiles.age[profile].astype(np.int64)


def decide_edits(
    plan: Plan, decided: Decisions, sex: NDArray[np.int64], age: NDArray[np.int64]
) -> dict[str, list[tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int8]]]]:
    """Set the reason of diagnoses that an edit drops in every model in which they map; return what edits did.

    Per model: (position in ``decided``, bit given instead or -1, edit kind) of the counted diagnoses an edit touched.
    """
    counted = decided.reason == COUNTED
    touched: dict[str, list[tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int8]]]] = {}
    edited = np.zeros(len(plan.codes.code), dtype=bool)
    for model in plan.models.values():
        edited |= (model.conditions.slots.of_code >= len(model.conditions.hccs)).any(axis=0)
    at = (
        np.nonzero(counted & edited.take(decided.code.astype(np.intp)))[0]
        if len(edited)
        else np.zeros(0, dtype=np.int64)
    )
    whose = decided.records["member"].to_numpy().take(decided.record[at]).astype(np.intp)
    alive = np.zeros(len(at), dtype=bool)
    why = np.zeros(len(at), dtype=np.int8)
    for model in plan.models.values():
        classes = edit_class(model.conditions, sex.take(whose), age.take(whose))
        touched[model.name] = []
        gives = np.zeros(len(at), dtype=bool)
        for bit, kind in pair_bits(model.conditions, classes, decided.code[at]):
            gives |= bit >= 0
            why = np.where((why == 0) & (kind > 0) & (bit < 0), kind, why)
            hit = kind > 0
            touched[model.name].append((at[hit], bit[hit], kind[hit]))
        alive |= gives
    first = REASONS.index(EDIT_KINDS[1])
    dropped = ~alive & (why > 0)
    decided.reason[at[dropped]] = (why[dropped] - 1 + first).astype(np.uint8)
    return touched


def model_result(
    plan: Plan, model: Model, decided: Decisions, statuses: Statuses, scores: ProfileScores,
    sex: NDArray[np.int64], age: NDArray[np.int64], start: int, stop: int, *, listed: bool = True,
) -> ModelResult:  # fmt: skip
    """Score members ``start`` to ``stop`` (exclusive) in one model. ``listed`` False: scores alone; there is no
    evidence, and HCCs are not listed."""
    low, high = _range(decided, start, stop)
    counted = decided.reason[low:high] == COUNTED
    if not model.uses_raps:
        counted &= (decided.flags[low:high] & _RAPS) == 0
    conditions, mode = model.conditions, plan.options.hierarchy_mode
    classes = edit_class(conditions, sex[start:stop], age[start:stop])
    found, triples = kernel.evidence(
        counted, decided.record[low:high], decided.code[low:high], decided.records["member"].to_numpy(), start,
        classes, conditions.slots, conditions.words, listed=listed,
    )  # fmt: skip
    evidence = triples or _NO_EVIDENCE
    remaining = after_removals(conditions, found)
    kept = after_hierarchies(conditions, remaining, mode)
    hccs = _NO_HCCS
    if listed:
        new = run_starts(evidence.member, evidence.bit)
        places = evidence.member[new].astype(np.int64), evidence.bit[new].astype(np.int64)
        hccs = member_hccs(conditions, found, kept, mode, places)
    rows = statuses.rows_of(start, stop)
    profile, owner = statuses.profile[rows], statuses.member[rows] - np.uint32(start)
    raw, placed = raw_scores(model.scores, scores, profile, kept[owner])
    return ModelResult(
        model, found, kept, hccs, raw, placed, scores.segment[profile], modes_disagree(conditions, remaining), evidence,
        scores,
    )  # fmt: skip


def result_factors(result: ModelResult, statuses: Statuses, start: int, stop: int) -> Factors:
    """Factors of the status rows of members ``start`` to ``stop``; ``row`` counts from the first of them."""
    rows = statuses.rows_of(start, stop)
    profile, owner = statuses.profile[rows], statuses.member[rows] - np.uint32(start)
    counts = result.hccs.dropped_by < 0
    hcc_member, hcc_bit = result.hccs.row[counts], result.hccs.bit[counts]
    # A member's HCCs count in each of its statuses.
    first = np.searchsorted(hcc_member, np.arange(stop - start + 1))
    size = first[owner + 1] - first[owner]
    row = np.repeat(np.arange(len(owner)), size)
    offset = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    place = np.repeat(first[owner], size) + offset
    return factors(result.model.scores, result.profile_scores, profile, result.kept[owner], row, hcc_bit[place])


def _range(decided: Decisions, start: int, stop: int) -> tuple[int, int]:
    member = decided.records["member"].to_numpy()
    return between(decided.record, *between(member, start, stop))
