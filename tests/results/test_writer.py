"""The results file: complete or not there, exact, private, explained."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import wait
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Event

import duckdb
import polars as pl
import pytest

from hcc.errors import ResultsError, ResultsExist
from hcc.results import (
    ResultsWriter,
    append_review,
    append_reviews,
    check_target,
    open_results,
    read_reviews,
    read_table,
    reviews_path,
)
from hcc.results.views import MACROS, VIEWS
from hcc.tables import RESULT_TABLES, SCHEMA_VERSION
from tests.results import made_up


def _factors(count: int, start: int = 0, **columns: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "member_id": [f"m{start + i}" for i in range(count)],
            "variable": ["F70_74"] * count,
            "coefficient": [395 + start + i for i in range(count)],
            **columns,
        }
    )


def _rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    con = open_results(path)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def test_every_declared_table_is_there_with_its_columns_and_comments(results: Path) -> None:
    found = dict(_rows(results, "SELECT table_name, comment FROM duckdb_tables()"))
    assert set(found) == set(RESULT_TABLES)
    assert all(str(comment).startswith("One row per") for comment in found.values())
    columns = _rows(results, "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal")
    declared = {(t.name, c.name, c.comment) for t in RESULT_TABLES.values() for c in t.columns}
    assert declared <= set(columns)


def test_every_view_and_macro_is_there_runs_and_is_explained(results: Path) -> None:
    found = dict(_rows(results, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert set(found) == set(VIEWS)
    assert all(str(comment).startswith("One row per") for comment in found.values())
    for name in VIEWS:
        _rows(results, f"SELECT * FROM {name}")
    for macro in MACROS.values():
        _rows(results, macro.call)


def test_integers_are_thousandths_and_cents_and_decimals_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    exact = pl.Series("coefficient", [Decimal("-0.024"), None], dtype=pl.Decimal(9, 3))
    with ResultsWriter(path) as writer:
        writer.append("factors", _factors(2))
        writer.append("factors", _factors(2, 10).with_columns(exact))
        writer.append(
            "member_gaps", pl.DataFrame({"member_id": ["a"], "score_change": [None], "dollar_change": [196801]})
        )
        writer.finish({})
    assert _rows(path, "SELECT coefficient FROM factors ORDER BY member_id") == [
        (Decimal("0.395"),), (Decimal("0.396"),), (Decimal("-0.024"),), (None,),
    ]  # fmt: skip
    assert _rows(path, "SELECT score_change, dollar_change FROM member_gaps") == [(None, Decimal("1968.01"))]


def test_a_slice_of_integers_with_nulls_keeps_its_place(tmp_path: Path) -> None:
    """Decimals are the integer buffer read anew; an offset into it and its null mask must survive."""
    path = tmp_path / "r.duckdb"
    whole = _factors(100).with_columns(
        coefficient=pl.when(pl.int_range(100) % 3 == 0).then(None).otherwise("coefficient")
    )
    with ResultsWriter(path) as writer:
        writer.append("factors", whole.slice(37, 20))
        writer.finish({})
    expected = [(f"m{i}", None if i % 3 == 0 else Decimal(395 + i) / 1000) for i in range(37, 57)]
    assert _rows(path, "SELECT member_id, coefficient FROM factors ORDER BY member_id") == expected


@pytest.mark.parametrize("fault", ["float", "unknown column", "unknown constant", "unknown table"])
def test_a_frame_that_does_not_fit_is_refused_and_nothing_appears(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "r.duckdb"
    frame, table, constants = _factors(1), "factors", {}
    if fault == "float":
        frame = frame.with_columns(coefficient=pl.lit(0.395))
    elif fault == "unknown column":
        frame = frame.with_columns(hcc=pl.lit("37"))
    elif fault == "unknown constant":
        constants = {"hcc": "37"}
    else:
        table = "factor"
    with pytest.raises((TypeError, ValueError, KeyError)), ResultsWriter(path) as writer:  # noqa: PT012
        writer.append(table, frame, **constants)
        writer.finish({})
    assert list(tmp_path.iterdir()) == []


def test_few_columns_are_one_enum_in_all_tables_whatever_the_frames_bring(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    models = ["cms-hcc-v24", "cms-hcc-v28"]
    with ResultsWriter(path) as writer:
        writer.declare_enum("model", models)
        writer.append("factors", _factors(1, 0, model=pl.Series(["cms-hcc-v28"], dtype=pl.Enum(["cms-hcc-v28"]))))
        writer.append("factors", _factors(1, 1, model=pl.Series(["cms-hcc-v24"], dtype=pl.Categorical)))
        writer.append("factors", _factors(1, 2, model=pl.Series(["cms-hcc-v28"])))
        writer.append("factors", _factors(1, 3), model="cms-hcc-v24")
        writer.append("factors", _factors(1, 4, model=pl.Series([None], dtype=pl.Enum(models))))
        writer.append("scores", pl.DataFrame({"member_id": ["m1"]}), model="cms-hcc-v24")
        writer.finish({})
    types = _rows(
        path,
        "SELECT DISTINCT typeof(model) FROM (SELECT model FROM factors UNION ALL SELECT model FROM scores)",
    )
    assert types == [("ENUM('cms-hcc-v24', 'cms-hcc-v28')",)]
    assert _rows(path, "SELECT model::VARCHAR FROM factors ORDER BY member_id") == [
        ("cms-hcc-v28",), ("cms-hcc-v24",), ("cms-hcc-v28",), ("cms-hcc-v24",), (None,),
    ]  # fmt: skip
    assert _rows(path, "SELECT count(*) FROM factors JOIN scores USING (member_id, model)") == [(1,)]


def test_an_enum_grows_when_a_value_comes_that_nobody_declared(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with ResultsWriter(path) as writer:
        writer.declare_enum("segment", ["CNA"])
        writer.append("factors", _factors(1, 0, segment=pl.Series(["CNA"])))
        writer.append("factors", _factors(1, 1, segment=pl.Series(["INS"], dtype=pl.Enum(["INS", "NE"]))))
        writer.append("factors", _factors(1, 2, segment=pl.Series([f"S{i}" for i in range(1)])), model="cms-hcc-v28")
        writer.finish({})
    assert _rows(path, "SELECT segment::VARCHAR, model FROM factors ORDER BY member_id") == [
        ("CNA", None), ("INS", None), ("S0", "cms-hcc-v28"),
    ]  # fmt: skip


def test_more_values_than_an_enum_should_have_become_text(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    many = [f"V{i}" for i in range(300)]
    with ResultsWriter(path) as writer:
        writer.append("factors", _factors(2).with_columns(variable=pl.Series(["V7", "V299"], dtype=pl.Enum(many))))
        writer.append("scores", pl.DataFrame({"member_id": ["a"], "segment": pl.Series(["V1"], dtype=pl.Enum(["V1"]))}))
        writer.append("scores", pl.DataFrame({"member_id": many, "segment": many}))
        writer.finish({})
    assert _rows(path, "SELECT typeof(variable), variable FROM factors ORDER BY 2") == [
        ("VARCHAR", "V299"),
        ("VARCHAR", "V7"),
    ]
    assert _rows(path, "SELECT DISTINCT typeof(segment), count(DISTINCT segment) FROM scores GROUP BY 1") == [
        ("VARCHAR", 300)
    ]


def test_pieces_make_the_same_file_as_the_whole(tmp_path: Path) -> None:
    frame = made_up.frames()["diagnoses"]
    tables = []
    for pieces in (1, 5):
        path = tmp_path / f"{pieces}.duckdb"
        with ResultsWriter(path, run_id="r") as writer:
            step = -(-frame.height // pieces)
            for start in range(0, frame.height, step):
                writer.append("diagnoses", frame.slice(start, step))
            writer.finish({})
        tables.append(read_table(path, "diagnoses").sort("claim_id", "diagnosis_code"))
    assert tables[0].height == frame.height
    assert tables[0].equals(tables[1])


def test_the_record_of_the_run_fills_what_it_can(results: Path) -> None:
    row = read_table(results, "runs").row(0, named=True)
    assert (row["run_id"], row["payment_year"], row["schema_version"]) == ("run-1", 2026, SCHEMA_VERSION)
    assert row["counts"] == '{"members": 8}'
    assert row["engine_version"]
    assert row["seconds"] >= 0


def test_only_the_owner_reads_it_while_it_is_made_and_after(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with ResultsWriter(path) as writer:
        writer.append("factors", _factors(1))
        (partial,) = tmp_path.iterdir()
        assert stat.S_IMODE(partial.stat().st_mode) == 0o700
        assert "m0" not in partial.name
        writer.finish({})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("how", ["exception", "not finished"])
def test_without_finish_nothing_is_there(tmp_path: Path, how: str) -> None:
    path = tmp_path / "r.duckdb"
    try:
        with ResultsWriter(path) as writer:
            writer.append("factors", _factors(1))
            if how == "exception":
                raise RuntimeError
    except RuntimeError:
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_exception_keeps_the_older_file(tmp_path: Path) -> None:
    path = made_up.write(tmp_path / "r.duckdb")
    before = path.read_bytes()
    with pytest.raises(RuntimeError), ResultsWriter(path, overwrite=True) as writer:  # noqa: PT012
        writer.append("factors", _factors(1))
        raise RuntimeError
    assert path.read_bytes() == before


def test_a_killed_run_leaves_nothing_that_lasts(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    script = f"""
        import os, signal, polars as pl
        from hcc.results import ResultsWriter
        writer = ResultsWriter({str(path)!r})
        writer.append("factors", pl.DataFrame({{"member_id": ["m"], "variable": ["v"], "coefficient": [1]}}))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 1  # what the next run will find
    made_up.write(path)
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_living_runs_and_other_machines_are_left_alone(tmp_path: Path) -> None:
    host = socket.gethostname()
    kept = [
        f".r.duckdb.{host}.{os.getpid()}.aaaa.partial",
        ".r.duckdb.elsewhere.99999999.aaaa.partial",
        ".r.duckdb.x.partial",
    ]
    for name in kept:
        (tmp_path / name).mkdir()
    (tmp_path / f".r.duckdb.{host}.99999999.aaaa.partial").mkdir()
    made_up.write(tmp_path / "r.duckdb")
    assert {p.name for p in tmp_path.iterdir()} == {*kept, "r.duckdb"}


