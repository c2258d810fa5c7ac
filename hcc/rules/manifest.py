"""``manifest.toml`` of a folder of tables: what each table is, where it comes from, and what nobody could verify."""

from __future__ import annotations

import csv
import hashlib
import io
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hcc.errors import RulesError

FILE = "manifest.toml"
_SUMMED = ("coefficient", "divisor")


class TableEntry(BaseModel):
    """One table of the folder. ``sum`` is the exact sum of its coefficient column, as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    rows: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    sum: str | None = None
    source: str = Field(min_length=1)
    release: str | None = None
    retrieved: date | None = None
    agrees_with: str | None = None
    unverified: str | None = None


class Manifest(BaseModel):
    """Of one model and payment year. ``applies_to`` is a ``requires`` text (see docs/DESIGN.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(pattern=r"^[a-z0-9][a-z0-9\-]*$")
    payment_year: int = Field(ge=2000, le=2100)
    title: str
    edition: Literal["midyear_final", "initial"]
    hcc_prefix: str
    part: Literal["C", "D"]
    applies_to: str = ""
    calibrations: tuple[str, ...] = ()
    based_on: str | None = None
    unverified: tuple[str, ...] = ()
    table: tuple[TableEntry, ...] = ()

    def entry(self, file: str) -> TableEntry | None:
        """The entry of a table, None where the manifest does not list it."""
        return next((entry for entry in self.table if entry.file == file), None)


def read_manifest(folder: Path) -> Manifest:
    """Manifest of a model folder; raises RulesError with every fault of it."""
    path = folder / FILE
    try:
        return Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise RulesError.from_faults(str(folder), [f"{FILE} is missing"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesError.from_faults(str(path), [f"no valid TOML: {error}"]) from None
    except ValidationError as error:
        raise RulesError.from_faults(str(path), validation_faults(error)) from None


_WANTED = {
    "missing": "is missing",
    "extra_forbidden": "is not known there",
    "tuple_type": 'write a list, such as ["…"]',
    "list_type": 'write a list, such as ["…"]',
    "string_type": "write text, in quotation marks",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "decimal_type": "write a number",
    "decimal_parsing": "write a number",
    "model_type": "write a table of its own, below a line with its name in brackets",
    "dict_type": "write a table of its own, below a line with its name in brackets",
}
"""What a person has to write, by pydantic's name of the fault: its own words are a programmer's."""


def _told(kind: str, message: str, context: Mapping[str, object]) -> str:
    if kind == "literal_error":
        return f"write {context['expected']}"
    if kind == "string_pattern_mismatch":
        return f"is not of the form {context['pattern']}"
    return _WANTED.get(kind) or message.removeprefix("Value error, ")


def validation_faults(error: ValidationError) -> list[str]:
    """A pydantic error as one line per fault, ``table[3].rows: write a whole number``; no value is repeated."""
    faults = []
    for detail in error.errors(include_url=False, include_input=False):
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
        told = _told(detail["type"], str(detail["msg"]), detail.get("ctx", {}))
        faults.append(f"{where}: {told}" if where else told)
    return faults


def count_rows(data: bytes) -> int:
    """Rows of a CSV below its header (quoted line breaks are no rows)."""
    return sum(1 for row in csv.reader(io.StringIO(data.decode("utf-8"))) if row) - 1


def sum_of(data: bytes) -> str | None:
    """Exact sum of the coefficient (or divisor) column as text, None where the table has none."""
    reader = csv.DictReader(io.StringIO(data.decode("utf-8")))
    column = next((name for name in _SUMMED if name in (reader.fieldnames or ())), None)
    if column is None:
        return None
    try:
        total = sum((Decimal(row[column]) for row in reader), Decimal(0))
    except (InvalidOperation, TypeError):
        return None
    return format(total.normalize(), "f")


def table_entry(folder: Path, file: str, source: str, **about: object) -> TableEntry:
    """Entry of a table as it lies in ``folder`` now; ``about``: release, retrieved, agrees_with, unverified."""
    data = (folder / file).read_bytes()
    return TableEntry.model_validate(
        {
            "file": file,
            "rows": count_rows(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "sum": sum_of(data),
            "source": source,
            **about,
        }
    )


def to_toml(manifest: Manifest) -> str:
    """The manifest as the TOML text that ``read_manifest`` reads back."""
    lines = _pairs(manifest, skip="table")
    for entry in sorted(manifest.table, key=lambda entry: entry.file):
        lines += ["", "[[table]]", *_pairs(entry)]
    return "\n".join(lines) + "\n"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.toml`` into the folder."""
    (folder / FILE).write_text(to_toml(manifest), encoding="utf-8")


def _pairs(model: BaseModel, skip: str = "") -> list[str]:
    values = ((name, getattr(model, name)) for name in type(model).model_fields if name != skip)
    return [f"{name} = {_value(value)}" for name, value in values if value is not None]


def _value(value: object) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{text}"'
