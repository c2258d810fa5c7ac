"""What a results file knows of its run: later commands read the same files in the same way, or refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import hcc
from hcc.demo.population import demo_tables
from hcc.errors import HccError, ResultsError
from hcc.pipeline.update import update
from hcc.pipeline_gaps import find_gaps
from hcc.results import append_review, open_results, read_reviews, read_table
from hcc.rules import ruleset
from hcc.rules.folders import shipped_folder

YEAR = 2026
RENAMED = {
    "members": {"birth": "birth_date", "duals": "dual_status"},
    "claims": {"proc": "hcpcs", "freq": "frequency_code"},
}


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return demo_tables(members=200, payment_year=YEAR, seed=5)


@pytest.fixture
def files(tables: dict[str, pl.DataFrame], tmp_path: Path) -> Path:
    """A folder with members, claims, early and late claims (late ones of a third of the members), and history."""
    claims = tables["claims"]
    some = claims["member_id"].drop_nulls().unique().sort().gather_every(3)
    late = pl.col("member_id").is_in(some.implode()).fill_null(False) & (pl.col("claim_id").hash() % 2 == 0)
    tables["members"].write_parquet(tmp_path / "members.parquet")
    claims.write_parquet(tmp_path / "claims.parquet")
    claims.filter(~late).write_parquet(tmp_path / "early.parquet")
    claims.filter(late).write_parquet(tmp_path / "late.parquet")
    tables["history"].write_parquet(tmp_path / "history.parquet")
    return tmp_path


def score(files: Path, claims: str, out: str, **given: Any) -> Path:
    hcc.score(files / "members.parquet", files / claims, payment_year=YEAR, out=files / out, **given)
    return files / out


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    con = open_results(path)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def renamed(files: Path) -> None:
    """The same tables under other column names."""
    for name in ("members", "claims", "early", "late"):
        frame = pl.read_parquet(files / f"{name}.parquet")
        table = "members" if name == "members" else "claims"
        back = {ours: theirs for theirs, ours in RENAMED[table].items()}
        (files / f"{name}.parquet").unlink()
        frame.rename(back).write_parquet(files / f"{name}.parquet")


def as_layout(path: Path) -> str:
    lines = [
        f"[{table}.columns]\n" + "\n".join(f'{ours} = ["{theirs}"]' for theirs, ours in names.items())
        for table, names in RENAMED.items()
    ]
    path.write_text("\n".join(lines))
    return str(path)


@pytest.mark.parametrize("form", ["columns", "columns file", "layout file"])
def test_gaps_and_updates_read_the_files_as_the_run_did(files: Path, form: str) -> None:
    plain, whole = score(files, "early.parquet", "plain.duckdb"), score(files, "claims.parquet", "whole.duckdb")
    find_gaps(plain)
    renamed(files)
    if form == "layout file":
        given: dict[str, Any] = {"layout": as_layout(files / "mine.toml")}
    elif form == "columns file":
        text = "\n".join(
            f"[{table}]\n" + "\n".join(f'{theirs} = "{ours}"' for theirs, ours in names.items())
            for table, names in RENAMED.items()
        )
        (files / "mine.toml").write_text(text)
        given = {"columns": files / "mine.toml"}
    else:
        given = {"columns": RENAMED}
    file = score(files, "early.parquet", "r.duckdb", **given)
    (files / "mine.toml").unlink(missing_ok=True)  # what it said is in the results file
    find_gaps(file)
    sql = "SELECT * EXCLUDE (run_id) FROM member_gaps ORDER BY ALL"
    assert ask(file, sql) == ask(plain, sql) != []
    assert not ask(
        file,
        "SELECT 1 FROM member_gaps g JOIN member_scores s USING (member_id, part) WHERE g.risk_score <> s.risk_score",
    )
    update(file, files / "late.parquet")
    sql = "SELECT * EXCLUDE (run_id) FROM member_scores ORDER BY ALL"
    assert ask(file, sql) == ask(whole, sql)


def test_tables_added_later_may_have_names_of_their_own(files: Path) -> None:
    """What the caller says of the new claims and the evidence holds for them, not for the members and claims of before."""
    whole = score(files, "claims.parquet", "whole.duckdb")
    find_gaps(whole, history=files / "history.parquet", as_of="2026-01-31")
    late = pl.read_parquet(files / "late.parquet")
    renamed(files)
    file = score(files, "early.parquet", "r.duckdb", columns=RENAMED)
    late.rename({"rendering_npi": "doctor"}).write_parquet(files / "theirs.parquet")
    update(file, files / "theirs.parquet", columns={"claims": {"doctor": "rendering_npi"}})
    sql = "SELECT * EXCLUDE (run_id) FROM member_scores ORDER BY ALL"
    assert ask(file, sql) == ask(whole, sql)
    other = score(files, "claims.parquet", "other.duckdb", columns=RENAMED)
    find_gaps(other, history=files / "history.parquet", columns={}, as_of="2026-01-31")
    sql = "SELECT * EXCLUDE (run_id) FROM member_gaps ORDER BY ALL"
    assert ask(other, sql) == ask(whole, sql)


def test_other_claims_than_those_scored_are_refused(files: Path) -> None:
    file = score(files, "claims.parquet", "r.duckdb")
    with pytest.raises(ResultsError, match=r"claims.*not those that were scored"):
        find_gaps(file, claims=files / "early.parquet")
    with pytest.raises(ResultsError, match="not those that were scored"):
        find_gaps(file, claims=pl.read_parquet(files / "claims.parquet"))
    moved = files / "elsewhere" / "renamed.parquet"
    moved.parent.mkdir()
    (files / "claims.parquet").rename(moved)
    with pytest.raises(ResultsError, match="no longer where") as told:
        find_gaps(file)
    assert "--claims" in str(told.value.hint)
    with pytest.raises(ResultsError, match="no longer where") as told:
        update(file, files / "late.parquet")
    assert "Put" in str(told.value.hint)
    find_gaps(file, claims=moved)
    update(file, files / "late.parquet", out=files / "new.duckdb")  # which knows by now where they are


def test_large_claims_are_known_by_their_content_wherever_they_are(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hcc.intake.fingerprints._WHOLE", 1000)
    monkeypatch.setattr("hcc.intake.fingerprints._END", 400)
    file = score(files, "claims.parquet", "r.duckdb")
    shutil.copyfile(files / "claims.parquet", files / "copy.parquet")
    (files / "claims.parquet").unlink()
    find_gaps(file, claims=files / "copy.parquet")
    with pytest.raises(ResultsError, match="not those that were scored"):
        find_gaps(file, claims=files / "early.parquet")


def test_moved_claims_keep_their_table_of_diagnoses(files: Path) -> None:
    claims = pl.read_parquet(files / "claims.parquet")
    codes = [c for c in claims.columns if c.startswith("diagnosis_")]
    long = claims.unpivot(on=codes, index=["claim_id", "member_id"], value_name="diagnosis_code").drop("variable")
    long.drop_nulls().unique().write_parquet(files / "dx.parquet")
    (files / "claims.parquet").unlink()
    claims.drop(codes).write_parquet(files / "claims.parquet")
    file = score(files, "claims.parquet", "r.duckdb", claim_diagnoses=files / "dx.parquet")
    (files / "claims.parquet").rename(files / "moved.parquet")
    find_gaps(file, claims=files / "moved.parquet")
    assert not ask(
        file,
        "SELECT 1 FROM member_gaps g JOIN member_scores s USING (member_id, part) WHERE g.risk_score <> s.risk_score",
    )


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Tables of one's own: V28 of the year with other coefficients."""
    model = Path("cms-hcc-v28") / str(YEAR)
    shutil.copytree(shipped_folder() / model, tmp_path / "mine" / model)
    change(tmp_path / "mine")
    return tmp_path / "mine"


