"""Opening what is a results file, and saying clearly what is not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from hcc.errors import ResultsError, ResultsExist
from hcc.results import open_results, read_table, write_parquet
from hcc.tables import RESULT_TABLES, SCHEMA_VERSION


def _hint(error: pytest.ExceptionInfo[ResultsError]) -> str:
    return error.value.hint or ""


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="There is no results file") as error:
        open_results(tmp_path / "none.duckdb")
    assert "hcc score" in _hint(error)


@pytest.mark.parametrize("content", [b"", b"member_id,sex\n1,F\n", b"\x00" * 100_000])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "claims.csv"
    path.write_bytes(content)
    with pytest.raises(ResultsError, match="not a DuckDB database"):
        open_results(path)


def test_a_truncated_results_file(tmp_path: Path, results: Path) -> None:
    path = tmp_path / "half.duckdb"
    path.write_bytes(results.read_bytes()[:20_000])
    with pytest.raises(ResultsError):
        read_table(path, "runs")


@pytest.mark.parametrize("sql", ["CREATE TABLE t (a INT)", "CREATE TABLE runs (a INT)"])
def test_somebody_elses_database(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(sql)
    with pytest.raises(ResultsError, match="not a results file"):
        open_results(path)


def test_a_newer_schema_is_refused_with_a_way_out(tmp_path: Path, results: Path) -> None:
    path = tmp_path / "newer.duckdb"
    path.write_bytes(results.read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute(f"UPDATE runs SET schema_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ResultsError, match=f"schema {SCHEMA_VERSION + 1}") as error:
        open_results(path)
    assert "Update the engine" in _hint(error)


def test_results_are_read_only(results: Path) -> None:
    con = open_results(results)
    with pytest.raises(duckdb.Error, match="read-only"):
        con.execute("DELETE FROM runs")
    con.close()


def test_an_unknown_table(results: Path) -> None:
    with pytest.raises(ResultsError, match="no table or view 'score'") as error:
        read_table(results, "score")
    assert "member_scores" in _hint(error)


def test_parquet_holds_every_table_and_is_private(tmp_path: Path, results: Path) -> None:
    files = write_parquet(results, tmp_path / "tables")
    assert {file.stem for file in files} == set(RESULT_TABLES)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    with duckdb.connect() as con:
        count = con.execute(f"SELECT count(*) FROM '{tmp_path}/tables/factors.parquet'").fetchall()
    assert count == [(read_table(results, "factors").height,)]
    with pytest.raises(ResultsExist):
        write_parquet(results, tmp_path / "tables")
    write_parquet(results, tmp_path / "tables", overwrite=True)


def test_parquet_never_replaces_a_folder_with_other_things(tmp_path: Path, results: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(ResultsExist):
        write_parquet(results, tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep me"


def test_parquet_from_frames(tmp_path: Path, results: Path) -> None:
    frame = read_table(results, "scores")
    files = write_parquet({"scores": frame}, tmp_path / "tables")
    assert [file.name for file in files] == ["scores.parquet"]


def test_a_damaged_file_is_not_told_as_open_elsewhere(tmp_path: Path) -> None:
    """DuckDB speaks of its "block", in which there is a "lock"."""
    (tmp_path / "cut.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + b"\1" * 5000)
    with pytest.raises(ResultsError, match="damaged"):
        open_results(tmp_path / "cut.duckdb")
