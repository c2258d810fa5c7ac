"""Gaps, both ways: coded but unsupported, supported but missing (SPEC 5 and 6).

``find_gap_candidates`` looks at evidence; ``scenarios`` says which HCCs to score without or with; the pipeline scores;
``value_gaps`` only subtracts.
"""

from hcc.gaps.candidates import Candidates, Shared, find_gap_candidates, unjudged_rules
from hcc.gaps.context import Evidence, GapContext
from hcc.gaps.values import Scenarios, Worths, scenarios, value_gaps

__all__ = [
    "Candidates",
    "Evidence",
    "GapContext",
    "Scenarios",
    "Shared",
    "Worths",
    "find_gap_candidates",
    "scenarios",
    "unjudged_rules",
    "value_gaps",
]
