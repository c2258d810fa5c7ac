"""A results file of sixty-two invented members whose every figure can be worked out on paper.

Members 1–40 are of contract H1 (risk score 0.500 each), 41–55 of H2 (1.000), 56–60 of H3 (2.000): mean 45 / 60 = 0.750.
61 is a new enrollee of H1 (0.500, so 45.5 / 61), 62 has no score. Benchmark 1,000 a month, twelve months.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from hcc.results import ResultsWriter

V28 = "cms-hcc-v28"
YEAR = {"payment_year": 2026}
MODEL = {**YEAR, "model": V28, "calibration": ""}
SECRET = "MEMBER-SECRET-{:03d}"
NPI, CLAIM = "1999999984", "CLAIM-SECRET"
LABELS = {
    "37": "Diabetes with Chronic Complications", "48": "Morbid Obesity", "226": "Heart Failure", "238": "Arrhythmias",
    "327": "Kidney Disease, Severe", "328": "Kidney Disease, Moderate <3B> & more",
}  # fmt: skip
COEFFICIENTS = {"37": 166, "48": 186, "226": 360, "238": 299, "327": 514, "328": 127}


def who(numbers: range | list[int]) -> list[str]:
    return [SECRET.format(number) for number in numbers]


def _members() -> list[dict[str, Any]]:
    rows = []
    for number in range(1, 63):
        contract = "H1" if number <= 40 or number > 60 else "H2" if number <= 55 else "H3"
        rows.append(
            {
                "member_id": SECRET.format(number), "birth_date": date(1950, 1, 1), "sex": "F", "program": "MA",
                "contract_id": contract, "pcp_npi": NPI, "monthly_benchmark": 1000_00, "age": 76, "data_quality": "",
            }
        )  # fmt: skip
    return rows


def _score(number: int) -> int | None:
    return None if number == 62 else 500 if number <= 40 or number == 61 else 1000 if number <= 55 else 2000


def _scores() -> list[dict[str, Any]]:
    return [
        {
            "member_id": SECRET.format(n), **MODEL, "part": "C", "program": "MA", "segment": "NE" if n == 61 else "CNA",
            "raw_score": _score(n), "payment_score": _score(n), "normalized_score": _score(n), "blend_weight": 1_000_000,
            "payable": True, "unverified": n <= 12, "no_score_reason": "NO_SEGMENT" if n == 62 else "",
        }
        for n in range(1, 63)
    ]  # fmt: skip


def _member_scores() -> list[dict[str, Any]]:
    return [
        {"member_id": SECRET.format(n), **YEAR, "part": "C", "risk_score": _score(n), "payable_months": 12,
         "frailty": 0, "unverified": n <= 12, "no_score_reason": "NO_SEGMENT" if n == 62 else ""}
        for n in range(1, 63)
    ]  # fmt: skip


def _hccs() -> list[dict[str, Any]]:
    """37: members 1–24, first in January (1–12), March (13–20) and June (21–24); 226: 1–5; 238: 25–40 (H1) and 41–52
    (H2); 328: 13–24, and 53 (displaced by 327); 327: 53 and 54."""

    def row(number: int, hcc: str, month: int = 1, dropped: str | None = None) -> dict[str, Any]:
        return {
            "member_id": SECRET.format(number), **MODEL, "hcc": hcc, "dropped_by_hcc": dropped,
            "coefficient": None if dropped else COEFFICIENTS[hcc], "first_date": date(2025, month, 10),
            "last_date": date(2025, 11, 30), "claims": 1,
        }  # fmt: skip

    rows = [row(n, "37", 1 if n <= 12 else 3 if n <= 20 else 6) for n in range(1, 25)]
    rows += [row(n, "226") for n in range(1, 6)]
    rows += [row(n, "238") for n in range(25, 53)]
    rows += [row(n, "328") for n in range(13, 25)]
    return [*rows, row(53, "327"), row(54, "327"), row(53, "328", dropped="327")]


def _factors() -> list[dict[str, Any]]:
    """Only what the report reads: which segments count HCCs. New enrollees' does not."""
    return [
        {"member_id": SECRET.format(n), **MODEL, "segment": "NE" if n == 61 else "CNA", "months": 12,
         "variable": "NE_F75" if n == 61 else "HCC37", "coefficient": 100}
        for n in (1, 61)
    ]  # fmt: skip


def _diagnoses() -> list[dict[str, Any]]:
    """Counted for members 1–24; N1832 (HCC 328) lost to RECORD_INELIGIBLE(H) for 20–36, 54 and 61.

    Would gain 328: 25–36, twelve members. 20–24 have it, 54 has 327 above it, 61 is a new enrollee.
    """

    def row(number: int, code: str, reason: str) -> dict[str, Any]:
        return {
            "member_id": SECRET.format(number), "claim_id": f"{CLAIM}-{number}", "diagnosis_code": code,
            "thru_date": date(2025, 6, 1), "claim_type": "professional", "record_type": "encounter",
            "counted": reason == "COUNTED", "reason": reason, "flags": "", "rendering_npi": NPI,
            "place_of_service": "11",
        }  # fmt: skip

    rows = [row(n, "E1122", "COUNTED") for n in range(1, 25)]
    rows += [row(n, "N1832", "RECORD_INELIGIBLE(H)") for n in [*range(20, 37), 54, 61]]
    return [*rows, *(row(n, "E1122", "AUDIO_ONLY") for n in range(30, 33))]


