"""The words gap rules may use: concepts and units of the value sets, codes that map to an HCC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcc.rules.folders import model_folders, roots
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import ConsecutiveYears, LateEpisode, OnlyOn
from hcc.rules.gap_terms import CkdStageTerm, DiagnosisTerm, FillTerm, ProblemTerm, ProcedureTerm, ResultTerm
from hcc.rules.valuesets import load_valuesets


@dataclass(frozen=True)
class Vocabulary:
    """Names of the value sets. ``units``: canonical unit by result concept."""

    drug_classes: frozenset[str]
    ingredients: frozenset[str]
    units: Mapping[str, frozenset[str]]
    procedures: frozenset[str]
    diagnoses: frozenset[str]
    mapped_codes: frozenset[str]


def vocabulary(*, mappings: str | Path | None = None) -> Vocabulary:
    """The vocabulary of the value sets and models of ``mappings/``."""
    sets = load_valuesets(mappings)
    units: dict[str, set[str]] = {}
    for concept, unit in sets.loinc.select("concept", "canonical_unit").unique().iter_rows():
        units.setdefault(str(concept), set()).add(str(unit or ""))
    mapped: set[str] = set()
    for root in roots(mappings):
        for folder in model_folders(root):
            table = pl.read_csv(folder / "diagnosis_to_hcc.csv", infer_schema=False, columns=["diagnosis_code"])
            mapped.update(table["diagnosis_code"].to_list())
    return Vocabulary(
        drug_classes=_words(sets.drug_keys["drug_class"]),
        ingredients=_words(sets.drug_keys["ingredient"]),
        units={concept: frozenset(found) for concept, found in units.items()},
        procedures=_words(sets.hcpcs["concept"]),
        diagnoses=_words(sets.diagnoses["concept"]),
        mapped_codes=frozenset(mapped),
    )


def _words(column: pl.Series) -> frozenset[str]:
    return frozenset(column.cast(pl.String).unique().drop_nulls().to_list())


def word_faults(rule: Rule, words: Vocabulary) -> list[str]:
    """Faults of one rule against the vocabulary, one line each."""
    faults: list[str] = []

    def unknown(where: str, what: str, used: tuple[str, ...], known: frozenset[str]) -> None:
        faults.extend(f"rule {rule.id}: {where}: there is no {what} {name!r}" for name in used if name not in known)

    for name, term in rule.terms.items():
        where = f"terms.{name}"
        if isinstance(term, FillTerm):
            unknown(where, "drug class", term.concepts, words.drug_classes)
            unknown(where, "ingredient", (*term.ingredients, *term.but_not_ingredients), words.ingredients)
        elif isinstance(term, ResultTerm | CkdStageTerm):
            unknown(where, "result concept", term.concepts, frozenset(words.units))
            for concept in term.concepts:
                canonical = words.units.get(concept, frozenset())
                if term.unit and canonical and term.unit not in canonical:
                    faults.append(
                        f"rule {rule.id}: {where}: {concept} is in {'/'.join(sorted(canonical))}, not {term.unit}"
                    )
            if isinstance(term, CkdStageTerm):
                unknown(where, "diagnosis concept", (*term.not_near, *term.not_after), words.diagnoses)
                unknown(where, "procedure concept", term.not_after_services, words.procedures)
        elif isinstance(term, ProcedureTerm):
            unknown(where, "procedure concept", term.concepts, words.procedures)
        elif isinstance(term, DiagnosisTerm | ProblemTerm):
            unknown(where, "diagnosis concept", term.concepts, words.diagnoses)
    pattern = rule.pattern
    if isinstance(pattern, OnlyOn):
        unknown("pattern", "procedure concept", (*pattern.services, *pattern.vendor_services), words.procedures)
    if isinstance(pattern, LateEpisode | ConsecutiveYears):
        unknown("pattern", "diagnosis concept", pattern.concepts, words.diagnoses)
    for number, target in enumerate(rule.targets):
        unknown(f"targets[{number}]", "diagnosis concept", target.concepts, words.diagnoses)
        if rule.direction == "missing" and not target.informational:
            unknown(f"targets[{number}]", "model that maps code", target.codes, words.mapped_codes)
    return faults
