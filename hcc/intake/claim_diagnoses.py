"""Diagnoses of claims in long form: from columns on the lines, from one list per line, or from a table of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from hcc.intake import values
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


def diagnoses_of_lines(parts: Sequence[PartReading], narrow: Narrow, versions: Sequence[str]) -> pl.LazyFrame:
    """claim_id, member_id, the ``versions`` columns and diagnosis_code, normalised; one row per line and code."""
    frames = [
        frame
        for part in parts
        for frame in (_from_columns(part, narrow, versions), _from_list(part, narrow))
        if frame is not None
    ]
    long = pl.concat(frames).filter(pl.col("diagnosis_code").is_not_null())
    code = normalize_code(pl.col("diagnosis_code")).alias("diagnosis_code")
    return long.with_columns(code).filter(pl.col("diagnosis_code").is_not_null())


def _from_columns(part: PartReading, narrow: Narrow, versions: Sequence[str]) -> pl.LazyFrame | None:
    exprs = []
    for name in COLUMNS:
        for raw in part.binding.columns(name)[:1]:
            if (text := values.text(pl.col(raw), part.part.schema[raw])) is not None:
                exprs.append(text.alias(f"_{name}"))
    if not exprs:
        return None
    keys = ["claim_id", "member_id", *versions]
    columns = [expr.meta.output_name() for expr in exprs]
    long = narrow(part, exprs).unpivot(on=columns, index=keys, value_name="diagnosis_code")
    return long.select(*keys, "diagnosis_code")


def _from_list(part: PartReading, narrow: Narrow) -> pl.LazyFrame | None:
    raw = part.binding.columns(LIST)
    if not raw:
        return None
    dtype = part.part.schema[raw[0]]
    column = pl.col(raw[0])
    if isinstance(dtype, (pl.List, pl.Array)):
        codes = column.cast(pl.List(pl.String))
    else:
        text = values.text(column, dtype)
        if text is None:
            return None
        codes = text.str.replace_all(r"[\[\]'\"{}()]", "").str.replace_all(_SEPARATORS, "|").str.split("|")
    frame = narrow(part, [codes.alias("diagnosis_code")])
    return frame.explode("diagnosis_code")
