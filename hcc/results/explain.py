"""One member's scores, taken apart: what a coder or an auditor wants to read (plain data; words: explain_text)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from hcc.errors import NoSuchMember
from hcc.results.reader import open_results


@dataclass(frozen=True)
class Factor:
    """One variable of a score; ``label`` is CMS's label for an HCC, else empty."""

    variable: str
    coefficient: Decimal
    label: str = ""


@dataclass(frozen=True)
class Status:
    """One way in which the member was scored in a model during the year: the factors sum to ``raw_score``.

    Without enrollment the months are None and ``payable`` is empty: the status holds all year.
    """

    program: str
    segment: str
    months: int
    first_month: date | None
    last_month: date | None
    payable: tuple[date, ...]
    raw_score: Decimal | None
    normalization: Decimal | None
    normalized_score: Decimal | None
    coding_adjustment: Decimal | None
    payment_score: Decimal | None
    blend_weight: Decimal | None
    unverified: bool
    no_score_reason: str
    no_payment_reason: str
    hierarchy_modes_disagree: bool
    source: str
    factors: tuple[Factor, ...] = ()


@dataclass(frozen=True)
class Model:
    """One model: its statuses through the year and the HCCs behind them."""

    model: str
    calibration: str
    part: str
    statuses: tuple[Status, ...]


@dataclass(frozen=True)
class Code:
    """A counted diagnosis code behind an HCC."""

    diagnosis_code: str
    description: str
    first_date: date | None
    last_date: date | None
    claims: int
    edit: str = ""


@dataclass(frozen=True)
class Hcc:
    """An HCC of the member in one model; ``dropped_by_hcc`` None when it counts."""

    model: str
    calibration: str
    hcc: str
    label: str
    dropped_by_hcc: str | None
    dropped_by_label: str
    coefficient: Decimal | None
    first_date: date | None
    last_date: date | None
    claims: int
    codes: tuple[Code, ...]


@dataclass(frozen=True)
class Uncounted:
    """A diagnosis that maps to an HCC and did not count."""

    diagnosis_code: str
    description: str
    thru_date: date | None
    claim_id: str
    reason: str
    meaning: str
    flags: str
    hccs: str


@dataclass(frozen=True)
class Part:
    """The member's risk score in Part C or D."""

    part: str
    risk_score: Decimal | None
    payable_months: int | None
    frailty: Decimal | None
    unverified: bool
    no_score_reason: str


@dataclass(frozen=True)
class Explanation:
    """Everything the results hold about one member. ``counted_in_models``: counted diagnoses that map in a model which
    scores the member; ``reasons``: the codes used, in words."""

    run: dict[str, Any]
    member: dict[str, Any]
    assumed: tuple[str, ...]
    parts: tuple[Part, ...]
    models: tuple[Model, ...]
    hccs: tuple[Hcc, ...]
    uncounted: tuple[Uncounted, ...]
    edits: tuple[dict[str, Any], ...]
    flagged: tuple[dict[str, Any], ...]
    counted_diagnoses: int
    counted_in_models: int
    rejected: tuple[dict[str, Any], ...]
    gaps: tuple[dict[str, Any], ...]
    reasons: dict[str, str] = field(repr=False, default_factory=dict)


def explain(results: str | Path, member_id: str) -> Explanation:
    """Take one member's scores apart. Raises NoSuchMember, ResultsError.

    PHI: the answer holds the member's data; print it to the person who asked and nowhere else.
    """
    con = open_results(results)
    try:
        ask = _Questions(con, str(member_id))
        member = ask.rows("SELECT * FROM members WHERE member_id = $id")
        if not member:
            raise NoSuchMember
        assumed = tuple(
            k.removesuffix("_was_defaulted") for k, v in member[0].items() if k.endswith("_was_defaulted") and v
        )
        return Explanation(
            run=ask.rows("SELECT * FROM runs ORDER BY started_at DESC LIMIT 1")[0],
            member={k: v for k, v in member[0].items() if not k.endswith("_was_defaulted")},
            assumed=assumed,
            parts=_parts(ask),
            models=_models(ask),
            hccs=_hccs(ask),
            uncounted=_uncounted(ask),
            edits=tuple(ask.rows(_EDITS)),
            flagged=tuple(ask.rows(_FLAGGED)),
            counted_diagnoses=ask.rows("SELECT count(*) AS n FROM diagnoses WHERE member_id = $id AND counted")[0]["n"],
            counted_in_models=ask.rows(_COUNTED_IN_MODELS)[0]["n"],
            rejected=tuple(ask.rows('SELECT * FROM rejected_rows WHERE value = $id ORDER BY "table", row_number')),
            gaps=tuple(ask.rows(_GAPS)),
            reasons={row["reason"]: row["meaning"] for row in ask.rows("SELECT reason, meaning FROM reasons")},
        )
    finally:
        con.close()


