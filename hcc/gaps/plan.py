"""Rules compiled to tables: measures (what is counted), uses (which rule reads which), conjunctions (what has to hold).

Terms of different rules that ask the same thing are one measure and are counted once. ``targets``, ``uses`` and
``conjunctions`` are small frames; the evaluation joins them to the members' signals, whatever the number of rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.needs import Needs, needs
from hcc.rules.gap_expressions import ALWAYS, Form, both, negated, parse_expression
from hcc.rules.gap_grammar import Rule, Settings, Target
from hcc.rules.gap_rules import GapRules
from hcc.rules.gap_terms import CkdStageTerm, IndexTerm, MemberTerm, Term
from hcc.rules.gap_windows import Window

TABLE_OF = {
    "fill": "pharmacy",
    "result": "observations",
    "ckd_stage": "observations",
    "index": "observations",
    "procedure": "claims",
    "diagnosis": "claims",
    "problem": "problems",
}
STRENGTHS = ("low", "medium", "high")
LATE, EARLY = 31, 92  # days that a table may begin late or end early and still speak for a year


@dataclass(frozen=True)
class Measure:
    """One thing to count. ``rule`` is set where the window moves with the diagnosis of that rule, else -1."""

    id: int
    term: Term
    first_day: date
    last_day: date
    rule: int = -1

    @property
    def kind(self) -> str:
        return self.term.kind

    @property
    def window(self) -> Window | None:
        return getattr(self.term, "window", None)


@dataclass(frozen=True)
class PlannedTarget:
    """One target of one rule, numbered through all rules; ``lacking``: the tables it asks and nobody gave."""

    id: int
    rule: int
    target: Target
    strength: str
    template: str
    lacking: tuple[str, ...] = ()

    @property
    def not_given(self) -> str:
        """``lacking`` as status_reason; "" where nothing is."""
        return "+".join(self.lacking) + "_not_given" if self.lacking else ""


@dataclass(frozen=True, eq=False)
class Plan:
    """All enabled rules, compiled for one context.

    ``uses``: rule, bit (UInt64 mask), measure, name. ``conjunctions``: target, need, forbid (UInt64).
    ``unknown``: by rule, the bits that nothing given can decide. ``unjudged``: rule id → tables that it lacks.
    """

    rules: tuple[Rule, ...]
    targets: tuple[PlannedTarget, ...]
    measures: tuple[Measure, ...]
    uses: pl.DataFrame
    conjunctions: pl.DataFrame
    unknown: pl.DataFrame
    unjudged: dict[str, tuple[str, ...]]
    needs: Needs
    settings: Settings = field(default_factory=Settings)
    asked_for: frozenset[str] = frozenset()

    def targets_of(self, rule: int) -> tuple[PlannedTarget, ...]:
        """Targets of one rule."""
        return tuple(target for target in self.targets if target.rule == rule)

    def measures_of_kind(self, *kinds: str) -> tuple[Measure, ...]:
        """Measures of some kinds."""
        return tuple(measure for measure in self.measures if measure.kind in kinds)

    @property
    def target_frame(self) -> pl.DataFrame:
        """target, rule (UInt16), strength (UInt8: 0 low … 2 high), unsupported, informational, asked_for (Boolean)."""
        return pl.DataFrame(
            {
                "target": [t.id for t in self.targets],
                "rule": [t.rule for t in self.targets],
                "strength": [STRENGTHS.index(t.strength) for t in self.targets],
                "unsupported": [self.rules[t.rule].direction == "unsupported" for t in self.targets],
                "informational": [t.target.informational for t in self.targets],
                "asked_for": [self.rules[t.rule].id in self.asked_for for t in self.targets],
            },
            schema={
                "target": pl.UInt16, "rule": pl.UInt16, "strength": pl.UInt8,
                "unsupported": pl.Boolean, "informational": pl.Boolean, "asked_for": pl.Boolean,
            },
        )  # fmt: skip


def form_of(rule: Rule, target: Target) -> Form:
    """What has to hold for a target: the rule's and its own ``when``, and neither ``unless``."""
    form = ALWAYS
    for text in filter(None, (rule.when, target.when)):
        form = both(form, parse_expression(text))
    for text in filter(None, (rule.unless, target.unless)):
        form = both(form, negated(parse_expression(text)))
    return form


