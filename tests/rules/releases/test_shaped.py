from __future__ import annotations

from pathlib import Path

import pytest

from hcc.errors import RulesError
from hcc.rules.releases.shaped import read_shaped, year_folders
from tests.rules.small import MODEL, YEAR, write_model


def test_a_tree_of_years_is_found_and_read_with_its_sources(tmp_path: Path) -> None:
    write_model(tmp_path)
    write_model(tmp_path, year=YEAR + 1)
    assert [folder.name for folder in year_folders(tmp_path)] == [str(YEAR), str(YEAR + 1)]
    found = read_shaped(tmp_path / MODEL / str(YEAR))
    assert (found.model, found.payment_year) == (MODEL, YEAR)
    assert found.sources["hccs.csv"] == "made for a test"


def test_without_a_manifest_the_path_says_what_it_is(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "manifest.toml").unlink()
    found = read_shaped(folder)
    assert found.sources["hccs.csv"] == f"table of {MODEL}/{YEAR} as given"


def test_rows_in_another_order_are_sorted(tmp_path: Path) -> None:
    folder = write_model(tmp_path, diagnosis_to_hcc="diagnosis_code,hcc\nA003,3\nA003,1\nA002,2\nA001,1\nA001,1\n")
    assert read_shaped(folder).tables["diagnosis_to_hcc.csv"].rows == (
        ("A001", "1"),
        ("A002", "2"),
        ("A003", "1"),
        ("A003", "3"),
    )


def test_wrong_columns_and_ragged_rows_are_told_together(tmp_path: Path) -> None:
    folder = write_model(tmp_path, hccs="hcc,name\n1,First\n", groups="group,hcc\nPAIR\n")
    with pytest.raises(RulesError) as error:
        read_shaped(folder)
    assert "hccs.csv: columns hcc, name" in error.value.message
    assert "groups.csv: a row has not 2 cells" in error.value.message


def test_strange_tables_are_left_out_and_said(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "more.csv").write_text("a\n1\n")
    assert read_shaped(folder).notes == ["more.csv is no table of mappings/ and was left out"]
