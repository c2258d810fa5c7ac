"""A prevalence reference that the user gives: a CSV of HCCs and shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hcc.errors import InputError

REQUIRED = ("hcc", "share")
_HINT = "Such as: model,hcc,share with a line cms-hcc-v28,37,0.142 (a share from 0 to 1, or a per cent with its sign)."


@dataclass(frozen=True, slots=True)
class Reference:
    """``shares``: (model or "", hcc) → share of members; ``name`` is shown beside the figures."""

    name: str
    shares: dict[tuple[str, str], float]

    def of_model(self, model: str, *, leading: bool) -> dict[str, float]:
        """HCC → share. Rows without a model are of the leading model of Part C: numbers mean other things elsewhere."""
        plain = {hcc: share for (name, hcc), share in self.shares.items() if leading and not name}
        return plain | {hcc: share for (name, hcc), share in self.shares.items() if name == model}


def read_reference(path: str | Path) -> Reference:
    """Read columns ``hcc`` and ``share``, and ``model``; rows without a model are of the leading model of Part C.

    A share is a fraction of members from 0 to 1, or a per cent written with its sign (14.2%). The file's name without
    its ending is shown as the name of the reference. Raises InputError with all faults.
    """
    file = Path(path)
    try:
        frame = pl.read_csv(file, infer_schema=False)
    except OSError as error:
        raise InputError(f"The reference {path} cannot be read ({error.strerror}).", hint=_HINT) from None
    except pl.exceptions.PolarsError:
        raise InputError(f"The reference {path} is no CSV file.", hint=_HINT) from None
    frame = frame.rename({name: name.strip().lower() for name in frame.columns})
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise InputError(f"The reference {path} has no column {' and '.join(missing)}.", hint=_HINT)
    model = pl.col("model").fill_null("").str.strip_chars() if "model" in frame.columns else pl.lit("")
    told = pl.col("share").str.strip_chars()
    number = told.str.strip_suffix("%").str.strip_chars().cast(pl.Float64, strict=False)
    rows = frame.select(
        model.alias("model"),
        pl.col("hcc").fill_null("").str.strip_chars().str.replace(r"^(?i)(rx)?hcc\s*", "").alias("hcc"),
        pl.when(told.str.ends_with("%")).then(number / 100).otherwise(number).alias("share"),
    ).with_row_index("line", offset=2)
    bad = ~pl.col("share").is_between(0, 1).fill_null(False) | ~pl.col("hcc").str.contains(r"^\d+$")
    double = pl.struct("model", "hcc").is_duplicated() & ~bad
    faults = [
        f"line {line}: hcc or share is no number, or the share is not between 0 and 1" for line in _lines(rows, bad)
    ]
    faults += [f"line {line}: the HCC stands there twice" for line in _lines(rows, double)]
    if faults or rows.is_empty():
        raise InputError.from_faults(f"The reference {path}", faults[:20] or ["it has no rows"], hint=_HINT)
    return Reference(file.stem, {(m, hcc): value for m, hcc, value in rows.select("model", "hcc", "share").iter_rows()})


def _lines(rows: pl.DataFrame, fault: pl.Expr) -> list[int]:
    return rows.filter(fault)["line"].to_list()
