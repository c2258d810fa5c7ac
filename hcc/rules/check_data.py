"""Laws of what lies beside the models in mappings/: programmes, eligibility lists, ICD-10-CM validity."""

from __future__ import annotations

import hashlib
import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hcc.errors import HccError, RulesError
from hcc.rules.check_members import describe, grid
from hcc.rules.compare import changes_csv, compare_folders
from hcc.rules.folders import calibrations, model_folder
from hcc.rules.manifest import FILE, count_rows
from hcc.rules.programs import Program, ProgramYear, load_program_year
from hcc.rules.requires import CHOICES, holds, parse


def data_folders(root: Path) -> list[Path]:
    """Folders with a manifest of their own that are no model's (those have a payment year in it)."""
    return sorted(
        path.parent
        for path in root.rglob(FILE)
        if "payment_year" not in tomllib.loads(path.read_text(encoding="utf-8", errors="replace"))
    )


def year_folders(model: Path) -> list[Path]:
    """Folders of one model's payment years, ``initial/`` editions included; empty where the folder is no model's."""
    years = [path for path in sorted(model.iterdir()) if path.name.isdigit()]
    return [one for year in years for one in (year, year / "initial") if (one / "diagnosis_to_hcc.csv").is_file()]


def data_faults(folder: Path) -> Iterator[str]:
    """Rows and hashes of a folder's tables against its manifest; tables that no manifest lists."""
    content = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    entries = {str(entry.get("file")): entry for entry in content.get("table", [])}
    for file, entry in entries.items():
        path = folder / file
        if not path.is_file():
            yield f"{FILE} lists {file}, which is not there"
            continue
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != entry.get("sha256"):
            yield f"{file}: its sha256 is not the one in {FILE}"
        if path.suffix == ".csv" and count_rows(data) != entry.get("rows"):
            yield f"{file}: {count_rows(data)} rows, {FILE} says {entry.get('rows')}"
        if not entry.get("source"):
            yield f"{file}: {FILE} names no source"
    yield from (f"{path.name} is not in {FILE}" for path in sorted(folder.glob("*.csv")) if path.name not in entries)


def changes_faults(model: Path) -> list[str]:
    """Faults of ``<model>/changes/<before>-<after>.csv``: what a reviewer reads must be what changed."""
    years = sorted(int(path.name) for path in model.iterdir() if path.name.isdigit())
    expected = {f"{one}-{other}.csv": (one, other) for one, other in itertools.pairwise(years)}
    there = {path.name for path in (model / "changes").glob("*.csv")}
    faults = [f"{file} is missing" for file in expected if file not in there]
    faults += [f"{file}: no such pair of years" for file in sorted(there - set(expected))]
    for file, (one, other) in expected.items():
        if file in there:
            said = (model / "changes" / file).read_text(encoding="utf-8")
            if said != changes_csv(compare_folders(model / str(one), model / str(other))):
                faults.append(
                    f"{file} is not what changed; write it with 'hcc rules compare {model.name} {one} {other} --csv'"
                )
    return faults


def program_faults(payment_year: int, mappings: str | Path | None = None) -> list[str]:
    """Faults of ``programs/<payment_year>.toml``.

    Every member of MA or PACE is in exactly one Part C programme, everybody in at most one of Part D; a model said to
    be available has tables, in that calibration; what has no normalization says why.
    """
    try:
        year = load_program_year(payment_year, mappings)
    except RulesError as error:
        return [line.removeprefix("  - ") for line in error.message.splitlines()[1:]]
    return [*_membership(year), *_models(year, mappings)]


def _membership(year: ProgramYear) -> Iterator[str]:
    programmes: dict[str, list[Program]] = {"C": [], "D": []}
    for program in year.programs:
        programmes[program.part].append(program)
    for part, of_part in programmes.items():
        texts = [program.requires for program in of_part]
        facts = grid([*texts, "program=MA"])
        asked = {term.name for text in texts for term in parse(text)}
        times = sum((holds(text, facts).astype(np.int16) for text in texts), np.zeros(len(facts["age"]), np.int16))
        paid = facts["program"] != CHOICES["program"].index("none")
        wrong = [("several programmes", times > 1), ("no programme", paid & (times == 0) & (part == "C"))]
        for words, who in wrong:
            kinds = dict.fromkeys(describe(facts, int(place), asked) for place in np.flatnonzero(who))
            yield from (f"part {part}: {words} for {kind}" for kind in kinds)


def _models(year: ProgramYear, mappings: str | Path | None) -> Iterator[str]:
    for program in year.programs:
        for model in program.models:
            where = f"{program.name}: {model.name}"
            if (not model.available or model.normalization is None) and not (model.unverified and model.reason):
                yield f"{where} has no tables or no normalization and does not say why (unverified, reason)"
            if not model.available:
                continue
            try:
                folder = model_folder(model.model, year.payment_year, mappings=mappings)
            except HccError as error:
                yield f"{where}: {error.message}"
                continue
            have = calibrations(folder)
            if model.calibration not in (have or [""]):
                yield f"{where}: calibration {model.calibration!r} has no coefficients; there are {have}"
