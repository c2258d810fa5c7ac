"""``hcc`` as a person runs it, and one demo for the tests that need results."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Hcc = Callable[..., subprocess.CompletedProcess[str]]


def run_hcc(*args: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from hcc.cli import main; main()", *args],
        cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def hcc(tmp_path: Path) -> Hcc:
    def run(*args: str, cwd: Path = tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_hcc(*args, cwd=cwd, **environment)

    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which 'hcc demo' ran."""
    folder = tmp_path_factory.mktemp("demo")
    done = run_hcc("demo", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return folder
