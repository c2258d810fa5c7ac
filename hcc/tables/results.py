"""The result tables (DESIGN 3.2): what the DuckDB file holds. DDL, comments and SCHEMA.md come from here."""

from __future__ import annotations

from hcc.tables.declare import Column, Table
from hcc.tables.inputs import MEMBERS

SCHEMA_VERSION = 1

_RUN = Column("run_id", "few", "The run that wrote the row; see runs.")
_MEMBER = Column("member_id", "text", "The plan's identifier of the member.")
_YEAR = Column("payment_year", "int", "The year CMS pays for; diagnoses are of the year before.")
_MODEL = Column("model", "few", "CMS model, such as cms-hcc-v28.")
_CALIBRATION = Column("calibration", "few", "Coefficient set where a year has several (x, t, y1 …); else empty.")
_HCC = Column("hcc", "few", "Condition category, digits only.")
_CODE = Column("diagnosis_code", "few", "ICD-10-CM code, no dot, upper case.")

RUNS = Table(
    "runs",
    "One row per run of the engine.",
    ("run_id",),
    (
        _RUN,
        Column("started_at", "timestamp", "When the run began (UTC)."),
        Column("seconds", "number", "Wall-clock seconds."),
        Column("schema_version", "int", "Version of these result tables."),
        Column("engine_version", "text", "Version of the engine."),
        _YEAR,
        Column("run", "text", "initial, midyear or final: which collection window and tables."),
        Column("models", "text", "Models scored, with calibration, separated by commas."),
        Column("as_of", "date", "Nothing after this day was used for gaps; empty before gaps are computed."),
        Column("options", "text", "Options of the run, JSON."),
        Column("inputs", "text", "Input tables: paths, rows, fingerprints, JSON."),
        Column(
            "rules", "text",
            "Rule sets used (model, year, edition) and the tables all share (eligibility, icd10cm), with SHA-256, JSON.",
        ),
        Column("counts", "text", "Counts of the run: members, rejected, defaulted, unmapped …, JSON."),
        Column("timings", "text", "Seconds by stage, JSON."),
        Column("notes", "text", "What the reader must know: unverified factors, nearest lists, warnings, JSON list."),
    ),
)

MEMBERS_SCORED = Table(
    "members",
    "One row per member as scored, with every assumed value flagged.",
    ("member_id",),
    (
        _RUN,
        *MEMBERS.columns,
        Column("age", "int", "Age on 1 February of the payment year."),
        *(
            Column(f"{c.name}_was_defaulted", "bool", f"True where {c.name} was absent or unusable and assumed.")
            for c in MEMBERS.columns
            if c.name in (
                "orec", "dual_status", "ltimcaid", "nemcaid", "part_b_months", "long_term_institutional", "csnp",
                "low_income_subsidy", "esrd_status", "program",
            )
        ),
        Column("status_carried_forward", "bool", "True where status comes from an enrollment span before the payment year (Tuva layout)."),
        Column("data_quality", "text", "Codes of doubtful values, separated by commas: UNKNOWN_DUAL_STATUS, AGE64_OREC0_CONTINUING …; empty = none."),
    ),
)

REJECTED_ROWS = Table(
    "rejected_rows",
    "One row per input row set aside.",
    ("table", "row_number", "column"),
    (
        _RUN,
        Column("table", "few", "Input table."),
        Column("row_number", "int", "Row within that input, counted from 1 (header not counted)."),
        Column("column", "few", "Column at fault."),
        Column("value", "text", "The value as found."),
        Column("reason", "few", "Why: MISSING_SEX, BAD_BIRTH_DATE, DUPLICATE_MEMBER, UNKNOWN_MEMBER …"),
        Column("source", "text", "File the row came from."),
    ),
)

