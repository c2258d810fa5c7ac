"""Random populations that dwell on the edges: birthdays, entitlement, chains, odd bill types, bad codes.

Everything is drawn from a ``random.Random``; hypothesis hands in one that it can shrink, the large comparisons a
seeded one. What the documents leave open is not drawn (see ``LEFT_OPEN``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

from tests.reference.records import procedure_list, validity, window
from tests.reference.tables import published

Row = dict[str, Any]

LEFT_OPEN = """
a delete of a claim that was replaced; lines of one claim with different through dates; an MAO-004 verdict on an
audio-only, RAPS or unlinked record; ages above 110.
"""

MODELS_OF = {
    2024: (("cms-hcc-v24", ""), ("cms-hcc-v28", ""), ("cms-hcc-v22", ""), ("cms-hcc-esrd-v21", ""),
           ("cms-hcc-esrd-v24", "")),
    2025: (("cms-hcc-v24", ""), ("cms-hcc-v28", ""), ("cms-hcc-v22", ""), ("cms-hcc-esrd-v21", ""),
           ("cms-hcc-esrd-v24", ""), ("rxhcc-v08", "a"), ("rxhcc-v08", "b")),
    2026: (("cms-hcc-v28", ""), ("cms-hcc-v24", ""), ("cms-hcc-v22", ""), ("cms-hcc-esrd-v21", ""),
           ("cms-hcc-esrd-v24", ""), ("rxhcc-v08", "x"), ("rxhcc-v08", "t")),
    2027: (("cms-hcc-v28", ""), ("cms-hcc-v22", ""), ("cms-hcc-esrd-v21", ""), ("cms-hcc-esrd-v24", ""),
           ("rxhcc-v08", "y1"), ("rxhcc-v08", "y2"), ("rxhcc-v08", "t2")),
}  # fmt: skip

LISTED = ("99213", "99214", "99285", "G0439", "G0463", "90960", "90999", "99347", "96372", "G2067")
UNLISTED = ("80053", "36415", "71045", "A0428", "E0601", "J1100", "99441", "3044F", "88305", "", "XXXXX")
OUTPATIENT_BILLS = ("131", "0131", "851", "711", "731", "761", "771", "871", "121", "431")
OTHER_BILLS = ("211", "221", "231", "321", "721", "811", "821", "181", "0831", "999")
BAD_CODES = ("", "E11", "E1I9", "010.1", "250.00", "Z00.00", "I10", "R69", "XYZ", "E11.9.9", "N18.3", "?", "E119XYZQ")
RETIRED = ("G35", "G35A", "G20", "G20A1", "E66813", "C8339", "C83390", "N183", "N1830")


@dataclass(frozen=True)
class Codes:
    """Pools of codes, so that the interesting ones are met often."""

    edited: tuple[str, ...]
    several: tuple[str, ...]
    parents: tuple[str, ...]
    grouped: tuple[str, ...]
    plain: tuple[str, ...]


@cache
def codes_of(model: str, payment_year: int, calibration: str = "") -> Codes:
    """Pools of one model's table."""
    tables = published(model, payment_year, calibration)
    parents = {parent for parent, _ in tables.hierarchy} | {child for _, child in tables.hierarchy}
    grouped = {hcc for members in tables.groups.values() for hcc in members}
    by_hcc: dict[str, list[str]] = {}
    for code, hccs in sorted(tables.hccs_of.items()):
        for hcc in hccs:
            by_hcc.setdefault(hcc, []).append(code)

    def some(hccs: set[str]) -> tuple[str, ...]:
        return tuple(code for hcc in sorted(hccs) for code in by_hcc.get(hcc, [])[::7][:12])

    return Codes(
        edited=tuple(sorted(set(tables.edits_of) & set(tables.hccs_of))),
        several=tuple(sorted(code for code, hccs in tables.hccs_of.items() if len(hccs) > 1)),
        parents=some(parents),
        grouped=some(grouped) or some(parents),
        plain=tuple(sorted(tables.hccs_of)),
    )


@dataclass
class Population:
    """Rows of the input tables."""

    payment_year: int
    members: list[Row] = field(default_factory=list)
    claims: list[Row] = field(default_factory=list)


