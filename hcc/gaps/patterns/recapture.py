"""Recapture: HCCs of earlier years against this year's (SPEC 5.3, RULINGS 16)."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from hcc.gaps.hccs import number
from hcc.gaps.patterns.common import CODES, EVIDENCE, ROW, Found, PatternRows, plural, shaped
from hcc.gaps.validity import not_in_year, successors
from hcc.rules.folders import find
from hcc.rules.gap_grammar import Rule
from hcc.rules.gap_patterns import Recapture

_KEY = ["member_index", "m", "hcc"]


def recapture(found: Found, rule: Rule, target: int) -> PatternRows:
    """Every HCC of the ``years`` before, in the models of now, with what became of it; and this year's new ones.

    closed: same, higher (an ancestor is captured), equivalent (one of its family with the same coefficient), lower (only
    a descendant). suppressed: acute. indeterminate: a retired code that could be several HCCs. Else open.
    """
    pattern = rule.pattern
    assert isinstance(pattern, Recapture)
    history = history_of(found, pattern.years)
    if history is None:
        return PatternRows(pl.DataFrame(schema=ROW))
    earlier = _per_hcc(_lasting(found, history))
    now = found.hccs.captured.join(found.hccs.scored.select("member_index", "m"), on=["member_index", "m"], how="semi")
    standing = found.hccs.standing.join(
        found.hccs.scored.select("member_index", "m"), on=["member_index", "m"], how="semi"
    )
    rows = _judged(found, earlier, standing)
    new = now.join(earlier.select(_KEY), on=_KEY, how="anti").select(
        *_KEY, pl.lit("closed").alias("status"), pl.lit("new").alias("status_reason"),
        pl.col("first_date").alias("first"), pl.col("last_date").alias("last"), "claims",
    )  # fmt: skip
    both = pl.concat([shaped(rows, ROW), shaped(new, ROW)]).with_columns(
        pl.lit(target, pl.UInt16).alias("target"), pl.lit(2, pl.UInt8).alias("verdict")
    )
    return PatternRows(both, _evidence(rows, _named_claims(found, rows, pattern.years), target))


def history_of(found: Found, years: int, *, named: bool = False) -> pl.DataFrame | None:
    """HCCs of the years looked back on: member_index, m, hcc, service_year, diagnosis_codes, first_date, last_date,
    claims; and with ``named``, the lists of claims."""
    if found.context.history_hccs is None:
        return None
    first = found.context.year - years
    history = found.context.history_hccs if named else found.context.history_hccs.drop("named", strict=False)
    frame = found.hccs.numbered(history).with_columns(number("hcc"))
    frame = frame.filter(pl.col("service_year").is_between(first, found.context.year - 1))
    return frame.join(found.hccs.scored.select("member_index", "m"), on=["member_index", "m"], how="semi")


def _lasting(found: Found, history: pl.DataFrame) -> pl.DataFrame:
    """``history`` with ``acute``: whether what was coded is not recaptured (SPEC R-5.7).

    Of an HCC that mixes, the years with a chronic code stay, with their chronic codes alone: an acute episode beside or
    after the condition ends nothing. Where no year has one, all stay and are acute.
    """
    kinds = found.once("recapture kinds", lambda: _kinds(found))
    whole = history.join(kinds.filter("by_code"), on=["m", "hcc"], how="anti").join(
        kinds.select("m", "hcc", "acute"), on=["m", "hcc"], how="left"
    )
    mixed = history.join(kinds.filter("by_code"), on=["m", "hcc"], how="semi")
    if mixed.is_empty():
        return whole
    kept = _chronic_codes(found, kinds, mixed.select("m", "hcc", "diagnosis_codes").unique())
    mixed = mixed.join(kept, on=["m", "hcc", "diagnosis_codes"], how="left")
    chronic = mixed.filter(pl.col("chronic_codes").is_not_null())
    acute = mixed.filter(pl.col("chronic_codes").is_null()).join(chronic.select(_KEY).unique(), on=_KEY, how="anti")
    return pl.concat(
        [
            whole,
            chronic.with_columns(diagnosis_codes="chronic_codes", acute=pl.lit(False)).select(whole.columns),
            acute.with_columns(acute=pl.lit(True)).select(whole.columns),
        ]
    )


def _kinds(found: Found) -> pl.DataFrame:
    """m, hcc, acute, by_code, prefixes (list), ccir, undetermined: CMS's flag of each HCC and our overrides of it.

    ``by_code``: its codes differ; those with a prefix are chronic, and of the rest, where ``ccir``, those that AHRQ's
    indicator calls so, and those without determination where ``undetermined``.
    """
    path = find("gaps", "recapture_overrides.csv", mappings=found.context.mappings)
    overrides = pl.read_csv(path, infer_schema=False)
    overrides = overrides.join(found.hccs.models.select("m", "model"), on="model").with_columns(number("hcc"))
    decision = pl.col("decision").fill_null("")
    return found.hccs.labels.join(overrides.drop("model"), on=["m", "hcc"], how="left").select(
        "m",
        "hcc",
        pl.when(decision == "acute").then(True)
        .when(decision == "chronic").then(False)
        .otherwise(~pl.col("is_chronic").fill_null(True)).alias("acute"),
        decision.is_in(["prefixes", "by_code"]).alias("by_code"),
        pl.col("chronic_prefixes").str.split("|").fill_null([]).alias("prefixes"),
        (decision == "by_code").alias("ccir"),
        (pl.col("without_determination") == "chronic").fill_null(False).alias("undetermined"),
    )  # fmt: skip


def _chronic_codes(found: Found, kinds: pl.DataFrame, lists: pl.DataFrame) -> pl.DataFrame:
    """m, hcc, diagnosis_codes, chronic_codes: those of each list that are chronic; lists without one are left out."""
    each = lists.with_columns(pl.col("diagnosis_codes").cast(pl.String).str.split(",").alias("diagnosis_code")).explode(
        "diagnosis_code"
    )
    codes = each.select("m", "hcc", "diagnosis_code").unique().join(kinds, on=["m", "hcc"])
    named = codes.select("m", "hcc", "diagnosis_code", pl.col("prefixes").alias("prefix")).explode("prefix")
    named = named.filter(pl.col("diagnosis_code").str.starts_with(pl.col("prefix")).fill_null(False))
    told = codes.join(found.context.valuesets.ccir, on="diagnosis_code", how="left").filter(
        "ccir", (pl.col("indicator") == "1") | (pl.col("undetermined") & (pl.col("indicator").fill_null("9") == "9"))
    )
    chronic = pl.concat([part.select("m", "hcc", "diagnosis_code") for part in (named, told)]).unique()
    return (
        each.join(chronic, on=["m", "hcc", "diagnosis_code"], how="semi")
        .group_by("m", "hcc", "diagnosis_codes")
        .agg(pl.col("diagnosis_code").sort().str.join(",").alias("chronic_codes"))
    )


def acute_of(found: Found, codes: pl.DataFrame) -> pl.DataFrame:
    """``codes`` (m, hcc, diagnosis_code and more) with ``acute``: whether the condition is not recaptured."""
    kinds = found.once("recapture kinds", lambda: _kinds(found))
    lists = codes.select("m", "hcc", pl.col("diagnosis_code").alias("diagnosis_codes")).unique()
    chronic = _chronic_codes(found, kinds.filter("by_code"), lists)
    chronic = chronic.select("m", "hcc", pl.col("diagnosis_codes").alias("diagnosis_code"), pl.lit(True).alias("chronic"))
    return (
        codes.join(kinds.select("m", "hcc", "by_code", pl.col("acute").alias("whole")), on=["m", "hcc"], how="left")
        .join(chronic, on=["m", "hcc", "diagnosis_code"], how="left")
        .with_columns(
            pl.when(pl.col("by_code").fill_null(False)).then(pl.col("chronic").is_null())
            .otherwise(pl.col("whole").fill_null(False)).alias("acute")
        )
        .drop("by_code", "whole", "chronic")
    )  # fmt: skip


def _candidates(found: Found, rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with ``codes``: ``diagnosis_codes``, with what became of those that the year no longer has.

    A code without a known successor in the same HCC is no candidate.
    """
    ended = found.once("ended codes", lambda: not_in_year(found.context))
    lists = rows.select("m", "hcc", "diagnosis_codes").unique()
    each = lists.with_columns(pl.col("diagnosis_codes").cast(pl.String).str.split(",").alias("diagnosis_code")).explode(
        "diagnosis_code"
    )
    gone = each.join(ended, on="diagnosis_code", how="semi")
    if gone.is_empty():
        return rows.with_columns(pl.col("diagnosis_codes").cast(pl.String).alias("codes"))
    now = (
        gone.join(found.once("successors", lambda: successors(found.context)), on="diagnosis_code")
        .with_columns(diagnosis_code="successor")
        .drop("successor")
        .join(found.hccs.mapping, on=["m", "hcc", "diagnosis_code"], how="semi")
    )
    touched = each.join(gone.select(lists.columns).unique(), on=lists.columns, how="semi")
    codes = (
        pl.concat([touched.join(ended, on="diagnosis_code", how="anti"), now])
        .unique()
        .group_by(lists.columns)
        .agg(pl.col("diagnosis_code").sort().str.join(",").alias("codes"))
    )
    changed = gone.select(lists.columns).unique().join(codes, on=lists.columns, how="left")
    changed = changed.with_columns(pl.col("codes").fill_null(""))
    return rows.join(changed, on=lists.columns, how="left").with_columns(
        pl.coalesce("codes", pl.col("diagnosis_codes").cast(pl.String)).alias("codes")
    )