def change(folder: Path) -> None:
    file = folder / "cms-hcc-v28" / str(YEAR) / "coefficients.csv"
    raw = pl.read_csv(file, infer_schema=False)
    more = (pl.col("coefficient").cast(pl.Float64) + 0.5).round(3).cast(pl.String)
    raw.with_columns(
        pl.when(pl.col("variable") == "F70_74").then(more).otherwise("coefficient").alias("coefficient")
    ).write_csv(file)


def both(files: Path) -> list[Callable[[Path], Any]]:
    return [lambda file: update(file, files / "late.parquet"), lambda file: find_gaps(file)]


def test_other_rules_are_refused(files: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = score(files, "early.parquet", "r.duckdb")
    before = file.read_bytes()
    monkeypatch.setenv("HCC_MAPPINGS", str(mine))
    for work in both(files):
        with pytest.raises(ResultsError, match=r"cms-hcc-v28.*changed") as told:
            work(file)
        assert "HCC_MAPPINGS" in str(told.value.hint)
    assert file.read_bytes() == before


@pytest.mark.parametrize("table", ["eligibility/2025/cpt_hcpcs.csv", "icd10cm/mapped_codes.csv"])
def test_other_tables_of_all_models_are_refused(
    files: Path, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts as a visit, and which codes are valid when, are rules as well."""
    file = score(files, "early.parquet", "r.duckdb")
    own = tmp_path / "own" / table
    own.parent.mkdir(parents=True)
    lines = (shipped_folder() / table).read_text(encoding="utf-8").splitlines(keepends=True)
    own.write_text("".join(lines[:-1]), encoding="utf-8")
    monkeypatch.setenv("HCC_MAPPINGS", str(tmp_path / "own"))
    for work in both(files):
        with pytest.raises(ResultsError, match=rf"{own.relative_to(tmp_path / 'own').parts[0]} changed"):
            work(file)


def test_the_folder_of_the_environment_is_the_run_s(files: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HCC_MAPPINGS", str(mine))
    whole, file = score(files, "claims.parquet", "whole.duckdb"), score(files, "early.parquet", "r.duckdb")
    monkeypatch.delenv("HCC_MAPPINGS")
    for work in both(files):
        work(file)
    sql = "SELECT * EXCLUDE (run_id) FROM member_scores ORDER BY ALL"
    assert ask(file, sql) == ask(whole, sql)
    ruleset._load.cache_clear()  # as in another process
    change(mine)
    with pytest.raises(ResultsError, match="changed"):
        find_gaps(file)
    ruleset._load.cache_clear()


EARLY, LATE = date(2025, 6, 30), date(2025, 12, 31)


def flags(path: Path) -> dict[str, date]:
    return dict(ask(path, "SELECT gap_id, flagged_on FROM gaps WHERE flagged_on IS NOT NULL"))


def test_the_clock_of_a_gap_runs_on_through_updates_and_new_runs(files: Path) -> None:
    file = score(files, "early.parquet", "r.duckdb")
    find_gaps(file, as_of=EARLY)
    first = flags(file)
    shutil.copyfile(file, files / "again.duckdb")
    update(file, files / "late.parquet")
    assert set(flags(file)) < set(first)
    find_gaps(file, as_of=LATE)
    again = flags(file)
    assert len(set(first) & set(again)) > 10
    assert {again[gap] for gap in first if gap in again} == {EARLY}
    assert LATE in again.values()
    kept = dict(ask(file, "SELECT gap_id, flagged_on FROM gap_flags"))
    assert kept == {gap: day for gap, day in first.items() if gap not in again}
    file = score(files, "early.parquet", "again.duckdb", overwrite=True)
    assert not flags(file)
    score(files, "early.parquet", "again.duckdb", overwrite=True)
    find_gaps(file, as_of=LATE)
    again = flags(file)
    assert {again[gap] for gap in first if gap in again} == {EARLY}


def test_the_clock_goes_along_to_another_file(files: Path) -> None:
    file = score(files, "early.parquet", "r.duckdb")
    find_gaps(file, as_of=EARLY)
    first = flags(file)
    update(file, files / "late.parquet", out=files / "new.duckdb")
    find_gaps(files / "new.duckdb", as_of=LATE)
    again = flags(files / "new.duckdb")
    assert {again[gap] for gap in first if gap in again} == {EARLY}


def test_the_clock_runs_on_when_a_run_of_memory_replaces_a_file(files: Path) -> None:
    file = score(files, "early.parquet", "r.duckdb")
    find_gaps(file, as_of=EARLY)
    first = dict(ask(file, "SELECT gap_id, (flagged_on, flagged_return_by) FROM gaps"))
    run = hcc.score(files / "members.parquet", files / "early.parquet", payment_year=YEAR)
    find_gaps(run, as_of=LATE)
    run.save(file, overwrite=True)
    again = dict(ask(file, "SELECT gap_id, (flagged_on, flagged_return_by) FROM gaps"))
    both = set(first) & set(again)
    assert len(both) > 10
    assert {again[gap][0] for gap in both} == {EARLY}
    assert any(first[gap][1] for gap in both)
    assert all(again[gap][1] in (None, EARLY + timedelta(days=60)) for gap in both)
    assert LATE in {day for day, _ in again.values()}


def test_an_update_leaves_the_gaps_of_the_others_and_says_so(files: Path) -> None:
    file = score(files, "early.parquet", "r.duckdb")
    find_gaps(file, history=files / "history.parquet", as_of=EARLY)
    touched = pl.read_parquet(files / "late.parquet")["member_id"].unique().to_list()
    before = files / "before.duckdb"
    shutil.copyfile(file, before)
    done = update(file, files / "late.parquet")
    assert any("hcc gaps" in note and EARLY.isoformat() in note for note in done.notes[1:])
    assert not ask(file, "SELECT 1 FROM gap_evidence WHERE gap_id NOT IN (SELECT gap_id FROM gaps)")
    evidence = "SELECT e.* EXCLUDE (run_id) FROM gap_evidence e JOIN gaps g USING (gap_id) WHERE {} ORDER BY ALL"
    there = [row[0] for row in ask(file, "SELECT DISTINCT member_id FROM gaps")]
    wanted = f"member_id IN ({', '.join(map(repr, there))})"
    assert ask(file, evidence.format("true")) == ask(before, evidence.format(wanted)) != [], "that of the others"
    assert not set(touched) & {
        row[0] for row in ask(file, "SELECT member_id FROM gaps UNION SELECT member_id FROM member_gaps")
    }
    (row,) = read_table(file, "runs").to_dicts()
    told = json.loads(row["counts"])["gaps"]
    assert told["gaps"] == ask(file, "SELECT count(*) FROM gaps")[0][0] > 0
    assert told["evidence"] == ask(file, "SELECT count(*) FROM gap_evidence")[0][0]
    by_status = ask(file, "SELECT direction || ' ' || status, count(*) FROM gaps GROUP BY ALL")
    assert told["by_status"] == dict(by_status)
    find_gaps(file, as_of=EARLY)
    notes = json.loads(read_table(file, "runs")["notes"][0])
    assert not any("taken out" in note for note in notes), "no longer true"
    tables = {one["table"] for one in json.loads(read_table(file, "runs")["inputs"][0])}
    assert tables == {"members", "claims"}, "the last search read no history"


def test_a_file_that_changed_in_between_is_not_overwritten(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two updates at the same time: the second to be ready finds the first one's file and leaves it."""
    late = pl.read_parquet(files / "late.parquet")
    for number in (0, 1):
        late.filter(pl.col("claim_id").hash() % 4 // 2 == number).write_parquet(files / f"late{number}.parquet")
    from hcc.pipeline import update as module

    inner, meanwhile = module.read_inputs, list[int]()  # type: ignore[attr-defined]

    def slow(**given: Any) -> Any:
        if not meanwhile:
            meanwhile.append(1)
            module.update(file, files / "late1.parquet")
        return inner(**given)

    file = score(files, "early.parquet", "r.duckdb")
    monkeypatch.setattr(module, "read_inputs", slow)
    with pytest.raises(ResultsError, match="changed while"):
        update(file, files / "late0.parquet")
    inputs = read_table(file, "runs")["inputs"][0]
    assert "late1.parquet" in inputs
    assert "late0.parquet" not in inputs
    assert not list(files.glob(".*.partial"))
    update(file, files / "late0.parquet")
    whole = score(files, "claims.parquet", "whole.duckdb")
    sql = "SELECT * EXCLUDE (run_id) FROM member_scores ORDER BY ALL"
    assert ask(file, sql) == ask(whole, sql)


def test_decisions_go_along_to_another_file(files: Path) -> None:
    file, new = score(files, "early.parquet", "r.duckdb"), files / "new.duckdb"
    append_review(file, gap_id="a", decision="supported", reviewer="x")
    append_review(file, gap_id="b", decision="defer", reviewer="x")
    append_review(new, gap_id="c", decision="defer", reviewer="y")
    update(file, files / "late.parquet", out=new)
    assert set(read_reviews(new)["gap_id"]) == {"a", "b", "c"} == set(read_table(new, "reviews")["gap_id"])
    assert read_reviews(new).filter(pl.col("gap_id") != "c").equals(read_reviews(file))
    assert set(read_reviews(file)["gap_id"]) == {"a", "b"}
    update(file, files / "late.parquet", out=new, overwrite=True)
    assert read_reviews(new).height == 3


def test_a_search_in_a_file_without_its_store_keeps_the_clocks_of_its_decisions(files: Path) -> None:
    file = score(files, "claims.parquet", "r.duckdb")
    find_gaps(file, history=files / "history.parquet")
    (gap,) = ask(file, "SELECT min(gap_id) FROM gaps WHERE direction = 'unsupported' AND status = 'open'")
    append_review(file, gap_id=gap[0], decision="not_supported", reviewer="x")
    find_gaps(file, history=files / "history.parquet")
    sql = "SELECT gap_id, identified_on, return_by FROM gaps WHERE identified_on IS NOT NULL"
    clocks, decisions = ask(file, sql), read_reviews(file)
    assert [row[0] for row in clocks] == [gap[0]]
    moved = files / "moved.duckdb"
    shutil.copyfile(file, moved)
    find_gaps(moved, history=files / "history.parquet")
    assert ask(moved, sql) == clocks
    assert read_reviews(moved).equals(decisions)


@pytest.mark.parametrize("what", ["nothing", "strangers"])
def test_claims_that_touch_nobody_change_nothing(files: Path, what: str) -> None:
    late = pl.read_parquet(files / "late.parquet").with_columns(member_id=pl.lit("NOBODY"))
    (late.head(0) if what == "nothing" else late.head(7)).write_parquet(files / "others.parquet")
    file = score(files, "early.parquet", "r.duckdb")
    find_gaps(file, as_of=EARLY)
    tables = ("member_scores", "factors", "diagnoses", "gaps", "gap_evidence")
    before = {name: ask(file, f"FROM {name} ORDER BY ALL") for name in tables}
    done = update(file, files / "others.parquet")
    assert (done.touched, done.changes.height) == (0, 0)
    assert done.changes.columns == ["member_id", "part", "before", "after", "change", "why"]
    assert {name: ask(file, f"FROM {name} ORDER BY ALL") for name in tables} == before
    assert not any("taken out" in note for note in done.notes)


def test_a_run_of_an_older_version_is_read_as_the_caller_says(files: Path) -> None:
    """Files from before the form was recorded."""
    renamed(files)
    file = score(files, "early.parquet", "r.duckdb", columns=RENAMED)
    con = duckdb.connect(str(file))
    (text,) = con.execute("SELECT options FROM runs").fetchone() or ("",)
    options = {k: v for k, v in json.loads(text).items() if k not in ("layout", "columns")}
    con.execute("UPDATE runs SET options = ?", [json.dumps(options)])
    con.execute("DROP TABLE gap_flags")
    con.close()
    with pytest.raises(HccError):
        update(file, files / "late.parquet")
    update(file, files / "late.parquet", columns=RENAMED)
    find_gaps(file, columns=RENAMED)
    assert not ask(
        file,
        "SELECT 1 FROM member_gaps g JOIN member_scores s USING (member_id, part) WHERE g.risk_score <> s.risk_score",
    )
