"""Every diagnosis that maps to an HCC gets a decision and a reason (SPEC R-4.7); columns of integers until the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses.chains import CLAIM, NO_CLAIMS, Chains, chains, sent_again, special_records
from hcc.diagnoses.held import held_by, with_version
from hcc.diagnoses.lines import (
    DAYS,
    EPOCH,
    FORMS,
    FREQUENCIES,
    NO_VERDICT,
    frequency,
    live_record,
    records,
    unpacked,
    version,
)
from hcc.diagnoses.plain import Room, read_plain
from hcc.diagnoses.reasons import (
    COUNTED,
    FLAGS,
    NOT_VALID_ON_DOS,
    R_DELETED,
    R_SUPERSEDED,
    REASONS,
    DecisionRules,
    possible_flags,
    record_reasons,
)
from hcc.diagnoses.runs import run_starts
from hcc.diagnoses.shards import shard_ranges
from hcc.kernel.arrays import Columns


@dataclass(frozen=True, eq=False)
class Codes:
    """The run's mapped codes, sorted; ``code_id`` is the position. Days count from 1900-01-01; 0 and 2^31 are open."""

    code: pl.Series
    valid_from: NDArray[np.int64]
    valid_to: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decided diagnoses.

    ``records``: one row per record with a mapped diagnosis, sorted by member: claim_id, member (UInt32),
    day (Int32), form, record_type (UInt8), npi (UInt64), place (UInt8). ``record``, ``code``, ``reason``, ``flags``:
    one entry per record and code, sorted by record. ``without_claim``: mapped diagnoses of claims that have no line.
    """

    records: pl.DataFrame
    record: NDArray[np.uint32]
    code: NDArray[np.uint16]
    reason: NDArray[np.uint8]
    flags: NDArray[np.uint16]
    without_claim: int = 0

    @property
    def member(self) -> NDArray[np.uint32]:
        members: NDArray[np.uint32] = self.records["member"].to_numpy()
        return members.take(self.record.astype(np.intp))


_NOTHING = Decisions(
    pl.DataFrame(
        schema={
            "claim_id": pl.String, "member": pl.UInt32, "day": pl.Int32, "form": pl.UInt8, "record_type": pl.UInt8,
            "npi": pl.UInt64, "place": pl.UInt8,
        }
    ),
    np.zeros(0, np.uint32), np.zeros(0, np.uint16), np.zeros(0, np.uint8), np.zeros(0, np.uint16),
)  # fmt: skip


class Decider:
    """Decides every mapped diagnosis of the members, shard by shard (hcc.diagnoses.shards).

    ``lines``: canonical claim lines; ``diagnoses``: claim_id, diagnosis_code (normalised), where known member_id
    and what tells versions apart; ``members``: member_id, raps_counts (RAPS diagnoses count for the member), exempt
    (unlinked chart reviews do, whatever the year says), parent_organization, in the order that gives a member its
    index. Claims of other members are counted, not used.

    Both tables are read here, once; plain claims go by 64-bit hashes (hcc.diagnoses.plain). Claims in a chain and
    chart reviews go by their full text. ``room``: how much of it stays in memory.
    """

    def __init__(
        self, lines: pl.LazyFrame, diagnoses: pl.LazyFrame, members: pl.DataFrame, codes: Codes, rules: DecisionRules,
        enrolled_with: pl.LazyFrame | None = None, room: Room | None = None, *, count_mapped: bool = False,
    ) -> None:  # fmt: skip
        self.codes, self.rules = codes, rules
        self.ranges = list(shard_ranges(members.height))
        special, linked = special_records(lines, enrolled_with), None
        diagnoses = with_version(diagnoses, lines)
        if special is not None:
            # Of our members only: what others' claims withdraw is nothing to them.
            own = members.select("member_id", pl.col("parent_organization").alias("_own"))
            special = special.join(own, on="member_id").with_columns(pl.coalesce("submitting_organization", "_own"))
            linked = chains(special, lines, diagnoses, rules.chains) if special.height else None
        self.lost = (0, 0) if linked is None else (linked.lost_voids, linked.lost_deletes)  # voids, deletes of nothing
        by_text = pl.concat([_by_text(special, linked), sent_again(lines, rules.chains.deadline)]).unique()
        self._programs = {name: members[name].to_numpy() for name in ("exempt", "raps_counts")}
        # The first categories are the mapped codes in their order. Kept: numbers live as long as a column of them.
        self._words = pl.Categories.random()
        self._numbered = codes.code.cast(pl.Categorical(self._words))
        self._plain, self._unmapped = read_plain(
            lines, diagnoses, members["member_id"], rules.lines, by_text, self._numbered.dtype, len(codes.code), room,
            count_mapped=count_mapped,
        )  # fmt: skip
        self.unknown_member_claims = self._plain.unknown_claims()
        self._text: tuple[pl.DataFrame, NDArray[np.uint32], NDArray[np.uint16]] | None = None
        self._withdrawn: Withdrawn | None = None
        # Mapped diagnoses without a line of their claim, beside those that shards tell of.
        self.without_claim = self._plain.strange_without_claim()
        if len(by_text):
            text = _text_records(lines, by_text, members, linked, rules)
            strange = text.filter(pl.col("member").is_null())
            self.unknown_member_claims += strange.select("claim_id", "member_id").unique().height  # not their versions
            text = text.sort("member", maintain_order=True, nulls_last=True)
            record, code, without = _text_rows(diagnoses, text, by_text, codes)
            known = record < text.height - text["member"].null_count()
            text = text.filter(pl.col("member").is_not_null())
            self._text = (text, record[known], code[known])
            self.without_claim += without
            self._withdrawn = withdrawn(linked, codes, diagnoses)
        columns = lines.collect_schema().names()
        self.flag_sets = possible_flags(columns, rules, replaced=len(by_text) > 0)

    def met(self) -> pl.DataFrame:
        """diagnosis_code, rows of the mapped codes, where they were counted (``count_mapped``)."""
        return pl.DataFrame({"diagnosis_code": self.codes.code, "rows": self._unmapped.of_mapped})

    def unmapped(self) -> pl.DataFrame:
        """diagnosis_code, rows, members of the codes that map in no model of the run. To be asked once."""
        return self._unmapped.table(self._words.to_series())

    def decide(self, number: int) -> Decisions:
        """The diagnoses of the members of one shard."""
        columns, claim_id, at, code, without = self._plain.shard(number)
        used = pl.DataFrame({**_as_read(columns, self.rules), "claim_id": claim_id})
        if self._text is not None:
            used, at, code = self._with_text(number, used, at, code)
        found, record, code = _in_order(used, at, code)
        found = _read(found, self._programs)
        reason, flags = record_reasons(found, self.rules)
        row, place = record.astype(np.intp), code.astype(np.intp)
        reason_of, flags_of = reason.take(row), flags.take(row)
        if self._withdrawn is not None:
            self._withdrawn.apply(found, record, code, reason_of, flags_of)
        codes = self.codes
        day = found["day"].to_numpy().take(row)
        invalid = (reason_of == COUNTED) & ((day < codes.valid_from.take(place)) | (day > codes.valid_to.take(place)))
        reason_of[invalid] = NOT_VALID_ON_DOS
        one = _one_row_per_code(found, record, code, reason_of)
        if one is not None:
            record, code, reason_of, flags_of = record[one], code[one], reason_of[one], flags_of[one]
        slim = found.select("claim_id", "member", "day", "form", "record_type", "npi", "place")
        return Decisions(slim, record, code, reason_of, flags_of, without)

    def _with_text(
        self, number: int, used: pl.DataFrame, record: NDArray[np.int64], code: NDArray[np.uint16]
    ) -> tuple[pl.DataFrame, NDArray[np.int64], NDArray[np.uint16]]:
        """The shard's records that go by text beside the plain ones."""
        assert self._text is not None
        text, at, its = self._text
        first, last = np.searchsorted(text["member"].to_numpy(), self.ranges[number])
        here = (at >= first) & (at < last)
        record = np.concatenate([record, at[here].astype(np.int64) - first + used.height])
        code = np.concatenate([code, its[here]])
        return pl.concat([used, text[int(first) : int(last)]], how="diagonal_relaxed"), record, code


