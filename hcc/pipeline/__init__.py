"""The stages in order; what the command line, Spark and the review page call (DESIGN 3.5)."""

from hcc.pipeline.api import Run, score
from hcc.pipeline.one import OneModelScore, OneScore, score_one

__all__ = ["OneModelScore", "OneScore", "Run", "find_gaps", "score", "score_one"]


def __getattr__(name: str) -> object:
    if name == "find_gaps":  # gaps bring rules and value sets that scoring does not need
        from hcc.pipeline_gaps import find_gaps

        return find_gaps
    raise AttributeError(f"module 'hcc.pipeline' has no attribute {name!r}")
