"""``hcc report``: one self-contained HTML page for the director."""

from __future__ import annotations

import click


@click.command()
@click.argument("results", type=click.Path())
@click.option("--out", required=True, type=click.Path(dir_okay=False), metavar="FILE", help="The HTML file to make.")
@click.option(
    "--reference",
    type=click.Path(exists=True, dir_okay=False),
    metavar="CSV",
    help="Prevalence to compare with: columns hcc, share, optionally model. Without it contracts are compared.",
)
@click.option("--show-small-cells", is_flag=True, help="Show counts of 1 to 10 members, too; such a page is PHI.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def report(results: str, out: str, reference: str | None, show_small_cells: bool, overwrite: bool) -> None:
    """One self-contained HTML page for the director.

    Scores, prevalence, gaps in both directions, recapture, data quality, method. It loads nothing, runs no script and
    holds no member's identifier.

    \b
    Example, after 'hcc demo':
      hcc report demo/results.duckdb --out report.html --overwrite
    """
    from hcc.cli.progress import Progress
    from hcc.report import write_report

    with Progress("report") as progress:
        progress("drawing", 0.0)
        written = write_report(
            results, out, reference=reference, show_small_cells=show_small_cells, overwrite=overwrite
        )
    click.echo(f"{written}", err=True)
    if show_small_cells:
        click.echo("It shows small cells: keep it like the data itself.", err=True)
