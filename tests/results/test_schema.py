"""The schema in words is made from the declarations and the copy in docs/ is current."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from hcc.results.schema import schema_ddl, schema_markdown, schema_text
from hcc.results.views import MACROS, VIEWS
from hcc.tables import RESULT_TABLES

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
