"""Segments, demographics, interactions, counts and coefficients of one rule set as integer tables (thousandths)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.errors import MissingCoefficient, RulesError
from hcc.kernel.arrays import WORD
from hcc.rules.condition_tables import bit_mask
from hcc.rules.requires import Facts, holds
from hcc.rules.ruleset import RuleSet

ACTUARIAL_ADJUSTMENT = "ACTUARIAL_ADJUSTMENT"
_ELSEWHERE = {"duration": "graft_duration", "flat": "transplant", "divisor": "actuarial_adjustment"}


@dataclass(frozen=True, eq=False)
class Interaction:
    """All masks hit and all flags up; ``coefficient``/``listed`` by segment."""

    variable: int
    masks: list[NDArray[np.uint64]]
    flags: list[int]
    coefficient: NDArray[np.int32]
    listed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Demographic:
    """One row of demographics.csv; ``coefficient``/``listed`` by segment; a divisor is in thousandths too."""

    variable: int
    kind: str
    requires: str
    coefficient: NDArray[np.int32]
    listed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ScoreTables:
    """What turns a profile and HCC bits into factors."""

    name: str
    segments: list[str]
    segment_requires: list[str]
    uses_diagnoses: NDArray[np.bool_]
    variables: list[str]
    flags: list[str]
    flag_requires: list[str]
    demographics: list[Demographic]
    interactions: list[Interaction]
    count_bounds: NDArray[np.int32]  # [counts, (at least, at most)]
    count_variable: list[int]
    count_coefficient: NDArray[np.int32]  # [segments, counts]
    count_listed: NDArray[np.bool_]
    hcc_variable: NDArray[np.int32]  # [hccs]
    hcc_coefficient: NDArray[np.int32]  # [segments, hccs]
    hcc_bytes: NDArray[np.int32]  # [segments, bytes, 256]

    def segment_of(self, facts: Facts) -> NDArray[np.int16]:
        """Position of each profile's segment, -1 for none: the first row whose ``requires`` holds."""
        size = len(next(iter(facts.values())))
        segment = np.full(size, -1, dtype=np.int16)
        for position, requires in enumerate(self.segment_requires):
            segment[(segment < 0) & holds(requires, facts)] = position
        return segment


def score_tables(rules: RuleSet) -> ScoreTables:
    """Build the tables; raises MissingCoefficient where a segment that pays HCCs lacks one (SPEC 0.5)."""
    segment_rows = rules.tables["segments"].sort(pl.col("position").cast(pl.Int32))
    segments = segment_rows["segment"].to_list()
    uses = np.array([value == "true" for value in segment_rows["uses_diagnoses"]], dtype=bool)
    table = {(s, v): c for s, v, c in rules.coefficients.select("segment", "variable", "coefficient").iter_rows()}
    hcc_names = [rules.variable_of(hcc) for hcc in rules.hcc_list]
    variables: list[str] = []
    number: dict[str, int] = {}

    def variable(name: str) -> int:
        if name not in number:
            number[name] = len(variables)
            variables.append(name)
        return number[name]

    def by_segment(name: str) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        found = [table.get((segment, name)) for segment in segments]
        return (
            np.array([value or 0 for value in found], dtype=np.int32),
            np.array([value is not None for value in found], dtype=bool),
        )

    faults = [
        f"segment {segment} pays HCCs but has no coefficient for {name}"
        for segment, pays in zip(segments, uses, strict=True)
        if pays
        for name in hcc_names
        if (segment, name) not in table
    ]
    if faults:
        raise MissingCoefficient.from_faults(f"{rules.name} {rules.payment_year}", faults)
    hcc_coefficient = np.array([[table.get((s, n), 0) for n in hcc_names] for s in segments], dtype=np.int32)
    flags = rules.tables["flags"]["flag"].to_list()
    counts = rules.tables["counts"]
    count_columns = [by_segment(name) for name in counts["variable"]]
    return ScoreTables(
        name=rules.name,
        segments=segments,
        segment_requires=segment_rows["requires"].to_list(),
        uses_diagnoses=uses,
        flags=flags,
        flag_requires=rules.tables["flags"]["requires"].to_list(),
        demographics=[
            _demographic(row, rules, segments, variable, table)
            for row in rules.tables["demographics"].iter_rows(named=True)
        ],
        interactions=[
            Interaction(variable(name), *_terms(name, requires, rules, flags), *by_segment(name))
            for name, requires in rules.tables["interactions"].select("variable", "requires").iter_rows()
        ],
        count_bounds=np.array(
            [(int(low), int(high or 10**6)) for low, high in counts.select("at_least", "at_most").iter_rows()],
            dtype=np.int32,
        ).reshape(-1, 2),
        count_variable=[variable(name) for name in counts["variable"]],
        count_coefficient=np.array([c for c, _ in count_columns], dtype=np.int32).reshape(-1, len(segments)).T,
        count_listed=np.array([on for _, on in count_columns], dtype=bool).reshape(-1, len(segments)).T,
        hcc_variable=np.array([variable(name) for name in hcc_names], dtype=np.int32),
        hcc_coefficient=hcc_coefficient,
        hcc_bytes=_byte_sums(hcc_coefficient),
        variables=_with_adjustment(variables, variable),
    )


