"""Value sets: which drugs, tests, procedures and diagnoses count as evidence (``mappings/gaps/valuesets/``).

A user's own folder of the same shape (``hcc rules import`` writes one) adds rows; where it has a row for a key of
ours, all our rows of that key give way. Nothing of ours is changed on disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from hcc.errors import HccError, RulesError
from hcc.rules.folders import find

if TYPE_CHECKING:
    from hcc.rules.drug_catalogue import DrugCatalogue

ENVIRONMENT = "HCC_VALUESETS"

TABLES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "ingredients": (
        "drugs/ingredients.csv",
        ("ingredient", "rxcui", "drug_class", "rules", "evidence", "availability", "note"),
        ("ingredient",),
    ),
    "rxnorm": (
        "drugs/rxnorm.csv",
        ("rxcui", "ingredient", "route", "brand", "flags", "components", "name"),
        ("rxcui",),
    ),
    "ndc": ("drugs/ndc.csv", ("ndc11", "rxcui"), ("ndc11",)),
    "ndc_ingredient": (
        "drugs/ndc_ingredient.csv",
        ("ndc11", "ingredient", "route", "flags", "components", "name"),
        ("ndc11",),
    ),
    "ndc_product": (
        "drugs/ndc_product.csv",
        ("ndc9", "ingredient", "route", "flags", "components", "note"),
        ("ndc9",),
    ),
    "ndc_class": ("drugs/ndc_class.csv", ("ndc11", "drug_class"), ("ndc11",)),
    "classes_only": ("drugs/classes_only.csv", ("drug_class", "rxc", "rules", "evidence", "note"), ("drug_class",)),
    "product_rules": (
        "drugs/product_rules.csv",
        ("ingredient", "drug_class", "route", "flag", "components", "evidence", "note"),
        ("ingredient", "drug_class", "route", "flag", "components"),
    ),
    "aliases": ("drugs/aliases.csv", ("name", "kind", "ingredient", "route", "flags"), ("name",)),
    "name_marks": (
        "drugs/name_marks.csv",
        ("kind", "name", "words", "ingredient", "route", "flags", "components", "source"),
        ("kind", "name", "words"),
    ),
    "other_names": ("drugs/other_names.csv", ("name",), ("name",)),
    "other_ndc": ("drugs/other_ndc.csv", ("ndc9",), ("ndc9",)),
    "other_rxnorm": ("drugs/other_rxnorm.csv", ("rxcui",), ("rxcui",)),
    "route_words": ("drugs/route_words.csv", ("word", "route"), ("word",)),
    "fda_routes": ("drugs/fda_routes.csv", ("fda_route", "route"), ("fda_route",)),
    "lab_concepts": ("labs/concepts.csv", ("concept", "label", "canonical_unit", "kind"), ("concept",)),
    "loinc_codes": ("labs/loinc.csv", ("loinc", "concept", "use", "scale", "display", "note"), ("loinc",)),
    "units": (
        "labs/units.csv",
        ("concept", "unit", "canonical_unit", "scale", "factor", "offset", "note"),
        ("concept", "unit"),
    ),
    "plausible_ranges": ("labs/plausible_ranges.csv", ("concept", "unit", "low", "high", "note"), ("concept", "unit")),
    "value_words": ("labs/words.csv", ("word", "finding"), ("word",)),
    "value_flags": ("labs/value_flags.csv", ("flag",), ("flag",)),
    "unused_statuses": ("labs/unused_statuses.csv", ("status",), ("status",)),
    "hcpcs": ("procedures/hcpcs.csv", ("code", "concept", "evidence", "source", "note"), ("code", "concept")),
    "procedure_concepts": ("procedures/concepts.csv", ("concept", "label"), ("concept",)),
    "bill_types": (
        "procedures/bill_types.csv",
        ("bill_type", "concept", "evidence", "note"),
        ("bill_type", "concept"),
    ),
    "diagnoses": (
        "diagnoses/concepts.csv",
        ("concept", "diagnosis_code", "kind"),
        ("concept", "diagnosis_code"),
    ),
    "conflicts": (
        "diagnoses/conflicts.csv",
        ("code_prefix_a", "code_prefix_b", "scope", "note"),
        ("code_prefix_a", "code_prefix_b"),
    ),
    "miskeyed": (
        "diagnoses/miskeyed_candidates.csv",
        ("diagnosis_code", "common_code", "edit", "position", "score"),
        ("diagnosis_code", "common_code"),
    ),
    "replacements": (
        "diagnoses/replacements.csv",
        ("concept", "usual_replacement", "when"),
        ("concept", "usual_replacement"),
    ),
    "ccir": ("chronic/ccir.csv", ("diagnosis_code", "indicator"), ("diagnosis_code",)),
    "hcc_chronic_share": (
        "chronic/hcc_chronic_share.csv",
        ("model", "hcc", "codes", "chronic", "not_chronic", "no_determination", "missing"),
        ("model", "hcc"),
    ),
}
"""Table name: file, columns, and the columns that make a key (a user's row replaces all our rows of its key)."""


@dataclass(frozen=True, eq=False)
class ValueSets:
    """The value sets of one folder, and of a user's folder on top; every table is read on first use.

    All cells of the plain tables are text, '' where empty; several values in a cell are joined by ``|``
    (``rules``: by ``;``).
    """

    folder: Path
    user_folder: Path | None = None

    def table(self, name: str) -> pl.DataFrame:
        """One table of TABLES, with the user's rows. Raises RulesError for a file that lacks a column."""
        return _table(self, name)

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of all files, the user's included."""
        digest = hashlib.sha256()
        for folder in filter(None, (self.folder, self.user_folder)):
            for path in sorted(folder.rglob("*.csv")):
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    # drugs -----------------------------------------------------------------------------------------------------

    @property
    def drugs(self) -> pl.DataFrame:
        """One row per ingredient and class: ingredient, rxcui, drug_class, rules, evidence, availability, note."""
        return self.table("ingredients")

    @cached_property
    def catalogue(self) -> DrugCatalogue:
        """Codes and names of drugs, resolved to ``drug_keys``."""
        from hcc.rules.drug_catalogue import drug_catalogue

        return drug_catalogue(self)

    @property
    def drug_keys(self) -> pl.DataFrame:
        """Kinds of drug product, one row per key.

        drug UInt16, ingredient Enum (null: only the class is known), drug_class, route, flags, evidence Enum,
        components UInt8 (null unknown), rules String (';' between), note String. ``evidence`` is of this product:
        glycopyrronium tablets are excluded as a lung drug, Wegovy as a diabetes drug.
        """
        return self.catalogue.keys

    @property
    def unfindable_ingredients(self) -> pl.DataFrame:
        """Outpatient, marketed ingredients that no NDC finds: ingredient, drug_class, rules (RULINGS 23)."""
        return self.catalogue.unfindable

    @cached_property
    def incomplete_classes(self) -> frozenset[str]:
        """Drug classes with such an ingredient; only for these do unidentified fills weaken a drug's absence."""
        return frozenset(self.unfindable_ingredients["drug_class"].cast(pl.String).to_list())

    # tests -----------------------------------------------------------------------------------------------------

    @cached_property
    def loinc(self) -> pl.DataFrame:
        """loinc, concept, use, scale (linear, log10), display, note, label, canonical_unit, kind."""
        return self.table("loinc_codes").join(self.table("lab_concepts"), on="concept", how="left")

    @property
    def lab_concepts(self) -> pl.DataFrame:
        """concept, label, canonical_unit, kind (number, number_or_finding, viral_load, finding)."""
        return self.table("lab_concepts")

    @property
    def units(self) -> pl.DataFrame:
        """concept, unit as spelled, canonical_unit, scale, factor, offset (value × factor + offset), note."""
        return self.table("units")

    @property
    def plausible_ranges(self) -> pl.DataFrame:
        """concept, unit, low, high: the canonical unit's row bounds every value, the others name an unstated unit."""
        return self.table("plausible_ranges")

    # procedures and diagnoses ----------------------------------------------------------------------------------

    @property
    def hcpcs(self) -> pl.DataFrame:
        """code, concept, evidence, source, note."""
        return self.table("hcpcs")

    @property
    def diagnoses(self) -> pl.DataFrame:
        """concept, diagnosis_code (no dot), kind."""
        return self.table("diagnoses")

    @property
    def conflicts(self) -> pl.DataFrame:
        """code_prefix_a, code_prefix_b, scope (same_day, year …), note."""
        return self.table("conflicts")

    @property
    def miskeyed(self) -> pl.DataFrame:
        """diagnosis_code, common_code, edit, position, score (0–8): derived pairs, not OIG's list."""
        return self.table("miskeyed")

    @property
    def replacements(self) -> pl.DataFrame:
        """concept, usual_replacement, when."""
        return self.table("replacements")

    @property
    def ccir(self) -> pl.DataFrame:
        """diagnosis_code, indicator: 1 chronic, 0 not, 9 no determination (AHRQ CCIR)."""
        return self.table("ccir")

    @property
    def hcc_chronic_share(self) -> pl.DataFrame:
        """model, hcc and how many of its codes are chronic, not chronic, without determination, missing."""
        return self.table("hcc_chronic_share")

    def diagnosis_codes(self, concepts: Collection[str] | None = None) -> pl.Series:
        """Diagnosis codes of the concepts (None = all), sorted."""
        return _codes(self.diagnoses, "diagnosis_code", concepts)

    def hcpcs_codes(self, concepts: Collection[str] | None = None) -> pl.Series:
        """CPT and HCPCS codes of the concepts (None = all), sorted."""
        return _codes(self.hcpcs, "code", concepts)

    def words(self, column: str) -> pl.Enum:
        """The Enum of a column of the evidence frames; raises KeyError for a column that has none."""
        if column in self.catalogue.enums:
            return self.catalogue.enums[column]
        name, source = _WORDS[column]
        return pl.Enum(self.table(name)[source].unique().sort())


_WORDS = {
    "lab_concept": ("lab_concepts", "concept"),
    "procedure_concept": ("hcpcs", "concept"),
    "diagnosis_concept": ("diagnoses", "concept"),
    "diagnosis_kind": ("diagnoses", "kind"),
}


def _codes(frame: pl.DataFrame, column: str, concepts: Collection[str] | None) -> pl.Series:
    if concepts is not None:
        frame = frame.filter(pl.col("concept").is_in(sorted(concepts)))
    return frame[column].unique().sort()


@lru_cache(maxsize=256)
def _table(valuesets: ValueSets, name: str) -> pl.DataFrame:
    file, columns, key = TABLES[name]
    ours = _read(valuesets.folder / file, columns)
    if valuesets.user_folder is None or not (valuesets.user_folder / file).is_file():
        return ours
    theirs = _read(valuesets.user_folder / file, columns)
    return pl.concat([theirs, ours.join(theirs, on=list(key), how="anti")])


def _read(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    if not path.is_file():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    frame = pl.read_csv(path, infer_schema=False, empty_string_is_null=False)
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise RulesError.from_faults(str(path), [f"column {column!r} is missing" for column in missing])
    return frame.select(columns)


def load_valuesets(mappings: str | Path | None = None, *, user_folder: str | Path | None = None) -> ValueSets:
    """The value sets of ``mappings`` (else of HCC_MAPPINGS, else the shipped ones).

    ``user_folder`` defaults to the environment variable HCC_VALUESETS. Raises HccError when it is no folder.
    """
    named = user_folder if user_folder is not None else os.environ.get(ENVIRONMENT) or None
    own = None if named is None else Path(named).expanduser().resolve()
    if own is not None and not own.is_dir():
        raise HccError(
            f"{own} is no folder of value sets.",
            hint=f"Write one with 'hcc rules import', or unset {ENVIRONMENT}.",
        )
    return _load(find("gaps", "valuesets", mappings=mappings), own)


@lru_cache(maxsize=8)
def _load(folder: Path, user_folder: Path | None) -> ValueSets:
    return ValueSets(folder, user_folder)
