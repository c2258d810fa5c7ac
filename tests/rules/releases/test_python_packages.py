from __future__ import annotations

from pathlib import Path

import pytest

from hcc.errors import RulesError
from hcc.rules.releases.python_packages import identity, packages, read_package
from tests.rules.releases import made

COLUMNS = {"COMMUNITY_NA": "CNA", "COMMUNITY_ND": "CND", "NE": "NE"}


def read(folder: Path):
    (internal,) = packages(folder)
    return read_package(internal, COLUMNS, {"CNA", "CND"})


def test_identity_comes_from_the_folders_name(tmp_path: Path) -> None:
    for family, model in (("CMS_HCC", "cms-hcc-v99"), ("ESRD", "cms-hcc-esrd-v99"), ("RxHCC", "rxhcc-v99")):
        made.write_package(tmp_path / family, family=family)
        (internal,) = packages(tmp_path / family)
        assert identity(internal) == (model, 2032, f"{family}_v99_2032_T_v3")


def test_rxhcc_versions_have_two_digits(tmp_path: Path) -> None:
    made.write_package(tmp_path, family="RxHCC", version=8)
    (internal,) = packages(tmp_path)
    assert identity(internal)[0] == "rxhcc-v08"


def test_a_package_is_read_in_our_shape(tmp_path: Path) -> None:
    found = read(made.write_package(tmp_path))
    assert (found.model, found.payment_year, found.edition) == ("cms-hcc-v99", 2032, "midyear_final")
    assert found.tables["diagnosis_to_hcc.csv"].rows == (
        ("A001", "1"),
        ("A002", "2"),
        ("A003", "1"),
        ("A003", "3"),
        ("A004", "2"),
        ("A005", "1"),
        ("A006", "2"),
    )
    assert found.tables["diagnosis_edits.csv"].rows == (
        ("A001", "sex", "F", "", "", "override", "2"),
        ("A002", "mce_age", "", "0", "14", "invalid", ""),
        ("A005", "age", "", "0", "49", "override", "3"),
        ("A006", "age", "", "0", "5", "invalid", ""),
        ("A006", "age", "", "19", "", "invalid", ""),
    )
    assert found.tables["hierarchies.csv"].rows == (("1", "1", "2"),)
    assert found.tables["groups.csv"].rows == (("PAIR", "1"), ("PAIR", "2"))
    assert found.tables["interactions.csv"].rows == (("PAIR_HCC3", "PAIR&HCC3"),)
    assert found.labels == {"1": "First of the release", "2": "Second of the release", "3": "Third of the release"}


def test_coefficients_are_exact_without_trailing_zeros_and_blanks_are_told(tmp_path: Path) -> None:
    found = read(made.write_package(tmp_path))
    priced = {row[:2]: row[2] for row in found.tables["coefficients.csv"].rows}
    assert priced["CND", "F0_64"] == "0.3"
    assert priced["CNA", "PAIR_HCC3"] == "-0.05"
    assert ("CNA", "F0_64") not in priced  # a blank cell is no row
    assert priced["CNA", "HCC3"] == "0"  # but an HCC is 0 where the segment pays HCCs
    assert "1 blank cells of HCCs written as 0" in found.sources["coefficients.csv"]
    assert len(priced) == 16


def test_an_interaction_of_an_interaction_is_written_out(tmp_path: Path) -> None:
    text = "interaction,var_1,var_2\nPAIR_HCC3,PAIR,HCC3\nYOUNG_PAIR_HCC3,DISABL,PAIR_HCC3\n"
    found = read(made.write_package(tmp_path, V99_Interactions=text))
    assert found.tables["interactions.csv"].rows[1] == ("YOUNG_PAIR_HCC3", "DISABL&PAIR&HCC3")


def test_a_calibration_in_a_folder_of_its_own(tmp_path: Path) -> None:
    package = made.write_package(
        tmp_path,
        family="RxHCC",
        version=8,
        V8_CE_Relative_Factors=None,
        V8_NE_Relative_Factors=None,
        V8_Diagnosis_Categories=None,
        V8_HCC_Hierarchies="RXHCC,SecondaryRxHCC_1\n1,2\n",
    )
    (internal,) = packages(package)
    (internal / "X").mkdir()
    (internal / "X" / "X_CE_Relative_Factors.csv").write_text("Variable,Label,COMMUNITY_NA\nRXHCC1,One,0.1\n")
    found = read(package)
    assert found.tables["x/coefficients.csv"].rows == (("CNA", "RXHCC1", "0.1"),)
    assert found.tables["hierarchies.csv"].rows == (("1", "1", "2"),)


def test_transplant_and_duration_scores(tmp_path: Path) -> None:
    found = read(
        made.write_package(
            tmp_path,
            family="ESRD",
            V99_Transplant_Scores="Variable,Label,Score\nTRANSPLANT_KIDNEY_ONLY_2M,x,0.90\n",
            V99_Graft_Duration_Scores="Graft Duration,Label,Score\nDUR4_9_GE65,x,2.5\n",
            V99_CE_Institutional_Graft_Scores="Graft Duration,Label,Score\nFGI_A,x,1.10\n",
        )
    )
    assert found.tables["transplant.csv"].rows == (("2", "0.9"),)
    assert found.tables["graft_duration.csv"].rows == (("DUR4_9_GE65", "2.5"), ("FGI_A", "1.1"))


def test_initial_packages_say_so(tmp_path: Path) -> None:
    assert read(made.write_package(tmp_path, mark="1_initial")).edition == "initial"


def test_all_faults_of_a_mapping_at_once_with_their_lines(tmp_path: Path) -> None:
    text = "ICD10,CC,AGE_EDIT_CONDITION\nA001,x,\nA002,2.0,age around 5\nA003,3.0,\n"
    package = made.write_package(tmp_path, ICD10_CC_mappings_CMS_HCC_2032_v99=text)
    with pytest.raises(RulesError) as error:
        read(package)
    assert "line 2" in error.value.message
    assert "line 3" in error.value.message


def test_a_factor_column_nobody_knows_is_a_fault(tmp_path: Path) -> None:
    text = made.CONTINUING.replace("COMMUNITY_ND", "COMMUNITY_NEW")
    with pytest.raises(RulesError, match="'COMMUNITY_NEW' stands for no segment"):
        read(made.write_package(tmp_path, V99_CE_Relative_Factors=text))


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("V99_HCC_Hierarchies", "HCC,SecondaryHCC_1\nHCC1,two\n", "'TWO' is no number"),
        ("V99_Diagnosis_Categories", "category,hcc_1\nPAIR,HCC1\n", "column 'diag_category' is missing"),
        ("V99_Transplant_Scores", "Variable,Label,Score\nTRANSPLANT,x,1\n", "names no month"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_clear_fault(tmp_path: Path, file: str, text: str, words: str) -> None:
    with pytest.raises(RulesError, match=words) as error:
        read(made.write_package(tmp_path, **{file: text}))
    assert f"{file}.csv" in error.value.message
