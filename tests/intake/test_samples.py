"""The Tuva sample is not part of the project: this runs where HCC_SAMPLES names its folder (RULINGS 35)."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from hcc.intake import claims_of_others, read_inputs

FOLDER = Path(os.environ.get("HCC_SAMPLES", "")) / "tuva"
pytestmark = pytest.mark.skipif(
    "HCC_SAMPLES" not in os.environ, reason="HCC_SAMPLES does not name the folder of sample claims"
)


@pytest.mark.parametrize("payment_year", [2024, 2025, 2026])
def test_the_tuva_sample_is_read_whole(payment_year: int) -> None:
    found = read_inputs(
        members=FOLDER / "eligibility.csv",
        claims=FOLDER / "medical_claim.csv",
        pharmacy=FOLDER / "pharmacy_claim.csv",
        layout="tuva",
        payment_year=payment_year,
    )
    eligibility = pl.read_csv(FOLDER / "eligibility.csv", infer_schema=False)
    medical = pl.read_csv(FOLDER / "medical_claim.csv", infer_schema=False)
    assert set(found.members["member_id"]) == set(eligibility["member_id"])
    assert found.rejected().is_empty()
    assert claims_of_others(found).is_empty()
    assert found.claims.collect().height == medical.height
    written = medical.select(
        pl.concat_list(pl.col("^diagnosis_code_[0-9]+$")).list.drop_nulls().list.len().sum()
    ).item()
    assert found.claim_diagnoses.collect().height == written
    assert found.extras["pharmacy"].collect().height == pl.read_csv(FOLDER / "pharmacy_claim.csv").height
    expected_dual = {"10017": "02", "10174": {2024: "04", 2025: "01", 2026: "01"}[payment_year]}
    dual = dict(found.members.select("member_id", "dual_status").iter_rows())
    assert {member: dual[member] for member in expected_dual} == expected_dual
    assert set(dual.values()) - {"NA"} == set(expected_dual.values())
    carried = dict(found.members.select("member_id", "status_carried_forward").iter_rows())
    assert sum(carried.values()) == {2024: 1, 2025: 1, 2026: 10}[payment_year]
