"""The caller's columns as they are staged: types that Parquet keeps, and identifiers as text as the intake reads them.

A row goes to its bucket by its identifier, and tables name one member in different types; so the identifier must be the
same text everywhere before the intake sees it (hcc.intake.values.text says how numbers are written).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column

_BLANKS = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""What Unicode calls white space, and polars strips."""


def plain(column: Column, kind: str, *, identifier: bool) -> Column:
    """Times as the session's clock shows them (Parquet would keep UTC); what has no type as text, since Parquet knows
    none; identifiers as text without blanks at its ends, in every bucket alike (the intake looks for blanks in the
    first rows of a file only). ``kind``: the column's type in Spark's words."""
    from pyspark.sql import functions as sql

    if kind == "timestamp":
        return column.cast("timestamp_ntz")
    if kind in ("void", "array<void>"):
        return column.cast(kind.replace("void", "string"))
    if not identifier:
        return column
    if kind in ("double", "float"):
        return _of_float(column, kind)
    if kind.startswith("decimal"):
        # Without ANSI rules, Spark writes zero with an exponent (0E-10).
        return sql.when(column == 0, "0").otherwise(sql.regexp_replace(column.cast("string"), r"\.0+$", ""))
    return sql.btrim(column.cast("string"), sql.lit(_BLANKS))


def _of_float(column: Column, kind: str) -> Column:
    """Whole numbers without a decimal point; others as polars writes them (3e+20, where Java has 3.0E20)."""
    from pyspark.sql import functions as sql

    whole = column.try_cast("bigint")  # null beyond the numbers of 64 bits
    exact = sql.rtrim(column.try_cast("decimal(38,18)").cast("string"), sql.lit("0"))
    exponent = sql.regexp_replace(column.cast("string"), r"(?:\.0)?E(\d)", r"e+$1")
    other = sql.regexp_replace(exponent, r"(?:\.0)?E-", "e-")
    if kind == "double":  # Java takes an exponent from ten million on; a float has no fraction there
        other = sql.when(sql.abs(column).between(1e7, 2.0**53), exact).otherwise(other)
    text = sql.when(column == whole, whole.cast("string")).otherwise(other)
    return sql.when(~sql.isnan(column), text)
