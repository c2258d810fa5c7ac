"""Sentences have to hold: what was looked for, up to when, and what is coded beside it (SPEC 5.1, 6.4; RULINGS 28)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from hcc.gaps import find_gap_candidates
from tests.gaps.build import Person, context, day, gaps, only, sets, shipped_rules


@pytest.mark.parametrize("name", ["albuterol", "levalbuterol"])
def test_a_short_acting_inhaler_is_an_inhaler(name: str) -> None:
    """SPEC 6.4: COPD without inhaler or spirometry."""
    person = Person().dx("J449", "2025-05-05").fill(name, "2025-03-03", flags="any")
    assert only(gaps(person), "AUD-MEDLESS") == []


def test_a_nebulised_drug_on_a_claim_is_treatment_of_copd() -> None:
    person = Person().dx("J449", "2025-05-05").did("inhalation_drug", "2025-03-03")
    assert only(gaps(person), "AUD-MEDLESS") == []


def test_short_acting_inhalers_are_no_sign_of_copd() -> None:
    """COPD-1 asks for two fills of a long-acting muscarinic inhaler."""
    person = Person().fill("albuterol", "2025-03-03", flags="any").fill("albuterol", "2025-06-03", flags="any")
    assert only(gaps(person), "COPD-1") == []


def test_heart_failure_without_what_the_rule_looks_for_is_told_so() -> None:
    """SPEC 6.4: HF without BNP, diuretic or echocardiogram. Apixaban is no drug for it, so it settles nothing; the
    reason names what was looked for and does not call it no drug for heart failure."""
    person = Person().dx("I5022", "2025-05-05").fill("apixaban", "2025-03-03")
    (row,) = only(gaps(person), "AUD-MEDLESS")
    assert row["status"] == "open"
    assert "no drug for heart failure" not in row["reason"]
    assert "diuretic" in row["reason"]


YEAR_RULES = [
    ("OIG-1", Person().dx("I639", "2025-02-01")),
    ("OIG-3", Person().dx("I2699", "2025-02-01")),
    ("AUD-MEDLESS", Person().dx("E119", "2025-01-05")),
    ("AUD-CKD", Person().dx("N184", "2025-01-05").egfr(70, "2025-01-06")),
]


@pytest.mark.parametrize(("rule", "person"), YEAR_RULES)
def test_a_rule_on_the_year_says_up_to_when_it_looked(rule: str, person: Person) -> None:
    """RULINGS 28: the look ends at as_of and the reason says so."""
    (early,) = only(gaps(person, as_of="2025-03-01"), rule)
    (late,) = only(gaps(person, as_of="2025-12-31"), rule)
    assert early["reason"].endswith("Looked at up to 2025-03-01; 2025 is not over.")
    assert "Looked at up to" not in late["reason"]


@pytest.mark.parametrize(("as_of", "over"), [("2025-04-29", False), ("2025-04-30", True)])
def test_the_time_after_a_diagnosis_is_over_when_its_days_are(as_of: str, over: bool) -> None:
    """OIG-2 looks 60 days ahead: from 2025-03-01 to 2025-04-30, both included."""
    (row,) = only(gaps(Person().dx("I214", "2025-03-01"), as_of=as_of), "OIG-2")
    assert ("the time after the diagnosis is not over" in row["reason"]) is not over


@pytest.mark.parametrize(
    ("person", "rule", "false"),
    [
        # J84.10 is pulmonary fibrosis (HCC 280), nintedanib speaks for the idiopathic one (HCC 278).
        (Person().fill("nintedanib", "2025-03-03").dx("J8410", "2025-02-01"), "CF/ILD", "no pulmonary fibrosis"),
        # F11.10 is a mild opioid use disorder (HCC 138), F10.10 a mild alcohol use disorder (no HCC).
        (Person().fill("buprenorphine", "2025-03-03").dx("F1110", "2025-02-01"), "SUD-1", "no opioid use disorder"),
        (Person().fill("acamprosate", "2025-03-03").dx("F1010", "2025-02-01"), "SUD-1", "no alcohol use disorder"),
        (Person().did("aud_oud_treatment", "2025-03-03").dx("F1110", "2025-02-01"), "SUD-1", "neither"),
        # I47.1 and I49.9 are arrhythmias without an HCC in V28; C44.91 is a cancer, of the skin.
        (Person().fill("amiodarone", "2025-03-03").fill("warfarin", "2025-03-03").dx("I499", "2025-02-01"), "AF-2",
         "no arrhythmia"),
        (Person().fill("warfarin", "2025-03-03").fill("warfarin", "2025-05-03").dx("I499", "2025-02-01"), "AF-1",
         "no arrhythmia"),
        (Person().fill("letrozole", "2025-03-03").dx("C4491", "2025-02-01"), "CA-2", "no cancer"),
        (Person().did("ostomy_supply", "2025-03-03").did("ostomy_supply", "2025-05-03").dx("Z930", "2025-02-01"), "OST-1",
         "no artificial opening"),
        # E11.A (type 2 diabetes in remission) and E09.9 (drug-induced) have no HCC in V28; so has F31.72 (full remission).
        (Person().fill("glipizide", "2025-03-03").dx("E11A", "2025-02-01"), "DM-2", "no diabetes is"),
        (Person().fill("lithium carbonate", "2025-03-03").fill("lithium carbonate", "2025-05-03").dx("F3172", "2025-02-01"), "BP-1",
         "no bipolar disorder is"),
    ],
)  # fmt: skip
def test_what_is_coded_beside_it_is_not_denied(person: Person, rule: str, false: str) -> None:
    (row,) = only(gaps(person), rule)
    assert row["status"] == "open"
    assert false not in row["reason"]
    assert "coded in 2025" in row["reason"] or "coded in the last year" in row["reason"]


def test_a_drug_known_by_its_class_alone_is_not_denied() -> None:
    person = Person().fill("metformin", "2025-03-03")
    (alone,) = only(gaps(person), "DM-2")
    assert "no other drug for diabetes" in alone["reason"]
    assert "class alone" not in alone["reason"]
    keys = sets().drug_keys.filter(pl.col("drug_class").cast(pl.String) == "glucose_lowering_non_insulin")
    person.fills.append({"fill_date": day("2025-04-04"), "drug": keys["drug"][0], "code": "00000000001"})
    (both,) = only(gaps(person), "DM-2")
    assert (both["status"], both["status_reason"]) == ("suppressed", "low_strength")
    assert "and one fill of one known by its class alone (last 2025-04-04)" in both["reason"]


def test_a_code_of_the_problem_list_under_one_that_counts() -> None:
    """E11.9 (HCC 38) on the list, E11.22 (HCC 37) on a claim: diabetes is in the score, and the remark does not deny it."""
    person = Person().problem("E119", "2025-02-01").dx("E1122", "2025-03-01")
    rows = only(gaps(person, tables=("claims", "history", "pharmacy", "observations", "problems")), "AUD-PROBLIST")
    assert all("not in the score" not in row["reason"] for row in rows)
    alone = Person().problem("E119", "2025-02-01")
    (row,) = only(gaps(alone, tables=("claims", "history", "pharmacy", "observations", "problems")), "AUD-PROBLIST")
    assert "E11.9" in row["reason"]


def test_a_history_code_does_not_silence_a_virus_that_is_there() -> None:
    """Z86.19 is the history of any infection; the latest RNA says whether the virus is there (SPEC HCV-1)."""
    person = Person().dx("Z8619", "2024-03-01").result("hcv_rna", "2025-06-01", 500_000, finding="positive")
    (row,) = only(gaps(person), "HCV-1")
    assert (row["hcc"], row["status"], row["strength"]) == ("65", "open", "medium")
    assert "2024-03-01" in row["reason"]


def test_treated_and_a_history_code_is_resolved() -> None:
    person = Person().fill("glecaprevir", "2025-01-01").dx("Z8619", "2025-08-01")
    assert only(gaps(person), "HCV-1") == []


def test_a_latest_rna_without_virus_is_resolved() -> None:
    person = Person().result("hcv_rna", "2025-01-01", 500_000, finding="positive")
    person.result("hcv_rna", "2025-08-01", finding="negative")
    assert only(gaps(person), "HCV-1") == []


def test_the_year_of_an_initial_run_is_not_called_by_its_last_half() -> None:
    """SPEC 1.2: an initial run collects July to June; a service of August 2024 is not one of 2025."""
    person = Person().dx("N184", "2025-03-01").egfr(70, "2025-03-05")
    initial = replace(context(person), year_start=date(2024, 7, 1), year_end=date(2025, 6, 30))
    frame = find_gap_candidates(initial, shipped_rules()).gaps
    (row,) = only(frame, "AUD-CKD")
    assert row["reason"].startswith("N18.4 (stage 4) is coded in the year to 2025-06-30; ")
    (row,) = only(frame, "AUD-SINGLE")
    assert "rests on one counted claim of the year to 2025-06-30: N18.4" in row["reason"]
