"""How much of the world a catalog speaks of: counts, gaps in time, freshness, trends.

Everything is counted where the rows are, in the one reading transaction that is handed in: so an
export and what is said of it are of one moment. Rows are read whole, tables at a time.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, distinct, func, or_, select, true

from catalog.intake import EARLIEST
from catalog.query.covered import Coverage, Growth, Share, ToolUse, Trends
from catalog.storage import tables as t
from catalog.times import DAY, day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Select, Subquery, Table

    from catalog.times import Micros

    Only = Select[Any] | None

CONFIRMED = (1, 7, 30)
"""The ages, in days, of :attr:`~catalog.query.covered.Coverage.confirmed_within`."""
AGES = (1, 7, 30, 90)
"""The ages, in days, that the freshness is told by; all that are older come last."""
OLDER = "older"


def coverage(
    conn: Connection, moment: Micros, *, at: Micros | None = None, only: Only = None
) -> Coverage:
    """How much of the world a catalog speaks of.

    Args:
        conn: a reading transaction.
        moment: what "now" is: the latest thing that is told, or ``at``.
        at: as of when; None: as the catalog stands.
        only: selects the ids of the GPTs that count; None: all.
    """
    statuses = _statuses(conn, at, only)
    first, last, days, observations, sources = _observed(conn, at, only)
    seen = _last_seen(at, only)
    listed = statuses["listed"]
    within = conn.execute(
        select(*(func.count().filter(seen.c.at > moment - age * DAY) for age in CONFIRMED))
    ).one()
    return Coverage(
        gpts=sum(statuses.values()),
        listed=listed,
        missing=statuses["missing"],
        gone=statuses["gone"],
        authors=_authors(conn, at, only),
        observations=observations,
        changes=_count(
            conn,
            t.changes,
            _among(t.changes, only),
            true() if at is None else t.changes.c.observed_at <= at,
        ),
        first_observed=first,
        last_observed=last,
        days_observed=len(days),
        gaps=gaps(days),
        confirmed_within={
            age: number / listed if listed else 0.0
            for age, number in zip(CONFIRMED, within, strict=True)
        },
        sources=sources,
    )


def trends(
    conn: Connection, moment: Micros, *, at: Micros | None = None, only: Only = None
) -> Trends:
    """What the pictures of an export show; takes the same as :func:`coverage`."""
    months = list(_months(moment))
    return Trends(
        growth=_growth(conn, months, moment, at, only),
        categories=_categories(conn, at, only),
        tools=_tools(conn, months, at, only),
        freshness=_freshness(conn, moment, at, only),
    )


def gaps(days: Iterable[int]) -> tuple[tuple[str, str], ...]:
    """The stretches of days that are not among ``days``, each by its first and its last.

    Args:
        days: whole days since 1970, in their order.
    """
    found, before = [], None
    for day in days:
        if before is not None and day > before + 1:
            found.append((_iso(before + 1), _iso(day - 1)))
        before = day
    return tuple(found)


def _iso(day: int) -> str:
    return day_of(day * DAY)


def _among(table: Table, only: Only) -> ColumnElement[bool]:
    return true() if only is None else table.c.gizmo_id.in_(only)


def _valid(table: Table, at: Micros | None) -> ColumnElement[bool]:
    """Rows that hold at a moment; None: now."""
    c = table.c
    if at is None:
        return c.valid_to.is_(None)
    return and_(c.valid_from <= at, or_(c.valid_to.is_(None), c.valid_to > at))


def _count(conn: Connection, table: Table, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(table).where(*conditions)
    return int(conn.execute(query).scalar_one())


def _statuses(conn: Connection, at: Micros | None, only: Only) -> Counter[str]:
    s = t.statuses
    query = (
        select(s.c.status, func.count()).where(_valid(s, at), _among(s, only)).group_by(s.c.status)
    )
    return Counter({str(status): int(number) for status, number in conn.execute(query)})


def _authors(conn: Connection, at: Micros | None, only: Only) -> int:
    a = t.gizmo_authors
    query = select(func.count(distinct(a.c.user_id))).where(_valid(a, at), _among(a, only))
    return int(conn.execute(query).scalar_one())


def _observed(
    conn: Connection, at: Micros | None, only: Only
) -> tuple[Micros | None, Micros | None, list[int], int, tuple[str, ...]]:
    """The first and last moment, the days, the number, and who said it."""
    o, s = t.observations.c, t.sources.c
    days = (o.observed_at // DAY).label("day")
    query = (
        select(days, s.name, func.count(), func.min(o.observed_at), func.max(o.observed_at))
        .join(t.sources, s.source_id == o.source_id)
        .where(_among(t.observations, only), true() if at is None else o.observed_at <= at)
        .group_by(days, s.name)
    )
    rows = conn.execute(query).all()
    if not rows:
        return None, None, [], 0, ()
    return (
        min(row[3] for row in rows),
        max(row[4] for row in rows),
        sorted({row[0] for row in rows}),
        sum(row[2] for row in rows),
        tuple(sorted({row[1] for row in rows})),
    )


def _last_seen(at: Micros | None, only: Only) -> Subquery:
    """Of each GPT that is listed, when its document was last seen.

    As of a moment it is the last document until then: whether one of them was a stale copy (rule 4)
    only the fold knows, which is not asked for a share.
    """
    g, s, o = t.gizmos.c, t.statuses, t.observations.c
    if at is None:
        query = select(g.last_seen_at.label("at")).where(
            g.status == "listed", _among(t.gizmos, only)
        )
        return query.subquery()
    return (
        select(func.max(o.observed_at).label("at"))
        .join(s, s.c.gizmo_id == o.gizmo_id)
        .where(
            s.c.status == "listed",
            _valid(s, at),
            _among(s, only),
            o.payload_id != t.NOT_FOUND_PAYLOAD,
            o.observed_at <= at,
        )
        .group_by(o.gizmo_id)
        .subquery()
    )


def _freshness(
    conn: Connection, moment: Micros, at: Micros | None, only: Only
) -> tuple[Share, ...]:
    seen = _last_seen(at, only)
    row = conn.execute(
        select(
            *(func.count().filter(seen.c.at > moment - age * DAY) for age in AGES), func.count()
        ).select_from(seen)
    ).one()
    names = [*map(str, AGES), OLDER]
    before = 0
    shares = []
    for name, number in zip(names, row, strict=True):
        shares.append(Share(name=name, gpts=number - before))
        before = number
    return tuple(shares)


def _categories(conn: Connection, at: Micros | None, only: Only) -> tuple[Share, ...]:
    c = t.CHILDREN["categories"]
    number = func.count(distinct(c.c.gizmo_id))
    query = (
        select(c.c.category, number)
        .where(_valid(c, at), _among(c, only), c.c.category.is_not(None))
        .group_by(c.c.category)
        .order_by(number.desc(), c.c.category)
    )
    return tuple(Share(name=name, gpts=gpts) for name, gpts in conn.execute(query))


def _growth(
    conn: Connection, months: Sequence[str], moment: Micros, at: Micros | None, only: Only
) -> tuple[Growth, ...]:
    g = t.gizmos
    until = true() if at is None else g.c.first_seen_at <= at
    made = _by_month(conn, g, g.c.created_at, until, _among(g, only), g.c.created_at <= moment)
    seen = _by_month(conn, g, g.c.first_seen_at, until, _among(g, only))
    found = []
    all_made = all_seen = 0
    for month in months:
        all_made += made[month]
        all_seen += seen[month]
        found.append(Growth(month=month, made=all_made, seen=all_seen))
    # Nothing is to be seen before anything was made.
    return tuple(each for each in found if each.made or each.seen)


def _tools(
    conn: Connection, months: Sequence[str], at: Micros | None, only: Only
) -> tuple[ToolUse, ...]:
    c = t.CHILDREN["tools"]
    known = true() if at is None else c.c.valid_from <= at
    ended = true() if at is None else c.c.valid_to <= at
    moves: Counter[tuple[str, str]] = Counter()
    for column, condition, step in ((c.c.valid_from, known, 1), (c.c.valid_to, ended, -1)):
        days = (column // DAY).label("day")
        query = (
            select(c.c.type, days, func.count())
            .where(column.is_not(None), condition, _among(c, only))
            .group_by(c.c.type, days)
        )
        for tool, day, number in conn.execute(query):
            moves[_month(day), tool or ""] += step * number
    found, standing = [], Counter[str]()
    tools = sorted({tool for _, tool in moves})
    for month in months:
        for tool in tools:
            if moves[month, tool]:
                standing[tool] += moves[month, tool]
                found.append(ToolUse(month=month, tool=tool, tools=standing[tool]))
    return tuple(found)


def _by_month(
    conn: Connection,
    table: Table,
    column: ColumnElement[Any],
    *conditions: ColumnElement[bool],
) -> Counter[str]:
    """How many rows fall into each month. Neither engine knows what a month of ours is."""
    days = (column // DAY).label("day")
    query = (
        select(days, func.count())
        .select_from(table)
        .where(column.is_not(None), *conditions)
        .group_by(days)
    )
    found: Counter[str] = Counter()
    for day, number in conn.execute(query):
        found[_month(day)] += number
    return found


def _month(day: int) -> str:
    # There were no GPTs before: a document that names an earlier day is counted with the first.
    return max(_iso(day), day_of(EARLIEST))[:7]


def _months(last: Micros) -> Iterator[str]:
    """All months from the first in which there were GPTs on, until that of a moment."""
    month, end = day_of(EARLIEST)[:7], day_of(last)[:7]
    while month <= end:
        yield month
        year, number = int(month[:4]), int(month[5:])
        month = f"{year + number // 12}-{number % 12 + 1:02d}"
