"""Pieces of work done by threads, handed over in order: shards when scoring, ranges of members when looking for gaps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Item = TypeVar("Item")
Done = TypeVar("Done")


def side_by_side(work: Callable[[Item], Done], items: Iterable[Item], most: int) -> Iterator[tuple[Item, Done]]:
    """Items and what ``work`` made of them, in order; as many at a time as there are processors, ``most`` at most.

    No more are ready than the consumer can take. What an item raises is raised when its turn comes.
    """
    # As many as polars takes: an executor or a container that limits the one limits the other.
    workers = min(pl.thread_pool_size(), most)
    if workers == 1:
        yield from ((item, work(item)) for item in items)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="hcc-piece") as pool:
        coming: deque[tuple[Item, Future[Done]]] = deque()
        try:
            for item in items:
                coming.append((item, pool.submit(work, item)))
                if len(coming) > workers:
                    first, future = coming.popleft()
                    yield first, future.result()
            while coming:
                first, future = coming.popleft()
                yield first, future.result()
        finally:
            for _, future in coming:
                future.cancel()
