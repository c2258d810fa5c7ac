"""Frailty of a scenario: a factor by contract, in the months of its community members of 55 and older without ESRD
(SPEC R-2.22)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.pipeline.plan import Options
from hcc.pipeline.scenario import frailty_factors
from hcc.pipeline.statuses import Statuses, statuses

LEAST_AGE = 55
_LISTED = 10  # contracts without members that are noted one by one


def statuses_of(inputs: Any, chosen: Options) -> Statuses:
    """Statuses of all members of ``inputs`` (hcc.intake.Inputs), with the scenario's frailty where it names any."""
    status = statuses(inputs.members, inputs.enrollment, chosen.payment_year)
    factors = frailty_factors(chosen.scenario)
    if not factors:
        return status
    return replace(status, frailty=_of_payable_months(status, inputs.members, inputs.enrollment, factors))


def _of_payable_months(
    status: Statuses, members: pl.DataFrame, enrollment: pl.DataFrame | None, factors: Mapping[str, int]
) -> NDArray[np.int64]:
    """Per status row, the factors of its payable months, summed (thousandths)."""
    own = members.select(_factor(factors)).to_series().fill_null(0).to_numpy()
    if status.monthly is None or enrollment is None or "contract_id" not in enrollment.columns:
        found = own[status.member] * status.payable.astype(np.int64)
    else:
        paid = status.monthly.filter("payable")
        told = enrollment.select("member_id", "month", _factor(factors)).drop_nulls("factor")
        by_month = paid.select(
            "month",
            "status",
            members["member_id"].gather(paid["member"]),
            pl.Series("own", own[paid["member"].to_numpy()]),
        ).join(told, on=["member_id", "month"], how="left", maintain_order="left")
        factor = by_month.select(pl.coalesce("factor", "own")).to_series().to_numpy()
        found = np.zeros(len(status.member), dtype=np.int64)
        np.add.at(found, by_month["status"].to_numpy(), factor)
    facts, profile = status.profiles.facts, status.profile
    frail = (facts["age"][profile] >= LEAST_AGE) & (facts["lti"][profile] == 0) & (facts["esrd"][profile] == 0)
    return np.where(frail, found, 0)


def _factor(factors: Mapping[str, int]) -> pl.Expr:
    """The factor of ``contract_id``; null where there is no contract."""
    contract = pl.col("contract_id").cast(pl.String)
    known = contract.replace_strict(dict(factors), default=0, return_dtype=pl.Int64)
    return pl.when(contract.is_not_null()).then(known).alias("factor")


def frailty_notes(inputs: Any, chosen: Options) -> Iterator[str]:
    """What the scenario says of contracts that no member has."""
    factors = frailty_factors(chosen.scenario)
    if not factors:
        return
    tables = [table for table in (inputs.members, inputs.enrollment) if table is not None]
    there = {
        contract
        for table in tables
        if "contract_id" in table.columns
        for contract in table["contract_id"].cast(pl.String).unique()
    }
    unmet = sorted(set(factors) - there)
    if len(unmet) > _LISTED:
        yield f"The scenario's frailty factors of {len(unmet)} contracts apply to nobody: no member has these contracts."
        return
    for contract in unmet:
        yield f"The scenario's frailty factor of contract {contract} applies to nobody: no member has that contract."
