"""HCCs of the years before: eligible diagnoses by the rules of their year, re-mapped with the models of now (SPEC 5.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses import COUNTED, EPOCH, ChainRules, Codes, decisions
from hcc.pipeline.frames import few
from hcc.pipeline.plan import Plan
from hcc.pipeline.run import Scored, judged_members
from hcc.pipeline_gaps.sources import Sources
from hcc.rules.eligibility import procedure_codes
from hcc.rules.retired import retired_codes
from hcc.rules.ruleset import RuleSet

_FAR = date(9999, 12, 31)


def earlier_diagnoses(sources: Sources, scored: Scored, years: int, as_of: date) -> pl.DataFrame | None:
    """Counted diagnoses of the ``years`` before the data-collection year, of the members of ``scored``.

    One row per member, year, record and code: member_index, service_year, record, diagnosis_code, date, claim_id (null
    where the code counts again this year: nobody is asked about it); sorted by member. None where no earlier claims were
    given. Deadlines of those years are past and are not applied.
    """
    if sources.earlier is None:
        return None
    lines, diagnoses = sources.earlier
    plan = scored.plan
    start = plan.decisions.lines.window[0]
    first, last = date(start.year - years, 1, 1), min(start - timedelta(days=1), as_of)
    if last < first:
        return None  # as of a day before all of these years
    span = range(first.year, last.year + 1)
    lists = procedure_codes(span, plan.options.mappings)
    rules = replace(
        plan.decisions,
        lines=replace(
            plan.decisions.lines,
            window=(first, last),
            procedures=[(y, lists.filter(pl.col("service_year") == y)["hcpcs"]) for y in span],
        ),
        chains=ChainRules(_FAR, False),
        listed_years=frozenset(span),
    )
    who = judged_members(scored.members, scored.statuses, rules)
    codes = _with_retired(plan)
    found = decisions(lines, diagnoses, who, codes, rules)
    at = np.nonzero(found.reason == COUNTED)[0]
    record = found.record[at]
    unix = (date(1970, 1, 1) - EPOCH).days
    day = found.records["day"].to_numpy()[record].astype(np.int32) - unix
    member = found.records["member"].to_numpy()[record]
    now = scored.decided
    counts = now.reason == COUNTED
    # Codes of this year and of the years before are numbered alike; those retired since come after them.
    again = _pairs(member, found.code[at]).is_in(_pairs(now.member[counts], now.code[counts]).unique().implode())
    claims = pl.Series(record).set(again, None)
    return pl.DataFrame(
        {
            "member_index": member,
            "record": record,
            "diagnosis_code": few(found.code[at], codes.code.to_list()),
            "date": pl.Series(day).cast(pl.Date),
            "claim_id": found.records["claim_id"].gather(claims),
        }
    ).with_columns(pl.col("date").dt.year().cast(pl.Int16).alias("service_year"))


def _pairs(member: NDArray[np.uint32], code: NDArray[np.uint16]) -> pl.Series:
    """Members and codes as one number each."""
    return pl.Series(member.astype(np.uint64) * np.uint64(2**16) + code.astype(np.uint64))


def _with_retired(plan: Plan) -> Codes:
    """The run's codes and those retired since, which no table of now maps (SPEC R-5.12)."""
    known = set(plan.codes.code)
    more = retired_codes(plan.options.mappings).select("diagnosis_code", "retired_on").unique().sort("diagnosis_code")
    more = more.filter(~pl.col("diagnosis_code").is_in(list(known)))
    if more.is_empty():
        return plan.codes
    last = more.select((pl.col("retired_on") - pl.lit(EPOCH)).dt.total_days() - 1).to_series().to_numpy()
    return Codes(
        pl.concat([plan.codes.code, more["diagnosis_code"]]),
        np.concatenate([plan.codes.valid_from, np.zeros(more.height, np.int64)]),
        np.concatenate([plan.codes.valid_to, last.astype(np.int64)]),
    )


