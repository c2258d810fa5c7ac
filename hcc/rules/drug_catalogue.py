"""Every code and name of a drug, resolved to kinds of product (``drug_keys``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from hcc.rules.drug_names import SYSTEMIC, brand_key, exact_key, mark_keys, patterns

if TYPE_CHECKING:
    from hcc.rules.valuesets import ValueSets

CODE_KINDS = ("ndc", "ndc_product", "ndc_class", "rxnorm", "drug_name")
_FACTS = ("ingredient", "route", "flags", "components")


@dataclass(frozen=True, eq=False)
class DrugCatalogue:
    """``keys``: see ValueSets.drug_keys. ``products``: product UInt16, drug UInt16: what a product is made of.

    ``codes``: code_kind, code, product: one row per code. ``patterns`` and ``default_routes`` (key, route) serve names
    in words; ``unfindable``: see ValueSets.
    """

    keys: pl.DataFrame = field(repr=False)
    products: pl.DataFrame = field(repr=False)
    codes: pl.DataFrame = field(repr=False)
    patterns: pl.DataFrame = field(repr=False)
    default_routes: pl.DataFrame = field(repr=False)
    unfindable: pl.DataFrame = field(repr=False)
    enums: dict[str, pl.Enum] = field(repr=False)

    def of(self, code_kind: str) -> pl.LazyFrame:
        """code, product of one kind of code."""
        return self.codes.filter(pl.col("code_kind") == code_kind).lazy().select("code", "product")


def drug_catalogue(valuesets: ValueSets) -> DrugCatalogue:
    """The catalogue of the value sets; a fraction of a second."""
    rxnorm = valuesets.table("rxnorm")
    named, default_routes = _name_entries(valuesets)
    entries = pl.concat(
        [
            _entry(_ndc_entries(valuesets, rxnorm), "ndc", "ndc11"),
            _entry(_product_entries(valuesets, rxnorm), "ndc_product", "ndc9"),
            _entry(_rxnorm_entries(valuesets, rxnorm), "rxnorm", "rxcui"),
            _entry(named, "drug_name", "name"),
        ]
    ).unique()
    drugs = valuesets.drugs.select("ingredient", "drug_class", "rules", grade="evidence")
    by_ingredient = entries.join(drugs, on="ingredient")
    by_class = (
        valuesets.table("ndc_class")
        .join(valuesets.table("classes_only"), on="drug_class")
        .join(entries.filter(pl.col("code_kind") == "ndc").select(ndc11="code"), on="ndc11", how="anti")
        .select(
            code_kind=pl.lit("ndc_class"), code="ndc11", ingredient=pl.lit(None, pl.String), route=pl.lit(""),
            flags=pl.lit(""), components=pl.lit(""), drug_class="drug_class", rules="rules", grade="evidence",
        )
    )  # fmt: skip
    rows = pl.concat([by_ingredient, by_class])
    kind = [*_FACTS, "drug_class", "rules", "grade"]
    keys = rows.select(kind).unique().sort(kind).with_row_index("drug")
    enums = _enums(keys)
    contents = (
        rows.join(keys, on=kind, nulls_equal=True)
        .group_by("code_kind", "code")
        .agg(drug=pl.col("drug").cast(pl.UInt16).unique().sort())
    )
    products = contents.select("drug").unique().sort("drug").with_row_index("product")
    products = products.with_columns(pl.col("product").cast(pl.UInt16))
    codes = (
        contents.join(products, on="drug")
        .select(pl.col("code_kind").cast(enums["code_kind"]), "code", "product")
        .sort("code_kind", "code")
    )
    graded = _graded(keys, valuesets.table("product_rules"))
    return DrugCatalogue(
        keys=graded.select(
            pl.col("drug").cast(pl.UInt16),
            *(pl.col(name).cast(enums[name]) for name in ("ingredient", "drug_class", "route", "flags", "evidence")),
            pl.col("components").replace("", None).cast(pl.UInt8),
            "rules",
            "note",
        ),
        products=products.explode("drug"),
        codes=codes,
        patterns=patterns(valuesets),
        default_routes=default_routes,
        unfindable=_unfindable(valuesets, entries),
        enums=enums,
    )


def _enums(keys: pl.DataFrame) -> dict[str, pl.Enum]:
    enums = {
        name: pl.Enum(keys[name].drop_nulls().unique().sort())
        for name in ("ingredient", "drug_class", "route", "flags")
    }
    enums["evidence"] = pl.Enum(["strong", "medium", "weak", "product", "support", "excluded"])
    enums["code_kind"] = pl.Enum(CODE_KINDS)
    return enums


def _entry(frame: pl.DataFrame, code_kind: str, column: str) -> pl.DataFrame:
    return frame.select(pl.lit(code_kind).alias("code_kind"), pl.col(column).alias("code"), *_FACTS)


def _ndc_entries(valuesets: ValueSets, rxnorm: pl.DataFrame) -> pl.DataFrame:
    by_rxnorm = valuesets.table("ndc").join(rxnorm, on="rxcui").select("ndc11", *_FACTS)
    own = valuesets.table("ndc_ingredient").select("ndc11", *_FACTS)
    return pl.concat([own, by_rxnorm.join(own, on="ndc11", how="anti")])


def _product_entries(valuesets: ValueSets, rxnorm: pl.DataFrame) -> pl.DataFrame:
    """First nine digits (labeler and product) wherever all known packages of a product hold the same drug."""
    contents = rxnorm.group_by("rxcui").agg(content=pl.concat_str(_FACTS, separator="|").sort().str.join(";"))
    products = (
        valuesets.table("ndc")
        .join(contents, on="rxcui")
        .group_by(ndc9=pl.col("ndc11").str.slice(0, 9))
        .agg(pl.col("rxcui").min(), alike=pl.col("content").n_unique() == 1)
        .filter("alike")
    )
    named = valuesets.table("ndc_product").select("ndc9", *_FACTS)
    derived = products.join(rxnorm, on="rxcui").select("ndc9", *_FACTS)
    return pl.concat([named, derived.join(named, on="ndc9", how="anti")])


def _rxnorm_entries(valuesets: ValueSets, rxnorm: pl.DataFrame) -> pl.DataFrame:
    products = rxnorm.select("rxcui", *_FACTS)
    bare = valuesets.drugs.filter(pl.col("rxcui") != "").select(
        "rxcui", "ingredient", route=pl.lit(""), flags=pl.lit(""), components=pl.lit("")
    )
    return pl.concat([products, bare.unique().join(products, on="rxcui", how="anti")])


def _name_entries(valuesets: ValueSets) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Names with each route they come in (``name`` = ``<key>|<route>``), and the usual route of each key."""
    rxnorm = valuesets.table("rxnorm").filter(pl.col("route") != "")
    brands = _common_facts(rxnorm.filter(pl.col("brand") != "").with_columns(key="b:" + brand_key("brand")))
    contents = rxnorm.group_by("rxcui").agg(
        key="i:" + pl.col("ingredient").unique().sort().str.join("+"), parts=pl.col("ingredient").n_unique()
    )
    products = rxnorm.join(contents, on="rxcui").with_columns(
        pure=pl.col("components").cast(pl.UInt32, strict=False) == pl.col("parts")
    )
    has_pure = pl.col("pure").any().over("key", "route")
    mixtures = _common_facts(products.filter(pl.col("pure") | ~has_pure))
    usual = _usual_routes(pl.concat([brands, mixtures]))
    single = usual.filter(pl.col("key").str.starts_with("i:")).select(
        ingredient=pl.col("key").str.strip_prefix("i:"), usual="route"
    )
    aliases = (
        valuesets.table("aliases")
        .filter(pl.col("kind") == "brand")
        .join(single, on="ingredient", how="left")
        .select(
            key="b:" + brand_key("name"), ingredient="ingredient",
            route=pl.when(pl.col("route") != "").then("route").otherwise(pl.col("usual").fill_null("")),
            flags="flags", components=pl.lit("1"), rows=pl.lit(1, pl.UInt32),
        )
    )  # fmt: skip
    # An ingredient named beside others that no known product joins: its share of a mixture of unknown size.
    loose = (
        valuesets.drugs.select("ingredient")
        .unique()
        .join(single, on="ingredient", how="left")
        .select(
            key="l:" + pl.col("ingredient"), ingredient="ingredient", route=pl.col("usual").fill_null(""),
            flags=pl.lit(""), components=pl.lit(""), rows=pl.lit(1, pl.UInt32),
        )
    )  # fmt: skip
    unknown_single = loose.join(single, on="ingredient", how="anti").with_columns(
        key="i:" + pl.col("ingredient"), components=pl.lit("1")
    )
    facts = ("key", "ingredient", "route", "flags", "components")
    exact = valuesets.table("rxnorm").with_columns(key=exact_key(pl.col("name")))
    special = pl.concat([exact.select(facts), mark_keys(valuesets).select("mark", *facts[1:]).rename({"mark": "key"})])
    found = pl.concat(
        [
            mixtures,
            brands,
            aliases.join(brands, on=["key", "route"], how="anti"),
            loose,
            unknown_single,
            special.with_columns(rows=pl.lit(1, pl.UInt32)),
        ]
    )
    default_routes = _usual_routes(found)
    return found.with_columns(name=pl.col("key") + "|" + pl.col("route")), default_routes


