"""``hcc score --update`` as a person runs it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hcc.results import read_table
from tests.cli.conftest import Hcc

MEMBERS = "member_id,birth_date,gender\nA1,1950-06-15,F\nB2,1950-06-15,M\n"
EARLY = "claim_id,member_id,claim_type,thru_date,proc,diagnosis_1\nc1,A1,professional,2025-03-01,99213,I50.9\n"
LATE = "claim_id,member_id,claim_type,thru_date,proc,diagnosis_1\nc2,B2,professional,2025-04-01,99214,E11.22\n"
MAP = '[members]\ngender = "sex"\n[claims]\nproc = "hcpcs"\n'
UPDATE = ("score", "--update", "r.duckdb", "--claims", "late.csv")


@pytest.fixture
def file(tmp_path: Path, hcc: Hcc) -> Path:
    files = {"members.csv": MEMBERS, "early.csv": EARLY, "late.csv": LATE, "map.toml": MAP}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = hcc(
        "score", "--members", "members.csv", "--claims", "early.csv", "--columns", "map.toml", "--payment-year", "2026",
        "--out", "r.duckdb",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return tmp_path / "r.duckdb"


def test_who_changed_and_why(file: Path, hcc: Hcc) -> None:
    """The columns of the new claims are those of the run, without a word."""
    done = hcc(*UPDATE, "--changes", "who.csv")
    assert done.returncode == 0, done.stderr
    with (file.parent / "who.csv").open() as text:
        rows = list(csv.DictReader(text))
    assert [row["member_id"] for row in rows] == ["B2"]
    assert "+HCC37" in rows[0]["why"]
    done = hcc("gaps", "r.duckdb")
    assert done.returncode == 0, done.stderr
    worth = read_table(file, "member_gaps").join(read_table(file, "member_scores"), on=["member_id"], suffix="_then")
    assert (worth["risk_score"] == worth["risk_score_then"]).all()


@pytest.mark.parametrize("where", ["nowhere/who.csv", ".", "there.csv", "closed/who.csv"])
def test_a_place_for_the_changes_is_looked_for_before_the_file_is_written(file: Path, hcc: Hcc, where: str) -> None:
    (file.parent / "there.csv").write_text("mine")
    (file.parent / "closed").write_text("no folder")
    before = file.read_bytes()
    done = hcc(*UPDATE, "--changes", where)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert file.read_bytes() == before
    assert (file.parent / "there.csv").read_text() == "mine"


def test_claims_of_the_run_that_moved(file: Path, hcc: Hcc) -> None:
    (file.parent / "early.csv").rename(file.parent / "moved.csv")
    done = hcc(*UPDATE)
    assert done.returncode != 0
    assert "The run's own claims are no longer where" in done.stderr
    assert "hint: Put the files back" in done.stderr
    done = hcc("gaps", "r.duckdb", "--claims", "late.csv")
    assert done.returncode != 0
    assert "not those that were scored" in done.stderr
    done = hcc("gaps", "r.duckdb", "--claims", "moved.csv")
    assert done.returncode == 0, done.stderr


def test_what_became_of_gaps_is_said(file: Path, hcc: Hcc) -> None:
    assert hcc("gaps", "r.duckdb").returncode == 0
    done = hcc(*UPDATE)
    assert done.returncode == 0, done.stderr
    assert "were taken out" in done.stderr
    assert "'hcc gaps' searches again" in done.stderr


def test_evidence_in_other_words_than_the_run_s(file: Path, hcc: Hcc) -> None:
    history = EARLY.replace("2025", "2024").replace("proc", "hcpcs")
    (file.parent / "history.csv").write_text(history)
    done = hcc("gaps", "r.duckdb", "--history", "history.csv")
    assert done.returncode != 0
    assert "--layout canonical" in done.stderr
    done = hcc("gaps", "r.duckdb", "--history", "history.csv", "--layout", "canonical")
    assert done.returncode == 0, done.stderr
