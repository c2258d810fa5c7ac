"""Text files as the world writes them: encodings, delimiters, line ends; a broken line is set aside, never lost."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

import hcc.intake.delimited
from hcc.errors import InputError
from tests.intake.make import lines, members, read, reasons, write

HEADER = "claim_id,member_id,thru_date,hcpcs,diagnosis_1"
ROW = "C1,M1,2025-03-04,99213,E1122"


@pytest.fixture(params=["in memory", "in the private folder"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "in memory":
        monkeypatch.setattr(hcc.intake.delimited, "IN_MEMORY", 0)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("mark", [",", ";", "|", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_dialect(tmp_path: Path, mark: str, encoding: str, end: str) -> None:
    text = f"{HEADER},note{end}{ROW},café{end}".replace(",", mark)
    content = ("\ufeff" + text).encode("utf-16-le") if encoding == "utf-16-le-bom" else text.encode(encoding)
    found = read(claims_=write(tmp_path, "c.csv", content))
    assert lines(found).select("claim_id", "hcpcs").rows() == [("C1", "99213")]
    assert found.claim_diagnoses.collect()["diagnosis_code"].to_list() == ["E1122"]
    assert any("Windows-1252" in note for note in found.notes) == (encoding == "cp1252")


def test_letters_of_windows_1252_come_through(tmp_path: Path) -> None:
    path = write(tmp_path, "m.csv", "member_id,birth_date,sex,pbp_id\nM1,1950-01-01,F,“é”\n".encode("cp1252"))
    assert read(members_=path).members["pbp_id"].to_list() == ["“é”"]


@pytest.mark.usefixtures("either_way")
def test_letters_of_windows_1252_far_behind_the_beginning(tmp_path: Path) -> None:
    body = "".join(f"M{i},1950-01-01,F,x\n" for i in range(20_000))
    path = write(
        tmp_path, "m.csv", f"member_id,birth_date,sex,pbp_id\n{body}".encode() + "L,1950-01-01,F,é\n".encode("cp1252")
    )
    found = read(members_=path)
    assert found.members.height == 20_001
    assert found.members["pbp_id"].to_list()[0] == "é"
    assert any("Windows-1252" in note for note in found.notes)


@pytest.mark.usefixtures("either_way")
def test_line_ends_of_two_kinds_in_one_file(tmp_path: Path) -> None:
    path = write(tmp_path, "c.csv", f"{HEADER}\r\n{ROW}\nC2,M1,2025-03-04,99214,I10\r\n")
    assert lines(read(claims_=path))["hcpcs"].to_list() == ["99213", "99214"]


@pytest.mark.usefixtures("either_way")
def test_broken_lines_are_set_aside_with_their_number(tmp_path: Path) -> None:
    rows = [ROW, "C2,M1,2025-03", "C3,M1,2025-03-04,99213,I10,one more,and one", 'C4,M1,2025-03-04,"99213,I10', ROW]
    path = write(tmp_path, "c.csv", "\n".join([HEADER, *rows[:3], "C9,M1,2025-13-99,99213,I10", rows[4]]) + "\n")
    found = read(claims_=path)
    assert lines(found)["claim_id"].to_list() == ["C1", "C1"]
    assert reasons(found) == [
        ("claims", 2, "", "RAGGED_ROW"),
        ("claims", 3, "", "RAGGED_ROW"),
        ("claims", 4, "thru_date", "BAD_THRU_DATE"),  # row numbers count the broken lines too
    ]
    rejected = found.rejected()
    assert rejected["value"].to_list() == ["C2,M1,2025-03", rows[2], "2025-13-99"]
    assert rejected["source"].unique().to_list() == [path]


@pytest.mark.usefixtures("either_way")
def test_a_file_that_was_cut_off_in_its_last_line(tmp_path: Path) -> None:
    whole = f"{HEADER}\n{ROW}\nC2,M1,2025-03-04,99214,I10"
    for cut, reason in ((f"{whole[:-12]}", "RAGGED_ROW"), (f'{whole[:-12]},"99', "BAD_QUOTES")):
        found = read(claims_=write(tmp_path, "c.csv", cut))
        assert lines(found)["claim_id"].to_list() == ["C1"]
        assert reasons(found) == [("claims", 2, "", reason)]


def test_a_file_of_other_lines_only_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of its 2 lines has as many fields as the header"):
        read(claims_=write(tmp_path, "c.csv", f"{HEADER}\nC1\nC2\n"))


@pytest.mark.usefixtures("either_way")
def test_quoted_fields_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    content = f'{HEADER},note\nC1,M1,2025-03-04,"99213",E1122,"a, ""b""\nc"\nC2,M1,2025-03-05,99214,I10,x\n'
    assert lines(read(claims_=write(tmp_path, "c.csv", content)))["hcpcs"].to_list() == ["99213", "99214"]


def test_blank_lines_blanks_and_null_words(tmp_path: Path) -> None:
    content = f"{HEADER},original_claim_id\n\nC1 , M1,2025-03-04, 99213 ,E1122,NULL\n\nC2,M1,2025-03-04,\\N,I10,\n\n"
    found = lines(read(claims_=write(tmp_path, "c.csv", content)))
    assert found.select("claim_id", "member_id", "hcpcs", "original_claim_id").rows() == [
        ("C1", "M1", "99213", None),
        ("C2", "M1", None, None),
    ]


def test_only_a_header(tmp_path: Path) -> None:
    found = read(claims_=write(tmp_path, "c.csv", f"{HEADER}\n"))
    assert lines(found).is_empty()
    assert found.notes == ["claims: there is no claim line; every score is demographic."]
    with pytest.raises(InputError, match="members: there is no row"):
        read(members_=write(tmp_path, "m.csv", "member_id,birth_date,sex\n"))


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_lines_are_no_rows(tmp_path: Path, end: str) -> None:
    """Before the header, between rows, before broken lines, beside a value of several lines: rows count from 1."""
    bad = "C2,M1,never,99213,E119", "C3,M1,2025-03-04,99213,E119,too,many", "C5,M1,ever,99213,E119"
    several = 'C4,M1,2025-03-04,99213,"E11' + end + '22"'
    text = ["", "", HEADER, ROW, "", bad[0], "", "", bad[1], several, "", bad[2], ""]
    found = read(claims_=write(tmp_path, "c.csv", end.join(text).encode()))
    assert [(row["row_number"], row["value"]) for row in found.rejected().sort("row_number").to_dicts()] == [
        (2, "never"), (3, bad[1]), (5, "ever"),
    ]  # fmt: skip
    assert lines(found)["claim_id"].sort().to_list() == ["C1", "C4"]


@pytest.mark.parametrize("birth", ["1950-01-01", "1950-01-01T00:00:00", "15JUN1950", "1/Jan/50"])
def test_no_header_is_told_without_showing_a_value(tmp_path: Path, birth: str) -> None:
    path = write(tmp_path, "m.csv", f"Hidden-Id-7,{birth},F\nM2,1951-01-01,M\n")
    with pytest.raises(InputError) as caught:
        read(members_=path)
    assert "looks like data" in str(caught.value)
    assert "Hidden" not in str(caught.value)
    assert "1950" not in str(caught.value)


def test_two_hundred_columns(tmp_path: Path) -> None:
    names = [f"unknown_{i}" for i in range(195)]
    content = ",".join([HEADER, *names]) + "\n" + ",".join([ROW, *("x" for _ in names)]) + "\n"
    found = lines(read(claims_=write(tmp_path, "c.csv", content)))
    assert found["hcpcs"].to_list() == ["99213"]
    assert not set(names) & set(found.columns)


def test_headers_with_blanks_capitals_and_an_empty_name(tmp_path: Path) -> None:
    content = '" Claim_ID ",MEMBER_ID,Thru_Date,"hcpcs",diagnosis_1,\nC1,M1,2025-03-04,99213,E1122,\n'
    assert lines(read(claims_=write(tmp_path, "c.csv", content)))["hcpcs"].to_list() == ["99213"]


def test_row_numbers_hold_in_a_file_that_is_read_in_many_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hcc.intake.delimited, "IN_MEMORY", 0)
    random.seed(3)
    rows = 450_000
    ragged = sorted(random.sample(range(1, rows), 50))
    bad = sorted(set(random.sample(range(1, rows), 50)) - set(ragged))
    special = dict.fromkeys(ragged, "C,M1\n") | dict.fromkeys(bad, f"C,M1,2025-99-99,{'x' * 60},I10\n")
    body = "".join(special.get(i, f"C{i},M1,2025-03-04,{'x' * 60},I10\n") for i in range(1, rows + 1))
    found = read(claims_=write(tmp_path, "c.csv", f"{HEADER}\n{body}"))
    told = reasons(found)
    assert [row for _, row, _, reason in told if reason == "RAGGED_ROW"] == ragged
    assert [row for _, row, _, reason in told if reason == "BAD_THRU_DATE"] == bad
    assert found.claims.select("claim_id").collect().height == rows - len(ragged) - len(bad)


def test_the_private_folder_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hcc.intake.delimited, "IN_MEMORY", 0)
    read(claims_=write(tmp_path, "c.csv", f"{HEADER}\n{ROW}\n"))
    from hcc.intake import spool

    assert spool._folder is not None
    assert spool._folder.stat().st_mode & 0o077 == 0
    assert not list(spool._folder.glob("*.csv"))


def test_rows_of_several_files_are_numbered_by_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path, f"d/{name}.csv", f"{HEADER}\n{ROW}\nC2,,2025-03-04,99213,I10\n")
    found = read(members(), tmp_path / "d")
    assert found.rejected().select("source", "row_number", "reason").rows() == [
        (str(tmp_path / "d/a.csv"), 2, "MISSING_MEMBER_ID"),
        (str(tmp_path / "d/b.csv"), 2, "MISSING_MEMBER_ID"),
    ]


def test_a_small_file_costs_little(tmp_path: Path) -> None:
    """Ten files of one line and 25 diagnoses: about a CPU second, once 30 for the sake of seven words for null."""
    names = ["claim_id", "member_id", "thru_date", "hcpcs", *(f"diagnosis_{i}" for i in range(1, 26))]
    for number in range(10):
        line = [f"C{number}", "M1", "2025-03-04", "99213", *["I10"] * 25]
        write(tmp_path, f"{number}.csv", f"{','.join(names)}\n{','.join(line)}\n")
    begun = time.process_time()
    assert read(claims_=tmp_path).claims.collect().height == 10
    assert time.process_time() - begun < 4
