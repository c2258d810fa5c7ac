"""The tables of a generated population: members, claim heads, lines and header diagnoses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.codes import TABLE, Codes
from benchmarks.identifiers import claim_ids, member_ids, mixed, uniform
from benchmarks.settings import settings

MOST_DIAGNOSES = 25
WIDE = 12
# Shares of claims and what they carry: type, bill type, share.
_KINDS = (
    ("professional", None, 0.82),
    ("outpatient", "131", 0.09),
    ("outpatient", "711", 0.01),
    ("inpatient", "111", 0.02),
    ("other", "211", 0.01),
    ("other", "329", 0.01),
    ("other", "721", 0.005),
    ("dme", None, 0.035),
)


Ints = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be generated."""

    members: int
    payment_year: int
    seed: int
    skew: str = "none"
    wide: bool = False
    by_member: bool = False
    big_claims: int = 1_000_000
    tiny_files: int = 5_000
    pharmacy: bool = False
    observations: bool = False


class People:
    """What claims need of the members; everything else follows from a member's number."""

    def __init__(self, plan: Plan) -> None:
        number = np.arange(plan.members, dtype=np.uint64)
        # A hidden burden with mean 1 and a long tail: it makes claims and conditions.
        self.burden = -np.log1p(-uniform(number, plan.seed * 8 + 1)).astype(np.float32)
        shape = settings()["shape"]
        u = uniform(number, plan.seed * 8 + 2)
        mean = shape["conditions"] * self.burden
        self.conditions = (
            np.minimum(np.floor(mean + np.sqrt(mean) * (u - 0.5) * 3.4 + 0.5), 15).clip(0).astype(np.uint8)
        )
        self.rate = (shape["claims"] / (12 + shape["outside"])) * (0.4 + 0.6 * self.burden)
        self.ids = member_ids(plan.members, plan.seed)

    def condition_codes(self, member: Ints, which: Ints, codes: Codes, seed: int) -> NDArray[np.int32]:
        """The diagnosis (position in ``codes.diagnoses``) that is a member's n-th condition."""
        bits = mixed((member * 16 + which).astype(np.uint64), seed * 8 + 3) >> np.uint64(48)
        return codes.paid[bits.astype(np.int64)]


def members_table(plan: Plan, people: People) -> Iterator[pl.DataFrame]:
    """Canonical ``members``, a million rows at a time."""
    for first in range(0, plan.members, 1_000_000):
        count = min(1_000_000, plan.members - first)
        rng = np.random.default_rng([plan.seed, 2, first])
        age = np.where(rng.random(count) < 0.11, rng.integers(30, 65, count), 65 + np.floor(rng.gamma(2.2, 4.4, count)))
        age = np.minimum(age, 101)
        back = np.round((age + 0.01 + 0.97 * rng.random(count)) * 365.25).astype("timedelta64[D]")
        young = age < 65
        orec = np.where(young, "1", np.where(rng.random(count) < 0.08, "1", "0"))
        dual = pl.Series(["NA", "02", "08", "01", "03"]).gather(
            np.searchsorted(np.cumsum([0.78, 0.12, 0.03, 0.04]), rng.random(count), side="right")
        )
        new = rng.random(count) < 0.03
        yield pl.DataFrame(
            {
                "member_id": people.ids.slice(first, count),
                "birth_date": pl.Series(np.datetime64(f"{plan.payment_year}-02-01", "D") - back, dtype=pl.Date),
                "sex": pl.Series(np.where(rng.random(count) < 0.56, "F", "M")),
                "orec": pl.Series(orec),
                "dual_status": dual,
                "part_b_months": np.where(new, rng.integers(0, 12, count), 12),
                "long_term_institutional": rng.random(count) < 0.015 * np.where(age > 75, 2.2, 0.4),
                "csnp": rng.random(count) < 0.02,
                "contract_id": pl.Series(["H0901", "H0902", "H0903"]).gather(rng.integers(0, 3, count)),
            }
        )


