"""Probes: what GPTs answered when they were asked, and which of them to ask next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import exists, func, insert, select

from catalog.storage import tables as t
from catalog.storage.codec import compress
from catalog.storage.locks import share_derivation
from catalog.storage.tombstones import forgotten_among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from catalog.times import Micros

TELLING = ("answered", "silent", "malformed")
"""The verdicts that say something of a GPT: after the others its source did not ask it, or was
down (law 4)."""
TRIES = 3
"""Probes that tell nothing of a GPT after which it waits as if it had been probed: one that a
source cannot ask must not take the turn of the others every day."""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One question to one GPT, and what came of it.

    Attributes:
        gizmo_id: the GPT.
        source_id: where it was asked.
        run_id: the run.
        at: when the answer's last byte came.
        model: the model name that was used.
        question: what was asked.
        verdict: ``answered``, ``silent``, or what the answer was taken for instead.
        status: HTTP status, 0 for none.
        answer: what it said; None for nothing.
        body: the answer's bytes, secrets replaced; None where it was none.
        redacted: whether a secret was replaced in them (law 10).
        seconds: how long the answer took.
        streamed: whether it came piece by piece.
        first_seconds: till the first piece, of one that was streamed.
        prompt_tokens: as the source counts them.
        completion_tokens: likewise.
        finish_reason: why the answer ended, as the source says.
        parameters: canonical JSON of the request's parameters.
        cost: by the prices that are set.
    """

    gizmo_id: str
    source_id: int
    run_id: str
    at: Micros
    model: str
    question: str
    verdict: str
    status: int
    answer: str | None
    body: bytes | None
    redacted: bool
    seconds: float
    streamed: bool
    first_seconds: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    parameters: str
    cost: float | None


def add_probe(conn: Connection, probe: Probe) -> None:
    """Write down one probe, unless its GPT was to be forgotten meanwhile."""
    share_derivation(conn)
    if forgotten_among(conn, [probe.gizmo_id]):
        return
    body = None if probe.body is None else compress(probe.body)
    conn.execute(insert(t.probes), msgspec.structs.asdict(probe) | {"body": body})


def add_new_probes(conn: Connection, probes: Sequence[Probe]) -> int:
    """Write down probes that are not here yet; how many that were.

    Args:
        conn: a writing transaction.
        probes: as another catalog told them; equal are those of one moment that asked the same.
    """
    p, new = t.probes.c, 0
    for probe in probes:
        mine = (p.gizmo_id == probe.gizmo_id, p.at == probe.at, p.source_id == probe.source_id)
        same = (p.model == probe.model, p.question == probe.question)
        if conn.execute(select(p.probe_id).where(*mine, *same)).first() is None:
            add_probe(conn, probe)
            new += 1
    return new


def largest_prompt(conn: Connection, source: str) -> int:
    """The most tokens that a prompt took at a source, as it counted them; 0 before it did.

    Args:
        conn: any transaction.
        source: the source's name.
    """
    p = t.probes.c
    query = (
        select(func.max(p.prompt_tokens))
        .join(t.sources, t.sources.c.source_id == p.source_id)
        .where(t.sources.c.name == source)
    )
    return int(conn.execute(query).scalar() or 0)


def to_probe(conn: Connection, *, since: Micros, limit: int) -> list[str]:
    """The most used GPTs that were not probed lately.

    Args:
        conn: any transaction.
        since: one of which a probe told something later than that waits.
        limit: at most so many.
    """
    c, p = t.listings.c, t.probes.c
    mine = (p.gizmo_id == c.gizmo_id, p.at > since)
    lately = exists().where(*mine, p.verdict.in_(TELLING))
    tries = select(func.count()).select_from(t.probes).where(*mine).scalar_subquery()
    listed = exists().where(t.gizmos.c.gizmo_id == c.gizmo_id, t.gizmos.c.status == "listed")
    query = (
        select(c.gizmo_id)
        .where(listed, ~lately, tries < TRIES)
        .order_by(c.by_conversations, c.gizmo_id)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())
