"""What polars says about an input may quote its values: it is told in words of our own."""

from __future__ import annotations

import polars as pl
import pytest

from hcc.errors import InputError
from hcc.pipeline import score


def test_no_value_is_told() -> None:
    members = pl.DataFrame({"member_id": ["M1"], "birth_date": ["1950-06-15"], "sex": ["F"]})
    claims = pl.DataFrame(
        {"claim_id": ["C1"], "member_id": ["M1"], "thru_date": ["2025-03-04"], "diagnosis_1": ["SECRET"]}
    ).lazy()
    claims = claims.with_columns(pl.col("diagnosis_1").cast(pl.Int64).cast(pl.String))  # fails when it is run
    with pytest.raises(InputError, match=r"could not be read to its end \(InvalidOperationError\)") as told:
        score(members, claims, payment_year=2026)
    assert "SECRET" not in str(told.value)
