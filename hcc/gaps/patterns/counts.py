"""HCCs that hang on few claims, or on claims of one kind only (SPEC 6.4: AUD-SINGLE, AUD-HRA, AUD-CRR, AUD-ADDON …)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.events import with_encounter
from hcc.gaps.patterns.common import ROW, Found, PatternRows, counted_claims, shaped, with_codes
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import ClaimCount, OnlyOn


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
    parts = [by_record]
    services = _service_claims(found, pattern)
    if services is not None:
        parts.append(claims.join(services, on=["member_index", "claim_id"], how="semi"))
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
    return PatternRows(shaped(rows, ROW))


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
