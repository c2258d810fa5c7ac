"""Which question comes first: points for strength, value, clock and last visit; the weights are data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hcc.errors import InputError

_SHIPPED = Path(__file__).with_name("priority.toml")
_SHAPE = {
    "strength": ("high", "medium", "low"),
    "value": ("points", "full_at"),
    "clock": ("points", "none_at"),
    "last_visit": ("points", "full_at"),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """Points of a question. ``value_full_at`` is a score change, ``clock_none_at`` and ``visit_full_at`` are days."""

    high: float
    medium: float
    low: float
    value: float
    value_full_at: float
    clock: float
    clock_none_at: float
    visit: float
    visit_full_at: float


def load_weights(path: str | Path | None = None) -> Weights:
    """The weights of ``path``, or the shipped ones. Raises InputError with all faults of the file."""
    file = Path(path) if path is not None else _SHIPPED
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError.from_faults(str(file), [f"cannot be read ({error.__class__.__name__})"]) from None
    faults = [f"[{section}] is not known" for section in table if section not in _SHAPE]
    found: dict[tuple[str, str], float] = {}
    for section, names in _SHAPE.items():
        given = table.get(section)
        if not isinstance(given, dict):
            faults.append(f"[{section}] is missing")
            continue
        faults += [f"[{section}] {name} is not known" for name in given if name not in names]
        for name in names:
            value = given.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                faults.append(f"[{section}] {name} is not a number")
            elif value < 0 or (value == 0 and name.endswith("_at")):
                faults.append(
                    f"[{section}] {name} must be above zero" if value else f"[{section}] {name} must not be zero"
                )
            else:
                found[section, name] = float(value)
    if faults:
        raise InputError.from_faults(str(file), faults, hint=f"The shape is that of {_SHIPPED}.")
    return Weights(*(found[section, name] for section, names in _SHAPE.items() for name in names))


def priority_sql(weights: Weights, today: date) -> str:
    """The points as an SQL expression over strength, score_change, due_on and last_visit; any of them may be null.

    Pure: the same weights and day give the same text. The result is rounded to one decimal.
    """
    day = f"DATE '{today.isoformat()}'"
    strength = (
        f"CASE strength WHEN 'high' THEN {weights.high} WHEN 'medium' THEN {weights.medium} "
        f"WHEN 'low' THEN {weights.low} ELSE 0 END"
    )
    value = f"least(abs(coalesce(score_change, 0)::DOUBLE) / {weights.value_full_at}, 1)"
    clock = f"coalesce(1 - greatest(0, least(due_on - {day}, {weights.clock_none_at})) / {weights.clock_none_at}, 0)"
    visit = f"coalesce(greatest(0, least({day} - last_visit, {weights.visit_full_at})) / {weights.visit_full_at}, 1)"
    return f"round({strength} + {weights.value} * {value} + {weights.clock} * {clock} + {weights.visit} * {visit}, 1)"


def in_words(weights: Weights) -> list[str]:
    """How the points come about, one sentence each, for the summary sheet and the page's help."""
    return [
        f"Strength of the evidence: high {weights.high:g}, medium {weights.medium:g}, low {weights.low:g}.",
        f"Value: up to {weights.value:g}, all of them from a score change of {weights.value_full_at:.3f}, up or down, "
        "of Part C or, where the question has none there, of Part D.",
        f"Clock: up to {weights.clock:g}, rising over the {weights.clock_none_at:g} days before the return-by day; "
        "a missing condition has none.",
        f"Last visit: up to {weights.visit:g}, rising with the days since then up to {weights.visit_full_at:g} days.",
        "The size of a change counts, not its sign. Equal points: the larger change first, then the older evidence.",
    ]
