"""Raw to normalised to payment to blended scores, in CMS's order with CMS's rounding (SPEC R-2.0)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from hcc.scores.rounding import Thousandths, divided_by, roomy, round_ratio, times


def payment_scores(
    raw: Thousandths, normalization: Decimal, coding_adjustment: Decimal
) -> tuple[Thousandths, Thousandths]:
    """(normalised, payment): raw ÷ normalisation, rounded; × (1 − coding adjustment), rounded."""
    normalized = divided_by(raw, normalization)
    return normalized, times(normalized, 1 - coding_adjustment)


def blended(payments: Sequence[Thousandths], weights: Sequence[Decimal]) -> Thousandths:
    """Weighted sum of the models' rounded payment scores, rounded once."""
    fractions = [Fraction(weight) for weight in weights]
    scale = lcm(*(f.denominator for f in fractions))
    shares = [int(f * scale) for f in fractions]
    whole = sum(map(abs, shares))  # no sum of the products is larger than the largest payment times this
    total = sum(
        (roomy(payment, whole, scale) * share for payment, share in zip(payments, shares, strict=True)),
        start=np.zeros(len(payments[0]), dtype=np.int64),
    )
    return round_ratio(total, scale)


def mean_of_months(total: Thousandths, months: NDArray[np.int64]) -> Thousandths:
    """Sum of the payable months' payment scores over their number, rounded once (RULINGS 5); 0 months gives 0."""
    return round_ratio(total, np.maximum(months, 1))
