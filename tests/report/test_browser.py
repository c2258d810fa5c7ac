"""The page in headless Chromium: accessible, silent, self-contained, readable on a narrow screen and on paper."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hcc.report import write_report
from tests.report.conftest import TODAY

pytestmark = pytest.mark.browser
OPENED = "document.querySelectorAll('details').forEach(found => found.open = true)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None and os.environ.get("CI") != "true":
        pytest.skip("Chromium is missing (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shown(chromium: Any, results: Path, tmp_path: Path) -> Iterator[Any]:
    """A tab with the report; ``asked`` and ``told`` collect what it fetches and complains of."""
    path = write_report(results, tmp_path / "report.html", today=TODAY)
    tab = chromium.new_page(viewport={"width": 1200, "height": 900})
    tab.asked, tab.told = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("console", lambda message: tab.told.append(message.text))
    tab.on("pageerror", lambda error: tab.told.append(str(error)))
    tab.goto(path.as_uri())
    yield tab
    tab.close()


def test_it_fetches_nothing_and_complains_of_nothing(shown: Any) -> None:
    assert [url.rpartition("/")[2] for url in shown.asked] == ["report.html"]
    assert shown.told == []


def test_an_automated_check_finds_no_barrier(chromium: Any, results: Path, tmp_path: Path) -> None:
    """axe-core, every table open; without the page's policy, which would not let the checker's own script in."""
    from axe_playwright_python.sync_playwright import Axe

    path = write_report(results, tmp_path / "report.html", today=TODAY)
    context = chromium.new_context(bypass_csp=True, viewport={"width": 1200, "height": 900})
    tab = context.new_page()
    tab.goto(path.as_uri())
    tab.evaluate(OPENED)
    found = Axe().run(tab).response["violations"]
    context.close()
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found] == []


def test_text_in_plots_keeps_inside_them(shown: Any) -> None:
    outside = shown.evaluate("""() => [...document.querySelectorAll('svg')].flatMap(svg => {
      const box = svg.getBoundingClientRect();
      return [...svg.querySelectorAll('text')].filter(text => { const r = text.getBoundingClientRect();
        return r.left < box.left - 1 || r.right > box.right + 1 || r.bottom > box.bottom + 1; }).map(t => t.textContent)
    })""")
    assert outside == []


def test_labels_and_figures_do_not_run_into_each_other(shown: Any) -> None:
    overlaps = shown.evaluate("""() => [...document.querySelectorAll('svg')].flatMap(svg => {
      const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
      return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([b, q]) => p.left < q.right - 1
        && q.left < p.right - 1 && p.top < q.bottom - 4 && q.top < p.bottom - 4).map(([b]) => a + ' | ' + b)) })""")
    assert overlaps == []


def test_a_narrow_screen_scrolls_plots_not_the_page(shown: Any) -> None:
    shown.set_viewport_size({"width": 400, "height": 800})
    shown.evaluate(OPENED)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 400


def test_paper_has_the_plots_and_the_tables_that_were_opened(shown: Any) -> None:
    shown.locator("summary").first.click()
    shown.emulate_media(media="print")
    assert all(plot.is_visible() for plot in shown.locator("svg").all())
    assert [table.is_visible() for table in shown.locator("details").all()].count(True) == 1


def test_every_table_opens_by_keyboard(shown: Any) -> None:
    count = shown.locator("summary").count()
    assert count > 5
    for place in range(count):
        shown.locator("summary").nth(place).focus()
        shown.keyboard.press("Enter")
    assert shown.locator("details[open]").count() == count
