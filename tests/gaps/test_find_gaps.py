"""find_gaps from inputs to valued tables: planted truth, exact values, stability, what carries over."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

import hcc
from hcc.errors import HccError
from hcc.pipeline.api import score
from hcc.pipeline_gaps import find_gaps
from hcc.pipeline_gaps import run as score_and_find
from hcc.pipeline_gaps.history import history_hccs
from hcc.results import append_review, read_table
from tests.gaps.judge import all_on, gaps_of, judged
from tests.gaps.planted import population

pytestmark = pytest.mark.filterwarnings("ignore")
YEAR = 2026


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    made = population(YEAR, noise=20)
    folder = tmp_path_factory.mktemp("planted")
    run = score(made.members, made.claims, payment_year=YEAR)
    found = find_gaps(
        run, history=made.history, pharmacy=made.pharmacy, observations=made.observations, problems=made.problems,
        chart_findings=made.chart_findings, as_of=made.calendar.as_of, rules=all_on(folder),
    )  # fmt: skip
    return made, run, found


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_every_rule_finds_its_plants_and_nothing_else(year: int, tmp_path: Path) -> None:
    made = population(year, noise=60, seed=year)
    report = judged(made, gaps_of(made, tmp_path).gaps)
    wrong = report.filter((pl.col("missed") > 0) | (pl.col("false") > 0) | (pl.col("noise") > 0))
    assert wrong.rows() == []
    assert report.filter(pl.col("hits") > 0).height > 50


def test_without_pharmacy_what_needs_it_is_not_judged(tmp_path: Path) -> None:
    made = population(YEAR, noise=20)
    found = gaps_of(made, tmp_path, pharmacy=None)
    told = made.expected.filter(pl.col("without_pharmacy").is_not_null())
    assert told.height > 5
    for row in told.iter_rows(named=True):
        mine = found.gaps.filter(
            pl.col("member_id") == row["member_id"], pl.col("rule_id").cast(pl.String) == row["rule_id"]
        )
        assert row["without_pharmacy"] in mine["status"].cast(pl.String).to_list(), row["plant"]
        assert "open" not in mine["status"].cast(pl.String).to_list(), row["plant"]


@pytest.mark.parametrize("table", ["history", "pharmacy", "observations", "problems", "chart_findings"])
def test_a_rule_without_its_table_never_says_unsupported(table: str, tmp_path: Path) -> None:
    made = population(YEAR, noise=5)
    found = gaps_of(made, tmp_path, **{table: None})
    lacking = set(found.unjudged.filter(pl.col("table") == table)["rule_id"])
    assert lacking
    needed = {"AUD-CHART", "AUD-PROBLIST", "AUD-REPEAT", "AUD-CKD", "AUD-BMI", "OIG-3"} & lacking
    open_rows = found.gaps.filter(
        pl.col("status").cast(pl.String) == "open", pl.col("rule_id").cast(pl.String).is_in(sorted(needed))
    )
    assert open_rows.is_empty()


def key(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String)).sort("gap_id")


def test_the_same_inputs_give_the_same_list_in_ranges_of_any_size(planted, monkeypatch, tmp_path: Path) -> None:
    made, _, found = planted
    monkeypatch.setattr("hcc.pipeline_gaps.parts.PIECE", 37)
    shuffled = {
        name: getattr(made, name).sample(fraction=1, shuffle=True, seed=3)
        for name in ("members", "claims", "history", "pharmacy", "observations", "problems", "chart_findings")
    }
    run = score(shuffled.pop("members"), shuffled.pop("claims"), payment_year=YEAR)
    assert made.members.height > 5 * 37
    again = find_gaps(run, **shuffled, as_of=made.calendar.as_of, rules=all_on(tmp_path))
    assert key(again.gaps.drop("run_id")).equals(key(found.gaps.drop("run_id")))
    order = ["gap_id", "evidence_number"]
    assert again.gap_evidence.drop("run_id").sort(order).equals(found.gap_evidence.drop("run_id").sort(order))
    by = ["member_id", "part", "direction"]
    assert again.member_gaps.drop("run_id").sort(by).equals(found.member_gaps.drop("run_id").sort(by))


def test_ids_are_unique_and_hexadecimal(planted) -> None:
    gaps = planted[2].gaps
    assert gaps["gap_id"].is_unique().all()
    assert gaps["gap_id"].str.contains(r"^[0-9a-f]{20}$").all()


def test_evidence_belongs_to_gaps_and_is_numbered_from_one(planted) -> None:
    found = planted[2]
    evidence = found.gap_evidence
    assert evidence.join(found.gaps, on="gap_id", how="anti").is_empty()
    per_gap = evidence.group_by("gap_id").agg(pl.col("evidence_number").sort())
    assert per_gap.filter(
        pl.col("evidence_number") != pl.int_ranges(1, pl.col("evidence_number").list.len() + 1)
    ).is_empty()
    bare = found.gaps.filter(pl.col("status").cast(pl.String) == "open").join(evidence, on="gap_id", how="anti")
    assert bare.is_empty()


def test_the_claims_told_are_the_claims_listed(planted) -> None:
    """A chart review and the encounter it is linked to are told as one."""
    found = planted[2]
    told = pl.col("reason").str.replace(" on one claim", " on 1 claims").str.extract(r" on (\d+) claims", 1)
    gaps = (
        found.gaps.filter(
            pl.col("direction").cast(pl.String) == "unsupported", pl.col("status").cast(pl.String) == "open"
        )
        .select("gap_id", "rule_id", "reason", told.cast(pl.UInt32).alias("told"))
        .drop_nulls("told")
    )
    listed = found.gap_evidence.filter(
        pl.col("stance").cast(pl.String) == "for", pl.col("kind").cast(pl.String) == "claim"
    )
    reviewed = listed.filter(pl.col("value").str.contains("chart review")).select("gap_id").unique()
    claims = listed.group_by("gap_id").agg(pl.col("claim_id").drop_nulls().n_unique().alias("listed"))
    both = gaps.join(reviewed, on="gap_id", how="anti").join(claims, on="gap_id")
    assert both.height > 80
    assert both.filter(pl.col("told") != pl.col("listed")).is_empty()


def risk(run) -> dict[tuple[str, str], Decimal]:
    rows = run.member_scores.select("member_id", pl.col("part").cast(pl.String), "risk_score").iter_rows()
    return {(member, part): score for member, part, score in rows}


BY_CLAIMS = [
    "AUD-MI28", "AUD-STROKE-LATE", "AUD-BLEED-LATE", "AUD-CHART", "AUD-FUT", "AUD-DUPREC", "AUD-REPEAT", "OIG-2",
]  # fmt: skip


def test_an_open_unsupported_gap_is_worth_the_run_without_its_codes(planted) -> None:
    """One code set at a time would be hundreds of runs; here each member loses the codes of one gap of its own."""
    made, run, found = planted
    single = (
        found.gaps.with_columns(pl.col("model", "rule_id", "status", "direction").cast(pl.String))
        .filter(pl.col("status") == "open", pl.col("direction") == "unsupported", pl.col("model") == "cms-hcc-v28")
        # By claims, not by codes: the code stays where other claims carry it.
        .filter(~pl.col("rule_id").is_in(BY_CLAIMS))
        .sort("gap_id")
        .unique("member_id", keep="first", maintain_order=True)
    )
    assert single.height > 100
    gone = single.select("member_id", pl.col("candidate_diagnosis_codes").str.split(",").alias("code")).explode("code")
    claims = made.claims
    for place in range(1, 5):
        name = f"diagnosis_{place}"
        marked = gone.with_columns(pl.lit(True).alias("hit"))
        on = {"left_on": ["member_id", name], "right_on": ["member_id", "code"]}
        hit = claims.join(marked, **on, how="left", maintain_order="left")
        claims = claims.with_columns(
            pl.when(hit["hit"].fill_null(False)).then(None).otherwise(pl.col(name)).alias(name)
        )
    before, after = risk(run), risk(score(made.members, claims, payment_year=YEAR))
    compared = 0
    for row in single.iter_rows(named=True):
        at = (row["member_id"], "C")
        expected = None if before[at] is None else after[at] - before[at]
        assert row["score_change"] == expected, row["rule_id"]
        compared += expected is not None
    assert compared > 100


def test_an_open_missing_gap_is_worth_the_run_with_its_code(planted) -> None:
    made, run, found = planted
    single = (
        found.gaps.with_columns(pl.col("model", "rule_id", "status", "direction").cast(pl.String))
        .filter(pl.col("status") == "open", pl.col("direction") == "missing", pl.col("model") == "cms-hcc-v28")
        .with_columns(pl.col("candidate_diagnosis_codes").str.split(",").list.first().alias("code"))
        .sort("gap_id")
        .unique("member_id", keep="first", maintain_order=True)
    )
    assert single.height > 60
    template = made.claims.filter(pl.col("claim_type") == "professional", pl.col("hcpcs") == "99213").head(1)
    more = template.drop("member_id", "claim_id", "diagnosis_1", "diagnosis_2").join(
        single.select("member_id", pl.col("code").alias("diagnosis_1"), ("X" + pl.col("member_id")).alias("claim_id")),
        how="cross",
    )
    more = more.with_columns(
        pl.lit(None, pl.String).alias("diagnosis_2"),
        pl.lit(date(2025, 6, 1)).alias("thru_date"),
        pl.lit(date(2025, 6, 1)).alias("from_date"),
    )
    claims = pl.concat([made.claims, more.select(made.claims.columns)])
    before, after = risk(run), risk(score(made.members, claims, payment_year=YEAR))
    for row in single.iter_rows(named=True):
        assert row["score_change"] == after[row["member_id"], "C"] - before[row["member_id"], "C"], row["rule_id"]


def test_values_have_the_sign_of_their_direction_or_none(planted) -> None:
    gaps = planted[2].gaps.filter(pl.col("hcc").is_not_null())
    lower = {"62", "221"}  # parents that pay less than a child: adding them lowers the score, removing raises it
    rest = gaps.filter(~pl.col("hcc").cast(pl.String).is_in(lower))
    assert (rest.filter(pl.col("direction").cast(pl.String) == "unsupported")["score_change"].drop_nulls() <= 0).all()
    assert (rest.filter(pl.col("direction").cast(pl.String) == "missing")["score_change"].drop_nulls() >= 0).all()
    open_rows = gaps.filter(pl.col("status").cast(pl.String) == "open")
    assert open_rows["score_change"].null_count() < open_rows.height / 20


def test_informational_rows_have_no_hcc_and_no_value(planted) -> None:
    rows = planted[2].gaps.filter(pl.col("status").cast(pl.String) == "informational")
    assert rows.height > 0
    assert rows["hcc"].null_count() == rows.height
    assert rows["score_change"].null_count() == rows.height


def test_member_gaps_are_the_whole_change_of_a_direction(planted) -> None:
    _, run, found = planted
    members = found.member_gaps.with_columns(pl.col("part", "direction").cast(pl.String))
    assert members.filter(pl.col("risk_score_applied") - pl.col("risk_score") != pl.col("score_change")).is_empty()
    scores = run.member_scores.select("member_id", pl.col("part").cast(pl.String), "risk_score")
    joined = members.join(scores, on=["member_id", "part"])
    assert joined.height == members.height
    assert joined.filter(pl.col("risk_score") != pl.col("risk_score_right")).is_empty()
    open_rows = found.gaps.filter(pl.col("status").cast(pl.String) == "open", pl.col("hcc").is_not_null())
    single = (
        open_rows.group_by("member_id", pl.col("direction").cast(pl.String))
        .agg(pl.len(), pl.col("hcc").cast(pl.String).n_unique().alias("hccs"), pl.col("score_change").first())
        .filter(pl.col("len") == 1)
        .join(members.filter(pl.col("part") == "C"), on=["member_id", "direction"])
    )
    assert single.height > 20
    assert single.filter(pl.col("score_change") != pl.col("score_change_right")).is_empty()


def members_and_claims(**member: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    members = pl.DataFrame([{"member_id": "a", "birth_date": date(1950, 1, 1), "sex": "F", **member}])
    rows = [
        ("c1", date(2025, 3, 1), "C787"), ("c2", date(2025, 4, 1), "C50911"), ("c3", date(2025, 5, 1), "C50911"),
    ]  # fmt: skip
    claims = pl.DataFrame(
        [
            {
                "claim_id": c,
                "member_id": "a",
                "claim_type": "professional",
                "thru_date": d,
                "hcpcs": "99213",
                "diagnosis_1": x,
            }
            for c, d, x in rows
        ]
    )
    return members, claims


def test_s94_a24_a_deleted_parent_revives_its_child_and_dollars_follow() -> None:
    """V28 community, non-dual, aged: HCC 17 4.209, HCC 23 0.186; without HCC 17 the member has HCC 23 (SPEC S94)."""
    members, claims = members_and_claims(monthly_benchmark=1000.0)
    run = score(members, claims, payment_year=YEAR)
    found = find_gaps(run)
    rows = found.gaps.filter(pl.col("rule_id").cast(pl.String) == "AUD-SINGLE").to_dicts()
    (row,) = [row for row in rows if row["model"] == "cms-hcc-v28"]
    assert row["hcc"] == "17"
    assert row["raw_change"] == Decimal("0.186") - Decimal("4.209")
    assert row["dollar_change"] == row["score_change"] * 1000 * 12


def small(year: int, *claims: tuple) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One member born in 1950, and claims (id, day, code, record_type)."""
    members = pl.DataFrame({"member_id": ["a"], "birth_date": [date(1950, 1, 1)], "sex": ["F"]})
    rows = [
        {
            "claim_id": claim, "member_id": "a", "claim_type": "professional", "thru_date": day, "hcpcs": "99213",
            "record_type": kind, "diagnosis_1": code,
        }
        for claim, day, code, kind in claims
    ]  # fmt: skip
    return members, pl.DataFrame(rows)