def test_an_existing_file_is_refused_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    path.write_text("something of the user's")
    with pytest.raises(ResultsExist, match="already there"):
        check_target(path)
    with pytest.raises(ResultsExist):
        ResultsWriter(path)
    for something in (path, tmp_path):
        with pytest.raises(ResultsExist, match="left as it is"):
            check_target(something, overwrite=True)
    ours = made_up.write(tmp_path / "ours.duckdb")
    assert check_target(ours, overwrite=True) == ours
    with pytest.raises(ResultsError, match="does not exist"):
        check_target(tmp_path / "nowhere" / "r.duckdb")
    assert path.read_text() == "something of the user's"


@pytest.mark.skipif(os.sep == "\\", reason="backslashes separate folders here")
def _two_writers(path: Path) -> None:
    """Both begin while nothing is there; the one with two rows finishes last."""
    with ResultsWriter(path) as first, ResultsWriter(path) as second:
        first.append("factors", _factors(1))
        second.append("factors", _factors(2))
        first.finish(made_up.RUN)
        second.finish(made_up.RUN)


def test_of_two_writers_of_one_new_file_the_first_to_finish_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with pytest.raises(ResultsExist):
        _two_writers(path)
    assert _rows(path, "SELECT count(*) FROM factors") == [(1,)]
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.duckdb"]