DIAGNOSES = Table(
    "diagnoses",
    "One row per member, claim and diagnosis code that maps in any model of the run.",
    ("member_id", "claim_id", "diagnosis_code"),
    (
        _RUN,
        _MEMBER,
        Column("claim_id", "text", "The claim."),
        _CODE,
        Column("thru_date", "date", "Last date of service (discharge date of an inpatient stay)."),
        Column("claim_type", "few", "professional, inpatient, outpatient, dme or other."),
        Column("record_type", "few", "encounter, chart_review or chart_review_delete."),
        Column("counted", "bool", "True where the diagnosis counts for the score."),
        Column("reason", "few", "COUNTED, or why not: OUT_OF_WINDOW, RECORD_INELIGIBLE(H), AUDIO_ONLY …; see the table reasons."),
        Column("flags", "few", "Doubts that did not decide, separated by commas: AUDIO_ONLY, DENIED_LINE, LIST_OF_<year> …"),
        Column("rendering_npi", "text", "Who rendered the service, from the first qualifying line."),
        Column("place_of_service", "few", "Place of service of that line."),
    ),
)

REASONS = Table(
    "reasons",
    "One row per reason code or flag used in diagnoses, unmapped_codes and rejected_rows.",
    ("reason",),
    (
        Column("reason", "text", "The code."),
        Column("meaning", "text", "One sentence."),
        Column("source", "text", "Rule it comes from."),
    ),
)

EDITED_DIAGNOSES = Table(
    "edited_diagnoses",
    "One row per member, model and counted diagnosis that an age or sex edit changed.",
    ("member_id", "model", "calibration", "diagnosis_code"),
    (
        _RUN, _MEMBER, _YEAR, _MODEL, _CALIBRATION, _CODE,
        Column("kind", "few", "AGE_EDIT, SEX_EDIT or MCE_EDIT."),
        Column("hcc", "few", "The HCC given instead; empty where the diagnosis was dropped."),
    ),
)

DIAGNOSIS_HCCS = Table(
    "diagnosis_hccs",
    "One row per model, diagnosis code and HCC it maps to before edits.",
    ("model", "calibration", "diagnosis_code", "hcc"),
    (
        _YEAR, _MODEL, _CALIBRATION, _CODE, _HCC,
        Column("description", "text", "ICD-10-CM description of the code; the code itself where none is known."),
    ),
)

HCCS = Table(
    "hccs",
    "One row per model and payment HCC.",
    ("model", "calibration", "hcc"),
    (
        _YEAR, _MODEL, _CALIBRATION, _HCC,
        Column("label", "text", "CMS's label."),
        Column("is_chronic", "bool", "Whether the condition is treated as chronic; empty = unknown."),
    ),
)

UNMAPPED_CODES = Table(
    "unmapped_codes",
    "One row per diagnosis code that maps in no model of the run.",
    ("diagnosis_code", "reason"),
    (
        _RUN,
        Column("diagnosis_code", "text", "The code as read."),
        Column("reason", "few", "INVALID_FORMAT, NOT_VALID_ON_DOS, UNKNOWN_CODE or NOT_IN_MODEL."),
        Column("rows", "int", "Claim diagnoses with it."),
        Column("members", "int", "Members with it."),
        Column("description", "text", "ICD-10-CM description where known."),
        Column("suspicion", "few", "SUSPECT_O_ZERO or SUSPECT_TYPO where the code looks like a slip of another; empty otherwise."),
    ),
)

MEMBER_HCCS = Table(
    "member_hccs",
    "One row per member, model and HCC.",
    ("member_id", "model", "calibration", "hcc"),
    (
        _RUN, _MEMBER, _YEAR, _MODEL, _CALIBRATION, _HCC,
        Column("dropped_by_hcc", "few", "The HCC that displaced it; its own number where a removal rule took it; empty when it counts."),
        Column("coefficient", "decimal", "What the HCC itself adds to the raw score; empty when dropped. Of the latest status where it changes by month."),
        Column("first_date", "date", "First date of service behind it."),
        Column("last_date", "date", "Last date of service behind it."),
        Column("claims", "int", "Distinct claims behind it."),
    ),
)

FACTORS = Table(
    "factors",
    "One row per member, model, status and variable; the coefficients sum to the raw score exactly.",
    ("member_id", "model", "calibration", "segment", "first_month", "variable"),
    (
        _RUN, _MEMBER, _YEAR, _MODEL, _CALIBRATION,
        Column("segment", "few", "Segment scored, such as CNA."),
        Column("months", "int", "Months of the year with this status; 12 without enrollment."),
        Column("first_month", "date", "First month with this status; empty without enrollment."),
        Column("variable", "few", "CMS's name of the variable."),
        Column("coefficient", "decimal", "What it adds to the raw score."),
    ),
)

