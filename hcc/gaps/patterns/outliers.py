"""Providers who code an HCC far more often than others (AUD-RARE)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.hccs import number
from hcc.gaps.patterns.common import (
    EVIDENCE,
    ROW,
    Found,
    PatternRows,
    Schema,
    counted_claims,
    shaped,
    with_codes,
)
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

_HCC = ("member_index", "m", "hcc")


def provider_panels(
    diagnoses: pl.DataFrame, mapping: pl.DataFrame, seen: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Members by provider, and by provider, model and HCC; of one bucket of members, to be added up over buckets.

    ``diagnoses``: member_index, diagnosis_code, rendering_npi, counted. ``mapping``: model, calibration,
    diagnosis_code, hcc. ``seen``: member_index, rendering_npi of claims that count, with or without a diagnosis that
    maps: what the models of a run map is no measure of whom a provider sees.
    Out: (rendering_npi, panel) and (rendering_npi, model, calibration, hcc, members).
    """
    rows = (
        diagnoses.filter("counted", pl.col("rendering_npi").is_not_null())
        .select("member_index", pl.col("rendering_npi").cast(pl.String), pl.col("diagnosis_code").cast(pl.String))
        .unique()
    )
    pair = ["member_index", "rendering_npi"]
    panel = pl.concat([rows.select(pair), seen.select(pair)]).unique().group_by("rendering_npi").len("panel")
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
    # The deviation of a share drawn from the peers' mean is the floor: few peers with the HCC are no measure. One member
    # of all the peers' panels is the least that can be told from none, so that the floor is never 0.
    least = 1 / (large["panel"].sum() - pl.col("panel"))
    drawn = pl.max_horizontal(mean, least)
    chance = (drawn * (1 - drawn) / pl.col("panel")).sqrt()
    deviation = pl.max_horizontal(variance.clip(0).sqrt(), chance)
    found = (
        shares.join(totals, on=key)
        .with_columns(mean.alias("peer_share"), ((pl.col("share") - mean) / deviation).alias("sigmas"))
        # Where all are alike there is nothing above the others, and 0/0 is no number of deviations.
        .filter(pl.col("share") > pl.col("peer_share"), pl.col("sigmas").is_finite())
        .filter(pl.col("sigmas") >= pattern.sigmas, pl.col("members") >= pattern.least_members)
    )
    return found.select(OUTLIERS.keys()).cast(OUTLIERS)  # type: ignore[arg-type]


def provider_outlier(found: Found, rule: Rule, target: int) -> PatternRows:
    """HCCs all of whose counted claims are of one such provider. A claim without a provider could be of another."""
    assert isinstance(rule.pattern, ProviderOutlier)
    outliers = found.context.outliers
    if outliers is None or outliers.is_empty():
        return PatternRows(pl.DataFrame(schema=ROW))
    flagged = found.hccs.numbered(outliers).with_columns(number("hcc"))
    npi = pl.col("rendering_npi").cast(pl.String)
    claims = counted_claims(found).select(
        "member_index", "claim_id", "date", pl.col("diagnosis_code").cast(pl.String), npi
    )
    theirs = claims.join(flagged.select("rendering_npi").unique(), on="rendering_npi", how="semi")
    claims = claims.join(theirs.select("member_index").unique(), on="member_index", how="semi")
    mapped = found.hccs.counted_hccs(claims).join(flagged.select("m", "hcc").unique(), on=["m", "hcc"], how="semi")
    per_hcc = with_codes(
        mapped, _HCC,
        pl.col("claim_id").n_unique().cast(pl.UInt32).alias("claims"),
        pl.col("date").min().alias("first"), pl.col("date").max().alias("last"),
        pl.col("rendering_npi").n_unique().alias("providers"), pl.col("rendering_npi").first(),
    ).filter(pl.col("providers") == 1)  # fmt: skip
    share = pl.format(
        "{} of {} members ({} %) against {} % at other providers",
        "members", "panel", (pl.col("share") * 100).round(1), (pl.col("peer_share") * 100).round(1),
    )  # fmt: skip
    flagged = flagged.select("rendering_npi", "m", "hcc", share.alias("share"))
    rows = (
        per_hcc.join(flagged, on=["rendering_npi", "m", "hcc"])
        .join(found.hccs.captured.select(_HCC), on=_HCC, how="semi")
        .with_columns(
            pl.format("NPI {}, {}", "rendering_npi", "share").alias("detail"),
            pl.lit(target).alias("target"), pl.lit(2).alias("verdict"), pl.lit(True).alias("falls"),
        )
    )  # fmt: skip
    evidence = rows.select(
        *_HCC, "target", pl.lit("context").alias("stance"), pl.lit("claim").alias("kind"),
        pl.format("the provider of all these claims, NPI {}", "rendering_npi").alias("description"),
        pl.col("share").alias("value"),
    )  # fmt: skip
    return PatternRows(shaped(rows, ROW), shaped(evidence, EVIDENCE))
