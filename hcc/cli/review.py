"""``hcc review``: the coder's page on this machine."""

from __future__ import annotations

import click


@click.command(epilog="\b\nExample:\n  hcc review results.duckdb --reviewer 'Ada Example'")
@click.argument("results", type=click.Path(exists=True, dir_okay=False))
@click.option("--reviewer", default="", metavar="NAME", help="Name on your decisions. Default: your login name.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1. Default: a free one.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def review(results: str, reviewer: str, port: int, no_browser: bool) -> None:
    """The coder's page on this machine.

    Opens a page on 127.0.0.1 with the open questions of both directions, the evidence for and against each, and five
    decisions. Decisions are appended to <results>.reviews.sqlite; the results file is only read. The address holds a
    random token: who does not have it sees nothing. Stop it with Ctrl+C.
    """
    from hcc.cli.printing import NOT_SOUGHT, typed
    from hcc.results import open_results
    from hcc.review.server import serve
    from hcc.worklist import gaps_were_sought

    con = open_results(results)
    try:
        sought = gaps_were_sought(con)
    finally:
        con.close()
    if not sought:
        click.echo(f"{NOT_SOUGHT}: the page has no questions. Look for them with: hcc gaps {typed(results)}", err=True)

    def ready(address: str) -> None:
        click.echo(address)
        click.echo("Stop with Ctrl+C. Decisions are kept as they are made.", err=True)
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    serve(results, reviewer=reviewer or _login(), port=port, ready=ready)


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, in a container
        return ""
