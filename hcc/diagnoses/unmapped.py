"""Diagnosis codes that map in no model of the run, counted while the diagnoses are read (RULINGS 14)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

_CODE_BITS = 20
_NONE = np.uint64(0)


@dataclass
class Unmapped:
    """Rows (as they came, repeated lines included) and members of each unmapped code.

    Members are told apart by 44 bits of a hash: a million of them are miscounted by one about once in thirty-five
    runs, which a count for people to read can bear, and memory stays at eight bytes a row.
    """

    mapped: int
    """Numbers below this are mapped codes; the others count from here."""
    _rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _pairs: list[NDArray[np.uint64]] = field(default_factory=list)

    def add(self, code: NDArray[np.uint32], member: NDArray[np.uint64]) -> None:
        """Count rows; ``code``: numbers from ``mapped`` on, ``member``: hashes (0: not known)."""
        place = code - np.uint32(self.mapped)
        met = np.bincount(place)
        if len(met) > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros(len(met) - len(self._rows), dtype=np.int64)])
        self._rows[: len(met)] += met
        tellable = (member != _NONE) & (place < 2**_CODE_BITS)  # a million unmapped codes: the rest is noise
        if not tellable.all():
            place, member = place[tellable], member[tellable]
        bits = np.uint64(_CODE_BITS)
        self._pairs.append(((member >> bits) << bits) | place)

    def table(self, words: pl.Series) -> pl.DataFrame:
        """diagnosis_code, rows, members; most members first. ``words``: the text of every number."""
        met = np.flatnonzero(self._rows)
        members = np.zeros(len(self._rows), dtype=np.int64)
        if self._pairs:
            ordered = np.concatenate(self._pairs)
            self._pairs.clear()
            ordered.sort()
            distinct = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
            found = np.bincount((distinct & np.uint64(2**_CODE_BITS - 1)).astype(np.int64), minlength=len(members))
            members = found[: len(members)]
        return pl.DataFrame(
            {
                "diagnosis_code": words.gather(pl.Series(met + self.mapped)),
                "rows": self._rows[met],
                "members": members[met],
            }
        ).sort("members", "diagnosis_code", descending=[True, False])
