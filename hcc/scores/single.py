"""One profile without arrays: its facts in plain Python, and whether it meets a ``requires``.

Numpy on arrays of one costs a hundred times what the same words cost in Python; a model has some two hundred of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hcc.rules.condition_tables import MAX_AGE
from hcc.rules.requires import CHOICES, FLAGS, Term, holds, parse
from hcc.rules.score_tables import Demographic, ScoreTables
from hcc.scores.profiles import DUAL_CLASSES, FACT_SIZES, MAX_GRAFT_MONTH, NEW_ENROLLEE_MONTHS, Profiles

_GRAFT = "graft"
_TRANSPLANT = "transplant_"
_TRANSPLANT_MONTHS = range(1, 4)  # RULINGS 4


def single_profile(member: Mapping[str, Any], payment_year: int) -> Profiles:
    """The profile of one member, given as canonical values of the members table (words, True/False, numbers, dates;
    None where ``hcc.scores.facts`` takes null). It equals what ``profiles`` makes of the member's row."""
    born: date = member["birth_date"]
    months = (payment_year - born.year) * 12 + (2 - born.month) - (born.day > 1)
    esrd, month = _esrd(member["esrd_status"] or "", member["graft_months"])
    facts = {
        "age": min(max(months // 12, 0), MAX_AGE),
        "graft_month": month,
        **{name: _choice(member[name], name) for name in ("sex", "orec", "program", "part_d_plan")},
        "dual": DUAL_CLASSES.get(member["dual_status"], 0),
        "esrd": CHOICES["esrd"].index(esrd),
        "medicaid": member["medicaid"],
        "ltimcaid": member["ltimcaid"],
        "nemcaid": member["nemcaid"],
        "lti": member["long_term_institutional"],
        "csnp": member["csnp"],
        "lis": member["low_income_subsidy"],
        "new_enrollee": member["part_b_months"] is not None and member["part_b_months"] < NEW_ENROLLEE_MONTHS,
    }
    facts |= {name: int(bool(facts[name])) for name in FLAGS}
    return Profiles({name: np.array([value], dtype=np.int64) for name, value in facts.items()}, 1)


def _choice(word: str | None, name: str) -> int:
    return CHOICES[name].index(word) if word in CHOICES[name] else 0


def _esrd(word: str, graft_months: int | None) -> tuple[str, int]:
    """Kind of renal disease and month since the transplant."""
    if word.startswith(_TRANSPLANT):
        said = word.removeprefix(_TRANSPLANT)
        month = int(said) if said.isdecimal() else 0
    else:
        month = min(max(graft_months or 0, 0), MAX_GRAFT_MONTH) if word == _GRAFT else 0
    if word == "dialysis":
        return "dialysis", month
    if month in _TRANSPLANT_MONTHS:
        return "transplant", month
    return (_GRAFT if word == _GRAFT or word.startswith(_TRANSPLANT) else "none"), month


def holds_for(requires: str, profiles: Profiles) -> NDArray[np.bool_]:
    """As ``hcc.rules.requires.holds``, by the shorter way where there is one profile only."""
    if profiles.count != 1:
        return holds(requires, profiles.facts)
    return np.array([single_holds(requires, plain_facts(profiles))])


def plain_facts(profiles: Profiles) -> dict[str, int]:
    """The facts of the only profile."""
    return {name: int(values[0]) for name, values in profiles.facts.items()}


def single_holds(requires: str, facts: Mapping[str, int]) -> bool:
    """As ``hcc.rules.requires.holds``, for one profile."""
    return all(facts[name] in allowed for name, allowed in _conditions(requires))


@lru_cache(maxsize=8192)
def rows_for(tables: ScoreTables, sex: int, age: int) -> tuple[Demographic, ...]:
    """Rows of demographics that age and sex do not rule out: a dozen of two hundred."""
    known = {"sex": sex, "age": age}
    return tuple(
        row
        for row in tables.demographics
        if all(known[name] in allowed for name, allowed in _conditions(row.requires) if name in known)
    )


@lru_cache(maxsize=8192)
def _conditions(requires: str) -> tuple[tuple[str, frozenset[int]], ...]:
    return tuple((term.name, _allowed(term)) for term in parse(requires))


@lru_cache(maxsize=4096)
def _allowed(term: Term) -> frozenset[int]:
    """The values of a fact with which a term holds: asked of the term itself, once."""
    every = np.arange(FACT_SIZES[term.name])
    return frozenset(every[term.holds({term.name: every})].tolist())