def _common_facts(products: pl.DataFrame) -> pl.DataFrame:
    """Per key and route the ingredients that all products share (else all of them) and the facts they agree on."""

    def agreed(column: str) -> pl.Expr:
        return pl.when(pl.col(column).n_unique() == 1).then(pl.col(column).first()).otherwise(pl.lit(""))

    groups = products.group_by("key", "route").agg(
        agreed("flags").alias("flags"), agreed("components").alias("components"), total=pl.col("rxcui").n_unique()
    )
    parts = products.group_by("key", "route", "ingredient").agg(rows=pl.col("rxcui").n_unique())
    joined = parts.join(groups, on=["key", "route"])
    shared = (pl.col("rows") == pl.col("total")).any().over("key", "route")
    return joined.filter((pl.col("rows") == pl.col("total")) | ~shared).select(
        "key", "ingredient", "route", "flags", "components", "rows"
    )


def _usual_routes(found: pl.DataFrame) -> pl.DataFrame:
    # Tablets are written without a word for their form more often than injections are.
    systemic = pl.col("route").is_in(SYSTEMIC)
    return (
        found.group_by("key", "route")
        .agg(pl.col("rows").max())
        .sort(systemic, pl.col("route") == "oral", "rows", "route", descending=True)
        .unique("key", keep="first", maintain_order=True)
        .select("key", "route")
    )


