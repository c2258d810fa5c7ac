"""The worklist that goes out: what is listed, in which order, and what a spreadsheet makes of it."""

from __future__ import annotations

import csv
import errno
import gc
import io
import resource
import shutil
import stat
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner

from hcc.cli.worklist import worklist
from hcc.errors import InputError, ResultsError, ResultsExist
from hcc.results import append_review
from hcc.worklist import check_out, csv_text, in_words, load_weights, worklist_rows, worklist_summary, write_worklist
from hcc.worklist.rows import FIELDS
from tests.review.results_file import AS_OF
from tests.worklist.conftest import opened

NAMES = [field.name for field in FIELDS]


def written(con: duckdb.DuckDBPyConnection, path: Path, rows: pl.DataFrame | None = None) -> Path:
    rows = worklist_rows(con) if rows is None else rows
    return write_worklist(path, rows, worklist_summary(con, AS_OF), in_words(load_weights()))


def test_every_open_gap_is_listed_once(con: duckdb.DuckDBPyConnection) -> None:
    rows = worklist_rows(con)
    expected = con.execute("SELECT gap_id FROM gaps WHERE status = 'open'").fetchall()
    assert sorted(rows["gap_id"]) == sorted(gap for (gap,) in expected)
    assert rows.columns == NAMES


def test_order_within_a_direction(con: duckdb.DuckDBPyConnection) -> None:
    rows = worklist_rows(con)
    for direction in ("unsupported", "missing"):
        part = rows.filter(pl.col("direction") == direction)
        assert part["rank"].is_sorted()
        assert part.unique("rank", maintain_order=True)["priority"].is_sorted(descending=True)


def test_gaps_of_one_evidence_share_a_question_and_lie_together(con: duckdb.DuckDBPyConnection) -> None:
    rows = worklist_rows(con)
    pair = rows.filter(pl.col("rule_id") == "AUD-CKD").head(2)
    assert pair["question"].n_unique() == 1
    assert pair["model"].to_list() == ["cms-hcc-v28", "rxhcc-v08"]
    assert pair["gap_id"][0] == pair["question"][0]
    assert (
        rows.group_by("question").agg(pl.col("rank").n_unique())["rank"].to_list() == [1] * rows["question"].n_unique()
    )


def test_words_stand_beside_codes(con: duckdb.DuckDBPyConnection) -> None:
    row = worklist_rows(con).filter(pl.col("rule_id") == "CKD-1").row(0, named=True)
    assert row["candidate_diagnoses"] == "N18.32 Chronic kidney disease, stage 3b"
    assert row["label"] == "Chronic Kidney Disease, Moderate (Stage 3B)"
    assert row["reason"].startswith("Two eGFR values")
    assert row["evidence_for"].split("\n") == [
        "2025-06-23  result: Estimated glomerular filtration rate, 41 mL/min/1.73m2",
        "2025-10-21  result: Estimated glomerular filtration rate, 43 mL/min/1.73m2",
    ]
    assert row["evidence_against"].startswith("2024-04-09  result")
    assert row["evidence_count"] == 3


def test_statuses_limit_and_decided(results: Path, con: duckdb.DuckDBPyConnection) -> None:
    rows = worklist_rows(con)
    assert worklist_rows(con, statuses=("closed",))["status"].unique().to_list() == ["closed"]
    short = worklist_rows(con, limit=5)
    assert short.group_by("direction").agg(pl.col("question").n_unique())["question"].to_list() == [5, 5]
    first, second = rows["question"].unique(maintain_order=True)[:2]
    append_review(results, gap_id=first, decision="supported", reviewer="ann")
    append_review(results, gap_id=second, decision="defer", reviewer="ann")
    again = opened(results)
    try:
        listed = worklist_rows(again)
        assert first not in listed["question"]
        assert second in listed["question"], "a deferred question stays"
        assert worklist_summary(again, AS_OF).settled == 1
        everything = worklist_rows(again, decided=True)
        told = everything.filter(pl.col("gap_id") == first)["earlier_decision"][0]
        assert told.startswith("supported, ann, 20")
    finally:
        again.close()


def test_clock_of_a_decision_that_the_results_do_not_have_yet(results: Path) -> None:
    from datetime import UTC, date, datetime

    before = opened(results)
    gap = worklist_rows(before).filter(pl.col("rule_id") == "OIG-7")["question"][0]
    before.close()
    append_review(
        results, gap_id=gap, decision="not_supported", reviewer="ann", decided_at=datetime(2025, 3, 1, 10, tzinfo=UTC)
    )
    after = opened(results)
    try:
        row = worklist_rows(after, decided=True).filter(pl.col("gap_id") == gap)
        assert row["due_on"][0] == date(2025, 4, 30), "60 days after 1 March"
    finally:
        after.close()


