"""The kernel in numpy: a few vectorised passes over each batch."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from hcc.kernel.arrays import PAIR_CODES, Columns, Split

_MOST = 24  # leading bits at most: a table of 16 million places


class Lookup:
    """Positions of ``keys`` (UInt64, spread like hashes; of equal ones the first is found).

    The leading bits of a hash say where in the sorted list it would stand; from there a step or two lead to it.
    """

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
        """Positions of all keys that are there more than once, in no order; some others may be among them."""
        leading = self._ordered[:-1] & ~self._low
        same = leading[1:] == leading[:-1]
        if not same.any():
            return np.zeros(0, dtype=np.int64)
        alike = np.append(same, False) | np.append(False, same)
        positions: NDArray[np.int64] = (self._ordered[:-1][alike] & self._low).view(np.int64)
        return positions

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Position of each key, -1 where it is not there."""
        found = np.full(len(keys), -1, dtype=np.int32)
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


def neighbours(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where runs of rows begin that are equal in both."""
    if not len(first):
        return np.zeros(0, dtype=np.int64)
    new = np.ones(len(first), dtype=bool)
    np.not_equal(first[1:], first[:-1], out=new[1:])
    new[1:] |= second[1:] != second[:-1]
    return np.flatnonzero(new)


def fold(
    columns: Columns, starts: NDArray[np.int64], largest: Collection[str], least: Collection[str] = ()
) -> Columns:
    """One entry per run beginning at ``starts``: of columns named the largest or the least, of others the first."""
    if not len(starts):
        return {name: values[:0] for name, values in columns.items()}
    return {
        name: np.maximum.reduceat(values, starts) if name in largest
        else np.minimum.reduceat(values, starts) if name in least
        else values.take(starts)
        for name, values in columns.items()
    }  # fmt: skip


def deal(
    member: NDArray[np.int32], columns: Columns, shards: int, bits: int
) -> tuple[Columns, NDArray[np.uint32], NDArray[np.int64]]:
    """Columns in the order of their shards (``member`` >> ``bits``), rows of one shard as they came; that order; and
    where each of the ``shards`` begins, and the last ends."""
    shard = (member >> bits).astype(np.uint16 if shards > 256 else np.uint8)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(shard, minlength=shards))]).astype(np.int64)
    order = np.argsort(shard, kind="stable")  # a radix sort: few bits
    return {name: values.take(order) for name, values in columns.items()}, order.astype(np.uint32), bounds


def split(
    codes: NDArray[np.uint32], starts: NDArray[np.int64], member: NDArray[np.int32], mapped: int,
    rows: NDArray[np.int64], left_out: NDArray[np.bool_] | None = None,
) -> Split:  # fmt: skip
    """Diagnoses of runs beginning at ``starts``, each of one ``member`` (-1: none of ours): codes below ``mapped`` but
    those ``left_out``, apart from the others, which ``rows`` (by number, less the mapped ones) is raised by."""
    run = np.repeat(np.arange(len(starts), dtype=np.int32), np.diff(np.append(starts, len(codes))))
    maps = codes < mapped
    other = np.flatnonzero(~maps)
    if left_out is not None:
        maps &= ~left_out
    ours = (member >= 0).take(run)
    at = np.flatnonzero(maps & ours)
    number, who = codes.take(other) - np.uint32(mapped), member.take(run.take(other))
    met = np.bincount(number, minlength=0)
    rows[: len(met)] += met
    tellable = np.flatnonzero((who >= 0) & (number < PAIR_CODES))
    number, who = number.take(tellable), who.take(tellable)
    return Split(
        np.bincount(run.take(at), minlength=len(starts)).astype(np.uint32),
        np.bincount(run[maps & ~ours], minlength=len(starts)).astype(np.uint32),
        codes.take(at).astype(np.uint16),
        member.take(run.take(at)),
        (who.astype(np.uint32) << np.uint32(16)) | number,
        who,
    )
