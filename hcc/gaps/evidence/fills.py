"""Fills: which drug was dispensed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from hcc.rules.valuesets import ValueSets


def fills(
    pharmacy: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    classes: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Identified fills: one row per fill and drug class (a combination product has several rows).

    Columns: member_id or member_index; fill_date Date; drug UInt16 (key of ``valuesets.drug_keys``); drug_class Enum;
    ingredient Enum (null where only the class is known); route Enum ('' unknown); flags Enum ('a|b', '' none);
    components UInt8 (active parts of the product; null unknown); evidence Enum (strong, medium, weak, product,
    support, excluded); days_supply Int32; code String; code_kind Enum (ndc, ndc_product, ndc_class, rxnorm, drug_name).
    Count distinct fill_date per member for "two fills".
    """
    raise NotImplementedError


def unidentified_fills(
    pharmacy: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Fills that nothing identifies: one row per member, fill_date and reason, with ``count`` (UInt32).

    Reasons: AMBIGUOUS_NDC10, UNKNOWN_NDC, UNKNOWN_RXNORM, UNKNOWN_NAME, NO_CODE. See ``valuesets.incomplete_classes``
    (frozenset[str]): only for these classes do unidentified fills weaken a rule that asks for a drug's absence (RULINGS 23).
    """
    raise NotImplementedError
