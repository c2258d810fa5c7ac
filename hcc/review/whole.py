"""``hcc explain`` as a page: one member on one screen, for the call with the physician."""

from __future__ import annotations

from hcc.results import Explanation, explain
from hcc.results.equation import figure, weight
from hcc.results.explain import Hcc, Model, Status
from hcc.results.explain_text import why_no_conditions
from hcc.results.rule_words import RuleWords
from hcc.review.desk import Desk
from hcc.review.markup import Html, cells, day, joined, number, score, signed, table, tag
from hcc.review.screens import direction_chip
from hcc.worklist.words import dotted, model_words

_MOST = 200  # rows of one kind
_SEX = {"F": "female", "M": "male"}


def whole_member(desk: Desk, member_id: str) -> Html:
    """Everything the results hold about a member. Raises NoSuchMember, ResultsError."""
    told = explain(desk.path, member_id)
    sections = [
        _scores(told),
        _conditions(told),
        _questions(told),
        _uncounted(told),
        _doubts(told),
    ]
    return Html(_who(told) + tag("div", *filter(None, sections), cls="hcc-whole"))


def _who(told: Explanation) -> Html:
    m = told.member
    facts = [
        f"{m['age']} years on 1 February of the payment year" if m.get("age") is not None else "",
        _SEX.get(str(m["sex"]), str(m["sex"])),
        f"born {m['birth_date']}",
        f"original reason for entitlement {m['orec']}",
        "not dual" if m["dual_status"] in (None, "NA", "00") else f"dual status {m['dual_status']}",
        f"{m['part_b_months']} months of Part B in the year before",
        "in an institution for 90 days or longer" if m["long_term_institutional"] else "",
        "in a chronic-condition special needs plan" if m["csnp"] else "",
        "low-income subsidy" if m["low_income_subsidy"] else "",
        "" if m["esrd_status"] in (None, "none") else f"ESRD: {str(m['esrd_status']).replace('_', ' ')}",
        f"contract {m['contract_id']}" if m["contract_id"] else "",
        f"PCP {m['pcp_npi']}" if m["pcp_npi"] else "",
        f"died {m['death_date']}" if m["death_date"] else "",
    ]
    assumed = f"Assumed, because the input did not say: {', '.join(told.assumed)}." if told.assumed else ""
    return tag(
        "div",
        tag("h1", f"Member {m['member_id']}, payment year {told.run['payment_year']}", tabindex="-1",
            id="hcc-whole-heading"),
        tag("p", ", ".join(filter(None, facts)), cls="hcc-quiet"),
        *([tag("p", assumed, cls="hcc-quiet")] if assumed else []),
    )  # fmt: skip


def _scores(told: Explanation) -> Html:
    words = RuleWords(told)
    parts = []
    for part in told.parts:
        doubt = " (a factor is unverified)" if part.unverified else ""
        why = f": {told.reasons.get(part.no_score_reason, part.no_score_reason)}" if part.no_score_reason else ""
        parts.append(tag("h2", f"Part {part.part} risk score {score(part.risk_score)}{doubt}{why}"))
        parts += [
            _status(told, model, s, words) for model in told.models if model.part == part.part for s in model.statuses
        ]
    shown = {part.part for part in told.parts}
    parts += [_status(told, m, s, words) for m in told.models if m.part not in shown for s in m.statuses]
    return tag("section", *parts, cls="hcc-card")


def _status(told: Explanation, model: Model, status: Status, words: RuleWords) -> Html:
    name = model_words(model.model) + (f" {model.calibration}" if model.calibration else "")
    segment = words.segment(model, status.segment) if status.segment else ""
    when = (
        f", {status.first_month:%Y-%m} to {status.last_month:%Y-%m}" if status.first_month and status.last_month else ""
    )
    rows = [
        cells(f.variable, f.label or words.variable(model, f.variable), number(signed(f.coefficient)))
        for f in status.factors
    ]
    steps = (
        ("Raw score", "the sum", status.raw_score),
        (
            "Normalized",
            f"÷ {figure(status.normalization)}" if status.normalization is not None else "",
            status.normalized_score,
        ),
        (
            "Payment score",
            f"× (1 − {figure(status.coding_adjustment)})" if status.coding_adjustment is not None else "",
            status.payment_score,
        ),
    )
    rows += [cells(what, how, number(score(value)), cls="hcc-total") for what, how, value in steps if value is not None]
    reasons = [told.reasons.get(code, code) for code in (status.no_score_reason, status.no_payment_reason) if code]
    share = status.blend_weight
    blend = f"Weight in the blend: {weight(share)}." if share is not None and share != 1 else ""
    notes = [
        *reasons,
        blend,
        "A factor rests on memory or inference, not on a published source." if status.unverified else "",
    ]
    return Html(
        tag("h3", f"{name}, segment {status.segment or 'none'}{f' ({segment})' if segment else ''}{when}")
        + (table(f"Factors of {name}", ("Variable", "In words", ">Adds"), rows) if rows else "")
        + joined(tag("p", note, cls="hcc-small") for note in notes if note)
    )


