"""CSV and its kin. DuckDB reads them, because it counts the fields of every line and tells which lines are broken.

Polars fills a short line with nulls and says nothing; a diagnosis would be lost. Every column comes in as text; what
it means is decided later, where faults can be told by row.
"""

from __future__ import annotations

import csv
import gzip
import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcc.errors import InputError
from hcc.intake.dialect import Dialect, sniff
from hcc.intake.files import Found
from hcc.intake.parts import REJECTED, Block, Part, no_rejects
from hcc.intake.quotes import mended, unspoilt
from hcc.intake.spool import new_path

IN_MEMORY = 64 * 2**20  # bytes of text up to which a table is held in memory; larger ones go to a private folder
_PACKED = 8  # a packed file unpacks to about this many times its size
_NULLS = ("NULL", "null", r"\N", "NaN", "nan", "#N/A", "N/A", "<NA>", "None", "NaT")
_NA = "NA"  # R's word for null, and a dual status
_CONTROLS = (9, 10, 13)
_BLANKS = (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_REASONS = {
    "MISSING COLUMNS": "RAGGED_ROW",
    "TOO MANY COLUMNS": "RAGGED_ROW",
    "UNQUOTED VALUE": "BAD_QUOTES",
    "LINE SIZE OVER MAXIMUM": "LINE_TOO_LONG",
    "INVALID ENCODING": "BAD_ENCODING",
}


_UNREADABLE = "UNREADABLE_ROW"
REASONS_OF_LINES = (*dict.fromkeys(_REASONS.values()), _UNREADABLE)


@dataclass(frozen=True)
class Delimited:
    """Parts of the readable rows, the rows set aside, notes."""

    parts: tuple[Part, ...]
    set_aside: pl.DataFrame
    notes: tuple[str, ...]


def read_delimited(
    table: str, files: Sequence[Found], wanted: Callable[[Sequence[str]], Sequence[str]], known: Iterable[str]
) -> Delimited:
    """Read the ``wanted`` columns of text files; all faults of all files are told at once (InputError)."""
    known = list(known)
    faults: list[str] = []
    by_header: dict[tuple[str, ...], list[tuple[pl.DataFrame | Path, Block]]] = {}
    set_aside, notes = [], []
    size = sum(file.size * (_PACKED if file.kind == "gzip" else 1) for file in files)
    for file in files:
        try:
            dialect = sniff(file, known)
            rows, block, bad, file_notes = _read(table, file, dialect, wanted(dialect.header), size <= IN_MEMORY)
        except InputError as error:
            faults.append(error.message)
            continue
        by_header.setdefault(dialect.header, []).append((rows, block))
        set_aside.append(bad)
        notes += file_notes
    if faults:
        raise InputError.from_faults(table, faults, hint="A CSV needs a header line and as many fields in each line.")
    parts = tuple(_part(header, pieces) for header, pieces in by_header.items())
    return Delimited(parts, pl.concat([no_rejects(), *set_aside]), tuple(notes))


def _part(header: tuple[str, ...], pieces: list[tuple[pl.DataFrame | Path, Block]]) -> Part:
    blocks = tuple(block for _, block in pieces)
    frames = [rows for rows, _ in pieces if isinstance(rows, pl.DataFrame)]
    paths = [rows for rows, _ in pieces if isinstance(rows, Path)]
    frame = pl.concat(frames).lazy() if frames else pl.scan_parquet(paths, glob=False, hive_partitioning=False)
    return Part("text", frame, dict(frame.collect_schema()), blocks, header)


def _read(
    table: str, file: Found, dialect: Dialect, wanted: Sequence[str], in_memory: bool
) -> tuple[pl.DataFrame | Path, Block, pl.DataFrame, list[str]]:
    """Rows (in memory, or the path of a Parquet copy), where they came from, broken lines, notes."""
    notes = []
    path, packed = file.path, file.kind == "gzip"
    if not dialect.is_utf8:
        path, packed = _as_utf8(file, dialect.encoding), False
        if dialect.encoding == "cp1252":
            notes.append(f"{table}: {file.path.name} is not UTF-8; it was read as Windows-1252.")
    rows, bad = _query(file, path, packed, dialect, wanted, in_memory)
    _remove(file, path)
    if dialect.is_utf8 and rows is not None and (bad["error_type"] == "INVALID ENCODING").any():
        # the first bytes were UTF-8, later ones not
        return _read(table, file, replace(dialect, encoding="cp1252"), wanted, in_memory)
    spoilt = rows is None or _beyond_one_line(bad)
    if spoilt:
        path = _as_utf8(
            file, dialect.encoding, partial(mended, delimiter=dialect.delimiter, fields=len(dialect.header))
        )
        rows, bad = _query(file, path, False, dialect, wanted, in_memory)
        _remove(file, path)
    if rows is None:
        raise InputError(f"{file.path.name} cannot be read as CSV: quotes or line ends are broken.")
    height = rows.height if isinstance(rows, pl.DataFrame) else _height(rows)
    lines = bad["line"].unique().sort() - 1  # the header is line 1
    if height == 0 and len(lines):
        raise InputError(f"{file.path.name}: none of its {len(lines)} lines has as many fields as the header.")
    line = pl.col("csv_line").str.strip_chars_start("\r\n")  # of blank lines before it
    line = line.map_elements(unspoilt, return_dtype=pl.String) if spoilt else line
    rejected = bad.unique("line", keep="first").select(
        pl.lit(table).alias("table"),
        (pl.col("line") - 1).cast(pl.Int64).alias("row_number"),
        pl.lit("").alias("column"),
        line.str.slice(0, 1000).alias("value"),
        pl.col("error_type").replace_strict(_REASONS, default=_UNREADABLE, return_dtype=pl.String).alias("reason"),
        pl.lit(str(file.path)).alias("source"),
    )
    return rows, Block(str(file.path), height, tuple(lines.to_list())), rejected.cast(REJECTED), notes  # type: ignore[arg-type]


def _beyond_one_line(bad: pl.DataFrame) -> bool:
    """Whether a broken line may have taken others with it: its quotes, or line ends of several kinds, make that so."""
    line = pl.col("csv_line")
    taken = (pl.col("error_type") == "UNQUOTED VALUE") | line.str.contains(r"[\r\n]").fill_null(False)
    return bool(bad.select(taken.any()).item())


def _remove(file: Found, path: Path) -> None:
    """Remove a copy that was read."""
    if path != file.path:
        path.unlink(missing_ok=True)


def _height(path: Path) -> int:
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def _query(
    file: Found, path: Path, packed: bool, dialect: Dialect, wanted: Sequence[str], in_memory: bool
) -> tuple[pl.DataFrame | Path | None, pl.DataFrame]:
    """The wanted columns and the broken lines; None instead of rows if DuckDB cannot tell the lines apart."""
    place = {name: i for i, name in reversed(list(enumerate(dialect.header)))}
    trimmed = ", ".join(f"{_trimmed(f'c{place[name]}')} AS c{place[name]}" for name in wanted)
    columns = ", ".join(f"{_without_nulls(f'c{place[name]}', _nulls_of(name))} AS {_name(name)}" for name in wanted)
    shape = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(dialect.header)))
    query = (
        f"SELECT {columns or '1 AS nothing'} FROM (SELECT {trimmed or '1'} FROM "
        f"read_csv({_text(str(path))}, auto_detect=false, header=true, "
        f"skip={dialect.blank_lines}, "
        f"delim={_text(dialect.delimiter)}, quote='\"', escape='\"', columns={{{shape}}}, null_padding=false, "
        f"store_rejects=true, compression='{'gzip' if packed else 'none'}'))"
    )
    connection = duckdb.connect()
    try:
        rows: pl.DataFrame | Path
        if in_memory:
            rows = _polars(connection.sql(query).to_arrow_table())
        else:
            rows = new_path(".parquet")
            connection.execute(f"COPY ({query}) TO {_text(str(rows))} (FORMAT parquet, COMPRESSION lz4_raw)")
        bad = _polars(
            connection.sql("SELECT line, error_type, csv_line FROM reject_errors ORDER BY line").to_arrow_table()
        )
        bad = bad.cast({"line": pl.Int64, "error_type": pl.String, "csv_line": pl.String})
        return rows, _without_blank_lines(bad, path, packed, dialect.delimiter)
    except duckdb.InvalidInputException:
        return None, pl.DataFrame()
    except duckdb.IOException as error:
        what = (
            "it was cut off or damaged" if "GZIP" in str(error).upper() else "the disk or the temporary folder failed"
        )
        raise InputError(f"{file.path.name} cannot be read: {what}.") from None
    except duckdb.Error as error:  # its text may quote a line
        raise InputError(f"{file.path.name} cannot be read as CSV ({type(error).__name__}).") from None
    finally:
        connection.close()


