"""Drugs written in words: which ingredient or brand a pharmacy's text names, and by which route it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from hcc.rules.valuesets import ValueSets

# Where a text names several forms ("oral inhaler"), the more telling word wins.
_ROUTE_RANK = (
    *("ophthalmic", "nasal", "inhaled", "transdermal", "rectal", "bladder"),
    *("implant", "buccal", "injectable", "topical", "oral"),
)
SYSTEMIC = ("oral", "injectable", "inhaled", "transdermal", "implant", "buccal", "nasal")
"""Routes taken by default, the usual one of a drug first; a text that says cream or eye drops is believed."""


def cleaned(text: pl.Expr) -> pl.Expr:
    """Lower case words with one space on either side of each, so that a pattern matches whole words only."""
    lower = text.str.to_lowercase().str.replace_all("%", " percent ", literal=True)
    words = lower.str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    return pl.concat_str(pl.lit(" "), words.str.replace_all(" ", "  "), pl.lit(" "))


def patterns(valuesets: ValueSets) -> pl.DataFrame:
    """Words to look for: pattern, kind (ingredient, brand, other), key. Longest first: the longest match wins."""
    aliases = valuesets.table("aliases")
    brands = valuesets.table("rxnorm").filter(pl.col("brand") != "").select(name=_bare("brand")).unique()
    found = pl.concat(
        [
            valuesets.drugs.select(name="ingredient", kind=pl.lit("ingredient"), key="ingredient"),
            aliases.filter(pl.col("kind") == "name").select("name", kind=pl.lit("ingredient"), key="ingredient"),
            aliases.filter(pl.col("kind") == "brand").select("name", kind=pl.lit("brand"), key=brand_key("name")),
            brands.select("name", kind=pl.lit("brand"), key=brand_key("name")),
            valuesets.table("other_names").select("name", kind=pl.lit("other"), key="name"),
        ]
    )
    return (
        found.select(pattern=cleaned(pl.col("name")), kind="kind", key="key")
        .unique("pattern", keep="first", maintain_order=True)
        .sort(pl.col("pattern").str.len_chars(), "pattern", descending=[True, False])
    )


def _bare(column: str) -> pl.Expr:
    """RxNorm tells packs of one brand apart by strengths in brackets: "Trikafta (100 MG / 50 MG / 75 MG; 150 MG)"."""
    return pl.col(column).str.replace(r"\s*\(.*$", "")


def brand_key(column: str) -> pl.Expr:
    """A brand without case, punctuation, double spaces and the strengths of its pack."""
    return cleaned(_bare(column)).str.strip_chars().str.replace_all("  ", " ")


def named_routes(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """text, route: the most telling form or route word of each text; texts without one are absent."""
    words = valuesets.table("route_words").lazy()
    rank = pl.LazyFrame({"route": _ROUTE_RANK, "rank": list(range(len(_ROUTE_RANK)))})
    return (
        texts.select("text", word=cleaned(pl.col("text")).str.strip_chars().str.split("  "))
        .explode("word")
        .join(words, on="word")
        .join(rank, on="route")
        .sort("rank")
        .unique("text", keep="first", maintain_order=True)
        .select("text", "route")
    )


def named_drugs(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """What each text (column ``text``, unique) names: text, key, route.

    ``key`` is ``b:<brand>`` where a brand is named, else ``i:<ingredient+ingredient …>`` (sorted), ``m:<…>`` where a
    drug of no value set stands beside them, ``other`` where such a drug stands alone; texts that name nothing known
    are absent. ``route`` is null without a route word.
    """
    known = valuesets.catalogue.patterns
    found = (
        texts.select(
            "text", pattern=cleaned(pl.col("text")).str.extract_many(pl.lit(known["pattern"].implode()), leftmost=True)
        )
        .explode("pattern")
        .join(known.lazy(), on="pattern")
    )
    named = (
        found.group_by("text")
        .agg(
            brand=pl.col("key").filter(pl.col("kind") == "brand").first(),
            ingredients=pl.col("key").filter(pl.col("kind") == "ingredient").unique().sort().str.join("+"),
            beside=pl.when((pl.col("kind") == "other").any()).then(pl.lit("m:")).otherwise(pl.lit("i:")),
        )
        .select(
            "text",
            key=pl.when(pl.col("brand").is_not_null())
            .then("b:" + pl.col("brand"))
            .when(pl.col("ingredients") != "")
            .then(pl.col("beside") + pl.col("ingredients"))
            .otherwise(pl.lit("other")),
        )
    )
    return named.join(named_routes(texts, valuesets), on="text", how="left")