def compiled(context: GapContext, rules: GapRules) -> Plan:
    """The plan of all enabled rules for this context."""
    measures: dict[object, Measure] = {}
    uses: list[tuple[int, int, int, str]] = []
    conjunctions: list[tuple[int, int, int]] = []
    unknown: list[tuple[int, int]] = []
    targets: list[PlannedTarget] = []
    unjudged: dict[str, tuple[str, ...]] = {}
    for number, rule in enumerate(rules.enabled):
        bit_of = {name: 1 << position for position, name in enumerate(rule.terms)}
        blind = 0
        for name, term in rule.terms.items():
            measure = _measure(measures, term, number, context)
            uses.append((number, bit_of[name], measure.id, name))
            if _cannot_be_known(term, measure, context, strict=rule.direction == "unsupported"):
                blind |= bit_of[name]
        if blind:
            unknown.append((number, blind))
        lacking = _lacking(rule, rule.terms, context)
        if lacking:
            unjudged[rule.id] = lacking
        for target in rule.targets or (Target(),):
            form = form_of(rule, target)
            asked = {name for part in form for name in part.need | part.forbid}
            planned = PlannedTarget(
                len(targets), number, target, target.strength or rule.strength, target.reason or rule.reason,
                _lacking(rule, asked, context),
            )  # fmt: skip
            targets.append(planned)
            for part in form:
                need = sum(bit_of[name] for name in part.need)
                forbid = sum(bit_of[name] for name in part.forbid)
                conjunctions.append((planned.id, need, forbid))
    return Plan(
        rules=rules.enabled,
        targets=tuple(targets),
        measures=tuple(measures.values()),
        uses=pl.DataFrame(
            uses,
            schema={"rule": pl.UInt16, "bit": pl.UInt64, "measure": pl.UInt16, "name": pl.String},
            orient="row",
        ),
        conjunctions=pl.DataFrame(
            conjunctions, schema={"target": pl.UInt16, "need": pl.UInt64, "forbid": pl.UInt64}, orient="row"
        ),
        unknown=pl.DataFrame(unknown, schema={"rule": pl.UInt16, "blind": pl.UInt64}, orient="row"),
        unjudged=unjudged,
        needs=needs(rules, context.valuesets),
        settings=rules.settings,
        asked_for=rules.asked_for,
    )


def _measure(measures: dict[object, Measure], term: Term, rule: int, context: GapContext) -> Measure:
    window: Window | None = getattr(term, "window", None)
    moving = window is not None and window.moves
    key = (term.model_copy(update={"words": ""}), rule if moving else -1)
    if key not in measures:
        first, last = (
            window.fixed(context.year_start, context.year_end, context.as_of)
            if window is not None
            else (context.year_start, context.as_of)
        )
        measures[key] = Measure(len(measures), term, first, last, rule if moving else -1)
    return measures[key]


def _cannot_be_known(term: Term, measure: Measure, context: GapContext, *, strict: bool) -> bool:
    """Whether no table given speaks for the days of the term; moving windows are judged row by row.

    ``strict`` (unsupported rules, which ask for absence): a table that begins more than a month late, or ends more than
    a quarter early, cannot say that there was nothing.
    """
    if isinstance(term, MemberTerm):
        return False
    covered = context.coverage.get(TABLE_OF[term.kind])
    if covered is None:
        return True
    if isinstance(term, CkdStageTerm | IndexTerm) or measure.rule >= 0:
        return False
    first, last = measure.first_day, measure.last_day
    window = measure.window
    if strict and window is not None and window.shape == "year":
        return covered[0] > first + timedelta(days=LATE) or covered[1] < last - timedelta(days=EARLY)
    return covered[0] > last or covered[1] < first


def _lacking(rule: Rule, names: Iterable[str], context: GapContext) -> tuple[str, ...]:
    """Tables that the rule asks by these of its terms, or requires, and that were not given."""
    kinds = [rule.terms[name].kind for name in names]
    needed = {TABLE_OF[kind] for kind in kinds if kind in TABLE_OF} | set(rule.requires)
    return tuple(sorted(table for table in needed if not context.given(table)))
