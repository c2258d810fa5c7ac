"""``hcc schema``: input and result tables in words, and DDL."""

from __future__ import annotations

import click


@click.command()
@click.argument("table", required=False)
@click.option("--inputs", is_flag=True, help="The columns of the input tables, or of the input TABLE.")
@click.option("--ddl", "form", flag_value="ddl", help="The result tables as SQL, with their comments.")
@click.option("--markdown", "form", flag_value="markdown", help="The whole of docs/SCHEMA.md.")
def schema(table: str | None, inputs: bool, form: str | None) -> None:
    """Input and result tables in words, and DDL.

    TABLE, where given, is a table or view to show in full.

    \b
    Example:
      hcc schema member_hccs
    """
    from hcc.errors import HccError
    from hcc.results.schema import INPUTS, inputs_text, schema_ddl, schema_markdown, schema_text
    from hcc.results.views import VIEWS
    from hcc.tables import RESULT_TABLES

    if form and (table or inputs):
        raise click.UsageError("Give a table, --inputs, or one of --ddl, --markdown.")
    results = [] if inputs else [*RESULT_TABLES, *VIEWS]
    if table and table not in (*results, *INPUTS):
        raise HccError(
            f"There is no {'input table' if inputs else 'table or view'} {table!r}.",
            hint=f"There are: {', '.join(dict.fromkeys([*results, *INPUTS]))}.",
        )
    if form:
        click.echo({"ddl": schema_ddl, "markdown": schema_markdown}[form](), nl=False)
        return
    told = []
    if not inputs and (table is None or table in results):
        told.append(schema_text(table))
    if inputs or table in INPUTS:
        told.append(inputs_text(table))
    click.echo("\n".join(told), nl=False)
