"""Writes the worklist: .xlsx, .csv or .parquet, complete or not at all, readable by its owner only."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import polars as pl
import polars.selectors as cs

from hcc.errors import InputError, ResultsError, ResultsExist
from hcc.worklist.summary import Summary

SUFFIXES = (".xlsx", ".csv", ".parquet")


def check_out(path: str | Path, overwrite: bool = False) -> Path:
    """The path, if a worklist may be written there; to be asked before any work. Raises InputError, ResultsExist."""
    target = Path(path).expanduser().absolute()
    if target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} has none of the endings {', '.join(SUFFIXES)}.", hint="Such as --out worklist.xlsx.")
    if target.is_dir() or (target.exists() and not overwrite):
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
            made = Path(folder) / target.name
            _write(made, rows, summary, priority, Path(folder))
            made.chmod(0o600)
            shutil.move(made, target)
    except OSError as error:
        raise ResultsError(
            f"The worklist cannot be written to {path} ({error.strerror or error.__class__.__name__}).",
            hint="Free some space or choose another --out.",
        ) from None
    return target


def _write(made: Path, rows: pl.DataFrame, summary: Summary, priority: list[str], scratch: Path) -> None:
    suffix = made.suffix.lower()
    if suffix == ".parquet":
        rows.write_parquet(made)
    elif suffix == ".csv":
        made.write_text(csv_text(rows), encoding="utf-8", newline="")
    else:
        from hcc.worklist.workbook import write_workbook

        write_workbook(made, rows, summary, priority, scratch)


def csv_text(rows: pl.DataFrame) -> str:
    """The rows as CSV: one line per row, text that a spreadsheet would run behind an apostrophe."""
    one_line = cs.string().str.replace_all(r"\s*\n\s*", "; ")
    told = rows.with_columns(one_line)
    risky = cs.string().str.contains(r"^[=+\-@|%\t\r\n]")
    return told.with_columns(
        pl.when(risky).then(pl.lit("'") + cs.string()).otherwise(cs.string()).name.keep()
    ).write_csv()
