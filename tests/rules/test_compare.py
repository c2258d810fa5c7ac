from __future__ import annotations

from pathlib import Path

import pytest

from hcc.errors import HccError
from hcc.rules.check_data import changes_faults
from hcc.rules.compare import Change, TableComparison, compare_folders
from hcc.rules.folders import model_folder, models, shipped_folder
from tests.rules.small import MODEL, TABLES, YEAR, write_model


def by_table(before: Path, after: Path, *calibrations: str | None) -> dict[str, TableComparison]:
    return {one.table: one for one in compare_folders(before, after, *calibrations)}


def test_v28_from_2025_to_2026() -> None:
    """RULINGS 34: 152 mapping rows, 134 of them new and 18 gone, and 3 edits; nothing else."""
    tables = by_table(model_folder("cms-hcc-v28", 2025), model_folder("cms-hcc-v28", 2026))
    mapping = tables["diagnosis_to_hcc"]
    assert (mapping.count("new"), mapping.count("gone"), mapping.count("changed")) == (134, 18, 0)
    assert [change.key[0] for change in tables["diagnosis_edits"].changes] == ["C50A0", "C50A1", "C50A2"]
    others = [one for name, one in tables.items() if name not in ("diagnosis_to_hcc", "diagnosis_edits")]
    assert not any(one.changes for one in others)
    assert {"coefficients", "hierarchies", "hccs"} <= {one.table for one in others}


def test_a_folder_with_itself(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    assert not any(one.changes for one in compare_folders(folder, folder))


def test_each_kind_of_change(tmp_path: Path) -> None:
    before = write_model(tmp_path)
    after = write_model(
        tmp_path,
        year=YEAR + 1,
        hccs=TABLES["hccs.csv"].replace("First", "The first"),
        coefficients=TABLES["coefficients.csv"].replace("CNA,HCC2,0.2\n", "CNA,HCC2,0.25\n"),
        hierarchies="position,hcc,drops_hcc\n1,1,3\n2,1,2\n",
        counts=None,
    )
    tables = by_table(before, after)
    assert tables["hccs"].changes == (Change("hccs", "changed", ("1",), "First · true", "The first · true"),)
    assert tables["coefficients"].changes == (Change("coefficients", "changed", ("CNA", "HCC2"), "0.2", "0.25"),)
    assert tables["hierarchies"].changes == (Change("hierarchies", "new", ("1", "3")),)
    assert tables["counts"].changes == (Change("counts", "gone", ("D2P",), before="2 · "),)


def test_another_order_of_the_hierarchy_is_a_change(tmp_path: Path) -> None:
    before = write_model(tmp_path, hierarchies="position,hcc,drops_hcc\n1,1,2\n2,1,3\n")
    after = write_model(tmp_path, year=YEAR + 1, hierarchies="position,hcc,drops_hcc\n1,1,3\n2,1,2\n")
    (change,) = by_table(before, after)["hierarchies"].changes
    assert (change.key, change.after) == (("order", ""), "another order")


def test_calibrations_are_compared_by_name_or_as_named() -> None:
    before, after = model_folder("rxhcc-v08", 2026), model_folder("rxhcc-v08", 2027)
    assert by_table(before, after)["coefficients x"].count("gone") == 827
    named = by_table(before, after, "x", "y1")["coefficients x → y1"]
    assert (named.count("new"), named.count("gone")) == (0, 0)
    assert named.count("changed") > 0
    with pytest.raises(HccError, match="has no calibration 'z'"):
        compare_folders(before, after, "z", None)


@pytest.mark.parametrize("model", models())
def test_the_shipped_changes_are_what_changed(model: str) -> None:
    assert changes_faults(shipped_folder() / model) == []


def test_changes_that_are_stale_missing_or_of_no_year(tmp_path: Path) -> None:
    write_model(tmp_path)
    write_model(tmp_path, year=YEAR + 1, counts=None)
    write_model(tmp_path, year=YEAR + 2, counts=None)
    folder = tmp_path / MODEL / "changes"
    folder.mkdir()
    (folder / "2031-2032.csv").write_text("table,change,key,before,after\n")
    (folder / "1999-2000.csv").write_text("table,change,key,before,after\n")
    faults = changes_faults(folder.parent)
    assert faults == [
        "2032-2033.csv is missing",
        "1999-2000.csv: no such pair of years",
        "2031-2032.csv is not what changed; write it with 'hcc rules compare cms-hcc-v99 2031 2032 --csv'",
    ]
    (folder / "2031-2032.csv").write_text("table,change,key,before,after\ncounts,gone,*,1 rows,\n")
    assert changes_faults(folder.parent) == faults[:2]
