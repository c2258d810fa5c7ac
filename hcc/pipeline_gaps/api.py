"""``find_gaps`` on a run in memory or on a results file, and ``run``: score and gaps in one pass."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from hcc.errors import HccError
from hcc.intake import Inputs, read_inputs
from hcc.pipeline.api import Run
from hcc.pipeline.api import _run as score_into
from hcc.pipeline.frailty import statuses_of
from hcc.pipeline.memory import MemoryLimit, memory_limit
from hcc.pipeline.plan import make_plan, options
from hcc.pipeline.recorded import SEARCH_AGAIN, Recorded, recorded, same_inputs, same_models
from hcc.pipeline.run import Clock, Memory, Progress
from hcc.pipeline_gaps.find import TABLES, GapOptions, GapRun, gaps_of, sources_of
from hcc.pipeline_gaps.parts import Whole, population_of, sizes
from hcc.pipeline_gaps.sources import EXTRAS
from hcc.results import Flags, ResultsWriter, all_reviews, check_target, read_table
from hcc.results.replaceable import refuse_inputs


@dataclass(eq=False)
class Gaps:
    """The tables of one search and what could not be judged. ``path``: the results file they were written to."""

    found: GapRun
    frames: dict[str, pl.DataFrame]
    path: Path | None = None

    def __repr__(self) -> str:
        where = f"in {self.path}" if self.path is not None else "in memory"
        return f"<Gaps as of {self.as_of}: {self.found.counts['gaps']:,} rows {where}>"

    def __getattr__(self, name: str) -> pl.DataFrame:
        if name.startswith("_") or name not in TABLES:
            raise AttributeError(f"gaps have no table {name!r}; tables: {', '.join(TABLES)}")
        if self.path is not None:
            return read_table(self.path, name)
        return self.frames.get(name, pl.DataFrame())

    @property
    def unjudged(self) -> pl.DataFrame:
        """Rules that lack a table: rule_id, title, table, option."""
        return self.found.unjudged

    @property
    def notes(self) -> list[str]:
        """What there is to know about the evidence given."""
        return self.found.notes

    @property
    def as_of(self) -> date:
        """Nothing after this day was used."""
        return self.found.as_of


def find_gaps(
    run: Run | str | Path,
    *,
    claims: Any = None,
    claim_diagnoses: Any = None,
    history: Any = None,
    pharmacy: Any = None,
    observations: Any = None,
    problems: Any = None,
    chart_findings: Any = None,
    as_of: date | str | None = None,
    rules: str | Path | Iterable[str | Path] | None = None,
    unidentified_fills: str = "weaken",
    layout: Any = None,
    columns: Any = None,
    memory: str | int | None = None,
    progress: Progress | None = None,
) -> Gaps:
    """Find the gaps of a run, in both directions, with what each is worth.

    ``run``: what ``score`` returned (its frames gain gaps, member_gaps and gap_evidence), or a results file (which is
    replaced by one that has them; reviews and earlier flags carry over). The other tables may be absent: the rules that
    need them answer indeterminate, and ``unjudged`` says what file would help. ``as_of`` defaults to the latest
    service, fill or result, not later than the run's deadline; nothing after it is used. ``claims`` and
    ``claim_diagnoses``: where those of a results file are now, if they were moved since. ``layout`` and ``columns`` are
    of the other tables; where they are not given these have the form of the run's own. ``memory``: of a results file,
    the members are worked on in as many parts as this needs ("4GB"; default: 60 % of the machine's); what is in memory
    already is searched as a whole.
    Raises HccError (InputError, RulesError, ResultsError …) in one clear message.
    """
    chosen = GapOptions(
        history, pharmacy, observations, problems, chart_findings, _day(as_of), rules, unidentified_fills, layout, columns
    ).checked()  # fmt: skip
    limit = memory_limit(memory)
    if isinstance(run, Run):
        if run.path is not None and run.scored is None:
            return _of_file(run.path, {}, chosen, limit, progress)
        return _of_run(run, chosen, progress)
    moved = {"claims": claims, "claim_diagnoses": claim_diagnoses}
    there = {name: of for name, of in moved.items() if of is not None}
    return _of_file(Path(run), there, chosen, limit, progress)


def _day(given: date | str | None) -> date | None:
    if given is None or isinstance(given, date):
        return given
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise HccError(f"as_of is {given!r}, which is no date.", hint="Write it as 2026-06-30.") from None


def _of_run(run: Run, chosen: GapOptions, progress: Progress | None) -> Gaps:
    if run.scored is None or run.inputs is None:
        raise HccError(
            "This run kept no arrays, so its gaps cannot be valued.", hint="Score again with keep=True (the default)."
        )
    memory = Memory()
    sources = sources_of(run.scored.plan, run.inputs, chosen)
    found = gaps_of(Whole(run.scored), run.inputs, sources, chosen, memory, progress=progress)
    frames = {name: frame.with_columns(pl.lit(run.run_id).alias("run_id")) for name, frame in memory.frames().items()}
    run.frames.update(frames)
    run.row["as_of"] = found.as_of
    return Gaps(found, frames)


def _of_file(
    path: Path, moved: Mapping[str, Any], chosen: GapOptions, limit: MemoryLimit, progress: Progress | None
) -> Gaps:
    before = recorded(path, elsewhere=tuple(moved))
    row = before.row
    inputs = _inputs_again(before, moved, chosen)
    statuses = statuses_of(inputs, before.options)
    plan = make_plan(before.options, statuses.profiles)
    same_models(before, plan)
    sources = sources_of(plan, inputs, chosen)
    fits = sizes(inputs, sources, limit)
    population = population_of(inputs, plan, statuses, row["run_id"], fits, limit.room(path), progress=progress)
    flags = Flags(path)
    reviews = all_reviews(path)
    kept = read_table(path, "rejected_rows")
    kept = kept.filter(~pl.col("table").cast(pl.String).is_in(("history", *EXTRAS)))
    with ResultsWriter(
        path, overwrite=True, run_id=row["run_id"], base=path, base_stamp=before.stamp, memory=limit.database
    ) as writer:
        for table in (*TABLES, "rejected_rows"):
            writer.clear(table)
        writer.append("rejected_rows", kept)
        found = gaps_of(
            population, inputs, sources, chosen, writer, flags=flags, reviews=reviews, progress=progress
        )
        _append_rejected(writer, found)
        writer.clear("runs")
        writer.finish(_told(row, found, inputs))
    return Gaps(found, {}, path)


def _inputs_again(before: Recorded, moved: Mapping[str, Any], chosen: GapOptions) -> Inputs:
    """The run's inputs, for the arrays that the file does not hold (RULINGS 19)."""
    given: dict[str, Any] = {**before.paths, **moved}
    inputs = read_inputs(
        members=given.get("members"),
        claims=given.get("claims"),
        claim_diagnoses=given.get("claim_diagnoses"),
        enrollment=given.get("enrollment"),
        payment_year=before.row["payment_year"],
        enrollment_from_spans=before.options.months_from_spans,
        **before.form(chosen.layout, chosen.columns),
    )
    same_inputs(before, inputs)
    return inputs


def _append_rejected(writer: ResultsWriter, found: GapRun) -> None:
    rejected = found.rejected()
    if rejected.height:
        writer.append("rejected_rows", rejected)


def _told(row: Mapping[str, Any], found: GapRun, read: Inputs) -> dict[str, Any]:
    """The row of ``runs`` with what the search for gaps adds, and where the claims were read from now."""
    counts = {**json.loads(row["counts"]), "gaps": found.counts}
    timings = {**json.loads(row["timings"]), **{k: round(v, 3) for k, v in found.timings.items()}}
    rules = [one for one in json.loads(row["rules"]) if "gap_rules" not in one]
    fresh = {one["table"]: one for one in (*read.fingerprints, *found.fingerprints)}
    inputs = [one for one in json.loads(row["inputs"]) if one["table"] not in ("history", *EXTRAS, *fresh)]
    notes = [note for note in json.loads(row["notes"]) if not note.startswith(SEARCH_AGAIN)]
    return {
        **row,
        "as_of": found.as_of,
        "counts": json.dumps(counts),
        "timings": json.dumps(timings),
        "rules": json.dumps([*rules, {"gap_rules": len(found.rules.enabled), "sha256": found.rules.sha256}]),
        "inputs": json.dumps([*inputs, *fresh.values()], default=str),
        "notes": json.dumps(list(dict.fromkeys([*notes, *found.notes]))),
    }


def run(
    members: Any,
    claims: Any,
    *,
    payment_year: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    claim_diagnoses: Any = None,
    enrollment: Any = None,
    layout: str = "canonical",
    columns: Any = None,
    gaps: Mapping[str, Any] | None = None,
    memory: str | int | None = None,
    progress: Progress | None = None,
    **scoring: Any,
) -> tuple[Run, Gaps]:
    """Score a population and find its gaps in one pass; claims are decided once.

    ``gaps``: keyword arguments of ``find_gaps`` (history, pharmacy, …); ``scoring``: the other ones of ``score``
    (models, run, hierarchy_mode, audio_only, mappings, months_from_spans). With ``out`` the tables go into that file,
    and ``memory`` is kept as by ``find_gaps``.
    """
    wanted = dict(gaps or {})
    chosen = GapOptions(as_of=_day(wanted.pop("as_of", None)), layout=layout, columns=columns, **wanted).checked()
    asked = options(payment_year, **{name: value for name, value in scoring.items() if value is not None})
    limit = memory_limit(memory)
    if out is not None:
        refuse_inputs(out, members, claims, claim_diagnoses, enrollment, layout, columns, *wanted.values())
        check_target(out, overwrite=overwrite)
    begun = time.perf_counter()
    clock = Clock(progress)
    with clock.stage("intake", 0.0):
        inputs = read_inputs(
            members=members, claims=claims, claim_diagnoses=claim_diagnoses, enrollment=enrollment, layout=layout,
            columns=columns, payment_year=asked.payment_year, enrollment_from_spans=asked.months_from_spans,
        )  # fmt: skip
    if out is None:
        tables = Memory()
        done = score_into(inputs, asked, tables, clock, begun, keep=True)
        done.frames, done.inputs = tables.frames(), inputs
        return done, _of_run(done, chosen, progress)
    statuses = statuses_of(inputs, asked)
    plan = make_plan(asked, statuses.profiles)
    sources = sources_of(plan, inputs, chosen)
    fits, room = sizes(inputs, sources, limit), limit.room(out)
    whole = fits.part >= inputs.members.height
    flags = Flags(out if overwrite else None)
    with ResultsWriter(out, overwrite=overwrite, memory=limit.database) as writer:
        done = score_into(inputs, asked, writer, clock, begun, keep=whole, room=room, part_of=(plan, statuses))
        population = population_of(inputs, plan, statuses, done.run_id, fits, room, done.scored)
        found = gaps_of(
            population, inputs, sources, chosen, writer, flags=flags, reviews=all_reviews(out), progress=progress
        )
        _append_rejected(writer, found)
        done.row = _told(done.row, found, inputs)
        writer.finish(done.row)
    done.path, done.scored = Path(out), None
    done.timings["total"] = time.perf_counter() - begun
    return done, Gaps(found, {}, Path(out))
