"""From evidence to gaps without a value: one table, both directions, with reasons and evidence."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from hcc.gaps.applied import applied
from hcc.gaps.context import FILE_OPTION, GapContext
from hcc.gaps.evaluate import Hits, hits
from hcc.gaps.events import events
from hcc.gaps.evidence_rows import evidence_rows
from hcc.gaps.hccs import Hccs, HccTables
from hcc.gaps.ids import with_clocks, with_gap_ids
from hcc.gaps.patterns.common import Found
from hcc.gaps.plan import STRENGTHS, TABLE_OF, Plan, compiled
from hcc.gaps.reasons import with_reasons
from hcc.gaps.rows import STATUS_REASONS, STATUSES, gap_rows
from hcc.rules.gap_rules import GapRules


@dataclass(frozen=True, eq=False)
class Candidates:
    """Gaps before valuation.

    ``gaps``: the columns of the table gaps without value columns, and member_index, m (model number), h (the HCC as a
    number), codes, falls, credited, tied, uncounted. ``words``: what the few-valued columns can hold.
    ``evidence``: the table gap_evidence without run_id. ``unjudged``: rule_id, title, table, option.
    ``applied``: member_index, unsupported, m, h: HCCs that fall or come in any model when all open gaps of a direction
    are acted on. ``credits``: member_index, m, h, credit: HCCs supported in place of h, where the column credited
    of ``gaps`` is true.
    """

    gaps: pl.DataFrame
    evidence: pl.DataFrame
    unjudged: pl.DataFrame
    applied: pl.DataFrame
    credits: pl.DataFrame
    models: pl.DataFrame
    words: dict[str, list[str]]


@dataclass(eq=False)
class Shared:
    """What the contexts of one run have in common (rules, models, coverage, as_of): worked out with the first of them.

    Several threads may share it."""

    plan: Plan | None = None
    tables: HccTables | None = None
    memo: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def find_gap_candidates(context: GapContext, rules: GapRules, shared: Shared | None = None) -> Candidates:
    """All gaps of the context's members, unvalued. Nothing after ``context.as_of`` is used.

    ``shared``: one object for all contexts of a run saves work.
    """
    shared = Shared() if shared is None else shared
    with shared.lock:
        plan = shared.plan = shared.plan or compiled(context, rules)
        tables = shared.tables = shared.tables or HccTables(context.models)
    found = Found(context, plan, events(context, plan), Hccs(context, tables), shared.memo)
    decided = hits(context, plan, found.events)
    listed = gap_rows(found, decided)
    words = found.once("words", lambda: _words(found))
    rows = with_reasons(context, plan, decided, _named(found, listed.rows, words))
    rows = _about_all_targets(found, decided, rows, _named(found, listed.parts, words))
    rows = with_gap_ids(rows, context.payment_year)
    rows = with_clocks(rows, pl.lit(context.as_of), context.previous, context.reviews)
    evidence = evidence_rows(found, decided, rows.rename({"h": "hcc", "hcc": "hcc_text"}), listed)
    whole = applied(found, rows, listed.claims)
    credits = listed.credits.select("member_index", "m", pl.col("hcc").alias("h"), "credit").unique()
    return Candidates(rows, evidence, unjudged_rules(plan, context), whole, credits, found.hccs.models, words)


def _about_all_targets(found: Found, hits: Hits, rows: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with the sentences of all their targets, where these differ, and the last evidence of any of them.

    ``parts``: the targets of rows that are about several.
    """
    if parts.is_empty():
        return rows
    key = ["member_index", "m", "h", "rule"]
    numbers = {text: number for number, text in enumerate(sorted({t.template for t in found.plan.targets}))}
    template = {planned.id: numbers[planned.template] for planned in found.plan.targets}
    said = pl.col("target").replace_strict(template, return_dtype=pl.UInt16)
    whole = rows.select(*key, pl.col("falls", "weakened", "tied").name.prefix("whole_"))
    # What is said of the row as a whole (what it stands on, what was not read) comes once, at the end.
    last = pl.col("target") == pl.col("target").max().over(key)
    parts = parts.join(whole, on=key, nulls_equal=True).with_columns(
        (pl.col("status").is_in(["open", "informational"]) & (said.n_unique().over(key) > 1)).alias("apart"),
        pl.col("whole_falls").alias("falls"), pl.when(last).then("whole_weakened").otherwise(0).alias("weakened"),
        pl.when(last).then("whole_tied").alias("tied"), pl.lit(False).alias("uncounted"),
        pl.when(last).then("status").otherwise(pl.lit("closed", parts.schema["status"])).alias("status"),
    ).drop("whole_falls", "whole_weakened", "whole_tied")  # fmt: skip
    told = (
        with_reasons(found.context, found.plan, hits, parts)
        .sort("target")
        .group_by(key, maintain_order=True)
        .agg(
            pl.when(pl.col("apart").first()).then(pl.col("reason").str.join(" ")).alias("_reason"),
            pl.col("last_evidence_date").max().alias("_seen"),
        )
    )
    joined = rows.join(told, on=key, how="left", maintain_order="left", nulls_equal=True)
    return joined.with_columns(
        pl.coalesce("_reason", "reason").alias("reason"),
        pl.max_horizontal("last_evidence_date", "_seen").alias("last_evidence_date"),
    ).drop("_reason", "_seen")


