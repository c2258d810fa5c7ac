"""Diagnosis codes that map in no model of the run, counted while the diagnoses are read (RULINGS 14)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses.runs import run_starts
from hcc.diagnoses.shards import Shards
from hcc.kernel.arrays import PAIR_CODES, Split

_LOW = np.uint32(PAIR_CODES - 1)


@dataclass
class Unmapped:
    """Rows (as they came, repeated lines included) and members of ours of each unmapped code.

    Members are counted of the first 65,536 unmapped codes met: there are about as many in all of ICD-10-CM, what comes
    after them is noise and has no member.
    """

    mapped: int
    """Numbers below this are mapped codes; the others count from here."""
    shards: Shards
    of_mapped: NDArray[np.int64] | None = None
    """Rows of each mapped code, as they came; None: nobody asks."""
    _rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def count(self, code: NDArray[np.uint32]) -> None:
        """Count the mapped ones among rows as they came."""
        if self.of_mapped is not None:
            self.of_mapped += np.bincount(code[code < self.mapped], minlength=self.mapped)

    def rows_up_to(self, code: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Rows of each unmapped code so far, with places for these; whoever splits them counts here."""
        missing = int(code.max(initial=0)) + 1 - self.mapped - len(self._rows)
        if missing > 0:
            self._rows = np.append(self._rows, np.zeros(missing, dtype=np.int64))
        return self._rows

    def add(self, found: Split) -> None:
        """Take in the pairs of member and code."""
        self.shards.add(found.pair_member, {"pair": found.pair})

    def table(self, words: pl.Series) -> pl.DataFrame:
        """diagnosis_code, rows, members; most members first. ``words``: the text of every number."""
        met = np.flatnonzero(self._rows)
        members = np.zeros(max(len(self._rows), PAIR_CODES), dtype=np.int64)
        for number in range(self.shards.count):
            columns, _ = self.shards.shard(number)
            pair = columns.get("pair", np.zeros(0, dtype=np.uint32))
            pair.sort()
            members[:PAIR_CODES] += np.bincount(pair[run_starts(pair)] & _LOW, minlength=PAIR_CODES)
        self.shards.clear()
        return pl.DataFrame(
            {
                "diagnosis_code": words.gather(pl.Series(met + self.mapped)),
                "rows": self._rows[met],
                "members": members[met],
            }
        ).sort("members", "diagnosis_code", descending=[True, False])
