"""eligibility/ against SPEC R-3.3, R-3.7 and the cases F1–F36."""

from __future__ import annotations

import polars as pl
import pytest

from hcc.rules.eligibility import (
    audio_only,
    bill_types,
    claim_types,
    nearest_list_year,
    procedure_codes,
    procedure_list_years,
    weak_face_to_face,
)

IN_2026 = [
    "99202",
    "99215",
    "99281",
    "99285",
    "99304",
    "99309",
    "99341",
    "99350",
    "G0402",
    "G0438",
    "G0439",
    "99490",
    "99495",
    "99496",
    "99483",
    "90834",
    "97110",
    "92014",
    "96372",
    "93306",
    "90935",
    "90937",
    "90960",
    "90999",
    "G0151",
    "G0463",
    "99024",
    "G2010",
    "G2252",
]
NOT_IN_2026 = [
    "99441",
    "99443",
    "98966",
    "98968",
    "98000",
    "98016",
    "99421",
    "99423",
    "80053",
    "83036",
    "36415",
    "71045",
    "70450",
    "93000",
    "A0428",
    "E0601",
    "E1390",
    "88305",
    "77067",
    "G0101",
    "J1100",
    "99315",
    "99453",
    "99457",
    "99497",
    "T1015",
    "G0506",
    "3044F",
    "G2012",
]


def test_anchors_of_the_2026_list() -> None:
    codes = set(procedure_codes([2026])["hcpcs"])
    assert set(IN_2026) <= codes
    assert not codes & set(NOT_IN_2026)
    assert len(codes) == 6792


def test_the_list_of_the_service_year_decides() -> None:
    frame = procedure_codes([2023, 2025])
    assert frame.columns == ["hcpcs", "service_year", "list_year"]
    years = frame.filter(pl.col("hcpcs") == "G2012")["service_year"].to_list()
    assert years == [2023]  # SPEC F31: in for services of 2023, out for those of 2025


def test_a_year_without_a_list_is_judged_by_the_nearest_and_says_so() -> None:
    assert procedure_list_years() == [2023, 2024, 2025, 2026]
    frame = procedure_codes([2022, 2026, 2027, 2027])
    assert frame.group_by("service_year", "list_year").len().sort("service_year").select(
        "service_year", "list_year"
    ).rows() == [(2022, 2023), (2026, 2026), (2027, 2026)]


def test_of_two_equally_near_lists_the_later() -> None:
    assert nearest_list_year(2024, [2023, 2025]) == 2025


def test_no_service_years_no_codes() -> None:
    assert procedure_codes([]).height == 0


@pytest.mark.parametrize(
    ("prefix", "claim_type", "eligible", "needs_procedure"),
    [
        ("11", "inpatient", True, False),
        ("41", "inpatient", True, False),
        *((prefix, "outpatient", True, True) for prefix in ("12", "13", "43", "71", "73", "76", "77", "85", "87")),
        *((prefix, "other", False, False) for prefix in ("18", "21", "22", "23", "32", "33", "34", "72", "81", "82")),
    ],
)
def test_bill_types(prefix: str, claim_type: str, eligible: bool, needs_procedure: bool) -> None:
    (row,) = bill_types().filter(pl.col("prefix") == prefix).drop("source").rows()
    assert row == (prefix, claim_type, eligible, needs_procedure)


def test_claim_types() -> None:
    assert {row[0]: row[1:3] for row in claim_types().rows()} == {
        "professional": (True, True),
        "inpatient": (True, False),
        "outpatient": (True, True),
        "dme": (False, False),
        "other": (False, False),
    }


def test_audio_only_marks() -> None:
    marks = {(kind, code) for kind, code, _ in audio_only().rows()}
    assert {("modifier", "93"), ("modifier", "FQ"), ("hcpcs", "99441"), ("hcpcs", "98968")} <= marks
    assert ("modifier", "95") not in marks  # audio and video is face to face (SPEC)


def test_weak_face_to_face_codes_are_on_a_list() -> None:
    weak = set(weak_face_to_face()["hcpcs"])
    assert {"G2010", "G2252"} <= weak
    assert weak <= set(procedure_codes(procedure_list_years())["hcpcs"])
