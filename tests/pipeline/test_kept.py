"""Kept diagnoses: a folder that is whole, private and refused when it is not what it should be."""

from __future__ import annotations

import json
import shutil
import stat
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.demo.population import demo_tables
from hcc.errors import HccError, ResultsError, ResultsExist
from hcc.pipeline.recorded import recorded
from hcc.results import open_results, read_table
from hcc.rules import ruleset
from hcc.rules.folders import find

YEAR = 2026
TABLES = (
    "members", "diagnoses", "member_hccs", "factors", "scores", "member_scores", "edited_diagnoses", "hccs",
    "unmapped_codes", "diagnosis_hccs", "payment_factors", "reasons", "rejected_rows",
)  # fmt: skip


@pytest.fixture(scope="module")
def inputs() -> dict[str, pl.DataFrame]:
    tables = demo_tables(members=300, payment_year=YEAR, seed=11)
    return {name: tables[name] for name in ("members", "claims", "enrollment")}


@pytest.fixture(scope="module")
def kept(inputs: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hcc.keep(**inputs, payment_year=YEAR, out=tmp_path_factory.mktemp("folder") / "demo.kept")


def rows(table: pl.DataFrame) -> list[tuple[str, ...]]:
    return sorted(tuple(map(str, row)) for row in table.drop("run_id", strict=False).rows())


def test_a_file_with_months_is_that_of_the_claims(inputs: dict[str, pl.DataFrame], kept: Path, tmp_path: Path) -> None:
    whole = hcc.score(**inputs, payment_year=YEAR, out=tmp_path / "whole.duckdb")
    again = hcc.score_kept(kept, payment_year=YEAR, out=tmp_path / "again.duckdb")
    for table in TABLES:
        assert rows(read_table(tmp_path / "again.duckdb", table)) == rows(
            read_table(tmp_path / "whole.duckdb", table)
        ), table
    assert again.counts == whole.counts
    seen = []
    for name in ("again", "whole"):
        with open_results(tmp_path / f"{name}.duckdb") as con:
            seen.append(rows(con.sql("SELECT * FROM current_scores").pl()))
    assert seen[0]
    assert seen[0] == seen[1]


def test_another_year_says_what_it_is(inputs: dict[str, pl.DataFrame], kept: Path) -> None:
    run = hcc.score_kept(kept, payment_year=2027, models="cms-hcc-v28")
    assert run.scores["payment_year"].unique().to_list() == [2027]
    assert run.scores["month"].null_count() == run.scores.height  # the months kept are of 2026
    told = " ".join(run.notes)
    assert "kept for payment year 2026 (services of 2025-01-01 to 2025-12-31)" in told
    assert "A what-if: the rules of 2027" in told
    assert "months of enrollment kept are not of 2027" in told


def test_a_scenario_changes_what_it_names(kept: Path) -> None:
    factor = {"program": [{"name": "MA", "model": "cms-hcc-v28", "normalization": "2.0"}]}
    rows = {
        name: run.scores.filter(pl.col("program") == "MA").sort("member_id", "month")
        for name, run in {
            "plain": hcc.score_kept(kept, payment_year=YEAR, tables=("scores",)),
            "what-if": hcc.score_kept(kept, payment_year=YEAR, tables=("scores",), scenario=factor),
        }.items()
    }
    assert rows["plain"]["raw_score"].equals(rows["what-if"]["raw_score"])
    changed = [
        (raw, normalized)
        for raw, normalized in rows["what-if"].select("raw_score", "normalized_score").iter_rows()
        if raw is not None
    ]
    assert len(changed) > 100
    assert all((raw / 2).quantize(Decimal("0.001"), ROUND_HALF_UP) == normalized for raw, normalized in changed)
    assert rows["plain"]["normalized_score"].sum() != rows["what-if"]["normalized_score"].sum()


def test_only_what_was_asked_for_is_made(kept: Path) -> None:
    run = hcc.score_kept(kept, payment_year=2027, tables=("factors", "scores"))  # of another year: one status a member
    assert {"factors", "scores"} <= run.frames.keys()
    assert run.frames.keys().isdisjoint({"diagnoses", "member_hccs", "member_scores", "members", "hccs"})
    sums = run.factors.group_by("member_id", "model", "calibration", "segment", "first_month").agg(
        pl.col("coefficient").sum()
    )
    raws = run.scores.select("member_id", "model", "calibration", "segment", "raw_score").unique()
    both = raws.join(sums, on=["member_id", "model", "calibration", "segment"], how="inner")
    assert both.height
    assert (both["raw_score"] == both["coefficient"]).all()


def test_readable_by_its_owner_alone(kept: Path) -> None:
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "payment year"),
        ({"payment_year": YEAR, "tables": ("hccs",)}, "No such tables to choose: hccs"),
        ({"payment_year": YEAR, "tables": ("scores",), "out": "r.duckdb"}, "holds every table"),
        ({"payment_year": 1999}, "1999"),
    ],
)
def test_wrong_wishes(kept: Path, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(HccError) as error:
        hcc.score_kept(kept, **asked)
    assert words in f"{error.value.message} {error.value.hint}"


def test_no_folder_of_ours(tmp_path: Path, inputs: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(ResultsError, match="holds no kept diagnoses"):
        hcc.score_kept(tmp_path, payment_year=YEAR)
    (tmp_path / "other").mkdir()
    with pytest.raises(ResultsExist):  # never replaces what it did not make
        hcc.keep(**inputs, payment_year=YEAR, out=tmp_path / "other", overwrite=True)
    with pytest.raises(ResultsError, match="does not exist"):
        hcc.keep(**inputs, payment_year=YEAR, out=tmp_path / "none" / "kept")


def test_damaged_or_of_another_version(kept: Path, tmp_path: Path, inputs: dict[str, pl.DataFrame]) -> None:
    def refused(words: str) -> None:
        with pytest.raises(ResultsError, match=words):
            hcc.score_kept(tmp_path / "kept", payment_year=YEAR)
        shutil.rmtree(tmp_path / "kept")
        shutil.copytree(kept, tmp_path / "kept")

    shutil.copytree(kept, tmp_path / "kept")
    (tmp_path / "kept" / "members.arrow").write_bytes(b"no Arrow")
    refused(r"damaged: members\.arrow")
    for name in ("records.arrow", "diagnoses.arrow", "claims.arrow", "codes.arrow", "rejected.arrow"):
        whole = (kept / name).read_bytes()
        (tmp_path / "kept" / name).write_bytes(whole[: len(whole) // 2])
        refused(f"damaged: {name}")
    (tmp_path / "kept" / "enrollment.arrow").unlink()  # not as if there had never been months
    refused(r"damaged: enrollment\.arrow")
    fewer = hcc.keep(
        **(inputs | {"members": inputs["members"].reverse().head(100)}), payment_year=YEAR, out=tmp_path / "fewer"
    )
    for path in (path for path in kept.iterdir() if path.read_bytes() != (fewer / path.name).read_bytes()):
        shutil.copyfile(fewer / path.name, tmp_path / "kept" / path.name)
        refused("damaged: ")
    manifest = json.loads((kept / "kept.json").read_text())
    for text, words in (("[]", "holds no kept"), (json.dumps({"format": manifest["format"]}), "is not whole")):
        (tmp_path / "kept" / "kept.json").write_text(text)
        refused(words)
    manifest = json.loads((kept / "kept.json").read_text())
    (tmp_path / "kept" / "kept.json").write_text(json.dumps({**manifest, "format": 0}))
    with pytest.raises(ResultsError, match="another format"):
        hcc.score_kept(tmp_path / "kept", payment_year=YEAR)


def test_codes_that_nobody_looked_for(kept: Path, tmp_path: Path) -> None:
    """A release of the user's own maps a code on these claims that no model mapped when they were kept."""
    shutil.copytree(find("cms-hcc-v28", str(YEAR)), tmp_path / "cms-hcc-v28" / str(YEAR))
    table = tmp_path / "cms-hcc-v28" / str(YEAR) / "diagnosis_to_hcc.csv"
    plain = hcc.score_kept(kept, payment_year=YEAR, mappings=tmp_path, tables=("scores",))
    assert plain.scores.height
    met = pl.read_ipc(kept / "codes.arrow").slice(json.loads((kept / "kept.json").read_text())["mapped"])
    table.write_text(table.read_text() + f"{met['diagnosis_code'][0]},38\n")
    ruleset._load.cache_clear()
    with pytest.raises(ResultsError, match=r"map 1 code\(s\) on these claims"):
        hcc.score_kept(kept, payment_year=YEAR, mappings=tmp_path)


def test_what_fails_leaves_nothing(
    inputs: dict[str, pl.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hcc.diagnoses import KeptWriter

    target = tmp_path / "demo.kept"
    target_before = hcc.keep(**inputs, payment_year=YEAR, out=target)
    stamp = (target / "kept.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(KeptWriter, "add", full)
    with pytest.raises(ResultsError, match="no space left"):
        hcc.keep(**inputs, payment_year=2025, out=target, overwrite=True)
    assert target_before == target
    assert (target / "kept.json").read_bytes() == stamp
    assert [path.name for path in tmp_path.iterdir()] == ["demo.kept"]
    monkeypatch.undo()
    hcc.keep(**inputs, payment_year=2025, out=target, overwrite=True)
    assert json.loads((target / "kept.json").read_text())["options"]["payment_year"] == 2025
    assert [path.name for path in tmp_path.iterdir()] == ["demo.kept"]


def test_gaps_and_updates_ask_for_the_claims(kept: Path, tmp_path: Path) -> None:
    hcc.score_kept(kept, payment_year=YEAR, out=tmp_path / "r.duckdb")
    with pytest.raises(ResultsError, match="needs the claims themselves"):
        recorded(tmp_path / "r.duckdb")


def test_claims_without_a_row(inputs: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    given = {"members": inputs["members"], "claims": inputs["claims"].clear()}
    kept = hcc.keep(**given, payment_year=YEAR, out=tmp_path / "kept")
    whole, again = hcc.score(**given, payment_year=YEAR), hcc.score_kept(kept, payment_year=YEAR)
    assert rows(again.scores) == rows(whole.scores)
    assert again.counts == whole.counts


def test_a_run_on_claims_can_be_held_to_some_tables(inputs: dict[str, pl.DataFrame]) -> None:
    whole = hcc.score(**inputs, payment_year=YEAR)
    some = hcc.score(**inputs, payment_year=YEAR, tables=("scores", "factors"))
    for name in ("scores", "factors"):
        assert rows(getattr(some, name)) == rows(getattr(whole, name))
    assert some.frames.keys().isdisjoint({"diagnoses", "member_hccs", "members"})
    with pytest.raises(HccError, match="No such tables to choose: scores"):  # a word, not a list of words
        hcc.score(**inputs, payment_year=YEAR, tables="scores")
    for odd, told in ((5, "5"), ([None], "None")):
        with pytest.raises(HccError, match=f"No such tables to choose: {told}"):
            hcc.score(**inputs, payment_year=YEAR, tables=odd)  # type: ignore[arg-type]
