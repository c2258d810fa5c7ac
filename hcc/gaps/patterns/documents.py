"""What problem lists and chart reviews say (SPEC 6.2, 6.4: documented but not coded, coded but not found)."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from hcc.gaps.events import live
from hcc.gaps.patterns.common import (
    CREDITS,
    EVIDENCE,
    ROW,
    Found,
    PatternRows,
    claim_rows,
    counted_claims,
    dotted,
    shaped,
)
from hcc.gaps.patterns.recapture import acute_of
from hcc.gaps.validity import claimable
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import Documented, NotFound

_HCC = ("member_index", "m", "hcc")
_NOTHING = pl.DataFrame(schema=ROW)
_NOTED = (
    pl.col("diagnosis_code").filter("candidate").unique().sort().str.join(",").alias("codes"),
    pl.col("told").unique().sort().str.join(",").alias("told"),
    pl.col("date").n_unique().cast(pl.UInt32).alias("claims"),
    pl.col("date").min().alias("first"),
    pl.col("date").max().alias("last"),
)
_CLEAN = pl.col("diagnosis_code").cast(pl.String).str.to_uppercase().str.replace_all(r"[.\s]", "")


def documented(found: Found, rule: Rule, target: int) -> PatternRows:
    """Mapped codes of the problem list as it stands, or found by a reviewer in the year, whose HCC is not captured.

    Candidates are codes that a claim of the year, or of the reviewed day, can carry. A list keeps what is over: an acute
    condition of it is suppressed, as it is not recaptured. A reviewer's finding is of a record of the year.
    """
    pattern = rule.pattern
    assert isinstance(pattern, Documented)
    listed = pattern.table == "problems"
    noted = _problems(found) if listed else _findings(found, pattern.verdicts)
    if noted is None:
        return PatternRows(_NOTHING)
    noted = claimable(found.context, noted, on_its_day=not listed)
    mapped = _without_settled(found.hccs.captured, _with_certain(found.hccs.candidate_hccs(noted)))
    mapped = mapped.with_columns(pl.lit(False).alias("acute"))
    if listed:
        mapped = acute_of(found, mapped.drop("acute"))
        mapped = mapped.filter(pl.col("acute") == pl.col("acute").all().over(_HCC))  # a chronic code beside it stays
    rows = (
        mapped.group_by(_HCC)
        .agg(*_NOTED, pl.col("acute").first(), (~pl.col("certain")).all().alias("uncertain"))
        .with_columns(pl.lit(target).alias("target"), pl.lit(2).alias("verdict"))
    )
    return PatternRows(
        shaped(_with_status(found, rows), ROW), _noted_evidence(mapped.drop("acute"), target, pattern.table)
    )


def _with_certain(mapped: pl.DataFrame) -> pl.DataFrame:
    """``mapped`` (of ``claimable``) with ``certain``: whatever the written code has become, it gives the HCC."""
    told = ["member_index", "date", "told", "m", "hcc"]
    split = mapped.filter(pl.col("others") > 0).group_by(told).agg(pl.col("diagnosis_code").n_unique().alias("lead"))
    led = mapped.join(split, on=told, how="left")
    return led.with_columns((pl.col("lead").fill_null(0) >= pl.col("others")).alias("certain")).drop("lead")


def _without_settled(known: pl.DataFrame, mapped: pl.DataFrame) -> pl.DataFrame:
    """``mapped`` without the codes that could be several HCCs, where one of these is ``known`` (``_HCC``)."""
    told = ["member_index", "m", "told"]
    settled = mapped.filter(~pl.col("certain")).join(known.select(_HCC), on=_HCC, how="semi").select(told).unique()
    asked = mapped.join(settled.with_columns(pl.lit(True).alias("settled")), on=told, how="left")
    return asked.filter(pl.col("certain") | pl.col("settled").is_null()).drop("settled")


def _with_status(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (with ``acute`` and ``uncertain``), where neither they nor anything above them is captured: acute ones
    suppressed, and those indeterminate whose code could mean several HCCs."""
    known = found.hccs.with_captured(rows.filter(pl.col("acute") | pl.col("uncertain")))
    word = pl.when("acute").then(pl.lit("suppressed")).otherwise(pl.lit("indeterminate"))
    why = pl.when("acute").then(pl.lit("acute")).otherwise(pl.lit("code_retired"))
    settled = known.filter(~pl.col("same"), ~pl.col("higher"))
    settled = settled.select(*_HCC, word.alias("status"), why.alias("status_reason"))
    return rows.join(settled, on=_HCC, how="left")


