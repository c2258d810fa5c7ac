"""One member for the page: who, what happened when, the HCCs and scores as they are and as they would be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from hcc.errors import HccError
from hcc.review.desk import Desk, Row

_DIAGNOSES_KINDS = ("claim", "problem", "finding")
STANCES = ("for", "against", "context")
LANES = {"claim": "Claims", "fill": "Fills", "result": "Results", "other": "Other"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of evidence, as the results tell it."""

    stance: str
    kind: str
    day: date | None
    code: str
    words: str
    value: str
    claim_id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``stance`` is "" where it is no evidence of the question on the screen."""

    day: date | None
    lane: str
    kind: str
    words: str
    value: str
    stance: str
    detail: str
    claim_id: str


@dataclass(frozen=True, slots=True)
class Condition:
    """An HCC of the member in one model, as it is and as it would be if the question were acted on."""

    model: str
    hcc: str
    label: str
    now: str
    then: str
    coefficient: Decimal | None

    @property
    def changes(self) -> bool:
        """Whether the question changes it."""
        return self.now != self.then


@dataclass(frozen=True, slots=True)
class Score:
    """A part's risk score: now, with this question acted on, and with all open gaps of each direction."""

    part: str
    now: Decimal | None
    then: Decimal | None
    all_unsupported: Decimal | None
    all_missing: Decimal | None


@dataclass(frozen=True)
class MemberView:
    """Everything the screen shows of a member beside one question."""

    member: Row
    question: Row
    questions: list[Row]
    evidence: list[Piece]
    events: list[Event]
    conditions: list[Condition]
    scores: list[Score]
    history: list[Row] = field(default_factory=list)

    def seen(self) -> Row:
        """What was on the screen, for the record of a decision."""
        return {
            "evidence": len(self.evidence),
            **{stance: sum(piece.stance == stance for piece in self.evidence) for stance in STANCES},
            "timeline": len(self.events),
            "score_change": self.question["score_change"],
            "strength": self.question["strength"],
            "status": self.question["status"],
        }


def member_view(desk: Desk, question_id: str) -> MemberView | None:
    """Read one question and its member; None where the results no longer have the question."""
    question = desk.question(question_id)
    if question is None:
        return None
    who = question["member_id"]
    members = desk.rows("SELECT * FROM members WHERE member_id = $member", member=who)
    pieces = _evidence(desk, question_id)
    return MemberView(
        member=members[0] if members else {"member_id": who},
        question=question,
        questions=desk.questions_of(who),
        evidence=pieces,
        events=_events(desk, who, pieces),
        conditions=_conditions(desk, who, question),
        scores=_scores(desk, who, question_id),
        history=desk.history(question_id),
    )


def _evidence(desk: Desk, question_id: str) -> list[Piece]:
    """Evidence of all gaps of the question; the same piece behind two models is shown once."""
    rows = desk.rows(
        """SELECT e.stance::VARCHAR AS stance, e.kind::VARCHAR AS kind, e.evidence_date, e.code, e.description, e.value,
          e.claim_id, w.words, min(e.evidence_number) AS n
        FROM gap_evidence e LEFT JOIN described w ON w.code = e.code
        WHERE e.gap_id IN (SELECT gap_id FROM question_gaps WHERE question = $question)
        GROUP BY ALL ORDER BY evidence_date DESC NULLS FIRST, n""",
        question=question_id,
    )
    return [_piece(row) for row in rows]


def _piece(row: Mapping[str, Any]) -> Piece:
    """A diagnosis is called by its name; what else the rule says of it is the note."""
    said, named = row["description"] or "", (row["words"] or "") if row["kind"] in _DIAGNOSES_KINDS else ""
    apart = bool(named) and named not in said
    return Piece(
        stance=row["stance"] or "context",
        kind=row["kind"] or "",
        day=row["evidence_date"],
        code=row["code"] or "",
        words=(named if apart else said) or row["code"] or "",
        value=row["value"] or "",
        claim_id=row["claim_id"] or "",
        note=said if apart else "",
    )


