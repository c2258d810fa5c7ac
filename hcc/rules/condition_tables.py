"""Diagnosis-to-HCC mapping, edits, removals and hierarchies of one rule set as small integer tables.

A code leads to some *slots*; a slot is an HCC, or an HCC that depends on age and sex. Age and sex matter only
through a few *edit classes*, so ``slots.bit[edit class, slot]`` says which HCC bit (or none) a diagnosis gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.kernel.arrays import NONE, WORD, Slots
from hcc.rules.ruleset import RuleSet

MAX_AGE = 127
EDIT_KINDS = ("", "AGE_EDIT", "SEX_EDIT", "MCE_EDIT")
_KIND = {"age": 1, "sex": 2, "mce_age": 3}
_SEXES = ("F", "M")


def bit_mask(bits: list[int], words: int) -> NDArray[np.uint64]:
    """One row of words with the given bits set."""
    mask = np.zeros(words, dtype=np.uint64)
    for bit in bits:
        mask[bit // WORD] |= np.uint64(1) << np.uint64(bit % WORD)
    return mask


def meets(bits: NDArray[np.uint64], mask: NDArray[np.uint64] | None = None) -> NDArray[np.bool_]:
    """Whether each row has a bit of ``mask``; without one, any bit. Word by word: numpy is slow along a short axis."""
    found = np.zeros(len(bits), dtype=bool)
    for word in range(bits.shape[1]):
        if mask is None:
            found |= bits[:, word] != 0
        elif mask[word]:
            found |= (bits[:, word] & mask[word]) != 0
    return found


@dataclass(frozen=True, eq=False)
class ConditionTables:
    """Integer tables of one rule set for a run's list of codes (``code_id`` = position in that list)."""

    hccs: list[str]
    words: int
    slots: Slots  # kind: position in EDIT_KINDS
    class_of: NDArray[np.int16]  # [2 sexes, ages 0..MAX_AGE]
    children: NDArray[np.uint64]  # [hccs, words]
    parents: list[int]  # bits of parents in CMS's order
    parents_of: dict[int, list[int]]  # child bit -> parent bits in CMS's order
    removals: list[tuple[int, NDArray[np.uint64]]]  # bit, unless mask
    triples: list[tuple[int, int, int]]  # parent, middle, grandchild: where CMS's two hierarchies differ
    drop_bytes: NDArray[np.uint64] = field(repr=False)  # [bytes, 256, words]: children of the parents in a byte
    parent_bytes: NDArray[np.uint8] = field(repr=False)  # [bytes]: the parents' bits


def condition_tables(rules: RuleSet, codes: Sequence[str]) -> ConditionTables:
    """Build the tables for ``codes`` (sorted, without dots); a code that the model does not map gets no slot."""
    tables, slots = _tables_and_slots(rules)
    slot_of_code = np.full((len(tables.slots.of_code), max(len(codes), 1)), NONE, dtype=np.int16)
    for i, code in enumerate(codes):
        for k, slot in enumerate(slots.get(code, ())):
            slot_of_code[k, i] = slot
    return replace(tables, slots=replace(tables.slots, of_code=slot_of_code))


