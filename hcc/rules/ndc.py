"""National Drug Codes: any usual spelling to eleven digits (labeler 5, product 4, package 2)."""

from __future__ import annotations

import polars as pl

AMBIGUOUS = "AMBIGUOUS_NDC10"
"""Ten digits without hyphens: three readings are possible, so none is taken."""


def ndc11(text: pl.Expr) -> pl.Expr:
    """Eleven digits, or null where the text is no NDC or can be read in several ways.

    Hyphenated 4-4-2, 5-3-2, 5-4-1 and 5-4-2 get the zero that their shape lacks; eleven digits stay; ten digits
    without hyphens are not padded (FDA's three ten-digit shapes cannot be told apart).
    """
    clean = _clean(text)
    return (
        pl.when(clean.str.contains(r"^[0-9]{11}$"))
        .then(clean)
        .when(
            clean.str.contains(r"^(?:[0-9]{4}-[0-9]{4}-[0-9]{2}|[0-9]{5}-(?:[0-9]{3}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}))$")
        )
        .then(
            clean.str.extract(r"^([0-9]+)-").str.zfill(5)
            + clean.str.extract(r"-([0-9]+)-").str.zfill(4)
            + clean.str.extract(r"-([0-9]+)$").str.zfill(2)
        )
        .otherwise(None)
    )


def ndc9(text: pl.Expr) -> pl.Expr:
    """Labeler and product, nine digits, of a hyphenated product code 4-4, 5-3 or 5-4; null otherwise."""
    clean = _clean(text)
    return (
        pl.when(clean.str.contains(r"^(?:[0-9]{4}-[0-9]{4}|[0-9]{5}-[0-9]{3,4})$"))
        .then(clean.str.extract(r"^([0-9]+)-").str.zfill(5) + clean.str.extract(r"-([0-9]+)$").str.zfill(4))
        .otherwise(None)
    )


def is_ambiguous(text: pl.Expr) -> pl.Expr:
    """True for ten digits without hyphens."""
    return _clean(text).str.contains(r"^[0-9]{10}$")


def _clean(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(r"[\s\u{00a0}]", "").str.replace_all("[\u2010-\u2015]", "-")
