"""Folders by path and by URI; an object store is played by pyarrow's local file system."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hcc.errors import HccError, ResultsExist
from hcc.spark.places import Place


@pytest.mark.parametrize(
    ("given", "uri", "path"),
    [
        ("/mnt/share/out", "file:///mnt/share/out", "/mnt/share/out"),
        ("/mnt/a b/", "file:///mnt/a%20b", "/mnt/a b"),
        ("file:///mnt/a%20b", "file:///mnt/a%20b", "/mnt/a b"),
        ("/Volumes/main/risk/out", "/Volumes/main/risk/out", "/Volumes/main/risk/out"),
        ("dbfs:/Volumes/main/risk", "dbfs:/Volumes/main/risk", "/Volumes/main/risk"),
        ("dbfs:/tmp/out", "dbfs:/tmp/out", "/dbfs/tmp/out"),
        ("/dbfs/tmp/out", "dbfs:/tmp/out", "/dbfs/tmp/out"),
        ("s3://plan/out/", "s3://plan/out", None),
        ("abfss://box@account.dfs.core.windows.net/out", "abfss://box@account.dfs.core.windows.net/out", None),
    ],
)
def test_what_spark_and_python_call_a_folder(given: str, uri: str, path: str | None) -> None:
    place = Place.of(given)
    assert (place.uri, place.path) == (uri, path)
    assert place.child("scores").uri == f"{uri}/scores"


def test_a_store_that_nobody_knows_is_told() -> None:
    with pytest.raises(HccError, match="nowhere://x cannot be reached"):
        Place.of("nowhere://x").names()


@pytest.fixture(params=["path", "store"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder that is not there yet, reached in either way."""
    if request.param == "path":
        return Place.of(tmp_path / "out")
    from pyarrow.fs import LocalFileSystem

    def system(self: Place) -> tuple[Any, str]:
        return LocalFileSystem(), str(tmp_path / self.uri.removeprefix("store://"))

    monkeypatch.setattr(Place, "_system", system)
    return Place.of("store://out")


def test_files_go_in_and_come_out(place: Place, tmp_path: Path) -> None:
    assert place.names() == []
    place.require_new(overwrite=False)
    place.make()
    inside = place.child("scores")
    inside.make()
    for content in (b"first attempt", b"second attempt"):
        made = tmp_path / "made"
        made.write_bytes(content)
        inside.put(made, "bucket-00000.parquet")
        assert not made.exists()
    assert inside.names() == ["bucket-00000.parquet"]
    (tmp_path / "out" / "scores" / "_SUCCESS").touch()
    (file,) = inside.files(tmp_path)
    assert file.read_bytes() == b"second attempt"
    assert place.names() == ["scores"]
    with pytest.raises(ResultsExist):
        place.require_new(overwrite=False)
    place.require_new(overwrite=True)
    inside.drop("bucket-00000.parquet")
    inside.drop("bucket-00000.parquet")
    assert inside.names() == []
    place.remove()
    place.remove()
    assert not (tmp_path / "out").exists()


def test_results_are_for_their_owner(tmp_path: Path) -> None:
    place = Place.of(tmp_path / "out")
    place.make()
    (tmp_path / "made").touch(mode=0o644)
    place.child("scores").put(tmp_path / "made", "bucket-00000.parquet")
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "out", *sorted((tmp_path / "out").rglob("*")))]
    assert modes == [0o700, 0o700, 0o600]


def test_importing_it_imports_no_spark_and_no_polars() -> None:
    """polars reads its number of threads when it is imported; a task sets it first."""
    code = "import sys, hcc.spark, hcc.spark.task; print({'pyspark', 'polars', 'pyarrow', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
