"""``hcc explain``: one member's scores taken apart, on stdout only."""

from __future__ import annotations

import click


@click.command()
@click.argument("results", type=click.Path())
@click.option("--member", required=True, metavar="ID", help="The member_id to explain.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, for other programs.")
def explain(results: str, member: str, as_json: bool) -> None:
    """One member: every factor, every diagnosis that counted or did not, and why.

    RESULTS is a file made by 'hcc score' or 'hcc demo'. The answer is about a person: it goes to stdout and nowhere
    else.

    \b
    Example, after 'hcc demo':
      hcc explain demo/results.duckdb --member DEMO0422
    """
    from hcc.cli.progress import Progress
    from hcc.results import explain as explained
    from hcc.results import explanation_text

    with Progress("explaining") as progress:
        progress("reading", 0.0)
        told = explained(results, member)
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps(asdict(told), default=str, indent=2, ensure_ascii=False))
    else:
        click.echo(explanation_text(told), nl=False)
