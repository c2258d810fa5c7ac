"""The events behind the terms of rules made of terms, as evidence of gaps."""

from __future__ import annotations

import polars as pl

from hcc.gaps.evaluate import Hits
from hcc.gaps.evidence_form import AGAINST, COMPACT, CONTEXT, FIRST_TERM, FOR, KINDS, descriptions
from hcc.gaps.patterns.common import Found, Schema, shaped
from hcc.gaps.plan import Measure, Plan, form_of
from hcc.gaps.shown import RANGE, number, sign_as_sent
from hcc.gaps.signals import matching_events, paired
from hcc.rules.gap_terms import CkdStageTerm, IndexTerm, ResultTerm


def term_rows(found: Found, hits: Hits, gaps: pl.DataFrame) -> list[pl.DataFrame]:
    """Events behind every term that speaks for a gap, or is shown beside it."""
    asked = _asked(found.plan)
    if asked.is_empty() or gaps.is_empty():
        return []
    wanted = (
        gaps.lazy()
        .select("gap", "member_index", "target")
        .join(asked.lazy(), on="target")
        .join(hits.used.lazy(), on=["member_index", "target"], how="left")
        # What only another way to the target asks for does not speak for it.
        .filter((pl.col("stance") != FOR) | ((pl.col("used") & pl.col("bit")) > 0).fill_null(True))
        .with_columns(paired("member_index", "measure"))
        .join(hits.signals.lazy().select(paired("member_index", "measure")), on="pair", how="semi")
        .select("gap", "member_index", "measure", "stance", "order", "words", "pair")
        .collect()
    )
    parts = []
    for kind in ("fill", "procedure", "problem", "diagnosis", "result"):
        measures = [m for m in found.plan.measures_of_kind(kind) if not _by_signal(m)]
        if kind not in found.events.frames or not measures:
            continue
        mine = wanted.filter(pl.col("measure").is_in([m.id for m in measures]))
        if mine.is_empty():
            continue
        used = set(mine["measure"].unique())
        matched = matching_events(found.plan, found.events, kind, [m for m in measures if m.id in used], hits.anchors)
        if matched is not None:
            parts.append(_events_shown(found, kind, _pairs(matched, mine)))
    chosen = [m.id for m in found.plan.measures if _by_signal(m)]
    parts.append(_signals_shown(found, hits.signals, wanted.filter(pl.col("measure").is_in(chosen))))
    return parts


def _pairs(matched: pl.DataFrame, mine: pl.DataFrame) -> pl.DataFrame:
    """Events with the gaps that they are shown for."""
    return matched.with_columns(paired("member_index", "measure")).join(mine.drop("member_index", "measure"), on="pair")


