"""The one place that rounds: half away from zero, in whole thousandths (SPEC 2.0, 0.4).

Factors are exact, of any number of digits. Where a product could leave 64 bits, Python's own integers work it out.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Thousandths = NDArray[np.int64]
_LARGEST = np.iinfo(np.int64).max


def round_ratio(numerator: NDArray[Any], denominator: int | NDArray[np.int64]) -> Thousandths:
    """``numerator / denominator`` (denominator > 0) rounded half away from zero, exactly.

    Both are integers; twice the numerator and the denominator fit together in 64 bits, or the numerator is of Python's
    integers (``roomy``). Raises OverflowError for a result that does not fit.
    """
    divisor = denominator if numerator.dtype == object else np.asarray(denominator, dtype=np.int64)
    rounded = np.sign(numerator) * ((2 * np.abs(numerator) + divisor) // (2 * divisor))
    exact: Thousandths = rounded.astype(np.int64)
    return exact


def roomy(values: NDArray[np.integer], factor: int, divisor: int = 1) -> NDArray[Any]:
    """``values`` as integers that can be multiplied by ``factor`` and then rounded by ``divisor`` without a wrap."""
    largest = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    fits = 2 * largest * abs(factor) + 2 * divisor <= _LARGEST
    return values.astype(np.int64 if fits else object)


def times(values: NDArray[np.integer], factor: Decimal | Fraction) -> Thousandths:
    """``values × factor`` rounded half away from zero; ``factor`` is exact. Raises OverflowError."""
    ratio = Fraction(factor)
    return round_ratio(roomy(values, ratio.numerator, ratio.denominator) * ratio.numerator, ratio.denominator)


def divided_by(values: NDArray[np.integer], divisor: Decimal | Fraction) -> Thousandths:
    """``values ÷ divisor`` rounded half away from zero. Raises OverflowError."""
    return times(values, 1 / Fraction(divisor))


def to_thousandths(figure: Decimal) -> int:
    """A figure in whole thousandths, rounded half away from zero."""
    return int(times(np.array([1000]), figure)[0])
