"""Precision and recall of every rule on the planted population: ``python -m tests.gaps.judge 2026 [copies]``.

For a rule: its plants and the noise (members without a plant). A plant that is flagged has a row of its rule with the
planted status; one that is not has no row that is open, indeterminate or informational; noise neither.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

import polars as pl

from hcc.pipeline.api import score
from hcc.pipeline_gaps import Gaps, find_gaps
from hcc.rules.gap_rules import load_gap_rules
from tests.gaps.planted import Population, population

_SAYS_SOMETHING = ("open", "indeterminate", "informational")


def all_on(folder: Path) -> Path:
    """A rules file of one's own that switches every rule on."""
    path = folder / "all_on.toml"
    path.write_text("on = [" + ", ".join(f'"{rule.id}"' for rule in load_gap_rules().rules) + "]\n")
    return path


def gaps_of(made: Population, folder: Path, **left_out: None) -> Gaps:
    tables = {
        "history": made.history, "pharmacy": made.pharmacy, "observations": made.observations,
        "problems": made.problems, "chart_findings": made.chart_findings, **left_out,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = score(made.members, made.claims, payment_year=made.calendar.payment_year)
    return find_gaps(run, **tables, as_of=made.calendar.as_of, rules=all_on(folder))


def judged(made: Population, gaps: pl.DataFrame) -> pl.DataFrame:
    """One row per rule: plants, flagged rightly (hits), missed, flagged wrongly (false), noise, precision, recall."""
    rows = gaps.select(
        "member_id",
        pl.col("rule_id", "status").cast(pl.String),
        pl.col("candidate_diagnosis_codes").str.split(",").alias("named"),
    )
    answers = made.expected.join(rows, on=["member_id", "rule_id"], how="left", suffix="_found")
    named = pl.col("codes").str.split(",").list.set_difference(pl.col("named").fill_null([])).list.len() == 0
    right_status = pl.col("status_found").is_not_null() & (
        pl.col("status").is_null() | (pl.col("status_found") == pl.col("status"))
    )
    right_codes = (pl.col("codes") == "") | named
    plants = answers.group_by("member_id", "rule_id", "plant", "flagged").agg(
        (right_status & right_codes).any().alias("found"),
        pl.col("status_found").is_in(_SAYS_SOMETHING).fill_null(False).any().alias("said"),
    )
    noise = (
        rows.filter(
            ~pl.col("member_id").is_in(made.expected["member_id"].implode()), pl.col("status").is_in(_SAYS_SOMETHING)
        )
        .group_by("rule_id")
        .len("noise")
    )
    hit, missed = pl.col("flagged") & pl.col("found"), pl.col("flagged") & ~pl.col("found")
    return (
        plants.group_by("rule_id")
        .agg(
            pl.len().alias("plants"),
            hit.sum().alias("hits"),
            missed.sum().alias("missed"),
            (~pl.col("flagged") & pl.col("said")).sum().alias("false"),
            pl.col("plant").filter(missed | (~pl.col("flagged") & pl.col("said"))).sort().alias("wrong"),
        )
        .join(noise, on="rule_id", how="full", coalesce=True)
        .with_columns(pl.col("noise", "plants", "hits", "missed", "false").fill_null(0))
        .with_columns(
            (pl.col("hits") / (pl.col("hits") + pl.col("false") + pl.col("noise"))).alias("precision"),
            (pl.col("hits") / (pl.col("hits") + pl.col("missed"))).alias("recall"),
        )
        .sort("rule_id")
    )


def main() -> None:
    year = int(sys.argv[1])
    made = population(year, copies=int(sys.argv[2]) if len(sys.argv) > 2 else 1, noise=500)
    with tempfile.TemporaryDirectory() as folder:
        report = judged(made, gaps_of(made, Path(folder)).gaps)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=80, tbl_width_chars=160):
        print(report)


if __name__ == "__main__":
    main()
