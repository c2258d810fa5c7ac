"""Codes of two HCCs: a gap about one of them is worth the full run without, or with, the code."""

from __future__ import annotations

import polars as pl
import pytest

import hcc
from tests.gaps.test_all_open_gaps import Claims, claims_of, members, risk

pytestmark = pytest.mark.filterwarnings("ignore")
STANDING: Claims = [("c1", "2025-05-14", "J449"), ("c2", "2025-06-14", "J449")]


def change(before: Claims, after: Claims):
    people = members(["a"])
    return risk(claims_of(after), people, 2026)["a", "C"] - risk(claims_of(before), people, 2026)["a", "C"]


def opened(now: Claims, direction: str, history: Claims | None = None) -> pl.DataFrame:
    run = hcc.score(members(["a"]), claims_of(now), payment_year=2026)
    found = hcc.find_gaps(run, history=None if history is None else claims_of(history), as_of="2025-12-31")
    frame = found.gaps.with_columns(pl.col("model", "direction", "status", "rule_id", "hcc").cast(pl.String))
    return frame.filter(model="cms-hcc-v28", direction=direction, status="open")


# A code, its HCCs, and a code of the lower HCC of one of them, which is then revived.
DOUBLE = [("E113511", "37 298", ""), ("E113511", "37 298", "E119"), ("I70239", "263 383", ""), ("Z943", "221 276", "")]


@pytest.mark.parametrize(("code", "hccs", "revived"), DOUBLE)
def test_both_hccs_go_with_the_code(code: str, hccs: str, revived: str) -> None:
    kept = [*STANDING, *([("c4", "2025-03-01", revived), ("c5", "2025-04-01", revived)] if revived else [])]
    now = [*kept, ("c3", "2025-02-03", code)]
    rows = opened(now, "unsupported").filter(rule_id="AUD-SINGLE")
    assert sorted(rows["hcc"], key=int) == hccs.split()
    assert set(rows["score_change"]) == {change(now, kept)}
    for hcc_, reason in rows.select("hcc", "reason").iter_rows():
        (other,) = set(hccs.split()) - {hcc_}
        assert f"Without these diagnoses HCC {other} is gone too; the value counts that." in reason


def test_an_hcc_that_stands_on_another_code_does_not_go() -> None:
    kept = [*STANDING, ("c4", "2025-03-01", "E1140"), ("c5", "2025-04-01", "E1140")]
    now = [*kept, ("c3", "2025-02-03", "E113511")]
    (row,) = opened(now, "unsupported").filter(rule_id="AUD-SINGLE").iter_rows(named=True)
    assert (row["hcc"], row["score_change"]) == ("298", change(now, kept))
    assert "is gone too" not in row["reason"]


@pytest.mark.parametrize(("code", "hccs", "revived"), DOUBLE)
def test_both_hccs_come_with_the_code(code: str, hccs: str, revived: str) -> None:
    now = [*STANDING, *([("c4", "2025-03-01", revived), ("c5", "2025-04-01", revived)] if revived else [])]
    rows = opened(now, "missing", [("h1", "2024-02-03", code)]).filter(rule_id="RECAPTURE")
    assert hccs.split()[-1 if revived else 0] in rows["hcc"]  # HCC 37 pays what 38 pays
    worth = change(now, [*now, ("c3", "2025-02-03", code)])
    assert worth > 0
    assert set(rows["score_change"]) == {worth}
