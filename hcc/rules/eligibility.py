"""``eligibility/``: which procedures, bill types and claim types let a record's diagnoses count (SPEC 3.3, 3.5)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import polars as pl

from hcc.errors import HccError
from hcc.rules.folders import find, roots

_LIST = "cpt_hcpcs.csv"


def procedure_list_years(mappings: str | Path | None = None) -> list[int]:
    """Service years that have a list of their own."""
    found = {
        int(path.parent.name)
        for root in roots(mappings)
        for path in (root / "eligibility").glob(f"*/{_LIST}")
        if path.parent.name.isdigit()
    }
    return sorted(found)


def nearest_list_year(service_year: int, available: Iterable[int]) -> int:
    """The list that judges a service year: its own, else the nearest, of two equally near the later (RULINGS 8)."""
    return min(available, key=lambda year: (abs(year - service_year), -year))


def procedure_codes(service_years: Iterable[int], mappings: str | Path | None = None) -> pl.DataFrame:
    """Eligible CPT/HCPCS codes: one row per service year and code.

    Columns: ``hcpcs`` (text), ``service_year`` (Int32, as asked for), ``list_year`` (Int32, whose list it is; another
    year than ``service_year`` where CMS's list of that year is not in mappings/: say so, RULINGS 8). Raises HccError
    when there is no list at all.
    """
    available = procedure_list_years(mappings)
    if not available:
        raise HccError("mappings/eligibility holds no procedure list.", hint="Install the package again.")
    frames = []
    for service_year in sorted(set(service_years)):
        list_year = nearest_list_year(service_year, available)
        codes = _codes(find("eligibility", str(list_year), _LIST, mappings=mappings))
        frames.append(
            codes.with_columns(
                pl.lit(service_year, dtype=pl.Int32).alias("service_year"),
                pl.lit(list_year, dtype=pl.Int32).alias("list_year"),
            )
        )
    if not frames:
        return pl.DataFrame(schema={"hcpcs": pl.String, "service_year": pl.Int32, "list_year": pl.Int32})
    return pl.concat(frames)


def bill_types(mappings: str | Path | None = None) -> pl.DataFrame:
    """First two digits of a type of bill: prefix, claim_type, eligible (bool), needs_procedure (bool), source."""
    return _with_flags(_table("bill_types.csv", mappings), "eligible", "needs_procedure")


def claim_types(mappings: str | Path | None = None) -> pl.DataFrame:
    """Claim types: claim_type, eligible (bool), needs_procedure (bool), source."""
    return _with_flags(_table("claim_types.csv", mappings), "eligible", "needs_procedure")


def audio_only(mappings: str | Path | None = None) -> pl.DataFrame:
    """What marks a line as audio-only: kind (modifier or hcpcs), code, source."""
    return _table("audio_only.csv", mappings)


def weak_face_to_face(mappings: str | Path | None = None) -> pl.DataFrame:
    """Procedures that are on CMS's list and yet no face-to-face visit (SPEC R-3.21): hcpcs, source."""
    return _table("weak_face_to_face.csv", mappings)


def _table(file: str, mappings: str | Path | None) -> pl.DataFrame:
    return pl.read_csv(find("eligibility", file, mappings=mappings), infer_schema=False)


def _with_flags(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    return frame.with_columns(pl.col(name) == "true" for name in names)


@lru_cache(maxsize=16)
def _codes(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False).select(pl.col("code").alias("hcpcs"))
