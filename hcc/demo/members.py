"""Who the members are: one row each, with a hidden frailty that ties their conditions together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hcc.demo.draw import Bools, Days, Floats, Ints, Texts, choose, day, quota, stream, text_series, texts
from hcc.demo.mix import Mix

_FULL_DUAL = {"02": 0.7, "04": 0.1, "08": 0.2}
_PARTIAL_DUAL = {"01": 0.4, "03": 0.45, "06": 0.15}
_YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class People:
    """Columns of equal length, one entry per member. ``covered_from``: first day of Part B, as far as it matters."""

    ids: Texts
    age: Ints
    female: Bools
    dual: Bools
    frailty: Floats
    esrd: Texts
    covered_from: Days
    ordinary: Bools  # community, continuing, no ESRD, Medicare Advantage: where stories may be planted
    table: pl.DataFrame

    def __len__(self) -> int:
        return len(self.ids)


def _ages(mix: Mix, rng: np.random.Generator, size: int) -> Ints:
    bands = {str(i): float(band["share"]["value"]) for i, band in enumerate(mix.ages)}
    band = choose(rng, bands, size).astype(int)
    low = np.array([b["from"] for b in mix.ages])[band]
    high = np.array([b["to"] for b in mix.ages])[band]
    return np.asarray(low + np.floor(rng.random(size) * (high - low + 1)), dtype=np.int64)


def _birth_dates(age: Ints, payment_year: int, rng: np.random.Generator) -> Days:
    """A day on which a person is ``age`` on 1 February of the payment year, away from the birthday itself."""
    back = np.round((age + 0.01 + rng.random(len(age)) * 0.97) * _YEAR_DAYS).astype("timedelta64[D]")
    return day(payment_year, 2, 1) - back


def _program(mix: Mix, rng: np.random.Generator, size: int, eligible: Bools) -> Texts:
    program = np.full(size, "MA", dtype=object)
    program[quota(rng, eligible, mix.numbers["pace"], size)] = "PACE"
    program[quota(rng, program == "MA", mix.numbers["pdp_only"], size)] = "none"
    return program


def _esrd(mix: Mix, rng: np.random.Generator, size: int) -> tuple[Texts, Texts]:
    """ESRD status and months since a transplant (null without one)."""
    status, months = np.full(size, "none", dtype=object), np.full(size, None, dtype=object)
    free = np.ones(size, dtype=bool)
    status[quota(rng, free, mix.numbers["dialysis"], size)] = "dialysis"
    for month in (1, 2, 3):
        rows = quota(rng, status == "none", mix.numbers["transplant"], size)
        status[rows], months[rows] = f"transplant_{month}", month
    rows = quota(rng, status == "none", mix.numbers["graft"], size)
    status[rows] = "graft"
    months[rows] = rng.integers(4, 30, len(rows))
    return status, months


def _contracts(mix: Mix, rng: np.random.Generator, program: Texts) -> dict[str, pl.Series]:
    size = len(program)
    columns = {name: np.full(size, None, dtype=object) for name in ("contract_id", "pbp_id", "parent_organization")}
    benchmark = np.full(size, np.nan)
    for kind in ("MA", "PACE", "none"):
        offered = {c["id"]: c for c in mix.contracts if c["program"] == kind}
        rows = np.flatnonzero(program == kind)
        drawn = choose(rng, {name: c["share"] for name, c in offered.items()}, len(rows))
        for name, contract in offered.items():
            mine = rows[drawn == name]
            columns["contract_id"][mine] = name
            columns["parent_organization"][mine] = contract["organization"]
            columns["pbp_id"][mine] = choose(rng, dict.fromkeys(contract["pbps"], 1.0), len(mine))
            if contract["benchmark"]:
                benchmark[mine] = mix.numbers["benchmark"] * contract["benchmark"]
    named = {name: text_series(values) for name, values in columns.items()}
    return named | {"monthly_benchmark": pl.Series(benchmark).fill_nan(None).round(2).cast(pl.Decimal(14, 2))}


def people(mix: Mix, size: int, payment_year: int, seed: int) -> People:
    """``size`` invented members of ``payment_year``."""
    rng, numbers = stream(seed, "members"), mix.numbers
    age = _ages(mix, rng, size)
    birth = _birth_dates(age, payment_year, rng)
    female = rng.random(size) < numbers["female"]
    frailty = rng.standard_normal(size)

    young = age < 65
    status, graft_months = _esrd(mix, rng, size)
    kidney = status != "none"
    orec = np.where(young, "1", np.where(rng.random(size) < numbers["originally_disabled"], "1", "0")).astype(object)
    orec[kidney & young] = "2"
    orec[kidney & ~young & (rng.random(size) < 0.3)] = "2"

    times = np.where(young, numbers["dual_under_65"], (1 - 0.11 * numbers["dual_under_65"]) / 0.89)
    lean = np.exp(0.25 * frailty - 0.03)
    draw = rng.random(size)
    full = draw < np.minimum(numbers["full_dual"] * times * lean, 0.9)
    partial = ~full & (draw < np.minimum((numbers["full_dual"] + numbers["partial_dual"]) * times * lean, 0.95))
    dual = np.full(size, "NA", dtype=object)
    dual[full] = choose(rng, _FULL_DUAL, int(full.sum()))
    dual[partial] = choose(rng, _PARTIAL_DUAL, int(partial.sum()))
    low_income = full | partial | (rng.random(size) < max(numbers["low_income"] - float((full | partial).mean()), 0.0))

    # Part B from the month of the 65th birthday, else for as long as it matters.
    birth_month = birth.astype("datetime64[M]")
    turns_65 = birth_month + np.timedelta64(65 * 12, "M")
    collection = np.datetime64(f"{payment_year - 1}-01", "M")
    months = np.clip((np.datetime64(f"{payment_year}-01", "M") - turns_65).astype(int), 0, 12)
    part_b_months = np.where((orec == "0") & ~kidney, months, 12)
    late = quota(rng, (part_b_months == 12) & ~kidney, numbers["late_part_b"], size)
    part_b_months[late] = rng.integers(0, 12, len(late))
    joined = collection + (12 - part_b_months).astype("timedelta64[M]")
    covered = np.where(part_b_months < 12, joined, np.datetime64("1990-01", "M"))

    institutional = np.zeros(size, dtype=bool)
    institutional[quota(rng, (age > 74) & ~kidney, numbers["institutional"], size)] = True
    csnp = np.zeros(size, dtype=bool)
    csnp[quota(rng, ~institutional & ~kidney, numbers["csnp"], size)] = True
    csnp[quota(rng, (part_b_months < 12) & ~kidney, 0.002, size)] = True
    program = _program(mix, rng, size, ~csnp & ~kidney & full & (age >= 55))
    part_d = np.full(size, None, dtype=object)
    part_d[rng.random(size) < numbers["part_d"]] = "MA-PD"
    part_d[program == "PACE"], part_d[program == "none"] = "MA-PD", "PDP"

    death = np.full(size, np.datetime64("NaT"), dtype="datetime64[D]")
    dying = quota(rng, (program == "MA") & (frailty > 0.3), numbers["dies"], size)
    death[dying] = day(payment_year, 1, 5) + rng.integers(0, 150, len(dying)).astype("timedelta64[D]")

    width = max(4, len(str(size)))
    ids = pl.Series(np.char.add("DEMO", np.char.zfill(np.arange(1, size + 1).astype(str), width))).to_numpy()
    providers = texts([f"90000{i:05d}" for i in range(1, int(numbers["providers"]) + 1)])  # no NPI begins with 9
    table = pl.DataFrame(
        {
            "member_id": pl.Series(ids),
            "birth_date": pl.Series(birth),
            "sex": pl.Series(np.where(female, "F", "M")),
            "orec": text_series(orec),
            "dual_status": text_series(dual),
            "part_b_months": pl.Series(part_b_months),
            "long_term_institutional": institutional,
            "csnp": csnp,
            "low_income_subsidy": low_income,
            "part_d_plan": text_series(part_d),
            "esrd_status": text_series(status),
            "graft_months": pl.Series(graft_months.tolist(), dtype=pl.Int64),
            "program": text_series(program),
            **_contracts(mix, rng, program),
            "pcp_npi": text_series(providers[(rng.beta(1.2, 2.2, size) * len(providers)).astype(int)]),
            "death_date": pl.Series(death),
        }
    )
    ordinary = (program == "MA") & (part_d == "MA-PD") & (part_b_months == 12) & np.isnat(death)
    ordinary &= ~(kidney | institutional | young)
    return People(ids, age, female, full | partial, frailty, status, covered.astype("datetime64[D]"), ordinary, table)
