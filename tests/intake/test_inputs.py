"""Fingerprints, and what the codes mean."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from hcc.intake import REASONS, fingerprints
from hcc.rules.folders import find
from tests.intake.make import claims, members, read, write


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, "m.csv", members().write_csv())
    first = read(path).fingerprints[0]
    assert (first["table"], first["paths"], first["rows"]) == ("members", [path], 1)
    assert first["hash_of"] == "all bytes"
    os.utime(path, (1, 1))
    assert read(path).fingerprints[0]["sha256"] == first["sha256"], "the time of a small file does not matter"
    write(tmp_path, "m.csv", members(sex="M").write_csv())
    assert read(path).fingerprints[0]["sha256"] != first["sha256"]


def test_large_files_are_known_by_name_size_time_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "_WHOLE", 10)
    monkeypatch.setattr(fingerprints, "_END", 16)
    path = write(tmp_path, "m.csv", members().write_csv())
    first = read(path).fingerprints[0]
    assert first["hash_of"].startswith("name, size, time")
    assert read(path).fingerprints[0] == first
    os.utime(path, (1, 1))
    assert read(path).fingerprints[0]["sha256"] != first["sha256"]


def test_every_table_has_one(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    claims().write_parquet(tmp_path / "c" / "1.parquet")
    claims(claim_id=["C2", "C3"]).write_parquet(tmp_path / "c" / "2.parquet")
    fills = pl.DataFrame({"member_id": ["M1"], "fill_date": ["2025-01-01"], "ndc": ["1"]})
    found = read(claims_=tmp_path / "c", pharmacy=fills).fingerprints
    assert [(f["table"], f["rows"]) for f in found] == [("members", 1), ("claims", 3), ("pharmacy", 1)]
    assert len(found[1]["paths"]) == 2
    assert found[0]["sha256"] != found[2]["sha256"]
    assert found[2]["hash_of"] == "the rows as CSV"


def test_a_lazy_frame_has_no_fingerprint() -> None:
    found = read(claims_=claims().lazy()).fingerprints[1]
    assert found["sha256"] is None
    assert found["hash_of"].startswith("nothing")


def test_every_reason_has_words() -> None:
    known = set(pl.read_csv(find("reasons.csv"), infer_schema=False)["reason"])
    assert known >= REASONS


def test_rejected_rows_have_the_columns_of_the_table() -> None:
    from hcc.tables import RESULT_TABLES

    assert read().rejected().columns == [c for c in RESULT_TABLES["rejected_rows"].names if c != "run_id"]
