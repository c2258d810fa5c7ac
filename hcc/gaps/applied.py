"""What falls and what comes when all open gaps of a member and direction are acted on, in every model of the member."""

from __future__ import annotations

import polars as pl

from hcc.gaps.hccs import HCC, M
from hcc.gaps.patterns.common import Found, each_code, number_of_codes

_KEY = ["member_index", "m", "hcc"]
_CODE = ["member_index", "diagnosis_code"]


def applied(found: Found, rows: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """member_index, unsupported, m, h: HCCs that fall (``unsupported``) or come (else), before hierarchies.

    ``rows``: the gaps (h the HCC), with status, falls, by_codes, codes; ``claims``: ``GapRows.claims``. A gap questions
    diagnoses, and these stand behind HCCs of other models too: of each model falls what nothing else gives, whether or
    not the model has a gap of its own. What a missing gap adds comes in every model to which all its codes lead, but
    nothing that is acute there: that is not recaptured.
    """
    opened = rows.filter(pl.col("status") == "open", pl.col("h").is_not_null()).rename({"h": "hcc", "hcc": "hcc_text"})
    falling = _falling(found, opened.filter("unsupported"), claims)
    acute = rows.filter(pl.col("status_reason") == "acute").select("member_index", "m", pl.col("h").alias("hcc"))
    coming = _coming(found, opened.filter(~pl.col("unsupported")).select(*_KEY, "codes"), acute)
    both = [part.with_columns(pl.lit(off).alias("unsupported")) for part, off in ((falling, True), (coming, False))]
    return pl.concat(both).select("member_index", "unsupported", "m", pl.col("hcc").alias("h"))


def _falling(found: Found, opened: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Captured HCCs (``_KEY``) every counted diagnosis of which is questioned by some open gap."""
    whole = opened.filter(pl.col("falls").fill_null(False)).select(_KEY).unique()
    behind = found.hccs.behind.join(opened.select("member_index").unique(), on="member_index", how="semi")
    gone = _gone(behind, opened, whole, claims)
    keyed = behind.join(gone.with_columns(pl.lit(True).alias("gone")), on=_CODE, how="left").with_columns(_number())
    fallen = keyed.group_by("_key").agg(pl.col("gone").is_not_null().all()).filter("gone").select(*_of_number())
    return pl.concat([whole, fallen.join(found.hccs.captured.select(_KEY), on=_KEY, how="semi")]).unique()


def _gone(behind: pl.DataFrame, opened: pl.DataFrame, whole: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """member_index, diagnosis_code: codes every counted claim of which is in question: all behind an HCC that falls as
    a whole, those meant wherever they stand, and those questioned claim by claim."""
    standing = opened.filter(~pl.col("falls").fill_null(False))
    by_codes = each_code(standing.filter("by_codes").select("member_index", "codes").unique())
    single = standing.filter(~pl.col("by_codes")).select(*_KEY, "rule")
    singled = claims.join(single, on=[*_KEY, "rule"], how="semi")
    asked = singled.group_by(_CODE).agg(pl.col("claim_id").n_unique().alias("asked"))
    counted = behind.select(*_CODE, "claims").join(asked, on=_CODE).filter(pl.col("asked") >= pl.col("claims"))
    parts = [behind.join(whole, on=_KEY, how="semi"), by_codes, counted]
    return pl.concat([part.select(_CODE) for part in parts]).unique()


def _coming(found: Found, opened: pl.DataFrame, acute: pl.DataFrame) -> pl.DataFrame:
    """HCCs (``_KEY``) of the open gaps, and those of the member's other models to which all codes of a gap lead, but
    for those of ``acute``."""
    own = opened.select(_KEY).unique()
    texts = opened.select("codes").filter(pl.col("codes") != "").unique()
    each = each_code(texts.with_columns(pl.col("codes").alias("text"))).rename({"text": "codes"})
    edits = found.hccs.edits.select("diagnosis_code")
    edited = each.join(edits, on="diagnosis_code", how="semi").select("codes").unique()
    every = pl.col("given") == number_of_codes()
    given = pl.col("diagnosis_code").n_unique().alias("given")
    alike = (
        each.join(edited, on="codes", how="anti")
        .join(found.hccs.mapping, on="diagnosis_code")
        .group_by("codes", "m", "hcc")
        .agg(given)
        .filter(every)
    )
    asked = opened.select("member_index", "codes").unique()
    plain = asked.join(alike, on="codes").join(found.hccs.scored, on=["member_index", "m"], how="semi")
    some = asked.join(edited, on="codes", how="semi").join(each, on="codes")
    single = found.hccs.candidate_hccs(some).group_by("member_index", "codes", "m", "hcc").agg(given).filter(every)
    further = pl.concat([plain.select(_KEY), single.select(_KEY)]).unique()
    further = further.join(found.hccs.captured, on=_KEY, how="anti").join(acute, on=_KEY, how="anti")
    return pl.concat([own, further]).unique()


def _number() -> pl.Expr:
    """Member, model and HCC as one number (UInt64): groups of it are found many times faster."""
    wide = [pl.col(name).cast(pl.UInt64) for name in _KEY]
    return ((wide[0] * 2**8 + wide[1]) * 2**16 + wide[2]).alias("_key")


def _of_number() -> list[pl.Expr]:
    number = pl.col("_key")
    return [
        (number // 2**24).cast(pl.UInt32).alias("member_index"),
        (number // 2**16 % 2**8).cast(M).alias("m"),
        (number % 2**16).cast(HCC).alias("hcc"),
    ]


__all__ = ["applied"]
