"""Members' statuses as profiles: everything demographics can say to a model, each distinct combination once.

A population of a million has a few thousand profiles, so segments, cells and flags are worked out per profile.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.rules.condition_tables import MAX_AGE
from hcc.rules.requires import CHOICES, FLAGS, Facts

NEW_ENROLLEE_MONTHS = 12  # fewer months of Part B than this in the data-collection year (SPEC)
MAX_GRAFT_MONTH = 511
TRANSPLANT_MONTHS = 3  # with that of the transplant itself (RULINGS 4)
DUAL_CLASSES = {**dict.fromkeys(("02", "04", "08"), 2), **dict.fromkeys(("01", "03", "05", "06"), 1)}
_AT_ONCE = 1 << 18  # rows
_SPREAD_BITS = 16
FACT_SIZES: dict[str, int] = {  # values of a fact: 0 to size - 1
    "age": MAX_AGE + 1,
    "graft_month": MAX_GRAFT_MONTH + 1,
    **{name: len(values) for name, values in CHOICES.items()},
    **dict.fromkeys(FLAGS, 2),
}


@dataclass(frozen=True, eq=False)
class Profiles:
    """``facts``: one array per name of ``hcc.rules.requires``, one entry per profile."""

    facts: Facts
    count: int

    @property
    def sex(self) -> NDArray[np.int64]:
        return self.facts["sex"]

    @property
    def age(self) -> NDArray[np.int64]:
        return self.facts["age"]


def age_on_february_first(payment_year: int) -> pl.Expr:
    """Birthdays completed on 1 February of the payment year, at least 0 (SPEC R-2.1)."""
    born = pl.col("birth_date")
    months = (payment_year - born.dt.year()) * 12 + (2 - born.dt.month().cast(pl.Int32))
    months = months - (born.dt.day() > 1).cast(pl.Int32)
    return (months // 12).clip(lower_bound=0).cast(pl.Int16).alias("age")


def _dual(word: str) -> int:
    """Full 02, 04, 08; partial 01, 03, 05, 06; all else none (SPEC 1.1)."""
    return DUAL_CLASSES.get(word, 0)


def _esrd(word: str) -> int:
    """Month of transplant, or a number above that: dialysis, graft or none (see ``_kidneys``)."""
    if word.startswith("transplant_"):
        rest = word.removeprefix("transplant_")
        return int(rest) if rest.isdigit() else _OTHER_TRANSPLANT
    return {"dialysis": _DIALYSIS, "graft": _GRAFT}.get(word, _NONE)


_NONE, _DIALYSIS, _GRAFT, _OTHER_TRANSPLANT = (10**6 + i for i in range(4))
_Number = Callable[[str], int | None]
_WORDS: dict[str, tuple[str, _Number, int]] = {  # fact: column, number of a word, number of a blank
    **{
        name: (name, {word: i for i, word in enumerate(CHOICES[name])}.get, 0)
        for name in ("sex", "orec", "program", "part_d_plan")
    },
    "dual": ("dual_status", _dual, 0),
    "_esrd": ("esrd_status", _esrd, _NONE),
}
_FLAGS = {
    "medicaid": "medicaid", "ltimcaid": "ltimcaid", "nemcaid": "nemcaid", "lti": "long_term_institutional",
    "csnp": "csnp", "lis": "low_income_subsidy",
}  # fmt: skip


def _numbers(words: pl.Series, number: _Number, blank: int) -> NDArray[np.int64]:
    """The number of each word, looked up once per distinct word; words without a number count as 0."""
    if not isinstance(words.dtype, pl.Enum):
        text = words.cast(pl.String)
        words = text.cast(pl.Enum(text.drop_nulls().unique()))
    kind = words.dtype
    assert isinstance(kind, pl.Enum)
    by_place = np.array([*(number(word) or 0 for word in kind.categories), blank], dtype=np.int64)
    return by_place.take(words.to_physical().fill_null(len(by_place) - 1).to_numpy())


def facts(statuses: pl.DataFrame, payment_year: int) -> dict[str, NDArray[np.int64]]:
    """Canonical member columns as integers, one array per name of ``requires``, one entry per row.

    The month of transplant is month 1; months 1–3 are transplant whatever the word, later ones graft (RULINGS 4).
    """
    found = {name: _numbers(statuses[column], number, blank) for name, (column, number, blank) in _WORDS.items()}
    esrd = found.pop("_esrd")
    told = statuses["graft_months"].cast(pl.Int64).fill_null(0).to_numpy()
    month = np.where(esrd < _NONE, esrd, np.where(esrd == _GRAFT, np.clip(told, 0, MAX_GRAFT_MONTH), 0))
    kept = (esrd == _GRAFT) | (esrd < _NONE) | (esrd == _OTHER_TRANSPLANT)
    transplanted = (month >= 1) & (month <= TRANSPLANT_MONTHS)
    found["graft_month"] = month
    found["esrd"] = np.select([esrd == _DIALYSIS, transplanted, kept], [1, 2, 3], 0)
    found["age"] = _ages(statuses["birth_date"], payment_year)
    for name, column in _FLAGS.items():
        found[name] = statuses[column].fill_null(False).to_numpy().astype(np.int64)
    new = (statuses["part_b_months"] < NEW_ENROLLEE_MONTHS).fill_null(False)
    found["new_enrollee"] = new.to_numpy().astype(np.int64)
    return found


def profiles(statuses: pl.DataFrame, payment_year: int) -> tuple[Profiles, NDArray[np.int32]]:
    """Distinct profiles of ``statuses`` (canonical member columns) and the profile of each row."""
    # Some rows at a time: the facts of ten million would take a gigabyte and a half.
    some = [statuses[start : start + _AT_ONCE] for start in range(0, max(statuses.height, 1), _AT_ONCE)]

    def found(rows: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        keys = _keys(facts(rows, payment_year))
        return keys, _distinct(keys)

    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        pieces = list(pool.map(found, some))
        distinct = np.unique(np.concatenate([own for _, own in pieces]))
        row_profile = np.concatenate(list(pool.map(partial(_places, distinct), (keys for keys, _ in pieces))))
    values: dict[str, NDArray[np.int64]] = {}
    rest = distinct.copy()
    for name, radix in reversed(FACT_SIZES.items()):
        rest, values[name] = np.divmod(rest, radix)
    return Profiles(values, len(distinct)), row_profile.astype(np.int32)


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct keys, in order: the last of each place in a small table, and those of which another took the place."""
    if len(keys) < 1 << _SPREAD_BITS:
        return np.unique(keys)
    place = _spread(keys)
    table = np.full(1 << _SPREAD_BITS, -1, dtype=np.int64)
    table[place] = keys
    others = keys[table.take(place) != keys]
    return np.unique(np.concatenate([table[table >= 0], others]))


