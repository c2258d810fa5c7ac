"""The sentence that tells a reader why a gap is there. Templates are data; here they are filled column by column."""

from __future__ import annotations

import re

import polars as pl

from hcc.gaps.context import FILE_OPTION, GapContext
from hcc.gaps.evaluate import Hits
from hcc.gaps.patterns.common import dotted
from hcc.gaps.plan import Plan, PlannedTarget

_PIECE = re.compile(r"\{([a-z0-9_]+)(?:\.([a-z_]+))?\}")
_SHOWN_CODES = 6
_NOUN = {
    "fill": ("fill", "fills"), "result": ("result", "results"), "procedure": ("service", "services"),
    "diagnosis": ("claim", "claims"), "problem": ("entry", "entries"), "ckd_stage": ("result", "results"),
    "index": ("value", "values"), "member": ("", ""),
}  # fmt: skip

CLOSING = {
    "captured_above": " HCC {higher}, which stands above it, is captured in {year}.",
    "ineligible_record": " It is coded in {year}, but only on records that do not count for the score.",
    "low_strength": " The evidence is weak and shown for completeness.",
    "evidence_not_given": " What would speak against it could not be looked at, because a table was not given.",
    "died": " The member has died.",
    "disenrolled": " The member is no longer enrolled.",
    "hospice": " The member is in hospice.",
    "new_enrollee": " The member is a new enrollee, whose score uses no diagnoses.",
}
RECAPTURE = {
    "same": "Counted in {before} and again in {year}.",
    "higher": "Counted in {before}; in {year} HCC {other}, which stands above it, is captured.",
    "equivalent": "Counted in {before}; in {year} HCC {other} of the same family, with the same coefficient, is captured.",
    "lower": "Counted in {before}; in {year} only HCC {other}, which stands below it, is captured: "
    "a clinician may know whether the condition became milder.",
    "acute": "Counted in {before}; the condition is acute, so its absence in {year} is no gap.",
    "code_retired": "Counted in {before} with a code since retired that could belong to several HCCs; not counted in {year}.",
    "new": "Counted in {year}, and not in the years looked back on.",
}


