"""Claims whose lines lie apart, and neighbours that only look alike."""

import numpy as np

from hcc.diagnoses.runs import fold_neighbours, fold_twins, run_starts


def _lines(rows: list[tuple[int, int, int, int]]) -> dict[str, np.ndarray]:
    names = ("key", "best", "last", "verdict")
    kinds = (np.uint64, np.uint64, np.uint32, np.int8)
    return {n: np.array([row[i] for row in rows], dtype=k) for i, (n, k) in enumerate(zip(names, kinds, strict=True))}


def _rows(found: dict[str, np.ndarray]) -> list[tuple[int, ...]]:
    return sorted(zip(*(found[n].tolist() for n in ("key", "best", "last", "verdict")), strict=True))


def test_lines_apart_are_one_record() -> None:
    lines = _lines([(7, 5, 9, 2), (7, 8, 2, 1), (3, 1, 1, 2), (7, 6, 11, -1), (3, 2, 4, 2)])
    runs = fold_neighbours(lines, "key")
    assert _rows(runs) == [(3, 1, 1, 2), (3, 2, 4, 2), (7, 6, 11, -1), (7, 8, 9, 1)]
    runs["key"][0] = 5  # a claim of its own between
    fold_twins(runs, np.array([3, 2, 1, 0]))
    assert [runs[name][:3].tolist() for name in ("key", "best", "last")] == [[5, 3, 7], [8, 2, 6], [9, 4, 11]]


def test_the_first_of_a_key_tells_for_all() -> None:
    records = _lines([(9, 1, 1, 2), (7, 5, 3, 2), (4, 1, 1, 1), (7, 2, 8, -1), (9, 3, 0, 2), (7, 4, 4, 2)])
    fold_twins(records, np.array([0, 1, 2, 3, 4, 5]))
    first = {name: values[:3] for name, values in records.items()}
    assert _rows(first) == [(4, 1, 1, 1), (7, 5, 8, -1), (9, 3, 1, 2)]


def test_a_run_ends_where_any_of_its_keys_changes() -> None:
    claim, member = np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6])
    assert run_starts(claim, member).tolist() == [0, 2, 3]


def test_no_lines() -> None:
    fold_twins(_lines([]), np.zeros(0, dtype=np.int64))
    assert _rows(fold_neighbours(_lines([]), "key")) == []
