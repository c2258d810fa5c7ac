"""Witnesses: members who stand in every bucket for the programmes and models of the whole population.

What a run scores follows from its members: a model that pays nobody is not scored, and its codes map nowhere. So that
every bucket scores what the population does, one member of each programme and model joins its members, under another
name, and is taken out of the results. Who they are is first guessed from the statuses (one task, without claims); what
that misses a bucket finds, and those that ran without it run again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hcc.spark.job import Job, empty_frame, filler
from hcc.spark.staging import ROW

if TYPE_CHECKING:
    import polars as pl

_KINDS = ("part", "program", "model", "calibration")


def first_witnesses(job: Job, options: dict[str, Any], temp: Path) -> dict[str, pl.DataFrame]:
    """Score the candidates without claims; rows by table of the first member of each programme and model."""
    import polars as pl

    import hcc

    candidates = job.staged.child("candidates")
    frames = {
        table: pl.concat([empty_frame(job.empty[table]).drop(ROW, strict=False), *map(pl.read_parquet, files)],
                         how="vertical_relaxed")
        for table in ("members", "enrollment") if job.has(table)
        for files in [candidates.child(table).files(temp)]
    }  # fmt: skip
    sources: dict[str, Any] = {
        table: pl.concat([frame, filler(job.empty[table], sorted(job.dates[table]))], how="diagonal_relaxed")
        for table, frame in frames.items()
    }
    for table in ("claims", "claim_diagnoses"):
        if job.has(table):
            sources[table] = empty_frame(job.empty[table])
    return witnesses_of(job, frames, hcc.score(**sources, **options, keep=False).scores, (), "first")


def witnesses_of(
    job: Job, inputs: Mapping[str, pl.DataFrame], scores: pl.DataFrame, known: Collection[tuple[str, ...]], name: str
) -> dict[str, pl.DataFrame]:
    """Input rows, under other identifiers, of one member of each kind of score that is not ``known``."""
    import polars as pl

    if scores.is_empty():
        return {}
    kinds = scores.with_columns(pl.col(_KINDS).cast(pl.String)).group_by(_KINDS).agg(pl.col("member_id").min())
    chosen = pl.Series([row[-1] for row in kinds.iter_rows() if row[:-1] not in known], dtype=pl.String).unique()
    if chosen.is_empty():
        return {}
    return {table: _renamed(job, table, rows, chosen.sort(), name) for table, rows in inputs.items()}


def kinds_of(scores: pl.DataFrame) -> set[tuple[str, ...]]:
    """Part, programme, model and calibration of a table of scores."""
    import polars as pl

    return set(scores.select(pl.col(_KINDS).cast(pl.String)).unique().rows()) if scores.height else set()


def _renamed(job: Job, table: str, frame: pl.DataFrame, chosen: pl.Series, name: str) -> pl.DataFrame:
    import polars as pl

    names = job.identifiers[table]
    told = [pl.col(column).replace("", None) for column in names]
    new = [job.witness(f"{name}-{number}") for number in range(len(chosen))]
    keyed = frame.with_columns(pl.coalesce(told).alias("_key")).filter(pl.col("_key").is_in(chosen.implode()))
    key = pl.col("_key").replace_strict(chosen, pl.Series(new), return_dtype=pl.String)
    renamed = keyed.with_columns(key.alias(column) for column in names).drop("_key", ROW, strict=False)
    # Repeated rows would be counted in every bucket; those of a layout of spans are no repetitions.
    one_row = table == "members" and not job.spans
    return renamed.unique(names if one_row else None, keep="first", maintain_order=True)
