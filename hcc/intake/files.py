"""Which files a path, a folder or a glob means, and what they are: by content, the ending only helps with errors."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
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
        if not str(one).strip():  # it would mean the folder one is in
            faults.append("the path is empty")
            continue
        try:
            whole = Path(one).expanduser()
        except RuntimeError:
            faults.append(f"{one} begins with '~' and no known user")
            continue
        expanded, left_aside = _expand(whole, faults)
        paths += expanded
        lost = sum(not path.exists() for path in left_aside)
        if others := len(left_aside) - lost:
            notes.append(f"{table}: {others} file(s) in {Path(one).name} are neither Parquet nor CSV and were not read.")
        if lost:
            notes.append(f"{table}: {lost} link(s) in {Path(one).name} lead nowhere.")
    found = [file for path in dict.fromkeys(paths) if (file := _look(path, faults)) is not None]
    if faults:
        raise InputError.from_faults(
            table, faults, hint="Parquet, CSV (also .csv.gz), a folder or glob of them, or a DuckDB file."
        )
    return found, notes


def meant(path: Path) -> list[Path]:
    """Files that a path, a folder or a glob means, as ``find_files`` finds them."""
    return _expand(path.expanduser(), [])[0]


def _expand(path: Path, faults: list[str]) -> tuple[list[Path], list[Path]]:
    """Files that a path means, and those left aside."""
    try:
        if path.is_dir():
            data, left_aside = _inside(path)
            if not data:
                faults.append(f"folder {path} holds no Parquet or CSV file")
            return data, left_aside
        if path.exists():
            return [path], []
        if glob.has_magic(str(path)):
            _check_folders_of(path)
            found, left_aside = _matching(path)
            if not found:
                faults.append(f"no file matches {path}")
            return found, left_aside
        faults.append(f"{path} does not exist{_similar(path)}")
    except OSError as error:
        faults.append(f"{error.filename or path} cannot be read ({error.strerror or type(error).__name__})")
    return [], []


def _check_folders_of(pattern: Path) -> None:
    """Raises OSError for a folder on the way of a pattern that cannot be listed: glob would pass over it."""
    for part in reversed(pattern.parents):
        if not glob.has_magic(str(part)):
            continue
        for folder in glob.glob(str(part), recursive=True):  # noqa: PTH207 – absolute patterns
            if os.path.isdir(folder):  # noqa: PTH112
                os.scandir(folder).close()
    fixed = without_wildcards(pattern)
    if "**" in pattern.parts:
        for _ in os.walk(fixed, onerror=_unreadable):
            pass
    elif fixed.is_dir():
        os.scandir(fixed).close()


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Data files below a folder, links followed, each folder once; and other files and dead links."""
    seen: set[str] = set()
    found: list[Path] = []
    for base, folders, files in os.walk(folder, followlinks=True, onerror=_unreadable):
        real = os.path.realpath(base)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not _hidden((name,)))
        found += (Path(base, name) for name in files if not _hidden((name,)))
    data = sorted(p for p in found if p.is_file() and p.name.lower().endswith(_ENDINGS))
    return data, sorted(set(found) - set(data))


def _unreadable(error: OSError) -> None:
    """A folder that cannot be listed would be left out without a word."""
    raise error


def _matching(pattern: Path) -> tuple[list[Path], list[Path]]:
    """Files that match a pattern, and what is in the folders that do."""
    fixed = len(without_wildcards(pattern).parts)
    own = pattern.parts[fixed:]
    asked = _hidden(own)  # the pattern itself names hidden ones
    found: list[Path] = []
    left_aside: list[Path] = []
    for match in sorted(Path(p) for p in glob.glob(str(pattern), recursive=True)):  # noqa: PTH207 – absolute patterns
        if not asked and _hidden(match.parts[fixed:]):
            continue
        if match.is_dir() and own[-1] != "**":  # that one names the files, too
            data, others = _inside(match)
            found += data
            left_aside += others
        elif match.is_file():
            found.append(match)
    by_place = {os.path.realpath(path): path for path in reversed(found)}  # links may lead in a circle
    return sorted(by_place.values()), left_aside


def without_wildcards(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    return Path(*takewhile(lambda part: not glob.has_magic(part), pattern.parts))


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
    elif head[:4] == tail == b"PARE":
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
