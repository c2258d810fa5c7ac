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

_RECORDS, _ROWS = "records.arrow", "diagnoses.arrow"
_RECORD_TYPES = {
    "claim_id": pa.large_string(), "member": pa.uint32(), "day": pa.int32(), "form": pa.uint8(),
    "record_type": pa.uint8(), "npi": pa.uint64(), "place": pa.uint8(),
}  # fmt: skip
_ROW_TYPES = {"record": pa.uint32(), "code": pa.uint16(), "reason": pa.uint8(), "flags": pa.uint16()}


class DecidedDiagnoses(Protocol):
    """Where a run has its decided diagnoses from: claims (``Decider``) or what was kept (``KeptDiagnoses``)."""

    ranges: list[tuple[int, int]]
    flag_sets: NDArray[np.uint16] | None
    unknown_member_claims: int
    without_claim: int

    def unmapped(self) -> pl.DataFrame: ...

    def decide(self, number: int) -> Decisions: ...


class KeptWriter:
    """Writes the decisions of shards, in their order, into a folder; a context manager.

    ``members_of_code``: how many members have each code, whatever was decided about it.
    """

    def __init__(self, folder: Path, codes: int) -> None:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._records = pa.ipc.new_file(folder / _RECORDS, pa.schema(_RECORD_TYPES.items()), options=options)
        self._rows = pa.ipc.new_file(folder / _ROWS, pa.schema(_ROW_TYPES.items()), options=options)
        self.members_of_code = np.zeros(codes, dtype=np.int64)
        self.without_claim = 0

    def __enter__(self) -> KeptWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._records.close()
        self._rows.close()

    def add(self, decided: Decisions) -> None:
        """Write the decisions of the next shard."""
        records = {name: decided.records[name] for name in _RECORD_TYPES}
        arrays = [
            series.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(kind)
            for series, kind in zip(records.values(), _RECORD_TYPES.values(), strict=True)
        ]
        self._records.write_batch(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(_RECORD_TYPES.items())))
        rows = [pa.array(getattr(decided, name), kind) for name, kind in _ROW_TYPES.items()]
        self._rows.write_batch(pa.RecordBatch.from_arrays(rows, schema=pa.schema(_ROW_TYPES.items())))
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
        of_records: Collection[str] = tuple(_RECORD_TYPES),
    ) -> None:  # fmt: skip
        self._folder, self._of_records = folder, tuple(name for name in _RECORD_TYPES if name in of_records)
        self.ranges = [(int(start), int(stop)) for start, stop in facts["ranges"]]
        sets = facts["flag_sets"]
        self.flag_sets = None if sets is None else np.array(sets, dtype=np.uint16)
        self.unknown_member_claims = int(facts["unknown_member_claims"])
        self.without_claim = int(facts["without_claim"])
        ours = pl.DataFrame({"diagnosis_code": codes.code, "number": np.arange(len(codes.code), dtype=np.int32)})
        placed = kept_codes.join(ours, on="diagnosis_code", how="left", maintain_order="left")
        self._number = placed["number"].fill_null(-1).to_numpy()[:mapped]
        self._unmapped = placed.filter(pl.col("number").is_null() & (pl.col("rows") > 0)).drop("number")

    def unmapped(self) -> pl.DataFrame:
        """diagnosis_code, rows, members of the codes that map in no model of the run; most members first."""
        return self._unmapped.sort("members", "diagnosis_code", descending=[True, False])

    def decide(self, number: int) -> Decisions:
        """The diagnoses of one shard that map in a model of the run, and their records."""
        rows = {name: _numbers(values) for name, values in self._columns(_ROWS, number, tuple(_ROW_TYPES))}
        code = self._number.take(rows["code"].astype(np.intp))
        wanted = np.flatnonzero(code >= 0)
        record, code, reason, flags = (v.take(wanted) for v in (rows["record"], code, rows["reason"], rows["flags"]))
        found = self._columns(_RECORDS, number, self._of_records)
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

    def _columns(self, file: str, number: int, names: tuple[str, ...]) -> Iterator[tuple[str, pa.Array]]:
        kinds = _RECORD_TYPES if file == _RECORDS else _ROW_TYPES
        wanted = pa.ipc.IpcReadOptions(included_fields=[list(kinds).index(name) for name in names])
        try:
            with pa.memory_map(str(self._folder / file)) as source:
                batch = pa.ipc.open_file(source, options=wanted).get_batch(number)
        except (OSError, IndexError, pa.ArrowException):  # their words may quote what they read
            raise ResultsError(
                f"{self._folder} is damaged: {file} cannot be read.", hint="Keep the claims again with 'hcc keep'."
            ) from None
        yield from ((name, batch.column(name)) for name in names)


def _numbers(values: pa.Array) -> NDArray[Any]:
    """The numbers of a column without nulls, where they lie.

    pyarrow's own way imports pandas first where that is installed, and polars' way all of pyarrow's functions.
    """
    kind = np.dtype(values.type.to_pandas_dtype())
    return np.frombuffer(values.buffers()[1], kind)[values.offset : values.offset + len(values)]
