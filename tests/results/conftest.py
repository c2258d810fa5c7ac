"""One made-up results file for the tests that only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.results import made_up


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up.write(tmp_path_factory.mktemp("results") / "results.duckdb")
