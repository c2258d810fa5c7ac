"""The official 2026 packages against the shipped tables, row for row (RULINGS 34).

The packages are not part of the project: set HCC_CMS_RELEASE to a folder that holds them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hcc.rules.folders import model_folder
from hcc.rules.releases.importing import import_release

RELEASE = os.environ.get("HCC_CMS_RELEASE", "")
FROM_THE_PACKAGES = {
    "cms-hcc-v28": {"diagnosis_to_hcc", "diagnosis_edits", "hierarchies", "groups", "interactions", "coefficients"},
    "cms-hcc-v22": {"diagnosis_to_hcc", "diagnosis_edits", "hierarchies", "groups", "interactions", "coefficients"},
    "cms-hcc-esrd-v24": {
        *("diagnosis_to_hcc", "diagnosis_edits", "hierarchies", "groups", "interactions", "coefficients"),
        *("graft_duration", "transplant"),
    },
    "cms-hcc-esrd-v21": {
        *("diagnosis_to_hcc", "diagnosis_edits", "hierarchies", "groups", "interactions", "coefficients"),
        *("graft_duration", "transplant"),
    },
    "rxhcc-v08": {"diagnosis_to_hcc", "diagnosis_edits", "hierarchies", "x/coefficients"},
}


@pytest.mark.skipif(not RELEASE, reason="HCC_CMS_RELEASE names no folder with CMS's 2026 Python packages")
def test_importing_the_official_packages_gives_the_shipped_tables(tmp_path: Path) -> None:
    done = {one.manifest.model: one for one in import_release(Path(RELEASE), tmp_path)}
    assert set(done) == set(FROM_THE_PACKAGES)
    for model, one in done.items():
        assert {file.removesuffix(".csv") for file in one.from_release} == FROM_THE_PACKAGES[model]
        shipped = model_folder(model, one.manifest.payment_year)
        for path in sorted(one.folder.rglob("*.csv")):
            assert path.read_bytes() == (shipped / path.relative_to(one.folder)).read_bytes(), path
