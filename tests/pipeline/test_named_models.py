"""Models asked for by name: each once, by a name that is a name, and a row for everybody the model is about."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.errors import RulesError, UnknownModel

CLAIMS = pl.DataFrame(
    {
        "claim_id": ["c1"], "member_id": ["a"], "thru_date": [date(2025, 5, 1)], "hcpcs": ["99213"],
        "claim_type": ["professional"], "diagnosis_1": ["I2510"],
    }
)  # fmt: skip


def score(models: list[str] | None, year: int = 2026, **status: Any) -> Any:
    person = {"member_id": "a", "birth_date": date(1950, 1, 1), "sex": "F", **status}
    claims = CLAIMS.with_columns(thru_date=pl.lit(date(year - 1, 5, 1)))
    return hcc.score(pl.DataFrame([person]), claims, payment_year=year, models=models)


def test_a_model_named_twice_is_scored_once() -> None:
    run = score(["cms-hcc-v28", "cms-hcc-v28:", "cms-hcc-v28"])
    assert run.scores.height == 1
    assert run.scores.select("member_id", "model", "calibration", "month").is_unique().all()
    one = hcc.score_one(["I2510"], birth_date="1950-01-01", sex="F", payment_year=2026,
                        models=["cms-hcc-v28", "cms-hcc-v28:"])  # fmt: skip
    assert len(one.models) == 1


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("rxhcc-v08:../2025/a", RulesError, "has no calibration"),
        ("rxhcc-v08:./x", RulesError, "has no calibration"),
        ("cms-hcc-v28:.", RulesError, "one set of coefficients and no calibrations"),
        ("cms-hcc-v28:x", RulesError, "one set of coefficients and no calibrations"),
        ("rxhcc-v08", RulesError, "several sets of coefficients; its calibrations: t, x"),
        ("../mappings/cms-hcc-v28", UnknownModel, "There is no model"),
        ("cms-hcc-v24/../cms-hcc-v28", UnknownModel, "There is no model"),
        ("", UnknownModel, "There is no model"),
    ],
)
def test_a_name_is_no_path(name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        score([name], part_d_plan="MA-PD")


def test_a_graft_without_months_has_a_row_that_says_so() -> None:
    """RULINGS 4: no raw score, and why; whether the programme decides or a name."""
    for models in (None, ["cms-hcc-esrd-v24"]):
        rows = score(models, esrd_status="graft").scores.filter(pl.col("model") == "cms-hcc-esrd-v24")
        assert rows.height == 1, models
        assert rows["raw_score"].to_list() == [None]
        assert rows["no_score_reason"].to_list() == ["GRAFT_MONTHS_MISSING"]
    assert score(["cms-hcc-esrd-v24"]).scores.is_empty()  # nobody on dialysis or with a graft
    assert score(["cms-hcc-v28"], esrd_status="graft").scores.is_empty()


def test_a_programme_whose_factors_are_not_known_is_told() -> None:
    run = score(None, year=2024, part_d_plan="MA-PD")
    part_d = run.scores.filter(pl.col("part") == "D")
    assert part_d["no_score_reason"].to_list() == ["MODEL_NOT_AVAILABLE"]
    assert (
        "PartD-MAPD of 2024 is paid by rxhcc-v08, whose factors are not known: no score (MODEL_NOT_AVAILABLE)."
        in run.notes
    )
    with pytest.raises(RulesError, match="they are not known, so there is no score"):
        score(["rxhcc-v08"], year=2024, part_d_plan="MA-PD")
