"""Laws that hold for every population, whatever the rules say."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hcc
from tests.golden.engine import CLAIM_SCHEMA, MEMBER_SCHEMA, Answer, ask, frame, rows_of
from tests.properties.compare import decision_differences, payment_differences
from tests.properties.populations import MODELS_OF, Population, population
from tests.reference.conditions import after_hierarchy, after_removals
from tests.reference.tables import published

SEEDS = st.integers(0, 2**32 - 1)
YEARS = st.sampled_from(sorted(MODELS_OF))
RESULTS = ("scores", "member_scores", "member_hccs", "factors", "diagnoses")


def tables(run: Any) -> dict[str, list[tuple[Any, ...]]]:
    """The result tables that matter as sorted rows, without the run's own id."""
    found = {}
    for name in RESULTS:
        rows = rows_of(getattr(run, name))
        found[name] = sorted(tuple(str(value) for column, value in row.items() if column != "run_id") for row in rows)
    return found


def scored(people: Population, **options: Any) -> Answer:
    return ask(people.members, people.claims, people.payment_year, **options)


@given(seed=SEEDS, year=YEARS)
def test_engine_equals_reference(seed: int, year: int) -> None:
    """Decisions, HCC lists, factors, raw, payment and blended scores of a mixed population."""
    rnd = Random(seed)
    run = rnd.choice(("final", "final", "midyear", "initial"))
    audio_only = rnd.choice(("exclude", "cms_filter_pre2027"))
    mode = rnd.choice(("cms_python", "cms_sas"))
    people = population(rnd, 250, year, run)
    found = scored(people, run=run, audio_only=audio_only, hierarchy_mode=mode)
    faults, decisions = decision_differences(people, found, run, audio_only)
    faults += payment_differences(people, found, decisions, mode)
    assert not faults, f"{len(faults)} differences (year {year}, run {run}, seed {seed}):\n" + "\n".join(faults[:8])


@given(rnd=st.randoms(use_true_random=False), year=YEARS)
def test_engine_equals_reference_for_one_member(rnd: Random, year: int) -> None:
    """The same, for populations that hypothesis can shrink to a single row."""
    people = population(rnd, rnd.randint(1, 3), year, most=3)
    found = scored(people)
    faults, decisions = decision_differences(people, found, "final", "exclude")
    faults += payment_differences(people, found, decisions)
    assert not faults, "\n".join(faults[:8])


@given(seed=SEEDS, year=YEARS)
def test_row_order_does_not_matter(seed: int, year: int) -> None:
    rnd = Random(seed)
    people = population(rnd, 60, year)
    expected = tables(scored(people).run)
    rnd.shuffle(people.members)
    rnd.shuffle(people.claims)
    assert tables(scored(people).run) == expected


@given(seed=SEEDS, year=YEARS)
def test_duplicated_lines_do_not_matter(seed: int, year: int) -> None:
    rnd = Random(seed)
    people = population(rnd, 60, year)
    expected = tables(scored(people).run)
    people.claims += [row for row in people.claims if rnd.random() < 0.5]
    assert tables(scored(people).run) == expected


@given(seed=SEEDS, year=YEARS)
def test_a_population_is_the_sum_of_its_parts(seed: int, year: int) -> None:
    rnd = Random(seed)
    people = population(rnd, 60, year)
    whole = tables(scored(people).run)
    left = {row["member_id"] for row in people.members if rnd.random() < 0.5}
    parts = []
    for side in (True, False):
        members = [row for row in people.members if (row["member_id"] in left) == side]
        claims = [row for row in people.claims if (row["member_id"] in left) == side]
        parts.append(tables(ask(members, claims, year).run) if members else {name: [] for name in RESULTS})
    for name in RESULTS:
        assert sorted(parts[0][name] + parts[1][name]) == whole[name], name


@given(seed=SEEDS, year=YEARS)
def test_factors_sum_to_the_raw_score(seed: int, year: int) -> None:
    found = scored(population(Random(seed), 150, year))
    assert found.scored
    for key, one in found.scored.items():
        if one.raw is not None:
            assert sum(one.factors.values(), Decimal(0)) == one.raw, key


