"""What is told of the evidence as a whole."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.gaps.test_enrollment import claim, found, person

pytestmark = pytest.mark.filterwarnings("ignore")
CLAIMS = [claim("a", "Z0000", date(2025, 12, 30))]


def notes(word: str, **given: Any) -> list[str]:
    return [note for note in found([person("a")], CLAIMS, **given).notes if word in note]


def test_entries_in_other_code_systems_are_counted() -> None:
    day = date(2025, 2, 1)
    icd = {"member_id": "a", "recorded_date": day, "code": "E11.9", "code_system": "ICD-10-CM"}
    snomed = {**icd, "code": "44054006", "code_system": "SNOMED CT"}
    unsaid = {**icd, "code_system": None}
    told = "problems: 2 row(s) are in another code system than ICD-10-CM and were not read."
    assert notes("code system", problems=[icd, snomed, snomed, unsaid]) == [told]
    assert notes("code system", problems=[icd, {**icd, "code_system": "icd10"}, unsaid]) == []


@pytest.mark.parametrize(
    ("as_of", "told"),
    [
        (date(2024, 12, 31), "As of 2024-12-31 nothing of the data-collection year, which begins on 2025-01-01,"),
        (date(2025, 1, 1), None),
        (date(2026, 12, 31), None),
        (date(2027, 1, 1), "No service, fill or result is later than 2025-12-30;"),
    ],
)
def test_a_day_outside_the_inputs_is_asked_about(as_of: date, told: str | None) -> None:
    """366 days after the last service are as long as a look-ahead reaches."""
    found = notes("--as-of", as_of=as_of)
    assert [note.startswith(told or "") for note in found] == ([] if told is None else [True])
