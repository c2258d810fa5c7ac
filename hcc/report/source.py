"""What the chapters draw from: one open results file, the run, small-cell rules, words beside codes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import polars as pl

from hcc.errors import HccError
from hcc.report.cells import Cells, Row

_RUNS = "SELECT * EXCLUDE (timings) FROM runs ORDER BY started_at"
_MODELS = """
SELECT part::VARCHAR AS part, model::VARCHAR AS model, calibration::VARCHAR AS calibration,
  max(blend_weight) IS NOT NULL AS paid, count(DISTINCT member_id) AS members
FROM scores WHERE raw_score IS NOT NULL GROUP BY ALL ORDER BY paid DESC, members DESC, model, calibration"""


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the run: with what part it pays, whether it does, members scored by it."""

    part: str
    model: str
    calibration: str
    paid: bool
    members: int


@dataclass(eq=False)
class Source:
    """``models``: the most used first, paying ones before others. ``today`` is the day the report is made."""

    con: duckdb.DuckDBPyConnection
    cells: Cells
    today: date
    runs: list[Row] = field(init=False)
    models: list[Model] = field(init=False)
    _segments: dict[str, dict[str, str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.runs = self.rows(_RUNS)
        self.models = [Model(**row) for row in self.rows(_MODELS)]

    @property
    def run(self) -> Row:
        """The latest run; its JSON columns as text."""
        return self.runs[-1]

    @property
    def searched(self) -> date | None:
        """The as-of day of the latest search for gaps; None where there was none."""
        day: date | None = self.run["as_of"]
        return day

    def counts(self) -> dict[str, Any]:
        """``counts`` of the latest run that has any."""
        for run in reversed(self.runs):
            found = parsed(run["counts"])
            if isinstance(found, dict) and found:
                return found
        return {}

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """The rows of a query, by column name."""
        answer = self.con.execute(sql, parameters) if parameters else self.con.execute(sql)
        names = [str(column[0]) for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def one(self, sql: str, **parameters: object) -> Row:
        """The only row of a query."""
        (row,) = self.rows(sql, **parameters)
        return row

    def leading(self, part: str) -> Model | None:
        """The model that scores most members of a part."""
        return next((model for model in self.models if model.part == part), None)

    def segment_words(self, model: str, segment: str) -> str:
        """``CNA`` as the rules call it; the code itself where the tables are not at hand."""
        if model not in self._segments:
            self._segments[model] = _segments(model, int(self.run["payment_year"]))
        words = self._segments[model].get(segment, "")
        return f"{words} ({segment})" if words else segment


def parsed(told: Any) -> Any:
    """JSON of a column of ``runs``; an empty dict where there is none."""
    try:
        return json.loads(told) if told else {}
    except ValueError:
        return {}


def _segments(model: str, payment_year: int) -> dict[str, str]:
    from hcc.rules.folders import find

    try:
        frame = pl.read_csv(find(model, str(payment_year), "segments.csv"), infer_schema=False)
    except (HccError, OSError, pl.exceptions.PolarsError):
        return {}
    return dict(frame.select("segment", "label").iter_rows())
