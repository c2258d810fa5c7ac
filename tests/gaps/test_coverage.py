"""Which days a table speaks for: months of a large one, years of a small one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.pipeline_gaps.sources import covered_days


def months(year: int, rows: int, first: int = 1, last: int = 12) -> dict[date, int]:
    return {date(year, month, 1): rows for month in range(first, last + 1)}


def test_a_large_table_is_read_by_month() -> None:
    assert covered_days(months(2025, 1000)) == (date(2025, 1, 1), date(2025, 12, 31))
    assert covered_days(months(2025, 1000, first=7)) == (date(2025, 7, 1), date(2025, 12, 31))
    run_in = {date(2024, 12, 1): 1000, **months(2025, 1000)}
    assert covered_days(run_in) == (date(2024, 12, 1), date(2025, 12, 31))


def test_stray_dates_and_gaps_are_no_coverage() -> None:
    stray = {date(2019, 5, 1): 3, **months(2025, 1000)}
    assert covered_days(stray) == (date(2025, 1, 1), date(2025, 12, 31))
    broken = {**months(2023, 1000), **months(2025, 1000)}
    assert covered_days(broken) == (date(2025, 1, 1), date(2025, 12, 31))
    thin = {**months(2024, 10), **months(2025, 1000)}
    assert covered_days(thin) == (date(2025, 1, 1), date(2025, 12, 31))


def test_a_small_table_speaks_for_its_years() -> None:
    assert covered_days({date(2024, 6, 1): 1, date(2025, 3, 1): 2}) == (date(2024, 1, 1), date(2025, 12, 31))


def test_an_empty_table_was_given() -> None:
    assert covered_days({}) == (date(1900, 1, 1), date(9999, 12, 31))


def test_the_month_of_the_last_day_is_measured_by_what_has_passed() -> None:
    begun = {**months(2025, 1000, last=5), date(2025, 6, 1): 100}
    assert covered_days(begun, date(2025, 6, 3)) == (date(2025, 1, 1), date(2025, 6, 30))
    assert covered_days(begun, date(2025, 6, 30)) == (date(2025, 1, 1), date(2025, 5, 31))
    assert covered_days(begun) == (date(2025, 1, 1), date(2025, 5, 31))


def claim(claim_id: str, day: date, codes: list[str], **more: Any) -> dict[str, Any]:
    one = {"claim_id": claim_id, "member_id": "a", "thru_date": day, "hcpcs": "99213", "diagnosis_codes": codes}
    return {**one, **more}


PEOPLE = pl.DataFrame({"member_id": ["a", "b"], "birth_date": [date(1950, 3, 15)] * 2, "sex": ["F", "F"]})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("as_of", [date(2025, 6, 30), date(2025, 6, 11)])
def test_fills_after_the_as_of_date_decide_nothing(as_of: date) -> None:
    """Twenty fills a day from March on: few enough up to June that the year counts whole, enough of them by December
    that January and February do not."""
    claims = pl.DataFrame(
        [claim(f"c{n}", date(2025, n, 9), ["E119", "I480"], claim_type="professional") for n in (1, 2, 3)]
    )
    days = [date(2025, 3, 1) + timedelta(n // 20) for n in range(20 * 306)]
    fills = pl.DataFrame({"member_id": ["b"] * len(days), "fill_date": days, "drug_name": "lisinopril"})
    run = hcc.score(PEOPLE, claims, payment_year=2026)
    found = [
        hcc.find_gaps(run, pharmacy=table, as_of=as_of).gaps.drop("run_id").sort("gap_id")
        for table in (fills, fills.filter(pl.col("fill_date") <= as_of))
    ]
    assert "AUD-MEDLESS" in found[0]["rule_id"].cast(pl.String).to_list()
    assert found[0].equals(found[1])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("without", ["history", "claims", "neither"])
def test_history_that_does_not_say_what_kind_of_claims_it_has(without: str) -> None:
    """Claims without claim_type are professional ones, whatever the other table has."""
    now = [claim("c1", date(2025, 3, 1), ["J449"]), claim("c2", date(2024, 2, 1), ["Z000"])]
    before = [claim("h1", date(2024, 3, 1), ["I509"])]
    kind = pl.lit("professional").alias("claim_type")
    claims, history = (
        frame if without == name else frame.with_columns(kind)
        for name, frame in (("claims", pl.DataFrame(now)), ("history", pl.DataFrame(before)))
    )
    gaps = hcc.find_gaps(hcc.score(PEOPLE, claims, payment_year=2026), history=history).gaps
    rows = gaps.filter(pl.col("rule_id") == "RECAPTURE").select("hcc", "status", "status_reason").rows()
    assert sorted(rows) == [("226", "open", ""), ("280", "closed", "new")]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("last_month", "told"), [(10, " The fills given end 2025-10-31."), (12, "")])
def test_a_table_that_ends_early_is_told(last_month: int, told: str) -> None:
    """A quarter of a year may be missing at the end; whoever reads the sentence is told up to when was looked."""
    claims = pl.DataFrame(
        [claim(f"c{n}", date(2025, n, 9), ["E119", "I480"], claim_type="professional") for n in (1, 9)]
    )
    days = [date(2025, 1, 1) + timedelta(n // 20) for n in range(20 * 365)]
    fills = pl.DataFrame({"member_id": ["b"] * len(days), "fill_date": days, "drug_name": "lisinopril"})
    run = hcc.score(PEOPLE, claims, payment_year=2026)
    some = fills.filter(pl.col("fill_date").dt.month() <= last_month)
    found = hcc.find_gaps(run, pharmacy=some, as_of=date(2026, 1, 31)).gaps
    sentences = found.filter(
        pl.col("rule_id").cast(pl.String) == "AUD-MEDLESS", pl.col("status").cast(pl.String) == "open"
    )
    assert sentences.height
    assert all(("The fills given end" in text) == bool(told) and told in text for text in sentences["reason"])


@pytest.mark.parametrize(
    ("of_months", "as_of", "told"),
    [
        (range(1, 2), date(2025, 12, 31), "30 row(s), in 1 of the 12 months since 2025-01-01"),
        (range(1, 6), date(2025, 12, 31), "150 row(s), in 5 of the 12 months since 2025-01-01"),
        (range(1, 7), date(2025, 12, 31), None),
        (range(1, 13), date(2025, 12, 31), None),
        (range(1, 13), date(2025, 3, 31), None),
    ],
)
def test_a_small_table_of_few_months_is_told(of_months: range, as_of: date, told: str | None) -> None:
    """An extract of one month speaks for the year, and rules that look for absence flag more: the note says so."""
    members = pl.DataFrame([{"member_id": "a", "birth_date": date(1955, 6, 15), "sex": "F"}])
    line = {"claim_id": "c", "member_id": "a", "claim_type": "professional", "thru_date": date(2025, 2, 1),
            "hcpcs": "99213", "diagnosis_1": "E119"}  # fmt: skip
    fills = [
        {"member_id": "a", "fill_date": date(2025, month, 1), "drug_name": "metformin"}
        for month in of_months for _ in range(30)
    ]  # fmt: skip
    run = hcc.score(members, pl.DataFrame([line]), payment_year=2026)
    notes = [
        note for note in hcc.find_gaps(run, pharmacy=pl.DataFrame(fills), as_of=as_of).notes if "extract" in note
    ]
    assert bool(notes) == bool(told)
    if told is not None:
        assert told in notes[0]
