"""Plants of the audit rules (SPEC 6 and 7.7, RULINGS 25–28, corrections in the notes to the value sets)."""

from __future__ import annotations

from datetime import timedelta

from tests.gaps.planted import (
    OFFICE,
    Calendar,
    Claim,
    Finding,
    Plant,
    Problem,
    clinic,
    fill,
    lab,
    minus,
    ndc,
    office,
    plus,
    service,
    stay,
)

DAY = timedelta(days=1)
EGFR, A1C, BMI, ML, KG_M2 = "98979-8", "4548-4", "39156-5", "mL/min/1.73m2", "kg/m2"
APIXABAN = "00003089421"


def audit_plants(calendar: Calendar) -> list[Plant]:
    """Every audit plant of the payment year."""
    makers = (
        _stroke,
        _stroke_over,
        _infarction,
        _embolism,
        _cancers,
        _depression,
        _sepsis_and_ulcers,
        _provenance,
        _kidney,
        _obesity,
        _expected,
        _contradictions,
        _reviewed,
    )
    return [plant for maker in makers for plant in maker(calendar)]


def _stroke(c: Calendar) -> list[Plant]:
    a, b, last = c.day(3, 3), c.day(7, 7), c.day(12, 31)
    one, two, three = office("I639", a), office("I639", b), office("I639", c.day(9, 9))
    off = {"off_by_default": True}
    return [
        plus("OIG-1", "one office claim (A1)", one),
        plus("OIG-1", "two office claims: the wording of 2026 (A3)", one, two),
        minus("OIG-1", "and a hospital outpatient claim (A2)", one, clinic("I639", last)),
        minus("OIG-1", "and a stay", one, stay("I639", c.day(1, 1))),
        plus("OIG-1", "and a stay of the year before", one, stay("I639", c.day(12, 31, -1))),
        minus("OIG-1", "a haemorrhagic stroke is not in the group", office("I619", a)),
        minus("OIG-1", "a history of stroke", office("Z8673", a)),
        plus("OIG-1-TOOLKIT", "one office claim", one, **off),
        minus("OIG-1-TOOLKIT", "two office claims (A3)", one, two, **off),
        plus("OIG-1-OLDER", "two office claims", one, two, **off),
        minus("OIG-1-OLDER", "three office claims", one, two, three, **off),
    ]


def _stroke_over(c: Calendar) -> list[Plant]:
    a, b = c.day(3, 3), c.day(7, 7)
    plants = []
    for code, late in (("I639", "AUD-STROKE-LATE"), ("I619", "AUD-BLEED-LATE")):
        hospital, only = stay(code, a, a - 4 * DAY), f"{code} at an office"
        plants += [
            plus(late, "at an office on the day after the discharge", hospital, office(code, a + DAY)),
            plus(late, "at an office months after the discharge", hospital, office(code, b)),
            minus(late, "at an office on the day of the discharge", hospital, office(code, a)),
            minus(late, "in hospital only", hospital),
            minus(late, "at a hospital clinic after the discharge", hospital, clinic(code, b)),
            minus(late, "a stay of more than a year before", stay(code, a - 366 * DAY), office(code, a)),
            plus("AUD-STROKE-OFFICE", f"{only} twice", office(code, a), office(code, b)),
            minus("AUD-STROKE-OFFICE", f"{only} and a stay", office(code, b), hospital),
            minus("AUD-STROKE-OFFICE", f"{only} and in an emergency room", office(code, a), office(code, b, place="23")),
        ]
    return plants


