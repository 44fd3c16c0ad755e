"""Taking an export back into a catalog.

An export is recognised by its manifest, and checked before a row of it is read. What it says is
written by the one write path: observations with their payloads become what they were, whatever the
format; a whole catalog is merged. One without payloads tells of no document that anybody sent: its
ids enter the frontier, as named by the export.
"""

from __future__ import annotations

import hashlib
import random
from base64 import b64decode
from binascii import Error as BadBase64
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.errors import InvalidReference, NormalizeError, UsageError
from catalog.export.exporting import CATALOG
from catalog.export.manifest import is_export
from catalog.export.parquet import read_parquet
from catalog.export.release import File, Manifest, Table
from catalog.export.texts import read_csv, read_json
from catalog.export.verifying import verify_export
from catalog.importing.files import Skipped, place_of
from catalog.intake import Redacts, believable
from catalog.normalize.escape import escape_text
from catalog.records import Deriver, Observation
from catalog.references import parse_reference
from catalog.settings import is_name
from catalog.storage import engine as engines
from catalog.storage import frontier, runs
from catalog.storage.dataset_file import read_dataset
from catalog.storage.engine import open_engine
from catalog.storage.mentions import Named, add_named
from catalog.storage.merge import Merged, merge
from catalog.storage.observe import VERDICTS, observe
from catalog.storage.probes import Probe, add_new_probes
from catalog.storage.schema import check_schema
from catalog.storage.scrubbing import scrub
from catalog.storage.sources import add_source, source_ids, source_names
from catalog.storage.stage2 import settle
from catalog.times import Clock, Micros, from_iso

if TYPE_CHECKING:
    from catalog.storage.engine import Engine

BATCH = 500
"""Rows written in one transaction."""
BATCH_BYTES = 64 * 2**20
"""Bytes of payloads after which it is written, however few they are."""
_RECORDED = "recorded"


class Brought(msgspec.Struct, kw_only=True):
    """What came of an export that was imported.

    Attributes:
        folder: the export.
        release: what it calls itself.
        observations: observations in it.
        new: of those, new to the catalog.
        mentions: discoveries of it, or ids that it names without documents, that are new.
        probes: probes of it that are new.
        set_aside: rows that were not taken, and why.
    """

    folder: str
    release: str
    observations: int = 0
    new: int = 0
    mentions: int = 0
    probes: int = 0
    set_aside: list[Skipped] = []


