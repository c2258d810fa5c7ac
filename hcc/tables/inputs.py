"""The canonical input tables (DESIGN 3.1): what may come in, with which default."""

from __future__ import annotations

from hcc.tables.declare import Column, Table

MAX_DIAGNOSES = 25

_STATUS = (
    Column("dual_status", "few", "Medicaid dual status 00–09 or NA; '2', '2.0' and 2 mean 02.", default="NA"),
    Column("medicaid", "bool", "Any Medicaid; fills ltimcaid and nemcaid where these are absent. Default: dual_status in 01–06, 08."),
    Column("ltimcaid", "bool", "Medicaid flag of the institutional cells. Default: medicaid."),
    Column("nemcaid", "bool", "Medicaid flag of the new-enrollee cells. Default: medicaid."),
    Column("part_b_months", "int", "Months of Part B in the data-collection year; fewer than 12 = new enrollee.", default=12),
    Column("long_term_institutional", "bool", "In an institution for 90 days or longer.", default=False),
    Column("csnp", "bool", "Enrolled in a chronic-condition special needs plan.", default=False),
    Column("low_income_subsidy", "bool", "Low-income subsidy (Part D).", default=False),
    Column("part_d_plan", "few", "MA-PD or PDP; empty or none = no Part D score."),
    Column("esrd_status", "few", "none, dialysis, transplant_1, transplant_2, transplant_3 or graft.", default="none"),
    Column("graft_months", "int", "Month since the transplant; the month of transplant is month 1."),
    Column("program", "few", "MA, PACE or none (Part D only).", default="MA"),
    Column("contract_id", "text", "CMS contract, such as H1234."),
    Column("pbp_id", "text", "Plan benefit package."),
    Column("parent_organization", "text", "Parent organization of the plan that submits (switcher rule)."),
    Column("pcp_npi", "text", "National Provider Identifier of the primary care physician."),
)

_CODES = (
    Column("member_id", "text", "The plan's identifier of the member.", required=True),
)

MEMBERS = Table(
    "members",
    "One row per member.",
    ("member_id",),
    (
        *_CODES,
        Column("birth_date", "date", "Date of birth.", required=True),
        Column("sex", "few", "F or M; 2 and 1 are read too.", required=True),
        Column("orec", "few", "Original reason for entitlement: 0 age, 1 disability, 2 ESRD, 3 both.", default="0"),
        *_STATUS,
        Column("death_date", "date", "Date of death."),
        Column("monthly_benchmark", "money", "Part C dollars per month at risk score 1.0; without it gaps are valued in score only."),
    ),
)

ENROLLMENT = Table(
    "enrollment",
    "One row per member and month.",
    ("member_id", "month"),
    (
        *_CODES,
        Column("month", "date", "First day of the month.", required=True),
        Column("hospice", "bool", "In hospice this month: scored, not payable.", default=False),
        *_STATUS,
    ),
)

CLAIMS = Table(
    "claims",
    "One row per claim line; header diagnoses are repeated on each line.",
    ("claim_id", "line_number"),
    (
        Column("claim_id", "text", "The payer's control number (ICN).", required=True),
        Column("line_number", "int", "Line within the claim.", default=1),
        *_CODES,
        Column("claim_type", "few", "professional, inpatient, outpatient, dme or other. Default: from bill_type."),
        Column("bill_type", "few", "Type of bill, 3–4 characters, a leading zero allowed."),
        Column("from_date", "date", "First date of service. Default: thru_date."),
        Column("thru_date", "date", "Last date of service; the discharge date of an inpatient stay.", required=True),
        Column("hcpcs", "few", "CPT or HCPCS code of the line."),
        *(Column(f"modifier_{i}", "few", f"Modifier {i} of the line.") for i in range(1, 5)),
        Column("place_of_service", "few", "CMS place-of-service code."),
        Column("rendering_npi", "text", "National Provider Identifier of who rendered the service."),
        Column("specialty", "few", "CMS specialty code of the rendering provider."),
        Column("frequency_code", "few", "1 original, 7 replacement, 8 void. Default: last character of bill_type, else 1."),
        Column("original_claim_id", "text", "The claim that this one replaces or voids."),
        Column("linked_claim_id", "text", "Chart review: the encounter it belongs to; empty = unlinked."),
        Column("record_type", "few", "encounter, chart_review or chart_review_delete.", default="encounter"),
        Column("submitting_organization", "text", "Organization that submits the record (switcher rule)."),
        Column("parent_organization_at_service", "text", "The member's parent organization on the date of service (switcher rule)."),
        Column("submission_date", "date", "When the record reached CMS; empty = in time."),
        Column("accepted", "bool", "Accepted by CMS (MAO-002).", default=True),
        Column("risk_adjustment_flag", "few", "CMS's own verdict (MAO-004): allowed or disallowed (also A/D, Y/N, 1/0); outranks our filter."),
        Column("source", "few", "encounter, raps or ffs.", default="encounter"),
        Column("claim_status", "few", "paid, denied or denied_administrative (only the last does not count).", default="paid"),
        *(Column(f"diagnosis_{i}", "text", f"Header diagnosis {i}, ICD-10-CM.") for i in range(1, MAX_DIAGNOSES + 1)),
        Column("diagnosis_codes", "list", "Header diagnoses as one list, instead of diagnosis_1 … 25."),
    ),
)

