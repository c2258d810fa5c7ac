"""One scoring run: inputs to result tables, in ranges of members, to memory or straight into a results file."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import polars as pl

from hcc.diagnoses import FLAGS, Decisions, decisions
from hcc.pipeline.frames import LIST_OF_ANOTHER_YEAR, Frames, constant, decimal
from hcc.pipeline.paying import PaidRows, paid_rows, part_scores, year_scores
from hcc.pipeline.plan import Options, Plan, make_plan
from hcc.pipeline.population import ModelResult, decide_edits, model_result, result_factors, sexes_and_ages
from hcc.pipeline.statuses import Statuses, statuses
from hcc.scores import ProfileScores, age_on_february_first, profile_scores

RANGE = 250_000  # members whose frames are made at once: bounds memory, keeps tables in cache
Progress = Callable[[str, float], None]


class Sink(Protocol):
    """Takes result frames piece by piece."""

    def append(self, table: str, frame: pl.DataFrame) -> None: ...

    def declare_enum(self, column: str, values: Iterable[str]) -> None: ...


@dataclass
class Memory:
    """A sink that keeps the frames."""

    pieces: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def append(self, table: str, frame: pl.DataFrame) -> None:
        if frame.width:
            self.pieces.setdefault(table, []).append(frame)

    def declare_enum(self, column: str, values: Iterable[str]) -> None:
        """Nothing to prepare: the frames bring their Enums."""

    def frames(self) -> dict[str, pl.DataFrame]:
        return {name: pl.concat(pieces, how="diagonal_relaxed") for name, pieces in self.pieces.items()}


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
    counts: dict[str, Any]
    timings: dict[str, float]
    started_at: datetime


def run(inputs: Any, chosen: Options, sink: Sink, *, keep: bool = False, progress: Progress | None = None) -> Scored:
    """Score ``inputs`` (hcc.intake.Inputs) and append every table but ``runs`` to ``sink``.

    ``keep``: keep the arrays of every range for scenarios; else only the last range's.
    """
    clock = Clock(progress)
    started = datetime.now(UTC)
    run_id = uuid.uuid4().hex[:12]
    with clock.stage("profiles", 0.02):
        members = inputs.members
        status = statuses(members, inputs.enrollment, chosen.payment_year)
    with clock.stage("rules", 0.04):
        plan = make_plan(chosen, status.profiles)
        by_model = {
            name: only_paid(plan, name, profile_scores(model.scores, status.profiles))
            for name, model in plan.models.items()
        }
    with clock.stage("diagnoses", 0.05):
        enrolled = None
        if inputs.enrollment is not None and "parent_organization" in inputs.enrollment.columns:
            enrolled = inputs.enrollment.lazy().select("member_id", "month", "parent_organization")
        who = members.select("member_id", "program", "parent_organization")
        decided = decisions(inputs.claims, inputs.claim_diagnoses, who, plan.codes, plan.decisions, enrolled)
        sex, age = sexes_and_ages(status, members.height)
        touched = decide_edits(plan, decided, sex, age)
    frames = Frames(plan, run_id, members["member_id"], decided.flags)
    for column, words in frames.words.items():
        sink.declare_enum(column, words)
    _append_members(sink, members, run_id, chosen)
    sink.append("edited_diagnoses", frames.edited_diagnoses(touched, decided))
    results: list[tuple[int, int, dict[str, ModelResult]]] = []
    tally = _Tally()
    for start in range(0, members.height, RANGE):
        stop = min(start + RANGE, members.height)
        share = 0.5 + 0.5 * start / max(members.height, 1)
        with clock.stage("conditions and scores", share):
            found = {
                name: model_result(plan, model, decided, status, by_model[name], sex, age, start, stop)
                for name, model in plan.models.items()
            }
        with clock.stage("frames", share):
            _append_range(sink, frames, plan, decided, status, found, members, start, stop, clock, tally)
        if keep:
            results.append((start, stop, found))
    with clock.stage("reference tables", 0.97):
        append_reference_tables(sink, plan, run_id)
    if plan.list_flag:
        meaning = "CMS's procedure list of the service year is not known; the nearest one was used."
        told = {"reason": [plan.list_flag], "meaning": [meaning], "source": ["RULINGS 8"]}
        sink.append("reasons", pl.DataFrame(told))
    counts = {
        "members": members.height,
        "claims_of_unknown_members": decided.unknown_member_claims,
        "records_with_mapped_diagnoses": decided.records.height,
        "diagnoses": len(decided.record),
        "diagnoses_counted": int((decided.reason == 0).sum()),
        "diagnoses_by_list_of_another_year": int(((decided.flags >> FLAGS.index(LIST_OF_ANOTHER_YEAR)) & 1).sum()),
        **tally.counts(),
    }
    return Scored(run_id, plan, members, status, decided, results, counts, clock.seconds, started)


def only_paid(plan: Plan, model: str, scores: ProfileScores) -> ProfileScores:
    """No segment for profiles that no programme of the run pays by this model: a dialysis member has no V28 rows."""
    pays = np.logical_or.reduce([payment.pays for payment in plan.payments if payment.model == model])
    return replace(scores, segment=np.where(pays, scores.segment, np.int16(-1)).astype(np.int16))


@dataclass
class _Tally:
    """Running sums over ranges for the summary."""

    with_hcc: int = 0
    score_rows: dict[str, list[int]] = field(default_factory=dict)

    def add(self, found: dict[str, ModelResult], paid: list[PaidRows]) -> None:
        if found:
            part_c = [result for result in found.values() if result.model.rules.part == "C"]
            kept = [result.kept.any(axis=1) for result in part_c or found.values()]
            self.with_hcc += int(np.logical_or.reduce(kept).sum())
        for one in paid:
            total = self.score_rows.setdefault(one.payment.model, [0, 0])
            total[0] += int(one.placed.sum())
            total[1] += int(one.raw[one.placed].sum())

    def counts(self) -> dict[str, Any]:
        return {
            "members_with_hcc": self.with_hcc,
            "mean_raw_score": {
                m: round(total / rows / 1000, 3) for m, (rows, total) in self.score_rows.items() if rows
            },
        }


def _append_members(sink: Sink, members: pl.DataFrame, run_id: str, chosen: Options) -> None:
    age = age_on_february_first(chosen.payment_year).cast(pl.Int64)
    continuing = (age == 64) & (pl.col("orec").cast(pl.String) == "0") & (pl.col("part_b_months") >= 12)
    odd = pl.when(continuing).then(pl.lit("AGE64_OREC0_CONTINUING"))
    quality = pl.concat_str([pl.col("data_quality").replace("", None), odd], separator=",", ignore_nulls=True)
    sink.append(
        "members",
        members.with_columns(
            constant(run_id, members.height, "run_id"), age.alias("age"), quality.alias("data_quality")
        ),
    )


def _append_range(
    sink: Sink, frames: Frames, plan: Plan, decided: Decisions, status: Statuses, found: dict[str, ModelResult],
    members: pl.DataFrame, start: int, stop: int, clock: Clock, tally: _Tally,
) -> None:  # fmt: skip
    member = decided.records["member"].to_numpy()
    first, last = np.searchsorted(member, (start, stop))
    low, high = np.searchsorted(decided.record, (first, last))
    with clock.stage("diagnoses table", 0.6):
        sink.append("diagnoses", frames.diagnoses(decided, int(low), int(high)))
    for result in found.values():
        with clock.stage("member_hccs table", 0.7):
            sink.append("member_hccs", frames.member_hccs(result, decided, status, start, stop))
        with clock.stage("factors table", 0.8):
            sink.append(
                "factors", frames.factors(result, result_factors(result, status, start, stop), status, start, stop)
            )
    rows = status.rows_of(start, stop)
    raw = {name: (result.raw, result.placed) for name, result in found.items()}
    paid = paid_rows(plan.payments, status.profile[rows], raw)
    tally.add(found, paid)
    with clock.stage("scores table", 0.9):
        sink.append("scores", _scores(frames, plan, status, found, paid, start, stop))
        if plan.blends:
            for frame in _member_scores(frames, plan, status, paid, members, start, stop):
                sink.append("member_scores", frame)


def _scores(
    frames: Frames,
    plan: Plan,
    status: Statuses,
    found: dict[str, ModelResult],
    paid: list[PaidRows],
    start: int,
    stop: int,
) -> pl.DataFrame:
    pieces = []
    here = status.rows_of(start, stop)
    lost = no_segment_reason(status, here)
    monthly = None
    if status.monthly is not None:
        monthly = (
            status.monthly.filter(pl.col("status").is_between(here.start, here.stop - 1))
            .with_columns((pl.col("status") - here.start).alias("row"))
            .select("row", "month", "payable")
        )
    for one in paid:
        payment, rows = one.payment, one.rows
        size = len(rows)
        if size == 0:
            continue
        member = status.member[here][rows]
        result = found.get(payment.model)
        has = one.placed & (one.paid is not None)
        zeros = np.zeros(size, dtype=np.int64)
        why_no_score = np.where(one.placed, "", "MODEL_NOT_AVAILABLE" if result is None else lost[rows])
        why_no_pay = np.where(has, "", np.where(one.placed, payment.no_payment_reason, why_no_score))
        weight = zeros if payment.weight is None else np.full(size, int(payment.weight * 1000), dtype=np.int64)
        disagree = np.zeros(size, bool) if result is None else result.disagree[member - np.uint32(start)]
        frame = pl.DataFrame(
            {
                **frames.start(member),
                **frames.model(payment.model, size),
                "part": frames.same("part", payment.part, size),
                "program": frames.same("program", payment.program, size),
                "segment": frames.coded("segment", result.segment[rows], result.model.scores.segments)
                if result is not None
                else frames.coded("segment", np.full(size, -1), []),
                "raw_score": decimal(one.raw, one.placed),
                "normalized_score": decimal(zeros if one.normalized is None else one.normalized, has),
                "payment_score": decimal(zeros if one.paid is None else one.paid, has),
                "blend_weight": decimal(weight, np.full(size, payment.weight is not None)),
                "payable": status.payable[here][rows] > 0,
                "unverified": np.full(size, payment.unverified),
                "no_score_reason": pl.Series(why_no_score, dtype=pl.String).replace("", None),
                "no_payment_reason": pl.Series(why_no_pay, dtype=pl.String).replace("", None),
                "hierarchy_modes_disagree": disagree,
            }
        )
        if monthly is None:
            frame = frame.with_columns(pl.lit(None, dtype=pl.Date).alias("month"))
        else:
            frame = (
                frame.drop("payable")
                .with_columns(pl.Series("row", rows.astype(np.uint32)))
                .join(monthly.with_columns(pl.col("row").cast(pl.UInt32)), on="row", how="inner")
                .drop("row")
            )
        pieces.append(frame)
    return pl.concat(pieces, how="vertical_relaxed") if pieces else pl.DataFrame()


def no_segment_reason(status: Statuses, rows: slice) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Why a status row without a segment has none."""
    facts, profile = status.profiles.facts, status.profile[rows]
    graft = (facts["esrd"][profile] == 3) & (facts["graft_month"][profile] == 0)
    return np.where(graft, "GRAFT_MONTHS_MISSING", "NO_SEGMENT").astype(object)


