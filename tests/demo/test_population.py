"""The invented population: canonical columns, the same every time, and with the planted truth in it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hcc.demo.mix import load_mix
from hcc.demo.population import demo_population, demo_tables
from hcc.errors import HccError
from hcc.tables import INPUT_TABLES

_YEAR = load_mix().payment_year
_MEMBERS = 1000
_DIAGNOSES = [f"diagnosis_{i}" for i in range(1, 13)]

Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return demo_tables(members=_MEMBERS, payment_year=_YEAR, seed=11)


def _said(tables: Tables, name: str, story: str) -> pl.DataFrame:
    """Rows of a table that belong to the members of a story."""
    return tables[name].join(tables["stories"].filter(pl.col("story") == story), on="member_id", how="semi")


def _codes(claims: pl.DataFrame) -> set[str]:
    return set(claims.unpivot(_DIAGNOSES)["value"].drop_nulls())


@pytest.mark.parametrize(
    ("name", "contract"),
    [
        (name, "claims" if name == "history" else name)
        for name in (*sorted(INPUT_TABLES), "history")
        if name != "claim_diagnoses"
    ],
)
def test_columns_are_canonical(tables: Tables, name: str, contract: str) -> None:
    table = INPUT_TABLES[contract]
    assert set(tables[name].columns) <= set(table.names)
    assert set(table.required) <= set(tables[name].columns)
    assert len(tables[name]) > 0


def test_same_seed_same_population_other_seed_another(tables: Tables) -> None:
    again = demo_tables(members=_MEMBERS, payment_year=_YEAR, seed=11)
    for name, table in tables.items():
        assert_frame_equal(table, again[name])
    other = demo_tables(members=_MEMBERS, payment_year=_YEAR, seed=12)
    assert not tables["claims"].equals(other["claims"])


def test_files_hold_the_tables(tables: Tables, tmp_path: Path) -> None:
    paths = demo_population(tmp_path / "new" / "folder", members=_MEMBERS, payment_year=_YEAR, seed=11)
    assert set(paths) == set(tables)
    assert_frame_equal(pl.read_parquet(paths["members"]), tables["members"])


def test_a_population_too_small_for_its_stories_is_refused() -> None:
    with pytest.raises(HccError, match="too small"):
        demo_tables(members=199, payment_year=_YEAR)


def test_years_of_service(tables: Tables) -> None:
    planned = tables["claims"].filter(~pl.col("claim_id").str.starts_with("DCBAD") & pl.col("claim_id").is_not_null())
    assert set(planned["thru_date"].dt.year()) == {_YEAR - 1}
    assert set(tables["history"]["thru_date"].dt.year()) == {_YEAR - 2}
    assert set(tables["pharmacy"]["fill_date"].dt.year()) == {_YEAR - 2, _YEAR - 1}
    assert set(tables["enrollment"]["month"].dt.year()) == {_YEAR}


def test_members_are_plainly_invented_and_of_every_kind(tables: Tables) -> None:
    members = tables["members"]
    assert members["member_id"].str.starts_with("DEMO").all()
    assert set(members["program"]) == {"MA", "PACE", "none"}
    assert set(members["esrd_status"]) == {"none", "dialysis", "transplant_1", "transplant_2", "transplant_3", "graft"}
    assert set(members["part_d_plan"]) == {"MA-PD", "PDP", None}
    assert members["long_term_institutional"].any()
    assert members["csnp"].any()
    assert members.filter(pl.col("csnp") & (pl.col("part_b_months") < 12)).height > 0  # C-SNP new enrollee
    assert {"02", "01", "NA"} <= set(members["dual_status"])
    assert 0.5 < (members["sex"] == "F").mean() < 0.64


def test_new_enrollees_have_no_claims_before_part_b(tables: Tables) -> None:
    new = tables["members"].filter(pl.col("part_b_months").is_between(1, 11))
    first = (
        tables["claims"]
        .join(new, on="member_id")
        .filter(
            pl.col("thru_date") < pl.date(_YEAR - 1, 1, 1).dt.offset_by(pl.format("{}mo", 12 - pl.col("part_b_months")))
        )
    )
    assert len(new) > 0
    assert len(first) == 0


def test_bad_rows_are_there_to_be_rejected(tables: Tables) -> None:
    members, claims = tables["members"], tables["claims"]
    assert members["member_id"].is_duplicated().sum() == 4
    assert members.is_duplicated().sum() == 2  # one row twice; the other pair contradicts itself
    assert members["sex"].null_count() == 1
    assert members["birth_date"].null_count() == 1
    assert claims.join(members, on="member_id", how="anti").height == 2
    assert claims["thru_date"].null_count() == 1
    assert claims["claim_id"].null_count() == 1
    assert claims.filter(pl.col("thru_date") > pl.date(_YEAR + 50, 1, 1)).height == 1


def test_what_happens_to_claims(tables: Tables) -> None:
    claims = pl.concat([tables["claims"], tables["history"]])
    assert {"1", "7", "8", None} == set(claims["frequency_code"])
    corrected = claims.filter(pl.col("frequency_code").is_in(["7", "8"]))
    assert corrected["original_claim_id"].null_count() == 0
    assert set(corrected["original_claim_id"]) <= set(claims["claim_id"])
    assert not corrected["original_claim_id"].is_in(corrected["claim_id"].implode()).any()
    reviews = claims.filter(pl.col("record_type") == "chart_review")
    assert reviews["linked_claim_id"].null_count() > 0
    assert reviews["linked_claim_id"].drop_nulls().len() > 0
    assert claims.filter(pl.col("record_type") == "chart_review_delete")["linked_claim_id"].null_count() == 0
    assert "93" in set(claims["modifier_1"])
    assert {"denied", "denied_administrative", "paid"} == set(claims["claim_status"])
    assert not claims["accepted"].all()
    assert claims.filter(pl.col("submission_date") > pl.date(_YEAR + 1, 3, 31)).height > 0
    assert {"professional", "outpatient", "inpatient", "dme", "other"} == set(claims["claim_type"])


def test_header_diagnoses_are_the_same_on_every_line(tables: Tables) -> None:
    per_claim = tables["claims"].drop_nulls("claim_id").group_by("claim_id").agg(pl.col(_DIAGNOSES).n_unique())
    assert per_claim.select(pl.max_horizontal(_DIAGNOSES)).max().item() == 1


def test_some_codes_are_written_otherwise_and_some_are_none(tables: Tables) -> None:
    codes = pl.Series(sorted(_codes(tables["claims"])))
    assert codes.str.contains(r"\.").any()
    assert (codes.str.to_uppercase() != codes).any()
    assert (codes.str.strip_chars() != codes).any()
    assert codes.is_in(["E1I9", "E11", "25000"]).any()


# Planted truth, story by story: what the rules are to find, and nothing that would explain it away.


def test_every_story_is_played_by_members_of_its_own(tables: Tables) -> None:
    told = tables["stories"]
    assert set(told["story"]) == {story["name"] for story in load_mix().stories}
    assert not told["member_id"].is_duplicated().any()
    assert set(told["member_id"]) <= set(tables["members"]["member_id"])


def test_story_members_have_no_other_claims_fills_or_results(tables: Tables) -> None:
    for story in load_mix().stories:
        players = tables["stories"].filter(pl.col("story") == story["name"]).height
        claims = _said(tables, "claims", story["name"])["claim_id"].n_unique()
        claims += _said(tables, "history", story["name"])["claim_id"].n_unique()
        assert claims == len(story.get("claims", ())) * players, story["name"]
        fills = sum(len(fill["on"]) for fill in story.get("fills", ()))
        assert _said(tables, "pharmacy", story["name"]).height == fills * players, story["name"]
        assert _said(tables, "observations", story["name"]).height == len(story.get("results", ())) * players, story[
            "name"
        ]


def test_stroke_in_the_office_only(tables: Tables) -> None:
    claims = _said(tables, "claims", "stroke_office_only")
    assert "I639" in _codes(claims)
    assert set(claims["claim_type"]) == {"professional"}
    assert set(claims["place_of_service"]) == {"11"}
    control = _said(tables, "claims", "stroke_with_stay")
    assert "inpatient" in set(control["claim_type"])


def test_kidney_disease_by_two_results_is_not_coded(tables: Tables) -> None:
    results = _said(tables, "observations", "kidney_disease_not_coded").sort("member_id", "observation_date")
    assert set(results["loinc"]) == {"98979-8"}
    assert set(results["value"]) == {"42", "40"}
    apart = results.group_by("member_id").agg(pl.col("observation_date").max() - pl.col("observation_date").min())
    assert set(apart["observation_date"].dt.total_days()) == {95}
    assert not any(code.startswith("N18") for code in _codes(_said(tables, "claims", "kidney_disease_not_coded")))


def test_not_recaptured(tables: Tables) -> None:
    assert {"I5032", "J449", "E1122"} <= _codes(_said(tables, "history", "not_recaptured"))
    assert _codes(_said(tables, "claims", "not_recaptured")) == {"M5450"}


def test_claim_after_death(tables: Tables) -> None:
    dead = _said(tables, "members", "after_death")
    late = tables["claims"].join(dead.select("member_id", "death_date"), on="member_id")
    assert dead["death_date"].null_count() == 0
    assert late.filter(pl.col("thru_date") > pl.col("death_date"))["member_id"].n_unique() == len(dead)


def test_findings_name_their_claim(tables: Tables) -> None:
    found = _said(tables, "chart_findings", "reviewer_did_not_find")
    claims = _said(tables, "claims", "reviewer_did_not_find")
    assert set(found["claim_id"]) == set(claims["claim_id"])
    assert set(found["verdict"]) == {"not_supported"}
