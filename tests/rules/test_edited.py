"""Tables that somebody changed by hand are scored, and said to be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

import hcc

ROOT = Path(__file__).parents[2] / "mappings"


def test_a_coefficient_changed_by_hand_is_told(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "my")
    path = tmp_path / "my" / "cms-hcc-v28" / "2026" / "coefficients.csv"
    text = path.read_text(encoding="utf-8")
    assert "CNA,F70_74,0.395" in text
    path.write_text(text.replace("CNA,F70_74,0.395", "CNA,F70_74,4.000"), encoding="utf-8")
    members = pl.DataFrame({"member_id": ["a"], "birth_date": ["1953-06-15"], "sex": ["F"]})
    claims = pl.DataFrame({"claim_id": ["1"], "member_id": ["a"], "thru_date": ["2025-05-01"], "diagnosis_1": ["Z000"]})
    shipped, mine = (hcc.score(members, claims, payment_year=2026, mappings=where) for where in (None, tmp_path / "my"))
    assert [str(run.factors["coefficient"].sum()) for run in (shipped, mine)] == ["0.395", "4.000"]
    assert not any("changed since" in note for note in shipped.notes)
    (told,) = (note for note in mine.notes if "changed since" in note)
    assert told.startswith("cms-hcc-v28 2026: coefficients.csv changed since the manifest was written")
    assert [rules for rules in (hcc.load_rules("rxhcc-v08:x", payment_year=2026),) if rules.edited] == []
