"""Where a 64-bit hash stands in a list of hashes: a few vectorised gathers, no hash table of Python or polars.

The leading bits of a hash say where in the sorted list it would stand; from there a step or two lead to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST = 24  # leading bits at most: a table of 16 million places


class Lookup:
    """Positions of ``keys`` (UInt64, spread like hashes; of equal ones the first is found)."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        bits = max(len(keys), 1).bit_length()
        # Leading bits of the key and its position in one word: a plain sort then does what costs an argsort and a
        # gather three times as much. Bits cut off are made up for by looking at the key itself.
        self._low = np.uint64(2**bits - 1)
        self._ordered = np.append(keys & ~self._low, ~self._low)  # a walk ends at the last at the latest
        self._ordered |= np.arange(len(self._ordered), dtype=np.uint64)
        self._ordered[:-1].sort()
        self._keys = np.append(keys, np.uint64(0))
        leading = min(bits + 1, _MOST)
        self._shift = np.uint64(64 - leading)
        counts = np.bincount((self._ordered[:-1] >> self._shift).view(np.int64), minlength=2**leading)
        self._starts = np.zeros(2**leading, dtype=np.int64)
        np.cumsum(counts[:-1], out=self._starts[1:])

    def twins(self) -> NDArray[np.int64]:
        """Positions of keys that are there more than once, of others too where their leading bits agree; alike beside
        alike, in the order of the keys given."""
        leading = self._ordered[:-1] & ~self._low
        same = leading[1:] == leading[:-1]
        if not same.any():
            return np.zeros(0, dtype=np.int64)
        alike = np.append(same, False) | np.append(False, same)
        positions: NDArray[np.int64] = (self._ordered[:-1][alike] & self._low).view(np.int64)
        return positions

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Position of each key, -1 where it is not there."""
        found = np.full(len(keys), -1, dtype=np.int64)
        asked = None  # all of them at first
        at = self._starts.take((keys >> self._shift).view(np.int64))
        top, last = keys & ~self._low, len(self._keys) - 1
        while len(at):
            word = self._ordered.take(at)
            place = (word & self._low).view(np.int64)
            hit = (self._keys.take(place) == keys) & (place < last)
            further = np.flatnonzero(~hit & ((word & ~self._low) <= top) & (at < last))
            there = np.flatnonzero(hit)
            found[there if asked is None else asked.take(there)] = place.take(there)
            asked = further if asked is None else asked.take(further)
            at, keys, top = at.take(further) + 1, keys.take(further), top.take(further)
        return found
