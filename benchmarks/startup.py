"""What a short call costs: python -m benchmarks.startup → one line of JSON.

``hcc --help`` against a bare interpreter, loading the rules of one model and year, ``score_one`` for people nobody has
asked about before: another person at every call, over all payment years.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from statistics import median
from typing import Any

from benchmarks.settings import settings

_PEOPLE = 600


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


def _people(rng: random.Random, codes: dict[int, list[str]]) -> Iterator[dict[str, Any]]:
    """Anybody: all ages from 30 to 100, aged and disabled, dual or not, at home or not, new or not, MA or PACE, with
    or without Part D; a few have renal disease."""
    while True:
        year = rng.choice(list(codes))
        yield {
            "diagnosis_codes": rng.sample(codes[year], rng.randint(0, 8)),
            "birth_date": f"{year - rng.randint(30, 100)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            "sex": rng.choice("FM"),
            "payment_year": year,
            "orec": rng.choice("0123"),
            "dual_status": rng.choice(["NA", "00", "01", "02", "04", "08"]),
            "long_term_institutional": rng.random() < 0.1,
            "low_income_subsidy": rng.random() < 0.2,
            "part_b_months": rng.choice([12, 12, 12, 12, 0, 7]),
            "program": rng.choice(["MA", "MA", "MA", "MA", "PACE"]),
            "part_d_plan": rng.choice([None, "MA-PD", "PDP"]),
            "esrd_status": rng.choice(["none"] * 18 + ["dialysis", "transplant_2"]),
        }


def _score_one(model: str, year: int) -> dict[str, float]:
    """Medians in milliseconds: a new person, the same person once more, the first of a payment year and its models."""
    import hcc
    from hcc.rules.folders import years
    from hcc.rules.programs import program_years

    codes = {
        known: hcc.load_rules(model, payment_year=known).diagnosis_to_hcc["diagnosis_code"].unique().sort().to_list()
        for known in sorted({*program_years()} & {*years(model)})
    }
    first: list[float] = []
    new: list[float] = []
    again: list[float] = []
    seen: set[tuple[Any, ...]] = set()

    def timed(person: dict[str, Any]) -> float:
        began = time.perf_counter()
        hcc.score_one(**person)
        return (time.perf_counter() - began) * 1000

    for person in islice(_people(random.Random(year), codes), _PEOPLE):
        models = tuple(person[name] for name in ("payment_year", "program", "part_d_plan", "esrd_status"))
        (new if models in seen else first).append(timed(person))
        seen.add(models)
        again.append(timed(person))
    return {
        "score_one_ms": round(median(new), 3),
        "score_one_again_ms": round(median(again), 3),
        "score_one_first_ms": round(median(first), 3),
        "score_one_people": len(new),
    }


def measured() -> dict[str, Any]:
    """Medians: processes in milliseconds and as a ratio, calls in milliseconds."""
    bare = median(_process("-c", "pass") for _ in range(7))
    helped = median(
        _process("-c", "import sys; sys.argv = ['hcc', '--help']; from hcc.cli import main; main()") for _ in range(7)
    )
    year, model = settings()["payment_year"], settings()["peers"]["coding_model"]
    rules = median(_first_rules(model, year) for _ in range(5))
    return {
        "help_ms": round(helped * 1000, 1),
        "help_over_bare_python": round(helped / bare, 2),
        "load_rules_ms": round(rules, 2),
        **_score_one(model, year),
    }


def main() -> None:
    print(json.dumps(measured()))


if __name__ == "__main__":
    main()
