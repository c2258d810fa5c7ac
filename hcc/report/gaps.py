"""Chapter: gaps in both directions, side by side and with the same weight."""

from __future__ import annotations

from datetime import timedelta

from hcc.report.cells import Cells, Row, about, dollars, model_words, score, signed
from hcc.report.charts import Sides, two_sides
from hcc.report.html import Html, details, joined, section, table, tag
from hcc.report.source import Source

DIRECTIONS = {"unsupported": "Coded, support lacking", "missing": "Evidence, not coded"}
_MEANING = {
    "unsupported": "A diagnosis counts for the score, and the evidence that should stand behind it was not found. Each "
    "is a question for a reviewer with the record; what is not supported is deleted, and an overpayment is returned.",
    "missing": "Evidence points to a condition that no diagnosis of the year reports. Each is a question for a "
    "clinician; nothing here says that a code should be added.",
}
STRENGTHS = ("high", "medium", "low")
_PLOTTED = 15
_SOON = 14  # days before a return-by day that are called soon
_PART_OF = "(SELECT model::VARCHAR AS model, any_value(part)::VARCHAR AS part FROM scores GROUP BY ALL)"
# One evidence gives a gap in every model of a member; people answer it once.
_QUESTION = "(g.member_id, g.rule_id, g.candidate_diagnosis_codes)"
_SIDE = f"""
SELECT count(DISTINCT {_QUESTION}) AS questions, count(DISTINCT g.member_id) AS members
FROM gaps g WHERE g.status = 'open' AND g.direction = $direction"""
_STRENGTHS = f"""
SELECT g.strength::VARCHAR AS strength,
  count(DISTINCT {_QUESTION}) AS questions, count(DISTINCT g.member_id) AS members,
  sum(g.score_change) FILTER (WHERE p.part = 'C') AS score, sum(g.dollar_change) FILTER (WHERE p.part = 'C') AS dollars
FROM gaps g LEFT JOIN {_PART_OF} p ON p.model = g.model::VARCHAR
WHERE g.status = 'open' AND g.direction = $direction GROUP BY g.strength"""
_WHOLE = """
SELECT sum(score_change) AS change, sum(dollar_change) AS dollars
FROM member_gaps WHERE direction = $direction AND part = $part"""
_MEAN = "SELECT count(risk_score) AS members, sum(risk_score) AS total FROM member_scores WHERE part = $part"
_BY_HCC = """
SELECT hcc::VARCHAR AS hcc, any_value(label)::VARCHAR AS label,
  count(DISTINCT member_id) FILTER (WHERE direction = 'unsupported') AS members_unsupported,
  count(DISTINCT member_id) FILTER (WHERE direction = 'missing') AS members_missing,
  sum(score_change) FILTER (WHERE direction = 'unsupported') AS score_unsupported,
  sum(score_change) FILTER (WHERE direction = 'missing') AS score_missing,
  sum(dollar_change) FILTER (WHERE direction = 'unsupported') AS dollars_unsupported,
  sum(dollar_change) FILTER (WHERE direction = 'missing') AS dollars_missing
FROM (  -- an HCC that several rules flag in a member is worth its change once, as in the view hcc_rollup
  SELECT member_id, hcc, direction, any_value(label) AS label, arg_max(score_change, abs(score_change)) AS score_change,
    arg_max(dollar_change, abs(score_change)) AS dollar_change
  FROM gaps WHERE status = 'open' AND model = $model AND calibration = $calibration AND coalesce(hcc, '') <> ''
  GROUP BY member_id, hcc, direction)
GROUP BY hcc ORDER BY greatest(members_unsupported, members_missing) DESC, hcc::INTEGER"""
_BY_RULE = f"""
SELECT g.rule_id::VARCHAR AS rule, count(DISTINCT g.member_id) FILTER (WHERE g.status = 'open') AS members,
  count(DISTINCT {_QUESTION}) FILTER (WHERE g.status = 'open') AS questions,
  sum(g.score_change) FILTER (WHERE g.status = 'open' AND p.part = 'C') AS score_c,
  sum(g.score_change) FILTER (WHERE g.status = 'open' AND p.part = 'D') AS score_d,
  sum(g.dollar_change) FILTER (WHERE g.status = 'open' AND p.part = 'C') AS dollars
FROM gaps g LEFT JOIN {_PART_OF} p ON p.model = g.model::VARCHAR
WHERE g.direction = $direction GROUP BY g.rule_id ORDER BY members DESC, rule"""
_STATUSES = """
SELECT status::VARCHAR AS state, coalesce(nullif(status_reason::VARCHAR, ''), '–') AS why,
  count(DISTINCT member_id) FILTER (WHERE direction = 'unsupported') AS unsupported,
  count(DISTINCT member_id) FILTER (WHERE direction = 'missing') AS missing
FROM gaps GROUP BY ALL ORDER BY state, greatest(unsupported, missing) DESC, why"""
_DECIDED = """
SELECT coalesce(nullif(decision::VARCHAR, ''), 'not decided yet') AS latest,
  count(DISTINCT member_id) FILTER (WHERE direction = 'unsupported') AS unsupported,
  count(DISTINCT member_id) FILTER (WHERE direction = 'missing') AS missing
FROM gaps WHERE status = 'open' OR coalesce(decision::VARCHAR, '') <> ''
GROUP BY ALL ORDER BY latest"""
_CLOCK = """
SELECT count(DISTINCT member_id) FILTER (WHERE return_by < $today) AS late,
  count(DISTINCT member_id) FILTER (WHERE return_by BETWEEN $today AND $soon) AS soon,
  count(DISTINCT member_id) FILTER (WHERE flagged_return_by < $today) AS flagged_late,
  count(DISTINCT member_id) FILTER (WHERE flagged_return_by BETWEEN $today AND $soon) AS flagged_soon
FROM gaps WHERE direction = 'unsupported' AND status = 'open'"""


