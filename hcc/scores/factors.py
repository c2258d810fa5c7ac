"""Segments and factors: what each status row's demographics and HCCs add to the raw score, in thousandths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hcc import kernel
from hcc.errors import MissingCoefficient
from hcc.rules.condition_tables import meets
from hcc.rules.requires import Facts, holds
from hcc.rules.score_tables import Demographic, Interaction, ScoreTables
from hcc.scores.profiles import Profiles
from hcc.scores.rounding import round_ratio
from hcc.scores.single import plain_facts, rows_for, single_holds

Bits = NDArray[np.uint64]
Holds = Callable[[str, Facts], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class ProfileScores:
    """Per profile of one model: segment (-1 none), demographic sum, flags; and the demographic factors as a list."""

    segment: NDArray[np.int16]
    demographic: NDArray[np.int32]
    flags: NDArray[np.bool_]  # [profiles, flags]
    factor_profile: NDArray[np.int32]
    factor_variable: NDArray[np.int32]
    factor_coefficient: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Factors:
    """Long list: ``coefficient`` (thousandths) of ``variable`` for status row ``row``."""

    row: NDArray[np.int64]
    variable: NDArray[np.int32]
    coefficient: NDArray[np.int32]


def profile_scores(tables: ScoreTables, profiles: Profiles) -> ProfileScores:
    """Segment and demographic factors of every profile.

    Raises MissingCoefficient where a profile has no demographic cell, or two, in its segment.
    """
    return _profile_scores(tables, profiles, tables.segment_of(profiles.facts), tables.demographics, holds)


def single_profile_scores(tables: ScoreTables, profiles: Profiles) -> ProfileScores:
    """As ``profile_scores``, for ``profiles`` of one: what does not concern that one is passed over before any array is
    touched. Raises MissingCoefficient."""
    facts = plain_facts(profiles)
    places = (i for i, requires in enumerate(tables.segment_requires) if single_holds(requires, facts))
    segment = np.array([next(places, -1)], dtype=np.int16)
    rows = [row for row in rows_for(tables, facts["sex"], facts["age"]) if single_holds(row.requires, facts)]
    return _profile_scores(
        tables, profiles, segment, rows, lambda requires, _: np.array([single_holds(requires, facts)])
    )


def _profile_scores(
    tables: ScoreTables,
    profiles: Profiles,
    segment: NDArray[np.int16],
    demographics: Sequence[Demographic],
    holds: Holds,
) -> ProfileScores:
    placed = segment >= 0
    safe = np.where(placed, segment, 0)
    owner: list[NDArray[np.int64]] = []
    number: list[NDArray[np.int32]] = []
    value: list[NDArray[np.int32]] = []
    cells = np.zeros(profiles.count, dtype=np.int32)
    divisor = np.zeros(profiles.count, dtype=np.int64)
    seen: dict[int, NDArray[np.bool_]] = {}
    adjustment = -1
    for row in demographics:
        held = holds(row.requires, profiles.facts) & placed & row.listed[safe]
        if row.kind == "divisor":
            divisor[held] = row.coefficient[segment[held]]
            adjustment = row.variable
            continue
        held &= ~seen.get(row.variable, np.zeros(profiles.count, dtype=bool))  # rows of one variable are alternatives
        seen[row.variable] = seen.get(row.variable, np.zeros(profiles.count, dtype=bool)) | held
        who = np.nonzero(held)[0]
        if row.kind in ("cell", "flat"):
            cells[who] += 1
        owner.append(who)
        number.append(np.full(len(who), row.variable, dtype=np.int32))
        value.append(row.coefficient[segment[who]])
    wrong = np.nonzero(placed & (cells != 1))[0]
    if len(wrong):
        raise _no_cell(tables, profiles, segment, cells, wrong)
    factor_profile = np.concatenate(owner) if owner else np.zeros(0, dtype=np.int64)
    factor_value = np.concatenate(value) if value else np.zeros(0, dtype=np.int32)
    demographic = np.bincount(factor_profile, weights=factor_value, minlength=profiles.count).round().astype(np.int64)
    divided = np.nonzero(divisor)[0]
    if len(divided):
        change = round_ratio(demographic[divided] * 1000, divisor[divided]) - demographic[divided]
        factor_profile = np.concatenate([factor_profile, divided])
        number.append(np.full(len(divided), adjustment, dtype=np.int32))
        factor_value = np.concatenate([factor_value, change.astype(np.int32)])
        demographic[divided] += change
    return ProfileScores(
        segment=segment,
        demographic=demographic.astype(np.int32),
        flags=np.stack([holds(text, profiles.facts) for text in tables.flag_requires], axis=1)
        if tables.flags
        else np.zeros((profiles.count, 0), dtype=bool),
        factor_profile=factor_profile.astype(np.int32),
        factor_variable=np.concatenate(number) if number else np.zeros(0, dtype=np.int32),
        factor_coefficient=factor_value,
    )


def _no_cell(
    tables: ScoreTables,
    profiles: Profiles,
    segment: NDArray[np.int16],
    cells: NDArray[np.int32],
    wrong: NDArray[np.int64],
) -> MissingCoefficient:
    """Age and sex here are of a kind of person, not of a member."""
    faults = sorted(
        {
            f"segment {tables.segments[segment[p]]}: {cells[p]} demographic cells for age "
            f"{profiles.facts['age'][p]}, sex {'FM'[int(profiles.facts['sex'][p])]}; there must be one"
            for p in wrong[:20]
        }
    )
    error = MissingCoefficient.from_faults(tables.name, faults)
    assert isinstance(error, MissingCoefficient)
    return error


def _hits(
    interaction: Interaction, bits: Bits, flags: NDArray[np.bool_], profile: NDArray[np.int32]
) -> NDArray[np.bool_]:
    if len(bits) == 1:  # one member: arrays would cost ten times as much
        return np.array([_hits_one(interaction, bits[0].tolist(), flags[profile[0]])])
    hit = np.ones(len(bits), dtype=bool)
    for mask in interaction.masks:
        any_of = np.zeros(len(bits), dtype=bool)
        for word, part in enumerate(mask):
            if part:
                any_of |= (bits[:, word] & part) != 0
        hit &= any_of
    for flag in interaction.flags:
        hit &= flags[profile, flag]
    return hit


def _hits_one(interaction: Interaction, words: list[int], flags: NDArray[np.bool_]) -> bool:
    return all(any(w & m for w, m in zip(words, mask, strict=True)) for mask in _masks(interaction)) and all(
        flags[flag] for flag in interaction.flags
    )


@lru_cache(maxsize=8192)
def _masks(interaction: Interaction) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(mask.tolist()) for mask in interaction.masks)


def raw_scores(
    tables: ScoreTables, scores: ProfileScores, profile: NDArray[np.int32], bits: Bits
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Raw score in thousandths per status row, and whether the row has a segment.

    ``profile`` [rows]; ``bits`` [rows, words]: the HCCs that count (ignored in segments that use no diagnoses).
    """
    segment = scores.segment[profile]
    placed = segment >= 0
    raw = scores.demographic[profile].astype(np.int32)
    rows = np.nonzero(placed & tables.uses_diagnoses[np.where(placed, segment, 0)] & meets(bits))[0]
    some, where, who = np.ascontiguousarray(bits[rows]), segment[rows], profile[rows]
    total = kernel.totals(some, where, tables.hcc_bytes)
    for interaction in tables.interactions:
        if not interaction.coefficient.any():
            continue
        hit = _hits(interaction, some, scores.flags, who)
        total[hit] += interaction.coefficient[where[hit]]
    if len(tables.count_variable):
        count = count_of(tables, some)
        total += tables.count_coefficient[where, count] * (count >= 0)
    raw[rows] += total
    return raw, placed


