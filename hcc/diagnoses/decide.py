"""Every diagnosis that maps to an HCC gets a decision and a reason (SPEC R-4.7); columns of integers until the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses.chains import DELETED, SUPERSEDED, ChainRules, Chains, chains, special_records
from hcc.diagnoses.lines import (
    EPOCH,
    FORMS,
    NO_VERDICT,
    RECORD_TYPES,
    VERSION_COLUMNS,
    LineRules,
    hashed,
    records,
    unpacked,
    version,
)
from hcc.diagnoses.runs import Columns, folded, run_starts

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
    """Decided diagnoses.

    ``records``: one row per record with a mapped diagnosis, sorted by member: claim_id, member (UInt32),
    day (Int32), form, record_type (UInt8), npi (UInt64), place (UInt8). ``record``, ``code``, ``reason``, ``flags``:
    one entry per record and code, sorted by record.
    """

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

    ``lines``: canonical claim lines; ``diagnoses``: claim_id, diagnosis_code (normalised), where known member_id
    and what tells versions apart; ``members``: member_id, program, parent_organization, in the order that gives
    a member its index. Claims of other members are counted, not used.

    Plain claims are grouped and joined by a 64-bit hash of their claim_id. Claims in a chain, chart reviews, and
    claims whose hash is shared by two members go by their full text.
    """
    special = special_records(lines, enrolled_with)
    if special is not None and special.is_empty():
        special = None
    linked = None
    if special is not None:
        special = special.join(
            members.select("member_id", pl.col("parent_organization").alias("_own")), on="member_id", how="left"
        ).with_columns(pl.coalesce("submitting_organization", "_own"))
        linked = chains(special, lines, diagnoses, rules.chains)
    by_text = _by_text(special, linked)
    diagnoses = _with_version(diagnoses, lines)
    plain, shared = _plain_records(lines, by_text, rules)
    if len(shared):
        more = lines.filter(pl.col("claim_id").hash().is_in(shared.implode())).select("claim_id").unique().collect()
        by_text = pl.concat([by_text, more["claim_id"]]).unique()
    known = _known(plain["owner"], members)
    unknown = len(known) - int(known.sum())
    used, record, code = _plain_rows(diagnoses, plain, known, members, by_text, codes, rules)
    if len(by_text):
        text = _text_records(lines, by_text, members, linked, rules)
        unknown += int(text["member"].null_count())
        text = text.filter(pl.col("member").is_not_null())
        at, its = _text_rows(diagnoses, text, by_text, codes)
        record, code = np.concatenate([record, at + np.uint32(used.height)]), np.concatenate([code, its])
        used = pl.concat([used, text], how="diagonal")
    found, record, code = _in_order(used, record, code)
    found = _read(found, members, rules)
    reason, flags = _reasons(found, rules)
    reason_of, flags_of = reason[record], flags[record]
    _withdraw_codes(found, linked, codes, record, code, reason_of, diagnoses)
    day = found["day"].to_numpy()[record]
    invalid = (reason_of == COUNTED) & ((day < codes.valid_from[code]) | (day > codes.valid_to[code]))
    reason_of[invalid] = NOT_VALID_ON_DOS
    one = _one_row_per_code(found, record, code, reason_of)
    if one is not None:
        record, code, reason_of, flags_of = record[one], code[one], reason_of[one], flags_of[one]
    slim = found.select("claim_id", "member", "day", "form", "record_type", "npi", "place")
    return Decisions(slim, record, code, reason_of, flags_of, unknown)


def _with_version(diagnoses: pl.LazyFrame, lines: pl.LazyFrame) -> pl.LazyFrame:
    """Tell the versions of a claim apart among its diagnoses too, where these carry what the lines carry for it."""
    needed = [c for c in VERSION_COLUMNS if c in lines.collect_schema().names()]
    told_apart = version(needed)
    if told_apart is None or not set(needed) <= set(diagnoses.collect_schema().names()):
        return diagnoses
    return diagnoses.with_columns(told_apart.alias("version"))


def _by_text(special: pl.DataFrame | None, linked: Chains | None) -> pl.Series:
    """claim_ids that chains or chart reviews are about."""
    if special is None or linked is None:
        return pl.Series("claim_id", [], dtype=pl.String)
    about = [special["claim_id"], special["original_claim_id"], special["linked_claim_id"], linked.codes["claim_id"]]
    return pl.concat([series.alias("claim_id") for series in about]).drop_nulls().unique()


