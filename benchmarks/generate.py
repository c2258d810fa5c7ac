"""A seeded population of any size, with the skew of real claims: python -m benchmarks.generate --size 1M

Writes canonical columns (hcc/tables/inputs.py) as Parquet: members/, claims/ (one row per line), claim_diagnoses/ (one
row per claim and header diagnosis), one file or more a month; members and claims are not clustered, identifiers are
text. Memory is bounded by a month's claim heads and one slice of lines, whatever the size.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.codes import load_codes
from benchmarks.evidence import fills_table, load_evidence, results_table
from benchmarks.settings import data_folder, members_of, settings
from benchmarks.tables import People, Plan, heads, members_table, slice_tables

SKEWS = ("none", "one_big_member", "many_dx", "ten_years", "tiny_files")
SLICE = 2_000_000  # claims written at once


def months(plan: Plan) -> list[tuple[int, np.datetime64]]:
    """Running number and first day of each month."""
    years = 10 if plan.skew == "ten_years" else 1
    last = np.datetime64(f"{plan.payment_year}-01", "M")
    count = 12 * years + settings()["shape"]["outside"]
    return [(i, (last - (count - i)).astype("datetime64[D]")) for i in range(count)]


def _write(table: pl.DataFrame, folder: Path, name: str) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    table.write_parquet(folder / f"{name}.parquet")
    return len(table)


def generate(plan: Plan, folder: Path) -> dict[str, Any]:
    """Write the population of ``plan`` into ``folder`` (emptied first); gives the counts, also written as plan.json."""
    began = time.perf_counter()
    if folder.exists():
        shutil.rmtree(folder)
    people, codes = People(plan), load_codes(plan.payment_year, plan.seed)
    evidence = load_evidence(codes)
    rows = dict.fromkeys(("members", "claims", "lines", "claim_diagnoses", "pharmacy", "observations"), 0)
    for part, table in enumerate(members_table(plan, people)):
        rows["members"] += _write(table, folder / "members", f"members-{part:02d}")
    calendar = months(plan)
    shape = settings()["shape"]
    for month, start in calendar:
        member = heads(plan, people, month)
        rows["claims"] += len(member)
        step = max(1, -(-len(member) * len(calendar) // plan.tiny_files)) if plan.skew == "tiny_files" else SLICE
        for part, first in enumerate(range(0, len(member), step)):
            piece = member[first : first + step]
            lines, diagnoses = slice_tables(plan, people, codes, month, start, first, piece)
            name = f"{str(start)[:7]}-{part:03d}"
            rows["lines"] += _write(lines, folder / "claims", name)
            if diagnoses is not None:
                rows["claim_diagnoses"] += _write(diagnoses, folder / "claim_diagnoses", name)
        for wanted, kind, make in (
            (plan.pharmacy, "pharmacy", fills_table),
            (plan.observations, "observations", results_table),
        ):
            per_month = plan.members * shape["fills" if kind == "pharmacy" else "results"] // 12 if wanted else 0
            for part, first in enumerate(range(0, per_month, SLICE)):
                rng = np.random.default_rng([plan.seed, 5 + (kind == "pharmacy"), month, part])
                table = make(plan, people, codes, evidence, rng, start, min(SLICE, per_month - first))
                rows[kind] += _write(table, folder / kind, f"{str(start)[:7]}-{part:03d}")
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    facts = {
        "plan": {field: getattr(plan, field) for field in plan.__dataclass_fields__},
        "shape": shape,
        "rows": rows,
        "files": sum(1 for _ in folder.rglob("*.parquet")),
        "megabytes": round(size / 1e6, 1),
        "seconds": round(time.perf_counter() - began, 1),
    }
    (folder / "plan.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def folder_name(plan: Plan) -> str:
    """A name that says what is in it: 1000000, 100000-wide, 10000-many_dx …"""
    parts = [str(plan.members)]
    parts += [plan.skew] if plan.skew != "none" else []
    parts += [word for word, on in (("wide", plan.wide), ("by_member", plan.by_member)) if on]
    parts += ["evidence"] if plan.pharmacy or plan.observations else []
    parts += [str(plan.payment_year)]
    return "-".join(parts)


def is_prepared(plan: Plan, folder: Path) -> bool:
    """Whether ``folder`` holds the finished population of this plan (plan.json is written last)."""
    said = folder / "plan.json"
    if not said.is_file():
        return False
    kept: dict[str, Any] = json.loads(said.read_text(encoding="utf-8"))
    asked = {field: getattr(plan, field) for field in plan.__dataclass_fields__}
    return bool(kept["plan"] == asked) and kept.get("shape") == settings()["shape"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", default="100k", help="10k, 100k, 1M, 10M or a number of members")
    parser.add_argument("--payment-year", type=int, default=settings()["payment_year"])
    parser.add_argument("--seed", type=int, default=settings()["seed"])
    parser.add_argument("--skew", choices=SKEWS, default="none")
    parser.add_argument("--big-claims", type=int, default=1_000_000, help="claims of the one big member")
    parser.add_argument("--wide", action="store_true", help="diagnosis_1 … on the lines instead of claim_diagnoses/")
    parser.add_argument("--by-member", action="store_true", help="clustered: each month sorted by member")
    parser.add_argument("--pharmacy", action="store_true", help="20 fills a member")
    parser.add_argument("--observations", action="store_true", help="10 results a member")
    parser.add_argument("--out", type=Path, help="folder; default: benchmarks/data/<name>")
    given = parser.parse_args()
    plan = Plan(
        members=members_of(given.size),
        payment_year=given.payment_year,
        seed=given.seed,
        skew=given.skew,
        wide=given.wide,
        by_member=given.by_member,
        big_claims=given.big_claims,
        pharmacy=given.pharmacy,
        observations=given.observations,
    )
    facts = generate(plan, given.out or data_folder(folder_name(plan)))
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