def _asked(plan: Plan) -> pl.DataFrame:
    """target, measure, bit, stance, words, order: the terms whose events are shown."""
    use_of = {(rule, name): (measure, bit) for rule, bit, measure, name in plan.uses.iter_rows()}
    rows = []
    for planned in plan.targets:
        rule = plan.rules[planned.rule]
        need = {name for part in form_of(rule, planned.target) for name in part.need}
        for order, (name, term) in enumerate(rule.terms.items()):
            stance = FOR if name in need else AGAINST if name in rule.against else CONTEXT
            if name in {*need, *rule.against, *rule.context} and term.kind != "member":
                rows.append((planned.id, *use_of[planned.rule, name], stance, term.words, order + FIRST_TERM))
    schema: Schema = {
        "target": pl.UInt16, "measure": pl.UInt16, "bit": pl.UInt64, "stance": pl.UInt8, "words": pl.String,
        "order": pl.UInt8,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _by_signal(measure: Measure) -> bool:
    """Measures whose evidence is the chosen value, not the single events."""
    term = measure.term
    return isinstance(term, CkdStageTerm | IndexTerm) or (isinstance(term, ResultTerm) and term.take != "any")


def _events_shown(found: Found, kind: str, rows: pl.DataFrame) -> pl.DataFrame:
    text = pl.lit(None, pl.String)
    shown = {"code": pl.col("code"), "description": pl.col("words"), "claim_id": text, "value": text}
    if kind == "fill":
        drugs = found.context.valuesets.drug_keys.select("drug", pl.col("ingredient").cast(pl.String)).unique("drug")
        rows = rows.join(drugs.cast({"drug": rows.schema["drug"]}), on="drug", how="left")
        named = pl.col("words") + pl.when(pl.col("ingredient").is_null()).then(pl.lit("")).otherwise(
            pl.lit(": ") + pl.col("ingredient")
        )
        shown["description"] = named
    elif kind == "result":
        rows = rows.join(_units(found.plan), on="measure", how="left")
        ends = pl.format("{} to {}", number(pl.col("low")), number(pl.col("high")))
        one = sign_as_sent(pl.col("sign")) + number(pl.col("value"))
        value = pl.when(pl.col("sign") == RANGE).then(ends).otherwise(one) + pl.col("unit")
        shown["value"] = pl.coalesce(value, "finding")
    elif kind == "procedure":
        shown["claim_id"] = pl.col("claim_id")
    elif kind == "diagnosis":
        rows = rows.with_columns(pl.col("diagnosis_code").cast(pl.String)).join(
            descriptions(found.context), on="diagnosis_code", how="left"
        )
        shown = {
            "code": pl.col("diagnosis_code"), "description": pl.coalesce("description", "words"),
            "claim_id": pl.col("claim_id"), "value": pl.col("claim_type"),
        }  # fmt: skip
    else:
        shown["code"] = pl.col("diagnosis_code")
    word = "claim" if kind == "diagnosis" else kind
    return rows.select(
        "gap", "stance", pl.lit(KINDS.index(word), pl.UInt8).alias("kind"), "order", "date",
        *(expr.cast(pl.String).alias(name) for name, expr in shown.items()),
    )  # fmt: skip


def _units(plan: Plan) -> pl.DataFrame:
    """measure, unit: with a blank before it, or empty."""
    rows = [(m.id, _unit(m)) for m in plan.measures]
    return pl.DataFrame(rows, schema={"measure": pl.UInt16, "unit": pl.String}, orient="row")


def _unit(measure: Measure) -> str:
    unit = getattr(measure.term, "unit", "")
    if not unit or "score" in unit:
        return ""
    return " " + unit.replace("{", "").replace("}", "").replace("_", " ")


def _signals_shown(found: Found, signals: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Chosen values: the first and last of the signal, once where they are one or where several terms chose it."""
    rows = wanted.join(signals, on=["member_index", "measure"]).join(_units(found.plan), on="measure")
    ends = pl.concat(
        rows.select(
            "gap", "member_index", "measure", "stance", "order", pl.col("words").alias("description"), "unit",
            pl.col(day).alias("date"), pl.col(f"{day}_value").alias("number"), pl.col(f"{day}_sign").alias("sign"),
        )
        for day in ("first", "last")
    )  # fmt: skip
    shown = _with_loinc(found, ends).with_columns(
        pl.lit(KINDS.index("result"), pl.UInt8).alias("kind"),
        (sign_as_sent(pl.col("sign")) + number(pl.col("number")) + pl.col("unit")).alias("value"),
    )
    once = ["gap", "stance", "date", "description", "value"]
    return shaped(shown.sort("order").unique(once, keep="first", maintain_order=True), COMPACT)


def _with_loinc(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (member_index, measure, date, number, sign) with ``code``: the LOINC code of the result that was chosen; of
    several that say the same the first. An index has none."""
    if "result" not in found.events.frames:
        return rows.with_columns(pl.lit(None, pl.String).alias("code"))
    on = ["member_index", "measure", "date", "number", "sign"]
    keys = found.events.keys["result"].join(rows.select("measure").unique(), on="measure", how="semi")
    results = (
        found.events.frames["result"]
        .lazy()
        .join(rows.lazy().select("member_index", "date").unique(), on=["member_index", "date"], how="semi")
        .join(keys.lazy(), on=["concept", "use"])
        .with_columns(pl.coalesce("value", "high", "low").alias("number"))
        .group_by(on)
        .agg(pl.col("code").min())
        .collect()
    )
    return rows.join(results, on=on, how="left")