def not_found(found: Found, rule: Rule, target: int) -> PatternRows:
    """Counted claims whose record a reviewer read without finding the diagnosis.

    A finding without claim_id means the claims of its day of service. A code that another finding of the year
    supports is left out, and an HCC that one supports or that stands below one (SPEC A20). What a finding supports
    below an HCC in question is credited to it (SPEC A21).
    """
    pattern = rule.pattern
    assert isinstance(pattern, NotFound)
    negative = _findings(found, pattern.verdicts)
    if negative is None:
        return PatternRows(_NOTHING)
    claims = counted_claims(found).with_columns(
        pl.col("diagnosis_code").cast(pl.String), pl.col("claim_id").cast(pl.String)
    )
    on = ["member_index", "diagnosis_code"]
    supported = _findings(found, ("supported", "found_not_coded"))
    assert supported is not None
    negative = negative.join(supported.select(on).unique(), on=on, how="anti")
    matched = claims.join(negative.rename({"date": "seen", "claim_id": "seen_claim"}), on=on).filter(
        pl.when(pl.col("seen_claim").is_not_null())
        .then(pl.col("claim_id") == pl.col("seen_claim"))
        .otherwise(pl.col("date") == pl.col("seen"))
    )
    detail = pl.format("record of {}", pl.col("seen").dt.to_string("%Y-%m-%d"))
    answer = claim_rows(found, matched.with_columns(detail.alias("detail")), target)
    key = ["member_index", "m", "hcc"]
    rows = answer.rows.join(_validated(found, supported), on=key, how="anti")
    credited = _credited(found, supported, rows, target)
    instead = pl.format("found instead: {} (HCC {})", dotted(pl.col("diagnosis_code")), "credit")
    said = credited.select(*key, instead.alias("instead")).group_by(key).agg(
        pl.col("instead").unique().sort().str.join("; ")
    )
    rows = rows.join(said, on=key, how="left").with_columns(
        pl.concat_str("detail", "instead", separator="; ", ignore_nulls=True).alias("detail")
    )
    mapped = found.hccs.counted_hccs(
        matched.select("member_index", "diagnosis_code", "seen", "seen_claim", "note").unique()
    )
    against = mapped.select(
        *key, pl.lit(target).alias("target"), pl.lit("for").alias("stance"),
        pl.lit("finding").alias("kind"), pl.col("seen").alias("evidence_date"), pl.col("seen_claim").alias("claim_id"),
        pl.col("diagnosis_code").alias("code"), pl.lit("not found in the record").alias("description"),
        pl.col("note").alias("value"),
    )  # fmt: skip
    in_part = credited.select(
        *key, "target", pl.lit("against").alias("stance"), pl.lit("finding").alias("kind"),
        pl.col("date").alias("evidence_date"), "claim_id", pl.col("diagnosis_code").alias("code"),
        pl.format("supported by a reviewer: HCC {}, which stands below it", "credit").alias("description"),
        pl.col("note").alias("value"),
    )  # fmt: skip
    evidence = pl.concat([shaped(part.unique(), EVIDENCE) for part in (against, in_part)])
    return replace(answer, rows=shaped(rows, ROW), evidence=evidence, credits=shaped(credited, CREDITS).unique())


def _credited(found: Found, supported: pl.DataFrame, rows: pl.DataFrame, target: int) -> pl.DataFrame:
    """``CREDITS`` with the findings: what they support below the HCCs of ``rows``, where the year's claims do not give
    it already. A record that supports a lower one of the hierarchy validates in part (SPEC R-6.3, A21)."""
    lower = found.hccs.candidate_hccs(supported).rename({"hcc": "credit"})
    asked = rows.select("member_index", "m", "hcc")
    over = found.hccs.above.rename({"hcc": "credit", "ancestor": "hcc"})
    captured = found.hccs.captured.select("member_index", "m", pl.col("hcc").alias("credit"))
    return (
        lower.join(over, on=["m", "credit"])
        .join(asked, on=["member_index", "m", "hcc"], how="semi")
        .join(captured, on=["member_index", "m", "credit"], how="anti")
        .with_columns(pl.lit(target, pl.UInt16).alias("target"))
    )


