"""Finding, in texts that are about something else, those who were to be forgotten.

Alarms, messages of jobs and bodies of failures quote what they are about. What names a GPT or an
author there is taken out of the text, or with it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Table, bindparam, delete, select, update

from catalog.errors import CatalogCorrupt
from catalog.storage import tables as t
from catalog.storage.codec import decompress
from catalog.storage.mentions import TURN_KEY
from catalog.storage.rows import chunks
from catalog.storage.tombstones import FORGOTTEN, Graves
from catalog.storage.work_tables import alarms, job_runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

SHORTEST = 4
"""Characters of a name that is looked for: a shorter one stands in half of all texts."""
STREAM = 500
"""Rows read at a time."""

_TEXTS: tuple[tuple[Table, str], ...] = (
    (job_runs, "message"),
    (t.runs, "reason"),
    (t.fetch_failures, "detail"),
    (t.probes, "question"),
)
"""Texts that are replaced where they name somebody: nothing else of the row does."""
_ROWS: tuple[tuple[Table, str], ...] = (
    (t.bookmarks, "name"),
    (t.fetch_failures, "asked_id"),
)
"""Rows that go where they are called by somebody's id."""


class Needles(msgspec.Struct, frozen=True, kw_only=True):
    """What names those who go.

    Attributes:
        ids: of GPTs, and ``user_id`` values.
        names: of GPTs and authors, long enough to be looked for.
        people: the authors' names: what searches were made with.
    """

    ids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    @classmethod
    def of(cls, conn: Connection, gizmo_ids: Collection[str], user_ids: Collection[str]) -> Needles:
        """All names that some GPTs and authors ever had.

        Args:
            conn: any transaction, before they are erased.
            gizmo_ids: the GPTs.
            user_ids: the authors.
        """
        names: set[str | None] = set()
        people: set[str | None] = set()
        r, a, d = t.gizmo_revisions.c, t.gizmo_authors.c, t.discoveries.c
        for part in chunks(sorted(gizmo_ids)):
            names.update(conn.execute(select(r.name).where(r.gizmo_id.in_(part))).scalars())
            names.update(conn.execute(select(d.title).where(d.gizmo_id.in_(part))).scalars())
        for part in chunks(sorted(user_ids)):
            people.update(conn.execute(select(a.display_name).where(a.user_id.in_(part))).scalars())
        return cls(
            ids=frozenset(gizmo_ids) | frozenset(user_ids),
            names=frozenset(
                name for name in names | people if name and len(name.strip()) >= SHORTEST
            ),
            people=frozenset(name for name in people if name),
        )

    def __bool__(self) -> bool:
        return bool(self.ids or self.names)

    def __or__(self, other: Needles) -> Needles:
        return Needles(
            ids=self.ids | other.ids,
            names=self.names | other.names,
            people=self.people | other.people,
        )

    def finder(self, *, names: bool = True) -> Callable[[bytes], bool]:
        """Whether some bytes name one of them, as UTF-8, as JSON or as HTML writes it.

        Args:
            names: by name too, not by id alone.
        """
        forms: set[str] = set()
        for word in self.ids | self.names if names else self.ids:
            forms |= {word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1]}
        for word in tuple(forms):
            marked = word.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            forms |= {marked, marked.replace('"', "&#34;").replace("'", "&#39;")}
        patterns = sorted((re.escape(form.encode()) for form in forms), key=len, reverse=True)
        if not patterns:
            return lambda _: False
        found = re.compile(b"|".join(patterns)).search
        return lambda data: found(data) is not None


def blank_mentions(conn: Connection, needles: Needles) -> Counter[str]:
    """Take those who go out of texts that are about something else.

    Args:
        conn: in a write transaction.
        needles: what names them.

    Returns:
        How many rows were changed or went, by table.
    """
    done: Counter[str] = Counter()
    if not needles:
        return done
    names, ids = needles.finder(), needles.finder(names=False)

    def remove(table: Table, hit: ColumnElement[bool]) -> Any:
        return delete(table).where(hit)

    for table, column in _ROWS:
        _each(conn, table, (column,), ids, remove, done)
    _each(conn, alarms, ("subject", "message"), names, remove, done)
    c = t.catalog_info.c
    turn = delete(t.catalog_info).where(c.key == TURN_KEY, c.value.in_(needles.people))
    done[t.catalog_info.name] += conn.execute(turn).rowcount
    for table, column in _TEXTS:

        def blank(table: Table, hit: ColumnElement[bool], column: str = column) -> Any:
            return update(table).where(hit).values({column: FORGOTTEN})

        _each(conn, table, (column,), names, blank, done)
    _details(conn, names, done)
    _each(
        conn,
        t.fetch_failures,
        ("body",),
        names,
        lambda table, hit: update(table).where(hit).values(body=None),
        done,
    )
    _each(
        conn,
        t.probes,
        ("answer", "body"),
        names,
        lambda table, hit: update(table).where(hit).values(answer=None, body=None),
        done,
    )
    return done


def blank_row(
    row: dict[str, Any],
    finds: Callable[[bytes], bool],
    graves: Graves | None,
    bodies: Collection[str],
) -> None:
    """As :func:`blank_mentions` does it, in a row of probes or failures that is not stored yet."""
    if graves is None:
        return
    texts = {name: _bytes(row[name]) for name in (*bodies, "detail") if row.get(name) is not None}
    named = {name for name, text in texts.items() if finds(text) or graves.named_in(text)}
    if named & set(bodies):
        row.update(dict.fromkeys(bodies))
    if "detail" in named:
        row["detail"] = FORGOTTEN


def _each(
    conn: Connection,
    table: Table,
    columns: tuple[str, ...],
    names: Callable[[bytes], bool],
    change: Callable[[Table, ColumnElement[bool]], Any],
    done: Counter[str],
) -> None:
    """Change every row of which a column names somebody."""
    keys = list(table.primary_key.columns)
    query = select(*keys, *(table.c[column] for column in columns))
    with conn.execute(query.execution_options(yield_per=STREAM)) as rows:
        found = [
            {f"key_{i}": row[i] for i in range(len(keys))}
            for row in rows
            if any(names(_bytes(value)) for value in row[len(keys) :])
        ]
    if not found:
        return
    hit: ColumnElement[bool] = keys[0] == bindparam("key_0")
    for i, key in enumerate(keys[1:], start=1):
        hit &= key == bindparam(f"key_{i}")
    conn.execute(change(table, hit), found)
    done[table.name] += len(found)


def _details(conn: Connection, names: Callable[[bytes], bool], done: Counter[str]) -> None:
    """Blank what sources said of outcomes: many rows, and few texts."""
    c = t.outcomes.c
    details = conn.execute(select(c.detail).distinct()).scalars()
    for part in chunks([detail for detail in details if names(_bytes(detail))]):
        statement = update(t.outcomes).where(c.detail.in_(part)).values(detail=FORGOTTEN)
        done[t.outcomes.name] += conn.execute(statement).rowcount


def _bytes(value: str | bytes | None) -> bytes:
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode(errors="replace")
    try:
        return decompress(value)
    except CatalogCorrupt:
        # Of no use to anybody, and nothing can be found in it.
        return value
