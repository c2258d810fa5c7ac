"""Tables of a DuckDB file, read in batches so that claims need not fit in memory; and DuckDB relations."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from hcc.errors import InputError
from hcc.intake.parts import Block, Part

_BATCH = 122_880  # rows; DuckDB's own row group


def read_database(table: str, path: Path, named: str | None, names: Sequence[str]) -> tuple[Part, str]:
    """One table or view of a DuckDB file, ``named``, else the first of ``names`` that is there; and its full name, by
    which it is found again. Raises InputError."""
    connection = _open(table, path)
    try:
        found = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database()"
        ).fetchall()
        schema_name, table_name = _choose(table, path, named, names, found)
        chosen = f"{_quoted(schema_name)}.{_quoted(table_name)}"
        empty = connection.sql(f"SELECT * FROM {chosen} LIMIT 0").to_arrow_table()
        rows = connection.execute(f"SELECT count(*) FROM {chosen}").fetchone()
    except duckdb.Error as error:
        raise InputError(f"{table}: {path.name} cannot be read as a DuckDB file ({type(error).__name__}).") from None
    finally:
        connection.close()
    schema = dict(_frame(empty).schema)
    frame = register_io_source(_reader(table, path, chosen, schema), schema=schema, is_pure=True)
    block = Block(f"{path}::{chosen}", int(rows[0]) if rows else 0)
    return Part("database", frame, schema, (block,), tuple(schema)), f"{schema_name}.{table_name}"


def relation_part(table: str, relation: Any) -> Part:
    """A DuckDB relation: its rows are fetched once, when they are first needed, and then held in memory.

    A relation belongs to the caller's connection, on which one query runs at a time; a file's table comes in batches.
    """
    try:
        schema = dict(_frame(relation.limit(0).to_arrow_table()).schema)
    except duckdb.Error as error:
        raise InputError(f"{table}: the DuckDB relation cannot be run ({type(error).__name__}).") from None
    lock = threading.Lock()
    held: list[pl.DataFrame] = []

    def batches(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        with lock:
            if not held:
                held.append(_frame(relation.to_arrow_table()))
        rows = held[0] if columns is None else held[0].select(columns)
        rows = rows if n_rows is None else rows.head(n_rows)
        yield rows if predicate is None else rows.filter(predicate)

    frame = register_io_source(batches, schema=schema, is_pure=True)
    return Part("frame", frame, schema, (Block("relation", -1),), tuple(schema))


def _open(table: str, path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.IOException:
        raise InputError(
            f"{table}: {path.name} cannot be opened: another program holds it, or it is damaged.",
            hint="Close the program that writes to it; reading needs no lock of its own.",
        ) from None
    except duckdb.Error as error:
        raise InputError(
            f"{table}: {path.name} cannot be opened ({type(error).__name__}).",
            hint="Close this process's own connection to it, or pass a relation of that connection.",
        ) from None


def _choose(table: str, path: Path, named: str | None, names: Sequence[str], found: list[tuple[str, str]]) -> tuple[str, str]:
    full: dict[str, list[tuple[str, str]]] = {}
    for schema, name in found:
        full.setdefault(f"{schema}.{name}".lower(), []).append((schema, name))
        full.setdefault(name.lower(), []).append((schema, name))
    for wish in [named] if named is not None else names:
        meant = full.get(wish.lower(), [])
        meant = [one for one in meant if one[0] == "main"] or meant
        if len(meant) > 1:
            several = " and ".join(sorted(f"{schema}.{name}" for schema, name in meant))
            raise InputError(
                f"{table}: {path.name} has several tables {wish}: {several}.",
                hint=f"Name one as {path.name}::{meant[0][0]}.{meant[0][1]}.",
            )
        if meant:
            return meant[0]
    wanted = named if named is not None else " or ".join(names)
    have = sorted(name for _, name in found)
    close = get_close_matches(wanted, have, n=1)
    guess = f"Did you mean {path.name}::{close[0]}? " if close else ""
    raise InputError(
        f"{table}: {path.name} has no table {wanted}.",
        hint=f"{guess}Tables: {', '.join(have[:20]) or 'none'}. Name one as {path.name}::table.",
    )


def _reader(table: str, path: Path, chosen: str, schema: dict[str, pl.DataType]) -> Any:
    def batches(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        names = list(schema)[:1] if columns == [] else columns or list(schema)
        limit = "" if n_rows is None else f" LIMIT {n_rows}"
        connection = _open(table, path)
        try:
            query = connection.sql(f"SELECT {', '.join(map(_quoted, names))} FROM {chosen}{limit}")
            for batch in query.to_arrow_reader(_BATCH):
                rows = _frame(batch).cast({name: schema[name] for name in names})
                yield rows if predicate is None else rows.filter(predicate)
        finally:
            connection.close()

    return batches


def _frame(table: Any) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
