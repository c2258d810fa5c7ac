"""Small helpers for drawing whole columns at once."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Texts = NDArray[np.object_]


def stream(seed: int, name: str) -> np.random.Generator:
    """An independent stream of random numbers per purpose, so that one table does not shift another."""
    return np.random.default_rng([seed, *name.encode()])


def day(year: int, month: int, of_month: int) -> np.datetime64:
    return np.datetime64(date(year, month, of_month), "D")


def choose(rng: np.random.Generator, weights: dict[str, float], size: int) -> Texts:
    """``size`` keys of ``weights``, drawn in proportion to their values."""
    keys = np.array(list(weights), dtype=object)
    share = np.array(list(weights.values()), dtype=float)
    return keys[np.searchsorted(np.cumsum(share / share.sum())[:-1], rng.random(size), side="right")]


def quota(rng: np.random.Generator, eligible: Bools, share: float, total: int) -> Ints:
    """Row numbers of round(share × total) eligible rows, at least one: rare states must show up."""
    pool = np.flatnonzero(eligible)
    return rng.choice(pool, size=min(len(pool), max(1, round(share * total))), replace=False)


def within(counts: Ints) -> Ints:
    """0, 1, … inside each run of ``counts``: the running number that belongs to ``np.repeat(…, counts)``."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def texts(values: Any) -> Texts:
    return np.asarray(values, dtype=object)


def text_series(values: Any) -> pl.Series:
    """A text column of an array of str and None (an object array beginning with None would confuse polars)."""
    return pl.Series(np.asarray(values, dtype=object).tolist(), dtype=pl.String)
