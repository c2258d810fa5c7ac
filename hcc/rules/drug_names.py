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


def exact_key(name: pl.Expr) -> pl.Expr:
    """A whole name of RxNorm's without its case and blanks: the text that is one names that product and no other."""
    return pl.lit("=:") + name.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def marked_words(text: pl.Expr) -> pl.Expr:
    """As ``cleaned``, but numbers stay whole and apart from their unit: "0.50MG" is " 0point5  mg ", never " 5  mg "."""
    numbers = (
        text.str.to_lowercase()
        .str.replace_all(r"([0-9])([a-z])", "$1 $2")
        .str.replace_all(r"(^|[^0-9.])\.([0-9])", "${1}0.$2")
        .str.replace_all(r"(\.[0-9]*?)0+($|[^0-9])", "$1$2")
        .str.replace_all(r"([0-9])\.($|[^0-9])", "$1$2")
        .str.replace_all(r"([0-9])\.([0-9])", "${1}point$2")
    )
    return cleaned(numbers)


def mark_keys(valuesets: ValueSets) -> pl.DataFrame:
    """The rows of name_marks.csv with ``key`` (of the drug they belong to), ``words`` to look for and ``mark``.

    ``mark`` is the key of the product that a text of that drug with those words names. The longest words come first.
    """
    marks = valuesets.table("name_marks")
    return (
        marks.with_columns(
            key=pl.when(pl.col("kind") == "brand").then("b:" + brand_key("name")).otherwise("i:" + pl.col("name")),
            words=marked_words(pl.col("words")),
        )
        .with_columns(mark=pl.concat_str(pl.lit("k:"), "key", pl.lit("~"), pl.col("words").str.strip_chars()))
        .sort(pl.col("words").str.len_chars(), "words", "key", descending=[True, False, False])
    )


def marked(named: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """``named`` (of ``named_drugs``) with the key and route of the marked product where a text holds its words."""
    marks = mark_keys(valuesets).lazy().select("key", "words", "mark", marked_route="route")
    found = (
        named.join(marks, on="key")
        .filter(marked_words(pl.col("text")).str.contains(pl.col("words"), literal=True))
        .with_columns(length=pl.col("words").str.len_chars())
        .sort("length", "mark", descending=[True, False])
        .unique("text", keep="first", maintain_order=True)
        .select("text", "mark", "marked_route")
    )
    return named.join(found, on="text", how="left").select(
        "text", key=pl.coalesce("mark", "key"), route=pl.coalesce("marked_route", "route")
    )


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
        texts.select("text", pattern=cleaned(pl.col("text")))
        # Plain words: of a literal series the lazy engine builds the search anew for every row.
        .with_columns(pl.col("pattern").str.extract_many(known["pattern"].to_list(), leftmost=True))
        .explode("pattern")
        .join(known.lazy(), on="pattern", maintain_order="left")  # of two brands the first one named counts
    )
    # Whole columns, not an expression per text: a list sorted in every group takes seconds for a population's names.
    kinds = found.select("text", "kind", "key").unique(maintain_order=True)
    brand = kinds.filter(pl.col("kind") == "brand").unique("text", keep="first", maintain_order=True)
    parts = (
        kinds.filter(pl.col("kind") == "ingredient")
        .sort("text", "key")
        .group_by("text", maintain_order=True)
        .agg("key")
        .select("text", ingredients=pl.col("key").list.join("+"))
    )
    others = kinds.filter(pl.col("kind") == "other").select("text", beside=pl.lit("m:")).unique()
    named = (
        kinds.select("text")
        .unique()
        .join(brand.select("text", brand="key"), on="text", how="left")
        .join(parts, on="text", how="left")
        .join(others, on="text", how="left")
        .select(
            "text",
            key=pl.when(pl.col("brand").is_not_null())
            .then("b:" + pl.col("brand"))
            .when(pl.col("ingredients").is_not_null())
            .then(pl.col("beside").fill_null("i:") + pl.col("ingredients"))
            .otherwise(pl.lit("other")),
        )
    )
    return named.join(named_routes(texts, valuesets), on="text", how="left")
