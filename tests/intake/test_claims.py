"""Claim lines: lazy, complete, and every line that cannot be used told with its reason."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from hcc.errors import InputError
from hcc.intake import CONSTANTS, claims_of_others
from hcc.tables.inputs import CLAIMS
from tests.intake.make import YEAR, claims, lines, members, read, reasons


def one_line(**columns: Any) -> dict[str, Any]:
    frame = lines(read(claims_=claims(**columns)))
    assert frame.height == 1
    return frame.row(0, named=True)


def test_only_what_the_input_has_is_made() -> None:
    found = read()
    assert isinstance(found.claims, pl.LazyFrame)
    assert lines(found).columns == ["claim_id", "member_id", "thru_date"]
    declared = {c for c in CLAIMS.names if not c.startswith("diagnosis")}
    assert found.claims_absent == (declared | {"frequency_was_odd", "dates_were_odd"}) - set(lines(found).columns)
    assert found.claims_absent <= set(CONSTANTS)


def test_constants_are_the_defaults_of_the_contract() -> None:
    for column in CLAIMS.columns:
        if column.default is not None:
            assert CONSTANTS[column.name] == column.default


@pytest.mark.parametrize(("column", "value", "reason"), [
    ("claim_id", "", "MISSING_CLAIM_ID"), ("claim_id", None, "MISSING_CLAIM_ID"),
    ("member_id", " ", "MISSING_MEMBER_ID"), ("thru_date", "", "MISSING_THRU_DATE"),
    ("thru_date", "2025-02-30", "BAD_THRU_DATE"), ("thru_date", "1989-12-31", "FAR_PAST_DATE"),
    ("thru_date", f"{YEAR + 2}-01-01", "FAR_FUTURE_DATE"), ("claim_type", "pharmacy", "UNKNOWN_CLAIM_TYPE"),
    ("record_type", "x", "UNKNOWN_RECORD_TYPE"), ("source", "EHR", "UNKNOWN_SOURCE"),
    ("claim_status", "pending", "UNKNOWN_CLAIM_STATUS"), ("accepted", "perhaps", "BAD_ACCEPTED"),
    ("risk_adjustment_flag", "x", "UNKNOWN_RISK_ADJUSTMENT_FLAG"), ("submission_date", "x", "BAD_SUBMISSION_DATE"),
    ("line_number", "one", "BAD_LINE_NUMBER"), ("submission_date", "9999-12-31", "FAR_FUTURE_DATE"),
])  # fmt: skip
def test_lines_that_cannot_be_used(column: str, value: Any, reason: str) -> None:
    good = {"claim_id": "C1", "member_id": "M1", "thru_date": "2025-03-04", "claim_type": "professional",
            "record_type": "encounter", "source": "ffs", "claim_status": "paid", "accepted": "true",
            "risk_adjustment_flag": "A", "submission_date": "2025-05-01", "line_number": "1"}[column]  # fmt: skip
    found = read(claims_=claims(**{"claim_id": ["C1", "C2"], column: [good, value]}))
    assert lines(found).height == 1
    assert reasons(found) == [("claims", 2, column, reason)]
    assert found.claim_diagnoses.collect().height == 1, "the diagnoses of such a line are left out too"
    assert found.rejected()["value"].to_list() == [value], "as it was found"


def test_typed_columns_are_judged_alike(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "claim_id": [1, None, 3, 4],
            "member_id": ["M1", "M1", "M1", ""],
            "thru_date": [date(2025, 3, 4), date(2025, 3, 4), date(1980, 1, 1), date(2025, 3, 4)],
            "diagnosis_1": ["E1122"] * 4,
        }
    )
    frame.write_parquet(tmp_path / "c.parquet")
    for given in (frame, tmp_path / "c.parquet"):
        found = read(claims_=given)
        assert lines(found)["claim_id"].to_list() == ["1"]
        assert reasons(found) == [
            ("claims", 2, "claim_id", "MISSING_CLAIM_ID"),
            ("claims", 3, "thru_date", "FAR_PAST_DATE"),
            ("claims", 4, "member_id", "MISSING_MEMBER_ID"),
        ]


def test_dates_at_the_edges_are_kept() -> None:
    assert one_line(thru_date=f"{YEAR + 1}-12-31")["thru_date"] == date(YEAR + 1, 12, 31)
    assert one_line(thru_date="1990-01-01")["thru_date"] == date(1990, 1, 1)


@pytest.mark.parametrize(
    "written",
    [["20250304"], [20250304], ["03/04/2025"], ["2025-03-04 00:00:00"], [date(2025, 3, 4)],
     [datetime(2025, 3, 4, 1)], ["04-MAR-2025"]],
)  # fmt: skip
def test_dates_in_any_form(written: list[Any]) -> None:
    assert one_line(thru_date=written)["thru_date"] == date(2025, 3, 4)


def test_a_column_with_the_day_first_is_an_error_and_shows_no_value() -> None:
    with pytest.raises(InputError, match="column 'thru_date' holds dates with the day first") as caught:
        read(claims_=claims(thru_date=["01/02/2025", "25/12/2025"]))
    assert "25/12/2025" not in str(caught.value)


def test_a_column_without_any_date_is_an_error() -> None:
    with pytest.raises(InputError, match="none of its 2 values can be read as a date"):
        read(claims_=claims(thru_date=["A-1", "A-2"]))


def test_a_from_date_after_the_thru_date_is_flagged_only() -> None:
    frame = lines(read(claims_=claims(from_date=["2025-03-05", "2025-03-01", "", "x"])))
    assert frame["dates_were_odd"].to_list() == [True, False, False, False]
    assert frame["from_date"].to_list() == [date(2025, 3, 5), date(2025, 3, 1), date(2025, 3, 4), date(2025, 3, 4)]


@pytest.mark.parametrize(("bill", "kind", "three"), [
    ("111", "inpatient", "111"), ("0111", "inpatient", "111"), ("0417", "inpatient", "417"),
    ("131", "outpatient", "131"), ("0851", "outpatient", "851"), ("211", "outpatient", "211"),
    ("13i", "outpatient", "13I"), ("", "professional", None), (131, "outpatient", "131"),
    (131.0, "outpatient", "131"), ("11", "inpatient", "11"),
])  # fmt: skip
def test_claim_type_by_type_of_bill(bill: Any, kind: str, three: str | None) -> None:
    line = one_line(bill_type=[bill])
    assert (line["claim_type"], line["bill_type"]) == (kind, three)


@pytest.mark.parametrize(("given", "bill", "kind"), [
    ("Professional ", "111", "professional"), ("DME", "", "dme"), ("", "0111", "inpatient"), (None, "", "professional"),
    ("institutional", "0111", "inpatient"), ("Institutional", "131", "outpatient"), ("other", "131", "other"),
])  # fmt: skip
def test_a_given_claim_type_counts_and_blanks_are_filled(given: str | None, bill: str, kind: str) -> None:
    assert (
        one_line(
            claim_type=pl.Series([given], dtype=pl.String).to_list(),
            bill_type=bill,
        )["claim_type"]
        == kind
    )


def test_claim_type_without_any_type_of_bill() -> None:
    frame = lines(read(claims_=claims(claim_type=["inpatient", "", "institutional"])))
    assert frame["claim_type"].to_list() == ["inpatient", "professional", "outpatient"]


@pytest.mark.parametrize(("code", "bill", "read_as", "odd"), [
    ("1", "131", "1", False), ("7", "131", "7", False), ("8", "", "8", False), ("", "137", "7", False),
    ("", "0138", "8", False), ("", "131", "1", False), ("", "130", "1", False), ("", "134", "1", True),
    ("", "13I", "1", True), ("0", "", "1", False), ("9", "", "1", True), ("", "", "1", False),
    ("07", "131", "7", False), ("1.0", "", "1", False),
])  # fmt: skip
def test_frequency_code_else_the_end_of_the_type_of_bill(code: str, bill: str, read_as: str, odd: bool) -> None:
    line = one_line(frequency_code=code, bill_type=bill)
    assert (line["frequency_code"], line["frequency_was_odd"]) == (read_as, odd)


def test_frequency_from_the_type_of_bill_alone() -> None:
    frame = lines(read(claims_=claims(bill_type=["0137", "131", "138", "13"])))
    assert frame["frequency_code"].to_list() == ["7", "1", "8", "1"]


def test_blanks_take_the_default() -> None:
    line = one_line(record_type="", accepted="", source="", claim_status="", line_number="", risk_adjustment_flag="")
    assert line["record_type"] == "encounter"
    assert line["accepted"] is True
    assert line["source"] == "encounter"
    assert line["claim_status"] == "paid"
    assert line["line_number"] == 1
    assert line["risk_adjustment_flag"] is None


@pytest.mark.parametrize(("written", "flag"), [
    ("A", "allowed"), ("Y", "allowed"), ("1", "allowed"), ("Allowed", "allowed"), (1, "allowed"), (True, "allowed"),
    ("D", "disallowed"), ("n", "disallowed"), ("0", "disallowed"), ("disallowed", "disallowed"),
])  # fmt: skip
def test_the_verdict_of_cms(written: Any, flag: str) -> None:
    assert one_line(risk_adjustment_flag=[written])["risk_adjustment_flag"] == flag


def test_words_in_other_spellings() -> None:
    line = one_line(record_type="Chart Review", source="EDR", claim_status="Denied-Administrative", accepted="N")
    assert line["record_type"] == "chart_review"
    assert line["source"] == "encounter"
    assert line["claim_status"] == "denied_administrative"
    assert line["accepted"] is False


def test_codes_of_the_line() -> None:
    line = one_line(hcpcs=" g0463", modifier_1="fq", place_of_service=[2], specialty=["8"], rendering_npi=[1234567893])
    assert line["hcpcs"] == "G0463"
    assert line["modifier_1"] == "FQ"
    assert line["place_of_service"] == "02"
    assert line["specialty"] == "08"
    assert line["rendering_npi"] == "1234567893"


def test_identifiers_padded_with_blanks_meet_those_that_are_not() -> None:
    frame = claims(claim_id="C1    ", member_id="M1   ")
    assert lines(read(claims_=frame)).select("claim_id", "member_id").rows() == [("C1", "M1")]
    assert read(claims_=frame.lazy()).claim_diagnoses.collect()["claim_id"].to_list() == ["C1"]


@pytest.mark.parametrize("source", ["frame", "row group of Parquet", "middle of Parquet", "database", "lazy frame"])
def test_blanks_in_the_middle_of_a_large_table_are_found(source: str, tmp_path: Path) -> None:
    """One month among twelve came padded; neither end of the table shows it."""
    size, padded = 60_000, range(30_000, 35_000)
    if source == "middle of Parquet":  # one row group whose bounds are clean, padded around one of the places
        padded = range((size - 1_000) // 7 * 3 - 50, (size - 1_000) // 7 * 3 + 50)
    rows = claims(claim_id=[f"C{i:06}" for i in range(size)], claim_type="professional", hcpcs="99213")
    inside = pl.int_range(pl.len()).is_between(padded.start, padded.stop, closed="left")
    frame = rows.with_columns(pl.when(inside).then(pl.col("claim_id") + " ").otherwise("claim_id").alias("claim_id"))
    given: Any = frame
    if "Parquet" in source:
        given = tmp_path / "claims.parquet"
        frame.write_parquet(given, row_group_size=5_000 if source.startswith("row") else size)
    elif source == "database":
        given = tmp_path / "claims.duckdb"
        with duckdb.connect(str(given)) as con:
            con.register("incoming", frame.to_arrow())
            con.execute("CREATE TABLE claims AS SELECT * FROM incoming")
    elif source == "lazy frame":
        given = frame.lazy()
    assert lines(read(claims_=given))["claim_id"].sort().equals(rows["claim_id"])


def test_types_that_cannot_be_are_all_told_at_once() -> None:
    frame = claims().with_columns(thru_date=pl.lit(True), claim_id=pl.lit(["C1"]), accepted=pl.lit(date(2025, 1, 1)))
    with pytest.raises(InputError) as caught:
        read(claims_=frame)
    for said in ("'thru_date' has type Boolean", "'claim_id' has type List", "'accepted' has type Date"):
        assert said in str(caught.value)


def test_claims_without_diagnoses_are_no_silent_zero() -> None:
    with pytest.raises(InputError, match="there are no diagnoses"):
        read(claims_=claims(diagnosis_1=None))


# --- laziness ----------------------------------------------------------------------------------------------------


def typed_parquet(folder: Path) -> Path:
    frame = claims(claim_id=[f"C{i}" for i in range(1_000)], claim_type="professional", hcpcs="99213")
    frame.with_columns(pl.col("thru_date").str.to_date()).write_parquet(folder / "c.parquet")
    return folder / "c.parquet"


def test_filters_on_dates_and_identifiers_reach_the_file(tmp_path: Path) -> None:
    found = read(claims_=typed_parquet(tmp_path))
    wanted = found.claims.select("claim_id", "thru_date").filter(pl.col("thru_date") > date(2025, 1, 1))
    plan = wanted.explain()
    assert 'SELECTION: col("thru_date")' in plan
    assert "hcpcs" not in plan
    assert "diagnosis_1" not in plan


def test_what_the_footers_prove_is_not_tested_again(tmp_path: Path) -> None:
    frame = claims(claim_id=["C1", "C2"]).with_columns(pl.col("thru_date").str.to_date())
    frame.write_parquet(tmp_path / "c.parquet")
    assert "FILTER" not in read(claims_=tmp_path / "c.parquet").claims.explain()
    frame.with_columns(pl.when(pl.col("claim_id") == "C1").then("claim_id")).write_parquet(tmp_path / "c.parquet")
    found = read(claims_=tmp_path / "c.parquet")
    assert "claim_id" in found.claims.explain().partition("SELECTION")[2]
    assert reasons(found) == [("claims", 2, "claim_id", "MISSING_CLAIM_ID")]


def test_reading_collects_no_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = typed_parquet(tmp_path)
    heights = []
    collect = pl.LazyFrame.collect

    def watched(self: pl.LazyFrame, *args: Any, **more: Any) -> Any:
        frame = collect(self, *args, **more)
        heights.append(frame.height)
        return frame

    monkeypatch.setattr(pl.LazyFrame, "collect", watched)
    read(members_=members(), claims_=path)
    assert max(heights) < 1_000


def test_claims_of_others_are_counted() -> None:
    found = read(
        members(member_id=["M1", "M2"], sex=["F", "U"]),
        claims(claim_id=["C1", "C2", "C2", "C3", "C4"], member_id=["M1", "M2", "M2", "X", "Y"]),
    )
    assert claims_of_others(found).rows() == [("set_aside", 1, 2, 1), ("unknown", 2, 2, 2)]
    assert lines(found).height == 5, "their lines stay; the pipeline's join leaves them out"


@pytest.mark.parametrize("dtype", [pl.String(), pl.Float64(), pl.Decimal(9, 2)])
def test_codes_that_became_numbers(dtype: pl.DataType, tmp_path: Path) -> None:
    """A numeric column with a gap in it: pandas writes 99213.0; Parquet and databases have decimals."""
    numbers = {"hcpcs": "99213", "bill_type": "131", "rendering_npi": "1234567893", "modifier_1": "93",
               "frequency_code": "7", "place_of_service": "11", "specialty": "8"}  # fmt: skip
    wide = pl.Decimal(14, 2) if dtype.is_decimal() else dtype
    frame = claims(claim_id=["C1", "C2"]).with_columns(
        pl.Series(name, [f"{value}.0", None]).cast(pl.Float64).cast(wide) if dtype != pl.String
        else pl.Series(name, [f"{value}.0", None])
        for name, value in numbers.items()
    )  # fmt: skip
    path = tmp_path / ("claims.csv" if dtype == pl.String else "claims.parquet")
    frame.write_csv(path) if dtype == pl.String else frame.write_parquet(path)
    first, second = lines(read(claims_=path)).sort("claim_id").to_dicts()
    assert {name: first[name] for name in numbers} == {**numbers, "specialty": "08"}
    assert second["hcpcs"] is None


def test_identifiers_that_became_decimals_are_whole_numbers() -> None:
    decimals = claims(member_id=["101"])
    decimals = decimals.with_columns(
        pl.col("member_id").cast(pl.Decimal(18, 2)), claim_id=pl.lit(7, dtype=pl.Decimal(9, 3))
    )
    assert lines(read(claims_=decimals)).select("claim_id", "member_id").rows() == [("7", "101")]
    as_text = lines(read(claims_=claims(member_id=["101.0"])))
    assert as_text["member_id"].to_list() == ["101.0"], "text stays as it stands"


@pytest.mark.parametrize("column", ["original_claim_id", "linked_claim_id"])
@pytest.mark.parametrize(("own", "written", "read_as"), [
    (["1001", "1002"], [None, "1001.0"], "1001"), (["1001", "1002"], [None, "1000"], "1000"),
    (["1001", "1002"], [None, "1001.10"], "1001.10"), (["1001", "1002"], [None, "A1.0"], "A1.0"),
    (["1001.0", "1002.0"], [None, "1001.0"], "1001.0"), (["1001.0", "1001.1"], [None, "1001.0"], "1001.0"),
    (["C1", "C2"], [None, "1001.0"], "1001.0"),
])  # fmt: skip
def test_numbers_of_other_claims_lose_what_pandas_adds(
    tmp_path: Path, column: str, own: list[str], written: list[str | None], read_as: str
) -> None:
    frame = claims(claim_id=own).with_columns(pl.Series(column, written))
    path = tmp_path / "claims.csv"
    frame.write_csv(path)
    for given in (frame, path):
        assert lines(read(claims_=given))[column].to_list() == [None, read_as]


def test_numbers_of_other_claims_beside_whole_numbers() -> None:
    frame = claims(claim_id=["1001", "1002"], original_claim_id=[None, "1001.0"]).cast({"claim_id": pl.Int64})
    assert lines(read(claims_=frame))["original_claim_id"].to_list() == [None, "1001"]
