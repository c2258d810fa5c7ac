"""Which diagnosis codes stand on which claim."""

from __future__ import annotations

import numpy as np
import polars as pl

from hcc.demo.conditions import YEARS, Sick
from hcc.demo.draw import Bools, Floats, Ints, Texts, choose, stream, text_series
from hcc.demo.mix import Mix

MOST_CODES = 12
_ON_STAYS = 0.5  # how likely a recorded condition is listed on a stay too (assumed)
MENTION = {"claim": pl.Int64, "code": pl.String, "rank": pl.Float64}


def _mentions(claim: Ints, codes: Texts | list[str], rank: Floats | float) -> pl.DataFrame:
    ranks = np.full(len(claim), rank) if isinstance(rank, float) else rank
    return pl.DataFrame({"claim": claim, "code": text_series(codes), "rank": ranks}, schema_overrides=MENTION)


class _Carriers:
    """The claims of one year that can carry a mention; draws one for each member asked for."""

    def __init__(self, claims: pl.DataFrame, size: int) -> None:
        mine = claims.filter(pl.col("carries") > 0).sort("member", "claim")
        self.claim = mine["claim"].to_numpy()
        self.upto = np.cumsum(mine["carries"].to_numpy())
        ends = np.searchsorted(mine["member"].to_numpy(), np.arange(size), side="right")
        total = np.concatenate([[0.0], self.upto])[ends]
        self.start = np.concatenate([[0.0], total[:-1]])
        self.weight = total - self.start

    def draw(self, member: Ints, rng: np.random.Generator) -> tuple[Ints, Bools]:
        """A claim for each of ``member``, and which of them have any."""
        able = self.weight[member] > 0
        who = member[able]
        at = self.start[who] + rng.random(len(who)) * self.weight[who] * (1 - 1e-9)
        return self.claim[np.searchsorted(self.upto, at, side="right")], able


def _of_conditions(mix: Mix, claims: pl.DataFrame, sick: Sick, rng: np.random.Generator) -> list[pl.DataFrame]:
    frames = []
    stay = mix.visit_index("stay")
    size = len(sick.burden)
    for year in YEARS:
        this = claims.filter(pl.col("year") == year)
        carriers = _Carriers(this, size)
        stays = this.filter(pl.col("visit") == stay)
        stay_claim, stay_member = stays["claim"].to_numpy(), stays["member"].to_numpy()
        for condition in mix.conditions:
            name = condition["name"]
            rows = np.flatnonzero(sick.recorded[name][year])
            if condition.get("events"):
                if "aftermath" in condition:
                    claim, _ = carriers.draw(rows, rng)
                    frames.append(_mentions(claim, np.full(len(claim), condition["aftermath"], dtype=object), 5.0))
                continue
            member = np.repeat(rows, 1 + rng.poisson(condition.get("mentions", 1.6), len(rows)))
            claim, able = carriers.draw(member, rng)
            codes = sick.code[name][member[able]]
            listed = sick.recorded[name][year][stay_member] & (rng.random(len(stay_member)) < _ON_STAYS)
            claim = np.concatenate([claim, stay_claim[listed]])
            codes = np.concatenate([codes, sick.code[name][stay_member[listed]]])
            frames.append(_mentions(claim, codes, rng.uniform(1, 2, len(claim))))
            for code, other in condition.get("together", {}).items():
                with_it = codes == code
                frames.append(_mentions(claim[with_it], np.full(int(with_it.sum()), other, dtype=object), 2.5))
    return frames


def mentions(mix: Mix, claims: pl.DataFrame, sick: Sick, seed: int) -> pl.DataFrame:
    """One row per claim and code, ``rank`` from 1 in the order on the claim; at most ``MOST_CODES`` a claim."""
    rng = stream(seed, "mentions")
    frames = _of_conditions(mix, claims, sick, rng)
    events = claims.drop_nulls("event_code")
    frames.append(_mentions(events["claim"].to_numpy(), events["event_code"].to_list(), 0.0))
    for index, visit in enumerate(mix.visits):
        mine = claims.filter(pl.col("visit") == index)["claim"].to_numpy()
        if "own" in visit:
            frames.append(_mentions(mine, choose(rng, visit["own"], len(mine)), 0.5))
        if "also" in visit:
            frames.append(_mentions(mine, np.full(len(mine), visit["also"], dtype=object), 0.6))
    claim = claims["claim"].to_numpy()
    told = np.repeat(claim, rng.poisson(1.0, len(claim)))
    frames.append(_mentions(told, choose(rng, mix.background, len(told)), rng.uniform(1, 3, len(told))))
    bare = np.setdiff1d(claim, pl.concat(frames)["claim"].to_numpy())
    frames.append(_mentions(bare, choose(rng, mix.background, len(bare)), 1.0))
    return ordered(pl.concat(frames))


def ordered(table: pl.DataFrame) -> pl.DataFrame:
    """Each code once a claim, ranked 1, 2, …; the overflow is cut, as claim forms do."""
    once = table.group_by("claim", "code").agg(pl.col("rank").min()).sort("claim", "rank", "code")
    return once.with_columns(rank=pl.int_range(pl.len()).over("claim") + 1).filter(pl.col("rank") <= MOST_CODES)
