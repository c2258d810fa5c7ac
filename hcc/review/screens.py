"""What the member's screen shows, as markup: the list of questions, the question with its evidence, scores and HCCs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from hcc.review.desk import Row
from hcc.review.markup import Html, cells, day, dollars, joined, number, score, signed, table, tag
from hcc.review.member import Condition, MemberView, Piece, Score
from hcc.review.timeline import timeline
from hcc.worklist.decisions import decisions
from hcc.worklist.words import DIRECTIONS, dotted, model_words

_SEX = {"F": "female", "M": "male"}
_WORDS = {decision.name: decision.words for decision in decisions()}


def decision_words(name: str | None) -> str:
    """A decision in words; empty for none."""
    return _WORDS.get(name or "", name or "")


def rule_words(row: Row) -> str:
    """The rule's id with its title, where it has one."""
    return str(row["rule_id"]) if row["rule"] == row["rule_id"] else f"{row['rule_id']}: {row['rule']}"


def direction_chip(direction: str) -> Html:
    """The direction in words, in its colour."""
    return tag("span", DIRECTIONS.get(direction, direction), cls=f"hcc-chip hcc-{direction}")


def who(view: MemberView) -> Html:
    """The line above the member's screen."""
    member = view.member
    facts = [
        f"{member['age']} years" if member.get("age") is not None else "",
        _SEX.get(str(member.get("sex")), ""),
        f"born {member['birth_date']}" if member.get("birth_date") else "",
        f"contract {member['contract_id']}" if member.get("contract_id") else "",
        f"PCP {member['pcp_npi']}" if member.get("pcp_npi") else "",
        "" if member.get("dual_status") in (None, "NA", "00") else f"dual status {member['dual_status']}",
        "" if member.get("esrd_status") in (None, "none") else f"ESRD: {str(member['esrd_status']).replace('_', ' ')}",
        f"died {member['death_date']}" if member.get("death_date") else "",
    ]
    return Html(
        tag("h1", f"Member {member['member_id']}", tabindex="-1", id="hcc-heading")
        + tag("span", ", ".join(filter(None, facts)), cls="hcc-quiet")
    )


def questions_list(view: MemberView) -> Html:
    """The member's questions as buttons; the one on the screen is marked."""
    items: dict[bool, list[Html]] = {True: [], False: []}
    here_open = True
    for row in view.questions:
        here = row["question"] == view.question["question"]
        state = decision_words(row["decision"]) or ("" if row["status"] == "open" else row["status"])
        button = tag(
            "button",
            tag("span", DIRECTIONS.get(row["direction"], ""), cls=f"hcc-small hcc-text-{row['direction']}"),
            tag("b", row["label"] or row["rule"]),
            tag("span", f"{row['rule_id']}, {row['strength']}, {signed(row['score_change'])}", cls="hcc-small"),
            tag("span", state, cls="hcc-state") if state else "",
            type="button",
            data_open=row["question"],
            cls="hcc-question",
            aria_current="true" if here else None,
        )
        items[row["status"] == "open"].append(tag("li", button))
        if here:
            here_open = row["status"] == "open"
    listed = tag("ul", *items[True], cls="hcc-questions") if items[True] else Html("")
    if not items[False]:
        return listed
    words = tag("summary", f"Not open: {len(items[False])}")
    rest = tag("details", words, tag("ul", *items[False], cls="hcc-questions"), open=None if here_open else "")
    return Html(listed + rest)


def question_card(view: MemberView, rule: dict[str, str], *, token: str, only_evidence: bool, until: date) -> Html:
    """The question: what was found, the codes, what would confirm it, the evidence on both sides, the timeline."""
    row = view.question
    found = [piece for piece in view.evidence if piece.stance == "for"]
    against = [piece for piece in view.evidence if piece.stance == "against"]
    context = [piece for piece in view.evidence if piece.stance not in ("for", "against")]
    parts = [
        tag("div", direction_chip(row["direction"]),
            tag("span", f"{row['strength']} strength", cls="hcc-chip hcc-plain"),
            *([tag("span", row["status"], cls="hcc-chip hcc-plain")] if row["status"] != "open" else []),
            tag("span", rule_words(row), cls="hcc-quiet"), cls="hcc-chips"),
        tag("h2", row["label"] or row["rule"], id="hcc-condition"),
        tag("p", row.get("reason"), cls="hcc-reason"),
        _facts(row),
        _help(rule),
        tag("div", _pieces("Evidence for the question", "for", found),
            _pieces("Evidence against it", "against", against), cls="hcc-sides"),
    ]  # fmt: skip
    if context:
        parts.append(_pieces("Context", "context", context))
    shown = "evidence of this question only" if only_evidence else "everything about the member"
    toggle = tag(
        "button", tag("kbd", "e"), " Show everything" if only_evidence else " Only this question", type="button",
        data_key="e", cls="hcc-link",
    )  # fmt: skip
    parts.append(tag("h3", f"Timeline: {shown} ", toggle))
    parts.append(timeline(view.events, until, only_evidence=only_evidence))
    return tag("article", *parts, data_shown=token, aria_labelledby="hcc-condition", cls="hcc-card")


