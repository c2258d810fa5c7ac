"""A question to the clinician, drafted from the evidence: open-ended, without a hint at an answer.

Nothing about payment, score, HCC or candidate code is in it; for a missing condition no condition is named that the
evidence itself does not name. Its reader decides what the findings mean, "nothing" included.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from hcc.review.desk import Row
from hcc.review.member import Piece

_CLOSING = (
    "Please answer from your own clinical judgement, in the record, with the date and your signature. "
    "No particular answer is expected."
)
_KINDS = {
    "claim": "claim",
    "fill": "prescription filled",
    "result": "result",
    "procedure": "service",
    "problem": "problem list",
    "finding": "record review",
}


def provider_query(member: Row, question: Row, evidence: Sequence[Piece], today: date) -> str:
    """The draft, to be read and changed by the coder before it is sent."""
    who = f"Patient: plan member {member['member_id']}"
    if member.get("birth_date"):
        who += f", born {member['birth_date']}"
    lines = [f"Date: {today.isoformat()}", who, ""]
    if question["direction"] == "unsupported":
        lines += _coded(question, evidence)
    else:
        lines += _found(evidence)
    return "\n".join([*lines, "", _CLOSING])


def _coded(question: Row, evidence: Sequence[Piece]) -> list[str]:
    codes = {code.strip() for code in str(question["codes"]).split(",")}
    claims = [piece for piece in evidence if piece.kind == "claim" and piece.stance == "for" and piece.code in codes]
    days = sorted({piece.day.isoformat() for piece in claims if piece.day})
    named = "; ".join(words.partition(" ")[2] or words for words in question["codes_in_words"])
    if len(days) > 1:
        listed, when = f"Claims with service on {', '.join(days)} list: {named}.", "on those days of service"
    else:
        listed = f"A claim{f' with service on {days[0]}' if days else ''} lists: {named}."
        when = "on that day of service"
    others = [piece for piece in evidence if piece not in claims]
    return [
        listed,
        *(["", "Also in the data:", *_lines(others)] if others else []),
        "",
        f"How would you describe the patient's condition {when}, and what was done about it, if anything? "
        "It may have been present, past, suspected or absent, or it may not be possible to tell.",
    ]


def _found(evidence: Sequence[Piece]) -> list[str]:
    return [
        "The following is in the data of claims, pharmacy and laboratory:",
        *_lines(evidence),
        "",
        "What do these findings mean for the patient, in your judgement, and what is the present state of whatever you "
        "find? They may have no clinical significance, or it may not be possible to tell.",
    ]


def _lines(evidence: Sequence[Piece]) -> list[str]:
    """A line for each piece; of a claim only the diagnosis, because where it was billed is nothing to the question."""
    lines = []
    for piece in sorted(evidence, key=lambda piece: (piece.day or date.min, piece.words)):
        if piece.kind == "absence":
            line = f"- {piece.words}"
        else:
            day = f"{piece.day.isoformat()}, " if piece.day else ""
            value = f": {piece.value}" if piece.value and piece.kind != "claim" else ""
            line = f"- {day}{_KINDS.get(piece.kind, piece.kind)}: {piece.words}{value}"
        if line not in lines:
            lines.append(line)
    return lines or ["- (no single piece of evidence is recorded)"]
