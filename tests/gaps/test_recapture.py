"""SPEC 5.3 and cases G14 to G20: what became of last year's conditions."""

from __future__ import annotations

import polars as pl
import pytest

from tests.gaps.build import Person, candidates, gaps, only, statuses

# V28: E11.9 = 38, E11.22 = 37, I50.9 = 226, I50.84 = 222, N18.5 = 326, N18.31 = 329, K72.10 = 63, Z94.4 = 62.


def recapture(person: Person, **options) -> list[tuple[str, str, str]]:
    return statuses(gaps(person, **options), "RECAPTURE")


def test_g14_higher_in_the_family() -> None:
    person = Person().dx("E119", "2024-05-01").dx("E1122", "2025-05-01")
    assert ("38", "closed", "higher") in recapture(person)


def test_g15_equivalent_by_coefficient() -> None:
    person = Person().dx("E1122", "2024-05-01").dx("E119", "2025-05-01")
    assert ("37", "closed", "equivalent") in recapture(person)


def test_g16_lower_asks_a_clinician() -> None:
    person = Person().dx("N185", "2024-05-01").dx("N1831", "2025-05-01")
    frame = gaps(person)
    assert ("326", "closed", "lower") in statuses(frame, "RECAPTURE")
    (row,) = [row for row in only(frame, "RECAPTURE") if row["hcc"] == "326"]
    assert "clinician" in row["reason"]


def test_g17_open() -> None:
    (row,) = only(gaps(Person().dx("I509", "2024-05-01")), "RECAPTURE")
    assert (row["hcc"], row["status"], row["candidate_diagnosis_codes"]) == ("226", "open", "I509")
    assert str(row["last_evidence_date"]) == "2024-05-01"
    assert "2024-05-01" in row["reason"]


def test_the_codes_of_all_years_are_told() -> None:
    person = Person().dx("E1122", "2023-05-01").dx("E1142", "2024-05-01").dx("E1122", "2023-06-01")
    (row,) = only(gaps(person), "RECAPTURE")
    assert row["reason"].startswith("HCC 37 (")
    assert "was counted in 2023 and 2024 by E11.22, E11.42, last on 2024-05-01" in row["reason"]
    assert row["candidate_diagnosis_codes"] == "E1142"


def claims_named(person: Person, hcc: str) -> list[tuple]:
    found = candidates(person)
    (gap,) = [row["gap_id"] for row in only(found.gaps, "RECAPTURE") if row["hcc"] == hcc]
    rows = found.evidence.filter(pl.col("gap_id") == gap).sort("claim_id", "code")
    return [(row["claim_id"], str(row["evidence_date"]), row["code"], row["description"]) for row in rows.to_dicts()]


def test_the_evidence_names_each_earlier_claim() -> None:
    person = Person().dx("E1122", "2023-05-01", claim="a").dx("E1142", "2024-05-01", claim="b")
    person.dx("E1122", "2024-05-01", claim="b").dx("I509", "2024-06-01", claim="other").dx("E1122", "2022-05-01")
    assert claims_named(person, "37") == [
        ("a", "2023-05-01", "E1122", "counted in 2023"),
        ("b", "2024-05-01", "E1122", "counted in 2024"),
        ("b", "2024-05-01", "E1142", "counted in 2024"),
    ]


def test_the_evidence_names_no_claim_of_an_acute_episode() -> None:
    person = Person().dx("J9611", "2023-05-01", claim="a").dx("J9601", "2024-05-01", claim="b")
    assert claims_named(person, "213") == [("a", "2023-05-01", "J9611", "counted in 2023")]


@pytest.mark.parametrize("code", ["I639", "I214", "J9601"])
def test_g18_acute_conditions_are_no_gap(code: str) -> None:
    assert [row[1:] for row in recapture(Person().dx(code, "2024-05-01"))] == [("suppressed", "acute")]


def test_chronic_respiratory_failure_is_recaptured() -> None:
    assert recapture(Person().dx("J9611", "2024-05-01")) == [("213", "open", "")]


