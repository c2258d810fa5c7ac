"""``score``: files or frames in, a Run out; and the record of the run."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

import hcc
from hcc.diagnoses import Room
from hcc.errors import HccError, InputError
from hcc.intake import Inputs, read_inputs
from hcc.intake.forms import claim_forms
from hcc.pipeline.frailty import frailty_notes
from hcc.pipeline.memory import MemoryLimit, memory_limit
from hcc.pipeline.plan import Options, Plan, options
from hcc.pipeline.run import Begun, Clock, Kept, Memory, Progress, Scored, Sink, run
from hcc.pipeline.scenario import read_scenario
from hcc.pipeline.statuses import Statuses
from hcc.pipeline.unmapped import known_codes, unmapped_table
from hcc.results import ResultsWriter, check_target, write_parquet
from hcc.results.parquet import check_folder
from hcc.results.replaceable import refuse_inputs
from hcc.rules.folders import SHARED, shared_fingerprint, tables_fingerprint
from hcc.tables import RESULT_TABLES, SCHEMA_VERSION

CHOSEN = ("members", "diagnoses", "member_hccs", "factors", "scores", "member_scores", "edited_diagnoses")
"""Tables that a run in memory can be held to."""


@dataclass(eq=False)
class Run:
    """One finished run. Its tables (hcc.tables.RESULT_TABLES) are polars frames: ``run.scores``, ``run.member_hccs`` …

    A run that went straight into a file (``out=``) holds only ``path``, ``counts``, ``notes`` and ``timings``.
    """

    run_id: str
    options: Options
    counts: dict[str, Any]
    timings: dict[str, float]
    notes: list[str]
    frames: dict[str, pl.DataFrame]
    row: dict[str, Any]
    path: Path | None = None
    scored: Scored | None = None
    inputs: Inputs | None = None

    def __repr__(self) -> str:
        where = f"in {self.path}" if self.path is not None else f"with {len(self.frames)} tables in memory"
        members = self.counts.get("members", 0)
        return f"<Run {self.run_id}: payment year {self.options.payment_year}, {members:,} members, {where}>"

    def __getattr__(self, name: str) -> pl.DataFrame:
        if name.startswith("_") or name not in RESULT_TABLES:
            raise AttributeError(f"a run has no table {name!r}; tables: {', '.join(RESULT_TABLES)}")
        if name in self.frames:
            return self.frames[name]
        if self.path is not None:
            from hcc.results import read_table

            return read_table(self.path, name)
        kinds = empty(name)
        if name != "runs":
            return kinds
        told = {column: self.row.get(column) for column in kinds.columns}
        return pl.DataFrame([told], schema=kinds.schema)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the tables to a DuckDB file; nothing is there under ``path`` until all of it is."""
        check_target(path, overwrite=overwrite)
        with ResultsWriter(path, overwrite=overwrite) as writer:
            for name, frame in self.frames.items():
                writer.append(name, frame)
            writer.finish(self.row)
        return Path(path)

    def summary(self) -> dict[str, Any]:
        """Counts a person wants to see first (RULINGS 20)."""
        return {"run_id": self.run_id, "payment_year": self.options.payment_year, **self.counts, "notes": self.notes}


def empty(name: str) -> pl.DataFrame:
    """A result table without rows, of the declared types."""
    kinds: dict[str, Any] = {
        "text": pl.String, "few": pl.String, "int": pl.Int64, "bool": pl.Boolean, "date": pl.Date,
        "timestamp": pl.Datetime("us"), "decimal": pl.Decimal(9, 3), "factor": pl.Decimal(9, 6),
        "money": pl.Decimal(14, 2), "number": pl.Float64, "list": pl.List(pl.String),
    }  # fmt: skip
    return pl.DataFrame(schema={c.name: kinds[c.type] for c in RESULT_TABLES[name].columns})


