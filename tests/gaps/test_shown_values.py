"""The numbers of a reason: each beside its own day, as the laboratory wrote it, and never one that nobody measured."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from hcc.gaps.shown import number
from tests.gaps.build import Person, candidates, day, only


def bounded(person: Person, concept: str, when: str, comparator: str, number: float, use: str = "include") -> Person:
    """A result such as '<15': compared as 14.9, one decimal further than written."""
    below = comparator == "<"
    person.result(concept, when, low=None if below else number + 0.1, high=number - 0.1 if below else None, use=use)
    person.results[-1] |= {"value": number, "comparator": comparator}
    return person


def test_numbers_read_as_they_were_measured() -> None:
    """Every value of two decimals below 1,000: no 8.700000000000001."""
    hundredths = range(100_000)
    written = [str(Decimal(n) / 100) for n in hundredths]
    frame = pl.DataFrame({"value": [n / 100 for n in hundredths]})
    assert frame.select(number(pl.col("value"))).to_series().to_list() == written
    assert frame.lazy().select(number(pl.col("value"))).collect().to_series().to_list() == written
    assert frame.slice(37, 101).select(number(pl.col("value"))).to_series().to_list() == written[37:138]


def reasons(person: Person, rule: str) -> list[str]:
    return [row["reason"] for row in only(candidates(person).gaps, rule)]


def loop(person: Person) -> Person:
    return person.fill("furosemide", "2025-01-01").fill("furosemide", "2025-03-01")


@pytest.mark.parametrize(
    ("person", "rule", "told"),
    [
        (Person().result("lvef", "2025-01-10", 25).result("lvef", "2025-06-10", 38), "HF-1", "25 % (2025-01-10)"),
        (loop(Person()).result("bnp", "2025-02-01", 900).result("bnp", "2025-09-01", 150), "HF-2", "BNP 900 (2025-02-01)"),
        (loop(Person()).result("ntprobnp", "2025-02-01", 9000).result("ntprobnp", "2025-09-01", 2000), "HF-2",
         "NT-proBNP 9000 (2025-02-01)"),
        (Person().result("fev1_fvc", "2025-01-01", 55).result("fev1_fvc", "2025-08-01", 68), "COPD-2", "55 % (2025-01-01)"),
        (Person().did("home_oxygen", "2025-01-01").did("home_oxygen", "2025-03-01")
         .result("spo2", "2025-01-05", 80).result("spo2", "2025-07-05", 88), "RF-1", "saturation 80 % (2025-01-05)"),
        (Person().fill("methotrexate", "2025-02-01", route="oral")
         .result("rf", "2025-01-05", 200).result("rf", "2025-07-05", 25), "RA-1", "rheumatoid factor 200 (2025-01-05)"),
    ],
)  # fmt: skip
def test_the_highest_or_lowest_value_stands_beside_its_own_day(person: Person, rule: str, told: str) -> None:
    """The later result is milder; its day is not the day of the worse one."""
    (reason,) = reasons(person, rule)
    assert told in reason


@pytest.mark.parametrize(
    ("person", "rule", "told"),
    [
        (bounded(loop(Person()), "bnp", "2025-02-01", ">", 5000), "HF-2", "BNP above 5000 (2025-02-01)"),
        (bounded(bounded(Person(), "egfr", "2025-02-01", "<", 15), "egfr", "2025-06-01", "<", 15), "CKD-1",
         "below 15 on 2025-02-01 and below 15 on 2025-06-01"),
        (bounded(Person(), "lvef", "2025-02-01", "<", 35), "HF-1", "below 35 % (2025-02-01)"),
        (Person().result("lvef", "2025-02-01", low=30, high=35, comparator="range"), "HF-1", "up to 35 % (2025-02-01)"),
        (bounded(Person().dx("N184", "2025-03-01"), "egfr", "2025-06-01", ">", 60), "AUD-CKD",
         "the lowest eGFR of the year is above 60 (2025-06-01)"),
        (bounded(Person(), "hba1c", "2025-02-01", ">", 14).result("hba1c", "2025-06-01", 7), "DM-1",
         "highest above 14, last 7 on 2025-06-01"),
    ],
)  # fmt: skip
def test_a_result_beyond_a_limit_is_told_as_written(person: Person, rule: str, told: str) -> None:
    """'>5000' is compared as 5000.1, which nobody measured."""
    (reason,) = reasons(person, rule)
    assert told in reason


def test_the_evidence_shows_limits_and_ranges_as_sent() -> None:
    person = bounded(Person(), "lvef", "2025-02-01", "<", 35)
    person.result("lvef", "2025-05-01", low=30, high=35, comparator="range")
    found = candidates(person).evidence.filter(pl.col("description").str.contains("ejection")).sort("evidence_date")
    assert found["value"].to_list() == ["<35 %", "30 to 35 %"]


@pytest.mark.parametrize(
    ("value", "rule", "told"), [(39.9958, "AUD-BMI", "is 39.99 (2025-06-01), below 40."), (40.004, "OB-1", "is 40 (2025-06-01)")]
)
def test_a_value_just_under_a_limit_does_not_read_as_the_limit(value: float, rule: str, told: str) -> None:
    person = Person().result("bmi", "2025-06-01", value)
    if rule == "AUD-BMI":
        person.dx("E66813", "2025-03-01")
    (reason,) = reasons(person, rule)
    assert told in reason


def test_a_lower_egfr_of_the_year_is_not_kept_back() -> None:
    """RULINGS 25: two values of 60 or more, 90 days apart, question stage 4, whatever else was measured."""
    person = Person().dx("N184", "2025-03-01").egfr(70, "2025-02-01").egfr(65, "2025-06-01").egfr(25, "2025-09-01")
    assert reasons(person, "AUD-CKD") == [
        "N18.4 (stage 4) is coded in 2025; the lowest eGFR of the year is 25 (2025-09-01); "
        "2 results of eGFR of 60 or more, 120 days apart."
    ]


def test_unspecified_stage_3_is_not_called_3a() -> None:
    (reason,) = reasons(Person().dx("N1830", "2025-03-01").egfr(65, "2025-06-01"), "AUD-CKD")
    assert reason == "N18.30 (stage 3, except 3b) is coded in 2025; the lowest eGFR of the year is 65 (2025-06-01)."


def test_a_second_finding_follows_a_comma() -> None:
    person = Person().result("hiv_rna", "2025-01-05", 5000, finding="positive")
    assert "HIV was found: RNA detected (2025-01-05), RNA 5000 copies/mL (2025-01-05);" in reasons(person, "HIV-1")[0]


@pytest.mark.parametrize(
    ("code", "rule", "named"),
    [
        ("I420", "AUD-MEDLESS", "Heart failure or disease of the heart muscle (I42.0)"),
        ("F250", "AUD-MEDLESS", "Schizophrenia or schizoaffective disorder (F25.0)"),
        ("Z21", "AUD-MEDLESS", "HIV infection (Z21)"),
        ("R571", "OIG-11", "Sepsis, shock or systemic inflammatory response (R57.1)"),
    ],
)
def test_the_name_of_a_condition_holds_for_every_code_of_its_set(code: str, rule: str, named: str) -> None:
    """I42.0 is a cardiomyopathy, F25.0 schizoaffective, Z21 without disease, R57.1 a hypovolaemic shock."""
    (reason,) = reasons(Person().dx(code, "2025-03-01"), rule)
    assert reason.startswith(named)


@pytest.mark.parametrize("words", [("positive", "negative"), ("negative", "positive")])
def test_of_two_findings_of_one_day_the_positive_one_is_taken_in_any_order(words: tuple[str, str]) -> None:
    """As of two numbers of one day the higher one is (RULINGS 24)."""
    person = Person()
    for word in words:
        person.result("hcv_rna", "2025-03-01", finding=word)
    assert [row["status"] for row in only(candidates(person).gaps, "HCV-1")] == ["open"]


@pytest.mark.parametrize("turned", [False, True])
def test_equal_values_of_one_day_are_told_alike_in_any_order(turned: bool) -> None:
    person = bounded(Person(), "egfr", "2025-02-01", "<", 15).egfr(14.9, "2025-02-01").egfr(10, "2025-06-01")
    if turned:
        person.results = [person.results[1], person.results[0], person.results[2]]
    assert "14.9 on 2025-02-01" not in reasons(person, "CKD-1")[0]


def results_shown(person: Person, rule: str) -> list[tuple]:
    found = candidates(person)
    (row,) = only(found.gaps, rule)
    mine = found.evidence.filter(pl.col("gap_id") == row["gap_id"]).cast({"stance": pl.String, "kind": pl.String})
    return mine.filter(kind="result").select("stance", "evidence_date", "code", "value").rows()


def test_a_result_that_is_raised_for_younger_people_alone_is_not_told() -> None:
    """NT-proBNP of 500 is raised below 50 years, not at 85 (from 1800); what makes the suspicion there is the BNP."""
    person = loop(Person(birth="1940-01-01")).result("ntprobnp", "2025-02-01", 500).result("bnp", "2025-02-02", 300)
    (reason,) = reasons(person, "HF-2")
    assert "BNP 300 (2025-02-02)" in reason
    assert "NT-proBNP" not in reason
    assert results_shown(person, "HF-2") == [("for", day("2025-02-02"), "0-0", "300 pg/mL")]


@pytest.mark.parametrize(("birth", "value"), [("1940-01-01", 2000), ("1955-01-01", 2000), ("1980-01-01", 2000)])
def test_a_result_is_evidence_once_whatever_the_number_of_limits_it_passes(birth: str, value: float) -> None:
    person = loop(Person(birth=birth)).result("ntprobnp", "2025-02-01", value)
    (reason,) = reasons(person, "HF-2")
    assert reason.count("NT-proBNP 2000 (2025-02-01)") == 1
    assert results_shown(person, "HF-2") == [("for", day("2025-02-01"), "0-0", "2000 pg/mL")]


def test_a_way_that_a_condition_shuts_gives_no_evidence() -> None:
    """Natalizumab is for Crohn's disease too; what the suspicion rests on is the other drug."""
    person = Person().dx("K5090", "2025-01-01").fill("natalizumab", "2025-02-01", flags="any")
    person.fill("ocrelizumab", "2025-03-01", flags="any")
    found = candidates(person)
    (row,) = only(found.gaps, "MS-1")
    assert "natalizumab" not in row["reason"]
    fills = found.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("kind").cast(pl.String) == "fill")
    assert fills["evidence_date"].to_list() == [day("2025-03-01")]
    assert row["last_evidence_date"] == day("2025-03-01")


