"""Claim numbers that members or versions of a claim share: who withdraws what (SPEC R-3.12 to R-3.14, RULINGS 9, 10)."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import hcc

MEMBERS = pl.DataFrame(
    {"member_id": ["P1", "P2"], "birth_date": [date(1953, 6, 15)] * 2, "sex": ["M", "M"]}
)  # fmt: skip
Row = dict[str, Any]
IN_TIME, LATE = date(2025, 6, 10), date(2027, 3, 1)  # the last day for 2026 is 2027-02-01


def row(claim_id: str, codes: str, member_id: str = "P1", **columns: Any) -> Row:
    return {"claim_id": claim_id, "member_id": member_id, "codes": codes.split(), "hcpcs": "99213",
            "thru_date": date(2025, 6, 1), **columns}  # fmt: skip


def counted(rows: list[Row], apart: bool = False, told: bool = True) -> set[tuple[str, str, str]]:
    """member, claim and code of what counts; ``apart``: the diagnoses are a table of their own."""
    names = list(dict.fromkeys(name for one in rows for name in one if name != "codes"))
    lines = pl.DataFrame([{name: one.get(name) for name in names} for one in rows], infer_schema_length=None)
    if apart:
        long = [(one["claim_id"], one["member_id"], code) for one in rows for code in one["codes"]]
        table = pl.DataFrame(long, schema=["claim_id", "member_id", "diagnosis_code"], orient="row")
        run = hcc.score(MEMBERS, lines, claim_diagnoses=table if told else table.drop("member_id"), payment_year=2026)
    else:
        run = hcc.score(
            MEMBERS, lines.with_columns(pl.Series("diagnosis_codes", [one["codes"] for one in rows])), payment_year=2026
        )
    return set(run.diagnoses.filter("counted").select("member_id", "claim_id", "diagnosis_code").iter_rows())


@pytest.mark.parametrize("apart", [False, True])
def test_a_delete_takes_its_own_codes_only(apart: bool) -> None:
    rows = [
        row("X1", "E119 I509"),
        row("R1", "E119", record_type="chart_review_delete", linked_claim_id="X1"),
        row("R1", "I509", member_id="P2"),
    ]
    assert counted(rows, apart) == {("P1", "X1", "I509"), ("P2", "R1", "I509")}


def test_a_delete_that_is_replaced_under_its_own_number() -> None:
    delete = {"record_type": "chart_review_delete", "linked_claim_id": "X1"}
    rows = [
        row("X1", "E119 I509", frequency_code="1", submission_date=IN_TIME),
        row("R1", "E119", frequency_code="1", submission_date=date(2025, 7, 1), **delete),
        row("R1", "I509", frequency_code="7", submission_date=date(2025, 8, 1), **delete),
    ]
    assert counted(rows) == {("P1", "X1", "E119")}


@pytest.mark.parametrize("apart", [False, True])
def test_a_late_replacement_keeps_what_it_holds_itself(apart: bool) -> None:
    late = {"frequency_code": "7", "original_claim_id": "X2", "submission_date": LATE}
    same = {"frequency_code": "7", "submission_date": LATE}
    rows = [
        row("X2", "E119 I509", submission_date=IN_TIME),
        row("L2", "J449 I509", **late),
        row("L2", "E119", member_id="P2", **same),
    ]
    assert counted(rows, apart) == {("P1", "X2", "I509")}


def test_diagnoses_that_do_not_say_whose_they_are_are_everybodys() -> None:
    """L2 of P1 then holds E119 too, for all that the tables say."""
    late = {"frequency_code": "7", "original_claim_id": "X2", "submission_date": LATE}
    rows = [row("X2", "E119 I509"), row("L2", "J449", **late), row("L2", "E119", member_id="P2")]
    assert counted(rows, apart=True, told=False) == {("P1", "X2", "E119"), ("P2", "L2", "E119"), ("P2", "L2", "J449")}


UNDATED = [
    # frequency, day and codes of each version of X1; what counts
    ([("1", IN_TIME, "E119"), ("8", None, "E119")], ""),
    ([("1", IN_TIME, "E119"), ("7", None, "I509")], "I509"),
    ([("1", None, "E119"), ("7", None, "I509")], "I509"),
    ([("1", None, "E119"), ("7", IN_TIME, "I509")], "I509"),
    # of two replacements one stands, the one that has a day
    ([("1", IN_TIME, "E119"), ("7", None, "I509"), ("7", date(2025, 8, 1), "J449")], "J449"),
    ([("1", IN_TIME, "E119"), ("7", date(2025, 8, 1), "J449"), ("8", None, "E119")], ""),
    # what is sent again after a void counts: both have a day
    ([("1", IN_TIME, "E119"), ("8", date(2025, 8, 1), "E119"), ("1", date(2025, 9, 1), "I509")], "I509"),
]


@pytest.mark.parametrize(("versions", "codes"), UNDATED)
def test_a_change_without_a_day_is_in_time(versions: list[tuple[str, date | None, str]], codes: str) -> None:
    rows = [row("X1", text, frequency_code=frequency, submission_date=day) for frequency, day, text in versions]
    for given in (rows, rows[::-1]):
        assert {code for _, _, code in counted(given)} == set(codes.split())


@pytest.mark.parametrize(
    "others", [[], [row("L2", "Z000", frequency_code="7", original_claim_id="X1", member_id="P2")]]
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_claim_that_is_sent_again_late_stays_in_time(order: int, others: list[Row]) -> None:
    """The second submission is too late and a duplicate (SPEC R-3.17); what it has more does not count. Whether another
    member's replacement names that number is nothing to it."""
    twice = [row("X1", "E119", submission_date=IN_TIME), row("X1", "E119 I509", submission_date=LATE)]
    assert counted([*twice[::order], *others]) == {("P1", "X1", "E119")}


