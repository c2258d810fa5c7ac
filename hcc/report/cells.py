"""Figures as people read them, and none that would point at a few persons.

CMS's rule for what leaves its data: no cell of 1 to 10 beneficiaries is shown, nor anything from which one follows (CMS
cell size suppression policy). Here groups that are too small are put together where a table divides the members, and
single counts are shown as "<11", together with what was worked out from so few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

SMALLEST = 11
HIDDEN = f"<{SMALLEST}"
WITHHELD = "not shown"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cells:
    """Whether counts below SMALLEST are shown."""

    show: bool = False

    def hides(self, count: int | None) -> bool:
        """True for 1 to 10: this count, and what rests on it, is not shown."""
        return not self.show and count is not None and 0 < count < SMALLEST

    def count(self, number: int | None) -> str:
        """A count, or "<11"."""
        return "–" if number is None else HIDDEN if self.hides(number) else f"{number:,}"

    def of(self, count: int | None, figure: str) -> str:
        """A figure that rests on ``count`` members."""
        return HIDDEN if self.hides(count) else figure

    def masked(self, counts: Sequence[int]) -> list[bool]:
        """Which counts of a division stay hidden when its total is known: the small ones, and one more of the smallest
        wherever the hidden ones together would give a small one away."""
        hidden = [self.hides(count) for count in counts]
        while any(hidden):
            total = sum(count for count, is_hidden in zip(counts, hidden, strict=True) if is_hidden)
            if sum(hidden) > 1 and total >= SMALLEST:
                break
            rest = [place for place, count in enumerate(counts) if not hidden[place] and count]
            if not rest:
                break
            hidden[min(rest, key=lambda place: counts[place])] = True
        return hidden

    def masked_cells(self, count: int, hidden: bool, *figures: str) -> list[str]:
        """The count of a row of a division and what rests on it; ``hidden`` as ``masked`` found."""
        said = HIDDEN if self.hides(count) else WITHHELD if hidden else self.count(count)
        return [said, *(WITHHELD if hidden else figure for figure in figures)]

    def together(self, rows: Sequence[Row], count: str, merge: Callable[[list[Row]], Row]) -> list[Row]:
        """Rows that divide the members, the small ones merged into one at the end; ``merge`` makes it of them.

        The merged row has SMALLEST members or more: the next smallest rows go into it until it has.
        """
        hidden = self.masked([row[count] for row in rows])
        if not any(hidden):
            return list(rows)
        kept = [row for row, is_hidden in zip(rows, hidden, strict=True) if not is_hidden]
        return [*kept, merge([row for row, is_hidden in zip(rows, hidden, strict=True) if is_hidden])]


def score(value: Any) -> str:
    """A risk score with three decimals, a dash where there is none."""
    return "–" if value is None else f"{float(value):.3f}"


def signed(value: Any, decimals: int = 3) -> str:
    """A change with its sign; a minus that looks like one."""
    return "–" if value is None else f"{float(value):+,.{decimals}f}".replace("-", "−")


def share(value: Any) -> str:
    """A share as per cent."""
    return "–" if value is None else f"{float(value):.1%}"


def dollars(value: Any) -> str:
    """Signed whole dollars."""
    return "–" if value is None else f"{float(value):+,.0f}".replace("-", "−$").replace("+", "+$")


def about(value: Any) -> str:
    """Signed dollars in few figures: whole to 99,999, then thousands, from a million on millions."""
    if value is None:
        return "–"
    amount, sign = abs(float(value)), "−" if float(value) < 0 else "+"
    if amount >= 999_500:
        return f"{sign}${amount / 1_000_000:,.{1 if amount >= 10_000_000 else 2}f} m"
    if amount >= 100_000:
        return f"{sign}${amount / 1000:,.0f} k"
    return f"{sign}${amount:,.0f}"


def model_words(model: str, calibration: str = "") -> str:
    """``cms-hcc-v28`` as "CMS-HCC V28"."""
    family, _, version = model.rpartition("-")
    words = f"{family.upper().replace('RXHCC', 'RxHCC').replace('HCC-', 'HCC ')} {version.upper()}".strip()
    return f"{words} ({calibration.upper()})" if calibration else words
