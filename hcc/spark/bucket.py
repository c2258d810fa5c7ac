"""A bucket's inputs as ``hcc.score`` takes them, read as the whole population would be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hcc.spark.job import Job, empty_frame, filler
from hcc.spark.staging import BUCKET, ECHO, PARTITION_BITS, ROW

if TYPE_CHECKING:
    import polars as pl


class Bucket:
    """A bucket's inputs (``sources``), and where their rows came from.

    Witnesses (hcc.spark.witnesses) join its members. A *filler*, a row that has no identifier and is set aside, keeps a
    table from being empty, or a column of text from holding no date at all, where only this bucket's part does.
    ``frames``: tables read whole, without witnesses and filler; ``rows``: how many rows each table has; ``readable``:
    for each column of text dates whether it holds values, and whether any of them is a date.
    """

    def __init__(self, job: Job, bucket: int, temp: Path) -> None:
        self.job = job
        self.readable: dict[str, list[bool]] = {}
        self.rows: dict[str, int] = {}
        self._files: dict[str, list[Path]] = {}
        self.frames: dict[str, pl.DataFrame] = {}
        self.sources: dict[str, Any] = {}
        self._witnesses: dict[str, list[pl.DataFrame]] = {}
        for table in job.empty:
            self._files[table] = job.staged.child(table).child(f"{BUCKET}={bucket}").files(temp)
            self.sources[table] = self._small(table, temp) if table in ("members", "enrollment") else self._large(table)

    def _small(self, table: str, temp: Path) -> pl.DataFrame:
        import polars as pl

        witnesses = [pl.read_parquet(path) for path in self.job.staged.child("witnesses").child(table).files(temp)]
        self._witnesses[table] = witnesses
        return self._with_filler(table, self._read(table), witnesses)

    def only_witnesses(self) -> dict[str, Any] | None:
        """Sources of a run on the witnesses alone, without claims; None where there are none."""
        import polars as pl

        if not self._witnesses.get("members"):
            return None
        job = self.job
        sources: dict[str, Any] = {
            table: pl.concat([*frames, filler(job.empty[table], sorted(job.dates[table]))], how="diagonal_relaxed")
            for table, frames in self._witnesses.items()
        }
        return sources | {table: empty_frame(job.empty[table]) for table in job.empty if table not in sources}

    def _large(self, table: str) -> Any:
        """Files are read where they lie, unless a filler is needed."""
        import polars as pl
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        files = self._files[table]
        text = sorted(self.job.dates[table])
        if not files:
            self.rows[table] = 0
            return empty_frame(self.job.empty[table])
        if text:
            self._look(table, pl.scan_parquet(files).select(text).unique().collect(engine="streaming"))
            if any(some and not good for some, good in self._seen(table)):
                return self._with_filler(table, self._read(table), [])
        self.rows[table] = sum(pq.read_metadata(path).num_rows for path in files)
        return files

    def _read(self, table: str) -> pl.DataFrame:
        import polars as pl

        files = self._files[table]
        return pl.concat(pl.read_parquet(path) for path in files) if files else empty_frame(self.job.empty[table])

    def _with_filler(self, table: str, rows: pl.DataFrame, witnesses: list[pl.DataFrame]) -> pl.DataFrame:
        import polars as pl

        self.rows[table] = rows.height
        self.frames[table] = rows
        text = sorted(self.job.dates[table])
        if text:
            self._look(table, rows.select(text).unique())
        whole = pl.concat([rows, *witnesses], how="diagonal_relaxed")
        if whole.is_empty() or (text and not all(good for _, good in self._seen(table))):
            whole = pl.concat([whole, filler(self.job.empty[table], text)], how="diagonal_relaxed")
        return whole

    def _look(self, table: str, values: pl.DataFrame) -> None:
        """Note for each column of text dates whether there are values, and whether any can be read."""
        import polars as pl

        from hcc.intake.dates import parse_dates

        for column in values.columns:
            there = values[column].drop_nulls().unique()
            there = there.filter(there.str.strip_chars() != "")
            good = bool(parse_dates(there).is_not_null().any()) if isinstance(there.dtype, pl.String) else True
            self.readable[f"{table}.{column}"] = [len(there) > 0, good]

    def _seen(self, table: str) -> list[list[bool]]:
        return [seen for column, seen in self.readable.items() if column.startswith(f"{table}.")]

    def placed(self, rejected: pl.DataFrame) -> pl.DataFrame:
        """Rejected rows by the partition and row they had in the caller's frames; witnesses, fillers, echoes left out."""
        import polars as pl

        if rejected.is_empty():
            return rejected
        pieces = [rejected.head(0)]
        for table in rejected["table"].unique().cast(pl.String).to_list():
            rows = rejected.filter(pl.col("table").cast(pl.String) == table)
            for origin in self._origins(table):
                pieces.append(_moved(rows, *origin))
        return pl.concat(pieces, how="vertical_relaxed")

    def _origins(self, table: str) -> Iterator[tuple[str | None, pl.DataFrame]]:
        """Source as ``hcc.score`` names it (None: any), and the rows' numbers and echoes in order."""
        import polars as pl

        wanted = [ROW, *([ECHO] if table == "claim_diagnoses" else [])]
        if table in self.frames:
            frame = self.frames[table]
            yield None, frame.select(column for column in wanted if column in frame.columns)
            return
        for path in self._files.get(table, []):
            there = pl.read_parquet_schema(path)
            yield str(path), pl.read_parquet(path, columns=[column for column in wanted if column in there])

    def echoes(self) -> pl.Series | None:
        """Diagnosis codes of rows that another bucket counts."""
        import polars as pl

        found = []
        for path in self._files.get("claim_diagnoses", []):
            if ECHO not in pl.read_parquet_schema(path):
                return None
            found.append(pl.scan_parquet(path).filter(ECHO).select(self.job.code).collect()[self.job.code])
        return pl.concat(found).cast(pl.String) if found else None


def _moved(rejected: pl.DataFrame, source: str | None, rows: pl.DataFrame) -> pl.DataFrame:
    """Rejected rows of one source with the place that the rows had before they were staged."""
    import polars as pl

    here = rejected if source is None else rejected.filter(pl.col("source") == source)
    numbered = rows.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row_number"))
    if ECHO in numbered.columns:
        numbered = numbered.filter(~pl.col(ECHO))
    found = here.join(numbered, on="row_number", how="inner")
    row, partition = pl.col(ROW) % 2**PARTITION_BITS, pl.col(ROW) // 2**PARTITION_BITS
    return found.with_columns(
        (row + 1).alias("row_number"), pl.format("Spark partition {}", partition).alias("source")
    ).select(rejected.columns)
