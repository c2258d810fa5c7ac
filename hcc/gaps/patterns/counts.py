"""HCCs that hang on few claims, or on claims of one kind only (SPEC 6.4: AUD-SINGLE, AUD-HRA, AUD-CRR, AUD-ADDON …)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.events import live, with_encounter
from hcc.gaps.patterns.common import EVIDENCE, ROW, Found, PatternRows, counted_claims, shaped, with_codes
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import ClaimCount, OnlyOn

_LINKS = [
    (0, "linked", "each linked to an encounter"),
    (1, "unlinked", "none linked to an encounter"),
    (2, "linked_and_unlinked", "some linked to an encounter and some not"),
]
"""Number, status_reason and words."""


def claim_count(found: Found, rule: Rule, target: int) -> PatternRows:
    """HCCs that at most ``at_most`` counted claims carry."""
    assert isinstance(rule.pattern, ClaimCount)
    few = _by_encounter(found).filter(pl.col("claims") <= rule.pattern.at_most)
    rows = few.rename({"first_date": "first", "last_date": "last"}).with_columns(
        pl.lit(target).alias("target"), pl.lit(2).alias("verdict"), pl.lit(True).alias("falls")
    )
    return PatternRows(shaped(_with_codes(found, rows), ROW))


def _by_encounter(found: Found) -> pl.DataFrame:
    """Captured HCCs; ``claims`` counts a linked chart review and its encounter as one."""
    links, captured, on = found.context.evidence.links, found.hccs.captured, ["member_index", "m", "hcc"]
    if links is None:
        return captured
    some = counted_claims(found).lazy().join(links, on="member_index", how="semi")
    claims = with_encounter(found.context, some).select("member_index", "encounter", pl.col("diagnosis_code").cast(pl.String))
    mapped = found.hccs.counted_hccs(claims.unique().collect())
    counted = mapped.group_by(on).agg(pl.col("encounter").n_unique().cast(pl.UInt32).alias("encounters"))
    return captured.join(counted, on=on, how="left").with_columns(pl.coalesce("encounters", "claims").alias("claims"))


def only_on(found: Found, rule: Rule, target: int) -> PatternRows:
    """HCCs all of whose counted claims have one of the rule's properties."""
    pattern = rule.pattern
    assert isinstance(pattern, OnlyOn)
    claims = counted_claims(found)
    has = []
    if pattern.record_types:
        has.append(pl.col("record_type").cast(pl.String).is_in(pattern.record_types))
    if pattern.places_of_service:
        has.append(pl.col("place_of_service").cast(pl.String).is_in(pattern.places_of_service))
    if pattern.flags:
        # Flags are few different texts, joined by commas; the ones that hold a wanted flag are looked up once.
        texts = claims["flags"].cast(pl.String).fill_null("").unique().to_list()
        wanted = [text for text in texts if set(pattern.flags) & set(text.split(","))]
        has.append(pl.col("flags").cast(pl.String).is_in(wanted))
    by_record = claims.filter(pl.any_horizontal(has).fill_null(False)) if has else claims.clear()
    parts, specialties = [by_record], None
    services = _service_claims(found, pattern)
    if services is not None:
        parts.append(claims.join(services, on=["member_index", "claim_id"], how="semi"))
    if pattern.specialties and found.context.evidence.specialties is not None:
        specialties = _claims_of_specialties(found.context.evidence.specialties, pattern.specialties)
        parts.append(claims.join(specialties, on=["member_index", "claim_id"], how="semi"))
    chosen = pl.concat([p.select("member_index", "claim_id", "diagnosis_code", "date") for p in parts]).unique()
    mapped = found.hccs.counted_hccs(chosen.with_columns(pl.col("diagnosis_code").cast(pl.String)))
    rows = (
        with_codes(
            mapped, ("member_index", "m", "hcc"),
            pl.col("claim_id").n_unique().cast(pl.UInt32).alias("claims"),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
        )
        .join(
            found.hccs.captured.select("member_index", "m", "hcc", pl.col("claims").alias("all_claims")),
            on=["member_index", "m", "hcc"],
        )
        .filter(pl.col("claims") == pl.col("all_claims"))
        .with_columns(pl.lit(target).alias("target"), pl.lit(2).alias("verdict"), pl.lit(True).alias("falls"))
    )
    if specialties is not None:
        rows = _with_specialties(rows, mapped, specialties)
    answers = [_with_links(found, rows, mapped, target) if pattern.tell_links else PatternRows(shaped(rows, ROW))]
    if pattern.not_payable:
        answers.append(_not_payable(found, pattern, target))
    return PatternRows(pl.concat([a.rows for a in answers]), pl.concat([a.evidence for a in answers]))


