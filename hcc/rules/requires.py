"""The small language of ``requires`` columns: which members a segment, a variable or a programme is for.

A conjunction of terms joined by ``&``: ``[!]name``, ``name=a|b``, ``name<n``, ``name<=n``, ``name>n``, ``name>=n``.
Empty holds always. Example: ``dual=full&age>=65&!new_enrollee``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FLAGS = ("medicaid", "ltimcaid", "nemcaid", "lti", "csnp", "lis", "new_enrollee")
NUMBERS = ("age", "graft_month")
CHOICES: dict[str, tuple[str, ...]] = {
    "sex": ("F", "M"),
    "orec": ("0", "1", "2", "3"),
    "dual": ("none", "partial", "full"),
    "esrd": ("none", "dialysis", "transplant", "graft"),
    "program": ("MA", "PACE", "none"),
    "part_d_plan": ("none", "MA-PD", "PDP"),
}
NAMES = (*FLAGS, *NUMBERS, *CHOICES)

_TERM = re.compile(r"^(?P<negated>!?)(?P<name>[a-z_]+)(?:(?P<op><=|>=|=|<|>)(?P<value>[A-Za-z0-9|_\-]+))?$")
Facts = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a ``requires``."""

    name: str
    op: str = ""
    values: tuple[str, ...] = ()
    negated: bool = False

    def holds(self, facts: Facts) -> NDArray[np.bool_]:
        fact = facts[self.name]
        if self.op == "":
            held = fact.astype(bool)
        elif self.name in CHOICES:
            held = np.isin(fact, [CHOICES[self.name].index(value) for value in self.values])
        elif self.op == "=":
            held = np.isin(fact, [int(value) for value in self.values])
        else:
            bound = int(self.values[0])
            held = {"<": fact < bound, "<=": fact <= bound, ">": fact > bound, ">=": fact >= bound}[self.op]
        return ~held if self.negated else held


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Term, ...]:
    """Terms of a ``requires`` text; ValueError says what is wrong with it."""
    terms = []
    for part in filter(None, (piece.strip() for piece in text.split("&"))):
        match = _TERM.match(part)
        if match is None:
            raise ValueError(f"{part!r} is no term; write name, !name, name=a|b or name>=n")
        name, op = match["name"], match["op"] or ""
        values = tuple((match["value"] or "").split("|")) if op else ()
        if name not in NAMES:
            raise ValueError(f"{name!r} is not a known name; known: {', '.join(NAMES)}")
        if (name in FLAGS) != (op == ""):
            raise ValueError(f"{part!r}: flags stand alone, other names need a comparison")
        if name in CHOICES:
            unknown = [value for value in values if value not in CHOICES[name]]
            if unknown or op != "=":
                raise ValueError(f"{part!r}: {name} is one of {'|'.join(CHOICES[name])}")
        if name in NUMBERS and not all(value.isdigit() for value in values):
            raise ValueError(f"{part!r}: {name} is compared with whole numbers")
        terms.append(Term(name, op, values, match["negated"] == "!"))
    return tuple(terms)


def holds(text: str, facts: Facts) -> NDArray[np.bool_]:
    """Boolean per row of ``facts`` (arrays of equal length; choices as positions in CHOICES)."""
    size = len(next(iter(facts.values())))
    held: NDArray[np.bool_] = np.ones(size, dtype=bool)
    for term in parse(text):
        held &= term.holds(facts)
    return held
