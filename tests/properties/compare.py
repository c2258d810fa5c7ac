"""Engine and reference side by side."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.golden.engine import Answer
from tests.properties.populations import Population
from tests.reference.conditions import hccs_of_code
from tests.reference.naive import Member, score_member
from tests.reference.payment import PROGRAMS, programs_of
from tests.reference.person import BadMember, Person, person
from tests.reference.records import code_of, decide, validity
from tests.reference.scoring import Score, score
from tests.reference.tables import Published, published

# Kidney HCCs pay nothing in ESRD models, and CMS's own tools disagree on listing them (SPEC Corrections).
RENAL = {
    "cms-hcc-esrd-v21": {str(hcc) for hcc in range(134, 142)},
    "cms-hcc-esrd-v24": {str(hcc) for hcc in range(134, 139)},
}
RENAL_VARIABLES = {"CHF_RENAL", "HCC85_gRenal_V24"}

# The engine's words for reasons that the documents do not name.
ALIASES = {
    "RECORD_INELIGIBLE(N)": {"RECORD_INELIGIBLE(N)", "NOT_ACCEPTED", "DENIED", "RAPS", "DISALLOWED"},
    "DELETED": {"DELETED", "ADDS_NOTHING"},
}
EDITS = ("AGE_EDIT", "SEX_EDIT", "MCE_EDIT")
RANKED = ("RECORD_INELIGIBLE(D)", "RECORD_INELIGIBLE(T)", "RECORD_INELIGIBLE(H)")


def without_kidneys(model: str, hccs: Iterable[str]) -> frozenset[str]:
    """HCCs without those whose listing is not settled."""
    return frozenset(hccs) - RENAL.get(model, set())


def factors_without_kidneys(model: str, factors: dict[str, Decimal]) -> dict[str, Decimal]:
    """Factors without the zero ones of kidney HCCs."""
    kidneys = {f"HCC{hcc}" for hcc in RENAL.get(model, ())} | (RENAL_VARIABLES if model in RENAL else set())
    return {name: value for name, value in factors.items() if name not in kidneys}


def difference(model: str, engine: Any, reference: Score) -> str:
    """What differs between two scores of one member, '' where nothing does."""
    faults = []
    if reference.raw is None:
        return "" if engine.raw is None else f"raw {engine.raw} for a member who has none"
    if engine.segment != reference.segment and reference.segment != "TRANSPLANT":
        faults.append(f"segment {engine.segment}, not {reference.segment}")
    ours, theirs = without_kidneys(model, engine.hccs), without_kidneys(model, reference.hccs)
    if ours != theirs:
        faults.append(f"HCCs: engine alone {sorted(ours - theirs)}, reference alone {sorted(theirs - ours)}")
    if engine.raw != reference.raw:
        faults.append(f"raw {engine.raw}, not {reference.raw}")
    mine = factors_without_kidneys(model, engine.factors)
    other = factors_without_kidneys(model, reference.factors)
    if mine != other:
        changed = {name: (mine.get(name), other.get(name)) for name in mine.keys() | other.keys()
                   if mine.get(name) != other.get(name)}  # fmt: skip
        faults.append(f"factors (engine, reference): {changed}")
    return "; ".join(faults)


def score_differences(
    people: Population, answer: Answer, model: str, calibration: str = "", mode: str = "cms_python"
) -> list[str]:
    """Differences in one model for members whose claims all count, codes not valid on their day apart."""
    tables = published(model, people.payment_year, calibration)
    codes: dict[str, list[str]] = {}
    for row in people.claims:
        for code in map(code_of, row["diagnosis_codes"]):
            first, last = validity()[code]
            if first <= row["thru_date"] <= last:
                codes.setdefault(row["member_id"], []).append(code)
    found = []
    for row in people.members:
        who = person(row, people.payment_year)
        expected = score(who, codes.get(row["member_id"], []), tables, mode)
        engine = answer.scored.get((row["member_id"], model, calibration))
        if expected is None:
            if engine is not None:
                found.append(f"{row}: scored as {engine.segment}, but the model has no segment for this member")
        elif engine is None:
            if expected.raw is not None:
                found.append(f"{row}: not scored")
        elif text := difference(model, engine, expected):
            found.append(f"{row} {codes.get(row['member_id'])}: {text}")
    return found


def models_of(people: Population) -> frozenset[tuple[str, str]]:
    """Models by which the programmes of these members pay."""
    found = set()
    for row in people.members:
        try:
            programs = programs_of(person(row, people.payment_year)).values()
        except BadMember:
            continue
        for program in programs:
            shares = PROGRAMS[people.payment_year].get(program, ())
            found |= {(share.model, share.calibration) for share in shares}
    return frozenset(model for model in found if has_tables(*model, people.payment_year))


def has_tables(model: str, calibration: str, payment_year: int) -> bool:
    """Whether we have the tables of a model by which a programme pays."""
    try:
        published(model, payment_year, calibration)
    except LookupError:
        return False
    return True


def decision_differences(
    people: Population, answer: Answer, run: str, audio_only: str
) -> tuple[list[str], dict[tuple[str, str, str], set[str]]]:
    """Differences in which diagnoses count, and the reference's decisions."""
    who = {row["member_id"]: person(row, people.payment_year) for row in people.members}
    expected = decide(
        people.claims, {member_id: one.program for member_id, one in who.items()}, people.payment_year, run, audio_only
    )
    models = [published(model, people.payment_year, calibration) for model, calibration in models_of(people)]
    mapped = frozenset(code for tables in models for code in tables.hccs_of)
    wanted = {key: reasons for key, reasons in expected.items() if key[2] in mapped}
    found = [f"{key}: not in diagnoses ({wanted[key] or 'counts'})" for key in sorted(wanted.keys() - answer.decisions)]
    found += [f"{key}: not expected in diagnoses" for key in sorted(answer.decisions.keys() - wanted.keys())]
    for key in sorted(wanted.keys() & answer.decisions.keys()):
        counted, reason, _ = answer.decisions[key]
        reasons = wanted[key]
        if not reasons and edited_away(key[2], who[key[0]], models):
            if counted or reason not in EDITS:
                found.append(f"{key}: counted={counted} ({reason}), but every model edits it away")
        elif counted != (not reasons):
            found.append(f"{key}: counted={counted} ({reason}), reference {reasons or 'counts it'}")
        elif not counted and not ALIASES.get(reason, {reason}) & reasons:
            found.append(f"{key}: reason {reason}, reference {reasons}")
        elif reason in RANKED and reason != next(ranked for ranked in RANKED if ranked in reasons):
            found.append(f"{key}: reason {reason}, but D outranks T outranks H: {reasons}")
    return found, expected


