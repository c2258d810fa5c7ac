"""The quick test for text that needs no cleaning never says yes where cleaning would change something."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hcc.intake.plain import is_plain

TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=14)
CODES = st.text(alphabet="ABCXYZ0123456789", min_size=1, max_size=12)


@pytest.mark.parametrize("text", ["E119", "Z99", "ABCDEFGHIJKL", "0", "A0A"])
def test_codes_are_plain(text: str) -> None:
    assert is_plain(pl.Series([text, "E1122"]))


@pytest.mark.parametrize(
    "text",
    ["e119", "E11.9", " E119", "E119 ", "E119\t", "\nE119", "E119\u00a0", "É119", "E-1", "ABCDEFGHIJKLM", "E119\x7f"],
)
def test_what_may_need_cleaning_is_not_plain(text: str) -> None:
    assert not is_plain(pl.Series([text]))
    assert not is_plain(pl.Series(["E119"] * 40_000 + [text]))  # in the last of several blocks


def test_nulls_and_nothing_are_plain() -> None:
    assert is_plain(pl.Series([None, "E119", None]))
    assert is_plain(pl.Series([], dtype=pl.String))
    assert is_plain(pl.Series([None], dtype=pl.String))


def test_a_slice_looks_at_its_own_rows_only() -> None:
    series = pl.Series(["bad one", "E119", "I10", "bad two"])
    assert is_plain(series.slice(1, 2))
    assert not is_plain(series.slice(1, 3))


@settings(max_examples=300)
@given(st.lists(TEXT | CODES | st.none(), max_size=6))
@example(["\x1f"])
@example(["\x80"])
def test_plain_means_that_cleaning_changes_nothing(values: list[str | None]) -> None:
    if is_plain(pl.Series(values, dtype=pl.String)):
        for value in values:
            assert value is None or value == value.strip().replace(".", "").upper()
            assert value is None or value.isascii()


@settings(max_examples=100)
@given(st.lists(CODES, min_size=1, max_size=20))
def test_codes_of_capitals_and_digits_are_always_plain(values: list[str]) -> None:
    assert is_plain(pl.Series(values))
