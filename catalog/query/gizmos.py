"""One GPT, all of it: as of now, as of any moment, as known at any moment."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, or_, select

from catalog.errors import NotFound
from catalog.fields import LISTS, STAT_FIELDS, Field, ListField, of_table
from catalog.query.told import MIME_PATHS, Known, Said, Told, tell
from catalog.storage import tables as t
from catalog.storage.dialects import one_of
from catalog.storage.prepared import Prepared
from catalog.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.records import Row
    from catalog.times import Micros

INTERVAL_TABLES = ("gizmo_revisions", "gizmo_authors", "attachments")
JSON_COLUMNS = frozenset({"auth", "json_schema", "verified_data"})
NUMBERS = (
    *(field.column for field in of_table("vanity_metrics")),
    "conversations_at_least",
    "conversations_exact",
)


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One field's value, and who says so.

    Attributes:
        field: the field.
        value: what it is; times in microseconds, sets of MIME types as their members.
        since: since when it is that; None of a volatile field, whose latest value alone is kept.
        said: the observation that says so.
        unsent_since: when its source stopped sending the field, if it did.
    """

    field: Field
    value: Any
    since: Micros | None
    said: Said
    unsent_since: Micros | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One element of a list.

    Attributes:
        key: the element's key.
        values: its columns, those without a value left out.
        since: since when it stands there as it is.
        said: the observation that says so.
    """

    key: str
    values: dict[str, Any]
    since: Micros
    said: Said


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One list.

    Attributes:
        field: the field.
        items: its elements in their order; None where it is stated as null.
        unsent_since: when its source stopped sending the list, if it did.
    """

    field: ListField
    items: tuple[Item, ...] | None
    unsent_since: Micros | None = None


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """A point of ``vanity_metrics``, or of a gateway's own counters.

    Attributes:
        at: when it was said.
        source: who said it.
        values: by column, those without a value left out.
    """

    at: Micros
    source: str
    values: dict[str, Any]


class Gizmo(msgspec.Struct, frozen=True, kw_only=True):
    """One GPT.

    Attributes:
        gizmo_id: the GPT.
        at: as of when; None: now. What only the latest value is kept of is then left out.
        known_at: as known when; None: now.
        name: its name.
        author: its author's display name; where its document shows none, now, the one that the
            author is known by.
        status: ``listed``, ``missing`` or ``gone``.
        status_since: since when.
        first_seen_at: when a source first gave its document.
        last_seen_at: when a source last gave it.
        last_asked_at: when a source was last asked and answered.
        last_changed_at: when its content last changed.
        stale_copies: documents older than one seen before.
        facts: its fields, in the order of :data:`catalog.fields.FIELDS`; none that was never
            stated.
        lists: its lists, likewise.
        metrics: its latest numbers.
        stats: the gateways' own counters.
    """

    gizmo_id: str
    at: Micros | None
    known_at: Micros | None
    name: str | None
    author: str | None
    status: str
    status_since: Micros
    first_seen_at: Micros
    last_seen_at: Micros | None
    last_asked_at: Micros | None
    last_changed_at: Micros | None
    stale_copies: int | None
    facts: tuple[Fact, ...]
    lists: tuple[Listed, ...]
    metrics: Numbers | None
    stats: tuple[Numbers, ...]

    @property
    def confirmed_at(self) -> Micros | None:
        """When a source last said that it is as it stands here; None as of a past moment."""
        return self.last_seen_at if self.status == "listed" else self.last_asked_at


def get(
    conn: Connection, gizmo_id: str, at: Micros | None = None, known: Known | None = None
) -> Gizmo:
    """Everything about one GPT.

    Args:
        conn: a reading transaction.
        gizmo_id: the GPT.
        at: as of that moment: what ``valid_from <= at < valid_to`` says.
        known: as known at another moment.

    Raises:
        NotFound: no document of it is known, or none that old.
    """
    told = tell(conn, gizmo_id, known)
    if at is not None or known is not None:
        return view(told, at, known.at if known else None)
    found = view(told, unsent=_unsent(conn, gizmo_id))
    if found.author is not None:
        return found
    return msgspec.structs.replace(found, author=_known_as(conn, told.gizmo["user_id"]))


