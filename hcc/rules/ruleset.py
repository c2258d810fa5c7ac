"""A model's tables of one payment year, read from mappings/ and frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from hcc.errors import RulesError
from hcc.rules.folders import calibrations, model_folder

_TABLES: dict[str, tuple[str, ...]] = {
    "diagnosis_to_hcc": ("diagnosis_code", "hcc"),
    "diagnosis_edits": ("diagnosis_code", "kind", "sex", "age_from", "age_to", "action", "hcc"),
    "hccs": ("hcc", "label", "is_chronic"),
    "hierarchies": ("position", "hcc", "drops_hcc"),
    "removals": ("drops_hcc", "unless_any_of"),
    "groups": ("group", "hcc"),
    "interactions": ("variable", "requires"),
    "segments": ("position", "segment", "requires", "uses_diagnoses", "label"),
    "flags": ("flag", "requires"),
    "demographics": ("variable", "kind", "segments", "requires"),
    "counts": ("variable", "at_least", "at_most"),
    "graft_duration": ("variable", "coefficient"),
    "transplant": ("month", "coefficient"),
    "actuarial_adjustment": ("variable", "divisor"),
}
_OPTIONAL = {"removals", "groups", "counts", "graft_duration", "transplant", "actuarial_adjustment"}


@dataclass(frozen=True, eq=False)
class RuleSet:
    """One model in one payment year and calibration.

    The tables are polars frames of text with the columns of the CSV files; ``coefficients`` has
    (segment, variable, coefficient) with the coefficient in thousandths (Int64).
    """

    model: str
    payment_year: int
    calibration: str
    edition: str
    part: str
    hcc_prefix: str
    applies_to: str
    folder: Path
    sha256: str
    tables: dict[str, pl.DataFrame] = field(repr=False)
    manifest: dict[str, Any] = field(repr=False)
    edited: tuple[str, ...] = ()
    """Files that are not as the manifest says: somebody changed them since."""

    @property
    def name(self) -> str:
        """Model with its calibration, as ``--model`` takes it."""
        return f"{self.model}:{self.calibration}" if self.calibration else self.model

    @property
    def diagnosis_to_hcc(self) -> pl.DataFrame:
        return self.tables["diagnosis_to_hcc"]

    @property
    def diagnosis_edits(self) -> pl.DataFrame:
        return self.tables["diagnosis_edits"]

    @property
    def hccs(self) -> pl.DataFrame:
        return self.tables["hccs"]

    @property
    def hierarchies(self) -> pl.DataFrame:
        return self.tables["hierarchies"]

    @property
    def coefficients(self) -> pl.DataFrame:
        return self.tables["coefficients"]

    @property
    def hcc_list(self) -> list[str]:
        """The payment HCCs in the order of ``hccs.csv``; the position is the bit."""
        return self.hccs["hcc"].to_list()

    def variable_of(self, hcc: str) -> str:
        """CMS's variable name of an HCC, such as HCC37 or RXHCC31."""
        return f"{self.hcc_prefix}{hcc}"


def thousandths(text: pl.Expr) -> pl.Expr:
    """Text decimal, as CMS printed it, to whole thousandths; more than three decimals become null."""
    return (text.str.to_decimal(scale=6) * 1000).cast(pl.Float64).round(3).cast(pl.Int64, strict=False)


def _read(path: Path, columns: tuple[str, ...], digest: Any, seen: dict[Path, str]) -> pl.DataFrame:
    data = path.read_bytes()
    digest.update(path.name.encode() + b"\0" + data)
    seen[path] = hashlib.sha256(data).hexdigest()
    frame = pl.read_csv(data, infer_schema=False, empty_string_is_null=False)
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise RulesError.from_faults(str(path), [f"column {column!r} is missing" for column in missing])
    return frame


