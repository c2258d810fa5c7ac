"""What happens to claims afterwards: replaced, voided, reviewed, denied, late; and what is simply wrong in them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hcc.demo.conditions import Sick
from hcc.demo.draw import Ints, day, stream, text_series, texts
from hcc.demo.members import People
from hcc.demo.mix import Mix

_ODDITIES = ("E1I9", "E11", "25000", "I50", "Z999999", "E11.9.", "N18-3")  # none of them is a code


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims in three tables that share the row number ``claim``: heads, lines and mentions (claim, code, rank)."""

    heads: pl.DataFrame
    lines: pl.DataFrame
    mentions: pl.DataFrame

    def next_claim(self) -> int:
        highest = self.heads["claim"].max()
        return int(highest) + 1 if isinstance(highest, int) else 0

    def and_also(self, heads: pl.DataFrame, lines: pl.DataFrame, mentions: pl.DataFrame) -> Claims:
        return Claims(
            pl.concat([self.heads, heads.select(self.heads.columns)]),
            pl.concat([self.lines, lines.select(self.lines.columns)]),
            pl.concat([self.mentions, mentions.select(self.mentions.columns)]),
        )


def heads(mix: Mix, claims: pl.DataFrame, payment_year: int, seed: int) -> pl.DataFrame:
    """One row per claim with its state: submission, acceptance, payment, and what it replaces or belongs to."""
    rng, size = stream(seed, "heads"), len(claims)
    faults = mix.faults
    submitted = claims["thru_date"].to_numpy() + rng.integers(8, 60, size).astype("timedelta64[D]")
    late = rng.random(size) < faults["late"]
    submitted[late] = day(payment_year + 1, 6, 15)  # after the last deadline of any run
    draw = rng.random(size)
    status = np.where(draw < faults["denied"], "denied", "paid").astype(object)
    status[draw > 1 - faults["denied_administrative"]] = "denied_administrative"
    flag = np.full(size, None, dtype=object)
    flag[rng.random(size) < faults["disallowed"]] = "disallowed"
    record_types = texts([visit.get("record_type", "encounter") for visit in mix.visits])
    nothing = pl.Series([None] * size, dtype=pl.Int64)
    return claims.select("claim", "member", "visit", "year", "thru_date").with_columns(
        pl.Series("frequency_code", ["1"] * size),
        nothing.alias("original"),
        nothing.alias("linked"),
        text_series(record_types[claims["visit"].to_numpy()]).alias("record_type"),
        pl.Series("submission_date", submitted),
        pl.Series("accepted", rng.random(size) >= faults["rejected"]),
        text_series(status).alias("claim_status"),
        text_series(flag).alias("risk_adjustment_flag"),
    )


def _copies(told: Claims, rows: Ints, frequency: str, drop_last_code: bool) -> Claims:
    """The claims of ``rows`` sent again as replacement (7) or void (8), a month later."""
    first = told.next_claim()
    table = told.heads[rows].with_columns(
        original=pl.col("claim"),
        claim=pl.int_range(first, first + len(rows), dtype=pl.Int64),
        frequency_code=pl.lit(frequency),
        submission_date=pl.col("submission_date").dt.offset_by("30d"),
    )
    renumbered = table.select(pl.col("original").alias("claim"), pl.col("claim").alias("new"))
    again = told.mentions.join(renumbered, on="claim", maintain_order="left")
    if drop_last_code:
        again = again.filter((pl.col("rank") < pl.len().over("claim")) | (pl.len().over("claim") == 1))
    lines = told.lines.join(renumbered, on="claim", maintain_order="left")
    return told.and_also(table, lines.with_columns(claim=pl.col("new")), again.with_columns(claim=pl.col("new")))


def corrected(mix: Mix, told: Claims, spare: pl.Series, seed: int) -> Claims:
    """Some professional claims replaced (the last diagnosis withdrawn), some voided; none twice, none of ``spare``."""
    rng = stream(seed, "corrections")
    professional = np.array([v["claim_type"] == "professional" for v in mix.visits])[told.heads["visit"].to_numpy()]
    kept = told.heads["claim"].is_in(spare.implode()).to_numpy()
    pool = rng.permutation(np.flatnonzero(professional & ~kept))
    replaced = max(2, round(mix.faults["replaced"] * len(pool)))
    voided = max(2, round(mix.faults["voided"] * len(pool)))
    told = _copies(told, np.sort(pool[:replaced]), "7", drop_last_code=True)
    return _copies(told, np.sort(pool[replaced : replaced + voided]), "8", drop_last_code=False)


