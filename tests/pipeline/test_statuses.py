"""A month that says nothing of a status has the member's own (RULINGS 5, DESIGN 3.1)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

import hcc

MONTHS = [f"2026-{month:02d}" for month in range(1, 13)]
CLAIMS = pl.DataFrame(
    {"claim_id": ["c"], "member_id": ["A"], "thru_date": [date(2025, 5, 5)], "hcpcs": ["99213"],
     "diagnosis_1": ["E1122"]}
)  # fmt: skip


def scores(member: dict[str, Any], months: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    members = pl.DataFrame([{"member_id": "A", "birth_date": date(1950, 1, 1), "sex": "F", **member}])
    enrollment = pl.DataFrame({"member_id": ["A"] * 12, "month": MONTHS, **months}, strict=False)
    run = hcc.score(members, CLAIMS, enrollment=enrollment, payment_year=2026)
    table = run.scores.select(pl.col("model", "segment").cast(pl.String), "month", "raw_score")
    return sorted(table.rows(), key=str)


OWN = [
    ({"dual_status": "02"}, "dual_status"),
    ({"dual_status": "02", "long_term_institutional": True}, "dual_status"),
    ({"medicaid": True, "long_term_institutional": True}, "dual_status"),
    ({"long_term_institutional": True}, "long_term_institutional"),
    ({"part_b_months": 3, "csnp": True}, "csnp"),
    ({"part_b_months": 3}, "part_b_months"),
    ({"esrd_status": "dialysis"}, "esrd_status"),
    ({"esrd_status": "graft", "graft_months": 7}, "esrd_status"),
    ({"esrd_status": "graft", "graft_months": 7}, "graft_months"),
    ({"program": "PACE"}, "program"),
    ({"part_d_plan": "MA-PD", "low_income_subsidy": True}, "low_income_subsidy"),
]


@pytest.mark.parametrize(("member", "column"), OWN)
def test_a_blank_column_is_as_one_that_is_not_there(member: dict[str, Any], column: str) -> None:
    blank = scores(member, {column: [None] * 12})
    assert blank == scores(member, {})
    assert blank != scores({}, {})


def test_only_the_blank_months_are_the_members_own() -> None:
    found = scores({"dual_status": "02"}, {"dual_status": ["00"] * 4 + [""] * 8})
    segments = [segment for model, segment, _, _ in found if model == "cms-hcc-v28"]
    assert sorted(segments) == ["CFA"] * 8 + ["CNA"] * 4


def test_a_month_that_tells_its_esrd_status_takes_no_graft_month_from_the_member() -> None:
    member = {"esrd_status": "graft", "graft_months": 7}
    assert scores(member, {"esrd_status": ["dialysis"] * 12}) == scores({"esrd_status": "dialysis"}, {})
    assert scores(member, {"esrd_status": ["none"] * 12}) == scores({}, {})


UNREADABLE = {
    "dual_status": "QMB+", "program": "HMO", "part_b_months": "99", "hospice": "perhaps", "esrd_status": "x",
    "long_term_institutional": "x", "csnp": "x", "medicaid": "x",
}  # fmt: skip


def test_cells_that_cannot_be_read_are_as_blank_ones() -> None:
    """PACE, full dual, 76: V22 0.611 + 0.355, V28 0.596 + 0.406 (CFA); 0.9 × 0.814 + 0.1 × 0.939 = 0.8265."""
    members = pl.DataFrame([{"member_id": "A", "birth_date": date(1950, 1, 1), "sex": "F", "dual_status": "02",
                             "program": "PACE", "part_b_months": 12}])  # fmt: skip
    claims = CLAIMS.with_columns(pl.lit("I509").alias("diagnosis_1"))
    months = pl.DataFrame([{"member_id": "A", "month": month, **UNREADABLE} for month in MONTHS])
    run = hcc.score(members, claims, enrollment=months, payment_year=2026)
    table = run.scores.select(pl.col("model", "segment").cast(pl.String), "raw_score").unique().rows()
    assert sorted(table) == [("cms-hcc-v22", "CFA", Decimal("0.966")), ("cms-hcc-v28", "CFA", Decimal("1.002"))]
    assert run.member_scores.select("risk_score", "payable_months").rows() == [(Decimal("0.827"), 12)]
    assert set(str(run.members["data_quality"].item()).split(",")) == {
        "UNKNOWN_DUAL_STATUS", "UNKNOWN_PROGRAM", "BAD_PART_B_MONTHS", "BAD_HOSPICE", "UNKNOWN_ESRD_STATUS",
        "BAD_LONG_TERM_INSTITUTIONAL", "BAD_CSNP", "BAD_MEDICAID",
    }  # fmt: skip


INSTITUTION = {"long_term_institutional": True, "birth_date": date(1950, 1, 1)}
WITH, WITHOUT = Decimal("1.312"), Decimal("1.182")  # V28 INS: F75_79 0.965, HCC226 0.217, LTIMCAID 0.130
MEDICAID = [
    ({"medicaid": True, "dual_status": "00"}, {"dual_status": "00"}, WITH),
    ({"ltimcaid": True, "dual_status": "00"}, {"dual_status": "00"}, WITH),
    ({"medicaid": True, "dual_status": "00"}, {"dual_status": "NA"}, WITH),  # no Medicaid by either word
    ({"medicaid": True}, {"dual_status": "00"}, WITH),
    ({"medicaid": True, "dual_status": "00"}, {"long_term_institutional": True}, WITH),
    ({"medicaid": False, "dual_status": "02"}, {"dual_status": "02"}, WITHOUT),
    ({"medicaid": False, "dual_status": "02"}, {"dual_status": "04"}, WITHOUT),
    ({"ltimcaid": False, "medicaid": True, "dual_status": "02"}, {"dual_status": "02"}, WITHOUT),
    # what the month's dual status says of Medicaid is news:
    ({"dual_status": "02"}, {"dual_status": "00"}, WITHOUT),
    ({"dual_status": "00"}, {"dual_status": "02"}, WITH),
    ({"medicaid": True, "dual_status": "02"}, {"dual_status": "00"}, WITHOUT),
    ({"medicaid": False, "dual_status": "00"}, {"dual_status": "02"}, WITH),
    ({"ltimcaid": False}, {"dual_status": "02"}, WITH),
    # and what the month says of Medicaid itself outranks both:
    ({"medicaid": True, "dual_status": "00"}, {"dual_status": "00", "medicaid": False}, WITHOUT),
    ({"medicaid": True, "dual_status": "00"}, {"dual_status": "00", "ltimcaid": False}, WITHOUT),
    ({"dual_status": "00"}, {"dual_status": "00", "medicaid": True}, WITH),
    ({"dual_status": "02"}, {"dual_status": "00", "ltimcaid": True}, WITH),
]


@pytest.mark.parametrize(("own", "month", "raw"), MEDICAID)
def test_medicaid_of_the_member_and_of_the_month(own: dict[str, Any], month: dict[str, Any], raw: Decimal) -> None:
    members = pl.DataFrame([{"member_id": "A", "sex": "F", **INSTITUTION, **own}])
    claims = CLAIMS.with_columns(pl.lit("I509").alias("diagnosis_1"))
    enrollment = pl.DataFrame([{"member_id": "A", "month": month_, **month} for month_ in MONTHS])
    run = hcc.score(members, claims, enrollment=enrollment, payment_year=2026)
    assert set(run.scores["raw_score"]) == {raw}


def test_medicaid_of_new_enrollees_goes_by_the_same_rule() -> None:
    """V28, new enrollee, woman of 76: 1.128 with Medicaid, 0.901 without."""
    members = pl.DataFrame([{"member_id": "A", "birth_date": date(1950, 1, 1), "sex": "F", "part_b_months": 0,
                             "nemcaid": True, "dual_status": "00"}])  # fmt: skip
    enrollment = pl.DataFrame(
        {"member_id": "A", "month": MONTHS[:2], "dual_status": ["00", "02"], "nemcaid": [None, "N"]}
    )
    run = hcc.score(members, CLAIMS, enrollment=enrollment, payment_year=2026)
    assert run.scores.sort("month")["raw_score"].to_list() == [Decimal("1.128"), Decimal("0.901")]


def test_no_word_for_a_part_d_plan_means_none() -> None:
    """There is no other way to say that a month had no Part D plan (RULINGS 3)."""
    assert not any(
        model.startswith("rxhcc") for model, *_ in scores({"part_d_plan": "MA-PD"}, {"part_d_plan": [None] * 12})
    )
