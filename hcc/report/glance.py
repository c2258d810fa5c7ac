"""Chapter: the few figures to see first, and what to know before using them."""

from __future__ import annotations

from hcc.report.cells import about, score, share, signed
from hcc.report.gaps import DIRECTIONS
from hcc.report.html import Html, listed, section, tag
from hcc.report.source import Source

_POPULATION = "SELECT count(*) AS members FROM members"
_WITHOUT = """
WITH coded AS (
  SELECT DISTINCT member_id FROM member_hccs
  WHERE dropped_by_hcc IS NULL AND model::VARCHAR IN (SELECT model::VARCHAR FROM scores WHERE part::VARCHAR = 'C')
)
SELECT count(*) AS members, count(*) FILTER (WHERE c.member_id IS NULL) AS without
FROM member_scores s LEFT JOIN coded c USING (member_id) WHERE s.part::VARCHAR = 'C' AND s.risk_score IS NOT NULL"""
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
SELECT change, dollars,
  count(DISTINCT g.member_id) AS members,
  count(DISTINCT g.member_id) FILTER (WHERE g.strength::VARCHAR = 'high') AS high
FROM whole LEFT JOIN gaps g ON g.status::VARCHAR = 'open' AND g.direction::VARCHAR = $direction GROUP BY ALL"""


def glance(source: Source) -> Html:
    """A few figures, both directions of gaps beside each other, and what to know before using them."""
    cells, people = source.cells, source.one(_POPULATION)
    tiles = [("Members scored", cells.count(people["members"]))]
    for part in ("C", "D"):
        mean = source.one(_MEAN, part=part)
        if mean["members"]:
            tiles.append((f"Mean Part {part} risk score", cells.of(mean["members"], score(mean["mean"]))))
    none = source.one(_WITHOUT)
    if none["members"] and not cells.hides(none["without"]) and not cells.hides(none["members"] - none["without"]):
        tiles.append(("Part C members without an HCC of Part C", share(none["without"] / none["members"])))
    sides = [] if source.searched is None else [_open(source, direction) for direction in DIRECTIONS]
    return section(
        "glance", "At a glance", tag("dl", *(_tile(name, value) for name, value in tiles), cls="tiles"),
        tag("dl", *sides, cls="tiles") if sides else tag("p", "Gaps were not looked for in this results file."),
        tag("h3", "Before you use these figures"), listed(_doubts(source)),
    )  # fmt: skip


def _tile(name: str, value: str, cls: str | None = None) -> Html:
    return tag("div", tag("dt", name), tag("dd", value), cls=cls)


def _open(source: Source, direction: str) -> Html:
    found, cells = source.one(_OPEN, direction=direction), source.cells
    in_dollars = found["dollars"] is not None
    worth = about(found["dollars"]) if in_dollars else signed(found["change"] or 0, 1)
    unit = "Part C dollars a year" if in_dollars else "Sum of Part C scores"
    told = f"{DIRECTIONS[direction]}: {cells.count(found['members'])} members with open questions, of them "
    told += f"{cells.count(found['high'])} with one of high strength. {unit}, if every question held."
    return _tile(told, cells.of(found["members"], worth), direction)


def _doubts(source: Source) -> list[str]:
    facts, cells = source.one(_DOUBTS), source.cells
    told = []
    if facts["diagnoses"]:
        lost = share(facts["uncounted"] / facts["diagnoses"])
        told.append(f"{lost} of the diagnoses that map to an HCC did not count; Data quality says why.")
    told.append(f"Input rows set aside: {cells.count(facts['rejected'])}.")
    if facts["unscored"]:
        told.append(f"Members without a score in a part that pays for them: {cells.count(facts['unscored'])}.")
    if facts["unverified"]:
        unsure = cells.count(facts["unverified"])
        told.append(f"Members whose score rests on a payment factor that nobody could verify (see Method): {unsure}.")
    return told
