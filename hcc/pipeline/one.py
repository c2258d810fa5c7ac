"""One member through the same kernel: no claims, just codes that are taken to count."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from hcc.conditions import after_hierarchies, after_removals, edit_class, member_hccs, pack_bits, pair_bits
from hcc.diagnoses import EPOCH
from hcc.errors import BadBirthDate, BadMember, HccError, MissingSex
from hcc.intake import member_frame, normalize_code
from hcc.pipeline.paying import paid_rows, part_scores
from hcc.pipeline.plan import Options, Plan, make_plan, options
from hcc.pipeline.statuses import Statuses, statuses
from hcc.rules.condition_tables import EDIT_KINDS
from hcc.scores import Profiles, ProfileScores, factors, profile_scores, raw_scores


def _decimal(thousandths: int) -> Decimal:
    return Decimal(int(thousandths)).scaleb(-3)


@dataclass(frozen=True)
class OneModelScore:
    """One model's view of the member. ``factors`` sum to ``raw_score``; ``dropped`` says by which HCC."""

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


@dataclass(frozen=True)
class OneScore:
    """What ``score_one`` returns. ``risk_score`` is Part C's, ``risk_score_d`` Part D's; None where there is none.

    ``uncounted`` maps each code given to why it gave no HCC in any model.
    """

    payment_year: int
    age: int
    risk_score: Decimal | None
    risk_score_d: Decimal | None
    models: list[OneModelScore]
    uncounted: dict[str, str]
    data_quality: list[str] = field(default_factory=list)

    @property
    def scores(self) -> pl.DataFrame:
        """As ``run.scores`` of a population run."""
        columns = (
            "part", "program", "model", "calibration", "segment", "raw_score", "normalized_score", "payment_score",
            "blend_weight", "unverified", "no_score_reason", "no_payment_reason",
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
        parts = (("C", self.risk_score), ("D", self.risk_score_d))
        return self._table("member_scores", [{"part": p, "risk_score": s} for p, s in parts if s is not None])

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
    diagnosis_codes: list[str] | tuple[str, ...] | None = (),
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
    person, status = _person(birth_date, sex, age, chosen.payment_year, member)
    plan, by_model = _prepared(chosen, status.profiles)
    codes = list(dict.fromkeys(_normalized(diagnosis_codes or [])))
    found_id = {code: place for code in codes if (place := _code_ids(plan).get(code)) is not None}
    uncounted = {code: "NOT_IN_MODEL" for code in codes if code not in found_id}
    first, last = _window(plan, service_date)
    for code, place in list(found_id.items()):
        if plan.codes.valid_from[place] > last or plan.codes.valid_to[place] < first:
            uncounted[code] = "NOT_VALID_ON_DOS"
            del found_id[code]
    ids = np.array(list(found_id.values()), dtype=np.int64)
    profile = np.zeros(1, dtype=np.int32)
    raw, details, alive = {}, {}, set()
    for name, model in plan.models.items():
        tables = model.conditions
        classes = edit_class(tables, status.profiles.sex.astype(np.int64), status.profiles.age.astype(np.int64))
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
        kept = after_hierarchies(tables, after_removals(tables, found), chosen.hierarchy_mode)
        listed = member_hccs(tables, found, kept, chosen.hierarchy_mode)
        raw[name] = raw_scores(model.scores, by_model[name], profile, kept)
        details[name] = (kept, listed, behind)
    for code in alive:
        uncounted.pop(code, None)
    paid = paid_rows(plan.payments, profile, raw)
    parts = part_scores(paid, 1)
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
                no_score_reason=None if placed else "NO_SEGMENT",
                no_payment_reason=None if has_pay else payment.no_payment_reason or "NO_SCORE",
            )
        )
    year = {p: s for p, s in parts.items() if plan.blends and s.known[0]}
    return OneScore(
        payment_year=chosen.payment_year,
        age=int(status.profiles.age[0]),
        risk_score=_decimal(year["C"].paid[0]) if "C" in year else None,
        risk_score_d=_decimal(year["D"].paid[0]) if "D" in year else None,
        models=scores,
        uncounted=uncounted,
        data_quality=[q for q in person["data_quality"][0].split(",") if q],
    )


