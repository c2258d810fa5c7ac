"""Decisions back from a worklist: say of every row that cannot be used why, hand over the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl

from hcc.worklist.decisions import EARLIEST_DAY, decisions

_ENTERED = ("decision", "decision_reason", "note", "decided_on")
"""A row without any of these was left alone by the coder; a name alone may be filled down a whole column."""
_TIME = r"[ T](?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
_DAY = rf"^(\d{{4}}-\d{{1,2}}-\d{{1,2}})(?:{_TIME})?$"
_ZONED = rf"^\d{{4}}-\d{{1,2}}-\d{{1,2}}{_TIME} ?(?:Z|[+-]\d{{2}}(?::?\d{{2}})?|[A-Z]{{2,5}})$"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a file holds: ``rows`` for ``append_reviews``, and ``faults`` (place, row, why) for the person who sent it.

    ``entered``: rows of the file with anything filled in; ``already``: identical decisions in the store;
    ``taken_over``: rows added for other gaps of the same question; ``replaced``: decisions of somebody else that are no
    longer the latest; ``behind``: rows added that a later decision in the store outranks.
    """

    rows: list[dict[str, object]]
    faults: pl.DataFrame
    entered: int
    already: int
    taken_over: int
    replaced: int
    behind: int


def usable_decisions(
    frame: pl.DataFrame,
    questions: pl.DataFrame,
    latest: pl.DataFrame,
    *,
    reviewer: str = "",
    now: datetime | None = None,
) -> Decided:
    """Sort a file's rows into decisions to append and faults.

    ``frame``: from ``read_decisions``; ``questions``: gap_id, question of every gap of the results; ``latest``: from
    ``latest_decisions``, taken per reviewer and gap (columns gap_id, reviewer, decision, reason, note) as well as the
    latest of all (columns ``decided_at`` in UTC, ``is_latest``). ``reviewer`` is used where a row names none.
    """
    moment = now or datetime.now(UTC)
    entered = _entered(frame)
    told = _told(entered, questions, reviewer, moment.date())
    faults = told.filter(pl.col("why") != "").select("sheet", "row_number", "why").sort("sheet", "row_number")
    good = told.filter(pl.col("why") == "").unique("gap_id", keep="first", maintain_order=True)
    wanted = _with_siblings(good, entered, questions)
    same = ["gap_id", "reviewer", "decision", "reason", "note"]
    fresh = wanted.join(latest.select(same), on=same, how="anti").with_columns(_decided_at(moment))
    before = latest.filter("is_latest").select(
        "gap_id", pl.col("reviewer").alias("by"), pl.col("decided_at").dt.replace_time_zone("UTC").alias("latest_at")
    )
    met = fresh.join(before, on="gap_id").with_columns((pl.col("decided_at") < pl.col("latest_at")).alias("behind"))
    return Decided(
        rows=[_row(row) for row in fresh.iter_rows(named=True)],
        faults=faults,
        entered=entered.height,
        already=wanted.height - fresh.height,
        taken_over=fresh.filter("taken_over").height,
        replaced=met.filter(~pl.col("behind") & (pl.col("by") != pl.col("reviewer"))).height,
        behind=met.filter("behind").height,
    )


def not_imported(frame: pl.DataFrame, reviews: pl.DataFrame) -> int:
    """Rows of a worklist in which somebody filled in something that no review of ``reviews`` says."""
    entered = _entered(frame).with_row_index("row").with_columns(*_as_stored())
    same = ["gap_id", "decision", "reason", "note"]
    told = entered.rename({"decision_reason": "reason"}).join(
        reviews.select(*same, pl.col("reviewer").alias("by")), on=same
    )
    # Who is not named in the row was named at the import.
    there = told.filter((pl.col("reviewer").fill_null("") == "") | (pl.col("reviewer") == pl.col("by")))
    return entered.height - there["row"].n_unique()


def _entered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.any_horizontal((pl.col(name) != "").fill_null(False) for name in _ENTERED))


def _as_stored() -> list[pl.Expr]:
    """What people write as the reviews have it."""
    plain = pl.col("decision").fill_null("").str.to_lowercase().str.replace_all(r"[\s_\-]+", "_")
    return [plain.alias("decision"), pl.col("decision_reason", "note").fill_null("")]