def _places(distinct: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each key stands among the distinct ones: looked up by some bits of it, searched where others have these."""
    if len(keys) < 1 << _SPREAD_BITS:
        return np.searchsorted(distinct, keys)
    table = np.zeros(1 << _SPREAD_BITS, dtype=np.int64)
    table[_spread(distinct)] = np.arange(len(distinct))
    place = table.take(_spread(keys))
    others = np.flatnonzero(distinct.take(place) != keys)
    place[others] = np.searchsorted(distinct, keys[others])
    return place


def _spread(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    spread = keys.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (spread >> np.uint64(64 - _SPREAD_BITS)).view(np.int64)


def _ages(born: pl.Series, payment_year: int) -> NDArray[np.int64]:
    """Ages, worked out once per day of birth where there are more people than days."""
    day = born.to_physical()
    first, last = cast("int | None", day.min()), cast("int | None", day.max())
    if first is None or last is None or last - first >= len(born) or born.null_count():
        return _ages_of(born, payment_year)
    days = pl.Series("birth_date", np.arange(first, last + 1, dtype=np.int32)).cast(pl.Date)
    return _ages_of(days, payment_year).take(day.to_numpy() - first)


def _ages_of(born: pl.Series, payment_year: int) -> NDArray[np.int64]:
    age = born.to_frame("birth_date").select(age_on_february_first(payment_year).clip(0, MAX_AGE).cast(pl.Int64))
    return age["age"].to_numpy()


def _keys(found: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """All facts of a row in one number."""
    key = np.zeros(len(found["age"]), dtype=np.int64)
    for name, radix in FACT_SIZES.items():
        key = key * radix + found[name]
    return key