def recapture_of(found, hcc_number: str) -> dict:
    rows = found.gaps.with_columns(pl.col("rule_id", "hcc", "status", "model").cast(pl.String)).to_dicts()
    (row,) = [r for r in rows if (r["rule_id"], r["hcc"], r["model"]) == ("RECAPTURE", hcc_number, "cms-hcc-v28")]
    return row


@pytest.mark.parametrize(("record", "status"), [("chart_review", "open"), ("encounter", "closed")])
def test_g22_an_unlinked_chart_review_closes_nothing_for_2027(record: str, status: str) -> None:
    members, claims = small(
        2026, ("c1", date(2026, 3, 1), "I509", record), ("c2", date(2026, 4, 1), "J069", "encounter")
    )
    _, history = small(2025, ("h1", date(2025, 3, 1), "I509", "encounter"))
    found = find_gaps(score(members, claims, payment_year=2027), history=history, as_of="2026-12-31")
    assert recapture_of(found, "226")["status"] == status


def test_earlier_years_in_the_claims_themselves_are_history() -> None:
    members, claims = small(
        2025, ("c1", date(2025, 3, 1), "J069", "encounter"), ("h1", date(2024, 3, 1), "I509", "encounter")
    )
    found = find_gaps(score(members, claims, payment_year=YEAR))
    assert recapture_of(found, "226")["status"] == "open"


