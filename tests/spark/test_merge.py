"""What buckets report, put together; the figures are worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from hcc.errors import HccError, InputError
from hcc.spark.merge import merged_counts, merged_forms, merged_notes, raise_errors, raise_unreadable
from hcc.spark.staging import number_of_buckets


def report(**more: Any) -> dict[str, Any]:
    return {"counts": {}, "raw": {}, "notes": [], "dates": {}, **more}


def test_counts_are_summed_and_means_weighted() -> None:
    reports = [
        report(counts={"members": 2, "defaulted": {"orec": 2}, "mean_raw_score": {"a": 1.5}}, raw={"a": [2, 3000]}),
        report(
            counts={"members": 1, "defaulted": {"csnp": 1, "orec": 1}, "mean_raw_score": {"a": 0.1}},
            raw={"a": [1, 100]},
        ),
    ]
    assert merged_counts(reports) == {
        "members": 3, "defaulted": {"csnp": 1, "orec": 3}, "mean_raw_score": {"a": 1.033},
    }  # fmt: skip


def test_the_most_diagnoses_on_a_claim() -> None:
    def forms(claims: int, most: int, at_most: int, next_to: int) -> dict[str, int]:
        return {"professional": claims, "most_on_professional": most, "at_most_on_professional": at_most,
                "next_to_most_on_professional": next_to}  # fmt: skip

    # 12 diagnoses: 3 + 1 claims; 11 diagnoses: 2 + 0 there, and 5 where 11 is the most; 10 does not matter.
    assert merged_forms([forms(9, 12, 3, 2), forms(8, 11, 5, 1), forms(7, 12, 1, 0)]) == forms(24, 12, 4, 7)
    assert merged_forms([forms(9, 12, 3, 2), {}]) == {}
    several = [report(counts={"claim_forms": forms(9, 12, 3, 2)})]
    assert merged_counts(several)["claim_forms"] == forms(9, 12, 3, 2)
    assert merged_counts(several, forms=False)["claim_forms"] == {}


def test_notes_of_all_are_kept_and_those_that_count_are_summed() -> None:
    words = "repeated row(s) that say the same were read once."
    reports = [
        report(notes=["rules of 2025", f"members: 1 {words}", "claims: there is no claim line"]),
        report(notes=[f"members: 1 {words}", "rules of 2025"]),
        report(notes=[f"members: 3 {words}", f"enrollment: 2 {words}", "rules of 2025"]),
    ]
    assert sorted(merged_notes(reports)) == [f"enrollment: 2 {words}", f"members: 5 {words}", "rules of 2025"]


def test_members_who_are_all_set_aside_are_counted_by_reason() -> None:
    """A bucket's own note counts the row that fills a table without any, too."""
    note = "members: no row can be used ({}); check what the columns (their names) mean."
    reports = [
        report(notes=[note.format("3 MISSING_SEX")], members_aside={"MISSING_SEX": 3}),
        report(notes=[note.format("1 BAD_BIRTH_DATE, 1 MISSING_SEX")], members_aside={}),
        report(notes=[note.format("1 BAD_BIRTH_DATE")], members_aside={"MISSING_SEX": 1, "BAD_BIRTH_DATE": 1}),
    ]
    assert merged_notes(reports) == [note.format("1 BAD_BIRTH_DATE, 4 MISSING_SEX")]
    assert merged_notes([*reports, report()]) == []


def test_what_only_witnesses_count_is_taken_off() -> None:
    """They stand in every bucket; of the members of this run, three have months that cannot be read, and one both."""
    odd, both = "month(s) with a csnp that cannot be read", "member(s) have months in PACE and others"
    reports = [
        report(notes=[f"enrollment: 26 {odd}", f"enrollment: 2 {both}"],
               witness_notes=[f"enrollment: 2 {odd}", f"enrollment: 1 {both}"]),
        report(notes=[f"enrollment: 12 {odd}"], witness_notes=[f"enrollment: 2 {odd}"]),
        report(notes=[f"enrollment: 2 {odd}"], witness_notes=[f"enrollment: 2 {odd}"]),
    ]  # fmt: skip
    assert sorted(merged_notes(reports)) == [f"enrollment: 1 {both}", f"enrollment: 34 {odd}"]
    assert merged_notes(reports[2:]) == []


def test_errors_of_buckets_become_one() -> None:
    fault = {"error": {"kind": "InputError", "message": "claims: bad", "hint": "mend it"}}
    with pytest.raises(InputError) as error:
        raise_errors({0: report(), 2: fault, 1: fault})
    assert error.value.message == "claims: bad\n(in 2 of 3 buckets (1, 2))"
    assert error.value.hint == "mend it"
    with pytest.raises(HccError, match="The engine failed in 1 of 1 buckets"):
        raise_errors({0: {"error": {"kind": None, "message": "builtins.KeyError", "hint": None}}})
    raise_errors({0: report()})


def test_dates_may_be_unreadable_in_some_buckets_but_not_in_all() -> None:
    nothing, bad, good = ([False, False], [True, False], [True, True])
    raise_unreadable([report(dates={"claims.d": dates}) for dates in (nothing, bad, good)])
    raise_unreadable([report(dates={"claims.d": nothing})])
    with pytest.raises(InputError, match=r"claims\.d"):
        raise_unreadable([report(dates={"claims.d": dates}) for dates in (nothing, bad)])


@pytest.mark.parametrize(
    ("members", "cores", "buckets"),
    [
        (0, 8, 1),  # never none
        (9_000, 8, 1),  # small buckets only cost
        (50_000, 8, 5),
        (500_000, 8, 8),  # every core is busy
        (1_000_000, 8, 16),  # none above 100,000, and full waves
        (10_000_000, 64, 128),
    ],
)
def test_how_many_buckets(members: int, cores: int, buckets: int) -> None:
    assert number_of_buckets(members, cores) == buckets
