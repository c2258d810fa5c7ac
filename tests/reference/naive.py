"""The naive reference in one call: members and claims as plain rows in, scores as plain values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.reference.payment import PROGRAMS, blended, normalized_and_paid, programs_of
from tests.reference.person import BadMember, Person, person
from tests.reference.records import decide
from tests.reference.scoring import Score, score
from tests.reference.tables import published

Row = Mapping[str, Any]


@dataclass
class Member:
    """Everything the reference says of one member."""

    who: Person
    scores: dict[tuple[str, str], Score] = field(default_factory=dict)
    paid: dict[tuple[str, str, str], tuple[Decimal, Decimal] | None] = field(default_factory=dict)
    risk_score: dict[str, Decimal] = field(default_factory=dict)


def score_member(
    row: Row, codes: Iterable[str], payment_year: int, mode: str = "cms_python", raps: Iterable[str] = ()
) -> Member:
    """One member through the models of the programme; ``raps`` are codes known from RAPS only (PACE legacy side)."""
    who = person(row, payment_year)
    member = Member(who)
    codes, raps = list(codes), list(raps)
    for part, program in programs_of(who).items():
        parts = []
        for share in PROGRAMS[payment_year].get(program, []):
            try:
                tables = published(share.model, payment_year, share.calibration)
            except LookupError:  # paid by a model that we do not have
                member.scores[share.model, share.calibration] = Score("")
                member.paid[part, share.model, share.calibration] = None
                parts.append((share.weight, None))
                continue
            legacy = (
                program.startswith("PACE")
                and share.model not in ("cms-hcc-v28", "cms-hcc-esrd-v24")
                and (share.calibration in ("", "t", "t2", "a"))
            )
            found = score(who, [*codes, *raps] if legacy else codes, tables, mode)
            if found is None:
                continue
            member.scores[share.model, share.calibration] = found
            paid = None if found.raw is None else normalized_and_paid(found.raw, share)
            member.paid[part, share.model, share.calibration] = paid
            parts.append((share.weight, None if paid is None else paid[1]))
        if parts and all(paid is not None for _, paid in parts):
            member.risk_score[part] = blended([(weight, paid) for weight, paid in parts if paid is not None])
    return member


def score_population(
    members: Iterable[Row], claims: Iterable[Row], payment_year: int, **options: Any
) -> dict[str, Member]:
    """All members that can be scored, by member_id."""
    rows = {}
    for row in members:
        try:
            person(row, payment_year)
        except BadMember:
            continue
        rows[row["member_id"]] = row
    mode = options.pop("mode", "cms_python")
    claims = list(claims)
    programs = {member_id: row.get("program") or "MA" for member_id, row in rows.items()}
    decisions = decide(claims, programs, payment_year, **options)
    source_of = {claim["claim_id"]: claim.get("source") or "encounter" for claim in claims}
    codes: dict[str, set[str]] = {member_id: set() for member_id in rows}
    raps: dict[str, set[str]] = {member_id: set() for member_id in rows}
    for (member_id, claim_id, code), reasons in decisions.items():
        if not reasons:
            (raps if source_of[claim_id] == "raps" else codes)[member_id].add(code)
    return {
        member_id: score_member(row, codes[member_id], payment_year, mode, raps[member_id])
        for member_id, row in rows.items()
    }
