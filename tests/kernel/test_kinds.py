"""The kernel written twice: each kind against loops over rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hcc
import hcc.kernel
from hcc.demo.population import demo_population
from hcc.diagnoses import plain, shards
from hcc.kernel import in_c
from hcc.kernel.arrays import Slots
from tests.kernel.kinds import KINDS

kinds = pytest.mark.parametrize("kind", KINDS)
_ROWS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 2), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(-1, 2)
    ),
    max_size=40,
)


@pytest.mark.skipif(
    shutil.which("cc") is None, reason="no C compiler here: the package was built without its kernel in C"
)
def test_where_there_is_a_compiler_the_kernel_in_c_is_in_use() -> None:
    assert in_c.LIBRARY is not None
    code = "import hcc.kernel; print(hcc.kernel.NAME)"
    for asked, name in (("", "C"), ("numpy", "numpy")):
        environment = {**os.environ, "HCC_KERNEL": asked}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == name


@kinds
@given(rows=_ROWS)
def test_runs_of_neighbours_fold_to_their_largest_and_least(kind: ModuleType, rows: list[tuple[int, ...]]) -> None:
    claim, owner, best, last, verdict = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 5
    runs: list[list[int]] = []
    for i in range(len(rows)):
        if i and (claim[i], owner[i]) == (claim[i - 1], owner[i - 1]):
            runs[-1].append(i)
        else:
            runs.append([i])
    first, second = np.array(claim, np.uint64), np.array(owner, np.uint64)
    starts = kind.neighbours(first, second)
    columns = {
        "hash": first, "best": np.array(best, np.uint64), "last": np.array(last, np.uint32),
        "verdict": np.array(verdict, np.int8),
    }  # fmt: skip
    found = kind.fold(columns, starts, ("best", "last"), ("verdict",))
    assert starts.tolist() == [run[0] for run in runs]
    assert found["hash"].tolist() == [claim[run[0]] for run in runs]
    assert found["best"].tolist() == [max(best[i] for i in run) for run in runs]
    assert found["last"].tolist() == [max(last[i] for i in run) for run in runs]
    assert found["verdict"].tolist() == [min(verdict[i] for i in run) for run in runs]
    assert {name: values.dtype for name, values in found.items()} == {n: v.dtype for n, v in columns.items()}


@kinds
@pytest.mark.parametrize("shards", [2, 5, 300])
@given(members=st.lists(st.integers(0, 10**9), max_size=60))
def test_rows_are_dealt_out_in_the_order_they_came(kind: ModuleType, shards: int, members: list[int]) -> None:
    who = [m % (shards * 8) for m in members]
    columns = {
        "eight": np.arange(len(who), dtype=np.uint64) << np.uint64(40), "four": np.arange(len(who), dtype=np.uint32),
        "two": np.arange(len(who), dtype=np.uint16), "one": np.arange(len(who), dtype=np.int8),
    }  # fmt: skip
    dealt, order, bounds = kind.deal(np.array(who, np.int32), columns, shards, 3)
    expected = [i for shard in range(shards) for i in range(len(who)) if who[i] >> 3 == shard]
    assert order.tolist() == expected
    assert [values.tolist() for values in dealt.values()] == [v[expected].tolist() for v in columns.values()]
    assert bounds.tolist() == [sum(m >> 3 < shard for m in who) for shard in range(shards + 1)]


@kinds
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 4, 5, 6, 9, 5 + 65535, 5 + 65536]), st.booleans()), max_size=40),
    members=st.lists(st.integers(-1, 70_000), min_size=4, max_size=4),
    leaves_out=st.booleans(),
)  # fmt: skip
def test_diagnoses_are_split_by_whether_they_map(
    kind: ModuleType, rows: list[tuple[int, int, bool]], members: list[int], leaves_out: bool
) -> None:
    claims = [claim for claim, _, _ in rows]
    runs = [i for i in range(len(rows)) if i == 0 or claims[i] != claims[i - 1]]
    who = [members[claims[i]] for i in runs]
    run_of = [sum(start <= i for start in runs) - 1 for i in range(len(rows))]
    out = np.array([left for _, _, left in rows], dtype=bool) if leaves_out else None
    counted = np.full(65_537, 7, dtype=np.int64)
    found = kind.split(
        np.array([code for _, code, _ in rows], np.uint32),
        np.array(runs, np.int64),
        np.array(who, np.int32),
        5,
        counted,
        out,
    )
    size, theirs, code, code_member, pair, pair_member = [0] * len(runs), [0] * len(runs), [], [], [], []
    expected = [7] * 65_537
    for i, (_, number, left) in enumerate(rows):
        member = who[run_of[i]]
        if number >= 5:
            expected[number - 5] += 1
            if member >= 0 and number - 5 < 2**16:
                pair.append(((member << 16) % 2**32) | (number - 5))
                pair_member.append(member)
        elif not (leaves_out and left):
            (size if member >= 0 else theirs)[run_of[i]] += 1
            if member >= 0:
                code.append(number)
                code_member.append(member)
    assert (found.size.tolist(), found.theirs.tolist()) == (size, theirs)
    assert (found.code.tolist(), found.code_member.tolist()) == (code, code_member)
    assert (found.pair.tolist(), found.pair_member.tolist()) == (pair, pair_member)
    assert counted.tolist() == expected


@kinds
@given(runs=st.lists(st.tuples(st.integers(-1, 5), st.integers(1, 3)), max_size=30), records=st.integers(6, 9))
def test_codes_find_the_records_that_their_runs_met(
    kind: ModuleType, runs: list[tuple[int, int]], records: int
) -> None:
    met, size = [met for met, _ in runs], [size for _, size in runs]
    whose = [m for m, many in runs for _ in range(many)]
    found = kind.join(
        np.array(met, np.int32), np.array(size, np.uint32), np.arange(len(whose), dtype=np.uint16), records
    )
    used = sorted({m for m in met if m >= 0})
    assert found.used.tolist() == used
    assert [met[run] for run in found.run.tolist()] == used
    expected = [(used.index(m), code) for code, m in enumerate(whose) if m >= 0]
    assert list(zip(found.record.tolist(), found.code.tolist(), strict=True)) == expected


def test_the_kernel_in_use_is_one_of_them() -> None:
    assert hcc.kernel.Lookup in [kind.Lookup for kind in KINDS]


def test_a_population_comes_out_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards, twins, strangers and unmapped codes through a whole run, by each kind of kernel."""
    files = demo_population(tmp_path, members=700, payment_year=2026, seed=5)
    monkeypatch.setattr(shards, "SHARD_BITS", 7)
    found = []
    for kind in KINDS:
        for place in (plain, hcc.kernel):
            for name in hcc.kernel.__all__[1:]:
                if hasattr(place, name):
                    monkeypatch.setattr(place, name, getattr(kind, name))
        run = hcc.score(files["members"], files["claims"], payment_year=2026)
        tables = ("diagnoses", "member_hccs", "factors", "scores", "unmapped_codes")
        found.append({name: getattr(run, name).drop("run_id").sort(pl.all()) for name in tables})
    first, *others = found
    assert first["diagnoses"].height > 1000
    for other in others:
        for name, table in first.items():
            assert table.equals(other[name]), name


