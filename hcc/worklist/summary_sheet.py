"""The first sheet of the workbook: what is in it, both directions side by side, and how it is ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from hcc.worklist.decisions import RETURN_DAYS
from hcc.worklist.summary import SOON_DAYS, Summary
from hcc.worklist.words import DIRECTIONS, model_words

NewFormat = Callable[..., Format]
_SCORE, _DOLLARS, _COUNT = "+#,##0.000;-#,##0.000;0.000", "+#,##0;-#,##0;0", "#,##0"
_MEASURES = (
    ("Questions in this file", "questions", _COUNT),
    ("  of high strength", "high", _COUNT),
    ("  of medium strength", "medium", _COUNT),
    ("  of low strength", "low", _COUNT),
    ("Gaps in this file (a question may be a gap in several models)", "gaps", _COUNT),
    ("Members", "members", _COUNT),
    ("Questions past their return-by day", "overdue", _COUNT),
    (f"Questions due within {SOON_DAYS} days", "due_soon", _COUNT),
    ("Part C score, summed over members, if all open gaps were acted on", "score_c", _SCORE),
    ("Part D score, likewise", "score_d", _SCORE),
    ("Dollars a year, likewise (members with a benchmark)", "dollars", _DOLLARS),
)
_BY_RULE = (
    ("Rule", "rule", None), ("Rule id", "rule_id", None), ("Direction", "direction", None), ("High", "high", _COUNT),
    ("Medium", "medium", _COUNT), ("Low", "low", _COUNT), ("Gaps", "gaps", _COUNT), ("Part C score", "score_c", _SCORE),
    ("Part D score", "score_d", _SCORE), ("Dollars a year", "dollars", _DOLLARS),
)  # fmt: skip


def summary_sheet(sheet: Worksheet, new: NewFormat, summary: Summary, priority: Sequence[str]) -> None:
    """Write the sheet, row after row (the workbook is written in constant memory)."""
    head = new(bold=True, bg_color="#1F3A5F", font_color="#FFFFFF", text_wrap=True, valign="vcenter")
    title, bold, quiet = new(bold=True, font_size=16), new(bold=True, font_size=12), new(font_color="#404040")
    for column, width in enumerate((72, 24, 24, 10, 10, 10, 10, 14, 14, 16)):
        sheet.set_column(column, column, width)
    sheet.hide_gridlines(2)
    sheet.set_row(0, 26)
    sheet.write_string(0, 0, "Worklist", title)
    sheet.write_string(1, 0, _about(summary), quiet)
    sheet.write_string(2, 0, "This file holds members' health data; keep it and send it accordingly.", quiet)
    row = 4
    right = new(bold=True, bg_color="#1F3A5F", font_color="#FFFFFF", text_wrap=True, valign="vcenter", align="right")
    for column, text in enumerate(("", *DIRECTIONS.values())):
        sheet.write_string(row, column, text, right if column else head)
    for label, name, shape in _MEASURES:
        row += 1
        sheet.write_string(row, 0, label, new(bottom=4, bottom_color="#B0B0B0"))
        for column, direction in enumerate(DIRECTIONS, start=1):
            value = summary.sides[direction].get(name, 0 if shape == _COUNT else None)
            kind = new(num_format=shape, bottom=4, bottom_color="#B0B0B0", align="right")
            if value is None:
                sheet.write_string(row, column, "not known", kind)
            else:
                sheet.write_number(row, column, float(value), kind)
    row = _rules(sheet, new, summary, row + 2, (head, right), bold)
    row = _lines(sheet, row + 1, "How the rank is computed", priority, bold, new())
    _lines(sheet, row + 1, "How to read it", _reading(summary), bold, new())
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _about(summary: Summary) -> str:
    run = summary.run
    models = ", ".join(
        dict.fromkeys(
            model_words(name.partition(":")[0].strip())
            for name in str(run.get("models") or "").split(",")
            if name.strip()
        )
    )
    return (
        f"Payment year {run.get('payment_year')}, {run.get('run') or ''} run, {models or 'unknown'}; "
        f"evidence up to {run.get('as_of') or 'the end of the inputs'}; list of {summary.today.isoformat()}."
    )


def _rules(
    sheet: Worksheet, new: NewFormat, summary: Summary, row: int, heads: tuple[Format, Format], bold: Format
) -> int:
    sheet.write_string(row, 0, "By rule and strength", bold)
    row += 1
    for column, (heading, _, shape) in enumerate(_BY_RULE):
        sheet.write_string(row, column, heading, heads[shape is not None])
    for found in summary.by_rule.iter_rows(named=True):
        row += 1
        for column, (_, name, shape) in enumerate(_BY_RULE):
            value = found[name]
            if shape is None:
                sheet.write_string(row, column, DIRECTIONS.get(value, value) or "", new())
            elif value is not None:
                sheet.write_number(row, column, float(value), new(num_format=shape))
    return row + 1


def _lines(sheet: Worksheet, row: int, heading: str, lines: Sequence[str], bold: Format, plain: Format) -> int:
    sheet.write_string(row, 0, heading, bold)
    for line in lines:
        row += 1
        sheet.write_string(row, 0, line, plain)
    return row + 1


def _reading(summary: Summary) -> list[str]:
    lines = [
        "Both directions are questions to the record; a missing condition is a question for a clinician.",
        "By rule, scores are summed gap by gap; above, all open gaps of a member are applied at once.",
        f"Return by: {RETURN_DAYS} days after a coded condition was found not supported (42 CFR 422.326); before that, "
        f"{RETURN_DAYS} days after the flag.",
        "The sheet Guide says what to fill in, what each decision means and what each column holds.",
    ]
    if summary.settled:
        lines.append(f"Not listed: {summary.settled:,} open questions that are decided already (--all lists them).")
    return lines
