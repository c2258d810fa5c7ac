"""What a member's open gaps are worth together: against full runs with the diagnoses taken away or added."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

import hcc

pytestmark = pytest.mark.filterwarnings("ignore")
Claims = list[tuple[str, str, str]]  # claim, day, codes


def members(names: list[str], **more: Any) -> pl.DataFrame:
    one = {"birth_date": date(1950, 3, 15), "sex": "F", "part_d_plan": "MA-PD", "monthly_benchmark": 1000.0, **more}
    return pl.DataFrame([{"member_id": name, **one} for name in names])


def claims_of(rows: Claims, name: str = "a") -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "claim_id": claim, "member_id": name, "claim_type": "professional", "hcpcs": "99213",
                "thru_date": date.fromisoformat(day), "diagnosis_codes": codes.split(),
            }
            for claim, day, codes in rows
        ]
    )  # fmt: skip


def risk(claims: pl.DataFrame, people: pl.DataFrame, payment_year: int) -> dict[tuple[str, str], Decimal | None]:
    """(member, part): the risk score of a full run."""
    scores = hcc.score(people, claims, payment_year=payment_year).member_scores
    return {(row[0], row[1]): row[2] for row in scores.select("member_id", "part", "risk_score").iter_rows()}


def applied(found: Any, direction: str) -> dict[tuple[str, str], tuple[int, Decimal, Decimal]]:
    """(member, part): open gaps, risk score with all of them applied, change."""
    rows = found.member_gaps.filter(pl.col("direction").cast(pl.String) == direction)
    names = ("member_id", "part", "open_gaps", "risk_score_applied", "score_change")
    return {(row[0], row[1]): row[2:] for row in rows.select(names).iter_rows()}


@pytest.mark.parametrize(("payment_year", "program"), [(2025, "MA"), (2026, "MA"), (2026, "PACE")])
def test_questioned_diagnoses_are_gone_in_every_model(payment_year: int, program: str) -> None:
    """Two codes of heart failure on a claim each: two HCCs of V28 with a gap, one HCC of V24, V22 and Part D without."""
    year, people = payment_year - 1, members(["a"], program=program)
    kept = [("c1", f"{year}-05-14", "E119"), ("c2", f"{year}-06-14", "E119")]
    asked = [("c3", f"{year}-04-07", "I5023"), ("c4", f"{year}-01-14", "I5032")]
    run = hcc.score(people, claims_of(kept + asked), payment_year=payment_year)
    gaps = hcc.find_gaps(run).gaps.filter(pl.col("status") == "open", pl.col("direction") == "unsupported")
    assert set(gaps.select("model", "hcc").rows()) == {("cms-hcc-v28", "224"), ("cms-hcc-v28", "226")}
    before = risk(claims_of(kept + asked), people, payment_year)
    after = risk(claims_of(kept), people, payment_year)
    assert before["a", "C"] != after["a", "C"]
    assert before["a", "D"] != after["a", "D"]
    assert applied(hcc.find_gaps(run), "unsupported") == {
        ("a", part): (number, after["a", part], after["a", part] - before["a", part])
        for part, number in (("C", 2), ("D", 0))
    }


def test_a_claim_that_no_gap_questions_keeps_the_hcc_of_another_model() -> None:
    kept = [("c1", "2024-05-14", "I509"), ("c2", "2024-06-14", "I509")]
    asked = [("c3", "2024-04-07", "I5023")]
    people = members(["a"])
    found = hcc.find_gaps(hcc.score(people, claims_of(kept + asked), payment_year=2025))
    before, after = risk(claims_of(kept + asked), people, 2025), risk(claims_of(kept), people, 2025)
    assert applied(found, "unsupported") == {("a", "C"): (1, after["a", "C"], after["a", "C"] - before["a", "C"])}
    assert before["a", "D"] == after["a", "D"]


def test_what_is_added_is_added_in_every_model() -> None:
    """Heart failure of the year before: a gap of V28, none of Part D, where a lower HCC of the family is captured."""
    now, history = [("c1", "2025-05-14", "I10"), ("c2", "2025-06-14", "I10")], [("h1", "2024-05-14", "I5032")]
    people = members(["a"])
    found = hcc.find_gaps(hcc.score(people, claims_of(now), payment_year=2026), history=claims_of(history))
    gaps = found.gaps.filter(pl.col("status") == "open", pl.col("direction") == "missing")
    assert set(gaps.select("model", "hcc").rows()) == {("cms-hcc-v28", "226")}
    before = risk(claims_of(now), people, 2026)
    after = risk(claims_of([*now, ("c3", "2025-07-01", "I5032")]), people, 2026)
    assert before["a", "D"] != after["a", "D"]
    assert applied(found, "missing") == {
        ("a", part): (number, after["a", part], after["a", part] - before["a", part])
        for part, number in (("C", 1), ("D", 0))
    }


def test_what_is_acute_in_a_model_is_not_added_there() -> None:
    """A heart attack of the year before: Part D recaptures its HCC, V28 does not."""
    now, history = [("c1", "2025-05-14", "J449"), ("c2", "2025-06-14", "J449")], [("h1", "2024-05-14", "I214")]
    people = members(["a"])
    found = hcc.find_gaps(hcc.score(people, claims_of(now), payment_year=2026), history=claims_of(history))
    rows = found.gaps.filter(pl.col("rule_id") == "RECAPTURE", pl.col("candidate_diagnosis_codes") == "I214")
    assert set(rows.select("model", "status").rows()) == {("cms-hcc-v28", "suppressed"), ("rxhcc-v08", "open")}
    assert set(applied(found, "missing")) == {("a", "D")}


CODES = ("E119", "E1122", "I5023", "I5032", "I509", "J449", "N184", "N1831", "F321", "F331", "C3490", "C189", "B20",
         "I4891", "K7460", "M069", "E6601", "I69351", "I130", "E43", "L89153", "I10", "E785", "J9611", "H35051")  # fmt: skip


@pytest.mark.parametrize(("payment_year", "program"), [(2025, "MA"), (2026, "PACE")])
def test_invented_members_score_as_without_what_is_questioned(payment_year: int, program: str) -> None:
    """The claims and codes that the evidence names are taken from the claims; nothing else tells what falls."""
    draw, year = random.Random(7), payment_year - 1
    names = [f"m{number:02d}" for number in range(60)]
    parts = []
    for name in names:
        rows = [
            (f"{name}c{n}", str(date(year, 1, 1) + timedelta(draw.randrange(365))),
             " ".join(draw.sample(CODES, draw.choice((1, 1, 2, 3)))))
            for n in range(draw.randrange(2, 9))
        ]  # fmt: skip
        parts.append(claims_of(rows, name))
    claims, people = pl.concat(parts), members(names, program=program)
    found = hcc.find_gaps(hcc.score(people, claims, payment_year=payment_year), as_of=date(year, 12, 31))
    asked = found.gaps.filter(pl.col("status") == "open", pl.col("direction") == "unsupported").select(
        "gap_id", pl.col("candidate_diagnosis_codes").str.split(",").alias("codes")
    )
    named = found.gap_evidence.filter(pl.col("stance") == "for", pl.col("kind") == "claim").join(asked, on="gap_id")
    named = named.filter(pl.col("code").cast(pl.String).is_in(pl.col("codes")))
    questioned = set(named.select(pl.col("claim_id", "code").cast(pl.String)).rows())
    assert len(questioned) > 100
    without = claims.with_columns(
        pl.Series(
            "diagnosis_codes",
            [
                [code for code in codes if (claim, code) not in questioned]
                for claim, codes in claims.select("claim_id", "diagnosis_codes").iter_rows()
            ],
        )
    )
    before, after = risk(claims, people, payment_year), risk(without, people, payment_year)
    expected = {key: (after[key], after[key] - before[key]) for key in before if before[key] != after[key]}
    told = {key: row[1:] for key, row in applied(found, "unsupported").items() if row[2]}
    assert len(expected) > 60
    assert told == expected
