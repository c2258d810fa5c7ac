"""The programme of the months decides about RAPS and unlinked chart reviews (SPEC R-3.9, R-3.22, RULINGS 5).

One woman of 76 (77 in 2027) and one diagnosis, I50.9: V22 0.448 + 0.323, V28 0.465 + 0.360 (tables of mappings/).
2026: V22 / 1.187, V28 / 1.067, PACE 0.9 and 0.1; MA V28 less 5.9 %. 2027: 1.202, 1.079, half and half.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hcc

Row = dict[str, Any]
PACE_WITH, PACE_WITHOUT = Decimal("0.629"), Decimal("0.383")  # 2026: V22 0.650 or 0.377, V28 0.436 without RAPS
MA_WITHOUT = Decimal("0.410")  # 2026: 0.436 × 0.941
UNLINKED, NO_UNLINKED = Decimal("0.703"), Decimal("0.402")  # 2027, PACE: 0.641 and 0.765; 0.373 and 0.431
MA_NO_UNLINKED = Decimal("0.406")  # 2027: 0.431 × 0.941


def members(**status: Any) -> pl.DataFrame:
    return pl.DataFrame([{"member_id": "a", "birth_date": date(1950, 1, 1), "sex": "F", **status}])


def months(year: int, *programs: str | None) -> pl.DataFrame:
    """One month after the other; a single programme is that of all twelve."""
    words = programs * 12 if len(programs) == 1 else programs
    rows = [{"member_id": "a", "month": date(year, k, 1), "program": word} for k, word in enumerate(words, 1)]
    return pl.DataFrame(rows, schema={"member_id": pl.String, "month": pl.Date, "program": pl.String})


def claim(year: int, **more: Any) -> pl.DataFrame:
    row = {"claim_id": "1", "member_id": "a", "thru_date": date(year - 1, 5, 1), "hcpcs": "99213",
           "claim_type": "professional", "diagnosis_1": "I509"}  # fmt: skip
    return pl.DataFrame([{**row, **more}])


def risk(run: Any) -> Decimal | None:
    found: Decimal | None = run.member_scores.filter(pl.col("part") == "C")["risk_score"].item()
    return found


def reason(run: Any) -> str:
    return str(run.diagnoses["reason"].cast(pl.String).item())


RAPS = [
    (None, ("PACE",), PACE_WITH),
    ("MA", ("PACE",), PACE_WITH),
    ("PACE", ("PACE",), PACE_WITH),
    ("PACE", (None,), PACE_WITH),  # a month that says nothing: the member's own
    ("PACE", ("MA",), MA_WITHOUT),
    ("MA", ("MA",), MA_WITHOUT),
    ("MA", ("MA",) * 6 + ("PACE",) * 6, Decimal("0.520")),  # (0.410 + 0.629) / 2, half up
    ("PACE", ("MA",) * 6 + (None,) * 6, Decimal("0.520")),
]


@pytest.mark.parametrize(("own", "programs", "expected"), RAPS)
def test_raps_counts_where_a_month_takes_it(
    own: str | None, programs: tuple[str | None, ...], expected: Decimal
) -> None:
    who = members() if own is None else members(program=own)
    run = hcc.score(who, claim(2026, source="raps"), enrollment=months(2026, *programs), payment_year=2026)
    assert risk(run) == expected
    assert reason(run) == ("RECORD_INELIGIBLE(N)" if expected == MA_WITHOUT else "COUNTED")


def test_raps_counts_in_the_months_of_its_programme_alone() -> None:
    programs = ("MA",) * 6 + ("PACE",) * 6
    run = hcc.score(members(), claim(2026, source="raps"), enrollment=months(2026, *programs), payment_year=2026)
    raw = {
        (row["model"], row["month"].month): row["raw_score"]
        for row in run.scores.with_columns(pl.col("model").cast(pl.String)).to_dicts()
    }
    assert raw == {
        **{("cms-hcc-v28", k): Decimal("0.465") for k in range(1, 13)},
        **{("cms-hcc-v22", k): Decimal("0.771") for k in range(7, 13)},
    }


def test_months_of_other_years_and_tables_without_programmes_leave_it_to_the_member() -> None:
    other = pl.concat([months(2025, "PACE"), months(2026, "MA")])
    run = hcc.score(members(), claim(2026, source="raps"), enrollment=other, payment_year=2026)
    assert risk(run) == MA_WITHOUT
    for enrollment in (None, months(2026, "MA").drop("program")):
        run = hcc.score(members(program="PACE"), claim(2026, source="raps"), enrollment=enrollment, payment_year=2026)
        assert risk(run) == PACE_WITH


def test_a_member_without_a_month_has_the_own_programme() -> None:
    strange = months(2026, "MA").with_columns(pl.lit("b").alias("member_id"))
    run = hcc.score(members(program="PACE"), claim(2026, source="raps"), enrollment=strange, payment_year=2026)
    assert reason(run) == "COUNTED"


UNLINKED_REVIEWS = [
    ("MA", ("PACE",), UNLINKED),
    ("PACE", ("PACE",), UNLINKED),
    ("PACE", (None,), UNLINKED),
    ("PACE", ("MA",), MA_NO_UNLINKED),
    ("PACE", ("MA",) * 6 + (None,) * 6, Decimal("0.404")),  # (0.406 + 0.402) / 2
]


@pytest.mark.parametrize(("own", "programs", "expected"), UNLINKED_REVIEWS)
def test_unlinked_reviews_count_where_all_months_are_exempt(
    own: str, programs: tuple[str | None, ...], expected: Decimal
) -> None:
    claims = claim(2027, record_type="chart_review")
    run = hcc.score(members(program=own), claims, enrollment=months(2027, *programs), payment_year=2027)
    assert risk(run) == expected
    assert reason(run) == ("COUNTED" if expected == UNLINKED else "UNLINKED_CRR")


def test_the_run_says_for_how_many_the_months_do_not_agree() -> None:
    who = pl.concat([members().with_columns(pl.lit(name).alias("member_id")) for name in "abc"])
    mixed = months(2027, *(("MA",) * 6 + ("PACE",) * 6))
    enrollment = pl.concat(
        [mixed, mixed.with_columns(pl.lit("b").alias("member_id")),
         months(2027, "PACE").with_columns(pl.lit("c").alias("member_id"))]
    )  # fmt: skip
    told = "enrollment: 2 member(s) have months in PACE and others"
    reviews = claim(2027, record_type="chart_review")
    run = hcc.score(who, reviews, enrollment=enrollment, payment_year=2027)
    assert [note for note in run.notes if note.startswith(told)]
    without = hcc.score(who, claim(2027), enrollment=enrollment, payment_year=2027)
    assert not [note for note in without.notes if told in note], "there are no chart reviews"
    of_2026 = enrollment.with_columns(pl.col("month").dt.offset_by("-1y"))
    before = hcc.score(who, claim(2026, record_type="chart_review"), enrollment=of_2026, payment_year=2026)
    assert not [note for note in before.notes if told in note], "in 2026 unlinked reviews count for all"


def test_kept_diagnoses_know_the_months_too(tmp_path: Path) -> None:
    mixed = months(2027, *(("MA",) * 6 + ("PACE",) * 6))
    hcc.keep(members(), claim(2027, record_type="chart_review"), enrollment=mixed, payment_year=2027,
             out=tmp_path / "reviews.kept")  # fmt: skip
    run = hcc.score_kept(tmp_path / "reviews.kept", payment_year=2027)
    assert risk(run) == Decimal("0.404")
    assert len([note for note in run.notes if note.startswith("enrollment: 1 member(s) have months in PACE")]) == 1
    hcc.keep(members(), claim(2026, source="raps"), enrollment=months(2026, "PACE"), payment_year=2026,
             out=tmp_path / "raps.kept")  # fmt: skip
    assert risk(hcc.score_kept(tmp_path / "raps.kept", payment_year=2026)) == PACE_WITH


def test_new_claims_into_a_file_know_the_months_too(tmp_path: Path) -> None:
    from hcc.pipeline.update import update

    for name, table in (
        ("members", members()), ("old", claim(2026, diagnosis_1="J449")), ("months", months(2026, "PACE")),
        ("new", claim(2026, source="raps", claim_id="2")),
    ):  # fmt: skip
        table.write_parquet(tmp_path / f"{name}.parquet")
    paths = {name: tmp_path / f"{name}.parquet" for name in ("members", "old", "months", "new")}
    hcc.score(paths["members"], paths["old"], enrollment=paths["months"], payment_year=2026, out=tmp_path / "r.duckdb")
    done = update(tmp_path / "r.duckdb", paths["new"])
    assert done.changes["member_id"].to_list() == ["a"]
    assert "+HCC85 (cms-hcc-v22)" in done.changes["why"].item()


@pytest.mark.parametrize(("own", "program", "models"), [("MA", "PACE", ["cms-hcc-v22"]), ("PACE", "MA", [])])
def test_raps_of_earlier_years_are_history_where_a_month_takes_raps(own: str, program: str, models: list[str]) -> None:
    """J44.9 (V22 111, V28 280) by RAPS two years before payment: a condition to recapture in PACE, nothing in MA."""
    run = hcc.score(members(program=own), claim(2026), enrollment=months(2026, program), payment_year=2026)
    history = claim(2025, source="raps", claim_id="h", diagnosis_1="J449")
    gaps = hcc.find_gaps(run, history=history).gaps.with_columns(pl.col("model", "hcc").cast(pl.String))
    found = gaps.filter(pl.col("hcc").is_in(["111", "280"]))
    assert sorted(set(models) & set(found["model"])) == models
    assert found.height or not models
    assert models or not found.height
