"""``hcc gaps`` and ``hcc run``: what a person sees, and what no output may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc.results import read_table
from tests.cli.conftest import Hcc

MEMBERS = "member_id,birth_date,sex,monthly_benchmark\nA1,1950-06-15,F,1000\nB2,1950-06-15,M,\n"
CLAIMS = (
    "claim_id,member_id,claim_type,thru_date,hcpcs,diagnosis_1\n"
    "c1,A1,professional,2025-03-01,99213,I26.99\n"
    "c2,B2,professional,2025-04-01,99214,E11.9\n"
)
HISTORY = "claim_id,member_id,claim_type,thru_date,hcpcs,diagnosis_1\nh1,A1,professional,2024-03-01,99213,I50.9\n"
PHARMACY = "member_id,fill_date,drug_name,days_supply\nB2,2025-05-01,APIXABAN 5 MG TABLET,30\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (("members", MEMBERS), ("claims", CLAIMS), ("history", HISTORY), ("pharmacy", PHARMACY)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


SCORE = ("score", "--members", "members.csv", "--claims", "claims.csv", "--payment-year", "2026", "--out", "r.duckdb")
RUN = ("run", "--members", "members.csv", "--claims", "claims.csv", "--payment-year", "2026", "--out", "r.duckdb")


def rows(path: Path) -> dict[tuple[str, str], str]:
    table = read_table(path, "gaps").to_dicts()
    return {(row["rule_id"], row["member_id"]): row["status"] for row in table if row["model"] == "cms-hcc-v28"}


def test_gaps_are_added_and_what_was_not_judged_is_told(files: Path, hcc: Hcc) -> None:
    assert hcc(*SCORE).returncode == 0
    done = hcc("gaps", "r.duckdb")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert rows(files / "r.duckdb")["OIG-3", "A1"] == "indeterminate"
    for expected in (
        "Gaps as of 2025-04-01", "coded but unsupported:", "supported but missing:", "--pharmacy", "--observations",
        "OIG-3", "RECAPTURE", "hcc worklist export r.duckdb",
    ):  # fmt: skip
        assert expected in done.stderr
    assert "A1" not in done.stderr


def test_evidence_lets_it_be_judged(files: Path, hcc: Hcc) -> None:
    assert hcc(*SCORE).returncode == 0
    done = hcc("gaps", "r.duckdb", "--pharmacy", "pharmacy.csv", "--history", "history.csv", "--as-of", "2025-12-31")
    assert done.returncode == 0, done.stderr
    found = rows(files / "r.duckdb")
    assert found["OIG-3", "A1"] == "open"
    assert found["RECAPTURE", "A1"] in ("open", "closed")
    assert "Gaps as of 2025-12-31" in done.stderr
    assert "OIG-3" not in done.stderr.split("Not judged")[1]


def test_one_pass_gives_the_same(files: Path, hcc: Hcc) -> None:
    evidence = ("--pharmacy", "pharmacy.csv", "--history", "history.csv", "--as-of", "2025-12-31")
    assert hcc(*SCORE).returncode == 0
    assert hcc("gaps", "r.duckdb", *evidence).returncode == 0
    two = rows(files / "r.duckdb")
    done = hcc(*RUN, *evidence, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert rows(files / "r.duckdb") == two
    assert "2 members scored for 2026" in done.stderr


def test_rules_of_ones_own(files: Path, hcc: Hcc) -> None:
    assert hcc(*SCORE).returncode == 0
    (files / "mine.toml").write_text('off = ["AUD-SINGLE"]\n')
    assert hcc("gaps", "r.duckdb", "--rules", "mine.toml").returncode == 0
    assert {rule for rule, _ in rows(files / "r.duckdb")} & {"AUD-SINGLE"} == set()
    (files / "mine.toml").write_text('off = ["AUD-SINGEL"]\n')
    done = hcc("gaps", "r.duckdb", "--rules", "mine.toml")
    assert done.returncode == 1
    assert "AUD-SINGEL" in done.stderr
    assert "hint:" in done.stderr


def test_a_date_that_is_none(files: Path, hcc: Hcc) -> None:
    assert hcc(*SCORE).returncode == 0
    done = hcc("gaps", "r.duckdb", "--as-of", "June")
    assert done.returncode == 1
    assert "2026-06-30" in done.stderr


def test_bad_evidence_leaves_the_results_as_they_were(files: Path, hcc: Hcc) -> None:
    assert hcc(*SCORE).returncode == 0
    before = (files / "r.duckdb").read_bytes()
    (files / "pharmacy.csv").write_text("member,when\nB2,2025-05-01\n")
    done = hcc("gaps", "r.duckdb", "--pharmacy", "pharmacy.csv")
    assert done.returncode == 1
    assert "pharmacy" in done.stderr
    assert (files / "r.duckdb").read_bytes() == before


@pytest.mark.parametrize("command", ["gaps", "run"])
def test_the_help_shows_an_example(command: str, hcc: Hcc) -> None:
    done = hcc(command, "--help")
    assert done.returncode == 0
    assert f"hcc {command} " in done.stdout
    assert "--history" in done.stdout
