"""The stages in order; what the command line, Spark and the review page call (DESIGN 3.5)."""

from hcc.pipeline.api import Run, score
from hcc.pipeline.kept import keep, score_kept
from hcc.pipeline.one import OneModelScore, OneScore, score_one

__all__ = ["OneModelScore", "OneScore", "Run", "keep", "score", "score_kept", "score_one"]
