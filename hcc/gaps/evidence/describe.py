"""Evidence in words."""

from __future__ import annotations

from typing import Literal

import polars as pl

from hcc.rules.valuesets import ValueSets

Kind = Literal["fill", "result", "procedure", "diagnosis"]


def described(
    frame: pl.LazyFrame,
    kind: Kind,
    valuesets: ValueSets,
    *,
    labels: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """``frame`` of fills, results, procedures or diagnosis_concepts with ``description`` and ``shown_value`` (String).

    Apply it to the few rows that are shown, not to all. ``labels`` (diagnosis_code, description) are those of
    mappings/icd10cm; without them a diagnosis shows its code. CPT and HCPCS codes come without a descriptor
    (RULINGS 32): a service is named by its concept.
    """
    if kind == "fill":
        return _described_fills(frame, valuesets)
    if kind == "result":
        return _described_results(frame, valuesets)
    if kind == "procedure":
        return _described_procedures(frame, valuesets)
    return _described_diagnoses(frame, labels)


def _described_fills(frame: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """The product's own name where the code has one, else ingredient and route, else the class."""
    rxnorm = valuesets.table("rxnorm").select("rxcui", "name").unique("rxcui")
    by_ndc = valuesets.table("ndc").join(rxnorm, on="rxcui").select(code="ndc11", product="name")
    own = valuesets.table("ndc_ingredient").filter(pl.col("name") != "").select(code="ndc11", product="name")
    products = pl.concat(
        [
            by_ndc.with_columns(code_kind=pl.lit("ndc")),
            own.with_columns(code_kind=pl.lit("ndc")),
            rxnorm.select(code="rxcui", product="name", code_kind=pl.lit("rxnorm")),
        ]
    ).unique(["code_kind", "code"])
    kinds = products.with_columns(pl.col("code_kind").cast(valuesets.words("code_kind")))
    route = pl.col("route").cast(pl.String)
    drug = pl.coalesce(
        pl.col("ingredient").cast(pl.String),
        pl.col("drug_class").cast(pl.String).str.replace_all("_", " ", literal=True),
    )
    plain = pl.when(route == "").then(drug).otherwise(drug + ", " + route)
    days = pl.when(pl.col("days_supply").is_not_null()).then(pl.col("days_supply").cast(pl.String) + " days")
    return (
        frame.join(kinds.lazy(), on=["code_kind", "code"], how="left")
        .with_columns(
            description=pl.coalesce("product", pl.when(pl.col("code_kind") == "drug_name").then("code"), plain),
            shown_value=days,
        )
        .drop("product")
    )


def _described_results(frame: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    names = valuesets.loinc.select("loinc", description="display").lazy()
    # As sent; the converted value beside it where they differ.
    sent = pl.concat_str(
        pl.col("raw_value").str.strip_chars(), pl.col("raw_unit").str.strip_chars(), separator=" ", ignore_nulls=True
    )
    number = pl.col("raw_value").str.strip_chars().cast(pl.Float64, strict=False)
    converted = pl.col("value").is_not_null() & (pl.col("comparator") == "=") & (number != pl.col("value"))
    unit = pl.col("unit").str.replace_all(r"[\[\]{}]", "").str.replace_all("_", " ", literal=True)
    shown = pl.when(converted).then(
        pl.concat_str(sent, pl.lit(" = "), pl.col("value").round(2).cast(pl.String), pl.lit(" "), unit)
    )
    return frame.join(names, on="loinc", how="left").with_columns(shown_value=pl.coalesce(shown, sent))


def _described_procedures(frame: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """The concept in words and the bare code in brackets; a code of no concept stands alone."""
    labels = valuesets.table("procedure_concepts").with_columns(
        pl.col("concept").cast(valuesets.words("procedure_concept"))
    )
    named = pl.coalesce(pl.col("label") + " (" + pl.col("code") + ")", "code")
    shown = pl.lit(None, pl.String)
    return (
        frame.join(labels.lazy(), on="concept", how="left")
        .with_columns(description=named, shown_value=shown)
        .drop("label")
    )


def _described_diagnoses(frame: pl.LazyFrame, labels: pl.LazyFrame | None) -> pl.LazyFrame:
    if labels is None:
        labelled = frame.with_columns(description=pl.col("diagnosis_code"))
    else:
        found = labels.select("diagnosis_code", label="description").unique("diagnosis_code")
        labelled = (
            frame.join(found, on="diagnosis_code", how="left")
            .with_columns(description=pl.coalesce("label", "diagnosis_code"))
            .drop("label")
        )
    return labelled.with_columns(shown_value=pl.lit(None, pl.String))
