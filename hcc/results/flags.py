"""When gaps were first flagged: the 60-day clock runs on, whatever becomes of the file (RULINGS 22)."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from hcc.errors import ResultsError
from hcc.results.ddl import literal
from hcc.results.reader import open_results
from hcc.tables import RESULT_TABLES

_SCHEMA = {"member_id": pl.String, "gap_id": pl.String, "flagged_on": pl.Date}
_COLUMNS = ", ".join(RESULT_TABLES["gap_flags"].names)


class Flags:
    """The days on which the gaps of some results files were flagged: of those they list and of those they listed once.

    A path that is no results file of this schema has none. The files are read when asked: a hundred million gaps need
    not be in memory at once.
    """

    def __init__(self, *files: str | Path | None) -> None:
        paths = dict.fromkeys(Path(file).absolute() for file in files if file is not None)
        self._tables = [(path, table) for path in paths for table in _tables_of(path)]

    def __bool__(self) -> bool:
        return bool(self._tables)

    def of_members(self, first: str, last: str) -> pl.DataFrame:
        """member_id, gap_id, flagged_on (the earliest) of the members from ``first`` to ``last``, by their ids."""
        found = [pl.DataFrame(schema=_SCHEMA)]
        for path, table in self._tables:
            con = open_results(path)
            try:
                sql = f"SELECT {_COLUMNS} FROM {table} WHERE member_id BETWEEN ? AND ? AND flagged_on IS NOT NULL"
                found.append(con.sql(sql, params=[first, last]).pl().cast(_SCHEMA))
            finally:
                con.close()
        return pl.concat(found).group_by("member_id", "gap_id").agg(pl.col("flagged_on").min())

    def put_into(self, con: duckdb.DuckDBPyConnection) -> None:
        """Put them into the tables gaps (where a search did not know of the file that it replaces) and gap_flags (those
        that gaps does not list) of the results file in the making behind ``con``."""
        con.execute("DELETE FROM gap_flags")
        if not self._tables:
            return
        called = {path: f"before{number}" for number, path in enumerate(dict.fromkeys(path for path, _ in self._tables))}
        for path, name in called.items():
            con.execute(f"ATTACH {literal(str(path))} AS {name} (READ_ONLY)")
        selects = [
            f"SELECT {_COLUMNS} FROM {called[path]}.{table} WHERE flagged_on IS NOT NULL" for path, table in self._tables
        ]
        con.execute(
            "CREATE TEMP TABLE earlier AS SELECT member_id, gap_id, min(flagged_on) AS flagged_on "
            f"FROM ({' UNION ALL '.join(selects)}) GROUP BY ALL"
        )
        con.execute(
            "UPDATE gaps SET flagged_on = e.flagged_on, "
            "flagged_return_by = flagged_return_by - (gaps.flagged_on - e.flagged_on)::INTEGER "
            "FROM earlier e WHERE e.gap_id = gaps.gap_id AND e.flagged_on < gaps.flagged_on"
        )
        con.execute(
            f"INSERT INTO gap_flags ({_COLUMNS}) SELECT {_COLUMNS} FROM earlier "
            "WHERE gap_id NOT IN (SELECT gap_id FROM gaps) ORDER BY member_id, gap_id"
        )
        con.execute("DROP TABLE earlier")
        for name in called.values():
            con.execute(f"DETACH {name}")


def _tables_of(path: Path) -> list[str]:
    try:
        con = open_results(path)
    except ResultsError:
        return []
    try:
        there = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    finally:
        con.close()
    return [name for name in ("gaps", "gap_flags") if name in there]  # files of before have no flags
