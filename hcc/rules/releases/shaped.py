"""Folders that already have our shape: ``<model>/<payment_year>/*.csv``, a year's folder, or a tree of them."""

from __future__ import annotations

from pathlib import Path

from hcc.errors import RulesError
from hcc.rules.manifest import FILE, Manifest, read_manifest
from hcc.rules.releases.found import COLUMNS, Edition, Found, name_of, read_table

_MARK = "diagnosis_to_hcc.csv"


def year_folders(folder: Path) -> list[Path]:
    """Folders named by a payment year, at or below ``folder``, that hold a mapping."""
    return sorted(path.parent for path in folder.rglob(_MARK) if path.parent.resolve().name.isdigit())


def model_and_year(folder: Path) -> tuple[str, int]:
    """What the path of a year's folder says."""
    full = folder.resolve()
    return full.parent.name, int(full.name)


def read_shaped(folder: Path) -> Found:
    """One folder; its manifest, where it has one, says whence each table came. Raises RulesError with all faults."""
    model, year = model_and_year(folder)
    manifest: Manifest | None = read_manifest(folder) if (folder / FILE).is_file() else None
    edition: Edition = manifest.edition if manifest else "midyear_final"
    found = Found(model, year, edition, f"{model}/{year}")
    faults = []
    for path in sorted(folder.rglob("*.csv")):
        file = str(path.relative_to(folder))
        if file.startswith("initial/"):
            continue
        name = name_of(file)
        if name not in COLUMNS:
            found.notes.append(f"{file} is no table of mappings/ and was left out")
            continue
        table = read_table(path)
        if table.columns != COLUMNS[name]:
            faults.append(f"{file}: columns {', '.join(table.columns)}; expected {', '.join(COLUMNS[name])}")
        elif any(len(row) != len(table.columns) for row in table.rows):
            faults.append(f"{file}: a row has not {len(table.columns)} cells")
        else:
            entry = manifest.entry(file) if manifest else None
            found.add(file, table.rows, entry.source if entry else f"table of {model}/{year} as given")
    if faults:
        raise RulesError.from_faults(str(folder), faults)
    return found
