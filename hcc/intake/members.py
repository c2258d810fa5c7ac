"""Members: one clean row each, every assumed value flagged, every doubtful one named, unusable ones set aside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import Any

import polars as pl

from hcc.errors import InputError
from hcc.intake import values
from hcc.intake.binding import Names, bind
from hcc.intake.canonical import RAW, Field, PartReading, placed, read_parts
from hcc.intake.codes import trimmed
from hcc.intake.parts import REJECTED, Source, collect, no_rejects
from hcc.intake.sources import open_source
from hcc.intake.spans import status_rows, usable_spans
from hcc.intake.status import CODES, joined, unread, with_status
from hcc.intake.status import FIELDS as STATUS_FIELDS
from hcc.tables.inputs import MEMBERS

MAX_AGE = 120  # older members are kept and flagged (SPEC)
MAX_SPAN = 200  # years before the payment year; an earlier birth date is a typing error
_SEXES = {**dict.fromkeys(("f", "2", "female", "2.0"), "F"), **dict.fromkeys(("m", "1", "male", "1.0"), "M")}
_OREC = {written: code for code in ("0", "1", "2", "3") for written in (code, f"{code}.0", f"0{code}")}
_ORDER = ["_part", "_row"]
_FAULT: list[str | pl.Expr] = [  # a member whose rows contradict each other
    *_ORDER,
    "member_id",
    pl.lit("member_id").alias("column"),
    pl.col("member_id").alias("value"),
    pl.lit("DUPLICATE_MEMBER").alias("reason"),
]
HOSPICE = Field("hospice", "bool", strict=False)  # of enrollment months; a span may carry it


@dataclass(frozen=True, eq=False)
class Members:
    """``frame``: the canonical members; ``spans``: status rows of a span layout, for enrollment months; else None."""

    frame: pl.DataFrame
    rejected: pl.DataFrame
    source: Source
    notes: tuple[str, ...]
    spans: pl.DataFrame | None = None
    set_aside: pl.Series = field(default_factory=lambda: pl.Series("member_id", [], dtype=pl.String))


def member_fields() -> list[Field]:
    """Fields of the members table. Only identity, birth date, sex and a contradictory graft set a member aside."""
    return [
        Field("member_id", "id", required=True),
        Field("birth_date", "date", required=True),
        Field("sex", "choice", required=True, strict=False, words=_SEXES),
        Field("orec", "choice", strict=False, words=_OREC),
        *STATUS_FIELDS,
        Field("death_date", "date", strict=False),
        Field("monthly_benchmark", "money", strict=False),
    ]


def read_members(given: Any, names: Names, payment_year: int) -> Members:
    """The members of any source, collected. Raises InputError with every fault of the input."""
    with_spans = names.layout.spans is not None
    fields = [*member_fields(), *([HOSPICE] if with_spans else [])]
    ours = [f.name for f in fields]
    source = open_source(
        "members", given, names=names.tables("members"), wanted=names.wanted(ours), known=names.known(ours)
    )
    bindings = bind(source, names, ours, MEMBERS.required, given)
    parts = read_parts("members", bindings, fields)
    found = {name for part in parts for name in part.readings}
    notes = list(source.notes)
    spans, span_faults = None, list[pl.DataFrame]()
    raws = (_raw_rows(number, part, names) for number, part in enumerate(parts))
    if with_spans:
        spans, span_faults = usable_spans(pl.concat(raws, how="diagonal"))
        cleaned = [_clean_members(status_rows(spans, payment_year), found, payment_year)]
    else:  # file by file: what is read takes several times the memory of what is kept
        cleaned = [_clean_members(raw, found, payment_year) for raw in raws]
    frame = pl.concat([one for one, _ in cleaned]).sort("member_id", *_ORDER)
    faults = [fault for _, several in cleaned for fault in several]
    if frame.is_empty() and not any(fault.height for fault in [*span_faults, *faults]) and source.set_aside.is_empty():
        raise InputError("members: there is no row.", hint="One row per member is needed.")
    frame, doubled, collapsed = _one_row_each(frame)
    if collapsed:
        notes.append(f"members: {collapsed} repeated row(s) that say the same were read once.")
    aside = pl.concat([fault["member_id"] for fault in [*faults, doubled]]).replace("", None).drop_nulls().unique()
    rejected = pl.concat([source.set_aside, placed("members", [*span_faults, *faults, doubled], parts)])
    if frame.is_empty() and rejected.height:
        by_reason = rejected.group_by("reason").len().sort("reason").iter_rows()
        reasons = ", ".join(f"{n} {reason}" for reason, n in by_reason)
        notes.append(f"members: no row can be used ({reasons}); check what the columns mean and their types.")
    return Members(frame.drop(_ORDER), rejected, source, tuple(notes), spans, aside)


def member_frame(member: Mapping[str, Any], payment_year: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One member given as words (column → value): the canonical frame, and rejected rows (empty frame then).

    Raises InputError for a word that is no column of the members table.
    """
    unknown = [word for word in member if word not in MEMBERS.names]
    if unknown:
        close = get_close_matches(unknown[0], MEMBERS.names, n=1)
        guess = f"Did you mean {close[0]!r}? " if close else ""
        raise InputError(f"A member has no {unknown[0]!r}.", hint=f"{guess}Known: {', '.join(MEMBERS.names)}.")
    values = {word: value for word, value in member.items() if value is not None}
    fields = {f.name: f for f in member_fields()}
    clean, raw = {}, {}
    one = pl.DataFrame({word: pl.Series([value], strict=False) for word, value in values.items()})
    for word in values:
        expr, dtype = pl.col(word), one.schema[word]
        read = fields[word].read(expr, dtype)
        clean[word] = pl.lit(None, dtype=fields[word].dtype) if read is None else read
        raw[RAW + word] = expr.cast(pl.String).str.strip_chars().replace({"": None})
    for word in MEMBERS.required:
        clean.setdefault(word, pl.lit(None, dtype=fields[word].dtype))
        raw.setdefault(RAW + word, pl.lit(None, dtype=pl.String))
    rows = one.select(
        **clean, **raw, _part=pl.lit(0, dtype=pl.Int64), _row=pl.lit(0, dtype=pl.Int64),
        _more_flags=pl.lit(None, dtype=pl.String), status_carried_forward=pl.lit(False),
    )  # fmt: skip
    frame, faults = _clean_members(rows.head(1), set(values), payment_year)
    rejected = [
        f.select(pl.lit("members").alias("table"), pl.lit(1).alias("row_number"), "column", "value", "reason",
                 pl.lit("").alias("source"))
        for f in faults
    ]  # fmt: skip
    return frame.drop(_ORDER), pl.concat([no_rejects(), *(r.cast(REJECTED) for r in rejected)])  # type: ignore[arg-type]


