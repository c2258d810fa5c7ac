"""The one place that rounds: half away from zero, in whole thousandths (SPEC 2.0, 0.4)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Thousandths = NDArray[np.int64]


def round_ratio(numerator: NDArray[np.int64], denominator: int | NDArray[np.int64]) -> Thousandths:
    """``numerator / denominator`` (denominator > 0) rounded half away from zero, exactly."""
    divisor = np.asarray(denominator, dtype=np.int64)
    rounded: Thousandths = np.sign(numerator) * ((2 * np.abs(numerator) + divisor) // (2 * divisor))
    return rounded


def times(values: Thousandths, factor: Decimal | Fraction) -> Thousandths:
    """``values × factor`` rounded half away from zero; ``factor`` is exact."""
    ratio = Fraction(factor)
    return round_ratio(values.astype(np.int64) * ratio.numerator, ratio.denominator)


def divided_by(values: Thousandths, divisor: Decimal | Fraction) -> Thousandths:
    """``values ÷ divisor`` rounded half away from zero."""
    return times(values, 1 / Fraction(divisor))
