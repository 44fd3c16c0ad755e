"""What is known around the not-founds of a run, when it closes (rule 6)."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import exists, func, select, union_all

from catalog.records import Verdict
from catalog.storage import tables as t
from catalog.storage.rows import chunks
from catalog.times import DAY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from catalog.times import Micros


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """A not-found whose verdict is open, with what it is judged by.

    Attributes:
        observation_id: its row.
        observed_at: when it was said.
        source_last_document_at: when its source last gave any document by then, or None.
        source_knew_gpt: whether its source gave a document of this GPT by then.
        any_document_since: whether any source gave a document of this GPT after it.
    """

    observation_id: int
    observed_at: Micros
    source_last_document_at: Micros | None
    source_knew_gpt: bool
    any_document_since: bool


def open_absents(conn: Connection, run_id: str) -> list[Absent]:
    """The not-founds of a run that have no verdict yet."""
    o = t.observations.c
    is_document = o.payload_id != t.NOT_FOUND_PAYLOAD
    pending = list(
        conn.execute(
            select(o.observation_id, o.gizmo_id, o.source_id, o.observed_at).where(
                o.run_id == run_id, o.payload_id == t.NOT_FOUND_PAYLOAD, o.verdict == ""
            )
        )
    )
    if not pending:
        return []
    given = _given(conn, run_id, pending[0].source_id, min(row.observed_at for row in pending))
    documents: dict[str, list[tuple[int, Micros]]] = {}
    for part in chunks(sorted({row.gizmo_id for row in pending})):
        for gizmo_id, source, at in conn.execute(
            select(o.gizmo_id, o.source_id, o.observed_at).where(o.gizmo_id.in_(part), is_document)
        ):
            documents.setdefault(gizmo_id, []).append((source, at))
    return [
        Absent(
            observation_id=row.observation_id,
            observed_at=row.observed_at,
            source_last_document_at=(
                given[place - 1] if (place := bisect_right(given, row.observed_at)) else None
            ),
            source_knew_gpt=any(
                source == row.source_id and at <= row.observed_at
                for source, at in documents.get(row.gizmo_id, ())
            ),
            any_document_since=any(
                at > row.observed_at for _, at in documents.get(row.gizmo_id, ())
            ),
        )
        for row in pending
    ]


def _given(conn: Connection, run_id: str, source_id: int, first: Micros) -> list[Micros]:
    """When a source gave documents, in order: in the run, and last before its first not-found.

    What counts is when it answered. A cache's documents were said long before, and one whose time
    did not move leaves no observation at all: so outcomes tell, and observations only where a
    document came without having been asked for.
    """
    o, d = t.outcomes.c, t.observations.c
    gave = (o.source_id == source_id, o.verdict.in_((Verdict.DOCUMENT, Verdict.MISMATCHED)))
    is_document = d.payload_id != t.NOT_FOUND_PAYLOAD
    times = union_all(
        select(o.at).where(o.run_id == run_id, *gave),
        select(func.max(o.at)).where(o.at.between(first - DAY, first), *gave),
        select(d.observed_at).where(d.run_id == run_id, d.source_id == source_id, is_document),
        select(func.max(d.observed_at)).where(
            d.source_id == source_id, is_document, d.observed_at.between(first - DAY, first)
        ),
    )
    return sorted(at for at in conn.execute(times).scalars() if at is not None)


def to_confirm(conn: Connection, now: Micros, limit: int) -> list[str]:
    """The GPTs whose last answer was a not-found of an earlier UTC day, due, and not gone yet.

    Args:
        conn: any transaction.
        now: the present moment: the second not-found has to be of another day (rule 6).
        limit: at most so many, the longest waiting first.
    """
    f, g = t.frontier.c, t.gizmos.c
    return list(
        conn.execute(
            select(f.gizmo_id)
            .join(t.gizmos, g.gizmo_id == f.gizmo_id)
            .where(
                f.last_verdict == Verdict.NOT_FOUND,
                f.last_asked_at < now - now % DAY,
                f.due_at <= now,
                g.status != "gone",
            )
            .order_by(f.last_asked_at, f.gizmo_id)
            .limit(limit)
        ).scalars()
    )


class Denied(msgspec.Struct, frozen=True):
    """That a source said last of a GPT that there is none.

    Attributes:
        source: its name.
        at: when.
    """

    source: str
    at: Micros


def who_denied(conn: Connection, ids: Collection[str]) -> dict[str, Denied]:
    """The source that last said of each GPT that there is none.

    Args:
        conn: any transaction.
        ids: of the GPTs; one of which no source said so is left out.
    """
    o, s = t.observations.c, t.sources.c
    found: dict[str, Denied] = {}
    for part in chunks(sorted(ids)):
        query = (
            select(o.gizmo_id, s.name, o.observed_at)
            .join(t.sources, s.source_id == o.source_id)
            .where(o.gizmo_id.in_(part), o.payload_id == t.NOT_FOUND_PAYLOAD)
            .order_by(o.gizmo_id, o.observed_at, s.name)
        )
        # The last of a GPT stays.
        found.update((gizmo_id, Denied(name, at)) for gizmo_id, name, at in conn.execute(query))
    return found


def shown_since(conn: Connection, since: Mapping[str, Micros]) -> set[str]:
    """The GPTs of which a source gave a document that is younger than a moment.

    A cache may answer with a document that is older: that says nothing.

    Args:
        conn: any transaction.
        since: the moment, by GPT.
    """
    o = t.observations.c
    found: set[str] = set()
    for part in chunks(sorted(since)):
        query = (
            select(o.gizmo_id, func.max(o.observed_at))
            .where(o.gizmo_id.in_(part), o.payload_id != t.NOT_FOUND_PAYLOAD)
            .group_by(o.gizmo_id)
        )
        found.update(each for each, at in conn.execute(query) if at > since[each])
    return found


def companions(
    conn: Connection, ids: Collection[str], count: int, *, source: str, asked_by: Micros
) -> list[str]:
    """GPTs that are listed and next due, to be asked beside ``ids``: they show a source to be well.

    Args:
        conn: any transaction.
        ids: not these.
        count: how many.
        source: they are of those that it gave a document of.
        asked_by: not those asked later than that: they had their turn.
    """
    f, g, o, s = t.frontier.c, t.gizmos.c, t.observations.c, t.sources.c
    given_by = select(s.source_id).where(s.name == source).scalar_subquery()
    found = conn.execute(
        select(f.gizmo_id)
        .join(t.gizmos, g.gizmo_id == f.gizmo_id)
        .where(
            g.status == "listed",
            f.last_verdict == Verdict.DOCUMENT,
            f.last_asked_at <= asked_by,
            exists().where(
                o.gizmo_id == f.gizmo_id,
                o.source_id == given_by,
                o.payload_id != t.NOT_FOUND_PAYLOAD,
            ),
        )
        .order_by(f.due_at, f.gizmo_id)
        .limit(count + len(ids))
    ).scalars()
    return [each for each in found if each not in ids][:count]
