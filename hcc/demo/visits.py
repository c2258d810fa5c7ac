"""Claims before their diagnoses: who went where on which day."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from hcc.demo.conditions import YEARS, Sick
from hcc.demo.draw import Bools, Floats, Ints, choose, day, stream, text_series
from hcc.demo.members import People
from hcc.demo.mix import Mix

CLAIM = {
    "claim": pl.Int64,
    "member": pl.Int64,
    "visit": pl.Int64,
    "year": pl.Int64,
    "thru_date": pl.Date,
    "carries": pl.Float64,
    "event_code": pl.String,
}


def _mean(visit: dict[str, Any], who: People, sick: Sick, liveliness: Floats) -> Floats:
    """Mean number of such claims a year, per member."""
    mean = (visit.get("mean", 0.0) + visit.get("burden", 0.0) * sick.burden) * liveliness
    for name, times in visit.get("of", {}).items():
        present = sick.has.get(name, who.esrd == name)
        mean = mean + times * present
    return np.asarray(mean, dtype=np.float64)


def _event_stays(mix: Mix, sick: Sick, year: int) -> tuple[Ints, list[str]]:
    """One hospital stay per acute event of the year: the member and the event's code."""
    members: list[Ints] = []
    codes: list[str] = []
    for condition in mix.conditions:
        if condition.get("events"):
            rows = np.flatnonzero(sick.recorded[condition["name"]][year])
            members.append(rows)
            codes.extend(sick.code[condition["name"]][rows])
    return (np.concatenate(members) if members else np.empty(0, dtype=np.int64)), codes


def visits(mix: Mix, who: People, sick: Sick, quiet: Bools, payment_year: int, seed: int) -> pl.DataFrame:
    """One row per claim (columns ``CLAIM``), both years; ``quiet`` members (those of stories) have no other claims."""
    rng, size = stream(seed, "visits"), len(who)
    liveliness = rng.gamma(4.0, 0.25, size) * ~quiet
    frames = []
    for year in YEARS:
        first = day(payment_year - year, 1, 1)
        for index, visit in enumerate(mix.visits):
            counts = rng.poisson(_mean(visit, who, sick, liveliness))
            if "once" in visit:
                counts = (rng.random(size) < visit["once"]).astype(np.int64) * ~quiet
            member = np.repeat(np.arange(size), counts)
            dates = first + rng.integers(0, 365, len(member)).astype("timedelta64[D]")
            frames.append(_frame(member, index, year, dates, visit.get("carries", 0.0)))
        stay = mix.visit_index("stay")
        member, codes = _event_stays(mix, sick, year)
        days = rng.integers(0, 365, len(member)).astype("timedelta64[D]")
        frames.append(_frame(member, stay, year, first + days, mix.visits[stay]["carries"], codes))
    claims = pl.concat(frames)
    covered = pl.Series(who.covered_from)[claims["member"]]
    death = who.table["death_date"][claims["member"]]
    alive = death.is_null() | (claims["thru_date"] <= death)
    claims = claims.filter((claims["thru_date"] >= covered) & alive)
    return (
        claims.sort("thru_date", "member", "visit").with_row_index("claim").cast(pl.Schema(CLAIM)).select(list(CLAIM))
    )


def _frame(
    member: Ints, visit: int, year: int, dates: np.ndarray[Any, Any], carries: float, codes: list[str] | None = None
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "member": member,
            "visit": np.full(len(member), visit, dtype=np.int64),
            "year": np.full(len(member), year, dtype=np.int64),
            "thru_date": pl.Series(dates, dtype=pl.Date),
            "carries": np.full(len(member), carries),
            "event_code": text_series(codes if codes is not None else [None] * len(member)),
        }
    )


def lines(mix: Mix, claims: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per claim and line: claim, line_number, hcpcs (null on stays), specialty."""
    rng = stream(seed, "lines")
    frames = []
    visit_of = claims["visit"].to_numpy()
    claim_of = claims["claim"].to_numpy()
    for index, visit in enumerate(mix.visits):
        mine = claim_of[visit_of == index]
        procedures, size = visit.get("procedures"), len(mine)
        hcpcs = choose(rng, procedures, size) if procedures else np.full(size, None, dtype=object)
        offered = visit.get("specialties")
        specialty = choose(rng, offered, size) if offered else np.full(size, None, dtype=object)
        if offered:
            specialty[rng.random(size) < mix.faults["missing_specialty"]] = None
        frames.append(_line_frame(mine, np.zeros(size, dtype=np.int64), hcpcs, specialty))
        for rank, (further, chance) in enumerate(visit.get("lines", {}).items(), start=1):
            on = rng.random(size) < chance
            same = np.full(int(on.sum()), further, dtype=object)
            frames.append(_line_frame(mine[on], np.full(len(same), rank), same, specialty[on]))
    table = pl.concat(frames).sort("claim", "rank")
    return table.with_columns(line_number=pl.int_range(pl.len()).over("claim") + 1).drop("rank")


def _line_frame(claim: Any, rank: Any, hcpcs: Any, specialty: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "claim": pl.Series(claim, dtype=pl.Int64),
            "rank": pl.Series(rank, dtype=pl.Int64),
            "hcpcs": text_series(hcpcs),
            "specialty": text_series(specialty),
        }
    )
