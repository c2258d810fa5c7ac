"""``programs/<payment_year>.toml``: who is paid by which models, the runs of the year and its rules on diagnoses."""

from __future__ import annotations

import hashlib
import shlex
import tomllib
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from hcc.errors import RulesError, UnknownYear
from hcc.rules.folders import find, roots, shipped_folder
from hcc.rules.manifest import validation_faults
from hcc.rules.requires import parse

RunName = Literal["initial", "midyear", "final"]
Source = Literal["encounter", "raps", "ffs"]
DECIMALS = 6
"""Decimals of a factor that are taken, and recorded in the results; CMS publishes three or four."""
_BOUNDS: dict[str, tuple[Decimal, Decimal, str]] = {  # least, most, in words; a score must fit its column, too
    "normalization": (Decimal("0.01"), Decimal(100), "lie between 0.01 and 100"),
    "coding_adjustment": (Decimal(0), Decimal("0.999999"), "be at least 0 and below 1"),
    "blend_weight": (Decimal(0), Decimal(1), "lie between 0 and 1"),
    "frailty": (Decimal(-1), Decimal(1), "lie between -1 and 1"),
}


def _only_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write the number as text, such as "0.67", so that it stays exact')
    return value


ExactNumber = Annotated[Decimal, BeforeValidator(_only_text)]


def factor_fault(factor: str, value: Decimal) -> str:
    """What is wrong with the figure of a factor (normalization, coding_adjustment, blend_weight or frailty); '' if
    nothing is."""
    least, most, words = _BOUNDS[factor]
    if not least <= value <= most:
        return f"it must {words}"
    short = round(value, DECIMALS)
    return "" if short == value else f"at most {DECIMALS} decimals are taken ({short.normalize():f})"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ProgramModel(_Frozen):
    """One model of a programme: payment score = raw ÷ normalization × (1 − coding adjustment), times its weight.

    ``normalization`` None: nobody could verify one, the engine gives the raw score only. ``available`` False: CMS
    pays by this model, its tables are not in mappings/. ``sources``: claim sources whose diagnoses count (SPEC 2.8).
    """

    model: str
    calibration: str = ""
    blend_weight: ExactNumber
    normalization: ExactNumber | None = None
    coding_adjustment: ExactNumber
    sources: tuple[Source, ...]
    confidence: Literal["A", "B", "C", ""] = ""
    available: bool = True
    unverified: bool = False
    reason: str = ""
    source: str = Field(min_length=1)

    @field_validator("blend_weight", "normalization", "coding_adjustment")
    @classmethod
    def _can_be_used(cls, value: Decimal | None, about: ValidationInfo) -> Decimal | None:
        fault = "" if value is None else factor_fault(str(about.field_name), value)
        if fault:
            raise ValueError(f"{value}: {fault}")
        return value

    @property
    def name(self) -> str:
        """Model with its calibration, as ``--model`` takes it."""
        return f"{self.model}:{self.calibration}" if self.calibration else self.model


class Program(_Frozen):
    """A programme: the members its ``requires`` names are paid by ``models``, blended."""

    name: str
    part: Literal["C", "D"]
    requires: str
    models: tuple[ProgramModel, ...] = Field(alias="model", min_length=1)

    @field_validator("requires")
    @classmethod
    def _parses(cls, text: str) -> str:
        parse(text)
        return text

    @field_validator("models")
    @classmethod
    def _weights_sum_to_one(cls, models: tuple[ProgramModel, ...]) -> tuple[ProgramModel, ...]:
        total = sum((model.blend_weight for model in models), Decimal(0))
        if total != 1:
            raise ValueError(f"the blend weights sum to {total}, not 1")
        return models


class Run(_Frozen):
    """A run of the year: dates of service (through-date, both ends included) and the day data must have reached CMS."""

    from_date: date = Field(alias="from")
    to_date: date = Field(alias="to")
    deadline: date
    confidence: Literal["A", "B", "C"]
    source: str = Field(min_length=1)


class DiagnosisRules(_Frozen):
    """What the year rules on diagnoses (SPEC 3.5, 3.6).

    ``unlinked_exempt_programs`` holds values of the member's ``program`` to which the unlinked rule does not apply.
    """

    unlinked_chart_review: Literal["count", "switcher_only"]
    unlinked_chart_review_source: str
    unlinked_exempt_programs: tuple[str, ...] = ()
    unlinked_exempt_programs_source: str = ""
    switcher_key: Literal["parent_organization", "contract"] = "parent_organization"
    switcher_key_source: str = ""
    audio_only_excluded_by_cms: bool
    audio_only_source: str


class ProgramYear(_Frozen):
    """One payment year. Members' age is taken on ``age_as_of`` (SPEC R-2.1)."""

    payment_year: int
    age_as_of: date
    age_as_of_source: str
    retrieved: date | None = None
    programs: tuple[Program, ...] = Field(alias="program")
    runs: dict[RunName, Run] = Field(alias="run")
    diagnoses: DiagnosisRules
    sha256: str = ""

    @field_validator("runs")
    @classmethod
    def _all_runs(cls, runs: dict[RunName, Run]) -> dict[RunName, Run]:
        missing = [name for name in ("initial", "midyear", "final") if name not in runs]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")
        return runs

    def program(self, name: str) -> Program:
        """A programme by its name; KeyError where there is none."""
        for program in self.programs:
            if program.name == name:
                return program
        raise KeyError(name)


def program_years(mappings: str | Path | None = None) -> list[int]:
    """Payment years that have a file in programs/."""
    return sorted(
        {
            int(path.stem)
            for root in roots(mappings)
            for path in (root / "programs").glob("*.toml")
            if path.stem.isdigit()
        }
    )


def load_program_year(payment_year: int, mappings: str | Path | None = None) -> ProgramYear:
    """Programmes, runs and diagnosis rules of a payment year. Raises UnknownYear, RulesError (all faults at once)."""
    for root in roots(mappings):
        path = root / "programs" / f"{payment_year}.toml"
        if path.is_file():
            return _load(path, path.stat().st_mtime_ns)
    raise UnknownYear.without_programs(
        payment_year, program_years(mappings), latest_programs(mappings), next(iter(_users(mappings)), None)
    )


def latest_programs(mappings: str | Path | None = None) -> Path:
    """The file of the latest payment year: a start for the next one's."""
    return find("programs", f"{program_years(mappings)[-1]}.toml", mappings=mappings)


def _users(mappings: str | Path | None) -> tuple[Path, ...]:
    """The folders of the user's own that are looked in."""
    shipped = shipped_folder()
    return tuple(root for root in roots(mappings) if root != shipped)


@lru_cache(maxsize=32)
def _load(path: Path, _changed: int) -> ProgramYear:
    data = path.read_bytes()
    hint = f"Mend the file; 'hcc rules check --mappings {shlex.quote(str(path.parents[1]))}' checks it and all beside it."
    try:
        content = tomllib.loads(data.decode("utf-8"))
        year = ProgramYear.model_validate({**content, "sha256": hashlib.sha256(data).hexdigest()})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesError.from_faults(str(path), [f"no valid TOML: {error}"], hint=hint) from None
    except ValidationError as error:
        raise RulesError.from_faults(str(path), validation_faults(error), hint=hint) from None
    if path.stem != str(year.payment_year):
        raise RulesError.from_faults(str(path), [f"payment_year is {year.payment_year}, the file is named {path.name}"])
    return year
