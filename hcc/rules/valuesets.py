"""Value sets: which drugs, tests, procedures and diagnoses count as evidence (mappings/gaps/valuesets/)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True, eq=False)
class ValueSets:
    """The value sets of one mappings folder (and of a user's folder on top), read on first use.

    Frames to come: drug_keys (drug, ingredient, drug_class, route, flags, components, evidence), drugs, ndc, rxnorm, names,
    loinc, units, plausible_ranges, hcpcs, diagnoses, conflicts, miskeyed, replacements, ccir, hcc_chronic_share.
    """

    folder: Path
    user_folder: Path | None = None

    @property
    def incomplete_classes(self) -> frozenset[str]:
        """Drug classes with an outpatient, marketed ingredient that no NDC finds (RULINGS 23)."""
        raise NotImplementedError

    def diagnosis_codes(self, concepts: Collection[str] | None = None) -> pl.Series:
        """Codes of the concepts, sorted."""
        raise NotImplementedError


def load_valuesets(mappings: str | Path | None = None, *, user_folder: str | Path | None = None) -> ValueSets:
    """The value sets; ``user_folder`` defaults to the environment variable HCC_VALUESETS."""
    raise NotImplementedError
