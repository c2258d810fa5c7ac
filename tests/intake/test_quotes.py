"""A broken quote, or line ends of two kinds, cost the line they are in and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

import hcc.intake.delimited
from hcc.intake.quotes import mended, unspoilt
from tests.intake.make import lines, members, read, reasons, write

HEADER = "claim_id,member_id,thru_date,hcpcs,diagnosis_1"


def row(number: int, quoted: bool = False) -> str:
    cells = (f"C{number:02}", "M1", "2025-03-04", "99213", "E1122")
    return ",".join(f'"{cell}"' if quoted else cell for cell in cells)


@pytest.fixture(params=["in memory", "in the private folder"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "in memory":
        monkeypatch.setattr(hcc.intake.delimited, "IN_MEMORY", 0)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("place", [1, 20, 40])
@pytest.mark.parametrize("quoted", [False, True])
def test_a_quote_that_is_never_closed_costs_its_own_line(tmp_path: Path, place: int, quoted: bool) -> None:
    rows = [row(number, quoted) for number in range(1, 41)]
    rows[place - 1] = f'C{place:02},M1,2025-03-04,"99213,E1122'
    found = read(claims_=write(tmp_path, "c.csv", "\n".join([HEADER, *rows]) + "\n"))
    assert lines(found)["claim_id"].to_list() == [f"C{number:02}" for number in range(1, 41) if number != place]
    assert reasons(found) == [("claims", place, "", "BAD_QUOTES")]
    assert found.rejected()["value"].to_list() == [rows[place - 1]]


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("first", "then"), [("\n", "\r\n"), ("\r\n", "\n"), ("\r", "\n"), ("\n", "\r"), ("\r\n", "\r")]
)
@pytest.mark.parametrize("place", [1, 20])
def test_line_ends_of_two_kinds_behind_quotes(tmp_path: Path, first: str, then: str, place: int) -> None:
    """As files put together from two systems have them."""
    rows = [HEADER, *(row(number, quoted=True) for number in range(1, 41))]
    text = first.join(rows[:place]) + first + then.join(rows[place:]) + then
    found = read(claims_=write(tmp_path, "c.csv", text.encode()))
    assert lines(found)["claim_id"].to_list() == [f"C{number:02}" for number in range(1, 41)]
    assert reasons(found) == []


def test_other_encodings_are_kept_where_quotes_are_broken(tmp_path: Path) -> None:
    rows = [f"M{number},1950-01-01,F,é" for number in range(1, 21)]
    rows[9] = 'M10,1950-01-01,F,"é'
    path = write(tmp_path, "m.csv", "\n".join(["member_id,birth_date,sex,pbp_id", *rows]).encode("cp1252"))
    found = read(members_=path)
    assert found.members["pbp_id"].unique().to_list() == ["é"]
    assert reasons(found) == [("members", 10, "", "BAD_QUOTES")]


def test_tabs_and_line_ends_around_values_are_no_part_of_them(tmp_path: Path) -> None:
    path = write(
        tmp_path, "c.csv", f'{HEADER}\nC1,\tM1\t,2025-03-04,99213,E1122\n"C2","M1\r\n",2025-03-04,99213,E1122\n'
    )
    assert lines(read(members(), path)).select("claim_id", "member_id").rows() == [("C1", "M1"), ("C2", "M1")]


def test_records() -> None:
    """Each line by hand: a field over two lines stays together, what can begin no record is spoilt alone."""
    text = ['a,"x\n', 'y",b\n', 'c,"d\n', "e,f,g\n", 'h,"i"j,k\n', 'l,m"n,o\n', '"p","q""","r"\n', 's,"t,u']
    found = list(mended(text, ",", 3))
    kept = ['a,"x\ny",b\n', "e,f,g\n", 'l,m"n,o\n', '"p","q""","r"\n']
    assert [line for line in found if line in kept] == kept
    spoilt = [line for line in found if line not in kept]
    assert [unspoilt(line.rstrip("\n")) for line in spoilt] == ['c,"d', 'h,"i"j,k', 's,"t,u']
    assert all(line.count("\n") == 1 for line in spoilt)


def test_two_stray_quotes_do_not_make_one_record_of_what_stands_between() -> None:
    text = ['a,"b,c\n', *(f"{number},x,y\n" for number in range(50)), 'd,e,"f\n', "g,h,i\n"]
    found = list(mended(text, ",", 3))
    assert [line for line in found if '"' not in line] == [line for line in text if '"' not in line]
    assert len(found) == len(text)
