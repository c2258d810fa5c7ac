"""Which days a table speaks for: months of a large one, years of a small one."""

from __future__ import annotations

from datetime import date

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
