"""Gaps as ranked work for people, and their decisions back (DESIGN, room 6). Reads results through a connection."""

from hcc.worklist.decisions import Decision, decisions, latest_decisions, merged_reviews
from hcc.worklist.files import check_out, csv_text, write_worklist
from hcc.worklist.importing import Decided, fault_lines, latest_by_reviewer, not_imported, usable_decisions
from hcc.worklist.priority import Weights, in_words, load_weights, priority_sql
from hcc.worklist.questions import make_questions, put_decisions
from hcc.worklist.reading import DecisionsFile, read_decisions
from hcc.worklist.rows import worklist_rows
from hcc.worklist.summary import gaps_were_sought, worklist_summary
from hcc.worklist.words import put_words

__all__ = [
    "Decided", "Decision", "DecisionsFile", "Weights", "check_out", "csv_text", "decisions", "fault_lines",
    "gaps_were_sought", "in_words", "latest_by_reviewer", "latest_decisions", "load_weights", "make_questions",
    "merged_reviews", "not_imported", "priority_sql", "put_decisions", "put_words", "read_decisions", "usable_decisions", "worklist_rows",
    "worklist_summary", "write_worklist",
]  # fmt: skip
