"""The frontier: which ids are known, when each is due, and who holds it now.

A worker claims ids for a time and gives each back with its next visit. What it claimed and never
gave back is free again when the lease ends, or as soon as its process is seen to be gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, delete, exists, func, or_, select, update

from catalog.storage.dialects import insert_new
from catalog.storage.rows import chunks
from catalog.storage.tables import discoveries, frontier, outcomes
from catalog.storage.tombstones import forgotten_among
from catalog.times import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sqlalchemy import Connection

    from catalog.times import Micros

AHEAD: Micros = HOUR
"""By so much clocks of machines that share a catalog may differ."""

_f = frontier.c


class Lease(msgspec.Struct, frozen=True):
    """A time-limited claim.

    Attributes:
        owner: the worker.
        until: when the claim ends.
    """

    owner: str
    until: Micros


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What the planner keeps of a GPT; see :class:`catalog.plan.State`, which names the members."""

    evidence_shape: float = 0.0
    evidence_days: float = 0.0
    confirmed_at: Micros | None = None
    misses: int = 0
    cell: int | None = None
    rate: float = 0.0
    log_rate: float = 0.0
    stratum: str = ""


class Claimed(Learned, frozen=True, kw_only=True):
    """An id that a worker holds, and what is known of it.

    Attributes:
        gizmo_id: the id.
        attempts: visits without a fact since the last one.
        due_at: when it was due.
        last_asked_at: when it was asked before; None: never.
    """

    gizmo_id: str
    attempts: int
    due_at: Micros
    last_asked_at: Micros | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """How a visit ended, and when the next one is.

    Attributes:
        gizmo_id: the id.
        at: when it ended.
        verdict: how.
        attempts: visits without a fact since the last one, this one included.
        due_at: when it is to be asked next.
        learned: what the planner knows now; None leaves what it knew.
    """

    gizmo_id: str
    at: Micros
    verdict: str
    attempts: int
    due_at: Micros
    learned: Learned | None = None


_LEARNED = Learned.__struct_fields__


class FrontierCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The frontier in numbers.

    Attributes:
        known: ids.
        never_asked: of them, those not asked yet.
        due: those due now, whoever holds them.
        leased: those that a worker holds now.
        expired: those whose worker did not give them back in time.
        next_due_at: the earliest time at which one is due, of those due later than now.
    """

    known: int
    never_asked: int
    due: int
    leased: int
    expired: int
    next_due_at: Micros | None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Ids that are due, and held.

    Attributes:
        ids: how many.
        owners: by whom.
        until: when the last of these claims ends, if it is not renewed.
    """

    ids: int = 0
    owners: tuple[str, ...] = ()
    until: Micros = 0


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """That a query or file named an id.

    Attributes:
        gizmo_id: the id.
        source_id: the source.
        query: the words, or the file.
        at: when it was said.
        rank: its place there, from 1.
        title: its name there.
        payload_id: the item as sent.
    """

    gizmo_id: str
    source_id: int
    query: str
    at: Micros
    rank: int
    title: str
    payload_id: int


def add_ids(conn: Connection, ids: Iterable[str], now: Micros) -> int:
    """Make ids known; new ones are due at once. Who was to be forgotten is not made known again.

    Args:
        conn: a writing transaction.
        ids: in any order, repeated or not.
        now: the present moment.

    Returns:
        How many of them are new.
    """
    new = 0
    wanted = set(ids)
    wanted -= forgotten_among(conn, wanted)
    # In one order, so that two writers of the same ids cannot wait for each other.
    for part in chunks(sorted(wanted)):
        rows = [{"gizmo_id": each, "added_at": now, "due_at": now, "attempts": 0} for each in part]
        new += len(conn.execute(insert_new(conn, frontier).returning(_f.gizmo_id), rows).all())
    return new


def is_empty(conn: Connection) -> bool:
    """Whether no id is known at all."""
    return not conn.execute(select(exists().select_from(frontier))).scalar()


def due(conn: Connection, now: Micros, limit: int) -> list[str]:
    """The ids that :func:`claim` would take, without taking them."""
    query = select(_f.gizmo_id).where(_f.due_at <= now, _free(now))
    return list(conn.execute(query.order_by(_f.due_at, _f.gizmo_id).limit(limit)).scalars())


def asked_before(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[Micros, Micros | None]]:
    """When each of some ids is due, and was asked last.

    Args:
        conn: any transaction.
        ids: ids; those that are not known are left out.
    """
    found: dict[str, tuple[Micros, Micros | None]] = {}
    for part in chunks(ids):
        query = select(_f.gizmo_id, _f.due_at, _f.last_asked_at).where(_f.gizmo_id.in_(part))
        found |= {row.gizmo_id: (row.due_at, row.last_asked_at) for row in conn.execute(query)}
    return found