def _one(rnd: Random, *weighted: tuple[int, Any]) -> Any:
    return rnd.choices([value for _, value in weighted], [weight for weight, _ in weighted])[0]


def birth_date(rnd: Random, payment_year: int) -> date:
    """Births that make ages of every kind on 1 February, its eve and 29 February well represented."""
    age = _one(rnd, (8, rnd.randint(64, 95)), (3, rnd.randint(0, 110)), (4, rnd.choice((64, 65))),
               (2, rnd.choice((34, 35, 44, 45, 54, 55, 59, 60, 69, 70, 74, 75, 79, 80, 84, 85, 89, 90, 94, 95))),
               (2, rnd.choice((0, 1, 5, 6, 8, 9, 14, 15, 17, 18, 19, 49, 50))))  # fmt: skip
    first = date(payment_year - age, 2, 1)
    shift = _one(rnd, (3, 0), (3, 1), (1, -1), (6, -rnd.randint(0, 364)))
    born = first + timedelta(days=shift)
    if born.month == 2 and born.day >= 27 and born.year % 4 == 0:
        return date(born.year, 2, 29)
    return born


def member(rnd: Random, member_id: str, payment_year: int) -> Row:
    """One row of ``members``."""
    status = _one(rnd, (70, "none"), (8, "dialysis"), (4, "transplant"), (10, "graft"), (8, None))
    months = None
    if status == "transplant":
        month = rnd.randint(1, 3)
        status, months = f"transplant_{month}", rnd.choice((None, month))
    elif status == "graft":
        months = _one(rnd, (1, None), (3, rnd.randint(1, 4)), (3, rnd.choice((9, 10))), (6, rnd.randint(4, 60)))
    return {
        "member_id": member_id,
        "birth_date": birth_date(rnd, payment_year),
        "sex": rnd.choice(("F", "M", "1", "2", "f", "m")),
        "orec": rnd.choice(("0", "0", "0", "1", "1", "2", "3", "9", "", None)),
        "dual_status": rnd.choice(
            ("NA", "NA", "00", "01", "02", "03", "04", "05", "06", "08", "09", "10", "99", "2", "2.0", "QMB", None)
        ),
        "medicaid": rnd.choice((None, None, None, True, False)),
        "ltimcaid": rnd.choice((None, None, None, True, False)),
        "nemcaid": rnd.choice((None, None, None, True, False)),
        "part_b_months": _one(rnd, (5, 12), (2, None), (1, 11), (1, rnd.randint(0, 11))),
        "long_term_institutional": _one(rnd, (5, False), (1, True), (1, None)),
        "csnp": _one(rnd, (3, False), (1, True), (1, None)),
        "low_income_subsidy": _one(rnd, (2, False), (1, True), (1, None)),
        "part_d_plan": rnd.choice((None, "MA-PD", "PDP")),
        "esrd_status": status,
        "graft_months": months,
        "program": _one(rnd, (6, "MA"), (2, "PACE"), (1, "none"), (1, None)),
    }


def _code(rnd: Random, payment_year: int) -> str:
    kind = rnd.randrange(20)
    if kind == 0:
        return rnd.choice(BAD_CODES)
    if kind == 1:
        return rnd.choice(RETIRED)
    model, calibration = rnd.choice(MODELS_OF[payment_year])
    pools = codes_of(model, payment_year, calibration)
    pool = (
        pools.edited
        if kind < 6
        else pools.several
        if kind < 9
        else pools.parents
        if kind < 12
        else (pools.grouped if kind < 15 else pools.plain)
    )
    return rnd.choice(pool)


def _written(rnd: Random, code: str) -> str:
    """The code as people write it."""
    if len(code) > 3 and "." not in code and rnd.random() < 0.3:
        code = f"{code[:3]}.{code[3:]}"
    return _one(rnd, (8, code), (1, code.lower()), (1, f" {code} "))


def _day(rnd: Random, payment_year: int, run: str) -> date:
    first, last = window(payment_year, run)
    length = (last - first).days
    fiscal = date(payment_year - 1, 10, 1)
    return _one(rnd, (12, first + timedelta(days=rnd.randint(0, length))), (1, first), (1, last),
                (1, first - timedelta(days=1)), (1, last + timedelta(days=1)), (1, fiscal),
                (1, fiscal - timedelta(days=1)), (1, first - timedelta(days=rnd.randint(1, 900))))  # fmt: skip


