"""Hits to gap rows: the HCC of each model, what is captured already, status and why, strength."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.evaluate import POSSIBLE, Hits, target_codes
from hcc.gaps.in_question import of_claim_types, single_claims, united, with_fall
from hcc.gaps.patterns import PATTERNS
from hcc.gaps.patterns.common import (
    CLAIMS,
    CODES,
    CREDITS,
    EVIDENCE,
    ROW,
    Found,
    PatternRows,
    Schema,
    each_code,
    number_of_codes,
    shaped,
    with_codes,
)
from hcc.gaps.plan import Plan, form_of
from hcc.gaps.tied import with_tied
from hcc.gaps.validity import not_in_year
from hcc.rules.gap_terms import FillTerm

_KEY = ["member_index", "m", "hcc"]
FULL: Schema = {
    **ROW, "strength": pl.UInt8, "unsupported": pl.Boolean, "rule": pl.UInt16, "higher_hcc": pl.UInt16,
    "weakened": pl.UInt32, "by_codes": pl.Boolean,
}  # fmt: skip
"""``ROW`` with what follows from the rule. ``weakened``: fills nothing identifies; ``by_codes``: the codes in question
are meant wherever they stand (else single claims are, or the HCC with all that gives it)."""


@dataclass(frozen=True, eq=False)
class GapRows:
    """Gaps before their words.

    ``rows`` (``FULL``): one per member, model, HCC and rule, sorted by these. ``parts`` (``FULL``): the targets of rows
    that are about several, one row each. ``claims``: member_index, m, hcc, rule, claim_id, diagnosis_code: what rows
    about single claims question. ``credits`` (``CREDITS``), ``evidence`` (``EVIDENCE``): of the patterns.
    """

    rows: pl.DataFrame
    parts: pl.DataFrame
    claims: pl.DataFrame
    credits: pl.DataFrame
    evidence: pl.DataFrame


def gap_rows(found: Found, hits: Hits) -> GapRows:
    """All gaps of the context's members."""
    coded, claims_of_types = coded_rows(found, hits)
    parts = [missing_rows(found, hits), coded]
    claims, credits, evidence = [claims_of_types], [pl.DataFrame(schema=CREDITS)], [pl.DataFrame(schema=EVIDENCE)]
    for number, rule in enumerate(found.plan.rules):
        if rule.pattern is None:
            continue
        (planned,) = found.plan.targets_of(number)[:1]
        answer: PatternRows = PATTERNS[rule.pattern.name](found, rule, planned.id)
        parts.append(shaped(answer.rows, ROW))
        evidence.append(shaped(answer.evidence, EVIDENCE))
        claims += [] if answer.claims is None else [answer.claims]
        credits += [] if answer.credits is None else [answer.credits]
    singled, credited = pl.concat(claims), pl.concat(credits)
    by_claims = pl.col("target").is_in(singled["target"].unique().implode())
    rows = pl.concat(parts).join(found.plan.target_frame, on="target").with_columns(
        (pl.col("falls").is_null() & ~by_claims).alias("by_codes"),
        pl.lit(None, pl.UInt16).alias("higher_hcc"), pl.lit(0, pl.UInt32).alias("weakened"),
    )  # fmt: skip
    unsupported = weakened_by_unidentified_fills(
        found, hits, _unsupported_status(found.plan, rows.filter("unsupported"))
    )
    missing = _missing_status(found, rows.filter(~pl.col("unsupported")))
    everything = pl.concat([shaped(unsupported, FULL), shaped(missing, FULL)])
    whole, targets = united(found, everything, pl.col("status").replace_strict(_RANK, return_dtype=pl.UInt64))
    in_question = single_claims(found, whole, targets, singled)
    whole = with_tied(found, _with_credited(with_fall(found, whole, in_question), credited))
    whole = _with_uncounted(found, whole)
    return GapRows(whole, targets, in_question, credited, pl.concat(evidence))


