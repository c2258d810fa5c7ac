"""Chapter: the few figures to see first, and what to know before using them."""

from __future__ import annotations

from hcc.report.cells import about, score, share, signed
from hcc.report.gaps import DIRECTIONS
from hcc.report.html import Html, listed, section, tag
from hcc.report.source import Source

_POPULATION = """
SELECT count(*) AS members,
  count(*) FILTER (WHERE member_id NOT IN (SELECT member_id FROM member_hccs WHERE dropped_by_hcc IS NULL)) AS without
FROM members"""
_MEAN = "SELECT count(risk_score) AS members, avg(risk_score) AS mean FROM member_scores WHERE part::VARCHAR = $part"
_DOUBTS = """
SELECT (SELECT count(*) FROM rejected_rows) AS rejected,
  (SELECT count(*) FROM diagnoses WHERE NOT counted) AS uncounted, (SELECT count(*) FROM diagnoses) AS diagnoses,
  (SELECT count(DISTINCT member_id) FROM member_scores WHERE unverified) AS unverified,
  (SELECT count(DISTINCT member_id) FROM member_scores WHERE risk_score IS NULL) AS unscored"""
_OPEN = """
WITH whole AS (
  SELECT sum(score_change) AS change, sum(dollar_change) AS dollars
  FROM member_gaps WHERE direction::VARCHAR = $direction AND part::VARCHAR = 'C'
)
SELECT (SELECT count(DISTINCT member_id) FROM gaps
        WHERE status::VARCHAR = 'open' AND direction::VARCHAR = $direction) AS members, change, dollars FROM whole"""


def glance(source: Source) -> Html:
    """A few figures, both directions of gaps beside each other, and what to know before using them."""
    cells, people = source.cells, source.one(_POPULATION)
    tiles = [("Members scored", cells.count(people["members"]))]
    for part in ("C", "D"):
        mean = source.one(_MEAN, part=part)
        if mean["members"]:
            tiles.append((f"Mean Part {part} risk score", cells.of(mean["members"], score(mean["mean"]))))
    without = people["without"]
    if people["members"] and not cells.hides(without):
        tiles.append(("Members without any HCC", share(without / people["members"])))
    asked = source.one("SELECT count(*) AS n FROM gaps")["n"]
    sides = [_open(source, direction) for direction in DIRECTIONS] if asked else []
    return section(
        "glance", "At a glance", tag("dl", *(_tile(name, value) for name, value in tiles), cls="tiles"),
        tag("dl", *sides, cls="tiles") if sides else tag("p", "Gaps were not looked for in this results file."),
        tag("h3", "Before you use these figures"), listed(_doubts(source)),
    )  # fmt: skip


def _tile(name: str, value: str, cls: str | None = None) -> Html:
    return tag("div", tag("dt", name), tag("dd", value), cls=cls)


def _open(source: Source, direction: str) -> Html:
    found = source.one(_OPEN, direction=direction)
    in_dollars = found["dollars"] is not None
    worth = about(found["dollars"]) if in_dollars else signed(found["change"] or 0, 1)
    unit = "a year if all of it held (Part C)" if in_dollars else "in Part C scores if all of it held"
    told = f"{DIRECTIONS[direction]}: {source.cells.count(found['members'])} members with open questions, {unit}"
    return _tile(told, source.cells.of(found["members"], worth), direction)


def _doubts(source: Source) -> list[str]:
    facts, cells = source.one(_DOUBTS), source.cells
    told = []
    if facts["diagnoses"]:
        lost = share(facts["uncounted"] / facts["diagnoses"])
        told.append(f"{lost} of the diagnoses that map to an HCC did not count; Data quality says why.")
    told.append(
        f"{cells.count(facts['rejected'])} input rows were set aside."
        if facts["rejected"]
        else "No input row was set aside."
    )
    if facts["unscored"]:
        told.append(f"{cells.count(facts['unscored'])} members have no score in a part that pays for them.")
    if facts["unverified"]:
        unsure = cells.count(facts["unverified"])
        told.append(f"The scores of {unsure} members rest on a payment factor that nobody could verify; see Method.")
    return told
