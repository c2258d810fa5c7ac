"""What a task is told, and rows that stand in for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hcc.spark.places import Place

if TYPE_CHECKING:
    import polars as pl

READABLE = "2000-01-01"  # a date for rows that fill an empty table; they are set aside, whatever it says


@dataclass(frozen=True)
class Job:
    """All a task needs to know; sent to the executors once."""

    run_id: str
    staged: Place
    out: Place
    options: Mapping[str, Any]  # of hcc.score
    empty: Mapping[str, bytes]  # table → an Arrow stream of its columns without rows
    dates: Mapping[str, frozenset[str]]  # table → text columns that hold dates
    identifiers: Mapping[str, list[str]]  # table → its columns with the member's identifier
    code: str = ""  # the column of claim_diagnoses with the code
    spans: bool = False  # a member's rows are spans of time
    layout_text: str | None = None  # of a layout of the user's own

    def has(self, table: str) -> bool:
        return table in self.empty

    def witness(self, name: str = "") -> str:
        """The identifier of a witness (hcc.spark.witnesses); without a name, what all of them begin with."""
        return f"hcc-witness-{self.run_id}-{name}"


def empty_frame(stream: bytes) -> pl.DataFrame:
    """A frame without rows, of a table's columns."""
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]

    frame = pl.from_arrow(pa.ipc.open_stream(stream).read_all())
    assert isinstance(frame, pl.DataFrame)
    return frame


def filler(stream: bytes, dates: list[str]) -> pl.DataFrame:
    """One row of a table, blank but for its text dates: it is set aside for want of an identifier."""
    import polars as pl

    empty = empty_frame(stream)
    return pl.DataFrame({c: [READABLE if c in dates else None] for c in empty.columns}, schema=empty.schema)
