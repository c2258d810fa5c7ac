"""One GapContext per range of members: the run's arrays as frames, and the evidence of these members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from hcc.diagnoses import COUNTED, EPOCH, REASONS, between
from hcc.gaps import GapContext
from hcc.pipeline.frames import Frames
from hcc.pipeline.plan import Plan
from hcc.pipeline.population import ModelResult, decide_edits, model_result, sexes_and_ages
from hcc.pipeline.run import Scored
from hcc.pipeline.statuses import Statuses
from hcc.pipeline_gaps.evidence import PopulationEvidence
from hcc.pipeline_gaps.history import history_hccs
from hcc.rules.requires import CHOICES
from hcc.rules.ruleset import RuleSet
from hcc.rules.valuesets import ValueSets

_LATER = REASONS.index("OUT_OF_WINDOW")
# For a run in which no model scores anybody.
_NO_MODELS = pl.DataFrame(schema={"member_index": pl.UInt32, "m": pl.UInt8, "segment": pl.String})
_NO_HCCS = pl.DataFrame(
    schema={
        "member_index": pl.UInt32, "m": pl.UInt8, "hcc": pl.UInt16, "first_date": pl.Date, "last_date": pl.Date,
        "claims": pl.Int64,
    }
)  # fmt: skip


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


def numbered_frames(scored: Scored) -> Frames:
    """Makes frames whose member_id is the member's number."""
    number = pl.int_range(scored.members.height, dtype=pl.UInt32, eager=True)
    return Frames(scored.plan, scored.run_id, number, np.unique(scored.decided.flags))


def diagnoses_of(scored: Scored, frames: Frames, start: int, stop: int) -> pl.DataFrame:
    """The run's table diagnoses of the members ``start`` to ``stop`` (exclusive), with member_index."""
    decided = scored.decided
    owner = decided.records["member"].to_numpy()
    frame = frames.diagnoses(decided, *between(decided.record, *between(owner, start, stop)))
    return frame.drop("run_id").rename({"member_id": "member_index"}).cast({"member_index": pl.UInt32})


