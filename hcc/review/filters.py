"""What the queue shows: filters and order as SQL over ``questions q`` and ``decided d``, values as parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from hcc.worklist.decisions import SETTLED
from hcc.worklist.questions import DUE_ON, RANK_ORDER
from hcc.worklist.summary import SOON_DAYS

STATUSES = ("open", "indeterminate", "suppressed", "closed", "informational")
PROGRESS = {
    "to_do": "To do: no final decision",
    "new": "Nobody decided yet",
    "waiting": "Deferred or queried",
    "settled": "Decided",
    "all": "All",
}
CLOCKS = {
    "any": "Any",
    "overdue": "Overdue",
    "soon": f"Due within {SOON_DAYS} days",
    "month": "Due within 30 days",
    "none": "No return-by day",
}
SORTS = {
    "priority": ("Priority", RANK_ORDER),
    "value": ("Score change, largest first", "abs(score_change) DESC NULLS LAST, question"),
    "dollars": ("Dollars, largest first", "abs(dollar_change) DESC NULLS LAST, question"),
    "clock": ("Return-by day, earliest first", "due_on NULLS LAST, priority DESC, question"),
    "evidence": ("Last evidence, newest first", "last_evidence_date DESC NULLS LAST, question"),
    "member": ("Member", "member_id, priority DESC, question"),
}
DAYS = {"soon": SOON_DAYS, "month": 30}


@dataclass(frozen=True, slots=True)
class Filters:
    """The queue's filters; the defaults show what is open and not finally decided, in order of priority."""

    direction: str = ""
    rules: tuple[str, ...] = ()
    hccs: tuple[str, ...] = ()
    strengths: tuple[str, ...] = ()
    status: str = "open"
    progress: str = "to_do"
    clock: str = "any"
    provider: str = ""
    member: str = ""
    at_least: float = 0.0
    sort: str = "priority"

    def with_(self, **changes: Any) -> Filters:
        """A copy with other values."""
        return replace(self, **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Filters:
        """Filters as ``dataclasses.asdict`` gave them, lists for tuples allowed; unknown names are left out."""
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        given: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in known.items()}
        return cls(**given)

    @property
    def order(self) -> str:
        """ORDER BY of the chosen order; always total."""
        return SORTS[self.sort][1]

    def where(self, today: date) -> tuple[str, dict[str, object]]:
        """The condition and its parameters. ``due_on`` is computed here, because a decision moves it."""
        terms: list[str] = ["true"]
        values: dict[str, object] = {}

        def add(term: str, **given: object) -> None:
            terms.append(term)
            values.update(given)

        if self.direction:
            add("q.direction = $direction", direction=self.direction)
        if self.status:
            add("q.status = $status", status=self.status)
        if self.rules:
            add("list_contains($rules, q.rule_id)", rules=list(self.rules))
        if self.hccs:
            add("list_has_any(q.hccs, $hccs)", hccs=list(self.hccs))
        if self.strengths:
            add("list_contains($strengths, q.strength)", strengths=list(self.strengths))
        if self.provider.strip():
            add("starts_with(q.pcp_npi, $provider)", provider=self.provider.strip())
        if self.member.strip():
            add("starts_with(q.member_id, $member)", member=self.member.strip())
        if self.at_least > 0:
            add("abs(q.score_change) >= $at_least", at_least=self.at_least)
        terms.append(self._progress_term())
        if self.clock == "overdue":
            add(f"({DUE_ON}) < $today", today=today)
        elif self.clock in DAYS:
            add(f"({DUE_ON}) <= $until", until=today + timedelta(days=DAYS[self.clock]))
        elif self.clock == "none":
            terms.append(f"({DUE_ON}) IS NULL")
        return " AND ".join(terms), values

    def _progress_term(self) -> str:
        return {
            "to_do": f"(d.decision IS NULL OR d.decision NOT IN {SETTLED})",
            "new": "d.decision IS NULL",
            "waiting": f"(d.decision IS NOT NULL AND d.decision NOT IN {SETTLED})",
            "settled": f"d.decision IN {SETTLED}",
        }.get(self.progress, "true")