def _without_blank_lines(bad: pl.DataFrame, path: Path, packed: bool, delimiter: str) -> pl.DataFrame:
    """``bad`` with lines numbered as rows are: DuckDB counts blank lines, of which it makes no rows."""
    if bad.is_empty() or not _has_blank_lines(path, packed):
        return bad
    last, blank = int(bad["line"].max()), []  # type: ignore[arg-type]
    with _opened(path, packed) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="")
        try:
            for number, record in enumerate(csv.reader(text, delimiter=delimiter), 1):
                if number > last:
                    break
                if not record:
                    blank.append(number)
        except csv.Error:  # numbers behind it stay as they are
            pass
    before = pl.Series(blank, dtype=pl.Int64).search_sorted(bad["line"])
    return bad.with_columns(pl.col("line") - before.cast(pl.Int64))


def _has_blank_lines(path: Path, packed: bool) -> bool:
    """Whether two line ends follow each other anywhere, or the text begins with one."""
    with _opened(path, packed) as raw:
        tail = b"\n"
        while chunk := raw.read(2**20):
            piece = tail + chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if b"\n\n" in piece:
                return True
            tail = piece[-1:]
    return False


def _trimmed(column: str) -> str:
    """SQL for trimmed text."""
    # DuckDB's trim takes blanks off; tabs and line ends only where it is told so, at twenty times the cost.
    odd = " OR ".join(f"contains({column}, chr({number}))" for number in _CONTROLS)
    every = " || ".join(f"chr({number})" for number in (*_CONTROLS, *_BLANKS))
    return f"CASE WHEN {odd} THEN trim({column}, {every}) ELSE trim({column}) END"


