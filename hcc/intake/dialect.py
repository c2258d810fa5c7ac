"""What a text file looks like before it is read: encoding, delimiter and header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hcc.errors import InputError
from hcc.intake.files import Found

_HEAD = 2**18
_DELIMITERS = (",", "\t", "|", ";")
_BOMS = (  # UTF-32 before UTF-16: its mark begins alike
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKS_LIKE_DATA = re.compile(r"^\s*[-+$]?\d[\d/.:,\- ]*\s*$|\d{4}|\d[-/. ]?[A-Za-z]{3}[-/. ]?\d")
"""Numbers, and whatever holds a year or a day with the month's name: a birth date is no column name."""


@dataclass(frozen=True)
class Dialect:
    """``encoding`` is Python's name; ``header`` the column names as written, ``blank_lines`` stand before them."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    blank_lines: int = 0

    @property
    def is_utf8(self) -> bool:
        return self.encoding in ("utf-8", "utf-8-sig")


def sniff(file: Found, known: Iterable[str]) -> Dialect:
    """Raises InputError if this is no table of text. ``known``: column names we hope for, lower case."""
    head = _head(file)
    encoding = next((name for mark, name in _BOMS if head.startswith(mark)), "")
    if not encoding:
        if b"\0" in head:
            raise InputError(
                f"{file.path.name} holds NUL bytes: it is binary, or UTF-16 without its mark.",
                hint="Save it as CSV in UTF-8.",
            )
        encoding = "utf-8" if _is_utf8(head) else "cp1252"
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head)
    if not text.strip():
        raise InputError(f"{file.path.name} is empty.", hint="It needs a header line with column names.")
    hoped_for = set(known)
    header, delimiter = max(
        ((_record(text, mark), mark) for mark in _DELIMITERS),
        key=lambda pair: (len(hoped_for & {name.strip().lower() for name in pair[0]}), len(pair[0])),
    )
    _refuse_data_as_header(file.path, header, hoped_for)
    before = text[: len(text) - len(text.lstrip("\r\n"))]
    return Dialect(encoding, delimiter, tuple(header), len(before.splitlines()))


def _head(file: Found) -> bytes:
    try:
        if file.kind == "gzip":
            with gzip.open(file.path, "rb") as stream:
                return stream.read(_HEAD)
        with file.path.open("rb") as raw:
            return raw.read(_HEAD)
    except (OSError, EOFError):
        raise InputError(
            f"{file.path.name} cannot be unpacked: it was cut off or damaged.", hint="Get it again."
        ) from None


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character cut at the end is no fault
    except UnicodeDecodeError:
        return False
    return True


def _record(text: str, delimiter: str) -> list[str]:
    try:
        first = next(csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter), [])
    except csv.Error:
        return []
    return [name.strip().strip('"') for name in first]


def _refuse_data_as_header(path: Path, header: list[str], known: set[str]) -> None:
    """Without this, a file without header would show a member's data as 'columns found'."""
    if known & {name.lower() for name in header}:
        return
    if any(_LOOKS_LIKE_DATA.search(name) for name in header):
        raise InputError(
            f"The first line of {path.name} looks like data, not like column names.",
            hint="Add a header line; 'hcc schema --inputs' lists the names. Other names can be given with "
            "--columns map.toml.",
        )
