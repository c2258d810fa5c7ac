"""Decisions that come back: what is used, what is not and why, and that nothing is added twice."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner, Result

from hcc.cli.worklist import worklist
from hcc.errors import InputError
from hcc.results import append_review, read_reviews
from hcc.worklist import latest_by_reviewer, not_imported, read_decisions, usable_decisions, worklist_rows
from hcc.worklist.rows import FIELDS
from tests.worklist.conftest import opened

NOW = datetime(2025, 12, 1, 9, tzinfo=UTC)
THEN = datetime(2025, 11, 10, 8)
QUESTIONS = pl.DataFrame({"gap_id": ["a", "a2", "b", "c", "d"], "question": ["a", "a", "b", "c", "d"]})
NO_REVIEWS = pl.DataFrame(
    schema={"gap_id": pl.String, "reviewer": pl.String, "decision": pl.String, "reason": pl.String, "note": pl.String,
            "decided_at": pl.Datetime("us"), "is_latest": pl.Boolean}
)  # fmt: skip


def rows(*given: dict[str, str]) -> pl.DataFrame:
    names = ("gap_id", "decision", "decision_reason", "note", "reviewer", "decided_on", "run_id", "evidence_count")
    return pl.DataFrame(
        [{"sheet": "S", "row_number": i, **{n: row.get(n) for n in names}} for i, row in enumerate(given, start=2)],
        schema={"sheet": pl.String, "row_number": pl.Int64, **dict.fromkeys(names, pl.String)},
    )


def test_rows_that_cannot_be_used_are_all_told_with_number_and_reason() -> None:
    found = usable_decisions(
        rows(
            {"gap_id": "nope", "decision": "defer", "reviewer": "ann"},
            {"gap_id": "b", "decision": "perhaps", "reviewer": "ann"},
            {"gap_id": "c", "decision": "defer"},
            {"gap_id": "d", "note": "forgot the decision", "reviewer": "ann"},
            {"gap_id": "", "decision": "defer", "reviewer": "ann"},
            {"gap_id": "c", "decision": "defer", "reviewer": "ann", "decided_on": "soon"},
            {"gap_id": "d", "decision": "defer", "reviewer": "ann", "decided_on": "2025-12-24"},
            {"gap_id": "zzz", "decision": "perhaps"},
        ),
        QUESTIONS,
        NO_REVIEWS,
        now=NOW,
    )
    why = {row: reason for _, row, reason in found.faults.iter_rows()}
    assert found.rows == []
    assert found.entered == 8
    assert list(why) == [2, 3, 4, 5, 6, 7, 8, 9]
    for row, words in {
        2: "gap_id is not in these results", 3: "the decision is none of: supported", 4: "no reviewer",
        5: "without a decision", 6: "gap_id is empty", 7: "no date", 8: "future",
    }.items():  # fmt: skip
        assert words in why[row]
    assert why[9].count(";") == 2, "all faults of a row"
    assert "perhaps" not in why[3], "no value of a row is repeated"


def test_a_decision_answers_the_question_in_its_other_models() -> None:
    found = usable_decisions(
        rows({"gap_id": "a", "decision": "Not supported", "decision_reason": "History only", "reviewer": "ann",
              "run_id": "r1", "evidence_count": "3"}),
        QUESTIONS, NO_REVIEWS, now=NOW,
    )  # fmt: skip
    assert [(row["gap_id"], row["decision"], row["reason"]) for row in found.rows] == [
        ("a", "not_supported", "History only"),
        ("a2", "not_supported", "History only"),
    ]
    assert found.taken_over == 1
    assert json.loads(str(found.rows[0]["seen"])) == {"through": "worklist", "run_id": "r1", "evidence": 3}


def test_rows_of_a_question_that_say_otherwise_are_kept() -> None:
    found = usable_decisions(
        rows({"gap_id": "a", "decision": "supported"}, {"gap_id": "a2", "decision": "defer"}),
        QUESTIONS, NO_REVIEWS, reviewer="ann", now=NOW,
    )  # fmt: skip
    assert {(row["gap_id"], row["decision"]) for row in found.rows} == {("a", "supported"), ("a2", "defer")}
    assert found.taken_over == 0


def test_rows_left_alone_are_no_fault() -> None:
    found = usable_decisions(rows({"gap_id": "a", "reviewer": "ann"}, {"gap_id": "b"}), QUESTIONS, NO_REVIEWS, now=NOW)
    assert (found.entered, found.rows, found.faults.height) == (0, [], 0)


def test_one_gap_decided_twice_in_a_file() -> None:
    twice = usable_decisions(
        rows({"gap_id": "b", "decision": "defer"}, {"gap_id": "b", "decision": "supported"}),
        QUESTIONS, NO_REVIEWS, reviewer="ann", now=NOW,
    )  # fmt: skip
    assert twice.rows == []
    assert twice.faults["row_number"].to_list() == [2, 3]
    same = usable_decisions(
        rows({"gap_id": "b", "decision": "defer"}, {"gap_id": "b", "decision": "defer"}),
        QUESTIONS, NO_REVIEWS, reviewer="ann", now=NOW,
    )  # fmt: skip
    assert len(same.rows) == 1


def test_day_of_the_decision() -> None:
    found = usable_decisions(
        rows({"gap_id": "b", "decision": "defer", "decided_on": "2025-11-20 00:00:00"},
             {"gap_id": "c", "decision": "defer"}),
        QUESTIONS, NO_REVIEWS, reviewer="ann", now=NOW,
    )  # fmt: skip
    days = {row["gap_id"]: row["decided_at"] for row in found.rows}
    assert days["b"].date() == date(2025, 11, 20)  # type: ignore[attr-defined]
    assert days["c"] == NOW


def test_identical_decision_is_there_already_and_a_changed_one_is_not() -> None:
    stored = NO_REVIEWS.vstack(
        pl.DataFrame([("b", "ann", "defer", "", "", THEN, True), ("c", "bob", "supported", "", "", THEN, True)],
                     schema=NO_REVIEWS.schema, orient="row")
    )  # fmt: skip
    found = usable_decisions(
        rows({"gap_id": "b", "decision": "defer"}, {"gap_id": "c", "decision": "defer"}),
        QUESTIONS, stored, reviewer="ann", now=NOW,
    )  # fmt: skip
    assert [row["gap_id"] for row in found.rows] == ["c"]
    assert (found.already, found.replaced) == (1, 1)


@pytest.mark.parametrize(("decided_on", "replaced", "behind"), [("2025-11-09", 0, 1), ("2025-11-10", 1, 0), ("", 1, 0)])
def test_a_decision_older_than_somebody_elses_replaces_nothing(decided_on: str, replaced: int, behind: int) -> None:
    stored = NO_REVIEWS.vstack(
        pl.DataFrame([("c", "bob", "supported", "", "", THEN, True)], schema=NO_REVIEWS.schema, orient="row")
    )
    found = usable_decisions(
        rows({"gap_id": "c", "decision": "defer", "decided_on": decided_on}), QUESTIONS, stored, reviewer="ann", now=NOW
    )
    assert len(found.rows) == 1, "an older decision is kept, too"
    assert (found.replaced, found.behind) == (replaced, behind)


@pytest.mark.parametrize(("day", "usable"), [("0001-01-01", 0), ("1999-12-31", 0), ("2000-01-01", 1)])
def test_a_day_that_nobody_can_mean(day: str, usable: int) -> None:
    found = usable_decisions(
        rows({"gap_id": "c", "decision": "defer", "decided_on": day}), QUESTIONS, NO_REVIEWS, reviewer="ann", now=NOW
    )
    assert len(found.rows) == usable
    assert ["before 2000-01-01" in why for why in found.faults["why"]] == [True] * (1 - usable)


def test_latest_of_each_reviewer() -> None:
    reviews = pl.DataFrame(
        {"gap_id": ["a", "a", "a"], "reviewer": ["ann", "bob", "ann"], "decision": ["defer", "supported", "defer"],
         "reason": [""] * 3, "note": [""] * 3}
    )  # fmt: skip
    found = latest_by_reviewer(reviews)
    assert dict(zip(found["reviewer"], found["is_latest"], strict=True)) == {"ann": True, "bob": False}


# -- files and the command --------------------------------------------------------------------------------------------


def run(*arguments: object) -> Result:
    return CliRunner().invoke(worklist, [str(argument) for argument in arguments], catch_exceptions=False)


def fill(path: Path, sheet: str, row: int, **values: object) -> None:
    book = openpyxl.load_workbook(path)
    column = {field.name: i for i, field in enumerate(FIELDS, start=1)}
    for name, value in values.items():
        cell = book[sheet].cell(row, column[name])
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"  # openpyxl takes "=1+1" for a formula
    book.save(path)


def test_workbook_there_and_back(results: Path, tmp_path: Path) -> None:
    book = tmp_path / "worklist.xlsx"
    assert run("export", results, "--out", book).exit_code == 0
    fill(book, "Unsupported", 2, decision="not supported", decision_reason="History only, no longer present",
         note="=1+1", reviewer="ann", decided_on=date(2025, 11, 3))  # fmt: skip
    fill(book, "Missing", 2, decision="supported")
    first = run("import", results, book, "--reviewer", "bob")
    assert first.exit_code == 0, first.output
    assert first.stdout == ""
    stored = read_reviews(results)
    con = opened(results)
    listed = worklist_rows(con, decided=True)
    con.close()
    by = {row["gap_id"]: row for row in stored.iter_rows(named=True)}
    top = {
        side: listed.filter((pl.col("direction") == side) & (pl.col("gap_id").is_in(list(by))))
        for side in ("unsupported", "missing")
    }
    for row in top["unsupported"].iter_rows(named=True):
        review = by[row["gap_id"]]
        assert (review["decision"], review["reviewer"], review["note"]) == ("not_supported", "ann", "=1+1")
        assert review["decided_at"].date() == date(2025, 11, 3)
        assert json.loads(review["seen"])["run_id"] == row["run_id"]
    assert {by[gap]["reviewer"] for gap in top["missing"]["gap_id"]} == {"bob"}
    assert top["unsupported"]["question"].n_unique() == top["missing"]["question"].n_unique() == 1
    second = run("import", results, book, "--reviewer", "bob")
    assert second.exit_code == 0
    assert "0 decisions added" in second.stderr
    assert read_reviews(results).height == stored.height


def test_csv_there_and_back(results: Path, tmp_path: Path) -> None:
    told = run("export", results, "--csv", "--limit", 3)
    assert told.exit_code == 0
    listed = pl.read_csv(told.stdout.encode(), infer_schema=False)
    filled = listed.with_columns(
        decision=pl.when(pl.col("rank") == "1").then(pl.lit("query provider")),
        note=pl.lit("'-seen"),
        reviewer=pl.lit("ann"),
    ).filter(pl.col("rank") == "1")
    file = tmp_path / "decisions.csv"
    filled.write_csv(file)
    assert run("import", results, file).exit_code == 0
    stored = read_reviews(results)
    assert set(stored["decision"]) == {"query_provider"}
    assert set(stored["note"]) == {"-seen"}, "the apostrophe of our CSV is not part of the note"
    assert set(listed.filter(pl.col("rank") == "1")["gap_id"]) == set(stored["gap_id"])


def test_faults_are_listed_and_exit_is_one_only_if_nothing_could_be_used(results: Path, tmp_path: Path) -> None:
    book = tmp_path / "worklist.xlsx"
    run("export", results, "--out", book, "--limit", 5)
    fill(book, "Missing", 3, gap_id="nope", decision="defer", reviewer="ann")
    bad = run("import", results, book)
    assert bad.exit_code == 1
    assert "Missing" in bad.stdout
    assert "gap_id is not in these results" in bad.stdout
    assert "nope" not in bad.output
    fill(book, "Missing", 4, decision="defer", reviewer="ann")
    mixed = run("import", results, book)
    assert mixed.exit_code == 0
    assert "gap_id is not in these results" in mixed.stdout
    assert read_reviews(results).height >= 1
    empty = tmp_path / "empty.xlsx"
    run("export", results, "--out", empty, "--limit", 2)
    assert run("import", results, empty).exit_code == 0, "a list that nobody filled in is no error"


def test_decision_after_somebody_elses_is_counted(results: Path, tmp_path: Path) -> None:
    book = tmp_path / "worklist.xlsx"
    run("export", results, "--out", book, "--limit", 1)
    con = opened(results)
    lead = worklist_rows(con, limit=1).filter(pl.col("direction") == "missing")["question"][0]
    con.close()
    append_review(results, gap_id=lead, decision="supported", reviewer="eve")
    fill(book, "Missing", 2, decision="defer", reviewer="ann")
    told = run("import", results, book)
    assert "1 after a decision of somebody else" in told.stderr
    assert set(read_reviews(results).filter(pl.col("gap_id") == lead)["reviewer"]) == {"eve", "ann"}, (
        "nothing is overwritten"
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.pdf", b"x", "endings"),
        ("x.xlsx", b"no workbook", "cannot be read"),
        ("x.csv", b"a,b\n1,2\n", "no columns gap_id and decision"),
        ("missing.csv", None, "There is no file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_decisions(file)


def test_moved_and_extra_columns_are_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("Note,extra,Decision,gap-id\nhello,1,defer,g1\n")
    frame = read_decisions(file).rows
    assert frame.select("row_number", "gap_id", "decision", "note").row(0) == (2, "g1", "defer", "hello")


def test_a_row_above_the_headings_of_one_sheet(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "worklist.xlsx"
    run("export", results, "--out", path)
    fill(path, "Unsupported", 2, decision="supported", note="hello")
    book = openpyxl.load_workbook(path)
    book["Unsupported"].insert_rows(1, 2)
    book["Unsupported"]["A1"] = "List of Tuesday"
    book.save(path)
    file = read_decisions(path)
    entered = file.rows.filter(pl.col("decision").is_not_null())
    assert entered.select("sheet", "row_number", "decision", "note").rows() == [
        ("Unsupported", 4, "supported", "hello")
    ]
    assert file.faults.is_empty(), "the summary, the guide and the lists of reasons are no lists of decisions"
    assert run("import", results, path, "--reviewer", "ann").exit_code == 0
    assert set(read_reviews(results)["decision"]) == {"supported"}


def test_a_sheet_that_was_not_read_is_told(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "worklist.xlsx"
    run("export", results, "--out", path)
    fill(path, "Unsupported", 2, decision="supported")
    fill(path, "Unsupported", 1, decision="My verdict")
    told = run("import", results, path, "--reviewer", "ann")
    assert told.exit_code == 1, "nothing was filled in elsewhere, so nothing could be used"
    assert "Unsupported" in told.stdout
    assert "headings gap_id and decision" in told.stdout
    fill(path, "Missing", 2, decision="supported")
    told = run("import", results, path, "--reviewer", "ann")
    assert told.exit_code == 0
    assert "headings gap_id and decision" in told.stdout
    assert "1 sheet not read" in told.stderr


def test_two_columns_of_one_meaning_are_told(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("gap_id,decision,Decision\ng1,defer,supported\n")
    with pytest.raises(InputError, match="two columns 'decision'"):
        read_decisions(file)


_TYPED = "gap_id,decision,note,reviewer\ng1,defer,Größe “x” – naïve,Zoë\n"


@pytest.mark.parametrize(
    ("encoding", "noted"), [("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 0), ("utf-32", 0), ("cp1252", 1)]
)
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_csv_as_spreadsheets_save_it(tmp_path: Path, encoding: str, noted: int, mark: str, ends: str) -> None:
    file = tmp_path / "d.csv"
    file.write_bytes(_TYPED.replace(",", mark).replace("\n", ends).encode(encoding))
    found = read_decisions(file)
    assert found.rows.select("row_number", "gap_id", "decision", "note", "reviewer").rows() == [
        (2, "g1", "defer", "Größe “x” – naïve", "Zoë")
    ]
    assert ["Windows-1252" in note for note in found.notes] == [True] * noted


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("gap_id,decision\n".encode("utf-16-le"), "NUL bytes"),
        (b"gap_id,decision,note\ng1,defer,\x81\n", "neither UTF-8 nor Windows-1252"),
        (b'gap_id,decision,note\ng1,defer,"never closed\ng2,defer,x\n', "cannot be read"),
        (b"", "no columns gap_id and decision"),
    ],
)
def test_csv_that_would_lose_text_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "d.csv"
    file.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_decisions(file)


def test_csv_lines_above_the_headings_blank_ones_and_cells_too_many(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text(
        'sep=;\n"List of\nTuesday"\ngap_id;decision;note\n\ng1;defer;one; two\ng2;defer\ng3;defer;"a\nb";;\n'
    )
    found = read_decisions(file)
    assert found.rows.filter(pl.col("gap_id").is_not_null()).select("row_number", "gap_id", "note").rows() == [
        (6, "g2", None),
        (7, "g3", "a\nb"),
    ]
    assert found.faults.rows() == [("", 5, "more cells than there are headings")]


def test_parquet_of_other_types(tmp_path: Path) -> None:
    file = tmp_path / "d.parquet"
    typed = pl.DataFrame({"gap_id": ["g1"], "decision": ["defer"], "note": [5.5], "decided_on": [date(2025, 11, 3)]})
    typed.with_columns(pl.col("decision").cast(pl.Categorical)).write_parquet(file)
    assert read_decisions(file).rows.select("decision", "note", "decided_on").row(0) == ("defer", "5.5", "2025-11-03")
    for odd in ([1, 2], {"a": 1}, b"\xff"):
        typed.with_columns(pl.Series("note", [odd])).write_parquet(file)
        with pytest.raises(InputError, match="column note holds no text"):
            read_decisions(file)


def test_export_says_where_to_write(results: Path) -> None:
    told = run("export", results)
    assert told.exit_code == 2
    assert "--out" in told.output


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2025-11-03", ""),
        ("2025-11-03 00:00:00", ""),
        ("2025-11-03T14:30", ""),
        ("2025-11-03 14:30:05.123456", ""),
        ("2025-11-03abc", "no date"),
        ("2025-11-031", "no date"),
        ("2025-11-03 25:00", "no date"),
        ("2025-11-03 or so", "no date"),
        ("2025-02-30", "no date"),
        ("2025-11-03T23:30:00-08:00", "time zone"),
        ("2025-11-03T23:30:00Z", "time zone"),
        ("2025-11-03 23:30:00 UTC", "time zone"),
        ("2025-11-03 23:30:00+0000", "time zone"),
    ],
)
def test_a_day_is_a_date_or_a_timestamp_and_nothing_else(text: str, why: str) -> None:
    """Nothing is read from the first ten characters alone; a zone would move the day, so it is not guessed at."""
    found = usable_decisions(
        rows({"gap_id": "c", "decision": "defer", "decided_on": text}), QUESTIONS, NO_REVIEWS, reviewer="ann", now=NOW
    )
    assert [row["decided_at"] for row in found.rows] == ([] if why else [datetime(2025, 11, 3, 12, tzinfo=UTC)])
    assert why in "; ".join(found.faults["why"])
    assert found.faults.height == bool(why)


def replaced(book: Path, results: Path) -> str:
    """What export --overwrite says; "" where it replaced the file."""
    before = book.read_bytes()
    done = CliRunner().invoke(worklist, ["export", str(results), "--out", str(book), "--overwrite"])
    assert done.exit_code == 0 or book.read_bytes() == before
    return str(done.exception or "")


@pytest.mark.parametrize("name", ["worklist.xlsx", "worklist.csv"])
def test_a_day_of_work_is_not_replaced_before_it_is_imported(results: Path, tmp_path: Path, name: str) -> None:
    book = tmp_path / name
    assert run("export", results, "--out", book).exit_code == 0
    assert replaced(book, results) == ""  # nobody filled in anything

    def filled(**values: str) -> None:
        if name.endswith("xlsx"):
            fill(book, "Unsupported", 2, **values)
        else:
            told = pl.read_csv(book, infer_schema=False).with_row_index("n")
            first = pl.col("n") == 0
            told.with_columns(pl.when(first).then(pl.lit(v)).otherwise(k).alias(k) for k, v in values.items()).drop(
                "n"
            ).write_csv(book)

    filled(decision="Not supported", note="letter seen")
    words = replaced(book, results)
    assert "holds 1 decision(s) that were not imported" in words
    assert f"hcc worklist import {results} {book}" in words
    assert run("import", results, book, "--reviewer", "ann").exit_code == 0
    filled(note="letter and plan seen")  # another word after the import
    assert "holds 1 decision(s)" in replaced(book, results)
    assert run("import", results, book, "--reviewer", "ann").exit_code == 0
    assert replaced(book, results) == ""


def test_what_is_imported_is_told_by_who_decided() -> None:
    stored = pl.DataFrame([{"gap_id": "a", "decision": "supported", "reason": "", "note": "", "reviewer": "ann"}])
    rows = pl.DataFrame(
        {"gap_id": ["a", "a", "a", "b", "a"], "decision": ["supported", "Supported", "supported", "supported", None],
         "decision_reason": [None] * 5, "note": [None] * 5, "reviewer": [None, "ann", "bob", None, "bob"],
         "decided_on": [None] * 5},
        schema_overrides=dict.fromkeys(("decision_reason", "note", "decided_on"), pl.String),
    )  # fmt: skip
    assert not_imported(rows, stored) == 2  # bob's, and b; a name alone is no decision
