"""The schema in words is made from the declarations and the copy in docs/ is current."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from hcc.cli.schema import schema
from hcc.errors import HccError
from hcc.results.schema import inputs_text, schema_ddl, schema_markdown, schema_text
from hcc.results.views import MACROS, VIEWS
from hcc.tables import INPUT_TABLES, RESULT_TABLES

_COPY = Path(__file__).parents[2] / "docs" / "SCHEMA.md"


def test_the_copy_in_docs_is_current() -> None:
    assert _COPY.read_text(encoding="utf-8") == schema_markdown(), "run: hcc schema --markdown > docs/SCHEMA.md"


def test_the_ddl_runs_and_makes_every_table() -> None:
    with duckdb.connect() as con:
        con.execute(schema_ddl())
        made = con.execute("SELECT table_name, count(*) FROM duckdb_columns() WHERE NOT internal GROUP BY 1").fetchall()
    assert dict(made) == {table.name: len(table.columns) for table in RESULT_TABLES.values()}


def test_words_name_everything() -> None:
    text = schema_text()
    assert all(f"  {name} " in text for name in (*RESULT_TABLES, *VIEWS, *MACROS))
    assert "normalized_score" in schema_text("scores")
    assert "SELECT" in schema_text("why")
    with pytest.raises(KeyError):
        schema_text("score")


@pytest.mark.parametrize("name", [*RESULT_TABLES, *VIEWS])
def test_first_words_are_the_grain_and_sentences_end(name: str) -> None:
    if name in RESULT_TABLES:
        table = RESULT_TABLES[name]
        assert table.grain.startswith("One row per")
        assert set(table.key) <= set(table.names)
        assert all(column.comment.rstrip().endswith((".", "…", ")")) for column in table.columns)
    else:
        assert VIEWS[name].comment.startswith("One row per")
        assert VIEWS[name].comment.endswith(".")


def test_every_column_of_a_view_is_explained_in_its_order() -> None:
    with duckdb.connect() as con:
        con.execute(schema_ddl())
        for view in VIEWS.values():
            for statement in view.statements:
                con.execute(statement)
            columns = [row[0] for row in con.execute(f"DESCRIBE {view.name}").fetchall()]
            assert list(view.columns) == columns, view.name


def told(*arguments: str) -> str:
    done = CliRunner().invoke(schema, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("name", INPUT_TABLES)
def test_input_tables_are_told_with_every_column(name: str) -> None:
    table = INPUT_TABLES[name]
    for text in (inputs_text(name), inputs_text(), told("--inputs"), told("--inputs", name), told(name)):
        assert f"{name} (input)" in text
        for column in table.columns:
            assert any(column.name in line and column.comment in line for line in text.splitlines()), column.name
    assert f"  {name} " in told()


def test_needed_columns_and_assumed_values_of_inputs() -> None:
    lines = {line.split()[0]: line for line in inputs_text("claims").splitlines() if line.startswith("  ")}
    assert "needed" in lines["claim_id"]
    assert "needed" not in lines["hcpcs"]
    assert "encounter if absent" in lines["record_type"]


def test_a_name_of_an_input_and_a_result_tells_both() -> None:
    both = told("members")
    assert "One row per member as scored" in both
    assert "members (input)" in both
    assert "as scored" not in told("--inputs", "members")


def test_history_has_the_columns_of_claims() -> None:
    assert told("history") == told("--inputs", "history") == told("claims")


def test_an_unknown_input_names_the_known_ones() -> None:
    with pytest.raises(HccError) as caught:
        told("--inputs", "claim")
    assert all(name in str(caught.value.hint) for name in INPUT_TABLES)
    with pytest.raises(HccError) as caught:
        told("claim")
    assert all(name in str(caught.value.hint) for name in (*INPUT_TABLES, *RESULT_TABLES, *VIEWS))
