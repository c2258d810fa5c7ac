"""Claims whose lines lie apart, and hashes of two members."""

import numpy as np

from hcc.diagnoses.runs import folded


def _lines(rows: list[tuple[int, int, int, int, int]]) -> dict[str, np.ndarray]:
    names = ("hash", "owner", "best", "last", "verdict")
    kinds = (np.uint64, np.uint64, np.uint64, np.uint32, np.int8)
    return {n: np.array([row[i] for row in rows], dtype=k) for i, (n, k) in enumerate(zip(names, kinds, strict=True))}


def test_lines_apart_are_one_record_and_shared_hashes_are_left_out() -> None:
    found, shared = folded(
        _lines(
            [
                (7, 1, 5, 9, 2), (7, 1, 8, 2, 1), (3, 2, 1, 1, 2), (7, 1, 6, 11, -1),  # 7 in two runs
                (4, 1, 1, 1, 2), (4, 2, 1, 1, 2),  # two members within a run
                (5, 1, 1, 1, 2), (3, 2, 2, 4, 2), (5, 2, 1, 1, 2),  # two members in two runs
            ]
        )
    )  # fmt: skip
    rows = sorted(zip(*(found[n].tolist() for n in ("hash", "owner", "best", "last", "verdict")), strict=True))
    assert rows == [(3, 2, 2, 4, 2), (7, 1, 8, 11, -1)]
    assert shared.tolist() == [4, 5]


def test_no_lines() -> None:
    found, shared = folded(_lines([]))
    assert len(found["hash"]) == 0
    assert len(shared) == 0