@dataclass(frozen=True, eq=False)
class Contexts:
    """Makes the contexts, for several threads; holds what the ranges share.

    ``members``: with member_index, hospice, disenrolled …; ``previous``: member_index, gap_id, flagged_on, by member.
    """

    scored: Scored
    members: pl.DataFrame
    earlier: pl.DataFrame | None
    coverage: Mapping[str, tuple[date, date]]
    valuesets: ValueSets
    as_of: date
    options: Mapping[str, Any]
    evidence: PopulationEvidence = field(default_factory=PopulationEvidence)
    outliers: pl.DataFrame | None = None
    previous: pl.DataFrame | None = None

    @property
    def plan(self) -> Plan:
        return self.scored.plan

    @property
    def models(self) -> tuple[RuleSet, ...]:
        return tuple(model.rules for model in self.plan.models.values())

    def frames(self) -> Frames:
        """Frames whose member_id is the member's number."""
        return numbered_frames(self.scored)

    def pieces(self, frames: Frames, size: int) -> Iterator[Piece]:
        """The members, ``size`` at a time, with the results of the range that holds them."""
        for base, end, found in self.scored.results:
            hccs = self._member_hccs(frames, found, base, end)
            for start in range(base, end, size):
                stop = min(start + size, end)
                yield Piece(start, stop, base, found, _of_range(hccs, start, stop))

    def context(self, frames: Frames, piece: Piece) -> GapContext:
        """The context of the members of a piece."""
        window = self.plan.decisions.lines.window
        start, stop = piece.start, piece.stop
        members = self.members.slice(start, stop - start)
        history = None
        if self.earlier is not None:
            history = history_hccs(_of_range(self.earlier, start, stop), self.plan, self.models, members)
        edited = self._edited
        if edited is not None:
            edited = edited.filter(pl.col("member_index").is_between(start, stop, closed="left"))
        return GapContext(
            payment_year=self.plan.options.payment_year,
            year_start=window[0],
            year_end=window[1],
            as_of=self.as_of,
            models=self.models,
            members=members,
            member_models=self._member_models(piece),
            diagnoses=diagnoses_of(self.scored, frames, start, stop),
            member_hccs=piece.member_hccs,
            valuesets=self.valuesets,
            coverage=self.coverage,
            edited=edited,
            history_hccs=history,
            evidence=self.evidence.of(start, stop),
            outliers=self.outliers,
            previous=None if self.previous is None else _of_range(self.previous, start, stop).drop("member_index"),
            **self.options,
        )

    @cached_property
    def _edited(self) -> pl.DataFrame | None:
        """What edits did to diagnoses that still count (the run does not keep it)."""
        sex, age = sexes_and_ages(self.scored.statuses, self.scored.members.height)
        touched = decide_edits(self.plan, self.scored.decided, sex, age)
        edited = self.frames().edited_diagnoses(touched, self.scored.decided)
        if not edited.width:
            return None
        return edited.rename({"member_id": "member_index"}).select(
            "member_index", "model", "calibration", "diagnosis_code", "hcc"
        )

    def _member_models(self, piece: Piece) -> pl.DataFrame:
        """Models that score each member, with the segment of the latest status: member_index, m, segment."""
        statuses = self.scored.statuses
        rows, first = statuses.rows_of(piece.start, piece.stop), statuses.rows_of(piece.base, piece.base).start
        owner = statuses.member[rows]
        here = slice(rows.start - first, rows.stop - first)
        parts = [_NO_MODELS]
        for m, result in enumerate(piece.found.values()):
            placed = np.nonzero(result.placed[here])[0]
            frame = pl.DataFrame({"member_index": owner[placed], "_segment": result.segment[here][placed]})
            words = pl.Series(result.model.scores.segments, dtype=pl.String)
            frame = frame.unique("member_index", keep="last", maintain_order=True)
            parts.append(
                frame.select(
                    pl.col("member_index").cast(pl.UInt32),
                    pl.lit(m, pl.UInt8).alias("m"),
                    words.gather(frame["_segment"]).alias("segment"),
                )
            )
        return pl.concat(parts)

    def _member_hccs(self, frames: Frames, found: dict[str, ModelResult], start: int, stop: int) -> pl.DataFrame:
        """member_index, m, hcc, first_date, last_date, claims; sorted by member."""
        parts = [_NO_HCCS]
        for m, result in enumerate(found.values()):
            frame = frames.member_hccs(result, self.scored.decided, self.scored.statuses, start, stop)
            parts.append(
                frame.select(
                    pl.col("member_id").cast(pl.UInt32).alias("member_index"),
                    pl.lit(m, pl.UInt8).alias("m"),
                    pl.col("hcc").cast(pl.String).cast(pl.UInt16, strict=False),
                    # A frame without rows has no types of its own.
                    pl.col("first_date", "last_date").cast(pl.Date),
                    pl.col("claims").cast(pl.Int64),
                )
            )
        return pl.concat(parts).sort("member_index")


def _of_range(frame: pl.DataFrame, start: int, stop: int) -> pl.DataFrame:
    """Rows of the members ``start`` to ``stop`` (exclusive) of a frame sorted by member_index."""
    member = frame["member_index"]
    low, high = int(member.search_sorted(start, "left")), int(member.search_sorted(stop, "left"))
    return frame.slice(low, high - low)


@dataclass(frozen=True, eq=False)
class Piece:
    """Members ``start`` to ``stop`` (exclusive) of a range whose results begin with the member ``base``."""

    start: int
    stop: int
    base: int
    found: dict[str, ModelResult]
    member_hccs: pl.DataFrame