class _Questions:
    """Queries about one member; the id travels as a parameter, never in the SQL."""

    def __init__(self, con: duckdb.DuckDBPyConnection, member_id: str) -> None:
        self._con, self._id = con, member_id

    def rows(self, sql: str) -> list[dict[str, Any]]:
        found = self._con.execute(sql, {"id": self._id} if "$id" in sql else {})
        names = [str(entry[0]) for entry in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


_LABELS = "LEFT JOIN hccs l ON l.model = x.model AND l.calibration = x.calibration AND l.hcc = x."
_EDITS = f"""
SELECT x.model, x.calibration, x.diagnosis_code, coalesce(w.description, x.diagnosis_code) AS description, x.kind,
  x.hcc, l.label FROM edited_diagnoses x {_LABELS}hcc
LEFT JOIN (SELECT diagnosis_code, any_value(description) AS description FROM diagnosis_hccs GROUP BY ALL) w
  ON w.diagnosis_code = x.diagnosis_code
WHERE x.member_id = $id ORDER BY x.model, x.calibration, x.diagnosis_code, x.kind, x.hcc"""
_FLAGGED = """
SELECT flags, thru_date, diagnosis_code, claim_id FROM diagnoses
WHERE member_id = $id AND counted AND flags::VARCHAR <> '' ORDER BY thru_date, diagnosis_code, claim_id"""
_GAPS = """
SELECT direction, model, hcc, label, rule_id, strength, status, score_change, dollar_change, reason FROM gaps
WHERE member_id = $id AND status = 'open' ORDER BY direction DESC, abs(score_change) DESC NULLS LAST, rule_id,
  model, calibration, gap_id"""
_COUNTED_IN_MODELS = """
SELECT count(*) AS n FROM diagnoses d WHERE member_id = $id AND counted AND EXISTS (
  SELECT 1 FROM diagnosis_hccs h JOIN scores s ON s.model = h.model AND s.calibration = h.calibration
  WHERE h.diagnosis_code = d.diagnosis_code AND s.member_id = $id)"""
_STATUSES = """
SELECT s.part, s.program, s.model, s.calibration, s.segment, s.raw_score, s.normalized_score, s.payment_score,
  s.blend_weight, s.unverified, s.no_score_reason, s.no_payment_reason, s.hierarchy_modes_disagree,
  count(s.month) AS months,
  list(s.month ORDER BY s.month) FILTER (WHERE s.payable AND s.month IS NOT NULL) AS payable,
  min(s.month) AS first_month, max(s.month) AS last_month,
  any_value(p.normalization) AS normalization, any_value(p.coding_adjustment) AS coding_adjustment,
  any_value(p.source) AS source
FROM scores s LEFT JOIN payment_factors p
  ON p.part = s.part AND p.program = s.program AND p.model = s.model AND p.calibration = s.calibration
WHERE s.member_id = $id GROUP BY ALL
ORDER BY s.part, first_month, s.blend_weight DESC NULLS LAST, s.model, s.calibration, s.program"""
_FACTORS = f"""
SELECT x.model, x.calibration, x.segment, x.first_month, x.months, x.variable, x.coefficient, l.label
FROM (
  SELECT *, regexp_extract(variable::VARCHAR, '^(?:RX)?HCC([0-9]+)$', 1) AS hcc FROM factors WHERE member_id = $id
) x
{_LABELS}hcc
ORDER BY x.hcc <> '', try_cast(x.hcc AS INTEGER), x.coefficient DESC, x.variable, x.model, x.calibration, x.first_month"""
_UNCOUNTED = """
WITH scored AS (SELECT DISTINCT model, calibration FROM scores WHERE member_id = $id), target AS (
  SELECT m.diagnosis_code,
    array_to_string(list_sort(list(DISTINCT 'HCC ' || m.hcc || ' of ' || m.model)), ', ') AS hccs
  FROM diagnosis_hccs m JOIN scored s ON s.model = m.model AND s.calibration = m.calibration GROUP BY ALL
)
SELECT u.diagnosis_code, u.description, u.thru_date, u.claim_id, u.reason, coalesce(u.meaning, '') AS meaning,
  coalesce(u.flags, '') AS flags, coalesce(t.hccs, '') AS hccs
FROM uncounted_diagnoses u LEFT JOIN target t ON t.diagnosis_code = u.diagnosis_code
WHERE u.member_id = $id ORDER BY u.thru_date, u.claim_id, u.diagnosis_code"""


def _parts(ask: _Questions) -> tuple[Part, ...]:
    rows = ask.rows(
        "SELECT part, risk_score, payable_months, frailty, unverified, no_score_reason FROM member_scores "
        "WHERE member_id = $id ORDER BY part"
    )
    return tuple(
        Part(
            r["part"],
            r["risk_score"],
            r["payable_months"],
            r["frailty"],
            bool(r["unverified"]),
            r["no_score_reason"] or "",
        )
        for r in rows
    )


def _models(ask: _Questions) -> tuple[Model, ...]:
    groups: dict[tuple[str, str, str, date | None], list[dict[str, Any]]] = {}
    for row in ask.rows(_FACTORS):
        groups.setdefault((row["model"], row["calibration"] or "", row["segment"], row["first_month"]), []).append(row)
    found: dict[tuple[str, str, str], list[Status]] = {}
    for row in ask.rows(_STATUSES):
        key = (row["part"] or "", row["model"], row["calibration"] or "")
        found.setdefault(key, []).append(_status(row, _factors_of(row, groups)))
    return tuple(Model(model, calibration, part, tuple(rows)) for (part, model, calibration), rows in found.items())


def _factors_of(
    status: dict[str, Any], groups: dict[tuple[str, str, str, date | None], list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The factors that sum to this status's raw score: same model and segment, and, where several are, the same sum."""
    same = [
        rows
        for (model, calibration, segment, _), rows in groups.items()
        if (model, calibration, segment) == (status["model"], status["calibration"] or "", status["segment"])
    ]
    exact = [rows for rows in same if sum((r["coefficient"] for r in rows), Decimal(0)) == status["raw_score"]]
    return (exact or same or [[]])[0]


def _status(row: dict[str, Any], factors: list[dict[str, Any]]) -> Status:
    whole_year = row["first_month"] is None
    return Status(
        program=row["program"] or "",
        segment=row["segment"] or "",
        months=(factors[0]["months"] if factors else 0) if whole_year else row["months"],
        first_month=row["first_month"],
        last_month=row["last_month"],
        payable=tuple(row["payable"] or ()),
        raw_score=row["raw_score"],
        normalization=row["normalization"],
        normalized_score=row["normalized_score"],
        coding_adjustment=row["coding_adjustment"],
        payment_score=row["payment_score"],
        blend_weight=row["blend_weight"],
        unverified=bool(row["unverified"]),
        no_score_reason=row["no_score_reason"] or "",
        no_payment_reason=row["no_payment_reason"] or "",
        hierarchy_modes_disagree=bool(row["hierarchy_modes_disagree"]),
        source=row["source"] or "",
        factors=tuple(Factor(f["variable"], f["coefficient"], f["label"] or "") for f in factors),
    )


def _hccs(ask: _Questions) -> tuple[Hcc, ...]:
    codes: dict[tuple[str, str, str], list[Code]] = {}
    edits = {
        (r["model"], r["calibration"], r["diagnosis_code"]): r["kind"]
        for r in ask.rows("SELECT model, calibration, diagnosis_code, kind FROM edited_diagnoses WHERE member_id = $id")
    }
    for r in ask.rows("SELECT * FROM hcc_diagnoses WHERE member_id = $id ORDER BY claims DESC, diagnosis_code"):
        edit = edits.get((r["model"], r["calibration"], r["diagnosis_code"]), "")
        codes.setdefault((r["model"], r["calibration"], r["hcc"]), []).append(
            Code(r["diagnosis_code"], r["description"], r["first_date"], r["last_date"], r["claims"], edit)
        )
    rows = ask.rows(
        f"SELECT x.*, l.label, o.label AS by_label FROM member_hccs x {_LABELS}hcc "
        "LEFT JOIN hccs o ON o.model = x.model AND o.calibration = x.calibration AND o.hcc = x.dropped_by_hcc "
        # Only models that score the member: the file may hold HCCs of models asked for or paid for others.
        "WHERE x.member_id = $id AND EXISTS (SELECT 1 FROM scores s WHERE s.member_id = x.member_id "
        "AND s.model = x.model AND s.calibration = x.calibration) "
        "ORDER BY x.model, x.calibration, x.dropped_by_hcc IS NOT NULL, try_cast(x.hcc AS INTEGER)"
    )
    return tuple(
        Hcc(
            model=r["model"],
            calibration=r["calibration"] or "",
            hcc=r["hcc"],
            label=r["label"] or "",
            dropped_by_hcc=r["dropped_by_hcc"],
            dropped_by_label=r["by_label"] or "",
            coefficient=r["coefficient"],
            first_date=r["first_date"],
            last_date=r["last_date"],
            claims=r["claims"] or 0,
            codes=tuple(codes.get((r["model"], r["calibration"], r["hcc"]), ())),
        )
        for r in rows
    )


def _uncounted(ask: _Questions) -> tuple[Uncounted, ...]:
    return tuple(Uncounted(**row) for row in ask.rows(_UNCOUNTED))
