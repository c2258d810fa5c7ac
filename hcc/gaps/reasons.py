"""The sentence that tells a reader why a gap is there. Templates are data; here they are filled column by column."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from hcc.gaps.context import FILE_OPTION, GapContext
from hcc.gaps.evaluate import Hits
from hcc.gaps.patterns.common import dotted, plural
from hcc.gaps.plan import TABLE_OF, Plan, PlannedTarget, form_of
from hcc.gaps.shown import number, sign_in_words
from hcc.gaps.signals import SCHEMA, paired
from hcc.rules.gap_grammar import Rule

_PIECE = re.compile(r"\{([a-z0-9_]+)(?:\.([a-z_]+))?\}")
_SHOWN_CODES = 6
_NOUN = {
    "fill": ("fill", "fills"), "result": ("result", "results"), "procedure": ("service", "services"),
    "diagnosis": ("claim", "claims"), "problem": ("entry", "entries"), "ckd_stage": ("result", "results"),
    "index": ("value", "values"), "member": ("", ""),
}  # fmt: skip
_ROWS_OF = {"pharmacy": "fills", "observations": "results", "claims": "claims"}

_NO_SIGNAL = pl.DataFrame(schema={name: dtype for name, dtype in SCHEMA.items() if name != "measure"})

_UNCOUNTED_ABOVE = "ineligible_record, above"

CLOSING = {
    "captured_above": " HCC {higher}, which stands above it, is captured in {year}.",
    "ineligible_record": " The condition is coded in {year}, but only on records that do not count for the score.",
    _UNCOUNTED_ABOVE: " HCC {higher}, which stands above it, is coded in {year}, but only on records that do not count "
    "for the score.",
    "low_strength": " The evidence is weak and shown for completeness.",
    "evidence_not_given": " What would speak against it could not be looked at, because a table was not given.",
    "code_retired": " The code has ended and could mean several HCCs.",
    "acute": " The condition is acute: a list that names it does not tell that it was there in {year}.",
    "died": " The member has died.",
    "disenrolled": " The member is no longer enrolled.",
    "hospice": " The member is in hospice.",
    "new_enrollee": " The member is a new enrollee, whose score uses no diagnoses.",
}
_WHICHEVER = " Whichever of them is wrong, HCC {hcc} stands on the others."
TIED = {
    "unsupported": " Without these diagnoses HCC {tied} is gone too; the value counts that.",
    "missing": " The code gives HCC {tied} as well; the value counts that.",
}
REMARKS = {
    "not_payable": "{codes} stands in {year} on chart-review records alone ({claims}), none of them linked to an encounter: "
    "these do not count for the score, so no HCC rests on them.",
}
RECAPTURE = {
    "same": "Counted in {before} and again in {year}.",
    "higher": "Counted in {before}; in {year} HCC {other}, which stands above it, is captured.",
    "equivalent": "Counted in {before}; in {year} HCC {other} of the same family and coefficient is captured.",
    "lower": "Counted in {before}; in {year} only HCC {other}, which stands below it, is captured: "
    "a clinician may know whether the condition became milder.",
    "acute": "Counted in {before}; the condition is acute, so its absence in {year} is no gap.",
    "code_retired": "Counted in {before} with a code since retired that could mean several HCCs; not counted in {year}.",
    "new": "Counted in {year}, and not in the years looked back on.",
}


def with_reasons(context: GapContext, plan: Plan, hits: Hits, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (hcc/gaps/rows.py FULL, with label and model) with ``reason`` and ``last_evidence_date``.

    Rows that say the same kind of thing (target, status, what stands beside it) share one template, so that each
    sentence is put together once and no branch is worked out in vain.
    """
    stands = pl.col("unsupported") & ~pl.col("falls").fill_null(True) & (pl.col("status") == "open")
    rows = rows.with_columns(
        stands.alias("_stands"), (pl.col("weakened") > 0).alias("_unread"), _ahead(context, plan).alias("_ahead"),
        (pl.col("tied").is_not_null() & (pl.col("status") == "open")).alias("_tied"),
        pl.col("uncounted").alias("_uncounted"),
        pl.when((pl.col("status_reason") == "ineligible_record") & pl.col("higher_hcc").is_not_null())
        .then(pl.lit(_UNCOUNTED_ABOVE)).otherwise(pl.col("status_reason").cast(pl.String).fill_null("")).alias("_why"),
        pl.col("status_reason").fill_null(""),
    )  # fmt: skip
    rows = rows.join(hits.used, on=["member_index", "target"], how="left", maintain_order="left")
    kinds = ["target", "status", "_why", "_stands", "_tied", "_uncounted", "_unread", "_ahead"]
    signals = hits.signals.partition_by("measure", as_dict=True, include_key=False)
    fields = _fields(context)
    parts = [rows.clear().with_columns(pl.lit(None, pl.String).alias("reason"))]
    for key, group in rows.partition_by(kinds, as_dict=True).items():
        planned = plan.targets[int(key[0])]
        status, reason, also = str(key[1]), str(key[2]), dict(zip(kinds[3:], map(bool, key[3:]), strict=True))
        template = _template(context, plan, planned, status, reason, also)
        parts.append(_filled_rows(plan, planned, template, signals, fields, group))
    return _with_last_evidence(plan, hits, pl.concat(parts).drop("_why", "used", *kinds[3:]))


