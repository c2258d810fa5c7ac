"""The generated populations: canonical, repeatable, of the shape they claim, and skewed as asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.codes import TABLE, lookup
from benchmarks.generate import folder_name, generate, is_prepared
from benchmarks.settings import settings
from benchmarks.tables import Plan
from hcc.rules.folders import find
from hcc.tables import INPUT_TABLES

_YEAR = settings()["payment_year"]
_PLAN = Plan(members=3000, payment_year=_YEAR, seed=5)


def _read(folder: Path, table: str) -> pl.DataFrame:
    return pl.read_parquet(folder / table / "*.parquet")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated") / folder_name(_PLAN)
    generate(replace(_PLAN, pharmacy=True, observations=True), folder)
    return folder


@pytest.mark.parametrize("table", ["members", "claims", "claim_diagnoses", "pharmacy", "observations"])
def test_columns_are_canonical(made: Path, table: str) -> None:
    found = _read(made, table)
    known, extra = set(INPUT_TABLES[table].names), {"paid_amount", "diagnosis_rank"}
    assert set(found.columns) - known <= extra
    assert set(INPUT_TABLES[table].required) <= set(found.columns)
    identifiers = {"member_id", "claim_id"} & set(found.columns)
    assert all(found.schema[name] == pl.String for name in identifiers)


def test_identifiers_are_unique_and_no_real_ones(made: Path) -> None:
    members, lines = _read(made, "members"), _read(made, "claims")
    assert members["member_id"].n_unique() == _PLAN.members
    assert set(members["member_id"].str.len_chars()) == {11}
    assert members["member_id"].str.starts_with("0").all()  # no Medicare identifier begins with 0
    assert set(lines["member_id"]) <= set(members["member_id"])
    whose = lines.group_by("claim_id").agg(pl.col("member_id", "thru_date").n_unique())
    assert whose.select(pl.max_horizontal("member_id", "thru_date")).max().item() == 1
    assert not lines.select("claim_id", "line_number").is_duplicated().any()


def test_header_diagnoses_belong_to_the_claims(made: Path) -> None:
    lines, codes = _read(made, "claims"), _read(made, "claim_diagnoses")
    pairs = lines.select("claim_id", "member_id").unique()
    assert codes.join(pairs, on=["claim_id", "member_id"], how="anti").height == 0
    assert codes["claim_id"].n_unique() == pairs.height


def test_shape_is_that_of_the_study(made: Path) -> None:
    """12.3 claims, 20.3 lines, 31.7 diagnoses a member; 35 % of the diagnoses map; a quarter survives the filter."""
    lines, codes = _read(made, "claims"), _read(made, "claim_diagnoses")
    assert lines["claim_id"].n_unique() / _PLAN.members == pytest.approx(12.3, rel=0.05)
    assert lines.height / _PLAN.members == pytest.approx(20.3, rel=0.05)
    assert codes.height / _PLAN.members == pytest.approx(31.7, rel=0.05)
    model = settings()["peers"]["coding_model"]
    mapped = pl.read_csv(find(model, str(_YEAR), "diagnosis_to_hcc.csv"), infer_schema=False)["diagnosis_code"].unique()
    listed = pl.read_csv(find("eligibility", str(_YEAR - 1), "cpt_hcpcs.csv"), infer_schema=False)["code"]
    paid = codes.filter(pl.col("diagnosis_code").is_in(mapped.implode()))
    assert paid.height / codes.height == pytest.approx(0.35, abs=0.03)
    listed_line = pl.col("claim_type").is_in(["professional", "outpatient"]) & pl.col("hcpcs").is_in(listed.implode())
    counts = lines.filter(
        (pl.col("thru_date").dt.year() == _YEAR - 1) & ((pl.col("claim_type") == "inpatient") | listed_line)
    )
    survivors = paid.join(counts, on="claim_id", how="semi")
    assert survivors.height / codes.height == pytest.approx(0.25, abs=0.03)
    with_one = survivors["member_id"].n_unique() / _PLAN.members
    assert 0.6 < with_one < 0.9


def test_claims_are_not_clustered(made: Path) -> None:
    order = _read(made, "claims")["member_id"]
    assert (order == order.shift(1)).mean() < 0.5  # only the further lines of a claim follow each other


def test_same_seed_same_files_other_seed_others(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    generate(replace(_PLAN, pharmacy=True, observations=True), again)
    for table in ("members", "claims", "claim_diagnoses", "pharmacy", "observations"):
        assert_frame_equal(_read(made, table), _read(again, table))
    other = tmp_path / "other"
    generate(replace(_PLAN, seed=6), other)
    assert not _read(made, "claim_diagnoses").equals(_read(other, "claim_diagnoses"))


def test_plan_is_recorded_and_recognised(made: Path) -> None:
    plan = replace(_PLAN, pharmacy=True, observations=True)
    assert is_prepared(plan, made)
    assert not is_prepared(replace(plan, seed=6), made)
    assert not is_prepared(plan, made / "members")
    rows = json.loads((made / "plan.json").read_text(encoding="utf-8"))["rows"]
    assert rows["lines"] == _read(made, "claims").height
    assert rows["pharmacy"] == _read(made, "pharmacy").height > 0


def test_wide_holds_the_same_diagnoses(made: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    generate(replace(_PLAN, wide=True), wide)
    assert not (wide / "claim_diagnoses").exists()
    lines = _read(wide, "claims")
    ranks = [name for name in lines.columns if name.startswith("diagnosis_")]
    long = (
        lines.unique("claim_id")
        .select("claim_id", *ranks)
        .unpivot(ranks, index="claim_id", value_name="diagnosis_code")
        .drop_nulls("diagnosis_code")
        .select("claim_id", "diagnosis_code")
        .sort("claim_id", "diagnosis_code")
    )
    expected = _read(made, "claim_diagnoses").select("claim_id", "diagnosis_code").sort("claim_id", "diagnosis_code")
    assert_frame_equal(long, expected)


def test_sorted_by_member_on_request(tmp_path: Path) -> None:
    generate(replace(_PLAN, by_member=True), tmp_path / "sorted")
    first = sorted((tmp_path / "sorted" / "claims").iterdir())[0]
    order = pl.read_parquet(first)["member_id"].rle().struct.field("value")
    assert not order.is_duplicated().any()


@pytest.mark.parametrize("skew", ["one_big_member", "many_dx", "ten_years", "tiny_files"])
def test_skews(skew: str, tmp_path: Path) -> None:
    plan = Plan(members=300, payment_year=_YEAR, seed=5, skew=skew, big_claims=6000, tiny_files=200)
    facts = generate(plan, tmp_path / skew)
    lines, codes = _read(tmp_path / skew, "claims"), _read(tmp_path / skew, "claim_diagnoses")
    per_claim = codes.group_by("claim_id").len()["len"]
    per_member = lines.group_by("member_id").agg(pl.col("claim_id").n_unique())["claim_id"].sort(descending=True)
    years = lines["thru_date"].dt.year().n_unique()
    assert (per_member[0] > 5000) == (skew == "one_big_member")
    assert (per_claim.min() == per_claim.max() == 25) == (skew == "many_dx")
    assert (years > 9) == (skew == "ten_years")
    assert (facts["files"] > 400) == (skew == "tiny_files")


def test_lookup_follows_the_weights() -> None:
    table = lookup(pl.Series([3.0, 1.0, 0.0]).to_numpy(), 10)
    assert len(table) == TABLE
    assert (table == 10).sum() == pytest.approx(TABLE * 0.75, abs=1)
    assert (table == 12).sum() == 0
