"""Removals before hierarchies, hierarchies in both of CMS's readings, and who dropped whom (SPEC R-2.15, R-2.16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hcc import kernel
from hcc.conditions.bits import Bits, has_bit, set_bits
from hcc.kernel.arrays import NONE, WORD
from hcc.rules.condition_tables import ConditionTables, bit_mask, meets

HierarchyMode = Literal["cms_python", "cms_sas"]
HIERARCHY_MODES: tuple[HierarchyMode, ...] = ("cms_python", "cms_sas")


def after_removals(tables: ConditionTables, found: Bits) -> Bits:
    """HCCs after the rules that remove one unless another is there (V28's heart patch and its like)."""
    kept = found.copy()
    for bit, unless in tables.removals:
        word, mask = bit // WORD, np.uint64(1) << np.uint64(bit % WORD)
        there = np.flatnonzero((kept[:, word] & mask) != 0)
        alone = there[~meets(kept[there], unless)]
        kept[alone, word] &= ~mask
    return kept


def after_hierarchies(tables: ConditionTables, found: Bits, mode: HierarchyMode = "cms_python") -> Bits:
    """HCCs that count.

    ``cms_python``: every parent is tested on the set as it was. ``cms_sas``: parents act one after another, in CMS's
    order, on the set as it has become.
    """
    if mode == "cms_sas":
        running = found.copy()
        for parent in tables.parents:
            present = has_bit(running, np.arange(len(running)), np.full(len(running), parent))
            running[present] &= ~tables.children[parent]
        return running
    return kernel.drop(found, tables.drop_bytes, tables.parent_bytes)


def modes_disagree(tables: ConditionTables, found: Bits) -> NDArray[np.bool_]:
    """Rows in which CMS's Python and SAS hierarchies leave different HCCs."""
    differ = np.zeros(len(found), dtype=bool)
    suspects = np.zeros(len(found), dtype=bool)
    for parent, middle, grandchild in tables.triples:
        has = np.ones(len(found), dtype=bool)
        for word, part in enumerate(bit_mask([parent, middle, grandchild], tables.words)):
            if part:
                has &= (found[:, word] & part) == part
        suspects |= has
    rows = np.nonzero(suspects)[0]
    if len(rows):
        some = found[rows]
        python, sas = after_hierarchies(tables, some), after_hierarchies(tables, some, "cms_sas")
        differ[rows] = (python != sas).any(axis=1)
    return differ


@dataclass(frozen=True, eq=False)
class MemberHccs:
    """Every HCC of every row, ordered by row, then bit.

    ``dropped_by``: -1 when it counts, the parent's bit when a hierarchy dropped it, its own when a removal took it.
    """

    row: NDArray[np.int64]
    bit: NDArray[np.int64]
    dropped_by: NDArray[np.int16]


def member_hccs(
    tables: ConditionTables, found: Bits, kept: Bits, mode: HierarchyMode = "cms_python",
    listed: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> MemberHccs:  # fmt: skip
    """List ``found`` (before removals) with what dropped each HCC that is not in ``kept``.

    ``listed``: the rows and bits of ``found`` in order, where they are at hand: finding them again costs more than all
    the rest.

    The first parent in CMS's order that acted is named; in ``cms_sas`` a parent that was itself dropped before its turn
    does not act.
    """
    row, bit = set_bits(found) if listed is None else listed
    dropped_by = np.full(len(row), NONE, dtype=np.int16)
    gone = ~has_bit(kept, row, bit)
    remaining = after_removals(tables, found)
    removed = gone & ~has_bit(remaining, row, bit)
    dropped_by[removed] = bit[removed]
    dropped = np.nonzero(gone & ~removed)[0]
    if mode == "cms_sas":
        _name_sas_parents(tables, remaining, row, bit, dropped, dropped_by)
        return MemberHccs(row, bit, dropped_by)
    order = dropped[np.argsort(bit[dropped], kind="stable")]
    edges = np.searchsorted(bit[order], np.arange(len(tables.hccs) + 1))
    for child in range(len(tables.hccs)):
        pairs = order[edges[child] : edges[child + 1]]
        if len(pairs) == 0:
            continue
        for parent in reversed(tables.parents_of.get(child, [])):
            acted = has_bit(remaining, row[pairs], np.full(len(pairs), parent))
            dropped_by[pairs[acted]] = parent
    return MemberHccs(row, bit, dropped_by)


def _name_sas_parents(
    tables: ConditionTables,
    remaining: Bits,
    row: NDArray[np.int64],
    bit: NDArray[np.int64],
    dropped: NDArray[np.int64],
    dropped_by: NDArray[np.int16],
) -> None:
    running = remaining.copy()
    for parent in tables.parents:
        present = has_bit(running, np.arange(len(running)), np.full(len(running), parent))
        child_of = np.array([parent in tables.parents_of.get(b, []) for b in range(len(tables.hccs))])
        acts = present[row[dropped]] & child_of[bit[dropped]] & (dropped_by[dropped] == NONE)
        dropped_by[dropped[acts]] = parent
        running[present] &= ~tables.children[parent]
