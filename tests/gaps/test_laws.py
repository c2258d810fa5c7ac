"""Laws of the gap list on invented members (hypothesis): what holds whatever the evidence."""

from __future__ import annotations

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc.gaps import find_gap_candidates
from hcc.rules.gap_rules import load_gap_rules
from tests.gaps.build import Person, candidates, context, model

FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
CODES = ("I639", "I214", "I2699", "C3490", "C189", "C50911", "F321", "E119", "E1122", "N184", "N1831", "I509", "J449",
         "M069", "B20", "F209", "K7460", "I4891", "A419", "L89153", "E6601")  # fmt: skip
DAYS = st.integers(0, 364).map(lambda n: f"2025-{n // 31 + 1:02d}-{n % 28 + 1:02d}" if n // 31 < 12 else "2025-12-31")
TYPES = st.sampled_from(["professional", "outpatient", "inpatient"])
DIAGNOSES = st.lists(st.tuples(st.sampled_from(CODES), DAYS, TYPES), min_size=1, max_size=8)
DRUGS = ("rivaroxaban", "anastrozole", "sertraline", "metformin", "furosemide", "dolutegravir", "tiotropium")
SERVICES = ("radiation", "chemo_drug", "surgery_lung", "wound_care", "ecg", "spirometry", "liver_imaging")
SUPPORT = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.sampled_from(DRUGS), DAYS),
        st.tuples(st.just("did"), st.sampled_from(SERVICES), DAYS),
    ),
    max_size=6,
)


def person(diagnoses, support=(), name: str = "m1") -> Person:
    made = Person(name, sex="F")
    for code, day, kind in diagnoses:
        made.dx(code, day, kind)
    for what, which, day in support:
        if what == "fill":
            made.fill(which, day, flags="any")
        else:
            made.did(which, day)
    return made


def opened(frame: pl.DataFrame, direction: str) -> set[tuple]:
    rows = frame.filter(pl.col("status") == "open", pl.col("direction") == direction)
    return set(rows.select("member_id", "hcc", "rule_id").rows())


@FEW
@given(DIAGNOSES, SUPPORT)
def test_treatment_never_opens_an_unsupported_gap(diagnoses, support) -> None:
    without = candidates(person(diagnoses)).gaps
    treated = candidates(person(diagnoses, support)).gaps
    assert opened(treated, "unsupported") <= opened(without, "unsupported")


@FEW
@given(DIAGNOSES, SUPPORT)
def test_nothing_is_suspected_at_or_below_what_is_captured(diagnoses, support) -> None:
    rules = model("cms-hcc-v28", 2026)
    found = context(person(diagnoses, support).egfr(50, "2025-01-01").egfr(20, "2025-09-01").dx("E109", "2024-01-01"))
    have = set(found.member_hccs["hcc"])
    below = {low for high, low in rules.hierarchies.select("hcc", "drops_hcc").iter_rows() if high in have}
    suspected = {hcc for _, hcc, _ in opened(find_gap_candidates(found, load_gap_rules()).gaps, "missing")}
    assert suspected & (have | below) == set()


@FEW
@given(DIAGNOSES, SUPPORT)
def test_members_do_not_see_each_other(diagnoses, support) -> None:
    alone = candidates(person(diagnoses, support, "a"))
    crowd = candidates(person([("I639", "2025-05-05", "professional")], (), "z"), person(diagnoses, support, "a"))
    columns = ["gap_id", "status", "strength", "reason"]
    mine = crowd.gaps.filter(pl.col("member_id") == "a")
    assert mine.select(columns).sort("gap_id").equals(alone.gaps.select(columns).sort("gap_id"))


@FEW
@given(DIAGNOSES)
def test_without_pharmacy_and_results_nothing_that_rests_on_them_is_open(diagnoses) -> None:
    found = candidates(person(diagnoses), tables=("claims",))
    resting = {"OIG-3", "OIG-4", "OIG-5", "OIG-6", "OIG-10", "AUD-CKD", "AUD-BMI"}
    assert {rule for _, _, rule in opened(found.gaps, "unsupported")} & resting == set()


@FEW
@given(DIAGNOSES, SUPPORT)
def test_what_comes_after_as_of_changes_nothing(diagnoses, support) -> None:
    late = [(code, "2025-12-31", kind) for code, _, kind in diagnoses]
    before = candidates(person(diagnoses, support), as_of="2025-12-30")
    after = candidates(person([*diagnoses, *late], support), as_of="2025-12-30")
    columns = ["gap_id", "status", "reason"]
    assert before.gaps.select(columns).sort("gap_id").equals(after.gaps.select(columns).sort("gap_id"))
