"""The grammar of gap rules (mappings/gaps/rules/*.toml and a user's own file), checked by pydantic.

A rule says which evidence raises a question about which diagnoses. ``terms`` name evidence that can be counted;
``when`` and ``unless`` combine them (hcc/rules/gap_expressions.py); ``targets`` name the diagnoses in question.
The HCC is never written: it follows from the diagnoses through the model's mapping (SPEC R-5.14).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from hcc.rules.gap_expressions import names, parse_expression
from hcc.rules.gap_patterns import Pattern
from hcc.rules.gap_windows import Window, parse_window
from hcc.rules.gap_wording import bracket_faults, placeholders, wording_faults

Strength = Literal["high", "medium", "low"]
ClaimType = Literal["professional", "inpatient", "outpatient", "dme", "other"]
_VALUE = re.compile(r"^(?P<op><=|>=|<|>)\s*(?P<bound>-?\d+(?:\.\d+)?)$")
_TAKE = re.compile(r"^(any|latest|lowest|highest|(highest|lowest) of last (\d))$")
_CODE = re.compile(r"^[A-Z][0-9][0-9A-Z]{1,5}$")
_CLAIMS = re.compile(r"^(any|\d+(-\d+)?)$")


class Frozen(BaseModel):
    """A closed table: a word that is no field is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=True)


def _window(value: object) -> object:
    return parse_window(value) if isinstance(value, str) else value


WindowText = Annotated[Window, BeforeValidator(_window)]


class _Counted(Frozen):
    """What every countable term has."""

    words: str = Field(min_length=1)
    window: WindowText = Window("to_as_of", 24, "month")
    at_least: int = Field(default=1, ge=1)
    days_apart: int = Field(default=0, ge=0)


class FillTerm(_Counted):
    """Fills of drug classes; counted by different days."""

    kind: Literal["fill"]
    concepts: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    but_not_ingredients: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ("strong", "medium", "weak", "product")
    routes: tuple[str, ...] = ()
    flags_any: tuple[str, ...] = ()
    flags_none: tuple[str, ...] = ()
    alone: bool | None = None

    @model_validator(mode="after")
    def _names_a_drug(self) -> FillTerm:
        if not self.concepts and not self.ingredients:
            raise ValueError("name drug classes in concepts, or ingredients")
        return self


class ResultTerm(_Counted):
    """Results of a test, compared in the canonical unit; counted by different days.

    ``take`` = any (each result is tested alone) or latest, lowest, highest, 'highest of last 3' (one is tested).
    ``finding``: positive or negative, for tests that answer in words.
    """

    kind: Literal["result"]
    concepts: tuple[str, ...] = Field(min_length=1)
    value: str = ""
    unit: str = ""
    take: str = "any"
    finding: Literal["", "positive", "negative"] = ""
    uses: tuple[str, ...] = ("include",)

    @field_validator("value")
    @classmethod
    def _compares(cls, text: str) -> str:
        if text and not _VALUE.match(text):
            raise ValueError(f"{text!r} is no comparison; write '>= 6.5', '< 60' …")
        return text

    @field_validator("take")
    @classmethod
    def _takes(cls, text: str) -> str:
        if not _TAKE.match(text):
            raise ValueError(f"{text!r}: write any, latest, lowest, highest or 'highest of last 3'")
        return text

    @model_validator(mode="after")
    def _tests_something(self) -> ResultTerm:
        if bool(self.value) == bool(self.finding):
            raise ValueError("give either value (with unit) or finding")
        if self.value and not self.unit:
            raise ValueError("a value needs its unit, the canonical one of the concept")
        if self.take != "any" and self.at_least > 1:
            raise ValueError(f"take = {self.take!r} tests one result, so at_least has to be 1")
        return self

    @property
    def comparison(self) -> tuple[str, float] | None:
        """Operator and bound of ``value``."""
        match = _VALUE.match(self.value)
        return (match["op"], float(match["bound"])) if match else None


class ProcedureTerm(_Counted):
    """Services and supplies on claims; counted by different days."""

    kind: Literal["procedure"]
    concepts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ("strong", "medium", "weak", "support")

    @model_validator(mode="after")
    def _names_a_service(self) -> ProcedureTerm:
        if not self.concepts and not self.codes:
            raise ValueError("name concepts or codes")
        return self


