"""A run on Spark against ``hcc.score`` on the same data: every table, row for row."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

import hcc
from hcc.pipeline import Run
from hcc.spark.results import TABLES
from hcc.tables import RESULT_TABLES

_OF_ITS_OWN = {"run_id", "source", "row_number"}  # a Spark DataFrame has neither files nor an order


def frame(run: Any, table: str) -> pl.DataFrame:
    """A table of a run on Spark, here."""
    found = pl.from_arrow(run[table].toArrow())
    assert isinstance(found, pl.DataFrame)
    return found


def on_spark(spark: Any, rows: pl.DataFrame, partitions: int = 1) -> Any:
    """The rows as a Spark DataFrame, spread over partitions without regard to members."""
    found = spark.createDataFrame(rows.to_arrow())
    return found.repartition(partitions) if partitions > 1 else found.coalesce(1)


def assert_same(run: Any, one: Run, *, shared: bool = False) -> None:
    """Every table of both, their counts and notes.

    ``shared``: claims belong to members of several buckets, so that what counts claims for people to read
    (``claim_forms``, members by unmapped code) counts them in each.
    """
    assert tuple(run) == TABLES
    for table in TABLES:
        if table == "runs":
            continue
        ours = frame(run, table)
        assert ours.columns == list(RESULT_TABLES[table].names), table
        left_out = _OF_ITS_OWN | ({"members"} if shared and table == "unmapped_codes" else set())
        columns = [column for column in ours.columns if column not in left_out]
        theirs = getattr(one, table)
        theirs = theirs.select(
            (pl.col(c) if c in theirs.columns else pl.lit(None)).cast(ours.schema[c]).alias(c) for c in columns
        )
        ours = ours.select(columns).sort(columns)
        theirs = theirs.sort(columns)
        if not ours.equals(theirs):
            more, less = (
                a.join(b, on=columns, how="anti", nulls_equal=True) for a, b in ((ours, theirs), (theirs, ours))
            )
            raise AssertionError(f"{table}: {ours.height} rows, not {theirs.height}; more: {more}; fewer: {less}")
        assert table not in ("scores", "factors", "members") or ours.height
    uncounted = {"claim_forms"} if shared else set()
    assert {k: v for k, v in run.counts.items() if k not in uncounted} == {
        k: v for k, v in one.counts.items() if k not in uncounted
    }
    assert sorted(run.notes) == sorted(one.notes)
    (row,) = frame(run, "runs").to_dicts()
    for name in ("engine_version", "payment_year", "run", "models", "rules"):
        assert row[name] == one.row[name], name
    assert json.loads(row["options"]) == json.loads(one.row["options"])
    assert {i["table"]: i["rows"] for i in json.loads(row["inputs"])} == {
        i["table"]: i["rows"] for i in json.loads(one.row["inputs"])
    }
    assert row["engine_version"] == hcc.__version__
    run_ids = {i for t in TABLES if "run_id" in run[t].columns for i in frame(run, t)["run_id"].unique()}
    assert run_ids == {run.run_id}
