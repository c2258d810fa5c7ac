"""The shipped tables against figures that stand in CMS's publications and in SPEC, not in our code."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from hcc.rules.folders import model_folder, shipped_folder

YEARS = {
    "cms-hcc-v22": (2024, 2025, 2026, 2027),
    "cms-hcc-v24": (2024, 2025, 2026),
    "cms-hcc-v28": (2024, 2025, 2026, 2027),
    "cms-hcc-esrd-v21": (2024, 2025, 2026, 2027),
    "cms-hcc-esrd-v24": (2024, 2025, 2026, 2027),
    "rxhcc-v08": (2024, 2025, 2026, 2027),
}
# SPEC and Appendix A; edges: V28115H1, V24H86H1, V22H79H1, V20H87H1, R08X84H1.
HCCS_AND_EDGES = {
    "cms-hcc-v22": (79, 57),
    "cms-hcc-v24": (86, 72),
    "cms-hcc-v28": (115, 149),
    "cms-hcc-esrd-v21": (87, 87),
    "cms-hcc-esrd-v24": (86, 72),
    "rxhcc-v08": (84, 71),
}
# Mapping rows and edits of each year, as counted in the compiled tables (cms/README).
ROWS = {
    ("cms-hcc-v28", 2024): (8090, 407),
    ("cms-hcc-v28", 2025): (8183, 407),
    ("cms-hcc-v28", 2026): (8299, 410),
    ("cms-hcc-v28", 2027): (8299, 410),
    ("cms-hcc-v24", 2024): (10137, 446),
    ("cms-hcc-v24", 2025): (10211, 446),
    ("cms-hcc-v24", 2026): (10339, 446),
    ("cms-hcc-v22", 2024): (9905, 393),
    ("cms-hcc-v22", 2026): (10106, 393),
    ("cms-hcc-esrd-v21", 2024): (10383, 444),
    ("cms-hcc-esrd-v21", 2026): (10589, 444),
    ("cms-hcc-esrd-v24", 2024): (10137, 446),
    ("cms-hcc-esrd-v24", 2026): (10339, 446),
    ("rxhcc-v08", 2024): (5299, 241),
    ("rxhcc-v08", 2025): (5399, 243),
    ("rxhcc-v08", 2026): (5527, 243),
}
FOLDERS = [(model, year) for model, years in YEARS.items() for year in years]


def rows(model: str, year: int, file: str) -> list[dict[str, str]]:
    path = model_folder(model, year) / file
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def hccs(model: str, year: int, code: str) -> set[str]:
    return {row["hcc"] for row in rows(model, year, "diagnosis_to_hcc.csv") if row["diagnosis_code"] == code}


def coefficient(model: str, year: int, segment: str, variable: str, calibration: str = "") -> Decimal:
    found = [
        row["coefficient"]
        for row in rows(model, year, f"{calibration}/coefficients.csv" if calibration else "coefficients.csv")
        if (row["segment"], row["variable"]) == (segment, variable)
    ]
    assert len(found) == 1, (segment, variable, found)
    return Decimal(found[0])


@pytest.mark.parametrize(("model", "year"), FOLDERS)
def test_hccs_and_edges_are_those_of_the_macros(model: str, year: int) -> None:
    assert (len(rows(model, year, "hccs.csv")), len(rows(model, year, "hierarchies.csv"))) == HCCS_AND_EDGES[model]


@pytest.mark.parametrize(("model", "year"), sorted(ROWS))
def test_mapping_and_edit_rows(model: str, year: int) -> None:
    assert (len(rows(model, year, "diagnosis_to_hcc.csv")), len(rows(model, year, "diagnosis_edits.csv"))) == ROWS[
        model, year
    ]


@pytest.mark.parametrize(("model", "year"), FOLDERS)
def test_every_year_of_the_issue_is_there(model: str, year: int) -> None:
    assert (shipped_folder() / model / str(year) / "manifest.toml").is_file()


def test_coefficients_sum_to_what_was_counted() -> None:
    for model, year, count, total in (
        ("cms-hcc-v28", 2026, 1237, "1194.018"),
        ("cms-hcc-v24", 2026, 1039, None),
        ("cms-hcc-v22", 2026, 930, None),
        ("cms-hcc-esrd-v21", 2026, 580, None),
        ("cms-hcc-esrd-v24", 2026, 875, None),
    ):
        table = rows(model, year, "coefficients.csv")
        assert len(table) == count, model
        if total:
            assert sum(Decimal(row["coefficient"]) for row in table) == Decimal(total)


def test_v28_changed_by_152_mapping_rows_and_3_edits_from_2025_to_2026() -> None:
    def pairs(year: int) -> set[tuple[str, ...]]:
        return {tuple(row.values()) for row in rows("cms-hcc-v28", year, "diagnosis_to_hcc.csv")}

    def edits(year: int) -> set[tuple[str, ...]]:
        return {tuple(row.values()) for row in rows("cms-hcc-v28", year, "diagnosis_edits.csv")}

    assert (len(pairs(2026) - pairs(2025)), len(pairs(2025) - pairs(2026))) == (134, 18)
    assert len(edits(2026) ^ edits(2025)) == 3


# SPEC R-4.8 (⊘ = none), 2026 tables.
ANCHORS = [
    ("E1122", {"18"}, {"37"}),
    ("E1165", {"18"}, {"38"}),
    ("E119", {"19"}, {"38"}),
    ("I739", {"108"}, set()),
    ("N1830", {"138"}, {"329"}),
    ("N1832", {"138"}, {"328"}),
    ("N184", {"137"}, {"327"}),
    ("N186", {"136"}, {"326"}),
    ("Z992", {"134"}, set()),
    ("D696", {"48"}, set()),
    ("F320", {"59"}, set()),
    ("F329", set(), set()),
    ("I132", {"85", "136"}, {"226", "326"}),
    ("E113511", {"18", "122"}, {"37", "298"}),
    ("I639", {"100"}, {"249"}),
    ("I214", {"86"}, {"228"}),
    ("J9611", {"84"}, {"213"}),
    ("C61", {"12"}, {"23"}),
    ("Z940", set(), set()),
    ("Z89511", {"189"}, {"409"}),
    ("Z89411", {"189"}, set()),
    ("L89154", {"157"}, {"379"}),
    ("I7025", {"106", "161"}, {"263", "383"}),
    ("E11", set(), set()),
    ("N183", set(), set()),
]


@pytest.mark.parametrize(("code", "v24", "v28"), ANCHORS)
def test_anchors_of_the_2026_mapping(code: str, v24: set[str], v28: set[str]) -> None:
    assert hccs("cms-hcc-v24", 2026, code) == v24
    assert hccs("cms-hcc-v28", 2026, code) == v28


def children(model: str, parent: str) -> list[str]:
    return [row["drops_hcc"] for row in rows(model, 2026, "hierarchies.csv") if row["hcc"] == parent]


def test_hierarchies_of_appendix_a() -> None:
    assert children("cms-hcc-v28", "62") == ["63", "64", "65", "68"]
    assert children("cms-hcc-v28", "63") == ["64", "65", "68", "202"]
    assert children("cms-hcc-v28", "191") == ["180", "181", "182", "192", "253", "254"]
    assert children("cms-hcc-v28", "226") == ["227"]
    assert children("cms-hcc-v24", "8") == ["9", "10", "11", "12"]
    assert children("cms-hcc-v24", "166") == ["80", "167"]
    assert children("cms-hcc-v22", "27") == ["28", "29", "80"]
    assert children("cms-hcc-esrd-v21", "134") == ["135", "136", "137", "138", "139", "140", "141"]
    assert children("rxhcc-v08", "81") == ["83", "84", "316"]
    assert children("rxhcc-v08", "84") == ["317"]


def test_heart_patch_and_renal_zeroing_are_rows() -> None:
    assert rows("cms-hcc-v28", 2026, "removals.csv") == [{"drops_hcc": "223", "unless_any_of": "221|222|224|225|226"}]
    dropped = [row["drops_hcc"] for row in rows("cms-hcc-esrd-v24", 2026, "removals.csv")]
    assert dropped == ["134", "135", "136", "137", "138"]
    assert rows("cms-hcc-v24", 2026, "removals.csv") == []


def test_edits_of_section_2_3() -> None:
    edits = rows("cms-hcc-v28", 2026, "diagnosis_edits.csv")
    of_kind = {kind: [row for row in edits if row["kind"] == kind] for kind in ("age", "sex", "mce_age")}
    assert {(row["diagnosis_code"], row["sex"], row["hcc"]) for row in of_kind["sex"]} == {
        ("D66", "F", "112"),
        ("D67", "F", "112"),
    }
    young = [row for row in of_kind["age"] if (row["age_from"], row["age_to"]) == ("0", "49")]
    assert len(young) == 57
    assert {row["hcc"] for row in young} == {"22"}
    assert {row["action"] for row in of_kind["mce_age"]} == {"invalid"}
    mood = [row for row in rows("cms-hcc-v24", 2026, "diagnosis_edits.csv") if row["diagnosis_code"] == "F3481"]
    assert [(row["age_from"], row["age_to"], row["action"]) for row in mood] == [
        ("0", "5", "invalid"),
        ("19", "", "invalid"),
    ]


@pytest.mark.parametrize(
    ("segment", "factors"),
    [
        ("CNA", {"D4": "0", "D5": ".05", "D6": ".102", "D7": ".188", "D8": ".316", "D9": ".444", "D10P": ".728"}),
        ("CND", {"D5": ".088", "D9": ".75", "D10P": "1.431"}),
        ("CFA", {"D5": ".049", "D10P": ".746"}),
        ("CPD", {"D6": ".191", "D10P": "1.268"}),
        ("INS", {"D9": "0", "D10P": ".373"}),
        ("CNA", {"OriginallyDisabled_Female": ".228", "OriginallyDisabled_Male": ".135"}),
        ("CPA", {"OriginallyDisabled_Female": ".103", "OriginallyDisabled_Male": ".075"}),
        ("NE", {"NMCAID_NORIGDIS_NEF65": ".532"}),
        ("CND", {"F60_64": ".436"}),
    ],
)
def test_v28_coefficients_of_spec(segment: str, factors: dict[str, str]) -> None:
    for variable, value in factors.items():
        assert coefficient("cms-hcc-v28", 2026, segment, variable) == Decimal(value)


def test_v28_pays_substance_use_with_psychiatric_in_disabled_segments_only() -> None:
    table = rows("cms-hcc-v28", 2026, "coefficients.csv")
    assert {row["segment"] for row in table if row["variable"] == "gSubUseDisorder_gPsych_V28"} == {"CND", "CFD", "CPD"}
    assert {row["segment"] for row in table if row["variable"].startswith("DISABLED_")} == {"INS"}


def test_esrd_flat_scores_durations_and_divisors() -> None:
    def flat(model: str) -> list[str]:
        return [row["coefficient"] for row in rows(model, 2026, "transplant.csv")]

    assert flat("cms-hcc-esrd-v24") == ["5.985", "0.941", "0.941"]
    assert flat("cms-hcc-esrd-v21") == ["6.03", "0.895", "0.895"]
    v24 = {row["variable"]: row["coefficient"] for row in rows("cms-hcc-esrd-v24", 2026, "graft_duration.csv")}
    assert v24["GE65_DUR4_9_FBD"] == "2.605"
    assert v24["GE65_DUR4_9_ND_PBD"] == "2.529"
    assert v24["LT65_DUR10PL_ND_PBD"] == "0.335"
    assert v24["PBD_GE65_flag"] == "0.162"
    assert v24["LTI_LT65"] == "2.146"
    v21 = {row["variable"]: row["coefficient"] for row in rows("cms-hcc-esrd-v21", 2026, "graft_duration.csv")}
    assert v21 == {"DUR4_9_LT65": "2.174", "DUR4_9_GE65": "2.562", "DUR10PL_LT65": "0.84", "DUR10PL_GE65": "1.121"}
    divisors = {row["variable"]: row["divisor"] for row in rows("cms-hcc-esrd-v24", 2026, "actuarial_adjustment.csv")}
    assert divisors == {"DUR4_9": "0.905", "DUR10PL": "0.698"}
    assert not (model_folder("cms-hcc-esrd-v21", 2026) / "actuarial_adjustment.csv").exists()


def test_rxhcc_sets_are_told_apart() -> None:
    """SPEC 0.6: 2026 X has F70_74 0.035 and T 0.114 for the non-low-income aged; the two are never mixed."""
    assert coefficient("rxhcc-v08", 2026, "CE_NoLowAged", "F70_74", "x") == Decimal("0.035")
    assert coefficient("rxhcc-v08", 2026, "CE_NoLowAged", "F70_74", "t") == Decimal("0.114")


def test_files_end_in_lf_and_have_no_carriage_return() -> None:
    for path in sorted(Path(shipped_folder()).rglob("*.csv")):
        data = path.read_bytes()
        assert b"\r" not in data, path
        assert data.endswith(b"\n"), path
