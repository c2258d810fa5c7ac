"""Windows of gap rules in words: in which days evidence is looked for. Both ends belong to the window.

Fixed: ``ever``; ``data collection year``; ``24 months to as of`` (days, months or years);
``2 years before the data collection year``. Around the diagnosis in question: ``60 days around the diagnosis``,
``365 days before the diagnosis``, ``90 days after the diagnosis``, ``more than 365 days before the diagnosis``.
No window reaches beyond the as-of date.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

EARLIEST = date(1900, 1, 1)
DATA_YEAR = "data collection year"
_FORMS = (
    (re.compile(r"^ever$"), "ever"),
    (re.compile(rf"^{DATA_YEAR}$"), "year"),
    (re.compile(r"^(?P<n>\d+) (?P<unit>day|month|year)s? to as of$"), "to_as_of"),
    (re.compile(rf"^(?P<n>\d+) years? before the {DATA_YEAR}$"), "before_year"),
    (re.compile(r"^(?P<n>\d+) days around the diagnosis$"), "around"),
    (re.compile(r"^(?P<n>\d+) days before the diagnosis$"), "before"),
    (re.compile(r"^(?P<n>\d+) days after the diagnosis$"), "after"),
    (re.compile(r"^more than (?P<n>\d+) days before the diagnosis$"), "long_before"),
)
Shape = Literal["ever", "year", "to_as_of", "before_year", "around", "before", "after", "long_before"]


@dataclass(frozen=True, slots=True)
class Window:
    """A window as written; ``fixed`` gives its days, or None where each member's diagnosis moves it."""

    shape: str
    n: int = 0
    unit: str = "day"

    @property
    def moves(self) -> bool:
        """Whether the window is counted from the member's diagnosis."""
        return self.shape in ("around", "before", "after", "long_before")

    def fixed(self, year_start: date, year_end: date, as_of: date) -> tuple[date, date]:
        """First and last day; for a moving window all the days it can reach to."""
        if self.shape == "year":
            return year_start, min(year_end, as_of)
        if self.shape == "to_as_of":
            return back(as_of, self.n, self.unit), as_of
        if self.shape == "before_year":
            return back(year_start, self.n, "year"), min(year_start - timedelta(days=1), as_of)
        if self.shape == "around":
            return year_start - timedelta(days=self.n), min(year_end + timedelta(days=self.n), as_of)
        if self.shape == "before":
            return year_start - timedelta(days=self.n), min(year_end, as_of)
        if self.shape == "after":
            return year_start, min(year_end + timedelta(days=self.n), as_of)
        return EARLIEST, as_of

    @property
    def reach(self) -> tuple[int, int]:
        """Days from the diagnosis to the first and to the last day of a moving window."""
        if self.shape == "around":
            return -self.n, self.n
        if self.shape == "before":
            return -self.n, 0
        if self.shape == "after":
            return 0, self.n
        return -100_000, -self.n - 1

    @property
    def words(self) -> str:
        """How a reader is told."""
        plural = "" if self.n == 1 else "s"
        return {
            "ever": "at any time",
            "year": "in {year}",
            "to_as_of": f"in the {self.n} {self.unit}{plural} to {{as_of}}",
            "before_year": f"in the {self.n} year{plural} before {{year}}",
            "around": f"within {self.n} days before or after it",
            "before": f"in the {self.n} days before it",
            "after": f"in the {self.n} days after it",
            "long_before": f"more than {self.n} days before it",
        }[self.shape]


def parse_window(text: str) -> Window:
    """The window of a text; ValueError names the forms."""
    for pattern, shape in _FORMS:
        match = pattern.match(text.strip())
        if match:
            found = match.groupdict()
            return Window(shape, int(found.get("n") or 0), found.get("unit") or "day")
    raise ValueError(
        f"{text!r} is no window; write 'data collection year', 'ever', '24 months to as of', "
        "'2 years before the data collection year', '60 days around the diagnosis', '365 days before the diagnosis', "
        "'90 days after the diagnosis' or 'more than 365 days before the diagnosis'"
    )


def back(day: date, n: int, unit: str) -> date:
    """``day`` less n days, months or years; a day that the month lacks becomes its last."""
    if unit == "day":
        return day - timedelta(days=n)
    months = day.year * 12 + day.month - 1 - n * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
