"""``score``: Spark DataFrames in, Spark DataFrames out; the engine runs on the executors, a bucket of members a task."""

from __future__ import annotations

import json
import os
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hcc.errors import HccError, InputError
from hcc.spark import merge, staging
from hcc.spark.job import Job, empty_frame, filler
from hcc.spark.places import Place
from hcc.spark.results import TABLES, SparkRun, read_table
from hcc.spark.task import REPORT, buckets_scored, run_finished, witnesses_chosen
from hcc.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROUNDS = 3  # the second knows of every programme that the first met; a third is never needed


def score(
    members: DataFrame,
    claims: DataFrame,
    claim_diagnoses: DataFrame | None = None,
    enrollment: DataFrame | None = None,
    *,
    payment_year: int | None = None,
    models: list[str] | str | None = None,
    run: str = "final",
    layout: str = "canonical",
    columns: Any = None,
    months_from_spans: bool = False,
    hierarchy_mode: str = "cms_python",
    audio_only: str = "exclude",
    scenario: dict[str, Any] | str | Path | None = None,
    mappings: str | Path | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    staging: str | os.PathLike[str] | None = None,
    buckets: int | None = None,
) -> SparkRun:
    """Score a population on Apache Spark; options and result tables are those of ``hcc.score``.

    ``members``, ``claims`` …: Spark DataFrames of the canonical columns (hcc.tables.INPUT_TABLES) or of another
    ``layout``. Each is split by member into ``buckets`` and written as Parquet into a folder in ``staging``; a task per
    bucket then calls ``hcc.score`` on its files and writes its result tables as Parquet into ``out``, from where the
    returned DataFrames read them. No row about a member goes through the driver.

    ``out`` and ``staging`` are folders that the driver and all executors reach (a mounted path or a URI). What is
    staged is removed at the end, also after an error. ``out`` belongs to the caller; without it, the results lie in
    ``staging`` until the returned run is deleted or Python ends. Without ``staging`` it is in ``out``; on a local master
    both may be left out. ``buckets``: default by the number of members and cores; memory of a task grows with
    members ÷ buckets. ``mappings``: a path that every executor has.

    In ``rejected_rows``, ``source`` is the partition of the DataFrame that held the row and ``row_number`` its row
    there, from 1.
    Raises HccError (InputError, MissingPaymentYear, UnknownModel, ResultsExist …) in one clear message without values.
    """
    begun, started = time.perf_counter(), datetime.now(UTC)
    options = {
        "payment_year": payment_year, "models": models, "run": run, "layout": layout, "columns": columns,
        "months_from_spans": months_from_spans, "hierarchy_mode": hierarchy_mode, "audio_only": audio_only,
        "scenario": scenario, "mappings": None if mappings is None else str(mappings),
    }  # fmt: skip
    given = {
        "members": members, "claims": claims, "claim_diagnoses": claim_diagnoses, "enrollment": enrollment
    }  # fmt: skip
    if buckets is not None and buckets < 1:
        raise HccError(f"buckets is {buckets}; there must be at least one.")
    if out is not None:
        Place.of(out).require_new(overwrite=overwrite)
    job, tables = _prepared({name: frame for name, frame in given.items() if frame is not None}, options)
    spark = tables["members"].frame.sparkSession
    results, staged, temporary = _folders(spark, out, staging, job.run_id)
    job = Job(**{**vars(job), "staged": staged, "out": results})
    try:
        staged.make()
        results.make()
        return _run(spark, job, tables, buckets, begun=begun, started=started, temporary=temporary)
    except BaseException:
        results.remove()
        raise
    finally:
        staged.remove()


