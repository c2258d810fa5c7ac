"""Where a population's mean risk score moved between two results files, in parts that sum exactly.

The change of the mean is split into who left, who joined, and what changed for those who stayed. For them, each
model's payment score is its factors times one number (weight × (1 − coding adjustment) ÷ normalization): changes of
factors are valued with the number of the first file, the change of the number with the factors of the second. What the
roundings of CMS's steps leave is a part of its own, so that the parts sum to the difference to the last digit shown.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from hcc.errors import HccError
from hcc.results.ddl import literal
from hcc.results.reader import open_results

PLACES = Decimal("0.000001")
KINDS = {
    "left": "members who left or lost their score",
    "joined": "members who joined or gained a score",
    "demographic": "age, sex, entitlement and status",
    "hcc_gained": "HCCs gained",
    "hcc_lost": "HCCs lost",
    "hierarchy": "HCCs that a hierarchy displaced or gave back",
    "interaction": "interactions and counts",
    "coefficient": "other coefficients for the same HCC (segment or model release)",
    "payment": "models, blend, normalization and coding adjustment",
    "frailty": "frailty",
    "rounding": "rounding",
}


@dataclass(frozen=True)
class HccMove:
    """What one HCC, gained or lost, moved the mean by."""

    model: str
    hcc: str
    label: str
    gained: int
    lost: int
    change: Decimal


@dataclass(frozen=True)
class Comparison:
    """One part (C or D): means to six places; ``parts`` (kind → change of the mean) sum to ``after`` − ``before``."""

    part: str
    members_before: int
    members_after: int
    members_in_both: int
    before: Decimal
    after: Decimal
    parts: dict[str, Decimal]
    hccs: tuple[HccMove, ...]


def compare(before: str | Path, after: str | Path) -> list[Comparison]:
    """Compare two results files, one entry for each part that both score.

    Raises ResultsError for a file that cannot be read, HccError where no part is scored in both.
    """
    for path in (before, after):
        open_results(path).close()
    with tempfile.TemporaryDirectory(prefix="hcc-") as spill, duckdb.connect() as con:
        con.execute(f"SET temp_directory = {literal(spill)}")
        for name, path in (("a", before), ("b", after)):
            con.execute(f"ATTACH {literal(str(path))} AS {name} (READ_ONLY)")
            _effects(con, name)
        parts = [str(row[0]) for row in con.execute(_PARTS).fetchall()]
        if not parts:
            raise HccError(
                "No part is scored in both files.", hint="Runs with --model have no blended risk score to compare."
            )
        return [_comparison(con, part) for part in parts]


_PARTS = """
SELECT part::VARCHAR FROM a.member_scores WHERE risk_score IS NOT NULL
INTERSECT SELECT part::VARCHAR FROM b.member_scores WHERE risk_score IS NOT NULL ORDER BY 1"""


def _effects(con: duckdb.DuckDBPyConnection, db: str) -> None:
    """Tables <db>_month, <db>_model, <db>_factor: each member's scores spread over the payable months.

    _model: ``raw`` (mean raw score over the member's payable months), ``paid`` (the same after payment factors,
    unrounded). _factor: the same mean of each variable; its sum over variables is ``raw``.
    """
    interactions, blind = _told_by_rules(con, db)
    con.execute(f"CREATE TEMP TABLE {db}_interaction AS SELECT unnest({_list(interactions)}) AS variable")
    con.execute(f"CREATE TEMP TABLE {db}_blind AS SELECT unnest({_list(blind)}) AS segment")
    # A model's calibration changes from year to year: a member's first one is compared with the member's first one.
    con.execute(f"""
CREATE TEMP TABLE {db}_key AS
SELECT member_id, model, calibration,
  model || ':' || row_number() OVER (PARTITION BY member_id, model ORDER BY calibration) AS key
FROM (SELECT DISTINCT member_id, model::VARCHAR AS model, calibration::VARCHAR AS calibration FROM {db}.scores
  WHERE (payable OR month IS NULL) AND blend_weight > 0)""")
    con.execute(f"""
