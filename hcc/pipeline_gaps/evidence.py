"""Evidence of the whole population as narrow frames, from which each range of members takes its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from hcc.diagnoses.held import held_by, with_version
from hcc.gaps import Evidence
from hcc.gaps.evidence import fills_of_members, procedures, results
from hcc.gaps.needs import Needs, asks_absent_drug, needs
from hcc.pipeline.plan import Plan
from hcc.pipeline_gaps.sources import RECORD, Sources, Withdrawals, deletes, live_lines, with_record
from hcc.rules.gap_rules import GapRules
from hcc.rules.valuesets import ValueSets

EARLIEST = date(1900, 1, 1)


@dataclass(frozen=True, eq=False)
class PopulationEvidence:
    """Frames by name, sorted by member; a table that was not given is absent. ``unused_results``, ``unidentified_fills``:
    how many results were not used and how many fills nothing identifies, by reason."""

    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    unused_results: Mapping[str, int] = field(default_factory=dict)
    unidentified_fills: Mapping[str, int] = field(default_factory=dict)

    def of(self, start: int, stop: int) -> Evidence:
        """Evidence of the members ``start`` to ``stop`` (exclusive)."""
        return Evidence(**{name: _slice(frame, start, stop).lazy() for name, frame in self.frames.items()})


def _slice(frame: pl.DataFrame, start: int, stop: int) -> pl.DataFrame:
    member = frame["member_index"]
    low, high = int(member.search_sorted(start)), int(member.search_sorted(stop))
    return frame.slice(low, high - low)


def population_evidence(
    sources: Sources,
    plan: Plan,
    rules: GapRules,
    valuesets: ValueSets,
    members: pl.DataFrame,
    as_of: date,
    counted: pl.DataFrame,
) -> PopulationEvidence:
    """Everything the rules look at, up to ``as_of``. ``members``: member_id, member_index. ``counted``: member_index,
    diagnosis_code of the run (to find members about whom unidentified fills matter)."""
    wanted = needs(rules, valuesets)
    index = members.lazy().select("member_id", "member_index")
    frames: dict[str, pl.LazyFrame] = {}
    unidentified: dict[str, int] = {}
    if "pharmacy" in sources.extras:
        pharmacy = sources.extras["pharmacy"]
        concerned = _concerned(rules, valuesets, members, counted)
        *both, unidentified = fills_of_members(
            pharmacy, valuesets, members.select("member_id", "member_index"), concerned,
            classes=wanted.drug_classes, since=EARLIEST, until=as_of,
        )  # fmt: skip
        frames |= dict(zip(("fills", "unidentified_fills"), (one.lazy() for one in both), strict=True))
        del both
    if "observations" in sources.extras:
        frames["results"] = results(
            sources.extras["observations"], valuesets, members=index, concepts=wanted.result_concepts, until=as_of,
            unread=True,
        ).select(
            "member_index", "observation_date", "concept", "use", "value", "low", "high", "finding", "loinc",
            "comparator", "reason",
        )  # fmt: skip
    withdrawals = Withdrawals.among(sources, plan)
    lines = live_lines(sources, withdrawals)
    frames["procedures"] = procedures(
        lines, valuesets, members=index, concepts=wanted.procedure_concepts, codes=wanted.procedure_codes, until=as_of
    ).select(
        "member_index", "claim_id", "date", "concept", "evidence", "code", "place_of_service", "rendering_npi"
    )  # fmt: skip
    frames["diagnoses"] = _diagnoses(sources, plan, lines, members, counted, wanted, valuesets, as_of)
    stays = _stays(lines, index, as_of)
    if stays is not None:
        frames["stays"] = stays
    links = _links(lines, index)
    if links is not None:
        frames["links"] = links
    specialties = _specialties(lines, index, plan, wanted, as_of)
    if specialties is not None:
        frames["specialties"] = specialties
    gone = deletes(sources, withdrawals, index)
    if gone is not None:
        gone = gone.filter(pl.col("date") <= as_of).collect(engine="streaming").lazy()
        frames["deletes"] = gone
        if "submission_date" in lines.collect_schema().names():
            frames["submitted"] = _submitted(lines, index, gone)
    for table, day in (("problems", "recorded_date"), ("chart_findings", "service_date")):
        if table in sources.extras:
            frames[table] = _of_members(sources.extras[table], index).filter(pl.col(day) <= as_of)
    # Sorted once, so that a piece of the members is a slice; what was sorted is let go before the next is read.
    collected = {
        name: frames.pop(name).collect(engine="streaming").sort("member_index") for name in tuple(frames)
    }  # fmt: skip
    unused = dict[str, int]()
    if "results" in collected:
        found = collected["results"]
        unused = dict(found["reason"].drop_nulls().value_counts(name="rows").sort("reason").iter_rows())
        used = pl.col("reason").is_null() | (pl.col("use").cast(pl.String) == "unread")
        collected["results"] = found.filter(used).drop("reason")
    return PopulationEvidence(collected, unused, unidentified)


def _stays(lines: pl.LazyFrame, index: pl.LazyFrame, as_of: date) -> pl.LazyFrame | None:
    """member_index, claim_id, since: first day of hospital stays that last longer than their last day."""
    if not {"from_date", "claim_type"} <= set(lines.collect_schema().names()):
        return None
    return (
        lines.filter(pl.col("claim_type").cast(pl.String) == "inpatient", pl.col("from_date") < pl.col("thru_date"))
        .filter(pl.col("thru_date") <= as_of)
        .group_by("claim_id", "member_id")
        .agg(pl.col("from_date").min().alias("since"))
        .join(index, on="member_id")
        .select("member_index", "claim_id", "since")
    )


def _links(lines: pl.LazyFrame, index: pl.LazyFrame) -> pl.LazyFrame | None:
    """member_index, claim_id, encounter: linked chart reviews."""
    if not {"linked_claim_id", "record_type"} <= set(lines.collect_schema().names()):
        return None
    return (
        lines.filter(pl.col("record_type").cast(pl.String) == "chart_review", pl.col("linked_claim_id").is_not_null())
        .select("claim_id", "member_id", pl.col("linked_claim_id").alias("encounter"))
        .unique(["claim_id", "member_id"])
        .join(index, on="member_id")
        .select("member_index", "claim_id", "encounter")
    )


def _specialties(
    lines: pl.LazyFrame, index: pl.LazyFrame, plan: Plan, wanted: Needs, as_of: date
) -> pl.LazyFrame | None:
    """member_index, claim_id, specialty: of professional claims of the year with a specialty that a rule names, the
    specialties of all lines (null unknown). Institutional claims name none."""
    if not wanted.specialties or "specialty" not in lines.collect_schema().names():
        return None
    start, end = plan.decisions.lines.window
    of_year = lines.filter(pl.col("thru_date").is_between(start, min(end, as_of)))
    if "claim_type" in lines.collect_schema().names():
        of_year = of_year.filter(pl.col("claim_type").cast(pl.String) == "professional")
    named = of_year.filter(pl.col("specialty").cast(pl.String).is_in(sorted(wanted.specialties)))
    some = named.select("claim_id").unique().collect(engine="streaming")
    whole = of_year.join(some.lazy(), on="claim_id", how="semi").select("claim_id", "member_id", "specialty").unique()
    return whole.join(index, on="member_id").select("member_index", "claim_id", "specialty")


def _submitted(lines: pl.LazyFrame, index: pl.LazyFrame, deletes: pl.LazyFrame) -> pl.LazyFrame:
    """member_index, claim_id, submitted: the last submission of the claims of members with a delete."""
    concerned = index.join(deletes.select("member_index").unique(), on="member_index", how="semi")
    return (
        lines.select("claim_id", "member_id", pl.col("submission_date").alias("submitted"))
        .drop_nulls()
        .join(concerned, on="member_id")
        .group_by("member_index", "claim_id")
        .agg(pl.col("submitted").max())
    )


def _of_members(frame: pl.LazyFrame, index: pl.LazyFrame) -> pl.LazyFrame:
    found = frame.join(index, on="member_id").drop("member_id")
    if "code_system" in found.collect_schema().names():
        found = found.filter(pl.col("code_system").cast(pl.String) == "ICD-10-CM")
    return found


def _concerned(rules: GapRules, valuesets: ValueSets, members: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """Members with a diagnosis whose rule asks for the absence of a drug that NDCs find incompletely."""
    codes, prefixes = asks_absent_drug(rules, valuesets)
    code = pl.col("diagnosis_code").cast(pl.String)
    asked = code.is_in(codes)
    if prefixes:
        asked = asked | code.str.contains("^(?:" + "|".join(prefixes) + ")")
    return _having(asked, members, counted)


def _having(asked: pl.Expr, members: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    known = counted.select("diagnosis_code").unique().filter(asked)["diagnosis_code"]
    who = counted.filter(pl.col("diagnosis_code").is_in(known.implode())).select("member_index").unique()
    return members.join(who, on="member_index", how="semi").select("member_id", "member_index")


def _diagnoses(
    sources: Sources,
    plan: Plan,
    lines: pl.LazyFrame,
    members: pl.DataFrame,
    counted: pl.DataFrame,
    wanted: Needs,
    valuesets: ValueSets,
    as_of: date,
) -> pl.LazyFrame:
    """Live diagnoses of interest that the run's own table lacks: other years, and codes that map nowhere.

    Diagnoses that only matter beside another one are looked for in the members who have that one.
    """
    start, end = plan.decisions.lines.window
    masks = wanted.code_masks(_known_codes(plan, valuesets), plan.codes.code, valuesets)
    bits = _member_bits(wanted, valuesets, members, counted)
    asked = [_asked(with_version(sources.current, sources.lines), masks, bits)]
    if sources.history is not None:
        earlier = with_version(sources.history, sources.lines)
        asked.append(_asked(earlier, masks.filter(pl.col("years") > 0), bits))
    codes = [one.collect(engine="streaming") for one in asked]
    claim_id = pl.concat([one.select("claim_id") for one in codes]).unique()
    names = lines.collect_schema().names()
    optional = [
        (pl.col(name).cast(pl.String) if name in names else pl.lit(default, pl.String)).alias(name)
        for name, default in (
            ("claim_type", "professional"), ("record_type", "encounter"), ("place_of_service", None),
        )
    ]  # fmt: skip
    heads = (
        with_record(lines.filter(pl.col("thru_date") <= as_of))
        .select(*RECORD, pl.col("thru_date").alias("date"), *optional)
        .join(claim_id.lazy(), on="claim_id", how="semi")
        .group_by(RECORD)
        .agg(
            pl.col("date").max(), pl.col("claim_type").first(), pl.col("record_type").first(),
            pl.col("place_of_service").drop_nulls().first(),
        )
    )  # fmt: skip
    mask = pl.when(pl.col("date").is_between(start, end)).then("year").otherwise("years")
    records = heads.collect(engine="streaming").lazy()
    held = [held_by(one.lazy(), records).drop("version") for one in codes]
    return (
        pl.concat(held, how="diagonal").unique()
        .join(masks.lazy(), on="diagnosis_code")
        .join(bits.lazy(), on="member_id")
        .filter((mask & pl.col("bits")) > 0)
        .select(
            "member_index", "claim_id", "date", "diagnosis_code", "claim_type", "record_type",
            pl.lit(None, pl.Boolean).alias("counted"), "place_of_service",
        )
    )  # fmt: skip


def _known_codes(plan: Plan, valuesets: ValueSets) -> pl.Series:
    """ICD-10-CM codes that exist, in our value sets, or in a model."""
    lists = [valuesets.ccir["diagnosis_code"], valuesets.diagnoses["diagnosis_code"], plan.codes.code]
    return pl.concat([one.cast(pl.String).rename("diagnosis_code") for one in lists]).unique()


def _member_bits(wanted: Needs, valuesets: ValueSets, members: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """member_id, member_index, bits: which of ``wanted.diagnoses`` matter for the member."""
    known = counted.select(pl.col("diagnosis_code").cast(pl.String)).unique()
    everyone = sum(2**i for i, looked in enumerate(wanted.diagnoses) if looked.triggers is None)
    rows = [
        known.filter(looked.triggers.condition(valuesets)).with_columns(pl.lit(2**i, pl.UInt64).alias("bit"))
        for i, looked in enumerate(wanted.diagnoses)
        if looked.triggers is not None
    ]
    by_code = pl.concat(rows).group_by("diagnosis_code").agg(pl.col("bit").bitwise_or())
    triggered = (
        counted.lazy()
        .join(
            by_code.lazy().with_columns(pl.col("diagnosis_code").cast(counted.schema["diagnosis_code"])),
            on="diagnosis_code",
        )
        .group_by("member_index")
        .agg(pl.col("bit").bitwise_or())
        .collect(engine="streaming")
    )
    return members.join(triggered, on="member_index", how="left").select(
        "member_id", "member_index", (pl.col("bit").fill_null(0) | everyone).cast(pl.UInt64).alias("bits")
    )


def _asked(diagnoses: pl.LazyFrame, masks: pl.DataFrame, bits: pl.DataFrame) -> pl.LazyFrame:
    """claim_id, diagnosis_code that some rule may look at, with the member and the version of the claim where the
    source tells them; else the claim tells later."""
    # The filter goes into the reader, the join does not.
    code = pl.col("diagnosis_code").cast(pl.String)
    found = diagnoses.filter(code.is_in(masks["diagnosis_code"].implode())).with_columns(code)
    found = found.join(masks.lazy(), on="diagnosis_code")
    if "member_id" in diagnoses.collect_schema().names():
        either = pl.col("year") | pl.col("years")
        matters = pl.col("member_id").is_null() | ((either & pl.col("bits")) > 0)
        found = found.join(bits.lazy(), on="member_id", how="left").filter(matters)
    told = [name for name in ("member_id", "version") if name in diagnoses.collect_schema().names()]
    return found.select("claim_id", *told, "diagnosis_code").unique()
