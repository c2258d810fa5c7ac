"""The value sets keep their laws, and hold what the corrections to the specification ask for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hcc.errors import HccError, RulesError
from hcc.rules.folders import shipped_folder
from hcc.rules.valueset_checks import check_valuesets, loinc_check_digit_holds
from hcc.rules.valuesets import TABLES, load_valuesets

SETS = shipped_folder() / "gaps" / "valuesets"


def test_the_shipped_value_sets_are_sound() -> None:
    assert check_valuesets() == []


def test_they_stay_small() -> None:
    assert sum(file.stat().st_size for file in SETS.rglob("*")) < 8_000_000


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A mappings folder of one's own that holds nothing but a copy of the value sets."""
    shutil.copytree(SETS, tmp_path / "gaps" / "valuesets")
    return tmp_path


def _edit(folder: Path, file: str, change: Callable[[str], str]) -> None:
    path = folder / "gaps" / "valuesets" / file
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


BROKEN: list[tuple[str, str, str, str]] = [  # file, old, new, words of the fault
    ("labs/loinc.csv", "98979-8,", "98979-7,", "wrong check digits: '98979-7'"),
    ("labs/loinc.csv", "4548-4,hba1c,include", "4548-4,hba1c,perhaps", "unknown use: 'perhaps'"),
    ("labs/loinc.csv", "4548-4,hba1c,", "4548-4,hemoglobin_x,", "without a row in labs/concepts.csv: 'hemoglobin_x'"),
    (
        "labs/units.csv",
        "albumin,g/L,g/dL,linear,0.1",
        "albumin,g/L,g/dL,linear,x",
        "factor or offset is no number: 'g/L'",
    ),
    ("labs/plausible_ranges.csv", "albumin,g/dL,0.5,7", "albumin,g/dL,7,0.5", "empty range in: 'albumin'"),
    ("drugs/ndc.csv", "00002143380,", "0002143380,", "ndc: not 11 digits: '0002143380'"),
    ("drugs/ndc.csv", ",1551300\n", ",15513009\n", "that rxnorm.csv lacks: '15513009'"),
    ("drugs/rxnorm.csv", "1364445,apixaban,", "1364445,apixabam,", "ingredients without a class: 'apixabam'"),
    ("procedures/hcpcs.csv", "E1390,home_oxygen,", "E1390,home_oxygn,", "concepts without a label: 'home_oxygn'"),
    ("diagnoses/concepts.csv", "aki,N170,", "aki,N17.0,", "no ICD-10-CM code: 'N17.0'"),
    ("chronic/ccir.csv", "A000,0", "A000,2", "unknown indicator: '2'"),
]


@pytest.mark.parametrize(("file", "old", "new", "words"), BROKEN)
def test_a_broken_law_is_named(copy: Path, file: str, old: str, new: str, words: str) -> None:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    _edit(copy, file, change)
    faults = check_valuesets(copy)
    assert any(words in fault for fault in faults), faults
    assert any(file in fault and "sha256" in fault for fault in faults)


def test_a_file_that_lacks_a_column_is_refused(copy: Path) -> None:
    _edit(copy, "labs/units.csv", lambda text: text.replace("factor", "multiplier", 1))
    with pytest.raises(RulesError, match="column 'factor' is missing"):
        load_valuesets(copy).table("units")


@pytest.mark.parametrize("code", ["4548-4", "98979-8", "44261-6", "39156-5", "777-3"])
def test_check_digits_of_known_codes_hold(code: str) -> None:
    assert loinc_check_digit_holds(code)
    body, digit = code.split("-")
    assert not loinc_check_digit_holds(f"{body}-{(int(digit) + 1) % 10}")


def test_every_table_is_read_with_its_columns() -> None:
    sets = load_valuesets()
    for name, (_, columns, _) in TABLES.items():
        assert sets.table(name).columns == list(columns)


USES = [  # code, use: corrections in the notes to the value sets
    ("45066-8", "exclude"), ("50384-7", "exclude"), ("62388-4", "exclude"), ("59576-9", "exclude"),
    ("48642-3", "fallback"), ("98979-8", "include"), ("4548-4", "include"), ("19926-5", "support"),
    ("2711-0", "exclude"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "use"), USES)
def test_laboratory_codes_have_the_use_of_the_corrections(code: str, use: str) -> None:
    assert load_valuesets().loinc.filter(pl.col("loinc") == code)["use"].to_list() == [use]


def test_surgery_and_chemotherapy_follow_the_corrections() -> None:
    sets = load_valuesets()
    lung, colon, prostate = (set(sets.hcpcs_codes([f"surgery_{site}"])) for site in ("lung", "colon", "prostate"))
    assert {"32440", "32663"} <= lung
    assert not {"32491", "32540"} & lung
    assert {"44140", "44204"} <= colon
    assert not {"45120", "45121"} & colon
    assert "55866" in prostate
    assert not {"55801", "55821", "55831"} & prostate
    assert not {"J9217x", "J9209", "J9250", "J9332", "J9381"} & set(sets.hcpcs_codes(["chemo_drug"]))
    assert not {"G0179", "G0180"} & set(sets.hcpcs_codes(["home_visit"]))


