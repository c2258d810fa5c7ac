"""What changed between two folders of mappings/, row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hcc.errors import HccError
from hcc.rules.folders import calibrations
from hcc.rules.releases.found import COLUMNS, Row, Table, read_table

# Columns that make a row what it is; the others are what it says. The position of a hierarchy is no part of it.
_KEYS: dict[str, tuple[str, ...]] = {
    "hccs": ("hcc",),
    "hierarchies": ("hcc", "drops_hcc"),
    "removals": ("drops_hcc",),
    "interactions": ("variable",),
    "segments": ("segment",),
    "flags": ("flag",),
    "counts": ("variable",),
    "graft_duration": ("variable",),
    "transplant": ("month",),
    "actuarial_adjustment": ("variable",),
    "coefficients": ("segment", "variable"),
}
_NOT_COMPARED = {"hierarchies": ("position",), "segments": ("position",)}


@dataclass(frozen=True, slots=True)
class Change:
    """One row that is new, gone or changed; ``before`` and ``after`` hold what it says beside its key."""

    table: str
    change: str
    key: Row
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class TableComparison:
    """One table of both folders: its key's columns, row counts and changes (gone, then changed, then new; by key)."""

    table: str
    key_columns: tuple[str, ...]
    rows_before: int
    rows_after: int
    changes: tuple[Change, ...]

    def count(self, change: str) -> int:
        return sum(1 for one in self.changes if one.change == change)

    @property
    def told(self) -> tuple[Change, ...]:
        """The changes as they are told: a table that only one folder has is one line, not all its rows."""
        if self.changes and 0 in (self.rows_before, self.rows_after):
            change = "new" if self.rows_before == 0 else "gone"
            words = f"{len(self.changes)} rows"
            key = ("*", *("" for _ in self.key_columns[1:]))
            return (Change(self.table, change, key, *((words, "") if change == "gone" else ("", words))),)
        return self.changes


def changes_csv(tables: Iterable[TableComparison]) -> str:
    """Every change as CSV with the columns table, change, key (its parts joined by a space), before, after."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("table", "change", "key", "before", "after"))
    for table in tables:
        rows = ((one.table, one.change, " ".join(one.key).strip(), one.before, one.after) for one in table.told)
        writer.writerows(rows)
    return out.getvalue()


def compare_folders(
    before: Path, after: Path, calibration_before: str | None = None, calibration_after: str | None = None
) -> list[TableComparison]:
    """Every table of two model folders against each other, in the order of the rules.

    Coefficients are compared calibration by calibration, or the two that are named with each other; raises HccError
    where a named one is not there.
    """
    for folder, calibration in ((before, calibration_before), (after, calibration_after)):
        if calibration and calibration not in calibrations(folder):
            raise HccError(
                f"{folder.parent.name} {folder.name} has no calibration {calibration!r}.",
                hint=f"Calibrations: {', '.join(calibrations(folder)) or 'none, one set of coefficients'}.",
            )
    result = [
        _compared(name, before / f"{name}.csv", after / f"{name}.csv") for name in COLUMNS if name != "coefficients"
    ]
    result += [
        _compared(name, one, other)
        for name, one, other in _coefficients(before, after, calibration_before, calibration_after)
    ]
    return [one for one in result if one.rows_before or one.rows_after]


def _coefficients(
    before: Path, after: Path, calibration_before: str | None, calibration_after: str | None
) -> Iterator[tuple[str, Path, Path]]:
    file = "coefficients.csv"
    if calibration_before or calibration_after:
        one, other = calibration_before or calibration_after or "", calibration_after or calibration_before or ""
        name = f"coefficients {one}" if one == other else f"coefficients {one} → {other}"
        yield name, before / one / file, after / other / file
        return
    for calibration in sorted({*calibrations(before), *calibrations(after)}) or [""]:
        yield f"coefficients {calibration}".strip(), before / calibration / file, after / calibration / file


def _compared(title: str, before: Path, after: Path) -> TableComparison:
    name = title.split(" ")[0]
    columns = COLUMNS[name]
    key = _KEYS.get(name, columns)
    said = [column for column in columns if column not in key and column not in _NOT_COMPARED.get(name, ())]
    old, new = _by_key(before, name, key, said), _by_key(after, name, key, said)
    changes = [Change(title, "gone", row, before=old[row]) for row in old if row not in new]
    changes += [Change(title, "changed", row, old[row], new[row]) for row in old if row in new and old[row] != new[row]]
    changes += [Change(title, "new", row, after=new[row]) for row in new if row not in old]
    shared_before, shared_after = [row for row in old if row in new], [row for row in new if row in old]
    if name in _NOT_COMPARED and shared_before != shared_after:
        changes.append(Change(title, "changed", ("order",) + ("",) * (len(key) - 1), "as before", "another order"))
    return TableComparison(title, key, len(old), len(new), tuple(changes))


def _by_key(path: Path, name: str, key: tuple[str, ...], said: list[str]) -> dict[Row, str]:
    table = read_table(path) if path.is_file() else Table(COLUMNS[name], ())
    return {tuple(row[column] for column in key): " · ".join(row[column] for column in said) for row in table.records()}