def _per_hcc(history: pl.DataFrame) -> pl.DataFrame:
    """One row per member and HCC: the latest year's codes, ``told``: those of all years, first and last day of all."""
    uncertain = pl.col("uncertain") if "uncertain" in history.columns else pl.lit(False)
    history = history.with_columns(pl.col("diagnosis_codes").cast(pl.String))
    earlier = (
        history.with_columns(uncertain.alias("uncertain"))
        .sort("service_year")
        .group_by(_KEY, maintain_order=True)
        .agg(
            pl.col("diagnosis_codes").last(),
            pl.col("service_year").unique().sort().alias("years"),
            pl.col("first_date").min().alias("first"),
            pl.col("last_date").max().alias("last"),
            pl.col("claims").sum().cast(pl.UInt32),
            pl.col("uncertain").all(),
            pl.col("acute").first(),
            pl.col("diagnosis_codes").n_unique().alias("lists"),
        )
    )
    several = earlier.filter(pl.col("lists") > 1).select(_KEY)
    codes = (
        history.join(several, on=_KEY, how="semi")
        .select(*_KEY, pl.col("diagnosis_codes").str.split(",").alias("diagnosis_code"))
        .explode("diagnosis_code")
        .group_by(_KEY)
        .agg(CODES.alias("told"))
    )
    return (
        earlier.drop("lists").join(codes, on=_KEY, how="left").with_columns(told=pl.coalesce("told", "diagnosis_codes"))
    )


