"""Both directions of the worklist side by side: counts, score, dollars, by rule and strength."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl

SOON_DAYS = 14
"""A return-by day this near is called soon in the summary and in the page's filters."""

_SIDES = """
SELECT q.direction, count(DISTINCT c.question) AS questions, count(*) AS gaps, count(DISTINCT q.member_id) AS members,
  count(DISTINCT c.question) FILTER (WHERE q.strength = 'high') AS high,
  count(DISTINCT c.question) FILTER (WHERE q.strength = 'medium') AS medium,
  count(DISTINCT c.question) FILTER (WHERE q.strength = 'low') AS low,
  count(DISTINCT c.question) FILTER (WHERE c.due_on < $today) AS overdue,
  count(DISTINCT c.question) FILTER (WHERE c.due_on BETWEEN $today AND $soon) AS due_soon
FROM chosen c JOIN questions q USING (question) GROUP BY ALL"""
_APPLIED = """
SELECT direction::VARCHAR AS direction, sum(score_change) FILTER (WHERE part::VARCHAR = 'C') AS score_c,
  sum(score_change) FILTER (WHERE part::VARCHAR = 'D') AS score_d, sum(dollar_change) AS dollars
FROM member_gaps GROUP BY ALL"""
_BY_RULE = """
SELECT q.direction, q.rule_id, coalesce(any_value(r.rule), q.rule_id) AS rule,
  count(DISTINCT q.question) FILTER (WHERE q.strength = 'high') AS high,
  count(DISTINCT q.question) FILTER (WHERE q.strength = 'medium') AS medium,
  count(DISTINCT q.question) FILTER (WHERE q.strength = 'low') AS low,
  count(*) AS gaps, sum(s.score_change) FILTER (WHERE g.part = 'C') AS score_c,
  sum(s.score_change) FILTER (WHERE g.part = 'D') AS score_d, sum(s.dollar_change) AS dollars
FROM chosen c JOIN questions q USING (question) JOIN question_gaps g ON g.gap_id = c.gap_id
JOIN gaps s ON s.gap_id = c.gap_id
LEFT JOIN rules_in_words r ON r.rule_id = q.rule_id
GROUP BY q.direction, q.rule_id ORDER BY q.direction DESC, count(DISTINCT q.question) DESC, q.rule_id"""
_RUN = "SELECT run_id, payment_year, run, as_of, models, engine_version FROM runs ORDER BY started_at DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Summary:
    """What is in a worklist. ``sides``: direction → counts of what is listed, and what all its open gaps change."""

    run: dict[str, Any]
    today: date
    sides: dict[str, dict[str, Any]]
    by_rule: pl.DataFrame
    settled: int


def worklist_summary(con: duckdb.DuckDBPyConnection, today: date) -> Summary:
    """The summary of the rows that ``worklist_rows`` chose last on this connection."""
    sides: dict[str, dict[str, Any]] = {"unsupported": {}, "missing": {}}
    for row in (*_dicts(con, _SIDES, today=today, soon=today + timedelta(days=SOON_DAYS)), *_dicts(con, _APPLIED)):
        sides.setdefault(row.pop("direction"), {}).update(row)
    counted = con.execute(
        "SELECT count(*) FROM questions q JOIN decided d ON d.gap_id = q.question "
        "WHERE q.status = 'open' AND q.question NOT IN (SELECT question FROM chosen)"
    ).fetchone()
    run = _dicts(con, _RUN)
    return Summary(run[0] if run else {}, today, sides, con.sql(_BY_RULE).pl(), int(counted[0]) if counted else 0)


def gaps_were_sought(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether somebody looked for gaps in these results: where nobody did, no gaps is no answer."""
    ((sought,),) = con.execute("SELECT count(as_of) > 0 OR EXISTS (FROM gaps) FROM runs").fetchall()
    return bool(sought)


def _dicts(con: duckdb.DuckDBPyConnection, sql: str, **parameters: object) -> list[dict[str, Any]]:
    found = con.execute(sql, parameters)
    names = [str(entry[0]) for entry in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
