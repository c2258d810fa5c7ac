"""What a drug is evidence of, where it has more than one use: by code and by name, through all of the rules."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from hcc.gaps.evidence import fills
from hcc.rules.valuesets import load_valuesets
from tests.gaps.build import Person, gaps, only


def dispensed(person: Person, when: str, **identifier: str) -> Person:
    """A fill as a pharmacy writes it: rxnorm="205328" or drug_name="…"."""
    row = {"member_id": [person.name], "fill_date": [date.fromisoformat(when)]}
    table = pl.LazyFrame(row | {name: [text] for name, text in identifier.items()})
    found = fills(table, load_valuesets()).collect()
    assert found.height
    for drug in found["drug"]:
        person.fills.append({"fill_date": date.fromisoformat(when), "drug": drug, "code": "00000000000"})
    return person


def twice(**identifier: str) -> Person:
    return dispensed(dispensed(Person(), "2025-03-10", **identifier), "2025-05-10", **identifier)


def said(person: Person, rule: str) -> list[tuple[str, str]]:
    return sorted({(row["status"], row["strength"]) for row in only(gaps(person), rule)})


@pytest.mark.parametrize("drug", [{"rxnorm": "205328"}, {"drug_name": "lamivudine 100 MG Oral Tablet"}])
def test_hiv_1_not_by_lamivudine_for_hepatitis_b(drug: dict[str, str]) -> None:
    assert said(twice(**drug), "HIV-1") == []
    assert said(twice(drug_name="lamivudine 300 mg tablet"), "HIV-1") == [("open", "medium")]


@pytest.mark.parametrize(
    "drug",
    [
        {"rxnorm": "859871"},
        {"drug_name": "haloperidol decanoate 100 MG/ML Injectable Solution"},
        {"drug_name": "fluphenazine decanoate"},
        {"drug_name": "paliperidone palmitate"},
        {"drug_name": "olanzapine pamoate"},
    ],
)
def test_scz_1_long_acting_by_code_and_by_name(drug: dict[str, str]) -> None:
    assert said(twice(**drug), "SCZ-1") == [("open", "high")]


EMSAM = [{"rxnorm": "865208"}, {"drug_name": "Emsam 6 mg/24hr patch"}, {"drug_name": "selegiline transdermal 6 mg"}]


@pytest.mark.parametrize("drug", EMSAM)
def test_oig_10_is_answered_by_selegiline_through_the_skin(drug: dict[str, str]) -> None:
    depressed = Person().dx("F331", "2025-03-10")
    assert said(depressed, "OIG-10") == [("open", "high")]
    assert said(dispensed(depressed, "2025-06-01", **drug), "OIG-10") == []


def test_oig_10_is_not_answered_by_selegiline_for_parkinson_disease() -> None:
    person = dispensed(Person().dx("F331", "2025-03-10"), "2025-06-01", drug_name="selegiline 5 mg capsule")
    assert said(person, "OIG-10") == [("open", "high")]


HEART_FAILURE_DRUGS = [
    "hydrochlorothiazide 25 mg", "HCTZ 12.5 MG CAPSULE", "chlorthalidone 25 mg tab", "indapamide 1.25 mg",
    "METOLAZONE 5 MG TABLET", "chlorothiazide", "Zaroxolyn", "lisinopril-hydrochlorothiazide 20-25 mg", "Zestoretic",
    "triamterene-hctz 37.5-25 mg", "amiloride 5 mg", "Inpefa 200 mg", "sotagliflozin", "Jardiance", "dapagliflozin",
    "sacubitril-valsartan", "Entresto", "BiDil", "isosorbide dinitrate-hydralazine",
]  # fmt: skip


@pytest.mark.parametrize("name", HEART_FAILURE_DRUGS)
def test_aud_medless_diuretics_and_drugs_for_heart_failure_answer_a_coded_one(name: str) -> None:
    person = Person().dx("I509", "2025-03-10").dx("I509", "2025-05-05")
    assert said(person, "AUD-MEDLESS") == [("open", "medium")]
    assert said(dispensed(person, "2025-06-01", drug_name=name), "AUD-MEDLESS") == []


def test_aud_medless_other_heart_drugs_do_not_answer_it() -> None:
    person = dispensed(Person().dx("I509", "2025-03-10"), "2025-06-01", drug_name="warfarin 5 mg")
    assert said(person, "AUD-MEDLESS") == [("open", "medium")]


@pytest.mark.parametrize("name", ["Zeposia", "ozanimod 0.92 mg capsule", "Tysabri"])
def test_ms_1_not_by_a_drug_for_the_bowel_where_its_disease_is_coded(name: str) -> None:
    def treated() -> Person:
        return dispensed(Person(), "2025-03-10", drug_name=name)

    assert said(treated(), "MS-1") == [("open", "high")]
    assert said(treated().dx("K5190", "2025-03-10"), "MS-1") == []
    # Another drug for multiple sclerosis beside it is evidence as before.
    assert said(dispensed(treated().dx("K5190", "2025-03-10"), "2025-04-01", drug_name="Copaxone"), "MS-1") != []


def given(code: str) -> Person:
    table = load_valuesets().hcpcs
    (grade,) = table.filter((pl.col("code") == code) & (pl.col("concept") == "ms_drug"))["evidence"].to_list()
    person = Person()
    person.procedures.append(
        {"claim_id": "p1", "date": date(2025, 3, 10), "concept": "ms_drug", "evidence": grade, "code": code,
         "place_of_service": "11", "rendering_npi": None}
    )  # fmt: skip
    return person


@pytest.mark.parametrize(
    ("code", "other", "unrelated"),
    [
        ("J2323", "K5090", "C9110"),  # natalizumab: Crohn disease
        ("Q5134", "K5090", "C9110"),  # natalizumab-sztn
        ("J9302", "C9110", "K5090"),  # ofatumumab: chronic lymphocytic leukaemia
        ("J0202", "C9110", "K5090"),  # alemtuzumab: the same
    ],
)
def test_ms_1_not_by_an_infusion_for_another_disease_that_is_coded(code: str, other: str, unrelated: str) -> None:
    assert said(given(code), "MS-1") == [("open", "high")]
    assert said(given(code).dx(unrelated, "2025-02-01"), "MS-1") == [("open", "high")]
    assert said(given(code).dx(other, "2025-02-01"), "MS-1") == []


def test_ms_1_every_infusion_for_multiple_sclerosis_is_still_seen() -> None:
    codes = load_valuesets().hcpcs_codes(["ms_drug"]).to_list()
    assert len(codes) == 12
    assert [code for code in codes if said(given(code), "MS-1") != [("open", "high")]] == []


def test_dm_2_tirzepatide_alone_is_as_weak_as_semaglutide() -> None:
    for name in ("tirzepatide", "semaglutide", "Mounjaro 5 mg pen"):
        (row,) = [row for row in only(gaps(twice(drug_name=name)), "DM-2") if row["status"] != "closed"]
        assert (row["status"], row["strength"]) == ("suppressed", "low")
        assert "diabetes only" not in row["reason"]


@pytest.mark.parametrize("name", ["Zepbound vial", "TIRZEPATIDE (WEIGHT LOSS)", "Zepbound 5 mg/0.5 ml pen"])
def test_dm_2_not_by_tirzepatide_for_weight(name: str) -> None:
    assert said(twice(drug_name=name), "DM-2") == []


def test_dm_2_tirzepatide_with_metformin_is_two_classes() -> None:
    person = dispensed(twice(drug_name="Mounjaro"), "2025-06-01", drug_name="metformin 500 mg")
    assert said(person, "DM-2") == [("open", "medium")]
