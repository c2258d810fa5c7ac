"""Where other tools went wrong (must not be repeated): entitlement, age and status crossed; every code, edge and date.

Each test scores a whole grid in one run and compares every cell with the reference.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

import hcc
from tests.golden.engine import ask
from tests.golden.load import code_for
from tests.properties.compare import score_differences
from tests.properties.populations import Population
from tests.reference.records import validity, window
from tests.reference.tables import published

Row = dict[str, Any]
pytestmark = pytest.mark.filterwarnings("ignore::hcc.errors.NotPaidModel")  # V24 is scored for 2026, raw

ORECS = (None, "", "0", "1", "2", "3")
AGES = (64, 65, 66, 69, 70)
STATUSES: tuple[Row, ...] = (
    {"part_b_months": 12},
    {"part_b_months": 0},
    {"part_b_months": 0, "csnp": True},
    {"part_b_months": 12, "long_term_institutional": True},
    {"part_b_months": 0, "long_term_institutional": True},
)
DUALS = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10")
ESRD: dict[str, tuple[Row, ...]] = {
    "esrd": (
        {"esrd_status": "dialysis"},
        {"esrd_status": "transplant_2"},
        {"esrd_status": "graft", "graft_months": 9},
        {"esrd_status": "graft", "graft_months": 10},
    ),
    "rxhcc": ({}, {"esrd_status": "dialysis"}, {"low_income_subsidy": True}),
    "cms-hcc": ({},),
}
MODELS = [
    ("cms-hcc-v28", "", 2026), ("cms-hcc-v24", "", 2026), ("cms-hcc-v22", "", 2026), ("cms-hcc-esrd-v21", "", 2026),
    ("cms-hcc-esrd-v24", "", 2026), ("rxhcc-v08", "x", 2026), ("rxhcc-v08", "t", 2026), ("rxhcc-v08", "y1", 2027),
]  # fmt: skip
NAMES = [f"{model}{':' if calibration else ''}{calibration}" for model, calibration, _ in MODELS]


def visit(member_id: str, codes: list[str], day: date) -> Row:
    return {"claim_id": f"C-{member_id}", "line_number": 1, "member_id": member_id, "thru_date": day,
            "from_date": day, "hcpcs": "99213", "diagnosis_codes": codes}  # fmt: skip


def compare(people: Population, model: str, calibration: str, mode: str = "cms_python") -> None:
    name = f"{model}:{calibration}" if calibration else model
    answer = ask(people.members, people.claims, people.payment_year, models=[name], hierarchy_mode=mode)
    assert not answer.rejected
    faults = score_differences(people, answer, model, calibration, mode)
    assert not faults, f"{len(faults)} of {len(people.members)} differ:\n" + "\n".join(faults[:6])


def person(member_id: str, year: int, age: int, sex: str, model: str, **status: Any) -> Row:
    base: Row = {"member_id": member_id, "birth_date": date(year - age, 2, 1), "sex": sex}
    if "esrd" in model:
        base["esrd_status"] = "dialysis"
    return {**base, **status}


@pytest.mark.parametrize(("model", "calibration", "year"), MODELS, ids=NAMES)
def test_entitlement_by_age_by_status(model: str, calibration: str, year: int) -> None:
    """No cell of the grid is missing, zero or another's."""
    kinds = ESRD["esrd" if "esrd" in model else "rxhcc" if model.startswith("rxhcc") else "cms-hcc"]
    people = Population(year)
    diabetes = "E119"
    grid = product(ORECS, AGES, STATUSES, DUALS, kinds)
    for number, (orec, age, status, dual, kind) in enumerate(grid):
        sex = "FM"[number // len(kinds) % 2]  # eleven duals: every other cell meets both sexes
        row = person(f"M{number}", year, age, sex, model, orec=orec, dual_status=dual, **status, **kind)
        people.members.append(row)
        people.claims.append(visit(row["member_id"], [diabetes], date(year - 1, 7, 1)))
    compare(people, model, calibration)


@pytest.mark.parametrize(("model", "calibration", "year"), MODELS, ids=NAMES)
def test_births_around_the_first_of_february(model: str, calibration: str, year: int) -> None:
    people = Population(year)
    shifts = [timedelta(days=days) for days in (-2, -1, 0, 1, 2, 26, 27, 28)]
    for number, (age, shift, orec) in enumerate(product((34, 44, 59, 64, 65, 66, 69, 94), shifts, ("0", "1"))):
        row = person(f"M{number}", year, age, "F", model, orec=orec)
        people.members.append({**row, "birth_date": row["birth_date"] + shift})
    compare(people, model, calibration)


@pytest.mark.parametrize(("model", "calibration", "year"), MODELS, ids=NAMES)
def test_every_code_of_several_hccs(model: str, calibration: str, year: int) -> None:
    people = Population(year)
    several = sorted(code for code, hccs in published(model, year, calibration).hccs_of.items() if len(hccs) > 1)
    assert len(several) > 20
    for number, code in enumerate(several):
        row = person(f"M{number}", year, 72, "F", model)
        people.members.append(row)
        people.claims += valid_visit(row["member_id"], code, year)
    compare(people, model, calibration)


def valid_visit(member_id: str, code: str, year: int) -> list[Row]:
    """A visit on a day on which the code is valid, none where there is none in the window."""
    (first, last), (opened, closed) = validity()[code], window(year, "final")
    day = max(first, opened)
    return [visit(member_id, [code], day)] if day <= min(last, closed) else []


@pytest.mark.parametrize(("model", "calibration", "year"), MODELS, ids=NAMES)
def test_every_edited_code_at_every_bound(model: str, calibration: str, year: int) -> None:
    tables = published(model, year, calibration)
    bounds = sorted({
        age for edits in tables.edits_of.values() for edit in edits for side in (edit.age_from, edit.age_to)
        if side is not None for age in (side - 1, side, side + 1) if age >= 0
    })  # fmt: skip
    people = Population(year)
    for code in sorted(set(tables.edits_of) & set(tables.hccs_of)):
        own = {side for edit in tables.edits_of[code] for side in (edit.age_from, edit.age_to) if side is not None}
        near = [age for age in bounds if any(abs(age - side) <= 1 for side in own)] or [40]
        for age, sex in product(near, "FM"):
            row = person(f"{code}-{age}-{sex}", year, age, sex, model, orec="1")
            visits = valid_visit(row["member_id"], code, year)
            people.members += [row] if visits else []
            people.claims += visits
    assert len(people.members) > 300
    compare(people, model, calibration)


@pytest.mark.parametrize("mode", ["cms_python", "cms_sas"])
@pytest.mark.parametrize(("model", "calibration", "year"), MODELS, ids=NAMES)
def test_every_edge_of_the_hierarchy(model: str, calibration: str, year: int, mode: str) -> None:
    """Parent with child, and every chain of three."""
    tables = published(model, year, calibration)
    children: dict[str, list[str]] = {}
    for parent, child in tables.hierarchy:
        children.setdefault(parent, []).append(child)
    sets = [(parent, child) for parent, child in tables.hierarchy]
    sets += [(a, b, c) for a, b in tables.hierarchy for c in children.get(b, [])]
    assert sum(all(plain_code(hcc, model, year, calibration) for hcc in hccs) for hccs in sets) > 0.9 * len(sets)
    people = Population(year)
    for number, hccs in enumerate(sets):
        row = person(f"M{number}", year, 72, "F", model)
        people.members.append(row)
        codes = [code for hcc in hccs if (code := plain_code(hcc, model, year, calibration))]
        people.claims.append(visit(row["member_id"], codes, date(year - 1, 7, 1)))
    compare(people, model, calibration, mode)


def plain_code(hcc: str, model: str, year: int, calibration: str) -> str | None:
    """A code of that one category, or None where every code has a second category or an edit."""
    try:
        return code_for(hcc, model, year, calibration)
    except KeyError:
        return None


def test_every_first_and_last_day_of_a_code() -> None:
    """Fiscal-year boundaries: the day before, the first, the last, the day after."""
    year, model = 2026, "cms-hcc-v28"
    opened, closed = window(year, "final")
    people, expected = Population(year), {}
    tables = published(model, year)
    for code in sorted(tables.hccs_of):
        first, last = validity()[code]
        for name, day in (("eve", first - timedelta(1) if first.year > 1 else None), ("first", first), ("last", last),
                          ("after", last + timedelta(1) if last.year < 9999 else None)):  # fmt: skip
            if day is not None and opened <= day <= closed:
                member_id = f"{code}-{name}"
                people.members.append({"member_id": member_id, "birth_date": date(1950, 1, 1), "sex": "M"})
                people.claims.append(visit(member_id, [code], day))
                expected[member_id, code] = name in ("first", "last")
    assert len(expected) > 100
    answer = ask(people.members, people.claims, year, models=[model])
    found = {(member_id, code): counted for (member_id, _, code), (counted, _, _) in answer.decisions.items()}
    assert found == expected
    reasons = {reason for counted, reason, _ in answer.decisions.values() if not counted}
    assert reasons == {"NOT_VALID_ON_DOS"}


def test_counts_from_none_to_more_than_ten() -> None:
    year, model = 2026, "cms-hcc-v28"
    hccs = ("1", "2", "6", "17", "35", "48", "62", "93", "107", "125", "151", "180", "198", "280")
    people = Population(year)
    for number, (count, status) in enumerate(product(range(len(hccs) + 1), STATUSES)):
        row = person(f"M{number}", year, 72, "F", model, **status)
        people.members.append(row)
        codes = [code_for(hcc, model, year) for hcc in hccs[:count]]
        people.claims.append(visit(row["member_id"], codes, date(year - 1, 7, 1)))
    compare(people, model, "")


def test_unknown_names_are_errors() -> None:
    """An unknown model, calibration or year is said, never scored as nothing."""
    member = {"member_id": "M", "birth_date": date(1950, 1, 1), "sex": "F"}
    for models, year in ((["cms-hcc-v99"], 2026), (["rxhcc-v08:q"], 2026), (["cms-hcc-v24"], 2027), (None, 2035)):
        with pytest.raises(hcc.HccError) as caught:
            ask([member], [], year, models=models)
        assert caught.value.hint
