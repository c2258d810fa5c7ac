"""A population with planted truth: members who are exactly a rule's definition, and near misses just beside it.

Every plant is written from SPEC 5.4, 6, 7.6 and 7.7, RULINGS 23–30 and the notes to the value sets, never from the
engine's answers. ``population`` turns the plants of one payment year into canonical input tables plus ``expected``:
one row per planted member: its plant, rule, whether a row of that rule is expected, and with which status.

How to judge: for a rule, look at the members planted for it and at the noise (members without a plant). A plant with
``flagged`` has a row of its rule with ``status`` (any of open, informational, closed … where status is null); one
without has no row of its rule that is open, indeterminate or informational. Members planted for another rule may be
flagged by this one too: many a definition overlaps with AUD-SINGLE. Plants with ``off_by_default`` need their rule
switched on.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import polars as pl

OFFICE, HOSPITAL, CLINIC, SUPPLIER = "professional", "inpatient", "outpatient", "dme"


@dataclass(frozen=True)
class Claim:
    """One claim: diagnoses, one line per procedure code (one bare line without any)."""

    on: date
    codes: tuple[str, ...] = ()
    kind: str = OFFICE
    services: tuple[str, ...] = ()
    first_day: date | None = None
    place: str | None = None
    npi: str = "1000000004"
    modifier: str | None = None
    record_type: str = "encounter"
    linked: bool = False
    bill_type: str | None = None
    specialty: str | None = None


@dataclass(frozen=True)
class Fill:
    """One dispensing, by name, NDC or RxNorm code."""

    on: date
    drug_name: str | None = None
    ndc: str | None = None
    rxnorm: str | None = None
    days: int = 30


@dataclass(frozen=True)
class Result:
    """One laboratory result or measurement."""

    on: date
    loinc: str
    value: str
    unit: str | None = None
    status: str | None = None


@dataclass(frozen=True)
class Problem:
    """One entry of a problem list."""

    on: date
    code: str


@dataclass(frozen=True)
class Finding:
    """One finding of a chart reviewer."""

    on: date
    code: str
    verdict: str


Fact = Claim | Fill | Result | Problem | Finding


@dataclass(frozen=True)
class Plant:
    """One planted member. ``codes``: diagnoses that the row has to name among its candidates."""

    rule_id: str
    name: str
    flagged: bool
    facts: tuple[Fact, ...]
    status: str | None = "open"
    codes: tuple[str, ...] = ()
    off_by_default: bool = False
    without_pharmacy: str | None = None
    member: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Calendar:
    """Days of one payment year: diagnoses are of the year before; what is known ends on ``as_of``."""

    payment_year: int

    @property
    def year(self) -> int:
        return self.payment_year - 1

    @property
    def as_of(self) -> date:
        return date(self.payment_year, 6, 30)

    def day(self, month: int, day: int, years: int = 0) -> date:
        """A day of the data-collection year, or of ``years`` after it."""
        return date(self.year + years, month, day)

    def born(self, age: int, month: int = 6, day: int = 15) -> date:
        """Birth date of who is ``age`` on 31 December of the data-collection year."""
        return date(self.year - age, month, day)


@dataclass(frozen=True)
class Population:
    """Canonical input tables, ``expected`` and the days that matter."""

    calendar: Calendar
    members: pl.DataFrame
    claims: pl.DataFrame
    history: pl.DataFrame
    pharmacy: pl.DataFrame
    observations: pl.DataFrame
    problems: pl.DataFrame
    chart_findings: pl.DataFrame
    expected: pl.DataFrame

    def save(self, folder: str) -> None:
        """Every table as ``<name>.parquet``."""
        for name in (
            "members",
            "claims",
            "history",
            "pharmacy",
            "observations",
            "problems",
            "chart_findings",
            "expected",
        ):
            getattr(self, name).write_parquet(f"{folder}/{name}.parquet")


# Short words for the lists of plants ------------------------------------------------------------------------------


def office(code: str | tuple[str, ...], on: date, **more: object) -> Claim:
    """An office visit (99213) with one or several diagnoses."""
    codes = (code,) if isinstance(code, str) else code
    return replace(Claim(on, codes, OFFICE, ("99213",), place="11"), **more)  # type: ignore[arg-type]


def stay(code: str | tuple[str, ...], on: date, first_day: date | None = None) -> Claim:
    """A hospital stay that ends on the day."""
    codes = (code,) if isinstance(code, str) else code
    return Claim(on, codes, HOSPITAL, (), first_day=first_day, bill_type="0111")


def clinic(code: str | tuple[str, ...], on: date) -> Claim:
    """A hospital outpatient visit (bill type 131)."""
    codes = (code,) if isinstance(code, str) else code
    return Claim(on, codes, CLINIC, ("99213",), bill_type="0131")


def service(hcpcs: str, on: date, code: str = "Z0000") -> Claim:
    """A professional service without a diagnosis that any model pays."""
    return Claim(on, (code,), OFFICE, (hcpcs,), place="11")


def supply(hcpcs: str, on: date) -> Claim:
    """A supplier's line."""
    return Claim(on, ("Z0000",), SUPPLIER, (hcpcs,), place="12")


