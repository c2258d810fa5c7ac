"""Claim lines to records: one row per claim and version, with the best qualifying line (SPEC 3.3–3.5).

Each line becomes one integer whose leading bits say how well it qualifies and on which day; the largest of a record
says all that is needed of it, so a record costs one ``max`` whatever the number of its lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses.procedures import ProcedureLists

DAY_BITS = 17
NPI_BITS = 34  # ten digits; an identifier of another shape is left out
EPOCH = date(1900, 1, 1)
_DAYS_BEFORE_1970 = (date(1970, 1, 1) - EPOCH).days  # where polars begins to count
MODIFIERS = ("modifier_1", "modifier_2", "modifier_3", "modifier_4")
FORMS = ("other", "professional", "outpatient", "inpatient", "bad_bill_type", "dme")
RECORD_TYPES = ("encounter", "chart_review", "chart_review_delete")
SOURCES = ("encounter", "ffs", "raps")
FREQUENCIES = ("1", "7", "8")
VERSION_COLUMNS = ("frequency_code", "record_type", "submission_date")
DAYS = 2**20  # a version modulo this is its day of submission, 0 where that is not known


@dataclass(frozen=True)
class LineRules:
    """What a year says about lines; built by the pipeline from mappings/eligibility and mappings/programs.

    ``procedures``: (service year, codes) pairs; ``bill_types``: prefix → form (outpatient, inpatient) of the bill
    types that are accepted; ``audio_first``: audio-only lines rank before lines outside the window (they may count);
    ``weak_procedures``: on the list, yet no face-to-face visit (SPEC R-3.21).
    """

    window: tuple[date, date]
    procedures: Sequence[tuple[int, pl.Series]]
    bill_types: dict[str, str]
    audio_modifiers: Sequence[str]
    audio_procedures: Sequence[str]
    audio_first: bool = False
    weak_procedures: Sequence[str] = ()

    @cached_property
    def lists(self) -> ProcedureLists:
        """The procedures by service year, "audio" and "weak"."""
        by_year = {str(year): codes.to_list() for year, codes in self.procedures}
        return ProcedureLists({**by_year, "audio": self.audio_procedures, "weak": self.weak_procedures})


def day_number(column: str) -> pl.Expr:
    """Days since 1900-01-01."""
    return (pl.col(column).cast(pl.Date).to_physical() + _DAYS_BEFORE_1970).cast(pl.UInt32)


def _has(names: Sequence[str], column: str) -> bool:
    return column in names


def _place(column: pl.Expr, places: Mapping[str, int], default: int) -> pl.Expr:
    """Position of a word; a chain of comparisons, several times as fast as a replacement table on few words."""
    by_place: dict[int, list[str]] = {}
    for word, place in places.items():
        by_place.setdefault(place, []).append(word)
    text = column.cast(pl.String)
    chain: pl.Expr = pl.lit(default, dtype=pl.UInt8)
    for place, words in by_place.items():
        same = text == words[0] if len(words) == 1 else text.is_in(words)
        chain = pl.when(same).then(pl.lit(place, dtype=pl.UInt8)).otherwise(chain)
    return chain


def form(names: Sequence[str], rules: LineRules) -> pl.Expr:
    """Claim form as position in FORMS: the bill type decides where there is one, else the claim type."""
    return _form(names, rules, FORMS, FORMS).alias("form")


def _form(names: Sequence[str], rules: LineRules, billed: Sequence[str], others: Sequence[str]) -> pl.Expr:
    """The form as position in ``billed`` where the line has a bill type that decides, else in ``others``."""
    if _has(names, "claim_type"):
        kinds = {kind: others.index(kind) for kind in ("professional", "outpatient", "inpatient", "dme")}
        kind = _place(pl.col("claim_type"), kinds, others.index("other"))
    else:
        kind = pl.lit(others.index("professional"), dtype=pl.UInt8)
    if not _has(names, "bill_type"):
        return kind
    accepted = {prefix: billed.index(claim_form) for prefix, claim_form in rules.bill_types.items()}
    by_bill = _place(pl.col("bill_type").cast(pl.String).str.slice(0, 2), accepted, billed.index("bad_bill_type"))
    without = [others.index("professional"), others.index("dme")]
    facility = pl.col("bill_type").is_not_null() & ~kind.is_in(without)
    return pl.when(facility).then(by_bill).otherwise(kind)


def _firm(names: Sequence[str], rules: LineRules) -> pl.Expr:
    """Lines whose procedure is more than a virtual check-in (SPEC R-3.21)."""
    return ~rules.lists.has("weak") if _has(names, "hcpcs") and rules.weak_procedures else pl.lit(True)


def listed(names: Sequence[str], rules: LineRules) -> pl.Expr:
    """Whether the line's procedure is on the list of its service year."""
    if not _has(names, "hcpcs") or not rules.procedures:
        return pl.lit(False)
    year = pl.col("thru_date").dt.year()
    (first_year, first), *others = rules.procedures
    on_list = rules.lists.has(str(first_year))
    for other_year, codes in others:
        if not codes.equals(first):
            on_list = pl.when(year == other_year).then(rules.lists.has(str(other_year))).otherwise(on_list)
    return on_list


