"""What the population is made of: ``mix.toml`` (shares with their sources) and ``stories.toml`` (planted truth)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Mix:
    """Both files, read. ``numbers`` are the shares of ``[member]``, without their sources."""

    payment_year: int
    numbers: dict[str, float]
    ages: tuple[dict[str, Any], ...]
    contracts: tuple[dict[str, Any], ...]
    conditions: tuple[dict[str, Any], ...]
    background: dict[str, float]
    visits: tuple[dict[str, Any], ...]
    faults: dict[str, float]
    drugs: tuple[dict[str, Any], ...]
    results: tuple[dict[str, Any], ...]
    stories: tuple[dict[str, Any], ...]

    def visit_index(self, name: str) -> int:
        return [visit["name"] for visit in self.visits].index(name)


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files("hcc.demo").joinpath(name).read_text(encoding="utf-8"))


@cache
def load_mix() -> Mix:
    """The mix that came with the package."""
    raw = _toml("mix.toml")
    return Mix(
        payment_year=raw["payment_year"],
        numbers={name: number["value"] for name, number in raw["member"].items()},
        ages=tuple(raw["population"]["ages"]),
        contracts=tuple(raw["population"]["contracts"]),
        conditions=tuple(raw["condition"]),
        background=raw["background"]["codes"],
        visits=tuple(raw["visit"]),
        faults=raw["faults"],
        drugs=tuple(raw["pharmacy"]["drugs"]),
        results=tuple(raw["laboratory"]["results"]),
        stories=tuple(_toml("stories.toml")["story"]),
    )