def _infarction(c: Calendar) -> list[Plant]:
    a = c.day(3, 1)
    one = office("I214", a)
    return [
        plus("OIG-2", "one office claim", one),
        minus("OIG-2", "a stay 50 days later (A4)", one, stay("I214", c.day(4, 20))),
        plus("OIG-2", "a stay 65 days later (A5)", one, stay("I214", c.day(5, 5))),
        minus("OIG-2", "a stay 60 days later", one, stay("I214", a + 60 * DAY)),
        plus("OIG-2", "a stay 61 days later", one, stay("I214", a + 61 * DAY)),
        minus("OIG-2", "a stay 60 days before", one, stay("I214", a - 60 * DAY)),
        plus("OIG-2", "a stay 61 days before", one, stay("I214", a - 61 * DAY)),
        plus("OIG-2", "one hospital outpatient claim", clinic("I214", a)),
        minus("OIG-2", "two office claims", one, office("I214", c.day(8, 8))),
        plus("AUD-MI28", "coded 90 days after the stay (A14)", stay("I214", a), office("I214", a + 90 * DAY)),
        plus("AUD-MI28", "coded 29 days after the stay", stay("I214", a), office("I214", a + 29 * DAY)),
        minus("AUD-MI28", "coded 28 days after the stay", stay("I214", a), office("I214", a + 28 * DAY)),
    ]


def _embolism(c: Calendar) -> list[Plant]:
    a = c.day(3, 1)
    one = office("I2699", a)
    unknown = {"without_pharmacy": "indeterminate"}
    return [
        plus("OIG-3", "one claim, no anticoagulant (A6)", one, **unknown),
        minus("OIG-3", "apixaban in the year (A6)", one, ndc(APIXABAN, c.day(4, 1)), **unknown),
        minus("OIG-3", "apixaban on the last day of the year", one, ndc(APIXABAN, c.day(12, 31)), **unknown),
        minus(
            "OIG-3", "warfarin on the first day of the year", one, fill("WARFARIN 5 MG TABLET", c.day(1, 1)), **unknown
        ),
        plus("OIG-3", "apixaban on the last day of the year before", one, ndc(APIXABAN, c.day(12, 31, -1)), **unknown),
        plus("OIG-3", "aspirin is no anticoagulant", one, fill("ASPIRIN 81 MG TABLET", c.day(4, 1)), **unknown),
        minus("OIG-3", "two claims", one, office("I2699", c.day(5, 1))),
        minus("OIG-3", "a history of embolism", office("Z86711", a)),
    ]


def _cancers(c: Calendar) -> list[Plant]:
    a = c.day(2, 1)
    lung, breast, colon, prostate = office("C3490", a), office("C50911", a), office("C189", a), office("C61", a)
    radiation = lambda days: service("77427", a + days * DAY)  # noqa: E731
    man = lambda born: {"member": {"birth_date": born, "sex": "M"}}  # noqa: E731
    return [
        plus("OIG-4", "one claim, no treatment", lung),
        minus("OIG-4", "radiation 300 days later (A7)", lung, radiation(300)),
        plus("OIG-4", "radiation 400 days later (A7)", lung, radiation(400)),
        minus("OIG-4", "radiation 365 days later", lung, radiation(365)),
        plus("OIG-4", "radiation 366 days later", lung, radiation(366)),
        minus("OIG-4", "radiation 365 days before", lung, radiation(-365)),
        plus("OIG-4", "radiation 366 days before", lung, radiation(-366)),
        minus("OIG-4", "a lobectomy", lung, service("32480", a + 20 * DAY)),
        plus("OIG-4", "volume reduction is no cancer surgery", lung, service("32491", a + 20 * DAY)),
        minus("OIG-4", "carboplatin", lung, service("J9045", a + 20 * DAY)),
        plus("OIG-4", "methotrexate is no cancer treatment", lung, service("J9250", a + 20 * DAY)),
        minus("OIG-4", "osimertinib dispensed", lung, fill("TAGRISSO 80 MG TABLET", a + 20 * DAY)),
        minus("OIG-4", "two claims", lung, office("C3490", c.day(5, 5))),
        minus("OIG-4", "a history of lung cancer", office("Z85118", a)),
        plus("OIG-5", "one claim, no treatment", breast),
        minus("OIG-5", "anastrozole (A9)", breast, fill("ANASTROZOLE 1 MG TABLET", a + 30 * DAY)),
        minus("OIG-5", "a mastectomy", breast, service("19303", a - 100 * DAY)),
        plus("OIG-6", "one claim, no treatment, the operation ten years ago (A13)", colon),
        minus("OIG-6", "a colectomy", colon, service("44140", a - 200 * DAY)),
        plus("OIG-6", "an operation for congenital megacolon", colon, service("45120", a - 200 * DAY)),
        plus("OIG-7", "74 on the last day of the year (A8)", prostate, **man(c.born(74, 12, 31))),
        minus("OIG-7", "74 on the first day of the next (A8)", prostate, **man(c.born(73, 1, 1))),
        minus("OIG-7", "leuprolide", prostate, service("J9217", a + 30 * DAY), **man(c.born(80))),
        plus("OIG-7", "a simple prostatectomy", prostate, service("55821", a + 30 * DAY), **man(c.born(80))),
        minus("OIG-7", "a radical prostatectomy", prostate, service("55866", a + 30 * DAY), **man(c.born(80))),
    ]


