"""Planted truth: the members, claims, fills, results and findings of ``stories.toml``."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from hcc.demo.draw import stream, text_series
from hcc.demo.members import People
from hcc.demo.mix import Mix

MEMBERS_PER_STORY = 700  # one more member a story for every so many members, three at most


def cast_members(mix: Mix, who: People, seed: int) -> pl.DataFrame:
    """Who plays which story: one row per story and member (row numbers)."""
    rng = stream(seed, "stories")
    each = max(1, min(3, len(who) // MEMBERS_PER_STORY))
    free = who.ordinary.copy()
    frames = []
    for index, story in enumerate(mix.stories):
        low, high = story.get("ages", (66, 92))
        fits = free & (who.age >= low) & (who.age <= high)
        if "sex" in story:
            fits &= who.female == (story["sex"] == "F")
        chosen = rng.permutation(np.flatnonzero(fits))[:each]
        free[chosen] = False
        frames.append(pl.DataFrame({"story": np.full(len(chosen), index), "member": chosen}))
    return pl.concat(frames).cast({"story": pl.Int64, "member": pl.Int64})


def _date(on: list[int], payment_year: int) -> date:
    return date(payment_year - on[0], on[1], on[2])


def _rows(mix: Mix, cast: pl.DataFrame, rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    """Rows of stories given to the members who play them: ``schema`` and ``member``."""
    table = pl.DataFrame(rows, schema={"story": pl.Int64, **schema}, orient="row")
    return table.join(cast, on="story", how="inner", maintain_order="left").sort("story", "member", maintain_order=True)


def story_claims(mix: Mix, cast: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """One row per planted claim: story, position (within the story), visit, year, thru_date, codes (list), member."""
    rows = [
        {
            "story": index,
            "position": position,
            "visit": mix.visit_index(claim["visit"]),
            "year": claim["on"][0],
            "thru_date": _date(claim["on"], payment_year),
            "codes": claim["codes"],
        }
        for index, story in enumerate(mix.stories)
        for position, claim in enumerate(story.get("claims", ()))
    ]
    schema = {
        "position": pl.Int64,
        "visit": pl.Int64,
        "year": pl.Int64,
        "thru_date": pl.Date,
        "codes": pl.List(pl.String),
    }
    return _rows(mix, cast, rows, schema)


def story_fills(mix: Mix, cast: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """One row per planted fill: story, key (of the drug), fill_date, member."""
    rows = [
        {"story": index, "key": fill["drug"], "fill_date": _date(on, payment_year)}
        for index, story in enumerate(mix.stories)
        for fill in story.get("fills", ())
        for on in fill["on"]
    ]
    return _rows(mix, cast, rows, {"key": pl.String, "fill_date": pl.Date})


def story_results(mix: Mix, cast: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """One row per planted result: story, key, observation_date, value, member."""
    rows = [
        {"story": index, "key": r["result"], "observation_date": _date(r["on"], payment_year), "value": r["value"]}
        for index, story in enumerate(mix.stories)
        for r in story.get("results", ())
    ]
    return _rows(mix, cast, rows, {"key": pl.String, "observation_date": pl.Date, "value": pl.String})


def story_problems(mix: Mix, cast: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """One row per planted problem: story, recorded_date, code, member."""
    rows = [
        {"story": index, "recorded_date": _date(p["on"], payment_year), "code": p["code"]}
        for index, story in enumerate(mix.stories)
        for p in story.get("problems", ())
    ]
    return _rows(mix, cast, rows, {"recorded_date": pl.Date, "code": pl.String})


def story_findings(mix: Mix, cast: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """One row per planted chart finding; ``position`` says which claim of the story it is about."""
    rows = [
        {
            "story": index,
            "position": f["claim"],
            "service_date": _date(f["on"], payment_year),
            "diagnosis_code": f["code"],
            "verdict": f["verdict"],
            "note": f["note"],
        }
        for index, story in enumerate(mix.stories)
        for f in story.get("findings", ())
    ]
    schema = {
        "position": pl.Int64,
        "service_date": pl.Date,
        "diagnosis_code": pl.String,
        "verdict": pl.String,
        "note": pl.String,
    }
    return _rows(mix, cast, rows, schema)


def with_deaths(mix: Mix, table: pl.DataFrame, cast: pl.DataFrame, payment_year: int) -> pl.DataFrame:
    """The members, with the deaths that stories tell."""
    deaths = {i: _date(story["death"], payment_year) for i, story in enumerate(mix.stories) if "death" in story}
    told = cast.filter(pl.col("story").is_in(list(deaths)))
    told_on = pl.Series([deaths[story] for story in told["story"]], dtype=pl.Date)
    return table.with_columns(death_date=table["death_date"].scatter(told["member"], told_on))


def planted(mix: Mix, cast: pl.DataFrame, who: People) -> pl.DataFrame:
    """What was planted where: member_id, story, text, direction (empty = control), rule."""
    told = [mix.stories[story] for story in cast["story"]]
    return pl.DataFrame(
        {
            "member_id": text_series(who.ids[cast["member"].to_numpy()]),
            "story": [story["name"] for story in told],
            "rule": [story["rule"] for story in told],
            "direction": [story["direction"] for story in told],
            "text": [story["text"] for story in told],
        }
    )
