"""``hcc score``: a population's members and claims to one DuckDB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hcc.cli import options


@click.command()
@options.table("--members", f"The members: {options.FILES}; repeatable, as all tables are.  [required]")
@options.table("--claims", "The claim lines, likewise.  [required]")
@options.claim_diagnoses
@options.enrollment
@options.months_from_spans
@click.option("--payment-year", type=int, help="The year CMS pays for; there is no default.  [required]")
@options.models
@options.run()
@options.layout
@options.columns
@options.hierarchy_mode
@options.audio_only
@click.option(
    "--scenario",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="TOML: payment factors and frailty of your own, for a what-if (docs/guides/actuary.md).",
)
@options.mappings
@click.option("--out", type=click.Path(), metavar="FILE", help="The results file to make.  [required]")
@click.option(
    "--kept",
    type=click.Path(exists=True, file_okay=False),
    metavar="FOLDER",
    help="Score what 'hcc keep' kept instead of members and claims; without --out only mean scores are shown.",
)
@click.option(
    "--update",
    "updated",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Add new --claims to this results file: only the members they touch are scored again; the members, the year "
    "and all else are those of the file.",
)
@click.option("--changes", type=click.Path(), metavar="FILE", help="With --update: who changed and why, as CSV.")
@click.option("--overwrite", is_flag=True, help="Replace the results file (reviews are kept).")
@options.memory
@click.option("--resume", is_flag=True, help="Go on where an interrupted run of the same inputs to --out stopped.")
@click.option("--parquet", type=click.Path(), metavar="DIR", help="Write the tables as Parquet too.")
def score(
    members: Any, claims: Any, models: tuple[str, ...], out: str | None, kept: str | None,
    updated: str | None, changes: str | None, **given: Any,
) -> None:  # fmt: skip
    """Score a population: members and claims in, one DuckDB file out.

    The file holds scores, factors, HCCs, and for every diagnosis whether it counted and why; 'hcc schema' describes it.
    Rows that cannot be used are set aside in the table rejected_rows.

    \b
    Example, after 'hcc demo':
      hcc score --members demo/members.parquet --claims demo/claims.parquet --payment-year 2026 --out scores.duckdb
    """
    if kept:
        from hcc.cli.keep import score_kept

        score_kept(kept, out, models, members=members, claims=claims, updated=updated, changes=changes, **given)
        return
    if updated:
        if claims is None:
            raise click.UsageError("--update needs the new --claims.")
        _update(updated, claims, out, changes, members=members, models=models, **given)
        return
    missing = [
        name for name, value in (
            ("--members", members), ("--claims", claims), ("--payment-year", given["payment_year"]), ("--out", out)
        )
        if value is None
    ]  # fmt: skip
    if missing or out is None:
        raise click.UsageError(f"Missing option {', '.join(missing)}.")
    if changes:
        raise click.UsageError("--changes goes with --update; two files are compared by 'hcc compare'.")
    from hcc.cli.progress import Progress
    from hcc.cli.stopping import told_where_it_stopped
    from hcc.cli.summary import print_summary
    from hcc.pipeline import score as score_population

    with told_where_it_stopped(out, given["parquet"], resumes=True), Progress("scoring") as progress:
        run = score_population(
            members,
            claims,
            models=list(models) or None,
            out=out,
            progress=progress,
            **given,
        )
    print_summary(run, Path(out))


def _update(results: str, claims: Any, out: str | None, changes: str | None, **given: Any) -> None:
    """Everything but the claims, where they lie and how they are named is as the run in ``results`` has it."""
    taken = ("claim_diagnoses", "columns", "memory", "overwrite")
    layout = given["layout"] if options.typed("layout") else None  # else that of the run
    spare = options.typed(*(name for name in given if name not in (*taken, "layout")))
    if spare:
        raise click.UsageError(f"--update keeps to the run in the file: leave out {', '.join(spare)}.")
    from hcc.cli.progress import Progress
    from hcc.pipeline.update import update, write_changes

    if changes:
        if out and Path(changes).absolute() == Path(out).absolute():
            raise click.UsageError(f"{changes} is --out and cannot be --changes, too.")
        read = results, claims, given["claim_diagnoses"], given["layout"], given["columns"]
        _check_changes(changes, given["overwrite"], read)
    with Progress("updating") as progress:
        done = update(
            results, claims, out=out, layout=layout, progress=progress, **{name: given[name] for name in taken}
        )
    moved = done.changes
    up = moved.filter(moved["change"] > 0).height
    click.echo(
        f"{done.touched:,} members scored again in {done.seconds:.1f} s; {moved.height:,} risk scores moved", err=True
    )
    click.echo(f"  up {up:,}, down {moved.filter(moved['change'] < 0).height:,}", err=True)
    for note in done.notes[1:]:
        click.echo(f"  note: {note}", err=True)
    if changes:
        write_changes(moved, Path(changes))
        click.echo(f"  who and why: {changes}", err=True)
    elif moved.height:
        click.echo("  --changes FILE lists who and why", err=True)
    click.echo(f"results in {done.path}", err=True)


def _check_changes(path: str, overwrite: bool, inputs: tuple[Any, ...]) -> None:
    """Before the results file is written, not after."""
    from hcc.errors import ResultsError, ResultsExist
    from hcc.results import check_target
    from hcc.results.replaceable import CHANGES, refuse_inputs

    refuse_inputs(path, *inputs, option="--changes")
    try:
        check_target(path, overwrite, CHANGES)
    except ResultsExist:
        raise
    except ResultsError as error:
        raise ResultsError(error.message, hint="Choose another --changes.") from None
