"""The inputs, split by member into buckets: one narrow shuffle per table, to Parquet that every executor can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hcc.errors import InputError
from hcc.spark.columns import plain
from hcc.spark.places import Place
from hcc.tables import INPUT_TABLES

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

BUCKET, ROW, ECHO, KEY = "hcc_bucket", "hcc_row", "hcc_echo", "hcc_key"
PARTITION_BITS = 33  # monotonically_increasing_id: the number of the partition stands above them, the row below
MEMBERS_A_BUCKET = 100_000  # 60 MB of result frames a bucket, and fixed costs of a bucket below a tenth of its time
FEWEST_A_BUCKET = 10_000  # smaller buckets only cost: a bucket's fixed cost is that of scoring some thousand members
_NOT_A_STATUS = ("member_id", "contract_id", "pbp_id", "parent_organization", "pcp_npi", "death_date",
                 "monthly_benchmark")  # fmt: skip
_IDENTIFIERS = ("member_id", "claim_id", "diagnosis_code")
_DAYS = 32  # 1 February is day 32: moved by as many days, all births of one age that day are of one calendar year


@dataclass(frozen=True)
class Table:
    """One input: its frame with the columns that can matter, and which of them hold identifiers and dates."""

    name: str
    frame: DataFrame
    identifiers: Mapping[str, list[str]]  # ours → theirs, in order of preference
    not_status: frozenset[str]
    births: frozenset[str]
    dates: frozenset[str]

    @property
    def member_key(self) -> Column:
        return _key(self, "member_id")


def open_table(name: str, given: Any, layout: Any, renames: Mapping[str, Mapping[str, str]]) -> Table:
    """Look at a DataFrame's columns; nothing is run. Raises InputError for what is no DataFrame of Spark's."""
    from pyspark.sql import functions as sql

    from hcc.intake import Names

    if not hasattr(given, "mapInArrow") or not hasattr(given, "sparkSession"):
        raise InputError(
            f"{name}: a {type(given).__name__} is no DataFrame of Spark's.",
            hint="Read it with spark.read, or score on one machine: hcc.score takes paths and other frames.",
        )
    names = Names(layout.table(name), renames.get(name, {}))
    ours = [column.name for column in INPUT_TABLES[name].columns] + (["hospice"] if name == "members" else [])
    twice = {column for column in given.columns if given.columns.count(column) > 1}
    if twice:
        raise InputError(f"{name}: several columns are called {', '.join(map(repr, sorted(twice)))}.")
    kept = names.wanted(ours)(given.columns)
    by_effective = {names.effective(raw): raw for raw in reversed(kept)}

    def raw_of(column: str) -> list[str]:
        return [by_effective[one] for one in names.layout.theirs(column) if one in by_effective]

    identifiers = {column: raw_of(column) for column in _IDENTIFIERS if column in INPUT_TABLES[name].names}
    text = {raw for columns in identifiers.values() for raw in columns}
    types = dict(given.dtypes)
    frame = given.select(*(plain(sql.col(f"`{raw}`"), types[raw], identifier=raw in text).alias(raw) for raw in kept))
    dates = {raw for c in INPUT_TABLES[name].columns if c.type == "date" for raw in raw_of(c.name)}
    dates |= {by_effective[one] for group in names.layout.inpatient.values() for one in group if one in by_effective}
    return Table(
        name, frame, identifiers,
        frozenset(raw for column in _NOT_A_STATUS for raw in raw_of(column)),
        frozenset(raw for raw in raw_of("birth_date") if types[raw] == "date"),
        frozenset(raw for raw in dates if types[raw] == "string" and name != "enrollment"),
    )  # fmt: skip


def stage(table: Table, place: Place, buckets: int, *, owners: DataFrame | None = None) -> None:
    """Write a table by bucket. ``owners`` (key, buckets) say where a row goes that does not name its member.

    Spark's own partition of a row is its bucket, so that each task writes one file; were it not, several files would
    lie in a bucket, and nothing else would change.
    """
    from pyspark.sql import functions as sql

    numbered = table.frame.withColumn(ROW, sql.monotonically_increasing_id())
    if owners is None:
        keyed = numbered.withColumn(KEY, table.member_key).repartition(buckets, KEY)
        placed = keyed.withColumn(BUCKET, bucket_of(sql.col(KEY), buckets)).drop(KEY)
    else:
        alone = bucket_of(sql.col(KEY), buckets)
        where = sql.coalesce(sql.col("hcc_buckets"), sql.array(alone))
        joined = numbered.withColumn(KEY, _key(table, "claim_id")).join(owners, KEY, "left")
        placed = (
            joined.withColumn(BUCKET, sql.explode(where))
            .withColumn(ECHO, sql.col(BUCKET) != where[0])
            .drop(KEY, "hcc_buckets")
            .repartition(buckets, BUCKET)
        )
    writer = placed.write.partitionBy(BUCKET)
    for unique in (ROW, *table.identifiers.get("claim_id", [])):  # a dictionary of what hardly repeats is lost work
        writer = writer.option(f"parquet.enable.dictionary#{unique}", "false")
    writer.parquet(place.uri)


def owners_of_claims(claims: Table, staged: Place) -> DataFrame:
    """Buckets of the members of each claim_id, in order: nearly always one. Read from the claims as staged."""
    from pyspark.sql import functions as sql
    from pyspark.sql.types import IntegerType, StructType

    schema = StructType([*claims.frame.schema.fields]).add(BUCKET, IntegerType())
    lines = claims.frame.sparkSession.read.schema(schema).parquet(staged.uri)
    keyed = lines.select(_key(claims, "claim_id").alias(KEY), sql.col(BUCKET).alias("b"))
    found = keyed.where(sql.col(KEY).isNotNull()).groupBy(KEY).agg(sql.collect_set("b").alias("b"))
    return found.select(KEY, sql.array_sort("b").alias("hcc_buckets"))


def bucket_of(key: Column, buckets: int) -> Column:
    """The bucket of a key: what Spark's repartition takes, too."""
    from pyspark.sql import functions as sql

    return sql.pmod(sql.hash(key), sql.lit(buckets))


