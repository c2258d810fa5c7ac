"""Why a diagnosis code maps in no model of a run (RULINGS 14); told from the code lists at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import polars as pl

from hcc.errors import HccError
from hcc.intake import code_problem, code_suspicion
from hcc.pipeline.plan import Plan
from hcc.rules.folders import find
from hcc.rules.icd10cm import mapped_codes


def unmapped_table(found: pl.DataFrame, plan: Plan, run_id: str, listed: KnownCodes | None = None) -> pl.DataFrame:
    """``found`` (diagnosis_code, rows, members) with run_id, reason, description and suspicion. ``listed``: what is known of
    these codes, where that was picked out."""
    mappings = plan.options.mappings
    known = mapped_codes(mappings).select("diagnosis_code", "valid_to", "description")
    listed = listed or known_codes(mappings)
    window_start = plan.decisions.lines.window[0]
    code = pl.col("diagnosis_code")
    reason = (
        pl.when(pl.col("problem").is_not_null() & (pl.col("problem") != ""))
        .then(pl.lit("INVALID_FORMAT"))
        .when(pl.col("valid_to") < window_start)
        .then(pl.lit("NOT_VALID_ON_DOS"))
        .when(pl.col("description").is_not_null() | code.is_in(listed.codes.implode()))
        .then(pl.lit("NOT_IN_MODEL"))
        .when(code.is_in(listed.headers.implode()))
        .then(pl.lit("NOT_VALID_ON_DOS"))
        .otherwise(pl.lit("UNKNOWN_CODE"))
    )
    return (
        found.join(known, on="diagnosis_code", how="left", maintain_order="left")
        .with_columns(code_problem(code).alias("problem"))
        .select(
            pl.lit(run_id).alias("run_id"), "diagnosis_code", reason.alias("reason"), "rows", "members", "description",
            pl.when(reason != "NOT_IN_MODEL").then(code_suspicion(code)).alias("suspicion"),
        )
    )


@dataclass(frozen=True, eq=False)
class KnownCodes:
    """ICD-10-CM codes known to exist: those that a model maps, and AHRQ's list; and what they begin with."""

    codes: pl.Series
    headers: pl.Series

    @cached_property
    def _sets(self) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(self.codes.to_list()), frozenset(self.headers.to_list())

    def of(self, few: list[str]) -> KnownCodes:
        """The same of a few codes: looking these up costs a thousandth of hashing all that are known."""
        known = [[code for code in few if code in every] for every in self._sets]
        return KnownCodes(*(pl.Series(codes, dtype=pl.String) for codes in known))


def known_codes(mappings: str | Path | None = None) -> KnownCodes:
    """From mappings/icd10cm and mappings/gaps/valuesets/chronic."""
    try:
        path: Path | None = find("gaps", "valuesets", "chronic", "ccir.csv", mappings=mappings)
    except HccError:
        path = None
    return _known_codes(path, find("icd10cm", "mapped_codes.csv", mappings=mappings))


@lru_cache(maxsize=4)
def _known_codes(listed: Path | None, mapped: Path) -> KnownCodes:
    paths = [mapped] if listed is None else [listed, mapped]
    frames = [pl.read_csv(path, columns=["diagnosis_code"], infer_schema=False) for path in paths]
    codes = pl.concat(frames)["diagnosis_code"].unique()
    return KnownCodes(codes, pl.concat([codes.str.slice(0, size) for size in range(3, 7)]).unique())


def why_unmapped(codes: list[str], plan: Plan) -> dict[str, str]:
    """The reason of each of a few normalised codes."""
    if not codes:
        return {}
    few = pl.DataFrame({"diagnosis_code": codes, "rows": 1, "members": 1})
    table = unmapped_table(few, plan, "", known_codes(plan.options.mappings).of(codes))
    return dict(table.select("diagnosis_code", "reason").iter_rows())
