"""What laboratories write: each text and what it means, most of them as collected in the value sets' parsing table."""

from __future__ import annotations

import polars as pl
import pytest

from hcc.gaps.evidence.values import read_values
from hcc.rules.valuesets import load_valuesets

NUMBERS = {  # text: comparator, least, greatest it can be
    "45.0": ("=", 45.0, 45.0),
    "44.99": ("=", 44.99, 44.99),
    " 7.2 ": ("=", 7.2, 7.2),
    "0": ("=", 0.0, 0.0),
    ".5": ("=", 0.5, 0.5),
    "1,234": ("=", 1234.0, 1234.0),
    "12,345.6": ("=", 12345.6, 12345.6),
    "7,1": ("=", 7.1, 7.1),
    "1,23": ("=", 1.23, 1.23),
    "1.2e5": ("=", 120000.0, 120000.0),
    "1.2E+05": ("=", 120000.0, 120000.0),
    "10^4": ("=", 10000.0, 10000.0),
    "*95": ("=", 95.0, 95.0),
    "95*": ("=", 95.0, 95.0),
    "95 L": ("=", 95.0, 95.0),
    "95 (L)": ("=", 95.0, 95.0),
    "H 7.2": ("=", 7.2, 7.2),
    "HIGH 7.2": ("=", 7.2, 7.2),
    ">60": (">", 60.1, None),
    "> 60": (">", 60.1, None),
    ">=60": (">=", 60.0, None),
    "≥ 60": (">=", 60.0, None),
    "<15": ("<", None, 14.9),  # SPEC 5.4, CKD-1
    "< 15.0": ("<", None, 14.99),
    "<0.5": ("<", None, 0.49),
    "<=15": ("<=", None, 15.0),
    "55-60": ("range", 55.0, 60.0),
    "55 to 60": ("range", 55.0, 60.0),
    "60 – 89": ("range", 60.0, 89.0),
}
WORDS = {
    "Positive": "positive", "POS": "positive", "Reactive": "positive", "Repeatedly reactive": "positive",
    "Detected": "positive", "Negative": "negative", "Non-Reactive": "negative", "NOT DETECTED": "negative",
    "Undetectable": "negative", "TND": "negative", "Equivocal": "indeterminate", "Trace": "indeterminate",
}  # fmt: skip
NOTHING = [
    "",
    "-",
    "N/A",
    "Cancelled",
    "Hemolyzed",
    "Pending",
    "QNS",
    "See note",
    "TNP",
    "-5",
    "12.5.3",
    "1,2345",
    "abc",
]
STATED_UNITS = {
    "150 K/uL": (150.0, "k/ul"),
    "7.1%": (7.1, "%"),
    ">60 mL/min/1.73m2": (60.0, "ml/min/1.73m2"),  # shown as >60, compared as 60.1
    "95 hemolyzed": (95.0, "hemolyzed"),  # a word nobody knows stands where a unit would: not used later
    "7.2 H %": (7.2, "%"),
    "7.2 L/min": (7.2, "l/min"),  # no flag L
}


def _read(*texts: str) -> dict[str, dict[str, object]]:
    found = read_values(pl.LazyFrame({"text": list(texts)}), load_valuesets()).collect()
    return {str(row["text"]): row for row in found.iter_rows(named=True)}


@pytest.mark.parametrize(("text", "expected"), NUMBERS.items())
def test_a_number_is_read_as_an_interval(text: str, expected: tuple[str, float | None, float | None]) -> None:
    row = _read(text)[text]
    assert (row["comparator"], row["low"], row["high"]) == expected
    assert row["stated_unit"] is None


@pytest.mark.parametrize(("text", "expected"), WORDS.items())
def test_a_finding_in_words(text: str, expected: str) -> None:
    row = _read(text)[text]
    assert (row["comparator"], row["said"], row["low"], row["high"]) == ("text", expected, None, None)


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_no_result_has_no_comparator(text: str) -> None:
    row = _read(text)[text]
    assert (row["comparator"], row["low"], row["high"], row["value"], row["said"]) == (None, None, None, None, None)


@pytest.mark.parametrize(("text", "expected"), STATED_UNITS.items())
def test_a_unit_behind_the_number(text: str, expected: tuple[float, str]) -> None:
    row = _read(text)[text]
    assert (row["value"], row["stated_unit"]) == expected


def test_detected_below_the_limit_says_neither() -> None:
    found = _read("<20 DETECTED", "<20 not detected", "45 detected")
    assert found["<20 DETECTED"]["said"] == "indeterminate"
    assert found["<20 not detected"]["said"] == "negative"
    assert found["45 detected"]["said"] == "positive"
    assert all(row["stated_unit"] is None for row in found.values())
