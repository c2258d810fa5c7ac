"""Result values as laboratories write them: '7.2', '>60', '<20 DETECTED', '1,234', '95 (H)', '150 K/uL', 'Negative'."""

from __future__ import annotations

import re

import polars as pl

from hcc.rules.valuesets import ValueSets

_NUMBER = (
    r"(?P<number>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"  # 1,234  12,345.6
    r"|[0-9]+,[0-9]{1,2}"  # 7,1
    r"|[0-9]+\.?[0-9]*(?:e[+-]?[0-9]{1,3})?"  # 45  45.0  1.2e5
    r"|\.[0-9]+)"
)
_SINGLE = rf"^\*?\s*(?P<comparator><=|>=|<|>|=)?\s*{_NUMBER}(?P<rest>.*)$"
_RANGE = r"^(?P<from>[0-9]+(?:\.[0-9]+)?)\s*(?:-|to)\s*(?P<to>[0-9]+(?:\.[0-9]+)?)(?P<rest>\s*(?:[^0-9.,\s].*)?)$"
_POWER = r"^10\s*\^\s*(?P<power>[0-9]{1,2})(?P<rest>(?:\s.*)?)$"
# A digit or a point that sticks to the number: no number of ours ("12.5.3", "1,2345").
_STUCK = r"^[0-9.,][0-9]|^[0-9]"

COMPARATORS = pl.Enum(["=", "<", "<=", ">", ">=", "range", "text"])
FINDINGS = pl.Enum(["positive", "negative", "indeterminate"])


def read_values(texts: pl.LazyFrame, valuesets: ValueSets) -> pl.LazyFrame:
    """What each text (column ``text``) says; other columns stay.

    Columns added: comparator Enum (null: nothing that can be used); low, high Float64, what to compare; value Float64
    (the number as written, to show beside the comparator; null for ranges); said Enum (positive, negative,
    indeterminate); stated_unit String (a unit, or words nobody understood, behind the number).

    '<15' is at most 14.9, '<15.0' at most 14.99: one step below, with one decimal more than written; '>60' is at
    least 60.1. Nobody measured these: what is shown is '<15'. A comma followed by three digits separates thousands, one
    comma followed by one or two digits is a decimal comma.
    """
    flags = "|".join(sorted(map(re.escape, valuesets.table("value_flags")["flag"].to_list()), key=len, reverse=True))
    words = valuesets.table("value_words").lazy().select(clean="word", said="finding")
    clean = pl.col("text").str.to_lowercase().str.replace_all(r"[\s\u{00a0}]+", " ").str.strip_chars()
    for sign, plain in (("≥", ">="), ("≤", "<="), ("=>", ">="), ("=<", "<="), ("–", "-"), ("—", "-")):
        clean = clean.str.replace_all(sign, plain, literal=True)
    bare = pl.col("clean").str.replace(rf"^(?:{flags})\s+", "")
    single = bare.str.extract_groups(_SINGLE)
    span = pl.col("clean").str.extract_groups(_RANGE)
    power = pl.col("clean").str.extract_groups(_POWER)
    read = (
        texts.with_columns(clean=clean)
        .join(words, on="clean", how="left")
        .with_columns(single=single, span=span, power=power)
        .with_columns(
            span_low=pl.col("span").struct.field("from").cast(pl.Float64),
            span_high=pl.col("span").struct.field("to").cast(pl.Float64),
            written=pl.col("single").struct.field("number"),
            rest=pl.col("single").struct.field("rest"),
            exponent=pl.col("power").struct.field("power").cast(pl.Float64),
        )
        .with_columns(
            is_word=pl.col("said").is_not_null(),
            is_span=pl.col("span_low").is_not_null() & (pl.col("span_low") <= pl.col("span_high")),
            is_power=pl.col("exponent").is_not_null(),
            plain=_plain_number(pl.when(~pl.col("rest").str.contains(_STUCK)).then("written")),
        )
    )
    number = (
        pl.when("is_power")
        .then(pl.lit(10.0).pow(pl.col("exponent")))
        .otherwise(pl.col("plain").cast(pl.Float64, strict=False))
    )
    behind = (
        pl.when("is_power").then(pl.col("power").struct.field("rest"))
        .when("is_span").then(pl.col("span").struct.field("rest"))
        .otherwise("rest").str.strip_chars(" .").str.replace(rf"^\(?(?:{flags})\)?\*?(?:\s+|$)", "")
    )  # fmt: skip
    comparator = (
        pl.when("is_word").then(pl.when(pl.col("said") != "none").then(pl.lit("text")))
        .when("is_span").then(pl.lit("range"))
        .when(pl.col("number").is_not_null()).then(pl.col("single").struct.field("comparator").fill_null("="))
    )  # fmt: skip
    words_behind = pl.col("behind").replace_strict(
        {"detected": "detected", "not detected": "not detected"}, default=None, return_dtype=pl.String
    )
    read = read.with_columns(number=number, behind=behind).with_columns(comparator=comparator, spoken=words_behind)
    single_read = ~pl.col("is_word") & ~pl.col("is_span")
    step = pl.lit(10.0).pow(-(pl.col("plain").str.extract(r"\.([0-9]*)").str.len_chars().fill_null(0) + 1.0))
    above, below = pl.col("comparator").is_in([">", ">="]), pl.col("comparator").is_in(["<", "<="])
    limit = (
        pl.when(~single_read).then(None)
        .when(pl.col("comparator") == "<").then((pl.col("number") - step).round(6))
        .when(pl.col("comparator") == ">").then((pl.col("number") + step).round(6))
        .otherwise(pl.col("number"))
    )  # fmt: skip
    said = (
        pl.when("is_word").then(pl.col("said").replace("none", None))
        .when(pl.col("spoken") == "not detected").then(pl.lit("negative"))
        .when((pl.col("spoken") == "detected") & below).then(pl.lit("indeterminate"))
        .when(pl.col("spoken") == "detected").then(pl.lit("positive"))
    )  # fmt: skip
    temporary = ["clean", "single", "span", "power", "span_low", "span_high", "written", "rest", "exponent"]
    temporary += ["is_word", "is_span", "is_power", "plain", "behind", "spoken", "number", "limit"]
    return (
        read.with_columns(limit=limit)
        .with_columns(
            pl.col("comparator").cast(COMPARATORS),
            low=pl.when("is_span").then("span_low").when(single_read & ~below).then("limit"),
            high=pl.when("is_span").then("span_high").when(single_read & ~above).then("limit"),
            value=pl.when(single_read).then("number"),
            said=said.cast(FINDINGS),
            stated_unit=pl.when(pl.col("spoken").is_null() & ~pl.col("is_word")).then(
                pl.col("behind").replace("", None)
            ),
        )
        .drop(temporary)
    )


def _plain_number(written: pl.Expr) -> pl.Expr:
    """Without thousands separators, with a decimal point."""
    return (
        pl.when(written.str.contains(r"^[0-9]+,[0-9]{1,2}$"))
        .then(written.str.replace(",", ".", literal=True))
        .otherwise(written.str.replace_all(",", "", literal=True))
    )
