"""Results in one unit: conversions by published factors, worked out by hand; what is not used, and why."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from hcc.gaps.evidence import preferred_results, results, unused_results
from hcc.rules.valuesets import load_valuesets
from tests.gaps.evidence.frames import DAY, observations

EGFR, A1C, A1C_IFCC, FPG, OGTT = "98979-8", "4548-4", "59261-8", "76629-5", "1518-0"
PLATELETS, ALBUMIN, CREATININE, UACR = "777-3", "1751-7", "2160-0", "9318-7"
BMI, LVEF, PHQ9, NTPROBNP, BNP, PAO2, SPO2 = "39156-5", "10230-1", "44261-6", "33762-6", "30934-4", "2703-7", "59408-5"
HIV_RNA, HIV_LOG, HIV_AB, RF = "20447-9", "29541-0", "80387-4", "11572-5"

CONVERTED = [  # loinc, value, unit, value in the canonical unit by hand
    (A1C_IFCC, "48", "mmol/mol", 6.543),  # 0.09148 × 48 + 2.152 = 6.54304
    (A1C_IFCC, "47", "mmol/mol", 6.4516),  # 6.45156: below 6.5
    (A1C, "0.065", "fraction", 6.5),
    (FPG, "7.0", "mmol/L", 126.1261),  # 7 / 0.0555
    (FPG, "6.9", "mmol/L", 124.3243),
    (OGTT, "11.1", "mmol/L", 200.0),  # 11.1 / 0.0555
    (OGTT, "11.0", "mmol/L", 198.1982),
    (PLATELETS, "99", "10*9/L", 99.0),
    (PLATELETS, "99000", "/uL", 99.0),
    (PLATELETS, "1.5", "lakh/uL", 150.0),
    (ALBUMIN, "34", "g/L", 3.4),
    (CREATININE, "88.42", "umol/L", 1.0),  # × 0.01131 = 1.00003
    (UACR, "3.4", "mg/mmol", 30.056),  # × 8.84
    (UACR, "0.03", "mg/mg", 30.0),
    (NTPROBNP, "100", "pmol/L", 845.7),
    (BNP, "28.9", "pmol/L", 100.0518),  # × 3.462
    (PAO2, "7.3", "kPa", 54.7545),  # × 7.50062
    (EGFR, "0.75", "mL/s/1.73m2", 45.0),
    (LVEF, "0.40", "fraction", 40.0),
    (SPO2, "0.88", "fraction", 88.0),
    ("29463-7", "220", "lb", 99.7902),  # × 0.45359237
    ("8302-2", "70", "[in_i]", 177.8),
    (HIV_LOG, "2.0", "log copies/mL", 100.0),
]


@pytest.mark.parametrize(("loinc", "value", "unit", "expected"), CONVERTED)
def test_conversion(loinc: str, value: str, unit: str, expected: float) -> None:
    row = results(observations((loinc, value, unit)), load_valuesets()).collect()
    assert row["value"].to_list() == [pytest.approx(expected, abs=6e-4)]
    assert row["low"].to_list() == row["high"].to_list() == row["value"].to_list()


def test_a_number_that_needs_no_conversion_stays_as_it_is() -> None:
    row = results(observations((EGFR, "44.99", "mL/min/1.73m2"), (EGFR, "45.0", "ml/min/1.73m²")), load_valuesets())
    assert row.sort("member_id").collect()["value"].to_list() == [44.99, 45.0]


NO_UNIT = [  # RULINGS 30: the unit in which alone the value is plausible
    (A1C, "7.2", 7.2),  # 7.2 mmol/mol would be 2.8 %
    (A1C, "48", 6.543),  # 48 % nobody has
    (A1C, "15", None),  # 15 % and 15 mmol/mol (3.5 %) are both possible
    (FPG, "126", 126.0),
    (FPG, "7.0", 126.1261),
    (FPG, "30", None),  # 30 mg/dL or 30 mmol/L
    (ALBUMIN, "3.4", 3.4),
    (ALBUMIN, "34", 3.4),
    (ALBUMIN, "7.5", None),  # neither 7.5 g/dL nor 7.5 g/L
    (PLATELETS, "95", 95.0),
    (PLATELETS, "95000", 95.0),
    (PLATELETS, "1.5", None),  # 1.5 thousand or 1.5 lakh
    (EGFR, "42", 42.0),
    (BMI, "40", 40.0),
    (LVEF, "0.35", 35.0),
    (LVEF, "35", 35.0),
    (PHQ9, "15", 15.0),
    (PHQ9, "28", None),  # the scale ends at 27
    (HIV_LOG, "2", 100.0),  # the code itself says that the number is a logarithm
]


@pytest.mark.parametrize(("loinc", "value", "expected"), NO_UNIT)
def test_a_result_without_a_unit(loinc: str, value: str, expected: float | None) -> None:
    given = observations((loinc, value), (loinc, value, " "))
    found = results(given, load_valuesets()).collect()
    if expected is None:
        assert found.is_empty()
        assert unused_results(given, load_valuesets()).collect()["reason"].to_list() == ["NO_UNIT"]
    else:
        assert found["value"].to_list() == [pytest.approx(expected, abs=6e-4)] * 2


UNUSED = [
    ((EGFR, "44", "mL/min/1.73m2", "cancelled"), "STATUS"),
    ((EGFR, "44", "mL/min/1.73m2", "Entered-in-Error"), "STATUS"),
    (("62388-4", "6.9", "%"), "EXCLUDED_CODE"),  # JDS scale (notes to the value sets)
    (("50384-7", "40", "mL/min/1.73m2"), "EXCLUDED_CODE"),  # Schwartz formula, children
    (("59576-9", "99", "%"), "EXCLUDED_CODE"),  # percentile of children
    ((EGFR, "see note", "mL/min/1.73m2"), "NO_VALUE"),
    ((EGFR, "positive", "mL/min/1.73m2"), "NO_VALUE"),
    ((HIV_AB, "0.1"), "NO_VALUE"),
    ((EGFR, "44", "furlong"), "UNKNOWN_UNIT"),
    ((PLATELETS, "95 hemolyzed", "K/uL"), "UNKNOWN_UNIT"),
    ((PLATELETS, "95 K/uL", "/uL"), "UNKNOWN_UNIT"),  # the two units contradict each other
    ((EGFR, "0", "mL/min/1.73m2"), "IMPLAUSIBLE"),
    (("54614-3", "99", "{score}"), "IMPLAUSIBLE"),  # BIMS 99: not completed
    ((A1C, "7.2", "fraction"), "IMPLAUSIBLE"),
]


@pytest.mark.parametrize(("row", "reason"), UNUSED)
def test_what_is_not_used_is_counted_with_its_reason(row: tuple[str, ...], reason: str) -> None:
    given = observations(row)
    assert results(given, load_valuesets()).collect().is_empty()
    assert unused_results(given, load_valuesets()).collect().select("reason", "count").rows() == [(reason, 1)]


def test_an_interval_stays_one() -> None:
    given = observations(
        (EGFR, ">60", "mL/min/1.73m2"), (EGFR, "<15", None), (LVEF, "35-40", "%"), (UACR, "<3", "mg/mmol")
    )
    found = results(given, load_valuesets()).sort("member_id").collect()
    assert found.select("low", "high", "value", "comparator").rows() == [
        (60.1, None, 60.0, ">"),
        (None, 14.9, 15.0, "<"),
        (35.0, 40.0, None, "range"),
        (None, pytest.approx(25.636), pytest.approx(26.52), "<"),  # 2.9 × 8.84 and 3 × 8.84
    ]


def test_findings_of_qualitative_tests_and_viral_loads() -> None:
    given = observations(
        (HIV_AB, "Reactive"), (HIV_AB, "Non-reactive"), (HIV_RNA, "1,234", "copies/mL"), (HIV_RNA, "<20", "copies/mL"),
        (HIV_RNA, "<20 DETECTED", "copies/mL"), (HIV_RNA, "Not detected"), (RF, "POSITIVE"), (RF, "45", "IU/mL"),
    )  # fmt: skip
    found = results(given, load_valuesets()).sort(pl.col("member_id").cast(pl.Int32)).collect()
    assert found["finding"].to_list() == [
        "positive", "negative", "positive", "negative", "indeterminate", "negative", "positive", None,
    ]  # fmt: skip


def test_unknown_codes_other_concepts_and_days_outside_do_not_come_out() -> None:
    given = observations(("0000-0", "1"), (A1C, "7.2"), (EGFR, "40"))
    sets = load_valuesets()
    assert results(given, sets, concepts=["egfr"]).collect()["concept"].to_list() == ["egfr"]
    day = timedelta(days=1)
    for since, until, rows in (
        (DAY, DAY, 2),
        (DAY + day, None, 0),
        (None, DAY - day, 0),
        (DAY, None, 2),
        (None, DAY, 2),
    ):
        assert results(given, sets, since=since, until=until).collect().height == rows


def test_members_become_numbers_and_unknown_members_go() -> None:
    members = pl.LazyFrame({"member_id": ["1"], "member_index": [7]})
    found = results(observations((EGFR, "40"), (EGFR, "41")), load_valuesets(), members=members).collect()
    assert found.columns[0] == "member_index"
    assert found.schema["member_index"] == pl.UInt32
    assert found.select("member_index", "value").rows() == [(7, 41.0)]


def test_a_numeric_value_column_and_missing_columns_are_understood() -> None:
    given = pl.LazyFrame({"member_id": ["a"], "observation_date": [date(2025, 1, 1)], "loinc": [EGFR], "value": [44.9]})
    assert results(given, load_valuesets()).collect()["value"].to_list() == [44.9]


def test_fallback_codes_stand_back_where_a_member_has_a_better_one() -> None:
    race_specific = "48642-3"
    given = pl.LazyFrame(
        {
            "member_id": ["both", "both", "only"],
            "observation_date": [DAY] * 3,
            "loinc": [race_specific, EGFR, race_specific],
            "value": ["50", "42", "44"],
            "unit": ["mL/min/1.73m2"] * 3,
        }
    )
    found = preferred_results(results(given, load_valuesets())).sort("member_id").collect()
    assert found.select("member_id", "value").rows() == [("both", 42.0), ("only", 44.0)]
