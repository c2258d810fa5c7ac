"""Results files of invented members, and a page served by a process of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.review.results_file import make_results

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_results(tmp_path_factory.mktemp("results") / "results.duckdb", 120)


@pytest.fixture
def results(made_once: Path, tmp_path: Path) -> Path:
    """A results file of 120 invented members, without decisions."""
    return Path(shutil.copy(made_once, tmp_path / "results.duckdb"))


@dataclass
class Served:
    """A running page: its address, its process, and where it writes what it says."""

    address: str
    process: subprocess.Popen[str]
    errors: Path

    @property
    def base(self) -> str:
        """The address without the token."""
        return self.address.rsplit("/", 2)[0]


def _until_it_listens(address: str) -> None:
    """The address is told a moment before the port is open."""
    where = urlsplit(address)
    assert where.hostname is not None
    assert where.port is not None
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((where.hostname, where.port), timeout=10).close()
        except ConnectionRefusedError:
            assert time.monotonic() < until, "the page did not open its port"
            time.sleep(0.05)
        else:
            return


@contextmanager
def served(results: Path, reviewer: str = "Ada Example") -> Iterator[Served]:
    """``hcc review`` in a process of its own, ended with the block."""
    errors = results.with_name(f"said-{len(list(results.parent.glob('said-*')))}.txt")
    command = [sys.executable, "-c", "from hcc.cli import main; main()", "review", str(results), "--no-browser"]
    with errors.open("w") as said:
        process = subprocess.Popen(
            [*command, "--reviewer", reviewer], stdout=subprocess.PIPE, stderr=said, text=True, cwd=results.parent
        )
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), errors.read_text()
            _until_it_listens(address)
            yield Served(address, process, errors)
        finally:
            process.terminate()
            process.wait(timeout=60)


def needs(what: str, found: object) -> None:
    """Skip with a message where something is missing, except in CI: there it must be there."""
    if found:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must run these tests")
    pytest.skip(f"{what} is missing (apt-get install chromium; pip install 'hcc-engine[review,dev]')")


@pytest.fixture(scope="module")  # while the driver is open, no other test could run an event loop of its own
def chromium() -> Iterator[Any]:
    """A headless Chromium of this machine; nothing is downloaded."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    needs("Chromium", program)
    try:
        import nicegui  # noqa: F401
        from playwright.sync_api import sync_playwright
    except ImportError:
        needs("nicegui or playwright", None)
        raise
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()
