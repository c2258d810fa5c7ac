"""Plots as inline SVG: bars, a histogram, two sides, dots and a line.

Why by hand: the report is one file without script or network, its text is text (found, copied, read aloud, printed)
and takes the page's style. matplotlib is large and draws letters as paths or leaves fonts to chance; altair and plotly
need a script of megabytes, or a browser to get rid of it; pygal is small, but writes a script and a style sheet into
every plot, cuts long labels and gives a screen reader no role. Five plots of rectangles and circles are less.

Every plot has a title and a description for those who do not see it, and every mark a ``<title>`` with its figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from zlib import crc32

from hcc.report.html import Html, joined, tag

WIDTH = 960
_LABEL = 350  # room for labels on the left
_LETTER = 7.3  # mean width of a letter at 13 px, in the wider of the fonts that browsers use
_VALUE = 120  # room for figures on the right
_ROW, _LINE = 12, 16


@dataclass(frozen=True, slots=True)
class Bar:
    """``value`` None: not shown because too few stand behind it. ``said`` stands beside the bar, ``told`` pops up."""

    label: str
    value: float | None
    said: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Sides:
    """One row of a plot with two sides: both lengths are positive or None (too few)."""

    label: str
    left: float | None
    right: float | None
    left_said: str
    right_said: str


@dataclass(frozen=True, slots=True)
class Dots:
    """One row of a dot plot: series → value (missing: not shown)."""

    label: str
    values: dict[str, float]


def bars(title: str, told: str, rows: Sequence[Bar], *, cls: str = "plain") -> Html:
    """Horizontal bars from zero, the figure at the end of each."""
    high = max((row.value or 0.0 for row in rows), default=0.0) or 1.0
    room = WIDTH - _LABEL - _VALUE
    parts, top = [], 4.0
    for row in rows:
        label, height = _label(row.label, top)
        middle = top + height / 2
        if row.value is None:
            mark, end = _few(_LABEL, middle), _LABEL + 16.0
        else:
            length = row.value / high * room
            mark, end = _rect(_LABEL, middle - 8, length, 16, f"bar {cls}"), _LABEL + length
        shown = tag("text", row.said, x=f"{end + 7:.1f}", y=f"{middle + 4:.1f}", cls="figure")
        parts.append(tag("g", tag("title", row.told or f"{row.label}: {row.said}"), label, mark, shown))
        top += height
    parts.append(tag("line", x1=_LABEL, x2=_LABEL, y1=2, y2=f"{top:.1f}", cls="axis"))
    return _svg(title, told, parts, top + 4)


def histogram(
    title: str, told: str, rows: Sequence[Bar], edges: Sequence[float], marks: Sequence[tuple[float, str]], axis: str
) -> Html:
    """Columns of members between ``edges`` (one more than rows; the last may be infinite) and lines at ``marks``."""
    left, right, top, height = 64.0, 20.0, 34.0, 210.0
    floor = top + height
    shown = [edge for edge in edges if math.isfinite(edge)]
    step = shown[1] - shown[0] if len(shown) > 1 else 1.0
    last = shown[-1] + (step if math.isinf(edges[-1]) else 0.0)
    scale = (WIDTH - left - right) / (last - shown[0])
    high = max((row.value or 0.0 for row in rows), default=0.0) or 1.0
    ticks = _ticks(high)
    high = max(high, ticks[-1])

    def across(value: float) -> float:
        return left + (min(value, last) - shown[0]) * scale

    parts: list[Html] = []
    for tick in ticks:
        y = floor - tick / high * height
        parts.append(tag("line", x1=left, x2=WIDTH - right, y1=f"{y:.1f}", y2=f"{y:.1f}", cls="grid"))
        parts.append(tag("text", f"{tick:,.0f}", x=left - 8, y=f"{y + 4:.1f}", cls="tick end"))
    for place, row in enumerate(rows):
        start, end = across(edges[place]), across(edges[place + 1])
        said = tag("title", row.told or f"{row.label}: {row.said}")
        if row.value is None:
            parts.append(tag("g", said, _few((start + end) / 2 - 8, floor - 10)))
        else:
            tall = row.value / high * height
            parts.append(tag("g", said, _rect(start + 1, floor - tall, end - start - 2, tall, "bar plain")))
    for place, edge in enumerate(shown):
        if place % max(1, math.ceil(len(shown) / 16)) == 0 or edge == shown[-1]:
            open_end = math.isinf(edges[-1]) and edge == shown[-1]
            edge_said = f"{edge:g}+" if open_end else f"{edge:g}"
            middle = across(edge) + (step * scale / 2 if open_end else 0)
            parts.append(tag("text", edge_said, x=f"{middle:.1f}", y=floor + 18, cls="tick middle"))
    for place, (value, words) in enumerate(marks):
        x, y = across(value), top - 20 + 15 * (place % 2)
        parts.append(tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=y + 4, y2=floor, cls="mark"))
        parts.append(tag("text", words, x=f"{x + 6:.1f}", y=y + 8, cls="figure"))
    parts.append(tag("line", x1=left, x2=WIDTH - right, y1=floor, y2=floor, cls="axis"))
    parts.append(tag("text", axis, x=f"{(left + WIDTH - right) / 2:.1f}", y=floor + 38, cls="tick middle"))
    parts.append(tag("text", "Members", x=left - 8, y=14, cls="tick end"))
    return _svg(title, told, parts, floor + 46)


def two_sides(title: str, told: str, rows: Sequence[Sides], left: str, right: str, *, unit: str) -> Html:
    """Bars to the left and to the right of one axis, drawn on the same scale; ``unit`` says what the figures are."""
    room = (WIDTH - _LABEL - 2 * 92 - 12) / 2
    axis = _LABEL + 92 + room
    high = max((max(row.left or 0.0, row.right or 0.0) for row in rows), default=0.0) or 1.0
    parts = [
        tag("text", left, x=axis - 10, y=14, cls="figure end strong unsupported-ink"),
        tag("text", right, x=axis + 10, y=14, cls="figure strong missing-ink"),
        tag("text", unit, x=_LABEL - 10, y=14, cls="tick end"),
    ]
    top = 26.0
    for row in rows:
        label, height = _label(row.label, top)
        middle = top + height / 2
        told_here = f"{row.label}. {left}: {row.left_said}. {right}: {row.right_said}."
        marks = [
            _side(axis, middle, row.left, row.left_said, high, room, -1, "unsupported"),
            _side(axis, middle, row.right, row.right_said, high, room, 1, "missing"),
        ]
        parts.append(tag("g", tag("title", told_here), label, *marks))
        top += height
    parts.append(tag("line", x1=axis, x2=axis, y1=20, y2=f"{top:.1f}", cls="axis"))
    return _svg(title, told, parts, top + 4)


def _side(
    axis: float, middle: float, value: float | None, said: str, high: float, room: float, way: int, cls: str
) -> Html:
    anchor = "figure end" if way < 0 else "figure"
    if value is None:
        x = axis + (2 if way > 0 else -18)
        return joined((_few(x, middle), _text(said, axis + way * 24, middle + 4, anchor)))
    length = value / high * room
    x = axis if way > 0 else axis - length
    bar = _rect(x, middle - 8, length, 16, f"bar {cls}") if value else Html("")
    return joined((bar, _text(said, axis + way * (length + 7), middle + 4, anchor)))


def dot_rows(title: str, told: str, rows: Sequence[Dots], series: Sequence[str]) -> Html:
    """A line per row from its smallest to its largest value, a shape for each series; values are shares."""
    left, right = _LABEL + 8, WIDTH - 40.0
    high = max((value for row in rows for value in row.values.values()), default=0.0) or 1.0
    ticks = _ticks(high * 100)
    high = max(high, ticks[-1] / 100)

    def across(value: float) -> float:
        return left + value / high * (right - left)

    key, x = [], float(left)
    for place, name in enumerate(series):
        key.append(tag("g", _mark(place, x + 6, 10), _text(name, x + 18, 14, "figure")))
        x += 44 + len(name) * _LETTER
    parts, top = [tag("g", *key)], 26.0
    body = []
    for row in rows:
        label, height = _label(row.label, top)
        middle = top + height / 2
        told_here = "; ".join(f"{name} {value:.1%}" for name, value in row.values.items())
        at = [across(value) for value in row.values.values()]
        span = (
            tag("line", x1=f"{min(at):.1f}", x2=f"{max(at):.1f}", y1=f"{middle:.1f}", y2=f"{middle:.1f}", cls="span")
            if at
            else Html("")
        )
        dots = [
            _mark(place, across(row.values[name]), middle) for place, name in enumerate(series) if name in row.values
        ]
        body.append(tag("g", tag("title", f"{row.label}: {told_here}"), label, span, *reversed(dots)))
        top += height
    for tick in ticks:
        x = across(tick / 100)
        parts.append(tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=26, y2=f"{top:.1f}", cls="grid"))
        parts.append(_text(f"{tick:g}%", x, top + 16, "tick middle"))
    return _svg(title, told, [*parts, *body], top + 24)


def climb(title: str, told: str, points: Sequence[tuple[str, float]], said: Sequence[str]) -> Html:
    """A line that climbs over months; values are shares from 0 to 1, the last is written out."""
    left, right, top, height = 64.0, 90.0, 16.0, 200.0
    floor = top + height
    step = (WIDTH - left - right) / max(len(points) - 1, 1)
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        y = floor - tick * height
        parts.append(tag("line", x1=left, x2=WIDTH - right, y1=f"{y:.1f}", y2=f"{y:.1f}", cls="grid"))
        parts.append(tag("text", f"{tick:.0%}", x=left - 8, y=f"{y + 4:.1f}", cls="tick end"))
    at = [(left + place * step, floor - value * height) for place, (_, value) in enumerate(points)]
    parts.append(tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in at), cls="line"))
    for (x, y), (name, _), figure in zip(at, points, said, strict=True):
        parts.append(tag("g", tag("title", f"{name}: {figure}"), tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4.5)))
        parts.append(_text(name, x, floor + 18, "tick middle"))
    if at:
        parts.append(_text(said[-1], at[-1][0] + 10, at[-1][1] + 4, "figure strong"))
    parts.append(tag("line", x1=left, x2=WIDTH - right, y1=floor, y2=floor, cls="axis"))
    return _svg(title, told, parts, floor + 26)


def _svg(title: str, told: str, parts: Sequence[Html], height: float) -> Html:
    name = f"plot{crc32(title.encode()):08x}"  # titles differ within a page
    head = (tag("title", title, id=f"{name}-title"), tag("desc", told, id=f"{name}-told"))
    drawing = tag(
        "svg", *head, *parts, viewBox=f"0 0 {WIDTH} {math.ceil(height)}", role="img",
        aria_labelledby=f"{name}-title {name}-told",
    )  # fmt: skip
    return tag("figure", tag("figcaption", title), drawing)


def _label(label: str, top: float) -> tuple[Html, float]:
    """A label of at most two lines left of the axis, and the height of its row."""
    lines = wrap(label, int((_LABEL - 14) / _LETTER))
    if len(lines) > 2:
        lines = [lines[0], lines[1].rstrip(" ,;") + " …"]
    height = _ROW + _LINE * max(len(lines), 1)
    first = top + height / 2 - _LINE * (len(lines) - 1) / 2 + 4
    texts = [_text(line, _LABEL - 10, first + _LINE * place, "label end") for place, line in enumerate(lines)]
    return joined(texts), height


def _text(said: str, x: float, y: float, cls: str) -> Html:
    return tag("text", said, x=f"{x:.1f}", y=f"{y:.1f}", cls=cls)


def _rect(x: float, y: float, width: float, height: float, cls: str) -> Html:
    return tag(
        "rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{max(width, 1.5):.1f}", height=f"{height:.1f}", rx=2, cls=cls
    )


def _few(x: float, middle: float) -> Html:
    """A mark of one size that says: some, too few to show."""
    return tag("rect", x=f"{x:.1f}", y=f"{middle - 7:.1f}", width=16, height=14, rx=2, cls="few")


def _mark(place: int, x: float, y: float) -> Html:
    """Shapes and colours together, so that neither is needed alone."""
    kind = f"dot dot{place % 4}"
    match place % 4:
        case 0:
            return tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=6, cls=kind)
        case 1:
            return tag("rect", x=f"{x - 5:.1f}", y=f"{y - 5:.1f}", width=10, height=10, cls=kind)
        case 2:
            return tag("path", d=f"M{x:.1f} {y - 6.5:.1f}l6.5 6.5l-6.5 6.5l-6.5-6.5z", cls=kind)
        case _:
            return tag("path", d=f"M{x:.1f} {y - 6.5:.1f}l6.5 11.5h-13z", cls=kind)


def _ticks(high: float) -> list[float]:
    """Zero and about four round steps that reach ``high``."""
    step = 10 ** math.floor(math.log10(high / 4)) if high > 0 else 1.0
    step = next(step * factor for factor in (1, 2, 5, 10) if high / (step * factor) <= 5)
    return [step * number for number in range(math.ceil(high / step) + 1)]
