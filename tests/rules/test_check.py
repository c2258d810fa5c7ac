"""Every law of mappings/ is broken once; a law that cannot be broken here is no law."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc.rules.check import check_folder
from hcc.rules.folders import model_folders, shipped_folder
from tests.rules.small import TABLES, write_model

SHIPPED = model_folders(shipped_folder())


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_the_shipped_tables_keep_every_law(folder: Path) -> None:
    assert check_folder(folder) == []


def test_the_small_model_keeps_every_law(tmp_path: Path) -> None:
    assert check_folder(write_model(tmp_path)) == []


def changed(table: str, old: str, new: str) -> dict[str, str | None]:
    text = TABLES[f"{table}.csv"]
    assert old in text
    return {table: text.replace(old, new)}


BROKEN: list[tuple[dict[str, str | None], str]] = [
    (changed("diagnosis_to_hcc", "A002,2\n", "A002,2\r\n"), "lines end in CR LF"),
    (changed("diagnosis_to_hcc", "A003,3\n", "A003,3"), "the last line has no end"),
    (changed("diagnosis_to_hcc", "A001,1\nA002,2\n", "A002,2\nA001,1\n"), "not sorted by its key"),
    (changed("diagnosis_to_hcc", "A002,2\n", "A002,2\nA002,2\n"), "twice the row A002,2"),
    (changed("diagnosis_to_hcc", "A002,2", "A00.2,2"), "'A00.2' is no ICD-10-CM code"),
    (changed("diagnosis_to_hcc", "A003,3\n", "A003,3\nA009,9\n"), "HCC 9 in hcc is not in hccs.csv"),
    (changed("diagnosis_to_hcc", "A003,3\n", ""), "HCC 3 is an orphan"),
    (changed("hccs", "3,Third,\n", ""), "HCC 3 in hcc is not in hccs.csv"),
    (changed("hccs", "Third", ""), "HCC 3 has no label"),
    (changed("hccs", "3,Third,\n", "3,Third,\n4,Fourth,\n"), "has no coefficient for HCC4"),
    (changed("hierarchies", "1,1,2", "1,1,7"), "HCC 7 in drops_hcc is not in hccs.csv"),
    (changed("hierarchies", "1,1,2", "1,8,2"), "HCC 8 in hcc is not in hccs.csv"),
    (changed("hierarchies", "1,1,2", "2,1,2"), "the positions are not 1, 2, 3"),
    (changed("removals", "1|2", "1|5"), "HCC 5 in unless_any_of is not in hccs.csv"),
    (changed("groups", "PAIR,2", "PAIR,6"), "groups.csv: HCC 6"),
    (changed("interactions", "PAIR&HCC3", "TRIO&HCC3"), "nobody knows the term 'TRIO'"),
    (changed("interactions", "PAIR_HCC3,", "OTHER,"), "nobody knows the variable PAIR_HCC3"),
    (changed("interactions", "PAIR_HCC3,", "OTHER,"), "no coefficient for OTHER"),
    (changed("counts", "D2P", "D3P"), "no coefficient for D3P"),
    (changed("coefficients", "CNA,HCC2,0.2\n", ""), "segment CNA pays HCCs but has no coefficient for HCC2"),
    (changed("coefficients", "CNA,HCC2,0.2\n", "CNA,HCC2,0.2\nCNA,HCC2,0.3\n"), "two coefficients for HCC2 in CNA"),
    (changed("coefficients", "1.001", "1.0005"), "'1.0005' is no number of thousandths"),
    (changed("coefficients", "CNA,F65_GT,0.5\n", ""), "segment CNA: no cell"),
    (changed("coefficients", "NE,NEF", "NX,NEF"), "segment NX is not in segments.csv"),
    (changed("coefficients", "CNA,D2P", "CNA,D2Q"), "nobody knows the variable D2Q"),
    (changed("segments", "age<65,true", "age<60,true"), "kinds of member have no segment, such as age 60"),
    (changed("segments", "new_enrollee,false", "new_enrolee,false"), "'new_enrolee' is not a known name"),
    (changed("segments", "age<65,true", "age<65,yes"), "uses_diagnoses is neither true nor false"),
    (changed("segments", "age<65,true", "age>=65,true"), "nobody can be in segment CND"),
    (
        changed("demographics", "F65_GT,cell,,sex=F&age>=65", "F65_GT,cell,,sex=F&age>=66"),
        "no cell for 1 kinds of member",
    ),
    (changed("demographics", "M65_GT,cell,,sex=M", "M65_GT,cell,,sex=M|F"), "segment CNA: more than one cell"),
    (changed("demographics", "NEM,cell,NE", "NEM,cell,NX"), "no segment NX"),
    (changed("demographics", "NEM,cell", "NEM,cel"), "kind 'cel' is none of"),
    (changed("demographics", "NEM,cell,NE,", "LATE,duration,NE,graft_month>=4\nNEM,cell,NE,"), "LATE of kind duration"),
    (changed("flags", "age<65", "age<sixty"), "age is compared with whole numbers"),
    (changed("diagnosis_edits", "A001,sex", "A009,sex"), "A009 is not in diagnosis_to_hcc.csv"),
    (changed("diagnosis_edits", "override,2", "override,"), "an override names an HCC"),
    (changed("diagnosis_edits", "mce_age", "mce"), "kind 'mce' is none of"),
    (changed("diagnosis_edits", "sex,F", "sex,X"), "sex 'X' is none of"),
    (changed("diagnosis_edits", "A002,mce_age", "A001,sex,F,60,,invalid,\nA002,mce_age"), "one has to decide"),
    (changed("diagnosis_edits", "0,14", "15,14"), "ages '15' to '14' are no range"),
    ({"hccs": "hcc,label\n1,First\n"}, "expected hcc, label, is_chronic"),
    ({"flags": None}, "flags.csv is missing"),
    ({"groups": "group,hcc\nPAIR\n"}, "have not 2 cells"),
]


@pytest.mark.parametrize(("change", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_a_broken_law_is_told(tmp_path: Path, change: dict[str, str | None], words: str) -> None:
    faults = check_folder(write_model(tmp_path, **change))
    assert any(words in fault for fault in faults), faults


def test_the_first_member_without_a_cell_is_described(tmp_path: Path) -> None:
    change = changed("demographics", "F65_GT,cell,,sex=F&age>=65", "F65_GT,cell,,sex=F&age>=66")
    (fault,) = check_folder(write_model(tmp_path, **change))
    assert "such as age 65, sex F" in fault


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    change = {**changed("hierarchies", "1,1,2", "1,1,7"), **changed("counts", "D2P", "D3P")}
    faults = check_folder(write_model(tmp_path, **change))
    assert len(faults) == 3  # HCC 7; D3P without coefficient; D2P that nobody knows


def test_a_table_edited_by_hand_is_noticed(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    path = folder / "coefficients.csv"
    path.write_text(path.read_text().replace("CNA,HCC1,1.001", "CNA,HCC1,1.002"))
    faults = check_folder(folder)
    assert faults == [
        "coefficients.csv: its sha256 is not the one in manifest.toml",
        "coefficients.csv: the numbers sum to 5.962, manifest.toml says 5.961",
    ]


def test_files_and_manifest_must_name_each_other(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "counts.csv").rename(folder / "extra.csv")
    faults = check_folder(folder)
    assert "manifest.toml lists counts.csv, which is not there" in faults
    assert "extra.csv is not in manifest.toml" in faults
    assert "extra.csv: no table of this name is known" in faults


def test_the_manifest_must_say_what_the_folder_is(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    folder.rename(folder.with_name("2035"))
    assert check_folder(folder.with_name("2035")) == [
        "manifest.toml says cms-hcc-v99 2031, the folder is cms-hcc-v99/2035"
    ]


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "manifest.toml").write_text("model = ")
    (fault,) = check_folder(folder)
    assert "no valid TOML" in fault
    (folder / "manifest.toml").unlink()
    assert check_folder(folder) == ["manifest.toml is missing"]