def heads(plan: Plan, people: People, month: int) -> Ints:
    """The member of each claim of a month, in no order (or by member)."""
    rng = np.random.default_rng([plan.seed, 3, month])
    counts = rng.poisson(people.rate)
    member = np.repeat(np.arange(plan.members, dtype=np.int32), counts)
    if plan.skew == "one_big_member":
        member = np.concatenate([member, np.zeros(plan.big_claims // 12, dtype=np.int32)])
    if plan.by_member:
        member.sort()
    else:
        rng.shuffle(member)
    return member


def _diagnoses(plan: Plan, people: People, codes: Codes, member: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """How many diagnoses each claim has, and all of them one after another (positions in ``codes.diagnoses``)."""
    shape = settings()["shape"]
    if plan.skew == "many_dx":
        counts = np.full(len(member), MOST_DIAGNOSES)
    else:
        counts = np.minimum(rng.geometric(1 / shape["diagnoses_per_claim"], len(member)), WIDE)
    whose = np.repeat(member, counts).astype(np.int64)
    conditions = people.conditions[whose].astype(np.int64)
    bits = rng.integers(0, TABLE, len(whose), dtype=np.int64)
    which = (rng.random(len(whose), dtype=np.float32) * conditions).astype(np.int64)
    coded = (rng.random(len(whose), dtype=np.float32) < shape["coded"]) & (conditions > 0)
    drawn = codes.other[bits]
    drawn[coded] = people.condition_codes(whose[coded], which[coded], codes, plan.seed)
    return counts, drawn


def slice_tables(
    plan: Plan, people: People, codes: Codes, month: int, start: np.datetime64, first: int, member: Ints
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Lines and header diagnoses of some claims of a month (``None`` when they are on the lines)."""
    rng = np.random.default_rng([plan.seed, 4, month, first])
    size, shape = len(member), settings()["shape"]
    claim = claim_ids(month, first, size)
    who = people.ids.gather(member)
    kind = np.searchsorted(np.cumsum([share for *_, share in _KINDS])[:-1], rng.random(size), side="right")
    thru = start + rng.integers(0, 28, size).astype("timedelta64[D]")
    stay = np.where(kind == 3, rng.integers(1, 8, size), 0).astype("timedelta64[D]")
    counts, drawn = _diagnoses(plan, people, codes, member, rng)

    lines = np.minimum(rng.geometric(1 / shape["lines_per_claim"], size), 20)
    of = np.repeat(np.arange(size), lines)
    number = np.arange(len(of)) - np.repeat(np.cumsum(lines) - lines, lines)
    eligible = (rng.random(size) < shape["eligible"])[of] & ((number == 0) | (rng.random(len(of)) < 0.2))
    bits = rng.integers(0, TABLE, len(of))
    procedure = np.where(eligible & (kind[of] != 7), codes.listed[bits], codes.unlisted[bits]).astype(np.int64)
    table = pl.DataFrame(
        {
            "claim_id": claim.gather(of),
            "line_number": number + 1,
            "member_id": who.gather(of),
            "from_date": pl.Series((thru - stay)[of], dtype=pl.Date),
            "thru_date": pl.Series(thru[of], dtype=pl.Date),
            "claim_type": pl.Series([k[0] for k in _KINDS]).gather(kind[of]),
            "bill_type": pl.Series([k[1] for k in _KINDS], dtype=pl.String).gather(kind[of]),
            "hcpcs": codes.procedures.gather(pl.Series(procedure).set(pl.Series(kind[of] == 3), None)),
            "paid_amount": np.round(rng.gamma(1.2, 90, len(of)), 2),
        }
    )
    if plan.wide:
        most = MOST_DIAGNOSES if plan.skew == "many_dx" else WIDE
        begin = np.cumsum(counts) - counts
        for rank in range(most):
            have = counts > rank
            position = pl.Series(np.where(have, drawn[np.minimum(begin + rank, len(drawn) - 1)], 0)).set(
                pl.Series(~have), None
            )
            table = table.with_columns(codes.diagnoses.gather(position).gather(of).alias(f"diagnosis_{rank + 1}"))
        return table, None
    per_row = np.repeat(np.arange(size), counts)
    rank_in_claim = np.arange(len(per_row)) - np.repeat(np.cumsum(counts) - counts, counts)
    diagnoses = pl.DataFrame(
        {
            "claim_id": claim.gather(per_row),
            "member_id": who.gather(per_row),
            "diagnosis_rank": rank_in_claim + 1,
            "diagnosis_code": codes.diagnoses.gather(drawn),
        }
    )
    return table, diagnoses
