"""Which column of a source is which of ours: by name, by layout, by the user's map; every fault told at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from hcc.errors import InputError, MissingColumns
from hcc.intake import values
from hcc.intake.files import without_wildcards
from hcc.intake.layout import MANY, TableLayout, Where
from hcc.intake.parts import Part, Source


@dataclass(frozen=True)
class Names:
    """How this input calls its columns: a layout, and the user's renames (their name, lower case → name looked for)."""

    layout: TableLayout
    renames: Mapping[str, str]

    def effective(self, raw: str) -> str:
        """The name a raw column is matched by."""
        name = raw.strip().lower()
        return self.looked_for(self.renames.get(name, name))

    def looked_for(self, name: str) -> str:
        """A name as we look for it: numbers of diagnosis columns without a leading zero."""
        return self._padded.get(name, name)

    @cached_property
    def _padded(self) -> Mapping[str, str]:
        """diagnosis_01 and the like → diagnosis_1, as the layout calls them."""
        return {
            name.replace("{}", f"0{number}"): name.replace("{}", str(number))
            for name in self.layout.columns.get(MANY, (f"{MANY}_{{}}",))
            for number in range(1, 10)
        }

    def wanted(self, ours: Sequence[str]) -> Callable[[Sequence[str]], list[str]]:
        """Picks the raw columns that could be needed for ours."""
        looked_for = self.layout.all_theirs(tuple(ours))

        def pick(raw: Sequence[str]) -> list[str]:
            # a name that stands twice in a header is read once; ``bind`` tells the fault
            return list(dict.fromkeys(name for name in raw if self.effective(name) in looked_for))

        return pick

    def tables(self, table: str) -> list[str]:
        """What the table may be called in a database."""
        return [name for name in (self.layout.table, table) if name]

    def known(self, ours: Sequence[str]) -> set[str]:
        """Names that tell a header line from a line of data."""
        return self.layout.all_theirs(tuple(ours)) | set(self.renames) | set(self._padded)


@dataclass(frozen=True)
class Binding:
    """Columns of one part by the name we look for."""

    part: Part
    layout: TableLayout
    raw: Mapping[str, str]

    def columns(self, ours: str) -> list[str]:
        """Raw columns for one of ours, in order of preference."""
        return [self.raw[name] for name in self.layout.theirs(ours) if name in self.raw]

    def given(self, ours: str) -> bool:
        """True if this part says anything about one of our columns."""
        return bool(self.columns(ours)) or any(True for _ in self.rules(ours))

    def rules(self, ours: str) -> list[Where]:
        """Rules of the layout that set one of our columns from another of theirs."""
        return [where for where in self.layout.where if ours in where.set and where.column in self.raw]

    def inputs(self, ours: str) -> list[tuple[pl.Expr, pl.DataType]]:
        """What to read for one of ours: expressions with their types, the first that is not blank counts.

        Words of the layout are translated and its rules applied, so the result may be text where the column was not.
        """
        found = [(pl.col(name), self.part.schema[name]) for name in self.columns(ours)]
        words = self.layout.words.get(ours)
        if words:
            found = [(_translated(_text(expr, dtype), words), pl.String()) for expr, dtype in found]
        fill = [(rule, self._matches(rule)) for rule in self.rules(ours)]
        over = [(pl.when(holds).then(pl.lit(rule.set[ours])), pl.String()) for rule, holds in fill if rule.over]
        under = [(pl.when(holds).then(pl.lit(rule.set[ours])), pl.String()) for rule, holds in fill if not rule.over]
        return [*over, *found, *under]

    def flagged(self) -> list[tuple[str, pl.Expr]]:
        """Flags of rules, each with the condition that the rule decided."""
        flags = []
        for rule in self.layout.where:
            if rule.flag and rule.column in self.raw:
                (ours,) = rule.set
                earlier = [self._matches(other) for other in self.rules(ours)[: self.rules(ours).index(rule)]]
                flags.append((rule.flag, self._matches(rule) & ~pl.any_horizontal(pl.lit(False), *earlier)))
        return flags

    def _matches(self, rule: Where) -> pl.Expr:
        name = self.raw[rule.column]
        word = _text(pl.col(name), self.part.schema[name]).str.strip_chars().str.to_lowercase()
        holds = (word != "") if "*" in rule.equals else word.is_in(list(rule.equals))
        if rule.unless:
            holds = holds & ~word.is_in(list(rule.unless))
        return holds.fill_null(False)