@pytest.mark.parametrize("order", [1, -1])
def test_what_lines_of_a_record_say_differently_their_last_day_says(order: int) -> None:
    days = {"X": date(2025, 6, 1), "Y": date(2025, 6, 2)}
    lines = [row("R", "J449", frequency_code="7", original_claim_id=name, thru_date=day) for name, day in days.items()]
    rows = [row("X", "E119"), row("Y", "I509"), *lines]
    assert counted(rows[::order]) == {("P1", "R", "J449"), ("P1", "X", "E119")}


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("record_type", [None, "encounter", "chart_review"])
def test_what_kind_of_record_another_member_has_under_a_number_is_nothing_to_it(
    apart: bool, record_type: str | None
) -> None:
    """Two lines of one claim that came on two days are one record, whoever else has a record of that number."""
    mine = [
        row("X", "E1122", submission_date=date(2026, 1, 6)),
        row("X", "I5084", submission_date=date(2025, 6, 1)) | {"hcpcs": "83036"},
    ]
    theirs = [] if record_type is None else [row("X", "J449", member_id="P2", record_type=record_type)]
    found = counted([*mine, *theirs], apart)
    assert {one for one in found if one[0] == "P1"} == {("P1", "X", "E1122"), ("P1", "X", "I5084")}


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("about", [{"record_type": "chart_review"}, {"record_type": "chart_review_delete"}])
def test_a_review_of_a_claim_does_not_take_it_to_pieces(apart: bool, about: dict[str, str]) -> None:
    """The two lines of the claim stay one record, and only what a delete names goes."""
    mine = [
        row("X", "E1122", submission_date=date(2026, 1, 6)),
        row("X", "I5084", submission_date=date(2025, 6, 1)) | {"hcpcs": "83036"},
    ]
    review = row("R", "J449", linked_claim_id="X", submission_date=date(2026, 1, 7), **about)
    expected = {("P1", "X", "E1122"), ("P1", "X", "I5084")}
    if about["record_type"] == "chart_review":
        expected.add(("P1", "R", "J449"))
    assert counted([*mine, review], apart) == expected


def test_what_is_sent_again_after_a_void_stands_alone() -> None:
    """The visit was voided; the laboratory line that came later is no visit."""
    rows = [
        row("X", "E1122", submission_date=date(2025, 6, 1)),
        row("X", "E1122", frequency_code="8", submission_date=date(2025, 7, 1)),
        row("X", "I5084", submission_date=date(2025, 8, 1)) | {"hcpcs": "83036"},
    ]
    assert counted(rows) == set()