CREATE TEMP TABLE {db}_month AS
SELECT s.member_id, s.part::VARCHAR AS part, k.key AS model, k.calibration,
  s.segment::VARCHAR AS segment, s.raw_score, m.payable_months, count(*) AS months,
  sum(s.blend_weight::DOUBLE * (1 - p.coding_adjustment::DOUBLE) / p.normalization::DOUBLE) AS worth
FROM {db}.scores s
JOIN {db}_key k ON k.member_id = s.member_id AND k.model = s.model::VARCHAR AND k.calibration = s.calibration::VARCHAR
JOIN {db}.payment_factors p ON p.part = s.part AND p.program = s.program AND p.model = s.model
  AND p.calibration = s.calibration
JOIN (SELECT member_id, part, if(count(month) = 0, 1, count(DISTINCT month)) AS payable_months
  FROM {db}.scores WHERE (payable OR month IS NULL) AND blend_weight IS NOT NULL GROUP BY ALL) m
  ON m.member_id = s.member_id AND m.part = s.part
WHERE (s.payable OR s.month IS NULL) AND s.blend_weight > 0
GROUP BY ALL""")
    con.execute(f"""
CREATE TEMP TABLE {db}_model AS
SELECT member_id, part, model, sum(raw_score * months / payable_months) AS raw,
  sum(raw_score * worth / payable_months) AS paid, sum(worth / payable_months) AS worth
FROM {db}_month GROUP BY ALL""")
    con.execute(f"""
CREATE TEMP TABLE {db}_factor AS
WITH all_factors AS (
  SELECT k.key AS model, f.* EXCLUDE (model) FROM {db}.factors f
  JOIN {db}_key k ON k.member_id = f.member_id AND k.model = f.model::VARCHAR AND k.calibration = f.calibration::VARCHAR
), status AS (
  SELECT member_id, model, segment::VARCHAR AS segment, first_month, sum(coefficient) AS raw_score
  FROM all_factors GROUP BY ALL
), chosen AS (  -- the status whose factors sum to the month's raw score; the first where several do
  SELECT m.member_id, m.part, m.model, m.segment, m.raw_score, m.months / m.payable_months AS share,
    min(s.first_month) AS first_month
  FROM (SELECT member_id, part, model, segment, raw_score, payable_months, sum(months) AS months
    FROM {db}_month GROUP BY ALL) m
  JOIN status s ON s.member_id = m.member_id AND s.model = m.model AND s.segment = m.segment
    AND s.raw_score = m.raw_score
  GROUP BY ALL
)
SELECT c.member_id, c.part, c.model, f.variable::VARCHAR AS variable, sum(f.coefficient * c.share) AS value
FROM chosen c
JOIN all_factors f ON f.member_id = c.member_id AND f.model = c.model
  AND f.segment::VARCHAR = c.segment AND f.first_month IS NOT DISTINCT FROM c.first_month
GROUP BY ALL""")


def _told_by_rules(con: duckdb.DuckDBPyConnection, db: str) -> tuple[set[str], set[str]]:
    """Of the models of a file, from mappings/: variables that are interactions or counts; segments (model and segment)
    that use no diagnoses."""
    from hcc.rules.ruleset import load_rules

    found: set[str] = set()
    blind: set[str] = set()
    for rules, options in con.execute(f"SELECT rules, options FROM {db}.runs").fetchall():
        own = json.loads(options or "{}").get("mappings")
        for entry in json.loads(rules or "[]"):
            if "model" not in entry:
                continue
            try:
                tables = load_rules(entry["model"], int(entry["payment_year"]), mappings=own).tables
            except HccError:  # a model that this installation does not have: its interactions count as demographic
                continue
            found |= {*tables["interactions"]["variable"], *tables["counts"]["variable"]}
            name = str(entry["model"]).partition(":")[0]
            blind |= {
                f"{name} {segment}"
                for segment, uses in tables["segments"].select("segment", "uses_diagnoses").iter_rows()
                if uses != "true"
            }
    return found, blind


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(literal(value) for value in sorted(values)) + "]::VARCHAR[]"


_HCC = "regexp_extract(variable, '^(?:RX)?HCC([0-9]+)$', 1)"
_STAYED = """
CREATE OR REPLACE TEMP TABLE stayed AS
SELECT x.member_id, x.risk_score AS before, y.risk_score AS after,
  coalesce(y.frailty, 0) - coalesce(x.frailty, 0) AS frailty
