"""Opens results files read-only."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from hcc.errors import ResultsError
from hcc.results.ddl import quoted
from hcc.results.replaceable import open_elsewhere
from hcc.results.views import VIEWS
from hcc.tables import RESULT_TABLES, SCHEMA_VERSION

_MAKE_ONE = "A results file is made with: hcc score --members M --claims C --payment-year Y --out results.duckdb"


def open_results(path: str | Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a results file; close it after use.

    Raises ResultsError for a path that is no file, no DuckDB database, no results file, in use by a writer, or of a
    newer schema than this engine reads.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise ResultsError(f"There is no results file {path}.", hint=_MAKE_ONE)
    try:
        con = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        if open_elsewhere(error):
            raise ResultsError(
                f"{path} is open for writing in another program.", hint="Close it there, or work on a copy."
            ) from None
        raise ResultsError(f"{path} is not a DuckDB database, or a damaged one.", hint=_MAKE_ONE) from None
    try:
        # fetchall: a result that is not drained blocks the connection in DuckDB 2.
        (row,) = con.execute("SELECT max(schema_version), max(engine_version) FROM runs").fetchall()
    except duckdb.Error:
        con.close()
        raise ResultsError(f"{path} is a DuckDB database, but not a results file.", hint=_MAKE_ONE) from None
    version, engine = row
    if version is None or version > SCHEMA_VERSION:
        con.close()
        if version is None:
            raise ResultsError(f"{path} has no record of a run.", hint=_MAKE_ONE)
        raise ResultsError(
            f"{path} was written by engine {engine} with schema {version}; this one reads schema {SCHEMA_VERSION}.",
            hint="Update the engine (pip install --upgrade hcc-engine), or query the file with plain DuckDB.",
        )
    return con


def read_table(path: str | Path, name: str) -> pl.DataFrame:
    """A whole table or view of a results file; ENUMs become pl.Enum, decimals stay decimals.

    Raises ResultsError for an unknown name or an unusable file.
    """
    if name not in RESULT_TABLES and name not in VIEWS:
        raise ResultsError(
            f"The results have no table or view {name!r}.", hint=f"Tables: {', '.join([*RESULT_TABLES, *VIEWS])}."
        )
    con = open_results(path)
    try:
        frame: pl.DataFrame = con.sql(f"SELECT * FROM {quoted(name)}").pl()
        return frame
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException):
        raise ResultsError(f"{path} is damaged: {name} cannot be read.", hint=_MAKE_ONE) from None
    finally:
        con.close()