def test_summary_agrees_with_the_results(con: duckdb.DuckDBPyConnection) -> None:
    rows = worklist_rows(con)
    summary = worklist_summary(con, AS_OF)
    for direction, side in summary.sides.items():
        part = rows.filter(pl.col("direction") == direction)
        assert side["gaps"] == part.height
        assert side["members"] == part["member_id"].n_unique()
        assert side["questions"] == side["high"] + side["medium"] + side["low"] == part["question"].n_unique()
        assert side["overdue"] == part.filter(pl.col("due_on") < AS_OF)["question"].n_unique()
    whole = con.execute(
        "SELECT sum(score_change) FROM member_gaps WHERE part = 'C' AND direction = 'missing'"
    ).fetchone()
    assert whole is not None
    assert summary.sides["missing"]["score_c"] == whole[0]
    by_rule = summary.by_rule.filter(pl.col("rule_id") == "RECAPTURE").row(0, named=True)
    assert by_rule["rule"] != "RECAPTURE", "the rule's title"
    assert by_rule["score_d"] == sum(
        rows.filter((pl.col("rule_id") == "RECAPTURE") & (pl.col("model") == "rxhcc-v08"))["score_change"].to_list()
    )


def test_workbook(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = worklist_rows(con)
    path = written(con, tmp_path / "worklist.xlsx")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Summary", "Unsupported", "Missing", "Guide", "Lists"]
    assert book["Lists"].sheet_state == "hidden"
    for name, direction in (("Unsupported", "unsupported"), ("Missing", "missing")):
        sheet, part = book[name], rows.filter(pl.col("direction") == direction)
        heads = [cell.value for cell in sheet[1]]
        assert heads == [field.heading for field in FIELDS]
        assert sheet.max_row == part.height + 1
        assert sheet.freeze_panes == "D2"
        assert sheet.auto_filter.ref == f"A1:{openpyxl.utils.get_column_letter(len(FIELDS))}{part.height + 1}"
        column = {field.name: i for i, field in enumerate(FIELDS, start=1)}
        first = {name: sheet.cell(2, i) for name, i in column.items()}
        top = part.row(0, named=True)
        assert first["gap_id"].value == top["gap_id"]
        assert first["last_evidence_date"].is_date
        assert first["last_evidence_date"].value.date() == top["last_evidence_date"]
        assert first["score_change"].data_type == "n"
        assert Decimal(str(first["score_change"].value)) == top["score_change"].normalize()
        assert first["member_id"].data_type == "s"
        lists = {str(v.sqref).split(":")[0]: v for v in sheet.data_validations.dataValidation}
        decision = lists[first["decision"].coordinate]
        assert decision.formula1 == '"supported,not supported,query provider,defer,not reviewable"'
        assert 'INDIRECT("reasons_"&' in lists[first["decision_reason"].coordinate].formula1
        for letter, dimension in sheet.column_dimensions.items():
            assert dimension.hidden or dimension.width >= 6, letter
    assert "reasons_not_supported" in book.defined_names
    told = "\n".join(str(cell.value) for row in book["Summary"].iter_rows() for cell in row if cell.value is not None)
    for words in ("Coded but unsupported", "Supported but missing", "How the rank is computed", "CMS-HCC V28"):
        assert words in told


FORMULA = '=HYPERLINK("http://example.invalid";"x")'


def test_nothing_is_a_formula(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = worklist_rows(con, limit=2).with_columns(
        reason=pl.lit(FORMULA), evidence_for=pl.lit("@SUM(A1)"), member_id=pl.lit("-1+2"), pcp_npi=pl.lit("+19"),
        label=pl.lit("http://example.invalid/"),
    )  # fmt: skip
    book = openpyxl.load_workbook(written(con, tmp_path / "worklist.xlsx", rows))
    sheet = book["Missing"]
    column = {field.name: i for i, field in enumerate(FIELDS, start=1)}
    for name in ("reason", "evidence_for", "member_id", "pcp_npi", "label"):
        cell = sheet.cell(2, column[name])
        assert cell.data_type == "s", name
        assert cell.hyperlink is None
        assert cell.quotePrefix == (name != "label"), "stays text when somebody edits the cell"
    for row in csv.DictReader(io.StringIO(csv_text(rows))):
        assert row["reason"] == f"'{FORMULA}"
        assert row["evidence_for"] == "'@SUM(A1)"
        assert row["member_id"] == "'-1+2"
        assert row["pcp_npi"] == "'+19"
        assert row["score_change"][0] in "-0123456789", "a number stays a number"


def test_csv_has_one_line_a_row_and_parquet_its_types(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = worklist_rows(con)
    lines = written(con, tmp_path / "w.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == rows.height + 1
    parquet = written(con, tmp_path / "w.parquet")
    assert stat.S_IMODE(parquet.stat().st_mode) == 0o600
    back = pl.read_parquet(parquet)
    assert back.schema["due_on"] == pl.Date
    assert back.schema["score_change"].is_decimal()
    assert back["gap_id"].to_list() == rows["gap_id"].to_list()


def test_targets_that_cannot_be(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    taken = tmp_path / "taken.csv"
    taken.write_text("mine")
    with pytest.raises(ResultsExist):
        written(con, taken)
    assert taken.read_text() == "mine"
    with pytest.raises(InputError, match="endings"):
        written(con, tmp_path / "worklist.pdf")
    with pytest.raises(ResultsError, match="does not exist"):
        written(con, tmp_path / "nowhere" / "worklist.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.duckdb", "taken.csv"], (
        "nothing half-made is left"
    )


@pytest.mark.parametrize("name", ["worklist.xlsx", "worklist.csv", "worklist.parquet"])
def test_a_full_disk(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = worklist_rows(con), worklist_summary(con, AS_OF), in_words(load_weights())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (4096, hard)
    )  # Python ignores the signal: writing fails as on a full disk
    try:
        with pytest.raises(ResultsError, match="cannot be written") as caught:
            write_worklist(tmp_path / name, *parts)
        gc.collect()  # what a half-made archive says when it is dropped
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Free some space" in str(caught.value.hint)
    assert [path.name for path in tmp_path.iterdir()] == ["results.duckdb"], "nothing half-made is left"
    assert capfd.readouterr().err == ""


def test_a_folder_that_may_not_be_written(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refused)
    with pytest.raises(ResultsError, match="Permission denied") as caught:
        written(con, tmp_path / "worklist.xlsx")
    assert caught.value.hint == "Choose another --out, in a folder that you may write to."


def test_empty_list(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = worklist_rows(con).clear()
    book = openpyxl.load_workbook(written(con, tmp_path / "worklist.xlsx", rows))
    assert book["Missing"].max_row == 1


def test_only_a_worklist_is_replaced(results: Path, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A CSV, a workbook, a Parquet file of the user's, the results: none of them is ours to replace."""
    shutil.copy(results, tmp_path / "results.csv")
    (tmp_path / "claims.csv").write_text("claim_id,member_id\nc1,A1\n")
    (tmp_path / "mine.csv").write_text("gap_id,decision\ng1,defer\n")  # somebody's own list of decisions
    pl.DataFrame({"claim_id": ["c1"]}).write_parquet(tmp_path / "claims.parquet")
    con.execute(f"COPY reviews TO '{tmp_path / 'reviews.parquet'}'")  # a table of the results
    book = openpyxl.Workbook()
    book.active.append(["gap", "decision"])
    book.save(tmp_path / "budget.xlsx")
    (tmp_path / "broken.xlsx").write_bytes(b"PK not a workbook")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path != results}
    for name in (
        "results.csv",
        "claims.csv",
        "mine.csv",
        "claims.parquet",
        "reviews.parquet",
        "budget.xlsx",
        "broken.xlsx",
    ):
        with pytest.raises(ResultsExist, match="already there and is no worklist"):
            check_out(tmp_path / name, overwrite=True)
        done = CliRunner().invoke(worklist, ["export", str(results), "--out", str(tmp_path / name), "--overwrite"])
        assert done.exit_code == 1, name
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path != results} == before


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".parquet"])
def test_a_worklist_of_ours_is_replaced_when_asked(con: duckdb.DuckDBPyConnection, tmp_path: Path, suffix: str) -> None:
    out = written(con, tmp_path / f"worklist{suffix}")
    for rows in (worklist_rows(con), worklist_rows(con).clear()):  # an empty one is one of ours, too
        with pytest.raises(ResultsExist, match="already there"):
            written(con, out)
        write_worklist(out, rows, worklist_summary(con, AS_OF), in_words(load_weights()), overwrite=True)


def test_the_results_are_no_worklist_whatever_their_name(results: Path, tmp_path: Path) -> None:
    named = Path(shutil.copy(results, tmp_path / "named.csv"))
    done = CliRunner().invoke(worklist, ["export", str(named), "--out", str(named), "--overwrite"])
    assert done.exit_code == 1
    assert "is an input of this command" in str(done.exception)