def count_of(tables: ScoreTables, bits: Bits) -> NDArray[np.int64]:
    """Position of the payment-HCC count variable of each row, -1 for none."""
    count = sum(
        (np.bitwise_count(bits[:, word]).astype(np.int64) for word in range(bits.shape[1])),
        start=np.zeros(len(bits), dtype=np.int64),
    )
    top = int(bits.shape[1]) * 64
    table = np.full(top + 1, -1, dtype=np.int64)
    for position, (low, high) in enumerate(tables.count_bounds):
        table[low : min(int(high), top) + 1] = position
    places: NDArray[np.int64] = table[count]
    return places


def factors(
    tables: ScoreTables,
    scores: ProfileScores,
    profile: NDArray[np.int32],
    bits: Bits,
    row_of_hcc: NDArray[np.int64],
    bit_of_hcc: NDArray[np.int64],
) -> Factors:
    """Every factor of every status row, zeros that the table lists included (SPEC R-2.25).

    ``row_of_hcc``/``bit_of_hcc``: the counted HCCs of the status rows.
    """
    order = np.argsort(scores.factor_profile, kind="stable")
    sizes = np.bincount(scores.factor_profile, minlength=len(scores.segment))
    starts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    many = sizes[profile]
    rows = [np.repeat(np.arange(len(profile)), many)]
    offset = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    index = order[np.repeat(starts[profile], many) + offset]
    variables = [scores.factor_variable[index]]
    values = [scores.factor_coefficient[index]]

    segment = scores.segment[profile]
    uses = (segment >= 0) & tables.uses_diagnoses[np.where(segment >= 0, segment, 0)]
    keep = uses[row_of_hcc]
    hcc_row, hcc_bit = row_of_hcc[keep], bit_of_hcc[keep]
    rows.append(hcc_row)
    variables.append(tables.hcc_variable[hcc_bit])
    values.append(tables.hcc_coefficient[segment[hcc_row], hcc_bit])

    paying = np.nonzero(uses & meets(bits))[0]
    some, where, who = bits[paying], segment[paying], profile[paying]
    for interaction in tables.interactions:
        hit = _hits(interaction, some, scores.flags, who) & interaction.listed[where]
        if not hit.any():
            continue
        rows.append(paying[hit])
        variables.append(np.full(int(hit.sum()), interaction.variable, dtype=np.int32))
        values.append(interaction.coefficient[where[hit]])
    if len(tables.count_variable):
        count = count_of(tables, some)
        hit = (count >= 0) & tables.count_listed[where, count]
        rows.append(paying[hit])
        variables.append(np.array(tables.count_variable, dtype=np.int32)[count[hit]])
        values.append(tables.count_coefficient[where[hit], count[hit]])
    return Factors(np.concatenate(rows), np.concatenate(variables), np.concatenate(values))
