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


def flags_of(*lines: dict[str, object]) -> list[tuple[str, str]]:
    """Reason and flags of claim c's diagnosis; each of ``lines`` is one line of it."""
    members = pl.DataFrame({"member_id": ["A"], "birth_date": [date(1950, 1, 1)], "sex": ["F"]})
    usual = {"claim_id": "c", "member_id": "A", "thru_date": date(2025, 5, 5), "hcpcs": "99213", "diagnosis_1": "E1122"}
    frame = pl.DataFrame([{**usual, "line_number": at, **line} for at, line in enumerate(lines, 1)])
    found = hcc.score(members, frame, payment_year=2026).diagnoses
    return found.select(pl.col("reason").cast(pl.String), pl.col("flags").cast(pl.String).fill_null("")).rows()


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ({"frequency_code": "9"}, "FREQUENCY_ODD"),
        ({"frequency_code": "1"}, ""),
        ({"frequency_code": "0"}, ""),
        ({"claim_type": "outpatient", "bill_type": "133"}, "FREQUENCY_ODD"),  # an interim bill
        ({"claim_type": "outpatient", "bill_type": "131"}, ""),
        ({"claim_type": "outpatient", "bill_type": "13"}, ""),  # it says nothing of the frequency
        ({"claim_type": "outpatient"}, "NO_BILL_TYPE"),
        ({"claim_type": "inpatient", "bill_type": None}, "NO_BILL_TYPE"),
        ({"claim_type": "professional", "bill_type": None}, ""),
        ({"hcpcs": "G2010"}, "WEAK_FACE_TO_FACE"),
    ],
)
def test_what_is_taken_as_given_is_flagged(line: dict[str, object], flag: str) -> None:
    """RULINGS 10 (frequency), SPEC R-3.3 (type of bill), R-3.21 (virtual check-ins): each of them counts."""
    assert flags_of(line) == [("COUNTED", flag)]


@pytest.mark.parametrize("day", [date(2025, 5, 4), date(2025, 5, 6)])
@pytest.mark.parametrize("visit", ["99213", "80053"])
def test_a_visit_on_the_claim_makes_the_check_in_no_weaker(day: date, visit: str) -> None:
    """99213 is a visit, before or after; 80053 is on no list, so the check-in is all there is."""
    found = flags_of({"hcpcs": "G2010"}, {"hcpcs": visit, "thru_date": day})
    assert found == [("COUNTED", "" if visit == "99213" else "WEAK_FACE_TO_FACE")]
