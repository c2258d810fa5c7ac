"""Every kind of source gives the same table; every broken one gives one clear error, without a value in it."""

from __future__ import annotations

import gzip
import os
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hcc.errors import InputError
from tests.intake.make import claims, lines, members, read, write

FRAME = pl.DataFrame(
    {
        "claim_id": ["C1", "C2"],
        "member_id": ["M1", "M1"],
        "thru_date": ["2025-03-04", "2025-05-06"],
        "hcpcs": ["99213", "G0463"],
        "diagnosis_1": ["E11.22", "I50.9"],
    }
)
EXPECTED = [("C1", "99213"), ("C2", "G0463")]


def database(folder: Path, name: str = "claims") -> Path:
    path = folder / "in.duckdb"
    connection = duckdb.connect(str(path))
    connection.register("frame", FRAME.to_arrow())
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    connection.execute("CREATE VIEW a_view AS SELECT * FROM " + name)
    connection.close()
    return path


def parquet(folder: Path) -> Path:
    FRAME.write_parquet(folder / "claims.parquet")
    return folder / "claims.parquet"


def csv(folder: Path) -> Path:
    FRAME.write_csv(folder / "claims.csv")
    return folder / "claims.csv"


def packed(folder: Path) -> Path:
    path = folder / "claims.csv.gz"
    path.write_bytes(gzip.compress(FRAME.write_csv().encode()))
    return path


def folder_of_parquet(folder: Path) -> Path:
    (folder / "claims").mkdir()
    FRAME.head(1).write_parquet(folder / "claims" / "part-0.parquet")
    FRAME.tail(1).write_parquet(folder / "claims" / "part-1.parquet")
    (folder / "claims" / "_SUCCESS").write_text("")
    (folder / "claims" / ".part-0.parquet.crc").write_text("x")
    return folder / "claims"


def nested_folder(folder: Path) -> Path:
    for month, rows in (("2025-03", FRAME.head(1)), ("2025-05", FRAME.tail(1))):
        (folder / "claims" / f"month={month}").mkdir(parents=True)
        rows.write_parquet(folder / "claims" / f"month={month}" / "0.parquet")
    return folder / "claims"


def glob_of_csv(folder: Path) -> str:
    FRAME.head(1).write_csv(folder / "c1.csv")
    FRAME.tail(1).write_csv(folder / "c2.csv")
    return str(folder / "c*.csv")


def several_paths(folder: Path) -> list[str]:
    FRAME.head(1).write_csv(folder / "c1.csv")
    FRAME.tail(1).write_parquet(folder / "c2.parquet")
    return [str(folder / "c1.csv"), str(folder / "c2.parquet")]


def mixed_folder(folder: Path) -> Path:
    (folder / "mixed").mkdir()
    FRAME.head(1).write_parquet(folder / "mixed" / "a.parquet")
    FRAME.tail(1).select(reversed(FRAME.columns)).write_csv(folder / "mixed" / "b.csv", separator="|")
    return folder / "mixed"


def folder_of_two_schemas(folder: Path) -> Path:
    (folder / "claims").mkdir()
    FRAME.head(1).write_parquet(folder / "claims" / "a.parquet")
    typed = FRAME.tail(1).with_columns(pl.col("thru_date").str.to_date(), extra=pl.lit(1)).drop("hcpcs")
    typed.with_columns(hcpcs=pl.lit("G0463")).write_parquet(folder / "claims" / "b.parquet")
    return folder / "claims"


@pytest.mark.parametrize(
    "make",
    [parquet, csv, packed, folder_of_parquet, nested_folder, glob_of_csv, several_paths, mixed_folder, database,
     folder_of_two_schemas],
)  # fmt: skip
@pytest.mark.parametrize("as_text", [True, False])
def test_files_of_every_kind(tmp_path: Path, make: Any, as_text: bool) -> None:
    given = make(tmp_path)
    if as_text and isinstance(given, Path):
        given = str(given)
    found = read(claims_=given)
    assert lines(found).select("claim_id", "hcpcs").rows() == EXPECTED
    assert sorted(found.claim_diagnoses.collect()["diagnosis_code"]) == ["E1122", "I509"]
    assert found.rejected().is_empty()


