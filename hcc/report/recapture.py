"""Chapter: conditions of earlier years, and when in the year they were reported again."""

from __future__ import annotations

from datetime import date

from hcc.report.cells import Row, dollars, model_words, share, signed
from hcc.report.charts import climb
from hcc.report.gaps import no_gaps
from hcc.report.html import Html, details, joined, section, table, tag
from hcc.report.source import Model, Source
from hcc.results.recapture import DUE

# Nobody is due for acute conditions or for those closed as "new"; a lower HCC of the family recaptures nothing.
_OURS = f"FROM ({DUE}) g WHERE g.model = $model AND g.calibration = $calibration"
_MONTHS = f"""
SELECT CASE WHEN g.became <> 'captured' THEN 'open'
    WHEN h.first_date IS NULL THEN 'other' ELSE strftime(h.first_date, '%Y-%m') END AS month,
  count(*) AS hccs, count(DISTINCT g.member_id) AS members
FROM (SELECT g.* {_OURS}) g
LEFT JOIN member_hccs h ON h.member_id = g.member_id AND h.model = g.model AND h.calibration = g.calibration
  AND h.hcc = g.hcc::VARCHAR
GROUP BY ALL ORDER BY month"""
_BY_HCC = f"""
SELECT g.hcc::VARCHAR AS hcc, any_value(g.label)::VARCHAR AS label, count(*) AS due,
  count(*) FILTER (WHERE g.became = 'captured') AS captured, count(*) FILTER (WHERE g.became <> 'captured') AS open,
  count(*) FILTER (WHERE g.became = 'lower') AS lower,
  sum(g.score_change) FILTER (WHERE g.became = 'open') AS score, sum(g.dollar_change) FILTER (WHERE g.became = 'open')
    AS dollars
{_OURS} GROUP BY g.hcc ORDER BY due DESC, g.hcc::INTEGER"""
_MONTH_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def recapture(source: Source, results: str) -> Html:
    """The chapter: one plot for the leading model of Part C, tables for it and that of Part D."""
    content: list[Html] = [
        tag("p", "Chronic conditions that counted in earlier years: the share of them reported again, month by month "
            "of the year of service. An earlier code can have been wrong, or the condition ended: 100% is no goal.")
    ]  # fmt: skip
    shown = False
    for part in ("C", "D"):
        model = source.leading(part)
        made = _model(source, model) if model else None
        if made is not None:
            content.append(made)
            shown = True
    if not shown:
        if source.searched is not None:
            content.append(
                tag(
                    "p",
                    "Nothing to recapture was found: give claims of earlier years with ",
                    tag("code", "--history"),
                    ".",
                )
            )
        else:
            content.append(no_gaps(source, results))
    return section("recapture", "Recapture by month", *content)


def _model(source: Source, model: Model) -> Html | None:
    keys = {"model": model.model, "calibration": model.calibration}
    months, by_hcc = source.rows(_MONTHS, **keys), source.rows(_BY_HCC, **keys)
    due = sum(row["hccs"] for row in months)
    if not due:
        return None
    named = model_words(model.model, model.calibration)
    opened = sum(row["hccs"] for row in months if row["month"] == "open")
    captured = due - opened
    lower = ", or only a lower HCC of the family was reported" if any(row["lower"] for row in by_hcc) else ""
    if source.cells.hides(captured) or source.cells.hides(opened):
        return tag(
            "p", f"{named}: fewer than 11 conditions are {'open' if source.cells.hides(opened) else 'recaptured'}."
        )
    other = sum(row["hccs"] for row in months if row["month"] == "other")
    dated = [row for row in months if row["month"] not in ("open", "other")]
    parts = [
        tag("h3", named),
        tag("p", f"{due:,} conditions were due, ", tag("strong", f"{captured:,} ({share(captured / due)})"),
            f" are recaptured, {opened:,} are open{lower}."),
    ]  # fmt: skip
    points = _cumulative(source, dated, due)
    if points:
        title = f"Share of conditions due that are recaptured, cumulative, {named}"
        told = f"A line over the months; {points[-1][1]:.0%} by the last month. The table below has the figures."
        parts.append(climb(title, told, points, [f"{value:.1%}" for _, value in points]))
    note = "Counted in the month of the first service that reports the condition."
    if other:
        counted = source.cells.count(other)
        note += f" {counted} more are recaptured through another HCC of the same family; they are not in the line."
    parts.append(tag("p", note, cls="note"))
    parts.append(details(f"Recapture by month, {named}", _month_table(source, named, dated, other, due)))
    parts.append(details(f"Recapture by HCC, {named}", _hcc_table(source, model, by_hcc)))
    return joined(parts)


def _cumulative(source: Source, dated: list[Row], due: int) -> list[tuple[str, float]]:
    """All months from the first to the last. A month with few waits for the next, so that no step shows them."""
    if not dated:
        return []
    by_month = {row["month"]: row["hccs"] for row in dated}
    points, total, waiting = [], 0, 0
    for month in _all_months(min(by_month), max(by_month)):
        waiting += by_month.get(month, 0)
        if not source.cells.hides(waiting):
            total, waiting = total + waiting, 0
        points.append((_name(month), total / due))
    return points


def _all_months(first: str, last: str) -> list[str]:
    (year, month), months = (int(part) for part in first.split("-")), []
    while (text := f"{year:04d}-{month:02d}") <= last:
        months.append(text)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return months


def _name(month: str) -> str:
    day = date.fromisoformat(f"{month}-01")
    return f"{_MONTH_NAMES[day.month - 1]} {day.year}" if day.month == 1 else _MONTH_NAMES[day.month - 1]


def _month_table(source: Source, named: str, dated: list[Row], other: int, due: int) -> Html:
    counts = [*(row["hccs"] for row in dated), other]
    hidden = source.cells.masked(counts)
    names = [*(row["month"] for row in dated), "Through another HCC of the family"]
    body = [
        [name, *source.cells.masked_cells(number, few, share(number / due))]
        for name, number, few in zip(names, counts, hidden, strict=True)
        if number
    ]
    return table(f"Conditions recaptured by month, {named}", ["Month", "Conditions", "Share of those due"], body)


def _hcc_table(source: Source, model: Model, rows: list[Row]) -> Html:
    """Counts are of members here: a member is due for an HCC once. Dollars are those of Part C."""
    named, paid = model_words(model.model, model.calibration), model.part == "C"
    by_column = {name: source.cells.masked([row[name] for row in rows]) for name in ("captured", "open")}
    body = []
    for place, row in enumerate(rows):
        few = by_column["captured"][place] or by_column["open"][place]
        worth = (signed(row["score"]), dollars(row["dollars"]))[: 2 if paid else 1]
        body.append(
            [
                f"{row['hcc']} {row['label'] or ''}",
                *source.cells.masked_cells(row["due"], few or source.cells.hides(row["due"])),
                *source.cells.masked_cells(row["captured"], few, share(row["captured"] / row["due"])),
                *source.cells.masked_cells(row["open"], few, *worth),
            ]
        )
    headings = ["HCC", "Members due", "Recaptured", "Share", "Open", "Score of the open ones"]
    headings += ["Dollars a year"] if paid else []
    return table(f"Recapture by HCC, {named}", headings, body)
