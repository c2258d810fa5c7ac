"""``score_one`` says of anybody what the population run says, and whoever comes next costs no more than the last."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pytest

import hcc
from hcc.errors import (
    BadBirthDate,
    BadMember,
    HccError,
    InputError,
    MissingSex,
    NotPaidModel,
    UnknownModel,
    UnknownYear,
)
from hcc.pipeline.one import _plan
from hcc.pipeline_gaps import run as score_and_find
from hcc.rules.folders import shipped_folder
from hcc.rules.programs import load_program_year
from tests.golden.engine import CLAIM_SCHEMA, frame, rows_of
from tests.golden.load import visit_on

Row = dict[str, Any]
Keyed = dict[tuple[str, ...], Any]
YEARS = (2024, 2025, 2026)  # two blends of V24 and V28, and V28 alone
PEOPLE = 1002
ODD = 0.04  # of the words are written as people write them, or are no words at all
# Of each table: what names a member's row, and what is compared.
SCORE = (
    ("model", "calibration", "program"),
    ("part", "segment", "raw_score", "normalized_score", "payment_score", "blend_weight", "unverified",
     "no_score_reason", "no_payment_reason"),
)  # fmt: skip
OF_YEAR = (("part",), ("risk_score", "payable_months", "unverified", "no_score_reason", "frailty"))
HCC = (("model", "calibration", "hcc"), ("dropped_by_hcc", "coefficient"))
FACTOR = (("model", "calibration", "variable"), ("segment", "coefficient"))
# What is usual, and what is odd: other spellings, numbers that were words, contradictions, rubbish.
WORDS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "sex": (("F", "M"), ("f", " male ", "Female", 1, 2, "2.0", "M\u00a0", "x")),
    "orec": (("0", "1", "2", "3"), (0, 1, "01", "3.0", "9", "")),
    "dual_status": (("NA", "00", "01", "02", "03", "04", "08"), ("na", 2, "2.0", "8", " 04", "xx", "")),
    "medicaid": ((None, None, True, False), ("Y", "no", 1, "0.0", "perhaps")),
    "ltimcaid": ((None, None, None, True, False), ("t",)),
    "nemcaid": ((None, None, None, True, False), ("F",)),
    "part_b_months": ((12, 12, 12, 0, 5, 11), ("12", "7.0", "6.5", 13, -1, "many")),
    "long_term_institutional": ((False, False, True), ("yes", "1.0", "q")),
    "csnp": ((None, False, True), ("N",)),
    "low_income_subsidy": ((None, False, True), ("true", "2")),
    "part_d_plan": ((None, "MA-PD", "PDP"), ("ma pd", "mapd", "MA--PD", "none")),
    "esrd_status": (
        ("none",) * 9 + ("dialysis", "graft", "transplant_1"),
        ("Dialysis ", "functioning-graft", "transplant 3", "no", "zzz"),
    ),
    "graft_months": ((None,) * 6 + (4, 9, 30), (1, 3, 600, "5", "2.0", 0, -3, "2.5", "soon")),
    "program": (("MA",) * 5 + ("PACE", "none"), ("pace", " ma ", "hmo")),
    "monthly_benchmark": ((None, "900"), ("$1,000.50", "much")),
}


@cache
def codes(payment_year: int) -> list[str]:
    """Every code that a model of the year maps."""
    found: set[str] = set()
    for model in {model for program in load_program_year(payment_year).programs for model in program.models}:
        with suppress(HccError):  # paid, and not in mappings/
            found |= set(hcc.load_rules(model.name, payment_year=payment_year).diagnosis_to_hcc["diagnosis_code"])
    assert len(found) > 8000
    return sorted(found)


def born(rng: random.Random, payment_year: int, odd: float) -> Any:
    day = date(payment_year - rng.randint(30, 100), rng.randint(1, 12), rng.randint(1, 28))
    if rng.random() > odd:
        return day.isoformat()
    return rng.choice([
        day.strftime("%m/%d/%Y"), day.strftime("%Y%m%d"), day.strftime("%d-%b-%Y"), f" {day} ", f"{day}T00:00:00",
        f"{day.year}-{day.month}-{day.day}", "1950-02-30", "soon", "50-02-03", "", f"{payment_year + 1}-01-01",
        f"{payment_year}-06-01", f"{payment_year}-01-31", f"{payment_year - 121}-02-01", f"{payment_year - 121}-02-02",
        "0950-01-01", f"{payment_year - 65}-02-01", f"{payment_year - 65}-02-02",
    ])  # fmt: skip


def people(payment_year: int, size: int, odd: float = ODD, seed: int = 5) -> Iterator[tuple[Row, list[str]]]:
    rng = random.Random(seed * payment_year)
    for _ in range(size):
        person = {"birth_date": born(rng, payment_year, odd)}
        for name, (usual, strange) in WORDS.items():
            person[name] = rng.choice(strange if rng.random() < odd else usual)
        if str(person["esrd_status"]) == "graft" and rng.random() < 0.8:
            person["graft_months"] = rng.choice([4, 9, 30, 2])
        elif rng.random() < 0.9:
            person["graft_months"] = None
        if rng.random() < 0.1:
            person["death_date"] = f"{payment_year - rng.choice((0, 0, 0, 1))}-05-06"
        yield person, rng.sample(codes(payment_year), rng.randint(0, 8))


def text(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture(scope="module", params=YEARS)
def population(request: pytest.FixtureRequest) -> tuple[int, dict[str, tuple[Row, list[str]]], Any]:
    """People and their codes by member_id, and one run over all of them, every word as text."""
    year: int = request.param
    given = {f"P{number:04}": one for number, one in enumerate(people(year, PEOPLE // len(YEARS)))}
    columns = ["birth_date", *WORDS, "death_date"]
    members = pl.DataFrame(
        {"member_id": list(given), **{c: [text(person.get(c)) for person, _ in given.values()] for c in columns}},
        schema_overrides=dict.fromkeys(columns, pl.String),
    )
    claims = [row for name, (_, some) in given.items() for row in visit_on(name, list(some), date(year - 1, 7, 1))]
    return year, given, hcc.score(members=members, claims=frame(claims, CLAIM_SCHEMA), payment_year=year)


def by_member(table: pl.DataFrame, key: tuple[str, ...], values: tuple[str, ...]) -> dict[str, Keyed]:
    found: dict[str, Keyed] = {}
    for row in rows_of(table):
        found.setdefault(row["member_id"], {})[tuple(row[k] or "" for k in key)] = tuple(row[v] for v in values)
    return found


def test_a_thousand_people_one_by_one_are_the_population(population: Any) -> None:
    year, given, run = population
    scores, hccs, factors = (
        by_member(run.scores, *SCORE),
        by_member(run.member_hccs, *HCC),
        by_member(run.factors, *FACTOR),
    )
    parts = by_member(run.member_scores, *OF_YEAR)
    flags = dict(run.members.select("member_id", "data_quality").iter_rows())
    compared = 0
    for name, (person, some) in given.items():
        words = {column: value for column, value in person.items() if value is not None}
        try:
            one = hcc.score_one(some, payment_year=year, service_date=date(year - 1, 7, 1), **words)
        except (MissingSex, BadBirthDate, BadMember):
            assert name not in flags  # the population sets aside whom score_one refuses
            continue
        compared += 1
        assert set(one.data_quality) == {flag for flag in (flags[name] or "").split(",") if flag}
        found: dict[str, Keyed] = {"scores": {}, "hccs": {}, "factors": {}}
        for m in one.models:
            key = (m.model, m.calibration)
            found["scores"][*key, m.program] = tuple(getattr(m, column) for column in SCORE[1])
            found["hccs"] |= {(*key, one_hcc): by for one_hcc, by in (dict.fromkeys(m.hccs) | m.dropped).items()}
            found["factors"] |= {(*key, variable): (m.segment, c) for variable, c in m.factors.items()}
        assert found["scores"] == scores.get(name, {})
        assert found["hccs"] == {key: by for key, (by, _) in hccs.get(name, {}).items()}
        assert found["factors"] == factors.get(name, {})
        of_year = parts.get(name, {})
        scored = {part: row[0] for (part,), row in of_year.items()}
        assert (one.risk_score, one.risk_score_d) == (scored.get("C"), scored.get("D"))
        assert {(p.part,): (p.risk_score, p.payable_months, p.unverified, p.no_score_reason) for p in one.parts} == {
            part: row[:-1] for part, row in of_year.items()
        }
        if compared % 10 == 0:  # as tables
            own = {"member_id": pl.lit(name)}
            assert by_member(one.member_hccs.with_columns(**own), *HCC).get(name) == hccs.get(name)
            assert by_member(one.factors.with_columns(**own), *FACTOR).get(name) == factors.get(name)
            assert by_member(one.scores.with_columns(**own), *SCORE).get(name) == scores.get(name)
            assert by_member(one.member_scores.with_columns(**own), *OF_YEAR).get(name) == parts.get(name)
    assert compared == len(flags) > 0.85 * len(given)
    assert {person["program"] for person, _ in given.values()} >= {"MA", "PACE", "none"}
    segments = {row["segment"] for row in rows_of(run.scores)}
    assert len(segments) > 15  # community, institutional, new enrollees, grafts …


def cpu_of(person: Row, some: list[str], payment_year: int) -> float:
    began = time.thread_time()
    hcc.score_one(some, payment_year=payment_year, **person)
    return time.thread_time() - began


@pytest.mark.parametrize("payment_year", YEARS)
def test_a_new_person_costs_what_a_known_one_costs(payment_year: int) -> None:
    """Ratios of CPU time. Tables built anew for each new person cost sixty times what a known one costs; built anew for
    everybody, they cost ten times as much as when they are remembered."""
    usual: Row = {"program": "MA", "esrd_status": "none", "part_d_plan": None, "graft_months": None}
    crowd = [({**person, **usual}, some) for person, some in people(payment_year, 160, odd=0.0, seed=11)]
    for person, some in crowd[:40]:  # tables of the year, words that were never read before
        cpu_of(person, some, payment_year)
    new, known, first = [], [], []
    for person, some in crowd[40:]:
        new.append(cpu_of(person, some, payment_year))
        known.append(cpu_of(person, some, payment_year))
    for person, some in crowd[:5]:
        _plan.cache_clear()
        first.append(cpu_of(person, some, payment_year))
    assert median(new) < 2 * median(known)
    assert median(new) < median(first) / 3


def test_a_member_of_odd_words_is_refused_in_intakes_own_words() -> None:
    given: Row = {"birth_date": "1953-06-15", "sex": "F", "payment_year": 2026}
    with pytest.raises(InputError, match="dual_status"):
        hcc.score_one([], **given, dual_state="02")
    with pytest.raises(BadMember, match=r"graft_months contradicts .* \(BAD_GRAFT_MONTHS\)\."):
        hcc.score_one([], **given, esrd_status="transplant_2", graft_months=3)
    with pytest.raises(BadMember, match="disagree"):
        hcc.score_one([], **given, age=50)
    with pytest.raises(MissingSex):
        hcc.score_one([], **{**given, "sex": "unknown"})
    with pytest.raises(BadBirthDate):
        hcc.score_one([], **{**given, "birth_date": "15.6."})
    with pytest.raises(BadBirthDate):
        hcc.score_one([], **{**given, "birth_date": None})
    assert hcc.score_one([], **{**given, "birth_date": None}, age=72).age == 72


@pytest.mark.parametrize("dual", ["02", "no such status"])
def test_equal_values_that_are_not_written_alike_are_not_mixed_up(dual: str) -> None:
    given: Row = {"birth_date": "1953-06-15", "sex": "F", "payment_year": 2026, "dual_status": dual}
    flags = [hcc.score_one([], **given, orec=orec).data_quality for orec in (1, True, 1.0, "1")]
    assert ["UNKNOWN_OREC" in one for one in flags] == [False, True, False, False]


def test_codes_are_read_as_in_claims() -> None:
    """Blanks of any kind, dots, lower case; what is no code after that is passed over."""
    given: Row = {"birth_date": "1953-06-15", "sex": "F", "payment_year": 2026}
    plain = hcc.score_one(["E1122", "I509"], **given)
    assert plain["cms-hcc-v28"].hccs
    assert hcc.score_one(["e11.22 ", " I50.9", "i509", "...", ""], **given) == plain
    assert hcc.score_one(["\u00a0E11.22", "I50.9\u200b", None], **given) == plain  # type: ignore[list-item]


def test_a_model_that_nobody_pays_is_told_for_every_person() -> None:
    for born_on in ("1953-06-15", "1954-06-15", "1953-06-15"):
        with pytest.warns(NotPaidModel):
            hcc.score_one(["E11.22"], birth_date=born_on, sex="F", payment_year=2026, models=["cms-hcc-v24"])


def test_a_folder_of_other_tables_is_not_mixed_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """What is remembered belongs to the folders that were looked in."""
    given: Row = {"birth_date": "1953-06-15", "sex": "F", "payment_year": 2026}
    shipped = hcc.score_one(["E11.22"], **given)
    year = (shipped_folder() / "programs" / "2026.toml").read_text(encoding="utf-8")
    (tmp_path / "programs").mkdir()
    (factor,) = {one.normalized_score for one in shipped.models if one.model == "cms-hcc-v28"}
    changed = year.replace('normalization = "1.067"', 'normalization = "2.134"')
    assert changed != year
    (tmp_path / "programs" / "2026.toml").write_text(changed, encoding="utf-8")
    monkeypatch.setenv("HCC_MAPPINGS", str(tmp_path))
    other = hcc.score_one(["E11.22"], **given)["cms-hcc-v28"].normalized_score
    assert factor is not None
    assert other is not None
    assert other < factor
    monkeypatch.delenv("HCC_MAPPINGS")
    assert hcc.score_one(["E11.22"], **given) == shipped


def test_codes_that_map_nowhere_are_told_as_in_a_population() -> None:
    """RULINGS 14's four reasons; E11 is a header, Z0000 exists and maps nowhere, F3481X has no such code."""
    codes = ["SECRETNAME", "E11", "F3481X", "Z00.00", "E11.22"]
    one = hcc.score_one(codes, birth_date="1953-06-15", sex="F", payment_year=2026)
    assert one.uncounted == {
        "SECRETNAME": "INVALID_FORMAT", "E11": "NOT_VALID_ON_DOS", "F3481X": "UNKNOWN_CODE", "Z0000": "NOT_IN_MODEL",
    }  # fmt: skip


