"""The rank: points worked out by hand from the shipped weights."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from hcc.errors import InputError
from hcc.worklist import Weights, in_words, load_weights, priority_sql

TODAY = date(2025, 6, 30)
WEIGHTS = Weights(40.0, 24.0, 8.0, 25.0, 0.400, 25.0, 60.0, 10.0, 365.0)


def points(strength: str | None, change: str | None, due: str | None, visit: str | None) -> float:
    row = duckdb.execute(
        f"SELECT {priority_sql(WEIGHTS, TODAY)} FROM (SELECT $1::VARCHAR AS strength, "
        "$2::DECIMAL(9,3) AS score_change, $3::DATE AS due_on, $4::DATE AS last_visit)",
        [strength, change, due, visit],
    ).fetchone()
    assert row is not None
    return float(row[0])


@pytest.mark.parametrize(
    ("strength", "change", "due", "visit", "expected"),
    [
        # strength alone: no value, no clock, seen today
        ("high", "0", None, "2025-06-30", 40.0),
        ("medium", "0", None, "2025-06-30", 24.0),
        ("low", "0", None, "2025-06-30", 8.0),
        # value: half of 0.400 is half of 25; more than 0.400 is no more than 25
        ("low", "0.200", None, "2025-06-30", 20.5),
        ("low", "1.900", None, "2025-06-30", 33.0),
        # clock: 60 days left nothing, 30 days half, the day itself and later all
        ("low", "0", "2025-08-29", "2025-06-30", 8.0),
        ("low", "0", "2025-07-30", "2025-06-30", 20.5),
        ("low", "0", "2025-06-30", "2025-06-30", 33.0),
        ("low", "0", "2024-01-01", "2025-06-30", 33.0),
        # last visit: 73 of 365 days are a fifth of 10; never seen counts as long ago
        ("low", "0", None, "2025-04-18", 10.0),
        ("low", "0", None, "2020-01-01", 18.0),
        ("low", "0", None, None, 18.0),
        # everything at its most is 100
        ("high", "-0.700", "2025-05-01", None, 100.0),
        # nothing known
        (None, None, None, "2025-06-30", 0.0),
    ],
)
def test_points(strength: str | None, change: str | None, due: str | None, visit: str | None, expected: float) -> None:
    assert points(strength, change, due, visit) == expected


def test_both_directions_are_ranked_alike() -> None:
    assert points("high", "-0.310", None, "2025-01-01") == points("high", "0.310", None, "2025-01-01")


def test_shipped_weights_are_the_documented_ones() -> None:
    assert load_weights() == WEIGHTS
    words = " ".join(in_words(load_weights()))
    for figure in ("40", "24", "8", "0.400", "60", "365"):
        assert figure in words


def test_same_weights_and_day_give_the_same_text() -> None:
    assert priority_sql(WEIGHTS, TODAY) == priority_sql(load_weights(), TODAY)
    assert priority_sql(WEIGHTS, TODAY) != priority_sql(WEIGHTS, date(2025, 7, 1))


def test_own_weights_with_all_faults_told_at_once(tmp_path: Path) -> None:
    own = tmp_path / "weights.toml"
    own.write_text(
        "[strength]\nhigh = 1\nmedium = 'x'\n[value]\npoints = 1\nfull_at = 0\n"
        "[colour]\n[clock]\npoints = -1\nnone_at = 5\n"
    )
    with pytest.raises(InputError) as caught:
        load_weights(own)
    told = str(caught.value)
    for fault in (
        "[strength] medium is not a number",
        "[strength] low is not a number",
        "[value] full_at must not be zero",
        "[colour] is not known",
        "[clock] points must be above zero",
        "[last_visit] is missing",
    ):
        assert fault in told


def test_weights_that_are_no_toml(tmp_path: Path) -> None:
    broken = tmp_path / "weights.toml"
    broken.write_text("not toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_weights(broken)
