"""Tables on stdout: rich on a terminal, plain aligned text in a pipe or a file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Sequence

NOT_SOUGHT = "Gaps were not looked for in this results file"


def typed(path: object) -> str:
    """A path as it is to be typed in a shell: quoted where a shell would take it apart."""
    return shlex.quote(str(path))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    title: str = "",
    numbers: Collection[str] = (),
) -> None:
    """Print rows under column names; the columns in ``numbers`` are set flush right."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich(columns, texts, title, numbers)
    else:
        _plain(columns, texts, title, numbers)


def _rich(columns: Sequence[str], rows: list[list[str]], title: str, numbers: Collection[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _plain(columns: Sequence[str], rows: list[list[str]], title: str, numbers: Collection[str]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
    lines = [title] if title else []
    for row in (list(columns), *rows):
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    sys.stdout.write("\n".join(lines) + "\n")