def test_diagnosis_concepts_follow_the_corrections() -> None:
    sets = load_valuesets()
    assert sets.diagnosis_codes(["mdd_v28_paid"]).to_list() == ["F321", "F322", "F331", "F332"]
    assert "N1830" in sets.diagnosis_codes(["ckd_stage_3"]).to_list()
    stroke = sets.diagnosis_codes(["oig_acute_stroke"]).to_list()
    assert "I639" in stroke
    assert not [code for code in stroke if code.startswith(("I60", "I61", "I62"))]  # haemorrhage is not in the group


def _graded(ingredient: str, drug_class: str) -> set[tuple[str, str, str]]:
    keys = load_valuesets().drug_keys.with_columns(pl.col("ingredient", "drug_class").cast(pl.String))
    rows = keys.filter((pl.col("ingredient") == ingredient) & (pl.col("drug_class") == drug_class))
    return set(
        rows.with_columns(pl.col("route", "flags", "evidence").cast(pl.String))
        .select("route", "flags", "evidence")
        .rows()
    )


def test_evidence_is_graded_by_product() -> None:
    wegovy = ("injectable", "weight_only", "excluded")
    assert wegovy in _graded("semaglutide", "glp1_agonist")
    assert ("oral", "prep_possible", "weak") in _graded("emtricitabine", "antiretroviral")
    assert ("oral", "", "strong") in _graded("bictegravir", "antiretroviral")
    assert ("oral", "hbv_only", "excluded") in _graded("tenofovir alafenamide", "antiretroviral")
    assert ("topical", "", "excluded") in _graded("tretinoin", "antineoplastic")
    assert ("oral", "ms_only", "strong") in _graded("cladribine", "ms_dmt")
    assert ("oral", "ms_only", "excluded") in _graded("cladribine", "antineoplastic")
    assert ("transdermal", "depression_brand", "excluded") in _graded("selegiline", "parkinson")


def test_incomplete_classes_are_those_with_a_marketed_outpatient_drug_that_no_ndc_finds() -> None:
    classes = load_valuesets().incomplete_classes
    assert {"endocrine_aromatase_inhibitor", "antineoplastic", "antipsychotic", "csdmard"} <= classes
    # RULINGS 23: argatroban, desirudin, betrixaban and amoxapine do not count; apixaban has its product codes.
    assert not {"anticoagulant_oral", "anticoagulant_injectable", "antidepressant", "insulin"} & classes


def test_a_user_folder_adds_rows_and_outranks_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drugs").mkdir()
    (tmp_path / "drugs" / "ndc_ingredient.csv").write_text(
        "ndc11,ingredient,route,flags,components,name\n"
        "12345678901,anastrozole,oral,,1,Anastrozole 1 mg\n"
        "00003089421,rivaroxaban,oral,,1,a test\n"
    )
    theirs = load_valuesets(user_folder=tmp_path)
    assert "endocrine_aromatase_inhibitor" not in theirs.incomplete_classes
    assert "endocrine_aromatase_inhibitor" in load_valuesets().incomplete_classes
    assert theirs.sha256 != load_valuesets().sha256
    codes = theirs.catalogue.codes.filter(pl.col("code") == "00003089421")
    drug = codes.join(theirs.catalogue.products, on="product").join(theirs.drug_keys, on="drug")
    assert drug["ingredient"].cast(pl.String).to_list() == ["rivaroxaban"]
    assert check_valuesets(user_folder=tmp_path) == []
    monkeypatch.setenv("HCC_VALUESETS", str(tmp_path))
    assert load_valuesets().user_folder == tmp_path.resolve()
    monkeypatch.setenv("HCC_VALUESETS", str(tmp_path / "nothing"))
    with pytest.raises(HccError, match="is no folder of value sets"):
        load_valuesets()


def test_short_acting_inhalers_are_found_by_code() -> None:
    """ProAir HFA is 59310-579, Ventolin HFA 0173-0682, Xopenex HFA 63402-510; albuterol is RxNorm 435."""
    valuesets = load_valuesets()
    catalogue = valuesets.catalogue
    for kind, code, ingredient in (
        ("ndc_product", "593100579", "albuterol"), ("ndc_product", "001730682", "albuterol"),
        ("ndc_product", "634020510", "levalbuterol"), ("rxnorm", "435", "albuterol"), ("rxnorm", "745679", "albuterol"),
    ):  # fmt: skip
        drugs = catalogue.of(kind).collect().filter(pl.col("code") == code).join(catalogue.products, on="product")
        keys = valuesets.drug_keys.join(drugs, on="drug")
        assert set(keys["ingredient"].cast(pl.String)) == {ingredient}
        assert set(keys["drug_class"].cast(pl.String)) == {"saba"}
