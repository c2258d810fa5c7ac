"""The peers on a sample of the same members: hccinfhir and hccpy (from PyPI, for benchmarks only).

They score one member at a time from Python objects; making these objects is not timed, but told (``prepare_seconds``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.settings import settings

Work = Callable[[], dict[str, Any]]
_MODEL = "CMS-HCC Model V28"  # hccinfhir's name of the model in settings.toml, peers.coding_model
_HCCPY_VERSION = "28"


def _sample(folder: Path, payment_year: int) -> pl.DataFrame:
    members = pl.read_parquet(folder / "members" / "*.parquet", n_rows=settings()["peers"]["sample"])
    born = pl.col("birth_date")
    before = (born.dt.month() > 2) | ((born.dt.month() == 2) & (born.dt.day() > 1))
    return members.with_columns(age=(pl.lit(payment_year) - born.dt.year() - before.cast(pl.Int32)).clip(0))


def _claims(folder: Path, payment_year: int, members: pl.DataFrame) -> pl.DataFrame:
    """One row per line of the sample in the collection year, its header diagnoses as a list."""
    if not (folder / "claim_diagnoses").is_dir():
        raise SystemExit("The peers' sample is taken from claim_diagnoses/; generate without --wide.")
    wanted = pl.col("member_id").is_in(members["member_id"].implode())
    lines = pl.scan_parquet(folder / "claims" / "*.parquet").filter(
        wanted & (pl.col("thru_date").dt.year() == payment_year - 1)
    )
    codes = (
        pl.scan_parquet(folder / "claim_diagnoses" / "*.parquet")
        .filter(wanted)
        .group_by("claim_id")
        .agg("diagnosis_code")
    )
    return lines.join(codes, on="claim_id").sort("member_id", "claim_id", "line_number").collect(engine="streaming")


def _demographics(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "age": row["age"], "sex": row["sex"], "dual_elgbl_cd": row["dual_status"], "orec": row["orec"], "crec": "0",
        "new_enrollee": row["part_b_months"] < 12, "snp": row["csnp"], "lti": row["long_term_institutional"],
    }  # fmt: skip


def _hccinfhir(payment_year: int) -> Any:
    from hccinfhir import HCCInFHIR  # type: ignore[import-not-found,unused-ignore]

    return HCCInFHIR(
        model_name=_MODEL,
        proc_filtering_filename=f"ra_eligible_cpt_hcpcs_{payment_year - 1}.csv",
        dx_cc_mapping_filename=f"ra_dx_to_cc_{payment_year}.csv",
        hierarchies_filename=f"ra_hierarchies_{payment_year}.csv",
        coefficients_filename=f"ra_coefficients_{payment_year}.csv",
    )


def hccinfhir_service(folder: Path, payment_year: int) -> Work:
    """hccinfhir's service-level loop: filter and score each member from its lines."""
    peer = _hccinfhir(payment_year)
    began = time.perf_counter()
    members = _sample(folder, payment_year)
    services: dict[str, list[dict[str, Any]]] = {name: [] for name in members["member_id"]}
    for row in _claims(folder, payment_year, members).iter_rows(named=True):
        bill = row["bill_type"]
        services[row["member_id"]].append(
            {
                "claim_id": row["claim_id"], "procedure_code": row["hcpcs"], "claim_type": row["claim_type"],
                "claim_diagnosis_codes": row["diagnosis_code"], "service_date": row["thru_date"].isoformat(),
                "facility_type": bill[0] if bill else None, "service_type": bill[1] if bill else None,
            }
        )  # fmt: skip
    people = {row["member_id"]: _demographics(row) for row in members.iter_rows(named=True)}
    prepared = time.perf_counter() - began

    def work() -> dict[str, Any]:
        scores = [peer.run_from_service_data(services[name], people[name]).risk_score for name in people]
        return {"members": len(scores), "mean_raw": sum(scores) / len(scores), "prepare_seconds": prepared}

    return work


def _diagnoses(folder: Path, payment_year: int, members: pl.DataFrame) -> dict[str, list[str]]:
    """Every code of a sample member's year, unfiltered."""
    claims = _claims(folder, payment_year, members)
    codes = claims.select("member_id", "diagnosis_code").explode("diagnosis_code").unique(maintain_order=True)
    found = dict(codes.group_by("member_id", maintain_order=True).agg("diagnosis_code").iter_rows())
    return {name: found.get(name, []) for name in members["member_id"]}


def hccinfhir_diagnoses(folder: Path, payment_year: int) -> Work:
    """hccinfhir from a member's codes: scoring only."""
    peer = _hccinfhir(payment_year)
    members = _sample(folder, payment_year)
    codes = _diagnoses(folder, payment_year, members)
    people = {row["member_id"]: _demographics(row) for row in members.iter_rows(named=True)}

    def work() -> dict[str, Any]:
        scores = [peer.calculate_from_diagnosis(codes[name], **people[name]).risk_score for name in people]
        return {"members": len(scores), "mean_raw": sum(scores) / len(scores)}

    return work


def hccpy_profile(folder: Path, payment_year: int) -> Work:
    """hccpy from a member's codes: scoring only, its own tables."""
    from hccpy.hcc import HCCEngine  # type: ignore[import-not-found,unused-ignore]

    peer = HCCEngine(_HCCPY_VERSION)
    members = _sample(folder, payment_year)
    codes = _diagnoses(folder, payment_year, members)
    rows = list(members.iter_rows(named=True))

    def segment(row: dict[str, Any]) -> str:
        if row["part_b_months"] < 12:
            return "NE"
        if row["long_term_institutional"]:
            return "INS"
        dual = "F" if row["dual_status"] in ("02", "04", "08") else "P" if row["dual_status"] != "NA" else "N"
        return f"C{dual}{'A' if row['age'] >= 65 else 'D'}"

    segments = [segment(row) for row in rows]

    def work() -> dict[str, Any]:
        total = 0.0
        for row, elig in zip(rows, segments, strict=True):
            found = peer.profile(codes[row["member_id"]], age=row["age"], sex=row["sex"], elig=elig, orec=row["orec"])
            total += found["risk_score"]
        return {"members": len(rows), "mean_raw": total / len(rows)}

    return work