def _member_scores(
    frames: Frames, plan: Plan, status: Statuses, paid: list[PaidRows], members: pl.DataFrame, start: int, stop: int
) -> Iterator[pl.DataFrame]:
    here = status.rows_of(start, stop)
    member = status.member[here].astype(np.int64) - start
    frailty = frailty_of(plan, status, members, here)
    parts = part_scores(paid, len(member), frailty, no_segment_reason(status, here))
    why_not = status.not_payable_reason[start:stop].to_numpy().astype(object)
    for part, scores in parts.items():
        year = year_scores(scores, member, status.payable[here], stop - start, why_not)
        who = np.nonzero(year.concerned)[0]
        added = np.zeros(stop - start, dtype=np.int64)
        if part == "C" and frailty is not None:
            added[member] = frailty
        yield pl.DataFrame(
            {
                **frames.start(who + start),
                "payment_year": plan.options.payment_year,
                "part": frames.same("part", part, len(who)),
                "risk_score": decimal(year.score[who], year.known[who]),
                "payable_months": year.months[who],
                "frailty": decimal(added[who]),
                "unverified": year.unverified[who],
                "no_score_reason": pl.Series(year.reason[who], dtype=pl.String).replace("", None),
            }
        )


def frailty_of(
    plan: Plan, status: Statuses, members: pl.DataFrame, rows: slice
) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Frailty factor (thousandths) of each status row: the scenario's, by contract, for community members of 55 and
    older without ESRD (SPEC R-2.22). None where the scenario names none."""
    by_contract = plan.options.scenario.get("frailty", {})
    if not by_contract:
        return None
    factor = (
        members["contract_id"]
        .replace_strict(
            {key: round(float(value) * 1000) for key, value in by_contract.items()}, default=0, return_dtype=pl.Int64
        )
        .fill_null(0)
        .to_numpy()
    )
    facts, profile = status.profiles.facts, status.profile[rows]
    frail = (facts["age"][profile] >= 55) & (facts["lti"][profile] == 0) & (facts["esrd"][profile] == 0)
    return np.where(frail, factor[status.member[rows]], 0)


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
    exact = pl.Decimal(9, 3)
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