def split_paths(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The exports among paths, and what else there is, folders walked where an export is within.

    Args:
        paths: files and folders.
    """
    exports: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not path.is_dir():
            others.append(path)
            continue
        within = sorted(
            found.parent for found in path.rglob("manifest.json") if is_export(found.parent)
        )
        exports += within
        if not within:
            others.append(path)
        elif within != [path]:
            files = (each for each in sorted(path.rglob("*")) if not each.is_dir())
            others += [each for each in files if not any(each.is_relative_to(e) for e in within)]
    return list(dict.fromkeys(exports)), others


class Bringer:
    """Takes exports into a catalog.

    Args:
        engine: the catalog.
        source: the name that ids without documents are filed under.
        deriver: the rules of derivation.
        redactor: replaces configured secrets.
        clock: says when.
        rng: for the runs' ids.
        report: told where it is, batch by batch.
    """

    def __init__(
        self,
        engine: Engine,
        source: str,
        *,
        deriver: Deriver,
        redactor: Redacts,
        clock: Clock,
        rng: random.Random,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._source = source
        self._deriver = deriver
        self._redactor = redactor
        self._clock = clock
        self._rng = rng
        self._report = report

    def bring(self, folder: Path) -> Brought:
        """Take one export. What was committed stays, should the program end half-way.

        Raises:
            UsageError: it is no export, or not as it was written.
            StorageError: the catalog cannot be used.
        """
        checked = verify_export(folder, lambda file: self._report(f"checking {file.path}"))
        manifest = checked.manifest
        if manifest is None or checked.findings:
            raise UsageError(
                f"{folder} is not as it was written, and is not imported:"
                f" {'; '.join(checked.findings[:5])}"
            )
        release = manifest.release
        done = Brought(
            folder=place_of(folder), release=escape_text(f"{release.name} {release.version}")
        )
        if any(file.path == CATALOG and file.table is None for file in release.files):
            self._merge(folder / CATALOG, done)
        else:
            self._rows(folder, manifest, done)
        return done

    def _merge(self, path: Path, done: Brought) -> None:
        theirs = open_engine(f"sqlite:///{path.absolute()}", read_only=True)
        try:
            check_schema(theirs)
            merged: Merged = merge(
                self._engine,
                theirs,
                self._deriver,
                report=lambda each: self._report(f"{each.observations:,} observations"),
                # Whose export it is, nobody knows: it may add to a catalog, and erase nothing.
                bury=False,
            )
        finally:
            theirs.dispose()
        if merged.erased:
            scrub(self._engine)
        done.observations, done.new = merged.observations, merged.new
        done.mentions = merged.discoveries

    def _rows(self, folder: Path, manifest: Manifest, done: Brought) -> None:
        now = self._clock.now()
        tables = {table.name: table for table in manifest.release.tables}
        with engines.write(self._engine) as conn:
            digest = hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()
            key = runs.RunKey(command="import", source="", ids_digest=digest)
            run, _ = runs.open_or_resume(conn, key, now=now, rng=self._rng)
        taker = _Taker(self, folder, manifest, done, run.run_id, now)
        if "sources" in tables:
            taker.sources(tables["sources"])
        found = [name for name in ("observations", "discoveries") if _has_payload(tables, name)]
        for name in found:
            getattr(taker, name)(tables[name])
        if "probes" in tables and "question" in {each.name for each in tables["probes"].columns}:
            taker.probes(tables["probes"])
        if "observations" not in found and "gizmos" in tables:
            taker.ids(tables["gizmos"])
        with engines.write(self._engine) as conn:
            settle(conn, self._deriver)
            runs.close_run(conn, run.run_id, now=self._clock.now(), status="finished")


def _has_payload(tables: dict[str, Table], name: str) -> bool:
    return name in tables and "payload" in {column.name for column in tables[name].columns}


class _Taker:
    """Writes the rows of one export, batch by batch."""

    def __init__(
        self,
        bringer: Bringer,
        folder: Path,
        manifest: Manifest,
        done: Brought,
        run_id: str,
        now: Micros,
    ) -> None:
        self._bringer = bringer
        self._engine = bringer._engine  # noqa: SLF001  (parts of one thing)
        self._folder = folder
        self._manifest = manifest
        self._done = done
        self._run_id = run_id
        self._now = now

    def sources(self, table: Table) -> None:
        """Make known who said it all, those that said nothing yet among them."""
        for _, row in self._numbered(table):
            name, dialect = str(row["name"]), str(row.get("dialect") or _RECORDED)
            if is_name(name):
                self._add_sources({name: dialect})

    def observations(self, table: Table) -> None:
        """Take observations, each under the id that its document carries."""
        for part in self._batches(table):
            batch = [each for each in (self._observation(*row) for row in part) if each is not None]
            self._add_sources(dict.fromkeys((each.source for each in batch), _RECORDED))
            ids = {each.gizmo_id for each in batch}
            with engines.write(self._engine) as conn:
                engines.lock_keys(conn, ids)
                observed = observe(conn, self._bringer._deriver, batch)  # noqa: SLF001
                frontier.add_ids(conn, ids, self._now)
            self._done.observations += len(batch)
            self._done.new += sum(observed.fresh)

    def discoveries(self, table: Table) -> None:
        """Take what named which id."""
        for part in self._batches(table):
            by_source: dict[str, list[Named]] = defaultdict(list)
            for place, row in part:
                payload = self._payload(place, row)
                if payload is None:
                    continue
                by_source[str(row["source"])].append(
                    Named(
                        gizmo_id=str(row["gizmo_id"]),
                        query=str(row["query"]),
                        at=min(int(row["at"]), self._now),
                        rank=int(row["rank"]),
                        title=str(row["title"]),
                        payload=payload[0],
                        redacted=bool(row["redacted"]) or payload[1],
                    )
                )
            self._name(by_source)

    def ids(self, table: Table) -> None:
        """Take the ids and names of GPTs whose documents the export does not have."""
        names = [column.name for column in table.columns]
        at = min(self._manifest.release.created_at, self._now)
        rank = 0
        for part in self._batches(table):
            named = []
            for place, row in part:
                rank += 1
                gizmo_id = str(row["gizmo_id"])
                if not self._is_id(place, gizmo_id):
                    continue
                named.append(
                    Named(
                        gizmo_id=gizmo_id,
                        query=self._done.release,
                        at=at,
                        rank=rank,
                        title=str(row.get("name") or ""),
                        payload=msgspec.json.encode({name: row[name] for name in names}),
                    )
                )
            self._name({self._bringer._source: named})  # noqa: SLF001

    def probes(self, table: Table) -> None:
        """Take questions and answers."""
        for part in self._batches(table):
            self._add_sources(dict.fromkeys((str(row["source"]) for _, row in part), _RECORDED))
            with engines.write(self._engine) as conn:
                numbers = source_ids(conn, {str(row["source"]) for _, row in part})
                found = []
                for _, row in part:
                    values = {name: row[name] for name in row if name != "source"}
                    found.append(Probe(**values, source_id=numbers[str(row["source"])], body=None))
                self._done.probes += add_new_probes(conn, found)

    def _name(self, by_source: dict[str, list[Named]]) -> None:
        self._add_sources(dict.fromkeys(by_source, _RECORDED))
        for source, named in by_source.items():
            with engines.write(self._engine) as conn:
                ids = {each.gizmo_id for each in named}
                engines.lock_keys(conn, ids)
                number = source_ids(conn, [source])[source]
                self._done.mentions += add_named(conn, number, named)
                frontier.add_ids(conn, ids, self._now)

    def _add_sources(self, dialects: dict[str, str]) -> None:
        """Make known who said it; one that is known keeps its dialect."""
        with engines.write(self._engine) as conn:
            known = set(source_names(conn).values())
            for name, dialect in dialects.items():
                if name not in known:
                    add_source(conn, name, dialect, self._now)

    def _observation(self, place: str, row: dict[str, Any]) -> Observation | None:
        """The observation that a row is; None: it is set aside."""
        source, verdict, at = str(row["source"]), str(row["verdict"]), int(row["observed_at"])
        reason = None
        if not is_name(source):
            reason = "its source's name is none"
        elif verdict not in VERDICTS:
            reason = "its verdict is none"
        elif not believable(at, self._now):
            reason = "nothing can have been said then"
        if reason is not None:
            self._set_aside(place, reason)
            return None
        recorded_at = row.get("recorded_at")
        observation = Observation(
            gizmo_id=str(row["gizmo_id"]),
            source=source,
            observed_at=at,
            recorded_at=self._now if recorded_at is None else min(int(recorded_at), self._now),
            wrapping=str(row["wrapping"]),
            run_id=self._run_id,
            verdict=verdict,
        )
        if not row["digest"]:
            return observation if self._is_id(place, observation.gizmo_id) else None
        payload = self._payload(place, row)
        if payload is None:
            return None
        try:
            document = self._bringer._deriver.document(payload[0], observation.wrapping)  # noqa: SLF001
        except NormalizeError as error:
            self._set_aside(place, str(error))
            return None
        return msgspec.structs.replace(
            observation,
            # A document is filed under the id it carries (law 5).
            gizmo_id=document.gizmo_id,
            digest=hashlib.sha256(payload[0]).digest(),
            payload=payload[0],
            redacted=bool(row["redacted"]) or payload[1],
            document=document,
        )

    def _payload(self, place: str, row: dict[str, Any]) -> tuple[bytes, bool] | None:
        """The bytes of a row without secrets, and whether there was one; None: it is set aside."""
        text, packed = row["payload"], row["payload_base64"]
        try:
            if text is not None:
                raw = str(text).encode()
            elif packed is not None:
                raw = b64decode(str(packed), validate=True)
            else:
                self._set_aside(place, "it has no payload")
                return None
        except BadBase64:
            self._set_aside(place, "its payload is no base64")
            return None
        digest = row.get("digest")
        if digest and hashlib.sha256(raw).hexdigest() != digest:
            self._set_aside(place, "its payload does not have its digest")
            return None
        return self._bringer._redactor.bytes(raw)  # noqa: SLF001

    def _is_id(self, place: str, gizmo_id: str) -> bool:
        try:
            return parse_reference(gizmo_id) == gizmo_id
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
            size += len(row.get("payload") or "") + len(row.get("payload_base64") or "")
            if len(held) >= BATCH or size >= BATCH_BYTES:
                yield held
                total += len(held)
                self._bringer._report(f"{total:,} rows of {table.name}")  # noqa: SLF001
                held, size = [], 0
        if held:
            yield held

    def _numbered(self, table: Table) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows of a table, each with the place where it stands."""
        for file in self._manifest.release.files:
            if file.table not in {table.name, None}:
                continue
            place = place_of(self._folder / file.path)
            for number, row in enumerate(self._read(file, table), 1):
                yield f"{place}:{table.name} {number}", row

    def _read(self, file: File, table: Table) -> Iterator[dict[str, Any]]:
        path = self._folder / file.path
        columns = table.columns
        if file.format == "parquet":
            yield from read_parquet(path, columns)
        elif file.format == "csv":
            with path.open(encoding="utf-8", newline="") as text:
                safe_cells = self._manifest.options.get("safe_cells", False)
                yield from read_csv(text, columns, safe_cells=safe_cells)
        elif file.format == "ndjson":
            with path.open("rb") as lines:
                yield from read_json(lines, columns)
        else:
            names = [column.name for column in columns]
            for values in read_dataset(path, table.name, names):
                row = dict(zip(names, values, strict=True))
                for column in columns:
                    if column.type == "timestamp" and row[column.name] is not None:
                        row[column.name] = from_iso(row[column.name])
                    elif column.type == "boolean" and row[column.name] is not None:
                        row[column.name] = bool(row[column.name])
                yield row
