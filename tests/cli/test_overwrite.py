"""What --overwrite may replace: a file of the same kind that we made, never an input and nothing of the user's."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

import hcc as engine
from hcc.errors import HccError, InputError
from hcc.pipeline_gaps import run
from hcc.results import read_table
from tests.cli.conftest import Hcc
from tests.cli.test_score import ASK, CLAIMS, MEMBERS

SCENARIO = '[[program]]\nname = "MA"\nnormalization = "1.1"\n'


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in {"members.csv": MEMBERS, "claims.csv": CLAIMS, "scenario.toml": SCENARIO}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "thesis.docx").write_bytes(b"PK\x03\x04 three years of work")
    (tmp_path / "cut.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + b"\1" * 5000)
    with duckdb.connect(str(tmp_path / "own.duckdb")) as con:
        con.execute("CREATE TABLE members AS SELECT 1 AS member_id")
    return tmp_path


def told(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", ["score", "run"])
@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("members.csv", "is an input of this command"),
        ("./claims.csv", "is an input of this command"),
        ("scenario.toml", "is an input of this command"),
        ("thesis.docx", "is no results file"),
        ("own.duckdb", "is a DuckDB database, but no results file"),
        ("cut.duckdb", "is a DuckDB database that cannot be opened"),
    ],
)
def test_only_a_results_file_is_replaced(files: Path, hcc: Hcc, command: str, out: str, why: str) -> None:
    if command == "run" and out == "scenario.toml":
        why = "is no results file"  # 'hcc run' takes no scenario
    before = told(files)
    asked = (command, *ASK[1:-1], out, *(("--scenario", "scenario.toml") if command == "score" else ()))
    for args in (asked, (*asked, "--overwrite")):
        done = hcc(*args)
        assert done.returncode == 1, args
        assert f"{out} {why}" in done.stderr or f"{out} is already there and {why}" in done.stderr, done.stderr
        assert "Choose another --out" in done.stderr
        assert told(files) == before


def test_inputs_that_are_results_files_are_inputs(files: Path, hcc: Hcc) -> None:
    """The members of one run are the members of the next: the file they are read from is not the one to replace."""
    assert hcc(*ASK).returncode == 0
    before = told(files)
    again = ["r.duckdb" if word == "members.csv" else word for word in ASK]
    for command in ("score", "run"):
        done = hcc(command, *again[1:], "--overwrite")
        assert done.returncode == 1
        assert "r.duckdb is an input of this command" in done.stderr
    assert told(files) == before


def test_another_name_of_an_input_is_an_input(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK).returncode == 0
    (files / "same.duckdb").hardlink_to(files / "r.duckdb")
    again = ["r.duckdb" if word == "members.csv" else "same.duckdb" if word == "r.duckdb" else word for word in ASK]
    done = hcc(*again, "--overwrite")
    assert done.returncode == 1
    assert "same.duckdb is an input of this command" in done.stderr


def test_an_empty_file_may_be_replaced(files: Path, hcc: Hcc) -> None:
    """Such as mktemp makes: nothing is lost."""
    (files / "r.duckdb").touch()
    assert hcc(*ASK, "--overwrite").returncode == 0


def test_a_run_of_memory_is_saved_over_nothing_of_the_users(files: Path) -> None:
    run = engine.score(files / "members.csv", files / "claims.csv", payment_year=2026)
    before = told(files)
    for name in ("members.csv", "thesis.docx", "own.duckdb", "cut.duckdb"):
        with pytest.raises(HccError, match="left as it is"):
            run.save(files / name, overwrite=True)
    assert told(files) == before
    run.save(files / "r.duckdb")
    run.save(files / "r.duckdb", overwrite=True)
    assert read_table(files / "r.duckdb", "members").height == run.members.height


def test_a_folder_of_inputs_is_not_taken_for_ours(files: Path, hcc: Hcc) -> None:
    """A folder with nothing but members.parquet looks like one of our tables, and may be the user's own."""
    (files / "in").mkdir()
    pl.read_csv(files / "members.csv").write_parquet(files / "in" / "members.parquet")
    before = told(files)
    done = hcc(*ASK, "--parquet", "in", "--overwrite")
    assert done.returncode == 1
    assert "in is already there" in done.stderr
    inside = ["in/members.parquet" if word == "members.csv" else word for word in ASK]
    done = hcc(*inside, "--parquet", "in", "--overwrite")
    assert done.returncode == 1
    assert "in holds an input of this command" in done.stderr
    assert told(files) == before


def test_a_folder_of_tables_that_is_read_is_not_replaced(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK, "--parquet", "tables").returncode == 0
    before = told(files)
    inside = ["tables/members.parquet" if word == "members.csv" else word for word in ASK]
    done = hcc(*inside, "--parquet", "tables", "--overwrite")
    assert done.returncode == 1
    assert "tables holds an input of this command" in done.stderr
    assert told(files) == before


@pytest.mark.parametrize("out", ["claims.csv", "thesis.docx", "own.duckdb", "r.duckdb", "late.csv"])
def test_an_update_replaces_results_only(files: Path, hcc: Hcc, out: str) -> None:
    assert hcc(*ASK).returncode == 0
    (files / "late.csv").write_text(CLAIMS.replace("c1", "d1"))
    update = ("score", "--update", "r.duckdb", "--claims", "late.csv")
    before = told(files)
    if out != "r.duckdb":
        done = hcc(*update, "--out", out, "--overwrite")
        assert done.returncode == 1
        assert f"{out} is" in done.stderr
        assert told(files) == before
    done = hcc(*update, "--changes", out, "--overwrite")
    assert done.returncode == 1
    assert f"{out} is" in done.stderr
    assert "Choose another --changes" in done.stderr
    assert told(files) == before


def test_changes_are_replaced_when_asked(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK).returncode == 0
    (files / "late.csv").write_text(CLAIMS.replace("\nc", "\nd"))
    update = ("score", "--update", "r.duckdb", "--claims", "late.csv", "--out", "new.duckdb", "--changes", "who.csv")
    assert hcc(*update).returncode == 0
    (files / "new.duckdb").unlink()
    done = hcc(*update)
    assert done.returncode == 1
    assert "add --overwrite" in done.stderr
    assert "Choose another --changes" in done.stderr
    done = hcc(*update, "--overwrite")
    assert done.returncode == 0, done.stderr
    done = hcc(*update[:-1], "new.duckdb", "--overwrite")
    assert done.returncode == 2
    assert "new.duckdb is --out" in done.stderr


def test_a_report_replaces_reports_only(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK).returncode == 0
    for name, text in {"page.html": "<!doctype html><title>my page</title>", "empty.html": ""}.items():
        (files / name).write_text(text)
    before = told(files)
    for out in ("thesis.docx", "members.csv", "page.html"):
        done = hcc("report", "r.duckdb", "--out", out, "--overwrite")
        assert done.returncode == 1
        assert f"{out} is already there and is no report" in done.stderr
        assert told(files) == before
    for out in ("empty.html", "new.html", "new.html"):
        done = hcc("report", "r.duckdb", "--out", out, "--overwrite")
        assert done.returncode == 0, done.stderr


# Where --overwrite helps nobody it is not advised.


def test_a_demo_has_no_overwrite(files: Path, hcc: Hcc) -> None:
    (files / "mine").mkdir()
    (files / "mine" / "letter.txt").write_text("Dear …")
    done = hcc("demo", "--out", "mine")
    assert done.returncode == 1
    assert "mine is already there" in done.stderr
    assert "Choose another --out" in done.stderr
    assert "--overwrite" not in done.stderr


def test_an_overwrite_that_was_given_is_not_advised(files: Path, hcc: Hcc) -> None:
    (files / "mine").mkdir()
    (files / "mine" / "letter.txt").write_text("Dear …")
    keep = ("keep", *ASK[1:-1], "mine")
    for args, option in ((keep, "--out"), ((*ASK, "--parquet", "mine"), "--parquet")):
        for given in ((), ("--overwrite",)):
            done = hcc(*args, *given)
            assert done.returncode == 1
            assert "mine is already there" in done.stderr
            assert "add --overwrite" not in done.stderr
            assert f"Choose another {option}" in done.stderr
    assert (files / "mine" / "letter.txt").read_text() == "Dear …"
    assert hcc(*ASK, "--parquet", "tables").returncode == 0
    done = hcc(*ASK[:-1], "other.duckdb", "--parquet", "tables")
    assert "Choose another --parquet, or add --overwrite" in done.stderr


def test_a_kept_folder_that_is_read_is_not_replaced(files: Path, hcc: Hcc) -> None:
    keep = ("keep", *ASK[1:-1], "mine.kept")
    assert hcc(*keep).returncode == 0
    (files / "members.csv").rename(files / "mine.kept" / "members.csv")
    before = told(files)
    done = hcc(*("mine.kept/members.csv" if word == "members.csv" else word for word in keep), "--overwrite")
    assert done.returncode == 1
    assert "mine.kept holds an input of this command" in done.stderr
    assert told(files) == before


def test_run_in_python_refuses_its_inputs(files: Path, hcc: Hcc) -> None:
    assert hcc(*ASK).returncode == 0
    before = told(files)
    with pytest.raises(InputError, match=r"r\.duckdb is an input of this command"):
        run(files / "r.duckdb", files / "claims.csv", payment_year=2026, out=files / "r.duckdb", overwrite=True)
    history = {"history": files / "claims.csv"}
    with pytest.raises(InputError, match=r"claims\.csv is an input of this command"):
        run(files / "members.csv", files / "r.duckdb", payment_year=2026, out=files / "claims.csv", gaps=history)
    assert told(files) == before
