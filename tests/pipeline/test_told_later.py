"""What notes and errors say once more is known (a tester's cases)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.cli import run as command
from hcc.pipeline.update import update
from hcc.results import read_table

MEMBERS = pl.DataFrame([{"member_id": f"A{i}", "birth_date": date(1950, 1, 1), "sex": "F"} for i in range(2)])


def line(claim_id: str, member_id: str, **more: Any) -> dict[str, Any]:
    return {
        "claim_id": claim_id, "member_id": member_id, "thru_date": date(2025, 3, 4), "hcpcs": "99213",
        "diagnosis_1": "E1122", "frequency_code": "1", "original_claim_id": None, **more,
    }  # fmt: skip


def scored(folder: Path, rows: list[dict[str, Any]], name: str) -> Path:
    out, claims = folder / f"{name}.duckdb", folder / f"{name}.parquet"
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(claims)
    MEMBERS.write_parquet(folder / "members.parquet")
    hcc.score(folder / "members.parquet", claims, payment_year=2026, out=out)
    return out


def told(path: Path) -> tuple[list[str], dict[str, Any]]:
    row = read_table(path, "runs").row(-1, named=True)
    return json.loads(row["notes"]), json.loads(row["counts"])


def test_a_void_whose_claim_comes_later_withdraws_something(tmp_path: Path) -> None:
    void = line("V1", "A0", frequency_code="8", original_claim_id="C1", diagnosis_1=None)
    stray = line("V2", "A1", frequency_code="8", original_claim_id="C9", diagnosis_1=None)
    # A void of somebody who is no member of ours is nobody's question, in a full run as in an update.
    foreign = line("V3", "Z9", frequency_code="8", original_claim_id="C8", diagnosis_1=None)
    rows, new = [void, stray, line("C2", "A1"), foreign], [line("C1", "A0")]
    out, whole = scored(tmp_path, rows, "first"), scored(tmp_path, [*rows, *new], "whole")
    assert "2 void(s) withdraw nothing" in " ".join(told(out)[0])
    pl.DataFrame(new, infer_schema_length=None).write_parquet(tmp_path / "new.parquet")
    update(out, tmp_path / "new.parquet")
    notes, counts = told(out)
    assert [note for note in notes if "withdraw" in note] == [note for note in told(whole)[0] if "withdraw" in note]
    assert "claims: 1 void(s) withdraw nothing" in " ".join(notes)
    assert counts["voids_of_nothing"] == told(whole)[1]["voids_of_nothing"] == 1


def test_an_empty_addition_does_not_make_scores_demographic(tmp_path: Path) -> None:
    out = scored(tmp_path, [line("C2", "A1")], "first")
    pl.DataFrame([line("C3", "A1")]).clear().write_parquet(tmp_path / "new.parquet")
    update(out, tmp_path / "new.parquet")
    notes = " ".join(told(out)[0])
    assert "demographic" not in notes
    assert "files without a claim line were added" in notes


def test_identifiers_with_blanks_in_the_middle_of_a_file_are_told(tmp_path: Path) -> None:
    """Looking at all of them would take a pass of its own; once claims belong to nobody it is made."""
    rows = pl.DataFrame(
        [line(f"C{i}", f"A{i % 2}", frequency_code=None) for i in range(40_000)], infer_schema_length=None
    )
    padded = (
        pl.when(pl.int_range(pl.len()).is_between(1500, 4999)).then(pl.col("member_id") + "  ").otherwise("member_id")
    )
    rows.with_columns(padded.alias("member_id")).write_parquet(tmp_path / "claims.parquet")
    run = hcc.score(MEMBERS, tmp_path / "claims.parquet", payment_year=2026)
    assert run.counts["claims_of_unknown_members"] in (0, 3500)
    if run.counts["claims_of_unknown_members"]:
        assert "3500 line(s) have blanks around the member_id" in " ".join(run.notes)


def test_a_results_file_cut_in_half_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [line(f"C{i}", f"A{i % 2}", diagnosis_1=code) for i in range(3000) for code in ("E1122", "I5022")]
    out = scored(tmp_path, rows, "first")
    whole, failed = out.read_bytes(), 0
    for share in (0.3, 0.5, 0.7):
        out.write_bytes(whole[: int(len(whole) * share)])
        for words in (["explain", str(out), "--member", "A1"], ["score", "--update", str(out), "--claims", str(tmp_path / "first.parquet")],
                      ["report", str(out), "--out", str(tmp_path / "r.html")], ["gaps", str(out)]):  # fmt: skip
            ended = command(words)  # what lies before the cut can be read
            assert ended == 0 or "damaged" in capsys.readouterr().err
            failed += ended
    assert failed


def test_how_a_claim_is_filled_in_depends_on_no_order(tmp_path: Path) -> None:
    kinds = [line("C1", "A0", claim_type=kind) for kind in ("professional", "outpatient")]
    found = [
        hcc.score(MEMBERS, pl.DataFrame(rows, infer_schema_length=None), payment_year=2026).counts["claim_forms"]
        for rows in (kinds, kinds[::-1])
    ]
    assert found[0] == found[1]


def test_claims_that_end_before_they_begin_are_counted() -> None:
    rows = [line("C1", "A0", from_date="2025-06-01"), line("C2", "A0", from_date="2024-12-01"), line("C3", "A1")]
    forms = hcc.score(MEMBERS, pl.DataFrame(rows, infer_schema_length=None), payment_year=2026).counts["claim_forms"]
    assert (forms["claims"], forms["claims_that_end_before_they_begin"]) == (3, 1)
