"""What GPTs answered when they were asked, and how that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, and_, func, select

from catalog.storage import tables as t
from catalog.storage.probes import TELLING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.times import Micros

ANSWERED = "answered"


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a GPT and what came of it; see :class:`catalog.storage.probes.Probe`."""

    gizmo_id: str
    source: str
    at: Micros
    verdict: str
    status: int
    seconds: float
    first_seconds: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    cost: float | None
    question: str
    answer: str | None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A GPT that began or ceased to answer.

    Attributes:
        gizmo_id: the GPT.
        name: its name.
        at: when it was found.
        before: the verdict of the probe before.
        after: the verdict of this one.
    """

    gizmo_id: str
    name: str | None
    at: Micros
    before: str
    after: str


_p = t.probes.c


def history(conn: Connection, gizmo_id: str) -> list[Probe]:
    """All probes of one GPT, oldest first."""
    query = (
        select(
            t.sources.c.name.label("source"),
            *(_p[name] for name in Probe.__struct_fields__ if name != "source"),
        )
        .join(t.sources, t.sources.c.source_id == _p.source_id)
        .where(_p.gizmo_id == gizmo_id)
        .order_by(_p.at, _p.probe_id)
    )
    return [Probe(**row) for row in conn.execute(query).mappings()]


def turns(conn: Connection, since: Micros, until: Micros) -> Iterator[Turn]:
    """The GPTs that began or ceased to answer in a window: each probe against the one before.

    Probes of which nothing came, since the source was down or refused, say nothing about a GPT
    (law 4): they are passed over.

    Args:
        conn: a reading transaction.
        since: from then on.
        until: until then.
    """
    says = _p.verdict.in_(TELLING)
    asked = select(_p.gizmo_id).where(_p.at.between(since, until), says).distinct()
    before = func.lag(_p.verdict).over(partition_by=_p.gizmo_id, order_by=(_p.at, _p.probe_id))
    pairs = (
        select(_p.gizmo_id, _p.at, _p.verdict.label("after"), before.label("before"))
        .where(_p.gizmo_id.in_(asked), says)
        .subquery()
    )
    c = pairs.c
    moved = and_(c.at.between(since, until), (c.before == ANSWERED) != (c.after == ANSWERED))
    query = (
        select(c.gizmo_id, t.gizmos.c.name, c.at, c.before, c.after)
        .outerjoin(t.gizmos, t.gizmos.c.gizmo_id == c.gizmo_id)
        .where(c.before.is_not(None), moved)
        .order_by(c.at, c.gizmo_id)
    )
    for row in conn.execute(query).mappings():
        yield Turn(**row)
