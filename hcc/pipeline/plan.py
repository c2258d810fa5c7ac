"""What a run will do: rules of the year, the models its members need, the options; decided before any claim."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.conditions import HIERARCHY_MODES, HierarchyMode
from hcc.diagnoses import EPOCH, ChainRules, Codes, DecisionRules, LineRules
from hcc.errors import HccError, MissingPaymentYear, NotPaidModel, RulesError, UnknownModel
from hcc.pipeline.scenario import scenario_year
from hcc.rules.condition_tables import ConditionTables, condition_tables
from hcc.rules.eligibility import audio_only as audio_only_codes
from hcc.rules.eligibility import bill_types, procedure_codes, weak_face_to_face
from hcc.rules.folders import own_folders
from hcc.rules.icd10cm import mapped_codes
from hcc.rules.programs import Program, ProgramModel, ProgramYear, load_program_year
from hcc.rules.requires import CHOICES, Facts
from hcc.rules.ruleset import RuleSet, load_rules
from hcc.rules.score_tables import ScoreTables, score_tables
from hcc.scores import TRANSPLANT_MONTHS, Profiles, holds_for

RunName = Literal["initial", "midyear", "final"]
RUNS: tuple[RunName, ...] = ("initial", "midyear", "final")
AudioOnly = Literal["exclude", "cms_filter_pre2027"]
AUDIO_ONLY: tuple[AudioOnly, ...] = ("exclude", "cms_filter_pre2027")
_FAR = (date(9999, 12, 31) - EPOCH).days


@dataclass(frozen=True)
class Options:
    """How a run is asked to work; recorded in ``runs``."""

    payment_year: int
    run: RunName = "final"
    models: tuple[str, ...] = ()
    hierarchy_mode: HierarchyMode = "cms_python"
    audio_only: AudioOnly = "exclude"
    mappings: str | Path | None = None
    scenario: dict[str, Any] = field(default_factory=dict)
    months_from_spans: bool = False

    def as_json(self) -> str:
        return json.dumps(
            {
                "payment_year": self.payment_year,
                "run": self.run,
                "models": list(self.models),
                "hierarchy_mode": self.hierarchy_mode,
                "audio_only": self.audio_only,
                "mappings": own_folders(self.mappings),
                "scenario": self.scenario,
                "months_from_spans": self.months_from_spans,
            },
            default=str,
        )


def options(payment_year: int | None, **given: Any) -> Options:
    """Checked options; every fault is told with what is allowed."""
    if payment_year is None:
        raise MissingPaymentYear
    chosen = Options(payment_year=_year(payment_year), models=_names(given.pop("models", None) or ()), **given)
    faults = [
        f"{name} is {value!r}, not one of {', '.join(allowed)}"
        for name, value, allowed in (
            ("run", chosen.run, RUNS),
            ("hierarchy_mode", chosen.hierarchy_mode, HIERARCHY_MODES),
            ("audio_only", chosen.audio_only, AUDIO_ONLY),
        )
        if value not in allowed
    ]
    if faults:
        raise HccError("; ".join(faults) + ".", hint="See 'hcc score --help'.")
    year_of(chosen)  # a year without rules, or a fault of the scenario, is told before anything is read
    return chosen


def _year(given: Any) -> int:
    try:
        year = int(given)
        if isinstance(given, bool) or not (isinstance(given, str) or year == given):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise HccError("payment_year is no year.", hint="Write it as 2026: the year CMS pays for.") from None
    return year


def _names(given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(name, str) for name in names):
        raise UnknownModel("Models are asked for by their names, as text.", hint="Such as models=['cms-hcc-v28'].")
    return names


@dataclass(frozen=True, eq=False)
class Model:
    """One model of the run with its integer tables."""

    rules: RuleSet
    conditions: ConditionTables
    scores: ScoreTables
    uses_raps: bool

    @property
    def name(self) -> str:
        return self.rules.name


@dataclass(frozen=True, eq=False)
class Payment:
    """One (programme, model) pair: which profiles it pays and how. ``program`` None: asked for by name, unpaid."""

    part: str
    program: str
    model: str
    pays: NDArray[np.bool_]  # [profiles]
    normalization: Decimal | None
    coding_adjustment: Decimal | None
    weight: Decimal | None
    unverified: bool
    no_payment_reason: str
    available: bool = True
    source: str = ""


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything the buckets of a run share."""

    options: Options
    year: ProgramYear
    models: dict[str, Model]
    payments: list[Payment]
    codes: Codes
    decisions: DecisionRules
    notes: list[str]
    list_flag: str = ""  # LIST_OF_<year> where a service year is judged by another year's procedure list (RULINGS 8)

    @property
    def blends(self) -> bool:
        """False where models were asked for by name (RULINGS 6)."""
        return not self.options.models


