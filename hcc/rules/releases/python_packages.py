"""CMS's Python software packages: ``…_package_v3/software/…/data/input/internal/*.csv``, a folder or a zip of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from hcc.errors import RulesError
from hcc.rules.releases.conditions import ConditionalRow, ages, mapping_and_edits, sex
from hcc.rules.releases.found import Edition, Found, Row, number

MAPPING_FILES = "ICD10_CC_mappings*.csv"
_PACKAGE = re.compile(r"(?P<family>CMS_HCC|ESRD|RxHCC)_v(?P<version>\d+)_(?P<year>\d{4})", re.IGNORECASE)
_MAPPING = re.compile(r"mappings_(?P<family>CMS_HCC|ESRD|RxHCC)_(?P<year>\d{4})(?:_v(?P<version>\d+))?", re.IGNORECASE)
_MODEL_NAMES = {"CMS_HCC": "cms-hcc-v{}", "ESRD": "cms-hcc-esrd-v{}", "RXHCC": "rxhcc-v{:02}"}
_NO_SEGMENT = {"variable", "label", "new enrollees"}
_MONTH = re.compile(r"_(\d+)M$", re.IGNORECASE)


def packages(folder: Path) -> list[Path]:
    """The ``internal`` folders of every package at or below a folder."""
    return sorted({path.parent for path in folder.rglob(MAPPING_FILES)})


def read_package(internal: Path, segment_of: dict[str, str], pays: set[str]) -> Found:
    """One package. ``segment_of``: column of its factor tables → segment; ``pays``: segments that pay HCCs.

    Raises RulesError with all faults of a file.
    """
    mapping_file = sorted(internal.glob(MAPPING_FILES))[0]
    model, year, release = identity(internal)
    edition: Edition = "initial" if "initial" in f"{release} {mapping_file.name}".lower() else "midyear_final"
    found = Found(model, year, edition, release)
    prefix = "RXHCC" if model.startswith("rxhcc") else "HCC"
    source = f"CMS Python package {release}"
    mapping, edits = _mapping(mapping_file)
    found.add("diagnosis_to_hcc.csv", mapping, f"{source}, {mapping_file.name}")
    found.add(
        "diagnosis_edits.csv", edits, f"{source}, conditions of {mapping_file.name}; those without effect left out"
    )
    for file in sorted(internal.glob("*.csv")):
        try:
            _read_file(found, file, prefix, source)
        except KeyError as error:
            raise RulesError.from_faults(str(file), [f"column {error} is missing"]) from None
        except ValueError as error:
            raise RulesError.from_faults(str(file), [str(error)]) from None
    _coefficients(found, internal, prefix, segment_of, pays, source)
    return found


def identity(internal: Path) -> tuple[str, int, str]:
    """Model, payment year and release name that the names of a package's folders and mapping file say."""
    mapping_file = sorted(internal.glob(MAPPING_FILES))[0]
    for part in reversed(internal.resolve().parts):
        if match := _PACKAGE.search(part):
            break
    else:
        match = _MAPPING.search(mapping_file.name)
        part = mapping_file.stem
    if match is None or match["version"] is None:
        raise RulesError.from_faults(
            str(mapping_file), ["neither its name nor that of a folder above it says model, version and payment year"]
        )
    model = _MODEL_NAMES[match["family"].upper()].format(int(match["version"]))
    release = re.sub(r"_package(?=_v\d+$)", "", part)
    return model, int(match["year"]), release


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of a CSV, names stripped, empty lines left out."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        for cells in (reader := csv.DictReader(opened)):
            row = {
                (name or "").strip(): (value or "").strip() for name, value in cells.items() if isinstance(value, str)
            }
            if any(row.values()):
                yield reader.line_num, row


def _mapping(file: Path) -> tuple[list[Row], list[Row]]:
    rows, faults = [], []
    for line, row in _rows(file):
        try:
            rows.append(
                ConditionalRow(
                    row["ICD10"].replace(".", "").upper(),
                    number(row["CC"]),
                    ages(row.get("AGE_EDIT_CONDITION", "")),
                    sex(row.get("SEX_EDIT_CONDITION", "")),
                    ages(row.get("MCE_AGE_CONDITION", "")),
                )
            )
        except KeyError as error:
            raise RulesError.from_faults(str(file), [f"column {error} is missing"]) from None
        except ValueError as error:
            faults.append(f"line {line}: {error}")
    try:
        result = mapping_and_edits(rows)
    except ValueError as error:
        faults.append(str(error))
    if faults:
        raise RulesError.from_faults(str(file), faults)
    return result


