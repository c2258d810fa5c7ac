"""programs/ against SPEC 1.2 and 2.8."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from hcc.errors import RulesError, UnknownYear
from hcc.rules.check_data import program_faults
from hcc.rules.folders import shipped_folder
from hcc.rules.programs import load_program_year, program_years

# SPEC 2.8: programme → (model, weight, normalization, coding adjustment); "" = not found.
FACTORS = {
    (2024, "MA"): [("cms-hcc-v24", "0.67", "1.146", "0.059"), ("cms-hcc-v28", "0.33", "1.015", "0.059")],
    (2025, "MA"): [("cms-hcc-v24", "0.33", "1.153", "0.059"), ("cms-hcc-v28", "0.67", "1.045", "0.059")],
    (2026, "MA"): [("cms-hcc-v28", "1", "1.067", "0.059")],
    (2027, "MA"): [("cms-hcc-v28", "1", "1.079", "0.059")],
    (2024, "MA-ESRD-graft"): [("cms-hcc-esrd-v24", "1", "1.028", "0.059")],
    (2025, "MA-ESRD-dialysis"): [("cms-hcc-esrd-v24", "1", "", "0.059")],
    (2026, "MA-ESRD-dialysis"): [("cms-hcc-esrd-v24", "1", "1.062", "0.059")],
    (2026, "MA-ESRD-transplant"): [("cms-hcc-esrd-v24", "1", "1.062", "0.059")],
    (2026, "MA-ESRD-graft"): [("cms-hcc-esrd-v24", "1", "1.104", "0.059")],
    (2027, "MA-ESRD-graft"): [("cms-hcc-esrd-v24", "1", "1.119", "0.059")],
    (2024, "PACE"): [("cms-hcc-v22", "1", "1.159", "0")],
    (2025, "PACE"): [("cms-hcc-v22", "1", "", "0")],
    (2026, "PACE"): [("cms-hcc-v22", "0.9", "1.187", "0"), ("cms-hcc-v28", "0.1", "1.067", "0")],
    (2027, "PACE"): [("cms-hcc-v22", "0.5", "1.202", "0"), ("cms-hcc-v28", "0.5", "1.079", "0")],
    (2026, "PACE-ESRD-graft"): [("cms-hcc-esrd-v21", "0.9", "1.203", "0"), ("cms-hcc-esrd-v24", "0.1", "1.104", "0")],
    (2027, "PACE-ESRD-dialysis"): [
        ("cms-hcc-esrd-v21", "0.5", "1.145", "0"),
        ("cms-hcc-esrd-v24", "0.5", "1.072", "0"),
    ],
    (2025, "PartD-MAPD"): [("rxhcc-v08:b", "1", "1.045", "0")],
    (2025, "PACE-PartD"): [("rxhcc-v08:a", "1", "", "0")],
    (2026, "PartD-MAPD"): [("rxhcc-v08:x", "1", "1.194", "0")],
    (2026, "PartD-PDP"): [("rxhcc-v08:x", "1", "0.887", "0")],
    (2026, "PACE-PartD"): [("rxhcc-v08:t", "0.9", "1.202", "0"), ("rxhcc-v08:x", "0.1", "1.194", "0")],
    (2027, "PartD-MAPD"): [("rxhcc-v08:y1", "1", "1.109", "0")],
    (2027, "PartD-PDP"): [("rxhcc-v08:y2", "1", "1.005", "0")],
}


@pytest.mark.parametrize(("year", "name"), sorted(FACTORS))
def test_factors(year: int, name: str) -> None:
    program = load_program_year(year).program(name)
    assert [
        (m.name, str(m.blend_weight), "" if m.normalization is None else str(m.normalization), str(m.coding_adjustment))
        for m in program.models
    ] == FACTORS[year, name]


# SPEC 1.2: initial window and deadline, mid-year deadline, final deadline.
RUNS = {
    2024: ("2022-07-01", "2023-06-30", "2023-09-01", "2024-03-01", "2025-01-31"),
    2025: ("2023-07-01", "2024-06-30", "2024-09-06", "2025-03-07", "2026-02-02"),
    2026: ("2024-07-01", "2025-06-30", "2025-09-05", "2026-03-06", "2027-02-01"),
    2027: ("2025-07-01", "2026-06-30", "2026-09-04", "2027-03-05", "2028-01-31"),
}


@pytest.mark.parametrize("year", sorted(RUNS))
def test_runs(year: int) -> None:
    start, end, initial, midyear, final = (date.fromisoformat(text) for text in RUNS[year])
    runs = load_program_year(year).runs
    assert (runs["initial"].from_date, runs["initial"].to_date, runs["initial"].deadline) == (start, end, initial)
    for name, deadline in (("midyear", midyear), ("final", final)):
        assert (runs[name].from_date, runs[name].to_date) == (date(year - 1, 1, 1), date(year - 1, 12, 31))
        assert runs[name].deadline == deadline


def test_the_legacy_side_of_pace_reads_raps_and_nobody_else_does() -> None:
    for year in program_years():
        for program in load_program_year(year).programs:
            for model in program.models:
                legacy = program.name.startswith("PACE") and model.name in {
                    *("cms-hcc-v22", "cms-hcc-esrd-v21", "rxhcc-v05", "rxhcc-v08:a", "rxhcc-v08:t", "rxhcc-v08:t2"),
                }
                assert ("raps" in model.sources) == legacy, (year, program.name, model.name)
                assert {"encounter", "ffs"} <= set(model.sources)


def test_unlinked_chart_review_and_audio_only_change_in_2027() -> None:
    before, after = load_program_year(2026).diagnoses, load_program_year(2027).diagnoses
    assert (before.unlinked_chart_review, before.audio_only_excluded_by_cms) == ("count", False)
    assert (after.unlinked_chart_review, after.audio_only_excluded_by_cms) == ("switcher_only", True)
    assert after.unlinked_exempt_programs == ("PACE",)


def test_what_is_not_known_says_why() -> None:
    (model,) = load_program_year(2024).program("PACE-PartD").models
    assert (model.model, model.available, model.unverified) == ("rxhcc-v05", False, True)
    assert "could not be obtained" in model.reason
    (model,) = load_program_year(2025).program("PACE").models
    assert (model.normalization, model.confidence, model.reason) == (None, "", "normalization not found")


@pytest.mark.parametrize("year", program_years())
def test_every_member_is_in_one_programme_and_every_model_is_there(year: int) -> None:
    assert program_faults(year) == []


def test_age_is_taken_on_the_first_of_february() -> None:
    assert [load_program_year(year).age_as_of for year in program_years()] == [
        date(year, 2, 1) for year in (2024, 2025, 2026, 2027)
    ]


def test_a_year_without_a_file() -> None:
    with pytest.raises(UnknownYear, match="2024, 2025, 2026, 2027"):
        load_program_year(2031)


def test_the_way_to_a_year_is_a_file_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """'hcc rules import' makes no such file, so it is not named as the way."""
    monkeypatch.delenv("HCC_MAPPINGS", raising=False)
    shipped = shipped_folder() / "programs" / "2027.toml"
    for mappings, where in ((None, "a folder of your own"), (tmp_path, str(tmp_path))):
        with pytest.raises(UnknownYear, match="payment year 2031") as caught:
            load_program_year(2031, mappings)
        hint = str(caught.value.hint)
        assert "programs/2031.toml" in hint
        assert where in hint
        assert str(shipped) in hint
        assert "rules import" not in hint


def test_last_years_file_is_a_start_for_the_next(tmp_path: Path) -> None:
    """What the hint says works: copied, and its years moved on."""
    text = (shipped_folder() / "programs" / "2027.toml").read_text()
    (tmp_path / "programs").mkdir()
    moved = text.replace("2027", "2028").replace("2026", "2027")
    (tmp_path / "programs" / "2028.toml").write_text(moved)
    assert load_program_year(2028, tmp_path).payment_year == 2028


def test_a_faulty_file_of_the_users_names_the_check_that_looks_at_it(tmp_path: Path) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "2028.toml").write_text("payment_year = 2028\n")
    with pytest.raises(RulesError) as caught:
        load_program_year(2028, tmp_path)
    assert f"'hcc rules check --mappings {tmp_path}'" in str(caught.value.hint)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    (tmp_path / "programs").mkdir()
    text = (shipped_folder() / "programs" / "2026.toml").read_text()
    (tmp_path / "programs" / "2026.toml").write_text(text)
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "programs" / "2026.toml"
    text = path.read_text()
    assert old in text
    path.write_text(re.sub(re.escape(old), new, text, count=1))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('blend_weight = "0.9"', 'blend_weight = "0.8"', "the blend weights sum to 0.9, not 1"),
        ('normalization = "1.067"', "normalization = 1.067", "write the number as text"),
        ('requires = "program=MA&esrd=none"', 'requires = "programme=MA"', "not a known name"),
        ("[run.midyear]", "[run.middle]", "run"),
        ('part = "C"', 'part = "B"', "part"),
        ("payment_year = 2026", "payment_year = 2025", "payment_year is 2025, the file is named 2026.toml"),
    ],
)
def test_a_fault_of_the_file_is_told(copied: Path, old: str, new: str, words: str) -> None:
    edit(copied, old, new)
    with pytest.raises(RulesError, match=re.escape(words)):
        load_program_year(2026, copied)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'requires = "program=MA&esrd=none"',
            'requires = "program=MA&esrd=none&age>=65"',
            "part C: no programme for age",
        ),
        ('requires = "program=MA&esrd=dialysis"', 'requires = "program=MA"', "part C: several programmes"),
        ('calibration = "x"', 'calibration = "z"', "calibration 'z' has no coefficients"),
        ('model = "cms-hcc-v28"', 'model = "cms-hcc-v29"', "no model 'cms-hcc-v29'"),
        ('normalization = "1.067"\n', "", "does not say why"),
    ],
)
def test_a_law_of_the_programmes_is_told(copied: Path, old: str, new: str, words: str) -> None:
    edit(copied, old, new)
    assert any(words in fault for fault in program_faults(2026, copied)), program_faults(2026, copied)


def test_every_kind_of_member_without_a_programme_is_told(copied: Path) -> None:
    edit(copied, 'requires = "program=MA&esrd=none"', 'requires = "program=MA&esrd=none&age>=200"')
    edit(copied, 'requires = "program=PACE&esrd=none"', 'requires = "program=PACE&esrd=none&age>=200"')
    edit(copied, 'requires = "program=MA&esrd=dialysis"', 'requires = "program=MA&esrd=dialysis&age>=200"')
    faults = {fault.replace("age 0, ", "") for fault in program_faults(2026, copied) if "no programme" in fault}
    assert faults == {
        f"part C: no programme for esrd {esrd}, program {program}"
        for esrd, program in (("none", "MA"), ("none", "PACE"), ("dialysis", "MA"))
    }


def test_weights_are_exact() -> None:
    for model in load_program_year(2024).program("MA").models:
        assert isinstance(model.blend_weight, Decimal)
