"""CMS's yearly "ICD-10 Mappings" workbook, XLSX or CSV.

Some title lines, then one row per code (or per code and HCC): a column per model with the HCC, and a column per model
and payment year that says "Yes" where the code pays. The workbook has no conditions, factors or hierarchies.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from hcc.errors import HccError, RulesError
from hcc.rules.releases.found import Edition, Found, Row, number

_CATEGORY = re.compile(
    r"^(?P<family>cms-hcc esrd|cms-hcc|rxhcc) model category v(?P<version>\d+)(?: for (?P<year>\d{4}) payment year)?$"
)
_MODEL_NAMES = {"cms-hcc": "cms-hcc-v{}", "cms-hcc esrd": "cms-hcc-esrd-v{}", "rxhcc": "rxhcc-v{:02}"}
_TITLE_LINES = 30


def is_workbook(path: Path) -> bool:
    """Whether a file is a mapping workbook (by its header)."""
    if path.suffix.lower() == ".xlsx":
        return not path.name.startswith("~$")
    if path.suffix.lower() != ".csv":
        return False
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        return any(_is_header(row) for _, row in zip(range(_TITLE_LINES), reader, strict=False))


def read_workbook(path: Path, payment_year: int, *, column_year: int | None = None) -> list[Found]:
    """Every model that the workbook maps for ``payment_year``.

    ``column_year``: the year in the workbook's column names, where it is another one. Raises RulesError, and HccError
    where no column is of the year.
    """
    rows = _rows(path)
    header = next((line for line, row in enumerate(rows[:_TITLE_LINES]) if _is_header(row)), None)
    if header is None:
        raise RulesError.from_faults(str(path), ["no row of column names that begins with 'Diagnosis Code'"])
    names = [_plain(cell) for cell in rows[header]]
    hcc_column: dict[str, int] = {}
    pays_column: dict[tuple[str, int], int] = {}
    for position, name in enumerate(names):
        if match := _CATEGORY.match(name):
            model = _MODEL_NAMES[match["family"]].format(int(match["version"]))
            if match["year"]:
                pays_column[model, int(match["year"])] = position
            else:
                hcc_column[model] = position
    wanted = column_year or payment_year
    years = sorted({year for _, year in pays_column})
    if wanted not in years:
        said = ", ".join(str(year) for year in years) or "none"
        other = years[-1] if years else "YEAR"
        raise HccError(
            f"{path.name} has no column for payment year {wanted}; years in its column names: {said}.",
            hint=f"If the columns of another year are meant, add --column-year {other}.",
        )
    title = " ".join(cell for row in rows[:header] for cell in row if cell)
    edition: Edition = "initial" if "initial" in f"{path.name} {title}".lower() else "midyear_final"
    return [
        _model(path, rows[header + 1 :], model, payment_year, edition, hcc_column[model], position)
        for (model, year), position in sorted(pays_column.items())
        if year == wanted and model in hcc_column
    ]


def _model(
    path: Path, rows: list[list[str]], model: str, year: int, edition: Edition, hcc_at: int, pays_at: int
) -> Found:
    pairs: list[Row] = []
    faults = []
    for row in rows:
        code = row[0].strip().replace(".", "").upper() if row else ""
        if len(row) <= max(hcc_at, pays_at) or row[pays_at].strip().lower() != "yes" or not code:
            continue
        try:
            pairs.append((code, number(row[hcc_at])))
        except ValueError:
            faults.append(f"{code}: 'Yes' for {model}, and {row[hcc_at]!r} as its HCC")
    if faults:
        raise RulesError.from_faults(str(path), faults)
    found = Found(model, year, edition, path.stem)
    found.add("diagnosis_to_hcc.csv", pairs, f"CMS workbook {path.name}")
    return found


def _plain(cell: str) -> str:
    return " ".join(cell.lower().split())


def _is_header(row: list[str]) -> bool:
    return bool(row) and _plain(row[0]) == "diagnosis code"


def _rows(path: Path) -> list[list[str]]:
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))
    import fastexcel

    try:
        sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string")
    except Exception as error:
        raise RulesError.from_faults(str(path), [f"cannot be read as a workbook: {error}"]) from None
    frame = sheet.to_polars()
    return [["" if cell is None else str(cell) for cell in row] for row in frame.iter_rows()]
