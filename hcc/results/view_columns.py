"""What each column of each view means: as in the table it comes from, or in a sentence of its own."""

from __future__ import annotations

from hcc.tables import RESULT_TABLES


def _of(table: str, names: str) -> dict[str, str]:
    """Columns of a table that a view hands on unchanged."""
    return {name: RESULT_TABLES[table].column(name).comment for name in names.split()}


_ROLLUP = {
    "members": "Members scored.",
    "members_with_score_c": "Members with a Part C risk score.",
    "mean_risk_score_c": "Mean Part C risk score of these.",
    "mean_risk_score_d": "Mean Part D risk score of those who have one.",
    "share_without_hcc": "Share of members without any HCC that counts.",
    "open_unsupported": "Open gaps of codes that lack support.",
    "open_missing": "Open gaps of conditions with evidence but no code.",
    "unsupported_score_change_c": "Change of the members' Part C risk scores if all of the former are deleted, summed.",
    "missing_score_change_c": "Change of the members' Part C risk scores if the latter are confirmed, summed.",
    "unsupported_dollar_change": "The former in dollars, Part C only; empty without benchmarks.",
    "missing_dollar_change": "The latter in dollars, Part C only; empty without benchmarks.",
}

_ALONE = (
    "single gaps do not add up (two HCCs of a family each show the whole change or each 0): member_gaps has the whole."
)

