"""Diagnosis and procedure codes as text of one shape (SPEC R-4.5)."""

from __future__ import annotations

import polars as pl

from hcc.intake.plain import is_plain

_SHAPE = r"^[A-Z][0-9][0-9A-Z][0-9A-Z]{0,4}$"
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad"  # no whitespace to Unicode, yet nobody sees them


def normalize_code(expr: pl.Expr) -> pl.Expr:
    """Diagnosis codes without surrounding whitespace (no-break spaces too), without the dot, upper case; '' → null.

    The letter O and the digit 0 are not exchanged, nothing is padded or cut off (SPEC R-4.5).
    """
    return expr.cast(pl.String).map_batches(_normalized, return_dtype=pl.String, is_elementwise=True)


def clean_code(expr: pl.Expr) -> pl.Expr:
    """Other codes (HCPCS, modifiers): surrounding whitespace gone, upper case, a number's '.0' gone; '' → null."""
    return expr.cast(pl.String).map_batches(_cleaned, return_dtype=pl.String, is_elementwise=True)


def code_problem(expr: pl.Expr) -> pl.Expr:
    """'INVALID_FORMAT' where a normalised diagnosis code cannot be ICD-10-CM by its shape, else null (SPEC R-4.5)."""
    return pl.when(expr.is_not_null() & ~expr.str.contains(_SHAPE)).then(pl.lit("INVALID_FORMAT"))


def code_suspicion(expr: pl.Expr) -> pl.Expr:
    """What a normalised diagnosis code may be a slip for: SUSPECT_O_ZERO, SUSPECT_TYPO or null; nothing is changed.

    No ICD-10-CM code has the letter O, I or L behind its first character (release tables 2023–2026), and none begins
    with a digit; a 0 in front may be the letter O (010.1 for O10.1), but a row of zeros fills a field. Words and several
    codes in one field are no slips of a code: with the digits in place it must look like one.
    """
    rest = expr.str.slice(1)
    mended = expr.str.slice(0, 1) + rest.str.replace_all("O", "0", literal=True).str.replace_all("[IL]", "1")
    like_a_code = mended.str.contains(r"^[A-Z][0-9][0-9AB][0-9A-Z]{0,4}$")
    zero_in_front = expr.str.contains(r"^0[0-9][0-9A-Z]{1,5}$") & ~expr.str.contains("^0+$")
    return (
        pl.when((rest.str.contains("O", literal=True) & like_a_code) | zero_in_front)
        .then(pl.lit("SUSPECT_O_ZERO"))
        .when(rest.str.contains(r"[IL]") & like_a_code)
        .then(pl.lit("SUSPECT_TYPO"))
    )


def trimmed(expr: pl.Expr) -> pl.Expr:
    """Text without surrounding whitespace (no-break spaces too); '' → null."""
    text = expr.str.strip_chars()
    return pl.when(text != "").then(text)


def _normalized(series: pl.Series) -> pl.Series:
    if is_plain(series):
        return _blank_to_null(series)
    code = pl.col("code")
    bare = code.str.strip_chars().str.strip_chars(_INVISIBLE).str.strip_chars()
    upper = bare.str.replace_all(".", "", literal=True).str.to_uppercase()
    return series.to_frame("code").select(trimmed(upper))["code"].rename(series.name)


def _cleaned(series: pl.Series) -> pl.Series:
    if is_plain(series):
        return _blank_to_null(series)
    upper = trimmed(pl.col("code")).str.to_uppercase()
    whole = upper.str.replace(r"^([0-9]+)\.0+$", "$1")  # a column of numbers with gaps, as pandas writes it
    return series.to_frame("code").select(whole)["code"].rename(series.name)


def _blank_to_null(series: pl.Series) -> pl.Series:
    if series.str.len_bytes().min() != 0:
        return series
    return series.to_frame("code").select(pl.when(pl.col("code") != "").then("code"))["code"].rename(series.name)
