"""The run that a results file holds: its options and inputs, to be read again the same way (RULINGS 19)."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hcc.errors import HccError, ResultsError
from hcc.intake import Inputs
from hcc.intake.fingerprints import places
from hcc.pipeline.plan import Options, Plan, options
from hcc.results import read_table
from hcc.results.place import Stamp, stamp_of
from hcc.rules.folders import ENVIRONMENT, roots, shared_fingerprint
from hcc.rules.programs import load_program_year
from hcc.rules.ruleset import load_rules

SCORING = ("members", "claims", "claim_diagnoses", "enrollment")
SEARCH_AGAIN = "The gaps of members with new claims were taken out"
"""How a note begins that the next search for gaps makes untrue."""
_TABLES_OF_THE_RUN = f"Use the tables of then (--mappings is recorded; is {ENVIRONMENT} set now?), or score anew."


@dataclass(frozen=True)
class Recorded:
    """``row``: the row of ``runs``; ``paths``: by table files, and tables in files; ``fingerprints``: what was noted of each table;
    ``read_as``: layout and columns for ``read_inputs``, None where the run did not note them; ``stamp``: the results
    file as it was when this was read."""

    row: dict[str, Any]
    options: Options
    paths: dict[str, list[str]]
    fingerprints: dict[str, dict[str, Any]]
    read_as: dict[str, Any] | None = None
    stamp: Stamp | None = None
    elsewhere: frozenset[str] = field(default_factory=frozenset)

    def others(self, inputs: Inputs) -> list[dict[str, Any]]:
        """Fingerprints of tables that ``inputs`` does not have, such as those of the search for gaps."""
        read = {one["table"] for one in inputs.fingerprints}
        return [one for name, one in self.fingerprints.items() if name not in read]

    def form(self, layout: Any = None, columns: Any = None) -> dict[str, Any]:
        """Layout and columns of the run's own tables; of a run that did not note them, those given."""
        return self.read_as or {"layout": layout or "canonical", "columns": columns}

    def form_of_added(self, layout: Any = None, columns: Any = None) -> dict[str, Any]:
        """Layout and columns of tables that are added: as given, else those of the run."""
        return form_of_added(self.form(layout, columns), layout, columns)


def form_of_added(own: Mapping[str, Any], layout: Any, columns: Any) -> dict[str, Any]:
    """A layout that is given comes with the columns that are given, or none; columns alone are on the run's layout."""
    if layout is not None:
        return {"layout": layout, "columns": columns}
    return {"layout": own.get("layout", "canonical"), "columns": own.get("columns") if columns is None else columns}


def recorded(path: str | Path, elsewhere: Collection[str] = ()) -> Recorded:
    """The last run of a results file; ``elsewhere``: tables that the caller has from other places than the run.

    Raises ResultsError for a file without a run, one made from frames in memory, files that are gone, and rules that
    are others by now.
    """
    stamp = stamp_of(path)
    runs = read_table(path, "runs")
    if runs.is_empty():
        raise ResultsError(f"{path} holds no run.", hint="Make it with 'hcc score'.")
    row = runs.sort("started_at").row(-1, named=True)
    noted = {one["table"]: one for one in json.loads(row["inputs"])}
    if "kept" in noted:
        raise ResultsError(
            f"{path} was scored from kept diagnoses; this needs the claims themselves.",
            hint="Score the claims with 'hcc score', and use that file.",
        )
    own = {name: one for name, one in noted.items() if name in SCORING}
    gone = [name for name, one in own.items() if not one.get("paths")]
    if gone:
        raise ResultsError(
            f"The results were made from frames in memory ({', '.join(gone)}), which cannot be read again.",
            hint="Use find_gaps(run, …) in Python, or score from files.",
        )
    _all_there({name: one["paths"] for name, one in own.items() if name not in elsewhere})
    asked = json.loads(row["options"])
    for folder in (asked["mappings"] or "").split(os.pathsep):
        if folder and not Path(asked["mappings"]).is_dir() and not Path(folder).is_dir():
            raise ResultsError(
                f"The run used the tables in {folder}, which is no longer there.", hint="Put it back, or score anew."
            )
    chosen = options(
        row["payment_year"], run=asked["run"], models=tuple(asked["models"]), hierarchy_mode=asked["hierarchy_mode"],
        audio_only=asked["audio_only"], mappings=asked["mappings"], scenario=asked["scenario"],
        months_from_spans=asked.get("months_from_spans", False),
    )  # fmt: skip
    _same_rules(row, chosen)
    read_as = {"layout": asked["layout"], "columns": asked["columns"]} if "layout" in asked else None
    return Recorded(
        row, chosen, {name: places(one) for name, one in own.items()}, noted, read_as, stamp, frozenset(elsewhere)
    )