def _with_links(found: Found, rows: pl.DataFrame, mapped: pl.DataFrame, target: int) -> PatternRows:
    """``rows`` that say whether their chart reviews are linked, and the encounters that these are linked to.

    ``mapped``: member_index, m, hcc, claim_id, date, diagnosis_code of the claims.
    """
    on = ["member_index", "m", "hcc"]
    links = found.context.evidence.links
    claims = mapped.join(rows.select(on), on=on, how="semi").with_columns(pl.col("claim_id").cast(pl.String))
    if links is None:
        claims = claims.with_columns(pl.lit(None, pl.String).alias("encounter"))
    else:
        known = links.with_columns(pl.col("claim_id", "encounter").cast(pl.String))
        known = known.join(claims.lazy().select("member_index").unique(), on="member_index", how="semi")
        claims = claims.join(known.collect(), on=["member_index", "claim_id"], how="left")
    linked = pl.col("encounter").is_not_null()
    why = pl.when(linked.all()).then(0).when(linked.any()).then(2).otherwise(1).alias("link")
    words = pl.DataFrame(_LINKS, schema=["link", "status_reason", "detail"], orient="row").cast({"link": pl.Int32})
    told = rows.join(claims.group_by(on).agg(why), on=on).join(words, on="link")
    shown = claims.select(
        *on, pl.lit(target).alias("target"), pl.lit("context").alias("stance"),
        pl.when(linked).then(pl.lit("claim")).otherwise(pl.lit("absence")).alias("kind"),
        pl.col("date").alias("evidence_date"), pl.coalesce("encounter", "claim_id").alias("claim_id"),
        pl.when(linked).then(pl.format("encounter that the chart review {} is linked to", "claim_id"))
        .otherwise(pl.lit("no encounter to which this chart review is linked")).alias("description"),
    )  # fmt: skip
    return PatternRows(shaped(told, ROW), shaped(shown.unique(), EVIDENCE))


def _not_payable(found: Found, pattern: OnlyOn, target: int) -> PatternRows:
    """A remark on the HCCs all of whose live records are left out for a reason of ``not_payable``, where nothing above
    them is captured."""
    on = ["member_index", "m", "hcc"]
    text = [pl.col("claim_id", "diagnosis_code", "reason").cast(pl.String)]
    barred = pl.col("reason").cast(pl.String).is_in(pattern.not_payable)
    records = live(found.context.diagnoses).filter(pl.col("thru_date") <= found.context.as_of)
    who = records.filter(barred).select("member_index").unique()
    records = records.join(who, on="member_index", how="semi").with_columns(text)
    mine = found.hccs.candidate_hccs(
        records.filter(barred).select("member_index", "claim_id", "diagnosis_code", pl.col("thru_date").alias("date"))
    )
    elsewhere = records.filter(~barred).select("member_index", "diagnosis_code").unique()
    elsewhere = elsewhere.join(found.hccs.mapping, on="diagnosis_code").select(on).unique()
    alone = mine.join(elsewhere, on=on, how="anti")
    known = found.hccs.with_captured(alone.select(on).unique()).filter(pl.col("same") | pl.col("higher"))
    alone = alone.join(known.select(on), on=on, how="anti")
    rows = with_codes(
        alone.with_columns(pl.col("m").min().over("member_index")), ("member_index", "m"),
        pl.col("claim_id").n_unique().cast(pl.UInt32).alias("claims"),
        pl.col("date").min().alias("first"),
        pl.col("date").max().alias("last"),
    ).with_columns(
        pl.lit(target).alias("target"), pl.lit(2).alias("verdict"), pl.lit(False).alias("falls"),
        pl.lit("informational").alias("status"), pl.lit("not_payable").alias("status_reason"),
    )  # fmt: skip
    shown = alone.select(
        *on, pl.lit(target).alias("target"), pl.lit("for").alias("stance"), pl.lit("claim").alias("kind"),
        pl.col("date").alias("evidence_date"), "claim_id", pl.col("diagnosis_code").alias("code"),
        pl.lit("chart review that is linked to no encounter and does not count").alias("description"),
    )  # fmt: skip
    return PatternRows(shaped(rows, ROW), shaped(shown.unique(), EVIDENCE))


def _claims_of_specialties(lines: pl.LazyFrame, specialties: tuple[str, ...]) -> pl.DataFrame:
    """member_index, claim_id, specialty of claims all of whose lines are of the specialties; an unknown one is none of
    them. One row per claim and specialty."""
    lines = lines.with_columns(pl.col("specialty").cast(pl.String))
    others = lines.filter(~pl.col("specialty").is_in(specialties).fill_null(False))
    return lines.join(others, on=["member_index", "claim_id"], how="anti").unique().collect()


def _with_specialties(rows: pl.DataFrame, mapped: pl.DataFrame, specialties: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with ``detail``: the specialties of their claims (``mapped``)."""
    on = ["member_index", "m", "hcc"]
    claims = mapped.with_columns(pl.col("claim_id").cast(specialties.schema["claim_id"]))
    named = claims.join(specialties, on=["member_index", "claim_id"]).group_by(on)
    return rows.join(named.agg(pl.col("specialty").unique().sort().str.join(", ").alias("detail")), on=on, how="left")


def _service_claims(found: Found, pattern: OnlyOn) -> pl.DataFrame | None:
    """member_index, claim_id of claims with a line of the pattern's services."""
    if "procedure" not in found.events.frames or not (pattern.services or pattern.vendor_services):
        return None
    concept = pl.col("concept").cast(pl.String)
    npis = found.plan.settings.hra_vendor_npis
    by_vendor = concept.is_in(pattern.vendor_services) & pl.col("rendering_npi").is_in(npis).fill_null(False)
    wanted = concept.is_in(pattern.services) | by_vendor
    return found.events.frames["procedure"].filter(wanted).select("member_index", "claim_id").unique()


def _with_codes(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    on = ["member_index", "m", "hcc"]
    codes = with_codes(found.hccs.behind.join(rows.select(on), on=on, how="semi"), on)
    return rows.join(codes, on=on, how="left")
