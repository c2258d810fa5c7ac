"""A member whom no programme pays is in the results, with the reason why there is no score."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.cli.summary import print_summary
from hcc.pipeline.update import update
from hcc.results import explain, explanation_text, read_table
from hcc.rules.folders import shipped_folder

MEMBERS = {
    "member_id": ["MA", "NOBODY", "DEAD", "PDP", "DIALYSIS"],
    "birth_date": ["1950-03-03"] * 5,
    "sex": ["F"] * 5,
    "program": ["MA", "none", "none", "none", "MA"],
    "part_d_plan": [None, None, None, "PDP", None],
    "esrd_status": ["none", "none", "none", "none", "dialysis"],
    "death_date": [None, None, "2025-11-30", None, None],
}
CLAIMS = {
    "claim_id": ["C1", "C2", "C3", "C4", "C5"],
    "member_id": MEMBERS["member_id"],
    "thru_date": ["2025-05-01"] * 5,
    "claim_type": ["professional"] * 5,
    "hcpcs": ["99214"] * 5,
    "diagnosis_1": ["E11.9"] * 5,
}


def some(ids: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    both = (pl.DataFrame(MEMBERS), pl.DataFrame(CLAIMS))
    members, claims = (frame.filter(pl.col("member_id").is_in(ids)) for frame in both)
    return members, claims


def scored(run: Any) -> dict[tuple[str, str], tuple[bool, int, str | None]]:
    rows = run.member_scores.select(
        "member_id", pl.col("part").cast(pl.String), pl.col("risk_score").is_not_null(), "payable_months",
        pl.col("no_score_reason").cast(pl.String).replace("", None),
    ).rows()  # fmt: skip
    return {(who, part): (has, months, why) for who, part, has, months, why in rows}


def only_ma(folder: Path) -> Path:
    """A programmes file of a user's own that pays members of MA without ESRD alone."""
    (folder / "programs").mkdir(parents=True)
    text = (shipped_folder() / "programs" / "2026.toml").read_text()
    head, first, *_ = re.split(r"(?m)^(?=\[\[program\]\]$)", text)
    assert 'name = "MA"\n' in first
    (folder / "programs" / "2026.toml").write_text(head + first)
    return folder


def test_nobody_is_left_out() -> None:
    run = hcc.score(*some(["MA", "NOBODY", "DEAD", "PDP"]), payment_year=2026)
    assert scored(run) == {
        ("MA", "C"): (True, 12, None),
        ("NOBODY", "C"): (False, 0, "NO_PROGRAM"),
        ("DEAD", "C"): (False, 0, "DIED"),
        ("PDP", "D"): (True, 12, None),
    }
    assert set(run.scores["member_id"]) == {"MA", "PDP"}


def test_a_run_that_pays_nobody() -> None:
    run = hcc.score(*some(["NOBODY"]), payment_year=2026)
    assert scored(run) == {("NOBODY", "C"): (False, 0, "NO_PROGRAM")}
    assert run.scores.is_empty()
    assert hcc.find_gaps(run).gaps.is_empty()


def test_programmes_of_ones_own_that_leave_members_out(tmp_path: Path) -> None:
    run = hcc.score(*some(["MA", "PDP", "DIALYSIS"]), payment_year=2026, mappings=only_ma(tmp_path / "own"))
    assert scored(run) == {
        ("MA", "C"): (True, 12, None),
        ("PDP", "C"): (False, 0, "NO_PROGRAM"),
        ("DIALYSIS", "C"): (False, 0, "NO_PROGRAM"),
    }


def test_models_asked_for_by_name_have_no_row_for_anybody() -> None:
    run = hcc.score(*some(["MA", "NOBODY"]), payment_year=2026, models=["cms-hcc-v28"])
    assert run.member_scores.is_empty()


@pytest.mark.parametrize(("paid", "expected"), [(6, (True, 6, None)), (0, (False, 0, "NO_PROGRAM"))])
def test_months_that_no_programme_pays(paid: int, expected: tuple[bool, int, str | None]) -> None:
    """Some of them are no months of the score; where all are, there is none."""
    enrollment = pl.DataFrame(
        {
            "member_id": ["MA"] * 12,
            "month": [f"2026-{month:02}-01" for month in range(1, 13)],
            "program": ["MA"] * paid + ["none"] * (12 - paid),
        }
    )
    run = hcc.score(*some(["MA"]), enrollment=enrollment, payment_year=2026)
    assert scored(run) == {("MA", "C"): expected}


def test_summary_and_explanation_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.duckdb"
    run = hcc.score(*some(["MA", "NOBODY", "DEAD"]), payment_year=2026, out=file)
    print_summary(run, file)
    said = re.sub(r" +", " ", capsys.readouterr().err)
    assert "members without a score 2 DIED 1, NO_PROGRAM 1\n" in said
    text = re.sub(r"[ \n]+", " ", explanation_text(explain(file, "NOBODY")))
    assert "Part C risk score: none No programme of the payment year pays this member" in text
    assert "Conditions: 1 diagnosis counted, but no model scores this member." in text
    (meaning,) = read_table(file, "reasons").filter(pl.col("reason") == "NO_PROGRAM")["meaning"]
    assert meaning in text


def test_new_claims_of_somebody_whom_no_programme_pays(tmp_path: Path) -> None:
    """A touched member's row is made anew, not lost; and the other stays."""
    members, claims = some(["MA", "NOBODY", "DEAD"])
    members.write_parquet(tmp_path / "members.parquet")
    claims.write_parquet(tmp_path / "early.parquet")
    claims.with_columns("NEW" + pl.col("claim_id")).filter(pl.col("member_id") == "NOBODY").write_parquet(
        tmp_path / "late.parquet"
    )
    file = tmp_path / "r.duckdb"
    run = hcc.score(tmp_path / "members.parquet", tmp_path / "early.parquet", payment_year=2026, out=file)
    before = scored(run)
    assert update(file, tmp_path / "late.parquet").touched == 1
    run.frames.clear()
    assert scored(run) == before
    assert len(before) == 3


@pytest.mark.parametrize(("died", "why"), [(None, "NO_PROGRAM"), ("2025-11-30", "DIED")])
def test_one_member_alone(died: str | None, why: str) -> None:
    one = hcc.score_one(["E11.9"], birth_date="1950-03-03", sex="F", payment_year=2026, program="none", death_date=died)
    assert one.no_score_reason == why
    assert one.risk_score is None
    assert [(part.part, part.risk_score, part.payable_months, part.no_score_reason) for part in one.parts] == [
        ("C", None, 0, why)
    ]
    assert one.member_scores["no_score_reason"].to_list() == [why]


def test_one_member_alone_whom_a_programme_pays_or_a_model_is_asked_for() -> None:
    asked: dict[str, Any] = {"birth_date": "1950-03-03", "sex": "F", "payment_year": 2026, "program": "none"}
    paid = hcc.score_one(["E11.9"], **asked, part_d_plan="PDP")
    assert paid.no_score_reason is None
    assert [part.part for part in paid.parts] == ["D"]
    named = hcc.score_one(["E11.9"], **asked, models=["cms-hcc-v28"])
    assert (named.no_score_reason, named.parts) == (None, [])
