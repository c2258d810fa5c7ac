"""Columns by name, by layout and by the user's map; every fault of every table at once, and no value in any message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcc.errors import InputError, MissingColumns
from hcc.intake import layouts
from hcc.tables import INPUT_TABLES
from tests.intake.make import YEAR, claims, lines, members, read, write


def fails(*args: Any, **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(*args, **more)
    return str(caught.value)


def test_names_in_any_case_and_with_blanks() -> None:
    frame = members(orec="1").rename({"member_id": " Member_ID ", "birth_date": "BIRTH_DATE", "orec": "OREC"})
    assert read(frame).members["orec"].to_list() == ["1"]


def test_unknown_columns_are_ignored() -> None:
    frame = members(name="Jane", ssn="1").with_columns(pl.lit([1]).alias("odd"))
    assert not {"name", "ssn", "odd"} & set(read(frame).members.columns)


def test_other_names_by_a_map(tmp_path: Path) -> None:
    frame = claims().rename({"thru_date": "Svc Thru", "diagnosis_1": "dx1"})
    path = write(tmp_path, "map.toml", '[claims]\n"svc thru" = "thru_date"\ndx1 = "diagnosis_1"\n')
    for columns in (path, Path(path), {"claims": {"SVC THRU": "thru_date", "dx1": "diagnosis_1"}}):
        found = read(claims_=frame, columns=columns)
        assert lines(found).height == 1
        assert found.claim_diagnoses.collect()["diagnosis_code"].to_list() == ["E1122"]


def test_a_map_serves_text_files_too(tmp_path: Path) -> None:
    path = write(tmp_path, "m.csv", "ID,dob,sex\nM1,1950-01-01,F\n")
    assert read(path, columns={"members": {"id": "member_id", "DOB": "birth_date"}}).members.height == 1


def test_missing_columns_come_with_a_guess() -> None:
    with pytest.raises(MissingColumns) as caught:
        read(members().rename({"birth_date": "birthdate"}).drop("sex"))
    said = str(caught.value)
    assert "column 'birth_date' is missing (is it your 'birthdate'?)" in said
    assert "column 'sex' is missing" in said
    assert "--columns map.toml" in said


def test_faults_of_all_tables_are_told_at_once() -> None:
    said = fails(
        members().drop("sex"), claims().drop("claim_id"), pharmacy=pl.DataFrame({"member_id": ["M1"]}),
        enrollment=pl.DataFrame({"member_id": ["M1"]}),
    )  # fmt: skip
    for word in ("'sex'", "'claim_id'", "'fill_date'", "'month'"):
        assert f"column {word} is missing" in said


def test_two_columns_of_one_meaning() -> None:
    assert "several columns mean 'sex': sex, SEX" in fails(members().with_columns(SEX=pl.lit("F")))
    said = fails(members(one="F", two="F"), columns={"members": {"one": "sex", "two": "sex"}})
    assert "several columns mean 'sex': one, two" in said


def test_a_column_that_is_mapped_stands_for_one_of_the_same_name() -> None:
    found = read(members(sex="F", old_sex="M"), columns={"members": {"old_sex": "sex"}})
    assert found.members["sex"].to_list() == ["M"]
    swapped = members(sex="0", orec="M").rename({"sex": "a", "orec": "sex"}).rename({"a": "orec"})
    assert read(swapped).members.select("sex", "orec").rows() == [("M", "0")]
    back = {"members": {"sex": "orec", "orec": "sex"}}
    assert read(members(sex="0", orec="M"), columns=back).members.select("sex", "orec").rows() == [("M", "0")]


def test_two_columns_of_one_name_in_a_text_file(tmp_path: Path) -> None:
    path = write(tmp_path, "m.csv", "member_id,birth_date,sex,sex\nM1,1950-01-01,F,M\n")
    assert "several columns mean 'sex'" in fails(path)
    fine = write(tmp_path, "n.csv", "member_id,birth_date,sex,note,note\nM1,1950-01-01,F,M,x\n")
    assert read(fine).members.height == 1, "columns that we do not need may be doubled"


def test_a_map_that_misses() -> None:
    said = fails(members(), columns={"members": {"gendre": "sex", "member_id": "member"}})
    assert "maps 'gendre' to 'sex', but there is no column 'gendre'" in said
    assert "maps 'member_id' to 'member', which is no column of members (is it 'member_id'?)" in said


def test_a_map_written_the_wrong_way_round() -> None:
    said = fails(members().rename({"birth_date": "BORN"}), columns={"members": {"birth_date": "BORN"}})
    assert 'there is no column \'birth_date\' (turn it round: born = "birth_date")' in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[members\n", "is no TOML file"),
        ("[membres]\na = 'b'\n", "no input table is called 'membres'"),
        ("[members]\na = 3\n", 'their_name = "our_name"'),
        ("members = 3\n", 'their_name = "our_name"'),
    ],
)
def test_a_map_that_cannot_be_read(tmp_path: Path, text: str, says: str) -> None:
    assert says in fails(columns=write(tmp_path, "map.toml", text))


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in fails(columns=tmp_path / "none.toml")


def test_a_column_missing_from_one_file_of_several(tmp_path: Path) -> None:
    claims().write_csv(tmp_path / "a.csv")
    claims().drop("thru_date").write_csv(tmp_path / "b.csv")
    said = fails(claims_=str(tmp_path / "*.csv"))
    assert f"column 'thru_date' is missing in {tmp_path / 'b.csv'}" in said


def test_an_optional_column_missing_from_one_file_takes_its_default(tmp_path: Path) -> None:
    claims(claim_id="C1", record_type="chart_review", hcpcs="99213").write_csv(tmp_path / "a.csv")
    claims(claim_id="C2").write_parquet(tmp_path / "b.parquet")
    frame = lines(read(claims_=[tmp_path / "a.csv", tmp_path / "b.parquet"]))
    assert frame["record_type"].to_list() == ["chart_review", "encounter"]
    assert frame["hcpcs"].to_list() == ["99213", None]


def test_layouts_are_listed_and_unknown_ones_told() -> None:
    assert {"canonical", "tuva"} <= set(layouts())
    assert "There is no layout 'tuvva'" in fails(layout="tuvva")
    assert "There is no layout 'None'" in fails(layout=None)


def test_columns_that_are_neither_a_file_nor_a_mapping() -> None:
    assert "columns is a list" in fails(columns=[1])


def test_a_layout_of_ones_own(tmp_path: Path) -> None:
    text = """
