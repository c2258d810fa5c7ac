"""SQL of the result tables, made from ``hcc.tables``: types, CREATE TABLE, COMMENT ON. Text only, no database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hcc.tables import RESULT_TABLES, Column, Table

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
    table: Table, enums: Mapping[str, Sequence[str]] | None = None, plain: Collection[str] = frozenset(), *,
    one_value: Mapping[str, Any] | None = None, named: str | None = None,
) -> str:  # fmt: skip
    """CREATE TABLE; ``enums``: column name → values, for "few" columns that are ENUMs in this file; ``one_value``:
    columns that are generated, and their value; ``named``: another name than its own.

    Columns in ``plain`` are stored uncompressed: small ENUMs and Booleans take one byte a row, and finding out that
    packing them would save half of that took 15 % of the CPU of writing ``diagnoses`` (measured).
    """
    known, generated = enums or {}, one_value or {}

    def told(column: Column) -> str:
        kind = column_type(column, known.get(column.name))
        if column.name in generated:
            value = generated[column.name]
            word = "NULL" if value is None else literal(str(value))
            return f"{quoted(column.name)} {kind} GENERATED ALWAYS AS ({word}::{kind}) VIRTUAL"
        return f"{quoted(column.name)} {kind}" + (" USING COMPRESSION uncompressed" if column.name in plain else "")

    columns = ",\n  ".join(told(column) for column in table.columns)
    return f"CREATE TABLE {quoted(named or table.name)} (\n  {columns}\n)"


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


def missing_columns(there: Collection[tuple[str, str]]) -> list[str]:
    """Statements that give the tables of an earlier engine's file (table and column pairs) the columns declared since."""
    tables = [RESULT_TABLES[name] for name in sorted({table for table, _ in there} & set(RESULT_TABLES))]
    added = [(table, column) for table in tables for column in table.columns if (table.name, column.name) not in there]
    found = []
    for table, column in added:
        name = f"{quoted(table.name)}.{quoted(column.name)}"
        found.append(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {quoted(column.name)} {column_type(column)}")
        found.append(f"COMMENT ON COLUMN {name} IS {literal(column.comment)}")
    return found


def ddl(tables: Iterable[Table]) -> str:
    """The whole schema as one SQL script (``hcc schema --ddl``)."""
    return "\n\n".join(";\n".join([create_table(table), *comments(table)]) + ";" for table in tables) + "\n"