SCORES = Table(
    "scores",
    "One row per member and model, and month where enrollment was given.",
    ("member_id", "model", "calibration", "month"),
    (
        _RUN, _MEMBER, _YEAR,
        Column("part", "few", "C or D."),
        Column("program", "few", "Payment programme of the row, such as MA, PACE-ESRD-graft, PartD-PDP."),
        _MODEL, _CALIBRATION,
        Column("month", "date", "Month; empty without enrollment (all months alike)."),
        Column("segment", "few", "Segment, such as CNA."),
        Column("raw_score", "decimal", "Sum of the factors."),
        Column("normalized_score", "decimal", "Raw score over the normalization factor, rounded."),
        Column("payment_score", "decimal", "Normalized score after the coding adjustment, rounded."),
        Column("blend_weight", "factor", "Weight of this model in the blend; empty outside a blend."),
        Column("payable", "bool", "False in hospice and after death."),
        Column("unverified", "bool", "True where a payment factor rests on memory or inference."),
        Column("no_score_reason", "few", "Why there is no raw score; empty where there is one."),
        Column("no_payment_reason", "few", "Why there is no payment score; empty where there is one."),
        Column("hierarchy_modes_disagree", "bool", "True where CMS's Python and SAS hierarchies give different HCCs."),
    ),
)

PAYMENT_FACTORS = Table(
    "payment_factors",
    "One row per payment programme and model of the run: how its raw scores become payment scores.",
    ("part", "program", "model", "calibration"),
    (
        _YEAR,
        Column("part", "few", "C or D."),
        Column("program", "few", "Payment programme, as in scores."),
        _MODEL, _CALIBRATION,
        Column("normalization", "factor", "Raw score is divided by it; empty where nobody could verify one."),
        Column("coding_adjustment", "factor", "Normalized score is multiplied by 1 minus it."),
        Column("blend_weight", "factor", "Weight of the model in the blend; empty outside a blend."),
        Column("unverified", "bool", "True where a factor rests on memory or inference."),
        Column("source", "text", "Where the factors come from; begins with 'scenario:' and their names where they are the user's own."),
    ),
)

MEMBER_SCORES = Table(
    "member_scores",
    "One row per member and part.",
    ("member_id", "part"),
    (
        _RUN, _MEMBER, _YEAR,
        Column("part", "few", "C or D; C, without a score, for a member whom no programme pays."),
        Column("risk_score", "decimal", "The blended payment score; mean of the payable months."),
        Column("payable_months", "int", "Months that are paid; 12 without enrollment, 0 where no programme pays."),
        Column("frailty", "factor", "Frailty in the risk score: mean of the payable months; 0 where none was given."),
        Column("unverified", "bool", "True where a payment factor rests on memory or inference."),
        Column("no_score_reason", "few", "Why there is no risk score; empty where there is one."),
    ),
)

GAPS = Table(
    "gaps",
    "One row per member, model, HCC, direction and rule.",
    ("gap_id",),
    (
        _RUN,
        Column("gap_id", "text", "Stable across runs: hash of member, year, model, HCC, direction and rule."),
        _MEMBER, _YEAR, _MODEL, _CALIBRATION,
        Column("hcc", "few", "Condition category; empty for informational rows without one."),
        Column("label", "few", "CMS's label of the HCC."),
        Column("direction", "few", "unsupported (coded, evidence lacking) or missing (evidence, not coded)."),
        Column("candidate_diagnosis_codes", "text", "Codes in question, separated by commas."),
        Column("rule_id", "few", "Rule, such as OIG-1, CKD-1, RECAPTURE."),
        Column("rule_version", "few", "Version of the rule."),
        Column("strength", "few", "high, medium or low."),
        Column("status", "few", "open, closed, suppressed, indeterminate or informational."),
        Column("status_reason", "few", "Why that status: same, higher, lower, equivalent, new, new_enrollee …"),
        Column(
            "score_change", "decimal",
            "Change of the member's risk score through this row's model, if acted on (signed): scored again with the HCC, "
            "or without the diagnoses in question. Another HCC that these codes alone give comes or goes too.",
        ),
        Column("raw_change", "decimal", "Change of this model's raw score (signed)."),
        Column(
            "dollar_change", "money",
            "Part C: score_change × monthly benchmark × payable months; empty in Part D and without benchmark.",
        ),
        Column("reason", "text", "One plain sentence for the reader."),
        Column("last_evidence_date", "date", "Latest evidence for the row."),
        Column("pcp_npi", "text", "Primary care physician."),
        Column("flagged_on", "date", "As-of date of the first run that had this gap."),
        Column("identified_on", "date", "Day (UTC) of an unsupported decision; empty before one."),
        Column("return_by", "date", "identified_on + 60 days (42 CFR 422.326)."),
        Column("flagged_return_by", "date", "flagged_on + 60 days."),
        Column("decision", "few", "Latest decision in reviews; empty before one."),
    ),
)

