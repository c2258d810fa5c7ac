"""Codes of groups of rows, and the groups of rows that name no HCC."""

from __future__ import annotations

import polars as pl

from hcc.gaps.patterns.common import with_codes


def test_codes_of_a_group_are_sorted_and_told_once_and_no_hcc_is_no_other_member() -> None:
    rows = pl.DataFrame(
        [(7, 0, 37, "E1122"), (7, 0, 37, "E1121"), (7, 0, 37, "E1122"), (7, 0, None, "I10"), (9, 0, None, "Z853"),
         (9, 1, 37, "E119")],
        schema={"member_index": pl.UInt32, "m": pl.UInt8, "hcc": pl.UInt16, "diagnosis_code": pl.String}, orient="row",
    )  # fmt: skip
    found = with_codes(rows, ("member_index", "m", "hcc"), pl.len().alias("rows"))
    told = sorted(found.select("member_index", "m", pl.col("hcc").fill_null(0), "codes", "rows").rows())
    assert told == [(7, 0, 0, "I10", 1), (7, 0, 37, "E1121,E1122", 3), (9, 0, 0, "Z853", 1), (9, 1, 37, "E119", 1)]
