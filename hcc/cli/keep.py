"""``hcc keep``: what counts and why, kept so that it can be scored again without the claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hcc.cli import options


@click.command()
@options.members
@options.claims
@options.claim_diagnoses
@options.enrollment
@options.months_from_spans
@click.option(
    "--payment-year", type=int, required=True, help="Whose collection window and policies; there is no default."
)
@options.run()
@options.layout
@options.columns
@options.audio_only
@options.mappings
@click.option("--out", required=True, type=click.Path(), metavar="FOLDER", help="The folder to make.")
@click.option("--overwrite", is_flag=True, help="Replace a folder that was kept before.")
@options.memory
def keep(members: Any, claims: Any, out: str, **given: Any) -> None:
    """Read claims once and keep what counts, to score it again and again.

    The folder holds the members and, for every diagnosis that any model maps, what was decided about it. 'hcc score
    --kept FOLDER' scores it for any payment year, model or scenario without reading a claim.

    \b
    Example, after 'hcc demo':
      hcc keep --members demo/members.parquet --claims demo/claims.parquet --payment-year 2026 --out demo.kept
      hcc score --kept demo.kept --payment-year 2027
    """
    from hcc.cli.printing import typed
    from hcc.cli.progress import Progress
    from hcc.pipeline import keep as keep_diagnoses

    with Progress("keeping") as progress:
        folder = keep_diagnoses(members, claims, out=out, progress=progress, **given)
    size = sum(path.stat().st_size for path in folder.iterdir())
    click.echo(f"Kept in {out} ({size / 1e6:,.1f} MB). Where to go on:", err=True)
    click.echo(f"  hcc score --kept {typed(out)} --payment-year {given['payment_year']}", err=True)
    click.echo("    mean scores in moments; --payment-year, --model or --scenario for a what-if", err=True)
    click.echo(f"  hcc score --kept {typed(out)} --payment-year {given['payment_year']} --out scores.duckdb", err=True)
    click.echo("    every table, as from the claims", err=True)


def score_kept(kept: str, out: str | None, models: tuple[str, ...], **given: Any) -> None:
    """``hcc score --kept``: every table into a file, or without one the mean scores alone."""
    from hcc.cli.progress import Progress
    from hcc.cli.stopping import told_where_it_stopped
    from hcc.cli.summary import print_means, print_summary
    from hcc.pipeline import score_kept as score_again

    taken = ("payment_year", "hierarchy_mode", "scenario", "mappings", "overwrite", "parquet", "memory")
    spare = options.typed(*(name for name in given if name not in taken))
    if spare:
        raise click.UsageError(
            f"--kept has the members and claims, their window and names: leave out {', '.join(spare)}."
        )
    if given["payment_year"] is None:
        raise click.UsageError("Missing option --payment-year.")
    if out is None and (given["parquet"] or given["overwrite"]):
        raise click.UsageError("--parquet and --overwrite go with --out.")
    tables = ("scores", "member_scores") if out is None else None
    asked = {name: given[name] for name in taken}
    with told_where_it_stopped(out, given["parquet"], resumes=False), Progress("scoring") as progress:
        run = score_again(kept, models=list(models) or None, out=out, tables=tables, progress=progress, **asked)
    if out is None:
        print_means(run)
    else:
        print_summary(run, Path(out))
