"""Gaps as questions for people, ranked: temporary tables on a connection to the results, so that nothing leaves DuckDB.

One evidence often gives a gap in several models (Part C and Part D, or two models of a blend). A person answers it
once: gaps of one member, direction, rule, status and set of codes are one **question**, named by its leading gap_id.
"""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from hcc.worklist.decisions import RETURN_DAYS, latest_decisions
from hcc.worklist.priority import Weights, priority_sql

_KEY = "member_id, direction, rule_id, codes, status"

_GAP_OF = f"""
CREATE OR REPLACE TEMP TABLE question_gaps AS
WITH part_of AS (
  SELECT model::VARCHAR AS model, any_value(part)::VARCHAR AS part FROM scores GROUP BY ALL
), listed AS (
  SELECT g.gap_id, g.member_id, g.direction::VARCHAR AS direction, g.rule_id::VARCHAR AS rule_id,
    g.status::VARCHAR AS status, coalesce(g.candidate_diagnosis_codes, '') AS codes,
    coalesce(p.part, 'C') AS part, g.score_change
  FROM gaps g LEFT JOIN part_of p ON p.model = g.model::VARCHAR
)
SELECT gap_id, part,
  first_value(gap_id) OVER (PARTITION BY {_KEY} ORDER BY part, abs(score_change) DESC NULLS LAST, gap_id) AS question,
  sum(score_change) OVER (PARTITION BY {_KEY}, part) AS part_change
FROM listed"""

_QUESTIONS = """
CREATE OR REPLACE TEMP TABLE questions AS
WITH visit AS (
  SELECT member_id, max(thru_date) AS last_visit FROM diagnoses WHERE record_type::VARCHAR = 'encounter' GROUP BY ALL
), worth AS (
  SELECT q.question, count(*) AS gaps, arg_min(q.part_change, q.part) AS score_change,
    min(q.part) AS part,
    sum(g.dollar_change) AS dollar_change, max(g.last_evidence_date) AS last_evidence_date,
    min(coalesce(g.return_by, g.flagged_return_by)) AS due_on,
    list(g.model::VARCHAR || ' ' || coalesce(g.hcc::VARCHAR, '') ORDER BY q.part, g.model::VARCHAR) AS hccs
  FROM question_gaps q JOIN gaps g USING (gap_id) GROUP BY ALL
)
SELECT q.question, g.member_id, g.direction::VARCHAR AS direction, g.rule_id::VARCHAR AS rule_id,
  g.status::VARCHAR AS status, g.strength::VARCHAR AS strength, coalesce(g.candidate_diagnosis_codes, '') AS codes,
  g.model::VARCHAR AS model, g.hcc::VARCHAR AS hcc, g.label::VARCHAR AS label,
  w.hccs, w.gaps, w.part, w.score_change, w.dollar_change,
  w.last_evidence_date, w.due_on, v.last_visit, g.pcp_npi
FROM worth w
JOIN question_gaps q ON q.question = w.question AND q.gap_id = w.question
JOIN gaps g ON g.gap_id = q.gap_id
LEFT JOIN visit v ON v.member_id = g.member_id"""

_RANKED = "ALTER TABLE questions ADD COLUMN priority DOUBLE"
RANK_ORDER = "priority DESC, abs(score_change) DESC NULLS LAST, last_evidence_date, question"
"""The order of the worklist, as SQL; the last term makes it total."""

_DECIDED = "CREATE OR REPLACE TEMP TABLE decided AS SELECT * FROM latest_decisions_frame"


def make_questions(con: duckdb.DuckDBPyConnection, weights: Weights, today: date) -> None:
    """Make the temporary tables ``question_gaps`` (gap_id, part, question) and ``questions`` (one row per question).

    ``con``: an open results file, read-only or not. ``score_change`` is that of Part C where the question has a
    gap in it, else of Part D (the two are paid differently and do not add up); ``due_on`` the earliest return-by day;
    ``last_visit`` the latest encounter with a diagnosis that maps.
    """
    con.execute(_GAP_OF)
    con.execute(_QUESTIONS)
    con.execute(_RANKED)
    con.execute(f"UPDATE questions SET priority = {priority_sql(weights, today)}")


def put_decisions(con: duckdb.DuckDBPyConnection, reviews: pl.DataFrame) -> None:
    """Make the temporary table ``decided``: the latest decision of each gap (see ``latest_decisions``)."""
    con.register("latest_decisions_frame", latest_decisions(reviews).to_arrow())
    try:
        con.execute(_DECIDED)
    finally:
        con.unregister("latest_decisions_frame")


DUE_ON = (
    "CASE WHEN q.direction = 'unsupported' AND d.not_supported_on IS NOT NULL "
    f"THEN d.not_supported_on + {RETURN_DAYS} ELSE q.due_on END"
)
"""Return-by day as SQL over ``questions q`` and ``decided d``: a decision that is not in the results yet counts."""