def test_a_disk_without_hard_links_keeps_the_first_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", none)
    with pytest.raises(ResultsExist):
        _two_writers(tmp_path / "r.duckdb")
    assert _rows(tmp_path / "r.duckdb", "SELECT count(*) FROM factors") == [(1,)]


def test_a_backslash_in_the_path_is_told_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="backslash"):
        check_target(tmp_path / "a\\b.duckdb")
    (tmp_path / "c\\d").mkdir()
    with pytest.raises(ResultsError, match="backslash"):
        check_target(tmp_path / "c\\d" / "r.duckdb")


@pytest.mark.skipif(os.sep == "\\", reason="such names are refused by the system itself")
def test_paths_that_nothing_can_be_made_at_are_told_before_any_work(tmp_path: Path) -> None:
    """DuckDB puts the name of its log before a question mark; the half-made folder's name is longer than the file's."""
    for name, why in (
        ("a?b.duckdb", "question mark"), ("a?b=c.duckdb", "question mark"), ("a\0b.duckdb", "NUL"),
        ("x" * 240, "too long"), ("x" * 300, "too long"),
    ):  # fmt: skip
        with pytest.raises(ResultsError, match=why):
            check_target(tmp_path / name)
    with pytest.raises(ResultsError, match="no known user"):
        check_target("~nobody-of-that-name/r.duckdb")


