"""Decisions on gaps: ``<results>.reviews.sqlite`` beside the results, appended, never updated (RULINGS 18).

SQLite in WAL mode, so that two coders and a running engine neither block nor lose each other's rows. A results file has
a copy of them as of its last writing; one that was moved without its store has nothing else (``all_reviews``).
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hcc.errors import ResultsError
from hcc.results.replaceable import open_elsewhere
from hcc.tables import RESULT_TABLES

if TYPE_CHECKING:
    import polars as pl

DECISIONS = ("supported", "not_supported", "query_provider", "defer", "not_reviewable")
_TABLE = RESULT_TABLES["reviews"]
_WAIT_SECONDS = 30.0
_CREATE = f"""
CREATE TABLE IF NOT EXISTS reviews (
  {", ".join(f"{name} TEXT" + (" PRIMARY KEY" if name in _TABLE.key else "") for name in _TABLE.names)}
) STRICT;
CREATE INDEX IF NOT EXISTS reviews_of_gap ON reviews (gap_id, decided_at);
CREATE TRIGGER IF NOT EXISTS reviews_are_never_updated BEFORE UPDATE ON reviews
  BEGIN SELECT RAISE(ABORT, 'reviews are appended, never updated'); END;
CREATE TRIGGER IF NOT EXISTS reviews_are_never_deleted BEFORE DELETE ON reviews
  BEGIN SELECT RAISE(ABORT, 'reviews are appended, never deleted'); END;
"""
_OBJECTS = _CREATE.count("IF NOT EXISTS")


def reviews_path(results: str | Path) -> Path:
    """Where the decisions on a results file are kept."""
    path = Path(results)
    return path.with_name(path.name + ".reviews.sqlite")


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in autocommit mode; a new file is made readable by its owner only before SQLite sees it."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    con = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    try:
        _prepare(con)
        yield con
    except sqlite3.Error as error:
        raise ResultsError(
            f"The reviews in {path} cannot be used: {error}.",
            hint="The file holds people's decisions: move it aside rather than delete it.",
        ) from None
    finally:
        con.close()


def _prepare(con: sqlite3.Connection) -> None:
    """WAL mode and the table. SQLite's own time-out does not cover the step into WAL mode: when two begin a store at
    the same moment one of them is told "locked" at once, so the step is tried again until the time-out is over."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            con.execute("PRAGMA journal_mode=WAL")
            con.execute("PRAGMA synchronous=FULL")
            if con.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'reviews%'").fetchone()[0] < _OBJECTS:
                con.executescript(f"BEGIN IMMEDIATE; {_CREATE} COMMIT;")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > until:
                raise
            if con.in_transaction:
                con.execute("ROLLBACK")
            time.sleep(0.01 + 0.04 * random.random())


def append_review(
    results: str | Path,
    *,
    gap_id: str,
    decision: str,
    reviewer: str,
    reason: str = "",
    note: str = "",
    seen: str = "",
    decided_at: datetime | None = None,
) -> str:
    """Append one decision and return its review_id. ``seen``: JSON of what was on the screen.

    Raises ResultsError for a decision that is not one of DECISIONS or a store that cannot be written.
    """
    row = {"gap_id": gap_id, "decision": decision, "reviewer": reviewer, "reason": reason, "note": note, "seen": seen}
    return append_reviews(results, [{**row, "decided_at": decided_at}])[0]


def append_reviews(results: str | Path, rows: list[Mapping[str, object]]) -> list[str]:
    """Append decisions in one transaction; ``review_id`` and ``decided_at`` (UTC) are filled where absent."""
    unknown = sorted({str(row.get("decision")) for row in rows} - set(DECISIONS))
    if unknown:
        raise ResultsError(
            f"{len(unknown)} decision(s) are not among the known ones.", hint=f"Decisions: {', '.join(DECISIONS)}."
        )
    return _append(results, rows, "INSERT")


