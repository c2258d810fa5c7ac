"""What the kernel takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]

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


class Positions(Protocol):
    """Where 64-bit keys stand in a list of keys."""

    def __init__(self, keys: NDArray[np.uint64]) -> None: ...

    def twins(self) -> NDArray[np.int64]:
        """Positions of all keys that are there more than once, in no order; some others may be among them."""

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Position of each key, of equal ones that of the first; -1 where it is not there."""