def _graded(keys: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """``evidence`` and ``note`` of each key: the first product rule that fits decides, else the ingredient's grade."""
    evidence, note = pl.col("grade"), pl.lit("")
    for rule in reversed(rules.to_dicts()):  # a few dozen rows of a table, once per process
        fits = pl.lit(True)
        for column in ("ingredient", "drug_class", "route", "components"):
            if rule[column]:
                fits &= pl.col(column).eq_missing(pl.lit(rule[column]))
        if rule["flag"]:
            fits &= pl.col("flags").str.split("|").list.contains(rule["flag"])
        # A class known without its ingredient was graded as such in classes_only.csv.
        fits &= pl.col("ingredient").is_not_null()
        # Without a route nothing is known that could exclude.
        if rule["drug_class"] and not rule["route"] and not rule["flag"] and not rule["components"]:
            fits &= pl.col("route") != ""
        evidence = pl.when(fits).then(pl.lit(rule["evidence"])).otherwise(evidence)
        note = pl.when(fits).then(pl.lit(rule["note"])).otherwise(note)
    return keys.with_columns(evidence=evidence, note=note)


def _unfindable(valuesets: ValueSets, entries: pl.DataFrame) -> pl.DataFrame:
    """RULINGS 23: marketed, dispensed by pharmacies, and neither an NDC nor a product code of it is known."""
    found = entries.filter(pl.col("code_kind").is_in(["ndc", "ndc_product"])).select("ingredient")
    return (
        valuesets.drugs.filter(pl.col("availability") == "pharmacy")
        .join(found, on="ingredient", how="anti")
        .select("ingredient", "drug_class", "rules")
        .sort("ingredient", "drug_class")
    )
