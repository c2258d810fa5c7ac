"""The evidence tables of a gap run: read, dated, and told apart from what was not given."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from hcc.diagnoses.chains import DELETE, Chains, chains, special_records
from hcc.diagnoses.held import held_by, with_version
from hcc.diagnoses.lines import live_line, version
from hcc.errors import HccError, InputError
from hcc.intake import Inputs, stacked_claims
from hcc.intake.binding import Names
from hcc.intake.claims import read_claims
from hcc.intake.extras import read_extra
from hcc.intake.layout import load_layout, load_renames
from hcc.pipeline.plan import Plan
from hcc.rules.gap_windows import back

EXTRAS = ("pharmacy", "observations", "problems", "chart_findings")
_DAY_OF = {
    "pharmacy": "fill_date",
    "observations": "observation_date",
    "problems": "recorded_date",
    "chart_findings": "service_date",
}
DECIDES_AS_OF = ("pharmacy", "observations")
TELLING_ROWS = 5000  # rows from which on a table's months say whether they are covered
_SHARE_OF_A_MONTH = 0.2  # of the median month
_FIRST, _LAST = date(1900, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True, eq=False)
class Sources:
    """Claims of all years and the optional tables, lazy.

    ``lines`` and ``diagnoses``: current claims and history together. ``current`` and ``history``: their diagnoses apart
    (history None where it was not given). ``earlier``: lines and diagnoses of the years before the data-collection
    year, None where there are none. ``coverage``: days that each given table speaks for; ``days``: rows by day of the
    tables whose rows tell that. ``latest``: the latest service, fill or result.
    """

    lines: pl.LazyFrame
    diagnoses: pl.LazyFrame
    current: pl.LazyFrame
    history: pl.LazyFrame | None
    earlier: tuple[pl.LazyFrame, pl.LazyFrame] | None
    extras: dict[str, pl.LazyFrame]
    coverage: dict[str, tuple[date, date]]
    latest: date | None
    rejected: Callable[[], pl.DataFrame]
    fingerprints: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    days: dict[str, dict[date, int]] = field(default_factory=dict)
    year_start: date = _FIRST

    def as_known_on(self, as_of: date) -> Sources:
        """These with the coverage that the rows up to ``as_of`` tell: nothing after it is used (SPEC R-5.5)."""
        told = {table: covered_days(by_month(days, as_of), as_of) for table, days in self.days.items()}
        # Claims are there for the data-collection year by definition: it is what was scored.
        claims = min(told.pop("claims")[0], self.year_start), _LAST
        earlier = {"history": claims} if self.earlier is not None else {}
        return replace(self, coverage={**self.coverage, **told, "claims": claims, **earlier})


def read_sources(
    inputs: Inputs,
    given: Mapping[str, Any],
    year_start: date,
    payment_year: int,
    *,
    layout: Any = "canonical",
    columns: str | Path | Mapping[str, Any] | None = None,
) -> Sources:
    """Read ``given`` (history, pharmacy, observations, problems, chart_findings; None = not given).

    Raises InputError with the faults of all tables together.
    """
    tables, renames = load_layout(layout), load_renames(columns)
    errors: list[HccError] = []
    frames = dict(inputs.extras)
    rejected: list[Callable[[], pl.DataFrame]] = []
    fingerprints: list[dict[str, Any]] = []
    notes: list[str] = []
    history: tuple[pl.LazyFrame, pl.LazyFrame] | None = None
    for table in ("history", *EXTRAS):
        if given.get(table) is None:
            continue
        name = "claims" if table == "history" else table
        names = Names(tables.table(name), renames.get(name, {}))
        try:
            if table == "history":
                read = read_claims(given[table], names, payment_year, table=table)
                assert read.diagnoses is not None
                history = (read.lines, read.diagnoses)
                rejected.append(_renamed(read.rejected))
                notes += read.notes
                fingerprints.append({**read.source.fingerprint, "table": "history"})
            else:
                extra = read_extra(table, given[table], names)
                frames[table] = extra.frame
                rejected.append(extra.rejected)
                notes += extra.notes
                fingerprints.append(extra.source.fingerprint)
        except HccError as error:
            errors.append(error)
    if errors:
        hints = list(dict.fromkeys(error.hint for error in errors if error.hint))
        raise InputError("\n".join(error.message for error in errors), hint="\n      ".join(hints) or None)
    return _assembled(inputs, history, frames, year_start, rejected, fingerprints, notes)


def _renamed(rejected: Callable[[], pl.DataFrame]) -> Callable[[], pl.DataFrame]:
    def named() -> pl.DataFrame:
        return rejected().with_columns(pl.lit("history").alias("table"))

    return named


def _assembled(
    inputs: Inputs,
    history: tuple[pl.LazyFrame, pl.LazyFrame] | None,
    frames: dict[str, pl.LazyFrame],
    year_start: date,
    rejected: list[Callable[[], pl.DataFrame]],
    fingerprints: list[dict[str, Any]],
    notes: list[str],
) -> Sources:
    days = {"claims": _days(inputs.claims, "thru_date")}
    lines, diagnoses = inputs.claims, inputs.claim_diagnoses
    before_here = None
    if any(day < year_start for day in days["claims"]):
        before_here = inputs.claims.filter(pl.col("thru_date") < year_start)
    earlier: tuple[pl.LazyFrame, pl.LazyFrame] | None = None
    if history is not None:
        for day, rows in _days(history[0], "thru_date").items():
            days["claims"][day] = days["claims"].get(day, 0) + rows
        lines = stacked_claims(lines, history[0])
        diagnoses = _stacked(diagnoses, history[1])
        earlier = history
        if before_here is not None:
            earlier = (stacked_claims(history[0], before_here), diagnoses)
    elif before_here is not None:
        earlier = (before_here, inputs.claim_diagnoses)
    latest = _latest(lines, "thru_date")
    given: dict[str, tuple[date, date]] = {}
    for table, frame in frames.items():
        if table not in _DAY_OF:
            continue
        last = _latest(frame, _DAY_OF[table])
        given[table] = (_FIRST, _LAST)
        if table in DECIDES_AS_OF and last is not None:
            days[table] = _days(frame, _DAY_OF[table])
            latest = last if latest is None else max(latest, last)
    extras = {table: frames[table] for table in EXTRAS if table in frames}

    def find_rejected() -> pl.DataFrame:
        return pl.concat([find() for find in rejected]) if rejected else pl.DataFrame()

    apart = (inputs.claim_diagnoses, None if history is None else history[1])
    return Sources(
        lines, diagnoses, *apart, earlier, extras, given, latest, find_rejected, fingerprints, notes, days, year_start
    ).as_known_on(_LAST)


def _stacked(one: pl.LazyFrame, other: pl.LazyFrame) -> pl.LazyFrame:
    """Diagnoses of both, with the columns both have: a member missing on one side is found through the claim."""
    common = [name for name in one.collect_schema().names() if name in other.collect_schema().names()]
    return pl.concat([one.select(common), other.select(common)], how="vertical_relaxed")


def _days(frame: pl.LazyFrame, column: str) -> dict[date, int]:
    """Rows by day."""
    found = frame.group_by(pl.col(column).alias("day")).len().collect(engine="streaming")
    return {day: int(rows) for day, rows in found.iter_rows() if day is not None}


def by_month(days: Mapping[date, int], until: date) -> dict[date, int]:
    """Rows by month (its first day), up to the day ``until``."""
    months: dict[date, int] = {}
    for day, rows in days.items():
        if day <= until:
            months[day.replace(day=1)] = months.get(day.replace(day=1), 0) + rows
    return months


def covered_days(months: Mapping[date, int], until: date = _LAST) -> tuple[date, date]:
    """First and last day that a table speaks for, from its rows by month, up to the day ``until``.

    Of a table of some size: the months that run without a break back from its last one, a month with hardly a row being
    a break (stray dates, a run-in). A small table cannot tell: its calendar years count whole. An empty one was given
    and says that there is nothing.
    """
    if not months:
        return _FIRST, _LAST
    if sum(months.values()) < TELLING_ROWS:
        return date(min(months).year, 1, 1), date(max(months).year, 12, 31)
    enough = sorted(months.values())[len(months) // 2] * _SHARE_OF_A_MONTH
    # The month of the last day is not over: as much of it is asked for as has passed.
    passed = {until.replace(day=1): until.day / monthrange(until.year, until.month)[1]}
    full = {month for month, rows in months.items() if rows >= enough * passed.get(month, 1)}
    last = first = max(full)
    while back(first, 1, "month") in full:
        first = back(first, 1, "month")
    return first, back(last, -1, "month") - timedelta(days=1)


def _latest(lines: pl.LazyFrame, column: str) -> date | None:
    found: date | None = lines.select(pl.col(column).max()).collect(engine="streaming").item()
    return found


def as_of_day(asked: date | None, sources: Sources, plan: Plan) -> date:
    """The as-of date: as asked, else the latest service, fill or result, not later than the run's deadline
    (RULINGS 21)."""
    deadline = plan.year.runs[plan.options.run].deadline
    if asked is not None:
        return asked
    return min(sources.latest or deadline, deadline)


@dataclass(frozen=True, eq=False)
class Withdrawals:
    """``special``: the records that are replacements, voids or chart reviews; ``chains``: what came of them."""

    special: pl.DataFrame
    chains: Chains

    @classmethod
    def among(cls, sources: Sources, plan: Plan) -> Withdrawals | None:
        """None where no claim withdraws anything."""
        special = special_records(sources.lines)
        if special is None or special.is_empty():
            return None
        return cls(special, chains(special, sources.lines, sources.diagnoses, plan.decisions.chains))


def live_lines(sources: Sources, withdrawals: Withdrawals | None) -> pl.LazyFrame:
    """Claim lines of records that stand: left out are those that were not accepted or denied for an administrative
    reason, replaced and voided ones (each version of a claim for itself), voids and delete records."""
    lines = sources.lines
    names = lines.collect_schema().names()
    if {"accepted", "claim_status"} & set(names):
        lines = lines.filter(live_line(names))
    if withdrawals is None:
        return lines
    if "record_type" in names:
        lines = lines.filter(pl.col("record_type").cast(pl.String).fill_null("encounter") != "chart_review_delete")
    if "frequency_code" in names:
        lines = lines.filter(pl.col("frequency_code").cast(pl.String).fill_null("1") != "8")
    dead = withdrawals.chains.records.select(RECORD)
    return with_record(lines).join(dead.lazy(), on=RECORD, how="anti") if dead.height else lines


RECORD = ["claim_id", "member_id", "version"]
"""What tells a record: a claim_id may be shared by members and by versions of a claim."""


def with_record(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Lines with the version of their record."""
    told_apart = version(lines.collect_schema().names())
    return lines.with_columns((pl.lit(0, pl.UInt32) if told_apart is None else told_apart).alias("version"))


