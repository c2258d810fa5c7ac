"""Only live claims count in gap rules (RULINGS 9, 28): neither rejected nor administratively denied ones do."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

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
