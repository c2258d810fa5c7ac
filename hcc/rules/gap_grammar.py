"""The grammar of gap rules (mappings/gaps/rules/*.toml and a user's own file), checked by pydantic.

A rule says which evidence raises a question about which diagnoses. ``terms`` name evidence that can be counted;
``when`` and ``unless`` combine them (hcc/rules/gap_expressions.py); ``targets`` name the diagnoses in question.
The HCC is never written: it follows from the diagnoses through the model's mapping (SPEC R-5.14).
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from hcc.rules.gap_expressions import names, parse_expression
from hcc.rules.gap_patterns import Pattern
from hcc.rules.gap_terms import ClaimType, Frozen, Term, diagnosis_codes, written_as
from hcc.rules.gap_wording import bracket_faults, placeholders, wording_faults

Strength = Literal["high", "medium", "low"]
_CODE = re.compile(r"^[A-Z][0-9][0-9A-Z]{1,5}$")
_CLAIMS = re.compile(r"^(any|\d+(-\d+)?)$")
_npis = written_as("[0-9]{10}", "NPIs of ten digits")


def _expression(text: str) -> str:
    if text:
        parse_expression(text)
    return text


class Coded(Frozen):
    """Which claims of the year carry the diagnosis (unsupported rules).

    ``claims``: how many different live claims of ``claim_types`` (all where empty): any, 1, 1-2. At least one counts.
    """

    claims: str = "any"
    claim_types: tuple[ClaimType, ...] = ()

    @field_validator("claims")
    @classmethod
    def _a_number(cls, text: str) -> str:
        if not _CLAIMS.match(text):
            raise ValueError(f"{text!r}: write any, 1 or 1-2")
        return text

    @property
    def bounds(self) -> tuple[int, int]:
        """Fewest and most claims."""
        if self.claims == "any":
            return 1, 2**31 - 1
        low, _, high = self.claims.partition("-")
        return int(low), int(high or low)


class Target(Frozen):
    """Diagnoses in question. ``codes``: ICD-10-CM codes (missing) or prefixes (unsupported); ``concepts``: value sets.

    ``when``, ``unless``, ``strength``, ``reason`` and ``coded`` narrow the rule's own. ``informational``: a remark
    without HCC or value.
    """

    codes: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    when: str = ""
    unless: str = ""
    strength: Strength | None = None
    reason: str = ""
    coded: Coded | None = None
    informational: bool = False

    _parses = field_validator("when", "unless")(_expression)

    _codes = field_validator("codes")(diagnosis_codes)


class Rule(Frozen):
    """One gap rule. ``citation``: the outside source, shown to coders; ``basis``: our own papers, shown to nobody.

    ``context`` and ``against``: terms that decide nothing, and are shown beside the gap or as speaking against it.
    """

    id: str = Field(pattern=r"^[A-Z][A-Za-z0-9/+-]{1,23}$")
    version: str = Field(min_length=1, max_length=12)
    direction: Literal["unsupported", "missing"]
    title: str = Field(min_length=5)
    strength: Strength
    enabled: bool = True
    confidence: Literal["A", "B", "C"]
    citation: str = Field(min_length=5)
    basis: str = ""
    reason: str = Field(min_length=10)
    to_confirm: str = Field(min_length=5)
    may_be_false: str = Field(min_length=5)
    targets: tuple[Target, ...] = ()
    pattern: Pattern | None = None
    terms: dict[str, Term] = Field(default_factory=dict)
    when: str = ""
    unless: str = ""
    context: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    coded: Coded = Coded()
    requires: tuple[Literal["pharmacy", "observations", "problems", "chart_findings", "history"], ...] = ()

    _parses = field_validator("when", "unless")(_expression)

    @model_validator(mode="after")
    def _holds_together(self) -> Rule:
        faults = [*self._shape_faults(), *self._name_faults(), *self._text_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _shape_faults(self) -> list[str]:
        faults = []
        if self.pattern is not None and (self.terms or len(self.targets) > 1):
            faults.append("a pattern has no terms and at most one target")
        if self.pattern is None and not self.targets:
            faults.append("give targets, or a pattern that finds them")
        for number, target in enumerate(self.targets):
            if self.pattern is None and not target.codes and not target.concepts:
                faults.append(f"targets[{number}] names neither codes nor concepts")
            if self.direction == "missing":
                if target.concepts:
                    faults.append(f"targets[{number}]: a missing rule names candidate codes, not concepts")
                if target.coded is not None:
                    faults.append(f"targets[{number}]: coded belongs to unsupported rules")
                faults += [
                    f"targets[{number}]: {code} is no full code" for code in target.codes if not _CODE.match(code)
                ]
                if self.pattern is None and not (self.when or target.when):
                    faults.append(f"targets[{number}] has no when; a missing rule needs evidence")
        return faults

    def _name_faults(self) -> list[str]:
        faults, used = [], {*self.context, *self.against}
        wrong = [name for name in self.terms if not re.match(r"^[a-z][a-z0-9_]*$", name)]
        faults += [f"term name {name!r}: write small letters, digits and _" for name in wrong]
        for text in self.expressions:
            used |= names(parse_expression(text))
        known = set(self.terms)
        faults += [f"{name!r} is used but is no term of the rule" for name in sorted(used - known)]
        faults += [f"term {name!r} is never used" for name in sorted(known - used)]
        if len(self.terms) > 60:
            faults.append("a rule has at most 60 terms")
        moving = [name for name, term in self.terms.items() if getattr(term, "window", None) and term.window.moves]  # type: ignore[union-attr]
        if self.direction == "missing":
            faults += [f"term {name!r}: a missing rule has no diagnosis to count days from" for name in moving]
        return faults

    def _text_faults(self) -> list[str]:
        faults = []
        for text in filter(None, (self.reason, *(target.reason for target in self.targets))):
            if text.count(" | ") > 1 or (" | " in text and self.direction == "unsupported"):
                faults.append("' | ' stands once, before what a missing rule says is not coded")
            faults += [*wording_faults(text), *bracket_faults(text)]
            for name, field in placeholders(text):
                faults += _placeholder_faults(name, field, self)
        for text in (self.title, self.to_confirm, self.may_be_false, *(t.words for t in self.terms.values())):
            faults += wording_faults(text)
        return faults

    @property
    def expressions(self) -> tuple[str, ...]:
        """Every ``when`` and ``unless`` of the rule."""
        texts = (self.when, self.unless, *(text for t in self.targets for text in (t.when, t.unless)))
        return tuple(text for text in texts if text)


_TERM_FIELDS = (
    "count", "days", "first", "last", "span", "first_value", "last_value", "lowest", "highest", "lowest_on", "highest_on",
)  # fmt: skip
_ROW_FIELDS = ("codes", "hcc", "label", "year", "as_of", "claims", "first_date", "last_date", "dates", "detail", "model", "before")


def _placeholder_faults(name: str, field: str, rule: Rule) -> list[str]:
    if not field:
        return [] if name in _ROW_FIELDS else [f"{{{name}}} is not known; known: {', '.join(_ROW_FIELDS)}"]
    if name not in rule.terms:
        return [f"{{{name}.{field}}}: the rule has no term {name!r}"]
    if field not in _TERM_FIELDS:
        return [f"{{{name}.{field}}}: write one of {', '.join(_TERM_FIELDS)}"]
    return []


class Settings(Frozen):
    """Facts of the user's own plan that rules read."""

    hra_vendor_npis: tuple[str, ...] = ()

    _are_npis = field_validator("hra_vendor_npis")(_npis)


class NotJudged(Frozen):
    """A rule that is known and that none of our input tables can decide: said, not left out in silence."""

    id: str = Field(pattern=r"^[A-Z][A-Za-z0-9/+-]{1,23}$")
    title: str = Field(min_length=5)
    why: str = Field(min_length=10)
    citation: str = Field(min_length=5)
    basis: str = ""


class RuleFile(Frozen):
    """A file of rules; ``on``, ``off`` and ``settings`` are for a user's own file."""

    title: str = ""
    rules: tuple[Rule, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    settings: Settings = Settings()