FROM a.member_scores x JOIN b.member_scores y ON y.member_id = x.member_id
WHERE x.part::VARCHAR = $part AND y.part::VARCHAR = $part AND x.risk_score IS NOT NULL AND y.risk_score IS NOT NULL"""
_BY_MODEL = """
CREATE OR REPLACE TEMP TABLE by_model AS
SELECT member_id, model, x.paid AS paid_before, y.paid AS paid_after, coalesce(y.raw, 0) AS raw_after,
  if(x.raw IS NULL OR y.raw IS NULL, NULL, if(x.raw = 0, x.worth, x.paid / x.raw)) AS worth
FROM (SELECT * FROM a_model WHERE part = $part) x
FULL JOIN (SELECT * FROM b_model WHERE part = $part) y USING (member_id, model)
SEMI JOIN stayed USING (member_id)"""


def _dropped(db: str) -> str:
    """HCCs that a member has in a file without their counting."""
    return f"""
  SELECT h.member_id, k.key AS model, h.hcc::VARCHAR AS hcc, true AS dropped FROM {db}.member_hccs h
  JOIN {db}_key k ON k.member_id = h.member_id AND k.model = h.model::VARCHAR AND k.calibration = h.calibration::VARCHAR
  WHERE h.dropped_by_hcc IS NOT NULL"""


def _blind(db: str) -> str:
    """Members whose every segment of a model uses no diagnoses: what comes or goes with that is a change of status."""
    return f"""
  SELECT member_id, model, bool_and(split_part(model, ':', 1) || ' ' || segment IN (FROM {db}_blind)) AS blind
  FROM {db}_month GROUP BY ALL"""


_BY_FACTOR = f"""
CREATE OR REPLACE TEMP TABLE by_factor AS
WITH both_files AS (
  SELECT member_id, model, variable, coalesce(x.value, 0) AS before, coalesce(y.value, 0) AS after,
    x.variable IS NOT NULL AS was, y.variable IS NOT NULL AS still
  FROM (SELECT *, variable AS v FROM a_factor WHERE part = $part) x
  FULL JOIN (SELECT *, variable AS v FROM b_factor WHERE part = $part) y USING (member_id, model, variable)
), moved AS (
  SELECT f.*, {_HCC} AS hcc, (f.after - f.before) * m.worth AS change
  FROM both_files f JOIN by_model m ON m.member_id = f.member_id AND m.model = f.model
  WHERE m.worth IS NOT NULL AND (f.before <> f.after OR f.was <> f.still)
)
SELECT v.member_id, v.model, v.hcc, v.was, v.still, v.change, CASE
    WHEN NOT v.was AND e.blind OR NOT v.still AND g.blind THEN 'demographic'
    WHEN v.hcc = '' AND (v.variable IN (FROM a_interaction) OR v.variable IN (FROM b_interaction)) THEN 'interaction'
    WHEN v.hcc = '' THEN 'demographic'
    WHEN v.was AND v.still THEN 'coefficient'
    WHEN v.was AND d.dropped THEN 'hierarchy'
    WHEN v.still AND c.dropped THEN 'hierarchy'
    WHEN v.was THEN 'hcc_lost' ELSE 'hcc_gained' END AS kind