def test_recapture_names_the_earlier_claims() -> None:
    members, claims = small(
        2025, ("c1", date(2025, 3, 1), "J069", "encounter"), ("c2", date(2025, 3, 2), "E119", "encounter"),
        ("h1", date(2024, 3, 1), "I509", "encounter"), ("h2", date(2023, 4, 1), "I5022", "encounter"),
        ("h3", date(2024, 5, 1), "I509", "encounter"), ("h4", date(2024, 5, 1), "E119", "encounter"),
    )  # fmt: skip
    found = find_gaps(score(members, claims, payment_year=YEAR))
    gap = recapture_of(found, "226")
    listed = found.gap_evidence.filter(pl.col("gap_id") == gap["gap_id"]).sort("evidence_date")
    assert listed.select("claim_id", "evidence_date", "code").rows() == [
        ("h2", date(2023, 4, 1), "I5022"), ("h1", date(2024, 3, 1), "I509"), ("h3", date(2024, 5, 1), "I509"),
    ]  # fmt: skip


def test_faults_of_the_history_are_told_of_the_history() -> None:
    members, claims = small(2025, ("c1", date(2025, 3, 1), "J069", "encounter"))
    run = score(members, claims, payment_year=YEAR)
    no_codes = claims.drop([name for name in claims.columns if name.startswith("diagnosis")])
    for history in ("nothere.parquet", claims.drop("claim_id"), no_codes):
        with pytest.raises(HccError, match=r"^history: ") as caught:
            find_gaps(run, history=history)
        assert "claims:" not in str(caught.value)
    noted = find_gaps(run, history=claims.clear()).found.notes
    assert [note for note in noted if note.startswith(("claims:", "history:"))] == ["history: there is no claim line."]


