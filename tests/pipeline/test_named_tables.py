"""Tables named in a DuckDB file (file.duckdb::table), and options given more than once (a tester's cases)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import hcc
from hcc.cli import run as command
from hcc.errors import InputError, ResultsError
from hcc.pipeline.update import update

DAY = date(2025, 3, 4)


def lines(first: str, code: str, members: int = 3) -> pl.DataFrame:
    rows = [
        {"claim_id": f"{first}{i}", "member_id": f"A{i}", "thru_date": DAY, "hcpcs": "99213", "diagnosis_1": code}
        for i in range(members)
    ]
    return pl.DataFrame(rows)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Each table says something else: members are women, people men; claims hypertension, others 226 and 37."""
    path = tmp_path / "in.duckdb"
    tables = {
        **{name: pl.DataFrame([{"member_id": f"A{i}", "birth_date": date(1950, 1, 1), "sex": sex} for i in range(3)])
           for name, sex in (("members", "F"), ("people", "M"))},
        "claims": lines("C", "I10"), "claims_a": lines("CA", "I5022"), "claims_b": lines("CB", "E1122"),
    }  # fmt: skip
    with duckdb.connect(str(path)) as con:
        for name, frame in tables.items():
            con.register("frame", frame)
            con.execute(f"CREATE TABLE {name} AS FROM frame")
    return path


def hccs(run: Any, member_id: str = "A1") -> set[str]:
    rows = run.member_hccs.filter(pl.col("member_id") == member_id, pl.col("model").cast(pl.String) == "cms-hcc-v28")
    return set(rows["hcc"].cast(pl.String))


def test_two_tables_of_one_file_are_both_read(database: Path, tmp_path: Path) -> None:
    both = [f"{database}::claims_a", f"{database}::claims_b"]
    assert {"226", "37"} <= hccs(hcc.score(database, both, payment_year=2026))
    out = tmp_path / "results.duckdb"
    named = [word for one in both for word in ("--claims", one)]
    assert command(["score", "--members", str(database), *named, "--payment-year", "2026", "--out", str(out)]) == 0
    assert {("A1", "226"), ("A1", "37")} <= _told(out)


def _told(path: Path) -> set[tuple[str, str]]:
    """Members and HCCs of a results file."""
    with duckdb.connect(str(path), read_only=True) as con:
        query = "SELECT member_id, hcc::VARCHAR FROM member_hccs WHERE model = 'cms-hcc-v28'"
        return set(con.execute(query).fetchall())


def test_the_same_table_twice_is_one(database: Path) -> None:
    once = hcc.score(database, f"{database}::claims_b", payment_year=2026)
    twice = hcc.score(database, [f"{database}::claims_b", f"{database}::main.claims_b"], payment_year=2026)
    assert twice.member_hccs["claims"].to_list() == once.member_hccs["claims"].to_list()


def test_a_pattern_names_the_table_of_every_file(database: Path, tmp_path: Path) -> None:
    run = hcc.score(database, f"{tmp_path}/*.duckdb::claims_b", payment_year=2026)
    assert hccs(run) == {"37"}
    with pytest.raises(InputError, match="no table nothing"):
        hcc.score(database, f"{tmp_path}/*.duckdb::nothing", payment_year=2026)


def test_an_update_and_a_search_read_the_tables_that_were_scored(database: Path, tmp_path: Path) -> None:
    out, new = tmp_path / "results.duckdb", tmp_path / "new.parquet"
    lines("N", "I5022").filter(pl.col("member_id") == "A1").write_parquet(new)
    people, claims = f"{database}::people", f"{database}::claims_b"
    hcc.score(people, claims, payment_year=2026, out=out)
    update(out, new)
    whole = hcc.score(people, [claims, str(new)], payment_year=2026)
    assert {hcc for member, hcc in _told(out) if member == "A1"} == hccs(whole) == {"226", "37"}
    update(out, f"{database}::claims_a")  # another table of a file that was read is no file twice
    with pytest.raises(InputError, match="among the claims of the run already"):
        update(out, f"{database}::claims_a")
    with duckdb.connect(str(out), read_only=True) as con:
        query = "SELECT max(claims) FROM member_hccs WHERE hcc = '226' AND member_id = 'A1'"
        assert con.execute(query).fetchone() == (2,)
    gaps = hcc.find_gaps(out, as_of=date(2025, 12, 31)).gaps
    assert {"37", "226"} <= set(gaps["hcc"].cast(pl.String))


def test_a_moved_file_is_asked_for_the_same_table(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "results.duckdb"
    hcc.score(f"{database}::people", f"{database}::claims_b", payment_year=2026, out=out)
    assert hcc.find_gaps(out, claims=f"{database}::claims_b", as_of=date(2025, 12, 31)).gaps.height
    with pytest.raises(ResultsError, match="not those that were scored"):
        hcc.find_gaps(out, claims=f"{database}::claims_a", as_of=date(2025, 12, 31))


def test_a_file_with_an_input_table_is_no_place_for_results(database: Path) -> None:
    with pytest.raises(InputError, match="is an input"):
        hcc.score(f"{database}::people", f"{database}::claims_b", payment_year=2026, out=database, overwrite=True)


def test_tables_that_are_named_twice_are_both_read(tmp_path: Path) -> None:
    people = [{"member_id": f"A{i}", "birth_date": date(1950, 1, 1), "sex": "F"} for i in range(2)]
    codes = [{"claim_id": f"C{i}", "diagnosis_code": code} for i, code in enumerate(("E1122", "I5022"))]
    named = []
    for i in range(2):
        pl.DataFrame([people[i]]).write_csv(tmp_path / f"m{i}.csv")
        pl.DataFrame([codes[i]]).write_csv(tmp_path / f"d{i}.csv")
        named += ["--members", str(tmp_path / f"m{i}.csv"), "--claim-diagnoses", str(tmp_path / f"d{i}.csv")]
    lines("C", "I10", 2).drop("diagnosis_1").write_csv(tmp_path / "c.csv")
    out = tmp_path / "results.duckdb"
    assert (
        command(["score", *named, "--claims", str(tmp_path / "c.csv"), "--payment-year", "2026", "--out", str(out)])
        == 0
    )
    assert _told(out) == {("A0", "37"), ("A1", "226")}
