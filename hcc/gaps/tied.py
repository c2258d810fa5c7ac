"""HCCs that come and go with another one: a diagnosis can map to two HCCs of a model (SPEC R-2.4)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.patterns.common import Found, each_code, number_of_codes

_KEY = ["member_index", "m", "hcc"]
_CODE = ["m", "diagnosis_code"]


def with_tied(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (``FULL``) with ``tied`` (String, null none): HCCs of the row's model, joined by commas, that are gone
    without the diagnoses in question too, or that every code of a missing row gives as well. Rows keep their order."""
    falling = rows.filter("unsupported", pl.col("falls").fill_null(False)).select(_KEY)
    coming = rows.filter(~pl.col("unsupported"), pl.col("hcc").is_not_null()).select(*_KEY, "codes")
    gone = _gone_too(found, falling.unique()).with_columns(pl.lit(None, pl.String).alias("codes"))
    # What is acute is not recaptured, by no code.
    acute = rows.filter(pl.col("status_reason") == "acute").select("member_index", "m", pl.col("hcc").alias("other"))
    given = _given_too(found, coming).join(acute, on=["member_index", "m", "other"], how="anti")
    parts = [gone, given]
    words = pl.col("other").unique().sort().cast(pl.String).str.join(",").alias("tied")
    tied = pl.concat(part.select(*_KEY, "codes", "other") for part in parts).group_by(*_KEY, "codes").agg(words)
    # Only rows of missing HCCs go by their codes: of the others all that give the HCC are in question.
    codes = pl.when(~pl.col("unsupported")).then("codes").alias("_codes")
    falls = pl.col("unsupported") & ~pl.col("falls").fill_null(False)
    joined = rows.with_columns(codes).join(
        tied, left_on=[*_KEY, "_codes"], right_on=[*_KEY, "codes"], how="left", maintain_order="left", nulls_equal=True
    )
    return joined.with_columns(pl.when(~falls).then("tied").alias("tied")).drop("_codes")


def _gone_too(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """``_KEY`` and other: HCCs every counted diagnosis of which gives the row's HCC as well."""
    behind = found.hccs.behind.select(*_KEY, "diagnosis_code")
    code = ["member_index", *_CODE]
    doubled = behind.join(_several(found), on=_CODE, how="semi").filter(pl.len().over(code) > 1)
    pairs = doubled.join(doubled.rename({"hcc": "other"}), on=code).filter(pl.col("hcc") != pl.col("other"))
    shared = pairs.group_by(*_KEY, "other").agg(pl.col("diagnosis_code").n_unique().alias("shared"))
    other = ["member_index", "m", "other"]
    whole = (
        behind.rename({"hcc": "other"})
        .join(shared.select(other).unique(), on=other, how="semi")
        .group_by(other)
        .agg(pl.col("diagnosis_code").n_unique().alias("whole"))
    )
    tied = shared.join(whole, on=other).filter(pl.col("shared") == pl.col("whole"))
    return tied.join(rows, on=_KEY, how="semi").select(*_KEY, "other")


def _given_too(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """``_KEY``, codes and other: HCCs that are not captured and that every code of the row gives the member as well."""
    several = _several(found)["diagnosis_code"].unique()
    texts = rows.select("codes").unique()
    # Nearly all lists fall out by their first code, before they are taken to pieces.
    texts = texts.filter(pl.col("codes").str.split(",").list.first().is_in(several.implode()))
    texts = each_code(texts.with_columns(pl.col("codes").alias("text")))
    every = pl.col("diagnosis_code").is_in(several.implode()).all().over("text")
    texts = texts.filter(every).select("diagnosis_code", pl.col("text").alias("codes"))
    asked = rows.join(texts.select("codes").unique(), on="codes", how="semi")
    given = found.hccs.candidate_hccs(asked.select("member_index", "codes").unique().join(texts, on="codes"))
    whole = (
        given.group_by("member_index", "codes", "m", "hcc")
        .agg(pl.col("diagnosis_code").n_unique().alias("given"))
        .filter(pl.col("given") == number_of_codes())
        .select("member_index", "codes", "m", pl.col("hcc").alias("other"))
    )
    captured = found.hccs.captured.select("member_index", "m", pl.col("hcc").alias("other"))
    return (
        asked.join(whole, on=["member_index", "codes", "m"])
        .filter(pl.col("hcc") != pl.col("other"))
        .join(captured, on=["member_index", "m", "other"], how="anti")
        .select(*_KEY, "codes", "other")
        .unique()
    )


def _several(found: Found) -> pl.DataFrame:
    """m, diagnosis_code of several HCCs."""
    return found.once(
        "codes of several HCCs",
        lambda: found.hccs.mapping.group_by(_CODE).agg(pl.len()).filter(pl.col("len") > 1).select(_CODE),
    )


__all__ = ["with_tied"]
