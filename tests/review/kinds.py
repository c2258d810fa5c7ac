"""Questions of the invented results file: what each says, how it is evidenced and what it changes."""

from __future__ import annotations

from dataclasses import dataclass

C, D = "cms-hcc-v28", "rxhcc-v08"
PARTS = {C: "C", D: "D"}
_DIABETES = "Diabetes with Chronic Complications"
_LUNG = "Chronic Obstructive Pulmonary Disease, Interstitial Lung Disorders, and Other Chronic Lung Disorders"
_RA = "Rheumatoid Arthritis and Other Specified Inflammatory Rheumatic Disorders"

DESCRIPTIONS = {
    "M069": "Rheumatoid arthritis, unspecified",
    "I639": "Cerebral infarction, unspecified",
    "E6601": "Morbid (severe) obesity due to excess calories",
    "N184": "Chronic kidney disease, stage 4 (severe)",
    "N1832": "Chronic kidney disease, stage 3b",
    "C61": "Malignant neoplasm of prostate",
    "I5022": "Chronic systolic (congestive) heart failure",
    "J449": "Chronic obstructive pulmonary disease, unspecified",
    "E1122": "Type 2 diabetes mellitus with diabetic chronic kidney disease",
    "I4891": "Unspecified atrial fibrillation",
    "I2699": "Other pulmonary embolism without acute cor pulmonale",
    "G309": "Alzheimer's disease, unspecified",
}


@dataclass(frozen=True)
class Piece:
    """A piece of evidence; ``days`` before the as-of day."""

    stance: str
    kind: str
    days: int
    code: str
    description: str
    value: str = ""


@dataclass(frozen=True)
class Kind:
    """A question. ``rows``: model, HCC, label, change of the score in thousandths."""

    direction: str
    rule: str
    strength: str
    codes: str
    rows: tuple[tuple[str, str, str, int], ...]
    reason: str
    evidence: tuple[Piece, ...]

    @property
    def missing(self) -> bool:
        return self.direction == "missing"