def view(
    told: Told,
    at: Micros | None = None,
    known_at: Micros | None = None,
    unsent: dict[str, Micros] | None = None,
) -> Gizmo:
    """What the rows of one GPT say as of a moment.

    Args:
        told: the rows.
        at: as of when; None: now.
        known_at: as known when they are, for the record's own field.
        unsent: the paths that no source sends any more, and since when.

    Raises:
        NotFound: there was no document at that moment yet.
    """
    row, unsent = told.gizmo, unsent or {}
    status = _standing(told.rows["statuses"], at)
    if status is None:
        raise NotFound(
            f"nothing is known of {told.gizmo_id} at {to_iso(at or 0)}: its first document is of"
            f" {to_iso(row['first_seen_at'])}"
        )
    facts = [fact for table in INTERVAL_TABLES for fact in _facts(told, table, at, unsent)]
    if at is None:
        facts += _volatile(told, unsent)
    owners = {table: _standing(told.rows.get(table, []), at) for table in INTERVAL_TABLES}
    lists = [_listed(told, listed, owners[listed.owner], at, unsent) for listed in LISTS]
    names = {
        fact.field.column: fact.value
        for fact in facts
        if fact.field.column in ("name", "display_name")
    }
    return Gizmo(
        gizmo_id=told.gizmo_id,
        at=at,
        known_at=known_at,
        name=names.get("name"),
        author=names.get("display_name"),
        status=status["status"],
        status_since=status["valid_from"],
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"] if at is None else None,
        last_asked_at=row["last_asked_at"] if at is None else None,
        last_changed_at=row["last_changed_at"] if at is None else None,
        stale_copies=row["stale_copies"] if at is None else None,
        facts=tuple(facts),
        lists=tuple(listed for listed in lists if listed is not None),
        metrics=next(iter(numbers(told, at)[-1:]), None),
        stats=_stats(told, at),
    )


_KNOWN_AS = Prepared(
    select(t.authors.c.display_name).where(t.authors.c.user_id == bindparam("user_id"))
)


def _known_as(conn: Connection, user_id: str | None) -> str | None:
    """The name that an author is known by."""
    return next((name for (name,) in _KNOWN_AS.rows(conn, {"user_id": user_id})), None)


def numbers(told: Told, until: Micros | None = None) -> list[Numbers]:
    """The points of ``vanity_metrics``, oldest first."""
    return [
        Numbers(
            at=row["observed_at"],
            source=told.said[row["observation_id"]].source,
            values={name: row[name] for name in NUMBERS if row[name] is not None},
        )
        for row in told.rows.get("vanity_metrics", [])
        if until is None or row["observed_at"] <= until
    ]


def counters(told: Told, until: Micros | None = None) -> list[Numbers]:
    """The points of the gateways' own counters, source by source, oldest first."""
    return [
        Numbers(
            at=row["observed_at"],
            source=row["source"],
            values={name: row[name] for name in STAT_FIELDS.values() if row[name] is not None},
        )
        for row in told.rows.get("source_stats", [])
        if until is None or row["observed_at"] <= until
    ]


def _stats(told: Told, at: Micros | None) -> tuple[Numbers, ...]:
    latest = {point.source: point for point in counters(told, at)}
    return tuple(latest[source] for source in sorted(latest))


def _standing(rows: Sequence[Row], at: Micros | None) -> Row | None:
    """The row whose interval holds ``at``."""
    return next((row for row in rows if _holds(row, at)), None)


def _holds(row: Row, at: Micros | None) -> bool:
    if at is None:
        return row["valid_to"] is None
    return row["valid_from"] <= at and (row["valid_to"] is None or at < row["valid_to"])


def _facts(told: Told, table: str, at: Micros | None, unsent: dict[str, Micros]) -> list[Fact]:
    """The fields of one interval table. Each holds since the first of its equal neighbours."""
    rows = [row for row in told.rows.get(table, []) if at is None or row["valid_from"] <= at]
    if not rows or not _holds(rows[-1], at):
        return []
    changed: dict[tuple[str, Micros], int] = {
        (row["field"], row["observed_at"]): row["observation_id"]
        for row in told.rows.get("changes", [])
        if not row["element"]
    }
    never = [_names(row["unstated_fields"]) for row in rows]
    facts = []
    for field in of_table(table):
        if field.column in never[-1]:
            continue
        first = len(rows) - 1
        while (
            first
            and field.column not in never[first - 1]
            and rows[first - 1][field.column] == rows[-1][field.column]
        ):
            first -= 1
        since: Micros = rows[first]["valid_from"]
        # A change names who brought it; a row only the first of all who moved a field of it.
        opener: int = rows[first]["observation_id"]
        facts.append(
            Fact(
                field=field,
                value=_value(told, field, rows[-1][field.column]),
                since=since,
                said=told.said[changed.get((field.path, since), opener)],
                unsent_since=unsent_since(field.path, unsent),
            )
        )
    return facts


