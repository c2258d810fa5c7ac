"""Laws that hold for every population, whatever the rules say.

A population is made from a seed, and the seed chooses the payment year and the options of its run; the laws that look
at one run share it. The quick profile takes the first seeds only, the thorough one any.
"""

from __future__ import annotations

import tempfile
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hcc
from hcc.diagnoses import shards
from hcc.pipeline import memory
from hcc.tables import RESULT_TABLES
from tests.golden.engine import CLAIM_SCHEMA, MEMBER_SCHEMA, Answer, ask, frame, rows_of
from tests.properties.compare import decision_differences, payment_differences
from tests.properties.populations import MODELS_OF, Population, population
from tests.reference.conditions import after_hierarchy, after_removals
from tests.reference.tables import published

YEARS = sorted(MODELS_OF)
THOROUGH = settings().max_examples > 100
SEEDS = st.integers(0, 2**32 - 1 if THOROUGH else len(YEARS) - 1)
CHANGED = SEEDS if THOROUGH else st.sampled_from((2, 3))  # these laws run the engine again, so the quick look is short
RESULTS = ("scores", "member_scores", "member_hccs", "factors", "diagnoses", "edited_diagnoses")


def year_of(seed: int) -> int:
    return YEARS[seed % len(YEARS)]


def options_of(seed: int) -> dict[str, str]:
    rnd = Random(seed)
    return {
        "run": rnd.choice(("final", "final", "midyear", "initial")),
        "audio_only": rnd.choice(("exclude", "cms_filter_pre2027")),
        "hierarchy_mode": rnd.choice(("cms_python", "cms_sas")),
    }


@lru_cache(maxsize=8)
def one_run(seed: int) -> tuple[Population, Answer]:
    """A mixed population of 250 members and its run."""
    options = options_of(seed)
    people = population(Random(seed), 250, year_of(seed), options["run"])
    return people, ask(people.members, people.claims, people.payment_year, **options)


@lru_cache(maxsize=8)
def small_run(seed: int) -> tuple[Population, dict[str, list[tuple[Any, ...]]]]:
    """A population of 60 and its result tables, to be met again after a change that must not matter."""
    people = population(Random(seed + 1), 60, year_of(seed))
    return people, tables(ask(people.members, people.claims, people.payment_year).run)


def tables(run: Any) -> dict[str, list[tuple[Any, ...]]]:
    """The result tables that matter as sorted rows, without the run's own id."""
    found = {}
    for name in RESULTS:
        rows = rows_of(getattr(run, name))
        found[name] = sorted(
            tuple(str(value) for column, value in sorted(row.items()) if column != "run_id") for row in rows
        )
    return found