def bind(
    source: Source, names: Names, ours: Sequence[str], required: Sequence[str], given: Any = None
) -> list[Binding]:
    """One binding per part. Raises InputError: missing required columns, two columns of one name, a map that misses,
    columns that stand in folder names only (program=…) below the paths ``given``."""
    looked_for = names.layout.all_theirs(tuple(ours))
    faults: list[str] = []
    missing: dict[str, list[str]] = {}
    bindings = []
    for part in source.parts:
        raw: dict[str, str] = {}
        several: dict[str, list[str]] = {}
        mapped = {names.effective(name) for name in part.names if name.strip().lower() in names.renames}
        for name in part.names:
            effective = names.effective(name)
            if effective in mapped and name.strip().lower() not in names.renames:
                continue  # the user's map names another column for it
            if effective in looked_for and effective in raw:
                several.setdefault(effective, [raw[effective]]).append(name)
            raw.setdefault(effective, name)
        where = "" if len(source.parts) == 1 else f" in {part.blocks[0].source}"
        faults += [f"several columns mean {name!r}{where}: {', '.join(twins)}" for name, twins in several.items()]
        binding = Binding(part, names.layout, {k: v for k, v in raw.items() if v in part.schema})
        in_folders = sorted(keys_of_folders(part, given, names) & looked_for - raw.keys())
        faults += [
            f"column {name!r} stands in folder names only ({name}=…), which are not read; write it into the files"
            for name in in_folders
        ]
        for column in required:
            if not binding.given(column) and not set(in_folders) & set(names.layout.theirs(column)):
                missing.setdefault(" or ".join(names.layout.theirs(column)) or column, []).append(where)
        bindings.append(binding)
    available = list(dict.fromkeys(name for part in source.parts for name in part.names if name.strip()))
    lower = {name.strip().lower() for name in available}
    for theirs, wanted in names.renames.items():
        if theirs not in lower:
            close = get_close_matches(theirs, sorted(lower), n=1)
            guess = f" (is it {close[0]!r}?)" if close else ""
            if wanted.strip().lower() in lower and theirs in looked_for:
                guess = f' (turn it round: {wanted} = "{theirs}")'
            faults.append(f"--columns maps {theirs!r} to {wanted!r}, but there is no column {theirs!r}{guess}")
        elif names.looked_for(wanted) not in looked_for:
            close = get_close_matches(wanted, sorted(looked_for), n=1)
            guess = f" (is it {close[0]!r}?)" if close else ""
            faults.append(f"--columns maps {theirs!r} to {wanted!r}, which is no column of {source.table}{guess}")
    if missing and not faults and not any(any(wheres) for wheres in missing.values()):
        raise MissingColumns.from_missing(source.table, list(missing), available)
    faults += [f"column {column!r} is missing{where}" for column, wheres in missing.items() for where in wheres]
    if faults:
        raise InputError.from_faults(
            source.table, list(dict.fromkeys(faults)), hint=f"'hcc schema --inputs {source.table}' lists its columns."
        )
    return bindings


def keys_of_folders(part: Part, given: Any, names: Names) -> set[str]:
    """Keys of the folders called key=value, as Spark and Hive lay them out, between the paths given and the files.

    What lies above a path given is the choice of whoever gave it.
    """
    folders = {Path(block.source).parent for block in part.blocks if "=" in block.source}
    if not folders:
        return set()
    several = given if isinstance(given, (list, tuple)) else [given]
    paths = [Path(one).expanduser() for one in several if isinstance(one, (str, os.PathLike))]
    roots = {path if path.exists() else without_wildcards(path) for path in paths}
    below = {
        name
        for folder in folders
        for root in roots.intersection((folder, *folder.parents))
        for name in folder.relative_to(root).parts
    }
    return {names.effective(name.partition("=")[0]) for name in below if "=" in name}


def _text(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    plain = values.text(expr, dtype)
    return pl.lit(None, dtype=pl.String) if plain is None else plain


def _translated(expr: pl.Expr, words: Mapping[str, str]) -> pl.Expr:
    low = expr.str.strip_chars().str.to_lowercase()
    return pl.coalesce(
        low.replace_strict(list(words), list(words.values()), default=None, return_dtype=pl.String), expr
    )
