"""What gaps are worth: scenarios to score, and the differences. No score is made here (DESIGN 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.gaps.candidates import Candidates
from hcc.gaps.hccs import HCC

_VALUED = ("open", "indeterminate", "closed")
_KEY = ["member_index", "m", "h"]
Known = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""Values, and where there is one."""


@dataclass(frozen=True, eq=False)
class Scenarios:
    """HCCs to take away or give before hierarchies: arrays with one entry per scenario and HCC.

    The first ``alone`` of ``count`` scenarios are about one HCC each (``key`` finds the gaps they value): the first
    ``alone`` entries, in order; entries further down may tie other HCCs to it or credit it with one. The other scenarios are about
    all open gaps of a member and direction (``together``: member_index, unsupported). ``member`` is the member of each
    scenario; ``add``: give the HCC, else take it away.
    """

    alone: int
    count: int
    member: NDArray[np.int64]
    scenario: NDArray[np.int64]
    m: NDArray[np.int64]
    hcc: NDArray[np.int64]
    add: NDArray[np.bool_]
    key: pl.Series
    together: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Worths:
    """What the scenarios make of the scores, in thousandths.

    ``score_change``, ``raw_change``: of each scenario of one HCC, in the part and model of that HCC. ``own``: by part,
    the risk score of each member of the range as it is. ``together``: by part, the risk score of the other scenarios.
    """

    score_change: Known
    raw_change: Known
    own: Mapping[str, Known]
    together: Mapping[str, Known]


def scenarios(candidates: Candidates) -> Scenarios:
    """The scenarios of some members' gaps.

    Gaps of several rules about one HCC share a scenario; a gap without effect on the HCC has none.
    """
    gaps = candidates.gaps.select(
        *_KEY, "unsupported", "status", "status_reason", "inert", "falls", "credited", "tied", _key()
    ).filter(pl.col("h").is_not_null())
    effective = ~pl.col("unsupported") | pl.col("falls").fill_null(False)
    alone = gaps.filter(_is_valued(), effective).select(*_KEY, "unsupported", "credited", "tied", "key")
    alone = alone.unique("key", maintain_order=True)
    opened = gaps.filter(pl.col("status") == "open")
    together = candidates.applied.sort("member_index", "unsupported")
    heads = together.select("member_index", "unsupported").unique(maintain_order=True)
    number = together.select(pl.struct("member_index", "unsupported").rle_id()).to_series().to_numpy()
    number = number.astype(np.int64) + alone.height
    credits = _credits(candidates, alone, together.with_columns(pl.Series("scenario", number)), opened)
    more = pl.concat([_tied(alone), credits])
    both = pl.concat([*(part.select(*_KEY, "unsupported") for part in (alone, together)), more.drop("scenario")])
    return Scenarios(
        alone=alone.height,
        count=alone.height + heads.height,
        member=pl.concat([alone["member_index"], heads["member_index"]]).to_numpy().astype(np.int64),
        scenario=np.concatenate([np.arange(alone.height), number, more["scenario"].to_numpy()]),
        m=both["m"].to_numpy().astype(np.int64),
        hcc=both["h"].to_numpy().astype(np.int64),
        add=~both["unsupported"].to_numpy(),
        key=alone["key"],
        together=heads,
    )


def _key() -> pl.Expr:
    """Member, model, HCC, direction, credit and what is tied as one number (UInt64): joins on it are cheap."""
    wide = [pl.col(name).cast(pl.UInt64) for name in ("member_index", "m", "h", "unsupported", "credited")]
    tied = pl.col("tied").rank("dense").fill_null(0).cast(pl.UInt64)
    return (((((wide[0] * 2**8 + wide[1]) * 2**16 + wide[2]) * 2 + wide[3]) * 2 + wide[4]) * 2**12 + tied).alias("key")


def _tied(alone: pl.DataFrame) -> pl.DataFrame:
    """HCCs that come or go with the one a scenario is about: member_index, m, h, unsupported, scenario."""
    some = alone.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("scenario")).drop_nulls("tied")
    each = some.with_columns(pl.col("tied").str.split(",").alias("h")).explode("h").with_columns(pl.col("h").cast(HCC))
    return each.select(*_KEY, "unsupported", "scenario")