def _validated(found: Found, supported: pl.DataFrame) -> pl.DataFrame:
    """member_index, m, hcc: HCCs that a finding of the year supports, and all below them (SPEC R-6.3: a record that
    supports a higher one of the hierarchy validates)."""
    direct = found.hccs.candidate_hccs(supported.select("member_index", "diagnosis_code").unique())
    direct = direct.select("member_index", "m", "hcc")
    below = direct.rename({"hcc": "ancestor"}).join(found.hccs.above, on=["m", "ancestor"])
    return pl.concat([direct, below.select("member_index", "m", "hcc")]).unique()


def problem_list_only(found: Found, rule: Rule, target: int) -> PatternRows:
    """A mapped code of the problem list as it stands whose HCC no claim of the year carries: a remark (AUD-PROBLIST).

    Of earlier years only what lasts: a list keeps what is over.
    """
    noted = _problems(found)
    if noted is None:
        return PatternRows(_NOTHING)
    coded = (
        live(found.context.diagnoses)
        .filter(pl.col("thru_date") <= found.context.as_of)
        .select("member_index", pl.col("diagnosis_code").cast(pl.String))
        .unique()
        .join(found.hccs.mapping, on="diagnosis_code")
        .select("member_index", "m", "hcc")
        .unique()
    )
    mapped = found.hccs.candidate_hccs(claimable(found.context, noted, on_its_day=False))
    mapped = _without_settled(coded, _with_certain(mapped))
    standing = acute_of(found, mapped).filter((pl.col("date") >= found.context.year_start) | ~pl.col("acute"))
    alone = standing.drop("acute").join(coded, on=["member_index", "m", "hcc"], how="anti")
    rows = (
        alone.group_by("member_index", pl.col("m").min().over("member_index").alias("m"))
        .agg(*_NOTED)
        .with_columns(
            pl.lit(target).alias("target"), pl.lit(2).alias("verdict"), pl.lit(False).alias("falls"),
            pl.lit("informational").alias("status"), pl.lit("problem_list_only").alias("status_reason"),
        )
    )  # fmt: skip
    return PatternRows(
        shaped(rows, ROW),
        _noted_evidence(
            alone.with_columns(pl.lit(None, pl.UInt8).alias("m"), pl.lit(None, pl.UInt16).alias("hcc")),
            target,
            "problems",
        ),
    )


def _noted_evidence(mapped: pl.DataFrame, target: int, table: str) -> pl.DataFrame:
    kind, words = (
        ("problem", "entry of the problem list") if table == "problems" else ("finding", "found by a reviewer")
    )
    extra = [pl.col(name) for name in ("claim_id",) if name in mapped.columns]
    value = [pl.col("note").alias("value")] if "note" in mapped.columns else []
    rows = mapped.select(
        "member_index", "m", "hcc", pl.lit(target).alias("target"), pl.lit("for").alias("stance"),
        pl.lit(kind).alias("kind"), pl.col("date").alias("evidence_date"), *extra, *value,
        pl.col("told").alias("code"), pl.lit(words).alias("description"),
    )  # fmt: skip
    return shaped(rows.unique(), EVIDENCE)


def _problems(found: Found) -> pl.DataFrame | None:
    """member_index, date, diagnosis_code: entries that stand in the year, whenever they were recorded. One that was over
    when it was recorded never stood: nobody knows since when (a status without its day says no more)."""
    if "problem" not in found.events.frames:
        return None
    context = found.context
    ended = pl.col("ended")
    stands = (ended >= context.year_start) & (ended > pl.col("date"))
    return (
        found.events.frames["problem"]
        .filter(pl.col("date") <= context.year_until, stands.fill_null(True))
        .select("member_index", "date", _CLEAN.alias("diagnosis_code"))
        .unique()
    )


def _findings(found: Found, verdicts: tuple[str, ...]) -> pl.DataFrame | None:
    """member_index, date, diagnosis_code, claim_id, note: findings of the year with one of the verdicts."""
    frame = found.context.evidence.chart_findings
    if frame is None:
        return None
    context = found.context
    names = frame.collect_schema().names()
    optional = [
        pl.col(name).cast(pl.String) if name in names else pl.lit(None, pl.String).alias(name)
        for name in ("claim_id", "note")
    ]
    return (
        frame.filter(
            pl.col("service_date").is_between(context.year_start, context.year_until),
            pl.col("verdict").cast(pl.String).is_in(verdicts),
        )
        .select("member_index", pl.col("service_date").alias("date"), _CLEAN.alias("diagnosis_code"), *optional)
        .unique()
        .collect()
    )
