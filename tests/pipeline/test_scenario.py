"""The scenario file: what it may say, every fault at once, and figures recorded as they were used.

A woman of 72 without diagnoses is paid in MA by V28: CNA 0.395 ÷ 1.067 = 0.370, × 0.941 = 0.348. In PACE 0.9 of V22
(0.374 ÷ 1.187 = 0.315) and 0.1 of V28 (0.370) make 0.3205, 0.321.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.errors import HccError
from hcc.results import explain, explanation_text, read_table

YEAR = 2026
V22, V28 = "cms-hcc-v22", "cms-hcc-v28"
CLAIMS = pl.DataFrame(
    {"claim_id": ["c"], "member_id": ["A"], "thru_date": [date(2025, 5, 5)], "hcpcs": ["99213"],
     "diagnosis_1": ["Z0000"]}
)  # fmt: skip


def members(**told: Any) -> pl.DataFrame:
    return pl.DataFrame([{"member_id": "A", "birth_date": date(1953, 6, 15), "sex": "F", "contract_id": "H1", **told}])


def score(scenario: Any, *, year: int = YEAR, **member: Any) -> Any:
    return hcc.score(members(**member), CLAIMS, payment_year=year, scenario=scenario)


def from_file(text: str, folder: Path) -> Any:
    path = folder / "what-if.toml"
    path.write_text(text, encoding="utf-8")
    return score(path)


def one(**told: Any) -> dict[str, Any]:
    return {"program": [told]}


def pace(old: object, new: object) -> dict[str, Any]:
    return {
        "program": [
            {"name": "PACE", "model": V22, "blend_weight": old},
            {"name": "PACE", "model": V28, "blend_weight": new},
        ]
    }


FAULTS = [
    (one(name="MA", normalization="0"), "normalization is 0: it must lie between 0.01 and 100"),
    (one(name="MA", normalization="-1.1"), "normalization is -1.1: it must lie"),
    (one(name="MA", normalization="0.0000001"), "normalization is 0.0000001: it must lie"),
    (one(name="MA", normalization="1000"), "normalization is 1000: it must lie"),
    (one(name="MA", normalization="NaN"), "normalization is 'NaN', not a number"),
    (one(name="MA", normalization=float("nan")), "normalization is nan, not a number"),
    (one(name="MA", normalization="Infinity"), "normalization is 'Infinity', not a number"),
    (one(name="MA", normalization=Decimal("-Infinity")), "not a number"),
    (one(name="MA", normalization="abc"), "normalization is 'abc', not a number"),
    (one(name="MA", normalization="1,067"), "normalization is '1,067', not a number"),
    (one(name="MA", normalization="1_0"), "normalization is '1_0', not a number"),
    (one(name="MA", normalization=""), "normalization is '', not a number"),
    (one(name="MA", normalization=True), "normalization is True, not a number"),
    (one(name="MA", normalization=None), "normalization is None, not a number"),
    (one(name="MA", normalization=["1.2"]), "normalization is ['1.2'], not a number"),
    (one(name="MA", normalization={"a": 1}), "not a number"),
    (one(name="MA", normalization="1e99999999999999999999"), "normalization is"),
    (one(name="MA", normalization=10**5000), "normalization is"),
    (one(name="MA", normalization="1.0670001"), "at most 6 decimals are taken (1.067)"),
    (one(name="MA", normalization=1.0670000000000001e0 + 1e-15), "at most 6 decimals are taken (1.067)"),
    (one(name="MA", coding_adjustment="1"), "coding_adjustment is 1: it must be at least 0 and below 1"),
    (one(name="MA", coding_adjustment="5.9"), "coding_adjustment is 5.9: it must be"),
    (one(name="MA", coding_adjustment="-0.1"), "coding_adjustment is -0.1: it must be"),
    (one(name="MA", blend_weight="1.5"), "blend_weight is 1.5: it must lie between 0 and 1"),
    (pace("1.5", "-0.5"), "blend_weight is -0.5: it must lie between 0 and 1"),
    (pace(1 / 3, 2 / 3), "at most 6 decimals are taken (0.333333)"),
    (pace("0.8", "0.1"), "the blend weights of PACE sum to 0.9, not 1 (cms-hcc-v22 0.8, cms-hcc-v28 0.1)"),
    (one(name="PACE", model=V22, blend_weight="0.8"), "the blend weights of PACE sum to 0.9, not 1"),
    (one(name="PACE", blend_weight="0.9"), "the blend weights of PACE sum to 1.8, not 1"),
    (one(normalization="1.2"), "program 1: it names no programme"),
    (one(name="MAA", normalization="1.2"), "there is no programme 'MAA'"),
    (one(name=5, normalization="1.2"), "there is no programme 5"),
    (one(name=["MA"], normalization="1.2"), "there is no programme ['MA']"),
    (one(name="MA", model="cms-hcc-v24", normalization="1.2"), "MA is not paid by the model 'cms-hcc-v24'"),
    (one(name="MA", model=28, normalization="1.2"), "MA is not paid by the model 28"),
    (one(name="MA", model=V28), "it changes nothing"),
    (one(name="MA", normalisation="1.2"), "'normalisation' is no key"),
    (one(name="MA", normalization="1.2", calibration="x"), "'calibration' is no key"),
    (one(name="MA", normalization="1.2", sources=["raps"]), "'sources' is no key"),
    (one(name="MA", normalization="1.2", available=False), "'available' is no key"),
    (one(name="MA", normalization="1.2", unverified=True), "'unverified' is no key"),
    ({"program": [{"name": "MA", "normalization": "1.2"}] * 2}, "normalization of MA, cms-hcc-v28 is given twice"),
    (
        {"program": [{"name": "PACE", "normalization": "1.2"}, {"name": "PACE", "model": V28, "normalization": "1.3"}]},
        "normalization of PACE, cms-hcc-v28 is given twice",
    ),
    ({"program": {"name": "MA", "normalization": "1.2"}}, "[program] is one table: write [[program]]"),
    ({"program": "MA"}, "program is 'MA': write [[program]]"),
    ({"program": ["MA"]}, "program 1 is 'MA', not a table"),
    ({"programs": []}, "'programs' is no key"),
    ({"normalization": "1.2"}, "'normalization' is no key"),
    ({"frailty": 0.1}, "frailty is 0.1, not a table"),
    ({"frailty": [0.1]}, "frailty is [0.1], not a table"),
    ({"frailty": True}, "frailty is True, not a table"),
    ({"frailty": {"H1": "abc"}}, "frailty of H1 is 'abc', not a number"),
    ({"frailty": {"H1": float("nan")}}, "frailty of H1 is nan, not a number"),
    ({"frailty": {"H1": [0.1]}}, "frailty of H1 is [0.1], not a number"),
    ({"frailty": {"H1": True}}, "frailty of H1 is True, not a number"),
    ({"frailty": {"H1": 10}}, "frailty of H1 is 10: it must lie between -1 and 1"),
    ({"frailty": {1234: 0.1}}, "frailty names the contract 1234, which is not text"),
    (5, "a scenario is a TOML file or a dict, not int"),
    ([one(name="MA")], "a scenario is a TOML file or a dict, not list"),
]


@pytest.mark.parametrize(("scenario", "words"), FAULTS)
def test_a_fault_is_told_with_the_way_out(scenario: Any, words: str) -> None:
    with pytest.raises(HccError) as error:
        score(scenario)
    assert words in error.value.message
    assert error.value.hint
    assert "pydantic" not in str(error.value)
    assert len(str(error.value)) < 1500


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = """
    colour = "red"
    [[program]]
    name = "MA"
    normalization = "0"
    coding_adjustment = nan
    sources = ["raps"]
    [[program]]
    name = "MAA"
    [[program]]
    name = "PACE"
    model = "cms-hcc-v22"
    blend_weight = 0.8
    [frailty]
    H1 = "much"
    H2 = 0.1
    """
    with pytest.raises(HccError) as error:
        from_file(text, tmp_path)
    told = error.value.message
    for words in (
        "'colour' is no key", "normalization is 0", "coding_adjustment is nan", "'sources' is no key", "'MAA'",
        "program 2: it changes nothing",
        "the blend weights of PACE sum to 0.9", "frailty of H1 is 'much'",
    ):  # fmt: skip
        assert words in told
    assert "has 8 faults" in told
    assert "H2" not in told
    assert error.value.hint is not None
    assert "MA (cms-hcc-v28)" in error.value.hint
    assert "PACE (cms-hcc-v22, cms-hcc-v28)" in error.value.hint


@pytest.mark.parametrize("text", ["[[program]\nname=", "a = " + "[" * 5000, "a = " + "1" * 5000])
def test_no_toml_is_one_clear_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(HccError, match=r"what-if\.toml"):
        from_file(text, tmp_path)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe[")
    for path in (tmp_path / "s.toml", tmp_path / "none.toml", tmp_path):
        with pytest.raises(HccError, match=path.name):
            score(path)


def test_it_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(HccError, match="normalization is 0"):
        hcc.score(tmp_path / "no.csv", tmp_path / "no.csv", payment_year=YEAR, scenario=one(name="MA", normalization=0))


TAKEN = [
    # 0.395 ÷ 1.2 = 0.329, × 0.941 = 0.30959
    ('normalization = "1.2"', "0.310"),
    ("normalization = 1.2", "0.310"),
    ("normalization = 1", "0.372"),  # 0.395 × 0.941 = 0.371695
    ('model = "cms-hcc-v28"\nnormalization = "1.20000000000"', "0.310"),
    ('normalization = "1.0675"', "0.348"),  # 0.37002 → 0.370
    # 0.370 × (1 − 0.0591) = 0.348133; × (1 − 0.0613) = 0.347319
    ("coding_adjustment = 0.0591", "0.348"),
    ("coding_adjustment = 0.0613", "0.347"),
    ("coding_adjustment = 0", "0.370"),
    ('blend_weight = "1"', "0.348"),
]


@pytest.mark.parametrize(("lines", "risk"), TAKEN)
def test_figures_as_text_or_as_numbers(lines: str, risk: str, tmp_path: Path) -> None:
    run = from_file(f'[[program]]\nname = "MA"\n{lines}\n', tmp_path)
    assert [str(score) for score in run.member_scores["risk_score"]] == [risk]


def test_a_model_may_be_named_with_its_calibration() -> None:
    """Part D, MA-PD, X 2026: F70_74 non-low aged 0.035 ÷ 1.194 = 0.029; ÷ 0.5 = 0.070."""
    for model in ("rxhcc-v08", "rxhcc-v08:x"):
        run = score(one(name="PartD-MAPD", model=model, normalization="0.5"), part_d_plan="MA-PD")
        part_d = run.member_scores.filter(pl.col("part").cast(pl.String) == "D")
        assert str(part_d["risk_score"][0]) == "0.070"


@pytest.mark.parametrize("scenario", [None, {}, {"program": []}, {"frailty": {}}])
def test_a_scenario_that_says_nothing_changes_nothing(scenario: Any) -> None:
    assert str(score(scenario).member_scores["risk_score"][0]) == "0.348"


def recorded(run: Any) -> list[tuple[Decimal | None, ...]]:
    names = ("normalization", "coding_adjustment", "blend_weight")
    return sorted(run.payment_factors.filter(pl.col("part").cast(pl.String) == "C").select(names).rows())


def test_figures_are_recorded_as_they_were_used(tmp_path: Path) -> None:
    """0.6667 × 0.350 + 0.3333 × 0.370 = 0.356666; 0.374 ÷ 1.0675 = 0.350."""
    scenario = pace("0.6667", 0.3333)
    scenario["program"].append({"name": "PACE", "model": V22, "normalization": 1.0675})
    run = score(scenario, program="PACE")
    assert recorded(run) == [
        (Decimal("1.067"), Decimal(0), Decimal("0.3333")), (Decimal("1.0675"), Decimal(0), Decimal("0.6667"))
    ]  # fmt: skip
    weights = dict(run.scores.select(pl.col("model").cast(pl.String), "blend_weight").rows())
    assert weights == {V22: Decimal("0.6667"), V28: Decimal("0.3333")}
    assert str(run.member_scores["risk_score"][0]) == "0.357"
    run.save(tmp_path / "r.duckdb")
    table = read_table(tmp_path / "r.duckdb", "payment_factors")
    assert set(table["normalization"]) == {Decimal("1.067"), Decimal("1.0675")}
    assert set(read_table(tmp_path / "r.duckdb", "scores")["blend_weight"]) == {Decimal("0.6667"), Decimal("0.3333")}
    words = " ".join(explanation_text(explain(tmp_path / "r.duckdb", "A")).split())
    assert "0.6667 × 0.350 + 0.3333 × 0.370 = 0.357" in words
    assert "÷ normalization 1.0675 0.350" in words
    assert "÷ normalization 1.067 0.370" in words


def test_six_decimals_are_exact() -> None:
    weights = pace("0.333333", "0.666667")
    run = score(weights, program="PACE")  # 0.315 / 3 + 0.370 × 2 / 3 = 0.35167
    assert str(run.member_scores["risk_score"][0]) == "0.352"
    assert {row[2] for row in recorded(run)} == {Decimal("0.333333"), Decimal("0.666667")}


def sources(run: Any) -> dict[str, str]:
    return dict(run.payment_factors.select(pl.col("model").cast(pl.String), "source").rows())


def test_the_source_of_a_figure_is_the_scenario() -> None:
    plain = sources(score(None, program="PACE"))
    changed = sources(score(one(name="PACE", model=V22, normalization="1.2", coding_adjustment="0.1"), program="PACE"))
    assert changed[V28] == plain[V28]
    assert changed[V22] == f"scenario: normalization, coding_adjustment; all else: {plain[V22]}"
    all_of_it = {"name": "PACE", "normalization": "1.2", "coding_adjustment": "0", "blend_weight": "0.5"}
    assert set(sources(score({"program": [all_of_it]}, program="PACE")).values()) == {
        "scenario: normalization, coding_adjustment, blend_weight"
    }


UNVERIFIED = [
    # 2025, Part D: a normalization that somebody remembered, the only doubtful figure of a single model
    (2025, {"part_d_plan": "MA-PD"}, "PartD-MAPD", {}, True),
    (2025, {"part_d_plan": "MA-PD"}, "PartD-MAPD", {"coding_adjustment": "0.01"}, True),
    (2025, {"part_d_plan": "MA-PD"}, "PartD-MAPD", {"normalization": "1.05"}, False),
    # 2025, PACE: none was found
    (2025, {"program": "PACE"}, "PACE", {"normalization": "1.18"}, False),
    (2025, {"program": "PACE"}, "PACE", {"coding_adjustment": "0.01"}, True),
    # 2026, Part D of PACE: normalization and weight of the model for MA-PD are both in doubt
    (2026, {"program": "PACE", "part_d_plan": "MA-PD"}, "PACE-PartD", {"normalization": "1.2"}, True),
    (2026, {"program": "PACE", "part_d_plan": "MA-PD"}, "PACE-PartD", {"blend_weight": "0.5"}, True),
    (
        2026, {"program": "PACE", "part_d_plan": "MA-PD"}, "PACE-PartD",
        {"normalization": "1.2", "blend_weight": "0.5"}, False,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("year", "member", "program", "figures", "unverified"), UNVERIFIED)
def test_unverified_until_every_doubtful_figure_is_ones_own(
    year: int, member: dict[str, Any], program: str, figures: dict[str, str], unverified: bool
) -> None:
    run = score(one(name=program, **figures) if figures else None, year=year, **member)
    mine = pl.col("program").cast(pl.String) == program
    assert run.payment_factors.filter(mine)["unverified"].any() is unverified
    assert run.scores.filter(mine)["unverified"].any() is unverified
    part = run.payment_factors.filter(mine)["part"].cast(pl.String)[0]
    assert run.member_scores.filter(pl.col("part").cast(pl.String) == part)["unverified"].to_list() == [unverified]


def test_a_run_says_what_it_was_asked(tmp_path: Path) -> None:
    """Its scenario is read again from the file, for gaps and updates."""
    from hcc.pipeline.recorded import recorded as read_again

    given = {"program": [{"name": "MA", "normalization": Decimal("1.2")}], "frailty": {"H1": 0.1}}
    for name, frame in (("m", members()), ("c", CLAIMS)):
        frame.write_csv(tmp_path / f"{name}.csv")
    out = tmp_path / "r.duckdb"
    hcc.score(tmp_path / "m.csv", tmp_path / "c.csv", payment_year=YEAR, scenario=given, out=out)
    scenario = read_again(out).options.scenario
    assert scenario == {"program": [{"name": "MA", "normalization": "1.2"}], "frailty": {"H1": 0.1}}


def test_the_file_of_the_guide_works(tmp_path: Path) -> None:
    """0.374 ÷ 1.2 = 0.312, × 0.99 = 0.309 (0.30888); half of it and half of 0.370: 0.3395, and 0.112: 0.452."""
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "actuary.md").read_text(encoding="utf-8")
    (sample,) = [block.split("```")[0] for block in guide.split("```toml\n")[1:] if "[[program]]" in block]
    (tmp_path / "what-if.toml").write_text(sample, encoding="utf-8")
    run = score(tmp_path / "what-if.toml", program="PACE", contract_id="H1234")
    assert str(run.member_scores["risk_score"][0]) == "0.452"
