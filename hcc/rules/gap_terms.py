"""The terms of gap rules: evidence that can be counted, or one fact about a member."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from hcc.rules.gap_windows import Window, parse_window

ClaimType = Literal["professional", "inpatient", "outpatient", "dme", "other"]
EsrdStatus = Literal["none", "dialysis", "transplant_1", "transplant_2", "transplant_3", "graft"]
_VALUE = re.compile(r"^(?P<op><=|>=|<|>)\s*(?P<bound>-?\d+(?:\.\d+)?)$")
_TAKE = re.compile(r"^(any|latest|lowest|highest|(highest|lowest) of last (\d))$")


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


def written_as(pattern: str, way: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """A check that words are written as the data are: otherwise they would never be met, without a word."""

    def check(words: tuple[str, ...]) -> tuple[str, ...]:
        bad = [word for word in words if not re.fullmatch(pattern, word)]
        if bad:
            raise ValueError(f"{', '.join(bad)}: write {way}")
        return words

    return check


diagnosis_codes = written_as("[A-Z][0-9A-Z]{2,6}", "codes without dot and in capitals, such as N1832")
_prefixes = written_as("[A-Z][0-9A-Z]{0,6}", "the beginning of codes without dot and in capitals, such as N18")
_procedure_codes = written_as("[0-9A-Z]{5}", "CPT and HCPCS codes of five characters, in capitals, such as G0438")


class ProcedureTerm(_Counted):
    """Services and supplies on claims; counted by different days."""

    kind: Literal["procedure"]
    concepts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ("strong", "medium", "weak", "support")

    _codes = field_validator("codes")(_procedure_codes)

    @model_validator(mode="after")
    def _names_a_service(self) -> ProcedureTerm:
        if not self.concepts and not self.codes:
            raise ValueError("name concepts or codes")
        return self


class DiagnosisTerm(_Counted):
    """Diagnoses on claims that stand (not voided or replaced); counted by different claims.

    ``codes`` are prefixes. ``counted`` = true asks for records that count for the score. ``places_elsewhere``: any place
    of service but these, an unknown one too.
    """

    kind: Literal["diagnosis"]
    concepts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    claim_types: tuple[ClaimType, ...] = ()
    places_of_service: tuple[str, ...] = ()
    places_elsewhere: tuple[str, ...] = ()
    counted: bool | None = None

    _codes = field_validator("codes")(_prefixes)

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

    _codes = field_validator("codes")(_prefixes)


class CkdStageTerm(Frozen):
    """The two results of CKD-1 (RULINGS 24): v1 the latest eGFR, v2 the latest at least ``days_apart`` days before it.

    Holds where both are below the limit, none between reaches it, and the greater one lies in [``at_least``, ``below``).
    No result counts within ``not_near_days`` of a stay for ``not_near``; no pair counts where ``not_after`` (diagnoses) or
    ``not_after_services`` came before v1. ``also_in``: a result that counts and is below the limit lies in this window too.
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
    not_after: tuple[str, ...] = ()
    not_after_services: tuple[str, ...] = ()
    also_in: WindowText | None = None

    @model_validator(mode="after")
    def _is_a_class(self) -> CkdStageTerm:
        if not self.at_least < self.below <= self.limit:
            raise ValueError("at_least < below <= limit has to hold")
        if self.also_in is not None and self.also_in.moves:
            raise ValueError(
                "also_in is counted from no diagnosis; write 'data collection year' or '12 months to as of'"
            )
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
    """One fact about the member: age on 31 December of the data-collection year, sex, or ESRD status.

    ``esrd``: words of the members column esrd_status, any of which holds; no status told is none.
    """

    kind: Literal["member"]
    words: str = ""
    age: str = ""
    sex: Literal["", "F", "M"] = ""
    esrd: tuple[EsrdStatus, ...] = ()

    @field_validator("age")
    @classmethod
    def _compares(cls, text: str) -> str:
        if text and not _VALUE.match(text):
            raise ValueError(f"{text!r} is no comparison; write '>= 74' …")
        return text

    @model_validator(mode="after")
    def _asks_something(self) -> MemberTerm:
        if bool(self.age) + bool(self.sex) + bool(self.esrd) != 1:
            raise ValueError("give one of age, sex or esrd")
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
