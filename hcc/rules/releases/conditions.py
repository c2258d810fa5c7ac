"""CMS's conditional mapping rows, turned into a plain mapping and the edits that change it.

A row of the packages' mapping file says: this code maps to this HCC where an age condition and a sex hold. Most
conditions come in complementary pairs with one HCC on both sides and have no effect (mappings/README of cms: "Edits").
What has an effect becomes rows of ``diagnosis_edits.csv``: for one code, sex and age range, another HCC or none.
The conditions are parsed, never evaluated as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hcc.rules.releases.found import Row

OLDEST = 130
_COMPARE = re.compile(r"^age\s*(<=|>=|==|=|<|>)\s*(\d+)$")
_BETWEEN = re.compile(r"^(\d+)\s*<=\s*age\s*<=\s*(\d+)$")
_PLUS = re.compile(r"^age\s*(\d+)\s*\+$")
_EVERY_AGE = range(OLDEST + 1)
_SEXES = ("F", "M")
_SEX_CODES = {"1": "M", "2": "F", "M": "M", "F": "F"}


@dataclass(frozen=True, slots=True)
class ConditionalRow:
    """One row of the packages' mapping file; ``sex`` is F, M or blank for both."""

    diagnosis_code: str
    hcc: str
    age_edit: range = _EVERY_AGE
    sex: str = ""
    mce_age: range = _EVERY_AGE

    @property
    def is_unconditional(self) -> bool:
        return not self.sex and self.age_edit == self.mce_age == _EVERY_AGE


def ages(text: str) -> range:
    """Ages for which a condition holds: ``age < N``, ``age >= N``, ``a <= age <= b``, ``age = N``, ``age N+``, blank.

    ValueError for anything else: nothing is guessed, nothing is evaluated.
    """
    text = " ".join(text.strip().lower().split())
    if not text:
        return _EVERY_AGE
    if match := _BETWEEN.match(text):
        return range(int(match[1]), min(int(match[2]), OLDEST) + 1)
    if match := _PLUS.match(text):
        return range(int(match[1]), OLDEST + 1)
    match = _COMPARE.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no condition on age; known: age < N, age >= N, a <= age <= b, age = N")
    bound = int(match[2])
    return {
        "<": range(bound),
        "<=": range(bound + 1),
        ">": range(bound + 1, OLDEST + 1),
        ">=": range(bound, OLDEST + 1),
        "=": range(bound, bound + 1),
        "==": range(bound, bound + 1),
    }[match[1]]


def sex(text: str) -> str:
    """F, M or blank from 1, 2, 1.0, 2.0, M, F or blank; ValueError for anything else."""
    text = text.strip().upper().removesuffix(".0")
    if not text:
        return ""
    if text not in _SEX_CODES:
        raise ValueError(f"{text!r} is no sex; known: 1 (male), 2 (female)")
    return _SEX_CODES[text]


def mapping_and_edits(rows: Iterable[ConditionalRow]) -> tuple[list[Row], list[Row]]:
    """Rows of diagnosis_to_hcc and of diagnosis_edits that together say what the conditional rows say.

    The mapping of a code is what it maps to for the oldest men (the members a model is made for), or, where that is
    nothing, what it maps to at most ages. ValueError names codes whose conditions our edits cannot say.
    """
    by_code: dict[str, list[ConditionalRow]] = {}
    for row in rows:
        by_code.setdefault(row.diagnosis_code, []).append(row)
    mapping: list[Row] = []
    edits: list[Row] = []
    for code, of_code in sorted(by_code.items()):
        if all(row.is_unconditional for row in of_code):
            mapping += [(code, hcc) for hcc in sorted({row.hcc for row in of_code}, key=int)]
            continue
        if len({row.mce_age for row in of_code}) == 1:
            allowed = of_code[0].mce_age
        else:  # the editor's condition differs by HCC: it can only be said together with the edits on age
            of_code = [_narrowed(row) for row in of_code]
            allowed = _EVERY_AGE
        by_sex = {s: [_hccs(of_code, s, age) for age in _EVERY_AGE] for s in _SEXES}
        base = _base(by_sex)
        mapping += [(code, hcc) for hcc in sorted(base, key=int)]
        edits += _edits(code, by_sex, base)
        edits += [(code, "mce_age", "", low, high, "invalid", "") for low, high in _runs(_EVERY_AGE, allowed)]
    return mapping, edits


def _narrowed(row: ConditionalRow) -> ConditionalRow:
    both = range(max(row.age_edit.start, row.mce_age.start), min(row.age_edit.stop, row.mce_age.stop))
    return ConditionalRow(row.diagnosis_code, row.hcc, both, row.sex)


def _hccs(rows: list[ConditionalRow], sex_: str, age: int) -> frozenset[str]:
    return frozenset(row.hcc for row in rows if row.sex in ("", sex_) and age in row.age_edit)


def _base(by_sex: dict[str, list[frozenset[str]]]) -> frozenset[str]:
    oldest = by_sex["M"][-1]
    if oldest:
        return oldest
    values = [value for of_sex in by_sex.values() for value in of_sex if value]
    return max(sorted(set(values), key=sorted), key=values.count, default=frozenset())


def _runs(every: range, allowed: Iterable[int]) -> list[tuple[str, str]]:
    """Age ranges outside ``allowed`` as (age_from, age_to): both bounds included, an open end blank."""
    kept = set(allowed)
    outside = [age for age in every if age not in kept]
    runs: list[list[int]] = []
    for age in outside:
        if runs and runs[-1][1] == age - 1:
            runs[-1][1] = age
        else:
            runs.append([age, age])
    return [_bounds(low, high) for low, high in runs]


def _bounds(low: int, high: int) -> tuple[str, str]:
    if low == 0 and high == OLDEST:
        return "", ""
    return str(low), "" if high == OLDEST else str(high)


def _edits(code: str, by_sex: dict[str, list[frozenset[str]]], base: frozenset[str]) -> list[Row]:
    found: dict[tuple[str, str, frozenset[str]], list[str]] = {}
    for sex_, values in by_sex.items():
        for value in {value for value in values if value != base}:
            if len(value) > 1:
                raise ValueError(f"{code}: an edit would set {len(value)} HCCs at once ({', '.join(sorted(value))})")
            same = [age for age, here in enumerate(values) if here != value]
            for low, high in _runs(_EVERY_AGE, same):
                found.setdefault((low, high, value), []).append(sex_)
    return [
        (
            code,
            "age" if len(sexes) == 2 else "sex",
            "" if len(sexes) == 2 else sexes[0],
            low,
            high,
            "override" if value else "invalid",
            "".join(value),
        )
        for (low, high, value), sexes in found.items()
    ]