def test_overwriting_keeps_reviews_and_copies_them(tmp_path: Path) -> None:
    path = made_up.write(tmp_path / "r.duckdb")
    assert read_table(path, "reviews").is_empty()
    review = append_review(
        path, gap_id="g1", decision="not_supported", reviewer="A. Coder", note="nothing in the chart"
    )
    (tmp_path / "r.duckdb.wal").write_bytes(b"of the older file")
    with ResultsWriter(path, overwrite=True) as writer:
        writer.finish({})
    assert read_table(path, "reviews").select("review_id", "gap_id", "decision").rows() == [
        (review, "g1", "not_supported")
    ]
    assert not (tmp_path / "r.duckdb.wal").exists()


def _decided(path: Path) -> list[tuple[object, ...]]:
    """A results file whose decisions are in its table only: its store was left behind."""
    made_up.write(path)
    append_review(path, gap_id="g1", decision="not_supported", reviewer="A", note="nothing in the chart")
    append_review(path, gap_id="g2", decision="defer", reviewer="B")
    with ResultsWriter(path, overwrite=True, base=path) as writer:
        writer.finish({})
    reviews_path(path).unlink()
    rows = read_table(path, "reviews").rows()
    assert [row[1:3] for row in rows] == [("g1", "not_supported"), ("g2", "defer")]
    return rows


@pytest.mark.parametrize("how", ["in place", "to another file", "over another file", "over it"])
def test_decisions_of_a_file_without_its_store_are_taken_over(tmp_path: Path, how: str) -> None:
    path = tmp_path / "moved.duckdb"
    rows = _decided(path)
    out = path if how in ("in place", "over it") else tmp_path / "out.duckdb"
    if how == "over another file":
        made_up.write(out)
    for _ in range(2):  # and nothing twice
        with ResultsWriter(out, overwrite=True, base=None if how == "over it" else path) as writer:
            writer.finish({})
        assert read_reviews(out).rows() == rows
        assert read_table(out, "reviews").rows() == rows


def test_two_copies_with_decisions_of_their_own_lose_none(tmp_path: Path) -> None:
    one, other = tmp_path / "one.duckdb", tmp_path / "other.duckdb"
    rows = _decided(one)
    shutil.copyfile(one, other)
    append_review(one, gap_id="g3", decision="supported", reviewer="A")
    append_review(other, gap_id="g4", decision="supported", reviewer="B")
    with ResultsWriter(other, overwrite=True, base=one) as writer:
        writer.finish({})
    assert read_reviews(other)["gap_id"].to_list() == ["g1", "g2", "g3", "g4"]
    assert read_reviews(other).rows()[:2] == rows
    assert read_table(other, "reviews").rows() == read_reviews(other).rows()
    assert read_reviews(one)["gap_id"].to_list() == ["g3"], "the file it was made from is left as it was"


