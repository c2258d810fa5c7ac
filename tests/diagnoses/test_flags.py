"""Every flag that a record can bear is foreseen before any record is read."""

from datetime import date

import polars as pl
import pytest

import hcc
from hcc.diagnoses import FLAGS, ChainRules, DecisionRules, LineRules
from hcc.diagnoses.reasons import possible_flags

WINDOW = (date(2030, 1, 1), date(2030, 12, 31))
LINES = LineRules(WINDOW, [(2030, pl.Series(["99213"]))], {}, (), ())


def _names(columns: list[str], listed: frozenset[int]) -> set[str]:
    sets = possible_flags(columns, DecisionRules(LINES, ChainRules(WINDOW[1]), listed_years=listed), replaced=False)
    assert sets is not None
    return {name for i, name in enumerate(FLAGS) if any(one >> i & 1 for one in sets.tolist())}


def test_another_years_list_shows_on_lines_without_a_procedure_too() -> None:
    assert _names(["claim_id", "thru_date"], frozenset()) == {"LIST_OF_ANOTHER_YEAR"}
    assert _names(["claim_id", "thru_date"], frozenset({2030})) == set()


def test_too_many_to_foresee() -> None:
    columns = ["hcpcs", "risk_adjustment_flag", "claim_status", "source", "record_type", "frequency_code"]
    assert possible_flags(columns, DecisionRules(LINES, ChainRules(WINDOW[1])), replaced=True) is None


@pytest.mark.parametrize(
    ("year", "claim", "reason"),
    [
        # CMS's verdict outranks the filter, not the deadline of the run nor the rule on unlinked reviews (RULINGS 9)
        (2026, {"submission_date": date(2027, 3, 1)}, "RECORD_INELIGIBLE(D)"),
        (2027, {"record_type": "chart_review"}, "UNLINKED_CRR"),
        (2026, {"hcpcs": "80053"}, "COUNTED"),
    ],
)
@pytest.mark.parametrize("verdict", ["allowed", "disallowed"])
def test_where_cms_and_the_rules_here_disagree_the_flag_says_so(
    year: int, claim: dict[str, object], reason: str, verdict: str
) -> None:
    members = pl.DataFrame({"member_id": ["A"], "birth_date": [date(1950, 1, 1)], "sex": ["F"]})
    line = {"claim_id": "c", "member_id": "A", "thru_date": date(year - 1, 5, 5), "hcpcs": "99213"}
    lines = pl.DataFrame([{**line, **claim, "risk_adjustment_flag": verdict, "diagnosis_1": "E1122"}])
    (found,) = hcc.score(members, lines, payment_year=year).diagnoses.select(
        pl.col("reason", "flags").cast(pl.String)
    ).to_dicts()  # fmt: skip
    if verdict == "allowed":
        assert found["reason"] == reason
    assert ("FILTER_DISAGREES" in found["flags"]) == (verdict == "allowed")
