"""The mix is data with a source beside every number (RULINGS 35)."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hcc.demo.mix import load_mix
from hcc.rules.folders import find, shipped_folder

_FOLDER = Path(__file__).resolve().parents[2] / "hcc" / "demo"
_RAW = tomllib.loads((_FOLDER / "mix.toml").read_text(encoding="utf-8"))
_YEARS = sorted(int(path.stem) for path in (shipped_folder() / "programs").glob("*.toml"))


def _numbers() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from _RAW["member"].items()
    yield from ((f"age {band['from']}", band["share"]) for band in _RAW["population"]["ages"])
    yield from ((condition["name"], condition["prevalence"]) for condition in _RAW["condition"])


@pytest.mark.parametrize(
    ("name", "number"), list(_numbers()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_share_has_a_source_or_is_marked_assumed(name: str, number: dict[str, Any]) -> None:
    assert set(number) in ({"value", "source"}, {"value", "assumed"}), name
    assert number.get("assumed", True) is True
    assert "source" not in number or number["source"] in _RAW["sources"]


@pytest.mark.parametrize("kind", ["drugs", "results"])
def test_every_drug_and_test_has_a_source_or_is_marked_assumed(kind: str) -> None:
    for entry in _RAW["pharmacy" if kind == "drugs" else "laboratory"][kind]:
        assert entry.get("assumed") is True or entry["source"] in _RAW["sources"], entry


def test_shares_of_members_by_age_add_up() -> None:
    assert sum(band["share"]["value"] for band in _RAW["population"]["ages"]) == pytest.approx(1.0)


def test_names_in_the_mix_refer_to_something() -> None:
    mix = load_mix()
    names = [condition["name"] for condition in mix.conditions]
    assert len(set(names)) == len(names)
    for position, condition in enumerate(mix.conditions):
        before = set(names[:position])  # each condition depends on earlier ones only
        assert set(condition.get("after", {})) <= before
        assert set(condition.get("among", ())) <= before
    visits = {visit["name"] for visit in mix.visits}
    drugs = {drug["key"] for drug in mix.drugs}
    results = {result["key"] for result in mix.results}
    for story in mix.stories:
        assert {claim["visit"] for claim in story.get("claims", ())} <= visits, story["name"]
        assert {fill["drug"] for fill in story.get("fills", ())} <= drugs, story["name"]
        assert {result["result"] for result in story.get("results", ())} <= results, story["name"]
        assert story["direction"] in ("unsupported", "missing", "")


@pytest.mark.parametrize("year", _YEARS)
def test_conditions_map_in_the_models_of_every_shipped_year(year: int) -> None:
    """Conditions meant to count have codes that some model of the year maps; the others are listed here by name."""
    mapped: set[str] = set()
    for model in shipped_folder().iterdir():
        table = model / str(year) / "diagnosis_to_hcc.csv"
        if table.is_file():
            with table.open(encoding="utf-8", newline="") as lines:
                mapped |= {row["diagnosis_code"] for row in csv.DictReader(lines)}
    unpaid = {"hypertension", "hyperlipidemia", "ischemic_heart_disease", "hypothyroidism", "osteoarthritis", "anemia"}
    for condition in load_mix().conditions:
        if condition["name"] not in unpaid:
            assert mapped & set(condition["codes"]), condition["name"]


def test_procedures_are_both_eligible_and_not() -> None:
    mix = load_mix()
    folder = find("eligibility", str(mix.payment_year - 1))
    with (folder / "cpt_hcpcs.csv").open(encoding="utf-8", newline="") as lines:
        listed = {row["code"] for row in csv.DictReader(lines)}
    procedures = {visit["name"]: set(visit.get("procedures", {})) for visit in mix.visits}
    assert procedures["office"] <= listed
    assert not procedures["laboratory"] & listed
    assert not procedures["radiology"] & listed
    assert not procedures["equipment"] & listed
