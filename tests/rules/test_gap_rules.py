"""Gap rules as data: the shipped packs are sound, faults are told with file, rule and field, users' files add up."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

import hcc
from hcc.errors import RulesError
from hcc.rules.gap_expressions import Conjunction, names, parse_expression
from hcc.rules.gap_rules import check_gap_rules, load_gap_rules, parse_rules
from hcc.rules.gap_windows import parse_window
from hcc.rules.gap_wording import wording_faults

SOUND = """
[[rules]]
id = "MY-1"
version = "1"
direction = "missing"
title = "Two fills of metformin"
strength = "medium"
confidence = "C"
citation = "our own"
reason = "{drug.count} of metformin | no diabetes is coded in {year}"
to_confirm = "What it is for."
may_be_false = "It has other uses."
when = "drug"
targets = [{ codes = ["E119"] }]
[rules.terms.drug]
kind = "fill"
words = "metformin"
concepts = ["biguanide"]
at_least = 2
"""

# SPEC 5.4 and 6: every id that a rule of its own has to have.
IDS = {
    "CKD-1", "CKD-2", "DM-1", "DM-2", "DM-3", "DM-4", "DM-5", "OB-1", "OB-2", "HF-1", "HF-2", "HF-3", "COPD-1",
    "COPD-2",
    "RF-1", "AF-1", "AF-2", "VTE-1", "RA-1", "HIV-1", "CA-1", "CA-2", "DEM-1", "SCZ-1", "BP-1", "MDD-1", "PARK-1",
    "EPI-1", "MS-1", "HEP-1", "HCV-1", "PLT-1", "MAL-1", "AMP-1", "OST-1", "DIAL-1", "TX-1", "PVD-1", "CF/ILD",
    "SUD-1",
    "CF-2", "RECAPTURE", "OIG-1", "OIG-2", "OIG-3", "OIG-4", "OIG-5", "OIG-6", "OIG-7", "OIG-8", "OIG-9", "OIG-10",
    "OIG-11", "AUD-SINGLE", "AUD-HRA", "AUD-CRR", "AUD-LAB", "AUD-ADDON", "AUD-PROBLIST", "AUD-FUT", "AUD-CONFLICT",
    "AUD-RARE", "AUD-MEDLESS", "AUD-CKD", "AUD-BMI", "AUD-DUPREC", "AUD-MI28", "AUD-STROKE-LATE", "AUD-BLEED-LATE",
    "AUD-STROKE-OFFICE", "AUD-SPEC", "AUD-RAD",
}  # fmt: skip


def test_the_shipped_rules_have_no_fault() -> None:
    assert check_gap_rules() == []


def test_every_rule_of_the_specification_is_there_once() -> None:
    found = [rule.id for rule in load_gap_rules().rules]
    assert len(found) == len(set(found))
    assert IDS - set(found) == set()


def test_rules_of_low_strength_and_unsure_definition_are_off_by_default() -> None:
    rules = load_gap_rules()
    off = {rule.id for rule in rules.rules} - {rule.id for rule in rules.enabled}
    assert off == {
        "OIG-1-TOOLKIT", "OIG-1-OLDER", "OIG-8", "OIG-10-OLDER", "OIG-OVARIAN", "DM-5", "OB-2", "VTE-1", "PVD-1",
        "HEP-1", "PLT-1", "MAL-1",
    }  # fmt: skip
    weak = {rule.id for rule in rules.enabled if rule.direction == "missing" and rule.strength == "low"}
    assert weak == set()


def test_a_file_of_ones_own_adds_rules_and_switches_ours(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text('off = ["AUD-SINGLE"]\non = ["OIG-8"]\n[settings]\nhra_vendor_npis = ["1234567893"]\n' + SOUND)
    rules = load_gap_rules(own)
    enabled = {rule.id for rule in rules.enabled}
    assert {"MY-1", "OIG-8"} <= enabled
    assert "AUD-SINGLE" not in enabled
    assert rules.settings.hra_vendor_npis == ("1234567893",)
    assert rules.sha256 != load_gap_rules().sha256
    assert check_gap_rules(own) == []


def test_all_faults_of_all_rules_are_told_at_once_with_file_rule_and_field(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    second = SOUND.replace("MY-1", "MY-2").replace('when = "drug"', 'when = "drug or cancer"')
    own.write_text(SOUND.replace("at_least = 2", 'at_least = "many"') + second)
    with pytest.raises(RulesError) as caught:
        load_gap_rules(own)
    text = str(caught.value)
    assert "mine.toml: rule MY-1: terms.drug.fill.at_least" in text
    assert "mine.toml: rule MY-2" in text
    assert "'cancer' is used but is no term of the rule" in text
    assert "hint:" in text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('id = "MY-1"', 'id = "OIG-1"', "already in oig.toml"),
        ('direction = "missing"', 'direction = "both"', "direction"),
        ('concepts = ["biguanide"]', "concepts = []", "name drug classes"),
        ('when = "drug"', 'when = "drug and"', "ends too early"),
        ('when = "drug"', 'when = "drug & drug"', "'&' is not understood"),
        ("at_least = 2", 'at_least = 2\nwindow = "last year"', "is no window"),
        ("at_least = 2", "at_least = 2\nvalues = 3", "is not known there"),
        ("at_least = 2", 'window = "60 days around the diagnosis"', "no diagnosis to count days from"),
        ("{drug.count}", "{drug.many}", "{drug.many}: write one of count"),
        ("{year}", "{years}", "{years} is not known"),
        ("of metformin |", "of metformin[ twice] |", "holds no {term.field}"),
        ("no diabetes is coded in {year}", "diabetes should be coded", "says what is to be done"),
        ("What it is for.", "Please add the code.", "is an instruction"),
        ('codes = ["E119"]', 'codes = ["E11.9"]', "write codes without dot"),
        ('codes = ["E119"]', "codes = []", "names neither codes nor concepts"),
        ('targets = [{ codes = ["E119"] }]', "", "give targets"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in SOUND
    own = tmp_path / "mine.toml"
    own.write_text(SOUND.replace(old, new))
    faults = check_gap_rules(own)
    assert any(told in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        ('esrd = ["dialysis", "graft"]', None),
        ('esrd = ["none"]', None),
        ('esrd = ["transplant"]', "'transplant_1'"),
        ("esrd = []", "give one of age, sex or esrd"),
        ("", "give one of age, sex or esrd"),
        ('esrd = ["graft"]\nsex = "F"', "give one of age, sex or esrd"),
    ],
)
def test_a_member_term_asks_one_thing_and_knows_the_words_of_esrd(tmp_path: Path, asks: str, told: str | None) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(
        SOUND.replace('when = "drug"', 'when = "drug and it"') + f'[rules.terms.it]\nkind = "member"\n{asks}\n'
    )
    faults = check_gap_rules(own)
    assert faults == [] if told is None else any(told in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("biguanide", "biguanides", "no drug class 'biguanides'"),
        ("E119", "E118888", "no model that maps code 'E118888'"),
    ],
)
def test_a_word_that_no_value_set_has_is_found_by_the_check(tmp_path: Path, old: str, new: str, told: str) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(SOUND.replace(old, new))
    assert any(told in fault for fault in check_gap_rules(own))


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ('not_near = ["acute"]', "no diagnosis concept 'acute'"),
        ('not_after = ["dialysed"]', "no diagnosis concept 'dialysed'"),
        ('not_after_services = ["washing"]', "no procedure concept 'washing'"),
        ('also_in = "60 days around the diagnosis"', "counted from no diagnosis"),
        ('also_in = "data collection year"', None),
    ],
)
def test_the_words_of_a_kidney_stage_are_checked(tmp_path: Path, field: str, told: str | None) -> None:
    term = (
        '[rules.terms.drug]\nkind = "ckd_stage"\nwords = "eGFR"\nconcepts = ["egfr"]\nunit = "mL/min/{1.73_m2}"\n'
        f"limit = 60\nat_least = 0\nbelow = 60\n{field}\n"
    )
    own = tmp_path / "mine.toml"
    own.write_text(SOUND[: SOUND.index("[rules.terms.drug]")] + term)
    faults = check_gap_rules(own)
    assert faults == [] if told is None else any(told in fault for fault in faults), faults


def test_a_value_in_another_unit_than_the_canonical_one_is_found(tmp_path: Path) -> None:
    term = (
        '[rules.terms.drug]\nkind = "result"\nwords = "glucose"\nconcepts = ["fpg"]\nvalue = ">= 7"\nunit = "mmol/L"\n'
    )
    own = tmp_path / "mine.toml"
    own.write_text(SOUND[: SOUND.index("[rules.terms.drug]")] + term)
    assert any("fpg is in mg/dL, not mmol/L" in fault for fault in check_gap_rules(own))


def test_a_file_that_is_no_toml_and_unknown_switches(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text("rules = [")
    assert any("is no TOML" in fault for fault in check_gap_rules(own))
    own.write_text('off = ["AUD-SINGEL"]\n')
    assert any("AUD-SINGEL" in fault for fault in check_gap_rules(own))
    own.write_text("switches = 1\n")
    assert any("'switches' is not known" in fault for fault in check_gap_rules(own))


def test_faults_of_own_rules_lead_to_a_check_that_shows_them(tmp_path: Path) -> None:
    own = tmp_path / "my rules.toml"
    own.write_text('off = ["AUD-SINGEL"]\n')
    with pytest.raises(RulesError) as caught:
        load_gap_rules(own)
    assert caught.value.hint == f"Mend the file and check it with: hcc rules check --rules '{own}'"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('on = ["OIG-8"]\noff = ["OIG-8"]\n', "rule OIG-8 is in on and in off"),
        ('off = ["AUD-SINGEL"]\n', "on/off names rule AUD-SINGEL, which is nowhere; is AUD-SINGLE meant?"),
        (
            '[[rules]]\nid = "OIG-3"\nenabled = false\n',
            'rule OIG-3 is already in oig.toml; to switch it write on = ["OIG-3"] or off = ["OIG-3"] at the head of the file',
        ),
        ('off = "AUD-SINGLE"\n', 'off: write a list, such as ["…"]'),
        ("on = [1]\n", "on[0]: write text, in quotation marks"),
        ("settings = 1\n", "settings: write a table of its own, below a line with its name in brackets"),
        ("title = 3\n", "title: write text, in quotation marks"),
        ("[settings]\nhra = 1\n", "settings.hra: is not known there"),
    ],
)
def test_switches_that_cannot_be(tmp_path: Path, text: str, told: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    (fault,) = check_gap_rules([own])
    assert fault == f"own.toml: {told}"


def test_parse_rules_keeps_the_sound_ones() -> None:
    file, faults = parse_rules(SOUND + SOUND.replace("MY-1", "my 2"))
    assert [rule.id for rule in file.rules] == ["MY-1"]
    assert len(faults) == 1


def conj(need: str = "", forbid: str = "") -> Conjunction:
    return Conjunction(frozenset(need.split()), frozenset(forbid.split()))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a", {conj("a")}),
        ("not a", {conj("", "a")}),
        ("a and b or c", {conj("a b"), conj("c")}),
        ("a and (b or c)", {conj("a b"), conj("a c")}),
        ("not (a or b)", {conj("", "a b")}),
        ("not (a and b)", {conj("", "a"), conj("", "b")}),
        ("not (a and not b)", {conj("", "a"), conj("b")}),
        ("a or a and b", {conj("a")}),
        ("a and not a", set()),
    ],
)
def test_expressions_become_conjunctions(text: str, form: set[Conjunction]) -> None:
    assert parse_expression(text) == form
    assert names(parse_expression(text)) <= {"a", "b", "c"}


@pytest.mark.parametrize("text", ["", "a b", "(a", "a)", "and a", "a or", "A"])
def test_expressions_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("data collection year", date(2025, 1, 1), date(2025, 12, 31)),
        ("24 months to as of", date(2024, 2, 28), date(2026, 2, 28)),
        ("1 year to as of", date(2025, 2, 28), date(2026, 2, 28)),
        ("30 days to as of", date(2026, 1, 29), date(2026, 2, 28)),
        ("2 years before the data collection year", date(2023, 1, 1), date(2024, 12, 31)),
        ("ever", date(1900, 1, 1), date(2026, 2, 28)),
    ],
)
def test_windows_have_both_ends(text: str, first: date, last: date) -> None:
    day = date(2026, 2, 28)
    assert parse_window(text).fixed(date(2025, 1, 1), date(2025, 12, 31), day) == (first, last)


def test_a_leap_day_counts_back_to_the_last_of_february() -> None:
    window = parse_window("24 months to as of").fixed(date(2023, 1, 1), date(2023, 12, 31), date(2024, 2, 29))
    assert window == (date(2022, 2, 28), date(2024, 2, 29))


def test_no_window_reaches_beyond_as_of() -> None:
    for text in ("data collection year", "90 days after the diagnosis", "60 days around the diagnosis", "ever"):
        assert parse_window(text).fixed(date(2025, 1, 1), date(2025, 12, 31), date(2025, 6, 30))[1] == date(2025, 6, 30)


@pytest.mark.parametrize(
    "text",
    [
        "Please add the code.",
        "This should be coded.",
        "Code this as E11.9.",
        "A missed opportunity.",
        "Looks like fraud.",
    ],
)
def test_wording_that_leads(text: str) -> None:
    assert wording_faults(text)


@pytest.mark.parametrize(
    "text",
    ["The code that recurs.", "No diabetes is coded in 2025.", "Records document the condition.", "A bill type of 72."],
)
def test_wording_that_states(text: str) -> None:
    assert wording_faults(text) == []


def test_coders_read_outside_sources_not_our_papers() -> None:
    ours = re.compile(r"SPEC|RULINGS|FIELD|DESIGN|R-\d+\.\d+|valuesets|mappings/")
    rules = load_gap_rules().rules
    assert [rule.id for rule in rules if ours.search(rule.citation)] == []
    shown = [
        (rule.id, text) for rule in rules for text in (rule.title, rule.reason, rule.to_confirm, rule.may_be_false)
    ]
    assert [one for one in shown if ours.search(one[1])] == []


def test_the_stories_of_the_demo_name_rules_that_exist() -> None:
    known = {rule.id for rule in load_gap_rules().rules}
    stories = tomllib.loads((Path(hcc.__file__).parent / "demo" / "stories.toml").read_text(encoding="utf-8"))
    assert {story["rule"] for story in stories["story"] if story.get("rule")} - known == set()