@pytest.mark.parametrize("codes", [iter(["E11.22"]), pl.Series(["E11.22"]), {"E11.22"}, ("E11.22",)])
def test_codes_in_anything_that_lists_them(codes: Any) -> None:
    """SPEC 7: F 72 with E11.22 alone; read letter by letter it would be the demographic score."""
    one = hcc.score_one(codes, birth_date="1953-06-15", sex="F", payment_year=2026)
    assert [score.hccs for score in one.models] == [["37"]]


def test_who_died_before_the_year_has_no_risk_score() -> None:
    """As in a population (SPEC P11); the scores themselves are there, to be looked at."""
    given: Row = {"birth_date": "1953-06-15", "sex": "F", "payment_year": 2026, "part_d_plan": "PDP"}
    one = hcc.score_one(["E11.22"], **given, death_date="2025-12-31")
    assert (one.risk_score, one.risk_score_d, one.no_score_reason) == (None, None, "DIED")
    rows = one.member_scores.select("part", "risk_score", "payable_months", "no_score_reason").rows()
    assert rows == [("C", None, 0, "DIED"), ("D", None, 0, "DIED")]
    alive = hcc.score_one(["E11.22"], **given)
    assert (alive.no_score_reason, alive.models) == (None, one.models)
    assert hcc.score_one(["E11.22"], **given, death_date="2026-01-01").risk_score == alive.risk_score
    odd = hcc.score_one(["E11.22"], **{**given, "birth_date": " 1953-06-15"}, death_date="12/31/2025")
    assert (odd.risk_score, odd.no_score_reason) == (None, "DIED")