def make_plan(chosen: Options, profiles: Profiles, judged: Options | None = None) -> Plan:
    """Load the rules for the models that the profiles need, or that were asked for. ``judged``: see ``plan_of``.

    Raises UnknownYear, UnknownModel, RulesError; warns NotPaidModel for a model the programmes give no weight.
    """
    year = year_of(chosen)
    return plan_of(chosen, year, payments_of(chosen, year, profiles), judged)


def year_of(chosen: Options) -> ProgramYear:
    """The rules of the payment year, with the scenario's changes. Raises UnknownYear, RulesError,
    HccError for a scenario that cannot be used."""
    return scenario_year(load_program_year(chosen.payment_year, chosen.mappings), chosen.scenario)


def payments_of(chosen: Options, year: ProgramYear, profiles: Profiles) -> list[Payment]:
    """What pays the profiles, or the models asked for by name; models whose tables are not there are still among it."""
    return _named(chosen, year, profiles) if chosen.models else _programmes(year, profiles)


def plan_of(chosen: Options, year: ProgramYear, payments: list[Payment], judged: Options | None = None) -> Plan:
    """The plan for these payments; of the profiles nothing but ``pays`` is in it. ``judged``: the run whose window and
    policies decided about the diagnoses, where it is another one (kept diagnoses)."""
    models: dict[str, Model] = {}
    notes: list[str] = []
    kept: list[Payment] = []
    for payment in payments:
        if payment.available and payment.model not in models:
            try:
                rules = load_rules(payment.model, chosen.payment_year, run=chosen.run, mappings=chosen.mappings)
            except RulesError:
                if chosen.models:
                    raise
                payment = _unavailable(payment)
            else:
                models[payment.model] = _model(rules, year, notes)
        if not payment.available:
            payment = _unavailable(payment)
            notes.append(
                f"{payment.program} of {chosen.payment_year} is paid by {payment.model}, whose factors are not known: "
                "no score (MODEL_NOT_AVAILABLE)."
            )
        kept.append(payment)
    codes = codes_of([model.rules.diagnosis_to_hcc["diagnosis_code"] for model in models.values()], chosen)
    listed = codes.code.to_list()
    models = {name: replace(model, conditions=condition_tables(model.rules, listed)) for name, model in models.items()}
    judge = judged or chosen
    decision_rules, list_flag = decision_rules_of(judge, year if judged is None else year_of(judge), notes)
    return Plan(chosen, year, models, kept, codes, decision_rules, notes, list_flag)


def _unavailable(payment: Payment) -> Payment:
    return replace(
        payment, normalization=None, coding_adjustment=None, no_payment_reason="MODEL_NOT_AVAILABLE", available=False
    )


def _model(rules: RuleSet, year: ProgramYear, notes: list[str]) -> Model:
    raps = any("raps" in m.sources for program in year.programs for m in program.models if m.name == rules.name)
    for mark in rules.manifest.get("unverified", []):
        notes.append(
            f"{rules.name} {rules.payment_year}: {mark if isinstance(mark, str) else mark.get('reason', mark)}"
        )
    if rules.edition == "initial":
        notes.append(f"{rules.name} {rules.payment_year}: tables are the initial edition.")
    if rules.edited:
        notes.append(
            f"{rules.name} {rules.payment_year}: {', '.join(rules.edited)} changed since the manifest was written; "
            "'hcc rules check' shows what is not as it should be."
        )
    empty = condition_tables(rules, [])
    return Model(rules, empty, _score_tables(rules), raps)


@lru_cache(maxsize=64)
def _score_tables(rules: RuleSet) -> ScoreTables:
    """They depend on the rules alone, and nobody writes into them: plans share them."""
    return score_tables(rules)


def _programmes(year: ProgramYear, profiles: Profiles) -> list[Payment]:
    found: list[Payment] = []
    for program in year.programs:
        pays = holds_for(program.requires, profiles)
        if pays.any():
            found.extend(_payment(program, model, pays) for model in program.models)
    return found


def _payment(program: Program, model: ProgramModel, pays: NDArray[np.bool_], *, blended: bool = True) -> Payment:
    return Payment(
        part=program.part,
        program=program.name,
        model=model.name,
        pays=pays,
        normalization=model.normalization,
        coding_adjustment=model.coding_adjustment,
        weight=model.blend_weight if blended else None,
        unverified=model.unverified or model.confidence == "C",
        no_payment_reason="" if model.normalization is not None else "NORMALIZATION_UNVERIFIED",
        available=model.available,
        source=model.source,
    )


