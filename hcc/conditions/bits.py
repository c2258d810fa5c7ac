"""Diagnoses of members to sets of HCCs, held as bits in 64-bit words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hcc.rules.condition_tables import MAX_AGE, NONE, WORD, ConditionTables

Bits = NDArray[np.uint64]
_CHUNK = 1 << 17


def edit_class(tables: ConditionTables, sex: NDArray[np.integer], age: NDArray[np.integer]) -> NDArray[np.int16]:
    """Edit class per person; ``sex`` 0 = F, 1 = M; ``age`` as of 1 February of the payment year."""
    classes: NDArray[np.int16] = tables.class_of[sex, np.clip(age, 0, MAX_AGE)]
    return classes


def pair_bits(
    tables: ConditionTables, classes: NDArray[np.int16], code: NDArray[np.integer]
) -> list[tuple[NDArray[np.int16], NDArray[np.int8]]]:
    """HCC bit (or -1) and edit kind of each (person, code) pair, once per slot a code can have.

    ``classes`` and ``code`` have one entry per pair.
    """
    found = []
    code = code.astype(np.intp)  # what take wants: with anything else it converts block by block, at thrice the cost
    row = classes.astype(np.intp) * tables.slot_bit.shape[1]
    bits, kinds = tables.slot_bit.ravel(), tables.slot_kind.ravel()
    for slots in tables.slot_of_code:
        slot = slots.take(code)
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


def set_bits(bits: Bits) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, bit) of every bit set, ordered by row then bit."""
    rows, places = [], []
    for start in range(0, len(bits), _CHUNK):
        chunk = np.ascontiguousarray(bits[start : start + _CHUNK])
        flat = np.unpackbits(chunk.view(np.uint8), axis=1, bitorder="little")
        row, place = np.nonzero(flat)
        rows.append(row + start)
        places.append(place)
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(rows), np.concatenate(places)


def has_bit(bits: Bits, row: NDArray[np.integer], bit: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether each (row, bit) is set."""
    there: NDArray[np.bool_] = (bits[row, bit // WORD] >> (bit % WORD).astype(np.uint64)) & np.uint64(1) == 1
    return there
