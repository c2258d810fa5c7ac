"""Write what the documents quote: commands with their real output, SQL with its real answer, tables of the demo.

    python docs/build.py              write what changed
    python docs/build.py --check      write nothing, tell what would change, exit with 1
    python docs/build.py --pictures   draw the pictures, too (needs Chromium and LibreOffice)

A block stands between ``<!-- kind: what -->`` and ``<!-- end -->``:

    run: COMMAND          the command and what it printed; ``run 1-20:`` only these lines
    sql: FILE             docs/questions/FILE and its answer on the demo
    python: FILE          docs/guides/FILE and what it printed
    table: NAME           a table made by docs/tables.py

``{member}`` in a command is the member that docs/tables.py chose. Everything runs in a folder of its own in which
``hcc demo`` has run, so the demo must be the same on every machine; times and run_ids are left out of the comparison.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import tables

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
DOCUMENTS = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in DOCS.glob("*/*.md"))]
_BLOCK = re.compile(r"<!-- (run|sql|python|table)(?: (\d+)-(\d+))?: (.+?) -->\n(.*?)<!-- end -->", re.DOTALL)
_PROGRESS = re.compile(r"^[\w ]+: [\w ,]+, \d+%, \d+ s$\n?", re.MULTILINE)
_PASSING = re.compile(r"\b\d+(\.\d+)? (s|seconds)\b|\brun [0-9a-f-]{12,36}\b")  # differs from run to run
_ROWS = 15  # rows of an answer that a reader wants to see


class Builder:
    """Fills in the blocks of documents; commands run in ``folder``, in which the demo was made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.demo_said = self._run("hcc demo", folder)
        self.results = folder / "demo" / "results.duckdb"
        with duckdb.connect(str(self.results), read_only=True) as con:
            self.member = tables.example_member(con)

    def build(self, text: str, name: str) -> str:
        """The text of a document with every block made anew; what differs in times or run_ids only stays as it was."""
        place = self.folder / re.sub(r"\W", "_", name)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copytree(self.folder / "demo", place / "demo")

        def filled(found: re.Match[str]) -> str:
            kind, first, last, what, old = found.groups()
            try:
                made = self._made(kind, what.strip(), place)
            except (OSError, KeyError, subprocess.CalledProcessError, duckdb.Error) as error:
                raise SystemExit(f"{name}: <!-- {kind}: {what} -->\n{_told(error)}") from None
            if first is not None:
                made = _only(made, int(first), int(last))
            head = found.group(0)[: found.start(5) - found.start(0)]
            return f"{head}{old if _same(old, made) else made}<!-- end -->"

        return _BLOCK.sub(filled, text)

    def _made(self, kind: str, what: str, place: Path) -> str:
        makers: dict[str, Callable[[str, Path], str]] = {
            "run": self._command, "sql": self._query, "python": self._script, "table": self._table,
        }  # fmt: skip
        return makers[kind](what, place)

    def _command(self, command: str, place: Path) -> str:
        command = command.format(member=self.member)
        said = self.demo_said if command == "hcc demo" else self._run(command, place)
        return f"```console\n$ {command}\n{said}```\n"

    def _query(self, name: str, place: Path) -> str:
        sql = (DOCS / "questions" / name).read_text(encoding="utf-8").strip()
        sql = sql.replace("{member}", self.member)
        with duckdb.connect(str(self.results), read_only=True) as con:
            answer = con.sql(sql)
            shown = tables.markdown(answer.columns, [str(t) for t in answer.types], answer.fetchall(), limit=_ROWS)
        return f"```sql\n{sql}\n```\n\n{shown}"

    def _script(self, name: str, place: Path) -> str:
        code = (DOCS / "guides" / name).read_text(encoding="utf-8").strip()
        said = self._run(f"python - <<'END'\n{code}\nEND", place)
        return f"```python\n{code}\n```\n\n```text\n{said}```\n"

    def _table(self, name: str, place: Path) -> str:
        with duckdb.connect(str(self.results), read_only=True) as con:
            return tables.TABLES[name](con, self.member, self.folder / "demo")

    def _run(self, command: str, place: Path) -> str:
        """What a command printed, both streams as on a terminal; CalledProcessError where it failed."""
        environment = {
            **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "110",
            "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        done = subprocess.run(
            ["bash", "-c", command], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=True,
        )  # fmt: skip
        said = _PROGRESS.sub("", done.stdout).replace(f"{place}/", "")
        said = "\n".join(line.rstrip() for line in said.splitlines()).strip("\n")
        return f"{said}\n" if said else ""


def _only(made: str, first: int, last: int) -> str:
    """Lines of the output, counted from 1, within their fence; what is left out is marked."""
    head, *lines, end = made.splitlines()
    command, said = lines[:1], lines[1:]
    kept = said[first - 1 : last]
    if first > 1:
        kept.insert(0, "…")
    if last < len(said):
        kept.append("…")
    return "\n".join([head, *command, *kept, end]) + "\n"


def _same(old: str, made: str) -> bool:
    return _PASSING.sub("…", old) == _PASSING.sub("…", made)


def _told(error: Exception) -> str:
    return error.output if isinstance(error, subprocess.CalledProcessError) else f"{type(error).__name__}: {error}"


def main(arguments: list[str]) -> int:
    """Build every document; returns the exit code."""
    check = "--check" in arguments
    changed = 0
    with tempfile.TemporaryDirectory(prefix="hcc-docs-") as folder:
        builder = Builder(Path(folder))
        for name in DOCUMENTS:
            path = ROOT / name
            old = path.read_text(encoding="utf-8")
            new = builder.build(old, name)
            if new == old:
                continue
            changed += 1
            if check:
                difference = difflib.unified_diff(old.splitlines(), new.splitlines(), name, "as it is now", lineterm="")
                print("\n".join(difference))
            else:
                path.write_text(new, encoding="utf-8")
                print(f"written: {name}")
        if "--pictures" in arguments:
            import pictures

            pictures.draw(builder.folder / "demo", DOCS / "pictures")
    if check and changed:
        print(f"{changed} document(s) no longer say what the program says. Run: make docs", file=sys.stderr)
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
