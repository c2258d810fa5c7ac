"""A user's NDC directory and RxNorm files: what is understood, what is set aside, and that ours stay untouched."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from hcc.errors import HccError, InputError, MissingColumns
from hcc.gaps.evidence import fills, unidentified_fills
from hcc.rules.folders import shipped_folder
from hcc.rules.import_drugs import drug_files, import_drugs, import_ndc_directory, import_rxnorm
from hcc.rules.valueset_checks import check_valuesets
from hcc.rules.valuesets import load_valuesets

PRODUCT = "PRODUCTID\tPRODUCTNDC\tPROPRIETARYNAME\tNONPROPRIETARYNAME\tROUTENAME\tSUBSTANCENAME"
PRODUCTS = [
    ("0003-0894", "Eliquis", "apixaban", "ORAL", "APIXABAN"),
    ("12345-678", "Anastrozole", "anastrozole", "ORAL", "ANASTROZOLE"),
    ("54321-0987", "Wegovy", "semaglutide", "SUBCUTANEOUS", "SEMAGLUTIDE"),
    (
        "11111-222",
        "Tenofovir mix",
        "emtricitabine and tenofovir",
        "ORAL",
        "EMTRICITABINE; TENOFOVIR DISOPROXIL FUMARATE",
    ),
    ("22222-333", "Atorvastatin", "atorvastatin", "ORAL", "ATORVASTATIN CALCIUM"),
    ("33333-444", "Protopic", "tacrolimus", "TOPICAL", "TACROLIMUS"),
    ("broken", "Nothing", "nothing", "ORAL", "NOTHING"),
]
PACKAGES = [
    "0003-0894-21",
    "12345-678-90",
    "12345-678-91",
    "54321-0987-1",
    "11111-222-33",
    "22222-333-44",
    "33333-444-55",
    "x",
]


def _ndc_directory(folder: Path) -> Path:
    folder.mkdir()
    rows = ["\t".join((f"id{place}", *row)) for place, row in enumerate(PRODUCTS)]
    (folder / "product.txt").write_bytes("\r\n".join([PRODUCT, *rows, ""]).encode("cp1252"))
    packages = ["\t".join(("id", code.rsplit("-", 1)[0], code)) for code in PACKAGES]
    (folder / "PACKAGE.TXT").write_text("\n".join(["PRODUCTID\tPRODUCTNDC\tNDCPACKAGECODE", *packages, ""]))
    return folder


def _rxnorm(folder: Path) -> Path:
    folder.mkdir()
    names = [
        ("900001", "RXNORM", "SCD", "anastrozole 1 MG Oral Tablet", "N"),
        ("900002", "RXNORM", "SBD", "3 ML semaglutide 2.27 MG/ML Auto-Injector [Wegovy]", "N"),
        ("900003", "RXNORM", "SCD", "atorvastatin 40 MG Oral Tablet", "N"),
        ("900004", "RXNORM", "SCD", "apixaban 99 MG Oral Tablet", "O"),  # obsolete
        ("900005", "MTHSPL", "SCD", "apixaban 98 MG Oral Tablet", "N"),  # another source's name
        (
            "900006",
            "RXNORM",
            "GPCK",
            "{7 (vilazodone 10 MG Oral Tablet) / 23 (vilazodone 20 MG Oral Tablet) } Pack",
            "N",
        ),
        ("900007", "RXNORM", "SCD", "emtricitabine 200 MG / tenofovir disoproxil fumarate 300 MG Oral Tablet", "N"),
    ]
    conso = ["|".join((r, "ENG", *[""] * 9, s, t, "", n, "", x, "", "")) for r, s, t, n, x in names]
    (folder / "RXNCONSO.RRF").write_text("\n".join([*conso, ""]))
    codes = [("900001", "12345067890"), ("900002", "0169-9999-01"), ("900003", "22222033344"), ("900006", "1234567890")]
    sat = ["|".join((r, *[""] * 7, "NDC", "RXNORM", c, "N", "")) for r, c in codes]
    (folder / "RXNSAT.RRF").write_text(
        "\n".join([*sat, "|".join(("900001", *[""] * 7, "OTHER", "RXNORM", "x", "N", "")), ""])
    )
    return folder


def _rows(folder: Path, file: str) -> list[tuple[str, ...]]:
    return pl.read_csv(folder / "drugs" / file, infer_schema=False, empty_string_is_null=False).rows()


def test_an_ndc_directory_becomes_rows_of_the_users_own(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    done = import_ndc_directory(_ndc_directory(tmp_path / "fda"), out)
    found = {(row[0], row[1]): row[2:] for row in _rows(out, "ndc_ingredient.csv")}
    assert found == {
        ("00003089421", "apixaban"): ("oral", "", "1", "Eliquis (apixaban)"),
        ("12345067890", "anastrozole"): ("oral", "", "1", "Anastrozole (anastrozole)"),
        ("12345067891", "anastrozole"): ("oral", "", "1", "Anastrozole (anastrozole)"),
        ("54321098701", "semaglutide"): ("injectable", "weight_only", "1", "Wegovy (semaglutide)"),
        ("11111022233", "emtricitabine"): (
            "oral", "prep_possible", "2", "Tenofovir mix (emtricitabine; tenofovir disoproxil fumarate)",
        ),
        ("11111022233", "tenofovir disoproxil"): (
            "oral", "prep_possible", "2", "Tenofovir mix (emtricitabine; tenofovir disoproxil fumarate)",
        ),
        ("33333044455", "tacrolimus"): ("topical", "", "1", "Protopic (tacrolimus)"),
    }  # fmt: skip
    assert _rows(out, "other_ndc.csv") == [("222220333",)]
    assert (done.codes, done.ingredients, done.other_codes, done.unread) == (6, 6, 1, 2)


def test_what_was_imported_identifies_fills_and_completes_the_class(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    import_ndc_directory(_ndc_directory(tmp_path / "fda"), out)
    sets = load_valuesets(user_folder=out)
    given = pl.LazyFrame(
        {
            "member_id": ["a", "b", "c"],
            "fill_date": [date(2025, 1, 1)] * 3,
            "ndc": ["12345-678-90", "22222-333-44", "77777-777-77"],
        }
    )
    found = fills(given, sets).collect()
    assert found.select("member_id", pl.col("ingredient").cast(pl.String)).rows() == [("a", "anastrozole")]
    # The statin is known as a drug of no value set; only the third fill is nobody's.
    assert unidentified_fills(given, sets).collect()["member_id"].to_list() == ["c"]
    assert "endocrine_aromatase_inhibitor" not in sets.incomplete_classes
    assert check_valuesets(user_folder=out) == []


def test_a_zip_file_is_read_too_and_a_second_import_adds(tmp_path: Path) -> None:
    folder = _ndc_directory(tmp_path / "fda")
    archive = tmp_path / "ndctext.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for file in folder.iterdir():
            target.write(file, f"ndctext/{file.name}")
    out = tmp_path / "mine"
    first = import_ndc_directory(folder, out)
    before = _rows(out, "ndc_ingredient.csv")
    assert import_ndc_directory(archive, out) == first
    assert _rows(out, "ndc_ingredient.csv") == before
    import_rxnorm(_rxnorm(tmp_path / "rx"), out)
    assert _rows(out, "ndc_ingredient.csv") == before
    assert {row[0] for row in _rows(out, "other_ndc.csv")} == {"222220333"}


def test_rxnorm_files_become_rows_of_the_users_own(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    done = import_rxnorm(_rxnorm(tmp_path / "rx"), out)
    products = {(row[0], row[1]): row[2:6] for row in _rows(out, "rxnorm.csv")}
    assert products == {
        ("900001", "anastrozole"): ("oral", "", "", "1"),
        ("900002", "semaglutide"): ("injectable", "Wegovy", "weight_only", "1"),
        ("900006", "vilazodone"): ("oral", "", "", "1"),  # two strengths of one drug
        ("900007", "emtricitabine"): ("oral", "", "prep_possible", "2"),
        ("900007", "tenofovir disoproxil"): ("oral", "", "prep_possible", "2"),
    }
    assert _rows(out, "ndc.csv") == [("00169999901", "900002"), ("12345067890", "900001")]
    assert _rows(out, "other_rxnorm.csv") == [("900003",)]
    assert _rows(out, "other_ndc.csv") == [("222220333",)]
    assert (done.codes, done.ingredients, done.other_codes, done.unread) == (2, 5, 1, 1)
    assert check_valuesets(user_folder=out) == []


def test_the_shipped_value_sets_are_never_written_to(tmp_path: Path) -> None:
    with pytest.raises(HccError, match="folder of the shipped value sets"):
        import_ndc_directory(_ndc_directory(tmp_path / "fda"), shipped_folder() / "gaps" / "valuesets")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(HccError, match="cannot be written to"):
        import_drugs(_ndc_directory(tmp_path / "ndc"), tmp_path / "file" / "below")


def test_what_is_no_directory_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(HccError, match="There is no"):
        import_ndc_directory(tmp_path / "nowhere", tmp_path / "mine")
    with pytest.raises(HccError, match=r"holds no product\.txt"):
        import_ndc_directory(tmp_path, tmp_path / "mine")
    (tmp_path / "product.txt").write_text("a\tb\n1\t2\n")
    with pytest.raises(MissingColumns, match="PRODUCTNDC"):
        import_ndc_directory(tmp_path, tmp_path / "mine")
    (tmp_path / "RXNCONSO.RRF").write_text("1|2|3\n")
    with pytest.raises(InputError, match="columns between"):
        import_rxnorm(tmp_path, tmp_path / "mine")


def test_the_command_tells_drug_files_from_releases(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from hcc.cli.rules import rules

    _ndc_directory(tmp_path / "fda")
    out = tmp_path / "mine"
    result = CliRunner().invoke(rules, ["import", str(tmp_path / "fda"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "6 codes of 6 ingredients of ours, 1 product codes of other drugs; 2 rows could not be read" in result.output
    assert f"HCC_VALUESETS={out}" in result.output
    assert _rows(out, "other_ndc.csv") == [("222220333",)]


def test_other_folders_are_no_drug_files(tmp_path: Path) -> None:
    assert drug_files(tmp_path) is None
    assert drug_files(_rxnorm(tmp_path / "rx")) == "rxnorm"
    with pytest.raises(HccError, match="neither an NDC directory nor RxNorm files"):
        import_drugs(shipped_folder() / "gaps", tmp_path / "mine")
