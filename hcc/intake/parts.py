"""What every kind of source comes down to: parts, each one lazy frame whose rows share one schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl

from hcc.errors import InputError

REJECTED = {
    "table": pl.String,
    "row_number": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "reason": pl.String,
    "source": pl.String,
}
Kind = Literal["text", "parquet", "database", "frame"]


def no_rejects() -> pl.DataFrame:
    """An empty frame of the columns of ``rejected_rows``, without run_id."""
    return pl.DataFrame(schema=REJECTED)


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a part, of one file. ``dropped``: row numbers set aside before the part was made."""

    source: str
    rows: int
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What a Parquet file's footers prove about a column, without reading it. ``padded``: the lowest or highest text of
    some row group has blanks at its ends."""

    no_nulls: bool = False
    low: Any = None
    high: Any = None
    padded: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """One scan. ``names``: all columns of the source, read or not; ``footers``: FileMetaData of Parquet files."""

    kind: Kind
    frame: pl.LazyFrame
    schema: Mapping[str, pl.DataType]
    blocks: tuple[Block, ...]
    names: tuple[str, ...]
    footers: tuple[Any, ...] = ()

    @cached_property
    def rows(self) -> int:
        """Number of rows; -1 where it is not known without a scan."""
        return -1 if any(block.rows < 0 for block in self.blocks) else sum(block.rows for block in self.blocks)

    def place(self, index: pl.Series) -> tuple[pl.Series, pl.Series]:
        """File (source) and row number within it, from 1, of rows given by their position in the part."""
        positions = index.cast(pl.Int64).to_numpy()
        if len(self.blocks) == 1:
            which = np.zeros(len(positions), dtype=np.int64)
            within = positions
        else:
            starts = np.cumsum([0, *(block.rows for block in self.blocks[:-1])])
            which = np.searchsorted(starts, positions, side="right") - 1
            within = positions - starts[which]
        number = within + 1
        for place, block in enumerate(self.blocks):
            if block.dropped:
                here = which == place
                gaps = np.array(block.dropped) - np.arange(len(block.dropped))  # rows kept before each dropped one, + 1
                number[here] += np.searchsorted(gaps, number[here], side="right")
        names = pl.Series("source", [block.source for block in self.blocks], dtype=pl.String)
        return names.gather(pl.Series(which)), pl.Series("row_number", number, dtype=pl.Int64)

    def facts(self, column: str) -> Facts:
        """What the footers say; nothing for other kinds than Parquet."""
        if not self.footers:
            return Facts()
        place = {name: i for i, name in enumerate(self.footers[0].schema.to_arrow_schema().names)}
        if self.footers[0].num_columns != len(place):  # nested columns shift the positions
            return Facts()
        nulls, lows, highs = 0, [], []
        for footer in self.footers:
            for group in range(footer.num_row_groups):
                statistics = footer.row_group(group).column(place[column]).statistics
                if statistics is None or statistics.null_count is None:
                    return Facts()
                nulls += statistics.null_count
                if statistics.has_min_max:
                    lows.append(statistics.min)
                    highs.append(statistics.max)
                elif statistics.null_count < footer.row_group(group).num_rows:
                    return Facts(no_nulls=False)
        if not lows:
            return Facts(no_nulls=nulls == 0)
        padded = any(isinstance(bound, str) and bound != bound.strip() for bound in (*lows, *highs))
        return Facts(no_nulls=nulls == 0, low=min(lows), high=max(highs), padded=padded)


def collect(table: str, part: Part, frame: pl.LazyFrame) -> pl.DataFrame:
    """Run a look at one part now; a file damaged inside becomes an InputError (polars' own text may quote values)."""
    try:
        return frame.collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{table}: {part.blocks[0].source} cannot be read to its end ({type(error).__name__}).",
            hint="The file is damaged inside, or was replaced while it was read. Get it again.",
        ) from None


@dataclass(frozen=True, eq=False)
class Source:
    """One input as given: its parts, what no table could hold, and what to say about it."""

    table: str
    parts: tuple[Part, ...]
    fingerprint: dict[str, Any]
    set_aside: pl.DataFrame = field(default_factory=no_rejects)
    notes: tuple[str, ...] = ()
