"""``hcc gaps`` and ``hcc run``: the two-way gap list of a results file, or scores and gaps in one pass."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from hcc.cli import options
from hcc.cli.options import Command

_EVIDENCE = ("history", "pharmacy", "observations", "problems", "chart_findings")


def keep_freed_memory() -> None:
    """Let polars' allocator keep what it freed for half a second: gaps are found piece by piece in arrays of the same
    sizes, and asking the kernel for their pages again and again takes a quarter of the time. Before polars is read."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:500,muzzy_decay_ms:-1")


def _evidence_options(command: Command) -> Command:
    """The options that both commands share, in the order of the help."""
    added = (
        options.table("--history", f"Claims of earlier years: {options.FILES}; repeatable, as all tables are."),
        options.table("--pharmacy", "Fills."),
        options.table("--observations", "Laboratory results and measurements."),
        options.table("--problems", "Problem lists."),
        options.table("--chart-findings", "What reviewers found in records."),
        click.option(
            "--as-of",
            metavar="DATE",
            help="Use nothing after this day. Default: the latest service, fill or result, at most the run's deadline.",
        ),
        click.option(
            "--rules",
            type=click.Path(exists=True, dir_okay=False),
            metavar="FILE",
            multiple=True,
            help="TOML: rules of your own, and ours switched on or off; repeatable.",
        ),
        click.option(
            "--unidentified-fills",
            type=click.Choice(["weaken", "indeterminate"]),
            default="weaken",
            show_default=True,
            help="What fills that nothing identifies do to rules that ask for a drug's absence.",
        ),
        options.memory,
        options.columns,
    )
    for option in reversed(added):
        command = option(command)
    return command


@click.command()
@click.argument("results", type=click.Path(exists=True, dir_okay=False))
@options.table("--claims", "The claims, where they are no longer where they were scored from.")
@options.table("--claim-diagnoses", "The same for their table of diagnoses.")
@_evidence_options
@click.option(
    "--layout",
    metavar="NAME",
    help="Whose column names the tables of evidence have; without it and --columns as those of the run.",
)
def gaps(results: str, **given: Any) -> None:
    """Find coded-but-unsupported and supported-but-missing conditions.

    Adds the tables gaps, member_gaps and gap_evidence to a results file. Every table of evidence may be absent: rules
    that need it answer 'indeterminate', and the end of the output says which file would let them be judged.

    \b
    Example, after 'hcc demo':
      hcc gaps demo/results.duckdb --history demo/history.parquet --pharmacy demo/pharmacy.parquet
    """
    keep_freed_memory()
    from hcc.cli.progress import Progress
    from hcc.pipeline_gaps import find_gaps

    with Progress("gaps") as progress:
        found = find_gaps(results, progress=progress, **given)
    print_gaps(found, Path(results))


@click.command()
@options.members
@options.claims
@options.claim_diagnoses
@options.enrollment
@options.months_from_spans
@click.option("--payment-year", type=int, required=True, help="The year CMS pays for; there is no default.")
@options.models
@options.run("run_name")
@options.hierarchy_mode
@options.audio_only
@options.mappings
@_evidence_options
@options.layout
@click.option("--out", required=True, type=click.Path(), metavar="FILE", help="The results file to make.")
@click.option("--overwrite", is_flag=True, help="Replace the results file (reviews are kept).")
def run(
    members: Any,
    claims: Any,
    models: tuple[str, ...],
    run_name: str,
    out: str,
    overwrite: bool,
    **given: Any,
) -> None:
    """Score and find gaps in one pass.

    \b
    Example, after 'hcc demo':
      hcc run --members demo/members.parquet --claims demo/claims.parquet --payment-year 2026 \\
              --history demo/history.parquet --pharmacy demo/pharmacy.parquet --out all.duckdb
    """
    keep_freed_memory()
    from hcc.cli.progress import Progress
    from hcc.cli.summary import print_summary
    from hcc.pipeline_gaps import run as run_both

    wanted = {name: given.pop(name) for name in (*_EVIDENCE, "as_of", "rules", "unidentified_fills")}
    with Progress("scoring and gaps") as progress:
        done, found = run_both(
            members, claims, models=list(models) or None, run=run_name, out=out, overwrite=overwrite,
            gaps=wanted, progress=progress, **given,
        )  # fmt: skip
    print_summary(done, Path(out))
    print_gaps(found, Path(out))


def print_gaps(found: Any, results: Path) -> None:
    """Counts in both directions, rules that could not be judged, and where to look; on stderr."""
    from hcc.cli.printing import typed

    click.echo(f"Gaps as of {found.as_of.isoformat()}", err=True)
    for line in _by_direction(results):
        click.echo(line, err=True)
    unjudged = found.unjudged
    if unjudged.height:
        click.echo("Not judged, or only in part, for want of a table:", err=True)
        tables = unjudged.group_by("table", "option", maintain_order=True).agg("rule_id").sort("table")
        for table, option, rules in tables.iter_rows():
            click.echo(f"  {option:<18} ({table}) would let these be judged: {', '.join(sorted(rules))}", err=True)
    for note in found.found.notes:
        click.echo(f"  note: {note}", err=True)
    click.echo(f"Where to look next:\n  duckdb {typed(results)}\n    FROM open_gaps; FROM gaps; FROM gap_evidence;", err=True)
    click.echo(f"  hcc worklist export {typed(results)} --out worklist.xlsx", err=True)


def _by_direction(results: Path) -> list[str]:
    """Both directions alike: rows by status, open ones by strength, and what all open ones together would change."""
    from hcc.results import open_results

    con = open_results(results)
    try:
        by_status = con.execute(
            "SELECT direction::VARCHAR, status::VARCHAR, count(*) FROM gaps GROUP BY ALL ORDER BY 1 DESC, 3 DESC"
        ).fetchall()
        by_strength = con.execute(
            "SELECT direction::VARCHAR, strength::VARCHAR, count(*) FROM gaps WHERE status = 'open' GROUP BY ALL"
        ).fetchall()
        whole = con.execute(
            "SELECT direction::VARCHAR, part::VARCHAR, count(*), sum(score_change), sum(dollar_change) "
            "FROM member_gaps GROUP BY ALL ORDER BY 2"
        ).fetchall()
    finally:
        con.close()
    lines = []
    for direction, named in (("unsupported", "coded but unsupported"), ("missing", "supported but missing")):
        statuses = ", ".join(f"{count:,} {status}" for d, status, count in by_status if d == direction)
        lines.append(f"  {named}: {statuses or 'none'}")
        strengths = {strength: count for d, strength, count in by_strength if d == direction}
        if strengths:
            told = ", ".join(f"{strengths[s]:,} {s}" for s in ("high", "medium", "low") if s in strengths)
            lines.append(f"    open by strength: {told}")
        for d, part, members, score, dollars in whole:
            if d == direction and score is not None:
                money = "" if dollars is None else f", {dollars:+,.2f} dollars a year"
                told = f"Part {part} risk scores of {members:,} member{'' if members == 1 else 's'}"
                lines.append(f"    all open ones applied: {score:+,.3f} in the {told}{money}")
    return lines
