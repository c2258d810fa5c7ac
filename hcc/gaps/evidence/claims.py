"""Procedures, supplies and diagnoses on claims."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from hcc.gaps.evidence.common import column_or_null, with_members, within
from hcc.rules.valuesets import ValueSets

_MODIFIERS = tuple(f"modifier_{place}" for place in range(1, 5))
_PROVENANCE = ("place_of_service", "claim_type", "record_type", "rendering_npi")


def procedures(
    claims: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    concepts: Collection[str] | None = None,
    codes: Collection[str] = (),
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Services and supplies: one row per claim line and concept, eligible for risk adjustment or not.

    ``claims`` are canonical claim lines; voided and replaced claims must be gone already (or marked by a boolean
    column ``live``). ``codes`` are kept too when they are in no concept (``concept`` is then null).
    Columns: member_id or member_index; claim_id; date Date (thru_date); concept Enum; evidence Enum; code String
    (CPT or HCPCS, or ``TOB 72X`` for a concept that follows from the type of bill); modifiers String ('93|FQ');
    place_of_service, claim_type, record_type, rendering_npi String.
    """
    names = claims.collect_schema().names()
    wanted = _wanted(valuesets, concepts, codes)
    bills = valuesets.table("bill_types")
    if concepts is not None:
        bills = bills.filter(pl.col("concept").is_in(sorted(concepts)))
    listed = wanted["code"].unique()
    as_sent = pl.concat([listed, listed.str.to_lowercase()]).unique()
    keep = pl.col("hcpcs").cast(pl.String).is_in(as_sent.implode()) if "hcpcs" in names else pl.lit(False)
    if "bill_type" in names and bills.height:
        keep |= _bill_group(bills).is_not_null()
    if "live" in names:
        keep &= pl.col("live")
    lines = claims.filter(keep & within("thru_date", since, until)).select(
        "member_id", "claim_id", date="thru_date",
        code=column_or_null(names, "hcpcs").str.to_uppercase(), bill_type=column_or_null(names, "bill_type"),
        modifiers=_modifiers(names), **{name: column_or_null(names, name) for name in _PROVENANCE},
    )  # fmt: skip
    by_code = lines.join(wanted.lazy(), on="code")
    by_bill = (
        lines.with_columns(bill_type=_bill_group(bills))
        .join(bills.lazy().select("bill_type", "concept", "evidence"), on="bill_type")
        .with_columns(code="TOB " + pl.col("bill_type") + "X", modifiers=pl.lit(""))
        .unique()
    )
    columns = ["member_id", "claim_id", "date", "concept", "evidence", "code", "modifiers", *_PROVENANCE]
    found = pl.concat([by_code.select(columns), by_bill.select(columns)]).with_columns(
        pl.col("concept").cast(valuesets.words("procedure_concept")),
        pl.col("evidence").cast(valuesets.words("evidence")),
    )
    return with_members(found, members)


def _wanted(valuesets: ValueSets, concepts: Collection[str] | None, codes: Collection[str]) -> pl.DataFrame:
    listed = valuesets.hcpcs.select("code", "concept", "evidence")
    if concepts is not None:
        listed = listed.filter(pl.col("concept").is_in(sorted(concepts)))
    more = pl.DataFrame({"code": sorted(code.upper() for code in codes)}, schema={"code": pl.String})
    return pl.concat([listed, more.join(listed, on="code", how="anti")], how="diagonal")


def _bill_group(bills: pl.DataFrame) -> pl.Expr:
    """First two digits of the type of bill, a leading zero aside, where the table has them; else null."""
    group = pl.col("bill_type").cast(pl.String).str.strip_prefix("0").str.slice(0, 2)
    return pl.when(group.is_in(bills["bill_type"].implode())).then(group)


def _modifiers(names: Collection[str]) -> pl.Expr:
    present = [pl.col(name).cast(pl.String).replace("", None) for name in _MODIFIERS if name in names]
    if not present:
        return pl.lit("")
    return pl.concat_str(present, separator="|", ignore_nulls=True).str.to_uppercase()


def diagnosis_concepts(
    diagnoses: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    concepts: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Diagnoses by concept: one row per member, claim, code and concept.

    ``diagnoses``: member_id, claim_id, diagnosis_code (no dot, upper case), thru_date and, where known, claim_type,
    record_type, place_of_service, rendering_npi, counted. Many concept codes map in no model (Z85.3, E28.2): the table
    ``diagnoses`` of the results lacks them, so the scan has to keep ``valuesets.diagnosis_codes(concepts)`` as well.
    Columns: member_id or member_index; claim_id; date Date; concept Enum; kind Enum (active, history, status,
    exclusion, stage, bmi, unpaid, evidence, other); diagnosis_code, claim_type, record_type, place_of_service,
    rendering_npi String; counted Boolean (null unknown).
    """
    names = diagnoses.collect_schema().names()
    wanted = valuesets.diagnoses
    if concepts is not None:
        wanted = wanted.filter(pl.col("concept").is_in(sorted(concepts)))
    wanted = wanted.with_columns(
        pl.col("concept").cast(valuesets.words("diagnosis_concept")),
        pl.col("kind").cast(valuesets.words("diagnosis_kind")),
    )
    code = pl.col("diagnosis_code").cast(pl.String)
    rows = diagnoses.filter(
        code.is_in(wanted["diagnosis_code"].unique().implode()) & within("thru_date", since, until)
    ).select(
        "member_id",
        "claim_id",
        code,
        date="thru_date",
        counted=column_or_null(names, "counted", pl.Boolean),
        **{name: column_or_null(names, name) for name in _PROVENANCE},
    )
    columns = ["member_id", "claim_id", "date", "concept", "kind", "diagnosis_code", *_PROVENANCE, "counted"]
    return with_members(rows.join(wanted.lazy(), on="diagnosis_code").select(columns), members)
