"""``hcc score``, ``hcc demo``, ``hcc explain``: from files to answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hcc.results import read_table
from tests.cli.conftest import Hcc

MEMBERS = "member_id,birth_date,sex,orec\nA1,1953-06-15,F,0\nB2,1953-06-15,M,0\nC3,1953-06-15,,0\n"
CLAIMS = (
    "claim_id,member_id,claim_type,thru_date,hcpcs,diagnosis_1,diagnosis_2\n"
    "c1,A1,professional,2025-03-01,99213,E11.22,I50.32\n"
    "c2,A1,professional,2025-04-01,99214,N18.32,J44.9\n"
    "c3,A1,professional,2025-05-01,99215,I48.91,\n"
    "c4,A1,professional,2025-06-01,80053,E11.9,\n"
    "c5,NOBODY,professional,2025-06-01,99213,E11.9,\n"
    "c6,B2,professional,2025-06-01,99213,E11.9,ZZZ99\n"
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "members.csv").write_text(MEMBERS)
    (tmp_path / "claims.csv").write_text(CLAIMS)
    return tmp_path


ASK = ("score", "--members", "members.csv", "--claims", "claims.csv", "--payment-year", "2026", "--out", "r.duckdb")


def test_a_population_is_scored_and_summed_up(files: Path, hcc: Hcc) -> None:
    """SPEC S4 (F 72: raw 2.159, paid 1.904) and S2 (M 72 with E11.9: 0.496)."""
    done = hcc(*ASK)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    scores = {
        row["member_id"]: str(row["risk_score"]) for row in read_table(files / "r.duckdb", "member_scores").to_dicts()
    }
    assert scores == {"A1": "1.904", "B2": "0.496"}
    for expected in (
        "2 members scored for 2026", "MISSING_SEX 1", "claims of unknown members", "mean risk score, Part C      1.200",
        "hcc explain r.duckdb --member ID",
    ):  # fmt: skip
        assert expected in done.stderr
    assert "A1" not in done.stderr
    assert {p.name for p in files.iterdir()} == {"members.csv", "claims.csv", "r.duckdb"}


def test_explain_tells_the_score_and_what_did_not_count(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK).returncode == 0
    done = hcc("explain", "r.duckdb", "--member", "A1")
    assert done.returncode == 0
    assert done.stderr == ""
    text = " ".join(done.stdout.split())
    assert "Part C risk score: 1.904" in text
    assert "raw score 2.159 ÷ normalization 1.067 2.023 × (1 − 0.059) coding adjustment 1.904" in text
    uncounted = "E11.9 Type 2 diabetes mellitus without complications; HCC 38 of cms-hcc-v28; claim c4"
    assert f"[RECORD_INELIGIBLE(H)] 2025-06-01 {uncounted}" in text
    told = json.loads(hcc("explain", "r.duckdb", "--member", "A1", "--json").stdout)
    assert told["parts"][0]["risk_score"] == "1.904"
    missing = hcc("explain", "r.duckdb", "--member", "SOMEBODY")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "SOMEBODY" not in missing.stderr


def test_an_existing_file_needs_overwrite(files: Path, hcc: Hcc) -> None:
    (files / "r.duckdb").write_text("mine")
    done = hcc(*ASK)
    assert done.returncode == 1
    assert "already there and is no results file" in done.stderr
    assert (files / "r.duckdb").read_text() == "mine"
    (files / "r.duckdb").unlink()
    assert hcc(*ASK).returncode == 0
    done = hcc(*ASK)
    assert done.returncode == 1
    assert "add --overwrite to replace it (reviews are kept)" in done.stderr
    assert hcc(*ASK, "--overwrite").returncode == 0


def test_parquet_on_request(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK, "--parquet", "tables").returncode == 0
    assert (files / "tables" / "member_scores.parquet").exists()
    again = hcc(*ASK, "--overwrite", "--parquet", "members.csv")
    assert again.returncode == 1
    assert "members.csv" in again.stderr


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"--payment-year": "1999"}, "1999"),
        ({"--members": "nowhere.csv"}, "nowhere.csv"),
        ({"--claims": "members.csv"}, "claim_id"),
        ({"--out": "no/such/folder/r.duckdb"}, "does not exist"),
    ],
)
def test_bad_input_is_one_message(files: Path, hcc: Hcc, change: dict[str, str], expected: str) -> None:
    words = list(ASK)
    for option, value in change.items():
        words[words.index(option) + 1] = value
    done = hcc(*words)
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert "did not foresee" not in done.stderr
    assert not (files / "r.duckdb").exists()


def test_a_model_by_name_is_scored_unblended(files: Path, hcc: Hcc) -> None:
    done = hcc(*ASK, "--model", "cms-hcc-v24")
    assert done.returncode == 0, done.stderr
    assert "warning: " in done.stderr  # the programme pays nothing by it in 2026
    assert read_table(files / "r.duckdb", "member_scores").is_empty()
    assert read_table(files / "r.duckdb", "scores")["model"].cast(str).unique().to_list() == ["cms-hcc-v24"]


def test_the_demo_tells_where_to_look_and_can_be_repeated(demo: Path, hcc: Hcc) -> None:
    again = hcc("demo", cwd=demo)
    assert again.returncode == 0, again.stderr
    assert "Members with a story:" in again.stderr
    assert read_table(demo / "demo" / "results.duckdb", "member_scores").height > 1000
    (demo / "other").mkdir()
    (demo / "other" / "thesis.txt").write_text("mine")
    refused = hcc("demo", "--out", "other", cwd=demo)
    assert refused.returncode == 1
    assert [p.name for p in (demo / "other").iterdir()] == ["thesis.txt"]


def test_schema_prints_words_and_sql(hcc: Hcc) -> None:
    assert "One row per member and part." in hcc("schema").stdout
    assert "CREATE TABLE" in hcc("schema", "--ddl").stdout
    assert "payment_score" in hcc("schema", "scores").stdout
    assert hcc("schema", "scores", "--ddl").returncode == 2
    assert hcc("schema", "score").returncode == 1


@pytest.mark.parametrize(("year", "asked"), [(2026, False), (2027, True)])
def test_claims_of_another_year_are_told(hcc: Hcc, tmp_path: Path, year: int, asked: bool) -> None:
    """Services of 2025 are those of payment year 2026."""
    (tmp_path / "m.csv").write_text("member_id,birth_date,sex\nA,1950-01-01,F\n")
    (tmp_path / "c.csv").write_text("claim_id,member_id,thru_date,hcpcs,diagnosis_1\n1,A,2025-03-01,99213,E119\n")
    done = hcc(
        "score", "--members", "m.csv", "--claims", "c.csv", "--payment-year", str(year), "--out", "r.duckdb"
    )
    assert ("is --payment-year right?" in done.stderr) is asked
    assert ("diagnoses not counted             1  OUT_OF_WINDOW 1" in done.stderr) is asked
