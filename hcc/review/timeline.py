"""The member's timeline: a drawing for the eye and a table with the same for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hcc.review.markup import Html, cells, day, table, tag
from hcc.review.member import LANES, Event, lanes_of

_LEFT, _RIGHT, _TOP, _LANE, _WIDTH = 64, 12, 22, 26, 900
_MOST_DAYS = 1100  # three years; older events are in the table
STANCE_WORDS = {"for": "for", "against": "against", "context": "context", "": ""}
_STANCE_TITLES = {
    "for": "supports the question",
    "against": "speaks against it",
    "context": "context",
    "": "no evidence of this question",
}


def timeline(events: Sequence[Event], until: date, *, only_evidence: bool) -> Html:
    """Drawing and table of the events, newest first."""
    shown = [event for event in events if event.stance or not only_evidence]
    if not shown:
        return tag("p", "Nothing is recorded for this member.", cls="hcc-quiet")
    return Html(_drawing(events, until) + _legend() + _table(shown))


def _drawing(events: Sequence[Event], until: date) -> Html:
    dated = [event for event in events if event.day is not None]
    if not dated:
        return Html("")
    last = max([until, *(event.day for event in dated if event.day)])
    first = max(min(event.day for event in dated if event.day), last - timedelta(days=_MOST_DAYS)) - timedelta(days=20)
    span = max((last - first).days, 1)
    lanes = lanes_of(dated)
    height = _TOP + _LANE * len(lanes) + 4

    def across(moment: date) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (moment - first).days / span

    parts = [*_months(first, last, across, height)]
    for number, lane in enumerate(lanes):
        y = _TOP + _LANE * number + _LANE / 2
        parts.append(Html(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" class="hcc-lane"/>'))
        parts.append(tag("text", LANES[lane], x="0", y=f"{y + 4}", cls="hcc-lane-name"))
        # What is evidence lies above what is not.
        for event in sorted((e for e in dated if e.lane == lane), key=lambda e: bool(e.stance)):
            if event.day is not None and event.day >= first:
                parts.append(_mark(event, across(event.day), y))
    label = f"Timeline of {len(dated)} events; the table below has the same in words."
    return tag("svg", *parts, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_label=label, cls="hcc-timeline")


def _months(first: date, last: date, across: object, height: int) -> list[Html]:
    assert callable(across)
    parts = []
    month = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    step = 1 if (last - first).days < 500 else 3
    while month <= last:
        if step == 1 or month.month % step == 1:
            x = across(month)
            year = month.month == 1
            cls = "hcc-grid hcc-year" if year else "hcc-grid"
            parts.append(Html(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height}" class="{cls}"/>'))
            words = str(month.year) if year else f"{month:%b}"
            parts.append(tag("text", words, x=f"{x:.1f}", y="11", cls="hcc-month hcc-year" if year else "hcc-month"))
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return parts


def _mark(event: Event, x: float, y: float) -> Html:
    """Shapes differ, not only colours: a disc for, a diamond against, a square for context, a ring for the rest."""
    title = tag("title", f"{day(event.day)} {event.kind}: {event.words} {event.value} ({_STANCE_TITLES[event.stance]})")
    if event.stance == "for":
        shape = f'<circle cx="{x:.1f}" cy="{y}" r="6"/>'
    elif event.stance == "against":
        shape = f'<path d="M{x:.1f} {y - 7} l7 7 l-7 7 l-7 -7 z"/>'
    elif event.stance == "context":
        shape = f'<rect x="{x - 5:.1f}" y="{y - 5}" width="10" height="10"/>'
    else:
        shape = f'<circle cx="{x:.1f}" cy="{y}" r="4"/>'
    return Html(f'<g class="hcc-mark hcc-mark-{event.stance or "other"}">{title}{shape}</g>')


def _legend() -> Html:
    items = []
    for stance, words in (
        ("for", "for"),
        ("against", "against"),
        ("context", "context"),
        ("", "not about this question"),
    ):
        mark = _mark(Event(None, "", "", "", "", stance, "", ""), 9, 9)
        svg = tag("svg", mark, viewBox="0 0 18 18", width="18", height="18", aria_hidden="true")
        items.append(tag("span", svg, words))
    return tag("p", *items, cls="hcc-legend")


def _table(events: Sequence[Event]) -> Html:
    rows = []
    for event in events:
        stance = tag("span", STANCE_WORDS[event.stance], cls=f"hcc-chip hcc-{event.stance}") if event.stance else ""
        what = tag("td", event.words, *([tag("b", f" {event.value}")] if event.value else []))
        rows.append(
            cells(
                tag("td", day(event.day), cls="hcc-day"),
                event.kind,
                what,
                stance,
                tag("td", event.detail, cls="hcc-quiet"),
            )
        )
    return table("Timeline", ("Date", "Kind", "What", "This question", "On the claim"), rows, "hcc-events")
