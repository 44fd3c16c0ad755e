"""Import: files in, observations and discoveries out, by the one write path."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from catalog.dialects.recorded import read_value
from catalog.importing.files import Piece, Skipped, files_of, pieces, place_of
from catalog.intake import Redacts, take
from catalog.records import Deriver, Observation, Reading, Verdict
from catalog.storage import engine as engines
from catalog.storage import failures, frontier, runs
from catalog.storage.locks import share_derivation
from catalog.storage.mentions import Named, add_named, without_forgotten
from catalog.storage.observe import FORGOTTEN, observe
from catalog.storage.sources import add_source
from catalog.storage.stage2 import Settled, settle
from catalog.text import escape_text
from catalog.times import SECOND, Clock, Micros

if TYPE_CHECKING:
    from catalog.storage.engine import Engine

BATCH = 1000
"""Documents, mentions and refused pieces written in one transaction. Of 100,000 GPTs half as many
wrote 22 GB into the catalog, twice as many 12: each touches every part of thirty indexes. Memory
grows with it, by 20 MB from one to the next."""
BATCH_BYTES = 64 * 2**20
"""Their bytes after which it is written, however few they are: bounds memory."""


class Imported(msgspec.Struct, kw_only=True):
    """What an import did.

    Attributes:
        run: its run.
        files: files looked at.
        documents: documents read.
        observations: of those, new to the catalog.
        known: of those, met before.
        new: GPTs not known before.
        changed: documents that changed content.
        unchanged: new observations that changed none.
        mentions: ids that lists and search answers name; new ones.
        set_aside: what is no document, and why, in the order of the files.
        misdated: times that were not believable, and replaced (rule 2).
        file_dated: documents dated by their file, for want of anything better.
        forgotten: documents, and mentions of ids, that were left out: the catalog was told to
            forget whom they are about.
        seconds: how long it took.
    """

    run: str
    files: int = 0
    documents: int = 0
    observations: int = 0
    known: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    mentions: int = 0
    set_aside: list[Skipped] = []
    misdated: int = 0
    file_dated: int = 0
    forgotten: int = 0
    seconds: float = 0.0


class ImportProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Where an import stands, for a display.

    Attributes:
        file: the file being read.
        read: bytes read of all files.
        size: bytes of all files.
        documents: documents read.
    """

    file: str
    read: int
    size: int
    documents: int


