"""The data behind the page: filters against a second reading of the file, decisions, other people, replaced files."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from hcc.errors import ResultsError
from hcc.results import append_review, read_reviews, read_table
from hcc.review.desk import PAGE_ROWS, Desk, Gone, Overtaken
from hcc.review.filters import SORTS, Filters
from tests.review.results_file import AS_OF, make_results

_KEY = ["member_id", "direction", "rule_id", "candidate_diagnosis_codes", "status"]


@pytest.fixture
def desk(results: Path) -> Iterator[Desk]:
    opened = Desk(results, today=AS_OF)
    yield opened
    opened.close()


def all_rows(desk: Desk, filters: Filters) -> list[dict[str, object]]:
    return desk.page(filters, limit=100_000).rows


def questions(results: Path) -> pl.DataFrame:
    """Gaps as questions, read without the code under test."""
    gaps = read_table(results, "gaps").with_columns(pl.col(_KEY).cast(pl.String))
    return gaps.group_by(_KEY).agg(
        pl.col("gap_id"), pl.col("strength").cast(pl.String).first(), pl.col("pcp_npi").first(),
        pl.col("flagged_return_by").min().alias("due_on"),
        (pl.col("model").cast(pl.String) + " " + pl.col("hcc").cast(pl.String)).alias("hccs"),
        pl.col("score_change").filter(pl.col("model").cast(pl.String) == "cms-hcc-v28").sum().abs().alias("size"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), pl.lit(True)),
        (Filters(direction="missing"), pl.col("direction") == "missing"),
        (Filters(rules=("CKD-1", "DM-4")), pl.col("rule_id").is_in(["CKD-1", "DM-4"])),
        (Filters(hccs=("rxhcc-v08 263",)), pl.col("hccs").list.contains("rxhcc-v08 263")),
        (Filters(strengths=("high",)), pl.col("strength") == "high"),
        (Filters(provider="19100000"), pl.col("pcp_npi").str.starts_with("19100000")),
        (Filters(member="T00001"), pl.col("member_id").str.starts_with("T00001")),
        (Filters(at_least=0.3), pl.col("size") >= 0.3),
        (Filters(clock="overdue"), pl.col("due_on") < AS_OF),
        (Filters(clock="soon"), pl.col("due_on") <= AS_OF + timedelta(days=14)),
        (Filters(clock="none"), pl.col("due_on").is_null()),
        (Filters(status="closed"), pl.lit(True)),
        (Filters(member="' OR 1=1 --"), pl.lit(False)),
    ],
    ids=lambda value: str(value)[:60],  # repr of an expression holds its address: another name in every process
)
def test_filters(results: Path, desk: Desk, filters: Filters, expected: pl.Expr) -> None:
    wanted = questions(results).filter((pl.col("status") == filters.status) & expected)
    rows = all_rows(desk, filters)
    assert len(rows) == desk.page(filters).total == wanted.height
    leads = {str(row["question"]) for row in rows}
    assert wanted.filter(pl.col("gap_id").list.set_intersection(list(leads)).list.len() != 1).is_empty()
    assert wanted.height or filters.member.startswith("'"), "a filter that nothing passes shows nothing"


def test_any_status(results: Path, desk: Desk) -> None:
    assert desk.page(Filters(status="")).total == questions(results).height


@pytest.mark.parametrize("sort", SORTS)
def test_pages_hold_every_question_once_in_one_order(desk: Desk, sort: str) -> None:
    filters = Filters(sort=sort)
    whole = [row["question"] for row in all_rows(desk, filters)]
    paged: list[object] = []
    while len(paged) < len(whole):
        page = desk.page(filters, offset=len(paged))
        assert page.offset == len(paged)
        assert 0 < len(page.rows) <= PAGE_ROWS
        paged += [row["question"] for row in page.rows]
    assert paged == whole
    assert len(set(whole)) == len(whole)


def test_orders(desk: Desk) -> None:
    for sort, name, key in (("value", "score_change", abs), ("dollars", "dollar_change", abs)):
        values = [key(row[name]) for row in all_rows(desk, Filters(sort=sort)) if row[name] is not None]  # type: ignore[arg-type]
        assert values == sorted(values, reverse=True)
    due = [row["due_on"] for row in all_rows(desk, Filters(sort="clock"))]
    known = [day for day in due if day is not None]
    assert known == sorted(known)  # type: ignore[type-var]
    assert due[len(known) :] == [None] * (len(due) - len(known)), "no day comes last"


def test_a_page_behind_the_end_is_the_last_one(desk: Desk) -> None:
    total = desk.page(Filters()).total
    page = desk.page(Filters(), offset=total + 500)
    assert page.offset == (total - 1) // PAGE_ROWS * PAGE_ROWS
    assert len(page.rows) == total - page.offset


def test_going_from_member_to_member_meets_everybody_once(desk: Desk) -> None:
    filters = Filters(direction="missing")
    rows = all_rows(desk, filters)
    here, met = str(rows[0]["question"]), []
    while True:
        found = desk.question(here)
        assert found is not None
        met.append(found["member_id"])
        following = desk.neighbour(filters, here, found["member_id"], 1)
        if following is None:
            break
        back = desk.question(following)
        assert back is not None
        assert desk.neighbour(filters, following, back["member_id"], -1) is not None
        here = following
    assert set(met) == {row["member_id"] for row in rows}


def test_where_we_are_counts_even_if_it_left_the_list(desk: Desk) -> None:
    filters = Filters()
    rows = all_rows(desk, filters)
    first, others = rows[0], [row for row in rows if row["member_id"] != rows[0]["member_id"]]
    decide(desk, str(first["question"]))
    assert desk.neighbour(filters, str(first["question"]), str(first["member_id"]), 1) == others[0]["question"]


def decide(
    desk: Desk, question: str, decision: str = "supported", reviewer: str = "ann", latest: str | None = None
) -> None:
    desk.decide(question, decision, reviewer=reviewer, seen={"evidence": 3}, latest_seen=latest)


def test_a_decision_is_appended_for_every_model_of_the_question(results: Path, desk: Desk) -> None:
    row = next(row for row in all_rows(desk, Filters()) if row["rule_id"] == "AUD-CKD")
    before = hashlib.sha256(results.read_bytes()).hexdigest()
    desk.decide(
        str(row["question"]), "not_supported", reviewer="ann", reason="History only", note="seen twice",
        seen={"evidence": 3}, latest_seen=None,
    )  # fmt: skip
    stored = read_reviews(results)
    assert stored.height == 2, "Part C and Part D"
    assert row["question"] in stored["gap_id"]
    assert stored["decided_at"].n_unique() == 1
    assert set(stored["reason"]) == {"History only"}
    assert set(stored["note"]) == {"seen twice"}
    seen = json.loads(stored["seen"][0])
    assert seen == {"through": "review", "evidence": 3, "earlier_review": None}
    assert hashlib.sha256(results.read_bytes()).hexdigest() == before, "the results are only read"
    assert desk.progress()["settled"] == 1
    assert row["question"] not in [other["question"] for other in all_rows(desk, Filters())]
    again = desk.question(str(row["question"]))
    assert again is not None
    assert (again["decision"], again["reviewer"]) == ("not_supported", "ann")


def test_clock_follows_the_decision(desk: Desk) -> None:
    row = next(row for row in all_rows(desk, Filters(direction="unsupported")))
    decide(desk, str(row["question"]), "not_supported")
    after = desk.question(str(row["question"]))
    assert after is not None
    assert after["due_on"] == desk.history(str(row["question"]))[0]["decided_at"].date() + timedelta(days=60)


def test_progress_filters(desk: Desk) -> None:
    first, second, third = (str(row["question"]) for row in all_rows(desk, Filters())[:3])
    total = desk.page(Filters()).total
    decide(desk, first, "supported")
    decide(desk, second, "defer")
    decide(desk, third, "query_provider")
    counts = {name: desk.page(Filters(progress=name)).total for name in ("to_do", "new", "waiting", "settled", "all")}
    assert counts == {"to_do": total - 1, "new": total - 3, "waiting": 2, "settled": 1, "all": total}


def test_undo_is_a_new_decision(results: Path, desk: Desk) -> None:
    question = str(all_rows(desk, Filters(rules=("CKD-1",)))[0]["question"])
    decide(desk, question, "supported")
    decide(desk, question, "not_supported", latest=str(desk.history(question)[0]["review_id"]))
    assert [row["decision"] for row in desk.history(question)] == ["not_supported", "supported"]
    assert read_reviews(results)["decision"].to_list() == ["supported", "not_supported"]


def test_two_coders_at_two_desks(results: Path, desk: Desk) -> None:
    other = Desk(results, today=AS_OF)
    try:
        question = str(all_rows(desk, Filters(rules=("CKD-1",)))[0]["question"])
        decide(desk, question, "supported", reviewer="ann")
        version = other.version
        with pytest.raises(Overtaken) as caught:
            decide(other, question, "not_supported", reviewer="bob")
        assert caught.value.latest["reviewer"] == "ann"
        assert other.version > version
        assert read_reviews(results).height == 1, "nothing was added behind bob's back"
        decide(other, question, "not_supported", reviewer="bob", latest=str(caught.value.latest["review_id"]))
        desk.refresh()
        assert [row["reviewer"] for row in desk.history(question)] == ["bob", "ann"]
    finally:
        other.close()


def test_refresh_without_news_changes_nothing(desk: Desk) -> None:
    version = desk.version
    assert desk.refresh() == desk.refresh() == version


def test_a_second_run_of_the_engine_loses_nothing(results: Path, desk: Desk) -> None:
    question = str(all_rows(desk, Filters(rules=("CKD-1",)))[0]["question"])
    decide(desk, question)
    make_results(results, 130, run_id="second run", overwrite=True)
    version = desk.version
    assert desk.refresh() > version
    assert desk.run["run_id"] == "second run"
    found = desk.question(question)
    assert found is not None
    assert found["decision"] == "supported", "the same gap has the same id"
    assert len({row["member_id"] for row in all_rows(desk, Filters(progress="all"))}) > 118
    # The run copied the decision into the results; it is not counted twice.
    assert len(desk.history(question)) == 1


def test_a_question_that_is_gone_is_told_and_nothing_is_called_stored(results: Path, desk: Desk) -> None:
    last = str(all_rows(desk, Filters(sort="member"))[-1]["question"])
    make_results(results, 2, run_id="second run", overwrite=True)
    with pytest.raises(Gone, match="not in the results any more"):
        decide(desk, last)
    assert read_reviews(results).is_empty()
    assert desk.question(last) is None


def test_a_question_that_another_gap_leads_now_is_still_decided(results: Path, desk: Desk) -> None:
    question = str(all_rows(desk, Filters(rules=("CKD-1",)))[0]["question"])
    gaps = desk.rows("SELECT gap_id FROM question_gaps WHERE question = $question", question=question)
    newer = Path(shutil.copy(results, results.with_name("newer.duckdb")))
    con = duckdb.connect(newer)  # the same evidence, worth more in a model that was not there before
    con.execute(
        "INSERT INTO gaps SELECT * REPLACE ('now-leading' AS gap_id, 9 AS score_change) FROM gaps WHERE gap_id = ?",
        [question],
    )
    con.close()
    newer.replace(results)
    decide(desk, question)
    assert set(read_reviews(results)["gap_id"]) == {str(row["gap_id"]) for row in gaps} | {"now-leading"}
    found = desk.question(question)
    assert found is not None
    assert (found["question"], found["decision"]) == ("now-leading", "supported")


def test_results_moved_without_the_store_still_have_the_copy(results: Path, tmp_path: Path) -> None:
    gap = read_table(results, "gaps").filter(pl.col("status").cast(pl.String) == "open")["gap_id"][0]
    append_review(results, gap_id=gap, decision="supported", reviewer="ann")
    make_results(results, 120, overwrite=True)
    moved = tmp_path / "elsewhere" / "moved.duckdb"
    moved.parent.mkdir()
    results.rename(moved)
    desk = Desk(moved, today=AS_OF)
    try:
        assert [row["reviewer"] for row in desk.history(gap)] == ["ann"]
    finally:
        desk.close()


def test_a_vanished_file_is_told_and_a_returned_one_used(results: Path, desk: Desk) -> None:
    hidden = results.with_name("hidden.duckdb")
    results.rename(hidden)
    with pytest.raises(ResultsError, match="no results file"):
        desk.refresh()
    hidden.rename(results)
    desk.refresh()
    assert desk.page(Filters()).total > 0


_COUNTS_ON = """
import sys
from hcc.review.desk import Desk
from hcc.review.filters import Filters
desk = Desk(sys.argv[1])
for row in desk.page(Filters(sort="member"), limit=10_000).rows:
    desk.decide(row["question"], "defer", reviewer="killed", seen={}, latest_seen=None)
    print(row["question"], flush=True)
