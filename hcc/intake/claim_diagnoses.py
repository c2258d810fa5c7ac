"""Diagnoses of claims in long form: from columns on the lines, from one list per line, or from a table of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from hcc.intake import values
from hcc.intake.binding import Binding
from hcc.intake.canonical import PartReading
from hcc.intake.codes import normalize_code
from hcc.tables.inputs import MAX_DIAGNOSES

COLUMNS = tuple(f"diagnosis_{i}" for i in range(1, MAX_DIAGNOSES + 1))
LIST = "diagnosis_codes"
DIAGNOSES = (*COLUMNS, LIST)
_SEPARATORS = r"[|,;\s]+"
Narrow = Callable[[PartReading, Sequence[pl.Expr]], pl.LazyFrame]


def has_diagnoses(part: PartReading) -> bool:
    """True if the lines of this part carry diagnoses."""
    return any(part.binding.columns(name) for name in DIAGNOSES)


def faults_of_diagnoses(binding: Binding) -> list[str]:
    """Diagnosis columns of a type that holds no codes: neither one value nor a list of values."""
    return [
        f"column {raw!r} has type {dtype}; expected text" + (", or a list of texts" if name == LIST else "")
        for name in DIAGNOSES
        for raw in binding.columns(name)[:1]
        if _codes(pl.col(raw), dtype := binding.part.schema[raw], several=False) is None
    ]


def diagnoses_of_lines(parts: Sequence[PartReading], narrow: Narrow, versions: Sequence[str]) -> pl.LazyFrame:
    """claim_id, member_id, the ``versions`` columns and diagnosis_code, normalised; one row per line and code."""
    frames = [frame for part in parts for frame in (*_from_columns(part, narrow, versions), *_from_lists(part, narrow))]
    long = pl.concat(frames).filter(pl.col("diagnosis_code").is_not_null())
    code = normalize_code(pl.col("diagnosis_code")).alias("diagnosis_code")
    return long.with_columns(code).filter(pl.col("diagnosis_code").is_not_null())


def _from_columns(part: PartReading, narrow: Narrow, versions: Sequence[str]) -> list[pl.LazyFrame]:
    exprs = []
    for name in COLUMNS:
        for raw in part.binding.columns(name)[:1]:
            dtype = part.part.schema[raw]
            if not _is_list(dtype) and (text := values.text(pl.col(raw), dtype)) is not None:
                exprs.append(text.alias(f"_{name}"))
    if not exprs:
        return []
    keys = ["claim_id", "member_id", *versions]
    columns = [expr.meta.output_name() for expr in exprs]
    long = narrow(part, exprs).unpivot(on=columns, index=keys, value_name="diagnosis_code")
    return [long.select(*keys, "diagnosis_code")]


def _from_lists(part: PartReading, narrow: Narrow) -> list[pl.LazyFrame]:
    """The column of lists, whatever its type, and columns of one code that hold lists."""
    frames = []
    for name in DIAGNOSES:
        for raw in part.binding.columns(name)[:1]:
            dtype = part.part.schema[raw]
            codes = _codes(pl.col(raw), dtype, several=True) if name == LIST or _is_list(dtype) else None
            if codes is not None:
                frames.append(narrow(part, [codes.alias("diagnosis_code")]).explode("diagnosis_code"))
    return frames


def _codes(column: pl.Expr, dtype: pl.DataType, *, several: bool) -> pl.Expr | None:
    """A column as text, or as lists of texts where it holds lists or ``several`` in a text; None if it holds neither."""
    if isinstance(dtype, (pl.List, pl.Array)):
        inner = dtype.inner
        scalar = isinstance(inner, pl.DataType) and values.text(column, inner) is not None
        return column.cast(pl.List(pl.String), strict=False) if scalar else None
    text = values.text(column, dtype)
    if text is None or not several:
        return text
    return text.str.replace_all(r"[\[\]'\"{}()]", "").str.replace_all(_SEPARATORS, "|").str.split("|")


def _is_list(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.List, pl.Array))
