"""The naive reference reproduces the golden cases: it must be right before it may judge the engine."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.golden.load import claims_of, code_for, dated, member_of, read, score_cases
from tests.reference.naive import score_member
from tests.reference.payment import PROGRAMS, blended, normalized_and_paid, programs_of, year_of_months
from tests.reference.person import BadMember, person
from tests.reference.records import code_of, decide
from tests.reference.scoring import score
from tests.reference.tables import published

Case = dict[str, Any]


def ids(case: Case) -> str:
    return str(case["id"])


@pytest.mark.parametrize("case", score_cases(), ids=ids)
def test_score_cases(case: Case) -> None:
    year, model = case["payment_year"], case["model"]
    who = person(case["member"], year)
    found = score(who, map(code_of, case["codes"]), published(model, year), case["hierarchy_mode"])
    assert found is not None
    assert found.raw is not None
    assert (who.age, found.segment, sorted(map(int, found.hccs))) == (case["age"], case["segment"], case["hccs"])
    assert found.raw == Decimal(case["raw"])
    share = next(share for share in PROGRAMS[year]["MA"] if share.model == model)
    assert normalized_and_paid(found.raw, share) == (Decimal(case["norm"]), Decimal(case["pay"]))
    assert found.modes_disagree == (case["hccs"] in ([62], [62, 202]) and len(case["codes"]) == 3)


@pytest.mark.parametrize("case", read("programs.json"), ids=ids)
def test_programs(case: Case) -> None:
    year, mode = case["payment_year"], case.get("hierarchy_mode", "cms_python")
    codes = list(case["codes"])
    if "hccs_in" in case:
        given = case["hccs_in"]
        calibration = case["models"][0]["calibration"]
        codes += [code_for(hcc, given["model"], year, calibration) for hcc in given["hccs"]]
    if "enrollment" in case:
        check_months(case, codes)
        return
    member = score_member(member_of(case), codes, year, mode)
    for expected in case["models"]:
        key = expected["model"], expected["calibration"]
        found = member.scores[key]
        part = "D" if expected["model"].startswith("rxhcc") else "C"
        if "segment" in expected:
            assert found.segment == expected["segment"]
        if "hccs" in expected:
            assert sorted(map(int, found.hccs)) == expected["hccs"]
        if "raw" in expected:
            assert found.raw == Decimal(expected["raw"])
        if "normalized" in expected:
            assert member.paid[part, *key] == (Decimal(expected["normalized"]), Decimal(expected["payment"]))
        if "factors" in expected:
            assert found.factors == {name: Decimal(value) for name, value in expected["factors"].items()}
    for part, expected_score in case.get("risk_score", {}).items():
        assert member.risk_score[part] == Decimal(expected_score)


def check_months(case: Case, codes: list[str]) -> None:
    base, year = member_of(case), case["payment_year"]
    monthly = [score_member({**base, **dated(row)}, codes, year) for row in case["enrollment"]]
    for part, expected in case["monthly"].items():
        found = []
        for month in monthly:
            model = next(key for key in month.scores if key[0].startswith("rxhcc") == (part == "D"))
            found.append([month.scores[model].segment, str(month.risk_score[part])])
        assert found == expected
        scores = {number: month.risk_score[part] for number, month in enumerate(monthly)}
        assert year_of_months(scores) == Decimal(case["risk_score"][part])


@pytest.mark.parametrize("case", read("filters.json"), ids=ids)
def test_filters(case: Case) -> None:
    program = case.get("member", {}).get("program", "MA")
    options = {"audio_only": case["audio_only"]} if "audio_only" in case else {}
    found = decide(claims_of(case), {case["id"]: program}, case["payment_year"], **options)
    for expected in case["expect"]:
        reasons = found[case["id"], f"{case['id']}-{expected['claim_id']}", expected["diagnosis_code"]]
        assert (not reasons) == expected["counted"], reasons
        if expected["reason"]:
            assert expected["reason"] in reasons


@pytest.mark.parametrize("case", read("icd.json"), ids=ids)
def test_diagnosis_codes(case: Case) -> None:
    row = member_of(case)
    claim = {"claim_id": "A", "member_id": case["id"], "thru_date": date.fromisoformat(case["thru_date"]),
             "hcpcs": "99213", "diagnosis_codes": [code for code in case["codes"] if code]}  # fmt: skip
    expect, year = case["expect"], case["payment_year"]
    found = {code: why for (_, _, code), why in decide([claim], {case["id"]: "MA"}, year).items()}
    if "counted" in expect:
        # the reference keeps edits to the models: a code that every model edits away has passed the record filter
        assert sorted(code for code, why in found.items() if not why) == [*expect["counted"], *expect.get("edited", ())]
    for code, reasons in expect.get("against", {}).items():
        assert found[code] == set(reasons)
    counted = [code for code, why in found.items() if not why]
    for model, hccs in expect["hccs"].items():
        scored = score(person(row, year), counted, published(model, year))
        assert scored is not None
        assert sorted(map(int, scored.hccs)) == hccs


@pytest.mark.parametrize("case", [case for case in read("people.json") if "enrollment" not in case], ids=ids)
def test_people(case: Case) -> None:
    expect, year, row = case["expect"], case["payment_year"], member_of(case, {})
    if "rejected" in expect:
        with pytest.raises(BadMember, match=expect["rejected"]):
            person(row, year)
        return
    who = person(row, year)
    found = score(who, [], published("cms-hcc-v28", year))
    assert found is not None
    assert (found.segment, found.raw) == (expect["segment"], Decimal(expect["raw"]))
    assert who.age == expect.get("age", who.age)


def test_blend_rounds_half_away_from_zero() -> None:
    half = Decimal("0.5")
    assert blended([(half, Decimal("1.714")), (half, Decimal("2.001"))]) == Decimal("1.858")
    assert blended([(half, Decimal("-0.001"))]) == Decimal("-0.001")


def test_part_d_only_member_has_no_part_c_program() -> None:
    row = {"birth_date": date(1953, 6, 15), "sex": "F", "program": "none", "part_d_plan": "PDP"}
    assert programs_of(person(row, 2026)) == {"D": "PartD-PDP"}
