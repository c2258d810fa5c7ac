"""Score again with an HCC removed or added: scenario rows through the same kernel (DESIGN, "one honest bend")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.conditions import after_hierarchies, after_removals
from hcc.pipeline.paying import YearScores, paid_rows, part_scores, year_scores
from hcc.pipeline.population import ModelResult
from hcc.pipeline.run import Scored
from hcc.pipeline.score_frames import frailty_of, no_segment_reason
from hcc.rules.condition_tables import WORD
from hcc.scores import raw_scores

ADD, REMOVE = "add", "remove"


@dataclass(frozen=True, eq=False)
class _Rows:
    """Scenario rows: one per scenario and status of its member."""

    scenario: NDArray[np.int64]
    status: NDArray[np.int64]
    member: NDArray[np.int64]


def scenario_scores(scored: Scored, scenarios: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores of scenarios.

    ``scenarios``: scenario_id (any integer), member_id, model, calibration, hcc, action (add or remove); several rows
    with one scenario_id act together. The HCC is added to, or taken from, the member's HCCs before removals and
    hierarchies, so that a removed parent revives its child. HCCs that the model does not have are ignored.

    Returns two frames in thousandths (Int64, null where there is no score): (scenario_id, part, before, after) of the
    member's risk score, and (scenario_id, model, calibration, before, after) of the raw score of the member's latest
    status in each model that the scenario touches. ``scored`` must have been run with ``keep=True``.
    """
    asked = scenarios.join(
        scored.members.select("member_id").with_row_index("member"), on="member_id", how="inner"
    ).with_columns(
        pl.col("member").cast(pl.Int64),
        pl.when(pl.col("calibration").fill_null("") == "")
        .then(pl.col("model").cast(pl.String))
        .otherwise(pl.concat_str("model", pl.lit(":"), "calibration"))
        .alias("name"),
    )
    heads = asked.select("scenario_id", "member").unique(maintain_order=True).sort("member", "scenario_id")
    heads = heads.with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    asked = asked.join(heads.select("scenario_id", "place"), on="scenario_id")
    parts, raws = [], []
    member = heads["member"].to_numpy()
    for start, stop, found in scored.results:
        low, high = np.searchsorted(member, (start, stop))
        if low < high:
            some = asked.filter(pl.col("place").is_between(int(low), int(high) - 1)).with_columns(
                pl.col("place") - int(low)
            )
            part, raw = _range_scores(scored, found, member[low:high], some, start, stop)
            ids = heads["scenario_id"][int(low) : int(high)]
            parts.append(part.with_columns(ids.gather(part["place"]).alias("scenario_id")).drop("place"))
            raws.append(raw.with_columns(ids.gather(raw["place"]).alias("scenario_id")).drop("place"))
    if not parts:
        return (
            pl.DataFrame(schema={"scenario_id": pl.Int64, "part": pl.String, "before": pl.Int64, "after": pl.Int64}),
            pl.DataFrame(
                schema={
                    "scenario_id": pl.Int64,
                    "model": pl.String,
                    "calibration": pl.String,
                    "before": pl.Int64,
                    "after": pl.Int64,
                }
            ),
        )
    return pl.concat(parts), pl.concat(raws)


