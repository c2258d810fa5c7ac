"""Chapter: what is wrong with the input, and what it may cost."""

from __future__ import annotations

from typing import Any

from hcc.report.cells import SMALLEST, Row, about, dollars, score, share, signed
from hcc.report.charts import Bar, bars
from hcc.report.html import Html, details, joined, listed, section, table, tag
from hcc.report.source import Source

_CODES_LISTED = 20
_QUALITY = "SELECT kind, reason, meaning, rows FROM data_quality WHERE kind = $kind ORDER BY rows DESC, reason"
_REJECTED = """
SELECT r."table"::VARCHAR AS source, r.reason::VARCHAR AS reason, any_value(w.meaning) AS meaning, count(*) AS rows
FROM rejected_rows r LEFT JOIN reasons w ON w.reason = r.reason::VARCHAR
GROUP BY ALL ORDER BY rows DESC, source, reason"""
_TYPICAL = """
SELECT avg(s.risk_score) AS score, avg(s.risk_score * m.monthly_benchmark * s.payable_months) AS dollars
FROM member_scores s JOIN members m USING (member_id) WHERE s.part::VARCHAR = 'C' AND s.risk_score IS NOT NULL"""
# HCCs that a diagnosis which did not count would have given: worth their mean coefficient in this population, on the
# member's way from raw to payment score. HCCs the member has anyway, or that one of theirs displaces, are left out.
_STAKE = """
WITH placed AS (
  SELECT member_id, part::VARCHAR AS part, model::VARCHAR AS model, calibration::VARCHAR AS calibration,
    arg_max(program::VARCHAR, coalesce(month, DATE '1900-01-01')) AS program,
    arg_max(segment::VARCHAR, coalesce(month, DATE '1900-01-01')) AS segment
  FROM scores WHERE raw_score IS NOT NULL GROUP BY ALL
), uses AS (
  SELECT DISTINCT model::VARCHAR AS model, calibration::VARCHAR AS calibration, segment::VARCHAR AS segment
  FROM factors WHERE regexp_matches(variable::VARCHAR, '^(RX)?HCC[0-9]+$')
), worth AS (
  SELECT model::VARCHAR AS model, calibration::VARCHAR AS calibration, hcc::VARCHAR AS hcc,
    avg(coefficient) AS coefficient
  FROM member_hccs WHERE coefficient IS NOT NULL GROUP BY ALL
), have AS (
  SELECT member_id, model::VARCHAR AS model, calibration::VARCHAR AS calibration, hcc::VARCHAR AS hcc FROM member_hccs
), below AS (
  SELECT DISTINCT h.model, h.calibration, h.hcc AS above, m.hcc::VARCHAR AS hcc
  FROM have h JOIN member_hccs m ON m.model::VARCHAR = h.model AND m.calibration::VARCHAR = h.calibration
    AND m.member_id = h.member_id AND m.dropped_by_hcc::VARCHAR = h.hcc
), had AS (
  SELECT * FROM have UNION
  SELECT h.member_id, h.model, h.calibration, b.hcc
  FROM have h JOIN below b ON b.model = h.model AND b.calibration = h.calibration AND b.above = h.hcc
), lost AS (
  SELECT DISTINCT d.reason::VARCHAR AS reason, d.member_id, m.model::VARCHAR AS model,
    m.calibration::VARCHAR AS calibration, m.hcc::VARCHAR AS hcc
  FROM diagnoses d JOIN diagnosis_hccs m ON m.diagnosis_code = d.diagnosis_code WHERE NOT d.counted
), stake AS (
  SELECT l.reason, l.member_id, p.part,
    w.coefficient * (1 - f.coding_adjustment) / f.normalization * f.blend_weight AS change
  FROM lost l JOIN placed p USING (member_id, model, calibration)
  JOIN uses u ON u.model = p.model AND u.calibration = p.calibration AND u.segment = p.segment
  ANTI JOIN had h ON h.member_id = l.member_id AND h.model = l.model AND h.calibration = l.calibration AND h.hcc = l.hcc
  LEFT JOIN worth w ON w.model = l.model AND w.calibration = l.calibration AND w.hcc = l.hcc
  LEFT JOIN payment_factors f ON f.program::VARCHAR = p.program AND f.part::VARCHAR = p.part
    AND f.model::VARCHAR = p.model AND f.calibration::VARCHAR = p.calibration
)
SELECT reason, count(DISTINCT s.member_id) AS members, sum(change) FILTER (WHERE s.part = 'C') AS score_c,
  sum(change) FILTER (WHERE s.part = 'D') AS score_d,
  sum(change * m.monthly_benchmark * y.payable_months) FILTER (WHERE s.part = 'C') AS dollars
FROM stake s JOIN members m USING (member_id)
LEFT JOIN member_scores y ON y.member_id = s.member_id AND y.part::VARCHAR = s.part
GROUP BY reason"""
_UNCOUNTED = """
SELECT d.reason::VARCHAR AS reason, any_value(w.meaning) AS meaning, count(*) AS diagnoses,
  count(DISTINCT d.member_id) AS members
FROM diagnoses d LEFT JOIN reasons w ON w.reason = d.reason::VARCHAR WHERE NOT d.counted
GROUP BY d.reason ORDER BY diagnoses DESC, 1"""
_CODES = """
SELECT diagnosis_code, reason, description, rows, members FROM (
  SELECT diagnosis_code, reason::VARCHAR AS reason, description, rows, members FROM unmapped_codes
  WHERE reason::VARCHAR IN ('NOT_VALID_ON_DOS', 'UNKNOWN_CODE', 'INVALID_FORMAT')
  UNION ALL
  SELECT d.diagnosis_code::VARCHAR, 'NOT_VALID_ON_DOS', any_value(w.description), count(*), count(DISTINCT d.member_id)
  FROM diagnoses d LEFT JOIN (SELECT DISTINCT diagnosis_code, description FROM diagnosis_hccs) w
    ON w.diagnosis_code = d.diagnosis_code
  WHERE d.reason::VARCHAR = 'NOT_VALID_ON_DOS' GROUP BY ALL
) ORDER BY members DESC, rows DESC, diagnosis_code"""
_CODE_WORDS = {
    "NOT_VALID_ON_DOS": "not valid on the date of service",
    "UNKNOWN_CODE": "in no release at hand",
    "INVALID_FORMAT": "not the shape of an ICD-10-CM code",
}
# Count in claim_forms → the count it is a share of, and words; 837P and 837I are the claim forms.
_FORMS = {
    "professional_with_12": ("professional", "Professional claims with exactly 12 diagnoses, all that an 837P holds"),
    "facility_with_25": ("facility", "Facility claims with exactly 25 diagnoses, all that an 837I holds"),
    "facility_without_bill_type": (
        "facility", "Facility claims without type of bill: the claim type given decided whether they count",
    ),
    "professional_without_procedure": (
        "professional", "Professional claims without any procedure code: their diagnoses cannot count",
    ),
    "outpatient_without_procedure": (
        "outpatient", "Outpatient facility claims without any procedure code: their diagnoses cannot count",
    ),
    "claims_that_end_before_they_begin": (
        "claims", "Claims with a from_date after the thru_date: the thru_date was taken as the day of service",
    ),
}  # fmt: skip


