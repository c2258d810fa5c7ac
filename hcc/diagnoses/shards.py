"""Rows dealt out to shards of neighbouring members: what one shard needs fits the processor's cache.

Rows come batch by batch in the order of the files; each batch is put in the order of its shards at once, so that a
shard is one slice of every batch. What does not fit in memory goes to a file that has no name: nothing of it
outlives the process.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from hcc import kernel
from hcc.kernel.arrays import Columns

SHARD_BITS = 16
"""A shard is 65,536 members: half a million records, arrays of a few megabytes."""


def shard_ranges(members: int) -> Iterator[tuple[int, int]]:
    """First member and the one after the last of each shard."""
    size = 1 << SHARD_BITS
    for start in range(0, members, size):
        yield start, min(start + size, members)


@dataclass
class Shards:
    """Batches of rows, each in the order of its shards. A column of strings may go along."""

    count: int
    nbytes: int = 0
    """Memory taken by the rows that are not in files."""
    _pieces: list[tuple[Columns, Any, NDArray[np.int64]]] = field(default_factory=list)
    _files: list[Any] = field(default_factory=list)
    _one_reader: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self, member: NDArray[np.int32], columns: Columns, text: tuple[pl.Series, NDArray[np.int64]] | None = None
    ) -> None:
        """Take in rows of these members; the order of rows of one member is kept. ``text``: strings, and which of
        them each row has."""
        if self.count > 1:
            columns, order, bounds = kernel.deal(member, columns, self.count, SHARD_BITS)
            text = None if text is None else (text[0], text[1].take(order))
        else:
            bounds = np.array([0, len(member)])
        # Contiguous text: the views of polars would hold the whole batch's buffers.
        words = None if text is None else _contiguous(text[0].gather(pl.Series(text[1])))
        self._pieces.append((columns, words, bounds))
        self.nbytes += sum(values.nbytes for values in columns.values()) + (0 if words is None else words.nbytes)

    def shard(self, number: int) -> tuple[Columns, pl.Series | None]:
        """The rows of one shard, batch after batch."""
        with self._one_reader:
            parts = [_read(file, number) for file in self._files]
        parts += [_cut(piece, number) for piece in self._pieces]
        parts = [part for part in parts if len(next(iter(part[0].values())))] or parts[:1]
        names = parts[0][0] if parts else {}
        columns = {name: np.concatenate([part[name] for part, _ in parts]) for name in names}
        texts = [text for _, text in parts if text is not None]
        return columns, pl.Series(pl.from_arrow(pa.concat_arrays(texts))) if texts else None

    def spill(self, folder: Path) -> None:
        """Put what is in memory into a file of one record batch per shard."""
        if not self._pieces:
            return
        here = Shards(self.count, _pieces=self._pieces)
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as its rows are asked for
        writer = None
        for number in range(self.count):
            columns, text = here.shard(number)
            if text is not None:
                columns = {**columns, _TEXT: _contiguous(text)}
            batch = pa.RecordBatch.from_pydict({key: pa.array(values) for key, values in columns.items()})
            writer = writer or pa.ipc.new_file(file, batch.schema)
            writer.write_batch(batch)
        assert writer is not None
        writer.close()
        self._files.append(pa.ipc.open_file(file))
        self._pieces, self.nbytes = [], 0

    def clear(self) -> None:
        """Give the memory back."""
        self._pieces.clear()
        self._files.clear()
        self.nbytes = 0


_TEXT = "_text"


def _read(file: Any, number: int) -> tuple[Columns, Any]:
    batch = file.get_batch(number)
    names = [name for name in batch.schema.names if name != _TEXT]
    columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in names}
    return columns, batch.column(_TEXT) if _TEXT in batch.schema.names else None


def _cut(piece: tuple[Columns, Any, NDArray[np.int64]], number: int) -> tuple[Columns, Any]:
    columns, text, bounds = piece
    low, high = int(bounds[number]), int(bounds[number + 1])
    cut = {name: values[low:high] for name, values in columns.items()}
    return cut, None if text is None else text.slice(low, high - low)


def _contiguous(text: pl.Series) -> Any:
    array = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
