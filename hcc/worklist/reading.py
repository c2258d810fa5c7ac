"""Reads a decisions file as spreadsheets and people leave it: its rows as text, and what could not be read."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from hcc.errors import InputError
from hcc.worklist.words import SIDE_SHEETS

COLUMNS = ("gap_id", "decision", "decision_reason", "note", "reviewer", "decided_on", "run_id", "evidence_count")
_NEEDED = ("gap_id", "decision")
_HEADINGS = {"evidence_rows": "evidence_count"}
_HEADING_WITHIN = 50
"""Rows in which the headings are looked for: people write a title, a date or a few notes above a list."""
_SUFFIXES = (".xlsx", ".csv", ".parquet")
_DELIMITERS = (",", ";", "\t", "|")
_MARKS = (  # UTF-32 before UTF-16: its mark begins alike
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_HEADINGS = f"not read: none of its first {_HEADING_WITHIN} rows has the headings gap_id and decision"
_FAULTS = {"sheet": pl.String, "row_number": pl.Int64, "why": pl.String}
Rows = Sequence[Sequence[str | None]]


@dataclass(frozen=True)
class DecisionsFile:
    """``rows``: sheet, row_number (as the spreadsheet counts) and the columns of a decision, all text.

    ``faults`` (sheet, row_number, why): what was not read; a fault without row_number is of a whole sheet. ``notes``:
    what the sender should know.
    """

    rows: pl.DataFrame
    faults: pl.DataFrame
    notes: tuple[str, ...] = ()


class _Unread(Exception):
    """Why a sheet is no list of decisions."""


def read_decisions(path: str | Path) -> DecisionsFile:
    """Read a worklist that came back, or any list with the columns gap_id and decision.

    Excel: every sheet that has them, wherever in its first rows the headings stand; the others are among the faults,
    except the summary and the guide that we write ourselves. CSV: comma, semicolon, tab or bar; UTF-8, UTF-16 or
    UTF-32 by its mark, else UTF-8, else Windows-1252, which is noted. Raises InputError.
    """
    file = Path(path).expanduser()
    suffix = file.suffix.lower()
    if not file.is_file():
        raise InputError(f"There is no file {path}.", hint="Give the worklist that came back from the coder.")
    if suffix not in _SUFFIXES:
        raise InputError(f"{path} has none of the endings {', '.join(_SUFFIXES)}.", hint="Save it as .xlsx or .csv.")
    try:
        if suffix == ".parquet":
            return _parquet(file)
        return _csv(file) if suffix == ".csv" else _workbook(file)
    except _Unread as error:
        words = "has no columns gap_id and decision" if str(error) == _NO_HEADINGS else str(error)
        raise InputError(
            f"{path} {words}.", hint="Keep the columns of the worklist; others may be removed, moved or added."
        ) from None
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as {suffix} ({error.__class__.__name__}).",
            hint="Open it, save it again, and retry.",
        ) from None


def is_worklist(file: Path) -> bool:
    """Whether a file of one of our endings is a worklist that we wrote, by its headings; an empty file is as good."""
    if not file.stat().st_size:
        return True
    try:
        suffix = file.suffix.lower()
        if suffix == ".parquet":
            return _ours([list(pl.read_parquet_schema(file))])
        if suffix == ".csv":
            with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
                head = [line.rstrip("\r\n") for line in islice(text, _HEADING_WITHIN)]
            return any(_ours(line.split(mark) for line in head) for mark in _DELIMITERS)
        import fastexcel

        reader = fastexcel.read_excel(file)
        return any(
            _ours(reader.load_sheet(name, dtypes="string", header_row=None, n_rows=_HEADING_WITHIN).to_polars().rows())
            for name in reader.sheet_names
        )
    except Exception:  # whatever it is that cannot be read, it is no worklist
        return False


def _ours(rows: Iterable[Sequence[str | None]]) -> bool:
    """The table reviews of the results, and lists that people made themselves, lack one or the other of these."""
    return any({_plain(cell) for cell in row} >= set(COLUMNS) for row in rows)


def _workbook(file: Path) -> DecisionsFile:
    import fastexcel

    reader = fastexcel.read_excel(file)
    found: list[pl.DataFrame] = []
    unread: list[tuple[str, None, str]] = []
    for name in reader.sheet_names:
        sheet = reader.load_sheet(name, dtypes="string", header_row=None, skip_rows=0).to_polars()
        try:
            found.append(_listed(name, sheet))
        except _Unread as error:
            if name not in SIDE_SHEETS and sheet.height:
                unread.append((name, None, str(error)))
    if not found:
        only = {why for _, _, why in unread}
        raise _Unread(only.pop() if len(only) == 1 else _NO_HEADINGS)
    return DecisionsFile(pl.concat(found), pl.DataFrame(unread, schema=_FAULTS, orient="row"))


def _listed(name: str, sheet: pl.DataFrame) -> pl.DataFrame:
    place, columns = _headings(sheet.head(_HEADING_WITHIN).rows())
    below = sheet.slice(place + 1).select(pl.nth(at).alias(column) for column, at in columns.items())
    return _shaped(name, below, place + 2)


def _csv(file: Path) -> DecisionsFile:
    text, notes = _decoded(file)
    delimiter = next((mark for mark in _DELIMITERS if _fits(text, mark)), None)
    if delimiter is None:
        raise _Unread(_NO_HEADINGS)
    try:
        rows = list(_records(text, delimiter))
    except csv.Error as error:
        raise InputError(
            f"{file.name} cannot be read as CSV: {error}.", hint="Look for a quotation mark that is not closed."
        ) from None
    place, columns = _headings(rows[:_HEADING_WITHIN])
    width, below = len(rows[place]), rows[place + 1 :]
    # A mark of the delimiter in a note that is not quoted would move text into other columns.
    long = [number for number, row in enumerate(below) if any(row[width:])]
    for number in long:
        below[number] = []
    frame = pl.DataFrame(
        {column: [row[at] or None if at < len(row) else None for row in below] for column, at in columns.items()},
        schema=dict.fromkeys(columns, pl.String),
    )
    faults = [("", place + 2 + number, "more cells than there are headings") for number in long]
    return DecisionsFile(_shaped("", frame, place + 2), pl.DataFrame(faults, schema=_FAULTS, orient="row"), notes)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    # strict: a quotation mark that is never closed would swallow the rest of the file without a word
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _fits(text: str, delimiter: str) -> bool:
    """Whether the headings are found with this delimiter."""
    try:
        return _heading_row(islice(_records(text, delimiter), _HEADING_WITHIN)) is not None
    except csv.Error:
        return False


def _decoded(file: Path) -> tuple[str, tuple[str, ...]]:
    """The text with plain line ends, and what to note. Raises InputError rather than lose a character."""
    data = file.read_bytes()
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if not encoding and b"\0" in data:
        raise InputError(
            f"{file.name} holds NUL bytes: it is binary, or UTF-16 without its mark.", hint="Save it as CSV in UTF-8."
        )
    notes: tuple[str, ...] = ()
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise InputError(
                f"{file.name} is neither UTF-8 nor Windows-1252.", hint="Save it as CSV in UTF-8."
            ) from None
        notes = (f"{file.name} is not in UTF-8 and was read as Windows-1252; look at letters with accents.",)
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _parquet(file: Path) -> DecisionsFile:
    frame = pl.read_parquet(file)
    _, columns = _headings([frame.columns])
    texts = [_text(frame.to_series(at).alias(column)) for column, at in columns.items()]
    return DecisionsFile(_shaped("", pl.DataFrame(texts), 2), pl.DataFrame(schema=_FAULTS))


def _text(series: pl.Series) -> pl.Series:
    if not series.dtype.is_nested():
        try:
            return series.cast(pl.String)
        except pl.exceptions.PolarsError:
            pass
    raise InputError(f"column {series.name} holds no text ({series.dtype}).", hint="Write the column as text.")


def _heading_row(rows: Iterable[Sequence[str | None]]) -> int | None:
    """Place of the row with the headings (from 0); None where there is none."""
    return next((place for place, row in enumerate(rows) if set(_NEEDED) <= {_plain(cell) for cell in row}), None)


def _headings(rows: Rows) -> tuple[int, dict[str, int]]:
    """Place of the row with the headings, and of each of our columns in it."""
    place = _heading_row(rows)
    if place is None:
        raise _Unread(_NO_HEADINGS)
    columns: dict[str, int] = {}
    for at, cell in enumerate(rows[place]):
        name = _plain(cell)
        if name in columns:
            raise _Unread(f"has two columns {name!r}; which one counts is not said")
        if name in COLUMNS:
            columns[name] = at
    return place, columns


def _plain(cell: str | None) -> str:
    name = "_".join((cell or "").strip().lower().replace("-", " ").replace("_", " ").split())
    return _HEADINGS.get(name, name)


def _shaped(sheet: str, frame: pl.DataFrame, first_row: int) -> pl.DataFrame:
    texts = [
        (pl.col(name) if name in frame.columns else pl.lit(None, pl.String)).str.strip_chars().alias(name)
        for name in COLUMNS
    ]
    # Text that our CSV put behind an apostrophe loses it again.
    return frame.select(
        pl.lit(sheet).alias("sheet"),
        pl.int_range(first_row, frame.height + first_row, dtype=pl.Int64).alias("row_number"),
        *texts,
    ).with_columns(pl.col("note", "decision_reason", "reviewer").str.replace(r"^'([=+\-@|%])", "$1"))
