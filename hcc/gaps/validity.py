"""Which codes a claim of the data-collection year can carry: a candidate has to be one of them (mappings/icd10cm)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.context import GapContext
from hcc.rules.folders import find
from hcc.rules.icd10cm import mapped_codes


def not_in_year(context: GapContext) -> pl.DataFrame:
    """diagnosis_code: codes that ended before the data-collection year or begin after it."""
    ended, to_come = pl.col("valid_to") < context.year_start, pl.col("valid_from") > context.year_end
    codes = mapped_codes(context.mappings)
    return codes.filter(ended.fill_null(False) | to_come.fill_null(False)).select("diagnosis_code").unique()


def successors(context: GapContext) -> pl.DataFrame:
    """diagnosis_code, successor: what codes retired since could be, as far as valid in the data-collection year."""
    table = pl.read_csv(find("gaps", "retired_codes.csv", mappings=context.mappings), infer_schema=False)
    table = table.select("diagnosis_code", pl.col("could_be").str.split("|").alias("successor")).explode("successor")
    return table.join(not_in_year(context), left_on="successor", right_on="diagnosis_code", how="anti")