FROM moved v
LEFT JOIN ({_dropped("a")}) c ON c.member_id = v.member_id AND c.model = v.model AND c.hcc = v.hcc
LEFT JOIN ({_dropped("b")}) d ON d.member_id = v.member_id AND d.model = v.model AND d.hcc = v.hcc
LEFT JOIN ({_blind("a")}) e ON e.member_id = v.member_id AND e.model = v.model
LEFT JOIN ({_blind("b")}) g ON g.member_id = v.member_id AND g.model = v.model"""
_MEANS = """
SELECT
  (SELECT count(*) FROM a.member_scores WHERE part::VARCHAR = $part AND risk_score IS NOT NULL) AS members_before,
  (SELECT count(*) FROM b.member_scores WHERE part::VARCHAR = $part AND risk_score IS NOT NULL) AS members_after,
  (SELECT sum(risk_score) FROM a.member_scores WHERE part::VARCHAR = $part) AS sum_before,
  (SELECT sum(risk_score) FROM b.member_scores WHERE part::VARCHAR = $part) AS sum_after,
  count(*) AS stayed, sum(before) AS stayed_before, sum(after) AS stayed_after, sum(frailty) AS frailty FROM stayed"""
_PAYMENT = """
SELECT sum(coalesce(paid_after, 0) - if(worth IS NULL, coalesce(paid_before, 0), worth * raw_after)) FROM by_model"""
_HCCS = """
SELECT split_part(x.model, ':', 1) AS model, x.hcc, coalesce(l.label, ''), count(*) FILTER (WHERE NOT x.was),
  count(*) FILTER (WHERE NOT x.still),
  sum(x.change)
FROM by_factor x
LEFT JOIN (SELECT model::VARCHAR AS model, hcc::VARCHAR AS hcc, any_value(label) AS label FROM b.hccs GROUP BY ALL) l
  ON l.model = split_part(x.model, ':', 1) AND l.hcc = x.hcc
WHERE x.kind IN ('hcc_gained', 'hcc_lost') GROUP BY ALL ORDER BY abs(sum(x.change)) DESC, 1, x.hcc"""


def _comparison(con: duckdb.DuckDBPyConnection, part: str) -> Comparison:
    given = {"part": part}
    for statement in (_STAYED, _BY_MODEL, _BY_FACTOR):
        con.execute(statement, given if "$part" in statement else {})
    cursor = con.execute(_MEANS, given)
    names = [str(entry[0]) for entry in cursor.description or ()]
    ((*values,),) = cursor.fetchall()
    told: dict[str, Any] = dict(zip(names, values, strict=True))
    before = told["sum_before"] / Decimal(told["members_before"])
    after = told["sum_after"] / Decimal(told["members_after"])
    stayed = told["stayed"]
    exact: dict[str, Decimal] = dict.fromkeys(KINDS, Decimal(0))
    if stayed:
        exact["left"] = told["stayed_before"] / Decimal(stayed) - before
        exact["joined"] = after - told["stayed_after"] / Decimal(stayed)
        for kind, change in con.execute("SELECT kind, sum(change) FROM by_factor GROUP BY ALL").fetchall():
            exact[kind] = Decimal(change) / stayed
        ((payment,),) = con.execute(_PAYMENT).fetchall()
        exact["payment"] = Decimal(payment or 0) / stayed
        exact["frailty"] = Decimal(told["frailty"] or 0) / stayed
    else:  # nobody is in both: one population replaced another
        exact["left"], exact["joined"] = -before, after
    shown = {kind: value.quantize(PLACES) + 0 for kind, value in exact.items()}  # + 0: no negative zero
    before, after = before.quantize(PLACES), after.quantize(PLACES)
    shown["rounding"] = after - before - sum((v for k, v in shown.items() if k != "rounding"), Decimal(0))
    moves = tuple(
        HccMove(model, hcc, label, gained, lost, (Decimal(change) / stayed).quantize(PLACES))
        for model, hcc, label, gained, lost, change in con.execute(_HCCS).fetchall()
    )
    return Comparison(
        part, told["members_before"], told["members_after"], stayed, before, after, shown, moves
    )  # fmt: skip
