"""What a reader of a gap list has to know about the evidence that was given: counts only, no value of a member."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from hcc.pipeline_gaps.sources import DECIDES_AS_OF, TELLING_ROWS, Sources, by_month
from hcc.rules.gap_windows import back

_LONG = timedelta(days=366)


def before_the_search(sources: Sources, as_of: date) -> list[str]:
    """Notes that need no gap to be found."""
    return [
        *_strange_as_of(sources, as_of), *_findings_of_no_claim(sources), *_other_code_systems(sources),
        *_hardly_covered(sources, as_of),
    ]  # fmt: skip


def _strange_as_of(sources: Sources, as_of: date) -> list[str]:
    """A day outside the inputs is nearly always a slip of the year."""
    if as_of < sources.year_start:
        return [
            f"As of {as_of} nothing of the data-collection year, which begins on {sources.year_start}, is known: is "
            "--as-of right?"
        ]
    if sources.latest is not None and as_of - sources.latest > _LONG:
        return [
            f"No service, fill or result is later than {sources.latest}; as of {as_of} what came after is taken to be "
            "known and absent: is --as-of right?"
        ]
    return []


def _other_code_systems(sources: Sources) -> list[str]:
    """Entries of problem lists in SNOMED CT and the like are counted, not read (hcc schema --inputs problems)."""
    problems = sources.extras.get("problems")
    if problems is None or "code_system" not in problems.collect_schema().names():
        return []
    others = pl.col("code_system").cast(pl.String) != "ICD-10-CM"
    number = problems.select(others.sum()).collect(engine="streaming").item()
    if not number:
        return []
    return [f"problems: {number:,} row(s) are in another code system than ICD-10-CM and were not read."]


def _hardly_covered(sources: Sources, as_of: date) -> list[str]:
    """Notes about tables too small to tell which days they speak for, with rows in less than half of the year's months."""
    first, told = sources.year_start, []
    year = {back(first, -number, "month") for number in range(12)}
    passed = {month for month in year if month <= as_of}
    for table in sorted(set(DECIDES_AS_OF) & set(sources.days)):
        months = by_month(sources.days[table], as_of)
        rows, met = sum(months.values()), len(set(months) & passed)
        if 0 < rows < TELLING_ROWS and 2 * met < len(passed):
            told.append(
                f"{table}: {rows:,} row(s), in {met} of the {len(passed)} months since {first.isoformat()}. So small a table "
                "is taken to speak for whole years; if it is an extract, rules that look for absence flag too much."
            )
    return told


def _findings_of_no_claim(sources: Sources) -> list[str]:
    """What there is to say of findings that did not support a diagnosis on a claim that nobody knows: they question
    nothing, since any other claim of the day may have another record."""
    findings = sources.extras.get("chart_findings")
    if findings is None or "claim_id" not in findings.collect_schema().names():
        return []
    key = ["member_id", "claim_id"]
    failed = findings.filter(pl.col("verdict").cast(pl.String) == "not_supported", pl.col("claim_id").is_not_null())
    named = failed.select(pl.col(key).cast(pl.String)).collect(engine="streaming")
    claims = sources.lines.filter(pl.col("claim_id").is_in(named["claim_id"].unique().implode())).select(key)
    lost = named.join(claims.unique().collect(engine="streaming"), on=key, how="anti").height
    if not lost:
        return []
    return [
        f"chart_findings: {lost:,} finding(s) did not support a diagnosis on a claim that the member does not have; they "
        "question nothing. Leave claim_id empty to mean all claims of the day."
    ]


_WHY_UNUSED = {
    "STATUS": "cancelled or entered in error", "EXCLUDED_CODE": "a test that is no measure of the concept",
    "NO_VALUE": "no value that can be read", "UNKNOWN_UNIT": "an unknown unit", "NO_UNIT": "no unit, and none that it "
    "must be", "IMPLAUSIBLE": "not plausible",
}  # fmt: skip


def unidentified_note(fills: Mapping[str, int]) -> list[str]:
    """A fill that nothing identifies is counted; what it does to rules is told in their rows (RULINGS 23)."""
    if not fills:
        return []
    why = ", ".join(f"{rows:,} {reason}" for reason, rows in sorted(fills.items()))
    return [
        f"pharmacy: {sum(fills.values()):,} fill(s) name no drug that is known here ({why}). 'hcc rules import' takes an NDC "
        "directory or RxNorm files of your own."
    ]


def unused_note(unused: Mapping[str, int]) -> list[str]:
    """RULINGS 30: results that are not used are counted."""
    if not unused:
        return []
    why = ", ".join(f"{rows:,} {_WHY_UNUSED.get(reason, reason)}" for reason, rows in sorted(unused.items()))
    done = set(unused) - {"STATUS"}
    told = f"observations: {sum(unused.values()):,} result(s) of tests that rules ask for have no value that is used: {why}."
    return [told + (" Those not cancelled still show that a test was done." if done else "")]
