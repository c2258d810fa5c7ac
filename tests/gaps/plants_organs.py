"""Plants of the suspect rules of kidney, diabetes, obesity, heart, lung and joints (SPEC 5.4, 7.6; RULINGS 24)."""

from __future__ import annotations

from datetime import date, timedelta

from tests.gaps.planted import (
    Calendar,
    Plant,
    Result,
    fill,
    lab,
    minus,
    ndc,
    office,
    plus,
    service,
    stay,
    supply,
)

EGFR, EGFR_RACE, A1C, A1C_IFCC, FPG, UACR, BMI = (
    "98979-8",
    "48642-3",
    "4548-4",
    "59261-8",
    "1558-6",
    "9318-7",
    "39156-5",
)
LVEF, LVEF_UPPER, LVEF_LOWER, NTPROBNP, BNP, RF = "10230-1", "104145-8", "104243-1", "33762-6", "30934-4", "11572-5"
SPIROMETRY, SPO2, SPO2_VENOUS, PAO2 = "69970-2", "59408-5", "2711-0", "2703-7"
ML, PERCENT, KG_M2 = "mL/min/1.73m2", "%", "kg/m2"


def organ_plants(calendar: Calendar) -> list[Plant]:
    """Every plant of these rules in the payment year."""
    makers = (_kidney, _diabetes, _obesity, _heart, _lung, _rhythm_and_joints)
    return [plant for maker in makers for plant in maker(calendar)]


def _egfr(*values: tuple[date, str], loinc: str = EGFR, status: str | None = None) -> tuple[Result, ...]:
    return tuple(Result(on, loinc, value, ML, status) for on, value in values)


def _kidney(c: Calendar) -> list[Plant]:
    d, day = c.day, timedelta(days=1)
    a = d(1, 10)
    b = a + 95 * day
    far = a + 120 * day
    n1832 = {"codes": ("N1832",)}
    low = _egfr((a, "42"), (b, "40"))
    ulcer = (lab(UACR, a, "35", "mg/g"), lab(UACR, b, "40", "mg/g"), lab(EGFR, b, "70", ML))
    return [
        plus("CKD-1", "42 and 40, 95 days apart (G1)", low, **n1832),
        minus("CKD-1", "60 days apart (G2)", _egfr((a, "42"), (a + 60 * day, "40"))),
        minus("CKD-1", "89 days apart", _egfr((a, "42"), (a + 89 * day, "40"))),
        plus("CKD-1", "90 days apart", _egfr((a, "42"), (a + 90 * day, "40")), **n1832),
        minus("CKD-1", "58 then 62 (G3)", _egfr((a, "58"), (b, "62"))),
        plus("CKD-1", "45.0 and 59.9 (G4)", _egfr((a, "45.0"), (b, "59.9")), codes=("N1831",)),
        plus("CKD-1", "44.99 and 44 (G4)", _egfr((a, "44.99"), (b, "44")), **n1832),
        minus("CKD-1", ">60 twice (G5)", _egfr((a, ">60"), (b, ">60"))),
        minus("CKD-1", "60.0 twice", _egfr((a, "60.0"), (b, "60.0"))),
        plus(
            "CKD-1",
            "29, 31, 28: the milder of the latest two (G6)",
            _egfr((a, "29"), (a + 20 * day, "31"), (far, "28")),
            **n1832,
        ),
        plus("CKD-1", "29 and 28", _egfr((a, "29"), (b, "28")), codes=("N184",)),
        plus("CKD-1", "30 and 29: the milder decides", _egfr((a, "30"), (b, "29")), **n1832),
        plus("CKD-1", "14 and <15", _egfr((a, "14"), (b, "<15")), codes=("N185",)),
        plus("CKD-1", "15 and 14: the milder decides", _egfr((a, "15"), (b, "14")), codes=("N184",)),
        minus("CKD-1", "a value of 60 between", _egfr((a, "42"), (a + 45 * day, "60"), (b, "40"))),
        minus("CKD-1", "61 on the day of the latest value", _egfr((a, "42"), (b, "40"), (b, "61"))),
        plus(
            "CKD-1",
            "race-specific codes where there is nothing else",
            _egfr((a, "42"), (b, "40"), loinc=EGFR_RACE),
            **n1832,
        ),
        minus(
            "CKD-1",
            "race-specific codes beside a better one",
            _egfr((a, "42"), (b, "40"), loinc=EGFR_RACE),
            _egfr((a, "75")),
        ),
        minus("CKD-1", "the first value cancelled", _egfr((a, "42"), status="cancelled"), _egfr((b, "40"))),
        minus("CKD-1", "a kidney transplant before", low, office("Z940", a - 40 * day)),
        minus("CKD-1", "dialysis before", low, service("90935", a - 10 * day)),
        minus(
            "CKD-1", "a stay for acute kidney injury 30 days before the latest value", low, stay("N179", b - 30 * day)
        ),
        plus(
            "CKD-1",
            "a stay for acute kidney injury 31 days before the latest value",
            low,
            stay("N179", b - 31 * day),
            **n1832,
        ),
        minus("CKD-1", "one value alone", _egfr((a, "42"))),
        minus("CKD-1", "both values before the 24 months", _egfr((d(1, 10, -1), "42"), (d(4, 20, -1), "40"))),
        minus("CKD-1", "the stage is coded (G7)", low, office("N1832", d(5, 2))),
        minus("CKD-1", "a higher stage is coded (G7)", low, office("N184", d(5, 2))),
        plus("CKD-2", "35 and 40 mg/g, 95 days apart, with diabetes", ulcer, office("E119", d(5, 2)), status=None),
        minus("CKD-2", "29.9 and 40 mg/g", lab(UACR, a, "29.9", "mg/g"), ulcer[1:], office("E119", d(5, 2))),
        minus(
            "CKD-2",
            "89 days apart",
            lab(UACR, a, "35", "mg/g"),
            lab(UACR, a + 89 * day, "40", "mg/g"),
            ulcer[2],
            office("E119", d(5, 2)),
        ),
    ]


