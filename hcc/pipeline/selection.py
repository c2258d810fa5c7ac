"""Claims of some of the members, so that a part of a population can be worked on by itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from hcc.intake import Inputs


def has_table(inputs: Inputs) -> bool:
    """Whether the diagnoses come as a table of their own."""
    return any(one["table"] == "claim_diagnoses" for one in inputs.fingerprints)


def diagnoses_are_told(inputs: Inputs) -> bool:
    """Whether all diagnoses say whose they are; those on the lines do."""
    if not has_table(inputs):
        return True
    if "member_id" not in inputs.claim_diagnoses.collect_schema().names():
        return False
    untold = inputs.claim_diagnoses.select(pl.col("member_id").is_null().any()).collect(engine="streaming").item()
    return not untold


@dataclass(frozen=True, eq=False)
class Selection:
    """``ours``: a condition on member_id. ``claim_id``: their claims, where diagnoses do not all say whose they are;
    None where they do."""

    ours: pl.Expr
    claim_id: pl.Series | None = None

    def rows(self, table: pl.LazyFrame) -> pl.LazyFrame:
        """Rows of a table that says of each whose it is."""
        return table.filter(self.ours)

    def lines(self, claims: pl.LazyFrame) -> pl.LazyFrame:
        """Their claim lines; without owners of diagnoses also those of others who share a claim_id: they tell it."""
        return claims.filter(self.ours if self.claim_id is None else self._of_their_claims())

    def diagnoses(self, table: pl.LazyFrame) -> pl.LazyFrame:
        """Their diagnoses; where a row does not say whose it is, those of their claims."""
        return table.filter(self.of_diagnoses(table.collect_schema().names()))

    def of_diagnoses(self, columns: Collection[str]) -> pl.Expr:
        """The condition of ``diagnoses`` on a table of these columns."""
        if self.claim_id is None:
            return self.ours
        if "member_id" not in columns:
            return self._of_their_claims()
        return pl.when(pl.col("member_id").is_null()).then(self._of_their_claims()).otherwise(self.ours)

    def _of_their_claims(self) -> pl.Expr:
        assert self.claim_id is not None
        return pl.col("claim_id").is_in(self.claim_id.implode())
