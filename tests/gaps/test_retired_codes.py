"""Codes of earlier years that ended since: RECAPTURE asks for what stands in their place (SPEC R-5.12)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

import hcc
from hcc.rules.folders import shipped_folder
from tests.gaps.test_enrollment import claim, person

pytestmark = pytest.mark.filterwarnings("ignore")


def recapture(code: str, day: date, payment_year: int, model: str, rules: tuple[Path, ...] = ()) -> list[tuple[str, ...]]:
    """hcc, status, reason of it and candidate codes of a member whose only diagnosis is the one of ``day``."""
    now = date(payment_year - 1, 3, 1)
    run = hcc.score(
        pl.DataFrame([person("a")]), pl.DataFrame([claim("a", "Z0000", now)]), payment_year=payment_year, models=[model]
    )
    history = pl.DataFrame([claim("a", code, day)])
    rows = hcc.find_gaps(run, history=history, as_of=now.replace(month=12, day=31), rules=rules).gaps
    rows = rows.filter(pl.col("rule_id").cast(pl.String).str.ends_with("RECAPTURE")).with_columns(pl.col("hcc").cast(pl.String))
    columns = ["hcc", "status", "status_reason", "candidate_diagnosis_codes"]
    return sorted(rows.select(pl.col(columns).cast(pl.String).fill_null("")).rows())


@pytest.mark.parametrize(
    ("code", "day", "hcc", "candidates"),
    [
        ("G20", date(2023, 5, 1), "199", "G20A1,G20A2,G20B1,G20B2,G20C"),
        ("C8339", date(2024, 5, 1), "20", "C83390,C83398"),
        ("F502", date(2024, 5, 1), "153", "F5020,F5021,F5022,F5023,F5024,F5025"),
    ],
)
def test_codes_subdivided_since(code: str, day: date, hcc: str, candidates: str) -> None:
    """Chronic by their HCC; none of them is in the tables of payment year 2026."""
    assert recapture(code, day, 2026, "cms-hcc-v28") == [(hcc, "open", "", candidates)]


def test_successors_in_two_categories() -> None:
    """M31.1 became M31.10 and M31.19 (V28: 112) and M31.11 (V28: 454)."""
    rows = recapture("M311", date(2021, 5, 1), 2024, "cms-hcc-v28")
    assert [row[:3] for row in rows] == [
        ("112", "indeterminate", "code_retired"), ("454", "indeterminate", "code_retired"),
    ]  # fmt: skip


def test_a_successor_without_an_hcc_leaves_it_open(tmp_path: Path) -> None:
    """E74.8 became codes of V24's HCC 23 and E74.20 and E74.29, which V24 does not map."""
    rules = tmp_path / "longer.toml"
    ours = (shipped_folder() / "gaps" / "rules" / "recapture.toml").read_text()
    rules.write_text(ours.replace("years = 2", "years = 3").replace('"RECAPTURE"', '"LONGER-RECAPTURE"'))
    rows = recapture("E748", date(2020, 5, 1), 2024, "cms-hcc-v24", (rules,))
    assert [row[:3] for row in rows] == [("23", "indeterminate", "code_retired")]