def _form(rnd: Random) -> Row:
    kind = rnd.randrange(12)
    if kind < 6:
        return {"bill_type": None}
    if kind < 8:
        return {"bill_type": rnd.choice(("111", "0111", "411", "110"))}
    if kind < 10:
        return {"bill_type": rnd.choice(OUTPATIENT_BILLS)}
    if kind == 10:
        return {"bill_type": rnd.choice(OTHER_BILLS)}
    return {"bill_type": None, "claim_type": rnd.choice(("dme", "other", "professional"))}


def _claim(rnd: Random, claim_id: str, member_id: str, year: int, run: str) -> list[Row]:
    """Lines of one original encounter."""
    day = _day(rnd, year, run)
    header: Row = {
        "claim_id": claim_id,
        "member_id": member_id,
        "thru_date": day,
        "from_date": day - timedelta(days=rnd.choice((0, 0, 0, 3))),
        "diagnosis_codes": [_written(rnd, _code(rnd, year)) for _ in range(rnd.randint(1, 4))],
        **_form(rnd),
    }
    good = rnd.random() < 0.75
    lines = []
    for number in range(1, rnd.randint(1, 3) + 1):
        listed = good and (number == 1 or rnd.random() < 0.3)
        lines.append({
            **header,
            "line_number": number,
            "hcpcs": rnd.choice(LISTED if listed else UNLISTED) or None,
            "modifier_1": _one(rnd, (10, None), (1, "25"), (1, "95"), (2, "93")),
            "modifier_2": _one(rnd, (20, None), (1, "FQ")),
        })  # fmt: skip
    rnd.shuffle(lines)
    return lines


def _stop(lines: list[Row], **values: Any) -> None:
    for line in lines:
        line.update(values)


def _follow(rnd: Random, lines: list[Row], claim_id: str, year: int, run: str) -> list[Row]:
    """A record that replaces, voids or amends the claim."""
    first = lines[0]
    accepted = _one(rnd, (6, None), (1, False))
    kind = rnd.randrange(5)
    codes = list(first["diagnosis_codes"])
    if kind <= 1:
        codes = [*codes[1:], _written(rnd, _code(rnd, year))]
    same: Row = {"claim_id": claim_id, "accepted": accepted}
    if kind <= 2:
        change = {"frequency_code": "7" if kind <= 1 else "8", "original_claim_id": first["claim_id"]}
        late = {"submission_date": date(year + 2, 6, 1)} if rnd.random() < 0.3 else {}
    elif kind == 3:
        linked = rnd.random() < 0.8
        change = {"record_type": "chart_review_delete", "linked_claim_id": first["claim_id"] if linked else None}
        codes = codes[: rnd.randint(1, len(codes))]
        late = {"submission_date": date(year + 2, 6, 1)} if rnd.random() < 0.3 else {}
    else:
        linked = rnd.random() < 0.5
        change = {"record_type": "chart_review", "linked_claim_id": first["claim_id"] if linked else None}
        change |= _organizations(rnd)
        codes, late = [_written(rnd, _code(rnd, year))], {}
    kept = {name: value for name, value in first.items() if name not in ("source", "risk_adjustment_flag")}
    if kind <= 2 and first.get("submission_date") is None and rnd.random() < 0.3:
        # no number of the original: the same claim, submitted later (RULINGS 10)
        _stop(lines, submission_date=date(year - 1, 7, 15))
        late = late or {"submission_date": date(year - 1, 8, 15)}
        same["claim_id"], change["original_claim_id"] = first["claim_id"], None
    return [{**kept, **same, **change, **late, "line_number": 1, "diagnosis_codes": codes}]


def _organizations(rnd: Random) -> Row:
    return {
        "submitting_organization": rnd.choice(("Alpha", "Beta", None)),
        "parent_organization_at_service": rnd.choice(("Alpha", "Beta", None)),
    }


