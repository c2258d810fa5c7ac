"""Decisions on questions: their words, the latest one of each gap, and the clock that a decision starts."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

RETURN_DAYS = 60
"""42 CFR 422.326: an identified overpayment is reported and returned within 60 days (SPEC R-6.9)."""

SETTLED = ("supported", "not_supported", "not_reviewable")
"""Decisions after which a question leaves the list; a deferred or queried one stays."""

EARLIEST_DAY = date(2000, 1, 1)
"""A decision dated before it is a typing error: no diagnosis of those years concerns an HCC."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One of the five: its name in ``reviews``, in words, what it means, the reasons offered."""

    name: str
    words: str
    meaning: str
    reasons: tuple[str, ...]


@lru_cache(maxsize=1)
def decisions() -> tuple[Decision, ...]:
    """The five decisions in the order of their keys."""
    table = tomllib.loads(Path(__file__).with_name("decisions.toml").read_text(encoding="utf-8"))
    return tuple(Decision(d["name"], d["words"], d["meaning"], tuple(d["reasons"])) for d in table["decision"])


def decision_named(text: str) -> str | None:
    """The name of a decision as people write it ("Not supported", "not-supported"); None for anything else."""
    name = "_".join(text.replace("-", " ").replace("_", " ").lower().split())
    return name if name in {decision.name for decision in decisions()} else None


def latest_decisions(reviews: pl.DataFrame) -> pl.DataFrame:
    """One row per decided gap: the latest decision, and since when the gap is known not to be supported.

    ``reviews``: the table of that name in the order the decisions were made. ``not_supported_on`` is the day (UTC) of
    the first "not supported" after the last "supported": deferring or asking again does not stop the clock.
    """
    supported = pl.col("decided_at").filter(pl.col("decision") == "supported").max()
    against = pl.col("decided_at").filter(pl.col("decision") == "not_supported")
    return reviews.group_by("gap_id", maintain_order=True).agg(
        pl.col("review_id", "decision", "reason", "note", "reviewer", "decided_at").last(),
        against.filter(against > pl.coalesce(supported, pl.lit(0).cast(pl.Datetime("us"))))
        .min()
        .dt.date()
        .alias("not_supported_on"),
        pl.len().cast(pl.Int64).alias("decisions"),
    )


def merged_reviews(copied: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """All decisions: those copied into the results at the last run and those in the store, each once, in order.

    The store normally has them all; a results file that was moved without it still has the copy.
    """
    columns = stored.columns
    both = pl.concat([copied.select(columns).cast(stored.schema), stored])
    return both.unique("review_id", keep="last", maintain_order=True).sort("decided_at", maintain_order=True)
