"""What moved in a window of time: whose numbers grew most, which GPTs came, which went."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Literal, get_args

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from catalog.errors import UsageError
from catalog.query.changes import iterate
from catalog.query.limits import check_limit
from catalog.query.naming import shown_name
from catalog.query.wanted import Wanted
from catalog.search.listing import rating_bound
from catalog.storage import tables as t
from catalog.storage.dialects import one_of
from catalog.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from catalog.query.changes import Change
    from catalog.times import Micros

By = Literal["conversations", "reviews", "rating"]
BY: tuple[By, ...] = get_args(By)
GONE = "gone"

_PAGE = 2000


class Mover(msgspec.Struct, frozen=True, kw_only=True):
    """A GPT whose number grew.

    Attributes:
        gizmo_id: the GPT.
        name: its name now.
        author: its author's name now, as in :class:`catalog.query.found.Found`.
        before: the number when the window began: a lower bound of conversations, a number of
            reviews, or the bound of :func:`catalog.search.listing.rating_bound`, 1 to 5.
        after: the number when it ended.
        before_at: when the first was last said by then: where nobody asked for long, its growth
            began before the window did.
        after_at: when the second was said.
    """

    gizmo_id: str
    name: str | None
    author: str | None
    before: float
    after: float
    before_at: Micros
    after_at: Micros

    @property
    def growth(self) -> float:
        """What it grew by."""
        return self.after - self.before


def movers(
    conn: Connection,
    since: Micros,
    until: Micros,
    by: By = "conversations",
    limit: int = 20,
) -> list[Mover]:
    """The GPTs whose number grew most in a window, the most first; equal ones by id.

    Growth lies between the last point at or before ``since`` and the last at or before ``until``.
    A GPT without a number at ``since`` came later, and grew from nothing known: it is none of
    them; see :func:`arrivals`.

    Args:
        conn: a reading transaction.
        since: when the window begins.
        until: when it ends.
        by: which number.
        limit: how many at most.

    Raises:
        UsageError: the window ends before it begins, or ``limit`` is no number of rows to be
            asked for at once.
    """
    check_limit(limit)
    if since > until:
        raise UsageError(
            f"{to_iso(since)} is later than {to_iso(until)}: nothing lies between; swap them"
        )
    old, new = t.vanity_metrics.alias("old"), t.vanity_metrics.alias("new")
    # What has no point within the window did not grow in it: one walk finds the few that have.
    point = t.vanity_metrics.c
    moved = (
        select(point.gizmo_id, func.max(point.observed_at).label("at"))
        .where(point.observed_at > since, point.observed_at <= until)
        .group_by(point.gizmo_id)
        .subquery("moved")
    )
    query = (
        select(
            moved.c.gizmo_id,
            old.c.observed_at.label("before_at"),
            old.c.observation_id,
            new.c.observed_at.label("after_at"),
            *(
                side.c[column].label(f"{name}_{column}")
                for side, name in ((old, "old"), (new, "new"))
                for column in _COLUMNS[by]
            ),
        )
        .select_from(moved)
        .join(
            old,
            and_(
                old.c.gizmo_id == moved.c.gizmo_id,
                old.c.observed_at == _last(moved.c.gizmo_id, since),
            ),
        )
        .join(new, and_(new.c.gizmo_id == moved.c.gizmo_id, new.c.observed_at == moved.c.at))
        .where(or_(*(new.c[name] != old.c[name] for name in _COLUMNS[by])))
        .execution_options(yield_per=_PAGE)
    )
    grown = (
        (before - after, row)
        for row in conn.execute(query)
        if (before := _number(row, "old", by)) is not None
        and (after := _number(row, "new", by)) is not None
        and after > before
    )
    top = heapq.nsmallest(limit, grown, key=lambda each: (each[0], each[1].gizmo_id))
    named = _names(conn, [row.gizmo_id for _, row in top])
    said = _said(conn, [row.observation_id for _, row in top], since)
    return [
        Mover(
            gizmo_id=row.gizmo_id,
            name=named[row.gizmo_id].name,
            author=named[row.gizmo_id].author,
            before=_number(row, "old", by) or 0,
            after=_number(row, "new", by) or 0,
            # A number that stands has one point, however often it is said again.
            before_at=max(row.before_at, said.get(row.gizmo_id, row.before_at)),
            after_at=row.after_at,
        )
        for _, row in top
    ]


def first_seen(conn: Connection) -> Micros | None:
    """When the first document of all was said: nothing can have grown from before."""
    # Its change is the first of its class (rule 5), which an index says.
    c = t.changes.c
    return conn.execute(select(func.min(c.observed_at)).where(c.cls == "lifecycle")).scalar()


def arrivals(
    conn: Connection, since: Micros | None = None, until: Micros | None = None
) -> Iterator[Change]:
    """The GPTs whose first document was said in a window, in the order of time.

    Args:
        conn: a reading transaction.
        since: when the window begins; None: with the catalog.
        until: when it ends; None: now.

    Returns:
        The change that each first document makes (rule 5).
    """
    return iterate(conn, Wanted(cls="lifecycle", kind="added", since=since, until=until))


def departures(
    conn: Connection, since: Micros | None = None, until: Micros | None = None
) -> Iterator[Change]:
    """The GPTs that were gone in a window, by rule 6, in the order of time.

    Args:
        conn: a reading transaction.
        since: when the window begins; None: with the catalog.
        until: when it ends; None: now.
    """
    wanted = Wanted(cls="lifecycle", kind="changed", since=since, until=until)
    return (change for change in iterate(conn, wanted) if change.new == GONE)


_COLUMNS: dict[By, tuple[str, ...]] = {
    "conversations": ("conversations_at_least",),
    "reviews": ("review_count",),
    "rating": ("review_total", "review_count"),
}


def _last(gizmo_id: ColumnElement[str], moment: Micros) -> ColumnElement[Any]:
    """The time of a GPT's last point at or before a moment."""
    point = t.vanity_metrics.alias()
    return (
        select(func.max(point.c.observed_at))
        .where(point.c.gizmo_id == gizmo_id, point.c.observed_at <= moment)
        .correlate(gizmo_id.table)
        .scalar_subquery()
    )


