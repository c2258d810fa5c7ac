"""All inputs of a run together: every table opened, every fault of every table told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from hcc.errors import HccError, InputError
from hcc.intake.binding import Names
from hcc.intake.claims import Claims, read_claims
from hcc.intake.enrollment import Enrollment, enrollment_of_spans, read_enrollment, with_doubts
from hcc.intake.extras import Extra, read_extra
from hcc.intake.layout import Layout, load_layout, load_renames, told_layout
from hcc.intake.members import Members, read_members

_Read = TypeVar("_Read")


@dataclass(frozen=True, eq=False)
class Inputs:
    """Canonical tables (hcc.tables.INPUT_TABLES), clean and typed.

    ``members``: one row per usable member, sorted by member_id, all columns of the members table plus
    ``<column>_was_defaulted``, ``status_carried_forward`` and ``data_quality``.
    ``claims``: the usable claim lines, lazy, without diagnoses; columns that no input has are in ``claims_absent`` and
    mean ``hcc.intake.CONSTANTS``. Besides the declared columns: frequency_was_odd, dates_were_odd (Boolean).
    ``claim_diagnoses``: claim_id, diagnosis_code (normalised, never null, repeats possible) and, where the source knows
    them, member_id and what tells versions of one claim apart (frequency_code, record_type, submission_date).
    ``enrollment``: member_id, month and the columns given; null in a status column: as in members (a Medicaid flag: see
    hcc.intake.enrollment). ``extras``: the other optional tables by name.
    ``rejected()``: the rows set aside (columns of rejected_rows without run_id); for claims this is a pass of its own.
    ``read_as``: layout and columns, as ``read_inputs`` takes them, with the content of the user's own files.
    """

    members: pl.DataFrame
    claims: pl.LazyFrame
    claims_absent: frozenset[str]
    claim_diagnoses: pl.LazyFrame
    enrollment: pl.DataFrame | None
    extras: dict[str, pl.LazyFrame]
    rejected: Callable[[], pl.DataFrame]
    fingerprints: list[dict[str, Any]]
    notes: list[str]
    set_aside_members: pl.Series = field(default_factory=lambda: pl.Series("member_id", [], dtype=pl.String))
    read_as: Mapping[str, Any] = field(default_factory=dict)


def read_inputs(
    *,
    members: Any,
    claims: Any,
    payment_year: int,
    claim_diagnoses: Any = None,
    enrollment: Any = None,
    pharmacy: Any = None,
    observations: Any = None,
    problems: Any = None,
    chart_findings: Any = None,
    layout: str | Layout | Mapping[str, Any] = "canonical",
    columns: str | Path | Mapping[str, Any] | None = None,
    enrollment_from_spans: bool = False,
) -> Inputs:
    """Read what a person has (DESIGN 3.1): paths of Parquet, CSV, folders, globs, DuckDB files, or frames.

    ``layout`` says whose tables they are (``canonical``, ``tuva``, or the path of a TOML file; also ``read_as`` of other
    inputs); ``columns`` renames single columns (a TOML file or the same as dicts). ``enrollment_from_spans``: months from
    the spans of the layout, where it has some. Members are collected, claims stay lazy.
    Raises InputError that lists every fault of every table.
    """
    tables = load_layout(layout)
    renames = load_renames(columns)
    if enrollment_from_spans:
        _check_spans(tables, enrollment)

    def names(table: str) -> Names:
        return Names(tables.table(table), renames.get(table, {}))

    given = {
        "claim_diagnoses": claim_diagnoses, "pharmacy": pharmacy, "observations": observations, "problems": problems,
        "chart_findings": chart_findings,
    }  # fmt: skip
    given = {table: source for table, source in given.items() if source is not None}
    attempt = _Attempts()
    # Members are collected while headers and footers of the others are read; not so what belongs to the caller, such as
    # a connection of DuckDB's, on which one query runs at a time.
    with _Aside(all(isinstance(source, str | Path) for source in (members, claims, *given.values()))) as aside:
        claims_to_come = aside(
            lambda: read_claims(claims, names("claims"), payment_year, diagnoses_elsewhere=claim_diagnoses is not None)
        )
        extras_to_come = {
            table: aside(lambda table=table, source=source: read_extra(table, source, names(table)))  # type: ignore[misc]
            for table, source in given.items()
        }
        found = attempt(lambda: read_members(members, names("members"), payment_year))
        lines = attempt(claims_to_come)
        extras = {table: attempt(read) for table, read in extras_to_come.items()}
    months = None
    if enrollment is not None:
        months = attempt(lambda: read_enrollment(enrollment, names("enrollment"), payment_year))
    elif enrollment_from_spans and found is not None:
        months = attempt(lambda: enrollment_of_spans(found, payment_year))
    attempt.check()
    assert found is not None
    assert lines is not None
    people = found
    if months is not None:
        frame, told = with_doubts(found.frame, months, payment_year)
        people, months = replace(found, frame=frame), replace(months, notes=(*months.notes, *told))
    read_as = {"layout": told_layout(tables), "columns": renames}
    there = {name: extra for name, extra in extras.items() if extra is not None}
    return replace(_assemble(people, lines, there, months), read_as=read_as)


def _check_spans(tables: Layout, enrollment: Any) -> None:
    """Months are asked for from spans (RULINGS 12): there are some, and no other months."""
    if enrollment is not None:
        raise InputError(
            "Months of enrollment are asked for both from spans and as a table.",
            hint="Leave out one of --enrollment and --months-from-spans (enrollment=, months_from_spans=).",
        )
    if tables.table("members").spans is None:
        raise InputError(
            f"Months are asked for from enrolment spans, but the layout {tables.name!r} has no enrolment spans.",
            hint="Give the months as a table (--enrollment), or a layout of spans, such as --layout tuva.",
        )


class _Aside:
    """Reads in a thread of its own where that is allowed; what comes of it, or what it raises, is there when asked."""

    def __init__(self, allowed: bool) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hcc-intake") if allowed else None

    def __enter__(self) -> _Aside:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def __call__(self, read: Callable[[], _Read]) -> Callable[[], _Read]:
        return read if self._thread is None else self._thread.submit(read).result


class _Attempts:
    """Reads tables one by one and tells the faults of all of them together."""

    def __init__(self) -> None:
        self._errors: list[HccError] = []

    def __call__(self, read: Callable[[], _Read]) -> _Read | None:
        try:
            return read()
        except HccError as error:
            self._errors.append(error)
            return None

    def check(self) -> None:
        """Raise what was met."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            hints = list(dict.fromkeys(error.hint for error in self._errors if error.hint))
            raise InputError(
                "\n".join(error.message for error in self._errors), hint="\n      ".join(hints) or None
            )