def test_of_two_rows_of_one_decision_the_stores_own_holds(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    (first, *_) = _decided(path)
    append_reviews(path, [{"review_id": first[0], "gap_id": "g1", "decision": "supported", "reviewer": "store"}])
    with ResultsWriter(path, overwrite=True, base=path) as writer:
        writer.finish({})
    assert dict(read_reviews(path).select("gap_id", "reviewer").rows()) == {"g1": "store", "g2": "B"}


def test_a_file_that_is_open_for_writing_elsewhere_is_told_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    _decided(path)
    con = duckdb.connect(str(path))
    try:
        with pytest.raises(ResultsError, match="may hold decisions"):
            ResultsWriter(path, overwrite=True)
    finally:
        con.close()
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    script = f"""
        import resource, polars as pl
        from hcc.errors import HccError
        from hcc.results import ResultsWriter
        frame = pl.DataFrame({{"member_id": [str(i * 7919) for i in range(400_000)]}})
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
        try:
            with ResultsWriter({str(path)!r}) as writer:
                for _ in range(10):
                    writer.append("scores", frame)
                writer.finish({{}})
        except HccError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no space left" in done.stdout
    assert "hint:" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_gaps_can_be_added_to_a_copy(tmp_path: Path) -> None:
    path = made_up.write(tmp_path / "r.duckdb")
    with ResultsWriter(path, overwrite=True, base=path, run_id="run-2") as writer:
        writer.clear("gaps")
        writer.append(
            "gaps", pl.DataFrame({"gap_id": ["new"], "member_id": ["NEW"], "status": ["open"], "score_change": [-1]})
        )
        writer.finish({"payment_year": 2026, "as_of": date(2026, 6, 30)})
    assert _rows(path, "SELECT gap_id, run_id, score_change FROM gaps") == [("new", "run-2", Decimal("-0.001"))]
    assert _rows(path, "SELECT count(*) FROM runs") == [(2,)]
    assert _rows(path, "SELECT gap_id FROM open_gaps") == [("new",)]
    assert _rows(path, "SELECT count(*) FROM factors") == [(sum(len(row[6]) for row in made_up.FACTORS),)]


def test_a_file_of_an_earlier_engine_gets_the_columns_declared_since(tmp_path: Path) -> None:
    path = made_up.write(tmp_path / "r.duckdb")
    with duckdb.connect(str(path)) as con:
        for view in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall():
            con.execute(f'DROP VIEW "{view[0]}"')
        con.execute("ALTER TABLE unmapped_codes DROP COLUMN suspicion")
    with ResultsWriter(path, overwrite=True, base=path) as writer:
        writer.append("unmapped_codes", pl.DataFrame({"diagnosis_code": ["E1I9"], "suspicion": ["SUSPECT_TYPO"]}))
        writer.finish({})
    assert _rows(path, "SELECT suspicion FROM unmapped_codes WHERE diagnosis_code = 'E1I9'") == [("SUSPECT_TYPO",)]
    said = "SELECT comment FROM duckdb_columns() WHERE table_name = 'unmapped_codes' AND column_name = 'suspicion'"
    assert "looks like a slip" in _rows(path, said)[0][0]


def test_members_can_be_taken_out_for_an_update(tmp_path: Path) -> None:
    path = made_up.write(tmp_path / "r.duckdb")
    with ResultsWriter(path, overwrite=True, base=path) as writer:
        writer.delete_members(pl.Series(["PACE", "NEW"]))
        writer.append("member_scores", pl.DataFrame({"member_id": ["NEW"], "part": ["C"], "risk_score": [500]}))
        writer.finish({})
    left = read_table(path, "member_scores").sort("member_id")["member_id"].to_list()
    assert left == ["COMMUNITY", "DIALYSIS", "GRAFT", "MONTHS", "NEW", "PDP", "UNSCORED"]
    assert _rows(path, "SELECT count(*) FROM diagnoses WHERE member_id IN ('PACE', 'NEW')") == [(0,)]


def test_the_file_is_plain_duckdb(results: Path) -> None:
    """Views and macros answer without our package."""
    script = f"""
        import sys
        sys.modules["hcc"] = None
        import duckdb
        con = duckdb.connect({str(results)!r}, read_only=True)
        print(con.execute("SELECT risk_score FROM current_scores WHERE member_id = 'PACE'").fetchone()[0])
        print(len(con.execute("FROM explain_member('COMMUNITY')").fetchall()))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1.764", "12"]  # eleven factors and one displaced HCC


def test_the_writer_does_not_lock_readers_of_the_older_file(tmp_path: Path) -> None:
    path = made_up.write(tmp_path / "r.duckdb")
    reader = duckdb.connect(str(path), read_only=True)
    with ResultsWriter(path, overwrite=True) as writer:
        writer.append("factors", _factors(3))
        writer.finish({})
    assert reader.execute("SELECT count(*) FROM members").fetchone() == (8,)
    reader.close()
    assert _rows(path, "SELECT count(*) FROM factors") == [(3,)]


def test_reasons_come_from_the_mappings_but_a_run_may_word_its_own(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    own = pl.DataFrame({"reason": ["BAD_PBP_ID", "COUNTED"], "meaning": ["It cannot be read.", "It counts."]})
    with ResultsWriter(path) as writer:
        writer.append("reasons", own)
        writer.finish({})
    found = dict(_rows(path, "SELECT reason, meaning FROM reasons"))
    assert found["BAD_PBP_ID"] == "It cannot be read."
    assert found["COUNTED"] == "It counts."
    assert "OUT_OF_WINDOW" in found
    assert _rows(path, "SELECT count(*) - count(DISTINCT reason) FROM reasons") == [(0,)]


def test_one_run_has_one_run_id(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with ResultsWriter(path) as writer:
        writer.append("factors", _factors(1).with_columns(run_id=pl.lit("abc")))
        writer.append("gaps", pl.DataFrame({"gap_id": ["g"]}))
        writer.finish({})
    assert (
        _rows(path, "SELECT run_id FROM factors UNION ALL SELECT run_id FROM gaps UNION ALL SELECT run_id FROM runs")
        == [("abc",)] * 3
    )


def test_a_mark_says_what_was_true_when_it_was_set(tmp_path: Path) -> None:
    """The mark is written by a thread behind the inserts, while the run goes on counting in the same sums."""
    path, go_on = tmp_path / "r.duckdb", Event()
    state = {"sums": {"diagnoses": 5}, "score_rows": {"cms-hcc-v28": [2, 900]}}

    def interrupted() -> None:
        with ResultsWriter(path, key="k") as writer:
            writer.append("factors", _factors(3))
            writer._lanes[0].submit(lambda: (go_on.wait(60), None)[1])
            writer.mark(4, state)
            state["sums"]["diagnoses"] = 99
            state["score_rows"]["cms-hcc-v28"][0] = 77
            go_on.set()
            writer._settle()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (left,) = tmp_path.iterdir()
    left.rename(tmp_path / left.name.replace(f".{os.getpid()}.", ".99999999."))
    with ResultsWriter(path, key="k", resume=True) as writer:
        assert writer.resumed is not None
        assert writer.resumed.done == 4
        assert writer.resumed.state == {"sums": {"diagnoses": 5}, "score_rows": {"cms-hcc-v28": [2, 900]}}


def test_a_mark_is_not_set_behind_an_insert_that_failed(tmp_path: Path) -> None:
    """Whichever thread was to write it: what the mark calls complete is in the file."""
    for lane in (0, 1):
        path = tmp_path / f"r{lane}.duckdb"

        def interrupted(path: Path = path, lane: int = lane) -> None:
            with ResultsWriter(path, key="k") as writer:
                writer.mark(1, {})
                writer._settle()
                writer._lanes[lane].submit(_broken)
                writer.mark(2, {})
                wait(writer._lanes[0].pending)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        (left,) = tmp_path.glob(f".r{lane}.*")
        left.rename(tmp_path / left.name.replace(f".{os.getpid()}.", ".99999999."))
        with ResultsWriter(path, key="k", resume=True) as writer:
            assert writer.resumed is not None
            assert writer.resumed.done == 1


def _broken() -> None:
    raise RuntimeError
