"""Members and HCCs to segments, factors and scores (DESIGN, room 4)."""

from hcc.scores.factors import Factors, ProfileScores, factors, profile_scores, raw_scores, single_profile_scores
from hcc.scores.payment import blended, mean_of_months, payment_scores
from hcc.scores.profiles import TRANSPLANT_MONTHS, Profiles, age_on_february_first, profiles
from hcc.scores.single import holds_for, single_profile

__all__ = [
    "TRANSPLANT_MONTHS",
    "Factors",
    "ProfileScores",
    "Profiles",
    "age_on_february_first",
    "blended",
    "factors",
    "holds_for",
    "mean_of_months",
    "payment_scores",
    "profile_scores",
    "profiles",
    "raw_scores",
    "single_profile",
    "single_profile_scores",
]
