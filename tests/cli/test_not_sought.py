"""A results file in which nobody looked for gaps has no gaps: that is said, and not taken for good news."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hcc.cli.review import review
from hcc.review.desk import Desk
from tests.cli.conftest import Hcc
from tests.cli.test_score import ASK, CLAIMS, MEMBERS

SAID = "Gaps were not looked for in this results file"


@pytest.fixture
def scored(tmp_path: Path, hcc: Hcc) -> Path:
    (tmp_path / "members.csv").write_text(MEMBERS)
    (tmp_path / "claims.csv").write_text(CLAIMS)
    assert hcc(*ASK).returncode == 0
    return tmp_path / "r.duckdb"


def test_a_worklist_says_that_gaps_were_not_looked_for(scored: Path, hcc: Hcc) -> None:
    (scored.parent / "back.csv").write_text("gap_id,decision\ng1,defer\n")
    for args in (("export", "r.duckdb", "--out", "w.xlsx"), ("export", "r.duckdb", "--csv"),
                 ("import", "r.duckdb", "back.csv", "--reviewer", "ann")):  # fmt: skip
        done = hcc("worklist", *args)
        assert done.returncode == 1
        assert done.stdout == ""
        assert f"error: {SAID}." in done.stderr
        assert "hcc gaps r.duckdb" in done.stderr
    assert not (scored.parent / "w.xlsx").exists()
    assert hcc("gaps", "r.duckdb").returncode == 0
    done = hcc("worklist", "export", "r.duckdb", "--out", "w.xlsx")
    assert done.returncode == 0, done.stderr
    assert SAID not in done.stderr


def test_the_review_page_says_it_too(scored: Path, hcc: Hcc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcc.review.server.serve", lambda *_, **__: None)
    done = CliRunner().invoke(review, [str(scored), "--no-browser"])
    assert done.exit_code == 0
    assert SAID in done.stderr
    desk = Desk(scored)
    assert not desk.sought
    assert hcc("gaps", "r.duckdb").returncode == 0
    desk.refresh()
    assert desk.sought
    desk.close()
    assert CliRunner().invoke(review, [str(scored), "--no-browser"]).stderr == ""
