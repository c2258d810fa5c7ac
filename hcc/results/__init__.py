"""Everything into one DuckDB file that explains itself, and out of it again (DESIGN, room 7)."""

from hcc.results.explain import Explanation, explain
from hcc.results.explain_text import explanation_text
from hcc.results.flags import Flags
from hcc.results.parquet import write_parquet
from hcc.results.place import check_target
from hcc.results.reader import open_results, read_table
from hcc.results.reviews import (
    DECISIONS,
    all_reviews,
    append_review,
    append_reviews,
    merged_reviews,
    read_reviews,
    reviews_path,
    reviews_since,
)
from hcc.results.writer import ResultsWriter

__all__ = [
    "DECISIONS", "Explanation", "Flags", "ResultsWriter", "all_reviews", "append_review", "append_reviews",
    "check_target", "explain", "explanation_text", "merged_reviews", "open_results", "read_reviews", "read_table",
    "reviews_path", "reviews_since", "write_parquet",
]  # fmt: skip