@kinds
@given(data=st.data())
def test_codes_become_sets_and_distinct_evidence(kind: ModuleType, data: st.DataObject) -> None:
    """Two ways a code, edit classes, records in order, codes repeated; against sets of Python."""
    of_code = np.array(
        data.draw(st.lists(st.lists(st.integers(-1, 2), min_size=5, max_size=5), min_size=2, max_size=2))
    )
    bit = np.array(data.draw(st.lists(st.lists(st.integers(-1, 127), min_size=3, max_size=3), min_size=2, max_size=2)))
    members = sorted(data.draw(st.lists(st.integers(7, 11), max_size=12)))  # of each record
    records = st.tuples(st.integers(0, max(len(members) - 1, 0)), st.integers(0, 4), st.booleans())
    rows = sorted(data.draw(st.lists(records, max_size=30 if members else 0)))
    classes = data.draw(st.lists(st.integers(0, 1), min_size=5, max_size=5))
    expected = {
        (members[record] - 7, int(bit[classes[members[record] - 7], slot]), record)
        for record, code, counted in rows
        for slot in of_code[:, code]
        if counted and slot >= 0 and bit[classes[members[record] - 7], slot] >= 0
    }
    slots = Slots(of_code.astype(np.int16), bit.astype(np.int16), np.zeros(bit.shape, np.int8))
    asked = (
        np.array([counted for _, _, counted in rows], bool), np.array([record for record, _, _ in rows], np.uint32),
        np.array([code for _, code, _ in rows], np.uint16), np.array(members, np.uint32), 7,
        np.array(classes, np.int16), slots, 2,
    )  # fmt: skip
    sets, triples = kind.evidence(*asked)
    assert triples is not None
    found = list(zip(triples.member.tolist(), triples.bit.tolist(), triples.record.tolist(), strict=True))
    assert found == sorted(expected)
    for who in range(5):
        mask = sum(1 << b for b in {b for m, b, _ in expected if m == who})
        assert sets[who].tolist() == [mask % 2**64, mask >> 64]
    alone, nothing = kind.evidence(*asked, listed=False)
    assert nothing is None
    assert alone.tolist() == sets.tolist()