def _raw_rows(number: int, part: PartReading, names: Names) -> pl.DataFrame:
    """All rows of a part: clean columns, their text under RAW, position, and span days where the layout has spans."""
    columns = [r.clean.alias(name) for name, r in part.readings.items()]
    raws = [trimmed(r.raw).alias(RAW + name) for name, r in part.readings.items()]
    flags = [pl.when(holds).then(pl.lit(flag)) for flag, holds in part.binding.flagged()]
    spans = _span_columns(part, names)
    rows = (
        part.part.frame.with_row_index("_row")
        .select(pl.lit(number, dtype=pl.Int64).alias("_part"), pl.col("_row").cast(pl.Int64), *columns, *raws, *spans,
                joined(flags).alias("_more_flags"), pl.lit(False).alias("status_carried_forward"))
    )  # fmt: skip
    return collect("members", part.part, rows)


def _span_columns(part: PartReading, names: Names) -> list[pl.Expr]:
    if names.layout.spans is None:
        return []
    found = []
    for name, ours in zip(names.layout.spans, ("_start", "_end"), strict=True):
        raw = part.binding.raw.get(name)
        if raw is None:
            raise InputError(
                f"members: column {name!r} is missing.", hint="The layout needs the first and last day of each span."
            )
        read = Field(ours, "date").read(pl.col(raw), part.part.schema[raw])
        if read is None:
            raise InputError(f"members: column {name!r} has type {part.part.schema[raw]}; expected dates.")
        raw_text = values.trimmed_text(pl.col(raw), part.part.schema[raw])
        assert raw_text is not None
        found += [read.alias(ours), raw_text.alias(RAW + ours)]
    return found


