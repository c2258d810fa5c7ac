"""One member through the same kernel: no claims, just codes that are taken to count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from hcc.conditions import (
    HIERARCHY_MODES,
    after_hierarchies,
    after_removals,
    edit_class,
    member_hccs,
    modes_disagree,
    pack_bits,
    pair_bits,
)
from hcc.diagnoses import EPOCH
from hcc.errors import HccError
from hcc.intake import normalize_code
from hcc.pipeline.paying import NO_PROGRAM, UNPAID_PART, PartScores, paid_rows, part_scores, year_scores
from hcc.pipeline.person import read_person
from hcc.pipeline.plan import Options, Payment, Plan, options, payments_of, plan_of, year_of
from hcc.pipeline.score_frames import why_no_segment
from hcc.pipeline.unmapped import why_unmapped
from hcc.rules.condition_tables import EDIT_KINDS
from hcc.rules.folders import roots
from hcc.rules.programs import ProgramYear
from hcc.scores import Profiles, ProfileScores, factors, raw_scores, single_profile_scores

_DIED = "DIED"
_PLAIN_CODE = re.compile(r" *[A-Za-z0-9.]* *")  # what intake makes of it takes no polars


def _decimal(thousandths: int) -> Decimal:
    return Decimal(int(thousandths)).scaleb(-3)


@dataclass(frozen=True)
class OneModelScore:
    """One model's view of the member. ``factors`` sum to ``raw_score``; ``dropped`` says by which HCC.

    ``other_mode_raw_score``: what the other hierarchy mode gives, where the two disagree (SPEC R-2.16).
    """

    part: str
    program: str
    model: str
    calibration: str
    segment: str | None
    hccs: list[str]
    dropped: dict[str, str]
    diagnoses: dict[str, list[str]]
    factors: dict[str, Decimal]
    raw_score: Decimal | None
    normalized_score: Decimal | None
    payment_score: Decimal | None
    blend_weight: Decimal | None
    unverified: bool
    no_score_reason: str | None
    no_payment_reason: str | None
    hierarchy_modes_disagree: bool = False
    other_mode_raw_score: Decimal | None = None


@dataclass(frozen=True)
class OnePartScore:
    """The risk score of the year for one part, C or D, or why there is none."""

    part: str
    risk_score: Decimal | None
    payable_months: int
    unverified: bool
    no_score_reason: str | None


@dataclass(frozen=True)
class OneScore:
    """What ``score_one`` returns. ``risk_score`` is Part C's, ``risk_score_d`` Part D's; None where there is none.

    ``parts``: the same for each part that pays for the member, with the reason where there is no score; C alone, without
    a score, where no programme pays the member; none where models were chosen by name.
    ``uncounted`` maps each code given to why it gave no HCC in any model. ``no_score_reason``: DIED for a member who
    died before the payment year, whose ``models`` are there all the same; NO_PROGRAM for one whom no programme pays.
    """

    payment_year: int
    age: int
    risk_score: Decimal | None
    risk_score_d: Decimal | None
    models: list[OneModelScore]
    uncounted: dict[str, str]
    data_quality: list[str] = field(default_factory=list)
    no_score_reason: str | None = None
    parts: list[OnePartScore] = field(default_factory=list)

    @property
    def scores(self) -> pl.DataFrame:
        """As ``run.scores`` of a population run."""
        columns = (
            "part", "program", "model", "calibration", "segment", "raw_score", "normalized_score", "payment_score",
            "blend_weight", "unverified", "no_score_reason", "no_payment_reason", "hierarchy_modes_disagree",
        )  # fmt: skip
        return self._table("scores", [{c: getattr(one, c) for c in columns} for one in self.models])

    @property
    def member_hccs(self) -> pl.DataFrame:
        """As ``run.member_hccs``; without dates and claims."""
        rows: list[dict[str, Any]] = []
        for one in self.models:
            prefix = "RX" if one.part == "D" else ""
            kept: list[dict[str, Any]] = [
                {"hcc": h, "coefficient": one.factors.get(f"{prefix}HCC{h}")} for h in one.hccs
            ]
            gone: list[dict[str, Any]] = [{"hcc": h, "dropped_by_hcc": by} for h, by in one.dropped.items()]
            rows += [{"model": one.model, "calibration": one.calibration, **row} for row in [*kept, *gone]]
        return self._table("member_hccs", rows)

    @property
    def factors(self) -> pl.DataFrame:
        """As ``run.factors``."""
        return self._table(
            "factors",
            [
                {
                    "model": one.model,
                    "calibration": one.calibration,
                    "segment": one.segment,
                    "variable": v,
                    "coefficient": c,
                }
                for one in self.models
                for v, c in one.factors.items()
            ],
        )

    @property
    def member_scores(self) -> pl.DataFrame:
        """As ``run.member_scores``."""
        return self._table("member_scores", [{**vars(one), "frailty": Decimal(0)} for one in self.parts])

    def _table(self, name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
        from hcc.pipeline.api import empty

        frame = empty(name).select(pl.exclude("run_id", "member_id"))
        given = [{"payment_year": self.payment_year, **row} for row in rows]
        return pl.DataFrame(given, schema=frame.schema) if given else frame

    def __getitem__(self, model: str) -> OneModelScore:
        """The model by its name, such as ``cms-hcc-v28``."""
        for one in self.models:
            if model in (one.model, f"{one.model}:{one.calibration}"):
                return one
        raise KeyError(model)


def score_one(
    diagnosis_codes: Iterable[str] | None = (),
    *,
    birth_date: str | date | None = None,
    sex: str | int | None = None,
    payment_year: int | None = None,
    age: int | None = None,
    service_date: date | None = None,
    models: list[str] | str | None = None,
    run: str = "final",
    hierarchy_mode: str = "cms_python",
    mappings: str | None = None,
    **member: Any,
) -> OneScore:
    """Score one member from diagnosis codes that are taken to count.

    ``member`` takes the other columns of the members table (orec, dual_status, part_b_months …). ``age`` (on 1 February
    of the payment year) may stand for the birth date; both must agree. ``service_date`` checks the codes' validity on
    that day; without it a code counts if it was valid on some day of the run's window.
    Raises MissingPaymentYear, MissingSex, BadBirthDate, BadMember, UnknownYear, UnknownModel.
    """
    chosen = options(payment_year, models=models, run=run, hierarchy_mode=hierarchy_mode, mappings=mappings)
    person = read_person(birth_date, sex, age, chosen.payment_year, member)
    profiles = person.profiles
    plan, by_model = _prepared(chosen, profiles)
    codes = list(dict.fromkeys(_normalized(_listed(diagnosis_codes))))
    found_id = {code: place for code in codes if (place := _code_ids(plan).get(code)) is not None}
    uncounted = why_unmapped([code for code in codes if code not in found_id], plan)
    first, last = _window(plan, service_date)
    for code, place in list(found_id.items()):
        if plan.codes.valid_from[place] > last or plan.codes.valid_to[place] < first:
            uncounted[code] = "NOT_VALID_ON_DOS"
            del found_id[code]
    ids = np.array(list(found_id.values()), dtype=np.int64)
    profile = np.zeros(1, dtype=np.int32)
    raw, details, alive, disagree = {}, {}, set(), {}
    for name, model in plan.models.items():
        tables = model.conditions
        classes = edit_class(tables, profiles.sex, profiles.age)
        pairs = pair_bits(tables, np.repeat(classes, len(ids)), ids)
        behind: dict[str, list[str]] = {}
        for bit, kind in pairs:
            for place, code in enumerate(found_id):
                if bit[place] >= 0:
                    behind.setdefault(tables.hccs[bit[place]], []).append(code)
                    alive.add(code)
                elif kind[place] > 0:
                    uncounted.setdefault(code, EDIT_KINDS[kind[place]])
        bits = np.concatenate([bit[bit >= 0] for bit, _ in pairs])
        found = pack_bits(np.zeros(len(bits), dtype=np.int64), bits, 1, tables.words)
        remaining = after_removals(tables, found)
        kept = after_hierarchies(tables, remaining, chosen.hierarchy_mode)
        if modes_disagree(tables, remaining)[0]:
            (other,) = (mode for mode in HIERARCHY_MODES if mode != chosen.hierarchy_mode)
            others = raw_scores(model.scores, by_model[name], profile, after_hierarchies(tables, remaining, other))
            disagree[name] = _decimal(others[0][0])
        listed = member_hccs(tables, found, kept, chosen.hierarchy_mode)
        raw[name] = raw_scores(model.scores, by_model[name], profile, kept)
        details[name] = (kept, listed, behind)
    for code in alive:
        uncounted.pop(code, None)
    paid = paid_rows(plan.payments, profile, raw)
    why_not_placed = why_no_segment(profiles, profile)
    no_segment = str(why_not_placed[0])
    parts = part_scores(paid, 1, why_not_placed)
    scores = []
    for one in paid:
        if len(one.rows) == 0:
            continue
        payment = one.payment
        name, _, calibration = payment.model.partition(":")
        segment, hccs, dropped, shown, behind = None, [], {}, {}, {}
        placed = bool(one.placed[0])
        if payment.model in details and placed:
            model = plan.models[payment.model]
            kept, listed, behind = details[payment.model]
            place = int(by_model[payment.model].segment[0])
            segment = model.scores.segments[place]
            uses = bool(model.scores.uses_diagnoses[place])
            counts = listed.dropped_by < 0
            bits = listed.bit[counts]
            if uses:
                hccs = [model.conditions.hccs[b] for b in bits]
                dropped = {
                    model.conditions.hccs[b]: model.conditions.hccs[p]
                    for b, p in zip(listed.bit[~counts], listed.dropped_by[~counts], strict=True)
                }
            all_factors = factors(
                model.scores, by_model[payment.model], profile, kept, np.zeros(len(bits), dtype=np.int64), bits
            )
            shown = {
                model.scores.variables[v]: _decimal(c)
                for v, c in zip(all_factors.variable, all_factors.coefficient, strict=True)
            }
        has_pay = placed and one.paid is not None
        lost = "" if placed else no_segment if payment.model in details else "MODEL_NOT_AVAILABLE"
        scores.append(
            OneModelScore(
                part=payment.part,
                program=payment.program,
                model=name,
                calibration=calibration,
                segment=segment,
                hccs=hccs,
                dropped=dropped,
                diagnoses={h: behind.get(h, []) for h in [*hccs, *dropped]},
                factors=shown,
                raw_score=_decimal(one.raw[0]) if placed else None,
                normalized_score=_decimal(one.normalized[0]) if has_pay and one.normalized is not None else None,
                payment_score=_decimal(one.paid[0]) if has_pay and one.paid is not None else None,
                blend_weight=payment.weight,
                unverified=payment.unverified,
                no_score_reason=lost or None,
                no_payment_reason=None if has_pay else lost or payment.no_payment_reason or None,
                hierarchy_modes_disagree=payment.model in disagree,
                other_mode_raw_score=disagree.get(payment.model) if placed else None,
            )
        )
    by_part = _parts_of_year(parts, person.months) if plan.blends else {}
    whole_reason = None
    if plan.blends and (person.died_before or not plan.payments):
        whole_reason = _DIED if person.died_before else NO_PROGRAM
    return OneScore(
        payment_year=chosen.payment_year,
        age=person.age,
        risk_score=by_part["C"].risk_score if "C" in by_part else None,
        risk_score_d=by_part["D"].risk_score if "D" in by_part else None,
        models=scores,
        uncounted=uncounted,
        data_quality=[*person.data_quality, *(["HIERARCHY_MODES_DISAGREE"] if disagree else [])],
        no_score_reason=whole_reason,
        parts=list(by_part.values()),
    )


def _parts_of_year(parts: Mapping[str, PartScores], months: int) -> dict[str, OnePartScore]:
    """The parts that pay for the member, as in a population of one without enrolment."""
    why_not = "" if months else _DIED
    found = {}
    for part, scores in parts.items():
        year = year_scores(
            scores, np.zeros(1, dtype=np.int64), np.array([months]), 1, np.array([why_not], dtype=object)
        )
        if not year.concerned[0]:
            continue
        found[part] = OnePartScore(
            part=part,
            risk_score=_decimal(year.score[0]) if year.known[0] else None,
            payable_months=int(year.months[0]),
            unverified=bool(year.unverified[0]),
            no_score_reason=None if year.known[0] else str(year.reason[0]) or None,
        )
    return found or {UNPAID_PART: OnePartScore(UNPAID_PART, None, 0, False, why_not or NO_PROGRAM)}


def _listed(codes: Iterable[str] | None) -> list[str]:
    """The codes as a list. Raises HccError for a single text, which would be read letter by letter."""
    if codes is None:
        return []
    if isinstance(codes, str | bytes) or not isinstance(codes, Iterable):
        raise HccError("diagnosis_codes is no list of codes.", hint="Write score_one(['E11.22', 'I50.9'], …).")
    return list(codes)


def _normalized(codes: list[str]) -> list[str]:
    if all(type(code) is str and _PLAIN_CODE.fullmatch(code) for code in codes):
        return [bare for code in codes if (bare := code.strip(" ").replace(".", "").upper())]
    text = pl.Series("code", [None if code is None else str(code) for code in codes], dtype=pl.String)
    return text.to_frame().select(normalize_code(pl.col("code")))["code"].drop_nulls().to_list()


@dataclass(frozen=True)
class _Key:
    """What a plan depends on, as a key of the cache: the person only by what pays the person."""

    text: tuple[Any, ...]
    options: Options = field(compare=False)
    year: ProgramYear = field(compare=False)
    payments: list[Payment] = field(compare=False)


def _prepared(chosen: Options, profiles: Profiles) -> tuple[Plan, dict[str, ProfileScores]]:
    year = year_of(chosen)
    payments = payments_of(chosen, year, profiles)
    paid = tuple((one.part, one.program, one.model, bool(one.pays[0])) for one in payments)
    key = (chosen.as_json(), roots(chosen.mappings), year.sha256, paid)
    plan = _plan(_Key(key, chosen, year, payments))
    return plan, {name: single_profile_scores(model.scores, profiles) for name, model in plan.models.items()}


@lru_cache(maxsize=128)
def _plan(key: _Key) -> Plan:
    return plan_of(key.options, key.year, key.payments)


@lru_cache(maxsize=128)
def _code_ids(plan: Plan) -> dict[str, int]:
    return {code: place for place, code in enumerate(plan.codes.code.to_list())}


def _window(plan: Plan, service_date: date | None) -> tuple[int, int]:
    start, end = plan.decisions.lines.window
    if service_date is not None:
        if not isinstance(service_date, date):
            raise HccError("service_date is no date.", hint="Give a datetime.date.")
        start = end = service_date
    return (start - EPOCH).days, (end - EPOCH).days
