"""Stroke and intracranial haemorrhage out of place and out of time (SPEC R-6.7, its checks by date of service)."""

from __future__ import annotations

import polars as pl
import pytest

from tests.gaps.build import Person, candidates, gaps, only

AFTER = {"I639": "AUD-STROKE-LATE", "I609": "AUD-BLEED-LATE", "I619": "AUD-BLEED-LATE", "I6201": "AUD-BLEED-LATE"}


def open_rules(person: Person, **options: object) -> set[str]:
    return set(gaps(person, **options).filter(pl.col("status") == "open")["rule_id"].cast(pl.String))


def stay(code: str, until: str = "2025-02-05", since: str = "2025-02-01") -> Person:
    return Person().dx(code, until, "inpatient", place="21", since=since)


@pytest.mark.parametrize("code", AFTER)
@pytest.mark.parametrize(("office", "found"), [("2025-02-05", False), ("2025-02-06", True), ("2025-05-01", True)])
def test_at_an_office_after_the_hospital_stay(code: str, office: str, found: bool) -> None:
    """Any office claim after the discharge; the day of the discharge is not after it."""
    assert (AFTER[code] in open_rules(stay(code).dx(code, office))) is found


@pytest.mark.parametrize("code", AFTER)
def test_in_hospital_only_is_nothing(code: str) -> None:
    person = stay(code).dx(code, "2025-02-03", place="21").dx(code, "2025-02-20", place="23")
    assert not {rule for rule in open_rules(person) if rule.startswith(("AUD-STROKE", "AUD-BLEED"))}


@pytest.mark.parametrize("code", AFTER)
def test_at_a_hospital_clinic_after_the_stay_is_no_office_claim(code: str) -> None:
    assert AFTER[code] not in open_rules(stay(code).dx(code, "2025-05-01", "outpatient", place="22"))


def test_a_visit_within_a_second_stay_is_not_after_the_first() -> None:
    person = stay("I639").dx("I639", "2025-06-10", "inpatient", since="2025-06-01").dx("I639", "2025-06-01")
    assert "AUD-STROKE-LATE" not in open_rules(person)
    assert "AUD-STROKE-LATE" in open_rules(person.dx("I639", "2025-05-31"))


def test_without_a_stay_nobody_knows_when_the_episode_ended() -> None:
    person = Person().dx("I639", "2025-02-01").dx("I639", "2025-08-01")
    assert "AUD-STROKE-LATE" not in open_rules(person)


def test_a_bleeding_is_not_the_stay_of_an_infarction() -> None:
    assert not {"AUD-STROKE-LATE", "AUD-BLEED-LATE"} & open_rules(stay("I639").dx("I619", "2025-05-01"))


@pytest.mark.parametrize(("until", "found"), [("2024-05-01", True), ("2024-04-30", False)])
def test_a_stay_of_the_year_before_within_365_days(until: str, found: bool) -> None:
    # 2024-05-01 + 365 days = 2025-05-01.
    assert ("AUD-STROKE-LATE" in open_rules(Person().dx("I639", until, "inpatient").dx("I639", "2025-05-01"))) is found


def test_the_row_names_the_claim_the_stay_and_what_still_stands() -> None:
    person = Person().dx("I639", "2025-02-05", "inpatient", claim="stay", since="2025-02-01")
    person.dx("I639", "2025-02-06", claim="late")
    found = candidates(person)
    (row,) = only(found.gaps, "AUD-STROKE-LATE")
    assert (row["hcc"], row["direction"], row["falls"]) == ("249", "unsupported", False)
    assert "2025-02-06" in row["reason"]
    assert "one day after 2025-02-05" in row["reason"]
    assert "HCC 249 stands on other diagnoses or claims too." in row["reason"]
    evidence = found.evidence.filter(pl.col("gap_id") == row["gap_id"])
    assert set(evidence["claim_id"].drop_nulls()) == {"stay", "late"}


def test_a_stay_of_the_year_before_leaves_the_hcc_on_the_office_claim() -> None:
    person = Person().dx("I639", "2024-12-05", "inpatient").dx("I639", "2025-01-20")
    (row,) = only(gaps(person), "AUD-STROKE-LATE")
    assert row["falls"] is True


@pytest.mark.parametrize(("code", "hcc"), [("I639", "249"), ("I609", "248"), ("I619", "248"), ("I6200", "248")])
def test_on_office_claims_only(code: str, hcc: str) -> None:
    person = Person().dx(code, "2025-05-01").dx(code, "2025-08-01")
    (row,) = only(gaps(person), "AUD-STROKE-OFFICE")
    assert (row["hcc"], row["status"], row["falls"]) == (hcc, "open", True)
    assert "2 claims" in row["reason"]
    assert "2025-05-01" in row["reason"]


@pytest.mark.parametrize("place", ["21", "22", "23", None])
@pytest.mark.parametrize("code", ["I639", "I619"])
def test_a_claim_elsewhere_or_nobody_knows_where_answers_it(code: str, place: str | None) -> None:
    person = Person().dx(code, "2025-05-01").dx(code, "2025-04-30", place=place)
    assert "AUD-STROKE-OFFICE" not in open_rules(person)


def test_a_hospital_claim_that_does_not_count_answers_it_too() -> None:
    person = Person().dx("I619", "2025-05-01").dx("I619", "2025-04-30", "outpatient", place=None, counted=False)
    assert "AUD-STROKE-OFFICE" not in open_rules(person)


def test_a_hospital_claim_of_the_year_before_does_not() -> None:
    person = Person().dx("I619", "2025-05-01").dx("I619", "2024-12-31", "inpatient", place=None)
    assert "AUD-STROKE-OFFICE" in open_rules(person)


@pytest.mark.parametrize("code", ["I693", "I69351", "Z8673"])
def test_sequelae_and_history_are_no_acute_stroke(code: str) -> None:
    person = stay("I639").dx(code, "2025-05-01")
    assert not {rule for rule in open_rules(person) if rule.startswith(("AUD-STROKE", "AUD-BLEED"))}