@kinds
def test_rows_in_no_order_of_members_are_put_in_one(kind: ModuleType) -> None:
    slots = Slots(np.array([[0]], np.int16), np.array([[3]], np.int16), np.zeros((1, 1), np.int8))
    sets, triples = kind.evidence(
        np.ones(3, bool), np.array([1, 0, 1], np.uint32), np.zeros(3, np.uint16), np.array([0, 1], np.uint32), 0,
        np.zeros(2, np.int16), slots, 1,
    )  # fmt: skip
    assert sets.tolist() == [[8], [8]]
    assert triples is not None
    assert (triples.member.tolist(), triples.record.tolist()) == ([0, 1], [0, 1])


_SETS = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=20)


@kinds
@given(sets=_SETS, edges=st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)), max_size=8))
def test_parents_take_their_children_along(
    kind: ModuleType, sets: list[tuple[int, int]], edges: list[tuple[int, int]]
) -> None:
    drops, parents = np.zeros((16, 256, 2), np.uint64), np.zeros(16, np.uint8)
    for parent, child in edges:
        parents[parent // 8] |= 1 << parent % 8
        for value in range(256):
            if value >> parent % 8 & 1:
                drops[parent // 8, value, child // 64] |= np.uint64(1 << child % 64)
    kept = kind.drop(np.array(sets, np.uint64).reshape(-1, 2), drops, parents)
    for (low, high), found in zip(sets, kept.tolist(), strict=True):
        bits = {i for i in range(128) if (low | high << 64) >> i & 1}
        left = bits - {child for parent, child in edges if parent in bits}
        assert found == [sum(1 << i for i in left if i < 64), sum(1 << i - 64 for i in left if i >= 64)]


@kinds
@given(sets=_SETS, worth=st.lists(st.integers(-5000, 5000), min_size=256, max_size=256))
def test_bits_add_up_by_the_kind_of_their_row(kind: ModuleType, sets: list[tuple[int, int]], worth: list[int]) -> None:
    of_kind = np.array(worth, np.int32).reshape(2, 128)
    sums = np.zeros((2, 16, 256), np.int32)
    for value in range(256):
        for bit in range(8):
            if value >> bit & 1:
                sums[:, :, value] += of_kind.reshape(2, 16, 8)[:, :, bit]
    which = np.arange(len(sets)) % 2
    found = kind.totals(np.array(sets, np.uint64).reshape(-1, 2), which.astype(np.int16), sums)
    for i, (low, high) in enumerate(sets):
        assert found[i] == sum(int(of_kind[i % 2, b]) for b in range(128) if (low | high << 64) >> b & 1)
