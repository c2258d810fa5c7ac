"""Two submissions of one claim number, neither naming another: the later one wins (RULINGS 10)."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import hcc

pytestmark = pytest.mark.filterwarnings("ignore")
MEMBERS = pl.DataFrame({"member_id": ["A"], "birth_date": [date(1950, 1, 1)], "sex": ["F"]})
EARLY, LATE, TOO_LATE = date(2025, 6, 1), date(2025, 7, 1), date(2027, 7, 1)
BOTH, FIRST, AGAIN = {"E1122", "I509"}, {"E1122"}, {"I509"}


def counted(*rows: dict[str, Any]) -> set[str]:
    usual = {"claim_id": "c", "member_id": "A", "thru_date": date(2025, 5, 5), "hcpcs": "99213", "accepted": True,
             "original_claim_id": None, "claim_type": "professional"}  # fmt: skip
    claims = pl.DataFrame([{**usual, **row} for row in rows], infer_schema_length=None)
    found = hcc.score(MEMBERS, claims, payment_year=2026).diagnoses.filter("counted")
    return set(found["diagnosis_code"].cast(pl.String))


@pytest.mark.parametrize(
    ("original", "replacement", "expected"),
    [
        ({"submission_date": EARLY}, {"submission_date": LATE}, AGAIN),
        ({"submission_date": LATE}, {"submission_date": EARLY}, FIRST),
        ({"submission_date": LATE}, {"submission_date": LATE}, AGAIN),
        ({"submission_date": None}, {"submission_date": EARLY}, AGAIN),
        ({"submission_date": LATE}, {"submission_date": None}, AGAIN),
        # what is too late or was not accepted withdraws nothing (SPEC)
        ({"submission_date": TOO_LATE}, {"submission_date": EARLY}, AGAIN),
        ({"submission_date": LATE, "accepted": False}, {"submission_date": EARLY}, AGAIN),
        # who names another claim is about that one
        ({"submission_date": LATE}, {"submission_date": EARLY, "original_claim_id": "other"}, BOTH),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_later_submission_wins(
    original: dict[str, Any], replacement: dict[str, Any], expected: set[str], turned: bool
) -> None:
    rows = [
        {"frequency_code": "1", "diagnosis_1": "E1122", **original},
        {"frequency_code": "7", "diagnosis_1": "I509", **replacement},
    ]
    assert counted(*rows[:: -1 if turned else 1]) == expected
