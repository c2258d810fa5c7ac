"""Hashes found again where they stand, by the kernel in use and by both of its kinds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc.kernel.arrays import Positions
from tests.kernel.kinds import KINDS

_EDGES = [0, 1, 2**63, 2**64 - 1, 2**64 - 2, 2**40, 2**40 + 1]
_KEYS = st.integers(0, 2**64 - 1) | st.sampled_from(_EDGES)
lookups = pytest.mark.parametrize("lookup", [kind.Lookup for kind in KINDS])


@lookups
@given(keys=st.lists(_KEYS, unique=True, max_size=60), others=st.lists(_KEYS, max_size=60))
def test_found_where_it_stands_or_not_at_all(lookup: type[Positions], keys: list[int], others: list[int]) -> None:
    asked = keys[::-1] + others
    places = lookup(np.array(keys, dtype=np.uint64)).find(np.array(asked, dtype=np.uint64))
    assert places.tolist() == [keys.index(key) if key in keys else -1 for key in asked]


@lookups
@pytest.mark.parametrize("shared", [2**63, 0, 2**64 - 2**20])
def test_keys_alike_in_their_leading_bits(lookup: type[Positions], shared: int) -> None:
    keys = np.array([shared + i for i in range(1000)], dtype=np.uint64)
    found = lookup(keys[::2])
    assert found.find(keys).tolist() == [i // 2 if i % 2 == 0 else -1 for i in range(1000)]


@lookups
def test_twins_show_and_the_first_is_found(lookup: type[Positions]) -> None:
    keys = np.array([5 << 50, 9 << 50, 5 << 50, 1 << 50], dtype=np.uint64)
    assert sorted(lookup(keys).twins().tolist()) == [0, 2]
    assert lookup(keys).find(keys).tolist() == [0, 1, 0, 3]
    assert not len(lookup(keys[:2]).twins())
    assert not len(lookup(keys[:0]).twins())
    assert lookup(keys[:0]).find(keys).tolist() == [-1] * 4


@lookups
@given(keys=st.lists(st.integers(0, 12).map(lambda i: i << 55), max_size=40))
def test_all_that_are_there_twice_are_among_the_twins(lookup: type[Positions], keys: list[int]) -> None:
    expected = {i for i, key in enumerate(keys) if keys.count(key) > 1}
    found = lookup(np.array(keys, dtype=np.uint64))
    assert expected <= set(found.twins().tolist())
    assert found.find(np.array(keys, dtype=np.uint64)).tolist() == [keys.index(key) for key in keys]
