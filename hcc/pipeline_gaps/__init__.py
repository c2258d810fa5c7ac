"""``find_gaps``: the two-way gap list of a scored population (DESIGN 3.4, 3.5)."""

from hcc.pipeline_gaps.api import Gaps, find_gaps, run

__all__ = ["Gaps", "find_gaps", "run"]
