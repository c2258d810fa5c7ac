"""Small cells: what is hidden, what follows from what is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc.report.cells import Cells, Row, about, dollars, model_words, score, share, signed

COUNTS = st.lists(st.integers(0, 60), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0"), (1, "<11"), (10, "<11"), (11, "11"), (1234, "1,234"), (None, "–")]
)
def test_counts_of_one_to_ten_are_not_said(count: int | None, said: str) -> None:
    assert Cells().count(count) == said


def test_whoever_asks_for_them_gets_them() -> None:
    assert Cells(show=True).count(3) == "3"
    assert Cells(show=True).masked([3, 40]) == [False, False]


@given(COUNTS)
def test_no_small_count_follows_from_the_total_and_the_others(counts: list[int]) -> None:
    hidden = Cells().masked(counts)
    kept_back = [count for count, is_hidden in zip(counts, hidden, strict=True) if is_hidden]
    assert all(is_hidden for count, is_hidden in zip(counts, hidden, strict=True) if 0 < count < 11)
    shown = [count for count, is_hidden in zip(counts, hidden, strict=True) if not is_hidden]
    if kept_back and any(shown):  # else nothing is left to hide behind, and the total is all there is
        assert len(kept_back) > 1
        assert sum(kept_back) >= 11


@given(COUNTS)
def test_nothing_is_hidden_where_nothing_is_small(counts: list[int]) -> None:
    large = [count + 11 for count in counts]
    assert not any(Cells().masked(large))


def test_small_groups_are_put_together_and_nothing_is_lost() -> None:
    def merge(rows: list[Row]) -> Row:
        return {"name": "rest", "n": sum(row["n"] for row in rows)}

    rows = [{"name": "a", "n": 40}, {"name": "b", "n": 15}, {"name": "c", "n": 5}]
    assert Cells().together(rows, "n", merge) == [{"name": "a", "n": 40}, {"name": "rest", "n": 20}]
    assert Cells(show=True).together(rows, "n", merge) == rows


def test_figures_as_people_read_them() -> None:
    assert [signed(-1.5), signed(0.25, 1), signed(None)] == ["−1.500", "+0.2", "–"]
    assert [dollars(-1234.4), dollars(99.6), dollars(None)] == ["−$1,234", "+$100", "–"]
    assert [about(-99_999), about(123_456), about(-1_234_567), about(12_345_678)] == [
        "−$99,999", "+$123 k", "−$1.23 m", "+$12.3 m",
    ]  # fmt: skip
    assert [score(0.75), share(0.1234), model_words("rxhcc-v08", "x")] == ["0.750", "12.3%", "RxHCC V08 (X)"]