@pytest.mark.parametrize("inside", ["a_view", "medical", "main.medical", "MEDICAL"])
def test_a_named_table_of_a_database(tmp_path: Path, inside: str) -> None:
    path = database(tmp_path, "medical")
    assert lines(read(claims_=f"{path}::{inside}")).select("claim_id", "hcpcs").rows() == EXPECTED


def test_a_table_of_a_schema(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    connection = duckdb.connect(str(path))
    connection.register("frame", FRAME.to_arrow())
    connection.execute("CREATE SCHEMA raw; CREATE TABLE raw.claims AS SELECT * FROM frame")
    connection.close()
    assert lines(read(claims_=f"{path}::raw.claims")).height == 2
    assert lines(read(claims_=str(path))).height == 2


@pytest.mark.parametrize(
    "given",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_arrow(),
        FRAME.to_arrow().to_batches()[0],
        FRAME.with_columns(pl.col("hcpcs").cast(pl.Categorical), pl.col("thru_date").str.to_date()),
    ],
    ids=["polars", "lazy", "arrow", "batch", "categorical"],
)
def test_frames_of_every_library(given: Any) -> None:
    assert lines(read(claims_=given)).select("claim_id", "hcpcs").rows() == EXPECTED


def test_a_pandas_frame() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed (it comes with the spark extra)")
    frame = pandas.DataFrame({c: FRAME[c].to_list() for c in FRAME.columns})
    assert lines(read(claims_=frame)).select("claim_id", "hcpcs").rows() == EXPECTED


def test_a_duckdb_relation_can_be_read_many_times() -> None:
    connection = duckdb.connect()
    connection.register("frame", FRAME.to_arrow())
    found = read(claims_=connection.sql("SELECT * FROM frame"))
    for _ in range(2):
        assert lines(found).select("claim_id", "hcpcs").rows() == EXPECTED
    both = found.claims.join(found.claim_diagnoses, on="claim_id").collect(engine="streaming")
    assert both.height == 2


def test_a_database_is_read_by_several_scans_at_once(tmp_path: Path) -> None:
    found = read(claims_=str(database(tmp_path)))
    both = found.claims.join(found.claim_diagnoses, on="claim_id").filter(pl.col("claim_id") == "C2")
    assert both.collect(engine="streaming")["diagnosis_code"].to_list() == ["I509"]
    assert found.claims.select(pl.len()).collect().item() == 2


# --- broken ones -------------------------------------------------------------------------------------------------