def _events(desk: Desk, member_id: str, evidence: list[Piece]) -> list[Event]:
    """Diagnoses on claims and everything that is evidence of any question, newest first, each once."""
    stance_of = {(piece.kind, piece.day, piece.words, piece.value): piece.stance for piece in evidence}
    on_claim = {(piece.claim_id, piece.code): piece.stance for piece in evidence if piece.claim_id}
    events: dict[tuple[object, ...], Event] = {}
    for row in desk.rows(_DIAGNOSES, member=member_id):
        stance = on_claim.get((row["claim_id"], row["diagnosis_code"]), "")
        words = f"{_dotted(row['diagnosis_code'])} {row['description']}"
        detail = "counted" if row["counted"] else f"not counted: {row['meaning'] or row['reason']}"
        about = [row["claim_type"] or "", "" if row["record_type"] == "encounter" else str(row["record_type"])]
        told = ", ".join([" ".join(filter(None, about)).replace("_", " "), detail])
        events[row["claim_id"], row["diagnosis_code"]] = Event(
            row["thru_date"], "claim", "claim", words, "", stance, told, row["claim_id"]
        )
    for piece in (_piece(row) for row in desk.rows(_OTHERS, member=member_id)):
        if piece.kind == "absence" or (piece.claim_id, piece.code) in events:
            continue
        stance = stance_of.get((piece.kind, piece.day, piece.words, piece.value), "")
        lane = piece.kind if piece.kind in LANES else "other"
        key = (piece.kind, piece.day, piece.words, piece.value)
        events.setdefault(key, Event(piece.day, lane, piece.kind, piece.words, piece.value, stance, "", piece.claim_id))
    return _by_claim(events.values())


def _by_claim(events: Iterable[Event]) -> list[Event]:
    """Newest first; diagnoses of one claim that are alike in everything else are one event."""
    alike: dict[tuple[object, ...], list[Event]] = {}
    for number, event in enumerate(events):
        together = (event.claim_id, event.detail) if event.kind == "claim" and event.claim_id else (number,)
        alike.setdefault((event.day, event.lane, event.kind, event.stance, *together), []).append(event)
    merged = [replace(same[0], words="; ".join(sorted(event.words for event in same))) for same in alike.values()]
    return sorted(merged, key=lambda event: (event.day or date.min, event.lane, event.words), reverse=True)


_DIAGNOSES = """
SELECT d.thru_date, d.diagnosis_code::VARCHAR AS diagnosis_code, coalesce(w.words, '') AS description,
  d.claim_id, d.claim_type::VARCHAR AS claim_type, d.record_type::VARCHAR AS record_type, d.counted,
  d.reason::VARCHAR AS reason, r.meaning
FROM diagnoses d
LEFT JOIN reasons r ON r.reason = d.reason::VARCHAR
LEFT JOIN described w ON w.code = d.diagnosis_code::VARCHAR
WHERE d.member_id = $member"""
_OTHERS = """
SELECT DISTINCT e.stance::VARCHAR AS stance, e.kind::VARCHAR AS kind, e.evidence_date, e.code, e.description,
  e.value, e.claim_id, w.words
FROM gap_evidence e LEFT JOIN described w ON w.code = e.code
WHERE e.gap_id IN (SELECT gap_id FROM gaps WHERE member_id = $member)"""


def _scores(desk: Desk, member_id: str, question_id: str) -> list[Score]:
    applied = {
        (row["part"], row["direction"]): row["risk_score_applied"]
        for row in desk.rows(
            """SELECT part::VARCHAR AS part, direction::VARCHAR AS direction, risk_score_applied FROM member_gaps
            WHERE member_id = $member""",
            member=member_id,
        )
    }
    change = {
        row["part"]: row["part_change"]
        for row in desk.rows(
            "SELECT DISTINCT part, part_change FROM question_gaps WHERE question = $question", question=question_id
        )
    }
    scores = []
    for row in desk.rows(
        "SELECT part::VARCHAR AS part, risk_score FROM member_scores WHERE member_id = $member ORDER BY part",
        member=member_id,
    ):
        part, now = row["part"], row["risk_score"]
        then = None if now is None else now + (change.get(part) or 0)
        scores.append(Score(part, now, then, applied.get((part, "unsupported")), applied.get((part, "missing"))))
    return scores