def _codes_in_words(codes: pl.Series) -> pl.DataFrame:
    """codes, _codes: each different list of codes as a reader sees it, the first six with a dot."""
    several = pl.col("codes").str.split(",")
    shown = several.list.head(_SHOWN_CODES).list.eval(dotted(pl.element())).list.join(", ")
    more = several.list.len().cast(pl.Int64) - _SHOWN_CODES
    words = pl.when(more > 0).then(pl.format("{} and {} more", shown, more)).otherwise(shown)
    return codes.drop_nulls().unique().to_frame().with_columns(words.alias("_codes"))


def _template(
    context: GapContext, plan: Plan, planned: PlannedTarget, status: str, reason: str, also: dict[str, bool]
) -> str:
    """The whole text of one kind of row. ``also``: which of ``_stands``, ``_tied``, ``_uncounted``, ``_unread``, ``_ahead`` it
    is."""
    rule = plan.rules[planned.rule]
    closing = CLOSING.get(reason, "")
    if rule.pattern is not None and rule.pattern.name == "recapture" and reason in RECAPTURE:
        text, closing = RECAPTURE[reason], ""
    elif reason in REMARKS:
        text, closing = REMARKS[reason], ""
    elif rule.direction == "unsupported" and status == "indeterminate":
        text = _not_judged(plan, planned, reason)
    else:
        fact, bar, rest = planned.template.partition(" | ")
        coded = reason in ("captured_above", "ineligible_record", _UNCOUNTED_ABOVE)
        text = f"{fact}." if bar and coded else f"{fact}; {rest}." if bar else fact
    if reason in ("ineligible_record", _UNCOUNTED_ABOVE):  # a remark, without an HCC (RULINGS 16)
        text = text.replace(" (HCC {hcc}, {label})", "").replace(" a code of this HCC", " such a code")
    text += closing
    if also["_stands"]:
        contradict = rule.pattern is not None and rule.pattern.name == "conflicts"
        text += _WHICHEVER if contradict else " HCC {hcc} stands on other diagnoses or claims too."
    if also["_uncounted"]:
        text += CLOSING["ineligible_record"]
    if also["_tied"]:
        text += TIED[rule.direction]
    if also["_unread"]:
        text += " Fills that nothing identifies in that time: {unread}."
    if status == "open" and rule.direction == "unsupported":
        text += _how_far(context, plan, planned, also["_ahead"])
    return text


def _filled_rows(
    plan: Plan,
    planned: PlannedTarget,
    template: str,
    signals: dict[tuple[object, ...], pl.DataFrame],
    fields: dict[str, pl.Expr],
    rows: pl.DataFrame,
) -> pl.DataFrame:
    columns = rows.columns
    wanted = {match[1] for match in _PIECE.finditer(template) if match[2]}
    needed = {name for part in form_of(plan.rules[planned.rule], planned.target) for name in part.need}
    for _, bit, measure, name in plan.uses.filter(pl.col("rule") == planned.rule).iter_rows():
        if name in wanted:
            one = signals.get((measure,), _NO_SIGNAL)
            renamed = one.rename({column: f"{name}|{column}" for column in one.columns if column != "member_index"})
            rows = rows.join(renamed, on="member_index", how="left", maintain_order="left")
            there = pl.col(f"{name}|count").is_not_null()
            if name in needed:  # what only another way to the target asks for says nothing here
                there = there & ((pl.col("used") & pl.lit(bit, pl.UInt64)) > 0).fill_null(True)
            rows = rows.with_columns(there.alias(f"{name}|there"))
    if "{codes}" in template:
        rule = plan.rules[planned.rule]
        recaptured = rule.pattern is not None and rule.pattern.name == "recapture"
        # What was coded then, which is not always what can be coded now.
        told = rows.select((_part_of_detail(2) if recaptured else pl.coalesce("told", "codes")).alias("codes"))["codes"]
        rows = (
            rows.with_columns(told.alias("_told"))
            .join(_codes_in_words(told), left_on="_told", right_on="codes", how="left", maintain_order="left")
            .with_columns(pl.col("_codes").fill_null(""))
        )
    sentence = filled(template, fields, _term_fields(plan, planned, wanted))
    if template.startswith(("{", "[")):
        sentence = sentence.str.slice(0, 1).str.to_uppercase() + sentence.str.slice(1)
    return rows.select(*columns, sentence.alias("reason"))


