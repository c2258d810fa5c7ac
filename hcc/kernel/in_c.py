"""The kernel in C: the library beside this module, where there is one."""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hcc.kernel import in_numpy
from hcc.kernel.arrays import Bits, Columns, Evidence, Joined, Slots, Split

_VERSION = 3  # of the functions; kernel.c has the same
FILE = "_kernel.so"
_POINTER, _INT64, _INT32, _UINT32 = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32, ctypes.c_uint32
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "hcc_lookup_build": (_POINTER, _INT64, _POINTER, _INT32, _POINTER, _POINTER),
    "hcc_lookup_find": (_POINTER, _POINTER, _INT32, _POINTER, _INT64, _POINTER),
    "hcc_run_starts": (_POINTER, _POINTER, _INT64, _POINTER),
    **dict.fromkeys(("hcc_max_u64", "hcc_max_u32", "hcc_min_i8"), (_POINTER, _INT64, _POINTER, _INT64, _POINTER)),
    "hcc_deal": (_POINTER, _INT64, _INT32, _INT64, _POINTER, _POINTER),
    **{f"hcc_take_{size}": (_POINTER, _POINTER, _INT64, _POINTER) for size in (1, 2, 4, 8)},
    "hcc_split": (
        _POINTER, _INT64, _POINTER, _INT64, _POINTER, _POINTER, _UINT32, *[_POINTER] * 8,
    ),
    "hcc_join": (_POINTER, _POINTER, _INT64, _POINTER, _INT64, *[_POINTER] * 6),
    "hcc_evidence": (
        _POINTER, _POINTER, _POINTER, _INT64, _POINTER, _UINT32, _INT64, _POINTER, _POINTER, _INT32, _INT64, _POINTER,
        _INT64, _INT32, *[_POINTER] * 4,
    ),
    "hcc_drop": (_POINTER, _INT64, _INT32, _POINTER, _POINTER, _POINTER),
    "hcc_totals": (_POINTER, _INT64, _INT32, _POINTER, _POINTER, _POINTER),
}  # fmt: skip
_MOST_WORDS = 16  # MOST_BITS of kernel.c
_COUNTS = ("hcc_lookup_build", "hcc_run_starts", "hcc_join", "hcc_evidence")
_REDUCE = {
    ("largest", np.dtype(np.uint64)): "hcc_max_u64",
    ("largest", np.dtype(np.uint32)): "hcc_max_u32",
    ("least", np.dtype(np.int8)): "hcc_min_i8",
}


def _load() -> ctypes.CDLL | None:
    """The library; None where it was not built, does not load, or is of another state of the source."""
    try:
        library = ctypes.CDLL(str(Path(__file__).with_name(FILE)))
        if library.hcc_version() != _VERSION:
            return None
        for name, types in _FUNCTIONS.items():
            function = getattr(library, name)
            function.argtypes = types
            function.restype = _INT64 if name in _COUNTS else None
    except (OSError, AttributeError):
        return None
    return library


LIBRARY = _load()


def _call(name: str, *arguments: Any) -> Any:
    return getattr(LIBRARY, name)(*(a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments))


