"""gap_evidence: each claim, fill, result and finding for, against or beside a gap, with its date.

Rows are put together with numbers for gaps, stances and kinds; one sort of one packed number orders them all.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.gaps.context import FILE_OPTION
from hcc.gaps.evaluate import Hits
from hcc.gaps.evidence_form import (
    ABSENT,
    AGAINST,
    CLAIMS,
    COMPACT,
    CONTEXT,
    FOR,
    KINDS,
    OTHERS,
    OUT,
    OWN,
    STANCES,
    TEXT,
    UNREAD,
    descriptions,
    fixed,
)
from hcc.gaps.evidence_terms import term_rows
from hcc.gaps.in_question import ROW_KEY
from hcc.gaps.patterns.common import EVIDENCE, Found, Schema, each_code, shaped
from hcc.gaps.plan import TABLE_OF, Plan, PlannedTarget, form_of
from hcc.gaps.rows import GapRows

MOST_PER_TERM = 25  # newest events shown of one kind; the rest is counted in a line of its own
_SHOWN = ("open", "indeterminate", "informational")
_DAYS, _ORDERS, _DATED = 22, 8, 1 << 20
_NAMES_CODES = ("problem", "finding")


def evidence_rows(found: Found, hits: Hits, gaps: pl.DataFrame, listed: GapRows) -> pl.DataFrame:
    """The evidence of all gaps (columns of the table without run_id), numbered within each gap.

    ``gaps``: the gap rows with gap_id, member_index, m, hcc (a number), target, rule, codes …, in the order of the list;
    ``listed``: the rows they come from. Closed and suppressed rows ask nobody anything and have none, but for those that
    a clinician may look at (lower).
    """
    shown = gaps.with_row_index("gap").filter(pl.col("status").is_in(_SHOWN) | (pl.col("status_reason") == "lower"))
    targets = _of_all_targets(shown, listed.parts)
    claims = listed.claims.join(shown.select("gap", *ROW_KEY), on=ROW_KEY)
    parts = [
        _claims_in_question(found, shown, claims),
        _what_keeps_it(found, shown, claims),
        _what_does_not_count(found, shown),
        _patterns(targets, listed.evidence),
        *term_rows(found, hits, targets),
        _absences(found, hits, targets),
        _unread_fills(shown),
    ]
    return _numbered(_said_once(pl.concat([shaped(part, COMPACT) for part in parts])), gaps["gap_id"])


def _said_once(rows: pl.DataFrame) -> pl.DataFrame:
    """Each result once: several terms can mean it, and beside a gap stands nothing that speaks for it or against it."""
    is_result = pl.col("kind") == KINDS.index("result")
    results = rows.filter(is_result)
    if results.is_empty():
        return rows
    said = ["gap", "date", "code", "value"]
    results = results.sort("stance", "order").unique(said, keep="first", maintain_order=True)
    return pl.concat([rows.filter(~is_result), results])


def _numbered(rows: pl.DataFrame, gap_id: pl.Series) -> pl.DataFrame:
    """Sort by gap, stance, term and day, keep the newest of each term, and number."""
    day = pl.col("date").to_physical().cast(pl.Int64).fill_null(_DATED - 1) + _DATED
    wide = [pl.col(name).cast(pl.UInt64) for name in ("gap", "stance", "order")]
    key = ((wide[0] * 4 + wide[1]) * 2**_ORDERS + wide[2]) * 2**_DAYS + day.cast(pl.UInt64)
    # Equal days are told apart by what is said, so that the same evidence has the same number in every run.
    rows = rows.with_columns(key.alias("_key"), pl.struct("kind", *TEXT).hash().alias("_said"))
    rows = rows.sort("_key", "_said")
    keys, said = rows["_key"].to_numpy(), rows["_said"].to_numpy()
    again = np.zeros(len(keys), dtype=bool)
    again[1:] = (keys[1:] == keys[:-1]) & (said[1:] == said[:-1])
    rows, keys = rows.filter(pl.Series(~again)), keys[~again]
    before_end = _runs(keys >> np.uint64(_DAYS))[1]
    kept = before_end <= MOST_PER_TERM  # one more than the newest: it becomes the line that counts the rest
    rows = _with_rest(rows.filter(pl.Series(kept)), before_end[kept])
    place = _runs(rows["gap"].to_numpy())[0] + 1
    return pl.DataFrame(
        {
            "gap_id": gap_id.gather(rows["gap"]),
            "evidence_number": pl.Series(place, dtype=pl.Int64),
            "stance": rows["stance"].cat.to(pl.Enum(STANCES)),
            "kind": rows["kind"].cat.to(pl.Enum(KINDS)),
            "evidence_date": rows["date"],
            **{name: rows[name] for name in TEXT},
        }
    ).select(OUT)


def _runs(values: NDArray[np.unsignedinteger]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each entry of a sorted array: place within its run from 0, and how many of the run come after it."""
    size = len(values)
    if size == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.nonzero(np.concatenate([[True], values[1:] != values[:-1]]))[0]
    lengths = np.diff(np.concatenate([starts, [size]]))
    place = np.arange(size) - np.repeat(starts, lengths)
    return place, np.repeat(lengths, lengths) - 1 - place


