"""Every command explains itself with an example that runs."""

from __future__ import annotations

import inspect
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hcc.cli import COMMANDS, cli

CONTEXT = click.Context(cli)


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _leaves(found, (*path, name))
    yield " ".join(path), command


ALL = dict(_leaves(cli))


def _examples(command: click.Command) -> list[str]:
    """The lines under "Example"; a line that ends in a backslash goes on."""
    words = "\n\n".join(inspect.cleandoc(text) for text in (command.help, command.epilog) if text)
    _, _, after = words.partition("\nExample")
    return [" ".join(line.split()) for line in after.replace("\\\n", " ").splitlines()[1:] if line.strip()]


@pytest.mark.parametrize("name", ALL)
def test_every_help_ends_in_an_example(name: str) -> None:
    examples = _examples(ALL[name])
    assert examples, f"hcc {name}"
    assert all(example.startswith("hcc ") for example in examples)


@pytest.mark.parametrize("name", [n for n in COMMANDS if n in ALL])
def test_the_list_says_what_the_command_says(name: str) -> None:
    assert (ALL[name].help or "").split("\n")[0].strip() == COMMANDS[name][1]


@pytest.mark.parametrize("name", ALL)
def test_every_option_is_explained(name: str) -> None:
    for parameter in ALL[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"hcc {name} {parameter.name}"


# Commands whose examples are run by their own tests: they write beside the results, wait for a person, or read a
# release that the user has to have.
_RUN_ELSEWHERE = {"review", "rules import", "worklist import"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in ALL if n not in _RUN_ELSEWHERE])
def test_examples_run(name: str, demo: Path, tmp_path: Path) -> None:
    for folder in (demo, demo / "demo"):  # where the demo was asked for, and somebody's own results.duckdb
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "hcc"
    script.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c 'from hcc.cli import main; main()' \"$@\"\n")
    script.chmod(0o755)
    for example in _examples(ALL[name]):
        path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            example,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{example}\n{done.stderr}"


def test_an_unknown_command_is_wrong_usage_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    from hcc.cli import run

    assert run(["explian"]) == 2
    assert "Did you mean 'explain'?" in capsys.readouterr().err


def test_a_missing_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    from hcc.cli import run

    assert run(["score", "--members", "m.csv", "--claims", "c.csv", "--out", "r.duckdb"]) == 2
    assert "--payment-year" in capsys.readouterr().err
