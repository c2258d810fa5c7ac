"""Procedures, supplies and diagnoses on claims."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from hcc.rules.valuesets import ValueSets


def procedures(
    claims: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    concepts: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Services and supplies: one row per claim line and concept, eligible for risk adjustment or not.

    ``claims`` are canonical claim lines; voided and replaced claims must be gone already (or marked by a boolean
    column ``live``). Columns: member_id or member_index; claim_id; date Date (thru_date); concept Enum; evidence Enum;
    code String; modifiers String ('93|FQ'); place_of_service, claim_type, record_type, rendering_npi String.
    """
    raise NotImplementedError


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
    record_type, counted. Many concept codes map in no model (Z85.3, E28.2): the table ``diagnoses`` of the results
    lacks them, so the scan has to keep ``valuesets.diagnosis_codes(concepts)`` as well.
    Columns: member_id or member_index; claim_id; date Date; concept Enum; kind Enum (active, history, status,
    exclusion, stage, bmi, unpaid, evidence, other); diagnosis_code; claim_type; record_type; counted Boolean (null unknown).
    """
    raise NotImplementedError
