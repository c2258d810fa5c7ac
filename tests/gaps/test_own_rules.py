"""Rules of the user's own: what the grammar takes, the search has to look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import hcc
from hcc.errors import RulesError
from hcc.gaps.needs import needs
from hcc.rules.gap_rules import GapRules, load_gap_rules
from tests.gaps.build import Person, gaps, only, sets

WITHOUT = """
[[rules]]
id = "MY-ECHO"
version = "1"
direction = "unsupported"
title = "Heart failure without the service"
strength = "medium"
confidence = "C"
citation = "A test of codes"
unless = "service"
reason = "{codes} on {claims} without the service."
to_confirm = "The record."
may_be_false = "It is a test."
targets = [{ codes = ["I50"] }]
[rules.terms.service]
kind = "procedure"
words = "the service"
codes = ["93306", "99199"]
window = "data collection year"
"""


def mine(folder: Path) -> tuple[Path, GapRules]:
    path = folder / "mine.toml"
    path.write_text(WITHOUT)
    rules = load_gap_rules(path)
    return path, replace(rules, enabled=tuple(rule for rule in rules.enabled if rule.id == "MY-ECHO"))


@pytest.mark.parametrize(("code", "concept", "found"), [("93306", "echocardiography", False), ("99199", None, False),
                                                        ("93308", "echocardiography", True)])  # fmt: skip
def test_a_service_named_by_its_code_is_looked_for(tmp_path: Path, code: str, concept: str | None, found: bool) -> None:
    """Whether the code stands in a value set (93306) or in none (99199); another code of the same set is no proof."""
    person = Person().dx("I509", "2025-03-01")
    person.procedures.append(
        {"claim_id": "p", "date": person.diagnoses[0]["thru_date"], "concept": concept, "evidence": "support",
         "code": code, "place_of_service": "11", "rendering_npi": None}
    )  # fmt: skip
    _, rules = mine(tmp_path)
    assert bool(only(gaps(person, rules=rules), "MY-ECHO")) is found


def test_what_has_to_be_read_for_a_code(tmp_path: Path) -> None:
    wanted = needs(mine(tmp_path)[1], sets())
    assert wanted.procedure_codes == {"93306", "99199"}
    assert "echocardiography" in wanted.procedure_concepts


def test_a_listed_code_is_found_on_claims(tmp_path: Path) -> None:
    members = [{"member_id": name, "birth_date": "1950-01-01", "sex": "F"} for name in ("with", "without")]
    claims = [
        {"claim_id": f"{name}-1", "member_id": name, "claim_type": "professional", "thru_date": "2025-03-01",
         "hcpcs": hcpcs, "diagnosis_1": "I509"}
        for name, hcpcs in (("with", "93306"), ("without", "99213"))
    ]  # fmt: skip
    run = hcc.score(pl.DataFrame(members), pl.DataFrame(claims), payment_year=2026)
    found = hcc.find_gaps(run, as_of="2025-12-31", rules=mine(tmp_path)[0]).gaps
    assert [row["member_id"] for row in only(found, "MY-ECHO")] == ["without"]


def test_a_service_named_by_its_code_is_read_from_the_claims(tmp_path: Path) -> None:
    path, _ = mine(tmp_path)
    members = pl.DataFrame({"member_id": ["A", "B"], "birth_date": ["1950-01-01"] * 2, "sex": ["F", "F"]})
    visit = {"claim_type": "professional", "thru_date": "2025-03-01"}
    claims = pl.DataFrame(
        [
            {"claim_id": "1", "member_id": "A", "hcpcs": "99213", "diagnosis_1": "I509", **visit},
            {"claim_id": "2", "member_id": "A", "hcpcs": "99199", "diagnosis_1": None, **visit},
            {"claim_id": "3", "member_id": "B", "hcpcs": "99213", "diagnosis_1": "I509", **visit},
        ]
    )
    found = hcc.find_gaps(hcc.score(members, claims, payment_year=2026), rules=path)
    rows = found.gaps.filter(pl.col("rule_id").cast(pl.String) == "MY-ECHO")
    assert rows["member_id"].to_list() == ["B"]


def test_words_that_nothing_has_are_faults_of_a_rule_not_silence(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        WITHOUT.replace('unless = "service"', 'unless = "service or fills or results"')
        + """
