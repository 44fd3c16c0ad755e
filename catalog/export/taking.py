"""The rows of an export, taken into a catalog by its one write path.

What they say is a stranger's word: each row is held against what the catalog's own tables hold, and
one that does not fit is set aside with the reason.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from binascii import Error as BadBase64
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.errors import InvalidReference, NormalizeError, UsageError
from catalog.export.parquet import read_parquet
from catalog.export.release import Column, File, Manifest, Table
from catalog.export.texts import read_csv, read_json
from catalog.importing.files import Skipped, place_of
from catalog.intake import Redacts, believable
from catalog.query.exported import TABLES, ExportedColumn
from catalog.records import Deriver, Observation
from catalog.references import parse_reference
from catalog.settings import is_name
from catalog.storage import engine as engines
from catalog.storage import frontier
from catalog.storage.dataset_file import read_dataset
from catalog.storage.locks import share_derivation
from catalog.storage.mentions import Named, add_named, without_forgotten
from catalog.storage.observe import FORGOTTEN, VERDICTS, observe
from catalog.storage.probes import Probe, add_new_probes
from catalog.storage.sources import add_source, source_ids, source_names
from catalog.storage.tombstones import forgotten_among
from catalog.text import escape_text, unescape_text
from catalog.times import Micros, from_iso

if TYPE_CHECKING:
    from catalog.storage.engine import Engine

BATCH = 500
"""Rows written in one transaction."""
BATCH_BYTES = 64 * 2**20
"""Bytes of payloads after which it is written, however few they are."""
_RECORDED = "recorded"
_PAYLOAD = ("payload", "payload_base64")
_OBSERVATION = (
    *("gizmo_id", "source", "observed_at", "wrapping", "verdict", "digest", "redacted"),
    *_PAYLOAD,
)
_DISCOVERY = ("gizmo_id", "source", "query", "at", "rank", "title", "redacted", *_PAYLOAD)
_PROBE = (
    *(name for name in Probe.__struct_fields__ if name not in {"source_id", "body"}),
    "source",
)
"""The columns that are needed of each table."""
_FITS: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "timestamp": int,
    "number": (int, float),
    "boolean": bool,
}
"""What holds the values of a column; other types are texts."""
_INTEGERS, _TIMES = 2**31, 2**63
"""From where on PostgreSQL has no room for a number, or for a time."""


class TakenExport(msgspec.Struct, kw_only=True):
    """What came of an export that was imported.

    Attributes:
        folder: the export.
        release: what it calls itself.
        profile: what its maker left in it.
        observations: observations in it.
        new: of those, new to the catalog.
        mentions: discoveries of it, or ids that it names without documents, that are new.
        probes: probes of it that are new.
        forgotten: what was left out, as the catalog was told to forget whom it is about.
        ids_alone: whether it holds no documents, so that of its GPTs the ids alone came.
        set_aside: rows that were not taken, and why.
    """

    folder: str
    release: str
    profile: str
    observations: int = 0
    new: int = 0
    mentions: int = 0
    probes: int = 0
    forgotten: int = 0
    ids_alone: bool = False
    set_aside: list[Skipped] = []


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """What all exports are taken with.

    Attributes:
        engine: the catalog.
        source: the name that ids without documents are filed under, or empty, where it has them.
        deriver: the rules of derivation.
        redactor: replaces configured secrets.
        report: told where it is, batch by batch.
        run_id: the run.
        now: the present moment.
    """

    engine: Engine
    source: str
    deriver: Deriver
    redactor: Redacts
    report: Callable[[str], None]
    run_id: str
    now: Micros


class Taker:
    """Writes the rows of one export, batch by batch.

    Args:
        taking: what it is taken with.
        folder: the export.
        manifest: what it says of itself.
        done: told what came of it.
    """

    def __init__(self, taking: Taking, folder: Path, manifest: Manifest, done: TakenExport) -> None:
        self._taking = taking
        self._engine = taking.engine
        self._now = taking.now
        self._folder = folder
        self._manifest = manifest
        self._done = done
        self._tables = {table.name: table for table in manifest.release.tables}

    def take(self) -> None:
        """Take all that can be taken.

        Raises:
            UsageError: a table is not what its manifest calls it.
        """
        with_documents = self._manifest.release.has_documents
        if self._has("sources", "name"):
            self._sources(self._table("sources", "name"))
        if with_documents:
            self._observations(self._table("observations", *_OBSERVATION))
        if self._has("discoveries", "payload"):
            self._discoveries(self._table("discoveries", *_DISCOVERY))
        if self._has("probes", "question"):
            self._probes(self._table("probes", *_PROBE))
        if not with_documents and "gizmos" in self._tables:
            self._done.ids_alone = True
            self._ids(self._table("gizmos", "gizmo_id"))

    def _has(self, name: str, column: str) -> bool:
        table = self._tables.get(name)
        return table is not None and column in {each.name for each in table.columns}

    def _table(self, name: str, *needed: str) -> Table:
        """A table that is to be read; one whose columns are others than ours cannot be.

        Raises:
            UsageError: it is not what its manifest calls it.
        """
        table = self._tables[name]
        there = {column.name: column for column in table.columns}
        ours = {column.name: column for column in TABLES[name].columns}
        wrong = [each for each in needed if each not in there]
        wrong += [
            each.name
            for each in table.columns
            if each.name not in ours or ours[each.name].type != each.type
        ]
        if wrong or len(there) < len(table.columns):
            raise UsageError(
                f"{place_of(self._folder)}: the manifest's table {name} is not as gpts-catalog"
                f" writes it: look at {', '.join(sorted(map(repr, wrong))) or 'its columns'};"
                " take another copy of it"
            )
        return table

    def _sources(self, table: Table) -> None:
        """Make known who said it all, those that said nothing yet among them."""
        for _, row in self._numbered(table):
            name, dialect = row["name"], row.get("dialect") or _RECORDED
            if is_name(name):
                self._add_sources({name: dialect if is_name(dialect) else _RECORDED})

    def _observations(self, table: Table) -> None:
        """Take observations, each under the id that its document carries."""
        for part in self._batches(table):
            batch = [each for each in (self._observation(*row) for row in part) if each is not None]
            self._add_sources(dict.fromkeys((each.source for each in batch), _RECORDED))
            with engines.write(self._engine) as conn:
                share_derivation(conn)
                engines.lock_keys(conn, {each.gizmo_id for each in batch})
                observed = observe(conn, self._taking.deriver, batch)
                kept = [
                    o.gizmo_id
                    for o, effect in zip(batch, observed.effects, strict=True)
                    if effect != FORGOTTEN
                ]
                frontier.add_ids(conn, kept, self._now)
            self._done.observations += len(batch)
            self._done.new += sum(observed.fresh)
            self._done.forgotten += len(batch) - len(kept)

    def _discoveries(self, table: Table) -> None:
        """Take what named which id."""
        for part in self._batches(table):
            by_source: dict[str, list[Named]] = defaultdict(list)
            for place, row in part:
                payload = self._payload(place, row)
                if payload is None or not self._is_said(place, row["source"], row["at"]):
                    continue
                if not self._is_id(place, row["gizmo_id"]):
                    continue
                by_source[row["source"]].append(
                    Named(
                        gizmo_id=row["gizmo_id"],
                        query=self._text(row["query"]),
                        at=row["at"],
                        rank=row["rank"],
                        title=self._text(row["title"]),
                        payload=payload[0],
                        redacted=row["redacted"] or payload[1],
                    )
                )
            self._name(by_source)

    def _ids(self, table: Table) -> None:
        """Take the ids and names of GPTs whose documents the export does not have."""
        names = [column.name for column in table.columns]
        at = min(self._manifest.release.created_at, self._now)
        rank = 0
        for part in self._batches(table):
            named = []
            for place, row in part:
                rank += 1
                if not self._is_id(place, row["gizmo_id"]):
                    continue
                raw = msgspec.json.encode({name: row[name] for name in names})
                payload, redacted = self._taking.redactor.bytes(raw)
                named.append(
                    Named(
                        gizmo_id=row["gizmo_id"],
                        query=self._text(self._done.release),
                        at=at,
                        rank=rank,
                        title=self._text(row.get("name") or ""),
                        payload=payload,
                        redacted=redacted,
                    )
                )
            self._name({self._taking.source: named})

    def _probes(self, table: Table) -> None:
        """Take questions and answers."""
        for part in self._batches(table):
            said = [
                row
                for place, row in part
                if self._is_said(place, row["source"], row["at"])
                and self._is_id(place, row["gizmo_id"])
            ]
            self._add_sources(dict.fromkeys((row["source"] for row in said), _RECORDED))
            with engines.write(self._engine) as conn:
                share_derivation(conn)
                numbers = source_ids(conn, {row["source"] for row in said})
                found = [self._probe(row, numbers[row["source"]]) for row in said]
                gone = forgotten_among(conn, {each.gizmo_id for each in found})
                kept = [each for each in found if each.gizmo_id not in gone]
                self._done.probes += add_new_probes(conn, kept)
            self._done.forgotten += len(found) - len(kept)

    def _probe(self, row: dict[str, Any], source_id: int) -> Probe:
        values: dict[str, Any] = {
            name: self._text(row[name]) if isinstance(row[name], str) else row[name]
            for name in _PROBE
            if name != "source"
        }
        changed = any(values[name] != row[name] for name in values)
        values["redacted"] = row["redacted"] or changed
        return Probe(**values, source_id=source_id, body=None)

    def _name(self, by_source: dict[str, list[Named]]) -> None:
        self._add_sources(dict.fromkeys(by_source, _RECORDED))
        for source, named in by_source.items():
            with engines.write(self._engine) as conn:
                share_derivation(conn)
                engines.lock_keys(conn, {each.gizmo_id for each in named})
                number = source_ids(conn, [source])[source]
                kept = without_forgotten(conn, named)
                self._done.mentions += add_named(conn, number, kept)
                frontier.add_ids(conn, (each.gizmo_id for each in kept), self._now)
            self._done.forgotten += len(named) - len(kept)

    def _add_sources(self, dialects: dict[str, str]) -> None:
        """Make known who said it; one that is known keeps its dialect."""
        with engines.write(self._engine) as conn:
            known = set(source_names(conn).values())
            for name, dialect in dialects.items():
                if name not in known:
                    add_source(conn, name, dialect, self._now)

    def _observation(self, place: str, row: dict[str, Any]) -> Observation | None:
        """The observation that a row is; None: it is set aside."""
        if not self._is_said(place, row["source"], row["observed_at"]):
            return None
        if row["verdict"] not in VERDICTS:
            self._set_aside(place, "its verdict is none")
            return None
        recorded_at = row.get("recorded_at")
        observation = Observation(
            gizmo_id=row["gizmo_id"],
            source=row["source"],
            observed_at=row["observed_at"],
            recorded_at=self._now if recorded_at is None else min(recorded_at, self._now),
            wrapping=self._text(row["wrapping"]),
            run_id=self._taking.run_id,
            verdict=row["verdict"],
        )
        if not row["digest"]:
            return observation if self._is_id(place, observation.gizmo_id) else None
        payload = self._payload(place, row)
        if payload is None:
            return None
        try:
            document = self._taking.deriver.document(payload[0], observation.wrapping)
        except NormalizeError as error:
            self._set_aside(place, str(error))
            return None
        return msgspec.structs.replace(
            observation,
            # A document is filed under the id it carries (law 5).
            gizmo_id=document.gizmo_id,
            digest=hashlib.sha256(payload[0]).digest(),
            payload=payload[0],
            redacted=row["redacted"] or payload[1],
            document=document,
        )

    def _payload(self, place: str, row: dict[str, Any]) -> tuple[bytes, bool] | None:
        """The bytes of a row without secrets, and whether there was one; None: it is set aside."""
        text, packed = row["payload"], row["payload_base64"]
        try:
            if text is not None:
                raw = text.encode()
            elif packed is not None:
                raw = b64decode(packed, validate=True)
            else:
                self._set_aside(place, "it has no payload")
                return None
        except (BadBase64, ValueError):
            self._set_aside(place, "its payload is no base64")
            return None
        digest = row.get("digest")
        if digest and hashlib.sha256(raw).hexdigest() != digest:
            self._set_aside(place, "its payload does not have its digest")
            return None
        return self._taking.redactor.bytes(raw)

    def _text(self, text: str) -> str:
        """A text as harvested ones are written: without secrets, and without what no table holds.

        What was escaped by the catalog that told it stays so.
        """
        return escape_text(unescape_text(self._taking.redactor.text(text)))

    def _is_said(self, place: str, source: str, at: Micros) -> bool:
        """Whether somebody can have said it then; else it is set aside."""
        if not is_name(source):
            self._set_aside(place, "its source's name is none")
        elif not believable(at, self._now):
            self._set_aside(place, "nothing can have been said then")
        else:
            return True
        return False

    def _is_id(self, place: str, gizmo_id: str) -> bool:
        try:
            if parse_reference(gizmo_id) == gizmo_id:
                return True
            self._set_aside(place, "its id is none")
        except InvalidReference as error:
            self._set_aside(place, error.reason)
        return False

    def _set_aside(self, place: str, reason: str) -> None:
        self._done.set_aside.append(Skipped(place=place, reason=reason))

    def _batches(self, table: Table) -> Iterator[list[tuple[str, dict[str, Any]]]]:
        held: list[tuple[str, dict[str, Any]]] = []
        size = total = 0
        for place, row in self._numbered(table):
            held.append((place, row))
            size += sum(len(row.get(name) or "") for name in _PAYLOAD)
            if len(held) >= BATCH or size >= BATCH_BYTES:
                yield held
                total += len(held)
                self._taking.report(f"{total:,} rows of {table.name}")
                held, size = [], 0
        if held:
            yield held

    def _numbered(self, table: Table) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows of a table, each with the place where it stands."""
        ours = {column.name: column for column in TABLES[table.name].columns}
        for file in self._manifest.release.files:
            if file.table not in {table.name, None}:
                continue
            place = place_of(self._folder / file.path)
            for number, row in enumerate(self._read(file, table), 1):
                odd = [name for name, value in row.items() if not _fits(value, ours[name])]
                here = f"{place}:{table.name} {number}"
                if odd:
                    self._set_aside(here, f"{odd[0]} is not of type {ours[odd[0]].type}")
                else:
                    yield here, row

    def _read(self, file: File, table: Table) -> Iterator[dict[str, Any]]:
        path = self._folder / file.path
        if file.format == "parquet":
            yield from read_parquet(path, table.columns)
        elif file.format == "csv":
            with path.open(encoding="utf-8", newline="") as text:
                safe_cells = self._manifest.options.get("safe_cells", False)
                yield from read_csv(text, table.columns, safe_cells=safe_cells)
        elif file.format == "ndjson":
            with path.open("rb") as lines:
                yield from read_json(lines, table.columns)
        else:
            names = [column.name for column in table.columns]
            for values in read_dataset(path, table.name, names):
                told = zip(table.columns, values, strict=True)
                yield {column.name: _from_sqlite(value, column) for column, value in told}


def _fits(value: Any, column: ExportedColumn) -> bool:
    """Whether a value is one of a column of ours."""
    if value is None:
        return column.nullable
    wanted = _FITS.get(column.type, str)
    if isinstance(value, bool):
        # What is true is a number to Python.
        return wanted is bool
    room = _INTEGERS if column.type == "integer" else _TIMES
    return isinstance(value, wanted) and (not isinstance(value, int) or -room <= value < room)


def _from_sqlite(value: Any, column: Column) -> Any:
    """A value as SQLite holds it; one that cannot be one stays as it is, and fits nowhere."""
    if column.type == "timestamp" and isinstance(value, str):
        try:
            return from_iso(value)
        except ValueError:
            return value
    return bool(value) if column.type == "boolean" and isinstance(value, int) else value
