"""Services, supplies and diagnoses of claims by concept, and evidence in words."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from hcc.gaps.evidence import described, diagnosis_concepts, fills, procedures, results
from hcc.rules.valuesets import load_valuesets
from tests.gaps.evidence.frames import DAY, claim_lines, observations, pharmacy


def _services(lines: pl.LazyFrame, **options: object) -> set[tuple[str, str | None, str]]:
    found = procedures(lines, load_valuesets(), **options).with_columns(pl.col("concept").cast(pl.String)).collect()  # type: ignore[arg-type]
    return set(found.select("member_id", "concept", "code").rows())


def test_a_service_is_found_by_its_code_whatever_its_case() -> None:
    lines = claim_lines({"hcpcs": "E1390"}, {"hcpcs": "g0438"}, {"hcpcs": "99213"}, {})
    assert _services(lines) == {("0", "home_oxygen", "E1390"), ("1", "awv", "G0438")}


def test_a_code_of_two_concepts_counts_for_both() -> None:
    found = _services(claim_lines({"hcpcs": "33935"}))  # heart and lung transplant
    assert found == {("0", "transplant_heart", "33935"), ("0", "transplant_lung", "33935")}


def test_only_the_concepts_and_codes_asked_for() -> None:
    lines = claim_lines({"hcpcs": "E1390"}, {"hcpcs": "77427"}, {"hcpcs": "99213"})
    assert _services(lines, concepts=["home_oxygen"]) == {("0", "home_oxygen", "E1390")}
    assert _services(lines, concepts=["home_oxygen"], codes=["99213"]) == {
        ("0", "home_oxygen", "E1390"), ("2", None, "99213"),
    }  # fmt: skip


def test_dialysis_follows_from_the_type_of_bill() -> None:
    lines = claim_lines({"bill_type": "0721"}, {"bill_type": "721"}, {"bill_type": "131"}, {"bill_type": "0172"})
    assert _services(lines) == {("0", "dialysis", "TOB 72X"), ("1", "dialysis", "TOB 72X")}
    assert _services(lines, concepts=["hra"]) == set()


def test_where_a_service_was_and_how() -> None:
    line = {
        "hcpcs": "99345", "modifier_1": "95", "modifier_2": "fq", "place_of_service": "12",
        "claim_type": "professional", "record_type": "encounter", "rendering_npi": "1234567893",
    }  # fmt: skip
    row = procedures(claim_lines(line), load_valuesets()).collect().row(0, named=True)
    assert row["modifiers"] == "95|FQ"
    assert (row["place_of_service"], row["claim_type"], row["record_type"], row["rendering_npi"]) == (
        "12", "professional", "encounter", "1234567893",
    )  # fmt: skip


def test_dead_lines_and_days_outside_do_not_count() -> None:
    lines = claim_lines({"hcpcs": "E1390"}, {"hcpcs": "E1390"}).with_columns(live=pl.Series([True, False]))
    assert _services(lines) == {("0", "home_oxygen", "E1390")}
    day = timedelta(days=1)
    assert _services(lines, since=DAY + day) == set()
    assert _services(lines, until=DAY - day) == set()
    assert len(_services(lines, since=DAY, until=DAY)) == 1


def test_diagnoses_by_concept_even_where_no_model_maps_them() -> None:
    rows = pl.LazyFrame(
        {
            "member_id": ["a", "a", "b"],
            "claim_id": ["1", "2", "3"],
            "diagnosis_code": ["I639", "Z853", "J069"],
            "thru_date": [DAY] * 3,
            "counted": [True, False, True],
        }
    )
    found = diagnosis_concepts(rows, load_valuesets()).with_columns(pl.col("concept", "kind").cast(pl.String)).collect()
    assert set(found.select("claim_id", "concept", "kind", "counted").rows()) == {
        ("1", "oig_acute_stroke", "active", True),
        ("2", "breast_cancer_history", "history", False),
        ("2", "cancer_history_any", "history", False),
    }
    only = diagnosis_concepts(rows, load_valuesets(), concepts=["oig_acute_stroke"]).collect()
    assert only["claim_id"].to_list() == ["1"]


def test_evidence_in_words() -> None:
    sets = load_valuesets()
    drugs = described(
        fills(pharmacy({"ndc": "00169452514", "days_supply": 28}, {"ndc": "00003089421"}), sets), "fill", sets
    )
    assert drugs.sort("member_id").collect().select("description", "shown_value").rows() == [
        ("0.5 ML semaglutide 0.5 MG/ML Auto-Injector [Wegovy]", "28 days"),
        ("apixaban, oral", None),
    ]
    tests = described(
        results(
            observations(("59261-8", "48", "mmol/mol"), ("98979-8", "42", "mL/min/1.73m2"), ("98979-8", ">60")), sets
        ),
        "result",
        sets,
    )
    shown = tests.sort("member_id").collect()
    assert shown["shown_value"].to_list() == ["48 mmol/mol = 6.54 %", "42 mL/min/1.73m2", ">60"]
    assert "Glomerular filtration rate" in shown["description"][1]
    services = described(procedures(claim_lines({"hcpcs": "E1390"}), sets), "procedure", sets).collect()
    assert services["description"].to_list() == ["home oxygen equipment (E1390)"]
    rows = pl.LazyFrame({"member_id": ["a"], "claim_id": ["1"], "diagnosis_code": ["I639"], "thru_date": [DAY]})
    labels = pl.LazyFrame({"diagnosis_code": ["I639"], "description": ["Cerebral infarction, unspecified"]})
    named = described(diagnosis_concepts(rows, sets), "diagnosis", sets, labels=labels).collect()
    assert named["description"].to_list() == ["Cerebral infarction, unspecified"]
    bare = described(diagnosis_concepts(rows, sets), "diagnosis", sets).collect()
    assert bare["description"].to_list() == ["I639"]
