"""How a table is declared. No heavy library here: ``hcc --help`` imports this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "few", "int", "bool", "date", "timestamp", "decimal", "factor", "money", "number", "list"]
"""text: free text; few: text of few values (an ENUM in DuckDB); int: 64-bit; decimal: (9,3), scores and
coefficients; factor: (9,6), what scores are multiplied by or averages of what is added to them; money: (14,2), dollars; number: a floating measurement; list: list of text."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type and the sentence that becomes its comment in the database."""

    name: str
    type: Type
    comment: str
    required: bool = False
    default: object = None


@dataclass(frozen=True, slots=True)
class Table:
    """One table: ``grain`` reads "One row per …"; ``key`` names the columns that make a row unique."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")
