"""How a memory limit is written."""

from pathlib import Path

import pytest

from hcc.errors import HccError
from hcc.pipeline.memory import memory_limit


@pytest.mark.parametrize(
    ("asked", "nbytes"),
    [("4GB", 4 * 2**30), ("4g", 4 * 2**30), ("1.5 GiB", 3 * 2**29), ("1200MB", 1200 * 2**20), (2**30, 2**30)],
)
def test_sizes(asked: str | int, nbytes: int) -> None:
    limit = memory_limit(asked)
    assert limit.nbytes == nbytes
    assert limit.room(Path("/data/r.duckdb")).folder == Path("/data")
    assert limit.room(None).nbytes < nbytes


@pytest.mark.parametrize("asked", ["much", "4 apples", "-1GB", "800MB", ""])
def test_sizes_that_cannot_be(asked: str) -> None:
    with pytest.raises(HccError, match="Memory"):
        memory_limit(asked)


def test_the_default_is_a_share_of_the_machine() -> None:
    assert memory_limit(None).nbytes >= 2**30