def _status(rnd: Random, lines: list[Row], year: int) -> None:
    """Odd statuses of an original record."""
    kind = rnd.randrange(24)
    if kind == 0:
        _stop(lines, accepted=False)
    elif kind == 1:
        _stop(lines, claim_status=rnd.choice(("denied", "denied_administrative")))
    elif kind == 2:
        _stop(lines, submission_date=date(year + 2, 6, 1))
    elif kind == 3:
        _stop(lines, submission_date=date(year - 1, 7, 15))
    elif kind == 4:
        _stop(lines, source="ffs")
    elif kind == 5:
        _stop(lines, source="raps")
    elif kind == 6:
        _stop(lines, risk_adjustment_flag="disallowed")
    elif kind == 7:
        _stop(lines, risk_adjustment_flag="allowed", modifier_1=None, modifier_2=None, claim_type="professional",
              bill_type=None)  # fmt: skip
    elif kind == 8:
        _stop(lines, frequency_code=rnd.choice(("1", "0", "2", "5")))


def claims(rnd: Random, member_id: str, payment_year: int, run: str, most: int = 5) -> list[Row]:
    """Claim lines of one member, chains included."""
    rows: list[Row] = []
    for number in range(rnd.randint(0, most)):
        claim_id = f"{member_id}-{number}"
        lines = _claim(rnd, claim_id, member_id, payment_year, run)
        _status(rnd, lines, payment_year)
        rows += lines
        if rnd.random() < 0.25 and lines[0].get("source") != "raps":
            follower = _follow(rnd, lines, f"{claim_id}a", payment_year, run)
            rows += follower
            chained = follower[0].get("frequency_code") == "7" or follower[0].get("record_type")
            if chained and rnd.random() < 0.3:
                # the follower is itself voided
                rows.append({**follower[0], "claim_id": f"{claim_id}b", "frequency_code": "8", "accepted": None,
                             "original_claim_id": f"{claim_id}a"})  # fmt: skip
    return rows


def population(rnd: Random, size: int, payment_year: int, run: str = "final", most: int = 5) -> Population:
    """Members with their claims."""
    found = Population(payment_year)
    for number in range(size):
        row = member(rnd, f"person-{number}", payment_year)
        found.members.append(row)
        found.claims += claims(rnd, row["member_id"], payment_year, run, most)
    return found


def simple_population(
    rnd: Random, size: int, payment_year: int, model: str, calibration: str = "", most: int = 8
) -> Population:
    """Members with office visits only, all in the model's own population: for large comparisons of scores."""
    pools = codes_of(model, payment_year, calibration)
    day = date(payment_year - 1, 7, 1)
    weighted: Sequence[tuple[str, ...]] = (pools.edited, pools.several, pools.parents, pools.parents, pools.grouped,
                                           pools.grouped, pools.plain, pools.plain)  # fmt: skip
    esrd = "esrd" in model
    found = Population(payment_year)
    for number in range(size):
        row = member(rnd, f"person-{number}", payment_year)
        if not esrd and not model.startswith("rxhcc"):
            row |= {"esrd_status": None, "graft_months": None}
        elif esrd and (row["esrd_status"] in (None, "none")):
            row |= _one(rnd, (1, {"esrd_status": "dialysis"}), (1, {"esrd_status": "graft", "graft_months": 5}),
                        (1, {"esrd_status": "graft", "graft_months": 20}))  # fmt: skip
        if rnd.random() < 0.6:
            row |= {"part_b_months": 12}
        found.members.append(row)
        count = _one(rnd, (1, 0), (6, rnd.randint(1, 4)), (3, rnd.randint(3, most)), (1, most + 6))
        codes = [rnd.choice(rnd.choice(weighted)) for _ in range(count)]
        found.claims.append({
            "claim_id": f"claim-{number}", "line_number": 1, "member_id": row["member_id"], "thru_date": day,
            "from_date": day, "hcpcs": "99213", "diagnosis_codes": codes,
        })  # fmt: skip
    return found


def check_pools(service_year: int) -> None:
    """The pools of procedure codes say what they are called."""
    listed = procedure_list(service_year)
    assert listed.issuperset(LISTED), set(LISTED) - listed
    assert not listed.intersection(UNLISTED)
    assert validity()