def test_g19_a_code_that_maps_nowhere_now() -> None:
    assert recapture(Person().dx("I700", "2024-05-01")) == []


def test_g20_a_parent_with_a_lower_coefficient_closes_too() -> None:
    person = Person().dx("K7210", "2024-05-01").dx("Z944", "2025-05-01")
    assert ("63", "closed", "higher") in recapture(person)


def test_same_and_new() -> None:
    person = Person().dx("I509", "2024-05-01").dx("I509", "2025-05-01").dx("E119", "2025-05-01")
    assert recapture(person) == [("226", "closed", "same"), ("38", "closed", "new")]


def test_what_comes_after_as_of_closes_nothing() -> None:
    person = Person().dx("I509", "2024-05-01").dx("I509", "2025-05-01")
    assert recapture(person, as_of="2025-04-30") == [("226", "open", "")]
    assert recapture(person, as_of="2025-05-01") == [("226", "closed", "same")]


def test_an_ineligible_record_closes_nothing() -> None:
    person = Person().dx("I509", "2024-05-01").dx("I509", "2025-05-01", counted=False, reason="UNLINKED_CRR")
    assert recapture(person) == [("226", "open", "")]


@pytest.mark.parametrize(("when", "found"), [("2023-01-01", True), ("2022-12-31", False)])
def test_two_years_are_looked_back_on(when: str, found: bool) -> None:
    assert bool(recapture(Person().dx("I509", when))) is found


def test_only_eligible_diagnoses_of_earlier_years() -> None:
    assert recapture(Person().dx("I509", "2024-05-01", counted=False)) == []


@pytest.mark.parametrize(
    ("person", "why"),
    [
        (Person(part_b_months=6), "new_enrollee"), (Person(disenrolled=True), "disenrolled"),
        (Person(death="2025-06-01"), "died"), (Person(hospice=True), "hospice"),
    ],
)  # fmt: skip
def test_suppressed_members(person: Person, why: str) -> None:
    assert recapture(person.dx("I509", "2024-05-01")) == [("226", "suppressed", why)]


def test_without_history_there_is_nothing_to_judge() -> None:
    from tests.gaps.build import candidates

    found = candidates(Person().dx("I509", "2025-05-01"), tables=("claims",))
    assert only(found.gaps, "RECAPTURE") == []
    assert ("RECAPTURE", "history", "--history") in found.unjudged.select("rule_id", "table", "option").rows()


# ICD-level where an HCC mixes (SPEC, notes to the value sets). V28: 155 = F33.1 and self-harm (CCIR 1 and 0, 9);
# 202 = R40.20 (0), G93.1 (1) and the coma scale (9); 267 = I82.501, I27.82 (1), I82.401, I26.99 (0); 1 = B20 (1), Z21 (9).


@pytest.mark.parametrize(
    "code", ["T50902A", "T391X2A", "R4588", "X710XXA", "R4020", "R402120", "I82401", "I2699", "B9735"]
)
def test_an_acute_code_of_a_mixed_hcc_is_no_gap(code: str) -> None:
    assert [row[1:] for row in recapture(Person().dx(code, "2024-05-01"))] == [("suppressed", "acute")]


@pytest.mark.parametrize(
    ("code", "hcc"),
    [("F331", "155"), ("G931", "202"), ("I82501", "267"), ("I2782", "267"), ("B20", "1"), ("Z21", "1"), ("F315", "152"),
     ("K743", "68"), ("D613", "109")],
)  # fmt: skip
def test_a_chronic_code_of_a_mixed_hcc_is_recaptured(code: str, hcc: str) -> None:
    assert recapture(Person().dx(code, "2024-05-01")) == [(hcc, "open", "")]


