"""The worklist as an Excel workbook: a summary, a sheet per direction, a guide; decisions are chosen from lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from hcc.errors import HccError
from hcc.worklist.decisions import EARLIEST_DAY, decisions
from hcc.worklist.rows import FIELDS, Field
from hcc.worklist.summary import Summary
from hcc.worklist.summary_sheet import summary_sheet
from hcc.worklist.words import DIRECTIONS, SIDE_SHEETS, looks_like_formula

SHEETS = {"unsupported": "Unsupported", "missing": "Missing"}
_MOST_ROWS = 1_048_575  # rows of an Excel sheet below the heading
_WRAPPED = {
    "label": 30, "candidate_diagnoses": 32, "reason": 38, "evidence_for": 50, "evidence_against": 40, "decision": 16,
    "decision_reason": 26, "note": 34, "rule": 32, "earlier_decision": 28,
}  # fmt: skip
_ENTRIES = ("decision", "decision_reason", "note", "reviewer", "decided_on")
_NUMBERS = {"priority": "0.0", "score_change": "+0.000;-0.000;0.000", "dollar_change": "+#,##0;-#,##0;0"}
_DATES = ("last_evidence_date", "last_visit", "due_on", "decided_on")
_HIDDEN = ("question", "run_id")
_LINE, _MOST_HEIGHT = 13.0, 220.0  # points
_FROZEN = 3  # rank, priority and member stay in sight


def write_workbook(to: BinaryIO, rows: pl.DataFrame, summary: Summary, priority: list[str], scratch: Path) -> None:
    """Write the workbook into ``to``; ``scratch`` is a private folder for xlsxwriter's own temporary files.

    Text is written as text: nothing in it is run as a formula or becomes a link. Raises HccError for more rows than a
    sheet holds, OSError where ``scratch`` is full.
    """
    options = {"constant_memory": True, "tmpdir": str(scratch), "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False}  # fmt: skip
    sheets = [(direction, rows.filter(pl.col("direction") == direction)) for direction in DIRECTIONS]
    if max(frame.height for _, frame in sheets) > _MOST_ROWS:
        raise HccError(
            f"A sheet holds {_MOST_ROWS:,} rows; a direction of this list has more.",
            hint="Give --limit N for the first N questions of each direction, or write .parquet or .csv.",
        )
    summary_name, guide_name, lists_name = SIDE_SHEETS
    with _closed(xlsxwriter.Workbook(to, options)) as book:
        formats = _Formats(book)
        summary_sheet(book.add_worksheet(summary_name), formats.new, summary, priority)
        for direction, frame in sheets:
            _list_sheet(book.add_worksheet(SHEETS[direction]), frame, formats, summary.today)
        _guide_sheet(book.add_worksheet(guide_name), formats)
        _lists_sheet(book, lists_name, formats)


@contextmanager
def _closed(book: xlsxwriter.Workbook) -> Iterator[xlsxwriter.Workbook]:
    """The workbook, closed at the end; xlsxwriter's own wrapping of an OSError is taken off."""
    yield book
    try:
        book.close()
    except FileCreateError as error:
        raise error.args[0] if error.args and isinstance(error.args[0], OSError) else OSError(str(error)) from None


class _Formats:
    """The formats of the workbook, each made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def new(self, **properties: Any) -> Format:
        """A format of these properties over the common ones."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            base = {"font_name": "Calibri", "font_size": 10, "valign": "top"}
            self._made[key] = self._book.add_format({**base, **properties})
        return self._made[key]

    def of(self, field: Field, **more: Any) -> Format:
        """The format of a column of the list."""
        properties: dict[str, Any] = {"bottom": 1, "bottom_color": "#D5DBE1", **more}
        if field.name == "member_id":
            properties["indent"] = 1  # the number before it is flush right
        if field.name in _WRAPPED:
            properties["text_wrap"] = True
        if field.name in _NUMBERS:
            properties["num_format"] = _NUMBERS[field.name]
        if field.name in _DATES:
            properties["num_format"] = "yyyy-mm-dd"
        if field.name in _ENTRIES:
            properties |= {"bg_color": "#FFF8DC", "border": 1, "border_color": "#C9C2A4"}
        return self.new(**properties)

    def heading(self, **more: Any) -> Format:
        return self.new(bold=True, bg_color="#1F3A5F", font_color="#FFFFFF", text_wrap=True, valign="vcenter", **more)


def _list_sheet(sheet: Worksheet, frame: pl.DataFrame, formats: _Formats, today: date) -> None:
    last_row, last_column = max(frame.height, 1), len(FIELDS) - 1
    writers: list[tuple[Callable[..., Any], Format]] = []
    risky: list[Format] = []
    sheet.set_row(0, 30)
    for column, field in enumerate(FIELDS):
        kind = formats.of(field)
        options = {"hidden": True} if field.name in _HIDDEN else {}
        sheet.set_column(column, column, _width(field, frame), kind, options)
        sheet.write_string(0, column, field.heading, formats.heading())
        writers.append((_writer(sheet, frame.schema[field.name]), kind))
        risky.append(formats.of(field, quote_prefix=True))
    heights = _heights(frame)
    for number, row in enumerate(frame.select(field.name for field in FIELDS).iter_rows(), start=1):
        sheet.set_row(number, heights[number - 1])
        for column, value in enumerate(row):
            if value is not None:
                write, kind = writers[column]
                if isinstance(value, str) and looks_like_formula(value):
                    kind = risky[column]
                write(number, column, value, kind)
    sheet.freeze_panes(1, _FROZEN)
    sheet.autofilter(0, 0, last_row, last_column)
    _validations(sheet, last_row)
    due, late = _column("due_on"), formats.new(bold=True, font_color="#9C0006")
    sheet.conditional_format(
        1, due, last_row, due,
        {"type": "date", "criteria": "less than", "value": today, "format": late},
    )  # fmt: skip
    # Rows that follow their question's first row: one decision answers them, too.
    gap, lead = (
        xlsxwriter.utility.xl_rowcol_to_cell(1, _column(name), col_abs=True) for name in ("gap_id", "question")
    )
    follows = {
        "type": "formula",
        "criteria": f"={gap}<>{lead}",
        "format": formats.new(font_color="#6B6B6B", italic=True),
    }
    sheet.conditional_format(1, 0, last_row, last_column, follows)
    sheet.set_landscape()
    sheet.print_area(0, 0, last_row, _column("decided_on"))
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&L&8Holds members' health data&R&8&P of &N")


