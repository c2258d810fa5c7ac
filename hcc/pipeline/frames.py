"""Arrays to result tables (hcc.tables.RESULT_TABLES): few-valued columns as Enums, scores as exact decimals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hcc.diagnoses import COUNTED, EPOCH, FLAGS, FORMS, REASONS, RECORD_TYPES, Decisions
from hcc.pipeline.paying import UNPAID_PART
from hcc.pipeline.plan import Plan
from hcc.pipeline.population import ModelResult
from hcc.pipeline.statuses import Statuses
from hcc.rules.condition_tables import EDIT_KINDS
from hcc.scores import Factors
from hcc.tables import RESULT_TABLES

_UNIX = (date(1970, 1, 1) - EPOCH).days
_EXACT = {"decimal": (1_000, pl.Decimal(9, 3)), "factor": (1_000_000, pl.Decimal(9, 6))}
"""Column type → what a whole of it is a part of, and the type that it becomes."""


def few(values: NDArray[np.integer], categories: Sequence[str], name: str = "") -> pl.Series:
    """Positions as an Enum of their words; -1 becomes null."""
    missing = values < 0
    kind = np.uint8 if len(categories) < 255 else np.uint16
    lost = bool(missing.any())
    series = pl.Series(name, (np.where(missing, 0, values) if lost else values).astype(kind)).cat.to(
        pl.Enum(list(categories))
    )
    if lost:
        series = pl.select(
            pl.when(pl.lit(pl.Series(missing))).then(None).otherwise(pl.lit(series)).alias(name)
        ).to_series()
    return series


def _union(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(word for words in lists for word in words))


def constant(value: str, size: int, name: str = "") -> pl.Series:
    """One word, repeated, as an Enum."""
    return few(np.zeros(size, dtype=np.uint8), [value], name)


def thousandths(values: NDArray[np.integer], known: NDArray[np.bool_] | None = None) -> pl.Series:
    """Whole thousandths as they are (a file takes them for decimals, memory makes decimals of them); null where not
    ``known``."""
    series = pl.Series(values.astype(np.int32))
    if known is None or known.all():
        return series
    return pl.select(pl.when(pl.lit(pl.Series(known))).then(pl.lit(series)).otherwise(None)).to_series()


def millionths(values: NDArray[np.integer], known: NDArray[np.bool_] | None = None) -> pl.Series:
    """Whole millionths of a factor, as ``thousandths`` are of a score."""
    return thousandths(values, known)


def with_decimals(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """A result frame with decimals in place of thousandths and millionths. The division is exact after the cast."""
    whole = {c.name: _EXACT[c.type] for c in RESULT_TABLES[table].columns if c.type in _EXACT}
    return frame.with_columns(
        (pl.col(name) / part).cast(exact)
        for name, (part, exact) in whole.items()
        if name in frame.columns and frame.schema[name].is_integer()
    )


def dates(days: NDArray[np.integer]) -> pl.Series:
    """Days since 1900-01-01 as dates."""
    return pl.Series((days.astype(np.int32) - _UNIX).astype(np.int32)).cast(pl.Date)


LIST_OF_ANOTHER_YEAR = "LIST_OF_ANOTHER_YEAR"
PLACES = [f"{place:02}" for place in range(1, 256)]


def _digits(numbers: pl.Series, width: int) -> pl.Series:
    """Numbers as text of that many digits; 0 is none."""
    if not (numbers > 0).any():
        return pl.repeat(None, len(numbers), dtype=pl.String, eager=True)
    return numbers.replace(0, None).cast(pl.String).str.zfill(width)


def _some_unpaid(plan: Plan) -> bool:
    """Whether some profiles of the run are paid by no programme."""
    pays = [payment.pays for payment in plan.payments]
    return plan.blends and not (pays and np.logical_or.reduce(pays).all())


class Frames:
    """Makes the result frames of member ranges; holds what all of them share."""

    def __init__(self, plan: Plan, run_id: str, member_id: pl.Series, flag_sets: NDArray[np.uint16] | None) -> None:
        """``flag_sets``: the sets of flags that can come up; None: too many to be an Enum, they stay text."""
        self.plan = plan
        self.run_id = run_id
        self.member_id = member_id
        models = list(plan.models.values())
        masks = np.arange(2 ** len(FLAGS)) if flag_sets is None else flag_sets
        self._flag_place = np.zeros(int(masks.max(initial=0)) + 1, dtype=np.int64)
        self._flag_place[masks] = np.arange(len(masks))
        flag_names = [plan.list_flag or name if name == LIST_OF_ANOTHER_YEAR else name for name in FLAGS]
        flag_words = [",".join(name for i, name in enumerate(flag_names) if mask >> i & 1) for mask in masks.tolist()]
        self._flag_text = pl.Series(flag_words) if flag_sets is None else None
        # One list of words per column for all models and ranges: the pieces of a table fit together as they are.
        self.words: dict[str, list[str]] = {
            "run_id": [run_id],
            "model": _union([payment.model.split(":")[0]] for payment in plan.payments),
            "calibration": _union([payment.model.partition(":")[2]] for payment in plan.payments),
            "part": _union(
                [*([payment.part] for payment in plan.payments), [UNPAID_PART] if _some_unpaid(plan) else []]
            ),
            "program": _union([payment.program] for payment in plan.payments),
            "segment": _union(model.scores.segments for model in models),
            "variable": _union(model.scores.variables for model in models),
            "hcc": _union(model.conditions.hccs for model in models),
            "diagnosis_code": plan.codes.code.to_list(),
            "claim_type": list(FORMS),
            "record_type": list(RECORD_TYPES),
            "reason": list(REASONS),
            **({} if flag_sets is None else {"flags": flag_words}),
            "place_of_service": PLACES,
        }
        self.words["dropped_by_hcc"] = self.words["hcc"]
        self._same: dict[tuple[str, str], pl.Series] = {}
        self._place = {column: {word: i for i, word in enumerate(words)} for column, words in self.words.items()}

    def start(self, member: NDArray[np.integer]) -> dict[str, pl.Series]:
        """run_id and member_id of rows about these members."""
        return {
            "run_id": self.same("run_id", self.run_id, len(member)),
            "member_id": self.member_id.gather(pl.Series(member)),
        }

    def same(self, column: str, word: str, size: int) -> pl.Series:
        """A column of one word: a slice of the longest that was asked for, since ranges are of a size."""
        known = self._same.get((column, word))
        if known is None or len(known) < size:
            known = few(np.full(size, self._place[column][word], dtype=np.int32), self.words[column])
            self._same[column, word] = known
        return known[:size]

    def coded(self, column: str, values: NDArray[np.integer], own: Sequence[str]) -> pl.Series:
        """Positions in ``own`` (a model's list) as an Enum over the run's list; -1 is null."""
        if not len(own):
            return few(values, self.words[column] or [""])
        places = np.array([*(self._place[column][word] for word in own), -1], dtype=np.int32)
        return few(places.take(values), self.words[column])  # -1 takes the last

    def model(self, name: str, size: int) -> dict[str, pl.Series | int]:
        """payment_year, model and calibration of rows about one model."""
        model, _, calibration = name.partition(":")
        return {
            "payment_year": self.plan.options.payment_year,
            "model": self.same("model", model, size),
            "calibration": self.same("calibration", calibration, size),
        }

    def diagnoses(self, decided: Decisions, low: int, high: int) -> pl.DataFrame:
        """Rows ``low`` to ``high`` of the decisions."""
        record = decided.record[low:high].astype(np.intp)
        records = decided.records
        member = records["member"].to_numpy().take(record)
        reason = decided.reason[low:high]
        form = records["form"].to_numpy()
        shown = np.where(form == FORMS.index("bad_bill_type"), FORMS.index("other"), form)
        place = pl.Series(record)
        return pl.DataFrame(
            {
                **self.start(member),
                "claim_id": records["claim_id"].gather(place),
                "diagnosis_code": few(decided.code[low:high], self.words["diagnosis_code"]),
                "thru_date": dates(records["day"].to_numpy().take(record)),
                "claim_type": few(shown.take(record), FORMS),
                "record_type": few(records["record_type"].to_numpy().take(record), RECORD_TYPES),
                "counted": reason == COUNTED,
                "reason": few(reason, REASONS),
                "flags": self._flags(decided.flags[low:high]),
                "rendering_npi": _digits(records["npi"], 10).gather(place),
                "place_of_service": few(records["place"].to_numpy().take(record).astype(np.int64) - 1, PLACES),
            }
        )

    def _flags(self, flags: NDArray[np.uint16]) -> pl.Series:
        place = self._flag_place.take(flags.astype(np.intp))
        if self._flag_text is not None:
            return self._flag_text.gather(pl.Series(place))
        return few(place, self.words["flags"])

    def member_hccs(
        self, result: ModelResult, decided: Decisions, statuses: Statuses, start: int, stop: int
    ) -> pl.DataFrame:
        """HCCs of the members whose segment uses diagnoses, with what dropped each and the evidence behind it."""
        hccs, rules = result.hccs, result.model
        rows = statuses.rows_of(start, stop)
        owner = statuses.member[rows].astype(np.int64) - start
        uses = result.placed & rules.scores.uses_diagnoses[np.where(result.placed, result.segment, 0)]
        segment = np.full(stop - start, -1, dtype=np.int64)
        segment[owner[uses]] = result.segment[uses]  # the latest status wins
        shown = segment[hccs.row] >= 0
        row, bit, dropped_by = hccs.row[shown], hccs.bit[shown], hccs.dropped_by[shown]
        claims, first, last = self._evidence(result, decided, len(hccs.row))
        counts = dropped_by < 0
        size = len(row)
        names = rules.conditions.hccs
        coefficient = rules.scores.hcc_coefficient[segment[row], bit]
        return pl.DataFrame(
            {
                **self.start(row + start),
                **self.model(rules.name, size),
                "hcc": self.coded("hcc", bit, names),
                "dropped_by_hcc": self.coded("dropped_by_hcc", dropped_by, names),
                "coefficient": thousandths(coefficient, counts),
                "first_date": dates(first[shown]),
                "last_date": dates(last[shown]),
                "claims": claims[shown],
            }
        )

    def _evidence(
        self, result: ModelResult, decided: Decisions, size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Claims, first and last day of each (member, HCC), which are sorted alike in ``evidence`` and ``hccs``."""
        evidence = result.evidence
        if size == 0:
            empty = np.zeros(0, dtype=np.int64)
            return empty, empty, empty
        key = evidence.member.astype(np.int64) * 256 + evidence.bit
        starts = np.nonzero(np.concatenate([[True], key[1:] != key[:-1]]))[0]
        day = decided.records["day"].to_numpy()[evidence.record].astype(np.int64)
        claims = np.diff(np.concatenate([starts, [len(key)]]))
        return claims, np.minimum.reduceat(day, starts), np.maximum.reduceat(day, starts)

    def factors(self, result: ModelResult, found: Factors, statuses: Statuses, start: int, stop: int) -> pl.DataFrame:
        """Factors of the status rows that have a segment."""
        rows = statuses.rows_of(start, stop)
        member = statuses.member[rows]
        keep = result.placed[found.row]
        row = found.row[keep]
        order = np.argsort(row, kind="stable")
        row = row[order]
        size = len(row)
        scores = result.model.scores
        months = statuses.months[rows]
        return pl.DataFrame(
            {
                **self.start(member[row]),
                **self.model(result.model.name, size),
                "segment": self.coded("segment", result.segment[row], scores.segments),
                "months": months[row].astype(np.int64),
                "first_month": statuses.first_month[rows].gather(pl.Series(row))
                if statuses.monthly is not None
                else pl.repeat(None, size, dtype=pl.Date, eager=True),
                "variable": self.coded("variable", found.variable[keep][order], scores.variables),
                "coefficient": thousandths(found.coefficient[keep][order]),
            }
        )

    def edited_diagnoses(
        self,
        touched: dict[str, list[tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int8]]]],
        decided: Decisions,
    ) -> pl.DataFrame:
        """What age and sex edits did to counted diagnoses, once per member, model and code."""
        frames = []
        member_of = decided.member
        for name, slots in touched.items():
            model = self.plan.models[name]
            for at, bit, kind in slots:
                if len(at) == 0:
                    continue
                frames.append(
                    pl.DataFrame(
                        {
                            **self.start(member_of[at]),
                            **self.model(model.name, len(at)),
                            "diagnosis_code": self.plan.codes.code.gather(pl.Series(decided.code[at])),
                            "kind": few(kind, EDIT_KINDS).cast(pl.String),
                            "hcc": few(bit, model.conditions.hccs).cast(pl.String),
                        }
                    ).with_columns(pl.col("run_id", "model", "calibration").cast(pl.String))
                )
        if not frames:
            return pl.DataFrame()
        return pl.concat(frames).unique(maintain_order=True)