def _conditions(told: Explanation) -> Html:
    parts: list[Html] = [tag("h2", "Conditions and the diagnoses behind them")]
    words = RuleWords(told)
    models = dict.fromkeys((hcc.model, hcc.calibration) for hcc in told.hccs)
    for model, calibration in models:
        rows = [_condition(hcc, words) for hcc in told.hccs if (hcc.model, hcc.calibration) == (model, calibration)]
        name = model_words(model) + (f" {calibration}" if calibration else "")
        parts += [tag("h3", name), table(f"HCCs in {name}", ("HCC", "Diagnoses on claims", ">Adds"), rows)]
    if not told.hccs:
        parts.append(tag("p", _sentence(why_no_conditions(told, words)), cls="hcc-quiet"))
    return tag("section", *parts, cls="hcc-card")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _condition(hcc: Hcc, words: RuleWords) -> Html:
    if hcc.dropped_by_hcc is None:
        worth = number(signed(hcc.coefficient))
    elif hcc.dropped_by_hcc == hcc.hcc:
        worth = tag("td", f"removed, {words.removal(hcc)}", cls="hcc-small")
    else:
        worth = tag("td", f"displaced by {hcc.dropped_by_hcc}", cls="hcc-small")
    codes = [
        tag("li", tag("b", dotted(code.diagnosis_code)),
            f" {code.description}; {code.claims} claim{'s' if code.claims != 1 else ''}, ",
            day(code.last_date), f" [{code.edit}]" if code.edit else "")
        for code in hcc.codes
    ]  # fmt: skip
    return cells(tag("td", tag("b", hcc.hcc), f" {hcc.label}"), tag("td", tag("ul", *codes, cls="hcc-codes")), worth)


def _questions(told: Explanation) -> Html:
    rows = [
        cells(tag("td", direction_chip(gap["direction"])), gap["label"] or "", gap["reason"] or "",
              gap["strength"] or "", number(signed(gap["score_change"])))
        for gap in told.gaps
    ]  # fmt: skip
    if not rows:
        return tag("section", tag("h2", "Open questions"), tag("p", "None.", cls="hcc-quiet"), cls="hcc-card")
    heads = ("Direction", "Condition", "What was found", "Strength", ">Score")
    return tag("section", tag("h2", "Open questions"), table("Open questions", heads, rows), cls="hcc-card hcc-wide")


def _uncounted(told: Explanation) -> Html:
    if not told.uncounted:
        return Html("")
    rows = [
        cells(tag("td", day(row.thru_date), cls="hcc-day"),
              tag("td", tag("b", dotted(row.diagnosis_code)), f" {row.description}"),
              row.meaning or row.reason, row.hccs, tag("td", row.claim_id, cls="hcc-small"))
        for row in told.uncounted[-_MOST:]
    ]  # fmt: skip
    heads = ("Date", "Diagnosis", "Why not", "Would map to", "Claim")
    return tag(
        "section", tag("h2", "Diagnoses that did not count"), _older(len(told.uncounted)),
        table("Diagnoses that did not count", heads, rows), cls="hcc-card hcc-wide",
    )  # fmt: skip


def _older(rows: int) -> Html:
    """That only the newest rows are shown, where they are more than a page should hold."""
    if rows <= _MOST:
        return Html("")
    return tag("p", f"The newest {_MOST} of {rows:,}; the others are in the table diagnoses.", cls="hcc-quiet")


def _doubts(told: Explanation) -> Html:
    lines = [
        tag("li", f"{day(row['thru_date'])} {dotted(row['diagnosis_code'])}: ",
            "; ".join(told.reasons.get(flag.strip(), flag.strip()) for flag in str(row["flags"]).split(",")))
        for row in told.flagged[-_MOST:]
    ]  # fmt: skip
    lines += [
        tag("li", f"{dotted(edit['diagnosis_code'])} {edit['description']}: ",
            f"moved to HCC {edit['hcc']}" if edit["hcc"] else "does not count",
            f" in {model_words(edit['model'])} ({edit['kind']})")
        for edit in told.edits
    ]  # fmt: skip
    lines += [
        tag("li", told.reasons.get(code.strip(), code.strip()))
        for code in str(told.member.get("data_quality") or "").split(",")
        if code.strip()
    ]
    return (
        tag("section", tag("h2", "Doubts and edits"), _older(len(told.flagged)), tag("ul", *lines), cls="hcc-card hcc-wide")
        if lines
        else Html("")
    )
