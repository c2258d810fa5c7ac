"""Diagnoses out of time: after death, after a delete, long after the acute episode (SPEC 6.3, 6.4, R-6.7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl

from hcc.gaps.events import matching_codes
from hcc.gaps.patterns.common import EVIDENCE, ROW, Found, PatternRows, claim_rows, counted_claims, plural, shaped
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import AfterEnd, ConsecutiveYears, LateEpisode, Reappeared

_NOTHING = pl.DataFrame(schema=ROW)
_END = {"death": ("death_date", "death on"), "disenrollment": ("disenrolled_on", "enrollment ended on")}


def after_end(found: Found, rule: Rule, target: int) -> PatternRows:
    """Counted claims after the member's death, or after enrollment ended."""
    assert isinstance(rule.pattern, AfterEnd)
    column, words = _END[rule.pattern.end]
    members = found.context.members
    if column not in members.columns:
        return PatternRows(_NOTHING)
    ends = members.filter(pl.col(column).is_not_null()).select("member_index", pl.col(column).alias("end"))
    claims = counted_claims(found).join(ends, on="member_index").filter(pl.col("date") > pl.col("end"))
    detail = pl.format("{} {}", pl.lit(words), pl.col("end").dt.to_string("%Y-%m-%d"))
    return claim_rows(found, claims.with_columns(detail.alias("detail")), target)


def reappeared(found: Found, rule: Rule, target: int) -> PatternRows:
    """A code counted on or after the day of service for which a chart-review delete of it stands.

    Where it is known when both were submitted, the claim has to have come after the delete: what stood beside the deleted
    record all along comes back with nothing.
    """
    assert isinstance(rule.pattern, Reappeared)
    evidence = found.context.evidence
    if evidence.deletes is None:
        return PatternRows(_NOTHING)
    context = found.context
    gone = (
        evidence.deletes.filter(pl.col("date").is_between(context.year_start, context.year_until))
        .select(
            "member_index", pl.col("diagnosis_code").cast(pl.String), pl.col("date").alias("deleted"),
            pl.col("claim_id").cast(pl.String).alias("delete"), pl.col("submitted").alias("deleted_on"),
        )
        .collect()
    )  # fmt: skip
    claims = (
        counted_claims(found)
        .join(gone.select("member_index").unique(), on="member_index", how="semi")
        .with_columns(pl.col("diagnosis_code", "claim_id").cast(pl.String))
        .join(gone, on=["member_index", "diagnosis_code"])
    )
    known = pl.DataFrame(schema={"member_index": pl.UInt32, "claim_id": pl.String, "submitted": pl.Date})
    if evidence.submitted is not None:
        known = evidence.submitted.with_columns(pl.col("claim_id").cast(pl.String)).collect()
    claims = (
        claims.join(known, on=["member_index", "claim_id"], how="left")
        .filter(pl.col("date") >= pl.col("deleted"), (pl.col("submitted") > pl.col("deleted_on")).fill_null(True))
        .sort("deleted", "deleted_on", "delete")
        .unique(["member_index", "claim_id", "diagnosis_code"], keep="first", maintain_order=True)
    )
    detail = pl.format("deleted for the service of {}", pl.col("deleted").dt.to_string("%Y-%m-%d"))
    answer = claim_rows(found, claims.with_columns(detail.alias("detail")), target)
    named = claims.select("member_index", "diagnosis_code", "deleted", "delete", "deleted_on").unique()
    deletes = found.hccs.counted_hccs(named)
    shown = deletes.select(
        "member_index", "m", "hcc", pl.lit(target).alias("target"), pl.lit("context").alias("stance"),
        pl.lit("claim").alias("kind"), pl.col("deleted").alias("evidence_date"), pl.col("delete").alias("claim_id"),
        pl.col("diagnosis_code").alias("code"), pl.lit("the chart review that deleted it").alias("description"),
        pl.format("submitted on {}", pl.col("deleted_on").dt.to_string("%Y-%m-%d")).alias("value"),
    )  # fmt: skip
    return replace(answer, evidence=shaped(shown.unique(), EVIDENCE))