class Importer:
    """Reads files into the catalog as the answers of one source.

    Args:
        engine: the catalog.
        source: the source's name.
        dialect: how that source is asked.
        deriver: the rules of derivation.
        redactor: replaces configured secrets.
        clock: says when.
        rng: for the run's id.
        observed_at: when the documents were said that do not say it themselves.
        report: called with the progress, batch by batch.
    """

    def __init__(
        self,
        engine: Engine,
        source: str,
        dialect: str,
        *,
        deriver: Deriver,
        redactor: Redacts,
        clock: Clock,
        rng: random.Random,
        observed_at: Micros | None = None,
        report: Callable[[ImportProgress], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._source = source
        self._dialect = dialect
        self._deriver = deriver
        self._redactor = redactor
        self._clock = clock
        self._rng = rng
        self._observed_at = observed_at
        self._report = report
        self._source_id = 0
        self.settled: Settled | None = None
        self._effects: Counter[str] = Counter()
        self._observations: list[Observation] = []
        self._named: list[Named] = []
        self._failures: list[failures.Failure] = []
        self._held = 0

    def run(self, paths: Sequence[Path]) -> Imported:
        """Import ``paths``. What was committed stays, should the program end half-way.

        Raises:
            UsageError: a path is not there.
            StorageError: the catalog cannot be used.
        """
        files = files_of(paths)
        started_at = self._clock.now()
        with engines.write(self._engine) as conn:
            self._source_id = add_source(conn, self._source, self._dialect, started_at)
            run, _ = runs.open_or_resume(
                conn,
                runs.RunKey(
                    command="import",
                    source=self._source,
                    ids_digest=hashlib.sha256(
                        # File names can be other bytes than UTF-8, and Python's stand for them.
                        "\n".join(map(str, files)).encode(errors="surrogateescape")
                    ).hexdigest(),
                ),
                now=started_at,
                rng=self._rng,
            )
        self._imported = Imported(run=run.run_id, files=len(files))
        sizes = {path: path.stat().st_size if path.is_file() else 0 for path in files}
        passed, current = 0, files[0] if files else None
        for piece in pieces(files):
            if isinstance(piece, Skipped):
                self._set_aside(piece.place, piece.reason)
                continue
            if piece.path != current:
                passed += sizes.get(current, 0) if current else 0
                current = piece.path
            if self._piece(piece):
                self._report(
                    ImportProgress(
                        file=place_of(piece.path),
                        read=passed + piece.read,
                        size=sum(sizes.values()),
                        documents=self._imported.documents,
                    )
                )
        self._write()
        self._finish(started_at)
        return self._imported

    def _piece(self, piece: Piece) -> bool:
        """Take what a piece says; whether a batch was full, and written."""
        # Secrets go before anything else sees the bytes (law 10).
        raw, redacted = self._redactor.bytes(piece.raw)
        found = read_value(raw)
        written = False
        for refusal in found.refusals:
            # Neighbours refused alike are one refusal: the whole piece holds them all.
            body = refusal.payload if refusal.count == 1 else raw
            self._set_aside(piece.place, refusal.reason, body, redacted=redacted)
            written |= self._write_full()
        for reading in found.readings:
            self._reading(reading, piece, redacted=redacted)
            written |= self._write_full()
        for mention in found.mentions:
            at = self._observed_at or piece.path_date or piece.file_date
            self._named.append(
                Named(
                    gizmo_id=mention.gizmo_id,
                    query=piece.place,
                    at=at,
                    rank=mention.rank,
                    title=escape_text(mention.title),
                    payload=mention.payload,
                    redacted=redacted,
                )
            )
            self._held += len(mention.payload)
            written |= self._write_full()
        return written

    def _reading(self, reading: Reading, piece: Piece, *, redacted: bool) -> None:
        said_at = (self._observed_at, piece.path_date, piece.file_date)
        taken = take(
            reading,
            source=self._source,
            run_id=self._imported.run,
            received_at=self._clock.now(),
            said_at=said_at,
            redactor=self._redactor,
            normalize=self._deriver.document,
            redacted=redacted,
        )
        self._imported.misdated += taken.misdated
        if taken.observation is None:
            detail = taken.reading.detail
            self._set_aside(piece.place, detail, taken.reading.payload, redacted=redacted)
            return
        if reading.verdict is not Verdict.NOT_FOUND:
            self._imported.documents += 1
        if all(at is None for at in (reading.said_at, *said_at[:-1])):
            self._imported.file_dated += 1
        self._observations.append(taken.observation)
        self._held += len(taken.observation.payload)

    def _set_aside(
        self, place: str, reason: str, body: bytes | None = None, *, redacted: bool = False
    ) -> None:
        """Name what is no document; what could be read of it is archived too (law 1)."""
        self._imported.set_aside.append(Skipped(place=place, reason=reason))
        if body is not None:
            self._held += len(body)
            self._failures.append(
                failures.Failure(
                    run_id=self._imported.run,
                    source_id=self._source_id,
                    asked_id=place,
                    verdict=Verdict.MALFORMED,
                    status=0,
                    detail=escape_text(reason),
                    at=self._clock.now(),
                    redacted=redacted,
                    body=body,
                )
            )

    def _write_full(self) -> bool:
        """Write what was gathered if it is enough; whether it was."""
        count = len(self._observations) + len(self._named) + len(self._failures)
        is_full = count >= BATCH or self._held >= BATCH_BYTES
        if is_full:
            self._write()
        return is_full

    def _write(self) -> None:
        """Write what was gathered, in one transaction, and count it into the run."""
        ids = {each.gizmo_id for each in self._observations}
        ids.update(each.gizmo_id for each in self._named)
        with engines.write(self._engine) as conn:
            share_derivation(conn)
            engines.lock_keys(conn, ids)
            observed = observe(conn, self._deriver, self._observations)
            named = without_forgotten(conn, self._named)
            self._imported.mentions += add_named(conn, self._source_id, named)
            failures.add_failures(conn, failures.unknown_failures(conn, self._failures))
            known = {
                o.gizmo_id
                for o, effect in zip(self._observations, observed.effects, strict=True)
                if effect != FORGOTTEN
            }
            known.update(each.gizmo_id for each in named)
            frontier.add_ids(conn, known, self._clock.now())
            effects = Counter(
                effect
                for fresh, effect in zip(observed.fresh, observed.effects, strict=True)
                if fresh
            )
            documents = sum(
                1
                for o, effect in zip(self._observations, observed.effects, strict=True)
                if o.digest and effect != FORGOTTEN
            )
            runs.add_totals(
                conn,
                self._imported.run,
                requested=documents,
                documents=documents,
                new=effects["new"],
                changed=effects["changed"],
                unchanged=documents - effects["new"] - effects["changed"],
            )
        self._effects += effects
        self._imported.observations += sum(observed.fresh)
        forgotten = observed.effects.count(FORGOTTEN)
        self._imported.known += len(observed.fresh) - sum(observed.fresh) - forgotten
        self._imported.forgotten += forgotten + len(self._named) - len(named)
        self._observations, self._named, self._failures = [], [], []
        self._held = 0

    def _finish(self, started_at: Micros) -> None:
        imported, now = self._imported, self._clock.now()
        imported.new = self._effects["new"]
        imported.changed = self._effects["changed"]
        imported.unchanged = self._effects["unchanged"]
        imported.seconds = (now - started_at) / SECOND
        with engines.write(self._engine) as conn:
            self.settled = settle(conn, self._deriver)
            runs.close_run(conn, imported.run, now=now, status="finished")
