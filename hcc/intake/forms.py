"""How the claims are filled in: cut-off diagnoses, missing types of bill and procedures. Counts only."""

from __future__ import annotations

import polars as pl

from hcc.intake.inputs import Inputs

LINES = 2_000_000  # more are not looked at: it would read all claims once more, a tenth of a large run
FULL = {"professional": 12, "facility": 25}
"""Diagnoses that the claim forms hold: 837P twelve, 837I a principal and twenty-four others."""


def claim_forms(inputs: Inputs, lines: int = LINES) -> dict[str, int]:
    """Counts of claims: claims, professional, facility, outpatient; of these, professional_with_12, facility_with_25,
    facility_without_bill_type, professional_without_procedure, outpatient_without_procedure; claims_that_end_before_they_begin
    (a line's from_date is after its thru_date, which is the one that counts); most_on_professional and
    most_on_facility (diagnoses on one claim), with how many claims have that many (at_most_on_…) and one fewer
    (next_to_most_on_…): an extract that cuts diagnoses piles claims up at its limit. Empty for more than
    ``lines`` claim lines.
    """
    rows = next((one.get("rows") for one in inputs.fingerprints if one.get("table") == "claims"), None)
    if isinstance(rows, int) and rows > lines:
        return {}
    claim = pl.col("claim_id").hash().alias("claim")
    absent = inputs.claims_absent
    asked = {
        "kind": pl.lit("professional") if "claim_type" in absent else pl.col("claim_type").cast(pl.String).min(),
        "billed": pl.lit(False) if "bill_type" in absent else pl.col("bill_type").is_not_null().any(),
        "served": pl.lit(False) if "hcpcs" in absent else pl.col("hcpcs").is_not_null().any(),
        "reversed": pl.lit(False) if "dates_were_odd" in absent else pl.col("dates_were_odd").any(),
    }
    wanted = [name for name in ("claim_type", "bill_type", "hcpcs", "dates_were_odd") if name not in absent]
    claims = (
        inputs.claims.select(claim, *wanted).group_by("claim")
        .agg(*(expr.alias(name) for name, expr in asked.items()))
    )  # fmt: skip
    codes = (
        inputs.claim_diagnoses.select(claim, "diagnosis_code").group_by("claim")
        .agg(pl.col("diagnosis_code").n_unique().alias("codes"))
    )  # fmt: skip
    facility = pl.col("kind").is_in(["inpatient", "outpatient"])
    of = {
        "professional": pl.col("kind") == "professional",
        "facility": facility,
        "outpatient": pl.col("kind") == "outpatient",
    }
    told = {"claims": pl.len()} | {name: which.sum() for name, which in of.items()}
    told["claims_that_end_before_they_begin"] = pl.col("reversed").sum()
    told |= {f"{name}_with_{full}": (of[name] & (pl.col("codes") == full)).sum() for name, full in FULL.items()}
    for name in FULL:
        most = pl.col("codes").filter(of[name]).max()
        told[f"most_on_{name}"] = most
        told[f"at_most_on_{name}"] = (of[name] & (pl.col("codes") == most)).sum()
        told[f"next_to_most_on_{name}"] = (of[name] & (pl.col("codes") == most - 1)).sum()
    told["facility_without_bill_type"] = (facility & ~pl.col("billed")).sum()
    told |= {
        f"{name}_without_procedure": (of[name] & ~pl.col("served")).sum() for name in ("professional", "outpatient")
    }
    counted = claims.join(codes, on="claim", how="left").select(**told).collect(engine="streaming")
    return {name: int(number or 0) for name, number in counted.row(0, named=True).items()}
