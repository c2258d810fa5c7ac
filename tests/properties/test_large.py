"""Twenty thousand members a model against the reference: any difference is a defect."""

from __future__ import annotations

from random import Random

import pytest

from tests.golden.engine import ask
from tests.properties.compare import score_differences
from tests.properties.populations import simple_population

pytestmark = pytest.mark.filterwarnings("ignore::hcc.errors.NotPaidModel")  # V24 is scored for 2026, raw

CASES = [
    ("cms-hcc-v28", "", 2026), ("cms-hcc-v28", "", 2027), ("cms-hcc-v28", "", 2024), ("cms-hcc-v24", "", 2026),
    ("cms-hcc-v24", "", 2025), ("cms-hcc-v22", "", 2026), ("cms-hcc-esrd-v21", "", 2026),
    ("cms-hcc-esrd-v24", "", 2026), ("cms-hcc-esrd-v24", "", 2027), ("rxhcc-v08", "x", 2026), ("rxhcc-v08", "t", 2026),
    ("rxhcc-v08", "b", 2025), ("rxhcc-v08", "a", 2025), ("rxhcc-v08", "y1", 2027), ("rxhcc-v08", "y2", 2027),
    ("rxhcc-v08", "t2", 2027),
]  # fmt: skip
NAMES = [f"{model}{':' if cal else ''}{cal}-{year}" for model, cal, year in CASES]


def check(model: str, calibration: str, year: int, size: int, mode: str, seed: int) -> None:
    people = simple_population(Random(seed), size, year, model, calibration)
    name = f"{model}:{calibration}" if calibration else model
    answer = ask(people.members, people.claims, year, models=[name], hierarchy_mode=mode)
    faults = score_differences(people, answer, model, calibration, mode)
    assert not faults, f"{len(faults)} of {size} members differ:\n" + "\n".join(faults[:5])


@pytest.mark.parametrize(("model", "calibration", "year"), CASES, ids=NAMES)
def test_a_thousand_members(model: str, calibration: str, year: int) -> None:
    check(model, calibration, year, 1_000, "cms_python", 20261121)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["cms_python", "cms_sas"])
@pytest.mark.parametrize(("model", "calibration", "year"), CASES, ids=NAMES)
def test_twenty_thousand_members(model: str, calibration: str, year: int, mode: str) -> None:
    check(model, calibration, year, 20_000, mode, 7)