def _normalized(codes: list[str] | tuple[str, ...]) -> list[str]:
    text = pl.Series("code", [None if code is None else str(code) for code in codes], dtype=pl.String)
    return text.to_frame().select(normalize_code(pl.col("code")))["code"].drop_nulls().to_list()


def _person(
    birth_date: str | date | None, sex: str | int | None, age: int | None, payment_year: int, given: dict[str, Any]
) -> tuple[pl.DataFrame, Statuses]:
    """The member's clean row and statuses. Whoever asks what-ifs asks about one person again and again: reading the
    person costs five times what scoring does."""
    try:
        return _known_person(birth_date, sex, age, payment_year, tuple(sorted(given.items())))
    except TypeError:  # a value that cannot be a key; what is wrong with it is told in words below
        person = _member(birth_date, sex, age, payment_year, given)
        return person, statuses(person, None, payment_year)


@lru_cache(maxsize=1024, typed=True)
def _known_person(
    birth_date: str | date | None, sex: str | int | None, age: int | None, payment_year: int,
    given: tuple[tuple[str, Any], ...],
) -> tuple[pl.DataFrame, Statuses]:  # fmt: skip
    person = _member(birth_date, sex, age, payment_year, dict(given))
    return person, statuses(person, None, payment_year)


def _member(
    birth_date: str | date | None, sex: str | int | None, age: int | None, payment_year: int, given: dict[str, Any]
) -> pl.DataFrame:
    if birth_date is None and age is None:
        raise BadBirthDate
    if birth_date is None and age is not None:
        birth_date = date(payment_year - int(age), 2, 1)
    if sex is None or str(sex).strip() == "":
        raise MissingSex(sex)
    frame, rejected = member_frame({"member_id": "one", "birth_date": birth_date, "sex": sex, **given}, payment_year)
    if rejected.height:
        reason, column = rejected.select("reason", "column").row(0)
        if reason == "MISSING_SEX":
            raise MissingSex(sex)
        if column == "birth_date":
            raise BadBirthDate
        raise BadMember(f"{column}: {reason}.", hint="See the members table in 'hcc schema'.")
    if age is not None:
        status = statuses(frame, None, payment_year)
        if int(status.profiles.age[0]) != int(age):
            raise BadMember("age and birth_date disagree.", hint="Give one of them.")
    person: pl.DataFrame = frame
    return person


@lru_cache(maxsize=256)
def _cached(chosen: _Key, facts: tuple[tuple[str, int], ...]) -> tuple[Plan, dict[str, ProfileScores]]:
    profiles = Profiles({name: np.array([value]) for name, value in facts}, 1)
    plan = make_plan(chosen.options, profiles)
    return plan, {name: profile_scores(model.scores, profiles) for name, model in plan.models.items()}


@dataclass(frozen=True)
class _Key:
    """Options as a key of the cache: the scenario, a dict, is empty here."""

    text: str
    options: Options = field(compare=False)


def _prepared(chosen: Options, profiles: Profiles) -> tuple[Plan, dict[str, ProfileScores]]:
    facts = tuple((name, int(values[0])) for name, values in profiles.facts.items())
    return _cached(_Key(chosen.as_json(), chosen), facts)


@lru_cache(maxsize=64)
def _code_ids(plan: Plan) -> dict[str, int]:
    return {code: place for place, code in enumerate(plan.codes.code.to_list())}


def _window(plan: Plan, service_date: date | None) -> tuple[int, int]:
    start, end = plan.decisions.lines.window
    if service_date is not None:
        if not isinstance(service_date, date):
            raise HccError("service_date is no date.", hint="Give a datetime.date.")
        start = end = service_date
    return (start - EPOCH).days, (end - EPOCH).days
