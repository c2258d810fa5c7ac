"""A small results file, made once; each test works on a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from hcc.results import open_results, read_reviews
from hcc.worklist import load_weights, make_questions, merged_reviews, put_decisions, put_words
from tests.review.results_file import AS_OF, make_results


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_results(tmp_path_factory.mktemp("results") / "results.duckdb", 80)


@pytest.fixture
def results(made_once: Path, tmp_path: Path) -> Path:
    """A results file of 80 invented members, without decisions."""
    return Path(shutil.copy(made_once, tmp_path / "results.duckdb"))


def opened(results: Path) -> duckdb.DuckDBPyConnection:
    """A connection with the temporary tables of the worklist."""
    con = open_results(results)
    make_questions(con, load_weights(), AS_OF)
    put_decisions(con, merged_reviews(con.sql("SELECT * FROM reviews").pl(), read_reviews(results)))
    put_words(con)
    return con


@pytest.fixture
def con(results: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = opened(results)
    yield connection
    connection.close()
