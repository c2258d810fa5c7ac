"""What months of enrollment tell of a member, and what evidence beside a gap tells of it (a tester's cases)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

import hcc

pytestmark = pytest.mark.filterwarnings("ignore")
AS_OF = date(2025, 12, 31)
YEAR_AND_NEXT = [date(2025, month, 1) for month in range(1, 13)]


def person(member_id: str, **more: Any) -> dict[str, Any]:
    return {"member_id": member_id, "birth_date": date(1955, 6, 15), "sex": "F", "part_b_months": 12, **more}


def claim(member_id: str, code: str, on: date, **more: Any) -> dict[str, Any]:
    return {"claim_id": f"{member_id}-{code}-{on}", "member_id": member_id, "claim_type": "professional", "thru_date": on,
            "hcpcs": "99213", "diagnosis_1": code, **more}  # fmt: skip


def months(member_id: str, these: list[date], **more: Any) -> list[dict[str, Any]]:
    return [{"member_id": member_id, "month": month, **more} for month in these]


def found(
    people: list[dict[str, Any]], claims: list[dict[str, Any]], enrolled: list[dict[str, Any]] | None = None,
    as_of: date = AS_OF, **tables: Any,
) -> Any:  # fmt: skip
    run = hcc.score(
        pl.DataFrame(people), pl.DataFrame(claims, infer_schema_length=None), payment_year=2026,
        enrollment=None if enrolled is None else pl.DataFrame(enrolled),
    )  # fmt: skip
    given = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items()}
    return hcc.find_gaps(run, as_of=as_of, **given)


def statuses(gaps: Any, rule: str) -> dict[str, tuple[str, str]]:
    rows = gaps.gaps.filter(pl.col("rule_id").cast(pl.String) == rule).cast(
        {"status": pl.String, "status_reason": pl.String}
    )
    return {row["member_id"]: (row["status"], row["status_reason"] or "") for row in rows.iter_rows(named=True)}


def test_new_enrollees_are_those_whom_their_months_make_so() -> None:
    """The score of a new enrollee uses no diagnoses (SPEC 5.3); months tell of Part B what members do not (RULINGS 5)."""
    everybody = [*YEAR_AND_NEXT, *(date(2026, month, 1) for month in range(1, 7))]
    people = [person("a"), person("b", part_b_months=3), person("c"), person("d")]
    enrolled = [row for m, told in (("a", 3), ("b", 12), ("c", 12)) for row in months(m, everybody, part_b_months=told)]
    claims = [claim(m, "Z0000", date(2025, 3, 1)) for m in "abcd"]
    history = [claim(m, "I509", date(2024, 5, 5)) for m in "abcd"]
    told = statuses(found(people, claims, enrolled, date(2026, 6, 30), history=history), "RECAPTURE")
    assert told == {
        "a": ("suppressed", "new_enrollee"), "b": ("open", ""), "c": ("open", ""), "d": ("suppressed", "disenrolled"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("these", "status"),
    [
        (YEAR_AND_NEXT, "open"),
        (YEAR_AND_NEXT[:11], "open"),  # left on 30 November: a month, as for those who join
        (YEAR_AND_NEXT[:10], "indeterminate"),
        (YEAR_AND_NEXT[:9], "indeterminate"),
        (YEAR_AND_NEXT[:5] + YEAR_AND_NEXT[6:], "open"),  # away for one month
        (YEAR_AND_NEXT[:5] + YEAR_AND_NEXT[7:], "indeterminate"),
        (YEAR_AND_NEXT[1:], "open"),
        (YEAR_AND_NEXT[2:], "indeterminate"),
    ],
)
def test_who_left_within_the_year_is_not_judged_by_it(these: list[date], status: str) -> None:
    """OIG-3: no anticoagulant in the year."""
    enrolled = [*months("a", these), *months("other", YEAR_AND_NEXT)]
    claims = [claim("a", "I2699", date(2025, 4, 1)), claim("other", "Z0000", date(2025, 12, 30))]
    fills = [{"member_id": "other", "fill_date": date(2025, 6, 1), "drug_name": "lisinopril"}]
    told = found([person("a"), person("other")], claims, enrolled, pharmacy=fills)
    assert statuses(told, "OIG-3")["a"][0] == status


@pytest.mark.parametrize(("last", "status"), [(date(2025, 9, 1), "indeterminate"), (date(2025, 12, 1), "open")])
def test_nor_by_a_look_ahead_after_leaving(last: date, status: str) -> None:
    """OIG-4: no treatment within 365 days of 2025-03-01."""
    enrolled = [*months("a", [m for m in YEAR_AND_NEXT if m <= last]), *months("other", YEAR_AND_NEXT)]
    claims = [claim("a", "C3490", date(2025, 3, 1)), claim("other", "Z0000", date(2025, 12, 30))]
    history = [claim(m, "Z0000", date(2023, 6, 1)) for m in ("a", "other")]
    fills = [
        {"member_id": "other", "fill_date": date(2024, 1, 1) + timedelta(n), "drug_name": "lisinopril"}
        for n in (1, 700)
    ]
    told = found(
        [person("a"), person("other")], claims, None if last.month == 12 else enrolled, history=history, pharmacy=fills
    )
    assert statuses(told, "OIG-4")["a"][0] == status


@pytest.mark.parametrize(("on", "status"), [(date(2025, 10, 31), "open"), (date(2025, 12, 20), "indeterminate")])
def test_a_table_that_ends_before_the_diagnosis_says_nothing_of_it(on: date, status: str) -> None:
    """Fills to 31 October, of a table large enough to tell: an embolism of December is not judged by them."""
    days = [date(2025, 1, 1) + timedelta(n // 20) for n in range(20 * 304)]
    fills = [{"member_id": "other", "fill_date": day, "drug_name": "lisinopril"} for day in days]
    claims = [claim("a", "I2699", on), claim("other", "Z0000", date(2025, 12, 30))]
    assert statuses(found([person("a"), person("other")], claims, pharmacy=fills), "OIG-3")["a"][0] == status


def test_a_problem_list_shows_each_gap_its_own_entry() -> None:
    claims = [claim("a", "E119", date(2025, 3, 1), hcpcs="A0425"), claim("a", "Z0000", date(2025, 6, 1))]
    problems = [{"member_id": "a", "recorded_date": date(2025, 2, 1), "code": code} for code in ("E119", "M069")]
    told = found([person("a")], claims, problems=problems)
    rows = told.gaps.filter(pl.col("rule_id").cast(pl.String) == "DOC-PROBLEM").select(
        "gap_id", "candidate_diagnosis_codes", "reason"
    )
    shown = rows.join(told.gap_evidence, on="gap_id").select("candidate_diagnosis_codes", "code").unique().rows()
    assert sorted(shown) == [("E119", "E119"), ("M069", "M069")]
    (remark,) = rows.filter(pl.col("candidate_diagnosis_codes") == "E119")["reason"]
    assert "no counted claim of 2025 carries such a code" in remark


@pytest.mark.parametrize(
    ("rule", "loinc", "unit", "against"),
    [
        ("HF-1", "10230-1", "%", [("35", "62"), ("35", "41")]),
        ("COPD-2", "69970-2", "%", [("60", "85"), ("60", "70")]),
        ("HIV-1", "20447-9", None, [("Detected", "Not detected")]),
    ],
)  # fmt: skip
def test_later_results_to_the_contrary_are_shown(
    rule: str, loinc: str, unit: str | None, against: list[tuple[str, str]]
) -> None:
    for low, high in against:
        results = [
            {"member_id": "a", "observation_date": on, "loinc": loinc, "value": value, "unit": unit}
            for on, value in ((date(2025, 2, 1), low), (date(2025, 10, 1), high))
        ]
        told = found([person("a")], [claim("a", "Z0000", date(2025, 12, 30))], observations=results)
        assert statuses(told, rule)["a"][0] == "open"
        gap = told.gaps.filter(pl.col("rule_id").cast(pl.String) == rule).select("gap_id")
        rows = gap.join(told.gap_evidence, on="gap_id").select(pl.col("stance").cast(pl.String), "evidence_date").rows()
        assert rows == [("for", date(2025, 2, 1)), ("against", date(2025, 10, 1))]


def test_one_result_is_evidence_once() -> None:
    """The lowest eGFR of the year, 47, is what speaks against stage 3b; that it is below 60, too, is not said again."""
    results = [
        {
            "member_id": "a",
            "observation_date": date(2025, 1, 1),
            "loinc": "98979-8",
            "value": "47",
            "unit": "mL/min/1.73m2",
        }
    ]
    told = found(
        [person("a")],
        [claim("a", "N1832", date(2025, 3, 1)), claim("a", "Z0000", date(2025, 12, 30))],
        observations=results,
    )
    gap = told.gaps.filter(pl.col("rule_id").cast(pl.String) == "AUD-CKD").select("gap_id").head(1)
    rows = gap.join(told.gap_evidence, on="gap_id").filter(pl.col("kind").cast(pl.String) == "result")
    assert rows["stance"].cast(pl.String).to_list() == ["for"]


def test_rules_that_lack_the_years_before_are_named() -> None:
    """OIG-5 looks 365 days back, OIG-3 does not."""
    claims = [claim("a", "Z0000", date(2025, month, 9)) for month in range(1, 13)]
    lacking = found([person("a")], claims).unjudged.filter(pl.col("option") == "--history")["rule_id"].to_list()
    assert {"OIG-5", "AMP-1", "TX-1", "RECAPTURE"} <= set(lacking)
    assert not {"OIG-3", "AUD-BMI"} & set(lacking)
    assert len(lacking) == len(set(lacking))
    given = found([person("a")], claims, history=[claim("a", "Z0000", date(2024, 3, 1))]).unjudged
    assert "history" not in given["table"].to_list()
    of_both = found([person("a")], [*claims, claim("a", "Z0000", date(2024, 3, 1))]).unjudged
    assert "OIG-5" not in of_both.filter(pl.col("table") == "history")["rule_id"].to_list()


def test_who_joins_after_the_as_of_day_is_neither_gone_nor_accused() -> None:
    """A member of January 2026 on: HF-1 asks, OIG-3 cannot say that there was no anticoagulant in 2025 (SPEC 6.1)."""
    everybody = [date(year, month, 1) for year in (2025, 2026) for month in range(1, 13)]
    enrolled = [*months("stays", everybody), *months("joins", [m for m in everybody if m.year == 2026])]
    claims = [claim(m, "I2699", date(2025, 11, 5)) for m in ("stays", "joins")]
    results = [{"member_id": m, "observation_date": date(2025, 8, 1), "loinc": "10230-1", "value": "30", "unit": "%"}
               for m in ("stays", "joins")]  # fmt: skip
    fills = [{"member_id": m, "fill_date": date(2025, 6, 1), "drug_name": "lisinopril"} for m in ("stays", "joins")]
    told = found(
        [person("stays"), person("joins")], claims, enrolled, date(2025, 12, 31), observations=results, pharmacy=fills
    )
    assert statuses(told, "HF-1") == {"stays": ("open", ""), "joins": ("open", "")}
    assert statuses(told, "OIG-3")["stays"][0] == "open"
    assert statuses(told, "OIG-3")["joins"][0] == "indeterminate"
