"""Diagnoses that were kept are scored as the claims are; under another year's rules as the reference scores them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hcc
from hcc.diagnoses import shards
from tests.golden.engine import CLAIM_SCHEMA, MEMBER_SCHEMA, answer, frame, rows_of
from tests.properties.compare import payment_differences
from tests.properties.populations import MODELS_OF, population
from tests.properties.test_laws import RESULTS, SEEDS, one_run, options_of, tables, year_of
from tests.reference.person import person
from tests.reference.records import decide

YEARS = sorted(MODELS_OF)


@given(seed=SEEDS, bits=st.sampled_from((4, 16)))
def test_the_same_year_gives_the_same_tables(seed: int, bits: int) -> None:
    options = options_of(seed)
    people, whole = one_run(seed)
    mode = options.pop("hierarchy_mode")
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD_BITS", bits)
        kept = hcc.keep(
            frame(people.members, MEMBER_SCHEMA), frame(people.claims, CLAIM_SCHEMA), out=Path(folder) / "kept",
            payment_year=people.payment_year, **options,
        )  # fmt: skip
        run = hcc.score_kept(kept, payment_year=people.payment_year, hierarchy_mode=mode)
        alone = hcc.score_kept(
            kept, payment_year=people.payment_year, hierarchy_mode=mode, tables=("scores", "member_scores")
        )
    assert tables(run) == tables(whole.run)
    for name in ("members", "rejected_rows", "unmapped_codes", "diagnosis_hccs", "hccs", "payment_factors"):
        theirs, ours = getattr(whole.run, name), getattr(run, name)
        assert rows_of(ours.drop("run_id", strict=False)) == rows_of(theirs.drop("run_id", strict=False)), name
    told = {key: value for key, value in whole.run.counts.items() if key != "diagnoses_without_claim"}
    assert {key: run.counts[key] for key in told} == told
    some = tables(alone)
    assert {name: some[name] for name in RESULTS if some[name]} == {
        name: rows for name, rows in tables(run).items() if name in ("scores", "member_scores")
    }


@settings(max_examples=min(settings().max_examples, 8))
@given(seed=SEEDS, other=st.sampled_from(YEARS))
def test_another_year_is_what_the_reference_says(seed: int, other: int) -> None:
    """The reference decides about the claims as of one year, and scores what counts by the rules of another."""
    year, options = year_of(seed), options_of(seed)
    mode = options.pop("hierarchy_mode")
    people = population(Random(seed), 120, year, options["run"])
    who = {row["member_id"]: person(row, year).program for row in people.members}
    decisions = decide(people.claims, who, year, options["run"], options["audio_only"])
    with TemporaryDirectory() as folder:
        kept = hcc.keep(
            frame(people.members, MEMBER_SCHEMA), frame(people.claims, CLAIM_SCHEMA), out=Path(folder) / "kept",
            payment_year=year, **options,
        )  # fmt: skip
        run = hcc.score_kept(kept, payment_year=other, hierarchy_mode=mode)
    faults = payment_differences(replace(people, payment_year=other), answer(run), decisions, mode)
    assert not faults, f"{len(faults)} differences ({year} → {other}):\n" + "\n".join(faults[:5])
