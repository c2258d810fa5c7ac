"""What the codes and names of one population's fills mean: each different text is worked out once."""

from __future__ import annotations

import polars as pl

from hcc.rules.drug_names import exact_key, marked, named_drugs
from hcc.rules.ndc import AMBIGUOUS, is_ambiguous, ndc11
from hcc.rules.valuesets import ValueSets

IDENTIFIERS = ("ndc", "rxnorm", "drug_name")
"""Columns of ``pharmacy`` that can identify a fill; the first that does decides."""


def drug_codes(pharmacy: pl.LazyFrame, identifier: str, valuesets: ValueSets) -> pl.LazyFrame:
    """Meaning of every different text of one identifier column.

    Columns: text (as in the input; a name of several drugs that no known product joins has several rows), product
    UInt16 (of ``valuesets.catalogue.products``; null: none of ours), code (as it will be shown), code_kind, reason
    (null where identified: by a value set, or as a drug that is in none).
    """
    texts = pharmacy.select(text=pl.col(identifier)).drop_nulls().unique()
    return {"ndc": _ndc_codes, "rxnorm": _rxnorm_codes, "drug_name": _names}[identifier](texts, valuesets)


def _ndc_codes(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """Exact eleven digits first, then labeler and product, then the class alone."""
    read = texts.with_columns(code=ndc11(pl.col("text"))).with_columns(ndc9=pl.col("code").str.slice(0, 9))
    kinds = {"ndc": "code", "ndc_product": "ndc9", "ndc_class": "code"}
    for name, key in kinds.items():
        found = valuesets.catalogue.of(name).select(pl.col("code").alias(key), pl.col("product").alias(name))
        read = read.join(found, on=key, how="left")
    other = valuesets.table("other_ndc").lazy().select("ndc9", other=pl.lit(True))
    kind = pl.coalesce(*(pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in kinds))
    unknown = pl.when(is_ambiguous(pl.col("text"))).then(pl.lit(AMBIGUOUS)).otherwise(pl.lit("UNKNOWN_NDC"))
    read = read.join(other, on="ndc9", how="left").with_columns(product=pl.coalesce(*kinds))
    return _codes(read, kind, unknown, valuesets)


def _rxnorm_codes(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    other = valuesets.table("other_rxnorm").lazy().select(code="rxcui", other=pl.lit(True))
    read = (
        texts.with_columns(code=pl.col("text").str.strip_chars().str.replace(r"\.0$", ""))
        .join(valuesets.catalogue.of("rxnorm"), on="code", how="left")
        .join(other, on="code", how="left")
    )
    return _codes(read, pl.lit("rxnorm"), pl.lit("UNKNOWN_RXNORM"), valuesets)


def _names(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    usual = valuesets.catalogue.default_routes.lazy().rename({"route": "usual"})
    known = valuesets.catalogue.of("drug_name")

    def placed(named: pl.LazyFrame) -> pl.LazyFrame:
        """The route in the text, where the drug comes so; else the usual one."""
        stated = named.with_columns(code=pl.col("key") + "|" + pl.col("route")).join(known, on="code", how="left")
        by_default = known.select(code="code", usual_product="product")
        return (
            stated.join(usual, on="key", how="left")
            .with_columns(code=pl.col("key") + "|" + pl.col("usual"))
            .join(by_default, on="code", how="left")
            .with_columns(product=pl.coalesce("product", "usual_product"))
        )

    # A text that is RxNorm's own name of a product is that product; any other is read word by word.
    whole_name = texts.with_columns(key=exact_key(pl.col("text"))).join(
        known.select(key=pl.col("code").str.replace(r"\|[^|]*$", "")).unique(), on="key", how="semi"
    )
    in_words = marked(named_drugs(texts.join(whole_name, on="text", how="anti"), valuesets), valuesets)
    exact = whole_name.select("text", "key", route=pl.lit(None, pl.String))
    named = placed(pl.concat([exact, in_words]))
    # Ingredients that no known product joins: each by itself, as part of a mixture.
    apart = pl.when(pl.col("product").is_null() & (pl.col("key") != "other")).then(
        pl.col("key").str.slice(2).str.split("+")
    )
    parts = named.select("text", "key", "product", part=apart).explode("part")
    loose = known.filter(pl.col("code").str.starts_with("l:")).select(
        part=pl.col("code").str.slice(2).str.replace(r"\|.*$", ""), loose="product"
    )
    whole = parts.join(loose, on="part", how="left").select(
        "text", product=pl.coalesce("product", "loose"), other=pl.col("key") == "other"
    )
    read = texts.join(whole, on="text", how="left").with_columns(code="text")
    return _codes(read, pl.lit("drug_name"), pl.lit("UNKNOWN_NAME"), valuesets)


def _codes(read: pl.LazyFrame, kind: pl.Expr, unknown: pl.Expr, valuesets: ValueSets) -> pl.LazyFrame:
    """``read`` (text, code, product, other) with the kind of code that found a product and why none did."""
    settled = pl.col("product").is_not_null() | pl.col("other").fill_null(False)
    return read.select(
        "text",
        "product",
        "code",
        code_kind=pl.when(pl.col("product").is_not_null()).then(kind).cast(valuesets.words("code_kind")),
        reason=pl.when(settled).then(None).otherwise(unknown),
    )
