"""Providers that stand out (AUD-RARE; SPEC 6.4): at least k standard deviations above the others."""

from __future__ import annotations

import polars as pl
import pytest

from hcc.gaps.patterns.outliers import OUTLIERS, provider_outliers, provider_panels
from hcc.rules.gap_patterns import ProviderOutlier
from tests.gaps.build import Person, candidates, model, only, shipped_rules

HF, DIABETES = "I509", "E119"


def pattern() -> ProviderOutlier:
    found = shipped_rules().rule("AUD-RARE").pattern
    assert isinstance(found, ProviderOutlier)
    return found


def outliers(counts: list[int], panel: int = 60) -> pl.DataFrame:
    """Of providers p0, p1 … with ``panel`` members each, ``counts`` of whom have the HCC."""
    panels = pl.DataFrame({"rendering_npi": [f"p{i}" for i in range(len(counts))], "panel": panel})
    by_hcc = panels.select(
        "rendering_npi", pl.lit("x").alias("model"), pl.lit("y").alias("calibration"), pl.lit("38").alias("hcc"),
        pl.Series("members", counts, dtype=pl.UInt32),
    ).filter(pl.col("members") > 0)  # fmt: skip
    return provider_outliers(panels.cast({"panel": pl.UInt32}), by_hcc, pattern())


@pytest.mark.parametrize("count", [60, 30, 12])
def test_where_all_are_alike_nobody_stands_out(count: int) -> None:
    assert outliers([count] * 14).is_empty()


def test_who_is_below_the_others_does_not_stand_out() -> None:
    assert outliers([*[60] * 13, 30]).is_empty()


def test_one_far_above_the_others() -> None:
    (row,) = outliers([30, *[2] * 13]).to_dicts()
    # The others' share is 2/60 and has no spread; drawn from it, that of 60 members deviates by 0.02317.
    assert (row["rendering_npi"], row["members"], row["panel"]) == ("p0", 30, 60)
    assert row["peer_share"] == pytest.approx(2 / 60)
    assert row["sigmas"] == pytest.approx((0.5 - 2 / 60) / 0.023174, rel=1e-3)


def test_what_no_other_codes_is_measured_against_one_member_of_all_theirs() -> None:
    (row,) = outliers([30, *[0] * 13]).to_dicts()
    # 1 of 780 members: the share of 60 deviates by 0.00462.
    assert row["sigmas"] == pytest.approx(0.5 / 0.0046193, rel=1e-3)
    # Ten of 5,000 members, where the others have none of 65,000: 0.002 against 4 times 0.0000555.
    assert outliers([10, *[0] * 13], 5000).height == 1


def test_the_panel_is_whom_the_provider_sees_not_what_the_models_map() -> None:
    diagnoses = pl.DataFrame(
        {"member_index": [1, 1], "diagnosis_code": [HF, HF], "rendering_npi": ["1", "2"], "counted": [True, False]}
    ).cast({"member_index": pl.UInt32})
    mapping = pl.DataFrame({"model": ["x"], "calibration": [""], "diagnosis_code": [HF], "hcc": ["226"]})
    seen = pl.DataFrame({"member_index": [1, 2, 3], "rendering_npi": ["1", "1", "2"]}).cast({"member_index": pl.UInt32})
    panel, by_hcc = provider_panels(diagnoses, mapping, seen)
    assert sorted(panel.rows()) == [("1", 2), ("2", 1)]
    assert by_hcc.rows() == [("1", "x", "", "226", 1)]


def standing_out(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """(npi, name of the model, hcc) that stand out, with 27 of 52 members."""
    made = [
        {"rendering_npi": npi, "model": name, "calibration": "", "hcc": hcc, "members": 27,
         "panel": 52, "share": 27 / 52, "peer_share": 0.033, "sigmas": 9.0}
        for npi, name, hcc in rows
    ]  # fmt: skip
    return pl.DataFrame(made, schema=OUTLIERS)


def flagged(person: Person, outlying: pl.DataFrame, **options: object):
    calibrations = {name: model(name, 2026).calibration for name in outlying["model"].unique()}
    outlying = outlying.with_columns(pl.col("model").replace_strict(calibrations).alias("calibration"))
    return candidates(person, outliers=outlying, **options)


def test_the_provider_is_named_in_the_sentence_and_in_the_evidence() -> None:
    person = (
        Person().dx(HF, "2025-03-01", npi="1000000001", claim="a").dx(HF, "2025-05-01", npi="1000000001", claim="b")
    )
    found = flagged(person, standing_out(("1000000001", "cms-hcc-v28", "226")))
    (row,) = only(found.gaps, "AUD-RARE")
    assert (row["hcc"], row["codes"], row["claims"], row["falls"]) == ("226", HF, 2, True)
    assert row["reason"].endswith(": NPI 1000000001, 27 of 52 members (51.9 %) against 3.3 % at other providers.")
    evidence = found.evidence.filter(pl.col("gap_id") == row["gap_id"])
    assert set(evidence["claim_id"].drop_nulls()) == {"a", "b"}
    (named,) = evidence.filter(pl.col("description").str.contains("NPI")).to_dicts()
    assert "1000000001" in named["description"]
    assert named["value"] == "27 of 52 members (51.9 %) against 3.3 % at other providers"


def test_each_model_tells_its_own_share() -> None:
    person = Person().dx(HF, "2025-03-01", npi="1000000001")
    both = standing_out(("1000000001", "cms-hcc-v28", "226"), ("1000000001", "cms-hcc-v24", "85")).with_columns(
        pl.when(pl.col("hcc") == "85").then(40).otherwise("members").cast(pl.UInt32).alias("members")
    )
    found = flagged(person, both, models=("cms-hcc-v28", "cms-hcc-v24"))
    told = {row["hcc"]: row["reason"].split("NPI ")[1].split(" members")[0] for row in only(found.gaps, "AUD-RARE")}
    assert told == {"226": "1000000001, 27 of 52", "85": "1000000001, 40 of 52"}


@pytest.mark.parametrize("other", ["1000000002", "1000000003", None])
def test_an_hcc_that_another_provider_codes_too_rests_on_no_single_one(other: str | None) -> None:
    """Whether the other stands out as well, does not, or is not known."""
    person = Person().dx(HF, "2025-03-01", npi="1000000001").dx(HF, "2025-05-01", npi=other)
    outlying = standing_out(("1000000001", "cms-hcc-v28", "226"), ("1000000002", "cms-hcc-v28", "226"))
    assert only(flagged(person, outlying).gaps, "AUD-RARE") == []


def test_what_another_provider_codes_of_another_hcc_does_not_matter() -> None:
    person = Person().dx(HF, "2025-03-01", npi="1000000001").dx(DIABETES, "2025-05-01", npi="1000000002")
    rows = only(flagged(person, standing_out(("1000000001", "cms-hcc-v28", "226"))).gaps, "AUD-RARE")
    assert [row["hcc"] for row in rows] == ["226"]