def _depression(c: Calendar) -> list[Plant]:
    a = c.day(3, 1)
    one = office("F331", a)
    return [
        plus("OIG-10", "one claim, no antidepressant", one, without_pharmacy="indeterminate"),
        minus("OIG-10", "sertraline in the year", one, fill("SERTRALINE 50 MG TABLET", c.day(12, 31))),
        plus("OIG-10", "sertraline in the year before", one, fill("SERTRALINE 50 MG TABLET", c.day(12, 31, -1))),
        plus("OIG-10", "doxepin 6 mg is a sleeping pill", one, fill("SILENOR 6 MG TABLET", c.day(4, 1))),
    ]


def _sepsis_and_ulcers(c: Calendar) -> list[Plant]:
    a, b = c.day(3, 1), c.day(3, 9)
    ulcer = office("L89154", a)
    return [
        plus("OIG-11", "sepsis in an office", office("A419", a), status=None),
        minus("OIG-11", "sepsis in a stay", office("A419", a), stay("A419", b)),
        plus("OIG-11", "a stage 4 pressure ulcer on one claim", ulcer, status=None),
        plus("OIG-11", "a stage 3 pressure ulcer on one claim", office("L89153", a), status=None),
        minus("OIG-11", "a stage 4 pressure ulcer and wound care", ulcer, service("97597", b)),
        minus("OIG-11", "a stage 2 pressure ulcer", office("L89152", a)),
    ]


def _provenance(c: Calendar) -> list[Plant]:
    a, b = c.day(3, 1), c.day(8, 8)
    review = Claim(a, ("I509",), OFFICE, ("99213",), place="11", record_type="chart_review", linked=True)
    hra = office("E6601", a, services=("G0439",))
    return [
        plus("AUD-SINGLE", "one claim (A11)", office("M0579", a)),
        plus("AUD-SINGLE", "one claim of two lines", office("M0579", a, services=("99213", "99214"))),
        minus("AUD-SINGLE", "two claims", office("M0579", a), office("M0579", b)),
        plus("AUD-SINGLE", "two claims of two codes of other categories", office("M0579", a), office("I10", b)),
        plus("AUD-HRA", "a wellness visit alone (A12)", hra),
        minus("AUD-HRA", "a wellness visit and an office visit", hra, office("E6601", b)),
        plus("AUD-HRA", "a risk assessment alone", office("E6601", a, services=("99213", "96160"))),
        minus(
            "AUD-HRA",
            "a home visit by nobody's vendor (RULINGS 27)",
            office("E6601", a, services=("99345",), place="12"),
        ),
        plus("AUD-SPEC", "a public health agency alone", office("I509", a, specialty="60")),
        minus(
            "AUD-SPEC",
            "a public health agency and a cardiologist",
            office("I509", a, specialty="60"),
            office("I509", b, specialty="06"),
        ),
        minus("AUD-SPEC", "a provider of unknown specialty", office("I509", a)),
        minus("AUD-SPEC", "a family practice", office("I509", a, specialty="08")),
        plus("AUD-RAD", "a diagnostic radiologist alone", office("I509", a, specialty="30")),
        minus("AUD-RAD", "a diagnostic radiologist and an office visit", office("I509", a, specialty="30"), office("I509", b)),
        minus("AUD-RAD", "an interventional radiologist", office("I509", a, specialty="94")),
        plus("AUD-CRR", "a linked chart review alone", review),
        minus("AUD-CRR", "a linked chart review and an office visit", review, office("I509", b)),
        plus(
            "AUD-FUT",
            "a service on the day after death",
            office("I509", a + DAY),
            member={"death_date": a},
            status=None,
        ),
        minus("AUD-FUT", "a service on the day of death", office("I509", a), member={"death_date": a}),
        plus("AUD-PROBLIST", "diabetes in the problem list only (A23)", Problem(a, "E119"), status=None),
        minus("AUD-PROBLIST", "diabetes in the problem list and on a claim", Problem(a, "E119"), office("E119", b)),
    ]