def fill(drug_name: str, *days: date) -> tuple[Fill, ...]:
    return tuple(Fill(day, drug_name) for day in days)


def ndc(code: str, *days: date) -> tuple[Fill, ...]:
    return tuple(Fill(day, ndc=code) for day in days)


def lab(loinc: str, on: date, value: str, unit: str | None = None, status: str | None = None) -> Result:
    return Result(on, loinc, value, unit, status)


def _flat(facts: tuple[Fact | tuple[Fact, ...], ...]) -> tuple[Fact, ...]:
    return tuple(one for fact in facts for one in (fact if isinstance(fact, tuple) else (fact,)))


def plus(rule_id: str, name: str, *facts: Fact | tuple[Fact, ...], **more: object) -> Plant:
    """A member who is the rule's definition."""
    return Plant(rule_id, name, True, _flat(facts), **more)  # type: ignore[arg-type]


def minus(rule_id: str, name: str, *facts: Fact | tuple[Fact, ...], **more: object) -> Plant:
    """A member just beside the rule's definition."""
    return Plant(rule_id, name, False, _flat(facts), **more)  # type: ignore[arg-type]


# Tables -----------------------------------------------------------------------------------------------------------

_MEMBERS = {
    "member_id": pl.String, "birth_date": pl.Date, "sex": pl.String, "orec": pl.String, "dual_status": pl.String,
    "part_b_months": pl.Int64, "program": pl.String, "contract_id": pl.String, "pcp_npi": pl.String,
    "death_date": pl.Date,
}  # fmt: skip
_CLAIMS = {
    "claim_id": pl.String, "line_number": pl.Int64, "member_id": pl.String, "claim_type": pl.String,
    "bill_type": pl.String, "from_date": pl.Date, "thru_date": pl.Date, "hcpcs": pl.String, "modifier_1": pl.String,
    "place_of_service": pl.String, "rendering_npi": pl.String, "specialty": pl.String, "linked_claim_id": pl.String,
    "record_type": pl.String,
    **{f"diagnosis_{place}": pl.String for place in range(1, 5)},
}  # fmt: skip
_PHARMACY = {
    "member_id": pl.String, "fill_date": pl.Date, "ndc": pl.String, "rxnorm": pl.String, "drug_name": pl.String,
    "days_supply": pl.Int32,
}  # fmt: skip
_OBSERVATIONS = {
    "member_id": pl.String, "observation_date": pl.Date, "loinc": pl.String, "value": pl.String, "unit": pl.String,
    "status": pl.String,
}  # fmt: skip
_PROBLEMS = {"member_id": pl.String, "recorded_date": pl.Date, "code": pl.String, "code_system": pl.String}
_FINDINGS = {"member_id": pl.String, "service_date": pl.Date, "diagnosis_code": pl.String, "verdict": pl.String}
_EXPECTED = {
    "member_id": pl.String, "plant": pl.String, "rule_id": pl.String, "flagged": pl.Boolean, "status": pl.String,
    "codes": pl.String, "off_by_default": pl.Boolean, "without_pharmacy": pl.String,
}  # fmt: skip

_FILLED = ("members", "claims", "pharmacy", "observations", "problems", "findings")

# Diagnoses, drugs and results that no model pays and no rule looks at.
_HARMLESS_CODES = ("J069", "Z0000", "M5450", "R059", "H6690", "L309")
_HARMLESS_DRUGS = ("ATORVASTATIN 40 MG TABLET", "LISINOPRIL 10 MG TABLET", "OMEPRAZOLE 20 MG CAPSULE")


def all_plants(calendar: Calendar) -> list[Plant]:
    """Every plant of the payment year."""
    from tests.gaps.plants_audit import audit_plants
    from tests.gaps.plants_organs import organ_plants
    from tests.gaps.plants_others import other_plants

    return [*organ_plants(calendar), *other_plants(calendar), *audit_plants(calendar)]


def population(payment_year: int, *, copies: int = 1, noise: int = 50, seed: int = 7) -> Population:
    """``copies`` members of every plant, each with its own harmless visits and fills, and ``noise`` members without."""
    calendar = Calendar(payment_year)
    tables: dict[str, list[dict[str, object]]] = {name: [] for name in _FILLED}
    expected: list[dict[str, object]] = []
    numbers = random.Random(seed)
    plants = [plant for plant in all_plants(calendar) for _ in range(copies)]
    for place, plant in enumerate(plants):
        member_id = f"P{place:06d}"
        _add(tables, member_id, (*plant.facts, *_harmless(calendar, numbers)), calendar, plant.member)
        expected.append(
            {
                "member_id": member_id, "plant": f"{plant.rule_id}: {plant.name}", "rule_id": plant.rule_id,
                "flagged": plant.flagged, "status": plant.status if plant.flagged else None,
                "codes": ",".join(plant.codes), "off_by_default": plant.off_by_default,
                "without_pharmacy": plant.without_pharmacy,
            }
        )  # fmt: skip
    for place in range(noise):
        _add(tables, f"N{place:06d}", tuple(_ordinary(calendar, numbers, first=place == 0)), calendar, {})
    claims = pl.DataFrame(tables["claims"], schema=_CLAIMS)
    earlier = pl.col("thru_date") < calendar.day(1, 1)
    return Population(
        calendar=calendar,
        members=pl.DataFrame(tables["members"], schema=_MEMBERS),
        claims=claims.filter(~earlier),
        history=claims.filter(earlier),
        pharmacy=pl.DataFrame(tables["pharmacy"], schema=_PHARMACY),
        observations=pl.DataFrame(tables["observations"], schema=_OBSERVATIONS),
        problems=pl.DataFrame(tables["problems"], schema=_PROBLEMS),
        chart_findings=pl.DataFrame(tables["findings"], schema=_FINDINGS),
        expected=pl.DataFrame(expected, schema=_EXPECTED),
    )


