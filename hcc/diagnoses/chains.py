"""Claim chains and chart review: which records and diagnoses were withdrawn, and which stand alone (SPEC 3.4, 3.6).

Only the few records that are a replacement, a void or a chart review come in here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from hcc.diagnoses.held import held_by
from hcc.diagnoses.lines import (
    DAYS,
    EPOCH,
    FREQUENCIES,
    RECORD_TYPES,
    day_number,
    frequency,
    live_line,
    version,
)

ENCOUNTER, CHART_REVIEW, DELETE = RECORD_TYPES
SUPERSEDED, DELETED = 1, 2


@dataclass(frozen=True)
class ChainRules:
    """``switcher_only``: unlinked chart reviews count for switchers only (2027 Rate Announcement, SPEC R-3.22)."""

    deadline: date
    switcher_only: bool = False


@dataclass(frozen=True, eq=False)
class Chains:
    """What happened to records.

    ``records``: claim_id, member_id, version (UInt32), state (SUPERSEDED, DELETED), one row per withdrawn record.
    ``codes``: claim_id, member_id, version, diagnosis_code: withdrawn from that record alone (chart-review deletes).
    ``reviews``: claim_id, member_id, version, linked, switcher (Booleans; null = unknown) of chart-review records.
    ``late_replacements``: claim_id (the replaced), member_id, version, by_claim_id, by_version: only diagnoses that
    the late record lacks are withdrawn (after the deadline only deletes act, SPEC 1.2).
    ``unmatched``: claim_id, member_id, version of replacements of nothing we have; they count as originals.
    ``lost_voids``, ``lost_deletes``: voids, and chart-review deletes, of claims that we do not have.
    """

    records: pl.DataFrame
    codes: pl.DataFrame
    reviews: pl.DataFrame
    late_replacements: pl.DataFrame
    unmatched: pl.DataFrame
    lost_voids: int
    lost_deletes: int


CLAIM = ["claim_id", "member_id"]
"""What tells a claim: members may share a claim_id."""
NO_CLAIMS = pl.DataFrame(schema=dict.fromkeys(CLAIM, pl.String))
_KEY = [*CLAIM, "version"]


def special_records(lines: pl.LazyFrame, enrolled_with: pl.LazyFrame | None = None) -> pl.DataFrame | None:
    """Replacements, voids and chart reviews, one row per record; None where the lines cannot hold any.

    ``enrolled_with``: member_id, month, parent_organization of the enrollment months (switcher rule, RULINGS 11).
    """
    names = lines.collect_schema().names()
    if not {"frequency_code", "record_type", "original_claim_id"} & set(names):
        return None
    wanted = pl.lit(False)
    if "frequency_code" in names:
        wanted = wanted | pl.col("frequency_code").cast(pl.String).is_in(["7", "8"])
    if "record_type" in names:
        wanted = wanted | (pl.col("record_type").cast(pl.String) != ENCOUNTER)
    # Most inputs have none: one look at two narrow columns spares a scan of a dozen.
    if not lines.select(wanted.any()).collect(engine="streaming").item():
        return None
    told_apart = version(names)
    text = pl.lit(None, dtype=pl.String)

    def given(column: str, otherwise: pl.Expr) -> pl.Expr:
        return (pl.col(column) if column in names else otherwise).alias(column)

    picked = lines.filter(wanted).select(
        "claim_id",
        "member_id",
        "thru_date",
        (told_apart if told_apart is not None else pl.lit(0, dtype=pl.UInt32)).alias("version"),
        given("frequency_code", pl.lit("1")).cast(pl.String),
        given("record_type", pl.lit(ENCOUNTER)).cast(pl.String),
        given("original_claim_id", text),
        given("linked_claim_id", text),
        given("submission_date", pl.lit(None, dtype=pl.Date)),
        given("submitting_organization", text),
        given("parent_organization_at_service", text),
        live_line(names).alias("live"),
    )
    if enrolled_with is not None:
        picked = (
            picked.with_columns(pl.col("thru_date").dt.truncate("1mo").alias("month"))
            .join(enrolled_with, on=["member_id", "month"], how="left")
            .with_columns(pl.coalesce("parent_organization_at_service", "parent_organization"))
        )
    told = ["original_claim_id", "linked_claim_id", "submitting_organization", "parent_organization_at_service"]
    # What lines say differently the one of the last day says, whatever the order they come in.
    last_first = [True, *[False] * len(told)]
    found = picked.group_by(_KEY).agg(
        *(pl.col(c).first() for c in ("frequency_code", "record_type", "submission_date")),
        *(
            pl.col(c).sort_by("thru_date", *told, descending=last_first, nulls_last=True).drop_nulls().first()
            for c in told
        ),
        pl.col("live").max(),
    )
    return found.collect(engine="streaming")


def sent_again(lines: pl.LazyFrame, deadline: date) -> pl.DataFrame:
    """Claims (claim_id, member_id) whose submissions under one number must not count with each other: some in time and
    some too late (SPEC R-3.17), or some that CMS accepted and some that it did not (R-3.1, R-3.16)."""
    names = lines.collect_schema().names()
    if "submission_date" not in names:
        return NO_CLAIMS
    is_late = (pl.col("submission_date") > deadline).fill_null(False)
    again = [_some_of(lines, is_late, lambda claims: claims.filter(~is_late).select(CLAIM))]
    if {"accepted", "claim_status"} & set(names):
        live = live_line(names).alias("live")

        def refused(claims: pl.LazyFrame) -> pl.LazyFrame:
            days = claims.select(*CLAIM, "submission_date", live).group_by(*CLAIM, "submission_date").agg(pl.col("live").any())
            whole = days.group_by(CLAIM).agg(pl.len().alias("days"), pl.col("live").all())
            return whole.filter(pl.col("days") > 1, ~pl.col("live")).select(CLAIM)

        again.append(_some_of(lines, ~live_line(names), refused))
    return pl.concat(again).unique()


def _some_of(
    lines: pl.LazyFrame, marked: pl.Expr, asked: Callable[[pl.LazyFrame], pl.LazyFrame]
) -> pl.DataFrame:
    """What is ``asked`` of all lines of the claims that have a ``marked`` line."""
    # All lines may be late, where the year is wrong: hashes take a fifth of the room.
    keys = [pl.col(name).hash().alias(f"{name}_hash") for name in CLAIM]
    names = [f"{name}_hash" for name in CLAIM]
    claims = lines.filter(marked).select(keys).unique().collect(engine="streaming")
    if claims.is_empty():
        return NO_CLAIMS
    return asked(lines.with_columns(keys).join(claims.lazy(), on=names, how="semi")).unique().collect(engine="streaming")


def chains(special: pl.DataFrame, lines: pl.LazyFrame, diagnoses: pl.LazyFrame, rules: ChainRules) -> Chains:
    """Work out who withdrew what.

    ``diagnoses``: claim_id, diagnosis_code (long, of all claims) and, where known, member_id and version.
    """
    acting = special.filter(pl.col("live")).with_columns(
        late=(pl.col("submission_date") > rules.deadline).fill_null(False)
    )
    changes = acting.filter(pl.col("frequency_code").is_in(["7", "8"])).with_columns(
        target=pl.coalesce("original_claim_id", "claim_id"), named=pl.col("original_claim_id").is_not_null()
    )
    deletes = acting.filter((pl.col("record_type") == DELETE) & pl.col("linked_claim_id").is_not_null())
    present = _records_of(lines, pl.concat([changes["target"], deletes["linked_claim_id"].alias("target")]))
    hit = (
        changes.rename({"claim_id": "by_claim_id", "version": "by_version"})
        .join(present.rename({"claim_id": "target"}), on=["target", "member_id"], how="left")
        .filter(
            pl.col("version").is_null()
            | ~((pl.col("target") == pl.col("by_claim_id")) & (pl.col("version") == pl.col("by_version")))
        )
    )
    # With one claim_id for both, the later submission wins; a void or replacement does not act on what came after it.
    hit = hit.filter(
        pl.col("version").is_null()
        | (pl.col("target") != pl.col("by_claim_id"))
        | _not_later(pl.col("version"), pl.col("by_version"))
        | _undated(pl.col("version"), pl.col("by_version"))
    )
    matched = _down_the_chain(hit.filter(pl.col("version").is_not_null()))
    replaced = matched.filter(pl.col("frequency_code") == "7")
    voided = matched.filter(pl.col("frequency_code") == "8")
    voids = changes.filter(pl.col("frequency_code") == "8")
    beaten = _beaten(changes, present, rules.deadline)
    withdrawn = pl.concat(
        [
            beaten.select(*_KEY, pl.lit(SUPERSEDED, dtype=pl.UInt8).alias("state")),
            _state(replaced.filter(~pl.col("late")), "target", SUPERSEDED),
            _state(voided, "target", DELETED),
            voids.select(*_KEY, pl.lit(DELETED, dtype=pl.UInt8).alias("state")),
        ]
    ).unique(subset=_KEY, keep="last", maintain_order=True)
    late = replaced.filter("late").select(
        pl.col("target").alias("claim_id"), "member_id", "version", "by_claim_id", "by_version"
    )
    replacements = changes.filter(pl.col("frequency_code") == "7")
    unmatched = replacements.join(
        replaced.select(pl.col("by_claim_id").alias("claim_id"), "member_id"), on=["claim_id", "member_id"], how="anti"
    ).join(beaten, on=_KEY, how="anti").select(_KEY)
    return Chains(
        records=withdrawn,
        codes=_deleted_codes(deletes, withdrawn, special, present, diagnoses),
        reviews=_reviews(special),
        late_replacements=late,
        unmatched=unmatched,
        lost_voids=_without_target(voids, "target", present),
        lost_deletes=_without_target(deletes.join(withdrawn, on=_KEY, how="anti"), "linked_claim_id", present),
    )


def _down_the_chain(matched: pl.DataFrame) -> pl.DataFrame:
    """``matched`` and what it means for the records below: a late replacement leaves the record it names in place, so
    what voids or replaces it later speaks for that one too."""
    late = matched.filter(pl.col("frequency_code") == "7", "late").select(
        "member_id", pl.col("by_claim_id").alias("target"), pl.col("by_version").alias("version"),
        pl.col("target").alias("below"), pl.col("version").alias("below_version"),
    )  # fmt: skip
    itself = (pl.col("target") == pl.col("by_claim_id")) & (pl.col("version") == pl.col("by_version"))
    while True:
        further = matched.join(late, on=["member_id", "target", "version"]).with_columns(
            pl.col("below").alias("target"), pl.col("below_version").alias("version")
        )
        grown = pl.concat([matched, further.select(matched.columns).filter(~itself)]).unique(maintain_order=True)
        if grown.height == matched.height:
            return matched
        matched = grown


def _without_target(records: pl.DataFrame, target: str, present: pl.DataFrame) -> int:
    """Number of records that name no other record of their member."""
    others = present.select(pl.col("claim_id").alias(target), "member_id", pl.col("version").alias("its"))
    itself = (pl.col(target) == pl.col("claim_id")) & (pl.col("its") == pl.col("version"))
    found = records.join(others, on=[target, "member_id"]).filter(~itself)
    return records.join(found.select(_KEY), on=_KEY, how="anti").height


def _beaten(changes: pl.DataFrame, present: pl.DataFrame, deadline: date) -> pl.DataFrame:
    """Replacements that name no claim but their own number, where an original of that number was submitted after them
    and in time: the later submission wins (RULINGS 10)."""
    originals = present.filter(
        pl.col("live"), frequency(pl.col("version")) == FREQUENCIES.index("1"),
        pl.col("version") % DAYS <= (deadline - EPOCH).days,
    ).select("claim_id", "member_id", pl.col("version").alias("its"))  # fmt: skip
    mine = changes.filter(pl.col("frequency_code") == "7", pl.col("target") == pl.col("claim_id"))
    day, kind = pl.col("version") % DAYS, pl.col("version") // DAYS % 2**4
    later = (day > 0) & (pl.col("its") % DAYS > day) & (pl.col("its") // DAYS % 2**4 == kind)
    return mine.join(originals, on=["claim_id", "member_id"]).filter(later).select(_KEY).unique()


def _not_later(target: pl.Expr, by: pl.Expr) -> pl.Expr:
    return (target % DAYS) <= (by % DAYS)


def _undated(target: pl.Expr, by: pl.Expr) -> pl.Expr:
    """A change of unknown day is in time (RULINGS 9) and came after what it changes (SPEC R-3.12); but of two
    replacements the dated one stands, or each would take the other away."""
    replacement, void = (FREQUENCIES.index(code) for code in ("7", "8"))
    return (by % DAYS == 0) & ((frequency(by) == void) | (frequency(target) != replacement))


def _records_of(lines: pl.LazyFrame, claim_ids: pl.Series) -> pl.DataFrame:
    names = lines.collect_schema().names()
    told_apart = version(names)
    return (
        lines.filter(pl.col("claim_id").is_in(claim_ids.unique().implode()))
        .select(
            "claim_id",
            "member_id",
            (told_apart if told_apart is not None else pl.lit(0, dtype=pl.UInt32)).alias("version"),
            live_line(names).alias("live"),
        )
        .group_by(_KEY)
        .agg(pl.col("live").any())
        .collect(engine="streaming")
    )


def _state(frame: pl.DataFrame, target: str, state: int) -> pl.DataFrame:
    return frame.select(
        pl.col(target).alias("claim_id"), "member_id", "version", pl.lit(state, dtype=pl.UInt8).alias("state")
    )


def _deleted_codes(
    live: pl.DataFrame, withdrawn: pl.DataFrame, special: pl.DataFrame, present: pl.DataFrame, diagnoses: pl.LazyFrame
) -> pl.DataFrame:
    """Codes that ``live`` chart-review deletes take from the records of the encounter they name (``present``), and from
    live chart reviews linked to it.

    An unlinked delete is rejected by CMS (edit 00805) and does nothing.
    """
    deletes = live.join(withdrawn, on=_KEY, how="anti").select(*_KEY, pl.col("linked_claim_id").alias("encounter"))
    if deletes.is_empty():
        return pl.DataFrame(schema={**dict.fromkeys(CLAIM, pl.String), "version": pl.UInt32, "diagnosis_code": pl.String})
    some = diagnoses.filter(pl.col("claim_id").is_in(deletes["claim_id"].unique().implode()))
    # A delete speaks with its own codes alone, not those of another member's claim or another version of that number.
    direct = (
        held_by(some, deletes.lazy())
        .select(pl.col("encounter").alias("claim_id"), "member_id", "diagnosis_code")
        .unique()
        .collect(engine="streaming")
    )
    linked = special.filter("live", pl.col("record_type") == CHART_REVIEW, pl.col("linked_claim_id").is_not_null()).select(
        pl.col("claim_id").alias("review_id"), "version", "member_id", pl.col("linked_claim_id").alias("claim_id")
    )
    through = direct.join(linked, on=CLAIM).with_columns(pl.col("review_id").alias("claim_id"))
    columns = [*_KEY, "diagnosis_code"]
    itself = direct.join(present.select(_KEY), on=CLAIM)
    return pl.concat([itself.select(columns), through.select(columns)]).unique()


def _reviews(special: pl.DataFrame) -> pl.DataFrame:
    # Names come from several tables: how they are written does not tell two organizations apart.
    names = ("parent_organization_at_service", "submitting_organization")
    at_service, submitting = (pl.col(name).str.strip_chars().str.to_lowercase() for name in names)
    known = at_service.is_not_null() & submitting.is_not_null()
    return special.filter(pl.col("record_type") == CHART_REVIEW).select(
        *_KEY,
        pl.col("linked_claim_id").is_not_null().alias("linked"),
        pl.when(known)
        .then(at_service != submitting)
        .otherwise(None)
        .alias("switcher"),
    )


__all__ = [
    "CLAIM",
    "DELETED",
    "NO_CLAIMS",
    "SUPERSEDED",
    "ChainRules",
    "Chains",
    "chains",
    "day_number",
    "sent_again",
    "special_records",
]
