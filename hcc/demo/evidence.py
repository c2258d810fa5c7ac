"""What else is known of the members: fills, results, problem lists and what reviewers found in charts."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from hcc.demo.claims import claim_name
from hcc.demo.conditions import YEARS, Sick
from hcc.demo.draw import Bools, Floats, Ints, day, stream, text_series, within
from hcc.demo.faults import Claims
from hcc.demo.members import People
from hcc.demo.mix import Mix

_PROBLEM_LISTED = 0.6  # share of a member's conditions on the problem list (assumed)
_REVIEWED = 0.012  # share of coded mentions of the year that somebody reviewed (assumed)
_ELEMENTS = ("monitored", "evaluated", "assessed", "treated")


def _has(who: People, sick: Sick, group: str, seen: Bools) -> Bools:
    """Members of a group: a condition, ``condition:code``, an ESRD status, or everyone seen."""
    if group == "everyone":
        return seen
    name, _, code = group.partition(":")
    if name not in sick.has:
        return np.asarray(who.esrd == name)
    return np.asarray(sick.has[name] & (sick.code[name] == code)) if code else sick.has[name]


def _alive(table: pl.DataFrame, who: People, column: str) -> pl.DataFrame:
    death, covered = who.table["death_date"], pl.Series(who.covered_from)
    on = table[column]
    died = death[table["member"]]
    return table.filter((died.is_null() | (on <= died)) & (on >= covered[table["member"]]))


def pharmacy(mix: Mix, who: People, sick: Sick, planted: pl.DataFrame, payment_year: int, seed: int) -> pl.DataFrame:
    """Canonical ``pharmacy``: fills over both years for those who take a drug, and the planted ones."""
    rng, size = stream(seed, "pharmacy"), len(who)
    nobody = np.zeros(size, dtype=bool)
    first = day(payment_year - max(YEARS), 1, 1)
    frames = [planted.select("member", "key", "fill_date")]
    for drug in mix.drugs:
        takes = nobody.copy()
        for condition, share in drug["for"].items():
            takes |= _has(who, sick, condition, nobody) & (rng.random(size) < share)
        rows = np.flatnonzero(takes)
        starts = rng.integers(0, 300, len(rows)) * (rng.random(len(rows)) < 0.3)
        fills: Ints = np.ceil((730 - starts) / drug["days"]).astype(np.int64)
        days = np.repeat(starts, fills) + within(fills) * drug["days"] + rng.integers(0, 12, int(fills.sum()))
        member = np.repeat(rows, fills)
        kept = (rng.random(len(member)) < 0.88) & (days < 730)
        dates = first + days[kept].astype("timedelta64[D]")
        frames.append(
            pl.DataFrame(
                {"member": member[kept], "key": drug["key"], "fill_date": dates}, schema_overrides=frames[0].schema
            )
        )
    drugs = pl.DataFrame(
        [
            {"key": d["key"], "ndc": d.get("ndc"), "drug_name": d.get("name"), "days_supply": d["days"]}
            for d in mix.drugs
        ],
        schema={"key": pl.String, "ndc": pl.String, "drug_name": pl.String, "days_supply": pl.Int64},
    )
    table = _alive(pl.concat(frames), who, "fill_date").join(drugs, on="key", maintain_order="left")
    return (
        table.with_columns(member_id=text_series(who.ids[table["member"].to_numpy()]))
        .sort("fill_date", "member_id", "key")
        .select("member_id", "fill_date", "ndc", "drug_name", "days_supply")
    )


def _values(result: dict[str, Any], drawn: Floats) -> pl.Series:
    """The values as a laboratory would send them."""
    values = np.clip(drawn, result["low"], result["high"])
    sent = np.char.mod(f"%.{result['decimals']}f", values).astype(object)
    if "cap" in result:
        sent[values > result["cap"]] = f">{result['cap']}"
    return text_series(sent)


def observations(
    mix: Mix, who: People, sick: Sick, planted: pl.DataFrame, claims: pl.DataFrame, payment_year: int, seed: int
) -> pl.DataFrame:
    """Canonical ``observations``: results of both years; a member belongs to the first group that fits."""
    rng, size = stream(seed, "observations"), len(who)
    seen = np.zeros(size, dtype=bool)
    seen[claims["member"].unique().to_numpy()] = True
    schema = {"member": pl.Int64, "key": pl.String, "observation_date": pl.Date, "value": pl.String}
    frames = [planted.select(list(schema))]
    first = day(payment_year - max(YEARS), 1, 1)
    for result in mix.results:
        left = np.ones(size, dtype=bool)
        for group, (yearly, mean, spread) in result["groups"].items():
            mine = _has(who, sick, group, seen) & left
            left &= ~mine
            rows = np.flatnonzero(mine)
            level = rng.normal(mean, spread, len(rows))
            counts = rng.poisson(yearly * len(YEARS), len(rows))
            drawn = np.repeat(level, counts) + rng.normal(0, spread / 3, int(counts.sum()))
            dates = first + rng.integers(0, 730, len(drawn)).astype("timedelta64[D]")
            frames.append(
                pl.DataFrame(
                    {
                        "member": np.repeat(rows, counts),
                        "key": result["key"],
                        "observation_date": dates,
                        "value": _values(result, drawn),
                    },
                    schema_overrides=schema,
                )
            )
    tests = pl.DataFrame([{"key": r["key"], "loinc": r["loinc"], "unit": r["unit"]} for r in mix.results])
    table = _alive(pl.concat(frames), who, "observation_date").join(tests, on="key", maintain_order="left")
    cancelled = pl.Series(rng.random(len(table)) < 0.004)
    return (
        table.with_columns(
            member_id=text_series(who.ids[table["member"].to_numpy()]),
            status=pl.when(cancelled).then(pl.lit("cancelled")).otherwise(pl.lit("final")),
        )
        .sort("observation_date", "member_id", "loinc", "value")
        .select("member_id", "observation_date", "loinc", "value", "unit", "status")
    )


def problems(who: People, sick: Sick, planted: pl.DataFrame, payment_year: int, seed: int) -> pl.DataFrame:
    """Canonical ``problems``: part of what the members have, recorded in either year."""
    rng, size = stream(seed, "problems"), len(who)
    first = day(payment_year - max(YEARS), 1, 1)
    frames = [planted.select("member", "recorded_date", "code")]
    for name, has in sick.has.items():
        rows = np.flatnonzero(has & (rng.random(size) < _PROBLEM_LISTED))
        dates = first + rng.integers(0, 700, len(rows)).astype("timedelta64[D]")
        frames.append(
            pl.DataFrame(
                {"member": rows, "recorded_date": dates, "code": text_series(sick.code[name][rows])},
                schema_overrides=frames[0].schema,
            )
        )
    table = _alive(pl.concat(frames), who, "recorded_date")
    return (
        table.with_columns(member_id=text_series(who.ids[table["member"].to_numpy()]), code_system=pl.lit("ICD-10-CM"))
        .sort("recorded_date", "member_id", "code")
        .select("member_id", "recorded_date", "code", "code_system")
    )


def chart_findings(
    who: People,
    sick: Sick,
    told: Claims,
    planted: pl.DataFrame,
    planted_claims: pl.DataFrame,
    payment_year: int,
    seed: int,
) -> pl.DataFrame:
    """Canonical ``chart_findings``: coded conditions of the year that were looked for, and planted ones."""
    rng = stream(seed, "findings")
    heads = told.heads.filter((pl.col("year") == 1) & (pl.col("record_type") == "encounter"))
    known = pl.concat(
        [
            pl.DataFrame({"member": rows, "code": text_series(sick.code[name][rows])})
            for name, has in sick.has.items()
            if len(rows := np.flatnonzero(has))
        ]
    )
    coded = told.mentions.join(heads.select("claim", "member", "thru_date"), on="claim", maintain_order="left")
    coded = coded.join(known, on=["member", "code"], how="semi", maintain_order="left")
    coded = coded.filter(pl.Series(rng.random(len(coded)) < _REVIEWED))
    found = rng.random(len(coded)) < 0.85
    first = coded.with_columns(
        verdict=pl.when(pl.Series(found)).then(pl.lit("supported")).otherwise(pl.lit("not_supported")),
        note=pl.lit(None, dtype=pl.String),
    ).select("member", "claim", service_date="thru_date", diagnosis_code="code", verdict="verdict", note="note")
    story = planted.join(
        planted_claims.select("story", "position", "member", "claim"),
        on=["story", "position", "member"],
        maintain_order="left",
    ).select(first.columns)
    table = pl.concat([first, story])
    good = table["verdict"] != "not_supported"
    elements = {
        name: good & pl.Series(rng.random(len(table)) < share)
        for name, share in zip(_ELEMENTS, (0.8, 0.6, 0.9, 0.7), strict=True)
    }
    return (
        table.with_columns(
            member_id=text_series(who.ids[table["member"].to_numpy()]),
            claim_id=claim_name(pl.col("claim")),
            reviewer=pl.lit("Invented Reviewer"),
            **elements,
        )
        .sort("service_date", "member_id", "diagnosis_code")
        .select("member_id", "service_date", "diagnosis_code", "claim_id", "verdict", *_ELEMENTS, "reviewer", "note")
    )


def enrollment(mix: Mix, who: People, table: pl.DataFrame, payment_year: int, seed: int) -> pl.DataFrame:
    """Canonical ``enrollment``: a row per member and month of the payment year, with leavers, deaths and hospice."""
    rng, size = stream(seed, "enrollment"), len(who)
    last = np.full(size, 12)
    leaves = rng.random(size) < mix.numbers["leaves"]
    last[leaves] = rng.integers(1, 12, int(leaves.sum()))
    hospice_from = np.full(size, 13)
    in_hospice = (rng.random(size) < mix.numbers["hospice"]) & (who.age > 70)
    hospice_from[in_hospice] = rng.integers(1, 13, int(in_hospice.sum()))
    month = np.tile(np.arange(1, 13), size)
    member = np.repeat(np.arange(size), 12)
    kept = month <= last[member]
    member, month = member[kept], month[kept]
    start = np.datetime64(f"{payment_year}-01", "M") + (month - 1).astype("timedelta64[M]")
    status = table.select(
        "member_id",
        "dual_status",
        "part_b_months",
        "long_term_institutional",
        "csnp",
        "low_income_subsidy",
        "part_d_plan",
        "esrd_status",
        "graft_months",
        "program",
        "contract_id",
        "pbp_id",
        "parent_organization",
        "pcp_npi",
    )[member]
    frame = status.with_columns(
        month=pl.Series(start.astype("datetime64[D]")), hospice=pl.Series(month >= hospice_from[member])
    )
    died = table["death_date"][member]
    # A kidney transplant's months move on: 1, 2, 3, then graft.
    months = pl.col("graft_months") + pl.Series(month - 1)
    frame = frame.with_columns(
        graft_months=months,
        esrd_status=pl.when(months.is_null())
        .then("esrd_status")
        .when(months <= 3)
        .then(pl.format("transplant_{}", months))
        .otherwise(pl.lit("graft")),
    )
    alive = died.is_null() | (frame["month"] <= died)
    return frame.filter(alive).select("member_id", "month", "hospice", *[c for c in status.columns if c != "member_id"])
