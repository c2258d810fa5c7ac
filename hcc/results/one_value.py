"""Columns that have one value all through a table: written once, as generated columns, not row by row.

They read like any other column, from SQL and from every client; writing them for each of ten million rows took a fifth
of the time of writing a results file. Only columns that a run declares are looked at, only in the big tables; a frame
with another value turns the column into one of rows again, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from hcc.results import ddl
from hcc.tables import Table

TABLES = ("diagnoses", "member_hccs", "factors", "scores", "member_scores")
_MADE_ANEW = "_made_anew"
_NO = object()


class OneValue:
    """Which columns of which table are generated, and from what."""

    def __init__(self) -> None:
        self._declared: set[str] = set()
        self._of_table: dict[str, dict[str, Any]] = {}

    def declare(self, columns: Sequence[str]) -> None:
        """Columns that probably have one value all through the run."""
        self._declared |= set(columns)

    def take_over(self, con: duckdb.DuckDBPyConnection) -> None:
        """Learn those of the tables that are there."""
        rows = con.execute(
            "SELECT c.table_name, c.column_name, d.column_default FROM information_schema.columns c "
            "JOIN duckdb_columns() d USING (table_name, column_name) WHERE c.is_generated = 'ALWAYS' AND NOT d.internal"
        ).fetchall()
        for table, column, expression in rows:
            ((value,),) = con.execute(f"SELECT {expression}").fetchall()
            self._of_table.setdefault(table, {})[column] = value

    def of(self, table: str) -> Mapping[str, Any]:
        """The generated columns of a table and their values."""
        return self._of_table.get(table, {})

    def found(self, table: Table, frame: pl.DataFrame | None) -> Mapping[str, Any]:
        """Those that a table gets that is made for this frame."""
        if table.name not in TABLES or frame is None or not frame.height:
            return {}
        values = {name: _the_value(frame[name]) for name in frame.columns if name in self._declared}
        self._of_table[table.name] = {name: value for name, value in values.items() if value is not _NO}
        return self._of_table[table.name]

    def contradicted(self, table: str, frame: pl.DataFrame, constants: Mapping[str, object]) -> list[str]:
        """Generated columns for which rows with another value come."""
        return [
            name
            for name, value in self.of(table).items()
            if (_the_value(frame[name]) if name in frame.columns else constants.get(name)) != value
        ]

    def make_rows(
        self, con: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[str], enums: Mapping[str, Sequence[str]]
    ) -> None:
        """Turn generated columns into columns of rows, by making the table anew."""
        left = {name: value for name, value in self.of(table.name).items() if name not in columns}
        names = ", ".join(ddl.quoted(name) for name in table.names if name not in left)
        old, new = ddl.quoted(table.name), ddl.quoted(_MADE_ANEW + table.name)
        con.execute("BEGIN")
        con.execute(ddl.create_table(table, enums, one_value=left, named=_MADE_ANEW + table.name))
        con.execute(f"INSERT INTO {new} ({names}) SELECT {names} FROM {old}")
        con.execute(f"DROP TABLE {old}")
        con.execute(f"ALTER TABLE {new} RENAME TO {old}")
        con.execute("COMMIT")
        self._of_table[table.name] = left


def _the_value(series: pl.Series) -> Any:
    """The one value of a column, None where it is null throughout; ``_NO`` where there are several."""
    if series.null_count() == len(series):
        return None
    if series.null_count() or series.dtype in (pl.String, pl.Categorical):
        return _NO
    numbers = series.to_physical()
    return series[0] if numbers.min() == numbers.max() else _NO
