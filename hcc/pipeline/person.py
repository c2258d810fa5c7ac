"""The one member of ``score_one``: what was given about it, as a profile.

Intake reads tables; on one row its hundred small expressions cost ten times what scoring does. So each word is read by
intake once and remembered, and what follows for a member nothing is doubtful about is said here in plain Python. Where
anything is doubtful — a word that cannot be read, a contradiction, a date out of bounds, whatever would be flagged or
refused — intake itself reads the whole member, so that errors and flags are its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from typing import Any

import polars as pl

from hcc.errors import BadBirthDate, BadMember, MissingSex
from hcc.intake import member_frame
from hcc.intake.canonical import Field
from hcc.intake.members import MAX_AGE, MAX_SPAN, member_fields
from hcc.intake.status import DEFAULTS, FIRST_GRAFT_MONTH, MAX_PART_B_MONTHS, MEDICAID
from hcc.pipeline.statuses import MONTHS, statuses
from hcc.results.reasons import reasons
from hcc.scores import Profiles, age_on_february_first, single_profile

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST_YEAR = 1900  # earlier dates are left to intake
_SMALL = 1 << 31
_CONTINUING = "AGE64_OREC0_CONTINUING"
_TRANSPLANT = "transplant_"
_SCALARS = (str, int, float, bool)  # equal values of one of these types are written alike


@dataclass(frozen=True, eq=False)
class Person:
    """A profile of one, the data-quality codes of the member, and how many months of the payment year are paid: those
    to the month of death."""

    profiles: Profiles
    data_quality: tuple[str, ...] = ()
    months: int = MONTHS
    years: int | None = None  # the age where it is more than a profile tells apart

    @property
    def died_before(self) -> bool:
        """The member died before the payment year."""
        return self.months == 0

    @property
    def age(self) -> int:
        return int(self.profiles.age[0]) if self.years is None else self.years


def read_person(
    birth_date: str | date | None, sex: str | int | None, age: int | None, payment_year: int, given: Mapping[str, Any]
) -> Person:
    """The member as intake would have it. ``given``: other columns of the members table.

    Raises MissingSex, BadBirthDate, BadMember, InputError (a word that is no column).
    """
    if birth_date is None and age is None:
        raise BadBirthDate
    years = None if age is None else _years(age)
    alone = birth_date is None
    if birth_date is None and years is not None:
        birth_date = date(payment_year - years, 2, 1)
    if sex is None or str(sex).strip() == "":
        raise MissingSex(sex)
    words = {"birth_date": birth_date, "sex": sex, **given}
    member = _plain(words, payment_year)
    if member is None:
        person = _by_intake(words, payment_year)
    else:
        person = Person(single_profile(member, payment_year), months=_months_alive(member["death_date"], payment_year))
    if years is not None and not alone and person.age != years:
        raise BadMember("age and birth_date disagree.", hint="Give one of them.")
    return replace(person, data_quality=(*person.data_quality, _CONTINUING)) if _continuing(person) else person


def _years(age: Any) -> int:
    try:
        years = int(age)
        if not (isinstance(age, str) or years == age) or not 0 <= years <= MAX_SPAN:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise BadMember(f"age is no whole number from 0 to {MAX_SPAN}.", hint="Or give birth_date.") from None
    return years


def _continuing(person: Person) -> bool:
    """Enrolled the whole year before, aged 64 and not disabled: as in the members table of a population (SPEC R-2.5)."""
    facts = person.profiles.facts
    return person.age == 64 and not facts["orec"][0] and not facts["new_enrollee"][0]


def _by_intake(words: Mapping[str, Any], payment_year: int) -> Person:
    """Whoever asks what-ifs asks about one member again and again."""
    if all(value is None or type(value) in (*_SCALARS, date) for value in words.values()):
        return _known(tuple(words.items()), tuple(type(value) for value in words.values()), payment_year)
    return _from_frame(words, payment_year)


@lru_cache(maxsize=1024)
def _known(words: tuple[tuple[str, Any], ...], _types: tuple[type, ...], payment_year: int) -> Person:
    """``_types`` tells 1 from 1.0 and True, which are equal and not written alike."""
    return _from_frame(dict(words), payment_year)


def _from_frame(words: Mapping[str, Any], payment_year: int) -> Person:
    frame, rejected = member_frame({"member_id": "one", **words}, payment_year)
    if rejected.height:
        reason, column = rejected.select("reason", "column").row(0)
        if reason == "MISSING_SEX":
            raise MissingSex(words["sex"])
        if column == "birth_date":
            raise BadBirthDate
        words = dict(reasons().select("reason", "meaning").iter_rows()).get(reason, column).rstrip(".")
        hint = "'hcc schema --inputs members' lists what each column takes."
        raise BadMember(f"{words} ({reason}).", hint=hint)
    flags = str(frame["data_quality"][0]).split(",")
    found = statuses(frame, None, payment_year)
    years = int(frame.select(age_on_february_first(payment_year)).item())
    return Person(found.profiles, tuple(flag for flag in flags if flag), int(found.payable[0]), years)


def _months_alive(died: date | None, payment_year: int) -> int:
    """As hcc.pipeline.statuses has them for a population: the month of death is paid."""
    if died is None or died.year > payment_year:
        return MONTHS
    return died.month if died.year == payment_year else 0


def _plain(words: Mapping[str, Any], payment_year: int) -> dict[str, Any] | None:
    """Canonical values of a member nothing is doubtful about; None for any other."""
    fields = _fields()
    member: dict[str, Any] = dict.fromkeys(fields)
    for name, value in words.items():
        if value is None:
            continue
        field = fields.get(name)
        read = None if field is None else _read(field, value)
        if read is None:
            return None
        member[name] = read
    born, died = member["birth_date"], member["death_date"]
    if not date(payment_year - MAX_AGE - 1, 2, 1) < born <= date(payment_year, 2, 1) or (died and died < born):
        return None
    months = member["part_b_months"]
    if (months is not None and not 0 <= months <= MAX_PART_B_MONTHS) or not _graft(member):
        return None
    for name, value in DEFAULTS.items():
        if member[name] is None:
            member[name] = value
    member["orec"] = member["orec"] or "0"
    if member["medicaid"] is None:
        member["medicaid"] = member["dual_status"] in MEDICAID
    for name in ("ltimcaid", "nemcaid"):
        if member[name] is None:
            member[name] = member["medicaid"]
    return member


def _graft(member: dict[str, Any]) -> bool:
    """Make ESRD status and month since the transplant agree (RULINGS 4); False where they leave a doubt."""
    word, months = member["esrd_status"], member["graft_months"]
    if months is None:
        return True
    if word == "graft" and months >= 1:
        member["esrd_status"] = f"{_TRANSPLANT}{months}" if months < FIRST_GRAFT_MONTH else word
        return True
    return bool(word == f"{_TRANSPLANT}{months}")


@cache
def _fields() -> dict[str, Field]:
    return {field.name: field for field in member_fields() if field.kind != "id"}


def _read(field: Field, value: Any) -> Any:
    """The value as intake reads it; None where it reads nothing, or where plain Python cannot tell."""
    kind = type(value)
    if kind is date:
        return value if field.kind == "date" and value.year >= _FIRST_YEAR else None
    if kind is bool and field.kind == "bool":
        return value
    if kind is int and field.kind == "int" and -_SMALL < value < _SMALL:
        return value
    if kind is str and field.kind == "date" and _ISO.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return None
        return day if day.year >= _FIRST_YEAR else None
    return _word(field.name, value) if kind in _SCALARS else None


@lru_cache(maxsize=1 << 14, typed=True)
def _word(name: str, value: Any) -> Any:
    column = pl.DataFrame({"value": pl.Series([value], strict=False)})
    read = _fields()[name].read(pl.col("value"), column.schema["value"])
    return None if read is None else column.select(read.alias("value"))["value"][0]
