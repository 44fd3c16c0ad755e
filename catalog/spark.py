"""Deriving a whole archive on Spark: the tables that ``rebuild`` would give, out of an export.

For archives that no single machine holds (docs/spark.md)::

    python -m catalog.spark ARCHIVE OUT [--cores N | --master URL]

Stage 1 groups the exported observations by GPT and folds them with the very functions that the
write path uses (:class:`catalog.derive.Derivation`). One pass gives the rows of all its tables, and
what stage 2 needs, each in a column of its own of one staged data set; Parquet reads only the
columns that are asked for. Stage 2 is aggregates of what was staged, with mass events and drift
found by the same functions, a field or a source and wrapping at a time. The tables have the columns
of an export of profile ``full``, and their rows stand in the same order.

Rows cross between Spark and Python as Arrow batches. Nothing is collected on the driver but what is
small on any archive: days, the shapes of documents, and the drift.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import shutil
import sys
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.derive import Derivation
from catalog.errors import CatalogCorrupt, CatalogError, SettingsError, UsageError
from catalog.export.manifest import decode
from catalog.export.parquet import arrow, arrow_type, to_array
from catalog.export.profiles import Profile
from catalog.export.release import MANIFEST, Column, Release
from catalog.query.exported import TABLES
from catalog.records import Change, Document, Row, Statement
from catalog.storage import tables as t
from catalog.times import DAY, Micros, Stopwatch, day_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Batches = Iterator[Any]
"""Batches of Arrow arrays."""

FLUSH = 500
"""Observations after whose GPT the rows so far are handed on: bounds memory."""
READ = 200
"""Observations handed to Python at a time: each may be kilobytes, and few are megabytes."""
PART_BYTES = 32 * 2**20
"""Of the compressed archive, in one task: it is some ten times that when decoded."""
STAGED = "_staged"
"""The folder, within the output, of what lies between the stages."""
TOTALS = "tables.json"
"""The file that is written last: without it the output is not whole."""

KEPT = frozenset({"sources", "observations", "discoveries", "probes"})
"""Tables of an export that nothing derives."""
STAGE_2 = frozenset({"authors", "mass_events", "drift", "unmapped_fields"})
"""Tables that are aggregates over all GPTs."""


def _columns(**types: str) -> tuple[Column, ...]:
    return tuple(
        Column(name=name, type=kind, description="", nullable=True)  # type: ignore[arg-type]
        for name, kind in types.items()
    )


_FULL = Profile("full")
DERIVED: dict[str, tuple[Column, ...]] = {
    name: table.columns
    for name in TABLES
    if name not in KEPT and (table := _FULL.table(name)) is not None
}
"""The columns of each table that is derived, by its name."""

_PARTS: dict[str, tuple[Column, ...]] = {
    **{name: columns for name, columns in DERIVED.items() if name not in STAGE_2},
    "gizmo_authors": (*DERIVED["gizmo_authors"], *_columns(said_at="timestamp")),
    # Days on which a GPT had a document that was not its first (rule 9).
    "pairs": _columns(gizmo_id="string", day="integer"),
    "documents": _columns(
        source="string", wrapping="string", at="integer", gizmo_id="string", shape="string"
    ),
    "shapes": _columns(shape="string", paths="json"),
    "unmapped": _columns(
        path="string", first="integer", last="integer", count="integer", example="json"
    ),
}
"""What stage 1 stages, by name: its tables, and what stage 2 is made of."""
_SIGHTED = _columns(
    event_id="string",
    field="string",
    added="json",
    removed="json",
    first_day="date",
    last_day="date",
    gpts="integer",
    gizmo_id="string",
    observed_at="integer",
)
"""Mass events, and their members: rows that name a GPT, and of the event only which it is."""
_DRIFTED = _columns(
    source="string",
    wrapping="string",
    path="string",
    kind="string",
    at="integer",
    gizmo_id="string",
    first_seen_at="integer",
    last_seen_at="integer",
)
_QUOTED = (*_DRIFTED, *_columns(digest="string", example="json"))
_SAID = ("gizmo_id", "source", "observed_at", "digest", "wrapping", "verdict")
_PAYLOAD = ("payload", "payload_base64")


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """What was written; also what :data:`TOTALS` holds.

    Attributes:
        archive: the digest that names the state of the catalog which was exported.
        parts: how many parts the archive was folded in.
        tables: how many rows each table has.
        seconds: from the first job to the last.
    """

    archive: str
    parts: int
    tables: dict[str, int]
    seconds: float


# Stage 1, on the workers.


def fold_batches(batches: Batches) -> Batches:
    """Fold observations, sorted by GPT, into batches of :data:`_PARTS`.

    Args:
        batches: with the columns :data:`_SAID` and :data:`_PAYLOAD`.

    Raises:
        CatalogCorrupt: a payload does not have its digest, or not the id that it is filed under.
    """
    staged = _Staged()
    for gizmo_id, rows in itertools.groupby(_rows(batches), key=lambda row: row[0]):
        staged.take(gizmo_id, rows)
        if staged.taken >= FLUSH:
            yield from staged.flush()
    yield from staged.flush()


class _Staged:
    """Rows by part, of some GPTs.

    Attributes:
        taken: observations since the last flush.
    """

    def __init__(self) -> None:
        self.taken = 0
        self._rules = Derivation()
        self._rows: dict[str, list[Row]] = defaultdict(list)
        self._unmapped: dict[str, Row] = {}
        self._shapes: set[str] = set()

    def take(self, gizmo_id: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Fold one GPT."""
        said: list[Statement] = []
        for number, row in enumerate(rows):
            _, source, at, digest, wrapping, verdict = row[: len(_SAID)]
            document = self._document(row) if digest else None
            if document is not None:
                self._note(document, source, wrapping, at)
            statement = Statement(
                observation_id=number,
                source=source,
                observed_at=at,
                digest=bytes.fromhex(digest),
                document=document,
                counted=verdict == "counted",
            )
            said.append(statement)
        self.taken += len(said)
        folded = self._rules.fold(gizmo_id, None, said)
        for name, by_key in folded.rows.items():
            self._rows[name] += [_told(name, row, said) for row in by_key.values()]
        for gizmo in folded.rows.get("gizmos", {}).values():
            first = gizmo["first_seen_at"]
            days = {
                each.observed_at // DAY
                for each in said
                if each.document is not None and each.observed_at > first
            }
            self._rows["pairs"] += [{"gizmo_id": gizmo_id, "day": day} for day in sorted(days)]

    def flush(self) -> Batches:
        """The rows so far."""
        self._rows["unmapped"] = list(self._unmapped.values())
        for name, rows in self._rows.items():
            if rows:
                yield _staged_batch(name, rows)
        self.taken = 0
        self._rows.clear()
        self._unmapped.clear()

    def _document(self, row: tuple[Any, ...]) -> Document:
        gizmo_id, _, _, digest, wrapping, _, text, packed = row
        payload = b64decode(packed) if text is None else text.encode()
        if hashlib.sha256(payload).hexdigest() != digest:
            raise CatalogCorrupt(f"a payload of {gizmo_id} does not have its digest, {digest}")
        document = self._rules.document(payload, wrapping)
        if document.gizmo_id != gizmo_id:
            raise CatalogCorrupt(f"the payload {digest} is filed under {gizmo_id}, not its own id")
        return document

    def _note(self, document: Document, source: str, wrapping: str, at: Micros) -> None:
        """Note what stage 2 makes drift and unmapped fields of."""
        paths = msgspec.json.encode(document.paths)
        shape = hashlib.sha256(paths).hexdigest()
        if shape not in self._shapes:
            self._shapes.add(shape)
            self._rows["shapes"].append({"shape": shape, "paths": paths.decode()})
        self._rows["documents"].append(
            {
                "source": source,
                "wrapping": wrapping,
                "at": at,
                "gizmo_id": document.gizmo_id,
                "shape": shape,
            }
        )
        for unmapped in document.unmapped:
            path, example = unmapped.path, unmapped.example
            row = self._unmapped.setdefault(
                path, {"path": path, "first": at, "last": at, "count": 0, "example": example}
            )
            row["count"] += 1
            row["last"] = max(row["last"], at)
            row["first"], row["example"] = min((row["first"], row["example"]), (at, example))