def audio_only(names: Sequence[str], rules: LineRules) -> pl.Expr:
    """Telephone: a modifier that says so, or a procedure that is telephone by definition (SPEC R-3.20)."""
    told = [
        pl.col(modifier).is_in(list(rules.audio_modifiers)).fill_null(False)
        for modifier in MODIFIERS
        if _has(names, modifier)
    ]
    if _has(names, "hcpcs") and rules.audio_procedures:
        told.append(rules.lists.has("audio"))
    return pl.any_horizontal(told) if told else pl.lit(False)


def live_line(names: Sequence[str]) -> pl.Expr:
    """Lines that CMS accepted and that were not denied for an administrative reason (SPEC R-3.12, R-3.16)."""
    alive = pl.lit(True)
    if _has(names, "accepted"):
        alive = alive & pl.col("accepted").fill_null(True)
    if _has(names, "claim_status"):
        alive = alive & (pl.col("claim_status").cast(pl.String) != "denied_administrative").fill_null(True)
    return alive


def standing(rules: LineRules, known: Mapping[str, int], times: int, firm: int) -> pl.Expr:
    """3 qualifies in the window; 2 and 1 outside it or by audio only, in the order of the mode; 0 does not. Multiplied
    by ``times``, as a number of 64 bits; ``known``: facts that are the same on every line. ``firm`` is added to the 3
    where the procedure is more than a virtual check-in."""
    start, end = rules.window
    on_list = pl.col("_listed") if known.get("_live") else pl.col("_listed") & pl.col("_live")
    inside = pl.col("thru_date").is_between(pl.lit(start), pl.lit(end))
    audio, outside = (2, 1) if rules.audio_first else (1, 2)
    best, less, least, none = (pl.lit(value * times, dtype=pl.UInt64) for value in (3, outside, audio, 0))
    firmly = pl.lit(3 * times + firm, dtype=pl.UInt64)
    if "_firm" not in known:
        best = pl.when("_firm").then(firmly).otherwise(best)
    elif known["_firm"]:
        best = firmly
    if known.get("_audio") == 0:
        return pl.when(on_list & inside).then(best).when(on_list).then(less).otherwise(none)
    return (
        pl.when(on_list & ~pl.col("_audio") & inside)
        .then(best)
        .when(on_list & ~pl.col("_audio"))
        .then(less)
        .when(on_list & inside)
        .then(least)
        .otherwise(none)
    )


def version(names: Sequence[str]) -> pl.Expr | None:
    """What tells records with one claim_id apart: frequency, record type, day of submission. None = nothing can."""
    parts: list[pl.Expr] = []
    if _has(names, "frequency_code"):
        code = {value: i for i, value in enumerate(FREQUENCIES)}
        parts.append(_place(pl.col("frequency_code"), code, 0).cast(pl.UInt32) * 2**24)
    if _has(names, "record_type"):
        kind = {value: i for i, value in enumerate(RECORD_TYPES)}
        parts.append(_place(pl.col("record_type"), kind, 0).cast(pl.UInt32) * DAYS)
    if _has(names, "submission_date"):
        parts.append(day_number("submission_date").fill_null(0))
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total.cast(pl.UInt32)