def test_g21_a_suspicion_below_what_is_captured_shows_a_change_of_zero() -> None:
    members, claims = small(2025, ("c1", date(2025, 3, 1), "E1100", "encounter"))
    results = pl.DataFrame(
        {"member_id": ["a", "a"], "observation_date": [date(2025, 1, 1), date(2025, 2, 1)], "loinc": ["4548-4"] * 2,
         "value": ["7.1", "7.2"], "unit": ["%", "%"]}
    )  # fmt: skip
    found = find_gaps(score(members, claims, payment_year=YEAR), observations=results)
    rows = found.gaps.filter(pl.col("rule_id").cast(pl.String) == "DM-1").to_dicts()
    assert [(r["hcc"], r["status"], r["status_reason"], r["score_change"]) for r in rows] == [
        ("38", "closed", "captured_above", Decimal(0))
    ]


def test_n183_could_be_two_hccs_of_v28_and_one_of_v24() -> None:
    """R-5.12: N18.3 was split on 2020-10-01; in V28 nobody can say whether it is 328 or 329 now, in V24 it is 138."""
    members, claims = small(2025, ("c1", date(2025, 3, 1), "J069", "encounter"))
    run = score(members, claims, payment_year=YEAR, models=["cms-hcc-v28", "cms-hcc-v24"])
    rows = pl.DataFrame(
        {
            "member_index": [0],
            "record": [0],
            "diagnosis_code": ["N183"],
            "date": [date(2020, 3, 1)],
            "service_year": [2020],
        }
    ).with_columns(pl.col("member_index", "record").cast(pl.UInt32))
    plan = run.scored.plan
    models = tuple(model.rules for model in plan.models.values())
    found = history_hccs(rows, plan, models, run.scored.members.with_row_index("member_index"))
    assert sorted(found.select("model", "hcc", "uncertain").rows()) == [
        ("cms-hcc-v24", "138", False), ("cms-hcc-v28", "328", True), ("cms-hcc-v28", "329", True),
    ]  # fmt: skip