def _number(row: Row[Any], side: str, by: By) -> float | None:
    values = [getattr(row, f"{side}_{column}") for column in _COLUMNS[by]]
    return rating_bound(*values) if by == "rating" else values[0]


def _said(conn: Connection, observation_ids: list[int], moment: Micros) -> dict[str, Micros]:
    """When the sources of some observations last gave documents of the same GPTs by a moment.

    Others may never tell a number.
    """
    told, o = t.observations.alias(), t.observations.c
    query = (
        select(o.gizmo_id, func.max(o.observed_at))
        .join(told, and_(told.c.gizmo_id == o.gizmo_id, told.c.source_id == o.source_id))
        .where(
            one_of(told.c.observation_id, "ids"),
            o.observed_at <= moment,
            o.payload_id != t.NOT_FOUND_PAYLOAD,
        )
        .group_by(o.gizmo_id)
    )
    return {row[0]: row[1] for row in conn.execute(query, {"ids": observation_ids})}


def _names(conn: Connection, gizmo_ids: list[str]) -> dict[str, Any]:
    g, a = t.gizmos.c, t.gizmo_authors.c
    query = (
        select(g.gizmo_id, g.name, shown_name().label("author"))
        .outerjoin(t.gizmo_authors, and_(a.gizmo_id == g.gizmo_id, a.valid_to.is_(None)))
        .outerjoin(t.authors, t.authors.c.user_id == g.user_id)
        .where(one_of(g.gizmo_id, "ids"))
    )
    return {row.gizmo_id: row for row in conn.execute(query, {"ids": gizmo_ids})}
