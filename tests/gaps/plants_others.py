"""Plants of the other suspect rules (SPEC 5.4), of recapture (SPEC 5.3) and of documents."""

from __future__ import annotations

from datetime import date, timedelta

from tests.gaps.planted import (
    Calendar,
    Finding,
    Plant,
    Problem,
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

HIV_RNA, HCV_RNA, MMSE, MOCA, PHQ9 = "20447-9", "11011-4", "72106-8", "72172-0", "44261-6"
ALBUMIN, PLATELETS = "1751-7", "777-3"
_MS = {False: "G35", True: "G35D"}  # multiple sclerosis, unspecified: before and from October 2025


def other_plants(calendar: Calendar) -> list[Plant]:
    """Every plant of these rules in the payment year."""
    makers = (_infection, _cancer, _mind, _nerves, _liver_and_blood, _status, _substances, _recapture, _documented)
    return [plant for maker in makers for plant in maker(calendar)]


def _infection(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    return [
        plus("HIV-1", "bictegravir combination twice", ndc("61958250101", a, b)),
        minus("HIV-1", "bictegravir combination once", ndc("61958250101", a)),
        minus("HIV-1", "emtricitabine with tenofovir disoproxil alone (G13)", ndc("61958070101", a, b)),
        minus("HIV-1", "emtricitabine with tenofovir alafenamide alone", ndc("61958200201", a, b)),
        minus("HIV-1", "cabotegravir for prevention", ndc("49702026423", a, b)),
        minus("HIV-1", "tenofovir alafenamide alone: hepatitis B", ndc("61958230101", a, b)),
        minus("HIV-1", "entecavir: hepatitis B", fill("ENTECAVIR 0.5 MG TABLET", a, b)),
        plus("HIV-1", "HIV RNA 1,234 copies", lab(HIV_RNA, a, "1,234", "copies/mL")),
        minus("HIV-1", "HIV RNA below the limit", lab(HIV_RNA, a, "<20", "copies/mL")),
        minus("HIV-1", "HIV is coded", ndc("61958250101", a, b), office("B20", b)),
        plus("HCV-1", "hepatitis C RNA detected", lab(HCV_RNA, a, "1,500,000", "IU/mL")),
        minus(
            "HCV-1",
            "detected first, not at last",
            lab(HCV_RNA, a, "1,500,000", "IU/mL"),
            lab(HCV_RNA, b, "Not detected"),
        ),
        plus("HCV-1", "sofosbuvir with velpatasvir", fill("EPCLUSA 400-100 MG TABLET", a, b)),
        minus(
            "HCV-1",
            "sofosbuvir with velpatasvir, then not detected",
            fill("EPCLUSA 400-100 MG TABLET", a),
            lab(HCV_RNA, d(9, 9), "Not detected"),
        ),
    ]


def _cancer(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(8, 3), d(9, 9)
    imatinib = fill("IMATINIB 400 MG TABLET", a, b)
    anastrozole = fill("ANASTROZOLE 1 MG TABLET", a, b)
    return [
        plus("CA-1", "carboplatin", service("J9045", a), service("J9045", b), status=None),
        plus("CA-1", "imatinib twice", imatinib, status=None),
        minus("CA-1", "imatinib twice, leukaemia coded", imatinib, office("C9210", a)),
        minus("CA-1", "methotrexate injection", service("J9250", a), service("J9250", b)),
        minus("CA-1", "efgartigimod, a J9 code that is no cancer drug", service("J9332", a), service("J9332", b)),
        minus("CA-1", "fluorouracil cream", fill("FLUOROURACIL 5% CREAM", a, b)),
        minus("CA-1", "carboplatin before the 12 months", service("J9045", d(1, 5)), service("J9045", d(2, 5))),
        plus("CA-2", "anastrozole twice", anastrozole, status=None),
        minus("CA-2", "anastrozole twice, breast cancer coded", anastrozole, office("C50911", a)),
        minus("CA-2", "raloxifene", fill("RALOXIFENE 60 MG TABLET", a, b)),
    ]


def _mind(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    donepezil = fill("DONEPEZIL 10 MG TABLET", a, b)
    lithium = fill("LITHIUM CARBONATE 300 MG CAPSULE", a, b)
    mixed = (*fill("LAMOTRIGINE 100 MG TABLET", a, b), *fill("QUETIAPINE 100 MG TABLET", a, b))
    phq = lambda *values: tuple(lab(PHQ9, d(2 + place, 7), value) for place, value in enumerate(values))  # noqa: E731
    depression = {"codes": ("F321", "F322", "F331", "F332")}
    return [
        plus("DEM-1", "donepezil twice", donepezil),
        minus("DEM-1", "donepezil once", donepezil[:1]),
        plus("DEM-1", "MMSE 23 twice", lab(MMSE, a, "23"), lab(MMSE, b, "23")),
        minus("DEM-1", "MMSE 24 twice", lab(MMSE, a, "24"), lab(MMSE, b, "24")),
        plus("DEM-1", "MoCA 25 twice", lab(MOCA, a, "25"), lab(MOCA, b, "25")),
        minus("DEM-1", "MoCA 26 twice", lab(MOCA, a, "26"), lab(MOCA, b, "26")),
        minus("DEM-1", "dementia is coded", donepezil, office("G309", a)),
        plus("SCZ-1", "clozapine twice", fill("CLOZAPINE 100 MG TABLET", a, b)),
        minus("SCZ-1", "clozapine once", fill("CLOZAPINE 100 MG TABLET", a)),
        plus("SCZ-1", "a long-acting injection twice", service("J2426", a), service("J2426", b)),
        plus("SCZ-1", "a dispensed long-acting injection twice", fill("INVEGA SUSTENNA 156 MG/ML SYRINGE", a, b)),
        minus("SCZ-1", "short-acting haloperidol twice", service("J1630", a), service("J1630", b)),
        plus("BP-1", "lithium twice", lithium),
        minus("BP-1", "lithium once", lithium[:1]),
        plus("BP-1", "lamotrigine with quetiapine", mixed, status=None),
        minus("BP-1", "lamotrigine with quetiapine and epilepsy", mixed, office("G40909", a)),
        minus("BP-1", "lamotrigine alone", mixed[:2]),
        plus("MDD-1", "PHQ-9 15", phq("15"), **depression),
        minus("MDD-1", "PHQ-9 14", phq("14")),
        minus("MDD-1", "20 before the last three", phq("20", "10", "9", "8")),
        plus("MDD-1", "15 among the last three", phq("4", "15", "9", "8"), **depression),
        minus("MDD-1", "depression is coded", phq("20"), office("F332", a)),
    ]


def _nerves(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    levodopa = fill("CARBIDOPA-LEVODOPA 25-100 MG TABLET", a, b)
    seizure = (*fill("LEVETIRACETAM 500 MG TABLET", a, b), *fill("LACOSAMIDE 100 MG TABLET", a, b), service("95816", a))
    return [
        plus("PARK-1", "levodopa twice", levodopa),
        minus("PARK-1", "levodopa once", levodopa[:1]),
        minus("PARK-1", "restless legs", levodopa, office("G2581", a)),
        minus("PARK-1", "ropinirole with restless legs", fill("ROPINIROLE 1 MG TABLET", a, b), office("G2581", a)),
        plus("EPI-1", "two antiseizure drugs and an EEG", seizure, status=None),
        minus("EPI-1", "gabapentin and an EEG", fill("GABAPENTIN 300 MG CAPSULE", a, b), service("95816", a)),
        minus("EPI-1", "topiramate alone and an EEG", fill("TOPIRAMATE 50 MG TABLET", a, b), service("95816", a)),
        plus("MS-1", "glatiramer twice", fill("GLATIRAMER 40 MG/ML SYRINGE", a, b)),
        plus("MS-1", "ocrelizumab twice", service("J2350", a), service("J2350", b)),
        minus(
            "MS-1",
            "multiple sclerosis is coded",
            fill("GLATIRAMER 40 MG/ML SYRINGE", a, b),
            office(_MS[a >= date(2025, 10, 1)], a),
        ),
        minus("MS-1", "cladribine injection: leukaemia", fill("CLADRIBINE 10 MG/10 ML VIAL", a, b)),
    ]


def _liver_and_blood(c: Calendar) -> list[Plant]:
    d = c.day
    a = d(1, 10)
    b, early = a + timedelta(days=90), a + timedelta(days=89)
    platelets = lambda on, value: lab(PLATELETS, on, value, "10*3/uL")  # noqa: E731
    rifaximin = fill("RIFAXIMIN 550 MG TABLET", a, b)
    off = {"off_by_default": True}
    return [
        plus(
            "HEP-1",
            "albumin 3.4, platelets 149, rifaximin",
            lab(ALBUMIN, a, "3.4", "g/dL"),
            platelets(a, "149"),
            rifaximin,
            status=None,
            **off,
        ),
        minus(
            "HEP-1",
            "albumin 3.5, platelets 150, rifaximin",
            lab(ALBUMIN, a, "3.5", "g/dL"),
            platelets(a, "150"),
            rifaximin,
            **off,
        ),
        minus(
            "HEP-1", "albumin 3.4 and platelets 149 alone", lab(ALBUMIN, a, "3.4", "g/dL"), platelets(a, "149"), **off
        ),
        plus("PLT-1", "99 twice, 90 days apart", platelets(a, "99"), platelets(b, "99"), status=None, **off),
        minus("PLT-1", "100 twice", platelets(a, "100"), platelets(b, "100"), **off),
        minus("PLT-1", "99 twice, 89 days apart", platelets(a, "99"), platelets(early, "99"), **off),
    ]


def _status(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    bags = lambda *days: tuple(supply("A4362", on) for on in days)  # noqa: E731
    tacrolimus = fill("TACROLIMUS 1 MG CAPSULE", a, b)
    return [
        plus("AMP-1", "an amputation below the knee two years before", service("27880", d(3, 3, -2))),
        minus("AMP-1", "a toe", service("28820", d(3, 3, -2))),
        plus("AMP-1", "status of an earlier year", office("Z89511", d(3, 3, -1))),
        minus("AMP-1", "status of a toe", office("Z89411", d(3, 3, -1))),
        minus("AMP-1", "status is coded", office("Z89511", d(3, 3, -1)), office("Z89511", a)),
        plus("OST-1", "supplies twice, on the first and last day of the year", bags(d(1, 1), d(12, 31))),
        minus("OST-1", "supplies once", bags(a)),
        minus("OST-1", "supplies once in the year and once after", bags(d(12, 31), d(1, 1, 1))),
        minus("OST-1", "status is coded", bags(a, b), office("Z933", a)),
        plus("DIAL-1", "dialysis", service("90935", a), service("90935", b), status=None),
        minus(
            "DIAL-1", "end-stage renal disease is coded", service("90935", a), service("90935", b), office("N186", a)
        ),
        plus("TX-1", "tacrolimus capsules twice", tacrolimus, status=None),
        minus("TX-1", "tacrolimus once", tacrolimus[:1]),
        minus("TX-1", "tacrolimus ointment", fill("TACROLIMUS 0.1% OINTMENT", a, b)),
        minus("TX-1", "cyclosporine eye drops", fill("RESTASIS 0.05% EYE DROPS", a, b)),
        minus("TX-1", "a liver transplant is coded", tacrolimus, office("Z944", a)),
        minus("PVD-1", "an ankle-brachial index alone is never a suspicion", service("93922", a), off_by_default=True),
    ]


def _substances(c: Calendar) -> list[Plant]:
    d = c.day
    a, b = d(2, 3), d(6, 9)
    film = fill("BUPRENORPHINE-NALOXONE 8-2 MG SL FILM", a, b)
    return [
        plus("SUD-1", "buprenorphine with naloxone twice", film),
        minus("SUD-1", "buprenorphine patch for pain", fill("BUTRANS 10 MCG/HR PATCH", a, b)),
        minus("SUD-1", "buprenorphine buccal film for pain", fill("BELBUCA 150 MCG BUCCAL FILM", a, b)),
        plus("SUD-1", "methadone treatment programme", service("G2067", a), service("G2067", b)),
        plus("SUD-1", "acamprosate twice", fill("ACAMPROSATE 333 MG TABLET", a, b), status=None),
        minus("SUD-1", "opioid dependence is coded", film, office("F1120", a)),
    ]


def _recapture(c: Calendar) -> list[Plant]:
    d = c.day
    last, now = d(5, 5, -1), d(5, 5)
    return [
        plus("RECAPTURE", "heart failure last year, none now (G17)", office("I509", last)),
        plus("RECAPTURE", "heart failure two years before", office("I509", d(5, 5, -2))),
        plus("RECAPTURE", "the same now", office("I509", last), office("I509", now), status="closed"),
        plus("RECAPTURE", "38 last year, 37 now (G14)", office("E119", last), office("E1122", now), status="closed"),
        plus(
            "RECAPTURE",
            "37 last year, 38 now: equal coefficient (G15)",
            office("E1122", last),
            office("E119", now),
            status="closed",
        ),
        plus("RECAPTURE", "326 last year, 329 now (G16)", office("N185", last), office("N1831", now), status="closed"),
        plus("RECAPTURE", "63 last year, 62 now (G20)", office("K7210", last), office("Z944", now), status="closed"),
        minus("RECAPTURE", "acute stroke last year (G18)", stay("I639", last)),
        plus("RECAPTURE", "who has died", office("I509", last), status="suppressed", member={"death_date": d(4, 4)}),
        plus("RECAPTURE", "a new enrollee", office("I509", last), status="suppressed", member={"part_b_months": 5}),
        # I70.0 is paid by the older model alone, which has no weight from 2026 on.
        *(
            [minus("RECAPTURE", "atherosclerosis last year (G19)", office("I700", last))]
            if c.payment_year >= 2026
            else []
        ),
    ]


def _documented(c: Calendar) -> list[Plant]:
    d = c.day
    a = d(5, 5)
    return [
        plus("DOC-PROBLEM", "diabetes in the problem list only", Problem(a, "E119"), status=None),
        minus("DOC-PROBLEM", "diabetes in the problem list and on a claim", Problem(a, "E119"), office("E119", a)),
        minus("DOC-PROBLEM", "hypertension, which no model pays", Problem(a, "I10")),
        plus("DOC-CHART", "a reviewer found heart failure", Finding(a, "I509", "found_not_coded"), status=None),
        minus(
            "DOC-CHART", "found, and coded elsewhere", Finding(a, "I509", "found_not_coded"), office("I509", d(6, 6))
        ),
    ]
