"""The Tuva input layer (RULINGS 12), on rows made up here."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from hcc.intake import Inputs, read_inputs
from tests.intake.make import reasons

PY = 2026


def spans(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {"person_id": "P1", "member_id": "A", "gender": "female", "birth_date": "1950-06-15", "death_date": None,
            "enrollment_start_date": "2024-01-01", "enrollment_end_date": "2026-12-31",
            "original_reason_entitlement_code": "0", "dual_status_code": None, "enrollment_status": None,
            "hospice_flag": "0", "snp_type": None, "long_term_institutional_flag": "0",
            "low_income_subsidy_indicator": None, "medicaid_indicator": None, "esrd_status": None,
            "transplant_duration_months": None, "payer": "medicare"}  # fmt: skip
    return pl.DataFrame([base | row for row in (rows or ({},))], schema=dict.fromkeys(base, pl.String))


def medical(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {"claim_id": "C1", "claim_line_number": "1", "claim_type": "professional", "person_id": "P1",
            "member_id": "A", "claim_start_date": "2025-03-01", "claim_end_date": "2025-03-09",
            "claim_line_start_date": None, "claim_line_end_date": None, "admission_date": None, "discharge_date": None,
            "place_of_service_code": "11", "bill_type_code": None, "hcpcs_code": "99213", "hcpcs_modifier_1": "25",
            "rendering_npi": "1234567893", "diagnosis_code_type": "icd-10-pcs", "diagnosis_code_1": "E11.22",
            "diagnosis_code_2": None, "diagnosis_code_25": "I509"}  # fmt: skip
    return pl.DataFrame([base | row for row in (rows or ({},))], schema=dict.fromkeys(base, pl.String))


def read(eligibility: Any = None, claims: Any = None, **more: Any) -> Inputs:
    return read_inputs(
        members=spans() if eligibility is None else eligibility, claims=medical() if claims is None else claims,
        layout="tuva", payment_year=PY, **more,
    )  # fmt: skip


def member(*rows: dict[str, Any]) -> dict[str, Any]:
    frame = read(spans(*rows)).members
    assert frame.height == 1
    return frame.row(0, named=True)


def test_the_span_that_covers_the_first_of_january() -> None:
    one = member(
        {"enrollment_end_date": "2025-12-31", "dual_status_code": "01"},
        {"enrollment_start_date": "2026-01-01", "dual_status_code": "2.0"},
        {"enrollment_start_date": "2026-02-01", "dual_status_code": "04"},
    )
    assert (one["dual_status"], one["medicaid"], one["status_carried_forward"]) == ("02", True, False)


def test_else_the_latest_earlier_span_carried_forward() -> None:
    one = member(
        {"enrollment_end_date": "2024-06-30", "dual_status_code": "01"},
        {"enrollment_start_date": "2024-08-01", "enrollment_end_date": "2025-10-31", "dual_status_code": "08"},
        {"enrollment_start_date": "2026-02-01", "dual_status_code": "04"},
    )
    assert (one["dual_status"], one["status_carried_forward"], one["data_quality"]) == ("08", True, "")


def test_else_the_first_later_span_told() -> None:
    one = member(
        {"enrollment_start_date": "2026-05-01", "dual_status_code": "04"},
        {"enrollment_start_date": "2026-02-01", "enrollment_end_date": "2026-03-31", "dual_status_code": "01"},
    )
    assert (one["dual_status"], one["status_carried_forward"]) == ("01", False)
    assert one["data_quality"] == "STATUS_FROM_LATER_SPAN"


def test_of_two_spans_on_the_day_the_later_begun_counts_and_an_open_end_still_runs() -> None:
    one = member(
        {"enrollment_start_date": "2020-01-01", "enrollment_end_date": None, "dual_status_code": "01"},
        {"enrollment_start_date": "2025-07-01", "enrollment_end_date": None, "dual_status_code": "02"},
    )
    assert (one["dual_status"], one["status_carried_forward"]) == ("02", False)


def test_months_of_part_b_are_assumed_unless_the_span_says_new() -> None:
    one = member()
    assert (one["part_b_months"], one["part_b_months_was_defaulted"]) == (12, True)
    new = member({"enrollment_status": "New"})
    assert (new["part_b_months"], new["part_b_months_was_defaulted"]) == (0, False)
    later = member(
        {"enrollment_end_date": "2025-12-31", "enrollment_status": "New"}, {"enrollment_start_date": "2026-01-01"}
    )
    assert later["part_b_months"] == 12


@pytest.mark.parametrize(
    ("flag", "status", "institutional"),
    [("1", None, True), ("0", "Institutional", False), (None, "Institutional", True), ("0", "Continuing", False)],
)
def test_long_term_institutional(flag: str | None, status: str | None, institutional: bool) -> None:
    assert (
        member({"long_term_institutional_flag": flag, "enrollment_status": status})["long_term_institutional"]
        is institutional
    )


@pytest.mark.parametrize(
    ("kind", "csnp", "defaulted"), [("C-SNP", True, False), ("I-SNP", False, False), (None, False, True)]
)
def test_special_needs_plans(kind: str | None, csnp: bool, defaulted: bool) -> None:
    one = member({"snp_type": kind})
    assert (one["csnp"], one["csnp_was_defaulted"]) == (csnp, defaulted)


@pytest.mark.parametrize(
    ("row", "status", "months", "doubt"),
    [
        ({}, "none", None, ""),
        ({"enrollment_status": "ESRD"}, "dialysis", None, "ESRD_ASSUMED_DIALYSIS"),
        ({"esrd_status": "1"}, "dialysis", None, "ESRD_ASSUMED_DIALYSIS"),
        ({"esrd_status": "0"}, "none", None, ""),
        ({"esrd_status": "1", "transplant_duration_months": "2"}, "transplant_2", 2, ""),
        ({"esrd_status": "1", "transplant_duration_months": "20"}, "graft", 20, ""),
        ({"transplant_duration_months": "0"}, "none", None, ""),  # no transplant
        ({"esrd_status": "1", "transplant_duration_months": "0"}, "dialysis", None, "ESRD_ASSUMED_DIALYSIS"),
        ({"esrd_status": "0", "transplant_duration_months": "0.0"}, "none", None, ""),
    ],
)
def test_esrd(row: dict[str, Any], status: str, months: int | None, doubt: str) -> None:
    one = member(row)
    assert (one["esrd_status"], one["graft_months"], one["data_quality"]) == (status, months, doubt)


def test_identity_sex_entitlement_death() -> None:
    one = member({"member_id": "", "gender": "male", "original_reason_entitlement_code": "1",
                  "low_income_subsidy_indicator": "1"},
                 {"member_id": None, "enrollment_start_date": "2020-01-01", "enrollment_end_date": "2020-12-31",
                  "death_date": "2026-02-03"})  # fmt: skip
    assert (one["member_id"], one["sex"], one["orec"]) == ("P1", "M", "1")
    assert (one["death_date"], one["low_income_subsidy"]) == (date(2026, 2, 3), True)


def test_the_newer_name_of_sex() -> None:
    frame = spans().rename({"gender": "sex"})
    assert read(frame).members["sex"].to_list() == ["F"]


def test_spans_that_make_no_sense_are_set_aside() -> None:
    found = read(
        spans(
            {"dual_status_code": "02"},
            {"enrollment_start_date": None},
            {"enrollment_start_date": "2026-05-01", "enrollment_end_date": "2026-04-01"},
            {"enrollment_end_date": "never"},
        )
    )
    assert found.members["dual_status"].to_list() == ["02"]
    assert reasons(found) == [("members", row, "enrollment span", "BAD_ENROLLMENT_SPAN") for row in (2, 3, 4)]


def test_bad_members_are_told_by_the_row_of_their_span() -> None:
    found = read(spans({"member_id": "A"}, {"member_id": "B", "gender": "unknown"}))
    assert reasons(found) == [("members", 2, "sex", "MISSING_SEX")]


def line(**row: Any) -> dict[str, Any]:
    return read(claims=medical(row)).claims.collect().row(0, named=True)


def test_dates_of_a_line_else_of_the_claim() -> None:
    assert (line()["from_date"], line()["thru_date"]) == (date(2025, 3, 1), date(2025, 3, 9))
    own = line(claim_line_start_date="2025-03-02", claim_line_end_date="2025-03-03")
    assert (own["from_date"], own["thru_date"]) == (date(2025, 3, 2), date(2025, 3, 3))


def test_an_inpatient_stay_has_its_discharge_date() -> None:
    stay = {"claim_type": "institutional", "bill_type_code": "111", "claim_line_end_date": "2025-03-04"}
    one = line(**stay, discharge_date="2025-03-08", admission_date="2025-02-27")
    assert (one["claim_type"], one["from_date"], one["thru_date"]) == ("inpatient", date(2025, 2, 27), date(2025, 3, 8))
    assert line(**stay)["thru_date"] == date(2025, 3, 9), "the claim's end where no discharge date is given"
    running = line(**stay, discharge_date="9999-12-31")
    assert running["thru_date"] == date(2025, 3, 9), "a placeholder is no discharge date"
    outpatient = line(**(stay | {"bill_type_code": "0131"}), discharge_date="2025-03-08")
    assert (outpatient["claim_type"], outpatient["thru_date"]) == ("outpatient", date(2025, 3, 4))


def test_claims_without_claim_type_and_type_of_bill() -> None:
    frame = medical({"discharge_date": "2025-03-08"}).drop("claim_type", "bill_type_code")
    assert read(claims=frame).claims.collect()["thru_date"].to_list() == [date(2025, 3, 9)]


def test_columns_of_a_line() -> None:
    one = line(bill_type_code="0137", claim_type="institutional")
    assert (one["bill_type"], one["frequency_code"], one["hcpcs"], one["modifier_1"]) == ("137", "7", "99213", "25")
    assert (one["place_of_service"], one["rendering_npi"], one["line_number"]) == ("11", "1234567893", 1)


@pytest.mark.parametrize(
    ("theirs", "bill", "ours"),
    [("dental", None, "other"), ("vision", None, "other"), ("institutional", None, "outpatient"),
     ("undetermined", None, "professional"), ("undetermined", "111", "inpatient")],
)  # fmt: skip
def test_their_words_for_claim_types(theirs: str, bill: str | None, ours: str) -> None:
    assert line(claim_type=theirs, bill_type_code=bill)["claim_type"] == ours


def test_the_code_type_is_ignored() -> None:
    found = read()
    assert sorted(found.claim_diagnoses.collect()["diagnosis_code"]) == ["E1122", "I509"]


def test_pharmacy() -> None:
    rx = pl.DataFrame({"claim_id": ["R1"], "person_id": ["P1"], "member_id": ["A"], "dispensing_date": ["2025-01-02"],
                       "paid_date": ["2025-02-02"], "ndc_code": ["00002869730"], "days_supply": ["30"]})  # fmt: skip
    row = read(pharmacy=rx).extras["pharmacy"].collect().row(0, named=True)
    assert (row["member_id"], row["fill_date"], row["ndc"], row["days_supply"]) == (
        "A",
        date(2025, 1, 2),
        "00002869730",
        30,
    )


def test_months_only_on_request() -> None:
    assert read().enrollment is None
    frame = read(
        spans(
            {"enrollment_end_date": "2026-03-15", "dual_status_code": "02", "hospice_flag": "1"},
            {"enrollment_start_date": "2026-03-01", "enrollment_end_date": "2026-04-30"},
            {"member_id": "B", "gender": "unknown"},
        ),
        enrollment_from_spans=True,
    ).enrollment
    assert frame is not None
    assert frame["member_id"].unique().to_list() == ["A"], "members that are set aside have no months"
    assert frame["month"].to_list() == [date(2026, m, 1) for m in (1, 2, 3, 4)]
    assert frame["dual_status"].to_list() == ["02", "02", "NA", "NA"], "of two spans the later begun counts"
    assert frame["hospice"].to_list() == [True, True, False, False]


def test_their_table_names_in_a_database(tmp_path: Path) -> None:
    path = tmp_path / "tuva.duckdb"
    connection = duckdb.connect(str(path))
    for name, frame in (("eligibility", spans()), ("medical_claim", medical())):
        connection.register("frame", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    connection.close()
    found = read(path, path)
    assert found.members["member_id"].to_list() == ["A"]
    assert found.claims.collect()["claim_id"].to_list() == ["C1"]


@pytest.mark.parametrize(("rows", "told"), [
    (({}, {"birth_date": "1935-06-15", "enrollment_start_date": "2025-07-01"}), "SPANS_DIFFER_IN_BIRTH_DATE"),
    (({"gender": "male"}, {}), "SPANS_DIFFER_IN_SEX"),
    (({}, {"gender": "male", "birth_date": "1935-06-15"}), "SPANS_DIFFER_IN_BIRTH_DATE,SPANS_DIFFER_IN_SEX"),
    (({}, {"gender": "F", "birth_date": "6/15/1950"}), ""),
    (({}, {"gender": "unknown", "birth_date": None, "enrollment_end_date": "2024-12-31"}), ""),
    (({}, {"person_id": "P2", "member_id": "B", "gender": "male", "birth_date": "1935-06-15"}), ""),
])  # fmt: skip
def test_spans_that_contradict_each_other_in_what_no_span_can_change(rows: Any, told: str) -> None:
    found = read(spans(*rows)).members
    assert set(found["data_quality"].to_list()) == {told}
