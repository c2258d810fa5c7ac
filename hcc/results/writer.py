"""Writes a results file piece by piece: frames in, one complete DuckDB file out, or nothing at all."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import polars as pl

import hcc
from hcc.results import ddl, views
from hcc.results.flags import Flags
from hcc.results.ingest import prepared, values_at_hand
from hcc.results.one_value import OneValue
from hcc.results.place import Stamp, check_target, partial_folder, publish, stamp_of, told_plainly
from hcc.results.reader import open_results
from hcc.results.reasons import reasons
from hcc.results.resume import MADE, Mark, forget_marks, put_mark, take_back, take_over
from hcc.results.reviews import all_reviews, copied_reviews, read_reviews, take_over_reviews
from hcc.tables import RESULT_TABLES, SCHEMA_VERSION

_PENDING = 2  # inserts that may wait for a writing thread; more would only hold memory
_LANES = {"diagnoses": 0, "factors": 1}  # the biggest two have a writing thread of their own, the others one together
_HARDLY_REPEATS = ("claim_id",)  # compressing 11 million takes 2.5 CPU seconds and saves 90 MB; leaving them takes 0.9
_AT_ONCE = 491_520  # rows put in at once: four row groups of DuckDB's, which it then need not open again


class _Lane:
    """A writing thread with a connection of its own. Inserts into one table keep to one lane."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.pending: list[Future[None]] = []
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hcc-results")

    def submit(self, work: Callable[[], None]) -> None:
        self.pending.append(self._thread.submit(work))

    def make_room(self, most: int = _PENDING - 1) -> None:
        """Wait until no more than ``most`` are left; raise what they met."""
        while len(self.pending) > most:
            self.pending.pop(0).result()

    def stop(self) -> None:
        for future in self.pending:
            future.cancel()
        self._thread.shutdown(wait=True)
        self.con.close()


