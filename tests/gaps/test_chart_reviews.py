"""AUD-CRR: an HCC from chart reviews alone, linked or not, and what unlinked ones no longer give (SPEC 6.4, R-3.22)."""

from __future__ import annotations

import polars as pl
import pytest

from tests.gaps.build import Person, candidates, gaps, only

UNPAID = {"year": 2026, "as_of": "2026-12-31"}


def review(person: Person, code: str, when: str, *, claim: str, linked: str | None = None, barred: bool = False) -> Person:
    reason = "UNLINKED_CRR" if barred else None
    return person.dx(
        code, when, record_type="chart_review", claim=claim, linked=linked, counted=not barred, reason=reason
    )


def evidence_of(person: Person, **options: object) -> tuple[dict, list[dict]]:
    found = candidates(person, **options)
    (row,) = only(found.gaps, "AUD-CRR")
    return row, found.evidence.filter(pl.col("gap_id") == row["gap_id"]).to_dicts()


def test_linked_to_an_encounter() -> None:
    person = review(Person().dx("I10", "2025-03-01", claim="X1"), "E119", "2025-03-01", claim="R1", linked="X1")
    row, evidence = evidence_of(person)
    assert (row["hcc"], row["status"], row["status_reason"], row["falls"]) == ("38", "open", "linked", True)
    assert "chart-review records only, each linked to an encounter: E11.9 on one claim" in row["reason"]
    assert [e["claim_id"] for e in evidence if "linked to" in (e["description"] or "")] == ["X1"]


def test_linked_to_none() -> None:
    row, evidence = evidence_of(review(Person(), "E119", "2025-03-01", claim="R1"))
    assert (row["status"], row["status_reason"]) == ("open", "unlinked")
    assert "chart-review records only, none linked to an encounter: E11.9 on one claim" in row["reason"]
    assert ("absence", "R1") in {(e["kind"], e["claim_id"]) for e in evidence}


def test_some_linked_and_some_not() -> None:
    person = review(Person().dx("I10", "2025-03-01", claim="X1"), "E119", "2025-03-01", claim="R1", linked="X1")
    row, _ = evidence_of(review(person, "E119", "2025-05-01", claim="R2"))
    assert row["status_reason"] == "linked_and_unlinked"
    assert "some linked to an encounter and some not" in row["reason"]


def test_unlinked_ones_that_do_not_count_are_a_remark() -> None:
    row, evidence = evidence_of(review(Person(), "E119", "2026-03-01", claim="R1", barred=True), **UNPAID)
    assert (row["hcc"], row["status"], row["status_reason"]) == (None, "informational", "not_payable")
    assert row["candidate_diagnosis_codes"] == "E119"
    assert "E11.9" in row["reason"]
    assert "linked to an encounter" in row["reason"]
    assert "do not count" in row["reason"]
    assert "is counted" not in row["reason"]
    assert [e["claim_id"] for e in evidence] == ["R1"]


@pytest.mark.parametrize(
    ("code", "counted"), [("E119", True), ("E1165", True), ("E1122", True), ("E119", False)]
)  # the code, its HCC, an HCC above it; the code on a record that does not count for a reason of its own
def test_what_stands_elsewhere_is_no_remark(code: str, counted: bool) -> None:
    person = review(Person(), "E119", "2026-03-01", claim="R1", barred=True).dx(code, "2026-05-01", counted=counted)
    assert only(gaps(person, **UNPAID), "AUD-CRR") == []


def test_a_remark_and_a_row_of_one_member_keep_their_own_evidence() -> None:
    person = review(Person().dx("I10", "2026-03-01", claim="X1"), "E119", "2026-03-01", claim="R1", linked="X1")
    found = candidates(review(person, "I509", "2026-04-01", claim="R2", barred=True), **UNPAID)
    remark, row = sorted(only(found.gaps, "AUD-CRR"), key=lambda row: row["hcc"] or "")
    assert (remark["status"], row["status"]) == ("informational", "open")
    claims = {
        name: set(found.evidence.filter(pl.col("gap_id") == gap["gap_id"])["claim_id"].drop_nulls())
        for name, gap in (("remark", remark), ("row", row))
    }
    assert claims == {"remark": {"R2"}, "row": {"R1", "X1"}}
