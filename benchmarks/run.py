"""Measure the floor, our engine and its peers in one run: python -m benchmarks.run --size 100k --rounds 3

Every measurement has a process of its own; the rounds interleave the measurements, so that a busy minute of the machine
hits all of them; medians are shown. What counts is the ratio to the floor F (polars streaming once through the needed
columns) and to the peers in the same run, not the seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import machine, table_text, write_readme
from benchmarks.settings import ROOT, data_folder, members_of, out_folder, settings

FLOOR = "floor_polars"
ENGINE = ("engine_one_model", "engine_memory", "engine_file", "kept_scores", "kept_factors")
PEERS = ("hccinfhir_service", "hccinfhir_diagnoses", "hccpy")
FLOORS = (FLOOR, "floor_duckdb", "group_polars", "group_duckdb")
GAPS = "engine_gaps"
ALL = (*FLOORS, *ENGINE, GAPS, *PEERS)

Measured = dict[str, Any]


def child(module: str, *arguments: str, quiet: bool = False) -> dict[str, Any]:
    """The last line that a Python module prints, read as JSON; ``{"failed": …}`` when it ends with an error."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        if not quiet:
            print(f"  {' '.join(arguments)} failed: {last}", file=sys.stderr)
        return {"failed": last}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def prepared(size: str, seed: int, evidence: bool = False) -> Path:
    """The data of ``size``, generated in a process of its own when they are not there; ``evidence``: with fills and
    results."""
    from benchmarks.generate import folder_name, is_prepared
    from benchmarks.tables import Plan

    plan = Plan(members=members_of(size), payment_year=settings()["payment_year"], seed=seed, pharmacy=evidence,
                observations=evidence)  # fmt: skip
    folder = data_folder(folder_name(plan))
    if not is_prepared(plan, folder):
        print(f"generating {size} …", file=sys.stderr)
        more = ("--pharmacy", "--observations") if evidence else ()
        made = child("benchmarks.generate", "--size", str(plan.members), "--seed", str(seed), *more)
        if "failed" in made:
            raise SystemExit(f"The data of {size} could not be generated: {made['failed']}")
    return folder


def measure(folder: Path, rounds: int, names: tuple[str, ...]) -> dict[str, list[Measured]]:
    """``rounds`` results of each measurement, interleaved; the page cache is warmed first and not counted."""
    child("benchmarks.measure", FLOOR, "--data", str(folder), quiet=True)
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            if found[name] and not {"wall"} & set(found[name][0]):
                continue  # not installed or failed: said once
            print(f"  round {turn + 1}/{rounds} {name}", file=sys.stderr)
            found[name].append(child("benchmarks.measure", name, "--data", str(folder)))
    return found


def medians(found: dict[str, list[Measured]]) -> dict[str, Measured]:
    """One row per measurement: medians of wall, CPU and memory, and of the seconds of each stage."""
    rows: dict[str, Measured] = {}
    for name, turns in found.items():
        good = [turn for turn in turns if "wall" in turn]
        if not good:
            rows[name] = turns[0] if turns else {"failed": "not run"}
            continue
        row: Measured = {key: median(turn[key] for turn in good) for key in ("wall", "cpu", "peak_mb")}
        row["rounds"] = len(good)
        row["details"] = dict(good[-1]["details"])
        if "stages" in row["details"]:
            stages = row["details"]["stages"]
            row["details"]["stages"] = {
                stage: round(median(turn["details"]["stages"].get(stage, 0.0) for turn in good), 4) for stage in stages
            }
        rows[name] = row
    return rows


def with_ratios(rows: dict[str, Measured], members: int) -> dict[str, Measured]:
    """Adds how many floors a measurement takes, microseconds a member, and how many times hccinfhir it is."""
    floor = rows.get(FLOOR, {}).get("wall")
    for row in rows.values():
        if "wall" not in row:
            continue
        scored = row["details"].get("members", members) if "mean_raw" in row["details"] else members
        row["us_per_member"] = row["wall"] / scored * 1e6
        row["cpu_us_per_member"] = row["cpu"] / scored * 1e6
        if floor:
            row["floors"] = row["wall"] / floor
            row["cpu_floors"] = row["cpu"] / rows[FLOOR]["cpu"]
    peer = rows.get("hccinfhir_service", {})
    for name in ENGINE:
        row = rows.get(name, {})
        if "wall" in row and "wall" in peer:
            row["times_hccinfhir"] = peer["us_per_member"] / row["us_per_member"]
            row["times_hccinfhir_per_cpu"] = peer["cpu_us_per_member"] / row["cpu_us_per_member"]
    return rows


def run(sizes: list[str], rounds: int, names: tuple[str, ...], seed: int) -> dict[str, Any]:
    """Everything of one run, as written to benchmarks/out/."""
    report: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join(["python -m benchmarks.run", *sys.argv[1:]]),
        "machine": machine(),
        "rounds": rounds,
        "payment_year": settings()["payment_year"],
        "sizes": {},
    }
    for size in sizes:
        folder = prepared(size, seed, evidence=GAPS in names)
        load = os.getloadavg()[0]
        print(f"{size}:", file=sys.stderr)
        rows = with_ratios(medians(measure(folder, rounds, names)), members_of(size))
        facts = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        report["sizes"][size] = {
            "load_before": load,
            "data": facts["rows"],
            "megabytes": facts["megabytes"],
            "rows": rows,
        }
    report["startup"] = child("benchmarks.startup", quiet=True)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--size", action="append", help="small, full, 10k, 100k, 1M, 10M or a number of members; repeatable"
    )
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", action="append", choices=ALL, help="only these (and the floor)")
    parser.add_argument("--gaps", action="store_true", help="find gaps too, on data with fills and results")
    parser.add_argument("--seed", type=int, default=settings()["seed"])
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    given = parser.parse_args()
    asked = given.size or ["small"]
    sizes = [size for name in asked for size in settings().get(name, {"sizes": [name]})["sizes"]]
    rounds = given.rounds or (settings()[asked[0]]["rounds"] if asked[0] in settings() else 3)
    names = tuple(name for name in ALL if name in (given.only or ALL) or name == FLOOR)
    if not given.gaps and GAPS not in (given.only or ()):
        names = tuple(name for name in names if name != GAPS)
    report = run(sizes, rounds, names, given.seed)
    path = out_folder() / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(table_text(report))
    print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)
    if given.write:
        write_readme(report)
        print("benchmarks/README.md holds the table now", file=sys.stderr)


if __name__ == "__main__":
    main()
