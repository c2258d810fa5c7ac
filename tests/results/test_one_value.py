"""Columns with one value all through a table cost nothing to write, read as any other, and become rows when they must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import hcc
from hcc.demo.population import demo_population
from hcc.results import ResultsWriter, read_table
from hcc.results.one_value import TABLES
from hcc.tables import RESULT_TABLES

FLAGS = pl.Enum(["", "AUDIO_ONLY"])


def _frame(run: str, flags: list[str], npi: list[str | None], first: int = 0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "run_id": pl.Series([run] * len(flags), dtype=pl.Enum([run])),
            "member_id": [f"m{first + i}" for i in range(len(flags))],
            "flags": pl.Series(flags, dtype=FLAGS),
            "rendering_npi": pl.Series(npi, dtype=pl.String),
        }
    )


def _write(path: Path, frames: list[pl.DataFrame], **options: Any) -> Path:
    with ResultsWriter(path, **options) as writer:
        writer.declare_one_value(["run_id", "flags", "rendering_npi", "record_type"])
        for frame in frames:
            writer.append("diagnoses", frame)
            writer.mark(1, {})  # hands the frame over: inserts of their own
        return writer.finish({})


def _generated(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as con:
        rows = con.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'diagnoses' AND is_generated = 'ALWAYS'"
        ).fetchall()
    return {row[0] for row in rows}


def _told(path: Path) -> list[tuple[Any, ...]]:
    return sorted(read_table(path, "diagnoses").select("run_id", "member_id", "flags", "rendering_npi").rows())


def test_one_value_is_read_in_every_row_in_its_place(tmp_path: Path) -> None:
    path = _write(tmp_path / "r.duckdb", [_frame("r", ["", ""], [None, None]), _frame("r", [""], [None], 2)])
    assert _generated(path) == {"run_id", "flags", "rendering_npi"}
    assert _told(path) == [("r", f"m{i}", "", None) for i in range(3)]
    assert read_table(path, "diagnoses").columns == list(RESULT_TABLES["diagnoses"].names)
    with duckdb.connect(str(path), read_only=True) as con:
        comments = con.execute(
            "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'diagnoses' AND comment IS NULL"
        ).fetchall()
    assert comments == [(0,)]


@pytest.mark.parametrize(
    ("flags", "npi", "left"),
    [
        ("AUDIO_ONLY", None, {"run_id", "rendering_npi"}), ("", "1234567890", {"run_id", "flags"}),
        ("AUDIO_ONLY", "1234567890", {"run_id"}),
    ],
)  # fmt: skip
def test_another_value_makes_rows_of_it(tmp_path: Path, flags: str, npi: str | None, left: set[str]) -> None:
    frames = [_frame("r", ["", ""], [None, None]), _frame("r", ["", flags], [None, npi], 2)]
    path = _write(tmp_path / "r.duckdb", frames)
    assert _generated(path) == left
    assert _told(path) == [*(("r", f"m{i}", "", None) for i in range(3)), ("r", "m3", flags, npi)]


def test_a_file_that_is_added_to_keeps_them_or_makes_rows(tmp_path: Path) -> None:
    base = _write(tmp_path / "a.duckdb", [_frame("r", ["", ""], [None, None])])
    same = _write(tmp_path / "b.duckdb", [_frame("r", [""], [None], 2)], base=base, run_id="r")
    assert _generated(same) == {"run_id", "flags", "rendering_npi"}
    assert _told(same) == [("r", f"m{i}", "", None) for i in range(3)]
    other = _write(tmp_path / "c.duckdb", [_frame("s", ["AUDIO_ONLY"], [None], 2)], base=base, run_id="s")
    assert _generated(other) == {"rendering_npi"}
    assert _told(other) == [("r", "m0", "", None), ("r", "m1", "", None), ("s", "m2", "AUDIO_ONLY", None)]


def test_a_run_has_the_same_tables_in_its_file_and_in_memory(tmp_path: Path) -> None:
    files = demo_population(tmp_path, members=300, payment_year=2026, seed=3)
    run = hcc.score(files["members"], files["claims"], payment_year=2026, out=tmp_path / "r.duckdb")
    assert {"run_id", "payment_year", "months", "first_month"} <= {
        row[0]
        for row in duckdb.connect(str(tmp_path / "r.duckdb"), read_only=True)
        .execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'factors' AND is_generated = 'ALWAYS'"
        )
        .fetchall()
    }
    memory = hcc.score(files["members"], files["claims"], payment_year=2026)
    for name in TABLES:
        here, there = getattr(memory, name).drop("run_id"), read_table(run.path, name).drop("run_id")
        text = [pl.all().cast(pl.String)]
        assert here.height > 0
        assert there.select(text).sort(pl.all()).equals(here.select(there.columns).select(text).sort(pl.all())), name
