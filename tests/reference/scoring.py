"""One member, one model: segment, factors, raw score (SPEC 2.0 steps 1 to 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from tests.reference.conditions import member_hccs
from tests.reference.demographics import demographic_variables, graft_variables
from tests.reference.person import Person
from tests.reference.segments import segment
from tests.reference.tables import Published

THOUSANDTH = Decimal("0.001")


def rounded(value: Decimal) -> Decimal:
    """Three decimals, half away from zero: decimal's ROUND_HALF_UP is just that, for negative values too."""
    return value.quantize(THOUSANDTH, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Score:
    """What one model says of one member. ``factors`` sum to ``raw``."""

    segment: str
    hccs: frozenset[str] = frozenset()
    factors: dict[str, Decimal] = field(default_factory=dict)
    raw: Decimal | None = None
    modes_disagree: bool = False


def _flag(name: str, who: Person) -> bool | None:
    return {"DISABL": who.disabled, "NonAged": not who.aged}.get(name)


def _holds(term: str, hccs: set[str], who: Person, tables: Published) -> bool:
    flag = _flag(term, who)
    if flag is not None:
        return flag
    if term in tables.groups:
        return bool(tables.groups[term] & hccs)
    if not term.startswith(tables.prefix):
        raise LookupError(f"{tables.model}: what is {term}?")
    return term.removeprefix(tables.prefix) in hccs


def _count_variable(hccs: set[str]) -> str:
    return "D10P" if len(hccs) >= 10 else f"D{len(hccs)}"


def score(
    who: Person, codes: Iterable[str], tables: Published, mode: str = "cms_python", seg: str | None = None
) -> Score | None:
    """Score of one member from the codes that count; None where the model has no segment for this member.

    ``seg`` scores the member in that segment whatever the status says (CMS's software scores all of them).
    """
    seg = segment(tables.model, who) if seg is None else seg
    if not seg:
        return None
    if seg == "TRANSPLANT":
        assert who.graft_month is not None
        value = tables.transplant[who.graft_month]
        return Score(seg, factors={f"TRANSPLANT_MONTH_{who.graft_month}": value}, raw=value)
    if seg.startswith("G") and who.graft_month is None:
        return Score(seg)  # no time since the transplant, no score (RULINGS 4)
    table = tables.coefficients[seg]
    cell, *added = demographic_variables(seg, who, tables)
    factors = {cell: table[cell]}
    factors.update({name: table[name] for name in added if name in table})
    new_enrollee = seg in ("NE", "SNPNE", "DNE", "GNE") or seg.startswith("NE_")
    hccs: set[str] = set()
    disagree = False
    if not new_enrollee:
        codes = list(codes)
        hccs = member_hccs(codes, who.sex, who.age, tables, mode)
        disagree = member_hccs(codes, who.sex, who.age, tables, "cms_sas") != member_hccs(
            codes, who.sex, who.age, tables, "cms_python"
        )
        for hcc in hccs:
            factors[tables.prefix + hcc] = table[tables.prefix + hcc]
        for name, terms in tables.interactions:
            if name in table and all(_holds(term, hccs, who, tables) for term in terms):
                factors[name] = table[name]
        count = _count_variable(hccs)
        if count in table:
            factors[count] = table[count]
    if seg.startswith("G"):
        factors.update({name: tables.graft_duration[name] for name in graft_variables(seg, who, tables)})
    total = sum(factors.values(), Decimal(0))
    raw = rounded(total)
    if seg == "GNE" and tables.divisors:
        assert who.graft_month is not None
        raw = rounded(total / tables.divisors["DUR4_9" if who.graft_month <= 9 else "DUR10PL"])
        factors["ACTUARIAL_ADJUSTMENT"] = raw - total
    return Score(seg, frozenset(hccs), factors, raw, disagree)
