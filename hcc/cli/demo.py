"""``hcc demo``: an invented population through every stage, and where to look."""

from __future__ import annotations

from pathlib import Path

import click

_OURS = "stories.parquet"  # every folder that this command made has it
_EVIDENCE = ("history", "pharmacy", "observations", "problems", "chart_findings")


@click.command()
@click.option(
    "--out", default="demo", show_default=True, type=click.Path(file_okay=False), help="The folder to write to."
)
@click.option("--members", default=2000, show_default=True, help="How many members to invent (200 or more).")
@click.option("--seed", default=7, show_default=True, help="Another seed, another population.")
@click.option("--payment-year", type=int, help="The year to score; by default the one the invented mix is made for.")
def demo(out: str, members: int, seed: int, payment_year: int | None) -> None:
    """A small invented population through every stage, then where to look.

    Nobody in it is real. It writes the inputs as Parquet and the results to a folder, which it may replace the next
    time.

    \b
    Example:
      hcc demo --members 500 --out demo
    """
    from hcc.cli.gaps import print_gaps
    from hcc.cli.progress import Progress
    from hcc.cli.summary import print_summary
    from hcc.demo.mix import load_mix
    from hcc.demo.population import demo_population
    from hcc.pipeline_gaps import run
    from hcc.results.place import told_plainly

    folder = Path(out)
    results = folder / "results.duckdb"
    _check(folder)
    year = payment_year if payment_year is not None else load_mix().payment_year
    with Progress("demo") as progress:
        progress("inventing members and claims", 0.0)
        with told_plainly(folder):
            made = demo_population(folder, members=members, payment_year=year, seed=seed)
        scored, gaps = run(
            made["members"],
            made["claims"],
            enrollment=made["enrollment"],
            payment_year=year,
            gaps={name: made[name] for name in _EVIDENCE},
            out=results,
            overwrite=True,
            progress=progress,
        )
    print_summary(scored, results, look_next=False)
    print_gaps(gaps, results)
    _look(made["stories"], results)


def _check(folder: Path) -> None:
    from hcc.errors import ResultsExist
    from hcc.results.place import check_writable

    check_writable(folder.absolute())
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _OURS).exists():
        raise ResultsExist.left(folder, "was not made by 'hcc demo'", "folders that 'hcc demo' made")


def _look(stories: Path, results: Path) -> None:
    """What to look at, and members of whom there is something to tell."""
    import polars as pl

    from hcc.cli.printing import typed

    named = typed(results)
    lines = [
        f"  hcc review {named}",
        "    the page on which coders decide",
        f"  hcc report {named} --out report.html",
        "    the page for the director",
        "",
        "Members with a story:",
    ]
    for row in pl.read_parquet(stories).unique("story", maintain_order=True).head(6).iter_rows(named=True):
        lines.append(f"  hcc explain {named} --member {row['member_id']}   {row['text']}")
    click.echo("\n".join(lines), err=True)