def _kidney(c: Calendar) -> list[Plant]:
    coded = lambda code: office(code, c.day(3, 1))  # noqa: E731
    egfr = lambda value, month=2: lab(EGFR, c.day(month, 10), value, ML)  # noqa: E731
    return [
        plus("AUD-CKD", "stage 4, eGFR 70 and 72 (A15)", coded("N184"), egfr("70"), egfr("72", 6)),
        plus("AUD-CKD", "stage 4, eGFR 40 twice (G7)", coded("N184"), egfr("40"), egfr("40", 6)),
        plus("AUD-CKD", "stage 4, one eGFR of 30", coded("N184"), egfr("30")),
        minus("AUD-CKD", "stage 4, one eGFR of 29", coded("N184"), egfr("29")),
        minus("AUD-CKD", "stage 4, eGFR 35 and 25", coded("N184"), egfr("35"), egfr("25", 6)),
        minus("AUD-CKD", "stage 3b, eGFR 20: worse is another rule's matter", coded("N1832"), egfr("20")),
        plus("AUD-CKD", "stage 3b, eGFR 45", coded("N1832"), egfr("45")),
        minus("AUD-CKD", "stage 3b, eGFR 44", coded("N1832"), egfr("44")),
        plus("AUD-CKD", "stage 3a, eGFR 60", coded("N1831"), egfr("60")),
        minus("AUD-CKD", "stage 3a, eGFR 59", coded("N1831"), egfr("59")),
        minus("AUD-CKD", "stage 3 unspecified, eGFR 35", coded("N1830"), egfr("35")),
        minus("AUD-CKD", "stage 3 unspecified, eGFR 50", coded("N1830"), egfr("50")),
        plus("AUD-CKD", "stage 3 unspecified, eGFR 65", coded("N1830"), egfr("65")),
        plus("AUD-CKD", "stage 4, 70 and 72, with 25 between", coded("N184"), egfr("70"), egfr("25", 4), egfr("72", 6)),
        minus("AUD-CKD", "stage 4, no eGFR in the year", coded("N184"), lab(EGFR, c.day(12, 31, -1), "70", ML)),
        minus("AUD-CKD", "stage 4, eGFR after the year", coded("N184"), lab(EGFR, c.day(1, 1, 1), "70", ML)),
    ]


def _obesity(c: Calendar) -> list[Plant]:
    bmi = lambda value, month=5: lab(BMI, c.day(month, 5), value, KG_M2)  # noqa: E731
    severe, pressure = office("E6601", c.day(3, 1)), office("I10", c.day(3, 2))
    class_3 = office("E66813", c.day(11, 2))  # a code of October 2024
    status = office("Z6841", c.day(3, 1))
    return [
        plus("AUD-BMI", "E66.01, BMI 33 (G9)", severe, bmi("33")),
        plus("AUD-BMI", "E66.01, BMI 34.9 with hypertension", severe, pressure, bmi("34.9")),
        minus("AUD-BMI", "E66.01, BMI 35.0 with hypertension", severe, pressure, bmi("35.0")),
        plus("AUD-BMI", "E66.01, BMI 39.9 without comorbidity", severe, bmi("39.9")),
        minus("AUD-BMI", "E66.01, BMI 40.0", severe, bmi("40.0")),
        plus("AUD-BMI", "E66.813, BMI 38 with hypertension", class_3, pressure, bmi("38")),
        minus("AUD-BMI", "E66.813, BMI 40", class_3, bmi("40")),
        plus("AUD-BMI", "Z68.41, BMI 39.9 with hypertension", status, pressure, bmi("39.9")),
        minus("AUD-BMI", "33 first, 41 at last", severe, bmi("33", 2), bmi("41", 8)),
        plus("AUD-BMI", "41 first, 33 at last", severe, bmi("41", 2), bmi("33", 8)),
        minus("AUD-BMI", "no BMI measured in the year", severe, lab(BMI, c.day(12, 31, -1), "33", KG_M2)),
    ]


