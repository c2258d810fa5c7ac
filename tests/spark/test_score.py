"""hcc.spark.score on a cluster of two worker processes: the same answers as hcc.score, and nothing left behind."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest

import hcc
import hcc.spark
from hcc.demo.population import demo_tables
from hcc.errors import HccError, InputError, MissingPaymentYear, ResultsExist, UnknownModel, UnknownYear
from hcc.spark import api
from tests.spark.compare import assert_same, frame, on_spark

pytestmark = [pytest.mark.spark, pytest.mark.slow]
YEAR = 2026
PREFIX = "diagnosis_"


@pytest.fixture(scope="module")
def demo() -> dict[str, pl.DataFrame]:
    """Dual, new, disabled, ESRD, PACE and Part D members; replacements, voids, chart reviews, deletes, bad rows."""
    return demo_tables(members=300, payment_year=YEAR, seed=5)


def test_wide_claims_with_enrollment(spark: Any, demo: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    tables = {name: demo[name] for name in ("members", "claims", "enrollment")}
    assert set(tables["claims"]["frequency_code"].drop_nulls()) >= {"1", "7", "8"}
    assert set(tables["claims"]["record_type"].drop_nulls()) >= {"chart_review", "chart_review_delete"}
    out, staging = tmp_path / "out", tmp_path / "staging"
    run = hcc.spark.score(
        **{name: on_spark(spark, rows, 3) for name, rows in tables.items()},
        payment_year=YEAR, buckets=4, out=out, staging=staging,
    )  # fmt: skip
    assert_same(run, hcc.score(**tables, payment_year=YEAR))
    assert list(staging.iterdir()) == []
    assert sorted(p.name for p in (out / "scores").iterdir()) == [f"bucket-0000{i}.parquet" for i in range(4)]
    assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in out.glob("*/bucket-*.parquet"))
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    with pytest.raises(ResultsExist):
        hcc.spark.score(run.members, run.members, payment_year=YEAR, out=out)


def spans(members: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tuva's tables: everybody is dual to June; a third is in hospice from July, one is gone by May."""
    people = pl.DataFrame({"number": range(members)}).select(
        pl.format("P{}", "number").alias("person_id"), pl.format("M{}", "number").alias("member_id"), "number"
    )
    base = people.with_columns(
        pl.lit("female").alias("gender"),
        (pl.date(1930, 1, 1) + pl.duration(days=pl.col("number") * 211)).cast(pl.String).alias("birth_date"),
    )
    first = base.with_columns(
        pl.lit("2024-01-01").alias("enrollment_start_date"),
        pl.when(pl.col("number") == 3).then(pl.lit("2026-04-30")).otherwise(pl.lit("2026-06-30"))
        .alias("enrollment_end_date"),
        pl.lit("02").alias("dual_status_code"), pl.lit("0").alias("hospice_flag"),
    )  # fmt: skip
    second = base.filter(pl.col("number") != 3).with_columns(
        pl.lit("2026-07-01").alias("enrollment_start_date"), pl.lit("2026-12-31").alias("enrollment_end_date"),
        pl.lit("00").alias("dual_status_code"),
        (pl.col("number") % 3 == 0).cast(pl.Int8).cast(pl.String).alias("hospice_flag"),
    )  # fmt: skip
    claims = people.with_columns(
        pl.format("C{}", "number").alias("claim_id"), pl.lit("1").alias("claim_line_number"),
        pl.lit("professional").alias("claim_type"), pl.lit("2025-05-01").alias("claim_end_date"),
        pl.lit("99213").alias("hcpcs_code"),
        pl.when(pl.col("number") % 2 == 0).then(pl.lit("I509")).otherwise(pl.lit("E1122")).alias("diagnosis_code_1"),
    )  # fmt: skip
    return pl.concat([first, second]).drop("number"), claims.drop("number")


@pytest.mark.parametrize("months", [False, True])
def test_spans_of_enrollment(spark: Any, months: bool) -> None:
    members, claims = spans(40)
    asked: dict[str, Any] = {"layout": "tuva", "payment_year": 2026, "months_from_spans": months}
    one = hcc.score(members, claims, **asked)
    assert (one.member_scores["payable_months"] < 12).any() == months
    run = hcc.spark.score(on_spark(spark, members, 3), on_spark(spark, claims, 3), buckets=3, **asked)
    assert_same(run, one)


