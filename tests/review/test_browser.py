"""The page in headless Chromium, end to end: as two coders use it, with the keyboard, offline, behind its token."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from hcc.results import append_review, read_reviews, read_table
from tests.review.conftest import Served, served
from tests.review.results_file import make_results

pytestmark = pytest.mark.browser
OPEN, CARD = ".hcc-queue .hcc-open", "[data-shown]:visible"
_PATIENCE = 60_000  # milliseconds; a busy machine is not a fault


class Tab:
    """A browser tab that notes what it asks for and what it complains of."""

    def __init__(self, chromium: Any, address: str, **context: Any) -> None:
        self.context = chromium.new_context(viewport={"width": 1440, "height": 900}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(_PATIENCE)
        self.asked: list[str] = []
        self.told: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda found: self.asked.append(found.url))
        self.page.on("console", lambda message: self.told.append(f"{message.type} {message.text}"))
        self.page.on("pageerror", lambda error: self.told.append(f"error {error}"))
        self.page.goto(address)
        self.page.wait_for_selector(OPEN, state="attached")
        self.ready()

    def ready(self) -> None:
        """Wait until the server listens to the page."""
        self.page.wait_for_selector("body[data-ready]", state="attached")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    @property
    def status(self) -> str:
        return str(self.page.inner_text(".hcc-said"))

    def said(self, words: str) -> str:
        """Wait until the status line has these words."""
        self.page.wait_for_function(
            "words => document.querySelector('.hcc-said')?.innerText.includes(words)", arg=words
        )
        return self.status

    @property
    def shown(self) -> str:
        """The question on the screen."""
        token = self.page.wait_for_selector(CARD).get_attribute("data-shown")
        return str(token).split(":")[0]

    def shows_other_than(self, question: str) -> str:
        self.page.wait_for_function(
            "old => { const el = document.querySelector('[data-shown]');"
            " return el && el.getClientRects().length && el.dataset.shown.split(':')[0] !== old }", arg=question
        )  # fmt: skip
        return self.shown

    def open_first(self) -> str:
        self.press("j", "Enter")
        return self.shown

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def page(results: Path, chromium: Any) -> Iterator[Served]:
    with served(results) as running:
        yield running


@pytest.fixture
def tab(page: Served, chromium: Any) -> Iterator[Tab]:
    opened = Tab(chromium, page.address)
    yield opened
    opened.close()


def wait_for(found: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 15
    while not found():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_open_filter_read_decide_reload_and_another_reader_sees_it(results: Path, tab: Tab) -> None:
    page = tab.page
    everything = int(tab.status.split()[0].replace(",", ""))
    page.get_by_label("Direction", exact=True).click()
    page.get_by_role("option", name="Supported but missing").click()
    tab.said("to 50")
    wait_for(lambda: int(tab.status.split()[0].replace(",", "")) < everything, "the filter narrows the list")
    page.get_by_label("Rule", exact=True).fill("CKD-1")
    page.get_by_role("option", name="CKD-1").first.click()
    page.keyboard.press("Escape")
    gaps = read_table(results, "gaps")
    expected = sum(
        1 for row in gaps.iter_rows(named=True) if row["rule_id"] == "CKD-1" and row["status"] == "open"
    )  # fmt: skip
    tab.said(f"{expected} questions;")
    assert set(page.locator(".hcc-queue .hcc-chip").all_inner_texts()) == {"Supported but missing"}

    page.locator("body").click(position={"x": 700, "y": 240})
    question = tab.open_first() if not page.locator(CARD).count() else tab.shown
    card = page.inner_text(CARD)
    assert "Two eGFR values of 30 to 44" in card
    assert "41 mL/min/1.73m2" in card
    assert "Evidence against it (1)" in card
    assert "61 mL/min/1.73m2" in card
    assert "N18.32 Chronic kidney disease, stage 3b" in card
    tab.press("1")
    page.wait_for_selector("text=Supported: why?")
    tab.press("2")
    following = tab.shows_other_than(question)
    tab.said("Saved: supported.")

    stored = read_reviews(results)
    assert stored["gap_id"].to_list() == [question], "another reader sees it at once"
    review = stored.row(0, named=True)
    assert (review["decision"], review["reviewer"]) == ("supported", "Ada Example")
    assert review["reason"] == "Documented and monitored or treated"
    seen = json.loads(review["seen"])
    assert (seen["evidence"], seen["for"], seen["against"]) == (3, 2, 1)

    page.reload()
    tab.ready()
    assert tab.shown == following, "a reload stays where it was"
    tab.press("g")
    tab.said("questions; ")
    page.get_by_label("Decisions", exact=True).click()
    page.get_by_role("option", name="Decided", exact=True).click()
    tab.said("1 question;")
    assert "supported, Ada Example" in page.inner_text(".hcc-queue tbody tr")
    assert not [line for line in tab.told if line.startswith("error")], tab.told


def test_twenty_questions_with_the_keyboard_alone(results: Path, tab: Tab) -> None:
    question = tab.open_first()
    met = [question]
    for number in range(20):
        if number == 3:
            tab.press("n")
            tab.page.keyboard.type("seen 1 2 3 jk?/")
            tab.press("Escape")
        decision, reason = str(number % 5 + 1), ("Enter" if number % 2 else "1")
        tab.press(decision)
        tab.page.wait_for_selector("text=why?")
        tab.press(reason)
        question = tab.shows_other_than(question)
        met.append(question)
    assert len(set(met)) == 21, "no question came twice"
    stored = read_reviews(results)
    leads = [gap for gap in stored["gap_id"] if gap in met]
    assert sorted(leads) == sorted(met[:20])
    decided = dict(zip(stored["gap_id"], stored["decision"], strict=True))
    names = ["supported", "not_supported", "query_provider", "defer", "not_reviewable"]
    assert [decided[gap] for gap in met[:20]] == [names[i % 5] for i in range(20)]
    notes = dict(zip(stored["gap_id"], stored["note"], strict=True))
    assert notes[met[3]] == "seen 1 2 3 jk?/", "what is typed into a field is no key"
    assert notes[met[4]] == "", "a note belongs to one question"
    assert "What do these findings mean" in notes[met[2]] or "How would you describe" in notes[met[2]], (
        "the query is kept"
    )


def test_undo_is_a_new_decision(results: Path, tab: Tab) -> None:
    question = tab.open_first()
    tab.press("1", "Enter")
    tab.shows_other_than(question)
    tab.press("u")
    tab.said("Decide again")
    assert tab.shown == question
    assert "supported by Ada Example" in tab.page.inner_text(".hcc-history")
    tab.press("2", "Enter")
    tab.said("Saved: not supported")
    stored = read_reviews(results)
    assert [row["decision"] for row in stored.iter_rows(named=True) if row["gap_id"] == question] == [
        "supported",
        "not_supported",
    ]


def test_moving_between_questions_and_members(tab: Tab) -> None:
    first = tab.open_first()
    member = tab.page.inner_text("#hcc-heading")
    tab.press("j")
    second = tab.shows_other_than(first)
    tab.press("k")
    assert tab.shows_other_than(second) == first
    for _ in range(6):
        tab.press("j")
        here = tab.shown
        tab.page.wait_for_timeout(150)
        if tab.page.inner_text("#hcc-heading") != member:
            break
    assert tab.page.inner_text("#hcc-heading") != member, f"j leaves the member after its last question ({here})"


def test_two_coders_lose_nothing(results: Path, page: Served, tab: Tab, chromium: Any) -> None:
    """A second page in a process of its own, on the same file, at the same question."""
    question = tab.open_first()
    with served(results, "Bob Example") as other:
        bob = Tab(chromium, other.address)
        assert bob.open_first() == question
        bob.press("1", "Enter")
        bob.shows_other_than(question)
        tab.page.wait_for_selector("text=Bob Example just decided: supported", state="attached")
        assert "supported by Bob Example" in tab.page.inner_text(".hcc-history")
        tab.press("2", "Enter")
        tab.said("Saved: not supported")
        bob.close()
    told = [
        (row["reviewer"], row["decision"])
        for row in read_reviews(results).iter_rows(named=True)
        if row["gap_id"] == question
    ]
    assert told == [("Bob Example", "supported"), ("Ada Example", "not_supported")]


def test_news_from_others_leaves_the_focus_where_it_was(results: Path, tab: Tab) -> None:
    tab.press("j", "j", "j")
    row = "document.activeElement.dataset.open"
    third = tab.page.evaluate(row)
    first = tab.page.locator(OPEN).first.get_attribute("data-open")
    append_review(results, gap_id=first, decision="supported", reviewer="eve")
    tab.page.wait_for_function("document.querySelector('.hcc-progress').innerText.startsWith('1 of')")
    tab.page.wait_for_function(
        "lead => document.querySelector('.hcc-queue .hcc-open').dataset.open !== lead", arg=first
    )
    assert tab.page.evaluate(row) == third
    tab.press("Enter")
    assert tab.shown == third
    tab.press("Escape")
    tab.page.wait_for_selector(OPEN)
    tab.page.wait_for_function(f"id => {row} === id", arg=third)


def test_a_key_that_meets_a_changed_screen_decides_nothing(results: Path, tab: Tab) -> None:
    question = tab.open_first()
    tab.page.evaluate("emitEvent('hcc_key', {key: '1', shown: 'another question:'})")
    tab.said("The screen had changed")
    append_review(results, gap_id=question, decision="supported", reviewer="eve")
    tab.page.evaluate("emitEvent('hcc_key', {key: '1', shown: document.querySelector('[data-shown]').dataset.shown})")
    tab.page.evaluate(
        "emitEvent('hcc_key', {key: 'Enter', shown: document.querySelector('[data-shown]').dataset.shown})"
    )
    tab.page.wait_for_selector("text=eve", state="attached")
    tab.page.wait_for_timeout(300)
    assert read_reviews(results)["reviewer"].to_list() == ["eve"], "decided only by who had not seen anything else"


def test_a_second_run_of_the_engine_while_the_page_is_open(results: Path, tab: Tab) -> None:
    question = tab.open_first()
    tab.press("1", "Enter")
    tab.shows_other_than(question)
    make_results(results, 125, run_id="second run", overwrite=True)
    tab.page.wait_for_timeout(1500)
    tab.press("g")
    tab.page.wait_for_selector(OPEN)
    assert read_reviews(results)["gap_id"].to_list().count(question) == 1
    assert "1 of " in tab.page.inner_text(".hcc-progress")
    tab.press("u")
    tab.said("Decide again")
    assert "supported by Ada Example" in tab.page.inner_text(".hcc-history")


def test_a_question_that_is_gone_is_told_and_what_was_typed_stays(results: Path, tab: Tab) -> None:
    tab.open_first()
    tab.press("n")
    tab.page.keyboard.type("read the chart")
    tab.press("Escape", "1")
    make_results(results, 1, run_id="second run", overwrite=True)
    tab.press("Enter")
    tab.said("nothing was stored")
    tab.page.wait_for_selector(".hcc-warning")
    assert "not in the results any more" in tab.page.inner_text(".hcc-warning")
    assert tab.page.input_value(".hcc-note-field textarea") == "read the chart"
    assert read_reviews(results).is_empty()


def test_a_decision_needs_a_name(results: Path, tab: Tab) -> None:
    tab.page.get_by_label("Reviewer").fill("")
    tab.page.get_by_label("Reviewer").press("Escape")
    tab.open_first()
    tab.press("1")
    tab.said("Write your name")
    assert tab.page.evaluate("document.activeElement.closest('.hcc-reviewer') !== null")
    assert read_reviews(results).is_empty()


def test_the_whole_member_on_one_screen(tab: Tab, page: Served) -> None:
    tab.open_first()
    tab.press("w")
    tab.page.wait_for_selector("#hcc-whole-heading:visible")
    told = tab.page.inner_text(".hcc-whole")
    for words in (
        "Part C risk score",
        "Raw score",
        "Conditions and the diagnoses behind them",
        "Diagnoses that did not count",
    ):
        assert words in told
    tab.press("w")
    assert tab.shown
    tab.page.goto(f"{page.address}member")
    tab.ready()
    tab.page.get_by_label("Member id").fill("T000007")
    tab.page.get_by_label("Member id").press("Enter")
    tab.page.wait_for_selector("text=Member T000007, payment year 2026")
    assert "T000007" not in tab.page.url
    tab.page.get_by_label("Member id").fill("nobody")
    tab.page.get_by_label("Member id").press("Enter")
    tab.said("no member with this member_id")


def test_help_and_back(tab: Tab) -> None:
    tab.open_first()
    tab.press("?")
    tab.page.wait_for_selector("#hcc-help-heading:visible")
    assert "not supported" in tab.page.inner_text(".hcc-help-page")
    tab.press("Escape")
    assert tab.shown


# -- who may see it, and what leaves the machine ----------------------------------------------------------------------


def status_of(url: str, **headers: str) -> int:
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_nothing_without_the_token(page: Served, tab: Tab) -> None:
    library = next(url for url in tab.asked if "/_nicegui/" in url and url.endswith(".js"))
    assert status_of(page.address) == 200
    assert status_of(library) == 200
    token = urlsplit(page.address).path.strip("/")
    for path in (
        "",
        "member",
        "_nicegui_ws/socket.io/?EIO=4&transport=polling",
        urlsplit(library).path.split("/", 2)[2],
    ):
        assert status_of(f"{page.base}/{path}") == 403, path
        assert status_of(f"{page.base}/{token[:-1]}x/{path}") == 403, path
    assert status_of(page.address, Host="evil.example") == 403


def test_no_websocket_without_the_token(page: Served) -> None:
    where = urlsplit(page.address)
    assert where.hostname is not None

    def handshake(path: str, origin: str) -> str:
        with socket.create_connection((where.hostname, where.port), timeout=10) as wire:
            wire.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                f"Origin: {origin}\r\n\r\n".encode()
            )
            return wire.recv(200).decode("latin-1").split("\r\n")[0]

    ours = f"http://{where.netloc}"
    path = "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert " 403 " in handshake(f"/{path}", ours)
    assert " 403 " in handshake(f"/wrong/{path}", ours)
    assert " 403 " in handshake(f"{where.path}{path}", "http://evil.example")
    assert " 101 " in handshake(f"{where.path}{path}", ours)


def test_no_member_leaves_the_page(results: Path, page: Served, tab: Tab) -> None:
    question = tab.open_first()
    member = tab.page.inner_text("#hcc-heading").removeprefix("Member ")
    tab.press("3", "Enter")
    tab.shows_other_than(question)
    tab.press("w")
    tab.page.wait_for_selector("#hcc-whole-heading:visible")
    hosts = {urlsplit(url).netloc for url in tab.asked if not url.startswith("data:")}
    assert hosts == {urlsplit(page.address).netloc}, "nothing is loaded from elsewhere"
    for url in [*tab.asked, tab.page.url]:
        assert member not in url
        assert question not in url
    assert tab.context.cookies() == []
    said = page.errors.read_text()
    assert member not in said
    assert question not in said
    assert not [line for line in tab.told if member in line or line.startswith("error")], tab.told
    made = {path.name for path in results.parent.iterdir()}
    assert made <= {"results.duckdb", "results.duckdb.reviews.sqlite", "results.duckdb.reviews.sqlite-wal",
                    "results.duckdb.reviews.sqlite-shm", page.errors.name}  # fmt: skip


HOSTILE = "<img src=x onerror='window.pwned=1'></script><script>window.pwned=1</script>`${window.pwned=1}`{{ 7*7 }}"


def test_hostile_text_is_text(tmp_path: Path, chromium: Any) -> None:
    results = make_results(tmp_path / "results.duckdb", 30, hostile=HOSTILE)
    with served(results, "<b>Eve</b>") as running:
        tab = Tab(chromium, running.address)
        tab.open_first()
        tab.press("n")
        tab.page.keyboard.type(HOSTILE)
        tab.press("Escape", "1", "Enter")
        tab.said("Saved")
        tab.press("u")
        tab.said("Decide again")
        tab.press("w")
        tab.page.wait_for_selector("#hcc-whole-heading:visible")
        tab.press("g")
        tab.page.wait_for_selector(OPEN)
        assert "{{ 7*7 }}" in tab.page.inner_text(".hcc-queue")
        assert tab.page.evaluate("window.pwned") is None
        assert tab.page.locator("img").count() == 0
        assert not [line for line in tab.told if line.startswith("error")], tab.told
        tab.close()
    assert read_reviews(results)["note"][0] == HOSTILE


# -- accessibility ----------------------------------------------------------------------------------------------------


def violations(page: Any) -> list[str]:
    """What axe-core finds, one line each."""
    import axe_playwright_python

    script = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    page.wait_for_timeout(400)  # labels of fields move for a moment
    page.evaluate(script)
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [f"{entry['id']}: {entry['nodes'][0]['html'][:160]}" for entry in found]


def test_every_screen_passes_an_accessibility_check(page: Served, chromium: Any) -> None:
    tab = Tab(chromium, page.address, bypass_csp=True)  # our policy would not let axe in
    screens = {"queue": violations(tab.page)}
    tab.open_first()
    screens["member"] = violations(tab.page)
    tab.press("3")
    tab.page.wait_for_selector("text=Query provider: why?")
    screens["query"] = violations(tab.page)
    tab.press("Escape", "w")
    tab.page.wait_for_selector("#hcc-whole-heading:visible")
    screens["whole member"] = violations(tab.page)
    tab.press("?")
    tab.page.wait_for_selector("#hcc-help-heading:visible")
    screens["help"] = violations(tab.page)
    tab.close()
    assert not any(screens.values()), screens


_RATIO = """
() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const f = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 };
  const light = ([r, g, b]) => { return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b) };
  const ground = (el) => { for (; el; el = el.parentElement) { const c = rgb(getComputedStyle(el).backgroundColor);
    if (c.length && (c[3] === undefined || c[3] > 0.99)) return c } return [255, 255, 255] };
  const poor = [];
  for (const el of document.querySelectorAll('body *')) {
    if (!el.getClientRects().length || el.closest('.q-icon, script, style')) continue;
    const own = [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || el.getBoundingClientRect().width <= 1) continue;
    const svg = el.closest('svg'), style = getComputedStyle(el);
    const a = light(rgb(svg ? style.fill : style.color)), b = light(ground(el));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${el.outerHTML.slice(0, 100)}`);
  }
  return poor;
}"""


def test_contrast_of_every_text(tab: Tab) -> None:
    assert tab.page.evaluate(_RATIO) == []
    tab.open_first()
    tab.page.wait_for_timeout(400)
    assert tab.page.evaluate(_RATIO) == []


def test_every_control_is_reached_by_tab_and_shows_its_focus(tab: Tab) -> None:
    wanted = tab.page.evaluate(
        "() => [...document.querySelectorAll('input, button, [role=combobox], a[href]')]"
        ".filter(e => e.getClientRects().length && !e.disabled && e.tabIndex >= 0).length"
    )
    tab.page.evaluate("document.activeElement.blur()")
    reached, hidden = set(), []
    for _ in range(wanted + 20):
        tab.press("Tab")
        told = tab.page.evaluate(
            """() => { const e = document.activeElement; if (!e || e === document.body) return null;
            const field = e.closest('.q-field'); const s = getComputedStyle(e);
            const ring = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
            const seen = window.hccSeen = window.hccSeen || new Map(); if (!seen.has(e)) seen.set(e, seen.size);
            const told = ring || !!(field && field.className.includes('focused'));
            return [seen.get(e), told, e.outerHTML.slice(0, 90)] }"""
        )
        if told:
            reached.add(told[0])
            if not told[1]:
                hidden.append(told[2])
    assert len(reached) >= wanted - 2
    assert hidden == []