CLAIM_DIAGNOSES = Table(
    "claim_diagnoses",
    "One row per claim and header diagnosis, instead of diagnosis columns on the claims.",
    ("claim_id", "diagnosis_code"),
    (
        Column("claim_id", "text", "The claim.", required=True),
        Column("diagnosis_code", "text", "ICD-10-CM code.", required=True),
        Column("member_id", "text", "The member; optional, saves a join when claims are not unique by claim_id."),
    ),
)

PHARMACY = Table(
    "pharmacy",
    "One row per fill.",
    ("member_id", "fill_date", "ndc"),
    (
        *_CODES,
        Column("fill_date", "date", "Date the drug was dispensed.", required=True),
        Column("ndc", "text", "National Drug Code, 11 digits or hyphenated."),
        Column("rxnorm", "text", "RxNorm code (RXCUI)."),
        Column("drug_name", "text", "Name of the drug."),
        Column("days_supply", "int", "Days supplied."),
    ),
)

OBSERVATIONS = Table(
    "observations",
    "One row per result or measurement.",
    ("member_id", "observation_date", "loinc"),
    (
        *_CODES,
        Column("observation_date", "date", "Date of the result.", required=True),
        Column("loinc", "few", "LOINC code.", required=True),
        Column("value", "text", "The result as sent; '>60' and the like are understood.", required=True),
        Column("unit", "few", "Unit as sent."),
        Column("status", "few", "Status of the result; cancelled and entered-in-error are not used."),
    ),
)

PROBLEMS = Table(
    "problems",
    "One row per entry of a problem list.",
    ("member_id", "recorded_date", "code"),
    (
        *_CODES,
        Column("recorded_date", "date", "When the entry was recorded.", required=True),
        Column("code", "text", "Code of the entry.", required=True),
        Column("code_system", "few", "ICD-10-CM (others are counted, not read).", default="ICD-10-CM"),
        Column("status", "few", "active, inactive, remission, resolved or entered-in-error; blank: it stands."),
        Column("resolved_date", "date", "When it was resolved; blank: it was not, unless the status says so."),
    ),
)

CHART_FINDINGS = Table(
    "chart_findings",
    "One row per diagnosis that a reviewer looked for in a record.",
    ("member_id", "service_date", "diagnosis_code"),
    (
        *_CODES,
        Column("service_date", "date", "Date of service of the reviewed record.", required=True),
        Column("diagnosis_code", "text", "ICD-10-CM code looked for or found.", required=True),
        Column("claim_id", "text", "The claim whose record was reviewed."),
        Column("verdict", "few", "supported, not_supported or found_not_coded.", required=True),
        Column("monitored", "bool", "MEAT: monitored."),
        Column("evaluated", "bool", "MEAT: evaluated."),
        Column("assessed", "bool", "MEAT: assessed."),
        Column("treated", "bool", "MEAT: treated."),
        Column("reviewer", "text", "Who reviewed."),
        Column("note", "text", "The reviewer's note."),
    ),
)

INPUT_TABLES: dict[str, Table] = {
    table.name: table
    for table in (MEMBERS, ENROLLMENT, CLAIMS, CLAIM_DIAGNOSES, PHARMACY, OBSERVATIONS, PROBLEMS, CHART_FINDINGS)
}
