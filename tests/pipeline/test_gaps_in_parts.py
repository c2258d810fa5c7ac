"""Gaps found part by part are the gaps found at once, whatever binds members together; and the sizes of parts."""

import shutil
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

import hcc
from hcc.pipeline.memory import memory_limit
from hcc.pipeline_gaps import find_gaps
from hcc.pipeline_gaps import run as score_and_find
from hcc.pipeline_gaps.parts import PIECE, Sizes, sizes
from tests.gaps.judge import all_on
from tests.gaps.planted import population

pytestmark = pytest.mark.filterwarnings("ignore")
YEAR = 2026
EVIDENCE = ("history", "pharmacy", "observations", "problems", "chart_findings")
ORDER = {
    "gaps": ["gap_id"],
    "gap_evidence": ["gap_id", "evidence_number"],
    "member_gaps": ["member_id", "part", "direction"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SimpleNamespace:
    """The planted population as files, its tables as they are."""
    folder = tmp_path_factory.mktemp("files")
    planted = population(YEAR, noise=20)
    tables = {name: getattr(planted, name) for name in ("members", "claims", *EVIDENCE)}
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return SimpleNamespace(folder=folder, as_of=planted.calendar.as_of, rules=all_on(folder), **tables)


def searched(file: Path, **evidence: object) -> dict[str, pl.DataFrame]:
    found = find_gaps(file, **evidence)  # type: ignore[arg-type]
    return {
        name: getattr(found, name).drop("run_id").with_columns(pl.col(pl.Enum).cast(pl.String)).sort(by)
        for name, by in ORDER.items()
    }


def same_in_parts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, score: dict[str, Path], evidence: dict[str, object], part: int = 97
) -> dict[str, pl.DataFrame]:
    """Scores, searches the file whole and in parts, compares; the tables."""
    whole, parts = folder / "whole.duckdb", folder / "parts.duckdb"
    hcc.score(**score, payment_year=YEAR, out=whole)  # type: ignore[arg-type]
    shutil.copyfile(whole, parts)
    once = searched(whole, **evidence)
    monkeypatch.setattr("hcc.pipeline_gaps.api.sizes", lambda *_: Sizes(part, 37))
    again = searched(parts, **evidence)
    assert once["gaps"].height > 0
    for name in ORDER:
        assert again[name].equals(once[name]), name
    return once


def paths(made: SimpleNamespace, *names: str) -> dict[str, Path]:
    return {name: made.folder / f"{name}.parquet" for name in names}


def test_parts_find_what_the_whole_does(made, monkeypatch, tmp_path: Path) -> None:
    assert made.members.height > 3 * 97
    evidence = {**paths(made, *EVIDENCE), "as_of": made.as_of, "rules": made.rules}
    found = same_in_parts(tmp_path, monkeypatch, paths(made, "members", "claims"), evidence)
    assert found["gaps"]["rule_id"].n_unique() > 50


def test_a_single_member_can_be_a_part(made, monkeypatch, tmp_path: Path) -> None:
    few = made.members.sort("member_id").gather_every(12)
    few.write_parquet(tmp_path / "members.parquet")
    evidence = {**paths(made, *EVIDENCE), "as_of": made.as_of, "rules": made.rules}
    score = {"members": tmp_path / "members.parquet", "claims": made.folder / "claims.parquet"}
    same_in_parts(tmp_path, monkeypatch, score, evidence, part=1)


def test_diagnoses_that_do_not_say_whose_they_are(made, monkeypatch, tmp_path: Path) -> None:
    """claim_diagnoses without member_id, and claim_ids that members of different parts share."""
    diagnoses = [name for name in made.claims.columns if name.startswith("diagnosis_")]
    first, last = made.claims["member_id"].sort().gather([0, -1])
    shared = made.claims.with_columns(
        pl.when(pl.col("member_id").is_in([first, last])).then(pl.lit("SHARED")).otherwise("claim_id").alias("claim_id")
    )
    long = shared.unpivot(diagnoses, index="claim_id", value_name="diagnosis_code").drop_nulls().drop("variable")
    shared.drop(diagnoses).write_parquet(tmp_path / "claims.parquet")
    long.write_parquet(tmp_path / "claim_diagnoses.parquet")
    score = {
        "members": made.folder / "members.parquet", "claims": tmp_path / "claims.parquet",
        "claim_diagnoses": tmp_path / "claim_diagnoses.parquet",
    }  # fmt: skip
    evidence = {**paths(made, *EVIDENCE), "as_of": made.as_of, "rules": made.rules}
    same_in_parts(tmp_path, monkeypatch, score, evidence)


def test_history_among_the_claims_and_months_of_enrollment(made, monkeypatch, tmp_path: Path) -> None:
    pl.concat([made.claims, made.history], how="diagonal_relaxed").write_parquet(tmp_path / "claims.parquet")
    months = made.members.select(
        "member_id", pl.date_ranges(date(YEAR - 1, 1, 1), date(YEAR, 6, 1), "1mo").alias("month")
    ).explode("month")
    # Some leave, some join late, some are in hospice: by their place.
    number = pl.col("member_id").rank("dense")
    months = months.filter(
        ~((number % 7 == 0) & (pl.col("month") > date(YEAR - 1, 9, 1))),
        ~((number % 5 == 0) & (pl.col("month") < date(YEAR - 1, 4, 1))),
    ).with_columns((number % 11 == 0).alias("hospice"))
    months.write_parquet(tmp_path / "enrollment.parquet")
    score = {
        "members": made.folder / "members.parquet", "claims": tmp_path / "claims.parquet",
        "enrollment": tmp_path / "enrollment.parquet",
    }  # fmt: skip
    evidence = {**paths(made, "pharmacy", "observations"), "as_of": made.as_of, "rules": made.rules}
    same_in_parts(tmp_path, monkeypatch, score, evidence)


@pytest.mark.parametrize("otherwise", ["J449", "Z0000"])
def test_a_provider_stands_out_among_all_members_not_those_of_a_part(
    otherwise: str, monkeypatch, tmp_path: Path
) -> None:
    """Twelve providers of 60 members; one codes diabetes in half of them, the others in one each. Whether their other
    members have a condition of a model changes nothing: a provider's members are those that it sees."""
    size, providers = 60, 12
    rows = []
    for provider in range(providers):
        for k in range(size):
            diabetic = k < (30 if provider == 0 else 1)
            # Members of a provider are spread over all parts.
            rows.append((f"M{k:03}{provider:02}", f"10000000{provider:02}", "E119" if diabetic else otherwise))
    frame = pl.DataFrame(rows, schema=["member_id", "rendering_npi", "diagnosis_1"], orient="row")
    frame.select("member_id", pl.lit(date(1950, 5, 5)).alias("birth_date"), pl.lit("F").alias("sex")).write_parquet(
        tmp_path / "members.parquet"
    )
    frame.select(
        pl.concat_str(pl.lit("C"), "member_id").alias("claim_id"), "member_id", "rendering_npi", "diagnosis_1",
        pl.lit("professional").alias("claim_type"), pl.lit("99213").alias("hcpcs"),
        pl.lit(date(YEAR - 1, 3, 3)).alias("thru_date"),
    ).write_parquet(tmp_path / "claims.parquet")  # fmt: skip
    score = {name: tmp_path / f"{name}.parquet" for name in ("members", "claims")}
    found = same_in_parts(tmp_path, monkeypatch, score, {"rules": all_on(tmp_path)})
    flagged = found["gaps"].filter(pl.col("rule_id") == "AUD-RARE")
    assert flagged.height == 30
    assert flagged["member_id"].str.ends_with("00").all()
    told = "NPI 1000000000, 30 of 60 members (50.0 %) against 1.7 % at other providers."
    assert flagged["reason"].str.ends_with(told).all()


def test_the_clock_and_the_decisions_go_along(made, monkeypatch, tmp_path: Path) -> None:
    evidence = {**paths(made, *EVIDENCE), "rules": made.rules}
    monkeypatch.setattr("hcc.pipeline_gaps.api.sizes", lambda *_: Sizes(50, 20))
    file = tmp_path / "r.duckdb"
    hcc.score(**paths(made, "members", "claims"), payment_year=YEAR, out=file)
    early = date(made.as_of.year, 1, 31)
    first = searched(file, **evidence, as_of=early)["gaps"]
    later = searched(file, **evidence, as_of=made.as_of)["gaps"]
    both = later.join(first, on="gap_id", suffix="_first")
    assert both.height > 50
    assert (both["flagged_on"] == early).all()
    assert later.join(first, on="gap_id", how="anti")["flagged_on"].drop_nulls().is_in([made.as_of]).all()


def test_score_and_search_at_once_in_parts(made, monkeypatch, tmp_path: Path) -> None:
    evidence = {**paths(made, *EVIDENCE), "as_of": made.as_of, "rules": made.rules}
    given = paths(made, "members", "claims")
    _, whole = score_and_find(**given, payment_year=YEAR, out=tmp_path / "w.duckdb", gaps=evidence)
    monkeypatch.setattr("hcc.pipeline_gaps.api.sizes", lambda *_: Sizes(97, 37))
    run, parts = score_and_find(**given, payment_year=YEAR, out=tmp_path / "p.duckdb", gaps=evidence)
    for name, by in ORDER.items():
        one, two = (getattr(found, name).drop("run_id").sort(by) for found in (whole, parts))
        assert one.height
        assert one.equals(two), name
    scores = ["member_id", "part"]
    other = hcc.score(**given, payment_year=YEAR)
    assert run.member_scores.sort(scores)["risk_score"].equals(other.member_scores.sort(scores)["risk_score"])
    assert {name: run.counts[name] for name in other.counts} == other.counts


GB = 2**30


def sized(limit: int, members: int, rows: dict[str, int]) -> Sizes:
    inputs = SimpleNamespace(
        members=pl.DataFrame({"member_id": range(members)}),
        fingerprints=[{"table": name, "rows": n} for name, n in rows.items()],
    )
    return sizes(inputs, SimpleNamespace(fingerprints=[], extras={}, lines=None, current=None), memory_limit(limit))  # type: ignore[arg-type]


def test_all_that_fits_is_one_part() -> None:
    assert sized(14 * GB, 1_000_000, {"claims": 20_000_000, "claim_diagnoses": 32_000_000}) == Sizes(1_000_000, PIECE)
    assert sized(1 * GB, 1_000, {"claims": 20_000}).part == 1_000


def test_half_the_memory_makes_parts_no_larger_than_half() -> None:
    rows = {"claims": 200_000_000, "claim_diagnoses": 320_000_000, "pharmacy": 200_000_000}
    sizes_of = [sized(limit * GB, 10_000_000, rows) for limit in (64, 32, 16, 8)]
    parts = [one.part for one in sizes_of]
    assert all(small * 2 <= large for large, small in pairwise(parts))
    assert parts[-1] * 72 * 150 < 6 * GB, "72 rows a member, 150 bytes each: something is left for the rest"
    assert sizes_of[-1].piece <= sizes_of[-1].part


def test_codes_on_the_lines_weigh_as_rows_of_a_table_would() -> None:
    wide = sized(8 * GB, 1_000_000, {"claims": 100_000_000}).part
    long = sized(8 * GB, 1_000_000, {"claims": 100_000_000, "claim_diagnoses": 250_000_000}).part
    assert wide == long
