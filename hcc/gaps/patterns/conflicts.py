"""Diagnoses that contradict each other, the member's sex, or a keystroke (AUD-CONFLICT, OIG-8)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.events import matching_codes
from hcc.gaps.patterns.common import EVIDENCE, ROW, Found, PatternRows, Schema, dotted, each_code, rows_of_codes, shaped
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import Conflicts, Miskeyed

_NOTHING = pl.DataFrame(schema=ROW)


def _year_events(found: Found) -> pl.DataFrame:
    context = found.context
    return found.events.frames["diagnosis"].filter(pl.col("date").is_between(context.year_start, context.year_until))


def conflicts(found: Found, rule: Rule, target: int) -> PatternRows:
    """Pairs of the value set ``conflicts`` on one day or in one year, and codes that the member's sex excludes."""
    assert isinstance(rule.pattern, Conflicts)
    if "diagnosis" not in found.events.frames:
        return PatternRows(_NOTHING)
    events = _year_events(found).select(
        "member_index", "claim_id", "date", pl.col("diagnosis_code").cast(pl.String), pl.col("counted").fill_null(False)
    )
    pairs = _pairs(found, events)
    frame = pl.concat([pairs, _against_sex(found, rule.pattern, events)])
    # One row per phrase: a conflict is told of both its codes, and once where both give the HCC.
    in_question = frame.filter("counted").select("member_index", "diagnosis_code", "claims", "first", "last", "detail")
    rows = _with_stands(found, rows_of_codes(found, in_question, target), frame)
    return PatternRows(rows, _other_claims(frame, rows, target))


