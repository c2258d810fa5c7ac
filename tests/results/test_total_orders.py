"""An order that ties leave open is an answer that changes from one run to the next: every quoted query has a whole one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from hcc.demo.population import demo_tables
from hcc.pipeline_gaps import run
from hcc.report import write_report
from hcc.results import explain, open_results
from hcc.results.views import MACROS, VIEWS

QUESTIONS = sorted((Path(__file__).parents[2] / "docs" / "questions").glob("*.sql"))
ARGUMENT = {"evidence_of": "gap_id"}
_TABLES = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND NOT internal ORDER BY 1"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same tables twice; the second's rows lie backwards and by chance."""
    folder = tmp_path_factory.mktemp("orders")
    first, second = folder / "first.duckdb", folder / "second.duckdb"
    made = demo_tables(members=900, payment_year=2026, seed=8)
    evidence = {name: made[name] for name in ("history", "pharmacy", "observations", "problems", "chart_findings")}
    run(made["members"], made["claims"], payment_year=2026, out=first, gaps=evidence)
    second.write_bytes(first.read_bytes())
    with duckdb.connect(second) as con:
        for (table,) in con.execute(_TABLES).fetchall():
            con.execute(f'CREATE TEMP TABLE shuffled AS SELECT * FROM main."{table}" AS t ORDER BY hash(t, 5)')
            con.execute(f'CREATE OR REPLACE TABLE main."{table}" AS FROM shuffled')
            con.execute("DROP TABLE shuffled")
    return first, second


def answer(path: Path, sql: str) -> list[tuple[object, ...]]:
    with open_results(path) as con:
        return con.execute(sql).fetchall()


def members(path: Path) -> list[str]:
    sql = "SELECT member_id FROM gaps GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 12"
    return [str(member) for (member,) in answer(path, sql)]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_questions(files: tuple[Path, Path], question: Path) -> None:
    sql = question.read_text()
    for member in members(files[0]) if "{member}" in sql else [""]:
        said = [answer(file, sql.replace("{member}", member)) for file in files]
        assert said[0] == said[1]
        assert said[0]


@pytest.mark.parametrize("view", [name for name, view in VIEWS.items() if "ORDER BY" in view.sql[-80:]])
def test_views(files: tuple[Path, Path], view: str) -> None:
    said = [answer(file, f"FROM {view}") for file in files]
    assert said[0] == said[1]


@pytest.mark.parametrize("macro", MACROS)
def test_macros(files: tuple[Path, Path], macro: str) -> None:
    column = ARGUMENT.get(macro, "member_id")
    ids = answer(files[0], f"SELECT {column} FROM gaps GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 12")
    said = [[answer(file, f"FROM {macro}('{value}')") for file in files] for (value,) in ids]
    assert any(one for one, _ in said)
    for one, other in said:
        assert one == other


def test_the_report(files: tuple[Path, Path], tmp_path: Path) -> None:
    made = []
    for file in files:
        out = tmp_path / f"{file.stem}.html"
        write_report(file, out)
        made.append(out.read_text().replace(file.name, "").splitlines())
    assert made[0] == made[1]


def test_explain(files: tuple[Path, Path]) -> None:
    for member in members(files[0]):
        assert explain(files[0], member) == explain(files[1], member)
