from __future__ import annotations

import pytest

from hcc.rules.describe import describe_code, dotted, plain_code


def test_codes_as_people_write_them() -> None:
    assert plain_code(" e11.22 ") == "E1122"
    assert dotted("E1122") == "E11.22"
    assert dotted("C61") == "C61"


def test_diabetes_with_kidney_disease_in_v28() -> None:
    found = describe_code("cms-hcc-v28", 2026, "e11.22")
    (hcc,) = found.hccs
    assert (hcc.hcc, hcc.label) == ("37", "Diabetes with Chronic Complications")
    assert hcc.dropped_by == ("35", "36")
    assert hcc.drops == ("38",)
    assert hcc.interactions == ("DIABETES_HF_V28 (DIABETES_V28 and HF_V28)",)
    assert hcc.coefficients["CNA", "Community, non-dual, aged"] == {"": "0.166"}
    assert "NE" not in {segment for segment, _ in hcc.coefficients}
    assert ("cms-hcc-v24", "18") in found.other_models


def test_edits_in_words() -> None:
    found = describe_code("cms-hcc-v28", 2026, "D66")
    assert found.edits == ("women: HCC 112 instead",)
    assert [(hcc.hcc, hcc.only_by_edit) for hcc in found.hccs] == [("111", False), ("112", True)]
    assert describe_code("cms-hcc-v24", 2026, "F34.81").edits == (
        "age 0 to 5: does not count",
        "age 19 or older: does not count",
    )
    assert describe_code("cms-hcc-v28", 2026, "C91.50").edits == ("age 0 to 14: does not count (Medicare Code Editor)",)


def test_the_heart_assist_device_counts_only_with_another() -> None:
    (hcc,) = describe_code("cms-hcc-v28", 2026, "Z95.811").hccs
    assert hcc.kept_only_with == "221|222|224|225|226"


def test_a_code_per_calibration() -> None:
    (hcc,) = describe_code("rxhcc-v08", 2026, "B37.7").hccs
    assert set(hcc.coefficients["CE_LTI", "Continuing enrollee, institutional"]) == {"t", "x"}


@pytest.mark.parametrize(("code", "known"), [("I73.9", True), ("Q99.99", False)])
def test_a_code_that_the_model_does_not_map(code: str, known: bool) -> None:
    found = describe_code("cms-hcc-v28", 2026, code)
    assert found.hccs == ()
    assert found.is_known == known