def _clean_members(
    rows: pl.DataFrame, given: Collection[str], payment_year: int
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Canonical members with position columns, and one frame per fault: position, column, value, reason."""
    for f in member_fields():
        if f.name not in rows.columns:
            rows = rows.with_columns(
                pl.lit(None, dtype=f.dtype).alias(f.name), pl.lit(None, dtype=pl.String).alias(RAW + f.name)
            )
    known = {f.name for f in STATUS_FIELDS}
    rows = with_status(rows, [name for name in given if name in known])
    born = pl.col("birth_date")
    impossible = (born > date(payment_year, 12, 31)) | (born < date(payment_year - MAX_SPAN, 1, 1))
    checks: list[tuple[str, str, pl.Expr]] = [
        ("member_id", "MISSING_MEMBER_ID", pl.col("member_id").is_null() | (pl.col("member_id") == "")),
        ("birth_date", "BAD_BIRTH_DATE", born.is_null() | impossible.fill_null(False)),
        ("sex", "MISSING_SEX", pl.col("sex").is_null()),
        ("graft_months", "BAD_GRAFT_MONTHS", pl.col("_bad_graft")),
    ]
    faults = [
        rows.filter(fault).select(
            *_ORDER, "member_id", column=pl.lit(column), value=pl.col(RAW + column), reason=pl.lit(reason)
        )
        for column, reason, fault in checks
    ]
    rows = rows.filter(*(~fault for _, _, fault in checks))
    no_orec = pl.col("orec").is_null()
    flags = [
        pl.when(no_orec & pl.lit("orec" in given)).then(pl.lit("UNKNOWN_OREC")),
        pl.when(born > date(payment_year, 2, 1)).then(pl.lit("BORN_AFTER_FEB1")),
        pl.when(born <= date(payment_year - MAX_AGE - 1, 2, 1)).then(pl.lit("AGE_OVER_120")),
        pl.when(pl.col("death_date") < born).then(pl.lit("DEATH_BEFORE_BIRTH")),
        pl.when(unread("death_date")).then(pl.lit("BAD_DEATH_DATE")),
        pl.when(unread("monthly_benchmark")).then(pl.lit("BAD_MONTHLY_BENCHMARK")),
        pl.col("_flags"),
        pl.col("_more_flags"),
    ]
    rows = rows.with_columns(
        pl.col("orec").fill_null("0"),
        no_orec.alias("orec_was_defaulted"),
        pl.when((pl.col("death_date") < born).not_().fill_null(True)).then("death_date").alias("death_date"),
        joined(flags).fill_null("").alias("data_quality"),
    )
    narrow = [pl.col(name).cast(dtype) for name, dtype in _narrow().items()]
    return rows.with_columns(narrow).select(*_ORDER, *_columns()), faults


@cache
def _narrow() -> dict[str, pl.DataType]:
    """Types of text columns that take a byte or four a member instead of sixteen: of ten columns and ten million
    members, a gigabyte and a half."""
    words = {f.name: f.words or {} for f in member_fields() if f.kind == "choice"}
    chosen: dict[str, pl.DataType] = {name: pl.Enum(sorted({*of.values()})) for name, of in words.items()}
    return chosen | dict.fromkeys((*CODES, "data_quality"), pl.Categorical())


def _columns() -> list[str]:
    flagged = ("orec", "dual_status", "ltimcaid", "nemcaid", "part_b_months", "long_term_institutional", "csnp",
               "low_income_subsidy", "esrd_status", "program")  # fmt: skip
    return [*MEMBERS.names, *(f"{name}_was_defaulted" for name in flagged), "status_carried_forward", "data_quality"]


def _one_row_each(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Rows that say the same become one; members whose rows contradict each other are set aside, all rows of them."""
    repeated = frame["member_id"].is_duplicated()
    if not repeated.any():
        return frame, frame.head(0).select(*_FAULT), 0
    content = [c for c in frame.columns if c not in _ORDER]
    rows = frame.filter(repeated)
    distinct = rows.unique(content, keep="first", maintain_order=True)
    same = distinct.filter(~distinct["member_id"].is_duplicated())
    contradicting = rows.join(same, on="member_id", how="anti")
    kept = pl.concat([frame.filter(~repeated), same]).sort("member_id")
    return kept, contradicting.select(*_FAULT), frame.height - contradicting.height - kept.height
