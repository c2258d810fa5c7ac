"""A scored population for the search: whole, or part by part where its arrays and evidence would not fit into memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

import numpy as np
import polars as pl

from hcc.diagnoses import Room
from hcc.intake import Inputs
from hcc.pipeline.memory import MemoryLimit
from hcc.pipeline.plan import Plan
from hcc.pipeline.run import Progress, Scored
from hcc.pipeline.run import run as score_population
from hcc.pipeline.selection import Selection, diagnoses_are_told
from hcc.pipeline.statuses import Statuses
from hcc.pipeline_gaps.contexts import as_known_on
from hcc.pipeline_gaps.sources import Sources

PIECE = 1 << 16  # members whose gaps are found at once: a shard. Each piece costs some 0.8 s whatever its size; of
# 1M members, with pieces of half the size the search took a quarter longer
_LEAST_PIECE = 1 << 13
_OF_PIECES = 0.25  # of what is left; the rest is for the arrays and the evidence of a part
# Bytes at the peak, measured with 1M members of 20 lines, 32 diagnoses, 22 fills and 11 results (benchmarks/README.md):
_FIXED = 1_500_000_000  # libraries, tables of rules, the files being read
_PER_MEMBER = 250  # of everybody
_PER_MEMBER_OF_A_PIECE = 28_000
_PER_ROW = 70  # of the claims, diagnoses and evidence of everybody at once
_PER_ROW_OF_A_PART = 150  # what a part freed is not all of use to the next one
_CODES_ON_A_LINE = 2.5  # where diagnoses are no table of their own
_LEAST_PART, _MOST_PARTS = 1 << 15, 64  # members; every part reads the files through


@dataclass(frozen=True, eq=False)
class Part:
    """Consecutive members, scored, with the sources of these; the first of them is number ``offset`` of all."""

    scored: Scored
    sources: Sources
    offset: int


class Population(Protocol):
    """Scored members, as known on a day. ``piece``: of how many the gaps are found at once."""

    plan: Plan
    members: int
    piece: int

    def parts(self, sources: Sources, as_of: date) -> Iterator[Part]:
        """All of them, in order; may be asked for more than once."""


@dataclass(frozen=True)
class Sizes:
    """How many members are scored at once, and of how many of these the gaps are found at once."""

    part: int
    piece: int


def sizes(inputs: Inputs, sources: Sources, limit: MemoryLimit) -> Sizes:
    """What fits into ``limit``: everybody, where possible. A limit that would take more than _MOST_PARTS is not kept."""
    members = inputs.members.height
    left = max(limit.nbytes - _FIXED - members * _PER_MEMBER, 0)
    piece = min(max(int(left * _OF_PIECES / _PER_MEMBER_OF_A_PIECE), _LEAST_PIECE), PIECE)
    room = max(left - piece * _PER_MEMBER_OF_A_PIECE, 1)
    rows = _rows(inputs, sources)
    if rows * _PER_ROW <= room:
        return Sizes(members, piece)
    parts = min(math.ceil(rows * _PER_ROW_OF_A_PART / room), _MOST_PARTS)
    return Sizes(max(math.ceil(members / parts), min(_LEAST_PART, members)), piece)


def _rows(inputs: Inputs, sources: Sources) -> float:
    """Rows of claims, diagnoses and evidence."""
    read = {one["table"]: one["rows"] for one in (*inputs.fingerprints, *sources.fingerprints)}
    lazy = {"claims": sources.lines, "claim_diagnoses": sources.current, **sources.extras}
    rows = 0.0
    for table, known in read.items():
        if table in ("members", "enrollment"):
            continue
        if known is None and table in lazy:
            known = lazy[table].select(pl.len()).collect(engine="streaming").item()
        on_lines = table == "history" or (table == "claims" and "claim_diagnoses" not in read)
        rows += (known or 0) * (1 + _CODES_ON_A_LINE if on_lines else 1)
    return rows


class Whole:
    """Everybody at once."""

    def __init__(self, scored: Scored, piece: int | None = None) -> None:
        self.plan, self.members, self.piece = scored.plan, scored.members.height, piece or PIECE
        self._scored = scored

    def parts(self, sources: Sources, as_of: date) -> Iterator[Part]:
        self._scored = as_known_on(self._scored, as_of)
        yield Part(self._scored, sources, 0)


class InParts:
    """``sizes.part`` members at a time, who are scored when their turn comes and forgotten after it.

    Members are in the order of their ids, so that a part is all ids from one to another: a condition that readers of
    Parquet can use.
    """

    def __init__(self, inputs: Inputs, plan: Plan, statuses: Statuses, run_id: str, sizes: Sizes, room: Room) -> None:
        self.plan, self.members, self.piece = plan, inputs.members.height, sizes.piece
        self._inputs, self._statuses, self._run_id, self._size, self._room = inputs, statuses, run_id, sizes.part, room
        self._told = diagnoses_are_told(inputs)

    def parts(self, sources: Sources, as_of: date) -> Iterator[Part]:
        for start in range(0, self.members, self._size):
            stop = min(start + self._size, self.members)
            members = self._inputs.members.slice(start, stop - start)
            chosen = self._selection(members["member_id"], sources)
            # No name here: nothing may hold a part while the next is made.
            yield Part(as_known_on(self._scored(members, start, stop, chosen), as_of), _of(sources, chosen), start)

    def _selection(self, member_id: pl.Series, sources: Sources) -> Selection:
        them = Selection(pl.col("member_id").is_between(pl.lit(member_id[0]), pl.lit(member_id[-1])))
        if self._told:
            return them
        claims = them.rows(sources.lines).select("claim_id").unique().collect(engine="streaming")
        return replace(them, claim_id=claims["claim_id"])

    def _scored(self, members: pl.DataFrame, start: int, stop: int, chosen: Selection) -> Scored:
        inputs = replace(
            self._inputs, members=members, notes=[],
            claims=chosen.lines(self._inputs.claims), claim_diagnoses=chosen.diagnoses(self._inputs.claim_diagnoses),
        )  # fmt: skip
        statuses = self._statuses.of(np.arange(start, stop))
        return _arrays(inputs, self.plan, statuses, self._run_id, self._room)


def population_of(
    inputs: Inputs, plan: Plan, statuses: Statuses, run_id: str, fits: Sizes, room: Room,
    scored: Scored | None = None, progress: Progress | None = None,
) -> Population:  # fmt: skip
    """The members of ``inputs`` as ``fits`` says. ``scored``: all of them, where they are scored already."""
    if fits.part < inputs.members.height:
        return InParts(inputs, plan, statuses, run_id, fits, room)
    return Whole(scored or _arrays(inputs, plan, statuses, run_id, room, progress), fits.piece)


def _arrays(
    inputs: Inputs, plan: Plan, statuses: Statuses, run_id: str, room: Room, progress: Progress | None = None
) -> Scored:
    """A run of these members for its arrays; no table is made."""
    return score_population(
        inputs, plan.options, _Nowhere(), keep=True, progress=progress, room=room, run_id=run_id,
        part_of=(plan, statuses), tables=(),
    )  # fmt: skip


def _of(sources: Sources, chosen: Selection) -> Sources:
    """The sources of some members; what the whole tables tell (days they cover, the latest) stays."""
    earlier = sources.earlier
    return replace(
        sources,
        lines=chosen.lines(sources.lines),
        diagnoses=chosen.diagnoses(sources.diagnoses),
        current=chosen.diagnoses(sources.current),
        history=None if sources.history is None else chosen.diagnoses(sources.history),
        earlier=None if earlier is None else (chosen.lines(earlier[0]), chosen.diagnoses(earlier[1])),
        extras={table: chosen.rows(frame) for table, frame in sources.extras.items()},
    )


class _Nowhere:
    """A sink that keeps nothing: the results file has these tables already."""

    def append(self, table: str, frame: pl.DataFrame) -> None: ...

    def declare_enum(self, column: str, values: Iterable[str | None]) -> None: ...

    def declare_one_value(self, columns: Sequence[str]) -> None: ...

    def mark(self, done: int, state: Mapping[str, Any]) -> None: ...

    def take_back(self, first_member: str | None) -> None: ...
