"""Decisions are appended and outlive everything."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from hcc.errors import ResultsError
from hcc.results import append_review, append_reviews, read_reviews, reviews_path


def test_a_decision_is_kept_as_it_was_made(tmp_path: Path) -> None:
    results = tmp_path / "r.duckdb"
    assert read_reviews(results).is_empty()
    assert list(tmp_path.iterdir()) == []  # reading makes no file
    at = datetime(2026, 7, 1, 9, 30, tzinfo=timezone(timedelta(hours=-4)))
    append_review(
        results, gap_id="g1", decision="supported", reviewer="A", reason="seen", seen='{"run": 1}', decided_at=at
    )
    append_review(results, gap_id="g1", decision="defer", reviewer="B")
    rows = read_reviews(results).to_dicts()
    assert [(r["gap_id"], r["decision"], r["reviewer"]) for r in rows] == [
        ("g1", "supported", "A"),
        ("g1", "defer", "B"),
    ]
    assert rows[0]["decided_at"] == datetime(2026, 7, 1, 13, 30)  # UTC
    assert rows[0]["seen"] == '{"run": 1}'
    assert abs(rows[1]["decided_at"].replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=5)


def test_nothing_is_ever_changed_or_taken_out(tmp_path: Path) -> None:
    results = tmp_path / "r.duckdb"
    append_review(results, gap_id="g1", decision="supported", reviewer="A")
    con = sqlite3.connect(reviews_path(results))
    for statement in ("UPDATE reviews SET decision = 'defer'", "DELETE FROM reviews"):
        with pytest.raises(sqlite3.Error, match="never"):
            con.execute(statement)
    con.close()


def test_an_unknown_decision_is_refused_and_the_whole_batch_with_it(tmp_path: Path) -> None:
    good = {"gap_id": "g", "decision": "supported", "reviewer": "A"}
    with pytest.raises(ResultsError, match="1 decision"):
        append_reviews(tmp_path / "r.duckdb", [good, {**good, "decision": "add the code"}])
    assert read_reviews(tmp_path / "r.duckdb").is_empty()


def test_only_the_owner_reads_decisions(tmp_path: Path) -> None:
    append_review(tmp_path / "r.duckdb", gap_id="g", decision="defer", reviewer="A")
    assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}


def test_coders_at_once_lose_nothing(tmp_path: Path) -> None:
    results = tmp_path / "r.duckdb"
    script = f"""
        import sys
        from hcc.results import append_review
        for i in range(20):
            append_review({str(results)!r}, gap_id=f"g{{i}}", decision="defer", reviewer=sys.argv[1])
    """
    coders = [subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), who]) for who in "ABCD"]
    assert [coder.wait() for coder in coders] == [0, 0, 0, 0]
    counts = dict(read_reviews(results).group_by("reviewer").len().rows())
    assert counts == dict.fromkeys("ABCD", 20)


def test_a_store_begun_by_several_at_the_same_moment(tmp_path: Path) -> None:
    """SQLite says "locked" at once, whatever its time-out, to one of two that turn a new file to WAL mode together."""
    together = threading.Barrier(4, timeout=60)

    def coder(who: int) -> None:
        for store in range(30):
            together.wait()
            append_review(tmp_path / f"{store}.duckdb", gap_id="g", decision="defer", reviewer=str(who))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(coder, range(4)))
    assert {read_reviews(tmp_path / f"{store}.duckdb").height for store in range(30)} == {4}


def test_a_damaged_store_is_one_clear_error(tmp_path: Path) -> None:
    reviews_path(tmp_path / "r.duckdb").write_bytes(b"not sqlite" * 100)
    with pytest.raises(ResultsError, match="cannot be used"):
        read_reviews(tmp_path / "r.duckdb")
