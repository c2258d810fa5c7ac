"""What the codes and names of one population's fills mean: each different text is worked out once."""

from __future__ import annotations

import polars as pl

from hcc.rules.drug_names import named_drugs
from hcc.rules.ndc import AMBIGUOUS, is_ambiguous, ndc11
from hcc.rules.valuesets import ValueSets

IDENTIFIERS = ("ndc", "rxnorm", "drug_name")
"""Columns of ``pharmacy`` that can identify a fill; the first that does decides."""


def drug_codes(pharmacy: pl.LazyFrame, identifier: str, valuesets: ValueSets) -> pl.LazyFrame:
    """Meaning of every different text of one identifier column.

    Columns: text (as in the input, unique together with drug), drug UInt16 (null: none of ours), code (as it will be
    shown), code_kind, reason (null where identified: by a value set, or as a drug that is in none).
    """
    texts = pharmacy.select(text=pl.col(identifier).cast(pl.String)).drop_nulls().unique()
    return {"ndc": _ndc_codes, "rxnorm": _rxnorm_codes, "drug_name": _names}[identifier](texts, valuesets)


def _ndc_codes(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """Exact eleven digits first, then labeler and product, then the class alone."""
    read = texts.with_columns(ndc11=ndc11(pl.col("text"))).with_columns(ndc9=pl.col("ndc11").str.slice(0, 9))
    catalogue = valuesets.catalogue
    hits = pl.concat(
        [
            read.join(catalogue.of(kind), left_on=key, right_on="code")
            .select("text", "drug", code="ndc11", code_kind=pl.lit(kind, catalogue.enums["code_kind"]))
            for kind, key in (("ndc", "ndc11"), ("ndc_product", "ndc9"), ("ndc_class", "ndc11"))
        ]
    ).filter(pl.col("code_kind") == pl.col("code_kind").min().over("text"))
    other = valuesets.table("other_ndc").lazy().select("ndc9", other=pl.lit(True))
    unread = read.join(hits, on="text", how="anti").join(other, on="ndc9", how="left")
    reason = (
        pl.when("other").then(None).when(is_ambiguous(pl.col("text"))).then(pl.lit(AMBIGUOUS))
        .otherwise(pl.lit("UNKNOWN_NDC"))
    )  # fmt: skip
    return _with_unread(hits, unread, reason)


def _rxnorm_codes(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    catalogue = valuesets.catalogue
    read = texts.with_columns(rxcui=pl.col("text").str.strip_chars().str.replace(r"\.0$", ""))
    hits = read.join(catalogue.of("rxnorm"), left_on="rxcui", right_on="code").select(
        "text", "drug", code="rxcui", code_kind=pl.lit("rxnorm", catalogue.enums["code_kind"])
    )
    other = valuesets.table("other_rxnorm").lazy().select("rxcui", other=pl.lit(True))
    unread = read.join(hits, on="text", how="anti").join(other, on="rxcui", how="left")
    return _with_unread(hits, unread, pl.when("other").then(None).otherwise(pl.lit("UNKNOWN_RXNORM")))


def _names(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    catalogue = valuesets.catalogue
    usual = catalogue.default_routes.lazy().rename({"route": "usual"})
    known = catalogue.of("drug_name")
    named = named_drugs(texts, valuesets).join(usual, on="key", how="left")
    # The route in the text, where the drug comes so; else the usual one.
    stated = pl.col("key") + "|" + pl.col("route")
    codes = known.select("code").unique()
    named = (
        named.with_columns(code=stated)
        .join(codes.with_columns(comes=pl.lit(True)), on="code", how="left")
        .with_columns(code=pl.when("comes").then("code").otherwise(pl.col("key") + "|" + pl.col("usual")))
    )
    whole = named.join(known, on="code").select("text", "drug")
    # Ingredients that no known product joins: each by itself, as part of a mixture.
    loose = (
        named.filter(pl.col("usual").is_null() & (pl.col("key") != "other"))
        .select("text", part=pl.col("key").str.slice(2).str.split("+"))
        .explode("part")
        .select("text", key="l:" + pl.col("part"))
        .join(usual, on="key")
        .select("text", code=pl.col("key") + "|" + pl.col("usual"))
        .join(known, on="code")
        .select("text", "drug")
    )
    hits = pl.concat([whole, loose]).select(
        "text", "drug", code="text", code_kind=pl.lit("drug_name", catalogue.enums["code_kind"])
    )
    other = named.filter(pl.col("key") == "other").select("text", other=pl.lit(True))
    unread = texts.join(hits, on="text", how="anti").join(other, on="text", how="left")
    return _with_unread(hits, unread, pl.when("other").then(None).otherwise(pl.lit("UNKNOWN_NAME")))


def _with_unread(hits: pl.LazyFrame, unread: pl.LazyFrame, reason: pl.Expr) -> pl.LazyFrame:
    found = hits.with_columns(reason=pl.lit(None, pl.String))
    return pl.concat([found, unread.select("text", reason=reason)], how="diagonal")