def test_a_part_that_pays_without_a_score_says_why() -> None:
    """As in a population: Part D of 2024 has no model here, a graft without its months no segment."""
    given: Row = {"birth_date": "1953-06-15", "sex": "F"}
    columns = ("part", "risk_score", "payable_months", "frailty", "no_score_reason")
    one = hcc.score_one(["E11.22"], **given, payment_year=2024, part_d_plan="PDP")
    assert one.risk_score is not None
    assert one.member_scores.select(columns).rows() == [
        ("C", one.risk_score, 12, 0, None),
        ("D", None, 12, 0, "MODEL_NOT_AVAILABLE"),
    ]
    assert one.risk_score_d is None
    graft = hcc.score_one([], **given, payment_year=2026, esrd_status="graft")
    assert graft.member_scores.select(columns).rows() == [("C", None, 12, 0, "GRAFT_MONTHS_MISSING")]
    for death in ("2026-05-06", " 2026-05-06"):  # the second is read by intake
        gone = hcc.score_one([], **given, payment_year=2026, death_date=death)
        assert gone.member_scores.select(columns).rows() == [("C", gone.risk_score, 5, 0, None)]
        assert gone.risk_score is not None
    unpaid = hcc.score_one([], **given, payment_year=2026, program="none")
    assert unpaid.member_scores.select(columns).rows() == [("C", None, 0, 0, "NO_PROGRAM")]
    assert hcc.score_one([], **given, payment_year=2026, models=["cms-hcc-v28"]).parts == []