def late_episode(found: Found, rule: Rule, target: int) -> PatternRows:
    """An acute code on a claim outside hospital, more than ``days`` after the first claim of the nearest episode.

    An episode begins with a hospital stay more than ``days`` after the one before; where there is no stay, with the
    first claim of all. ``after_stay``: the days count from the discharge of the last stay, and what falls within a stay
    belongs to it.
    """
    pattern = rule.pattern
    assert isinstance(pattern, LateEpisode)
    events = _concept_events(found, pattern.concepts)
    if events is None:
        return PatternRows(_NOTHING)
    context = found.context
    late = events.filter(
        pl.col("counted").fill_null(False),
        pl.col("claim_type") != "inpatient",
        pl.col("date").is_between(context.year_start, context.year_until),
    )
    if pattern.places_of_service:
        late = late.filter(pl.col("place_of_service").is_in(pattern.places_of_service))
    stays = events.filter(pl.col("claim_type") == "inpatient")
    earlier = stays if pattern.after_stay else events
    # By days, of which there are few: a member with thousands of claims would have millions of pairs of them.
    on_day = ["member_index", "start", "start_type"]
    earlier = (
        earlier.select(
            "member_index", pl.col("date").alias("start"), pl.col("claim_type").alias("start_type"),
            pl.col("claim_id").alias("start_claim"), pl.col("diagnosis_code").alias("start_code"),
        )
        .sort("start_claim", "start_code")
        .unique(on_day, keep="first", maintain_order=True)
    )  # fmt: skip
    key = ["member_index", "date"]
    days = late.select(key).unique()
    pairs = days.join(earlier, on="member_index").with_columns(
        (pl.col("date") - pl.col("start")).dt.total_days().alias("after")
    )
    pairs = pairs.filter(pl.col("after").is_between(0, pattern.lookback_days))
    new_stay = pairs.filter((pl.col("start_type") == "inpatient") & (pl.col("after") <= pattern.days)).select(key)
    if pattern.after_stay:
        new_stay = pl.concat([new_stay, _within_a_stay(days, stays).select(key)])
    pairs = pairs.filter(pl.col("after") > pattern.days).join(new_stay, on=key, how="anti")
    begun = pairs.join(_begun(events, pattern.days), on=["member_index", "start"], how="semi")
    begun = begun.filter(pl.col("start_type") == "inpatient").filter(pl.col("start") == pl.col("start").max().over(key))
    first = (
        pl.concat([begun, pairs.join(begun.select(key), on=key, how="anti")])
        .sort("start", "start_claim", "start_code")
        .group_by(key, maintain_order=True)
        .first()
    )
    detail = pl.format("{} after {}", plural(pl.col("after"), "day", "days"), pl.col("start").dt.to_string("%Y-%m-%d"))
    answer = claim_rows(found, late.join(first.with_columns(detail.alias("detail")), on=key), target)
    evidence = first.select(
        "member_index", pl.lit(target).alias("target"), pl.lit("for").alias("stance"), pl.lit("claim").alias("kind"),
        pl.col("start").alias("evidence_date"), pl.col("start_claim").alias("claim_id"),
        pl.col("start_code").alias("code"),
        pl.lit("the hospital stay before" if pattern.after_stay else "first claim of the episode").alias("description"),
    )  # fmt: skip
    return replace(answer, evidence=shaped(evidence.unique(), EVIDENCE))


def _within_a_stay(days: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Those ``days`` (member_index, date) that lie in one of the member's ``stays``."""
    spans = stays.select("member_index", pl.col("since").alias("from_day"), pl.col("date").alias("to_day")).unique()
    return days.join(spans, on="member_index").filter(pl.col("date").is_between("from_day", "to_day"))


def _begun(events: pl.DataFrame, days: int) -> pl.DataFrame:
    """member_index, start: hospital stays that no other precedes by ``days`` or less."""
    stays = events.filter(pl.col("claim_type") == "inpatient").select("member_index", pl.col("date").alias("start"))
    since = pl.col("start").diff().over("member_index").dt.total_days()
    return stays.unique().sort("member_index", "start").filter((since > days).fill_null(True))


def consecutive_years(found: Found, rule: Rule, target: int) -> PatternRows:
    """An acute code in the year and in each of the ``years`` before."""
    pattern = rule.pattern
    assert isinstance(pattern, ConsecutiveYears)
    events = _concept_events(found, pattern.concepts)
    if events is None:
        return PatternRows(_NOTHING)
    context = found.context
    before = events.filter(pl.col("date") < context.year_start).with_columns(pl.col("date").dt.year().alias("year"))
    wanted = [context.year - back for back in range(1, pattern.years + 1)]
    repeated = (
        before.filter(pl.col("year").is_in(wanted))
        .group_by("member_index")
        .agg(pl.col("year").n_unique().alias("n"), pl.col("date").max().alias("before"))
        .filter(pl.col("n") == pattern.years)
    )
    claims = events.filter(
        pl.col("counted").fill_null(False), pl.col("date").is_between(context.year_start, context.year_until)
    ).join(repeated, on="member_index")
    detail = pl.format(
        f"also in the {'year' if pattern.years == 1 else f'{pattern.years} years'} before, last on {{}}",
        pl.col("before").dt.to_string("%Y-%m-%d"),
    )
    answer = claim_rows(found, claims.with_columns(detail.alias("detail")), target)
    evidence = before.join(answer.rows.select("member_index").unique(), on="member_index", how="semi").filter(
        pl.col("year").is_in(wanted)
    ).select(
        "member_index", pl.lit(target).alias("target"), pl.lit("for").alias("stance"), pl.lit("claim").alias("kind"),
        pl.col("date").alias("evidence_date"), "claim_id", pl.col("diagnosis_code").alias("code"),
        pl.lit("the same acute condition in an earlier year").alias("description"),
    )  # fmt: skip
    return replace(answer, evidence=shaped(evidence.unique(), EVIDENCE))


def _concept_events(found: Found, concepts: tuple[str, ...]) -> pl.DataFrame | None:
    if "diagnosis" not in found.events.frames:
        return None
    frame = found.events.frames["diagnosis"].filter(
        pl.col("date") >= found.context.year_start - timedelta(days=4 * 366)
    )
    codes = matching_codes(frame["diagnosis_code"].unique().cast(pl.String), concepts, (), found.context)
    return frame.with_columns(pl.col("diagnosis_code").cast(pl.String)).filter(
        pl.col("diagnosis_code").is_in(codes.implode())
    )
