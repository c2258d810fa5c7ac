"""Fills and results of a generated population: most belong to what a member has, a few to nothing that is coded.

Drugs and tests are those of the demo's mix, which says for which condition a drug is taken and where a test's values
lie with a condition and without. Random drugs for everybody would give each member two dozen suspected conditions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.codes import TABLE, Codes, lookup
from benchmarks.settings import settings
from benchmarks.tables import People, Plan
from hcc.demo.mix import load_mix

_MOST_CONDITIONS = 16


@dataclass(frozen=True, slots=True)
class Evidence:
    """What evidence needs of the codes: ``condition``: its place by code (0: none of the mix's), ``drugs``: a lookup
    table of drugs by place; by test, (place of a condition or of one of its codes, mean, spread), the last everyone's."""

    condition: NDArray[np.uint8]
    drugs: NDArray[np.int32]
    groups: list[list[tuple[NDArray[np.uint8], float, float]]]


def load_evidence(codes: Codes) -> Evidence:
    """The mix's drugs and tests for these codes."""
    mix = load_mix()
    named = {condition["name"]: place for place, condition in enumerate(mix.conditions, start=1)}
    of_code = {code: named[one["name"]] for one in mix.conditions for code in one["codes"]}
    texts = codes.diagnoses.to_list()
    condition = np.array([of_code.get(code, 0) for code in texts], dtype=np.uint8)
    common = {condition["name"]: condition["prevalence"]["value"] for condition in mix.conditions}
    usual = np.array(
        [
            drug.get("assumed", False) * sum(common.get(n, 0.0) * share for n, share in drug["for"].items())
            for drug in mix.drugs
        ]
    )
    tables = [lookup(usual, 0)]
    for name in named:
        weights = np.array([drug["for"].get(name, 0.0) for drug in mix.drugs])
        tables.append(lookup(weights if weights.any() else usual, 0))
    groups = []
    for test in mix.results:
        places = []
        for group, (_, mean, spread) in test["groups"].items():
            name, _, code = group.partition(":")
            belongs = np.array([(code or text) == text for text in texts]) & (condition == named.get(name, 255))
            places.append((belongs.astype(np.uint8), float(mean), float(spread)))
        everyone = test["groups"].get("everyone")
        if everyone is None:  # asked for only where there is reason to: a value well below
            lowest = min(places, key=lambda place: place[1])
            places.append((lowest[0], lowest[1] / 3, lowest[2] / 3))
        groups.append(places)
    return Evidence(condition, np.concatenate(tables), groups)


def _one_condition(
    plan: Plan, people: People, codes: Codes, member: NDArray[Any], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The code of one of each member's conditions, -1 for those who have none."""
    size = people.conditions[member].astype(np.int64)
    which = (rng.random(len(member), dtype=np.float32) * size).astype(np.int64)
    code = people.condition_codes(member.astype(np.int64), which, codes, plan.seed).astype(np.int64)
    return np.where(size > 0, code, -1)


def fills_table(
    plan: Plan,
    people: People,
    codes: Codes,
    known: Evidence,
    rng: np.random.Generator,
    start: np.datetime64,
    count: int,
) -> pl.DataFrame:
    """Canonical ``pharmacy``: fills of a month. A share of ``stray`` is of any drug, whatever the member has."""
    drugs = load_mix().drugs
    member = rng.integers(0, plan.members, count)
    code = _one_condition(plan, people, codes, member, rng)
    place = np.where(code >= 0, known.condition[code], 0).astype(np.int64)
    which = known.drugs[place * TABLE + rng.integers(0, TABLE, count)]
    stray = rng.random(count, dtype=np.float32) < settings()["shape"]["stray"]
    which[stray] = rng.integers(0, len(drugs), int(stray.sum()))
    return pl.DataFrame(
        {
            "member_id": people.ids.gather(member),
            "fill_date": pl.Series(start + rng.integers(0, 28, count).astype("timedelta64[D]"), dtype=pl.Date),
            "ndc": pl.Series([drug.get("ndc") for drug in drugs], dtype=pl.String).gather(which),
            "drug_name": pl.Series([drug.get("name") for drug in drugs], dtype=pl.String).gather(which),
            "days_supply": pl.Series([drug["days"] for drug in drugs]).gather(which),
        }
    )


def results_table(
    plan: Plan,
    people: People,
    codes: Codes,
    known: Evidence,
    rng: np.random.Generator,
    start: np.datetime64,
    count: int,
) -> pl.DataFrame:
    """Canonical ``observations``: results of a month, where they lie for what the member has."""
    tests = load_mix().results
    which = rng.integers(0, len(tests), count)
    member = rng.integers(0, plan.members, count)
    values = pl.repeat(None, count, dtype=pl.String, eager=True)
    for test, groups in enumerate(known.groups):
        rows = np.flatnonzero(which == test)
        drawn = rng.standard_normal(len(rows))
        *conditions, (_, mean, spread) = groups
        level = mean + spread * drawn
        for belongs, its_mean, its_spread in conditions:
            has = _has(plan, people, codes, member[rows], belongs)
            level = np.where(has, its_mean + its_spread * drawn, level)
        low, high, decimals = (tests[test][name] for name in ("low", "high", "decimals"))
        steps = np.arange(round(low * 10**decimals), round(high * 10**decimals) + 1)
        texts = pl.Series([f"{step / 10**decimals:.{decimals}f}" for step in steps])
        step = np.clip(np.round(level * 10**decimals).astype(np.int64) - steps[0], 0, len(steps) - 1)
        values = values.scatter(rows, texts.gather(step))
    return pl.DataFrame(
        {
            "member_id": people.ids.gather(member),
            "observation_date": pl.Series(start + rng.integers(0, 28, count).astype("timedelta64[D]"), dtype=pl.Date),
            "loinc": pl.Series([test["loinc"] for test in tests]).gather(which),
            "value": values,
            "unit": pl.Series([test["unit"] for test in tests]).gather(which),
        }
    )


def _has(
    plan: Plan, people: People, codes: Codes, member: NDArray[Any], belongs: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Whether each member has a condition with one of the codes."""
    found = np.zeros(len(member), dtype=bool)
    size = people.conditions[member]
    for which in range(_MOST_CONDITIONS):
        has = np.flatnonzero(size > which)
        if len(has) == 0:
            break
        code = people.condition_codes(member[has].astype(np.int64), np.int64(which), codes, plan.seed)
        found[has] |= belongs[code] > 0
    return found
