"""All that is told of one GPT, as rows: by the tables, or by the archive as it was known once.

The tables say what is known now. What was known at an earlier moment is replayed from the archive
(rule 12). Both come out in one form, so that whatever reads them is written once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, bindparam, select

from catalog.decide.state import decode_state
from catalog.errors import NotFound
from catalog.fields import BY_COLUMN
from catalog.storage import tables as t
from catalog.storage.codec import decompress
from catalog.storage.dialects import one_of
from catalog.storage.prepared import Prepared
from catalog.storage.rows import PER_GPT, chunks
from catalog.storage.sources import source_names
from catalog.storage.stage1 import load_statements
from catalog.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.records import Deriver, Row, Statement
    from catalog.times import Micros


MIME_SETS = ("accepted_mime_types", "image_mime_types")
"""Columns that name a set of MIME types by its digest."""
MIME_PATHS = frozenset(BY_COLUMN["attachments", column].path for column in MIME_SETS)


class Said(msgspec.Struct, frozen=True):
    """The observation that a row names (law 7).

    Attributes:
        source: who said it.
        at: when it was said.
    """

    source: str
    at: Micros


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one GPT.

    Attributes:
        gizmo_id: the GPT.
        rows: by table, in the order of their keys; sources by name.
        said: the observations that the rows name.
        volatile: who stated each volatile column of the current row last, and when: the row names
            but one observation, and several sources may have brought it together.
        mime_sets: members of the sets of MIME types that the rows name, by digest.
    """

    gizmo_id: str
    rows: dict[str, list[Row]]
    said: dict[int, Said]
    volatile: dict[str, Said]
    mime_sets: dict[str, tuple[str, ...]]

    @property
    def gizmo(self) -> Row:
        """The current row."""
        return self.rows["gizmos"][0]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """As of when the archive is read, and by which rules.

    Attributes:
        at: only what was recorded by then.
        deriver: the rules.
    """

    at: Micros
    deriver: Deriver


def tell(conn: Connection, gizmo_id: str, known: Known | None = None) -> Told:
    """All rows of one GPT.

    Args:
        conn: a reading transaction.
        gizmo_id: the GPT.
        known: replay what was known then, in place of reading the tables.

    Raises:
        NotFound: no document of it is known; the text says what is.
    """
    told = _from_tables(conn, gizmo_id) if known is None else _from_archive(conn, gizmo_id, known)
    if not told.rows.get("gizmos"):
        raise NotFound(_what_is_known(conn, gizmo_id, known))
    return told


