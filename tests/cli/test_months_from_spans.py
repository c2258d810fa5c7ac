"""``--months-from-spans``: months of enrollment from a layout's spans (RULINGS 12)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc.results import read_table
from tests.cli.conftest import Hcc
from tests.pipeline.test_months_from_spans import MEAN, eligibility, medical, risk


@pytest.mark.parametrize("command", ["score", "run"])
def test_on_the_command_line(tmp_path: Path, hcc: Hcc, command: str) -> None:
    eligibility().write_csv(tmp_path / "eligibility.csv")
    medical().write_csv(tmp_path / "medical.csv")
    ask = ("--members", "eligibility.csv", "--claims", "medical.csv", "--payment-year", "2026", "--out", "r.duckdb")
    done = hcc(command, *ask, "--layout", "tuva", "--months-from-spans")
    assert done.returncode == 0, done.stderr
    assert risk(read_table(tmp_path / "r.duckdb", "member_scores")) == (MEAN, 12)
    done = hcc(command, *ask, "--months-from-spans", "--overwrite")
    assert done.returncode == 1
    assert done.stderr.count("error") == 1
    assert "no enrolment spans" in done.stderr


def test_kept_on_the_command_line(tmp_path: Path, hcc: Hcc) -> None:
    eligibility().write_csv(tmp_path / "eligibility.csv")
    medical().write_csv(tmp_path / "medical.csv")
    done = hcc("keep", "--members", "eligibility.csv", "--claims", "medical.csv", "--payment-year", "2026",
               "--layout", "tuva", "--months-from-spans", "--out", "k")  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = hcc("score", "--kept", "k", "--payment-year", "2026")
    assert "mean risk score, Part C      0.806" in done.stdout
    refused = hcc("score", "--kept", "k", "--payment-year", "2026", "--months-from-spans")
    assert refused.returncode == 2
    assert "leave out --months-from-spans" in refused.stderr
