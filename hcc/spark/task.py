"""What an executor does: read one bucket's files, call ``hcc.score``, write the result tables, report counts.

Nothing here imports polars before its number of threads is set. What goes back to the driver are counts, notes and
errors in the engine's own words: no member's value.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hcc.errors import HccError
from hcc.spark.job import Job
from hcc.spark.places import Place
from hcc.spark.results import BY_MEMBER, OF_RULES, polars_types

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]

    from hcc.spark.bucket import Bucket

REPORT = "bucket int, report string"


def buckets_scored(job: Job) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For mapInArrow: numbers of buckets in, a report for each out."""
    return _reports(job, _score_bucket)


def witnesses_chosen(job: Job) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For mapInArrow: any number in, a report out."""
    return _reports(job, _write_witnesses)


def run_finished(job: Job, row: dict[str, Any]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For mapInArrow: any number in; out comes the row of ``runs`` with the counts of unmapped codes in it."""

    def finish(job: Job, _: int, temp: Path) -> dict[str, Any]:
        return _finish(job, row, temp)

    return _reports(job, finish)


def _reports(
    job: Job, work: Callable[[Job, int, Path], dict[str, Any]]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        _limit_threads()
        import pyarrow as pa

        for batch in batches:
            for bucket in batch.column(0).to_pylist():
                text = json.dumps(_told(job, work, bucket), default=str)
                yield pa.RecordBatch.from_pydict(
                    {"bucket": pa.array([bucket], pa.int32()), "report": pa.array([text], pa.string())}
                )

    return run


def _limit_threads() -> None:
    """As many threads as Spark counts for a task; polars reads this once, when it is imported."""
    from pyspark import TaskContext

    context = TaskContext.get()
    os.environ.setdefault("POLARS_MAX_THREADS", str(context.cpus() if context is not None else 1))


def _told(job: Job, work: Callable[[Job, int, Path], dict[str, Any]], bucket: int) -> dict[str, Any]:
    """The report of a bucket, or of what went wrong. A file system that fails is left to Spark, which tries again."""
    try:
        with tempfile.TemporaryDirectory(prefix="hcc-") as temp, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the driver has given them once
            return work(job, bucket, Path(temp))
    except HccError as error:
        return {"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}}
    except OSError as error:
        raise OSError(error.errno, f"bucket {bucket}: {os.strerror(error.errno or 0)}") from None
    except Exception as error:  # its text may quote values
        return {"error": {"kind": None, "message": f"{type(error).__module__}.{type(error).__name__}", "hint": None}}


def _score_bucket(job: Job, bucket: int, temp: Path) -> dict[str, Any]:
    import polars as pl

    import hcc
    from hcc.spark.bucket import Bucket
    from hcc.spark.witnesses import kinds_of, witnesses_of

    begun = time.perf_counter(), time.process_time()
    given = Bucket(job, bucket, temp)
    run = hcc.score(**given.sources, **_options(job, temp), keep=False)
    echoes = given.echoes()
    report: dict[str, Any] = {"dates": given.readable, "rows": given.rows}
    if echoes is not None:
        report["rows"]["claim_diagnoses"] -= len(echoes)
    found: dict[str, pl.DataFrame] = {}
    for name in BY_MEMBER:
        frame = _typed(job, name, getattr(run, name))
        found[name] = frame.filter(~pl.col("member_id").str.starts_with(job.witness()))
    found["rejected_rows"] = _typed(job, "rejected_rows", given.placed(run.rejected_rows))
    if bucket == 0:
        found |= {name: _typed(job, name, getattr(run, name)) for name in OF_RULES}
    known = kinds_of(run.scores.filter(pl.col("member_id").str.starts_with(job.witness())))
    for table, rows in witnesses_of(job, given.frames, found["scores"], known, f"bucket-{bucket}").items():
        _write(job.staged.child("witnesses").child(table), rows, bucket, temp)
    kinds = polars_types("unmapped_codes")
    unmapped = _typed(job, "unmapped_codes", run.unmapped_codes).cast(
        pl.Schema(kinds)
    )  # buckets' files are put together again
    unmapped = _without_echoes(unmapped, echoes)
    for name, frame in found.items():
        _write(job.out.child(name), frame, bucket, temp)
    _write(job.staged.child("unmapped_codes"), unmapped, bucket, temp)
    plan = run.payment_factors.select(pl.exclude("run_id")).write_csv().splitlines()
    return report | {
        "counts": _counts(dict(run.counts), found),
        "raw": _raw_sums(found["factors"]),
        "notes": list(run.notes),
        "members_aside": _by_reason(found["rejected_rows"].filter(pl.col("table").cast(pl.String) == "members")),
        "witness_notes": _witness_notes(given, run.notes, _options(job, temp)),
        "timings": {
            **run.timings,
            "task": time.perf_counter() - begun[0],
            "task, processor time": time.process_time() - begun[1],
        },
        "row": {name: run.row[name] for name in ("engine_version", "models", "options", "rules")},
        "plan": plan,
    }


def _witness_notes(given: Bucket, notes: list[str], options: dict[str, Any]) -> list[str]:
    """Notes of a run on the bucket's witnesses alone, where some of ``notes`` count rows or members."""
    import hcc
    from hcc.spark.merge import counts

    witnesses = given.only_witnesses() if any(counts(note) for note in notes) else None
    return [] if witnesses is None else list(hcc.score(**witnesses, **options, keep=False).notes)


def _options(job: Job, temp: Path) -> dict[str, Any]:
    options = dict(job.options)
    if job.layout_text is not None:
        path = temp / Path(options["layout"]).name
        path.write_text(job.layout_text, encoding="utf-8")
        options["layout"] = str(path)
    return options


def _typed(job: Job, table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The declared columns in their declared types, with the run's own run_id.

    Few-valued columns stay Enums: Parquet holds text either way, and is written in a third of the time.
    """
    import polars as pl

    columns = []
    for name, kind in polars_types(table).items():
        if name == "run_id":
            column = pl.lit(job.run_id, dtype=pl.Enum([job.run_id]))
        elif name not in frame.columns:
            column = pl.lit(None, dtype=kind)
        else:
            few = kind == pl.String and isinstance(frame.schema[name], (pl.Enum, pl.Categorical))
            column = pl.col(name) if few else pl.col(name).cast(kind)
        columns.append(column.alias(name))
    return frame.select(columns)


def _write(place: Place, frame: pl.DataFrame, bucket: int | str, temp: Path) -> None:
    """The table's file of a bucket; no file where it has no row."""
    name = f"bucket-{bucket:05d}.parquet" if isinstance(bucket, int) else f"{bucket}.parquet"
    if frame.is_empty():
        place.drop(name)  # of an earlier attempt
        return
    made = temp / "made.parquet"
    frame.write_parquet(made, compression="snappy")
    place.put(made, name)


def _counts(counts: dict[str, Any], found: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """The bucket's counts without witnesses and echoes."""
    members, rejected = found["members"], found["rejected_rows"]
    flags = [c for c in members.columns if c.endswith("_was_defaulted")]
    return counts | {
        "members": members.height,
        "defaulted": {c.removesuffix("_was_defaulted"): int(n) for c in flags if (n := members[c].sum())},
        "rejected_rows": rejected.height,
        "rejected_by_reason": _by_reason(rejected),
    }


def _by_reason(rejected: pl.DataFrame) -> dict[str, int]:
    return dict(rejected.group_by("reason").len().sort("reason").iter_rows())


def _raw_sums(factors: pl.DataFrame) -> dict[str, list[int]]:
    """Model → statuses scored and the sum of their raw scores in thousandths."""
    import polars as pl

    sums = factors.group_by("model", "calibration").agg(
        pl.struct("member_id", "segment", "first_month").n_unique(),
        (pl.col("coefficient") * 1000).cast(pl.Int64).sum(),
    )
    return {f"{model}:{cal}" if cal else model: [rows, total] for model, cal, rows, total in sums.iter_rows()}


def _without_echoes(unmapped: pl.DataFrame, echoes: pl.Series | None) -> pl.DataFrame:
    """Each row of claim_diagnoses is counted in one bucket, though the members of its claim may lie in several."""
    import polars as pl

    if echoes is None or echoes.is_empty():
        return unmapped
    from hcc.intake import normalize_code

    again = echoes.alias("c").to_frame().select(normalize_code(pl.col("c")).alias("diagnosis_code")).drop_nulls()
    again = again.group_by("diagnosis_code").agg(pl.len().cast(pl.Int64).alias("again"))
    less = pl.col("rows") - pl.col("again").fill_null(0)
    return unmapped.join(again, on="diagnosis_code", how="left").with_columns(less.alias("rows")).drop("again")


def _write_witnesses(job: Job, _: int, temp: Path) -> dict[str, Any]:
    from hcc.spark.witnesses import first_witnesses

    for table, rows in first_witnesses(job, _options(job, temp), temp).items():
        _write(job.staged.child("witnesses").child(table), rows, "first", temp)
    return {}


def _finish(job: Job, row: dict[str, Any], temp: Path) -> dict[str, Any]:
    """Sum the buckets' unmapped codes, and write them and the run."""
    import polars as pl

    files = job.staged.child("unmapped_codes").files(temp)
    kinds = polars_types("unmapped_codes")
    parts = pl.concat([pl.DataFrame(schema=kinds), *map(pl.read_parquet, files)])
    by = [name for name in kinds if name not in ("rows", "members")]
    codes = parts.group_by(by).agg(pl.col("rows", "members").sum()).select(list(kinds))
    codes = codes.sort("members", "diagnosis_code", descending=[True, False])
    _write(job.out.child("unmapped_codes"), codes, "all", temp)
    by_reason = codes.group_by("reason").agg(pl.col("rows").sum()).sort("reason")
    counts = {"unmapped_codes": codes.height, "unmapped_by_reason": dict(by_reason.iter_rows())}
    row = row | {"counts": json.dumps(json.loads(row["counts"]) | counts)}
    told = row | {"started_at": datetime.fromisoformat(row["started_at"])}
    _write(job.out.child("runs"), pl.DataFrame([told], schema=polars_types("runs")), "all", temp)
    return row