def _read_file(found: Found, file: Path, prefix: str, source: str) -> None:
    name, where = file.name.lower(), f"{source}, {file.name}"
    rows = [row for _, row in _rows(file)]
    if name.endswith("hierarchies.csv"):
        found.add("hierarchies.csv", _hierarchies(rows, prefix), f"{where}, in file order")
    elif name.endswith("diagnosis_categories.csv"):
        pairs = [(row["diag_category"], _digits(hcc, prefix)) for row in rows for hcc in list(row.values())[1:] if hcc]
        found.add("groups.csv", pairs, where)
    elif name.endswith("interactions.csv"):
        found.add("interactions.csv", _interactions(rows), where)
    elif name.endswith("transplant_scores.csv"):
        months = [(_month(row["Variable"]), number(row["Score"])) for row in rows]
        found.add("transplant.csv", months, where)
    elif name.endswith(("graft_duration_scores.csv", "institutional_graft_scores.csv")):
        before = found.tables["graft_duration.csv"].rows if "graft_duration.csv" in found.tables else ()
        pairs = [(row["Graft Duration"], number(row["Score"])) for row in rows]
        found.add("graft_duration.csv", [*before, *pairs], source)


def _digits(text: str, prefix: str) -> str:
    return number(text.upper().removeprefix(prefix))


def _month(variable: str) -> str:
    match = _MONTH.search(variable)
    if match is None:
        raise ValueError(f"{variable!r} names no month (…_1M)")
    return match[1]


def _hierarchies(rows: list[dict[str, str]], prefix: str) -> list[Row]:
    edges = [
        (_digits(parent, prefix), _digits(child, prefix))
        for parent, *children in (list(row.values()) for row in rows)
        for child in children
        if child
    ]
    return [(str(position), *edge) for position, edge in enumerate(edges, start=1)]


def _interactions(rows: list[dict[str, str]]) -> list[Row]:
    """``variable, A&B``; a term that is itself an interaction is written out."""
    terms = {
        row["interaction"]: [value for name, value in row.items() if name.startswith("var_") and value] for row in rows
    }

    def written_out(term: str, above: tuple[str, ...]) -> list[str]:
        if term not in terms or term in above:
            return [term]
        return [part for inner in terms[term] for part in written_out(inner, (*above, term))]

    return [(name, "&".join(part for term in of for part in written_out(term, (name,)))) for name, of in terms.items()]


def _coefficients(
    found: Found, internal: Path, prefix: str, segment_of: dict[str, str], pays: set[str], source: str
) -> None:
    """Factor tables, one column per segment. A blank cell is no row, but 0 for an HCC where the segment pays HCCs."""
    by_folder: dict[str, list[Path]] = {}
    for file in sorted(internal.rglob("*Relative_Factors.csv")):
        below = file.parent.relative_to(internal)
        by_folder.setdefault("" if below == Path() else below.name.lower(), []).append(file)
    for calibration, files in by_folder.items():
        rows: list[Row] = []
        blanks = 0
        for file in files:
            found_rows, found_blanks = _factors(found, file, prefix, segment_of, pays)
            rows += found_rows
            blanks += found_blanks
        note = f"; {blanks} blank cells of HCCs written as 0" if blanks else ""
        name = f"{calibration}/coefficients.csv" if calibration else "coefficients.csv"
        found.add(name, rows, f"{source}, {', '.join(file.name for file in files)}{note}")


def _factors(
    found: Found, file: Path, prefix: str, segment_of: dict[str, str], pays: set[str]
) -> tuple[list[Row], int]:
    rows: list[Row] = []
    faults: list[str] = []
    blanks = 0
    for line, row in _rows(file):
        variable = row.get("Variable", "")
        is_hcc = variable.startswith(prefix) and variable[len(prefix) :].isdigit()
        if is_hcc and row.get("Label"):
            found.labels[variable[len(prefix) :]] = row["Label"]
        for column, cell in row.items():
            if not column or column.lower() in _NO_SEGMENT:
                continue
            segment = segment_of.get(column)
            if segment is None:
                faults.append(f"column {column!r} stands for no segment in releases/columns.csv")
            elif cell:
                try:
                    rows.append((segment, variable, number(cell)))
                except ValueError as error:
                    faults.append(f"line {line}, column {column}: {error}")
            elif is_hcc and segment in pays:
                rows.append((segment, variable, "0"))
                blanks += 1
    if faults:
        raise RulesError.from_faults(str(file), list(dict.fromkeys(faults)))
    return rows, blanks
