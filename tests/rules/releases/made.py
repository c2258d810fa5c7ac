"""Small releases in CMS's shapes, for the small model of tests/rules/small.py; every figure is made up."""

from __future__ import annotations

from pathlib import Path

# Conditions as CMS writes them: A001 is HCC 2 for women, 1 for men; A002 from 15 on; A004 has a pair without effect.
MAPPING = (
    "ICD10,CC,MCE_AGE_CONDITION,AGE_EDIT_CONDITION,SEX_EDIT_CONDITION\r\n"
    "A001,1.0,,age >= 65,1.0\r\n"
    "A001,1.0,,age < 65,1.0\r\n"
    "A001,2.0,,,2.0\r\n"
    "A002,2.0,age >= 15,,\r\n"
    "A003,3.0,,,\r\n"
    "A003,1.0,,,\r\n"
    "A004,2.0,,age < 2,\r\n"
    "A004,2.0,,age >= 2,\r\n"
    "A005,3.0,,age < 50,\r\n"
    "A005,1.0,,age >= 50,\r\n"
    "A006,2.0,,6 <= age <= 18,\r\n"
)
CONTINUING = (
    "\ufeffVariable,Label,COMMUNITY_NA,COMMUNITY_ND\r\n"
    'F0_64," Female 0-64",,0.300\r\n'
    'F65_GT," Female 65 and over",0.5,\r\n'
    'M0_64," Male 0-64",,0.2\r\n'
    'M65_GT," Male 65 and over",0.40,\r\n'
    "HCC1,First of the release,1.001,1.5\r\n"
    "HCC2,Second of the release,0.2,0.30\r\n"
    "HCC3,Third of the release,,0.010\r\n"
    "PAIR_HCC3,Pair and third,-0.050,0\r\n"
    "D2P,Two or more,0.1,0.2\r\n"
)
NEW_ENROLLEES = "Variable,New Enrollees,NE\r\nNEF, Female,0.7\r\nNEM, Male,0.60\r\n,,\r\n"
HIERARCHIES = "\ufeffHCC,SecondaryHCC_1,SecondaryHCC_2\r\nHCC1,HCC2,\r\nHCC2,,\r\nHCC3,,\r\n"
CATEGORIES = "diag_category,hcc_1,hcc_2\r\nPAIR,HCC1,HCC2\r\n"
INTERACTIONS = "interaction,var_1,var_2\r\nPAIR_HCC3,PAIR,HCC3\r\n"


def write_package(
    root: Path, version: int = 99, year: int = 2032, family: str = "CMS_HCC", mark: str = "", **changed: str | None
) -> Path:
    """A Python package below ``root``; ``changed``: file (without .csv) → other text, or None to leave it out."""
    name = f"{family}_v{version}_{year}_T{mark}_package_v3"
    internal = root / name / "software" / f"{family}_v{version}" / "data" / "input" / "internal"
    internal.mkdir(parents=True)
    files: dict[str, str | None] = {
        f"ICD10_CC_mappings_{family}_{year}_v{version}": MAPPING,
        f"V{version}_CE_Relative_Factors": CONTINUING,
        f"V{version}_NE_Relative_Factors": NEW_ENROLLEES,
        f"V{version}_HCC_Hierarchies": HIERARCHIES,
        f"V{version}_Diagnosis_Categories": CATEGORIES,
        f"V{version}_Interactions": INTERACTIONS,
        **changed,
    }
    for file, text in files.items():
        if text is not None:
            (internal / f"{file}.csv").write_text(text, encoding="utf-8", newline="")
    other = internal.parent / "user_defined"
    other.mkdir()
    (other / "diagnoses.csv").write_text("ID,ICD10\r\n", encoding="utf-8")
    return root / name


WORKBOOK_ROWS = [
    ["ICD-10-CM Codes, ESRD, CMS-HCC and RxHCC Models", "", "", "", ""],
    ["Includes ICD-10 codes valid in FY2031 and FY2032", "", "", "", ""],
    ["", "", "", "", ""],
    [
        "Diagnosis\nCode",
        "Description",
        "CMS-HCC\nModel\nCategory\nV99",
        "CMS-HCC\nESRD\nModel\nCategory\nV99",
        "CMS-HCC\nModel\nCategory\nV99 for 2032\nPayment Year",
    ],
    ["A001", "One", "1", "1", "Yes"],
    ["A002", "Two", "2", "", "Yes"],
    ["A003", "Three", "3", "", "Yes"],
    ["A003", "Three", "1", "", "Yes"],
    ["A007", "Seven, not paid", "2", "", "No"],
    ["A008", "Eight", "", "", "--"],
    ["", "A footnote", "", "", ""],
]
