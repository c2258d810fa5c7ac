"""Results files and reports of invented members."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hcc.report import report_html
from tests.report import small
from tests.report.page import Page

TODAY = date(2026, 1, 20)


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write(tmp_path_factory.mktemp("report") / "results.duckdb")


@pytest.fixture(scope="session")
def without_gaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.write(tmp_path_factory.mktemp("report") / "results.duckdb", with_gaps=False, searched=False)


@pytest.fixture(scope="session")
def page(results: Path) -> Page:
    return Page(report_html(results, today=TODAY))


@pytest.fixture(scope="session")
def open_page(results: Path) -> Page:
    """The same with small cells."""
    return Page(report_html(results, today=TODAY, show_small_cells=True))
