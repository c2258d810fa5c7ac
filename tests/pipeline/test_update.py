"""New claims into an existing file give what a full run on all files gives."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.demo.population import demo_tables
from hcc.errors import InputError, ResultsError
from hcc.pipeline.update import update
from hcc.results import read_table

YEAR = 2026
TABLES = (
    "members", "diagnoses", "member_hccs", "factors", "scores", "member_scores", "edited_diagnoses", "hccs",
    "unmapped_codes", "diagnosis_hccs", "payment_factors", "reasons",
)  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return demo_tables(members=400, payment_year=YEAR, seed=5)


def split(tables: dict[str, pl.DataFrame], folder: Path, seed: int, share: float) -> tuple[Path, Path, Path]:
    """members, earlier claims and later claims as files: later are some claims of some members, chains among them."""
    claims = tables["claims"]
    rnd = Random(seed)
    some = set(rnd.sample(sorted(claims["member_id"].drop_nulls().unique().to_list()), int(350 * share)))
    late = {c for c in sorted(claims["claim_id"].drop_nulls().unique().to_list()) if rnd.random() < 0.5}
    later = pl.col("member_id").is_in(list(some)) & pl.col("claim_id").is_in(list(late))
    paths = folder / "members.parquet", folder / "early.parquet", folder / "late.parquet"
    tables["members"].write_parquet(paths[0])
    claims.filter(~later.fill_null(False)).write_parquet(paths[1])
    claims.filter(later).write_parquet(paths[2])
    return paths


def rows(path: Path, table: str) -> list[tuple[str, ...]]:
    frame = read_table(path, table)
    return sorted(tuple(map(str, row)) for row in frame.drop("run_id", strict=False).rows())


def counts(path: Path) -> dict[str, Any]:
    return json.loads(read_table(path, "runs")["counts"][0])


@pytest.mark.parametrize(("seed", "share"), [(1, 0.05), (2, 0.5), (3, 1.0)])
def test_the_same_as_a_full_run(tables: dict[str, pl.DataFrame], tmp_path: Path, seed: int, share: float) -> None:
    members, early, late = split(tables, tmp_path, seed, share)
    whole, file, out = (tmp_path / name for name in ("whole.duckdb", "r.duckdb", "new.duckdb"))
    hcc.score(members, [early, late], payment_year=YEAR, out=whole)
    hcc.score(members, early, payment_year=YEAR, out=file)
    before = file.read_bytes()
    found = update(file, late, out=out)
    assert file.read_bytes() == before
    for table in TABLES:
        assert rows(out, table) == rows(whole, table), table
    assert counts(out) == counts(whole)
    told = {(row["member_id"], str(row["part"])): row for row in found.changes.to_dicts()}
    was, now = (
        {(r["member_id"], str(r["part"])): r["risk_score"] for r in read_table(one, "member_scores").to_dicts()}
        for one in (file, whole)
    )
    assert {key for key in now if now[key] != was[key]} == set(told)
    assert all(row["why"] and row["after"] == now[key] for key, row in told.items())
    assert found.touched == pl.read_parquet(late).join(read_table(out, "members"), on="member_id", how="semi")[
        "member_id"
    ].n_unique()  # fmt: skip


def test_an_updated_file_can_be_updated_again(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    members, early, late = split(tables, tmp_path, 4, 0.3)
    halves = [pl.read_parquet(late).filter(pl.col("claim_id").hash() % 2 == i) for i in (0, 1)]
    for number, half in enumerate(halves):
        half.write_parquet(tmp_path / f"late{number}.parquet")
    whole, file = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    hcc.score(members, [early, tmp_path / "late0.parquet", tmp_path / "late1.parquet"], payment_year=YEAR, out=whole)
    hcc.score(members, early, payment_year=YEAR, out=file)
    update(file, tmp_path / "late0.parquet")
    update(file, tmp_path / "late1.parquet")
    for table in TABLES:
        assert rows(file, table) == rows(whole, table), table
    assert counts(file) == counts(whole)
    with pytest.raises(InputError, match="among the claims of the run already"):
        update(file, tmp_path / "late1.parquet")


def test_claims_that_changed_since_are_refused(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    members, early, late = split(tables, tmp_path, 6, 0.2)
    file = tmp_path / "r.duckdb"
    hcc.score(members, early, payment_year=YEAR, out=file)
    pl.read_parquet(early).head(100).write_parquet(early)
    with pytest.raises(ResultsError, match="changed since"):
        update(file, late)


def test_new_claims_of_strangers_are_counted_and_not_used(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    members, early, late = split(tables, tmp_path, 7, 0.2)
    strange = pl.read_parquet(late).head(20).with_columns(
        pl.lit("nobody").alias("member_id"), ("X" + pl.col("claim_id")).alias("claim_id")
    )  # fmt: skip
    pl.concat([pl.read_parquet(late), strange]).write_parquet(late)
    whole, file = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    hcc.score(members, [early, late], payment_year=YEAR, out=whole)
    hcc.score(members, early, payment_year=YEAR, out=file)
    found = update(file, late)
    assert any("does not have" in note for note in found.notes)
    assert counts(file) == counts(whole)
    for table in TABLES:
        assert rows(file, table) == rows(whole, table), table


def test_diagnoses_that_do_not_say_whose_they_are(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """A table of diagnoses without member_id: their claims say it, those of strangers are counted."""
    members, early, late = split(tables, tmp_path, 8, 0.4)
    codes = [f"diagnosis_{i}" for i in range(1, 26)]
    for path in (early, late):
        claims = pl.read_parquet(path)
        there = [c for c in codes if c in claims.columns]
        long = claims.unpivot(on=there, index=["claim_id", "member_id"], value_name="diagnosis_code").drop("variable")
        long.drop_nulls().unique().drop("member_id").write_parquet(path.with_suffix(".dx"))
        claims.drop(there).write_parquet(path)
        path.with_suffix(".dx").rename(tmp_path / f"dx_{path.name}")
    strange = pl.read_parquet(late).head(30).with_columns(pl.lit("nobody").alias("member_id"))
    pl.concat(
        [pl.read_parquet(late), strange.with_columns(("X" + pl.col("claim_id")).alias("claim_id"))]
    ).write_parquet(late)
    dx = pl.read_parquet(tmp_path / "dx_late.parquet")
    theirs = dx.join(strange.select("claim_id").unique(), on="claim_id").with_columns(
        ("X" + pl.col("claim_id")).alias("claim_id")
    )  # fmt: skip
    pl.concat([dx, theirs]).write_parquet(tmp_path / "dx_late.parquet")
    whole, file = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    both = [tmp_path / "dx_early.parquet", tmp_path / "dx_late.parquet"]
    hcc.score(members, [early, late], claim_diagnoses=both, payment_year=YEAR, out=whole)
    hcc.score(members, early, claim_diagnoses=both[0], payment_year=YEAR, out=file)
    update(file, late, claim_diagnoses=both[1])
    for table in TABLES:
        assert rows(file, table) == rows(whole, table), table
    assert counts(file) == counts(whole)


def test_diagnoses_of_earlier_claims_and_of_no_claim(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """New diagnoses may belong to claims that the run has already, or, by their claim_id and member_id, to none."""
    members, early, late = split(tables, tmp_path, 9, 0.3)
    claims = pl.concat([pl.read_parquet(early), pl.read_parquet(late)])
    there = [c for c in claims.columns if c.startswith("diagnosis_")]
    long = claims.unpivot(on=there, index=["claim_id", "member_id"], value_name="diagnosis_code").drop("variable")
    long = long.drop_nulls().unique(maintain_order=True).with_row_index("row")
    lost = long.head(40).with_columns(
        member_id=pl.when(pl.col("row") % 2 == 0).then(pl.lit("nobody")).otherwise(pl.col("member_id").reverse())
    )
    new = pl.concat([long.filter(pl.col("row") % 5 == 0), lost])
    early.unlink()
    claims.drop(there).write_parquet(early)
    claims.drop(there).clear().write_parquet(late)
    both = [tmp_path / "dx_old.parquet", tmp_path / "dx_new.parquet"]
    long.filter(pl.col("row") % 5 != 0).drop("row").write_parquet(both[0])
    new.drop("row").write_parquet(both[1])
    whole, file = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    hcc.score(members, early, claim_diagnoses=both, payment_year=YEAR, out=whole)
    hcc.score(members, early, claim_diagnoses=both[0], payment_year=YEAR, out=file)
    assert counts(file)["diagnoses_without_claim"] == 0
    update(file, late, claim_diagnoses=both[1])
    for table in TABLES:
        assert rows(file, table) == rows(whole, table), table
    assert counts(file) == counts(whole)
    assert counts(whole)["diagnoses_without_claim"] > 0


@pytest.mark.parametrize("named", [True, False], ids=["says whose", "says not whose"])
@pytest.mark.parametrize("owner", ["M", "stranger"])
def test_a_diagnosis_whose_claim_comes_later_no_longer_lacks_it(owner: str, named: bool, tmp_path: Path) -> None:
    """C2's diagnosis is there first; its line comes with the update. C3's line never comes."""
    members, one, two = (tmp_path / name for name in ("members.parquet", "one.parquet", "two.parquet"))
    pl.DataFrame({"member_id": ["M"], "birth_date": [date(1950, 1, 1)], "sex": ["F"]}).write_parquet(members)
    for path, who, claim in ((one, "M", "C1"), (two, owner, "C2")):
        pl.DataFrame(
            {"claim_id": [claim], "member_id": [who], "thru_date": [date(YEAR - 1, 5, 5)], "hcpcs": ["99213"]}
        ).write_parquet(path)
    there = pl.DataFrame({"claim_id": ["C2", "C3"], "member_id": [owner, owner], "diagnosis_code": ["E1122"] * 2})
    added = pl.DataFrame({"claim_id": ["C1"], "member_id": ["M"], "diagnosis_code": ["E1122"]})
    both = [tmp_path / "dx_one.parquet", tmp_path / "dx_two.parquet"]
    for path, frame in zip(both, (there, added), strict=True):
        (frame if named else frame.drop("member_id")).write_parquet(path)
    whole, file = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    hcc.score(members, [one, two], claim_diagnoses=both, payment_year=YEAR, out=whole)
    hcc.score(members, one, claim_diagnoses=both[0], payment_year=YEAR, out=file)
    assert counts(file)["diagnoses_without_claim"] == 2
    update(file, two, claim_diagnoses=both[1])
    assert counts(file)["diagnoses_without_claim"] == counts(whole)["diagnoses_without_claim"] == 1
    assert rows(file, "diagnoses") == rows(whole, "diagnoses")


def chained() -> pl.DataFrame:
    """Forty members whose claims have the same few numbers: visits, replacements, voids and chart-review deletes."""
    rnd, rows = Random(11), []
    codes = ["E1122", "I509", "J449", "B20", "C61", "I4891", "F320"]
    for number in range(40):
        for place in range(rnd.randint(1, 6)):
            kind = rnd.choice(["visit", "visit", "visit", "7", "8", "delete", "review"])
            other = f"C{rnd.randrange(6)}"
            day = rnd.choice([None, date(2025, 8, 1), date(2026, 2, 1), date(2027, 6, 1)])
            rows.append({
                "claim_id": f"C{place}", "member_id": "nobody" if number > 36 else f"M{number:02d}",
                "thru_date": date(2025, 5, 5), "hcpcs": "99213", "submission_date": day,
                "frequency_code": kind if kind in "78" else "1",
                "original_claim_id": other if kind in "78" and rnd.random() < 0.7 else None,
                "record_type": {"delete": "chart_review_delete", "review": "chart_review"}.get(kind, "encounter"),
                "linked_claim_id": other if kind in ("delete", "review") else None,
                "diagnosis_codes": rnd.sample(codes, rnd.randint(1, 3)),
            })  # fmt: skip
            if kind in "78" and rnd.random() < 0.3:  # two versions of one number
                rows.append({**rows[-1], "frequency_code": "1", "original_claim_id": None, "submission_date": None,
                             "diagnosis_codes": rnd.sample(codes, 2)})  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


@pytest.mark.parametrize("diagnoses", ["on the lines", "apart, of members", "apart"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_numbers_that_members_and_versions_share(tmp_path: Path, seed: int, diagnoses: str) -> None:
    """A claim_id alone does not tell a claim; what belongs to whom must not depend on who is scored again."""
    rnd, claims = Random(seed), chained()
    pl.DataFrame(
        [{"member_id": f"M{n:02d}", "birth_date": date(1950, 1, 1), "sex": "F"} for n in range(37)]
    ).write_parquet(tmp_path / "members.parquet")
    new = pl.Series([rnd.random() < 0.15 for _ in range(claims.height)])
    parts: dict[str, list[Path]] = {"claims": [], "claim_diagnoses": []}
    for name, some in (("old", claims.filter(~new)), ("new", claims.filter(new))):
        if diagnoses != "on the lines":
            long = some.select("claim_id", "member_id", diagnosis_code="diagnosis_codes").explode("diagnosis_code")
            long = long if "members" in diagnoses else long.drop("member_id")
            some = some.drop("diagnosis_codes")
            parts["claim_diagnoses"].append(tmp_path / f"dx_{name}.parquet")
            long.write_parquet(parts["claim_diagnoses"][-1])
        parts["claims"].append(tmp_path / f"{name}.parquet")
        some.write_parquet(parts["claims"][-1])
    whole, file = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    members, early = tmp_path / "members.parquet", {name: of[0] for name, of in parts.items() if of}
    late = {name: of[1] for name, of in parts.items() if of}
    hcc.score(members, payment_year=YEAR, out=whole, **{name: of for name, of in parts.items() if of})  # type: ignore[arg-type]
    hcc.score(members, payment_year=YEAR, out=file, **early)  # type: ignore[arg-type]
    update(file, **late)
    for table in TABLES:
        assert rows(file, table) == rows(whole, table), table
    assert counts(file) == counts(whole)
    strange = claims.filter(pl.col("member_id") == "nobody").select("claim_id", "member_id").n_unique()
    assert counts(whole)["claims_of_unknown_members"] == strange, "claims, not their versions"


def test_months_of_enrollment(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """Counts too: a mean over statuses, of which a member may have several."""
    members, early, late = split(tables, tmp_path, 12, 0.4)
    tables["enrollment"].write_parquet(tmp_path / "enrollment.parquet")
    whole, file = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    enrollment = tmp_path / "enrollment.parquet"
    hcc.score(members, [early, late], enrollment=enrollment, payment_year=YEAR, out=whole)
    hcc.score(members, early, enrollment=enrollment, payment_year=YEAR, out=file)
    update(file, late)
    for table in TABLES:
        assert rows(file, table) == rows(whole, table), table
    assert counts(file) == counts(whole)


def test_a_table_of_diagnoses_for_a_run_that_had_none(tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """Those on the lines say whose they are, those of the table do not."""
    members, early, late = split(tables, tmp_path, 13, 0.4)
    claims = pl.concat([pl.read_parquet(early), pl.read_parquet(late)]).filter(~pl.col("claim_id").str.starts_with("DCBAD"))
    some = claims.select("claim_id").unique(maintain_order=True).gather_every(11)
    more = some.with_columns(diagnosis_code=pl.lit("E1122"))
    lost = pl.DataFrame({"claim_id": ["NOWHERE"], "diagnosis_code": ["E1122"]})
    pl.concat([more, lost]).write_parquet(tmp_path / "dx.parquet")
    whole, file = tmp_path / "whole.duckdb", tmp_path / "r.duckdb"
    hcc.score(members, [early, late], claim_diagnoses=tmp_path / "dx.parquet", payment_year=YEAR, out=whole)
    hcc.score(members, early, payment_year=YEAR, out=file)
    update(file, late, claim_diagnoses=tmp_path / "dx.parquet")
    for table in TABLES:
        assert rows(file, table) == rows(whole, table), table
    assert counts(file) == counts(whole)
    there = read_table(whole, "diagnoses").filter(pl.col("diagnosis_code").cast(pl.String) == "E1122")["claim_id"]
    known = claims.join(read_table(whole, "members"), on="member_id", how="semi")["claim_id"]
    assert set(some["claim_id"]) & set(known) <= set(there), "found by their claims"
    assert counts(whole)["diagnoses_without_claim"] == 1


@pytest.mark.parametrize("first", ["with", "without"])
def test_files_that_differ_in_telling_the_kind_of_claim(first: str, tmp_path: Path) -> None:
    """Claims without claim_type and bill_type are professional, also beside others that have one."""
    person = {"member_id": ["A"], "birth_date": [date(1950, 1, 1)], "sex": ["F"]}
    pl.DataFrame(person).write_parquet(tmp_path / "members.parquet")
    line = {"member_id": ["A"], "thru_date": [date(YEAR - 1, 3, 1)], "hcpcs": ["99213"]}
    told = {"claim_type": ["professional"], "bill_type": pl.Series([None], dtype=pl.String)}
    pl.DataFrame({"claim_id": ["1"], **line, **told, "diagnosis_1": ["E119"]}).write_parquet(tmp_path / "with.parquet")
    pl.DataFrame({"claim_id": ["2"], **line, "diagnosis_1": ["I509"]}).write_parquet(tmp_path / "without.parquet")
    second = "without" if first == "with" else "with"
    file, whole = tmp_path / "r.duckdb", tmp_path / "whole.duckdb"
    hcc.score(tmp_path / "members.parquet", tmp_path / f"{first}.parquet", payment_year=YEAR, out=file)
    update(file, tmp_path / f"{second}.parquet")
    files = [tmp_path / "with.parquet", tmp_path / "without.parquet"]
    hcc.score(tmp_path / "members.parquet", files, payment_year=YEAR, out=whole)
    counted = read_table(file, "diagnoses").filter("counted")
    assert sorted(counted["diagnosis_code"].cast(pl.String)) == ["E119", "I509"]
    for table in TABLES:
        assert rows(file, table) == rows(whole, table), table
