"""Where the tables of ``mappings/`` are: the user's own folder first, then the ones that came with the package."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hcc.errors import HccError, UnknownModel, UnknownYear

ENVIRONMENT = "HCC_MAPPINGS"
_PACKAGE = Path(__file__).resolve().parents[1]
# Every model folder has this table; mappings/eligibility/<year> and the like have not.
SHARED = ("eligibility", "icd10cm")
"""Folders of tables that all models and years share."""
_MARK = "diagnosis_to_hcc.csv"


def shipped_folder() -> Path:
    """The tables of this installation: ``hcc/mappings`` in a wheel, ``mappings/`` in a checkout."""
    for folder in (_PACKAGE / "mappings", _PACKAGE.parent / "mappings"):
        if folder.is_dir():
            return folder
    raise HccError(
        "The tables of mappings/ did not come with this installation.",
        hint=f"Install the package again, or name a folder in the environment variable {ENVIRONMENT}.",
    )


def roots(mappings: str | Path | None = None) -> tuple[Path, ...]:
    """Folders to look in, in order: ``mappings``, then HCC_MAPPINGS (several joined by ``:``), then the shipped one.

    What a user's folder lacks (programmes, eligibility lists, other years) is found in a later one. Raises HccError
    for a folder that is not there.
    """
    own = _own(mappings)
    for folder in own:
        if not folder.is_dir():
            raise HccError(
                f"{folder} is no folder.", hint=f"Give a folder shaped like mappings/ (or unset {ENVIRONMENT})."
            )
    shipped = shipped_folder()
    return tuple(dict.fromkeys([*own, shipped]))


def own_folders(mappings: str | Path | None = None) -> str | None:
    """The user's own folders, ``mappings`` and those of HCC_MAPPINGS, as ``mappings`` takes them; None: there is none.

    For the record: the same tables are found later, from whatever folder and under whatever environment.
    """
    return os.pathsep.join(str(folder) for folder in dict.fromkeys(_own(mappings))) or None


def _own(mappings: str | Path | None) -> list[Path]:
    """``mappings`` is one folder, or several as HCC_MAPPINGS has them."""
    given = "" if mappings is None else str(mappings)
    named = [given] if Path(given).expanduser().is_dir() else given.split(os.pathsep)
    named += os.environ.get(ENVIRONMENT, "").split(os.pathsep)
    return [Path(part).expanduser().resolve() for part in named if part]


def find(*parts: str, mappings: str | Path | None = None) -> Path:
    """The first ``<root>/<parts>`` that exists; raises HccError when none does."""
    searched = roots(mappings)
    for root in searched:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise HccError(
        f"mappings/ has no {'/'.join(parts)}.",
        hint=f"Looked in: {', '.join(str(root) for root in searched)}.",
    )


def _years_below(folder: Path) -> dict[int, Path]:
    if not folder.is_dir():
        return {}
    return {
        int(path.name): path for path in sorted(folder.iterdir()) if path.name.isdigit() and (path / _MARK).is_file()
    }


def models(mappings: str | Path | None = None) -> list[str]:
    """Names of all models that have at least one payment year."""
    names = {path.name for root in roots(mappings) for path in root.iterdir() if _years_below(path)}
    return sorted(names)


def years(model: str, mappings: str | Path | None = None) -> list[int]:
    """Payment years of a model; raises UnknownModel."""
    named = Path(model).name == model  # a name, never a way to another folder
    found = {year for root in roots(mappings) for year in _years_below(root / model)} if named else set()
    if not found:
        raise UnknownModel.from_name(model, models(mappings))
    return sorted(found)


def calibrations(folder: Path) -> list[str]:
    """Calibrations of a model folder: folders below it that hold coefficients; empty where there is one set or none."""
    return sorted(path.parent.name for path in folder.glob("*/coefficients.csv") if path.parent.name != "initial")


def model_folder(
    model: str,
    payment_year: int,
    *,
    run: str = "final",
    mappings: str | Path | None = None,
) -> Path:
    """Folder of one model and payment year; for ``run="initial"`` its ``initial/`` where there is one (SPEC R-4.2).

    Raises UnknownModel, UnknownYear.
    """
    for root in roots(mappings) if Path(model).name == model else ():
        folder = root / model / str(payment_year)
        if (folder / _MARK).is_file():
            initial = folder / "initial"
            return initial if run == "initial" and (initial / _MARK).is_file() else folder
    raise UnknownYear.from_year(model, payment_year, years(model, mappings))


def model_folders(root: Path) -> list[Path]:
    """Every model folder directly below one root, ``initial/`` editions included, sorted by model and year."""
    found = [folder for model in sorted(root.iterdir()) if model.is_dir() for folder in _years_below(model).values()]
    return [path for folder in found for path in (folder, folder / "initial") if (path / _MARK).is_file()]


def tables_fingerprint(mappings: str | Path | None = None) -> str:
    """SHA-256 of every manifest and TOML file of the mapping tables, which in turn name the hash of each table."""
    found = hashlib.sha256()
    for root in roots(mappings):
        for path in sorted(root.rglob("*.toml")):
            found.update(str(path.relative_to(root)).encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def shared_fingerprint(kind: str, mappings: str | Path | None = None) -> str:
    """SHA-256 of every table in the folders of this name (SHARED), the user's own and those that came along."""
    found = hashlib.sha256()
    for root in roots(mappings):
        for path in sorted((root / kind).rglob("*.csv")):
            found.update(str(path.relative_to(root)).encode())
            found.update(path.read_bytes())
    return found.hexdigest()
