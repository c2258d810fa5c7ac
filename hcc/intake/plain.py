"""A quick proof that code-like text needs no cleaning, so that the clean case (nearly all real files) costs little.

Polars keeps strings of up to 12 bytes inside 16-byte views; eight bytes are tested at a time. Measured on 30 million
diagnosis codes and two cores: 0.3 s for this test, 1.7 s for stripping, replacing and upper-casing them.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

_INLINE = 12  # bytes; longer strings live outside the view
_BLOCK = 16_384  # words; a block and its two scratch blocks stay in the cache
_ONE = np.uint64(1)
_LENGTH = np.uint64(0xFFFFFFFF)


def _every_byte(bits: int) -> np.uint64:
    return np.uint64(int.from_bytes(bytes([bits]) * 8, "little"))


_B80, _B40, _B20, _B1F = (_every_byte(bits) for bits in (0x80, 0x40, 0x20, 0x1F))


def is_plain(series: pl.Series) -> bool:
    """True if every value is null or consists of at most 12 capital letters, digits and ``:;<=>?@[\\]^_`` only.

    No lower case, blank, dot, dash, control character or non-ASCII byte is there. False may also mean "cannot tell".
    """
    if series.null_count():
        series = series.drop_nulls()  # the view of a null is undefined
    if series.is_empty():
        return True
    array = series.to_arrow(compat_level=pl.CompatLevel.newest())
    if array.type != pa.string_view():
        return False
    views = array.buffers()[1]
    words = np.frombuffer(views, dtype=np.uint64, count=2 * (len(array) + array.offset))[2 * array.offset :]
    scratch = np.empty((3, min(_BLOCK, len(words))), dtype=np.uint64)
    return all(_block_is_plain(words[start : start + _BLOCK], scratch) for start in range(0, len(words), _BLOCK))


def _block_is_plain(words: NDArray[np.uint64], scratch: NDArray[np.uint64]) -> bool:
    """Each pair of words is a view: 4 bytes of length, 12 bytes of text padded with zeros."""
    if int((words[::2] & _LENGTH).max()) > _INLINE:
        return False
    text, left, work = (row[: len(words)] for row in scratch)
    text[:] = words
    text[::2] &= ~_LENGTH
    np.left_shift(text, _ONE, out=left)  # bit 0x20 moves to 0x40, 0x10 to 0x20
    np.bitwise_and(text, left, out=work)
    doubtful = np.bitwise_or.reduce(work) & _B40  # 0x60–0x7f: lower case
    np.right_shift(text, _ONE, out=work)  # bit 0x40 moves to 0x20
    np.bitwise_or(work, left, out=work)
    np.invert(work, out=work)
    np.bitwise_and(work, text, out=work)
    doubtful |= np.bitwise_or.reduce(work) & _B20  # 0x20–0x2f: blank, dot, dash
    doubtful |= np.bitwise_or.reduce(text) & _B80  # not ASCII
    np.bitwise_or(text, left, out=left)
    np.invert(left, out=left)
    np.right_shift(left, _ONE, out=left)  # bit 0x20: the byte has neither 0x40 nor 0x20
    np.bitwise_and(text, _B1F, out=work)
    np.add(work, _B1F, out=work)  # bit 0x20: one of the low five bits is set
    np.bitwise_and(work, left, out=work)
    doubtful |= np.bitwise_or.reduce(work) & _B20  # 0x01–0x1f: control characters
    return not doubtful