def _gap(number: int, hcc: str, direction: str, rule: str, status: str, change: int, **more: Any) -> dict[str, Any]:
    return {
        "gap_id": f"{number}-{hcc}-{direction}-{rule}", "member_id": SECRET.format(number), **MODEL, "hcc": hcc,
        "label": LABELS[hcc], "direction": direction, "rule_id": rule, "rule_version": "1", "strength": "medium",
        "status": status, "status_reason": "", "score_change": change, "raw_change": change,
        "dollar_change": change * 12 * 100, "candidate_diagnosis_codes": "X", "reason": f"about {NPI}",
        "last_evidence_date": date(2025, 6, 1), "pcp_npi": NPI, "flagged_on": date(2025, 12, 1),
        "flagged_return_by": date(2026, 1, 30), "decision": "", **more,
    }  # fmt: skip


def gaps() -> list[dict[str, Any]]:
    """Unsupported: 37 of members 1–12, −0.146 each. Missing: 48 of 30–43, +0.164 each; recapture of 37: captured 1–24,
    open for 44–55, new for 56–58."""
    rows = [_gap(n, "37", "unsupported", "AUD-SINGLE", "open", -146, strength="low") for n in range(1, 13)]
    rows += [_gap(n, "48", "missing", "BMI-1", "open", 164, strength="high") for n in range(30, 44)]
    rows += [_gap(n, "37", "missing", "RECAPTURE", "closed", 0, status_reason="same") for n in range(1, 25)]
    rows += [_gap(n, "37", "missing", "RECAPTURE", "open", 146) for n in range(44, 56)]
    rows += [_gap(n, "37", "missing", "RECAPTURE", "closed", 0, status_reason="new") for n in range(56, 59)]
    return rows


def _member_gaps() -> list[dict[str, Any]]:
    def row(number: int, direction: str, change: int) -> dict[str, Any]:
        before = _score(number) or 0
        return {
            "member_id": SECRET.format(number), **YEAR, "part": "C", "direction": direction, "open_gaps": 1,
            "risk_score": before, "risk_score_applied": before + change, "score_change": change,
            "dollar_change": change * 12 * 100,
        }  # fmt: skip

    rows = [row(n, "unsupported", -146) for n in range(1, 13)]
    return [*rows, *(row(n, "missing", 164) for n in range(30, 44)), *(row(n, "missing", 146) for n in range(44, 56))]


RUN: dict[str, Any] = {
    "payment_year": 2026, "run": "final", "models": V28, "as_of": date(2025, 12, 1),
    "rules": [{"model": V28, "payment_year": 2026, "edition": "midyear_final", "sha256": "ab" * 32}],
    "inputs": [{"table": "members", "paths": ["/home/jane-doe/members.parquet"], "rows": 63, "sha256": "cd" * 32}],
    "notes": ["invented <note>"],
    "counts": {
        "members": 62, "defaulted": {"nemcaid": 62, "orec": 20}, "claims_of_unknown_members": 15,
        "claim_forms": {
            "professional": 400, "facility": 100, "outpatient": 60, "professional_with_12": 80, "facility_with_25": 4,
            "facility_without_bill_type": 25, "professional_without_procedure": 0, "outpatient_without_procedure": 12,
            "most_on_professional": 12, "at_most_on_professional": 80, "next_to_most_on_professional": 3,
            "most_on_facility": 25, "at_most_on_facility": 4, "next_to_most_on_facility": 4,
        },
    },
}  # fmt: skip


def tables(with_gaps: bool = True) -> dict[str, list[dict[str, Any]]]:
    rejected = [
        {"table": "claims", "row_number": n, "column": "thru_date", "value": "VALUE-SECRET",
         "reason": "MISSING_THRU_DATE", "source": "c.csv"} for n in range(30)
    ]  # fmt: skip
    rejected += [{**rejected[0], "table": "members", "row_number": 63, "reason": "MISSING_SEX"}]
    unmapped = [("I50", "NOT_VALID_ON_DOS", 24, 16), ("ZZZ", "INVALID_FORMAT", 3, 2), ("I10", "NOT_IN_MODEL", 900, 40)]
    made: dict[str, list[dict[str, Any]]] = {
        "members": _members(), "scores": _scores(), "member_scores": _member_scores(), "member_hccs": _hccs(),
        "factors": _factors(), "diagnoses": _diagnoses(), "rejected_rows": rejected,
        "hccs": [{**MODEL, "hcc": hcc, "label": label, "is_chronic": True} for hcc, label in LABELS.items()],
        "diagnosis_hccs": [
            {**MODEL, "diagnosis_code": "E1122", "hcc": "37", "description": "Diabetes with kidney disease"},
            {**MODEL, "diagnosis_code": "N1832", "hcc": "328", "description": "Kidney disease, stage 3b"},
        ],
        "unmapped_codes": [
            dict(zip(("diagnosis_code", "reason", "rows", "members"), row, strict=True)) for row in unmapped
        ],
        "payment_factors": [
            {**MODEL, "part": "C", "program": "MA", "normalization": 1_067_000, "coding_adjustment": 59_000,
             "blend_weight": 1_000_000, "unverified": True, "source": "a memo nobody found"}
        ],
    }  # fmt: skip
    return made | ({"gaps": gaps(), "member_gaps": _member_gaps()} if with_gaps else {})


def write(path: Path, *, with_gaps: bool = True, searched: bool = True) -> Path:
    """``searched``: a search for gaps was made, whether it found any or not."""
    with ResultsWriter(path, run_id="run-1") as writer:
        for name, rows in tables(with_gaps).items():
            writer.append(name, pl.DataFrame(rows, infer_schema_length=None))
        return writer.finish(RUN if searched else {**RUN, "as_of": None})
