"""Outlying providers: the one thing that a member's gaps need to know of everybody else."""

from __future__ import annotations

from datetime import date

import polars as pl

from hcc.diagnoses import FORMS, LineRules
from hcc.diagnoses.lines import NPI_BITS, audio_only, form, listed, live_line
from hcc.gaps.patterns.outliers import provider_outliers, provider_panels
from hcc.intake import Inputs
from hcc.pipeline_gaps.contexts import diagnoses_of, numbered_frames
from hcc.pipeline_gaps.parts import Population
from hcc.pipeline_gaps.sources import Sources, Withdrawals, live_lines
from hcc.rules.gap_patterns import ProviderOutlier
from hcc.rules.gap_rules import GapRules

_HCC = ["rendering_npi", "model", "calibration", "hcc"]


def outlying_providers(
    population: Population, inputs: Inputs, sources: Sources, as_of: date, rules: GapRules
) -> pl.DataFrame | None:
    """Outlying providers of the whole population (hcc.gaps.patterns.outliers); None where the rule is off or no claim
    names a provider. A population in parts is scored once more for it."""
    patterns = [rule.pattern for rule in rules.enabled if isinstance(rule.pattern, ProviderOutlier)]
    models = population.plan.models.values()
    if (
        not (patterns and models and population.members)
        or "rendering_npi" not in inputs.claims.collect_schema().names()
    ):
        return None
    mapping = pl.concat(
        [
            model.rules.diagnosis_to_hcc.select("diagnosis_code", "hcc").with_columns(
                pl.lit(model.rules.model).alias("model"), pl.lit(model.rules.calibration).alias("calibration")
            )
            for model in models
        ]
    )
    rules_of_lines = population.plan.decisions.lines
    panels, by_hcc = [], []
    for part in population.parts(sources, as_of):
        frames = numbered_frames(part.scored)
        lines = live_lines(part.sources, Withdrawals.among(part.sources, part.scored.plan))
        seen = _seen(lines, part.scored.members, rules_of_lines, as_of)
        for start, stop, _ in part.scored.results:
            here = seen.filter(pl.col("member_index").is_between(start, stop, closed="left"))
            panel, shares = provider_panels(diagnoses_of(part.scored, frames, start, stop), mapping, here)
            panels.append(panel)
            by_hcc.append(shares)
    panel = pl.concat(panels).group_by("rendering_npi").agg(pl.col("panel").sum())
    shares = pl.concat(by_hcc).group_by(_HCC).agg(pl.col("members").sum())
    return pl.concat([provider_outliers(panel, shares, pattern) for pattern in patterns]).unique(_HCC)


def _seen(lines: pl.LazyFrame, members: pl.DataFrame, rules: LineRules, as_of: date) -> pl.DataFrame:
    """member_index, rendering_npi: who has a line of the provider that would count, whatever its diagnoses map to."""
    names = lines.collect_schema().names()
    qualifies = listed(names, rules) & (pl.lit(rules.audio_first) | ~audio_only(names, rules))
    kind = pl.col("_form")
    by_form = (kind == FORMS.index("inpatient")) | (
        kind.is_in([FORMS.index("professional"), FORMS.index("outpatient")]) & qualifies
    )
    start, end = rules.window
    npi = pl.col("rendering_npi").cast(pl.UInt64, strict=False)
    # The identifier as the run's own table has it: ten digits, or none.
    digits = pl.when((npi > 0) & (npi < 2**NPI_BITS)).then(npi.cast(pl.String).str.zfill(10))
    index = members.lazy().select("member_id", pl.int_range(pl.len(), dtype=pl.UInt32).alias("member_index"))
    return (
        lines.filter(pl.col("thru_date").is_between(start, min(end, as_of)), live_line(names))
        .with_columns(form(names, rules).alias("_form"))
        .filter(by_form)
        .select("member_id", digits.alias("rendering_npi"))
        .drop_nulls()
        .unique()
        .join(index, on="member_id")
        .select("member_index", "rendering_npi")
        .collect(engine="streaming")
    )
