"""Whether sources agree: what two of them said of the same GPTs within a day of each other."""

from __future__ import annotations

import itertools
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select

from catalog.errors import NormalizeError
from catalog.fields import FIELDS, LISTS
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.rows import chunks
from catalog.times import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from catalog.records import Deriver, Document
    from catalog.times import Micros

APART = DAY
"""What lies further apart is no disagreement: the GPT may have changed between."""
_CONTENT = {field.column: field.path for field in FIELDS if field.cls == "content"}
_CONTENT_LISTS = {listed.table: listed for listed in LISTS if listed.cls == "content"}


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """A GPT of which two sources said different things.

    Attributes:
        gizmo_id: the GPT.
        sources: the two, by name.
        said_at: when each said so.
        fields: the paths in which they differ; ``status`` where one says that it does not exist.
    """

    gizmo_id: str
    sources: tuple[str, str]
    said_at: tuple[Micros, Micros]
    fields: tuple[str, ...]


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far two sources agree.

    Attributes:
        sources: the two, by name.
        compared: GPTs that both spoke of.
        agreed: of them, those of which they said the same.
        fields: how many GPTs differ in each path, the most first.
        examples: GPTs in which they differ.
    """

    sources: tuple[str, str]
    compared: int
    agreed: int
    fields: dict[str, int]
    examples: tuple[Disagreement, ...]


def agreements(
    conn: Connection, deriver: Deriver, since: Micros, until: Micros, *, examples: int = 10
) -> list[Agreement]:
    """Compare what sources said of the same GPTs in a window, pair by pair.

    Only fields that both state are compared: what a source does not send it does not deny (law 3).

    Args:
        conn: a reading transaction.
        deriver: decodes documents.
        since: from then on.
        until: until then.
        examples: disagreements told in full, at most, a pair.
    """
    compared: dict[tuple[str, str], list[Disagreement]] = defaultdict(list)
    for each in _pairs(conn, deriver, since, until):
        compared[each.sources].append(each)
    found = []
    for sources, pairs in sorted(compared.items()):
        differing = [each for each in pairs if each.fields]
        counts: dict[str, int] = defaultdict(int)
        for each in differing:
            for field in each.fields:
                counts[field] += 1
        found.append(
            Agreement(
                sources=sources,
                compared=len(pairs),
                agreed=len(pairs) - len(differing),
                fields=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
                examples=tuple(differing[:examples]),
            )
        )
    return found


def _pairs(
    conn: Connection, deriver: Deriver, since: Micros, until: Micros
) -> Iterator[Disagreement]:
    """Each GPT and pair of sources that spoke of it, with the fields in which they differ."""
    o = t.observations.c
    window = o.observed_at.between(since, until)
    several = (
        select(o.gizmo_id)
        .where(window)
        .group_by(o.gizmo_id)
        .having(func.count(o.source_id.distinct()) > 1)
        .order_by(o.gizmo_id)
    )
    names = {row.source_id: row.name for row in conn.execute(select(t.sources))}
    for part in chunks(list(conn.execute(several).scalars())):
        latest: dict[str, dict[str, tuple[Micros, int, str]]] = defaultdict(dict)
        rows = conn.execute(
            select(o.gizmo_id, o.source_id, o.observed_at, o.payload_id, o.wrapping)
            .where(o.gizmo_id.in_(part), window)
            .order_by(o.observed_at, o.payload_id)
        )
        for gizmo_id, source_id, at, payload_id, wrapping in rows:
            latest[gizmo_id][names[source_id]] = (at, payload_id, wrapping)
        wanted = {payload for said in latest.values() for _, payload, _ in said.values()}
        payloads = get_payloads(conn, wanted - {t.NOT_FOUND_PAYLOAD})
        for gizmo_id in part:
            said = latest[gizmo_id]
            documents = {}
            for name, (_, payload, wrapping) in said.items():
                raw = payloads.get(payload)
                # Rules may have changed since it was taken in; what they refuse is not compared.
                with suppress(NormalizeError):
                    documents[name] = deriver.document(raw, wrapping) if raw else None
            for one, other in itertools.combinations(sorted(documents), 2):
                if abs(said[one][0] - said[other][0]) <= APART:
                    yield Disagreement(
                        gizmo_id=gizmo_id,
                        sources=(one, other),
                        said_at=(said[one][0], said[other][0]),
                        fields=differing(documents[one], documents[other]),
                    )


def differing(one: Document | None, other: Document | None) -> tuple[str, ...]:
    """The paths of content in which two documents of one GPT contradict each other.

    Args:
        one: a document; None: there is no such GPT.
        other: likewise.
    """
    if one is None or other is None:
        return () if one is other else ("status",)
    fields = [
        path
        for column, path in _CONTENT.items()
        if column in one.scalars
        and column in other.scalars
        and one.scalars[column] != other.scalars[column]
    ]
    for table, listed in _CONTENT_LISTS.items():
        if table in one.lists and table in other.lists:
            sides = [
                {
                    key: {name: row.get(name) for name in listed.content}
                    for key, row in (document.lists[table] or {}).items()
                }
                for document in (one, other)
            ]
            if sides[0] != sides[1]:
                fields.append(listed.path)
    return tuple(fields)
