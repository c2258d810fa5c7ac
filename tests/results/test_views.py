"""Each view's figures, worked out by hand from the rows of made_up.py."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hcc.results import open_results
from hcc.results.views import VIEWS
from hcc.tables import RESULT_TABLES
from tests.results.made_up import ESRD, V22, V28


@pytest.fixture
def ask(results: Path) -> Any:
    con = open_results(results)
    yield lambda sql: con.execute(sql).fetchall()
    con.close()


def test_current_scores_name_models_and_segments(ask: Any) -> None:
    sql = "SELECT risk_score, models, segments, contract_id FROM current_scores WHERE member_id = '{}'"
    assert ask(sql.format("PACE")) == [(Decimal("1.764"), f"{V22}, {V28}", "CNA", "H0002")]
    assert ask(sql.format("MONTHS")) == [(Decimal("0.774"), V28, "CNA, INS", "H0001")]
    assert ask("SELECT no_score_reason FROM current_scores WHERE risk_score IS NULL") == [("GRAFT_MONTHS_MISSING",)]
    assert ask("SELECT count(*) FROM current_scores") == [(8,)]


def test_open_gaps_hold_both_directions_and_count_evidence(ask: Any) -> None:
    assert ask("SELECT gap_id, direction, evidence_for, evidence_against FROM open_gaps ORDER BY gap_id") == [
        ("g1", "unsupported", 1, 1), ("g2", "missing", 1, 0), ("g4", "missing", 0, 0), ("g5", "unsupported", 0, 0),
    ]  # fmt: skip


def test_prevalence_counts_before_and_after_hierarchies(ask: Any) -> None:
    names = "members, members_with_diagnosis, scored_members, share_of_members"
    sql = f"SELECT {names} FROM hcc_prevalence WHERE model = '{V28}' AND hcc = '{{}}'"
    assert ask(sql.format("38")) == [(0, 1, 4, 0.0)]  # displaced in its only member
    assert ask(sql.format("37")) == [(2, 2, 4, 0.5)]  # of COMMUNITY, NEW, PACE, MONTHS


def test_why_sums_to_the_raw_score_of_every_member_and_model(ask: Any) -> None:
    assert ask(
        "SELECT count(*) FROM (SELECT member_id, model, segment, sum(coefficient) AS total FROM why GROUP BY ALL) w "
        "JOIN (SELECT DISTINCT member_id, model, segment, raw_score FROM scores) s USING (member_id, model, segment) "
        "WHERE w.total <> s.raw_score"
    ) == [(0,)]


def test_why_tells_the_diagnoses_in_words_and_what_was_displaced(ask: Any) -> None:
    assert ask("SELECT label, coefficient, codes FROM why WHERE member_id = 'COMMUNITY' AND variable = 'HCC37'") == [
        (
            "Diabetes with Chronic Complications",
            Decimal("0.166"),
            "E1122 Type 2 diabetes mellitus with diabetic chronic kidney disease",
        )
    ]
    assert ask("SELECT hcc, dropped_by_hcc, coefficient FROM why WHERE dropped_by_hcc IS NOT NULL") == [
        ("38", "37", None)
    ]


def test_diagnoses_behind_an_hcc_follow_edits(results: Path, tmp_path: Path) -> None:
    """An edit that gives another HCC moves the code there; one that gives none takes it away."""
    import polars as pl

    from hcc.results import ResultsWriter, read_table

    edits = pl.DataFrame(
        {"member_id": ["COMMUNITY"] * 2, "payment_year": [2026] * 2, "model": [V28] * 2,
         "diagnosis_code": ["J449", "I4891"],
         "kind": ["AGE_EDIT"] * 2, "hcc": ["112", None]}
    )  # fmt: skip
    with ResultsWriter(tmp_path / "r.duckdb", base=results) as writer:
        writer.append("edited_diagnoses", edits)
        writer.finish({})
    behind = read_table(tmp_path / "r.duckdb", "hcc_diagnoses")
    mine = {
        (r["hcc"], r["diagnosis_code"]) for r in behind.to_dicts() if (r["member_id"], r["model"]) == ("COMMUNITY", V28)
    }
    assert mine == {("37", "E1122"), ("38", "E119"), ("226", "I5032"), ("328", "N1832"), ("112", "J449")}


def test_uncounted_diagnoses_say_why_and_for_which_hccs(ask: Any) -> None:
    assert ask(
        "SELECT diagnosis_code, reason, meaning LIKE '%collection window%', hccs FROM uncounted_diagnoses "
        "WHERE claim_id = 'C9'"
    ) == [("E1122", "OUT_OF_WINDOW", True, f"{ESRD} 18, {V22} 18, {V28} 37")]
    assert ask("SELECT count(*) FROM uncounted_diagnoses") == [(2,)]


def test_recapture_counts_captured_over_due(ask: Any) -> None:
    assert ask("SELECT hcc, due, captured, open, recapture_rate, open_score_change FROM recapture ORDER BY hcc") == [
        ("37", 1, 1, 0, 1.0, None), ("48", 2, 0, 2, 0.0, Decimal("0.181")),
    ]  # fmt: skip


def test_rollups_put_both_directions_side_by_side(ask: Any) -> None:
    names = "members, open_unsupported, open_missing, unsupported_score_change_c, missing_score_change_c"
    sql = f"SELECT {names}, missing_dollar_change FROM contract_rollup WHERE contract_id = 'H0001'"
    assert ask(sql) == [(5, 2, 1, Decimal("-0.355"), Decimal("0.160"), Decimal("1920.00"))]
    # COMMUNITY 1.904, NEW 0.470, DIALYSIS 0.618, GRAFT 2.182, MONTHS 0.774: mean 1.1896; NEW and MONTHS have no HCC
    sql = "SELECT mean_risk_score_c, share_without_hcc FROM contract_rollup WHERE contract_id = 'H0001'"
    assert ask(sql) == [(1.1896, 0.4)]
    assert ask("SELECT members, mean_risk_score_d FROM provider_rollup WHERE pcp_npi IS NULL") == [(1, 0.471)]
    assert ask("SELECT open, closed, members_open FROM rule_rollup WHERE rule_id = 'RECAPTURE'") == [(2, 2, 2)]


def test_an_hcc_that_two_rules_flag_is_worth_its_change_once(ask: Any) -> None:
    names = "members, open_unsupported, unsupported_score_change, open_missing"
    sql = f"SELECT {names} FROM hcc_rollup WHERE model = '{V28}' AND hcc = '238'"
    assert ask(sql) == [(1, 1, Decimal("-0.355"), 0)]


def test_data_quality_names_every_kind(ask: Any) -> None:
    found = {(kind, reason): (rows, bool(meaning)) for kind, reason, meaning, rows in ask("FROM data_quality")}
    assert found == {
        ("rejected row", "MISSING_SEX"): (1, True),
        ("unmapped code", "NOT_IN_MODEL"): (3, True),
        ("diagnosis not counted", "OUT_OF_WINDOW"): (1, True),
        ("diagnosis not counted", "RECORD_INELIGIBLE(H)"): (1, True),
        ("diagnosis flagged", "DENIED_LINE"): (1, True),
        ("diagnosis flagged", "LIST_OF_ANOTHER_YEAR"): (1, True),
    }


def test_macros_answer_for_one_member_or_gap(ask: Any) -> None:
    assert len(ask("FROM diagnoses_of('COMMUNITY')")) == 8
    assert [row[0] for row in ask("SELECT gap_id FROM gaps_of('COMMUNITY') ORDER BY gap_id")] == [
        "g1",
        "g2",
        "g3",
        "g5",
        "g6",
    ]
    assert ask("SELECT stance FROM evidence_of('g1')") == [("for",), ("against",)]
    assert ask("FROM explain_member('NOBODY')") == []


def test_every_column_of_every_table_and_view_has_a_comment_in_the_file(ask: Any) -> None:
    found = ask("SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal")
    assert {*RESULT_TABLES, *VIEWS} <= {table for table, _, _ in found}
    assert [(table, column) for table, column, comment in found if not (comment or "").strip()] == []
    said = {(table, column): comment for table, column, comment in found}
    for view, table, columns in (
        ("open_gaps", "gaps", ("score_change", "return_by", "pcp_npi")),
        ("current_scores", "member_scores", ("risk_score", "no_score_reason")),
        ("current_scores", "members", ("age", "program")),
        ("contract_rollup", "members", ("contract_id",)),
        ("uncounted_diagnoses", "diagnoses", ("thru_date", "place_of_service")),
    ):
        assert [said[view, column] for column in columns] == [said[table, column] for column in columns]
