"""Other people's tables as data: which of their columns is ours, and what their words mean (hcc/intake/layouts)."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hcc.errors import InputError
from hcc.tables import INPUT_TABLES
from hcc.tables.inputs import MAX_DIAGNOSES

MANY = "diagnosis"  # stands for diagnosis_1 to diagnosis_25


class Where(BaseModel):
    """Where ``column`` has one of ``equals`` ("*": any word but those of ``unless``), our columns get the words of
    ``set``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    equals: tuple[str, ...]
    unless: tuple[str, ...] = ()
    set: dict[str, str]
    over: bool = False
    flag: str = ""


class TableLayout(BaseModel):
    """One of our tables in their words. ``spans``: first and last day of a row's status, where rows are spans."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = ""
    spans: tuple[str, str] | None = None
    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    inpatient: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    where: tuple[Where, ...] = ()

    def theirs(self, ours: str) -> tuple[str, ...]:
        """Their columns for one of ours, in order of preference; our own name where the layout is silent."""
        if ours in self.columns:
            return self.columns[ours]
        number = ours.removeprefix(f"{MANY}_")
        if MANY in self.columns and number.isdigit() and int(number) <= MAX_DIAGNOSES:
            return tuple(name.replace("{}", number) for name in self.columns[MANY])
        return (ours,)

    def all_theirs(self, ours: tuple[str, ...]) -> set[str]:
        """Every column of theirs that could be needed for ours."""
        names = {name for column in ours for name in self.theirs(column)}
        names |= {name for group in self.inpatient.values() for name in group}
        names |= {where.column for where in self.where}
        return names | set(self.spans or ())


class Layout(BaseModel):
    """A whole layout; a table it does not name has our own columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str = ""
    tables: dict[str, TableLayout] = Field(default_factory=dict)

    def table(self, name: str) -> TableLayout:
        return self.tables.get(name, TableLayout())


def layouts() -> list[str]:
    """Names of the layouts that are shipped."""
    return sorted(p.name.removesuffix(".toml") for p in _folder().iterdir() if p.name.endswith(".toml"))


def load_layout(name: str | Path | Layout | Mapping[str, Any]) -> Layout:
    """A shipped layout by its name, one of the user's by the path of its TOML file, or what ``told_layout`` told of one.
    Raises InputError."""
    if isinstance(name, Layout):
        return name
    if isinstance(name, Mapping):
        return Layout.model_validate({"name": "of the run", **name})
    shipped, name = layouts(), str(name)
    if name in shipped:
        text = (_folder() / f"{name}.toml").read_text(encoding="utf-8")
    elif name.endswith(".toml"):
        text = read_toml_text(Path(name), "layout")
    else:
        raise InputError(
            f"There is no layout {name!r}.",
            hint=f"Layouts: {', '.join(shipped)}; or give the path of a TOML file of your own.",
        )
    try:
        raw = tomllib.loads(text)
        title = raw.pop("title", "")
        unknown = sorted(set(raw) - set(INPUT_TABLES))
        if unknown:
            raise InputError(
                f"Layout {name}: no input table is called {unknown[0]!r}.", hint=f"Tables: {', '.join(INPUT_TABLES)}."
            )
        return Layout(name=name, title=str(title), tables=raw)
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputError(f"Layout {name} cannot be read: {error}") from None


def told_layout(layout: Layout) -> str | dict[str, Any]:
    """A layout for the record: the name of a shipped one, the content of any other."""
    if layout.name in layouts():
        return layout.name
    return layout.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)


def load_renames(columns: str | Path | Mapping[str, Any] | None) -> dict[str, dict[str, str]]:
    """``--columns map.toml``: per table, their column name (lower case) → the name we look for. Raises InputError.

    The file reads ``[claims]`` then ``their_name = "our_name"`` line by line.
    """
    if columns is None:
        return {}
    if isinstance(columns, Mapping):
        where, raw = "columns", dict(columns)
    elif not isinstance(columns, str | os.PathLike):
        raise InputError(
            f"columns is a {type(columns).__name__}.",
            hint='Give the path of a TOML file, or {"claims": {"their_name": "our_name"}}.',
        )
    else:
        where = Path(columns).name
        try:
            raw = tomllib.loads(read_toml_text(Path(columns), "columns"))
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{where} is no TOML file: {error}") from None
    faults = []
    for table, names in raw.items():
        if table not in INPUT_TABLES:
            faults.append(f"no input table is called {table!r}; tables: {', '.join(INPUT_TABLES)}")
        elif not isinstance(names, Mapping) or not all(isinstance(value, str) for value in names.values()):
            faults.append(f'[{table}] must hold lines of the form their_name = "our_name"')
    if faults:
        raise InputError.from_faults(where, faults)
    return {
        table: {str(theirs).strip().lower(): str(ours).strip().lower() for theirs, ours in names.items()}
        for table, names in raw.items()
    }


def read_toml_text(path: Path, what: str) -> str:
    """The text of a file the user named for ``what``; raises InputError."""
    try:
        return path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The {what} file {path} cannot be read ({type(error).__name__}).") from None


def _folder() -> Any:
    return resources.files("hcc.intake") / "layouts"
