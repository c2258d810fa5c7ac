from __future__ import annotations

import csv
import errno
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest

from hcc.errors import HccError, RulesError
from hcc.rules.check import check_folder
from hcc.rules.folders import calibrations, model_folder
from hcc.rules.manifest import read_manifest
from hcc.rules.releases.importing import Wishes, import_release
from tests.rules.releases import made
from tests.rules.small import MODEL, TABLES, YEAR, write_model


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A user's mappings with the small model in it, to lend what a release lacks."""
    folder = tmp_path / "mappings"
    write_model(folder)
    return folder


def zipped(folder: Path, into: Path) -> Path:
    with zipfile.ZipFile(into, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return into


def test_a_package_becomes_a_folder_that_keeps_the_laws(tmp_path: Path, out: Path) -> None:
    (done,) = import_release(made.write_package(tmp_path / "release"), out)
    assert done.folder == out / MODEL / "2032"
    assert check_folder(done.folder) == []
    assert model_folder(MODEL, 2032, mappings=out) == done.folder
    assert (done.folder / "diagnosis_to_hcc.csv").read_text().count("\n") == 8


def test_what_the_release_lacks_is_carried_over_and_said(tmp_path: Path, out: Path) -> None:
    (done,) = import_release(made.write_package(tmp_path / "release"), out)
    assert set(done.carried_over) == {
        "counts.csv",
        "demographics.csv",
        "flags.csv",
        "hccs.csv",
        "removals.csv",
        "segments.csv",
    }
    manifest = read_manifest(done.folder)
    assert manifest.based_on == f"{MODEL}/{YEAR}"
    lent = manifest.entry("removals.csv")
    assert lent is not None
    assert lent.unverified == f"not in the release: carried over from {MODEL}/{YEAR}"
    own = manifest.entry("coefficients.csv")
    assert own is not None
    assert own.unverified is None
    assert own.release == "CMS_HCC_v99_2032_T_v3"
    assert (done.folder / "hccs.csv").read_text() == TABLES["hccs.csv"]  # labels and chronic marks are the lender's


def test_a_new_hcc_takes_the_releases_label(tmp_path: Path, out: Path) -> None:
    mapping = made.MAPPING + "A009,4.0,,,\r\n"
    factors = made.CONTINUING + "HCC4,Fourth of the release,0.4,0.4\r\n"
    package = made.write_package(
        tmp_path / "release", ICD10_CC_mappings_CMS_HCC_2032_v99=mapping, V99_CE_Relative_Factors=factors
    )
    (done,) = import_release(package, out)
    with (done.folder / "hccs.csv").open(newline="") as file:
        assert list(csv.DictReader(file))[-1] == {"hcc": "4", "label": "Fourth of the release", "is_chronic": ""}


def test_a_zip_with_a_zip_inside(tmp_path: Path, out: Path) -> None:
    package = made.write_package(tmp_path / "release")
    outer = tmp_path / "outer"
    outer.mkdir()
    zipped(package, outer / "package.zip")
    (done,) = import_release(zipped(outer, tmp_path / "outer.zip"), out)
    assert check_folder(done.folder) == []


def test_nothing_is_written_when_a_law_breaks(tmp_path: Path, out: Path) -> None:
    factors = made.CONTINUING + "SOMETHING_NEW,x,0.1,0.1\r\n"
    package = made.write_package(tmp_path / "release", V99_CE_Relative_Factors=factors)
    with pytest.raises(RulesError, match="nobody knows the variable SOMETHING_NEW") as error:
        import_release(package, out)
    assert "--based-on FOLDER" in str(error.value)
    assert sorted(path.name for path in out.iterdir()) == [MODEL]
    assert [path.name for path in (out / MODEL).iterdir()] == [str(YEAR)]


def test_a_refused_release_leaves_no_folder_behind(tmp_path: Path) -> None:
    base = write_model(tmp_path / "base")
    factors = made.CONTINUING + "SOMETHING_NEW,x,0.1,0.1\r\n"
    package = made.write_package(tmp_path / "release", V99_CE_Relative_Factors=factors)
    for out in (tmp_path / "new", tmp_path / "deep" / "new"):
        with pytest.raises(RulesError, match="SOMETHING_NEW"):
            import_release(package, out, Wishes(model=MODEL, based_on=str(base)))
        assert not out.exists()
    assert not (tmp_path / "deep").exists()
    (tmp_path / "mine").mkdir()  # the user's own empty folder stays
    with pytest.raises(RulesError, match="SOMETHING_NEW"):
        import_release(package, tmp_path / "mine", Wishes(model=MODEL, based_on=str(base)))
    assert (tmp_path / "mine").is_dir()


def test_a_faulty_release_is_not_sent_to_a_check_that_does_not_read_it(tmp_path: Path, out: Path) -> None:
    made.write_package(
        tmp_path / "release" / "one", V99_HCC_Hierarchies=made.HIERARCHIES.replace("HCC2,,", "HCC2,HCC3,")
    )
    made.write_package(tmp_path / "release" / "two")
    with pytest.raises(RulesError, match="differs") as caught:
        import_release(tmp_path / "release", out)
    assert "rules check" not in str(caught.value.hint)


def test_a_new_hcc_without_a_label_names_the_table_of_labels(tmp_path: Path, out: Path) -> None:
    changed = {
        "ICD10_CC_mappings_CMS_HCC_2032_v99": made.MAPPING + "A008,4.0,,,\r\n",
        "V99_CE_Relative_Factors": made.CONTINUING.replace("PAIR_HCC3", "HCC4,,0.3,0.3\r\nPAIR_HCC3"),
        "V99_HCC_Hierarchies": made.HIERARCHIES + "HCC4,,\r\n",
    }
    package = made.write_package(tmp_path / "release", **changed)
    with pytest.raises(RulesError, match="HCC 4 has no label") as caught:
        import_release(package, out)
    assert "mend its hccs.csv, and name it" in str(caught.value.hint)


def test_a_mended_folder_can_lend(tmp_path: Path, out: Path) -> None:
    package = made.write_package(
        tmp_path / "release", V99_CE_Relative_Factors=made.CONTINUING + "SOMETHING_NEW,x,0.1,0.1\r\n"
    )
    mended = write_model(tmp_path / "mended", demographics=TABLES["demographics.csv"] + "SOMETHING_NEW,add,,lti\n")
    (done,) = import_release(package, out, Wishes(based_on=str(mended)))
    assert "SOMETHING_NEW,add" in (done.folder / "demographics.csv").read_text()


def test_a_model_nobody_has_needs_a_lender(tmp_path: Path, out: Path) -> None:
    package = made.write_package(tmp_path / "release", version=98)
    with pytest.raises(HccError, match="holds nothing for any known model"):
        import_release(package, out)
    with pytest.raises(HccError, match="no cms-hcc-v98 to lend"):
        import_release(package, out, Wishes(model="cms-hcc-v98"))
    (done,) = import_release(package, out, Wishes(model="cms-hcc-v98", based_on=f"{MODEL}/{YEAR}"))
    assert read_manifest(done.folder).title == "cms-hcc-v98"
    assert check_folder(done.folder) == []


def test_an_existing_year_stays_unless_told(tmp_path: Path, out: Path) -> None:
    package = made.write_package(tmp_path / "release")
    import_release(package, out)
    with pytest.raises(HccError, match="already there"):
        import_release(package, out)
    import_release(package, out, Wishes(overwrite=True))
    assert check_folder(out / MODEL / "2032") == []


def test_of_several_models_none_is_written_when_one_is_there(tmp_path: Path, out: Path) -> None:
    write_model(out, "cms-hcc-v98")
    made.write_package(tmp_path / "release", version=98)
    import_release(tmp_path / "release", out)
    made.write_package(tmp_path / "release")
    with pytest.raises(HccError, match="already there"):
        import_release(tmp_path / "release", out)
    assert not (out / MODEL / "2032").exists()


def test_an_initial_edition_makes_room_for_the_final_one(tmp_path: Path, out: Path) -> None:
    early = made.write_package(tmp_path / "early", mark="1_initial", V99_Interactions=None)
    import_release(early, out)
    folder = out / MODEL / "2032"
    assert read_manifest(folder).edition == "initial"
    import_release(made.write_package(tmp_path / "late"), out)
    assert read_manifest(folder).edition == "midyear_final"
    assert read_manifest(folder / "initial").edition == "initial"
    assert model_folder(MODEL, 2032, run="initial", mappings=out) == folder / "initial"
    assert model_folder(MODEL, 2032, run="final", mappings=out) == folder
    assert check_folder(folder) == []
    assert check_folder(folder / "initial") == []


def test_an_initial_edition_beside_a_final_one_goes_below_it(tmp_path: Path, out: Path) -> None:
    import_release(made.write_package(tmp_path / "late"), out)
    (done,) = import_release(made.write_package(tmp_path / "early", mark="1_initial"), out)
    assert done.folder == out / MODEL / "2032" / "initial"
    assert read_manifest(out / MODEL / "2032").edition == "midyear_final"


def test_a_workbook_lends_everything_else(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "2032 Midyear_Final ICD-10-CM Mappings.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(made.WORKBOOK_ROWS)
    with pytest.raises(HccError, match="of several payment years"):
        import_release(path, out)
    (done,) = import_release(path, out, Wishes(payment_year=2032))
    assert done.from_release == ("diagnosis_to_hcc.csv",)
    edits = read_manifest(done.folder).entry("diagnosis_edits.csv")
    assert edits is not None
    assert edits.unverified is not None
    assert (done.folder / "coefficients.csv").read_text() == TABLES["coefficients.csv"]


def test_edits_that_are_lent_keep_to_the_codes_of_the_release(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "mappings.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([row for row in made.WORKBOOK_ROWS if row[0] != "A002"])
    with pytest.raises(RulesError, match="HCC 2 is an orphan"):
        # the edit on A001 still leads to HCC 2, but then only women have it: leave that out as well
        import_release(path, write_model(tmp_path / "lender", diagnosis_edits=NO_EDITS).parents[1], Wishes(2032))
    (done,) = import_release(path, out, Wishes(payment_year=2032))
    assert (done.folder / "diagnosis_edits.csv").read_text().splitlines()[1:] == ["A001,sex,F,,,override,2"]


NO_EDITS = "diagnosis_code,kind,sex,age_from,age_to,action,hcc\n"


def test_sas_files(tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "sas"
    folder.mkdir()
    (folder / "F9931T1N.TXT").write_text("A001\t1\t\nA002\t2\t\nA003\t3\t\n")
    rows = [row.split(",") for row in TABLES["coefficients.csv"].splitlines()[1:]]
    names = ",".join(f"{segment}_{variable}" for segment, variable, _ in rows)
    (folder / "V99hcccoefn.csv").write_text(f"{names}\n{','.join(value for *_, value in rows)}\n")
    with pytest.raises(HccError, match="do not say their payment year"):
        import_release(folder, out)
    (done,) = import_release(folder, out, Wishes(payment_year=2033))
    assert (done.folder / "coefficients.csv").read_text() == TABLES["coefficients.csv"]
    assert done.manifest.based_on == f"{MODEL}/{YEAR}"


def test_folders_of_our_own_shape_come_through_unchanged(tmp_path: Path, out: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (done,) = import_release(out, elsewhere, Wishes(model=MODEL, based_on=str(out / MODEL / str(YEAR))))
    for file, text in TABLES.items():
        assert (done.folder / file).read_text() == text, file


def test_calibrations_that_the_release_has_not_come_from_the_same_year_only(tmp_path: Path) -> None:
    out = tmp_path / "mappings"
    folder = write_model(out, coefficients=None)
    for calibration in ("a", "b"):
        (folder / calibration).mkdir()
        (folder / calibration / "coefficients.csv").write_text(TABLES["coefficients.csv"])
    release = tmp_path / "release"
    for year in (YEAR, YEAR + 1):
        target = release / MODEL / str(year)
        shutil.copytree(folder, target)
        shutil.rmtree(target / "b")
        (target / "manifest.toml").unlink()
    import_release(release, out, Wishes(overwrite=True))
    assert calibrations(out / MODEL / str(YEAR)) == ["a", "b"]
    assert calibrations(out / MODEL / str(YEAR + 1)) == ["a"]


def test_what_is_no_release_says_what_is(tmp_path: Path, out: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(HccError, match="looks like a release") as error:
        import_release(tmp_path / "empty", out)
    assert "Python packages" in str(error.value)
    with pytest.raises(HccError, match="is not there"):
        import_release(tmp_path / "nowhere", out)
    text = tmp_path / "note.txt"
    text.write_text("hello")
    with pytest.raises(HccError, match="neither a zip nor a mapping workbook"):
        import_release(text, out)


def test_a_package_of_another_year_is_not_taken(tmp_path: Path, out: Path) -> None:
    package = made.write_package(tmp_path / "release")
    with pytest.raises(HccError, match="is of payment year 2032, not 2033"):
        import_release(package, out, Wishes(payment_year=2033))


def test_two_packages_that_contradict_each_other(tmp_path: Path, out: Path) -> None:
    made.write_package(tmp_path / "release" / "one")
    made.write_package(
        tmp_path / "release" / "two", V99_HCC_Hierarchies=made.HIERARCHIES.replace("HCC2,,", "HCC2,HCC3,")
    )
    with pytest.raises(RulesError, match=r"hierarchies\.csv differs"):
        import_release(tmp_path / "release", out)


def test_a_place_that_cannot_be_written(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    package = made.write_package(tmp_path / "release")
    monkeypatch.setattr(tempfile, "TemporaryDirectory", refused)
    with pytest.raises(HccError, match=r"cannot be written to .*mappings \(Permission denied\)") as caught:
        import_release(package, out)
    assert caught.value.hint == "Choose another --out, in a folder that you may write to."
