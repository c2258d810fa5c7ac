"""One law of mappings/ that takes members to prove: every segment gives exactly one demographic cell.

The grid is every combination of what the tables ask about. Ages and months are compared with whole numbers only, so
the ages 0–110 and the months 0–120 fall into classes that no table can tell apart; the first of each stands for all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hcc.rules.releases.found import Table, name_of
from hcc.rules.requires import CHOICES, FLAGS, NUMBERS, Facts, Term, holds, parse

_HIGHEST = {"age": 110, "graft_month": 120}


def grid(texts: list[str]) -> Facts:
    """All members that the ``requires`` texts can tell apart, as arrays of equal length (one value where unasked)."""
    terms = [term for text in texts for term in parse(text)]
    asked = {term.name for term in terms}
    axes: dict[str, list[int]] = {}
    for name in (*FLAGS, *NUMBERS, *CHOICES):
        if name not in asked:
            axes[name] = [0]
        elif name in FLAGS:
            axes[name] = [0, 1]
        elif name in CHOICES:
            axes[name] = list(range(len(CHOICES[name])))
        else:
            starts = {0} | {start for term in terms if term.name == name for start in _class_starts(term)}
            axes[name] = sorted(number for number in starts if number <= _HIGHEST[name])
    spread = np.meshgrid(*(np.array(values, dtype=np.int64) for values in axes.values()), indexing="ij")
    return {name: values.ravel() for name, values in zip(axes, spread, strict=True)}


def _class_starts(term: Term) -> set[int]:
    """Where a term changes its mind: ``<n`` and ``>=n`` at n, ``<=n`` and ``>n`` at n + 1, ``=n`` at both."""
    bounds = {int(value) for value in term.values}
    at = bounds if term.op in ("<", ">=", "=") else set()
    return at | ({bound + 1 for bound in bounds} if term.op in ("<=", ">", "=") else set())


def describe(facts: Facts, position: int, asked: set[str]) -> str:
    """One member of the grid in words, such as ``age 64, sex F, orec 0``."""
    said = []
    for name in (*NUMBERS, *CHOICES, *FLAGS):
        if name in asked:
            value = int(facts[name][position])
            said.append(f"{name} {CHOICES[name][value] if name in CHOICES else value}")
    return ", ".join(said)


def member_faults(tables: dict[str, Table], applies_to: str = "") -> list[str]:
    """Faults of segments.csv and demographics.csv over the whole grid.

    Everybody for whom ``applies_to`` holds has a segment (in some month since the transplant at least). A segment gives
    exactly one ``cell``, or exactly one ``flat`` variable and no cell, and at most one ``divisor``. Raises ValueError
    where a ``requires`` cannot be read.
    """
    segments = tables["segments.csv"].records()
    rows = [row for row in tables["demographics.csv"].records() if row["kind"] in ("cell", "flat", "divisor")]
    texts = [applies_to, *(row["requires"] for row in (*segments, *rows))]
    facts = grid(texts)
    asked = {term.name for text in texts for term in parse(text)}
    size = len(facts["age"])
    names = [row["segment"] for row in segments]
    segment = np.full(size, -1, dtype=np.int16)
    for position, row in enumerate(segments):
        segment[(segment < 0) & holds(row["requires"], facts)] = position
    faults = []
    alone = holds(applies_to, facts) & ~_in_some_month(segment >= 0, facts)
    if alone.any():
        first = int(np.flatnonzero(alone)[0])
        faults.append(
            f"segments.csv: {int(alone.sum())} kinds of member have no segment, such as {describe(facts, first, asked)}"
        )
    priced: dict[str, set[str]] = {}
    for file, table in tables.items():
        if name_of(file) == "coefficients":
            for record in table.records():
                priced.setdefault(record["variable"], set()).add(record["segment"])
    hits: dict[str, NDArray[np.int16]] = {kind: np.zeros(size, dtype=np.int16) for kind in ("cell", "flat", "divisor")}
    by_variable: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for row in rows:
        only = set(filter(None, row["segments"].split("|"))) or priced.get(row["variable"], set())
        inside = np.isin(segment, [position for position, name in enumerate(names) if name in only])
        held = holds(row["requires"], facts) & inside
        key = (row["kind"], row["variable"])
        by_variable[key] = by_variable[key] | held if key in by_variable else held
    for (kind, _), held in by_variable.items():
        hits[kind] += held
    if not priced:
        return faults  # no coefficients in this folder: nothing can be said about cells
    for position, name in enumerate(names):
        here = segment == position
        if not here.any():
            faults.append(f"segments.csv: nobody can be in segment {name}")
            continue
        one = hits["cell"] + hits["flat"]
        for words, wrong in (
            ("no cell", here & (one == 0)),
            ("more than one cell", here & (one > 1)),
            ("more than one divisor", here & (hits["divisor"] > 1)),
        ):
            if wrong.any():
                first = int(np.flatnonzero(wrong)[0])
                faults.append(
                    f"segment {name}: {words} for {int(wrong.sum())} kinds of member, "
                    f"such as {describe(facts, first, asked)}"
                )
    never = [variable for (kind, variable), held in by_variable.items() if not held.any()]
    return faults + [f"demographics.csv: {variable} can never hold" for variable in sorted(never)]


def _in_some_month(held: NDArray[np.bool_], facts: Facts) -> NDArray[np.bool_]:
    """Whether it holds for the same member in some month since the transplant."""
    shape = [len(np.unique(values)) for values in facts.values()]
    axis = list(facts).index("graft_month")
    return np.broadcast_to(held.reshape(shape).any(axis=axis, keepdims=True), shape).ravel()