def _plain_records(lines: pl.LazyFrame, by_text: pl.Series, rules: DecisionRules) -> tuple[Columns, pl.Series]:
    """Records of the claims outside ``by_text``, keyed by hash; and the hashes that more than one member shares."""
    if len(by_text):
        lines = lines.filter(~pl.col("claim_id").is_in(by_text.implode()))
    table = hashed(lines, rules.lines).collect(engine="streaming")
    columns = {}
    for name in table.columns:  # column by column: the chunks of one are given back before the next is joined
        columns[name] = table.drop_in_place(name).to_numpy()
    found, shared = folded(columns)
    return found, pl.Series(shared)


def _known(owner: NDArray[np.uint64], members: pl.DataFrame) -> NDArray[np.bool_]:
    """Whether each hash is a member's."""
    ours: NDArray[np.bool_] = pl.Series(owner).is_in(members["member_id"].hash().implode()).to_numpy()
    return ours


def _member_index(members: pl.DataFrame) -> pl.DataFrame:
    return members.select("member_id", pl.int_range(pl.len(), dtype=pl.UInt32).alias("member"))


def _read(found: pl.DataFrame, members: pl.DataFrame, rules: DecisionRules) -> pl.DataFrame:
    """What the packed lines of used records say, as columns; and what the member's programme means for them.

    ``day``: an institutional record goes by its last day, a professional one by its qualifying line (SPEC R-3.6).
    """
    fields = unpacked(found["best"].to_numpy(), found["last"].to_numpy())
    institutional = np.isin(fields["form"], [_FORM["inpatient"], _FORM["outpatient"]])
    qualified = ~institutional & (fields["standing"] > 0)
    fields["day"] = np.where(qualified, fields.pop("best_day"), fields.pop("last_day"))
    program = members["program"].cast(pl.String)
    member = found["member"].to_numpy()
    for name, programs in (("exempt", rules.exempt_programs), ("raps_counts", rules.raps_programs)):
        fields[name] = program.is_in(list(programs)).fill_null(False).to_numpy()[member]
    if "record_type" not in found.columns:
        fields["record_type"] = np.zeros(found.height, dtype=np.uint8)
    else:
        found = found.with_columns(pl.col("record_type").fill_null(0))
    return found.drop("best", "last").with_columns(pl.Series(name, values) for name, values in fields.items())


