"""Which diagnoses on which records count, one record at a time (SPEC 3 and 4, RULINGS 9 to 11).

``decide`` gives for every (claim, code) the set of reasons why it does not count; the empty set means it counts.
It gives *all* reasons: where several apply the documents rank only D > T > H, so the engine may name any of them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from tests.reference.tables import MAPPINGS

INPATIENT = {"11", "41"}
OUTPATIENT = {"12", "13", "43", "71", "73", "76", "77", "85", "87"}
AUDIO_ONLY = {"93", "FQ"}
CODE = re.compile(r"^[A-Z][0-9][0-9A-Z][0-9A-Z]{0,4}$")

# SPEC 1.2; typed in by hand.
DEADLINES = {
    (2024, "initial"): date(2023, 9, 1), (2024, "midyear"): date(2024, 3, 1), (2024, "final"): date(2025, 1, 31),
    (2025, "initial"): date(2024, 9, 6), (2025, "midyear"): date(2025, 3, 7), (2025, "final"): date(2026, 2, 2),
    (2026, "initial"): date(2025, 9, 5), (2026, "midyear"): date(2026, 3, 6), (2026, "final"): date(2027, 2, 1),
    (2027, "initial"): date(2026, 9, 4), (2027, "midyear"): date(2027, 3, 5), (2027, "final"): date(2028, 1, 31),
}  # fmt: skip
FIRST_YEAR_WITHOUT_UNLINKED = 2027
FIRST_YEAR_WITHOUT_AUDIO_ONLY = 2027


def window(payment_year: int, run: str) -> tuple[date, date]:
    """First and last date of service of a run."""
    if run == "initial":
        return date(payment_year - 2, 7, 1), date(payment_year - 1, 6, 30)
    return date(payment_year - 1, 1, 1), date(payment_year - 1, 12, 31)


def code_of(text: str | None) -> str:
    """A diagnosis code as written, without dot, blanks and case (R-4.5)."""
    return re.sub(r"[\s\u00a0]", "", text or "").replace(".", "").upper()


@cache
def procedure_list(service_year: int) -> frozenset[str]:
    """The year's CPT/HCPCS list; a year without one is judged by the nearest (RULINGS 8)."""
    root = MAPPINGS / "eligibility"
    years = [int(folder.name) for folder in root.iterdir() if folder.name.isdigit()]
    nearest = min(years, key=lambda year: (abs(year - service_year), year))
    with (root / str(nearest) / "cpt_hcpcs.csv").open(encoding="utf-8", newline="") as handle:
        return frozenset(row["code"] for row in csv.DictReader(handle))