def frequency(told_apart: pl.Expr) -> pl.Expr:
    """Position in FREQUENCIES of a version."""
    return told_apart // 2**24


def _line_facts(names: Sequence[str], rules: LineRules) -> list[pl.Expr]:
    """What every path needs of a line, under private names."""
    return [
        pl.col("thru_date").cast(pl.Date),
        listed(names, rules).alias("_listed"),
        audio_only(names, rules).alias("_audio"),
        live_line(names).alias("_live"),
        _firm(names, rules).alias("_firm"),
        (pl.col("frequency_was_odd") if _has(names, "frequency_was_odd") else pl.lit(False)).alias("_odd"),
        _form(names, rules, _BILLED, _UNBILLED).alias("_form"),
        (
            (pl.col("claim_status").cast(pl.String) != "denied").fill_null(True)
            if "claim_status" in names
            else pl.lit(True)
        ).alias("_paid"),
        _source().alias("source") if "source" in names else pl.lit(0, dtype=pl.UInt8).alias("source"),
        (
            pl.col("rendering_npi").cast(pl.UInt64, strict=False).fill_null(0) % 2**NPI_BITS
            if "rendering_npi" in names
            else pl.lit(0, dtype=pl.UInt64)
        ).alias("_npi"),
        (
            pl.col("place_of_service").cast(pl.UInt8, strict=False).fill_null(0)
            if "place_of_service" in names
            else pl.lit(0, dtype=pl.UInt8)
        ).alias("_place"),
    ]


# The largest of a record's lines, by: standing, live, paid, firm, day; the rest rides along. 64 bits in all.
_FIELDS = {
    "standing": 2, "live": 1, "paid": 1, "firm": 1, "day": DAY_BITS, "form": 3, "source": 2, "npi": NPI_BITS, "odd": 1,
}  # fmt: skip
_STARTS = {name: sum(list(_FIELDS.values())[at + 1 :]) for at, name in enumerate(_FIELDS)}
_FACTS = {name: f"_{name}" for name in ("live", "paid", "form", "npi", "odd")} | {"source": "source"}
# Forms as packed, facilities without type of bill for themselves; one with a type of bill outranks them.
_BILLED = ("other", "professional", "", "", "outpatient", "inpatient", "bad_bill_type", "dme")
_UNBILLED = ("other", "professional", "outpatient", "inpatient", "", "", "", "dme")
_IS_UNBILLED = np.array([word in ("outpatient", "inpatient") for word in _UNBILLED])
_PLAIN = np.array([FORMS.index(one or other) for one, other in zip(_BILLED, _UNBILLED, strict=True)], dtype=np.uint8)


def packed(rules: LineRules, known: Mapping[str, int]) -> list[pl.Expr]:
    """``best`` (UInt64, the fields of a line in order of weight) and ``last`` (UInt32: live, day, place of service).

    ``known``: facts that are the same on every line (``same_everywhere``). They go into one number; as columns each
    would be three passes over all lines.
    """
    same, best = 0, standing(rules, known, 2 ** _STARTS["standing"], 2 ** _STARTS["firm"])
    for name, below in _STARTS.items():
        if name in ("standing", "firm"):
            continue
        if _FACTS.get(name) in known:
            same |= known[_FACTS[name]] << below
        else:
            value = day_number("thru_date") if name == "day" else pl.col(_FACTS[name])
            best = best + value.cast(pl.UInt64) * pl.lit(2**below, dtype=pl.UInt64)
    # The last day of a record is that of its live lines, where it has one.
    last = day_number("thru_date") * 2**8
    if "_live" not in known:
        last = last + pl.col("_live").cast(pl.UInt32) * 2 ** (8 + DAY_BITS)
    last = last + (pl.lit(known["_place"], dtype=pl.UInt32) if "_place" in known else pl.col("_place").cast(pl.UInt32))
    return [(best + pl.lit(same, dtype=pl.UInt64)).alias("best"), last.cast(pl.UInt32).alias("last")]


def live_record(best: pl.Expr) -> pl.Expr:
    """Whether one of the lines of a packed record is live (``live_line``)."""
    bit = pl.lit(2 ** _STARTS["live"], pl.UInt64)
    return (best & bit) == bit


