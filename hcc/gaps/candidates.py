"""From evidence to gaps without a value: one table, both directions, with reasons and evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from hcc.gaps.context import FILE_OPTION, GapContext
from hcc.gaps.evaluate import hits
from hcc.gaps.events import events
from hcc.gaps.evidence_rows import evidence_rows
from hcc.gaps.hccs import HCC, Hccs, HccTables
from hcc.gaps.ids import with_clocks, with_gap_ids
from hcc.gaps.patterns.common import Found
from hcc.gaps.plan import STRENGTHS, Plan, compiled
from hcc.gaps.reasons import with_reasons
from hcc.gaps.rows import STATUS_REASONS, STATUSES, gap_rows
from hcc.rules.gap_rules import GapRules


@dataclass(frozen=True, eq=False)
class Candidates:
    """Gaps before valuation.

    ``gaps``: the columns of the table gaps without value columns, and member_index, m (model number), h (the HCC as a
    number), codes, falls. ``words``: what the few-valued columns can hold.
    ``evidence``: the table gap_evidence without run_id. ``unjudged``: rule_id, title, table, option.
    ``behind``: member_index, m, h, diagnosis_code: counted codes behind HCCs that a single gap leaves standing.
    """

    gaps: pl.DataFrame
    evidence: pl.DataFrame
    unjudged: pl.DataFrame
    behind: pl.DataFrame
    models: pl.DataFrame
    words: dict[str, list[str]]


@dataclass(eq=False)
class Shared:
    """What the contexts of one run have in common (rules, models, coverage, as_of): worked out with the first of them."""

    plan: Plan | None = None
    tables: HccTables | None = None
    memo: dict[str, Any] = field(default_factory=dict)


def find_gap_candidates(context: GapContext, rules: GapRules, shared: Shared | None = None) -> Candidates:
    """All gaps of the context's members, unvalued. Nothing after ``context.as_of`` is used.

    ``shared``: one object for all contexts of a run saves work.
    """
    shared = Shared() if shared is None else shared
    plan = shared.plan = shared.plan or compiled(context, rules)
    tables = shared.tables = shared.tables or HccTables(context.models)
    found = Found(context, plan, events(context, plan), Hccs(context, tables), shared.memo)
    decided = hits(context, plan, found.events)
    rows, own_evidence = gap_rows(found, decided)
    rows = rows.sort("member_index", "m", "hcc", "rule")
    rows = with_reasons(context, plan, decided, _named(found, rows))
    rows = with_gap_ids(rows, context.payment_year)
    rows = with_clocks(rows, pl.lit(context.as_of), context.previous, context.reviews)
    evidence = evidence_rows(found, decided, rows.rename({"h": "hcc", "hcc": "hcc_text"}), own_evidence)
    return Candidates(rows, evidence, unjudged_rules(plan), _behind(found, rows), found.hccs.models, _words(found))


def _behind(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """Counted codes behind the HCCs of unsupported gaps."""
    asked = rows.filter("unsupported", pl.col("h").is_not_null(), ~pl.col("falls").fill_null(False))
    keys = asked.select("member_index", "m", "h").unique()
    if keys.is_empty():
        return pl.DataFrame(schema={"member_index": pl.UInt32, "m": pl.UInt8, "h": HCC, "diagnosis_code": pl.String})
    behind = found.hccs.behind.rename({"hcc": "h"}).join(keys, on=["member_index", "m", "h"], how="semi")
    return behind.select("member_index", "m", "h", "diagnosis_code").unique()


def _words(found: Found) -> dict[str, list[str]]:
    """The words that the few-valued columns of gaps can have in this run."""
    plan, hccs = found.plan, found.hccs
    missing = ["+".join(tables) + "_not_given" for tables in plan.unjudged.values()]
    return {
        "model": sorted(set(hccs.models["model"])),
        "calibration": sorted(set(hccs.models["calibration"])),
        "hcc": sorted({hcc for rules in found.context.models for hcc in rules.hcc_list}, key=lambda hcc: (len(hcc), hcc)),
        "label": sorted(set(hccs.labels["label"].drop_nulls())),
        "direction": ["unsupported", "missing"],
        "rule_id": sorted({rule.id for rule in plan.rules}),
        "rule_version": sorted({rule.version for rule in plan.rules}),
        "strength": list(STRENGTHS),
        "status": list(STATUSES),
        "status_reason": [*STATUS_REASONS, *sorted(set(missing))],
    }


def _named(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with member_id, pcp_npi, model, calibration, label and the words of the rule."""
    context, plan = found.context, found.plan
    rules = pl.DataFrame(
        [(i, rule.id, rule.version, rule.direction) for i, rule in enumerate(plan.rules)],
        schema={"rule": pl.UInt16, "rule_id": pl.String, "rule_version": pl.String, "direction": pl.String},
        orient="row",
    )
    people = context.members.select("member_index", "member_id", "pcp_npi")
    strength = pl.col("strength").replace_strict(dict(enumerate(STRENGTHS)), return_dtype=pl.String)
    return (
        rows.join(rules, on="rule", maintain_order="left")
        .join(people, on="member_index", maintain_order="left")
        .join(found.hccs.models.drop("part"), on="m", how="left", maintain_order="left")
        .join(found.hccs.labels.select("m", "hcc", "label"), on=["m", "hcc"], how="left", maintain_order="left")
        .rename({"hcc": "h"})
        .with_columns(
            strength.alias("strength"),
            pl.col("h").cast(pl.String).alias("hcc"),
            pl.col("codes").list.join(",").fill_null("").alias("candidate_diagnosis_codes"),
            pl.lit(context.payment_year).alias("payment_year"),
        )
    )


def unjudged_rules(plan: Plan) -> pl.DataFrame:
    """Rules that lack a table, one row per rule and table: rule_id, title, table, option."""
    titles = {rule.id: rule.title for rule in plan.rules}
    rows = [
        (rule_id, titles[rule_id], table, FILE_OPTION[table])
        for rule_id, tables in plan.unjudged.items()
        for table in tables
    ]
    schema = {"rule_id": pl.String, "title": pl.String, "table": pl.String, "option": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