def history_hccs(rows: pl.DataFrame, plan: Plan, models: tuple[RuleSet, ...], members: pl.DataFrame) -> pl.DataFrame:
    """``rows`` of ``earlier_diagnoses`` (of some members) as HCCs of the models of now.

    Columns: member_index, model, calibration, hcc, service_year, diagnosis_codes, first_date, last_date, claims,
    uncertain, and where ``rows`` names claims ``named``: a list of claim_id, date, diagnosis_code. Edits take the
    member's age and sex of now (SPEC R-5.13).
    """
    retired = retired_codes(plan.options.mappings)
    text = rows["diagnosis_code"].dtype
    codes = rows["diagnosis_code"].unique().cast(pl.String)
    parts = []
    for rules in models:
        mapping = rules.diagnosis_to_hcc.filter(pl.col("diagnosis_code").is_in(codes.implode())).with_columns(
            pl.lit(False).alias("uncertain")
        )
        # A successor that maps to nothing is one more that the code could be: its HCC is as little determinable.
        gone = retired.join(mapping.select("diagnosis_code").unique(), on="diagnosis_code", how="anti").join(
            rules.diagnosis_to_hcc.rename({"diagnosis_code": "could_be"}), on="could_be", how="left"
        )
        gone = (
            gone.select("diagnosis_code", "hcc")
            .unique()
            .with_columns((pl.col("hcc").n_unique().over("diagnosis_code") > 1).alias("uncertain"))
            .drop_nulls("hcc")
        )
        table = pl.concat([mapping, gone.select(mapping.columns)])
        table = table.with_columns(pl.col("diagnosis_code").cast(text))
        mapped = _edited(rows.join(table, on="diagnosis_code"), rules, members, plan.options.payment_year)
        key = ["member_index", "hcc", "service_year"]
        told = mapped.select(*key, pl.col("diagnosis_code").cast(pl.String)).unique().sort("diagnosis_code")
        by_hcc = (
            mapped.group_by(key)
            .agg(
                pl.col("date").min().alias("first_date"),
                pl.col("date").max().alias("last_date"),
                pl.col("record").n_unique().cast(pl.Int64).alias("claims"),
                pl.col("uncertain").all(),
            )
            .join(told.group_by(key).agg(pl.col("diagnosis_code").str.join(",").alias("diagnosis_codes")), on=key)
            .with_columns(pl.lit(rules.model).alias("model"), pl.lit(rules.calibration).alias("calibration"))
        )
        if "claim_id" in mapped.columns:
            claim = pl.struct("claim_id", "date", "diagnosis_code")
            named = mapped.filter(pl.col("claim_id").is_not_null()).group_by(key).agg(claim.alias("named"))
            by_hcc = by_hcc.join(named, on=key, how="left")
        parts.append(by_hcc)
    return pl.concat(parts)


def _edited(mapped: pl.DataFrame, rules: RuleSet, members: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """Apply age and sex edits."""
    text = mapped.schema["diagnosis_code"]
    present = mapped.select(pl.col("diagnosis_code").unique().cast(pl.String))
    edits = rules.diagnosis_edits.join(present, on="diagnosis_code", how="semi").with_columns(
        pl.col("diagnosis_code").cast(text)
    )
    if edits.is_empty():
        return mapped
    from hcc.scores import age_on_february_first

    people = members.select(
        "member_index", age_on_february_first(payment_year).alias("_age"), pl.col("sex").cast(pl.String).alias("_sex")
    )
    number = pl.col("age_from", "age_to").cast(pl.Int32, strict=False)
    touched = (
        mapped.select("member_index", "diagnosis_code")
        .unique()
        .join(edits.with_columns(number).rename({"hcc": "given"}), on="diagnosis_code")
        .join(people, on="member_index")
        .filter(
            pl.col("sex").fill_null("").is_in(("", "B")) | (pl.col("sex") == pl.col("_sex")),
            pl.col("age_from").is_null() | (pl.col("_age") >= pl.col("age_from")),
            pl.col("age_to").is_null() | (pl.col("_age") <= pl.col("age_to")),
        )
        .group_by("member_index", "diagnosis_code")
        .agg(
            (pl.col("action") == "invalid").any().alias("invalid"),
            pl.col("given").filter(pl.col("action") == "override").first().alias("given"),
        )
    )
    on = ["member_index", "diagnosis_code"]
    kept = mapped.join(touched, on=on, how="anti")
    changed = mapped.join(touched.filter(~pl.col("invalid"), pl.col("given").is_not_null()), on=on)
    changed = changed.with_columns(pl.col("given").alias("hcc")).select(mapped.columns)
    return pl.concat([kept, changed])
