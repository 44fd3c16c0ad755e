"""What changed in a window of time, or by what a run brought: counts, and the first of many.

Everything is counted and cut by the engine, so that memory stays flat however much happened. The
GPTs with most conversations come first: of a long list they are what a person looks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from catalog.query.changes import Change, MassEvent, events, records, selection
from catalog.query.naming import shown_name
from catalog.query.scopes import BY_TIME, Lifecycle, Scope, kinds_of, scoped, within
from catalog.query.wanted import Wanted, conditions
from catalog.storage import tables as t
from catalog.storage.rows import chunks
from catalog.times import DAY, Micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")
_c, _l = t.changes.c, t.listings.c
PAGE = 500


class Some(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """The first of many.

    Attributes:
        items: the first.
        total: how many there are.
    """

    items: tuple[T, ...] = ()
    total: int = 0

    @property
    def more(self) -> int:
        """How many are left out."""
        return self.total - len(self.items)


class Gpt(msgspec.Struct, frozen=True, kw_only=True):
    """A GPT in a list, as it is now.

    Attributes:
        gizmo_id: the GPT.
        name: its name.
        author: its author's name as shown.
        conversations: how many it had, or the lower bound that is told.
        exact: whether that is the number itself.
    """

    gizmo_id: str
    name: str | None
    author: str | None
    conversations: int | None
    exact: bool | None


class GptChanges(msgspec.Struct, frozen=True, kw_only=True):
    """A GPT and what changed of it.

    Attributes:
        gpt: the GPT, as it is now.
        changes: the first of its changes, oldest first.
    """

    gpt: Gpt
    changes: Some[Change]


class MassNews(msgspec.Struct, frozen=True, kw_only=True):
    """A mass event, as far as it shows here.

    Attributes:
        event: the event, whole.
        changes: its changes here.
    """

    event: MassEvent
    changes: int


class DayOfGpt(msgspec.Struct, frozen=True, kw_only=True):
    """All changes of a GPT on one UTC day, for feeds.

    Attributes:
        gizmo_id: the GPT.
        day: days since 1970.
        last_at: when the last of them was said.
    """

    gizmo_id: str
    day: int
    last_at: Micros


class DayCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What one UTC day brought.

    Attributes:
        day: days since 1970.
        last_at: when the last of it was said.
        new: GPTs first seen.
        changed: GPTs whose content changed, mass events left out.
        gone: GPTs gone.
        back: GPTs listed again.
        missing: GPTs that a source says it does not have.
    """

    day: int
    last_at: Micros
    new: int
    changed: int
    gone: int
    back: int
    missing: int


def arrived(conn: Connection, scope: Scope, limit: int) -> Some[Gpt]:
    """The GPTs whose first document is among what is looked at."""
    return _gpts(conn, within(scope, kinds_of(scope).new), limit)


def turned(conn: Connection, scope: Scope, status: str, limit: int) -> Some[Gpt]:
    """The GPTs that came to have a status: ``missing``, ``gone``, or ``listed`` again."""
    return _gpts(conn, within(scope, kinds_of(scope).came_to(status)), limit)


def changed(conn: Connection, scope: Scope, limit: int, each: int) -> tuple[Some[GptChanges], int]:
    """The GPTs whose content changed; flaps and what is part of a mass event are left out.

    Args:
        conn: a reading transaction.
        scope: which changes are looked at.
        limit: GPTs, at most.
        each: changes of a GPT, at most.

    Returns:
        The GPTs, and how many changes there are in all.
    """
    per_gpt = within(scope, kinds_of(scope).content).add_columns(_c.gizmo_id).group_by(_c.gizmo_id)
    by_gpt = per_gpt.subquery()
    total, changes = conn.execute(
        select(func.count(), func.coalesce(func.sum(by_gpt.c.changes), 0)).select_from(by_gpt)
    ).one()
    first = _most_used(conn, select(by_gpt.c.gizmo_id), by_gpt.c.gizmo_id, limit)
    items = changes_of(conn, scope, first, each)
    return Some(items=items, total=total), int(changes)