def _text_records(
    lines: pl.LazyFrame, by_text: pl.Series, members: pl.DataFrame, linked: Chains | None, rules: DecisionRules
) -> pl.DataFrame:
    """Records of the claims in ``by_text``, by claim_id, member_id and version, with what chains did to them."""
    some = lines.filter(pl.col("claim_id").is_in(by_text.implode()))
    told_apart = version(some.collect_schema().names())
    told_apart = pl.lit(0, dtype=pl.UInt32) if told_apart is None else told_apart
    found = records(some, rules.lines, [pl.col("claim_id"), pl.col("member_id"), told_apart.alias("version")])
    table = found.collect(engine="streaming").join(_member_index(members), on="member_id", how="left")
    submitted = (pl.col("version") % 2**20).cast(pl.Int64)
    deadline = (rules.chains.deadline - EPOCH).days
    table = table.with_columns(
        ((pl.col("version") // 2**20) % 2**4).cast(pl.UInt8).alias("record_type"),
        (submitted > deadline).alias("late"),
    )
    if linked is not None:
        key = ["claim_id", "member_id", "version"]
        table = (
            table.join(linked.records, on=key, how="left")
            .join(linked.reviews, on=key, how="left")
            .join(linked.unmatched.with_columns(pl.lit(True).alias("unmatched")), on=key, how="left")
        )
    return table.drop("submission_date", strict=False)


def _plain_rows(
    diagnoses: pl.LazyFrame, plain: Columns, known: NDArray[np.bool_], members: pl.DataFrame, by_text: pl.Series,
    codes: Codes, rules: DecisionRules,
) -> tuple[pl.DataFrame, NDArray[np.uint32], NDArray[np.uint16]]:  # fmt: skip
    """Plain records of known members with a mapped diagnosis; and record (their position) and code of these.

    Codes come in no order, repeated where lines repeat them. Neighbouring diagnoses of one claim are looked up once.
    """
    if len(by_text):
        diagnoses = diagnoses.filter(~pl.col("claim_id").is_in(by_text.implode()))
    rows = (
        diagnoses.select(pl.col("claim_id").hash().alias("hash"), "claim_id", _code_id(codes))
        .filter(pl.col("code").is_not_null())
        .collect(engine="streaming")
    )
    hashes = rows.drop_in_place("hash").to_numpy()
    starts = run_starts(hashes)
    size = np.diff(np.concatenate([starts, [len(hashes)]]))
    there = np.flatnonzero(known).astype(np.uint32)
    records_by_hash = pl.LazyFrame({"hash": plain["hash"][there], "place": there})
    runs = pl.LazyFrame({"hash": hashes[starts], "run": np.arange(len(starts), dtype=np.uint32)})
    del hashes
    met = records_by_hash.join(runs, on="hash").select("place", "run").collect(engine="streaming")
    place, run = met["place"].to_numpy(), met["run"].to_numpy()
    one_run = np.full(len(known), -1, dtype=np.int64)  # a run of each record that has one
    one_run[place] = run
    used = np.flatnonzero(one_run >= 0)
    position = one_run  # the same memory: from here on the position among the used records
    claim_id = rows["claim_id"].gather(pl.Series(starts[one_run[used]]))
    position[used] = np.arange(len(used))
    record_of_run = np.full(len(starts), -1, dtype=np.int64)
    record_of_run[run] = position[place]
    record = np.repeat(record_of_run, size)
    hit = record >= 0
    code = rows["code"].to_numpy()
    if not hit.all():
        record, code = record[hit], code[hit]
    index = _member_index(members).select(pl.col("member_id").hash().alias("owner"), "member")
    owner = pl.LazyFrame({"owner": plain["owner"][used], "at": np.arange(len(used), dtype=np.uint32)})
    whose = owner.join(index.lazy(), on="owner").select("at", "member").collect(engine="streaming")
    member = np.zeros(len(used), dtype=np.uint32)
    member[whose["at"].to_numpy()] = whose["member"].to_numpy()
    found = pl.DataFrame(
        {
            "member": member,
            "best": plain["best"][used],
            "last": plain["last"][used],
            "claim_id": claim_id,
        }
    )
    if "verdict" in plain:
        found = found.with_columns(pl.Series("verdict", plain["verdict"][used]).replace(NO_VERDICT, None))
    if "submitted" in plain:
        late = plain["submitted"][used] > (rules.chains.deadline - EPOCH).days
        found = found.with_columns(pl.Series("late", late))
    return found, record.astype(np.uint32), code


def _code_id(codes: Codes) -> pl.Expr:
    """Position among the mapped codes; null for others."""
    kind = pl.Enum(codes.code)
    return pl.col("diagnosis_code").cast(kind, strict=False).to_physical().cast(pl.UInt16).alias("code")


def _text_rows(
    diagnoses: pl.LazyFrame, found: pl.DataFrame, by_text: pl.Series, codes: Codes
) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Record (position in ``found``) and code of the mapped diagnoses of the claims in ``by_text``."""
    names = diagnoses.collect_schema().names()
    on = ["claim_id", *(c for c in ("member_id", "version") if c in names)]
    keyed = found.lazy().with_row_index("record").select(*on, "record")
    some = diagnoses.filter(pl.col("claim_id").is_in(by_text.implode())).select(*on, _code_id(codes))
    rows = some.filter(pl.col("code").is_not_null()).join(keyed, on=on).select("record", "code")
    table = rows.collect(engine="streaming")
    return table["record"].to_numpy(), table["code"].to_numpy()


def _in_order(
    found: pl.DataFrame, record: NDArray[np.uint32], code: NDArray[np.uint16]
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


def _flag_of(found: pl.DataFrame, name: str, default: bool = False) -> NDArray[np.bool_]:
    if name not in found.columns:
        return np.full(found.height, default, dtype=np.bool_)
    values: NDArray[np.bool_] = found[name].fill_null(default).to_numpy()
    return values


def _number_of(found: pl.DataFrame, name: str) -> NDArray[np.int8]:
    if name not in found.columns:
        return np.zeros(found.height, dtype=np.int8)
    values: NDArray[np.int8] = found[name].fill_null(0).to_numpy().astype(np.int8)
    return values


def _reasons(found: pl.DataFrame, rules: DecisionRules) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Reason and flags of each record; the first reason in REASONS' order that applies decides."""
    start, end = ((day - EPOCH).days for day in rules.lines.window)
    day = found["day"].to_numpy()
    form = found["form"].to_numpy()
    standing = found["standing"].to_numpy()
    audio_level = 2 if rules.lines.audio_first else 1
    source = _number_of(found, "source")
    filtered_by_plan = source == RAPS  # RAPS: the plan itself filters before it submits (SPEC)
    inpatient = (form == _FORM["inpatient"]) | filtered_by_plan
    audio_counts = rules.lines.audio_first
    qualifies = inpatient | ((standing > 0) & ((standing != audio_level) | audio_counts))
    needs_line = ((form == _FORM["professional"]) | (form == _FORM["outpatient"])) & ~filtered_by_plan
    kind = found["record_type"].to_numpy()
    raps = (source == RAPS) & ~_flag_of(found, "raps_counts")
    verdict = _number_of(found, "verdict")
    live = _flag_of(found, "live", True)
    state = _number_of(found, "state")
    late = _flag_of(found, "late")
    review = kind == RECORD_TYPES.index("chart_review")
    unlinked = review & ~_flag_of(found, "linked")
    switcher = _flag_of(found, "switcher")
    known = found["switcher"].is_not_null().to_numpy() if "switcher" in found.columns else np.zeros(len(day), bool)
    barred = unlinked & ~switcher & ~_flag_of(found, "exempt") & rules.chains.switcher_only
    delete = kind == RECORD_TYPES.index("chart_review_delete")
    ours_bad_form = ~(inpatient | needs_line)
    allowed = verdict > 0
    reason = np.zeros(len(day), dtype=np.uint8)
    audio_only = needs_line & (standing == audio_level) & (not audio_counts)
    for code, applies in (
        (UNLINKED_CRR, barred),
        (AUDIO_ONLY, audio_only & ~allowed),
        (INELIGIBLE_H, needs_line & ~qualifies & ~audio_only & ~allowed),
        (INELIGIBLE_T, (form == _FORM["bad_bill_type"]) & ~allowed & ~filtered_by_plan),
        (INELIGIBLE_D, late),
        (R_DELETED, (state == DELETED) | delete),
        (R_SUPERSEDED, state == SUPERSEDED),
        (INELIGIBLE_N, ~live | raps | (verdict < 0) | (ours_bad_form & (form != _FORM["bad_bill_type"]) & ~allowed)),
        (OUT_OF_WINDOW, (day < start) | (day > end)),
    ):
        reason[applies] = code
    ours = (inpatient | needs_line) & qualifies
    flags = np.zeros(len(day), dtype=np.uint16)
    borrowed = np.zeros(len(day), dtype=bool)
    for year in range(rules.lines.window[0].year, rules.lines.window[1].year + 1):
        if year not in rules.listed_years:
            first, last = (date(year, 1, 1) - EPOCH).days, (date(year, 12, 31) - EPOCH).days
            borrowed |= (day >= first) & (day <= last)
    for name, applies in (
        ("AUDIO_ONLY", needs_line & (standing == audio_level)),
        ("FILTER_DISAGREES", ((verdict > 0) & ~ours) | ((verdict < 0) & ours)),
        ("NOT_ACCEPTED_OR_DENIED", ~live),
        ("DENIED_LINE", _flag_of(found, "denied")),
        ("RAPS", source == RAPS),
        ("CHART_REVIEW_UNLINKED", unlinked),
        ("SWITCHER", unlinked & switcher),
        ("SWITCHER_UNKNOWN", barred & ~known),
        ("REPLACEMENT_UNMATCHED", _flag_of(found, "unmatched")),
        ("LIST_OF_ANOTHER_YEAR", needs_line & borrowed),
    ):
        flags[applies] |= np.uint16(_FLAG[name])
    return reason, flags


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
        .sort("counts", pl.col("version") % 2**20, "version", descending=True)
    )
    keep = np.ones(len(record), dtype=bool)
    keep[rows.filter(~pl.struct("claim_id", "member_id", "code").is_first_distinct())["at"].to_numpy()] = False
    return keep


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
    rows = (
        pl.DataFrame({"at": at, "record": record[at], "code": code[at]}).join(some, on="record").join(lookup, on="code")
    )
    key = ["claim_id", "member_id", "diagnosis_code"]
    gone = [rows.join(linked.codes, on=key, how="semi")["at"]]
    late = linked.late_replacements
    if late.height:
        # Under one claim_id the late version must not be mistaken for what it replaces.
        by = ["claim_id", *(c for c in ("version",) if c in diagnoses.collect_schema().names())]
        kept = (
            diagnoses.filter(pl.col("claim_id").is_in(late["by_claim_id"].implode()))
            .select(*(pl.col(c).alias(f"by_{c}") for c in by), "diagnosis_code")
            .unique()
            .collect(engine="streaming")
        )
        gone.append(
            rows.join(late, on=["claim_id", "member_id", "version"]).join(
                kept, on=[*(f"by_{c}" for c in by), "diagnosis_code"], how="anti"
            )["at"]
        )
    for series in gone:
        hit = series.to_numpy()
        undecided = (reason[hit] == COUNTED) | (reason[hit] > R_DELETED)
        reason[hit[undecided]] = R_DELETED


__all__ = ["COUNTED", "FLAGS", "REASONS", "Codes", "DecisionRules", "Decisions", "decisions"]