def _nulls_of(name: str) -> tuple[str, ...]:
    return _NULLS if "dual" in name.lower() else (*_NULLS, _NA)


def _without_nulls(column: str, nulls: Sequence[str]) -> str:
    """SQL for trimmed text with null words as null. No IN, nor list_contains: a list of words becomes a join, which mixes
    the rows. No nullif in nullif: DuckDB writes its first argument twice, so that seven words took seconds for each
    file."""
    words = " ".join(f"WHEN {column} = {_text(word)} THEN NULL" for word in ("", *nulls))
    return f"CASE {words} ELSE {column} END"


def _polars(table: Any) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _opened(path: Path, packed: bool) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(path, "rb") if packed else path.open("rb")


def _as_utf8(file: Found, encoding: str, mend: Callable[[Iterable[str]], Iterator[str]] | None = None) -> Path:
    """A copy in UTF-8 with one kind of line end, in the private folder; its lines mended."""
    target = new_path(".csv")
    try:
        with _opened(file.path, file.kind == "gzip") as raw, target.open("w", encoding="utf-8", newline="\n") as out:
            text = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline=None)
            if mend is None:
                shutil.copyfileobj(text, out, 2**20)
            else:
                out.writelines(mend(text))
    except (OSError, EOFError):
        raise InputError(f"{file.path.name} cannot be copied to the temporary folder, or was cut off.") from None
    return target
