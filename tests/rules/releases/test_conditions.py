from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc.rules.releases.conditions import OLDEST, ConditionalRow, ages, mapping_and_edits, sex


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("age < 50", [0, 49], [50, 120]),
        ("age >= 15", [15, 120], [0, 14]),
        ("0 <= age <= 17", [0, 17], [18]),
        ("9 <= age <= 64", [9, 64], [8, 65]),
        ("age = 0", [0], [1]),
        ("age <= 3", [3], [4]),
        ("age > 3", [4], [3]),
        ("Age  50+", [50, 90], [49]),
        ("", [0, 120], []),
    ],
)
def test_grammar(text: str, holds: list[int], fails: list[int]) -> None:
    assert all(age in ages(text) for age in holds)
    assert not any(age in ages(text) for age in fails)


@pytest.mark.parametrize("text", ["age", "age < x", "__import__('os').system('x')", "age < 5 or True", "1 <= age"])
def test_what_is_no_condition_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(ValueError, match="no condition on age"):
        ages(text)


def test_sex() -> None:
    assert [sex(text) for text in ("1.0", "2.0", "1", "2", "f", "")] == ["M", "F", "M", "F", "F", ""]
    with pytest.raises(ValueError, match="no sex"):
        sex("3")


def test_a_pair_with_one_hcc_on_both_sides_leaves_no_edit() -> None:
    rows = [ConditionalRow("E1010", "36", ages("age < 21")), ConditionalRow("E1010", "36", ages("age >= 21"))]
    assert mapping_and_edits(rows) == ([("E1010", "36")], [])


def test_a_pair_with_two_hccs_is_an_override_below_the_age() -> None:
    """CMS's breast cancer rows: 22 under 50, else 23."""
    rows = [ConditionalRow("C50911", "22", ages("age < 50")), ConditionalRow("C50911", "23", ages("age >= 50"))]
    assert mapping_and_edits(rows) == (
        [("C50911", "23")],
        [("C50911", "age", "", "0", "49", "override", "22")],
    )


def test_a_sex_edit() -> None:
    """CMS's haemophilia rows: 111 for men (in two age rows without effect), 112 for women."""
    rows = [
        ConditionalRow("D66", "111", ages("age < 65"), "M"),
        ConditionalRow("D66", "111", ages("age >= 65"), "M"),
        ConditionalRow("D66", "112", sex="F"),
    ]
    assert mapping_and_edits(rows) == ([("D66", "111")], [("D66", "sex", "F", "", "", "override", "112")])


def test_a_code_mapped_only_within_an_age_range_is_invalid_outside_it() -> None:
    """CMS's F34.81: only from 6 to 18."""
    rows = [ConditionalRow("F3481", "59", ages("6 <= age <= 18"))]
    assert mapping_and_edits(rows) == (
        [("F3481", "59")],
        [("F3481", "age", "", "0", "5", "invalid", ""), ("F3481", "age", "", "19", "", "invalid", "")],
    )


def test_the_code_editors_age_is_a_row_of_its_own_beside_a_pair_without_effect() -> None:
    rows = [
        ConditionalRow("H353210", "298", ages("age >= 21"), mce_age=ages("age >= 15")),
        ConditionalRow("H353210", "298", ages("age < 21"), mce_age=ages("age >= 15")),
        ConditionalRow("C58", "23", mce_age=ages("9 <= age <= 64")),
    ]
    assert mapping_and_edits(rows) == (
        [("C58", "23"), ("H353210", "298")],
        [
            ("C58", "mce_age", "", "0", "8", "invalid", ""),
            ("C58", "mce_age", "", "65", "", "invalid", ""),
            ("H353210", "mce_age", "", "0", "14", "invalid", ""),
        ],
    )


def test_an_edit_that_would_set_two_hccs_cannot_be_said() -> None:
    rows = [
        ConditionalRow("X01", "1", ages("age >= 18")),
        *(ConditionalRow("X01", hcc, ages("age < 18")) for hcc in ("2", "3")),
    ]
    with pytest.raises(ValueError, match="X01: an edit would set 2 HCCs"):
        mapping_and_edits(rows)


RANGES = st.sampled_from(["", "age < 18", "age >= 18", "age < 50", "age >= 50", "6 <= age <= 18", "age = 0"])


@given(
    st.lists(
        st.builds(
            ConditionalRow,
            st.sampled_from(["A01", "A02"]),
            st.sampled_from(["1", "2"]),
            RANGES.map(ages),
            st.sampled_from(["", "F", "M"]),
            st.just(ages("age >= 15")),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_mapping_with_edits_says_the_same_as_the_conditional_rows(rows: list[ConditionalRow]) -> None:
    """Read the way the README of the tables says: one matching age or sex row decides, the editor's ages come last."""
    try:
        mapping, edits = mapping_and_edits(rows)
    except ValueError:
        return  # two HCCs at once: told, not guessed
    for code in ("A01", "A02"):
        for sex_ in ("F", "M"):
            for age in (0, 1, 5, 6, 14, 15, 17, 18, 19, 49, 50, 64, 65, 110, OLDEST):
                expected = {
                    row.hcc
                    for row in rows
                    if row.diagnosis_code == code
                    and row.sex in ("", sex_)
                    and age in row.age_edit
                    and age in row.mce_age
                }
                got = {hcc for mapped, hcc in mapping if mapped == code}
                matching = [
                    edit
                    for edit in edits
                    if edit[0] == code and edit[2] in ("", sex_) and int(edit[3] or 0) <= age <= int(edit[4] or 999)
                ]
                for edit in (edit for edit in matching if edit[1] != "mce_age"):
                    got = {edit[6]} - {""}
                if any(edit[1] == "mce_age" for edit in matching):
                    got = set()
                assert got == expected, (code, sex_, age)