def _append(results: str | Path, rows: Iterable[Mapping[str, object]], how: str) -> list[str]:
    complete = [
        {
            **dict.fromkeys(_TABLE.names, ""),
            **{name: value for name, value in row.items() if value is not None},
            "review_id": str(row.get("review_id") or uuid.uuid4()),
            "decided_at": _utc(row.get("decided_at")),
        }
        for row in rows
    ]
    placeholders = ", ".join(f":{name}" for name in _TABLE.names)
    with _connected(reviews_path(results)) as con:
        con.execute("BEGIN IMMEDIATE")
        con.executemany(f"{how} INTO reviews ({', '.join(_TABLE.names)}) VALUES ({placeholders})", complete)
        con.execute("COMMIT")
    return [str(row["review_id"]) for row in complete]


def merged_reviews(copied: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """The decisions copied into a results file and those of a store, each once, in the order they were made; where both
    have one, the store's row."""
    import polars as pl

    both = pl.concat([copied.select(stored.columns).cast(stored.schema), stored])
    return both.unique("review_id", keep="last", maintain_order=True).sort("decided_at", maintain_order=True)


def copied_reviews(results: str | Path) -> pl.DataFrame:
    """The decisions that the results file itself holds: those of its last writing. None where nothing is there, or
    something else. Raises ResultsError for a file that is open for writing elsewhere: what it holds is not known."""
    import duckdb
    import polars as pl

    nothing = pl.DataFrame(schema={**dict.fromkeys(_TABLE.names, pl.String), "decided_at": pl.Datetime("us")})
    file = Path(results).expanduser()
    if not file.is_file():
        return nothing
    try:
        con = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        if open_elsewhere(error):
            raise ResultsError(
                f"{results} is open for writing elsewhere, and may hold decisions.", hint="Close it there."
            ) from None
        return nothing
    try:
        there = con.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'reviews'").fetchall()
        names = [name for (name,) in there if name in _TABLE.names]
        if not {"review_id", "gap_id", "decision", "decided_at"} <= set(names):
            return nothing
        found: pl.DataFrame = con.sql(f"SELECT {', '.join(names)} FROM reviews WHERE review_id IS NOT NULL").pl()
    finally:
        con.close()
    return pl.concat([nothing, found.cast({name: nothing.schema[name] for name in names})], how="diagonal")


def all_reviews(*files: str | Path) -> pl.DataFrame:
    """All decisions on these results files, each once, in the order they were made: those in the stores beside them and
    those that only the files hold, because they were copied or moved without their store. No file is changed."""
    import polars as pl

    paths = dict.fromkeys(Path(file).expanduser().absolute() for file in files)
    stored = pl.concat([read_reviews(path) for path in reversed(paths)]).unique("review_id", keep="last")
    copied = pl.concat([copied_reviews(path) for path in paths]).unique("review_id", keep="first")
    return merged_reviews(copied, stored)


def take_over_reviews(results: str | Path, reviews: pl.DataFrame) -> None:
    """Append to the store of ``results`` those of ``reviews`` that it does not have; its own rows stay as they are."""
    import polars as pl

    missing = reviews.filter(~pl.col("review_id").is_in(read_reviews(results)["review_id"].implode()))
    if missing.height:
        # Another command may take them over at the same moment.
        _append(results, missing.iter_rows(named=True), "INSERT OR IGNORE")


def _utc(moment: object) -> str:
    if isinstance(moment, str) and moment:
        moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        moment = datetime.now(UTC)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(sep=" ", timespec="microseconds")


def read_reviews(results: str | Path) -> pl.DataFrame:
    """All decisions in the order they were made; an empty frame where there is no store yet."""
    return reviews_since(results, 0)[0]


def reviews_since(results: str | Path, place: int) -> tuple[pl.DataFrame, int]:
    """The decisions appended after ``place``, in the order they were made, and the new place; 0 is the beginning.

    For a page that follows the store: rows are never changed or deleted, so what was read once stays true.
    """
    import polars as pl

    path = reviews_path(results)
    rows: list[tuple[object, ...]] = []
    if path.exists():
        sql = f"SELECT {', '.join(_TABLE.names)}, rowid FROM reviews WHERE rowid > ? ORDER BY decided_at, rowid"
        with _connected(path) as con:
            rows = con.execute(sql, (place,)).fetchall()
    schema = {**dict.fromkeys(_TABLE.names, pl.String), "rowid": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    last = frame["rowid"].max() if frame.height else place
    decided = pl.col("decided_at").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
    return frame.drop("rowid").with_columns(decided), int(str(last))
