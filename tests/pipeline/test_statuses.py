"""A month that says nothing of a status has the member's own (RULINGS 5, DESIGN 3.1)."""

from __future__ import annotations

from datetime import date
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


def test_no_word_for_a_part_d_plan_means_none() -> None:
    """There is no other way to say that a month had no Part D plan (RULINGS 3)."""
    assert not any(
        model.startswith("rxhcc") for model, *_ in scores({"part_d_plan": "MA-PD"}, {"part_d_plan": [None] * 12})
    )
