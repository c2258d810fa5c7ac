"""Claim lines, whatever their number: lazy from the file to the pipeline, with only what the input really has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from hcc.errors import InputError
from hcc.intake.binding import Binding, Names, bind
from hcc.intake.canonical import Field, PartReading, read_parts
from hcc.intake.claim_diagnoses import DIAGNOSES, diagnoses_of_lines, faults_of_diagnoses, has_diagnoses
from hcc.intake.parts import Source
from hcc.intake.sources import open_source
from hcc.rules.eligibility import bill_types
from hcc.tables.inputs import CLAIMS

_REFERENCES = ("original_claim_id", "linked_claim_id")
_NAMED = 3  # files named in a note; of more their number is told
EARLIEST_SERVICE = date(1990, 1, 1)  # nothing before it can concern a risk score; it is a typing error or a placeholder
_YEARS_OF_DELETES = (
    10  # overpayments are returned up to six years later (SPEC 6.6); what is later still is a placeholder
)
INSTITUTIONAL = "institutional"  # said by others' tables: inpatient or outpatient, the type of bill tells
_CLAIM_TYPES = {
    **{word: word for word in ("professional", "inpatient", "outpatient", "dme", "other", INSTITUTIONAL)},
    "durable_medical_equipment": "dme",
}
_RECORD_TYPES = {word: word for word in ("encounter", "chart_review", "chart_review_delete")}
_SOURCES = {word: word for word in ("encounter", "raps", "ffs")} | {"edr": "encounter", "eds": "encounter"}
_STATUSES = {word: word for word in ("paid", "denied", "denied_administrative")}
_FLAGS = {
    **dict.fromkeys(("allowed", "a", "y", "yes", "1", "true", "t"), "allowed"),
    **dict.fromkeys(("disallowed", "d", "n", "no", "0", "false", "f"), "disallowed"),
}
_FREQUENCIES = ("", "0", "1", "7", "8")
CONSTANTS: Mapping[str, Any] = {
    **dict.fromkeys(column.name for column in CLAIMS.columns if column.name not in DIAGNOSES),
    "line_number": 1,
    "claim_type": "professional",
    "frequency_code": "1",
    "frequency_was_odd": False,
    "dates_were_odd": False,
    "record_type": "encounter",
    "accepted": True,
    "source": "encounter",
    "claim_status": "paid",
}
"""What a column means that the claims do not have (``claims_absent``)."""


@dataclass(frozen=True, eq=False)
class Claims:
    """Claim lines and their diagnoses, lazy; ``rejected`` looks for unusable rows when asked."""

    lines: pl.LazyFrame
    absent: frozenset[str]
    diagnoses: pl.LazyFrame | None
    rejected: Callable[[], pl.DataFrame]
    source: Source
    notes: tuple[str, ...]


def read_claims(
    given: Any, names: Names, payment_year: int, *, diagnoses_elsewhere: bool = False, table: str = "claims",
    added: bool = False,
) -> Claims:  # fmt: skip
    """The canonical claim lines of any source. Only headers and footers are read here, and text dates looked at.

    ``table``: what errors and notes call it; claims of earlier years are "history". ``added``: to others.
    Raises InputError with every fault of the input; rows at fault are left out and told by ``rejected``.
    """
    fields = claim_fields(payment_year)
    ours = [*(f.name for f in fields), *DIAGNOSES]
    source = open_source(table, given, names=names.tables("claims"), wanted=names.wanted(ours), known=names.known(ours))
    bindings = bind(source, names, ours, CLAIMS.required, given)
    parts = read_parts(table, bindings, fields, [fault for one in bindings for fault in faults_of_diagnoses(one)])
    stays = [_stay_dates(part, names, fields) for part in parts]
    present = {name for part in parts for name in part.readings} | _derived(parts)
    lines = pl.concat(
        [_lines(part, stay, [c for c in CONSTANTS if c in present]) for part, stay in zip(parts, stays, strict=True)]
    )
    found = [part for part in parts if has_diagnoses(part)]
    if not found and not diagnoses_elsewhere:
        raise InputError(
            f"{table}: there are no diagnoses.",
            hint="Give columns diagnosis_1 … diagnosis_25 or diagnosis_codes, or a table with --claim-diagnoses.",
        )
    versions = [c for c in ("frequency_code", "record_type", "submission_date") if c in present]

    def rejected() -> pl.DataFrame:
        return pl.concat([source.set_aside, *(part.rejected(table) for part in parts)])

    return Claims(
        lines,
        frozenset(set(CONSTANTS) - present),
        diagnoses_of_lines(found, lambda part, more: _narrow(part, versions, more), versions) if found else None,
        rejected,
        source,
        (*source.notes, *_empty_note(table, parts, added), *([] if diagnoses_elsewhere else _no_codes_note(table, parts))),
    )


def claim_fields(payment_year: int) -> list[Field]:
    """Fields of the claim lines; the year bounds the dates of service."""
    latest = date(payment_year + 1, 12, 31)
    simple: dict[str, Any] = {
        "hcpcs": "code", **{f"modifier_{i}": "code" for i in range(1, 5)}, "place_of_service": "code2",
        "rendering_npi": "code", "specialty": "code2", "original_claim_id": "text", "linked_claim_id": "text",
        "submitting_organization": "text", "parent_organization_at_service": "text", "bill_type": "code",
        "frequency_code": "code", "accepted": "bool", "line_number": "int",
    }  # fmt: skip
    words = {
        "claim_type": _CLAIM_TYPES, "record_type": _RECORD_TYPES, "source": _SOURCES, "claim_status": _STATUSES,
        "risk_adjustment_flag": _FLAGS,
    }  # fmt: skip
    return [
        Field("claim_id", "id", required=True),
        Field("member_id", "id", required=True),
        Field("thru_date", "date", required=True, earliest=EARLIEST_SERVICE, latest=latest),
        Field("from_date", "date", strict=False),
        Field(
            "submission_date", "date", earliest=EARLIEST_SERVICE, latest=date(payment_year + _YEARS_OF_DELETES, 12, 31)
        ),
        *(Field(name, kind, surveyed=kind == "code" and name != "rendering_npi") for name, kind in simple.items()),
        *(Field(name, "choice", words=known, surveyed=True) for name, known in words.items()),
    ]


def _derived(parts: Sequence[PartReading]) -> set[str]:
    """Columns that follow from others."""
    given = {name for part in parts for name in part.readings}
    derived: set[str] = set()
    if "bill_type" in given:
        derived |= {"claim_type", "frequency_code"}
    if not all(_frequencies_known(part) for part in parts):
        derived |= {"frequency_was_odd"}
    if "from_date" in given:
        derived |= {"dates_were_odd"}
    return derived


def _stay_dates(part: PartReading, names: Names, fields: Sequence[Field]) -> dict[str, pl.Expr]:
    """Dates that a layout takes from other columns on inpatient claims, by our column; the first plausible one."""
    found = {}
    for f in fields:
        days = []
        for theirs in names.layout.inpatient.get(f.name, ()):
            alone = names.layout.model_copy(update={"columns": {f.name: (theirs,)}})
            binding = Binding(part.part, alone, part.binding.raw)
            if binding.columns(f.name):
                days.append(_plausible(read_parts("claims", [binding], [f])[0].readings[f.name].clean, f))
        if days:
            found[f.name] = pl.coalesce(days).alias(f"_stay_{f.name}")
    return found


def _plausible(day: pl.Expr, f: Field) -> pl.Expr:
    """Null for days that no service can have, such as 9999-12-31 for a stay that has not ended."""
    return day if f.earliest is None or f.latest is None else pl.when(day.is_between(f.earliest, f.latest)).then(day)


def _lines(part: PartReading, stay: Mapping[str, pl.Expr], present: Sequence[str]) -> pl.LazyFrame:
    """Clean lines of one part, with the columns any part has."""
    frame = _with_form(part.clean(*stay.values()), part)
    derive = {**_derivations(part), **_filled(part)}
    there = {*part.readings, *(["claim_type"] if "bill_type" in part.readings else [])}
    if stay and "claim_type" in there:
        derive = {**derive, **_stays(stay, pl.col("claim_type"), derive)}
    columns = []
    for name in present:
        if name in derive:
            columns.append(derive[name].alias(name))
        elif name in there:
            columns.append(pl.col(name))
        else:
            columns.append(pl.lit(CONSTANTS[name], dtype=_dtype(name)).alias(name))
    return frame.select(columns)


def _narrow(part: PartReading, versions: Sequence[str], more: Sequence[pl.Expr]) -> pl.LazyFrame:
    """Usable lines with their identifiers, what tells versions of a claim apart, and raw columns (for diagnoses)."""
    frame = _with_form(part.clean(*more), part)
    derive = {**_derivations(part), **_filled(part)}
    told = [
        derive[name].alias(name) if name in derive else pl.col(name) if name in part.readings
        else pl.lit(CONSTANTS[name], dtype=_dtype(name)).alias(name)
        for name in versions
    ]  # fmt: skip
    return frame.select("claim_id", "member_id", *told, *(expr.meta.output_name() for expr in more))


def _with_form(frame: pl.LazyFrame, part: PartReading) -> pl.LazyFrame:
    """Types of bill with three characters (facility, class, frequency; no leading zero), and the claim type."""
    bill, kind = "bill_type" in part.readings, "claim_type" in part.readings
    made = {}
    if bill and not _short(part):
        made["bill_type"] = pl.col("bill_type").map_batches(
            _three_characters, return_dtype=pl.String, is_elementwise=True
        )
    told = part.readings["claim_type"].distinct if kind else None
    if (bill or kind) and (told is None or told.has_nulls() or INSTITUTIONAL in told):
        made["claim_type"] = _claim_type(kind, bill)
    return frame.with_columns(**made) if made else frame


def _short(part: PartReading) -> bool:
    """True where a survey proved that no type of bill has more than three characters."""
    distinct = part.readings["bill_type"].distinct
    return distinct is not None and not (distinct.str.len_bytes() > 3).any()


def _three_characters(series: pl.Series) -> pl.Series:
    longest = series.str.len_bytes().max()
    if longest is None or longest <= 3:  # type: ignore[operator]
        return series
    text = pl.col("bill") if longest == 4 else pl.col("bill").str.strip_suffix(".0")
    long = (text.str.len_bytes() == 4) & text.str.starts_with("0")
    return series.to_frame("bill").select(pl.when(long).then(text.str.slice(1)).otherwise(text).alias(series.name))[
        series.name
    ]


def _derivations(part: PartReading) -> dict[str, pl.Expr]:
    """frequency_code, from_date and their flags, from what the part has (RULINGS 10)."""
    has = part.readings
    derived: dict[str, pl.Expr] = {}
    told = []
    if "frequency_code" in has:
        told.append(pl.col("frequency_code").str.strip_suffix(".0").str.strip_chars_start("0").replace("", "0"))
    if "bill_type" in has:
        told.append(pl.col("bill_type").str.slice(2))
    if told:
        code = told[0] if len(told) == 1 else pl.coalesce(told)
        bills = None if "frequency_code" in has else _bill_types(part)
        original = bills is not None and bool((_frequency(bills.str.slice(2)) == "1").all())
        derived["frequency_code"] = (
            pl.lit("1") if original else code.map_batches(_frequency, return_dtype=pl.String, is_elementwise=True)
        )
        odd = ~code.is_in(_FREQUENCIES).fill_null(True)
        if bills is not None:  # the same, without taking each of them to pieces
            odd = pl.col("bill_type").is_in(_odd(bills).implode()).fill_null(False)
        derived["frequency_was_odd"] = odd
    for name in _REFERENCES:
        if name in has and any(dtype == pl.String for _, dtype in part.binding.inputs(name)):
            both = [pl.col(name), pl.col("claim_id")]
            derived[name] = pl.map_batches(both, _referred, return_dtype=pl.String, is_elementwise=True)
    if "from_date" in has:
        late = pl.col("from_date") > pl.col("thru_date")
        derived["dates_were_odd"] = late.fill_null(False)
        derived["from_date"] = pl.coalesce("from_date", "thru_date")
    return derived


def _referred(columns: Sequence[pl.Series]) -> pl.Series:
    """Numbers of other claims without the '.0' that pandas writes into columns with gaps; kept where the claim's own
    number is not a plain whole one, for then it may belong there."""
    reference, own = columns
    if not reference.str.ends_with("0").any():
        return reference
    bare = pl.col("reference").str.replace(r"^([0-9]+)\.0+$", "$1")
    plain = pl.when(pl.col("own").str.contains(r"^[0-9]+$")).then(bare).otherwise("reference")
    return pl.DataFrame({"reference": reference, "own": own}).select(plain.alias(reference.name))[reference.name]


def _bill_types(part: PartReading) -> pl.Series | None:
    """The types of bill of a part, where a survey knows them all."""
    known = part.readings["bill_type"].distinct
    return known.drop_nulls() if known is not None and _short(part) else None


def _odd(bills: pl.Series) -> pl.Series:
    """Those whose frequency is none that we know."""
    return bills.filter(~bills.str.slice(2).is_in(_FREQUENCIES))


def _frequencies_known(part: PartReading) -> bool:
    """True where no frequency of a part can be odd."""
    if "frequency_code" in part.readings:
        return False
    bills = _bill_types(part) if "bill_type" in part.readings else pl.Series([], dtype=pl.String)
    return bills is not None and _odd(bills).is_empty()


def _frequency(series: pl.Series) -> pl.Series:
    """7 and 8 as they are, all else 1 (RULINGS 10); nearly always all are 1."""
    special = series.is_in(["7", "8"])
    if special.any():
        return series.to_frame("code").select(pl.when(special).then("code").otherwise(pl.lit("1")))["code"]
    return pl.Series(["1"]).new_from_index(0, len(series))


def _claim_type(given: bool, bill: bool) -> pl.Expr:
    """As given; else by the type of bill: 11x, 41x inpatient, other facilities outpatient; else professional."""
    if not bill:
        unknown = pl.col("claim_type").replace(INSTITUTIONAL, "outpatient").fill_null("professional")
        return unknown if given else pl.lit("professional")
    inpatient = bill_types().filter(pl.col("claim_type") == "inpatient")["prefix"].to_list()

    def told(columns: Sequence[pl.Series]) -> pl.Series:
        kind, bills = columns if given else (None, columns[0])
        if kind is not None and not kind.null_count() and not (kind == INSTITUTIONAL).any():
            return kind  # nearly always: then nothing is derived
        bills = _three_characters(bills)
        prefix = pl.col("bill").str.slice(0, 2)
        facility = pl.when(prefix.is_in(inpatient)).then(pl.lit("inpatient")).otherwise(pl.lit("outpatient"))
        by_bill = pl.when(pl.col("bill").is_null()).then(pl.lit("professional")).otherwise(facility)
        if kind is None:
            return bills.to_frame("bill").select(by_bill.alias("kind"))["kind"]
        said = pl.col("kind")
        both = pl.when(said == INSTITUTIONAL).then(facility).when(said.is_null()).then(by_bill).otherwise(said)
        return pl.DataFrame({"kind": kind, "bill": bills}).select(both.alias("kind"))["kind"]

    columns = ["claim_type", "bill_type"] if given else ["bill_type"]
    return pl.map_batches(columns, told, return_dtype=pl.String, is_elementwise=True)


def _stays(stay: Mapping[str, pl.Expr], kind: pl.Expr, derive: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    dates = {}
    for name in stay:
        usual = derive.get(name, pl.col(name))
        dates[name] = pl.when(kind == "inpatient").then(pl.coalesce(f"_stay_{name}", usual)).otherwise(usual)
    return dates


def _filled(part: PartReading) -> dict[str, pl.Expr]:
    """Blank cells of columns that have a default."""
    return {
        name: pl.col(name).fill_null(pl.lit(CONSTANTS[name]))
        for name in ("line_number", "record_type", "accepted", "source", "claim_status")
        if name in part.readings and part.readings[name].may_be_blank
    }


def _dtype(name: str) -> pl.DataType:
    if name in ("accepted", "frequency_was_odd", "dates_were_odd"):
        return pl.Boolean()
    if name == "line_number":
        return pl.Int64()
    return pl.Date() if name.endswith("_date") else pl.String()


def _empty_note(table: str, parts: Sequence[PartReading], added: bool) -> list[str]:
    if any(part.part.rows for part in parts):
        return []
    if added:
        return [f"{table}: files without a claim line were added."]
    return [f"{table}: there is no claim line" + ("; every score is demographic." if table == "claims" else ".")]


def _no_codes_note(table: str, parts: Sequence[PartReading]) -> list[str]:
    """Files without any diagnosis column beside others that have some."""
    without = [b.source for part in parts if not has_diagnoses(part) for b in part.part.blocks if b.rows]
    if not without:
        return []
    names = [Path(name).name for name in without[:_NAMED]] + (
        [f"{len(without) - _NAMED} more"] if len(without) > _NAMED else []
    )
    return [
        f"{table}: there is no diagnosis column in {', '.join(names)}; the claims of "
        f"{'this file' if len(without) == 1 else 'these files'} carry no diagnoses."
    ]


def stacked_claims(*tables: pl.LazyFrame) -> pl.LazyFrame:
    """Claim lines (or the diagnoses of such) that were read apart as one table: a column that only some of them have
    means in the others what it means where no claim has it, as if all had been read together."""
    schemas = [table.collect_schema() for table in tables]
    kinds = {name: kind for schema in schemas for name, kind in schema.items()}
    filled = [
        table.with_columns(
            pl.lit(CONSTANTS.get(name), dtype=_dtype(name) if name in CONSTANTS else kind).alias(name)
            for name, kind in kinds.items()
            if name not in schema
        )
        for table, schema in zip(tables, schemas, strict=True)
    ]
    return pl.concat(filled, how="diagonal_relaxed")
