"""Diagnosis codes to HCCs: edits, mapping, removals, hierarchy (SPEC 2.3, 2.4)."""

from __future__ import annotations

from collections.abc import Iterable

from tests.reference.tables import Published


def hccs_of_code(code: str, sex: str, age: int, tables: Published) -> frozenset[str]:
    """HCCs of one code for a person of this sex and age: the mandatory edit first, then the code editor's age test."""
    hccs = frozenset(tables.hccs_of.get(code, ()))
    if not hccs:
        return hccs
    edits = tables.edits_of.get(code, ())
    mandatory = [edit for edit in edits if edit.kind in ("age", "sex") and edit.matches(sex, age)]
    if mandatory:
        first = mandatory[0]
        hccs = frozenset({first.hcc}) if first.action == "override" else frozenset()
    if any(edit.kind == "mce_age" and edit.matches(sex, age) for edit in edits):
        return frozenset()
    return hccs


def mapped(codes: Iterable[str], sex: str, age: int, tables: Published) -> set[str]:
    """All HCCs of a member's codes, before removals and hierarchy."""
    found: set[str] = set()
    for code in codes:
        found |= hccs_of_code(code, sex, age, tables)
    return found


def after_removals(hccs: set[str], tables: Published) -> set[str]:
    """The heart patch and its like: an HCC goes unless one of the others is there (R-2.15)."""
    kept = set(hccs)
    for hcc, unless in tables.removals:
        if hcc in hccs and not any(other in hccs for other in unless):
            kept.discard(hcc)
    return kept


def after_hierarchy(hccs: set[str], tables: Published, mode: str = "cms_python") -> set[str]:
    """What the hierarchy leaves: parents tested on the set as it was (Python) or as it is by now (SAS), R-2.16."""
    kept = set(hccs)
    for parent, child in tables.hierarchy:
        tested = hccs if mode == "cms_python" else kept
        if parent in tested:
            kept.discard(child)
    return kept


def member_hccs(codes: Iterable[str], sex: str, age: int, tables: Published, mode: str = "cms_python") -> set[str]:
    """HCCs that count for one member."""
    return after_hierarchy(after_removals(mapped(codes, sex, age, tables), tables), tables, mode)
