"""A drug's name says as much as its code: RxNorm's own names, salts, strengths and uses in a pharmacy's words."""

from __future__ import annotations

import polars as pl
import pytest

from hcc.gaps.evidence import fills
from hcc.rules.valuesets import load_valuesets
from tests.gaps.evidence.frames import pharmacy

Fact = tuple[str | None, str, str, str, str, int | None]


def _facts(**identifier: str) -> set[Fact]:
    columns = ("ingredient", "drug_class", "route", "flags", "evidence")
    found = fills(pharmacy(identifier), load_valuesets())
    return set(found.select(pl.col(columns).cast(pl.String), "components").collect().rows())


def _flags(name: str) -> set[str]:
    return {fact[3] for fact in _facts(drug_name=name)}


def _respelled(name: str) -> str:
    return "  " + name.upper().replace(" ", "   ") + " "


@pytest.mark.parametrize(
    "rxcui",
    # Lamivudine 100 mg, haloperidol decanoate, everolimus 2.5 mg, doxepin 3 mg, sildenafil 20 mg, Emsam, methotrexate
    # tablets, spironolactone with a thiazide, Combivir, Mounjaro.
    ["205328", "859871", "998189", "966787", "577033", "865208", "105585", "198224", "213088", "2601746"],
)
def test_rxnorms_own_name_is_read_like_its_code(rxcui: str) -> None:
    table = load_valuesets().table("rxnorm")
    (name,) = table.filter(pl.col("rxcui") == rxcui)["name"].unique().to_list()
    assert _facts(rxnorm=rxcui)
    assert _facts(drug_name=name) == _facts(rxnorm=rxcui)
    assert _facts(drug_name=_respelled(name)) == _facts(rxnorm=rxcui)


def test_every_name_of_rxnorm_is_read_like_its_code() -> None:
    table = load_valuesets().table("rxnorm").select("rxcui", "name").unique().sort("rxcui")
    columns = ("drug", "member_id")
    by_code = fills(pharmacy(*({"rxnorm": code} for code in table["rxcui"])), load_valuesets())
    by_name = fills(pharmacy(*({"drug_name": name} for name in table["name"])), load_valuesets())
    answers = [frame.select(columns).unique().sort(columns).collect() for frame in (by_code, by_name)]
    assert answers[0].height > table.height
    assert answers[0].equals(answers[1])


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("haloperidol decanoate 100 MG/ML", "lai_antipsychotic"),
        ("HALOPERIDOL DEC 100 MG/ML VIAL", "lai_antipsychotic"),
        ("haloperidol lactate 5 mg/ml vial", ""),
        ("haloperidol 5 mg tablet", ""),
        ("fluphenazine decanoate", "lai_antipsychotic"),
        ("FLUPHENAZINE 2.5 MG/ML VIAL", ""),
        ("paliperidone palmitate", "lai_antipsychotic"),
        ("paliperidone er 6 mg tablet", ""),
        ("olanzapine pamoate", "lai_antipsychotic"),
        ("olanzapine 10 mg vial", ""),
        ("risperidone ER microspheres", "lai_antipsychotic"),
        ("risperidone 2 mg tablet", ""),
        ("lamivudine 100 mg tablet", "hbv_only"),
        ("LAMIVUDINE TAB 100MG (HBV)", "hbv_only"),
        ("lamivudine HBV", "hbv_only"),
        ("lamivudine 5 mg/ml solution", "hbv_only"),
        ("lamivudine 150 mg tablet", ""),
        ("lamivudine", ""),
        ("everolimus 0.50 mg tablet", "transplant_only"),
        ("everolimus .5mg", "transplant_only"),
        ("EVEROLIMUS TAB 1MG", "transplant_only"),
        ("everolimus 5 mg", "cancer_only"),
        ("everolimus 2.5 mg", "cancer_only"),
        ("doxepin 6 mg", "insomnia_only"),
        ("doxepin 10 mg capsule", ""),
        ("sildenafil 20 mg tablet", "pah"),
        ("sildenafil 100 mg tablet", "erectile_bph"),
        ("rifaximin 200 mg", "travellers_diarrhoea_200"),
        ("XIFAXAN 550 MG TABLET", "hepatic_encephalopathy_550"),
        ("semaglutide (weight loss)", "weight_only"),
        ("liraglutide (weight management)", "weight_only"),
        ("TIRZEPATIDE (WEIGHT LOSS)", "weight_only"),
        ("tirzepatide 5 mg/0.5 ml pen", ""),
        ("Emsam 6 mg/24hr patch", "depression_brand"),
        ("selegiline transdermal 6 mg/24hr", "depression_brand"),
        ("selegiline 5 mg capsule", ""),
    ],
)
def test_salts_strengths_and_uses_in_a_name_carry_its_flag(name: str, flag: str) -> None:
    assert _flags(name) == {flag}


def test_a_strength_beside_other_ingredients_says_nothing() -> None:
    assert "hbv_only" not in _flags("lamivudine-zidovudine 100 mg")


def test_of_two_brands_the_one_named_first_counts() -> None:
    pairs = [("Erzofri", "Talvey"), ("Talvey", "Erzofri"), ("Toujeo", "Rebif"), ("Rebif", "Toujeo")]
    for first, second in pairs * 5:
        assert _facts(drug_name=f"{first} and {second}") == _facts(drug_name=first)


def test_the_rows_agree_with_every_product_of_rxnorm() -> None:
    """A row taken from RxNorm's names: all products of the ingredient with these words have the flag and the route."""
    sets = load_valuesets()
    marks = sets.table("name_marks").filter(pl.col("source").str.starts_with("RxNorm:"))
    assert marks.height >= 30
    # The products of the ingredient alone; names in words, as RxNorm writes them.
    words = pl.col("name_right").str.to_lowercase().str.replace_all("/", " ", literal=True) + " "
    held = (
        marks.join(sets.table("rxnorm"), on="ingredient", suffix="_right")
        .filter(pl.col("components_right") == "1")
        .filter((" " + words).str.contains(" " + pl.col("words") + " ", literal=True))
        .filter((pl.col("kind") == "ingredient") | (pl.col("brand").str.to_lowercase() == pl.col("name")))
    )
    assert held.select("kind", "name", "words").unique().height == marks.height
    wrong = held.filter((pl.col("flags") != pl.col("flags_right")) | (pl.col("route") != pl.col("route_right")))
    assert wrong.select("name", "words", "name_right", "flags_right").rows() == []


def test_a_row_of_ones_own_is_read_too(tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "drugs"
    folder.mkdir()
    header = "kind,name,words,ingredient,route,flags,components,source\n"
    (folder / "name_marks.csv").write_text(
        header + "ingredient,metformin,obesity clinic,metformin,oral,weight_only,1,own\n"
    )
    sets = load_valuesets(user_folder=tmp_path)
    found = fills(pharmacy({"drug_name": "Metformin 500 mg (Obesity-Clinic)"}), sets).collect()
    assert found["flags"].cast(pl.String).to_list() == ["weight_only"]
