"""The planted population itself: sound tables, every rule with a hit and a near miss, codes and drugs that exist."""

from __future__ import annotations

import csv

import polars as pl
import pytest

from hcc.rules.folders import shipped_folder
from hcc.rules.valuesets import load_valuesets
from hcc.tables import INPUT_TABLES
from tests.gaps.planted import Calendar, Claim, Fill, Result, all_plants, population

YEAR = 2026
ONLY_HITS = {"CF-2"}
ONLY_MISSES = {"PVD-1"}


def test_every_rule_has_a_hit_and_a_near_miss() -> None:
    plants = all_plants(Calendar(YEAR))
    hits = {plant.rule_id for plant in plants if plant.flagged}
    misses = {plant.rule_id for plant in plants if not plant.flagged}
    assert misses - hits == ONLY_MISSES
    assert hits - misses == ONLY_HITS


def test_plants_have_different_names() -> None:
    names = [(plant.rule_id, plant.name) for plant in all_plants(Calendar(YEAR))]
    assert len(set(names)) == len(names)


def test_the_tables_are_canonical_and_the_same_for_the_same_seed() -> None:
    made, again = population(YEAR, copies=2, noise=5), population(YEAR, copies=2, noise=5)
    for name in ("members", "claims", "pharmacy", "observations", "problems", "chart_findings"):
        table = getattr(made, name)
        assert table.equals(getattr(again, name))
        assert set(table.columns) <= set(INPUT_TABLES[name].names)
        assert set(INPUT_TABLES[name].required) <= set(table.columns)
    assert made.members["member_id"].is_unique().all()
    assert made.expected.height == 2 * len(all_plants(Calendar(YEAR)))
    assert made.members.height == made.expected.height + 5
    first = Calendar(YEAR).day(1, 1)
    assert made.history["thru_date"].max() < first <= made.claims["thru_date"].min()
    assert made.claims["thru_date"].max() == Calendar(YEAR).as_of
    assert made.pharmacy["fill_date"].min() == Calendar(YEAR).day(1, 1, -2)


@pytest.mark.parametrize("payment_year", [2025, 2026])
def test_codes_drugs_and_tests_of_the_plants_exist(payment_year: int) -> None:
    facts = [fact for plant in all_plants(Calendar(payment_year)) for fact in plant.facts]
    sets = load_valuesets()
    ccir = set(sets.ccir["diagnosis_code"])
    codes = {code for fact in facts if isinstance(fact, Claim) for code in fact.codes}
    with (shipped_folder() / "icd10cm" / "mapped_codes.csv").open(encoding="utf-8") as file:
        mapped = {row["diagnosis_code"] for row in csv.DictReader(file)}
    assert codes <= ccir | mapped
    loincs = {fact.loinc for fact in facts if isinstance(fact, Result)}
    assert loincs <= set(sets.loinc["loinc"])
    known = set(sets.table("ndc")["ndc11"]) | {"00003089421"}
    assert {fact.ndc for fact in facts if isinstance(fact, Fill) and fact.ndc} <= known


def test_all_fills_of_the_population_are_understood() -> None:
    from hcc.gaps.evidence import unidentified_fills, unused_results

    made = population(YEAR, noise=3)
    assert unidentified_fills(made.pharmacy.lazy(), load_valuesets()).collect().is_empty()
    unused = unused_results(made.observations.lazy(), load_valuesets()).collect()
    assert set(unused["reason"]) <= {"STATUS", "EXCLUDED_CODE"}
    assert unused.select(pl.col("count").sum()).item() > 0
