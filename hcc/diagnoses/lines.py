"""Claim lines to records: one row per claim and version, with the best qualifying line (SPEC 3.3–3.5).

Each line gets one integer, ``standing × 2^17 + day``; the largest of a record says how well it qualifies and on which
day, so a record needs one ``max`` whatever the number of its lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

DAY_BITS = 17
EPOCH = date(1900, 1, 1)
MODIFIERS = ("modifier_1", "modifier_2", "modifier_3", "modifier_4")
FORMS = ("other", "professional", "outpatient", "inpatient", "bad_bill_type", "dme")
RECORD_TYPES = ("encounter", "chart_review", "chart_review_delete")
SOURCES = ("encounter", "ffs", "raps")
FREQUENCIES = ("1", "7", "8")


@dataclass(frozen=True)
class LineRules:
    """What a year says about lines; built by the pipeline from mappings/eligibility and mappings/programs.

    ``procedures``: (service year, codes) pairs; ``bill_types``: prefix → form (outpatient, inpatient) of the bill
    types that are accepted; ``audio_first``: audio-only lines rank before lines outside the window (they may count).
    """

    window: tuple[date, date]
    procedures: Sequence[tuple[int, pl.Series]]
    bill_types: dict[str, str]
    audio_modifiers: Sequence[str]
    audio_procedures: Sequence[str]
    audio_first: bool = False


def day_number(column: str) -> pl.Expr:
    """Days since 1900-01-01."""
    return (pl.col(column).cast(pl.Date) - pl.lit(EPOCH)).dt.total_days().cast(pl.UInt32)


def _has(names: Sequence[str], column: str) -> bool:
    return column in names


def form(names: Sequence[str], rules: LineRules) -> pl.Expr:
    """Claim form as position in FORMS: the bill type decides where there is one, else the claim type."""
    kind = (
        pl.col("claim_type").cast(pl.String).replace_strict(
            {"professional": 1, "outpatient": 2, "inpatient": 3, "dme": 5}, default=0, return_dtype=pl.UInt8
        )
        if _has(names, "claim_type")
        else pl.lit(1, dtype=pl.UInt8)
    )
    if not _has(names, "bill_type"):
        return kind.alias("form")
    accepted = {prefix: FORMS.index(claim_form) for prefix, claim_form in rules.bill_types.items()}
    by_bill = (
        pl.col("bill_type").cast(pl.String).str.slice(0, 2).replace_strict(accepted, default=4, return_dtype=pl.UInt8)
    )
    facility = pl.col("bill_type").is_not_null() & ~kind.is_in([1, 5])
    return pl.when(facility).then(by_bill).otherwise(kind).alias("form")


def listed(names: Sequence[str], rules: LineRules) -> pl.Expr:
    """Whether the line's procedure is on the list of its service year."""
    if not _has(names, "hcpcs"):
        return pl.lit(False)
    code = pl.col("hcpcs")
    year = pl.col("thru_date").dt.year()
    (first_year, first), *others = rules.procedures
    on_list = code.is_in(first.implode())
    for other_year, codes in others:
        if codes.equals(first):
            continue
        on_list = pl.when(year == other_year).then(code.is_in(codes.implode())).otherwise(on_list)
    return on_list.fill_null(False)


def audio_only(names: Sequence[str], rules: LineRules) -> pl.Expr:
    """Telephone: a modifier that says so, or a procedure that is telephone by definition (SPEC R-3.20)."""
    told = [
        pl.col(modifier).is_in(list(rules.audio_modifiers)).fill_null(False)
        for modifier in MODIFIERS
        if _has(names, modifier)
    ]
    if _has(names, "hcpcs") and rules.audio_procedures:
        told.append(pl.col("hcpcs").is_in(list(rules.audio_procedures)).fill_null(False))
    return pl.any_horizontal(told) if told else pl.lit(False)


def live_line(names: Sequence[str]) -> pl.Expr:
    """Lines that CMS accepted and that were not denied for an administrative reason (SPEC R-3.12, R-3.16)."""
    alive = pl.lit(True)
    if _has(names, "accepted"):
        alive = alive & pl.col("accepted").fill_null(True)
    if _has(names, "claim_status"):
        alive = alive & (pl.col("claim_status").cast(pl.String) != "denied_administrative").fill_null(True)
    return alive


