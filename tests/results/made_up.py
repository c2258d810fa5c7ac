"""A small results file written by hand: one member of each kind, figures from SPEC's cases S4, S78, S80, S83, S87, S92.

The rows are what a run would hand to the writer; no engine code computes them.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcc.results import ResultsWriter

V28, V22, ESRD, RX = "cms-hcc-v28", "cms-hcc-v22", "cms-hcc-esrd-v24", "rxhcc-v08"
RUN = {
    "payment_year": 2026,
    "run": "final",
    "models": f"{V28},{V22},{ESRD},{RX}:x",
    "counts": {"members": 8},
    "notes": ["invented"],
}


def _members() -> pl.DataFrame:
    base = {
        "birth_date": date(1953, 6, 15), "sex": "F", "orec": "0", "dual_status": "NA", "medicaid": False,
        "ltimcaid": False, "nemcaid": False, "part_b_months": 12, "long_term_institutional": False, "csnp": False,
        "low_income_subsidy": False, "part_d_plan": None, "esrd_status": "none", "graft_months": None, "program": "MA",
        "contract_id": "H0001", "pcp_npi": "1000000001", "age": 72, "orec_was_defaulted": False,
        "part_b_months_was_defaulted": False, "data_quality": "",
    }  # fmt: skip
    man = {"birth_date": date(1975, 3, 1), "sex": "M", "age": 50, "orec": "2"}
    rows = [
        {**base, "member_id": "COMMUNITY", "orec_was_defaulted": True, "part_b_months_was_defaulted": True},
        {**base, "member_id": "NEW", "birth_date": date(1959, 7, 1), "age": 66, "part_b_months": 5},
        {**base, "member_id": "DIALYSIS", **man, "esrd_status": "dialysis"},
        {**base, "member_id": "GRAFT", **man, "esrd_status": "graft", "graft_months": 5},
        {**base, "member_id": "PACE", "program": "PACE", "contract_id": "H0002"},
        {**base, "member_id": "PDP", "program": "none", "part_d_plan": "PDP", "contract_id": "S0003", "pcp_npi": None},
        {**base, "member_id": "MONTHS", "age": 70, "birth_date": date(1955, 5, 5)},
        {**base, "member_id": "UNSCORED", **man, "esrd_status": "graft", "contract_id": "H0002"},
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


# (member, model, calibration, segment, first month, months, {variable: thousandths})
FACTORS = [
    ("COMMUNITY", V28, "", "CNA", None, 12, {
        "F70_74": 395, "HCC37": 166, "HCC226": 360, "HCC238": 299, "HCC280": 319, "HCC328": 127, "DIABETES_HF_V28": 112,
        "HF_CHR_LUNG_V28": 78, "HF_KIDNEY_V28": 176, "HF_HCC238_V28": 77, "D5": 50,
    }),
    ("NEW", V28, "", "NE", None, 12, {"NMCAID_NORIGDIS_NEF66": 532}),
    ("DIALYSIS", ESRD, "", "DI", None, 12, {"M45_54": 551, "HCC18": 84, "HCC85": 63, "DIABETES_CHF": 0}),
    ("GRAFT", ESRD, "", "GNPN", None, 12, {
        "M45_54": 197, "HCC18": 273, "HCC85": 241, "DIABETES_CHF": 112, "LT65_DUR4_9_ND_PBD": 1737,
    }),
    ("PACE", V28, "", "CNA", None, 12, {
        "F70_74": 395, "HCC37": 166, "HCC226": 360, "HCC238": 299, "HCC280": 319, "HCC328": 127, "DIABETES_HF_V28": 112,
        "HF_CHR_LUNG_V28": 78, "HF_KIDNEY_V28": 176, "HF_HCC238_V28": 77, "D5": 50,
    }),
    ("PACE", V22, "", "CNA", None, 12, {
        "F70_74": 374, "HCC18": 318, "HCC85": 323, "HCC96": 268, "HCC111": 328, "HCC85_gDiabetesMellit": 154,
        "HCC85_gCopdCF": 190, "HCC85_HCC96": 105,
    }),
    ("PDP", RX, "x", "CE_NoLowAged", None, 12, {"F70_74": 35, "RXHCC31": 248, "RXHCC186": 135}),
    ("MONTHS", V28, "", "CNA", date(2026, 1, 1), 4, {"F70_74": 395}),
    ("MONTHS", V28, "", "INS", date(2026, 5, 1), 8, {"F70_74": 1119}),
]  # fmt: skip

# (member, part, program, model, calibration, segment, months, raw, normalized, payment, weight)
SCORES = [
    ("COMMUNITY", "C", "MA", V28, "", "CNA", None, 2159, 2023, 1904, 1000),
    ("NEW", "C", "MA", V28, "", "NE", None, 532, 499, 470, 1000),
    ("DIALYSIS", "C", "MA-ESRD-dialysis", ESRD, "", "DI", None, 698, 657, 618, 1000),
    ("GRAFT", "C", "MA-ESRD-graft", ESRD, "", "GNPN", None, 2560, 2319, 2182, 1000),
    ("PACE", "C", "PACE", V28, "", "CNA", None, 2159, 2023, 2023, 100),
    ("PACE", "C", "PACE", V22, "", "CNA", None, 2060, 1735, 1735, 900),
    ("PDP", "D", "PartD-PDP", RX, "x", "CE_NoLowAged", None, 418, 471, 471, 1000),
    *[("MONTHS", "C", "MA", V28, "", "CNA", m, 395, 370, 348, 1000) for m in range(1, 5)],
    *[("MONTHS", "C", "MA", V28, "", "INS", m, 1119, 1049, 987, 1000) for m in range(5, 13)],
]
MEMBER_SCORES = [
    ("COMMUNITY", "C", 1904, 12), ("NEW", "C", 470, 12), ("DIALYSIS", "C", 618, 12), ("GRAFT", "C", 2182, 12),
    ("PACE", "C", 1764, 12), ("PDP", "D", 471, 12), ("MONTHS", "C", 774, 12),
]  # fmt: skip
# (member, model, calibration, hcc, dropped by, coefficient, claims)
HCCS = [
    *[
        ("COMMUNITY", V28, "", h, None, c, 1)
        for h, c in (("37", 166), ("226", 360), ("238", 299), ("280", 319), ("328", 127))
    ],
    ("COMMUNITY", V28, "", "38", "37", None, 1),
    *[("PACE", V28, "", h, None, c, 1) for h, c in (("37", 166), ("226", 360))],
    *[("PACE", V22, "", h, None, c, 1) for h, c in (("18", 318), ("85", 323))],
    *[("DIALYSIS", ESRD, "", h, None, c, 1) for h, c in (("18", 84), ("85", 63))],
    *[("GRAFT", ESRD, "", h, None, c, 1) for h, c in (("18", 273), ("85", 241))],
    *[("PDP", RX, "x", h, None, c, 1) for h, c in (("31", 248), ("186", 135))],
]
LABELS = {
    (V28, "37"): "Diabetes with Chronic Complications",
    (V28, "38"): "Diabetes with Glycemic, Unspecified, or No Complications",
    (V28, "226"): "Heart Failure, Except End-Stage and Acute",
    (V28, "238"): "Specified Heart Arrhythmias",
    (
        V28,
        "280",
    ): "Chronic Obstructive Pulmonary Disease, Interstitial Lung Disorders, and Other Chronic Lung Disorders",
    (V28, "328"): "Chronic Kidney Disease, Moderate (Stage 3B)",
    (V22, "18"): "Diabetes with Chronic Complications",
    (V22, "85"): "Congestive Heart Failure",
    (ESRD, "18"): "Diabetes with Chronic Complications",
    (ESRD, "85"): "Congestive Heart Failure",
    (RX, "31"): "Diabetes without Complication",
    (RX, "186"): "Heart Failure",
}
CODES = {
    "E1122": ("Type 2 diabetes mellitus with diabetic chronic kidney disease", {V28: "37", V22: "18", ESRD: "18"}),
    "E119": ("Type 2 diabetes mellitus without complications", {V28: "38", RX: "31"}),
    "I5032": ("Chronic diastolic (congestive) heart failure", {V28: "226", V22: "85", ESRD: "85", RX: "186"}),
    "I4891": ("Unspecified atrial fibrillation", {V28: "238"}),
    "J449": ("Chronic obstructive pulmonary disease, unspecified", {V28: "280"}),
    "N1832": ("Chronic kidney disease, stage 3b", {V28: "328"}),
}
# (member, claim, code, day, reason, flags)
DIAGNOSES = [
    ("COMMUNITY", "C1", "E1122", date(2025, 3, 1), "COUNTED", ""),
    ("COMMUNITY", "C2", "E119", date(2025, 4, 1), "COUNTED", ""),
    ("COMMUNITY", "C1", "I5032", date(2025, 3, 1), "COUNTED", ""),
    ("COMMUNITY", "C3", "I4891", date(2025, 5, 2), "COUNTED", "DENIED_LINE"),
    ("COMMUNITY", "C3", "J449", date(2025, 5, 2), "COUNTED", ""),
    ("COMMUNITY", "C1", "N1832", date(2025, 3, 1), "COUNTED", ""),
    ("COMMUNITY", "C9", "E1122", date(2024, 12, 31), "OUT_OF_WINDOW", ""),
    ("COMMUNITY", "C8", "I5032", date(2025, 6, 1), "RECORD_INELIGIBLE(H)", "LIST_OF_ANOTHER_YEAR"),
    *[(who, f"X{i}", code, date(2025, 2, 2), "COUNTED", "") for i, (who, code) in enumerate(
        (w, c) for w in ("PACE", "DIALYSIS", "GRAFT", "NEW") for c in ("E1122", "I5032"))],
    ("PDP", "P1", "E119", date(2025, 2, 2), "COUNTED", ""),
    ("PDP", "P1", "I5032", date(2025, 2, 2), "COUNTED", ""),
]  # fmt: skip
PAYMENT = [
    ("C", "MA", V28, "", 1067, 59, 1000), ("C", "MA-ESRD-dialysis", ESRD, "", 1062, 59, 1000),
    ("C", "MA-ESRD-graft", ESRD, "", 1104, 59, 1000), ("C", "PACE", V28, "", 1067, 0, 100),
    ("C", "PACE", V22, "", 1187, 0, 900), ("D", "PartD-PDP", RX, "x", 887, 0, 1000),
]  # fmt: skip


def _millionths(thousandths: int | None) -> int | None:
    """Payment factors have six decimals."""
    return None if thousandths is None else thousandths * 1000


def frames() -> dict[str, pl.DataFrame]:
    """Every table of the file, few-valued columns as text, decimals as integers of thousandths."""
    year = {"payment_year": 2026}
    factors = [
        {"member_id": who, **year, "model": model, "calibration": cal, "segment": seg, "first_month": month,
         "months": months, "variable": variable, "coefficient": value}
        for who, model, cal, seg, month, months, values in FACTORS for variable, value in values.items()
    ]  # fmt: skip
    names = ("member_id", "part", "program", "model", "calibration", "segment", "month",
             "raw_score", "normalized_score", "payment_score", "blend_weight")  # fmt: skip
    scores = [
        {**dict(zip(names, row, strict=True)), "month": None if row[6] is None else date(2026, row[6], 1), **year,
         "blend_weight": _millionths(row[-1]), "payable": True, "unverified": row[3] == ESRD,
         "no_score_reason": "", "no_payment_reason": "",
         "hierarchy_modes_disagree": False}
        for row in SCORES
    ]  # fmt: skip
    scores.append(
        {**scores[3], "member_id": "UNSCORED", "segment": None, "raw_score": None, "normalized_score": None,
         "payment_score": None, "no_score_reason": "GRAFT_MONTHS_MISSING"}
    )  # fmt: skip
    member_scores = [
        {"member_id": who, **year, "part": part, "risk_score": score, "payable_months": months, "frailty": 0,
         "unverified": False, "no_score_reason": ""}
        for who, part, score, months in MEMBER_SCORES
    ]  # fmt: skip
    member_scores.append(
        {**member_scores[0], "member_id": "UNSCORED", "risk_score": None, "payable_months": 12,
         "no_score_reason": "GRAFT_MONTHS_MISSING"}
    )  # fmt: skip
    names = ("member_id", "model", "calibration", "hcc", "dropped_by_hcc", "coefficient", "claims")
    spans = {"first_date": date(2025, 2, 2), "last_date": date(2025, 6, 1)}
    hccs = [{**dict(zip(names, row, strict=True)), **year, **spans} for row in HCCS]
    diagnoses = [
        {"member_id": who, "claim_id": claim, "diagnosis_code": code, "thru_date": day, "claim_type": "professional",
         "record_type": "encounter", "counted": reason == "COUNTED", "reason": reason, "flags": flags,
         "rendering_npi": "1000000009", "place_of_service": "11"}
        for who, claim, code, day, reason, flags in DIAGNOSES
    ]  # fmt: skip
    calibration = {RX: "x"}
    mapped = [
        {**year, "model": model, "calibration": calibration.get(model, ""), "diagnosis_code": code, "hcc": hcc,
         "description": words}
        for code, (words, models) in CODES.items() for model, hcc in models.items()
    ]  # fmt: skip
    labels = [
        {
            **year,
            "model": model,
            "calibration": calibration.get(model, ""),
            "hcc": hcc,
            "label": label,
            "is_chronic": True,
        }
        for (model, hcc), label in LABELS.items()
    ]
    names = ("part", "program", "model", "calibration", "normalization", "coding_adjustment", "blend_weight")
    payment = [
        {**dict(zip(names, (*row[:4], *map(_millionths, row[4:])), strict=True)), **year, "unverified": False,
         "source": "invented"}
        for row in PAYMENT
    ]  # fmt: skip
    tables = {
        "factors": factors, "scores": scores, "member_scores": member_scores, "member_hccs": hccs,
        "diagnoses": diagnoses,
        "diagnosis_hccs": mapped, "hccs": labels, "payment_factors": payment, "gaps": gaps(),
    }  # fmt: skip
    made = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items()}
    made["members"] = _members()
    made["rejected_rows"] = pl.DataFrame(
        {
            "table": ["members"],
            "row_number": [9],
            "column": ["sex"],
            "value": ["?"],
            "reason": ["MISSING_SEX"],
            "source": ["m.csv"],
        }
    )
    made["unmapped_codes"] = pl.DataFrame(
        {"diagnosis_code": ["I10"], "reason": ["NOT_IN_MODEL"], "rows": [3], "members": [2]}
    )
    names = ("member_id", "part", "direction", "open_gaps", "score_change", "dollar_change")
    whole = [("COMMUNITY", "C", "unsupported", 2, -355, None), ("COMMUNITY", "C", "missing", 1, 160, 192000)]
    made["member_gaps"] = pl.DataFrame([dict(zip(names, row, strict=True)) for row in whole])
    made["gap_evidence"] = pl.DataFrame(
        {"gap_id": ["g1", "g1", "g2"], "evidence_number": [1, 2, 1], "stance": ["for", "against", "for"],
         "kind": ["claim", "fill", "result"], "evidence_date": [date(2025, 5, 2)] * 3, "description": ["a", "b", "c"]}
    )  # fmt: skip
    return made


def gaps() -> list[dict[str, object]]:
    base = {
        "member_id": "COMMUNITY", "payment_year": 2026, "model": V28, "calibration": "", "rule_version": "1",
        "strength": "high", "status": "open", "status_reason": "same", "flagged_on": date(2026, 6, 30),
        "pcp_npi": "1000000001", "last_evidence_date": date(2025, 5, 2), "dollar_change": None,
    }  # fmt: skip
    return [
        {**base, "gap_id": "g1", "hcc": "238", "label": LABELS[V28, "238"], "direction": "unsupported",
         "rule_id": "OIG-1",
         "candidate_diagnosis_codes": "I4891", "score_change": -355, "raw_change": -403,
         "reason": "Coded once and never treated."},
        {**base, "gap_id": "g2", "hcc": "48", "label": "Morbid Obesity", "direction": "missing", "rule_id": "RECAPTURE",
         "candidate_diagnosis_codes": "E6601", "score_change": 164, "raw_change": 186, "dollar_change": 196800,
         "reason": "On claims of 2024, not yet in 2025."},
        {**base, "gap_id": "g3", "hcc": "37", "label": LABELS[V28, "37"], "direction": "missing",
         "rule_id": "RECAPTURE", "status": "closed", "candidate_diagnosis_codes": "", "score_change": 0,
         "raw_change": 0, "reason": "Captured."},
        {**base, "gap_id": "g5", "hcc": "238", "label": LABELS[V28, "238"], "direction": "unsupported",
         "rule_id": "AUD-SINGLE", "candidate_diagnosis_codes": "I4891", "score_change": -355, "raw_change": -403,
         "reason": "On one claim only."},
        {**base, "gap_id": "g6", "hcc": "226", "label": LABELS[V28, "226"], "direction": "missing",
         "rule_id": "RECAPTURE", "status": "closed", "status_reason": "new", "candidate_diagnosis_codes": "",
         "score_change": 0, "raw_change": 0, "reason": "Not known from earlier years."},
        {**base, "gap_id": "g4", "member_id": "PACE", "hcc": "48", "label": "Morbid Obesity", "direction": "missing",
         "rule_id": "RECAPTURE", "candidate_diagnosis_codes": "E6601", "score_change": 17, "raw_change": 186,
         "reason": "On claims of 2024, not yet in 2025."},
    ]  # fmt: skip


def write(path: Path) -> Path:
    """The results file of the tables above."""
    with ResultsWriter(path, run_id="run-1") as writer:
        for name, frame in frames().items():
            writer.append(name, frame)
        return writer.finish(RUN)


def thousandths(value: int) -> Decimal:
    return Decimal(value) / 1000