def broken(tmp_path: Path, name: str, content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(claims_=write(tmp_path, name, content))
    return str(caught.value)


def test_an_empty_file(tmp_path: Path) -> None:
    assert "claims: claims.csv is empty" in broken(tmp_path, "claims.csv", b"")
    assert "is empty" in broken(tmp_path, "blank.csv", b"\n \n")


def test_a_parquet_file_that_was_cut_off(tmp_path: Path) -> None:
    whole = parquet(tmp_path).read_bytes()
    assert "cut off" in broken(tmp_path, "cut.parquet", whole[: len(whole) // 2])
    assert "footer" in broken(tmp_path, "bad.parquet", whole[:-40] + b"\1" * 32 + whole[-8:])


def test_a_packed_file_that_was_cut_off(tmp_path: Path) -> None:
    whole = gzip.compress((FRAME.write_csv() * 5_000).encode())
    assert "cut off" in broken(tmp_path, "claims.csv.gz", whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.parquet", b"claim_id,member_id\n1,2\n", "is not a Parquet file"),
        ("c.xlsx", b"PK\x03\x04xxxxxxxxxxxx", "Excel"),
        ("c.csv", b"claim_id\x00\x01\x02", "NUL bytes"),
        ("c.zst", b"\x28\xb5\x2f\xfdxxxxxxxxxxxxxx", "gzip is"),
        ("c.arrow", b"ARROW1\x00\x00xxxxxxxxxxxx", "Arrow"),
        ("c.duckdb", b"\0" * 8 + b"DUCK" + b"\0" * 50, "cannot be opened"),
    ],
)
def test_files_of_other_kinds(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    assert says in broken(tmp_path, name, content)


def test_what_is_not_there(tmp_path: Path) -> None:
    parquet(tmp_path)
    for given, says in (
        (tmp_path / "none*.parquet", "no file matches"),
        (tmp_path / "clams.parquet", "(there is 'claims.parquet')"),
        (tmp_path / "nowhere", "does not exist"),
    ):
        with pytest.raises(InputError) as caught:
            read(claims_=given)
        assert says in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no Parquet or CSV file"):
        read(claims_=tmp_path / "empty")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path)
    opened = Path.open

    def refuse(self: Path, *args: Any, **more: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **more)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
        read(claims_=path)


def test_a_database_without_the_table_names_the_others(tmp_path: Path) -> None:
    path = database(tmp_path, "claimz")
    with pytest.raises(InputError, match=r"Did you mean in\.duckdb::claimz"):
        read(claims_=path)
    with pytest.raises(InputError, match="has no table other"):
        read(claims_=f"{path}::other")
    with pytest.raises(InputError, match="is no DuckDB file"):
        read(claims_=f"{parquet(tmp_path)}::claims")


def test_all_broken_files_are_told_at_once(tmp_path: Path) -> None:
    good = write(tmp_path, "d/a.csv", FRAME.write_csv())
    write(tmp_path, "d/b.parquet", b"PAR1 cut")
    write(tmp_path, "d/c.csv", b"")
    with pytest.raises(InputError) as caught:
        read(claims_=Path(good).parent)
    assert "b.parquet" in str(caught.value)
    assert "c.csv is empty" in str(caught.value)


def test_what_no_one_can_read() -> None:
    with pytest.raises(InputError, match="a dict cannot be read"):
        read(claims_={"claim_id": ["C1"]})
    with pytest.raises(InputError, match="LazyFrame cannot be resolved"):
        read(claims_=pl.LazyFrame({"a": [1]}).select("b"))


def test_members_of_a_file_damaged_in_its_middle(tmp_path: Path) -> None:
    frame = members(member_id=[f"M{i}" for i in range(5_000)])
    frame.write_parquet(tmp_path / "m.parquet", compression="zstd")
    whole = bytearray((tmp_path / "m.parquet").read_bytes())
    whole[40:120] = b"\xff" * 80
    with pytest.raises(InputError, match="cannot be read to its end"):
        read(members_=write(tmp_path, "m2.parquet", bytes(whole)), claims_=claims())


def test_files_left_aside_are_told(tmp_path: Path) -> None:
    folder = folder_of_parquet(tmp_path)
    (folder / "notes.docx").write_text("x")
    assert read(claims_=folder).notes == ["claims: 1 file(s) in claims are neither Parquet nor CSV and were not read."]


def test_links_and_folders_are_followed(tmp_path: Path) -> None:
    """A linked folder below the one given, one that a pattern matches; not what is hidden, nor one folder twice."""
    here, there = tmp_path / "claims", tmp_path / "elsewhere"
    for folder in (here, there, here / "_temporary"):
        folder.mkdir()
    FRAME.head(1).write_parquet(here / "a.parquet")
    FRAME.tail(1).write_parquet(there / "b.parquet")
    FRAME.tail(1).write_parquet(here / "_temporary" / "c.parquet")
    (here / "2024").symlink_to(there)
    (here / "again").symlink_to(here)
    (here / "gone.parquet").symlink_to(tmp_path / "nowhere")
    for given in (here, tmp_path / "cl*", f"{here}/**/*.parquet"):
        assert lines(read(claims_=given)).select("claim_id", "hcpcs").rows() == EXPECTED, given
    assert read(claims_=here).notes == ["claims: 1 link(s) in claims lead nowhere."]


def test_a_table_that_several_schemas_have(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    connection = duckdb.connect(str(path))
    connection.register("frame", FRAME.to_arrow())
    for schema in ("raw", "clean"):
        connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.claims AS SELECT * FROM frame")
    connection.close()
    with pytest.raises(InputError, match=r"several tables claims: clean\.claims and raw\.claims"):
        read(claims_=str(path))
    assert lines(read(claims_=f"{path}::raw.claims")).height == 2


@pytest.mark.parametrize("zone", ["+05:30", "Eastern Standard Time"])
def test_a_type_that_polars_panics_at(tmp_path: Path, zone: str) -> None:
    stamp = pa.array([0, 0], pa.timestamp("us", tz=zone))
    pq.write_table(FRAME.to_arrow().append_column("loaded_at", stamp), tmp_path / "c.parquet")
    with pytest.raises(InputError, match=r"c\.parquet holds types that are not read"):
        read(claims_=tmp_path / "c.parquet")


def test_files_whose_dates_are_of_several_types(tmp_path: Path) -> None:
    """A date64 lies in a file as a date, with a note that makes polars read a time."""
    table, kinds = FRAME.to_arrow(), (pa.date32(), pa.date64(), pa.timestamp("ms"), pa.timestamp("us", tz="UTC"))
    days = pa.array([date(2025, 3, 4), date(2025, 5, 6)])
    (tmp_path / "in").mkdir()
    for number, kind in enumerate(kinds):
        ids = pa.array([f"C{number}-{place}" for place in (1, 2)])
        own = table.set_column(0, "claim_id", ids).set_column(2, "thru_date", days.cast(kind))
        pq.write_table(own, tmp_path / "in" / f"{number}.parquet")
    found = lines(read(claims_=tmp_path / "in"))
    assert found.height == 8
    assert set(found["thru_date"]) == {date(2025, 3, 4), date(2025, 5, 6)}


@pytest.mark.parametrize("given", ["in", "in/*/*.csv", "in/**"])
def test_a_folder_that_cannot_be_listed_is_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """Its claims would be lost without a word (root may list everything, so the refusal is played)."""
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
        FRAME.write_csv(tmp_path / "in" / name / "c.csv")
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if not isinstance(path, int) and str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match=r"in/b cannot be read \(Permission denied\)"):
        read(claims_=tmp_path / given)


def test_a_header_that_begins_as_an_encrypted_file_does(tmp_path: Path) -> None:
    text = "PARENT_ORGANIZATION,CLAIM_ID,MEMBER_ID,THRU_DATE,HCPCS,DIAGNOSIS_1\nO,C1,M1,2025-03-04,99213,E11.22\n"
    (tmp_path / "c.csv").write_text(text)
    assert lines(read(claims_=tmp_path / "c.csv")).height == 1


@pytest.mark.parametrize("word", ["NA", "N/A", "None", "<NA>", "NULL", "NaN", ""])
def test_words_for_null_are_null(tmp_path: Path, word: str) -> None:
    """R writes NA; as a claim it would be linked to, or a type of bill, it decides what counts."""
    FRAME.with_columns(bill_type=pl.lit(word), linked_claim_id=pl.lit(word)).write_csv(tmp_path / "c.csv")
    found = lines(read(claims_=tmp_path / "c.csv"))
    assert found.height == 2
    for name in {"bill_type", "linked_claim_id"} & set(found.columns):
        assert found[name].null_count() == 2


def test_no_hive_column_is_invented(tmp_path: Path) -> None:
    assert "month" not in lines(read(claims_=nested_folder(tmp_path))).columns


def test_types_that_no_csv_knows_make_no_fingerprint() -> None:
    pd = pytest.importorskip("pandas")

    from hcc.intake.fingerprints import of_frame

    periods = pl.DataFrame(pd.DataFrame({"month": pd.period_range("2025-01", periods=2, freq="M")}))
    assert of_frame("claims", "pandas frame", periods)["sha256"] is None
    assert of_frame("claims", "pandas frame", pl.DataFrame({"month": [1]}))["sha256"]