def test_a_scenario_file_is_read_by_the_driver(spark: Any, demo: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    """Figures of six decimals, frailty of months in other contracts, and a contract that nobody has."""
    moved = pl.when(pl.col("month").dt.month() > 7).then(pl.lit("H9999")).alias("contract_id")
    tables = {
        "members": demo["members"],
        "claims": demo["claims"],
        "enrollment": demo["enrollment"].with_columns(moved),
    }
    contract = demo["members"]["contract_id"].drop_nulls().sort()[0]
    path = tmp_path / "what-if.toml"
    path.write_text(
        '[[program]]\nname = "MA"\nnormalization = 1.067055\n'
        f'[frailty]\n{contract} = "0.1"\nH9999 = 0.0335\nH0 = "0.2"\n'
    )
    run = hcc.spark.score(
        **{name: on_spark(spark, rows, 2) for name, rows in tables.items()}, payment_year=YEAR, buckets=2, scenario=path
    )
    assert_same(run, hcc.score(**tables, payment_year=YEAR, scenario=path))
    assert any("contract H0 applies to nobody" in note for note in run.notes)


def test_odd_months_are_told_as_in_one_run(spark: Any, demo: dict[str, pl.DataFrame]) -> None:
    """Cells that cannot be read, months of other years, unknown members, members of two programmes: everywhere."""
    months = demo["enrollment"].with_columns(
        pl.when(pl.col("month").dt.month() == 3).then(pl.lit("QMB+")).otherwise("dual_status").alias("dual_status"),
        pl.when(pl.col("month").dt.month() > 6).then(pl.lit("PACE")).otherwise(pl.lit("MA")).alias("program"),
    )
    last = months.filter(pl.col("month").dt.month() == 12)
    before = last.with_columns(pl.col("month").dt.offset_by("-1y"))
    strange = last.head(7).with_columns(pl.concat_str(pl.lit("X"), "member_id").alias("member_id"))
    tables = {"members": demo["members"], "claims": demo["claims"], "enrollment": pl.concat([months, before, strange])}
    one = hcc.score(**tables, payment_year=2026)
    assert len([note for note in one.notes if note.startswith("enrollment: ")]) == 3
    frames = {name: on_spark(spark, rows, 3) for name, rows in tables.items()}
    assert_same(hcc.spark.score(**frames, payment_year=2026, buckets=4), one)
    moved = {
        "members": demo["members"],
        "claims": demo["claims"].with_columns(pl.col(pl.Date).dt.offset_by("1y")),
        "enrollment": tables["enrollment"].with_columns(pl.col("month").dt.offset_by("1y")),
    }
    one = hcc.score(**moved, payment_year=2027)
    assert len([note for note in one.notes if note.startswith("enrollment: ")]) == 4
    frames = {name: on_spark(spark, rows, 3) for name, rows in moved.items()}
    assert_same(hcc.spark.score(**frames, payment_year=2027, buckets=4), one)


def odd_population(demo: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Diagnoses in a table of their own, without the member; one claim_id for several members; a programme that one
    member has, and before him, by the order of identifiers, only one who is set aside; blanks; unknown members."""
    members = (
        demo["members"].filter(pl.col("program") == "MA").with_columns(pl.lit(None, pl.String).alias("part_d_plan"))
    )
    model = members.filter(pl.col("esrd_status") == "none").head(1)
    pace = model.with_columns(pl.lit("PACE").alias("program"))
    named = [
        pace.with_columns(pl.lit("A-contradicts").alias("member_id")),
        pace.with_columns(pl.lit("A-contradicts").alias("member_id"), pl.lit("H9999").alias("contract_id")),
        pace.with_columns(pl.lit("B-alone").alias("member_id")),
        model.with_columns(pl.lit("C-twice").alias("member_id")),
        model.with_columns(pl.lit(" C-twice").alias("member_id")),
    ]
    claims = demo["claims"].filter(pl.col("member_id").is_in(members["member_id"].implode()))
    line = claims.filter(pl.col("claim_type") == "professional").head(1).with_columns(pl.lit("99213").alias("hcpcs"))
    owners = [*members["member_id"].drop_nulls().unique().sort()[:8], "B-alone", "C-twice ", "nobody's", None]
    shared = pl.concat(
        [line.with_columns(pl.lit(w).alias("member_id"), pl.lit("SHARED").alias("claim_id")) for w in owners]
    )
    bad = line.with_columns(pl.lit(None, pl.Date).alias("thru_date"))
    lines = pl.concat([shared, claims, bad])
    codes = (
        lines.unpivot(on=cs.starts_with(PREFIX), index="claim_id", value_name="diagnosis_code")
        .drop_nulls().select("claim_id", "diagnosis_code").unique(maintain_order=True)
    )  # fmt: skip
    more = pl.DataFrame(
        {
            "claim_id": ["SHARED", "SHARED", "SHARED", "SHARED", " SHARED", "NOBODY", None],
            "diagnosis_code": ["e11.22", "XYZ", "XYZ", None, "I10", "XYZ", "E119"],
        }
    )
    return {
        "members": pl.concat([members, *named]),
        "claims": lines.drop(cs.starts_with(PREFIX)),
        "claim_diagnoses": pl.concat([more, codes]),
    }


def test_diagnoses_without_member_and_a_rare_programme(
    spark: Any, demo: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = odd_population(demo)
    asked: list[list[int]] = []
    reports = api._reports

    def counted(session: Any, numbers: Sequence[int], work: Any) -> Any:
        asked.append(list(numbers))
        return reports(session, numbers, work)

    monkeypatch.setattr(api, "_reports", counted)
    with hcc.spark.score(
        **{name: on_spark(spark, rows, 2) for name, rows in tables.items()}, payment_year=YEAR, buckets=4
    ) as run:
        assert_same(run, hcc.score(**tables, payment_year=YEAR), shared=True)
        assert frame(run, "unmapped_codes").filter(diagnosis_code="XYZ")["rows"].to_list() == [3]
        assert set(frame(run, "scores")["program"]) >= {"MA", "PACE"}
        shared = frame(run, "diagnoses").filter(claim_id="SHARED", diagnosis_code="E1122")
        assert shared.height == 10
        where = Path(run.out)
        assert where.exists()
    assert not where.exists()
    statuses, everyone, again, end = asked
    assert (statuses, everyone, end) == ([0], [0, 1, 2, 3], [0])
    # The bucket that has the programme need not run again, nor those that began when it had said so.
    assert 1 <= len(again) <= 3


PEOPLE = pl.DataFrame(
    {
        "Member_ID": [101, 102, 103, 104],
        "birth_date": ["1950-03-01", "1948-07-09", "not known", "1944-01-31"],
        "sex": ["F", "M", "F", "1"],
        "height": [1.6, 1.8, 1.7, 1.9],
    }
)
VISITS = pl.DataFrame(
    {
        "claim_id": ["a", "b", "c", "d"],
        "member_id": ["101", "102", "104", "105"],
        "thru_date": ["2025-03-04", "some day", "20250405", "2025-01-01"],
        "hcpcs": ["99213"] * 4,
        "diagnosis_codes": [["E11.9", "I50.9"], ["E119"], ["N184", "I10"], ["E119"]],
    }
)


def test_buckets_of_one_member_none_or_no_claim(spark: Any) -> None:
    """More buckets than members, dates as text of which a bucket has only unreadable ones, identifiers as numbers."""
    with hcc.spark.score(on_spark(spark, PEOPLE), on_spark(spark, VISITS), payment_year=YEAR, buckets=9) as run:
        assert_same(run, hcc.score(PEOPLE, VISITS, payment_year=YEAR))
        assert set(frame(run, "members")["member_id"]) == {"101", "102", "104"}
        hccs = frame(run, "member_hccs").select("member_id", "hcc").sort("member_id", "hcc").rows()
        assert hccs == [("101", "226"), ("101", "38"), ("104", "327")]
        rejected = frame(run, "rejected_rows").select("table", "row_number", "column", "reason", "source").sort("table")
        assert rejected.rows() == [
            ("claims", 2, "thru_date", "BAD_THRU_DATE", "Spark partition 0"),
            ("members", 3, "birth_date", "BAD_BIRTH_DATE", "Spark partition 0"),
        ]
        assert run.counts["claims_of_unknown_members"] == 1


def test_identifiers_of_numbers_are_read_as_in_one_run(spark: Any) -> None:
    """Decimals with digits behind the point (Oracle's NUMBER), in every table that has identifiers; text in others."""
    ids = pl.DataFrame({"Member_ID": ["101", "102.50", "100", "0"]}, schema={"Member_ID": pl.String})
    people = PEOPLE.with_columns(ids["Member_ID"].cast(pl.Decimal(38, 10)), birth_date=pl.lit("1950-03-01"))
    visits = VISITS.with_columns(
        pl.Series("claim_id", ["1", "20", "3.5", "4"]).cast(pl.Decimal(12, 2)), thru_date=pl.lit("2025-03-04"),
        member_id=pl.Series(["101", "102.5000000000", "100", "0"]),
    )  # fmt: skip
    codes = pl.DataFrame(
        {"claim_id": ["1", "20", "3.50", "4"], "diagnosis_code": ["250", "250", "401.90", "0"]}
    ).with_columns(pl.col("diagnosis_code").cast(pl.Decimal(9, 3)))
    tables = {"members": people, "claims": visits, "claim_diagnoses": codes}
    one = hcc.score(**tables, payment_year=YEAR)
    assert one.counts["claims_of_unknown_members"] == 0
    assert set(one.unmapped_codes["diagnosis_code"]) >= {"250", "401900", "0"}
    frames = {name: on_spark(spark, rows, 2) for name, rows in tables.items()}
    with hcc.spark.score(**frames, payment_year=YEAR, buckets=3) as run:
        assert_same(run, one)
        assert set(frame(run, "members")["member_id"]) == {"101", "102.5000000000", "100", "0"}
        assert set(frame(run, "diagnoses")["claim_id"]) >= {"1", "20", "3.50"}


def test_identifiers_of_doubles_are_read_as_in_one_run(spark: Any) -> None:
    """Beyond the whole numbers that a machine counts with, and halves that Java writes with an exponent."""
    doubles = [101.0, 3e20, 12345678.5, 0.25]
    texts = ["101", "3e+20", "12345678.5", "0.25"]
    people = PEOPLE.with_columns(pl.Series("Member_ID", doubles), birth_date=pl.lit("1950-03-01"))
    visits = VISITS.with_columns(member_id=pl.Series(texts), thru_date=pl.lit("2025-03-04"))
    one = hcc.score(people, visits, payment_year=YEAR)
    assert set(one.members["member_id"]) == set(texts)
    with hcc.spark.score(on_spark(spark, people), on_spark(spark, visits), payment_year=YEAR, buckets=2) as run:
        assert_same(run, one)
        assert run.counts["claims_of_unknown_members"] == 0


def test_columns_without_a_type(spark: Any) -> None:
    """``lit(None)``: blank, in whichever column it stands; a required one says so of every row."""
    from pyspark.sql import functions as sql

    people, visits = (
        PEOPLE.with_columns(birth_date=pl.lit("1950-03-01")),
        VISITS.with_columns(thru_date=date(2025, 3, 4)),
    )
    of_people = ("death_date", "csnp", "part_b_months", "orec", "monthly_benchmark")
    of_visits = ("modifier_2", "submission_date", "accepted", "line_number", "bill_type")
    tables = {
        "members": people.with_columns(pl.lit(None).alias(c) for c in of_people),
        "claims": visits.with_columns(pl.lit(None).alias(c) for c in of_visits),
        "enrollment": pl.DataFrame({"member_id": ["101"], "month": [date(2026, 3, 1)], "hospice": [None]}),
    }
    assert tables["members"].schema["csnp"] == tables["enrollment"].schema["hospice"] == pl.Null
    frames = {
        "members": on_spark(spark, people).withColumns(dict.fromkeys(of_people, sql.lit(None))),
        "claims": on_spark(spark, visits).withColumns(dict.fromkeys(of_visits, sql.lit(None))),
        "enrollment": on_spark(spark, tables["enrollment"]),
    }
    assert dict(frames["members"].dtypes)["csnp"] == "void"
    with hcc.spark.score(**frames, payment_year=YEAR, buckets=2) as run:
        assert_same(run, hcc.score(**tables, payment_year=YEAR))
    empty = {"claim_id": pl.lit(None), "thru_date": pl.lit(None), "diagnosis_codes": pl.lit([], dtype=pl.List(pl.Null))}
    blank = {"claim_id": sql.lit(None), "thru_date": sql.lit(None), "diagnosis_codes": sql.array()}
    frames = {"members": on_spark(spark, people), "claims": on_spark(spark, visits).withColumns(blank)}
    assert dict(frames["claims"].dtypes)["diagnosis_codes"] == "array<void>"
    with hcc.spark.score(**frames, payment_year=YEAR, buckets=2) as run:
        assert_same(run, hcc.score(people, visits.with_columns(**empty), payment_year=YEAR))
        assert run.counts["rejected_by_reason"] == {"MISSING_CLAIM_ID": 4, "MISSING_THRU_DATE": 4}


@pytest.mark.parametrize("bare", [("members",), ("enrollment",), ("members", "enrollment")])
def test_members_or_enrollment_without_a_row(
    spark: Any, demo: dict[str, pl.DataFrame], bare: tuple[str, ...], tmp_path: Path
) -> None:
    tables = {name: demo[name].head(0 if name in bare else 20) for name in ("members", "claims", "enrollment")}
    with pytest.raises(InputError) as one:
        hcc.score(**tables, payment_year=YEAR)
    frames = {name: on_spark(spark, rows, 2) for name, rows in tables.items()}
    with pytest.raises(InputError) as error:
        hcc.spark.score(**frames, payment_year=YEAR, buckets=2, out=tmp_path / "out", staging=tmp_path / "staging")
    assert str(error.value) == str(one.value)
    assert all(f"{name}: there is no row." in str(error.value) for name in bare)
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "staging").iterdir()) == []


def test_claims_without_a_row(spark: Any, demo: dict[str, pl.DataFrame]) -> None:
    tables = {"members": demo["members"].head(20), "claims": demo["claims"].head(0)}
    frames = {name: on_spark(spark, rows, 2) for name, rows in tables.items()}
    with hcc.spark.score(**frames, payment_year=YEAR, buckets=2) as run:
        assert_same(run, hcc.score(**tables, payment_year=YEAR))


def test_members_who_are_all_set_aside_are_told(spark: Any) -> None:
    """With what is wrong of how many, in a bucket or none."""
    people = PEOPLE.with_columns(sex=pl.Series([None, None, "F", None], dtype=pl.String))
    one = hcc.score(people, VISITS, payment_year=YEAR)
    (note,) = one.notes
    assert note.startswith("members: no row can be used (1 BAD_BIRTH_DATE, 3 MISSING_SEX); ")
    with hcc.spark.score(on_spark(spark, people), on_spark(spark, VISITS), payment_year=YEAR, buckets=6) as run:
        assert run.notes == one.notes
        assert frame(run, "rejected_rows").height == one.rejected_rows.height
    some = PEOPLE.with_columns(sex=pl.Series([None, None, "F", "1"], dtype=pl.String))
    with hcc.spark.score(on_spark(spark, some), on_spark(spark, VISITS), payment_year=YEAR, buckets=6) as run:
        assert run.notes == hcc.score(some, VISITS, payment_year=YEAR).notes == []


def test_only_counts_reach_the_driver(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the driver collects has no column of a member."""
    from pyspark.sql.classic.dataframe import DataFrame

    collected: list[list[str]] = []
    for name in ("collect", "toArrow", "toPandas", "toLocalIterator", "take", "head", "first", "tail"):
        method = getattr(DataFrame, name)

        def watched(self: Any, *given: Any, _method: Any = method, **named: Any) -> Any:
            collected.append(self.columns)
            return _method(self, *given, **named)

        monkeypatch.setattr(DataFrame, name, watched)
    people = PEOPLE.with_columns(birth_date=pl.lit(date(1950, 1, 1)))
    with pytest.warns(hcc.errors.NotPaidModel):
        run = hcc.spark.score(
            on_spark(spark, people), on_spark(spark, VISITS), payment_year=YEAR, models=["cms-hcc-v24"], buckets=2
        )
    with run:
        assert {tuple(columns) for columns in collected} == {
            ("bucket", "report"),
        }  # fmt: skip
        with pytest.warns(hcc.errors.NotPaidModel):
            one = hcc.score(people, VISITS, payment_year=YEAR, models=["cms-hcc-v24"])
        assert_same(run, one)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({}, MissingPaymentYear, "No payment year"),
        ({"payment_year": 1999}, UnknownYear, "1999"),
        ({"payment_year": YEAR, "models": ["cms-hcc-v82"]}, UnknownModel, "cms-hcc-v82"),
        ({"payment_year": YEAR, "layout": "tuva"}, InputError, "members"),
        ({"payment_year": YEAR, "buckets": 0}, HccError, "at least one"),
        ({"payment_year": YEAR, "out": "nowhere://x/y"}, HccError, "nowhere://x/y"),
        ({"payment_year": YEAR, "scenario": {"program": "MA"}}, HccError, "write \\[\\[program\\]\\]"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    spark: Any, options: dict[str, Any], kind: type[HccError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_run", None)  # not reached
    with pytest.raises(kind, match=words):
        hcc.spark.score(on_spark(spark, PEOPLE), on_spark(spark, VISITS), **options)


def test_columns_at_fault_are_all_told(spark: Any) -> None:
    people = PEOPLE.drop("sex").with_columns(pl.lit(value=True).alias("birth_date"))
    with pytest.raises(InputError) as error:
        hcc.spark.score(on_spark(spark, people), on_spark(spark, VISITS.drop("claim_id")), payment_year=YEAR)
    assert all(word in str(error.value) for word in ("members", "'sex'", "claims", "'claim_id'"))
    with pytest.raises(InputError, match=r"members: a DataFrame is no DataFrame of Spark's"):
        hcc.spark.score(people, VISITS, payment_year=YEAR)  # type: ignore[arg-type]


def test_a_column_without_any_date_is_a_fault(spark: Any, tmp_path: Path) -> None:
    visits = VISITS.with_columns(pl.lit("once").alias("thru_date"))
    with pytest.raises(InputError, match=r"claims\.thru_date: none of its values can be read as a date"):
        hcc.spark.score(
            on_spark(spark, PEOPLE), on_spark(spark, visits), payment_year=YEAR, buckets=2, out=tmp_path / "out",
            staging=tmp_path / "staging",
        )  # fmt: skip
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "staging").iterdir()) == []


def test_an_error_in_a_bucket_is_one_clear_message(spark: Any, tmp_path: Path) -> None:
    """Dates with the day first show only where they lie: the executors' error comes back as the engine words it."""
    visits = VISITS.with_columns(pl.Series("thru_date", ["2025-03-04", "31/12/2025", "20250405", "2025-01-01"]))
    with pytest.raises(InputError, match="day first") as error:
        hcc.spark.score(
            on_spark(spark, PEOPLE), on_spark(spark, visits), payment_year=YEAR, buckets=2, out=tmp_path / "o"
        )
    assert "31/12/2025" not in str(error.value)
    assert "of 2 buckets" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_spark_tells_no_value(spark: Any, tmp_path: Path) -> None:
    from pyspark.sql import functions as sql

    visits = on_spark(spark, VISITS).withColumn("line_number", sql.col("thru_date").cast("int"))
    with pytest.raises(HccError, match=r"Spark could not stage the inputs") as error:
        hcc.spark.score(on_spark(spark, PEOPLE), visits, payment_year=YEAR, buckets=2, out=tmp_path / "o")
    assert "some day" not in str(error.value)
    assert "2025" not in str(error.value)
    assert error.value.__suppress_context__
    assert list(tmp_path.iterdir()) == []
