"""Enrollment months (RULINGS 5): a given cell speaks for its month; blank and unreadable ones are as in members."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from hcc.errors import InputError
from tests.intake.make import members, read, reasons


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


def test_what_the_dual_status_means_for_medicaid_is_left_to_the_statuses() -> None:
    """It depends on what the member's own row says (tests/pipeline/test_statuses.py)."""
    frame = enrolled(dual_status=["2", "00", "", "XX"])
    assert frame["dual_status"].to_list() == ["02", "00", None, None]
    for name in ("medicaid", "ltimcaid", "nemcaid"):
        assert frame[name].to_list() == [None] * 4


def test_medicaid_flags_are_told_by_themselves_or_by_medicaid() -> None:
    frame = enrolled(medicaid=["", "Y", "", "N"], ltimcaid=["", "", "Y", ""], dual_status=["", "", "", "02"])
    assert frame["dual_status"].to_list() == [None, None, None, "02"]
    assert frame["medicaid"].to_list() == [None, True, None, False]
    assert frame["ltimcaid"].to_list() == [None, True, True, False]
    assert frame["nemcaid"].to_list() == [None, True, None, False]


def test_esrd_by_month() -> None:
    frame = enrolled(esrd_status=["dialysis", "transplant_1", "graft", "", "none"], graft_months=["", "", "2", "", ""])
    assert frame["esrd_status"].to_list() == ["dialysis", "transplant_1", "transplant_2", None, "none"]
    assert frame["graft_months"].to_list() == [None, 1, 2, None, None]


def test_blank_and_unreadable_cells_are_null() -> None:
    frame = enrolled(
        part_b_months=["7", "", "13"], csnp=["Y", "", "x"], program=["PACE", "", "x"], medicaid=["Y", "", "x"],
        low_income_subsidy=["Y", "", "x"], long_term_institutional=["Y", "", "x"], part_d_plan=["PDP", "", "x"],
    )  # fmt: skip
    assert frame["part_b_months"].to_list() == [7, None, None]
    assert frame["program"].to_list() == ["PACE", None, None]
    for name in ("csnp", "medicaid", "ltimcaid", "low_income_subsidy", "long_term_institutional"):
        assert frame[name].to_list() == [True, None, None], name
    assert frame["part_d_plan"].to_list() == ["PDP", None, None]
    assert enrolled(hospice=["Y", "", "x"])["hospice"].to_list() == [True, False, False]


def test_an_esrd_status_that_cannot_be_read_takes_nothing_from_the_graft_months() -> None:
    frame = enrolled(esrd_status=["", "x", "x"], graft_months=["7", "7", "x"])
    assert frame["esrd_status"].to_list() == ["graft", None, None]
    assert frame["graft_months"].to_list() == [7, None, None]


UNREADABLE = [
    ("dual_status", "QMB+", "UNKNOWN_DUAL_STATUS"), ("program", "HMO", "UNKNOWN_PROGRAM"),
    ("part_b_months", "99", "BAD_PART_B_MONTHS"), ("hospice", "perhaps", "BAD_HOSPICE"),
    ("esrd_status", "x", "UNKNOWN_ESRD_STATUS"), ("part_d_plan", "x", "UNKNOWN_PART_D_PLAN"),
    ("medicaid", "x", "BAD_MEDICAID"), ("csnp", "x", "BAD_CSNP"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "word", "code"), UNREADABLE)
def test_unreadable_cells_are_told(column: str, word: str, code: str) -> None:
    """With the code that the same word has in members, in the member's data_quality, and in a note."""
    found = read(members(member_id=["M1", "M2"]), enrollment=months(**{column: [word, "", word]}))
    assert found.members["data_quality"].to_list() == [code, ""]
    told = f"enrollment: 2 month(s) with a {column} that cannot be read ({code})"
    assert [note for note in found.notes if note.startswith(told)], found.notes
    if column != "hospice":
        assert read(members(**{column: word})).members["data_quality"].to_list() == [code]


def test_codes_of_months_stand_behind_those_of_the_member_once() -> None:
    who = members(dual_status="XX")
    found = read(who, enrollment=months(dual_status=["YY", "02"], csnp=["x", "Y"]))
    assert found.members["data_quality"].to_list() == ["UNKNOWN_DUAL_STATUS,BAD_CSNP"]


def test_a_month_that_graft_months_decide_is_told_as_in_members() -> None:
    found = read(enrollment=months(esrd_status=["dialysis", ""], graft_months=["3", "7"]))
    assert found.members["data_quality"].to_list() == ["ESRD_FROM_GRAFT_MONTHS,GRAFT_MONTHS_IGNORED"]


def test_what_is_not_used_is_not_told() -> None:
    """Months of other years, and rows set aside."""
    found = read(
        enrollment=months(month=["2025-12", "2026-01", "2026-01"], csnp=["x", "x", "Y"], hospice=["", "Y", "N"])
    )
    assert found.members["data_quality"].to_list() == [""]
    assert not [note for note in found.notes if "cannot be read" in note]


def test_rows_of_unknown_members_and_of_other_years_are_counted() -> None:
    rows = months(
        member_id=["M1", "M1", "M1", "X", "X", "Y"],
        month=["2025-12", "2026-01", "2027-01", "2026-01", "2025-01", "2026-01"],
    )
    notes = read(enrollment=rows).notes
    assert [note.partition(",")[0] for note in notes] == [
        "enrollment: 3 row(s) are of members who are not in members",
        "enrollment: 2 row(s) are of months outside 2026",
    ]
    assert not read(enrollment=months()).notes


def test_cells_of_unknown_members_are_not_told() -> None:
    found = read(enrollment=months(member_id=["M1", "X"], csnp=["Y", "x"], month=["2026-01", "2026-01"]))
    assert len(found.notes) == 1
    assert "not in members" in found.notes[0]


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
