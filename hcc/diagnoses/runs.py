"""Lines to records where the lines of one claim stand together, as they nearly always do.

A hash group-by of 20 million lines costs 6.2 CPU seconds; the largest of each run of equal keys 1. Only claims that
appear in several runs are folded again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hcc import kernel
from hcc.kernel.arrays import Columns

_LARGEST, _LEAST = ("best", "last", "submitted"), ("verdict",)


def run_starts(*values: NDArray[Any]) -> NDArray[np.int64]:
    """Where runs of rows begin that are equal in all of ``values``."""
    if not len(values[0]):
        return np.zeros(0, dtype=np.int64)
    new = np.ones(len(values[0]), dtype=bool)
    np.not_equal(values[0][1:], values[0][:-1], out=new[1:])
    for more in values[1:]:
        new[1:] |= more[1:] != more[:-1]
    return np.flatnonzero(new)


def between(ordered: NDArray[Any], start: int, stop: int) -> tuple[int, int]:
    """Places of the values from ``start`` up to, not with, ``stop``.

    Asked in numbers of another type numpy first converts the whole array, for a population at every question.
    """
    low, high = np.searchsorted(ordered, np.array([start, stop], dtype=ordered.dtype))
    return int(low), int(high)


def fold_neighbours(lines: Columns, *keys: str) -> Columns:
    """One entry per run of neighbours equal in one or two ``keys``: best, last and submitted the largest, verdict the
    least, of others the first."""
    return kernel.fold(lines, kernel.neighbours(lines[keys[0]], lines[keys[-1]]), _LARGEST, _LEAST)


def fold_twins(records: Columns, twins: NDArray[np.int64]) -> None:
    """Give the first record of each ``key`` what all of its key hold; ``twins``: positions among which they all are."""
    if not len(twins):
        return
    order = twins[np.lexsort((twins, records["key"][twins]))]
    some = {name: values[order] for name, values in records.items()}
    first = order[run_starts(some["key"])]
    for name, values in fold_neighbours(some, "key").items():
        if name in (*_LARGEST, *_LEAST):
            records[name][first] = values