def is_bucket(name: str) -> bool:
    """True for the folder of a bucket that has rows."""
    return name.startswith(f"{BUCKET}=")


def stage_candidates(members: Table, enrollment: Table | None, place: Place) -> None:
    """Write one member (with all its rows) of every status there is, to find out what the whole population needs."""
    from pyspark.sql import functions as sql

    def status(table: Table, prefix: str) -> list[Column]:
        columns = []
        for raw in table.frame.columns:
            if raw in table.not_status:
                continue
            column = sql.col(f"`{raw}`")
            if raw in table.births:
                column = sql.year(sql.date_sub(column, _DAYS))
            columns.append(column.alias(f"{prefix}{raw}"))
        return columns

    of_member = members.frame.select(members.member_key.alias(KEY), *status(members, "m_"))
    if enrollment is not None:
        of_month = enrollment.frame.select(enrollment.member_key.alias(KEY), *status(enrollment, "e_"))
        of_member = of_member.join(of_month, KEY, "left")
    by = [f"`{column}`" for column in of_member.columns if column != KEY]
    chosen = of_member.groupBy(*by).agg(sql.min(KEY).alias(KEY)).select(KEY).distinct()
    for table in (members, *([enrollment] if enrollment is not None else [])):
        rows = table.frame.withColumn(KEY, table.member_key)
        rows.join(chosen, KEY, "left_semi").drop(KEY).coalesce(1).write.parquet(place.child(table.name).uri)


def number_of_buckets(members: int, cores: int) -> int:
    """As many as keep every core busy, unless the buckets would be small; more where they would be large."""
    by_size = -(-members // MEMBERS_A_BUCKET)
    by_cores = min(cores, -(-members // FEWEST_A_BUCKET))
    waves = -(-by_size // cores)
    return max(1, waves * cores if by_size > cores else by_cores)


def _key(table: Table, column: str) -> Column:
    """The identifier as the intake reads it: the first column that is not blank."""
    from pyspark.sql import functions as sql

    told = [sql.nullif(sql.col(f"`{raw}`"), sql.lit("")) for raw in table.identifiers[column]]
    return sql.coalesce(*told) if told else sql.lit(None).cast("string")
