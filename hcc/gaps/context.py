"""What the gap rules look at: members, diagnoses, HCCs, evidence, and which of it was given at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from hcc.rules.ruleset import RuleSet
from hcc.rules.valuesets import ValueSets

TABLES = ("claims", "history", "pharmacy", "observations", "problems", "chart_findings")
FILE_OPTION = {
    "claims": "--claims",
    "history": "--history",
    "pharmacy": "--pharmacy",
    "observations": "--observations",
    "problems": "--problems",
    "chart_findings": "--chart-findings",
}


@dataclass(frozen=True, eq=False)
class Evidence:
    """Evidence frames, lazy, one row per event; None = the table was not given. All carry ``member_index`` (UInt32).

    fills: fill_date, drug (key of ``ValueSets.drug_keys``), code, days_supply. unidentified_fills: fill_date, count.
    results: observation_date, concept, use, value, low, high, finding, loinc (hcc/gaps/evidence/results.py).
    procedures: claim_id, date, concept, evidence, code, place_of_service, rendering_npi.
    diagnoses: claim_id, date, diagnosis_code, claim_type, record_type, counted, place_of_service: live claims; codes of
    the data-collection year that map in no model, and every code of interest of other years (up to as_of).
    stays: claim_id, since: first day of hospital stays of several days. links: claim_id, encounter: chart reviews and
    the encounter that they belong to. specialties: claim_id, specialty: of the claims of the year with a specialty that a
    rule names, the specialties of all lines (null unknown). deletes: date, diagnosis_code, claim_id, submitted: chart-review deletes.
    submitted: claim_id, submitted: the last submission of claims of members with deletes. problems: recorded_date, code, and where
    known status, resolved_date.
    chart_findings: service_date, diagnosis_code, claim_id, verdict, reviewer, note.
    """

    fills: pl.LazyFrame | None = None
    unidentified_fills: pl.LazyFrame | None = None
    results: pl.LazyFrame | None = None
    procedures: pl.LazyFrame | None = None
    diagnoses: pl.LazyFrame | None = None
    stays: pl.LazyFrame | None = None
    links: pl.LazyFrame | None = None
    specialties: pl.LazyFrame | None = None
    deletes: pl.LazyFrame | None = None
    submitted: pl.LazyFrame | None = None
    problems: pl.LazyFrame | None = None
    chart_findings: pl.LazyFrame | None = None


@dataclass(frozen=True, eq=False)
class GapContext:
    """One population, or one bucket of its members, ready for the gap rules.

    ``members``: member_index, member_id, birth_date, sex, death_date, pcp_npi, and where known esrd_status,
    new_enrollee, hospice, disenrolled (Boolean, as of ``as_of``), disenrolled_on, enrolled_from (first day, of those who
    joined later than others) and away (left for some of the year and came back).
    ``member_models``: member_index, model, calibration, segment: the models each member is scored by. Here and in
    ``member_hccs`` a column ``m``, the model's place in ``models``, can stand for model and calibration.
    ``diagnoses``: the run's table, with member_index: claim_id, diagnosis_code, thru_date, claim_type, record_type,
    counted, reason, flags, rendering_npi, place_of_service.
    ``edited``: member_index, model, calibration, diagnosis_code, hcc (null = dropped).
    ``member_hccs``: member_index, model, calibration, hcc, first_date, last_date, claims: on counted diagnoses up to
    ``as_of``, hierarchy-dropped HCCs included.
    ``history_hccs``: member_index, model, calibration, hcc, service_year, diagnosis_codes (text, commas), first_date,
    last_date, claims: the years before, eligible diagnoses re-mapped with the models of now; None = no history given.
    Where it is known also ``named``: a list of claim_id, date, diagnosis_code.
    ``coverage``: first and last day that each given table speaks for; a table not given is absent.
    ``outliers``: rendering_npi, model, calibration, hcc, members, panel, share, peer_share, sigmas (patterns/outliers).
    ``previous``: gap_id, flagged_on of an earlier run. ``reviews``: gap_id, decision, decided_at.
    """

    payment_year: int
    year_start: date
    year_end: date
    as_of: date
    models: tuple[RuleSet, ...]
    members: pl.DataFrame
    member_models: pl.DataFrame
    diagnoses: pl.DataFrame
    member_hccs: pl.DataFrame
    valuesets: ValueSets
    coverage: Mapping[str, tuple[date, date]]
    edited: pl.DataFrame | None = None
    history_hccs: pl.DataFrame | None = None
    evidence: Evidence = field(default_factory=Evidence)
    outliers: pl.DataFrame | None = None
    previous: pl.DataFrame | None = None
    reviews: pl.DataFrame | None = None
    unidentified_fills: str = "weaken"
    mappings: Path | None = None

    @property
    def year(self) -> int:
        """The data-collection year, as a reader calls it."""
        return self.year_end.year

    @property
    def year_in_words(self) -> str:
        """The data-collection year in a sentence: '2025', or of an initial run 'the year to 2025-06-30'."""
        if (self.year_start.month, self.year_start.day) == (1, 1):
            return str(self.year)
        return f"the year to {self.year_end.isoformat()}"

    @property
    def year_until(self) -> date:
        """Last day of the data-collection year that is not after ``as_of``."""
        return min(self.year_end, self.as_of)

    def given(self, table: str) -> bool:
        """Whether a table was supplied."""
        return table in self.coverage
