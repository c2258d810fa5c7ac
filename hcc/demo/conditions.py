"""What the members have: conditions drawn one after another, so that each can depend on those before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hcc.demo.draw import Bools, Floats, Texts, choose, stream
from hcc.demo.members import People
from hcc.demo.mix import Mix

YEARS = (2, 1)  # years before the payment year: history, then the year whose diagnoses count
_AGE_ORIGIN = 72


@dataclass(frozen=True, slots=True)
class Sick:
    """Per condition: who has it, with which code, and in which of ``YEARS`` the claims are to hold it."""

    has: dict[str, Bools]
    code: dict[str, Texts]
    recorded: dict[str, dict[int, Bools]]
    burden: Floats  # chronic conditions per member


def _log_odds(condition: dict[str, Any], who: People, has: dict[str, Bools]) -> Floats:
    odds = condition.get("age", 0.0) * (who.age - _AGE_ORIGIN) + condition.get("frailty", 0.7) * who.frailty
    odds = odds + condition.get("dual", 0.2) * who.dual
    for sex, change in condition.get("sex", {}).items():
        odds = odds + change * (who.female == (sex == "F"))
    for other, change in condition.get("after", {}).items():
        odds = odds + change * has[other]
    return np.asarray(odds, dtype=np.float64)


def _chances(odds: Floats, eligible: Bools, prevalence: float) -> Floats:
    """Chances whose mean among the eligible is ``prevalence``: the intercept by bisection."""
    if not eligible.any():
        return np.zeros(len(odds))
    low, high = -30.0, 30.0
    for _ in range(50):
        middle = (low + high) / 2
        mean = float((1 / (1 + np.exp(-(odds[eligible] + middle)))).mean())
        low, high = (middle, high) if mean < prevalence else (low, middle)
    return np.asarray(np.where(eligible, 1 / (1 + np.exp(-(odds + low))), 0.0))


def conditions(mix: Mix, who: People, healthy: Bools, seed: int) -> Sick:
    """Conditions of all members; the ``healthy`` (those kept for stories) get none."""
    rng, size = stream(seed, "conditions"), len(who)
    has: dict[str, Bools] = {}
    code: dict[str, Texts] = {}
    recorded: dict[str, dict[int, Bools]] = {}
    burden = np.zeros(size)
    for condition in mix.conditions:
        name = condition["name"]
        eligible = ~healthy
        if "only" in condition:
            eligible &= who.female == (condition["only"] == "F")
        for other in condition.get("among", ()):
            eligible &= has[other]
        chances = _chances(_log_odds(condition, who, has), eligible, condition["prevalence"]["value"])
        code[name] = choose(rng, condition["codes"], size)
        if condition.get("events"):
            recorded[name] = {year: rng.random(size) < chances for year in YEARS}
            has[name] = recorded[name][1] | recorded[name][2]
        else:
            has[name] = rng.random(size) < chances
            share = condition.get("recorded", 0.85)
            recorded[name] = {year: has[name] & (rng.random(size) < share) for year in YEARS}
            burden += has[name]
    return Sick(has, code, recorded, burden)
