"""What a run on Spark gives back: the result tables of ``hcc.score`` as Spark DataFrames."""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hcc.spark.places import Place
from hcc.tables import RESULT_TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BY_MEMBER = ("members", "diagnoses", "edited_diagnoses", "member_hccs", "factors", "scores", "member_scores")
OF_RULES = ("diagnosis_hccs", "hccs", "payment_factors", "reasons")  # the same in every bucket: written once
TABLES = ("runs", *BY_MEMBER, "rejected_rows", "unmapped_codes", *OF_RULES)
_SPARK = {
    "text": "string", "few": "string", "int": "bigint", "bool": "boolean", "date": "date", "timestamp": "timestamp_ntz",
    "decimal": "decimal(9,3)", "factor": "decimal(9,6)", "money": "decimal(14,2)", "number": "double", "list": "array<string>",
}  # fmt: skip


def polars_types(table: str) -> dict[str, Any]:
    """Column → polars type in which a table is written."""
    import polars as pl

    kinds: dict[str, Any] = {
        "text": pl.String, "few": pl.String, "int": pl.Int64, "bool": pl.Boolean, "date": pl.Date,
        "timestamp": pl.Datetime("us"), "decimal": pl.Decimal(9, 3), "factor": pl.Decimal(9, 6), "money": pl.Decimal(14, 2),
        "number": pl.Float64, "list": pl.List(pl.String),
    }  # fmt: skip
    return {column.name: kinds[column.type] for column in RESULT_TABLES[table].columns}


def spark_schema(table: str) -> str:
    """The same as Spark's DDL."""
    return ", ".join(f"`{column.name}` {_SPARK[column.type]}" for column in RESULT_TABLES[table].columns)


def read_table(spark: SparkSession, out: Place, table: str) -> DataFrame:
    """A result table as it lies in ``out``; without a file, an empty one."""
    place = out.child(table)
    if not place.names():
        return spark.createDataFrame([], spark_schema(table))
    return spark.read.schema(spark_schema(table)).parquet(place.uri)


class SparkRun(Mapping[str, "DataFrame"]):
    """One finished run on Spark: a mapping of table name to DataFrame; the tables are attributes as well.

    Tables and columns are those of ``hcc.tables.RESULT_TABLES``, text as string, decimals as decimal(9,3). The frames
    read the Parquet files in ``out``: one folder a table, one file a bucket, which any other tool may read, too.
    Where the caller named no ``out``, the folder is removed by ``delete()``, at the end of a ``with`` block or when
    Python ends; the frames are of no use after that.
    ``counts``, ``notes``, ``timings`` (seconds by step; those of the engine are sums over buckets) and ``row`` (the row
    of ``runs``) are as in ``hcc.score``.
    """

    def __init__(
        self,
        tables: Mapping[str, DataFrame],
        *,
        out: Place,
        row: dict[str, Any],
        counts: dict[str, Any],
        notes: list[str],
        timings: dict[str, float],
        temporary: bool,
    ) -> None:
        self._tables = dict(tables)
        self._out = out
        self._temporary = temporary
        self.run_id: str = row["run_id"]
        self.row = row
        self.counts = counts
        self.notes = notes
        self.timings = timings
        if temporary:
            atexit.register(out.remove)

    @property
    def out(self) -> str:
        """The folder of the result tables, as path or URI."""
        return self._out.path or self._out.uri

    def delete(self) -> None:
        """Remove the result files."""
        self._out.remove()
        atexit.unregister(self._out.remove)

    def summary(self) -> dict[str, Any]:
        """Counts a person wants to see first (RULINGS 20)."""
        return {"run_id": self.run_id, "payment_year": self.row["payment_year"], **self.counts, "notes": self.notes}

    def __enter__(self) -> SparkRun:
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary:
            self.delete()

    def __getitem__(self, table: str) -> DataFrame:
        return self._tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __getattr__(self, name: str) -> DataFrame:
        if name.startswith("_") or name not in self._tables:
            raise AttributeError(f"a run on Spark has no table {name!r}; tables: {', '.join(TABLES)}")
        return self._tables[name]

    def __repr__(self) -> str:
        return f"SparkRun({self.run_id!r}, out={self.out!r})"
