from __future__ import annotations

import time
from pathlib import Path

import pytest

from hcc.errors import HccError, UnknownModel, UnknownYear
from hcc.rules import ruleset
from hcc.rules.folders import ENVIRONMENT, calibrations, find, model_folder, models, roots, shipped_folder, years
from hcc.rules.ruleset import load_rules
from tests.rules.small import MODEL, YEAR, write_model

SHIPPED = ["cms-hcc-esrd-v21", "cms-hcc-esrd-v24", "cms-hcc-v22", "cms-hcc-v24", "cms-hcc-v28", "rxhcc-v08"]


@pytest.fixture(autouse=True)
def no_mappings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)


def test_models_and_years_that_are_shipped() -> None:
    assert models() == SHIPPED
    assert years("cms-hcc-v24") == [2024, 2025, 2026]
    assert years("cms-hcc-v28") == [2024, 2025, 2026, 2027]


def test_calibrations_are_folders_with_coefficients() -> None:
    assert calibrations(model_folder("rxhcc-v08", 2026)) == ["t", "x"]
    assert calibrations(model_folder("rxhcc-v08", 2024)) == []
    assert calibrations(model_folder("cms-hcc-v28", 2026)) == []


def test_a_users_folder_comes_first_and_the_rest_is_still_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_model(tmp_path)
    assert model_folder(MODEL, YEAR, mappings=tmp_path) == folder
    assert models(tmp_path) == sorted([*SHIPPED, MODEL])
    assert model_folder("cms-hcc-v28", 2026, mappings=tmp_path).is_relative_to(shipped_folder())
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert roots() == (tmp_path, shipped_folder())
    assert find(MODEL, str(YEAR)) == folder


def test_a_users_year_outranks_the_shipped_one(tmp_path: Path) -> None:
    own = write_model(tmp_path, "cms-hcc-v28", 2026)
    assert model_folder("cms-hcc-v28", 2026, mappings=tmp_path) == own


def test_the_initial_run_takes_the_initial_edition_where_there_is_one(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    assert model_folder(MODEL, YEAR, run="initial", mappings=tmp_path) == folder
    (folder / "initial").mkdir()
    (folder / "initial" / "diagnosis_to_hcc.csv").write_text("diagnosis_code,hcc\n")
    assert model_folder(MODEL, YEAR, run="initial", mappings=tmp_path) == folder / "initial"
    assert model_folder(MODEL, YEAR, run="final", mappings=tmp_path) == folder


def test_unknown_names_come_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="Did you mean 'cms-hcc-v28'"):
        model_folder("cms-hcc-v82", 2026)
    with pytest.raises(UnknownYear, match="2024, 2025, 2026, 2027"):
        model_folder("cms-hcc-v28", 2019)
    with pytest.raises(HccError, match="is no folder"):
        models(tmp_path / "nowhere")
    with pytest.raises(HccError, match="has no eligibility/1999"):
        find("eligibility", "1999")


def test_one_model_and_year_loads_in_50_milliseconds() -> None:
    load_rules("cms-hcc-v28", 2025)  # imports and the file cache are not what is measured
    taken = []
    for _ in range(5):  # the least of several: other work on the machine must not decide
        ruleset._load.cache_clear()
        started = time.perf_counter()
        rules = load_rules("cms-hcc-v28", 2026)
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.05
    assert rules.diagnosis_to_hcc.height == 8299
