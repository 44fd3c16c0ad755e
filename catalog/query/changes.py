"""What changed: filtered, in the order of time, a page after the other."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, select, tuple_

from catalog.errors import UsageError
from catalog.fields import BY_PATH, Field
from catalog.query.limits import check_limit
from catalog.query.news import News, mark_now
from catalog.query.told import MIME_PATHS, mime_sets
from catalog.query.wanted import (
    FEW,
    ChangeClass,
    ChangeKind,
    Wanted,
    belongs,
    conditions,
    gpts_of,
)
from catalog.search.cursors import Number, decode, encode
from catalog.settings import NAME_RULE, is_name
from catalog.storage import tables as t
from catalog.storage.bookmarks import Mark, get_bookmark
from catalog.storage.dialects import one_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from catalog.records import Row
    from catalog.times import Micros

__all__ = [
    "Change",
    "ChangeClass",
    "ChangeKind",
    "ChangePage",
    "Key",
    "Mark",
    "MassEvent",
    "Wanted",
    "change_of",
    "digests_in",
    "events",
    "is_time",
    "iterate",
    "page",
    "read_page",
    "records",
    "selection",
    "since_bookmark",
    "since_mark",
]

Key = tuple[Number, str, str, str]
"""Where a page ends: observed_at, gizmo_id, field, element."""

PAGE = 500


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field's difference between two neighbouring statements.

    Attributes:
        gizmo_id: the GPT.
        name: its name now.
        observed_at: when the new value was first said.
        not_before: when the old value was last confirmed: the change lies between the two.
        cls: ``content``, ``lifecycle`` or ``platform``.
        field: the path in the document, or ``status``.
        element: of a list: the element's key.
        kind: ``added``, ``removed`` or ``changed``.
        old: the old value, decoded; times in microseconds, sets of MIME types as their members.
        new: the new value, likewise.
        source: who said it.
        flap: the old value came back soon, or had (rule 8).
        disagreement: two sources contradict each other (rule 4).
        event_id: the mass event it is part of (rule 9).
    """

    gizmo_id: str
    name: str | None
    observed_at: Micros
    not_before: Micros | None
    cls: str
    field: str
    element: str
    kind: str
    old: Any
    new: Any
    source: str
    flap: bool
    disagreement: bool
    event_id: str | None

    @property
    def key(self) -> Key:
        """Where it stands among all."""
        return (self.observed_at, self.gizmo_id, self.field, self.element)


class ChangePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of changes.

    Attributes:
        items: the changes.
        after: where the next page begins; None: there are no more now.
    """

    items: tuple[Change, ...]
    after: str | None


class MassEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One difference that many GPTs show at once (rule 9).

    Attributes:
        event_id: its digest.
        field: the path.
        added: elements that came, or the new value.
        removed: elements that went, or the old value.
        first_day: the first UTC day.
        last_day: the last UTC day.
        gpts: how many GPTs show it.
        compared: how many GPTs were looked at twice then.
    """

    event_id: str
    field: str
    added: Any
    removed: Any
    first_day: str
    last_day: str
    gpts: int
    compared: int


def page(
    conn: Connection,
    wanted: Wanted,
    *,
    latest: bool = False,
    after: Key | None = None,
    limit: int = PAGE,
) -> list[Change]:
    """The next changes, in the order of their keys.

    Args:
        conn: a reading transaction.
        wanted: which.
        latest: in the reverse order, the latest first.
        after: the key of the last one that is known.
        limit: how many at most.
    """
    c = t.changes.c
    key = tuple_(c.observed_at, c.gizmo_id, c.field, c.element)
    gpts = None if wanted.gizmo_id is not None else gpts_of(conn, wanted)
    query = selection(wanted if gpts is None else _apart(wanted)).limit(limit)
    if after is not None:
        query = query.where(key < tuple_(*after) if latest else key > tuple_(*after))

    def order(first: ColumnElement[int]) -> list[ColumnElement[Any]]:
        columns = [first, *list(key.clauses)[1:]]
        return [column.desc() for column in columns] if latest else columns

    given = {} if gpts is None else {"gpts": gpts}
    if wanted.gizmo_id is not None or (gpts is not None and len(gpts) <= FEW):
        query = query.where(c.cls.in_(wanted.classes))
        if gpts is not None:
            query = query.where(one_of(c.gizmo_id, "gpts"))
        # The sum keeps an engine from walking all changes for the sake of their order.
        queries = [query.order_by(*order(c.observed_at + 0))]
    else:
        if gpts is not None:
            # Hidden from an engine: it is to walk, and not to look all of them up.
            query = query.where(one_of(c.gizmo_id.concat(""), "gpts"))
        # Each class is read in the order of the index, and what is sorted is a page of each.
        queries = [
            query.where(c.cls == cls).order_by(*order(c.observed_at)) for cls in wanted.classes
        ]
    rows = [dict(row) for each in queries for row in conn.execute(each, given).mappings()]
    return records(conn, sorted(rows, key=_key, reverse=latest)[:limit])


