"""Providers who code an HCC far more often than others (AUD-RARE)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.hccs import number
from hcc.gaps.patterns.common import ROW, Found, PatternRows, Schema, claim_rows, counted_claims
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import ProviderOutlier

OUTLIERS: Schema = {
    "rendering_npi": pl.String,
    "model": pl.String,
    "calibration": pl.String,
    "hcc": pl.String,
    "members": pl.UInt32,
    "panel": pl.UInt32,
    "share": pl.Float64,
    "peer_share": pl.Float64,
    "sigmas": pl.Float64,
}


def provider_panels(diagnoses: pl.DataFrame, mapping: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Members by provider, and by provider, model and HCC; of one bucket of members, to be added up over buckets.

    ``diagnoses``: member_index, diagnosis_code, rendering_npi, counted. ``mapping``: model, calibration,
    diagnosis_code, hcc. Out: (rendering_npi, panel) and (rendering_npi, model, calibration, hcc, members).
    """
    rows = (
        diagnoses.filter("counted", pl.col("rendering_npi").is_not_null())
        .select("member_index", pl.col("rendering_npi").cast(pl.String), pl.col("diagnosis_code").cast(pl.String))
        .unique()
    )
    panel = rows.select("member_index", "rendering_npi").unique().group_by("rendering_npi").len("panel")
    by_hcc = (
        rows.join(mapping, on="diagnosis_code")
        .select("member_index", "rendering_npi", "model", "calibration", "hcc")
        .unique()
        .group_by("rendering_npi", "model", "calibration", "hcc")
        .len("members")
    )
    return panel, by_hcc


def provider_outliers(panel: pl.DataFrame, by_hcc: pl.DataFrame, pattern: ProviderOutlier) -> pl.DataFrame:
    """Provider and HCC pairs (columns of ``OUTLIERS``) whose share of members is ``sigmas`` standard deviations above
    the mean of the other providers with a large enough panel."""
    key = ["model", "calibration", "hcc"]
    large = panel.filter(pl.col("panel") >= pattern.least_panel)
    n = large.height
    if n < pattern.least_providers:
        return pl.DataFrame(schema=OUTLIERS)
    shares = by_hcc.join(large, on="rendering_npi").with_columns((pl.col("members") / pl.col("panel")).alias("share"))
    totals = shares.group_by(key).agg(pl.col("share").sum().alias("sum"), (pl.col("share") ** 2).sum().alias("squares"))
    # Mean and deviation over the others; providers without the HCC count with a share of 0.
    mean = (pl.col("sum") - pl.col("share")) / (n - 1)
    variance = (pl.col("squares") - pl.col("share") ** 2) / (n - 1) - mean**2
    # The deviation of a share drawn from the peers' mean is the floor: few peers with the HCC are no measure.
    chance = (mean * (1 - mean) / pl.col("panel")).sqrt()
    deviation = pl.max_horizontal(variance.clip(0).sqrt(), chance)
    found = (
        shares.join(totals, on=key)
        .with_columns(mean.alias("peer_share"), ((pl.col("share") - mean) / deviation).alias("sigmas"))
        .filter(pl.col("sigmas") >= pattern.sigmas, pl.col("members") >= pattern.least_members)
    )
    return found.select(OUTLIERS.keys()).cast(OUTLIERS)  # type: ignore[arg-type]


def provider_outlier(found: Found, rule: Rule, target: int) -> PatternRows:
    """Members whose HCC rests on claims of such a provider alone."""
    assert isinstance(rule.pattern, ProviderOutlier)
    outliers = found.context.outliers
    if outliers is None or outliers.is_empty():
        return PatternRows(pl.DataFrame(schema=ROW))
    flagged = found.hccs.numbered(outliers).with_columns(number("hcc"))
    claims = counted_claims(found).select(
        "member_index",
        "claim_id",
        "date",
        pl.col("diagnosis_code").cast(pl.String),
        pl.col("rendering_npi").cast(pl.String),
    )
    claims = claims.join(flagged.select("rendering_npi").unique(), on="rendering_npi", how="semi")
    detail = pl.format(
        "{} of {} members ({} %) against {} % at other providers",
        "members", "panel", (pl.col("share") * 100).round(1), (pl.col("peer_share") * 100).round(1),
    )  # fmt: skip
    hits = found.hccs.counted_hccs(claims).join(
        flagged.with_columns(detail.alias("detail")).select("rendering_npi", "m", "hcc", "detail"),
        on=["rendering_npi", "m", "hcc"],
    )
    rows = claim_rows(found, hits.drop("m", "hcc").unique(), target).rows
    keys = ["member_index", "m", "hcc"]
    rows = rows.join(hits.select(keys).unique(), on=keys, how="semi")
    return PatternRows(rows.filter(pl.col("falls")))
