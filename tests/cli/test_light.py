"""``hcc --help`` costs nearly nothing (RULINGS 31)."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

HEAVY = {"polars", "duckdb", "pyarrow", "numpy", "pydantic", "rich", "pandas", "pyspark"}


def test_help_imports_nothing_heavy() -> None:
    script = """
import sys
from hcc.cli import run
code = run(["--help"])
print(code, *sorted(sys.modules), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    code, *modules = done.stderr.split()
    assert code == "0"
    assert HEAVY.isdisjoint(name.split(".")[0] for name in modules)
    assert "hcc.cli" in modules


def test_help_costs_at_most_five_times_a_bare_python() -> None:
    """Processor time, the least of several: other work on the machine must not decide."""

    def seconds(code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    help_ = "import sys; sys.argv = ['hcc', '--help']; from hcc.cli import main; main()"
    ratio = min(seconds(help_) for _ in range(15)) / min(seconds("pass") for _ in range(15))
    if ratio > 5 and os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip(f"the machine is too busy to measure (ratio {ratio:.1f})")
    assert ratio <= 5