def gaps(source: Source, results: str) -> Html:
    """The chapter; ``results`` is named in the hint of an empty one."""
    if not source.one("SELECT count(*) AS n FROM gaps")["n"]:
        return section("gaps", "Gaps in both directions", no_gaps(source, results))
    sides = tag("div", *(_side(source, direction) for direction in DIRECTIONS), cls="two")
    return section(
        "gaps", "Gaps in both directions", sides, _by_hcc(source), tag("h3", "By rule"),
        *(_by_rule(source, direction) for direction in DIRECTIONS),
        tag("h3", "Decisions and the clock"), _clock(source), _decisions(source), _statuses(source),
    )  # fmt: skip


def no_gaps(source: Source, results: str) -> Html:
    """What to run where no gaps were looked for, or none found."""
    told = "No gaps were looked for in this results file yet. To find them, give what else is known:"
    if source.searched is not None:
        told = (
            f"A search as of {source.searched.isoformat()} found no gaps of either direction. It can know no more than "
            "the tables it was given; to search with others:"
        )
    return tag(
        "div", tag("p", told),
        tag("pre", f"hcc gaps {results} --history CLAIMS_OF_EARLIER_YEARS --pharmacy FILLS --observations RESULTS"),
        cls="empty",
    )  # fmt: skip


def _side(source: Source, direction: str) -> Html:
    """One of two cards of the same shape."""
    cells, facts = source.cells, source.one(_SIDE, direction=direction)
    members = facts["members"]
    rows = [("Members with open questions", cells.count(members))]
    rows.append(("Open questions", cells.of(members, f"{facts['questions']:,}")))
    for part in ("C", "D"):
        mean = source.one(_MEAN, part=part)
        if not mean["members"]:
            continue
        whole = source.one(_WHOLE, direction=direction, part=part)
        after = (mean["total"] + (whole["change"] or 0)) / mean["members"]
        moved = f"{score(mean['total'] / mean['members'])} → {score(after)}"
        rows.append((f"Mean Part {part} risk score if all of it held", cells.of(members, moved)))
        if part == "C":
            rows.append(("Sum of Part C scores", cells.of(members, signed(whole["change"] or 0))))
            worth = dollars(whole["dollars"]) if whole["dollars"] is not None or not members else "no benchmark given"
            rows.append(("Part C dollars a year", cells.of(members, worth)))
    listed = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows))
    content = (tag("h3", DIRECTIONS[direction]), tag("p", _MEANING[direction]), listed, _strengths(source, direction))
    return tag("div", *content, cls=f"card {direction}")


def _strengths(source: Source, direction: str) -> Html:
    """The same by strength of the evidence, always three rows."""
    found = {row["strength"]: row for row in source.rows(_STRENGTHS, direction=direction)}
    none: Row = {"members": 0, "questions": 0, "score": None, "dollars": None}
    rows = [found.get(strength, none) for strength in STRENGTHS]
    hidden = source.cells.masked([row["members"] for row in rows])
    body = [
        [strength.capitalize(), *source.cells.masked_cells(
            row["members"], few, f"{row['questions']:,}", signed(row["score"], 1), about(row["dollars"])
        )]
        for strength, row, few in zip(STRENGTHS, rows, hidden, strict=True)
    ]  # fmt: skip
    caption = f"{DIRECTIONS[direction]}, by strength"
    return table(caption, ["Strength", "Members", "Questions", "Part C score", "Dollars a year"], body)


def _by_hcc(source: Source) -> Html:
    content = []
    for part in ("C", "D"):
        model = source.leading(part)
        rows = source.rows(_BY_HCC, model=model.model, calibration=model.calibration) if model else []
        if model is None or not rows:
            continue
        named = model_words(model.model, model.calibration)
        hidden = {side: source.cells.masked([row[f"members_{side}"] for row in rows]) for side in DIRECTIONS}
        title = f"Members with open gaps by HCC, {named}"
        told = "Bars to the left: members whose code lacks support. To the right: members with evidence and no code. "
        told += "Both sides have one scale. The table below has score and dollars."
        shown = _plotted(source.cells, rows, hidden)
        plot = two_sides(title, told, shown, *DIRECTIONS.values(), unit="members · sum of score changes")
        kinds = ("members", "score", "dollars")[: 3 if part == "C" else 2]
        heads = [f"{DIRECTIONS[side]}: {what}" for side in DIRECTIONS for what in kinds]
        body = [
            [f"{row['hcc']} {row['label'] or ''}", *(
                cell for side in DIRECTIONS
                for cell in _three(source.cells, row, side, hidden[side][place])[: len(kinds)]
            )]
            for place, row in enumerate(rows)
        ]  # fmt: skip
        behind = table(f"Open gaps by HCC of {named}, both directions", ["HCC", *heads], body)
        note = tag("p", "Score changes are summed gap by gap; two gaps of one member may overlap.", cls="note")
        content.append(
            joined(
                (plot if shown else "", details(f"All {len(rows)} HCCs with score and dollars, {named}", behind, note))
            )
        )
    return joined(content)