def standing(names: Sequence[str], rules: LineRules) -> pl.Expr:
    """3 qualifies in the window; 2 and 1 qualifies outside it or by audio only, in the order of the mode; 0 does not."""
    start, end = rules.window
    on_list = pl.col("_listed") & pl.col("_live")
    inside = pl.col("thru_date").is_between(pl.lit(start), pl.lit(end))
    audio, outside = (2, 1) if rules.audio_first else (1, 2)
    return (
        pl.when(on_list & ~pl.col("_audio") & inside)
        .then(3)
        .when(on_list & ~pl.col("_audio"))
        .then(outside)
        .when(on_list & inside)
        .then(audio)
        .otherwise(0)
        .cast(pl.UInt32)
    )


def version(names: Sequence[str]) -> pl.Expr | None:
    """What tells records with one claim_id apart: frequency, record type, day of submission. None = nothing can."""
    parts: list[pl.Expr] = []
    if _has(names, "frequency_code"):
        code = {value: i for i, value in enumerate(FREQUENCIES)}
        parts.append(pl.col("frequency_code").cast(pl.String).replace_strict(code, default=0, return_dtype=pl.UInt32) * 2**24)
    if _has(names, "record_type"):
        kind = {value: i for i, value in enumerate(RECORD_TYPES)}
        parts.append(pl.col("record_type").cast(pl.String).replace_strict(kind, default=0, return_dtype=pl.UInt32) * 2**20)
    if _has(names, "submission_date"):
        parts.append(day_number("submission_date").fill_null(0))
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total.cast(pl.UInt32)


def records(lines: pl.LazyFrame, rules: LineRules) -> pl.LazyFrame:
    """One row per claim_id, member_id and version: ``best`` and ``last`` (see module), ``form``, ``live``, ``source`` …

    Columns: claim_id, member_id, version (UInt32), best, last (UInt32), form (UInt8), live (Boolean) and, where the
    lines have them, verdict (Int8: 1 allowed, -1 disallowed by MAO-004), source (UInt8, position in SOURCES),
    denied (Boolean), audio (Boolean), rendering_npi and place_of_service of the first line.
    """
    names = lines.collect_schema().names()
    told_apart = version(names)
    prepared = lines.select(
        "claim_id",
        "member_id",
        "thru_date",
        *([told_apart.alias("version")] if told_apart is not None else []),
        listed(names, rules).alias("_listed"),
        audio_only(names, rules).alias("_audio"),
        live_line(names).alias("_live"),
        form(names, rules),
        *(pl.col(c) for c in ("rendering_npi", "place_of_service") if c in names),
        *([_verdict()] if "risk_adjustment_flag" in names else []),
        *([_source()] if "source" in names else []),
        *([(pl.col("claim_status").cast(pl.String) == "denied").alias("denied")] if "claim_status" in names else []),
    )
    day = day_number("thru_date")
    keyed = prepared.with_columns(day.alias("last"), (standing(names, rules) * 2**DAY_BITS + day).alias("best"))
    keys = ["claim_id", "member_id", *(["version"] if told_apart is not None else [])]
    have = keyed.collect_schema().names()
    grouped = keyed.group_by(keys).agg(
        pl.col("best").max(),
        pl.col("last").max(),
        pl.col("form").max(),
        *([pl.col("_live").max().alias("live")] if {"accepted", "claim_status"} & set(names) else []),
        *([(pl.col("_audio") & pl.col("_listed")).max().alias("audio")] if _has_audio(names) else []),
        *(pl.col(c).max() for c in ("source", "denied") if c in have),
        *([pl.col("verdict").min()] if "verdict" in have else []),
        *(pl.col(c).first() for c in ("rendering_npi", "place_of_service") if c in have),
    )
    return grouped


def _has_audio(names: Sequence[str]) -> bool:
    return "hcpcs" in names or any(modifier in names for modifier in MODIFIERS)


def _verdict() -> pl.Expr:
    return (
        pl.col("risk_adjustment_flag").cast(pl.String)
        .replace_strict({"allowed": 1, "disallowed": -1}, default=None, return_dtype=pl.Int8)
        .alias("verdict")
    )


def _source() -> pl.Expr:
    return (
        pl.col("source").cast(pl.String)
        .replace_strict({value: i for i, value in enumerate(SOURCES)}, default=0, return_dtype=pl.UInt8)
        .alias("source")
    )
