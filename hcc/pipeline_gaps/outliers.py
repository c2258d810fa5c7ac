"""Outlying providers: the one thing that a member's gaps need to know of everybody else."""

from __future__ import annotations

from datetime import date

import polars as pl

from hcc.gaps.patterns.outliers import provider_outliers, provider_panels
from hcc.intake import Inputs
from hcc.pipeline_gaps.contexts import diagnoses_of, numbered_frames
from hcc.pipeline_gaps.parts import Population
from hcc.pipeline_gaps.sources import Sources
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
    panels, by_hcc = [], []
    for part in population.parts(sources, as_of):
        frames = numbered_frames(part.scored)
        for start, stop, _ in part.scored.results:
            panel, shares = provider_panels(diagnoses_of(part.scored, frames, start, stop), mapping)
            panels.append(panel)
            by_hcc.append(shares)
    panel = pl.concat(panels).group_by("rendering_npi").agg(pl.col("panel").sum())
    shares = pl.concat(by_hcc).group_by(_HCC).agg(pl.col("members").sum())
    return pl.concat([provider_outliers(panel, shares, pattern) for pattern in patterns]).unique(_HCC)
