"""Laws of the value sets, for ``hcc rules check``: every fault in one list."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from hcc.errors import HccError
from hcc.rules.check_data import data_faults
from hcc.rules.lab_units import CANDIDATES, clean_unit
from hcc.rules.manifest import FILE
from hcc.rules.valuesets import TABLES, load_valuesets

_GRADES = ("strong", "medium", "weak", "product", "support", "excluded")
_USES = ("include", "support", "fallback", "range", "unverified", "exclude")
_KINDS = ("number", "number_or_finding", "viral_load", "finding")
_SHOWN = 5  # values quoted per fault


def check_valuesets(mappings: str | Path | None = None, *, user_folder: str | Path | None = None) -> list[str]:
    """Faults of the value sets, ours and the user's, one line each; empty = sound."""
    try:
        valuesets = load_valuesets(mappings, user_folder=user_folder)
        tables = {name: valuesets.table(name) for name in TABLES}
    except HccError as error:
        return [str(error)]
    return [
        *_manifest_faults(valuesets.folder),
        *_key_faults(tables),
        *_drug_faults(tables),
        *_lab_faults(tables),
        *_procedure_faults(tables),
        *_diagnosis_faults(tables),
    ]


def _manifest_faults(folder: Path) -> Iterator[str]:
    """Tables below the folder that its manifest does not list, and sources that it does not explain."""
    path = folder / FILE
    if not path.is_file():
        yield f"{folder} has no {FILE}"
        return
    yield from data_faults(folder)
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    listed = {str(entry.get("file")): str(entry.get("source", "")) for entry in content.get("table", [])}
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*.csv")}
    yield from (f"{name} is not in {FILE}" for name in sorted(found - set(listed)))
    for name, source in listed.items():
        unknown = [key for key in source.split(", ") if key not in content.get("sources", {})]
        yield from (f"{name}: {FILE} does not explain the source {key!r}" for key in unknown)


def _faults(frame: pl.DataFrame, broken: pl.Expr, column: str, what: str) -> Iterator[str]:
    values = frame.filter(broken)[column].unique().sort().to_list()
    if values:
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        yield f"{what}: {', '.join(map(repr, values[:_SHOWN]))}{more}"


def _orphans(frame: pl.DataFrame, column: str, known: pl.Series, what: str) -> Iterator[str]:
    yield from _faults(frame, ~pl.col(column).is_in(known.unique().implode()), column, what)


