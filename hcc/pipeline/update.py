"""New claims into an existing results file: only the members they touch are scored again.

Their claims of before are read again from the files that the run recorded, so that a replacement finds what it
replaces and the result is that of a full run on all files. Whatever the file says of other members stays as it is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hcc.diagnoses.lines import VERSION_COLUMNS
from hcc.errors import InputError
from hcc.intake import Inputs, read_inputs, read_more_claims, stacked_claims
from hcc.intake.fingerprints import of_files, places
from hcc.intake.forms import claim_forms
from hcc.pipeline.api import row_counts
from hcc.pipeline.frailty import statuses_of
from hcc.pipeline.memory import memory_limit
from hcc.pipeline.plan import Plan, make_plan
from hcc.pipeline.recorded import SEARCH_AGAIN, Recorded, recorded, same_inputs, same_models
from hcc.pipeline.run import LOST, Memory, Progress, Scored, run, withdrawn_nothing
from hcc.pipeline.selection import Selection, diagnoses_are_told, has_table
from hcc.pipeline.shard import SUMS
from hcc.pipeline.statuses import Statuses
from hcc.pipeline.unmapped import unmapped_table
from hcc.results import ResultsWriter, check_target, read_table
from hcc.results.replaceable import refuse_inputs

_SAID = ("claim_id", "member_id", "diagnosis_code")
_MADE_ANEW = ("diagnoses", "member_hccs", "factors", "scores", "member_scores", "edited_diagnoses")


@dataclass(frozen=True, eq=False)
class Update:
    """``touched``: members with new claims; ``changes``: member_id, part, before, after, change, why (the factors that
    came, went or changed), one row per member and part whose risk score moved, largest first."""

    path: Path
    touched: int
    changes: pl.DataFrame
    notes: list[str]
    seconds: float


def update(
    results: str | Path,
    claims: Any,
    *,
    claim_diagnoses: Any = None,
    layout: Any = None,
    columns: Any = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    memory: str | int | None = None,
    progress: Progress | None = None,
) -> Update:
    """Add ``claims`` (and ``claim_diagnoses``) to the run in ``results`` and write the file anew, or ``out``.

    ``layout`` and ``columns`` are of the new tables; where they are not given these have the form of the run's own.
    Raises ResultsError where the inputs of the run cannot be read again, these or the rules changed since, or the file
    changes meanwhile; InputError for new claims that cannot be used.
    """
    begun = time.perf_counter()
    path = Path(results)
    target = path if out is None else Path(out)
    replaces = overwrite or out is None
    refuse_inputs(out, claims, claim_diagnoses, layout, columns)
    check_target(target, overwrite=replaces)
    before = recorded(path)
    tell: Callable[[str, float], None] = progress or (lambda _stage, _share: None)
    tell("new claims", 0.0)
    year = before.row["payment_year"]
    old = read_inputs(
        members=before.paths["members"], claims=before.paths["claims"],
        claim_diagnoses=before.paths.get("claim_diagnoses"), enrollment=before.paths.get("enrollment"), payment_year=year,
        enrollment_from_spans=before.options.months_from_spans, **before.form(layout, columns),
    )  # fmt: skip
    same_inputs(before, old)
    new = read_more_claims(
        old, claims=claims, claim_diagnoses=claim_diagnoses, payment_year=year, **before.form_of_added(layout, columns)
    )
    _no_file_twice(before, new)
    owned = diagnoses_are_told(old) and diagnoses_are_told(new)
    old, new = _with_owners(old), _with_owners(new)
    tabled = has_table(old) or has_table(new)
    touched = _touched(old, new, owned, tabled)
    ours = old.members.filter(pl.col("member_id").is_in(touched.implode()))
    tell("their earlier claims", 0.1)
    was, added, chosen = _part(old, new, ours["member_id"], owned)
    inputs = replace(
        old,
        members=ours,
        enrollment=None if old.enrollment is None else old.enrollment.filter(
            pl.col("member_id").is_in(ours["member_id"].implode())
        ),
        claims=stacked_claims(was.claims, added.claims),
        claims_absent=old.claims_absent & new.claims_absent,
        claim_diagnoses=stacked_claims(
            *(one.claim_diagnoses.select(_SAID) if tabled else one.claim_diagnoses for one in (was, added))
        ),
    )  # fmt: skip
    tell("scores", 0.3)
    limit, run_id = memory_limit(memory), before.row["run_id"]
    # The whole population decides which models are scored and so which codes map, not these few.
    everybody = statuses_of(old, before.options)
    theirs = everybody.of(np.flatnonzero(old.members["member_id"].is_in(ours["member_id"].implode()).to_numpy()))
    part = make_plan(before.options, everybody.profiles), theirs
    same_models(before, part[0])
    earlier, then = _scored(replace(inputs, claims=was.claims, claim_diagnoses=was.claim_diagnoses), part, run_id)
    scored, now = _scored(inputs, part, run_id)
    tell("results file", 0.7)
    moved = changes(then, now)
    notes = _notes(before, ours.height, touched.len() - ours.height)
    unmapped = _unmapped(path, before, scored, earlier, new, chosen)
    rejected = new.rejected()
    both = _everything(old, new)
    counts = _counts(path, before, both, earlier, scored, unmapped, rejected)
    if touched.len() > ours.height or not owned:  # else all that came is of our members
        counts["claims_of_unknown_members"] += _unknown(old, new)
        counts["diagnoses_without_claim"] += _strange_without_claim(old, new, scored.plan.codes.code)
    with ResultsWriter(
        target, overwrite=replaces, run_id=run_id, base=path, base_stamp=before.stamp, memory=limit.database
    ) as writer:
        writer.delete_members(ours["member_id"], keep=("members",))
        for table in _MADE_ANEW:
            if table in now:
                writer.append(table, now[table])
        writer.clear("unmapped_codes")
        writer.append("unmapped_codes", unmapped)
        writer.append("rejected_rows", rejected)
        writer.clear("runs")
        counts["mean_raw_score"] = writer.mean_raw_scores()
        if "gaps" in counts:
            counts["gaps"] |= writer.gap_counts()
        writer.finish(
            {
                **before.row,
                "seconds": round(time.perf_counter() - begun, 3),
                "engine_version": None,
                "inputs": json.dumps([*both.fingerprints, *before.others(both)], default=str),
                "counts": json.dumps(counts),
                "notes": json.dumps([*_kept_notes(before, counts), *new.notes, *notes]),
            }
        )
    return Update(target, ours.height, moved, notes, time.perf_counter() - begun)


def _scored(inputs: Inputs, part: tuple[Plan, Statuses], run_id: str) -> tuple[Scored, dict[str, pl.DataFrame]]:
    tables = Memory()
    scored = run(inputs, part[0].options, tables, run_id=run_id, part_of=part)
    return scored, tables.frames()


def _touched(old: Inputs, new: Inputs, owned: bool, tabled: bool) -> pl.Series:
    """member_id of new claims, and of new diagnoses, also where these are of earlier claims.

    ``owned``: the diagnoses say whose they are. If not, a claim_id that members share is a matter of all of them.
    ``tabled``: diagnoses are now read together with a table of them, which does not tell versions of a claim apart: a
    matter of members with such claims, where they were told apart before.
    """
    found = [new.claims.select("member_id")]
    if owned:
        found.append(new.claim_diagnoses.select("member_id"))
        about = new.claim_diagnoses.join(new.claims.select("claim_id"), on="claim_id", how="anti").select("claim_id")
    else:
        about = pl.concat([new.claims.select("claim_id"), new.claim_diagnoses.select("claim_id")])
    claim_id = about.unique().collect(engine="streaming")["claim_id"]
    if len(claim_id):
        theirs = old.claims.filter(pl.col("claim_id").is_in(claim_id.implode())).select("member_id")
        found.append(theirs.join(old.members.lazy().select("member_id"), on="member_id", how="semi"))
    versions = [name for name in VERSION_COLUMNS if name in old.claim_diagnoses.collect_schema().names()]
    if tabled and versions:
        several = old.claims.group_by("claim_id", "member_id").agg(pl.struct(versions).n_unique().alias("n"))
        several = several.filter(pl.col("n") > 1).select("member_id")
        found.append(several.join(old.members.lazy().select("member_id"), on="member_id", how="semi"))
    member_id = pl.concat(found).unique().collect(engine="streaming")["member_id"]
    return member_id.drop_nulls()


def _part(old: Inputs, new: Inputs, member_id: pl.Series, owned: bool) -> tuple[Inputs, Inputs, Selection]:
    """Claims of these members, collected, from the earlier and the new tables, and what chooses them."""
    them = Selection(pl.col("member_id").is_in(member_id.implode()))
    added = (them.lines(new.claims) if owned else new.claims).collect(engine="streaming")
    if not owned:
        mine = them.rows(old.claims).select("claim_id").unique().collect(engine="streaming")["claim_id"]
        them = replace(them, claim_id=pl.concat([mine, added["claim_id"]]).unique())
    was = them.lines(old.claims).collect(engine="streaming")
    parts = []
    for one, claims in ((old, was), (new, added)):
        diagnoses = them.diagnoses(one.claim_diagnoses).collect(engine="streaming")
        parts.append(replace(one, claims=claims.lazy(), claim_diagnoses=diagnoses.lazy()))
    return parts[0], parts[1], them


def _with_owners(inputs: Inputs) -> Inputs:
    """member_id among the diagnoses, null where they do not say it."""
    if "member_id" in inputs.claim_diagnoses.collect_schema().names():
        return inputs
    nobody = pl.lit(None, dtype=pl.String).alias("member_id")
    return replace(inputs, claim_diagnoses=inputs.claim_diagnoses.with_columns(nobody))


def _everything(old: Inputs, new: Inputs) -> Inputs:
    """All claims of before and the new ones, with the fingerprints that a run on all files would have."""
    fingerprints = []
    added = {one["table"]: one for one in new.fingerprints}
    for one in old.fingerprints:
        more = added.pop(one["table"], None)
        fingerprints.append(one if more is None else _joined(one, more))
    return replace(
        old, claims=stacked_claims(old.claims, new.claims), claims_absent=old.claims_absent & new.claims_absent,
        claim_diagnoses=stacked_claims(old.claim_diagnoses, new.claim_diagnoses), fingerprints=[*fingerprints, *added.values()],
    )  # fmt: skip


def _joined(one: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    if not one["paths"] or not more["paths"]:
        return {**more, "paths": [], "rows": None}
    rows = one["rows"] + more["rows"] if isinstance(one["rows"], int) and isinstance(more["rows"], int) else None
    inside = {path: list(names) for path, names in one.get("inside", {}).items()}
    for path, names in more.get("inside", {}).items():
        inside[path] = [*inside.get(path, ()), *names]
    return of_files(one["table"], [Path(path) for path in dict.fromkeys((*one["paths"], *more["paths"]))], rows, inside)


def _no_file_twice(before: Recorded, new: Inputs) -> None:
    there = {path for table in ("claims", "claim_diagnoses") for path in before.paths.get(table, [])}
    again = [place for one in new.fingerprints for place in places(one) if place in there]
    if again:
        raise InputError(
            f"{Path(again[0]).name} is among the claims of the run already.", hint="Give the new files only."
        )


def _unknown(old: Inputs, new: Inputs) -> int:
    """New claims of members that are not ours and that the earlier files do not hold too."""
    key = [pl.col("claim_id"), pl.col("member_id")]
    ours = pl.col("member_id").is_in(old.members["member_id"].implode())
    strange = new.claims.filter(~ours).select(key).unique().collect(engine="streaming")
    if strange.is_empty():
        return 0
    met = old.claims.filter(pl.col("claim_id").is_in(strange["claim_id"].implode())).select(key).unique()
    return strange.join(met.collect(engine="streaming"), on=["claim_id", "member_id"], how="anti").height


def _strange_without_claim(old: Inputs, new: Inputs, mapped: pl.Series) -> int:
    """Mapped diagnoses of members that are not ours, and of nobody knows whom, of claims that no line has: how many
    more there are now. Those of new claims come, those of before whose claim has its first lines now go."""
    ours = pl.col("member_id").is_in(old.members["member_id"].implode()).fill_null(False)
    strange = pl.col("diagnosis_code").is_in(mapped.implode()) & ~ours
    come = new.claim_diagnoses.filter(strange).select(_SAID).collect(engine="streaming")
    lines = new.claims.filter(~ours).select("claim_id").unique().collect(engine="streaming")["claim_id"]
    more = _without_lines(come, new.claims, old.claims).height
    if lines.is_empty():
        return more
    # Where nobody knows whose they are, they were scored with the claims that came.
    told = pl.col("member_id").is_not_null() & pl.col("claim_id").is_in(lines.implode())
    before = old.claim_diagnoses.filter(strange, told).select(_SAID)
    alone = _without_lines(before.collect(engine="streaming"), old.claims)
    still = _without_lines(alone, new.claims)
    return more - (alone.height - still.height)


def _without_lines(diagnoses: pl.DataFrame, *claims: pl.LazyFrame) -> pl.DataFrame:
    """Those whose claim has no line, of the member where the diagnosis says whose it is."""
    found = []
    for key, some in (
        (["claim_id", "member_id"], diagnoses.filter(pl.col("member_id").is_not_null())),
        (["claim_id"], diagnoses.filter(pl.col("member_id").is_null())),
    ):
        for lines in claims:
            if some.height:
                there = lines.filter(pl.col("claim_id").is_in(some["claim_id"].unique().implode())).select(key).unique()
                some = some.join(there.collect(engine="streaming"), on=key, how="anti")
        found.append(some)
    return pl.concat(found)


def _unmapped(
    path: Path, before: Recorded, scored: Scored, earlier: Scored, new: Inputs, chosen: Selection
) -> pl.DataFrame:
    """unmapped_codes of a full run: what was, less the touched members' part of it, plus their part now.

    ``chosen``: which of the new diagnoses were scored.
    """
    columns = ["diagnosis_code", "rows", "members"]
    was = read_table(path, "unmapped_codes").select(pl.col("diagnosis_code").cast(pl.String), "rows", "members")
    strange = (  # of members that are not ours: rows only
        new.claim_diagnoses.filter(
            ~chosen.of_diagnoses(new.claim_diagnoses.collect_schema().names()),
            ~pl.col("diagnosis_code").is_in(scored.plan.codes.code.implode()),
        )
        .group_by("diagnosis_code")
        .agg(pl.len().cast(pl.Int64).alias("rows"))
        .collect(engine="streaming")
        .with_columns(pl.lit(0, dtype=pl.Int64).alias("members"))
    )
    less = earlier.unmapped.select("diagnosis_code", -pl.col("rows"), -pl.col("members"))
    total = (
        pl.concat([was, less, scored.unmapped.select(columns), strange], how="vertical_relaxed")
        .group_by("diagnosis_code")
        .agg(pl.col("rows", "members").sum())
        .filter(pl.col("rows") > 0)
        .sort("members", "diagnosis_code", descending=[True, False])
    )
    return unmapped_table(total, scored.plan, before.row["run_id"])


def _counts(
    path: Path, before: Recorded, both: Inputs, earlier: Scored, scored: Scored, unmapped: pl.DataFrame,
    rejected: pl.DataFrame,
) -> dict[str, Any]:  # fmt: skip
    counts = json.loads(before.row["counts"])
    for name in (*SUMS, *(name for name in LOST if name in counts)):
        counts[name] = counts.get(name, 0) + scored.counts[name] - earlier.counts[name]
    everything = pl.concat(
        [read_table(path, "rejected_rows").select(pl.col("reason").cast(pl.String)), rejected.select("reason")]
    )
    return {**counts, **row_counts(everything, unmapped), "claim_forms": claim_forms(both)}


def _kept_notes(before: Recorded, counts: dict[str, Any]) -> list[str]:
    """The notes of before, those about claims that were not there as they are now."""
    notes = json.loads(before.row["notes"] or "[]")
    was = json.loads(before.row["counts"])
    if not set(LOST) <= set(was):
        return list(notes)
    untrue = withdrawn_nothing([was[name] for name in LOST])
    return [*(note for note in notes if note not in untrue), *withdrawn_nothing([counts[name] for name in LOST])]


def _notes(before: Recorded, members: int, strangers: int) -> list[str]:
    notes = [f"Updated with new claims: {members:,} members were scored again."]
    if strangers:
        notes.append(f"New claims of {strangers:,} members that the run does not have are not used.")
    searched = before.row["as_of"]
    if searched is not None and members:
        notes.append(
            f"{SEARCH_AGAIN}; those of the others are as of {searched.isoformat()}. 'hcc gaps' searches again; the days "
            "on which gaps were flagged are kept."
        )
    return notes


def changes(then: dict[str, pl.DataFrame], now: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Risk scores that moved: member_id, part, before, after, change, why; largest change first."""
    key = ["member_id", "part"]
    empty_scores = pl.DataFrame(schema={"member_id": pl.String, "part": pl.String, "risk_score": pl.Decimal(9, 3)})
    one, two = (
        (frames.get("member_scores", empty_scores)).select("member_id", pl.col("part").cast(pl.String), "risk_score")
        for frames in (then, now)
    )
    moved = (
        one.join(two, on=key, how="full", suffix="_now", coalesce=True)
        .filter(pl.col("risk_score").ne_missing(pl.col("risk_score_now")))
        .select(
            *key, pl.col("risk_score").alias("before"), pl.col("risk_score_now").alias("after"),
            (pl.col("risk_score_now") - pl.col("risk_score")).alias("change"),
        )
    )  # fmt: skip
    return (
        moved.join(_reasons(then, now), on=key, how="left")
        .sort(pl.col("change").abs(), "member_id", descending=[True, False], nulls_last=True)
    )  # fmt: skip


