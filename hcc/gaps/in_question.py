"""What unsupported rows question (codes wherever they stand, or single claims), and whether the HCC stands without it.

Targets of one rule about one member, model and HCC are one row: a reader decides about the HCC, and the sum of their
codes can take it away where each alone leaves it standing.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hcc.gaps.patterns.common import Found, each_code, number_behind, number_of_codes, with_codes
from hcc.gaps.plan import Plan

HCC_KEY = ["member_index", "m", "hcc"]
ROW_KEY = [*HCC_KEY, "rule"]


def of_claim_types(plan: Plan) -> tuple[pl.Expr, list[int]]:
    """Whether a claim (target, claim_type) is of the types that its target means, and the targets that mean some types
    only."""
    holds, some = pl.lit(True), []
    for planned in plan.targets:
        coded = planned.target.coded or plan.rules[planned.rule].coded
        if coded.claim_types:
            some.append(planned.id)
            holds = holds & ((pl.col("target") != planned.id) | pl.col("claim_type").is_in(coded.claim_types))
    return holds, some


def united(found: Found, rows: pl.DataFrame, rank: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per member, model, HCC and rule, sorted by these: the first by ``rank`` (UInt64, below 2**32), strength
    and target. An unsupported row, or a remark, takes over the codes and claims of its rule's other targets of the same
    status.

    Also: the rows that were united, one per target.
    """
    if rows.is_empty():
        return rows, rows
    wide = {name: pl.col(name).fill_null(0).cast(pl.UInt64) for name in ("m", "hcc", "rule", "strength", "target")}
    # One number sorts many times faster than four columns; members are counted from the first of them.
    member = (pl.col("member_index") - pl.col("member_index").min()).cast(pl.UInt64)
    key = ((member * 2**8 + wide["m"]) * 2**16 + wide["hcc"]) * 2**16 + wide["rule"]
    rows = rows.with_columns(
        key.alias("_row"), ((rank * 4 + 3 - wide["strength"]) * 2**16 + wide["target"]).alias("_rank")
    ).sort("_row", maintain_order=True)
    keys, ranks = rows["_row"].to_numpy(), rows["_rank"].to_numpy()
    again = np.nonzero(keys[1:] == keys[:-1])[0]
    several = np.unique(np.concatenate([again, again + 1]))  # rows that share their key with another
    order = several[np.lexsort((several, ranks[several], keys[several]))]
    kept = np.ones(len(keys), dtype=bool)
    kept[order[1:][keys[order[1:]] == keys[order[:-1]]]] = False
    whole, parts = rows.filter(pl.Series(kept)), _parts(rows[order])
    if not parts.is_empty():
        sums = _sums(found, whole, parts)
        place = np.arange(whole.height)
        place[np.searchsorted(whole["_row"].to_numpy(), sums["_row"].to_numpy())] = whole.height + np.arange(sums.height)
        whole = pl.concat([whole, sums])[place]
    return whole.drop("_row", "_rank"), parts.drop("_row", "_rank")


def _parts(rows: pl.DataFrame) -> pl.DataFrame:
    """Unsupported rows and remarks, best first within a key, that have the status of the first: one that cannot be
    judged adds nothing to one that is open."""
    rows = rows.filter(pl.col("unsupported") | (pl.col("status") == "informational"))
    first = rows.unique("_row", keep="first", maintain_order=True).select("_row", "status", "status_reason")
    alike = rows.join(first, on=["_row", "status", "status_reason"], how="semi", nulls_equal=True)
    return alike.filter(pl.len().over("_row") > 1)


