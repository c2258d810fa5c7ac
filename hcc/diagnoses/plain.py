"""Claims that nothing withdraws: read batch by batch, packed into integers, dealt out to shards of members.

Nearly all claims are such. A claim is known by one 64-bit key made of the hashes of its claim_id and of its member, so
that a claim_id which two members share is two claims.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses.lines import LineRules, hashed
from hcc.diagnoses.runs import fold_neighbours, fold_twins, run_starts
from hcc.diagnoses.shards import Shards, shard_ranges
from hcc.diagnoses.unmapped import Unmapped
from hcc.kernel import Lookup, join, neighbours, split
from hcc.kernel.arrays import Columns, Positions

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd: multiplying by it is one-to-one


@dataclass(frozen=True)
class Room:
    """Memory that packed claims may take, and the folder for what does not fit."""

    nbytes: int
    folder: Path


@dataclass(eq=False)
class PlainClaims:
    """Plain claims by shard.

    ``records``: key, member, best, last …; ``runs``: neighbouring mapped diagnoses of one claim (key, size, and their
    claim_id); ``codes``: one entry per mapped diagnosis, in the order of the runs. ``unknown``: keys of claims whose
    member is not ours; ``strange``: keys and sizes of such runs.
    """

    records: Shards
    runs: Shards
    codes: Shards
    unknown: list[NDArray[np.uint64]] = field(default_factory=list)
    strange: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = field(default_factory=list)

    def spill(self, room: Room, *others: Shards) -> None:
        """Put rows into files where all of them take more memory than there is room for."""
        all_of_them = (self.records, self.runs, self.codes, *others)
        if sum(shards.nbytes for shards in all_of_them) > room.nbytes:
            for shards in all_of_them:
                shards.spill(room.folder)

    def unknown_claims(self) -> int:
        """Distinct claims of members that are not ours."""
        return len(np.unique(np.concatenate(self.unknown))) if self.unknown else 0

    def strange_without_claim(self) -> int:
        """Mapped diagnoses of members that are not ours, of claims that have no line."""
        there = np.unique(np.concatenate(self.unknown)) if self.unknown else np.zeros(0, np.uint64)
        return sum(int(size[~np.isin(key, there)].sum()) for key, size in self.strange)

    def shard(self, number: int) -> tuple[Columns, pl.Series, NDArray[np.int64], NDArray[np.uint16], int]:
        """Records with a mapped diagnosis (member, best, last …), their claim_ids; record and code of each diagnosis;
        the number of mapped diagnoses of claims that have no line, which are left out.

        Codes come in no order, repeated where lines repeat them.
        """
        records, _ = self.records.shard(number)
        runs, claim_id = self.runs.shard(number)
        codes, _ = self.codes.shard(number)
        if not records or claim_id is None:
            nothing = pl.Series([], dtype=pl.String), np.zeros(0, np.int64), np.zeros(0, np.uint16)
            return {}, *nothing, int(runs["size"].sum()) if runs else 0
        place_of = Lookup(records["key"])
        fold_twins(records, place_of.twins())
        found = join(place_of.find(runs["key"]), runs["size"], codes["code"], len(records["key"]))
        used = {name: values[found.used] for name, values in records.items() if name != "key"}
        without = len(codes["code"]) - len(found.code)
        return used, claim_id.gather(pl.Series(found.run)), found.record, found.code, without


def read_plain(
    lines: pl.LazyFrame, diagnoses: pl.LazyFrame, member_id: pl.Series, rules: LineRules, by_text: pl.DataFrame,
    numbers: pl.DataType, mapped: int, room: Room | None = None, *, count_mapped: bool = False,
) -> tuple[PlainClaims, Unmapped]:  # fmt: skip
    """Read both tables once. ``diagnoses``: claim_id, diagnosis_code and, where known, member_id; ``numbers``: a
    categorical type whose first ``mapped`` categories are the mapped codes; rows of other codes are only counted. Claims
    in ``by_text`` (claim_id, member_id) are left out. ``count_mapped``: rows of mapped codes are counted too.
    """
    ours = Lookup(member_id.hash().to_numpy())
    shards = sum(1 for _ in shard_ranges(len(member_id)))
    plain, unmapped = PlainClaims(Shards(shards), Shards(shards), Shards(shards)), Unmapped(mapped, Shards(shards))
    if count_mapped:
        unmapped.of_mapped = np.zeros(mapped, dtype=np.int64)
    elsewhere = _key(*(by_text[name].hash().to_numpy() for name in ("claim_id", "member_id")))
    for batch in _batches(hashed(lines, rules)):
        found = fold_neighbours({name: batch[name].to_numpy() for name in batch.columns}, "hash", "owner")
        owner = found.pop("owner")
        found["key"] = _key(found.pop("hash"), owner)
        found["member"] = ours.find(owner)
        if len(elsewhere):
            plain_ones = ~np.isin(found["key"], elsewhere)
            found = {name: values[plain_ones] for name, values in found.items()}
        known = found["member"] >= 0
        if not known.all():
            plain.unknown.append(np.unique(found["key"][~known]))
            found = {name: values[known] for name, values in found.items()}
        plain.records.add(found["member"], found)
        if room is not None:
            plain.spill(room)
    told = "member_id" in diagnoses.collect_schema().names()
    nobody = pl.lit(None, dtype=pl.UInt64)
    # The hash of null is a number like any other; nobody has it, and whose the diagnosis is would not be looked up.
    member = pl.when(pl.col("member_id").is_not_null()).then(pl.col("member_id").hash()) if told else nobody
    wanted = diagnoses.select(
        pl.col("claim_id").hash().alias("hash"), member.alias("owner"), "claim_id",
        pl.col("diagnosis_code").cast(numbers).to_physical().alias("code"),
    )  # fmt: skip
    owners: Owners | None = None
    for batch in _batches(wanted):
        unmapped.count(batch["code"].to_numpy())
        if batch["owner"].null_count():
            owners = owners or Owners(lines)
            batch = owners.told(batch, mapped)
        _add_runs(plain, unmapped, ours, elsewhere, batch)
        if room is not None:
            plain.spill(room, unmapped.shards)
    return plain, unmapped


def _add_runs(
    plain: PlainClaims, unmapped: Unmapped, ours: Positions, elsewhere: NDArray[np.uint64], batch: pl.DataFrame
) -> None:
    """Take in a batch of diagnoses: hash and owner of the claim, claim_id, code. Claims with keys in ``elsewhere`` are
    left out."""
    claim, owner, code = (batch[name].to_numpy() for name in ("hash", "owner", "code"))
    starts = neighbours(claim, owner)
    claim, owner = claim.take(starts), owner.take(starts)
    member = ours.find(owner)
    left_out = None
    if len(elsewhere):
        left_out = np.repeat(np.isin(_key(claim, owner), elsewhere), np.diff(np.append(starts, len(code))))
    found = split(code, starts, member, unmapped.mapped, unmapped.rows_up_to(code), left_out)
    unmapped.add(found)
    some = np.flatnonzero(found.theirs)
    if len(some):
        plain.strange.append((_key(claim[some], owner[some]), found.theirs[some].astype(np.int64)))
    used = np.flatnonzero(found.size)
    keys: Columns = {"key": _key(claim.take(used), owner.take(used)), "size": found.size.take(used)}
    plain.runs.add(member.take(used), keys, (batch["claim_id"], starts.take(used)))
    plain.codes.add(found.code_member, {"code": found.code})


class Owners:
    """Whose a claim is, from the lines, for diagnoses that do not say it. A pass over all lines of its own."""

    def __init__(self, lines: pl.LazyFrame) -> None:
        pairs = lines.select(pl.col("claim_id").hash().alias("hash"), pl.col("member_id").hash().alias("owner"))
        distinct = pairs.unique().collect(engine="streaming").sort("hash", "owner")
        claim = distinct["hash"].to_numpy()
        self._owner = distinct["owner"].to_numpy()
        self._starts = run_starts(claim)
        self._size = np.diff(np.append(self._starts, len(claim)))
        self._place = Lookup(claim[self._starts])

    def told(self, batch: pl.DataFrame, mapped: int) -> pl.DataFrame:
        """``batch`` with every owner known: 0 where there is no such claim; mapped diagnoses of a claim_id that
        several members share once for each of them."""
        blank = np.flatnonzero(batch["owner"].is_null().to_numpy())
        found = self._place.find(batch["hash"].to_numpy()[blank])
        first = np.where(found >= 0, self._owner[self._starts[found]] if len(self._starts) else 0, 0).astype(np.uint64)
        owner = batch["owner"].fill_null(0).to_numpy(writable=True)
        owner[blank] = first
        told = batch.with_columns(pl.Series("owner", owner))
        shared = np.flatnonzero((found >= 0) & (self._size[found] > 1)) if len(self._size) else blank[:0]
        if len(shared) == 0:
            return told
        times = self._size[found[shared]] - 1
        offset = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times) + 1
        others = self._owner[np.repeat(self._starts[found[shared]], times) + offset]
        again = batch[np.repeat(blank[shared], times)].with_columns(pl.Series("owner", others))
        return pl.concat([told, again.filter(pl.col("code") < mapped)])


def _key(claim: NDArray[np.uint64], owner: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return claim ^ (owner * _SPREAD)


def _batches(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Whole batches in no order: collecting everything first costs twice the time, in page faults."""
    yield from frame.collect_batches(maintain_order=False, engine="streaming")
