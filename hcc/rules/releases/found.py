"""What a release holds, in our shape: tables of text, each with the name of where it came from."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

Edition = Literal["midyear_final", "initial"]
Row = tuple[str, ...]


def _number(text: str) -> tuple[int, str]:
    """Sort key of an HCC, a position or an age; blank first."""
    return (int(text), "") if text.isdigit() else (-1, text)


_ORDER: dict[str, Callable[[Row], object]] = {
    "diagnosis_to_hcc": lambda row: (row[0], _number(row[1])),
    "diagnosis_edits": lambda row: (row[0], row[1], row[2], _number(row[3]), _number(row[4])),
    "hccs": lambda row: _number(row[0]),
    "hierarchies": lambda row: _number(row[0]),
    "removals": lambda row: _number(row[0]),
    "groups": lambda row: (row[0], _number(row[1])),
    "segments": lambda row: _number(row[0]),
    "transplant": lambda row: _number(row[0]),
}
COLUMNS: dict[str, tuple[str, ...]] = {
    "diagnosis_to_hcc": ("diagnosis_code", "hcc"),
    "diagnosis_edits": ("diagnosis_code", "kind", "sex", "age_from", "age_to", "action", "hcc"),
    "hccs": ("hcc", "label", "is_chronic"),
    "hierarchies": ("position", "hcc", "drops_hcc"),
    "removals": ("drops_hcc", "unless_any_of"),
    "groups": ("group", "hcc"),
    "interactions": ("variable", "requires"),
    "segments": ("position", "segment", "requires", "uses_diagnoses", "label"),
    "flags": ("flag", "requires"),
    "demographics": ("variable", "kind", "segments", "requires"),
    "counts": ("variable", "at_least", "at_most"),
    "graft_duration": ("variable", "coefficient"),
    "transplant": ("month", "coefficient"),
    "actuarial_adjustment": ("variable", "divisor"),
    "coefficients": ("segment", "variable", "coefficient"),
}
OPTIONAL = frozenset({"counts", "graft_duration", "transplant", "actuarial_adjustment", "coefficients"})


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under the columns of one table of mappings/."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def to_csv(self) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return out.getvalue().encode("utf-8")

    def records(self) -> list[dict[str, str]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def name_of(file: str) -> str:
    """Table name of a file: ``x/coefficients.csv`` is ``coefficients``."""
    return file.rsplit("/", 1)[-1].removesuffix(".csv")


def in_order(name: str, rows: Iterable[Sequence[str]]) -> list[Row]:
    """Rows in the order in which the table is kept: by its key, numbers as numbers."""
    return sorted({tuple(row) for row in rows}, key=_ORDER.get(name, lambda row: row))  # type: ignore[arg-type]


def table(name: str, rows: Iterable[Sequence[str]]) -> Table:
    """A table of mappings/ from rows in any order; duplicates become one row."""
    return Table(COLUMNS[name], tuple(in_order(name, rows)))


def read_table(path: Path) -> Table:
    """A table of mappings/ as it lies on disk, rows in file order."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    return Table(tuple(rows[0]) if rows else (), tuple(tuple(row) for row in rows[1:] if row))


def number(text: str) -> str:
    """A number of a release without trailing zeros, exact: ``0.760`` is ``0.76``. ValueError when it is none."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number") from None
    return format(value.normalize(), "f") if value else "0"


@dataclass
class Found:
    """One model and payment year as found in a release: file name → table, and file name → where it came from."""

    model: str
    payment_year: int
    edition: Edition
    release: str
    tables: dict[str, Table] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)  # HCC → label, where the release prints one
    notes: list[str] = field(default_factory=list)

    def add(self, file: str, rows: Iterable[Sequence[str]], source: str) -> None:
        self.tables[file] = table(name_of(file), rows)
        self.sources[file] = source
