from __future__ import annotations

from pathlib import Path

import pytest

from hcc.errors import HccError, RulesError
from hcc.rules.releases.found import Table, read_table
from hcc.rules.releases.sas import format_files, model_of, read_sas
from tests.rules.small import write_model

NAMES = "CNA_F65_GT,CNA_hcc1,CNA_pair_hcc3,NE_NEF,INSIDE_X"


@pytest.fixture
def base(tmp_path: Path) -> dict[str, Table]:
    return {path.name: read_table(path) for path in write_model(tmp_path / "base").glob("*.csv")}


def write(folder: Path, format_text: str, names: str = "", values: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "F9931T1N_FY30FY31.TXT").write_text(format_text, newline="")
    if names:
        (folder / "V99hcccoefn.csv").write_text(f"{names}\r\n{values}\r\n", newline="")
    return folder


def test_format_rows_with_second_hccs(tmp_path: Path, base: dict[str, Table]) -> None:
    folder = write(tmp_path / "sas", 'A001\t1\t\r\nB377\t2\t\r\nB377\t6\tD\r\n"C61" = "23"\r\n\r\n')
    (file,) = format_files(folder)
    found = read_sas(folder, file, "cms-hcc-v99", 2032, base, {})
    assert found.tables["diagnosis_to_hcc.csv"].rows == (
        ("A001", "1"),
        ("B377", "2"),
        ("B377", "6"),
        ("C61", "23"),
    )


def test_coefficients_take_the_spelling_of_the_lender(tmp_path: Path, base: dict[str, Table]) -> None:
    """SAS knows no case, leaves out version endings and has other names for a few variables."""
    base["interactions.csv"] = Table(("variable", "requires"), (("PAIR_HCC3_V99", "PAIR&HCC3"),))
    folder = write(tmp_path / "sas", "A001\t1\n", "cna_f65_gt,CNA_hcc1,CNA_pair_hcc3,NE_ORIGDS", "0.50,1.001,-0.05,0.2")
    (file,) = format_files(folder)
    found = read_sas(folder, file, "cms-hcc-v99", 2032, base, {"ORIGDS": "ORIGDIS"})
    assert set(found.tables["coefficients.csv"].rows) == {
        ("CNA", "F65_GT", "0.5"),
        ("CNA", "HCC1", "1.001"),
        ("CNA", "PAIR_HCC3_V99", "-0.05"),
        ("NE", "ORIGDIS", "0.2"),
    }


def test_graft_scores_are_told_by_their_words(tmp_path: Path, base: dict[str, Table]) -> None:
    base["graft_duration.csv"] = Table(("variable", "coefficient"), (("DUR4_9_GE65", "1"),))
    folder = write(tmp_path / "sas", "A001\t1\n", "GE65_DUR4_9,TRANSPLANT_KIDNEY_ONLY_1M", "2.562,6.030")
    (file,) = format_files(folder)
    found = read_sas(folder, file, "cms-hcc-esrd-v99", 2032, base, {})
    assert found.tables["graft_duration.csv"].rows == (("DUR4_9_GE65", "2.562"),)
    assert found.tables["transplant.csv"].rows == (("1", "6.03"),)


def test_hierarchy_macros_are_read_in_macro_order(tmp_path: Path, base: dict[str, Table]) -> None:
    folder = write(tmp_path / "sas", "A001\t1\n")
    (folder / "V99115H1.TXT").write_text(
        " /*Skin*/ %SET0(CC=379   , HIER=%STR(\n380, 381 ));\n %SET0(CC=17 , HIER=%STR(18 ));\n"
    )
    (file,) = format_files(folder)
    found = read_sas(folder, file, "cms-hcc-v99", 2032, base, {})
    assert found.tables["hierarchies.csv"].rows == (("1", "379", "380"), ("2", "379", "381"), ("3", "17", "18"))


def test_faults_are_told_together(tmp_path: Path, base: dict[str, Table]) -> None:
    folder = write(tmp_path / "sas", "A001\t1\n", "CNA_F65_GT,INSIDE_X,OTHER", "abc,1,2")
    (file,) = format_files(folder)
    with pytest.raises(RulesError) as error:
        read_sas(folder, file, "cms-hcc-v99", 2032, base, {})
    assert "'abc' is no number" in error.value.message
    assert "INSIDE_X begins with no segment" in error.value.message


def test_a_line_that_is_no_pair_is_a_fault(tmp_path: Path, base: dict[str, Table]) -> None:
    folder = write(tmp_path / "sas", "A001\t1\nwhat is this\n")
    (file,) = format_files(folder)
    with pytest.raises(RulesError, match="line 2"):
        read_sas(folder, file, "cms-hcc-v99", 2032, base, {})


def test_model_of_a_format_file() -> None:
    file = Path("F2424T1N.TXT")
    assert model_of(file, ["cms-hcc-v24", "cms-hcc-v28"]) == "cms-hcc-v24"
    with pytest.raises(HccError, match="cms-hcc-v24 and cms-hcc-esrd-v24"):
        model_of(file, ["cms-hcc-v24", "cms-hcc-esrd-v24"])
    with pytest.raises(HccError, match="which no model has"):
        model_of(file, ["cms-hcc-v28"])