def _credits(
    candidates: Candidates, alone: pl.DataFrame, together: pl.DataFrame, opened: pl.DataFrame
) -> pl.DataFrame:
    """HCCs to give in the place of one taken away: member_index, m, h, unsupported (False: give), scenario."""
    number = pl.int_range(pl.len(), dtype=pl.Int64).alias("scenario")
    single = alone.select(*_KEY, "credited", number).filter("credited").drop("credited")
    credited = opened.filter("unsupported", "credited").select(_KEY).unique()
    all_open = together.filter("unsupported").select(*_KEY, "scenario").join(credited, on=_KEY, how="semi")
    given = pl.concat([single, all_open]).join(candidates.credits, on=_KEY)
    return given.select(
        "member_index", "m", pl.col("credit").alias("h"), pl.lit(False).alias("unsupported"), "scenario"
    ).unique(maintain_order=True)


def _is_valued() -> pl.Expr:
    """Rows whose value has to be worked out: nothing suppressed, no remarks, nothing that is there anyway, and nothing
    that a captured HCC drops with all that it would drop itself."""
    inert = pl.col("inert").fill_null(False)
    return pl.col("status").is_in(_VALUED) & ~pl.col("status_reason").is_in(("same", "new")) & ~inert


def value_gaps(
    candidates: Candidates, asked: Scenarios, worths: Worths, people: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables gaps and member_gaps (without run_id), by subtraction.

    ``asked``: ``scenarios(candidates)``; ``worths``: what they came to. ``people``: one row per member of the range, in
    order: member_index, benchmark_cents (null unknown), payable_months_C, payable_months_D (of the parts there are).
    score_change is the change of the part's risk score through the row's model, raw_change of the model's own raw
    score; dollars are score_change × benchmark × payable months, to cents, half away from zero (RULINGS 17); null
    without a benchmark, and always in Part D, which has none.
    """
    worth = pl.DataFrame(
        {"key": asked.key, "score_change": _nullable(worths.score_change), "raw_change": _nullable(worths.raw_change)}
    )
    # Without effect: the HCC is there anyway, or stands on other diagnoses.
    stands = pl.col("unsupported") & ~pl.col("falls").fill_null(True) & pl.col("status").is_in(_VALUED)
    there = (pl.col("status_reason") == "same") | (pl.col("status").is_in(_VALUED) & pl.col("inert").fill_null(False))
    none = pl.col("h").is_not_null() & (there | stands)
    gaps = candidates.gaps.with_columns(_key())
    gaps = _with_people(gaps.join(worth, on="key", how="left", maintain_order="left"), candidates, worths, people)
    scored = pl.col("risk_score").is_not_null()
    gaps = gaps.with_columns(
        pl.when(none & scored).then(0).when(_is_valued()).then("score_change").alias("score_change"),
        pl.when(none).then(0).when(_is_valued()).then("raw_change").alias("raw_change"),
    )
    return _as_table(candidates, gaps), _member_gaps(candidates, asked, worths, people)


def _nullable(values: Known) -> pl.Series:
    """Int64, null where there is no value."""
    return pl.Series(values[0]).set(pl.Series(~values[1]), None)


def _with_people(frame: pl.DataFrame, candidates: Candidates, worths: Worths, people: pl.DataFrame) -> pl.DataFrame:
    """``frame`` (member_index, m or part) with part, risk_score, payable_months and benchmark_cents of the member."""
    if "part" not in frame.columns:
        parts = dict(candidates.models.select("m", "part").iter_rows())
        frame = frame.with_columns(pl.col("m").replace_strict(parts, default=None, return_dtype=pl.String).alias("part"))
    first = int(people["member_index"][0]) if people.height else 0
    place = frame["member_index"] - first
    risk, months = pl.lit(None, pl.Int64), pl.lit(None, pl.Int64)
    for part, own in worths.own.items():
        mine = pl.col("part") == part
        risk = pl.when(mine).then(pl.lit(_nullable(own).gather(place))).otherwise(risk)
        months = pl.when(mine).then(pl.lit(people[f"payable_months_{part}"].gather(place))).otherwise(months)
    # The benchmark is Part C's; there is none for Part D, so its changes have no dollars.
    cents = pl.when(pl.col("part") == "C").then(pl.lit(people["benchmark_cents"].gather(place)))
    return frame.with_columns(risk.alias("risk_score"), months.alias("payable_months"), cents.alias("benchmark_cents"))


def _as_table(candidates: Candidates, gaps: pl.DataFrame) -> pl.DataFrame:
    few = [pl.col(name).cast(pl.Enum(words)) for name, words in candidates.words.items()]
    return (
        gaps.with_columns(_dollars().alias("dollar_change"), *few)
        .with_columns(_decimal("score_change"), _decimal("raw_change"))
        .select(GAP_COLUMNS)
    )


def _member_gaps(candidates: Candidates, asked: Scenarios, worths: Worths, people: pl.DataFrame) -> pl.DataFrame:
    """One row per member, part and direction with open gaps, and where those of the other part change the HCCs."""
    key = ["member_index", "part", "unsupported"]
    parts = candidates.models.select("m", "part")
    opened = candidates.gaps.filter(pl.col("status") == "open", pl.col("h").is_not_null())
    counted = (
        opened.join(parts, on="m")
        .group_by(key)
        .agg(pl.len().cast(pl.Int64).alias("open_gaps"), pl.col("member_id").first(), pl.col("payment_year").first())
    )
    changed = candidates.applied.join(parts, on="m").select(key).unique()
    who = opened.unique("member_index").select("member_index", "member_id", "payment_year")
    others = changed.join(counted, on=key, how="anti").join(who, on="member_index")
    others = others.with_columns(pl.lit(0, pl.Int64).alias("open_gaps")).select(counted.columns)
    applied = [
        asked.together.with_columns(
            pl.lit(part).alias("part"), _nullable(after).alias("risk_score_applied")
        ).select(*key, "risk_score_applied")
        for part, after in worths.together.items()
    ]  # fmt: skip
    # No scenario: the open gaps leave every HCC where it is.
    rows = _with_people(pl.concat([counted, others]), candidates, worths, people)
    rows = rows.filter((pl.col("open_gaps") > 0) | pl.col("risk_score").is_not_null())
    if applied:
        rows = rows.join(pl.concat(applied), on=key, how="left")
    else:
        rows = rows.with_columns(pl.lit(None, pl.Int64).alias("risk_score_applied"))
    rows = rows.with_columns(pl.coalesce("risk_score_applied", "risk_score").alias("risk_score_applied"))
    rows = rows.with_columns(
        (pl.col("risk_score_applied") - pl.col("risk_score")).alias("score_change"),
        pl.when("unsupported")
        .then(pl.lit("unsupported"))
        .otherwise(pl.lit("missing"))
        .cast(pl.Enum(candidates.words["direction"]))
        .alias("direction"),
        pl.col("part").cast(pl.Enum(["C", "D"])),
    )
    return (
        rows.with_columns(_dollars().alias("dollar_change"))
        .with_columns(_decimal("risk_score"), _decimal("risk_score_applied"), _decimal("score_change"))
        .sort(key)
        .select(MEMBER_GAP_COLUMNS)
    )


def _decimal(name: str) -> pl.Expr:
    return (pl.col(name).cast(pl.Int64) / 1000).round(3).cast(pl.Decimal(9, 3)).alias(name)


def _dollars() -> pl.Expr:
    """Thousandths × cents × months, to cents, half away from zero, in whole numbers."""
    product = (
        pl.col("score_change").cast(pl.Int64) * pl.col("benchmark_cents") * pl.col("payable_months").cast(pl.Int64)
    )
    cents = product.sign() * ((product.abs() + 500) // 1000)
    return (cents / 100).round(2).cast(pl.Decimal(14, 2))


GAP_COLUMNS = (
    "gap_id", "member_id", "payment_year", "model", "calibration", "hcc", "label", "direction",
    "candidate_diagnosis_codes", "rule_id", "rule_version", "strength", "status", "status_reason", "score_change",
    "raw_change", "dollar_change", "reason", "last_evidence_date", "pcp_npi", "flagged_on", "identified_on",
    "return_by", "flagged_return_by", "decision",
)  # fmt: skip
MEMBER_GAP_COLUMNS = (
    "member_id", "payment_year", "part", "direction", "open_gaps", "risk_score", "risk_score_applied",
    "score_change", "dollar_change",
)  # fmt: skip