@pytest.mark.parametrize("age", [-1, 201, 5000, 72.5, "x", "", float("nan"), 10**30])
def test_an_age_that_is_none(age: Any) -> None:
    with pytest.raises(BadMember, match="age is no whole number from 0 to 200"):
        hcc.score_one([], age=age, sex="F", payment_year=2026)


def test_an_age_alone_agrees_with_itself() -> None:
    """Above 120: as for a birth date, scored and told (SPEC R-2.7)."""
    for age, flags in ((0, []), (120, []), (121, ["AGE_OVER_120"]), (200, ["AGE_OVER_120"]), ("72", []), (72.0, [])):
        one = hcc.score_one([], age=age, sex="F", payment_year=2026)
        assert (one.age, one.data_quality) == (int(age), flags)
    assert hcc.score_one([], birth_date="1853-06-15", sex="F", payment_year=2026).age == 172
    with pytest.raises(BadMember, match="disagree"):
        hcc.score_one([], age=72, birth_date="1952-06-15", sex="F", payment_year=2026)
    assert hcc.score_one([], age=73, birth_date="1952-06-15", sex="F", payment_year=2026).age == 73


@pytest.mark.parametrize("models", [[28], 28, [None], ["cms-hcc-v28", 28]])
def test_a_model_that_is_no_text(models: Any) -> None:
    given: Row = {"age": 72, "sex": "F", "payment_year": 2026}
    with pytest.raises(UnknownModel, match="by their names"):
        hcc.score_one([], models=models, **given)


