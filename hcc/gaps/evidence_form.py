"""What a piece of evidence is made of while it is put together: numbers for gaps, stances and kinds."""

from __future__ import annotations

import polars as pl

from hcc.gaps.context import GapContext
from hcc.gaps.patterns.common import Schema
from hcc.rules.icd10cm import mapped_codes

STANCES = ("for", "against", "context")
KINDS = ("claim", "fill", "result", "procedure", "problem", "finding", "absence")
FOR, AGAINST, CONTEXT = range(3)
OUT = (
    "gap_id", "evidence_number", "stance", "kind", "evidence_date", "claim_id", "code", "description", "value",
)  # fmt: skip
TEXT = ("claim_id", "code", "description", "value")
COMPACT: Schema = {
    "gap": pl.UInt32,
    "stance": pl.UInt8,
    "kind": pl.UInt8,
    "order": pl.UInt8,
    "date": pl.Date,
    **dict.fromkeys(TEXT, pl.String),
}
"""``gap``: row of the gaps frame; ``order``: of the terms within a stance."""
CLAIMS, OTHERS, OWN, FIRST_TERM, ABSENT, UNREAD = 1, 2, 3, 4, 250, 251
"""Orders: claims in question, what else gives the HCC, the pattern's own, terms in their order, and what was not there."""


def fixed(stance: int, kind: str, order: int) -> list[pl.Expr]:
    """Columns that are the same on every row."""
    return [
        pl.lit(stance, pl.UInt8).alias("stance"),
        pl.lit(KINDS.index(kind), pl.UInt8).alias("kind"),
        pl.lit(order, pl.UInt8).alias("order"),
    ]


def descriptions(context: GapContext) -> pl.DataFrame:
    """diagnosis_code, description."""
    return mapped_codes(context.mappings).select("diagnosis_code", "description").unique("diagnosis_code")