def changes_of(
    conn: Connection,
    scope: Scope,
    gizmo_ids: Sequence[str],
    each: int,
    *,
    field: str | None = None,
    lifecycle: Lifecycle = "none",
) -> tuple[GptChanges, ...]:
    """What changed of some GPTs, in their order.

    Args:
        conn: a reading transaction.
        scope: which changes are looked at.
        gizmo_ids: the GPTs.
        each: changes of a GPT, at most.
        field: of this field alone, whatever its class.
        lifecycle: whether it is told that a GPT came or went, beside content.
    """
    told = kinds_of(scope).wanted(field, lifecycle)
    found = []
    for gpt in gpts(conn, gizmo_ids):
        mine = (told, _c.gizmo_id == gpt.gizmo_id)
        total = conn.execute(within(scope, *mine)).scalar_one()
        query = scoped(selection(Wanted()), scope).where(*mine)
        rows = conn.execute(
            query.order_by(_c.observed_at, _c.field, _c.element).limit(each)
        ).mappings()
        changes = records(conn, [dict(row) for row in rows])
        found.append(GptChanges(gpt=gpt, changes=Some(items=tuple(changes), total=total)))
    return tuple(found)


def gpts(conn: Connection, gizmo_ids: Sequence[str]) -> tuple[Gpt, ...]:
    """Some GPTs, in the order they are named; what no document is known of is left out."""
    g, a = t.gizmos.c, t.gizmo_authors.c
    # A listing may still have to be made, where a harvest is under way.
    query = (
        select(
            g.gizmo_id,
            g.name,
            shown_name().label("author"),
            _l.conversations,
            _l.conversations_exact.label("exact"),
        )
        .outerjoin(t.gizmo_authors, and_(a.gizmo_id == g.gizmo_id, a.valid_to.is_(None)))
        .outerjoin(t.authors, t.authors.c.user_id == g.user_id)
        .outerjoin(t.listings, _l.gizmo_id == g.gizmo_id)
    )
    found = {
        row["gizmo_id"]: Gpt(**row)
        for part in chunks(gizmo_ids)
        for row in conn.execute(query.where(g.gizmo_id.in_(part))).mappings()
    }
    return tuple(found[each] for each in gizmo_ids if each in found)


def counts_of(
    conn: Connection,
    scope: Scope,
    gizmo_ids: Sequence[str],
    *,
    field: str | None = None,
    lifecycle: Lifecycle = "none",
) -> dict[str, int]:
    """How many changes some GPTs have; those that have none are left out.

    Args:
        conn: a reading transaction.
        scope: which changes are looked at.
        gizmo_ids: the GPTs, a few hundred at most.
        field: of this field alone, whatever its class.
        lifecycle: whether it is told that a GPT came or went, beside content.
    """
    told = kinds_of(scope).wanted(field, lifecycle)
    query = within(scope, told, _c.gizmo_id.in_(gizmo_ids)).add_columns(_c.gizmo_id)
    return {row.gizmo_id: row.changes for row in conn.execute(query.group_by(_c.gizmo_id))}


def mass(conn: Connection, scope: Scope) -> list[MassNews]:
    """The mass events that show, the one with most changes first."""
    query = within(scope, kinds_of(scope).mass, noise=True)
    rows = conn.execute(query.add_columns(_c.event_id).group_by(_c.event_id)).all()
    told = events(conn, [row.event_id for row in rows])
    # An event whose row is still to be made is told of next time.
    found = [
        MassNews(event=told[row.event_id], changes=row.changes)
        for row in rows
        if row.event_id in told
    ]
    return sorted(found, key=lambda each: (-each.changes, each.event.event_id))


def flaps(conn: Connection, scope: Scope) -> int:
    """How many changes are hidden, as their values come and go."""
    query = within(scope, kinds_of(scope).flaps, noise=True)
    return int(conn.execute(query).scalar_one())


def span(conn: Connection, scope: Scope) -> tuple[Micros, Micros] | None:
    """When the first and the last of what is looked at was said; None: nothing was."""
    query = within(scope, kinds_of(scope).told).add_columns(
        func.min(_c.observed_at).label("first"), func.max(_c.observed_at).label("last")
    )
    row = conn.execute(query).one()
    return None if row.first is None else (row.first, row.last)


def touched(
    conn: Connection,
    scope: Scope,
    *,
    numbers: tuple[Micros, Micros] | None = None,
    platform: bool = False,
) -> Iterator[Sequence[str]]:
    """The GPTs of which anything changed, a few hundred at a time, by id.

    Args:
        conn: a reading transaction.
        scope: which changes are looked at.
        numbers: also those of which only a number moved, from the first until the second moment.
        platform: also those of which only the platform changed something.
    """
    kinds = kinds_of(scope)
    query: Any = scoped(select(_c.gizmo_id).select_from(t.changes), scope, noise=True).where(
        kinds.any if platform else kinds.told
    )
    if numbers is not None:
        v = t.vanity_metrics.c
        query = query.union(select(v.gizmo_id).where(v.observed_at.between(*numbers)))
    ids = query.subquery().c.gizmo_id
    distinct = select(ids).distinct().order_by(ids).execution_options(yield_per=PAGE)
    for part in conn.execute(distinct).scalars().partitions():
        yield list(part)