def test_dollars_are_empty_without_a_benchmark() -> None:
    members, claims = members_and_claims()
    found = find_gaps(score(members, claims, payment_year=YEAR))
    assert found.gaps["dollar_change"].null_count() == found.gaps.height
    assert found.gaps["score_change"].null_count() < found.gaps.height


def test_a_part_d_gap_has_no_dollars() -> None:
    """The benchmark is Part C's (RULINGS 17 multiplies it with a score change; none is given for Part D)."""
    members, claims = members_and_claims(monthly_benchmark=1000.0, part_d_plan="MA-PD")
    found = find_gaps(score(members, claims, payment_year=YEAR))
    part_d = found.gaps.filter(pl.col("model").cast(pl.String).str.starts_with("rxhcc"))
    part_c = found.gaps.filter(pl.col("model").cast(pl.String).str.starts_with("cms-hcc"))
    assert part_d.filter(pl.col("score_change") != 0).height > 0
    assert part_d["dollar_change"].null_count() == part_d.height
    assert part_c["dollar_change"].null_count() < part_c.height
    whole = found.member_gaps.select(pl.col("part").cast(pl.String), "score_change", "dollar_change")
    assert whole.filter(pl.col("part") == "D")["dollar_change"].to_list() == [None]
    assert whole.filter(pl.col("part") == "C").select(pl.col("dollar_change").is_not_null().all()).item()


