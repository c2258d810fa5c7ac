"""When gaps were first flagged: the 60-day clock runs on, whatever becomes of the file (RULINGS 22)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import polars as pl

from hcc.errors import ResultsError
from hcc.results.reader import open_results
from hcc.tables import RESULT_TABLES

_SCHEMA = {"member_id": pl.String, "gap_id": pl.String, "flagged_on": pl.Date}
_TABLE = RESULT_TABLES["gap_flags"]


def read_flags(*files: str | Path | None) -> pl.DataFrame:
    """member_id, gap_id, flagged_on of all gaps that these results files have or had; the earliest day of each.

    A path that is no results file of this schema has none.
    """
    found = [_of_file(path) for path in dict.fromkeys(Path(file).absolute() for file in files if file is not None)]
    together = pl.concat([pl.DataFrame(schema=_SCHEMA), *found])
    return together.group_by("member_id", "gap_id").agg(pl.col("flagged_on").min())


def _of_file(path: Path) -> pl.DataFrame:
    try:
        con = open_results(path)
    except ResultsError:
        return pl.DataFrame(schema=_SCHEMA)
    try:
        there = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        tables = [name for name in ("gaps", _TABLE.name) if name in there]  # files of before have no flags
        return pl.concat([pl.DataFrame(schema=_SCHEMA), *_rows(con, tables)])
    finally:
        con.close()


def _rows(con: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> Iterable[pl.DataFrame]:
    for table in tables:
        sql = f"SELECT member_id, gap_id, flagged_on FROM {table} WHERE flagged_on IS NOT NULL"
        yield con.sql(sql).pl().cast(_SCHEMA)