@given(seed=CHANGED, bits=st.sampled_from((0, 2, 4)))
def test_shards_of_any_size_give_the_same_tables(seed: int, bits: int) -> None:
    options = options_of(seed)
    people, whole = one_run(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BITS", bits)
        run = ask(people.members, people.claims, people.payment_year, **options).run
    assert tables(run) == tables(whole.run)
    assert rows_of(run.unmapped_codes.drop("run_id")) == rows_of(whole.run.unmapped_codes.drop("run_id"))


@given(seed=CHANGED)
def test_what_does_not_fit_in_memory_makes_no_difference(seed: int) -> None:
    options = options_of(seed)
    people, whole = one_run(seed)
    before = set(Path(tempfile.gettempdir()).glob(".hcc-*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BITS", 4)
        patch.setattr(memory, "_CLAIMS", 1e-9)  # no room at all: every batch goes to a file
        run = ask(people.members, people.claims, people.payment_year, **options).run
    assert tables(run) == tables(whole.run)
    assert set(Path(tempfile.gettempdir()).glob(".hcc-*")) == before
    told = {key: value for key, value in whole.run.counts.items() if key != "rejected_by_reason"}
    assert {key: run.counts[key] for key in told} == told


@given(seed=SEEDS)
def test_engine_equals_reference(seed: int) -> None:
    """Decisions, HCC lists, factors, raw, payment and blended scores of a mixed population."""
    people, found = one_run(seed)
    options = options_of(seed)
    faults, decisions = decision_differences(people, found, options["run"], options["audio_only"])
    faults += payment_differences(people, found, decisions, options["hierarchy_mode"])
    assert not faults, f"{len(faults)} differences (year {people.payment_year}, {options}):\n" + "\n".join(faults[:8])


@settings(max_examples=min(settings().max_examples, 6))
@given(rnd=st.randoms(use_true_random=False), year=st.sampled_from(YEARS))
def test_engine_equals_reference_for_one_member(rnd: Random, year: int) -> None:
    """The same, for populations that hypothesis can shrink to a single row."""
    people = population(rnd, rnd.randint(1, 3), year, most=3)
    found = ask(people.members, people.claims, year)
    faults, decisions = decision_differences(people, found, "final", "exclude")
    faults += payment_differences(people, found, decisions)
    assert not faults, "\n".join(faults[:8])


@given(seed=SEEDS)
def test_factors_sum_to_the_raw_score(seed: int) -> None:
    _, found = one_run(seed)
    assert found.scored
    for key, one in found.scored.items():
        if one.raw is not None:
            assert sum(one.factors.values(), Decimal(0)) == one.raw, key


@given(seed=SEEDS)
def test_every_variable_is_in_a_table(seed: int) -> None:
    """No factor comes from nowhere, and its value is the table's."""
    people, found = one_run(seed)
    for (_, model, calibration), one in found.scored.items():
        if one.raw is None:
            continue
        rules = published(model, people.payment_year, calibration)
        known = {
            **rules.coefficients.get(one.segment, {}),
            **rules.graft_duration,
            **{f"TRANSPLANT_MONTH_{month}": value for month, value in rules.transplant.items()},
        }
        for variable, value in one.factors.items():
            if variable != "ACTUARIAL_ADJUSTMENT":
                assert known[variable] == value, (model, one.segment, variable)


@given(seed=SEEDS)
def test_hierarchy_twice_is_hierarchy_once(seed: int) -> None:
    """What is left of a member's HCCs loses nothing more."""
    people, found = one_run(seed)
    for (_, model, calibration), one in found.scored.items():
        if one.raw is None:
            continue
        rules, left = published(model, people.payment_year, calibration), set(one.hccs)
        for mode in ("cms_python", "cms_sas"):
            assert after_hierarchy(left, rules, mode) == left
        assert after_removals(left, rules) == left


@cache
def dropping_pairs(model: str, year: int, calibration: str) -> frozenset[tuple[str, str]]:
    rules = published(model, year, calibration)
    return frozenset(rules.hierarchy) | {(hcc, hcc) for hcc, _ in rules.removals}


@given(seed=SEEDS)
def test_whoever_drops_an_hcc_stands_above_it(seed: int) -> None:
    people, found = one_run(seed)
    rows = [row for row in rows_of(found.run.member_hccs) if row["dropped_by_hcc"] is not None]
    assert rows
    for row in rows:
        pair = (row["dropped_by_hcc"], row["hcc"])
        assert pair in dropping_pairs(row["model"], people.payment_year, row["calibration"] or ""), row


@given(seed=SEEDS)
def test_keys_are_unique(seed: int) -> None:
    """Every table keeps the grain that it declares."""
    _, found = one_run(seed)
    for name, table in RESULT_TABLES.items():
        rows = getattr(found.run, name)
        if rows.height:
            assert rows.select(table.key).is_unique().all(), name


@given(seed=SEEDS)
def test_evidence_is_of_counted_diagnoses(seed: int) -> None:
    """An HCC's claims and dates are those of counted diagnoses of that member."""
    _, found = one_run(seed)
    days: dict[str, list[Any]] = {}
    claims: dict[str, set[str]] = {}
    for row in rows_of(found.run.diagnoses):
        if row["counted"]:
            days.setdefault(row["member_id"], []).append(row["thru_date"])
            claims.setdefault(row["member_id"], set()).add(row["claim_id"])
    for row in rows_of(found.run.member_hccs):
        member_id = row["member_id"]
        assert 1 <= row["claims"] <= len(claims[member_id])
        assert min(days[member_id]) <= row["first_date"] <= row["last_date"] <= max(days[member_id])


@given(seed=CHANGED)
def test_row_order_does_not_matter(seed: int) -> None:
    people, expected = small_run(seed)
    rnd = Random(seed)
    members, claims = list(people.members), list(people.claims)
    rnd.shuffle(members)
    rnd.shuffle(claims)
    assert tables(ask(members, claims, people.payment_year).run) == expected


@given(seed=CHANGED)
def test_duplicated_lines_do_not_matter(seed: int) -> None:
    people, expected = small_run(seed)
    rnd = Random(seed)
    twice = people.claims + [row for row in people.claims if rnd.random() < 0.5]
    assert tables(ask(people.members, twice, people.payment_year).run) == expected


@given(seed=CHANGED)
def test_a_population_is_the_sum_of_its_parts(seed: int) -> None:
    """What is said of a member does not depend on who else is there.

    The table of diagnoses alone goes by the models of the run: rows of codes that map in none of them are left out.
    """
    people, whole = small_run(seed)
    rnd = Random(seed)
    left = {row["member_id"] for row in people.members if rnd.random() < 0.5}
    met = 0
    for side in (True, False):
        members = [row for row in people.members if (row["member_id"] in left) == side]
        claims = [row for row in people.claims if (row["member_id"] in left) == side]
        part = ask(members, claims, people.payment_year)
        mapped = {row["diagnosis_code"] for row in rows_of(part.run.diagnosis_hccs)}
        own = {row["member_id"] for row in members}
        for name, rows in tables(part.run).items():
            expected = [row for row in whole[name] if own.intersection(row)]
            if name == "diagnoses":
                expected = [row for row in expected if mapped.intersection(row)]
            assert rows == expected, name
            met += len(rows)
    assert met > 500


@given(seed=CHANGED)
def test_claim_numbers_that_members_share_change_nothing(seed: int) -> None:
    """Every member's claims numbered alike: what another member's claim of that number is, is nothing to it."""
    people, _ = small_run(seed)
    rnd = Random(seed)
    # Lines that were not submitted on one day: whether they are one record is where claims of one number could meet.
    own = [row if rnd.random() < 0.7 else row | {"submission_date": None} for row in people.claims]

    def shared(row: dict[str, Any]) -> dict[str, Any]:
        names = ("claim_id", "original_claim_id", "linked_claim_id")
        return row | {name: row[name].removeprefix(row["member_id"]) for name in names if row.get(name)}

    def alike(claims: list[dict[str, Any]]) -> list[tuple[str, ...]]:
        found = [shared(row) for row in rows_of(ask(people.members, claims, people.payment_year).run.diagnoses)]
        return sorted(tuple(str(row[name]) for name in sorted(row) if name != "run_id") for row in found)

    assert alike([shared(row) for row in own]) == alike(own)


@given(seed=CHANGED)
def test_diagnoses_may_come_in_any_layout(seed: int) -> None:
    """A list, columns diagnosis_1 to diagnosis_25, or a table of their own."""
    people, expected = small_run(seed)
    members, claims = frame(people.members, MEMBER_SCHEMA), frame(people.claims, CLAIM_SCHEMA)
    rest = claims.drop("diagnosis_codes")
    wide = [pl.col("diagnosis_codes").list.get(i, null_on_oob=True).alias(f"diagnosis_{i + 1}") for i in range(5)]
    columns = claims.with_columns(wide).drop("diagnosis_codes")
    year = people.payment_year
    assert tables(hcc.score(members=members, claims=columns, payment_year=year)) == expected
    versions = claims.select("claim_id", "diagnosis_codes").unique().group_by("claim_id").len()
    if versions["len"].max() != 1:
        return  # a table by claim id cannot tell versions of one claim apart
    own = claims.select("claim_id", diagnosis_code="diagnosis_codes").explode("diagnosis_code").unique()
    separate = hcc.score(members=members, claims=rest, claim_diagnoses=own, payment_year=year)
    assert tables(separate) == expected


@pytest.mark.parametrize("year", YEARS)
def test_members_without_claims_have_demographic_scores(year: int) -> None:
    people = population(Random(year), 20, year)
    found = ask(people.members, [], year)
    assert not payment_differences(people, found, {})
    assert not found.decisions


def test_a_population_without_members_is_one_clear_error() -> None:
    with pytest.raises(hcc.HccError) as caught:
        ask([], [], YEARS[-1])
    assert caught.value.hint
