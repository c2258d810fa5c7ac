"""What gaps are worth: scenarios to score, and the differences. No score is made here (DESIGN 2)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.candidates import Candidates

ALONE, TOGETHER = "alone", "together"
_VALUED = ("open", "indeterminate", "closed")
_KEY = ["member_index", "m", "hcc"]


def scenarios(candidates: Candidates) -> pl.DataFrame:
    """HCCs to take away or give before hierarchies.

    Columns: scenario (UInt32), kind (alone: one gap's HCC; together: all open gaps of a member and direction),
    member_index, direction, m, model, calibration, hcc, action (remove, add). Rows of one scenario act together. Gaps
    of several rules about one HCC share a scenario; a gap without effect on the HCC has none.
    """
    gaps = candidates.gaps.filter(pl.col("hcc").is_not_null())
    valued = gaps.filter(pl.col("status").is_in(_VALUED), ~pl.col("status_reason").is_in(("same", "new")))
    alone = valued.filter(~pl.col("unsupported") | pl.col("falls").fill_null(False)).select(*_KEY, "direction").unique()
    alone = alone.sort(*_KEY, "direction").with_row_index("scenario").with_columns(pl.lit(ALONE).alias("kind"))
    together = _together(candidates, gaps.filter(pl.col("status") == "open"))
    together = together.with_columns(
        (pl.struct("member_index", "direction").rank("dense") - 1 + alone.height).cast(pl.UInt32).alias("scenario"),
        pl.lit(TOGETHER).alias("kind"),
    )
    columns = ["scenario", "kind", "member_index", "direction", "m", "hcc"]
    both = pl.concat([alone.select(columns), together.select(columns)])
    action = pl.when(pl.col("direction") == "unsupported").then(pl.lit("remove")).otherwise(pl.lit("add"))
    return both.join(candidates.models, on="m").with_columns(action.alias("action")).sort("scenario", "m", "hcc")


def _together(candidates: Candidates, gaps: pl.DataFrame) -> pl.DataFrame:
    """HCCs that change when all open gaps of a direction are acted on: member_index, direction, m, hcc.

    An HCC falls when the codes in question of all its gaps are all the codes behind it.
    """
    unsupported = gaps.filter("unsupported")
    falls = unsupported.filter(pl.col("falls").fill_null(False)).select(_KEY).unique()
    rest = unsupported.join(falls, on=_KEY, how="anti")
    asked = rest.select(*_KEY, pl.col("codes").alias("diagnosis_code")).explode("diagnosis_code").unique()
    kept = candidates.behind.join(rest.select(_KEY).unique(), on=_KEY, how="semi").join(
        asked, on=[*_KEY, "diagnosis_code"], how="anti"
    )
    by_codes = (
        rest.filter(pl.col("by_codes")).select(_KEY).unique().join(kept.select(_KEY).unique(), on=_KEY, how="anti")
    )
    removed = pl.concat([falls, by_codes]).unique().with_columns(pl.lit("unsupported").alias("direction"))
    added = gaps.filter(~pl.col("unsupported")).select(_KEY).unique().with_columns(pl.lit("missing").alias("direction"))
    return pl.concat([removed, added])


def value_gaps(
    candidates: Candidates, asked: pl.DataFrame, base: pl.DataFrame, scored: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables gaps and member_gaps (without run_id), by subtraction.

    ``asked``: ``scenarios(candidates)``. ``base``: member_index, m, part, risk_score, raw_score (both whole
    thousandths, null where there is none), payable_months, benchmark_cents. ``scored``: scenario, m, risk_score,
    raw_score with the scenario's HCCs. score_change is the change of the part's risk score, raw_change of the row's
    model; dollars are score_change × benchmark × payable months, rounded half away from zero to cents (RULINGS 17).
    """
    alone = asked.filter(pl.col("kind") == ALONE).select("scenario", *_KEY, "direction")
    change = (
        alone.join(scored, on=["scenario", "m"])
        .join(base, on=["member_index", "m"], suffix="_base")
        .select(
            *_KEY, "direction",
            (pl.col("risk_score") - pl.col("risk_score_base")).alias("score_change"),
            (pl.col("raw_score") - pl.col("raw_score_base")).alias("raw_change"),
        )
    )  # fmt: skip
    people = base.select("member_index", "m", "payable_months", "benchmark_cents")
    gaps = candidates.gaps.join(change, on=[*_KEY, "direction"], how="left").join(
        people, on=["member_index", "m"], how="left"
    )
    # Without effect: the HCC is there anyway, or stands on other diagnoses.
    none = pl.col("hcc").is_not_null() & (
        (pl.col("status_reason") == "same")
        | (pl.col("unsupported") & ~pl.col("falls").fill_null(True) & pl.col("status").is_in(_VALUED))
    )
    known = gaps.join(base.select("member_index", "m", "risk_score", "raw_score"), on=["member_index", "m"], how="left")
    gaps = known.with_columns(
        pl.when(none & pl.col("risk_score").is_not_null())
        .then(0)
        .otherwise(pl.col("score_change"))
        .alias("score_change"),
        pl.when(none & pl.col("raw_score").is_not_null()).then(0).otherwise(pl.col("raw_change")).alias("raw_change"),
    ).drop("risk_score", "raw_score")
    return _as_table(gaps), _member_gaps(candidates, asked, base, scored)


def _as_table(gaps: pl.DataFrame) -> pl.DataFrame:
    return gaps.with_columns(
        _dollars().alias("dollar_change"),
        _decimal("score_change"),
        _decimal("raw_change"),
    ).select(GAP_COLUMNS)


def _member_gaps(candidates: Candidates, asked: pl.DataFrame, base: pl.DataFrame, scored: pl.DataFrame) -> pl.DataFrame:
    """One row per member, part and direction with open gaps."""
    parts = base.select("member_index", "m", "part", "risk_score", "payable_months", "benchmark_cents")
    open_gaps = candidates.gaps.filter(pl.col("status") == "open", pl.col("hcc").is_not_null())
    counted = (
        open_gaps.join(parts, on=["member_index", "m"])
        .group_by("member_index", "part", "direction")
        .agg(
            pl.len().cast(pl.Int64).alias("open_gaps"),
            pl.col("risk_score").first(),
            pl.col("payable_months").first(),
            pl.col("benchmark_cents").first(),
            pl.col("member_id").first(),
            pl.col("payment_year").first(),
        )
    )
    together = asked.filter(pl.col("kind") == TOGETHER).select("scenario", "member_index", "direction").unique()
    applied = (
        together.join(scored.drop("raw_score"), on="scenario")
        .join(base.select("member_index", "m", "part"), on=["member_index", "m"])
        .group_by("member_index", "part", "direction")
        .agg(pl.col("risk_score").first().alias("risk_score_applied"))
    )
    rows = counted.join(applied, on=["member_index", "part", "direction"], how="left")
    # No scenario: the open gaps leave every HCC where it is.
    rows = rows.with_columns(pl.coalesce("risk_score_applied", "risk_score").alias("risk_score_applied"))
    rows = rows.with_columns((pl.col("risk_score_applied") - pl.col("risk_score")).alias("score_change"))
    return (
        rows.with_columns(_dollars().alias("dollar_change"))
        .with_columns(_decimal("risk_score"), _decimal("risk_score_applied"), _decimal("score_change"))
        .sort("member_index", "part", "direction")
        .select(
            "member_id", "payment_year", "part", "direction", "open_gaps", "risk_score", "risk_score_applied",
            "score_change", "dollar_change",
        )
    )  # fmt: skip


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
    "raw_change", "dollar_change", "reason", "last_evidence_date", "pcp_npi", "flagged_on", "identified_on", "return_by",
    "flagged_return_by", "decision",
)  # fmt: skip