def load_rules(
    model: str,
    payment_year: int,
    *,
    calibration: str | None = None,
    run: str = "final",
    mappings: str | Path | None = None,
) -> RuleSet:
    """Rules of one model and payment year.

    ``model`` may carry its calibration (``rxhcc-v08:x``). A folder ``initial/`` below the year outranks the year's
    tables for ``run="initial"`` (SPEC R-4.2). Raises UnknownModel, UnknownYear, RulesError.
    """
    if ":" in model and calibration is None:
        model, calibration = model.split(":", 1)
    folder = model_folder(model, payment_year, run=run, mappings=mappings)
    return _load(model, payment_year, calibration or "", folder)


@lru_cache(maxsize=64)
def _load(model: str, payment_year: int, calibration: str, folder: Path) -> RuleSet:
    import tomllib

    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    digest, seen = hashlib.sha256(), dict[Path, str]()
    tables: dict[str, pl.DataFrame] = {}
    for name, columns in _TABLES.items():
        path = folder / f"{name}.csv"
        if path.exists():
            tables[name] = _read(path, columns, digest, seen)
        elif name in _OPTIONAL:
            tables[name] = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        else:
            raise RulesError.from_faults(str(folder), [f"{name}.csv is missing"])
    tables["coefficients"] = _coefficients(model, payment_year, calibration, folder, digest, seen)
    for name in ("graft_duration", "transplant"):
        tables[name] = tables[name].with_columns(thousandths(pl.col("coefficient")))
    tables["actuarial_adjustment"] = tables["actuarial_adjustment"].with_columns(thousandths(pl.col("divisor")))
    return RuleSet(
        model=model,
        payment_year=payment_year,
        calibration=calibration,
        edition=str(manifest.get("edition", "")),
        part=str(manifest.get("part", "C")),
        hcc_prefix=str(manifest.get("hcc_prefix", "HCC")),
        applies_to=str(manifest.get("applies_to", "")),
        folder=folder,
        sha256=digest.hexdigest(),
        tables=tables,
        manifest=manifest,
        edited=_edited(manifest, {path.relative_to(folder).as_posix(): found for path, found in seen.items()}),
    )


def _edited(manifest: Mapping[str, Any], seen: Mapping[str, str]) -> tuple[str, ...]:
    told = {entry["file"]: entry.get("sha256") for entry in manifest.get("table", [])}
    return tuple(sorted(file for file, found in seen.items() if told.get(file, found) != found))


def _coefficients(
    model: str, payment_year: int, calibration: str, folder: Path, digest: Any, seen: dict[Path, str]
) -> pl.DataFrame:
    path = folder / calibration / "coefficients.csv"
    known = calibrations(folder)
    if (calibration and calibration not in known) or not path.exists():
        raise _no_coefficients(f"{model} {payment_year}", model, calibration, known, folder)
    raw = _read(path, ("segment", "variable", "coefficient"), digest, seen)
    frame = raw.with_columns(thousandths(pl.col("coefficient")))
    if frame["coefficient"].null_count():
        rows = frame.with_row_index("row", offset=2).filter(pl.col("coefficient").is_null())["row"].to_list()
        raise RulesError.from_faults(
            str(path), [f"line {row}: coefficient is no number of thousandths" for row in rows]
        )
    return frame


def _no_coefficients(what: str, model: str, calibration: str, known: list[str], folder: Path) -> RulesError:
    """Why there is no set of coefficients by that name, and which there are."""
    if known:
        asked = f"has no calibration {calibration!r}" if calibration else "has several sets of coefficients"
        return RulesError(
            f"{what} {asked}; its calibrations: {', '.join(known)}.", hint=f"Name one, such as {model}:{known[0]}."
        )
    if (folder / "coefficients.csv").exists():
        return RulesError(f"{what} has one set of coefficients and no calibrations.", hint=f"Ask for {model!r} alone.")
    return RulesError(
        f"{what} has no coefficients: they are not known, so there is no score.",
        hint="Import a release that has them with 'hcc rules import'.",
    )
