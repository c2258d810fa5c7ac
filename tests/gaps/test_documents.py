"""Problem lists and reviewers' findings: codes of the day, and entries that stand (SPEC 5.1, 6.4, R-5.12, A23)."""

from __future__ import annotations

import polars as pl
import pytest

from tests.gaps.build import Person, candidates, gaps, only, statuses

TABLES = ("claims", "history", "problems", "chart_findings")
OF_2026 = {"year": 2026, "as_of": "2026-12-31", "tables": TABLES}
SUBTYPES = "G35A,G35B0,G35B1,G35B2,G35C0,G35C1,G35C2,G35D"


@pytest.mark.parametrize("rule", ["DOC-PROBLEM", "DOC-CHART"])
def test_an_ended_code_gives_the_codes_that_can_be_claimed(rule: str) -> None:
    """G35 ended on 2025-09-30: for services of 2026 only its subtypes are codes; the reason says what was written."""
    person = Person()
    person = (
        person.problem("G35", "2026-03-01") if rule == "DOC-PROBLEM" else person.finding("G35", "2026-03-01", "supported")
    )
    found = candidates(person, **OF_2026)
    (row,) = only(found.gaps, rule)
    assert (row["hcc"], row["status"], row["candidate_diagnosis_codes"]) == ("198", "open", SUBTYPES)
    assert " G35 (HCC 198" in row["reason"]
    assert "G35.A" not in row["reason"]
    evidence = found.evidence.filter(pl.col("gap_id") == row["gap_id"])
    assert set(evidence["code"].drop_nulls()) == {"G35"}


@pytest.mark.parametrize(
    ("code", "on", "expected"),
    [
        ("G35", "2025-09-30", "G35"),
        ("G35", "2025-10-01", SUBTYPES),
        ("G35A", "2025-10-01", "G35A"),
        ("G35A", "2025-09-30", "G35"),
    ],
)
def test_a_finding_gives_the_codes_of_its_day_of_service(code: str, on: str, expected: str) -> None:
    (row,) = only(gaps(Person().finding(code, on, "found_not_coded"), tables=TABLES), "DOC-CHART")
    assert (row["hcc"], row["candidate_diagnosis_codes"]) == ("198", expected)


def test_the_remark_on_a_problem_list_names_codes_of_the_year_too() -> None:
    (row,) = only(gaps(Person().problem("G35", "2026-03-01"), **OF_2026), "AUD-PROBLIST")
    assert row["candidate_diagnosis_codes"] == SUBTYPES
    assert "has G35 (recorded on 2026-03-01)" in row["reason"]


def test_a_successor_on_a_claim_is_the_condition() -> None:
    person = Person().problem("G35", "2026-03-01").dx("G35A", "2026-05-01")
    frame = gaps(person, **OF_2026)
    assert only(frame, "DOC-PROBLEM") == []
    assert only(frame, "AUD-PROBLIST") == []


def test_an_ended_code_that_could_be_several_hccs_is_not_judged() -> None:
    """N18.3 of 2020 is N18.30 or N18.31 (HCC 329) or N18.32 (HCC 328): SPEC R-5.12."""
    person = Person().problem("N183", "2020-01-01")
    assert statuses(gaps(person, tables=TABLES), "DOC-PROBLEM") == [
        ("328", "indeterminate", "code_retired"),
        ("329", "indeterminate", "code_retired"),
    ]
    (low, _) = only(gaps(person, tables=TABLES), "DOC-PROBLEM")
    assert low["candidate_diagnosis_codes"] == "N1832"
    assert "N18.3 " in low["reason"]
    assert "could mean several HCCs" in low["reason"]


@pytest.mark.parametrize("coded", ["N1831", "N1832"])
def test_an_uncertain_code_is_settled_by_any_of_its_meanings(coded: str) -> None:
    person = Person().problem("N183", "2020-01-01").dx(coded, "2025-05-01")
    frame = gaps(person, tables=TABLES)
    assert [row for row in only(frame, "DOC-PROBLEM") if row["status"] != "closed"] == []
    assert only(frame, "AUD-PROBLIST") == []


@pytest.mark.parametrize("recorded", ["2025-01-01", "2024-12-31", "2020-03-01", "2009-07-07"])
def test_an_entry_that_was_never_resolved_stands(recorded: str) -> None:
    frame = gaps(Person().problem("I509", recorded), tables=TABLES)
    (missing,) = only(frame, "DOC-PROBLEM")
    (remark,) = only(frame, "AUD-PROBLIST")
    assert (missing["hcc"], missing["status"]) == ("226", "open")
    assert (remark["status"], remark["status_reason"]) == ("informational", "problem_list_only")
    assert f"recorded on {recorded}" in missing["reason"]
    assert f"recorded on {recorded}" in remark["reason"]


def test_an_entry_recorded_after_as_of_is_not_known() -> None:
    frame = gaps(Person().problem("I509", "2025-07-01"), tables=TABLES, as_of="2025-06-30")
    assert only(frame, "DOC-PROBLEM") == []


@pytest.mark.parametrize(
    ("status", "resolved", "stands"),
    [
        (None, None, True),
        ("active", None, True),
        ("Recurrence", None, True),
        ("resolved", None, False),
        ("Resolved", None, False),
        ("inactive", None, False),
        ("remission", None, False),
        ("entered-in-error", None, False),
        (None, "2024-12-31", False),
        (None, "2025-01-01", True),
        ("resolved", "2025-06-01", True),
        ("resolved", "2024-06-01", False),
        ("entered-in-error", "2025-06-01", False),
    ],
)
def test_an_entry_that_ended_before_the_year_does_not_stand(status: str | None, resolved: str | None, stands: bool) -> None:
    """One that ended within the year was there for a part of it."""
    frame = gaps(Person().problem("I509", "2022-03-01", status=status, resolved=resolved), tables=TABLES)
    assert bool(only(frame, "DOC-PROBLEM")) is stands
    assert bool(only(frame, "AUD-PROBLIST")) is stands


@pytest.mark.parametrize(("status", "resolved"), [("resolved", None), ("inactive", None), (None, "2025-03-01")])
def test_what_was_over_when_it_was_recorded_does_not_stand(status: str | None, resolved: str | None) -> None:
    frame = gaps(Person().problem("I509", "2025-03-01", status=status, resolved=resolved), tables=TABLES)
    assert only(frame, "DOC-PROBLEM") == []


def test_what_was_resolved_after_as_of_still_stood() -> None:
    person = Person().problem("I509", "2022-03-01", status="resolved", resolved="2025-08-01")
    assert only(gaps(person, tables=TABLES, as_of="2025-06-30"), "DOC-PROBLEM") != []


def test_an_acute_entry_of_an_earlier_year_is_no_remark() -> None:
    """The list keeps what is over: a stroke of 2022 says nothing about this year; one of this year may."""
    assert only(gaps(Person().problem("I639", "2022-03-01"), tables=TABLES), "AUD-PROBLIST") == []
    assert only(gaps(Person().problem("I639", "2025-03-01"), tables=TABLES), "AUD-PROBLIST") != []
