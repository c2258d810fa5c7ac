from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hcc.rules.check_data import data_faults, data_folders
from hcc.rules.folders import shipped_folder

OURS = [shipped_folder() / "eligibility", shipped_folder() / "eligibility" / "2026", shipped_folder() / "icd10cm"]


@pytest.mark.parametrize("folder", OURS, ids=lambda folder: folder.name)
def test_shipped_data_keeps_the_laws(folder: Path) -> None:
    assert folder in data_folders(shipped_folder())
    assert list(data_faults(folder)) == []


def test_models_are_no_data_folders() -> None:
    assert not any(folder.parent.name.startswith(("cms-hcc", "rxhcc")) for folder in data_folders(shipped_folder()))


def test_what_was_changed_added_or_taken_away_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "eligibility"
    shutil.copytree(shipped_folder() / "eligibility", folder)
    (folder / "audio_only.csv").unlink()
    (folder / "more.csv").write_text("a\n1\n")
    with (folder / "bill_types.csv").open("a") as file:
        file.write("99,other,false,false,made up\n")
    faults = list(data_faults(folder))
    assert "manifest.toml lists audio_only.csv, which is not there" in faults
    assert "more.csv is not in manifest.toml" in faults
    assert "bill_types.csv: its sha256 is not the one in manifest.toml" in faults
    assert "bill_types.csv: 23 rows, manifest.toml says 22" in faults
