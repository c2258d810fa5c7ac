"""Every table that crosses a wall, declared once: grain, key, columns, types and one sentence each."""

from hcc.tables.declare import Column, Table
from hcc.tables.inputs import INPUT_TABLES
from hcc.tables.results import RESULT_TABLES, SCHEMA_VERSION

__all__ = ["INPUT_TABLES", "RESULT_TABLES", "SCHEMA_VERSION", "Column", "Table"]