KINDS = (
    Kind(
        "unsupported", "OIG-1", "high", "I639", ((C, "249", "Ischemic or Unspecified Stroke", -146),),
        "Acute stroke is coded on a professional claim and on no hospital claim of the year.",
        (
            Piece("for", "claim", 240, "I639", "Cerebral infarction, unspecified, office visit", "place of service 11"),
            Piece("for", "absence", 240, "", "No inpatient or outpatient hospital claim with an acute stroke code"),
            Piece("against", "procedure", 236, "70551", "Magnetic resonance imaging on a claim of the same week"),
        ),
    ),
    Kind(
        "unsupported", "AUD-SINGLE", "medium", "M069", ((C, "93", _RA, -371), (D, "83", "Rheumatoid Arthritis", -192)),
        "Rheumatoid arthritis rests on one eligible encounter in the year.",
        (
            Piece("for", "claim", 310, "M069", "Rheumatoid arthritis, unspecified, the only claim of the year"),
            Piece("for", "absence", 1, "", "No fill of a disease-modifying drug in 12 months"),
            Piece("against", "fill", 420, "", "methotrexate 2.5 mg tablet", "90 days"),
        ),
    ),
    Kind(
        "unsupported", "AUD-CKD", "high", "N184",
        (
            (C, "327", "Chronic Kidney Disease, Severe (Stage 4)", -387),
            (D, "263", "Chronic Kidney Disease, Stage 4", -210),
        ),
        "Stage 4 is coded; every eGFR of the year is of a milder class.",
        (
            Piece("for", "claim", 150, "N184", "Chronic kidney disease, stage 4 (severe), nephrology visit"),
            Piece("for", "result", 120, "33914-3", "Estimated glomerular filtration rate", "52 mL/min/1.73m2"),
            Piece("for", "result", 30, "33914-3", "Estimated glomerular filtration rate", "55 mL/min/1.73m2"),
        ),
    ),
    Kind(
        "unsupported", "AUD-BMI", "medium", "E6601", ((C, "48", "Morbid Obesity", -186),),
        "Morbid obesity is coded; the last measured body mass index is 33.1.",
        (
            Piece("for", "claim", 200, "E6601", "Morbid (severe) obesity due to excess calories"),
            Piece("for", "result", 45, "39156-5", "Body mass index", "33.1 kg/m2"),
            Piece("against", "result", 500, "39156-5", "Body mass index", "36.4 kg/m2"),
        ),
    ),
    Kind(
        "unsupported", "OIG-7", "low", "C61", ((C, "23", "Prostate, Breast, and Other Cancers and Tumors", -186),),
        "Prostate cancer is on one claim; no surgery, radiation or chemotherapy within a year of it.",
        (
            Piece("for", "claim", 260, "C61", "Malignant neoplasm of prostate"),
            Piece("for", "absence", 260, "", "No treatment in claims within 365 days before or after"),
            Piece("context", "result", 250, "2857-1", "Prostate-specific antigen", "0.1 ng/mL"),
        ),
    ),
    Kind(
        "missing", "CKD-1", "high", "N1832", ((C, "328", "Chronic Kidney Disease, Moderate (Stage 3B)", 127),),
        "Two eGFR values of 30 to 44, at least 90 days apart; no stage is coded this year.",
        (
            Piece("for", "result", 160, "33914-3", "Estimated glomerular filtration rate", "41 mL/min/1.73m2"),
            Piece("for", "result", 40, "33914-3", "Estimated glomerular filtration rate", "43 mL/min/1.73m2"),
            Piece("against", "result", 600, "33914-3", "Estimated glomerular filtration rate", "61 mL/min/1.73m2"),
        ),
    ),
    Kind(
        "missing", "RECAPTURE", "medium", "I5022",
        ((C, "226", "Heart Failure, Except End-Stage and Acute", 360), (D, "186", "Heart Failure", 169)),
        "Heart failure was coded last year and is on no claim of this year.",
        (
            Piece("for", "claim", 430, "I5022", "Chronic systolic (congestive) heart failure, cardiology visit"),
            Piece("for", "fill", 60, "", "sacubitril/valsartan 49-51 mg tablet", "30 days"),
            Piece("for", "fill", 30, "", "furosemide 40 mg tablet", "90 days"),
        ),
    ),
    Kind(
        "missing", "COPD-1", "low", "J449",
        ((C, "280", _LUNG, 319), (D, "229", "Chronic Obstructive Pulmonary Disease", 203)),
        "Three fills of a long-acting inhaler in 12 months; no lung condition is coded.",
        (
            Piece("for", "fill", 200, "", "tiotropium 18 mcg inhalation capsule", "30 days"),
            Piece("for", "fill", 110, "", "tiotropium 18 mcg inhalation capsule", "30 days"),
            Piece("for", "fill", 20, "", "tiotropium 18 mcg inhalation capsule", "30 days"),
            Piece("context", "problem", 700, "J4520", "Mild intermittent asthma, uncomplicated, on the problem list"),
        ),
    ),
    Kind(
        "missing", "DM-4", "medium", "E1122",
        ((C, "37", _DIABETES, 166), (D, "30", "Diabetes with Complications", 101)),
        "Diabetes and chronic kidney disease are coded in the same year, without a code that joins them.",
        (
            Piece("for", "claim", 90, "E119", "Type 2 diabetes mellitus without complications"),
            Piece("for", "claim", 70, "N1830", "Chronic kidney disease, stage 3 unspecified"),
            Piece("against", "claim", 70, "I129", "Hypertensive chronic kidney disease"),
        ),
    ),
    Kind(
        "missing", "AF-2", "low", "I4891", ((C, "238", "Specified Heart Arrhythmias", 299),),
        "Apixaban is filled regularly; neither a heart rhythm condition nor a clot is coded.",
        (
            Piece("for", "fill", 95, "", "apixaban 5 mg tablet", "60 days"),
            Piece("for", "fill", 35, "", "apixaban 5 mg tablet", "60 days"),
            Piece("against", "claim", 380, "I2699", "Other pulmonary embolism, last year"),
        ),
    ),
)  # fmt: skip
