"""The status columns that members and enrollment months share: dual, Medicaid, ESRD, flags (SPEC 1.1, RULINGS 2, 4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from hcc.intake.canonical import RAW, Field

MAX_PART_B_MONTHS = 12
FIRST_GRAFT_MONTH = 4  # RULINGS 4: months 1–3 are transplant_1 to transplant_3, from 4 on a functioning graft
_DUAL_CODES = ("00", "01", "02", "03", "04", "05", "06", "08", "09", "99")  # 09 and 99 are known, and not dual
_DUAL = {
    "na": "NA",
    **{written: code for code in _DUAL_CODES for written in (code, code.lstrip("0") or "0")},
    **{f"{int(code)}.0": code for code in _DUAL_CODES},  # a number in a spreadsheet (RULINGS 2)
}
MEDICAID = ("01", "02", "03", "04", "05", "06", "08")
_ESRD = {
    **{word: word for word in ("none", "dialysis", "transplant_1", "transplant_2", "transplant_3", "graft")},
    "functioning_graft": "graft",
    "transplant": "graft",
    "n": "none",
    "no": "none",
}
_PROGRAMS = {"ma": "MA", "pace": "PACE", "none": "none"}
_NO_PLAN = "none"  # said outright; like null it means none (RULINGS 3)
_PART_D = {"ma_pd": "MA-PD", "mapd": "MA-PD", "pdp": "PDP", **dict.fromkeys(("none", "no", "n"), _NO_PLAN)}
_FLAGS = ("long_term_institutional", "csnp", "low_income_subsidy")
CODES = ("contract_id", "pbp_id", "parent_organization", "pcp_npi")
_NUMBERS = ("pbp_id", "pcp_npi")  # a spreadsheet writes .0 behind them
FIELDS = (
    Field("dual_status", "choice", strict=False, words=_DUAL),
    Field("medicaid", "bool", strict=False),
    Field("ltimcaid", "bool", strict=False),
    Field("nemcaid", "bool", strict=False),
    Field("part_b_months", "int", strict=False),
    *(Field(name, "bool", strict=False) for name in _FLAGS),
    Field("part_d_plan", "choice", strict=False, words=_PART_D),
    Field("esrd_status", "choice", strict=False, words=_ESRD),
    Field("graft_months", "int", strict=False),
    Field("program", "choice", strict=False, words=_PROGRAMS),
    *(Field(name, "number" if name in _NUMBERS else "text") for name in CODES),
)
DEFAULTS: Mapping[str, object] = {
    "dual_status": "NA", "part_b_months": MAX_PART_B_MONTHS, "long_term_institutional": False, "csnp": False,
    "low_income_subsidy": False, "esrd_status": "none", "program": "MA",
}  # fmt: skip
_TYPES: dict[str, pl.DataType] = {f.name: f.dtype for f in FIELDS}


def with_status(frame: pl.DataFrame, given: Collection[str]) -> pl.DataFrame:
    """Status columns at canonical values, ``<column>_was_defaulted``, ``_flags`` (data-quality codes or null).

    ``frame`` has the clean columns ``given`` and their text as it came under RAW + name (null = blank). Adds
    ``_bad_graft``: True where esrd_status and graft_months contradict each other (RULINGS 4: the row is set aside).
    """
    missing = [name for name in _TYPES if name not in given]
    frame = frame.with_columns(
        *(pl.lit(None, dtype=_TYPES[name]).alias(name) for name in missing),
        *(pl.lit(None, dtype=pl.String).alias(RAW + name) for name in missing),
    )
    months = pl.col("part_b_months")
    frame = frame.with_columns(pl.when(months.is_between(0, MAX_PART_B_MONTHS)).then(months).alias("part_b_months"))
    unreadable = [pl.when(unread(f.name)).then(pl.lit(f.bad)) for f in FIELDS if f.name in given]
    frame = frame.with_columns(joined(unreadable).alias("_flags"))  # now, while the cells are as they came
    plan = pl.col("part_d_plan")
    frame, about_grafts = _with_esrd(frame.with_columns(pl.when(plan != _NO_PLAN).then(plan).alias("part_d_plan")))
    told = pl.col("medicaid").is_not_null()
    frame = frame.with_columns(
        *(pl.col(name).is_null().alias(f"{name}_was_defaulted") for name in DEFAULTS),
        *((pl.col(n).is_null() & ~told).alias(f"{n}_was_defaulted") for n in ("ltimcaid", "nemcaid")),
        joined([pl.col("_flags"), *about_grafts]).alias("_flags"),
    )
    frame = frame.with_columns(pl.col(name).fill_null(pl.lit(value)) for name, value in DEFAULTS.items())
    frame = frame.with_columns(pl.coalesce("medicaid", pl.col("dual_status").is_in(MEDICAID)).alias("medicaid"))
    return frame.with_columns(pl.coalesce(name, "medicaid").alias(name) for name in ("ltimcaid", "nemcaid"))


def joined(flags: Sequence[pl.Expr]) -> pl.Expr:
    """Codes of a row separated by commas; null where there is none."""
    if not flags:
        return pl.lit(None, dtype=pl.String)
    text = pl.concat_str(flags, separator=",", ignore_nulls=True)
    return pl.when(text != "").then(text)


def unread(name: str) -> pl.Expr:
    """True where something stands in the cell that cannot be read."""
    return pl.col(name).is_null() & pl.col(RAW + name).is_not_null()


def _with_esrd(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.Expr]]:
    """ESRD status and month since transplant made to agree (RULINGS 4)."""
    word, months = pl.col("esrd_status"), pl.col("graft_months")
    said = word.str.strip_prefix("transplant_").cast(pl.Int64, strict=False)  # null but for transplant_n
    about_graft = (word == "graft") | word.str.starts_with("transplant_")
    unusable = unread("graft_months") | (months < 1)
    contradicts = (said != months).fill_null(False)
    by_months = (
        pl.when(months < FIRST_GRAFT_MONTH)
        .then(pl.concat_str(pl.lit("transplant_"), months))
        .otherwise(pl.lit("graft"))
    )
    use_months = months.is_not_null() & (about_graft | word.is_null() & ~unread("esrd_status")).fill_null(False)
    frame = frame.with_columns(
        (about_graft.fill_null(False) & (unusable.fill_null(False) | contradicts)).alias("_bad_graft"),
        pl.when(use_months & (months >= 1)).then(by_months).otherwise(word).alias("_esrd"),
        pl.coalesce(months, said).alias("_months"),
        pl.when(use_months & word.is_null() & (months >= 1))
        .then(pl.lit("ESRD_FROM_GRAFT_MONTHS"))
        .alias("_from_months"),
    )
    concerned = (pl.col("_esrd") == "graft") | pl.col("_esrd").str.starts_with("transplant_").fill_null(False)
    frame = frame.with_columns(
        pl.when(~concerned.fill_null(False) & pl.col("_months").is_not_null())
        .then(pl.lit("GRAFT_MONTHS_IGNORED"))
        .alias("_ignored"),
        pl.col("_esrd").alias("esrd_status"),
        pl.when(concerned).then("_months").alias("graft_months"),
    )
    return frame.drop("_esrd", "_months"), [pl.col("_from_months"), pl.col("_ignored")]
