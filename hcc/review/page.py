"""The page: header, queue, member's screen, the whole member, help; and what each key does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nicegui import app, events, ui

from hcc.errors import HccError
from hcc.review.desk import Desk, words_of
from hcc.review.filters import Filters
from hcc.review.markup import Html, cells, plain_button, table, tag
from hcc.review.member_screen import MemberScreen
from hcc.review.queue_view import QueueView
from hcc.review.whole import whole_member
from hcc.worklist import decisions, in_words, load_weights

KEYS = (
    ("j, k", "Next and previous: question in the queue, question or member on the member's screen"),
    ("Enter", "Open the question; while a reason is asked for: decide without one"),
    ("1 to 5", "Decide: " + ", ".join(decision.words for decision in decisions())),
    ("1 to 9", "Then choose the reason; Escape goes back"),
    ("n", "Write a note (Escape leaves the field, Ctrl+Enter decides)"),
    ("u", "Back to the question decided last, to decide it again"),
    ("e", "Timeline: everything, or only this question's evidence"),
    ("w", "The whole member on one screen: every factor, every diagnosis, and why"),
    ("/", "Filters"),
    ("g or Escape", "Back to the queue"),
    ("?", "This help"),
)
_HINTS = {
    "queue": "j k move · Enter open · / filter · ? help",
    "member": "1–5 decide · n note · j k next · u undo · w whole member · Esc queue · ? help",
    "whole": "w back to the question · Esc queue · ? help",
    "help": "Esc back",
}
_FOLDER = Path(__file__).parent
_EVERY_SECONDS = 1.0


def build(desk: Desk, reviewer: str) -> None:
    """Register the page. ``reviewer`` is the name offered in a new tab."""

    @ui.page("/", title="Review")
    async def review() -> None:
        await _Tab(desk, reviewer).start("queue")

    @ui.page("/member", title="Review: member")
    async def member() -> None:
        await _Tab(desk, reviewer).start("whole")


class _Tab:
    """One browser tab: what it shows is kept on the server, so that a reload or a lost connection changes nothing."""

    def __init__(self, desk: Desk, reviewer: str) -> None:
        self.desk = desk
        self.view = "queue"
        self.trail: list[str] = []
        self.version = desk.version
        self._busy = asyncio.Lock()  # keys are worked off one after the other
        self._ready = False
        self._kept: Any = {}  # until the browser is connected
        self._default = reviewer
        self._behind = "queue"
        self._run_id: object = None
        ui.add_css((_FOLDER / "page.css").read_text(encoding="utf-8"))
        ui.colors(primary="#1f3a5f")
        self._build()

    def _build(self) -> None:
        with ui.header(elevated=False).classes("hcc-top"):
            ui.html('<span class="hcc-title">Review</span>', sanitize=False)
            self._about = ui.html("", sanitize=False).classes("hcc-about")
            self._progress = ui.html("", sanitize=False).classes("hcc-progress")
            self._reviewer = ui.input("Reviewer", value=self._default).props('outlined dense autocomplete="off"')
            self._reviewer.classes("hcc-reviewer").on("blur", self._save)
            ui.html(plain_button("Queue", "g") + plain_button("Help", "?"), sanitize=False).classes("hcc-topbuttons")
        with ui.element("div").classes("hcc-main").props('tabindex="-1"') as content:
            with ui.element("div") as self._queue_box:
                ui.html('<h1 class="hcc-hidden">Queue</h1>', sanitize=False)
                self.queue = QueueView(self.desk, self._queue_changed)
            with ui.element("div") as self._member_box:
                self.member = MemberScreen(self.desk)
            with ui.element("div") as self._whole_box:
                with ui.element("div").classes("hcc-find"):
                    self._find = ui.input("Member id").props('outlined dense autocomplete="off"')
                    self._find.on("keydown.enter", lambda: self.key("find", None))
                    ui.html(plain_button("Show member", "find"), sanitize=False)
                self._whole = ui.html("", sanitize=False)
            with ui.element("div") as self._help_box:
                ui.html(help_text(), sanitize=False)
        with ui.footer().classes("hcc-status"):
            self._said = ui.label("").classes("hcc-said").props('role="status" aria-live="polite"')
            self._hints = ui.label("").classes("hcc-keys")
        self._boxes = {
            "queue": self._queue_box, "member": self._member_box, "whole": self._whole_box, "help": self._help_box
        }  # fmt: skip
        ui.skip_link("Skip to the content", target=content)
        ui.add_body_html(f"<script>{(_FOLDER / 'keys.js').read_text(encoding='utf-8')}</script>")
        ui.on("hcc_key", self._on_key)
        ui.on("hcc_open", self._on_open)
        self._show("queue")

    async def start(self, view: str) -> None:
        """Wait for the browser, restore what the tab showed, and follow the files from then on."""
        await self.queue.load()  # the first page is in the HTML: the browser has rows before it is connected
        self._tell_run()
        await ui.context.client.connected()
        self._kept = app.storage.tab  # held, because a tab that is just closing has no connection any more
        kept = self._kept.get("screen") or {}
        self._reviewer.value = kept.get("reviewer") or self._default
        self.trail = list(kept.get("trail") or [])
        filters, offset = Filters.from_dict(kept.get("filters") or {}), int(kept.get("offset") or 0)
        if filters != Filters() or offset:
            await self.queue.show(filters, offset)
        question = kept.get("question")
        if question and (kept.get("view") in ("member", "whole") or view == "whole"):
            await self._open(question)
        if view == "whole" or kept.get("view") == "whole":
            await self._guarded(self._show_whole(kept["whole"]) if kept.get("whole") else self._open_whole())
        await self.queue.load_choices()
        self._ready = True
        ui.run_javascript("hccReady()")
        ui.timer(_EVERY_SECONDS, self._follow)

    # -- what is shown --------------------------------------------------------------------------------------------

    def _show(self, view: str) -> None:
        self.view = view
        for name, box in self._boxes.items():
            box.set_visibility(name == view)
        self._hints.set_text(_HINTS[view])

    def say(self, words: str) -> None:
        """Tell the reviewer something, on the screen and to a screen reader."""
        self._said.set_text(words)

    async def _queue_changed(self, words: str) -> None:
        await self._tell_progress()
        if self.view == "queue":
            self.say(words)
        self._save()

    async def _open(self, question: str) -> None:
        if not await self.member.open(question):
            self.say("This question is not in the results any more.")
            return
        self._show("member")
        self._save()
        self.say("")
        ui.run_javascript("hccFocus('#hcc-heading'); window.scrollTo(0, 0)")

    async def _open_queue(self) -> None:
        self._show("queue")
        await self.queue.load()
        here = self.member.view.question["question"] if self.member.view else "first"
        ui.run_javascript(f"hccFocusRow({json.dumps(str(here))})")

    async def _open_whole(self) -> None:
        view = self.member.view
        if view is None:
            self._show("whole")
            ui.run_javascript("hccFocus('.hcc-find input')")
            return
        await self._show_whole(str(view.question["member_id"]))

    async def _show_whole(self, member_id: str) -> None:
        self._show("whole")
        content = await asyncio.to_thread(whole_member, self.desk, member_id)
        self._find.set_value(member_id)
        self._whole.set_content(content)
        self._save()
        self.say("")
        ui.run_javascript("hccFocus('#hcc-whole-heading'); window.scrollTo(0, 0)")

    def _tell_run(self) -> None:
        told = self.desk.run
        self._run_id = told.get("run_id")
        parts = [
            self.desk.path.name,
            f"payment year {told.get('payment_year')}",
            words_of(str(told.get("models") or "").split(",")),
            f"evidence up to {told['as_of']}" if told.get("as_of") else "",
            "" if self.desk.sought else "gaps were not looked for: 'hcc gaps' does it",
        ]
        self._about.set_content(tag("span", " · ".join(filter(None, parts))))

    async def _tell_progress(self) -> None:
        found = await asyncio.to_thread(self.desk.progress)
        total, settled = int(found["questions"]), int(found["settled"])
        bar = tag("progress", value=settled, max=max(total, 1), aria_label="Open questions decided")
        self._progress.set_content(Html(bar + tag("span", f"{settled:,} of {total:,} decided")))

    # -- what happens ---------------------------------------------------------------------------------------------

    async def _on_open(self, event: events.GenericEventArguments) -> None:
        async with self._busy:
            await self._guarded(self._open(str(event.args)))

    async def _on_key(self, event: events.GenericEventArguments) -> None:
        await self.key(str(event.args["key"]), str(event.args["shown"]))

    async def key(self, key: str, shown: str | None) -> None:
        """Do what a key says; ``shown`` is what was on the screen when it was pressed, None for a button elsewhere."""
        if not self._ready:
            return
        async with self._busy:
            await self._guarded(self._do(key, shown))

    async def _guarded(self, action: Any) -> None:
        try:
            await action
        except HccError as error:
            self.say(f"{error.message} {error.hint or ''}")

    async def _do(self, key: str, shown: str | None) -> None:
        if self.view == "help":
            if key in ("?", "Escape", "g"):
                await self._return()
        elif key == "?":
            self._behind = self.view
            self._show("help")
            ui.run_javascript("hccFocus('#hcc-help-heading'); window.scrollTo(0, 0)")
        elif key == "reset":
            await self.queue.reset()
        elif key == "copy":
            self.member.copy_query()
            self.say("The question is on the clipboard.")
        elif key == "g" or (key == "/" and self.view != "queue"):
            await self._open_queue()
            if key == "/":
                ui.run_javascript("hccFocus('.hcc-member-filter input')")
        elif key == "u":
            await self._undo()
        elif self.view == "queue":
            await self._do_in_queue(key)
        elif self.view == "whole":
            await self._do_with_whole(key)
        elif shown is not None and shown != self.member.token:
            self.say("The screen had changed when the key came; press it again.")
        else:
            await self._do_with_member(key)

    async def _return(self) -> None:
        """From the help back to what was on the screen before."""
        if self._behind == "queue":
            await self._open_queue()
        else:
            self._show(self._behind)
            ui.run_javascript("hccFocus('#hcc-heading, #hcc-whole-heading')")

    async def _do_in_queue(self, key: str) -> None:
        if key in ("next_page", "previous_page"):
            await self.queue.turn(1 if key == "next_page" else -1)

    async def _do_with_whole(self, key: str) -> None:
        view = self.member.view
        if key == "find":
            wanted = str(self._find.value or "").strip()
            if wanted:
                await self._show_whole(wanted)
        elif key == "w" and view is not None:
            await self._open(str(view.question["question"]))
        elif key in ("w", "Escape"):
            await self._open_queue()

    async def _do_with_member(self, key: str) -> None:
        if key.isdigit():
            await self._decided(await self._with_name(int(key)))
        elif key == "Enter" and self.member.pending is not None:
            await self._decided(await self.member.store("", self.name))
        elif key == "Escape":
            if not self.member.back():
                await self._open_queue()
        elif key in ("j", "k"):
            await self._move(1 if key == "j" else -1)
        elif key == "e":
            await self.member.toggle_evidence()
        elif key == "w":
            await self._open_whole()

    @property
    def name(self) -> str:
        """The reviewer of this tab."""
        return str(self._reviewer.value or "").strip()

    async def _with_name(self, number: int) -> str | None:
        if not self.name:
            self.say("Write your name into the field Reviewer first; every decision bears one.")
            ui.run_javascript("hccFocus('.hcc-reviewer input')")
            return None
        return await self.member.choose(number, self.name)

    async def _decided(self, words: str | None) -> None:
        """After a decision: the member's next undecided question, else the next member of the queue."""
        view = self.member.view
        if words is None or view is None:
            return
        here, member = str(view.question["question"]), str(view.question["member_id"])
        self.trail.append(here)
        self.version = self.desk.version
        following = self.member.next_undecided()
        if following is None:
            following = await asyncio.to_thread(self.desk.neighbour, self.queue.filters, here, member, 1)
        if following is None:
            await self._open_queue()
            self.say(f"Saved: {words}. That was the last question of this list.")
            return
        await self._open(following)
        await self._tell_progress()
        self.say(f"Saved: {words}. u goes back to it.")

    async def _move(self, step: int) -> None:
        view = self.member.view
        if view is None:
            return
        target = self.member.step_within(step)
        if target is None:
            here, member = str(view.question["question"]), str(view.question["member_id"])
            target = await asyncio.to_thread(self.desk.neighbour, self.queue.filters, here, member, step)
        if target is None:
            self.say("This is the last member of the list." if step > 0 else "This is the first member of the list.")
        else:
            await self._open(target)
            self.say("")

    async def _undo(self) -> None:
        if not self.trail:
            self.say("Nothing was decided in this tab yet.")
            return
        await self._open(self.trail.pop())
        self.say("Decide again: the new decision counts, the earlier one stays on record.")

    async def _follow(self) -> None:
        """Take in what others decided and a results file that was replaced."""
        try:
            version = await asyncio.to_thread(self.desk.refresh)
        except HccError as error:
            self.say(f"{error.message} The page tries again.")
            return
        if version == self.version:
            return
        async with self._busy:
            self.version = version
            if self.desk.run.get("run_id") != self._run_id:
                self._tell_run()
                await self.queue.load_choices()
            if self.view == "queue":
                await self.queue.load()
            elif self.view == "member":
                self.say(await self.member.reload() or self._said.text)
                await self._tell_progress()

    def _save(self) -> None:
        view = self.member.view
        self._kept["screen"] = {
            "view": self.view,
            "question": str(view.question["question"]) if view else None,
            "filters": asdict(self.queue.filters),
            "offset": self.queue.offset,
            "reviewer": self.name,
            "whole": str(self._find.value or ""),
            "trail": self.trail[-50:],
        }


def help_text() -> Html:
    """Keys, decisions and the rank, in words."""
    keys = [cells(tag("th", keys, scope="row"), words) for keys, words in KEYS]
    meanings = [cells(tag("th", d.words, scope="row"), d.meaning) for d in decisions()]
    lines = [tag("li", line) for line in in_words(load_weights())]
    return tag(
        "div",
        tag("h1", "Help", tabindex="-1", id="hcc-help-heading"),
        tag("section", tag("h2", "Keys"), table("Keys of this page", ("Key", "What it does"), keys), cls="hcc-card"),
        tag("section", tag("h2", "Decisions"), table("Decisions", ("Decision", "What it says"), meanings),
            tag("h2", "Priority"), tag("ul", *lines), cls="hcc-card"),
        plain_button("Back", "Escape"),
        cls="hcc-help-page",
    )  # fmt: skip
