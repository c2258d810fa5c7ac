"""Views and macros of the results file: promised and stable, plain SQL, usable from ``duckdb`` without this package.

Each is declared once: its name, one sentence and the SQL; ``view_columns`` says what its columns mean.
"""

from __future__ import annotations

from dataclasses import dataclass

from hcc.results.ddl import literal, quoted
from hcc.results.recapture import DUE
from hcc.results.view_columns import COLUMNS


@dataclass(frozen=True, slots=True)
class View:
    """A view of the results file."""

    name: str
    comment: str
    sql: str

    @property
    def columns(self) -> dict[str, str]:
        """What each of its columns means, in their order."""
        return COLUMNS[self.name]

    @property
    def statements(self) -> list[str]:
        return [
            f"CREATE OR REPLACE VIEW {quoted(self.name)} AS{self.sql}",
            f"COMMENT ON VIEW {quoted(self.name)} IS {literal(self.comment)}",
            *(
                f"COMMENT ON COLUMN {quoted(self.name)}.{quoted(column)} IS {literal(comment)}"
                for column, comment in self.columns.items()
            ),
        ]


@dataclass(frozen=True, slots=True)
class Macro:
    """A table macro: a view with an argument. ``call`` is an example."""

    name: str
    comment: str
    arguments: str
    sql: str
    call: str

    @property
    def statements(self) -> list[str]:
        return [
            f"CREATE OR REPLACE MACRO {self.name}({self.arguments}) AS TABLE{self.sql}",
            f"COMMENT ON MACRO TABLE {self.name} IS {literal(self.comment)}",
        ]


def _member_rollup(key: str) -> str:
    """Members, scores and gaps in both directions by a column of ``members``.

    What gaps are worth comes from member_gaps: rules overlap, and a sum of gaps would count an HCC twice.
    """
    return f"""
WITH people AS (
  SELECT m.{key}, count(*) AS members, avg(c.risk_score) AS mean_risk_score_c, avg(d.risk_score) AS mean_risk_score_d,
    count(*) FILTER (WHERE c.risk_score IS NOT NULL) AS members_with_score_c,
    count(*) FILTER (WHERE h.member_id IS NULL) AS members_without_hcc
  FROM members m
  LEFT JOIN member_scores c ON c.member_id = m.member_id AND c.part = 'C'
  LEFT JOIN member_scores d ON d.member_id = m.member_id AND d.part = 'D'
  LEFT JOIN (SELECT DISTINCT member_id FROM member_hccs WHERE dropped_by_hcc IS NULL) h ON h.member_id = m.member_id
  GROUP BY ALL
), gap AS (
  SELECT m.{key}, count(*) FILTER (WHERE direction = 'unsupported') AS open_unsupported,
    count(*) FILTER (WHERE direction = 'missing') AS open_missing
  FROM gaps JOIN members m USING (member_id) WHERE status = 'open' GROUP BY ALL
), worth AS (
  SELECT m.{key},
    sum(score_change) FILTER (WHERE direction = 'unsupported' AND part = 'C') AS unsupported_score_change_c,
    sum(score_change) FILTER (WHERE direction = 'missing' AND part = 'C') AS missing_score_change_c,
    sum(dollar_change) FILTER (WHERE direction = 'unsupported') AS unsupported_dollar_change,
    sum(dollar_change) FILTER (WHERE direction = 'missing') AS missing_dollar_change
  FROM member_gaps JOIN members m USING (member_id) GROUP BY ALL
)
SELECT p.{key}, p.members, p.members_with_score_c, round(p.mean_risk_score_c, 4) AS mean_risk_score_c,
  round(p.mean_risk_score_d, 4) AS mean_risk_score_d,
  round(p.members_without_hcc / p.members, 4) AS share_without_hcc,
  coalesce(g.open_unsupported, 0) AS open_unsupported, coalesce(g.open_missing, 0) AS open_missing,
  w.unsupported_score_change_c, w.missing_score_change_c, w.unsupported_dollar_change, w.missing_dollar_change
FROM people p
LEFT JOIN gap g ON g.{key} IS NOT DISTINCT FROM p.{key}
LEFT JOIN worth w ON w.{key} IS NOT DISTINCT FROM p.{key}
ORDER BY p.members DESC, p.{key}"""


VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View(
            "current_scores",
            "One row per member and part: the risk score with who the member is and which models and segments made it.",
            """
SELECT s.member_id, s.part, s.payment_year, s.risk_score, s.payable_months, s.frailty, by_model.models,
  by_model.segments, m.age, m.sex, m.program, m.contract_id, m.pbp_id, m.pcp_npi, s.unverified, s.no_score_reason
FROM member_scores s
JOIN members m USING (member_id)
LEFT JOIN (
  SELECT member_id, part, string_agg(DISTINCT model::VARCHAR, ', ' ORDER BY model::VARCHAR) AS models,
    string_agg(DISTINCT segment::VARCHAR, ', ' ORDER BY segment::VARCHAR) AS segments
  FROM scores WHERE blend_weight IS NOT NULL GROUP BY ALL
) by_model ON by_model.member_id = s.member_id AND by_model.part = s.part""",
        ),
        View(
            "open_gaps",
            "One row per open gap, in both directions, with how much evidence speaks for and against it.",
            """
SELECT g.gap_id, g.direction, g.member_id, g.payment_year, g.model, g.calibration, g.hcc, g.label, g.rule_id,
  g.strength, g.score_change, g.dollar_change, g.reason, g.candidate_diagnosis_codes, g.last_evidence_date,
  coalesce(e.evidence_for, 0) AS evidence_for, coalesce(e.evidence_against, 0) AS evidence_against,
  g.pcp_npi, m.contract_id, g.flagged_on, g.flagged_return_by, g.identified_on, g.return_by, g.decision
FROM gaps g
LEFT JOIN members m USING (member_id)
LEFT JOIN (
  SELECT gap_id, count(*) FILTER (WHERE stance = 'for') AS evidence_for,
    count(*) FILTER (WHERE stance = 'against') AS evidence_against
  FROM gap_evidence GROUP BY ALL
) e USING (gap_id)
WHERE g.status = 'open'""",
        ),
        View(
            "hcc_diagnoses",
            "One row per member, model, HCC and counted diagnosis code behind it, age and sex edits applied.",
            """
WITH behind AS (
  SELECT d.member_id, m.payment_year, m.model, m.calibration, m.hcc, d.diagnosis_code, d.claim_id, d.thru_date
  FROM diagnoses d JOIN diagnosis_hccs m ON m.diagnosis_code = d.diagnosis_code
  WHERE d.counted AND NOT EXISTS (
    SELECT 1 FROM edited_diagnoses e WHERE e.member_id = d.member_id AND e.model = m.model
      AND e.calibration = m.calibration AND e.diagnosis_code = d.diagnosis_code)
  UNION ALL
  SELECT d.member_id, e.payment_year, e.model, e.calibration, e.hcc, d.diagnosis_code, d.claim_id, d.thru_date
  FROM diagnoses d JOIN edited_diagnoses e ON e.member_id = d.member_id AND e.diagnosis_code = d.diagnosis_code
  WHERE d.counted AND e.hcc <> ''
)
SELECT b.member_id, b.payment_year, b.model, b.calibration, b.hcc, b.diagnosis_code,
  coalesce(any_value(w.description), b.diagnosis_code) AS description,
  min(b.thru_date) AS first_date, max(b.thru_date) AS last_date, count(DISTINCT b.claim_id) AS claims
FROM behind b
LEFT JOIN (SELECT diagnosis_code, any_value(description) AS description FROM diagnosis_hccs GROUP BY ALL) w
  ON w.diagnosis_code = b.diagnosis_code
GROUP BY b.member_id, b.payment_year, b.model, b.calibration, b.hcc, b.diagnosis_code""",
        ),
        View(
            "why",
            "One row per member, model, status and variable of the score, and one per HCC that another displaced: what "
            "it adds and, in words, the diagnoses behind it.",
            """
WITH codes AS (
  SELECT member_id, model, calibration, hcc,
    string_agg(diagnosis_code || ' ' || description, '; ' ORDER BY diagnosis_code) AS codes
  FROM hcc_diagnoses GROUP BY ALL
), factor AS (
  SELECT member_id, payment_year, model, calibration, segment, first_month, months, variable, coefficient,
    regexp_extract(variable::VARCHAR, '^(?:RX)?HCC([0-9]+)$', 1) AS hcc
  FROM factors
)
SELECT f.member_id, f.payment_year, f.model, f.calibration, f.segment, f.first_month, f.months, f.variable,
  f.coefficient, nullif(f.hcc, '') AS hcc, coalesce(l.label, f.variable::VARCHAR) AS label,
  NULL::VARCHAR AS dropped_by_hcc,
  h.first_date, h.last_date, h.claims, c.codes
FROM factor f
LEFT JOIN hccs l ON l.model = f.model AND l.calibration = f.calibration AND l.hcc = f.hcc
LEFT JOIN member_hccs h
  ON h.member_id = f.member_id AND h.model = f.model AND h.calibration = f.calibration AND h.hcc = f.hcc
LEFT JOIN codes c ON c.member_id = f.member_id AND c.model = f.model AND c.calibration = f.calibration AND c.hcc = f.hcc
UNION ALL
SELECT h.member_id, h.payment_year, h.model, h.calibration, NULL, NULL, NULL, NULL, NULL,
  h.hcc, coalesce(l.label, h.hcc), h.dropped_by_hcc, h.first_date, h.last_date, h.claims, c.codes
FROM member_hccs h
LEFT JOIN hccs l ON l.model = h.model AND l.calibration = h.calibration AND l.hcc = h.hcc
LEFT JOIN codes c ON c.member_id = h.member_id AND c.model = h.model AND c.calibration = h.calibration AND c.hcc = h.hcc
WHERE h.dropped_by_hcc IS NOT NULL""",
        ),
        View(
            "hcc_prevalence",
            "One row per model and HCC: members who have it, before and after hierarchies, and their share.",
            """
WITH scored AS (
  SELECT model, calibration, count(DISTINCT member_id) AS scored_members
  FROM scores WHERE raw_score IS NOT NULL GROUP BY ALL
), found AS (
  SELECT payment_year, model, calibration, hcc, count(*) AS members_with_diagnosis,
    count(*) FILTER (WHERE dropped_by_hcc IS NULL) AS members, avg(coefficient) AS mean_coefficient
  FROM member_hccs GROUP BY ALL
)
SELECT f.payment_year, f.model, f.calibration, f.hcc, l.label, f.members, f.members_with_diagnosis, s.scored_members,
  round(f.members / s.scored_members, 5) AS share_of_members, round(f.mean_coefficient, 3) AS mean_coefficient
FROM found f
LEFT JOIN scored s ON s.model = f.model AND s.calibration = f.calibration
LEFT JOIN hccs l ON l.model = f.model AND l.calibration = f.calibration AND l.hcc = f.hcc
ORDER BY f.model, f.calibration, f.members DESC, f.hcc""",
        ),
        View(
            "segment_rollup",
            "One row per model and segment: member rows, mean scores at each step, unverified rows.",
            """
SELECT payment_year, part, program, model, calibration, segment, count(*) AS score_rows,
  count(DISTINCT member_id) AS members,
  round(avg(raw_score), 4) AS mean_raw_score, round(avg(normalized_score), 4) AS mean_normalized_score,
  round(avg(payment_score), 4) AS mean_payment_score, count(*) FILTER (WHERE unverified) AS unverified_rows
FROM scores GROUP BY ALL ORDER BY part, program, model, calibration, segment""",
        ),
        View(
            "uncounted_diagnoses",
            "One row per diagnosis that maps to an HCC and did not count, with the reason in words and its HCCs.",
            """
SELECT d.member_id, d.claim_id, d.diagnosis_code, coalesce(w.description, d.diagnosis_code) AS description, d.thru_date,
  d.claim_type, d.record_type, d.reason, r.meaning, d.flags, w.hccs, d.rendering_npi, d.place_of_service
FROM diagnoses d
LEFT JOIN reasons r ON r.reason = d.reason
LEFT JOIN (
  SELECT diagnosis_code, any_value(description) AS description,
    string_agg(model || ' ' || hcc, ', ' ORDER BY model, hcc::INTEGER) AS hccs
  FROM (SELECT DISTINCT diagnosis_code, description, model::VARCHAR AS model, hcc::VARCHAR AS hcc FROM diagnosis_hccs)
  GROUP BY diagnosis_code
) w ON w.diagnosis_code = d.diagnosis_code
WHERE NOT d.counted""",
        ),
        View(
            "recapture",
            "One row per model and HCC known from earlier years: how many members were due, are captured, are open.",
            f"""
SELECT payment_year, model, calibration, hcc, any_value(label) AS label, count(*) AS due,
  count(*) FILTER (WHERE became = 'captured') AS captured, count(*) FILTER (WHERE became = 'open') AS open,
  round(count(*) FILTER (WHERE became = 'captured') / count(*), 4) AS recapture_rate,
  sum(score_change) FILTER (WHERE became = 'open') AS open_score_change,
  sum(dollar_change) FILTER (WHERE became = 'open') AS open_dollar_change,
  count(*) FILTER (WHERE became = 'lower') AS captured_lower
FROM ({DUE})
GROUP BY ALL ORDER BY model, calibration, open DESC, hcc""",
        ),
        View(
            "recapture_by_month",
            "One row per model and month of service: how many HCCs known from earlier years came back, and how many so far.",
            f"""
WITH due AS ({DUE}
), month AS (
  SELECT g.payment_year, g.model, g.calibration, date_trunc('month', h.first_date)::DATE AS month, count(*) AS captured
  FROM due g
  LEFT JOIN member_hccs h ON h.member_id = g.member_id AND h.model = g.model AND h.calibration = g.calibration
    AND h.hcc::VARCHAR = g.hcc::VARCHAR
  WHERE g.became = 'captured' GROUP BY ALL
), total AS (
  SELECT payment_year, model, calibration, count(*) AS due FROM due GROUP BY ALL
)
SELECT m.*, sum(m.captured) OVER so_far AS captured_so_far, t.due,
  round(sum(m.captured) OVER so_far / t.due, 4) AS recapture_rate
FROM month m JOIN total t USING (payment_year, model, calibration)
WINDOW so_far AS (PARTITION BY m.payment_year, m.model, m.calibration ORDER BY m.month NULLS LAST)
ORDER BY m.model, m.calibration, m.month NULLS LAST""",
        ),
        View(
            "rule_rollup",
            "One row per gap rule, direction, strength and part: gaps in each status and what the open ones are worth.",
            """
WITH of_model AS (SELECT DISTINCT model::VARCHAR AS model, part FROM scores)
SELECT payment_year, rule_id, direction, strength, part, count(*) FILTER (WHERE status = 'open') AS open,
  count(*) FILTER (WHERE status = 'closed') AS closed, count(*) FILTER (WHERE status = 'suppressed') AS suppressed,
  count(*) FILTER (WHERE status = 'indeterminate') AS indeterminate,
  count(*) FILTER (WHERE status = 'informational') AS informational,
  count(DISTINCT member_id) FILTER (WHERE status = 'open') AS members_open,
  sum(score_change) FILTER (WHERE status = 'open') AS open_score_change,
  sum(dollar_change) FILTER (WHERE status = 'open') AS open_dollar_change
FROM gaps LEFT JOIN of_model ON of_model.model = gaps.model::VARCHAR
GROUP BY ALL ORDER BY direction, rule_id, strength, part""",
        ),
        View(
            "hcc_rollup",
            "One row per model and HCC: members who have it and members with open gaps, both directions side by side.",
            """
WITH one AS (
  -- Several rules may flag one HCC of a member: it is worth its change once, and that of the rule that moves it most
  -- (0: of a rule that leaves it standing on other diagnoses).
  SELECT model, calibration, hcc, direction, member_id, arg_max(score_change, abs(score_change)) AS score_change,
    arg_max(dollar_change, abs(score_change)) AS dollar_change
  FROM gaps WHERE status = 'open' AND hcc <> '' GROUP BY ALL
), gap AS (
  SELECT model, calibration, hcc, count(*) FILTER (WHERE direction = 'unsupported') AS open_unsupported,
    count(*) FILTER (WHERE direction = 'missing') AS open_missing,
    sum(score_change) FILTER (WHERE direction = 'unsupported') AS unsupported_score_change,
    sum(score_change) FILTER (WHERE direction = 'missing') AS missing_score_change,
    sum(dollar_change) FILTER (WHERE direction = 'unsupported') AS unsupported_dollar_change,
    sum(dollar_change) FILTER (WHERE direction = 'missing') AS missing_dollar_change
  FROM one GROUP BY ALL
), had AS (
  SELECT model, calibration, hcc, count(*) FILTER (WHERE dropped_by_hcc IS NULL) AS members
  FROM member_hccs GROUP BY ALL
)
SELECT l.payment_year, l.model, l.calibration, l.hcc, l.label, coalesce(h.members, 0) AS members,
  coalesce(g.open_unsupported, 0) AS open_unsupported, coalesce(g.open_missing, 0) AS open_missing,
  g.unsupported_score_change, g.missing_score_change, g.unsupported_dollar_change, g.missing_dollar_change
FROM hccs l
LEFT JOIN had h ON h.model = l.model AND h.calibration = l.calibration AND h.hcc = l.hcc
LEFT JOIN gap g ON g.model = l.model AND g.calibration = l.calibration AND g.hcc = l.hcc
WHERE h.hcc IS NOT NULL OR g.hcc IS NOT NULL
ORDER BY l.model, l.calibration, members DESC, l.hcc""",
        ),
        View(
            "provider_rollup",
            "One row per primary care physician: members, mean scores and open gaps in both directions side by side.",
            _member_rollup("pcp_npi"),
        ),
        View(
            "contract_rollup",
            "One row per contract: members, mean scores and open gaps in both directions side by side.",
            _member_rollup("contract_id"),
        ),
        View(
            "data_quality",
            "One row per kind of fault in the input and reason: how many rows, and the reason in words.",
            """
SELECT f.kind, f.reason, r.meaning, f.rows FROM (
  SELECT 'rejected row' AS kind, reason::VARCHAR AS reason, count(*) AS rows FROM rejected_rows GROUP BY ALL
  UNION ALL SELECT 'unmapped code', reason::VARCHAR, sum(rows)::BIGINT FROM unmapped_codes GROUP BY ALL
  UNION ALL SELECT 'diagnosis not counted', reason::VARCHAR, count(*) FROM diagnoses WHERE NOT counted GROUP BY ALL
  UNION ALL SELECT 'diagnosis flagged', trim(flag), count(*)
    FROM (SELECT unnest(string_split(flags::VARCHAR, ',')) AS flag FROM diagnoses WHERE flags::VARCHAR <> '')
    GROUP BY ALL
  UNION ALL SELECT 'doubtful member value', trim(flag), count(*)
    FROM (SELECT unnest(string_split(data_quality, ',')) AS flag FROM members WHERE data_quality <> '') GROUP BY ALL
) f LEFT JOIN reasons r ON r.reason = f.reason
ORDER BY f.kind, f.rows DESC, f.reason""",
        ),
    )
}

