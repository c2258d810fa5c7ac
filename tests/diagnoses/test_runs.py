"""Claims whose lines lie apart, and neighbours that only look alike."""

import numpy as np

from hcc.diagnoses.runs import fold_neighbours, folded, run_starts


def _lines(rows: list[tuple[int, int, int, int]]) -> dict[str, np.ndarray]:
    names = ("key", "best", "last", "verdict")
    kinds = (np.uint64, np.uint64, np.uint32, np.int8)
    return {n: np.array([row[i] for row in rows], dtype=k) for i, (n, k) in enumerate(zip(names, kinds, strict=True))}


def _rows(found: dict[str, np.ndarray]) -> list[tuple[int, ...]]:
    return sorted(zip(*(found[n].tolist() for n in ("key", "best", "last", "verdict")), strict=True))


def test_lines_apart_are_one_record() -> None:
    lines = _lines([(7, 5, 9, 2), (7, 8, 2, 1), (3, 1, 1, 2), (7, 6, 11, -1), (3, 2, 4, 2)])
    assert _rows(folded(lines)) == [(3, 2, 4, 2), (7, 8, 11, -1)]
    assert _rows(fold_neighbours(lines, "key")) == [(3, 1, 1, 2), (3, 2, 4, 2), (7, 6, 11, -1), (7, 8, 9, 1)]


def test_a_run_ends_where_any_of_its_keys_changes() -> None:
    claim, member = np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6])
    assert run_starts(claim, member).tolist() == [0, 2, 3]


def test_no_lines() -> None:
    assert _rows(folded(_lines([]))) == []
    assert _rows(fold_neighbours(_lines([]), "key")) == []