def _reasons(then: dict[str, pl.DataFrame], now: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """member_id, part, why: factors that came (+), went (-) or have another coefficient (~)."""
    key = ["member_id", "model", "variable"]
    schema: dict[str, Any] = {**dict.fromkeys(key, pl.String), "coefficient": pl.Decimal(9, 3)}
    one, two = (
        frames.get("factors", pl.DataFrame(schema=schema))
        # A frame without rows has no types of its own.
        .select(pl.col(key).cast(pl.String), pl.col("coefficient").cast(schema["coefficient"]))
        .group_by(key).agg(pl.col("coefficient").sum())
        for frames in (then, now)
    )  # fmt: skip
    both = one.join(two, on=key, how="full", suffix="_now", coalesce=True)
    both = both.filter(pl.col("coefficient").ne_missing(pl.col("coefficient_now")))
    sign = (
        pl.when(pl.col("coefficient").is_null()).then(pl.lit("+"))
        .when(pl.col("coefficient_now").is_null()).then(pl.lit("-"))
        .otherwise(pl.lit("~"))
    )  # fmt: skip
    words = pl.concat_str(sign, pl.col("variable"), pl.lit(" ("), pl.col("model"), pl.lit(")"))
    none = pl.DataFrame(schema=dict.fromkeys(("model", "part"), pl.String))
    scored = [
        frames["scores"].select(pl.col("model", "part").cast(pl.String)) for frames in (then, now) if "scores" in frames
    ]
    parts = pl.concat([none, *scored]).unique()
    both = both.join(parts, on="model").sort(key)
    return both.group_by("member_id", "part").agg(words.str.join(", ").alias("why"))


def write_changes(moved: pl.DataFrame, path: Path) -> None:
    """The changes as CSV that only its owner can read."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        moved.write_csv(file)
    made.replace(path)
