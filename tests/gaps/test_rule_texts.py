"""What single rules look at, and that their sentences say no more than that (SPEC 5.4, 6.1, 6.4)."""

from __future__ import annotations

import polars as pl
import pytest

import hcc
from hcc.rules.drug_names import named_drugs
from tests.gaps.build import Person, candidates, gaps, only, sets

RITUXIMAB = ("J9311", "J9312", "Q5115", "Q5119", "Q5123")
PROBLEMS = ("claims", "history", "pharmacy", "observations", "problems")


def given(person: Person, code: str, when: str) -> Person:
    """A service as the value sets know it: a row for each concept of the code."""
    rows = sets().hcpcs.filter(pl.col("code") == code).with_columns(pl.col("concept", "evidence").cast(pl.String))
    for concept, evidence in rows.select("concept", "evidence").iter_rows():
        person.did(concept, when, claim=f"{code}-{when}", evidence=evidence)
        person.procedures[-1]["code"] = code
    return person


def test_rituximab_is_an_antirheumatic_drug_where_arthritis_is_coded() -> None:
    bare = Person("bare").dx("M0579", "2025-03-01")
    filled = Person("filled").dx("M0579", "2025-03-01").fill("rituximab", "2025-04-01")
    infused = [given(Person(code).dx("M0579", "2025-03-01"), code, "2025-04-01") for code in RITUXIMAB]
    rows = only(gaps(bare, filled, *infused), "AUD-MEDLESS")
    assert [row["member_id"] for row in rows] == ["bare"]


@pytest.mark.parametrize("code", RITUXIMAB)
def test_rituximab_on_a_claim_is_found_from_the_file_on(code: str) -> None:
    members = pl.DataFrame({"member_id": ["a"], "birth_date": ["1950-01-01"], "sex": ["F"]})
    visit = {"member_id": "a", "claim_type": "professional", "diagnosis_1": "M0579"}
    lines = (("1", "2025-01-02", "99213"), ("2", "2025-04-01", code), ("3", "2025-12-31", "99213"))
    claims = pl.DataFrame([{**visit, "claim_id": n, "thru_date": day, "hcpcs": hcpcs} for n, day, hcpcs in lines])
    days = ["2025-01-01", "2025-12-31"]
    fills = pl.DataFrame({"member_id": ["a"] * 2, "fill_date": days, "drug_name": ["lisinopril"] * 2})
    run = hcc.score(members, claims, payment_year=2026)
    found = hcc.find_gaps(run, as_of="2025-12-31", pharmacy=fills).gaps
    assert only(found, "AUD-MEDLESS") == []


def test_rituximab_alone_raises_no_question_of_arthritis() -> None:
    """SPEC 5.4 RA-1 names ATC L04AB, L04AC and L04AF; rituximab is L01FA01 and given for lymphoma first."""
    filled = Person("filled").fill("rituximab", "2025-04-01")
    infused = [given(Person(code), code, "2025-04-01") for code in RITUXIMAB]
    abatacept = given(Person("abatacept"), "J0129", "2025-04-01")
    assert [row["member_id"] for row in only(gaps(filled, *infused, abatacept), "RA-1")] == ["abatacept"]


def test_an_infusion_of_rituximab_is_no_sign_against_cancer_one_of_abatacept_is() -> None:
    def infused(code: str) -> Person:
        return given(Person(code).did("chemo_admin", "2025-04-01"), code, "2025-04-01")

    assert {row["member_id"] for row in only(gaps(infused("J9312"), infused("J0129")), "CA-1")} == {"J9312"}


def test_lofexidine_is_not_called_buprenorphine() -> None:
    """SPEC 5.4 SUD-1: buprenorphine, methadone programmes, naltrexone; lofexidine treats withdrawal of any opioid."""
    people = (
        Person("l").fill("lofexidine", "2025-03-01"),
        Person("b").fill("buprenorphine", "2025-03-01", flags="any"),
    )
    assert [row["member_id"] for row in only(gaps(*people), "SUD-1")] == ["b"]


def test_oig_11_tells_inpatient_from_outpatient_hospital() -> None:
    person = Person().dx("I639", "2025-03-01").dx("I214", "2025-03-02", "outpatient")
    (row,) = [row for row in only(gaps(person), "OIG-11") if row["candidate_diagnosis_codes"] == "I639"]
    assert "neither on a hospital claim" not in row["reason"]
    assert (
        "the stroke on no inpatient or outpatient hospital claim and the infarction on no inpatient claim"
        in row["reason"]
    )


