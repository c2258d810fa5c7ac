"""What CMS published for one model and year, read with the csv module and nothing else.

Only the published tables are read. The tables in which the engine writes down CMS's *rules* (segments, flags,
demographics, counts) are deliberately left alone: the reference says those rules in code, so that two readings meet.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"


@dataclass(frozen=True)
class Edit:
    """One age or sex edit of one diagnosis code; bounds are inclusive, None is open."""

    kind: str
    sex: str
    age_from: int | None
    age_to: int | None
    action: str
    hcc: str

    def matches(self, sex: str, age: int) -> bool:
        if self.sex and self.sex != sex:
            return False
        if self.age_from is not None and age < self.age_from:
            return False
        return not (self.age_to is not None and age > self.age_to)


@dataclass(frozen=True, eq=False)
class Published:
    """The published tables of one model, payment year and calibration."""

    model: str
    year: int
    calibration: str
    prefix: str
    hccs_of: dict[str, tuple[str, ...]]
    edits_of: dict[str, tuple[Edit, ...]]
    hccs: frozenset[str]
    hierarchy: tuple[tuple[str, str], ...]
    removals: tuple[tuple[str, tuple[str, ...]], ...]
    groups: dict[str, frozenset[str]]
    interactions: tuple[tuple[str, tuple[str, ...]], ...]
    coefficients: dict[str, dict[str, Decimal]]
    graft_duration: dict[str, Decimal]
    transplant: dict[int, Decimal]
    divisors: dict[str, Decimal]


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _int(text: str) -> int | None:
    return int(text) if text else None


@cache
def published(model: str, year: int, calibration: str = "", edition: str = "") -> Published:
    """Tables of ``mappings/<model>/<year>/``; an ``initial/`` folder outranks file by file where asked for."""
    base = MAPPINGS / model / str(year)
    if not base.is_dir():
        raise LookupError(f"no tables of {model} for {year}")

    def rows(name: str) -> list[dict[str, str]]:
        if edition and (base / edition / name).exists():
            return _rows(base / edition / name)
        return _rows(base / name)

    hccs_of: dict[str, list[str]] = {}
    for row in rows("diagnosis_to_hcc.csv"):
        hccs_of.setdefault(row["diagnosis_code"], []).append(row["hcc"])
    edits_of: dict[str, list[Edit]] = {}
    for row in rows("diagnosis_edits.csv"):
        edit = Edit(row["kind"], row["sex"], _int(row["age_from"]), _int(row["age_to"]), row["action"], row["hcc"])
        edits_of.setdefault(row["diagnosis_code"], []).append(edit)
    groups: dict[str, set[str]] = {}
    for row in rows("groups.csv"):
        groups.setdefault(row["group"], set()).add(row["hcc"])
    coefficients: dict[str, dict[str, Decimal]] = {}
    folder = base / calibration if calibration else base
    for row in _rows(folder / "coefficients.csv"):
        coefficients.setdefault(row["segment"], {})[row["variable"]] = Decimal(row["coefficient"])
    if not coefficients:
        raise LookupError(f"no coefficients of {model} {calibration} for {year}")
    hierarchy = sorted(rows("hierarchies.csv"), key=lambda row: int(row["position"]))
    return Published(
        model=model,
        year=year,
        calibration=calibration,
        prefix="RXHCC" if model.startswith("rxhcc") else "HCC",
        hccs_of={code: tuple(hccs) for code, hccs in hccs_of.items()},
        edits_of={code: tuple(edits) for code, edits in edits_of.items()},
        hccs=frozenset(row["hcc"] for row in rows("hccs.csv")),
        hierarchy=tuple((row["hcc"], row["drops_hcc"]) for row in hierarchy),
        removals=tuple(
            (row["drops_hcc"], tuple(filter(None, row["unless_any_of"].split("|")))) for row in rows("removals.csv")
        ),
        groups={group: frozenset(members) for group, members in groups.items()},
        interactions=tuple((row["variable"], tuple(row["requires"].split("&"))) for row in rows("interactions.csv")),
        coefficients=coefficients,
        graft_duration={row["variable"]: Decimal(row["coefficient"]) for row in rows("graft_duration.csv")},
        transplant={int(row["month"]): Decimal(row["coefficient"]) for row in rows("transplant.csv")},
        divisors={row["variable"]: Decimal(row["divisor"]) for row in rows("actuarial_adjustment.csv")},
    )
