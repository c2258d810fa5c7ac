"""Enrollment months (RULINGS 5): a given cell speaks for its month; blank ones, and columns not given, are as in members."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from hcc.errors import InputError
from tests.intake.make import read, reasons


def months(**columns: Any) -> pl.DataFrame:
    size = max([len(v) for v in columns.values() if isinstance(v, list)], default=1)
    base = {"member_id": ["M1"] * size, "month": [f"2026-{i:02d}-01" for i in range(1, size + 1)]}
    return pl.DataFrame(base | columns, strict=False)


def enrolled(**columns: Any) -> pl.DataFrame:
    frame = read(enrollment=months(**columns)).enrollment
    assert frame is not None
    return frame


@pytest.mark.parametrize(
    "written", ["2026-03", "202603", "2026-03-15", "20260301", 202603, 20260315, date(2026, 3, 9), "3/1/2026", "2026-3"]
)
def test_a_month_in_any_form_is_its_first_day(written: Any) -> None:
    assert enrolled(month=[written])["month"].to_list() == [date(2026, 3, 1)]


def test_only_the_columns_that_are_given() -> None:
    assert enrolled().columns == ["member_id", "month"]
    assert enrolled(hospice=["Y", ""])["hospice"].to_list() == [True, False]


def test_dual_status_of_the_month_decides_about_medicaid() -> None:
    frame = enrolled(dual_status=["2", "00", "", "XX"])
    assert frame["dual_status"].to_list() == ["02", "00", None, "NA"], "unreadable is not blank: not dual (SPEC 1.1)"
    for name in ("medicaid", "ltimcaid", "nemcaid"):
        assert frame[name].to_list() == [True, False, None, False]


def test_medicaid_flags_are_told_by_themselves_or_by_the_dual_status() -> None:
    frame = enrolled(medicaid=["", "Y", "", ""], ltimcaid=["", "", "Y", ""], dual_status=["", "", "", "02"])
    assert frame["dual_status"].to_list() == [None, None, None, "02"]
    assert frame["medicaid"].to_list() == [None, True, None, True]
    assert frame["ltimcaid"].to_list() == [None, True, True, True]
    assert frame["nemcaid"].to_list() == [None, True, None, True]


def test_esrd_by_month() -> None:
    frame = enrolled(esrd_status=["dialysis", "transplant_1", "graft", "", "none"], graft_months=["", "", "2", "", ""])
    assert frame["esrd_status"].to_list() == ["dialysis", "transplant_1", "transplant_2", None, "none"]
    assert frame["graft_months"].to_list() == [None, 1, 2, None, None]


def test_blank_cells_are_null_and_unreadable_ones_the_default() -> None:
    frame = enrolled(part_b_months=["7", "", "13"], csnp=["Y", "", "x"], program=["PACE", "", "x"])
    assert frame["part_b_months"].to_list() == [7, None, 12]
    assert frame["csnp"].to_list() == [True, None, False]
    assert frame["program"].to_list() == ["PACE", None, "MA"]


def test_rows_that_cannot_be_used() -> None:
    frame = months(
        member_id=["M1", "", "M1", "M1", "M1", "M1"],
        month=["2026-01", "2026-01", "x", "2026-02", "2026-03", "2026-03"],
        esrd_status=["none", "none", "none", "transplant_1", "none", "dialysis"],
        graft_months=["", "", "", "5", "", ""],
    )
    found = read(enrollment=frame)
    assert found.enrollment is not None
    assert found.enrollment["month"].to_list() == [date(2026, 1, 1)]
    assert reasons(found) == [
        ("enrollment", 2, "member_id", "MISSING_MEMBER_ID"),
        ("enrollment", 3, "month", "BAD_MONTH"),
        ("enrollment", 4, "graft_months", "BAD_GRAFT_MONTHS"),
        ("enrollment", 5, "month", "DUPLICATE_MONTH"),
        ("enrollment", 6, "month", "DUPLICATE_MONTH"),
    ]


def test_months_that_say_the_same_are_read_once() -> None:
    found = read(enrollment=months(month=["2026-01", "202601"], hospice=["1", "true"]))
    assert found.enrollment is not None
    assert found.enrollment.height == 1
    assert found.notes == ["enrollment: 1 repeated row(s) that say the same were read once."]


def test_an_empty_table_is_an_error() -> None:
    with pytest.raises(InputError, match="enrollment: there is no row"):
        read(enrollment=months().head(0))
    with pytest.raises(InputError, match="'month' is missing"):
        read(enrollment=months().drop("month"))