class ResultsWriter:
    """A results file in the making; a context manager. ``run_id``: where none is given, that of the first frame.

    ``append`` may be called many times per table and in any order; frames are gathered to some size and handed to one
    of three writing threads, so that the next shard is computed while this one is written. Nothing appears at ``path``
    before ``finish``; leaving the block without it, or by an exception or a kill, leaves nothing there.

    ``base``: start from a copy of that results file instead of empty tables (gaps added later, members updated);
    ``base_stamp``: what it was when the caller began to read it (``stamp_of``).
    Decisions, and the days on which gaps were flagged, are carried on from ``base`` and from a file that is replaced.
    ``memory``: DuckDB's limit, such as "1GB". ``seconds_writing`` tells the time spent in inserts.
    ``key``: what the run is of; with it ``mark`` makes the run one that can be resumed, and with ``resume`` an
    interrupted run of the same key is taken over (``resumed``: its last mark; the caller says ``take_back`` first).
    Raises ResultsExist before any work, or where another command made the file meanwhile; ResultsError for a full disk,
    where ``base`` changed before ``finish``, and where the file to be replaced is open for writing elsewhere.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        run_id: str | None = None,
        base: str | Path | None = None,
        base_stamp: Stamp | None = None,
        memory: str | None = None,
        key: str = "",
        resume: bool = False,
    ) -> None:
        self.target = check_target(path, overwrite)
        copied_reviews(self.target)  # a file whose decisions cannot be read is told before any work
        self._overwrite = overwrite
        self.run_id = run_id or str(uuid.uuid4())
        self._run_id_given = run_id is not None
        self._base = None if base is None else Path(base).expanduser().absolute()
        self._base_stamp = base_stamp or (None if base is None else stamp_of(base))
        self.seconds_writing = 0.0
        self._started = datetime.now(UTC)
        self._declared: dict[str, list[str]] = {}
        self._enums: dict[str, dict[str, list[str]]] = {}  # table → column → values; a table is here once it exists
        self._one_value = OneValue()
        self._waiting: dict[str, tuple[list[pl.DataFrame], dict[str, object]]] = {}
        self._finished = False
        found = take_over(self.target, key) if resume else None
        self.resumed: Mark | None = None if found is None else found[1]
        self._key, self._marked = key, found is not None
        self._folder = partial_folder(self.target) if found is None else found[0]
        self._made = self._folder / MADE
        self._lanes: list[_Lane] = []
        try:
            with told_plainly(self.target):
                if base is not None:
                    open_results(base).close()
                    shutil.copyfile(base, self._made)
                self._con = duckdb.connect(str(self._made), config=_config(memory))
                self._lanes = [_Lane(self._con.cursor()) for _ in range(3)]
                for con in (self._con, *(lane.con for lane in self._lanes)):
                    con.execute("SET enable_progress_bar = false")  # it would write to stdout
                if base is not None or self.resumed is not None:
                    self._take_over()
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> ResultsWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            return
        if self._marked and kind is not None and not issubclass(kind, Exception):  # interrupted: Ctrl-C or a signal
            self._close()
        else:
            self._discard()

    def mark(self, done: int, state: Mapping[str, Any]) -> None:
        """Everything appended so far belongs to the first ``done`` shards, which are complete; ``state`` goes along."""
        self._hand_over_all()
        self._marked = True
        mark = Mark(self._key, done, deepcopy(dict(state)))  # written later, when the caller's sums have gone on
        last = self._lanes[0]
        before = [future for lane in self._lanes for future in lane.pending]

        def put() -> None:
            wait(before)
            if not any(future.cancelled() or future.exception() for future in before):
                self._told(lambda: put_mark(last.con, mark))

        last.submit(put)

    def take_back(self, first_member: str | None) -> None:
        """Take out what an interrupted run wrote after its last mark; ``first_member``: the first that is to be done
        again, None where all are done."""
        self._settle()
        self._told(lambda: take_back(self._con, list(self._enums), first_member))

    def declare_enum(self, column: str, values: Iterable[str | None]) -> None:
        """Name the values of a "few" column for every table that has it, before the first append.

        The same ENUM in every table lets joins compare integers. More values than ENUM_LIMIT: the column is VARCHAR.
        """
        known = self._declared.setdefault(column, [])
        there = {None, *known}
        known.extend(value for value in dict.fromkeys(values) if value is not None and value not in there)

    def declare_one_value(self, columns: Sequence[str]) -> None:
        """Name columns that probably have one value all through the run, before the first append (``OneValue``)."""
        self._one_value.declare(columns)

    def append(self, table: str, frame: pl.DataFrame, **constants: object) -> None:
        """Append rows. ``constants`` fill a whole column; ``run_id`` is filled by itself, absent columns are null.

        Integers in decimal columns are thousandths, in money columns cents. "few" columns may be Enum, Categorical or
        text. Raises KeyError, ValueError or TypeError for a frame that does not fit, and what an earlier append met.
        """
        declared = RESULT_TABLES[table]
        if not frame.width:
            return
        if not self._run_id_given and frame.height and "run_id" in frame.columns:
            self.run_id, self._run_id_given = str(frame["run_id"][0]), True
        constants = {name: value for name, value in constants.items() if value is not None}
        for name, value in (("run_id", self.run_id), ("calibration", "")):
            if name in declared.names and name not in frame.columns:
                constants.setdefault(name, value)
        frames, before = self._waiting.setdefault(table, ([], constants))
        if frames and (constants != before or frame.schema != frames[0].schema):
            self._hand_over(table)
            frames, before = self._waiting.setdefault(table, ([], constants))
        frames.append(frame)
        if sum(one.height for one in frames) >= _AT_ONCE:
            self._hand_over(table)

    def clear(self, table: str) -> None:
        """Empty a table taken over from ``base``."""
        self._settle()
        if table in self._enums:
            self._execute(f"DELETE FROM {ddl.quoted(table)}")

    def mean_raw_scores(self) -> dict[str, float]:
        """Mean raw score over the statuses scored by each model, to the third decimal: a member has one status, or one
        for each kind of month."""
        self._settle()
        found = self._con.execute(
            "SELECT model || if(calibration = '', '', ':' || calibration) AS name, count(*), "
            "(sum(raw) * 1000)::BIGINT FROM (SELECT model, calibration, sum(coefficient) AS raw FROM factors "
            "GROUP BY member_id, model, calibration, segment, first_month) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return {str(model): round(int(total) / rows / 1000, 3) for model, rows, total in found}

    def delete_members(self, member_ids: pl.Series, keep: Collection[str] = ()) -> None:
        """Take all rows of these members out of every table that has a member_id (for an update) but those named, and
        the evidence of their gaps."""
        self._settle()
        self._con.register("gone", pl.DataFrame({"member_id": member_ids.cast(pl.String)}).to_arrow())
        if {"gaps", "gap_evidence"} <= set(self._enums):
            theirs = "SELECT gap_id FROM gaps WHERE member_id IN (SELECT member_id FROM gone)"
            self._execute(f"DELETE FROM gap_evidence WHERE gap_id IN ({theirs})")
        for table in self._enums:
            if "member_id" in RESULT_TABLES[table].names and table not in keep:
                self._execute(f"DELETE FROM {ddl.quoted(table)} WHERE member_id IN (SELECT member_id FROM gone)")
        self._con.unregister("gone")

    def gap_counts(self) -> dict[str, Any]:
        """Rows of gaps and gap_evidence, and gaps by direction and status."""
        self._settle()
        rows = self._con.execute("SELECT (SELECT count(*) FROM gaps), (SELECT count(*) FROM gap_evidence)").fetchall()[
            0
        ]
        by_status = self._con.execute(
            "SELECT direction || ' ' || status, count(*) FROM gaps GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        return {"gaps": rows[0], "evidence": rows[1], "by_status": dict(by_status)}

    def finish(self, run: Mapping[str, object]) -> Path:
        """Write the row of ``runs``, the empty tables, reviews, reasons, comments and views; give the file its name.

        ``run``: columns of ``runs``; dicts and lists become JSON; run_id, started_at, seconds and the versions are
        filled where absent. Returns the path.
        """
        self._settle()
        with told_plainly(self.target):
            take_over_reviews(self.target, all_reviews(self.target, *([] if self._base is None else [self._base])))
            self.clear("reviews")
            self._insert("reviews", read_reviews(self.target), {})
            for name in ("gaps", "gap_flags"):
                self._ensure(name)
            Flags(self._base, self.target).put_into(self._con)
            self._insert("reasons", self._reasons_not_yet_told(), {})
            self._insert("runs", self._run_row(run), {})
            self._con.execute("BEGIN")  # hundreds of small statements: one commit instead of hundreds
            for table in RESULT_TABLES.values():
                self._ensure(table.name)
            for table in RESULT_TABLES.values():
                for statement in ddl.comments(table):
                    self._con.execute(statement)
            for statement in views.statements():
                self._con.execute(statement)
            forget_marks(self._con)
            self._con.execute("COMMIT")
            for lane in self._lanes:
                lane.stop()
            self._con.execute("CHECKPOINT")
            self._con.close()
            publish(self._made, self.target, self._made_from(), replaces=self._overwrite)
        self._finished = True
        self._discard()
        return self.target

    def _made_from(self) -> tuple[Path, Stamp] | None:
        return None if self._base is None or self._base_stamp is None else (self._base, self._base_stamp)

    def _reasons_not_yet_told(self) -> pl.DataFrame:
        """Reasons of mappings/reasons.csv without those that an append brought in its own words."""
        if "reasons" not in self._enums:
            return reasons()
        told = [row[0] for row in self._con.execute("SELECT reason FROM reasons").fetchall()]
        return reasons().filter(~pl.col("reason").is_in(told))

    def _run_row(self, run: Mapping[str, object]) -> pl.DataFrame:
        declared = RESULT_TABLES["runs"]
        unknown = set(run) - set(declared.names)
        if unknown:
            raise ValueError(f"table runs has no column {', '.join(sorted(unknown))}")
        row: dict[str, object] = {
            "run_id": self.run_id,
            "started_at": self._started.replace(tzinfo=None),
            "seconds": (datetime.now(UTC) - self._started).total_seconds(),
            "schema_version": SCHEMA_VERSION,
            "engine_version": hcc.__version__,
            **{name: value for name, value in run.items() if value is not None},
        }
        return pl.DataFrame(
            {
                name: [json.dumps(value, default=str) if isinstance(value, dict | list | tuple) else value]
                for name, value in row.items()
            }
        )

    def _insert(
        self, table: str, frame: pl.DataFrame, constants: Mapping[str, object],
        con: duckdb.DuckDBPyConnection | None = None,
    ) -> None:  # fmt: skip
        con = con or self._con
        began = time.perf_counter()
        declared = RESULT_TABLES[table]
        with told_plainly(self.target):
            if frame.height and (other := self._one_value.contradicted(table, frame, constants)):
                self._one_value.make_rows(con, declared, other, self._enums[table])
            self._ensure(table, frame, constants, con)
            if frame.height:
                generated = self._one_value.of(table)
                arrow, select = prepared(declared, frame, constants, self._enums[table], generated)
                names = ", ".join(ddl.quoted(name) for name in declared.names if name not in generated)
                con.register("incoming", arrow)
                try:
                    con.execute(f"INSERT INTO {ddl.quoted(table)} ({names}) SELECT {select} FROM incoming")
                finally:
                    con.unregister("incoming")
        self.seconds_writing += time.perf_counter() - began

    def _ensure(
        self, table: str, frame: pl.DataFrame | None = None, constants: Mapping[str, object] | None = None,
        con: duckdb.DuckDBPyConnection | None = None,
    ) -> None:  # fmt: skip
        """The table exists and its ENUMs have every value that is coming."""
        con = con or self._con
        declared = RESULT_TABLES[table]
        new = table not in self._enums
        known = self._enums.setdefault(table, {})
        for column in declared.columns:
            if column.type != "few" or not (new or column.name in known):
                continue
            values = list(known.get(column.name, self._declared.get(column.name, ())))
            coming = _coming(column.name, frame, constants or {})
            there = set(values)
            added = [value for value in coming if value not in there]
            if new:
                # Text without a declaration is VARCHAR: the next bucket would bring other values.
                fixed = (
                    column.name in self._declared
                    or _is_small_enum(column.name, frame)
                    or column.name in (constants or {})
                )
                if fixed and 0 < len(values) + len(added) <= ddl.ENUM_LIMIT:
                    known[column.name] = values + added
            elif added:
                self._widen(table, column.name, [*values, *added], con)
        if new:
            given = frame.columns if frame is not None else []
            plain = {
                c.name for c in declared.columns
                if c.name in given and (c.name in known or c.type == "bool" or c.name in _HARDLY_REPEATS)
            }  # fmt: skip
            one_value = self._one_value.found(declared, frame)
            con.execute(ddl.create_table(declared, known, plain, one_value=one_value))

    def _widen(self, table: str, column: str, values: Sequence[str], con: duckdb.DuckDBPyConnection) -> None:
        """An undeclared value came: DuckDB rewrites the column with a larger ENUM, or as VARCHAR."""
        kind = ddl.enum_type(values) if len(values) <= ddl.ENUM_LIMIT else "VARCHAR"
        con.execute(f"ALTER TABLE {ddl.quoted(table)} ALTER COLUMN {ddl.quoted(column)} TYPE {kind}")
        if kind == "VARCHAR":
            del self._enums[table][column]
        else:
            self._enums[table][column] = list(values)

    def _take_over(self) -> None:
        """Learn the tables of the copied file and drop its views, which would pin the columns' types."""
        for name in [*views.VIEWS]:
            self._con.execute(f"DROP VIEW IF EXISTS {ddl.quoted(name)}")
        every = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
        there = self._con.execute(every).fetchall()
        for statement in ddl.missing_columns({(table, column) for table, column, _ in there}):
            self._con.execute(statement)
        for table, column, kind in there:
            known = self._enums.setdefault(table, {})
            if kind.startswith("ENUM"):
                ((span,),) = self._con.execute(f"SELECT enum_range(NULL::{kind})").fetchall()
                known[column] = list(span)
        for name in [name for name in self._enums if name not in RESULT_TABLES]:
            del self._enums[name]  # views' columns, and the table of marks
        self._one_value.take_over(self._con)

    def _execute(self, statement: str) -> None:
        with told_plainly(self.target):
            self._con.execute(statement)

    def _hand_over(self, table: str) -> None:
        """Give what waits for a table to its writing thread."""
        frames, constants = self._waiting.pop(table)
        lane = self._lanes[_LANES.get(table, 2)]
        lane.make_room()
        frame = frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=False)
        lane.submit(lambda: self._insert(table, frame, constants, lane.con))

    def _hand_over_all(self) -> None:
        for table in list(self._waiting):
            self._hand_over(table)

    def _told(self, work: Callable[[], None]) -> None:
        with told_plainly(self.target):
            work()

    def _settle(self) -> None:
        """Wait for the writing threads; raise what they met."""
        self._hand_over_all()
        for lane in self._lanes:
            lane.make_room(0)

    def _close(self) -> None:
        for lane in self._lanes:
            lane.stop()
        if hasattr(self, "_con"):
            self._con.close()

    def _discard(self) -> None:
        self._close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _config(memory: str | None) -> dict[str, Any]:
    # One thread: each of several leaves a row group half full at every insert, which costs half of the time again
    # (11 million rows of diagnoses in 16 inserts: 10 CPU seconds with two threads, 6 to 7 with one).
    config: dict[str, Any] = {"preserve_insertion_order": "false", "threads": 1}
    if memory:
        config["memory_limit"] = memory
    return config


def _is_small_enum(column: str, frame: pl.DataFrame | None) -> bool:
    if frame is None or column not in frame.columns:
        return False
    kind = frame.schema[column]
    return isinstance(kind, pl.Enum) and len(kind.categories) <= ddl.ENUM_LIMIT


def _coming(column: str, frame: pl.DataFrame | None, constants: Mapping[str, object]) -> list[str]:
    if column in constants:
        return [str(constants[column])]
    if frame is None or column not in frame.columns:
        return []
    return values_at_hand(frame[column])
