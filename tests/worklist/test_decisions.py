"""The latest decision, and the day from which the 60 days run."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from hcc.results import DECISIONS
from hcc.tables import RESULT_TABLES
from hcc.worklist import decisions, latest_decisions, merged_reviews
from hcc.worklist.decisions import SETTLED, decision_named


def reviews(*rows: tuple[str, str, str, int]) -> pl.DataFrame:
    """(review_id, gap_id, decision, day of June) in the order they were made."""
    return pl.DataFrame(
        [(i, gap, decision, "", "", "ann", datetime(2025, 6, day, 9), "") for i, gap, decision, day in rows],
        schema=dict(zip(RESULT_TABLES["reviews"].names, [pl.String] * 6 + [pl.Datetime("us"), pl.String], strict=True)),
        orient="row",
    )


def latest(*rows: tuple[str, str, str, int]) -> dict[str, tuple[str, date | None]]:
    frame = latest_decisions(reviews(*rows))
    return {row["gap_id"]: (row["decision"], row["not_supported_on"]) for row in frame.iter_rows(named=True)}


def test_the_five_decisions_are_those_of_the_store() -> None:
    assert tuple(decision.name for decision in decisions()) == DECISIONS
    assert set(SETTLED) < set(DECISIONS)
    for decision in decisions():
        assert decision.words == decision.name.replace("_", " ")
        assert decision.meaning.endswith(".")
        assert 2 <= len(decision.reasons) <= 9, "one digit chooses a reason"
        assert len(set(decision.reasons)) == len(decision.reasons)


def test_decisions_as_people_write_them() -> None:
    assert decision_named(" Not  Supported ") == "not_supported"
    assert decision_named("query-provider") == "query_provider"
    assert decision_named("maybe") is None


def test_latest_decision_wins() -> None:
    assert latest(("1", "a", "supported", 1), ("2", "a", "defer", 2), ("3", "b", "supported", 3)) == {
        "a": ("defer", None),
        "b": ("supported", None),
    }


def test_clock_starts_on_the_first_not_supported_and_deferring_does_not_stop_it() -> None:
    told = latest(("1", "a", "not_supported", 2), ("2", "a", "query_provider", 5), ("3", "a", "not_supported", 9))
    assert told == {"a": ("not_supported", date(2025, 6, 2))}
    assert latest(("1", "a", "not_supported", 2), ("2", "a", "defer", 5)) == {"a": ("defer", date(2025, 6, 2))}


def test_supported_stops_the_clock_and_a_later_not_supported_starts_it_anew() -> None:
    assert latest(("1", "a", "not_supported", 2), ("2", "a", "supported", 3)) == {"a": ("supported", None)}
    told = latest(("1", "a", "not_supported", 2), ("2", "a", "supported", 3), ("3", "a", "not_supported", 8))
    assert told == {"a": ("not_supported", date(2025, 6, 8))}


def test_no_decisions() -> None:
    assert latest() == {}


def test_copy_in_the_results_and_store_are_merged_once() -> None:
    copied = reviews(("1", "a", "supported", 1), ("2", "a", "defer", 4))
    stored = reviews(("1", "a", "supported", 1), ("3", "a", "not_supported", 2))
    merged = merged_reviews(copied, stored)
    assert merged["review_id"].to_list() == ["1", "3", "2"], "in the order of the decisions"
