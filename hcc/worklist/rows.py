"""The worklist as one frame: a row per gap, ranked, with words beside codes, ready for a workbook, CSV or Parquet."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import polars as pl

from hcc.worklist.decisions import SETTLED
from hcc.worklist.questions import DUE_ON, RANK_ORDER

EVIDENCE_SHOWN = 6
"""Pieces of evidence in a cell; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the worklist: its name, its heading in the workbook, one sentence on what it holds."""

    name: str
    heading: str
    comment: str


FIELDS = (
    Field("rank", "Rank", "Place in the list of the direction; gaps of one question share it."),
    Field("priority", "Priority", "Points, 0 to 100; see the summary."),
    Field("member_id", "Member", "The plan's identifier of the member."),
    Field("age", "Age", "Age on 1 February of the payment year."),
    Field("sex", "Sex", "F or M."),
    Field("label", "Condition", "CMS's label of the HCC."),
    Field("candidate_diagnoses", "Codes in question", "Diagnosis codes with their descriptions."),
    Field("reason", "What was found", "One plain sentence."),
    Field("evidence_for", "Evidence for the question", "What raises it: date, kind, words, value."),
    Field("evidence_against", "Evidence against it", "What speaks against raising it, in the same form."),
    Field("decision", "Decision", "Yours: supported, not supported, query provider, defer or not reviewable."),
    Field("decision_reason", "Decision reason", "Yours: from the list, or your own words."),
    Field("note", "Note", "Yours."),
    Field("reviewer", "Reviewer", "Who decides; or give --reviewer when the list is imported."),
    Field("decided_on", "Decided on", "Day of the decision; empty = the day of the import."),
    Field("strength", "Strength", "high, medium or low."),
    Field("rule", "Rule", "What the rule looks for."),
    Field("rule_id", "Rule id", "Identifier of the rule."),
    Field("score_change", "Score change", "Change of the member's risk score through this row's model, if acted on."),
    Field("dollar_change", "Dollars a year", "The same in dollars; empty in Part D and without benchmark."),
    Field("last_evidence_date", "Last evidence", "Latest evidence of the gap."),
    Field("last_visit", "Last visit", "Latest encounter with a diagnosis that maps in a model of the run."),
    Field("due_on", "Return by", "Return-by day: 60 days from identification, before that from the flag."),
    Field("direction", "Direction", "unsupported (coded, evidence lacking) or missing (evidence, not coded)."),
    Field("status", "Status", "open, unless other statuses were asked for."),
    Field("model", "Model", "CMS model of the row."),
    Field("hcc", "HCC", "Condition category."),
    Field("candidate_diagnosis_codes", "Codes", "The same codes without words, separated by commas."),
    Field("pcp_npi", "PCP", "Primary care physician."),
    Field("contract_id", "Contract", "CMS contract."),
    Field("earlier_decision", "Earlier decision", "Latest decision so far, by whom and when."),
    Field("evidence_count", "Evidence rows", "Pieces of evidence behind the row."),
    Field("gap_id", "gap_id", "Identifier of the gap; keep it, the import needs it."),
    Field("question", "question", "gap_id of the leading row: rows of one question need one decision."),
    Field("run_id", "run_id", "The run that wrote the gap."),
)
EVIDENCE_WORDS = """CASE
    WHEN e.kind::VARCHAR NOT IN ('claim', 'problem', 'finding') OR coalesce(e.code, '') = ''
      THEN coalesce(e.description, '')
    WHEN w.words IS NULL OR contains(coalesce(e.description, ''), w.words) THEN coalesce(e.description, e.code)
    WHEN coalesce(e.description, '') = '' THEN w.words
    ELSE w.words || ' (' || e.description || ')' END"""
"""Evidence ``e`` in words, as SQL: a diagnosis by its name (table ``described w``), what else is said of it behind."""
_EVIDENCE = f"""
SELECT e.gap_id, e.stance::VARCHAR AS stance, count(*) AS pieces,
  string_agg(CASE WHEN e.place <= {EVIDENCE_SHOWN} THEN
    coalesce(strftime(e.evidence_date, '%Y-%m-%d') || '  ', '') || e.kind::VARCHAR || ': ' || {EVIDENCE_WORDS}
    || CASE WHEN coalesce(e.value, '') = '' THEN '' ELSE ', ' || e.value END END,
    chr(10) ORDER BY e.evidence_number)
  || CASE WHEN count(*) > {EVIDENCE_SHOWN}
    THEN chr(10) || 'and ' || (count(*) - {EVIDENCE_SHOWN}) || ' more' ELSE '' END
  AS words
