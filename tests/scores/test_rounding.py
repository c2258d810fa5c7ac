"""Exact arithmetic whatever the digits: no product wraps around, and a half goes away from zero (SPEC 0.4, 2.0)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from hcc.scores.payment import blended, mean_of_months, payment_scores
from hcc.scores.rounding import divided_by, times, to_thousandths

LARGEST = 2_147_483_647  # thousandths: what a raw score of 32 bits can hold


def thousandths(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_long_decimals_give_what_short_ones_give() -> None:
    """2.159 ÷ 1.067 = 2.02343; 2.023 × 0.941 = 1.90364 (SPEC S4)."""
    for norm, adjustment in (("1.067", "0.059"), ("1.0670000000000001", "0.05900000000000001")):
        normalized, paid = payment_scores(thousandths(2159), Decimal(norm), Decimal(adjustment))
        assert (normalized.tolist(), paid.tolist()) == ([2023], [1904])


@pytest.mark.parametrize("digits", range(1, 30))
def test_a_third_of_any_length(digits: int) -> None:
    """1.735 and 2.023 by one third and two: 1.927."""
    third = Decimal("0." + "3" * digits)
    weights = [third, 1 - third]
    exact = (1735 * third + 2023 * (1 - third)).quantize(Decimal(1))
    assert blended([thousandths(1735), thousandths(2023)], weights).tolist() == [int(exact)]
    assert abs(int(exact) - 1927) <= 10


def test_the_largest_scores_do_not_wrap() -> None:
    raw = thousandths(LARGEST, -LARGEST)
    assert divided_by(raw, Decimal("0.000001")).tolist() == [LARGEST * 10**6, -LARGEST * 10**6]
    assert times(raw, Decimal("0.999999")).tolist() == [2_147_481_500, -2_147_481_500]  # less 2,147.483647
    third, rest = Decimal("0.333333"), Decimal("0.666667")
    assert blended([raw, raw], [third, rest]).tolist() == [LARGEST, -LARGEST]
    assert mean_of_months(raw * 12, np.array([12, 12])).tolist() == [LARGEST, -LARGEST]


def test_what_does_not_fit_is_an_error_and_not_another_number() -> None:
    with pytest.raises(OverflowError):
        divided_by(thousandths(10**15), Decimal("0.0000000001"))


def test_no_values_are_no_trouble() -> None:
    assert times(thousandths(), Decimal("0.5")).tolist() == []
    assert blended([thousandths()], [Decimal(1)]).tolist() == []


@pytest.mark.parametrize(
    ("figure", "whole"),
    [("0.0025", 3), ("0.0005", 1), ("-0.0005", -1), ("0.0024999", 2), ("0.1235", 124), ("0.1", 100), ("0", 0)],
)
def test_a_figure_in_thousandths(figure: str, whole: int) -> None:
    assert to_thousandths(Decimal(figure)) == whole
