"""Where an interrupted run stopped: marks inside the half-made file, and how the next run takes it over.

A mark says that the first so many shards are complete in every table. Rows after it are taken out again, so that a run
killed at any moment goes on from its last mark and ends with the same tables.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from hcc.errors import ResultsError
from hcc.results.ddl import literal, quoted
from hcc.results.place import leftovers, new_folder
from hcc.tables import RESULT_TABLES

TABLE = "_marks"
MADE = "results.duckdb"


@dataclass(frozen=True)
class Mark:
    """``key``: what the run is of (inputs, options, rules); ``done``: complete shards; ``state``: sums so far."""

    key: str
    done: int
    state: dict[str, Any] = field(default_factory=dict)


def put_mark(con: duckdb.DuckDBPyConnection, mark: Mark) -> None:
    """Remember ``mark`` in place of the one before."""
    con.execute("BEGIN")
    con.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (key VARCHAR, done BIGINT, state VARCHAR)")
    con.execute(f"DELETE FROM {TABLE}")
    con.execute(f"INSERT INTO {TABLE} VALUES (?, ?, ?)", [mark.key, mark.done, json.dumps(mark.state)])
    con.execute("COMMIT")


def forget_marks(con: duckdb.DuckDBPyConnection) -> None:
    """The file is complete."""
    con.execute(f"DROP TABLE IF EXISTS {TABLE}")


def last_mark(con: duckdb.DuckDBPyConnection) -> Mark | None:
    """The mark of a half-made file."""
    there = con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [TABLE]).fetchone()
    row = con.execute(f"SELECT key, done, state FROM {TABLE}").fetchone() if there else None
    return None if row is None else Mark(row[0], int(row[1]), json.loads(row[2]))


def take_over(target: Path, key: str) -> tuple[Path, Mark] | None:
    """The folder of an interrupted run to ``target``, now ours, and where it stopped; None where there is none.

    Raises ResultsError if what was interrupted was of other inputs, options or rules.
    """
    for folder in leftovers(target):
        made = folder / MADE
        if not made.is_file():
            continue
        try:
            with duckdb.connect(str(made)) as con:
                mark = last_mark(con)
        except duckdb.Error:
            continue
        if mark is None:
            continue
        if mark.key != key:
            raise ResultsError(
                f"The interrupted run to {target} was of other inputs, options or tables, or of another version.",
                hint="Run it as it was, or without --resume to begin anew.",
            )
        ours = new_folder(target)
        folder.rename(ours)
        return ours, mark
    return None


def take_back(con: duckdb.DuckDBPyConnection, tables: list[str], first: str | None) -> None:
    """Take out what was written after the last mark: rows of the member ``first`` and all behind, and every table
    that is not written shard by shard. ``first`` None: no member is left to do."""
    for table in tables:
        if table == "members":
            continue
        if "member_id" not in RESULT_TABLES[table].names:
            con.execute(f"DELETE FROM {quoted(table)}")
        elif first is not None:
            con.execute(f"DELETE FROM {quoted(table)} WHERE member_id >= {literal(first)}")
