"""One measurement in a process of its own: python -m benchmarks.measure NAME --data FOLDER → one line of JSON.

Wall and CPU seconds are those of the work alone (imports done), the peak memory is that of the process.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.settings import out_folder, settings

# What scoring cannot do without; the floor reads each of these once.
LINE_COLUMNS = ("claim_id", "thru_date", "claim_type", "bill_type", "hcpcs")
DIAGNOSIS_COLUMNS = ("claim_id", "member_id", "diagnosis_code")

Work = Callable[[], dict[str, Any]]


def peak_megabytes() -> float:
    """Peak resident memory of this process alone (ru_maxrss would remember the parent's)."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(work: Work) -> dict[str, Any]:
    """Run ``work`` once; wall and CPU seconds, peak megabytes, and what it says."""
    gc.collect()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    details = work()
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, "peak_mb": peak_megabytes(), "details": details}


def _needed(folder: Path) -> list[tuple[Path, list[str]]]:
    """Folders and the columns to read of each; header diagnoses may be on the lines."""
    lines = list(LINE_COLUMNS)
    if (folder / "claim_diagnoses").is_dir():
        return [(folder / "claims", lines), (folder / "claim_diagnoses", list(DIAGNOSIS_COLUMNS))]
    import polars as pl

    names = pl.scan_parquet(folder / "claims" / "*.parquet").collect_schema().names()
    return [(folder / "claims", [*lines, "member_id", *(name for name in names if name.startswith("diagnosis_"))])]


def floor_polars(folder: Path) -> Work:
    """F: polars, streaming, once through the needed columns."""
    import polars as pl

    def work() -> dict[str, Any]:
        for part, columns in _needed(folder):
            pl.scan_parquet(part / "*.parquet").select(pl.col(columns).max()).collect(engine="streaming")
        return {}

    return work


def floor_steady(folder: Path) -> Work:
    """F as the gate needs it on small data: the median of several passes, which a single short one is too noisy for."""
    once = floor_polars(folder)

    def work() -> dict[str, Any]:
        passes = [measured(once) for _ in range(9)]
        return {key: sorted(one[key] for one in passes)[4] for key in ("wall", "cpu")}

    return work


def floor_duckdb(folder: Path) -> Work:
    """The same with DuckDB."""
    import duckdb

    def work() -> dict[str, Any]:
        with duckdb.connect() as con:
            con.sql("SET preserve_insertion_order = false")
            for part, columns in _needed(folder):
                wanted = ", ".join(f"max({column})" for column in columns)
                con.sql(f"SELECT {wanted} FROM read_parquet('{part}/*.parquet')").fetchall()
        return {}

    return work


def group_polars(folder: Path) -> Work:
    """Only grouping the diagnosis rows (else the lines) by member, polars."""
    import polars as pl

    def work() -> dict[str, Any]:
        part = _needed(folder)[-1][0]
        rows = pl.scan_parquet(part / "*.parquet").group_by("member_id").agg(pl.len())
        return {"members": rows.select(pl.len()).collect(engine="streaming").item()}

    return work


def group_duckdb(folder: Path) -> Work:
    """Only grouping the diagnosis rows (else the lines) by member, DuckDB."""
    import duckdb

    def work() -> dict[str, Any]:
        part = _needed(folder)[-1][0]
        with duckdb.connect() as con:
            query = f"SELECT member_id, count(*) n FROM read_parquet('{part}/*.parquet') GROUP BY member_id"
            rows = con.sql(f"SELECT count(*) FROM ({query})").fetchall()
        return {"members": rows[0][0]}

    return work


def _inputs(folder: Path) -> dict[str, Any]:
    long = folder / "claim_diagnoses"
    given = {"members": folder / "members", "claims": folder / "claims", "payment_year": _payment_year(folder)}
    return given | ({"claim_diagnoses": long} if long.is_dir() else {})


def _payment_year(folder: Path) -> int:
    return int(json.loads((folder / "plan.json").read_text(encoding="utf-8"))["plan"]["payment_year"])


def _said(run: Any) -> dict[str, Any]:
    stages = {name: round(float(seconds), 4) for name, seconds in run.timings.items()}
    return {"stages": stages, "counts": {k: v for k, v in run.counts.items() if isinstance(v, int | float | dict)}}


