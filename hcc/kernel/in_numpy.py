"""The kernel in numpy: a few vectorised passes over each batch."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from hcc.kernel.arrays import NONE, PAIR_CODES, WORD, Bits, Columns, Evidence, Joined, Slots, Split

_CHUNK = 1 << 17
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


def join(met: NDArray[np.int32], size: NDArray[np.uint32], code: NDArray[np.uint16], records: int) -> Joined:
    """Runs of ``code`` (``size`` of each) with the records, of so many, that they ``met`` (-1: none)."""
    there = np.flatnonzero(met >= 0)
    one_run = np.full(records, -1, dtype=np.int64)  # a run of each record that has one
    one_run[met[there]] = there
    used = np.flatnonzero(one_run >= 0)
    place = np.full(records + 1, -1, dtype=np.int64)  # the last: of runs without a record
    place[used] = np.arange(len(used))
    record = np.repeat(place[met], size)
    if len(there) < len(met):
        hit = record >= 0
        record, code = record[hit], code[hit]
    return Joined(used, one_run[used], record, code)


def pair_bits(
    slots: Slots, classes: NDArray[np.int16], code: NDArray[np.integer]
) -> list[tuple[NDArray[np.int16], NDArray[np.int8]]]:
    """HCC bit (or -1) and edit kind of each pair of person and code, once per slot a code can have.

    ``classes`` and ``code`` have one entry per pair.
    """
    found = []
    code = code.astype(np.intp)  # what take wants: with anything else it converts block by block, at thrice the cost
    row = classes.astype(np.intp) * slots.bit.shape[1]
    bits, kinds = slots.bit.ravel(), slots.kind.ravel()
    for of_code in slots.of_code:
        slot = of_code.take(code)
        known = np.flatnonzero(slot != NONE)
        if len(known) == len(slot):
            place = row + slot
            found.append((bits.take(place), kinds.take(place)))
            continue
        place = row.take(known) + slot.take(known)  # few codes have a second one
        bit, kind = np.full(len(slot), NONE, dtype=np.int16), np.zeros(len(slot), dtype=np.int8)
        bit[known], kind[known] = bits.take(place), kinds.take(place)
        found.append((bit, kind))
    return found


def pack_bits(person: NDArray[np.integer], bit: NDArray[np.integer], persons: int, words: int) -> Bits:
    """Set of bits per person: array [persons, words]. Pairs may come in any order and be repeated.

    Memory beyond the result is one byte per bit of 131,072 persons when ``person`` is sorted.
    """
    packed = np.zeros((persons, words), dtype=np.uint64)
    if len(person) == 0:
        return packed
    if persons > _CHUNK and np.any(person[1:] < person[:-1]):
        order = np.argsort(person, kind="stable")
        person, bit = person[order], bit[order]
    for start in range(0, persons, _CHUNK):
        stop = min(start + _CHUNK, persons)
        if persons <= _CHUNK:
            rows, columns = person, bit
        else:
            low, high = np.searchsorted(person, (start, stop))
            rows, columns = person[low:high] - start, bit[low:high]
        matrix = np.zeros((stop - start, words * WORD), dtype=np.uint8)
        matrix[rows, columns] = 1
        packed[start:stop] = np.packbits(matrix, axis=1, bitorder="little").view(np.uint64)
    return packed


def evidence(
    counted: NDArray[np.bool_], record: NDArray[np.uint32], code: NDArray[np.uint16], member_of: NDArray[np.uint32],
    start: int, classes: NDArray[np.int16], slots: Slots, words: int, *, listed: bool = True,
) -> tuple[Bits, Evidence | None]:  # fmt: skip
    """HCCs of members ``start`` and following, one of each of ``classes``, from their ``counted`` rows: the set of each,
    and with ``listed`` every distinct member (from 0), bit and record, sorted.

    Rows are those of one range of members; ``member_of`` says whose a record is.
    """
    at = np.flatnonzero(counted)
    record, code = record.take(at), code.take(at)
    member = member_of.take(record.astype(np.intp)) - np.uint32(start)
    members, bits, records = [], [], []
    for bit, _ in pair_bits(slots, classes.take(member.astype(np.intp)), code):
        hit = np.flatnonzero(bit >= 0)
        members.append(member.take(hit))
        bits.append(bit.take(hit))
        if listed:
            records.append(record.take(hit))
    person, places = np.concatenate(members), np.concatenate(bits)
    sets = pack_bits(person, places, len(classes), words)
    return sets, _distinct(person, places, np.concatenate(records)) if listed else None


def _distinct(member: NDArray[np.uint32], bit: NDArray[np.int16], record: NDArray[np.uint32]) -> Evidence:
    """Distinct (member, bit, record), sorted. One 64-bit key: 24 bits of member, 8 of HCC, 32 of record."""
    ordered = (
        (member.astype(np.uint64) << np.uint64(40)) | (bit.astype(np.uint64) << np.uint64(32)) | record.astype(np.uint64)
    )
    ordered.sort()  # polars takes four times as long for it where numpy has the processor's wide registers
    new = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    ordered = ordered[new]
    return Evidence(
        (ordered >> np.uint64(40)).astype(np.uint32),
        ((ordered >> np.uint64(32)) & np.uint64(0xFF)).astype(np.int16),
        (ordered & np.uint64(0xFFFFFFFF)).astype(np.uint32),
    )


def drop(sets: Bits, drops: NDArray[np.uint64], parents: NDArray[np.uint8]) -> Bits:
    """Sets without the children of the parents in them, every parent tested on the set as it was.

    ``drops`` [bytes, 256, words]: children of the parents in each value of a byte; ``parents`` [bytes]: their bits.
    """
    dropped = np.zeros_like(sets)
    as_bytes = np.ascontiguousarray(sets).view(np.uint8)
    for place, of_byte in enumerate(parents.tolist()):
        values = as_bytes[:, place]
        rows = np.flatnonzero((values & np.uint8(of_byte)) != 0) if of_byte else ()
        if len(rows):  # few members have a parent in any one byte
            dropped[rows] |= drops[place].take(values[rows], axis=0)
    kept: Bits = sets & ~dropped
    return kept


def totals(sets: Bits, kind: NDArray[np.int16], sums: NDArray[np.int32]) -> NDArray[np.int32]:
    """Sum over the bits of each set; ``sums`` [kinds, bytes, 256]: of each value of a byte, by the row's ``kind``."""
    as_bytes, flat = np.ascontiguousarray(sets).view(np.uint8), sums.reshape(-1)
    base = kind.astype(np.intp) * sums[0].size
    total = np.zeros(len(sets), dtype=np.int32)
    for place in range(sums.shape[1]):
        values = as_bytes[:, place]
        has = np.flatnonzero(values != 0)  # few members have an HCC in any one byte
        if len(has):
            total[has] += flat.take(base.take(has) + (values.take(has) + np.intp(place * 256)))
    return total
