"""A results file of invented members, made columnar so that it can have 200 of them or 60,000."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl

from hcc.results import ResultsWriter
from tests.review.kinds import DESCRIPTIONS, KINDS, PARTS, C, D

YEAR = 2026
AS_OF = date(2025, 11, 30)
RUN = "run-of-the-tests"
_FIRST = date(1938, 1, 1)
_STATUSES = pl.Enum(["open", "closed", "suppressed", "indeterminate", "informational"])


def member_id(number: int) -> str:
    """The identifier of an invented member."""
    return f"T{number:06d}"


def make_results(
    path: Path,
    members: int = 200,
    *,
    run_id: str = RUN,
    as_of: date = AS_OF,
    overwrite: bool = False,
    hostile: str = "",
) -> Path:
    """Write the file; about two questions a member, in about three gaps, nine of ten open.

    ``hostile`` is appended to every text that a page shows.
    """
    people = _people(members)
    gaps = _gaps(people, as_of)
    evidence = _evidence(gaps, as_of)
    if hostile:
        gaps = gaps.with_columns(pl.col("reason", "label") + hostile)
        evidence = evidence.with_columns(pl.col("description", "value") + hostile)
    with ResultsWriter(path, overwrite=overwrite, run_id=run_id) as writer:
        writer.append("members", people.drop("number"))
        writer.append("diagnoses", _diagnoses(gaps, as_of))
        writer.append("diagnosis_hccs", _mapping())
        writer.append("hccs", _labels())
        writer.append("member_hccs", _member_hccs(people, gaps, as_of))
        scores = _scores(people)
        writer.append("scores", scores)
        writer.append("factors", _factors(people))
        writer.append("member_scores", _member_scores(scores))
        writer.append("gaps", gaps.drop("kind", "number", "part"))
        writer.append("member_gaps", _member_gaps(gaps, scores))
        writer.append("gap_evidence", evidence)
        writer.finish({"payment_year": YEAR, "run": "final", "models": f"{C},{D}", "as_of": as_of, "notes": []})
    return path


def _digest(text: pl.Series) -> pl.Series:
    """Twenty hex digits, as the engine's own ids: the same in every process."""
    with duckdb.connect() as con:
        con.register("keys", pl.DataFrame({"key": text}).to_arrow())
        return con.sql("SELECT substr(md5(key), 1, 20) AS gap_id FROM keys").pl()["gap_id"]


def open_gaps(path: Path) -> int:
    """How many gaps of the file are open."""
    with duckdb.connect(str(path), read_only=True) as con:
        (count,) = con.execute("SELECT count(*) FROM gaps WHERE status = 'open'").fetchone() or (0,)
    return int(count)


