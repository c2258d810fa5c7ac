"""Diagnoses in long form, wherever they stand; normalised, never null, never of a line that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcc.errors import InputError
from tests.intake.make import claims, members, read, reasons, write


def codes(*args: Any, **more: Any) -> list[tuple[str, str]]:
    frame = read(*args, **more).claim_diagnoses.collect()
    assert frame["diagnosis_code"].null_count() == 0
    return sorted(frame.select("claim_id", "diagnosis_code").rows())


def test_from_twenty_five_columns() -> None:
    wide = {f"diagnosis_{i}": f"E11.{i % 10}" for i in range(1, 26)}
    assert len(codes(claims_=claims(**wide))) == 25


def test_from_some_columns_with_blanks() -> None:
    frame = claims(
        diagnosis_1=["e11.22", ""], diagnosis_2=None, diagnosis_3=["", "I50.9 "], diagnosis_25=["Z99.2", None]
    )
    assert codes(claims_=frame) == [("C1", "E1122"), ("C1", "Z992"), ("C2", "I509")]


@pytest.mark.parametrize(
    "cell",
    [
        ["E11.22", "I509", None],
        "E11.22|I50.9",
        "E1122, I509",
        "E1122;I50.9;",
        "e11.22 i50.9",
        "['E11.22', 'I50.9']",
        '["E1122","I509"]',
    ],
)
def test_from_one_list_per_line(cell: Any) -> None:
    frame = claims(diagnosis_1=None).with_columns(pl.Series("diagnosis_codes", [cell]))
    assert codes(claims_=frame) == [("C1", "E1122"), ("C1", "I509")]


def test_from_columns_and_a_list_together() -> None:
    assert codes(claims_=claims(diagnosis_codes="I50.9")) == [("C1", "E1122"), ("C1", "I509")]


def test_empty_lists_and_nulls() -> None:
    frame = claims(claim_id=["C1", "C2", "C3"], diagnosis_1=None)
    frame = frame.with_columns(pl.Series("diagnosis_codes", [[], None, ["I10"]], dtype=pl.List(pl.String)))
    assert codes(claims_=frame) == [("C3", "I10")]


def test_member_and_versions_go_along() -> None:
    found = read(claims_=claims(frequency_code=["1", "7"], claim_id=["C1", "C1"], submission_date="2025-05-01"))
    frame = found.claim_diagnoses.collect()
    assert frame.columns == ["claim_id", "member_id", "frequency_code", "submission_date", "diagnosis_code"]
    assert frame["frequency_code"].to_list() == ["1", "7"]


TABLE = pl.DataFrame({"claim_id": ["C1", "C1", "C2"], "diagnosis_code": ["E11.22", "i509", "Z99.2"]})


def test_from_a_table_of_their_own() -> None:
    found = read(claims_=claims(diagnosis_1=None), claim_diagnoses=TABLE)
    assert found.claim_diagnoses.collect().columns == ["claim_id", "diagnosis_code"]
    assert codes(claims_=claims(diagnosis_1=None), claim_diagnoses=TABLE) == [
        ("C1", "E1122"), ("C1", "I509"), ("C2", "Z992"),
    ]  # fmt: skip


def test_a_table_that_knows_the_member() -> None:
    table = TABLE.with_columns(member_id=pl.Series(["M1", "", "M2"]))
    found = read(claims_=claims(diagnosis_1=None), claim_diagnoses=table)
    assert found.claim_diagnoses.collect().rows() == [("C1", "E1122", "M1"), ("C2", "Z992", "M2")]
    assert reasons(found) == [("claim_diagnoses", 2, "member_id", "MISSING_MEMBER_ID")]


def test_rows_of_the_table_that_cannot_be_used() -> None:
    table = pl.DataFrame({"claim_id": ["", "C1", "C1"], "diagnosis_code": ["I10", " ", "I10"]})
    found = read(claims_=claims(diagnosis_1=None), claim_diagnoses=table)
    assert found.claim_diagnoses.collect().rows() == [("C1", "I10")]
    assert reasons(found) == [
        ("claim_diagnoses", 1, "claim_id", "MISSING_CLAIM_ID"),
        ("claim_diagnoses", 2, "diagnosis_code", "MISSING_DIAGNOSIS_CODE"),
    ]


def test_diagnoses_on_the_lines_and_in_a_table_are_both_used_and_told() -> None:
    found = read(claims_=claims(), claim_diagnoses=TABLE)
    assert found.claim_diagnoses.collect().height == 4
    assert "claims: diagnoses stand on the lines and in claim_diagnoses; both are used." in found.notes


def test_the_table_lacks_a_column() -> None:
    with pytest.raises(InputError, match="claim_diagnoses: column 'diagnosis_code' is missing"):
        read(members(), claims(), claim_diagnoses=TABLE.drop("diagnosis_code"))


@pytest.mark.parametrize("kind", [pl.List(pl.String), pl.Array(pl.String, 2), pl.List(pl.Categorical)])
def test_lists_in_a_column_of_one_code(kind: pl.DataType) -> None:
    lists = pl.Series("diagnosis_1", [["e11.22", "I50.9"], [None, "Z99.2"]], dtype=kind)
    alone = claims(claim_id=["C1", "C2"], diagnosis_1=None).with_columns(lists)
    assert codes(claims_=alone) == [("C1", "E1122"), ("C1", "I509"), ("C2", "Z992")]
    beside = alone.with_columns(diagnosis_2=pl.Series(["N18.4", None]))
    assert codes(claims_=beside) == [("C1", "E1122"), ("C1", "I509"), ("C1", "N184"), ("C2", "Z992")]


NESTED = {
    "structs": pl.Series([{"code": "E1122"}]),
    "lists of structs, as maps are": pl.Series([[{"key": "1", "value": "E1122"}]]),
    "lists of lists": pl.Series([[["E1122"]]]),
    "objects": pl.Series([object()], dtype=pl.Object),
}


@pytest.mark.parametrize("name", ["diagnosis_1", "diagnosis_codes"])
@pytest.mark.parametrize("kind", NESTED)
def test_columns_that_hold_no_codes_are_refused(name: str, kind: str) -> None:
    bad = claims(diagnosis_1=None, diagnosis_2="N184").with_columns(NESTED[kind].alias(name))
    for frame in (bad, bad.drop("diagnosis_2")):
        with pytest.raises(InputError, match=rf"column '{name}' has type .*; expected text"):
            read(claims_=frame)


def test_such_columns_are_told_with_all_other_faults() -> None:
    bad = claims(diagnosis_1=None, thru_date=None).with_columns(
        diagnosis_1=NESTED["structs"], diagnosis_3=NESTED["lists of lists"], thru_date=pl.lit(True)
    )
    with pytest.raises(InputError) as told:
        read(claims_=bad)
    assert all(column in str(told.value) for column in ("'diagnosis_1'", "'diagnosis_3'", "'thru_date'"))
    assert "E1122" not in str(told.value)


def test_numbers_with_leading_zeros() -> None:
    padded = claims(diagnosis_1=None, **{f"Diagnosis_{i:02d}": f"E11.{i % 10}" for i in range(1, 26)})
    assert sorted(codes(claims_=padded)) == sorted(("C1", f"E11{i % 10}") for i in range(1, 26))


def test_numbers_with_leading_zeros_of_a_layout_and_of_renames(tmp_path: Path) -> None:
    their = claims(diagnosis_1=None, diagnosis_code_01="I10", diagnosis_code_10="I50.9")
    their = their.rename({"thru_date": "claim_end_date"})
    spans = members(enrollment_start_date="2025-01-01", enrollment_end_date="2026-12-31")
    path = write(tmp_path, "claims.csv", their.write_csv())
    assert codes(spans, path, layout="tuva") == [("C1", "I10"), ("C1", "I509")]
    renamed = claims(diagnosis_1=None, dx="I10")
    assert codes(claims_=renamed, columns={"claims": {"dx": "diagnosis_01"}}) == [("C1", "I10")]


def test_a_number_with_and_without_zero_is_doubtful() -> None:
    with pytest.raises(InputError, match="several columns mean 'diagnosis_1': diagnosis_1, diagnosis_01"):
        read(claims_=claims(diagnosis_01="I10"))


def test_files_without_diagnoses_are_named(tmp_path: Path) -> None:
    write(tmp_path, "in/a.csv", claims().write_csv())
    assert not any("no diagnosis column" in note for note in read(claims_=tmp_path / "in").notes)
    bare = claims(diagnosis_1=None)
    write(tmp_path, "in/b.csv", bare.head(0).write_csv())
    bare.write_parquet(tmp_path / "in" / "c.parquet")
    note = "claims: there is no diagnosis column in c.parquet; the claims of this file carry no diagnoses."
    assert note in read(claims_=tmp_path / "in").notes, "an empty file misses nothing"
    assert note not in read(claims_=tmp_path / "in", claim_diagnoses=TABLE).notes
    for number in range(4):
        write(tmp_path, f"in/d{number}.csv", bare.write_csv())
    (told,) = [note for note in read(claims_=tmp_path / "in").notes if "no diagnosis column" in note]
    assert "in c.parquet, d0.csv, d1.csv, 2 more; the claims of these files" in told