# names 405 as not chronic and 211 as acute; neither mixes with anything that CCIR would tell apart.
@pytest.mark.parametrize("code", ["S88011A", "Z930"])
def test_hccs_that_the_specification_names_as_acute_stay_so(code: str) -> None:
    assert [row[1:] for row in recapture(Person().dx(code, "2024-05-01"))] == [("suppressed", "acute")]


@pytest.mark.parametrize(
    ("model", "year", "code", "expected"),
    [
        ("cms-hcc-v24", 2024, "T50902A", ("59", "suppressed", "acute")), ("cms-hcc-v24", 2024, "F319", ("59", "open", "")),
        ("cms-hcc-v24", 2024, "I82401", ("108", "suppressed", "acute")), ("cms-hcc-v24", 2024, "I82501", ("108", "open", "")),
        ("cms-hcc-v24", 2024, "R4020", ("80", "suppressed", "acute")), ("cms-hcc-v24", 2024, "Z930", ("82", "suppressed", "acute")),
        ("cms-hcc-v22", 2025, "I639", ("100", "suppressed", "acute")), ("cms-hcc-v22", 2025, "J9611", ("84", "open", "")),
        ("cms-hcc-v22", 2025, "R4588", ("58", "suppressed", "acute")), ("rxhcc-v08:x", 2025, "R4588", ("132", "suppressed", "acute")),
        ("rxhcc-v08:x", 2025, "I82401", ("215", "suppressed", "acute")), ("rxhcc-v08:x", 2025, "F331", ("132", "open", "")),
        ("rxhcc-v08:x", 2025, "B59", ("5", "suppressed", "acute")), ("rxhcc-v08:x", 2025, "B1710", ("55", "suppressed", "acute")),
        ("rxhcc-v08:x", 2025, "M84474A", ("87", "suppressed", "acute")), ("rxhcc-v08:x", 2025, "M810", ("87", "open", "")),
        ("rxhcc-v08:x", 2025, "T81502A", ("261", "suppressed", "acute")), ("rxhcc-v08:x", 2025, "Z992", ("261", "open", "")),
    ],
)  # fmt: skip
def test_the_same_holds_in_the_other_models(model: str, year: int, code: str, expected: tuple[str, str, str]) -> None:
    person = Person().dx(code, f"{year - 1}-05-01")
    assert recapture(person, year=year, as_of=f"{year}-12-31", models=(model,)) == [expected]


def test_an_acute_year_after_a_chronic_one_closes_nothing() -> None:
    """Two years are looked back on; more evidence cannot make a gap go."""
    person = Person().dx("J9611", "2023-05-01").dx("J9601", "2024-06-01")
    (row,) = only(gaps(person), "RECAPTURE")
    assert (row["hcc"], row["status"], row["candidate_diagnosis_codes"]) == ("213", "open", "J9611")
    assert "J96.11" in row["reason"]
    assert "2023" in row["reason"]
    assert "J96.01" not in row["reason"]
    assert "2024" not in row["reason"]
    assert str(row["last_evidence_date"]) == "2023-05-01"


def test_an_acute_code_beside_a_chronic_one_is_no_candidate() -> None:
    person = Person().dx("F331", "2024-05-01").dx("T50902A", "2024-06-01")
    (row,) = only(gaps(person), "RECAPTURE")
    assert (row["status"], row["candidate_diagnosis_codes"]) == ("open", "F331")


def test_an_acute_code_of_earlier_years_is_not_new() -> None:
    person = Person().dx("J9611", "2023-05-01").dx("J9601", "2024-06-01").dx("J9601", "2025-06-01")
    assert recapture(person) == [("213", "closed", "same")]


def test_a_code_retired_before_the_year_gives_its_successors() -> None:
    """G35 ended on 2025-09-30: in a year of services 2026 only its successors can be coded; the reason names G35."""
    person = Person().dx("G35", "2025-03-01")
    (row,) = only(gaps(person, year=2026, as_of="2026-12-31"), "RECAPTURE")
    assert (row["hcc"], row["status"]) == ("198", "open")
    assert row["candidate_diagnosis_codes"] == "G35A,G35B0,G35B1,G35B2,G35C0,G35C1,G35C2,G35D"
    assert "by G35," in row["reason"]
    assert "G35.A" not in row["reason"]


