"""SPEC 7.6, suspicions: G1 to G13 and G21; thresholds on both sides, windows on their first and last day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hcc.rules.gap_rules import load_gap_rules
from tests.gaps.build import Person, gaps, only, statuses


def ckd(*values: tuple[float, str]) -> Person:
    person = Person()
    for value, when in values:
        person.egfr(value, when)
    return person


def test_g1_the_milder_of_two_egfr_names_the_stage() -> None:
    person = ckd((42, "2026-01-10"), (40, "2026-04-15"))
    (row,) = only(gaps(person, year=2026, as_of="2026-06-30"), "CKD-1")
    assert (row["hcc"], row["candidate_diagnosis_codes"], row["status"]) == ("328", "N1832", "open")
    assert "42 on 2026-01-10" in row["reason"]
    assert "40 on 2026-04-15, 95 days apart" in row["reason"]
    assert row["strength"] == "high"
    assert str(row["last_evidence_date"]) == "2026-04-15"


def test_g2_sixty_days_apart_are_too_near() -> None:
    person = ckd((42, "2026-01-10"), (40, "2026-03-11"))
    assert only(gaps(person, year=2026, as_of="2026-06-30"), "CKD-1") == []


@pytest.mark.parametrize(("second", "found"), [("2025-04-10", False), ("2025-04-11", True)])
def test_ckd_1_counts_ninety_days_and_no_fewer(second: str, found: bool) -> None:
    # 2025-01-11 + 89 days = 2025-04-10; + 90 = 2025-04-11.
    frame = gaps(ckd((50, "2025-01-11"), (50, second)))
    assert bool(only(frame, "CKD-1")) is found


def test_g3_a_later_normal_value_is_no_suspicion() -> None:
    assert only(gaps(ckd((58, "2025-01-10"), (62, "2025-06-10"))), "CKD-1") == []


def test_ckd_1_a_normal_value_between_breaks_the_pair() -> None:
    assert only(gaps(ckd((50, "2025-01-10"), (60, "2025-03-10"), (50, "2025-06-10"))), "CKD-1") == []
    assert only(gaps(ckd((50, "2025-01-10"), (59.9, "2025-03-10"), (50, "2025-06-10"))), "CKD-1") != []


@pytest.mark.parametrize(
    ("values", "hcc"),
    [((45.0, 59.9), "329"), ((44.99, 44), "328"), ((30, 29), "328"), ((29.99, 15), "327"), ((14.99, 14), "326")],
)
def test_g4_classes_begin_at_60_45_30_15(values: tuple[float, float], hcc: str) -> None:
    frame = gaps(ckd((values[0], "2025-01-10"), (values[1], "2025-06-10")))
    assert [row[0] for row in statuses(frame, "CKD-1")] == [hcc]


def test_g4_sixty_is_no_stage() -> None:
    assert only(gaps(ckd((60, "2025-01-10"), (59, "2025-06-10"))), "CKD-1") == []


def test_g5_above_60_is_not_below_60() -> None:
    person = Person().egfr_above_60("2025-01-10").egfr_above_60("2025-06-10")
    assert only(gaps(person), "CKD-1") == []


def test_g6_the_latest_and_the_latest_ninety_days_before_it() -> None:
    frame = gaps(ckd((29, "2024-09-01"), (31, "2025-01-10"), (28, "2025-06-10")))
    assert [row[0] for row in statuses(frame, "CKD-1")] == ["328"]


def test_g7_coded_already_or_worse() -> None:
    values = ((40, "2025-01-10"), (40, "2025-06-10"))
    assert only(gaps(ckd(*values).dx("N1832", "2025-07-01")), "CKD-1") == []
    frame = gaps(ckd(*values).dx("N184", "2025-07-01"))
    assert statuses(frame, "CKD-1") == [("328", "closed", "captured_above")]
    assert "HCC 327" in only(frame, "CKD-1")[0]["reason"]
    assert [row["candidate_diagnosis_codes"] for row in only(frame, "AUD-CKD")] == ["N184"]


@pytest.mark.parametrize(("first", "found"), [("2023-12-31", True), ("2023-12-30", False)])
def test_ckd_1_looks_back_24_months_to_the_day(first: str, found: bool) -> None:
    frame = gaps(ckd((50, first), (50, "2025-06-10")), as_of="2025-12-31")
    assert bool(only(frame, "CKD-1")) is found


def test_nothing_after_as_of_is_used() -> None:
    person = ckd((50, "2025-01-10"), (50, "2025-06-10"))
    assert only(gaps(person, as_of="2025-06-09"), "CKD-1") == []
    assert only(gaps(person, as_of="2025-06-10"), "CKD-1") != []


@pytest.mark.parametrize(
    ("stay", "found"), [("2025-05-11", False), ("2025-07-10", False), ("2025-05-10", True), ("2025-07-11", True)]
)
def test_ckd_1_no_result_within_thirty_days_of_a_stay_for_acute_injury(stay: str, found: bool) -> None:
    person = ckd((50, "2025-01-10"), (50, "2025-06-10")).dx("N179", stay, "inpatient")
    assert bool(only(gaps(person), "CKD-1")) is found


def test_ckd_1_an_office_claim_of_acute_injury_is_no_stay() -> None:
    assert only(gaps(ckd((50, "2025-01-10"), (50, "2025-06-10")).dx("N179", "2025-06-10")), "CKD-1") != []


def test_ckd_1_not_on_dialysis_or_after_a_kidney_transplant() -> None:
    values = ((50, "2025-01-10"), (50, "2025-06-10"))
    assert only(gaps(ckd(*values).did("dialysis", "2024-03-01")), "CKD-1") == []
    assert only(gaps(ckd(*values).dx("Z940", "2024-03-01")), "CKD-1") == []


def test_ckd_1_one_day_counts_with_its_highest_value() -> None:
    frame = gaps(ckd((50, "2025-01-10"), (40, "2025-06-10"), (61, "2025-06-10")))
    assert only(frame, "CKD-1") == []


def test_ckd_1_fallback_codes_only_where_nothing_else_is() -> None:
    fallback = Person("a").egfr(50, "2025-01-10", use="fallback").egfr(50, "2025-06-10", use="fallback")
    both = (
        Person("b").egfr(50, "2025-01-10", use="fallback").egfr(50, "2025-06-10", use="fallback").egfr(70, "2025-02-10")
    )
    assert [row["member_id"] for row in only(gaps(fallback, both), "CKD-1")] == ["a"]


@pytest.mark.parametrize(("value", "found"), [(40.0, True), (39.99, False)])
def test_g8_bmi_of_forty(value: float, found: bool) -> None:
    frame = gaps(Person().result("bmi", "2025-03-01", value))
    assert bool(only(frame, "OB-1")) is found


def test_ob_1_the_latest_value_of_the_year_decides() -> None:
    falling = Person("a").result("bmi", "2025-03-01", 41).result("bmi", "2025-09-01", 38)
    rising = Person("b").result("bmi", "2025-03-01", 38).result("bmi", "2025-09-01", 41)
    twice = Person("c").result("bmi", "2025-03-01", 42).result("bmi", "2025-09-01", 41)
    before = Person("d").result("bmi", "2024-12-31", 42)
    rows = only(gaps(falling, rising, twice, before), "OB-1")
    assert [(row["member_id"], row["strength"]) for row in rows] == [("b", "medium"), ("c", "high")]


@pytest.mark.parametrize(("value", "found"), [(6.5, True), (6.4, False)])
def test_g10_hba1c_twice(value: float, found: bool) -> None:
    frame = gaps(Person().result("hba1c", "2025-01-10", value).result("hba1c", "2025-01-11", value))
    assert bool(only(frame, "DM-1")) is found


def test_dm_1_once_needs_a_drug_or_another_test() -> None:
    once = Person("a").result("hba1c", "2025-01-10", 7)
    with_drug = Person("b").result("hba1c", "2025-01-10", 7).fill("metformin", "2025-02-01")
    glucose = Person("c").result("fpg", "2025-01-10", 126).result("fpg", "2025-02-10", 126)
    low = Person("d").result("fpg", "2025-01-10", 125.9).result("fpg", "2025-02-10", 126)
    random = Person("e").result("glucose_random", "2025-01-10", 200, use="support").result("hba1c", "2025-01-10", 6.5)
    rows = only(gaps(once, with_drug, glucose, low, random), "DM-1")
    assert [row["member_id"] for row in rows] == ["b", "c", "e"]


def test_g11_metformin_alone_with_pcos() -> None:
    person = Person().fill("metformin", "2025-02-01").result("hba1c", "2025-02-01", 5.6).dx("E282", "2025-02-01")
    frame = gaps(person)
    assert only(frame, "DM-1") == []
    assert only(frame, "DM-2") == []


def test_g12_a_weight_brand_is_no_diabetes() -> None:
    person = Person().fill("semaglutide", "2025-02-01", flags="weight_only").dx("E6601", "2025-02-01")
    frame = gaps(person)
    assert [row["rule_id"] for row in frame.to_dicts() if row["rule_id"].startswith("DM")] == []


def test_dm_2_strengths() -> None:
    weak = Person("a").fill("metformin", "2025-02-01")
    specific = Person("b").fill("glipizide", "2025-02-01")
    two = Person("c").fill("metformin", "2025-02-01").fill("empagliflozin", "2025-03-01")
    heart = Person("d").fill("empagliflozin", "2025-03-01").dx("I509", "2025-01-01")
    rows = only(gaps(weak, specific, two, heart), "DM-2")
    assert [(row["member_id"], row["status"], row["status_reason"], row["strength"]) for row in rows] == [
        ("a", "suppressed", "low_strength", "low"),
        ("b", "open", "", "medium"),
        ("c", "open", "", "medium"),
    ]


def test_a_low_rule_that_the_user_switched_on_is_open_and_stays_low(tmp_path: Path) -> None:
    """Low ones are off by default (SPEC R-5.16); whoever asks for one gets questions, not suppressed rows."""
    (tmp_path / "mine.toml").write_text('on = ["OB-2"]\n')
    person = Person("a").result("bmi", "2025-05-05", 36.0).dx("I10", "2025-05-05")
    metformin = Person("b").fill("metformin", "2025-02-01")
    frame = gaps(person, metformin, rules=load_gap_rules(tmp_path / "mine.toml"))
    (row,) = only(frame, "OB-2")
    assert (row["status"], row["status_reason"], row["strength"]) == ("open", "", "low")
    # Low branches of rules that are on anyway stay as they were.
    (row,) = only(frame, "DM-2")
    assert (row["status"], row["status_reason"], row["strength"]) == ("suppressed", "low_strength", "low")


def test_dm_3_two_fills_of_insulin_on_two_days() -> None:
    one = Person("a").fill("insulin glargine", "2025-02-01").fill("insulin lispro", "2025-02-01")
    two = Person("b").fill("insulin glargine", "2025-02-01").fill("insulin glargine", "2025-02-02")
    coded = (
        Person("c")
        .fill("insulin glargine", "2025-02-01")
        .fill("insulin glargine", "2025-02-02")
        .dx("E1165", "2025-01-01")
    )
    assert [row["member_id"] for row in only(gaps(one, two, coded), "DM-3")] == ["b"]


def test_g13_prevention_of_hiv_is_no_hiv() -> None:
    prep = (
        Person("a")
        .fill("emtricitabine", "2025-02-01", flags="prep_possible")
        .fill("emtricitabine", "2025-03-01", flags="prep_possible")
    )
    treated = Person("b").fill("dolutegravir", "2025-02-01").fill("dolutegravir", "2025-03-01")
    assert [row["member_id"] for row in only(gaps(prep, treated), "HIV-1")] == ["b"]


def test_g21_a_suspicion_below_what_is_captured_is_closed() -> None:
    person = Person().result("hba1c", "2025-01-10", 7).result("hba1c", "2025-02-10", 7).dx("E1100", "2025-05-01")
    assert statuses(gaps(person), "DM-1") == [("38", "closed", "captured_above")]


def test_dm_4_needs_both_in_the_year() -> None:
    both = Person("a").dx("E119", "2025-01-01").dx("N181", "2025-02-01")
    together = Person("b").dx("E119", "2025-01-01").dx("N1831", "2025-02-01").dx("E1122", "2025-03-01")
    by_lab = Person("c").dx("E119", "2025-01-01").egfr(50, "2025-01-10").egfr(50, "2025-06-10")
    alone = Person("d").dx("E119", "2025-01-01")
    type_1 = Person("e").dx("E109", "2025-01-01").dx("N189", "2025-02-01")
    rows = only(gaps(both, together, by_lab, alone, type_1), "DM-4")
    assert [(row["member_id"], row["candidate_diagnosis_codes"]) for row in rows] == [
        ("a", "E1122"),
        ("c", "E1122"),
        ("e", "E1022"),
    ]


@pytest.mark.parametrize(("value", "found"), [(40, True), (40.1, False)])
def test_hf_1_ejection_fraction(value: float, found: bool) -> None:
    assert bool(only(gaps(Person().result("lvef", "2025-03-01", value)), "HF-1")) is found


def test_hf_1_the_upper_end_of_a_range_counts() -> None:
    frame = gaps(Person().result("lvef_upper_limit", "2025-03-01", 35, use="range"))
    assert len(only(frame, "HF-1")) == 1


@pytest.mark.parametrize(
    ("birth", "value", "found"),
    [("1980-01-01", 450, True), ("1980-01-01", 449, False), ("1960-01-01", 899, False), ("1960-01-01", 900, True),
     ("1945-01-01", 1799, False), ("1945-01-01", 1800, True)],
)  # fmt: skip
def test_hf_2_limits_by_age(birth: str, value: float, found: bool) -> None:
    person = Person(birth=birth).fill("furosemide", "2025-01-01").fill("furosemide", "2025-02-01")
    assert bool(only(gaps(person.result("ntprobnp", "2025-03-01", value)), "HF-2")) is found


def test_hf_2_not_with_cirrhosis_or_end_stage_kidney() -> None:
    def person(name: str) -> Person:
        fills = Person(name).fill("furosemide", "2025-01-01").fill("furosemide", "2025-02-01")
        return fills.result("bnp", "2025-03-01", 100)

    rows = only(gaps(person("a"), person("b").dx("K7460", "2025-01-01"), person("c").dx("N186", "2025-01-01")), "HF-2")
    assert [row["member_id"] for row in rows] == ["a"]


def test_copd_1_needs_two_inhalers_at_forty_without_asthma() -> None:
    def person(name: str, birth: str = "1950-01-01") -> Person:
        return (
            Person(name, birth=birth)
            .fill("tiotropium", "2025-01-01", route="inhaled")
            .fill("tiotropium", "2025-02-01", route="inhaled")
        )

    # Age on 31 December 2024, the data-collection year: 39 and 40.
    young, older = person("b", "1985-01-01"), person("e", "1984-12-31")
    asthma = person("c").dx("J4520", "2025-01-01")
    rows = only(gaps(person("a"), young, asthma, older, year=2024, as_of="2025-03-01"), "COPD-1")
    assert [row["member_id"] for row in rows] == ["a", "e"]


@pytest.mark.parametrize(("value", "found"), [(69.9, True), (70, False)])
def test_copd_2_ratio(value: float, found: bool) -> None:
    assert bool(only(gaps(Person().result("fev1_fvc", "2025-03-01", value)), "COPD-2")) is found


def test_rf_1_needs_oxygen_in_two_months_and_a_low_value() -> None:
    oxygen = Person("a").did("home_oxygen", "2025-01-01").did("home_oxygen", "2025-02-01")
    low = Person("b").did("home_oxygen", "2025-01-01").did("home_oxygen", "2025-02-01").result("spo2", "2025-01-01", 88)
    high = (
        Person("c").did("home_oxygen", "2025-01-01").did("home_oxygen", "2025-02-01").result("spo2", "2025-01-01", 88.1)
    )
    one = Person("d").did("home_oxygen", "2025-01-01").result("pao2", "2025-01-01", 55)
    gas = Person("e").did("home_oxygen", "2025-01-01").did("home_oxygen", "2025-02-01").result("pao2", "2025-01-01", 55)
    assert [row["member_id"] for row in only(gaps(oxygen, low, high, one, gas), "RF-1")] == ["b", "e"]


def test_af_1_and_its_other_reasons() -> None:
    def person(name: str, second: str = "2025-03-01") -> Person:
        return Person(name).fill("rivaroxaban", "2025-01-01").fill("rivaroxaban", second)

    frame = gaps(
        person("a"), person("b").dx("I2699", "2025-01-01"), person("c").dx("Z952", "2025-01-01"),
        person("d", "2025-02-01").dx("Z96651", "2025-01-01"), person("e").dx("Z96651", "2025-01-01"),
    )  # fmt: skip
    assert [row["member_id"] for row in only(frame, "AF-1")] == ["a", "e"]


def test_mdd_1_the_highest_of_the_last_three() -> None:
    old = Person("a").result("phq9", "2025-01-01", 20)
    for when in ("2025-02-01", "2025-03-01", "2025-04-01"):
        old.result("phq9", when, 5)
    recent = (
        Person("b").result("phq9", "2025-02-01", 15).result("phq9", "2025-03-01", 5).result("phq9", "2025-04-01", 5)
    )
    below = Person("c").result("phq9", "2025-02-01", 14)
    rows = only(gaps(old, recent, below), "MDD-1")
    assert [(row["member_id"], row["hcc"], row["status"]) for row in rows] == [("b", "155", "open")]


@pytest.mark.parametrize("again", [9, 8])
def test_mdd_1_results_of_one_day_are_one(again: float) -> None:
    """The last of three results delivered twice, or with a second value of its day: three days all the same."""
    person = Person()
    for when, value in (("2025-05-01", 19), ("2025-07-01", 10), ("2025-11-01", 9), ("2025-11-01", again)):
        person.result("phq9", when, value)
    assert [row["status"] for row in only(gaps(person), "MDD-1")] == ["open"]
    person.result("phq9", "2025-12-01", 9)
    assert only(gaps(person), "MDD-1") == []


def test_ca_1_chemotherapy_without_cancer() -> None:
    alone = Person("a").did("chemo_drug", "2025-06-01", evidence="strong")
    coded = Person("b").did("chemo_drug", "2025-06-01", evidence="strong").dx("C4492", "2025-05-01")
    earlier = Person("c").did("chemo_drug", "2024-12-30", evidence="strong")
    rows = only(gaps(alone, coded, earlier), "CA-1")
    assert [(row["member_id"], row["strength"]) for row in rows] == [("a", "high")]


def test_amp_1_from_any_year() -> None:
    person = Person().did("amputation_lower_limb", "2016-06-01")
    assert statuses(gaps(person), "AMP-1") == [("409", "open", "")]


def test_ost_1_two_days_of_the_year() -> None:
    two = Person("a").did("ostomy_supply", "2025-01-01").did("ostomy_supply", "2025-12-31")
    straddling = Person("b").did("ostomy_supply", "2024-12-31").did("ostomy_supply", "2025-12-31")
    assert [row["member_id"] for row in only(gaps(two, straddling), "OST-1")] == ["a"]


def test_tx_1_names_the_organ_or_only_remarks() -> None:
    def person(name: str) -> Person:
        return (
            Person(name).fill("tacrolimus", "2025-01-01", route="oral").fill("tacrolimus", "2025-02-01", route="oral")
        )

    frame = gaps(person("a").dx("Z944", "2024-01-01"), person("b"), person("c").dx("Z940", "2024-01-01"))
    rows = only(frame, "TX-1")
    assert [(row["member_id"], row["hcc"], row["status"]) for row in rows] == [
        ("a", "62", "open"), ("b", None, "informational"),
    ]  # fmt: skip


def test_hcv_1_ends_when_the_virus_is_gone() -> None:
    found = Person("a").result("hcv_rna", "2025-01-01", finding="positive")
    cured = (
        Person("b")
        .result("hcv_rna", "2025-01-01", finding="positive")
        .result("hcv_rna", "2025-06-01", finding="negative")
    )
    assert [row["member_id"] for row in only(gaps(found, cured), "HCV-1")] == ["a"]


def test_rows_that_depend_on_low_strength_rules_are_off() -> None:
    person = (
        Person()
        .result("albumin", "2025-01-01", 2.5)
        .result("platelets", "2025-01-01", 50)
        .result("platelets", "2025-06-01", 50)
    )
    assert {row["rule_id"] for row in gaps(person).to_dicts()} & {"PLT-1", "MAL-1", "HEP-1"} == set()


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (Person(part_b_months=11), "new_enrollee"),
        (Person(death="2025-12-31"), "died"),
        (Person(hospice=True), "hospice"),
        (Person(disenrolled=True), "disenrolled"),
    ],
)
def test_suspicions_about_those_nobody_can_ask_are_suppressed(person: Person, reason: str) -> None:
    person.result("hba1c", "2025-01-10", 7).result("hba1c", "2025-02-10", 7)
    assert statuses(gaps(person), "DM-1") == [("38", "suppressed", reason)]


def test_a_death_after_as_of_is_not_known_yet() -> None:
    person = Person(death="2026-01-01").result("hba1c", "2025-01-10", 7).result("hba1c", "2025-02-10", 7)
    assert statuses(gaps(person), "DM-1") == [("38", "open", "")]


def test_captured_on_an_ineligible_record_only_is_a_remark() -> None:
    person = Person().result("hba1c", "2025-01-10", 7).result("hba1c", "2025-02-10", 7)
    person.dx("E119", "2025-03-01", counted=False)
    (row,) = only(gaps(person), "DM-1")
    assert (row["hcc"], row["status"], row["status_reason"]) == (None, "informational", "ineligible_record")


def test_a_remark_is_about_all_that_its_rule_found() -> None:
    person = (
        Person()
        .fill("buprenorphine", "2025-02-01").fill("acamprosate", "2025-02-02")
        .dx("F1120", "2025-03-01", counted=False).dx("F1020", "2025-03-01", counted=False)
    )  # fmt: skip
    (row,) = only(gaps(person), "SUD-1")
    assert (row["status"], row["hcc"], row["candidate_diagnosis_codes"]) == ("informational", None, "F1020,F1120")
    assert "opioid" in row["reason"]
    assert "acamprosate" in row["reason"]


@pytest.mark.parametrize(("year", "codes"), [(2024, "G35"), (2025, "G35,G35D"), (2026, "G35D")])
def test_a_candidate_code_is_valid_in_the_year(year: int, codes: str) -> None:
    """ICD-10-CM of 2025-10-01 put G35.A to G35.D in the place of G35; in 2025 both can be coded."""
    person = Person().fill("glatiramer", f"{year}-03-01")
    (row,) = only(gaps(person, year=year, as_of=f"{year}-12-31"), "MS-1")
    assert (row["hcc"], row["status"], row["candidate_diagnosis_codes"]) == ("198", "open", codes)


def test_a_higher_hcc_on_an_ineligible_record_is_named() -> None:
    """Two eGFR of 42 speak for stage 3b (N18.32, HCC 328); stage 5 (N18.5, HCC 326) stands on a laboratory claim."""
    person = Person().egfr(42, "2025-01-10").egfr(42, "2025-06-10").dx("N185", "2025-03-01", counted=False, place="81")
    (row,) = only(gaps(person), "CKD-1")
    assert (row["hcc"], row["status"], row["status_reason"]) == (None, "informational", "ineligible_record")
    assert "The condition is coded" not in row["reason"]
    assert (
        "HCC 326, which stands above it, is coded in 2025, but only on records that do not count for the score."
        in row["reason"]
    )


def test_the_condition_itself_on_an_ineligible_record_is_told_so() -> None:
    person = Person().egfr(42, "2025-01-10").egfr(42, "2025-06-10").dx("N1832", "2025-03-01", counted=False, place="81")
    person.dx("N185", "2025-03-02", counted=False, place="81")
    (row,) = only(gaps(person), "CKD-1")
    assert "The condition is coded in 2025, but only on records that do not count for the score." in row["reason"]
    assert "HCC 326" not in row["reason"]


@pytest.mark.parametrize(("sex", "hcc"), [("F", "23"), ("M", None)])
def test_fulvestrant_is_given_for_breast_cancer(sex: str, hcc: str | None) -> None:
    """J9395 is fulvestrant, an anti-oestrogen (ATC L02BA03): in a man it says nothing of the prostate. C50.919 = HCC 23."""
    person = Person(sex=sex)
    person.procedures.append(
        {"claim_id": "p", "date": date(2025, 5, 1), "concept": "endocrine_cancer_drug", "evidence": "include",
         "code": "J9395", "place_of_service": "11", "rendering_npi": None}
    )  # fmt: skip
    assert [row["hcc"] for row in only(gaps(person), "CA-2")] == ([hcc] if hcc else [])
