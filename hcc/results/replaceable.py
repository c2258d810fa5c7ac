"""What an output may replace: a file of its own kind that we made, never an input, and nothing of the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcc.errors import InputError, ResultsExist

_RUNS = {"run_id", "schema_version", "engine_version"}
_REPORT = "<title>Risk adjustment report"
_CHANGES = "member_id,part,before,after,change,why"


@dataclass(frozen=True)
class Kind:
    """``name`` in the plural; ``why_not``: '' for a file of this kind, else what it is instead, in words."""

    name: str
    why_not: Callable[[Path], str]
    option: str = "--out"


def _no_results(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[8:] != b"DUCK":
        return "is no results file"
    import duckdb

    try:
        con = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        if open_elsewhere(error):  # whoever writes asks for what it holds, and says so
            return ""
        return "is a DuckDB database that cannot be opened (damaged, or of a newer DuckDB)"
    try:
        found = con.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'runs'").fetchall()
    finally:
        con.close()
    return "" if {name for (name,) in found} >= _RUNS else "is a DuckDB database, but no results file"


def open_elsewhere(error: Exception) -> bool:
    """Whether DuckDB opens a file not because another process, or this one, has it open for writing. A damaged one
    is told of its "block", which has "lock" in it."""
    return any(words in str(error).lower() for words in (" lock ", "different configuration"))


def _beginning(path: Path, size: int) -> str:
    with path.open("rb") as file:
        return file.read(size).decode(errors="replace")


RESULTS = Kind("results files", _no_results)
REPORT = Kind("reports", lambda path: "" if _REPORT in _beginning(path, 1000) else "is no report of ours")
CHANGES = Kind(
    "lists of changes",
    lambda path: "" if _beginning(path, 1000).startswith(_CHANGES) else "is no list of changes",
    "--changes",
)


def check_kind(told: str | Path, target: Path, kind: Kind) -> None:
    """Raise ResultsExist unless the file at ``target`` is of ``kind`` or empty. ``told``: its path, for the message."""
    if not target.is_file():  # a folder, a device
        raise ResultsExist.left(told, "is no file", kind.name, option=kind.option)
    try:
        why = kind.why_not(target) if target.stat().st_size else ""
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
    if why:
        raise ResultsExist.left(told, why, kind.name, option=kind.option)


def refuse_inputs(out: str | Path | None, *given: Any, option: str = "--out") -> None:
    """Raise InputError where ``out`` is one of the files ``given``, or a folder with one of them in it.

    ``given``: whatever an argument for a table can be: a path or a glob, a list of them, a frame, None.
    """
    if out is None:
        return
    if not str(out).strip():
        raise InputError("The path of the results is empty.", hint=f"Choose another {option}.")
    for path in _paths(given):
        try:
            place, whole = Path(out).expanduser().absolute(), path.expanduser().absolute()
            same = place.resolve() == whole.resolve() or (place.exists() and whole.exists() and place.samefile(whole))
            within = place.resolve() in whole.resolve().parents
        except (OSError, RuntimeError):  # no path that a file system takes; told elsewhere
            continue
        if same or within:
            does = "is" if same else "holds"
            raise InputError(
                f"{out} {does} an input of this command: it is left as it is.", hint=f"Choose another {option}."
            )


def _paths(given: Any) -> Iterator[Path]:
    if isinstance(given, str | Path):
        yield Path(str(given).partition("::")[0])  # a table in a DuckDB file
    elif isinstance(given, list | tuple):
        for one in given:
            yield from _paths(one)
