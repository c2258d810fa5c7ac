"""Which codes a claim of the data-collection year can carry: a candidate has to be one of them (mappings/icd10cm)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.context import GapContext
from hcc.rules.icd10cm import mapped_codes
from hcc.rules.retired import retired_codes


def not_in_year(context: GapContext) -> pl.DataFrame:
    """diagnosis_code: codes that ended before the data-collection year or begin after it."""
    ended, to_come = pl.col("valid_to") < context.year_start, pl.col("valid_from") > context.year_end
    codes = mapped_codes(context.mappings)
    return codes.filter(ended.fill_null(False) | to_come.fill_null(False)).select("diagnosis_code").unique()


def successors(context: GapContext) -> pl.DataFrame:
    """diagnosis_code, successor: what codes retired since could be, as far as valid in the data-collection year."""
    table = _could_be(context).rename({"could_be": "successor"})
    return table.join(not_in_year(context), left_on="successor", right_on="diagnosis_code", how="anti")


def _could_be(context: GapContext) -> pl.DataFrame:
    """diagnosis_code, could_be: one row per successor of a code that ended."""
    return retired_codes(context.mappings).select("diagnosis_code", "could_be")


def claimable(context: GapContext, noted: pl.DataFrame, *, on_its_day: bool) -> pl.DataFrame:
    """``noted`` (date, diagnosis_code and more), its codes as a claim can carry them: on the day, or within the year.

    Out: ``told``, the code as written; ``diagnosis_code``, a code in its place, one row each (what it was split into, or
    what it came from); ``candidate``: whether that is valid then: a code without a known other is kept, but is none;
    ``others``: how many codes stand in the place of ``told``, 0 where it is valid itself.
    """
    codes = mapped_codes(context.mappings).select("diagnosis_code", "valid_from", "valid_to").unique("diagnosis_code")
    first, last = (pl.col("date"), pl.col("date")) if on_its_day else (context.year_start, context.year_end)
    over = (pl.col("valid_to") < first).fill_null(False) | (pl.col("valid_from") > last).fill_null(False)
    told = noted.join(codes, on="diagnosis_code", how="left").with_columns(over.alias("_over")).drop("valid_from", "valid_to")
    told = told.rename({"diagnosis_code": "told"}).with_row_index("_entry")
    split = _could_be(context)
    joined = split.select(pl.col("could_be").alias("diagnosis_code"), pl.col("diagnosis_code").alias("could_be"))
    either = pl.concat([split, joined]).rename({"diagnosis_code": "told", "could_be": "diagnosis_code"})
    gone = told.filter("_over")
    other = gone.join(either, on="told").join(codes, on="diagnosis_code", how="left").filter(~over)
    other = other.with_columns(pl.lit(True).alias("candidate"), pl.len().over("_entry").alias("others"))
    unknown = gone.join(other.select("_entry").unique(), on="_entry", how="anti")
    parts = [
        told.filter(~pl.col("_over")).with_columns(pl.lit(True).alias("candidate")),
        unknown.with_columns(pl.lit(False).alias("candidate")),
    ]
    alone = [p.with_columns(pl.col("told").alias("diagnosis_code"), pl.lit(0, pl.UInt32).alias("others")) for p in parts]
    columns = [*noted.columns, "told", "candidate", "others"]
    return pl.concat([part.select(columns) for part in (*alone, other)])
