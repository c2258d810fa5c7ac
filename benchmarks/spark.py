"""What hcc.spark costs beside hcc.score, in processor time: on a shared machine wall-clock time says little.

    python -m benchmarks.spark /tmp/b/100000 --buckets 2 --payment-year 2026

The folder holds members.parquet, claims_*.parquet and dx_*.parquet (benchmarks/generate.py makes such). Scores them in
one process on one core, then on a cluster of two worker processes of one core each, three times (the first warms the
JVMs up), and prints processor seconds by step: of the one process, and of all processes of the cluster together.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ONE = """
import json, os, sys, time
if hasattr(os, "sched_setaffinity"): os.sched_setaffinity(0, {0})
os.environ["POLARS_MAX_THREADS"] = "1"
import hcc, tempfile
folder, year = sys.argv[1], int(sys.argv[2])
for _ in range(3):
    with tempfile.TemporaryDirectory() as out:
        begun, cpu = time.perf_counter(), time.process_time()
        run = hcc.score(f"{folder}/members.parquet", f"{folder}/claims_*.parquet",
                        claim_diagnoses=f"{folder}/dx_*.parquet", payment_year=year, keep=False, parquet=f"{out}/p")
        print(json.dumps({"wall": time.perf_counter() - begun, "cpu": time.process_time() - cpu,
                          "counts": run.counts}), flush=True)
"""


def cpu_of_descendants(pid: int) -> float:
    """Processor seconds of a process and of all below it, those that have ended included."""
    tick = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        used[int(entry.name)] = sum(map(int, fields[11:15])) / tick
    family = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in family} | family
        if more == family:
            return sum(used.get(one, 0.0) for one in family)
        family = more


def on_spark(folder: str, year: int, buckets: int, work: Path) -> list[dict[str, Any]]:
    """Three runs on a local cluster."""
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1", SPARK_WORKER_DIR=str(work / "w"))
    from contextlib import contextmanager

    from pyspark.sql import SparkSession

    import hcc.spark
    from hcc.spark import api

    builder = SparkSession.builder.master("local-cluster[2,1,2048]")
    for name, value in {
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false", "spark.executor.memory": "2g", "spark.local.dir": str(work / "l"),
        "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[1]), "spark.sql.shuffle.partitions": "2",
    }.items():  # fmt: skip
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    step, used = api._step, dict[str, float]()

    @contextmanager
    def measured(what: str, timings: dict[str, float]) -> Any:
        begun = cpu_of_descendants(os.getpid())
        with step(what, timings):
            yield
        used[what] = cpu_of_descendants(os.getpid()) - begun

    api._step = measured  # type: ignore[assignment]
    found = []
    for _ in range(3):
        read = spark.read.parquet
        run = hcc.spark.score(
            read(f"{folder}/members.parquet"), read(f"{folder}/claims_*.parquet"), read(f"{folder}/dx_*.parquet"),
            payment_year=year, buckets=buckets,
        )  # fmt: skip
        told = json.loads(run.row["timings"])
        found.append(
            {"cpu": dict(used), "wall": dict(run.timings), "counts": run.counts,
             "tasks": told["engine: task, processor time"], "tasks wall": told["engine: task"]}
        )  # fmt: skip
        run.delete()
    spark.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--payment-year", type=int, required=True)
    parser.add_argument("--buckets", type=int, default=2)
    given = parser.parse_args()
    import tempfile

    begun = time.perf_counter()
    print("load", os.getloadavg())
    command = [sys.executable, "-c", ONE, given.folder, str(given.payment_year)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    alone = [json.loads(line) for line in done.stdout.splitlines()]
    for run in alone:
        print(f"one process: {run['cpu']:.1f} s of processor, {run['wall']:.1f} s wall")
    with tempfile.TemporaryDirectory() as work:
        runs = on_spark(given.folder, given.payment_year, given.buckets, Path(work))
    for run in runs:
        assert run["counts"]["mean_raw_score"] == alone[0]["counts"]["mean_raw_score"]
        steps = "; ".join(f"{name} {cpu:.1f} ({run['wall'][name]:.1f})" for name, cpu in run["cpu"].items())
        print(f"Spark, seconds of processor (wall): {steps}; in the tasks {run['tasks']:.1f} ({run['tasks wall']:.1f})")
    best = min(run["tasks"] for run in runs) / min(run["cpu"] for run in alone)
    print(f"tasks over one process: {best:.2f}; load {os.getloadavg()}; {time.perf_counter() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
