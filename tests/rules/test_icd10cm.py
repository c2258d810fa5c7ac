from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from hcc.rules.folders import model_folder, models, years
from hcc.rules.icd10cm import mapped_codes


def row(code: str) -> dict[str, object]:
    return mapped_codes().row(by_predicate=pl.col("diagnosis_code") == code, named=True)


def test_shape() -> None:
    frame = mapped_codes()
    assert frame.height == 11525
    assert frame["diagnosis_code"].is_sorted()
    assert frame["diagnosis_code"].is_unique().all()
    assert frame.schema["valid_from"] == frame.schema["valid_to"] == pl.Date


def test_a_code_of_october_2025_and_one_without_known_dates() -> None:
    assert row("G35A")["valid_from"] == date(2025, 10, 1)
    assert (row("E1122")["valid_from"], row("E1122")["valid_to"]) == (None, None)
    assert row("E1122")["description"] == "Type 2 diabetes mellitus with diabetic chronic kidney disease"


def test_the_basis_of_a_date_does_not_contradict_the_other() -> None:
    """A code whose last day is known cannot start after a release that is later than that day."""
    told = mapped_codes().with_columns(
        pl.col("basis").str.extract(r"start unknown, after January (\d{4})").cast(pl.Int32).alias("after")
    )
    assert told.filter(pl.col("after") > pl.col("valid_to").dt.year()).height == 0
    assert told["after"].count() > 0


@pytest.mark.parametrize("model", models())
def test_every_mapped_code_is_described_here(model: str) -> None:
    known = set(mapped_codes()["diagnosis_code"])
    for year in years(model):
        table = pl.read_csv(model_folder(model, year) / "diagnosis_to_hcc.csv", infer_schema=False)
        assert set(table["diagnosis_code"]) <= known
