"""Thinning (rule 14): dropping observations that say again what others before and after them say.

What the catalog says stays as it is, but for how often it was said: every row that stands, every
moment in it, and what a later document will be compared with. So a GPT's observations are only
dropped where the fold of the others gives the same rows, a source's only where its drift does, and
at the end the dump without counts is compared with the one before.

Kept of a GPT is each moment that begins, ends or moves a row, the one before it, the first and the
last with each set of paths that each source sent, whatever another row names, and what counts for
mass events or is quoted by drift or unmapped fields.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, delete, func, not_, select, true, update

from catalog.errors import StorageError
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads, remove_payloads
from catalog.storage.dump import facts_digest
from catalog.storage.erasing import unused_payloads
from catalog.storage.locks import own_derivation
from catalog.storage.prune import old_outcomes
from catalog.storage.rows import PER_GPT, chunks
from catalog.storage.shared import Shared
from catalog.storage.stage1 import load_statements, replay, replay_parts
from catalog.storage.stage2 import changes_by_day, settle
from catalog.times import DAY, day_of, parse_moment

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog.records import Deriver, Folded, Statement
    from catalog.times import Micros

LEAST = 3
"""Observations that a GPT has at least, if one of them may go: the first and the last stay."""
STREAM = 5000
"""Rows fetched at a time from a long result."""

_NAMED, _GOES = 1, 2
_EDGES = frozenset({"valid_from", "valid_to", "observed_at"})
"""Columns with moments at which something of a GPT begins or ends: the one before stays, too."""
_MOMENTS = frozenset({"not_before", "first_seen_at", "last_seen_at", "last_asked_at"})

Place = tuple[int, str]
"""A source and a wrapping: what drift is looked for in."""


class Thinned(msgspec.Struct, kw_only=True):
    """What was dropped, or may be.

    Attributes:
        observations: observations.
        payloads: payloads that no other observation names.
        size: bytes by which the archive is smaller; of a dry run, what the payloads take that go,
            before those that build on them are encoded anew.
    """

    observations: int = 0
    payloads: int = 0
    size: int = 0


class Plan:
    """Which observations may go.

    Args:
        conn: any transaction.
        deriver: the rules.
        before: later ones stay.
        outcomes_before: outcomes that would be pruned at this age name nothing (for a dry run).

    Attributes:
        gizmo_ids: the GPTs that some of them are about, sorted.
    """

    def __init__(
        self,
        conn: Connection,
        deriver: Deriver,
        before: Micros,
        outcomes_before: Micros | None = None,
    ) -> None:
        self._conn = conn
        self._deriver = deriver
        self._before = before
        # By number: one byte each, where sets of numbers would take sixty.
        newest = conn.execute(select(func.max(t.observations.c.observation_id))).scalar() or 0
        self._marks = bytearray(newest + 1)
        self._shapes = _shapes(conn)
        self._days = _days_that_count(conn, deriver)
        self._drift = _moments_of_drift(conn)
        self._unmapped = _moments_of_unmapped(conn)
        self._mark_named(outcomes_before)
        self.gizmo_ids = list(self._choose())
        while bad := [place for place in self._places() if self._drifts(place)]:
            self._take_back(bad)

    def going(self, gizmo_ids: Sequence[str]) -> list[Any]:
        """The observations of some GPTs that may go: number, time, payload, wrapping and source."""
        o, s = t.observations.c, t.sources.c
        query = (
            select(o.observation_id, o.observed_at, o.payload_id, o.wrapping, s.name)
            .join(t.sources, s.source_id == o.source_id)
            .where(o.gizmo_id.in_(gizmo_ids))
        )
        return [row for row in self._conn.execute(query) if self._goes(row.observation_id)]

    def count(self) -> Thinned:
        """How much that would be."""
        done = Thinned()
        o, p, d = t.observations.c, t.payloads.c, t.discoveries.c
        for gpts in chunks(self.gizmo_ids):
            going = self.going(gpts)
            done.observations += len(going)
            for part in chunks(sorted({row.payload_id for row in going} - {t.NOT_FOUND_PAYLOAD})):
                by = self._conn.execute(
                    select(o.payload_id, o.observation_id).where(o.payload_id.in_(part))
                )
                used = {payload for payload, number in by if not self._goes(number)}
                used.update(
                    self._conn.execute(select(d.payload_id).where(d.payload_id.in_(part))).scalars()
                )
                unused = set(part) - used
                done.payloads += len(unused)
                size = select(func.sum(func.length(p.data))).where(p.payload_id.in_(unused))
                done.size += int(self._conn.execute(size).scalar() or 0)
        return done

    def _goes(self, number: int) -> bool:
        return self._marks[number] == _GOES

    def _mark_named(self, outcomes_before: Micros | None) -> None:
        """Whatever a row of another table names stays."""
        for table in t.metadata.sorted_tables:
            if table is t.observations or "observation_id" not in table.c:
                continue
            query = select(table.c.observation_id).where(table.c.observation_id.is_not(None))
            if table is t.outcomes and outcomes_before is not None:
                query = query.where(not_(old_outcomes(outcomes_before)))
            for number in self._conn.execute(query.execution_options(yield_per=STREAM)).scalars():
                self._marks[number] = _NAMED

    # GPT by GPT.

    def _choose(self) -> Iterator[str]:
        """Mark what may go of each GPT; the GPTs of which something may."""
        o = t.observations.c
        old = func.min(o.observed_at) < self._before
        gizmo_ids = self._conn.execute(
            select(o.gizmo_id)
            .group_by(o.gizmo_id)
            .having(func.count() >= LEAST, old)
            .order_by(o.gizmo_id)
        ).scalars()
        for part in replay_parts(self._conn, list(gizmo_ids)):
            chosen = self._candidates(part)
            if not chosen:
                continue
            statements, _ = load_statements(self._conn, self._deriver, sorted(chosen))
            for gizmo_id in sorted(chosen):
                if self._says_the_same(gizmo_id, statements[gizmo_id], chosen[gizmo_id]):
                    for number in chosen[gizmo_id]:
                        self._marks[number] = _GOES
                    yield gizmo_id

    def _candidates(self, gizmo_ids: Sequence[str]) -> dict[str, set[int]]:
        """The observations of some GPTs that nothing stands for, by GPT."""
        edges, moments = self._standing(gizmo_ids)
        o = t.observations.c
        rows = self._conn.execute(
            select(
                o.observation_id,
                o.gizmo_id,
                o.observed_at,
                o.source_id,
                o.wrapping,
                o.shape_id,
                o.payload_id,
                o.verdict,
            )
            .where(o.gizmo_id.in_(gizmo_ids))
            .order_by(o.gizmo_id, o.observed_at, o.observation_id)
        )
        found: dict[str, set[int]] = {}
        for gizmo_id, mine in itertools.groupby(rows, key=lambda row: row.gizmo_id):
            steps = [
                list(step) for _, step in itertools.groupby(mine, key=lambda row: row.observed_at)
            ]
            stay = self._stay(steps, edges[gizmo_id], moments[gizmo_id])
            left = [step for place, step in enumerate(steps) if place not in stay]
            if left:
                found[gizmo_id] = {row.observation_id for step in left for row in step}
        return found

    def _stay(
        self, steps: Sequence[Sequence[Any]], edges: set[Micros], moments: set[Micros]
    ) -> set[int]:
        """The places of the steps that stay; a step goes whole or not at all."""
        stay = {0, len(steps) - 1}
        first: dict[object, int] = {}
        last: dict[object, int] = {}
        for place, step in enumerate(steps):
            at = step[0].observed_at
            if at in edges:
                stay |= {place, place - 1}
            if at in moments or at >= self._before or at // DAY in self._days:
                stay.add(place)
            for row in step:
                sent = (row.source_id, row.wrapping, row.shape_id)
                first.setdefault(sent, place)
                last[sent] = place
                if self._marks[row.observation_id] or self._is_quoted(row):
                    stay.add(place)
        return stay | set(first.values()) | set(last.values())

    def _is_quoted(self, row: Any) -> bool:
        if row.payload_id == t.NOT_FOUND_PAYLOAD:
            # One whose run is open is judged later.
            return not row.verdict
        if row.observed_at in self._drift.get((row.source_id, row.wrapping), ()):
            return True
        paths = self._unmapped.get(row.observed_at)
        return paths is not None and not paths.isdisjoint(self._shapes.get(row.shape_id, ()))

    def _standing(
        self, gizmo_ids: Sequence[str]
    ) -> tuple[dict[str, set[Micros]], dict[str, set[Micros]]]:
        """The moments that stand in the rows of some GPTs: edges, and others."""
        edges: dict[str, set[Micros]] = defaultdict(set)
        moments: dict[str, set[Micros]] = defaultdict(set)
        for table in PER_GPT:
            for names, found in ((_EDGES, edges), (_MOMENTS, moments)):
                columns = [column for column in table.columns if column.name in names]
                if not columns:
                    continue
                query = select(table.c.gizmo_id, *columns).where(table.c.gizmo_id.in_(gizmo_ids))
                for gizmo_id, *times in self._conn.execute(query):
                    found[gizmo_id].update(at for at in times if at is not None)
        return edges, moments

    def _says_the_same(self, gizmo_id: str, said: Sequence[Statement], without: set[int]) -> bool:
        left = [each for each in said if each.observation_id not in without]
        return _facts(self._deriver.fold(gizmo_id, None, said)) == _facts(
            self._deriver.fold(gizmo_id, None, left)
        )

    # Source by source.

    def _places(self) -> list[Place]:
        """The places of which something may go."""
        o = t.observations.c
        query = select(o.source_id, o.wrapping).where(o.shape_id.is_not(None)).distinct()
        return [(source_id, wrapping) for source_id, wrapping in self._conn.execute(query)]

    def _drifts(self, place: Place) -> bool:
        """Whether the drift of a place would be another."""
        whole, left = (
            self._deriver.drift(self._documents(place, thinned=thinned), self._shapes)
            for thinned in (False, True)
        )
        return whole != left

    def _documents(self, place: Place, *, thinned: bool) -> Iterator[tuple[Micros, str, int]]:
        o = t.observations.c
        rows = self._conn.execute(
            select(o.observation_id, o.observed_at, o.gizmo_id, o.shape_id)
            .where(o.source_id == place[0], o.wrapping == place[1], o.shape_id.is_not(None))
            .order_by(o.observed_at, o.gizmo_id)
            .execution_options(yield_per=STREAM)
        )
        for number, at, gizmo_id, shape_id in rows:
            if not (thinned and self._goes(number)):
                yield at, gizmo_id, shape_id

    def _take_back(self, places: Sequence[Place]) -> None:
        """Let whatever is known of the GPTs of some places stay."""
        o = t.observations.c
        back: set[str] = set()
        for source_id, wrapping in places:
            query = select(o.gizmo_id).where(o.source_id == source_id, o.wrapping == wrapping)
            back.update(self._conn.execute(query.distinct()).scalars())
        for part in chunks(sorted(back)):
            numbers = self._conn.execute(select(o.observation_id).where(o.gizmo_id.in_(part)))
            for number in numbers.scalars():
                self._marks[number] = _NAMED
        self.gizmo_ids = [gizmo_id for gizmo_id in self.gizmo_ids if gizmo_id not in back]


def thin(conn: Connection, deriver: Deriver, before: Micros) -> Thinned:
    """Drop the observations that may go.

    Args:
        conn: in a write transaction; to be rolled back where this raises.
        deriver: the rules.
        before: later ones stay.

    Raises:
        StorageError: the catalog would not say the same any more.
    """
    own_derivation(conn)
    settle(conn, deriver)
    stood, size = facts_digest(conn), _size(conn)
    plan = Plan(conn, deriver, before)
    done = Thinned()
    shared = Shared()
    lost: Counter[str] = Counter()
    for gpts in replay_parts(conn, plan.gizmo_ids):
        going = plan.going(gpts)
        _note(conn, deriver, going, shared, lost)
        for part in chunks([row.observation_id for row in going]):
            conn.execute(delete(t.observations).where(t.observations.c.observation_id.in_(part)))
        unused = unused_payloads(conn, {row.payload_id for row in going} - {t.NOT_FOUND_PAYLOAD})
        remove_payloads(conn, unused)
        done.observations += len(going)
        done.payloads += len(unused)
        # Their rows stay; how often they were said, and the state of their fold, does not.
        replay(conn, deriver, gpts, shared)
        shared.write(conn)
    if lost:
        c = t.unmapped_fields.c
        conn.execute(
            update(t.unmapped_fields)
            .where(c.path == bindparam("its_path"))
            .values(count=c["count"] - bindparam("fewer")),
            [{"its_path": path, "fewer": count} for path, count in sorted(lost.items())],
        )
    settle(conn, deriver)
    if facts_digest(conn) != stood:
        raise StorageError(
            "without the observations that thinning drops the catalog would not say the same:"
            " nothing was dropped; if the program is newer than what it derived, run gpts-catalog"
            " rebuild and try again"
        )
    done.size = size - _size(conn)
    return done


def _note(
    conn: Connection,
    deriver: Deriver,
    going: Sequence[Any],
    shared: Shared,
    lost: Counter[str],
) -> None:
    """Have stage 2 look again at what observations that go were part of."""
    shared.enqueue("day", (day_of(row.observed_at) for row in going))
    documents = [row for row in going if row.payload_id != t.NOT_FOUND_PAYLOAD]
    places = {(row.name, row.wrapping) for row in documents}
    shared.enqueue("shape", (msgspec.json.encode(place).decode() for place in places))
    for part in chunks(documents):
        payloads = get_payloads(conn, {row.payload_id for row in part})
        for row in part:
            document = deriver.document(payloads[row.payload_id], row.wrapping)
            lost.update(unmapped.path for unmapped in document.unmapped)


def _facts(folded: Folded) -> object:
    """What a fold says, without how often it was said."""
    rows = {
        table: {
            key: {name: value for name, value in row.items() if name != "stale_copies"}
            for key, row in by_key.items()
        }
        for table, by_key in folded.rows.items()
    }
    return {table: by_key for table, by_key in rows.items() if by_key}, folded.authors


def _size(conn: Connection) -> int:
    """Bytes that the archive's payloads take."""
    return int(conn.execute(select(func.sum(func.length(t.payloads.c.data)))).scalar() or 0)


