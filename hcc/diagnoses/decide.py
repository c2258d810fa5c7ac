"""Every diagnosis that maps to an HCC gets a decision and a reason (SPEC R-4.7); columns of integers until the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses.chains import DELETED, SUPERSEDED, ChainRules, Chains, chains, special_records
from hcc.diagnoses.lines import DAY_BITS, EPOCH, FORMS, RECORD_TYPES, LineRules, records

REASONS = (
    "COUNTED",
    "OUT_OF_WINDOW",
    "RECORD_INELIGIBLE(N)",
    "SUPERSEDED",
    "DELETED",
    "RECORD_INELIGIBLE(D)",
    "RECORD_INELIGIBLE(T)",
    "RECORD_INELIGIBLE(H)",
    "AUDIO_ONLY",
    "UNLINKED_CRR",
    "NOT_VALID_ON_DOS",
    "AGE_EDIT",
    "SEX_EDIT",
    "MCE_EDIT",
)
(
    COUNTED, OUT_OF_WINDOW, INELIGIBLE_N, R_SUPERSEDED, R_DELETED, INELIGIBLE_D, INELIGIBLE_T, INELIGIBLE_H,
    AUDIO_ONLY, UNLINKED_CRR, NOT_VALID_ON_DOS, AGE_EDIT, SEX_EDIT, MCE_EDIT,
) = range(len(REASONS))  # fmt: skip

FLAGS = (
    "AUDIO_ONLY",
    "FILTER_DISAGREES",
    "NOT_ACCEPTED_OR_DENIED",
    "DENIED_LINE",
    "RAPS",
    "CHART_REVIEW_UNLINKED",
    "SWITCHER",
    "SWITCHER_UNKNOWN",
    "REPLACEMENT_UNMATCHED",
    "NO_BILL_TYPE",
    "LIST_OF_ANOTHER_YEAR",
)
_FLAG = {name: 1 << i for i, name in enumerate(FLAGS)}
_FORM = {name: i for i, name in enumerate(FORMS)}
RAPS = 2


@dataclass(frozen=True)
class DecisionRules:
    """The run's rules on records: the window and lists, the deadline, and the year's policies."""

    lines: LineRules
    chains: ChainRules
    exempt_programs: frozenset[str] = frozenset()
    raps_programs: frozenset[str] = frozenset()
    listed_years: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Codes:
    """The run's mapped codes, sorted; ``code_id`` is the position. Days count from 1900-01-01; 0 and 2^31 are open."""

    code: pl.Series
    valid_from: NDArray[np.int64]
    valid_to: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Decisions:
    """``records``: one row per record with a mapped diagnosis, sorted by member and day: claim_id, member (UInt32),
    day (Int32), form, record_type (UInt8), rendering_npi, place_of_service. ``record``, ``code``, ``reason``, ``flags``:
    one entry per record and code, sorted by record."""

    records: pl.DataFrame
    record: NDArray[np.uint32]
    code: NDArray[np.uint16]
    reason: NDArray[np.uint8]
    flags: NDArray[np.uint16]
    unknown_member_claims: int

    @property
    def member(self) -> NDArray[np.uint32]:
        members: NDArray[np.uint32] = self.records["member"].to_numpy()
        return members[self.record]


def decisions(
    lines: pl.LazyFrame,
    diagnoses: pl.LazyFrame,
    members: pl.DataFrame,
    codes: Codes,
    rules: DecisionRules,
    enrolled_with: pl.LazyFrame | None = None,
) -> Decisions:
    """Decide every mapped diagnosis of the members.

    ``lines``: canonical claim lines; ``diagnoses``: claim_id, diagnosis_code (normalised) and, where known, member_id and
    the columns that tell versions apart; ``members``: member_id, program, parent_organization, in the order that gives
    a member its index. Claims of other members are counted, not used.
    """
    special = special_records(lines, enrolled_with)
    linked = None
    if special is not None and special.height:
        special = special.join(
            members.select("member_id", pl.col("parent_organization").alias("_own")), on="member_id", how="left"
        ).with_columns(pl.coalesce("submitting_organization", "_own"))
        linked = chains(special, lines, diagnoses, rules.chains)
    found = _records(lines, members, rules)
    unknown = int(found["member"].null_count())
    found = found.filter(pl.col("member").is_not_null())
    found = _with_chains(found, linked, special, rules)
    found = found.sort("member", "day", "claim_id").with_row_index("record")
    rows = _mapped_rows(diagnoses, found, codes)
    used = np.zeros(found.height, dtype=bool)
    record = (rows >> np.uint64(16)).astype(np.uint32)
    used[record] = True
    renumber = np.cumsum(used, dtype=np.uint32) - 1
    found = found.filter(pl.Series(used)).drop("record")
    record = renumber[record].astype(np.uint32)
    code = (rows & np.uint64(0xFFFF)).astype(np.uint16)
    reason, flags = _reasons(found, rules)
    reason_of, flags_of = reason[record], flags[record]
    _withdraw_codes(found, linked, codes, record, code, reason_of, diagnoses)
    day = found["day"].to_numpy()[record].astype(np.int64)
    invalid = (reason_of == COUNTED) & ((day < codes.valid_from[code]) | (day > codes.valid_to[code]))
    reason_of[invalid] = NOT_VALID_ON_DOS
    keep = [c for c in ("rendering_npi", "place_of_service", "linked") if c in found.columns]
    slim = found.select("claim_id", "member", "day", "form", "record_type", *keep)
    return Decisions(slim, record, code, reason_of, flags_of, unknown)