def _with_last_evidence(plan: Plan, hits: Hits, rows: pl.DataFrame) -> pl.DataFrame:
    """last_evidence_date: the latest of the diagnosis in question and of the terms that speak for the row."""
    asked = []
    use_of = {(rule, name): (measure, bit) for rule, bit, measure, name in plan.uses.iter_rows()}
    for planned in plan.targets:
        rule = plan.rules[planned.rule]
        need = {name for part in form_of(rule, planned.target) for name in part.need}
        asked += [(planned.id, *use_of[planned.rule, name]) for name in need]
    keys = pl.DataFrame(asked, schema={"target": pl.UInt16, "measure": pl.UInt16, "bit": pl.UInt64}, orient="row")
    latest = (
        hits.signals.lazy()
        .select("member_index", "measure", pl.col("last").alias("seen"))
        .join(keys.lazy(), on="measure")
        .select(paired("member_index", "target"), "seen", "bit")
        .join(hits.used.lazy().select(paired("member_index", "target"), "used"), on="pair", how="left")
        .filter(((pl.col("used") & pl.col("bit")) > 0).fill_null(True))
        .group_by("pair")
        .agg(pl.col("seen").max())
        .collect()
    )
    joined = rows.with_columns(paired("member_index", "target")).join(
        latest, on="pair", how="left", maintain_order="left"
    )
    return joined.with_columns(pl.max_horizontal("last", "seen").alias("last_evidence_date")).drop("seen", "pair")


def _ahead(context: GapContext, plan: Plan) -> pl.Expr:
    """Whether the time after a row's diagnosis that its rule looks at ends after as_of (RULINGS 28)."""
    reach = {
        planned.id: max([m.window.reach[1] for m in plan.measures if m.rule == planned.rule and m.window], default=0)
        for planned in plan.targets
    }
    days = pl.col("target").replace_strict(reach, return_dtype=pl.Int32)
    past = pl.col("last") + pl.duration(days=days) > context.as_of
    return ((days > 0) & past).fill_null(False)


def _how_far(context: GapContext, plan: Plan, planned: PlannedTarget, ahead: bool) -> str:
    """Up to when was looked, where that is before the end of what the rule looks at (RULINGS 28)."""
    rule = plan.rules[planned.rule]
    if ahead:
        ends = _ends_before(context, rule, planned, context.as_of)
        return " Looked at up to {as_of}; the time after the diagnosis is not over." + ends
    ends = _ends_before(context, rule, planned, min(context.as_of, context.year_end))
    return _year_not_over(context, rule, planned) + ends


def _ends_before(context: GapContext, rule: Rule, planned: PlannedTarget, day: date) -> str:
    """Which tables, of those in which nothing was found, end earlier than this day: a quarter is let pass (``EARLY``),
    and told."""
    kinds = {rule.terms[name].kind for part in form_of(rule, planned.target) for name in part.forbid}
    tables = sorted({TABLE_OF[kind] for kind in kinds if TABLE_OF.get(kind) in _ROWS_OF})
    last = {table: context.coverage[table][1] for table in tables if table in context.coverage}
    return "".join(f" The {_ROWS_OF[table]} given end {end.isoformat()}." for table, end in last.items() if end < day)


def _year_not_over(context: GapContext, rule: Rule, planned: PlannedTarget) -> str:
    if rule.pattern is not None or context.as_of >= context.year_end:
        return ""
    names = {name for part in form_of(rule, planned.target) for name in (*part.need, *part.forbid)}
    windows = [getattr(rule.terms[name], "window", None) for name in names]
    of_year = any(window is not None and window.shape == "year" for window in windows)
    return " Looked at up to {as_of}; {year} is not over." if of_year else ""


def _day(value: pl.Expr) -> pl.Expr:
    return value.dt.to_string("%Y-%m-%d").fill_null("")