NO_RULES = [0, -1, 1, 1999, 20260, 10**30]


@pytest.mark.parametrize("year", NO_RULES)
def test_a_year_without_rules(year: int, tmp_path: Path) -> None:
    """Told before anything is read: the files need not even be there."""
    with pytest.raises(UnknownYear, match=f"payment year {year}"):
        hcc.score_one([], age=72, sex="F", payment_year=year)
    with pytest.raises(UnknownYear, match=f"payment year {year}"):
        hcc.score("members.csv", "claims.csv", payment_year=year)
    with pytest.raises(UnknownYear, match=f"payment year {year}"):
        hcc.keep("members.csv", "claims.csv", payment_year=year, out=tmp_path / "kept")
    with pytest.raises(UnknownYear, match=f"payment year {year}"):
        score_and_find("members.csv", "claims.csv", payment_year=year)


@pytest.mark.parametrize("year", ["x", "", 2026.5, float("nan"), True])
def test_a_year_that_is_none(year: Any) -> None:
    with pytest.raises(HccError, match="payment_year is no year"):
        hcc.score_one([], age=72, sex="F", payment_year=year)
    assert hcc.score_one([], age=72, sex="F", payment_year="2026").payment_year == 2026  # type: ignore[arg-type]


@pytest.mark.parametrize("codes", ["E11.22", b"E1122", 1122])
def test_a_single_text_is_no_list(codes: Any) -> None:
    with pytest.raises(HccError, match="no list of codes"):
        hcc.score_one(codes, birth_date="1953-06-15", sex="F", payment_year=2026)


def test_where_the_hierarchy_modes_disagree_it_says_so() -> None:
    """SPEC S18 and R-2.16: both scores, and a warning; a population says the same of the member."""
    codes, who = ["Z944", "K766", "R402110"], {"birth_date": "1956-02-01", "sex": "F", "payment_year": 2026}
    found = {mode: hcc.score_one(codes, **who, hierarchy_mode=mode) for mode in ("cms_python", "cms_sas")}
    ours, others = (found[mode]["cms-hcc-v28"] for mode in ("cms_python", "cms_sas"))
    assert ours.raw_score != others.raw_score
    assert (ours.other_mode_raw_score, others.other_mode_raw_score) == (others.raw_score, ours.raw_score)
    for one in found.values():
        assert one.scores["hierarchy_modes_disagree"].to_list() == [True]
        assert "HIERARCHY_MODES_DISAGREE" in one.data_quality
    plain = hcc.score_one(["E119"], **who)
    assert plain["cms-hcc-v28"].other_mode_raw_score is None
    assert "HIERARCHY_MODES_DISAGREE" not in plain.data_quality


def test_a_run_is_shown_in_one_line() -> None:
    members = pl.DataFrame([{"member_id": "a", "birth_date": date(1950, 1, 1), "sex": "F"}])
    line = {"claim_id": "c", "member_id": "a", "thru_date": date(2025, 5, 5), "hcpcs": "99213", "diagnosis_1": "E119"}
    run = hcc.score(members, pl.DataFrame([line]), payment_year=2026)
    assert repr(run).startswith("<Run ")
    assert "payment year 2026, 1 members" in repr(run)
    gaps = hcc.find_gaps(run, as_of=date(2025, 12, 31))
    assert repr(gaps).startswith("<Gaps as of 2025-12-31")
    assert max(len(repr(run)), len(repr(gaps))) < 200