def _key_faults(tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    several = {"ingredients", "rxnorm", "ndc_ingredient", "ndc_product"}  # a key may have several parts
    for name, (file, columns, key) in TABLES.items():
        unique = columns if name in several else key
        twice = tables[name].filter(pl.struct(unique).is_duplicated())
        yield from _faults(twice, pl.lit(True), key[0], f"{file}: rows that stand twice")
        if name not in ("product_rules",):
            yield from _faults(tables[name], pl.col(key[0]) == "", key[0], f"{file}: rows without {key[0]}")


def _drug_faults(tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    ingredients = tables["ingredients"]["ingredient"]
    classes = tables["ingredients"]["drug_class"]
    for name in ("rxnorm", "ndc_ingredient", "ndc_product", "aliases", "name_marks"):
        yield from _orphans(tables[name], "ingredient", ingredients, f"{name}: ingredients without a class")
    yield from _orphans(tables["ndc"], "rxcui", tables["rxnorm"]["rxcui"], "ndc: RxNorm codes that rxnorm.csv lacks")
    yield from _orphans(
        tables["ndc_class"], "drug_class", tables["classes_only"]["drug_class"], "ndc_class: classes without a row"
    )
    for name, column, digits in (
        ("ndc", "ndc11", 11), ("ndc_ingredient", "ndc11", 11), ("ndc_class", "ndc11", 11),
        ("ndc_product", "ndc9", 9), ("other_ndc", "ndc9", 9),
    ):  # fmt: skip
        broken = ~pl.col(column).str.contains(rf"^[0-9]{{{digits}}}$")
        yield from _faults(tables[name], broken, column, f"{name}: not {digits} digits")
    yield from _faults(tables["rxnorm"], ~pl.col("rxcui").str.contains("^[0-9]+$"), "rxcui", "rxnorm: no RxNorm code")
    for name in ("ingredients", "classes_only", "product_rules"):
        yield from _faults(tables[name], ~pl.col("evidence").is_in(_GRADES), "evidence", f"{name}: unknown evidence")
    marks = tables["name_marks"]
    yield from _faults(marks, ~pl.col("kind").is_in(["ingredient", "brand"]), "kind", "name_marks: unknown kinds")
    plain = marks.filter(pl.col("kind") == "ingredient")
    yield from _orphans(plain, "name", ingredients, "name_marks: names that are no ingredient")
    rules = tables["product_rules"]
    named = rules.filter(pl.col("ingredient") != "")
    yield from _orphans(named, "ingredient", ingredients, "product_rules: unknown ingredients")
    yield from _orphans(
        rules.filter(pl.col("drug_class") != ""), "drug_class", classes, "product_rules: unknown classes"
    )
    flags = pl.concat([tables[name]["flags"] for name in ("rxnorm", "ndc_ingredient", "ndc_product", "aliases")])
    known_flags = flags.str.split("|").explode().unique()
    yield from _orphans(rules.filter(pl.col("flag") != ""), "flag", known_flags, "product_rules: flags of no product")
    yield from _orphans(marks, "flags", known_flags, "name_marks: flags of no product")
    yield from _orphans(marks, "route", tables["rxnorm"]["route"], "name_marks: unknown routes")


def _lab_faults(tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    codes, concepts, units = tables["loinc_codes"], tables["lab_concepts"], tables["units"]
    wrong = [code for code in codes["loinc"].to_list() if not loinc_check_digit_holds(code)]
    yield from _faults(codes, pl.col("loinc").is_in(wrong), "loinc", "loinc: wrong check digits")
    yield from _faults(codes, ~pl.col("use").is_in(_USES), "use", "loinc: unknown use")
    yield from _faults(codes, ~pl.col("scale").is_in(["linear", "log10"]), "scale", "loinc: unknown scale")
    yield from _orphans(codes, "concept", concepts["concept"], "loinc: concepts without a row in labs/concepts.csv")
    yield from _orphans(concepts, "concept", codes["concept"], "labs/concepts: concepts without a LOINC code")
    yield from _faults(concepts, ~pl.col("kind").is_in(_KINDS), "kind", "labs/concepts: unknown kind")
    counted = codes.filter(~pl.col("use").is_in(["exclude"]))["concept"]
    numeric = concepts.filter((pl.col("kind") != "finding") & pl.col("concept").is_in(counted.unique().implode()))
    for name in ("units", "plausible_ranges"):
        yield from _orphans(tables[name], "concept", concepts["concept"], f"{name}: unknown concepts")
    no_number = pl.any_horizontal(
        pl.col(column).cast(pl.Float64, strict=False).is_null() for column in ("factor", "offset")
    )
    yield from _faults(units, no_number, "unit", "units: factor or offset is no number")
    cleaned = units.select(
        "concept", clean_unit(pl.col("unit")), "canonical_unit", "scale", "factor", "offset"
    ).unique()
    twice = cleaned.filter(pl.struct("concept", "unit").is_duplicated())
    yield from _faults(twice, pl.lit(True), "concept", "units: one spelling with two meanings in")
    own = numeric.with_columns(unit=clean_unit(pl.col("canonical_unit")))
    unspelled = own.join(cleaned, on=["concept", "unit"], how="anti")
    kept = unspelled.filter(~pl.col("concept").is_in(["liver_fibrosis_score"]))
    yield from _faults(kept, pl.lit(True), "concept", "units: the canonical unit has no spelling in")
    ranges = tables["plausible_ranges"].with_columns(unit=clean_unit(pl.col("unit")))
    yield from _faults(
        ranges.join(cleaned, on=["concept", "unit"], how="anti"),
        pl.lit(True),
        "concept",
        "plausible_ranges: unknown unit in",
    )
    empty = pl.col("low").cast(pl.Float64) >= pl.col("high").cast(pl.Float64)
    yield from _faults(ranges, empty, "concept", "plausible_ranges: empty range in")
    many = ranges.group_by("concept").len().filter(pl.col("len") > CANDIDATES)
    yield from _faults(many, pl.lit(True), "concept", f"plausible_ranges: more than {CANDIDATES} units in")
    findings = ["positive", "negative", "indeterminate", "none"]
    yield from _faults(tables["value_words"], ~pl.col("finding").is_in(findings), "finding", "words: unknown finding")


def loinc_check_digit_holds(code: str) -> bool:
    """LOINC's last digit is a modulus-10 check of the digits before the hyphen (LOINC Users' Guide)."""
    body, _, check = code.partition("-")
    if not (body.isdigit() and len(check) == 1 and check.isdigit()):
        return False
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body))]
    return (10 - sum(value // 10 + value % 10 for value in doubled) % 10) % 10 == int(check)


def _procedure_faults(tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    hcpcs, concepts = tables["hcpcs"], tables["procedure_concepts"]["concept"]
    yield from _faults(
        hcpcs, ~pl.col("code").str.contains("^[0-9A-Z][0-9]{3}[0-9A-Z]$"), "code", "hcpcs: no CPT or HCPCS code"
    )
    yield from _faults(hcpcs, ~pl.col("evidence").is_in(_GRADES), "evidence", "hcpcs: unknown evidence")
    yield from _orphans(hcpcs, "concept", concepts, "hcpcs: concepts without a label")
    yield from _orphans(tables["bill_types"], "concept", concepts, "bill_types: concepts without a label")
    yield from _orphans(
        tables["procedure_concepts"], "concept", hcpcs["concept"], "procedures/concepts: concepts without a code"
    )


def _diagnosis_faults(tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    shape = "^[A-Z][0-9][0-9A-Z]{1,5}$"
    coded = [(name, "diagnosis_code") for name in ("diagnoses", "ccir", "miskeyed")]
    for name, column in (*coded, ("miskeyed", "common_code")):
        yield from _faults(tables[name], ~pl.col(column).str.contains(shape), column, f"{name}: no ICD-10-CM code")
    yield from _orphans(
        tables["replacements"], "concept", tables["diagnoses"]["concept"], "replacements: unknown concepts"
    )
    yield from _faults(
        tables["ccir"], ~pl.col("indicator").is_in(["0", "1", "9"]), "indicator", "ccir: unknown indicator"
    )
    for column in ("code_prefix_a", "code_prefix_b"):
        broken = ~pl.col(column).str.contains("^[A-Z][0-9][0-9A-Z]{0,5}$")
        yield from _faults(tables["conflicts"], broken, column, f"conflicts: no ICD-10-CM prefix in {column}")
