"""What the mean is made of: every variable of every model is booked under what the rules say it is."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

import hcc
from hcc.demo.population import demo_tables
from hcc.results import open_results

SQL = (Path(__file__).parents[2] / "docs" / "questions" / "03-what-the-mean-is-made-of.sql").read_text()
MAPPINGS = Path(__file__).parents[2] / "mappings"
KINDS = {
    "cell": "age, sex, entitlement", "add": "age, sex, entitlement", "flat": "time since a transplant",
    "duration": "time since a transplant",
}  # fmt: skip


def said(folder: Path) -> dict[str, str]:
    """Variable → kind, as a model's own tables have it."""
    found = (
        {"ACTUARIAL_ADJUSTMENT": "time since a transplant"} if (folder / "actuarial_adjustment.csv").exists() else {}
    )
    for table, kind in (("interactions", "interactions"), ("counts", "number of conditions"), ("demographics", "")):
        if (folder / f"{table}.csv").exists():
            for row in pl.read_csv(folder / f"{table}.csv", infer_schema=False).iter_rows(named=True):
                if kind or row["kind"] in KINDS:
                    found[row["variable"]] = kind or KINDS[row["kind"]]
    for file in folder.rglob("coefficients.csv"):
        for name in pl.read_csv(file, infer_schema=False)["variable"]:
            found.setdefault(name, "conditions")
    return found


@pytest.mark.parametrize("folder", sorted(path.parent for path in MAPPINGS.glob("*/20*/demographics.csv")), ids=str)
def test_variables_are_booked_as_the_rules_have_them(folder: Path) -> None:
    kinds = said(folder)
    assert len(set(kinds.values())) >= 2
    con = duckdb.connect()
    con.register("kinds", pl.DataFrame({"variable": list(kinds)}).to_arrow())
    con.execute(
        "CREATE TABLE factors AS SELECT variable AS model, '' AS calibration, 'M' AS member_id, 'CNA' AS segment, "
        "NULL::DATE AS first_month, 12 AS months, variable, 1.000 AS coefficient FROM kinds"
    )
    booked = {model: kind for model, kind, *_ in con.execute(SQL).fetchall()}
    assert booked == kinds


@pytest.mark.parametrize("months", [False, True])
def test_the_parts_are_the_mean_raw_score(tmp_path: Path, months: bool) -> None:
    tables, file = demo_tables(members=400, payment_year=2026, seed=5), tmp_path / "r.duckdb"
    enrollment = tables["enrollment"] if months else None
    hcc.score(tables["members"], tables["claims"], enrollment=enrollment, payment_year=2026, out=file)
    con = open_results(file)
    means = dict(
        con.execute(
            "SELECT concat_ws(':', model::VARCHAR, nullif(calibration::VARCHAR, '')), avg(raw_score) FROM scores "
            "WHERE raw_score IS NOT NULL GROUP BY ALL"
        ).fetchall()
    )
    rows = con.execute(SQL).fetchall()
    con.close()
    assert len(means) >= 4
    for model, mean in means.items():
        parts = [share for name, _, _, share in rows if name == model]
        assert sum(parts) == pytest.approx(mean, abs=0.0001 * len(parts)), model
    assert not [kind for _, kind, *_ in rows if kind == "other"]
