"""Chapter: risk scores – how they spread, by segment, by contract."""

from __future__ import annotations

import math

from hcc.report.cells import Row, model_words, score, share
from hcc.report.charts import Bar, bars, histogram
from hcc.report.html import Html, details, joined, section, table, tag
from hcc.report.source import Source

_BIN = 0.25
_SPREAD = """
SELECT count(risk_score) AS members, avg(risk_score) AS mean,
  quantile_cont(risk_score::DOUBLE, [0.1, 0.25, 0.5, 0.75, 0.9]) AS points,
  count(*) FILTER (WHERE unverified) AS unverified
FROM member_scores WHERE part::VARCHAR = $part"""
_BINS = """
SELECT floor(risk_score / $width)::INTEGER AS bin, count(*) AS members
FROM member_scores WHERE part::VARCHAR = $part AND risk_score IS NOT NULL GROUP BY ALL ORDER BY bin"""
_SEGMENTS = """
SELECT s.program::VARCHAR AS program, s.model::VARCHAR AS model, s.calibration::VARCHAR AS calibration,
  s.segment::VARCHAR AS segment, count(DISTINCT s.member_id) AS members, avg(s.raw_score) AS raw,
  avg(s.payment_score) AS payment
FROM scores s
WHERE s.part::VARCHAR = $part AND s.raw_score IS NOT NULL AND s.payable IS NOT FALSE
GROUP BY ALL ORDER BY members DESC, program, model, calibration, segment"""
_CONTRACTS = """
WITH coded AS (
  SELECT DISTINCT member_id FROM member_hccs
  WHERE dropped_by_hcc IS NULL AND model::VARCHAR IN (SELECT model::VARCHAR FROM scores WHERE part::VARCHAR = $part)
)
SELECT coalesce(m.contract_id, 'No contract named') AS contract, count(*) AS members,
  sum(s.risk_score) AS total, median(s.risk_score::DOUBLE) AS median,
  count(*) FILTER (WHERE c.member_id IS NULL) AS without_hcc
FROM member_scores s JOIN members m USING (member_id) LEFT JOIN coded c USING (member_id)
WHERE s.part::VARCHAR = $part AND s.risk_score IS NOT NULL
GROUP BY ALL ORDER BY members DESC, contract"""
_PARTS = {"C": "Part C", "D": "Part D"}


def scores(source: Source) -> Html:
    """The chapter, by part."""
    parts = [_part(source, part) for part in _PARTS if source.leading(part)]
    return section("scores", "Risk scores", *(parts or [tag("p", "No score was made by this run.")]))


def _part(source: Source, part: str) -> Html:
    spread = source.one(_SPREAD, part=part)
    named = _PARTS[part]
    content: list[Html] = [tag("h3", named)]
    if source.cells.hides(spread["members"]) or not spread["members"]:
        return joined([*content, tag("p", f"Members with a {named} score: {source.cells.count(spread['members'])}.")])
    low, first, median, third, high = spread["points"]
    content.append(
        tag(
            "p",
            f"{spread['members']:,} members have a {named} risk score. The mean is ",
            tag("strong", score(spread["mean"])),
            f"; half of them lie between {score(first)} and {score(third)}, one in ten below {score(low)} and one in "
            f"ten above {score(high)}.",
        )
    )
    content.append(_distribution(source, part, float(spread["mean"]), median))
    content.append(_segments(source, part))
    content.append(_contracts(source, part))
    return joined(content)


def _distribution(source: Source, part: str, mean: float, median: float) -> Html:
    edges, counts = _columns(source, source.rows(_BINS, part=part, width=_BIN))
    hidden = source.cells.masked(counts)
    rows = []
    for start, end, members, few in zip(edges, edges[1:], counts, hidden, strict=False):
        label = f"{start:g} and more" if math.isinf(end) else f"{start:g} to {end:g}"
        (said,) = source.cells.masked_cells(members, few)
        rows.append(Bar(label, None if few else members, said, f"Risk score {label}: {said} members"))
    marks = [(mean, f"mean {mean:.3f}"), (median, f"median {median:.3f}")]
    title = f"How {_PARTS[part]} risk scores spread"
    told = f"Columns of members by risk score; mean {mean:.3f}, median {median:.3f}. The table below has the figures."
    plot = histogram(title, told, rows, edges, sorted(marks), f"{_PARTS[part]} risk score")
    behind = table(
        f"Members by {_PARTS[part]} risk score", ["Risk score", "Members"], [[r.label, r.said] for r in rows]
    )
    return joined((plot, details("Figures of this plot", behind)))


