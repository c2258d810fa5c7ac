"""Header diagnoses in a table of their own: whose they are, and what becomes of those that belong to no claim line."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import hcc

MEMBERS = pl.DataFrame(
    {"member_id": ["A", "B"], "birth_date": [date(1950, 1, 1)] * 2, "sex": ["F", "M"]}
)  # fmt: skip
LINE = {"thru_date": date(2025, 5, 5), "claim_type": "professional", "hcpcs": "99213"}


def _score(claims: list[dict[str, object]], diagnoses: list[tuple[str, str | None, str]]) -> hcc.Run:
    table = pl.DataFrame(
        diagnoses, schema={"claim_id": pl.String, "member_id": pl.String, "diagnosis_code": pl.String}, orient="row"
    )
    table = table.drop("member_id") if table["member_id"].null_count() else table  # not told at all
    lines = pl.DataFrame([{**LINE, **claim} for claim in claims])
    return hcc.score(MEMBERS, lines, claim_diagnoses=table, payment_year=2026)


@pytest.mark.parametrize(
    ("claim_id", "member_id", "without"),
    [
        ("c1", "A", 0),
        ("c1", None, 0),  # the claim says whose it is
        ("c1", "B", 1),  # B has no such claim
        ("c1", "Z", 1),  # nobody knows Z
        ("c9", "A", 1),
        ("c9", None, 1),
        ("c2", "Z", 0),  # a claim of somebody who is not ours: counted among these
    ],
)
def test_a_diagnosis_needs_a_line_of_its_claim_and_member(claim_id: str, member_id: str | None, without: int) -> None:
    run = _score([{"claim_id": "c1", "member_id": "A"}, {"claim_id": "c2", "member_id": "Z"}],
                 [(claim_id, member_id, "E1122")])  # fmt: skip
    assert run.counts["diagnoses_without_claim"] == without
    assert run.summary()["claims_of_unknown_members"] == 1
    counted = claim_id == "c1" and member_id in ("A", None)
    assert run.diagnoses.filter("counted").height == int(counted)


def test_diagnoses_on_the_lines_stay_their_member_s_beside_a_table_that_does_not_say_whose() -> None:
    """Two members have a claim of one number."""
    lines = pl.DataFrame([
        {**LINE, "claim_id": "c1", "member_id": "A", "diagnosis_1": "E1122"},
        {**LINE, "claim_id": "c1", "member_id": "B", "diagnosis_1": "I509"},
        {**LINE, "claim_id": "c2", "member_id": "B", "diagnosis_1": None},
    ])  # fmt: skip
    table = pl.DataFrame({"claim_id": ["c2"], "diagnosis_code": ["J449"]})
    run = hcc.score(MEMBERS, lines, claim_diagnoses=table, payment_year=2026)
    found = run.diagnoses.select("member_id", pl.col("diagnosis_code").cast(pl.String)).sort(pl.all())
    assert found.rows() == [("A", "E1122"), ("B", "I509"), ("B", "J449")]


@pytest.mark.parametrize(("member_id", "without"), [("A", 0), (None, 0), ("B", 1), ("Z", 1)])
def test_the_same_for_claims_in_a_chain(member_id: str | None, without: int) -> None:
    """A replacement is known by its text, other claims by hashes."""
    claims: list[dict[str, object]] = [
        {"claim_id": "c1", "member_id": "A", "frequency_code": "1", "original_claim_id": None},
        {"claim_id": "c2", "member_id": "A", "frequency_code": "7", "original_claim_id": "c1"},
    ]
    run = _score(claims, [("c1", member_id and "A", "I509"), ("c2", member_id, "E1122")])
    assert run.counts["diagnoses_without_claim"] == without
    reasons = dict(run.diagnoses.select("diagnosis_code", pl.col("reason").cast(pl.String)).iter_rows())
    assert reasons["I509"] == "SUPERSEDED"
    assert ("E1122" in reasons) == (without == 0)
