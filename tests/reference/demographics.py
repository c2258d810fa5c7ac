"""Variables that come from who a member is, not from diagnoses (SPEC R-2.3 to R-2.6, R-2.11, 2.9, 2.10)."""

from __future__ import annotations

from tests.reference.person import Person
from tests.reference.tables import Published

BANDS = ((34, "0_34"), (44, "35_44"), (54, "45_54"), (59, "55_59"), (64, "60_64"), (69, "65_69"), (74, "70_74"),
         (79, "75_79"), (84, "80_84"), (89, "85_89"), (94, "90_94"), (999, "95_GT"))  # fmt: skip


def band(age: int, *, single_years: bool = False, open_at_85: bool = False) -> str:
    """Age band; new-enrollee cells split 65 to 69 by year, dialysis new enrollees end at 85."""
    if single_years and 65 <= age <= 69:
        return str(age)
    if open_at_85 and age >= 85:
        return "85_GT"
    return next(name for top, name in BANDS if age <= top)


def demographic_variables(seg: str, who: Person, tables: Published) -> list[str]:
    """Names of the demographic variables of a member in a segment; the first is the cell, which must have a value."""
    if tables.model.startswith("rxhcc"):
        return _rxhcc(seg, who)
    if "esrd" in tables.model:
        return _esrd_v21(seg, who) if tables.model.endswith("v21") else _esrd_v24(seg, who)
    return _cms_hcc(seg, who)


def _sex_word(who: Person) -> str:
    return "Female" if who.sex == "F" else "Male"


def _cms_hcc(seg: str, who: Person) -> list[str]:
    if seg in ("NE", "SNPNE"):
        medicaid = "MCAID" if who.nemcaid else "NMCAID"
        origin = "ORIGDIS" if who.aged and who.orec == "1" else "NORIGDIS"
        return [f"{medicaid}_{origin}_NE{who.sex}{band(who.new_enrollee_age, single_years=True)}"]
    names = [who.sex + band(who.age)]
    originally_disabled = who.orec == "1" and not who.disabled
    if seg == "INS":
        if originally_disabled:
            names.append("ORIGDIS")
        if who.ltimcaid:
            names.append("LTIMCAID")
    elif seg.endswith("A") and originally_disabled:
        names.append("OriginallyDisabled_" + _sex_word(who))
    return names


def _new_enrollee_esrd(seg: str, who: Person, payer: str) -> str:
    if seg == "DNE":  # no age gate on originally disabled here
        origin = "ORIGDIS" if who.orec == "1" else "NORIGDIS"
        return f"{payer}_{origin}_NE{who.sex}{band(who.new_enrollee_age, open_at_85=True)}"
    origin = "ORIGDIS" if who.aged and who.orec == "1" else "NORIGDIS"
    return f"{payer}_{origin}_G_NE{who.sex}{band(who.new_enrollee_age, single_years=True)}"


def _esrd_v24(seg: str, who: Person) -> list[str]:
    if seg in ("DNE", "GNE"):
        return [_new_enrollee_esrd(seg, who, "FBD" if who.dual == "full" else "ND_PBD")]
    names = [who.sex + band(who.age)]
    sex, aged = _sex_word(who), "Aged" if who.aged else "NonAged"
    if who.aged and who.orec == "1":
        names.append("ORIGDIS" if seg == "GI" else "OriginallyDisabled_" + sex)
    if seg == "DI":
        if who.aged and who.orec in ("2", "3"):
            names.append("Originally_ESRD_" + sex)
        if who.lti:
            names.append("LTI_" + aged)
        if who.dual != "none":
            names.append(f"{'FB' if who.dual == 'full' else 'PB'}Dual_{sex}_{aged}")
    return names


def _esrd_v21(seg: str, who: Person) -> list[str]:
    if seg in ("DNE", "GNE"):
        return [_new_enrollee_esrd(seg, who, "MCAID" if who.nemcaid else "NMCAID")]
    names = [who.sex + band(who.age)]
    sex = _sex_word(who)
    if who.orec == "1" and not who.disabled:
        names.append("ORIGDIS" if seg == "GI" else "OriginallyDisabled_" + sex)
    if seg == "DI" and who.aged and who.orec in ("2", "3"):
        names.append("Originally_ESRD_" + sex)
    if who.medicaid:
        # CMS calls "aged" whoever is not DISABL here, a 64-year-old with OREC 0 included.
        names.append("MCAID" if seg == "GI" else f"MCAID_{sex}_{'NonAged' if who.disabled else 'Aged'}")
    return names


def _rxhcc(seg: str, who: Person) -> list[str]:
    originally_disabled = who.aged and who.orec == "1"
    if seg.startswith("NE"):
        esrd = "NESRD" if who.esrd == "none" else "ESRD"
        origin = "ORIGDIS" if originally_disabled else "NORIGDIS"
        return [f"{esrd}_{origin}_X_{who.sex}{band(who.new_enrollee_age, single_years=True)}"]
    names = [who.sex + band(who.age)]
    if originally_disabled:
        names.append("OD65" if seg == "CE_LTI" else f"{who.sex}65OD")
    return names


def graft_variables(seg: str, who: Person, tables: Published) -> list[str]:
    """What a functioning graft adds for the time since the transplant (SPEC 2.9, Corrections)."""
    assert who.graft_month is not None
    length = "DUR4_9" if who.graft_month <= 9 else "DUR10PL"
    age = who.new_enrollee_age if seg == "GNE" else who.age
    side = "GE65" if age >= 65 else "LT65"
    if tables.model.endswith("v21"):
        return [f"{length}_{side}"]
    payer = "FBD" if who.dual == "full" else "ND_PBD"
    prefix = "FGI_" if seg == "GI" else ""
    names = [f"{prefix}{side}_{length}_{payer}"]
    if who.dual == "partial" and seg != "GNE":
        names.append(f"{prefix}PBD_{side}_flag")
    if seg == "GI" and who.lti:
        names.append("LTI_" + side)
    return names