def test_as_of_defaults_to_the_latest_service_and_is_recorded() -> None:
    members, claims = members_and_claims()
    run = score(members, claims, payment_year=YEAR)
    found = find_gaps(run)
    assert found.as_of == date(2025, 5, 1)
    assert run.row["as_of"] == date(2025, 5, 1)
    early = find_gaps(run, as_of="2025-04-15")
    single = early.gaps.filter(pl.col("rule_id").cast(pl.String) == "AUD-SINGLE", pl.col("hcc").cast(pl.String) == "23")
    assert single.height == 1  # the second claim of May is not known yet


def test_a_results_file_gains_gaps_and_keeps_flags_and_decisions(tmp_path: Path) -> None:
    members, claims = members_and_claims()
    members.write_parquet(tmp_path / "members.parquet")
    claims.write_parquet(tmp_path / "claims.parquet")
    out = tmp_path / "r.duckdb"
    score(tmp_path / "members.parquet", tmp_path / "claims.parquet", payment_year=YEAR, out=out)
    first = find_gaps(out, as_of="2026-01-05")
    gap = first.gaps.filter(pl.col("rule_id") == "AUD-SINGLE", pl.col("hcc") == "17").to_dicts()[0]
    assert gap["flagged_on"] == date(2026, 1, 5)
    decided = datetime(2026, 2, 1, 9, 30)
    append_review(out, gap_id=gap["gap_id"], decision="not_supported", reviewer="coder", decided_at=decided)
    find_gaps(out, as_of="2026-03-01")
    later = read_table(out, "gaps").filter(pl.col("gap_id") == gap["gap_id"]).to_dicts()[0]
    assert (later["flagged_on"], later["decision"]) == (date(2026, 1, 5), "not_supported")
    assert (later["identified_on"], later["return_by"]) == (date(2026, 2, 1), date(2026, 4, 2))
    runs = read_table(out, "runs")
    assert runs.height == 1
    assert runs["as_of"][0] == date(2026, 3, 1)
    assert read_table(out, "scores").height > 0


