"""Rows dealt out to shards of neighbouring members: what one shard needs fits the processor's cache.

Rows come batch by batch in the order of the files; each batch is put in the order of its shards at once, so that a
shard is one slice of every batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from hcc.diagnoses.runs import Columns

SHARD_BITS = 16
"""A shard is 65,536 members: half a million records, arrays of a few megabytes."""


def shard_ranges(members: int) -> Iterator[tuple[int, int]]:
    """First member and the one after the last of each shard."""
    size = 1 << SHARD_BITS
    for start in range(0, members, size):
        yield start, min(start + size, members)


@dataclass
class Shards:
    """Batches of rows, each in the order of its shards. ``text``: a column of strings goes along."""

    count: int
    _pieces: list[tuple[Columns, Any, NDArray[np.int64]]] = field(default_factory=list)

    def add(self, member: NDArray[np.integer], columns: Columns, text: pl.Series | None = None) -> None:
        """Take in rows of these members; the order of rows of one member is kept."""
        shard = (member >> SHARD_BITS).astype(np.uint16 if self.count > 256 else np.uint8)
        ends = np.cumsum(np.bincount(shard, minlength=self.count))
        bounds = np.concatenate([[0], ends])
        if self.count > 1:
            order = np.argsort(shard, kind="stable")  # a radix sort: few bits
            columns = {name: values[order] for name, values in columns.items()}
            text = None if text is None else text.gather(pl.Series(order))
        # Contiguous text: the views of polars would hold the whole batch's buffers.
        self._pieces.append((columns, None if text is None else _contiguous(text), bounds))

    def clear(self) -> None:
        """Give the memory back."""
        self._pieces.clear()

    def shard(self, number: int) -> tuple[Columns, pl.Series | None]:
        """The rows of one shard, batch after batch."""
        spans = [(piece, text, int(b[number]), int(b[number + 1])) for piece, text, b in self._pieces]
        spans = [span for span in spans if span[3] > span[2]] or spans[:1]
        names = spans[0][0] if spans else {}
        columns = {name: np.concatenate([piece[name][low:high] for piece, _, low, high in spans]) for name in names}
        texts = [text.slice(low, high - low) for _, text, low, high in spans if text is not None]
        if not texts:
            return columns, None
        return columns, pl.Series(pl.from_arrow(pa.concat_arrays(texts)))


def _contiguous(text: pl.Series) -> Any:
    array = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
