"""Columns of identifiers and repeatable random numbers, made without a loop over rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
from numpy.typing import NDArray

_LETTERS = np.frombuffer(b"ACDEFGHJKMNPQRTUVWXY", dtype=np.uint8)
_ALNUM = np.frombuffer(b"0123456789ACDEFGHJKMNPQRTUVWXY", dtype=np.uint8)
_DIGITS = np.frombuffer(b"0123456789", dtype=np.uint8)
# Shaped like a Medicare Beneficiary Identifier, but beginning with 0, as none does.
_ID_PATTERN = (_LETTERS, _ALNUM, _DIGITS, _LETTERS, _ALNUM, _DIGITS, _LETTERS, _LETTERS, _DIGITS, _DIGITS)


def mixed(values: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """splitmix64: the same 64 random bits for the same value, so that nothing of a member need be kept."""
    with np.errstate(over="ignore"):
        z = values + np.uint64((salt * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(values: NDArray[np.uint64], salt: int) -> NDArray[np.float64]:
    return np.asarray((mixed(values, salt) >> np.uint64(11)) * (1.0 / (1 << 53)), dtype=np.float64)


def fixed_width(characters: NDArray[np.uint8]) -> pl.Series:
    """A text column of rows of equally many ASCII bytes."""
    rows, width = characters.shape
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    array = pa.LargeStringArray.from_buffers(
        rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))
    )
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series


def member_ids(members: int, seed: int) -> pl.Series:
    """11 characters each; different for different rows, in no order."""
    room = np.uint64((1 << 34) - 1)
    with np.errstate(over="ignore"):
        left = (np.arange(members, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(seed)) & room
    text = np.full((members, 1 + len(_ID_PATTERN)), ord("0"), dtype=np.uint8)
    for column, alphabet in reversed(list(enumerate(_ID_PATTERN, start=1))):
        left, digit = np.divmod(left, np.uint64(len(alphabet)))
        text[:, column] = alphabet[digit]
    return fixed_width(text)


def claim_ids(month: int, first: int, count: int) -> pl.Series:
    """13 digits each: the month's number, then a scrambled running number."""
    number = ((np.arange(first, first + count, dtype=np.uint64) * np.uint64(387420489)) % np.uint64(10**9)).astype(
        np.int64
    )
    text = np.empty((count, 13), dtype=np.uint8)
    for column, digit in enumerate(f"{1000 + month:04d}"):
        text[:, column] = ord(digit)
    for column in range(12, 3, -1):
        number, digit9 = np.divmod(number, 10)
        text[:, column] = digit9 + ord("0")
    return fixed_width(text)