def _records(lines: pl.LazyFrame, members: pl.DataFrame, rules: DecisionRules) -> pl.DataFrame:
    index = members.lazy().select(
        "member_id",
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("member"),
        pl.col("program").cast(pl.String).is_in(list(rules.exempt_programs)).alias("exempt"),
        pl.col("program").cast(pl.String).is_in(list(rules.raps_programs)).alias("raps_counts"),
    )
    return records(lines, rules.lines).join(index, on="member_id", how="left").collect(engine="streaming")


def _with_chains(
    found: pl.DataFrame, linked: Chains | None, special: pl.DataFrame | None, rules: DecisionRules
) -> pl.DataFrame:
    """Add state, record_type, linked, switcher, late; and ``day``, the date by which the record is judged."""
    institutional = pl.col("form").is_in([_FORM["inpatient"], _FORM["outpatient"]])
    best_day = pl.when(pl.col("best") >= 2**DAY_BITS).then(pl.col("best") % 2**DAY_BITS).otherwise(pl.col("last"))
    found = found.with_columns(
        pl.when(institutional).then(pl.col("last")).otherwise(best_day).cast(pl.Int32).alias("day"),
        (pl.col("best") // 2**DAY_BITS).cast(pl.UInt8).alias("standing"),
    )
    if "version" not in found.columns:
        return found.with_columns(pl.lit(0, dtype=pl.UInt8).alias("record_type"))
    kind = ((pl.col("version") // 2**20) % 2**4).cast(pl.UInt8).alias("record_type")
    submitted = (pl.col("version") % 2**20).cast(pl.Int64)
    deadline = (rules.chains.deadline - EPOCH).days
    found = found.with_columns(kind, (submitted > deadline).alias("late"))
    if linked is None:
        return found
    key = ["claim_id", "member_id", "version"]
    return (
        found.join(linked.records, on=key, how="left")
        .join(linked.reviews, on=key, how="left")
        .join(linked.unmatched.with_columns(pl.lit(True).alias("unmatched")), on=key, how="left")
    )


def _mapped_rows(diagnoses: pl.LazyFrame, found: pl.DataFrame, codes: Codes) -> NDArray[np.uint64]:
    """Sorted distinct ``record << 16 | code_id`` of the mapped diagnoses."""
    lookup = pl.LazyFrame(
        {"diagnosis_code": codes.code, "code": np.arange(len(codes.code), dtype=np.uint16)},
    )
    names = diagnoses.collect_schema().names()
    on = ["claim_id"]
    if "member_id" in names:
        on.append("member_id")
    keys = found.lazy().select("claim_id", "member_id", "record", *(["version"] if "version" in found.columns else []))
    wanted = diagnoses.filter(pl.col("diagnosis_code").is_in(codes.code.implode())).join(lookup, on="diagnosis_code")
    if "version" in found.columns and "version" in names:
        on.append("version")
    joined = wanted.select(*on, "code").join(keys.select(*on, "record"), on=on)
    packed = joined.select(
        (pl.col("record").cast(pl.UInt64) * 2**16 + pl.col("code").cast(pl.UInt64)).alias("row")
    ).collect(engine="streaming")["row"]
    values = packed.sort().to_numpy()
    if len(values) == 0:
        return np.zeros(0, dtype=np.uint64)
    distinct: NDArray[np.uint64] = values[np.concatenate([[True], values[1:] != values[:-1]])]
    return distinct


def _column(found: pl.DataFrame, name: str, default: bool | int, dtype: type) -> NDArray[np.generic]:
    if name not in found.columns:
        return np.full(found.height, default, dtype=dtype)
    return found[name].fill_null(default).to_numpy().astype(dtype)


def _reasons(found: pl.DataFrame, rules: DecisionRules) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Reason and flags of each record; the first reason in REASONS' order that applies decides."""
    start, end = ((day - EPOCH).days for day in rules.lines.window)
    day = found["day"].to_numpy()
    form = found["form"].to_numpy()
    standing = found["standing"].to_numpy()
    audio_level = 2 if rules.lines.audio_first else 1
    inpatient = form == _FORM["inpatient"]
    audio_counts = rules.lines.audio_first
    qualifies = inpatient | ((standing > 0) & ((standing != audio_level) | audio_counts))
    needs_line = (form == _FORM["professional"]) | (form == _FORM["outpatient"])
    kind = found["record_type"].to_numpy()
    source = _column(found, "source", 0, np.uint8)
    raps = (source == RAPS) & ~_column(found, "raps_counts", False, np.bool_)
    verdict = _column(found, "verdict", 0, np.int8)
    live = _column(found, "live", True, np.bool_)
    state = _column(found, "state", 0, np.uint8)
    late = _column(found, "late", False, np.bool_)
    review = kind == RECORD_TYPES.index("chart_review")
    unlinked = review & ~_column(found, "linked", False, np.bool_)
    switcher = _column(found, "switcher", False, np.bool_)
    known = found["switcher"].is_not_null().to_numpy() if "switcher" in found.columns else np.zeros(len(day), bool)
    barred = unlinked & ~switcher & ~_column(found, "exempt", False, np.bool_) & rules.chains.switcher_only
    delete = kind == RECORD_TYPES.index("chart_review_delete")
    ours_bad_form = ~(inpatient | needs_line)
    allowed = verdict > 0
    reason = np.zeros(len(day), dtype=np.uint8)
    audio_only = needs_line & (standing == audio_level) & (not audio_counts)
    for code, applies in (
        (UNLINKED_CRR, barred),
        (AUDIO_ONLY, audio_only & ~allowed),
        (INELIGIBLE_H, needs_line & ~qualifies & ~audio_only & ~allowed),
        (INELIGIBLE_T, (form == _FORM["bad_bill_type"]) & ~allowed),
        (INELIGIBLE_D, late),
        (R_DELETED, (state == DELETED) | delete),
        (R_SUPERSEDED, state == SUPERSEDED),
        (INELIGIBLE_N, ~live | raps | (verdict < 0) | (ours_bad_form & (form != _FORM["bad_bill_type"]) & ~allowed)),
        (OUT_OF_WINDOW, (day < start) | (day > end)),
    ):
        reason[applies] = code
    ours = (inpatient | needs_line) & qualifies
    flags = np.zeros(len(day), dtype=np.uint16)
    years = {(date(y, 1, 1) - EPOCH).days: y for y in range(1901, 2200)}
    edges = np.fromiter(years.keys(), dtype=np.int64)
    year = np.fromiter(years.values(), dtype=np.int64)[np.clip(np.searchsorted(edges, day, side="right") - 1, 0, None)]
    for name, applies in (
        ("AUDIO_ONLY", needs_line & (standing == audio_level)),
        ("FILTER_DISAGREES", ((verdict > 0) & ~ours) | ((verdict < 0) & ours)),
        ("NOT_ACCEPTED_OR_DENIED", ~live),
        ("DENIED_LINE", _column(found, "denied", False, np.bool_)),
        ("RAPS", source == RAPS),
        ("CHART_REVIEW_UNLINKED", unlinked),
        ("SWITCHER", unlinked & switcher),
        ("SWITCHER_UNKNOWN", barred & ~known),
        ("REPLACEMENT_UNMATCHED", _column(found, "unmatched", False, np.bool_)),
        ("LIST_OF_ANOTHER_YEAR", needs_line & ~np.isin(year, list(rules.listed_years))),
    ):
        flags[applies] |= np.uint16(_FLAG[name])
    return reason, flags


def _withdraw_codes(
    found: pl.DataFrame,
    linked: Chains | None,
    codes: Codes,
    record: NDArray[np.uint32],
    code: NDArray[np.uint16],
    reason: NDArray[np.uint8],
    diagnoses: pl.LazyFrame,
) -> None:
    """Mark single diagnoses that a chart-review delete or a late replacement withdrew."""
    if linked is None or (linked.codes.is_empty() and linked.late_replacements.is_empty()):
        return
    lookup = pl.DataFrame({"diagnosis_code": codes.code, "code": np.arange(len(codes.code), dtype=np.uint16)})
    places = found.select("claim_id", "member_id", "version").with_row_index("record")
    touched = pl.concat([linked.codes["claim_id"], linked.late_replacements["claim_id"]]).unique()
    some = places.filter(pl.col("claim_id").is_in(touched.implode()))
    at = np.nonzero(np.isin(record, some["record"].to_numpy()))[0]
    rows = pl.DataFrame({"at": at, "record": record[at], "code": code[at]}).join(some, on="record").join(lookup, on="code")
    key = ["claim_id", "member_id", "diagnosis_code"]
    gone = [rows.join(linked.codes, on=key, how="semi")["at"]]
    late = linked.late_replacements
    if late.height:
        kept = (
            diagnoses.filter(pl.col("claim_id").is_in(late["by_claim_id"].implode()))
            .select(pl.col("claim_id").alias("by_claim_id"), "diagnosis_code")
            .unique()
            .collect(engine="streaming")
        )
        gone.append(
            rows.join(late, on=["claim_id", "member_id", "version"])
            .join(kept, on=["by_claim_id", "diagnosis_code"], how="anti")["at"]
        )
    for series in gone:
        hit = series.to_numpy()
        undecided = (reason[hit] == COUNTED) | (reason[hit] > R_DELETED)
        reason[hit[undecided]] = R_DELETED


__all__ = ["COUNTED", "FLAGS", "REASONS", "Codes", "DecisionRules", "Decisions", "decisions"]
