"""The member's screen of one tab: the question with its evidence, and the panel in which it is decided."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import ui

from hcc.review import screens
from hcc.review.desk import Desk, Gone, Overtaken
from hcc.review.markup import Html, plain_button, tag
from hcc.review.member import MemberView, member_view
from hcc.review.query import provider_query
from hcc.worklist.decisions import Decision, decisions
from hcc.worklist.words import rule_texts

QUERY = "query_provider"


class MemberScreen:
    """Shows one question and takes a decision on it in two steps: the decision, then its reason."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.view: MemberView | None = None
        self.pending: Decision | None = None
        self.only_evidence = False
        self._warning = ""
        self._rules: dict[str, dict[str, str]] | None = None
        self._build()

    @property
    def token(self) -> str:
        """Names what is on the screen: the question and the latest decision shown with it. Keys bring it back."""
        if self.view is None:
            return ""
        return f"{self.view.question['question']}:{self.latest_seen or ''}"

    @property
    def latest_seen(self) -> str | None:
        """review_id of the latest decision on the screen."""
        return str(self.view.history[0]["review_id"]) if self.view and self.view.history else None

    def _build(self) -> None:
        self._who = _markup("hcc-memberbar")
        with ui.element("div").classes("hcc-three"):
            with ui.element("div").classes("hcc-left"):
                with ui.element("nav").props('aria-label="Questions of this member"'):
                    self._list = _markup()
                with ui.element("section").classes("hcc-panel").props('aria-label="Scores and HCCs"'):
                    self._scores = _markup()
            self._card = _markup()
            with ui.element("div").classes("hcc-right"):
                with ui.element("section").classes("hcc-panel").props('aria-label="Decision"'):
                    ui.html("<h2>Your decision</h2>", sanitize=False)
                    self._choice = _markup()
                    self._query = ui.textarea("Question to the provider (a draft; change what you like)")
                    self._query.props('outlined dense autogrow input-class="hcc-query"').classes("hcc-query-field")
                    self._copy = ui.html(plain_button("Copy the question", "copy"), sanitize=False)
                    self.note = ui.textarea("Note (key n)").props("outlined dense autogrow").classes("hcc-note-field")
                with ui.element("section").classes("hcc-panel").props('aria-label="Decisions so far"'):
                    ui.html("<h2>Decisions so far</h2>", sanitize=False)
                    self._history = _markup()

    async def open(self, question: str) -> bool:
        """Put a question on the screen; False where the results no longer have it."""
        view = await asyncio.to_thread(member_view, self._desk, question)
        if view is None:
            return False
        self.view, self.pending, self._warning = view, None, ""
        self.note.set_value("")
        self._query.set_value("")
        await self._render()
        return True

    async def reload(self) -> str:
        """Read the same question again, keeping what was typed; says who decided in between, if somebody did."""
        if self.view is None:
            return ""
        before, mine = self.latest_seen, self.view
        view = await asyncio.to_thread(member_view, self._desk, mine.question["question"])
        if view is None:
            return "This question is not in the results any more; go back to the queue (Escape)."
        self.view = view
        said = ""
        if self.latest_seen != before and view.history:
            newest = view.history[0]
            said = f"{newest['reviewer']} just decided: {screens.decision_words(newest['decision'])}."
            self._warning = f"{said} Your decision would come after it; nothing is lost."
        await self._render()
        return said

    async def toggle_evidence(self) -> None:
        """Show the whole timeline or only this question's evidence."""
        self.only_evidence = not self.only_evidence
        await self._render()

    async def choose(self, number: int, reviewer: str) -> str | None:
        """A digit: the decision first, then its reason. The decision's words once it is stored, else None."""
        if self.view is None:
            return None
        if self.pending is None:
            known = decisions()
            if number <= len(known):
                self.pending = known[number - 1]
                if self.pending.name == QUERY:
                    draft = provider_query(self.view.member, self.view.question, self.view.evidence, self._desk.today)
                    self._query.set_value(draft)
                self._render_choice()
            return None
        if number <= len(self.pending.reasons):
            return await self.store(self.pending.reasons[number - 1], reviewer)
        return None

    async def store(self, reason: str, reviewer: str) -> str | None:
        """Append the pending decision with a reason, or without one; its words, or None where nothing was stored.

        Raises Gone where the results no longer have the question; what was typed stays in the fields.
        """
        view, pending = self.view, self.pending
        if view is None or pending is None:
            return None
        note = str(self.note.value or "").strip()
        if pending.name == QUERY and self._query.value:
            note = "\n\n".join(filter(None, (note, f"Question sent:\n{str(self._query.value).strip()}")))

        def append() -> None:
            self._desk.decide(
                view.question["question"], pending.name, reviewer=reviewer, reason=reason, note=note, seen=view.seen(),
                latest_seen=self.latest_seen,
            )  # fmt: skip

        try:
            await asyncio.to_thread(append)
        except Overtaken as found:
            self.pending = None
            await self.reload()
            who, what = found.latest["reviewer"], screens.decision_words(found.latest["decision"])
            self._warning = f"{who} decided “{what}” while this was on your screen. Decide again if you still want to."
            self._render_choice()
            return None
        except Gone as found:
            self._warning = f"{found.message} {found.hint}"
            self._render_choice()
            raise
        self.pending = None
        return pending.words

    def back(self) -> bool:
        """Leave the choice of a reason; False where there was none."""
        if self.pending is None:
            return False
        self.pending = None
        self._render_choice()
        return True

    def step_within(self, step: int) -> str | None:
        """The member's next or previous question, in the order of the list."""
        if self.view is None:
            return None
        ids = [row["question"] for row in self.view.questions]
        place = ids.index(self.view.question["question"]) + step
        return str(ids[place]) if 0 <= place < len(ids) else None

    def next_undecided(self) -> str | None:
        """The member's first open question that nobody decided, other than the one on the screen."""
        if self.view is None:
            return None
        for row in self.view.questions:
            if (
                row["status"] == "open"
                and row["decision"] is None
                and row["question"] != self.view.question["question"]
            ):
                return str(row["question"])
        return None

    async def _render(self) -> None:
        view = self.view
        assert view is not None
        if self._rules is None:
            self._rules = await asyncio.to_thread(rule_texts)
        until = self._desk.run.get("as_of") or self._desk.today
        self._who.set_content(screens.who(view))
        self._list.set_content(screens.questions_list(view))
        rule = self._rules.get(view.question["rule_id"], {})
        card = screens.question_card(view, rule, token=self.token, only_evidence=self.only_evidence, until=until)
        self._card.set_content(card)
        self._scores.set_content(screens.scores_card(view))
        self._history.set_content(screens.history_list(view.history))
        self._render_choice()

    def _render_choice(self) -> None:
        parts: list[Html] = []
        if self._warning:
            parts.append(tag("p", self._warning, cls="hcc-warning"))
        if self.pending is None:
            parts += [_button(str(i), d.words, title=d.meaning) for i, d in enumerate(decisions(), start=1)]
        else:
            parts.append(tag("p", f"{self.pending.words.capitalize()}: why?", cls="hcc-chosen"))
            parts += [_button(str(i), reason) for i, reason in enumerate(self.pending.reasons, start=1)]
            parts += [_button("Enter", "without a reason"), _button("Escape", "back")]
        self._choice.set_content(tag("div", *parts, cls="hcc-decisions"))
        asking = self.pending is not None and self.pending.name == QUERY
        self._query.set_visibility(asking)
        self._copy.set_visibility(asking)

    def copy_query(self) -> None:
        """Put the question to the provider on the clipboard."""
        ui.clipboard.write(str(self._query.value or ""))


def _button(key: str, words: str, title: str = "") -> Html:
    shown = {"Escape": "Esc"}.get(key, key)
    return tag(
        "button",
        tag("kbd", shown),
        tag("span", words),
        type="button",
        data_key=key,
        title=title or None,
        cls="hcc-decide",
    )


def _markup(cls: str = "") -> Any:
    """An element whose content is our own escaped markup."""
    element = ui.html("", sanitize=False)
    return element.classes(cls) if cls else element
