"""What was read, so that a later run can tell whether it reads the same again (RULINGS 19)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

_WHOLE = 64 * 2**20  # bytes in all files together up to which every byte is hashed (about 0.1 s)
_END = 2**20
INSIDE = "::"
"""Between a DuckDB file and a table in it."""


def of_files(
    table: str, paths: Sequence[Path], rows: int | None, inside: Mapping[str, list[str]] | None = None
) -> dict[str, Any]:
    """What tells a table again. ``inside``: of DuckDB files, by path, the tables that were read.

    ``hash_of`` says what ``sha256`` stands for: all bytes, or names, sizes, times and both ends of each file.
    ``content`` is the same whatever the files are called, wherever and in whatever order they lie: a hash of each
    file's bytes, of large ones their size and both ends.
    """
    stats = [path.stat() for path in paths]
    size = sum(stat.st_size for stat in stats)
    whole = size <= _WHOLE
    digest, contents = hashlib.sha256(), []
    for path, stat in zip(paths, stats, strict=True):
        if not whole:
            digest.update(f"{path.name}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
        content = hashlib.sha256() if whole else hashlib.sha256(f"{stat.st_size}\0".encode())
        with path.open("rb") as file:
            pieces = [file.read()] if whole or stat.st_size <= 2 * _END else [file.read(_END)]
            if not whole and stat.st_size > 2 * _END:
                file.seek(-_END, 2)
                pieces.append(file.read())
        for piece in pieces:
            digest.update(piece)
            content.update(piece)
        contents.append(content.hexdigest())
    return {
        "table": table,
        "paths": [str(path.resolve()) for path in paths],
        "rows": rows,
        "size": size,
        "mtime": max(stat.st_mtime for stat in stats),
        "sha256": digest.hexdigest(),
        "content": hashlib.sha256(" ".join(sorted(contents)).encode()).hexdigest(),
        "hash_of": "all bytes" if whole else "name, size, time, first and last MiB of each file",
        **({"inside": dict(inside)} if inside else {}),
    }


def places(one: Mapping[str, Any]) -> list[str]:
    """What was read for a table, as it is asked for again: files, and tables of DuckDB files as file::table."""
    inside = one.get("inside", {})
    return [
        path + (INSIDE + name if name else "") for path in one.get("paths", ()) for name in inside.get(path, ("",))
    ]  # fmt: skip


def of_frame(table: str, kind: str, frame: pl.DataFrame | None) -> dict[str, Any]:
    """Frames in memory have no path. An eager one of moderate size is hashed by content, a lazy one is not."""
    digest = None
    if frame is not None and frame.estimated_size() <= _WHOLE // 4:
        digest = _digest(frame)
    return {
        "table": table,
        "paths": [],
        "kind": kind,
        "rows": None if frame is None else frame.height,
        "size": None,
        "mtime": None,
        "sha256": digest,
        "hash_of": "the rows as CSV" if digest else "nothing: a frame in memory",
    }


def _digest(frame: pl.DataFrame) -> str | None:
    """Hash of the rows as CSV; None where a column cannot be put into CSV."""
    if any(dtype.is_nested() or dtype in (pl.Object, pl.Binary) for dtype in frame.dtypes):
        return None
    try:
        return hashlib.sha256(frame.write_csv().encode()).hexdigest()
    except pl.exceptions.PolarsError:  # types of other libraries, such as pandas' periods
        return None
