"""What changed: filtered, in the order of time, a page after the other."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, not_, or_, select, tuple_

from catalog.errors import UsageError
from catalog.fields import BY_PATH, FIELDS, FLAPPING, LISTS, Field
from catalog.query.told import MIME_PATHS, mime_sets
from catalog.storage import tables as t

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from catalog.records import Row
    from catalog.times import Micros

ChangeClass = Literal["content", "lifecycle", "platform"]
Key = tuple[int, str, str, str]
"""Where a page ends: observed_at, gizmo_id, field, element."""

PAGE = 500
STATUS = "status"
"""The field of changes of class ``lifecycle``; all others are paths of documents."""


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


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes are asked for.

    Attributes:
        gizmo_id: of this GPT alone.
        since: observed then or later.
        until: observed then or earlier.
        field: of this field alone; see :func:`field_named`.
        cls: of this class alone.
        everything: also what is hidden otherwise: class ``platform``, and what comes and goes in
            fields that flap.
    """

    gizmo_id: str | None = None
    since: Micros | None = None
    until: Micros | None = None
    field: str | None = None
    cls: ChangeClass | None = None
    everything: bool = False


def field_named(text: str) -> str:
    """The field that a person means: its path, its column or table, or the path's last part.

    Raises:
        UsageError: there is none; the text names the nearest.
    """
    names: dict[str, str] = {STATUS: STATUS}
    for field in FIELDS:
        if field.cls in ("content", "platform"):
            names.setdefault(field.column, field.path)
            names[field.path] = field.path
    for listed in LISTS:
        names[listed.table] = listed.path
        names[listed.path] = listed.path
    if text in names:
        return names[text]
    near = difflib.get_close_matches(text, names, n=1, cutoff=0.4)
    volatile = text in BY_PATH or any(field.column == text for field in FIELDS)
    raise UsageError(
        f"{text!r} is kept by its latest value alone, its changes are noise"
        if volatile
        else f"there is no field {text!r}: "
        + (f"did you mean {near[0]!r}?" if near else "docs/fields.md lists them")
    )


def page(
    conn: Connection, wanted: Wanted, *, after: Key | None = None, limit: int = PAGE
) -> list[Change]:
    """The next changes, oldest first.

    Args:
        conn: a reading transaction.
        wanted: which.
        after: the key of the last one that is known.
        limit: how many at most.
    """
    c = t.changes.c
    key = tuple_(c.observed_at, c.gizmo_id, c.field, c.element)
    query = _select().where(*_conditions(wanted)).order_by(*key.clauses).limit(limit)
    if after is not None:
        query = query.where(key > tuple_(*after))
    rows = [dict(row) for row in conn.execute(query).mappings()]
    sets = mime_sets(conn, digests_in(rows))
    return [change_of(row, row["name"], sets) for row in rows]


def iterate(conn: Connection, wanted: Wanted) -> Iterator[Change]:
    """All changes that are wanted, oldest first, read a page at a time."""
    after: Key | None = None
    while found := page(conn, wanted, after=after):
        yield from found
        after = found[-1].key


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


def _select() -> Select[Any]:
    c = t.changes.c
    return (
        select(
            *(column.label(column.key) for column in c if column is not c.source_id),
            t.sources.c.name.label("source"),
            t.gizmos.c.name.label("name"),
        )
        .join(t.sources, t.sources.c.source_id == c.source_id)
        .outerjoin(t.gizmos, t.gizmos.c.gizmo_id == c.gizmo_id)
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    c = t.changes.c
    found: list[ColumnElement[bool]] = []
    if wanted.gizmo_id is not None:
        found.append(c.gizmo_id == wanted.gizmo_id)
    if wanted.since is not None:
        found.append(c.observed_at >= wanted.since)
    if wanted.until is not None:
        found.append(c.observed_at <= wanted.until)
    if wanted.field is not None:
        found.append(c.field == wanted.field)
    if wanted.cls is not None:
        found.append(c.cls == wanted.cls)
    if not wanted.everything:
        noise = or_(c.flap, c.disagreement)
        found.append(not_(and_(noise, c.field.in_(sorted(FLAPPING)))))
        if wanted.cls is None and wanted.field is None:
            found.append(c.cls != "platform")
    return found