def _prepared(given: Mapping[str, Any], options: dict[str, Any]) -> tuple[Job, dict[str, staging.Table]]:
    """Options and columns checked by a run of the engine without members: it tells every fault in its own words."""
    import polars as pl

    import hcc
    from hcc.intake import layouts, load_layout, load_renames
    from hcc.intake.layout import read_toml_text
    from hcc.pipeline.scenario import read_scenario

    loaded = load_layout(options["layout"])
    own = None if options["layout"] in layouts() else read_toml_text(Path(options["layout"]), "layout")
    renames = load_renames(options["columns"])
    tables = {name: staging.open_table(name, frame, loaded, renames) for name, frame in given.items()}
    empty = {name: _empty_stream(table) for name, table in tables.items()}
    rows = {name: filler(stream, sorted(tables[name].dates)) for name, stream in empty.items()}
    options = options | {"columns": renames or None, "scenario": read_scenario(options["scenario"])}
    sources: dict[str, Any] = {name: row.select(pl.exclude(staging.ROW)) for name, row in rows.items()}
    hcc.score(**sources, **options, keep=False)
    codes = tables["claim_diagnoses"].identifiers["diagnosis_code"] if "claim_diagnoses" in tables else []
    job = Job(
        run_id=uuid.uuid4().hex[:12], staged=Place(""), out=Place(""), options=options, empty=empty,
        dates={name: table.dates for name, table in tables.items()},
        identifiers={name: table.identifiers["member_id"] for name, table in tables.items()},
        code=codes[0] if codes else "", layout_text=own,
        spans=loaded.table("members").spans is not None,
    )  # fmt: skip
    return job, tables


def _empty_stream(table: staging.Table) -> bytes:
    """A table's columns without rows; types that Arrow has no word for are a fault."""
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException
    from pyspark.sql.pandas.types import to_arrow_schema

    try:
        schema = to_arrow_schema(table.frame.schema)
    except PySparkException:
        raise InputError(f"{table.name}: a column has a type that cannot be read.", hint="Cast it to text.") from None
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema.append(pa.field(staging.ROW, pa.int64()))):
        pass
    return bytes(sink.getvalue())


def _folders(spark: SparkSession, out: Any, given: Any, run_id: str) -> tuple[Place, Place, bool]:
    """Where results go, where inputs are staged, and whether the results are temporary."""
    if out is not None:
        results = Place.of(out)
        results.remove()
        return results, results.child(f"_staging-{run_id}") if given is None else _own(given, run_id), False
    if given is not None:
        return Place.of(given).child(f"hcc-results-{run_id}"), _own(given, run_id), True
    if not spark.conf.get("spark.master", "").startswith("local"):
        raise HccError(
            "Executors on other machines need a folder that all of them reach.",
            hint="Give out='s3://bucket/folder' (results stay there) or staging=…; see docs/spark.md.",
        )
    return Place.temporary(), Place.temporary(), True


def _own(given: Any, run_id: str) -> Place:
    return Place.of(given).child(f"hcc-staged-{run_id}")


def _run(
    spark: SparkSession, job: Job, tables: dict[str, staging.Table], buckets: int | None, *,
    begun: float, started: datetime, temporary: bool,
) -> SparkRun:  # fmt: skip
    timings: dict[str, float] = {}
    with _step("stage the inputs", timings):
        if buckets is None:
            buckets = staging.number_of_buckets(tables["members"].frame.count(), _cores(spark))
        for name, table in tables.items():
            owners = None
            if name == "claim_diagnoses" and not table.identifiers["member_id"]:
                owners = staging.owners_of_claims(tables["claims"], job.staged.child("claims"))
            staging.stage(table, job.staged.child(name), buckets, owners=owners)
    _refuse_without_rows(job)
    with _step("find the statuses", timings):
        staging.stage_candidates(tables["members"], tables.get("enrollment"), job.staged.child("candidates"))
        _reports(spark, [0], witnesses_chosen(job))
    with _step("score the buckets", timings):
        reports = _scored(spark, job, buckets)
        merge.raise_unreadable(reports)
    with _step("finish", timings):
        rows = {name: sum(report["rows"][name] for report in reports) for name in tables}
        row = _run_row(job, reports, rows, timings, begun, started)
        row = _reports(spark, [0], run_finished(job, row))[0]
    read = {name: read_table(spark, job.out, name) for name in TABLES}
    timings["total"] = time.perf_counter() - begun
    return SparkRun(
        read, out=job.out, row=row | {"started_at": started.replace(tzinfo=None)}, counts=json.loads(row["counts"]),
        notes=json.loads(row["notes"]), timings=timings, temporary=temporary,
    )  # fmt: skip


