"""Diagnosis codes of one shape: SPEC R-4.5 and the cases I4, I6, I7 and I8 of SPEC 7.4."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc.intake import code_problem, code_suspicion, normalize_code
from hcc.intake.codes import clean_code

SHAPE = re.compile(r"^[A-Z][0-9][0-9A-Z][0-9A-Z]{0,4}$")  # SPEC, in words of its own


def normalized(*codes: str | None) -> list[str | None]:
    return pl.DataFrame({"c": pl.Series(codes, dtype=pl.String)}).select(normalize_code(pl.col("c")))["c"].to_list()


def problem(code: str) -> tuple[str | None, str | None]:
    frame = pl.DataFrame({"c": [code]}).select(p=code_problem(pl.col("c")), s=code_suspicion(pl.col("c")))
    return frame.row(0)


@pytest.mark.parametrize(
    "written", [" E11.9 ", "e119", "E11.9\u00a0", "E11.9", "\tE119\n", "\ufeffE119", "e11.9\u2003"]
)
def test_i4_one_code_however_it_is_written(written: str) -> None:
    assert normalized(written) == ["E119"]


def test_one_odd_code_among_clean_ones_is_cleaned_and_the_others_stay() -> None:
    assert normalized("E119", None, "i50.9", "") == ["E119", None, "I509", None]


@pytest.mark.parametrize("blank", ["", " ", ".", "\u00a0", None])
def test_blank_is_no_code(blank: str | None) -> None:
    assert normalized(blank, "E119") == [None, "E119"]


def test_nothing_is_padded_cut_or_corrected() -> None:
    assert normalized("T38.3X5A", "O10.1", "010.1", "E1I9", "E11 9") == ["T383X5A", "O101", "0101", "E1I9", "E11 9"]


def test_numbers_become_text() -> None:
    frame = pl.DataFrame({"c": [25000]}).select(normalize_code(pl.col("c")))
    assert frame["c"].to_list() == ["25000"]


def test_i6_a_zero_for_the_letter_o_has_no_valid_shape_and_is_suspected() -> None:
    assert problem("0101") == ("INVALID_FORMAT", "SUSPECT_O_ZERO")


def test_i7_a_letter_for_the_digit_one_has_the_shape_and_is_suspected() -> None:
    assert problem("E1I9") == (None, "SUSPECT_TYPO")


def test_i8_icd_9_has_no_valid_shape() -> None:
    assert problem("25000") == ("INVALID_FORMAT", None)


@pytest.mark.parametrize("code", ["E119", "E11", "T383X5A", "C7A00", "Z3A12", "O101", "I10", "L89154"])
def test_good_codes_raise_no_doubt(code: str) -> None:
    assert problem(code) == (None, None)


@pytest.mark.parametrize("code", ["E1", "E11999999", "EE19", "119", "E11-9"])
def test_other_shapes_are_invalid(code: str) -> None:
    assert problem(code)[0] == "INVALID_FORMAT"


def test_null_is_no_problem() -> None:
    frame = pl.DataFrame({"c": pl.Series([None], dtype=pl.String)})
    assert frame.select(code_problem(pl.col("c"))).item() is None


@settings(max_examples=300)
@given(st.lists(st.text(alphabet="aAeEiI0123456789. \t\u00a0", max_size=9) | st.none(), max_size=5))
def test_normalising_follows_the_rule_and_is_done_once(codes: list[str | None]) -> None:
    once = normalized(*codes)
    expected = [None if c is None else (c.strip().replace(".", "").upper() or None) for c in codes]
    assert [c and c.strip() for c in once] == [c and c.strip() for c in expected]
    assert normalized(*once) == once


@settings(max_examples=200)
@given(st.text(alphabet="AZ09EI", min_size=1, max_size=9))
def test_the_shape_is_the_rule_of_the_specification(code: str) -> None:
    assert (problem(code)[0] is None) == bool(SHAPE.match(code))


def test_procedure_codes_keep_their_dots() -> None:
    frame = pl.DataFrame({"c": [" g0463", "99213", "", "a.b"]}).select(clean_code(pl.col("c")))
    assert frame["c"].to_list() == ["G0463", "99213", None, "A.B"]


@pytest.mark.parametrize("text", ["NONE", "00000", "E11.9;I10", "UNKNOWN", "NULL CODE"])
def test_words_and_fillers_are_no_slips(text: str) -> None:
    frame = pl.DataFrame({"c": [text]}).select(normalize_code(pl.col("c")))
    assert frame.select(code_suspicion(pl.col("c"))).item() is None