def quality(source: Source) -> Html:
    """The chapter."""
    return section(
        "quality", "Data quality and what it may cost", _set_aside(source), _not_counted(source), _forms(source),
        _codes(source), _doubts(source),
    )  # fmt: skip


def _set_aside(source: Source) -> Html:
    rows = source.rows(_REJECTED)
    if not rows:
        return joined((tag("h3", "Rows set aside"), tag("p", "Every input row could be used.")))
    of_members = sum(row["rows"] for row in rows if row["source"] == "members")
    told = f"Input rows that could not be used: {source.cells.count(sum(row['rows'] for row in rows))}."
    if of_members:
        told += f" Of them member rows, so that a member may have no score: {source.cells.count(of_members)}."
    content = [tag("h3", "Rows set aside"), tag("p", told)]
    typical = source.one(_TYPICAL)
    if of_members and typical["score"] is not None and not source.cells.hides(of_members):
        worth = f"about {score(typical['score'] * of_members)} in Part C score"
        if typical["dollars"] is not None:
            worth += f", {about(typical['dollars'] * of_members)} a year"
        content.append(tag("p", f"If each were a member like the others, they would be {worth}.", cls="note"))
    counts = source.cells.masked([row["rows"] for row in rows])
    body = [
        [row["reason"], row["meaning"], row["source"], source.cells.masked_cells(row["rows"], few)[0]]
        for row, few in zip(rows, counts, strict=True)
    ]
    headings = ["Reason", "In words", "Input", "Rows"]
    behind = table("Rows set aside, by reason", headings, body, words=["In words", "Input"])
    return joined([*content, details("Reasons", behind)])


def _not_counted(source: Source) -> Html:
    rows = source.rows(_UNCOUNTED)
    head = tag("h3", "Diagnoses that map to an HCC and did not count")
    if not rows:
        return joined((head, tag("p", "Every diagnosis that maps to an HCC counted.")))
    stakes = {row["reason"]: row for row in source.rows(_STAKE)}
    none: Row = {"members": 0, "score_c": None, "score_d": None, "dollars": None}
    body, plotted = [], []
    for row in rows:
        stake = stakes.get(row["reason"], none)
        said = source.cells.of(row["members"], f"{row['diagnoses']:,}")
        if not source.cells.hides(row["members"]):
            words = row["meaning"] or row["reason"]
            plotted.append(Bar(words, row["diagnoses"], said, f"{row['reason']}: {words} {said} diagnoses"))
        figures = [signed(stake["score_c"]), signed(stake["score_d"]), dollars(stake["dollars"])]
        hidden = source.cells.hides(stake["members"])
        body.append(
            [row["reason"], row["meaning"], said, source.cells.count(row["members"]),
             *source.cells.masked_cells(stake["members"], hidden, *figures)]
        )  # fmt: skip
    plot = bars("Diagnoses not counted, by reason", "Bars, the most frequent reason first.", plotted)
    headings = [
        "Reason", "In words", "Diagnoses", "Members", "Members who would gain an HCC", "At most, Part C score",
        "At most, Part D score", "At most, dollars a year",
    ]  # fmt: skip
    behind = table("Diagnoses not counted and what they may cost", headings, body, words=["In words"])
    note = tag(
        "p", "Many of these are right not to count: look at those that a wrong or missing field caused. “At most” "
        "takes each HCC that the member has in no other way at its mean coefficient here; nothing was scored again, so "
        "hierarchies, interactions and counts of HCCs may leave less. One HCC can stand under several reasons.",
        cls="note",
    )  # fmt: skip
    return joined((head, plot, details("Reasons in words, and what they may cost", behind, note)))


