"""What unsupported rows question and are worth: several targets of a rule, single claims, what a finding credits.

Scores by hand: V28 PY2026, CNA, a woman of 75 (0.465 alone); HCC 48 and 23 0.186, HCC 226 0.360, HCC 37 = 38 0.166;
divided by 1.067, times 0.941, three decimals each: 0.410, 0.574, 0.727, 0.556 (SPEC 2, appendix B).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

import hcc
from hcc.gaps import find_gap_candidates
from hcc.rules.gap_rules import load_gap_rules
from tests.gaps.build import Person, candidates, context, gaps, only

pytestmark = pytest.mark.filterwarnings("ignore")
ALONE = Decimal("0.410")
OBESE = CANCER = Decimal("0.574") - ALONE
FAILING = Decimal("0.727") - ALONE


def found(
    *claims: tuple[str, str, str], results: pl.DataFrame | None = None, findings: list[tuple] | None = None,
    deletes: tuple[tuple[str, str, str], ...] = (), payment_year: int = 2026, submitted: dict[str, str] | None = None,
):  # fmt: skip
    """Gaps of one woman born in 1950. ``claims``: day, codes, claim type; ``findings``: day, code, claim, verdict;
    ``deletes``: claim, day, codes; ``submitted``: days of claims."""
    members = pl.DataFrame(
        {"member_id": ["a"], "birth_date": [date(1950, 3, 15)], "sex": ["F"], "monthly_benchmark": [1000.0]}
    )
    rows = [
        {
            "claim_id": f"c{number}", "member_id": "a", "claim_type": kind, "thru_date": date.fromisoformat(day),
            "hcpcs": None if kind == "inpatient" else "99213", "bill_type": "111" if kind == "inpatient" else None,
            "record_type": "encounter", "linked_claim_id": None,
            **{f"diagnosis_{place}": code for place, code in enumerate(codes.split(), 1)},
        }
        for number, (day, codes, kind) in enumerate(claims)
    ] + [
        {
            "claim_id": f"{claim}d", "member_id": "a", "claim_type": "professional",
            "thru_date": date.fromisoformat(day), "hcpcs": "99213", "bill_type": None,
            "record_type": "chart_review_delete", "linked_claim_id": claim, "diagnosis_1": codes,
        }
        for claim, day, codes in deletes
    ]  # fmt: skip
    frame = pl.DataFrame(rows, infer_schema_length=None)
    if submitted is not None:
        days = pl.col("claim_id").replace_strict(submitted, default=None, return_dtype=pl.String)
        frame = frame.with_columns(days.str.to_date().alias("submission_date"))
    charts = None
    if findings is not None:
        charts = pl.DataFrame(
            [
                {
                    "member_id": "a", "service_date": date.fromisoformat(day), "diagnosis_code": code,
                    "claim_id": claim, "verdict": verdict,
                }
                for day, code, claim, verdict in findings
            ]
        )  # fmt: skip
    run = hcc.score(members, frame, payment_year=payment_year)
    as_of = date(payment_year - 1, 12, 31)
    earlier = pl.DataFrame(
        {"claim_id": ["h"], "member_id": ["nobody"], "claim_type": ["professional"], "hcpcs": ["99213"],
         "thru_date": [date(payment_year - 3, 1, 1)], "diagnosis_1": ["I10"]}
    )  # fmt: skip
    return hcc.find_gaps(run, as_of=as_of, history=earlier, observations=results, chart_findings=charts)


def bmi(value: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"member_id": ["a"], "observation_date": [date(2025, 8, 1)], "loinc": ["39156-5"], "value": [value],
         "unit": ["kg/m2"]}
    )  # fmt: skip


def one(made, rule_id: str, hcc_number: str = "") -> dict:
    rows = only(made.gaps, rule_id)
    (row,) = [row for row in rows if not hcc_number or row["hcc"] == hcc_number]
    return row


def evidence(made, row: dict, stance: str) -> list[tuple]:
    frame = made.gap_evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("stance").cast(pl.String) == stance)
    return sorted(frame.filter(pl.col("kind").cast(pl.String) == "claim").select("claim_id", "code").unique().rows())


def change(made, direction: str = "unsupported") -> Decimal:
    rows = made.member_gaps.filter(pl.col("direction").cast(pl.String) == direction)
    return rows["score_change"].item()


@pytest.mark.parametrize(
    "claims",
    [
        [("2025-06-01", "E6601 Z6841", "professional")],
        [("2025-06-01", "E6601 Z6841", "professional"), ("2025-07-01", "E6601 Z6841", "professional")],
        [("2025-06-01", "E6601", "professional"), ("2025-07-01", "Z6841", "professional")],
    ],
)
def test_g9_obesity_and_its_bmi_code_are_one_question_worth_the_hcc(claims) -> None:
    """RULINGS 26 names both codes; without them the member scores as without obesity."""
    made = found(*claims, results=bmi("33"))
    row = one(made, "AUD-BMI")
    assert (row["candidate_diagnosis_codes"], row["status"]) == ("E6601,Z6841", "open")
    assert (row["score_change"], row["dollar_change"]) == (-OBESE, Decimal("-1968.00"))
    assert "E66.01" in row["reason"]
    assert "Z68.41" in row["reason"]
    assert "stands on" not in row["reason"]
    assert evidence(made, row, "against") == []
    assert {code for _, code in evidence(made, row, "for")} == {"E6601", "Z6841"}
    assert change(made) == -OBESE


def test_a_code_that_the_rule_does_not_question_is_not_taken_over() -> None:
    """37 with diabetes supports E66.01 and not Z68.41 (RULINGS 26)."""
    made = found(("2025-06-01", "E6601 Z6841 E119", "professional"), results=bmi("37"))
    row = one(made, "AUD-BMI")
    assert (row["candidate_diagnosis_codes"], row["score_change"]) == ("Z6841", Decimal(0))
    assert evidence(made, row, "against") == [(None, "E6601")]


@pytest.mark.parametrize(("other", "said"), [("E119", []), ("J069", ["no comorbidity of obesity in 2025"])])
def test_what_is_there_is_not_said_to_be_absent(other: str, said: list[str]) -> None:
    """33 contradicts E66.01 with a comorbidity (diabetes) and without."""
    person = Person().dx("E6601", "2025-06-01").dx(other, "2025-06-01").result("bmi", "2025-08-01", 33)
    made = candidates(person)
    (row,) = only(made.gaps, "AUD-BMI")
    absences = made.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("kind").cast(pl.String) == "absence")
    assert absences["description"].to_list() == said


def test_two_cancers_of_one_hcc_are_one_question_with_a_sentence_each() -> None:
    person = Person().dx("C50911", "2025-03-01", claim="x").dx("Z853", "2025-03-01", claim="x")
    person = person.dx("C61", "2025-06-01", claim="y").dx("Z8546", "2025-06-01", claim="y")
    (row,) = only(gaps(person), "AUD-HISTORY")
    assert (row["hcc"], row["candidate_diagnosis_codes"], row["falls"]) == ("23", "C50911,C61", True)
    assert (row["claims"], row["first"], row["last"]) == (2, date(2025, 3, 1), date(2025, 6, 1))
    assert row["last_evidence_date"] == date(2025, 6, 1)
    assert "Breast cancer (C50.911)" in row["reason"]
    assert "Prostate cancer (C61)" in row["reason"]
    assert row["reason"].count("Looked at up to") == 1
    shown = candidates(person).evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("stance") == "for")
    assert {"Z853", "Z8546"} <= set(shown["code"].drop_nulls())


def test_two_cancers_and_a_third_code_of_the_hcc_stand_once() -> None:
    person = Person().dx("C50911", "2025-03-01").dx("Z853", "2025-03-01").dx("C61", "2025-06-01")
    (row,) = only(gaps(person.dx("Z8546", "2025-06-01").dx("C73", "2025-04-01")), "AUD-HISTORY")
    assert (row["codes"], row["falls"]) == ("C50911,C61", False)
    assert row["reason"].count("stands on other diagnoses") == 1


TWO = """
[[rules]]
id = "MY-TWO"
version = "1"
direction = "unsupported"
title = "Two targets"
strength = "medium"
confidence = "C"
citation = "A test of targets"
basis = "test"
to_confirm = "The record."
may_be_false = "It is a test."
reason = "{codes} on {claims}."
targets = [
  { codes = ["C509"], strength = "low" },
  { codes = ["C61"], strength = "high", %s },
]
"""


def mine(tmp_path, text: str):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    rules = load_gap_rules(path)
    return replace(rules, enabled=tuple(rule for rule in rules.enabled if rule.id == "MY-TWO"))


def test_the_strongest_target_names_the_strength_and_one_sentence_names_all(tmp_path) -> None:
    rules = mine(tmp_path, TWO % 'coded = { claims = "any" }')
    person = Person().dx("C50911", "2025-03-01", claim="x").dx("C61", "2025-03-01", claim="x").dx("C61", "2025-05-01")
    (row,) = only(gaps(person, rules=rules), "MY-TWO")
    assert (row["strength"], row["codes"], row["reason"]) == ("high", "C50911,C61", "C50.911, C61 on 2 claims.")


def test_an_open_target_takes_nothing_over_from_one_that_cannot_be_judged(tmp_path) -> None:
    text = TWO % 'unless = "fill"' + (
        '[rules.terms.fill]\nkind = "fill"\nwords = "insulin fill"\nconcepts = ["insulin"]\nwindow = "data collection year"\n'
    )
    person = Person().dx("C50911", "2025-03-01").dx("C61", "2025-04-01")
    rules = mine(tmp_path, text)
    (row,) = only(gaps(person, rules=rules, tables=("claims", "history")), "MY-TWO")
    assert (row["status"], row["codes"], row["falls"]) == ("open", "C50911", False)
    (row,) = only(gaps(person, rules=rules), "MY-TWO")
    assert (row["status"], row["codes"], row["falls"]) == ("open", "C50911,C61", True)


def test_a_target_of_some_claims_beside_one_of_all_claims(tmp_path) -> None:
    """C61 is meant on professional claims only, C50 wherever it stands."""
    rules = mine(tmp_path, TWO % 'coded = { claim_types = ["professional"] }')
    both = Person().dx("C50911", "2025-03-01", "outpatient").dx("C61", "2025-03-01")
    (row,) = only(gaps(both, rules=rules), "MY-TWO")
    assert (row["codes"], row["claims"], row["falls"]) == ("C50911,C61", 2, True)
    (row,) = only(gaps(both.dx("C61", "2025-05-01", "outpatient"), rules=rules), "MY-TWO")
    assert (row["codes"], row["claims"], row["falls"]) == ("C50911,C61", 2, False)


@pytest.mark.parametrize(("payment_year", "lost"), [(2026, FAILING), (2025, Decimal("0.306"))])
def test_claims_that_two_rules_question_are_the_whole_hcc_together(payment_year: int, lost: Decimal) -> None:
    """One claim a reviewer did not find it in, one after a delete: each leaves the HCC, both together do not."""
    year = payment_year - 1
    days = (f"{year}-03-01", f"{year}-06-01", f"{year}-08-01")
    made = found(
        (days[0], "I509", "professional"), (days[1], "I509 I10", "professional"), (days[2], "I509", "professional"),
        deletes=(("c1", days[1], "I509"),), findings=[(days[0], "I509", "c0", "not_supported")],
        payment_year=payment_year,
    )  # fmt: skip
    rows = made.gaps.filter(pl.col("status").cast(pl.String) == "open")
    assert set(rows["rule_id"].cast(pl.String)) == {"AUD-CHART", "AUD-DUPREC"}
    assert rows["score_change"].unique().to_list() == [Decimal(0)]
    assert change(made) == -lost
    chart = rows.filter(pl.col("rule_id").cast(pl.String) == "AUD-CHART").row(0, named=True)
    assert evidence(made, chart, "for") == [("c0", "I509")]
    assert evidence(made, chart, "against") == [("c2", "I509")]


@pytest.mark.parametrize(("day", "asked"), [("2025-05-01", False), ("2025-12-01", True)])
def test_a_visit_submitted_before_the_delete_did_not_come_back(day: str, asked: bool) -> None:
    made = found(
        ("2025-03-20", "E119", "professional"), ("2025-04-20", "E119", "professional"),
        deletes=(("c0", "2025-03-20", "E119"),), submitted={"c0": "2025-04-01", "c1": day, "c0d": "2025-11-01"},
    )  # fmt: skip
    rows = made.gaps.filter(pl.col("rule_id").cast(pl.String) == "AUD-DUPREC").to_dicts()
    assert [evidence(made, row, "for") for row in rows] == [[("c1", "E119")]] * asked
    assert [evidence(made, row, "context") for row in rows] == [[("c0d", "E119")]] * asked


def test_the_claims_told_are_those_of_the_hccs_own_codes() -> None:
    """E11.9 on one claim, E11.22 of another HCC on three, and E11.9 on one that does not count."""
    person = Person().dx("E119", "2025-01-05", claim="a").dx("E119", "2025-02-05", claim="no", counted=False)
    for number, day in enumerate(("2025-03-01", "2025-04-01", "2025-05-01")):
        person.dx("E1122", day, claim=f"c{number}")
    person.dx("E1142", "2025-05-01", claim="c2")
    made = candidates(person)
    rows = {row["hcc"]: row for row in only(made.gaps, "AUD-MEDLESS")}
    assert {hcc: (row["claims"], str(row["first"]), str(row["last"])) for hcc, row in rows.items()} == {
        "38": (1, "2025-01-05", "2025-01-05"), "37": (3, "2025-03-01", "2025-05-01"),
    }  # fmt: skip
    assert "(E11.9) is coded on one claim in 2025" in rows["38"]["reason"]
    assert "(E11.22, E11.42) is coded on 3 claims in 2025" in rows["37"]["reason"]
    for number, claims in (("38", {"a"}), ("37", {"c0", "c1", "c2"})):
        listed = made.evidence.filter(pl.col("gap_id") == rows[number]["gap_id"], pl.col("stance") == "for")
        assert set(listed["claim_id"].drop_nulls()) == claims


def test_a_claim_that_nobody_questions_keeps_the_hcc() -> None:
    made = found(
        ("2025-03-01", "I509", "professional"), ("2025-06-01", "I509", "professional"),
        ("2025-05-01", "I509", "professional"), ("2025-08-01", "I509", "professional"),
        deletes=(("c1", "2025-06-01", "I509"),), findings=[("2025-03-01", "I509", "c0", "not_supported")],
    )  # fmt: skip
    assert change(made) == 0


def test_another_diagnosis_of_the_same_claim_keeps_the_hcc() -> None:
    """The reviewer asked about I50.9 alone; I50.22 of the same claim gives HCC 226 as well."""
    person = Person().dx("I509", "2025-03-01", claim="x").dx("I5022", "2025-03-01", claim="x")
    person = person.finding("I509", "2025-03-01", "not_supported", "x")
    (row,) = only(gaps(person, tables=("claims", "chart_findings")), "AUD-CHART")
    assert (row["hcc"], row["codes"], row["falls"]) == ("226", "I509", False)


def test_a21_what_the_record_supports_is_credited() -> None:
    """HCC 37 audited, the record supports 38 of the same coefficient: 37 is not validated, the change is 0."""
    made = found(
        ("2025-03-01", "E1122", "professional"), ("2025-04-01", "E1122", "professional"),
        findings=[
            ("2025-03-01", "E1122", "c0", "not_supported"), ("2025-04-01", "E1122", "c1", "not_supported"),
            ("2025-03-01", "E119", "c0", "found_not_coded"),
        ],
    )  # fmt: skip
    row = one(made, "AUD-CHART")
    assert (row["hcc"], row["status"], row["score_change"], row["raw_change"]) == ("37", "open", 0, 0)
    assert "found instead: E11.9 (HCC 38)" in row["reason"]
    assert "stands on" not in row["reason"]
    assert change(made) == 0
    findings = made.gap_evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("kind").cast(pl.String) == "finding")
    assert set(findings.select(pl.col("stance").cast(pl.String), "code").rows()) == {("for", "E1122"), ("against", "E119")}


def test_a21_a_credit_that_pays_less_is_worth_the_difference() -> None:
    """V28: HCC 327 (N18.4) 0.514, HCC 329 (N18.31) 0.127; the record supports stage 3a."""
    made = found(
        ("2025-03-01", "N184", "professional"),
        findings=[
            ("2025-03-01", "N184", "c0", "not_supported"), ("2025-03-01", "N1831", "c0", "found_not_coded"),
        ],
    )  # fmt: skip
    assert one(made, "AUD-CHART")["raw_change"] == Decimal("0.127") - Decimal("0.514")
    # The other questions about the claim do not rest on what the reviewer found: they show the HCC taken away.
    assert one(made, "AUD-SINGLE")["raw_change"] == -Decimal("0.514")


def test_a21_without_a_finding_the_whole_hcc_is_lost() -> None:
    made = found(
        ("2025-03-01", "E1122", "professional"), findings=[("2025-03-01", "E1122", "c0", "not_supported")]
    )  # fmt: skip
    assert one(made, "AUD-CHART")["score_change"] == Decimal("0.410") - Decimal("0.556")


def test_a5_the_inpatient_claim_is_not_in_question() -> None:
    """I21.4 in the office and a stay 96 days later: the sentence is about the office claim, the stay keeps the HCC."""
    made = found(("2025-03-01", "I214", "professional"), ("2025-06-05", "I214", "inpatient"))
    row = one(made, "OIG-2")
    assert (row["status"], row["score_change"]) == ("open", Decimal(0))
    assert "stands on other diagnoses or claims too" in row["reason"]
    assert evidence(made, row, "for") == [("c0", "I214")]
    assert evidence(made, row, "against") == [("c1", "I214")]


def test_a5_another_code_of_a_far_stay_is_not_in_question() -> None:
    person = Person().dx("I214", "2025-03-01").dx("I213", "2025-06-05", "inpatient")
    (row,) = only(gaps(person), "OIG-2")
    assert (row["codes"], row["falls"]) == ("I214", False)


def test_a1_the_office_claims_are_all_there_is() -> None:
    """No claim of another kind: what is in question is the whole HCC, and worth it."""
    person = Person().dx("I639", "2025-03-01").dx("I639", "2025-04-01")
    made = find_gap_candidates(context(person), load_gap_rules())
    (row,) = only(made.gaps, "OIG-1")
    assert row["falls"] is True
    against = made.evidence.filter(pl.col("gap_id") == row["gap_id"], pl.col("stance").cast(pl.String) == "against")
    assert against.is_empty()