def edited_away(code: str, who: Person, models: list[Published]) -> bool:
    """Whether age and sex edits leave no HCC of the code in any model that maps it."""
    return not any(hccs_of_code(code, who.sex, who.age, tables) for tables in models)


def payment_differences(
    people: Population, answer: Answer, decisions: dict[tuple[str, str, str], set[str]], mode: str = "cms_python"
) -> list[str]:
    """Differences in every score of the programmes, from the claims that count."""
    raps_claims = {row["claim_id"] for row in people.claims if row.get("source") == "raps"}
    codes: dict[str, list[str]] = {}
    raps: dict[str, list[str]] = {}
    for (member_id, claim_id, code), reasons in decisions.items():
        if not reasons:
            (raps if claim_id in raps_claims else codes).setdefault(member_id, []).append(code)
    found = []
    for row in people.members:
        member_id = row["member_id"]
        try:
            expected = score_member(row, codes.get(member_id, []), people.payment_year, mode, raps.get(member_id, []))
        except BadMember:
            continue
        found += [f"{row} {codes.get(member_id)}: {text}" for text in _member_differences(answer, member_id, expected)]
    return found


def _member_differences(answer: Answer, member_id: str, expected: Member) -> list[str]:
    found = []
    for key, wanted in expected.scores.items():
        engine = answer.scored.get((member_id, *key))
        if engine is None:
            if wanted.raw is not None:
                found.append(f"{key}: no score")
            continue
        if text := difference(key[0], engine, wanted):
            found.append(f"{key}: {text}")
        part = "D" if key[0].startswith("rxhcc") else "C"
        paid = expected.paid[(part, *key)]
        if (engine.normalized, engine.paid) != (paid or (None, None)):
            found.append(f"{key}: normalised and paid {engine.normalized}, {engine.paid}, not {paid}")
    extra = {key[1:] for key in answer.scored if key[0] == member_id} - expected.scores.keys()
    found += [f"{key}: scored, though the programme does not pay by it" for key in sorted(extra)]
    for part in ("C", "D"):
        if answer.risk_score.get((member_id, part)) != expected.risk_score.get(part):
            engine_score = answer.risk_score.get((member_id, part))
            found.append(f"part {part}: risk score {engine_score}, not {expected.risk_score.get(part)}")
    return found
