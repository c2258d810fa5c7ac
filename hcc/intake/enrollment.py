"""Enrollment: status by member and month. A cell that is given speaks for its month; all else is as in members."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from hcc.errors import InputError
from hcc.intake.binding import Names, bind
from hcc.intake.canonical import RAW, Field, placed, read_parts
from hcc.intake.codes import trimmed
from hcc.intake.dates import date_expr
from hcc.intake.members import HOSPICE, Members
from hcc.intake.parts import Source, collect, no_rejects
from hcc.intake.sources import open_source
from hcc.intake.spans import months
from hcc.intake.status import DEFAULTS, with_status
from hcc.intake.status import FIELDS as STATUS_FIELDS
from hcc.tables.inputs import ENROLLMENT

_KNOWN = [f.name for f in STATUS_FIELDS]
_MEDICAID = ("medicaid", "ltimcaid", "nemcaid")
_GRAFTS = ("esrd_status", "graft_months")


@dataclass(frozen=True, eq=False)
class Enrollment:
    """``frame``: member_id, month, hospice and the status columns given, sorted by member and month. Null in a status
    column: as in members."""

    frame: pl.DataFrame
    rejected: pl.DataFrame
    source: Source | None
    notes: tuple[str, ...]


def read_enrollment(given: Any, names: Names) -> Enrollment:
    """Enrollment months of any source, collected. Raises InputError with every fault of the input.

    A blank status, like a column that is not given, is as in members; one that cannot be read means its default.
    """
    fields = [Field("member_id", "id", required=True), Field("month", "text", required=True), HOSPICE, *STATUS_FIELDS]
    source = open_source(
        "enrollment", given, names=names.tables("enrollment"),
        wanted=names.wanted(ENROLLMENT.names), known=names.known(ENROLLMENT.names),
    )  # fmt: skip
    bindings = bind(source, names, ENROLLMENT.names, ENROLLMENT.required)
    parts = read_parts("enrollment", bindings, fields)
    frames = []
    for number, part in enumerate(parts):
        raw_month = part.binding.columns("month")[0]
        columns = [r.clean.alias(name) for name, r in part.readings.items() if name != "month"]
        raws = [trimmed(r.raw).alias(RAW + name) for name, r in part.readings.items()]
        month = _month(pl.col(raw_month), part.part.schema[raw_month]).alias("month")
        place = [pl.lit(number, dtype=pl.Int64).alias("_part"), pl.col("_row").cast(pl.Int64)]
        numbered = part.part.frame.with_row_index("_row").select(*place, *columns, *raws, month)
        frames.append(collect("enrollment", part.part, numbered))
    rows = pl.concat(frames, how="diagonal")
    if rows.is_empty() and source.set_aside.is_empty():
        raise InputError("enrollment: there is no row.", hint="Leave it out to give every member one status all year.")
    given = {name for part in parts for name in part.readings}
    frame, faults, notes = _clean(rows, given, _untold(given))
    rejected = pl.concat([source.set_aside, placed("enrollment", faults, parts)])
    return Enrollment(frame, rejected, source, (*source.notes, *notes))


def enrollment_of_spans(members: Members, payment_year: int) -> Enrollment:
    """Months that the spans of a layout cover, for the members that can be used (RULINGS 12: only on request)."""
    if members.spans is None:
        raise InputError(
            "members: this layout has no enrolment spans.", hint="Give the months as a table: --enrollment."
        )
    usable = members.frame.select("member_id")
    rows = months(members.spans, payment_year).join(usable, on="member_id", how="semi")
    given = {f.name for f in (*STATUS_FIELDS, HOSPICE)} & set(rows.columns)
    frame, _, notes = _clean(rows, given, {})  # a span says all that there is to say of its months
    return Enrollment(frame, no_rejects(), None, tuple(notes))


def _month(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A date, or YYYY-MM or YYYYMM as text or number → the first of the month; unreadable = null."""
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return expr.cast(pl.Date).dt.month_start()
    text = expr.cast(pl.Int64, strict=False).cast(pl.String) if dtype.is_float() else expr.cast(pl.String)
    plain = text.str.strip_chars()
    whole = pl.when(plain.str.contains(r"^[0-9]{4}-[0-9]{1,2}$")).then(plain + "-01")
    packed = pl.when(plain.str.contains(r"^[0-9]{6}$")).then(plain + "01")
    read = date_expr(pl.coalesce(whole, packed, plain), pl.String())
    assert read is not None
    return read.dt.month_start()


def _untold(given: Collection[str]) -> dict[str, pl.Expr]:
    """Status columns → the rows that say nothing of them, told from the cells as they came.

    A Medicaid flag is told by its own cell, by medicaid or by the dual status; the ESRD status by either of its cells.
    """
    blank = {name: pl.col(RAW + name).is_null() if name in given else pl.lit(True) for name in _KNOWN}
    dual, medicaid = blank["dual_status"], blank["medicaid"]
    return {
        **{name: blank[name] for name in DEFAULTS if name in given},
        "medicaid": dual & medicaid,
        **{name: dual & medicaid & blank[name] for name in ("ltimcaid", "nemcaid")},
        "esrd_status": blank["esrd_status"] & blank["graft_months"],
    }


def _clean(
    rows: pl.DataFrame, given: Collection[str], untold: Mapping[str, pl.Expr]
) -> tuple[pl.DataFrame, list[pl.DataFrame], list[str]]:
    """Canonical months, faults by position, notes."""
    status = [name for name in _KNOWN if name in given]
    rows = with_status(rows, status).with_columns(
        pl.when(~cells).then(pl.col(name)).alias(name) for name, cells in untold.items()
    )
    if "hospice" in given:
        rows = rows.with_columns(pl.col("hospice").fill_null(False))
    checks = [
        ("member_id", "MISSING_MEMBER_ID", pl.col("member_id").is_null() | (pl.col("member_id") == "")),
        ("month", "BAD_MONTH", pl.col("month").is_null()),
        ("graft_months", "BAD_GRAFT_MONTHS", pl.col("_bad_graft")),
    ]
    order = ["_part", "_row"]
    faults = [
        rows.filter(fault).select(*order, column=pl.lit(column), value=pl.col(RAW + column), reason=pl.lit(reason))
        for column, reason, fault in checks
    ]
    rows = rows.filter(*(~fault for _, _, fault in checks))
    derived = _MEDICAID if {"dual_status", *_MEDICAID} & set(given) else ()
    grafts = _GRAFTS if set(_GRAFTS) & set(given) else ()
    kept = [c for c in (*_KNOWN, "hospice") if c in given or c in derived or c in grafts]
    frame = rows.select(*order, "member_id", "month", *kept).sort("member_id", "month", *order)
    distinct = frame.unique(["member_id", "month", *kept], keep="first", maintain_order=True)
    several = distinct.select(pl.struct("member_id", "month").is_duplicated()).to_series()
    contradicting = frame.join(
        distinct.filter(several).select("member_id", "month").unique(), on=["member_id", "month"], how="semi"
    )
    faults.append(
        contradicting.select(
            *order, column=pl.lit("month"), value=pl.col("month").cast(pl.String), reason=pl.lit("DUPLICATE_MONTH")
        )
    )
    used = distinct.filter(~several)
    repeated = frame.height - contradicting.height - used.height
    notes = [f"enrollment: {repeated} repeated row(s) that say the same were read once."] if repeated else []
    return used.drop(order), faults, notes
