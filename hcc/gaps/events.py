"""Events: the rows of evidence that some rule counts, read once and held as narrow columns.

Each kind gives a frame with member_index, date and its own columns, and a key frame (its key, measure) that says which
measures an event belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.evidence.values import COMPARATORS
from hcc.gaps.needs import CONCEPTS_OF_INDEX
from hcc.gaps.plan import Measure, Plan
from hcc.rules.gap_patterns import OnlyOn
from hcc.rules.gap_terms import CkdStageTerm, DiagnosisTerm, FillTerm, IndexTerm, ProblemTerm, ProcedureTerm, ResultTerm
from hcc.rules.gap_windows import EARLIEST

DEAD = ("SUPERSEDED", "DELETED", "OUT_OF_WINDOW")
DEAD_FLAGS = ("NOT_ACCEPTED_OR_DENIED", "WITHDRAWN")
_MEASURE = pl.UInt16
# Words of FHIR's Condition.clinicalStatus and verificationStatus.
_NO_LONGER = ("inactive", "remission", "resolved")
_NEVER = ("entered-in-error", "refuted")
_BARE = "code "  # before a procedure code that stands for itself


@dataclass(frozen=True, eq=False)
class Events:
    """``frames`` and ``keys`` by kind: fill, result, procedure, diagnosis, problem. A kind not given is absent.

    A diagnosis has ``since`` beside its date, the first day of a hospital stay, else the date; and ``encounter`` beside
    its claim_id: a linked chart review and its encounter are one. A result has ``sign``, the place of its comparator in
    COMPARATORS. A problem has ``ended``, the day on which it stood no longer (null: it stands).
    """

    frames: dict[str, pl.DataFrame]
    keys: dict[str, pl.DataFrame]


def live(diagnoses: pl.DataFrame) -> pl.DataFrame:
    """Diagnoses of records that stand: accepted and not denied for an administrative reason, not replaced, voided or
    deleted, and of the year."""
    sets = diagnoses["flags"].cast(pl.String).drop_nulls().unique()
    refused = sets.filter(sets.str.split(",").list.eval(pl.element().is_in(DEAD_FLAGS)).list.any())
    return diagnoses.filter(
        ~pl.col("reason").cast(pl.String).is_in(DEAD),
        pl.col("record_type") != "chart_review_delete",
        *([~pl.col("flags").cast(pl.String).is_in(refused.implode()).fill_null(False)] if len(refused) else []),
    )


def events(context: GapContext, plan: Plan) -> Events:
    """All events that the plan counts, up to ``as_of``."""
    frames: dict[str, pl.DataFrame] = {}
    keys: dict[str, pl.DataFrame] = {}
    for kind, build in _BUILDERS.items():
        built = build(context, plan)
        if built is not None:
            frames[kind], keys[kind] = built
    return Events(frames, keys)


Built = tuple[pl.DataFrame, pl.DataFrame] | None


def _key_frame(rows: Iterable[tuple[object, int]], name: str, dtype: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema={name: dtype, "measure": _MEASURE}, orient="row")


def _span(measures: Iterable[Measure]) -> tuple[date, date]:
    days = [(measure.first_day, measure.last_day) for measure in measures]
    return min(first for first, _ in days), max(last for _, last in days)


def _fills(context: GapContext, plan: Plan) -> Built:
    measures = plan.measures_of_kind("fill")
    if context.evidence.fills is None or not measures:
        return None
    drugs = context.valuesets.drug_keys.with_columns(
        pl.col("drug_class", "ingredient", "route", "flags", "evidence").cast(pl.String).fill_null("")
    )
    parts = []
    for measure in measures:
        assert isinstance(measure.term, FillTerm)
        found = drugs.filter(*fill_conditions(measure.term)).select("drug").unique()
        parts.append(found.with_columns(pl.lit(measure.id, _MEASURE).alias("measure")))
    keys = pl.concat(parts).unique()
    first, last = _span(measures)
    wanted = keys["drug"].unique()
    frame = (
        context.evidence.fills.filter(pl.col("fill_date").is_between(first, last))
        .filter(pl.col("drug").is_in(wanted.implode()))
        .select("member_index", pl.col("fill_date").alias("date"), "drug", pl.col("code").cast(pl.String))
        .collect()
    )
    return frame, keys.with_columns(pl.col("drug").cast(frame.schema["drug"]))


def fill_conditions(term: FillTerm) -> list[pl.Expr]:
    """Which rows of ``drug_keys`` a fill term means."""
    conditions = [pl.col("evidence").is_in(term.evidence)]
    if term.concepts:
        conditions.append(pl.col("drug_class").is_in(term.concepts))
    if term.ingredients:
        conditions.append(pl.col("ingredient").is_in(term.ingredients))
    if term.but_not_ingredients:
        conditions.append(~pl.col("ingredient").is_in(term.but_not_ingredients))
    if term.routes:
        conditions.append(pl.col("route").is_in(term.routes))
    if term.flags_any:
        conditions.append(_has_flag(term.flags_any))
    if term.flags_none:
        conditions.append(~_has_flag(term.flags_none))
    if term.alone is not None:
        conditions.append((pl.col("components") == 1) == term.alone)
    return conditions


def _has_flag(flags: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal([pl.col("flags").str.split("|").list.contains(flag) for flag in flags])


def _results(context: GapContext, plan: Plan) -> Built:
    measures = plan.measures_of_kind("result", "ckd_stage", "index")
    if context.evidence.results is None or not measures:
        return None
    rows: list[tuple[str, str, int]] = []
    for measure in measures:
        term = measure.term
        if isinstance(term, ResultTerm):
            rows += [(concept, use, measure.id) for concept in term.concepts for use in term.uses]
        elif isinstance(term, CkdStageTerm):
            rows += [(concept, use, measure.id) for concept in term.concepts for use in ("include", "fallback")]
        elif isinstance(term, IndexTerm):
            rows += [(concept, "include", measure.id) for concept in CONCEPTS_OF_INDEX[term.index]]
    keys = pl.DataFrame(
        rows, schema={"concept": pl.String, "use": pl.String, "measure": _MEASURE}, orient="row"
    ).unique()
    first, last = _span(measures)
    kinds = keys.select("concept", "use").unique()
    frame = (
        context.evidence.results.filter(pl.col("observation_date").is_between(first, last))
        .with_columns(pl.col("concept", "use").cast(pl.String))
        .filter(pl.col("concept").is_in(kinds["concept"].unique().implode()))
        .select(
            "member_index", pl.col("observation_date").alias("date"), "concept", "use", "value", "low", "high",
            pl.col("finding").cast(pl.String), pl.col("loinc").cast(pl.String).alias("code"),
            pl.col("comparator").cast(COMPARATORS).to_physical().cast(pl.UInt8).alias("sign"),
        )
        .collect()
    )  # fmt: skip
    better = frame.filter(~pl.col("use").is_in(["fallback", "unread"])).select("member_index", "concept").unique()
    fallback = frame.filter(pl.col("use") == "fallback").join(better, on=["member_index", "concept"], how="anti")
    frame = pl.concat([frame.filter(pl.col("use") != "fallback"), fallback])
    enums = {name: pl.Enum(sorted(set(kinds[name]) | set(frame[name].unique()))) for name in ("concept", "use")}
    cast = [pl.col(name).cast(dtype) for name, dtype in enums.items()]
    return frame.with_columns(cast), keys.with_columns(cast)


def _procedures(context: GapContext, plan: Plan) -> Built:
    measures = plan.measures_of_kind("procedure")
    own = {
        concept
        for rule in plan.rules
        if isinstance(rule.pattern, OnlyOn)
        for concept in (*rule.pattern.services, *rule.pattern.vendor_services)
    }
    before = {concept for term in _ckd_terms(plan) for concept in term.not_after_services}
    own |= before
    if context.evidence.procedures is None or not (measures or own):
        return None
    rows: list[tuple[str, str, int]] = []
    bare: set[str] = set()
    for measure in measures:
        assert isinstance(measure.term, ProcedureTerm)
        rows += [(concept, grade, measure.id) for concept in measure.term.concepts for grade in measure.term.evidence]
        rows += [(f"{_BARE}{code}", _BARE, measure.id) for code in measure.term.codes]
        bare |= set(measure.term.codes)
    keys = pl.DataFrame(rows, schema={"concept": pl.String, "grade": pl.String, "measure": _MEASURE}, orient="row")
    wanted = sorted(own | set(keys["concept"]))
    first, last = _span(measures) if measures else (context.year_start, context.as_of)
    first = EARLIEST if before else first
    code = pl.col("code").cast(pl.String)
    services = context.evidence.procedures.filter(
        pl.col("date").is_between(min(first, context.year_start), max(last, context.year_until))
    ).with_columns(pl.col("concept").cast(pl.String), pl.col("evidence").cast(pl.String).alias("grade"))
    parts = [services.filter(pl.col("concept").is_in(wanted))]
    if bare:  # a code that a rule names itself is a concept of its own, whatever concepts hold it
        own_code = services.filter(code.is_in(sorted(bare)))
        parts.append(own_code.with_columns((pl.lit(_BARE) + code).alias("concept"), pl.lit(_BARE).alias("grade")))
    frame = (
        pl.concat(parts)
        .select("member_index", "date", "concept", "grade", "claim_id", code, "rendering_npi")
        .unique()
        .collect()
    )
    enums = {"concept": pl.Enum(wanted), "grade": pl.Enum(sorted(set(keys["grade"]) | set(frame["grade"].unique())))}
    cast = [pl.col(name).cast(dtype) for name, dtype in enums.items()]
    return frame.with_columns(cast), keys.with_columns(cast)


def _ckd_terms(plan: Plan) -> list[CkdStageTerm]:
    return [m.term for m in plan.measures_of_kind("ckd_stage") if isinstance(m.term, CkdStageTerm)]


def _diagnoses(context: GapContext, plan: Plan) -> Built:
    columns = ("member_index", "claim_id", "date", "diagnosis_code", "claim_type", "counted", "place_of_service")
    text = ("diagnosis_code", "claim_type", "place_of_service")
    current = live(context.diagnoses).rename({"thru_date": "date"}).filter(pl.col("date") <= context.as_of)
    of_interest = plan.needs.diagnosis_filter(context.valuesets)
    wanted = current.select("diagnosis_code").unique().filter(of_interest)["diagnosis_code"]
    parts = [
        current.lazy()
        .filter(pl.col("diagnosis_code").is_in(wanted.implode()))
        .with_columns(pl.col(text).cast(pl.String))
        .select(columns)
    ]
    if context.evidence.diagnoses is not None:
        other = context.evidence.diagnoses.filter(pl.col("date") <= context.as_of)
        parts.append(other.filter(of_interest).with_columns(pl.col(text).cast(pl.String)).select(columns))
    rows = pl.concat(parts, how="vertical_relaxed").unique()
    if context.evidence.stays is None:
        rows = rows.with_columns(pl.col("date").alias("since"))
    else:
        rows = rows.join(context.evidence.stays, on=["member_index", "claim_id"], how="left")
        rows = rows.with_columns(pl.min_horizontal("since", "date").alias("since"))
    frame = with_encounter(context, rows).collect()
    present = frame["diagnosis_code"].unique().sort()
    keys = pl.concat(
        [
            _code_keys(measure, measure.term, present, context)
            for measure in plan.measures_of_kind("diagnosis")
            if isinstance(measure.term, DiagnosisTerm)
        ]
        or [_key_frame([], "diagnosis_code", pl.String)]
    )
    enum = pl.Enum(present)
    return frame.with_columns(pl.col("diagnosis_code").cast(enum)), keys.with_columns(
        pl.col("diagnosis_code").cast(enum)
    )


def with_encounter(context: GapContext, claims: pl.LazyFrame) -> pl.LazyFrame:
    """``claims`` (member_index, claim_id …) with ``encounter``: the claim that a linked chart review belongs to."""
    if context.evidence.links is None:
        return claims.with_columns(pl.col("claim_id").alias("encounter"))
    linked = claims.join(context.evidence.links, on=["member_index", "claim_id"], how="left")
    return linked.with_columns(pl.coalesce("encounter", "claim_id").alias("encounter"))


def _code_keys(
    measure: Measure, term: DiagnosisTerm | ProblemTerm, present: pl.Series, context: GapContext
) -> pl.DataFrame:
    found = matching_codes(present, term.concepts, term.codes, context)
    return pl.DataFrame({"diagnosis_code": found}, schema={"diagnosis_code": pl.String}).with_columns(
        pl.lit(measure.id, _MEASURE).alias("measure")
    )


def matching_codes(
    present: pl.Series, concepts: Iterable[str], prefixes: Iterable[str], context: GapContext
) -> pl.Series:
    """Those of the codes present that belong to the concepts or begin with a prefix."""
    code = pl.col("diagnosis_code")
    wanted = code.is_in(concept_codes(context, concepts))
    starts = sorted(prefixes)
    if starts:
        wanted = wanted | code.str.contains("^(?:" + "|".join(starts) + ")")
    return present.cast(pl.String).rename("diagnosis_code").to_frame().filter(wanted)["diagnosis_code"]


def concept_codes(context: GapContext, concepts: Iterable[str]) -> list[str]:
    """Codes of diagnosis concepts."""
    table = context.valuesets.diagnoses
    names = list(concepts)
    return table.filter(pl.col("concept").cast(pl.String).is_in(names))["diagnosis_code"].cast(pl.String).to_list()


def _problems(context: GapContext, plan: Plan) -> Built:
    if context.evidence.problems is None:
        return None
    names = context.evidence.problems.collect_schema().names()
    status = pl.col("status").cast(pl.String).str.to_lowercase() if "status" in names else pl.lit(None, pl.String)
    resolved = pl.col("resolved_date") if "resolved_date" in names else pl.lit(None, pl.Date)
    ended = pl.coalesce(resolved, pl.when(status.is_in(_NO_LONGER)).then(pl.col("recorded_date")))
    frame = (
        context.evidence.problems.filter(pl.col("recorded_date") <= context.as_of, ~status.is_in(_NEVER).fill_null(False))
        .select(
            "member_index", pl.col("recorded_date").alias("date"), ended.alias("ended"),
            pl.col("code").alias("diagnosis_code"),
        )
        .unique()
        .collect()
    )  # fmt: skip
    present = frame["diagnosis_code"].unique()
    keys = pl.concat(
        [
            _code_keys(measure, measure.term, present, context)
            for measure in plan.measures_of_kind("problem")
            if isinstance(measure.term, ProblemTerm)
        ]
        or [_key_frame([], "diagnosis_code", pl.String)]
    )
    return frame, keys


_BUILDERS = {
    "fill": _fills,
    "result": _results,
    "procedure": _procedures,
    "diagnosis": _diagnoses,
    "problem": _problems,
}
