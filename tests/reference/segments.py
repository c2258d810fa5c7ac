"""Which population a member is scored in (SPEC 2.2, 2.9, 2.10). New enrollee outranks institutional."""

from __future__ import annotations

from tests.reference.person import Person


def segment(model: str, who: Person) -> str:
    """Segment of the model, or '' where the model does not score this member."""
    if model.startswith("rxhcc"):
        return _rxhcc(who)
    if "esrd" in model:
        return "" if who.esrd == "none" else _esrd(model, who)
    return _cms_hcc(who) if who.esrd == "none" else ""


def _cms_hcc(who: Person) -> str:
    if who.new_enrollee:
        return "SNPNE" if who.csnp else "NE"
    if who.lti:
        return "INS"
    return "C" + {"full": "F", "partial": "P", "none": "N"}[who.dual] + ("A" if who.aged else "D")


def _esrd(model: str, who: Person) -> str:
    if who.esrd == "dialysis":
        return "DNE" if who.new_enrollee else "DI"
    if who.esrd == "transplant":
        return "TRANSPLANT"
    if who.new_enrollee:
        return "GNE"
    if who.lti:
        return "GI"
    if model.endswith("v21"):
        return "GC"
    return ("GF" if who.dual == "full" else "GNP") + ("A" if who.aged else "N")


def _rxhcc(who: Person) -> str:
    if who.new_enrollee:
        return "NE_LTI" if who.lti else "NE_Low" if who.low_income else "NE_NoLow"
    if who.lti:
        return "CE_LTI"
    return "CE_" + ("Low" if who.low_income else "NoLow") + ("Aged" if who.aged else "NoAged")