def _sums(found: Found, whole: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``whole`` (its columns) that have parts, about all of them."""
    codes = with_codes(
        each_code(parts), ROW_KEY, pl.col("_row").first(), pl.col("first").min(), pl.col("last").max(),
        pl.col("weakened").max(), pl.col("by_codes").all(), pl.col("claims").max().alias("most"),
    )  # fmt: skip
    mine = ["codes", "claims", "first", "last", "weakened", "by_codes"]
    sums = whole.drop(mine).join(codes.drop(ROW_KEY), on="_row").join(_number_of_claims(found, parts), on="_row", how="left")
    return sums.with_columns(pl.coalesce("claims", "most").alias("claims")).select(whole.columns).cast(whole.schema)


def _number_of_claims(found: Found, parts: pl.DataFrame) -> pl.DataFrame:
    """_row, claims: different claims of the year that count and carry a code of any of the parts."""
    context = found.context
    frame = found.events.frames["diagnosis"].join(parts.select("member_index").unique(), on="member_index", how="semi")
    frame = frame.filter(
        pl.col("counted").fill_null(False), pl.col("date").is_between(context.year_start, context.year_until)
    )
    holds, _ = of_claim_types(found.plan)
    asked = each_code(parts.select("_row", "member_index", "target", "codes"))
    asked = asked.with_columns(pl.col("diagnosis_code").cast(frame.schema["diagnosis_code"], strict=False))
    claims = frame.join(asked, on=["member_index", "diagnosis_code"]).filter(holds)
    return claims.group_by("_row").agg(pl.col("encounter").n_unique().cast(pl.UInt32).alias("claims"))


def single_claims(found: Found, rows: pl.DataFrame, parts: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Of rows that mean single claims: ``ROW_KEY``, claim_id, diagnosis_code of every counted diagnosis in question.

    ``claims`` (``CLAIMS``): by target. A part that means its codes wherever they stand adds all claims of them.
    """
    meant = rows.filter("unsupported", ~pl.col("by_codes"), pl.col("target").is_in(claims["target"].unique().implode()))
    mixed = parts.join(rows.filter("unsupported", ~pl.col("by_codes")).select(ROW_KEY), on=ROW_KEY, how="semi")
    meant = pl.concat([meant.join(mixed.select(ROW_KEY), on=ROW_KEY, how="anti"), mixed])
    asked = each_code(meant.select(*ROW_KEY, "target", "by_codes", "codes"))
    of_target = asked.filter(~pl.col("by_codes")).join(claims, on=["member_index", "target", "diagnosis_code"])
    everywhere = asked.filter("by_codes")
    columns = [*ROW_KEY, "claim_id", "diagnosis_code"]
    if everywhere.is_empty():
        return of_target.select(columns).unique()
    counted = found.context.diagnoses.filter("counted", pl.col("thru_date") <= found.context.as_of).select(
        "member_index", pl.col("claim_id", "diagnosis_code").cast(pl.String)
    )
    wide = everywhere.join(counted, on=["member_index", "diagnosis_code"])
    return pl.concat([of_target.select(columns), wide.select(columns)]).unique()


def with_fall(found: Found, rows: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Fill ``falls`` of unsupported rows: no counted diagnosis outside the ones in question gives the HCC.

    ``claims``: ``single_claims``. Rows keep their order.
    """
    undecided = pl.col("unsupported") & pl.col("falls").is_null()
    open_question = rows.filter(undecided)
    if open_question.is_empty():
        return rows
    keys = open_question.select(HCC_KEY).unique()
    by_code = (
        found.hccs.behind.join(keys, on=HCC_KEY, how="semi")
        .group_by(HCC_KEY)
        .agg(pl.col("diagnosis_code").n_unique().alias("n_behind"))
    )
    by_claim = number_behind(found, open_question.filter(~pl.col("by_codes")))
    asked = claims.group_by(ROW_KEY).agg(pl.len().alias("asked"))
    codes_gone = number_of_codes() >= pl.col("n_behind").fill_null(0)
    claims_gone = pl.col("asked").fill_null(0) >= pl.col("behind").fill_null(0)
    decided = (
        open_question.join(by_code, on=HCC_KEY, how="left", maintain_order="left")
        .join(by_claim, on=HCC_KEY, how="left", maintain_order="left")
        .join(asked, on=ROW_KEY, how="left", maintain_order="left")
        .select(pl.when("by_codes").then(codes_gone).otherwise(claims_gone))
        .to_series()
    )
    place = rows.select(undecided.arg_true()).to_series()
    return rows.with_columns(rows["falls"].scatter(place, decided).alias("falls"))