def score(
    members: Any,
    claims: Any,
    *,
    payment_year: int | None = None,
    claim_diagnoses: Any = None,
    enrollment: Any = None,
    models: list[str] | str | None = None,
    run: str = "final",
    layout: str = "canonical",
    columns: Any = None,
    hierarchy_mode: str = "cms_python",
    audio_only: str = "exclude",
    scenario: dict[str, Any] | str | Path | None = None,
    months_from_spans: bool = False,
    mappings: str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    parquet: str | Path | None = None,
    memory: str | int | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    keep: bool = True,
    tables: Collection[str] | None = None,
) -> Run:
    """Score a population.

    ``members``, ``claims`` …: paths (Parquet, CSV, folder, glob, DuckDB file) or frames, of the canonical columns
    (hcc.tables.INPUT_TABLES) or of another ``layout``. Without ``models`` the programmes of the year decide what is
    scored and blended. ``months_from_spans``: make the enrollment months from the spans of a layout that has them. With
    ``out`` the tables go into that file as they are made, and the run keeps to ``memory`` ("4GB"; default: 60 % of the
    machine's), whatever the size of the claims; ``keep`` keeps the arrays for ``find_gaps`` otherwise. ``tables``: make
    only these of CHOSEN, in memory, and keep nothing else. ``resume``: go on where an interrupted run of the same to
    ``out`` stopped.
    Raises HccError (MissingPaymentYear, UnknownYear, UnknownModel, InputError, ResultsExist …) in one clear message.
    """
    chosen = options(
        payment_year, models=models, run=run, hierarchy_mode=hierarchy_mode, audio_only=audio_only, mappings=mappings,
        scenario=read_scenario(scenario), months_from_spans=months_from_spans,
    )  # fmt: skip
    check_tables(tables, out)
    inputs_given = members, claims, claim_diagnoses, enrollment, layout, columns, scenario
    refuse_inputs(out, *inputs_given)
    refuse_inputs(parquet, *inputs_given, option="--parquet")
    if out is not None:
        check_target(out, overwrite=overwrite)
    if parquet is not None:
        check_folder(parquet, overwrite)
    limit = memory_limit(memory)
    begun = time.perf_counter()
    clock = Clock(progress)
    with clock.stage("intake", 0.0):
        inputs = read_inputs(
            members=members, claims=claims, claim_diagnoses=claim_diagnoses, enrollment=enrollment,
            layout=layout, columns=columns, payment_year=chosen.payment_year, enrollment_from_spans=months_from_spans,
        )  # fmt: skip
    return finished(
        inputs, chosen, clock, begun, limit, out=out, overwrite=overwrite, parquet=parquet, resume=resume,
        keep=keep and tables is None, tables=tables,
    )  # fmt: skip


def check_tables(tables: Collection[str] | None, out: str | Path | None) -> None:
    """Raises HccError for tables that cannot be chosen, or with a file, which holds every table."""
    if tables is None:
        return
    listed = isinstance(tables, Collection) and not isinstance(tables, str)
    strange = sorted(str(name) for name in (tables if listed else [tables]) if not listed or name not in CHOSEN)
    if strange or out is not None:
        why = f"No such tables to choose: {', '.join(strange)}." if strange else "A results file holds every table."
        raise HccError(why, hint=f"Without out=, choose among {', '.join(sorted(CHOSEN))}, as a list.")


def finished(
    inputs: Inputs, chosen: Options, clock: Clock, begun: float, limit: MemoryLimit, *, out: str | Path | None,
    overwrite: bool, parquet: str | Path | None, resume: bool = False, keep: bool = False,
    forms: dict[str, int] | None = None, kept: Kept | None = None, tables: Collection[str] | None = None,
) -> Run:  # fmt: skip
    """Score ``inputs`` into memory or a file. ``forms``: how the claims are filled in, where they are not at hand;
    ``kept`` and ``tables`` as of ``hcc.pipeline.run``."""
    shared: dict[str, Any] = {"forms": forms, "kept": kept, "tables": tables}
    if out is None:
        memory = Memory()
        done = _run(inputs, chosen, memory, clock, begun, keep=keep, room=limit.room(None), **shared)
        done.frames = memory.frames()
        done.inputs = inputs
    else:
        key = _key(inputs, chosen)
        with ResultsWriter(out, overwrite=overwrite, memory=limit.database, key=key, resume=resume) as writer:
            before = (
                None
                if writer.resumed is None
                else Begun(writer.resumed.state["run_id"], writer.resumed.done, writer.resumed.state)
            )
            if resume:
                inputs.notes.append(_resumed(before))
            done = _run(inputs, chosen, writer, clock, begun, keep=False, room=limit.room(out), before=before, **shared)
            with clock.stage("finish", 0.98):
                writer.finish(done.row)
        done.path, done.scored = Path(out), None
    if parquet is not None:
        write_parquet(done.frames if done.path is None else done.path, parquet, overwrite=overwrite)
    done.timings["total"] = time.perf_counter() - begun
    return done


@contextmanager
def told_plainly() -> Iterator[None]:
    """A file that breaks off in the middle shows only when it is read; polars' own words may quote values (PHI)."""
    try:
        yield
    except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:  # others are faults of ours
        raise InputError(
            f"An input could not be read to its end ({type(error).__name__}).",
            hint="A file may be damaged, or change its types half-way; 'hcc --debug …' names it.",
        ) from error


