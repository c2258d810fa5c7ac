"""What the summary counts is what the tables hold."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import hcc
from hcc.demo.population import demo_tables

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
