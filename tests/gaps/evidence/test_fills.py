"""Which drug a fill was: NDC spellings, RxNorm codes, names in words; and what nothing identifies."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from hcc.errors import MissingColumns
from hcc.gaps.evidence import fills, fills_of_members, unidentified_fills
from hcc.rules.valuesets import load_valuesets
from tests.gaps.evidence.frames import DAY, pharmacy

Row = tuple[str | None, str, str, str, str]  # ingredient, class, route, flags, evidence


def _found(*rows: dict[str, object], **options: object) -> pl.DataFrame:
    text = pl.col("ingredient", "drug_class", "route", "flags", "evidence", "code_kind").cast(pl.String)
    return fills(pharmacy(*rows), load_valuesets(), **options).with_columns(text).sort("member_id", "drug").collect()  # type: ignore[arg-type]


def _facts(frame: pl.DataFrame) -> set[Row]:
    return set(frame.select("ingredient", "drug_class", "route", "flags", "evidence").rows())


def _reasons(*rows: dict[str, object]) -> list[str]:
    return unidentified_fills(pharmacy(*rows), load_valuesets()).sort("member_id").collect()["reason"].to_list()


ELIQUIS = ("apixaban", "anticoagulant_oral", "oral", "", "strong")


@pytest.mark.parametrize("ndc", ["00003089421", "0003-0894-21", "00003-0894-21", " 0003-0894-21 "])
def test_spellings_of_one_ndc(ndc: str) -> None:
    found = _found({"ndc": ndc})
    assert _facts(found) == {ELIQUIS}
    assert found["code"].to_list() == ["00003089421"]


@pytest.mark.parametrize(
    ("ndc", "eleven"),
    [
        ("61958-2501-1", "61958250101"),  # 5-4-1
        ("0169-4525-14", "00169452514"),  # 4-4-2
        ("49702-264-23", "49702026423"),  # 5-3-2
    ],
)
def test_every_ten_digit_shape_gets_its_own_zero(ndc: str, eleven: str) -> None:
    assert _found({"ndc": ndc})["code"].unique().to_list() == [eleven]


@pytest.mark.parametrize(
    ("ndc", "reason"),
    [
        ("0003089421", "AMBIGUOUS_NDC10"),
        ("00999999999", "UNKNOWN_NDC"),
        ("0003-894-21", "UNKNOWN_NDC"),  # 4-3-2 is no shape of an NDC
        ("3089421", "UNKNOWN_NDC"),
        ("not a code", "UNKNOWN_NDC"),
    ],
)
def test_what_is_no_ndc_of_ours_is_counted_not_guessed(ndc: str, reason: str) -> None:
    assert _found({"ndc": ndc}).is_empty()
    assert _reasons({"ndc": ndc}) == [reason]


def test_another_package_of_a_known_product_is_found_by_nine_digits() -> None:
    found = _found({"ndc": "00169452599"})  # a package code that Wegovy 0.25 mg never had
    assert _facts(found) == {("semaglutide", "glp1_agonist", "injectable", "weight_only", "excluded")}
    assert found["code_kind"].to_list() == ["ndc_product"]


def test_a_code_known_by_its_class_alone_has_no_ingredient() -> None:
    code = load_valuesets().table("ndc_class").filter(pl.col("drug_class") == "insulin")["ndc11"][0]
    found = _found({"ndc": code})
    assert _facts(found) == {(None, "insulin", "", "", "strong")}
    assert found["code_kind"].to_list() == ["ndc_class"]


@pytest.mark.parametrize(
    ("rxnorm", "expected"),
    [
        ("1364445", {ELIQUIS}),
        (" 1364445 ", {ELIQUIS}),
        ("1364445.0", {ELIQUIS}),
        ("1364430", {("apixaban", "anticoagulant_oral", "", "", "strong")}),  # the ingredient itself: no route
        ("199224", {("anastrozole", "endocrine_aromatase_inhibitor", "oral", "", "medium")}),
        ("1659812", {("aripiprazole", "antipsychotic", "injectable", "lai_antipsychotic", "weak")}),
    ],
)
def test_rxnorm_codes(rxnorm: str, expected: set[Row]) -> None:
    assert _facts(_found({"rxnorm": rxnorm})) == expected


NAMES: list[tuple[str, set[Row]]] = [
    ("APIXABAN 5 MG TABLET", {ELIQUIS}),
    ("Eliquis 5mg", {ELIQUIS}),
    ("METFORMIN HCL ER 500 MG TABLET", {("metformin", "biguanide", "oral", "", "weak")}),
    ("Wegovy 0.25 MG/0.5 ML PEN", {("semaglutide", "glp1_agonist", "injectable", "weight_only", "excluded")}),
    ("OZEMPIC 0.25-0.5 MG/DOSE PEN", {("semaglutide", "glp1_agonist", "injectable", "diabetes_brand", "weak")}),
    (
        "EMTRICITABINE-TENOFOVIR DISOPROXIL FUM 200-300 MG TB",
        {
            ("emtricitabine", "antiretroviral", "oral", "prep_possible", "weak"),
            ("tenofovir disoproxil", "antiretroviral", "oral", "prep_possible", "weak"),
        },
    ),
    ("fluorouracil 5% cream", {("fluorouracil", "antineoplastic", "topical", "", "excluded")}),
    ("FLUOROURACIL 5 %", {("fluorouracil", "antineoplastic", "topical", "", "excluded")}),
    ("tacrolimus 0.1 % ointment", {("tacrolimus", "transplant_immunosuppressant", "topical", "", "excluded")}),
    ("tacrolimus 1 mg capsule", {("tacrolimus", "transplant_immunosuppressant", "oral", "", "medium")}),
    (
        "FLUTICASONE-SALMETEROL 250-50 DISKUS",
        {("fluticasone", "ics", "inhaled", "", "weak"), ("salmeterol", "laba", "inhaled", "", "weak")},
    ),
    ("FLUTICASONE PROP 50 MCG NASAL SPRAY", {("fluticasone", "ics", "nasal", "", "excluded")}),
    ("glycopyrrolate 1 mg tablet", {("glycopyrronium", "lama", "oral", "", "excluded")}),
    (
        "Invega Sustenna 156 MG/ML SYRINGE",
        {("paliperidone", "antipsychotic", "injectable", "lai_antipsychotic", "weak")},
    ),
    ("divalproex sodium dr 500 mg tab", {("valproate", "antiseizure_mood", "oral", "", "weak")}),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_names_in_words(name: str, expected: set[Row]) -> None:
    found = _found({"drug_name": name})
    assert _facts(found) == expected
    assert set(found["code_kind"]) == {"drug_name"}
    assert set(found["code"]) == {name}


def test_parts_of_a_mixture_with_a_drug_of_no_value_set_are_never_alone() -> None:
    found = _found({"drug_name": "metformin 500 mg tablet"}, {"drug_name": "metformin-lisinopril (compound)"})
    assert found.sort("member_id")["components"].to_list() == [1, None]


def test_words_inside_words_are_no_names() -> None:
    assert _found({"drug_name": "metforminoid 500"}).is_empty()


def test_known_drugs_of_no_value_set_are_identified_and_dropped() -> None:
    row = {"drug_name": "ATORVASTATIN 40 MG TABLET"}
    assert _found(row).is_empty()
    assert _reasons(row) == []
    assert _reasons({"drug_name": "xyzzyab 40 mg"}) == ["UNKNOWN_NAME"]
    assert _reasons({"rxnorm": "999999999"}) == ["UNKNOWN_RXNORM"]
    assert _reasons({}) == ["NO_CODE"]
    assert _reasons({"ndc": "", "rxnorm": "", "drug_name": ""}) == ["NO_CODE"]


def test_the_first_identifier_that_is_understood_decides() -> None:
    sure = {"ndc": "00003089421", "rxnorm": "199224", "drug_name": "metformin"}
    later = {"ndc": "99999999999", "rxnorm": "199224", "drug_name": "metformin"}
    last = {"ndc": "0003089421", "rxnorm": "999999999", "drug_name": "metformin"}
    found = _found(sure, later, last).sort("member_id")
    assert found["ingredient"].to_list() == ["apixaban", "anastrozole", "metformin"]
    assert found["code_kind"].to_list() == ["ndc_product", "rxnorm", "drug_name"]
    assert _reasons(sure, later, last) == []
    assert _reasons({"ndc": "0003089421", "rxnorm": "999999999"}) == ["AMBIGUOUS_NDC10"]


def test_only_the_classes_asked_for_come_out_and_an_identified_fill_is_not_read_again_by_name() -> None:
    row = {"ndc": "00003089421", "drug_name": "insulin glargine pen"}  # the NDC outranks the name
    assert _found(row, classes=["insulin"]).is_empty()
    assert _facts(_found(row, classes=["anticoagulant_oral"])) == {ELIQUIS}


def test_days_supply_days_of_the_window_and_members() -> None:
    rows = [
        {"ndc": "00003089421", "days_supply": 30, "fill_date": DAY + timedelta(days=days)} for days in (-1, 0, 1, 2)
    ]
    found = _found(*rows, since=DAY, until=DAY + timedelta(days=1))
    assert found["fill_date"].to_list() == [DAY, DAY + timedelta(days=1)]
    assert found["days_supply"].to_list() == [30, 30]
    members = pl.LazyFrame({"member_id": ["2"], "member_index": [5]})
    found = fills(pharmacy(*rows), load_valuesets(), members=members).collect()
    assert found.select("member_index", "fill_date").rows() == [(5, DAY + timedelta(days=1))]
    counted = unidentified_fills(
        pharmacy({}, {"member_id": "2"}, {"member_id": "2"}), load_valuesets(), members=members
    ).collect()
    assert counted.select("member_index", "reason", "count").rows() == [(5, "NO_CODE", 2)]


def test_fills_of_one_day_are_counted_together() -> None:
    counted = unidentified_fills(pharmacy(*({"member_id": "a", "ndc": "99999999999"},) * 3), load_valuesets()).collect()
    assert counted.select("member_id", "fill_date", "reason", "count").rows() == [("a", DAY, "UNKNOWN_NDC", 3)]


def test_a_table_without_any_identifier_is_refused() -> None:
    with pytest.raises(MissingColumns, match="ndc"):
        fills(pl.LazyFrame({"member_id": ["a"], "fill_date": [DAY]}), load_valuesets())


def test_two_hundred_thousand_fills_are_read_in_one_pass() -> None:
    rows = 200_000
    codes = [*load_valuesets().table("ndc")["ndc11"].head(500), *(f"{n:011d}" for n in range(500))]
    given = pl.LazyFrame(
        {
            "member_id": pl.int_range(rows, eager=True).cast(pl.String),
            "fill_date": [DAY] * rows,
            "ndc": (codes * (rows // len(codes) + 1))[:rows],
        }
    )
    found = fills(given, load_valuesets()).collect(engine="streaming")
    lost = unidentified_fills(given, load_valuesets()).collect(engine="streaming")
    assert found["member_id"].n_unique() + lost["count"].sum() == rows


def test_an_unidentified_fill_delivered_twice_is_one() -> None:
    later = date(2025, 4, 1)
    rows = [{"ndc": "99999999999"}, {"ndc": "99999999999"}, {"ndc": "99999999998"}, {"ndc": "99999999999"}]
    table = pharmacy(
        *({"member_id": "a", "fill_date": later if place == 3 else DAY, **row} for place, row in enumerate(rows))
    )
    who = pl.DataFrame({"member_id": ["a"], "member_index": [4]}, schema_overrides={"member_index": pl.UInt32})
    _, unread, by_reason = fills_of_members(table, load_valuesets(), who, who)
    assert sorted(unread.select("member_index", "fill_date", "count").rows()) == [(4, DAY, 2), (4, later, 1)]
    assert by_reason == {"UNKNOWN_NDC": 4}  # rows, as they came
