"""The older SAS shape: a format file (``F28….TXT``), a coefficient CSV (``V28hcccoefn.csv``), a hierarchy macro."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from hcc.errors import HccError, RulesError
from hcc.rules.releases.found import Found, Row, Table, number

_FORMAT_NAME = re.compile(r"^F(?P<version>\d{2})\d{2}\w*\.txt$", re.IGNORECASE)
# A third column D marks the second HCC of a code.
_FORMAT_ROW = re.compile(
    r'^\s*"?(?P<code>[A-Z][0-9][0-9A-Z]{1,5})"?\s*(?:=|\s)\s*"?(?P<hcc>\d+)"?(?:\s+[A-Z])?\s*;?\s*$', re.IGNORECASE
)
_SET_TO_ZERO = re.compile(r"%SET0\(\s*CC\s*=\s*(\d+)\s*,\s*HIER\s*=\s*%STR\(([^)]*)\)\s*\)", re.IGNORECASE)
_TRANSPLANT = re.compile(r"^TRANSPLANT_.*_(\d)M$", re.IGNORECASE)


def format_files(folder: Path) -> list[Path]:
    """Format files (code to HCC) at or below a folder."""
    return sorted(path for path in folder.rglob("*") if _FORMAT_NAME.match(path.name))


def version_of(file: Path) -> str:
    """Model version that a format file's name says: ``F2823T2N_FY22FY23.TXT`` is 28."""
    match = _FORMAT_NAME.match(file.name)
    return match["version"] if match else ""


def read_sas(
    folder: Path,
    format_file: Path,
    model: str,
    payment_year: int,
    base: Mapping[str, Table],
    spellings: Mapping[str, str],
) -> Found:
    """One model from its SAS files; ``base`` lends the spelling of segments and variables (SAS knows no case),
    ``spellings`` says which other names SAS uses (releases/spellings.csv).

    The age and sex edits are macro code in this shape: they are not read here. Raises RulesError with all faults.
    """
    found = Found(model, payment_year, "midyear_final", format_file.stem)
    found.add("diagnosis_to_hcc.csv", _format_rows(format_file), f"CMS SAS format {format_file.name}")
    for file in sorted(folder.rglob("*.csv")):
        if "coef" in file.name.lower():
            _coefficients(found, file, version_of(format_file), base, spellings)
    for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".txt"):
        edges = [
            (parent, child.strip())
            for parent, children in _SET_TO_ZERO.findall(file.read_text(encoding="latin-1"))
            for child in children.split(",")
            if child.strip()
        ]
        if edges:
            rows = [(str(position), *edge) for position, edge in enumerate(edges, start=1)]
            found.add("hierarchies.csv", rows, f"CMS SAS macro {file.name}, in macro order")
    return found


def _format_rows(file: Path) -> list[Row]:
    rows: list[Row] = []
    faults = []
    for line, text in enumerate(file.read_text(encoding="latin-1").splitlines(), start=1):
        if not text.strip():
            continue
        match = _FORMAT_ROW.match(text)
        if match is None:
            faults.append(f"line {line}: no pair of diagnosis code and HCC")
        else:
            rows.append((match["code"].upper(), str(int(match["hcc"]))))
    if faults:
        raise RulesError.from_faults(str(file), faults[:20])
    return rows


def _coefficients(
    found: Found, file: Path, version: str, base: Mapping[str, Table], spellings: Mapping[str, str]
) -> None:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = [row for row in csv.reader(opened) if any(row)]
    if len(rows) != 2 or len(rows[0]) != len(rows[1]):
        raise RulesError.from_faults(str(file), ["expected one line of names and one line of values, equally long"])
    segments = [row["segment"] for row in base["segments.csv"].records()]
    known = {other.lower(): variable for other, variable in spellings.items()}
    for name, column in (("demographics", "variable"), ("interactions", "variable"), ("counts", "variable")):
        for record in base[f"{name}.csv"].records() if f"{name}.csv" in base else ():
            known[record[column].lower()] = record[column]
    durations = {
        frozenset(record["variable"].lower().split("_")): record["variable"]
        for record in (base["graft_duration.csv"].records() if "graft_duration.csv" in base else ())
    }
    priced: list[Row] = []
    grafts: list[Row] = []
    months: list[Row] = []
    faults = []
    for name, text in zip(*rows, strict=True):
        try:
            value = number(text)
        except ValueError as error:
            faults.append(f"{name}: {error}")
            continue
        segment = max((s for s in segments if name.upper().startswith(f"{s.upper()}_")), key=len, default=None)
        if match := _TRANSPLANT.match(name):
            months.append((match[1], value))
        elif frozenset(name.lower().split("_")) in durations:
            grafts.append((durations[frozenset(name.lower().split("_"))], value))
        elif segment is None:
            faults.append(f"{name} begins with no segment of the model ({', '.join(segments)})")
        else:
            variable = name[len(segment) + 1 :]
            short = variable.lower()
            spelled = (
                known.get(short)
                or known.get(f"{short}_v{version}")
                or (variable.upper() if "hcc" in short else variable)
            )
            priced.append((segment, spelled, value))
    if faults:
        raise RulesError.from_faults(str(file), faults)
    for table, of_table in (("coefficients", priced), ("graft_duration", grafts), ("transplant", months)):
        if of_table:
            found.add(f"{table}.csv", of_table, f"CMS SAS coefficients {file.name}")


def model_of(file: Path, available: list[str]) -> str:
    """The one model whose version a format file's name says; HccError where there are none or several."""
    version = version_of(file)
    fitting = [name for name in available if name.endswith(f"-v{version}")]
    if len(fitting) == 1:
        return fitting[0]
    said = f"which {' and '.join(fitting)} have" if fitting else "which no model has"
    raise HccError(
        f"{file.name} says version {version}, {said}.",
        hint=f"Say which model it is: --model {fitting[0] if fitting else 'NAME'}.",
    )