def _words(found: Found) -> dict[str, list[str]]:
    """The words that the few-valued columns of gaps can have in this run."""
    plan, hccs = found.plan, found.hccs
    missing = sorted({target.not_given for target in plan.targets} - {""})
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


def _named(found: Found, rows: pl.DataFrame, words: dict[str, list[str]]) -> pl.DataFrame:
    """Rows with member_id, pcp_npi, model, calibration, label and the words of the rule; few-valued columns as Enums."""
    context, plan = found.context, found.plan
    models, labels = found.hccs.models, found.hccs.labels
    first = int(context.members["member_index"][0]) if context.members.height else 0
    member = rows["member_index"] - first
    numbers = {name: rows[name] for name in ("m", "rule", "strength")}
    hcc = rows["hcc"].cast(pl.Int64)

    def word(column: str, of: Iterable[str | None], place: pl.Series) -> pl.Series:
        return pl.Series(column, list(of), dtype=pl.Enum(words[column])).gather(place).alias(column)

    labelled = np.full(models.height << 16, -1, dtype=np.int64)
    labelled[labels["m"].to_numpy().astype(np.int64) * 2**16 + labels["hcc"].to_numpy()] = np.arange(labels.height)
    label = pl.Series(labelled).gather(numbers["m"].cast(pl.Int64) * 2**16 + hcc)
    hccs = np.full(1 << 16, -1, dtype=np.int64)
    hccs[[int(name) for name in words["hcc"]]] = np.arange(len(words["hcc"]))
    return rows.rename({"hcc": "h"}).with_columns(
        *(context.members[name].gather(member) for name in ("member_id", "pcp_npi")),
        word("model", models["model"], numbers["m"]),
        word("calibration", models["calibration"], numbers["m"]),
        word("label", labels["label"], label.set(label < 0, None)),
        word("hcc", words["hcc"], pl.Series(hccs).gather(hcc)),
        word("rule_id", (rule.id for rule in plan.rules), numbers["rule"]),
        word("rule_version", (rule.version for rule in plan.rules), numbers["rule"]),
        word("direction", (rule.direction for rule in plan.rules), numbers["rule"]),
        word("strength", STRENGTHS, numbers["strength"]),
        pl.col("status").cast(pl.Enum(words["status"])),
        pl.col("status_reason").cast(pl.Enum(words["status_reason"])),
        pl.col("codes").fill_null("").alias("candidate_diagnosis_codes"),
        pl.lit(context.payment_year).alias("payment_year"),
    )


def unjudged_rules(plan: Plan, context: GapContext) -> pl.DataFrame:
    """Rules that lack a table, wholly or in part, one row per rule and table: rule_id, title, table, option."""
    rows = [
        (rule.id, rule.title, table, FILE_OPTION[table])
        for number, rule in enumerate(plan.rules)
        for table in dict.fromkeys((*plan.unjudged.get(rule.id, ()), *_lacking_in_part(plan, context, number)))
    ]
    schema = {"rule_id": pl.String, "title": pl.String, "table": pl.String, "option": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _lacking_in_part(plan: Plan, context: GapContext, rule: int) -> list[str]:
    """``history`` where the rule looks at claims of the years before, and the claims given begin with the year."""
    claims = context.coverage.get("claims")
    if context.given("history") or claims is None or claims[0] < context.year_start:
        return []
    names = {name: measure for of, _, measure, name in plan.uses.iter_rows() if of == rule}
    terms = plan.rules[rule].terms
    earlier = (
        TABLE_OF.get(terms[name].kind) == "claims" and plan.measures[measure].first_day < context.year_start
        for name, measure in names.items()
    )
    return ["history"] if any(earlier) else []
