"""The optional tables: a table of diagnoses, pharmacy fills, observations, problem lists, chart findings; all lazy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from hcc.errors import InputError
from hcc.intake.binding import Names, bind
from hcc.intake.canonical import Field, Kind, PartReading, read_parts
from hcc.intake.codes import normalize_code
from hcc.intake.parts import Source
from hcc.intake.sources import open_source
from hcc.tables import INPUT_TABLES, Column

EXTRAS = ("pharmacy", "observations", "problems", "chart_findings")
_KINDS: dict[str, Kind] = {"text": "text", "few": "text", "int": "int", "date": "date", "bool": "bool"}
_VERDICTS = {word: word for word in ("supported", "not_supported", "found_not_coded")}
_ICD10 = ("icd-10-cm", "icd10cm", "icd-10", "icd10", "2.16.840.1.113883.6.90", "http://hl7.org/fhir/sid/icd-10-cm")
_DRUG = ("ndc", "rxnorm", "drug_name")
_NDC_DIGITS = 11


@dataclass(frozen=True, eq=False)
class Extra:
    """One optional table: canonical columns, those it does not have at their default."""

    frame: pl.LazyFrame
    rejected: Callable[[], pl.DataFrame]
    source: Source
    notes: tuple[str, ...]


def read_extra(table: str, given: Any, names: Names) -> Extra:
    """One of the optional tables from any source. Raises InputError with every fault of the input."""
    declared = INPUT_TABLES[table]
    fields = extra_fields(table)
    source = open_source(
        table, given, names=names.tables(table), wanted=names.wanted(declared.names), known=names.known(declared.names)
    )
    bindings = bind(source, names, declared.names, declared.required, given)
    if table == "pharmacy":
        _need_a_drug(bindings)
    parts = read_parts(table, bindings, fields)
    frames = [_complete(table, part) for part in parts]
    common = [c for c in declared.names if all(c in f.collect_schema() for f in frames)]
    frame = pl.concat([f.select(common) for f in frames])

    def rejected() -> pl.DataFrame:
        return pl.concat([source.set_aside, *(part.rejected(table) for part in parts)])

    notes = list(source.notes)
    if all(part.part.rows == 0 for part in parts):
        notes.append(f"{table}: there is no row.")
    return Extra(frame, rejected, source, tuple(notes))


def extra_fields(table: str) -> list[Field]:
    """Fields of one of the optional tables."""
    return [_field(table, column) for column in INPUT_TABLES[table].columns]


def _field(table: str, column: Column) -> Field:
    if column.name in ("member_id", "claim_id"):
        # where a table of diagnoses names the member, the join uses it: a blank one would lose the diagnosis silently
        return Field(column.name, "id", required=column.required or table == "claim_diagnoses")
    if column.name == "verdict":
        return Field("verdict", "choice", required=True, words=_VERDICTS)
    if column.name == "diagnosis_code":
        return Field("diagnosis_code", "diagnosis", required=True, surveyed=True)
    if column.name == "days_supply":
        return Field("days_supply", "int", strict=False)
    return Field(column.name, _KINDS[column.type], required=column.required)


def _need_a_drug(bindings: list[Any]) -> None:
    if not any(binding.given(name) for binding in bindings for name in _DRUG):
        raise InputError("pharmacy: no column says which drug it is.", hint="Give one of ndc, rxnorm, drug_name.")


def _complete(table: str, part: PartReading) -> pl.LazyFrame:
    """All declared columns in their order."""
    frame = part.clean()
    columns = []
    for column in INPUT_TABLES[table].columns:
        field = _field(table, column)
        if column.name in part.readings:
            expr = pl.col(column.name)
            if column.name == "ndc" and part.binding.inputs("ndc")[0][1].is_numeric():
                expr = expr.str.zfill(_NDC_DIGITS)  # a number has lost its leading zeros
            elif column.name == "code_system":
                expr = _code_system(expr)
            if column.default is not None:
                expr = expr.fill_null(pl.lit(column.default))
        elif table == "claim_diagnoses":
            continue  # member_id: where it is not known, it is not there
        else:
            expr = pl.lit(column.default, dtype=field.dtype)
        columns.append(expr.alias(column.name))
    frame = frame.select(columns)
    if table == "claim_diagnoses":
        return frame.filter(pl.col("diagnosis_code").is_not_null())
    if table == "problems":
        icd = pl.col("code_system") == INPUT_TABLES[table].column("code_system").default
        frame = frame.with_columns(
            pl.when(icd).then(normalize_code(pl.col("code"))).otherwise(pl.col("code")).alias("code")
        )
    return frame


def _code_system(expr: pl.Expr) -> pl.Expr:
    return pl.when(expr.str.to_lowercase().is_in(_ICD10)).then(pl.lit("ICD-10-CM")).otherwise(expr)
