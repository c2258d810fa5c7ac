"""The engine behind its public door: rows in, plain Python values out. The only module here that knows polars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

import hcc

Row = dict[str, Any]

MEMBER_SCHEMA: dict[str, Any] = {
    "member_id": pl.String, "birth_date": pl.Date, "sex": pl.String, "orec": pl.String, "dual_status": pl.String,
    "medicaid": pl.Boolean, "ltimcaid": pl.Boolean, "nemcaid": pl.Boolean, "part_b_months": pl.Int64,
    "long_term_institutional": pl.Boolean, "csnp": pl.Boolean, "low_income_subsidy": pl.Boolean,
    "part_d_plan": pl.String, "esrd_status": pl.String, "graft_months": pl.Int64, "program": pl.String,
    "death_date": pl.Date,
}  # fmt: skip
CLAIM_SCHEMA: dict[str, Any] = {
    "claim_id": pl.String, "line_number": pl.Int64, "member_id": pl.String, "claim_type": pl.String,
    "bill_type": pl.String, "from_date": pl.Date, "thru_date": pl.Date, "hcpcs": pl.String,
    "modifier_1": pl.String, "modifier_2": pl.String, "place_of_service": pl.String, "frequency_code": pl.String,
    "original_claim_id": pl.String, "linked_claim_id": pl.String, "record_type": pl.String,
    "submitting_organization": pl.String, "parent_organization_at_service": pl.String, "submission_date": pl.Date,
    "accepted": pl.Boolean, "risk_adjustment_flag": pl.String, "source": pl.String, "claim_status": pl.String,
    "diagnosis_codes": pl.List(pl.String),
}  # fmt: skip


def frame(rows: Iterable[Row], schema: dict[str, Any]) -> pl.DataFrame:
    """Rows as a frame; a column that no row has is left out, so that the engine's own default is what is tested."""
    rows = list(rows)
    known = [name for name in schema if any(name in row for row in rows)] or list(schema)
    table = [{name: row.get(name) for name in known} for row in rows]
    return pl.DataFrame(table, schema={name: schema[name] for name in known})


@dataclass
class Scored:
    """What the engine says of one member in one model."""

    segment: str
    raw: Decimal | None
    normalized: Decimal | None
    paid: Decimal | None
    weight: Decimal | None
    hccs: frozenset[str]
    factors: dict[str, Decimal]


@dataclass
class Answer:
    """A run, read into dictionaries."""

    run: Any
    scored: dict[tuple[str, str, str], Scored]
    risk_score: dict[tuple[str, str], Decimal | None]
    decisions: dict[tuple[str, str, str], tuple[bool, str, str]]
    rejected: dict[str, str]
    unmapped: dict[str, str]


def rows_of(table: Any) -> list[Row]:
    """Rows of a result frame."""
    collected = table.collect() if isinstance(table, pl.LazyFrame) else table
    return list(collected.iter_rows(named=True))


def ask(
    members: Iterable[Row],
    claims: Iterable[Row],
    payment_year: int,
    *,
    models: list[str] | None = None,
    enrollment: Iterable[Row] | None = None,
    **options: Any,
) -> Answer:
    """One run of the engine over all members."""
    if models is not None:
        options["models"] = models
    if enrollment is not None:
        schema = {**MEMBER_SCHEMA, "month": pl.Date, "hospice": pl.Boolean, "parent_organization": pl.String}
        options["enrollment"] = frame(enrollment, {name: schema[name] for name in schema if name != "birth_date"})
    members_frame = frame(members, MEMBER_SCHEMA)
    claims_frame = frame(claims, CLAIM_SCHEMA)
    return answer(hcc.score(members=members_frame, claims=claims_frame, payment_year=payment_year, **options))


def answer(run: Any) -> Answer:
    """Result frames of a run as dictionaries (without months)."""
    hccs: dict[tuple[str, str, str], set[str]] = {}
    for row in rows_of(run.member_hccs):
        if row["dropped_by_hcc"] is None:
            hccs.setdefault((row["member_id"], row["model"], row["calibration"] or ""), set()).add(row["hcc"])
    factors: dict[tuple[str, str, str], dict[str, Decimal]] = {}
    for row in rows_of(run.factors):
        key = (row["member_id"], row["model"], row["calibration"] or "")
        factors.setdefault(key, {})[row["variable"]] = row["coefficient"]
    scored = {}
    for row in rows_of(run.scores):
        key = (row["member_id"], row["model"], row["calibration"] or "")
        scored[key] = Scored(
            row["segment"], row["raw_score"], row["normalized_score"], row["payment_score"], row["blend_weight"],
            frozenset(hccs.get(key, ())), factors.get(key, {}),
        )  # fmt: skip
    return Answer(
        run=run,
        scored=scored,
        risk_score={(row["member_id"], row["part"]): row["risk_score"] for row in rows_of(run.member_scores)},
        decisions={
            (row["member_id"], row["claim_id"], row["diagnosis_code"]): (row["counted"], row["reason"], row["flags"])
            for row in rows_of(run.diagnoses)
        },
        rejected={f"{row['table']}:{row['row_number']}": row["reason"] for row in rows_of(run.rejected_rows)},
        unmapped={row["diagnosis_code"]: row["reason"] for row in rows_of(run.unmapped_codes)},
    )
