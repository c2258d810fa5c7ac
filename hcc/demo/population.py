"""The population of ``hcc demo``: invented Medicare Advantage members and two years of what is known of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from hcc.demo import evidence, stories
from hcc.demo.claims import claim_lines, with_bad_lines, with_bad_members
from hcc.demo.conditions import conditions
from hcc.demo.faults import Claims, corrected, heads, misspelled, reviewed
from hcc.demo.members import people
from hcc.demo.mentions import mentions
from hcc.demo.mix import Mix, load_mix
from hcc.demo.visits import CLAIM, lines, visits
from hcc.errors import HccError

FEWEST_MEMBERS = 200


def demo_tables(
    *, members: int = 2000, payment_year: int, seed: int = 7, mix: Mix | None = None
) -> dict[str, pl.DataFrame]:
    """The tables of ``demo_population`` as frames, by name; canonical columns (hcc/tables/inputs.py)."""
    if members < FEWEST_MEMBERS:
        raise HccError(
            f"A demo of {members} members is too small for its stories.", hint=f"Ask for {FEWEST_MEMBERS} or more."
        )
    mix = mix or load_mix()
    who = people(mix, members, payment_year, seed)
    cast = stories.cast_members(mix, who, seed)
    table = stories.with_deaths(mix, who.table, cast, payment_year)
    quiet = np.zeros(members, dtype=bool)
    quiet[cast["member"].to_numpy()] = True
    sick = conditions(mix, who, quiet, seed)

    natural = visits(mix, who, sick, quiet, payment_year, seed)
    planted = stories.story_claims(mix, cast, payment_year).with_columns(
        claim=pl.int_range(len(natural), len(natural) + pl.len(), dtype=pl.Int64),
        carries=0.0,
        event_code=pl.lit(None, dtype=pl.String),
    )
    everything = pl.concat([natural, planted.select(list(CLAIM)).cast(pl.Schema(CLAIM))])
    told_codes = planted.select("claim", code="codes").explode("code").drop_nulls("code")
    codes = pl.concat(
        [mentions(mix, natural, sick, seed), told_codes.with_columns(rank=(pl.int_range(pl.len()).over("claim") + 1))]
    )
    told = Claims(heads(mix, everything, payment_year, seed), lines(mix, everything, seed), codes)
    told = _kept_clean(told, planted)
    spare = planted["claim"]
    told = reviewed(mix, corrected(mix, told, spare, seed), who, sick, spare, seed)
    written = claim_lines(mix, misspelled(mix, told, spare, seed), who, payment_year, seed)
    by_year = {year: written.filter(pl.col("year") == year).drop("year", "claim") for year in (1, 2)}

    return {
        "members": with_bad_members(table),
        "enrollment": evidence.enrollment(mix, who, table, payment_year, seed),
        "claims": with_bad_lines(by_year[1], payment_year),
        "history": by_year[2],
        "pharmacy": evidence.pharmacy(mix, who, sick, stories.story_fills(mix, cast, payment_year), payment_year, seed),
        "observations": evidence.observations(
            mix, who, sick, stories.story_results(mix, cast, payment_year), natural, payment_year, seed
        ),
        "problems": evidence.problems(who, sick, stories.story_problems(mix, cast, payment_year), payment_year, seed),
        "chart_findings": evidence.chart_findings(
            who, sick, told, stories.story_findings(mix, cast, payment_year), planted, payment_year, seed
        ),
        "stories": stories.planted(mix, cast, who),
    }


def _kept_clean(told: Claims, planted: pl.DataFrame) -> Claims:
    """Nothing accidental befalls the planted claims."""
    mine = pl.col("claim").is_in(planted["claim"].implode())
    clean = told.heads.with_columns(
        accepted=pl.col("accepted") | mine,
        claim_status=pl.when(mine).then(pl.lit("paid")).otherwise("claim_status"),
        risk_adjustment_flag=pl.when(mine).then(None).otherwise("risk_adjustment_flag"),
        submission_date=pl.when(mine).then(pl.col("thru_date").dt.offset_by("20d")).otherwise("submission_date"),
    )
    return Claims(clean, told.lines, told.mentions)


def demo_population(folder: str | Path, *, members: int = 2000, payment_year: int, seed: int = 7) -> dict[str, Path]:
    """Write the invented population of ``payment_year`` as Parquet into ``folder``; gives the paths by table.

    ``members``, ``enrollment`` (months of the payment year), ``claims`` (services of the year before), ``history``
    (claims of the year before that), ``pharmacy``, ``observations``, ``problems``, ``chart_findings``, and ``stories``:
    which members show what (member_id, story, rule, direction, text). The same arguments give the same files.
    Raises HccError for fewer than 200 members. The shares and their sources are in ``hcc/demo/mix.toml``.
    """
    tables = demo_tables(members=members, payment_year=payment_year, seed=seed)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = {name: target / f"{name}.parquet" for name in tables}
    for name, table in tables.items():
        table.write_parquet(paths[name])
    return paths