def recall(conn: Connection, now: Micros) -> int:
    """Make due at once what was asked by a clock that was ahead, and has been set back since.

    Nothing was learned since the time that is now, and what is planned from there on would leave
    all that was asked then alone until it comes.

    Args:
        conn: a writing transaction.
        now: the present moment.

    Returns:
        How many they are.
    """
    late = now + AHEAD
    return conn.execute(
        update(frontier).where(_f.last_asked_at > late, _f.due_at > now).values(due_at=now)
    ).rowcount


def was_ahead(conn: Connection, now: Micros) -> bool:
    """Whether anything was asked at a time that is still to come: told by an index."""
    return bool(conn.execute(select(exists().where(outcomes.c.at > now + AHEAD))).scalar())


def soonest(conn: Connection, now: Micros, floor: Micros, limit: int) -> list[str]:
    """The ids that are due next though not yet: for a budget that is left over.

    What waits after a failure, or since it was not found, waits for a reason.

    Args:
        conn: any transaction.
        now: the present moment.
        floor: the least time since an id was last asked.
        limit: at most so many.
    """
    query = select(_f.gizmo_id).where(
        _f.due_at > now,
        _f.attempts == 0,
        _f.misses == 0,
        _f.last_asked_at <= now - floor,
        _free(now),
    )
    return list(conn.execute(query.order_by(_f.due_at, _f.gizmo_id).limit(limit)).scalars())


def claim(
    conn: Connection, lease: Lease, *, ids: Sequence[str] | None, limit: int, now: Micros
) -> list[Claimed]:
    """Take ids that nobody holds, in one statement, so that no two workers take the same.

    Args:
        conn: a writing transaction.
        lease: who takes them, for how long.
        ids: only these, due or not, at most a few thousand; None for whatever is due.
        limit: at most so many.
        now: the present moment.

    Returns:
        What was taken: in the order of ``ids``, else the longest due first.
    """
    asked = _f.due_at <= now if ids is None else _f.gizmo_id.in_(ids)
    wanted = select(_f.gizmo_id).where(_free(now), asked)
    # A CTE, because PostgreSQL may run a sub-select again for each row, and then exceed the limit.
    # SQLite has no such lock and needs none: SQLAlchemy leaves it out.
    taken = (
        wanted.order_by(_f.due_at, _f.gizmo_id).limit(limit).with_for_update(skip_locked=True)
    ).cte("taken")
    found = conn.execute(
        update(frontier)
        .where(_f.gizmo_id.in_(select(taken.c.gizmo_id)))
        .values(lease_owner=lease.owner, lease_until=lease.until)
        .returning(*(_f[name] for name in Claimed.__struct_fields__))
    )
    claimed = [Claimed(**row) for row in found.mappings()]
    if ids is None:
        return sorted(claimed, key=lambda each: (each.due_at, each.gizmo_id))
    place = {gizmo_id: index for index, gizmo_id in enumerate(ids)}
    return sorted(claimed, key=lambda each: place[each.gizmo_id])


def renew(conn: Connection, owner: str, until: Micros) -> set[str]:
    """Hold on to everything that ``owner`` still has; the ids."""
    _lock_owned(conn, owner)
    held = update(frontier).where(_f.lease_owner == owner).values(lease_until=until)
    return set(conn.execute(held.returning(_f.gizmo_id)).scalars())


def release(conn: Connection, owner: str, moves: Sequence[Move]) -> int:
    """Give ids back with their next visits (law 8).

    Args:
        conn: a writing transaction.
        owner: who held them; what it lost to another in the meantime is not touched.
        moves: of each id, what comes next.

    Returns:
        How many were still its own.
    """
    ordered = sorted(moves, key=lambda move: move.gizmo_id)
    released = 0
    for learns in (False, True):
        rows = [
            {
                "id": move.gizmo_id,
                "at": move.at,
                "said": move.verdict,
                "count": move.attempts,
                "next": move.due_at,
                **(msgspec.structs.asdict(move.learned) if move.learned else {}),
            }
            for move in ordered
            if (move.learned is not None) == learns
        ]
        if rows:
            learned: dict[str, Any] = {
                name: bindparam(name) for name in (_LEARNED if learns else ())
            }
            released += conn.execute(
                update(frontier)
                .where(_f.gizmo_id == bindparam("id"), _f.lease_owner == owner)
                .values(
                    due_at=bindparam("next"),
                    attempts=bindparam("count"),
                    last_asked_at=bindparam("at"),
                    last_verdict=bindparam("said"),
                    lease_owner=None,
                    lease_until=None,
                    **learned,
                ),
                rows,
            ).rowcount
    return released


