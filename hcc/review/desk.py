"""The data behind the page: the queue stays in DuckDB, decisions come from the store, a replaced file is opened again.

One connection and one lock serve all tabs; every question to the database takes milliseconds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcc.errors import HccError
from hcc.results import append_reviews, merged_reviews, open_results, reviews_path, reviews_since
from hcc.review.filters import Filters
from hcc.worklist import (
    Weights,
    gaps_were_sought,
    latest_decisions,
    load_weights,
    make_questions,
    put_decisions,
    put_words,
)
from hcc.worklist.decisions import SETTLED
from hcc.worklist.questions import DUE_ON
from hcc.worklist.words import model_words

PAGE_ROWS = 50
"""Questions in the browser at once."""

Row = dict[str, Any]
_LED_BY = "SELECT question FROM question_gaps WHERE gap_id = $question"


class Overtaken(HccError):
    """Somebody decided the question after it was shown. ``latest`` is that decision."""

    def __init__(self, latest: Row) -> None:
        self.latest = latest
        super().__init__("Somebody decided this question while it was on your screen.")


class Gone(HccError):
    """The results were replaced and no longer have the question: a decision on it was not stored."""

    def __init__(self) -> None:
        super().__init__(
            "This question is not in the results any more: nothing was stored.",
            hint="What you typed is still in the fields; copy what you want to keep, then go back to the queue.",
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the queue: its rows, how many questions match, and the place of the first one (from 0)."""

    rows: list[Row]
    total: int
    offset: int