@pytest.mark.parametrize(
    ("person", "rule"),
    [
        (Person().egfr(42, "2025-01-05").egfr(40, "2025-06-05"), "CKD-1"),
        (Person().dx("E6601", "2025-03-01").result("bmi", "2025-06-01", 31), "AUD-BMI"),
        (Person().dx("N184", "2025-03-01").egfr(70, "2025-06-01"), "AUD-CKD"),
    ],
)
def test_a_chosen_value_has_its_code(person: Person, rule: str) -> None:
    shown = results_shown(person, rule)
    assert shown
    assert {code for _, _, code, _ in shown} == {"0-0"}


def test_one_day_is_no_span() -> None:
    one = Person().did("chemo_drug", "2025-11-01")
    assert reasons(one, "CA-1")[0].startswith("One service with a cancer drug (2025-11-01); no cancer is on any claim")
    two = one.did("chemo_drug", "2025-12-01")
    assert "(2025-11-01 to 2025-12-01)" in reasons(two, "CA-1")[0]


def test_results_alone_are_not_called_a_disease() -> None:
    person = Person().dx("E119", "2025-02-01").dx("E119", "2025-08-01").egfr(50, "2025-01-05").egfr(48, "2025-06-05")
    (reason,) = reasons(person, "DM-4")
    assert "chronic kidney disease" not in reason.partition(";")[0]
    assert "two eGFR results below 60, 151 days apart (last 48 on 2025-06-05)" in reason
    (coded,) = reasons(person.dx("N189", "2025-07-01"), "DM-4")
    assert "and chronic kidney disease (coded on 2025-07-01) and two eGFR results below 60" in coded
