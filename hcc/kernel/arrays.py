"""What the kernel takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]
Bits = NDArray[np.uint64]
"""Sets of HCCs, [rows, words]."""

WORD = 64
NONE = -1

PAIR_CODES = 2**16
"""Codes told apart beside a member of a shard (of at most as many) in 32 bits."""


@dataclass(frozen=True, slots=True)
class Split:
    """Diagnoses of runs, those that map apart from the others.

    ``size`` and ``theirs``: mapped ones of each run, by whether its member is ours. ``code`` and ``code_member``:
    those of ours, in order. ``pair`` and ``pair_member``: others of ours, member and number (less the mapped ones) in
    32 bits; what does not fit falls off: the leading bits, those of the shard. In order.
    """

    size: NDArray[np.uint32]
    theirs: NDArray[np.uint32]
    code: NDArray[np.uint16]
    code_member: NDArray[np.int32]
    pair: NDArray[np.uint32]
    pair_member: NDArray[np.int32]


@dataclass(frozen=True, eq=False, slots=True)
class Joined:
    """Runs of codes and the records they met.

    ``used``: records with a run, in order; ``run``: one run of each. ``record`` (position among the used) and ``code``
    of the codes whose run met a record.
    """

    used: NDArray[np.int64]
    run: NDArray[np.int64]
    record: NDArray[np.int64]
    code: NDArray[np.uint16]


@dataclass(frozen=True, eq=False, slots=True)
class Slots:
    """Which HCC bit a code gives a person: a code leads to slots, an edit class and a slot to a bit or none.

    ``of_code`` [ways, codes]: NONE where a code has no (further) slot. ``bit`` [edit classes, slots]: NONE where a slot
    gives nothing; ``kind`` [edit classes, slots]: the kind of edit that decided.
    """

    of_code: NDArray[np.int16]
    bit: NDArray[np.int16]
    kind: NDArray[np.int8]


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """Counted diagnoses of a model: member, bit, record, one entry per distinct triple, sorted."""

    member: NDArray[np.uint32]
    bit: NDArray[np.int16]
    record: NDArray[np.uint32]


class Positions(Protocol):
    """Where 64-bit keys stand in a list of keys."""

    def __init__(self, keys: NDArray[np.uint64]) -> None: ...

    def twins(self) -> NDArray[np.int64]:
        """Positions of all keys that are there more than once, in no order; some others may be among them."""

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Position of each key, of equal ones that of the first; -1 where it is not there."""
