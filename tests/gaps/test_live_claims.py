"""Only live claims count in gap rules (RULINGS 9, 28): neither rejected nor administratively denied ones do."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import hcc
from tests.gaps.test_enrollment import claim, found, person, statuses

pytestmark = pytest.mark.filterwarnings("ignore")
OTHER = [{"member_id": "b", "fill_date": date(2025, 6, 1), "drug_name": "lisinopril"}]
PAID = {"accepted": True, "claim_status": "paid"}


@pytest.mark.parametrize(
    ("second", "status"),
    [
        ({"accepted": False}, "open"),
        ({"claim_status": "denied_administrative"}, "open"),
        ({"claim_status": "denied"}, None),  # a denial for payment only: the claim counts (RULINGS 9)
        ({}, None),
    ],
)
def test_a_claim_that_was_not_taken_is_no_second_claim(second: dict[str, Any], status: str | None) -> None:
    """OIG-3 asks for exactly one claim of an embolism."""
    claims = [
        claim("a", "I2699", date(2025, 4, 1), **PAID),
        claim("a", "I2699", date(2025, 5, 1), **PAID | second),
        claim("b", "Z0000", date(2025, 12, 30), **PAID),
    ]
    told = found([person("a"), person("b")], claims, pharmacy=OTHER)
    assert statuses(told, "OIG-3").get("a", (None,))[0] == status


def test_a_rejected_hospital_claim_is_no_hospital_stay() -> None:
    claims = [
        claim("a", "I639", date(2025, 4, 1), **PAID),
        {**claim("a", "I639", date(2025, 4, 2)), "claim_type": "inpatient", "bill_type": "111", "accepted": False,
         "claim_status": "paid"},
        claim("b", "Z0000", date(2025, 12, 30), **PAID),
    ]  # fmt: skip
    assert statuses(found([person("a"), person("b")], claims), "OIG-1")["a"][0] == "open"


def rules_of(gaps: Any, member_id: str) -> set[str]:
    """Rules with a row of the member that is open, or would be if more were known."""
    rows = gaps.gaps.filter(
        pl.col("member_id") == member_id, pl.col("status").cast(pl.String).is_in(["open", "indeterminate"])
    )
    return set(rows["rule_id"].cast(pl.String))


VOID = {"frequency_code": "8", "diagnosis_1": None}
FIRST = {"frequency_code": "1", "risk_adjustment_flag": None, "original_claim_id": None}


@pytest.mark.parametrize("verdict", [None, "disallowed"])
def test_a_voided_claim_is_dead_whatever_else_is_said_of_it(verdict: str | None) -> None:
    """AUD-CONFLICT: type 1 and type 2 diabetes in one year; the first was voided."""
    gone = {**claim("a", "E109", date(2025, 3, 1)), **FIRST, "claim_id": "gone", "risk_adjustment_flag": verdict}
    claims = [gone, {**gone, "claim_id": "void", "original_claim_id": "gone", **VOID},
              {**claim("a", "E119", date(2025, 5, 1)), **FIRST}]  # fmt: skip
    rules = rules_of(found([person("a")], claims), "a")
    assert "AUD-CONFLICT" not in rules
    assert "AUD-CONFLICT" in rules_of(found([person("a")], [gone, claims[2]]), "a")


def test_a_voided_claim_that_never_counted_is_no_coded_condition() -> None:
    """Two fills of insulin, and diabetes only on a voided claim of equipment (DM-3)."""
    fills = [{"member_id": "a", "fill_date": date(2025, month, 1), "drug_name": "insulin glargine"} for month in (3, 4)]
    gone = {**claim("a", "E119", date(2025, 3, 1)), **FIRST, "claim_id": "gone", "claim_type": "dme"}
    void = {**gone, "claim_id": "void", "original_claim_id": "gone", **VOID}
    other = {**claim("a", "Z0000", date(2025, 12, 30)), **FIRST}
    assert statuses(found([person("a")], [gone, other], pharmacy=fills), "DM-3")["a"][0] == "informational"
    assert statuses(found([person("a")], [gone, void, other], pharmacy=fills), "DM-3")["a"][0] == "open"


def test_the_lines_and_codes_of_a_replaced_version_are_gone() -> None:
    """One claim_id, the later submission wins (RULINGS 10): a cancer drug and a history only the first one had."""
    first = {**claim("a", "Z853", date(2025, 3, 1)), **FIRST, "claim_id": "one", "submission_date": date(2025, 4, 1)}
    drug = {**claim("b", "Z0000", date(2025, 3, 1), hcpcs="J9271"), **FIRST, "claim_id": "two",
            "submission_date": date(2025, 4, 1)}  # fmt: skip
    again = {"frequency_code": "7", "submission_date": date(2025, 6, 1), "hcpcs": "99213", "diagnosis_1": "C50911"}
    cancer = {**claim("a", "C50911", date(2025, 2, 1)), **FIRST, "submission_date": date(2025, 4, 1)}
    before = found([person("a"), person("b")], [first, cancer, drug])
    assert "AUD-HISTORY" in rules_of(before, "a")
    assert "CA-1" in rules_of(before, "b")
    after = found(
        [person("a"), person("b")], [first, {**first, **again}, cancer, drug, {**drug, **again, "diagnosis_1": "Z0000"}]
    )
    assert "AUD-HISTORY" not in rules_of(after, "a")
    assert "CA-1" not in rules_of(after, "b")


def test_a_claim_id_that_members_share_is_a_claim_of_each() -> None:
    """b's history is not a's, and a's void does not take b's drug away."""
    shared = [
        {**claim(m, code, date(2025, 3, 1)), **FIRST, "claim_id": "same"}
        for m, code in (("a", "C50911"), ("b", "Z853"))
    ]
    own = {**claim("b", "C50911", date(2025, 4, 1)), **FIRST}
    told = found([person("a"), person("b")], [*shared, own])
    assert "AUD-HISTORY" in rules_of(told, "b")
    assert not {"AUD-HISTORY", "AUD-CONFLICT"} & rules_of(told, "a")
    drugs = [{**claim(m, "Z0000", date(2025, 3, 1), hcpcs="J9271"), **FIRST, "claim_id": "same"} for m in "ab"]
    void = {**drugs[0], "claim_id": "void", "original_claim_id": "same", **VOID}
    told = found([person("a"), person("b")], [*drugs, void])
    assert ["CA-1" in rules_of(told, m) for m in "ab"] == [False, True]


@pytest.mark.parametrize(
    ("delete", "flagged"),
    [
        ({}, True),
        ({"accepted": False}, False),
        ({"linked_claim_id": None}, False),  # CMS rejects it (SPEC)
        ({"voided": True}, False),
    ],
)
def test_only_a_delete_that_acts_was_a_delete(delete: dict[str, Any], flagged: bool) -> None:
    """AUD-DUPREC: another claim of the day carries what was deleted from the first."""
    more = {"record_type": "encounter", "linked_claim_id": None, "accepted": True, **FIRST}
    first = {**claim("a", "M069", date(2025, 3, 1)), **more, "claim_id": "first"}
    again = {**claim("a", "M069", date(2025, 5, 1)), **more, "claim_id": "again"}
    voided = delete.pop("voided", False)
    gone = {**first, "claim_id": "delete", "record_type": "chart_review_delete", "linked_claim_id": "first", **delete}
    voids = [{**gone, "claim_id": "void", "original_claim_id": "delete", **VOID}] if voided else []
    assert ("AUD-DUPREC" in rules_of(found([person("a")], [first, again, gone, *voids]), "a")) == flagged


@pytest.mark.parametrize("refused", [{"accepted": False}, {"claim_status": "denied_administrative"}])
def test_nothing_of_a_refused_claim_is_evidence(refused: dict[str, Any]) -> None:
    """Its procedures, its codes that map nowhere, and those of earlier years."""
    drug = {**claim("a", "Z0000", date(2025, 3, 1), hcpcs="J9271"), **PAID}
    assert "CA-1" in rules_of(found([person("a")], [drug]), "a")
    assert "CA-1" not in rules_of(found([person("a")], [{**drug, **refused}]), "a")
    cancer, old = {**claim("a", "C50911", date(2025, 2, 1)), **PAID}, {**claim("a", "Z853", date(2024, 3, 1)), **PAID}
    assert "AUD-HISTORY" in rules_of(found([person("a")], [cancer], history=[old]), "a")
    assert "AUD-HISTORY" not in rules_of(found([person("a")], [cancer], history=[{**old, **refused}]), "a")


def test_a_row_of_evidence_names_one_claim_and_its_day() -> None:
    """AUD-CONFLICT shows the latest of the claims that contradict, and dates the gap by it."""
    days = {"a-spring": date(2025, 4, 18), "z-autumn": date(2025, 10, 18)}
    claims = [claim("a", "F209", date(2025, 2, 1))]
    claims += [{**claim("a", "F319", day), "claim_id": name} for name, day in days.items()]
    told = found([person("a")], claims)
    rows = told.gaps.filter(pl.col("rule_id").cast(pl.String) == "AUD-CONFLICT", pl.col("hcc").cast(pl.String) == "151")
    shown = rows.join(told.gap_evidence, on="gap_id").filter(pl.col("description") == "the diagnosis it contradicts")
    assert shown.select("claim_id", "evidence_date").unique().rows() == [("z-autumn", days["z-autumn"])]
    assert rows["last_evidence_date"].unique().to_list() == [days["z-autumn"]]


def test_withdrawn_is_told_where_another_reason_stands_before_it() -> None:
    gone = {**claim("a", "E109", date(2025, 3, 1)), **FIRST, "claim_id": "gone", "risk_adjustment_flag": "disallowed"}
    claims = [gone, {**gone, "claim_id": "void", "original_claim_id": "gone", **VOID}]
    run = hcc.score(pl.DataFrame([person("a")]), pl.DataFrame(claims, infer_schema_length=None), payment_year=2026)
    rows = run.diagnoses.filter(pl.col("claim_id") == "gone").select(pl.col("reason", "flags").cast(pl.String)).rows()
    assert [(reason, "WITHDRAWN" in flags) for reason, flags in rows] == [("RECORD_INELIGIBLE(N)", True)]
