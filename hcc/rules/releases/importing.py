"""A release comes in: read, completed from an earlier year, checked, and only then put in its place."""

from __future__ import annotations

import csv
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hcc.errors import CannotWrite, HccError, RulesError
from hcc.rules.check import check_folder
from hcc.rules.folders import find, models
from hcc.rules.manifest import Manifest, TableEntry, read_manifest, table_entry, write_manifest
from hcc.rules.releases import python_packages, sas, shaped, workbook
from hcc.rules.releases.completing import HAND_WRITTEN, completed, lender
from hcc.rules.releases.found import Edition, Found


@dataclass(frozen=True)
class Wishes:
    """What the caller says about a release; what is None is told by the release itself."""

    payment_year: int | None = None
    model: str | None = None
    edition: Edition | None = None
    based_on: str | None = None
    column_year: int | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Imported:
    """One folder written: its manifest, and which tables came from where."""

    folder: Path
    manifest: Manifest
    from_release: tuple[str, ...]
    carried_over: tuple[str, ...]
    notes: tuple[str, ...]


def import_release(release: Path, out: Path, wishes: Wishes | None = None) -> list[Imported]:
    """Read a release and write ``<out>/<model>/<payment_year>/`` for each model in it.

    ``release``: CMS's Python packages (folder or zip), the SAS shape, the mapping workbook (XLSX, CSV), or folders of
    our own shape. What it lacks comes from ``wishes.based_on`` (``MODEL/YEAR`` or a folder), else from the same payment
    year if there is one, else from the model's latest; the manifest says so. Nothing is put in place unless every
    folder keeps the laws of ``hcc rules check``. Raises HccError, RulesError.
    """
    wishes = wishes or Wishes()
    if not release.exists():
        raise HccError(f"{release} is not there.", hint="Give a folder, a zip, or the mapping workbook.")
    with _unpacked(release) as source:
        found = _merged(_read(source, release, out, wishes))
    if not found:
        asked = " ".join(str(part) for part in (wishes.model, wishes.payment_year) if part)
        raise HccError(
            f"{release} holds nothing for {asked or 'any known model'}.", hint="See 'hcc rules import --help'."
        )
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".import-") as temporary:
            staged = [_staged(Path(temporary), one, out, wishes) for one in found]
            targets = [_target(imported.manifest, out, wishes.overwrite) for imported in staged]
            return [_put_in_place(imported, target) for imported, target in zip(staged, targets, strict=True)]
    except OSError as error:
        raise CannotWrite("The tables", out, error) from None
    finally:
        for folder in missing:  # only those that stayed empty
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _unpacked(release: Path) -> Iterator[Path]:
    """The release as a folder or a single file; zips within a zip are opened too."""
    if not zipfile.is_zipfile(release) or release.suffix.lower() == ".xlsx":
        yield release
        return
    with tempfile.TemporaryDirectory(prefix="hcc-release-") as temporary:
        folder = Path(temporary) / release.stem
        waiting = [(release, folder)]
        while waiting:
            archive, into = waiting.pop()
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(into)
            waiting += [(inner, inner.with_suffix("")) for inner in into.rglob("*.zip")]
            if archive != release:
                archive.unlink()
        yield folder


def _read(source: Path, release: Path, out: Path, wishes: Wishes) -> list[Found]:
    if source.is_file():
        if not workbook.is_workbook(source):
            raise HccError(
                f"{release.name} is neither a zip nor a mapping workbook.", hint="Give the folder that holds it."
            )
        return _wanted(_workbook(source, wishes), wishes, out)
    if internals := python_packages.packages(source):
        return _packages(internals, release, out, wishes)
    if folders := shaped.year_folders(source):
        kept = [folder for folder in folders if _is_wanted(*shaped.model_and_year(folder), wishes, out)]
        return [shaped.read_shaped(folder) for folder in kept]
    if formats := sas.format_files(source):
        return [_sas(source, formats, out, wishes)]
    books = [path for path in sorted(source.rglob("*")) if path.is_file() and workbook.is_workbook(path)]
    if books:
        return _wanted([one for book in books for one in _workbook(book, wishes)], wishes, out)
    raise HccError(
        f"Nothing in {release} looks like a release.",
        hint="Known: CMS's Python packages, SAS format and coefficient files, the ICD-10 mappings workbook, "
        "folders <model>/<year> like those of mappings/.",
    )


def _names(file: str, out: Path) -> dict[str, str]:
    """A table of releases/: the name that CMS's files use → ours."""
    with find("releases", file, mappings=_own(out)).open(encoding="utf-8", newline="") as opened:
        return dict(list(csv.reader(opened))[1:])


def _packages(internals: list[Path], release: Path, out: Path, wishes: Wishes) -> list[Found]:
    identities = [(internal, *python_packages.identity(internal)[:2]) for internal in internals]
    told = sorted({year for _, _, year in identities})
    if wishes.payment_year and wishes.payment_year not in told:
        raise HccError(f"{release} is of payment year {', '.join(map(str, told))}, not {wishes.payment_year}.")
    segment_of = _names("columns.csv", out)
    return [
        python_packages.read_package(internal, segment_of, lender(model, year, wishes.based_on, _own(out)).paying)
        for internal, model, year in identities
        if _is_wanted(model, year, wishes, out)
    ]


def _own(out: Path) -> Path | None:
    return out if out.is_dir() else None


