"""Words beside codes: models, directions, rules, codes, evidence; and cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import duckdb
import polars as pl

from hcc.errors import HccError

DIRECTIONS = {"unsupported": "Coded but unsupported", "missing": "Supported but missing"}
"""The two directions, in the order in which they are shown; neither comes before the other in rank."""

SIDE_SHEETS = ("Summary", "Guide", "Lists")
"""Sheets of the workbook beside the two lists: nothing is filled in there."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def model_words(model: str) -> str:
    """``cms-hcc-v28`` as "CMS-HCC V28"."""
    family, _, version = model.rpartition("-")
    return f"{family.upper().replace('RXHCC', 'RxHCC').replace('HCC-', 'HCC ')} {version.upper()}".strip()


def dotted(code: str) -> str:
    """An ICD-10-CM code as people read it: N1832 is N18.32."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet may run the text: typed by a coder or sent by a provider, it must not."""
    return text.startswith(_FORMULA_STARTS)


def safe_cell(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet might run it (CSV has no other way)."""
    return f"'{text}" if looks_like_formula(text) else text


def rule_texts() -> dict[str, dict[str, str]]:
    """What the rules say of themselves, by rule id: title, to_confirm, may_be_false, citation.

    Empty where the rules cannot be read: a worklist is better with rule ids alone than not at all. A user's own rules
    are not here; they are shown by their id.
    """
    from hcc.rules.gap_rules import load_gap_rules

    try:
        rules = load_gap_rules().rules
    except HccError:
        return {}
    return {
        rule.id: {
            "title": rule.title,
            "to_confirm": rule.to_confirm,
            "may_be_false": rule.may_be_false,
            "citation": rule.citation,
        }
        for rule in rules
    }


_DESCRIBED = """
CREATE OR REPLACE TEMP TABLE described AS
SELECT diagnosis_code::VARCHAR AS code, any_value(description) AS words FROM diagnosis_hccs
WHERE description IS NOT NULL AND description <> diagnosis_code::VARCHAR GROUP BY ALL"""
_CODES_IN_WORDS = """
CREATE OR REPLACE TEMP TABLE codes_in_words AS
WITH codes AS (SELECT DISTINCT codes FROM questions WHERE codes <> ''),
one AS (SELECT codes, trim(unnest(string_split(codes, ','))) AS code FROM codes)
SELECT o.codes, string_agg(
  CASE WHEN length(o.code) > 3 THEN o.code[1:3] || '.' || o.code[4:] ELSE o.code END
    || coalesce(' ' || d.words, ''),
  chr(10) ORDER BY o.code) AS words
FROM one o LEFT JOIN described d USING (code) GROUP BY ALL"""


def put_words(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables ``described`` (code, words), ``codes_in_words`` (codes, words), ``rules_in_words``
    (rule_id, rule)."""
    con.execute(_DESCRIBED)
    con.execute(_CODES_IN_WORDS)
    titles = {rule_id: texts["title"] for rule_id, texts in rule_texts().items()}
    frame = pl.DataFrame(
        {"rule_id": list(titles), "rule": list(titles.values())}, schema={"rule_id": pl.String, "rule": pl.String}
    )
    con.register("rules_in_words_frame", frame.to_arrow())
    try:
        con.execute("CREATE OR REPLACE TEMP TABLE rules_in_words AS SELECT * FROM rules_in_words_frame")
    finally:
        con.unregister("rules_in_words_frame")
