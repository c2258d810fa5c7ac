"""Small inputs that tests change in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from hcc.intake import Inputs, read_inputs

YEAR = 2026


def members(**columns: Any) -> pl.DataFrame:
    """One good member, or as many as the longest column given."""
    size = max([len(v) for v in columns.values() if isinstance(v, list)], default=1)
    base = {
        "member_id": [f"M{i}" for i in range(1, size + 1)],
        "birth_date": ["1950-06-15"] * size,
        "sex": ["F"] * size,
    }
    spread = {name: value if isinstance(value, list) else [value] * size for name, value in columns.items()}
    return pl.DataFrame(base | spread, strict=False)


def claims(**columns: Any) -> pl.DataFrame:
    """One good professional line of member M1, or as many as the longest column given."""
    size = max([len(v) for v in columns.values() if isinstance(v, list)], default=1)
    base = {
        "claim_id": [f"C{i}" for i in range(1, size + 1)],
        "member_id": ["M1"] * size,
        "thru_date": ["2025-03-04"] * size,
        "diagnosis_1": ["E1122"] * size,
    }
    spread = {name: value if isinstance(value, list) else [value] * size for name, value in columns.items()}
    frame = pl.DataFrame(base | spread, strict=False)
    return frame.drop([name for name, value in columns.items() if value is None])


def read(members_: Any = None, claims_: Any = None, **more: Any) -> Inputs:
    """read_inputs with good defaults."""
    more.setdefault("payment_year", YEAR)
    return read_inputs(
        members=members() if members_ is None else members_, claims=claims() if claims_ is None else claims_, **more
    )


def one_member(**columns: Any) -> dict[str, Any]:
    """The only member, as read."""
    frame = read(members(**columns)).members
    assert frame.height == 1
    return frame.row(0, named=True)


def reasons(inputs: Inputs) -> list[tuple[str, int, str, str]]:
    """(table, row_number, column, reason) of every rejected row."""
    return inputs.rejected().select("table", "row_number", "column", "reason").rows()


def lines(inputs: Inputs) -> pl.DataFrame:
    """The usable claim lines, in the order of claim_id."""
    return inputs.claims.collect().sort("claim_id", maintain_order=True)


def write(folder: Path, name: str, content: str | bytes) -> str:
    """A file of the given content; its path as text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)
