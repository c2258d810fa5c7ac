"""The engine reproduces the golden cases, all cases of a year and model in one run."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

import hcc
from tests.golden.engine import Answer, ask, rows_of
from tests.golden.load import claims_of, code_for, dated, member_of, office_visit, read, score_cases, visit_on

Case = dict[str, Any]


def ids(case: Case) -> str:
    return str(case["id"])


@cache
def score_run(payment_year: int, model: str, mode: str) -> Answer:
    """One run for all score cases of a year, model and hierarchy mode."""
    chosen = [
        case
        for case in score_cases()
        if (case["payment_year"], case["model"], case["hierarchy_mode"]) == (payment_year, model, mode)
    ]
    members = [{**case["member"], "member_id": case["id"]} for case in chosen]
    claims = [row for case in chosen for row in office_visit(case["id"], case["codes"], payment_year)]
    return ask(members, claims, payment_year, models=[model], hierarchy_mode=mode)


@pytest.mark.parametrize("case", score_cases(), ids=ids)
def test_score_cases(case: Case) -> None:
    answer = score_run(case["payment_year"], case["model"], case["hierarchy_mode"])
    found = answer.scored[case["id"], case["model"], ""]
    assert (found.segment, sorted(map(int, found.hccs))) == (case["segment"], case["hccs"])
    assert (found.raw, found.normalized, found.paid) == (
        Decimal(case["raw"]), Decimal(case["norm"]), Decimal(case["pay"]),
    )  # fmt: skip
    assert sum(found.factors.values(), Decimal(0)) == found.raw


def program_codes(case: Case) -> list[str]:
    """Codes of a case, categories handed in directly included."""
    codes = list(case["codes"])
    if "hccs_in" in case:
        given, calibration = case["hccs_in"], case["models"][0]["calibration"]
        codes += [code_for(hcc, given["model"], case["payment_year"], calibration) for hcc in given["hccs"]]
    return codes


@cache
def program_run(payment_year: int, mode: str, monthly: bool) -> Answer:
    """One run, programme by member, for all programme cases of a year."""
    chosen = [
        case
        for case in read("programs.json")
        if (case["payment_year"], case.get("hierarchy_mode", "cms_python"), "enrollment" in case)
        == (payment_year, mode, monthly)
    ]
    members = [member_of(case) for case in chosen]
    claims = [row for case in chosen for row in office_visit(case["id"], program_codes(case), payment_year)]
    enrollment = None
    if monthly:
        base = ("dual_status", "medicaid", "part_b_months", "program", "part_d_plan")
        enrollment = [
            {"member_id": member["member_id"], **{name: member[name] for name in base if name in member}, **dated(row)}
            for case, member in zip(chosen, members, strict=True)
            for row in case["enrollment"]
        ]
    return ask(members, claims, payment_year, hierarchy_mode=mode, enrollment=enrollment)


@pytest.mark.parametrize("case", [case for case in read("programs.json") if "enrollment" not in case], ids=ids)
def test_programs(case: Case) -> None:
    answer = program_run(case["payment_year"], case.get("hierarchy_mode", "cms_python"), False)
    for expected in case["models"]:
        found = answer.scored[case["id"], expected["model"], expected["calibration"]]
        if "segment" in expected:
            assert found.segment == expected["segment"]
        if "hccs" in expected:
            assert sorted(map(int, found.hccs)) == expected["hccs"]
        if "raw" in expected:
            assert found.raw == Decimal(expected["raw"])
        if "normalized" in expected:
            assert (found.normalized, found.paid) == (Decimal(expected["normalized"]), Decimal(expected["payment"]))
        if "factors" in expected:
            assert found.factors == {name: Decimal(value) for name, value in expected["factors"].items()}
    for part, expected_score in case.get("risk_score", {}).items():
        assert answer.risk_score[case["id"], part] == Decimal(expected_score)


@pytest.mark.parametrize("case", [case for case in read("programs.json") if "enrollment" in case], ids=ids)
def test_months(case: Case) -> None:
    answer = program_run(case["payment_year"], "cms_python", True)
    for part, expected in case["monthly"].items():
        rows = [row for row in rows_of(answer.run.scores) if row["member_id"] == case["id"] and row["part"] == part]
        rows.sort(key=lambda row: row["month"])
        assert [row["month"] for row in rows] == [date(case["payment_year"], month, 1) for month in range(1, 13)]
        assert [[row["segment"], str(row["payment_score"])] for row in rows] == expected
        assert answer.risk_score[case["id"], part] == Decimal(case["risk_score"][part])


@cache
def filter_run(payment_year: int, audio_only: str | None) -> Answer:
    """One run for all filter cases of a year."""
    chosen = [
        case
        for case in read("filters.json")
        if (case["payment_year"], case.get("audio_only")) == (payment_year, audio_only)
    ]
    options = {} if audio_only is None else {"audio_only": audio_only}
    return ask(map(member_of, chosen), [row for case in chosen for row in claims_of(case)], payment_year, **options)


@pytest.mark.parametrize("case", read("filters.json"), ids=ids)
def test_filters(case: Case) -> None:
    answer = filter_run(case["payment_year"], case.get("audio_only"))
    for expected in case["expect"]:
        counted, reason, _ = answer.decisions[
            case["id"], f"{case['id']}-{expected['claim_id']}", expected["diagnosis_code"]
        ]
        assert counted == expected["counted"], reason
        assert (reason == "COUNTED") == counted
        if expected["reason"]:
            assert reason == expected["reason"]
    for model, hccs in case.get("hccs", {}).items():
        assert sorted(map(int, answer.scored[case["id"], model, ""].hccs)) == hccs
    if "evidence" in case:
        wanted = case["evidence"]
        table = rows_of(answer.run.member_hccs)
        found = [row for row in table if (row["member_id"], row["model"]) == (case["id"], wanted["model"])]
        assert [(row["hcc"], row["claims"]) for row in found] == [(wanted["hcc"], wanted["claims"])]


def test_audio_only_is_flagged_even_where_it_counts() -> None:
    flagged = filter_run(2026, "cms_filter_pre2027").decisions["F27-filter", "F27-filter-A", "E119"]
    assert "AUDIO_ONLY" in (flagged[2] or "")


@cache
def code_run(case_id: str) -> Answer:
    """One run per code case: unmapped codes are counted per run."""
    case = next(case for case in read("icd.json") if case["id"] == case_id)
    claims = visit_on(case["id"], case["codes"], date.fromisoformat(case["thru_date"]))
    return ask([member_of(case)], claims, case["payment_year"], models=sorted(case["expect"]["hccs"]))


@pytest.mark.parametrize("case", read("icd.json"), ids=ids)
def test_diagnosis_codes(case: Case) -> None:
    answer, expect = code_run(case["id"]), case["expect"]
    if "counted" in expect:
        assert sorted(code for (_, _, code), found in answer.decisions.items() if found[0]) == expect["counted"]
    for code, reasons in expect.get("against", {}).items():
        assert answer.decisions[case["id"], f"{case['id']}-0", code][1] in reasons
    for code, reason in expect.get("edited", {}).items():
        assert answer.decisions[case["id"], f"{case['id']}-0", code][1] == reason
    if "unmapped" in expect:
        assert not answer.decisions
        ((code, reason),) = answer.unmapped.items()
        assert reason in expect["unmapped"][code]
    for model, hccs in expect["hccs"].items():
        assert sorted(map(int, answer.scored[case["id"], model, ""].hccs)) == hccs


@pytest.mark.parametrize("case", read("people.json"), ids=ids)
def test_people(case: Case) -> None:
    expect, member = case["expect"], member_of(case, {})
    months = None
    if "enrollment" in case:
        base = {name: member[name] for name in ("part_b_months",) if name in member}
        months = [{"member_id": case["id"], **base, **dated(row)} for row in case["enrollment"]]
    answer = ask([member], [], case["payment_year"], models=None, enrollment=months)
    if "rejected" in expect:
        assert list(answer.rejected.values()) == [expect["rejected"]]
        assert not answer.scored
        assert not answer.risk_score
        return
    scores = sorted(rows_of(answer.run.scores), key=lambda row: str(row["month"]))
    if "segment" in expect:
        (found,) = scores
        assert (found["segment"], found["raw_score"]) == (expect["segment"], Decimal(expect["raw"]))
    if "age" in expect:
        assert rows_of(answer.run.members)[0]["age"] == expect["age"]
    if "segments" in expect:
        assert [row["segment"] for row in scores] == expect["segments"]
    if "payable_months" in expect:
        (year,) = rows_of(answer.run.member_scores)
        assert (year["payable_months"], year["risk_score"]) == (expect["payable_months"], Decimal(expect["risk_score"]))
        assert Counter(row["payable"] for row in scores)[True] == expect["payable_months"]
    for month in expect.get("not_payable", []):
        assert [row["payable"] for row in scores if str(row["month"]) == month] == [False]


@pytest.mark.parametrize("case", [case for case in read("people.json") if "rejected" in case["expect"]], ids=ids)
def test_one_bad_member_raises(case: Case) -> None:
    member = member_of(case, {})
    expected = hcc.errors.MissingSex if case["expect"]["rejected"] == "MISSING_SEX" else hcc.errors.BadBirthDate
    with pytest.raises(expected):
        hcc.score_one(["E11.9"], birth_date=member["birth_date"], sex=member["sex"], payment_year=2026)


def test_a_model_without_weight_is_scored_raw_and_said() -> None:
    """S77: V24 may be asked for in 2026; nobody pays by it."""
    codes: list[str | None] = ["E1122", "I5032", "N1832", "J449", "I4891"]
    member = {"member_id": "S77", "birth_date": date(1953, 6, 15), "sex": "F"}
    with pytest.warns(hcc.errors.NotPaidModel):
        answer = ask([member], office_visit("S77", codes, 2026), 2026, models=["cms-hcc-v24"])
    found = answer.scored["S77", "cms-hcc-v24", ""]
    assert (found.raw, found.normalized, found.paid, found.weight) == (Decimal("2.250"), None, None, None)
    (row,) = rows_of(answer.run.scores)
    assert row["no_payment_reason"]
    assert not answer.risk_score


ONE_BY_ONE = [case for case in score_cases() if case["hierarchy_mode"] == "cms_python"][::9]


@pytest.mark.parametrize("case", ONE_BY_ONE, ids=ids)
def test_score_one_is_the_same_engine(case: Case) -> None:
    status = {name: value for name, value in case["member"].items() if name not in ("member_id", "birth_date", "sex")}
    run = hcc.score_one(
        case["codes"], birth_date=case["member"]["birth_date"], sex=case["member"]["sex"],
        payment_year=case["payment_year"], models=[case["model"]],
        **{name: value for name, value in status.items() if value is not None},
    )  # fmt: skip
    (found,) = rows_of(run.scores)
    assert found["raw_score"] == Decimal(case["raw"])
