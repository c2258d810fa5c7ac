"""Fills: which drug was dispensed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from hcc.errors import MissingColumns
from hcc.gaps.evidence.common import column_or_null, with_members, within
from hcc.gaps.evidence.drug_codes import IDENTIFIERS, drug_codes
from hcc.rules.valuesets import ValueSets

NO_CODE = "NO_CODE"


def fills(
    pharmacy: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    classes: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Identified fills: one row per fill and drug class (a combination product has several rows).

    Columns: member_id or member_index; fill_date Date; drug UInt16 (key of ``valuesets.drug_keys``); drug_class Enum;
    ingredient Enum (null where only the class is known); route Enum ('' unknown); flags Enum ('a|b', '' none);
    components UInt8 (active parts of the product; null unknown); evidence Enum (strong, medium, weak, product,
    support, excluded), graded for this product; days_supply Int32; code String; code_kind Enum (ndc, ndc_product,
    ndc_class, rxnorm, drug_name). Count distinct fill_date per member for "two fills".
    """
    keys = valuesets.drug_keys
    if classes is not None:
        keys = keys.filter(pl.col("drug_class").cast(pl.String).is_in(sorted(classes)))
    keys = keys.select("drug", "drug_class", "ingredient", "route", "flags", "components", "evidence")
    wanted = valuesets.catalogue.products.join(keys, on="drug")
    rows, present = _dated(pharmacy, since, until, days_supply=True)
    meanings = {identifier: drug_codes(rows, identifier, valuesets) for identifier in present}
    paths = []
    for place, identifier in enumerate(present):
        # Later identifiers see only the fills that have them and that no earlier one settled.
        path = rows.filter(pl.col(identifier).is_not_null())
        for earlier in present[:place]:
            settled = meanings[earlier].filter(pl.col("reason").is_null()).select(text="text")
            path = path.join(settled, left_on=earlier, right_on="text", how="anti")
        meaning = meanings[identifier].filter(pl.col("product").is_in(wanted["product"].unique().implode()))
        paths.append(
            path.join(meaning, left_on=identifier, right_on="text").select(
                "member_id", "fill_date", "days_supply", "product", "code", "code_kind"
            )
        )
    if not paths:
        raise MissingColumns.from_missing("pharmacy", ["ndc"], pharmacy.collect_schema().names())
    found = with_members(pl.concat(paths), members).join(wanted.lazy(), on="product")
    member = "member_id" if members is None else "member_index"
    return found.select(
        member, "fill_date", "drug", "drug_class", "ingredient", "route", "flags", "components", "evidence",
        "days_supply", "code", "code_kind",
    )  # fmt: skip


def unidentified_fills(
    pharmacy: pl.LazyFrame,
    valuesets: ValueSets,
    *,
    members: pl.LazyFrame | None = None,
    since: date | None = None,
    until: date | None = None,
) -> pl.LazyFrame:
    """Fills that nothing identifies: one row per member, fill_date and reason, with ``count`` (UInt32).

    Reasons: AMBIGUOUS_NDC10, UNKNOWN_NDC, UNKNOWN_RXNORM, UNKNOWN_NAME, NO_CODE; of several the first identifier's.
    Only for ``valuesets.incomplete_classes`` do these fills weaken a rule that asks for a drug's absence (RULINGS 23).
    Give the few members in question: the NDCs of our value sets are those of evidence, so that without the user's NDC
    directory (``hcc rules import``) every other drug is unidentified.
    """
    rows, present = _dated(pharmacy, since, until, days_supply=False)
    rows = with_members(rows, members)
    member = "member_id" if members is None else "member_index"
    known: list[pl.Expr] = [pl.lit(False)]
    reasons: list[pl.Expr] = []
    for identifier in present:
        verdicts = (
            drug_codes(rows, identifier, valuesets)
            .select("text", pl.col("reason").alias(f"{identifier}_reason"), pl.lit(True).alias(f"{identifier}_seen"))
            .unique("text")
        )
        rows = rows.join(verdicts, left_on=identifier, right_on="text", how="left")
        reason = pl.col(f"{identifier}_reason")
        known.append(reason.is_null() & pl.col(f"{identifier}_seen").fill_null(False))
        reasons.append(reason)
    return (
        rows.filter(~pl.any_horizontal(known))
        .with_columns(reason=pl.coalesce(*reasons, pl.lit(NO_CODE)))
        .group_by(member, "fill_date", "reason")
        .agg(count=pl.len())
    )


def fills_of_members(
    pharmacy: pl.LazyFrame,
    valuesets: ValueSets,
    members: pl.DataFrame,
    concerned: pl.DataFrame,
    *,
    classes: Collection[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    """``fills`` of ``members`` (member_index, fill_date, drug, code), ``unidentified_fills`` of ``concerned``
    (member_index, fill_date, count), and how many rows of ``members`` nothing identifies, by reason; in two passes over
    a table of any size.

    What the identifiers mean is worked out once per different set of them; the fills then go by numbers.
    """
    rows, present = _dated(pharmacy, since, until, days_supply=False)
    if not present:
        raise MissingColumns.from_missing("pharmacy", ["ndc"], pharmacy.collect_schema().names())
    sets = rows.select(present).unique().collect(engine="streaming").with_row_index("set")
    key = _hash_of(present)
    keyed = sets.with_columns(key.alias("key"))
    # Every set is here, so a hash that tells them apart tells all fills apart.
    on = ["key"] if keyed["key"].is_unique().all() else present
    once = sets.with_columns(member_id="set", fill_date=pl.lit(date.max)).lazy()
    meant = fills(once, valuesets, classes=classes).select("drug", "code", set="member_id").collect()
    unread = unidentified_fills(once, valuesets).select("reason", set="member_id").unique("set").collect()
    wanted = keyed.filter(pl.col("set").is_in(pl.concat([meant["set"], unread["set"]]).implode()))
    known = rows.with_columns(key.alias("key")).join(wanted.lazy().select("set", *on), on=on, nulls_equal=True)
    found = with_members(known.select("member_id", "fill_date", "set"), members.lazy()).collect(engine="streaming")
    few = found.filter(pl.col("set").is_in(unread["set"].implode())).join(concerned, on="member_index", how="semi")
    many = found.join(unread, on="set").group_by("reason").len().sort("reason")
    few = few.unique()  # the same codes on the same day: one fill, delivered twice
    return (
        found.join(meant, on="set").select("member_index", "fill_date", "drug", "code"),
        few.group_by("member_index", "fill_date").agg(pl.len().alias("count")),
        dict(many.iter_rows()),
    )


def _hash_of(columns: Sequence[str]) -> pl.Expr:
    """One number from several texts."""
    return pl.struct(columns).hash() if len(columns) > 1 else pl.col(columns[0]).hash()


def _dated(
    pharmacy: pl.LazyFrame, since: date | None, until: date | None, *, days_supply: bool
) -> tuple[pl.LazyFrame, list[str]]:
    """Fills of the window with the identifiers that the table has."""
    names = pharmacy.collect_schema().names()
    present = [identifier for identifier in IDENTIFIERS if identifier in names]
    columns = [column_or_null(names, "days_supply", pl.Int32)] if days_supply else []
    identifiers = [pl.col(identifier).cast(pl.String).replace("", None) for identifier in present]
    return pharmacy.filter(within("fill_date", since, until)).select(
        "member_id", "fill_date", *identifiers, *columns
    ), present
