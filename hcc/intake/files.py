"""Which files a path, a folder or a glob means, and what they are: by content, the ending only helps with errors."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hcc.errors import InputError

FileKind = Literal["parquet", "text", "gzip", "duckdb"]
_PARQUET = b"PAR1"
_ENDINGS = (".parquet", ".pq", ".csv", ".csv.gz", ".txt", ".txt.gz", ".tsv", ".tsv.gz", ".psv", ".dat")


@dataclass(frozen=True)
class Found:
    """A readable file of a kind we read."""

    path: Path
    kind: FileKind
    size: int


def find_files(table: str, given: str | Path | Sequence[str | Path]) -> tuple[list[Found], list[str]]:
    """Files meant by ``given`` and notes about what was left aside. Raises InputError with every fault."""
    paths, notes = [], []
    faults: list[str] = []
    for one in [given] if isinstance(given, (str, Path)) else list(given):
        expanded, left_aside = _expand(Path(one).expanduser(), faults)
        paths += expanded
        if left_aside:
            notes.append(
                f"{table}: {left_aside} file(s) in {Path(one).name} are neither Parquet nor CSV and were not read."
            )
    found = [file for path in dict.fromkeys(paths) if (file := _look(path, faults)) is not None]
    if faults:
        raise InputError.from_faults(
            table, faults, hint="Parquet, CSV (also .csv.gz), a folder or glob of them, or a DuckDB file."
        )
    return found, notes


def _expand(path: Path, faults: list[str]) -> tuple[list[Path], int]:
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p.relative_to(path).parts))
        data = [p for p in inside if p.name.lower().endswith(_ENDINGS)]
        if not data:
            faults.append(f"folder {path} holds no Parquet or CSV file")
        return data, len(inside) - len(data)
    if path.exists():
        return [path], 0
    if glob.has_magic(str(path)):
        matched = sorted(Path(p) for p in glob.glob(str(path), recursive=True))  # noqa: PTH207 – absolute patterns
        files = [p for p in matched if p.is_file() and not _hidden((p.name,))]
        if not files:
            faults.append(f"no file matches {path}")
        return files, 0
    faults.append(f"{path} does not exist{_similar(path)}")
    return [], 0


def _hidden(parts: Iterable[str]) -> bool:
    return any(part.startswith((".", "_")) for part in parts)  # Spark's _SUCCESS and .crc files, unfinished writes


def _similar(path: Path) -> str:
    from difflib import get_close_matches

    try:
        names = [p.name for p in path.parent.iterdir()]
    except OSError:
        return ""
    close = get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f" (there is {close[0]!r})" if close else ""


def _look(path: Path, faults: list[str]) -> Found | None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(16)
            file.seek(max(0, size - 4))
            tail = file.read(4)
    except OSError as error:
        faults.append(f"{path} cannot be read ({error.strerror or type(error).__name__})")
        return None
    fault: str | None = None
    kind: FileKind = "text"
    if size == 0:
        fault = "is empty"
    elif head[:4] == _PARQUET:
        kind = "parquet"
        if tail != _PARQUET or size < 12:
            fault = "is a Parquet file without its end: it was cut off"
    elif head[:4] == b"PARE":
        fault = "is an encrypted Parquet file"
    elif path.suffix.lower() in (".parquet", ".pq"):
        fault = "is not a Parquet file, whatever its name says"
    elif head[8:12] == b"DUCK":
        kind = "duckdb"
    elif head[:2] == b"\x1f\x8b":
        kind = "gzip"
    elif head[:4] == b"PK\x03\x04":
        fault = "is an Excel workbook or a zip archive; save it as CSV or unpack it"
    elif head[:4] in (b"\x28\xb5\x2f\xfd", b"BZh9") or head[:6] == b"\xfd7zXZ\x00":
        fault = "is compressed in a way that is not read; gzip is"
    elif head[:4] in (b"ORC\x00", b"Obj\x01") or head[:6] == b"ARROW1":
        fault = "is an ORC, Avro or Arrow file; convert it to Parquet"
    if fault is not None:
        faults.append(f"{path.name} {fault}")
        return None
    return Found(path, kind, size)
