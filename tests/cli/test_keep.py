"""``hcc keep`` and ``hcc score --kept``: claims read once, scored again and again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hcc.results import read_table
from tests.cli.conftest import Hcc
from tests.cli.test_score import CLAIMS, MEMBERS

KEEP = ("keep", "--members", "members.csv", "--claims", "claims.csv", "--payment-year", "2026", "--out", "mine.kept")
AGAIN = ("score", "--kept", "mine.kept", "--payment-year", "2026")


@pytest.fixture
def files(tmp_path: Path, hcc: Hcc) -> Path:
    (tmp_path / "members.csv").write_text(MEMBERS)
    (tmp_path / "claims.csv").write_text(CLAIMS)
    done = hcc(*KEEP)
    assert done.returncode == 0, done.stderr
    assert "hcc score --kept mine.kept --payment-year 2026" in done.stderr
    (tmp_path / "claims.csv").unlink()
    return tmp_path


def test_means_on_the_screen_and_nothing_written(files: Path, hcc: Hcc) -> None:
    """SPEC S4 (F 72: paid 1.904) and S2 (M 72 with E11.9: 0.496): the mean is 1.200."""
    done = hcc(*AGAIN)
    assert done.returncode == 0, done.stderr
    assert "2 members scored for 2026" in done.stdout
    assert "mean risk score, Part C      1.200  (2 members)" in done.stdout
    assert sorted(path.name for path in files.iterdir()) == ["members.csv", "mine.kept"]


def test_a_what_if_is_a_line(files: Path, hcc: Hcc) -> None:
    """Normalisation 4.268 in place of 1.067: 2.159 → 0.506 → 0.476, and 0.562 → 0.132 → 0.124."""
    (files / "what-if.toml").write_text('[[program]]\nname = "MA"\nmodel = "cms-hcc-v28"\nnormalization = "4.268"\n')
    plain, changed = (hcc(*AGAIN, *more).stdout for more in ((), ("--scenario", "what-if.toml")))
    assert "payment 1.200" in plain
    assert "payment 0.300" in changed
    assert "raw 1.361" in plain
    assert "raw 1.361" in changed  # (2.159 + 0.562) / 2
    other = hcc("score", "--kept", "mine.kept", "--payment-year", "2027", "--model", "cms-hcc-v28")
    assert other.returncode == 0
    assert "2 members scored for 2027" in other.stdout
    assert "A what-if: the rules of 2027" in other.stderr


def test_every_table_into_a_file(files: Path, hcc: Hcc) -> None:
    done = hcc(*AGAIN, "--out", "r.duckdb")
    assert done.returncode == 0, done.stderr
    paid = {
        row["member_id"]: str(row["risk_score"]) for row in read_table(files / "r.duckdb", "member_scores").to_dicts()
    }
    assert paid == {"A1": "1.904", "B2": "0.496"}
    assert "I50.32" in hcc("explain", "r.duckdb", "--member", "A1").stdout
    again = hcc(*AGAIN, "--out", "r.duckdb")
    assert again.returncode == 1
    assert "already there" in again.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((*AGAIN, "--claims", "claims.csv"), "leave out --claims"),
        ((*AGAIN, "--members", "members.csv", "--resume"), "leave out --members, --resume"),
        ((*AGAIN, "--update", "members.csv"), "leave out --update."),
        ((*AGAIN, "--model", "cms-hcc-v28", "--changes", "c.csv"), "leave out --changes."),
        ((*AGAIN, "--run", "initial", "--out", "r.duckdb"), "leave out --run"),
        (("score", "--kept", "mine.kept"), "Missing option --payment-year"),
        ((*AGAIN, "--parquet", "p"), "go with --out"),
        (("score", "--kept", "nowhere", "--payment-year", "2026"), "nowhere"),
    ],
)
def test_wrong_usage(files: Path, hcc: Hcc, args: tuple[str, ...], words: str) -> None:
    done = hcc(*args)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (files / "r.duckdb").exists()


def test_what_is_there_stays(files: Path, hcc: Hcc) -> None:
    (files / "claims.csv").write_text(CLAIMS)
    done = hcc(*KEEP)
    assert done.returncode == 1
    assert "already there" in done.stderr
    assert hcc(*KEEP, "--overwrite").returncode == 0
    shutil.rmtree(files / "mine.kept")
    (files / "mine.kept").mkdir()
    (files / "mine.kept" / "precious.txt").write_text("x")
    assert hcc(*KEEP, "--overwrite").returncode == 1
    assert (files / "mine.kept" / "precious.txt").exists()
