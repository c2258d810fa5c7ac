"""A shard of members from its claims to its result frames: the unit of work, done side by side by threads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses import FLAGS, DecidedDiagnoses, Decisions, run_starts
from hcc.pipeline.frames import LIST_OF_ANOTHER_YEAR, Frames
from hcc.pipeline.paying import PaidRows, paid_rows
from hcc.pipeline.plan import Plan
from hcc.pipeline.population import ModelResult, decide_edits, model_result, result_factors
from hcc.pipeline.score_frames import member_scores_frames, scores_frame
from hcc.pipeline.statuses import Statuses
from hcc.rules.condition_tables import meets
from hcc.scores import ProfileScores

SUMS = (
    "records_with_mapped_diagnoses", "diagnoses", "diagnoses_counted", "diagnoses_by_list_of_another_year",
    "members_with_hcc", "diagnoses_without_claim",
)  # fmt: skip


@dataclass
class Shard:
    """What came of members ``start`` to ``stop`` (exclusive): arrays, frames by table, sums for the summary."""

    start: int
    stop: int
    decided: Decisions
    found: dict[str, ModelResult]
    frames: list[tuple[str, pl.DataFrame]] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=dict)
    score_rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


@dataclass(frozen=True, eq=False)
class ShardWork:
    """All that shards share; called with a shard's number."""

    plan: Plan
    status: Statuses
    members: pl.DataFrame
    decider: DecidedDiagnoses
    by_model: dict[str, ProfileScores]
    frames: Frames
    sex: NDArray[np.int64]
    age: NDArray[np.int64]
    wanted: frozenset[str] | None = None
    """Tables to make; None: all."""
    listed: bool = False
    """List the evidence of HCCs even where no table asks for it."""

    def __call__(self, number: int) -> Shard:
        """Decide, map, score, and make the frames of one shard."""
        start, stop = self.decider.ranges[number]
        plan, status, sex, age = self.plan, self.status, self.sex, self.age
        begun = time.perf_counter()
        decided = self.decider.decide(number)
        touched = decide_edits(plan, decided, sex, age)
        shard = Shard(start, stop, decided, {})
        shard.seconds["diagnoses"] = time.perf_counter() - begun
        with shard.stage("conditions and scores"):
            listed = self.listed or self._wants("member_hccs") or self._wants("factors")
            for name, model in plan.models.items():
                shard.found[name] = model_result(
                    plan, model, decided, status, self.by_model[name], sex, age, start, stop, listed=listed
                )
        with shard.stage("result tables"):
            shard.frames += self._tables(shard)
            if self._wants("edited_diagnoses"):
                shard.frames.append(("edited_diagnoses", self.frames.edited_diagnoses(touched, decided)))
        shard.sums |= {
            "records_with_mapped_diagnoses": len(run_starts(decided.record)),
            "diagnoses": len(decided.record),
            "diagnoses_counted": int((decided.reason == 0).sum()),
            "diagnoses_by_list_of_another_year": int(((decided.flags >> FLAGS.index(LIST_OF_ANOTHER_YEAR)) & 1).sum()),
            "members_with_hcc": _members_with_hcc(shard.found, status, start, stop),
            "diagnoses_without_claim": decided.without_claim,
        }
        return shard

    def _wants(self, table: str) -> bool:
        return self.wanted is None or table in self.wanted

    def _tables(self, shard: Shard) -> Iterator[tuple[str, pl.DataFrame]]:
        frames, plan, status, found = self.frames, self.plan, self.status, shard.found
        start, stop, decided = shard.start, shard.stop, shard.decided
        if self._wants("diagnoses"):
            yield "diagnoses", frames.diagnoses(decided, 0, len(decided.record))
        for result in found.values():
            if self._wants("member_hccs"):
                yield "member_hccs", frames.member_hccs(result, decided, status, start, stop)
            if self._wants("factors"):
                factors = result_factors(result, status, start, stop)
                yield "factors", frames.factors(result, factors, status, start, stop)
        raw = {name: (result.raw, result.placed) for name, result in found.items()}
        paid = paid_rows(plan.payments, status.profile[status.rows_of(start, stop)], raw)
        shard.score_rows |= _score_rows(paid)
        if self._wants("scores"):
            yield "scores", scores_frame(frames, plan, status, found, paid, start, stop)
        if plan.blends and self._wants("member_scores"):
            for frame in member_scores_frames(frames, plan, status, paid, start, stop):
                yield "member_scores", frame


def _members_with_hcc(found: dict[str, ModelResult], status: Statuses, start: int, stop: int) -> int:
    """Members for whom an HCC counts (in ``member_hccs``, dropped by none) in a model of Part C, or, where none is
    scored, in any."""
    part_c = [result for result in found.values() if result.model.rules.part == "C"]
    owner = status.member[status.rows_of(start, stop)].astype(np.intp) - start
    have = np.zeros(stop - start, dtype=bool)
    for result in part_c or found.values():
        # Not of those without a segment, and of new enrollees, whose segment does not use diagnoses.
        uses = np.append(result.model.scores.uses_diagnoses, False)[result.segment]  # -1: none
        counts = np.zeros(stop - start, dtype=bool)
        counts[owner[result.placed & uses]] = True
        have |= counts & meets(result.kept)
    return int(have.sum())


def _score_rows(paid: list[PaidRows]) -> dict[str, tuple[int, int]]:
    rows: dict[str, tuple[int, int]] = {}
    for one in paid:
        before, total = rows.get(one.payment.model, (0, 0))
        rows[one.payment.model] = (before + int(one.placed.sum()), total + int(one.raw[one.placed].sum()))
    return rows


@dataclass
class Tally:
    """Running sums over shards for the summary."""

    sums: dict[str, int] = field(default_factory=dict)
    score_rows: dict[str, list[int]] = field(default_factory=dict)

    def add(self, shard: Shard) -> None:
        for name, number in shard.sums.items():
            self.sums[name] = self.sums.get(name, 0) + number
        for model, (rows, total) in shard.score_rows.items():
            so_far = self.score_rows.setdefault(model, [0, 0])
            so_far[0] += rows
            so_far[1] += total

    def counts(self) -> dict[str, Any]:
        """Counts of the run (column ``counts`` of the table runs)."""
        means = {m: round(total / rows / 1000, 3) for m, (rows, total) in self.score_rows.items() if rows}
        return {**dict.fromkeys(SUMS, 0), **self.sums, "mean_raw_score": means}

    def state(self) -> dict[str, Any]:
        """The sums, to be kept with a mark."""
        return {"sums": self.sums, "score_rows": self.score_rows}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from kept sums."""
        self.sums = {name: int(number) for name, number in state["sums"].items()}
        self.score_rows = {model: [int(number) for number in pair] for model, pair in state["score_rows"].items()}