@cache
def validity() -> dict[str, tuple[date, date]]:
    """First and last day on which a mapped code is valid; a code absent here is not known."""
    found = {}
    for path in sorted((MAPPINGS / "icd10cm").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                first, last = row.get("valid_from") or "0001-01-01", row.get("valid_to") or "9999-12-31"
                found[row["diagnosis_code"]] = (date.fromisoformat(first), date.fromisoformat(last))
    return found


@dataclass
class Record:
    """One submission of one claim: its lines, and its header diagnoses."""

    claim_id: str
    member_id: str
    frequency: str
    record_type: str
    submitted: date | None
    lines: list[Mapping[str, Any]]
    codes: list[str]
    reasons: set[str] = field(default_factory=set)

    @property
    def first(self) -> Mapping[str, Any]:
        return self.lines[0]

    @property
    def accepted(self) -> bool:
        """MAO-002 speaks of lines: a record lives as long as one of its lines was accepted."""
        return any(row.get("accepted") is not False for row in self.lines)

    @property
    def denied(self) -> bool:
        return all(row.get("claim_status") == "denied_administrative" for row in self.lines)

    @property
    def source(self) -> str:
        return self.first.get("source") or "encounter"

    def acts(self) -> bool:
        """Only accepted records change anything (R-3.12)."""
        return self.accepted and not self.denied


def _frequency(row: Mapping[str, Any]) -> str:
    bill = str(row.get("bill_type") or "").strip()
    text = str(row.get("frequency_code") or (bill[-1] if bill else "1")).strip()
    return text if text in ("7", "8") else "1"


def facility_and_class(bill_type: str | None) -> str:
    """First two digits of a type of bill, a leading zero allowed."""
    text = (bill_type or "").strip()
    if len(text) == 4 and text.startswith("0"):
        text = text[1:]
    return text[:2]


def _diagnoses(row: Mapping[str, Any]) -> list[str]:
    listed = [row[f"diagnosis_{i}"] for i in range(1, 26) if row.get(f"diagnosis_{i}")]
    return [*listed, *(row.get("diagnosis_codes") or [])]


def records(rows: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Claim lines grouped into records: same claim, frequency and submission."""
    found: dict[tuple[Any, ...], Record] = {}
    for row in rows:
        frequency = _frequency(row)
        submitted = row.get("submission_date")
        key = (row["claim_id"], frequency, submitted)
        if key not in found:
            kind = row.get("record_type") or "encounter"
            found[key] = Record(row["claim_id"], row["member_id"], frequency, kind, submitted, [], [])
        record = found[key]
        record.lines.append(row)
        for text in _diagnoses(row):
            if text not in record.codes:
                record.codes.append(text)
    return list(found.values())


def line_of_form(row: Mapping[str, Any]) -> str:
    """Which filter a line takes: inpatient, outpatient, professional, dme or other (R-3.3)."""
    if row.get("claim_type"):
        return str(row["claim_type"])
    if not row.get("bill_type"):
        return "professional"
    two = facility_and_class(row["bill_type"])
    return "inpatient" if two in INPATIENT else "outpatient" if two in OUTPATIENT else "other"


def _listed(row: Mapping[str, Any]) -> bool:
    code = str(row.get("hcpcs") or "").strip().upper()
    return code in procedure_list(row["thru_date"].year)


def _audio_only(row: Mapping[str, Any]) -> bool:
    return any(row.get(f"modifier_{i}") in AUDIO_ONLY for i in range(1, 5))


def eligibility(record: Record, payment_year: int, audio_only: str) -> tuple[set[str], list[date]]:
    """Reasons of the record filter, and the dates of service of the lines that let the record through."""
    lines = record.lines
    refused = [row.get("accepted") is False or row.get("claim_status") == "denied_administrative" for row in lines]
    alive = [row for row, out in zip(lines, refused, strict=True) if not out] or lines
    dates = [row["thru_date"] for row in alive]
    form = line_of_form(record.first)
    two = facility_and_class(record.first.get("bill_type"))
    if form == "inpatient":
        return (set() if two in INPATIENT else {"RECORD_INELIGIBLE(T)"}), [max(dates)]
    if form == "outpatient" and two not in OUTPATIENT:
        return {"RECORD_INELIGIBLE(T)"}, [max(dates)]
    if form == "other":
        return {"RECORD_INELIGIBLE(T)", "RECORD_INELIGIBLE(N)"}, [max(dates)]
    if form == "dme":
        return {"RECORD_INELIGIBLE(T)", "RECORD_INELIGIBLE(N)", "RECORD_INELIGIBLE(H)"}, [max(dates)]
    live = [row for row in lines if row.get("accepted") is not False]
    listed = [row for row in live if _listed(row) and row.get("claim_status") != "denied_administrative"]
    excluded = audio_only == "exclude" or payment_year >= FIRST_YEAR_WITHOUT_AUDIO_ONLY
    face_to_face = [row for row in listed if not (excluded and _audio_only(row))]
    if face_to_face:
        return set(), [row["thru_date"] for row in face_to_face]
    return {"AUDIO_ONLY" if listed else "RECORD_INELIGIBLE(H)"}, [max(dates)]


def _allowed(record: Record) -> bool | None:
    """CMS's own verdict where it was given (R-3.1)."""
    flag = str(record.first.get("risk_adjustment_flag") or "").strip().upper()
    return {"A": True, "ALLOWED": True, "Y": True, "1": True,
            "D": False, "DISALLOWED": False, "N": False, "0": False}.get(flag)  # fmt: skip


def _switcher(
    record: Record, organization_by_month: Mapping[tuple[str, date], str | None], own: Mapping[str, str | None]
) -> bool:
    """The member was with another parent organization at the date of service (RULINGS 11)."""
    thru = max(row["thru_date"] for row in record.lines)
    at_service = record.first.get("parent_organization_at_service") or organization_by_month.get(
        (record.member_id, thru.replace(day=1))
    )
    submitting = record.first.get("submitting_organization") or own.get(record.member_id)
    return bool(at_service and submitting and at_service != submitting)


def _targets(record: Record, by_claim: Mapping[str, list[Record]]) -> list[Record]:
    """Records that a replacement or void acts on: the one it names, else what its own claim id said before it."""
    named = record.first.get("original_claim_id")
    others = [other for other in by_claim.get(named or record.claim_id, []) if other is not record]
    if named and named != record.claim_id:
        return others
    return [other for other in others if (other.submitted or date.min) <= (record.submitted or date.min)]


def _late(record: Record, deadline: date) -> bool:
    return record.submitted is not None and record.submitted > deadline


def _reached(record: Record, by_claim: Mapping[str, list[Record]], deadline: date) -> list[Record]:
    """Targets of a record and, where one of them is a late replacement, which left its own target in place, that one too
    (R-3.12: a change speaks for the whole chain)."""
    found = _targets(record, by_claim)
    for other in found:
        if other.frequency == "7" and other.acts() and _late(other, deadline):
            found += [below for below in _targets(other, by_claim) if below is not record and below not in found]
    return found


def _chains(all_records: list[Record], deadline: date) -> tuple[set[int], set[int], dict[int, set[str]]]:
    """Records (by identity) that a replacement superseded or a void withdrew; codes a late replacement took away.

    After the deadline only deletes act (SPEC 1.2): a late replacement adds nothing, but what it no longer says goes.
    """
    by_claim: dict[str, list[Record]] = {}
    for record in all_records:
        by_claim.setdefault(record.claim_id, []).append(record)
    superseded: set[int] = set()
    voided: set[int] = set()
    lost: dict[int, set[str]] = {}
    for record in all_records:
        if record.frequency == "1" or not record.acts():
            continue
        late = _late(record, deadline)
        for other in _reached(record, by_claim, deadline):
            if record.frequency == "8":
                voided.add(id(other))
            elif late:
                gone = set(map(code_of, other.codes)) - set(map(code_of, record.codes))
                lost.setdefault(id(other), set()).update(gone)
            else:
                superseded.add(id(other))
        if record.frequency == "7" and _beaten(record, by_claim, deadline):
            superseded.add(id(record))
    return superseded, voided, lost


def _beaten(record: Record, by_claim: Mapping[str, list[Record]], deadline: date) -> bool:
    """An original of the same number came after a replacement that names no other, in time (RULINGS 10)."""
    if record.submitted is None or (record.first.get("original_claim_id") or record.claim_id) != record.claim_id:
        return False
    return any(
        other.frequency == "1" and other.acts() and other.record_type == record.record_type
        and other.submitted is not None and record.submitted < other.submitted <= deadline
        for other in by_claim[record.claim_id]
    )  # fmt: skip


def _deleted_codes(all_records: list[Record], withdrawn: set[int]) -> dict[int, set[str]]:
    """Codes that live, linked chart-review deletes take from their encounter and from the reviews linked to it."""
    found: dict[int, set[str]] = {}
    for record in all_records:
        linked = record.first.get("linked_claim_id")
        if record.record_type != "chart_review_delete" or not linked or not record.acts():
            continue
        if record.frequency == "8" or id(record) in withdrawn:
            continue
        for other in all_records:
            review = other.record_type == "chart_review" and other.first.get("linked_claim_id") == linked
            if other.member_id == record.member_id and (other.claim_id == linked or review):
                found.setdefault(id(other), set()).update(map(code_of, record.codes))
    return found


def decide(
    claims: Iterable[Mapping[str, Any]],
    programs: Mapping[str, str],
    payment_year: int,
    run: str = "final",
    audio_only: str = "exclude",
    organization_by_month: Mapping[tuple[str, date], str | None] | None = None,
    own_organization: Mapping[str, str | None] | None = None,
) -> dict[tuple[str, str, str], set[str]]:
    """(member, claim, code) to the reasons against it, for members in ``programs`` (member to MA, PACE or none)."""
    all_records = [record for record in records(claims) if record.member_id in programs]
    first_day, last_day = window(payment_year, run)
    deadline = DEADLINES[payment_year, run]
    superseded, voided, lost = _chains(all_records, deadline)
    deleted = _deleted_codes(all_records, superseded | voided)
    decisions: dict[tuple[str, str, str], set[str]] = {}
    for record in all_records:
        reasons = set()
        allowed = _allowed(record)
        against, dates = eligibility(record, payment_year, audio_only)
        if record.source == "raps":
            # The plan filtered RAPS itself; only PACE still sends it (R-3.9, F33).
            against = set() if programs[record.member_id] == "PACE" else {"RAPS"}
        if allowed is False:
            reasons.add("DISALLOWED")
        elif allowed is None:
            reasons |= against
        if not record.accepted:
            reasons.add("NOT_ACCEPTED")
        if record.denied:
            reasons.add("DENIED")
        if record.frequency == "8" or record.record_type == "chart_review_delete":
            reasons.add("ADDS_NOTHING")
        if id(record) in superseded:
            reasons.add("SUPERSEDED")
        if id(record) in voided:
            reasons.add("DELETED")
        if record.submitted is not None and record.submitted > deadline:
            reasons.add("RECORD_INELIGIBLE(D)")
        unlinked = record.record_type == "chart_review" and not record.first.get("linked_claim_id")
        if (
            unlinked
            and payment_year >= FIRST_YEAR_WITHOUT_UNLINKED
            and programs[record.member_id] != "PACE"
            and not _switcher(record, organization_by_month or {}, own_organization or {})
        ):
            reasons.add("UNLINKED_CRR")
        in_window = [day for day in dates if first_day <= day <= last_day]
        if not in_window:
            reasons.add("OUT_OF_WINDOW")
        for text in record.codes:
            code = code_of(text)
            own = set(reasons)
            if not CODE.match(code):
                own.add("INVALID_FORMAT")
            elif code not in validity():
                own.add("NOT_IN_MODEL")
            elif not any(validity()[code][0] <= day <= validity()[code][1] for day in in_window or dates):
                own.add("NOT_VALID_ON_DOS")
            if code in deleted.get(id(record), ()) or code in lost.get(id(record), ()):
                own.add("DELETED")
            key = (record.member_id, record.claim_id, code)
            if key not in decisions or not own:
                decisions[key] = own
            elif decisions[key]:
                decisions[key] |= own
    return decisions