MEMBER_GAPS = Table(
    "member_gaps",
    "One row per member, part and direction: the whole change with all open gaps applied, in every model of the member.",
    ("member_id", "part", "direction"),
    (
        _RUN, _MEMBER, _YEAR,
        Column("part", "few", "C or D."),
        Column("direction", "few", "unsupported or missing."),
        Column("open_gaps", "int", "Open gaps with an HCC in this part; 0 where those of the other part change its HCCs."),
        Column("risk_score", "decimal", "Risk score of what was known on the as-of date (runs.as_of)."),
        Column(
            "risk_score_applied", "decimal",
            "Risk score with all open gaps of the direction applied. unsupported: the diagnoses in question count in no "
            "model; of a gap about a whole HCC these are all that stand behind it. missing: HCCs are added in every "
            "model to which all codes of a gap lead, but none that is acute there.",
        ),
        Column(
            "score_change", "decimal",
            "The difference; not the sum of the gaps' own changes, not even of one gap in both models of a blend, which "
            "is rounded once.",
        ),
        Column(
            "dollar_change", "money",
            "Part C: score_change × monthly benchmark × payable months; empty in Part D and without benchmark.",
        ),
    ),
)

GAP_EVIDENCE = Table(
    "gap_evidence",
    "One row per gap and piece of evidence, for and against.",
    ("gap_id", "evidence_number"),
    (
        _RUN,
        Column("gap_id", "text", "The gap."),
        Column("evidence_number", "int", "Order within the gap, from 1."),
        Column("stance", "few", "for (supports the gap), against, or context."),
        Column("kind", "few", "claim, fill, result, procedure, problem, finding or absence."),
        Column("evidence_date", "date", "Date of the evidence."),
        Column("claim_id", "text", "Claim, where there is one."),
        Column("code", "text", "Code: ICD-10-CM, NDC, RxNorm, LOINC or HCPCS."),
        Column("description", "text", "In words."),
        Column("value", "text", "Value and unit, where there is one."),
    ),
)

GAP_FLAGS = Table(
    "gap_flags",
    "One row per gap that an earlier search flagged and that gaps does not list now; should it come back, its clock runs on.",
    ("gap_id",),
    (
        _MEMBER,
        Column("gap_id", "text", "The gap."),
        Column("flagged_on", "date", "As-of date of the first run that had this gap."),
    ),
)

REVIEWS = Table(
    "reviews",
    "One row per decision on a gap, appended, never updated.",
    ("review_id",),
    (
        Column("review_id", "text", "Identifier of the decision."),
        Column("gap_id", "text", "The gap."),
        Column("decision", "few", "supported, not_supported, query_provider, defer or not_reviewable."),
        Column("reason", "text", "Reason chosen."),
        Column("note", "text", "Free note."),
        Column("reviewer", "text", "Who decided."),
        Column("decided_at", "timestamp", "When (UTC)."),
        Column("seen", "text", "What was on the screen: run and evidence count, JSON."),
    ),
)

RESULT_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        RUNS, MEMBERS_SCORED, REJECTED_ROWS, DIAGNOSES, REASONS, EDITED_DIAGNOSES, DIAGNOSIS_HCCS, HCCS,
        UNMAPPED_CODES, MEMBER_HCCS, FACTORS, SCORES, PAYMENT_FACTORS, MEMBER_SCORES, GAPS, MEMBER_GAPS, GAP_EVIDENCE,
        GAP_FLAGS, REVIEWS,
    )
}