def _all_there(paths: Mapping[str, list[str]]) -> None:
    lost = {name: path for name, files in paths.items() for path in reversed(files) if not Path(path).exists()}
    if lost:
        first = next(iter(lost.values()))
        raise ResultsError(
            f"The run's own {' and '.join(lost)} are no longer where they were read from: {first}.",
            hint="Put the files back there, or tell 'hcc gaps' with --claims where the claims are now: it notes that.",
        )


def _same_rules(row: Mapping[str, Any], chosen: Options) -> None:
    """Everything in a file is to be of the same rules."""
    changed = []
    for one in json.loads(row["rules"]):
        what = one.get("model") or one.get("tables") or ("programs" if "programs" in one else None)
        if what is None:
            continue
        try:
            if "tables" in one:
                now = shared_fingerprint(what, chosen.mappings)
            elif what == "programs":
                now = load_program_year(chosen.payment_year, chosen.mappings).sha256
            else:
                now = load_rules(what, chosen.payment_year, run=chosen.run, mappings=chosen.mappings).sha256
        except HccError:
            changed.append(f"{what} (gone)")
        else:
            if now != one["sha256"]:
                changed.append(what)
    if changed:
        folders = ", ".join(str(folder) for folder in roots(chosen.mappings))
        raise ResultsError(
            f"The rules of {', '.join(changed)} changed since the results were made. Tables are now read from: {folders}.",
            hint=_TABLES_OF_THE_RUN,
        )


def same_models(before: Recorded, plan: Plan) -> None:
    """Raise ResultsError if tables came since, so that members are now scored by models that the run did not have."""
    if ",".join(plan.models) != before.row["models"]:
        raise ResultsError(
            f"The run scored {before.row['models'] or 'no model'}; with the tables there are now, it would score "
            f"{', '.join(plan.models)}.",
            hint=_TABLES_OF_THE_RUN,
        )


def same_inputs(before: Recorded, inputs: Inputs) -> None:
    """Raise ResultsError if a table changed since it was noted, or if what the caller has from elsewhere is another."""
    read = {one["table"]: one for one in inputs.fingerprints}
    changed, others = [], []
    for name, one in before.fingerprints.items():
        if name not in read or name not in SCORING:
            continue
        if name not in before.elsewhere:
            if one.get("sha256") != read[name].get("sha256"):
                changed.append(name)
        elif _content(one) != _content(read[name], "content" in one) or _tables(one) != _tables(read[name], one):
            others.append(name)
    others += [name for name in before.elsewhere if name not in before.fingerprints]
    if others:
        raise ResultsError(
            f"The {' and '.join(others)} given are not those that were scored.",
            hint="They may lie elsewhere now and be called otherwise, but must be the same files. 'hcc score' scores "
            "others, 'hcc score --update' adds to them.",
        )
    if changed:
        raise ResultsError(
            f"{' and '.join(changed)} changed since the results were made.",
            hint="Score again, so that everything in the file speaks of the same data.",
        )


def _tables(one: Mapping[str, Any], like: Mapping[str, Any] | None = None) -> list[str]:
    """Tables of DuckDB files, wherever these lie; none where the run did not note them."""
    noted = "inside" in (one if like is None else like)
    return sorted(name for names in one.get("inside", {}).values() for name in names) if noted else []


def _content(one: Mapping[str, Any], known: bool = True) -> Any:
    """What tells a table wherever its files lie; ``known``: False for runs that noted the paths' fingerprint only."""
    return (one.get("content") if known else None) or one.get("sha256")
