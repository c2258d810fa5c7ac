"""Results: laboratory values and measurements in one unit per concept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from hcc.rules.valuesets import ValueSets


def results(
    observations: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    concepts: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Usable results: one row per observation.

    Columns: member_id or member_index; observation_date Date; concept Enum; use Enum (include, support, fallback,
    range, unverified; excluded codes never come out); value Float64 in the canonical unit ('<15' is 14.9, '>60' is
    60.1, a range its milder bound is for the rule: null); low, high Float64 (see the package's docstring);
    comparator Enum (=, <, >, <=, >=, range, text); finding Enum (positive, negative, indeterminate or null, for
    qualitative tests); raw_value, raw_unit String; loinc Enum.
    """
    raise NotImplementedError


def unused_results(
    observations: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    concepts: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Results of our concepts that were not used: concept, reason, count (UInt32).

    Reasons: STATUS (cancelled, entered in error), NO_VALUE, EXCLUDED_CODE, UNKNOWN_UNIT, NO_UNIT, IMPLAUSIBLE.
    """
    raise NotImplementedError


def preferred_results(frame: pl.LazyFrame) -> pl.LazyFrame:
    """``results`` without the fallback rows of members who have a better code of the same concept (RULINGS 24)."""
    raise NotImplementedError
