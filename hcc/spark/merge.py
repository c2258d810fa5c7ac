"""Reports of the buckets to what one run would have reported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hcc.errors import HccError, InputError

_COUNTS = re.compile(r"^(\w+: )(\d+)( .*)$")  # a note that counts
_NOBODY = re.compile(r"^(members: no row can be used \().*?(\).*)$")  # a note that counts by reason
_SHOWN = 5  # buckets named in an error
Report = dict[str, Any]


def raise_errors(reports: Mapping[int, Report]) -> None:
    """One clear error for whatever went wrong in the buckets, in the engine's own words."""
    failed = {bucket: report["error"] for bucket, report in sorted(reports.items()) if "error" in report}
    if not failed:
        return
    first = next(iter(failed.values()))
    named = ", ".join(map(str, list(failed)[:_SHOWN])) + (" …" if len(failed) > _SHOWN else "")
    where = f"in {len(failed)} of {len(reports)} buckets ({named})"
    if first["kind"] is None:
        raise HccError(
            f"The engine failed {where}: {first['message']}.",
            hint="This is a fault of the engine: the same members in hcc.score show where; values are not told here.",
        )
    kind = InputError if first["kind"] in ("InputError", "MissingColumns") else HccError
    raise kind(f"{first['message']}\n({where})", hint=first["hint"])


def raise_unreadable(reports: Iterable[Report]) -> None:
    """A column of text in which no bucket can read a date is a fault of the input, as in ``hcc.score``."""
    there: dict[str, bool] = {}
    for report in reports:
        for column, (some, good) in report["dates"].items():
            if some:
                there[column] = there.get(column, False) or good
    faults = [f"{column}: none of its values can be read as a date" for column, good in there.items() if not good]
    if faults:
        raise InputError.from_faults("Inputs", faults, hint="Write dates as YYYY-MM-DD, or cast the column to date.")


def merged_counts(reports: Sequence[Report], *, forms: bool = True) -> dict[str, Any]:
    """Counts of the whole run, but for those of unmapped codes: a code is counted once, in however many buckets.

    ``forms``: False where the population has more claim lines than ``hcc.score`` looks at for ``claim_forms``.
    """
    several = [report["counts"] for report in reports]
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(name for counts in several for name in counts):
        values = [counts[name] for counts in several if name in counts]
        if name == "claim_forms":
            merged[name] = merged_forms(values) if forms else {}
        elif all(isinstance(value, Mapping) for value in values):
            merged[name] = _summed(values)
        else:
            merged[name] = sum(values)
    sums: dict[str, list[int]] = {}
    for report in reports:
        for model, (rows, total) in report["raw"].items():
            have = sums.setdefault(model, [0, 0])
            have[0] += rows
            have[1] += total
    models = dict.fromkeys(model for counts in several for model in counts.get("mean_raw_score", {}))
    merged["mean_raw_score"] = {m: round(sums[m][1] / sums[m][0] / 1000, 3) for m in models if m in sums}
    return merged


def _summed(values: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for value in values:
        for key, number in value.items():
            total[key] = total.get(key, 0) + number
    return dict(sorted(total.items()))


def merged_forms(several: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """How the claims are filled in (hcc.intake.forms): sums, but for the most diagnoses on a claim."""
    if not several or not all(several):
        return {}
    merged = {name: sum(forms[name] for forms in several) for name in several[0]}
    for form in [name.removeprefix("most_on_") for name in merged if name.startswith("most_on_")]:
        most = max(forms[f"most_on_{form}"] for forms in several)
        at_most = [forms for forms in several if forms[f"most_on_{form}"] == most]
        below = [forms for forms in several if forms[f"most_on_{form}"] == most - 1]
        merged[f"most_on_{form}"] = most
        merged[f"at_most_on_{form}"] = sum(forms[f"at_most_on_{form}"] for forms in at_most)
        merged[f"next_to_most_on_{form}"] = sum(forms[f"next_to_most_on_{form}"] for forms in at_most) + sum(
            forms[f"at_most_on_{form}"] for forms in below
        )
    return merged


def merged_notes(reports: Sequence[Report]) -> list[str]:
    """What every bucket noted, and the notes that count with their sums. What only some saw is true of these alone.

    ``witness_notes`` of a report: what a run on the bucket's witnesses alone notes; their counts are taken off.
    ``members_aside``: reason → members' rows set aside, where a bucket's note counts what fills it, too.
    """
    aside = _summed(report.get("members_aside", {}) for report in reports)
    reasons = ", ".join(f"{number} {reason}" for reason, number in aside.items())
    several = [[_NOBODY.sub(rf"\g<1>{reasons}\g<2>", note) for note in report["notes"]] for report in reports]
    counting: dict[tuple[str, str], int] = {}
    for sign, name in ((1, "notes"), (-1, "witness_notes")):
        for note in (note for report in reports for note in report.get(name, ())):
            if found := _COUNTS.match(note):
                key = (found[1], found[3])
                counting[key] = counting.get(key, 0) + sign * int(found[2])
    every = dict.fromkeys(note for notes in several for note in notes if not counts(note))
    kept = [note for note in every if all(note in notes for notes in several)]
    return [*(f"{table}{number}{words}" for (table, words), number in counting.items() if number), *kept]


def counts(note: str) -> bool:
    """True for a note whose number is that of the rows or members it speaks of."""
    return _COUNTS.match(note) is not None


def merged_timings(reports: Iterable[Report]) -> dict[str, float]:
    """Seconds by stage, summed over the buckets."""
    total: dict[str, float] = {}
    for report in reports:
        for stage, seconds in report["timings"].items():
            total[stage] = total.get(stage, 0.0) + seconds
    return total
