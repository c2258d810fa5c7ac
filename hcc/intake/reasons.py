"""Every reason code and flag that intake gives, in one sentence, with the rule it comes from (table ``reasons``)."""

from __future__ import annotations

from collections.abc import Mapping

_ROW = "Input contract (DESIGN 3.1)"
REASONS: Mapping[str, tuple[str, str]] = {
    # rows set aside
    "RAGGED_ROW": ("The line has more or fewer fields than the header; it may have been cut off.", _ROW),
    "BAD_QUOTES": ("A quotation mark in the line is not closed, or text follows it.", _ROW),
    "BAD_ENCODING": ("The line holds bytes that are no text.", _ROW),
    "LINE_TOO_LONG": ("The line is longer than two million characters.", _ROW),
    "UNREADABLE_ROW": ("The line cannot be read as a row of the table.", _ROW),
    "MISSING_MEMBER_ID": ("The row names no member.", _ROW),
    "MISSING_CLAIM_ID": ("The row names no claim.", _ROW),
    "MISSING_THRU_DATE": ("The claim line has no last date of service.", _ROW),
    "BAD_THRU_DATE": ("The last date of service cannot be read.", _ROW),
    "FAR_PAST_DATE": ("The date of service is so old that it must be a mistake.", _ROW),
    "FAR_FUTURE_DATE": ("The date of service is more than a year after the payment year.", _ROW),
    "MISSING_SEX": ("Sex is blank or not one of F, M, 2, 1; the models have no cell for it.", "SPEC R-2.7"),
    "BAD_BIRTH_DATE": ("The birth date is blank, unreadable, after the payment year or impossibly old.", "SPEC P6"),
    "DUPLICATE_MEMBER": ("Several rows of one member contradict each other; all of them are set aside.", _ROW),
    "DUPLICATE_MONTH": ("Several rows of one member and month contradict each other; all are set aside.", "RULINGS 5"),
    "BAD_MONTH": ("The month is blank or cannot be read.", "RULINGS 5"),
    "BAD_GRAFT_MONTHS": ("graft_months contradicts esrd_status or cannot be read.", "RULINGS 4"),
    "BAD_ENROLLMENT_SPAN": ("The enrolment span has no readable first day, or ends before it begins.", "RULINGS 12"),
    # doubts that did not set the row aside (data_quality)
    "UNKNOWN_OREC": ("Original reason for entitlement is blank, 9 or unknown; 0 was assumed.", "SPEC P2"),
    "UNKNOWN_DUAL_STATUS": ("The dual status is no known code; the member counts as not dual.", "SPEC P4"),
    "UNKNOWN_ESRD_STATUS": ("The ESRD status is no known word; none was assumed.", "RULINGS 4"),
    "UNKNOWN_PROGRAM": ("The programme is no known word; MA was assumed.", _ROW),
    "UNKNOWN_PART_D_PLAN": ("The Part D plan is no known word; no Part D score.", _ROW),
    "BAD_PART_B_MONTHS": ("Part B months are not 0 to 12; 12 was assumed.", _ROW),
    "GRAFT_MONTHS_IGNORED": ("graft_months stands beside a status that is no graft; it was not used.", "RULINGS 4"),
    "ESRD_FROM_GRAFT_MONTHS": ("No ESRD status was given; it follows from graft_months.", "RULINGS 4"),
    "ESRD_ASSUMED_DIALYSIS": ("The source says ESRD without saying which kind; dialysis was assumed.", "RULINGS 12"),
    "STATUS_FROM_LATER_SPAN": ("Enrolled only after 1 January; the first later span gives the status.", "RULINGS 12"),
    "BORN_AFTER_FEB1": ("Born after 1 February of the payment year; scored at age 0.", "SPEC P5"),
    "AGE_OVER_120": ("Older than 120 years.", "SPEC R-2.7"),
    "DEATH_BEFORE_BIRTH": ("The date of death is before the birth date.", _ROW),
    "BAD_DEATH_DATE": ("The date of death cannot be read; it was left out.", _ROW),
    "BAD_MONTHLY_BENCHMARK": ("The benchmark cannot be read; gaps are valued in score only.", _ROW),
    # what a diagnosis code may have been meant as
    "INVALID_FORMAT": ("The code cannot be ICD-10-CM by its shape.", "SPEC R-4.5"),
    "SUSPECT_O_ZERO": ("The letter O and the digit 0 may have been mistaken for each other.", "SPEC R-4.5"),
    "SUSPECT_TYPO": ("The letter I or L stands where ICD-10-CM has none; 1 may be meant.", "SPEC I7"),
}
"""Code → (meaning, source). Columns give codes of their own (BAD_<COLUMN> …): see ``meaning``."""

_PREFIXES = {
    "MISSING_": "{} is blank, and the row is of no use without it.",
    "BAD_": "{} cannot be read.",
    "UNKNOWN_": "{} is none of the known words.",
}


def meaning(code: str) -> tuple[str, str] | None:
    """Meaning and source of any code of intake; None for codes of other rooms."""
    if code in REASONS:
        return REASONS[code]
    for prefix, sentence in _PREFIXES.items():
        if code.startswith(prefix):
            return sentence.format(code.removeprefix(prefix).lower()), _ROW
    return None
