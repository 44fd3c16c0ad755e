"""Taking documents that are erased out of the counts of ``unmapped_fields``.

A path's row says how many observations have it, when the first and the last were said, and quotes
the first. Only where the first or the last goes are others looked for, among the documents whose
shape has the path.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, select, update

from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog.records import Deriver
    from catalog.times import Micros

PART = 200
"""Observations decoded at a time."""

Lost = dict[str, list[tuple["Micros", str]]]
"""By path, when each erased document with it was said, and the example in it."""


def uncount_unmapped(conn: Connection, deriver: Deriver, lost: Lost) -> None:
    """Make the rows of some paths be what is left of them.

    Args:
        conn: in a write transaction, after the observations were erased.
        deriver: the rules.
        lost: what went.
    """
    c = t.unmapped_fields.c
    paths = sorted(lost)
    shapes = _shapes_with(conn, set(paths))
    for part in chunks(paths):
        standing = {
            row["path"]: row
            for row in conn.execute(select(t.unmapped_fields).where(c.path.in_(part))).mappings()
        }
        for path in part:
            row = standing.get(path)
            if row is None:
                continue
            mine = c.path == path
            count = row["count"] - len(lost[path])
            if count <= 0:
                conn.execute(delete(t.unmapped_fields).where(mine))
                continue
            values: dict[str, object] = {"count": count}
            times = [at for at, _ in lost[path]]
            if (row["first_seen_at"], row["example"]) in lost[path] or min(times) <= row[
                "first_seen_at"
            ]:
                first = _at_the_end(conn, deriver, path, shapes[path], latest=False)
                if first is not None:
                    values |= {"first_seen_at": first[0], "example": min(first[1])}
            if max(times) >= row["last_seen_at"]:
                last = _at_the_end(conn, deriver, path, shapes[path], latest=True)
                if last is not None:
                    values["last_seen_at"] = last[0]
            conn.execute(update(t.unmapped_fields).where(mine).values(values))


def _shapes_with(conn: Connection, paths: set[str]) -> dict[str, list[int]]:
    """The shapes that have each of some paths."""
    found: dict[str, list[int]] = {path: [] for path in paths}
    s = t.shapes.c
    for shape_id, text in conn.execute(select(s.shape_id, s.paths)).all():
        for path in paths.intersection(msgspec.json.decode(text, type=list[str])):
            found[path].append(shape_id)
    return found


def _at_the_end(
    conn: Connection, deriver: Deriver, path: str, shapes: Sequence[int], *, latest: bool
) -> tuple[Micros, list[str]] | None:
    """When a path was first, or last, said, and the examples of that moment."""
    o = t.observations.c
    order = o.observed_at.desc() if latest else o.observed_at
    query = select(o.observed_at, o.payload_id, o.wrapping).where(o.shape_id.in_(shapes))
    with conn.execute(query.order_by(order).execution_options(yield_per=PART)) as rows:
        examples = _examples(conn, deriver, path, rows.partitions())
        for at, found in itertools.groupby(examples, key=lambda each: each[0]):
            return at, [example for _, example in found]
    return None


def _examples(
    conn: Connection,
    deriver: Deriver,
    path: str,
    parts: Iterable[Sequence[tuple[Micros, int, str]]],
) -> Iterator[tuple[Micros, str]]:
    for part in parts:
        payloads = get_payloads(conn, {payload_id for _, payload_id, _ in part})
        for at, payload_id, wrapping in part:
            document = deriver.document(payloads[payload_id], wrapping)
            for unmapped in document.unmapped:
                if unmapped.path == path:
                    yield at, unmapped.example
