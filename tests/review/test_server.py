"""Starting the page: what is missing or taken is told in one message, and nothing heavy is loaded before."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hcc.cli.review import review
from hcc.errors import HccError
from hcc.review.server import _listen, serve


def test_without_nicegui(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nicegui", None)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(HccError, match="needs nicegui") as caught:
        serve(results)
    assert caught.value.hint is not None
    assert "hcc-engine[review]" in caught.value.hint


def test_only_this_machine_is_listened_to() -> None:
    with _listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_taken_port(results: Path) -> None:
    pytest.importorskip("nicegui")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(HccError, match="taken"):
            serve(results, port=int(other.getsockname()[1]))


def test_a_file_that_is_no_results_file(tmp_path: Path) -> None:
    pytest.importorskip("nicegui")
    wrong = tmp_path / "notes.duckdb"
    wrong.write_text("nothing")
    with pytest.raises(HccError, match="not a DuckDB database"):
        serve(wrong)


def test_help_ends_in_an_example() -> None:
    told = CliRunner().invoke(review, ["--help"])
    assert told.exit_code == 0
    assert "hcc review results.duckdb" in told.output.split("Example:")[1]


def test_the_command_itself_loads_nothing_heavy() -> None:
    code = (
        "import sys, hcc.cli.review, hcc.cli.worklist, hcc.review, hcc.review.gate; "
        "heavy = {'nicegui', 'fastapi', 'uvicorn', 'polars', 'duckdb', 'pyarrow', 'numpy', 'pydantic'}; "
        "print(sorted(set(sys.modules) & heavy))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
