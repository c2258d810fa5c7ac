"""The reason why a record's diagnoses count or do not, and what is worth saying about it (SPEC R-4.7)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses.chains import DELETED, SUPERSEDED, ChainRules
from hcc.diagnoses.lines import EPOCH, FORMS, RECORD_TYPES, LineRules

REASONS = (
    "COUNTED",
    "OUT_OF_WINDOW",
    "RECORD_INELIGIBLE(N)",
    "SUPERSEDED",
    "DELETED",
    "RECORD_INELIGIBLE(D)",
    "RECORD_INELIGIBLE(T)",
    "RECORD_INELIGIBLE(H)",
    "AUDIO_ONLY",
    "UNLINKED_CRR",
    "NOT_VALID_ON_DOS",
    "AGE_EDIT",
    "SEX_EDIT",
    "MCE_EDIT",
)
(
    COUNTED, OUT_OF_WINDOW, INELIGIBLE_N, R_SUPERSEDED, R_DELETED, INELIGIBLE_D, INELIGIBLE_T, INELIGIBLE_H,
    AUDIO_ONLY, UNLINKED_CRR, NOT_VALID_ON_DOS, AGE_EDIT, SEX_EDIT, MCE_EDIT,
) = range(len(REASONS))  # fmt: skip

FLAGS = (
    "AUDIO_ONLY",
    "FILTER_DISAGREES",
    "NOT_ACCEPTED_OR_DENIED",
    "DENIED_LINE",
    "RAPS",
    "CHART_REVIEW_UNLINKED",
    "SWITCHER",
    "SWITCHER_UNKNOWN",
    "REPLACEMENT_UNMATCHED",
    "NO_BILL_TYPE",
    "LIST_OF_ANOTHER_YEAR",
    "WITHDRAWN",
    "FREQUENCY_ODD",
    "WEAK_FACE_TO_FACE",
)
_FLAG = {name: 1 << i for i, name in enumerate(FLAGS)}
_FORM = {name: i for i, name in enumerate(FORMS)}
RAPS = 2


@dataclass(frozen=True)
class DecisionRules:
    """The run's rules on records: the window and lists, the deadline, and the year's policies.

    ``exempt_programs`` (from the rule on unlinked chart reviews) and ``raps_programs`` say for which members a Decider
    is told so; which programme a member is in, its months say.
    """

    lines: LineRules
    chains: ChainRules
    exempt_programs: frozenset[str] = frozenset()
    raps_programs: frozenset[str] = frozenset()
    listed_years: frozenset[int] = frozenset()


_ASKS: dict[str, tuple[str, ...]] = {  # the columns without all of which a flag cannot come up
    "AUDIO_ONLY": ("hcpcs",),
    "FILTER_DISAGREES": ("risk_adjustment_flag",),
    "NOT_ACCEPTED_OR_DENIED": ("accepted", "claim_status"),
    "DENIED_LINE": ("claim_status",),
    "RAPS": ("source",),
    "CHART_REVIEW_UNLINKED": ("record_type",),
    "SWITCHER": ("record_type",),
    "SWITCHER_UNKNOWN": ("record_type",),
    "REPLACEMENT_UNMATCHED": ("frequency_code",),
    "LIST_OF_ANOTHER_YEAR": (),
    "WITHDRAWN": ("frequency_code", "record_type"),
    "NO_BILL_TYPE": ("claim_type",),
    "FREQUENCY_ODD": ("frequency_was_odd",),
    "WEAK_FACE_TO_FACE": ("hcpcs",),
}
_MOST_FLAGS = 7


def possible_flags(columns: Collection[str], rules: DecisionRules, *, replaced: bool) -> NDArray[np.uint16] | None:
    """Every set of flags that lines with these columns can bear, before any is read; None where they are too many to
    be told beforehand. ``replaced``: there are replacements or chart reviews."""
    years = range(rules.lines.window[0].year, rules.lines.window[1].year + 1)
    ruled_out = {
        "REPLACEMENT_UNMATCHED": not replaced,
        "LIST_OF_ANOTHER_YEAR": all(year in rules.listed_years for year in years),
        **dict.fromkeys(("CHART_REVIEW_UNLINKED", "SWITCHER", "SWITCHER_UNKNOWN", "WITHDRAWN"), not replaced),
    }
    can = [
        name for name, asked in _ASKS.items()
        if (not asked or set(asked) & set(columns)) and not ruled_out.get(name, False)
    ]  # fmt: skip
    if len(can) > _MOST_FLAGS:
        return None
    bits = [_FLAG[name] for name in can]
    sets = [sum(some) for size in range(len(bits) + 1) for some in combinations(bits, size)]
    return np.array(sorted(sets), dtype=np.uint16)


def _flag_of(found: pl.DataFrame, name: str, default: bool = False) -> NDArray[np.bool_]:
    if name not in found.columns:
        return np.full(found.height, default, dtype=np.bool_)
    values: NDArray[np.bool_] = found[name].fill_null(default).to_numpy()
    return values


def _number_of(found: pl.DataFrame, name: str) -> NDArray[np.int8]:
    if name not in found.columns:
        return np.zeros(found.height, dtype=np.int8)
    values: NDArray[np.int8] = found[name].fill_null(0).to_numpy().astype(np.int8)
    return values


def record_reasons(found: pl.DataFrame, rules: DecisionRules) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Reason and flags of each record; the first reason in REASONS' order that applies decides."""
    start, end = ((day - EPOCH).days for day in rules.lines.window)
    day = found["day"].to_numpy()
    form = found["form"].to_numpy()
    standing = found["standing"].to_numpy()
    audio_level = 2 if rules.lines.audio_first else 1
    source = _number_of(found, "source")
    filtered_by_plan = source == RAPS  # RAPS: the plan itself filters before it submits (SPEC)
    inpatient = (form == _FORM["inpatient"]) | filtered_by_plan
    audio_counts = rules.lines.audio_first
    qualifies = inpatient | ((standing > 0) & ((standing != audio_level) | audio_counts))
    needs_line = ((form == _FORM["professional"]) | (form == _FORM["outpatient"])) & ~filtered_by_plan
    kind = found["record_type"].to_numpy()
    raps = (source == RAPS) & ~_flag_of(found, "raps_counts")
    verdict = _number_of(found, "verdict")
    live = _flag_of(found, "live", True)
    state = _number_of(found, "state")
    late = _flag_of(found, "late")
    review = kind == RECORD_TYPES.index("chart_review")
    unlinked = review & ~_flag_of(found, "linked")
    switcher = _flag_of(found, "switcher")
    known = found["switcher"].is_not_null().to_numpy() if "switcher" in found.columns else np.zeros(len(day), bool)
    barred = unlinked & ~switcher & ~_flag_of(found, "exempt") & rules.chains.switcher_only
    delete = kind == RECORD_TYPES.index("chart_review_delete")
    ours_bad_form = ~(inpatient | needs_line)
    allowed = verdict > 0
    reason = np.zeros(len(day), dtype=np.uint8)
    audio_only = needs_line & (standing == audio_level) & (not audio_counts)
    for code, applies in (
        (UNLINKED_CRR, barred),
        (AUDIO_ONLY, audio_only & ~allowed),
        (INELIGIBLE_H, needs_line & ~qualifies & ~audio_only & ~allowed),
        (INELIGIBLE_T, (form == _FORM["bad_bill_type"]) & ~allowed & ~filtered_by_plan),
        (INELIGIBLE_D, late),
        (R_DELETED, (state == DELETED) | delete),
        (R_SUPERSEDED, state == SUPERSEDED),
        (INELIGIBLE_N, ~live | raps | (verdict < 0) | (ours_bad_form & (form != _FORM["bad_bill_type"]) & ~allowed)),
        (OUT_OF_WINDOW, (day < start) | (day > end)),
    ):
        reason[applies] = code
    # The deadline and the rule on unlinked reviews say what a run takes, as the window does; a verdict of CMS's filter
    # outranks our filter, not them (RULINGS 9, SPEC ). Where they stand against it, the flag says so.
    ours = (inpatient | needs_line) & qualifies & ~late & ~barred
    flags = np.zeros(len(day), dtype=np.uint16)
    borrowed = np.zeros(len(day), dtype=bool)
    for year in range(rules.lines.window[0].year, rules.lines.window[1].year + 1):
        if year not in rules.listed_years:
            first, last = (date(year, 1, 1) - EPOCH).days, (date(year, 12, 31) - EPOCH).days
            borrowed |= (day >= first) & (day <= last)
    for name, applies in (
        ("AUDIO_ONLY", needs_line & (standing == audio_level)),
        ("FILTER_DISAGREES", ((verdict > 0) & ~ours) | ((verdict < 0) & ours)),
        ("NOT_ACCEPTED_OR_DENIED", ~live),
        ("DENIED_LINE", _flag_of(found, "denied")),
        ("RAPS", source == RAPS),
        ("CHART_REVIEW_UNLINKED", unlinked),
        ("SWITCHER", unlinked & switcher & ~_flag_of(found, "exempt") & rules.chains.switcher_only),
        ("SWITCHER_UNKNOWN", barred & ~known),
        ("REPLACEMENT_UNMATCHED", _flag_of(found, "unmatched")),
        ("LIST_OF_ANOTHER_YEAR", needs_line & borrowed),
        ("NO_BILL_TYPE", _flag_of(found, "unbilled")),
        ("FREQUENCY_ODD", _flag_of(found, "odd")),
        ("WEAK_FACE_TO_FACE", needs_line & (standing == 3) & ~_flag_of(found, "firm", True)),
        # A reason that comes first hides it, and what was withdrawn is no claim for anybody.
        ("WITHDRAWN", ((state == SUPERSEDED) | (state == DELETED)) & (reason != R_SUPERSEDED) & (reason != R_DELETED)),
    ):
        if applies.any():  # most never are, and a mask costs more than the look
            flags[applies] |= np.uint16(_FLAG[name])
    return reason, flags
