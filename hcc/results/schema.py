"""Tables in words: docs/SCHEMA.md and what ``hcc schema`` prints, made from hcc.tables and the views."""

from __future__ import annotations

from collections.abc import Iterator

from hcc.results import ddl
from hcc.results.views import MACROS, VIEWS
from hcc.tables import INPUT_TABLES, RESULT_TABLES, SCHEMA_VERSION, Column, Table

_TYPES = {
    "text": "text", "few": "text of few values", "int": "whole number", "bool": "true or false", "date": "date",
    "timestamp": "date and time", "decimal": "decimal, 3 places", "factor": "decimal, 6 places",
    "money": "dollars, 2 places", "number": "number", "list": "list of text",
}  # fmt: skip


INPUTS = {**INPUT_TABLES, "history": INPUT_TABLES["claims"]}
"""Input tables by the names of their options; claims of earlier years have the columns of claims."""


def schema_ddl() -> str:
    """The tables as SQL with their comments."""
    return ddl.ddl(RESULT_TABLES.values())


def schema_text(name: str | None = None) -> str:
    """The tables, views and macros in a few lines each; one table or view in full when named (KeyError if unknown)."""
    if name is None:
        return "\n".join([*_overview()]) + "\n"
    if name in RESULT_TABLES:
        return "\n".join(_table_text(RESULT_TABLES[name])) + "\n"
    view = VIEWS[name]
    lines = [f"{view.name} (view)", f"  {view.comment}", ""]
    lines += [f"  {column:<28}{comment}" for column, comment in view.columns.items()]
    return "\n".join([*lines, "", view.sql.strip(), ""])


def inputs_text(name: str | None = None) -> str:
    """One input table with its columns, or all of them (KeyError if unknown)."""
    tables = INPUT_TABLES.values() if name is None else [INPUTS[name]]
    return "\n\n".join("\n".join(_input_text(table)) for table in tables) + "\n"


def schema_markdown() -> str:
    """docs/SCHEMA.md."""
    return "\n".join(_markdown()) + "\n"


def _overview() -> Iterator[str]:
    yield f"Tables (schema version {SCHEMA_VERSION})"
    yield from (f"  {table.name:<22}{table.grain}" for table in RESULT_TABLES.values())
    yield ""
    yield "Views"
    yield from (f"  {view.name:<22}{view.comment}" for view in VIEWS.values())
    yield ""
    yield "Macros"
    yield from (f"  {macro.name:<22}{macro.comment}  {macro.call}" for macro in MACROS.values())
    yield ""
    yield "Input tables ('hcc schema --inputs' lists their columns)"
    yield from (f"  {table.name:<22}{table.grain}" for table in INPUT_TABLES.values())


def _table_text(table: Table) -> Iterator[str]:
    yield table.name
    yield f"  {ddl.table_comment(table)}"
    yield ""
    width = max(len(name) for name in table.names) + 2
    for column in table.columns:
        yield f"  {column.name:<{width}}{_TYPES[column.type]:<20}{column.comment}"


def _input_text(table: Table) -> Iterator[str]:
    yield f"{table.name} (input)"
    yield f"  {table.grain}"
    yield ""
    name = max(len(name) for name in table.names) + 2
    absent = max(len(_absent(column)) for column in table.columns) + 2
    for column in table.columns:
        yield f"  {column.name:<{name}}{_TYPES[column.type]:<20}{_absent(column):<{absent}}{column.comment}"


def _absent(column: Column) -> str:
    """What happens where an input lacks the column; empty where its comment says it or nothing is assumed."""
    if column.required:
        return "needed"
    if column.default is None:
        return ""
    return f"{str(column.default).lower() if isinstance(column.default, bool) else column.default} if absent"


def _markdown() -> Iterator[str]:
    yield "# The results file"
    yield ""
    yield "Written by `hcc schema --markdown` from `hcc/tables/` and `hcc/results/views.py`; do not edit."
    yield ""
    yield (
        f"A DuckDB file, schema version {SCHEMA_VERSION}. Open it with `duckdb results.duckdb`, from Python with "
        '`duckdb.connect("results.duckdb", read_only=True)`, or with any tool that reads DuckDB, without this package.'
    )
    yield (
        "Every table, column and view carries its comment in the file (`SELECT * FROM duckdb_columns()`). "
        "Text of few values is stored as ENUM and reads as text. Keys are promises: the file holds no index."
    )
    for table in RESULT_TABLES.values():
        yield from (
            "",
            f"## {table.name}",
            "",
            ddl.table_comment(table),
            "",
            "| column | type | meaning |",
            "|---|---|---|",
        )
        yield from (f"| `{c.name}` | {_TYPES[c.type]} | {_cell(c.comment)} |" for c in table.columns)
    yield from ("", "# Views", "", "Promised and stable.")
    for view in VIEWS.values():
        yield from ("", f"## {view.name}", "", view.comment, "", "| column | meaning |", "|---|---|")
        yield from (f"| `{column}` | {_cell(comment)} |" for column, comment in view.columns.items())
    yield from ("", "# Macros", "", "| call | answer |", "|---|---|")
    yield from (f"| `{macro.call}` | {_cell(macro.comment)} |" for macro in MACROS.values())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
