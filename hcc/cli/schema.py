"""``hcc schema``: the result tables in words and DDL."""

from __future__ import annotations

import click


@click.command()
@click.argument("table", required=False)
@click.option("--ddl", "form", flag_value="ddl", help="The tables as SQL, with their comments.")
@click.option("--markdown", "form", flag_value="markdown", help="The whole of docs/SCHEMA.md.")
def schema(table: str | None, form: str | None) -> None:
    """The result tables in words and DDL.

    TABLE, where given, is a table or view to show in full.

    \b
    Example:
      hcc schema member_hccs
    """
    from hcc.errors import HccError
    from hcc.results.schema import schema_ddl, schema_markdown, schema_text
    from hcc.results.views import VIEWS
    from hcc.tables import RESULT_TABLES

    if table and form:
        raise click.UsageError("Give a table or one of --ddl, --markdown, not both.")
    if table and table not in RESULT_TABLES and table not in VIEWS:
        raise HccError(
            f"There is no table or view {table!r}.", hint=f"There are: {', '.join([*RESULT_TABLES, *VIEWS])}."
        )
    made = {"ddl": schema_ddl, "markdown": schema_markdown}.get(form or "", lambda: schema_text(table))()
    click.echo(made, nl=False)
