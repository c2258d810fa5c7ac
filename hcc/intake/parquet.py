"""Parquet: only footers are read here, the rows stay where they are until the run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from hcc.errors import InputError
from hcc.intake.files import Found
from hcc.intake.parts import Block, Part


def read_parquet(table: str, files: Sequence[Found]) -> tuple[Part, ...]:
    """One part per schema, in the order of the files; every unreadable file is told at once (InputError).

    The schema is the one polars reads: what a writer noted beside the columns changes it (a date64 is a time to it).
    """
    faults: list[str] = []
    by_schema: dict[tuple[tuple[str, pl.DataType], ...], list[tuple[Path, pq.FileMetaData]]] = {}
    for file in files:
        try:
            footer = pq.read_metadata(file.path)
        except (pa.ArrowException, OSError):
            faults.append(f"{file.path.name} is damaged: its footer cannot be read")
            continue
        try:
            schema = pl.read_parquet_schema(file.path)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            faults.append(f"{file.path.name} holds types that are not read")
            continue
        by_schema.setdefault(tuple(schema.items()), []).append((file.path, footer))
    parts = []
    for types, group in by_schema.items():
        paths, columns = [path for path, _ in group], dict(types)
        frame = pl.scan_parquet(paths, glob=False, hive_partitioning=False)
        blocks = tuple(Block(str(path), footer.num_rows) for path, footer in group)
        parts.append(Part("parquet", frame, columns, blocks, tuple(columns), tuple(f for _, f in group)))
    if faults:
        raise InputError.from_faults(table, faults, hint="Write the file again, or leave it out.")
    return tuple(parts)


def distinct_values(part: Part, column: str) -> pl.Series | None:
    """Distinct values of a text column, null among them; None where DuckDB cannot tell.

    DuckDB counts the dictionaries of Parquet files where polars looks at every row: a third of the CPU.
    """
    paths = [block.source for block in part.blocks]
    if any(set("*?[{") & set(path) for path in paths):  # DuckDB would take them for patterns
        return None
    name = column.replace('"', '""')
    with _database().cursor() as con:
        try:
            query = f'SELECT DISTINCT "{name}" AS value FROM read_parquet($paths, hive_partitioning = false)'
            found = pl.DataFrame(con.sql(query, params={"paths": paths}).to_arrow_table())["value"]
        except duckdb.Error:
            return None
    return found if found.dtype == pl.String else None


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for all columns and parts: to make one takes longer than most columns of thousands of small files."""
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    return con
