"""Decided diagnoses in files, a batch a shard, so that they can be scored again without their claims.

Everything a decision says is kept, for every code that any model maps; which of them matter to a run its codes say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
from numpy.typing import NDArray

from hcc.diagnoses.decide import Codes, Decisions
from hcc.diagnoses.runs import run_starts
from hcc.errors import ResultsError

_ROWS = "diagnoses.arrow"
_FILES: dict[str, tuple[dict[str, pa.DataType], str | None]] = {
    # What every scoring reads lies as it is, to be mapped into memory; unpacking it took a third of scoring again.
    _ROWS: ({"record": pa.uint32(), "code": pa.uint16(), "reason": pa.uint8(), "flags": pa.uint16()}, None),
    "records.arrow": ({"member": pa.uint32(), "day": pa.int32()}, None),
    "claims.arrow": (
        {
            "claim_id": pa.large_string(), "form": pa.uint8(), "record_type": pa.uint8(), "npi": pa.uint64(),
            "place": pa.uint8(),
        },
        "lz4",
    ),
}  # fmt: skip
"""File → the types of its columns, and how it is compressed. All but the rows are of records."""
_OF_RECORDS = [name for file, (kinds, _) in _FILES.items() if file != _ROWS for name in kinds]


class DecidedDiagnoses(Protocol):
    """Where a run has its decided diagnoses from: claims (``Decider``) or what was kept (``KeptDiagnoses``)."""

    ranges: list[tuple[int, int]]
    flag_sets: NDArray[np.uint16] | None
    unknown_member_claims: int
    without_claim: int
    lost: tuple[int, int]
    """Voids and chart-review deletes of claims that are not there."""

    def unmapped(self) -> pl.DataFrame: ...

    def decide(self, number: int) -> Decisions: ...


class KeptWriter:
    """Writes the decisions of shards, in their order, into a folder; a context manager.

    ``members_of_code``: how many members have each code, whatever was decided about it.
    """

    def __init__(self, folder: Path, codes: int) -> None:
        self._files = {
            name: pa.ipc.new_file(
                folder / name, pa.schema(kinds.items()), options=pa.ipc.IpcWriteOptions(compression=compression)
            )
            for name, (kinds, compression) in _FILES.items()
        }
        self.members_of_code = np.zeros(codes, dtype=np.int64)
        self.without_claim = 0

    def __enter__(self) -> KeptWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def add(self, decided: Decisions) -> None:
        """Write the decisions of the next shard."""
        for name, (kinds, _) in _FILES.items():
            if name == _ROWS:
                arrays = [pa.array(getattr(decided, column), kind) for column, kind in kinds.items()]
            else:
                arrays = [
                    decided.records[column].to_arrow(compat_level=pl.CompatLevel.oldest()).cast(kind)
                    for column, kind in kinds.items()
                ]
            self._files[name].write_batch(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(kinds.items())))
        pair = (decided.member.astype(np.uint64) << np.uint64(16)) | decided.code
        pair.sort()
        held = (pair[run_starts(pair)] & np.uint64(0xFFFF)).astype(np.int64)
        self.members_of_code += np.bincount(held, minlength=len(self.members_of_code))
        self.without_claim += decided.without_claim


class KeptDiagnoses:
    """The decisions in a folder as a run of these ``codes`` sees them, in place of a Decider.

    ``kept_codes``: diagnosis_code, rows, members of every code met when the diagnoses were kept; the first of them, as
    many as ``mapped``, are those that the decisions number. ``facts``: what else a Decider tells (ranges,
    flag_sets, unknown_member_claims, without_claim). ``of_records``: the columns of records that are needed.
    ``decide`` raises ResultsError for a file that cannot be read.
    """

    def __init__(
        self, folder: Path, kept_codes: pl.DataFrame, mapped: int, codes: Codes, facts: Mapping[str, Any], *,
        of_records: Collection[str] = tuple(_OF_RECORDS),
    ) -> None:  # fmt: skip
        self._folder, self._of_records = folder, [name for name in _OF_RECORDS if name in of_records]
        self.ranges = [(int(start), int(stop)) for start, stop in facts["ranges"]]
        sets = facts["flag_sets"]
        self.flag_sets = None if sets is None else np.array(sets, dtype=np.uint16)
        self.unknown_member_claims = int(facts["unknown_member_claims"])
        self.without_claim = int(facts["without_claim"])
        self.lost = (int(facts["lost"][0]), int(facts["lost"][1]))
        ours = pl.DataFrame({"diagnosis_code": codes.code, "number": np.arange(len(codes.code), dtype=np.int32)})
        placed = kept_codes.join(ours, on="diagnosis_code", how="left", maintain_order="left")
        self._number = placed["number"].fill_null(-1).to_numpy()[:mapped]
        self._unmapped = placed.filter(pl.col("number").is_null() & (pl.col("rows") > 0)).drop("number")

    def unmapped(self) -> pl.DataFrame:
        """diagnosis_code, rows, members of the codes that map in no model of the run; most members first."""
        return self._unmapped.sort("members", "diagnosis_code", descending=[True, False])

    def decide(self, number: int) -> Decisions:
        """The diagnoses of one shard that map in a model of the run, and their records."""
        rows = {name: _numbers(values) for name, values in self._columns(number, list(_FILES[_ROWS][0]))}
        code = self._number.take(rows["code"].astype(np.intp))
        wanted = np.flatnonzero(code >= 0)
        record, code, reason, flags = (v.take(wanted) for v in (rows["record"], code, rows["reason"], rows["flags"]))
        found = self._columns(number, self._of_records)
        records = pl.DataFrame(
            {
                name: pl.from_arrow(values) if name == "claim_id" else pl.Series(name, _numbers(values))
                for name, values in found
            }
        )
        if "claim_id" in self._of_records:  # else nobody lists the records
            used = np.zeros(records.height, dtype=bool)
            used[record] = True
            if not used.all():
                rank = np.cumsum(used, dtype=np.uint32) - np.uint32(1)
                record, records = rank.take(record.astype(np.intp)), records.filter(pl.Series(used))
        return Decisions(records, record, code.astype(np.uint16), reason, flags)

    def _columns(self, number: int, names: Collection[str]) -> Iterator[tuple[str, pa.Array]]:
        """Columns of a shard, in the order of their files."""
        for file, (kinds, _) in _FILES.items():
            of_file = [name for name in kinds if name in names]
            if not of_file:
                continue
            wanted = pa.ipc.IpcReadOptions(included_fields=[list(kinds).index(name) for name in of_file])
            try:
                with pa.memory_map(str(self._folder / file)) as source:
                    batch = pa.ipc.open_file(source, options=wanted).get_batch(number)
            except (OSError, IndexError, pa.ArrowException):  # their words may quote what they read
                raise ResultsError(
                    f"{self._folder} is damaged: {file} cannot be read.",
                    hint="Keep the claims again with 'hcc keep'.",
                ) from None
            yield from ((name, batch.column(name)) for name in of_file)


def _numbers(values: pa.Array) -> NDArray[Any]:
    """The numbers of a column without nulls, where they lie.

    pyarrow's own way imports pandas first where that is installed, and polars' way all of pyarrow's functions.
    """
    kind = np.dtype(values.type.to_pandas_dtype())
    return np.frombuffer(values.buffers()[1], kind)[values.offset : values.offset + len(values)]