def decisions(
    lines: pl.LazyFrame, diagnoses: pl.LazyFrame, members: pl.DataFrame, codes: Codes, rules: DecisionRules,
    enrolled_with: pl.LazyFrame | None = None,
) -> Decisions:  # fmt: skip
    """All shards of a Decider as one."""
    decider = Decider(lines, diagnoses, members, codes, rules, enrolled_with)
    return joined([decider.decide(number) for number in range(len(decider.ranges))])


def joined(parts: Sequence[Decisions]) -> Decisions:
    """Decisions of neighbouring shards as one."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return _NOTHING
    base = np.cumsum([0, *(part.records.height for part in parts)])
    return Decisions(
        pl.concat([part.records for part in parts]),
        np.concatenate([part.record + np.uint32(first) for part, first in zip(parts, base, strict=False)]),
        np.concatenate([part.code for part in parts]),
        np.concatenate([part.reason for part in parts]),
        np.concatenate([part.flags for part in parts]),
        sum(part.without_claim for part in parts),
    )


def _by_text(special: pl.DataFrame | None, linked: Chains | None) -> pl.DataFrame:
    """Claims (claim_id, member_id) that chains or chart reviews are about."""
    if special is None or linked is None:
        return NO_CLAIMS
    named = ("claim_id", "original_claim_id", "linked_claim_id")
    about = [special.select(pl.col(name).alias("claim_id"), "member_id") for name in named]
    return pl.concat([*about, linked.codes.select(CLAIM)]).drop_nulls("claim_id").unique()


def _of_claims(rows: pl.LazyFrame, claims: pl.DataFrame) -> pl.LazyFrame:
    """Rows of ``claims`` (claim_id, member_id). The numbers first: few rows are left for the join."""
    some = rows.filter(pl.col("claim_id").is_in(claims["claim_id"].implode()))
    return some.join(claims.lazy(), on=CLAIM, how="semi")


def _member_index(members: pl.DataFrame) -> pl.DataFrame:
    return members.select("member_id", pl.int_range(pl.len(), dtype=pl.UInt32).alias("member"))


def _as_read(found: Columns, rules: DecisionRules) -> dict[str, Any]:
    """Columns of plain records as the text records have them."""
    if not found:
        return {"member": np.zeros(0, np.uint32), "best": np.zeros(0, np.uint64), "last": np.zeros(0, np.uint32)}
    columns: dict[str, Any] = {**found, "member": found["member"].astype(np.uint32)}
    if "verdict" in columns:
        columns["verdict"] = pl.Series(columns["verdict"]).replace(NO_VERDICT, None)
    if "submitted" in columns:
        columns["late"] = columns.pop("submitted") > (rules.chains.deadline - EPOCH).days
    return columns


def _read(found: pl.DataFrame, programs: dict[str, NDArray[np.bool_]]) -> pl.DataFrame:
    """What the packed lines of used records say, as columns; and what the member's programme means for them.

    ``day``: an institutional record goes by its last day, a professional one by its qualifying line (SPEC R-3.6).
    """
    fields = unpacked(found["best"].to_numpy(), found["last"].to_numpy())
    institutional = np.isin(fields["form"], [FORMS.index("inpatient"), FORMS.index("outpatient")])
    qualified = ~institutional & (fields["standing"] > 0)
    fields["day"] = np.where(qualified, fields.pop("best_day"), fields.pop("last_day"))
    member = found["member"].to_numpy()
    fields |= {name: of_member[member] for name, of_member in programs.items()}
    if "record_type" not in found.columns:
        fields["record_type"] = np.zeros(found.height, dtype=np.uint8)
    else:
        found = found.with_columns(pl.col("record_type").fill_null(0))
    return found.drop("best", "last").with_columns(pl.Series(name, values) for name, values in fields.items())


def _text_records(
    lines: pl.LazyFrame, by_text: pl.DataFrame, members: pl.DataFrame, linked: Chains | None, rules: DecisionRules
) -> pl.DataFrame:
    """Records of the claims in ``by_text``, by claim_id, member_id and version, with what chains did to them."""
    some = _of_claims(lines, by_text)
    told_apart = version(some.collect_schema().names())
    told_apart = pl.lit(0, dtype=pl.UInt32) if told_apart is None else told_apart
    found = records(some, rules.lines, [pl.col("claim_id"), pl.col("member_id"), told_apart.alias("version")])
    table = found.collect(engine="streaming").join(_member_index(members), on="member_id", how="left")
    submitted = (pl.col("version") % DAYS).cast(pl.Int64)
    deadline = (rules.chains.deadline - EPOCH).days
    table = table.with_columns(
        ((pl.col("version") // DAYS) % 2**4).cast(pl.UInt8).alias("record_type"),
        (submitted > deadline).alias("late"),
    )
    if linked is not None:
        key = ["claim_id", "member_id", "version"]
        table = (
            table.join(linked.records, on=key, how="left")
            .join(linked.reviews, on=key, how="left")
            .join(linked.unmatched.with_columns(pl.lit(True).alias("unmatched")), on=key, how="left")
        )
    return _of_one_record(table.drop("submission_date", strict=False))


def _of_one_record(table: pl.DataFrame) -> pl.DataFrame:
    """Accepted originals of a claim that stand, in time, are one record whatever the days their lines came on, as they are for
    claims that no chain is about: what lets one of them count lets the others."""
    alike = live_record(pl.col("best")) & ~pl.col("late").fill_null(False) & (frequency(pl.col("version")) == FREQUENCIES.index("1"))
    if "state" in table.columns:
        alike = alike & pl.col("state").is_null()
    folds = {"best": pl.col("best").max(), "last": pl.col("last").max()}
    if "verdict" in table.columns:
        folds["verdict"] = pl.col("verdict").min()
    key = [*CLAIM, "record_type", alike]
    return table.with_columns(pl.when(alike).then(fold.over(key)).otherwise(name).alias(name) for name, fold in folds.items())


def _code_id(codes: Codes) -> pl.Expr:
    """Position among the mapped codes; null for others."""
    kind = pl.Enum(codes.code)
    return pl.col("diagnosis_code").cast(kind, strict=False).to_physical().cast(pl.UInt16).alias("code")


def _text_rows(
    diagnoses: pl.LazyFrame, found: pl.DataFrame, by_text: pl.DataFrame, codes: Codes
) -> tuple[NDArray[np.uint32], NDArray[np.uint16], int]:
    """Record (position in ``found``) and code of the mapped diagnoses of the claims in ``by_text``; the number of those
    of no record."""
    keyed = found.lazy().with_row_index("record").select("claim_id", "member_id", "version", "record")
    # Lines say whose a diagnosis is that does not tell; one of no line is counted among the plain ones.
    some = diagnoses.filter(pl.col("claim_id").is_in(found["claim_id"].implode()))
    if "member_id" in diagnoses.collect_schema().names():
        some = pl.concat([_of_claims(diagnoses, by_text), some.filter(pl.col("member_id").is_null())])
    some = some.with_columns(_code_id(codes))
    rows = held_by(some.filter(pl.col("code").is_not_null()), keyed, how="left").select("record", "code")
    table = rows.collect(engine="streaming")
    there = table.filter(pl.col("record").is_not_null())
    return there["record"].to_numpy(), there["code"].to_numpy(), table.height - there.height


def _in_order(
    found: pl.DataFrame, record: NDArray[np.int64], code: NDArray[np.uint16]
) -> tuple[pl.DataFrame, NDArray[np.uint32], NDArray[np.uint16]]:
    """Records with a mapped diagnosis, by member and day; and their distinct codes, by record."""
    used = np.zeros(found.height, dtype=bool)
    used[record] = True
    place = np.flatnonzero(used)
    # Within a member by the last day of the lines: near enough for neighbours to lie together, and cheap.
    near = (found["member"].to_numpy()[place].astype(np.uint64) << np.uint64(32)) | found["last"].to_numpy()[place]
    place = place[np.argsort(near)]
    rank = np.zeros(found.height, dtype=np.uint32)
    rank[place] = np.arange(len(place), dtype=np.uint32)
    key = (rank[record].astype(np.uint64) << np.uint64(16)) | code
    key.sort()
    values = key[run_starts(key)]
    return found[place], (values >> np.uint64(16)).astype(np.uint32), (values & np.uint64(0xFFFF)).astype(np.uint16)


def _one_row_per_code(
    found: pl.DataFrame, record: NDArray[np.uint32], code: NDArray[np.uint16], reason: NDArray[np.uint8]
) -> NDArray[np.bool_] | None:
    """Which rows to keep where versions of one claim hold the same code: the one that counts, else of the latest."""
    if "version" not in found.columns:
        return None
    places = found.select("claim_id", "member_id", "version").with_row_index("record")
    some = places.filter(pl.col("version").is_not_null() & pl.struct("claim_id", "member_id").is_duplicated())
    if some.is_empty():
        return None
    at = np.nonzero(np.isin(record, some["record"].to_numpy()))[0]
    rows = (
        pl.DataFrame({"at": at, "record": record[at], "code": code[at], "counts": reason[at] == COUNTED})
        .join(some, on="record")
        .sort("counts", pl.col("version") % DAYS, "version", descending=True)
    )
    keep = np.ones(len(record), dtype=bool)
    keep[rows.filter(~pl.struct("claim_id", "member_id", "code").is_first_distinct())["at"].to_numpy()] = False
    return keep


@dataclass(frozen=True, eq=False)
class Withdrawn:
    """Single diagnoses that a chart-review delete or a late replacement withdrew.

    ``codes``: claim_id, member_id, version, code; ``late``: claim_id, member_id, version and what replaces them (by_claim_id,
    by_version); ``kept``: by_claim_id, member_id, by_version, code: the diagnoses that the late records hold themselves.
    """

    codes: pl.DataFrame
    late: pl.DataFrame
    kept: pl.DataFrame

    def apply(
        self, found: pl.DataFrame, record: NDArray[np.uint32], code: NDArray[np.uint16], reason: NDArray[np.uint8],
        flags: NDArray[np.uint16],
    ) -> None:  # fmt: skip
        """Set the reason of what was withdrawn; where another one stands before it, the flag."""
        if "version" not in found.columns:
            return
        places = found.select("claim_id", "member_id", "version").with_row_index("record")
        touched = pl.concat([self.codes["claim_id"], self.late["claim_id"]]).unique()
        some = places.filter(pl.col("claim_id").is_in(touched.implode()))
        at = np.nonzero(np.isin(record, some["record"].to_numpy()))[0]
        rows = pl.DataFrame({"at": at, "record": record[at], "code": code[at]}).join(some, on="record")
        gone = [rows.join(self.codes, on=["claim_id", "member_id", "version", "code"], how="semi")["at"]]
        if self.late.height:
            late = rows.join(self.late, on=["claim_id", "member_id", "version"])
            gone.append(late.join(self.kept, on=["by_claim_id", "member_id", "by_version", "code"], how="anti")["at"])
        for series in gone:
            hit = series.to_numpy()
            undecided = (reason[hit] == COUNTED) | (reason[hit] > R_DELETED)
            reason[hit[undecided]] = R_DELETED
            told = (reason[hit] == R_DELETED) | (reason[hit] == R_SUPERSEDED)
            flags[hit[~told]] |= np.uint16(1 << FLAGS.index("WITHDRAWN"))


def withdrawn(linked: Chains | None, codes: Codes, diagnoses: pl.LazyFrame) -> Withdrawn | None:
    """What ``linked`` withdraws diagnosis by diagnosis; None where it does not."""
    if linked is None or (linked.codes.is_empty() and linked.late_replacements.is_empty()):
        return None
    late = linked.late_replacements
    by = late.select(pl.col("by_claim_id").alias("claim_id"), "member_id", pl.col("by_version").alias("version"))
    some = diagnoses.filter(pl.col("claim_id").is_in(by["claim_id"].unique().implode())).with_columns(_code_id(codes))
    kept = (
        held_by(some.filter(pl.col("code").is_not_null()), by.unique().lazy())
        .select(pl.col("claim_id").alias("by_claim_id"), "member_id", pl.col("version").alias("by_version"), "code")
        .unique()
        .collect(engine="streaming")
    )
    lookup = pl.DataFrame({"diagnosis_code": codes.code, "code": np.arange(len(codes.code), dtype=np.uint16)})
    return Withdrawn(linked.codes.join(lookup, on="diagnosis_code"), late, kept)


__all__ = ["COUNTED", "FLAGS", "REASONS", "Codes", "Decider", "DecisionRules", "Decisions", "decisions", "joined"]
