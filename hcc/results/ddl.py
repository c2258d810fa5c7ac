"""SQL of the result tables, made from ``hcc.tables``: types, CREATE TABLE, COMMENT ON. Text only, no database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from hcc.tables import Column, Table

ENUM_LIMIT = 200
"""A "few" column with more values than this is VARCHAR: an ENUM of thousands makes DESCRIBE unreadable and, measured,
is neither smaller nor faster to write than a dictionary-compressed VARCHAR."""

_TYPES = {
    "text": "VARCHAR",
    "few": "VARCHAR",
    "int": "BIGINT",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "decimal": "DECIMAL(9,3)",
    "factor": "DECIMAL(9,6)",
    "money": "DECIMAL(14,2)",
    "number": "DOUBLE",
    "list": "VARCHAR[]",
}


def quoted(name: str) -> str:
    """An SQL identifier; some columns bear reserved words (table, column, rows)."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def enum_type(values: Iterable[str]) -> str:
    return f"ENUM({', '.join(literal(value) for value in values)})"


def column_type(column: Column, values: Sequence[str] | None = None) -> str:
    """DuckDB type of a column; ``values`` are those of its ENUM, where it is one."""
    return enum_type(values) if values else _TYPES[column.type]


def create_table(
    table: Table, enums: Mapping[str, Sequence[str]] | None = None, plain: Collection[str] = frozenset()
) -> str:
    """CREATE TABLE; ``enums``: column name → values, for "few" columns that are ENUMs in this file.

    Columns in ``plain`` are stored uncompressed: small ENUMs and Booleans take one byte a row, and finding out that
    packing them would save half of that took 15 % of the CPU of writing ``diagnoses`` (measured).
    """
    known = enums or {}
    columns = ",\n  ".join(
        f"{quoted(c.name)} {column_type(c, known.get(c.name))}"
        + (" USING COMPRESSION uncompressed" if c.name in plain else "")
        for c in table.columns
    )
    return f"CREATE TABLE {quoted(table.name)} (\n  {columns}\n)"


def table_comment(table: Table) -> str:
    """Grain and key in words; DuckDB holds no index, so the key is a promise, not a constraint."""
    return f"{table.grain} Key: {', '.join(table.key)}."


def comments(table: Table) -> list[str]:
    """COMMENT ON statements for a table and each of its columns."""
    name = quoted(table.name)
    return [
        f"COMMENT ON TABLE {name} IS {literal(table_comment(table))}",
        *(f"COMMENT ON COLUMN {name}.{quoted(c.name)} IS {literal(c.comment)}" for c in table.columns),
    ]


def ddl(tables: Iterable[Table]) -> str:
    """The whole schema as one SQL script (``hcc schema --ddl``)."""
    return "\n\n".join(";\n".join([create_table(table), *comments(table)]) + ";" for table in tables) + "\n"
