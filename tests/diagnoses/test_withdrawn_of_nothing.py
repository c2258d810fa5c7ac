"""Voids and chart-review deletes of claims that are not there are counted in a note."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import hcc
from tests.diagnoses.test_shared_numbers import IN_TIME, MEMBERS, Row, row


def notes(rows: list[Row]) -> list[str]:
    names = list(dict.fromkeys(name for one in rows for name in one if name != "codes"))
    lines = pl.DataFrame([{name: one.get(name) for name in names} for one in rows], infer_schema_length=None)
    codes = pl.Series("diagnosis_codes", [one["codes"] for one in rows], dtype=pl.List(pl.String))
    told = hcc.score(MEMBERS, lines.with_columns(codes), payment_year=2026).notes
    return [note for note in told if "withdraw nothing" in note]


VOIDS = "claims: {} void(s) withdraw nothing: the claims they name are not among those given."
DELETES = "claims: {} chart-review delete(s) withdraw nothing: the claims they name are not among those given."


def void(claim_id: str, of: str | None, **more: Any) -> Row:
    return row(claim_id, "", frequency_code="8", original_claim_id=of, **more)


def delete(claim_id: str, of: str, **more: Any) -> Row:
    return row(claim_id, "E119", record_type="chart_review_delete", linked_claim_id=of, **more)


@pytest.mark.parametrize(("rows", "told"), [
    ([void("V1", "X1")], []),
    ([void("V1", "X9")], [VOIDS.format(1)]),
    ([void("V1", "X9"), void("V2", "X8"), void("V3", "X1")], [VOIDS.format(2)]),
    ([void("V1", "X1", member_id="P2")], [VOIDS.format(1)]),
    ([void("V1", None)], [VOIDS.format(1)]),
    ([void("V1", "V1")], [VOIDS.format(1)]),
    ([void("X1", None, submission_date=IN_TIME)], []),
    ([void("V1", "X9", accepted=False)], []),
    ([delete("D1", "X1")], []),
    ([delete("D1", "X9")], [DELETES.format(1)]),
    ([delete("D1", "X9"), delete("D2", "X9"), void("V1", "X9")], [VOIDS.format(1), DELETES.format(2)]),
    ([delete("D1", "X9"), void("V1", "D1")], []),
])  # fmt: skip
def test_records_that_withdraw_nothing_are_counted(rows: list[Row], told: list[str]) -> None:
    assert notes([row("X1", "E119 I509"), *rows]) == told