REFUSED = [{"accepted": False}, {"claim_status": "denied_administrative"}]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("others", [[], [{"record_type": "chart_review", "linked_claim_id": "A"}]])
def test_what_was_refused_does_not_count_by_being_sent_again(
    apart: bool, refused: dict[str, Any], others: list[dict[str, Any]]
) -> None:
    """CMS accepted the second submission, which no longer holds the cancer (SPEC R-3.1, R-3.16)."""
    good: Row = {name: True if name == "accepted" else "paid" for name in refused}
    rows = [
        row("A", "E119 C61", submission_date=date(2025, 6, 10), frequency_code="1", **refused),
        row("A", "E119", submission_date=date(2025, 8, 1), frequency_code="1", **good),
        *(row("R", "J449", submission_date=date(2025, 9, 1), frequency_code="1", **good, **other) for other in others),
    ]
    if apart:  # a table of claim_ids cannot tell which submission a diagnosis is of
        rows[0]["codes"] = ["E119"]
    assert {one for one in counted(rows, apart) if one[1] == "A"} == {("P1", "A", "E119")}


@pytest.mark.parametrize("last", ["8", "7"])
def test_what_comes_late_goes_down_the_whole_chain(last: str) -> None:
    """A late replacement takes only what it lacks; what later voids or replaces it speaks for the whole chain (SPEC R-1.3,
    R-3.12)."""
    late = [
        row("B", "E119", frequency_code="7", original_claim_id="A", submission_date=LATE),
        row("C", "" if last == "8" else "J449", frequency_code=last, original_claim_id="B", submission_date=date(2027, 4, 1)),
    ]
    assert counted([row("A", "E119 I509", submission_date=IN_TIME), *late]) == set()
    assert counted([row("A", "E119 I509", submission_date=IN_TIME), late[0]]) == {("P1", "A", "E119")}


@pytest.mark.parametrize("number", ["R1", "R2"])
def test_a_refused_review_ties_nothing_to_a_delete(number: str) -> None:
    """The delete takes the code from its encounter and from live reviews linked to it, not from others of their number."""
    rows = [
        row("X2", "E119"),
        row("R1", "N184", record_type="chart_review"),
        row("D1", "N184", record_type="chart_review_delete", linked_claim_id="X2"),
        row(number, "N184", record_type="chart_review", frequency_code="7", linked_claim_id="X2", accepted=False),
    ]
    assert counted(rows) == {("P1", "X2", "E119"), ("P1", "R1", "N184")}


def test_a_refused_line_does_not_say_when_a_stay_ended() -> None:
    rows = [
        row("A", "E119", bill_type="111", hcpcs=None) | {"thru_date": date(2025, 12, 30)},
        row("A", "E119", bill_type="111", hcpcs=None, accepted=False) | {"thru_date": date(2026, 1, 3)},
    ]
    assert counted(rows) == {("P1", "A", "E119")}
    assert counted(rows[1:]) == set()


@pytest.mark.parametrize(("at_service", "counts"), [("ALPHA ", False), ("Beta", True)])
def test_an_organization_is_the_same_however_it_is_written(at_service: str, counts: bool) -> None:
    review = row("A", "E119", record_type="chart_review", submitting_organization="Alpha",
                 parent_organization_at_service=at_service) | {"thru_date": date(2026, 6, 1)}  # fmt: skip
    lines = pl.DataFrame([review | {"diagnosis_codes": review["codes"]}]).drop("codes")
    found = hcc.score(MEMBERS, lines, payment_year=2027).diagnoses
    assert found["counted"].to_list() == [counts]


def test_switchers_are_told_where_it_matters() -> None:
    """Until 2026 every unlinked review counts: not because the member came from elsewhere."""
    review = row("A", "E119", record_type="chart_review", submitting_organization="Alpha",
                 parent_organization_at_service="Beta")  # fmt: skip
    lines = pl.DataFrame([review | {"diagnosis_codes": review["codes"]}]).drop("codes")
    assert hcc.score(MEMBERS, lines, payment_year=2026).diagnoses["flags"].to_list() == ["CHART_REVIEW_UNLINKED"]