def read_more_claims(
    beside: Inputs,
    *,
    claims: Any,
    payment_year: int,
    claim_diagnoses: Any = None,
    layout: str | Layout | Mapping[str, Any] = "canonical",
    columns: str | Path | Mapping[str, Any] | None = None,
) -> Inputs:
    """Claims that come to those of ``beside``: its members and months, with these claims alone. Fingerprints, notes and
    rejected rows are of the new tables. Raises InputError that lists every fault of both."""
    tables, renames = load_layout(layout), load_renames(columns)
    attempt = _Attempts()
    lines = attempt(
        lambda: read_claims(
            claims, Names(tables.table("claims"), renames.get("claims", {})), payment_year,
            diagnoses_elsewhere=claim_diagnoses is not None, added=True,
        )
    )  # fmt: skip
    table = None
    if claim_diagnoses is not None:
        names = Names(tables.table("claim_diagnoses"), renames.get("claim_diagnoses", {}))
        table = attempt(lambda: read_extra("claim_diagnoses", claim_diagnoses, names))
    attempt.check()
    assert lines is not None
    read: list[Claims | Extra] = [lines, *([table] if table else [])]
    diagnoses, told = _diagnoses(lines, table)

    def rejected() -> pl.DataFrame:
        return pl.concat([one.rejected() for one in read])

    return replace(
        beside, claims=lines.lines, claims_absent=lines.absent, claim_diagnoses=diagnoses, extras={}, rejected=rejected,
        fingerprints=[one.source.fingerprint for one in read],
        notes=[*lines.notes, *told, *(table.notes if table else ())],
    )  # fmt: skip


def _diagnoses(lines: Claims, table: Extra | None) -> tuple[pl.LazyFrame, list[str]]:
    """Diagnoses of the lines, of a table of them, or of both; and what there is to say about it."""
    if table is None or lines.diagnoses is None:
        diagnoses = lines.diagnoses if table is None else table.frame
        assert diagnoses is not None
        return diagnoses, []
    if "member_id" in table.frame.collect_schema():
        of_table = table.frame
    else:  # their claims say it; those on the lines keep whose they are
        of_table = table.frame.with_columns(pl.lit(None, dtype=pl.String).alias("member_id"))
    common = ["claim_id", "member_id", "diagnosis_code"]
    both = pl.concat([lines.diagnoses.select(common), of_table.select(common)])
    return both, ["claims: diagnoses stand on the lines and in claim_diagnoses; both are used."]


def _assemble(members: Members, lines: Claims, extras: dict[str, Extra], months: Enrollment | None) -> Inputs:
    table = extras.pop("claim_diagnoses", None)
    diagnoses, told = _diagnoses(lines, table)
    notes = [*members.notes, *lines.notes, *told]
    others: list[Extra | Enrollment] = [*([table] if table else []), *extras.values(), *([months] if months else [])]
    for one in others:
        notes += one.notes
    lazy = [lines.rejected, *([table.rejected] if table else []), *(extra.rejected for extra in extras.values())]

    def rejected() -> pl.DataFrame:
        eager = [members.rejected, *([months.rejected] if months else [])]
        return pl.concat([*eager, *(find() for find in lazy)]).sort(
            "table", "source", "row_number", "column", maintain_order=True
        )

    return Inputs(
        members=members.frame,
        claims=lines.lines,
        claims_absent=lines.absent,
        claim_diagnoses=diagnoses,
        enrollment=months.frame if months else None,
        extras={name: extra.frame for name, extra in extras.items()},
        rejected=rejected,
        fingerprints=[one.source.fingerprint for one in (members, lines, *others) if one.source],
        notes=notes,
        set_aside_members=members.set_aside,
    )


def claims_of_others(inputs: Inputs) -> pl.DataFrame:
    """Claims that nobody is scored on: ``whose`` (unknown or set_aside member), claims, lines, members. Counts only.

    Reads the identifiers of all claim lines once.
    """
    lines = inputs.claims.select("member_id", "claim_id")
    others = (
        lines.join(inputs.members.lazy().select("member_id"), on="member_id", how="anti")
        .group_by("member_id", "claim_id")
        .len("lines")
    )
    aside = pl.col("member_id").is_in(inputs.set_aside_members.implode())
    whose = pl.when(aside).then(pl.lit("set_aside")).otherwise(pl.lit("unknown"))
    return (
        others.group_by(whose.alias("whose"))
        .agg(
            pl.len().cast(pl.Int64).alias("claims"),
            pl.col("lines").cast(pl.Int64).sum(),
            pl.col("member_id").n_unique().cast(pl.Int64).alias("members"),
        )
        .sort("whose")
        .collect(engine="streaming")
    )