FROM (
  SELECT *, row_number() OVER (PARTITION BY gap_id, stance ORDER BY evidence_number) AS place
  FROM gap_evidence SEMI JOIN chosen USING (gap_id)
) e LEFT JOIN described w ON w.code = e.code GROUP BY e.gap_id, e.stance"""


def worklist_rows(
    con: duckdb.DuckDBPyConnection,
    *,
    statuses: tuple[str, ...] = ("open",),
    decided: bool = False,
    limit: int | None = None,
) -> pl.DataFrame:
    """One row per gap with the columns of ``FIELDS``, best ranked first within each direction.

    ``con`` has the temporary tables of ``make_questions``, ``put_decisions`` and ``put_words``. ``decided`` lists
    questions that are settled already as well; ``limit`` keeps the first questions of each direction.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE chosen AS
        SELECT g.gap_id, q.question, q.rank, q.priority, q.last_visit, q.due_on, d.decision AS earlier,
          d.reviewer AS earlier_by, d.decided_at AS earlier_at
        FROM (
          SELECT q.*, row_number() OVER (PARTITION BY q.direction ORDER BY {RANK_ORDER}) AS rank
          FROM (SELECT q.* REPLACE ({DUE_ON} AS due_on) FROM questions q LEFT JOIN decided d ON d.gap_id = q.question
                WHERE list_contains($statuses, q.status)
                  AND ($decided OR d.decision IS NULL OR d.decision NOT IN {SETTLED})) q
        ) q
        JOIN question_gaps g USING (question)
        LEFT JOIN decided d ON d.gap_id = g.gap_id
        WHERE $limit IS NULL OR q.rank <= $limit""",
        {"statuses": list(statuses), "decided": decided, "limit": limit},
    )
    names = ", ".join(field.name for field in FIELDS)
    rows: pl.DataFrame = con.sql(
        f"""
        WITH evidence AS ({_EVIDENCE}), by_gap AS (
          SELECT gap_id, sum(pieces)::BIGINT AS evidence_count,
            any_value(words) FILTER (WHERE stance = 'for') AS evidence_for,
            any_value(words) FILTER (WHERE stance = 'against') AS evidence_against
          FROM evidence GROUP BY ALL
        ), listed AS (
          SELECT c.rank, c.priority, c.question, c.last_visit, c.due_on,
            nullif(concat_ws(', ', replace(c.earlier, '_', ' '), c.earlier_by, strftime(c.earlier_at, '%Y-%m-%d')), '')
              AS earlier_decision,
            g.gap_id, g.member_id, g.direction::VARCHAR AS direction, g.status::VARCHAR AS status,
            g.strength::VARCHAR AS strength, g.rule_id::VARCHAR AS rule_id,
            coalesce(r.rule, g.rule_id::VARCHAR) AS rule, g.reason, g.candidate_diagnosis_codes,
            w.words AS candidate_diagnoses, g.model::VARCHAR AS model, g.hcc::VARCHAR AS hcc, g.label::VARCHAR AS label,
            g.score_change, g.dollar_change,
            g.last_evidence_date, g.pcp_npi, g.run_id::VARCHAR AS run_id, m.age, m.sex::VARCHAR AS sex, m.contract_id,
            coalesce(b.evidence_count, 0) AS evidence_count, b.evidence_for, b.evidence_against,
            NULL::VARCHAR AS decision, NULL::VARCHAR AS decision_reason, NULL::VARCHAR AS note,
            NULL::VARCHAR AS reviewer, NULL::DATE AS decided_on
          FROM chosen c JOIN gaps g USING (gap_id)
          LEFT JOIN members m ON m.member_id = g.member_id
          LEFT JOIN by_gap b ON b.gap_id = g.gap_id
          LEFT JOIN codes_in_words w ON w.codes = g.candidate_diagnosis_codes
          LEFT JOIN rules_in_words r ON r.rule_id = g.rule_id::VARCHAR
        )
        SELECT {names} FROM listed ORDER BY direction DESC, rank, gap_id <> question, gap_id"""
    ).pl()
    return rows