def test_a_code_that_ends_within_the_year_stays() -> None:
    person = Person().dx("G35", "2024-03-01")
    (row,) = only(gaps(person), "RECAPTURE")
    assert row["candidate_diagnosis_codes"] == "G35"


@pytest.mark.parametrize("code", ["I509", "I420", "I5084"])
def test_an_assist_device_that_does_not_count_closes_nothing(code: str) -> None:
    """V28 drops HCC 223 (Z95.811) without another heart failure HCC (SPEC R-2.15), so nothing of 222, 226 or 227 is in
    the score; 223 stands above 226 and 227 and has the coefficient of 222."""
    person = Person().dx(code, "2024-05-01").dx("Z95811", "2025-03-01")
    hcc = {"I509": "226", "I420": "227", "I5084": "222"}[code]
    assert (hcc, "open", "") in statuses(gaps(person), "RECAPTURE")


def test_an_assist_device_that_counts_closes_what_is_below() -> None:
    person = Person().dx("I420", "2024-05-01").dx("Z95811", "2025-03-01").dx("I509", "2025-03-01")
    assert ("227", "closed", "higher") in statuses(gaps(person), "RECAPTURE")


def test_an_assist_device_that_does_not_count_hides_no_suspicion() -> None:
    person = Person().dx("Z95811", "2025-03-01").result("lvef", "2025-01-10", 25)
    assert statuses(gaps(person), "HF-1") == [("226", "open", "")]


@pytest.mark.parametrize("code", ["I639", "A419", "I214", "J9601"])
def test_an_acute_condition_of_a_problem_list_is_suppressed(code: str) -> None:
    """SPEC R-5.7, as recapture does; a list keeps what is over."""
    tables = ("claims", "history", "problems", "chart_findings")
    (row,) = only(gaps(Person().problem(code, "2025-03-01"), tables=tables), "DOC-PROBLEM")
    assert (row["status"], row["status_reason"]) == ("suppressed", "acute")
    assert "acute" in row["reason"]
    # A reviewer read it in a record of the year.
    noted = gaps(Person().finding(code, "2025-03-01", "found_not_coded"), tables=tables)
    assert [row["status"] for row in only(noted, "DOC-CHART")] == ["open"]
    # And what is captured is asked of nobody.
    coded = Person().problem(code, "2025-03-01").dx(code, "2025-03-01", "inpatient")
    assert only(gaps(coded, tables=tables), "DOC-PROBLEM") == []


def test_a_chronic_code_beside_an_acute_one_of_the_problem_list_stays() -> None:
    person = Person().problem("J9601", "2025-03-01").problem("J9611", "2025-04-01")
    (row,) = only(gaps(person, tables=("claims", "problems")), "DOC-PROBLEM")
    assert (row["status"], row["candidate_diagnosis_codes"]) == ("open", "J9611")


def test_what_is_coded_on_records_that_do_not_count_is_told() -> None:
    """The question stays open, and the reader sees the laboratory claim that carries the code."""
    person = Person().dx("I5032", "2024-05-14").dx("I5032", "2025-06-14", claim="lab", counted=False)
    found = candidates(person)
    (row,) = [row for row in only(found.gaps, "RECAPTURE") if row["status"] == "open"]
    assert row["reason"].endswith(
        " is not counted in 2025. The condition is coded in 2025, but only on records that do not count for the score."
    )
    mine = found.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("claim_id") == "lab")
    assert mine.cast({"stance": pl.String}).select("stance", "code", "value").rows() == [
        ("context", "I5032", "professional, place of service 11, does not count: RECORD_INELIGIBLE(H)")
    ]
    (bare,) = only(gaps(Person().dx("I5032", "2024-05-14")), "RECAPTURE")
    assert bare["reason"].endswith(" is not counted in 2025.")