def _with_adjustment(variables: list[str], variable: Callable[[str], int]) -> list[str]:
    variable(ACTUARIAL_ADJUSTMENT)
    return variables


def _demographic(
    row: dict[str, str],
    rules: RuleSet,
    segments: list[str],
    variable: Callable[[str], int],
    table: dict[tuple[str, str], int],
) -> Demographic:
    name, kind = row["variable"], row["kind"]
    only = row["segments"].split("|") if row["segments"] else segments
    if kind in _ELSEWHERE:
        source = rules.tables[_ELSEWHERE[kind]]
        key = name.rsplit("_", 1)[-1] if kind == "flat" else name
        value = dict(source.iter_rows()).get(key)
        if value is None:
            raise RulesError.from_faults(str(rules.folder), [f"{_ELSEWHERE[kind]}.csv has no row for {name}"])
        listed = [segment in only for segment in segments]
        coefficient = [value if on else 0 for on in listed]
    else:
        found = [table.get((segment, name)) if segment in only else None for segment in segments]
        listed = [value is not None for value in found]
        coefficient = [value or 0 for value in found]
    return Demographic(
        variable=variable(ACTUARIAL_ADJUSTMENT if kind == "divisor" else name),
        kind=kind,
        requires=row["requires"],
        coefficient=np.array(coefficient, dtype=np.int32),
        listed=np.array(listed, dtype=bool),
    )


def _terms(name: str, requires: str, rules: RuleSet, flags: list[str]) -> tuple[list[NDArray[np.uint64]], list[int]]:
    """Masks and flags of one interaction: a term is a group, ``HCC<n>``/``RXHCC<n>`` or a flag."""
    bit_of = {hcc: bit for bit, hcc in enumerate(rules.hcc_list)}
    words = -(-len(bit_of) // WORD)
    groups: dict[str, list[int]] = {}
    for group, hcc in rules.tables["groups"].select("group", "hcc").iter_rows():
        groups.setdefault(group, []).append(bit_of[hcc])
    masks, up = [], []
    for term in requires.split("&"):
        if term in flags:
            up.append(flags.index(term))
        elif term in groups:
            masks.append(bit_mask(groups[term], words))
        elif term.startswith(rules.hcc_prefix) and term[len(rules.hcc_prefix) :] in bit_of:
            masks.append(bit_mask([bit_of[term[len(rules.hcc_prefix) :]]], words))
        else:
            raise RulesError.from_faults(str(rules.folder), [f"interaction {name}: nobody knows the term {term!r}"])
    return masks, up


def _byte_sums(coefficients: NDArray[np.int32]) -> NDArray[np.int32]:
    """Sum of the coefficients of the bits set in each byte value: [segments, bytes, 256]."""
    segments, hccs = coefficients.shape
    size = -(-hccs // WORD) * 8
    padded = np.zeros((segments, size * 8), dtype=np.int64)
    padded[:, :hccs] = coefficients
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    sums: NDArray[np.int32] = np.einsum("sbk,vk->sbv", padded.reshape(segments, size, 8), bits).astype(np.int32)
    return sums
