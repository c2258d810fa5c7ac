from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from hcc.rules.folders import model_folders, shipped_folder
from hcc.rules.retired import FILE, retired_faults

ROOT = shipped_folder()


def test_every_code_that_ended_and_left_a_model_has_a_row() -> None:
    assert retired_faults(ROOT) == []


def test_the_law_sees_the_models() -> None:
    """An empty list of folders would make the law above hold for nothing."""
    assert len({folder.parent.name for folder in model_folders(ROOT)}) == 6


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for part in ("gaps", "icd10cm", "cms-hcc-v28/2024", "cms-hcc-v28/2025"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def rewrite(root: Path, old: str, new: str) -> None:
    text = (root / FILE).read_text()
    assert old in text
    (root / FILE).write_text(text.replace(old, new))


def test_a_missing_row_is_told_with_what_the_code_could_be(copy: Path) -> None:
    lines = (copy / FILE).read_text().splitlines(keepends=True)
    (copy / FILE).write_text("".join(line for line in lines if not line.startswith("J156,")))
    fault = "J156 left cms-hcc-v28 in 2025 and has no row; it could be J1561|J1569"
    assert retired_faults(copy) == [fault]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("J156,2023-10-01", "J156,1 Oct 2023", "J156: retired_on '1 Oct 2023' is no date like 2025-10-01"),
        ("J1561|J1569", "J156|J1569", "J156: could_be names the codes in its place, joined by |"),
        ("J1561|J1569", "J1561|", "J156: could_be names the codes in its place, joined by |"),
        ("\nJ156,", "\nI712,2023-10-01,I7120,x\nJ156,", "I712 stands there twice"),
        ("could_be", "successors", "the columns are diagnosis_code, retired_on, successors, source; expected "),
    ],
)
def test_rows_that_say_nothing_are_faults(copy: Path, old: str, new: str, fault: str) -> None:
    rewrite(copy, old, new)
    assert any(told.startswith(fault) for told in retired_faults(copy))


def test_codes_that_cms_took_out_need_no_row(copy: Path) -> None:
    """A valid code without codes below it left the model by CMS's decision: nothing stands in its place."""
    table = copy / "cms-hcc-v28" / "2025" / "diagnosis_to_hcc.csv"
    with table.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row[0] != "E1122"]
    table.write_text("".join(f"{','.join(row)}\n" for row in rows))
    assert retired_faults(copy) == []