"""


def test_a_killed_process_loses_no_decision(results: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", _COUNTS_ON, str(results)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(5)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.read().split()
    process.wait()
    stored = read_reviews(results)
    assert set(told) <= set(stored["gap_id"]), "what was confirmed is there"
    desk = Desk(results, today=AS_OF)
    try:
        pairs = stored.join(
            pl.DataFrame(desk.rows("SELECT gap_id, question FROM question_gaps")), on="gap_id"
        ).group_by("question").len()  # fmt: skip
        sizes = {row["question"]: row["gaps"] for row in desk.rows("SELECT question, gaps FROM questions")}
        assert all(sizes[question] == n for question, n in pairs.iter_rows()), "all models of a question, or none"
        decide(desk, told[0], latest=str(desk.history(told[0])[0]["review_id"]))
    finally:
        desk.close()


def test_choices_come_with_words(desk: Desk) -> None:
    choices = desk.choices()
    assert {row["value"] for row in choices["rules"]} >= {"CKD-1", "OIG-1", "RECAPTURE"}
    hcc = next(row for row in choices["hccs"] if row["value"] == "cms-hcc-v28 327")
    assert hcc["words"] == "Chronic Kidney Disease, Severe (Stage 4)"


def test_filters_survive_a_round_trip() -> None:
    from dataclasses import asdict

    filters = Filters(rules=("a", "b"), at_least=0.2, sort="clock")
    plain = json.loads(json.dumps(asdict(filters)))
    assert Filters.from_dict({**plain, "unknown": 1}) == filters
