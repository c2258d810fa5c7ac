"""Small populations for the gap tests, written as a few lines each: Person("a").dx("I639", "2025-03-01") …

Members' HCCs come from the mapping table alone (no edits, no kernel): the tests choose codes for which that is right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import polars as pl

from hcc.gaps import Candidates, Evidence, GapContext, find_gap_candidates
from hcc.rules.gap_rules import GapRules, load_gap_rules
from hcc.rules.ruleset import RuleSet, load_rules
from hcc.rules.valuesets import ValueSets, load_valuesets

YEAR = 2025
AS_OF = date(2025, 12, 31)


def day(text: str | date) -> date:
    return text if isinstance(text, date) else date.fromisoformat(text)


@lru_cache
def sets() -> ValueSets:
    return load_valuesets()


@lru_cache
def model(name: str, year: int) -> RuleSet:
    return load_rules(name, year)


@lru_cache
def shipped_rules() -> GapRules:
    return load_gap_rules()


@lru_cache
def drug_of(ingredient: str, drug_class: str, route: str, flags: str) -> tuple[int, str]:
    """A key of drug_keys and its class for an ingredient (or a class)."""
    keys = sets().drug_keys.with_columns(
        pl.col("drug_class", "ingredient", "route", "flags", "evidence").cast(pl.String)
    )
    found = keys.filter(pl.col("ingredient") == ingredient)
    if drug_class:
        found = found.filter(pl.col("drug_class") == drug_class)
    if route:
        found = found.filter(pl.col("route") == route)
    found = found.filter(pl.col("flags").fill_null("") == flags) if flags != "any" else found
    if found.is_empty():
        raise AssertionError(f"no drug key for {ingredient} {drug_class} {route} {flags}")
    row = found.row(0, named=True)
    return row["drug"], row["drug_class"]


@dataclass
class Person:
    """One member and all that is known of it."""

    name: str = "m1"
    birth: str = "1950-01-01"
    sex: str = "F"
    part_b_months: int = 12
    death: str | None = None
    hospice: bool = False
    disenrolled: bool = False
    enrolled_from: str | None = None
    segment: str = "CNA"
    esrd: str | None = "none"
    diagnoses: list[dict] = field(default_factory=list)
    procedures: list[dict] = field(default_factory=list)
    fills: list[dict] = field(default_factory=list)
    unknown_fills: list[date] = field(default_factory=list)
    results: list[dict] = field(default_factory=list)
    problems: list[dict] = field(default_factory=list)
    findings: list[dict] = field(default_factory=list)
    deletes: list[dict] = field(default_factory=list)
    submitted: list[dict] = field(default_factory=list)
    stays: list[dict] = field(default_factory=list)
    links: list[dict] = field(default_factory=list)
    specialties: list[dict] = field(default_factory=list)

    def dx(
        self, code: str, when: str, claim_type: str = "professional", *, claim: str | None = None, counted: bool = True,
        reason: str | None = None, record_type: str = "encounter", flags: str = "", place: str = "11", npi: str = "1",
        since: str | None = None, linked: str | None = None, specialties: tuple[str | None, ...] = (),
    ) -> Person:  # fmt: skip
        claim = claim or f"{self.name}-{len(self.diagnoses)}"
        self.specialties += [{"claim_id": claim, "specialty": one} for one in specialties]
        if since is not None:
            self.stays.append({"claim_id": claim, "since": day(since)})
        if linked is not None:
            self.links.append({"claim_id": claim, "encounter": linked})
        self.diagnoses.append(
            {
                "claim_id": claim, "diagnosis_code": code,
                "thru_date": day(when),
                "claim_type": claim_type, "record_type": record_type, "counted": counted,
                "reason": reason or ("COUNTED" if counted else "RECORD_INELIGIBLE(H)"), "flags": flags,
                "rendering_npi": npi, "place_of_service": place,
            }
        )  # fmt: skip
        return self

    def fill(self, ingredient: str, when: str, *, drug_class: str = "", route: str = "", flags: str = "") -> Person:
        drug, _ = drug_of(ingredient, drug_class, route, flags)
        self.fills.append({"fill_date": day(when), "drug": drug, "code": "00000000000"})
        return self

    def unknown_fill(self, when: str) -> Person:
        self.unknown_fills.append(day(when))
        return self

    def result(
        self, concept: str, when: str, value: float | None = None, *, low: float | None = None,
        high: float | None = None,
        finding: str | None = None, use: str = "include", comparator: str = "=",
    ) -> Person:  # fmt: skip
        self.results.append(
            {
                "observation_date": day(when), "concept": concept, "use": use, "value": value,
                "low": low if value is None else value, "high": high if value is None else value,
                "finding": finding, "loinc": "0-0", "comparator": comparator,
            }
        )  # fmt: skip
        return self

    def egfr(self, value: float, when: str, *, use: str = "include") -> Person:
        return self.result("egfr", when, value, use=use)

    def egfr_above_60(self, when: str) -> Person:
        return self.result("egfr", when, low=60.1, comparator=">")

    def did(
        self, concept: str, when: str, *, claim: str | None = None, npi: str | None = None, evidence: str = ""
    ) -> Person:
        table = sets().hcpcs.filter(pl.col("concept") == concept)
        grade = evidence or table["evidence"][0]
        self.procedures.append(
            {
                "claim_id": claim or f"{self.name}-p{len(self.procedures)}", "date": day(when), "concept": concept,
                "evidence": grade, "code": table["code"][0], "place_of_service": "11", "rendering_npi": npi,
            }
        )  # fmt: skip
        return self

    def problem(self, code: str, when: str, *, status: str | None = None, resolved: str | None = None) -> Person:
        ended = day(resolved) if resolved else None
        self.problems.append({"recorded_date": day(when), "code": code, "status": status, "resolved_date": ended})
        return self

    def finding(self, code: str, when: str, verdict: str, claim: str | None = None) -> Person:
        self.findings.append(
            {"service_date": day(when), "diagnosis_code": code, "claim_id": claim, "verdict": verdict, "note": None}
        )
        return self

    def delete(
        self, code: str, when: str, *, claim: str = "delete", on: str | None = None, claims_on: dict[str, str] | None = None
    ) -> Person:
        """``on``: the day on which the delete was submitted; ``claims_on``: those of claims."""
        self.deletes.append(
            {"diagnosis_code": code, "date": day(when), "claim_id": claim, "submitted": day(on) if on else None}
        )
        self.submitted += [{"claim_id": name, "submitted": day(told)} for name, told in (claims_on or {}).items()]
        return self


_SCHEMAS = {
    "diagnoses": {
        "claim_id": pl.String, "diagnosis_code": pl.String, "thru_date": pl.Date, "claim_type": pl.String,
        "record_type": pl.String, "counted": pl.Boolean, "reason": pl.String, "flags": pl.String,
        "rendering_npi": pl.String, "place_of_service": pl.String,
    },
    "procedures": {
        "claim_id": pl.String, "date": pl.Date, "concept": pl.String, "evidence": pl.String, "code": pl.String,
        "place_of_service": pl.String, "rendering_npi": pl.String,
    },
    "fills": {"fill_date": pl.Date, "drug": pl.UInt16, "code": pl.String},
    "results": {
        "observation_date": pl.Date, "concept": pl.String, "use": pl.String, "value": pl.Float64, "low": pl.Float64,
        "high": pl.Float64, "finding": pl.String, "loinc": pl.String, "comparator": pl.String,
    },
    "problems": {"recorded_date": pl.Date, "code": pl.String, "status": pl.String, "resolved_date": pl.Date},
    "findings": {
        "service_date": pl.Date, "diagnosis_code": pl.String, "claim_id": pl.String, "verdict": pl.String,
        "note": pl.String,
    },
    "deletes": {"diagnosis_code": pl.String, "date": pl.Date, "claim_id": pl.String, "submitted": pl.Date},
    "submitted": {"claim_id": pl.String, "submitted": pl.Date},
    "stays": {"claim_id": pl.String, "since": pl.Date},
    "links": {"claim_id": pl.String, "encounter": pl.String},
    "specialties": {"claim_id": pl.String, "specialty": pl.String},
}  # fmt: skip


def _frame(people: list[Person], name: str) -> pl.DataFrame:
    rows = [{"member_index": i, **row} for i, person in enumerate(people) for row in getattr(person, name)]
    return pl.DataFrame(rows, schema={"member_index": pl.UInt32, **_SCHEMAS[name]})


def hccs_of(diagnoses: pl.DataFrame, models: tuple[RuleSet, ...]) -> pl.DataFrame:
    """member_index, model, calibration, hcc, diagnosis_codes, first_date, last_date, claims: by the mapping alone."""
    parts = []
    for rules in models:
        parts.append(
            diagnoses.join(rules.diagnosis_to_hcc, on="diagnosis_code")
            .group_by("member_index", "hcc")
            .agg(
                pl.col("thru_date").min().alias("first_date"),
                pl.col("thru_date").max().alias("last_date"),
                pl.col("claim_id").n_unique().cast(pl.Int64).alias("claims"),
                pl.col("diagnosis_code").unique().sort().str.join(",").alias("diagnosis_codes"),
                pl.struct("claim_id", pl.col("thru_date").alias("date"), "diagnosis_code").alias("named"),
            )
            .with_columns(pl.lit(rules.model).alias("model"), pl.lit(rules.calibration).alias("calibration"))
        )
    return pl.concat(parts)


def context(
    *people: Person,
    year: int = YEAR,
    as_of: str | date = AS_OF,
    models: tuple[str, ...] = ("cms-hcc-v28",),
    tables: tuple[str, ...] = ("claims", "history", "pharmacy", "observations"),
    claims_from: str | None = None,
    **more: object,
) -> GapContext:
    """A context of the data-collection ``year``. ``tables``: which were given; years 2015 to now are covered."""
    rule_sets = tuple(model(name, year + 1) for name in models)
    everyone = list(people)
    start, end, today = date(year, 1, 1), date(year, 12, 31), day(as_of)
    diagnoses = _frame(everyone, "diagnoses")
    current = diagnoses.filter(pl.col("thru_date").is_between(start, end))
    mapped = pl.concat([rules.diagnosis_to_hcc["diagnosis_code"] for rules in rule_sets]).unique()
    run = current.filter(pl.col("diagnosis_code").is_in(mapped.implode()))
    counted = run.filter("counted", pl.col("thru_date") <= today)
    other = pl.concat(
        [
            diagnoses.filter(~pl.col("thru_date").is_between(start, end)),
            current.filter(~pl.col("diagnosis_code").is_in(mapped.implode())),
        ]
    ).rename({"thru_date": "date"})
    history = None
    if "history" in tables:
        past = diagnoses.filter("counted", pl.col("thru_date") < start).with_columns(
            pl.col("thru_date").dt.year().alias("service_year")
        )
        per_year = [
            hccs_of(past.filter(pl.col("service_year") == y), rule_sets).with_columns(pl.lit(y).alias("service_year"))
            for y in range(year - 3, year)
        ]
        history = pl.concat(per_year)
    members = pl.DataFrame(
        [
            {
                "member_index": i, "member_id": p.name, "birth_date": day(p.birth), "sex": p.sex,
                "new_enrollee": p.part_b_months < 12, "death_date": day(p.death) if p.death else None, "pcp_npi": "9",
                "hospice": p.hospice, "disenrolled": p.disenrolled, "esrd_status": p.esrd,
                "enrolled_from": day(p.enrolled_from) if p.enrolled_from else None,
            }
            for i, p in enumerate(everyone)
        ],
        schema_overrides={"member_index": pl.UInt32, "death_date": pl.Date, "enrolled_from": pl.Date, "esrd_status": pl.String},
    )  # fmt: skip
    member_models = pl.DataFrame(
        [
            {"member_index": i, "model": r.model, "calibration": r.calibration, "segment": p.segment}
            for i, p in enumerate(everyone)
            for r in rule_sets
        ],
        schema_overrides={"member_index": pl.UInt32},
    )
    first = day(claims_from) if claims_from else date(2015, 1, 1)
    coverage = {name: (first if name == "claims" else date(2015, 1, 1), today) for name in tables}
    given = {name: name in tables for name in ("pharmacy", "observations", "problems", "chart_findings")}
    unknown = pl.DataFrame(
        [{"member_index": i, "fill_date": d, "count": 1} for i, p in enumerate(everyone) for d in p.unknown_fills],
        schema={"member_index": pl.UInt32, "fill_date": pl.Date, "count": pl.UInt32},
    )
    evidence = Evidence(
        fills=_frame(everyone, "fills").lazy() if given["pharmacy"] else None,
        unidentified_fills=unknown.lazy() if given["pharmacy"] else None,
        results=_frame(everyone, "results").lazy() if given["observations"] else None,
        procedures=_frame(everyone, "procedures").lazy(),
        diagnoses=other.lazy(),
        stays=_frame(everyone, "stays").lazy(),
        links=_frame(everyone, "links").lazy(),
        specialties=_frame(everyone, "specialties").lazy(),
        deletes=_frame(everyone, "deletes").lazy(),
        submitted=_frame(everyone, "submitted").lazy(),
        problems=_frame(everyone, "problems").lazy() if given["problems"] else None,
        chart_findings=_frame(everyone, "findings").lazy() if given["chart_findings"] else None,
    )
    return GapContext(
        payment_year=year + 1, year_start=start, year_end=end, as_of=today, models=rule_sets, members=members,
        member_models=member_models, diagnoses=run, member_hccs=hccs_of(counted, rule_sets), valuesets=sets(),
        coverage=coverage, history_hccs=history, evidence=evidence, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def candidates(*people: Person, rules: GapRules | None = None, **options: object) -> Candidates:
    return find_gap_candidates(context(*people, **options), rules or shipped_rules())  # type: ignore[arg-type]


def gaps(*people: Person, rules: GapRules | None = None, **options: object) -> pl.DataFrame:
    return candidates(*people, rules=rules, **options).gaps


def only(frame: pl.DataFrame, rule_id: str) -> list[dict]:
    """Rows of one rule."""
    return (
        frame.with_columns(pl.col("rule_id", "model", "hcc").cast(pl.String))
        .filter(pl.col("rule_id") == rule_id)
        .sort("member_id", "model", "hcc")
        .to_dicts()
    )


def statuses(frame: pl.DataFrame, rule_id: str) -> list[tuple[str, str, str]]:
    """(hcc, status, status_reason) of one rule's rows."""
    return [(row["hcc"], row["status"], row["status_reason"]) for row in only(frame, rule_id)]