def _is_wanted(model: str, year: int, wishes: Wishes, out: Path) -> bool:
    known = wishes.model == model or (wishes.model is None and model in models(_own(out)))
    return known and wishes.payment_year in (None, year)


def _wanted(found: list[Found], wishes: Wishes, out: Path) -> list[Found]:
    return [one for one in found if _is_wanted(one.model, one.payment_year, wishes, out)]


def _workbook(path: Path, wishes: Wishes) -> list[Found]:
    if wishes.payment_year is None:
        raise HccError("A workbook is of several payment years.", hint="Say which one to read: --payment-year YEAR.")
    return workbook.read_workbook(path, wishes.payment_year, column_year=wishes.column_year)


def _sas(source: Path, formats: list[Path], out: Path, wishes: Wishes) -> Found:
    if wishes.payment_year is None:
        raise HccError("SAS files do not say their payment year.", hint="Say it: --payment-year YEAR.")
    if len(formats) > 1:
        names = ", ".join(path.name for path in formats)
        raise HccError(f"Several format files: {names}.", hint="Give a folder with the files of one model and year.")
    model = wishes.model or sas.model_of(formats[0], models(_own(out)))
    base = lender(model, wishes.payment_year, wishes.based_on, _own(out))
    return sas.read_sas(source, formats[0], model, wishes.payment_year, base.tables, _names("spellings.csv", out))


def _merged(found: list[Found]) -> list[Found]:
    """Packages of one model and year (calibrations come one by one) as one; they must say the same otherwise."""
    by_key: dict[tuple[str, int, str], Found] = {}
    for one in found:
        first = by_key.setdefault((one.model, one.payment_year, one.edition), one)
        if first is one:
            continue
        unequal = [file for file, of_file in one.tables.items() if first.tables.get(file, of_file) != of_file]
        if unequal:
            raise RulesError.from_faults(
                f"{first.release} and {one.release}", [f"{file} differs between the two" for file in unequal]
            )
        first.tables |= one.tables
        first.sources = one.sources | first.sources
        first.labels = one.labels | first.labels
    return list(by_key.values())


def _staged(temporary: Path, found: Found, out: Path, wishes: Wishes) -> Imported:
    """The complete folder under a temporary name, checked."""
    base = lender(found.model, found.payment_year, wishes.based_on, _own(out))
    whole = completed(found, base)
    edition = wishes.edition or found.edition
    folder = temporary / found.model / f"{found.payment_year}-{edition}" / str(found.payment_year)
    folder.mkdir(parents=True)
    entries: list[TableEntry] = []
    for file, one in whole.tables.items():
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(one.to_csv())
        source, about = whole.entries[file]
        entries.append(table_entry(folder, file, source, **about))
    doubts = ["initial edition: codes that become valid later are missing"] if edition == "initial" else []
    manifest = base.manifest.model_copy(
        update={
            "model": found.model,
            "payment_year": found.payment_year,
            "title": base.manifest.title if base.manifest.model == found.model else found.model,
            "edition": edition,
            "calibrations": tuple(sorted(str(Path(file).parent) for file in whole.tables if "/" in file)),
            "based_on": base.name,
            "unverified": tuple(doubts),
            "table": tuple(entries),
        }
    )
    write_manifest(folder, manifest)
    faults = check_folder(folder, name=(found.model, found.payment_year))
    if faults:
        raise RulesError(
            RulesError.from_faults(f"{found.release} as {found.model}/{found.payment_year}", faults).message,
            hint=f"Nothing was written. What the release lacks came from {base.name}; copy that folder, mend its "
            f"{_to_mend(faults)}, and name it with --based-on FOLDER.",
        )
    return Imported(folder, manifest, tuple(found.tables), whole.carried_over, tuple(found.notes))


def _to_mend(faults: list[str]) -> str:
    """The tables of the lender in which faults are mended: labels in hccs.csv, all else where people wrote it."""
    labels = [fault.endswith("has no label") for fault in faults]
    files = [*(["hccs.csv"] if any(labels) else []), *(() if all(labels) else HAND_WRITTEN)]
    return ", ".join(files)


def _target(manifest: Manifest, out: Path, overwrite: bool) -> Path:
    """Where a folder goes: ``<model>/<year>``, or its ``initial/`` beside a later edition. An existing one stays."""
    target = out / manifest.model / str(manifest.payment_year)
    if target.is_dir():
        before = read_manifest(target).edition
        if (before, manifest.edition) == ("midyear_final", "initial"):
            target = target / "initial"
        elif (before, manifest.edition) == ("initial", "midyear_final"):
            return target
    if target.is_dir() and not overwrite:
        raise HccError(
            f"{target} is already there; a year that is closed is not edited.",
            hint="Write elsewhere with --out FOLDER, or add --overwrite.",
        )
    return target


def _put_in_place(imported: Imported, target: Path) -> Imported:
    """Rename into place. An initial edition that a later one replaces stays, in ``initial/``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        before = read_manifest(target).edition
        kept = imported.folder.parent / "before"
        target.rename(kept)
        later = imported.folder / "initial"
        if (kept / "initial").is_dir():
            (kept / "initial").rename(later)
        elif (before, imported.manifest.edition) == ("initial", "midyear_final"):
            kept.rename(later)
    imported.folder.replace(target)
    return Imported(target, imported.manifest, imported.from_release, imported.carried_over, imported.notes)