MACROS: dict[str, Macro] = {
    macro.name: macro
    for macro in (
        Macro(
            "explain_member",
            "What one member's scores are made of: every factor, every HCC, the diagnoses in words (view why).",
            "id",
            "\nSELECT * EXCLUDE (member_id) FROM why WHERE member_id = id ORDER BY model, calibration, first_month, "
            "dropped_by_hcc IS NOT NULL, hcc IS NOT NULL, coefficient DESC, variable, try_cast(hcc AS INTEGER)",
            "FROM explain_member('M1');",
        ),
        Macro(
            "diagnoses_of",
            "One member's diagnoses that map to an HCC: counted or not, and why not, in words.",
            "id",
            "\nSELECT d.thru_date, d.diagnosis_code, d.claim_id, d.claim_type, d.counted, d.reason, r.meaning, d.flags "
            "FROM diagnoses d LEFT JOIN reasons r ON r.reason = d.reason WHERE d.member_id = id "
            "ORDER BY d.thru_date, d.claim_id, d.diagnosis_code, d.reason",
            "FROM diagnoses_of('M1');",
        ),
        Macro(
            "gaps_of",
            "One member's gaps in both directions, whatever their status.",
            "id",
            "\nSELECT direction, status, status_reason, model, hcc, label, rule_id, strength, score_change, "
            "dollar_change, reason, last_evidence_date, gap_id FROM gaps WHERE member_id = id "
            "ORDER BY direction, status, try_cast(hcc::VARCHAR AS INTEGER), rule_id, model, calibration, gap_id",
            "FROM gaps_of('M1');",
        ),
        Macro(
            "evidence_of",
            "The evidence for and against one gap, in order.",
            "id",
            "\nSELECT evidence_number, stance, kind, evidence_date, code, description, value, claim_id "
            "FROM gap_evidence WHERE gap_id = id ORDER BY evidence_number",
            "FROM evidence_of('a1b2c3');",
        ),
    )
}


def statements() -> list[str]:
    """SQL that makes every view and macro, in an order in which each finds what it stands on."""
    made: list[View | Macro] = [*VIEWS.values(), *MACROS.values()]
    return [line for item in made for line in item.statements]