def test_searching_again_repeats_nothing_and_a_new_run_keeps_the_first_flag(tmp_path: Path) -> None:
    members, claims = members_and_claims()
    members.write_parquet(tmp_path / "members.parquet")
    claims.write_parquet(tmp_path / "claims.parquet")
    pl.DataFrame(
        {"member_id": ["a", "a"], "fill_date": [date(2025, 1, 1), None], "drug_name": ["X", "Y"]}
    ).write_parquet(tmp_path / "rx.parquet")
    out, evidence = tmp_path / "r.duckdb", {"pharmacy": tmp_path / "rx.parquet"}
    inputs = {"members": tmp_path / "members.parquet", "claims": tmp_path / "claims.parquet", "payment_year": YEAR}
    score_and_find(**inputs, out=out, gaps={**evidence, "as_of": "2026-01-05"})
    find_gaps(out, **evidence, as_of="2026-02-05")
    find_gaps(out, **evidence, as_of="2026-02-06")
    rejected = read_table(out, "rejected_rows")
    assert rejected.filter(pl.col("table").cast(pl.String) == "pharmacy").height == 1
    score_and_find(**inputs, out=out, overwrite=True, gaps={"as_of": "2026-03-01"})
    flagged = read_table(out, "gaps")["flagged_on"].unique().to_list()
    assert flagged == [date(2026, 1, 5)]


def test_a_results_file_whose_claims_changed_is_refused(tmp_path: Path) -> None:
    members, claims = members_and_claims()
    members.write_parquet(tmp_path / "members.parquet")
    claims.write_parquet(tmp_path / "claims.parquet")
    out = tmp_path / "r.duckdb"
    score(tmp_path / "members.parquet", tmp_path / "claims.parquet", payment_year=YEAR, out=out)
    claims.head(2).write_parquet(tmp_path / "claims.parquet")
    with pytest.raises(HccError, match="changed since"):
        find_gaps(out)


def test_one_pass_gives_what_two_give(tmp_path: Path) -> None:
    made = population(YEAR, noise=5)
    tables = {"history": made.history, "pharmacy": made.pharmacy, "observations": made.observations}
    out = tmp_path / "both.duckdb"
    _, found = score_and_find(
        made.members, made.claims, payment_year=YEAR, out=out, gaps={**tables, "as_of": made.calendar.as_of}
    )
    run = score(made.members, made.claims, payment_year=YEAR)
    apart = key(find_gaps(run, **tables, as_of=made.calendar.as_of).gaps.drop("run_id"))
    together = key(found.gaps.drop("run_id"))
    assert together.equals(apart.select(together.columns))
    assert read_table(out, "member_scores").height == run.member_scores.height


def test_no_sentence_tells_anybody_what_to_code(planted) -> None:
    """Words of our own choosing, not the engine's list: instructions, and talk of money or guilt."""
    text = pl.concat(
        [planted[2].gaps["reason"].drop_nulls(), planted[2].gap_evidence["description"].drop_nulls()]
    ).unique()
    forbidden = re.compile(
        r"\b(please|add this|add the|code this|should be|must be|needs? to be|submit|bill this|recapture this"
        r"|capture this|opportunity|revenue|fraud|upcod)\b",
        re.IGNORECASE,
    )
    assert [sentence for sentence in text if forbidden.search(sentence)] == []
    assert [sentence for sentence in text if "{" in sentence or "}" in sentence or "null" in sentence] == []


def test_the_public_name() -> None:
    assert hcc.find_gaps is find_gaps


def test_findings_on_claims_that_nobody_knows_are_told(planted) -> None:
    made = planted[0]
    claim = made.claims.row(0, named=True)
    row = {"member_id": claim["member_id"], "service_date": claim["thru_date"], "diagnosis_code": "E119"}
    findings = pl.DataFrame(
        [
            {**row, "claim_id": claim["claim_id"], "verdict": "not_supported"},
            {**row, "claim_id": "NOBODY KNOWS", "verdict": "not_supported"},
            {**row, "claim_id": None, "verdict": "not_supported"},
            {**row, "claim_id": "NOR THIS", "verdict": "supported"},
        ]
    )
    found = find_gaps(planted[1], chart_findings=findings, as_of=made.calendar.as_of)
    (told,) = [note for note in found.found.notes if "a claim that the member does not have" in note]
    assert told.startswith("chart_findings: 1 finding(s)")
    assert not [note for note in planted[2].found.notes if "a claim that the member does not have" in note]
