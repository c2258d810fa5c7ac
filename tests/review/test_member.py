"""One member: evidence, timeline, HCCs and scores as they are and as they would be; the question to the provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from hcc.review.desk import Desk
from hcc.review.filters import Filters
from hcc.review.member import MemberView, _after, member_view
from hcc.review.query import provider_query
from tests.review.kinds import DESCRIPTIONS, KINDS
from tests.review.results_file import AS_OF

HIERARCHY = {"326": frozenset({"327", "328", "329"}), "327": frozenset({"328", "329"}), "328": frozenset({"329"})}


@pytest.fixture(scope="module")
def desk(made_once: Path) -> Iterator[Desk]:
    opened = Desk(made_once, today=AS_OF)
    yield opened
    opened.close()


def view_of(desk: Desk, rule: str) -> MemberView:
    row = desk.page(Filters(rules=(rule,), status="open")).rows[0]
    view = member_view(desk, row["question"])
    assert view is not None
    return view


def test_unknown_question(desk: Desk) -> None:
    assert member_view(desk, "nope") is None


def test_evidence_is_shown_once_for_all_models(desk: Desk) -> None:
    kind = next(kind for kind in KINDS if kind.rule == "AUD-SINGLE")
    view = view_of(desk, "AUD-SINGLE")
    assert [(p.stance, p.kind, p.words) for p in sorted(view.evidence, key=lambda p: p.words)] == sorted(
        ((p.stance, p.kind, p.description) for p in kind.evidence), key=lambda p: p[2]
    )
    assert view.seen()["evidence"] == 3
    assert (view.seen()["for"], view.seen()["against"], view.seen()["context"]) == (2, 1, 0)


def test_timeline_is_newest_first_and_tells_what_counted(desk: Desk) -> None:
    view = view_of(desk, "OIG-1")
    days = [event.day for event in view.events if event.day]
    assert days == sorted(days, reverse=True)
    stroke = [event for event in view.events if event.words.startswith("I63.9")]
    assert len(stroke) == 1, "the claim is in the diagnoses and in the evidence, and is one event"
    assert stroke[0].stance == "for"
    assert stroke[0].detail == "professional, counted"
    dementia = next(event for event in view.events if event.words.startswith("G30.9"))
    assert dementia.stance == ""
    assert dementia.detail.startswith("professional, not counted: ")
    assert all(event.kind != "absence" for event in view.events), "what is absent has no place in time"


def test_a_deletion_revives_what_it_displaced(desk: Desk) -> None:
    view = view_of(desk, "AUD-CKD")
    told = {(c.model, c.hcc): (c.now, c.then) for c in view.conditions}
    assert told["cms-hcc-v28", "327"] == ("counts", "removed")
    assert told["cms-hcc-v28", "329"] == ("displaced by 327", "counts")
    assert told["rxhcc-v08", "263"] == ("counts", "removed")
    assert told["cms-hcc-v28", "238"] == ("counts", "counts")
    c = next(score for score in view.scores if score.part == "C")
    assert c.now is not None
    assert c.then == c.now + view.question["score_change"]
    assert view.question["score_change"] < 0


def test_a_missing_condition_would_be_added(desk: Desk) -> None:
    view = view_of(desk, "CKD-1")
    told = {(c.model, c.hcc): (c.now, c.then) for c in view.conditions}
    assert told["cms-hcc-v28", "328"] == ("not there", "counts")
    assert view.scores[0].then is not None
    assert view.scores[0].now is not None
    assert view.scores[0].then - view.scores[0].now == view.question["score_change"] > Decimal(0)


@pytest.mark.parametrize(
    ("hcc", "dropped_by", "after", "drops", "ours", "expected"),
    [
        ("329", "327", {"329"}, HIERARCHY, {"327": ""}, "counts"),
        ("329", "327", {"328", "329"}, HIERARCHY, {"327": ""}, "displaced by 328"),
        ("329", None, {"328", "329"}, HIERARCHY, {"328": ""}, "displaced by 328"),
        ("223", "223", {"223"}, HIERARCHY, {}, "removed by a rule"),
        # without the model's rules: what displaces it today still does, unless that is the question
        ("329", "327", {"329", "327"}, {}, {}, "displaced by 327"),
        ("329", "327", {"329"}, {}, {"327": ""}, "counts"),
    ],
)
def test_what_becomes_of_an_hcc(
    hcc: str,
    dropped_by: str | None,
    after: set[str],
    drops: dict[str, frozenset[str]],
    ours: dict[str, str],
    expected: str,
) -> None:
    assert _after(hcc, dropped_by, after, drops, ours) == expected


LEADING = (
    "score", "payment", "paid", "risk", "revenue", "dollar", "$", "hcc", "raf", "gap", "please add",
    "please document the diagnosis", "confirm that", "do you agree", "should be coded", "code ",
)  # fmt: skip


@pytest.mark.parametrize("rule", [kind.rule for kind in KINDS])
def test_query_is_open_ended_and_does_not_lead(desk: Desk, rule: str) -> None:
    kind = next(kind for kind in KINDS if kind.rule == rule)
    view = view_of(desk, rule)
    text = provider_query(view.member, view.question, view.evidence, date(2025, 12, 1))
    low = text.lower()
    for words in LEADING:
        assert words not in low, words
    assert "?" in text
    assert "may not be possible to tell" in text
    assert "No particular answer is expected" in text
    assert view.member["member_id"] in text
    for piece in view.evidence:
        assert piece.words in text or kind.direction == "unsupported", "all of the evidence, for and against"
    for _, hcc, label, _ in kind.rows:
        assert label not in text
        assert f" {hcc} " not in text
    for code in kind.codes.split(","):
        assert code not in text
        assert f"{code[:3]}.{code[3:]}" not in text
        if kind.missing and not any(DESCRIPTIONS[code] in piece.words for piece in view.evidence):
            assert DESCRIPTIONS[code].lower() not in low, "a missing condition is not named by us"


def test_query_about_a_coded_condition_names_what_the_claim_lists(desk: Desk) -> None:
    view = view_of(desk, "AUD-SINGLE")
    text = provider_query(view.member, view.question, view.evidence, date(2025, 12, 1))
    assert "A claim with service on 2025-01-24 lists: Rheumatoid arthritis, unspecified." in text
    assert "methotrexate" in text, "what speaks against the question is told, too"


def test_query_without_evidence(desk: Desk) -> None:
    view = replace(view_of(desk, "CKD-1"), evidence=[])
    text = provider_query(view.member, view.question, [], date(2025, 12, 1))
    assert "no single piece of evidence" in text