def enrolled_as_of(enrollment: pl.DataFrame | None, year: tuple[date, date], as_of: date) -> pl.DataFrame | None:
    """member_id, hospice, disenrolled, disenrolled_on, enrolled_from, away of everybody with a month up to ``as_of``.

    In hospice in the latest such month; disenrolled when the member's last month is before the latest month that the
    table has. Where the table goes back to the first day of ``year``: enrolled from the first month of those who joined
    later, away who left for more than a month of the year and came back. Who joins after ``as_of`` is not disenrolled.
    """
    if enrollment is None:
        return None
    months = enrollment.filter(pl.col("month") <= as_of)
    if months.is_empty():
        return None
    latest, earliest = months["month"].max(), months["month"].min()
    told = isinstance(earliest, date) and earliest <= year[0]
    joined = pl.when(pl.lit(told) & (pl.col("enrolled_from") > earliest)).then("enrolled_from")
    hospice = pl.col("hospice").fill_null(False) if "hospice" in months.columns else pl.lit(False)
    number = pl.col("month").dt.year() * 12 + pl.col("month").dt.month()
    of_year = pl.col("month").is_between(year[0].replace(day=1), year[1])
    there = number.filter(of_year)
    missing = there.max() - there.min() + 1 - there.n_unique()
    to_come = enrollment.join(months, on="member_id", how="anti").group_by("member_id").agg(
        hospice=pl.lit(False), enrolled_from=pl.when(pl.lit(told)).then(pl.col("month").min()), away=pl.lit(False),
        disenrolled=pl.lit(False), disenrolled_on=pl.lit(None, pl.Date),
    )  # fmt: skip
    found = (
        months.with_columns(hospice.alias("hospice"))
        .sort("month")
        .group_by("member_id")
        .agg(
            pl.col("month").last().alias("last_month"), pl.col("hospice").last(), enrolled_from=pl.col("month").first(),
            away=pl.lit(told) & (missing > 1).fill_null(False),
        )
        .with_columns((pl.col("last_month") < latest).alias("disenrolled"), joined.alias("enrolled_from"))
        .with_columns(pl.when("disenrolled").then(pl.col("last_month").dt.month_end()).alias("disenrolled_on"))
        .drop("last_month")
    )
    return pl.concat([found, to_come.select(found.columns)])


def members_as_of(scored: Scored, enrolled: pl.DataFrame | None) -> pl.DataFrame:
    """The run's members with member_index, the ESRD status of their latest month, whether all their scores are those of
    new enrollees, and what ``enrolled_as_of`` tells; who has no month is not enrolled."""
    members = _with_esrd(scored.members.with_row_index("member_index"), scored.statuses)
    members = members.with_columns(_new_enrollees(scored.statuses, members.height))
    if enrolled is None:
        return members
    columns = [name for name in members.columns if name not in enrolled.columns or name == "member_id"]
    joined = members.select(columns).join(enrolled, on="member_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("disenrolled").fill_null(True), pl.col("hospice", "away").fill_null(False))


def _new_enrollees(statuses: Statuses, members: int) -> pl.Series:
    """Months may tell of Part B what the members table does not."""
    others = np.zeros(members, dtype=bool)
    others[statuses.member[statuses.profiles.facts["new_enrollee"][statuses.profile] == 0]] = True
    return pl.Series("new_enrollee", ~others)


def _with_esrd(members: pl.DataFrame, statuses: Statuses) -> pl.DataFrame:
    """``members`` with the esrd_status by which they are scored last: months may tell what the members table does not."""
    if statuses.monthly is None:
        return members
    last = np.searchsorted(statuses.member, np.arange(members.height), side="right") - 1
    facts, profile = statuses.profiles.facts, statuses.profile[last]
    words = pl.Series(CHOICES["esrd"], dtype=pl.String).gather(facts["esrd"][profile])
    told = pl.DataFrame({"word": words, "month": facts["graft_month"][profile]})
    numbered = pl.format("transplant_{}", "month")
    word = pl.when(pl.col("word") == "transplant").then(numbered).otherwise("word").alias("esrd_status")
    return members.with_columns(told.select(word).to_series())
