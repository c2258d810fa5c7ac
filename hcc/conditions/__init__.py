"""Diagnoses to HCCs: edits, mapping, removals, hierarchies (DESIGN, room 3)."""

from hcc.conditions.bits import edit_class, has_bit, pack_bits, pair_bits, set_bits
from hcc.conditions.hierarchies import (
    HIERARCHY_MODES,
    HierarchyMode,
    MemberHccs,
    after_hierarchies,
    after_removals,
    member_hccs,
    modes_disagree,
)

__all__ = [
    "HIERARCHY_MODES",
    "HierarchyMode",
    "MemberHccs",
    "after_hierarchies",
    "after_removals",
    "edit_class",
    "has_bit",
    "member_hccs",
    "modes_disagree",
    "pack_bits",
    "pair_bits",
    "set_bits",
]