def _harmless(calendar: Calendar, numbers: random.Random) -> Iterator[Fact]:
    """A few visits and fills that no rule looks at, spread over the covered years."""
    first, last = calendar.day(1, 1, -2), calendar.as_of
    span = (last - first).days
    for _ in range(numbers.randint(0, 3)):
        day = first + timedelta(days=numbers.randint(0, span))
        yield office(numbers.choice(_HARMLESS_CODES), day)
        yield Fill(first + timedelta(days=numbers.randint(0, span)), numbers.choice(_HARMLESS_DRUGS))


def _ordinary(calendar: Calendar, numbers: random.Random, *, first: bool) -> Iterator[Fact]:
    """A member in good health; the first one's facts mark the first and last day that the tables speak for."""
    yield from _harmless(calendar, numbers)
    for years in (-1, 0):
        day = calendar.day(numbers.randint(1, 12), numbers.randint(1, 28), years)
        yield office(("I10", "E785"), day)
        yield lab("98979-8", day, str(numbers.randint(75, 110)), "mL/min/1.73m2")
        yield lab("4548-4", day, f"{numbers.uniform(4.8, 5.6):.1f}", "%")
        yield lab("39156-5", day, f"{numbers.uniform(21, 29):.1f}", "kg/m2")
        yield Fill(day, "AMLODIPINE 5 MG TABLET")
    if first:
        for day in (calendar.day(1, 1, -2), calendar.as_of):
            yield office("Z0000", day)
            yield Fill(day, "ATORVASTATIN 40 MG TABLET")
            yield lab("39156-5", day, "24.0", "kg/m2")
            yield Problem(day, "J069")
            yield Finding(day, "J069", "supported")


def _add(
    tables: dict[str, list[dict[str, object]]],
    member_id: str,
    facts: tuple[Fact, ...],
    calendar: Calendar,
    more: dict[str, object],
) -> None:
    member = {
        "member_id": member_id, "birth_date": calendar.born(70), "sex": "F", "orec": "0", "dual_status": "NA",
        "part_b_months": 12, "program": "MA", "contract_id": "H0001", "pcp_npi": "1999999999", "death_date": None,
    }  # fmt: skip
    tables["members"].append({**member, **more})
    for place, fact in enumerate(facts):
        if isinstance(fact, Claim):
            tables["claims"] += _lines(fact, member_id, f"{member_id}-{place}")
        elif isinstance(fact, Fill):
            tables["pharmacy"].append(
                {
                    "member_id": member_id, "fill_date": fact.on, "ndc": fact.ndc, "rxnorm": fact.rxnorm,
                    "drug_name": fact.drug_name, "days_supply": fact.days,
                }
            )  # fmt: skip
        elif isinstance(fact, Result):
            tables["observations"].append(
                {
                    "member_id": member_id, "observation_date": fact.on, "loinc": fact.loinc, "value": fact.value,
                    "unit": fact.unit, "status": fact.status,
                }
            )  # fmt: skip
        elif isinstance(fact, Problem):
            tables["problems"].append(
                {"member_id": member_id, "recorded_date": fact.on, "code": fact.code, "code_system": "ICD-10-CM"}
            )
        else:
            tables["findings"].append(
                {"member_id": member_id, "service_date": fact.on, "diagnosis_code": fact.code, "verdict": fact.verdict}
            )


def _lines(claim: Claim, member_id: str, claim_id: str) -> Iterator[dict[str, object]]:
    for number, hcpcs in enumerate(claim.services or (None,), start=1):
        yield {
            "claim_id": claim_id, "line_number": number, "member_id": member_id, "claim_type": claim.kind,
            "bill_type": claim.bill_type, "from_date": claim.first_day or claim.on, "thru_date": claim.on,
            "hcpcs": hcpcs, "modifier_1": claim.modifier, "place_of_service": claim.place, "rendering_npi": claim.npi,
            "linked_claim_id": f"{claim_id}-L" if claim.linked else None, "record_type": claim.record_type,
            "specialty": claim.specialty,
            **{f"diagnosis_{place}": code for place, code in enumerate(claim.codes, start=1)},
        }  # fmt: skip
