"""What gaps are worth: scenarios to score, and the differences. No score is made here (DESIGN 2)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.candidates import Candidates

ALONE, TOGETHER = "alone", "together"
_VALUED = ("open", "indeterminate", "closed")
_KEY = ["member_index", "m", "h"]
_PART = ["member_index", "part"]


def scenarios(candidates: Candidates) -> pl.DataFrame:
    """HCCs to take away or give before hierarchies.

    Columns: scenario_id (UInt32), kind (alone: one gap's HCC; together: all open gaps of a member and direction),
    member_index, member_id, unsupported, m, h, model, calibration, hcc, action (remove, add). Rows of one scenario act
    together. Gaps of several rules about one HCC share a scenario; a gap without effect on the HCC has none.
    """
    gaps = candidates.gaps.filter(pl.col("h").is_not_null())
    effective = ~pl.col("unsupported") | pl.col("falls").fill_null(False)
    alone = gaps.filter(_is_valued(), effective).select(*_KEY, "unsupported").unique(maintain_order=True)
    alone = alone.with_row_index("scenario_id").with_columns(pl.lit(ALONE).alias("kind"))
    together = _together(candidates, gaps.filter(pl.col("status") == "open"))
    heads = together.select("member_index", "unsupported").unique(maintain_order=True).with_row_index("scenario_id")
    together = together.join(heads, on=["member_index", "unsupported"]).with_columns(
        pl.col("scenario_id") + alone.height, pl.lit(TOGETHER).alias("kind")
    )
    columns = ["scenario_id", "kind", "member_index", "unsupported", "m", "h"]
    names = candidates.gaps.select("member_index", "member_id").unique("member_index")
    action = pl.when("unsupported").then(pl.lit("remove")).otherwise(pl.lit("add"))
    return (
        pl.concat([alone.select(columns), together.select(columns)])
        .join(candidates.models, on="m")
        .join(names, on="member_index")
        .with_columns(action.alias("action"), pl.col("h").cast(pl.String).alias("hcc"))
    )


def _is_valued() -> pl.Expr:
    """Rows whose value has to be worked out: nothing suppressed, no remarks, nothing that is there anyway, and nothing
    that a captured HCC drops with all that it would drop itself."""
    inert = pl.col("inert").fill_null(False)
    return pl.col("status").is_in(_VALUED) & ~pl.col("status_reason").is_in(("same", "new")) & ~inert


def _together(candidates: Candidates, gaps: pl.DataFrame) -> pl.DataFrame:
    """HCCs that change when all open gaps of a direction are acted on: member_index, unsupported, m, h.

    An HCC falls when the codes in question of all its gaps are all the codes behind it.
    """
    unsupported = gaps.filter("unsupported")
    falls = unsupported.filter(pl.col("falls").fill_null(False)).select(_KEY).unique()
    rest = unsupported.filter("by_codes").join(falls, on=_KEY, how="anti")
    asked = rest.select(*_KEY, pl.col("codes").alias("diagnosis_code")).explode("diagnosis_code").unique()
    kept = candidates.behind.join(asked, on=[*_KEY, "diagnosis_code"], how="anti").select(_KEY).unique()
    by_codes = rest.select(_KEY).unique().join(kept, on=_KEY, how="anti")
    removed = pl.concat([falls, by_codes]).with_columns(pl.lit(True).alias("unsupported"))
    added = gaps.filter(~pl.col("unsupported")).select(_KEY).unique().with_columns(pl.lit(False).alias("unsupported"))
    return pl.concat([removed, added])


def value_gaps(
    candidates: Candidates,
    asked: pl.DataFrame,
    risk_scores: pl.DataFrame,
    raw_scores: pl.DataFrame,
    people: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables gaps and member_gaps (without run_id), by subtraction.

    ``asked``: ``scenarios(candidates)``. ``risk_scores``: scenario_id, part, before, after; ``raw_scores``:
    scenario_id, model, calibration, before, after; whole thousandths, null where there is no score. ``people``:
    member_index, part, risk_score (thousandths, null unknown), payable_months, benchmark_cents (null unknown).
    score_change is the change of the part's risk score through the row's model, raw_change of the model's own raw
    score; dollars are score_change × benchmark × payable months, to cents, half away from zero (RULINGS 17); null
    without a benchmark, and always in Part D, which has none.
    """
    change = pl.col("after") - pl.col("before")
    alone = asked.filter(pl.col("kind") == ALONE)
    risk = alone.select("scenario_id", "part").join(
        risk_scores.select("scenario_id", "part", change.alias("score_change")), on=["scenario_id", "part"]
    )
    raw = raw_scores.select("scenario_id", change.alias("raw_change")).join(
        alone.select("scenario_id"), on="scenario_id", how="semi"
    )
    worth = (
        alone.select("scenario_id", *_KEY, "unsupported")
        .join(risk.select("scenario_id", "score_change"), on="scenario_id", how="left")
        .join(raw, on="scenario_id", how="left")
        .drop("scenario_id")
    )
    parts = candidates.models.select("m", "part")
    gaps = (
        candidates.gaps.join(worth, on=[*_KEY, "unsupported"], how="left", maintain_order="left")
        .join(parts, on="m", how="left", maintain_order="left")
        .join(people, on=_PART, how="left", maintain_order="left")
    )
    # Without effect: the HCC is there anyway, or stands on other diagnoses.
    stands = pl.col("unsupported") & ~pl.col("falls").fill_null(True) & pl.col("status").is_in(_VALUED)
    there = (pl.col("status_reason") == "same") | (pl.col("status").is_in(_VALUED) & pl.col("inert").fill_null(False))
    none = pl.col("h").is_not_null() & (there | stands)
    scored = pl.col("risk_score").is_not_null()
    gaps = gaps.with_columns(
        pl.when(none & scored).then(0).when(_is_valued()).then("score_change").alias("score_change"),
        pl.when(none).then(0).when(_is_valued()).then("raw_change").alias("raw_change"),
    )
    return _as_table(candidates, gaps), _member_gaps(candidates, asked, risk_scores, people)


def _as_table(candidates: Candidates, gaps: pl.DataFrame) -> pl.DataFrame:
    few = [pl.col(name).cast(pl.Enum(words)) for name, words in candidates.words.items()]
    return (
        gaps.with_columns(_dollars().alias("dollar_change"), *few)
        .with_columns(_decimal("score_change"), _decimal("raw_change"))
        .select(GAP_COLUMNS)
    )


def _member_gaps(
    candidates: Candidates, asked: pl.DataFrame, risk_scores: pl.DataFrame, people: pl.DataFrame
) -> pl.DataFrame:
    """One row per member, part and direction with open gaps."""
    key = [*_PART, "unsupported"]
    counted = (
        candidates.gaps.filter(pl.col("status") == "open", pl.col("h").is_not_null())
        .join(candidates.models.select("m", "part"), on="m")
        .group_by(key)
        .agg(pl.len().cast(pl.Int64).alias("open_gaps"), pl.col("member_id").first(), pl.col("payment_year").first())
        .join(people, on=_PART, how="left")
    )
    together = asked.filter(pl.col("kind") == TOGETHER).select("scenario_id", "member_index", "unsupported").unique()
    applied = together.join(risk_scores, on="scenario_id").select(*key, pl.col("after").alias("risk_score_applied"))
    # No scenario: the open gaps leave every HCC where it is.
    rows = counted.join(applied, on=key, how="left").with_columns(
        pl.coalesce("risk_score_applied", "risk_score").alias("risk_score_applied")
    )
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