def _forms(source: Source) -> Html:
    forms: dict[str, Any] = source.counts().get("claim_forms") or {}
    head = tag("h3", "Claims that may be cut short or lack a field")
    if not forms:
        return joined(
            (head, tag("p", "This run did not record it; more than two million claim lines are not looked at."))
        )
    body = []
    for name, (of, words) in _FORMS.items():
        number, whole = forms.get(name), forms.get(of)
        if number is None or not whole:
            continue
        few = source.cells.hides(number) or source.cells.hides(whole - number)
        body.append([words, *source.cells.masked_cells(number, few, share(number / whole))])
    notes = [_most(forms, kind) for kind in ("professional", "facility") if forms.get(f"most_on_{kind}")]
    notes.append(
        "What was cut off is not in the file, so it has no price here; ask for the claims as they were submitted."
    )
    return joined((head, table("Claims by form", ["Finding", "Claims", "Share"], body), listed(notes, "note")))


def _most(forms: dict[str, Any], kind: str) -> str:
    """The most diagnoses on one claim; claims that pile up there were cut by whoever extracted them."""
    said = f"The most diagnoses on one {kind} claim: {forms[f'most_on_{kind}']}."
    if forms.get(f"at_most_on_{kind}", 0) > max(2 * forms.get(f"next_to_most_on_{kind}", 0), SMALLEST):
        said += " Far more claims have that many than one fewer: the extract may have cut the rest off."
    return said


def _codes(source: Source) -> Html:
    rows = source.rows(_CODES)
    head = tag("h3", "Codes not valid on their date, unknown or misspelled")
    if not rows:
        return joined((head, tag("p", "None.")))
    total = sum(row["rows"] for row in rows)
    by_reason = {reason: sum(r["rows"] for r in rows if r["reason"] == reason) for reason in _CODE_WORDS}
    said = "; ".join(f"{source.cells.count(n)} {_CODE_WORDS[reason]}" for reason, n in by_reason.items() if n)
    kept = [row for row in rows if not source.cells.hides(row["members"])][:_CODES_LISTED]
    body = [
        [r["diagnosis_code"], r["description"], _CODE_WORDS[r["reason"]], f"{r['rows']:,}", f"{r['members']:,}"]
        for r in kept
    ]
    headings = ["Code", "In words", "Why", "Claim diagnoses", "Members"]
    behind = table("The most frequent of these codes", headings, body, words=["In words", "Why"])
    rest = tag("p", f"Not listed: codes of fewer members, {len(rows) - len(kept):,} in number.", cls="note")
    content = [head, tag("p", f"{source.cells.count(total)} claim diagnoses: {said}.")]
    if kept:
        content.append(details(f"The {len(kept)} most frequent", behind, rest if len(kept) < len(rows) else ""))
    return joined(content)


def _doubts(source: Source) -> Html:
    counts = source.counts()
    points: list[object] = []
    members = counts.get("members") or 0
    for column, number in (counts.get("defaulted") or {}).items():
        whom = "all members" if number == members else f"{source.cells.count(number)} members"
        points.append(joined((tag("code", column), f" was not given and was assumed for {whom}.")))
    unknown = counts.get("claims_of_unknown_members")
    if unknown:
        points.append(f"Claims of members who are not in the members table: {source.cells.count(unknown)}.")
    if alone := counts.get("diagnoses_without_claim"):
        said = "Diagnoses whose claim and member no claim line has, and which do not count"
        points.append(f"{said}: {source.cells.count(alone)}.")
    for row in source.rows(_QUALITY, kind="doubtful member value"):
        points.append(f"{row['meaning'] or row['reason']} Members: {source.cells.count(row['rows'])}.")
    flags = source.rows(_QUALITY, kind="diagnosis flagged")
    behind = table(
        "Doubts about diagnoses that did not decide", ["Flag", "In words", "Diagnoses"],
        [[row["reason"], row["meaning"], source.cells.count(row["rows"])] for row in flags], words=["In words"],
    )  # fmt: skip
    content: list[Html] = [tag("h3", "Assumed and doubtful values")]
    content.append(listed(points) if points else tag("p", "None."))
    if flags:
        content.append(details("Flags on diagnoses", behind))
    return joined(content)
