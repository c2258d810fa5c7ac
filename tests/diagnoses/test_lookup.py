"""Hashes found again where they stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc.diagnoses.lookup import Lookup

_EDGES = [0, 1, 2**63, 2**64 - 1, 2**64 - 2, 2**40, 2**40 + 1]
_KEYS = st.integers(0, 2**64 - 1) | st.sampled_from(_EDGES)


@given(st.lists(_KEYS, unique=True, max_size=60), st.lists(_KEYS, max_size=60))
def test_found_where_it_stands_or_not_at_all(keys: list[int], others: list[int]) -> None:
    asked = keys[::-1] + others
    places = Lookup(np.array(keys, dtype=np.uint64)).find(np.array(asked, dtype=np.uint64))
    assert places.tolist() == [keys.index(key) if key in keys else -1 for key in asked]


@pytest.mark.parametrize("shared", [2**63, 0, 2**64 - 2**20])
def test_keys_alike_in_their_leading_bits(shared: int) -> None:
    keys = np.array([shared + i for i in range(1000)], dtype=np.uint64)
    found = Lookup(keys[::2])
    assert found.find(keys).tolist() == [i // 2 if i % 2 == 0 else -1 for i in range(1000)]
    assert len(found.twins()) == 500  # cannot be told from twins by their leading bits


def test_twins_show_and_the_first_is_found() -> None:
    keys = np.array([5 << 50, 9 << 50, 5 << 50, 1 << 50], dtype=np.uint64)
    assert sorted(Lookup(keys).twins().tolist()) == [0, 2]
    assert Lookup(keys).find(keys).tolist() == [0, 1, 0, 3]
    assert not len(Lookup(keys[:2]).twins())
    assert not len(Lookup(keys[:0]).twins())
