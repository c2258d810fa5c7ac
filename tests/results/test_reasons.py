"""Every reason code the engine writes has words."""

from __future__ import annotations

import csv
from pathlib import Path

from hcc import intake
from hcc.diagnoses import FLAGS, REASONS
from hcc.results.reasons import reasons
from hcc.rules.folders import find


def test_reasons_are_sorted_unique_and_sourced() -> None:
    with Path(find("reasons.csv")).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    codes = [row["reason"] for row in rows]
    assert codes == sorted(set(codes))
    assert all(row["meaning"].endswith(".") and row["source"] for row in rows)


def test_every_decision_and_flag_has_a_meaning() -> None:
    known = set(reasons()["reason"])
    assert set(REASONS) <= known
    assert set(FLAGS) <= known
    assert set(intake.REASONS) <= known
    assert {"INVALID_FORMAT", "NOT_VALID_ON_DOS", "UNKNOWN_CODE", "NOT_IN_MODEL"} <= known
