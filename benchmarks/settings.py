"""Settings of the benchmarks (settings.toml) and where things are."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


@cache
def settings() -> dict[str, Any]:
    return tomllib.loads((HERE / "settings.toml").read_text(encoding="utf-8"))


def members_of(size: str) -> int:
    """'100k' or '250000' → members."""
    named = settings()["sizes"]
    if size in named:
        return int(named[size])
    if size.isdigit() and int(size) > 0:
        return int(size)
    raise SystemExit(f"There is no size {size!r}. Sizes: {', '.join(named)}, or a number of members.")


def data_folder(name: str) -> Path:
    return ROOT / str(settings()["data"]) / name


def out_folder() -> Path:
    folder = ROOT / str(settings()["out"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder
