"""``explain`` for each kind of member: the arithmetic, the conditions, what did not count."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hcc.errors import NoSuchMember
from hcc.results import explain, explanation_text
from hcc.results.explain import Hcc, Uncounted
from hcc.review.whole import _conditions, _uncounted
from tests.results import made_up

MEMBERS = ["COMMUNITY", "NEW", "DIALYSIS", "GRAFT", "PACE", "PDP", "MONTHS"]


def _bare(text: str) -> str:
    return re.sub(r"[ \n]+", " ", re.sub("<[^>]+>", " ", text))


def _text(results: Path, member: str) -> str:
    return re.sub(r"[ \n]+", " ", explanation_text(explain(results, member)))


@pytest.mark.parametrize("member", MEMBERS)
def test_factors_sum_to_the_raw_score_of_every_status(results: Path, member: str) -> None:
    told = explain(results, member)
    assert told.models
    for model in told.models:
        for status in model.statuses:
            assert sum((f.coefficient for f in status.factors), Decimal(0)) == status.raw_score


@pytest.mark.parametrize("member", MEMBERS)
def test_lines_fit_a_terminal_and_name_the_member_once(results: Path, member: str) -> None:
    text = explanation_text(explain(results, member))
    assert text.startswith(f"Member {member}, payment year 2026, final run\n")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_community_member(results: Path) -> None:
    text = _text(results, "COMMUNITY")
    for expected in (
        "Female, aged 72 on 1 February (born 1953-06-15)",
        "Assumed, because the input did not say: orec, part_b_months.",
        "Part C risk score: 1.904",
        "HCC37 +0.166 Diabetes with Chronic Complications",
        "raw score 2.159 ÷ normalization 1.067 2.023 × (1 − 0.059) coding adjustment 1.904 payment score",
        "E11.22 Type 2 diabetes mellitus with diabetic chronic kidney disease; 1 claim, 2025-03-01",
        "HCC 38 Diabetes with Glycemic, Unspecified, or No Complications: displaced by HCC 37 (Diabetes with Chronic",
        "The date of service lies outside the collection window of the run. [OUT_OF_WINDOW] 2024-12-31 E11.22 "
        "Type 2 diabetes mellitus with diabetic chronic kidney disease; HCC 37 of cms-hcc-v28; claim C9",
        "[DENIED_LINE]",
        "Coded but unsupported: 2 open HCC 238",
        "Supported but missing (questions for a clinician): 1 open "
        "HCC 48 Morbid Obesity [RECAPTURE, high, score +0.164]:",
    ):
        assert expected in text


def test_a_new_enrollee_has_diagnoses_but_no_conditions(results: Path) -> None:
    text = _text(results, "NEW")
    assert "5 months of Part B" in text
    assert "Conditions: 2 diagnoses counted, but the segment does not use diagnoses" in text


@pytest.mark.parametrize(
    ("member", "changes", "why"),
    [
        ("NEW", {}, "2 diagnoses counted, but the segment does not use diagnoses."),
        ("NEW", {"counted_diagnoses": 0}, "no diagnosis that maps to an HCC counted."),
        ("NEW", {"models": ()}, "2 diagnoses counted, but no model scores this member."),
        ("UNSCORED", {"counted_diagnoses": 1}, "1 diagnosis counted, but the member has no segment"),
        (
            "DIALYSIS",
            {"hccs": (), "counted_in_models": 0},
            "2 diagnoses counted, but no model that scores this member has",
        ),
        (
            "DIALYSIS",
            {"hccs": ()},
            "2 diagnoses counted, but the segment does not use diagnoses, or its model does not take",
        ),
    ],
)
def test_why_a_member_has_no_condition(results: Path, member: str, changes: dict[str, Any], why: str) -> None:
    told = replace(explain(results, member), **changes)
    assert f"Conditions: {why}" in _bare(explanation_text(told))
    assert why in _bare(explanation_text(told))
    assert why[1:] in _bare(_conditions(told)), "the page too"


def test_diagnoses_are_counted_where_a_model_of_the_member_has_an_hcc_for_them(results: Path) -> None:
    told = explain(results, "DIALYSIS")
    assert told.counted_in_models == told.counted_diagnoses == 2
    assert explain(results, "UNSCORED").counted_in_models == 0


@pytest.mark.parametrize(
    ("model", "hcc", "year", "why"),
    [
        # CMS's ESRD V24 sets the kidney HCCs to 0 for everybody; V28's heart patch looks at the other heart HCCs.
        ("cms-hcc-esrd-v24", "135", 2026, "because this model always removes it"),
        (
            "cms-hcc-v28",
            "223",
            2026,
            "because in this model it counts only together with HCC 221, 222, 224, 225 or 226",
        ),
        ("cms-hcc-v28", "223", 1999, "by a removal rule of the model"),
    ],
)
def test_a_removal_says_what_the_models_rule_is(results: Path, model: str, hcc: str, year: int, why: str) -> None:
    told = explain(results, "DIALYSIS")
    gone = Hcc(model, "", hcc, "Acute", hcc, "", None, None, None, 1, ())
    told = replace(told, hccs=(gone,), run={**told.run, "payment_year": year})
    assert f"HCC {hcc} Acute: removed, {why}" in _bare(explanation_text(told))
    assert f"removed, {why}" in _bare(_conditions(told)), "the page too"


def test_a_blend_is_spelled_out(results: Path) -> None:
    text = _text(results, "PACE")
    assert "Part C risk score: 1.764 0.9 × 1.735 + 0.1 × 2.023 = 1.764" in text
    assert "no coding adjustment" in text


def test_esrd_and_part_d(results: Path) -> None:
    graft = _text(results, "GRAFT")
    assert "ESRD: graft, month 5 since the transplant" in graft
    assert "LT65_DUR4_9_ND_PBD +1.737 time since the transplant" in graft
    assert "rests on memory or inference" in graft
    assert "Part D risk score: 0.471" in _text(results, "PDP")
    assert "ESRD: dialysis" in _text(results, "DIALYSIS")


def test_months_are_averaged_over_those_that_are_payable(results: Path) -> None:
    text = _text(results, "MONTHS")
    assert "(4 × 0.348 + 8 × 0.987) ÷ 12 payable months = 0.774" in text
    assert "segment INS (Institutional, continuing enrollee), 2026-05 to 2026-12 (8 months)" in text


def test_a_member_without_a_score_is_told_why(results: Path) -> None:
    text = _text(results, "UNSCORED")
    assert "Part C risk score: none A functioning graft without the month since the transplant" in text


def test_thousands_of_rows_are_counted_not_listed(results: Path) -> None:
    """The newest 50 of a reason; the file has the others."""
    told = explain(results, "COMMUNITY")
    row = Uncounted("E119", "Type 2 diabetes", date(2024, 1, 1), "c", "OUT_OF_WINDOW", "Too early.", "", "HCC 38")
    rows = tuple(replace(row, thru_date=date(2020, 1, 1) + timedelta(days=day), claim_id=f"c{day}") for day in range(1234))
    text = explanation_text(replace(told, uncounted=rows, rejected=()))
    assert "and 1,184 earlier ones: table diagnoses, reason OUT_OF_WINDOW" in text
    assert "claim c1233\n" in text
    assert "claim c1184\n" in text
    assert "claim c1183\n" not in text
    page = _uncounted(replace(told, uncounted=rows))
    assert "The newest 200 of 1,234; the others are in the table diagnoses." in page
    assert page.count(">c") == 200


def test_an_unknown_member_is_not_repeated(results: Path) -> None:
    with pytest.raises(NoSuchMember) as error:
        explain(results, "1EG4-TE5-MK73")
    assert "1EG4" not in str(error.value)


def test_a_quote_in_a_member_id_is_only_a_quote(results: Path) -> None:
    with pytest.raises(NoSuchMember):
        explain(results, "x' OR '1'='1")


def test_the_rows_are_what_was_written(results: Path) -> None:
    told = explain(results, "COMMUNITY")
    displaced = [h for h in told.hccs if h.dropped_by_hcc]
    assert [(h.hcc, h.dropped_by_hcc, [c.diagnosis_code for c in h.codes]) for h in displaced] == [
        ("38", "37", ["E119"])
    ]
    written = dict(made_up.FACTORS[0][6])
    assert {f.variable: f.coefficient for f in told.models[0].statuses[0].factors} == {
        variable: made_up.thousandths(value) for variable, value in written.items()
    }
