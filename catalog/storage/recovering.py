"""Saving what can be saved of a damaged catalog into a new one.

Only kept rows are looked at; what is derived is derived again. A payload is believed if its bytes
have its digest; a document's observation if the document is of its GPT, and if the index that
repeats it does not say otherwise; any other row if all its values can be what they are. What
contradicts itself is not saved, and counted as lost.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Table, select, text, union

from catalog.errors import CatalogCorrupt, NormalizeError
from catalog.records import Observation, Verdict
from catalog.references import is_gizmo_id
from catalog.storage import tables as t
from catalog.storage import work_tables as w
from catalog.storage.archive import NewPayload, put_payloads
from catalog.storage.codec import Codec, decompress
from catalog.storage.dialects import insert_new
from catalog.storage.engine import ledger_of
from catalog.storage.erasing import erase_covered
from catalog.storage.frontier import add_ids
from catalog.storage.observe import VERDICTS, observe
from catalog.storage.rows import chunks
from catalog.storage.salvage import Wreck
from catalog.storage.stage2 import settle
from catalog.storage.tombstones import put_tombstones

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog.records import Deriver
    from catalog.times import Micros

PART = 500
"""Rows written at a time."""
_KEY = ("gizmo_id", "observed_at", "source_id", "payload_id")
"""What identifies an observation: the columns of the index that repeats it."""
_PRECIOUS: tuple[Table, ...] = (t.tombstones, t.sources, t.payloads, t.observations, t.discoveries)
"""Tables whose rows name each other."""
_PLAIN: tuple[Table, ...] = (
    t.runs,
    t.frontier,
    t.budgets,
    t.probes,
    t.fetch_failures,
    t.outcomes,
    w.job_states,
    w.job_runs,
    w.alarms,
    w.outcome_days,
    w.prunings,
    w.plan_days,
)
"""Tables whose rows are saved one by one, their source known."""


class Recovered(msgspec.Struct, kw_only=True):
    """What was saved, and what was not.

    Attributes:
        saved: rows in the new catalog, by table.
        lost: rows by table that are known to be lost: they contradict themselves, or only an index
            knows of them.
        unreadable: places by table that could not be read; nobody knows how many rows were there.
        erased: rows that were not kept, for tombstones cover them, by table.
        known_again: GPTs whose row of the frontier was lost: they are due now.
    """

    saved: dict[str, int] = msgspec.field(default_factory=dict)
    lost: dict[str, int] = msgspec.field(default_factory=dict)
    unreadable: dict[str, int] = msgspec.field(default_factory=dict)
    erased: dict[str, int] = msgspec.field(default_factory=dict)
    known_again: int = 0

    @property
    def is_short(self) -> bool:
        """Whether anything is lost, or may be."""
        return any(self.lost.values()) or any(self.unreadable.values())


class Recovery:
    """A recovery under way.

    Args:
        wreck: the damaged catalog.
        conn: the new one, empty, in a write transaction.
        deriver: the rules.
        now: the present moment.
        report: takes lines of progress.
    """

    def __init__(
        self,
        wreck: Wreck,
        conn: Connection,
        deriver: Deriver,
        now: Micros,
        report: Callable[[str], None],
    ) -> None:
        self._wreck = wreck
        self._conn = conn
        self._deriver = deriver
        self._now = now
        self._report = report
        self._saved: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._sources: dict[int, str] = {}
        self._codec = Codec()

    def run(self) -> Recovered:
        """Save what can be saved."""
        made = self._conn.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        self._wreck.mend((*_PRECIOUS, *_PLAIN), {row.name: row.sql for row in made})
        self._save_plain(t.tombstones)
        # Those that cannot be read any more, or came after this file, stand in the ledger.
        put_tombstones(self._conn, ledger_of(self._conn.engine).tombstones())
        self._save_sources()
        self._count_payloads()
        self._save_observations()
        self._save_discoveries()
        for table in _PLAIN:
            self._report(f"saving {table.name}")
            self._save_plain(table)
        # Rows about them may be older than the tombstones, or in a file that never heard of these.
        erased = erase_covered(self._conn, self._deriver).rows
        known_again = self._make_known()
        settle(self._conn, self._deriver)
        lost = self._lost + self._wreck.unfit
        return Recovered(
            saved=dict(sorted(self._saved.items())),
            lost=dict(sorted(lost.items())),
            unreadable=dict(sorted(self._wreck.torn.items())),
            erased=erased,
            known_again=known_again,
        )

    def _make_known(self) -> int:
        """Have every GPT that was ever observed or named in the frontier: else it is asked no more.

        Returns:
            How many were not there.
        """
        seen = union(*(select(table.c.gizmo_id) for table in (t.observations, t.discoveries)))
        ids = set(self._conn.execute(seen).scalars())
        return add_ids(self._conn, ids, self._now)

    def _save_sources(self) -> None:
        """Sources keep their numbers, so that rows need no translation."""
        rows = {row["source_id"]: row for row in self._wreck.rows(t.sources)}
        told: dict[int, str] = dict(self._wreck.pairs(t.sources, ["name"]))
        for number, row in rows.items():
            if told.get(number, row["name"]) != row["name"] or not row["name"].isprintable():
                self._lost[t.sources.name] += 1
                continue
            self._sources[number] = row["name"]
            self._conn.execute(insert_new(self._conn, t.sources), row)
            self._saved[t.sources.name] += 1

    def _source(self, number: int) -> str | None:
        return self._sources.get(number)

    def _count_payloads(self) -> None:
        """Count those that can be read, and those that cannot."""
        for row in self._wreck.rows(t.payloads):
            if row["payload_id"] != t.NOT_FOUND_PAYLOAD:
                is_good = self._decoded(row) is not None
                (self._saved if is_good else self._lost)[t.payloads.name] += 1
                self._report(f"{self._saved[t.payloads.name]:,} payloads are what they were")

    def _payload(self, number: int) -> tuple[bytes, bool] | None:
        """The bytes of a payload, if they have its digest, and whether it is redacted."""
        row = self._wreck.row(t.payloads, number)
        data = None if row is None else self._decoded(row)
        return None if row is None or data is None else (data, bool(row["redacted"]))

    def _decoded(self, row: dict[str, Any], *, is_base: bool = False) -> bytes | None:
        base = None
        if row["base_id"] is not None:
            below = self._wreck.row(t.payloads, row["base_id"])
            # Deltas build on what stands alone: a chain is damage.
            base = None if below is None or is_base else self._decoded(below, is_base=True)
            if base is None:
                return None
        try:
            data = self._codec.decode(row["encoding"], row["data"], base, row["size"])
        except (CatalogCorrupt, ValueError, MemoryError):
            return None
        return data if hashlib.sha256(data).digest() == row["digest"] else None

    def _save_observations(self) -> None:
        told: dict[int, tuple[Any, ...]] = {
            number: tuple(key) for number, *key in self._wreck.pairs(t.observations, _KEY)
        }
        rows = list(self._wreck.rows(t.observations))
        # Where a page passes over some of its rows, the index still names them.
        missing = len(told.keys() - {row["observation_id"] for row in rows})
        # The unfit are missing, too.
        unfit = self._wreck.unfit.pop(t.observations.name, 0)
        self._lost[t.observations.name] += max(missing, unfit)
        if missing > unfit:
            # What was at the places that cannot be read is known.
            self._wreck.torn.pop(t.observations.name, None)
        for part in chunks(rows, PART):
            batch = [found for row in part if (found := self._observation(row, told)) is not None]
            self._lost[t.observations.name] += len(part) - len(batch)
            done = observe(self._conn, self._deriver, batch)
            self._saved[t.observations.name] += sum(done.fresh)
            self._report(f"{self._saved[t.observations.name]:,} observations saved")

    def _observation(
        self, row: dict[str, Any], told: dict[int, tuple[Any, ...]]
    ) -> Observation | None:
        """An observation that nothing speaks against."""
        key = tuple(row[name] for name in _KEY)
        source = self._source(row["source_id"])
        is_odd = (
            told.get(row["observation_id"], key) != key
            or source is None
            or row["verdict"] not in VERDICTS
            or not is_gizmo_id(row["gizmo_id"])
        )
        if is_odd or source is None:
            return None
        plain = Observation(
            gizmo_id=row["gizmo_id"],
            source=source,
            observed_at=row["observed_at"],
            recorded_at=row["recorded_at"],
            run_id=row["run_id"],
            verdict=row["verdict"],
        )
        if row["payload_id"] == t.NOT_FOUND_PAYLOAD:
            return plain
        found = self._payload(row["payload_id"])
        if found is None:
            return None
        payload, redacted = found
        try:
            document = self._deriver.document(payload, row["wrapping"])
        except NormalizeError:
            return None
        if document.gizmo_id != row["gizmo_id"]:
            return None
        return msgspec.structs.replace(
            plain,
            digest=hashlib.sha256(payload).digest(),
            payload=payload,
            wrapping=row["wrapping"],
            redacted=redacted,
            document=document,
        )

    def _save_discoveries(self) -> None:
        for part in chunks(list(self._wreck.rows(t.discoveries)), PART):
            items: list[tuple[dict[str, Any], tuple[bytes, bool]]] = []
            for row in part:
                item = self._payload(row["payload_id"])
                if (
                    item is None
                    or not is_gizmo_id(row["gizmo_id"])
                    or self._source(row["source_id"]) is None
                ):
                    self._lost[t.discoveries.name] += 1
                else:
                    items.append((row, item))
            numbers = put_payloads(
                self._conn,
                [
                    NewPayload(
                        digest=hashlib.sha256(item).digest(),
                        payload=item,
                        redacted=redacted,
                        gizmo_id=row["gizmo_id"],
                    )
                    for row, (item, redacted) in items
                ],
            )
            rows = [
                row | {"payload_id": numbers[hashlib.sha256(item).digest()]}
                for row, (item, _) in items
            ]
            if rows:
                self._conn.execute(insert_new(self._conn, t.discoveries), rows)
            self._saved[t.discoveries.name] += len(rows)

    def _save_plain(self, table: Table) -> None:
        for part in chunks(list(self._wreck.rows(table)), PART):
            rows = [row for each in part if (row := self._plain(table, each)) is not None]
            self._lost[table.name] += len(part) - len(rows)
            self._saved[table.name] += len(rows)
            if rows:
                self._conn.execute(insert_new(self._conn, table), rows)

    def _plain(self, table: Table, row: dict[str, Any]) -> dict[str, Any] | None:
        """A row that nothing speaks against, free of claims and of numbers that are new now."""
        ids = [row[name] for name in ("gizmo_id",) if name in row]
        if not all(map(is_gizmo_id, ids)):
            return None
        if "source_id" in row and self._source(row["source_id"]) is None:
            return None
        if table in (t.outcomes, t.fetch_failures) and row["verdict"] not in set(Verdict):
            return None
        if isinstance(body := row.get("body"), bytes):
            try:
                decompress(body)
            except CatalogCorrupt:
                row["body"] = None
        # Whose process it was has ended, and observations have other numbers here.
        for name in ("observation_id", "lease_owner", "lease_until"):
            if name in row:
                row[name] = None
        for name, column in table.columns.items():
            if isinstance(row[name], int) and column.type.python_type is bool:
                row[name] = bool(row[name])
        return row
