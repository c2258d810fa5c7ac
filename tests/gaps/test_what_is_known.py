"""What nothing given speaks for is not called absent (SPEC 6.1, RULINGS 28); hospital stays last from day to day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from hcc.gaps import find_gap_candidates
from tests.gaps.build import Person, context, gaps, only, shipped_rules, statuses

CLAIMS = (date(2015, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    ("pharmacy_to", "as_of", "status"),
    [
        ("2024-12-31", "2025-12-31", "indeterminate"),  # a year of the look-ahead is missing
        ("2025-03-31", "2025-12-31", "indeterminate"),
        ("2025-09-29", "2025-12-31", "indeterminate"),  # 93 days short of as_of
        ("2025-09-30", "2025-12-31", "open"),  # 92 days: a quarter is forgiven, as for the year
        ("2025-03-31", "2025-06-30", "open"),
    ],
)
def test_a_table_that_ends_early_cannot_say_that_nothing_followed(pharmacy_to: str, as_of: str, status: str) -> None:
    """OIG-5: no treatment within 365 days of the diagnosis; the look-ahead ends at as_of."""
    person = Person().dx("C50911", "2025-06-01")
    known = context(person, as_of=as_of)
    covered = {"claims": CLAIMS, "pharmacy": (date(2015, 1, 1), date.fromisoformat(pharmacy_to))}
    (row,) = only(find_gap_candidates(replace(known, coverage=covered), shipped_rules()).gaps, "OIG-5")
    assert row["status"] == status
    treated = replace(context(person.did("chemo_admin", "2025-06-20"), as_of=as_of), coverage=covered)
    assert only(find_gap_candidates(treated, shipped_rules()).gaps, "OIG-5") == []


@pytest.mark.parametrize(
    ("enrolled_from", "coded", "status"),
    [
        (None, "2025-08-01", "open"),
        ("2025-02-01", "2025-08-01", "open"),  # a month late: forgiven for the year
        ("2025-02-02", "2025-08-01", "indeterminate"),
        ("2025-07-01", "2025-08-01", "indeterminate"),
    ],
)
def test_who_joined_within_the_year_is_not_judged_by_it(enrolled_from: str | None, coded: str, status: str) -> None:
    """OIG-3: no anticoagulant in the year."""
    person = Person(enrolled_from=enrolled_from).dx("I2699", coded)
    assert [row[1] for row in statuses(gaps(person), "OIG-3")] == [status]


@pytest.mark.parametrize(("enrolled_from", "status"), [("2024-06-01", "open"), ("2024-06-02", "indeterminate")])
def test_nor_by_a_look_back_from_before(enrolled_from: str, status: str) -> None:
    """OIG-5 looks back 365 days from 2025-06-01, to 2024-06-01."""
    person = Person(enrolled_from=enrolled_from).dx("C50911", "2025-06-01")
    assert [row[1] for row in statuses(gaps(person), "OIG-5")] == [status]


@pytest.mark.parametrize(
    ("since", "until", "first_result", "found"),
    [
        ("2025-02-01", "2025-03-31", "2025-02-10", False),  # during the stay
        ("2025-03-01", "2025-04-20", "2025-01-30", False),  # 30 days before admission
        ("2025-03-01", "2025-04-20", "2025-01-29", True),  # 31
        ("2025-01-02", "2025-01-10", "2025-02-09", False),  # 30 days after discharge
        ("2025-01-02", "2025-01-10", "2025-02-10", True),
    ],
)
def test_ckd_1_uses_no_result_near_a_stay_for_acute_kidney_injury(
    since: str, until: str, first_result: str, found: bool
) -> None:
    person = Person().dx("N179", until, "inpatient", since=since).egfr(40, first_result).egfr(41, "2025-08-01")
    assert bool(only(gaps(person), "CKD-1")) is found


@pytest.mark.parametrize(
    ("since", "found"), [("2025-02-28", False), ("2025-04-30", False), ("2025-05-01", True), (None, True)]
)
def test_oig_2_sees_a_stay_that_contains_or_comes_near_the_day(since: str | None, found: bool) -> None:
    """An office diagnosis of 2025-03-01; a stay until 2025-05-15 counts when it begins within 60 days (2025-04-30)."""
    person = Person().dx("I214", "2025-03-01").dx("I214", "2025-05-15", "inpatient", since=since)
    assert bool(only(gaps(person), "OIG-2")) is found


@pytest.mark.parametrize(("linked", "single"), [("e", True), (None, False), ("other", False)])
def test_an_encounter_and_its_linked_chart_review_are_one(linked: str | None, single: bool) -> None:
    """SPEC 6.4: one eligible encounter; OIG-3: one claim."""
    person = Person().dx("I2699", "2025-03-01", claim="e")
    person.dx("I2699", "2025-03-01", claim="r", record_type="chart_review", linked=linked)
    found = gaps(person)
    assert bool(only(found, "AUD-SINGLE")) is single
    assert bool(only(found, "OIG-3")) is single
