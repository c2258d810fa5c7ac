"""gap_evidence: each claim, fill, result and finding for, against or beside a gap, with its date (issue: evidence in full)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.context import FILE_OPTION, GapContext
from hcc.gaps.evaluate import Hits
from hcc.gaps.patterns.common import EVIDENCE, Found, Schema, shaped
from hcc.gaps.plan import TABLE_OF, Measure, Plan, PlannedTarget, form_of
from hcc.gaps.signals import matching_events
from hcc.rules.gap_grammar import CkdStageTerm, IndexTerm, ResultTerm

MOST_PER_TERM = 25  # newest events shown of one kind; the rest is counted in a line of its own
OUT: Schema = {
    "gap_id": pl.String,
    "evidence_number": pl.Int64,
    "stance": pl.String,
    "kind": pl.String,
    "evidence_date": pl.Date,
    "claim_id": pl.String,
    "code": pl.String,
    "description": pl.String,
    "value": pl.String,
}
_STANCES = ("for", "against", "context")
_SORT = ("code", "claim_id", "kind", "description", "value")  # complete, so that the numbers never change


def evidence_rows(found: Found, hits: Hits, gaps: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """The evidence of all gaps (columns of ``OUT``), numbered within each gap.

    ``gaps``: the gap rows with gap_id, member_index, m, hcc, target, rule, codes … ; ``own``: the patterns' evidence.
    Closed rows whose HCC is simply there again (same) or new need none.
    """
    shown = gaps.filter(~pl.col("status_reason").is_in(("same", "new")))
    parts = [
        _claims_in_question(found, shown),
        _what_keeps_it(found, shown),
        _patterns(shown, own),
        *_terms(found, hits, shown),
        _absences(found, shown),
        _unread_fills(shown),
    ]
    body = [name for name in OUT if name != "evidence_number"]
    rows = pl.concat([shaped(part, {**OUT, "order": pl.UInt16}) for part in parts]).unique(body)
    stance = pl.col("stance").replace_strict({name: i for i, name in enumerate(_STANCES)}, return_dtype=pl.UInt8)
    return (
        rows.sort("gap_id", stance, "order", "evidence_date", *_SORT, nulls_last=True)
        .with_columns((pl.int_range(pl.len()).over("gap_id") + 1).alias("evidence_number"))
        .select(OUT.keys())
    )


def _claims_in_question(found: Found, gaps: pl.DataFrame) -> pl.DataFrame:
    """Counted claims that carry the codes of unsupported gaps."""
    context = found.context
    asked = gaps.filter("unsupported", pl.col("status") != "informational").select("gap_id", "member_index", "codes")
    asked = asked.explode("codes").rename({"codes": "diagnosis_code"}).filter(pl.col("diagnosis_code").is_not_null())
    claims = (
        context.diagnoses.lazy()
        .filter("counted", pl.col("thru_date") <= context.as_of)
        .join(asked.select("member_index").unique().lazy(), on="member_index", how="semi")
        .with_columns(pl.col("diagnosis_code").cast(pl.String))
        .join(asked.lazy(), on=["member_index", "diagnosis_code"])
        .join(descriptions(context).lazy(), on="diagnosis_code", how="left")
    )
    place = pl.col("place_of_service").cast(pl.String)
    kind = pl.col("claim_type").cast(pl.String)
    record = pl.col("record_type").cast(pl.String)
    value = pl.concat_str(
        [
            kind,
            pl.when(place.is_not_null() & (place != ""))
            .then(pl.format(", place of service {}", place))
            .otherwise(pl.lit("")),
            pl.when(record != "encounter")
            .then(pl.format(", {}", record.str.replace_all("_", " ")))
            .otherwise(pl.lit("")),
        ]
    )
    rows = claims.select(
        "gap_id", pl.lit("for").alias("stance"), pl.lit("claim").alias("kind"), pl.col("thru_date").alias("evidence_date"),
        pl.col("claim_id").cast(pl.String), pl.col("diagnosis_code").alias("code"), "description", value.alias("value"),
        pl.lit(1, pl.UInt16).alias("order"),
    )  # fmt: skip
    return _capped(rows.collect(engine="streaming"), ["gap_id", "code"])


def _what_keeps_it(found: Found, gaps: pl.DataFrame) -> pl.DataFrame:
    """Other counted codes that give the same HCC: they speak against the gap."""
    stands = gaps.filter("unsupported", ~pl.col("falls").fill_null(True)).select(
        "gap_id", "member_index", "m", "hcc", "codes"
    )
    if stands.is_empty():
        return pl.DataFrame(schema={**OUT, "order": pl.UInt16})
    others = (
        found.hccs.behind.join(stands, on=["member_index", "m", "hcc"])
        .filter(~pl.col("diagnosis_code").is_in(pl.col("codes")))
        .join(descriptions(found.context), on="diagnosis_code", how="left")
    )
    return others.select(
        "gap_id", pl.lit("against").alias("stance"), pl.lit("claim").alias("kind"),
        pl.col("last_date").alias("evidence_date"), pl.col("diagnosis_code").alias("code"), "description",
        pl.format("gives the same HCC, claims: {}", "claims").alias("value"), pl.lit(1, pl.UInt16).alias("order"),
    )  # fmt: skip


def _patterns(gaps: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    keys = gaps.select("gap_id", "member_index", "target", "m", "hcc")
    exact = own.filter(pl.col("hcc").is_not_null()).join(keys, on=["member_index", "target", "m", "hcc"])
    loose = own.filter(pl.col("hcc").is_null()).drop("m", "hcc").join(keys, on=["member_index", "target"])
    # An informational gap has no HCC of its own; the evidence was found for the one it came from.
    bare = (
        own.filter(pl.col("hcc").is_not_null())
        .drop("m", "hcc")
        .join(keys.filter(pl.col("hcc").is_null()), on=["member_index", "target"])
    )
    columns = ["gap_id", *(c for c in EVIDENCE if c not in ("member_index", "target", "m", "hcc"))]
    rows = pl.concat([part.select(columns) for part in (exact, loose, bare)]).unique()
    return _capped(rows.with_columns(pl.lit(2, pl.UInt16).alias("order")), ["gap_id", "kind", "code"])


def _terms(found: Found, hits: Hits, gaps: pl.DataFrame) -> list[pl.DataFrame]:
    """Events behind every term that speaks for a gap, or is shown beside it."""
    asked = _asked(found.plan)
    if asked.is_empty() or gaps.is_empty():
        return []
    wanted = (
        gaps.select("gap_id", "member_index", "target")
        .join(asked, on="target")
        .join(hits.signals.select("member_index", "measure"), on=["member_index", "measure"])
    )
    parts = []
    for kind in ("fill", "procedure", "problem", "diagnosis", "result"):
        measures = [m for m in found.plan.measures_of_kind(kind) if not _by_signal(m)]
        if kind not in found.events.frames or not measures:
            continue
        ids = [m.id for m in measures]
        mine = wanted.filter(pl.col("measure").is_in(ids))
        if mine.is_empty():
            continue
        used = set(mine["measure"].unique())
        matched = matching_events(found.plan, found.events, kind, [m for m in measures if m.id in used], hits.anchors)
        if matched is not None:
            parts.append(_events_shown(found, kind, matched.join(mine, on=["member_index", "measure"])))
    chosen = [m.id for m in found.plan.measures if _by_signal(m)]
    parts.append(_signals_shown(found.plan, hits.signals, wanted.filter(pl.col("measure").is_in(chosen))))
    return parts


def _asked(plan: Plan) -> pl.DataFrame:
    """target, measure, stance, words, order: the terms whose events are shown."""
    measure_of = {(rule, name): measure for rule, _, measure, name in plan.uses.iter_rows()}
    rows = []
    for planned in plan.targets:
        rule = plan.rules[planned.rule]
        need = {name for part in form_of(rule, planned.target) for name in part.need}
        for order, (name, term) in enumerate(rule.terms.items()):
            stance = "for" if name in need else "context" if name in rule.context else ""
            if stance and term.kind != "member":
                rows.append((planned.id, measure_of[planned.rule, name], stance, term.words, order + 3))
    schema = {"target": pl.UInt16, "measure": pl.UInt16, "stance": pl.String, "words": pl.String, "order": pl.UInt16}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _by_signal(measure: Measure) -> bool:
    """Measures whose evidence is the chosen value, not the single events."""
    term = measure.term
    return isinstance(term, CkdStageTerm | IndexTerm) or (isinstance(term, ResultTerm) and term.take != "any")


def _events_shown(found: Found, kind: str, rows: pl.DataFrame) -> pl.DataFrame:
    text = pl.lit(None, pl.String)
    if kind == "fill":
        drugs = found.context.valuesets.drug_keys.select("drug", pl.col("ingredient").cast(pl.String)).unique("drug")
        rows = rows.join(drugs.cast({"drug": rows.schema["drug"]}), on="drug", how="left")
        described = pl.concat_str([pl.col("words"), pl.format(": {}", "ingredient")], ignore_nulls=True)
        shown = {"code": pl.col("code"), "description": described, "claim_id": text, "value": text}
    elif kind == "result":
        number = pl.col("value").round(2).cast(pl.String).str.strip_suffix(".0")
        sign = pl.col("comparator").replace_strict({"<": "<", ">": ">", "<=": "<=", ">=": ">="}, default="")
        sign = pl.when(sign.is_in(("<", ">"))).then(sign).otherwise(pl.lit(""))
        unit = _units(found)
        rows = rows.join(unit, on="measure", how="left")
        value = pl.coalesce(
            pl.concat_str([sign, number, pl.format(" {}", "unit")], ignore_nulls=True), pl.col("finding")
        )
        shown = {"code": pl.col("code"), "description": pl.col("words"), "claim_id": text, "value": value}
    elif kind == "procedure":
        shown = {"code": pl.col("code"), "description": pl.col("words"), "claim_id": pl.col("claim_id"), "value": text}
    elif kind == "diagnosis":
        rows = rows.with_columns(pl.col("diagnosis_code").cast(pl.String)).join(
            descriptions(found.context), on="diagnosis_code", how="left"
        )
        shown = {
            "code": pl.col("diagnosis_code"), "description": pl.coalesce("description", "words"),
            "claim_id": pl.col("claim_id"), "value": pl.col("claim_type"),
        }  # fmt: skip
    else:
        shown = {"code": pl.col("diagnosis_code"), "description": pl.col("words"), "claim_id": text, "value": text}
    word = {"fill": "fill", "result": "result", "procedure": "procedure", "diagnosis": "claim", "problem": "problem"}[
        kind
    ]
    out = rows.select(
        "gap_id", "stance", pl.lit(word).alias("kind"), pl.col("date").alias("evidence_date"),
        *(expr.cast(pl.String).alias(name) for name, expr in shown.items()), "order",
    ).unique()  # fmt: skip
    return _capped(out, ["gap_id", "order"])


def _units(found: Found) -> pl.DataFrame:
    rows = [(m.id, _unit(m)) for m in found.plan.measures if isinstance(m.term, ResultTerm | CkdStageTerm)]
    return pl.DataFrame(rows, schema={"measure": pl.UInt16, "unit": pl.String}, orient="row")


def _unit(measure: Measure) -> str | None:
    unit = getattr(measure.term, "unit", "")
    return unit.replace("{", "").replace("}", "").replace("_", " ") or None if "score" not in unit else None


def _signals_shown(plan: Plan, signals: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Chosen values: the first and last of the signal, once where they are one."""
    rows = wanted.join(signals, on=["member_index", "measure"])
    units = [(m.id, _unit(m)) for m in plan.measures]
    rows = rows.join(pl.DataFrame(units, schema={"measure": pl.UInt16, "unit": pl.String}, orient="row"), on="measure")
    parts = []
    for day, value in (("first", "first_value"), ("last", "last_value")):
        number = pl.col(value).round(2).cast(pl.String).str.strip_suffix(".0")
        parts.append(
            rows.select(
                "gap_id", "stance", pl.lit("result").alias("kind"), pl.col(day).alias("evidence_date"),
                pl.col("words").alias("description"),
                pl.concat_str([number, pl.format(" {}", "unit")], ignore_nulls=True).alias("value"), "order",
            )
        )  # fmt: skip
    return shaped(pl.concat(parts).unique(), {**OUT, "order": pl.UInt16})