def _span(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """'2025-01-01 to 2025-03-01', or the one day."""
    return pl.when(first == last).then(_day(last)).otherwise(pl.concat_str(_day(first), pl.lit(" to "), _day(last)))


def _part_of_detail(place: int) -> pl.Expr:
    """A part of recapture's ``detail``: years, the other HCC, the codes of the earlier years."""
    return pl.col("detail").fill_null("").str.split("|").list.get(place, null_on_oob=True).fill_null("")


def _fields(context: GapContext) -> dict[str, pl.Expr]:
    detail = pl.col("detail").fill_null("")
    return {
        "codes": pl.col("_codes"),
        "hcc": pl.col("hcc").cast(pl.String).fill_null(""),
        "label": pl.col("label").cast(pl.String).fill_null(""),
        "model": pl.col("model").cast(pl.String),
        "year": pl.lit(context.year_in_words),
        "as_of": pl.lit(context.as_of.isoformat()),
        "claims": plural(pl.col("claims"), "claim", "claims"),
        "first_date": _day(pl.col("first")),
        "last_date": _day(pl.col("last")),
        "dates": _span(pl.col("first"), pl.col("last")),
        "detail": detail,
        "higher": pl.col("higher_hcc").cast(pl.String).fill_null(""),
        "before": _part_of_detail(0),
        "other": _part_of_detail(1),
        "unread": pl.col("weakened").cast(pl.String),
        "tied": pl.col("tied").str.replace_all(",", ", ", literal=True).fill_null(""),
    }


def _term_fields(plan: Plan, planned: PlannedTarget, wanted: set[str]) -> dict[tuple[str, str], pl.Expr]:
    """('term', 'field') → expression over the joined signal columns."""
    fields: dict[tuple[str, str], pl.Expr] = {}
    for name, term in plan.rules[planned.rule].terms.items():
        if name not in wanted:
            continue
        one, many = _NOUN[term.kind]
        column = {field: pl.col(f"{name}|{field}") for field in ("count", "first", "last")}
        fields[name, "count"] = plural(column["count"], one, many)
        first, last = column["first"], column["last"]
        days = (last - first).dt.total_days()
        fields[name, "days"] = (
            pl.when(days == 1).then(pl.lit("one day")).otherwise(pl.format("{} days", days.fill_null(0)))
        )
        fields[name, "first"], fields[name, "last"] = _day(first), _day(last)
        fields[name, "span"] = _span(first, last)
        for field in ("lowest_on", "highest_on"):
            fields[name, field] = _day(pl.col(f"{name}|{field}"))
        for field in ("first_value", "last_value", "lowest", "highest"):
            sign = pl.col(f"{name}|{field.removesuffix('_value')}_sign")
            fields[name, field] = (sign_in_words(sign) + number(pl.col(f"{name}|{field}"))).fill_null("")
    return fields


def filled(template: str, fields: dict[str, pl.Expr], terms: dict[tuple[str, str], pl.Expr]) -> pl.Expr:
    """A template as one expression. A part in square brackets is shown where all its terms were found, and are what the
    way to the target needs or beside it; of several in a
    row that begin with a colon, the first that is shown keeps it and a comma stands before the others."""
    pieces: list[pl.Expr] = []
    before: list[pl.Expr] = []  # whether the parts in brackets right before are shown
    for place, part in enumerate(re.split(r"[\[\]]", template)):
        if not part:
            continue
        text = pl.concat_str(_pieces(part, fields, terms))
        there = [pl.col(f"{match[1]}|there") for match in _PIECE.finditer(part) if match[2]]
        if place % 2 and there:
            if before and part.startswith(":"):
                text = pl.when(pl.any_horizontal(before)).then(pl.lit(",") + text.str.slice(1)).otherwise(text)
            text = pl.when(pl.all_horizontal(there)).then(text).otherwise(pl.lit(""))
            before.append(pl.all_horizontal(there))
        else:
            before = []
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


def _not_judged(plan: Plan, planned: PlannedTarget, reason: str) -> str:
    """What could not be judged, and the file that would let it be."""
    rule = plan.rules[planned.rule]
    if reason == "unidentified_fills":
        why = "because of fills that nothing identifies"
    elif planned.lacking:
        files = " and ".join(f"{table} ({FILE_OPTION[table]})" for table in planned.lacking)
        why = f"because no table of {files} was given"
    else:
        why = (
            "because what was given, or the member's enrollment, does not cover the whole time that the rule looks at "
            "(what would help: earlier claims as --history, or a table with the missing months)"
        )
    return f"Not judged, {why}: {rule.title}; {{codes}} on {{claims}} in {{year}}."
