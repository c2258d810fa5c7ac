"""The run that a results file holds: its options and inputs, to be read again (RULINGS 19)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcc.errors import ResultsError
from hcc.intake import Inputs
from hcc.pipeline.plan import Options, options
from hcc.results import read_table

SCORING = ("members", "claims", "claim_diagnoses", "enrollment")


@dataclass(frozen=True)
class Recorded:
    """``row``: the row of ``runs``; ``paths``: files by table; ``fingerprints``: what was noted of each table."""

    row: dict[str, Any]
    options: Options
    paths: dict[str, list[str]]
    fingerprints: dict[str, dict[str, Any]]

    def others(self, inputs: Inputs) -> list[dict[str, Any]]:
        """Fingerprints of tables that ``inputs`` does not have, such as those of the search for gaps."""
        read = {one["table"] for one in inputs.fingerprints}
        return [one for name, one in self.fingerprints.items() if name not in read]


def recorded(path: str | Path, without: tuple[str, ...] = ()) -> Recorded:
    """The last run of a results file; ``without``: tables that the caller has from elsewhere.

    Raises ResultsError for a file without a run, or one made from frames in memory.
    """
    runs = read_table(path, "runs")
    if runs.is_empty():
        raise ResultsError(f"{path} holds no run.", hint="Make it with 'hcc score'.")
    row = runs.sort("started_at").row(-1, named=True)
    noted = {one["table"]: one for one in json.loads(row["inputs"]) if one["table"] not in without}
    if "kept" in noted:
        raise ResultsError(
            f"{path} was scored from kept diagnoses; this needs the claims themselves.",
            hint="Score the claims with 'hcc score', and use that file.",
        )
    gone = [name for name, one in noted.items() if name in SCORING and not one.get("paths")]
    if gone:
        raise ResultsError(
            f"The results were made from frames in memory ({', '.join(gone)}), which cannot be read again.",
            hint="Use find_gaps(run, …) in Python, or score from files.",
        )
    asked = json.loads(row["options"])
    chosen = options(
        row["payment_year"], run=asked["run"], models=tuple(asked["models"]), hierarchy_mode=asked["hierarchy_mode"],
        audio_only=asked["audio_only"], mappings=asked["mappings"], scenario=asked["scenario"],
    )  # fmt: skip
    return Recorded(row, chosen, {name: one["paths"] for name, one in noted.items() if name in SCORING}, noted)


def same_inputs(noted: Mapping[str, Any], inputs: Inputs) -> None:
    """Raise ResultsError if a table changed since it was noted."""
    read = {one["table"]: one for one in inputs.fingerprints}
    changed = [name for name, one in noted.items() if name in read and one.get("sha256") != read[name].get("sha256")]
    if changed:
        raise ResultsError(
            f"{' and '.join(changed)} changed since the results were made.",
            hint="Score again, so that everything in the file speaks of the same data.",
        )
