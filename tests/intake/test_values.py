"""Columns of one meaning and many types."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from hcc.intake import values


def read(reader: values.Reader, cells: list[Any], dtype: pl.DataType | None = None) -> list[Any]:
    series = pl.Series("x", cells, dtype=dtype, strict=False)
    expr = reader(pl.col("x"), series.dtype)
    assert expr is not None
    return series.to_frame().select(expr.alias("x"))["x"].to_list()


def test_identifiers_that_became_numbers_keep_their_digits() -> None:
    assert read(values.text, [131.0, 2.5, None, float("nan")]) == ["131", "2.5", None, None]
    assert read(values.text, [12345678901234567]) == ["12345678901234567"]
    assert read(values.text, ["a"], pl.Categorical()) == ["a"]
    decimals = [Decimal("101.00"), Decimal("100.50"), Decimal("100.00"), None]
    assert read(values.text, decimals, pl.Decimal(18, 2)) == ["101", "100.50", "100", None]
    assert read(values.text, [Decimal(10**25)], pl.Decimal(38, 0)) == [str(10**25)]
    assert read(values.text, ["101.0"]) == ["101.0"]  # text stays as it stands


def test_codes_that_became_numbers() -> None:
    assert read(values.code, ["99213.0", " g0463", "99214", "J1.0", "1.5", None]) == [
        "99213", "G0463", "99214", "J1.0", "1.5", None
    ]  # fmt: skip
    assert read(values.code, [Decimal("99213.00"), None], pl.Decimal(9, 2)) == ["99213", None]


def test_dates_that_became_numbers() -> None:
    for cells, dtype in (([20250601.0], pl.Float64()), ([Decimal("20250601.0")], pl.Decimal(9, 1))):
        assert read(values.date, cells, dtype) == [date(2025, 6, 1)]


@pytest.mark.parametrize("word", ["true", "TRUE", "t", "1", "Y", "yes", " Yes ", "1.0"])
def test_true_in_many_words(word: str) -> None:
    assert read(values.boolean, [word]) == [True]


@pytest.mark.parametrize("word", ["false", "F", "0", "n", "NO", "0.0"])
def test_false_in_many_words(word: str) -> None:
    assert read(values.boolean, [word]) == [False]


def test_other_words_are_neither() -> None:
    assert read(values.boolean, ["x", "", "2", None]) == [None] * 4
    assert read(values.boolean, [1, 0, 2]) == [True, False, None]
    assert read(values.boolean, [1.0, 0.0, None]) == [True, False, None]


def test_whole_numbers() -> None:
    assert read(values.integer, ["12", " 12.0", "12.5", "x", "", None, "-3"]) == [12, 12, None, None, None, None, -3]
    assert read(values.integer, [12.0, 12.5]) == [12, None]


def test_money_is_exact_and_rounded_half_away_from_zero() -> None:
    cells = ["$1,234.505", "-$0.005", "12", "1,23", "abc", None]
    assert read(values.money, cells) == [Decimal("1234.51"), Decimal("-0.01"), Decimal("12.00"), None, None, None]
    assert read(values.money, [1234.5]) == [Decimal("1234.50")]


def test_codes_that_lost_a_leading_zero() -> None:
    assert read(values.padded(2), ["1", "11", " 2", "2.0", "AB", None]) == ["01", "11", "02", "02", "AB", None]
    assert read(values.padded(2), [1, 11]) == ["01", "11"]


def test_choices_know_blank_from_unknown() -> None:
    reader = values.choice({"f": "F", "2": "F", "chart_review": "chart_review"})
    assert read(reader, ["F", "f ", "2", "Chart Review", "chart-review", "x", "", None]) == [
        "F", "F", "F", "chart_review", "chart_review", values.UNKNOWN, None, None,
    ]  # fmt: skip
    assert read(reader, ["F", None]) == ["F", None]


def test_nested_columns_hold_no_text() -> None:
    assert values.text(pl.col("x"), pl.List(pl.String)) is None
    assert values.integer(pl.col("x"), pl.Date()) is None
    assert values.boolean(pl.col("x"), pl.Date()) is None