def mime_sets(conn: Connection, digests: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The members of sets of MIME types, sorted, by digest."""
    c = t.mime_sets.c
    members: dict[str, list[str]] = {}
    for part in chunks(sorted(set(digests))):
        for digest, member in conn.execute(
            select(c.set_digest, c.mime_type)
            .where(c.set_digest.in_(part))
            .order_by(c.set_digest, c.mime_type)
        ):
            members.setdefault(digest, []).append(member)
    return {digest: tuple(found) for digest, found in members.items()}


_ROWS = {
    table.name: (
        table.columns.keys(),
        Prepared(
            select(table)
            .where(table.c.gizmo_id == bindparam("id"))
            .order_by(*table.primary_key.columns)
        ),
    )
    for table in PER_GPT
}
"""By table: the keys of its columns, and what selects the rows of a GPT."""
_SAID = Prepared(
    select(
        t.observations.c.observation_id,
        t.observations.c.source_id,
        t.observations.c.observed_at,
    ).where(one_of(t.observations.c.observation_id, "numbers"))
)
_STATE = Prepared(select(t.fold_states.c.state).where(t.fold_states.c.gizmo_id == bindparam("id")))


def _from_tables(conn: Connection, gizmo_id: str) -> Told:
    sources = source_names(conn)
    rows: dict[str, list[Row]] = {}
    for name, (keys, query) in _ROWS.items():
        rows[name] = [
            _with_source(dict(zip(keys, row, strict=True)), sources)
            for row in query.rows(conn, {"id": gizmo_id})
        ]
    digests = {row[column] for row in rows["attachments"] for column in MIME_SETS if row[column]}
    return Told(
        gizmo_id=gizmo_id,
        rows=rows,
        said=_said(conn, rows, sources),
        volatile=_volatile(conn, gizmo_id),
        mime_sets=mime_sets(conn, digests),
    )


def _volatile(conn: Connection, gizmo_id: str) -> dict[str, Said]:
    states = _STATE.rows(conn, {"id": gizmo_id})
    return _stated(decompress(states[0][0])) if states else {}


def _stated(state: bytes) -> dict[str, Said]:
    """Who stated each volatile column last, as the fold remembers it."""
    return {column: Said(*who) for column, who in decode_state(state).volatile.items()}


def _with_source(row: Row, sources: dict[int, str]) -> Row:
    if "source_id" in row:
        row["source"] = sources[row.pop("source_id")]
    return row


def _said(conn: Connection, rows: dict[str, list[Row]], sources: dict[int, str]) -> dict[int, Said]:
    wanted = {row["observation_id"] for each in rows.values() for row in each}
    said: dict[int, Said] = {}
    for part in chunks(sorted(wanted)):
        for number, source_id, at in _SAID.rows(conn, {"numbers": part}):
            said[number] = Said(sources[source_id], at)
    return said


def replayed(
    conn: Connection,
    gizmo_id: str,
    deriver: Deriver,
    *,
    until: Micros | None = None,
    known_at: Micros | None = None,
) -> tuple[dict[str, list[Row]], list[Statement], dict[str, Said]]:
    """Fold one GPT's statements again.

    Args:
        conn: a reading transaction.
        gizmo_id: the GPT.
        deriver: the rules.
        until: only what was said by then.
        known_at: only what was recorded by then.

    Returns:
        The rows by table, the statements, and :attr:`Told.volatile`.
    """
    statements = load_statements(conn, deriver, [gizmo_id], known_at)[0].get(gizmo_id, [])
    if until is not None:
        statements = [statement for statement in statements if statement.observed_at <= until]
    if not statements:
        return {}, [], {}
    folded = deriver.fold(gizmo_id, None, statements)
    rows = {
        name: [row for _, row in sorted(by_key.items())] for name, by_key in folded.rows.items()
    }
    # What a table's row has and the fold leaves to stage 2 is not known of another moment.
    for row in rows.get("changes", ()):
        row.setdefault("event_id", None)
    return rows, statements, _stated(folded.state)


def _from_archive(conn: Connection, gizmo_id: str, known: Known) -> Told:
    rows, statements, volatile = replayed(conn, gizmo_id, known.deriver, known_at=known.at)
    sets: dict[str, list[str]] = {}
    for row in rows.pop("mime_sets", []):
        sets.setdefault(row["set_digest"], []).append(row["mime_type"])
    return Told(
        gizmo_id=gizmo_id,
        rows=rows,
        said={each.observation_id: Said(each.source, each.observed_at) for each in statements},
        volatile=volatile,
        mime_sets={digest: tuple(members) for digest, members in sets.items()},
    )


def _what_is_known(conn: Connection, gizmo_id: str, known: Known | None) -> str:
    """Why nothing can be told of a GPT."""
    if known is not None:
        first = conn.execute(
            select(t.observations.c.recorded_at)
            .where(t.observations.c.gizmo_id == gizmo_id)
            .order_by(t.observations.c.recorded_at)
            .limit(1)
        ).scalar()
        if first is not None:
            return (
                f"no document of {gizmo_id} was known at {to_iso(known.at)}: the first word of it"
                f" was recorded at {to_iso(first)}"
            )
    f = t.frontier.c
    row: Any = conn.execute(
        select(f.last_asked_at, f.last_verdict).where(f.gizmo_id == gizmo_id)
    ).first()
    if row is None:
        return (
            f"the catalog holds nothing of {gizmo_id}: ask for it with"
            f" gpts-catalog harvest {gizmo_id}"
        )
    if row.last_asked_at is None:
        return (
            f"{gizmo_id} is known by name but was never asked for: ask with"
            f" gpts-catalog harvest {gizmo_id}"
        )
    return (
        f"the catalog holds no document of {gizmo_id}: it was last asked for at"
        f" {to_iso(row.last_asked_at)}, which ended in {row.last_verdict}"
    )