title = "Ours"
[members.columns]
member_id = ["mbi", "hicn"]
birth_date = ["dob"]
[members.words.sex]
w = "F"
[[members.where]]
column = "plan_kind"
equals = ["c"]
set = { csnp = "true" }
flag = "PLAN_KIND"
"""
    frame = pl.DataFrame(
        {"mbi": ["", "B"], "hicn": ["A", "x"], "dob": ["1950-01-01"] * 2, "sex": ["W", "M"], "plan_kind": ["C", "d"]}
    )
    found = read(frame, layout=write(tmp_path, "ours.toml", text)).members
    assert found.select("member_id", "sex", "csnp", "csnp_was_defaulted", "data_quality").rows() == [
        ("A", "F", True, False, "PLAN_KIND"),
        ("B", "M", False, True, ""),
    ]


@pytest.mark.parametrize("text", ["[members]\ncolour = 3\n", "[nobody]\ntable = 'x'\n", "not toml"])
def test_a_layout_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    assert "Layout" in fails(layout=write(tmp_path, "bad.toml", text))


def test_every_column_of_a_shipped_layout_is_one_of_ours() -> None:
    from hcc.intake.layout import load_layout

    for name in layouts():
        for table, layout in load_layout(name).tables.items():
            ours = {*INPUT_TABLES[table].names, "diagnosis", "hospice"}
            assert set(layout.columns) | set(layout.inpatient) | set(layout.words) <= ours
            assert {column for where in layout.where for column in where.set} <= ours


SECRET = "SECRET-77"


@pytest.mark.parametrize(
    "given",
    [
        {"members_": members(member_id=SECRET).drop("sex")},
        {"members_": members(birth_date=[SECRET, SECRET], member_id=SECRET)},
        {"claims_": claims(member_id=SECRET, thru_date=SECRET)},
        {"claims_": claims(member_id=SECRET, thru_date=["31/12/2025"])},
        {"claims_": claims(claim_id=SECRET).drop("diagnosis_1")},
    ],
)
def test_no_message_shows_a_value(given: dict[str, pl.DataFrame]) -> None:
    assert SECRET not in fails(**given)


def test_no_note_shows_a_value() -> None:
    found = read(members(member_id=SECRET, sex=[SECRET]))
    assert found.members.is_empty()
    assert not any(SECRET in note for note in found.notes)


def test_the_year_is_asked_for() -> None:
    from hcc.intake import read_inputs

    with pytest.raises(TypeError):
        read_inputs(members=members(), claims=claims())  # type: ignore[call-arg]
    assert YEAR


def partitioned(folder: Path, *keys: str) -> Path:
    """One member in one file, below folders of these names."""
    place = folder / "members" / Path(*keys)
    place.mkdir(parents=True)
    members().write_parquet(place / "part.parquet")
    return folder / "members"


@pytest.mark.parametrize(("keys", "column"), [
    (["program=PACE"], "program"), (["Program=PACE"], "program"), (["year=2025", "dual_status=02"], "dual_status"),
])  # fmt: skip
def test_columns_that_stand_in_folder_names_only_are_refused(tmp_path: Path, keys: list[str], column: str) -> None:
    given = partitioned(tmp_path, *keys)
    for path in (given, str(given), [given], given / "*", str(given / "**" / "*.parquet")):
        with pytest.raises(InputError) as told:
            read(path)
        assert f"column '{column}' stands in folder names only" in str(told.value)
        assert "PACE" not in str(told.value)
        assert "02" not in str(told.value)


def test_other_folder_names_say_nothing(tmp_path: Path) -> None:
    given = partitioned(tmp_path, "year=2025", "sex=M", "birth_date=x")
    assert read(given).members.height == 1, "no column is called year, and the files have the others"
    given = partitioned(tmp_path / "deeper", "program=PACE", "year=2025")
    assert read(given / "program=PACE").members.height == 1, "what lies above the path was chosen"
    assert read(given / "program=PACE" / "year=2025" / "part.parquet").members.height == 1


def test_folder_names_by_layout_and_renames(tmp_path: Path) -> None:
    place = tmp_path / "line_of_business=PACE"
    place.mkdir()
    members().drop("sex").write_csv(place / "m.csv")
    with pytest.raises(InputError, match=r"column 'program' stands in folder names only"):
        read(tmp_path, columns={"members": {"line_of_business": "program"}})
    spanned = members().with_columns(enrollment_start_date=pl.lit("2025-01-01"), enrollment_end_date=None)
    place = tmp_path / "tuva" / "dual_status_code=02"
    place.mkdir(parents=True)
    spanned.write_parquet(place / "m.parquet")
    with pytest.raises(InputError, match=r"column 'dual_status_code' stands in folder names only"):
        read(tmp_path / "tuva", layout="tuva")


def test_a_missing_column_that_folder_names_hold_is_told_once(tmp_path: Path) -> None:
    place = tmp_path / "sex=F"
    place.mkdir()
    members().drop("sex").write_parquet(place / "m.parquet")
    with pytest.raises(InputError) as told:
        read(tmp_path)
    assert "column 'sex' stands in folder names only (sex=…)" in str(told.value)
    assert "missing" not in str(told.value)
