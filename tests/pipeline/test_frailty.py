"""Frailty of a scenario (SPEC R-2.22): what is in the risk score, said as such in the table, in words and in compare.

A woman of 72 without diagnoses: CNA 0.395 → 0.370 → 0.348 in MA, INS 1.119 → 1.049 → 0.987. In PACE, 0.9 of V22 and 0.1
of V28: CNA 0.374 → 0.315 and 0.370 make 0.3205, 0.321; INS 1.092 → 0.920 and 1.049 make 0.9329, 0.933.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.demo.population import demo_tables
from hcc.pipeline.update import update
from hcc.results import explain, explanation_text, read_table
from hcc.results.compare import Comparison, compare

YEAR = 2026
CLAIMS = pl.DataFrame(
    {"claim_id": ["c"], "member_id": ["A"], "thru_date": [date(2025, 5, 5)], "hcpcs": ["99213"],
     "diagnosis_1": ["Z0000"]}
)  # fmt: skip
TENTH: dict[str, Any] = {"frailty": {"H1": "0.1"}}
LTI_FROM_JULY = {"long_term_institutional": [month > 6 for month in range(1, 13)]}


def score(
    member: dict[str, Any] | None = None,
    months: dict[str, Any] | None = None,
    scenario: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    one = {"member_id": "A", "birth_date": date(1953, 6, 15), "sex": "F", "contract_id": "H1", **(member or {})}
    enrollment = None
    if months is not None:
        of_year = [date(YEAR, month, 1) for month in range(1, 13)]
        enrollment = pl.DataFrame({"member_id": ["A"] * 12, "month": of_year, **months}, strict=False)
    return hcc.score(
        pl.DataFrame([one]), CLAIMS, enrollment=enrollment, payment_year=YEAR, scenario=scenario or TENTH, **options
    )


def figures(run: Any) -> tuple[str, Decimal]:
    (row,) = run.member_scores.select("risk_score", "frailty").to_dicts()
    return str(row["risk_score"]), row["frailty"]


CASES = [
    # 0.348 + 0.1
    ({}, None, "0.448", "0.1"),
    # dead in May: five months, each with it
    ({"death_date": date(YEAR, 5, 9)}, None, "0.448", "0.1"),
    # (6 × 0.448 + 6 × 0.987) ÷ 12 = 0.7175, half away from zero
    ({}, LTI_FROM_JULY, "0.718", "0.05"),
    ({}, {"long_term_institutional": [month <= 6 for month in range(1, 13)]}, "0.718", "0.05"),
    # (4 × 0.448 + 8 × 0.987) ÷ 12 = 0.80733; 0.4 ÷ 12 = 0.033333
    ({}, {"long_term_institutional": [month > 4 for month in range(1, 13)]}, "0.807", "0.033333"),
    # H1 until June: 0.348 + 0.05
    ({}, {"contract_id": ["H1"] * 6 + ["H2"] * 6}, "0.398", "0.05"),
    ({"contract_id": "H2"}, {"contract_id": ["H1"] * 6 + [None] * 6}, "0.398", "0.05"),
    ({"contract_id": None}, {"contract_id": ["H1"] * 12}, "0.448", "0.1"),
    ({}, {"contract_id": ["H2"] * 12}, "0.348", "0"),
    # months in hospice are not paid: of ten, five in H1
    ({}, {"contract_id": ["H1"] * 5 + ["H2"] * 7, "hospice": [False] * 10 + [True] * 2}, "0.398", "0.05"),
    # under 55, with ESRD, in an institution: none
    ({"birth_date": date(1971, 6, 15)}, None, None, "0"),
    ({"esrd_status": "dialysis"}, None, None, "0"),
    ({"long_term_institutional": True}, None, "0.987", "0"),
    # the blend of PACE: (6 × 0.321 + 6 × 0.933) ÷ 12 = 0.627, and half of 0.1
    ({"program": "PACE"}, LTI_FROM_JULY, "0.677", "0.05"),
]


@pytest.mark.parametrize(("member", "months", "risk", "frailty"), CASES)
def test_the_table_says_what_is_in_the_risk_score(
    member: dict[str, Any], months: dict[str, Any] | None, risk: str | None, frailty: str
) -> None:
    found, added = figures(score(member, months))
    assert added == Decimal(frailty)
    assert risk is None or found == risk


def test_no_score_has_no_frailty() -> None:
    run = score({"death_date": date(2025, 3, 3)})
    assert run.member_scores["risk_score"].to_list() == [None]
    assert run.member_scores["frailty"].to_list() == [Decimal(0)]


def test_part_d_has_none() -> None:
    rows = score({"part_d_plan": "MA-PD"}).member_scores.select(pl.col("part").cast(pl.String), "frailty").rows()
    assert sorted(rows) == [("C", Decimal("0.1")), ("D", Decimal(0))]


@pytest.mark.parametrize(
    ("factor", "risk"),
    [("0.0025", "0.351"), (0.0025, "0.351"), ("0.0005", "0.349"), ("-0.0005", "0.347"), (0, "0.348")],
)
def test_a_half_of_a_thousandth_goes_away_from_zero(factor: object, risk: str) -> None:
    assert figures(score(scenario={"frailty": {"H1": factor}}))[0] == risk


def told(run: Any, path: Path) -> str:
    run.save(path)
    return re.sub(r"[ \n]+", " ", explanation_text(explain(path, "A")))


WORDS = [
    ({}, None, "Part C risk score: 0.448 0.348 + 0.100 frailty = 0.448"),
    ({}, LTI_FROM_JULY, "(6 × 0.348 + 6 × 0.987 + 0.600 frailty) ÷ 12 payable months = 0.718"),
    ({}, {"contract_id": ["H1"] * 6 + ["H2"] * 6}, "0.348 + 0.050 frailty = 0.398, the mean of 12 payable months"),
    # 0.5 ÷ 12 has no end: 4.676 ÷ 12 = 0.38967
    ({}, {"contract_id": ["H1"] * 5 + ["H2"] * 7}, "(12 × 0.348 + 0.500 frailty) ÷ 12 payable months = 0.390"),
    (
        {"program": "PACE"}, LTI_FROM_JULY,
        "6 months: 0.9 × 0.315 + 0.1 × 0.370 = 0.321 6 months: 0.9 × 0.920 + 0.1 × 1.049 = 0.933 "
        "(6 × 0.321 + 6 × 0.933 + 0.600 frailty) ÷ 12 payable months = 0.677",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("member", "months", "words"), WORDS)
def test_explain_adds_up(member: dict[str, Any], months: dict[str, Any] | None, words: str, tmp_path: Path) -> None:
    assert words in told(score(member, months), tmp_path / "r.duckdb")


@pytest.mark.parametrize(
    ("months", "frailty"),
    [(None, "0.100000"), (LTI_FROM_JULY, "0.050000"), ({"contract_id": ["H1"] * 5 + ["H2"] * 7}, "0.041667")],
)
def test_compare_tells_frailty_from_rounding(months: dict[str, Any] | None, frailty: str, tmp_path: Path) -> None:
    score({}, months, {"frailty": {"H1": 0}}, out=tmp_path / "without.duckdb")
    score({}, months, out=tmp_path / "with.duckdb")
    found: Comparison
    (found,) = compare(tmp_path / "without.duckdb", tmp_path / "with.duckdb")
    assert str(found.parts["frailty"]) == frailty
    assert abs(found.parts["rounding"]) < Decimal("0.001")
    assert sum(found.parts.values(), Decimal(0)) == found.after - found.before


def test_an_update_keeps_it(tmp_path: Path) -> None:
    """I50.9 in the community and in the institution changes the blend; frailty of H1 to June stays 0.05."""
    for name, frame in (
        ("members", pl.DataFrame({"member_id": ["A"], "birth_date": ["1953-06-15"], "sex": ["F"], "contract_id": ["H1"]})),
        ("enrollment", pl.DataFrame({"member_id": ["A"] * 12, "month": [f"2026-{m:02}" for m in range(1, 13)],
                                     "contract_id": ["H1"] * 6 + ["H2"] * 6})),
        ("claims", CLAIMS), ("more", CLAIMS.with_columns(claim_id=pl.lit("d"), diagnosis_1=pl.lit("I509"))),
    ):  # fmt: skip
        frame.write_csv(tmp_path / f"{name}.csv")
    out = tmp_path / "r.duckdb"
    given = [tmp_path / f"{name}.csv" for name in ("members", "claims")]
    hcc.score(*given, enrollment=tmp_path / "enrollment.csv", payment_year=YEAR, scenario=TENTH, out=out)
    update(out, tmp_path / "more.csv")
    (row,) = read_table(out, "member_scores").to_dicts()
    # 0.395 + 0.360 = 0.755 → 0.708 → 0.666, and 0.05
    assert (str(row["risk_score"]), row["frailty"]) == ("0.716", Decimal("0.05"))


def test_a_contract_that_nobody_has_is_noted() -> None:
    unknown = "The scenario's frailty factor of contract H9 applies to nobody: no member has that contract."
    both = {"frailty": {"H1": "0.1", "H9": "0.2"}}
    assert [note for note in score(scenario=both).notes if "frailty" in note] == [unknown]
    months = {"contract_id": ["H9"] + ["H2"] * 11}
    assert [note for note in score({}, months, both).notes if "frailty" in note] == []
    many = {"frailty": {f"H{number}": "0.1" for number in range(100, 130)}}
    (note,) = [note for note in score(scenario=many).notes if "frailty" in note]
    assert "30 contracts" in note


def test_gaps_start_from_the_same_risk_score() -> None:
    """What members are worth before and after gaps has their frailty in it, month by month."""
    tables = demo_tables(members=300, payment_year=YEAR, seed=11)
    contracts = tables["members"]["contract_id"].drop_nulls().unique().sort().to_list()
    moved = pl.when(pl.col("month").dt.month() > 7).then(pl.lit("H9")).alias("contract_id")
    scenario = {"frailty": dict.fromkeys(contracts, "0.111")}
    run = hcc.score(
        tables["members"], tables["claims"], enrollment=tables["enrollment"].with_columns(moved), payment_year=YEAR,
        scenario=scenario,
    )  # fmt: skip
    gaps = hcc.find_gaps(run, history=tables["history"])
    of_run = run.member_scores.filter(pl.col("part").cast(pl.String) == "C").select(
        "member_id", "risk_score", "frailty"
    )
    both = gaps.member_gaps.filter(pl.col("part").cast(pl.String) == "C").join(of_run, on="member_id", suffix="_of_run")
    assert both.height > 50
    assert both.filter(pl.col("frailty") > 0).height > 20
    assert both.filter(pl.col("risk_score") != pl.col("risk_score_of_run")).is_empty()