def drop(conn: Connection, owner: str, ids: Collection[str] | None = None) -> int:
    """Give ids back that were not asked: they are due as before.

    Args:
        conn: a writing transaction.
        owner: who held them.
        ids: only these; None for all that it has.

    Returns:
        How many were its own.
    """
    _lock_owned(conn, owner)
    parts = [None] if ids is None else list(chunks(sorted(ids)))
    dropped = 0
    for part in parts:
        statement = update(frontier).where(_f.lease_owner == owner)
        if part is not None:
            statement = statement.where(_f.gizmo_id.in_(part))
        dropped += conn.execute(statement.values(lease_owner=None, lease_until=None)).rowcount
    return dropped


def remove(conn: Connection, ids: Collection[str]) -> None:
    """Make ids unknown: they are asked for no more.

    Args:
        conn: a writing transaction.
        ids: those of GPTs that the catalog was told to forget.
    """
    for part in chunks(sorted(ids)):
        conn.execute(delete(frontier).where(_f.gizmo_id.in_(part)))


def reap(conn: Connection, is_alive: Callable[[str], bool]) -> int:
    """Free what workers hold that are gone.

    Args:
        conn: a writing transaction.
        is_alive: whether the worker of that name may still be at work.

    Returns:
        How many ids were freed.
    """
    owners = conn.execute(select(_f.lease_owner).where(_f.lease_owner > "").distinct()).scalars()
    return sum(drop(conn, owner) for owner in sorted(owners) if not is_alive(owner))


def count_frontier(conn: Connection, now: Micros) -> FrontierCounts:
    """The frontier in numbers at ``now``."""

    def how_many(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(*conditions)

    held = _f.lease_owner.is_not(None)
    row = conn.execute(
        select(
            func.count().label("known"),
            how_many(_f.last_asked_at.is_(None)).label("never_asked"),
            how_many(_f.due_at <= now).label("due"),
            how_many(held, _f.lease_until > now).label("leased"),
            how_many(held, _f.lease_until <= now).label("expired"),
            func.min(_f.due_at).filter(_f.due_at > now).label("next_due_at"),
        )
    )
    return FrontierCounts(**row.mappings().one())


def held_due(conn: Connection, now: Micros) -> Held:
    """What of the due :func:`due` leaves out, as workers hold it."""
    rows = conn.execute(
        select(_f.lease_owner, func.count(), func.max(_f.lease_until))
        # By an index: few are held at any time.
        .where(_f.lease_owner > "", _f.lease_until > now, _f.due_at <= now)
        .group_by(_f.lease_owner)
        .order_by(_f.lease_owner)
    ).all()
    return Held(
        ids=sum(row[1] for row in rows),
        owners=tuple(row[0] for row in rows),
        until=max((row[2] for row in rows), default=0),
    )


def add_discoveries(conn: Connection, items: Sequence[Discovery]) -> int:
    """Record which query or file named which ids; how many of these facts are new."""
    if not items:
        return 0
    rows = sorted(
        (msgspec.structs.asdict(item) for item in items),
        key=lambda row: (row["gizmo_id"], row["source_id"], row["query"], row["at"]),
    )
    statement = insert_new(conn, discoveries).returning(discoveries.c.gizmo_id)
    return sum(len(conn.execute(statement, list(part)).all()) for part in chunks(rows))


def unknown_to(conn: Connection, source_id: int, ids: Iterable[str]) -> set[str]:
    """Those of some ids that a source has not named yet."""
    c = discoveries.c
    unknown = set(ids)
    for part in chunks(sorted(unknown)):
        query = select(c.gizmo_id).where(c.gizmo_id.in_(part), c.source_id == source_id)
        unknown.difference_update(conn.execute(query).scalars())
    return unknown


def _lock_owned(conn: Connection, owner: str) -> None:
    """Lock what ``owner`` has in one order, so that two writers cannot wait for each other.

    SQLite has one writer at a time, and SQLAlchemy leaves the lock out.
    """
    if conn.dialect.name == "postgresql":
        mine = select(_f.gizmo_id).where(_f.lease_owner == owner).order_by(_f.gizmo_id)
        conn.execute(mine.with_for_update()).all()


def _free(now: Micros) -> ColumnElement[bool]:
    return or_(_f.lease_owner.is_(None), _f.lease_until <= now)
