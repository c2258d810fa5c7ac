"""Months of enrollment from the spans of a layout, on request (RULINGS 12): full dual to June, not dual from July.

V28 2026, a woman of 76 with I50.9: CFA 0.596 + 0.406 = 1.002, CNA 0.465 + 0.360 = 0.825; paid 0.884 and 0.727.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.errors import InputError
from hcc.pipeline.update import update
from hcc.pipeline_gaps import run as score_and_find
from hcc.results import read_table

JANUARY, MEAN = Decimal("0.884"), Decimal("0.806")  # (6 × 0.884 + 6 × 0.727) / 12 = 0.8055


def eligibility(**later: Any) -> pl.DataFrame:
    base = {"person_id": "P", "member_id": "A", "gender": "female", "birth_date": "1950-01-01"}
    return pl.DataFrame(
        [
            {**base, "enrollment_start_date": "2024-01-01", "enrollment_end_date": "2026-06-30", "dual_status_code": "02",
             "hospice_flag": "0"},
            {**base, "enrollment_start_date": "2026-07-01", "enrollment_end_date": "2026-12-31", "dual_status_code": "00",
             "hospice_flag": "0", **later},
        ]
    )  # fmt: skip


def medical(claim_id: str = "1", code: str = "I509", year: int = 2025) -> pl.DataFrame:
    row = {"claim_id": claim_id, "claim_line_number": "1", "claim_type": "professional", "person_id": "P",
           "member_id": "A", "claim_end_date": f"{year}-05-01", "hcpcs_code": "99213", "diagnosis_code_1": code}  # fmt: skip
    return pl.DataFrame([row])


def risk(table: pl.DataFrame) -> tuple[Decimal, int]:
    row: tuple[Decimal, int] = table.select("risk_score", "payable_months").row(0)
    return row


SCORED: dict[str, Any] = {"layout": "tuva", "payment_year": 2026}


def test_only_on_request() -> None:
    assert risk(hcc.score(eligibility(), medical(), **SCORED).member_scores) == (JANUARY, 12)
    run = hcc.score(eligibility(), medical(), months_from_spans=True, **SCORED)
    assert risk(run.member_scores) == (MEAN, 12)
    assert run.scores["month"].sort().to_list() == [date(2026, k, 1) for k in range(1, 13)]


def test_hospice_of_a_span_is_that_of_its_months() -> None:
    run = hcc.score(eligibility(hospice_flag="1"), medical(), months_from_spans=True, **SCORED)
    assert risk(run.member_scores) == (JANUARY, 6)


def test_doubts_of_a_span_that_gives_months_are_told() -> None:
    odd = eligibility(dual_status_code="QMB+", enrollment_status="ESRD")
    run = hcc.score(odd, medical(), months_from_spans=True, **SCORED)
    assert run.members["data_quality"].item() == "ESRD_ASSUMED_DIALYSIS,UNKNOWN_DUAL_STATUS"
    assert "enrollment: 6 month(s) with a dual_status that cannot be read" in " ".join(run.notes)
    assert hcc.score(odd, medical(), **SCORED).members["data_quality"].item() == ""


def test_kept_diagnoses_have_the_months(tmp_path: Path) -> None:
    hcc.keep(eligibility(), medical(), out=tmp_path / "k", months_from_spans=True, **SCORED)
    assert risk(hcc.score_kept(tmp_path / "k", payment_year=2026).member_scores) == (MEAN, 12)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    eligibility(hospice_flag="1").write_csv(tmp_path / "eligibility.csv")
    medical().write_csv(tmp_path / "medical.csv")
    medical("2", "J449").write_csv(tmp_path / "late.csv")
    medical("h", "J449", 2024).write_csv(tmp_path / "history.csv")
    out = tmp_path / "r.duckdb"
    hcc.score(tmp_path / "eligibility.csv", tmp_path / "medical.csv", months_from_spans=True, out=out, **SCORED)
    assert risk(read_table(out, "member_scores")) == (JANUARY, 6)
    return out


def test_new_claims_are_scored_by_the_months_of_the_run(file: Path) -> None:
    """J44.9: V28 HCC 280, CFA 0.390, with heart failure 0.109 more: 1.501 / 1.067 = 1.407, paid 1.324."""
    update(file, file.with_name("late.csv"))
    assert risk(read_table(file, "member_scores")) == (Decimal("1.324"), 6)


def test_gaps_know_the_months_of_the_run(file: Path) -> None:
    """In hospice in August: a condition of the year before is not asked for."""
    for day, status in (("2026-06-30", "open"), ("2026-08-01", "suppressed")):
        found = hcc.find_gaps(file, history=file.with_name("history.csv"), as_of=day)
        rows = found.gaps.with_columns(pl.col("hcc", "status").cast(pl.String)).filter(pl.col("hcc") == "280")
        assert rows["status"].to_list() == [status]


def test_scores_and_gaps_in_one_pass(tmp_path: Path) -> None:
    done, _ = score_and_find(eligibility(), medical(), months_from_spans=True, **SCORED)
    assert risk(done.member_scores) == (MEAN, 12)


def test_only_where_there_are_spans_and_no_table_of_months() -> None:
    people = pl.DataFrame({"member_id": ["A"], "birth_date": ["1950-01-01"], "sex": ["F"]})
    lines = pl.DataFrame({"claim_id": ["1"], "member_id": ["A"], "thru_date": ["2025-05-01"], "diagnosis_1": ["I509"]})
    months = pl.DataFrame({"member_id": ["A"], "month": ["2026-01"]})
    with pytest.raises(InputError, match=r"the layout 'canonical' has no enrolment spans") as error:
        hcc.score(people, lines, payment_year=2026, months_from_spans=True)
    assert "--enrollment" in str(error.value.hint)
    with pytest.raises(InputError, match="both from spans and as a table"):
        hcc.score(eligibility(), medical(), enrollment=months, months_from_spans=True, **SCORED)