def crossed(
    conn: Connection, gizmo_ids: Sequence[str], least: int, since: Micros, until: Micros
) -> dict[str, Micros]:
    """When GPTs first had so many conversations in a window; those that never had are left out."""
    v = t.vanity_metrics.c
    query = (
        select(v.gizmo_id, func.min(v.observed_at).label("at"))
        .where(
            v.gizmo_id.in_(gizmo_ids),
            v.observed_at.between(since, until),
            v.conversations_at_least >= least,
        )
        .group_by(v.gizmo_id)
    )
    return {row.gizmo_id: row.at for row in conn.execute(query)}


def newest(
    conn: Connection,
    since: Micros,
    until: Micros,
    limit: int,
    *,
    gizmo_ids: Sequence[str] | None = None,
    field: str | None = None,
) -> list[DayOfGpt]:
    """The GPTs that changed, a day of each by itself, the latest first.

    Args:
        conn: a reading transaction.
        since: from then on.
        until: until then.
        limit: how many at most.
        gizmo_ids: of these alone, a few hundred at most; their first documents are then told, too.
        field: of this field alone.
    """
    day, last = (_c.observed_at // DAY).label("day"), func.max(_c.observed_at).label("last_at")
    lifecycle: Lifecycle = "known" if gizmo_ids is None else "all"
    query = (
        select(_c.gizmo_id, day, last)
        .where(*conditions(Wanted(since=since, until=until)), BY_TIME.wanted(field, lifecycle))
        .group_by(_c.gizmo_id, day)
        .order_by(last.desc(), _c.gizmo_id)
        .limit(limit)
    )
    if gizmo_ids is not None:
        query = query.where(_c.gizmo_id.in_(gizmo_ids))
    return [DayOfGpt(**row) for row in conn.execute(query).mappings()]


def days(conn: Connection, since: Micros, until: Micros) -> list[DayCounts]:
    """What the UTC days of a window brought, the latest first; days of nothing are left out."""
    day, last = (_c.observed_at // DAY).label("day"), func.max(_c.observed_at).label("last_at")
    kinds = BY_TIME
    found: dict[int, dict[str, int]] = {}
    # Each kind by itself: of the many, changed and new, the index alone is read.
    for kind, counts in (
        (kinds.content, {"changed": func.count(_c.gizmo_id.distinct())}),
        (kinds.new, {"new": func.count()}),
        (
            kinds.known,
            {
                name: func.count().filter(kinds.came_to(status))
                for name, status in (("gone", "gone"), ("back", "listed"), ("missing", "missing"))
            },
        ),
    ):
        query = (
            select(day, last, *(number.label(name) for name, number in counts.items()))
            .where(*conditions(Wanted(since=since, until=until)), kind)
            .group_by(day)
        )
        for row in conn.execute(query).mappings():
            known = found.setdefault(row["day"], dict.fromkeys(DayCounts.__struct_fields__, 0))
            known.update(row, last_at=max(known["last_at"], row["last_at"]))
    return [DayCounts(**found[each]) for each in sorted(found, reverse=True)]


def _gpts(conn: Connection, query: Select[Any], limit: int) -> Some[Gpt]:
    """The GPTs of some changes."""
    ids = query.with_only_columns(_c.gizmo_id, maintain_column_froms=True).distinct()
    found = ids.subquery()
    total = conn.execute(select(func.count()).select_from(found)).scalar_one()
    first = _most_used(conn, select(found.c.gizmo_id), found.c.gizmo_id, limit)
    return Some(items=gpts(conn, first), total=total)


def _most_used(
    conn: Connection, query: Select[Any], gizmo_id: ColumnElement[str], limit: int
) -> list[str]:
    """Those of some GPTs that have most conversations; equal ones by id."""
    ordered = query.outerjoin(t.listings, _l.gizmo_id == gizmo_id).order_by(
        func.coalesce(_l.by_conversations, 1), gizmo_id
    )
    return list(conn.execute(ordered.limit(limit)).scalars())
