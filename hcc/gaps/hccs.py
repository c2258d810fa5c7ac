"""The HCCs in play: which a diagnosis maps to for a member, which are captured, and what stands above them.

Models are numbered as in ``GapContext.models`` (column ``m``) and HCCs are whole numbers (UInt16) until the last frame
is made, so that joins are on small integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.events import live
from hcc.rules.ruleset import RuleSet

M = pl.UInt8
HCC = pl.UInt16


def number(column: str) -> pl.Expr:
    """An HCC in digits as a whole number; null where there is none."""
    return pl.col(column).cast(pl.String).cast(HCC, strict=False)


@dataclass(frozen=True, eq=False)
class HccTables:
    """What the models of a run say, whoever the members are; every frame is small."""

    rules: tuple[RuleSet, ...]

    @cached_property
    def models(self) -> pl.DataFrame:
        """m, model, calibration, part."""
        return pl.DataFrame(
            [(i, rules.model, rules.calibration, rules.part) for i, rules in enumerate(self.rules)],
            schema={"m": M, "model": pl.String, "calibration": pl.String, "part": pl.String},
            orient="row",
        )

    def _stacked(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        parts = [
            rules.tables[table].select(columns).with_columns(pl.lit(i, M).alias("m"))
            for i, rules in enumerate(self.rules)
        ]
        frame = pl.concat(parts) if parts else pl.DataFrame(schema={**dict.fromkeys(columns, pl.String), "m": M})
        return frame.with_columns(number(name) for name in ("hcc", "drops_hcc") if name in columns)

    @cached_property
    def mapping(self) -> pl.DataFrame:
        """m, diagnosis_code, hcc before edits."""
        return self._stacked("diagnosis_to_hcc", ("diagnosis_code", "hcc"))

    @cached_property
    def edits(self) -> pl.DataFrame:
        """m, diagnosis_code, sex, age_from, age_to, action, hcc."""
        frame = self._stacked(
            "diagnosis_edits", ("diagnosis_code", "kind", "sex", "age_from", "age_to", "action", "hcc")
        )
        number = pl.col("age_from", "age_to").cast(pl.Int32, strict=False)
        return frame.with_columns(number, (pl.col("kind") == "mce_age").alias("last"))

    @cached_property
    def above(self) -> pl.DataFrame:
        """m, hcc, ancestor: each HCC with all that stand above it, however far."""
        edges = self._stacked("hierarchies", ("hcc", "drops_hcc")).select(
            "m", pl.col("drops_hcc").alias("hcc"), ancestor="hcc"
        )
        reached = edges.unique()
        while True:
            further = reached.join(edges, left_on=["m", "ancestor"], right_on=["m", "hcc"]).select(
                "m", "hcc", pl.col("ancestor_right").alias("ancestor")
            )
            grown = pl.concat([reached, further]).unique()
            if grown.height == reached.height:
                return grown
            reached = grown

    @cached_property
    def covered(self) -> pl.DataFrame:
        """``above`` with ``covers``: with the ancestor there, adding the HCC changes nothing.

        The ancestor and all above it drop the HCC directly, and all that the HCC itself drops; and no removal rule
        looks at the HCC. False for V28's 62 over 63 (63 drops 202, 62 does not) and the like.
        """
        edges = self._stacked("hierarchies", ("hcc", "drops_hcc")).select("m", "hcc", "drops_hcc").unique()
        direct = self.above.join(
            edges.rename({"hcc": "ancestor", "drops_hcc": "hcc"}).with_columns(pl.lit(True).alias("direct")),
            on=["m", "hcc", "ancestor"],
            how="left",
        )
        below = self.above.join(edges, on=["m", "hcc"])
        beyond = below.join(edges.rename({"hcc": "ancestor"}), on=["m", "ancestor", "drops_hcc"], how="anti")
        higher = self.above.join(
            self.above.rename({"hcc": "ancestor", "ancestor": "higher"}), on=["m", "ancestor"]
        ).join(edges.rename({"hcc": "higher", "drops_hcc": "hcc"}), on=["m", "higher", "hcc"], how="anti")
        watched = self.depends.select("m", pl.col("other").alias("hcc"))
        patched = self.above.join(watched, on=["m", "hcc"], how="semi")
        beyond = pl.concat([part.select("m", "hcc", "ancestor") for part in (beyond, higher, patched)]).unique()
        marked = direct.join(beyond.with_columns(pl.lit(True).alias("beyond")), on=["m", "hcc", "ancestor"], how="left")
        covers = pl.col("direct").fill_null(False) & ~pl.col("beyond").fill_null(False)
        return marked.select("m", "hcc", "ancestor", covers.alias("covers"))

    @cached_property
    def depends(self) -> pl.DataFrame:
        """m, hcc, other: HCCs that count only beside one of the others (removal rules that name some)."""
        frame = self._stacked("removals", ("drops_hcc", "unless_any_of")).rename({"drops_hcc": "hcc"})
        others = frame.select("m", "hcc", pl.col("unless_any_of").str.split("|").alias("other")).explode("other")
        return others.with_columns(number("other")).drop_nulls()

    @cached_property
    def labels(self) -> pl.DataFrame:
        """m, hcc, label, is_chronic (Boolean, null unknown)."""
        chronic = pl.col("is_chronic").replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
        return self._stacked("hccs", ("hcc", "label", "is_chronic")).with_columns(chronic)


@dataclass(frozen=True, eq=False)
class Hccs:
    """HCCs of the members of one context; ``tables`` can be shared by all contexts of a run."""

    context: GapContext
    tables: HccTables

    @property
    def models(self) -> pl.DataFrame:
        """m, model, calibration, part."""
        return self.tables.models

    @property
    def mapping(self) -> pl.DataFrame:
        """m, diagnosis_code, hcc before edits."""
        return self.tables.mapping

    @property
    def edits(self) -> pl.DataFrame:
        """m, diagnosis_code, sex, age_from, age_to, action, hcc."""
        return self.tables.edits

    @property
    def above(self) -> pl.DataFrame:
        """m, hcc, ancestor: each HCC with all that stand above it, however far."""
        return self.tables.above

    @property
    def covered(self) -> pl.DataFrame:
        """``above`` with ``covers``: with the ancestor there, adding the HCC changes nothing."""
        return self.tables.covered

    @property
    def labels(self) -> pl.DataFrame:
        """m, hcc, label, is_chronic (Boolean, null unknown)."""
        return self.tables.labels

    def numbered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """``frame`` with ``m`` instead of model and calibration (as it is where it has that already); rows of other
        models go."""
        if "m" in frame.columns:
            return frame
        names = pl.col("model", "calibration").cast(pl.String).fill_null("")
        return (
            frame.with_columns(names)
            .join(self.models.drop("part"), on=["model", "calibration"])
            .drop("model", "calibration")
        )

    @cached_property
    def scored(self) -> pl.DataFrame:
        """member_index, m, segment: models each member is scored by."""
        return (
            self.numbered(self.context.member_models)
            .select("member_index", "m", pl.col("segment").cast(pl.String))
            .unique(["member_index", "m"], keep="last", maintain_order=True)
        )

    @cached_property
    def captured(self) -> pl.DataFrame:
        """member_index, m, hcc, first_date, last_date, claims: the year's HCCs up to ``as_of``, dropped ones included."""
        return self.numbered(self.context.member_hccs).select(
            "member_index",
            "m",
            "hcc" if self.context.member_hccs.schema["hcc"] == HCC else number("hcc"),
            "first_date",
            "last_date",
            pl.col("claims").cast(pl.UInt32),
        )

    @cached_property
    def standing(self) -> pl.DataFrame:
        """``captured`` without what a removal rule takes away for want of another HCC (V28's heart assist device
        without heart failure, SPEC R-2.15): it is coded, but it does not count, and drops and closes nothing."""
        depends = self.tables.depends
        asked = self.captured.select("member_index", "m", "hcc").join(
            depends.select("m", "hcc").unique(), on=["m", "hcc"], how="semi"
        )
        if asked.is_empty():
            return self.captured
        others = self.captured.select("member_index", "m", pl.col("hcc").alias("other"))
        held = asked.join(depends, on=["m", "hcc"]).join(others, on=["member_index", "m", "other"], how="semi")
        on = ["member_index", "m", "hcc"]
        return self.captured.join(asked.join(held.select(on), on=on, how="anti"), on=on, how="anti")

    @cached_property
    def support(self) -> pl.DataFrame:
        """member_index, diagnosis_code, claims, first_date, last_date: counted diagnoses up to ``as_of``."""
        return (
            self.context.diagnoses.lazy()
            .filter("counted", pl.col("thru_date") <= self.context.as_of)
            .group_by("member_index", pl.col("diagnosis_code").cast(pl.String))
            .agg(
                pl.col("claim_id").n_unique().cast(pl.UInt32).alias("claims"),
                pl.col("thru_date").min().alias("first_date"),
                pl.col("thru_date").max().alias("last_date"),
            )
            .collect()
        )

    @cached_property
    def behind(self) -> pl.DataFrame:
        """``support`` by HCC: member_index, m, hcc, diagnosis_code, claims, first_date, last_date."""
        return self.counted_hccs(self.support)

    def counted_hccs(self, codes: pl.DataFrame) -> pl.DataFrame:
        """HCCs that members' counted codes give, edits of the run applied.

        ``codes`` has member_index, diagnosis_code and more; out: one row per code, model and HCC, with m and hcc.
        """
        mapped = codes.join(self.mapping, on="diagnosis_code").join(
            self.scored.select("member_index", "m"), on=["member_index", "m"]
        )
        if self.context.edited is None or self.context.edited.is_empty():
            return mapped
        edited = (
            self.numbered(self.context.edited)
            .select(
                "member_index",
                "m",
                pl.col("diagnosis_code").cast(pl.String),
                number("hcc").alias("given"),
            )
            .unique()
        )
        on = ["member_index", "m", "diagnosis_code"]
        kept = mapped.join(edited, on=on, how="anti")
        changed = mapped.drop("hcc").unique().join(edited, on=on).filter(pl.col("given").is_not_null())
        return pl.concat([kept, changed.rename({"given": "hcc"}).select(kept.columns)])

    def candidate_hccs(self, codes: pl.DataFrame) -> pl.DataFrame:
        """HCCs that candidate codes would give each member: mapping and age and sex edits.

        ``codes``: member_index, diagnosis_code and more; out: the same with m and hcc.
        """
        mapped = codes.join(self.mapping, on="diagnosis_code").join(
            self.scored.select("member_index", "m"), on=["member_index", "m"]
        )
        edits = self.edits.join(codes.select("diagnosis_code").unique(), on="diagnosis_code", how="semi")
        if edits.is_empty():
            return mapped
        # CMS takes the age on 1 February of the payment year (SPEC R-2.1).
        birthday_passed = pl.col("birth_date").dt.month() == 1
        on_first = (pl.col("birth_date").dt.month() == 2) & (pl.col("birth_date").dt.day() == 1)
        age = (
            self.context.payment_year - pl.col("birth_date").dt.year() - (~(birthday_passed | on_first)).cast(pl.Int32)
        )
        people = self.context.members.select(
            "member_index", age.alias("_age"), pl.col("sex").cast(pl.String).alias("_sex")
        )
        rules = edits.rename({"hcc": "given"})
        touched = (
            mapped.select("member_index", "diagnosis_code", "m")
            .unique()
            .join(people, on="member_index")
            .join(rules, on=["diagnosis_code", "m"])
            .filter(
                pl.col("sex").fill_null("").is_in(("", "B")) | (pl.col("sex") == pl.col("_sex")),
                pl.col("age_from").is_null() | (pl.col("_age") >= pl.col("age_from")),
                pl.col("age_to").is_null() | (pl.col("_age") <= pl.col("age_to")),
            )
            .sort("last")
            .group_by("member_index", "diagnosis_code", "m", maintain_order=True)
            .agg(
                (pl.col("action") == "invalid").any().alias("invalid"),
                pl.col("given").filter(pl.col("action") == "override").first().alias("given"),
            )
        )
        on = ["member_index", "diagnosis_code", "m"]
        kept = mapped.join(touched, on=on, how="anti")
        changed = mapped.drop("hcc").unique().join(touched.filter(~pl.col("invalid")), on=on)
        changed = changed.filter(pl.col("given").is_not_null()).rename({"given": "hcc"})
        return pl.concat([kept, changed.select(kept.columns)])

    def with_captured(self, rows: pl.DataFrame) -> pl.DataFrame:
        """``rows`` (member_index, m, hcc) with what is captured: ``same``, ``higher`` (Boolean), ``higher_hcc``, and
        ``inert``: an HCC that stands drops it and all that it would drop, so that adding it changes nothing."""
        same = self.captured.select("member_index", "m", "hcc", pl.lit(True).alias("same"))
        have = self.standing.select("member_index", "m", "hcc")
        wanted = rows.select("member_index", "m", "hcc").unique()
        higher = (
            wanted.join(self.covered, on=["m", "hcc"])
            .join(have.rename({"hcc": "ancestor"}), on=["member_index", "m", "ancestor"])
            .group_by("member_index", "m", "hcc")
            .agg(pl.col("ancestor").min().alias("higher_hcc"), pl.col("covers").any().alias("inert"))
        )
        on = ["member_index", "m", "hcc"]
        return (
            rows.join(same, on=on, how="left")
            .join(higher, on=on, how="left")
            .with_columns(pl.col("same").fill_null(False), pl.col("higher_hcc").is_not_null().alias("higher"))
        )

    @property
    def ineligible(self) -> pl.DataFrame:
        """Valid diagnoses of the year up to ``as_of`` that stand on records which do not count."""
        return live(self.context.diagnoses).filter(
            ~pl.col("counted"),
            pl.col("thru_date") <= self.context.as_of,
            ~pl.col("reason").cast(pl.String).is_in(("NOT_VALID_ON_DOS", "AGE_EDIT", "SEX_EDIT", "MCE_EDIT")),
        )

    @cached_property
    def only_ineligible(self) -> pl.DataFrame:
        """member_index, m, hcc, coded_above: HCCs (and all below them) whose diagnoses stand only on records that do not
        count; ``coded_above``: of those that no such diagnosis gives itself, the HCC above them that one gives."""
        codes = self.ineligible.select("member_index", pl.col("diagnosis_code").cast(pl.String)).unique()
        direct = codes.join(self.mapping, on="diagnosis_code").select("member_index", "m", "hcc").unique()
        on = ["member_index", "m", "hcc"]
        below = (
            direct.rename({"hcc": "ancestor"})
            .join(self.above, on=["m", "ancestor"])
            .join(direct, on=on, how="anti")
            .group_by(on)
            .agg(pl.col("ancestor").min().alias("coded_above"))
        )
        return pl.concat([direct.with_columns(pl.lit(None, HCC).alias("coded_above")), below])