def _diabetes(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    twice = lambda loinc, value, unit: (lab(loinc, a, value, unit), lab(loinc, b, value, unit))  # noqa: E731
    metformin = fill("METFORMIN HCL 500 MG TABLET", a, b)
    glipizide = fill("GLIPIZIDE 5 MG TABLET", a, b)
    empagliflozin = fill("JARDIANCE 10 MG TABLET", a, b)
    glargine = "INSULIN GLARGINE 100 UNIT/ML PEN"
    return [
        plus("DM-1", "A1c 6.5 twice (G10)", twice(A1C, "6.5", PERCENT)),
        minus("DM-1", "A1c 6.4 twice (G10)", twice(A1C, "6.4", PERCENT)),
        minus("DM-1", "A1c 6.5 once", lab(A1C, a, "6.5", PERCENT)),
        plus("DM-1", "A1c 6.5 once, and a glucose-lowering drug", lab(A1C, a, "6.5", PERCENT), glipizide, status=None),
        plus("DM-1", "48 mmol/mol twice", twice(A1C_IFCC, "48", "mmol/mol")),
        minus("DM-1", "47 mmol/mol twice", twice(A1C_IFCC, "47", "mmol/mol")),
        plus("DM-1", "fasting glucose 126 mg/dL twice", twice(FPG, "126", "mg/dL")),
        minus("DM-1", "fasting glucose 125 mg/dL twice", twice(FPG, "125", "mg/dL")),
        plus("DM-1", "fasting glucose 7.0 mmol/L twice (RULINGS 30)", twice("76629-5", "7.0", "mmol/L")),
        minus("DM-1", "fasting glucose 6.9 mmol/L twice", twice("76629-5", "6.9", "mmol/L")),
        minus("DM-1", "glucose that was not fasting, alone", twice("2345-7", "210", "mg/dL")),
        minus("DM-1", "JDS-scale A1c", twice("62388-4", "6.9", PERCENT)),
        minus("DM-1", "diabetes is coded", twice(A1C, "7.0", PERCENT), office("E119", d(3, 3))),
        plus("DM-2", "a sulfonylurea twice", glipizide, status=None),
        minus(
            "DM-2",
            "metformin, A1c 5.6, polycystic ovaries (G11)",
            metformin,
            lab(A1C, a, "5.6", PERCENT),
            office("E282", d(3, 3)),
        ),
        minus("DM-2", "metformin, prediabetes", metformin, office("R7303", d(3, 3))),
        minus("DM-2", "an SGLT2 inhibitor with heart failure", empagliflozin, office("I509", d(3, 3))),
        minus("DM-2", "an SGLT2 inhibitor with chronic kidney disease", empagliflozin, office("N1831", d(3, 3))),
        minus("DM-2", "Wegovy with severe obesity (G12)", ndc("00169452514", a, b), office("E6601", d(3, 3))),
        minus("DM-2", "Zepbound", fill("ZEPBOUND 2.5 MG/0.5 ML PEN", a, b)),
        plus("DM-3", "insulin twice", fill(glargine, a, b)),
        minus("DM-3", "insulin once", fill(glargine, a)),
        minus("DM-3", "insulin twice, diabetes coded", fill(glargine, a, b), office("E1165", d(3, 3))),
        plus(
            "DM-4",
            "diabetes and stage 2 in one year",
            office("E119", a),
            office("N182", b),
            codes=("E1122",),
            status=None,
        ),
        minus("DM-4", "stage 2 in the year before", office("E119", a), office("N182", d(6, 9, -1))),
        minus("DM-4", "coded together", office(("E1122", "N182"), a)),
        minus("DM-4", "diabetes alone", office("E119", a)),
    ]


def _obesity(c: Calendar) -> list[Plant]:
    d = c.day
    bmi = lambda on, value: lab(BMI, on, value, KG_M2)  # noqa: E731
    return [
        plus("OB-1", "BMI 40.0 (G8)", bmi(d(5, 5), "40.0")),
        minus("OB-1", "BMI 39.99 (G8)", bmi(d(5, 5), "39.99")),
        minus("OB-1", "41 first, 39 at last", bmi(d(2, 5), "41"), bmi(d(8, 5), "39")),
        plus("OB-1", "39 first, 41 at last", bmi(d(2, 5), "39"), bmi(d(8, 5), "41")),
        plus("OB-1", "on the first day of the year", bmi(d(1, 1), "42")),
        minus("OB-1", "on the last day of the year before", bmi(d(12, 31, -1), "42")),
        plus("OB-1", "on the last day of the year", bmi(d(12, 31), "42")),
        minus("OB-1", "after the year", bmi(d(1, 1, 1), "42")),
        minus("OB-1", "a percentile of children", lab("59576-9", d(5, 5), "99", PERCENT)),
        minus("OB-1", "severe obesity is coded", bmi(d(5, 5), "42"), office("E6601", d(5, 5))),
        # Low strength: shown as suppressed even where the rule is switched on.
        plus(
            "OB-2",
            "BMI 35.0 and hypertension",
            bmi(d(5, 5), "35.0"),
            office("I10", d(5, 5)),
            status=None,
            off_by_default=True,
        ),
        minus("OB-2", "BMI 34.9 and hypertension", bmi(d(5, 5), "34.9"), office("I10", d(5, 5)), off_by_default=True),
        minus("OB-2", "BMI 36 and no comorbidity", bmi(d(5, 5), "36"), off_by_default=True),
    ]


def _heart(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    furosemide = fill("FUROSEMIDE 40 MG TABLET", a, b)
    nt = lambda value: lab(NTPROBNP, d(4, 4), value, "pg/mL")  # noqa: E731
    old = {"member": {"birth_date": c.born(80)}}
    return [
        plus("HF-1", "ejection fraction 40 %", lab(LVEF, a, "40", PERCENT)),
        minus("HF-1", "ejection fraction 41 %", lab(LVEF, a, "41", PERCENT)),
        plus("HF-1", "35-40 %", lab(LVEF, a, "35-40", PERCENT)),
        minus("HF-1", "40-45 %", lab(LVEF, a, "40-45", PERCENT)),
        plus("HF-1", "upper end of the estimate 40 %", lab(LVEF_UPPER, a, "40", PERCENT)),
        minus("HF-1", "lower end of the estimate 35 %", lab(LVEF_LOWER, a, "35", PERCENT)),
        minus("HF-1", "heart failure is coded", lab(LVEF, a, "30", PERCENT), office("I5022", b)),
        plus("HF-2", "a loop diuretic twice, NT-proBNP 900 at 70", furosemide, nt("900")),
        minus("HF-2", "NT-proBNP 899 at 70", furosemide, nt("899")),
        plus("HF-2", "NT-proBNP 1800 at 80", furosemide, nt("1800"), **old),
        minus("HF-2", "NT-proBNP 1799 at 80", furosemide, nt("1799"), **old),
        plus("HF-2", "BNP 100", furosemide, lab(BNP, d(4, 4), "100", "pg/mL")),
        minus("HF-2", "BNP 99", furosemide, lab(BNP, d(4, 4), "99", "pg/mL")),
        minus("HF-2", "one fill", furosemide[:1], nt("2000")),
        minus("HF-2", "a loop diuretic alone", furosemide),
        minus("HF-2", "cirrhosis", furosemide, nt("2000"), office("K7460", a)),
        minus("HF-2", "end-stage renal disease", furosemide, nt("2000"), office("N186", a)),
        plus("HF-3", "sacubitril with valsartan", fill("ENTRESTO 24-26 MG TABLET", a, b)),
        minus("HF-3", "valsartan alone", fill("VALSARTAN 80 MG TABLET", a, b)),
    ]


def _lung(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    tiotropium = fill("SPIRIVA RESPIMAT 2.5 MCG INHALER", a, b)
    oxygen = (supply("E1390", d(2, 10)), supply("E1390", d(3, 15)))
    saturation = lambda value, loinc=SPO2: lab(loinc, d(2, 12), value, PERCENT)  # noqa: E731
    return [
        plus("COPD-1", "tiotropium twice at 70", tiotropium),
        minus("COPD-1", "tiotropium once", tiotropium[:1]),
        minus("COPD-1", "tiotropium twice at 38", tiotropium, member={"birth_date": c.born(38), "orec": "1"}),
        minus("COPD-1", "asthma is coded and nothing else", tiotropium, office("J45909", a)),
        minus("COPD-1", "glycopyrrolate tablets", fill("GLYCOPYRROLATE 1 MG TABLET", a, b)),
        minus("COPD-1", "ipratropium, short-acting", fill("IPRATROPIUM 0.02% INHALATION SOLN", a, b)),
        plus("COPD-2", "FEV1/FVC 69 % after a bronchodilator", lab(SPIROMETRY, a, "69", PERCENT)),
        plus("COPD-2", "FEV1/FVC 0.69", lab(SPIROMETRY, a, "0.69", "{ratio}")),
        minus("COPD-2", "FEV1/FVC 70 %", lab(SPIROMETRY, a, "70", PERCENT)),
        minus("COPD-2", "a code that does not say after a bronchodilator", lab("19926-5", a, "60", PERCENT)),
        plus("RF-1", "oxygen in two months, saturation 88 %", oxygen, saturation("88")),
        minus("RF-1", "saturation 89 %", oxygen, saturation("89")),
        minus("RF-1", "oxygen in one month", oxygen[0], supply("E1390", d(2, 20)), saturation("85")),
        plus("RF-1", "arterial oxygen 55 mmHg", oxygen, lab(PAO2, d(2, 12), "55", "mm[Hg]")),
        minus("RF-1", "arterial oxygen 56 mmHg", oxygen, lab(PAO2, d(2, 12), "56", "mm[Hg]")),
        minus("RF-1", "venous saturation", oxygen, saturation("60", SPO2_VENOUS)),
        plus("CF/ILD", "nintedanib twice", fill("OFEV 150 MG CAPSULE", a, b)),
        minus("CF/ILD", "fibrosis is coded", fill("OFEV 150 MG CAPSULE", a, b), office("J84112", a)),
        plus("CF-2", "ivacaftor twice", fill("KALYDECO 150 MG TABLET", a, b)),
    ]


def _rhythm_and_joints(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    apixaban = ndc("00003089421", a, b)
    flecainide = fill("FLECAINIDE 100 MG TABLET", a, b)
    methotrexate = fill("METHOTREXATE 2.5 MG TABLET", a, b)
    adalimumab = fill("HUMIRA PEN 40 MG/0.4 ML", a, b)
    factor = lambda value: lab(RF, a, value)  # noqa: E731
    return [
        plus("AF-1", "apixaban twice", apixaban),
        minus("AF-1", "apixaban once", apixaban[:1]),
        minus("AF-1", "a deep vein thrombosis", apixaban, office("I82401", a)),
        minus("AF-1", "a prosthetic valve", apixaban, office("Z952", a)),
        minus("AF-1", "enoxaparin, injected", fill("ENOXAPARIN 40 MG/0.4 ML SYRINGE", a, b)),
        minus("AF-1", "atrial fibrillation is coded", apixaban, office("I4891", a)),
        plus("AF-2", "flecainide and apixaban", flecainide, apixaban),
        minus("AF-2", "flecainide alone", flecainide),
        plus("RA-1", "methotrexate and a positive rheumatoid factor", methotrexate, factor("POSITIVE")),
        minus("RA-1", "methotrexate and a negative rheumatoid factor", methotrexate, factor("NEGATIVE")),
        plus("RA-1", "adalimumab without psoriasis or bowel disease", adalimumab, status=None),
        minus("RA-1", "adalimumab with psoriasis", adalimumab, office("L400", a)),
        minus("RA-1", "adalimumab with Crohn disease", adalimumab, office("K5090", a)),
        minus("RA-1", "rheumatoid arthritis is coded", methotrexate, factor("POSITIVE"), office("M0579", b)),
    ]
