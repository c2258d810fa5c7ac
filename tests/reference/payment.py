"""Raw scores to payment scores: normalisation, coding adjustment, blend, months (SPEC 2.0 steps 8 to 10, 2.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.reference.person import Person
from tests.reference.scoring import rounded

V22, V24, V28 = "cms-hcc-v22", "cms-hcc-v24", "cms-hcc-v28"
E21, E24, RX, RX5 = "cms-hcc-esrd-v21", "cms-hcc-esrd-v24", "rxhcc-v08", "rxhcc-v05"


@dataclass(frozen=True)
class Share:
    """One model's part in a programme's score; a factor of None was found nowhere."""

    model: str
    calibration: str
    weight: Decimal
    normalization: Decimal | None
    coding_adjustment: Decimal


def _share(model: str, weight: str, normalization: str | None, adjustment: str = "0", calibration: str = "") -> Share:
    factor = None if normalization is None else Decimal(normalization)
    return Share(model, calibration, Decimal(weight), factor, Decimal(adjustment))


_MA = "0.059"

# SPEC 2.8, typed in by hand from its tables and not read from mappings/programs.
PROGRAMS: dict[int, dict[str, list[Share]]] = {
    2024: {
        "MA": [_share(V24, "0.67", "1.146", _MA), _share(V28, "0.33", "1.015", _MA)],
        "MA-ESRD-dialysis": [_share(E24, "1", "1.022", _MA)],
        "MA-ESRD-graft": [_share(E24, "1", "1.028", _MA)],
        "MA-ESRD-transplant": [_share(E24, "1", "1.022", _MA)],
        "PACE": [_share(V22, "1", "1.159")],
        "PACE-ESRD-dialysis": [_share(E21, "1", "1.100")],
        "PACE-ESRD-graft": [_share(E21, "1", "1.159")],
        "PACE-ESRD-transplant": [_share(E21, "1", "1.100")],
        # Part D of 2024 is paid by tables that nobody here has (RULINGS 7): said, not scored.
        "PACE-PartD": [_share(RX5, "1", "1.084")],
        "PartD-MAPD": [_share(RX, "1", "1.063")],
        "PartD-PDP": [_share(RX, "1", "1.063")],
    },
    2025: {
        "MA": [_share(V24, "0.33", "1.153", _MA), _share(V28, "0.67", "1.045", _MA)],
        "MA-ESRD-dialysis": [_share(E24, "1", None, _MA)],
        "MA-ESRD-graft": [_share(E24, "1", None, _MA)],
        "MA-ESRD-transplant": [_share(E24, "1", None, _MA)],
        "PACE": [_share(V22, "1", None)],
        "PACE-ESRD-dialysis": [_share(E21, "1", None)],
        "PACE-ESRD-graft": [_share(E21, "1", None)],
        "PACE-ESRD-transplant": [_share(E21, "1", None)],
        "PACE-PartD": [_share(RX, "1", None, calibration="a")],
        "PartD-MAPD": [_share(RX, "1", "1.045", calibration="b")],
        "PartD-PDP": [_share(RX, "1", "0.955", calibration="b")],
    },
    2026: {
        "MA": [_share(V28, "1", "1.067", _MA)],
        "MA-ESRD-dialysis": [_share(E24, "1", "1.062", _MA)],
        "MA-ESRD-graft": [_share(E24, "1", "1.104", _MA)],
        "MA-ESRD-transplant": [_share(E24, "1", "1.062", _MA)],
        "PACE": [_share(V22, "0.9", "1.187"), _share(V28, "0.1", "1.067")],
        "PACE-ESRD-dialysis": [_share(E21, "0.9", "1.129"), _share(E24, "0.1", "1.062")],
        "PACE-ESRD-graft": [_share(E21, "0.9", "1.203"), _share(E24, "0.1", "1.104")],
        "PACE-ESRD-transplant": [_share(E21, "0.9", "1.129"), _share(E24, "0.1", "1.062")],
        "PACE-PartD": [_share(RX, "0.9", "1.202", calibration="t"), _share(RX, "0.1", "1.194", calibration="x")],
        "PartD-MAPD": [_share(RX, "1", "1.194", calibration="x")],
        "PartD-PDP": [_share(RX, "1", "0.887", calibration="x")],
    },
    2027: {
        "MA": [_share(V28, "1", "1.079", _MA)],
        "MA-ESRD-dialysis": [_share(E24, "1", "1.072", _MA)],
        "MA-ESRD-graft": [_share(E24, "1", "1.119", _MA)],
        "MA-ESRD-transplant": [_share(E24, "1", "1.072", _MA)],
        "PACE": [_share(V22, "0.5", "1.202"), _share(V28, "0.5", "1.079")],
        "PACE-ESRD-dialysis": [_share(E21, "0.5", "1.145"), _share(E24, "0.5", "1.072")],
        "PACE-ESRD-graft": [_share(E21, "0.5", "1.209"), _share(E24, "0.5", "1.119")],
        "PACE-ESRD-transplant": [_share(E21, "0.5", "1.145"), _share(E24, "0.5", "1.072")],
        "PACE-PartD": [_share(RX, "0.5", "1.237", calibration="t2"), _share(RX, "0.5", "1.109", calibration="y1")],
        "PartD-MAPD": [_share(RX, "1", "1.109", calibration="y1")],
        "PartD-PDP": [_share(RX, "1", "1.005", calibration="y2")],
    },
}


def programs_of(who: Person) -> dict[str, str]:
    """Programme that pays a member in each part: ``{"C": …, "D": …}``, a part absent where nothing is paid."""
    found = {}
    if who.program in ("MA", "PACE"):
        found["C"] = who.program if who.esrd == "none" else f"{who.program}-ESRD-{who.esrd}"
    if who.part_d_plan != "none":
        found["D"] = "PACE-PartD" if who.program == "PACE" else f"PartD-{who.part_d_plan.replace('MA-PD', 'MAPD')}"
    return found


def normalized_and_paid(raw: Decimal, share: Share) -> tuple[Decimal, Decimal] | None:
    """Raw over the normalisation factor, rounded; less the coding adjustment, rounded again."""
    if share.normalization is None:
        return None
    normalized = rounded(raw / share.normalization)
    return normalized, rounded(normalized * (1 - share.coding_adjustment))


def blended(parts: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """Weighted sum of the rounded parts, rounded (Q3)."""
    return rounded(sum((weight * paid for weight, paid in parts), Decimal(0)))


def year_of_months(months: Mapping[int, Decimal]) -> Decimal | None:
    """Mean over the payable months, rounded once (RULINGS 5); None where no month is payable."""
    return rounded(sum(months.values(), Decimal(0)) / len(months)) if months else None
