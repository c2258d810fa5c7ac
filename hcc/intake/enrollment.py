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
from hcc.intake.status import DEFAULTS, MAX_PART_B_MONTHS, joined, unread, with_status
from hcc.intake.status import FIELDS as STATUS_FIELDS
from hcc.tables.inputs import ENROLLMENT

_KNOWN = [f.name for f in STATUS_FIELDS]
_MEDICAID = ("medicaid", "ltimcaid", "nemcaid")
_GRAFTS = ("esrd_status", "graft_months")
_ORDER = ["_part", "_row"]


@dataclass(frozen=True, eq=False)
class Enrollment:
    """``frame``: member_id, month, hospice and the status columns given, sorted by member and month. Null in a status
    column: as in members; in a Medicaid flag: as the month's dual status has it where that tells of Medicaid what the
    member's own does not, else as in members.

    ``doubts``: member_id, codes (as in data_quality, separated by commas), months: the rows of the payment year with
    doubtful cells, counted by member.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame
    source: Source | None
    notes: tuple[str, ...]
    doubts: pl.DataFrame


def read_enrollment(given: Any, names: Names, payment_year: int) -> Enrollment:
    """Enrollment months of any source, collected. Raises InputError with every fault of the input.

    A status that is blank or cannot be read, like a column that is not given, is as in members (so a Part D plan that
    cannot be read is none, RULINGS 3); one that cannot be read is told in ``doubts``.
    """
    fields = [Field("member_id", "id", required=True), Field("month", "text", required=True), HOSPICE, *STATUS_FIELDS]
    source = open_source(
        "enrollment", given, names=names.tables("enrollment"),
        wanted=names.wanted(ENROLLMENT.names), known=names.known(ENROLLMENT.names),
    )  # fmt: skip
    bindings = bind(source, names, ENROLLMENT.names, ENROLLMENT.required, given)
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
    frame, faults, notes, doubts = _clean(rows, given, _untold(given), payment_year)
    rejected = pl.concat([source.set_aside, placed("enrollment", faults, parts)])
    return Enrollment(frame, rejected, source, (*source.notes, *notes), doubts)


def enrollment_of_spans(members: Members, payment_year: int) -> Enrollment:
    """Months that the spans of a layout cover, for the members that can be used (RULINGS 12: only on request)."""
    assert members.spans is not None
    usable = members.frame.select("member_id")
    rows = months(members.spans, payment_year).join(usable, on="member_id", how="semi")
    given = {f.name for f in (*STATUS_FIELDS, HOSPICE)} & set(rows.columns)
    frame, _, notes, doubts = _clean(rows, given, {}, payment_year)  # a span says all there is to say of its months
    return Enrollment(frame, no_rejects(), None, tuple(notes), doubts)


def with_doubts(members: pl.DataFrame, months: Enrollment, payment_year: int) -> tuple[pl.DataFrame, list[str]]:
    """``members`` with the codes of doubtful cells in their months behind those of their own, and notes that count such
    cells and the rows that no score goes by."""
    known = members.select("member_id")
    doubts = months.doubts.join(known, on="member_id", how="semi")
    rows = months.frame.select("member_id", other_year=pl.col("month").dt.year() != payment_year)
    strange = rows.join(known, on="member_id", how="anti")
    others = rows.filter("other_year").height - strange.filter("other_year").height
    told = []
    if strange.height:
        told.append(
            f"enrollment: {strange.height} row(s) are of members who are not in members, or were set aside there."
        )
    if others:
        told.append(f"enrollment: {others} row(s) are of months outside {payment_year}, by which no score goes.")
    if doubts.is_empty():
        return members, told
    codes = doubts.with_columns(pl.col("codes").str.split(",")).explode("codes")
    counts = dict(codes.group_by("codes").agg(pl.col("months").sum()).iter_rows())
    told += [
        f"enrollment: {counts[f.bad]} month(s) with a {f.name} that cannot be read ({f.bad}) are as if they said "
        "nothing of it."
        for f in (*STATUS_FIELDS, HOSPICE)
        if f.bad in counts
    ]
    of_member = codes.group_by("member_id").agg(pl.col("codes").unique().sort())
    own = pl.col("data_quality").cast(pl.String)
    both = pl.concat_list(own.replace("", None).str.split(",").fill_null([]), "codes").list.unique(maintain_order=True)
    flagged = (
        members.select("member_id", "data_quality")
        .join(of_member, on="member_id")
        .select("member_id", both.list.join(",").alias("_both"))
    )
    quality = pl.coalesce("_both", own).cast(members.schema["data_quality"]).alias("data_quality")
    joined_in = members.join(flagged, on="member_id", how="left", maintain_order="left")
    return joined_in.with_columns(quality).drop("_both"), told


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
    """Status columns → the rows that say nothing of them: their cells are blank or cannot be read.

    A Medicaid flag is told by its own cell or by medicaid; the ESRD status by its own cell, or by the month since the
    transplant where its own is blank.
    """
    silent = {name: pl.col(name).is_null() if name in given else pl.lit(True) for name in _KNOWN}
    if "part_b_months" in given:
        silent["part_b_months"] = ~pl.col("part_b_months").is_between(0, MAX_PART_B_MONTHS).fill_null(False)
    odd_esrd = unread("esrd_status") if "esrd_status" in given else pl.lit(False)
    return {
        **{name: silent[name] for name in DEFAULTS if name in given},
        "medicaid": silent["medicaid"],
        **{name: silent["medicaid"] & silent[name] for name in ("ltimcaid", "nemcaid")},
        "esrd_status": silent["esrd_status"] & (silent["graft_months"] | odd_esrd),
    }


def _clean(
    rows: pl.DataFrame, given: Collection[str], untold: Mapping[str, pl.Expr], payment_year: int
) -> tuple[pl.DataFrame, list[pl.DataFrame], list[str], pl.DataFrame]:
    """Canonical months, faults by position, notes, doubts."""
    status = [name for name in _KNOWN if name in given]
    rows = rows.with_columns(cells.alias(f"_untold_{name}") for name, cells in untold.items())  # as they came
    flags = [pl.col("_flags")]
    if "hospice" in given:
        flags.append(pl.when(unread("hospice")).then(pl.lit(HOSPICE.bad)))
    if "_more_flags" in rows.columns:
        flags.append(pl.col("_more_flags"))
    rows = (
        with_status(rows, status)
        .with_columns(pl.when(~pl.col(f"_untold_{name}")).then(pl.col(name)).alias(name) for name in untold)
        .with_columns(joined(flags).alias("_flags"))
    )
    if "hospice" in given:
        rows = rows.with_columns(pl.col("hospice").fill_null(False))
    checks = [
        ("member_id", "MISSING_MEMBER_ID", pl.col("member_id").is_null() | (pl.col("member_id") == "")),
        ("month", "BAD_MONTH", pl.col("month").is_null()),
        ("graft_months", "BAD_GRAFT_MONTHS", pl.col("_bad_graft")),
    ]
    faults = [
        rows.filter(fault).select(*_ORDER, column=pl.lit(column), value=pl.col(RAW + column), reason=pl.lit(reason))
        for column, reason, fault in checks
    ]
    rows = rows.filter(*(~fault for _, _, fault in checks))
    derived = _MEDICAID if {"dual_status", *_MEDICAID} & set(given) else ()
    grafts = _GRAFTS if set(_GRAFTS) & set(given) else ()
    kept = [c for c in (*_KNOWN, "hospice") if c in given or c in derived or c in grafts]
    frame = rows.select(*_ORDER, "member_id", "month", *kept).sort("member_id", "month", *_ORDER)
    distinct = frame.unique(["member_id", "month", *kept], keep="first", maintain_order=True)
    several = distinct.select(pl.struct("member_id", "month").is_duplicated()).to_series()
    contradicting = frame.join(
        distinct.filter(several).select("member_id", "month").unique(), on=["member_id", "month"], how="semi"
    )
    faults.append(
        contradicting.select(
            *_ORDER, column=pl.lit("month"), value=pl.col("month").cast(pl.String), reason=pl.lit("DUPLICATE_MONTH")
        )
    )
    used = distinct.filter(~several)
    repeated = frame.height - contradicting.height - used.height
    notes = [f"enrollment: {repeated} repeated row(s) that say the same were read once."] if repeated else []
    doubts = (
        rows.filter(pl.col("_flags").is_not_null(), pl.col("month").dt.year() == payment_year)
        .join(contradicting, on=_ORDER, how="anti")
        .group_by("member_id", pl.col("_flags").alias("codes"))
        .agg(pl.len().cast(pl.Int64).alias("months"))
    )
    return used.drop(_ORDER), faults, notes, doubts