class DiagnosisTerm(_Counted):
    """Diagnoses on claims that stand (not voided or replaced); counted by different claims.

    ``codes`` are prefixes. ``counted`` = true asks for records that count for the score.
    """

    kind: Literal["diagnosis"]
    concepts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    claim_types: tuple[ClaimType, ...] = ()
    places_of_service: tuple[str, ...] = ()
    counted: bool | None = None

    @model_validator(mode="after")
    def _names_a_diagnosis(self) -> DiagnosisTerm:
        if not self.concepts and not self.codes:
            raise ValueError("name concepts or codes")
        return self


class ProblemTerm(_Counted):
    """Entries of a problem list."""

    kind: Literal["problem"]
    concepts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class CkdStageTerm(Frozen):
    """The two results of CKD-1 (RULINGS 24): v1 the latest eGFR, v2 the latest at least ``days_apart`` days before it.

    Holds where both are below the limit, none between reaches it, and the greater one lies in [``at_least``, ``below``).
    """

    kind: Literal["ckd_stage"]
    words: str = Field(min_length=1)
    concepts: tuple[str, ...] = Field(min_length=1)
    unit: str
    window: WindowText = Window("to_as_of", 24, "month")
    limit: float
    at_least: float
    below: float
    days_apart: int = 90
    not_near: tuple[str, ...] = ()
    not_near_days: int = 30

    @model_validator(mode="after")
    def _is_a_class(self) -> CkdStageTerm:
        if not self.at_least < self.below <= self.limit:
            raise ValueError("at_least < below <= limit has to hold")
        return self


class IndexTerm(Frozen):
    """A number worked out from the latest results and the age, such as FIB-4; see hcc/gaps/derived.py."""

    kind: Literal["index"]
    words: str = Field(min_length=1)
    index: Literal["fib4"]
    window: WindowText = Window("to_as_of", 24, "month")
    value: str

    @field_validator("value")
    @classmethod
    def _compares(cls, text: str) -> str:
        if not _VALUE.match(text):
            raise ValueError(f"{text!r} is no comparison; write '> 3.25' …")
        return text

    @property
    def comparison(self) -> tuple[str, float]:
        """Operator and bound of ``value``."""
        match = _VALUE.match(self.value)
        assert match is not None
        return match["op"], float(match["bound"])


class MemberTerm(Frozen):
    """The member's age on 31 December of the data-collection year, or sex."""

    kind: Literal["member"]
    words: str = ""
    age: str = ""
    sex: Literal["", "F", "M"] = ""

    @field_validator("age")
    @classmethod
    def _compares(cls, text: str) -> str:
        if text and not _VALUE.match(text):
            raise ValueError(f"{text!r} is no comparison; write '>= 74' …")
        return text

    @model_validator(mode="after")
    def _asks_something(self) -> MemberTerm:
        if bool(self.age) == bool(self.sex):
            raise ValueError("give either age or sex")
        return self

    @property
    def comparison(self) -> tuple[str, float] | None:
        """Operator and bound of ``age``."""
        match = _VALUE.match(self.age)
        return (match["op"], float(match["bound"])) if match else None


Term = Annotated[
    FillTerm | ResultTerm | ProcedureTerm | DiagnosisTerm | ProblemTerm | CkdStageTerm | IndexTerm | MemberTerm,
    Field(discriminator="kind"),
]


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

    @field_validator("codes")
    @classmethod
    def _are_codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        bad = [code for code in codes if not re.match(r"^[A-Z][0-9A-Z]{2,6}$", code)]
        if bad:
            raise ValueError(f"{', '.join(bad)}: write codes without dot and in capitals, such as N1832")
        return codes


class Rule(Frozen):
    """One gap rule. ``citation``: the outside source, shown to coders; ``basis``: our own papers, shown to nobody."""

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
        faults, used = [], set(self.context)
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


_TERM_FIELDS = ("count", "days", "first", "last", "first_value", "last_value", "lowest", "highest", "lowest_on", "highest_on")
_ROW_FIELDS = ("codes", "hcc", "label", "year", "as_of", "claims", "first_date", "last_date", "detail", "model", "before")


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


class RuleFile(Frozen):
    """A file of rules; ``on``, ``off`` and ``settings`` are for a user's own file."""

    title: str = ""
    rules: tuple[Rule, ...] = ()
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    settings: Settings = Settings()