@given(seed=SEEDS, year=YEARS)
def test_every_variable_is_in_a_table(seed: int, year: int) -> None:
    """No factor comes from nowhere, and its value is the table's."""
    found = scored(population(Random(seed), 150, year))
    for (_, model, calibration), one in found.scored.items():
        published_tables = published(model, year, calibration)
        known = {
            **published_tables.coefficients.get(one.segment, {}),
            **published_tables.graft_duration,
            **{f"TRANSPLANT_MONTH_{month}": value for month, value in published_tables.transplant.items()},
        }
        for variable, value in one.factors.items():
            if variable != "ACTUARIAL_ADJUSTMENT":
                assert known[variable] == value, (model, one.segment, variable)


@given(seed=SEEDS, year=YEARS)
def test_diagnoses_may_come_in_any_layout(seed: int, year: int) -> None:
    """A list, columns diagnosis_1 to diagnosis_25, or a table of their own."""
    people = population(Random(seed), 60, year)
    expected = tables(scored(people).run)
    members = frame(people.members, MEMBER_SCHEMA)
    claims = frame(people.claims, CLAIM_SCHEMA)
    rest = claims.drop("diagnosis_codes")
    wide = [pl.col("diagnosis_codes").list.get(i, null_on_oob=True).alias(f"diagnosis_{i + 1}") for i in range(5)]
    columns = hcc.score(members=members, claims=claims.with_columns(wide).drop("diagnosis_codes"), payment_year=year)
    assert tables(columns) == expected
    own = claims.select("claim_id", diagnosis_code="diagnosis_codes").explode("diagnosis_code").unique()
    if not any(record_shares_claim_id(people)):
        separate = hcc.score(members=members, claims=rest, claim_diagnoses=own, payment_year=year)
        assert tables(separate) == expected


def record_shares_claim_id(people: Population) -> list[bool]:
    """Claim ids used by records with different diagnoses, which a table by claim id cannot tell apart."""
    seen: dict[str, list[str]] = {}
    return [seen.setdefault(row["claim_id"], row["diagnosis_codes"]) != row["diagnosis_codes"] for row in people.claims]


@given(seed=SEEDS, year=YEARS)
def test_scoring_twice_gives_the_same(seed: int, year: int) -> None:
    people = population(Random(seed), 40, year)
    assert tables(scored(people).run) == tables(scored(people).run)


@given(seed=SEEDS, year=YEARS)
def test_hierarchy_twice_is_hierarchy_once(seed: int, year: int) -> None:
    """What is left of a member's HCCs loses nothing more, in the engine and by the tables."""
    people = population(Random(seed), 150, year)
    found = scored(people, hierarchy_mode="cms_sas")
    for (_, model, calibration), one in found.scored.items():
        rules = published(model, year, calibration)
        left = set(one.hccs)
        for mode in ("cms_python", "cms_sas"):
            assert after_hierarchy(left, rules, mode) == left
        assert after_removals(left, rules) == left


@cache
def dropped_pairs(model: str, year: int, calibration: str) -> frozenset[tuple[str, str]]:
    rules = published(model, year, calibration)
    return frozenset((parent, child) for parent, child in rules.hierarchy) | {(hcc, hcc) for hcc, _ in rules.removals}


@given(seed=SEEDS, year=YEARS)
def test_whoever_drops_an_hcc_stands_above_it(seed: int, year: int) -> None:
    run = scored(population(Random(seed), 150, year)).run
    for row in rows_of(run.member_hccs):
        if row["dropped_by_hcc"] is not None:
            pair = (row["dropped_by_hcc"], row["hcc"])
            assert pair in dropped_pairs(row["model"], year, row["calibration"] or ""), row


@pytest.mark.parametrize("year", sorted(MODELS_OF))
def test_an_empty_population_is_no_error(year: int) -> None:
    found = ask([], [], year)
    assert not found.scored
    assert not found.risk_score