def _with_credited(rows: pl.DataFrame, credits: pl.DataFrame) -> pl.DataFrame:
    """``credited``: the row's evidence supports another HCC in place of the row's own."""
    if credits.is_empty():
        return rows.with_columns(pl.lit(False).alias("credited"))
    keys = credits.select("member_index", "target", "m", "hcc").unique().with_columns(pl.lit(True).alias("has"))
    joined = rows.join(keys, on=["member_index", "target", "m", "hcc"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("has").fill_null(False).alias("credited")).drop("has")


def _with_uncounted(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """``uncounted``: an open missing HCC that is coded in the year, but only on records that do not count."""
    asked = rows.with_row_index("place").filter(~pl.col("unsupported"), pl.col("status") == "open").select("place", *_KEY)
    direct = found.hccs.only_ineligible.filter(pl.col("coded_above").is_null())
    marks = np.zeros(rows.height, dtype=bool)
    marks[asked.join(direct, on=_KEY, how="semi")["place"].to_numpy()] = True
    return rows.with_columns(pl.Series("uncounted", marks))


def missing_rows(found: Found, hits: Hits) -> pl.DataFrame:
    """Suspicions: each target's candidate codes as HCCs of the member's models; informational targets without HCC."""
    codes = pl.DataFrame(
        [
            (planned.id, code)
            for planned in found.plan.targets
            if found.plan.rules[planned.rule].direction == "missing"
            for code in planned.target.codes
        ],
        schema={"target": pl.UInt16, "diagnosis_code": pl.String},
        orient="row",
    )
    codes = codes.join(found.once("ended codes", lambda: not_in_year(found.context)), on="diagnosis_code", how="anti")
    remarks = [planned.id for planned in found.plan.targets if planned.target.informational]
    asked = hits.missing.filter(~pl.col("target").is_in(remarks))
    edited = codes.filter(pl.col("diagnosis_code").is_in(found.hccs.edits["diagnosis_code"].unique().implode()))
    touched = edited["target"].unique()
    # Codes without edits give everybody the same HCCs: one small join instead of one row per member and code.
    alike = (
        codes.filter(~pl.col("target").is_in(touched.implode()))
        .join(found.hccs.mapping, on="diagnosis_code")
        .group_by("target", "m", "hcc")
        .agg(CODES)
    )
    plain = asked.join(alike, on="target").join(
        found.hccs.scored.select("member_index", "m"), on=["member_index", "m"], how="semi"
    )
    mapped = found.hccs.candidate_hccs(
        asked.filter(pl.col("target").is_in(touched.implode())).join(codes, on="target")
    )
    single = with_codes(mapped, ("member_index", "target", "m", "hcc"), pl.col("verdict").max())
    first_model = found.hccs.scored.group_by("member_index").agg(pl.col("m").min())
    said = (
        hits.missing.filter(pl.col("target").is_in(remarks))
        .join(first_model, on="member_index")
        .join(codes.group_by("target").agg(CODES), on="target", how="left")
        .with_columns(pl.lit("informational").alias("status"), pl.lit("no_payment_hcc").alias("status_reason"))
    )
    return pl.concat([shaped(plain, ROW), shaped(single, ROW), shaped(said, ROW)])


def coded_rows(found: Found, hits: Hits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Coded diagnoses in question as captured HCCs of the member's models; and, of targets that mean claims of some
    types only, those claims (``CLAIMS``)."""
    context = found.context
    if hits.coded.is_empty() or "diagnosis" not in found.events.frames:
        return pl.DataFrame(schema=ROW), pl.DataFrame(schema=CLAIMS)
    frame = found.events.frames["diagnosis"].filter(
        pl.col("counted").fill_null(False), pl.col("date").is_between(context.year_start, context.year_until)
    )
    keys = target_codes(context, found.plan, frame)
    of_types, some_types = of_claim_types(found.plan)
    asked = (
        frame.lazy()
        .join(keys.lazy(), on="diagnosis_code")
        .join(hits.coded.lazy().select("member_index", "target", "verdict"), on=["member_index", "target"])
        .filter(of_types)
        .select("member_index", "target", "diagnosis_code", "claim_id", "encounter", "date", "verdict")
        .collect()
    )
    claims = asked.filter(pl.col("target").is_in(some_types)).with_columns(
        pl.col("diagnosis_code", "claim_id").cast(pl.String)
    )
    by_code = asked.group_by("member_index", "target", "diagnosis_code").agg(
        pl.col("encounter").n_unique().cast(pl.UInt32).alias("claims"),
        pl.col("date").min().alias("first"), pl.col("date").max().alias("last"), pl.col("verdict").first(),
    )  # fmt: skip
    mapped = found.hccs.counted_hccs(by_code.with_columns(pl.col("diagnosis_code").cast(pl.String)))
    mapped = mapped.join(found.hccs.captured.select(_KEY), on=_KEY, how="semi")
    key = ["member_index", "target", "m", "hcc"]
    rows = with_codes(
        mapped, key, pl.col("claims").max(), pl.col("first").min(), pl.col("last").max(), pl.col("verdict").max()
    )
    # A claim with two codes of one HCC is one claim.
    several = mapped.join(rows.filter(number_of_codes() > 1), on=key, how="semi").select(*key, "diagnosis_code")
    together = (
        several.with_columns(pl.col("diagnosis_code").cast(asked.schema["diagnosis_code"]))
        .join(asked.select("member_index", "target", "diagnosis_code", "encounter"), on=[*key[:2], "diagnosis_code"])
        .group_by(key)
        .agg(pl.col("encounter").n_unique().cast(pl.UInt32).alias("together"))
    )
    rows = rows.join(together, on=key, how="left").with_columns(pl.coalesce("together", "claims").alias("claims"))
    return shaped(rows, ROW), shaped(claims, CLAIMS).unique()


def _unsupported_status(plan: Plan, rows: pl.DataFrame) -> pl.DataFrame:
    lacking = pl.DataFrame(
        [(target.id, target.not_given or "look_back_not_covered") for target in plan.targets],
        schema={"target": pl.UInt16, "lacking": pl.String}, orient="row",
    )  # fmt: skip
    undecided = pl.col("verdict") == POSSIBLE
    return rows.join(lacking, on="target").with_columns(
        pl.coalesce("status", pl.when(undecided).then(pl.lit("indeterminate")).otherwise(pl.lit("open"))).alias(
            "status"
        ),
        pl.coalesce("status_reason", pl.when(undecided).then(pl.col("lacking")).otherwise(pl.lit(""))).alias(
            "status_reason"
        ),
    )


def weakened_by_unidentified_fills(found: Found, hits: Hits, rows: pl.DataFrame) -> pl.DataFrame:
    """One strength lower (or indeterminate) where an absent drug could hide behind fills nothing identifies
    (RULINGS 23). ``weakened`` holds their number."""
    context, plan = found.context, found.plan
    if context.evidence.unidentified_fills is None or rows.is_empty():
        return rows
    spans = _absence_spans(context, plan)
    if spans.is_empty():
        return rows
    asked = (
        rows.filter(pl.col("status") == "open")
        .select("member_index", "target", "rule")
        .unique()
        .join(spans, on="target")
    )
    asked = asked.join(hits.anchors, on=["member_index", "rule"], how="left").with_columns(
        pl.when("moves")
        .then(pl.col("first") + pl.duration(days="reach_from"))
        .otherwise(pl.col("from_day"))
        .alias("from_day"),
        pl.when("moves")
        .then(pl.col("last") + pl.duration(days="reach_to"))
        .otherwise(pl.col("to_day"))
        .alias("to_day"),
    )
    counts = (
        context.evidence.unidentified_fills.join(asked.lazy(), on="member_index")
        .filter(pl.col("fill_date").is_between("from_day", "to_day"), pl.col("fill_date") <= context.as_of)
        .group_by("member_index", "target")
        .agg(pl.col("count").sum().cast(pl.UInt32).alias("found"))
        .collect()
    )
    hit = pl.col("found").is_not_null() & (pl.col("status") == "open")
    joined = rows.join(counts, on=["member_index", "target"], how="left").with_columns(
        pl.when(hit).then(pl.col("found")).otherwise(0).cast(pl.UInt32).alias("weakened")
    )
    if context.unidentified_fills == "indeterminate":
        return joined.with_columns(
            pl.when(hit).then(pl.lit("indeterminate")).otherwise(pl.col("status")).alias("status"),
            pl.when(hit).then(pl.lit("unidentified_fills")).otherwise(pl.col("status_reason")).alias("status_reason"),
        )
    lower = pl.when(pl.col("strength") > 0).then(pl.col("strength") - 1).otherwise(0)
    return joined.with_columns(pl.when(hit).then(lower).otherwise(pl.col("strength")).cast(pl.UInt8).alias("strength"))


def _absence_spans(context: GapContext, plan: Plan) -> pl.DataFrame:
    """Targets that ask for the absence of a drug of an incomplete class, with the days in which."""
    incomplete = context.valuesets.incomplete_classes
    measure_of = {(rule, name): measure for rule, _, measure, name in plan.uses.iter_rows()}
    rows = []
    for planned in plan.targets:
        rule = plan.rules[planned.rule]
        absent = {name for part in form_of(rule, planned.target) for name in part.forbid}
        for name in sorted(absent):
            term = rule.terms[name]
            if not isinstance(term, FillTerm) or not (set(term.concepts) & incomplete):
                continue
            measure = plan.measures[measure_of[planned.rule, name]]
            reach = measure.window.reach if measure.window is not None and measure.rule >= 0 else (0, 0)
            rows.append((planned.id, measure.first_day, measure.last_day, measure.rule >= 0, *reach))
    schema = {
        "target": pl.UInt16, "from_day": pl.Date, "to_day": pl.Date, "moves": pl.Boolean,
        "reach_from": pl.Int32, "reach_to": pl.Int32,
    }  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.group_by("target").agg(
        pl.col("from_day").min(), pl.col("to_day").max(), pl.col("moves").any(),
        pl.col("reach_from").min(), pl.col("reach_to").max(),
    )  # fmt: skip


def _missing_status(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """Suspicions and recapture against what is captured and who the member is (SPEC R-5.2, 5.3; RULINGS 16)."""
    rows = rows.drop("higher_hcc")
    settled = rows.filter(pl.col("status").is_not_null())
    fresh = found.hccs.with_captured(rows.filter(pl.col("status").is_null()).drop("inert")).filter(~pl.col("same")).drop("same")
    ineligible = found.hccs.only_ineligible.with_columns(pl.lit(True).alias("ineligible"))
    fresh = fresh.join(ineligible, on=_KEY, how="left")
    asked_for = found.plan.target_frame.filter("asked_for")["target"]
    reason = (
        pl.when("higher").then(pl.lit("captured_above"))
        .when(pl.col("ineligible").fill_null(False)).then(pl.lit("ineligible_record"))
        .when(pl.col("strength") == 0, ~pl.col("target").is_in(asked_for.implode())).then(pl.lit("low_strength"))
        .when(pl.col("verdict") == POSSIBLE).then(pl.lit("evidence_not_given"))
        .otherwise(pl.lit(""))
    )  # fmt: skip
    status = reason.replace_strict(
        {
            "captured_above": "closed", "ineligible_record": "informational", "low_strength": "suppressed",
            "evidence_not_given": "indeterminate", "": "open",
        },
        return_dtype=pl.String,
    )  # fmt: skip
    above = pl.coalesce("higher_hcc", pl.when(reason == "ineligible_record").then("coded_above"))
    fresh = fresh.with_columns(status.alias("status"), reason.alias("status_reason"), above.alias("higher_hcc"))
    remark = pl.col("status") == "informational"
    remarks = _without_hcc(shaped(fresh.filter(remark), FULL))
    joined = pl.concat([shaped(settled, FULL), shaped(fresh.filter(~remark), FULL), remarks])
    return _not_for_everyone(found.context, joined)


def _without_hcc(remarks: pl.DataFrame) -> pl.DataFrame:
    """Remarks name no HCC (RULINGS 16): those of one member, model and target are one, about all their codes."""
    key = ["member_index", "m", "target"]
    if remarks.is_empty():
        return remarks
    codes = each_code(remarks.select(*key, "codes")).group_by(key).agg(CODES)
    told = each_code(remarks.select(*key, pl.col("told").alias("codes")).drop_nulls("codes")).group_by(key).agg(CODES)
    # What is coded itself comes first: of the whole it is said that it is coded, not what stands above a part.
    first = remarks.sort(pl.col("higher_hcc").is_not_null(), "hcc")
    merged = first.group_by(key, maintain_order=True).agg(
        pl.col("claims").max(), pl.col("first").min(), pl.col("last").max(),
        pl.exclude("claims", "first", "last", "codes", "told", "hcc").first(),
    )  # fmt: skip
    merged = merged.join(codes, on=key).join(told.rename({"codes": "told"}), on=key, how="left")
    return shaped(merged, FULL)


def _not_for_everyone(context: GapContext, rows: pl.DataFrame) -> pl.DataFrame:
    """Open questions of members to whom nobody can put them: new enrollees, disenrolled, dead, in hospice."""
    members = context.members
    flag = {
        name: pl.col(name).fill_null(False) if name in members.columns else pl.lit(False)
        for name in ("disenrolled", "hospice", "new_enrollee")
    }
    why = (
        pl.when(pl.col("death_date") <= context.as_of).then(pl.lit("died"))
        .when(flag["disenrolled"]).then(pl.lit("disenrolled"))
        .when(flag["hospice"]).then(pl.lit("hospice"))
        .when(flag["new_enrollee"]).then(pl.lit("new_enrollee"))
    )  # fmt: skip
    people = members.select("member_index", why.alias("why")).filter(pl.col("why").is_not_null())
    if people.is_empty():
        return rows
    applies = pl.col("why").is_not_null() & pl.col("status").is_in(("open", "indeterminate"))
    return (
        rows.join(people, on="member_index", how="left")
        .with_columns(
            pl.when(applies).then(pl.lit("suppressed")).otherwise(pl.col("status")).alias("status"),
            pl.when(applies).then(pl.col("why")).otherwise(pl.col("status_reason")).alias("status_reason"),
        )
        .drop("why")
    )


STATUSES = ("open", "indeterminate", "closed", "informational", "suppressed")
STATUS_REASONS = (
    "", "same", "higher", "lower", "equivalent", "new", "acute", "code_retired", "captured_above", "low_strength",
    "ineligible_record", "no_payment_hcc", "problem_list_only", "evidence_not_given", "look_back_not_covered",
    "unidentified_fills", "new_enrollee", "disenrolled", "died", "hospice", "linked", "unlinked", "linked_and_unlinked",
    "not_payable",
)  # fmt: skip
_RANK = {status: place for place, status in enumerate(STATUSES)}


__all__ = ["FULL", "GapRows", "gap_rows"]