def _with_rest(rows: pl.DataFrame, before_end: NDArray[np.int64]) -> pl.DataFrame:
    rest = pl.Series(before_end == MOST_PER_TERM)
    if not rest.any():
        return rows
    more = pl.lit(f"and older ones of this kind, up to this day; the newest {MOST_PER_TERM} are listed")
    none = pl.lit(None, pl.String)
    return rows.with_columns(
        pl.when(rest).then(CONTEXT).otherwise("stance").cast(pl.UInt8).alias("stance"),
        pl.when(rest).then(more).otherwise("description").alias("description"),
        *(pl.when(rest).then(none).otherwise(name).alias(name) for name in ("claim_id", "value")),
    )


def _of_all_targets(gaps: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """``gaps`` with a row for every target that a gap is about."""
    if parts.is_empty():
        return gaps
    more = parts.select(*ROW_KEY, pl.col("target").alias("other")).join(gaps, on=ROW_KEY)
    more = more.filter(pl.col("other") != pl.col("target")).drop("target").rename({"other": "target"})
    return pl.concat([gaps, more.select(gaps.columns)])


def _claims_in_question(found: Found, gaps: pl.DataFrame, single: pl.DataFrame) -> pl.DataFrame:
    """Counted claims that carry the codes of unsupported gaps; of gaps about single claims (``single``) only these."""
    context = found.context
    asked = gaps.filter("unsupported", pl.col("status") != "informational").select("gap", "member_index", "codes")
    asked = each_code(asked.join(single, on="gap", how="anti")).filter(pl.col("diagnosis_code").is_not_null())
    counted = context.diagnoses.lazy().filter("counted", pl.col("thru_date") <= context.as_of)
    code = context.diagnoses.schema["diagnosis_code"]
    by_code = counted.join(
        asked.with_columns(pl.col("diagnosis_code").cast(code)).lazy(), on=["member_index", "diagnosis_code"]
    ).with_columns(pl.col("diagnosis_code", "claim_id").cast(pl.String))
    parts = [_as_claims(by_code, FOR, CLAIMS)]
    if not single.is_empty():
        on = ["member_index", "claim_id", "diagnosis_code"]
        mine = counted.join(single.select("member_index").unique().lazy(), on="member_index", how="semi")
        mine = mine.with_columns(pl.col("diagnosis_code", "claim_id").cast(pl.String))
        parts.append(_as_claims(mine.join(single.select("gap", *on).lazy(), on=on), FOR, CLAIMS))
    shown = pl.concat(pl.collect_all(parts))
    return shown.join(descriptions(context), left_on="code", right_on="diagnosis_code", how="left")


def _as_claims(claims: pl.LazyFrame, stance: int, order: int, **more: pl.Expr) -> pl.LazyFrame:
    """Evidence rows of decided diagnoses (the run's columns, and gap), and what more is asked of them."""
    place = pl.col("place_of_service").cast(pl.String)
    record = pl.col("record_type").cast(pl.String)
    value = pl.concat_str(
        pl.col("claim_type").cast(pl.String),
        pl.when(place != "").then(pl.lit(", place of service ") + place).otherwise(pl.lit("")),
        pl.when(record != "encounter").then(pl.lit(", ") + record.str.replace_all("_", " ")).otherwise(pl.lit("")),
    )
    return claims.select(
        "gap", *fixed(stance, "claim", order), pl.col("thru_date").alias("date"), "claim_id",
        pl.col("diagnosis_code").alias("code"), value.alias("value"), **more,
    )  # fmt: skip


def _what_keeps_it(found: Found, gaps: pl.DataFrame, single: pl.DataFrame) -> pl.DataFrame:
    """What else gives the same HCC speaks against the gap: other counted codes, and where a gap is about single claims,
    every other claim."""
    context = found.context
    stands = gaps.filter("unsupported", ~pl.col("falls").fill_null(True)).select(
        "gap", "member_index", "m", "hcc", "codes"
    )
    if stands.is_empty():
        return pl.DataFrame(schema=COMPACT)
    by_code = stands.join(single, on="gap", how="anti")
    others = (
        found.hccs.behind.join(by_code, on=["member_index", "m", "hcc"])
        .filter(~pl.col("diagnosis_code").is_in(pl.col("codes").str.split(",")))
        .select(
            "gap", *fixed(AGAINST, "claim", OTHERS), pl.col("last_date").alias("date"),
            pl.lit(None, pl.String).alias("claim_id"), pl.col("diagnosis_code").alias("code"),
            pl.format("gives the same HCC, claims: {}", "claims").alias("value"),
        )
    )  # fmt: skip
    by_claim = stands.join(single, on="gap", how="semi")
    codes = found.hccs.behind.select("member_index", "m", "hcc", "diagnosis_code").join(
        by_claim.drop("codes"), on=["member_index", "m", "hcc"]
    )
    mine = context.diagnoses.filter("counted", pl.col("thru_date") <= context.as_of).join(
        by_claim.select("member_index").unique(), on="member_index", how="semi"
    )
    rest = (
        mine.with_columns(pl.col("diagnosis_code", "claim_id").cast(pl.String))
        .join(codes, on=["member_index", "diagnosis_code"])
        .join(single, on=["gap", "claim_id", "diagnosis_code"], how="anti")
    )
    claims = _as_claims(rest.lazy(), AGAINST, OTHERS).collect()
    claims = claims.with_columns(pl.format("gives the same HCC, {}", "value").alias("value"))
    return pl.concat([others, claims]).join(
        descriptions(context), left_on="code", right_on="diagnosis_code", how="left"
    )


def _what_does_not_count(found: Found, gaps: pl.DataFrame) -> pl.DataFrame:
    """Of missing HCCs that are coded in the year all the same: the diagnoses that do not count, and why."""
    asked = gaps.filter("uncounted").select("gap", "member_index", "m", "hcc")
    if asked.is_empty():
        return pl.DataFrame(schema=COMPACT)
    mine = found.hccs.ineligible.join(asked.select("member_index").unique(), on="member_index", how="semi")
    rows = (
        mine.with_columns(pl.col("diagnosis_code", "claim_id").cast(pl.String))
        .join(found.hccs.mapping, on="diagnosis_code")
        .join(asked, on=["member_index", "m", "hcc"])
    )
    shown = _as_claims(rows.lazy(), CONTEXT, OTHERS, why=pl.col("reason").cast(pl.String)).collect()
    shown = shown.with_columns(pl.format("{}, does not count: {}", "value", "why").alias("value"))
    return shown.join(descriptions(found.context), left_on="code", right_on="diagnosis_code", how="left")


def _patterns(gaps: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    keys = gaps.select("gap", "member_index", "target", "m", "hcc")
    exact = own.filter(pl.col("hcc").is_not_null()).join(keys, on=["member_index", "target", "m", "hcc"])
    loose = own.filter(pl.col("hcc").is_null()).drop("m", "hcc").join(keys, on=["member_index", "target"])
    # An informational gap has no HCC of its own; the evidence was found for the one it came from, which is no gap itself.
    told = gaps.select("gap", pl.col("codes").str.split(",").alias("_codes"))
    bare = (
        own.filter(pl.col("hcc").is_not_null())
        .join(keys, on=["member_index", "target", "m", "hcc"], how="anti")
        .drop("m", "hcc")
        .join(keys.filter(pl.col("hcc").is_null()), on=["member_index", "target"])
        .join(told, on="gap")
        # A list or a review names several conditions; each gap has those that it is about.
        .filter(~pl.col("kind").is_in(_NAMES_CODES) | pl.col("code").is_in(pl.col("_codes")).fill_null(True))
    )
    columns = ["gap", *(c for c in EVIDENCE if c not in ("member_index", "target", "m", "hcc"))]
    rows = pl.concat([part.select(columns) for part in (exact, loose, bare)])
    return rows.with_columns(
        pl.col("stance").replace_strict({word: i for i, word in enumerate(STANCES)}, return_dtype=pl.UInt8),
        pl.col("kind").replace_strict({word: i for i, word in enumerate(KINDS)}, return_dtype=pl.UInt8),
        pl.lit(OWN, pl.UInt8).alias("order"),
    ).rename({"evidence_date": "date"})


def _absences(found: Found, hits: Hits, gaps: pl.DataFrame) -> pl.DataFrame:
    """One line per table in which an unsupported rule looked in vain, or could not look."""
    context, plan = found.context, found.plan
    asked = gaps.filter("unsupported").select("gap", "member_index", "target")
    there = _found_all_the_same(plan, hits, asked)
    ahead = {m.rule for m in plan.measures if m.window is not None and m.window.reach[1] > 0}
    rows = []
    usually = pl.DataFrame({"target": [t.id for t in plan.targets]}, schema={"target": pl.UInt16})
    kinds = pl.concat([there.select("target", "there"), usually.with_columns(pl.lit("").alias("there"))]).unique()
    for target, names in kinds.sort("target", "there").iter_rows():
        for table, words in _looked_for(plan, plan.targets[target], frozenset(names.split(","))).items():
            given = context.given(table)
            text = f"no {words}" if given else f"{words}: no table of {table} was given ({FILE_OPTION[table]})"
            if given and plan.targets[target].rule in ahead:
                text += " (looked at up to {as_of})"
            text = text.replace("{year}", context.year_in_words).replace("{as_of}", context.as_of.isoformat())
            rows.append((target, names, text, FOR if given else CONTEXT))
    schema: Schema = {"target": pl.UInt16, "there": pl.String, "description": pl.String, "stance": pl.UInt8}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    usual = asked if there.is_empty() else asked.join(there, on=["gap", "target"], how="anti")
    parts = [
        usual.select("gap", "target").join(frame.filter(pl.col("there") == "").drop("there"), on="target"),
        there.join(frame, on=["target", "there"]).select("gap", "target", "description", "stance"),
    ]
    return pl.concat(parts).select(
        "gap", "stance", pl.lit(KINDS.index("absence"), pl.UInt8).alias("kind"),
        pl.lit(ABSENT, pl.UInt8).alias("order"), "description",
    )  # fmt: skip


def _found_all_the_same(plan: Plan, hits: Hits, asked: pl.DataFrame) -> pl.DataFrame:
    """gap, target, there: the terms (names, commas) whose absence one way to the target asks for, and that are there:
    the target came by another way."""
    measure_of = {(rule, name): measure for rule, _, measure, name in plan.uses.iter_rows()}
    rows = []
    for planned in plan.targets:
        rule = plan.rules[planned.rule]
        ways = [part.forbid for part in form_of(rule, planned.target)]
        for name in sorted({name for way in ways for name in way}):
            if not all(name in way for way in ways):  # else it is absent wherever the target is a gap
                rows.append((planned.id, measure_of[planned.rule, name], name))
    frame = pl.DataFrame(rows, schema={"target": pl.UInt16, "measure": pl.UInt16, "name": pl.String}, orient="row")
    may = asked.join(frame, on="target")
    seen = hits.signals.filter(pl.col("measure").is_in(frame["measure"].unique().implode()))
    held = may.join(seen.select("member_index", "measure"), on=["member_index", "measure"], how="semi")
    return held.group_by("gap", "target").agg(pl.col("name").unique().sort().str.join(",").alias("there"))


def _looked_for(plan: Plan, planned: PlannedTarget, there: frozenset[str]) -> dict[str, str]:
    """By table: the words of the terms that must not hold, with their windows; but not of those that are ``there``."""
    rule = plan.rules[planned.rule]
    absent = {name for part in form_of(rule, planned.target) for name in part.forbid} - there
    found: dict[str, dict[str, list[str]]] = {}
    for name, term in rule.terms.items():
        if name in absent and term.kind in TABLE_OF:
            window = term.window.words if getattr(term, "window", None) is not None else ""  # type: ignore[union-attr]
            found.setdefault(TABLE_OF[term.kind], {}).setdefault(window, []).append(term.words)
    return {
        table: "; ".join(f"{_or(words)} {window}".strip() for window, words in windows.items())
        for table, windows in found.items()
    }


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _unread_fills(gaps: pl.DataFrame) -> pl.DataFrame:
    rows = gaps.filter(pl.col("weakened") > 0)
    words = pl.format("fills in that time that no code or name identifies: {}", "weakened")
    return rows.select("gap", *fixed(CONTEXT, "fill", UNREAD), words.alias("description"))
