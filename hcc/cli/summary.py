"""What a person wants to see first after scoring (RULINGS 20), on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hcc.pipeline import Run

_FEW = 5


def print_summary(run: Run, results: Path, *, look_next: bool = True) -> None:
    """Counts of the run, notes, mean scores, and where to look next."""
    not_counted = _not_counted(results)
    lines = _lines(run.summary(), run.timings.get("total"), not_counted)
    shown = [*lines, *_wrong_year(run, not_counted), *_without(results), *_scores(results)]
    for line in (*shown, *(["", *_next(results)] if look_next else [])):
        click.echo(line.rstrip(), err=True)


def print_means(run: Run) -> None:
    """Mean scores of a run without a file, on stdout, and what the reader must know of it, on stderr."""
    import polars as pl

    for note in run.notes:
        click.echo(f"note: {note}", err=True)
    score = pl.col("risk_score")
    parts = run.member_scores.group_by(pl.col("part").cast(pl.String)).agg(
        score.count().alias("members"), score.mean().alias("mean"), score.is_null().sum().alias("without")
    )
    name = pl.concat_str(
        pl.col("model").cast(pl.String), pl.col("calibration").cast(pl.String).replace("", None), separator=":",
        ignore_nulls=True,
    )  # fmt: skip
    models = run.scores.group_by(pl.col("program").cast(pl.String), name.alias("name")).agg(
        pl.col("member_id").n_unique().alias("members"), pl.col("raw_score").mean(), pl.col("payment_score").mean()
    )
    rows = models.sort("members", "program", "name", descending=[True, False, False]).rows()
    click.echo(
        f"{run.counts['members']:,} members scored for {run.options.payment_year} in {run.timings['total']:.1f} s"
    )
    for line in _means(parts.sort("part").rows(), rows):
        click.echo(line)


def _lines(told: dict[str, Any], seconds: float | None, not_counted: dict[str, int]) -> Iterator[str]:
    members = told["members"]
    took = "" if seconds is None else f" in {seconds:.1f} s"
    yield f"{members:,} members scored for {told['payment_year']}{took}"
    if told["rejected_rows"]:
        yield f"  rows set aside         {told['rejected_rows']:>12,}  {_reasons(told['rejected_by_reason'])}"
    else:
        yield f"  rows set aside         {0:>12,}"
    if members:
        without = members - told["members_with_hcc"]
        yield f"  members without an HCC {without / members:>12.1%}"
    counted, found = told["diagnoses_counted"], told["diagnoses"]
    yield f"  diagnoses counted      {counted:>12,}  of {found:,} that map to an HCC"
    if not_counted:
        yield f"  diagnoses not counted  {sum(not_counted.values()):>12,}  {_reasons(not_counted)}"
    nowhere = _reasons(told["unmapped_by_reason"], "rows")
    yield f"  codes that map nowhere {told['unmapped_codes']:>12,}  {nowhere}"
    yield f"  claims of unknown members {told['claims_of_unknown_members']:>9,}"
    if told.get("diagnoses_without_claim"):
        yield f"  diagnoses without a claim {told['diagnoses_without_claim']:>9,}  no line has their claim_id and member_id"
    assumed = {name: count for name, count in told["defaulted"].items() if count}
    if assumed:
        everywhere = [name for name, count in assumed.items() if count == members]
        somewhere = {name: count for name, count in assumed.items() if count != members}
        if everywhere:
            yield f"  assumed for everybody: {', '.join(everywhere)}"
        if somewhere:
            yield f"  assumed for some: {_reasons(somewhere)}"
    for note in told["notes"]:
        yield f"  note: {note}"


def _reasons(counts: dict[str, int], unit: str = "") -> str:
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name} {count:,}" for name, count in ranked[:_FEW])
    more = f" and {len(ranked) - _FEW} more" if len(ranked) > _FEW else ""
    return f"{unit + ': ' if unit and shown else ''}{shown}{more}"


def _not_counted(results: Path) -> dict[str, int]:
    """Diagnoses that map and do not count, by reason."""
    from hcc.results import open_results

    con = open_results(results)
    try:
        rows = con.execute("SELECT reason::VARCHAR, count(*) FROM diagnoses WHERE NOT counted GROUP BY 1 ORDER BY 1")
        return {str(reason): int(number) for reason, number in rows.fetchall()}
    finally:
        con.close()


def _wrong_year(run: Run, not_counted: dict[str, int]) -> Iterator[str]:
    """Claims of another year score nobody: most likely the payment year was mistaken for the year of the services."""
    from hcc.rules.programs import load_program_year

    if not_counted.get("OUT_OF_WINDOW", 0) == run.counts["diagnoses"] > 0:
        asked = run.options
        window = load_program_year(asked.payment_year, asked.mappings).runs[asked.run]
        yield (
            f"  note: payment year {asked.payment_year} is scored by services of {window.from_date} to "
            f"{window.to_date}, and no diagnosis is of these: is --payment-year right?"
        )


def _without(results: Path) -> Iterator[str]:
    """How many members have no risk score in any part, and why."""
    from hcc.results import open_results

    con = open_results(results)
    try:
        rows = con.execute(
            "SELECT why, count(*) FROM (SELECT member_id, min(no_score_reason::VARCHAR) AS why FROM member_scores "
            "GROUP BY ALL HAVING count(risk_score) = 0) GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    finally:
        con.close()
    if rows:
        counts = {str(why or "unknown"): int(number) for why, number in rows}
        yield f"  members without a score {sum(counts.values()):>11,}  {_reasons(counts)}"


def _scores(results: Path) -> Iterator[str]:
    """Mean scores by part and by model, from the finished file."""
    from hcc.results import open_results

    con = open_results(results)
    try:
        parts = con.execute(
            "SELECT part::VARCHAR, count(risk_score), avg(risk_score), count(*) - count(risk_score) FROM member_scores "
            "GROUP BY ALL ORDER BY 1"
        ).fetchall()
        models = con.execute(
            "SELECT program::VARCHAR, concat_ws(':', model::VARCHAR, nullif(calibration::VARCHAR, '')), "
            "count(DISTINCT member_id), avg(raw_score), avg(payment_score) FROM scores "
            "GROUP BY ALL ORDER BY 3 DESC, 1, 2"
        ).fetchall()
    finally:
        con.close()
    yield from _means(parts, models)


def _means(parts: list[Any], models: list[Any]) -> Iterator[str]:
    for part, members, mean, none in parts:
        without = f", {none:,} without" if none else ""
        mean_text = "none" if mean is None else f"{mean:.3f}"
        yield f"  mean risk score, Part {part} {mean_text:>10}  ({members:,} members{without})"
    for program, model, members, raw, paid in models:
        figures = f"raw {raw:.3f}" if raw is not None else "no score"
        figures += f", payment {paid:.3f}" if paid is not None else ""
        yield f"    {program or 'not paid':<20} {model:<22} {members:>10,} members, {figures}"


def _next(results: Path) -> Iterator[str]:
    from hcc.cli.printing import typed

    yield f"Results are in {results}. Where to look next:"
    yield f"  hcc explain {typed(results)} --member ID"
    yield "    what made a member's score, and what did not count"
    yield f"  duckdb {typed(results)}"
    yield "    FROM current_scores; FROM hcc_prevalence; FROM uncounted_diagnoses; FROM data_quality;"
    yield "  hcc schema"
    yield "    the tables and views in words"
