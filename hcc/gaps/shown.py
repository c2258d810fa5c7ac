"""Values as a reader sees them: no number that nobody measured, and none that looks like the limit it misses."""

from __future__ import annotations

import polars as pl

from hcc.gaps.evidence.values import COMPARATORS

_PLACES = COMPARATORS.categories.to_list()
RANGE = _PLACES.index("range")
_WORDS = {"<": "below ", "<=": "at most ", ">": "above ", ">=": "at least ", "range": "up to "}
_FINE = 1e-6  # 0.29 × 100 is 28.999…


def number(value: pl.Expr) -> pl.Expr:
    """6.5 as 6.5, 42.0 as 42; further decimals than two are cut off, so that 39.996 does not read 40."""
    cut = (value * 100 + _FINE).floor() / 100
    # The division may be off in its last place: 870 / 100 is 8.700000000000001 to polars, but not everywhere.
    return cut.round(2).cast(pl.String).str.strip_suffix(".0")


def sign_in_words(sign: pl.Expr) -> pl.Expr:
    """What stands before a number in a sentence: 'below ' for '<15', 'up to ' for the upper end of a range."""
    return _told(sign, _WORDS)


def sign_as_sent(sign: pl.Expr) -> pl.Expr:
    """What stands before a number in a list of evidence: '<' for '<15', 'up to ' for the upper end of a range."""
    return _told(sign, {word: told if word == "range" else word for word, told in _WORDS.items()})


def _told(sign: pl.Expr, words: dict[str, str]) -> pl.Expr:
    told: pl.Expr = pl.lit("")
    for comparator, word in words.items():
        told = pl.when(sign == _PLACES.index(comparator)).then(pl.lit(word)).otherwise(told)
    return told