def _plotted(cells: Cells, rows: list[Row], hidden: dict[str, list[bool]]) -> list[Sides]:
    shown: list[Sides] = []
    for place, row in enumerate(rows):
        if len(shown) == _PLOTTED or all(hidden[side][place] or not row[f"members_{side}"] for side in DIRECTIONS):
            continue
        sides: list[float | None] = []
        said: list[str] = []
        for side in DIRECTIONS:
            members, few = row[f"members_{side}"], hidden[side][place]
            (told,) = cells.masked_cells(members, few)
            change = row[f"score_{side}"]
            sides.append(None if few else float(members))
            said.append(told if few or not members else f"{told} · {signed(change, 1)}" if change is not None else told)
        shown.append(Sides(f"{row['hcc']} {row['label'] or ''}", sides[0], sides[1], said[0], said[1]))
    return shown


def _three(cells: Cells, row: Row, side: str, few: bool) -> list[str]:
    figures = (signed(row[f"score_{side}"]), dollars(row[f"dollars_{side}"]))
    return cells.masked_cells(row[f"members_{side}"], few, *figures)


def _by_rule(source: Source, direction: str) -> Html:
    rows = source.rows(_BY_RULE, direction=direction)
    titles = _rule_titles()
    hidden = source.cells.masked([row["members"] for row in rows])
    body = [
        [titles.get(row["rule"], ""), row["rule"], *source.cells.masked_cells(
            row["members"], few, f"{row['questions']:,}", signed(row["score_c"]), signed(row["score_d"]),
            dollars(row["dollars"]),
        )]
        for row, few in zip(rows, hidden, strict=True) if row["members"]
    ]  # fmt: skip
    named = DIRECTIONS[direction]
    if not body:
        return tag("p", f"{named}: no rule has an open gap.")
    body = [[title or rule, rule, *figures] for title, rule, *figures in body]
    headings = ["Rule", "Name", "Members", "Open questions", "Part C score", "Part D score", "Part C dollars a year"]
    return details(
        f"{named}: {len(body)} rules with open gaps", table(f"{named}, by rule", headings, body, words=["Name"])
    )


def _rule_titles() -> dict[str, str]:
    """Titles of the shipped rules; without them a rule is shown by its name."""
    from hcc.errors import HccError
    from hcc.rules.gap_rules import load_gap_rules

    try:
        return {rule.id: rule.title for rule in load_gap_rules().rules}
    except HccError:
        return {}


def _decisions(source: Source) -> Html:
    rows = source.rows(_DECIDED)
    return details(
        "Decisions so far", _both_ways(source.cells, "Members by latest decision", "Decision", rows, ["latest"])
    )


def _statuses(source: Source) -> Html:
    rows = source.rows(_STATUSES)
    behind = _both_ways(source.cells, "Members by status of their gaps", "Status", rows, ["state", "why"])
    return details("Closed, suppressed, indeterminate and other gaps", behind)


def _both_ways(cells: Cells, caption: str, heading: str, rows: list[Row], names: list[str]) -> Html:
    hidden = {side: cells.masked([row[side] for row in rows]) for side in DIRECTIONS}
    body: list[list[object]] = []
    for place, row in enumerate(rows):
        label = ", ".join(str(row[name]).replace("_", " ") for name in names if row[name] != "–")
        body.append([label, *(cells.masked_cells(row[side], hidden[side][place])[0] for side in DIRECTIONS)])
    return table(caption, [heading, *DIRECTIONS.values()], body)


def _clock(source: Source) -> Html:
    """What the 60 days say of the open questions about codes that lack support."""
    facts = source.one(_CLOCK, today=source.today, soon=source.today + timedelta(days=_SOON))
    told = [
        (facts["late"], "whose 60 days after a decision are over"),
        (facts["soon"], f"whose 60 days after a decision end within {_SOON} days"),
        (facts["flagged_late"], "flagged more than 60 days ago"),
        (facts["flagged_soon"], f"flagged 60 days ago within {_SOON} days from now"),
    ]
    parts = [f"{source.cells.count(members)} members {words}" for members, words in told if members]
    said = "; ".join(parts) if parts else "no return-by day is over or near"
    return tag(
        "p", tag("b", "The 60-day clock (42 CFR 422.326), codes that lack support: "), f"{said}, as of {source.today}."
    )  # fmt: skip
