"""SPEC 7.7, audit cases, as far as evidence decides them; windows on their first and last day."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from hcc.gaps import find_gap_candidates
from hcc.rules.gap_rules import load_gap_rules
from tests.gaps.build import Person, candidates, context, gaps, only, shipped_rules, statuses


def switched_on(*rule_ids: str):
    rules = shipped_rules()
    return replace(rules, enabled=tuple(rules.rule(rule_id) for rule_id in rule_ids))


STROKE = switched_on("OIG-1", "OIG-1-TOOLKIT", "OIG-1-OLDER")


def rules_found(person: Person, rules=None, **options) -> set[str]:
    frame = gaps(person, rules=rules, **options)
    return set(frame.filter(pl.col("status") == "open")["rule_id"])


def test_a1_acute_stroke_on_an_office_claim() -> None:
    person = Person().dx("I639", "2025-03-01")
    (row,) = only(gaps(person), "OIG-1")
    assert (row["hcc"], row["direction"], row["status"], row["falls"]) == ("249", "unsupported", "open", True)
    assert rules_found(person, STROKE) == {"OIG-1", "OIG-1-TOOLKIT", "OIG-1-OLDER"}


@pytest.mark.parametrize("claim_type", ["outpatient", "inpatient"])
def test_a2_a_hospital_claim_of_the_year_answers_it(claim_type: str) -> None:
    person = Person().dx("I639", "2025-03-01").dx("I6350", "2025-12-31", claim_type)
    assert rules_found(person, STROKE) == set()


def test_a2_a_hospital_claim_of_another_year_does_not() -> None:
    person = Person().dx("I639", "2025-03-01").dx("I639", "2024-12-31", "inpatient")
    assert "OIG-1" in rules_found(person)


def test_a2_a_voided_hospital_claim_does_not() -> None:
    person = Person().dx("I639", "2025-03-01").dx("I639", "2025-03-01", "inpatient", counted=False, reason="DELETED")
    assert "OIG-1" in rules_found(person)


def test_a3_two_physician_claims_by_variant() -> None:
    person = Person().dx("I639", "2025-03-01").dx("I639", "2025-04-01")
    assert rules_found(person, STROKE) == {"OIG-1", "OIG-1-OLDER"}
    assert rules_found(person.dx("I639", "2025-05-01"), STROKE) == {"OIG-1"}


@pytest.mark.parametrize(
    ("stay", "found"),
    [("2025-04-20", False), ("2025-04-30", False), ("2025-05-01", True), ("2025-05-05", True), ("2024-12-31", False),
     ("2024-12-30", True)],
)  # fmt: skip
def test_a4_a5_infarction_within_sixty_days_of_a_stay(stay: str, found: bool) -> None:
    # 2025-03-01 + 60 days = 2025-04-30; - 60 days = 2024-12-31.
    person = Person().dx("I214", "2025-03-01").dx("I214", stay, "inpatient")
    assert ("OIG-2" in rules_found(person)) is found


def test_oig_2_two_claims_outside_hospital_are_not_one() -> None:
    assert "OIG-2" not in rules_found(Person().dx("I214", "2025-03-01").dx("I200", "2025-03-02", "outpatient"))


def test_a6_embolism_and_anticoagulants() -> None:
    assert "OIG-3" in rules_found(Person().dx("I2699", "2025-03-01"))
    assert "OIG-3" not in rules_found(Person().dx("I2699", "2025-03-01").fill("apixaban", "2025-12-31"))
    assert "OIG-3" in rules_found(Person().dx("I2699", "2025-03-01").fill("apixaban", "2024-12-31"))
    assert "OIG-3" not in rules_found(Person().dx("I2699", "2025-03-01").did("anticoagulant_drug", "2025-01-01"))


def test_a6_without_a_pharmacy_table_nobody_can_tell() -> None:
    frame = gaps(Person().dx("I2699", "2025-03-01"), tables=("claims", "history"))
    (row,) = only(frame, "OIG-3")
    assert (row["status"], row["status_reason"]) == ("indeterminate", "pharmacy_not_given")
    assert "--pharmacy" in row["reason"]
    # A treatment on the claims is found without it.
    treated = gaps(Person().dx("I2699", "2025-03-01").did("anticoagulant_drug", "2025-01-01"), tables=("claims",))
    assert only(treated, "OIG-3") == []


@pytest.mark.parametrize(
    ("treated", "found"),
    [("2025-12-26", False), ("2026-03-01", False), ("2026-03-02", True), ("2026-04-05", True), ("2024-03-01", False),
     ("2024-02-29", True)],
)  # fmt: skip
def test_a7_radiation_within_a_year_of_the_diagnosis(treated: str, found: bool) -> None:
    # 365 days from 2025-03-01: 2024-03-01 to 2026-03-01.
    person = Person().dx("C3490", "2025-03-01").did("radiation", treated)
    assert ("OIG-4" in rules_found(person, as_of="2026-06-30")) is found


def test_oig_4_look_back_not_covered_is_not_judged_unless_treatment_is_found() -> None:
    person = Person().dx("C3490", "2025-03-01")
    (row,) = only(gaps(person, claims_from="2025-01-01"), "OIG-4")
    assert (row["status"], row["status_reason"]) == ("indeterminate", "look_back_not_covered")
    assert "--history" in row["reason"]
    (covered,) = only(gaps(person, claims_from="2024-03-01"), "OIG-4")
    assert covered["status"] == "open"
    (short,) = only(gaps(person, claims_from="2024-03-02"), "OIG-4")
    assert short["status"] == "indeterminate"
    assert only(gaps(person.did("radiation", "2025-02-01"), claims_from="2025-01-01"), "OIG-4") == []


def test_oig_4_says_where_the_look_ahead_ends() -> None:
    person = Person().dx("C3490", "2025-03-01")
    (early,) = only(gaps(person, as_of="2025-06-30"), "OIG-4")
    assert "up to 2025-06-30" in early["reason"]
    (late,) = only(gaps(person, as_of="2026-12-31"), "OIG-4")
    assert "Looked at up to" not in late["reason"]


@pytest.mark.parametrize(("birth", "found"), [("1952-01-01", False), ("1951-12-31", True)])
def test_a8_prostate_cancer_from_74_on_31_december(birth: str, found: bool) -> None:
    person = Person(birth=birth, sex="M").dx("C61", "2025-03-01")
    assert ("OIG-7" in rules_found(person)) is found


def test_a9_an_aromatase_inhibitor_is_treatment() -> None:
    assert "OIG-5" in rules_found(Person().dx("C50911", "2025-03-01"))
    assert "OIG-5" not in rules_found(Person().dx("C50911", "2025-03-01").fill("anastrozole", "2025-06-01"))


def test_oig_cancers_two_claims_are_not_one() -> None:
    assert "OIG-5" not in rules_found(Person().dx("C50911", "2025-03-01").dx("C50911", "2025-04-01"))


def test_a10_two_types_of_diabetes() -> None:
    person = Person().dx("E119", "2025-03-01")
    for month in (4, 5, 6):
        person.dx("E109", f"2025-0{month}-01")
    rows = only(gaps(person), "AUD-CONFLICT")
    assert [(row["hcc"], row["candidate_diagnosis_codes"]) for row in rows] == [("38", "E109,E119")]
    assert "E10.9 and E11.9 in one year" in rows[0]["reason"]


def test_a_conflict_inside_an_hcc_leaves_it_standing() -> None:
    """Whichever of the two is wrong, HCC 38 stays; what contradicts from outside can take it away."""
    person = Person().dx("E109", "2025-03-01", claim="a").dx("E119", "2025-04-01", claim="b")
    found = candidates(person)
    (row,) = only(found.gaps, "AUD-CONFLICT")
    assert not row["falls"]
    assert row["reason"].endswith(" Whichever of them is wrong, HCC 38 stands on the others.")
    listed = found.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("kind").cast(pl.String) == "claim")
    assert sorted(listed["claim_id"]) == ["a", "b"]
    (outside,) = only(gaps(Person().dx("I639", "2025-03-01").dx("Z8673", "2025-03-01")), "AUD-CONFLICT")
    assert outside["falls"]


def test_each_conflict_is_told_once() -> None:
    person = Person().dx("E119", "2025-03-01").dx("E109", "2025-03-01").dx("E1165", "2025-04-01")
    told = {row["hcc"]: row["reason"] for row in only(gaps(person), "AUD-CONFLICT")}
    assert told["38"].startswith("HCC 38 (")
    assert " is coded by E10.9, E11.65, E11.9, and " in told["38"]
    for reason in told.values():
        phrases = reason.partition("contradict it: ")[2].split("; ")
        assert len(phrases) == len(set(phrases))
    assert told["38"].count("E10.9 and E11.9 ") == 1
    assert told["38"].count("E10.9 and E11.65 ") == 1


def test_conflicts_of_one_day_need_one_day() -> None:
    assert "AUD-CONFLICT" in rules_found(Person().dx("I639", "2025-03-01").dx("Z8673", "2025-03-01"))
    assert "AUD-CONFLICT" not in rules_found(Person().dx("I639", "2025-03-01").dx("Z8673", "2025-03-02"))


@pytest.mark.parametrize(
    ("one", "other", "kind", "rule"),
    [("E119", "E109", "professional", "AUD-CONFLICT"), ("I214", "I214", "inpatient", "AUD-MI28")],
)
def test_thousands_of_claims_do_not_meet_claim_by_claim(one: str, other: str, kind: str, rule: str) -> None:
    """There would be 16 million pairs: the time of 4,000 claims is compared with that of 1,000."""

    def seconds(claims: int) -> float:
        person = Person()
        for number in range(claims):
            at, early = (date(2025, 1, 1) + timedelta(days=number % days) for days in (365, 20))
            person.dx(one, at, claim=f"a{number}").dx(other, early, kind, claim=f"b{number}")
        started = time.process_time()
        assert len(only(gaps(person), rule)) == 1
        return time.process_time() - started

    seconds(100)
    assert seconds(4_000) < 6 * seconds(1_000) + 1


def test_conflict_with_the_sex_keeps_the_diagnosis_and_says_so() -> None:
    rows = only(gaps(Person(sex="F").dx("C61", "2025-03-01").dx("C61", "2025-04-01")), "AUD-CONFLICT")
    assert [row["hcc"] for row in rows] == ["23"]
    assert "sex F" in rows[0]["reason"]


def test_a11_one_visit() -> None:
    person = Person().dx("M069", "2025-03-01", claim="x").dx("M0579", "2025-03-01", claim="x")
    (row,) = only(gaps(person), "AUD-SINGLE")
    assert (row["hcc"], row["candidate_diagnosis_codes"], row["strength"]) == ("93", "M0579,M069", "low")
    assert only(gaps(person.dx("M069", "2025-03-02")), "AUD-SINGLE") == []


def test_a12_only_at_an_assessment() -> None:
    person = Person().dx("E6601", "2025-03-01", claim="x").did("awv", "2025-03-01", claim="x")
    assert [row["hcc"] for row in only(gaps(person), "AUD-HRA")] == ["48"]
    assert only(gaps(person.dx("E6601", "2025-04-01")), "AUD-HRA") == []


def test_a12_home_visits_only_of_the_users_vendors(tmp_path) -> None:
    person = Person().dx("E6601", "2025-03-01", claim="x").did("home_visit", "2025-03-01", claim="x", npi="1234567893")
    assert only(gaps(person), "AUD-HRA") == []
    own = tmp_path / "mine.toml"
    own.write_text('[settings]\nhra_vendor_npis = ["1234567893"]\n')
    assert [row["hcc"] for row in only(gaps(person, rules=load_gap_rules(own)), "AUD-HRA")] == ["48"]


def test_a13_an_old_operation_and_no_treatment_is_a_history() -> None:
    person = Person().dx("C189", "2025-03-01").did("surgery_colon", "2015-05-05")
    assert {"OIG-6", "AUD-HISTORY"} <= rules_found(person)
    (row,) = only(gaps(person), "AUD-HISTORY")
    assert "Z85.038" in row["reason"]
    assert "2015-05-05" in row["reason"]
    assert "AUD-HISTORY" not in rules_found(person.did("chemo_drug", "2025-02-01"))


@pytest.mark.parametrize(("office", "found"), [("2025-03-29", False), ("2025-03-30", True), ("2025-05-30", True)])
def test_a14_infarction_more_than_28_days_after_the_episode(office: str, found: bool) -> None:
    # 2025-03-01 + 28 days = 2025-03-29.
    person = Person().dx("I214", "2025-03-01", "inpatient").dx("I214", office)
    assert ("AUD-MI28" in rules_found(person)) is found


def test_a14_a_new_stay_begins_a_new_episode() -> None:
    person = (
        Person().dx("I214", "2025-03-01", "inpatient").dx("I214", "2025-05-25", "inpatient").dx("I214", "2025-05-30")
    )
    assert "AUD-MI28" not in rules_found(person)


def test_a14_the_nearest_episode_is_named() -> None:
    person = Person().dx("I214", "2025-01-01", "inpatient").dx("I214", "2025-09-01", "inpatient", claim="s")
    person.dx("I214", "2025-09-20", "inpatient").dx("I214", "2025-10-25", claim="late")
    found = candidates(person)
    (row,) = only(found.gaps, "AUD-MI28")
    assert "54 days after 2025-09-01" in row["reason"]
    named = found.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("description").str.contains("episode"))
    assert named.select("claim_id", "evidence_date").rows() == [("s", date(2025, 9, 1))]


def test_a14_without_a_stay_the_first_claim_begins_the_episode() -> None:
    person = Person().dx("I214", "2025-01-01").dx("I214", "2025-02-15").dx("I214", "2025-03-20")
    (row,) = only(gaps(person), "AUD-MI28")
    assert (row["claims"], "45 days after 2025-01-01; 78 days after 2025-01-01" in row["reason"]) == (2, True)


def test_a15_stage_4_with_normal_values() -> None:
    person = Person().dx("N184", "2025-03-01").egfr(70, "2025-02-01").egfr(72, "2025-09-01")
    (row,) = only(gaps(person), "AUD-CKD")
    assert (row["hcc"], row["status"]) == ("327", "open")


@pytest.mark.parametrize(
    ("code", "value", "found"),
    [("N1830", 59.9, False), ("N1830", 60, True), ("N1831", 60, True), ("N1832", 44.9, False), ("N1832", 45, True),
     ("N184", 29.9, False), ("N184", 30, True), ("N185", 14.9, False), ("N185", 15, True)],
)  # fmt: skip
def test_aud_ckd_every_value_of_the_year_is_milder(code: str, value: float, found: bool) -> None:
    person = Person().dx(code, "2025-03-01").egfr(value, "2025-02-01").egfr(80, "2025-03-01")
    assert ("AUD-CKD" in rules_found(person)) is found


def test_aud_ckd_other_ways() -> None:
    worse = Person().dx("N1831", "2025-03-01").egfr(20, "2025-02-01")
    assert "AUD-CKD" not in rules_found(worse)
    none = Person().dx("N1831", "2025-03-01").egfr(70, "2024-12-31")
    assert "AUD-CKD" not in rules_found(none)
    twice = Person().dx("N184", "2025-03-01").egfr(25, "2025-01-15").egfr(65, "2025-03-01").egfr(65, "2025-05-30")
    assert "AUD-CKD" in rules_found(twice)
    near = Person().dx("N184", "2025-03-01").egfr(25, "2025-01-15").egfr(65, "2025-03-01").egfr(65, "2025-05-29")
    assert "AUD-CKD" not in rules_found(near)


def test_aud_ckd_without_results_is_not_judged() -> None:
    (row,) = only(gaps(Person().dx("N184", "2025-03-01"), tables=("claims", "pharmacy")), "AUD-CKD")
    assert (row["status"], row["status_reason"]) == ("indeterminate", "observations_not_given")


@pytest.mark.parametrize(
    ("code", "bmi", "comorbidity", "found"),
    [("E6601", 34.9, True, True), ("E6601", 35, True, False), ("E6601", 35, False, True), ("E6601", 39.9, False, True),
     ("E6601", 40, False, False), ("E66813", 39.9, True, True), ("E66813", 40, True, False),
     ("Z6841", 39.9, True, True), ("E662", 34.9, True, True)],
)  # fmt: skip
def test_g9_aud_bmi(code: str, bmi: float, comorbidity: bool, found: bool) -> None:
    person = Person().dx(code, "2025-03-01").result("bmi", "2025-06-01", bmi)
    if comorbidity:
        person.dx("I10", "2025-01-01")
    assert ("AUD-BMI" in rules_found(person)) is found


def test_a16_hiv_without_treatment() -> None:
    person = Person().dx("B20", "2025-03-01").dx("B20", "2025-04-01")
    person.result("hiv_ab", "2025-05-01", finding="negative", use="include")
    found = candidates(person)
    (row,) = only(found.gaps, "AUD-MEDLESS")
    assert row["hcc"] == "1"
    evidence = found.evidence.filter(pl.col("gap_id") == row["gap_id"])
    assert ("context", "result", "negative HIV test") in evidence.select("stance", "kind", "description").rows()
    assert "AUD-MEDLESS" not in rules_found(person.fill("dolutegravir", "2025-05-01"))


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("E119", lambda p: p.result("hba1c", "2025-06-01", 5.5)),
        ("E119", lambda p: p.did("hba1c_test", "2025-06-01")),
        ("E119", lambda p: p.fill("metformin", "2025-06-01")),
        ("I509", lambda p: p.fill("furosemide", "2025-06-01")),
        ("I509", lambda p: p.did("echocardiography", "2025-06-01")),
        ("M069", lambda p: p.fill("hydroxychloroquine", "2025-06-01")),
        ("I4891", lambda p: p.did("ecg", "2025-06-01")),
        ("F209", lambda p: p.fill("haloperidol", "2025-06-01", flags="any")),
        ("J449", lambda p: p.did("spirometry", "2025-06-01")),
        ("K7460", lambda p: p.did("liver_imaging", "2025-06-01")),
    ],
)
def test_aud_medless_and_what_answers_it(code: str, answer) -> None:
    assert "AUD-MEDLESS" in rules_found(Person().dx(code, "2025-03-01"))
    assert "AUD-MEDLESS" not in rules_found(answer(Person().dx(code, "2025-03-01")))


def test_a22_clocks() -> None:
    person = Person().dx("I639", "2025-03-01")
    (gap,) = only(gaps(person, as_of="2026-01-05"), "OIG-1")
    reviews = pl.DataFrame(
        {"gap_id": [gap["gap_id"]], "decision": ["not_supported"], "decided_at": [date(2026, 2, 1)]}
    ).with_columns(pl.col("decided_at").cast(pl.Datetime("us")))
    previous = pl.DataFrame({"gap_id": [gap["gap_id"]], "flagged_on": [date(2026, 1, 5)]})
    (later,) = only(gaps(person, as_of="2026-03-01", previous=previous, reviews=reviews), "OIG-1")
    assert later["gap_id"] == gap["gap_id"]
    assert (later["flagged_on"], later["flagged_return_by"]) == (date(2026, 1, 5), date(2026, 3, 6))
    assert (later["identified_on"], later["return_by"]) == (date(2026, 2, 1), date(2026, 4, 2))
    assert later["decision"] == "not_supported"


def test_a22_a_decision_taken_back_stops_the_clock() -> None:
    person = Person().dx("I639", "2025-03-01")
    (gap,) = only(gaps(person), "OIG-1")
    reviews = pl.DataFrame(
        {"gap_id": [gap["gap_id"]] * 2, "decision": ["not_supported", "supported"],
         "decided_at": [date(2026, 2, 1), date(2026, 2, 3)]}
    ).with_columns(pl.col("decided_at").cast(pl.Datetime("us")))  # fmt: skip
    (later,) = only(gaps(person, reviews=reviews), "OIG-1")
    assert (later["decision"], later["identified_on"], later["return_by"]) == ("supported", None, None)


@pytest.mark.parametrize("later_on", ["defer", "query_provider", "not_reviewable"])
def test_a22_deferring_or_asking_does_not_stop_the_clock(later_on: str) -> None:
    person = Person().dx("I639", "2025-03-01")
    (gap,) = only(gaps(person), "OIG-1")
    decided = ["not_supported", "supported", "not_supported", "not_supported", later_on]
    days = [date(2026, 1, 2), date(2026, 1, 3), date(2026, 2, 1), date(2026, 2, 5), date(2026, 2, 9)]
    reviews = pl.DataFrame({"gap_id": [gap["gap_id"]] * 5, "decision": decided, "decided_at": days}).with_columns(
        pl.col("decided_at").cast(pl.Datetime("us"))
    )
    (later,) = only(gaps(person, reviews=reviews), "OIG-1")
    # The first "not supported" after the last "supported"; 60 days after 1 February 2026 is 2 April.
    assert (later["identified_on"], later["return_by"]) == (date(2026, 2, 1), date(2026, 4, 2))
    assert later["decision"] == later_on



def test_a23_problem_list_only() -> None:
    frame = gaps(Person().problem("E11.9", "2025-03-01"), tables=("claims", "problems"))
    (row,) = only(frame, "AUD-PROBLIST")
    assert (row["hcc"], row["status"]) == (None, "informational")
    assert statuses(frame, "DOC-PROBLEM") == [("38", "open", "")]


def test_a24_the_child_is_revived_in_the_scenario() -> None:
    person = Person().dx("C787", "2025-03-01").dx("C3490", "2025-03-02").dx("C3490", "2025-04-02")
    (row,) = only(gaps(person), "AUD-SINGLE")
    assert (row["hcc"], row["falls"]) == ("17", True)


def test_oig_8_off_by_default_and_needs_a_pair_of_the_list() -> None:
    pairs = shipped_pairs()
    code, common = pairs
    person = Person().dx(code, "2025-03-01").dx(common, "2025-04-01").dx(common, "2025-05-01")
    assert "OIG-8" not in rules_found(person)
    on = switched_on("OIG-8")
    assert rules_found(person, on) == {"OIG-8"}
    assert rules_found(Person().dx(code, "2025-03-01").dx(common, "2025-04-01"), on) == set()
    assert rules_found(person.dx(code, "2025-06-01"), on) == set()


def shipped_pairs() -> tuple[str, str]:
    """A pair of the value set with a high score whose code maps in V28 and to one HCC only."""
    from tests.gaps.build import model, sets

    mapped = model("cms-hcc-v28", 2026).diagnosis_to_hcc
    single = mapped.group_by("diagnosis_code").len().filter(pl.col("len") == 1)
    table = sets().miskeyed.filter(pl.col("score").cast(pl.Int64) >= 6).join(single, on="diagnosis_code")
    first = table.sort("diagnosis_code").row(0, named=True)
    return first["diagnosis_code"], first["common_code"]


def test_oig_10_one_claim_and_no_treatment() -> None:
    assert "OIG-10" in rules_found(Person().dx("F321", "2025-03-01"))
    assert "OIG-10" not in rules_found(Person().dx("F321", "2025-03-01").fill("sertraline", "2025-03-02"))
    assert "OIG-10" not in rules_found(Person().dx("F321", "2025-03-01").did("depression_treatment", "2025-03-02"))
    assert "OIG-10" not in rules_found(Person().dx("F321", "2025-03-01").dx("F321", "2025-04-01"))


def test_oig_11_sepsis_and_ulcer() -> None:
    assert "OIG-11" in rules_found(Person().dx("A419", "2025-03-01"))
    assert "OIG-11" not in rules_found(Person().dx("A419", "2025-03-01").dx("A419", "2025-03-05", "inpatient"))
    assert "OIG-11" in rules_found(Person().dx("L89153", "2025-03-01"))
    assert "OIG-11" not in rules_found(Person().dx("L89153", "2025-03-01").did("wound_care", "2025-04-01"))


def test_oig_9_where_the_model_pays_it() -> None:
    person = Person().dx("I70211", "2024-03-01").fill("gabapentin", "2024-05-01")
    rows = only(gaps(person, year=2024, as_of="2024-12-31", models=("cms-hcc-v28", "cms-hcc-v24")), "OIG-9")
    assert [(row["model"], row["hcc"]) for row in rows] == [("cms-hcc-v24", "108")]


def test_chart_reviews_audio_and_laboratory_alone() -> None:
    assert "AUD-CRR" in rules_found(Person().dx("E119", "2025-03-01", record_type="chart_review"))
    for weak in ("AUDIO_ONLY", "WEAK_FACE_TO_FACE"):
        assert "AUD-ADDON" in rules_found(Person().dx("E119", "2025-03-01", flags=weak))
    assert "AUD-LAB" in rules_found(Person().dx("E119", "2025-03-01", place="81"))


def test_a_second_record_of_another_kind_answers_chart_review_alone() -> None:
    person = Person().dx("E119", "2025-03-01", record_type="chart_review").dx("E119", "2025-04-01")
    assert "AUD-CRR" not in rules_found(person)


def test_after_death() -> None:
    person = Person(death="2025-06-01").dx("E119", "2025-06-02").dx("I509", "2025-06-01")
    rows = only(gaps(person), "AUD-FUT")
    assert [(row["hcc"], row["falls"]) for row in rows] == [("38", True)]
    person.dx("E119", "2025-01-01")
    (row,) = only(gaps(person), "AUD-FUT")
    assert row["falls"] is False
    assert "stands on other diagnoses or claims" in row["reason"]


def test_back_after_a_delete() -> None:
    person = Person().dx("E119", "2025-03-01").delete("E119", "2025-03-01")
    assert [row["hcc"] for row in only(gaps(person), "AUD-DUPREC")] == ["38"]
    assert only(gaps(Person().dx("E119", "2025-02-28").delete("E119", "2025-03-01")), "AUD-DUPREC") == []


@pytest.mark.parametrize(
    ("claim_on", "delete_on", "found"),
    [("2025-05-01", "2025-11-01", False), ("2025-11-01", "2025-11-01", False), ("2025-11-02", "2025-11-01", True),
     (None, "2025-11-01", True), ("2025-05-01", None, True)],
)  # fmt: skip
def test_back_after_a_delete_by_the_days_of_submission(claim_on: str | None, delete_on: str | None, found: bool) -> None:
    """A visit that was submitted before the delete did not come back after it; where either day is not known, the days
    of service tell."""
    person = Person().dx("E119", "2025-04-20", claim="a")
    person.delete("E119", "2025-03-20", claim="x", on=delete_on, claims_on={"a": claim_on} if claim_on else None)
    made = candidates(person)
    rows = only(made.gaps, "AUD-DUPREC")
    assert [row["hcc"] for row in rows] == ["38"] * found
    if found:
        mine = made.evidence.filter(pl.col("gap_id") == rows[0]["gap_id"])
        told = {row["claim_id"]: (str(row["evidence_date"]), row["code"], row["value"]) for row in mine.to_dicts()}
        assert told["x"] == ("2025-03-20", "E119", f"submitted on {delete_on}" if delete_on else None)
        assert set(told) == {"a", "x"}


def test_acute_stroke_year_after_year() -> None:
    person = Person().dx("I639", "2025-03-01").dx("I639", "2024-03-01")
    assert "AUD-REPEAT" in rules_found(person)
    assert "AUD-REPEAT" not in rules_found(Person().dx("I639", "2025-03-01").dx("I639", "2023-03-01"))


def test_a_reviewer_did_not_find_it() -> None:
    tables = ("claims", "chart_findings")
    person = Person().dx("E119", "2025-03-01", claim="x").finding("E11.9", "2025-03-01", "not_supported", "x")
    (row,) = only(gaps(person, tables=tables), "AUD-CHART")
    assert (row["hcc"], row["falls"]) == ("38", True)
    other_claim = Person().dx("E119", "2025-03-01", claim="x").finding("E119", "2025-04-01", "not_supported", "y")
    assert only(gaps(other_claim, tables=tables), "AUD-CHART") == []
    supported = person.finding("E119", "2025-03-01", "supported", "x")
    assert only(gaps(supported, tables=tables), "AUD-CHART") == []


def test_a20_a21_a_record_that_supports_a_higher_hcc_validates_and_a_lower_one_does_not() -> None:
    tables = ("claims", "chart_findings")

    def reviewed(coded: str, seen: str) -> list[dict]:
        person = Person().dx(coded, "2025-03-01", claim="x").finding(coded, "2025-03-01", "not_supported", "x")
        return only(gaps(person.finding(seen, "2025-03-01", "found_not_coded", "x"), tables=tables), "AUD-CHART")

    assert reviewed("E119", "E1122") == []
    (row,) = reviewed("E1122", "E119")
    # What it is worth with HCC 38 credited: tests/gaps/test_in_question.py.
    assert (row["hcc"], row["falls"], row["credited"]) == ("37", True, True)


def test_a_table_that_covers_half_the_year_cannot_say_that_there_was_nothing() -> None:
    person = Person().dx("I2699", "2025-08-01")
    covered = {"claims": (date(2015, 1, 1), date(2025, 12, 31)), "pharmacy": (date(2025, 7, 1), date(2025, 12, 31))}
    late = replace(context(person), coverage=covered)
    (row,) = only(find_gap_candidates(late, shipped_rules()).gaps, "OIG-3")
    assert row["status"] == "indeterminate"
    in_time = replace(late, coverage={**covered, "pharmacy": (date(2025, 2, 1), date(2025, 12, 31))})
    (row,) = only(find_gap_candidates(in_time, shipped_rules()).gaps, "OIG-3")
    assert row["status"] == "open"


def test_found_by_a_reviewer_and_not_coded() -> None:
    person = Person().finding("I50.9", "2025-03-01", "found_not_coded")
    assert statuses(gaps(person, tables=("claims", "chart_findings")), "DOC-CHART") == [("226", "open", "")]


def test_unidentified_fills_weaken_what_rests_on_an_absent_drug() -> None:
    person = Person().dx("C50911", "2025-03-01").unknown_fill("2025-05-01")
    (row,) = only(gaps(person), "OIG-5")
    assert (row["status"], row["strength"]) == ("open", "medium")
    assert "nothing identifies" in row["reason"]
    (strict,) = only(gaps(person, unidentified_fills="indeterminate"), "OIG-5")
    assert (strict["status"], strict["status_reason"]) == ("indeterminate", "unidentified_fills")
    (outside,) = only(gaps(Person().dx("C50911", "2025-03-01").unknown_fill("2024-02-28")), "OIG-5")
    assert outside["strength"] == "high"
    # Every anticoagulant is found by some NDC, so unread fills say nothing about them.
    (complete,) = only(gaps(Person().dx("I2699", "2025-03-01").unknown_fill("2025-05-01")), "OIG-3")
    assert complete["strength"] == "high"


def test_other_codes_keep_the_hcc_and_speak_against_the_gap() -> None:
    person = Person().dx("C3490", "2025-03-01").dx("C259", "2025-03-02").dx("C259", "2025-04-02")
    found = candidates(person)
    (row,) = only(found.gaps, "OIG-4")
    assert (row["hcc"], row["falls"], row["candidate_diagnosis_codes"]) == ("20", False, "C3490")
    against = found.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("stance") == "against")
    assert against["code"].to_list() == ["C259"]


@pytest.mark.parametrize(
    ("code", "tables", "lacking"),
    [
        ("M069", ("claims", "observations"), "pharmacy"),
        ("M069", ("claims",), "pharmacy"),  # a laboratory result could not show an antirheumatic drug
        ("E119", ("claims",), "observations+pharmacy"),
        ("E119", ("claims", "pharmacy"), "observations"),
    ],
)
def test_only_what_the_condition_asks_is_said_to_lack(code: str, tables: tuple[str, ...], lacking: str) -> None:
    (row,) = only(gaps(Person().dx(code, "2025-03-01"), tables=tables), "AUD-MEDLESS")
    assert (row["status"], row["status_reason"]) == ("indeterminate", f"{lacking}_not_given")
    for table, option in (("pharmacy", "--pharmacy"), ("observations", "--observations")):
        assert (f"{table} ({option})" in row["reason"]) is (table in lacking)
