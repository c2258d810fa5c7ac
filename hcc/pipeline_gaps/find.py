"""Gaps of a scored population: evidence in, candidates per range of members, scenarios scored, differences out."""

from __future__ import annotations

import time
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
from hcc.gaps.patterns.outliers import provider_outliers, provider_panels
from hcc.intake import Inputs
from hcc.pipeline.frames import few
from hcc.pipeline.population import ModelResult
from hcc.pipeline.recorded import form_of_added
from hcc.pipeline.run import Clock, Progress, Scored
from hcc.pipeline.side_by_side import side_by_side
from hcc.pipeline_gaps.contexts import Contexts, Piece, as_known_on, members_as_of
from hcc.pipeline_gaps.evidence import population_evidence
from hcc.pipeline_gaps.history import earlier_diagnoses
from hcc.pipeline_gaps.sources import Sources, as_of_day, read_sources
from hcc.pipeline_gaps.worth import worths
from hcc.rules.gap_patterns import ProviderOutlier, Recapture
from hcc.rules.gap_rules import GapRules, load_gap_rules
from hcc.rules.valuesets import load_valuesets

UNIDENTIFIED_FILLS = ("weaken", "indeterminate")
TABLES = ("gaps", "member_gaps", "gap_evidence")
_PLAIN = ({"layout": "canonical", "columns": {}}, {"layout": "canonical", "columns": None})
_MOST = 4  # pieces in work at once
PIECE = 1 << 16  # members whose gaps are found at once: a shard. Each piece costs some 0.8 s whatever its size; of
# 1M members, with pieces of half the size the search took a quarter longer


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
    rules: str | Path | Iterable[str | Path] = ()
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
    scored: Scored,
    inputs: Inputs,
    chosen: GapOptions,
    sink: Sink,
    *,
    previous: pl.DataFrame | None = None,
    reviews: pl.DataFrame | None = None,
    progress: Progress | None = None,
) -> GapRun:
    """Find and value the gaps of a scored population; the tables go to ``sink`` range by range.

    ``scored`` has to be of ``inputs``, with its arrays kept. ``previous``: member_id, gap_id, flagged_on of an earlier
    search; ``reviews``: gap_id, decision, decided_at.
    """
    chosen = chosen.checked()
    clock = Clock(progress)
    begun = time.perf_counter()
    mappings = scored.plan.options.mappings
    with clock.stage("gap rules", 0.0):
        rules = load_gap_rules(chosen.rules, mappings=mappings)
    with clock.stage("evidence tables", 0.02):
        sources = _sources(scored, inputs, chosen)
        as_of = as_of_day(chosen.as_of, sources, scored.plan)
    options = {
        "reviews": reviews, "unidentified_fills": chosen.unidentified_fills,
        "mappings": Path(mappings) if mappings is not None else None,
    }  # fmt: skip
    contexts = _contexts(scored, inputs, sources, rules, as_of, options, clock)
    contexts = replace(contexts, previous=_by_member(previous, scored.members["member_id"]))
    frames, shared = contexts.frames(), Shared()
    found = GapRun(
        as_of, rules, pl.DataFrame(), {"gaps": 0, "evidence": 0, "by_status": {}}, clock.seconds, sources.notes
    )
    found.fingerprints, found.rejected = sources.fingerprints, sources.rejected

    def work(piece: Piece) -> tuple[Candidates, pl.DataFrame, pl.DataFrame, dict[str, float]]:
        own = Clock()
        with own.stage("contexts"):
            context = contexts.context(frames, piece)
        with own.stage("candidates"):
            candidates = find_gap_candidates(context, rules, shared)
        with own.stage("values"):
            gaps, member_gaps = _valued(contexts.scored, candidates, piece.base, piece.found, context.members)
        return candidates, gaps, member_gaps, own.seconds

    for piece, (candidates, gaps, member_gaps, seconds) in side_by_side(work, contexts.pieces(frames, PIECE), _MOST):
        for stage, took in seconds.items():
            clock.seconds[stage] = clock.seconds.get(stage, 0.0) + took
        with clock.stage("writing gaps", 0.4 + 0.6 * piece.stop / max(contexts.members.height, 1)):
            for table, frame in zip(TABLES, (gaps, member_gaps, candidates.evidence), strict=True):
                sink.append(table, frame)
        found.unjudged = candidates.unjudged
        _count(found.counts, gaps, candidates.evidence)
    clock.seconds["gaps"] = time.perf_counter() - begun
    return found


def _by_member(previous: pl.DataFrame | None, member_id: pl.Series) -> pl.DataFrame | None:
    """member_index, gap_id, flagged_on of an earlier search, sorted by member."""
    if previous is None:
        return None
    index = member_id.to_frame("member_id").with_row_index("member_index")
    return previous.join(index, on="member_id").select("member_index", "gap_id", "flagged_on").sort("member_index")


def _sources(scored: Scored, inputs: Inputs, chosen: GapOptions) -> Sources:
    plan = scored.plan
    form = form_of_added(inputs.read_as, chosen.layout, chosen.columns)
    try:
        return read_sources(
            inputs, chosen.tables, plan.decisions.lines.window[0], plan.options.payment_year, **form
        )
    except InputError as error:
        if chosen.layout is not None or chosen.columns is not None or form in _PLAIN:
            raise
        raise InputError(
            error.message,
            hint="These tables are read with the layout and the columns of the run's own. Where they have others, say "
            "which: --layout canonical (layout=) for our own names, --columns (columns=) for others.",
        ) from None


def _contexts(
    scored: Scored,
    inputs: Inputs,
    sources: Sources,
    rules: GapRules,
    as_of: date,
    options: dict[str, Any],
    clock: Clock,
) -> Contexts:
    valuesets = load_valuesets(scored.plan.options.mappings)
    with clock.stage("as of", 0.05):
        known = as_known_on(scored, as_of)
        members = members_as_of(known, inputs.enrollment, as_of)
    with clock.stage("history", 0.08):
        earlier = earlier_diagnoses(sources, known, _years(rules), as_of)
    contexts = Contexts(known, members, earlier, sources.coverage, valuesets, as_of, options)
    with clock.stage("evidence", 0.15):
        counted = _counted(known)
        evidence = population_evidence(sources, scored.plan, rules, valuesets, members, as_of, counted)
    with clock.stage("outliers", 0.35):
        outliers = _outliers(contexts, rules)
    return replace(contexts, evidence=evidence, outliers=outliers)


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


def _outliers(contexts: Contexts, rules: GapRules) -> pl.DataFrame | None:
    """Outlying providers of the whole population; None where the rule is off."""
    patterns = [rule.pattern for rule in rules.enabled if isinstance(rule.pattern, ProviderOutlier)]
    if not patterns:
        return None
    frames = contexts.frames()
    mapping = pl.concat(
        [
            rules.diagnosis_to_hcc.select("diagnosis_code", "hcc").with_columns(
                pl.lit(rules.model).alias("model"), pl.lit(rules.calibration).alias("calibration")
            )
            for rules in contexts.models
        ]
    )
    panels, by_hcc = [], []
    for start, stop, _ in contexts.scored.results:
        panel, shares = provider_panels(contexts.diagnoses(frames, start, stop), mapping)
        panels.append(panel)
        by_hcc.append(shares)
    key = ["rendering_npi", "model", "calibration", "hcc"]
    panel = pl.concat(panels).group_by("rendering_npi").agg(pl.col("panel").sum())
    shares = pl.concat(by_hcc).group_by(key).agg(pl.col("members").sum())
    return pl.concat([provider_outliers(panel, shares, pattern) for pattern in patterns]).unique(key)


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
