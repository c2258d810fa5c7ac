"""Laws of mappings/ on variables: what interactions, demographics and coefficients name is there, and priced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hcc.rules import requires
from hcc.rules.manifest import Manifest
from hcc.rules.releases.found import COLUMNS, Table, name_of

KINDS = ("cell", "add", "duration", "flat", "divisor")
SHOWN = 12


def some(faults: list[str]) -> list[str]:
    """The first faults of a kind, and how many more there are."""
    if len(faults) <= SHOWN:
        return faults
    return [*faults[:SHOWN], f"… and {len(faults) - SHOWN} more like the last one"]


def column_of(tables: dict[str, Table], name: str, column: str) -> list[str]:
    """One column of a table, empty where the table is not there."""
    table = tables.get(f"{name}.csv", Table(COLUMNS[name], ()))
    position = COLUMNS[name].index(column)
    return [row[position] for row in table.rows]


def variable_faults(manifest: Manifest, tables: dict[str, Table]) -> Iterator[str]:
    """Faults of segments, flags, interactions, demographics, counts and coefficients against each other."""
    hccs = {f"{manifest.hcc_prefix}{hcc}" for hcc in column_of(tables, "hccs", "hcc")}
    yield from _requires_faults(tables)
    yield from _interaction_faults(tables, hccs)
    yield from _demographic_faults(tables)
    for file, table in tables.items():
        if name_of(file) == "coefficients":
            yield from _coefficient_faults(file, table, tables, hccs)


def _requires_faults(tables: dict[str, Table]) -> Iterator[str]:
    for name, key in (("segments", "segment"), ("flags", "flag"), ("demographics", "variable")):
        for row in tables[f"{name}.csv"].records():
            try:
                requires.parse(row["requires"])
            except ValueError as error:
                yield f"{name}.csv: {row[key]}: {error}"
    for row in tables["segments.csv"].records():
        if row["uses_diagnoses"] not in ("true", "false"):
            yield f"segments.csv: {row['segment']}: uses_diagnoses is neither true nor false"


def _interaction_faults(tables: dict[str, Table], hccs: set[str]) -> Iterator[str]:
    known = hccs | set(column_of(tables, "flags", "flag")) | set(column_of(tables, "groups", "group"))
    for row in tables["interactions.csv"].records():
        strangers = [term for term in row["requires"].split("&") if term not in known]
        yield from (f"interactions.csv: {row['variable']}: nobody knows the term {term!r}" for term in strangers)


def _demographic_faults(tables: dict[str, Table]) -> Iterator[str]:
    segments = set(column_of(tables, "segments", "segment"))
    demographics = tables["demographics.csv"].records()
    for row in demographics:
        strangers = [segment for segment in row["segments"].split("|") if segment and segment not in segments]
        yield from (f"demographics.csv: {row['variable']}: no segment {segment}" for segment in strangers)
        if row["kind"] not in KINDS:
            yield f"demographics.csv: {row['variable']}: kind {row['kind']!r} is none of {', '.join(KINDS)}"
    for kind, name, column in (
        ("duration", "graft_duration", "variable"),
        ("flat", "transplant", "month"),
        ("divisor", "actuarial_adjustment", "variable"),
    ):
        variables = [row["variable"] for row in demographics if row["kind"] == kind]
        used = {variable.rsplit("_", 1)[-1] if kind == "flat" else variable for variable in variables}
        there = set(column_of(tables, name, column))
        yield from (f"demographics.csv: {key} of kind {kind} is not in {name}.csv" for key in sorted(used - there))
        yield from (f"{name}.csv: {key} has no row of kind {kind} in demographics.csv" for key in sorted(there - used))


def _coefficient_faults(file: str, table: Table, tables: dict[str, Table], hccs: set[str]) -> Iterator[str]:
    """An addend without a coefficient is worth nothing and no fault; a cell, an interaction or a count is one."""
    segments = tables["segments.csv"].records()
    names = {row["segment"] for row in segments}
    demographics = tables["demographics.csv"].records()
    priced = {row["variable"] for row in demographics if row["kind"] == "cell"}
    priced |= set(column_of(tables, "interactions", "variable")) | set(column_of(tables, "counts", "variable"))
    known = hccs | priced | {row["variable"] for row in demographics if row["kind"] == "add"}
    times = Counter((segment, variable) for segment, variable, _ in table.rows)
    have = {variable for _, variable in times}
    yield from (f"{file}: segment {name} is not in segments.csv" for name in sorted({s for s, _ in times} - names))
    yield from some([f"{file}: nobody knows the variable {name}" for name in sorted(have - known)])
    yield from some([f"{file}: no coefficient for {name}" for name in sorted(priced - have)])
    yield from some(
        [
            f"{file}: segment {row['segment']} pays HCCs but has no coefficient for {hcc}"
            for row in segments
            if row["uses_diagnoses"] == "true"
            for hcc in sorted(hccs)
            if (row["segment"], hcc) not in times
        ]
    )
    yield from some([f"{file}: two coefficients for {variable} in {s}" for (s, variable), n in times.items() if n > 1])
    yield from some(
        [
            f"{file}: {segment},{variable}: {text!r} is no number of thousandths"
            for segment, variable, text in table.rows
            if not _thousandths(text)
        ]
    )


def _thousandths(text: str) -> bool:
    whole, _, decimals = text.removeprefix("-").partition(".")
    return whole.isdigit() and len(decimals) <= 3 and (decimals == "" or decimals.isdigit())
