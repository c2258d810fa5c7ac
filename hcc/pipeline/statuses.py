"""Members' statuses through the payment year: one per member, or one per distinct profile of the enrolment months."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses import between
from hcc.intake.status import MEDICAID
from hcc.rules.requires import CHOICES
from hcc.scores import Profiles, profiles

MONTHS = 12
_OF_PERSON = ("birth_date", "sex", "orec")
_OWN = "_of_member"
_MEDICAID = ("medicaid", "ltimcaid", "nemcaid")


@dataclass(frozen=True, eq=False)
class Statuses:
    """One entry per member and profile, sorted by member.

    ``months`` and ``payable`` count months; ``first_month`` is null without enrolment; ``monthly`` (member, status,
    month, payable) is there with enrolment only.
    """

    profiles: Profiles
    member: NDArray[np.uint32]
    profile: NDArray[np.int32]
    months: NDArray[np.int16]
    payable: NDArray[np.int16]
    first_month: pl.Series
    not_payable_reason: pl.Series  # per member: '' or why no month is payable
    monthly: pl.DataFrame | None
    frailty: NDArray[np.int64] | None = None  # thousandths over the payable months, summed (hcc.pipeline.frailty)

    def rows_of(self, start: int, stop: int) -> slice:
        """Status rows of the members ``start`` to ``stop`` (exclusive)."""
        return slice(*between(self.member, start, stop))

    def in_programs(self, programs: Collection[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Per member: some month, and every month, is in one of these programmes (words of the members table).

        Months of the payment year count, payable or not; a member without one is taken by the own programme.
        """
        codes = [place for place, word in enumerate(CHOICES["program"]) if word in programs]
        inside = np.isin(self.profiles.facts["program"], codes)
        return self._some(inside), ~self._some(~inside)

    def some_continuing_at_64(self) -> NDArray[np.bool_]:
        """Per member: aged 64 and entitled by age, yet no new enrollee in some month (SPEC R-2.5)."""
        facts = self.profiles.facts
        return self._some(
            (facts["age"] == 64) & (facts["orec"] == CHOICES["orec"].index("0")) & (facts["new_enrollee"] == 0)
        )

    def _some(self, profiles: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Per member: some status has one of these profiles."""
        some = np.zeros(len(self.not_payable_reason), dtype=bool)
        some[self.member[profiles[self.profile]]] = True
        return some

    def of(self, members: NDArray[np.integer]) -> Statuses:
        """The statuses of some members (indexes, ascending), who are then numbered from 0; the profiles stay."""
        rows = np.flatnonzero(np.isin(self.member, members))
        owner = np.searchsorted(members, self.member[rows]).astype(np.uint32)
        monthly = self.monthly
        if monthly is not None:
            here = pl.DataFrame({"status": rows, "_status": np.arange(len(rows)), "_member": owner})
            monthly = (
                monthly.drop("member")
                .join(here.cast({"status": monthly.schema["status"]}), on="status", maintain_order="left")
                .select(pl.col("_member").alias("member"), pl.col("_status").alias("status"), "month", "payable")
                .cast({name: monthly.schema[name] for name in ("member", "status")})
            )
        return Statuses(
            self.profiles, owner, self.profile[rows], self.months[rows], self.payable[rows],
            self.first_month.gather(pl.Series(rows)), self.not_payable_reason.gather(pl.Series(members)), monthly,
            None if self.frailty is None else self.frailty[rows],
        )  # fmt: skip


def statuses(members: pl.DataFrame, enrollment: pl.DataFrame | None, payment_year: int) -> Statuses:
    """Profiles and months of every member. Members without an enrolment month, where enrolment is given, have none
    that is payable; they are scored with the status of ``members``."""
    alive = _months_alive(payment_year)
    if enrollment is None:
        found, profile = profiles(members, payment_year)
        payable = members.select(alive)["payable"].to_numpy().astype(np.int16)
        size = members.height
        return Statuses(
            found,
            np.arange(size, dtype=np.uint32),
            profile,
            np.full(size, MONTHS, dtype=np.int16),
            payable,
            pl.Series("first_month", [None] * size, dtype=pl.Date)
            if size < 1
            else pl.repeat(None, size, dtype=pl.Date, eager=True),
            pl.Series((payable <= 0).astype(np.uint8)).cat.to(pl.Enum(["", "DIED"])),
            None,
        )
    return _monthly(members, enrollment, payment_year)


def _months_alive(payment_year: int) -> pl.Expr:
    """Months of the payment year that begin before the death: the month of death is paid, later ones are not."""
    died = pl.col("death_date")
    return (
        pl.when(died.is_null() | (died.dt.year() > payment_year))
        .then(MONTHS)
        .when(died.dt.year() < payment_year)
        .then(0)
        .otherwise(died.dt.month())
        .alias("payable")
    )


def _told_or_own(columns: Sequence[str], schema: pl.Schema) -> list[pl.Expr]:
    """What a month says, and where it says nothing the member's own.

    Not so a Part D plan: null is the word for "none" (RULINGS 3). The month since the transplant belongs to its status.
    Of Medicaid a month speaks by its flags or else by its dual status, but by that only where the member's own dual
    status does not tell the same of Medicaid: a flag that members gives outright stays with the dual status it was
    given with (RULINGS 2: the dual status decides where there is no flag).
    """
    told = []
    for name in columns:
        own = pl.col(f"{name}{_OWN}")
        own = own.cast(pl.String) if isinstance(schema[name], (pl.Enum, pl.Categorical)) else own
        if name == "graft_months":
            own = pl.when(pl.col("esrd_status").is_null()).then(own)
        if name in _MEDICAID and "dual_status" in columns:
            now, before = pl.col("dual_status").is_in(MEDICAID), _own_dual().is_in(MEDICAID)
            own = pl.when(now != before).then(now).otherwise(own)
        if name != "part_d_plan":
            told.append(pl.coalesce(name, own).alias(name))
    return told


def _own_dual() -> pl.Expr:
    return pl.col(f"dual_status{_OWN}").cast(pl.String)


def _monthly(members: pl.DataFrame, enrollment: pl.DataFrame, payment_year: int) -> Statuses:
    first, last = date(payment_year, 1, 1), date(payment_year, 12, 1)
    own = members.with_row_index("member")
    of_month = [c for c in enrollment.columns if c in members.columns and c != "member_id"]
    rows = (
        enrollment.filter(pl.col("month").is_between(first, last))
        .join(own, on="member_id", how="inner", suffix=_OWN)
        .sort("member", "month")
        .with_columns(_told_or_own(of_month, own.schema))
        .drop(f"{name}{_OWN}" for name in of_month)
    )
    missing = own.filter(~pl.col("member").is_in(rows["member"].unique().implode()))
    in_hospice = pl.col("hospice").fill_null(False) if "hospice" in rows.columns else pl.lit(False)
    paid = (~in_hospice & (pl.col("death_date").is_null() | (pl.col("month") <= pl.col("death_date")))).alias("payable")
    rows = rows.with_columns(paid)
    if missing.height:
        rows = pl.concat(
            [rows, missing.with_columns(pl.lit(None, dtype=pl.Date).alias("month"), pl.lit(False).alias("payable"))],
            how="diagonal_relaxed",
        ).sort("member", "month")
    found, profile = profiles(rows, payment_year)
    monthly = rows.select("member", "month", "payable").with_columns(pl.Series("profile", profile))
    grouped = monthly.group_by("member", "profile", maintain_order=True).agg(
        pl.col("month").count().alias("months"),
        pl.col("payable").sum().alias("payable"),
        pl.col("month").min().alias("first_month"),
    )
    grouped = grouped.sort("member", "first_month").with_row_index("status")
    monthly = monthly.join(grouped.select("status", "member", "profile"), on=["member", "profile"]).sort(
        "member", "month"
    )
    total = grouped.group_by("member", maintain_order=True).agg(pl.col("payable").sum(), pl.col("months").sum())
    why = (
        pl.when(pl.col("payable") > 0)
        .then(pl.lit(""))
        .when(pl.col("months") == 0)
        .then(pl.lit("NO_ENROLLMENT_MONTH"))
        .otherwise(pl.lit("NO_PAYABLE_MONTH"))
    )
    return Statuses(
        found,
        grouped["member"].to_numpy(),
        grouped["profile"].to_numpy(),
        grouped["months"].to_numpy().astype(np.int16),
        grouped["payable"].to_numpy().astype(np.int16),
        grouped["first_month"],
        total.select(why.alias("why"))["why"],
        monthly.select("member", "status", "month", "payable"),
    )
