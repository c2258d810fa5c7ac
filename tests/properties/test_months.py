"""Members who change status, plan or model during the year: a score a month, and the year is their mean."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.engine import ask, rows_of
from tests.properties.populations import Population, member, population
from tests.reference.naive import Member, score_member
from tests.reference.payment import year_of_months
from tests.reference.records import decide

Row = dict[str, Any]

STATUS = ("dual_status", "part_b_months", "long_term_institutional", "csnp", "low_income_subsidy", "part_d_plan",
          "esrd_status", "graft_months", "program")  # fmt: skip
DEFAULTS: Row = {"dual_status": "NA", "part_b_months": 12, "long_term_institutional": False, "csnp": False,
                 "low_income_subsidy": False, "esrd_status": "none", "program": "MA"}  # fmt: skip

UNREADABLE = ("10", "QMB")  # such a dual status of a month is as if it said nothing: the member's own


def enrolled(rnd: Random, payment_year: int, size: int) -> tuple[Population, list[Row]]:
    """A population with one to three statuses a member, some hospice months, some deaths, some who leave."""
    people = population(rnd, size, payment_year, most=3)
    enrollment = []
    for row in people.members:
        row |= {"medicaid": None, "ltimcaid": None, "nemcaid": None}
        if rnd.random() < 0.15:
            row["death_date"] = date(payment_year, rnd.randint(1, 12), rnd.randint(1, 28))
        statuses = [status(rnd, row["member_id"], payment_year) for _ in range(rnd.randint(1, 3))]
        first, last = rnd.choice(((1, 12), (1, 12), (4, 12), (1, 7)))
        for month in range(first, last + 1):
            chosen = statuses[month * len(statuses) // 13]
            day = date(payment_year, month, 1)
            hospice = rnd.random() < 0.1
            enrollment.append({"member_id": row["member_id"], "month": day, "hospice": hospice, **chosen})
    return people, enrollment


def status(rnd: Random, member_id: str, payment_year: int) -> Row:
    """Status columns of one period, all said."""
    drawn = member(rnd, member_id, payment_year)
    if drawn["esrd_status"] == "graft" and drawn["graft_months"] is None:
        drawn["graft_months"] = 12
    return {name: DEFAULTS.get(name) if drawn[name] is None else drawn[name] for name in STATUS}


def expected_months(people: Population, enrollment: list[Row]) -> dict[str, dict[date, Member]]:
    year = people.payment_year
    by_id = {row["member_id"]: row for row in people.members}
    decisions = decide(people.claims, dict.fromkeys(by_id, "MA"), year)
    codes: dict[str, set[str]] = {}
    for (member_id, _, code), reasons in decisions.items():
        if not reasons:
            codes.setdefault(member_id, set()).add(code)
    found: dict[str, dict[date, Member]] = {}
    for row in enrollment:
        member_id = row["member_id"]
        said = {name: value for name, value in row.items() if name != "dual_status" or value not in UNREADABLE}
        one = score_member({**by_id[member_id], **said}, codes.get(member_id, ()), year)
        found.setdefault(member_id, {})[row["month"]] = one
    return found


@settings(max_examples=max(3, settings().max_examples // 10))
@given(seed=st.integers(0, 2**32 - 1), year=st.sampled_from((2026, 2027)))
def test_months_weigh_to_the_year(seed: int, year: int) -> None:
    rnd = Random(seed)
    people, enrollment = enrolled(rnd, year, 40)
    people.claims = [row for row in people.claims if not row.get("record_type") and row.get("source") != "raps"]
    expected = expected_months(people, enrollment)
    answer = ask(people.members, people.claims, year, enrollment=enrollment)
    deaths = {row["member_id"]: row.get("death_date") for row in people.members}
    hospice = {(row["member_id"], row["month"]) for row in enrollment if row["hospice"]}

    def payable(member_id: str, month: date) -> bool:
        death = deaths[member_id]
        return (member_id, month) not in hospice and (death is None or month <= death)

    engine = {(row["member_id"], row["month"], row["model"], row["calibration"] or ""): row
              for row in rows_of(answer.run.scores)}  # fmt: skip
    wanted = {
        (member_id, month, *key): (scored.segment, scored.raw)
        for member_id, months in expected.items() for month, one in months.items() for key, scored in one.scores.items()
    }  # fmt: skip
    assert engine.keys() == wanted.keys()
    for key, (segment, raw) in wanted.items():
        row = engine[key]
        assert row["raw_score"] == raw, (key, row["raw_score"], raw)
        assert segment in (row["segment"], "TRANSPLANT")
        assert row["payable"] == payable(key[0], key[1])
    for row in rows_of(answer.run.member_scores):
        months = expected[row["member_id"]]
        paid = {
            month.month: one.risk_score[row["part"]] for month, one in months.items()
            if row["part"] in one.risk_score and payable(row["member_id"], month)
        }  # fmt: skip
        assert row["payable_months"] == len(paid)
        assert row["risk_score"] == year_of_months(paid), row
    assert_factors_sum(answer.run)


def assert_factors_sum(run: Any) -> None:
    """Every month's raw score is the sum of the factors of its status, and statuses cover the months."""
    sums: dict[tuple[Any, ...], Decimal] = {}
    months: dict[tuple[Any, ...], int] = {}
    for row in rows_of(run.factors):
        key = (row["member_id"], row["model"], row["calibration"], row["segment"], row["first_month"])
        sums[key] = sums.get(key, Decimal(0)) + row["coefficient"]
        months[key] = row["months"]
    rows = [row for row in rows_of(run.scores) if row["raw_score"] is not None]
    for row in rows:
        start = (row["member_id"], row["model"], row["calibration"], row["segment"])
        assert row["raw_score"] in {total for key, total in sums.items() if key[:4] == start}
    assert sum(months.values()) == len(rows)