def _shapes(conn: Connection) -> dict[int, list[str]]:
    s = t.shapes.c
    return {
        shape_id: msgspec.json.decode(paths)
        for shape_id, paths in conn.execute(select(s.shape_id, s.paths))
    }


def _days_that_count(conn: Connection, deriver: Deriver) -> set[int]:
    """The days, by number, on which as many GPTs show a difference as a mass event needs.

    Whether it is one depends on how many others were looked at.
    """
    days: set[int] = set()

    def asked(which: Sequence[str]) -> int:
        days.update(parse_moment(day) // DAY for day in which)
        return 0

    deriver.mass_events(changes_by_day(conn, true()), asked)
    return days


def _moments_of_drift(conn: Connection) -> dict[Place, set[Micros]]:
    d = t.drift.c
    found: dict[Place, set[Micros]] = defaultdict(set)
    for source_id, wrapping, *times in conn.execute(
        select(d.source_id, d.wrapping, d.at, d.first_seen_at, d.last_seen_at)
    ):
        found[source_id, wrapping].update(times)
    return found


def _moments_of_unmapped(conn: Connection) -> dict[Micros, set[str]]:
    """The paths whose first or last mention was at each moment."""
    u = t.unmapped_fields.c
    found: dict[Micros, set[str]] = defaultdict(set)
    for path, *times in conn.execute(select(u.path, u.first_seen_at, u.last_seen_at)):
        for at in times:
            found[at].add(path)
    return found