class Lookup:
    """As ``in_numpy.Lookup``: an open-addressing table of positions, asked for many keys at a time."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self._keys = np.ascontiguousarray(keys)
        self._bits = max(2 * len(keys), 2).bit_length()
        self._slots = np.zeros(2**self._bits, dtype=np.uint32)
        again, first = np.empty(len(keys), dtype=np.uint32), np.empty(len(keys), dtype=np.uint32)
        repeated = _call("hcc_lookup_build", self._keys, len(keys), self._slots, self._bits, again, first)
        self._twins = np.concatenate([again[:repeated], np.unique(first[:repeated])]).astype(np.int64)

    def twins(self) -> NDArray[np.int64]:
        return self._twins

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        keys = np.ascontiguousarray(keys)
        found = np.empty(len(keys), dtype=np.int32)
        _call("hcc_lookup_find", self._keys, self._slots, self._bits, keys, len(keys), found)
        return found


def neighbours(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.int64]:
    first, second = np.ascontiguousarray(first), np.ascontiguousarray(second)
    starts = np.empty(len(first), dtype=np.int64)
    return starts[: _call("hcc_run_starts", first, second, len(first), starts)]


def fold(
    columns: Columns, starts: NDArray[np.int64], largest: Collection[str], least: Collection[str] = ()
) -> Columns:
    folded: Columns = {}
    for name, values in columns.items():
        how = "largest" if name in largest else "least" if name in least else "first"
        function = _REDUCE.get((how, values.dtype))
        if function is None or not len(starts):
            folded |= in_numpy.fold({name: values}, starts, largest, least)
            continue
        values = np.ascontiguousarray(values)
        out = np.empty(len(starts), dtype=values.dtype)
        _call(function, values, len(values), np.ascontiguousarray(starts), len(starts), out)
        folded[name] = out
    return folded


def deal(
    member: NDArray[np.int32], columns: Columns, shards: int, bits: int
) -> tuple[Columns, NDArray[np.uint32], NDArray[np.int64]]:
    member = np.ascontiguousarray(member, dtype=np.int32)
    bounds, order = np.empty(shards + 1, dtype=np.int64), np.empty(len(member), dtype=np.uint32)
    _call("hcc_deal", member, len(member), bits, shards, bounds, order)
    dealt: Columns = {}
    for name, values in columns.items():
        values = np.ascontiguousarray(values)
        dealt[name] = np.empty(len(values), dtype=values.dtype)
        _call(f"hcc_take_{values.dtype.itemsize}", values, order, len(order), dealt[name])
    return dealt, order, bounds


def split(
    codes: NDArray[np.uint32], starts: NDArray[np.int64], member: NDArray[np.int32], mapped: int,
    rows: NDArray[np.int64], left_out: NDArray[np.bool_] | None = None,
) -> Split:  # fmt: skip
    codes, starts, member = np.ascontiguousarray(codes), np.ascontiguousarray(starts), np.ascontiguousarray(member)
    skip = None if left_out is None else np.ascontiguousarray(left_out)
    size, theirs = np.empty(len(starts), np.uint32), np.empty(len(starts), np.uint32)
    code, code_member = np.empty(len(codes), np.uint16), np.empty(len(codes), np.int32)
    pair, pair_member = np.empty(len(codes), np.uint32), np.empty(len(codes), np.int32)
    counts = np.zeros(2, np.int64)
    _call(
        "hcc_split", codes, len(codes), starts, len(starts), member, skip, mapped, size, theirs, code, code_member,
        rows, pair, pair_member, counts,
    )  # fmt: skip
    here, pairs = counts.tolist()
    return Split(size, theirs, code[:here], code_member[:here], pair[:pairs], pair_member[:pairs])


def join(met: NDArray[np.int32], size: NDArray[np.uint32], code: NDArray[np.uint16], records: int) -> Joined:
    met, size, code = np.ascontiguousarray(met), np.ascontiguousarray(size), np.ascontiguousarray(code)
    place, kept = np.full(records, -1, np.int32), np.zeros(1, np.int64)
    most = min(records, len(met))
    used, run = np.empty(most, np.int64), np.empty(most, np.int64)
    record, code_of = np.empty(len(code), np.int64), np.empty(len(code), np.uint16)
    many = _call("hcc_join", met, size, len(met), code, records, place, used, run, record, code_of, kept)
    return Joined(used[:many], run[:many], record[: int(kept[0])], code_of[: int(kept[0])])


def evidence(
    counted: NDArray[np.bool_], record: NDArray[np.uint32], code: NDArray[np.uint16], member_of: NDArray[np.uint32],
    start: int, classes: NDArray[np.int16], slots: Slots, words: int, *, listed: bool = True,
) -> tuple[Bits, Evidence | None]:  # fmt: skip
    rows = [np.ascontiguousarray(one) for one in (counted, record, code)]
    (ways, codes), n = slots.of_code.shape, len(record)
    sets, most = np.zeros((len(classes), words), np.uint64), n * ways if listed else 0
    out = np.empty(most, np.uint32), np.empty(most, np.int16), np.empty(most, np.uint32)
    arrays = [np.ascontiguousarray(one) for one in (classes, slots.of_code)]
    written = -1
    if words <= _MOST_WORDS:
        written = _call(
            "hcc_evidence", *rows, n, np.ascontiguousarray(member_of), start, len(classes), *arrays, ways, codes,
            np.ascontiguousarray(slots.bit), slots.bit.shape[1], words, sets, *(out if listed else (None,) * 3),
        )  # fmt: skip
    if written < 0:  # rows in another order
        return in_numpy.evidence(counted, record, code, member_of, start, classes, slots, words, listed=listed)
    return sets, Evidence(*(one[:written].copy() for one in out)) if listed else None


def drop(sets: Bits, drops: NDArray[np.uint64], parents: NDArray[np.uint8]) -> Bits:
    sets = np.ascontiguousarray(sets)
    kept = np.empty_like(sets)
    _call(
        "hcc_drop", sets, len(sets), sets.shape[1], np.ascontiguousarray(drops), np.ascontiguousarray(parents), kept
    )  # fmt: skip
    return kept


def totals(sets: Bits, kind: NDArray[np.int16], sums: NDArray[np.int32]) -> NDArray[np.int32]:
    sets, kind = np.ascontiguousarray(sets), np.ascontiguousarray(kind, dtype=np.int16)
    total = np.empty(len(sets), np.int32)
    _call("hcc_totals", sets, len(sets), sets.shape[1], kind, np.ascontiguousarray(sums), total)
    return total