def _facts(row: Row) -> Html:
    hccs = joined(
        (f"{model_words(text.split(' ')[0])} HCC {text.partition(' ')[2]}" for text in dict.fromkeys(row["hccs"])), ", "
    )
    codes = [tag("span", words, cls="hcc-code") for words in row["codes_in_words"]]
    facts = [
        ("Codes in question", joined(codes, " ")),
        ("HCC", hccs),
        ("Last evidence", day(row["last_evidence_date"])),
        ("Last visit", day(row["last_visit"])),
        ("Return by", day(row["due_on"])),
        ("Priority", f"{row['priority']:.1f}"),
    ]
    return tag(
        "dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value), cls="hcc-facts"
    )


def _help(rule: dict[str, str]) -> Html:
    lines = [("To confirm", "to_confirm"), ("May be false", "may_be_false"), ("Source of the rule", "citation")]
    shown = [tag("div", tag("dt", name), tag("dd", rule[key])) for name, key in lines if rule.get(key)]
    return tag("dl", *shown, cls="hcc-help") if shown else Html("")


def _pieces(heading: str, stance: str, pieces: Sequence[Piece]) -> Html:
    rows = []
    for piece in pieces:
        when = "looked for" if piece.kind == "absence" and piece.day is None else f"{day(piece.day)} {piece.kind}"
        code = dotted(piece.code) if piece.kind in ("claim", "problem", "finding") else piece.code
        detail = ", ".join(filter(None, (piece.note, code, f"claim {piece.claim_id}" if piece.claim_id else "")))
        rows.append(
            tag("li", tag("span", when, cls="hcc-small"),
                tag("span", piece.words, *([tag("b", f" {piece.value}")] if piece.value else [])),
                *([tag("span", detail, cls="hcc-small")] if detail else []))
        )  # fmt: skip
    body = tag("ul", *rows) if rows else tag("p", "None in the data given.", cls="hcc-quiet")
    return tag("section", tag("h3", f"{heading} ({len(pieces)})"), body, cls=f"hcc-side hcc-side-{stance}")


def scores_card(view: MemberView) -> Html:
    """Scores and HCCs, as they are and as they would be."""
    row = view.question
    yearly = f", {dollars(row['dollar_change'])} a year" if row["dollar_change"] is not None else ""
    worth = tag("b", f"{signed(row['score_change'])}{yearly}", cls="hcc-day")
    return tag(
        "section",
        tag("h2", "Scores, now and if acted on"),
        _scores(view.scores),
        tag("p", "This question changes the score by ", worth, ".", cls="hcc-small"),
        tag("h2", "HCCs, now and if acted on"),
        _conditions(view.conditions),
        cls="hcc-scores",
    )


def _scores(scores: Sequence[Score]) -> Html:
    rows = [
        cells(tag("th", s.part, scope="row"), number(score(s.now)), number(tag("b", score(s.then))),
              number(score(s.all_unsupported)), number(score(s.all_missing)))
        for s in scores
    ]  # fmt: skip
    heads = ("Part", ">Now", ">This one", ">All coded", ">All missing")
    return table("Risk scores: now, with this question acted on, with all open questions of a direction", heads, rows)


def _conditions(conditions: Sequence[Condition]) -> Html:
    rows: list[Html] = []
    model = ""
    for found in conditions:
        if found.model != model:
            model = found.model
            rows.append(tag("tr", tag("td", model_words(model), colspan="3"), cls="hcc-model"))
        what = tag("td", tag("b", found.hcc), f" {found.label}")
        then = tag("td", found.then if found.changes else "same", cls="hcc-changed" if found.changes else "hcc-quiet")
        rows.append(cells(what, found.now, then, cls="hcc-row-changed" if found.changes else None))
    if not rows:
        return tag("p", "No HCC.", cls="hcc-quiet")
    return table("HCCs: now, and if this question is acted on", ("HCC", "Now", "Then"), rows, "hcc-conditions")


def history_list(history: Sequence[Row]) -> Html:
    """Decisions on the question so far, the latest first."""
    if not history:
        return tag("p", "Nobody has decided this question.", cls="hcc-quiet")
    items = []
    for row in history:
        said = [
            tag("b", decision_words(row["decision"])),
            f" by {row['reviewer']}, {row['decided_at']:%Y-%m-%d %H:%M} UTC",
        ]
        more = [tag("span", extra, cls="hcc-small hcc-note") for extra in (row["reason"], row["note"]) if extra]
        items.append(tag("li", *said, *more))
    return tag("ol", *items, cls="hcc-history")