def _conditions(desk: Desk, member_id: str, question: Row) -> list[Condition]:
    """HCCs by model. "then" follows the model's hierarchy; where its rules are not at hand, only the question's own HCC
    changes. An HCC that rests on other counted codes, too, stays."""
    rows = desk.rows(
        """SELECT h.model::VARCHAR AS model, h.calibration::VARCHAR AS calibration, h.hcc::VARCHAR AS hcc, l.label,
          h.dropped_by_hcc::VARCHAR AS dropped_by, h.coefficient
        FROM member_hccs h
        LEFT JOIN hccs l ON l.model::VARCHAR = h.model::VARCHAR AND l.calibration::VARCHAR = h.calibration::VARCHAR
          AND l.hcc::VARCHAR = h.hcc::VARCHAR
        WHERE h.member_id = $member ORDER BY model, try_cast(h.hcc::VARCHAR AS INTEGER)""",
        member=member_id,
    )
    asked = desk.rows(
        """SELECT g.model::VARCHAR AS model, g.calibration::VARCHAR AS calibration, g.hcc::VARCHAR AS hcc, g.label
        FROM gaps g JOIN question_gaps q USING (gap_id)
        WHERE q.question = $question AND coalesce(g.hcc::VARCHAR, '') <> ''""",
        question=question["question"],
    )
    unsupported = question["direction"] == "unsupported"
    kept = _other_codes(desk, member_id, question) if unsupported else set()
    found: list[Condition] = []
    models = sorted({(row["model"], row["calibration"] or "") for row in (*rows, *asked)})
    for model, calibration in models:
        mine = [row for row in rows if (row["model"], row["calibration"] or "") == (model, calibration)]
        ours = {
            row["hcc"]: row["label"]
            for row in asked
            if (row["model"], row["calibration"] or "") == (model, calibration)
        }
        found += _of_model(
            model, mine, ours, unsupported, kept, _drops(model, desk.run.get("payment_year"), calibration)
        )
    return found


def _of_model(
    model: str,
    rows: list[Row],
    ours: dict[str, str],
    unsupported: bool,
    kept: set[tuple[str, str]],
    drops: Mapping[str, frozenset[str]],
) -> list[Condition]:
    present = {row["hcc"] for row in rows}
    removed = {hcc for hcc in ours if unsupported and (model, hcc) not in kept}
    after = (present - removed) | (set() if unsupported else set(ours))
    conditions = []
    for row in rows:
        now = "counts" if row["dropped_by"] is None else _dropped(row["dropped_by"], row["hcc"])
        then = "removed" if row["hcc"] in removed else _after(row["hcc"], row["dropped_by"], after, drops, ours)
        conditions.append(Condition(model, row["hcc"], row["label"] or "", now, then, row["coefficient"]))
    for hcc in sorted(set(ours) - present, key=lambda text: (len(text), text)):
        if not unsupported:
            then = _after(hcc, None, after, drops, ours)
            conditions.append(Condition(model, hcc, ours[hcc] or "", "not there", then, None))
    return conditions


def _after(
    hcc: str, dropped_by: str | None, after: set[str], drops: Mapping[str, frozenset[str]], ours: Mapping[str, str]
) -> str:
    """What becomes of an HCC among the HCCs ``after`` the question was acted on."""
    if dropped_by == hcc:
        return _dropped(dropped_by, hcc)
    by = sorted((other for other in after if hcc in drops.get(other, ())), key=lambda text: (len(text), text))
    if by:
        return _dropped(by[0], hcc)
    if dropped_by is not None and not drops and dropped_by not in ours:
        return _dropped(dropped_by, hcc)
    return "counts"


def _dropped(by: str, hcc: str) -> str:
    return "removed by a rule" if by == hcc else f"displaced by {by}"


def _other_codes(desk: Desk, member_id: str, question: Row) -> set[tuple[str, str]]:
    """(model, HCC) that rest on counted codes besides the ones in question."""
    codes = [code.strip() for code in str(question["codes"]).split(",") if code.strip()]
    rows = desk.rows(
        """SELECT DISTINCT model::VARCHAR AS model, hcc::VARCHAR AS hcc FROM hcc_diagnoses
        WHERE member_id = $member AND NOT list_contains($codes, diagnosis_code::VARCHAR)""",
        member=member_id,
        codes=codes,
    )
    return {(row["model"], row["hcc"]) for row in rows}


@lru_cache(maxsize=32)
def _drops(model: str, payment_year: int | None, calibration: str) -> Mapping[str, frozenset[str]]:
    """HCC → the HCCs that it displaces; empty where the model's rules are not at hand."""
    from hcc.rules.ruleset import load_rules

    if payment_year is None:
        return {}
    try:
        table = load_rules(model, payment_year, calibration=calibration or None).tables["hierarchies"]
    except (HccError, KeyError):
        return {}
    found: dict[str, set[str]] = {}
    for hcc, dropped in table.select("hcc", "drops_hcc").iter_rows():
        found.setdefault(str(hcc), set()).add(str(dropped))
    return {hcc: frozenset(dropped) for hcc, dropped in found.items()}


def _dotted(code: str) -> str:
    from hcc.worklist.words import dotted

    return dotted(code)


def lanes_of(events: Iterable[Event]) -> list[str]:
    """The lanes that have events, in their order."""
    present = {event.lane for event in events}
    return [lane for lane in LANES if lane in present]