COLUMNS: dict[str, dict[str, str]] = {
    "current_scores": {
        **_of("member_scores", "member_id part payment_year risk_score payable_months frailty"),
        "models": "Models blended into the score, separated by commas.",
        "segments": "Segments in these models and months, separated by commas.",
        **_of("members", "age sex program contract_id pbp_id pcp_npi"),
        **_of("member_scores", "unverified no_score_reason"),
    },
    "open_gaps": {
        **_of("gaps", "gap_id direction member_id payment_year model calibration hcc label rule_id strength"),
        **_of("gaps", "score_change dollar_change reason candidate_diagnosis_codes last_evidence_date"),
        "evidence_for": "Pieces of evidence that support the gap.",
        "evidence_against": "Pieces of evidence that speak against it.",
        **_of("gaps", "pcp_npi"),
        **_of("members", "contract_id"),
        **_of("gaps", "flagged_on flagged_return_by identified_on return_by decision"),
    },
    "hcc_diagnoses": {
        **_of("diagnoses", "member_id"),
        **_of("diagnosis_hccs", "payment_year model calibration hcc diagnosis_code description"),
        "first_date": "First date of service of the code where it counted.",
        "last_date": "Last date of service of the code where it counted.",
        "claims": "Distinct claims with the code where it counted.",
    },
    "why": {
        **_of("factors", "member_id payment_year model calibration"),
        "segment": "Segment scored, such as CNA; empty for an HCC that another displaced.",
        "first_month": "First month with this status; empty without enrollment and for an HCC that another displaced.",
        "months": "Months with this status, 12 without enrollment; empty for an HCC that another displaced.",
        "variable": "CMS's name of the variable; empty for an HCC that another displaced.",
        "coefficient": "What it adds to the raw score; empty for an HCC that another displaced.",
        "hcc": "Condition category, digits only; empty for a variable that is no HCC.",
        "label": "CMS's label of the HCC; for other variables their name.",
        **_of("member_hccs", "dropped_by_hcc first_date last_date claims"),
        "codes": "Counted diagnosis codes behind the HCC, in words, separated by semicolons.",
    },
    "hcc_prevalence": {
        **_of("member_hccs", "payment_year model calibration hcc"),
        **_of("hccs", "label"),
        "members": "Members for whom the HCC counts.",
        "members_with_diagnosis": "The same and those in whom a hierarchy or removal took it.",
        "scored_members": "Members with a raw score in the model.",
        "share_of_members": "members over scored_members.",
        "mean_coefficient": "Mean of what the HCC adds where it counts.",
    },
    "segment_rollup": {
        **_of("scores", "payment_year part program model calibration segment"),
        "score_rows": "Rows of scores: members, or member-months where enrollment was given.",
        "members": "Distinct members in these rows.",
        "mean_raw_score": "Mean raw score of these rows.",
        "mean_normalized_score": "Mean normalized score of these rows.",
        "mean_payment_score": "Mean payment score of these rows.",
        "unverified_rows": "Rows in which a payment factor rests on memory or inference.",
    },
    "uncounted_diagnoses": {
        **_of("diagnoses", "member_id claim_id diagnosis_code"),
        **_of("diagnosis_hccs", "description"),
        **_of("diagnoses", "thru_date claim_type record_type"),
        "reason": "Why it did not count; see the table reasons.",
        "meaning": "The reason in words.",
        **_of("diagnoses", "flags"),
        "hccs": "HCCs that the code maps to before edits, by model.",
        **_of("diagnoses", "rendering_npi place_of_service"),
    },
    "recapture": {
        **_of("gaps", "payment_year model calibration hcc label"),
        "due": "Members with the HCC in earlier years, for whom it is open or closed; acute ones are nobody's due.",
        "captured": "Those who have it, or its equivalent or better in the family, this year.",
        "open": "Those who do not have it yet.",
        "recapture_rate": "captured over due.",
        "open_score_change": "Score changes through this model of each open one confirmed alone, summed; " + _ALONE,
        "open_dollar_change": "The same in dollars; empty in Part D and without benchmarks.",
        "captured_lower": "Those who have only a lower HCC of the family this year: due, neither captured nor open.",
    },
    "recapture_by_month": {
        **_of("gaps", "payment_year model calibration"),
        "month": "First day of the month of service of the first diagnosis behind the HCC; empty where its equivalent or "
        "better in the family came instead.",
        "captured": "HCCs known from earlier years that came back in it, one for each member.",
        "captured_so_far": "The same up to this month; in the last row all.",
        "due": "HCCs for which somebody was due in the whole year; acute ones are nobody's due.",
        "recapture_rate": "captured_so_far over due.",
    },
    "rule_rollup": {
        **_of("gaps", "payment_year rule_id direction strength"),
        "part": "C or D, by the model of the gap: scores of the two are not of one scale. Empty where it has no model.",
        **{
            status: f"Gaps of status {status}."
            for status in ("open", "closed", "suppressed", "indeterminate", "informational")
        },
        "members_open": "Members with an open gap of the rule.",
        "open_score_change": "Score changes of each open gap alone, summed; " + _ALONE,
        "open_dollar_change": "The same in dollars; empty in Part D and without benchmarks.",
    },
    "hcc_rollup": {
        **_of("hccs", "payment_year model calibration hcc label"),
        "members": "Members for whom the HCC counts.",
        "open_unsupported": "Members in whom it is coded but lacks support.",
        "open_missing": "Members with evidence for it but no code.",
        "unsupported_score_change": "Score changes through this model of each of the former deleted alone, summed; of "
        "several rules about one HCC that which changes most. " + _ALONE[0].upper() + _ALONE[1:],
        "missing_score_change": "Score changes through this model of each of the latter confirmed alone, summed. "
        + _ALONE[0].upper() + _ALONE[1:],
        "unsupported_dollar_change": "The former in dollars; empty in Part D and without benchmarks.",
        "missing_dollar_change": "The latter in dollars; empty in Part D and without benchmarks.",
    },
    "provider_rollup": {**_of("members", "pcp_npi"), **_ROLLUP},
    "contract_rollup": {**_of("members", "contract_id"), **_ROLLUP},
    "data_quality": {
        "kind": "What was found.",
        "reason": "Code of the reason or doubt; see the table reasons.",
        "meaning": "The reason in words.",
        "rows": "Rows (for unmapped codes: claim diagnoses) with it.",
    },
}
"""View → column → comment, in the order of the view."""
