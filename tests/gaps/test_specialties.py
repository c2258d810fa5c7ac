"""AUD-SPEC and AUD-RAD: an HCC from claims of some specialties alone (SPEC 6.4, R-3.10, R-6.3); what is not judged."""

from __future__ import annotations

import polars as pl
import pytest

from hcc.pipeline.api import score
from hcc.pipeline_gaps import find_gaps
from hcc.rules.gap_rules import load_gap_rules, parse_rules
from tests.gaps.build import Person, gaps, only
from tests.gaps.planted import population


def open_rules(person: Person) -> set[str]:
    return set(gaps(person).filter(pl.col("status") == "open")["rule_id"].cast(pl.String))


@pytest.mark.parametrize("specialty", ["45", "47", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "69"])
def test_specialties_that_are_not_acceptable(specialty: str) -> None:
    """The ones that SPEC R-3.10 names without a doubt; 71 and 88 it leaves open."""
    assert "AUD-SPEC" in open_rules(Person().dx("E119", "2025-03-01", specialties=(specialty,)))


@pytest.mark.parametrize("specialty", ["01", "08", "50", "97", "71", "88", "30"])
def test_other_specialties_are_not_judged(specialty: str) -> None:
    assert "AUD-SPEC" not in open_rules(Person().dx("E119", "2025-03-01", specialties=(specialty,)))


@pytest.mark.parametrize(("specialty", "found"), [("30", True), ("45", True), ("63", True), ("94", False), ("92", False)])
def test_diagnostic_radiology_alone(specialty: str, found: bool) -> None:
    assert ("AUD-RAD" in open_rules(Person().dx("E119", "2025-03-01", specialties=(specialty,)))) is found


@pytest.mark.parametrize("others", [("60", "08"), ("60", None), ("08", "60")])
def test_a_claim_with_another_or_an_unknown_specialty_is_left_alone(others: tuple[str | None, ...]) -> None:
    assert "AUD-SPEC" not in open_rules(Person().dx("E119", "2025-03-01", specialties=others))


def test_a_second_claim_of_another_or_an_unknown_provider_answers_it() -> None:
    person = Person().dx("E119", "2025-03-01", specialties=("60",))
    assert "AUD-SPEC" in open_rules(person)
    assert "AUD-SPEC" not in open_rules(person.dx("E1165", "2025-05-01"))


def test_the_row_says_what_was_found() -> None:
    (row,) = only(gaps(Person().dx("E119", "2025-03-01", specialties=("59", "60"))), "AUD-SPEC")
    assert (row["hcc"], row["direction"], row["falls"]) == ("38", "unsupported", True)
    assert "(specialty 59, 60): E11.9 on one claim" in row["reason"]


def test_through_the_whole_run_and_what_it_cannot_judge_is_said() -> None:
    made = population(2026, noise=3)
    run = score(made.members, made.claims, payment_year=2026)
    found = find_gaps(run, as_of=made.calendar.as_of)
    for rule in ("AUD-SPEC", "AUD-RAD"):
        rows = found.gaps.filter(pl.col("rule_id").cast(pl.String) == rule)
        expected = made.expected.filter((pl.col("rule_id") == rule) & pl.col("flagged"))
        assert set(rows["member_id"]) == set(expected["member_id"])
        assert expected.height > 0
    (note,) = [note for note in found.found.notes if "AUD-CLEAN" in note]
    assert "not judged" in note
    # Claims without the column: nothing is said of anybody.
    bare = score(made.members, made.claims.drop("specialty"), payment_year=2026)
    rows = find_gaps(bare, as_of=made.calendar.as_of).gaps
    assert rows.filter(pl.col("rule_id").cast(pl.String).is_in(["AUD-SPEC", "AUD-RAD"])).is_empty()


def test_rules_that_nobody_can_judge_are_declared_with_the_reason() -> None:
    declared = {rule.id: rule for rule in load_gap_rules().not_judged}
    assert set(declared) == {"AUD-CLEAN"}
    assert "text of the record" in declared["AUD-CLEAN"].why
    assert not set(declared) & {rule.id for rule in load_gap_rules().rules}


def test_a_declaration_without_a_reason_is_a_fault() -> None:
    _, faults = parse_rules('[[not_judged]]\nid = "X-1"\ntitle = "Something"\n', "mine.toml")
    assert any("why" in fault for fault in faults)
