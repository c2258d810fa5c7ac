"""The queue: filters above, one page of questions below. Filtering, ordering and paging happen in DuckDB."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import events, ui

from hcc.review.desk import PAGE_ROWS, Desk, Page, Row
from hcc.review.filters import CLOCKS, PROGRESS, SORTS, STATUSES, Filters
from hcc.review.markup import day, dollars, plain_button, signed
from hcc.review.screens import decision_words, rule_words
from hcc.worklist.words import DIRECTIONS, model_words

_COLUMNS = (
    ("priority", "Priority", "right"),
    ("member", "Member", "left"),
    ("direction", "Direction", "left"),
    ("condition", "Condition", "left"),
    ("found", "What was found", "left"),
    ("strength", "Strength", "left"),
    ("value", "Score", "right"),
    ("dollars", "Dollars", "right"),
    ("clock", "Return by", "left"),
    ("evidence", "Last evidence", "left"),
    ("decision", "Decision", "left"),
)
_DESCENDING = ("priority", "value", "dollars", "evidence")  # the largest or newest first
_SLOTS = {
    "member": '<button type="button" class="hcc-open" :data-open="props.row.id">{{ props.value }}</button>',
    "direction": "<span :class=\"'hcc-chip hcc-' + props.row.side\">{{ props.value }}</span>",
    "condition": '<div class="hcc-one">{{ props.value }}</div>'
    '<div class="hcc-small hcc-one">{{ props.row.model }}</div>',
    "found": '<div class="hcc-two">{{ props.value }}</div>'
    '<div class="hcc-small hcc-one" :title="props.row.rule">{{ props.row.rule }}</div>',
    "clock": "<span :class=\"props.row.late ? 'hcc-day hcc-late' : 'hcc-day'\">{{ props.value }}</span>",
    "evidence": '<span class="hcc-day">{{ props.value }}</span>',
}


class QueueView:
    """Filters and table of one tab. ``changed`` is awaited after every new page."""

    def __init__(self, desk: Desk, changed: Callable[[str], Awaitable[None]]) -> None:
        self._desk = desk
        self._changed = changed
        self.filters = Filters()
        self.offset = 0
        self.page = Page([], 0, 0)
        self._quiet = False
        self._fields: dict[str, Any] = {}
        self._build()

    def _build(self) -> None:
        with ui.element("section").classes("hcc-filters").props('role="search" aria-label="Filters of the queue"'):
            self._member_field()
            self._select("direction", "Direction", {"": "Both", **DIRECTIONS})
            self._select("rules", "Rule", {}, several=True)
            self._select("hccs", "HCC", {}, several=True)
            self._select("strengths", "Strength", {name: name for name in ("high", "medium", "low")}, several=True)
            self._select("progress", "Decisions", PROGRESS)
            self._select("clock", "Clock", CLOCKS)
            self._text("provider", "PCP (NPI starts with)")
            self._number()
            self._select("status", "Status", {"": "Any", **{name: name for name in STATUSES}})
            self._select("sort", "Order", {name: words for name, (words, _) in SORTS.items()})
            ui.html(plain_button("Reset filters", "reset"), sanitize=False)
        with ui.element("section").classes("hcc-queue").props('aria-label="Queue"'):
            columns = [
                {"name": name, "label": label, "field": name, "align": align, "sortable": name in SORTS}
                for name, label, align in _COLUMNS
            ]
            self.table = ui.table(rows=[], columns=columns, row_key="id", pagination=self._pagination())
            self.table.props(f'dense flat wrap-cells binary-state-sort :rows-per-page-options="[{PAGE_ROWS}]"')
            for name, template in _SLOTS.items():
                self.table.add_slot(f"body-cell-{name}", f'<q-td :props="props">{template}</q-td>')
            self.table.add_slot("no-data", '<div class="hcc-empty">No question matches these filters.</div>')
            self.table.on("request", self._requested)

    def _member_field(self) -> None:
        self._text("member", "Member (id starts with)").classes("hcc-member-filter")

    def _text(self, name: str, label: str) -> ui.input:
        field = ui.input(label, on_change=lambda event: self._set(**{name: event.value or ""}))
        field.props('outlined dense clearable debounce="250" autocomplete="off"')
        self._fields[name] = field
        return field

    def _number(self) -> None:
        field = ui.number("Score change at least", min=0, step=0.05, format="%.3f",
                          on_change=lambda event: self._set(at_least=float(event.value or 0)))  # fmt: skip
        self._fields["at_least"] = field.props('outlined dense clearable debounce="250"')

    def _select(self, name: str, label: str, options: dict[str, str], *, several: bool = False) -> None:
        def change(event: events.ValueChangeEventArguments[Any]) -> Awaitable[None]:
            return self._set(**{name: tuple(event.value or ()) if several else event.value or ""})

        default = [] if several else getattr(self.filters, name)
        field = ui.select(options, label=label, value=default, multiple=several, with_input=several, on_change=change)
        field.props("outlined dense options-dense" + (" clearable" if several else ""))
        self._fields[name] = field

    async def load_choices(self) -> None:
        """Fill the lists of rules and HCCs from the results."""
        choices = await asyncio.to_thread(self._desk.choices)
        rules = {
            row["value"]: row["value"] if row["words"] == row["value"] else f"{row['value']} {row['words']}"
            for row in choices["rules"]
        }
        hccs = {
            row["value"]: f"{row['hcc']} {row['words'] or ''} ({model_words(row['model'])})" for row in choices["hccs"]
        }
        for name, options in (("rules", rules), ("hccs", hccs)):
            field = self._fields[name]
            self._quiet = True
            field.set_options(options, value=[value for value in field.value or [] if value in options])
            self._quiet = False

    async def show(self, filters: Filters, offset: int) -> None:
        """Set the filters, as after a reload of the tab, and load the page."""
        self.filters, self.offset = filters, offset
        self._put_fields()
        await self.load()

    async def reset(self) -> None:
        """Back to the defaults."""
        await self.show(Filters(), 0)

    async def turn(self, step: int) -> None:
        """The next or previous page, where there is one."""
        offset = self.offset + step * PAGE_ROWS
        if 0 <= offset < self.page.total:
            self.offset = offset
            await self.load()
            place = "last" if step < 0 else "first"
            ui.run_javascript(f"hccFocusRow('{place}')")

    async def load(self) -> None:
        """Read the page and put it into the table."""
        page = await asyncio.to_thread(self._desk.page, self.filters, self.offset)
        self.page, self.offset = page, page.offset
        self.table.rows = [self._row(row) for row in page.rows]
        self.table.pagination = self._pagination()
        self.table.update()
        first = page.offset + 1 if page.total else 0
        noun = "question" if page.total == 1 else "questions"
        await self._changed(f"{page.total:,} {noun}; {first:,} to {page.offset + len(page.rows):,} shown.")

    def _pagination(self) -> dict[str, Any]:
        return {
            "page": self.offset // PAGE_ROWS + 1, "rowsPerPage": PAGE_ROWS, "rowsNumber": self.page.total,
            "sortBy": self.filters.sort, "descending": self.filters.sort in _DESCENDING,
        }  # fmt: skip

    def _row(self, row: Row) -> dict[str, object]:
        models = " · ".join(
            f"{model_words(text.split(' ')[0])} {text.partition(' ')[2]}" for text in dict.fromkeys(row["hccs"])
        )
        by = f", {row['reviewer']}" if row["decision"] else ""
        return {
            "id": row["question"],
            "priority": f"{row['priority']:.1f}",
            "member": row["member_id"],
            "direction": DIRECTIONS.get(row["direction"], row["direction"]),
            "side": row["direction"],
            "condition": row["label"] or "",
            "model": models,
            "found": row["reason"],
            "rule": rule_words(row),
            "strength": row["strength"],
            "value": signed(row["score_change"]),
            "dollars": dollars(row["dollar_change"]),
            "clock": day(row["due_on"]),
            "late": bool(row["due_on"] and row["due_on"] < self._desk.today),
            "evidence": day(row["last_evidence_date"]),
            "decision": f"{decision_words(row['decision'])}{by}",
        }

    async def _set(self, **changes: Any) -> None:
        if self._quiet:
            return
        filters = self.filters.with_(**changes)
        if filters != self.filters:
            self.filters, self.offset = filters, 0
            await self.load()

    async def _requested(self, event: events.GenericEventArguments) -> None:
        asked = event.args["pagination"]
        sort = asked.get("sortBy") or "priority"
        if sort != self.filters.sort:
            self._quiet = True
            self._fields["sort"].set_value(sort)
            self._quiet = False
            self.filters = self.filters.with_(sort=sort)
            self.offset = 0
        else:
            self.offset = (int(asked.get("page") or 1) - 1) * PAGE_ROWS
        await self.load()

    def _put_fields(self) -> None:
        self._quiet = True
        try:
            for name, field in self._fields.items():
                value = getattr(self.filters, name)
                if name == "at_least":
                    value = value or None
                field.set_value(list(value) if isinstance(value, tuple) else value)
        finally:
            self._quiet = False
