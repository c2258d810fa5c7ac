"""Parts of a source → frames of canonical columns, and the rows that cannot be used, each with its reason.

The same machinery serves small tables, which are collected, and claims, which stay lazy: a row is used or set aside by
one expression, so both sides always agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

import polars as pl

from hcc.errors import InputError
from hcc.intake import values
from hcc.intake.binding import Binding
from hcc.intake.codes import trimmed
from hcc.intake.dates import FORMS, is_words, only_day_first, parse_dates
from hcc.intake.parquet import distinct_values
from hcc.intake.parts import Part, collect, no_rejects

Kind = Literal["id", "text", "number", "code", "code2", "diagnosis", "date", "int", "bool", "money", "choice"]
_TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(("id", "text", "number", "code", "code2", "diagnosis", "choice"), pl.String()),
    "date": pl.Date(), "int": pl.Int64(), "bool": pl.Boolean(), "money": pl.Decimal(14, 2),
}  # fmt: skip
_MEANT: dict[str, str] = {"date": "dates", "int": "whole numbers", "bool": "true or false", "money": "dollars"}
_CLEAN = "_clean_"
RAW = "_raw_"  # prefix of the text as it came, for the rows set aside
SAMPLE, PLACES = 1_000, 8  # rows, and places of a file, looked at to see whether identifiers carry blanks at their ends
FEW = 20_000  # distinct values in the first FEW_ROWS rows: with more a survey would cost more than it spares
FEW_ROWS = 100_000


@dataclass(frozen=True)
class Field:
    """One of our columns.

    ``strict``: a value that cannot be read sets the row aside; else it becomes null and the caller flags it.
    ``missing`` and ``bad`` are the reasons given; ``earliest`` and ``latest`` bound a date, with reasons of their own.
    """

    name: str
    kind: Kind
    required: bool = False
    strict: bool = True
    words: Mapping[str, str] | None = None
    earliest: date | None = None
    latest: date | None = None
    surveyed: bool = False  # its distinct values in Parquet files are looked at once: clean ones are then read as is

    @property
    def dtype(self) -> pl.DataType:
        return _TYPES[self.kind]

    @property
    def fallible(self) -> bool:
        """True if some text cannot be read as this kind."""
        return self.kind in ("date", "int", "bool", "money", "choice")

    @property
    def missing(self) -> str:
        return f"MISSING_{self.name.upper()}"

    @property
    def bad(self) -> str:
        return f"UNKNOWN_{self.name.upper()}" if self.kind == "choice" else f"BAD_{self.name.upper()}"

    def read(self, expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
        """The clean column; None if the type cannot hold it. An unknown word is values.UNKNOWN if strict, else null."""
        if self.kind == "choice":
            word = values.choice(self.words or {})(expr, dtype)
            return word if self.strict or word is None else pl.when(word != values.UNKNOWN).then(word)
        readers: dict[Kind, values.Reader] = {
            "id": values.text, "text": values.trimmed_text, "number": values.number, "code": values.code,
            "code2": values.padded(2), "diagnosis": values.diagnosis, "date": values.date, "int": values.integer,
            "bool": values.boolean, "money": values.money,
        }  # fmt: skip
        return readers[self.kind](expr, dtype)


@dataclass(frozen=True, eq=False)
class Reading:
    """How one field of one part is read.

    ``clean`` and ``raw`` (the text as it came) are expressions over the part's own columns; ``may_fail`` and the like
    are False where it is proven that no row fails that way.
    """

    field: Field
    clean: pl.Expr
    raw: pl.Expr
    may_fail: bool
    may_be_blank: bool
    may_be_early: bool = False
    may_be_late: bool = False
    distinct: pl.Series | None = None  # its distinct clean values, null among them, where a survey told that all are

    @property
    def needs_raw(self) -> bool:
        """True if a failure shows only beside the text as it came: both are needed to tell blank from unreadable."""
        return self.may_fail and self.field.strict and self.field.kind != "choice"

    def faults(self, value: pl.Expr, raw: pl.Expr) -> dict[str, pl.Expr]:
        """Reason → the rows it concerns, told from the clean value and the text as it came."""
        f, found = self.field, {}
        blank = value.is_null()
        if self.needs_raw:
            is_blank = raw.is_null() | (raw.str.strip_chars() == "")
            found[f.bad] = value.is_null() & ~is_blank
            blank = value.is_null() & is_blank
        elif f.kind == "choice" and f.strict and self.may_fail:
            found[f.bad] = (value == values.UNKNOWN).fill_null(False)
        if f.required and self.may_be_blank:
            found[f.missing] = blank | (value == "") if f.kind == "id" else blank
        if self.may_be_early:
            found["FAR_PAST_DATE"] = (value < f.earliest).fill_null(False)
        if self.may_be_late:
            found["FAR_FUTURE_DATE"] = (value > f.latest).fill_null(False)
        return found


@dataclass(frozen=True, eq=False)
class PartReading:
    """A part with its readings; columns that it does not have are not among them."""

    part: Part
    binding: Binding
    readings: Mapping[str, Reading] = field(default_factory=dict)

    @cached_property
    def doubts(self) -> list[Reading]:
        """Readings by which a row may be set aside."""
        return [r for r in self.readings.values() if r.faults(r.clean, r.raw)]

    def clean(self, *more: pl.Expr) -> pl.LazyFrame:
        """The usable rows with clean, still nullable columns; ``more`` expressions over raw columns go along."""
        columns = [r.clean.alias(name) for name, r in self.readings.items()]
        raws = {RAW + r.field.name: r.raw for r in self.doubts if r.needs_raw}
        frame = self.part.frame.select(*columns, *more, **raws)
        faults = [f for r in self.doubts for f in r.faults(pl.col(r.field.name), pl.col(RAW + r.field.name)).values()]
        if faults:
            frame = frame.filter(*(~fault for fault in faults))  # one by one: each may go down to the reader alone
        return frame.drop(list(raws)) if raws else frame

    def rejected(self, table: str) -> pl.DataFrame:
        """The rows set aside: one row per fault. Only what tells a fault is read of the others."""
        if not self.doubts:
            return no_rejects()
        cleans = {_CLEAN + r.field.name: r.clean for r in self.doubts}
        faults = {
            (r.field.name, reason): fault
            for r in self.doubts
            for reason, fault in r.faults(pl.col(_CLEAN + r.field.name), r.raw).items()
        }
        numbered = [fault.alias(f"_fault_{i}") for i, fault in enumerate(faults.values())]
        rows = (
            self.part.frame.with_row_index("_row")
            .with_columns(**cleans)
            .filter(pl.any_horizontal(list(faults.values())))
            .select("_row", *numbered, *(r.raw.alias(RAW + r.field.name) for r in self.doubts))
        )
        found = collect(table, self.part, rows)
        pieces = [
            found.filter(f"_fault_{i}").select(
                "_row", column=pl.lit(column), value=pl.col(RAW + column), reason=pl.lit(reason)
            )
            for i, (column, reason) in enumerate(faults)
        ]
        return _located(table, pl.concat(pieces), self.part)


def read_parts(
    table: str, bindings: Sequence[Binding], fields: Sequence[Field], also: Sequence[str] = ()
) -> list[PartReading]:
    """How to read the given fields of every part; all faults of type and of dates are told at once (InputError), with
    those the caller found (``also``)."""
    faults = list(also)
    parts = []
    for binding in bindings:
        given = [f for f in fields if binding.given(f.name)]
        readings = {f.name: r for f in given if (r := _reading(table, f, binding, faults)) is not None}
        parts.append(PartReading(binding.part, binding, readings))
    if faults:
        raise InputError.from_faults(table, list(dict.fromkeys(faults)), hint="All faults found so far are listed.")
    return parts


def _reading(table: str, f: Field, binding: Binding, faults: list[str]) -> Reading | None:
    inputs = binding.inputs(f.name)
    cleans, raws = [], []
    may_fail = False
    for expr, dtype in inputs:
        if f.kind == "date" and is_words(dtype):
            expr, dtype = expr.cast(pl.String), pl.String()
        clean, raw = f.read(expr, dtype), values.text(expr, dtype)
        if clean is None or raw is None:
            faults.append(f"column {_name(expr)!r} has type {dtype}; expected {_MEANT.get(f.kind, 'text')}")
            return None
        if f.kind == "date" and dtype == pl.String:
            fails = _survey_fails(table, f, binding, expr, faults)
            clean = expr.map_batches(parse_dates, return_dtype=pl.Date, is_elementwise=True)
        else:
            fails = f.fallible and _can_fail(f.kind, dtype)
        may_fail = may_fail or fails
        cleans.append(clean)
        raws.append(raw)
    raw = raws[0] if len(raws) == 1 else pl.coalesce(trimmed(one) for one in raws)
    if f.kind == "id":
        return _id_reading(table, f, binding, inputs, cleans, raw)
    clean = cleans[0] if len(cleans) == 1 else pl.coalesce(cleans)
    distinct = _clean_values(table, f, binding, inputs)
    if distinct is not None:
        clean, may_fail = inputs[0][0], may_fail and values.UNKNOWN in distinct
    plain = len(inputs) == 1 and inputs[0][1] == f.dtype
    facts = binding.part.facts(binding.columns(f.name)[0]) if plain and binding.columns(f.name) else None
    early = f.earliest is not None and not (facts and facts.low is not None and facts.low >= f.earliest)
    late = f.latest is not None and not (facts and facts.high is not None and facts.high <= f.latest)
    blank = not (facts and facts.no_nulls)
    return Reading(f, clean, raw, may_fail, blank, early, late, distinct)


def _clean_values(
    table: str, f: Field, binding: Binding, inputs: Sequence[tuple[pl.Expr, pl.DataType]]
) -> pl.Series | None:
    """Distinct values of a surveyed column of Parquet files if reading changes none of them; else None.

    Cleaning 20 million values that are clean costs 0.6 to 1.0 CPU seconds in every pass over them, and keeps filters
    from the reader; their distinct values cost 0.3 to 0.7 once.
    """
    if not f.surveyed or binding.part.kind != "parquet" or len(inputs) != 1 or inputs[0][1] != pl.String:
        return None
    column = binding.part.frame.select(inputs[0][0].alias(f.name))
    if collect(table, binding.part, column.head(FEW_ROWS).unique()).height > FEW:
        return None
    quickly = distinct_values(binding.part, binding.columns(f.name)[0]) if len(binding.columns(f.name)) == 1 else None
    distinct = collect(table, binding.part, column.unique()) if quickly is None else quickly.to_frame(f.name)
    read = f.read(pl.col(f.name), pl.String())
    if read is None or not distinct.select(read.alias(f.name).eq_missing(pl.col(f.name)).all()).item():
        return None
    return distinct[f.name]


def _id_reading(
    table: str,
    f: Field,
    binding: Binding,
    inputs: list[tuple[pl.Expr, pl.DataType]],
    cleans: list[pl.Expr],
    raw: pl.Expr,
) -> Reading:
    """Identifiers: untouched where they are clean text, so that joins and filters reach the file as it is."""
    columns = binding.columns(f.name)
    if (
        len(inputs) == 1
        and len(columns) == 1
        and inputs[0][1] == pl.String
        and not _has_blanks(table, binding.part, columns[0])
    ):
        facts = binding.part.facts(columns[0])
        return Reading(f, cleans[0], raw, False, not (facts.no_nulls and bool(facts.low)))
    whole = len(inputs) == 1 and inputs[0][1].is_integer()
    proven = whole and bool(columns) and binding.part.facts(columns[0]).no_nulls
    return Reading(f, cleans[0] if whole else trimmed(raw), raw, False, not proven)


def _has_blanks(table: str, part: Part, column: str) -> bool:
    """Whether identifiers have to be trimmed, which takes as long as reading them. A frame is looked through, of
    Parquet the bounds of every row group and some places; what cannot be looked at cheaply is trimmed."""
    if part.kind == "text":
        return False  # trimmed when the file was read
    if part.kind == "database" or part.rows < 0:
        return True
    if part.facts(column).padded:
        return True
    text = pl.col(column)
    look = (text != text.str.strip_chars()).any()
    places = [part.frame]
    if part.kind == "parquet":
        last = max(part.rows - SAMPLE, 0)
        starts = sorted({last * number // (PLACES - 1) for number in range(PLACES)})
        places = [part.frame.slice(start, SAMPLE) for start in starts]
    return any(bool(collect(table, part, place.select(look)).item()) for place in places)


def _can_fail(kind: Kind, dtype: pl.DataType) -> bool:
    if kind == "date":
        return not (dtype == pl.Date or isinstance(dtype, pl.Datetime) or dtype == pl.Null)
    if kind == "int":
        return not (dtype.is_integer() or dtype == pl.Null)
    if kind == "bool":
        return dtype not in (pl.Boolean, pl.Null)
    return True


def _survey_fails(table: str, f: Field, binding: Binding, expr: pl.Expr, faults: list[str]) -> bool:
    """Look at a date column's distinct texts: day-first dates, or no date at all, are faults of the file."""
    name = _name(expr)
    look = binding.part.frame.select(expr.alias(name)).unique()
    distinct = collect(table, binding.part, look)[name].drop_nulls()
    distinct = distinct.filter(distinct.str.strip_chars() != "")
    if distinct.is_empty():
        return False
    unreadable = distinct.filter(parse_dates(distinct).is_null())
    if only_day_first(unreadable):
        faults.append(f"column {name!r} holds dates with the day first (such as 31/12); write them as YYYY-MM-DD")
    elif len(unreadable) == len(distinct) and (f.required or f.strict):
        faults.append(f"column {name!r}: none of its {len(distinct)} values can be read as a date ({FORMS})")
    return not unreadable.is_empty()


def _name(expr: pl.Expr) -> str:
    names = expr.meta.root_names()
    return names[0] if names else "?"


def placed(table: str, faults: Sequence[pl.DataFrame], parts: Sequence[PartReading]) -> pl.DataFrame:
    """Rejected rows of ``faults`` (_part, _row, column, value, reason): file and row number instead of positions."""
    frames = [no_rejects()]
    for number, part in enumerate(parts):
        for fault in faults:
            here = fault.filter(pl.col("_part") == number)
            if here.height:
                frames.append(_located(table, here, part.part))
    return pl.concat(frames)


def _located(table: str, rows: pl.DataFrame, part: Part) -> pl.DataFrame:
    source, number = part.place(rows["_row"])
    return rows.select(
        pl.lit(table).alias("table"),
        number.alias("row_number"),
        "column",
        "value",
        "reason",
        source.alias("source"),
    )
