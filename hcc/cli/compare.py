"""``hcc compare``: where a population's score moved."""

from __future__ import annotations

import click

_SHOWN = 15


@click.command()
@click.argument("before", type=click.Path())
@click.argument("after", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, for other programs.")
def compare(before: str, after: str, as_json: bool) -> None:
    """Where a population's score moved between two results files, summing exactly.

    BEFORE and AFTER are results files of two years, two runs or two days. The parts sum to the difference of the mean
    risk scores to the last digit.

    \b
    Example, after 'hcc demo':
      hcc compare demo/results.duckdb demo/results.duckdb
    """
    from hcc.cli.printing import print_table
    from hcc.cli.progress import Progress
    from hcc.results.compare import KINDS
    from hcc.results.compare import compare as compared

    with Progress("comparing") as progress:
        progress("reading factors and scores", 0.0)
        found = compared(before, after)
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps([asdict(part) for part in found], default=str, indent=2))
        return
    for number, part in enumerate(found):
        if number:
            click.echo("")
        click.echo(
            f"Part {part.part}: mean risk score {part.before} ({part.members_before:,} members) "
            f"→ {part.after} ({part.members_after:,} members, {part.members_in_both:,} in both)"
        )
        rows = [(KINDS[kind], f"{change:+}") for kind, change in part.parts.items()]
        print_table(
            ("what moved", "mean score"),
            [*rows, ("together", f"{part.after - part.before:+}")],
            numbers=("mean score",),
        )
        if part.hccs:
            click.echo("")
            shown = [(m.model, m.hcc, m.label, m.gained, m.lost, f"{m.change:+}") for m in part.hccs[:_SHOWN]]
            print_table(
                ("model", "HCC", "label", "gained", "lost", "mean score"),
                shown,
                numbers=("gained", "lost", "mean score"),
            )
