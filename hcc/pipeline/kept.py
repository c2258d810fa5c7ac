"""Diagnoses kept once, scored many times: another year's rules, other models, factors, without reading a claim.

A folder holds the members, the months, and for every diagnosis that any model maps what was decided about it, with all
that says which claim it stood on. Whoever scores it gets the tables of a run on the claims (a law of the tests), for
another payment year those of its rules on the same diagnoses and members.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

import hcc
from hcc.diagnoses import Codes, KeptDiagnoses, KeptWriter
from hcc.errors import ResultsError, ResultsExist
from hcc.intake import Inputs, read_inputs
from hcc.intake.forms import claim_forms
from hcc.pipeline.api import Run, check_tables, finished, told_plainly
from hcc.pipeline.memory import memory_limit
from hcc.pipeline.plan import Options, codes_of, decision_rules_of, options, year_of
from hcc.pipeline.run import Clock, Kept, Progress, decider_of
from hcc.pipeline.scenario import read_scenario
from hcc.pipeline.side_by_side import side_by_side
from hcc.pipeline.statuses import statuses
from hcc.results.parquet import check_folder
from hcc.results.place import check_target, check_writable, partial_folder, publish_folder
from hcc.results.place import told_plainly as no_space_told
from hcc.results.replaceable import refuse_inputs
from hcc.rules.folders import tables_fingerprint
from hcc.rules.icd10cm import every_mapped_code

FORMAT = 3
"""Raised whenever the files of a folder change; folders of another format are refused."""
_MANIFEST, _MEMBERS, _ENROLLMENT, _CODES, _REJECTED = (
    "kept.json", "members.arrow", "enrollment.arrow", "codes.arrow", "rejected.arrow",
)  # fmt: skip
_FACTS = (
    "options", "tables", "mapped", "forms", "inputs", "notes", "ranges", "flag_sets", "unknown_member_claims",
    "without_claim", "lost", "files",
)  # fmt: skip
_AT_ONCE = 8
_END = 2**16  # bytes of a file's ends that tell it from another


def keep(
    members: Any, claims: Any, *, out: str | Path, payment_year: int | None = None, claim_diagnoses: Any = None,
    enrollment: Any = None, run: str = "final", layout: str = "canonical", columns: Any = None,
    months_from_spans: bool = False,
    audio_only: str = "exclude", mappings: str | Path | None = None, overwrite: bool = False,
    memory: str | int | None = None, progress: Progress | None = None,
) -> Path:  # fmt: skip
    """Read the claims once and keep in the folder ``out`` what was decided about every diagnosis.

    Arguments as of ``hcc.score``; ``payment_year`` and ``run`` say which collection window and policies decide. The
    folder is readable by its owner alone and appears complete or not at all. Raises HccError.
    """
    chosen = options(
        payment_year, run=run, audio_only=audio_only, mappings=mappings, months_from_spans=months_from_spans
    )
    refuse_inputs(out, members, claims, claim_diagnoses, enrollment, layout, columns)
    target = _check_folder(out, overwrite)
    limit, clock = memory_limit(memory), Clock(progress)
    with clock.stage("intake", 0.0):
        inputs = read_inputs(
            members=members, claims=claims, claim_diagnoses=claim_diagnoses, enrollment=enrollment,
            layout=layout, columns=columns, payment_year=chosen.payment_year, enrollment_from_spans=months_from_spans,
        )  # fmt: skip
    rules, _ = decision_rules_of(chosen, year_of(chosen), [])  # its notes are made anew by whoever scores
    codes = codes_of([every_mapped_code(mappings)], chosen)
    folder = partial_folder(target)
    try:
        with told_plainly(), no_space_told(target):
            with clock.stage("claims", 0.05):
                status = statuses(inputs.members, inputs.enrollment, chosen.payment_year)
                decider = decider_of(inputs, status, codes, rules, limit.room(target), count_mapped=True)
                unmapped = decider.unmapped()
            with clock.stage("diagnoses", 0.5), KeptWriter(folder, len(codes.code)) as writer:
                shards = range(len(decider.ranges))
                for number, decided in side_by_side(decider.decide, shards, _AT_ONCE):
                    writer.add(decided)
                    if progress is not None:
                        progress("diagnoses", 0.5 + 0.45 * (number + 1) / len(shards))
            forms = claim_forms(inputs)
            _write(folder / _REJECTED, inputs.rejected())
            met = decider.met().with_columns(pl.Series("members", writer.members_of_code))
            _write(folder / _CODES, pl.concat([met, unmapped.cast(met.schema)]))
            _write(folder / _MEMBERS, inputs.members)
            if inputs.enrollment is not None:
                _write(folder / _ENROLLMENT, inputs.enrollment)
            manifest = {
                "format": FORMAT, "engine_version": hcc.__version__, "options": json.loads(chosen.as_json()),
                "tables": tables_fingerprint(mappings), "mapped": len(codes.code), "forms": forms,
                "inputs": inputs.fingerprints, "notes": inputs.notes,
                "ranges": decider.ranges,
                "flag_sets": None if decider.flag_sets is None else decider.flag_sets.tolist(),
                "unknown_member_claims": decider.unknown_member_claims,
                "without_claim": decider.without_claim + writer.without_claim, "lost": decider.lost,
                "files": {path.name: _likeness(path) for path in sorted(folder.iterdir())},
            }  # fmt: skip
            (folder / _MANIFEST).write_text(json.dumps(manifest, default=str), encoding="utf-8")
            publish_folder(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return target


def score_kept(
    kept: str | Path, *, payment_year: int | None = None, models: list[str] | str | None = None,
    hierarchy_mode: str = "cms_python", scenario: dict[str, Any] | str | Path | None = None,
    mappings: str | Path | None = None, tables: Collection[str] | None = None, out: str | Path | None = None,
    overwrite: bool = False, parquet: str | Path | None = None, memory: str | int | None = None,
    progress: Progress | None = None,
) -> Run:  # fmt: skip
    """Score what ``keep`` kept, without the claims.

    ``payment_year``: whose models, factors and ages; of another year than the diagnoses were kept for it is a what-if:
    the same diagnoses and members under other rules, and months of enrollment are left aside. ``tables``: make only
    these, in memory; None: all. Other arguments as of ``hcc.score``. Raises HccError.
    """
    folder = _Folder.open(kept)
    before = folder.options
    chosen = options(
        payment_year, models=models, hierarchy_mode=hierarchy_mode, run=before.run, audio_only=before.audio_only,
        mappings=mappings, scenario=read_scenario(scenario), months_from_spans=before.months_from_spans,
    )  # fmt: skip
    check_tables(tables, out)
    refuse_inputs(out, kept, scenario)
    refuse_inputs(parquet, kept, scenario, option="--parquet")
    if out is not None:
        check_target(out, overwrite)
    if parquet is not None:
        check_folder(parquet, overwrite)
    begun, clock = time.perf_counter(), Clock(progress)
    with clock.stage("intake", 0.0):
        inputs = folder.inputs(chosen)
    source = Kept(before, partial(folder.diagnoses, tables))
    return finished(
        inputs, chosen, clock, begun, memory_limit(memory), out=out, overwrite=overwrite, parquet=parquet,
        forms=folder.manifest["forms"], kept=source, tables=tables,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Folder:
    path: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> _Folder:
        """Raises ResultsError for what is no folder of kept diagnoses, or one of another format."""
        folder = Path(path).expanduser().absolute()
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            manifest = None
        if not isinstance(manifest, dict) or "format" not in manifest:
            raise ResultsError(f"{path} holds no kept diagnoses.", hint="Make it with 'hcc keep'.")
        if manifest["format"] != FORMAT:
            raise ResultsError(
                f"{path} was kept in another format, by version {manifest.get('engine_version')}.",
                hint="Keep the claims again with this version: 'hcc keep … --overwrite'.",
            )
        others = [name for name, told in manifest.get("files", {}).items() if _likeness(folder / name) != told]
        if others or not set(_FACTS) <= set(manifest):
            what = f"{', '.join(others)} is missing or another" if others else f"{_MANIFEST} is not whole"
            raise ResultsError(f"{path} is damaged: {what}.", hint="Keep the claims again with 'hcc keep'.")
        return cls(folder, manifest)

    @property
    def options(self) -> Options:
        """Under which the diagnoses were decided."""
        asked = self.manifest["options"]
        return options(
            asked["payment_year"], run=asked["run"], audio_only=asked["audio_only"], mappings=asked["mappings"],
            months_from_spans=asked.get("months_from_spans", False),
        )  # fmt: skip

    def read(self, name: str) -> pl.DataFrame:
        try:
            return pl.read_ipc(self.path / name)
        except (OSError, pl.exceptions.PolarsError):
            raise ResultsError(
                f"{self.path} is damaged: {name} cannot be read.", hint="Keep the claims again with 'hcc keep'."
            ) from None

    def inputs(self, chosen: Options) -> Inputs:
        """Members and months as they were read; no claims."""
        before, notes = self.options, list(self.manifest["notes"])
        window = year_of(before).runs[before.run]
        notes.append(f"Scored from diagnoses kept for payment year {before.payment_year} ({_days(window)}).")
        enrollment = self.read(_ENROLLMENT) if _ENROLLMENT in self.manifest["files"] else None
        if chosen.payment_year != before.payment_year:
            notes.append(
                f"A what-if: the rules of {chosen.payment_year} on the diagnoses and members kept for "
                f"{before.payment_year}; ages are of 1 February {chosen.payment_year}."
            )
            if enrollment is not None:
                enrollment = None
                notes.append(
                    f"The months of enrollment kept are not of {chosen.payment_year} and were left aside; every member "
                    "has the status of the members table."
                )
        if self.manifest["tables"] != tables_fingerprint(before.mappings):
            notes.append("The mapping tables changed since; which diagnoses count was decided by those of then.")
        return Inputs(
            members=self.read(_MEMBERS), claims=pl.LazyFrame(), claims_absent=frozenset(),
            claim_diagnoses=pl.LazyFrame(), enrollment=enrollment, extras={},
            rejected=lambda: self.read(_REJECTED),
            fingerprints=[{"table": "kept", "paths": [str(self.path)], "inputs": self.manifest["inputs"]}], notes=notes,
        )  # fmt: skip

    def diagnoses(self, tables: Collection[str] | None, codes: Codes) -> KeptDiagnoses:
        """The decisions as a run of ``codes`` that makes ``tables`` sees them. Raises ResultsError for codes that were not looked for."""
        known, mapped = self.read(_CODES), self.manifest["mapped"]
        lost = codes.code.filter(~codes.code.is_in(known["diagnosis_code"].head(mapped).implode()))
        met = known["diagnosis_code"].slice(mapped)
        lost = lost.filter(lost.is_in(met.implode()))
        if len(lost):
            raise ResultsError(
                f"The rules map {len(lost)} code(s) on these claims that no rules mapped when the diagnoses were kept: "
                f"{', '.join(lost.head(5))}{' …' if len(lost) > 5 else ''}.",
                hint="Keep the claims again with these tables: 'hcc keep … --mappings DIRECTORY --overwrite'.",
            )
        if tables is None or "diagnoses" in tables:
            return KeptDiagnoses(self.path, known, mapped, codes, self.manifest)
        few = ("member", "day") if "member_hccs" in tables else ("member",)
        return KeptDiagnoses(self.path, known, mapped, codes, self.manifest, of_records=few)


def _likeness(path: Path) -> list[Any]:
    """Size and hash of both ends: enough to tell a file of another folder and one that was cut off. Nothing of a file
    that is not there."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            digest.update(file.read(_END))
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END))
            digest.update(file.read(_END))
    except OSError:
        return []
    return [size, digest.hexdigest()]


def _write(path: Path, frame: pl.DataFrame) -> None:
    frame.write_ipc(path, compression="lz4")


def _days(window: Any) -> str:
    first, last = (day.isoformat() if isinstance(day, date) else str(day) for day in (window.from_date, window.to_date))
    return f"services of {first} to {last}"


def _check_folder(out: str | Path, overwrite: bool) -> Path:
    target = Path(out).expanduser().absolute()
    if target.exists():
        if not (target / _MANIFEST).is_file():
            raise ResultsExist.left(out, "holds nothing that 'hcc keep' kept", "folders that 'hcc keep' made")
        if not overwrite:
            raise ResultsExist(out)
    if not target.parent.is_dir():
        raise ResultsError(
            f"The folder {target.parent} does not exist.", hint="Make it first, or choose another --out."
        )
    check_writable(target.parent)
    return target
