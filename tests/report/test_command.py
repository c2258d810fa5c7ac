"""``hcc report`` as a person types it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hcc.results import append_review
from tests.cli.conftest import run_hcc


def test_report_writes_the_page_and_says_where(results: Path, tmp_path: Path) -> None:
    done = run_hcc("report", str(results), "--out", "report.html", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "report.html" in done.stderr
    assert "<11" not in done.stderr
    again = run_hcc("report", str(results), "--out", "report.html", cwd=tmp_path)
    assert again.returncode == 1
    assert "hint:" in again.stderr


def test_small_cells_come_with_a_warning(results: Path, tmp_path: Path) -> None:
    done = run_hcc("report", str(results), "--out", "report.html", "--show-small-cells", cwd=tmp_path)
    assert done.returncode == 0
    assert "keep it like the data itself" in done.stderr
    assert "Small cells are shown" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_faulty_reference_ends_with_one_message_and_no_page(results: Path, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("hcc,share\n37,14\n", encoding="utf-8")
    done = run_hcc("report", str(results), "--out", "report.html", "--reference", "r.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("error:") == done.stderr.count("hint:") == 1
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("place", ["{results}", "{results}.reviews.sqlite", "r.csv"])
def test_an_input_is_never_replaced_by_the_page(results: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "r.csv").write_text("hcc,share\n37,0.14\n", encoding="utf-8")
    copy = Path(shutil.copy(results, tmp_path / "results.duckdb"))
    append_review(copy, gap_id="g1", decision="defer", reviewer="ann")
    out = tmp_path / place.format(results=copy.name)
    before = out.read_bytes()
    done = run_hcc("report", copy.name, "--out", str(out), "--reference", "r.csv", "--overwrite", cwd=tmp_path)
    assert done.returncode == 1
    assert "is an input of the report" in done.stderr
    assert out.read_bytes() == before
