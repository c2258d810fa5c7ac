"""Members: one clean row each, assumptions flagged, the unusable set aside (SPEC P1 to P6, RULINGS 1, 2, 4)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from hcc.errors import InputError
from hcc.intake import member_frame
from hcc.tables.results import MEMBERS_SCORED
from tests.intake.make import YEAR, members, one_member, read, reasons


def test_every_column_that_results_need_is_there() -> None:
    given = set(read().members.columns)
    assert set(MEMBERS_SCORED.names) - {"run_id", "age"} == given


def test_members_are_sorted_and_typed() -> None:
    frame = read(members(member_id=["M9", "M10", "M1"])).members
    assert frame["member_id"].to_list() == ["M1", "M10", "M9"]
    assert frame.schema["birth_date"] == pl.Date
    assert frame.schema["part_b_months"] == pl.Int64
    assert frame.schema["monthly_benchmark"] == pl.Decimal(14, 2)
    assert frame.schema["medicaid"] == pl.Boolean


def test_what_is_not_given_is_assumed_and_flagged() -> None:
    member = one_member()
    assumed = {"orec": "0", "dual_status": "NA", "part_b_months": 12, "long_term_institutional": False, "csnp": False,
               "low_income_subsidy": False, "esrd_status": "none", "program": "MA", "ltimcaid": False,
               "nemcaid": False}  # fmt: skip
    for column, value in assumed.items():
        assert member[column] == value
        assert member[f"{column}_was_defaulted"] is True
    assert member["part_d_plan"] is None
    assert member["data_quality"] == ""
    assert member["status_carried_forward"] is False


@pytest.mark.parametrize("written", ["F", "f", "2", "female", " Female ", 2, 2.0])
def test_women(written: Any) -> None:
    assert one_member(sex=[written])["sex"] == "F"


@pytest.mark.parametrize("written", ["M", "m", "1", "MALE", 1])
def test_men(written: Any) -> None:
    assert one_member(sex=[written])["sex"] == "M"


@pytest.mark.parametrize("written", ["", None, "U", "X", "0", "3", "unknown"])
def test_p1_no_sex_no_score(written: Any) -> None:
    found = read(members(sex=["F", written]))
    assert found.members["member_id"].to_list() == ["M1"]
    assert reasons(found) == [("members", 2, "sex", "MISSING_SEX")]
    assert found.set_aside_members.to_list() == ["M2"]


@pytest.mark.parametrize("written", ["", "9", "x", None, "4"])
def test_p2_unknown_orec_is_age(written: Any) -> None:
    member = one_member(orec=pl.Series([written], dtype=pl.String).to_list())
    assert (member["orec"], member["orec_was_defaulted"], member["data_quality"]) == ("0", True, "UNKNOWN_OREC")


@pytest.mark.parametrize(("written", "orec"), [("1", "1"), (" 2", "2"), ("3.0", "3"), (1, "1"), (0, "0"), (2.0, "2")])
def test_orec(written: Any, orec: str) -> None:
    member = one_member(orec=[written])
    assert (member["orec"], member["orec_was_defaulted"], member["data_quality"]) == (orec, False, "")


@pytest.mark.parametrize("written", ["02", "2", "2.0", 2, 2.0, " 02 "])
def test_p3_one_dual_code_however_it_is_written(written: Any) -> None:
    member = one_member(dual_status=[written])
    assert (member["dual_status"], member["dual_status_was_defaulted"]) == ("02", False)
    assert (member["medicaid"], member["ltimcaid"], member["nemcaid"]) == (True, True, True)
    assert member["data_quality"] == ""


@pytest.mark.parametrize("written", ["QMB", "07", "full", "10", "Y"])
def test_p4_an_unknown_dual_code_is_not_dual_and_told(written: str) -> None:
    member = one_member(dual_status=written)
    assert (member["dual_status"], member["medicaid"]) == ("NA", False)
    assert (member["dual_status_was_defaulted"], member["data_quality"]) == (True, "UNKNOWN_DUAL_STATUS")


@pytest.mark.parametrize(
    ("code", "medicaid"),
    [("00", False), ("01", True), ("02", True), ("03", True), ("04", True), ("05", True), ("06", True), ("08", True),
     ("09", False), ("99", False), ("NA", False)],
)  # fmt: skip
def test_every_known_dual_code(code: str, medicaid: bool) -> None:
    member = one_member(dual_status=code)
    assert (member["dual_status"], member["medicaid"], member["data_quality"]) == (code, medicaid, "")


def test_a_blank_dual_code_is_assumed_without_doubt() -> None:
    member = one_member(dual_status=[""])
    assert (member["dual_status"], member["dual_status_was_defaulted"], member["data_quality"]) == ("NA", True, "")


def test_medicaid_fills_both_flags_and_either_may_be_given() -> None:
    member = one_member(medicaid="Y", dual_status="NA", ltimcaid="0")
    assert (member["medicaid"], member["ltimcaid"], member["nemcaid"]) == (True, False, True)
    assert (member["ltimcaid_was_defaulted"], member["nemcaid_was_defaulted"]) == (False, False)


def test_p5_born_after_the_first_of_february() -> None:
    member = one_member(birth_date=f"{YEAR}-05-01")
    assert (member["birth_date"], member["data_quality"]) == (date(YEAR, 5, 1), "BORN_AFTER_FEB1")
    assert one_member(birth_date=f"{YEAR}-02-01")["data_quality"] == ""


@pytest.mark.parametrize(
    "written", ["", None, "unknown", "1950-02-30", "50-01-01", f"{YEAR + 1}-01-01", "1700-01-01", "0001-01-01"]
)
def test_p6_no_birth_date_no_score(written: Any) -> None:
    found = read(members(birth_date=["1950-01-01", written]))
    assert found.members["member_id"].to_list() == ["M1"]
    assert reasons(found) == [("members", 2, "birth_date", "BAD_BIRTH_DATE")]
    assert found.rejected()["value"].to_list() == [written or None]


def test_the_very_old_are_kept_and_flagged() -> None:
    assert one_member(birth_date=f"{YEAR - 121}-02-01")["data_quality"] == "AGE_OVER_120"
    assert one_member(birth_date=f"{YEAR - 121}-02-02")["data_quality"] == ""  # 120 on 1 February


def test_a_member_without_id() -> None:
    found = read(members(member_id=["M1", "", None, "  "]))
    assert [row for _, row, _, _ in reasons(found)] == [2, 3, 4]
    assert {reason for *_, reason in reasons(found)} == {"MISSING_MEMBER_ID"}
    assert found.set_aside_members.to_list() == []


def test_several_faults_of_one_row_are_all_told() -> None:
    found = read(members(sex=["F", "U"], birth_date=["1950-01-01", "x"], member_id=["M1", ""]))
    assert [(column, reason) for _, _, column, reason in reasons(found)] == [
        ("birth_date", "BAD_BIRTH_DATE"),
        ("member_id", "MISSING_MEMBER_ID"),
        ("sex", "MISSING_SEX"),
    ]


def test_rows_that_say_the_same_are_read_once() -> None:
    found = read(
        members(
            member_id=["M1", "M2", "M1"], birth_date=["1950-01-01", "1951-01-01", "01/01/1950"], sex=["F", "M", "2"]
        )
    )
    assert found.members["member_id"].to_list() == ["M1", "M2"]
    assert found.notes == ["members: 1 repeated row(s) that say the same were read once."]
    assert found.rejected().is_empty()


def test_rows_that_contradict_each_other_are_all_set_aside() -> None:
    found = read(members(member_id=["M1", "M2", "M1", "M1"], sex=["F", "M", "M", "F"]))
    assert found.members["member_id"].to_list() == ["M2"]
    assert reasons(found) == [("members", row, "member_id", "DUPLICATE_MEMBER") for row in (1, 3, 4)]
    assert found.set_aside_members.to_list() == ["M1"]


def test_when_no_member_is_left_the_reasons_are_counted() -> None:
    found = read(members(birth_date=["1950-01-01", "2222-01-01"], sex=["U", "F"]))
    assert found.members.is_empty()
    assert found.rejected().height == 2
    assert found.notes == [
        "members: no row can be used (1 BAD_BIRTH_DATE, 1 MISSING_SEX); check what the columns mean and their types."
    ]


@pytest.mark.parametrize(("written", "months", "doubt"), [
    ("11", 11, ""), (0, 0, ""), ("12.0", 12, ""), ("13", 12, "BAD_PART_B_MONTHS"), ("-1", 12, "BAD_PART_B_MONTHS"),
    ("x", 12, "BAD_PART_B_MONTHS"), ("", 12, ""),
])  # fmt: skip
def test_months_of_part_b(written: Any, months: int, doubt: str) -> None:
    member = one_member(part_b_months=[written])
    assert (member["part_b_months"], member["data_quality"]) == (months, doubt)
    assert member["part_b_months_was_defaulted"] is (doubt != "" or written == "")


def test_flags_in_many_words() -> None:
    member = one_member(csnp="Y", long_term_institutional=[True], low_income_subsidy="0")
    assert (member["csnp"], member["long_term_institutional"], member["low_income_subsidy"]) == (True, True, False)
    assert not member["csnp_was_defaulted"]
    odd = one_member(csnp="perhaps")
    assert (odd["csnp"], odd["csnp_was_defaulted"], odd["data_quality"]) == (False, True, "BAD_CSNP")


@pytest.mark.parametrize(("column", "written", "read_as", "doubt"), [
    ("program", "pace", "PACE", ""), ("program", "None", "none", ""), ("program", "FFS", "MA", "UNKNOWN_PROGRAM"),
    ("part_d_plan", "MAPD", "MA-PD", ""), ("part_d_plan", "ma-pd", "MA-PD", ""), ("part_d_plan", "pdp", "PDP", ""),
    ("part_d_plan", "yes", None, "UNKNOWN_PART_D_PLAN"),
])  # fmt: skip
def test_few_words(column: str, written: str, read_as: str | None, doubt: str) -> None:
    member = one_member(**{column: written})
    assert (member[column], member["data_quality"]) == (read_as, doubt)


def test_death_and_money() -> None:
    member = one_member(death_date="20260615", monthly_benchmark="$1,050.255")
    assert (member["death_date"], member["monthly_benchmark"]) == (date(2026, 6, 15), Decimal("1050.26"))
    odd = one_member(
        death_date="1940-01-01",
        monthly_benchmark="much",
    )
    assert odd["data_quality"] == "DEATH_BEFORE_BIRTH,BAD_MONTHLY_BENCHMARK"
    assert odd["death_date"] is None, "1900-01-01 and the like stand for no date; the member is scored"
    assert one_member(death_date="1950-06-15")["death_date"] == date(1950, 6, 15), "on the day of birth"
    frame = read(members(death_date=["2026-01-01", "soon"])).members
    assert frame["data_quality"].to_list() == ["", "BAD_DEATH_DATE"]


def test_numbers_as_identifiers() -> None:
    assert read(members(member_id=[7, 12])).members["member_id"].to_list() == ["12", "7"]
    assert read(members(member_id=[7.0])).members["member_id"].to_list() == ["7"]


def test_identifiers_padded_with_blanks() -> None:
    assert read(members(member_id=["M1   ", "M2   "])).members["member_id"].to_list() == ["M1", "M2"]


# --- ESRD (RULINGS 4) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "months", "status", "month"),
    [
        ("none", None, "none", None),
        ("Dialysis", None, "dialysis", None),
        ("transplant_2", None, "transplant_2", 2),
        ("transplant 2", "2", "transplant_2", 2),
        ("graft", "1", "transplant_1", 1),  # months 1 to 3 are transplant, whatever the word
        ("graft", "3", "transplant_3", 3),
        ("graft", "4", "graft", 4),
        ("Functioning Graft", "30", "graft", 30),
        ("graft", None, "graft", None),
        ("transplant", "7", "graft", 7),
    ],
)
def test_esrd_status(word: str, months: str | None, status: str, month: int | None) -> None:
    member = one_member(esrd_status=word, graft_months=pl.Series([months], dtype=pl.String).to_list())
    assert (member["esrd_status"], member["graft_months"], member["data_quality"]) == (status, month, "")


@pytest.mark.parametrize(("word", "months"), [
    ("transplant_2", "3"), ("transplant_1", "12"), ("transplant_3", "x"), ("graft", "0"), ("graft", "-4"),
    ("graft", "x"),
])  # fmt: skip
def test_a_status_that_contradicts_its_months_is_set_aside(word: str, months: str) -> None:
    found = read(members(esrd_status=["none", word], graft_months=["", months]))
    assert found.members["member_id"].to_list() == ["M1"]
    assert reasons(found) == [("members", 2, "graft_months", "BAD_GRAFT_MONTHS")]


def test_months_beside_another_status_are_not_used_and_told() -> None:
    member = one_member(esrd_status="dialysis", graft_months="30")
    assert (member["esrd_status"], member["graft_months"]) == ("dialysis", None)
    assert member["data_quality"] == "GRAFT_MONTHS_IGNORED"


def test_months_alone_tell_the_status() -> None:
    member = one_member(graft_months="5")
    assert (member["esrd_status"], member["graft_months"]) == ("graft", 5)
    assert (member["esrd_status_was_defaulted"], member["data_quality"]) == (False, "ESRD_FROM_GRAFT_MONTHS")


def test_an_unknown_esrd_word() -> None:
    member = one_member(esrd_status="kidney")
    assert (member["esrd_status"], member["esrd_status_was_defaulted"]) == ("none", True)
    assert member["data_quality"] == "UNKNOWN_ESRD_STATUS"


# --- one member in words -----------------------------------------------------------------------------------------


def test_one_member_in_words_is_read_like_a_row() -> None:
    frame, rejected = member_frame(
        {"member_id": "one", "birth_date": date(1950, 6, 15), "sex": 2, "orec": 1, "dual_status": "2", "csnp": None},
        YEAR,
    )
    assert rejected.is_empty()
    table = read(members(member_id="one", orec="1", dual_status="2")).members
    assert frame.rows() == table.rows()
    assert frame.schema == table.schema


def test_one_member_without_what_it_takes() -> None:
    frame, rejected = member_frame({"member_id": "one", "birth_date": "x", "sex": "U"}, YEAR)
    assert frame.is_empty()
    assert rejected["reason"].to_list() == ["BAD_BIRTH_DATE", "MISSING_SEX"]
    frame, rejected = member_frame({"member_id": "one", "birth_date": None, "sex": "F"}, YEAR)
    assert rejected["reason"].to_list() == ["BAD_BIRTH_DATE"]


def test_a_word_that_is_no_column_is_told() -> None:
    with pytest.raises(InputError, match="Did you mean 'dual_status'"):
        member_frame({"member_id": "one", "birth_date": "1950-01-01", "sex": "F", "dualstatus": "02"}, YEAR)


@pytest.mark.parametrize("word", ["none", "None ", "no", "N", ""])
def test_no_part_d_plan_may_be_said(word: str) -> None:
    """RULINGS 3: null is none, and so is the word."""
    one = one_member(part_d_plan=word)
    assert (one["part_d_plan"], one["data_quality"]) == (None, "")
    mixed = read(members(part_d_plan=["PDP", word, "x"])).members
    assert mixed["part_d_plan"].cast(pl.String).to_list() == ["PDP", None, None]
    assert mixed["data_quality"].to_list() == ["", "", "UNKNOWN_PART_D_PLAN"]


def test_numbers_of_providers_and_plans_lose_what_spreadsheets_add() -> None:
    member = one_member(pcp_npi=" 1234567890.0", pbp_id="1.0", contract_id="H1234")
    assert (member["pcp_npi"], member["pbp_id"], member["contract_id"]) == ("1234567890", "1", "H1234")
    assert one_member(pbp_id="001")["pbp_id"] == "001"


def test_other_text_in_their_place_stays_as_it_is() -> None:
    assert one_member(pcp_npi="Dr. No 1.0")["pcp_npi"] == "Dr. No 1.0"
