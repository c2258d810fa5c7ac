"""Evidence: fills, results, procedures and diagnoses as tables that rules can count (SPEC 5.4, 6; RULINGS 23–30).

LazyFrame in, LazyFrame out; nothing is collected here. Each function keeps only rows whose code is in a value set
that is asked for (``classes`` or ``concepts``; None = all) and whose date lies in [since, until], both ends included.

``members`` (member_id, member_index) swaps ``member_id`` for ``member_index`` (UInt32) and drops unknown members;
without it the frames carry ``member_id``. Words of few values are Enums of the value sets' own words.

How a rule tests a number: every result is an interval. ``low`` is the least and ``high`` the greatest that the value
can be; '=' has both equal, '<15' has high 14.9 and no low, '>60' has low 60.1 and no high, '55-60' has both.
"below t" is ``high < t`` and "at least t" is ``low >= t``; a missing bound (null) satisfies nothing.
"""

from hcc.gaps.evidence.claims import diagnosis_concepts, procedures
from hcc.gaps.evidence.describe import described
from hcc.gaps.evidence.fills import fills, fills_of_members, unidentified_fills
from hcc.gaps.evidence.results import preferred_results, results, unused_results

__all__ = [
    "described",
    "diagnosis_concepts",
    "fills",
    "fills_of_members",
    "preferred_results",
    "procedures",
    "results",
    "unidentified_fills",
    "unused_results",
]
