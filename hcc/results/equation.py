"""How models, months and frailty make the risk score, as lines whose arithmetic a reader can follow to the last digit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

from hcc.results.explain import Explanation, Part, Status

_THOUSANDTH = Decimal("0.001")


def equation(told: Explanation, part: Part) -> Iterator[str]:
    """The lines; none where one status is the whole of the score.

    A month's blend is rounded before the mean is taken (SPEC 2.0, RULINGS 5), so where blends are averaged each has a
    line of its own. Frailty is told as its sum over the months, which has three decimals where its mean may have no end.
    """
    rows = [s for m in told.models if m.part == part.part for s in m.statuses if s.blend_weight is not None]
    frailty = part.frailty or Decimal(0)
    if part.risk_score is None or len(rows) + bool(frailty) < 2:
        return
    if all(s.first_month is None for s in rows):
        yield f"{_blend(rows)}{_frailty(frailty)} = {part.risk_score}"
        return
    alike: dict[tuple[int, ...], int] = {}
    for month in sorted({month for s in rows for month in s.payable}):
        paid = tuple(i for i, s in enumerate(rows) if month in s.payable)
        alike[paid] = alike.get(paid, 0) + 1
    months = sum(alike.values())
    if len(alike) == 1 and frailty == frailty.quantize(_THOUSANDTH):
        ((paid, _),) = alike.items()
        same = f"{_blend([rows[i] for i in paid])}{_frailty(frailty)} = {part.risk_score}"
        # Whether every month has the same frailty, or some have more and some none, is not in the file.
        yield f"{same}{', the mean' if frailty else ' in each'} of {months} payable months"
        return
    terms = []
    for paid, count in alike.items():
        blend = [rows[i] for i in paid]
        score = _rounded(sum((s.blend_weight or 0) * (s.payment_score or 0) for s in blend))
        terms.append(f"{count} × {score}")
        if len(blend) > 1:
            yield f"{count} month{'' if count == 1 else 's'}: {_blend(blend)} = {score}"
    yield f"({' + '.join(terms)}{_frailty(_rounded(frailty * months))}) ÷ {months} payable months = {part.risk_score}"


def figure(value: Decimal | None) -> str:
    """A payment factor with three decimals, and with more where it has more."""
    if value is None:
        return ""
    short = value.normalize()
    return f"{value.quantize(_THOUSANDTH) if short == short.quantize(_THOUSANDTH) else short:f}"


def weight(value: Decimal | None) -> str:
    """A weight without zeros at its end."""
    return "" if value is None else f"{value.normalize():f}"


def _blend(rows: Sequence[Status]) -> str:
    return " + ".join(
        f"{s.payment_score}" if s.blend_weight == 1 else f"{weight(s.blend_weight)} × {s.payment_score}" for s in rows
    )


def _frailty(value: Decimal) -> str:
    return f" {'+' if value > 0 else '−'} {figure(abs(value))} frailty" if value else ""


def _rounded(value: Decimal | int) -> Decimal:
    """Half away from zero, as hcc.scores.rounding."""
    return Decimal(value).quantize(_THOUSANDTH, ROUND_HALF_UP)