def test_aud_mi28_does_not_call_an_outpatient_hospital_claim_outside_hospital() -> None:
    person = Person().dx("I214", "2024-06-01", "inpatient").dx("I214", "2025-04-01", "outpatient")
    (row,) = only(gaps(person), "AUD-MI28")
    assert "outside hospital" not in row["reason"]
    assert "on 2025-04-01 on a claim that is not inpatient" in row["reason"]


@pytest.mark.parametrize(
    ("active", "history", "told", "untold"),
    [
        ("C20", "Z85048", "history of rectal cancer, Z85.04-, last coded on 2024-05-01", "history of colon cancer"),
        ("C189", "Z85038", "history of colon cancer, Z85.03-, last coded on 2024-05-01", "history of rectal cancer"),
    ],
)
def test_aud_history_names_the_history_that_is_on_record(active: str, history: str, told: str, untold: str) -> None:
    person = Person().dx(active, "2025-03-01").dx(history, "2024-05-01")
    (row,) = only(gaps(person), "AUD-HISTORY")
    assert told in row["reason"]
    assert untold not in row["reason"]
    assert "Z85.038 for the colon, Z85.048 for rectum" in row["reason"]


def test_aud_history_tells_of_an_operation_in_a_whole_sentence() -> None:
    (row,) = only(gaps(Person().dx("C3490", "2025-03-01").did("surgery_lung", "2015-05-05")), "AUD-HISTORY")
    assert "; surgery last on 2015-05-05." in row["reason"]
    assert "on record" not in row["reason"]  # an operation is a sign of a history, no record of one


def test_the_problem_list_remark_is_a_whole_sentence_and_true() -> None:
    """E11.9 (HCC 38) on the list, E11.22 (HCC 37) on a claim: another HCC, so what the remark says holds."""
    person = Person().problem("E119", "2025-03-01").dx("E1122", "2025-04-01")
    (row,) = only(gaps(person, tables=PROBLEMS), "AUD-PROBLIST")
    assert "no claim of 2025 carries a code of the same HCC" in row["reason"]
    (listed,) = only(gaps(person, tables=PROBLEMS), "DOC-PROBLEM")
    assert "no counted claim of 2025 carries a code of this HCC" in listed["reason"]
    # E11.65 is of HCC 38 too.
    same = Person().problem("E119", "2025-03-01").dx("E1165", "2025-04-01")
    assert only(gaps(same, tables=PROBLEMS), "AUD-PROBLIST") == []


@pytest.mark.parametrize("value", [33, 37])
def test_aud_bmi_says_nothing_untrue_of_37_and_shows_the_value_once(value: float) -> None:
    found = candidates(Person().dx("E6601", "2025-03-01").result("bmi", "2025-06-01", value))
    (row,) = only(found.gaps, "AUD-BMI")
    assert row["reason"].endswith(
        f"is {value} (2025-06-01), where the limit is 40, or 35 with a comorbidity of obesity coded."
    )
    results = found.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("kind").cast(pl.String) == "result")
    assert results.height == 1


def warfarin(person: Person, second: str) -> Person:
    return person.fill("warfarin", "2025-01-01").fill("warfarin", second)


@pytest.mark.parametrize("joint", [False, True])
def test_af_1_shows_each_fill_once_and_says_what_the_claims_do(joint: bool) -> None:
    person = warfarin(Person(), "2025-03-01")
    person = person.dx("Z96651", "2025-01-01") if joint else person
    found = candidates(person)
    (row,) = only(found.gaps, "AF-1")
    assert "explains it" not in row["reason"]
    assert "the claims given name no embolism" in row["reason"]
    assert ("joint replacement (2025-01-01), after which 35 days are usual" in row["reason"]) is joint
    fills = found.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("kind").cast(pl.String) == "fill")
    assert sorted(map(str, fills["evidence_date"])) == ["2025-01-01", "2025-03-01"]
    speaks = found.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("stance").cast(pl.String) == "for")
    assert speaks.height == (3 if joint else 2)


def test_no_note_on_conflicts_names_a_code_that_would_fit() -> None:
    notes = sets().conflicts["note"].cast(pl.String).to_list()
    assert [note for note in notes if "would fit" in note or "should" in note] == []


@pytest.mark.parametrize(
    "text", ["TRIKAFTA", "Symdeko 100-150 mg tablets", "trikafta (100 mg / 50 mg / 75 mg; 150 mg)"]
)
def test_a_brand_whose_packs_rxnorm_tells_apart_is_known_by_its_name(text: str) -> None:
    found = named_drugs(pl.LazyFrame({"text": [text]}), sets()).collect()
    assert found["key"].to_list() == [f"b:{text.lower().split()[0]}"]
