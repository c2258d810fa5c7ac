"""Whatever a person has → parts (hcc.intake.parts): files, folders, globs, DuckDB tables, frames of any library."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hcc.errors import InputError
from hcc.intake.databases import read_database, relation_part
from hcc.intake.delimited import Delimited, read_delimited
from hcc.intake.files import find_files, meant
from hcc.intake.fingerprints import INSIDE, of_files, of_frame
from hcc.intake.parquet import read_parquet
from hcc.intake.parts import Block, Part, Source, no_rejects


def open_source(
    table: str,
    given: Any,
    *,
    names: Sequence[str],
    wanted: Callable[[Sequence[str]], Sequence[str]],
    known: Iterable[str],
) -> Source:
    """Open one input table without reading more than it takes to tell its faults (InputError).

    ``names``: what the table is called in a database; ``wanted`` picks the columns of a text file that are needed;
    ``known``: column names that tell a header from data.
    """
    if isinstance(given, (str, os.PathLike)):
        return _from_files(table, [Path(given)], names, wanted, known)
    if isinstance(given, (list, tuple)) and given and all(isinstance(one, (str, os.PathLike)) for one in given):
        return _from_files(table, [Path(one) for one in given], names, wanted, known)
    return _from_frame(table, given)


def _from_files(
    table: str,
    given: list[Path],
    names: Sequence[str],
    wanted: Callable[[Sequence[str]], Sequence[str]],
    known: Iterable[str],
) -> Source:
    asked = [(Path(file), inside) for file, _, inside in (str(path).partition(INSIDE) for path in given)]
    found, notes = find_files(table, [file for file, _ in asked])
    named: dict[Path, list[str]] = {}  # tables by file; "": the one that is meant
    for file, inside in asked:
        for path in meant(file):
            named.setdefault(path, []).append(inside)
    for one in found:
        if one.kind != "duckdb" and any(named[one.path]):
            inside = next(filter(None, named[one.path]))
            raise InputError(f"{table}: {one.path.name} is no DuckDB file, so it has no table {inside!r}.")
    text = [file for file in found if file.kind in ("text", "gzip")]
    delimited = read_delimited(table, text, wanted, known) if text else Delimited((), no_rejects(), ())
    inside_of, tables = dict[str, list[str]](), dict[tuple[str, str], Part]()
    for path in (one.path for one in found if one.kind == "duckdb"):
        for wish in named[path]:
            part, chosen = read_database(table, path, wish or None, names)
            tables.setdefault((str(path), chosen), part)
        inside_of[str(path.resolve())] = [chosen for of, chosen in tables if of == str(path)]
    parts = [
        *read_parquet(table, [file for file in found if file.kind == "parquet"]), *tables.values(), *delimited.parts
    ]  # fmt: skip
    rows = sum(part.rows for part in parts) + delimited.set_aside.height
    fingerprint = of_files(table, [file.path for file in found], rows, inside_of)
    return Source(table, tuple(parts), fingerprint, delimited.set_aside, (*notes, *delimited.notes))


def _from_frame(table: str, given: Any) -> Source:
    kind = f"{type(given).__module__.partition('.')[0]} {type(given).__name__}"
    if isinstance(given, pl.LazyFrame):
        try:
            schema = dict(given.collect_schema())
        except pl.exceptions.PolarsError as error:
            raise InputError(f"{table}: the LazyFrame cannot be resolved ({type(error).__name__}).") from None
        part = Part("frame", given, schema, (Block("frame", -1),), tuple(schema))
        return Source(table, (part,), of_frame(table, kind, None))
    if type(given).__name__ == "DuckDBPyRelation":
        return Source(table, (relation_part(table, given),), of_frame(table, kind, None))
    frame = _eager(table, given)
    part = Part("frame", frame.lazy(), dict(frame.schema), (Block("frame", frame.height),), tuple(frame.columns))
    return Source(table, (part,), of_frame(table, kind, frame))


def _eager(table: str, given: Any) -> pl.DataFrame:
    if isinstance(given, pl.DataFrame):
        return given
    try:
        if type(given).__module__.partition(".")[0] == "pandas" and type(given).__name__ == "DataFrame":
            return pl.from_pandas(given)
        if hasattr(given, "__arrow_c_stream__"):
            frame = pl.from_arrow(given)
            if isinstance(frame, pl.DataFrame):
                return frame
    except (Exception, pl.exceptions.PanicException) as error:  # many kinds, and their texts may quote values
        raise InputError(
            f"{table}: the {type(given).__name__} cannot be converted ({type(error).__name__}).",
            hint="A column of mixed types? Convert it to text first.",
        ) from None
    raise InputError(
        f"{table}: a {type(given).__name__} cannot be read.",
        hint="Give a path (Parquet, CSV, folder, glob, DuckDB file), or a polars, pyarrow or pandas frame.",
    )
