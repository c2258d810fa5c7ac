"""Golden cases as rows of the canonical input tables."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tests.reference.records import validity
from tests.reference.tables import Published, published

HERE = Path(__file__).parent
Row = dict[str, Any]
MODELS = {"V24": "cms-hcc-v24", "V28": "cms-hcc-v28"}
DATES = ("birth_date", "death_date", "thru_date", "from_date", "submission_date", "month")


def read(name: str) -> list[Row]:
    """Cases of one file."""
    return list(json.loads((HERE / name).read_text(encoding="utf-8")))


def dated(row: Row) -> Row:
    """The row with its dates as dates."""
    return {key: date.fromisoformat(value) if key in DATES and value else value for key, value in row.items()}


@cache
def _codes_of_one_hcc(tables: Published) -> dict[str, str]:
    plain: dict[str, str] = {}
    day = date(tables.year - 1, 7, 1)
    for code, hccs in sorted(tables.hccs_of.items()):
        first, last = validity()[code]
        if len(hccs) == 1 and code not in tables.edits_of and first <= day <= last:
            plain.setdefault(hccs[0], code)
    return plain


def code_for(hcc: int | str, model: str, payment_year: int, calibration: str = "") -> str:
    """A code that maps to this one category without an edit (RULINGS 33)."""
    return _codes_of_one_hcc(published(model, payment_year, calibration))[str(hcc)]


def score_cases() -> list[Row]:
    """S1–S74 with ``id``, ``model``, ``member`` and ``codes`` in the words of the input tables."""
    cases = []
    for number, case in enumerate(read("cases.json"), start=1):
        given, model = case["inp"], MODELS[case["model"]]
        year = given["py"]
        born = given["dob"] if "dob" in given else f"{year - given['age']}-02-01"
        member = {
            "member_id": f"S{number}",
            "birth_date": date.fromisoformat(born),
            "sex": given["sex"],
            "orec": given.get("orec", "0"),
            "dual_status": given.get("dual", "NA"),
            "medicaid": given.get("ltimcaid"),
            "part_b_months": 0 if given.get("ne") else 12,
            "long_term_institutional": bool(given.get("lti")),
            "csnp": bool(given.get("csnp")),
        }
        codes = [*given.get("dx", []), *(code_for(hcc, model, year) for hcc in given.get("hccs", []))]
        shared = {"id": f"S{number}", "title": case["title"], "model": model, "payment_year": year, "member": member,
                  "codes": codes, "age": case["age"], "segment": case["segment"]}  # fmt: skip
        mode = case.get("hierarchy_mode", "cms_python")
        expect = {name: case[name] for name in ("hccs", "raw", "norm", "pay")}
        cases.append({**shared, "hierarchy_mode": mode, **expect})
        if "alt" in case:
            cases.append({**shared, "id": f"S{number}-sas", **case["alt"]})
    return cases


def office_visit(member_id: str, codes: list[str | None], payment_year: int) -> list[Row]:
    """A professional claim of 99213 on 1 July of the year before payment for every code."""
    day = date(payment_year - 1, 7, 1)
    return [
        {"claim_id": f"{member_id}-{number}", "line_number": 1, "member_id": member_id, "from_date": day,
         "thru_date": day, "hcpcs": "99213", "diagnosis_codes": [code]}
        for number, code in enumerate(codes)
    ]  # fmt: skip


def visit_on(member_id: str, codes: list[str | None], day: date) -> list[Row]:
    """One professional claim of 99213 with all codes."""
    return [
        {"claim_id": f"{member_id}-0", "line_number": 1, "member_id": member_id, "from_date": day, "thru_date": day,
         "hcpcs": "99213", "diagnosis_codes": codes}
    ]  # fmt: skip


def member_of(case: Row, default: Row | None = None) -> Row:
    """The case's member as a row of ``members``."""
    shared = default or {"birth_date": "1953-06-15", "sex": "F"}
    return {"member_id": case["id"], **dated({**shared, **case.get("member", {})})}


def claims_of(case: Row) -> list[Row]:
    """The case's own claim lines, with ids made unique across cases."""
    rows = []
    for row in case["claims"]:
        renamed = {
            name: f"{case['id']}-{row[name]}"
            for name in ("claim_id", "original_claim_id", "linked_claim_id")
            if row.get(name)
        }
        rows.append({**dated(row), **renamed, "member_id": case["id"]})
    return rows
