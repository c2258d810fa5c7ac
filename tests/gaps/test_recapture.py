"""SPEC 5.3 and cases G14 to G20: what became of last year's conditions."""

from __future__ import annotations

import pytest

from tests.gaps.build import Person, gaps, only, statuses

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
