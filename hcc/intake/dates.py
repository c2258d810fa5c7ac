"""Dates in the forms people write them; what is ambiguous or unreadable stays null, never a guess."""

from __future__ import annotations

import polars as pl

FORMS = "YYYY-MM-DD, YYYYMMDD, MM/DD/YYYY, DD-MON-YYYY, each with or without a time of day"
_ISO = "%Y-%m-%d"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?"
_TIME = r"(?:[T ]+" + _CLOCK + r"(?: ?Z| ?UTC| ?[+-][0-9]{2}:?[0-9]{2})?)?$"
_PATTERNS = (  # each gives year, month, day by name
    r"^(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})" + _TIME,
    r"^(?P<y>[0-9]{4})/(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})" + _TIME,
    r"^(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})(?:\.0+)?$",
    r"^(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})/(?P<y>[0-9]{4})" + _TIME,
    r"^(?P<d>[0-9]{1,2})[- ]?(?P<m>[A-Za-z]{3})[A-Za-z]*[- ]?(?P<y>[0-9]{4})(?::?[0-9:.]*)?$",
)
_DAY_FIRST = r"^(1[3-9]|2[0-9]|3[01])/(0?[1-9]|1[0-2])/[0-9]{4}"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_YEAR = 1000  # '25-01-05' is the year 25 to a parser; a year of two digits is nobody's date


def parse_dates(series: pl.Series) -> pl.Series:
    """Text to dates (dtype Date); blank and unreadable values become null.

    Slashes mean month/day/year, as in the United States (``only_day_first`` finds what contradicts it). Years of two
    digits and Excel's serial numbers are unreadable: they would be guesses.
    """
    dates = _sane(series.str.to_date(_ISO, strict=False))
    open_ = dates.is_null() & series.is_not_null() & (series != "")
    if not open_.any():
        return dates
    distinct = series.filter(open_).unique()
    parsed = _parse_others(distinct)
    known = parsed.is_not_null()
    if not known.any():
        return dates
    others = series.replace_strict(distinct.filter(known), parsed.filter(known), default=None, return_dtype=pl.Date)
    return dates.to_frame("d").select(pl.coalesce("d", pl.lit(others)))["d"].rename(series.name)


def _sane(dates: pl.Series) -> pl.Series:
    return dates.to_frame("d").select(pl.when(pl.col("d").dt.year() >= _FIRST_YEAR).then("d"))["d"]


def _parse_others(distinct: pl.Series) -> pl.Series:
    text = pl.col("text").str.strip_chars()
    parts = [text.str.extract_groups(pattern) for pattern in _PATTERNS]
    year, month, day = (pl.coalesce(part.struct.field(name) for part in parts) for name in "ymd")
    number = (
        month.str.to_lowercase()
        .str.slice(0, 3)
        .replace_strict(_MONTHS, range(1, 13), default=None, return_dtype=pl.Int64)
    )
    month = pl.coalesce(month.cast(pl.Int64, strict=False), number).cast(pl.String)
    iso = pl.concat_str([year, month.str.zfill(2), day.str.zfill(2)], separator="-")
    parsed = distinct.to_frame("text").select(iso.alias("iso"))["iso"].str.to_date(_ISO, strict=False)
    return _sane(parsed)


def date_expr(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """A column as Date, unreadable values null; None if the type cannot hold dates.

    Dates pass untouched, so that filters on them still reach the Parquet reader. Whole numbers are YYYYMMDD.
    """
    if dtype == pl.Date:
        return expr
    if isinstance(dtype, pl.Datetime):
        return expr.dt.date()
    if dtype == pl.Null:
        return expr.cast(pl.Date)
    if is_words(dtype):
        expr, dtype = expr.cast(pl.String), pl.String()
    if dtype == pl.String:
        return expr.map_batches(parse_dates, return_dtype=pl.Date, is_elementwise=True)
    if dtype.is_numeric():
        text = expr.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.when(text.str.len_bytes() == 8).then(text).str.to_date("%Y%m%d", strict=False)
    return None


def is_words(dtype: pl.DataType) -> bool:
    """True for text kept as numbers of a list of words (categorical, dictionary)."""
    return isinstance(dtype, (pl.Categorical, pl.Enum))


def only_day_first(distinct: pl.Series) -> bool:
    """True if some value can only be day/month/year, which makes every other value of the column doubtful."""
    return bool(distinct.drop_nulls().str.strip_chars().str.contains(_DAY_FIRST).any())
