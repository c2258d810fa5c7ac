"""The page as a whole: every figure against paper, both directions alike, nothing of a member."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from hcc.errors import ResultsError, ResultsExist
from hcc.report import report_html, write_report
from tests.report import small
from tests.report.conftest import TODAY
from tests.report.page import Page

CHAPTERS = ["glance", "scores", "prevalence", "gaps", "recapture", "quality", "method"]


def test_chapters_in_order_method_last(page: Page) -> None:
    headed = [given["id"] for tag, given in page.tags if tag == "h2"]
    assert headed == CHAPTERS
    assert [given["href"] for tag, given in page.tags if tag == "a"] == [f"#{name}" for name in CHAPTERS]
    assert [tag for tag, _ in page.tags if tag == "h1"] == ["h1"]


def test_nothing_is_loaded_and_nothing_runs(page: Page) -> None:
    assert "default-src 'none'" in page.html
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "img", "link", "iframe", "object", "form", "use", "image"}
    )
    assert not re.search(r"url\(|@import|https?://|javascript:|\son\w+=", page.html)
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("which", ["page", "open_page"])
def test_no_member_no_claim_no_provider_no_value_is_named(which: str, request: pytest.FixtureRequest) -> None:
    html = request.getfixturevalue(which).html
    for secret in ("MEMBER-SECRET", small.CLAIM, small.NPI, "VALUE-SECRET", "jane-doe", "1950-01-01"):
        assert secret not in html


def test_the_glance(page: Page) -> None:
    facts = {name: value for (_, name), value in page.facts.items()}
    assert facts["Members scored"] == "62"
    assert facts["Mean Part C risk score"] == "0.746"  # 45.5 / 61
    # 37 or 238 or 327: members 1–54; 55–61 are seven, which is not shown.
    assert not any("without an HCC" in name for name in facts)
    assert "Input rows set aside: 31." in page.text
    assert "Members without a score in a part that pays for them: <11." in page.text
    assert "nobody could verify (see Method): 12." in page.text


def test_scores_by_contract_small_ones_together(page: Page, open_page: Page) -> None:
    caption = "Part C by contract"
    assert page.row(caption, "H1") == ["41", "0.500", "0.500", "not shown"]
    assert page.row(caption, "Small contracts together")[:3] == ["20", "1.250", "–"]  # (15 + 10) / 20
    assert len(page.tables[caption]) == 3
    assert open_page.row(caption, "H3") == ["5", "2.000", "2.000", "100.0%"]


def test_scores_by_segment_in_words(page: Page, open_page: Page) -> None:
    caption = "Part C by programme, model and segment"
    assert open_page.row(caption, "Community, non-dual, aged (CNA)") == ["MA", "CMS-HCC V28", "60", "0.750", "0.750"]
    # One new enrollee: hidden, and with it the other segment, or the total would tell.
    assert page.row(caption, "New enrollee (NE)") == ["MA", "CMS-HCC V28", "<11", "not shown", "not shown"]
    assert page.row(caption, "Community")[2] == "not shown"


def test_distribution_has_no_small_column(page: Page) -> None:
    rows = page.tables["Members by Part C risk score"][1:]
    said = [members for _, members in rows]
    assert sum(int(members) for members in said if members.isdigit()) <= 61
    assert all(members == "0" or not members.isdigit() or int(members) >= 11 for members in said)


def test_prevalence_hides_few_and_counts_the_displaced(page: Page, open_page: Page) -> None:
    caption = "Prevalence of the HCCs of CMS-HCC V28"
    assert page.row(caption, "37 ")[:3] == ["24", "0", "39.3%"]
    assert page.row(caption, "226 ")[:3] == ["<11", "0", "not shown"]
    assert open_page.row(caption, "328 ")[:3] == ["12", "1", "19.7%"]
    assert "Kidney Disease, Moderate <3B> & more" in open_page.text


def test_both_directions_have_the_same_rows(page: Page) -> None:
    by_side = {
        side: {name: v for (s, name), v in page.facts.items() if s == side} for side in ("unsupported", "missing")
    }
    cards = {side: {n: v for n, v in facts.items() if ":" not in n} for side, facts in by_side.items()}
    assert list(cards["unsupported"]) == list(cards["missing"])
    # −0.146 × 12 = −1.752; +0.164 × 14 + 0.146 × 12 = 4.048; over 61 members: 0.746 → 0.717 and 0.812.
    assert list(cards["unsupported"].values()) == ["12", "12", "0.746 → 0.717", "−1.752", "−$21,024"]
    assert list(cards["missing"].values()) == ["26", "26", "0.746 → 0.812", "+4.048", "+$48,576"]
    tiles = {side: [v for n, v in facts.items() if ":" in n] for side, facts in by_side.items()}
    assert tiles == {"unsupported": ["−$21,024"], "missing": ["+$48,576"]}


def test_both_directions_by_strength_and_rule(page: Page) -> None:
    sides = {side: page.tables[f"{words}, by strength"] for side, words in
             (("unsupported", "Coded, support lacking"), ("missing", "Evidence, not coded"))}  # fmt: skip
    assert [row[0] for row in sides["unsupported"]] == [row[0] for row in sides["missing"]]
    assert sides["unsupported"][3] == ["Low", "12", "12", "−1.8", "−$21,024"]
    assert sides["missing"][1] == ["High", "14", "14", "+2.3", "+$27,552"]
    by_rule = page.tables["Evidence, not coded, by rule"]
    assert ["BMI-1", "14", "14", "+2.296", "–", "+$27,552"] in [row[1:] for row in by_rule]


def test_gaps_by_hcc_side_by_side(page: Page) -> None:
    caption = "Open gaps by HCC of CMS-HCC V28, both directions"
    assert page.row(caption, "37 ") == ["12", "−1.752", "−$21,024", "12", "+1.752", "+$21,024"]
    assert page.row(caption, "48 ") == ["0", "–", "–", "14", "+2.296", "+$27,552"]


def test_an_hcc_that_two_rules_flag_is_worth_its_change_once(page: Page, tmp_path: Path) -> None:
    import polars as pl

    from hcc.results import ResultsWriter

    with ResultsWriter(tmp_path / "two.duckdb", run_id="run-1") as writer:
        for name, rows in small.tables().items():
            frame = pl.DataFrame(rows, infer_schema_length=None)
            if name == "gaps":
                single = pl.col("rule_id") == "AUD-SINGLE"
                other = pl.lit("OIG-1").alias("rule_id"), pl.format("x{}", "gap_id").alias("gap_id")
                second = frame.filter(single).with_columns(*other)
                frame = pl.concat([frame, second])
            writer.append(name, frame)
        writer.finish(small.RUN)
    name = "Open gaps by HCC of CMS-HCC V28, both directions"
    assert Page(report_html(tmp_path / "two.duckdb", today=TODAY)).tables[name] == page.tables[name]


def test_the_clock_counts_from_today(page: Page, results: Path) -> None:
    assert "<11" not in page.text.split("60-day clock")[1].split("as of")[0]
    assert "12 members flagged 60 days ago within 14 days from now, as of 2026-01-20" in page.text
    later = Page(report_html(results, today=TODAY.replace(month=2)))
    assert "12 members flagged more than 60 days ago, as of 2026-02-20" in later.text


def test_recapture_counts_those_due_only(page: Page, open_page: Page) -> None:
    # 24 captured and 12 open; the three that are new were due for nothing.
    assert "36 conditions were due, 24 (66.7%) are recaptured, 12 are open." in page.text
    rows = open_page.tables["Conditions recaptured by month, CMS-HCC V28"][1:]
    assert rows == [["2025-01", "12", "33.3%"], ["2025-03", "8", "22.2%"], ["2025-06", "4", "11.1%"]]
    hidden = page.tables["Conditions recaptured by month, CMS-HCC V28"][1:]
    assert [row[1] for row in hidden] == ["12", "<11", "<11"]


def test_a_lower_hcc_recaptures_nothing_and_nobody_is_due_for_a_stroke(tmp_path: Path) -> None:
    import polars as pl

    from hcc.results import ResultsWriter

    with ResultsWriter(tmp_path / "lower.duckdb", run_id="run-1") as writer:
        for name, rows in small.tables().items():
            frame = pl.DataFrame(rows, infer_schema_length=None)
            if name == "gaps":
                again = frame.filter(pl.col("status_reason") == "same")
                first = pl.int_range(pl.len()) < 12
                lower = again.with_columns(pl.when(first).then(pl.lit("lower")).otherwise("status_reason").alias("status_reason"))
                stroke = again.with_columns(pl.lit("249").alias("hcc"), pl.format("stroke {}", "gap_id").alias("gap_id"))
                rest = frame.filter(pl.col("status_reason").ne_missing("same"))
                frame = pl.concat([rest, lower, stroke])
            writer.append(name, frame)
        writer.finish(small.RUN)
    page = Page(report_html(tmp_path / "lower.duckdb", today=TODAY))
    assert "36 conditions were due, 12 (33.3%) are recaptured, 24 are open, or only a lower HCC of the family" in page.text


def test_what_did_not_count_and_may_cost(page: Page, open_page: Page) -> None:
    # Twelve members would gain HCC 328: 12 × 0.127 × (1 − 0.059) / 1.067 = 1.344; × 12 × $1,000 = $16,128.
    caption = "Diagnoses not counted and what they may cost"
    assert open_page.row(caption, "RECORD_INELIGIBLE(H)")[1:] == ["19", "19", "12", "+1.344", "–", "+$16,128"]
    assert page.row(caption, "RECORD_INELIGIBLE(H)")[1:] == ["19", "19", "12", "+1.344", "–", "+$16,128"]
    # 30–32 lost E11.22 and have no HCC 37, three members: hidden.
    assert page.row(caption, "AUDIO_ONLY")[1:] == ["<11", "<11", "<11", "not shown", "not shown", "not shown"]
    assert open_page.row(caption, "AUDIO_ONLY")[1:4] == ["3", "3", "3"]


def test_claims_cut_short_and_codes_not_valid(page: Page) -> None:
    assert page.row("Claims by form", "Professional claims with exactly 12") == ["80", "20.0%"]
    assert page.row("Claims by form", "Facility claims with exactly 25") == ["<11", "not shown"]
    assert page.row("Claims by form", "Facility claims without type of bill") == ["25", "25.0%"]
    assert "on one professional claim: 12. Far more claims have that many than one fewer" in page.text
    assert "on one facility claim: 25. Far" not in page.text
    assert page.tables["The most frequent of these codes"][1:] == [
        ["I50", "–", "not valid on the date of service", "24", "16"]
    ]
    assert "I10" not in page.text
    assert "orec was not given and was assumed for 20 members" in " ".join(page.text.split())


def test_method_names_rules_inputs_notes_and_doubts(page: Page) -> None:
    after = page.text.split("Method and versions")[1]
    for said in (
        "ab" * 32,
        "cd" * 32,
        "members.parquet",
        "invented <note>",
        "a memo nobody found",
        "midyear_final",
        "run-1",
    ):
        assert said in after


def test_a_file_without_gaps_says_what_to_run(without_gaps: Path) -> None:
    page = Page(report_html(without_gaps, today=TODAY))
    assert "Gaps were not looked for" in page.text
    assert page.text.count("hcc gaps results.duckdb") == 2
    assert not any("gaps by HCC" in caption for caption in page.tables)


def test_a_search_that_found_nothing_is_not_told_as_none(tmp_path: Path) -> None:
    page = Page(report_html(small.write(tmp_path / "results.duckdb", with_gaps=False), today=TODAY))
    assert "not looked for" not in page.text
    assert "A search as of 2025-12-01 found no gaps of either direction." in page.text
    assert page.text.count("0 members with open questions") == 2
    assert "Nothing to recapture was found" in page.text


def test_a_file_without_anyone_scored_is_still_a_page(tmp_path: Path) -> None:
    from hcc.results import ResultsWriter

    with ResultsWriter(tmp_path / "empty.duckdb", run_id="run-1") as writer:
        writer.finish({"payment_year": 2026, "run": "final", "models": ""})
    page = Page(report_html(tmp_path / "empty.duckdb", today=TODAY))
    assert "No score was made by this run." in page.text


def test_gaps_of_one_direction_only(tmp_path: Path) -> None:
    import polars as pl

    from hcc.results import ResultsWriter

    with ResultsWriter(tmp_path / "one.duckdb", run_id="run-1") as writer:
        for name, rows in small.tables().items():
            frame = pl.DataFrame(rows, infer_schema_length=None)
            if "direction" in frame.columns:  # as an Enum, so that the column knows no other word
                frame = frame.filter(pl.col("direction") == "missing").cast({"direction": pl.Enum(["missing"])})
            writer.append(name, frame)
        writer.finish(small.RUN)
    page = Page(report_html(tmp_path / "one.duckdb", today=TODAY))
    assert page.facts["unsupported", "Open questions"] == "0"
    assert page.facts["missing", "Open questions"] == "26"


def test_the_file_is_the_owners_and_not_overwritten(results: Path, tmp_path: Path) -> None:
    out = write_report(results, tmp_path / "report.html", today=TODAY)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(ResultsExist):
        write_report(results, out)
    assert write_report(results, out, overwrite=True) == out


def test_a_broken_report_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ResultsError):
        write_report(tmp_path / "none.duckdb", tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_the_same_results_give_the_same_page(results: Path, page: Page) -> None:
    assert report_html(results, today=TODAY) == page.html
