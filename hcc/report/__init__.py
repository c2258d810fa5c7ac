"""One self-contained HTML page for the director, drawn from a results file alone (issue 6)."""

from hcc.report.page import report_html, write_report
from hcc.report.reference import Reference, read_reference

__all__ = ["Reference", "read_reference", "report_html", "write_report"]