def same_everywhere(facts: Sequence[pl.Expr]) -> dict[str, int]:
    """Facts of lines that no column of the input tells, by name: they are literals."""
    return {
        fact.meta.output_name(): int(pl.select(fact).item())
        for fact in facts
        if fact.meta.undo_aliases().meta.is_literal()
    }


def unpacked(best: NDArray[np.uint64], last: NDArray[np.uint32]) -> dict[str, NDArray[Any]]:
    """standing, live, denied, firm, best_day, form, source, npi, odd, unbilled, last_day and place of packed records."""

    def small(name: str) -> NDArray[np.uint8]:
        return (best >> np.uint64(_STARTS[name])).astype(np.uint8) & np.uint8(2 ** _FIELDS[name] - 1)

    def bit(name: str) -> NDArray[np.bool_]:
        told: NDArray[np.bool_] = (best & np.uint64(2 ** _STARTS[name])) != 0
        return told

    form_as_packed = small("form")
    return {
        "standing": small("standing"),
        "live": bit("live"),
        "denied": ~bit("paid"),
        "firm": bit("firm"),
        "best_day": ((best >> np.uint64(_STARTS["day"])).astype(np.int32) & np.int32(2**DAY_BITS - 1)),
        "form": _PLAIN.take(form_as_packed),
        "source": small("source"),
        "npi": (best >> np.uint64(_STARTS["npi"])) & np.uint64(2**NPI_BITS - 1),
        "odd": bit("odd"),
        "unbilled": _IS_UNBILLED.take(form_as_packed),
        "last_day": (last >> np.uint32(8)).astype(np.int32) & np.int32(2**DAY_BITS - 1),
        "place": (last & np.uint32(0xFF)).astype(np.uint8),
    }


def records(lines: pl.LazyFrame, rules: LineRules, keys: Sequence[pl.Expr]) -> pl.LazyFrame:
    """One row per key: ``best``, ``last``, and ``verdict`` (Int8: -1 disallowed, 1 allowed) where the lines have one.

    ``keys`` are computed from the canonical columns of the lines.
    """
    names = lines.collect_schema().names()
    told = [_verdict()] if "risk_adjustment_flag" in names else []
    late = [pl.col("submission_date")] if "submission_date" in names else []
    facts = _line_facts(names, rules)
    prepared = lines.select(*keys, *facts, *told, *late)
    by = [key.meta.output_name() for key in keys]
    more = [*(["verdict"] if told else []), *(["submission_date"] if late else [])]
    kept = prepared.select(*by, *packed(rules, same_everywhere(facts)), *more)
    return kept.group_by(by).agg(
        pl.col("best").max(),
        pl.col("last").max(),
        *([pl.col("verdict").min()] if told else []),
        *([pl.col("submission_date").max()] if late else []),
    )


NO_VERDICT = 2  # larger than any verdict: the least of a record's lines is one, where there is one


def hashed(lines: pl.LazyFrame, rules: LineRules) -> pl.LazyFrame:
    """One row per line: ``hash`` (of the claim), ``owner`` (hash of the member), ``best``, ``last``, and where the
    lines have them ``verdict`` (Int8, or NO_VERDICT) and ``submitted`` (day number, 0 unknown)."""
    names = lines.collect_schema().names()
    keys = [pl.col("claim_id").hash().alias("hash"), pl.col("member_id").hash().alias("owner")]
    told = [_verdict().fill_null(NO_VERDICT)] if "risk_adjustment_flag" in names else []
    late = [day_number("submission_date").fill_null(0).alias("submitted")] if "submission_date" in names else []
    facts = _line_facts(names, rules)
    prepared = lines.select(*keys, *facts, *told, *late)
    more = [*(["verdict"] if told else []), *(["submitted"] if late else [])]
    return prepared.select("hash", "owner", *packed(rules, same_everywhere(facts)), *more)


def _verdict() -> pl.Expr:
    word = pl.col("risk_adjustment_flag").cast(pl.String)
    return (
        pl.when(word == "allowed")
        .then(1)
        .when(word == "disallowed")
        .then(-1)
        .otherwise(None)
        .cast(pl.Int8)
        .alias("verdict")
    )


def _source() -> pl.Expr:
    return _place(pl.col("source"), {value: i for i, value in enumerate(SOURCES)}, 0)
