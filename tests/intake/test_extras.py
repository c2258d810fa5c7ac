"""The optional tables: canonical columns, and what cannot be used told."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from hcc.errors import InputError
from hcc.tables import INPUT_TABLES
from tests.intake.make import read, reasons


def extra(table: str, **columns: Any) -> pl.DataFrame:
    frame = read(**{table: pl.DataFrame(columns, strict=False)}).extras[table].collect()
    assert frame.columns == list(INPUT_TABLES[table].names)
    return frame


def test_none_are_given() -> None:
    assert read().extras == {}


def test_pharmacy() -> None:
    frame = extra("pharmacy", member_id=["M1", "M1"], fill_date=["20250304", "20250305"], ndc=[2869730, 12345678901],
                  days_supply=["30.0", "x"])  # fmt: skip
    assert frame["ndc"].to_list() == ["00002869730", "12345678901"]
    assert frame["fill_date"].to_list() == [date(2025, 3, 4), date(2025, 3, 5)]
    assert frame["days_supply"].to_list() == [30, None]
    assert (
        extra("pharmacy", member_id=["M1"], fill_date=["20250304"], ndc=["0002-8697-30"])["ndc"].item()
        == "0002-8697-30"
    )


def test_pharmacy_must_say_which_drug() -> None:
    with pytest.raises(InputError, match="no column says which drug it is"):
        extra("pharmacy", member_id=["M1"], fill_date=["20250304"])


def test_observations() -> None:
    frame = extra("observations", member_id=["M1"] * 2, observation_date=["2025-03-04"] * 2,
                  loinc=["48642-3", "4548-4"], value=[">60", 7.25], unit=["mL/min", None])  # fmt: skip
    assert frame["value"].to_list() == [">60", "7.25"]
    assert (
        extra("observations", member_id=["M1"], observation_date=["2025-03-04"], loinc=["4548-4"], value=[7.0])[
            "value"
        ].item()
        == "7"
    )


def test_problems() -> None:
    frame = extra("problems", member_id=["M1"] * 3, recorded_date=["2025-03-04"] * 3,
                  code=["e11.22", "44054006", "I50.9"], code_system=["icd10cm", "SNOMED-CT", None])  # fmt: skip
    assert frame["code"].to_list() == ["E1122", "44054006", "I509"]
    assert frame["code_system"].to_list() == ["ICD-10-CM", "SNOMED-CT", "ICD-10-CM"]


def test_chart_findings() -> None:
    frame = extra("chart_findings", member_id=["M1"], service_date=["2025-03-04"], diagnosis_code=["e11.22"],
                  verdict=["Not supported"], monitored=["Y"])  # fmt: skip
    row = frame.row(0, named=True)
    assert (row["diagnosis_code"], row["verdict"]) == ("E1122", "not_supported")
    assert (row["monitored"], row["evaluated"], row["note"]) == (True, None, None)


def test_rows_that_cannot_be_used() -> None:
    found = read(
        pharmacy=pl.DataFrame(
            {"member_id": ["M1", "", "M1"], "fill_date": ["2025-01-01", "2025-01-01", "x"], "ndc": ["1"] * 3}
        ),
        chart_findings=pl.DataFrame(
            {"member_id": ["M1"], "service_date": ["2025-01-01"], "diagnosis_code": ["I10"], "verdict": ["maybe"]}
        ),
    )  # fmt: skip
    assert found.extras["pharmacy"].collect().height == 1
    assert reasons(found) == [
        ("chart_findings", 1, "verdict", "UNKNOWN_VERDICT"),
        ("pharmacy", 2, "member_id", "MISSING_MEMBER_ID"),
        ("pharmacy", 3, "fill_date", "BAD_FILL_DATE"),
    ]


def test_an_empty_table_is_told() -> None:
    empty = pl.DataFrame(schema={"member_id": pl.String, "fill_date": pl.Date, "ndc": pl.String})
    assert read(pharmacy=empty).notes == ["pharmacy: there is no row."]
