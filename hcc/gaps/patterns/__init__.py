"""Shapes of evidence with a plan of their own, by the name the grammar gives them (hcc/rules/gap_patterns.py)."""

from hcc.gaps.patterns.common import PatternFunction
from hcc.gaps.patterns.conflicts import conflicts, miskeyed
from hcc.gaps.patterns.counts import claim_count, only_on
from hcc.gaps.patterns.documents import documented, not_found, problem_list_only
from hcc.gaps.patterns.episodes import after_end, consecutive_years, late_episode, reappeared
from hcc.gaps.patterns.outliers import provider_outlier
from hcc.gaps.patterns.recapture import recapture

PATTERNS: dict[str, PatternFunction] = {
    "after_end": after_end,
    "claim_count": claim_count,
    "conflicts": conflicts,
    "consecutive_years": consecutive_years,
    "documented": documented,
    "late_episode": late_episode,
    "miskeyed": miskeyed,
    "not_found": not_found,
    "only_on": only_on,
    "problem_list_only": problem_list_only,
    "provider_outlier": provider_outlier,
    "reappeared": reappeared,
    "recapture": recapture,
}

__all__ = ["PATTERNS"]
