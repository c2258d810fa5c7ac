"""Results whose value cannot be used are counted (RULINGS 30), and show that a test was done (a tester's cases)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.gaps.test_enrollment import claim, found, person, statuses

pytestmark = pytest.mark.filterwarnings("ignore")
HBA1C = "4548-4"


def diabetic(value: str | None, unit: str | None = "%", loinc: str = HBA1C, status: str | None = None) -> Any:
    result = {"member_id": "a", "observation_date": date(2025, 4, 1), "loinc": loinc, "value": value, "unit": unit,
              "status": status}  # fmt: skip
    other = {**result, "member_id": "b", "value": "5.1", "unit": "%", "loinc": HBA1C, "status": None}
    fills = [{"member_id": "b", "fill_date": date(2025, 6, 1), "drug_name": "lisinopril"}]
    claims = [claim("a", "E119", date(2025, 3, 1)), claim("b", "Z0000", date(2025, 12, 30))]
    return found([person("a"), person("b")], claims, pharmacy=fills, observations=[result, other])


@pytest.mark.parametrize(
    ("value", "unit", "loinc", "reason"),
    [
        ("7.2", "percent DCCT", HBA1C, "UNKNOWN_UNIT"),
        ("see note", "%", HBA1C, "NO_VALUE"),
        ("55", "%", HBA1C, "IMPLAUSIBLE"),
        ("7.2", "%", "62388-4", "EXCLUDED_CODE"),
    ],
)
def test_a_test_was_done_whatever_it_said(value: str, unit: str, loinc: str, reason: str) -> None:
    told = diabetic(value, unit, loinc)
    assert "a" not in statuses(told, "AUD-MEDLESS")
    assert told.found.counts["unused_results"] == {reason: 1}
    assert "1 result(s) of tests that rules ask for have no value that is used" in " ".join(told.found.notes)


def test_a_test_that_was_cancelled_was_not_done() -> None:
    told = diabetic("7.2", status="cancelled")
    assert statuses(told, "AUD-MEDLESS")["a"][0] == "open"
    assert told.found.counts["unused_results"] == {"STATUS": 1}


def test_what_cannot_be_read_says_nothing_else() -> None:
    """DM-1 asks for values: an unreadable one is none, and does not stand in the way of a fallback code."""
    told = diabetic("see note")
    assert "a" not in statuses(told, "DM-1")
    assert told.found.counts["unused_results"] == {"NO_VALUE": 1}
    assert diabetic("7.2").found.counts["unused_results"] == {}
