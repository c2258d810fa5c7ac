"""What the enabled rules look at, so that a scan of the inputs keeps nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from hcc.rules.gap_expressions import names, parse_expression
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import Conflicts, ConsecutiveYears, LateEpisode, Miskeyed, OnlyOn
from hcc.rules.gap_rules import GapRules
from hcc.rules.gap_terms import CkdStageTerm, DiagnosisTerm, FillTerm, IndexTerm, ProcedureTerm, ResultTerm
from hcc.rules.valuesets import ValueSets

CONCEPTS_OF_INDEX = {"fib4": ("ast", "alt", "platelets")}


@dataclass
class CodeNeeds:
    """Diagnosis concepts and code prefixes."""

    concepts: set[str] = field(default_factory=set)
    prefixes: set[str] = field(default_factory=set)

    def condition(self, valuesets: ValueSets) -> pl.Expr:
        """Condition on ``diagnosis_code`` (text)."""
        table = valuesets.diagnoses
        wanted = table.filter(pl.col("concept").cast(pl.String).is_in(sorted(self.concepts)))
        code = pl.col("diagnosis_code").cast(pl.String)
        condition = code.is_in(sorted(set(wanted["diagnosis_code"].cast(pl.String))))
        if self.prefixes:
            condition = condition | code.str.contains("^(?:" + "|".join(sorted(self.prefixes)) + ")")
        return condition


@dataclass(frozen=True)
class Looked:
    """Diagnoses looked at: ``this_year`` within the data-collection year only; ``triggers``: only in members who have one
    of these (the diagnoses in question of an unsupported rule); None = in everybody."""

    codes: CodeNeeds
    this_year: bool
    triggers: CodeNeeds | None = None


@dataclass(frozen=True)
class Needs:
    """Names of the value sets, and codes, that some enabled rule asks for. ``procedure_codes``: those that a rule names
    itself; ``procedure_concepts`` has the concepts that hold them too; ``specialties``: of providers."""

    drug_classes: frozenset[str]
    result_concepts: frozenset[str]
    procedure_concepts: frozenset[str]
    diagnoses: tuple[Looked, ...]
    procedure_codes: frozenset[str] = frozenset()
    specialties: frozenset[str] = frozenset()

    def diagnosis_filter(self, valuesets: ValueSets) -> pl.Expr:
        """Condition on ``diagnosis_code`` (text): any rule looks at it."""
        return pl.any_horizontal([looked.codes.condition(valuesets) for looked in self.diagnoses])

    def code_masks(self, codes: pl.Series, mapped: pl.Series, valuesets: ValueSets) -> pl.DataFrame:
        """diagnosis_code, years, year (UInt64): bit i says that ``diagnoses[i]`` looks at the code, in any year or in the
        data-collection year. In that year the run's own table has the ``mapped`` codes, so they are left out."""
        frame = pl.DataFrame({"diagnosis_code": codes.cast(pl.String)})
        bits = [
            pl.when(looked.codes.condition(valuesets)).then(2**i).otherwise(0).cast(pl.UInt64)
            for i, looked in enumerate(self.diagnoses)
        ]
        years = [bit for bit, looked in zip(bits, self.diagnoses, strict=True) if not looked.this_year]
        own = pl.col("diagnosis_code").is_in(mapped.implode())
        none = pl.lit(0, pl.UInt64)
        return frame.select(
            "diagnosis_code",
            pl.sum_horizontal(none, *years).alias("years"),
            pl.when(own).then(none).otherwise(pl.sum_horizontal(none, *bits)).alias("year"),
        ).filter((pl.col("years") > 0) | (pl.col("year") > 0))


def needs(rules: GapRules, valuesets: ValueSets) -> Needs:
    """The needs of all enabled rules."""
    classes: set[str] = set()
    results: set[str] = set()
    procedures: set[str] = set()
    services: set[str] = set()
    specialties: set[str] = set()
    everyone, this_year = CodeNeeds(), CodeNeeds()
    of_rules: list[Looked] = []
    for rule in rules.enabled:
        unsupported = rule.direction == "unsupported"
        own, own_year = (CodeNeeds(), CodeNeeds()) if unsupported else (everyone, this_year)
        for term in rule.terms.values():
            if isinstance(term, FillTerm):
                classes |= {*term.concepts, *_classes_of(term.ingredients, valuesets)}
            elif isinstance(term, ResultTerm | CkdStageTerm):
                results |= set(term.concepts)
                if isinstance(term, CkdStageTerm):
                    own.concepts |= {*term.not_near, *term.not_after}
                    procedures |= set(term.not_after_services)
            elif isinstance(term, IndexTerm):
                results |= set(CONCEPTS_OF_INDEX[term.index])
            elif isinstance(term, ProcedureTerm):
                procedures |= set(term.concepts)
                services |= set(term.codes)
            elif isinstance(term, DiagnosisTerm):
                kind = own_year if term.window.shape == "year" else own
                kind.concepts |= set(term.concepts)
                kind.prefixes |= set(term.codes)
        if unsupported:
            of_rules += _of_rule(rule, valuesets, own, own_year)
        if isinstance(rule.pattern, OnlyOn):
            procedures |= {*rule.pattern.services, *rule.pattern.vendor_services}
            specialties |= set(rule.pattern.specialties)
    looked = (Looked(everyone, False), Looked(this_year, True), *of_rules)
    listed = valuesets.hcpcs.filter(pl.col("code").cast(pl.String).is_in(sorted(services)))
    procedures |= set(listed["concept"].cast(pl.String))
    return Needs(
        frozenset(classes), frozenset(results), frozenset(procedures), looked, frozenset(services), frozenset(specialties)
    )


def _of_rule(rule: Rule, valuesets: ValueSets, own: CodeNeeds, own_year: CodeNeeds) -> list[Looked]:
    """What an unsupported rule looks at, in the members who have its diagnoses in question."""
    triggers = CodeNeeds()
    pattern = rule.pattern
    for target in rule.targets:
        triggers.concepts |= set(target.concepts)
        triggers.prefixes |= set(target.codes)
    if isinstance(pattern, LateEpisode | ConsecutiveYears):
        own.concepts |= set(pattern.concepts)
        triggers.concepts |= set(pattern.concepts)
    elif isinstance(pattern, Conflicts):
        sides = ("code_prefix_a", "code_prefix_b")
        triggers.prefixes |= {prefix for side in sides for prefix in valuesets.conflicts[side].cast(pl.String)}
        triggers.prefixes |= {sex.prefix for sex in pattern.sexes}
    elif isinstance(pattern, Miskeyed):
        pairs = valuesets.miskeyed.filter(pl.col("score").cast(pl.Int64) >= pattern.least_score)
        triggers.prefixes |= {*pairs["diagnosis_code"].cast(pl.String), *pairs["common_code"].cast(pl.String)}
    # The diagnoses in question themselves: their claims within the year.
    own_year.concepts |= triggers.concepts
    own_year.prefixes |= triggers.prefixes
    kinds = ((own, False), (own_year, True))
    return [Looked(codes, year, triggers) for codes, year in kinds if codes.concepts or codes.prefixes]


def _classes_of(ingredients: tuple[str, ...], valuesets: ValueSets) -> set[str]:
    if not ingredients:
        return set()
    keys = valuesets.drug_keys.filter(pl.col("ingredient").cast(pl.String).is_in(ingredients))
    return set(keys["drug_class"].cast(pl.String))


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
