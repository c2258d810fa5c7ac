"""One GapContext per range of members: the run's arrays as frames, and the evidence of these members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from hcc.diagnoses import COUNTED, EPOCH, REASONS
from hcc.gaps import GapContext
from hcc.pipeline.frames import Frames
from hcc.pipeline.plan import Plan
from hcc.pipeline.population import ModelResult, decide_edits, model_result, sexes_and_ages
from hcc.pipeline.run import Scored
from hcc.pipeline_gaps.evidence import PopulationEvidence
from hcc.pipeline_gaps.history import history_hccs
from hcc.rules.ruleset import RuleSet
from hcc.rules.valuesets import ValueSets

_LATER = REASONS.index("OUT_OF_WINDOW")


def as_known_on(scored: Scored, as_of: date) -> Scored:
    """``scored`` as if services after ``as_of`` had not happened; the same object where there are none."""
    day = scored.decided.records["day"].to_numpy()
    later = day[scored.decided.record] > (as_of - EPOCH).days
    if not (later & (scored.decided.reason == COUNTED)).any():
        return scored
    reason = scored.decided.reason.copy()
    reason[later] = _LATER
    decided = replace(scored.decided, reason=reason)
    sex, age = sexes_and_ages(scored.statuses, scored.members.height)
    results = [
        (
            start,
            stop,
            {
                name: model_result(
                    scored.plan, result.model, decided, scored.statuses, result.profile_scores, sex, age, start, stop
                )
                for name, result in found.items()
            },
        )
        for start, stop, found in scored.results
    ]
    return replace(scored, decided=decided, results=results)


@dataclass(frozen=True, eq=False)
class Contexts:
    """Makes the contexts; holds what the ranges share. ``members``: with member_index, hospice, disenrolled …"""

    scored: Scored
    members: pl.DataFrame
    earlier: pl.DataFrame | None
    coverage: Mapping[str, tuple[date, date]]
    valuesets: ValueSets
    as_of: date
    options: Mapping[str, Any]
    evidence: PopulationEvidence = field(default_factory=PopulationEvidence)
    outliers: pl.DataFrame | None = None

    @property
    def plan(self) -> Plan:
        return self.scored.plan

    @property
    def models(self) -> tuple[RuleSet, ...]:
        return tuple(model.rules for model in self.plan.models.values())

    def frames(self) -> Frames:
        return Frames(self.plan, self.scored.run_id, self.scored.members["member_id"], np.unique(self.scored.decided.flags))

    def diagnoses(self, frames: Frames, start: int, stop: int) -> pl.DataFrame:
        """The run's table diagnoses of some members, with member_index."""
        decided = self.scored.decided
        owner = decided.records["member"].to_numpy()
        first, last = np.searchsorted(owner, (start, stop))
        low, high = np.searchsorted(decided.record, (first, last))
        frame = frames.diagnoses(decided, int(low), int(high))
        return frame.drop("run_id", "member_id").with_columns(
            pl.Series("member_index", owner[decided.record[int(low) : int(high)]], dtype=pl.UInt32)
        )

    def context(self, frames: Frames, start: int, stop: int, found: dict[str, ModelResult]) -> GapContext:
        """The context of the members ``start`` to ``stop`` (exclusive)."""
        window = self.plan.decisions.lines.window
        members = self.members.slice(start, stop - start)
        index = members.select("member_id", "member_index")
        history = None
        if self.earlier is not None:
            member = self.earlier["member_index"]
            low, high = int(member.search_sorted(start, "left")), int(member.search_sorted(stop, "left"))
            history = history_hccs(self.earlier.slice(low, high - low), self.plan, self.models, members)
        edited = frames.edited_diagnoses(self._touched, self.scored.decided)
        if edited.width:
            edited = edited.join(index, on="member_id").select(
                "member_index", "model", "calibration", "diagnosis_code", "hcc"
            )
        return GapContext(
            payment_year=self.plan.options.payment_year,
            year_start=window[0],
            year_end=window[1],
            as_of=self.as_of,
            models=self.models,
            members=members,
            member_models=self._member_models(found, start, stop),
            diagnoses=self.diagnoses(frames, start, stop),
            member_hccs=self._member_hccs(frames, found, index, start, stop),
            valuesets=self.valuesets,
            coverage=self.coverage,
            edited=edited if edited.width else None,
            history_hccs=history,
            evidence=self.evidence.of(start, stop),
            outliers=self.outliers,
            **self.options,
        )

    @cached_property
    def _touched(self) -> dict[str, Any]:
        """What edits did to diagnoses that still count (the run does not keep it)."""
        sex, age = sexes_and_ages(self.scored.statuses, self.scored.members.height)
        return decide_edits(self.plan, self.scored.decided, sex, age)

    def _member_models(self, found: dict[str, ModelResult], start: int, stop: int) -> pl.DataFrame:
        """Models that score each member, with the segment of the latest status."""
        rows = self.scored.statuses.rows_of(start, stop)
        owner = self.scored.statuses.member[rows]
        parts = []
        for result in found.values():
            rules, scores = result.model.rules, result.model.scores
            placed = np.nonzero(result.placed)[0]
            segments = np.array(scores.segments, dtype=object)
            parts.append(
                pl.DataFrame(
                    {
                        "member_index": owner[placed],
                        "segment": segments[result.segment[placed]].astype(str),
                    },
                    schema={"member_index": pl.UInt32, "segment": pl.String},
                )
                .unique("member_index", keep="last", maintain_order=True)
                .with_columns(pl.lit(rules.model).alias("model"), pl.lit(rules.calibration).alias("calibration"))
            )
        return pl.concat(parts)

    def _member_hccs(
        self, frames: Frames, found: dict[str, ModelResult], index: pl.DataFrame, start: int, stop: int
    ) -> pl.DataFrame:
        parts = []
        for result in found.values():
            frame = frames.member_hccs(result, self.scored.decided, self.scored.statuses, start, stop)
            parts.append(
                frame.with_columns(pl.col("member_id").cast(pl.String))
                .join(index, on="member_id")
                .select(
                    "member_index",
                    pl.col("model", "calibration", "hcc").cast(pl.String),
                    "first_date",
                    "last_date",
                    "claims",
                )
            )
        return pl.concat(parts)


def members_as_of(scored: Scored, enrollment: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    """The run's members with member_index, hospice, disenrolled (as of the day) and disenrolled_on.

    Enrollment tells: in hospice in the latest month not after ``as_of``; disenrolled when the member's last month is
    before the latest month that the table has up to ``as_of``.
    """
    members = scored.members.with_row_index("member_index")
    if enrollment is None:
        return members
    months = enrollment.filter(pl.col("month") <= as_of)
    if months.is_empty():
        return members
    latest = months["month"].max()
    hospice = pl.col("hospice").fill_null(False) if "hospice" in months.columns else pl.lit(False)
    last = (
        months.with_columns(hospice.alias("hospice"))
        .sort("month")
        .group_by("member_id")
        .agg(pl.col("month").last().alias("last_month"), pl.col("hospice").last())
        .with_columns((pl.col("last_month") < latest).alias("disenrolled"))
        .with_columns(pl.when("disenrolled").then(pl.col("last_month").dt.month_end()).alias("disenrolled_on"))
    )
    columns = [name for name in members.columns if name not in ("hospice", "disenrolled", "disenrolled_on")]
    return members.select(columns).join(last.drop("last_month"), on="member_id", how="left", maintain_order="left")