@lru_cache(maxsize=1024)
def _names(stored: str) -> frozenset[str]:
    """A list of columns as a row has it: the same few stand in nearly all."""
    return frozenset(msgspec.json.decode(stored))


def _value(told: Told, field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.path in MIME_PATHS:
        return told.mime_sets.get(value, ())
    return msgspec.json.decode(value) if field.type == "json" else value


def _volatile(told: Told, unsent: dict[str, Micros]) -> list[Fact]:
    """What only the latest value is kept of."""
    row = told.gizmo
    return [
        Fact(
            field=field,
            value=_value(told, field, row[field.column]),
            since=None,
            said=told.volatile.get(field.column, told.said[row["observation_id"]]),
            unsent_since=unsent_since(field.path, unsent),
        )
        for field in of_table("gizmos")
        if row[field.column] is not None
    ]


def _listed(
    told: Told,
    listed: ListField,
    owner: Row | None,
    at: Micros | None,
    unsent: dict[str, Micros],
) -> Listed | None:
    """One list as of ``at``; None where it was never stated."""
    stated = None if owner is None else owner[listed.count_column]
    if stated is None:
        return None
    rows = [row for row in told.rows.get(listed.table, []) if _holds(row, at)]
    # What has a place in its list stands there; the others by their keys.
    rows.sort(key=lambda row: (row.get("position") is None, row.get("position"), row["element"]))
    items = tuple(
        Item(
            key=row["element"],
            values=_columns(listed, row),
            since=row["valid_from"],
            said=told.said[row["observation_id"]],
        )
        for row in rows
    )
    return Listed(
        field=listed,
        items=None if stated < 0 else items,
        unsent_since=unsent_since(listed.path, unsent),
    )


def _columns(listed: ListField, row: Row) -> dict[str, Any]:
    return {
        name: msgspec.json.decode(row[name]) if name in JSON_COLUMNS else row[name]
        for name in (*listed.content, *listed.volatile)
        if row[name] is not None
    }


def unsent_since(path: str, unsent: dict[str, Micros]) -> Micros | None:
    """Since when no source sends ``path``, by itself or with what it lies in."""
    return next(
        (
            at
            for gone, at in unsent.items()
            if path == gone or path.startswith((f"{gone}.", gone + "[]"))
        ),
        None,
    )


def _shaped() -> Select[Any]:
    o = t.observations.c
    return (
        select(o.source_id, o.wrapping, o.shape_id)
        .where(o.gizmo_id == bindparam("id"), o.payload_id != t.NOT_FOUND_PAYLOAD)
        .order_by(o.observed_at)
    )


def _moved() -> Select[Any]:
    d = t.drift.c
    return (
        select(d.source_id, d.wrapping, d.path, d.kind, d.at)
        .where(one_of(d.source_id, "sources"), or_(d.kind == "appeared", d.kind == "vanished"))
        .order_by(d.at)
    )


_SHAPED = Prepared(_shaped())
"""In which shape each document of a GPT came, the latest last."""
_MOVED = Prepared(_moved())
"""The paths that came to some sources, and went, in the order of time."""


def _unsent(conn: Connection, gizmo_id: str) -> dict[str, Micros]:
    """The paths that went out of the documents of this GPT's sources for good.

    A path counts where it vanished from one of these sources (rule 10), and none of them has it
    in its latest document of this GPT.
    """
    latest: dict[int, tuple[str, int | None]] = {}
    for source_id, wrapping, shape_id in _SHAPED.rows(conn, {"id": gizmo_id}):
        latest[source_id] = (wrapping, shape_id)
    gone: dict[str, Micros] = {}
    for source_id, wrapping, path, kind, at in _MOVED.rows(conn, {"sources": list(latest)}):
        if latest[source_id][0] != wrapping:
            continue
        if kind == "vanished":
            gone[path] = at
        else:
            gone.pop(path, None)
    if not gone:
        return {}
    sent = _paths(conn, {shape_id for _, shape_id in latest.values() if shape_id is not None})
    return {path: at for path, at in gone.items() if path not in sent}


def _paths(conn: Connection, shape_ids: set[int]) -> set[str]:
    """The paths of some shapes together."""
    found = conn.execute(
        select(t.shapes.c.paths).where(t.shapes.c.shape_id.in_(shape_ids))
    ).scalars()
    return {path for paths in found for path in msgspec.json.decode(paths)}
