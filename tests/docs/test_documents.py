"""The documents say what the program says: every quoted output, answer and table is made again and compared."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from hcc.cli import cli

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
QUESTIONS = sorted((ROOT / "docs" / "questions").glob("*.sql"))
_TOOL = "docs/build.py"


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    """docs/build.py as a module, with its neighbours."""
    sys.path.insert(0, str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / _TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(ROOT / "docs"))


@pytest.mark.slow
def test_every_quoted_output_is_what_the_program_says() -> None:
    """Runs hcc demo, then every command, query, script and table of every document."""
    for _ in range(3):  # a command that a busy machine kept from answering is asked again
        done = subprocess.run([sys.executable, _TOOL, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\nRun: make docs"


class _Fixed:
    """A builder whose blocks say what the test wants."""

    def __init__(self, build: ModuleType, folder: Path, made: str) -> None:
        (folder / "demo").mkdir()
        self.builder = object.__new__(build.Builder)
        self.builder.folder = folder
        self.builder._made = lambda kind, what, place: made

    def of(self, text: str) -> str:
        return str(self.builder.build(text, "a.md"))


TEXT = "before\n<!-- run: hcc demo -->\n```console\n$ hcc demo\nscored 10 in 1.0 s\n```\n<!-- end -->\nafter\n"


def test_a_changed_output_changes_the_document(build: ModuleType, tmp_path: Path) -> None:
    made = _Fixed(build, tmp_path, "```console\n$ hcc demo\nscored 11 in 1.0 s\n```\n").of(TEXT)
    assert made == TEXT.replace("scored 10", "scored 11")


def test_other_times_and_run_ids_change_nothing(build: ModuleType, tmp_path: Path) -> None:
    assert _Fixed(build, tmp_path, "```console\n$ hcc demo\nscored 10 in 2.7 s\n```\n").of(TEXT) == TEXT
    said = "```text\nengine 0.1.0, run 652b3b880ec8.\n```\n"
    assert build._same(said, said.replace("652b3b880ec8", "0123456789ab"))


def test_only_the_lines_asked_for_are_shown(build: ModuleType) -> None:
    made = "```console\n$ x\n1\n2\n3\n4\n```\n"
    assert build._only(made, 2, 3) == "```console\n$ x\n…\n2\n3\n…\n```\n"
    assert build._only(made, 1, 9) == made


def test_a_failing_command_stops_the_build(build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    builder = object.__new__(build.Builder)
    builder.folder, builder.member = tmp_path, "M"
    with pytest.raises(SystemExit, match="There is no command"):
        builder.build("<!-- run: hcc nonsense -->\n<!-- end -->\n", "a.md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_pictures_are_there(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (document.parent / target).exists(), target
    for words, _ in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text):
        assert len(words) > 20, "a picture is described for those who do not see it"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_is_closed(document: Path, build: ModuleType) -> None:
    text = document.read_text(encoding="utf-8")
    opened = len(re.findall(r"<!-- (?:run|sql|python|table)\b", text))
    assert opened == text.count("<!-- end -->") == len(build._BLOCK.findall(text))


def _commands(text: str) -> Iterator[list[str]]:
    """Command lines of hcc in the fences of a document that name no placeholder."""
    for line in re.findall(r"^\$ (hcc .*)$", text, flags=re.MULTILINE):
        yield shlex.split(re.split(r"[|<>]|2>", line)[0])[1:]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_options_exist(document: Path) -> None:
    """Of those that are shown without being run, too."""
    for words in _commands(document.read_text(encoding="utf-8")):
        command: click.Command = cli
        context = click.Context(cli)
        while isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found is not None
            command = found
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}


def test_ten_questions_all_shown() -> None:
    text = (ROOT / "docs" / "questions" / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"<!-- sql: (\S+) -->", text) == [path.name for path in QUESTIONS]
    assert len(QUESTIONS) == 10
    assert re.findall(r"^## (\d+)\. .*\?$", text, flags=re.MULTILINE) == [str(number) for number in range(1, 11)]


def test_pictures_are_all_shown() -> None:
    shown = {
        (document.parent / target).resolve()
        for document in DOCUMENTS
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", document.read_text(encoding="utf-8"))
    }
    assert shown == {path.resolve() for path in (ROOT / "docs" / "pictures").iterdir()}