def _expected(c: Calendar) -> list[Plant]:
    a, b = c.day(3, 1), c.day(4, 4)
    hiv, diabetes, fibrillation, copd = office("B20", a), office("E119", a), office("I4891", a), office("J449", a)
    return [
        plus(
            "AUD-MEDLESS",
            "HIV without any drug, antibody negative (A16)",
            hiv,
            lab("80387-4", b, "Negative"),
            status=None,
        ),
        minus("AUD-MEDLESS", "HIV with treatment", hiv, ndc("61958250101", b)),
        plus("AUD-MEDLESS", "diabetes without drug or A1c", diabetes, status=None),
        minus("AUD-MEDLESS", "diabetes with an A1c", diabetes, lab(A1C, b, "6.9", "%")),
        minus("AUD-MEDLESS", "diabetes with metformin", diabetes, fill("METFORMIN HCL 500 MG TABLET", b)),
        minus("AUD-MEDLESS", "diabetes with an A1c billed", diabetes, service("83036", b)),
        plus("AUD-MEDLESS", "atrial fibrillation without anything", fibrillation, status=None),
        minus("AUD-MEDLESS", "atrial fibrillation with an electrocardiogram", fibrillation, service("93000", b)),
        minus("AUD-MEDLESS", "atrial fibrillation with apixaban", fibrillation, ndc(APIXABAN, b)),
        plus("AUD-MEDLESS", "lung disease without inhaler or spirometry", copd, status=None),
        minus("AUD-MEDLESS", "lung disease with spirometry", copd, service("94010", b)),
        minus("AUD-MEDLESS", "lung disease with tiotropium", copd, fill("SPIRIVA RESPIMAT 2.5 MCG INHALER", b)),
        plus("AUD-MEDLESS", "schizophrenia without antipsychotic", office("F209", a), status=None),
        minus("AUD-MEDLESS", "schizophrenia with risperidone", office("F209", a), fill("RISPERIDONE 2 MG TABLET", b)),
        plus("AUD-MEDLESS", "rheumatoid arthritis without treatment", office("M0579", a), status=None),
        minus(
            "AUD-MEDLESS",
            "rheumatoid arthritis with methotrexate",
            office("M0579", a),
            fill("METHOTREXATE 2.5 MG TABLET", b),
        ),
    ]


def _contradictions(c: Calendar) -> list[Plant]:
    a, b = c.day(3, 1), c.day(8, 8)
    stroke, stroke_before = office("I639", a), office("I639", c.day(3, 1, -1))
    return [
        plus("AUD-CONFLICT", "type 1 and type 2 diabetes (A10)", office("E109", a), office("E119", b), status=None),
        minus("AUD-CONFLICT", "type 2 diabetes twice", office("E119", a), office("E1165", b)),
        plus("AUD-CONFLICT", "stages 3 and 5 on one day", office(("N1830", "N185"), a), status=None),
        minus("AUD-CONFLICT", "stages 3 and 5 on two days", office("N1830", a), office("N185", b)),
        plus("AUD-REPEAT", "acute stroke in two consecutive years", stroke, stroke_before, status=None),
        minus("AUD-REPEAT", "acute stroke in this year alone", stroke),
        minus("AUD-REPEAT", "acute stroke in this year and two years before", stroke, office("I639", c.day(3, 1, -2))),
    ]


def _reviewed(c: Calendar) -> list[Plant]:
    a = c.day(3, 1)
    return [
        plus(
            "AUD-CHART",
            "a reviewer did not find coded heart failure",
            office("I509", a),
            Finding(a, "I509", "not_supported"),
        ),
        minus("AUD-CHART", "a reviewer found it", office("I509", a), Finding(a, "I509", "supported")),
        minus("AUD-CHART", "not found, and not coded", Finding(a, "I509", "not_supported")),
    ]