[rules.terms.fills]
kind = "fill"
words = "metformin"
ingredients = ["metforminn"]
[rules.terms.results]
kind = "result"
words = "eGFR"
concepts = ["egfrr"]
value = "< 60"
unit = "mL/min/1.73m2"
"""
    )
    with pytest.raises(RulesError) as raised:
        load_gap_rules(path)
    assert "metforminn" in raised.value.message
    assert "egfrr" in raised.value.message


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ('codes = ["i10"]\nkind = "diagnosis"', "i10"),
        ('codes = ["E11.9"]\nkind = "diagnosis"', "E11.9"),
        ('codes = ["e119"]\nkind = "problem"', "e119"),
        ('codes = ["99213X"]\nkind = "procedure"', "99213X"),
    ],
)
def test_codes_are_written_as_the_data_are(tmp_path: Path, fault: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(WITHOUT.replace('kind = "procedure"', fault).replace('codes = ["93306", "99199"]\n', ""))
    with pytest.raises(RulesError, match=told):
        load_gap_rules(path)


def test_npis_have_ten_digits(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[settings]\nhra_vendor_npis = ["1234567890", "abc"]\n')
    with pytest.raises(RulesError, match="abc"):
        load_gap_rules(path)


OF_ESRD = """
[[rules]]
id = "MY-ESRD"
version = "1"
direction = "missing"
title = "Two fills of metformin by ESRD status"
strength = "medium"
confidence = "C"
citation = "A test of terms"
when = "drug and status"
reason = "{drug.count} of metformin | no diabetes is coded in {year}"
to_confirm = "The record."
may_be_false = "It is a test."
targets = [{ codes = ["E119"] }]
[rules.terms.drug]
kind = "fill"
words = "metformin"
concepts = ["biguanide"]
[rules.terms.status]
kind = "member"
words = "ESRD status"
esrd = [STATUSES]
"""


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ('"dialysis"', {"dialysis"}),
        ('"graft", "transplant_1"', {"graft", "transplant_1"}),
        ('"none"', {"none", "not told"}),
    ],
)
def test_a_rule_asks_for_the_members_esrd_status(tmp_path: Path, asked: str, found: set[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OF_ESRD.replace("STATUSES", asked))
    rules = load_gap_rules(path)
    mine = replace(rules, enabled=tuple(rule for rule in rules.enabled if rule.id == "MY-ESRD"))
    statuses = {
        "none": "none",
        "dialysis": "dialysis",
        "graft": "graft",
        "transplant_1": "transplant_1",
        "not told": None,
    }
    people = [Person(name, esrd=esrd).fill("metformin", "2025-03-01") for name, esrd in statuses.items()]
    assert {row["member_id"] for row in only(gaps(*people, rules=mine), "MY-ESRD")} == found


def test_the_esrd_status_comes_from_the_members_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OF_ESRD.replace("STATUSES", '"dialysis"'))
    members = [
        {"member_id": name, "birth_date": "1950-01-01", "sex": "F", "esrd_status": esrd}
        for name, esrd in (("a", "dialysis"), ("b", "none"), ("c", None))
    ]
    claims = [{"claim_id": "1", "member_id": "a", "claim_type": "professional", "thru_date": "2025-03-01",
               "hcpcs": "99213", "diagnosis_1": "I10"}]  # fmt: skip
    fills = pl.DataFrame(
        {"member_id": ["a", "b", "c"], "fill_date": ["2025-03-01"] * 3, "drug_name": ["metformin"] * 3}
    )
    run = hcc.score(pl.DataFrame(members), pl.DataFrame(claims), payment_year=2026)
    found = hcc.find_gaps(run, as_of="2025-12-31", rules=path, pharmacy=fills).gaps
    assert {row["member_id"] for row in only(found, "MY-ESRD")} == {"a"}


def test_the_esrd_status_of_the_months_counts_where_members_tell_none(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OF_ESRD.replace("STATUSES", '"dialysis", "transplant_2"'))
    names = ("dialysis", "transplant_2", "over", "silent")
    members = pl.DataFrame([{"member_id": name, "birth_date": "1950-01-01", "sex": "F"} for name in names])
    told = {"dialysis": ("none", "dialysis"), "transplant_2": ("dialysis", "transplant_2"), "over": ("dialysis", "graft"),
            "silent": (None, None)}  # fmt: skip
    months = [
        {"member_id": name, "month": f"2026-0{number}-01", "esrd_status": status,
         "graft_months": {"graft": 30, "transplant_2": 2}.get(status)}
        for name, statuses in told.items()
        for number, status in enumerate(statuses, 1)
    ]  # fmt: skip
    claims = [{"claim_id": "1", "member_id": "over", "claim_type": "professional", "thru_date": "2025-03-01",
               "hcpcs": "99213", "diagnosis_1": "I10"}]  # fmt: skip
    fills = pl.DataFrame({"member_id": list(names), "fill_date": ["2025-03-01"] * 4, "drug_name": ["metformin"] * 4})
    run = hcc.score(
        members, pl.DataFrame(claims), payment_year=2026, enrollment=pl.DataFrame(months, infer_schema_length=None)
    )
    found = hcc.find_gaps(run, as_of="2026-03-31", rules=path, pharmacy=fills).gaps
    assert {row["member_id"] for row in only(found, "MY-ESRD")} == {"dialysis", "transplant_2"}
