"""Dates as people write them; a doubtful date is no date."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcc.errors import InputError
from hcc.intake.dates import date_expr, only_day_first, parse_dates
from tests.intake.make import claims, lines, read, reasons

FORMS = (
    "%Y-%m-%d", "%Y-%m-%dT00:00:00", "%Y-%m-%d 10:20:30.123", "%Y-%m-%dT10:20:30Z", "%Y-%m-%dT10:20:30+05:00",
    "%Y%m%d", "%Y/%m/%d", "%m/%d/%Y", "%m/%d/%Y 12:00:00 AM", "%m/%d/%Y 0:00", "%d-%b-%Y", "%d%b%Y", "%d %B %Y",
    " %Y-%m-%d ",
)  # fmt: skip


def parsed(*texts: str | None) -> list[date | None]:
    return parse_dates(pl.Series(texts, dtype=pl.String)).to_list()


@settings(max_examples=150)
@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from(FORMS))
def test_every_form_gives_the_day_back(day: date, form: str) -> None:
    text = day.strftime(form.replace("%Y", f"{day.year:04d}"))
    assert parsed(text) == [day]
    assert parsed("2025-01-02", text, None, "nonsense") == [date(2025, 1, 2), day, None, None]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1/5/2025", date(2025, 1, 5)),  # month first, as in the United States
        ("05-JAN-2025", date(2025, 1, 5)),
        ("5-jan-2025", date(2025, 1, 5)),
        ("05JAN2025:00:00:00", date(2025, 1, 5)),  # SAS
        ("20250105.0", date(2025, 1, 5)),  # a number that passed through a spreadsheet
        ("2025-1-5", date(2025, 1, 5)),
        ("2024-02-29", date(2024, 2, 29)),
    ],
)
def test_usual_forms(text: str, day: date) -> None:
    assert parsed(text) == [day]


@pytest.mark.parametrize(
    "text",
    ["1/5/25", "25-01-05", "05-JAN-25", "2025-02-29", "2025-13-01", "13/05/2025", "45678", "2025", "202501",
     "01-05-2025", "", " ", "N/A", "2025-01-05x", "0000-00-00", "00000000", "9/31/2025"],
)  # fmt: skip
def test_doubtful_or_impossible_is_no_date(text: str) -> None:
    assert parsed(text) == [None]


@settings(max_examples=200)
@given(st.text(max_size=12))
def test_no_text_breaks_the_reader(text: str) -> None:
    (day,) = parsed(text)
    assert day is None or day.year >= 1000


def test_the_name_and_length_stay() -> None:
    series = pl.Series("d", ["2025-01-05", "x", None])
    assert parse_dates(series).name == "d"
    assert len(parse_dates(series)) == 3


def test_a_day_above_twelve_in_front_betrays_the_day_first_form() -> None:
    assert only_day_first(pl.Series(["01/02/2025", "13/05/2025"]))
    assert not only_day_first(pl.Series(["01/02/2025", "05/13/2025", "99/99/2025", None]))


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([date(2025, 1, 5)]),
        pl.Series([datetime(2025, 1, 5, 23, 59)]),
        pl.Series([datetime(2025, 1, 5, 23, 59)]).dt.replace_time_zone("America/New_York"),
        pl.Series([20250105]),
        pl.Series([20250105.0]),
        pl.Series(["2025-01-05"]),
    ],
)
def test_dates_of_any_type(values: pl.Series) -> None:
    expr = date_expr(pl.col("d"), values.dtype)
    assert expr is not None
    assert values.to_frame("d").select(expr.alias("d"))["d"].to_list() == [date(2025, 1, 5)]


def test_a_type_that_holds_no_dates_is_told() -> None:
    assert date_expr(pl.col("d"), pl.Boolean()) is None
    assert date_expr(pl.col("d"), pl.List(pl.String)) is None


def test_numbers_that_are_no_dates_are_null() -> None:
    expr = date_expr(pl.col("d"), pl.Int64())
    assert expr is not None
    assert pl.DataFrame({"d": [45678, 20251301, None]}).select(expr.alias("d"))["d"].to_list() == [None, None, None]


@pytest.mark.parametrize("kind", [pl.Categorical(), pl.Enum(["2025-03-04", "3/5/2025", "soon", ""])])
def test_words_of_a_dictionary_are_read_as_texts_are(kind: pl.DataType) -> None:
    texts = ["2025-03-04", "3/5/2025", "soon", "", None]
    frame = claims(claim_id=[f"C{i}" for i in range(5)], thru_date=texts)
    found = read(claims_=frame.with_columns(pl.col("thru_date").cast(kind)))
    assert lines(found)["thru_date"].to_list() == [date(2025, 3, 4), date(2025, 3, 5)]
    assert reasons(found) == reasons(read(claims_=frame))


def test_words_of_a_dictionary_with_the_day_first_are_refused() -> None:
    frame = claims(thru_date=["31/12/2025", "01/02/2025"]).cast({"thru_date": pl.Categorical})
    with pytest.raises(InputError, match="'thru_date' holds dates with the day first"):
        read(claims_=frame)
