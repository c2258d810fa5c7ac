from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from hcc.errors import RulesError
from hcc.rules.folders import model_folders, shipped_folder
from hcc.rules.manifest import Manifest, TableEntry, count_rows, read_manifest, sum_of, table_entry, write_manifest

SHIPPED = model_folders(shipped_folder())


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_every_shipped_table_says_its_source(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert {entry.file for entry in manifest.table} == {str(path.relative_to(folder)) for path in folder.rglob("*.csv")}
    assert all(entry.source and entry.retrieved for entry in manifest.table)


def test_what_nobody_could_verify_is_marked() -> None:
    early = read_manifest(shipped_folder() / "cms-hcc-v28" / "2027")
    assert early.edition == "initial"
    assert early.unverified
    single = read_manifest(shipped_folder() / "rxhcc-v08" / "2027").entry("y1/coefficients.csv")
    assert single is not None
    assert single.unverified == "one source"
    carried = read_manifest(shipped_folder() / "cms-hcc-v28" / "2025").entry("diagnosis_edits.csv")
    assert carried is not None
    assert "mce_age" in (carried.unverified or "")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    manifest = Manifest(
        model="cms-hcc-v99",
        payment_year=2031,
        title='The "first" \\ model',
        edition="initial",
        hcc_prefix="HCC",
        part="D",
        applies_to="esrd=none",
        calibrations=("a", "b"),
        unverified=("one", "two"),
        table=(
            TableEntry(
                file="hccs.csv", rows=1, sha256="0" * 64, source="CMS's table", retrieved=date(2026, 1, 2), sum="1.5"
            ),
        ),
    )
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


def test_an_entry_counts_sums_and_hashes(tmp_path: Path) -> None:
    data = b'variable,coefficient\n"a ""quoted""\nname",0.10\nb,-0.3\n'
    (tmp_path / "graft_duration.csv").write_bytes(data)
    entry = table_entry(tmp_path, "graft_duration.csv", "made up", unverified="so it is")
    assert (entry.rows, entry.sum, entry.unverified) == (2, "-0.2", "so it is")
    assert entry.sha256 == hashlib.sha256(data).hexdigest()
    assert count_rows(b"a,b\n") == 0
    assert sum_of(b"a,b\n1,2\n") is None


def test_all_faults_of_a_manifest_at_once(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text(
        'model = "cms-hcc-v99"\npayment_year = "soon"\ntitle = "x"\nedition = "final"\nhcc_prefix = "HCC"\npart = "C"\n'
        'colour = "red"\n[[table]]\nfile = "hccs.csv"\nrows = 1\nsha256 = "short"\nsource = ""\n'
    )
    with pytest.raises(RulesError) as error:
        read_manifest(tmp_path)
    for words in ("payment_year", "edition", "colour", "table[0].sha256", "table[0].source"):
        assert words in error.value.message