def _columns(source: Source, found: list[Row]) -> tuple[list[float], list[int]]:
    """Edges and counts of the columns: gaps filled, thin ends put together so that they can be shown."""
    by_bin = {row["bin"]: row["members"] for row in found}
    first, last = min(by_bin), max(by_bin)
    counts = [by_bin.get(number, 0) for number in range(first, last + 1)]
    edges = [round(number * _BIN, 2) for number in range(first, last + 2)]
    total = sum(counts)
    peak = counts.index(max(counts))
    while len(counts) > 4 and (counts[-1] < total * 0.01 or any(map(source.cells.hides, counts[peak:]))):
        counts[-2:] = [counts[-2] + counts[-1]]
        del edges[-2]
        edges[-1] = math.inf
    while len(counts) > 4 and source.cells.hides(counts[0]):
        counts[:2] = [counts[0] + counts[1]]
        del edges[1]
    return edges, counts


def _segments(source: Source, part: str) -> Html:
    rows = source.rows(_SEGMENTS, part=part)
    hidden = source.cells.masked([row["members"] for row in rows])
    for row, few in zip(rows, hidden, strict=True):
        row["words"] = source.segment_words(row["model"], row["segment"])
        row["few"] = few
    kept = [row for row in rows if not row["few"]]
    leading = source.leading(part)
    assert leading is not None
    of_leading = [r for r in kept if (r["model"], r["calibration"]) == (leading.model, leading.calibration)]
    main = of_leading[0]["program"] if of_leading else None
    plotted = sorted((r for r in of_leading if r["program"] == main), key=lambda r: r["raw"], reverse=True)
    named = model_words(leading.model, leading.calibration)
    title = f"Mean {_PARTS[part]} score by segment, {named}" + (f", programme {main}" if main else "")
    shown = [_segment_bar(row) for row in plotted]
    plot = bars(title, "Bars, the highest mean score first. The table below has every model and segment.", shown)
    behind = table(
        f"{_PARTS[part]} by programme, model and segment",
        ["Segment", "Programme", "Model", "Members", "Mean raw score", "Mean payment score"],
        [
            [
                row["words"], row["program"] or "not paid", model_words(row["model"], row["calibration"]),
                *(source.cells.masked_cells(row["members"], row["few"], score(row["raw"]), score(row["payment"]))),
            ]
            for row in rows
        ],
        words=["Programme", "Model"],
    )  # fmt: skip
    note = tag("p", "A member whose status changed within the year is counted in each of their segments.", cls="note")
    return joined((plot if shown else Html(""), details(f"All {_PARTS[part]} segments", behind, note)))


def _segment_bar(row: Row) -> Bar:
    value = row["payment"] if row["payment"] is not None else row["raw"]
    kind = "payment score" if row["payment"] is not None else "raw score, no payment score"
    return Bar(
        row["words"], float(value), f"{float(value):.3f}  ({row['members']:,})",
        f"{row['words']}: mean {kind} {float(value):.3f}, {row['members']:,} members",
    )  # fmt: skip


def _contracts(source: Source, part: str) -> Html:
    rows = source.cells.together(source.rows(_CONTRACTS, part=part), "members", _small_contracts)
    title = f"Mean {_PARTS[part]} risk score by contract"
    shown = [
        Bar(row["contract"], float(row["total"]) / row["members"],
            f"{float(row['total']) / row['members']:.3f}  ({row['members']:,})")
        for row in rows if not source.cells.hides(row["members"])
    ]  # fmt: skip
    behind = table(
        f"{_PARTS[part]} by contract",
        ["Contract", "Members", "Mean risk score", "Median", "Members without an HCC of the part"],
        [
            [
                row["contract"], source.cells.count(row["members"]),
                source.cells.of(row["members"], score(row["total"] / row["members"])),
                source.cells.of(row["members"], score(row["median"])), _without(source, row),
            ]
            for row in rows
        ],
    )  # fmt: skip
    plot = bars(title, "Bars, the largest contract first; members in brackets.", shown)
    return joined((plot, details("Figures of this plot", behind)))


def _without(source: Source, row: Row) -> str:
    few = row["without_hcc"]
    with_hcc = row["members"] - few
    if source.cells.hides(few) or source.cells.hides(with_hcc):
        return "not shown"
    return share(few / row["members"])


def _small_contracts(rows: list[Row]) -> Row:
    merged = {name: sum(row[name] for row in rows) for name in ("members", "total", "without_hcc")}
    return {"contract": "Small contracts together", "median": None, **merged}
