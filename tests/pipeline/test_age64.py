"""AGE64_OREC0_CONTINUING goes by the status that is scored: that of the months, where there are months (SPEC R-2.5)."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import hcc

CLAIMS = pl.DataFrame(
    {
        "claim_id": ["1"],
        "member_id": ["a"],
        "thru_date": [date(2025, 5, 1)],
        "hcpcs": ["99213"],
        "diagnosis_1": ["I509"],
    }
)
FLAG = "AGE64_OREC0_CONTINUING"


def flags(own: Any, months: list[Any] | None, **member: Any) -> str:
    """data_quality of a woman aged 64 with these months of Part B, of her own and in January, February …"""
    row = {"member_id": "a", "birth_date": date(1961, 6, 1), "sex": "F", "part_b_months": own, **member}
    enrollment = None
    if months is not None:
        days = [date(2026, k, 1) for k in range(1, len(months) + 1)]
        enrollment = pl.DataFrame({"member_id": "a", "month": days, "part_b_months": months})
    run = hcc.score(pl.DataFrame([row]), CLAIMS, enrollment=enrollment, payment_year=2026)
    return str(run.members["data_quality"].item())


@pytest.mark.parametrize(
    ("own", "months", "told"),
    [
        (12, None, True), (0, None, False),
        (12, [0, 0], False), (0, [12, 12], True),
        (12, [None, None], True), (0, [None], False),
        (0, [0, 12], True), (12, [12, 11], True),
    ],
)  # fmt: skip
def test_the_months_decide(own: int, months: list[Any] | None, told: bool) -> None:
    assert flags(own, months) == (FLAG if told else "")


def test_others_are_not_meant() -> None:
    assert flags(0, [12], orec="1") == ""
    assert flags(0, [12], birth_date=date(1961, 2, 1)) == ""  # 65 on 1 February 2026
    assert flags(0, [12], birth_date=date(1962, 2, 2)) == ""  # 63


def test_it_stands_behind_other_doubts() -> None:
    assert flags(0, [12], dual_status="QMB+") == f"UNKNOWN_DUAL_STATUS,{FLAG}"


def test_a_run_without_a_usable_member() -> None:
    members = pl.DataFrame({"member_id": ["a"], "birth_date": ["x"], "sex": ["F"]})
    members = pl.concat(
        [
            members,
            members.with_columns(
                pl.lit("b").alias("member_id"), pl.lit("1950-01-01").alias("birth_date"), pl.lit("?").alias("sex")
            ),
        ]
    )
    run = hcc.score(members, CLAIMS, payment_year=2026)
    assert run.members.is_empty()
