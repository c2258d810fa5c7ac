"""What the enabled rules look at, so that a scan of the inputs keeps nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hcc.rules.gap_expressions import names, parse_expression
from hcc.rules.gap_grammar import (
    CkdStageTerm,
    DiagnosisTerm,
    FillTerm,
    IndexTerm,
    ProcedureTerm,
    ResultTerm,
    Rule,
)
from hcc.rules.gap_patterns import Conflicts, ConsecutiveYears, LateEpisode, Miskeyed, OnlyOn
from hcc.rules.gap_rules import GapRules
from hcc.rules.valuesets import ValueSets

CONCEPTS_OF_INDEX = {"fib4": ("ast", "alt", "platelets")}


@dataclass(frozen=True)
class Needs:
    """Names of the value sets, and diagnosis codes, that some enabled rule asks for."""

    drug_classes: frozenset[str]
    result_concepts: frozenset[str]
    procedure_concepts: frozenset[str]
    diagnosis_concepts: frozenset[str]
    diagnosis_prefixes: frozenset[str]

    def diagnosis_codes(self, valuesets: ValueSets) -> list[str]:
        """Codes of the diagnosis concepts, sorted."""
        table = valuesets.diagnoses
        wanted = table.filter(pl.col("concept").cast(pl.String).is_in(sorted(self.diagnosis_concepts)))
        return sorted(set(wanted["diagnosis_code"].cast(pl.String)))

    def diagnosis_filter(self, valuesets: ValueSets) -> pl.Expr:
        """Condition on ``diagnosis_code`` (text)."""
        code = pl.col("diagnosis_code").cast(pl.String)
        condition = code.is_in(self.diagnosis_codes(valuesets))
        if self.diagnosis_prefixes:
            condition = condition | code.str.contains("^(?:" + "|".join(sorted(self.diagnosis_prefixes)) + ")")
        return condition


def needs(rules: GapRules, valuesets: ValueSets) -> Needs:
    """The needs of all enabled rules."""
    classes: set[str] = set()
    results: set[str] = set()
    procedures: set[str] = set()
    concepts: set[str] = set()
    prefixes: set[str] = set()
    for rule in rules.enabled:
        for term in rule.terms.values():
            if isinstance(term, FillTerm):
                classes |= {*term.concepts, *_classes_of(term.ingredients, valuesets)}
            elif isinstance(term, ResultTerm | CkdStageTerm):
                results |= set(term.concepts)
                concepts |= set(getattr(term, "not_near", ()))
            elif isinstance(term, IndexTerm):
                results |= set(CONCEPTS_OF_INDEX[term.index])
            elif isinstance(term, ProcedureTerm):
                procedures |= set(term.concepts)
            elif isinstance(term, DiagnosisTerm):
                concepts |= set(term.concepts)
                prefixes |= set(term.codes)
        _of_pattern(rule, valuesets, procedures, concepts, prefixes)
        if rule.direction == "unsupported" and rule.pattern is None:
            for target in rule.targets:
                concepts |= set(target.concepts)
                prefixes |= set(target.codes)
    return Needs(*(frozenset(found) for found in (classes, results, procedures, concepts, prefixes)))


def _classes_of(ingredients: tuple[str, ...], valuesets: ValueSets) -> set[str]:
    if not ingredients:
        return set()
    keys = valuesets.drug_keys.filter(pl.col("ingredient").cast(pl.String).is_in(ingredients))
    return set(keys["drug_class"].cast(pl.String))


def _of_pattern(rule: Rule, valuesets: ValueSets, procedures: set[str], concepts: set[str], prefixes: set[str]) -> None:
    pattern = rule.pattern
    if isinstance(pattern, OnlyOn):
        procedures |= {*pattern.services, *pattern.vendor_services}
    elif isinstance(pattern, LateEpisode | ConsecutiveYears):
        concepts |= set(pattern.concepts)
    elif isinstance(pattern, Conflicts):
        for side in ("code_prefix_a", "code_prefix_b"):
            prefixes |= set(valuesets.conflicts[side].cast(pl.String))
        prefixes |= {sex.prefix for sex in pattern.sexes}
    elif isinstance(pattern, Miskeyed):
        pairs = valuesets.miskeyed.filter(pl.col("score").cast(pl.Int64) >= pattern.least_score)
        prefixes |= {*pairs["diagnosis_code"].cast(pl.String), *pairs["common_code"].cast(pl.String)}


def asks_absent_drug(rules: GapRules, valuesets: ValueSets) -> tuple[list[str], list[str]]:
    """Diagnosis codes and prefixes of rules that ask for the absence of a drug of an incomplete class (RULINGS 23)."""
    codes: set[str] = set()
    prefixes: set[str] = set()
    for rule in rules.enabled:
        if rule.direction != "unsupported" or rule.pattern is not None:
            continue
        for target in rule.targets:
            absent = {name for text in (rule.unless, target.unless) if text for name in names(parse_expression(text))}
            terms = [rule.terms[name] for name in absent]
            if any(isinstance(t, FillTerm) and set(t.concepts) & valuesets.incomplete_classes for t in terms):
                codes |= set(target.concepts)
                prefixes |= set(target.codes)
    table = valuesets.diagnoses.filter(pl.col("concept").cast(pl.String).is_in(sorted(codes)))
    return sorted(set(table["diagnosis_code"].cast(pl.String))), sorted(prefixes)
