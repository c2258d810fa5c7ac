"""What a short call costs: python -m benchmarks.startup → one line of JSON.

``hcc --help`` against a bare interpreter, loading the rules of one model and year, one member through ``score_one``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.settings import settings


def _process(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def _first_rules(model: str, year: int) -> float:
    """Milliseconds of the first load in a fresh process (later ones come from a cache), imports excluded."""
    code = (
        "import time; from hcc import load_rules; began = time.perf_counter(); "
        f"load_rules({model!r}, payment_year={year}); print((time.perf_counter() - began) * 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def _milliseconds(work: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return round(median(times) * 1000, 3)


def measured() -> dict[str, Any]:
    """Medians: processes in milliseconds and as a ratio, calls in milliseconds."""
    bare = median(_process("-c", "pass") for _ in range(7))
    helped = median(
        _process("-c", "import sys; sys.argv = ['hcc', '--help']; from hcc.cli import main; main()") for _ in range(7)
    )
    year, model = settings()["payment_year"], settings()["peers"]["coding_model"]
    rules = median(_first_rules(model, year) for _ in range(5))
    import hcc

    hcc.load_rules(model, payment_year=year)  # imports and the file cache are not what is measured

    def one() -> Any:
        return hcc.score_one(["E11.22", "I50.9"], birth_date="1953-06-15", sex="F", payment_year=year)

    one()
    return {
        "help_ms": round(helped * 1000, 1),
        "help_over_bare_python": round(helped / bare, 2),
        "load_rules_ms": round(rules, 2),
        "score_one_ms": _milliseconds(one, 50),
    }


def main() -> None:
    print(json.dumps(measured()))


if __name__ == "__main__":
    main()
