"""The reason codes and flags that intake can give; their words are rows of ``mappings/reasons.csv``."""

from __future__ import annotations

from hcc.intake.claims import claim_fields
from hcc.intake.delimited import REASONS_OF_LINES
from hcc.intake.extras import EXTRAS, extra_fields
from hcc.intake.members import HOSPICE, member_fields
from hcc.intake.spans import DIFFER, LATER

_SOME_YEAR = 1  # the fields' names do not depend on the year
_ROWS = {
    "MISSING_MEMBER_ID", "MISSING_SEX", "BAD_BIRTH_DATE", "DUPLICATE_MEMBER", "DUPLICATE_MONTH", "BAD_MONTH",
    "BAD_GRAFT_MONTHS", "BAD_ENROLLMENT_SPAN", "FAR_PAST_DATE", "FAR_FUTURE_DATE",
}  # fmt: skip
_FLAGS = {
    "UNKNOWN_OREC", "GRAFT_MONTHS_IGNORED", "ESRD_FROM_GRAFT_MONTHS", "ESRD_ASSUMED_DIALYSIS", LATER,
    "BORN_AFTER_FEB1", "AGE_OVER_120", "DEATH_BEFORE_BIRTH",
    *DIFFER.values(),
}  # fmt: skip
_CODES = {"INVALID_FORMAT", "SUSPECT_O_ZERO", "SUSPECT_TYPO"}


def _all_reasons() -> frozenset[str]:
    strict = [*claim_fields(_SOME_YEAR), *(f for table in ("claim_diagnoses", *EXTRAS) for f in extra_fields(table))]
    missing = {f.missing for f in strict if f.required}
    bad = {f.bad for f in strict if f.strict and f.fallible}
    flagged = {f.bad for f in [*member_fields(), HOSPICE] if not f.required and f.fallible}
    return frozenset(missing | bad | flagged | set(REASONS_OF_LINES) | _ROWS | _FLAGS | _CODES)


REASONS = _all_reasons()