def with_reasons(context: GapContext, plan: Plan, hits: Hits, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (hcc/gaps/rows.py FULL, with label and model) with ``reason`` and ``last_evidence_date``."""
    parts = [_target_reasons(context, plan, hits, planned, group) for planned, group in _groups(plan, rows)]
    if not parts:
        return rows.with_columns(
            pl.lit(None, pl.String).alias("reason"), pl.lit(None, pl.Date).alias("last_evidence_date")
        )
    return pl.concat(parts)


def _groups(plan: Plan, rows: pl.DataFrame) -> list[tuple[PlannedTarget, pl.DataFrame]]:
    split = rows.partition_by("target", as_dict=True)
    return [(planned, split[(planned.id,)]) for planned in plan.targets if (planned.id,) in split]


def _target_reasons(
    context: GapContext, plan: Plan, hits: Hits, planned: PlannedTarget, rows: pl.DataFrame
) -> pl.DataFrame:
    rule = plan.rules[planned.rule]
    columns = rows.columns
    rows = _with_signals(plan, hits, planned, rows)
    fields = _fields(context)
    sentence = _sentence(planned.template, fields, _term_fields(plan, planned))
    if rule.pattern is not None and rule.pattern.name == "recapture":
        sentence = _recapture(sentence, fields)
    elif rule.direction == "unsupported":
        sentence = (
            pl.when(pl.col("status") == "indeterminate").then(_not_judged(plan, planned, fields)).otherwise(sentence)
        )
    sentence = _capitalised(sentence)
    closing = pl.lit("")
    for reason, text in CLOSING.items():
        closing = pl.when(pl.col("status_reason") == reason).then(filled(text, fields, {})).otherwise(closing)
    still = pl.col("unsupported") & ~pl.col("falls").fill_null(True) & (pl.col("status") == "open")
    stands = pl.format(" HCC {} stands on other diagnoses or claims too.", pl.col("hcc").fill_null(""))
    closing = closing + pl.when(still).then(stands).otherwise(pl.lit(""))
    unread = pl.format(" Fills that nothing identifies in that time: {}.", pl.col("weakened"))
    closing = closing + pl.when(pl.col("weakened") > 0).then(unread).otherwise(pl.lit(""))
    if _looks_past(context, plan, planned):
        cut = pl.lit(f" Looked at up to {context.as_of.isoformat()}; the time after the diagnosis is not over.")
        closing = closing + pl.when(pl.col("unsupported") & (pl.col("status") == "open")).then(cut).otherwise(
            pl.lit("")
        )
    latest = pl.max_horizontal(pl.col("last"), *(pl.col(name) for name in rows.columns if name.endswith("|last")))
    return rows.with_columns((sentence + closing).alias("reason"), latest.alias("last_evidence_date")).select(
        *columns, "reason", "last_evidence_date"
    )


def _sentence(template: str, fields: dict[str, pl.Expr], terms: dict[tuple[str, str], pl.Expr]) -> pl.Expr:
    """A template. What stands after ' | ' (no such condition is coded) is left out where one above it is, or an
    ineligible record carries it."""
    fact, bar, rest = template.partition(" | ")
    if not bar:
        return filled(template, fields, terms)
    coded = pl.col("status_reason").is_in(("captured_above", "ineligible_record"))
    tail = pl.when(coded).then(pl.lit(".")).otherwise(filled(f"; {rest}.", fields, terms))
    return pl.concat_str([filled(fact, fields, terms), tail])


def _capitalised(text: pl.Expr) -> pl.Expr:
    return text.str.slice(0, 1).str.to_uppercase() + text.str.slice(1)


def _looks_past(context: GapContext, plan: Plan, planned: PlannedTarget) -> bool:
    """Whether a window of the rule reaches beyond as_of (RULINGS 28)."""
    reach = [m.window.reach[1] for m in plan.measures if m.rule == planned.rule and m.window is not None]
    return bool(reach) and max(reach) > (context.as_of - context.year_end).days


def _with_signals(plan: Plan, hits: Hits, planned: PlannedTarget, rows: pl.DataFrame) -> pl.DataFrame:
    """Join the signals of the rule's terms: columns 'name|count', 'name|first' …"""
    for _, _, measure, name in plan.uses.filter(pl.col("rule") == planned.rule).iter_rows():
        if plan.measures[measure].kind == "member":
            continue
        one = hits.signals.filter(pl.col("measure") == measure).drop("measure")
        if one.is_empty():
            one = one.clear()
        renamed = one.rename({column: f"{name}|{column}" for column in one.columns if column != "member_index"})
        rows = rows.join(renamed, on="member_index", how="left")
    return rows


def _number(value: pl.Expr) -> pl.Expr:
    """6.5 as 6.5, 42.0 as 42."""
    return value.round(2).cast(pl.String).str.strip_suffix(".0")


def _plural(value: pl.Expr, one: str, many: str) -> pl.Expr:
    return pl.when(value == 1).then(pl.lit(f"one {one}")).otherwise(pl.format("{} " + many, value.fill_null(0)))


def _day(value: pl.Expr) -> pl.Expr:
    return value.dt.to_string("%Y-%m-%d").fill_null("")


def _fields(context: GapContext) -> dict[str, pl.Expr]:
    shown = pl.col("codes").list.head(_SHOWN_CODES).list.eval(dotted(pl.element())).list.join(", ")
    more = pl.col("codes").list.len().cast(pl.Int64) - _SHOWN_CODES
    codes = pl.when(more > 0).then(pl.format("{} and {} more", shown, more)).otherwise(shown).fill_null("")
    detail = pl.col("detail").fill_null("")
    return {
        "codes": codes,
        "hcc": pl.col("hcc").fill_null(""),
        "label": pl.col("label").fill_null(""),
        "model": pl.col("model"),
        "year": pl.lit(str(context.year)),
        "as_of": pl.lit(context.as_of.isoformat()),
        "claims": _plural(pl.col("claims"), "claim", "claims"),
        "first_date": _day(pl.col("first")),
        "last_date": _day(pl.col("last")),
        "detail": detail,
        "higher": pl.col("higher_hcc").fill_null(""),
        "before": detail.str.split("|").list.get(0, null_on_oob=True).fill_null(""),
        "other": detail.str.split("|").list.get(1, null_on_oob=True).fill_null(""),
    }


def _term_fields(plan: Plan, planned: PlannedTarget) -> dict[tuple[str, str], pl.Expr]:
    """('term', 'field') → expression over the joined signal columns."""
    fields: dict[tuple[str, str], pl.Expr] = {}
    for name, term in plan.rules[planned.rule].terms.items():
        if term.kind == "member":
            continue
        one, many = _NOUN[term.kind]
        column = {field: pl.col(f"{name}|{field}") for field in ("count", "first", "last")}
        fields[name, "count"] = _plural(column["count"], one, many)
        first, last = column["first"], column["last"]
        days = (last - first).dt.total_days()
        fields[name, "days"] = (
            pl.when(days == 1).then(pl.lit("one day")).otherwise(pl.format("{} days", days.fill_null(0)))
        )
        fields[name, "first"], fields[name, "last"] = _day(first), _day(last)
        for field in ("first_value", "last_value", "lowest", "highest"):
            fields[name, field] = _number(pl.col(f"{name}|{field}")).fill_null("")
    return fields


def filled(template: str, fields: dict[str, pl.Expr], terms: dict[tuple[str, str], pl.Expr]) -> pl.Expr:
    """A template as one expression. A part in square brackets is shown where all its terms were found."""
    pieces: list[pl.Expr] = []
    for number, part in enumerate(re.split(r"[\[\]]", template)):
        if not part:
            continue
        text = pl.concat_str(_pieces(part, fields, terms))
        if number % 2:
            there = [pl.col(f"{match[1]}|count").is_not_null() for match in _PIECE.finditer(part) if match[2]]
            text = pl.when(pl.all_horizontal(there)).then(text).otherwise(pl.lit("")) if there else text
        pieces.append(text)
    return pl.concat_str(pieces)


def _pieces(text: str, fields: dict[str, pl.Expr], terms: dict[tuple[str, str], pl.Expr]) -> list[pl.Expr]:
    pieces: list[pl.Expr] = []
    position = 0
    for match in _PIECE.finditer(text):
        if match.start() > position:
            pieces.append(pl.lit(text[position : match.start()]))
        pieces.append(terms[match[1], match[2]] if match[2] else fields[match[1]])
        position = match.end()
    if position < len(text):
        pieces.append(pl.lit(text[position:]))
    return pieces


def _recapture(sentence: pl.Expr, fields: dict[str, pl.Expr]) -> pl.Expr:
    for reason, text in RECAPTURE.items():
        sentence = pl.when(pl.col("status_reason") == reason).then(filled(text, fields, {})).otherwise(sentence)
    return sentence


def _not_judged(plan: Plan, planned: PlannedTarget, fields: dict[str, pl.Expr]) -> pl.Expr:
    """What could not be judged, and the file that would let it be."""
    rule = plan.rules[planned.rule]
    lacking = plan.unjudged.get(rule.id, ())
    if lacking:
        files = " and ".join(f"{table} ({FILE_OPTION[table]})" for table in lacking)
        why = f"Not judged, because no table of {files} was given"
    else:
        why = "Not judged, because the claims or fills given do not reach back far enough (--history)"
    by_fills = filled(why + f": {rule.title}; {{codes}} on {{claims}} in {{year}}.", fields, {})
    unread = filled(
        f"Not judged, because of fills that nothing identifies: {rule.title}; {{codes}} on {{claims}} in {{year}}.",
        fields,
        {},
    )
    return pl.when(pl.col("status_reason") == "unidentified_fills").then(unread).otherwise(by_fills)
