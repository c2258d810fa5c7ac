"""Where the mean moved: parts worked out by hand from SPEC's S4, S93 and the factors of the year."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

import hcc
from hcc.errors import HccError
from hcc.results import ResultsWriter
from hcc.results.compare import KINDS, Comparison, compare
from hcc.results.reader import read_table
from tests.results import made_up

RULES = [{"model": made_up.V28, "payment_year": 2026}, {"model": made_up.V22, "payment_year": 2026}]
Change = Callable[[str, pl.DataFrame], pl.DataFrame]


def _file(path: Path, members: Iterable[str], change: Change = lambda name, frame: frame) -> Path:
    with ResultsWriter(path) as writer:
        for name, frame in made_up.frames().items():
            kept = frame.filter(pl.col("member_id").is_in(list(members))) if "member_id" in frame.columns else frame
            writer.append(name, change(name, kept))
        return writer.finish({**made_up.RUN, "rules": RULES})


def _total(found: Comparison) -> Decimal:
    return sum(found.parts.values(), Decimal(0))


def _nonzero(found: Comparison) -> dict[str, str]:
    return {kind: str(value) for kind, value in found.parts.items() if value}


def _without_diabetes(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """S93: E11.22 is taken back, and with it HCC 37, DIABETES_HF and D5 (D4 adds nothing): raw 1.831."""
    mine = pl.col("member_id") == "COMMUNITY"
    if name == "factors":
        return frame.filter(~(mine & pl.col("variable").is_in(["HCC37", "DIABETES_HF_V28", "D5"])))
    if name == "member_hccs":
        return frame.filter(~(mine & (pl.col("hcc") == "37")))
    if name == "scores":  # 1.831 / 1.067 = 1.716; × 0.941 = 1.615
        new = {"raw_score": 1831, "normalized_score": 1716, "payment_score": 1615}
        return frame.with_columns(pl.when(mine).then(v).otherwise(c).cast(pl.Int64).alias(c) for c, v in new.items())
    if name == "member_scores":
        return frame.with_columns(risk_score=pl.when(mine).then(1615).otherwise("risk_score"))
    return frame


def test_an_hcc_lost_takes_its_interactions_and_count_with_it(tmp_path: Path) -> None:
    before = _file(tmp_path / "a.duckdb", ["COMMUNITY"])
    after = _file(tmp_path / "b.duckdb", ["COMMUNITY"], _without_diabetes)
    (found,) = compare(before, after)
    assert (found.before, found.after) == (Decimal("1.904000"), Decimal("1.615000"))
    assert _nonzero(found) == {
        "hcc_lost": "-0.146397",  # 0.166 × 0.941 / 1.067
        "interaction": "-0.142870",  # (0.112 + 0.050) × 0.941 / 1.067
        "rounding": "0.000267",
    }
    assert _total(found) == found.after - found.before
    assert [(m.hcc, m.gained, m.lost, str(m.change)) for m in found.hccs] == [("37", 0, 1, "-0.146397")]


def test_the_other_way_round_it_is_gained(tmp_path: Path) -> None:
    before = _file(tmp_path / "a.duckdb", ["COMMUNITY"], _without_diabetes)
    (found,) = compare(before, _file(tmp_path / "b.duckdb", ["COMMUNITY"]))
    assert _nonzero(found) == {"hcc_gained": "0.146397", "interaction": "0.142870", "rounding": "-0.000267"}


def test_an_hcc_that_is_displaced_is_neither_gained_nor_lost(tmp_path: Path) -> None:
    def displaced(name: str, frame: pl.DataFrame) -> pl.DataFrame:
        frame = _without_diabetes(name, frame)
        if name == "member_hccs":
            lost = frame.filter(pl.col("hcc") == "238").with_columns(hcc=pl.lit("37"), dropped_by_hcc=pl.lit("36"))
            return pl.concat([frame, lost])
        return frame

    before = _file(tmp_path / "a.duckdb", ["COMMUNITY"])
    (found,) = compare(before, _file(tmp_path / "b.duckdb", ["COMMUNITY"], displaced))
    assert _nonzero(found)["hierarchy"] == "-0.146397"
    assert found.hccs == ()


def test_who_left_and_who_joined(tmp_path: Path) -> None:
    """COMMUNITY 1.904 stays; NEW 0.470 leaves; MONTHS 0.774 joins."""
    before = _file(tmp_path / "a.duckdb", ["COMMUNITY", "NEW"])  # mean 1.187
    (found,) = compare(before, _file(tmp_path / "b.duckdb", ["COMMUNITY", "MONTHS"]))  # mean 1.339
    assert (found.members_before, found.members_after, found.members_in_both) == (2, 2, 1)
    assert _nonzero(found) == {"left": "0.717000", "joined": "-0.565000"}
    assert _total(found) == Decimal("0.152")


def test_a_population_that_is_replaced(tmp_path: Path) -> None:
    before = _file(tmp_path / "a.duckdb", ["NEW"])
    (found,) = compare(before, _file(tmp_path / "b.duckdb", ["MONTHS"]))
    assert _nonzero(found) == {"left": "-0.470000", "joined": "0.774000"}


def test_payment_factors_are_told_apart_from_the_members(tmp_path: Path) -> None:
    """SPEC S5: the same person with normalization 1.079 is paid 1.883."""

    def next_year(name: str, frame: pl.DataFrame) -> pl.DataFrame:
        if name == "payment_factors":
            return frame.with_columns(
                normalization=pl.when(pl.col("program") == "MA").then(1_079_000).otherwise("normalization")
            )
        if name == "member_scores":
            return frame.with_columns(risk_score=pl.lit(1883))
        return frame

    before = _file(tmp_path / "a.duckdb", ["COMMUNITY"])
    (found,) = compare(before, _file(tmp_path / "b.duckdb", ["COMMUNITY"], next_year))
    # 2.159 × 0.941 × (1/1.079 − 1/1.067)
    assert _nonzero(found) == {"payment": "-0.021176", "rounding": "0.000176"}
    assert _total(found) == Decimal("-0.021")


def test_months_move_with_their_status(tmp_path: Path) -> None:
    """A member who is in the community all year instead of four months: 0.774 → 0.348, all of it demographic."""

    def at_home(name: str, frame: pl.DataFrame) -> pl.DataFrame:
        if name == "factors":
            return frame.filter(pl.col("segment") == "CNA").with_columns(months=pl.lit(12))
        if name == "scores":
            home = {"segment": "CNA", "raw_score": 395, "normalized_score": 370, "payment_score": 348}
            return frame.with_columns(pl.lit(v).alias(c) for c, v in home.items())
        if name == "member_scores":
            return frame.with_columns(risk_score=pl.lit(348))
        return frame

    before = _file(tmp_path / "a.duckdb", ["MONTHS"])
    (found,) = compare(before, _file(tmp_path / "b.duckdb", ["MONTHS"], at_home))
    # 8/12 × (0.395 − 1.119) × 0.941 / 1.067
    assert _nonzero(found) == {"demographic": "-0.425669", "rounding": "-0.000331"}


def test_a_blend_whose_weights_move(tmp_path: Path) -> None:
    """SPEC S78 → half and half: 0.9 × 1.735 + 0.1 × 2.023 = 1.764; 0.5 × 1.735 + 0.5 × 2.023 = 1.879."""

    def half(name: str, frame: pl.DataFrame) -> pl.DataFrame:
        if name in ("scores", "payment_factors"):
            return frame.with_columns(
                blend_weight=pl.when(pl.col("program") == "PACE").then(500_000).otherwise("blend_weight")
            )
        if name == "member_scores":
            return frame.with_columns(risk_score=pl.lit(1879))
        return frame

    before = _file(tmp_path / "a.duckdb", ["PACE"])
    (found,) = compare(before, _file(tmp_path / "b.duckdb", ["PACE"], half))
    # 0.4 × (2.159 / 1.067 − 2.060 / 1.187)
    assert _nonzero(found) == {"payment": "0.115185", "rounding": "-0.000185"}


def test_both_parts_are_compared_and_every_part_sums(tmp_path: Path, results: Path) -> None:
    found = compare(results, _file(tmp_path / "b.duckdb", ["COMMUNITY", "PDP", "GRAFT", "MONTHS"], _without_diabetes))
    assert [one.part for one in found] == ["C", "D"]
    for one in found:
        assert list(one.parts) == list(KINDS)
        assert _total(one) == one.after - one.before


def test_files_without_a_blended_score_cannot_be_compared(tmp_path: Path, results: Path) -> None:
    empty = _file(tmp_path / "b.duckdb", [])
    with pytest.raises(HccError, match="No part"):
        compare(results, empty)


def _scored(path: Path, year: int, months: int, codes: str) -> Path:
    person = {"birth_date": date(1950, 6, 1), "sex": "F", "part_b_months": months, "part_d_plan": "MA-PD"}
    claims = {
        "claim_id": "1", "thru_date": date(year - 1, 5, 1), "claim_type": "professional", "hcpcs": "99213",
        "diagnosis_codes": codes.split(),
    }  # fmt: skip
    run = hcc.score(
        pl.DataFrame([{"member_id": "a", **person}]), pl.DataFrame([{"member_id": "a", **claims}]), payment_year=year
    )
    return run.save(path)


def test_part_d_of_two_years_is_compared_whatever_its_calibrations_are_called(tmp_path: Path) -> None:
    before = _scored(tmp_path / "a.duckdb", 2025, 12, "E119")
    after = _scored(tmp_path / "b.duckdb", 2026, 12, "E119 I509")
    names = [set(read_table(path, "scores").filter(pl.col("part") == "D")["calibration"]) for path in (before, after)]
    assert len(names[0]) == len(names[1]) == 1
    assert names[0] != names[1]
    found = compare(before, after)[-1]
    factors = read_table(after, "factors").filter(pl.col("model") == "rxhcc-v08")
    gained = factors.filter(pl.col("variable") == "RXHCC186")["coefficient"].item()
    paid = read_table(before, "scores").filter(pl.col("model") == "rxhcc-v08").row(0, named=True)
    worth = paid["payment_score"] / paid["raw_score"]  # of the first file, to three places
    assert [(m.model, m.hcc, m.gained, m.lost) for m in found.hccs] == [("rxhcc-v08", "186", 1, 0)]
    assert abs(found.parts["hcc_gained"] - gained * worth) < Decimal("0.001")
    assert found.parts["coefficient"] != 0  # the other calibration's
    assert _total(found) == found.after - found.before


@pytest.mark.parametrize("months", [(6, 12), (12, 6)])
def test_hccs_that_come_and_go_with_the_status_are_not_coding(tmp_path: Path, months: tuple[int, int]) -> None:
    """A new enrollee who continues, and the other way round: the same diagnoses in both files."""
    codes = "E1122 I509 N184 J449"  # with an interaction and a count
    files = [_scored(tmp_path / f"{n}.duckdb", 2026, n, codes) for n in months]
    for found in compare(*files):
        assert found.after != found.before
        assert {kind for kind, value in found.parts.items() if value} <= {"demographic", "rounding"}
        assert found.hccs == ()