def deletes(sources: Sources, withdrawals: Withdrawals | None, members: pl.LazyFrame) -> pl.LazyFrame | None:
    """Chart-review deletes that act: accepted, linked, not withdrawn themselves (SPEC R-3.12, R-3.14). member_index,
    date, diagnosis_code, claim_id, submitted (null: not known); None where there is none."""
    if withdrawals is None:
        return None
    acting = withdrawals.special.filter(
        "live", pl.col("record_type") == DELETE, pl.col("linked_claim_id").is_not_null()
    ).join(withdrawals.chains.records, on=RECORD, how="anti")
    if acting.is_empty():
        return None
    names = sources.lines.collect_schema().names()
    submitted = pl.col("submission_date") if "submission_date" in names else pl.lit(None, pl.Date)
    some = pl.col("claim_id").is_in(acting["claim_id"].unique().implode())
    records = (
        with_record(sources.lines.filter(some))
        .join(acting.lazy().select(RECORD), on=RECORD, how="semi")
        .select(*RECORD, pl.col("thru_date").alias("date"), submitted.alias("submitted"))
        .unique()
    )
    codes = with_version(sources.diagnoses.filter(some), sources.lines)
    return (
        held_by(codes, records)
        .join(members, on="member_id")
        .select("member_index", "date", pl.col("diagnosis_code").cast(pl.String), "claim_id", "submitted")
        .unique()
    )
