"""Every flag that a record can bear is foreseen before any record is read."""

from datetime import date

import polars as pl

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