def _absences(found: Found, gaps: pl.DataFrame) -> pl.DataFrame:
    """One line per table in which an unsupported rule looked in vain, or could not look."""
    context, plan = found.context, found.plan
    rows = []
    for planned in plan.targets:
        for table, words in _looked_for(plan, planned).items():
            given = context.given(table)
            text = f"no {words}" if given else f"{words}: no table of {table} was given ({FILE_OPTION[table]})"
            text = text.replace("{year}", str(context.year)).replace("{as_of}", context.as_of.isoformat())
            rows.append((planned.id, text, "for" if given else "context"))
    if not rows:
        return pl.DataFrame(schema={**OUT, "order": pl.UInt16})
    frame = pl.DataFrame(
        rows, schema={"target": pl.UInt16, "description": pl.String, "stance": pl.String}, orient="row"
    )
    return (
        gaps.filter("unsupported")
        .select("gap_id", "target")
        .join(frame, on="target")
        .select(
            "gap_id", "stance", pl.lit("absence").alias("kind"), "description", pl.lit(100, pl.UInt16).alias("order")
        )
    )


def _looked_for(plan: Plan, planned: PlannedTarget) -> dict[str, str]:
    """By table: the words of the terms that must not hold, with their windows."""
    rule = plan.rules[planned.rule]
    absent = {name for part in form_of(rule, planned.target) for name in part.forbid}
    found: dict[str, dict[str, list[str]]] = {}
    for name, term in rule.terms.items():
        if name in absent and term.kind in TABLE_OF:
            window = term.window.words if getattr(term, "window", None) is not None else ""  # type: ignore[union-attr]
            found.setdefault(TABLE_OF[term.kind], {}).setdefault(window, []).append(term.words)
    return {
        table: "; ".join(f"{_or(words)} {window}".strip() for window, words in windows.items())
        for table, windows in found.items()
    }


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _unread_fills(gaps: pl.DataFrame) -> pl.DataFrame:
    rows = gaps.filter(pl.col("weakened") > 0)
    return rows.select(
        "gap_id", pl.lit("context").alias("stance"), pl.lit("fill").alias("kind"),
        pl.format("fills in that time that no code or name identifies: {}", "weakened").alias("description"),
        pl.lit(101, pl.UInt16).alias("order"),
    )  # fmt: skip


def _capped(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """The newest of each group, and a line that counts the rest."""
    ordered = rows.sort("evidence_date", *(c for c in _SORT if c in rows.columns), descending=True, nulls_last=True)
    ordered = ordered.with_columns(
        pl.int_range(pl.len()).over(by).alias("_place"), pl.len().over(by).alias("_all")
    )
    kept = ordered.filter(pl.col("_place") < MOST_PER_TERM)
    rest = ordered.filter(pl.col("_place") == MOST_PER_TERM).with_columns(
        pl.lit("context").alias("stance"),
        pl.format("and {} more of this kind, up to this day", pl.col("_all") - MOST_PER_TERM).alias("description"),
        pl.lit(None, pl.String).alias("claim_id"), pl.lit(None, pl.String).alias("value"),
    )  # fmt: skip
    return pl.concat([kept, rest.select(kept.columns)]).drop("_place", "_all")


def descriptions(context: GapContext) -> pl.DataFrame:
    """diagnosis_code, description."""
    from hcc.rules.icd10cm import mapped_codes

    return mapped_codes(context.mappings).select("diagnosis_code", "description").unique("diagnosis_code")
