"""What the summary counts is what the tables hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.demo.population import demo_tables
from hcc.results import read_table

YEAR = 2026


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return demo_tables(members=400, payment_year=YEAR, seed=5)


@pytest.mark.parametrize(
    ("asked", "models"),
    [
        ({}, "cms-hcc"),
        ({"months": True}, "cms-hcc"),
        ({"models": ["cms-hcc-v28"]}, "cms-hcc"),
        ({"models": ["rxhcc-v08:x"]}, "rxhcc"),
        ({"models": ["cms-hcc-v28", "rxhcc-v08:x"]}, "cms-hcc"),
    ],
)
def test_members_with_an_hcc_are_those_for_whom_one_counts(
    tables: dict[str, pl.DataFrame], asked: dict[str, Any], models: str
) -> None:
    """Part C's alone where it is scored; a new enrollee's diagnoses and those of somebody without a segment are none."""
    given = dict(asked)
    enrollment = tables["enrollment"] if given.pop("months", False) else None
    run = hcc.score(tables["members"], tables["claims"], enrollment=enrollment, payment_year=YEAR, **given)
    counting = run.member_hccs.filter(
        pl.col("dropped_by_hcc").is_null() & pl.col("model").cast(pl.String).str.starts_with(models)
    )
    assert 0 < counting["member_id"].n_unique() < 400
    assert run.summary()["members_with_hcc"] == counting["member_id"].n_unique()


def test_codes_that_look_like_slips_are_told() -> None:
    """SPEC R-4.5, I6, I7: nothing is corrected; 010.1 may be O10.1, E1I9 may be E11.9; E11.9O is told too."""
    members = pl.DataFrame({"member_id": ["A"], "birth_date": ["1950-01-01"], "sex": ["F"]})
    codes = ["010.1", "E1I9", "E11.9O", "I10", "ZZZ", "E119"]
    claims = pl.DataFrame(
        {"claim_id": ["c"], "member_id": ["A"], "thru_date": ["2025-05-05"], "hcpcs": ["99213"]}
        | {f"diagnosis_{at}": [code] for at, code in enumerate(codes, 1)}
    )
    found = hcc.score(members, claims, payment_year=YEAR).unmapped_codes
    told = found.select("diagnosis_code", pl.col("reason", "suspicion").cast(pl.String)).sort("diagnosis_code").rows()
    assert told == [
        ("0101", "INVALID_FORMAT", "SUSPECT_O_ZERO"),
        ("E119O", "UNKNOWN_CODE", "SUSPECT_O_ZERO"),
        ("E1I9", "UNKNOWN_CODE", "SUSPECT_TYPO"),
        ("I10", "NOT_IN_MODEL", None),
        ("ZZZ", "INVALID_FORMAT", None),
    ]


def test_the_record_of_a_run_in_memory_is_the_one_that_is_saved(
    tables: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    run = hcc.score(tables["members"], tables["claims"], payment_year=YEAR)
    before = run.runs
    assert before["run_id"].to_list() == [run.run_id]
    saved = read_table(run.save(tmp_path / "r.duckdb"), "runs").with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    assert before.to_dicts() == saved.to_dicts()
