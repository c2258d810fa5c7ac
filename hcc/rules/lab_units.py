"""Units of results: from any usual spelling, or from plausibility alone, to one unit per concept."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from hcc.rules.valuesets import ValueSets

CANDIDATES = 3
"""Most units that plausible_ranges.csv names for one concept; its check holds it."""


def clean_unit(unit: pl.Expr) -> pl.Expr:
    """Spelling without case, spaces and typographic variants; null where nothing is left."""
    clean = unit.str.to_lowercase().str.replace_all(r"[\s\u{00a0}]", "")
    for sign, plain in (("µ", "u"), ("μ", "u"), ("²", "2"), ("³", "3"), ("·", ""), ("_", "")):
        clean = clean.str.replace_all(sign, plain, literal=True)
    return clean.replace("", None)


@lru_cache(maxsize=8)
def conversions(valuesets: ValueSets) -> pl.DataFrame:
    """One row per concept and cleaned unit: factor, offset, log10, unit (the canonical one after conversion)."""
    return (
        valuesets.units.select(
            "concept",
            clean_unit(pl.col("unit")).alias("clean"),
            pl.col("factor").cast(pl.Float64),
            pl.col("offset").cast(pl.Float64),
            (pl.col("scale") == "log10").alias("log10"),
            pl.col("canonical_unit").alias("unit"),
        )
        .unique()
        .sort("concept", "clean")
    )


@lru_cache(maxsize=8)
def candidates(valuesets: ValueSets) -> pl.DataFrame:
    """One row per concept: the units that a result without a unit may be in, as columns low_0, high_0, factor_0 …"""
    ranges = (
        valuesets.plausible_ranges.with_columns(clean=clean_unit(pl.col("unit")))
        .join(conversions(valuesets).drop("unit"), on=["concept", "clean"])
        .select("concept", pl.col("low", "high").cast(pl.Float64), "factor", "offset")
        .with_columns(place=pl.int_range(pl.len()).over("concept"))
    )
    wide = ranges.select("concept").unique()
    for place in range(CANDIDATES):
        columns = [pl.col(name).alias(f"{name}_{place}") for name in ("low", "high", "factor", "offset")]
        wide = wide.join(ranges.filter(pl.col("place") == place).select("concept", *columns), on="concept", how="left")
    return wide


@lru_cache(maxsize=8)
def bounds(valuesets: ValueSets) -> pl.DataFrame:
    """One row per concept: least and greatest plausible value in its canonical unit."""
    return valuesets.plausible_ranges.join(
        valuesets.lab_concepts.select("concept", unit="canonical_unit"), on=["concept", "unit"]
    ).select("concept", least=pl.col("low").cast(pl.Float64), most=pl.col("high").cast(pl.Float64))


def plausible(number: pl.Expr, place: int) -> pl.Expr:
    """True where the number lies in the range of the candidate unit at ``place``."""
    inside = number.is_between(pl.col(f"low_{place}"), pl.col(f"high_{place}"))
    return inside.fill_null(False)