def _heights(frame: pl.DataFrame) -> list[float]:
    """Points for each row: as many lines as its fullest cell needs (not every program sizes rows by itself)."""
    lines = [
        pl.col(name).fill_null("").str.split("\n").list.eval((pl.element().str.len_chars() / (width * 1.05)).ceil()
        .clip(lower_bound=1)).list.sum().alias(name)
        for name, width in _WRAPPED.items() if name not in _ENTRIES
    ]  # fmt: skip
    points = pl.max_horizontal(_WRAPPED.keys() - set(_ENTRIES)) * _LINE + 4
    return frame.select(lines).select(points.clip(20, _MOST_HEIGHT).alias("points"))["points"].to_list()


def _column(name: str) -> int:
    return next(column for column, field in enumerate(FIELDS) if field.name == name)


def _writer(sheet: Worksheet, kind: pl.DataType) -> Callable[..., Any]:
    write: Callable[..., Any] = sheet.write_string
    if kind == pl.Date:
        write = sheet.write_datetime
    elif kind.is_numeric():
        write = sheet.write_number
    return write


def _width(field: Field, frame: pl.DataFrame) -> float:
    """Wide enough for the longest value, up to what a reader can take in; the filter's button needs room, too."""
    if field.name in _WRAPPED:
        return _WRAPPED[field.name]
    if field.name in _DATES:
        return 12
    heading = max(len(word) for word in field.heading.split()) + 4
    longest = frame[field.name].cast(pl.String).str.len_chars().max() if frame.height else 0
    return float(min(max(heading, int(str(longest or 0)) + 1, 6), 26))


def _validations(sheet: Worksheet, last_row: int) -> None:
    decision, reason, day = (_column(name) for name in ("decision", "decision_reason", "decided_on"))
    sheet.data_validation(
        1, decision, last_row, decision,
        {
            "validate": "list", "source": [d.words for d in decisions()],
            "error_title": "Not one of the five", "error_message": "Choose from the list, or leave the cell empty.",
        },
    )  # fmt: skip
    cell = xlsxwriter.utility.xl_rowcol_to_cell(1, decision, col_abs=True)
    sheet.data_validation(
        1, reason, last_row, reason,
        {
            "validate": "list", "source": f'=INDIRECT("reasons_"&SUBSTITUTE({cell}," ","_"))',
            "error_type": "information",
            "error_title": "Own words", "error_message": "This reason is not in the list; it is kept as you wrote it.",
        },
    )  # fmt: skip
    sheet.data_validation(
        1, day, last_row, day,
        {
            "validate": "date", "criteria": ">=", "value": EARLIEST_DAY,
            "error_title": "Not a date", "error_message": "Write the day as 2026-01-31, or leave the cell empty.",
        },
    )  # fmt: skip


def _guide_sheet(sheet: Worksheet, formats: _Formats) -> None:
    """What to fill in, what each decision means, what each column holds."""
    wrapped, bold = formats.new(text_wrap=True), formats.new(bold=True)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 100)
    lines: list[tuple[str, str, bool]] = [
        ("How to fill in", "", True),
        (
            "",
            "Fill the yellow cells: a decision from the list, a reason, a note, your name. Empty rows are left alone.",
            False,
        ),
        (
            "",
            "One decision answers a question: its other rows (another model, in italics) take it over if left empty.",
            False,
        ),
        ("", "Send the file back with: hcc worklist import results.duckdb this-file.xlsx --reviewer YOUR-NAME", False),
        ("", "", False),
        ("Decision", "What it says", True),
        *((d.words, d.meaning, False) for d in decisions()),
        ("", "", False),
        ("Column", "What it holds", True),
        *((field.heading, field.comment, False) for field in FIELDS),
    ]
    for row, (left, right, head) in enumerate(lines):
        sheet.write_string(row, 0, left, formats.heading() if head else bold)
        sheet.write_string(row, 1, right, formats.heading() if head else wrapped)


def _lists_sheet(book: xlsxwriter.Workbook, name: str, formats: _Formats) -> None:
    """The reasons of each decision under a name of their own, for the drop-down of the reason cell."""
    sheet = book.add_worksheet(name)
    known = decisions()
    for row in range(max(len(d.reasons) for d in known)):
        for column, decision in enumerate(known):
            if row < len(decision.reasons):
                sheet.write_string(row, column, decision.reasons[row], formats.new())
    for column, decision in enumerate(known):
        letter = xlsxwriter.utility.xl_col_to_name(column, col_abs=True)
        book.define_name(f"reasons_{decision.name}", f"={name}!{letter}$1:{letter}${len(decision.reasons)}")
    sheet.hide()
