"""Which recapture rows of the table gaps tell of somebody who was due for an HCC, as SQL for the view and the report.

SPEC 5.3: only chronic HCCs are due. An open row is chronic, else it would be suppressed; a closed one does not say, so
the marks of the rule decide (mappings/gaps/recapture_overrides.csv, else the flag of the HCC). HCCs that are marked by
code are counted where they are closed: the results do not hold the flag of each code.
"""

from __future__ import annotations

import csv

from hcc.results.ddl import literal
from hcc.rules.folders import find


def _marks() -> str:
    """Model, HCC, decision and, of HCCs in which some codes are chronic, a pattern of a list with one of them."""
    with find("gaps", "recapture_overrides.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            (row["model"], row["hcc"], row["decision"], f"(^|,)({row['chronic_prefixes']})")
            for row in csv.DictReader(file)
        ]
    return ",\n    ".join(f"({', '.join(map(literal, row))})" for row in rows)


DUE = f"""
  SELECT g.*, CASE WHEN g.status = 'open' THEN 'open' WHEN g.status_reason = 'lower' THEN 'lower' ELSE 'captured' END
    AS became
  FROM gaps g
  LEFT JOIN hccs l ON l.model::VARCHAR = g.model::VARCHAR AND l.calibration::VARCHAR = g.calibration::VARCHAR
    AND l.hcc::VARCHAR = g.hcc::VARCHAR
  LEFT JOIN (VALUES
    {_marks()}
  ) AS mark(model, hcc, decision, chronic) ON mark.model = g.model::VARCHAR AND mark.hcc = g.hcc::VARCHAR
  WHERE g.rule_id = 'RECAPTURE' AND g.status IN ('open', 'closed')
    AND coalesce(g.status_reason::VARCHAR, '') <> 'new'
    AND (g.status = 'open' OR CASE coalesce(mark.decision, '') WHEN 'acute' THEN false
      WHEN 'prefixes' THEN regexp_matches(coalesce(g.candidate_diagnosis_codes, ''), mark.chronic)
      WHEN '' THEN coalesce(l.is_chronic, true) ELSE true END)"""
"""Columns of gaps, and ``became``: open, captured (it, its equivalent or better), or lower."""
