"""A member as the models see one: age on 1 February, sex, entitlement, Medicaid, status (SPEC 1.1, 2.1, R-2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

FULL_DUAL = {"02", "04", "08"}
PARTIAL_DUAL = {"01", "03", "05", "06"}


class BadMember(ValueError):
    """A member nobody can score; the text is the reason code."""


@dataclass(frozen=True)
class Person:
    """Facts of one member in one payment year (and, with enrollment, one month)."""

    age: int
    sex: str
    orec: str
    dual: str
    medicaid: bool
    ltimcaid: bool
    nemcaid: bool
    new_enrollee: bool
    lti: bool
    csnp: bool
    low_income: bool
    esrd: str
    graft_month: int | None
    program: str
    part_d_plan: str

    @property
    def aged(self) -> bool:
        return self.age >= 65

    @property
    def disabled(self) -> bool:
        """DISABL: under 65 and entitled otherwise than by age (R-2.3)."""
        return self.age < 65 and self.orec != "0"

    @property
    def new_enrollee_age(self) -> int:
        """64 with OREC 0 turns 65 in the year: new-enrollee cells count that member as 65 (R-2.4)."""
        return 65 if self.age == 64 and self.orec == "0" else self.age


def age_on_first_of_february(birth: date, payment_year: int) -> int:
    """Whole months since birth, divided by twelve; never negative (R-2.1)."""
    months = 12 * (payment_year - birth.year) + (2 - birth.month)
    if birth.day > 1:
        months -= 1
    return max(months // 12, 0)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _sex(value: Any) -> str:
    found = {"F": "F", "2": "F", "M": "M", "1": "M"}.get(_text(value).upper())
    if found is None:
        raise BadMember("MISSING_SEX")
    return found


def _orec(value: Any) -> str:
    text = _text(value).removesuffix(".0")
    return text if text in {"0", "1", "2", "3"} else "0"


def _dual(value: Any) -> str:
    text = _text(value).removesuffix(".0").zfill(2)
    if text in FULL_DUAL:
        return "full"
    return "partial" if text in PARTIAL_DUAL else "none"


def person(row: Mapping[str, Any], payment_year: int) -> Person:
    """One row of ``members`` (raw values, missing columns allowed) as a Person; BadMember where it has no score."""
    birth = row.get("birth_date")
    if isinstance(birth, str):
        birth = date.fromisoformat(birth)
    if not isinstance(birth, date):
        raise BadMember("BAD_BIRTH_DATE")
    dual = _dual(row.get("dual_status"))

    def flag(name: str, default: bool) -> bool:
        value = row.get(name)
        return default if value is None else bool(value)

    medicaid = flag("medicaid", dual != "none")
    months = row.get("part_b_months")
    status = _text(row.get("esrd_status")) or "none"
    graft_month = row.get("graft_months")
    kind = status.split("_")[0]
    if kind == "transplant":
        month = int(status[-1])
        if graft_month is not None and graft_month != month:
            raise BadMember("CONTRADICTING_GRAFT_MONTHS")
        graft_month = month
    elif kind == "graft" and graft_month is not None and graft_month <= 3:
        kind = "transplant"  # months 1 to 3 are transplant months whatever the word (RULINGS 4)
    return Person(
        age=age_on_first_of_february(birth, payment_year),
        sex=_sex(row.get("sex")),
        orec=_orec(row.get("orec")),
        dual=dual,
        medicaid=medicaid,
        ltimcaid=flag("ltimcaid", medicaid),
        nemcaid=flag("nemcaid", medicaid),
        new_enrollee=months is not None and months < 12,
        lti=flag("long_term_institutional", False),
        csnp=flag("csnp", False),
        low_income=flag("low_income_subsidy", False),
        esrd=kind,
        graft_month=graft_month,
        program=_text(row.get("program")) or "MA",
        part_d_plan=_text(row.get("part_d_plan")) or "none",
    )
