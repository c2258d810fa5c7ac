"""Where output goes: what is there already, what cannot be written, and what is full."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hcc.results import open_results
from tests.cli.conftest import Hcc
from tests.cli.test_keep import KEEP
from tests.cli.test_score import ASK, CLAIMS, MEMBERS


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "members.csv").write_text(MEMBERS)
    (tmp_path / "claims.csv").write_text(CLAIMS)
    return tmp_path


def test_a_folder_of_parquet_is_replaced_when_asked(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK, "--parquet", "tables").returncode == 0
    stamp = (files / "tables" / "scores.parquet").stat().st_ino
    again = hcc(*ASK, "--parquet", "tables", "--overwrite")
    assert again.returncode == 0, again.stderr
    assert (files / "tables" / "scores.parquet").stat().st_ino != stamp
    (files / "tables" / "mine.txt").write_text("mine")
    refused = hcc(*ASK[:-1], "other.duckdb", "--parquet", "tables", "--overwrite")
    assert refused.returncode == 1
    assert "already there" in refused.stderr
    assert not (files / "other.duckdb").exists()  # told before any work


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a device of Linux")
def test_output_that_finds_no_space(files: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from hcc.cli import main; main()", "schema", "--ddl"],
            cwd=files, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == ("error: There is no space left to write the output.\nhint: Free some space and ask again.\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(files: Path, hcc: Hcc) -> None:
    (files / "closed").mkdir(mode=0o500)
    for args in (("demo", "--out", "closed/demo"), (*ASK, "--parquet", "closed/tables")):
        done = hcc(*args)
        assert done.returncode == 1
        assert "cannot be written" in done.stderr
    assert not (files / "r.duckdb").exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_folder_that_takes_no_files(files: Path, hcc: Hcc) -> None:
    """Everybody may write there, as far as its permissions tell."""
    for args in (("demo", "--out", "/proc/demo"), (*ASK, "--parquet", "/proc/tables"), (*ASK, "--out", "/proc/r.duckdb"),
                 ("keep", "--members", "members.csv", "--claims", "claims.csv", "--payment-year", "2026",
                  "--out", "/proc/kept")):  # fmt: skip
        done = hcc(*args)
        assert done.returncode == 1
        assert "error: The folder /proc cannot be written." in done.stderr


@pytest.mark.parametrize("option", ["--members", "--claims", "--out", "--parquet"])
@pytest.mark.parametrize("path", ["", " ", "~nobody_of_that_name/x", "x" * 300])
def test_paths_that_mean_nothing(files: Path, hcc: Hcc, option: str, path: str) -> None:
    """An unset variable of the shell must not score the folder one is in."""
    done = hcc(*ASK, option, path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "did not foresee" not in done.stderr
    assert not (files / "r.duckdb").exists()


def test_a_link_is_not_replaced(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK).returncode == 0
    before = (files / "r.duckdb").stat().st_mtime_ns
    (files / "latest.duckdb").symlink_to("r.duckdb")
    for args in ((*ASK, "--out", "latest.duckdb", "--overwrite"), ("gaps", "latest.duckdb")):
        done = hcc(*args)
        assert done.returncode == 1
        assert "is a link" in done.stderr
        assert f"hint: Name {files.resolve() / 'r.duckdb'}." in done.stderr
    assert (files / "latest.duckdb").is_symlink()
    assert (files / "r.duckdb").stat().st_mtime_ns == before


def test_a_file_where_a_folder_should_be(files: Path, hcc: Hcc) -> None:
    for args in (("demo", "--out", "members.csv/demo"), (*ASK, "--parquet", "members.csv/tables")):
        done = hcc(*args)
        assert done.returncode == 1, done.stderr
        assert "members.csv cannot be written" in done.stderr
    assert not (files / "r.duckdb").exists()


def test_gaps_as_of_a_day_before_all_history(files: Path, hcc: Hcc) -> None:
    """Nothing of the claims is known on that day: no gap, and no crash."""
    assert hcc(*ASK).returncode == 0
    (files / "old.csv").write_text(CLAIMS.replace("2025-", "2023-"))
    for day in ("2019-06-30", "2021-12-31", "2022-06-30", "2022-12-31", "2023-03-31"):
        done = hcc("gaps", "r.duckdb", "--history", "old.csv", "--as-of", day)
        assert done.returncode == 0, (day, done.stderr)
        assert f"Gaps as of {day}" in done.stderr


def test_stopped_while_parquet_is_written(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results file is complete by then, and stays."""
    import hcc.cli

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(files)
    assert hcc.cli.run(list(KEEP)) == 0
    kept = ("score", "--kept", "mine.kept", "--payment-year", "2026", "--out", "k.duckdb")
    monkeypatch.setattr("hcc.pipeline.api.write_parquet", stop)
    for ask in (ASK, kept):
        for _ in range(2):  # the second time over the first file
            out = ask[-1] if ask is kept else "r.duckdb"
            with contextlib.redirect_stderr(io.StringIO()) as told:
                assert hcc.cli.run([*ask, "--parquet", "tables", "--overwrite"]) == 130
            assert f"Stopped. The results file {out} is complete; the Parquet folder tables was not written." in (
                told.getvalue()
            )
            assert "nothing half-made" not in told.getvalue()
            open_results(files / out).close()
            assert not (files / "tables").exists()


def test_stopped_before_a_results_file_is_there(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hcc.cli

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(files)
    assert hcc.cli.run(list(ASK)) == 0
    monkeypatch.setattr("hcc.pipeline.api.read_inputs", stop)
    with contextlib.redirect_stderr(io.StringIO()) as told:
        assert hcc.cli.run([*ASK, "--parquet", "tables", "--overwrite"]) == 130
    assert told.getvalue() == "\nStopped; nothing half-made was left.\n"
