from __future__ import annotations

import csv
from pathlib import Path

import pytest
import xlsxwriter

from hcc.errors import HccError, RulesError
from hcc.rules.releases.workbook import is_workbook, read_workbook
from tests.rules.releases.made import WORKBOOK_ROWS

MAPPED = (("A001", "1"), ("A002", "2"), ("A003", "1"), ("A003", "3"))


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_xlsx(path: Path, rows: list[list[str]]) -> Path:
    """HCCs as numbers, as a spreadsheet keeps them."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                if cell.isdigit():
                    sheet.write_number(y, x, int(cell))
                elif cell:
                    sheet.write_string(y, x, cell)
    return path


def test_csv_and_xlsx_say_the_same(tmp_path: Path) -> None:
    for path in (write_csv(tmp_path / "a.csv", WORKBOOK_ROWS), write_xlsx(tmp_path / "a.xlsx", WORKBOOK_ROWS)):
        assert is_workbook(path)
        (found,) = read_workbook(path, 2032)
        assert (found.model, found.payment_year, found.edition) == ("cms-hcc-v99", 2032, "midyear_final")
        assert found.tables["diagnosis_to_hcc.csv"].rows == MAPPED


def test_only_yes_pays() -> None:
    assert "A007" not in {code for code, _ in MAPPED}


def test_a_model_per_column_and_year(tmp_path: Path) -> None:
    rows = [list(row) for row in WORKBOOK_ROWS]
    rows[3] += ["CMS-HCC ESRD Model Category V99 for 2032 Payment Year", "RxHCC Model Category V08"]
    rows[3] += ["RxHCC Model Category V08 for 2032 Payment Year"]
    for row in rows[4:]:
        row += ["Yes" if row[0] == "A001" else "No", "5", "Yes" if row[0] == "A002" else "No"]
    found = read_workbook(write_csv(tmp_path / "a.csv", rows), 2032)
    assert {one.model: one.tables["diagnosis_to_hcc.csv"].rows for one in found} == {
        "cms-hcc-v99": MAPPED,
        "cms-hcc-esrd-v99": (("A001", "1"),),
        "rxhcc-v08": (("A002", "5"),),
    }


def test_another_year_is_not_guessed(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "2033 Initial Mappings.csv", WORKBOOK_ROWS)
    with pytest.raises(HccError, match="no column for payment year 2033; years in its column names: 2032") as error:
        read_workbook(path, 2033)
    assert "--column-year 2032" in str(error.value)
    (found,) = read_workbook(path, 2033, column_year=2032)
    assert (found.payment_year, found.edition) == (2033, "initial")


def test_yes_without_an_hcc_is_a_fault(tmp_path: Path) -> None:
    rows = [*WORKBOOK_ROWS[:4], ["A001", "One", "", "", "Yes"]]
    with pytest.raises(RulesError, match="A001"):
        read_workbook(write_csv(tmp_path / "a.csv", rows), 2032)


def test_what_is_no_workbook(tmp_path: Path) -> None:
    assert not is_workbook(write_csv(tmp_path / "a.csv", [["a", "b"], ["1", "2"]]))
    broken = tmp_path / "b.xlsx"
    broken.write_bytes(b"no zip")
    with pytest.raises(RulesError, match="cannot be read as a workbook"):
        read_workbook(broken, 2032)