def _run(
    inputs: Inputs, chosen: Options, sink: Sink, clock: Clock, begun: float, *, keep: bool, room: Room | None = None,
    before: Begun | None = None, forms: dict[str, int] | None = None, kept: Kept | None = None,
    tables: Collection[str] | None = None, part_of: tuple[Plan, Statuses] | None = None,
) -> Run:  # fmt: skip
    with told_plainly(), ThreadPoolExecutor(1) as aside:
        aside.submit(known_codes, chosen.mappings)  # asked for at the end; read while other work waits for one processor
        scored = run(
            inputs, chosen, sink, keep=keep, progress=clock.progress, room=room, begun=before, kept=kept, tables=tables,
            part_of=part_of,
        )  # fmt: skip
    with clock.stage("unmapped codes", 0.9):
        unmapped = unmapped_table(scored.unmapped, scored.plan, scored.run_id)
        sink.append("unmapped_codes", unmapped)
    with clock.stage("rejected rows", 0.95):
        rejected = inputs.rejected().with_columns(pl.lit(scored.run_id).alias("run_id"))
        sink.append("rejected_rows", rejected)
    defaulted = {
        c.removesuffix("_was_defaulted"): int(n)
        for c in scored.members.columns
        if c.endswith("_was_defaulted") and (n := scored.members[c].sum())
    }
    with clock.stage("claim forms", 0.96):
        forms = claim_forms(inputs) if forms is None else forms
    counts = {
        **scored.counts,
        **row_counts(rejected, unmapped),
        "defaulted": defaulted,
        "claim_forms": forms,
    }
    notes = [*inputs.notes, *scored.plan.notes, *frailty_notes(inputs, chosen)]
    timings = {**clock.seconds, **scored.timings}
    row = _run_row(scored, inputs, counts, notes, timings, time.perf_counter() - begun)
    return Run(scored.run_id, chosen, counts, timings, notes, {}, row, scored=scored if keep else None)


def _key(inputs: Inputs, chosen: Options) -> str:
    """What a run is of: an interrupted one is resumed only by the same."""
    what = [
        hcc.__version__, SCHEMA_VERSION, chosen.as_json(), inputs.read_as, inputs.fingerprints,
        tables_fingerprint(chosen.mappings),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(what, default=str, sort_keys=True).encode()).hexdigest()


def _resumed(before: Begun | None) -> str:
    if before is None:
        return "No interrupted run was there to go on with: the run began anew."
    return f"An interrupted run was resumed: its first {before.done} shards of members were complete."


def row_counts(rejected: pl.DataFrame, unmapped: pl.DataFrame) -> dict[str, Any]:
    """Rows set aside and codes that map nowhere, by reason."""
    return {
        "rejected_rows": rejected.height,
        "rejected_by_reason": dict(rejected.group_by("reason").len().sort("reason").iter_rows()),
        "unmapped_codes": unmapped.height,
        "unmapped_by_reason": dict(unmapped.group_by("reason").agg(pl.col("rows").sum()).sort("reason").iter_rows()),
    }


def _run_row(
    scored: Scored, inputs: Inputs, counts: dict[str, Any], notes: list[str], timings: dict[str, float], seconds: float
) -> dict[str, Any]:
    plan = scored.plan
    rules = [
        {
            "model": m.rules.name, "payment_year": m.rules.payment_year, "edition": m.rules.edition,
            "sha256": m.rules.sha256,
        }
        for m in plan.models.values()
    ]  # fmt: skip
    rules.append({"programs": plan.year.payment_year, "sha256": plan.year.sha256})
    mappings = plan.options.mappings
    rules += [{"tables": kind, "sha256": shared_fingerprint(kind, mappings)} for kind in SHARED]
    return {
        "run_id": scored.run_id,
        "started_at": scored.started_at.replace(tzinfo=None),
        "seconds": round(seconds, 3),
        "schema_version": SCHEMA_VERSION,
        "engine_version": hcc.__version__,
        "payment_year": plan.options.payment_year,
        "run": plan.options.run,
        "models": ",".join(plan.models),
        "as_of": None,
        "options": json.dumps({**json.loads(plan.options.as_json()), **inputs.read_as}),
        "inputs": json.dumps(inputs.fingerprints, default=str),
        "rules": json.dumps(rules),
        "counts": json.dumps(counts),
        "timings": json.dumps({name: round(value, 3) for name, value in timings.items()}),
        "notes": json.dumps(notes),
    }