def _told(name: str, row: Row, said: Sequence[Statement]) -> Row:
    """A row of the fold by the names of columns, with its source in place of an observation."""
    told = {column.name: row.get(column.key) for column in t.metadata.tables[name].columns}
    if "observation_id" in row:
        statement = said[row["observation_id"]]
        told["source"] = row.get("source", statement.source)
        told["said_at"] = statement.observed_at
    return told


def _rows(batches: Batches) -> Iterator[tuple[Any, ...]]:
    """The rows of batches; moments as microseconds."""
    pa = arrow()
    for batch in batches:
        lists = [
            (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
            for column in batch.columns
        ]
        yield from zip(*lists, strict=True)


def _arrays(columns: Sequence[Column], rows: Sequence[Row]) -> list[Any]:
    return [to_array([row[column.name] for row in rows], column) for column in columns]


def _batch(columns: Sequence[Column], rows: Sequence[Row]) -> Any:
    return arrow().RecordBatch.from_arrays(_arrays(columns, rows), names=[c.name for c in columns])


def _staged_batch(name: str, rows: Sequence[Row]) -> Any:
    """Rows of one part: a struct in the column of that name, null in those of the others."""
    pa = arrow()
    found = [pa.array([name] * len(rows), type=pa.string())]
    for part, columns in _PARTS.items():
        fields = [pa.field(column.name, arrow_type(column)) for column in columns]
        found.append(
            pa.StructArray.from_arrays(_arrays(columns, rows), fields=fields)
            if part == name
            else pa.nulls(len(rows), pa.struct(fields))
        )
    return pa.RecordBatch.from_arrays(found, names=["part", *_PARTS])


# Stage 2, on the workers.


def find_events(counts: dict[str, int]) -> Callable[[Batches], Batches]:
    """Finds the mass events of the fields in a partition.

    Args:
        counts: how many GPTs have a neighbouring pair, by UTC day.

    Returns:
        Takes changes as :class:`catalog.records.Change` has them, sorted by time, GPT, field and
        element; gives rows of :data:`_SIGHTED`.
    """

    def compared(days: Sequence[str]) -> int:
        # Of several days it is counted afterwards, and decides nothing here.
        return counts.get(days[0], 0)

    def found(batches: Batches) -> Batches:
        changes = (Change(*row) for row in _rows(batches))
        days = itertools.groupby(changes, key=lambda change: day_of(change.observed_at))
        for event in Derivation().mass_events(days, compared):
            none = dict.fromkeys(column.name for column in _SIGHTED)
            told = {name: getattr(event, name, None) for name in none}
            members = [
                {**none, "event_id": event.event_id, "field": event.field, "gizmo_id": gpt}
                | {"observed_at": at}
                for gpt, at in event.members
            ]
            yield _batch(_SIGHTED, [told, *members])

    return found


def find_drift(shapes: dict[str, str]) -> Callable[[Batches], Batches]:
    """Finds the drift of the sources and wrappings in a partition.

    Args:
        shapes: the paths of each shape, as JSON, by its digest.

    Returns:
        Takes the columns of the part ``documents``, sorted by them; gives rows of :data:`_DRIFTED`.
    """

    def found(batches: Batches) -> Batches:
        numbers = {shape: number for number, shape in enumerate(shapes)}
        paths = {
            number: msgspec.json.decode(shapes[shape], type=list[str])
            for shape, number in numbers.items()
        }
        places = itertools.groupby(_rows(batches), key=lambda row: row[:2])
        for (source, wrapping), rows in places:
            documents = ((at, gizmo_id, numbers[shape]) for _, _, at, gizmo_id, shape in rows)
            drift = [
                {"source": source, "wrapping": wrapping, **msgspec.structs.asdict(each)}
                for each in Derivation().drift(documents, paths)
            ]
            yield _batch(_DRIFTED, drift)

    return found


def quote(batches: Batches) -> Batches:
    """Give drift the value in the document that it is about, from rows with both."""
    rules = Derivation()
    names = [column.name for column in _DRIFTED]
    for row in _rows(batches):
        drift = dict(zip(names, row, strict=False))
        digest, text, packed = row[len(names) :]
        payload = b64decode(packed) if text is None else text.encode()
        if drift["path"] in rules.document(payload, drift["wrapping"]).paths:
            example = rules.example(payload, drift["wrapping"], drift["path"])
            yield _batch(_QUOTED, [{**drift, "digest": digest, "example": example}])


# On the driver.


class Work:
    """Derives one archive.

    Args:
        spark: the session; its time zone has to be UTC.
        archive: the folder of an export of profile ``full`` as Parquet, or its URL.
        out: the folder, or URL, of the tables; must not be there yet.
        report: told what is done next.

    Raises:
        UsageError: the archive is none, or the output is there already.
    """

    def __init__(
        self, spark: SparkSession, archive: str, out: str, report: Callable[[str], None]
    ) -> None:
        self._spark = spark
        self._out = out
        self._report = report
        self._release = _release(spark, archive)
        folders, found = self._file_system(out)
        if folders.exists(found):
            raise UsageError(f"{out} is there already: remove it, or name another folder")
        files = [file for file in self._release.files if file.table == "observations"]
        cores = spark.sparkContext.defaultParallelism
        whole = -(-sum(file.bytes for file in files) // PART_BYTES)
        self._parts = max(cores, whole)
        # What is derived is smaller than the archive: a core more would only be a file more.
        spark.conf.set("spark.sql.shuffle.partitions", str(max(1, whole)))
        self._paths = [f"{archive}/{file.path}" for file in files]

    def derive(self) -> Derived:
        """Write all tables, and what they hold last."""
        watch = Stopwatch()
        self._report(f"folding {self._release.counts['observations']:,} observations")
        said = self._observations().repartition(self._parts, "gizmo_id")
        staged = said.sortWithinPartitions("gizmo_id").mapInArrow(fold_batches, _spark_staged())
        staged.write.partitionBy("part").parquet(f"{self._out}/{STAGED}/stage1")
        for name, frame in self._tables():
            self._write(name, frame)
        self._remove(f"{self._out}/{STAGED}")
        done = Derived(
            archive=self._release.catalog_digest,
            parts=self._parts,
            tables=self._count(),
            seconds=round(watch.seconds, 3),
        )
        told = msgspec.json.encode(done).decode()
        self._put(TOTALS, told + "\n")
        return done

    def _observations(self) -> DataFrame:
        frame = self._spark.read.parquet(*self._paths)
        return frame.select(*_SAID, *_PAYLOAD)

    def _part(self, name: str) -> DataFrame:
        """What stage 1 staged of one name."""
        read = self._spark.read.schema(_spark_staged())
        frame = read.parquet(f"{self._out}/{STAGED}/stage1")
        return frame.where(f"part = '{name}'").select(f"{name}.*")

    def _tables(self) -> Iterator[tuple[str, DataFrame]]:
        """The tables, each with its rows, in the order of an export."""
        events = self._kept("events", self._events())
        found = {
            "authors": self._authors(),
            "mime_sets": self._part("mime_sets").distinct(),
            "changes": self._linked(events),
            "mass_events": self._compared(events),
            "drift": self._drift(),
            "unmapped_fields": self._unmapped(),
        }
        for name in DERIVED:
            yield name, found[name] if name in found else self._part(name)

    def _authors(self) -> DataFrame:
        """Rule 11, as :func:`catalog.storage.stage2.settle` has it in SQL."""
        from pyspark.sql import functions as f  # noqa: PLC0415  (an extra)

        named = self._part("gizmo_authors").where("user_id IS NOT NULL AND user_id != ''")
        first = named.groupBy("user_id").agg(f.min("valid_from").alias("first_seen_at"))
        told = [
            column.name
            for column in DERIVED["authors"]
            if column.name not in {"user_id", "gpt_count", "first_seen_at"}
        ]
        order = f.struct(
            f.col("display_name").isNull(), -f.unix_micros("valid_from"), f.col("gizmo_id")
        )
        chosen = named.where("valid_to IS NULL").groupBy("user_id")
        held = chosen.agg(
            f.min_by(f.struct(*told), order).alias("told"), f.count("*").alias("gpt_count")
        )
        return held.join(first, "user_id").select("user_id", "gpt_count", "first_seen_at", "told.*")

    def _unmapped(self) -> DataFrame:
        """The example is the earliest, then the smallest."""
        from pyspark.sql import functions as f  # noqa: PLC0415

        found = self._part("unmapped").groupBy("path")
        totals = found.agg(
            f.min(f.struct("first", "example")).alias("begin"),
            f.timestamp_micros(f.max("last")).alias("last_seen_at"),
            f.sum("count").alias("count"),
        )
        return totals.withColumns(
            {"first_seen_at": f.timestamp_micros("begin.first"), "example": f.col("begin.example")}
        )

    def _events(self) -> DataFrame:
        self._report("looking for mass events")
        # Of a GPT and day there is one row: counting rows counts GPTs.
        days = self._part("pairs").groupBy("day").count().collect()
        counts = {day_of(row["day"] * DAY): row["count"] for row in days}
        order = ("observed_at", "gizmo_id", "field", "element")
        changes = self._part("changes").where("class IN ('content', 'platform')")
        by_field = changes.select("gizmo_id", "observed_at", "field", "element", "old", "new")
        # No difference of one field has to do with any of another.
        sorted_ = by_field.repartition(self._parts, "field").sortWithinPartitions(*order)
        return sorted_.mapInArrow(find_events(counts), _spark_type(_SIGHTED))

    def _linked(self, events: DataFrame) -> DataFrame:
        """Changes, with the events that they are part of."""
        from pyspark.sql import functions as f  # noqa: PLC0415

        members = events.where("gizmo_id IS NOT NULL").select(
            "gizmo_id", "field", "event_id", f.timestamp_micros("observed_at").alias("observed_at")
        )
        changes = self._part("changes").drop("event_id")
        return changes.join(members, ["gizmo_id", "field", "observed_at"], "left")

    def _compared(self, events: DataFrame) -> DataFrame:
        """Events, with the number of GPTs that had a neighbouring pair on their days."""
        from pyspark.sql import functions as f  # noqa: PLC0415

        members = events.where("gizmo_id IS NOT NULL")
        days = members.select("event_id", f.expr(f"observed_at div {DAY}").alias("day")).distinct()
        pairs = self._part("pairs").join(f.broadcast(days), "day").groupBy("event_id")
        compared = pairs.agg(f.count_distinct("gizmo_id").alias("compared"))
        return events.where("gizmo_id IS NULL").drop("gizmo_id").join(compared, "event_id")

    def _drift(self) -> DataFrame:
        from pyspark.sql import functions as f  # noqa: PLC0415

        self._report("looking for drift")
        shapes = {row["shape"]: row["paths"] for row in self._part("shapes").distinct().collect()}
        place = ("source", "wrapping")
        documents = self._part("documents").repartition(self._parts, *place)
        sorted_ = documents.sortWithinPartitions(*place, "at", "gizmo_id")
        drift = self._kept("drift", sorted_.mapInArrow(find_drift(shapes), _spark_type(_DRIFTED)))
        said = self._observations().withColumn("at", f.unix_micros("observed_at"))
        about = said.join(f.broadcast(drift), [*place, "gizmo_id", "at"])
        names = [column.name for column in _DRIFTED]
        quoted = about.select(*names, "digest", *_PAYLOAD).mapInArrow(quote, _spark_type(_QUOTED))
        # Of several said at one moment, the smallest digest.
        one = quoted.groupBy(*names).agg(f.min_by("example", "digest").alias("example"))
        moments = ("at", "first_seen_at", "last_seen_at")
        return one.withColumns({name: f.timestamp_micros(name) for name in moments})

    def _kept(self, name: str, frame: DataFrame) -> DataFrame:
        """A frame that is read more than once, written in between."""
        path = f"{self._out}/{STAGED}/{name}"
        frame.write.parquet(path)
        return self._spark.read.schema(frame.schema).parquet(path)

    def _write(self, name: str, frame: DataFrame) -> None:
        """Write a table in the order of its key."""
        self._report(f"writing {name}")
        frame = frame.select(*(column.name for column in DERIVED[name]))
        frame.orderBy(*TABLES[name].key).write.parquet(f"{self._out}/{name}", compression="zstd")

    def _count(self) -> dict[str, int]:
        """How many rows the tables have, in one pass over what their files say of themselves."""
        from pyspark.sql import functions as f  # noqa: PLC0415

        names = [
            self._spark.read.schema(_spark_type(columns))
            .parquet(f"{self._out}/{name}")
            .select(f.lit(name).alias("name"))
            for name, columns in DERIVED.items()
        ]
        together = reduce(lambda these, more: these.union(more), names)
        counts = {row["name"]: row["count"] for row in together.groupBy("name").count().collect()}
        return {name: counts.get(name, 0) for name in DERIVED}

    def _file_system(self, path: str) -> tuple[Any, Any]:
        """Hadoop's: it knows folders and URLs of all kinds."""
        context: Any = self._spark.sparkContext
        found = context._jvm.org.apache.hadoop.fs.Path(path)  # noqa: SLF001  (there is no other way)
        return found.getFileSystem(context._jsc.hadoopConfiguration()), found  # noqa: SLF001

    def _remove(self, path: str) -> None:
        files, found = self._file_system(path)
        files.delete(found, True)  # noqa: FBT003  (Java has no names)

    def _put(self, name: str, text: str) -> None:
        files, found = self._file_system(f"{self._out}/{name}")
        stream = files.create(found)
        stream.write(bytearray(text.encode()))
        stream.close()


def _release(spark: SparkSession, archive: str) -> Release:
    """What the archive says it is.

    Raises:
        UsageError: it is no export, or not one that holds the archive.
    """
    from pyspark.errors import AnalysisException  # noqa: PLC0415

    try:
        row = spark.read.format("binaryFile").load(f"{archive}/{MANIFEST}").head()
    except AnalysisException:
        row = None
    if row is None:
        raise UsageError(f"{archive} holds no export: there is no {MANIFEST} in it")
    release = decode(bytes(row["content"])).release
    if (release.format, release.profile, release.since) != ("parquet", "full", None):
        raise UsageError(
            f"{archive} does not hold a whole archive: make it with gpts-catalog export"
            " --format parquet --profile full, without --since"
        )
    if not any(file.table == "observations" for file in release.files):
        raise UsageError(f"{archive} has no table observations: export it too")
    return release


def _spark_type(columns: Iterable[Column]) -> Any:
    from pyspark.sql import types  # noqa: PLC0415

    kinds = {
        "integer": types.LongType(),
        "number": types.DoubleType(),
        "boolean": types.BooleanType(),
        "timestamp": types.TimestampType(),
    }
    return types.StructType(
        [types.StructField(each.name, kinds.get(each.type, types.StringType())) for each in columns]
    )


def _spark_staged() -> Any:
    from pyspark.sql import types  # noqa: PLC0415

    parts = [types.StructField(name, _spark_type(columns)) for name, columns in _PARTS.items()]
    return types.StructType([types.StructField("part", types.StringType()), *parts])


def open_session(*, cores: int | None = None, master: str | None = None) -> SparkSession:
    """A session as :class:`Work` needs it.

    Args:
        cores: run in this machine, on so many cores.
        master: Spark's word for a cluster; without both, whatever its configuration says, or all
            cores of this machine.

    Raises:
        SettingsError: Spark or Java is missing.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "Spark is not installed: docs/spark.md says how to give it an environment of its own"
        ) from None
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        raise SettingsError("Spark needs Java 17 or later: put it on PATH, or set JAVA_HOME")
    # In this machine the workers are what this process is; a cluster's own are named by its user.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("gpts-catalog")
    if cores is not None or master is not None:
        builder = builder.master(master or f"local[{cores}]")
    settings = {
        # Moments are UTC, and those of Parquet are not Spark's old ones of 96 bits.
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(READ),
        "spark.ui.showConsoleProgress": "false",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def main(words: Sequence[str] | None = None) -> int:
    """Derive an archive as the command line says.

    Args:
        words: of the command line; None: those of this process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m catalog.spark", description=__doc__)
    parser.add_argument("archive", help="an export: --format parquet --profile full")
    parser.add_argument("out", help="a new folder for the tables")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cores", type=int, help="run in this machine, on so many cores")
    where.add_argument("--master", help="the cluster, in Spark's words")
    asked = parser.parse_args(words)
    try:
        spark = open_session(cores=asked.cores, master=asked.master)
        from pyspark.errors import PythonException  # noqa: PLC0415

        try:
            done = Work(spark, asked.archive, asked.out, _say).derive()
        except PythonException as error:
            # A worker's own error stands at the end of what Spark makes of it.
            raise CatalogCorrupt(
                f"{asked.archive} cannot be derived: {str(error).strip().splitlines()[-1]}"
            ) from error
        finally:
            spark.stop()
    except CatalogError as error:
        _say(str(error))
        return error.exit_status
    sys.stdout.write(f"{msgspec.json.encode(done).decode()}\n")
    return 0


def _say(text: str) -> None:
    # Ids in an archive come from strangers: none reaches a terminal as an order (law 11).
    sys.stderr.write("".join(each if each.isprintable() else "?" for each in text) + "\n")


if __name__ == "__main__":
    # As spark-submit's workers find it: under its own name.
    from catalog.spark import main as run

    sys.exit(run())