class Desk:
    """One results file and its decisions, for any number of tabs.

    Raises ResultsError where the file cannot be opened. ``version`` changes whenever results or decisions did.
    """

    def __init__(self, results: str | Path, *, weights: Weights | None = None, today: date | None = None) -> None:
        self.path = Path(results).expanduser().absolute()
        self.version = 0
        self.run: Row = {}
        self.sought = False  # whether anybody looked for gaps in the results
        self._weights = weights or load_weights()
        self._today = today
        self._lock = threading.RLock()
        self._con: duckdb.DuckDBPyConnection | None = None
        self._file: tuple[int, ...] = ()
        self._store: tuple[int, ...] = ()
        self._place = 0
        self._opened_on = self.today  # the rank knows the day
        self._reviews = pl.DataFrame()
        with self._lock:
            self._open()

    @property
    def today(self) -> date:
        """The day the clocks are read on."""
        return self._today or datetime.now().date()

    def close(self) -> None:
        """Close the results file."""
        with self._lock:
            if self._con is not None:
                self._con.close()
                self._con = None

    def refresh(self) -> int:
        """Take in new decisions and, where the results file was replaced, the new file; the version after it."""
        with self._lock:
            if self._con is None or _stamp(self.path) != self._file or self._opened_on != self.today:
                self._open()
            elif self._store_stamp() != self._store:
                self._take_in()
            return self.version

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """Rows of a query as dicts. Values travel as parameters, never in the text."""
        with self._lock:
            if self._con is None:
                self._open()
            assert self._con is not None
            found = self._con.execute(sql, parameters)
            names = [str(entry[0]) for entry in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    # -- the queue ------------------------------------------------------------------------------------------------

    def page(self, filters: Filters, offset: int = 0, limit: int = PAGE_ROWS) -> Page:
        """The questions that match, from ``offset``; an offset behind the end gives the last page."""
        where, values = filters.where(self.today)
        joined = f"FROM questions q LEFT JOIN decided d ON d.gap_id = q.question WHERE {where}"
        with self._lock:
            (counted,) = self.rows(f"SELECT count(*) AS n {joined}", **values)
            total = int(counted["n"])
            if offset >= total:
                offset = max(0, (total - 1) // limit * limit)
            chosen = self.rows(
                f"""
                SELECT q.* REPLACE ({DUE_ON} AS due_on), d.decision, d.reviewer, d.decided_at
                {joined} ORDER BY {filters.order} LIMIT {int(limit)} OFFSET {int(offset)}""",
                **values,
            )
            return Page(self._worded(chosen), total, offset)

    def neighbour(self, filters: Filters, question: str, member_id: str, step: int) -> str | None:
        """The next (``step`` 1) or previous (-1) question of another member in the order of the queue."""
        where, values = filters.where(self.today)
        far, order = (">", "") if step > 0 else ("<", "DESC")
        found = self.rows(
            f"""
            WITH matching AS (
              SELECT q.* REPLACE ({DUE_ON} AS due_on) FROM questions q LEFT JOIN decided d ON d.gap_id = q.question
              WHERE ({where}) OR q.question = $here
            ), placed AS (
              SELECT question, member_id, row_number() OVER (ORDER BY {filters.order}) AS place FROM matching
            )
            SELECT question FROM placed
            WHERE place {far} (SELECT place FROM placed WHERE question = $here) AND member_id <> $member
            ORDER BY place {order} LIMIT 1""",
            **values,
            here=question,
            member=member_id,
        )
        return str(found[0]["question"]) if found else None

    def progress(self) -> Row:
        """How many open questions there are, and how many of them are decided for good."""
        (row,) = self.rows(
            f"""SELECT count(*) AS questions, count(*) FILTER (WHERE d.decision IN {SETTLED}) AS settled
            FROM questions q LEFT JOIN decided d ON d.gap_id = q.question WHERE q.status = 'open'"""
        )
        return row

    def choices(self) -> dict[str, list[Row]]:
        """What the filters offer: rules and HCCs with words and how many questions have them."""
        rules = self.rows(
            """SELECT q.rule_id AS value, coalesce(any_value(r.rule), q.rule_id) AS words, count(*) AS n
            FROM questions q LEFT JOIN rules_in_words r ON r.rule_id = q.rule_id
            GROUP BY q.rule_id ORDER BY q.rule_id"""
        )
        hccs = self.rows(
            """WITH one AS (SELECT unnest(hccs) AS value FROM questions), counted AS (
              SELECT value, count(*) AS n FROM one GROUP BY ALL
            )
, labelled AS (
              SELECT model::VARCHAR || ' ' || hcc::VARCHAR AS value, any_value(label) AS words FROM hccs GROUP BY ALL
            )
            SELECT value, split_part(value, ' ', 1) AS model, split_part(value, ' ', 2) AS hcc, words, n
            FROM counted LEFT JOIN labelled USING (value) ORDER BY model, try_cast(hcc AS INTEGER)"""
        )
        return {"rules": rules, "hccs": [row for row in hccs if row["hcc"]]}

    def question(self, question: str) -> Row | None:
        """One question as in the queue, with the latest decision; None where the results no longer have it.

        A question is named by its leading gap; where a new run made another gap lead, it is found all the same.
        """
        found = self.rows(
            f"""SELECT q.* REPLACE ({DUE_ON} AS due_on), d.decision, d.reviewer, d.decided_at, d.review_id
            FROM questions q LEFT JOIN decided d ON d.gap_id = q.question WHERE q.question = ({_LED_BY})""",
            question=question,
        )
        return self._worded(found)[0] if found else None

    def questions_of(self, member_id: str) -> list[Row]:
        """A member's questions, whatever their status; open ones first, then by priority."""
        return self._worded(
            self.rows(
                f"""SELECT q.* REPLACE ({DUE_ON} AS due_on), d.decision, d.reviewer, d.decided_at, d.review_id
                FROM questions q LEFT JOIN decided d ON d.gap_id = q.question WHERE q.member_id = $member
                ORDER BY q.status <> 'open', priority DESC, question""",
                member=member_id,
            )
        )

    def best_question_of(self, member_id: str) -> str | None:
        """The member's first open question, else any."""
        questions = self.questions_of(member_id)
        return str(questions[0]["question"]) if questions else None

    def _worded(self, rows: list[Row]) -> list[Row]:
        codes = sorted({str(row["codes"]) for row in rows if row["codes"]})
        rules = sorted({str(row["rule_id"]) for row in rows})
        words = self.rows("SELECT codes, words FROM codes_in_words WHERE list_contains($codes, codes)", codes=codes)
        named = self.rows("SELECT rule_id, rule FROM rules_in_words WHERE list_contains($rules, rule_id)", rules=rules)
        ids = [row["question"] for row in rows]
        said = self.rows("SELECT gap_id, reason FROM gaps WHERE gap_id IN (SELECT unnest($ids))", ids=ids)
        of_codes = {row["codes"]: row["words"] for row in words}
        reasons = {row["gap_id"]: row["reason"] for row in said}
        of_rules = {row["rule_id"]: row["rule"] for row in named}
        for row in rows:
            row["codes_in_words"] = str(of_codes.get(row["codes"], row["codes"])).split("\n") if row["codes"] else []
            row["reason"] = reasons.get(row["question"]) or ""
            row["rule"] = of_rules.get(row["rule_id"], row["rule_id"])
        return rows

    # -- decisions ------------------------------------------------------------------------------------------------

    def history(self, question: str) -> list[Row]:
        """All decisions on a question, the latest first."""
        with self._lock:
            found = self._reviews.filter(pl.col("gap_id") == question)
            return list(found.reverse().iter_rows(named=True))

    def decide(
        self,
        question: str,
        decision: str,
        *,
        reviewer: str,
        reason: str = "",
        note: str = "",
        seen: Row,
        latest_seen: str | None,
    ) -> None:
        """Append a decision for every gap of the question, at the same moment.

        ``seen``: what was on the screen; ``latest_seen``: review_id of the decision shown there, if any. Raises
        Overtaken where somebody decided since then, Gone where the results no longer have the question, ResultsError
        where the store cannot be written.
        """
        with self._lock:
            self.refresh()
            before = self.history(question)
            newest = before[0] if before else None
            if newest is not None and newest["review_id"] != latest_seen:
                raise Overtaken(newest)
            told = json.dumps({"through": "review", **seen, "earlier_review": latest_seen}, default=_plain)
            gaps = self.rows(
                f"SELECT gap_id FROM question_gaps WHERE question = ({_LED_BY}) ORDER BY gap_id", question=question
            )
            if not gaps:
                raise Gone()
            moment = datetime.now(UTC)
            append_reviews(
                self.path,
                [
                    {"gap_id": row["gap_id"], "decision": decision, "reason": reason, "note": note,
                     "reviewer": reviewer, "decided_at": moment, "seen": told}
                    for row in gaps
                ],
            )  # fmt: skip
            self._take_in()

    # -- files ----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Open the results (again). The old connection goes first: DuckDB would hand it out for the same path."""
        self.close()
        stamp = _stamp(self.path)
        con = open_results(self.path)
        try:
            make_questions(con, self._weights, self.today)
            put_words(con)
            copied = con.sql("SELECT * FROM reviews").pl()
        except BaseException:
            con.close()
            raise
        self._con, self._file, self._place, self._opened_on = con, stamp, 0, self.today
        self._store = self._store_stamp()
        stored, self._place = reviews_since(self.path, 0)
        self._reviews = merged_reviews(copied, stored)
        put_decisions(con, self._reviews)
        (self.run,) = self.rows(
            "SELECT run_id, payment_year, run, as_of, models, engine_version FROM runs ORDER BY started_at DESC LIMIT 1"
        )
        self.sought = gaps_were_sought(con)
        self.version += 1

    def _take_in(self) -> None:
        """Decisions appended since the last look, ours and others'."""
        assert self._con is not None
        self._store = self._store_stamp()
        fresh, self._place = reviews_since(self.path, self._place)
        if fresh.is_empty():
            return
        self._reviews = merged_reviews(self._reviews, fresh)
        touched = self._reviews.filter(pl.col("gap_id").is_in(fresh["gap_id"].unique().implode()))
        self._con.register("fresh_decisions", latest_decisions(touched).to_arrow())
        try:
            self._con.execute("DELETE FROM decided WHERE gap_id IN (SELECT gap_id FROM fresh_decisions)")
            self._con.execute("INSERT INTO decided SELECT * FROM fresh_decisions")
        finally:
            self._con.unregister("fresh_decisions")
        self.version += 1

    def _store_stamp(self) -> tuple[int, ...]:
        store = reviews_path(self.path)
        return (*_stamp(store), *_stamp(store.with_name(store.name + "-wal")))


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file is replaced or written."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def words_of(models: Sequence[str]) -> str:
    """Models (calibrations left out) in words, each once, separated by commas."""
    names = dict.fromkeys(model.partition(":")[0].strip() for model in models)
    return ", ".join(model_words(name) for name in names if name)