def _range_scores(
    scored: Scored, found: dict[str, ModelResult], member: NDArray[np.int64], asked: pl.DataFrame, start: int, stop: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``member``: member index of each scenario of this range; ``asked`` has place, name, hcc, action."""
    plan, status = scored.plan, scored.statuses
    rows = _status_rows(scored, member)
    profile = status.profile[rows.status]
    before, after, raws = {}, {}, []
    for name, result in found.items():
        base = result.found[member - start]
        own = asked.filter(pl.col("name") == name)
        changed = _changed(result, base, own)
        after[name] = _raw(scored, result, changed, rows, profile)
        before[name] = _raw(scored, result, base, rows, profile) if own.height else after[name]
        if own.height:
            raws.append(_raw_frame(name, own, rows, before[name], after[name], len(member)))
    frailty = frailty_of(plan, status, scored.members, slice(0, len(status.member)))
    frail = None if frailty is None else frailty[rows.status]
    lost = no_segment_reason(status, slice(0, len(status.member)))[rows.status]
    why = status.not_payable_reason.to_numpy().astype(object)[member]
    scores: list[dict[str, YearScores]] = []
    for raw in (before, after):
        by_part = part_scores(paid_rows(plan.payments, profile, raw), len(profile), frail, lost)
        scores.append(
            {
                part: year_scores(one, rows.scenario, status.payable[rows.status], len(member), why)
                for part, one in by_part.items()
            }
        )
    frames = []
    for part, one in scores[0].items():
        other = scores[1][part]
        who = np.nonzero(one.concerned)[0]
        frames.append(
            pl.DataFrame(
                {
                    "place": who,
                    "part": pl.repeat(part, len(who), eager=True),
                    "before": _known(one.score[who], one.known[who]),
                    "after": _known(other.score[who], other.known[who]),
                }
            )
        )
    empty = pl.DataFrame(schema={"place": pl.Int64, "part": pl.String, "before": pl.Int64, "after": pl.Int64})
    none = pl.DataFrame(
        schema={"place": pl.Int64, "model": pl.String, "calibration": pl.String, "before": pl.Int64, "after": pl.Int64}
    )
    return pl.concat([empty, *frames]), pl.concat([none, *raws])


def _status_rows(scored: Scored, member: NDArray[np.int64]) -> _Rows:
    owner = scored.statuses.member
    first = np.searchsorted(owner, member)
    size = np.searchsorted(owner, member, side="right") - first
    scenario = np.repeat(np.arange(len(member)), size)
    offset = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    return _Rows(scenario, np.repeat(first, size) + offset, member[scenario])


def _changed(result: ModelResult, base: NDArray[np.uint64], own: pl.DataFrame) -> NDArray[np.uint64]:
    bit_of = {hcc: bit for bit, hcc in enumerate(result.model.conditions.hccs)}
    changed = base.copy()
    if own.is_empty():
        return changed
    known = own.with_columns(
        pl.col("hcc").cast(pl.String).replace_strict(bit_of, default=None, return_dtype=pl.Int64).alias("bit")
    ).filter(pl.col("bit").is_not_null())
    for action in (REMOVE, ADD):
        some = known.filter(pl.col("action") == action)
        place, bit = some["place"].to_numpy(), some["bit"].to_numpy()
        mask = np.left_shift(np.uint64(1), (bit % WORD).astype(np.uint64))
        if action == ADD:
            np.bitwise_or.at(changed, (place, bit // WORD), mask)
        else:
            np.bitwise_and.at(changed, (place, bit // WORD), ~mask)
    return changed


def _raw(
    scored: Scored, result: ModelResult, found: NDArray[np.uint64], rows: _Rows, profile: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    tables = result.model.conditions
    kept = after_hierarchies(tables, after_removals(tables, found), scored.plan.options.hierarchy_mode)
    return raw_scores(result.model.scores, result.profile_scores, profile, kept[rows.scenario])


def _raw_frame(
    name: str,
    own: pl.DataFrame,
    rows: _Rows,
    before: tuple[NDArray[np.int32], NDArray[np.bool_]],
    after: tuple[NDArray[np.int32], NDArray[np.bool_]],
    size: int,
) -> pl.DataFrame:
    """Raw scores of the latest status that has a segment; rows are in order of status, so the last one stays."""
    model, _, calibration = name.partition(":")
    placed = before[1]
    first, second = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    known = np.zeros(size, dtype=bool)
    first[rows.scenario[placed]] = before[0][placed]
    second[rows.scenario[placed]] = after[0][placed]
    known[rows.scenario[placed]] = True
    who = np.unique(own["place"].to_numpy())
    return pl.DataFrame(
        {
            "place": who,
            "model": pl.repeat(model, len(who), eager=True),
            "calibration": pl.repeat(calibration, len(who), eager=True),
            "before": _known(first[who], known[who]),
            "after": _known(second[who], known[who]),
        }
    )


def _known(values: NDArray[np.int64], known: NDArray[np.bool_]) -> pl.Series:
    return pl.select(pl.when(pl.lit(pl.Series(known))).then(pl.lit(pl.Series(values))).otherwise(None)).to_series()
