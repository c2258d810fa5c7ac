"""The commands that are printed to go on with can be typed as they stand, whatever the name of the folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Hcc
from tests.cli.test_keep import KEEP
from tests.cli.test_score import ASK, CLAIMS, MEMBERS

ODD = "plan's results (2026)"


def commands(told: str) -> list[list[str]]:
    lines = [line.strip().split("   ")[0] for line in told.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith(("hcc ", "duckdb "))]


@pytest.mark.parametrize("command", ["score", "run", "keep", "demo"])
def test_a_path_is_quoted_where_a_shell_needs_it(tmp_path: Path, hcc: Hcc, command: str) -> None:
    (tmp_path / "members.csv").write_text(MEMBERS)
    (tmp_path / "claims.csv").write_text(CLAIMS)
    out = ODD if command in ("keep", "demo") else f"{ODD}.duckdb"
    asked = (command, *(KEEP if command == "keep" else ASK)[1:-1], out)
    args = ("demo", "--members", "200", "--out", out) if command == "demo" else asked
    done = hcc(*args)
    assert done.returncode == 0, done.stderr
    found = commands(done.stderr)
    named = [words for words in found if any(word.startswith(ODD) for word in words)]
    expected = f"{out}/results.duckdb" if command == "demo" else out
    assert len(named) >= 2
    assert all(expected in words for words in named)
    assert not [words for words in found if words not in named and any("results (" in word for word in words)]
