"""Diagnoses of members to sets of HCCs, held as bits in 64-bit words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hcc.kernel import in_numpy
from hcc.kernel.arrays import WORD, Bits
from hcc.kernel.in_numpy import pack_bits
from hcc.rules.condition_tables import MAX_AGE, ConditionTables

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
    return in_numpy.pair_bits(tables.slots, classes, code)


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


__all__ = ["Bits", "edit_class", "has_bit", "pack_bits", "pair_bits", "set_bits"]
