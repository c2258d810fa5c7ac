"""A column as it came → a column of the canonical type; what cannot be read becomes null, and the caller says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from hcc.intake.codes import clean_code, normalize_code, trimmed
from hcc.intake.dates import date_expr

_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
UNKNOWN = "?"  # stands in a column of few words for a word that is none of them
_WHOLE = r"^[+-]?[0-9]+(?:\.0*)?$"

Reader = Callable[[pl.Expr, pl.DataType], pl.Expr | None]


def text(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Any scalar as text, as it stands; whole numbers without a decimal point (a float 131.0 is '131', so is a decimal
    131.00)."""
    if dtype == pl.String:
        return expr
    if dtype.is_float():
        whole = expr.cast(pl.Int64, strict=False)
        return (
            pl.when(expr.is_nan())
            .then(None)
            .when(whole == expr)
            .then(whole.cast(pl.String))
            .otherwise(expr.cast(pl.String))
        )
    if dtype.is_decimal():
        return expr.cast(pl.String).str.replace(r"\.0+$", "")
    if dtype.is_nested() or dtype == pl.Object:
        return None
    if dtype == pl.Binary:
        return expr.cast(pl.String, strict=False)
    return expr.cast(pl.String)


def trimmed_text(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Text without surrounding whitespace; '' → null."""
    plain = text(expr, dtype)
    return None if plain is None else trimmed(plain)


def number(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Numbers that are names (NPI, plan): trimmed, the '.0' that spreadsheets add gone; other text as it stands."""
    plain = trimmed_text(expr, dtype)
    return None if plain is None else plain.str.replace(r"^([0-9]+)\.0+$", "$1")


def code(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """HCPCS and the like: trimmed, upper case."""
    plain = text(expr, dtype)
    return None if plain is None else clean_code(plain)


def diagnosis(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Diagnosis codes, normalised."""
    plain = text(expr, dtype)
    return None if plain is None else normalize_code(plain)


def padded(width: int) -> Reader:
    """Numeric codes that lose leading zeros in spreadsheets: '1' → '01', '131.0' → '131'."""

    def read(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
        plain = code(expr, dtype)
        if plain is None:
            return None
        digits = plain.str.strip_suffix(".0")
        return pl.when(digits.str.contains(r"^[0-9]+$")).then(digits.str.zfill(width)).otherwise(plain)

    return read


def integer(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Whole numbers; '12.0' is 12, '12.5' is unreadable."""
    if dtype.is_integer() or dtype == pl.Null:
        return expr.cast(pl.Int64, strict=False)
    if dtype.is_float() or dtype.is_decimal():
        whole = expr.cast(pl.Int64, strict=False)
        return pl.when(whole == expr).then(whole)
    if dtype == pl.Boolean or dtype.is_temporal() or dtype.is_nested():
        return None
    plain = trimmed(expr.cast(pl.String))
    return pl.when(plain.str.contains(_WHOLE)).then(plain.str.replace(r"\.0*$", "")).cast(pl.Int64, strict=False)


def boolean(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """true/false, t/f, yes/no, y/n, 1/0, in any case."""
    if dtype == pl.Boolean or dtype == pl.Null:
        return expr.cast(pl.Boolean)
    if dtype.is_temporal() or dtype.is_nested():
        return None
    plain = text(expr, dtype)
    assert plain is not None
    word = plain.str.strip_chars().str.to_lowercase().str.strip_suffix(".0")
    return pl.when(word.is_in(_TRUE)).then(True).when(word.is_in(_FALSE)).then(False)


def money(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Dollars and cents; '$1,234.50' is read, the third decimal is rounded half away from zero."""
    target = pl.Decimal(14, 2)
    if dtype.is_nested() or dtype.is_temporal() or dtype == pl.Boolean:
        return None
    plain = text(expr, dtype)
    assert plain is not None
    amount = plain.str.strip_chars().str.replace(r"^(-?)\$ ?", "$1").str.replace_all(r"(\d),(\d{3})", "$1$2")
    readable = amount.str.contains(r"^-?[0-9]+(?:\.[0-9]*)?$")
    exact = pl.when(readable).then(amount).cast(pl.Decimal(38, 6), strict=False)
    return exact.round(2, mode="half_away_from_zero").cast(target, strict=False)


def choice(words: Mapping[str, str]) -> Reader:
    """One of a few words; ``words`` maps what may be written (lower case) to the canonical word; others are UNKNOWN.

    Nothing is looked up where all values are canonical already. Blank stays null.
    """
    canonical = pl.Series(sorted(set(words.values())))
    written = pl.Series(list(words))
    meant = pl.Series([words[word] for word in words])

    def chosen(series: pl.Series) -> pl.Series:
        if series.is_in(canonical.implode()).all():
            return series
        word = series.str.strip_chars().str.to_lowercase().str.replace_all(r"[\s-]+", "_")
        found = word.replace_strict(written, meant, default=UNKNOWN, return_dtype=pl.String)
        blank = word.is_null() | (word == "")
        return found.set(blank, None) if blank.any() else found

    def read(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
        plain = text(expr, dtype)
        if plain is None:
            return None
        return plain.map_batches(chosen, return_dtype=pl.String, is_elementwise=True)

    return read


date: Reader = date_expr
