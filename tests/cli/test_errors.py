"""One clear message, the right exit code, and no member's value."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import hcc.cli
from hcc.errors import HccError, NotPaidModel

SECRET = "1EG4TE5MK73"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Make 'hcc schema' do what the test wants."""

    def use(action: Callable[[], object]) -> None:
        @click.command()
        def schema() -> object:
            return action()

        monkeypatch.setattr("hcc.cli.schema.schema", schema)

    return use


def _raise(error: BaseException) -> Callable[[], object]:
    def action() -> object:
        raise error

    return action


def test_an_hcc_error_is_a_message_and_a_hint(failing, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    failing(_raise(HccError("It is not there.", hint="Look elsewhere.")))
    assert hcc.cli.run(["schema"]) == 1
    told = capsys.readouterr()
    assert told.err == "error: It is not there.\nhint: Look elsewhere.\n"
    assert told.out == ""


def test_an_unforeseen_error_tells_where_but_no_values(failing, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    failing(lambda: {}[SECRET])
    assert hcc.cli.run(["schema"]) == 1
    told = capsys.readouterr().err
    assert "KeyError" in told
    assert "Traceback" not in told
    assert SECRET not in told
    assert "hint: 'hcc --debug" in told


def test_the_place_in_our_code_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcc.results.schema.schema_ddl", lambda: int(SECRET))
    monkeypatch.setattr("hcc.results.schema._overview", lambda: int(SECRET))
    assert hcc.cli.run(["schema"]) == 1
    told = capsys.readouterr().err
    assert "ValueError in results/schema.py, line" in told
    assert SECRET not in told


def test_debug_shows_the_traceback(failing, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    failing(lambda: 1 / 0)
    assert hcc.cli.run(["--debug", "schema"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interrupts_end_cleanly(failing, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    failing(_raise(KeyboardInterrupt()))
    assert hcc.cli.run(["schema"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def _ctrl_c_inside(error: type[Exception]) -> Callable[[], object]:
    """As in a library that looks for signals itself: Python's KeyboardInterrupt is lost, another error comes out."""

    def action() -> object:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise error("Query interrupted")

    return action


@pytest.mark.parametrize("error", [RuntimeError, HccError])
def test_an_interrupt_that_a_library_takes_for_its_own_is_one(
    failing: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str], error: type[Exception]
) -> None:
    failing(_ctrl_c_inside(error))
    assert hcc.cli.run(["schema"]) == 130
    assert capsys.readouterr().err == "\nStopped; nothing half-made was left.\n"
    failing(_raise(RuntimeError("later, without one")))
    assert hcc.cli.run(["schema"]) == 1


def test_a_termination_that_a_library_takes_for_its_own_is_one(
    failing: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """polars panics where SIGTERM comes while it calls Python."""

    def action() -> object:
        with contextlib.suppress(SystemExit):
            signal.raise_signal(signal.SIGTERM)
        raise RuntimeError("callback failed")

    failing(action)
    assert hcc.cli.run(["schema"]) == 143
    assert "Stopped; nothing half-made was left." in capsys.readouterr().err


def test_ctrl_c_inside_a_query_of_duckdb() -> None:
    """DuckDB stops at once or, as it happens, when the query is done; the query is one of some seconds."""
    script = """
        import click, hcc.cli, hcc.cli.schema
        @click.command()
        def schema():
            import duckdb
            print("ready", flush=True)
            duckdb.sql("SELECT count(*) FROM range(2000000000) WHERE range % 7 = 3").to_arrow_table()
        hcc.cli.schema.schema = schema
        hcc.cli.main(["schema"])
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=120)
    finally:
        process.kill()
    assert told == "\nStopped; nothing half-made was left.\n"
    assert process.returncode == 130


def test_warnings_of_ours_are_one_line(failing, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    import warnings

    def action() -> None:
        warnings.warn("It is scored raw.", NotPaidModel, stacklevel=1)
        warnings.warn("Somebody else's.", DeprecationWarning, stacklevel=1)

    failing(action)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert hcc.cli.run(["schema"]) == 0
    assert capsys.readouterr().err == "warning: It is scored raw.\n"


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'from hcc.cli import main; main()' schema --markdown | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "# The results file\n", "")


def test_sigterm_removes_what_is_half_made(tmp_path: Path) -> None:
    script = f"""
        import time, click, hcc.cli, hcc.cli.schema
        @click.command()
        def schema():
            from hcc.results import ResultsWriter
            with ResultsWriter({str(tmp_path / "r.duckdb")!r}):
                print("ready", flush=True)
                time.sleep(60)
        hcc.cli.schema.schema = schema
        hcc.cli.main(["schema"])
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert list(tmp_path.iterdir())
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=30) == 143
    process.stdout.close()
    assert list(tmp_path.iterdir()) == []


def test_progress_is_silent_for_short_work_and_sparse_off_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hcc.cli import progress

    with progress.Progress("scoring") as report:
        report("intake", 0.1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "_SILENT_SECONDS", 0.01)
    with progress.Progress("scoring") as report:
        report("intake", 0.5)
        time.sleep(0.2)
    assert capsys.readouterr().err.startswith("scoring: ")