def _with_stands(found: Found, rows: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """``falls`` false where two codes that contradict each other give one HCC: whichever is wrong, it stands."""
    pairs = frame.filter("counted", pl.col("other").is_not_null()).select("member_index", "diagnosis_code", "other")
    given = found.hccs.counted_hccs(pairs.unique()).select("member_index", "m", "hcc", "diagnosis_code", "other")
    turned = {"other": "diagnosis_code", "diagnosis_code": "other"}
    both = given.join(given.rename(turned), on=given.columns, how="semi").select("member_index", "m", "hcc").unique()
    marked = rows.join(both.with_columns(stands=True), on=["member_index", "m", "hcc"], how="left")
    return marked.with_columns(pl.when(pl.col("stands").is_null()).then("falls").otherwise(False).alias("falls")).drop("stands")


def _pairs(found: Found, events: pl.DataFrame) -> pl.DataFrame:
    """Both sides of each conflicting pair: member_index, diagnosis_code, counted, claims, first, last, detail, other."""
    present = events["diagnosis_code"].unique()
    table = found.context.valuesets.conflicts.with_row_index("pair")
    sides = []
    for side in ("a", "b"):
        prefixes = table.select("pair", pl.col(f"code_prefix_{side}").cast(pl.String).alias("prefix"))
        keys = present.to_frame().join(prefixes, how="cross").filter(pl.col("diagnosis_code").str.starts_with(pl.col("prefix")))
        sides.append(events.join(keys.drop("prefix"), on="diagnosis_code"))
    scope = table.select("pair", pl.col("scope").cast(pl.String), pl.col("note").cast(pl.String))
    # A member with thousands of claims has millions of pairs of them: events of a day meet those of that day alone, and
    # what is to be told of a year is told of each code before the codes meet.
    left, right = (side.unique().join(scope, on="pair") for side in sides)
    of_day, of_year = pl.col("scope") != "year", pl.col("scope") == "year"
    parts = []
    for chosen, each, same in (
        (of_day, ["member_index", "pair", "diagnosis_code", "date"], ["member_index", "pair", "date"]),
        (of_year, ["member_index", "pair", "diagnosis_code"], ["member_index", "pair"]),
    ):
        one, other = (_told(side.filter(chosen), each) for side in (left, right))
        met = one.join(other.drop("scope", "note"), on=same, suffix="_b")
        parts.append(met.filter(pl.col("diagnosis_code") != pl.col("diagnosis_code_b")).drop("date", strict=False))
    both = pl.concat(parts)
    detail = pl.format(
        "{} and {} {}: {}",
        dotted(pl.col("diagnosis_code")), dotted(pl.col("diagnosis_code_b")),
        pl.when(of_year).then(pl.lit("in one year")).otherwise(pl.lit("on one day")), "note",
    )  # fmt: skip
    both = both.with_columns(detail.alias("detail"))
    told = ["counted", "claim_ids", "first", "counted_last", "last", "last_claim"]
    direct = both.select(
        "member_index", "diagnosis_code", "detail", *told, pl.col("diagnosis_code_b").alias("other"),
        pl.col("last_claim_b").alias("other_claim"), pl.col("last_b").alias("other_date"),
    )  # fmt: skip
    mirrored = both.select(
        "member_index", pl.col("diagnosis_code_b").alias("diagnosis_code"), "detail",
        *(pl.col(f"{name}_b").alias(name) for name in told), pl.col("diagnosis_code").alias("other"),
        pl.col("last_claim").alias("other_claim"), pl.col("last").alias("other_date"),
    )  # fmt: skip
    return (
        pl.concat([direct, mirrored])
        .group_by("member_index", "diagnosis_code", "other", "detail")
        .agg(
            pl.col("counted").any(),
            pl.col("claim_ids").explode().n_unique().cast(pl.UInt32).alias("claims"),
            pl.col("first").min(),
            pl.max_horizontal(pl.col("counted_last").max(), pl.col("other_date").max()).alias("last"),
            # Of several the latest, which is what is shown of it.
            pl.col("other_claim").sort_by("other_date", "other_claim", descending=[True, False]).first(),
            pl.col("other_date").max(),
        )
    )


def _told(events: pl.DataFrame, each: list[str]) -> pl.DataFrame:
    """What is told of a code on a day or in a year: its claims, first and last day, and the claim of the last."""
    day = pl.col("date")
    return events.group_by([*each, "scope", "note"]).agg(
        pl.col("counted").any(), pl.col("claim_id").unique().alias("claim_ids"), day.min().alias("first"),
        day.filter("counted").max().alias("counted_last"), day.max().alias("last"),
        pl.col("claim_id").sort_by("date", "claim_id", descending=[True, False]).first().alias("last_claim"),
    )  # fmt: skip


def _against_sex(found: Found, pattern: Conflicts, events: pl.DataFrame) -> pl.DataFrame:
    sex = found.context.members.select("member_index", pl.col("sex").cast(pl.String).alias("is_sex"))
    parts = []
    for one in pattern.sexes:
        codes = matching_codes(events["diagnosis_code"].unique(), (), (one.prefix,), found.context)
        rows = events.filter(pl.col("diagnosis_code").is_in(codes.implode())).join(sex, on="member_index")
        parts.append(rows.filter(pl.col("is_sex") != one.sex).with_columns(pl.lit(one.words).alias("words")))
    schema: Schema = {
        "member_index": pl.UInt32, "diagnosis_code": pl.String, "other": pl.String, "detail": pl.String,
        "counted": pl.Boolean, "claims": pl.UInt32, "first": pl.Date, "last": pl.Date, "other_claim": pl.String,
        "other_date": pl.Date,
    }  # fmt: skip
    if not parts:
        return pl.DataFrame(schema=schema)
    detail = pl.format("{} ({}) for a member of sex {}", dotted(pl.col("diagnosis_code")), "words", "is_sex")
    grouped = (
        pl.concat(parts)
        .with_columns(detail.alias("detail"))
        .group_by("member_index", "diagnosis_code", "detail")
        .agg(
            pl.col("counted").any(),
            pl.col("claim_id").n_unique().cast(pl.UInt32).alias("claims"),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
        )
    )
    return shaped(grouped, schema)


def _other_claims(frame: pl.DataFrame, rows: pl.DataFrame, target: int) -> pl.DataFrame:
    """The contradicting diagnosis as evidence for the gap."""
    exploded = each_code(rows.select("member_index", "m", "hcc", "codes"))
    key = ["member_index", "m", "hcc"]
    others = exploded.join(frame.filter(pl.col("other").is_not_null()), on=["member_index", "diagnosis_code"])
    # Claims of what is in question itself are listed with it.
    others = others.join(exploded.rename({"diagnosis_code": "other"}), on=[*key, "other"], how="anti")
    other = others.select(
        "member_index", "m", "hcc", pl.lit(target).alias("target"), pl.lit("for").alias("stance"),
        pl.lit("claim").alias("kind"), pl.col("other_date").alias("evidence_date"), pl.col("other_claim").alias("claim_id"),
        pl.col("other").alias("code"), pl.lit("the diagnosis it contradicts").alias("description"),
    )  # fmt: skip
    return shaped(other.unique(), EVIDENCE)


def miskeyed(found: Found, rule: Rule, target: int) -> PatternRows:
    """A paid code on one claim, one keystroke from a code on several; nothing else carries its HCC (OIG-8)."""
    pattern = rule.pattern
    assert isinstance(pattern, Miskeyed)
    if "diagnosis" not in found.events.frames:
        return PatternRows(_NOTHING)
    pairs = found.context.valuesets.miskeyed.filter(pl.col("score").cast(pl.Int64) >= pattern.least_score).select(
        pl.col("diagnosis_code", "common_code").cast(pl.String)
    )
    counts = (
        _year_events(found)
        .group_by("member_index", pl.col("diagnosis_code").cast(pl.String))
        .agg(
            pl.col("claim_id").n_unique().cast(pl.UInt32).alias("claims"),
            pl.col("counted").fill_null(False).any().alias("counts"),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
        )
    )
    once = counts.filter(pl.col("claims") == 1, "counts").join(pairs, on="diagnosis_code")
    often = counts.filter(pl.col("claims") >= pattern.common_claims).select(
        "member_index", pl.col("diagnosis_code").alias("common_code"), pl.col("claims").alias("common_claims"),
        pl.col("last").alias("common_last"),
    )  # fmt: skip
    hits = once.join(often, on=["member_index", "common_code"])
    detail = pl.format(
        "{} on {} claims differs by one keystroke", dotted(pl.col("common_code")), pl.col("common_claims")
    )
    rows = rows_of_codes(found, hits.with_columns(detail.alias("detail")), target)
    alone = found.hccs.behind.group_by("member_index", "m", "hcc").agg(pl.col("diagnosis_code").n_unique().alias("n"))
    rows = rows.join(alone.filter(pl.col("n") == 1), on=["member_index", "m", "hcc"], how="semi")
    context = (
        hits.select("member_index", "common_code", "common_last")
        .unique()
        .join(rows.select("member_index", "m", "hcc"), on="member_index")
    )
    evidence = context.select(
        "member_index", "m", "hcc", pl.lit(target).alias("target"), pl.lit("for").alias("stance"),
        pl.lit("claim").alias("kind"), pl.col("common_last").alias("evidence_date"), pl.col("common_code").alias("code"),
        pl.lit("the similar code that recurs").alias("description"),
    )  # fmt: skip
    return PatternRows(rows, shaped(evidence, EVIDENCE))