def _pick_one_per_member(
    rng: np.random.Generator, candidates: pl.DataFrame, share: float, members: int
) -> pl.DataFrame:
    """One candidate row of each of round(share × members) members."""
    shuffled = candidates[rng.permutation(len(candidates))].unique("member", keep="first", maintain_order=True)
    return shuffled.head(max(1, round(share * members)))


def _reviews(mix: Mix, told: Claims, found: pl.DataFrame, record_type: str) -> Claims:
    """Chart reviews: ``found`` has member, code, thru_date and linked (the encounter's row number, or null)."""
    first, size = told.next_claim(), len(found)
    claim = pl.Series(range(first, first + size), dtype=pl.Int64)
    table = found.with_columns(
        claim=claim,
        visit=pl.lit(mix.visit_index("chart_review"), dtype=pl.Int64),
        year=pl.lit(1, dtype=pl.Int64),
        frequency_code=pl.lit("1"),
        original=pl.lit(None, dtype=pl.Int64),
        record_type=pl.lit(record_type),
        submission_date=pl.col("thru_date").dt.offset_by("120d"),
        accepted=pl.lit(True),
        claim_status=pl.lit("paid"),
        risk_adjustment_flag=pl.lit(None, dtype=pl.String),
    )
    lines = table.select(
        "claim",
        line_number=pl.lit(1, dtype=told.lines.schema["line_number"]),
        hcpcs=pl.lit("99213"),
        specialty=pl.lit("08"),
    )
    codes = table.select("claim", "code", rank=pl.lit(1, dtype=told.mentions.schema["rank"]))
    return told.and_also(table, lines, codes)


def reviewed(mix: Mix, told: Claims, who: People, sick: Sick, spare: pl.Series, seed: int) -> Claims:
    """Chart reviews of the year: conditions on no claim (linked, unlinked), and deletes; none of ``spare``."""
    rng, faults = stream(seed, "reviews"), mix.faults
    unsaid = [
        pl.DataFrame({"member": rows, "code": text_series(sick.code[name][rows])})
        for name in sick.has
        if len(rows := np.flatnonzero(sick.has[name] & ~sick.recorded[name][1]))
    ]
    visited = (pl.col("year") == 1) & (pl.col("record_type") == "encounter") & pl.col("visit").is_in([0, 1, 2])
    seen = told.heads.filter(visited & ~pl.col("claim").is_in(spare.implode()))
    met = pl.concat(unsaid).join(seen.select("member", "thru_date", linked="claim"), on="member", maintain_order="left")
    linked = _pick_one_per_member(rng, met, faults["chart_review_linked"], len(who))
    other = met.join(linked.select("member"), on="member", how="anti", maintain_order="left")
    unlinked = _pick_one_per_member(rng, other, faults["chart_review_unlinked"], len(who))
    told = _reviews(mix, told, linked, "chart_review")
    told = _reviews(mix, told, unlinked.with_columns(linked=pl.lit(None, dtype=pl.Int64)), "chart_review")
    coded = told.mentions.join(seen.select("claim", "member", "thru_date"), on="claim", maintain_order="left")
    coded = coded.rename({"claim": "linked"}).filter(pl.col("rank") > 1)
    deletes = _pick_one_per_member(rng, coded.drop("rank"), faults["chart_review_delete"], len(who))
    return _reviews(mix, told, deletes, "chart_review_delete")


def misspelled(mix: Mix, told: Claims, spare: pl.Series, seed: int) -> Claims:
    """Some codes written otherwise (dots, case, blanks), a few that are no codes; ``spare`` claims untouched."""
    rng, size = stream(seed, "spelling"), len(told.mentions)
    free = ~told.mentions["claim"].is_in(spare.implode()).to_numpy()
    style = np.where(free & (rng.random(size) < mix.faults["dotted_codes"]), rng.integers(1, 4, size), 0)
    broken = free & (rng.random(size) < mix.faults["broken_codes"])
    code, how = pl.col("code"), pl.Series(style)
    dotted = (
        pl.when(code.str.len_chars() > 3)
        .then(pl.format("{}.{}", code.str.slice(0, 3), code.str.slice(3)))
        .otherwise(code)
    )
    written = (
        pl.when(pl.Series(broken))
        .then(text_series(texts(_ODDITIES)[rng.integers(0, len(_ODDITIES), size)]))
        .when(how == 1)
        .then(dotted)
        .when(how == 2)
        .then(code.str.to_lowercase())
        .when(how == 3)
        .then(pl.format(" {} ", dotted))
        .otherwise(code)
    )
    return replace(told, mentions=told.mentions.with_columns(written.alias("code")))