def _refuse_without_rows(job: Job) -> None:
    """Members or enrollment without a row: refused by the engine, in its own words. A bucket alone may have none."""
    import hcc

    filled = {table: any(map(staging.is_bucket, job.staged.child(table).names())) for table in job.empty}
    if all(filled.values()):
        return
    sources: dict[str, Any] = {
        table: filler(stream, sorted(job.dates[table])) if filled[table] else empty_frame(stream)
        for table, stream in job.empty.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # given once, when the columns were checked
        hcc.score(**sources, **job.options, keep=False)


def _cores(spark: SparkSession) -> int:
    return max(1, int(spark.sparkContext.defaultParallelism))


@contextmanager
def _step(what: str, timings: dict[str, float]) -> Iterator[None]:
    """Time a step; tell what Spark could not do without its text, which may quote values."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    begun = time.perf_counter()
    try:
        yield
    except (PySparkException, Py4JError) as error:
        condition = error.getCondition() if isinstance(error, PySparkException) else None
        raise HccError(
            f"Spark could not {what}" + (f" ({condition})." if condition else "."),
            hint="The log of the Spark driver tells more. Executors need the package hcc, room for a bucket in memory "
            "(more buckets make them smaller), and the folders of out and staging.",
        ) from None
    finally:
        timings[what] = time.perf_counter() - begun


def _scored(spark: SparkSession, job: Job, buckets: int) -> list[merge.Report]:
    """Reports of all buckets, scored by the same plan: where one met a programme that others did not know of, these
    run again (hcc.spark.witnesses)."""
    found: dict[int, merge.Report] = {}
    again = list(range(buckets))
    for _ in range(_ROUNDS):
        found |= _reports(spark, again, buckets_scored(job))
        plans = [frozenset(report["plan"]) for report in found.values()]
        whole = frozenset().union(*plans)
        again = [bucket for bucket, report in found.items() if frozenset(report["plan"]) != whole]
        if not again:
            return [found[bucket] for bucket in sorted(found)]
    raise HccError(f"The buckets do not agree on what to score after {_ROUNDS} rounds.", hint="A fault of the engine.")


def _reports(spark: SparkSession, numbers: Sequence[int], work: Any) -> dict[int, merge.Report]:
    """Run a task per number and gather the reports: counts, no rows."""
    from pyspark.sql import functions as sql

    tasks = spark.range(0, len(numbers), 1, len(numbers))  # one number a partition, in order
    chosen = sql.array(*map(sql.lit, numbers))[sql.col("id").cast("int")]
    done = tasks.select(chosen.alias("bucket")).mapInArrow(work, REPORT).collect()
    reports = {row["bucket"]: json.loads(row["report"]) for row in done}
    merge.raise_errors(reports)
    return reports


def _run_row(
    job: Job, reports: list[merge.Report], rows: dict[str, int], timings: dict[str, float], begun: float,
    started: datetime,
) -> dict[str, Any]:  # fmt: skip
    from hcc.intake.forms import LINES

    inputs: list[dict[str, Any]] = [{"table": name, "paths": [], "kind": "pyspark DataFrame", "rows": rows[name], "size": None,
               "mtime": None, "sha256": None, "hash_of": "nothing: a frame of Spark's"} for name in rows]  # fmt: skip
    seconds = {**{f"engine: {name}": value for name, value in merge.merged_timings(reports).items()}, **timings}
    return {
        "run_id": job.run_id,
        "started_at": started.replace(tzinfo=None).isoformat(),
        "seconds": round(time.perf_counter() - begun, 3),
        "schema_version": SCHEMA_VERSION,
        **reports[0]["row"],
        "payment_year": int(job.options["payment_year"]),
        "run": job.options["run"],
        "as_of": None,
        "inputs": json.dumps(inputs),
        "counts": json.dumps(merge.merged_counts(reports, forms=rows["claims"] <= LINES)),
        "timings": json.dumps({name: round(value, 3) for name, value in seconds.items()}),
        "notes": json.dumps(merge.merged_notes(reports)),
    }