def _told(frame: pl.DataFrame, questions: pl.DataFrame, reviewer: str, today: date) -> pl.DataFrame:
    names = [decision.name for decision in decisions()]
    words = ", ".join(decision.words for decision in decisions())
    told_day = pl.col("decided_on").str.strip_chars()
    known = frame.join(questions.with_columns(pl.lit(True).alias("known")), on="gap_id", how="left").with_columns(
        *_as_stored(),
        pl.coalesce(pl.when(pl.col("reviewer") != "").then("reviewer"), pl.lit(reviewer.strip())).alias("reviewer"),
        told_day.str.extract(_DAY).str.to_date("%Y-%m-%d", strict=False).alias("day"),
    )
    zoned = pl.col("decided_on").str.contains(_ZONED).fill_null(False)
    entry = pl.struct("decision", "decision_reason", "note", "reviewer", "day")
    faulty = (
        ("gap_id is empty", pl.col("gap_id").fill_null("") == ""),
        ("gap_id is not in these results", (pl.col("gap_id").fill_null("") != "") & pl.col("known").is_null()),
        ("a reason, note or day without a decision", pl.col("decision") == ""),
        (f"the decision is none of: {words}", (pl.col("decision") != "") & ~pl.col("decision").is_in(names)),
        ("no reviewer, neither in the row nor as --reviewer", pl.col("reviewer") == ""),
        (
            "decided_on is no date like 2026-01-31",
            (pl.col("decided_on").fill_null("") != "") & pl.col("day").is_null() & ~zoned,
        ),
        ("decided_on has a time zone, by which the day may be another: write the day alone", zoned),
        ("decided_on lies in the future", (pl.col("day") > today).fill_null(False)),
        (f"decided_on lies before {EARLIEST_DAY}", (pl.col("day") < EARLIEST_DAY).fill_null(False)),
        (
            "the same gap_id is decided differently in another row",
            (entry.n_unique().over("gap_id") > 1) & pl.col("known"),
        ),
    )
    reasons = [pl.when(condition.fill_null(False)).then(pl.lit(text)) for text, condition in faulty]
    return known.with_columns(pl.concat_str(reasons, separator="; ", ignore_nulls=True).alias("why"))


def _with_siblings(good: pl.DataFrame, entered: pl.DataFrame, questions: pl.DataFrame) -> pl.DataFrame:
    """The decisions and, for other gaps of the same question about which the file says nothing, the same once more."""
    columns = ["gap_id", "decision", "reason", "note", "reviewer", "day", "run_id", "evidence_count"]
    named = good.rename({"decision_reason": "reason"})
    # Where rows of one question were decided differently, the coder meant it: nothing is taken over.
    agreed = named.filter(pl.struct("decision", "reason", "note", "reviewer", "day").n_unique().over("question") == 1)
    others = (
        questions.join(agreed.unique("question", keep="first").drop("gap_id"), on="question")
        .join(entered.select("gap_id"), on="gap_id", how="anti")
        .select(columns)
    )
    return pl.concat(
        [named.select(columns).with_columns(pl.lit(False).alias("taken_over")),
         others.with_columns(pl.lit(True).alias("taken_over"))]
    )  # fmt: skip


def _decided_at(moment: datetime) -> pl.Expr:
    """The moment of each decision in UTC: noon of its day, of which the hour is not known, else now."""
    today = pl.col("day").is_null() | (pl.col("day") == moment.date())
    noon = pl.col("day").dt.combine(time(12)).dt.replace_time_zone("UTC")
    return pl.when(today).then(pl.lit(moment.astimezone(UTC))).otherwise(noon).alias("decided_at")


def _row(row: dict[str, Any]) -> dict[str, object]:
    pieces = row["evidence_count"]
    seen = {
        "through": "worklist",
        "run_id": row["run_id"] or "",
        "evidence": int(pieces) if pieces and str(pieces).isdigit() else None,
    }
    return {
        "gap_id": row["gap_id"], "decision": row["decision"], "reason": row["reason"], "note": row["note"],
        "reviewer": row["reviewer"], "decided_at": row["decided_at"], "seen": json.dumps(seen),
    }  # fmt: skip


def latest_by_reviewer(reviews: pl.DataFrame) -> pl.DataFrame:
    """The latest decision of each reviewer on each gap, with ``is_latest`` where nobody decided after it.

    ``reviews`` in the order the decisions were made.
    """
    last = reviews.with_row_index("place").group_by("gap_id", "reviewer", maintain_order=True).last()
    return last.with_columns((pl.col("place") == pl.col("place").max().over("gap_id")).alias("is_latest"))


def fault_lines(faults: pl.DataFrame) -> Sequence[tuple[str, int | None, str]]:
    """(sheet, row, why), for printing; no value of a row is in it. A whole sheet has no row."""
    return [(sheet, row, why) for sheet, row, why in faults.iter_rows()]
