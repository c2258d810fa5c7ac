"""Small frames for the evidence tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

DAY = date(2025, 3, 1)


def pharmacy(*rows: dict[str, object]) -> pl.LazyFrame:
    """One fill per row, of member '0', '1' … on DAY unless the row says otherwise."""
    columns = {
        "member_id": pl.String, "fill_date": pl.Date, "ndc": pl.String, "rxnorm": pl.String,
        "drug_name": pl.String, "days_supply": pl.Int32,
    }  # fmt: skip
    filled = [{"member_id": str(place), "fill_date": DAY, **row} for place, row in enumerate(rows)]
    return pl.LazyFrame(filled, schema=columns)


def observations(*rows: Sequence[str | None]) -> pl.LazyFrame:
    """One result per row (loinc, value[, unit[, status]]) of member '0', '1' … on DAY."""
    filled = [(str(place), DAY, *row, *([None] * (4 - len(row)))) for place, row in enumerate(rows)]
    columns = {
        "member_id": pl.String, "observation_date": pl.Date, "loinc": pl.String, "value": pl.String,
        "unit": pl.String, "status": pl.String,
    }  # fmt: skip
    return pl.LazyFrame(filled, schema=columns, orient="row")


def claim_lines(*rows: dict[str, object]) -> pl.LazyFrame:
    """One claim line per row, of member '0', '1' … on DAY unless the row says otherwise."""
    columns = {
        "member_id": pl.String, "claim_id": pl.String, "thru_date": pl.Date, "hcpcs": pl.String, "bill_type": pl.String,
        "modifier_1": pl.String, "modifier_2": pl.String, "place_of_service": pl.String, "claim_type": pl.String,
        "record_type": pl.String, "rendering_npi": pl.String,
    }  # fmt: skip
    filled = [
        {"member_id": str(place), "claim_id": f"C{place}", "thru_date": DAY, **row} for place, row in enumerate(rows)
    ]
    return pl.LazyFrame(filled, schema=columns)