def _people(members: int) -> pl.DataFrame:
    n = pl.int_range(members, eager=True).alias("number")
    return pl.DataFrame({"number": n}).with_columns(
        member_id=pl.format("T{}", pl.col("number").cast(pl.String).str.zfill(6)),
        birth_date=pl.lit(_FIRST) + pl.duration(days=(pl.col("number") * 37) % 7300),
        sex=pl.when(pl.col("number") % 2 == 0).then(pl.lit("F")).otherwise(pl.lit("M")),
        orec=pl.lit("0"),
        dual_status=pl.when(pl.col("number") % 7 == 0).then(pl.lit("02")).otherwise(pl.lit("NA")),
        part_b_months=pl.lit(12),
        program=pl.lit("MA"),
        part_d_plan=pl.lit("MA-PD"),
        esrd_status=pl.lit("none"),
        contract_id=pl.format("H{}", 1000 + pl.col("number") % 3),
        pcp_npi=pl.format("19{}", (10000000 + (pl.col("number") * 7919) % 40).cast(pl.String)),
        monthly_benchmark=pl.when(pl.col("number") % 10 == 9).then(None).otherwise(pl.lit(105000)),
        age=2026 - (1938 + ((pl.col("number") * 37) % 7300) // 365),
        orec_was_defaulted=pl.col("number") % 5 == 0,
    )


def _gaps(people: pl.DataFrame, as_of: date) -> pl.DataFrame:
    rows = [
        {
            "kind": k, "direction": kind.direction, "rule_id": kind.rule, "rule_version": "1",
            "strength": kind.strength,
            "candidate_diagnosis_codes": kind.codes, "reason": kind.reason, "model": model, "hcc": hcc, "label": label,
            "change": change, "part": PARTS[model], "days": min(piece.days for piece in kind.evidence),
        }
        for k, kind in enumerate(KINDS)
        for model, hcc, label, change in kind.rows
    ]  # fmt: skip
    kinds = pl.DataFrame(rows)
    which = pl.concat(
        [
            people.select(
                "number",
                "member_id",
                "pcp_npi",
                "monthly_benchmark",
                kind=(pl.col("number") * step + more) % len(KINDS),
            )
            for step, more in ((1, 0), (3, 5))
        ]
    ).unique(["number", "kind"])
    state = (pl.col("number") * 31 + pl.col("kind") * 17) % 41
    age = (pl.col("number") * 13 + pl.col("kind") * 5) % 75
    change = pl.col("change") + pl.col("number") % 5
    due = pl.lit(as_of) + pl.duration(days=60 - age)
    frame = which.join(kinds, on="kind").sort("number", "kind", "model")
    key = frame.select(pl.concat_str("member_id", "rule_id", "model", "hcc")).to_series()
    return frame.select(
        gap_id=_digest(key),
        member_id=pl.col("member_id"),
        payment_year=pl.lit(YEAR),
        model=pl.col("model").cast(pl.Enum([C, D])),
        hcc=pl.col("hcc"),
        label=pl.col("label"),
        direction=pl.col("direction").cast(pl.Enum(["unsupported", "missing"])),
        candidate_diagnosis_codes=pl.col("candidate_diagnosis_codes"),
        rule_id=pl.col("rule_id").cast(pl.Enum(sorted({kind.rule for kind in KINDS}))),
        rule_version=pl.col("rule_version"),
        strength=pl.col("strength").cast(pl.Enum(["high", "medium", "low"])),
        status=pl.when(state < 37).then(pl.lit("open")).when(state == 37).then(pl.lit("closed"))
        .when(state == 38).then(pl.lit("suppressed")).when(state == 39).then(pl.lit("indeterminate"))
        .otherwise(pl.lit("informational")).cast(_STATUSES),
        status_reason=pl.when(state == 37).then(pl.lit("same")).otherwise(pl.lit("")),
        score_change=change,
        raw_change=pl.col("change"),
        dollar_change=(change * pl.col("monthly_benchmark") * 12 / 1000).round().cast(pl.Int64),
        reason=pl.col("reason"),
        last_evidence_date=pl.lit(as_of) - pl.duration(days=pl.col("days")),
        pcp_npi=pl.col("pcp_npi"),
        flagged_on=pl.lit(as_of) - pl.duration(days=age),
        flagged_return_by=pl.when(pl.col("direction") == "unsupported").then(due),
        kind=pl.col("kind"),
        number=pl.col("number"),
        part=pl.col("part"),
    )  # fmt: skip


def _evidence(gaps: pl.DataFrame, as_of: date) -> pl.DataFrame:
    pieces = pl.DataFrame(
        [
            {
                "kind": k, "evidence_number": i, "stance": piece.stance, "kind_of": piece.kind,
                "evidence_date": as_of - timedelta(days=piece.days), "code": piece.code,
                "description": piece.description,
                "value": piece.value, "claim": piece.kind == "claim",
            }
            for k, kind in enumerate(KINDS)
            for i, piece in enumerate(kind.evidence, start=1)
        ]
    )  # fmt: skip
    joined = gaps.select("gap_id", "kind", "number").join(pieces, on="kind")
    claim = pl.format("C{}-{}-{}", pl.col("number"), pl.col("kind"), pl.col("evidence_number"))
    return joined.select(
        "gap_id", "evidence_number", "stance", pl.col("evidence_date"), "code", "description", "value",
        kind=pl.col("kind_of"), claim_id=pl.when(pl.col("claim")).then(claim),
    )  # fmt: skip


def _diagnoses(gaps: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The coded diagnoses in question, and for every member one that counts and one that does not."""
    coded = pl.DataFrame(
        [
            {"kind": k, "e": i, "diagnosis_code": piece.code, "thru_date": as_of - timedelta(days=piece.days)}
            for k, kind in enumerate(KINDS)
            for i, piece in enumerate(kind.evidence, start=1)
            if piece.kind == "claim" and piece.code in DESCRIPTIONS
        ]
    )
    found = (
        gaps.select("member_id", "number", "kind").unique().join(coded, on="kind")
        .select("member_id", "number", "diagnosis_code", "thru_date",
                claim_id=pl.format("C{}-{}-{}", "number", "kind", "e"))
    )  # fmt: skip
    others = [
        gaps.select("member_id", "number").unique().select(
            "member_id", "number", diagnosis_code=pl.lit(code), thru_date=pl.lit(as_of - timedelta(days=days)),
            claim_id=pl.format(f"C{{}}-{code}", "number"),
        )
        for code, days in (("I4891", 33), ("G309", 51))
    ]  # fmt: skip
    frame = pl.concat([found, *others])
    counted = (pl.col("diagnosis_code") != "G309") & (pl.col("thru_date").dt.year() == as_of.year)
    return frame.unique(["member_id", "claim_id", "diagnosis_code"]).sort("number", "thru_date").select(
        "member_id", "claim_id", "diagnosis_code", "thru_date",
        claim_type=pl.lit("professional"), record_type=pl.lit("encounter"), counted=counted,
        reason=pl.when(counted).then(pl.lit("COUNTED")).when(pl.col("diagnosis_code") == "G309")
        .then(pl.lit("AUDIO_ONLY")).otherwise(pl.lit("OUT_OF_WINDOW")),
        flags=pl.lit(""), rendering_npi=pl.lit("1922222222"), place_of_service=pl.lit("11"),
    )  # fmt: skip


def _mapping() -> pl.DataFrame:
    pairs = {(model, kind.codes, hcc) for kind in KINDS for model, hcc, _, _ in kind.rows}
    pairs |= {(C, "G309", "127"), (C, "I4891", "238")}
    return pl.DataFrame(
        [(YEAR, model, code, hcc, DESCRIPTIONS[code]) for model, code, hcc in sorted(pairs)],
        schema=["payment_year", "model", "diagnosis_code", "hcc", "description"], orient="row",
    )  # fmt: skip


def _labels() -> pl.DataFrame:
    named = {(model, hcc, label) for kind in KINDS for model, hcc, label, _ in kind.rows}
    named |= {(C, "127", "Dementia, Mild or Unspecified")}
    named |= {(C, "329", "Chronic Kidney Disease, Moderate (Stage 3, Except 3B)")}
    return pl.DataFrame(
        [(YEAR, model, hcc, label, True) for model, hcc, label in sorted(named)],
        schema=["payment_year", "model", "hcc", "label", "is_chronic"], orient="row",
    )  # fmt: skip


def _member_hccs(people: pl.DataFrame, gaps: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """What is coded: the HCC of every unsupported gap, an arrhythmia for all, a milder kidney stage under stage 4."""
    coded = gaps.filter(pl.col("direction") == "unsupported").select(
        "member_id", "model", "hcc", coefficient=-pl.col("raw_change"), dropped_by_hcc=pl.lit(None, pl.String)
    )
    mild = coded.filter(pl.col("hcc") == "327").with_columns(
        hcc=pl.lit("329"), coefficient=pl.lit(None, pl.Int32), dropped_by_hcc=pl.lit("327")
    )
    every = people.select(
        "member_id", model=pl.lit(C).cast(pl.Enum([C, D])), hcc=pl.lit("238"), coefficient=pl.lit(299, pl.Int32),
        dropped_by_hcc=pl.lit(None, pl.String),
    )  # fmt: skip
    rows = pl.concat([frame.with_columns(pl.col("coefficient").cast(pl.Int32)) for frame in (every, coded, mild)])
    return rows.unique(["member_id", "model", "hcc"]).select(
        "member_id", "model", "hcc", "dropped_by_hcc", "coefficient", payment_year=pl.lit(YEAR),
        first_date=pl.lit(as_of - timedelta(days=300)), last_date=pl.lit(as_of - timedelta(days=33)), claims=pl.lit(1),
    )  # fmt: skip


def _scores(people: pl.DataFrame) -> pl.DataFrame:
    raw = 694 + (pl.col("number") * 29) % 900
    return pl.concat(
        [
            people.select(
                "member_id", payment_year=pl.lit(YEAR), part=pl.lit(part), model=pl.lit(model), segment=pl.lit("CNA"),
                program=pl.lit("MA" if part == "C" else "PartD-MAPD"),
                raw_score=raw, normalized_score=raw - 40, payment_score=raw - 90, blend_weight=pl.lit(1_000_000),
                payable=pl.lit(True), unverified=pl.lit(False),
            )
            for model, part in PARTS.items()
        ]
    )  # fmt: skip


def _factors(people: pl.DataFrame) -> pl.DataFrame:
    raw = 694 + (pl.col("number") * 29) % 900
    return pl.concat(
        [
            people.select(
                "member_id", payment_year=pl.lit(YEAR), model=pl.lit(C), segment=pl.lit("CNA"), months=pl.lit(12),
                variable=pl.lit(variable), coefficient=value,
            )
            for variable, value in (("F75_79", raw - 299), ("HCC238", pl.lit(299)))
        ],
        how="vertical_relaxed",
    )  # fmt: skip


def _member_scores(scores: pl.DataFrame) -> pl.DataFrame:
    return scores.select(
        "member_id", "payment_year", "part", risk_score="payment_score", payable_months=pl.lit(12), frailty=pl.lit(0),
        unverified=pl.lit(False),
    )  # fmt: skip


def _member_gaps(gaps: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    found = gaps.filter(pl.col("status") == "open").group_by("member_id", "part", "direction").agg(
        open_gaps=pl.len(), score_change=pl.col("score_change").sum(), dollar_change=pl.col("dollar_change").sum()
    )  # fmt: skip
    return found.join(scores.select("member_id", "part", risk_score="payment_score"), on=["member_id", "part"]).select(
        "member_id", "part", "direction", "open_gaps", "risk_score", "score_change", "dollar_change",
        payment_year=pl.lit(YEAR), risk_score_applied=pl.col("risk_score") + pl.col("score_change"),
    )  # fmt: skip