def read_page(
    conn: Connection,
    wanted: Wanted,
    *,
    latest: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> ChangePage:
    """A page of changes, and where the next one begins.

    Args:
        conn: a reading transaction.
        wanted: which.
        latest: the latest first, instead of the oldest.
        after: where the page before ended.
        limit: how many at most.

    Raises:
        InvalidCursor: ``after`` is damaged, or of other changes or another order.
        UsageError: ``limit`` is no number of changes to be asked for at once.
    """
    check_limit(limit)
    question = ("latest changes" if latest else "changes", wanted)
    key = None if after is None else decode(after, question, Key)
    found = page(conn, wanted, latest=latest, after=key, limit=limit + 1)
    items = tuple(found[:limit])
    more = len(found) > limit
    return ChangePage(items=items, after=encode(question, items[-1].key) if more else None)


def iterate(conn: Connection, wanted: Wanted) -> Iterator[Change]:
    """All changes that are wanted, oldest first, read a page at a time."""
    after: Key | None = None
    while found := page(conn, wanted, after=after):
        yield from found
        after = found[-1].key


def since_bookmark(conn: Connection, name: str, wanted: Wanted) -> tuple[Iterator[Change], Mark]:
    """What somebody who looked once has not been shown yet, and where they stand after it.

    Late news of old times counts: a change is news if the observation that says its new value, or
    the one that confirms its old value last, came after the mark; unless the same step from old to
    new was to be seen before, and only its time is known better now. A bookmark that was never set
    has everything before it.

    Args:
        conn: a reading transaction, to stay open until the iterator is done.
        name: the bookmark. It is read here and moved by
            :func:`catalog.storage.bookmarks.set_bookmark`, once everything was shown.
        wanted: which changes. What it leaves out counts as seen, too.

    Returns:
        The changes, oldest first, and the mark to set.

    Raises:
        UsageError: ``name`` is none.
    """
    if not is_name(name):
        raise UsageError(f"{name!r} names no bookmark: {NAME_RULE}")
    return since_mark(conn, get_bookmark(conn, name), wanted), mark_now(conn)


def since_mark(
    conn: Connection, mark: Mark | None, wanted: Wanted, again: int | None = None
) -> Iterator[Change]:
    """What came to be known since a mark, oldest first; without a mark everything.

    Args:
        conn: a reading transaction, to stay open until the iterator is done.
        mark: as :func:`catalog.query.news.mark_now` took it.
        wanted: which changes.
        again: see :class:`catalog.query.news.News`.
    """
    return iterate(conn, wanted) if mark is None else _news(conn, mark, wanted, again)


def _news(conn: Connection, mark: Mark, wanted: Wanted, again: int | None) -> Iterator[Change]:
    """The changes since a mark, oldest first. The engine sorts them, so memory stays flat."""
    c, news = t.changes.c, News(conn, mark, again)
    query = (
        news.among(selection(wanted))
        .where(c.cls.in_(wanted.classes))
        .order_by(c.observed_at, c.gizmo_id, c.field, c.element)
        .execution_options(yield_per=PAGE)
    )
    # Who takes but the first of them leaves no cursor open.
    with closing(conn.execute(query)) as result:
        for part in result.mappings().partitions():
            yield from records(conn, news.unseen([dict(row) for row in part]))


def events(conn: Connection, ids: Iterable[str]) -> dict[str, MassEvent]:
    """Mass events by id."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = select(t.mass_events).where(t.mass_events.c.event_id.in_(wanted))
    return {row["event_id"]: _event(row) for row in conn.execute(query).mappings()}


def _event(row: Any) -> MassEvent:
    columns = {name: row[name] for name in MassEvent.__struct_fields__}
    for side in ("added", "removed"):
        columns[side] = msgspec.json.decode(columns[side]) if columns[side] else None
    return MassEvent(**columns)


def change_of(row: Row, name: str | None, sets: dict[str, tuple[str, ...]]) -> Change:
    """A row of ``changes`` as a record.

    Args:
        row: with its source's name.
        name: the GPT's name.
        sets: the members of the sets of MIME types that it may name.
    """
    columns = {key: row[key] for key in Change.__struct_fields__ if key in row}
    columns["name"] = name
    for side in ("old", "new"):
        text = row[side]
        value = None if text is None else msgspec.json.decode(text)
        if row["field"] in MIME_PATHS and isinstance(value, str):
            value = sets.get(value, (value,))
        columns[side] = value
    return Change(**columns)


def is_time(path: str) -> bool:
    """Whether the values of a field are moments."""
    field = BY_PATH.get(path)
    return isinstance(field, Field) and field.type == "time"


def digests_in(rows: Iterable[Row]) -> set[str]:
    """The sets of MIME types that rows of ``changes`` name."""
    return {
        msgspec.json.decode(row[side])
        for row in rows
        if row["field"] in MIME_PATHS
        for side in ("old", "new")
        if row[side] not in (None, "null")
    }


def selection(wanted: Wanted) -> Select[Any]:
    """The changes that are wanted, but for their classes; its rows are for :func:`records`."""
    c = t.changes.c
    return (
        select(
            *(column.label(column.key) for column in c if column is not c.source_id),
            t.sources.c.name.label("source"),
            t.gizmos.c.name.label("name"),
        )
        .select_from(t.changes)
        .join(t.sources, t.sources.c.source_id == c.source_id)
        .outerjoin(t.gizmos, t.gizmos.c.gizmo_id == c.gizmo_id)
        .where(*conditions(wanted), *belongs(wanted))
    )


def _apart(wanted: Wanted) -> Wanted:
    """The same without what :func:`catalog.query.wanted.gpts_of` has looked up."""
    if wanted.author is not None:
        return msgspec.structs.replace(wanted, author=None)
    return msgspec.structs.replace(wanted, category=None)


def _key(row: Row) -> Key:
    return (row["observed_at"], row["gizmo_id"], row["field"], row["element"])


def records(conn: Connection, rows: Sequence[Row]) -> list[Change]:
    """Rows of :func:`selection` as records, in their order."""
    sets = mime_sets(conn, digests_in(rows))
    return [change_of(row, row["name"], sets) for row in rows]
