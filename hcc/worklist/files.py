"""Writes the worklist: .xlsx, .csv or .parquet, complete or not at all, readable by its owner only."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import polars as pl
import polars.selectors as cs

from hcc.errors import CannotWrite, InputError, ResultsError, ResultsExist
from hcc.worklist.reading import is_worklist
from hcc.worklist.summary import Summary

SUFFIXES = (".xlsx", ".csv", ".parquet")


def check_out(path: str | Path, overwrite: bool = False) -> Path:
    """The path, if a worklist may be written there; to be asked before any work. Only a worklist is ever replaced.

    Raises InputError, ResultsError, ResultsExist.
    """
    target = Path(path).expanduser().absolute()
    if target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} has none of the endings {', '.join(SUFFIXES)}.", hint="Such as --out worklist.xlsx.")
    if target.exists():
        if not target.is_file() or not is_worklist(target):
            raise ResultsExist.left(path, "is no worklist of ours", "worklists")
        if not overwrite:
            raise ResultsExist(path)
    if not target.parent.is_dir():
        raise ResultsError(
            f"The folder {target.parent} does not exist.", hint="Make it first, or choose another --out."
        )
    return target


def write_worklist(
    path: str | Path, rows: pl.DataFrame, summary: Summary, priority: list[str], *, overwrite: bool = False
) -> Path:
    """Write ``rows`` (``worklist_rows``) by the ending of ``path``; ``summary`` and ``priority`` go into a workbook."""
    target = check_out(path, overwrite)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:  # mode 0700
            content = _content(target.suffix.lower(), rows, summary, priority, Path(folder))
            made = Path(folder) / target.name
            made.write_bytes(content)
            made.chmod(0o600)
            shutil.move(made, target)
    except OSError as error:
        raise CannotWrite("The worklist", path, error) from None
    return target


def _content(suffix: str, rows: pl.DataFrame, summary: Summary, priority: list[str], scratch: Path) -> bytes:
    """The file in memory: a half-made archive on a full disk would complain once more when Python drops it."""
    if suffix == ".csv":
        return csv_text(rows).encode()
    made = io.BytesIO()
    if suffix == ".parquet":
        rows.write_parquet(made)
    else:
        from hcc.worklist.workbook import write_workbook

        write_workbook(made, rows, summary, priority, scratch)
    return made.getvalue()


def csv_text(rows: pl.DataFrame) -> str:
    """The rows as CSV: one line per row, text that a spreadsheet would run behind an apostrophe."""
    one_line = cs.string().str.replace_all(r"\s*\n\s*", "; ")
    told = rows.with_columns(one_line)
    risky = cs.string().str.contains(r"^[=+\-@|%\t\r\n]")
    return told.with_columns(
        pl.when(risky).then(pl.lit("'") + cs.string()).otherwise(cs.string()).name.keep()
    ).write_csv()