def _named(chosen: Options, year: ProgramYear, profiles: Profiles) -> list[Payment]:
    """Models asked for by name: for every profile with a segment in it, whatever the programme pays (RULINGS 6)."""
    found: list[Payment] = []
    asked = [load_rules(name, chosen.payment_year, run=chosen.run, mappings=chosen.mappings) for name in chosen.models]
    for rules in {rules.name: rules for rules in asked}.values():
        rest = _score_tables(rules).segment_of(_months_known(profiles)) >= 0
        paid_by = [
            (program, model) for program in year.programs for model in program.models if model.name == rules.name
        ]
        if not paid_by:
            warnings.warn(
                f"{rules.name} is not paid in {chosen.payment_year}: no programme gives it a weight; it is scored raw.",
                NotPaidModel,
                stacklevel=5,
            )
        for program, model in paid_by:
            pays = holds_for(program.requires, profiles) & rest
            if pays.any():
                found.append(_payment(program, model, pays, blended=False))
                rest = rest & ~pays
        if rest.any() or not any(payment.model == rules.name for payment in found):
            found.append(Payment(rules.part, "", rules.name, rest, None, None, None, False, "NOT_PAID_BY_PROGRAM"))
    return found


def _months_known(profiles: Profiles) -> Facts:
    """Facts in which every graft has a month: a graft without one has no score, but a row that says so (RULINGS 4)."""
    facts = profiles.facts
    unknown = (facts["esrd"] == CHOICES["esrd"].index("graft")) & (facts["graft_month"] == 0)
    return {**facts, "graft_month": np.where(unknown, 1 + TRANSPLANT_MONTHS, facts["graft_month"])}


def codes_of(lists: list[pl.Series], chosen: Options) -> Codes:
    """Mapped codes, each once, with the days they are valid on."""
    if not lists:
        return Codes(pl.Series("diagnosis_code", [], dtype=pl.String), np.zeros(0, np.int64), np.zeros(0, np.int64))
    code = pl.concat(lists).alias("diagnosis_code").to_frame().unique().sort("diagnosis_code")
    known = code.join(mapped_codes(chosen.mappings), on="diagnosis_code", how="left", maintain_order="left")
    epoch = pl.lit(EPOCH)
    return Codes(
        code["diagnosis_code"],
        known.select((pl.col("valid_from") - epoch).dt.total_days().fill_null(0))["valid_from"].to_numpy(),
        known.select((pl.col("valid_to") - epoch).dt.total_days().fill_null(_FAR))["valid_to"].to_numpy(),
    )


def decision_rules_of(chosen: Options, year: ProgramYear, notes: list[str]) -> tuple[DecisionRules, str]:
    """What decides about diagnoses, and the flag of those judged by another year's procedure list; adds to ``notes``."""
    run = year.runs[chosen.run]
    window_years = range(run.from_date.year, run.to_date.year + 1)
    lists = procedure_codes(window_years, chosen.mappings)
    borrowed = lists.filter(pl.col("service_year") != pl.col("list_year")).select("service_year", "list_year").unique()
    for service_year, list_year in borrowed.sort("service_year").iter_rows():
        notes.append(
            f"Services of {service_year} are judged by the procedure list of {list_year} (LIST_OF_{list_year})."
        )
    audio = audio_only_codes(chosen.mappings)
    bills = bill_types(chosen.mappings).filter("eligible")
    counts_audio = chosen.audio_only != "exclude" and not year.diagnoses.audio_only_excluded_by_cms
    rules = DecisionRules(
        lines=LineRules(
            window=(run.from_date, run.to_date),
            procedures=[(y, lists.filter(pl.col("service_year") == y)["hcpcs"]) for y in window_years],
            bill_types=dict(bills.select("prefix", "claim_type").iter_rows()),
            audio_modifiers=audio.filter(pl.col("kind") == "modifier")["code"].to_list(),
            audio_procedures=audio.filter(pl.col("kind") == "hcpcs")["code"].to_list(),
            audio_first=counts_audio,
            weak_procedures=weak_face_to_face(chosen.mappings)["hcpcs"].to_list(),
        ),
        chains=ChainRules(run.deadline, year.diagnoses.unlinked_chart_review == "switcher_only"),
        exempt_programs=frozenset(year.diagnoses.unlinked_exempt_programs),
        raps_programs=frozenset(_raps_programs(year)),
        listed_years=frozenset(window_years) - frozenset(borrowed["service_year"].to_list()),
    )
    years = sorted({str(list_year) for list_year in borrowed["list_year"]})
    return rules, f"LIST_OF_{'_'.join(years)}" if years else ""


def _raps_programs(year: ProgramYear) -> set[str]:
    """Values of the member's ``program`` for which some model takes RAPS diagnoses."""
    from hcc.rules.requires import parse

    return {
        value
        for program in year.programs
        if any("raps" in model.sources for model in program.models)
        for term in parse(program.requires)
        if term.name == "program"
        for value in term.values
    }
