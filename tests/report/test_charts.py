"""Plots: well-formed, described in words, true to scale, and alike on both sides."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from hcc.report import charts
from hcc.report.html import Html, table, tag, text

NASTY = '<script>alert("x")</script> & more'


def _parsed(drawing: Html) -> ElementTree.Element:
    return ElementTree.fromstring(drawing)


def _bars(drawing: Html, cls: str) -> list[float]:
    return [
        float(rect.get("width", 0))
        for rect in _parsed(drawing).iter("rect")
        if cls in (rect.get("class") or "").split()
    ]


ROWS = [charts.Bar(NASTY, 40.0, "40"), charts.Bar("half", 20.0, "20"), charts.Bar("few", None, "<11")]
DRAWN = {
    "bars": charts.bars("T1", "told", ROWS),
    "histogram": charts.histogram("T2", "told", ROWS, [0, 0.25, 0.5, math.inf], [(0.3, "mean")], "score"),
    "two_sides": charts.two_sides("T3", "told", [charts.Sides(NASTY, 10, 10, "10", "10")], "l", "r", unit="members"),
    "dot_rows": charts.dot_rows("T4", "told", [charts.Dots(NASTY, {"all": 0.2, NASTY: 0.1})], ["all", NASTY]),
    "climb": charts.climb("T5", "told", [("Jan", 0.1), ("Feb", 0.4)], ["10%", "40%"]),
    "empty": charts.bars("T6", "told", []),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_every_plot_is_well_formed_and_described(name: str) -> None:
    figure = _parsed(DRAWN[name])
    svg = figure.find("svg")
    assert svg is not None
    assert svg.get("role") == "img"
    ids = {element.get("id") for element in svg}
    assert set((svg.get("aria-labelledby") or "").split()) <= ids
    assert svg.findtext("title")
    assert svg.findtext("desc") == "told"
    assert "<script" not in DRAWN[name]


def test_bars_are_true_to_scale_and_few_have_no_length() -> None:
    long, short = _bars(DRAWN["bars"], "bar")
    assert long == pytest.approx(2 * short, abs=0.2)
    assert len(_bars(DRAWN["bars"], "few")) == 1


def test_both_sides_have_one_scale() -> None:
    rows = [charts.Sides("a", 40, 40, "", ""), charts.Sides("b", 10, 20, "", ""), charts.Sides("c", None, None, "", "")]
    drawing = charts.two_sides("T", "told", rows, "l", "r", unit="members")
    left, right = _bars(drawing, "unsupported"), _bars(drawing, "missing")
    assert left[0] == right[0]
    assert right[1] == pytest.approx(2 * left[1], abs=0.2)
    assert len(_bars(drawing, "few")) == 2


def test_nothing_is_drawn_outside_the_plot() -> None:
    for drawing in DRAWN.values():
        width, height = map(float, (_parsed(drawing).find("svg").get("viewBox") or "").split()[2:])  # type: ignore[union-attr]
        for element in _parsed(drawing).iter():
            for name, limit in (
                ("x", width),
                ("x2", width),
                ("cx", width),
                ("y", height),
                ("y2", height),
                ("cy", height),
            ):
                assert -0.1 <= float(element.get(name, 0)) <= limit + 0.1, (name, element.attrib)


def test_long_labels_take_two_lines_and_end_in_dots() -> None:
    drawing = charts.bars("T", "told", [charts.Bar("word " * 60, 1.0, "1")])
    labels = [t.text for t in _parsed(drawing).iter("text") if "label" in (t.get("class") or "")]
    assert len(labels) == 2
    assert (labels[1] or "").endswith("…")
    assert re.search("(word ){60}", drawing)  # whole in the title


def test_what_is_no_markup_is_escaped() -> None:
    assert text(NASTY) == "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more"
    assert tag("p", NASTY, title='"x"') == f'<p title="&quot;x&quot;">{text(NASTY)}</p>'
    assert "<script" not in table(NASTY, [NASTY, "n"], [[NASTY, NASTY]])
