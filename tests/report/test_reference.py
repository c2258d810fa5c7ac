"""The user's reference of prevalence: what is read, and every fault told."""

from __future__ import annotations

from pathlib import Path

import pytest

from hcc.errors import InputError
from hcc.report import read_reference, report_html
from tests.report import small
from tests.report.conftest import TODAY
from tests.report.page import Page


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "national 2024.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_shares_and_per_cents_with_and_without_model(tmp_path: Path) -> None:
    found = read_reference(_file(tmp_path, "Model, HCC ,share\ncms-hcc-v28,HCC37,0.2\n,226,12.5%\nrxhcc-v08,37,0.5\n"))
    assert found.name == "national 2024"
    assert found.of_model(small.V28, leading=True) == {"37": 0.2, "226": 0.125}
    assert found.of_model("rxhcc-v08", leading=False) == {"37": 0.5}, "226 is another condition there"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("hcc\n37\n", "has no column share"),
        ("a,b\n1,2\n", "hcc and share"),
        ("hcc,share\n", "no rows"),
        ("hcc,share\n37,14\n226,x\n", "line 2"),
        ("hcc,share\n37,0.1\n37,0.2\n", "stands there twice"),
        ("", "no CSV"),
    ],
)
def test_faults_are_told_with_a_way_out(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_reference(_file(tmp_path, content))
    assert "cms-hcc-v28,37,0.142" in (caught.value.hint or "")


def test_both_faulty_lines_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)line 2.*line 3"):
        read_reference(_file(tmp_path, "hcc,share\n37,14\n226,x\n"))


def test_the_report_shows_it_beside_the_members(results: Path, tmp_path: Path) -> None:
    given = read_reference(_file(tmp_path, "hcc,share\n37,0.2\n226,0.1\n"))
    page = Page(report_html(results, reference=given, today=TODAY))
    caption = "Prevalence of the HCCs of CMS-HCC V28"
    assert page.tables[caption][0] == [
        "HCC",
        "Members",
        "Displaced by another HCC",
        "Share",
        given.name,
        "Times the reference",
    ]
    # 24 of 61 members with a raw score are 39.3 %, 1.97 times 20 %.
    assert page.row(caption, "37 ") == ["24", "0", "39.3%", "20.0%", "1.97"]
    assert page.row(caption, "226 ") == ["<11", "0", "not shown", "10.0%", "–"]
    assert page.row(caption, "238 ") == ["28", "0", "45.9%", "–", "–"]
