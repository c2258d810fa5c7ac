"""Rules made of terms: signals to hits. One table of bits per member and rule, one join with what has to hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.events import Events, matching_codes
from hcc.gaps.plan import EARLY, LATE, TABLE_OF, Plan
from hcc.gaps.signals import signals
from hcc.rules.gap_terms import MemberTerm

CERTAIN, POSSIBLE = 2, 1
_ZERO = pl.lit(0, pl.UInt64)


@dataclass(frozen=True, eq=False)
class Hits:
    """What the rules made of terms found.

    ``missing``: member_index, target, verdict. ``coded``: the same with claims, first, last of the diagnosis in
    question (unsupported rules). ``signals``: hcc/gaps/signals.py. Verdict 2 holds, 1 cannot be decided.
    ``anchors``: member_index, rule, first, last. ``used``: member_index, target, used: bits (``Plan.uses``) of the terms
    that the ways need by which a target with several ways came.
    """

    missing: pl.DataFrame
    coded: pl.DataFrame
    signals: pl.DataFrame
    anchors: pl.DataFrame
    used: pl.DataFrame


def hits(context: GapContext, plan: Plan, found: Events) -> Hits:
    """Members and targets for which a rule made of terms holds, or cannot be decided for want of a table."""
    coded = coded_targets(context, plan, found)
    anchors = (
        coded.join(plan.target_frame.select("target", "rule"), on="target")
        .group_by("member_index", "rule")
        .agg(pl.col("first").min(), pl.col("last").max())
    )
    found_signals = signals(context, plan, found, anchors)
    bits = rule_bits(context, plan, found_signals, anchors)
    targets = plan.target_frame.filter(
        pl.col("rule").is_in([i for i, rule in enumerate(plan.rules) if rule.pattern is None])
    )
    missing_base = bits.join(targets.filter(~pl.col("unsupported")).select("target", "rule"), on="rule")
    missing = _decided(plan, missing_base, blind_needs=False)
    coded_base = (
        coded.join(targets.select("target", "rule"), on="target")
        .join(bits, on=["member_index", "rule"], how="left")
        .with_columns(pl.col("bits", "blind").fill_null(_ZERO))
    )
    coded_base = _with_blind(context, plan, coded_base)
    supported = _decided(plan, coded_base, blind_needs=True)
    return Hits(
        missing.select("member_index", "target", "verdict"),
        coded.join(supported.select("member_index", "target", "verdict"), on=["member_index", "target"]),
        found_signals,
        anchors,
        _used(plan, pl.concat([missing.select(_USED), supported.select(_USED)])),
    )


_USED = ("member_index", "target", "used")


def _used(plan: Plan, rows: pl.DataFrame) -> pl.DataFrame:
    several = plan.conjunctions.group_by("target").len().filter(pl.col("len") > 1)["target"]
    return rows.filter(pl.col("target").is_in(several.implode()))


def coded_targets(context: GapContext, plan: Plan, found: Events) -> pl.DataFrame:
    """Members whose claims of the year carry a target's diagnoses as the rule's ``coded`` demands.

    Columns: member_index, target, claims (different live claims), first, last.
    """
    schema = {"member_index": pl.UInt32, "target": pl.UInt16, "claims": pl.UInt32, "first": pl.Date, "last": pl.Date}
    if "diagnosis" not in found.frames:
        return pl.DataFrame(schema=schema)
    frame = found.frames["diagnosis"].filter(pl.col("date").is_between(context.year_start, context.year_until))
    codes = target_codes(context, plan, frame)
    limits = []
    keep = pl.lit(False)
    for planned in plan.targets:
        rule = plan.rules[planned.rule]
        if rule.direction != "unsupported" or rule.pattern is not None:
            continue
        coded = planned.target.coded or rule.coded
        limits.append((planned.id, *coded.bounds))
        condition = pl.col("target") == planned.id
        if coded.claim_types:
            condition = condition & pl.col("claim_type").is_in(coded.claim_types)
        keep = keep | condition
    if not limits:
        return pl.DataFrame(schema=schema)
    bounds = pl.DataFrame(limits, schema={"target": pl.UInt16, "fewest": pl.Int64, "most": pl.Int64}, orient="row")
    rows = frame.lazy().join(codes.lazy(), on="diagnosis_code").filter(keep)
    return (
        rows.group_by("member_index", "target")
        .agg(
            pl.col("encounter").n_unique().cast(pl.UInt32).alias("claims"),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
            pl.col("counted").fill_null(False).any().alias("counts"),
        )
        .join(bounds.lazy(), on="target")
        .filter("counts", pl.col("claims").cast(pl.Int64).is_between(pl.col("fewest"), pl.col("most")))
        .select(schema.keys())
        .cast(schema)  # type: ignore[arg-type]
        .collect()
    )


def target_codes(context: GapContext, plan: Plan, frame: pl.DataFrame) -> pl.DataFrame:
    """diagnosis_code, target: codes present that an unsupported target names."""
    present = frame["diagnosis_code"].unique()
    parts = [pl.DataFrame(schema={"diagnosis_code": present.dtype, "target": pl.UInt16})]
    text = present.cast(pl.String)
    for planned in plan.targets:
        rule = plan.rules[planned.rule]
        if rule.direction == "unsupported" and rule.pattern is None:
            codes = matching_codes(text, planned.target.concepts, planned.target.codes, context)
            parts.append(
                codes.to_frame().select(
                    pl.col("diagnosis_code").cast(present.dtype), pl.lit(planned.id, pl.UInt16).alias("target")
                )
            )
    return pl.concat(parts)


def rule_bits(context: GapContext, plan: Plan, found: pl.DataFrame, anchors: pl.DataFrame) -> pl.DataFrame:
    """member_index, rule, bits (terms that hold), blind (terms nothing given can decide)."""
    bits = (
        found.lazy()
        .select("member_index", "measure")
        .join(plan.uses.lazy().select("measure", "rule", "bit"), on="measure")
        .group_by("member_index", "rule")
        .agg(pl.col("bit").bitwise_or().alias("bits"))
        .collect()
    )
    # A coded diagnosis is asked about even where no term holds.
    bare = anchors.select("member_index", "rule").join(bits, on=["member_index", "rule"], how="anti")
    bits = pl.concat([bits, bare.with_columns(_ZERO.alias("bits"))])
    bits = bits.join(plan.unknown, on="rule", how="left").with_columns(pl.col("blind").fill_null(_ZERO))
    return _with_member_terms(context, plan, bits)


def _with_member_terms(context: GapContext, plan: Plan, bits: pl.DataFrame) -> pl.DataFrame:
    """Set the bits of age, sex and ESRD terms."""
    asked: list[tuple[int, int, MemberTerm]] = []
    bit_of = {(rule, name): bit for rule, bit, _, name in plan.uses.iter_rows()}
    for number, rule in enumerate(plan.rules):
        asked += [
            (number, bit_of[number, name], term) for name, term in rule.terms.items() if isinstance(term, MemberTerm)
        ]
    if not asked:
        return bits
    told = "esrd_status" in context.members.columns
    esrd = pl.col("esrd_status").cast(pl.String) if told else pl.lit(None, pl.String)
    people = context.members.select(
        "member_index",
        (pl.lit(context.year) - pl.col("birth_date").dt.year()).alias("_age"),
        pl.col("sex").cast(pl.String).alias("_sex"),
        esrd.fill_null("none").alias("_esrd"),
    )
    rules = sorted({number for number, _, _ in asked})
    some = bits.filter(pl.col("rule").is_in(rules)).join(people, on="member_index", how="left")
    value = pl.col("bits")
    for number, bit, term in asked:
        holds = (pl.col("rule") == number) & _member_holds(term).fill_null(False)
        value = value | pl.when(holds).then(pl.lit(bit, pl.UInt64)).otherwise(_ZERO)
    some = some.with_columns(value.alias("bits")).drop("_age", "_sex", "_esrd")
    return pl.concat([bits.filter(~pl.col("rule").is_in(rules)), some.select(bits.columns)])


def _member_holds(term: MemberTerm) -> pl.Expr:
    if term.sex:
        return pl.col("_sex") == term.sex
    if term.esrd:
        return pl.col("_esrd").is_in(term.esrd)
    comparison = term.comparison
    assert comparison is not None
    op, bound = comparison
    age = pl.col("_age")
    return {">=": age >= bound, ">": age > bound, "<=": age <= bound, "<": age < bound}[op]


_ENROLLED = {"enrolled_from": pl.Date, "disenrolled_on": pl.Date, "away": pl.Boolean}


def _with_blind(context: GapContext, plan: Plan, rows: pl.DataFrame) -> pl.DataFrame:
    """Mark terms of days that nothing given speaks for (RULINGS 28; SPEC 6.1): the table begins after a moving window,
    ends more than a quarter before it does, or before the diagnosis; the member joined or left within it, or was away."""
    columns = rows.columns
    known = {name: dtype for name, dtype in _ENROLLED.items() if name in context.members.columns}
    if known:
        rows = rows.join(context.members.select("member_index", *known), on="member_index", how="left")
    since, left, away = (
        pl.col(name) if name in known else pl.lit(None, dtype) for name, dtype in _ENROLLED.items()
    )
    blind = pl.col("blind")
    for rule, bit, number, _ in plan.uses.iter_rows():
        measure = plan.measures[number]
        window = measure.window
        covered = context.coverage.get(TABLE_OF.get(measure.kind, ""))
        if window is None or covered is None or plan.rules[rule].direction != "unsupported":
            continue
        short: list[pl.Expr] = []
        if measure.rule >= 0:
            reach_from, reach_to = window.reach
            if reach_from < 0 and window.shape != "long_before":
                begins = pl.col("first") + timedelta(days=reach_from)
                short.append((begins < covered[0]) | (begins < since).fill_null(False))
            ends = pl.min_horizontal(pl.col("last") + timedelta(days=reach_to), pl.lit(context.as_of))
            short.append((left < ends).fill_null(False))
            if covered[1] < context.as_of - timedelta(days=EARLY):
                short.append(ends > covered[1] + timedelta(days=EARLY))
        elif window.shape == "year":
            short.append((since > measure.first_day + timedelta(days=LATE)).fill_null(False))
            short.append((left < measure.last_day - timedelta(days=LATE)).fill_null(False) | away.fill_null(False))
            if covered[1] < measure.last_day:
                short.append((pl.col("last") > covered[1]).fill_null(False))
        if short:
            hit = (pl.col("rule") == rule) & pl.any_horizontal(short)
            blind = blind | pl.when(hit).then(pl.lit(bit, pl.UInt64)).otherwise(_ZERO)
    return rows.with_columns(blind.alias("blind")).select(columns)


def _decided(plan: Plan, rows: pl.DataFrame, *, blind_needs: bool) -> pl.DataFrame:
    """Rows whose conjunctions hold, with the best verdict, and ``used``: the terms that these need.

    ``blind_needs``: a needed term that cannot be known leaves the row undecided (a coded diagnosis is there to ask
    about); without it such a row is dropped (a suspicion needs its evidence).
    """
    need, forbid, bits = pl.col("need"), pl.col("forbid"), pl.col("bits")
    seen = bits | pl.col("blind") if blind_needs else bits
    possible = ((seen & need) == need) & ((bits & forbid) == 0)
    certain = ((bits & need) == need) & (((bits | pl.col("blind")) & forbid) == 0)
    return (
        rows.lazy()
        .join(plan.conjunctions.lazy(), on="target")
        .filter(possible)
        .with_columns(pl.when(certain).then(CERTAIN).otherwise(POSSIBLE).cast(pl.UInt8).alias("verdict"))
        .group_by("member_index", "target")
        .agg(pl.col("verdict").max(), need.bitwise_or().alias("used"))
        .collect()
    )
