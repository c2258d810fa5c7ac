"""Members' statuses as profiles: everything demographics can say to a model, each distinct combination once.

A population of a million has a few thousand profiles, so segments, cells and flags are worked out per profile.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def _choice(column: str, name: str) -> pl.Expr:
    return (
        pl.col(column)
        .cast(pl.String)
        .replace_strict({value: i for i, value in enumerate(CHOICES[name])}, default=0, return_dtype=pl.Int64)
    )


def _dual() -> pl.Expr:
    """Full 02, 04, 08; partial 01, 03, 05, 06; all else none (SPEC 1.1)."""
    return pl.col("dual_status").cast(pl.String).replace_strict(DUAL_CLASSES, default=0, return_dtype=pl.Int64)


def facts(payment_year: int) -> list[pl.Expr]:
    """Expressions over canonical member columns, one per name of ``requires``, as integers.

    The month of transplant is month 1; months 1–3 are transplant whatever the word, later ones graft (RULINGS 4).
    """
    esrd = pl.col("esrd_status").cast(pl.String)
    months = pl.col("graft_months").cast(pl.Int64).fill_null(0)
    month = (
        pl.when(esrd.str.starts_with("transplant_"))
        .then(esrd.str.slice(len("transplant_")).cast(pl.Int64, strict=False))
        .when(esrd == "graft")
        .then(months.clip(0, MAX_GRAFT_MONTH))
        .otherwise(0)
        .fill_null(0)
    )
    kind = (
        pl.when(esrd == "dialysis")
        .then(1)
        .when(month.is_between(1, TRANSPLANT_MONTHS))
        .then(2)
        .when((esrd == "graft") | esrd.str.starts_with("transplant_"))
        .then(3)
        .otherwise(0)
    )
    flag = {
        "medicaid": pl.col("medicaid"),
        "ltimcaid": pl.col("ltimcaid"),
        "nemcaid": pl.col("nemcaid"),
        "lti": pl.col("long_term_institutional"),
        "csnp": pl.col("csnp"),
        "lis": pl.col("low_income_subsidy"),
        "new_enrollee": pl.col("part_b_months") < NEW_ENROLLEE_MONTHS,
    }
    return [
        age_on_february_first(payment_year).clip(0, MAX_AGE).cast(pl.Int64),
        month.alias("graft_month"),
        _choice("sex", "sex").alias("sex"),
        _choice("orec", "orec").alias("orec"),
        _dual().alias("dual"),
        kind.cast(pl.Int64).alias("esrd"),
        _choice("program", "program").alias("program"),
        _choice("part_d_plan", "part_d_plan").fill_null(0).alias("part_d_plan"),
        *(expr.fill_null(False).cast(pl.Int64).alias(name) for name, expr in flag.items()),
    ]


def profiles(statuses: pl.DataFrame, payment_year: int) -> tuple[Profiles, NDArray[np.int32]]:
    """Distinct profiles of ``statuses`` (canonical member columns) and the profile of each row."""
    key = pl.lit(0, dtype=pl.Int64)
    for name, radix in FACT_SIZES.items():
        key = key * radix + pl.col(name)
    # Some rows at a time: the facts of ten million would take a gigabyte and a half.
    some = [statuses[start : start + _AT_ONCE] for start in range(0, max(statuses.height, 1), _AT_ONCE)]
    keys = np.concatenate(
        [rows.select(facts(payment_year)).select(key.alias("key"))["key"].to_numpy() for rows in some]
    )
    distinct = np.unique(keys)
    row_profile = np.searchsorted(distinct, keys)
    values: dict[str, NDArray[np.int64]] = {}
    rest = distinct.copy()
    for name, radix in reversed(FACT_SIZES.items()):
        rest, values[name] = np.divmod(rest, radix)
    return Profiles(values, len(distinct)), row_profile.astype(np.int32)