def engine_one_model(folder: Path) -> Work:
    """Our engine, one model, to scores and factor rows in memory."""
    from hcc import score

    def work() -> dict[str, Any]:
        models = [settings()["peers"]["coding_model"]]
        run = score(**_inputs(folder), models=models, tables=("scores", "factors"))
        return _said(run) | {"scores": run.scores.height, "factors": run.factors.height}

    return work


def engine_memory(folder: Path) -> Work:
    """Our engine, all models that the year pays, every table in memory."""
    from hcc import score

    def work() -> dict[str, Any]:
        run = score(**_inputs(folder))
        return _said(run) | {"scores": run.scores.height, "factors": run.factors.height}

    return work


def engine_file(folder: Path) -> Work:
    """Our engine, all models that the year pays, to the finished DuckDB file."""
    from hcc import score

    def work() -> dict[str, Any]:
        with tempfile.TemporaryDirectory(dir=out_folder()) as target:
            out = Path(target) / "results.duckdb"
            run = score(**_inputs(folder), out=out)
            return _said(run) | {"file_mb": round(out.stat().st_size / 1e6, 1)}

    return work


def _kept(folder: Path) -> Path:
    """What ``hcc keep`` keeps of the data, made once beside them."""
    from hcc import keep
    from hcc.pipeline.kept import FORMAT

    place = folder / f"population-{FORMAT}.kept"
    return place if place.is_dir() else keep(**_inputs(folder), out=place)


def kept_scores(folder: Path) -> Work:
    """Kept diagnoses scored again with one model: raw and payment scores in memory."""
    from hcc import score_kept

    kept, year = _kept(folder), _payment_year(folder)

    def work() -> dict[str, Any]:
        run = score_kept(kept, payment_year=year, models=[settings()["peers"]["coding_model"]], tables=("scores",))
        return _said(run) | {"scores": run.scores.height}

    return work


def kept_factors(folder: Path) -> Work:
    """The same with every factor."""
    from hcc import score_kept

    kept, year = _kept(folder), _payment_year(folder)

    def work() -> dict[str, Any]:
        models = [settings()["peers"]["coding_model"]]
        run = score_kept(kept, payment_year=year, models=models, tables=("scores", "factors"))
        return _said(run) | {"scores": run.scores.height, "factors": run.factors.height}

    return work


def engine_gaps(folder: Path) -> Work:
    """Gaps in both directions with what each is worth, into a results file scored before; needs fills and results."""
    from hcc.cli.gaps import keep_freed_memory

    keep_freed_memory()  # as the command does, before polars is read
    from hcc import find_gaps, score

    target = tempfile.TemporaryDirectory(dir=out_folder())
    out = Path(target.name) / "results.duckdb"
    score(**_inputs(folder), out=out, keep=False)

    def work() -> dict[str, Any]:
        with target:
            found = find_gaps(out, pharmacy=folder / "pharmacy", observations=folder / "observations").found
            stages = {name: round(float(seconds), 4) for name, seconds in found.timings.items()}
            return {"stages": stages, "counts": found.counts}

    return work


def _peer(name: str) -> Callable[[Path], Work]:
    def measure(folder: Path) -> Work:
        from benchmarks import peers

        work: Work = getattr(peers, name)(folder, _payment_year(folder))
        return work

    return measure


MEASURES: dict[str, Callable[[Path], Work]] = {
    "floor_polars": floor_polars,
    "floor_steady": floor_steady,
    "floor_duckdb": floor_duckdb,
    "group_polars": group_polars,
    "group_duckdb": group_duckdb,
    "engine_one_model": engine_one_model,
    "engine_memory": engine_memory,
    "engine_file": engine_file,
    "kept_scores": kept_scores,
    "kept_factors": kept_factors,
    "engine_gaps": engine_gaps,
    "hccinfhir_service": _peer("hccinfhir_service"),
    "hccinfhir_diagnoses": _peer("hccinfhir_diagnoses"),
    "hccpy": _peer("hccpy_profile"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", choices=list(MEASURES))
    parser.add_argument("--data", type=Path, required=True, help="folder made by benchmarks.generate")
    given = parser.parse_args()
    try:
        work = MEASURES[given.name](given.data)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in ("hccinfhir", "hccpy", "pkg_resources"):
            print(json.dumps({"not_installed": error.name}))
            return
        raise
    print(json.dumps({"name": given.name, **measured(work)}))


if __name__ == "__main__":
    main()
