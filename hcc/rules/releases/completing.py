"""What a release lacks comes from an earlier folder of mappings/, and the manifest says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hcc.errors import HccError
from hcc.rules.folders import model_folder, models, years
from hcc.rules.manifest import Manifest, read_manifest
from hcc.rules.releases.found import COLUMNS, OPTIONAL, Found, Table, name_of, read_table, table

HAND_WRITTEN = ("segments.csv", "flags.csv", "demographics.csv", "counts.csv")
Entry = tuple[str, dict[str, object]]  # source, and the rest of what the manifest says of a table


@dataclass(frozen=True)
class Lender:
    """The folder that lends: its tables, its manifest and its name (``model/year``)."""

    tables: Mapping[str, Table]
    manifest: Manifest

    @property
    def name(self) -> str:
        return f"{self.manifest.model}/{self.manifest.payment_year}"

    @property
    def paying(self) -> set[str]:
        """Segments that pay HCCs."""
        return {row["segment"] for row in self.tables["segments.csv"].records() if row["uses_diagnoses"] == "true"}

    def is_of(self, found: Found) -> bool:
        """Whether it is of the same model and payment year."""
        return (self.manifest.model, self.manifest.payment_year) == (found.model, found.payment_year)


@dataclass(frozen=True)
class Completed:
    """All tables of a folder to be written, whence each came, and which ones were lent."""

    tables: dict[str, Table]
    entries: dict[str, Entry]
    carried_over: tuple[str, ...]


def lender(model: str, year: int, based_on: str | None, mappings: Path | None) -> Lender:
    """The folder named by ``based_on`` (``MODEL/YEAR`` or a path), else the same year's, else the model's latest.

    Raises HccError where there is none.
    """
    if based_on is None:
        available = years(model, mappings) if model in models(mappings) else []
        if not available:
            raise HccError(
                f"mappings/ has no {model} to lend segments, variables and labels.",
                hint="Name a model to start from: --based-on MODEL/YEAR or a folder.",
            )
        folder = model_folder(model, year if year in available else available[-1], mappings=mappings)
    elif Path(based_on).is_dir():
        folder = Path(based_on)
    else:
        name, _, of_year = based_on.partition("/")
        if not of_year.isdigit():
            raise HccError(f"--based-on {based_on} is neither MODEL/YEAR nor a folder.")
        folder = model_folder(name, int(of_year), mappings=mappings)
    files = [path for path in sorted(folder.rglob("*.csv")) if path.relative_to(folder).parts[0] != "initial"]
    return Lender({str(path.relative_to(folder)): read_table(path) for path in files}, read_manifest(folder))


def completed(found: Found, base: Lender) -> Completed:
    """The release's tables and, for what it lacks, the lender's.

    Edits that are lent keep to the codes of the release; HCCs are the release's, labelled by the lender. Coefficients
    are lent when the release has none, or, for the calibrations it has not, from the same payment year only.
    """
    tables = dict(found.tables)
    entries: dict[str, Entry] = {
        file: (found.sources[file], {"release": found.release, "retrieved": date.today()}) for file in tables
    }
    carried: list[str] = []
    has_coefficients = any(name_of(file) == "coefficients" for file in tables)
    for file, of_base in base.tables.items():
        name = name_of(file)
        if file in tables or (name == "coefficients" and has_coefficients and not base.is_of(found)):
            continue
        if name == "hccs":
            of_base = _hccs(found, of_base)
        elif name == "diagnosis_edits":
            codes = {row[0] for row in tables["diagnosis_to_hcc.csv"].rows}
            of_base = table(name, [row for row in of_base.rows if row[0] in codes])
        tables[file] = of_base
        carried.append(file)
        entries[file] = _lent(file, base, base.is_of(found))
    for name in COLUMNS:
        if name not in OPTIONAL and f"{name}.csv" not in tables:
            tables[f"{name}.csv"] = table(name, [])
            entries[f"{name}.csv"] = (f"Neither {found.release} nor {base.name} has rows for this table", {})
    return Completed(dict(sorted(tables.items())), entries, tuple(carried))


def _lent(file: str, base: Lender, same_year: bool) -> Entry:
    entry = base.manifest.entry(file)
    source = entry.source if entry else "source not told"
    about: dict[str, object] = {
        "release": entry.release if entry else None,
        "retrieved": entry.retrieved if entry else None,
        "agrees_with": entry.agrees_with if entry and same_year else None,
        "unverified": entry.unverified if entry else None,
    }
    if same_year:
        return source, about
    if file not in HAND_WRITTEN:
        doubt = f"not in the release: carried over from {base.name}"
        about["unverified"] = f"{doubt}; {about['unverified']}" if about["unverified"] else doubt
    carried = f"(carried over from {base.name})"
    return (source if carried in source else f"{source} {carried}"), about


def _hccs(found: Found, base: Table) -> Table:
    """The release's HCCs with the lender's labels; a new one takes the label that the release prints."""
    known = {row[0]: row for row in base.rows}
    mapped = {row[1] for row in found.tables["diagnosis_to_hcc.csv"].rows}
    listed = set(found.labels) or set(known)
    return table("hccs", [known.get(hcc, (hcc, found.labels.get(hcc, ""), "")) for hcc in listed | mapped])
