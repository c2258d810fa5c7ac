"""Recapture: HCCs of earlier years against this year's (SPEC 5.3, RULINGS 16)."""

from __future__ import annotations

import polars as pl

from hcc.gaps.hccs import number
from hcc.gaps.patterns.common import EVIDENCE, ROW, Found, PatternRows, plural, shaped
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
    earlier = _per_hcc(history)
    now = found.hccs.captured.join(found.hccs.scored.select("member_index", "m"), on=["member_index", "m"], how="semi")
    rows = _judged(found, earlier, now)
    new = now.join(earlier.select(_KEY), on=_KEY, how="anti").select(
        *_KEY, pl.lit("closed").alias("status"), pl.lit("new").alias("status_reason"),
        pl.col("first_date").alias("first"), pl.col("last_date").alias("last"), "claims",
    )  # fmt: skip
    both = pl.concat([shaped(rows, ROW), shaped(new, ROW)]).with_columns(
        pl.lit(target, pl.UInt16).alias("target"), pl.lit(2, pl.UInt8).alias("verdict")
    )
    return PatternRows(both, _evidence(rows, target))


def history_of(found: Found, years: int) -> pl.DataFrame | None:
    """HCCs of the years looked back on: member_index, m, hcc, service_year, diagnosis_codes, first_date, last_date, claims."""
    if found.context.history_hccs is None:
        return None
    first = found.context.year - years
    frame = found.hccs.numbered(found.context.history_hccs).with_columns(number("hcc"))
    frame = frame.filter(pl.col("service_year").is_between(first, found.context.year - 1))
    return frame.join(found.hccs.scored.select("member_index", "m"), on=["member_index", "m"], how="semi")


def _per_hcc(history: pl.DataFrame) -> pl.DataFrame:
    """One row per member and HCC: the latest year's codes, first and last day of all years."""
    uncertain = pl.col("uncertain") if "uncertain" in history.columns else pl.lit(False)
    return (
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
        )
    )


def _judged(found: Found, earlier: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    rows = found.hccs.with_captured(earlier)
    open_rows = rows.filter(~pl.col("same"), ~pl.col("higher")).select(*_KEY)
    equal = _equivalent(found, open_rows, now)
    lower = _lower(found, open_rows, now)
    rows = (
        rows.join(equal, on=_KEY, how="left")
        .join(lower, on=_KEY, how="left")
        .join(_acute(found, earlier), on=_KEY, how="left")
    )
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
    detail = pl.when(other.is_not_null()).then(pl.format("{}|{}", years, other)).otherwise(pl.format("{}|", years))
    return rows.with_columns(
        status.alias("status"), because.alias("status_reason"), detail.alias("detail"),
        pl.col("diagnosis_codes").cast(pl.String).alias("codes"),
    )  # fmt: skip


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


def _acute(found: Found, earlier: pl.DataFrame) -> pl.DataFrame:
    """_KEY and ``acute``: HCCs that are not recaptured (CMS's flag, our overrides, ICD-level where an HCC mixes)."""
    path = find("gaps", "recapture_overrides.csv", mappings=found.context.mappings)
    overrides = pl.read_csv(path, infer_schema=False)
    overrides = overrides.join(found.hccs.models.select("m", "model"), on="model").select(
        "m", number("hcc"), "decision", "chronic_prefixes"
    )
    flags = found.hccs.labels.join(overrides, on=["m", "hcc"], how="left")
    rows = earlier.select(*_KEY, "diagnosis_codes").join(flags, on=["m", "hcc"], how="left")
    prefixes = pl.col("chronic_prefixes").fill_null("")
    codes = pl.col("diagnosis_codes").cast(pl.String).str.split(",")
    mixed = rows.filter(pl.col("decision") == "mixed").with_row_index("_row")
    chronic = (
        mixed.select("_row", codes.alias("code"), prefixes.str.split("|").alias("prefix"))
        .explode("code").explode("prefix")
        .group_by("_row").agg(pl.col("code").str.starts_with(pl.col("prefix")).any().alias("chronic"))
    )  # fmt: skip
    decided_mixed = mixed.join(chronic, on="_row", how="left").select(
        *_KEY, (~pl.col("chronic").fill_null(False)).alias("acute")
    )
    plain = rows.filter(pl.col("decision").fill_null("") != "mixed").select(
        *_KEY,
        pl.when(pl.col("decision") == "acute").then(True)
        .when(pl.col("decision") == "chronic").then(False)
        .otherwise(~pl.col("is_chronic").fill_null(True)).alias("acute"),
    )  # fmt: skip
    return pl.concat([plain, decided_mixed])


def _evidence(rows: pl.DataFrame, target: int) -> pl.DataFrame:
    """The last record of the earlier years, and of what closed the row."""
    history = rows.filter(pl.col("last").is_not_null(), pl.col("status_reason") != "same").select(
        *_KEY, pl.lit(target).alias("target"), pl.lit("for").alias("stance"), pl.lit("claim").alias("kind"),
        pl.col("last").alias("evidence_date"), pl.col("diagnosis_codes").cast(pl.String).alias("code"),
pl.format(
            "counted on {} of {}",
            plural(pl.col("claims"), "claim", "claims"),
            pl.col("years").cast(pl.List(pl.String)).list.join(" and "),
        ).alias("description"),
    )  # fmt: skip
    return shaped(history, EVIDENCE)