def _judged(found: Found, earlier: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    rows = found.hccs.with_captured(earlier)
    open_rows = rows.filter(~pl.col("same"), ~pl.col("higher")).select(*_KEY)
    equal = _equivalent(found, open_rows, now)
    lower = _lower(found, open_rows, now)
    rows = rows.join(equal, on=_KEY, how="left").join(lower, on=_KEY, how="left")
    rows = _candidates(found, rows)
    because = (
        pl.when("same").then(pl.lit("same"))
        .when("higher").then(pl.lit("higher"))
        .when(pl.col("equal_hcc").is_not_null()).then(pl.lit("equivalent"))
        .when(pl.col("lower_hcc").is_not_null()).then(pl.lit("lower"))
        .when(pl.col("acute").fill_null(False)).then(pl.lit("acute"))
        .when("uncertain").then(pl.lit("code_retired"))
        .otherwise(pl.lit(""))
    )  # fmt: skip
    status = because.replace_strict(
        {"acute": "suppressed", "code_retired": "indeterminate", "": "open"}, default="closed", return_dtype=pl.String
    )
    other = pl.coalesce(pl.when("same").then(None).otherwise(pl.col("higher_hcc")), "equal_hcc", "lower_hcc")
    years = pl.col("years").cast(pl.List(pl.String)).list.join(" and ")
    detail = pl.format("{}|{}|{}", years, other.cast(pl.String).fill_null(""), "told")
    return rows.with_columns(status.alias("status"), because.alias("status_reason"), detail.alias("detail"))


def _equivalent(found: Found, rows: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """HCCs of the same family captured with the same coefficient in the member's segment: + equal_hcc."""
    family = found.once("families", lambda: families(found))
    worth = found.once("coefficients", lambda: coefficients(found))
    here = (
        rows.join(found.hccs.scored, on=["member_index", "m"])
        .join(family, on=["m", "hcc"])
        .join(worth, on=["m", "segment", "hcc"])
    )
    there = (
        now.select(_KEY)
        .join(found.hccs.scored, on=["member_index", "m"])
        .join(family, on=["m", "hcc"])
        .join(worth, on=["m", "segment", "hcc"])
        .rename({"hcc": "equal_hcc"})
    )
    return (
        here.join(there, on=["member_index", "m", "segment", "family", "coefficient"])
        .filter(pl.col("hcc") != pl.col("equal_hcc"))
        .group_by(_KEY)
        .agg(pl.col("equal_hcc").sort().first())
    )


def _lower(found: Found, rows: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Captured HCCs below the one of earlier years: + lower_hcc."""
    below = found.hccs.above.rename({"hcc": "lower_hcc", "ancestor": "hcc"})
    have = now.select("member_index", "m", pl.col("hcc").alias("lower_hcc"))
    return (
        rows.join(below, on=["m", "hcc"])
        .join(have, on=["member_index", "m", "lower_hcc"], how="semi")
        .group_by(_KEY)
        .agg(pl.col("lower_hcc").sort().first())
    )


def families(found: Found) -> pl.DataFrame:
    """m, hcc, family: connected by hierarchy within one body group (mappings/gaps/body_groups.csv; SPEC R-5.10)."""
    groups = pl.read_csv(find("gaps", "body_groups.csv", mappings=found.context.mappings), infer_schema=False)
    rows: list[tuple[int, str, str]] = []
    for m, rules in enumerate(found.context.models):
        spans = [
            (int(first), int(last), name)
            for name, first, last in groups.filter(pl.col("model") == rules.model)
            .select("body_group", "first_hcc", "last_hcc").iter_rows()
        ]  # fmt: skip
        group_of = {hcc: next((g for low, high, g in spans if low <= int(hcc) <= high), "") for hcc in rules.hcc_list}
        parent = {hcc: hcc for hcc in rules.hcc_list}

        def root(hcc: str, parent: dict[str, str] = parent) -> str:
            while parent[hcc] != hcc:
                hcc = parent[hcc]
            return hcc

        for upper, lower in rules.hierarchies.select("hcc", "drops_hcc").iter_rows():
            if group_of.get(upper) == group_of.get(lower) and upper in parent and lower in parent:
                parent[root(lower)] = root(upper)
        rows += [(m, hcc, root(hcc)) for hcc in rules.hcc_list]
    return pl.DataFrame(rows, schema={"m": pl.UInt8, "hcc": pl.String, "family": pl.String}, orient="row").with_columns(
        number("hcc"), number("family")
    )


def coefficients(found: Found) -> pl.DataFrame:
    """m, segment, hcc, coefficient (thousandths)."""
    parts = []
    for m, rules in enumerate(found.context.models):
        names = pl.DataFrame({"hcc": rules.hcc_list, "variable": [rules.variable_of(hcc) for hcc in rules.hcc_list]})
        joined = rules.coefficients.join(names, on="variable")
        parts.append(joined.select(pl.lit(m, pl.UInt8).alias("m"), "segment", number("hcc"), "coefficient"))
    return pl.concat(parts)


def _named_claims(found: Found, rows: pl.DataFrame, years: int) -> pl.DataFrame:
    """``_KEY``, service_year, claim_id, date, diagnosis_code: the earlier claims behind ``rows`` that ask somebody."""
    schema = {"service_year": pl.Int16, "claim_id": pl.String, "date": pl.Date, "diagnosis_code": pl.String}
    history = found.context.history_hccs
    asked = rows.filter(pl.col("status").is_in(["open", "indeterminate"]) | (pl.col("status_reason") == "lower"))
    if history is None or "named" not in history.columns or asked.is_empty():
        return asked.select(_KEY).clear().with_columns(pl.lit(None, dtype).alias(name) for name, dtype in schema.items())
    some = history.filter(pl.col("named").is_not_null()).join(
        asked.select("member_index").unique(), on="member_index", how="semi"
    )
    lists = history_of(replace(found, context=replace(found.context, history_hccs=some)), years, named=True)
    assert lists is not None
    code = pl.format(",{},", pl.col("diagnosis_code").cast(pl.String))
    return (
        lists.select(*_KEY, "service_year", "named")
        .join(asked.select(*_KEY, "told"), on=_KEY)
        .explode("named")
        .unnest("named")
        # Of an HCC that mixes, the acute codes are not told.
        .filter(pl.format(",{},", "told").str.contains(code, literal=True))
        .select(*_KEY, *(pl.col(name).cast(dtype) for name, dtype in schema.items()))
        .unique()
    )


def _evidence(rows: pl.DataFrame, named: pl.DataFrame, target: int) -> pl.DataFrame:
    """The claims of the earlier years by name; where only their number is known, that and the last day."""
    fixed = (pl.lit(target).alias("target"), pl.lit("for").alias("stance"), pl.lit("claim").alias("kind"))
    claims = named.select(
        *_KEY, *fixed, pl.col("date").alias("evidence_date"), "claim_id", pl.col("diagnosis_code").alias("code"),
        pl.format("counted in {}", "service_year").alias("description"),
    )  # fmt: skip
    bare = rows.filter(pl.col("last").is_not_null(), pl.col("status_reason") != "same").join(
        named.select(_KEY).unique(), on=_KEY, how="anti"
    )
    history = bare.select(
        *_KEY, *fixed, pl.col("last").alias("evidence_date"), pl.col("told").alias("code"),
        pl.format(
            "counted on {} of {}",
            plural(pl.col("claims"), "claim", "claims"),
            pl.col("years").cast(pl.List(pl.String)).list.join(" and "),
        ).alias("description"),
    )  # fmt: skip
    return pl.concat([shaped(claims, EVIDENCE), shaped(history, EVIDENCE)])
