"""The codes that generated claims are made of: read from mappings/, with the demo's mix for what is common."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.settings import ROOT, settings
from hcc.rules.folders import find, shipped_folder

TABLE = 1 << 16  # entries of a lookup table: a random 16-bit number becomes a code in one step


@dataclass(frozen=True, slots=True)
class Codes:
    """Texts and lookup tables: ``paid[random 16 bits]`` is a position in ``diagnoses``, and so on."""

    diagnoses: pl.Series
    paid: NDArray[np.int32]
    other: NDArray[np.int32]
    procedures: pl.Series
    listed: NDArray[np.int32]
    unlisted: NDArray[np.int32]


def _column(path: Path, column: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [row[column] for row in csv.DictReader(lines)]


def lookup(weights: NDArray[np.float64], first: int) -> NDArray[np.int32]:
    """``TABLE`` positions, each as often as its weight says."""
    edges = np.cumsum(weights / weights.sum())
    return (first + np.searchsorted(edges[:-1], (np.arange(TABLE) + 0.5) / TABLE)).astype(np.int32)


def _mix() -> dict[str, Any]:
    return tomllib.loads((ROOT / "hcc" / "demo" / "mix.toml").read_text(encoding="utf-8"))


def _common(mix: dict[str, Any]) -> dict[str, float]:
    """Code → how common it is in the demo's mix."""
    weights: dict[str, float] = {}
    for condition in mix["condition"]:
        total = sum(condition["codes"].values())
        for code, share in condition["codes"].items():
            weights[code] = weights.get(code, 0.0) + condition["prevalence"]["value"] * share / total
    return weights


def _made_up(known: set[str], rng: np.random.Generator, size: int) -> list[str]:
    """Codes of the right shape that no model maps: the long tail of real claims."""
    pool = [f"{a}{b}{c}{d}" for a, b, c, d in product("HJKLMNRSTZ", range(10), range(10), range(10))]
    pool = [code for code in pool if code not in known]
    return sorted(str(code) for code in rng.choice(pool, size=min(size, len(pool)), replace=False))


def load_codes(payment_year: int, seed: int) -> Codes:
    """Codes of one payment year; the same seed gives the same tables."""
    rng, mix = np.random.default_rng([seed, 1]), _mix()
    model = settings()["peers"]["coding_model"]
    mapped = sorted(set(_column(find(model, str(payment_year), "diagnosis_to_hcc.csv"), "diagnosis_code")))
    anywhere = set(_column(shipped_folder() / "icd10cm" / "mapped_codes.csv", "diagnosis_code"))
    common = _common(mix)

    share = settings()["shape"]["common"]
    popular = np.array([common.get(code, 0.0) for code in mapped])
    paid = share * popular / popular.sum() + (1 - share) / len(mapped)

    plain = dict(mix["background"]["codes"])
    plain |= {code: 60 * weight for code, weight in common.items() if code not in anywhere}
    tail = _made_up(anywhere, rng, 6000)
    tail_weights = np.sort(rng.pareto(1.2, len(tail)))[::-1]
    head = np.array(list(plain.values()), dtype=float)
    other = np.concatenate([0.6 * head / head.sum(), 0.4 * tail_weights / tail_weights.sum()])

    year = str(payment_year - 1)
    listed = _column(find("eligibility", year, "cpt_hcpcs.csv"), "code")
    visits = [visit for visit in mix["visit"] if visit["claim_type"] == "professional"]
    usual = {code: visit.get("mean", 0.05) for visit in visits for code in visit.get("procedures", {})}
    listed_weights = np.array([0.002 + 10 * usual.get(code, 0.0) for code in listed])
    unlisted = sorted(
        {code for visit in mix["visit"] for part in ("procedures", "lines") for code in visit.get(part, {})}
        - set(listed)
    )
    return Codes(
        diagnoses=pl.Series([*mapped, *plain, *tail]),
        paid=lookup(paid, 0),
        other=lookup(other, len(mapped)),
        procedures=pl.Series([*listed, *unlisted]),
        listed=lookup(listed_weights, 0),
        unlisted=lookup(np.ones(len(unlisted)), len(listed)),
    )
