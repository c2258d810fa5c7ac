"""A run that is killed goes on where it stopped and ends with the same tables."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import hcc
from hcc.demo.population import demo_tables
from hcc.diagnoses import shards
from hcc.errors import ResultsError
from hcc.pipeline import run as run_module
from hcc.results import open_results, read_table

YEAR = 2026
TABLES = (
    "members", "diagnoses", "member_hccs", "factors", "scores", "member_scores", "edited_diagnoses", "hccs",
    "unmapped_codes", "diagnosis_hccs", "payment_factors", "reasons", "rejected_rows",
)  # fmt: skip
SMALL = {"SHARD_BITS": 5, "MARK_EVERY": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("population")
    tables = demo_tables(members=400, payment_year=YEAR, seed=3)
    for name in ("members", "claims"):
        tables[name].write_parquet(made / f"{name}.parquet")
    return made


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_BITS", SMALL["SHARD_BITS"])
    monkeypatch.setattr(run_module, "MARK_EVERY", SMALL["MARK_EVERY"])


def scored(folder: Path, out: Path, **options: Any) -> Any:
    return hcc.score(
        folder / "members.parquet", folder / "claims.parquet", payment_year=options.pop("payment_year", YEAR), out=out,
        **options,
    )  # fmt: skip


def killed_after(folder: Path, out: Path, shard: int, how: str) -> None:
    """Run in a process of its own, which ends in the middle of writing behind that many shards."""
    script = f"""
        import os, signal, sys, time
        from concurrent.futures import wait
        import hcc
        from hcc.diagnoses import shards
        from hcc.pipeline import run, shard
        from hcc.results.writer import ResultsWriter
        shards.SHARD_BITS, run.MARK_EVERY = {SMALL["SHARD_BITS"]}, {SMALL["MARK_EVERY"]}
        add, seen, writers, begin = shard.Tally.add, [], [], ResultsWriter.__init__
        def begun(writer, *given, **more):
            begin(writer, *given, **more)
            writers.append(writer)
        ResultsWriter.__init__ = begun
        def written():  # a mark is put by a writing thread, behind what came before it
            wait([future for lane in writers[0]._lanes for future in lane.pending])
        def counted(tally, one):
            add(tally, one)
            seen.append(one)
            if len(seen) == {shard}:
                {how}
        shard.Tally.add = counted
        hcc.score({str(folder / "members.parquet")!r}, {str(folder / "claims.parquet")!r}, payment_year={YEAR},
                  out={str(out)!r})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, capture_output=True, text=True)
    assert done.returncode != 0, done.stderr
    assert not out.exists()


def rows(path: Path, table: str) -> list[tuple[str, ...]]:
    frame = read_table(path, table)
    return sorted(tuple(map(str, row)) for row in frame.drop("run_id", strict=False).rows())


KILL = "os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize(("shard", "how"), [(3, f"written(); {KILL}"), (8, KILL), (7, "raise KeyboardInterrupt")])
def test_a_killed_run_resumes_and_gives_the_same(folder: Path, tmp_path: Path, shard: int, how: str) -> None:
    whole, out = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    counts = scored(folder, whole).counts
    killed_after(folder, out, shard, how)
    run = scored(folder, out, resume=True)
    assert any("was resumed" in note for note in run.notes)
    assert run.counts == counts
    for table in TABLES:
        assert rows(out, table) == rows(whole, table), table
    with open_results(out) as con:
        run_ids = {con.execute(f"SELECT DISTINCT run_id FROM {t}").fetchone() for t in ("members", "scores", "runs")}
        assert len(run_ids) == 1
        assert con.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE '\\_%' ESCAPE '\\'"
        ).fetchone() == (0,)
    assert {p.name for p in tmp_path.iterdir()} == {"whole.duckdb", "r.duckdb"}


def test_twice_interrupted(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "r.duckdb"
    killed_after(folder, out, 5, KILL)
    with monkeypatch.context() as patch:
        patch.setattr(run_module.Tally, "counts", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            scored(folder, out, resume=True)
    assert not out.exists()
    # This process is alive, so its own leftovers are somebody's at work: as if it had died.
    (left,) = tmp_path.iterdir()
    left.rename(tmp_path / left.name.replace(f".{os.getpid()}.", ".99999999."))
    scored(folder, out, resume=True)
    whole = tmp_path / "whole.duckdb"
    scored(folder, whole)
    for table in TABLES:
        assert rows(out, table) == rows(whole, table), table


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_run_is_not_gone_on_with(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.duckdb"
    killed_after(folder, out, 5, KILL)
    with pytest.raises(ResultsError, match="of other inputs, options"):
        scored(folder, out, resume=True, payment_year=YEAR - 1)
    scored(folder, out, payment_year=YEAR - 1)
    assert {p.name for p in tmp_path.iterdir()} == {"r.duckdb"}


def test_nothing_to_resume_is_said(folder: Path, tmp_path: Path) -> None:
    run = scored(folder, tmp_path / "r.duckdb", resume=True)
    assert any("began anew" in note for note in run.notes)


def test_an_error_leaves_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(run_module.Tally, "counts", broken)
    with pytest.raises(RuntimeError):
        scored(folder, tmp_path / "r.duckdb")
    assert list(tmp_path.iterdir()) == []