@lru_cache(maxsize=64)
def _tables_and_slots(rules: RuleSet) -> tuple[ConditionTables, Mapping[str, Sequence[int]]]:
    """What does not depend on a run's list of codes, once per rule set: the tables without codes, and the slots of
    every code that the model maps. Nobody writes into the arrays, so runs may share them."""
    hccs = rules.hcc_list
    bit_of = {hcc: bit for bit, hcc in enumerate(hccs)}
    words = -(-len(hccs) // WORD)
    mapped: dict[str, list[int]] = {}
    for code, hcc in rules.diagnosis_to_hcc.select("diagnosis_code", "hcc").iter_rows():
        mapped.setdefault(code, []).append(bit_of[hcc])
    width = max((len(bits) for bits in mapped.values()), default=1)

    outcomes, kinds, slots = _edit_outcomes(rules, mapped, bit_of, width)
    classes, class_of = np.unique(np.hstack([outcomes, kinds]), axis=0, return_inverse=True)
    edited = outcomes.shape[1]
    plain = np.tile(np.arange(len(hccs)), (len(classes), 1))
    children = np.zeros((len(hccs), words), dtype=np.uint64)
    parents_of: dict[int, list[int]] = {}
    parents: list[int] = []
    edges = rules.hierarchies.sort(pl.col("position").cast(pl.Int32)).select("hcc", "drops_hcc")
    for parent, child in ((bit_of[p], bit_of[c]) for p, c in edges.iter_rows()):
        children[parent] |= bit_mask([child], words)
        parents_of.setdefault(child, []).append(parent)
        if parent not in parents:
            parents.append(parent)
    removals = [
        (bit_of[hcc], bit_mask([bit_of[other] for other in unless.split("|") if other], words))
        for hcc, unless in rules.tables["removals"].select("drops_hcc", "unless_any_of").iter_rows()
    ]
    tables = ConditionTables(
        hccs=hccs,
        words=words,
        slots=Slots(
            of_code=np.full((width, 1), NONE, dtype=np.int16),
            bit=np.hstack([plain, classes[:, :edited]]).astype(np.int16),
            kind=np.hstack([np.zeros_like(plain), classes[:, edited:]]).astype(np.int8),
        ),
        class_of=class_of.reshape(len(_SEXES), MAX_AGE + 1).astype(np.int16),
        children=children,
        parents=parents,
        parents_of=parents_of,
        removals=removals,
        triples=_triples(parents_of),
        drop_bytes=_drop_bytes(children, words),
        parent_bytes=bit_mask(parents, words).view(np.uint8),
    )
    return tables, {**mapped, **slots}


def _edit_outcomes(
    rules: RuleSet, mapped: dict[str, list[int]], bit_of: dict[str, int], width: int
) -> tuple[NDArray[np.int16], NDArray[np.int16], dict[str, list[int]]]:
    """For every person type (sex × age) the bit of each edit slot and what decided; and the slots of edited codes.

    Mandatory age and sex rows first (an override replaces every HCC of the diagnosis), the Medicare Code Editor's age
    rows last and always invalid (SPEC R-2.13; cms/README, Edits).
    """
    ages = np.arange(MAX_AGE + 1)
    size = len(_SEXES) * (MAX_AGE + 1)
    sex = np.repeat(_SEXES, MAX_AGE + 1)
    age = np.tile(ages, len(_SEXES))
    by_code: dict[str, list[tuple[str, ...]]] = {}
    for row in rules.diagnosis_edits.select(
        "diagnosis_code", "kind", "sex", "age_from", "age_to", "action", "hcc"
    ).iter_rows():
        by_code.setdefault(row[0], []).append(row[1:])
    columns: dict[bytes, int] = {}
    outcomes: list[NDArray[np.int16]] = []
    kinds: list[NDArray[np.int16]] = []
    slots: dict[str, list[int]] = {}
    for code, edits in by_code.items():
        if code not in mapped:
            continue
        bits = np.full((width, size), NONE, dtype=np.int16)
        for k, bit in enumerate(mapped[code]):
            bits[k] = bit
        kind = np.zeros(size, dtype=np.int16)
        for edit in sorted(edits, key=lambda e: e[0] == "mce_age"):
            what, only_sex, age_from, age_to, action, hcc = edit
            hit = (age >= int(age_from or 0)) & (age <= int(age_to or MAX_AGE))
            if only_sex:
                hit &= sex == only_sex
            if what != "mce_age":
                hit &= kind == 0  # one matching row decides
            bits[:, hit] = NONE
            if action == "override":
                bits[0, hit] = bit_of[hcc]
            kind[hit] = _KIND[what]
        slots[code] = []
        for k in range(width):
            shown = kind if k == 0 else np.where(bits[k] == NONE, kind, 0).astype(np.int16)
            if k and (bits[k] == NONE).all():
                continue
            key = bits[k].tobytes() + shown.tobytes()
            if key not in columns:
                columns[key] = len(outcomes)
                outcomes.append(bits[k].copy())
                kinds.append(shown.copy())
            slots[code].append(len(bit_of) + columns[key])
    empty = np.zeros((size, 0), dtype=np.int16)
    return (
        np.stack(outcomes, axis=1) if outcomes else empty,
        np.stack(kinds, axis=1) if kinds else empty,
        slots,
    )


def _triples(parents_of: dict[int, list[int]]) -> list[tuple[int, int, int]]:
    """(parent, middle, grandchild) where the middle drops a grandchild that the parent does not (SPEC R-2.16)."""
    return [
        (parent, middle, grandchild)
        for grandchild, middles in parents_of.items()
        for middle in middles
        for parent in parents_of.get(middle, [])
        if parent not in middles
    ]


def _drop_bytes(children: NDArray[np.uint64], words: int) -> NDArray[np.uint64]:
    table = np.zeros((words * 8, 256, words), dtype=np.uint64)
    for bit, mask in enumerate(children):
        byte, place = divmod(bit, 8)
        having = (np.arange(256) >> place) & 1 == 1
        table[byte, having] |= mask
    return table
