"""One scoring run: inputs to result tables, in ranges of members, to memory or straight into a results file."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import polars as pl

from hcc.diagnoses import Codes, DecidedDiagnoses, Decider, DecisionRules, Decisions, Room, joined
from hcc.pipeline.frailty import statuses_of
from hcc.pipeline.frames import Frames, constant, with_decimals
from hcc.pipeline.plan import Options, Plan, make_plan
from hcc.pipeline.population import ModelResult, sexes_and_ages
from hcc.pipeline.shard import Shard, ShardWork, Tally
from hcc.pipeline.side_by_side import side_by_side
from hcc.pipeline.statuses import Statuses
from hcc.scores import ProfileScores, age_on_february_first, profile_scores

Progress = Callable[[str, float], None]
_MOST_WORKERS = 8  # shards in work at once; each holds some 100 MB
LOST = ("voids_of_nothing", "deletes_of_nothing")
"""Counts of voids and of chart-review deletes of claims that are not there."""
MARK_EVERY = 4  # shards: an interrupted run loses at most the work on so many


class Sink(Protocol):
    """Takes result frames piece by piece."""

    def append(self, table: str, frame: pl.DataFrame) -> None: ...

    def declare_enum(self, column: str, values: Iterable[str]) -> None: ...

    def declare_one_value(self, columns: Sequence[str]) -> None:
        """Columns that have, as far as can be told beforehand, one value in all rows of the run."""

    def mark(self, done: int, state: Mapping[str, Any]) -> None:
        """Everything so far belongs to the first ``done`` shards."""

    def take_back(self, first_member: str | None) -> None:
        """Take out what came after the last mark."""


@dataclass(frozen=True)
class Begun:
    """An interrupted run to go on with: its id, the shards that are complete, and the sums over them."""

    run_id: str
    done: int
    state: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Kept:
    """Diagnoses that were decided before: under which options, and where a run of these codes has them from."""

    judged: Options
    diagnoses: Callable[[Codes], DecidedDiagnoses]


@dataclass
class Memory:
    """A sink that keeps the frames."""

    pieces: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def append(self, table: str, frame: pl.DataFrame) -> None:
        if frame.width:
            self.pieces.setdefault(table, []).append(frame)

    def declare_enum(self, column: str, values: Iterable[str]) -> None:
        """Nothing to prepare: the frames bring their Enums."""

    def declare_one_value(self, columns: Sequence[str]) -> None:
        """Nothing to save: columns of one word are shared slices."""

    def mark(self, done: int, state: Mapping[str, Any]) -> None:
        """Nothing to remember: memory ends with the process."""

    def take_back(self, first_member: str | None) -> None:
        """Nothing is taken over."""

    def frames(self) -> dict[str, pl.DataFrame]:
        return {
            name: with_decimals(name, pl.concat(pieces, how="diagonal_relaxed"))
            for name, pieces in self.pieces.items()
        }


@dataclass
class Clock:
    """Seconds by stage, and whoever wants to hear of progress."""

    progress: Progress | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, share: float = 0.0) -> Iterator[None]:
        if self.progress is not None:
            self.progress(name, share)
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


@dataclass(eq=False)
class Scored:
    """What a run leaves for gaps and scenarios beside its tables: the arrays of the whole population."""

    run_id: str
    plan: Plan
    members: pl.DataFrame
    statuses: Statuses
    decided: Decisions
    results: list[tuple[int, int, dict[str, ModelResult]]]  # (start, stop, by model)
    unmapped: pl.DataFrame  # diagnosis_code, rows, members of codes that map in no model
    counts: dict[str, Any]
    timings: dict[str, float]
    started_at: datetime


def run(
    inputs: Any, chosen: Options, sink: Sink, *, keep: bool = False, progress: Progress | None = None,
    room: Room | None = None, begun: Begun | None = None, run_id: str | None = None,
    part_of: tuple[Plan, Statuses] | None = None, kept: Kept | None = None, tables: Collection[str] | None = None,
) -> Scored:  # fmt: skip
    """Score ``inputs`` (hcc.intake.Inputs) and append every table but ``runs`` to ``sink``.

    Shards of members are worked off side by side, their frames appended in order. ``keep``: keep the arrays of every
    shard for gaps and scenarios. ``room``: memory for packed claims. ``begun``: go on behind the
    shards that an interrupted run completed; ``sink`` has their rows. ``part_of``: the plan of a population of which these members are a
    part, and their statuses in it. ``kept``: take diagnoses from there, not from the claims. ``tables``: make only these.
    """
    clock = Clock(progress)
    started = datetime.now(UTC)
    run_id = begun.run_id if begun is not None else run_id or uuid.uuid4().hex[:12]
    with clock.stage("profiles", 0.02):
        members = inputs.members
        status = statuses_of(inputs, chosen) if part_of is None else part_of[1]
    with clock.stage("rules", 0.04):
        judged = None if kept is None else kept.judged
        plan = make_plan(chosen, status.profiles, judged) if part_of is None else part_of[0]
        by_model = {
            name: only_paid(plan, name, profile_scores(model.scores, status.profiles))
            for name, model in plan.models.items()
        }
    with clock.stage("claims", 0.05):
        decider = (
            kept.diagnoses(plan.codes)
            if kept is not None
            else decider_of(inputs, status, plan.codes, plan.decisions, room)
        )
        unmapped = decider.unmapped()
    frames = Frames(plan, run_id, members["member_id"], decider.flag_sets)
    for column, words in frames.words.items():
        sink.declare_enum(column, words)
    sink.declare_one_value(_of_one_value(frames, status, inputs))
    tally = Tally()
    wanted = None if tables is None else frozenset(tables)
    if begun is None and (wanted is None or "members" in wanted):
        _append_members(sink, members, status, run_id, chosen)
    if begun is not None:
        tally.load(begun.state)
        left = decider.ranges[begun.done :]
        sink.take_back(members["member_id"][left[0][0]] if left else None)
    people = sexes_and_ages(status, members.height)
    work = ShardWork(plan, status, members, decider, by_model, frames, *people, wanted, listed=keep)
    done: list[Shard] = []
    left_to_do = range(0 if begun is None else begun.done, len(decider.ranges))
    for number, shard in side_by_side(work, left_to_do, _MOST_WORKERS):
        if progress is not None:
            progress("members", 0.5 + 0.45 * shard.stop / max(members.height, 1))
        for stage, seconds in shard.seconds.items():
            clock.seconds[stage] = clock.seconds.get(stage, 0.0) + seconds
        with clock.stage("waiting for the file"):
            for table, frame in shard.frames:
                sink.append(table, frame)
        shard.frames.clear()
        tally.add(shard)
        if keep:
            done.append(shard)
        elif (number + 1) % MARK_EVERY == 0:
            sink.mark(number + 1, {"run_id": run_id, **tally.state()})
    with clock.stage("reference tables", 0.97):
        if wanted is None:
            append_reference_tables(sink, plan, run_id)
    if plan.list_flag and wanted is None:
        meaning = "CMS's procedure list of the service year is not known; the nearest one was used."
        told = {"reason": [plan.list_flag], "meaning": [meaning], "source": ["RULINGS 8"]}
        sink.append("reasons", pl.DataFrame(told))
    counts = {
        "members": members.height,
        "claims_of_unknown_members": decider.unknown_member_claims,
        **dict(zip(LOST, decider.lost, strict=True)),
        **tally.counts(),
    }
    counts["diagnoses_without_claim"] += decider.without_claim
    decided, results = _whole(done)
    return Scored(run_id, plan, members, status, decided, results, unmapped, counts, clock.seconds, started)


def _of_one_value(frames: Frames, status: Statuses, inputs: Any) -> list[str]:
    """Columns of the big tables that have one value in all rows of this run."""
    one_word = [name for name in ("run_id", "calibration", "part", "program", "model", "flags") if _one(frames, name)]
    of_months = [] if status.monthly is not None else ["months", "first_month", "month"]
    absent = [name for name in ("record_type", "rendering_npi", "place_of_service") if name in inputs.claims_absent]
    return ["payment_year", *one_word, *of_months, *absent]


def _one(frames: Frames, column: str) -> bool:
    return len(frames.words.get(column, ())) == 1


def decider_of(
    inputs: Any, status: Statuses, codes: Codes, rules: DecisionRules, room: Room | None, *, count_mapped: bool = False
) -> Decider:
    """What decides about the diagnoses of ``inputs``; reads the claims. ``status``: the members' statuses.

    Adds to the notes of ``inputs`` for how many members unlinked chart reviews count in some of their months only, and
    how many voids and chart-review deletes are of claims that are not there.
    """
    enrolled = None
    if inputs.enrollment is not None and "parent_organization" in inputs.enrollment.columns:
        enrolled = inputs.enrollment.lazy().select("member_id", "month", "parent_organization")
    who = judged_members(inputs.members, status, rules)
    if rules.chains.switcher_only and "record_type" in inputs.claims.collect_schema().names():
        some, every = status.in_programs(rules.exempt_programs)
        if mixed := int((some & ~every).sum()):
            exempt = " or ".join(sorted(rules.exempt_programs))
            inputs.notes.append(
                f"enrollment: {mixed} member(s) have months in {exempt} and others; their unlinked chart reviews, which "
                f"count in {exempt}, are left out of the whole year."
            )
    decider = Decider(
        inputs.claims, inputs.claim_diagnoses, who, codes, rules, enrolled, room, count_mapped=count_mapped
    )
    inputs.notes.extend(withdrawn_nothing(decider.lost))
    if decider.unknown_member_claims and (padded := _padded(inputs.claims)):
        inputs.notes.append(
            f"claims: {padded} line(s) have blanks around the member_id and so belong to nobody. Trim that column and "
            "score again."
        )
    return decider


def withdrawn_nothing(lost: Sequence[int]) -> list[str]:
    """Notes about voids and chart-review deletes of claims that are not there, so many of each."""
    return [
        f"claims: {number} {what} withdraw nothing: the claims they name are not among those given."
        for number, what in zip(lost, ("void(s)", "chart-review delete(s)"), strict=True)
        if number
    ]


def _padded(lines: pl.LazyFrame) -> int:
    """Lines with blanks around the member_id. Of a Parquet file only some places were looked at (hcc.intake)."""
    member_id = pl.col("member_id").cast(pl.String)
    return int(lines.select((member_id != member_id.str.strip_chars()).sum()).collect(engine="streaming").item() or 0)


def judged_members(members: pl.DataFrame, status: Statuses, rules: DecisionRules) -> pl.DataFrame:
    """``members`` as a Decider takes them (hcc.diagnoses).

    A diagnosis is decided once for all months. RAPS counts where any month's programme takes it: models that do not
    take RAPS leave it out by themselves, and those that do pay the months of such a programme only (a model asked for
    by name, though, has it in every month). Unlinked chart reviews are exempt where every month's programme is: models
    cannot tell them apart, and what counts wrongly would have to be paid back.
    """
    takes_raps, _ = status.in_programs(rules.raps_programs)
    _, exempt = status.in_programs(rules.exempt_programs)
    return members.select(
        "member_id",
        "parent_organization",
        pl.Series("raps_counts", takes_raps),
        pl.Series("exempt", exempt),
    )


def _whole(done: list[Shard]) -> tuple[Decisions, list[tuple[int, int, dict[str, ModelResult]]]]:
    """The decisions of all shards as one, and the results with their evidence pointing into it."""
    decided = joined([shard.decided for shard in done])
    results, base = [], 0
    for shard in done:
        found = {
            name: replace(result, evidence=replace(result.evidence, record=result.evidence.record + np.uint32(base)))
            for name, result in shard.found.items()
        }
        results.append((shard.start, shard.stop, found))
        base += shard.decided.records.height
    return decided, results


def only_paid(plan: Plan, model: str, scores: ProfileScores) -> ProfileScores:
    """No segment for profiles that no programme of the run pays by this model: a dialysis member has no V28 rows."""
    pays = np.logical_or.reduce([payment.pays for payment in plan.payments if payment.model == model])
    return replace(scores, segment=np.where(pays, scores.segment, np.int16(-1)).astype(np.int16))


def _append_members(sink: Sink, members: pl.DataFrame, status: Statuses, run_id: str, chosen: Options) -> None:
    age = age_on_february_first(chosen.payment_year).cast(pl.Int64)
    odd = pl.when(pl.Series("odd", status.some_continuing_at_64())).then(pl.lit("AGE64_OREC0_CONTINUING"))
    quality = pl.concat_str([pl.col("data_quality").replace("", None), odd], separator=",", ignore_nulls=True)
    sink.append(
        "members",
        members.with_columns(
            constant(run_id, members.height, "run_id"), age.alias("age"), quality.alias("data_quality")
        ),
    )


def append_reference_tables(sink: Sink, plan: Plan, run_id: str) -> None:
    """payment_factors, diagnosis_hccs and hccs of the run's models."""
    from hcc.rules.icd10cm import mapped_codes

    if plan.payments:
        sink.append("payment_factors", _payment_factors(plan))
    words = mapped_codes(plan.options.mappings).select("diagnosis_code", "description")
    for model in plan.models.values():
        rules = model.rules
        of_model = [
            pl.lit(plan.options.payment_year).alias("payment_year"),
            pl.lit(rules.model).alias("model"),
            pl.lit(rules.calibration).alias("calibration"),
        ]
        sink.append(
            "diagnosis_hccs",
            rules.diagnosis_to_hcc.join(words, on="diagnosis_code", how="left").with_columns(
                *of_model, pl.coalesce("description", "diagnosis_code").alias("description")
            ),
        )
        sink.append(
            "hccs",
            rules.hccs.with_columns(
                *of_model,
                pl.col("is_chronic").replace_strict(
                    {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
                ),
            ),
        )


def _payment_factors(plan: Plan) -> pl.DataFrame:
    exact = pl.Decimal(9, 6)
    rows = [
        {
            "payment_year": plan.options.payment_year,
            "part": one.part,
            "program": one.program,
            "model": one.model.partition(":")[0],
            "calibration": one.model.partition(":")[2],
            "normalization": one.normalization,
            "coding_adjustment": one.coding_adjustment,
            "blend_weight": one.weight,
            "unverified": one.unverified,
            "source": one.source,
        }
        for one in plan.payments
    ]
    kinds = {"normalization": exact, "coding_adjustment": exact, "blend_weight": exact}
    return pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)
