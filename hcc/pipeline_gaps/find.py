"""Gaps of a scored population: evidence in, candidates per range of members, scenarios scored, differences out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from hcc.diagnoses import COUNTED
from hcc.errors import HccError, InputError
from hcc.gaps import Candidates, Shared, find_gap_candidates, scenarios, value_gaps
from hcc.intake import Inputs
from hcc.pipeline.frames import few
from hcc.pipeline.plan import Plan
from hcc.pipeline.population import ModelResult
from hcc.pipeline.recorded import form_of_added
from hcc.pipeline.run import Clock, Progress, Scored
from hcc.pipeline.side_by_side import side_by_side
from hcc.pipeline_gaps.contexts import Contexts, Piece, enrolled_as_of, members_as_of
from hcc.pipeline_gaps.evidence import population_evidence
from hcc.pipeline_gaps.history import earlier_diagnoses
from hcc.pipeline_gaps.notes import before_the_search, unidentified_note, unused_note
from hcc.pipeline_gaps.outliers import outlying_providers
from hcc.pipeline_gaps.parts import Part, Population
from hcc.pipeline_gaps.sources import Sources, as_of_day, read_sources
from hcc.pipeline_gaps.worth import worths
from hcc.results import Flags
from hcc.rules.gap_patterns import Recapture
from hcc.rules.gap_rules import GapRules, load_gap_rules
from hcc.rules.valuesets import ValueSets, load_valuesets

UNIDENTIFIED_FILLS = ("weaken", "indeterminate")
TABLES = ("gaps", "member_gaps", "gap_evidence")
_PLAIN = ({"layout": "canonical", "columns": {}}, {"layout": "canonical", "columns": None})
_MOST = 4  # pieces in work at once


class Sink(Protocol):
    """Takes result frames piece by piece."""

    def append(self, table: str, frame: pl.DataFrame) -> None: ...


@dataclass(frozen=True)
class GapOptions:
    """What a caller can choose. Paths or frames; None = not given."""

    history: Any = None
    pharmacy: Any = None
    observations: Any = None
    problems: Any = None
    chart_findings: Any = None
    as_of: date | None = None
    rules: str | Path | Iterable[str | Path] | None = None
    unidentified_fills: str = "weaken"
    layout: Any = None
    columns: Any = None
    """Of the tables above; None: those of the run."""

    def checked(self) -> GapOptions:
        """Itself; raises HccError for a word that is no option."""
        if self.unidentified_fills not in UNIDENTIFIED_FILLS:
            raise HccError(
                f"unidentified_fills is {self.unidentified_fills!r}, not one of {', '.join(UNIDENTIFIED_FILLS)}.",
                hint="'weaken' keeps such rows open one strength lower.",
            )
        return self

    @property
    def tables(self) -> dict[str, Any]:
        names = ("history", "pharmacy", "observations", "problems", "chart_findings")
        return {name: getattr(self, name) for name in names}


@dataclass(eq=False)
class GapRun:
    """What one search for gaps found, beside its tables: rules that could not be judged, counts, seconds."""

    as_of: date
    rules: GapRules
    unjudged: pl.DataFrame
    counts: dict[str, Any]
    timings: dict[str, float]
    notes: list[str]
    fingerprints: list[dict[str, Any]] = field(default_factory=list)
    rejected: Callable[[], pl.DataFrame] = pl.DataFrame


def gaps_of(
    population: Population,
    inputs: Inputs,
    sources: Sources,
    chosen: GapOptions,
    sink: Sink,
    *,
    flags: Flags | None = None,
    reviews: pl.DataFrame | None = None,
    progress: Progress | None = None,
) -> GapRun:
    """Find and value the gaps of a scored population; the tables go to ``sink`` range by range.

    ``population`` has to be of ``inputs``, ``sources`` from ``sources_of``. ``flags``: of earlier searches;
    ``reviews``: gap_id, decision, decided_at.
    """
    clock = Clock(progress)
    begun = time.perf_counter()
    plan = population.plan
    mappings = plan.options.mappings
    with clock.stage("gap rules", 0.0):
        rules, valuesets = load_gap_rules(chosen.rules or (), mappings=mappings), load_valuesets(mappings)
    as_of = as_of_day(chosen.as_of, sources, plan)
    sources = sources.as_known_on(as_of)
    options = {
        "reviews": reviews, "unidentified_fills": chosen.unidentified_fills,
        "mappings": Path(mappings) if mappings is not None else None,
    }  # fmt: skip
    found = GapRun(
        as_of, rules, pl.DataFrame(), {"gaps": 0, "evidence": 0, "by_status": {}}, clock.seconds,
        [
            *sources.notes, *before_the_search(sources, as_of),
            *(f"{r.id} is not judged: {r.why}" for r in rules.not_judged),
        ],
    )
    found.fingerprints, found.rejected = sources.fingerprints, sources.rejected
    enrolled = enrolled_as_of(inputs.enrollment, plan.decisions.lines.window, as_of)
    with clock.stage("outliers", 0.05):
        outliers = outlying_providers(population, inputs, sources, as_of, rules)
    shared, unused, unidentified = Shared(), Counter[str](), Counter[str]()
    for part in population.parts(sources, as_of):
        at = (part.offset, population.members)
        contexts = _contexts(part, enrolled, rules, valuesets, as_of, options, clock, at)
        unused.update(contexts.evidence.unused_results)
        unidentified.update(contexts.evidence.unidentified_fills)
        known = _by_member(flags, part.scored.members["member_id"])
        _search(replace(contexts, outliers=outliers, previous=known), population.piece, shared, sink, found, clock, at)
        del part, contexts  # before the next part is scored
    found.counts |= {"unused_results": dict(unused), "unidentified_fills": dict(unidentified)}
    found.notes += [*unidentified_note(unidentified), *unused_note(unused)]
    clock.seconds["gaps"] = time.perf_counter() - begun
    return found


def _search(
    contexts: Contexts, piece: int, shared: Shared, sink: Sink, found: GapRun, clock: Clock, at: tuple[int, int]
) -> None:
    """The gaps of a part of the members, ``piece`` at a time. ``at``: members before it and of all, for the progress."""
    frames = contexts.frames()

    def work(some: Piece) -> tuple[Candidates, pl.DataFrame, pl.DataFrame, dict[str, float]]:
        own = Clock()
        with own.stage("contexts"):
            context = contexts.context(frames, some)
        with own.stage("candidates"):
            candidates = find_gap_candidates(context, found.rules, shared)
        with own.stage("values"):
            gaps, member_gaps = _valued(contexts.scored, candidates, some.base, some.found, context.members)
        return candidates, gaps, member_gaps, own.seconds

    for some, (candidates, gaps, member_gaps, seconds) in side_by_side(work, contexts.pieces(frames, piece), _MOST):
        for stage, took in seconds.items():
            clock.seconds[stage] = clock.seconds.get(stage, 0.0) + took
        with clock.stage("writing gaps", _share(at[0] + some.stop, at[1])):
            for table, frame in zip(TABLES, (gaps, member_gaps, candidates.evidence), strict=True):
                sink.append(table, frame)
        found.unjudged = candidates.unjudged
        _count(found.counts, gaps, candidates.evidence)


def _share(done: int, members: int) -> float:
    """Of the work, for the progress."""
    return 0.1 + 0.9 * done / max(members, 1)


def _by_member(flags: Flags | None, member_id: pl.Series) -> pl.DataFrame | None:
    """member_index, gap_id, flagged_on of earlier searches, sorted by member; None where there were none."""
    if not flags or not len(member_id):
        return None
    index = member_id.to_frame("member_id").with_row_index("member_index")
    known = flags.of_members(member_id[0], member_id[-1]).join(index, on="member_id")
    return known.select("member_index", "gap_id", "flagged_on").sort("member_index")


def sources_of(plan: Plan, inputs: Inputs, chosen: GapOptions) -> Sources:
    """The claims and the tables of evidence, lazy. Raises InputError with the faults of all of them."""
    form = form_of_added(inputs.read_as, chosen.layout, chosen.columns)
    try:
        return read_sources(inputs, chosen.tables, plan.decisions.lines.window[0], plan.options.payment_year, **form)
    except InputError as error:
        if chosen.layout is not None or chosen.columns is not None or form in _PLAIN:
            raise
        raise InputError(
            error.message,
            hint="These tables are read with the layout and the columns of the run's own. Where they have others, say "
            "which: --layout canonical (layout=) for our own names, --columns (columns=) for others.",
        ) from None


def _contexts(
    part: Part,
    enrolled: pl.DataFrame | None,
    rules: GapRules,
    valuesets: ValueSets,
    as_of: date,
    options: dict[str, Any],
    clock: Clock,
    at: tuple[int, int],
) -> Contexts:
    """Contexts of a part of the members, with their evidence. ``at``: members before them and of all."""
    scored, sources = part.scored, part.sources
    members = members_as_of(scored, enrolled)
    with clock.stage("history", _share(*at)):
        earlier = earlier_diagnoses(sources, scored, _years(rules), as_of)
    with clock.stage("evidence", _share(*at)):
        evidence = population_evidence(sources, scored.plan, rules, valuesets, members, as_of, _counted(scored))
    return Contexts(scored, members, earlier, sources.coverage, valuesets, as_of, options, evidence)


def _years(rules: GapRules) -> int:
    """Years that recapture looks back on."""
    return max((rule.pattern.years for rule in rules.enabled if isinstance(rule.pattern, Recapture)), default=2)


def _counted(scored: Scored) -> pl.DataFrame:
    """member_index, diagnosis_code of counted diagnoses."""
    decided = scored.decided
    at = np.nonzero(decided.reason == COUNTED)[0]
    owner = decided.records["member"].to_numpy()[decided.record[at]]
    return pl.DataFrame(
        {"member_index": owner, "diagnosis_code": few(decided.code[at], scored.plan.codes.code.to_list())}
    ).unique()


def _valued(
    scored: Scored, candidates: Candidates, base: int, found: dict[str, ModelResult], members: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables gaps and member_gaps of ``members``, whose results are in ``found``, a range that begins at ``base``."""
    asked = scenarios(candidates)
    start = int(members["member_index"][0])
    worth = worths(scored, found, base, start, start + members.height, asked)
    cents = (pl.col("monthly_benchmark").cast(pl.Float64) * 100).round().cast(pl.Int64)
    people = members.select("member_index", cents.alias("benchmark_cents"))
    return value_gaps(candidates, asked, worth, people.with_columns(_payable_months(scored, start, members.height)))


def _payable_months(scored: Scored, start: int, size: int) -> list[pl.Series]:
    """payable_months_C …: months that the part pays for each member."""
    status, plan = scored.statuses, scored.plan
    rows = status.rows_of(start, start + size)
    owner = status.member[rows].astype(np.int64) - start
    months = []
    for part in sorted({payment.part for payment in plan.payments}):
        pays = np.logical_or.reduce([p.pays for p in plan.payments if p.part == part])[status.profile[rows]]
        counted = np.bincount(owner, np.where(pays, status.payable[rows], 0), size).astype(np.int64)
        months.append(pl.Series(f"payable_months_{part}", counted, dtype=pl.Int64))
    return months


def _count(counts: dict[str, Any], gaps: pl.DataFrame, evidence: pl.DataFrame) -> None:
    counts["gaps"] += gaps.height
    counts["evidence"] += evidence.height
    for direction, status, number in gaps.group_by("direction", "status").len().sort("direction", "status").iter_rows():
        name = f"{direction} {status}"
        counts["by_status"][name] = counts["by_status"].get(name, 0) + number
