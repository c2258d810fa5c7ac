"""Who is known to CMS as ESRD, and what came before the eGFR (SPEC 5.4; RULINGS 24)."""

from __future__ import annotations

import pytest

from tests.gaps.build import Person, gaps, only

KNOWN = ("dialysis", "transplant_1", "transplant_2", "transplant_3", "graft")


def low(name: str = "m1", esrd: str | None = "none") -> Person:
    """v2 on 2025-01-10, v1 on 2025-06-10: stage 3b."""
    return Person(name, esrd=esrd).egfr(42, "2025-01-10").egfr(40, "2025-06-10")


def found(rule: str, *people: Person, **options: object) -> set[str]:
    rows = only(gaps(*people, **options), rule)  # type: ignore[arg-type]
    return {row["member_id"] for row in rows if row["status"] in ("open", "informational", "indeterminate")}


def everybody(build: object) -> list[Person]:
    return [build(name, esrd=name) for name in ("none", *KNOWN)]  # type: ignore[operator]


def test_ckd_1_not_in_a_member_whom_cms_knows_as_esrd() -> None:
    assert found("CKD-1", *everybody(low)) == {"none"}


def test_ckd_2_not_in_a_member_whom_cms_knows_as_esrd() -> None:
    def protein(name: str, esrd: str) -> Person:
        person = Person(name, esrd=esrd).egfr(70, "2025-06-10").dx("E119", "2025-03-01")
        return person.result("uacr", "2025-01-10", 40).result("uacr", "2025-06-10", 50)

    assert found("CKD-2", *everybody(protein)) == {"none"}


def test_hf_2_not_in_a_member_whom_cms_knows_as_esrd() -> None:
    def heart(name: str, esrd: str) -> Person:
        person = Person(name, esrd=esrd).fill("furosemide", "2025-01-01").fill("furosemide", "2025-02-01")
        return person.result("bnp", "2025-03-01", 400)

    assert found("HF-2", *everybody(heart)) == {"none"}


def test_dial_1_asks_nothing_of_a_status_that_cms_has() -> None:
    def washed(name: str, esrd: str) -> Person:
        return Person(name, esrd=esrd).did("dialysis", "2025-03-01").did("dialysis", "2025-08-01")

    assert found("DIAL-1", *everybody(washed)) == {"none"}


def test_tx_1_knows_the_organ_of_a_kidney_transplant_by_the_status() -> None:
    def drug(name: str, esrd: str) -> Person:
        person = Person(name, esrd=esrd).fill("tacrolimus", "2025-01-01", route="oral")
        return person.fill("tacrolimus", "2025-02-01", route="oral")

    assert found("TX-1", *everybody(drug)) == {"none", "dialysis"}
    # Another organ is a question all the same.
    both = drug("m1", "graft").dx("Z944", "2024-03-01")
    (row,) = only(gaps(both), "TX-1")
    assert (row["candidate_diagnosis_codes"], row["status"]) == ("Z944", "open")


@pytest.mark.parametrize(
    ("when", "asked"), [("2025-06-09", False), ("2025-06-10", False), ("2025-06-11", True), ("2016-01-01", False)]
)
@pytest.mark.parametrize("what", ["Z992", "Z940", "dialysis", "transplant_kidney"])
def test_ckd_1_dialysis_or_transplant_counts_until_the_later_egfr(what: str, when: str, asked: bool) -> None:
    person = low()
    person = person.dx(what, when) if what.startswith("Z") else person.did(what, when)
    assert bool(found("CKD-1", person)) is asked


def diabetic(person: Person) -> Person:
    return person.dx("E119", "2025-03-01")


@pytest.mark.parametrize("what", ["Z992", "Z940", "dialysis", "transplant_kidney"])
def test_dm_4_by_egfr_has_the_conditions_of_ckd_1(what: str) -> None:
    person = diabetic(low())
    assert found("DM-4", person) == {"m1"}
    person = person.dx(what, "2024-04-01") if what.startswith("Z") else person.did(what, "2024-04-01")
    assert found("DM-4", person) == set()
    assert found("DM-4", person.dx("N1832", "2025-05-01")) == {"m1"}  # coded kidney disease needs no eGFR


def test_dm_4_by_egfr_not_in_a_member_whom_cms_knows_as_esrd() -> None:
    assert found("DM-4", *(diabetic(low(name, esrd=name)) for name in ("none", *KNOWN))) == {"none"}


def test_dm_4_by_egfr_needs_one_below_60_in_the_year() -> None:
    before = diabetic(Person("before").egfr(42, "2024-01-10").egfr(40, "2024-06-10"))
    assert (found("CKD-1", before), found("DM-4", before)) == ({"before"}, set())
    across = diabetic(Person("across").egfr(42, "2024-10-10").egfr(40, "2025-02-10"))
    # Both results of CKD-1 lie after the year, an earlier one within it.
    later = diabetic(Person("later").egfr(45, "2025-08-01").egfr(42, "2026-01-10").egfr(40, "2026-06-10"))
    after = diabetic(Person("after").egfr(42, "2026-01-10").egfr(40, "2026-06-10"))
    # The only one of the year lies in a stay for acute injury.
    acute = diabetic(Person("acute").egfr(42, "2024-08-10").egfr(40, "2024-12-10").egfr(30, "2025-02-10"))
    acute.dx("N179", "2025-02-12", "inpatient")
    people = (across, later, after, acute)
    assert found("DM-4", *people, as_of="2026-06-30") == {"across", "later"}
    assert found("CKD-1", *people, as_of="2026-06-30") == {"across", "later", "after", "acute"}


@pytest.mark.parametrize(("code", "low"), [("N184", 59), ("N185", 15), ("N1832", 45)])
def test_a_bound_is_said_in_the_sentence(code: str, low: float) -> None:
    """'>59' is an ordinary way to report a normal result: neither 60 or more nor below 60, yet milder than stage 4."""
    person = Person().dx(code, "2025-03-01").result("egfr", "2025-02-10", low=low, comparator=">")
    (row,) = only(gaps(person), "AUD-CKD")
    assert f"the lowest eGFR of the year is above {low} (2025-02-10)" in row["reason"]
